//! A body part with header fields of its own: what CPIM wraps, and what multipart bodies are made of.

use crate::error::WriteError;
use crate::message::{header::media_type::MediaType, text::Text};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};

/// Header fields and content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimePart {
    fields: Vec<(Text, Text)>,
    /// The content as it is carried, transfer encoding included.
    pub content: Bytes,
}

/// Why octets are no body part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// No blank line behind the header fields.
    #[error("the header fields do not end")]
    NoBlankLine,
    /// A line without name or colon, or one that is no UTF-8.
    #[error("malformed header field")]
    MalformedField,
    /// [`FIELDS_MAX`] or [`FIELD_OCTETS_MAX`].
    #[error("too many or too long header fields")]
    TooManyFields,
    /// The content is not in the encoding that it names, or in one that is not known.
    #[error("transfer encoding unknown or broken")]
    TransferEncoding,
    /// A multipart body without boundary, or without end.
    #[error("the boundary is missing")]
    NoBoundary,
    /// [`super::multipart::PARTS_MAX`].
    #[error("too many parts")]
    TooManyParts,
}

impl MimePart {
    /// A part of this type.
    #[must_use]
    pub fn new(media_type: &MediaType, content: Bytes) -> Self {
        let mut part = Self { fields: Vec::new(), content };
        part.push("Content-Type", &media_type.to_string());
        part
    }

    /// The same with one more header field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name, value);
        self
    }

    fn push(&mut self, name: &str, value: &str) {
        self.fields.push((Text::from(name), Text::from(value)));
    }

    // RFC 2045 §3
    /// Reads header fields, a blank line, and content.
    ///
    /// # Errors
    /// [`MimeError`] says what is wrong.
    pub fn parse(octets: &Bytes) -> Result<Self, MimeError> {
        let mut fields: Vec<(Text, Text)> = Vec::new();
        let mut at = 0_usize;
        loop {
            let rest = octets.get(at..).unwrap_or_default();
            let length = find(rest, b"\r\n").ok_or(MimeError::NoBlankLine)?;
            let line = rest.get(..length).unwrap_or_default();
            at = at.saturating_add(length).saturating_add(2);
            if line.is_empty() {
                break;
            }
            if fields.len() >= FIELDS_MAX || line.len() > FIELD_OCTETS_MAX {
                return Err(MimeError::TooManyFields);
            }
            let text = std::str::from_utf8(line).map_err(|_| MimeError::MalformedField)?;
            // RFC 5322 §2.2.3: a line that begins with a blank continues the one before.
            if text.starts_with([' ', '\t']) {
                let (_, value) = fields.last_mut().ok_or(MimeError::MalformedField)?;
                let joined = format!("{value} {}", text.trim()).trim().to_owned();
                if joined.len() > FIELD_OCTETS_MAX {
                    return Err(MimeError::TooManyFields);
                }
                *value = Text::from(joined);
                continue;
            }
            let (name, value) = text.split_once(':').ok_or(MimeError::MalformedField)?;
            if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
                return Err(MimeError::MalformedField);
            }
            fields.push((Text::from(name), Text::from(value.trim())));
        }
        Ok(Self { fields, content: octets.slice(at.min(octets.len())..) })
    }

    /// The value of the first header field of that name; case does not count.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known.is_like(name)).map(|(_, value)| value.as_str())
    }

    // RFC 2045 §5.2
    /// The media type; plain text where none is written.
    #[must_use]
    pub fn media_type(&self) -> Option<MediaType> {
        MediaType::parse(self.field("Content-Type").unwrap_or("text/plain")).ok()
    }

    // RFC 2045 §6
    /// The content without its transfer encoding.
    ///
    /// # Errors
    /// [`MimeError::TransferEncoding`].
    pub fn decoded(&self) -> Result<Bytes, MimeError> {
        let encoding = self.field("Content-Transfer-Encoding").unwrap_or("binary").to_ascii_lowercase();
        match encoding.as_str() {
            "7bit" | "8bit" | "binary" => Ok(self.content.clone()),
            "base64" => {
                let dense: Vec<u8> =
                    self.content.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
                STANDARD.decode(dense).map(Bytes::from).map_err(|_| MimeError::TransferEncoding)
            }
            "quoted-printable" => unquote(&self.content).ok_or(MimeError::TransferEncoding),
            _ => Err(MimeError::TransferEncoding),
        }
    }

    /// Writes header fields, blank line and content behind what `out` holds.
    ///
    /// # Errors
    /// [`WriteError`] when a header field cannot be written.
    pub fn write(&self, out: &mut BytesMut) -> Result<(), WriteError> {
        for (name, value) in &self.fields {
            let is_name = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':');
            if !is_name || value.bytes().any(|octet| octet.is_ascii_control()) {
                return Err(WriteError::Part);
            }
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.content);
        Ok(())
    }
}

// RFC 2045 §6.7
fn unquote(content: &[u8]) -> Option<Bytes> {
    let mut out = BytesMut::with_capacity(content.len());
    let mut rest = content;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'=' {
            out.extend_from_slice(&[*first]);
        } else if let Some(behind) = rest.strip_prefix(b"\r\n") {
            rest = behind;
        } else {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            out.extend_from_slice(&[u8::from_str_radix(digits, 16).ok()?]);
            rest = rest.get(2..)?;
        }
    }
    Some(out.freeze())
}

pub(super) fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// Header fields of one part. Real ones have fewer than ten.
pub const FIELDS_MAX: usize = 64;

/// Octets of one header field, folded lines together.
pub const FIELD_OCTETS_MAX: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(octets: &'static [u8]) -> Result<MimePart, MimeError> {
        MimePart::parse(&Bytes::from_static(octets))
    }

    #[test]
    fn rfc5322_2_2_3_a_value_that_begins_on_its_second_line_has_no_blank_before_it() {
        let folded = part(b"X:\r\n \r\n b\r\n\r\n").unwrap();
        assert_eq!(folded, part(b"X: b\r\n\r\n").unwrap());
    }

    #[test]
    fn rfc2045_6_transfer_encodings_are_undone() {
        let encoded = part(b"content-transfer-encoding: BASE64\r\n\r\naGVs\r\nbG8=").unwrap();
        assert_eq!(encoded.decoded().unwrap(), "hello");
        let quoted = part(b"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc=C3=A9").unwrap();
        assert_eq!(quoted.decoded().unwrap(), "a=bcé");
        assert!(part(b"Content-Transfer-Encoding: x-uu\r\n\r\nx").unwrap().decoded().is_err());
        assert!(part(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=G1").unwrap().decoded().is_err());
    }

    #[test]
    fn header_fields_are_unfolded_and_their_names_compared_without_case() {
        let folded = part(b"Content-Type: text/plain;\r\n charset=utf-8\r\n\r\n").unwrap();
        assert_eq!(folded.field("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(part(b"\r\nx").unwrap().media_type().unwrap().to_essence(), "text/plain");
        assert_eq!(part(b"Content-Type: text/plain"), Err(MimeError::NoBlankLine));
        assert_eq!(part(b" x\r\n\r\n"), Err(MimeError::MalformedField));
    }
}
