//! What vendors put into presence: kept as it came, and carried through places that know XML only.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::codec::{is_protocol_namespace, xml};
use crate::error::{CodecError, WriteError};
use crate::limit::Limits;
use crate::schema::{ElementName, element};
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// An element outside the documents, with everything in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorElement {
    /// The name of the element.
    pub name: Box<str>,
    /// Its namespace; none when it is that of the protocol.
    #[serde(default)]
    pub namespace: Option<Box<str>>,
    /// Its attributes, names and values.
    #[serde(default)]
    pub attributes: Vec<(Box<str>, Box<str>)>,
    /// Its text, if it holds text.
    pub text: Option<Box<str>>,
    /// The elements in it.
    pub children: Vec<Self>,
}

impl VendorElement {
    /// An element of the protocol's namespace with a text in it.
    #[must_use]
    pub fn with_text(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: Some(text).filter(|text| !text.is_empty()).map(Into::into), ..Self::default() }
    }

    /// The Qualifier in it, if it follows the pattern of the attributes of the documents.
    #[must_use]
    pub fn qualifier(&self) -> Option<bool> {
        let child = self.children.iter().find(|child| child.name.as_ref() == element::QUALIFIER.as_str())?;
        match child.text.as_deref() {
            Some("T" | "t") => Some(true),
            Some("F" | "f") => Some(false),
            _ => None,
        }
    }

    /// The element as a document that needs nothing from outside: what is in no namespace of its own gets that of
    /// presence attributes.
    ///
    /// # Errors
    /// When a name or a text cannot be written.
    pub fn to_xml(&self, version: Version) -> Result<String, WriteError> {
        let mut writer = xml::Writer::new(version);
        self.write_in(&mut writer, Some(version.presence_namespace()));
        String::from_utf8(writer.finish()?).map_err(|_| WriteError::ForbiddenCharacter)
    }

    /// The element that a document is, as [`VendorElement::to_xml`] has written it, or somebody like it.
    ///
    /// # Errors
    /// When it is no document.
    pub fn from_xml(document: &str, limits: &Limits) -> Result<Self, CodecError> {
        Ok(Self::read(xml::read(document.as_bytes(), limits)?.root()))
    }

    pub(crate) fn read(e: Element<'_, '_>) -> Self {
        Self {
            name: e.local_name().into(),
            namespace: e.namespace().filter(|namespace| !is_protocol_namespace(namespace)).map(Into::into),
            attributes: e.attributes().map(|(name, value)| (name.into(), value.into())).collect(),
            text: Some(e.trimmed()).filter(|text| !text.is_empty()),
            children: e.children().map(Self::read).collect(),
        }
    }

    pub(crate) fn write(&self, sink: &mut dyn Sink) {
        self.write_in(sink, None);
    }

    /// Writes it; `outer` is the namespace to declare where it has none of its own.
    fn write_in(&self, sink: &mut dyn Sink, outer: Option<&str>) {
        match (&self.namespace, ElementName::from_text(&self.name), outer) {
            (Some(namespace), _, _) => sink.open_vendor(&self.name, Some(namespace)),
            (None, Some(known), None) => sink.open(known),
            (None, Some(known), Some(outer)) => sink.open_with_namespace(known, outer),
            (None, None, outer) => sink.open_vendor(&self.name, outer),
        }
        for (name, value) in &self.attributes {
            sink.attribute(name, value);
        }
        self.write_content(sink, self.namespace.is_some());
        sink.close();
    }

    fn write_content(&self, sink: &mut dyn Sink, is_foreign: bool) {
        for child in &self.children {
            if is_foreign && child.namespace.is_none() {
                child.write_foreign(sink);
            } else {
                child.write_in(sink, None);
            }
        }
        // An element takes either a value or elements.
        if let (Some(text), true) = (&self.text, self.children.is_empty()) {
            sink.text(text);
        }
    }

    /// Inside a vendor's namespace no name is one of the protocol.
    fn write_foreign(&self, sink: &mut dyn Sink) {
        sink.open_vendor(&self.name, None);
        for (name, value) in &self.attributes {
            sink.attribute(name, value);
        }
        self.write_content(sink, true);
        sink.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weather() -> VendorElement {
        VendorElement {
            name: "Weather".into(),
            namespace: Some("http://vendor.example/pa".into()),
            attributes: vec![("unit".into(), "C".into())],
            text: None,
            children: vec![VendorElement::with_text("Name", "rain & wind"), VendorElement::with_text("Degrees", "-3")],
        }
    }

    #[test]
    fn what_goes_through_xml_comes_back_as_it_was() {
        let shoe = VendorElement {
            name: "ShoeSize".into(),
            children: vec![VendorElement::with_text("Qualifier", "T"), VendorElement::with_text("PresenceValue", "44")],
            ..VendorElement::default()
        };
        for version in Version::ALL {
            let text = shoe.to_xml(version).unwrap();
            assert!(text.starts_with(&format!("<ShoeSize xmlns=\"{}\">", version.presence_namespace())), "{text}");
            for element in [&shoe, &weather()] {
                let text = element.to_xml(version).unwrap();
                assert_eq!(&VendorElement::from_xml(&text, &Limits::default()).unwrap(), element, "{text}");
            }
        }
        assert_eq!((shoe.qualifier(), weather().qualifier()), (Some(true), None));
    }

    #[test]
    fn what_cannot_be_written_or_read_is_refused() {
        let broken = VendorElement { name: "a b".into(), ..VendorElement::default() };
        assert!(broken.to_xml(Version::V1_2).is_err());
        assert!(VendorElement::from_xml("<ext", &Limits::default()).is_err());
    }
}
