//! Start lines.

use super::head::FirstFault;
use super::malformed::Fault;
use crate::error::ValueError;
use crate::limit::Limits;
use crate::message::{method::Method, status::StatusCode, text::Text, uri::Uri};
use bytes::Bytes;
use std::ops::Range;

/// A start line as far as it could be read.
pub(super) enum StartLine {
    Request { method: Option<Method>, uri: Option<Uri> },
    Response { status: Option<StatusCode>, reason: Bytes },
}

impl StartLine {
    /// Reads the line at that place.
    pub(super) fn read(octets: &Bytes, span: Range<usize>, limits: &Limits, fault: &mut FirstFault) -> Self {
        let line = octets.get(span.clone()).unwrap_or_default();
        if line.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"SIP/")) {
            let (status, reason) = read_status_line(line, fault);
            // The reason phrase is what the line ends with.
            let start = span.end.saturating_sub(reason.len());
            let reason = if reason.is_empty() { Bytes::new() } else { octets.slice(start..span.end) };
            Self::Response { status, reason }
        } else {
            let (method, uri) = read_request_line(octets, line, limits, fault);
            Self::Request { method, uri }
        }
    }
}

fn read_status_line<'a>(line: &'a [u8], fault: &mut FirstFault) -> (Option<StatusCode>, &'a [u8]) {
    let (version, rest) = split_at_space(line);
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        fault.note(Fault::Version);
    }
    let (code, reason) = split_at_space(rest);
    let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(code).ok().filter(|_| is_code).and_then(|code| code.parse().ok());
    let status = number.and_then(|number| StatusCode::from_number(number).ok());
    if status.is_none() {
        // RFC 4475 §3.1.2.19
        fault.note(Fault::Status);
    }
    if rest.contains(&0) {
        fault.note(Fault::Nul);
    }
    (status, reason)
}

/// What stands before the first space and behind it.
fn split_at_space(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&octet| octet == b' ').unwrap_or(text.len());
    (text.get(..end).unwrap_or_default(), text.get(end.saturating_add(1)..).unwrap_or_default())
}

fn read_request_line(
    octets: &Bytes,
    line: &[u8],
    limits: &Limits,
    fault: &mut FirstFault,
) -> (Option<Method>, Option<Uri>) {
    let first = line.iter().position(|&octet| octet == b' ');
    let last = line.iter().rposition(|&octet| octet == b' ');
    let (Some(first), Some(last)) = (first, last) else {
        fault.note(Fault::StartLine);
        return (None, None);
    };
    let method = Method::from_octets(line.get(..first).unwrap_or_default()).ok();
    // The line is not guessed at.
    // RFC 4475 §3.1.2.8
    // RFC 4475 §3.1.2.9
    // RFC 4475 §3.1.2.10
    let uri = line.get(first.saturating_add(1)..last).unwrap_or_default();
    let version = line.get(last.saturating_add(1)..).unwrap_or_default();
    if method.is_none() || uri.is_empty() || uri.contains(&b' ') {
        fault.note(Fault::StartLine);
    }
    if version != b"SIP/2.0" && !version.eq_ignore_ascii_case(b"SIP/2.0") {
        fault.note(if is_sip_version(version) { Fault::Version } else { Fault::StartLine });
    }
    if uri.len() > limits.uri_octets_max {
        fault.note(Fault::UriTooLong);
        return (method, None);
    }
    let uri = std::str::from_utf8(uri).map_err(|_| ValueError::NotText).and_then(Uri::read);
    match uri {
        Ok(uri) => (method, Some(uri.map(|part| Text::of_octets(octets, part)))),
        Err(error) => {
            fault.note(Fault::Uri(error));
            (method, None)
        }
    }
}

/// SIP-Version.
// RFC 3261 §25.1
fn is_sip_version(version: &[u8]) -> bool {
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    let Some((name, number)) = version.split_at_checked(4) else {
        return false;
    };
    let mut parts = number.split(|&octet| octet == b'.');
    name.eq_ignore_ascii_case(b"SIP/") && is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
}
