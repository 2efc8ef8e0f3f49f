//! Checks that the parser below leaves to its users.

use super::{XmlError, is_local_name, is_xml_character};
use crate::message::scan;
use memchr::memchr;
use std::borrow::Cow;

/// Splits the inside of a start tag into names and raw values; the parser is too permissive here.
pub(super) struct RawAttributes<'a>(pub(super) &'a str);

impl<'a> Iterator for RawAttributes<'a> {
    type Item = Result<(&'a str, &'a str), XmlError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let trimmed = self.0.trim_ascii_start();
        if trimmed.is_empty() {
            return None;
        }
        let split = (trimmed.len() < self.0.len()).then(|| split_attribute(trimmed)).flatten();
        let Some((name, value, rest)) = split else {
            self.0 = "";
            return Some(Err(XmlError::NotWellFormed));
        };
        self.0 = rest;
        Some(Ok((name, value)))
    }
}

fn split_attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = split_at_octet(text, b'=')?;
    let rest = rest.trim_ascii_start();
    let quote = rest.bytes().next().filter(|octet| matches!(octet, b'"' | b'\''))?;
    let rest = rest.get(1..)?;
    let end = memchr(quote, rest.as_bytes())?;
    let (value, rest) = (rest.get(..end)?, rest.get(end.checked_add(1)?..)?);
    let is_clean = memchr(b'<', value.as_bytes()).is_none();
    is_clean.then_some((name.trim_ascii_end(), value, rest))
}

/// As `split_once` by an octet of ASCII; for texts so short that a search of the library takes longer to begin than to
/// end.
fn split_at_octet(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|found| found == octet)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

/// Checks a qualified name; answers its prefix, empty where there is none, and its local part.
#[inline]
pub(super) fn check_name(qualified: &str) -> Result<(&str, &str), XmlError> {
    // Nearly all are of ASCII: a start, and letters up to the end, maybe after a colon once more.
    let octets = qualified.as_bytes();
    match plain_part_end(octets, 0) {
        Some(end) if end == octets.len() => return Ok(("", qualified)),
        Some(colon) if octets.get(colon) == Some(&b':') => {
            let local = colon.saturating_add(1);
            if plain_part_end(octets, local) == Some(octets.len()) {
                let parts = (qualified.get(..colon), qualified.get(local..));
                return Ok((parts.0.unwrap_or_default(), parts.1.unwrap_or_default()));
            }
        }
        Some(_) | None => {}
    }
    check_any_name(qualified)
}

/// Where the name of ASCII without colon that begins at `start` is over; none where none begins.
#[inline]
pub(super) fn plain_part_end(octets: &[u8], start: usize) -> Option<usize> {
    let first = octets.get(start)?;
    if !first.is_ascii_alphabetic() && *first != b'_' {
        return None;
    }
    Some(scan::end_of(octets, start.wrapping_add(1), is_plain_part))
}

fn check_any_name(qualified: &str) -> Result<(&str, &str), XmlError> {
    let (prefix, local) = split_at_octet(qualified, b':').map_or((None, qualified), |(p, l)| (Some(p), l));
    if is_local_name(local) && prefix.is_none_or(is_local_name) {
        Ok((prefix.unwrap_or_default(), local))
    } else {
        Err(XmlError::MalformedName)
    }
}

#[inline]
fn is_plain_part(octet: u8) -> bool {
    PLAIN_NAME.get(usize::from(octet)).copied().unwrap_or_default()
}

/// Which octets may stand in a name of ASCII.
static PLAIN_NAME: [bool; 256] = plain_name();

#[allow(clippy::indexing_slicing, reason = "runs at compile time only")]
const fn plain_name() -> [bool; 256] {
    let mut table = [false; 256];
    let mut octet = 0_u8;
    while octet < 0x80 {
        table[octet as usize] = octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
        octet = octet.saturating_add(1);
    }
    table
}

pub(super) fn check_characters(text: &str) -> Result<(), XmlError> {
    // Nearly every document is all ASCII, which is seen without taking it apart. Bit operations and blocks let the
    // compiler look at many octets at once.
    let is_plain = |octet: &u8| {
        let (octet, is_space) = (*octet, (*octet == b'\t') | (*octet == b'\n') | (*octet == b'\r'));
        (b' '..0x80).contains(&octet) | is_space
    };
    let is_plain_block = |block: &[u8]| block.iter().fold(true, |so_far, octet| so_far & is_plain(octet));
    if text.as_bytes().chunks(64).all(is_plain_block) || text.chars().all(is_xml_character) {
        Ok(())
    } else {
        Err(XmlError::ForbiddenCharacter)
    }
}

/// The declaration has a version, maybe an encoding, maybe a statement about being alone, in this order.
pub(super) fn check_declaration(declaration: &str) -> Result<(), XmlError> {
    let mut names = ["version", "encoding", "standalone"].iter();
    let inside = declaration.strip_prefix("xml").ok_or(XmlError::NotWellFormed)?;
    let mut count: usize = 0;
    for attribute in RawAttributes(inside.trim_ascii_end()) {
        let (name, value) = attribute?;
        let is_good = match name {
            "version" => value == "1.0",
            // Old clients write `utf8`.
            "encoding" if ["utf-8", "us-ascii", "utf8"].iter().any(|known| value.eq_ignore_ascii_case(known)) => true,
            "encoding" => return Err(XmlError::NotUtf8),
            "standalone" => matches!(value, "yes" | "no"),
            _ => false,
        };
        let is_in_place = count > 0 || name == "version";
        count = count.saturating_add(1);
        if !is_good || !is_in_place || !names.any(|known| *known == name) {
            return Err(XmlError::NotWellFormed);
        }
    }
    if count > 0 { Ok(()) } else { Err(XmlError::NotWellFormed) }
}

pub(super) fn check_instruction(target: &str) -> Result<(), XmlError> {
    if is_local_name(target) && !target.eq_ignore_ascii_case("xml") { Ok(()) } else { Err(XmlError::NotWellFormed) }
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'))
}

/// The character that a reference without its `&` and `;` stands for.
pub(super) fn resolve_reference(name: &str) -> Result<char, XmlError> {
    let predefined = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return resolve_number(name.strip_prefix('#').ok_or(XmlError::UnknownEntity)?),
    };
    Ok(predefined)
}

fn resolve_number(digits: &str) -> Result<char, XmlError> {
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |digits| (digits, 16));
    let are_digits = digits.chars().all(|digit| digit.is_digit(radix));
    let number = u32::from_str_radix(digits, radix).ok().filter(|_| are_digits);
    let character = number.and_then(char::from_u32).filter(|character| is_xml_character(*character));
    character.ok_or(XmlError::ForbiddenCharacter)
}

/// Text with every line end made one line feed, as XML wants it.
pub(super) fn unfold_lines(text: &str) -> Cow<'_, str> {
    if memchr(b'\r', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The value of an attribute: references resolved, every line end and tab one space.
pub(super) fn unescape(raw: &str) -> Result<Cow<'_, str>, XmlError> {
    if !raw.bytes().any(|octet| matches!(octet, b'&' | b'\t' | b'\n' | b'\r')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (plain, special) = rest.split_at_checked(at).ok_or(XmlError::NotWellFormed)?;
        value.push_str(plain);
        rest = if let Some(reference) = special.strip_prefix('&') {
            let (name, behind) = reference.split_once(';').ok_or(XmlError::NotWellFormed)?;
            value.push(resolve_reference(name)?);
            behind
        } else {
            value.push(' ');
            special.strip_prefix("\r\n").or_else(|| special.get(1..)).unwrap_or_default()
        };
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}
