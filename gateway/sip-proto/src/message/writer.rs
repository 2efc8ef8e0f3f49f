//! Octets from messages. The only place that makes them.

use super::{
    headers::{Field, Headers},
    name::HeaderName,
    request::Request,
    response::Response,
    scan::is_one_line,
};
use crate::error::WriteError;
use crate::limit;
use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;
use std::fmt::Write;

/// The octets of a request.
pub(super) fn write_request(request: &Request) -> Result<Bytes, WriteError> {
    let mut out = BytesMut::with_capacity(1024_usize.saturating_add(request.body().len()));
    let mut uri = String::with_capacity(64);
    write!(uri, "{}", request.uri()).map_err(|_| WriteError::StartLine)?;
    if uri.is_empty() || !uri.bytes().all(|octet| octet > b' ' && octet != 0x7f) {
        return Err(WriteError::StartLine);
    }
    out.put_slice(request.method().as_str().as_bytes());
    out.put_slice(b" ");
    out.put_slice(uri.as_bytes());
    out.put_slice(b" SIP/2.0\r\n");
    write_rest(&mut out, request.headers(), request.body())?;
    Ok(out.freeze())
}

/// The octets of a response. They take no more room than they need: a server transaction keeps them for half a minute.
pub(super) fn write_response(response: &Response) -> Result<Bytes, WriteError> {
    let mut out = BytesMut::with_capacity(1024_usize.saturating_add(response.body().len()));
    if response.reason().iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
        return Err(WriteError::StartLine);
    }
    out.put_slice(b"SIP/2.0 ");
    write!(out, "{} ", response.status()).map_err(|_| WriteError::StartLine)?;
    out.put_slice(response.reason());
    out.put_slice(b"\r\n");
    write_rest(&mut out, response.headers(), response.body())?;
    Ok(Bytes::copy_from_slice(&out))
}

fn write_rest(out: &mut BytesMut, headers: &Headers, body: &Bytes) -> Result<(), WriteError> {
    if body.len() > limit::BODY_OCTETS_CEILING {
        return Err(WriteError::TooLarge);
    }
    let mut ordered: SmallVec<[(u8, usize, Field<'_>); 24]> =
        headers.iter().enumerate().map(|(place, header)| (rank(header.name()), place, header)).collect();
    ordered.sort_unstable_by_key(|&(rank, place, _)| (rank, place));
    for (_, _, header) in ordered {
        if header.name() != &HeaderName::ContentLength {
            write_header(out, &header)?;
        }
    }
    // RFC 3261 §20.14
    write!(out, "Content-Length: {}\r\n\r\n", body.len()).map_err(|_| WriteError::TooLarge)?;
    out.put_slice(body);
    Ok(())
}

fn write_header(out: &mut BytesMut, header: &Field<'_>) -> Result<(), WriteError> {
    if !is_one_line(header.raw()) {
        return Err(WriteError::Injection(header.name().clone()));
    }
    out.put_slice(header.name().as_str().as_bytes());
    out.put_slice(b":");
    if !header.raw().is_empty() {
        out.put_slice(b" ");
        out.put_slice(header.raw());
    }
    out.put_slice(b"\r\n");
    Ok(())
}

/// Where a header field stands: what proxies need first, what describes the body last.
// RFC 3261 §7.3.1
fn rank(name: &HeaderName) -> u8 {
    match name {
        HeaderName::Via => 0,
        HeaderName::Route => 1,
        HeaderName::RecordRoute => 2,
        HeaderName::ProxyRequire => 3,
        HeaderName::MaxForwards => 4,
        HeaderName::ProxyAuthorization => 5,
        HeaderName::From => 6,
        HeaderName::To => 7,
        HeaderName::CallId => 8,
        HeaderName::CSeq => 9,
        HeaderName::Contact => 10,
        HeaderName::ContentDisposition | HeaderName::ContentEncoding | HeaderName::ContentType => 12,
        _ => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{headers::Header, method::Method, status::StatusCode, uri::Uri};
    use super::*;

    fn request() -> Request {
        Request::new(Method::Message, Uri::parse("sip:b@h").unwrap())
    }

    #[test]
    fn order_is_fixed_and_length_is_ours() {
        let mut request = request()
            .with(Header::new(HeaderName::Subject, ""))
            .with(Header::new(HeaderName::ContentLength, 999))
            .with(Header::new(HeaderName::From, "<sip:a@h>;tag=1"))
            .with(Header::new(HeaderName::Via, "SIP/2.0/UDP h"));
        request.set_body(Bytes::from_static(&[0xff, 0x00, 0x0d]));
        let expected = b"MESSAGE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nSubject:\r\n\
            Content-Length: 3\r\n\r\n\xff\x00\x0d";
        assert_eq!(&request.write().unwrap()[..], &expected[..]);
    }

    #[test]
    fn line_breaks_and_nul_are_refused_everywhere() {
        for value in ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "\"a\\\rb\"", "\"a\\\nb\"", "a\\\0"] {
            let bad = request().with(Header::new(HeaderName::Subject, value));
            assert_eq!(bad.write(), Err(WriteError::Injection(HeaderName::Subject)), "{value:?}");
        }
        let escaped = request().with(Header::new(HeaderName::From, "\"\\\0\" <sip:a@h>"));
        assert!(escaped.write().is_ok());
        for reason in ["a\r\nb", "a\nb", "\0"] {
            let bad = Response::new(StatusCode::OK).with_reason(reason);
            assert_eq!(bad.write(), Err(WriteError::StartLine));
        }
        let mut uri = Uri::parse("sip:b@h").unwrap();
        uri.as_sip_mut().unwrap().params_mut().set("x\r\ny", None);
        assert_eq!(Request::new(Method::Message, uri).write(), Err(WriteError::StartLine));
    }
}
