//! Start line and header fields in one pass.

use super::malformed::{Fault, Kind};
use crate::limit::Limits;
use crate::message::{
    headers::{Header, Headers},
    method::Method,
    name::HeaderName,
    scan::{is_blank, is_one_line},
    status::StatusCode,
    text::Text,
    uri::Uri,
};
use bytes::{BufMut, Bytes, BytesMut};
use std::ops::Range;

/// What could be read of a head, and the first fault.
pub(super) struct Head {
    pub(super) start: StartLine,
    pub(super) headers: Headers,
    pub(super) fault: Option<Fault>,
    /// Octets up to the body.
    pub(super) length: usize,
}

/// A start line as far as it could be read.
pub(super) enum StartLine {
    Request { method: Option<Method>, uri: Option<Uri> },
    Response { status: Option<StatusCode>, reason: Bytes },
}

/// One line of the head without its end, and where the next one begins.
struct Line {
    span: Range<usize>,
    next: usize,
}

impl Head {
    /// Reads a head that begins at the first octet; what follows it is not looked at.
    pub(super) fn read(octets: &Bytes, limits: &Limits) -> Self {
        // RFC 3261 §7.5
        let start = octets.iter().position(|octet| !matches!(octet, b'\r' | b'\n')).unwrap_or(0);
        let start_line = StartLine::Request { method: None, uri: None };
        let mut head =
            Self { start: start_line, headers: Headers::with_capacity(24), fault: None, length: octets.len() };
        let Some(line) = head.line(octets, start) else {
            return head;
        };
        head.read_start(octets, line.span.clone(), limits);
        let mut at = line.next;
        loop {
            let Some(line) = head.line(octets, at) else {
                return head;
            };
            if line.span.is_empty() {
                head.length = line.next;
                break;
            }
            at = head.read_field(octets, line, limits);
        }
        if head.length.saturating_sub(start) > limits.head_octets_max {
            head.blame(Fault::HeadTooLong);
        }
        head
    }

    /// Notes a fault; the first one counts.
    pub(super) fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.start {
            StartLine::Request { method, .. } => Kind::Request(method.clone()),
            StartLine::Response { .. } => Kind::Response,
        }
    }

    /// The line that begins at `at`; the head is open when none ends.
    fn line(&mut self, octets: &Bytes, at: usize) -> Option<Line> {
        let rest = octets.get(at..).unwrap_or_default();
        let Some(feed) = rest.iter().position(|&octet| octet == b'\n') else {
            self.blame(Fault::HeadOpen);
            return None;
        };
        let content = rest.get(..feed).unwrap_or_default();
        let content_end = match content.strip_suffix(b"\r") {
            Some(content) => {
                // A stray CR would end a line for some readers further on.
                if content.contains(&b'\r') {
                    self.blame(Fault::LineBreak);
                }
                content.len()
            }
            None => {
                self.blame(Fault::LineBreak);
                feed
            }
        };
        Some(Line { span: at..at.saturating_add(content_end), next: at.saturating_add(feed).saturating_add(1) })
    }

    /// Reads the header field whose first line is given, folded lines included; tells where the next one begins.
    fn read_field(&mut self, octets: &Bytes, first: Line, limits: &Limits) -> usize {
        let mut end = first.span.end;
        let mut next = first.next;
        let mut is_folded = false;
        // RFC 3261 §7.3.1
        while octets.get(next).is_some_and(|&octet| is_blank(octet)) {
            let Some(line) = self.line(octets, next) else {
                return octets.len();
            };
            is_folded = true;
            end = line.span.end;
            next = line.next;
        }
        let field = first.span.start..end;
        if field.len() > limits.header_octets_max {
            self.blame(Fault::HeaderTooLong);
            return next;
        }
        let line = octets.get(field.clone()).unwrap_or_default();
        let colon = line.iter().position(|&octet| octet == b':');
        let name = colon.and_then(|colon| {
            let name = trim(octets, field.start..field.start.saturating_add(colon));
            // A line that begins with a blank continues nothing here.
            (name.start == field.start).then(|| HeaderName::from_octets(&part(octets, name)).ok()).flatten()
        });
        let (Some(colon), Some(name)) = (colon, name) else {
            self.blame(Fault::HeaderLine);
            return next;
        };
        if self.headers.len() >= limits.header_count_max {
            self.blame(Fault::TooManyHeaders);
            if !is_needed_for_answer(&name) {
                return next;
            }
        }
        let value = trim(octets, field.start.saturating_add(colon).saturating_add(1)..end);
        let value = part(octets, value);
        let value = if is_folded { unfold(&value) } else { value };
        if value.contains(&0) && !is_one_line(&value) {
            // NUL is in no rule but quoted-pair.
            // RFC 3261 §25.1
            self.blame(Fault::Nul);
        }
        self.headers.push(Header::from_raw(name, value));
        next
    }

    fn read_start(&mut self, octets: &Bytes, span: Range<usize>, limits: &Limits) {
        let line = part(octets, span);
        if line.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case(b"SIP/")) {
            self.read_status_line(&line);
        } else {
            self.read_request_line(&line, limits);
        }
    }

    fn read_status_line(&mut self, line: &Bytes) {
        let version_end = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
        let rest = part(line, version_end.saturating_add(1)..line.len());
        if !line.get(..version_end).is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/2.0")) {
            self.blame(Fault::Version);
        }
        let code_end = rest.iter().position(|&octet| octet == b' ').unwrap_or(rest.len());
        let code = rest.get(..code_end).unwrap_or_default();
        let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(code).ok().filter(|_| is_code).and_then(|code| code.parse().ok());
        let status = number.and_then(|number| StatusCode::from_number(number).ok());
        if status.is_none() {
            // RFC 4475 §3.1.2.19
            self.blame(Fault::Status);
        }
        if rest.contains(&0) {
            self.blame(Fault::Nul);
        }
        let reason = part(&rest, code_end.saturating_add(1)..rest.len());
        self.start = StartLine::Response { status, reason };
    }

    fn read_request_line(&mut self, line: &Bytes, limits: &Limits) {
        let first = line.iter().position(|&octet| octet == b' ');
        let last = line.iter().rposition(|&octet| octet == b' ');
        let (Some(first), Some(last)) = (first, last) else {
            return self.blame(Fault::StartLine);
        };
        let method = Method::from_octets(&part(line, 0..first)).ok();
        // The line is not guessed at.
        // RFC 4475 §3.1.2.8
        // RFC 4475 §3.1.2.9
        // RFC 4475 §3.1.2.10
        let uri = part(line, first.saturating_add(1)..last);
        let version = line.get(last.saturating_add(1)..).unwrap_or_default();
        if method.is_none() || uri.is_empty() || uri.contains(&b' ') {
            self.blame(Fault::StartLine);
        }
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            self.blame(if is_sip_version(version) { Fault::Version } else { Fault::StartLine });
        }
        let uri = if uri.len() > limits.uri_octets_max {
            self.blame(Fault::UriTooLong);
            None
        } else {
            match Text::parse(uri).and_then(|text| Uri::from_text(&text)) {
                Ok(uri) => Some(uri),
                Err(error) => {
                    self.blame(Fault::Uri(error));
                    None
                }
            }
        };
        self.start = StartLine::Request { method, uri };
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

// RFC 3261 §8.2.6.2
fn is_needed_for_answer(name: &HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Via
            | HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::CSeq
            | HeaderName::ContentLength
    )
}

fn part(octets: &Bytes, range: Range<usize>) -> Bytes {
    if octets.get(range.clone()).is_some() { octets.slice(range) } else { Bytes::new() }
}

/// The range without blanks and line breaks at its ends.
fn trim(octets: &Bytes, range: Range<usize>) -> Range<usize> {
    let is_space = |octet: &&u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let inner = octets.get(range.clone()).unwrap_or_default();
    let front = inner.iter().take_while(is_space).count();
    let back = inner.iter().rev().take_while(is_space).count();
    let start = range.start.saturating_add(front);
    start..range.end.saturating_sub(back).max(start)
}

/// The value with each fold made one space.
// RFC 3261 §7.3.1
fn unfold(value: &Bytes) -> Bytes {
    let mut out = BytesMut::with_capacity(value.len());
    let mut octets = value.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        if !matches!(octet, b'\r' | b'\n') {
            out.put_u8(octet);
            continue;
        }
        while octets.next_if(|octet| matches!(octet, b'\r' | b'\n' | b' ' | b'\t')).is_some() {}
        while out.last().copied().is_some_and(is_blank) {
            out.truncate(out.len().saturating_sub(1));
        }
        out.put_u8(b' ');
    }
    out.freeze()
}
