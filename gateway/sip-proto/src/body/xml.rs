//! A strict and bounded way to read and write XML.
//!
//! What is dangerous in documents from the network is refused: no document type, no entities but the predefined and numeric ones, no forbidden characters, one root, no
//! undeclared prefix, and a limit for everything. Elements are told apart by namespace and local name, never by prefix.

mod check;
mod fragment;
mod lexer;
mod reader;
mod select;
mod tree;
mod writer;

pub use fragment::XmlFragment;
pub use reader::{XmlAttribute, XmlElement, XmlReader};
pub use select::{Located, Part, SelectError, Selector, Way};
pub use tree::{TreeAttribute, XmlNode, XmlTree};
pub use writer::{XmlBinding, XmlWriter};

use thiserror::Error;

/// How much of a document is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// Octets of the whole document.
    pub document_bytes_max: usize,
    /// Elements inside elements.
    pub depth_max: usize,
    /// Elements in the document.
    pub elements_max: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes_max: usize,
    /// Octets of the text of one element or of one attribute value.
    pub text_bytes_max: usize,
}

impl XmlLimits {
    /// For documents without limits of their own. 64 levels are more than any SIMPLE document has.
    pub const DEFAULT: Self = Self {
        document_bytes_max: 1 << 20,
        depth_max: 64,
        elements_max: 20_000,
        attributes_max: 64,
        text_bytes_max: 256 << 10,
    };
    /// For presence documents: a hundred devices fit easily.
    pub const PRESENCE: Self = Self {
        document_bytes_max: 256 << 10,
        depth_max: 32,
        elements_max: 8_000,
        attributes_max: 48,
        text_bytes_max: 64 << 10,
    };
}

impl Default for XmlLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why a document was not read or not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum XmlError {
    /// [`XmlLimits::document_bytes_max`].
    #[error("document too large")]
    DocumentTooLarge,
    /// [`XmlLimits::depth_max`].
    #[error("elements nested too deeply")]
    DepthExceeded,
    /// [`XmlLimits::elements_max`].
    #[error("too many elements")]
    TooManyElements,
    /// [`XmlLimits::attributes_max`].
    #[error("too many attributes")]
    TooManyAttributes,
    /// [`XmlLimits::text_bytes_max`].
    #[error("text too long")]
    TextTooLong,
    /// Neither UTF-8 nor ASCII.
    #[error("document is not UTF-8")]
    NotUtf8,
    /// There is a document type declaration.
    #[error("document type declaration refused")]
    DocumentType,
    /// A reference to an entity that is not predefined.
    #[error("unknown entity")]
    UnknownEntity,
    /// A character that XML 1.0 forbids, raw or by reference.
    #[error("forbidden character")]
    ForbiddenCharacter,
    /// A prefix without declaration, or a declaration that is not allowed.
    #[error("undeclared or misused namespace prefix")]
    UndeclaredPrefix,
    /// Something outside the one root element.
    #[error("content outside the root element")]
    OutsideRoot,
    /// There is no root element.
    #[error("no root element")]
    NoRoot,
    /// An element or attribute name that is none.
    #[error("malformed name")]
    MalformedName,
    /// Two attributes with one name.
    #[error("duplicate attribute")]
    DuplicateAttribute,
    /// The document ends too early, tags do not match, or the like.
    #[error("not well-formed")]
    NotWellFormed,
}

/// A name without prefix, safe to be written as element name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct XmlName(String);

impl XmlName {
    /// The name, unless it cannot be one.
    ///
    /// # Errors
    /// [`XmlError::MalformedName`].
    pub fn parse(name: &str) -> Result<Self, XmlError> {
        if is_local_name(name) { Ok(Self(name.to_owned())) } else { Err(XmlError::MalformedName) }
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for XmlName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether XML 1.0 allows the character in a document.
#[must_use]
pub const fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn is_local_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start)
        && characters.all(|c| is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}'))
}

const fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

#[cfg(test)]
mod tests;
