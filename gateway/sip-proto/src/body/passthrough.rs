//! WV attributes in a namespace of our own, so that a WV document survives the way through SIMPLE.

use super::namespace::WV_PASSTHROUGH;
use super::xml::{XmlElement, XmlError, XmlFragment, XmlName, XmlReader, XmlWriter};
use std::borrow::Cow;

/// One element of the namespace `urn:x-wv-iwf:pa:1`, for instance `wvx:client-type`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Passthrough {
    /// Its name.
    pub name: XmlName,
    /// Its text; empty when there are children.
    pub text: String,
    /// Children of the same namespace.
    pub children: Vec<Passthrough>,
    /// Children of other namespaces, as they came.
    pub foreign: Vec<XmlFragment>,
}

impl Passthrough {
    /// An element that holds text.
    #[must_use]
    pub const fn from_text(name: XmlName, text: String) -> Self {
        Self { name, text, children: Vec::new(), foreign: Vec::new() }
    }

    /// An element that holds elements.
    #[must_use]
    pub const fn from_children(name: XmlName, children: Vec<Self>) -> Self {
        Self { name, text: String::new(), children, foreign: Vec::new() }
    }

    /// The first child of that name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name.as_str() == name)
    }

    /// The depth limit of the reader bounds the recursion.
    pub(super) fn read<'a>(reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<Self, XmlError> {
        let mut read = Self::from_text(XmlName::parse(element.name())?, String::new());
        let mut text = Cow::Borrowed("");
        while let Some(child) = reader.next_child_or_text(&mut text)? {
            if child.namespace() == WV_PASSTHROUGH {
                read.children.push(Self::read(reader, &child)?);
            } else {
                read.foreign.push(reader.fragment(&child)?);
            }
        }
        if read.children.is_empty() && read.foreign.is_empty() {
            read.text = text.into_owned();
        }
        Ok(read)
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open_named("wvx", &self.name);
        if self.children.is_empty() && self.foreign.is_empty() {
            writer.text(&self.text);
        }
        for child in &self.children {
            child.write(writer);
        }
        for fragment in &self.foreign {
            writer.fragment(fragment);
        }
        writer.close();
    }
}
