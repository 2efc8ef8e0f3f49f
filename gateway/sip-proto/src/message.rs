//! The SIP message: its parts, reading and writing.

pub mod access;
pub mod framer;
pub mod header;
pub mod headers;
pub mod host;
pub mod method;
pub mod name;
pub mod param;
pub mod request;
pub mod response;
pub(crate) mod scan;
pub mod status;
pub mod text;
pub mod uas;
pub mod uri;
pub mod validate;
pub mod writer;

#[cfg(test)]
mod roundtrip;
mod vocabulary;

pub use self::{
    headers::{Field, Header, Headers},
    method::Method,
    name::HeaderName,
    request::Request,
    response::Response,
    status::StatusCode,
    text::Text,
    uri::Uri,
};

use crate::error::WriteError;
use bytes::Bytes;

/// A SIP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Message {
    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => request.headers(),
            Self::Response(response) => response.headers(),
        }
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        match self {
            Self::Request(request) => request.headers_mut(),
            Self::Response(response) => response.headers_mut(),
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => request.body(),
            Self::Response(response) => response.body(),
        }
    }

    /// The octets for the wire.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(&self) -> Result<Bytes, WriteError> {
        match self {
            Self::Request(request) => request.write(),
            Self::Response(response) => response.write(),
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}
