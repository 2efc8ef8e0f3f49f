//! What is wrong with a message, and the answer to it.

use crate::error::{HeaderError, ValueError};
use crate::message::header::identifier::Tag;
use crate::message::{headers::Headers, method::Method, name::HeaderName, response::Response, status::StatusCode};

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The start line is neither a request line nor a status line.
    #[error("the start line is malformed")]
    StartLine,
    /// The version is not SIP/2.0.
    #[error("the version is not SIP/2.0")]
    Version,
    /// The Request-URI is longer than the limit.
    #[error("the Request-URI is too long")]
    UriTooLong,
    /// The Request-URI is malformed.
    #[error("the Request-URI is malformed: {0}")]
    Uri(ValueError),
    /// The Request-URI carries headers.
    #[error("the Request-URI carries headers")]
    UriHeaders,
    /// The status code is not from 100 to 699.
    #[error("the status code is not from 100 to 699")]
    Status,
    /// A line of the head has no colon, or its name is no token.
    #[error("a header line is malformed")]
    HeaderLine,
    /// NUL in the head, where no quoted string escapes it.
    #[error("a line of the head holds NUL")]
    Nul,
    /// CR without LF or LF without CR in the head.
    #[error("a line of the head does not end in CRLF")]
    LineBreak,
    /// The empty line behind the head is missing.
    #[error("the head does not end")]
    HeadOpen,
    /// More header fields than the limit.
    #[error("too many header fields")]
    TooManyHeaders,
    /// A header field is longer than the limit.
    #[error("a header field is too long")]
    HeaderTooLong,
    /// The head is longer than the limit.
    #[error("the head is too long")]
    HeadTooLong,
    /// The message is longer than the limit.
    #[error("the message is too long")]
    MessageTooLong,
    /// Content-Length is malformed or repeated.
    #[error("the length of the body is unclear: {0}")]
    ContentLength(HeaderError),
    /// Content-Length is missing on a stream.
    #[error("Content-Length is missing on a stream")]
    ContentLengthMissing,
    /// The datagram ends before the body does.
    #[error("the body is shorter than Content-Length says")]
    BodyShort,
    /// A header field is missing, repeated or malformed.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// The methods of start line and CSeq differ.
    #[error("the method of CSeq is not the method of the request")]
    MethodMismatch,
    /// The method is unknown, and CSeq has another.
    #[error("the method is unknown and not that of CSeq")]
    MethodUnknown,
}

impl Fault {
    /// The status code that tells a client.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            // RFC 3261 §21.5.6
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            // RFC 3261 §21.4.12
            Self::UriTooLong => StatusCode::REQUEST_URI_TOO_LONG,
            // RFC 3261 §21.5.7
            Self::HeaderTooLong | Self::HeadTooLong | Self::MessageTooLong => StatusCode::MESSAGE_TOO_LARGE,
            // RFC 4475 §3.1.2.18
            Self::MethodUnknown => StatusCode::NOT_IMPLEMENTED,
            // RFC 3261 §21.4.1
            Self::StartLine
            | Self::Uri(_)
            | Self::UriHeaders
            | Self::Status
            | Self::HeaderLine
            | Self::Nul
            | Self::LineBreak
            | Self::HeadOpen
            | Self::TooManyHeaders
            | Self::ContentLength(_)
            | Self::ContentLengthMissing
            | Self::BodyShort
            | Self::Header(_)
            | Self::MethodMismatch => StatusCode::BAD_REQUEST,
        }
    }
}

/// What the message would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request, with its method where that can be read.
    Request(Option<Method>),
    /// A response.
    Response,
}

/// Whether the next message of a stream can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The length of this message is known.
    Kept,
    /// It is not; the connection can only be closed.
    Lost,
}

/// A message that cannot be used, with all that is needed to answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(Box<Finding>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    fault: Fault,
    kind: Kind,
    headers: Headers,
    framing: Framing,
}

impl Malformed {
    /// A message with a fault.
    #[must_use]
    pub fn new(fault: Fault, kind: Kind, headers: Headers, framing: Framing) -> Self {
        Self(Box::new(Finding { fault, kind, headers, framing }))
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// What it would have been.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// The header fields that could be read.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Whether the next message of a stream can be found.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.0.framing
    }

    /// The status code to answer with; `None` for a response, an ACK, and what shows no sender.
    #[must_use]
    pub fn answer(&self) -> Option<StatusCode> {
        match &self.0.kind {
            Kind::Response | Kind::Request(Some(Method::Ack)) => None,
            Kind::Request(_) => self.0.headers.has(&HeaderName::Via).then(|| self.0.fault.status()),
        }
    }

    /// The answer, where there is to be one.
    #[must_use]
    pub fn response(&self, to_tag: Option<&Tag>) -> Option<Response> {
        self.answer().map(|status| Response::for_headers(&self.0.headers, status, to_tag))
    }
}
