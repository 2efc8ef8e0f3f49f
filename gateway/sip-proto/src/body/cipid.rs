//! Contact information (RFC 4482): who the person is.

use super::xml::{XmlError, XmlReader, XmlWriter};

/// The CIPID elements of a person or tuple; all but the name are URIs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the elements")]
pub struct Cipid {
    pub card: Option<String>,
    pub display_name: Option<String>,
    pub homepage: Option<String>,
    pub icon: Option<String>,
    pub map: Option<String>,
    pub sound: Option<String>,
}

impl Cipid {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads one element; `None` when it is not one of these. The first of a kind counts.
    pub(super) fn read(&mut self, reader: &mut XmlReader<'_>, name: &str) -> Result<Option<()>, XmlError> {
        let target = match name {
            "card" => &mut self.card,
            "display-name" => &mut self.display_name,
            "homepage" => &mut self.homepage,
            "icon" => &mut self.icon,
            "map" => &mut self.map,
            "sound" => &mut self.sound,
            _ => return Ok(None),
        };
        let text = reader.text()?.trim().to_owned();
        if !text.is_empty() {
            target.get_or_insert(text);
        }
        Ok(Some(()))
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.leaf_if("c:card", self.card.as_deref());
        writer.leaf_if("c:display-name", self.display_name.as_deref());
        writer.leaf_if("c:homepage", self.homepage.as_deref());
        writer.leaf_if("c:icon", self.icon.as_deref());
        writer.leaf_if("c:map", self.map.as_deref());
        writer.leaf_if("c:sound", self.sound.as_deref());
    }
}
