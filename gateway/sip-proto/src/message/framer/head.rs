//! The head of a message in one pass.

use super::malformed::{Fault, Kind};
use super::start::StartLine;
use crate::limit::Limits;
use crate::message::{
    headers::{Header, Headers},
    name::HeaderName,
    scan::is_blank,
};
use crate::octets::find_line_break;
use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;
use std::ops::Range;

/// What could be read of a head, and the first fault.
pub(super) struct Head {
    pub(super) start: StartLine,
    pub(super) headers: Headers,
    pub(super) fault: FirstFault,
    /// Octets up to the body.
    pub(super) length: usize,
}

/// The first fault that was found: it counts.
#[derive(Default)]
pub(super) struct FirstFault(pub(super) Option<Fault>);

impl FirstFault {
    pub(super) fn note(&mut self, fault: Fault) {
        self.0.get_or_insert(fault);
    }
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
        let mut fault = FirstFault::default();
        let first = read_line(octets, start, start, &mut fault);
        let start_line = match &first {
            Some(line) => StartLine::read(octets, line.span.clone(), limits, &mut fault),
            None => StartLine::Request { method: None, uri: None },
        };
        let mut head = Self { start: start_line, headers: Headers::with_capacity(20), fault, length: octets.len() };
        if let Some(line) = first {
            head.read_fields(octets, line.next, limits);
        }
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

    /// Reads header field by header field until the empty line, or until none ends.
    fn read_fields(&mut self, octets: &Bytes, start: usize, limits: &Limits) {
        let mut at = start;
        loop {
            let known = HeaderName::begin_of(octets.get(at..).unwrap_or_default());
            let known = known.map(|(name, length)| (name, at.wrapping_add(length)));
            let from = known.map_or(at, |(_, colon)| colon);
            let Some(line) = read_line(octets, at, from, &mut self.fault) else { break };
            if line.span.is_empty() {
                self.length = line.next;
                break;
            }
            at = self.read_field(octets, line, known, limits);
        }
    }

    /// Notes a fault; the first one counts.
    pub(super) fn blame(&mut self, fault: Fault) {
        self.fault.note(fault);
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.start {
            StartLine::Request { method, .. } => Kind::Request(method.clone()),
            StartLine::Response { .. } => Kind::Response,
        }
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
            let Some(line) = read_line(octets, next, next, &mut self.fault) else {
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
}

/// The line that begins at `at` and does not end before `from`; the head is open when none ends.
#[inline]
fn read_line(octets: &[u8], at: usize, from: usize, fault: &mut FirstFault) -> Option<Line> {
    let end = find_line_break(octets, from);
    match end {
        Some(end) if octets.get(end..).is_some_and(|rest| rest.starts_with(b"\r\n")) => {
            Some(Line { span: at..end, next: end.saturating_add(2) })
        }
        _ => read_odd_line(octets, at, end, fault),
    }
}

/// The line that begins at `at` and whose end is not as it should be, by the first CR or LF in it.
#[cold]
fn read_odd_line(octets: &[u8], at: usize, end: Option<usize>, fault: &mut FirstFault) -> Option<Line> {
    let mut end = end;
    while let Some(found) = end {
        let next = found.saturating_add(1);
        match (octets.get(found), octets.get(next)) {
            (Some(b'\r'), Some(b'\n')) => return Some(Line { span: at..found, next: next.saturating_add(1) }),
            (Some(b'\n'), _) => {
                fault.note(Fault::LineBreak);
                return Some(Line { span: at..found, next });
            }
            // A stray CR would end a line for some readers further on.
            _ => {
                fault.note(Fault::LineBreak);
                end = find_line_break(octets, next);
            }
        }
    }
    fault.note(Fault::HeadOpen);
    None
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
