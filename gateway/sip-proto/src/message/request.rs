//! Requests.

use super::header::media_type::MediaType;
use super::{
    headers::{Header, Headers},
    method::Method,
    name::HeaderName,
    uri::Uri,
    writer,
};
use crate::error::WriteError;
use bytes::Bytes;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    method: Method,
    uri: Uri,
    headers: Headers,
    body: Bytes,
}

impl Request {
    /// A request without header fields and body.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::with_capacity(16), body: Bytes::new() }
    }

    /// A request from its parts.
    #[must_use]
    pub fn from_parts(method: Method, uri: Uri, headers: Headers, body: Bytes) -> Self {
        Self { method, uri, headers, body }
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with(mut self, header: Header) -> Self {
        self.headers.push(header);
        self
    }

    /// The same with a body and its type.
    #[must_use]
    pub fn with_body(mut self, media_type: &MediaType, body: Bytes) -> Self {
        self.headers.set(Header::new(HeaderName::ContentType, media_type));
        self.body = body;
        self
    }

    /// Adds a header field at the end.
    pub fn push(&mut self, header: Header) {
        self.headers.push(header);
    }

    /// Replaces the Request-URI.
    pub fn set_uri(&mut self, uri: Uri) {
        self.uri = uri;
    }

    /// Replaces the body; the type is a header field.
    pub fn set_body(&mut self, body: Bytes) {
        self.body = body;
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The header fields.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The octets for the wire.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(&self) -> Result<Bytes, WriteError> {
        writer::write_request(self)
    }
}
