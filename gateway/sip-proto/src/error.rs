//! Why a message, a header field or a URI cannot be read or written.

use crate::message::name::HeaderName;

/// Why a single value (header field value, URI, identifier) cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The octets are not UTF-8.
    #[error("the value is not UTF-8")]
    NotText,
    /// A quoted string does not end.
    #[error("a quoted string is not terminated")]
    QuoteOpen,
    /// `<` without `>`.
    #[error("an angle bracket is not closed")]
    AngleOpen,
    /// The display name holds characters that need quotes.
    #[error("the display name is neither tokens nor a quoted string")]
    DisplayName,
    /// A URI with a question mark, comma or semicolon outside angle brackets.
    #[error("the URI must be enclosed in angle brackets")]
    BracketsNeeded,
    /// A token was expected.
    #[error("a token is missing or holds a separator")]
    Token,
    /// A parameter is malformed or appears twice.
    #[error("a parameter is malformed or appears twice")]
    Parameter,
    /// More parameters or list elements than the limit.
    #[error("too many parameters or list elements")]
    TooMany,
    /// An element of a comma list is empty.
    #[error("an element of a list is empty")]
    EmptyItem,
    /// A number is not digits or is out of its range.
    #[error("a number is malformed or out of range")]
    Number,
    /// The host is neither a name nor an address.
    #[error("the host is malformed")]
    Host,
    /// The port is not a number from 0 to 65535.
    #[error("the port is malformed")]
    Port,
    /// The URI has no scheme, or the scheme has an illegal character.
    #[error("the URI has no scheme")]
    Scheme,
    /// The URI holds a character that is not allowed at that place, or a percent sign that begins no escape.
    #[error("the URI holds a character that is not allowed there")]
    UriCharacter,
    /// The date is not in the one form allowed, or its zone is not GMT.
    #[error("the date is malformed or not in GMT")]
    Date,
    /// Something follows the end of the value.
    #[error("octets follow the end of the value")]
    Trailing,
    /// The protocol name or version of a Via is not SIP/2.0.
    #[error("the protocol of the Via is not SIP/2.0")]
    Protocol,
    /// Base64 or hexadecimal text is malformed.
    #[error("encoded octets are malformed")]
    Encoding,
}

/// Why a typed header field cannot be had from a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The header field is mandatory here and missing.
    #[error("header field {0} is missing")]
    Missing(HeaderName),
    /// The header field may appear once only.
    #[error("header field {0} appears more than once")]
    Repeated(HeaderName),
    /// The value cannot be read.
    #[error("header field {0}: {1}")]
    Bad(HeaderName, ValueError),
}

impl HeaderError {
    /// The header field at fault.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        match self {
            Self::Missing(name) | Self::Repeated(name) | Self::Bad(name, _) => name,
        }
    }
}

/// Why the writer refuses a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A header field value holds CR, LF or NUL.
    #[error("header field {0} holds a line break or NUL")]
    Injection(HeaderName),
    /// Method, URI or reason phrase hold CR, LF or NUL, or the method or URI a blank.
    #[error("the start line holds a character that would break it")]
    StartLine,
    /// A header field of a body part holds a control character, or a part holds the boundary around it.
    #[error("a body part holds what would break it")]
    Part,
    /// The body is larger than a Content-Length may say here.
    #[error("the body is too large")]
    TooLarge,
}
