//! Bodies of several parts (RFC 2046 §5.1).

use super::mime::{MimeError, MimePart, find};
use crate::error::WriteError;
use bytes::{Bytes, BytesMut};

// RFC 2046 §5.1.1
/// The parts between the boundaries, in their order.
///
/// # Errors
/// [`MimeError`] says what is wrong. A body that ends without its last boundary is cut off, and not read.
pub fn parse(body: &Bytes, boundary: &str) -> Result<Vec<MimePart>, MimeError> {
    if boundary.is_empty() || boundary.len() > BOUNDARY_OCTETS_MAX {
        return Err(MimeError::NoBoundary);
    }
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut line = Line::first(body, delimiter.as_bytes()).ok_or(MimeError::NoBoundary)?;
    while !line.is_last {
        if parts.len() >= PARTS_MAX {
            return Err(MimeError::TooManyParts);
        }
        let next = Line::next(body, delimiter.as_bytes(), line.end).ok_or(MimeError::NoBoundary)?;
        let part = body.slice(line.end.min(next.start)..next.start);
        parts.push(MimePart::parse(&part)?);
        line = next;
    }
    Ok(parts)
}

/// Writes the parts between boundaries.
///
/// # Errors
/// [`WriteError`] when a header field of a part cannot be written, or when the boundary stands in a part.
pub fn write(parts: &[MimePart], boundary: &str) -> Result<Bytes, WriteError> {
    let is_boundary = !boundary.is_empty()
        && boundary.len() <= BOUNDARY_OCTETS_MAX
        && boundary.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&octet));
    let mut out = BytesMut::new();
    for part in parts {
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        let start = out.len();
        part.write(&mut out)?;
        if !is_boundary || find(out.get(start..).unwrap_or_default(), format!("--{boundary}").as_bytes()).is_some() {
            return Err(WriteError::Part);
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(out.freeze())
}

/// A line that holds a boundary.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where what is before it ends: the line break belongs to the boundary.
    start: usize,
    /// Where what is behind it begins.
    end: usize,
    is_last: bool,
}

impl Line {
    fn first(body: &[u8], delimiter: &[u8]) -> Option<Self> {
        if body.starts_with(delimiter)
            && let Some(line) = Self::at(body, 0, delimiter.len())
        {
            return Some(line);
        }
        Self::next(body, delimiter, 0)
    }

    /// The next boundary at or behind the place. An empty part has none of the line breaks before it to itself.
    fn next(body: &[u8], delimiter: &[u8], from: usize) -> Option<Self> {
        let mut at = from.saturating_sub(2);
        loop {
            let found = find(body.get(at..)?, b"\r\n")?.saturating_add(at);
            let begins = found.saturating_add(2);
            if body.get(begins..)?.starts_with(delimiter)
                && let Some(line) = Self::at(body, begins, begins.saturating_add(delimiter.len()))
            {
                return Some(Self { start: found.max(from), ..line });
            }
            at = begins;
        }
    }

    /// The boundary whose text ends at `behind`, unless it is the beginning of a longer one.
    fn at(body: &[u8], start: usize, behind: usize) -> Option<Self> {
        let rest = body.get(behind..)?;
        let (rest, is_last, behind) = match rest.strip_prefix(b"--") {
            Some(rest) => (rest, true, behind.saturating_add(2)),
            None => (rest, false, behind),
        };
        // RFC 2046 §5.1.1: blanks may follow.
        let blanks = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let rest = rest.get(blanks..)?;
        let behind = behind.saturating_add(blanks);
        if rest.starts_with(b"\r\n") {
            return Some(Self { start, end: behind.saturating_add(2), is_last });
        }
        (is_last && rest.is_empty()).then_some(Self { start, end: behind, is_last })
    }
}

// RFC 2046 §5.1.1
/// The longest boundary.
pub const BOUNDARY_OCTETS_MAX: usize = 70;

/// Parts of one body.
pub const PARTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::header::media_type::MediaType;
    use proptest::prelude::*;

    fn contents(body: &'static str, boundary: &str) -> Result<Vec<Bytes>, MimeError> {
        let parts = parse(&Bytes::from_static(body.as_bytes()), boundary)?;
        Ok(parts.into_iter().map(|part| part.content).collect())
    }

    #[test]
    fn rfc2046_5_1_1_the_line_break_before_a_boundary_belongs_to_it() {
        let body = "preamble\r\n--b\r\n\r\none\r\n\r\n--b  \r\nContent-Type: text/html\r\n\r\n\r\n--b--\r\nepilogue";
        assert_eq!(contents(body, "b").unwrap(), ["one\r\n", ""]);
    }

    #[test]
    fn a_boundary_that_begins_like_another_is_none() {
        assert_eq!(contents("--b\r\n\r\n--bc\r\n--b--", "b").unwrap(), ["--bc"]);
        assert_eq!(contents("--b\r\n\r\nx", "b"), Err(MimeError::NoBoundary));
        assert_eq!(contents("x", "b"), Err(MimeError::NoBoundary));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(texts in prop::collection::vec("[ -~\r\n]{0,40}", 0..6)) {
            let text_plain = MediaType::parse("text/plain").unwrap();
            let parts: Vec<MimePart> =
                texts.into_iter().map(|text| MimePart::new(&text_plain, Bytes::from(text))).collect();
            if let Ok(written) = write(&parts, "boundary-1") {
                prop_assert_eq!(parse(&written, "boundary-1").unwrap(), parts);
            }
        }
    }
}
