//! What can be wrong with a message on its way in or out.

use thiserror::Error;

/// Why octets are not a message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CodecError {
    /// Neither the type nor the first octets say what it is.
    #[error("the encoding is not recognised")]
    UnknownEncoding,
    /// Known and not supported: the plain text syntax.
    #[error("the encoding is known and not supported")]
    UnsupportedEncoding,
    /// A character set that we cannot read.
    #[error("the character set is not supported")]
    UnsupportedCharset,
    /// The namespace belongs to a version that we do not speak.
    #[error("the protocol version is not supported")]
    UnsupportedVersion,
    /// The octets do not fit the declared character set.
    #[error("the text does not fit its character set")]
    MalformedText,
    /// It ends in the middle.
    #[error("the document is truncated")]
    Truncated,
    /// There is more after the end.
    #[error("there is content after the document element")]
    TrailingContent,
    /// There is text before the document element or no element at all.
    #[error("there is no document element")]
    MissingRoot,
    /// Not well-formed XML.
    #[error("the XML is not well-formed at octet {0}")]
    MalformedXml(u64),
    /// A document type declaration with an internal subset.
    #[error("the document type declaration has an internal subset")]
    InternalSubset,
    /// An entity that XML does not predefine.
    #[error("an entity is not predefined")]
    UnknownEntity,
    /// A character that XML forbids, or a number that is not a character.
    #[error("a character is not allowed")]
    ForbiddenCharacter,
    /// A prefix without a namespace declaration.
    #[error("a namespace prefix is not declared")]
    UndeclaredPrefix,
    /// A WBXML version that we do not read.
    #[error("the WBXML version is not supported")]
    UnsupportedWbxmlVersion,
    /// A multi-byte integer that is longer than five octets or larger than 32 bits.
    #[error("a multi-byte integer overflows")]
    IntegerOverflow,
    /// An offset past the end of the string table.
    #[error("a string table offset is past the end")]
    StringTableOverrun,
    /// An element token that no version knows.
    #[error("element token {token:#04x} on page {page} is unknown")]
    UnknownTag {
        /// The code page.
        page: u8,
        /// The token without its flag bits.
        token: u8,
    },
    /// A value token that no version knows.
    #[error("value token {0:#x} is unknown")]
    UnknownValue(u32),
    /// A global token that has no meaning here.
    #[error("token {0:#04x} is not expected here")]
    UnexpectedToken(u8),
    /// One of the limits.
    #[error("{0} exceeded")]
    LimitExceeded(Limit),
}

impl CodecError {
    /// What kind of fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::UnknownEncoding | Self::UnsupportedEncoding | Self::UnsupportedCharset => Fault::UnsupportedEncoding,
            Self::UnsupportedVersion => Fault::UnsupportedVersion,
            Self::LimitExceeded(_) => Fault::TooLarge,
            Self::MalformedText
            | Self::Truncated
            | Self::TrailingContent
            | Self::MissingRoot
            | Self::MalformedXml(_)
            | Self::InternalSubset
            | Self::UnknownEntity
            | Self::ForbiddenCharacter
            | Self::UndeclaredPrefix
            | Self::UnsupportedWbxmlVersion
            | Self::IntegerOverflow
            | Self::StringTableOverrun
            | Self::UnknownTag { .. }
            | Self::UnknownValue(_)
            | Self::UnexpectedToken(_) => Fault::Malformed,
        }
    }
}

/// The kinds of fault that are answered differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The octets break the rules of their encoding.
    Malformed,
    /// The message is larger or deeper than we take.
    TooLarge,
    /// The encoding or character set is not ours.
    UnsupportedEncoding,
    /// The protocol version is not ours.
    UnsupportedVersion,
}

/// The limits of [`crate::limit::Limits`], by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Limit {
    /// `document_bytes_max`.
    #[error("document size")]
    Document,
    /// `depth_max`.
    #[error("element depth")]
    Depth,
    /// `elements_max`.
    #[error("element count")]
    Elements,
    /// `attributes_max`.
    #[error("attribute count")]
    Attributes,
    /// `text_bytes_max`.
    #[error("text size")]
    Text,
    /// `decoded_bytes_max`.
    #[error("size of all texts")]
    Decoded,
    /// `name_bytes_max`.
    #[error("name size")]
    Name,
    /// `string_table_bytes_max`.
    #[error("string table size")]
    StringTable,
}

/// Why the content of an element is not the value that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ValueError {
    /// Not a number of at most 32 bits.
    #[error("not an integer")]
    NotAnInteger,
    /// Neither `T` nor `F`.
    #[error("not a boolean")]
    NotABoolean,
    /// Not a point in time.
    #[error("not a date and time")]
    NotADateTime,
    /// Not BASE64.
    #[error("not base64")]
    NotBase64,
}

/// Why a message cannot be written. The first error of a writer is kept and returned when it is finished.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WriteError {
    /// A character that XML 1.0 forbids, or a NUL in a WBXML string.
    #[error("a text holds a character that may not be written")]
    ForbiddenCharacter,
    /// A vendor name that is not a name.
    #[error("an element or attribute name is not a name")]
    InvalidName,
    /// More was closed than opened, or the document is not closed, or has a second root.
    #[error("elements are not balanced")]
    Unbalanced,
    /// An attribute was written after the content began.
    #[error("an attribute was written after the content")]
    LateAttribute,
    /// A name without a token in a fragment, which has no string table.
    #[error("a fragment cannot hold a name without a token")]
    NeedsStringTable,
    /// A fragment of another version or encoding.
    #[error("the fragment is of another version or encoding")]
    ForeignFragment,
    /// A length that does not fit its field.
    #[error("a length does not fit its field")]
    TooLong,
}
