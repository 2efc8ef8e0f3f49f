//! An element kept as it was written.

use super::writer::escape_attribute;
use super::{XmlError, XmlLimits, XmlReader};
use std::sync::Arc;

/// One element as well-formed XML that needs nothing from outside: what is not understood is carried on like this.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct XmlFragment {
    namespace: Arc<str>,
    name: Arc<str>,
    xml: Arc<str>,
}

impl XmlFragment {
    /// Takes over an element from elsewhere, checking it like any document.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn parse(xml: &str, limits: &XmlLimits) -> Result<Self, XmlError> {
        let mut reader = XmlReader::new(xml.as_bytes(), limits)?;
        let root = reader.root()?;
        let fragment = reader.fragment(&root)?;
        reader.finish()?;
        Ok(fragment)
    }

    /// Namespace of the element; empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Name of the element without prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element itself.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// Puts the declarations that `raw` borrows from the document around it into its start tag.
    pub(super) fn assemble(
        namespace: &str,
        name: &str,
        raw: &str,
        borrowed: &[(&str, &str)],
    ) -> Result<Self, XmlError> {
        let name_end =
            raw.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).ok_or(XmlError::NotWellFormed)?;
        let (start, rest) = raw.split_at_checked(name_end).ok_or(XmlError::NotWellFormed)?;
        let mut xml = String::with_capacity(raw.len().saturating_add(64));
        xml.push_str(start);
        for (prefix, uri) in borrowed {
            xml.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            xml.push_str(prefix);
            xml.push_str("=\"");
            escape_attribute(uri, &mut xml);
            xml.push('"');
        }
        xml.push_str(rest);
        Ok(Self { namespace: namespace.into(), name: name.into(), xml: xml.into() })
    }
}
