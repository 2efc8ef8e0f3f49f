//! Start line and header fields in one pass.

use super::malformed::{Fault, Kind};
use crate::limit::Limits;
use crate::message::{
    headers::{Header, Headers},
    method::Method,
    name::HeaderName,
    scan::is_blank,
    status::StatusCode,
    text::Text,
    uri::Uri,
};
use crate::octets::find_line_break;
use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;
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
            Self { start: start_line, headers: Headers::with_capacity(20), fault: None, length: octets.len() };
        head.read_lines(octets, start, limits);
        let all = octets.get(..head.length).unwrap_or_default();
        head.headers.finish_read(all);
        // One look at the whole head spares one at each value.
        if memchr(0, all).is_some() && head.headers.has_stray_nul() {
            // NUL is in no rule but quoted-pair.
            // RFC 3261 §25.1
            head.blame(Fault::Nul);
        }
        if head.length.saturating_sub(start) > limits.head_octets_max {
            head.blame(Fault::HeadTooLong);
        }
        head
    }

    /// Reads line by line until the empty one, or until none ends.
    fn read_lines(&mut self, octets: &Bytes, start: usize, limits: &Limits) {
        let Some(line) = self.line(octets, start, start) else { return };
        self.read_start(octets, line.span, limits);
        let mut at = line.next;
        loop {
            let known = HeaderName::begin_of(octets.get(at..).unwrap_or_default());
            let known = known.map(|(name, length)| (name, at.wrapping_add(length)));
            let from = known.map_or(at, |(_, colon)| colon);
            let Some(line) = self.line(octets, at, from) else { break };
            if line.span.is_empty() {
                self.length = line.next;
                break;
            }
            at = self.read_field(octets, line, known, limits);
        }
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

    /// The line that begins at `at` and does not end before `from`; the head is open when none ends.
    #[inline]
    fn line(&mut self, octets: &[u8], at: usize, from: usize) -> Option<Line> {
        let end = find_line_break(octets, from);
        match end {
            Some(end) if octets.get(end..).is_some_and(|rest| rest.starts_with(b"\r\n")) => {
                Some(Line { span: at..end, next: end.saturating_add(2) })
            }
            _ => self.odd_line(octets, at, end),
        }
    }

    /// The line that begins at `at` and whose end is not as it should be, by the first CR or LF in it.
    #[cold]
    fn odd_line(&mut self, octets: &[u8], at: usize, end: Option<usize>) -> Option<Line> {
        let mut end = end;
        while let Some(found) = end {
            let next = found.saturating_add(1);
            match (octets.get(found), octets.get(next)) {
                (Some(b'\r'), Some(b'\n')) => return Some(Line { span: at..found, next: next.saturating_add(1) }),
                (Some(b'\n'), _) => {
                    self.blame(Fault::LineBreak);
                    return Some(Line { span: at..found, next });
                }
                // A stray CR would end a line for some readers further on.
                _ => {
                    self.blame(Fault::LineBreak);
                    end = find_line_break(octets, next);
                }
            }
        }
        self.blame(Fault::HeadOpen);
        None
    }

    /// Reads the header field whose first line is given, folded lines included; tells where the next one begins. The
    /// place of its name among those known may be clear already, and where its colon stands.
    #[inline]
    fn read_field(&mut self, octets: &Bytes, first: Line, known: Option<(usize, usize)>, limits: &Limits) -> usize {
        let next = first.next;
        // RFC 3261 §7.3.1
        let is_folded = octets.get(next).is_some_and(|&octet| is_blank(octet));
        match known {
            Some((place, colon)) if !is_folded && self.has_room(&first.span, limits) => {
                self.headers.push_known(place, value_place(octets, colon, first.span.end));
                next
            }
            _ => self.read_odd_field(octets, first, limits),
        }
    }

    /// Whether a header field there goes beyond no limit.
    #[inline]
    fn has_room(&self, field: &Range<usize>, limits: &Limits) -> bool {
        field.len() <= limits.header_octets_max && self.headers.len() < limits.header_count_max
    }

    /// Reads a header field that takes a closer look.
    fn read_odd_field(&mut self, octets: &Bytes, first: Line, limits: &Limits) -> usize {
        let mut end = first.span.end;
        let mut next = first.next;
        let mut is_folded = false;
        // RFC 3261 §7.3.1
        while octets.get(next).is_some_and(|&octet| is_blank(octet)) {
            let Some(line) = self.line(octets, next, next) else {
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
        let Some((name, value)) = split_field(octets, field) else {
            self.blame(Fault::HeaderLine);
            return next;
        };
        if self.headers.len() >= limits.header_count_max {
            self.blame(Fault::TooManyHeaders);
            if !is_needed_for_answer(&name) {
                return next;
            }
        }
        if is_folded {
            self.headers.push(Header::from_raw(name, unfold(octets.get(value).unwrap_or_default())));
        } else {
            self.headers.push_read(name, value);
        }
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
        let method = Method::from_octets(line.get(..first).unwrap_or_default()).ok();
        // The line is not guessed at.
        // RFC 4475 §3.1.2.8
        // RFC 4475 §3.1.2.9
        // RFC 4475 §3.1.2.10
        let uri = part(line, first.saturating_add(1)..last);
        let version = line.get(last.saturating_add(1)..).unwrap_or_default();
        if method.is_none() || uri.is_empty() || uri.contains(&b' ') {
            self.blame(Fault::StartLine);
        }
        if version != b"SIP/2.0" && !version.eq_ignore_ascii_case(b"SIP/2.0") {
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

/// The name of a field and the place of its value.
fn split_field(octets: &[u8], field: Range<usize>) -> Option<(HeaderName, Range<usize>)> {
    let line = octets.get(field.clone())?;
    let colon = line.iter().position(|octet| *octet == b':')?;
    let mut name = line.get(..colon)?;
    // A line that begins with a blank continues nothing here, and has no name.
    while let [front @ .., last] = name
        && is_space(*last)
    {
        name = front;
    }
    let value = value_place(octets, field.start.checked_add(colon)?, field.end);
    Some((HeaderName::from_octets(name).ok()?, value))
}

/// The place of the value between a colon and the end of the field, without the blanks around it.
#[inline]
fn value_place(octets: &[u8], colon: usize, end: usize) -> Range<usize> {
    let (mut start, mut end) = (colon.saturating_add(1), end);
    // A value of nothing but blanks is empty where the first of them would be.
    while end > start && octets.get(end.wrapping_sub(1)).is_some_and(|last| is_space(*last)) {
        end = end.wrapping_sub(1);
    }
    while start < end && octets.get(start).is_some_and(|first| is_space(*first)) {
        start = start.wrapping_add(1);
    }
    start..end
}

const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The value with each fold made one space.
// RFC 3261 §7.3.1
fn unfold(value: &[u8]) -> Bytes {
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
