//! Checks that the parser below leaves to its users.

use super::{XmlError, is_local_name, is_xml_character};
use crate::body::namespace;
use quick_xml::XmlVersion;
use quick_xml::name::{QName, ResolveResult};
use std::borrow::Cow;

/// Splits the inside of a start tag into names and raw values; the parser is too permissive here.
pub(super) struct RawAttributes<'a>(pub(super) &'a str);

impl<'a> Iterator for RawAttributes<'a> {
    type Item = Result<(&'a str, &'a str), XmlError>;

    fn next(&mut self) -> Option<Self::Item> {
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
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_ascii_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, rest) = rest.get(1..)?.split_once(quote)?;
    (!value.contains('<')).then_some((name.trim_ascii_end(), value, rest))
}

pub(super) fn is_declared_twice(raw: &str, name: &str) -> bool {
    RawAttributes(raw).flatten().filter(|(other, _)| *other == name).count() > 1
}

pub(super) fn namespace_of(resolved: ResolveResult<'_>) -> Result<Cow<'static, str>, XmlError> {
    match resolved {
        ResolveResult::Unbound => Ok(Cow::Borrowed("")),
        ResolveResult::Unknown(_) => Err(XmlError::UndeclaredPrefix),
        ResolveResult::Bound(bound) => {
            // An example of RFC 4119 has a blank in front of a namespace name, and examples are copied.
            let name = bound.into_inner().trim_matches(' ');
            let known = namespace::KNOWN.iter().find(|known| **known == name);
            Ok(known.map_or_else(|| Cow::Owned(name.to_owned()), |known| Cow::Borrowed(*known)))
        }
    }
}

/// Checks a qualified name; answers its local part.
pub(super) fn check_name(qualified: &str) -> Result<&str, XmlError> {
    let (prefix, local) = qualified.split_once(':').map_or((None, qualified), |(p, l)| (Some(p), l));
    if is_local_name(local) && prefix.is_none_or(is_local_name) { Ok(local) } else { Err(XmlError::MalformedName) }
}

pub(super) fn check_characters(text: &str) -> Result<(), XmlError> {
    if text.chars().all(is_xml_character) { Ok(()) } else { Err(XmlError::ForbiddenCharacter) }
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

pub(super) fn resolve_reference(reference: &quick_xml::events::BytesRef<'_>) -> Result<Cow<'static, str>, XmlError> {
    if let Some(predefined) = quick_xml::escape::resolve_xml_entity(reference) {
        return Ok(Cow::Borrowed(predefined));
    }
    match reference.resolve_char_ref() {
        Ok(Some(character)) if is_xml_character(character) => Ok(Cow::Owned(character.to_string())),
        Ok(Some(_)) | Err(_) => Err(XmlError::ForbiddenCharacter),
        Ok(None) => Err(XmlError::UnknownEntity),
    }
}

pub(super) fn unescape(raw: &str) -> Result<String, XmlError> {
    use quick_xml::escape::EscapeError;
    let attribute = quick_xml::events::attributes::Attribute { key: QName("v"), value: Cow::Borrowed(raw) };
    let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| match error {
        quick_xml::Error::Escape(EscapeError::UnrecognizedEntity(..)) => XmlError::UnknownEntity,
        quick_xml::Error::Escape(EscapeError::InvalidCharRef(_)) => XmlError::ForbiddenCharacter,
        _ => XmlError::NotWellFormed,
    })?;
    check_characters(&value)?;
    Ok(value.into_owned())
}
