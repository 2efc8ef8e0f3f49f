//! What stands before the document element: the character set and the document type declaration.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::CodecError;
use crate::version::Version;

/// Turns the octets into text, by byte-order mark or XML declaration.
pub(super) fn decode_text(octets: &[u8]) -> Result<Cow<'_, str>, CodecError> {
    let (encoding, octets) = match octets {
        [0xEF, 0xBB, 0xBF, rest @ ..] => (UTF_8, rest),
        [0xFE, 0xFF, rest @ ..] => (UTF_16BE, rest),
        [0xFF, 0xFE, rest @ ..] => (UTF_16LE, rest),
        [0, b'<', ..] => (UTF_16BE, octets),
        [b'<', 0, ..] => (UTF_16LE, octets),
        _ => (declared_encoding(octets)?, octets),
    };
    if encoding == UTF_8 {
        return core::str::from_utf8(octets).map(Cow::Borrowed).map_err(|_| CodecError::MalformedText);
    }
    encoding.decode_without_bom_handling_and_without_replacement(octets).ok_or(CodecError::MalformedText)
}

/// The encoding of the XML declaration. Octets that could be read so far are not UTF-16, whatever the declaration says.
fn declared_encoding(octets: &[u8]) -> Result<&'static Encoding, CodecError> {
    let start = octets.trim_ascii_start();
    let declaration = match start.strip_prefix(b"<?xml") {
        Some(rest) => rest.split(|octet| *octet == b'>').next().unwrap_or_default(),
        None => return Ok(UTF_8),
    };
    let declaration = declaration.get(..declaration.len().min(DECLARATION_BYTES_MAX)).unwrap_or_default();
    let Some(at) = declaration.windows(b"encoding".len()).position(|part| part == b"encoding") else {
        return Ok(UTF_8);
    };
    let after = declaration.get(at.saturating_add(b"encoding".len())..).unwrap_or_default();
    let mut parts = after.split(|octet| matches!(octet, b'"' | b'\''));
    let label = parts.nth(1).unwrap_or_default();
    let encoding = Encoding::for_label(label).ok_or(CodecError::UnsupportedCharset)?;
    Ok(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

/// A text without its document type declaration, and what the declaration said.
pub(super) struct Prologue<'a> {
    pub(super) body: &'a str,
    pub(super) public_id_version: Option<Version>,
}

impl<'a> Prologue<'a> {
    /// Takes the declaration off (WV-ENC-10). It is never fetched.
    /// QUIRK bare_doctype: writes the public identifier without the keyword before it, which is no XML; Baraza.
    pub(super) fn parse(text: &'a str) -> Result<Self, CodecError> {
        let mut rest = text.trim_start();
        loop {
            let (open, close) = match rest {
                _ if rest.starts_with("<?") => ("<?", "?>"),
                _ if rest.starts_with("<!--") => ("<!--", "-->"),
                _ => break,
            };
            let inner = rest.strip_prefix(open).unwrap_or_default();
            let (skipped, tail) = inner.split_once(close).ok_or(CodecError::Truncated)?;
            if open == "<!--" && skipped.contains("--") {
                return Err(CodecError::MalformedXml(0));
            }
            rest = tail.trim_start();
        }
        match rest.strip_prefix("<!DOCTYPE") {
            Some(declaration) => Self::after_doctype(declaration),
            None => Ok(Self { body: rest, public_id_version: None }),
        }
    }

    fn after_doctype(declaration: &'a str) -> Result<Self, CodecError> {
        let mut rest = declaration;
        let mut public_id_version = None;
        loop {
            let at = rest.find(['"', '\'', '[', '>']).ok_or(CodecError::Truncated)?;
            let tail = rest.get(at..).unwrap_or_default();
            let mut characters = tail.chars();
            match characters.next() {
                Some('[') => return Err(CodecError::InternalSubset),
                Some('>') => return Ok(Self { body: characters.as_str(), public_id_version }),
                Some(quote) => {
                    let (literal, tail) = characters.as_str().split_once(quote).ok_or(CodecError::Truncated)?;
                    public_id_version = public_id_version.or_else(|| Version::from_public_id_text(literal));
                    rest = tail;
                }
                None => return Err(CodecError::Truncated),
            }
        }
    }
}

const DECLARATION_BYTES_MAX: usize = 256;
