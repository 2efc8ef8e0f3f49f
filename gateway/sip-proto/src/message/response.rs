//! Responses.

use super::header::{address::NameAddr, identifier::Tag, media_type::MediaType};
use super::{
    headers::{Field, Header, Headers},
    name::HeaderName,
    request::Request,
    status::StatusCode,
    writer,
};
use crate::error::WriteError;
use bytes::{BufMut, Bytes, BytesMut};

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: StatusCode,
    reason: Bytes,
    headers: Headers,
    body: Bytes,
}

impl Response {
    /// A response without header fields and body, with the usual reason phrase.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        let reason = Bytes::from_static(status.reason().as_bytes());
        Self { status, reason, headers: Headers::with_capacity(12), body: Bytes::new() }
    }

    /// A response from its parts.
    #[must_use]
    pub fn from_parts(status: StatusCode, reason: Bytes, headers: Headers, body: Bytes) -> Self {
        Self { status, reason, headers, body }
    }

    /// The response to a request. The tag is added to To when the request has none there; a 100 gets no tag of its own.
    #[must_use]
    pub fn for_request(request: &Request, status: StatusCode, to_tag: Option<&Tag>) -> Self {
        Self::for_headers(request.headers(), status, to_tag)
    }

    /// The response to the header fields of a request, complete or not.
    // RFC 3261 §8.2.6.2
    #[must_use]
    pub fn for_headers(request: &Headers, status: StatusCode, to_tag: Option<&Tag>) -> Self {
        let mut response = Self::new(status);
        for header in request.iter() {
            match header.name() {
                HeaderName::Via | HeaderName::From | HeaderName::CallId | HeaderName::CSeq => {
                    response.headers.push_field(&header);
                }
                HeaderName::To => match with_tag(&header, status, to_tag) {
                    Some(tagged) => response.headers.push(tagged),
                    None => response.headers.push_field(&header),
                },
                // RFC 3261 §8.2.6.1
                HeaderName::Timestamp if status == StatusCode::TRYING => response.headers.push_field(&header),
                _ => {}
            }
        }
        response
    }

    /// Copies Record-Route, as a response that makes a dialog must.
    // RFC 3261 §12.1.1
    pub fn copy_record_route(&mut self, request: &Headers) {
        for header in request.all(&HeaderName::RecordRoute) {
            self.headers.push_field(&header);
        }
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with(mut self, header: Header) -> Self {
        self.headers.push(header);
        self
    }

    /// The same with another reason phrase.
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Self {
        self.reason = Bytes::copy_from_slice(reason.as_bytes());
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

    /// Replaces the body; the type is a header field.
    pub fn set_body(&mut self, body: Bytes) {
        self.body = body;
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason phrase as it was written; usually UTF-8.
    #[must_use]
    pub fn reason(&self) -> &Bytes {
        &self.reason
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
        writer::write_response(self)
    }
}

/// To of the response where it needs a tag: as it was written, and the tag behind it.
fn with_tag(to: &Field<'_>, status: StatusCode, tag: Option<&Tag>) -> Option<Header> {
    let is_untagged = to.text().and_then(NameAddr::read).is_ok_and(|address| !address.params().has("tag"));
    match tag {
        Some(tag) if is_untagged && status != StatusCode::TRYING => {
            let tail = format!(";tag={tag}");
            let mut value = BytesMut::with_capacity(to.raw().len().saturating_add(tail.len()));
            value.put_slice(to.raw());
            value.put_slice(tail.as_bytes());
            Some(Header::from_raw(HeaderName::To, value.freeze()))
        }
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{method::Method, uri::Uri};
    use super::*;

    fn request(to: &str) -> Request {
        Request::new(Method::Options, Uri::parse("sip:b@h").unwrap())
            .with(Header::new(HeaderName::Via, "SIP/2.0/UDP a;branch=z9hG4bK1"))
            .with(Header::new(HeaderName::Via, "SIP/2.0/UDP b;branch=z9hG4bK2"))
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::To, to))
            .with(Header::new(HeaderName::From, "<sip:a@h>;tag=1"))
            .with(Header::new(HeaderName::CallId, "c"))
            .with(Header::new(HeaderName::CSeq, "1 OPTIONS"))
    }

    #[test]
    fn response_carries_what_it_must_and_a_tag() {
        let tag = Tag::parse("t").unwrap();
        let response = Response::for_request(&request("sip:b@h"), StatusCode::OK, Some(&tag));
        assert_eq!(response.headers().vias().unwrap().len(), 2);
        assert_eq!(response.headers().to().unwrap().tag().unwrap(), tag);
        assert!(!response.headers().has(&HeaderName::MaxForwards));
        let tagged = Response::for_request(&request("<sip:b@h>;tag=x"), StatusCode::OK, Some(&tag));
        assert_eq!(tagged.headers().to().unwrap().tag().unwrap().as_str(), "x");
        let trying = Response::for_request(&request("<sip:b@h>"), StatusCode::TRYING, Some(&tag));
        assert_eq!(trying.headers().to().unwrap().tag(), None);
    }
}
