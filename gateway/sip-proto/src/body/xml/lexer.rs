//! Octets of a document to tags, texts and references, borrowed from the document, with the namespaces in force.

use super::check::{RawAttributes, plain_part_end};
use super::{XmlError, XmlLimits};
use crate::body::namespace::XML;
use crate::octets::{find_either, value_end};
use memchr::{memchr, memchr3};
use smallvec::SmallVec;

/// Cuts a document into tokens. Every token takes at least one octet, but for the end of an empty element and of the
/// document.
pub(super) struct Lexer<'a> {
    source: &'a str,
    limits: &'a XmlLimits,
    at: usize,
    /// Names of the open elements, prefixes included.
    open: SmallVec<[&'a str; 8]>,
    /// What is declared, the innermost last.
    bindings: SmallVec<[Binding<'a>; 8]>,
    /// Those of the last start tag.
    attributes: SmallVec<[Attribute<'a>; 8]>,
    /// Whether the element that was just opened was an empty one, whose end is still to be told.
    is_empty_open: bool,
}

/// What stands next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A start tag, or an empty one, whose end comes next.
    Start(Tag<'a>),
    /// An end tag, or the end of an empty one.
    End,
    /// Text up to the next markup or reference, as it stands.
    Text(&'a str),
    /// The inside of a CDATA section.
    Literal(&'a str),
    /// What stands between `&` and `;`.
    Reference(&'a str),
    /// A comment.
    Comment,
    /// A processing instruction: its target.
    Instruction(&'a str),
    /// The inside of an XML declaration.
    Declaration(&'a str),
    /// A document type declaration.
    DocumentType,
    /// Nothing more.
    Eof,
}

/// A start tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// The name. Its attributes are those of [`Lexer::attributes`].
    pub(super) name: Name<'a>,
    /// Where the tag begins.
    pub(super) start: usize,
}

/// A name as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    /// The whole, prefix included.
    pub(super) qualified: &'a str,
    /// Its prefix, empty where there is none, and its local part; where it was checked already.
    pub(super) parts: Option<(&'a str, &'a str)>,
}

/// An attribute as it stands, be it a declaration or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: Name<'a>,
    pub(super) value: &'a str,
    /// Whether the value is known to be what it says, without reference and blank but space.
    pub(super) is_plain: bool,
}

#[derive(Clone, Copy, Debug)]
struct Binding<'a> {
    /// Empty for the default namespace.
    prefix: &'a str,
    /// Empty where the default namespace was ended.
    namespace: &'a str,
    /// How many elements were open around the one that declares it.
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str, limits: &'a XmlLimits) -> Self {
        let (open, bindings, attributes) = (SmallVec::new(), SmallVec::new(), SmallVec::new());
        Self { source, limits, at: 0, open, bindings, attributes, is_empty_open: false }
    }

    /// Where the next token begins.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<Token<'a>, XmlError> {
        if std::mem::take(&mut self.is_empty_open) {
            self.leave();
            return Ok(Token::End);
        }
        let rest = self.rest();
        match rest.as_bytes() {
            [] if self.open.is_empty() => Ok(Token::Eof),
            [] => Err(XmlError::NotWellFormed),
            [b'<', b'/', ..] => self.end_tag(),
            [b'<', b'?', ..] => self.instruction(),
            [b'<', b'!', ..] => self.declaration(),
            [b'<', ..] => self.start_tag(),
            [b'&', ..] => {
                let inside = rest.get(1..).unwrap_or_default();
                let end = inside.bytes().position(|octet| matches!(octet, b';' | b'&' | b'<'));
                let end = end.ok_or(XmlError::NotWellFormed)?;
                let (name, behind) = inside.split_at_checked(end).ok_or(XmlError::NotWellFormed)?;
                if !behind.starts_with(';') {
                    return Err(XmlError::NotWellFormed);
                }
                self.advance(end.saturating_add(2));
                Ok(Token::Reference(name))
            }
            octets => {
                let end = find_either(octets, b'<', b'&').unwrap_or(octets.len());
                let text = rest.get(..end).unwrap_or_default();
                self.advance(end);
                Ok(Token::Text(text))
            }
        }
    }

    /// The attributes in the last start tag.
    pub(super) fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    /// The namespace of a prefix; the empty prefix stands for elements without one.
    pub(super) fn namespace_of(&self, prefix: &str) -> Result<&'a str, XmlError> {
        match self.bindings.iter().rev().find(|binding| binding.prefix == prefix) {
            Some(binding) => Ok(binding.namespace),
            None if prefix.is_empty() => Ok(""),
            None if prefix == "xml" => Ok(XML),
            None => Err(XmlError::UndeclaredPrefix),
        }
    }

    fn start_tag(&mut self) -> Result<Token<'a>, XmlError> {
        let declared = self.bindings.len();
        if let Some(token) = self.plain_start_tag() {
            return Ok(token);
        }
        self.bindings.truncate(declared);
        self.any_start_tag()
    }

    /// Reads a start tag as nearly all are written: names of ASCII, nothing around the equals signs. None for any other,
    /// whatever may be wrong with it.
    #[inline]
    fn plain_start_tag(&mut self) -> Option<Token<'a>> {
        let octets = self.source.as_bytes();
        let start = self.at;
        let (name, mut at) = self.plain_name(start.wrapping_add(1))?;
        self.attributes.clear();
        let is_empty = loop {
            match octets.get(at)? {
                b'>' => break false,
                b'/' if octets.get(at.wrapping_add(1)) == Some(&b'>') => break true,
                octet if is_space(*octet) => {
                    at = end_of_spaces(octets, at);
                    if !matches!(octets.get(at), Some(b'>' | b'/')) {
                        at = self.plain_attribute(at)?;
                    }
                }
                _ => return None,
            }
        };
        self.open.push(name.qualified);
        self.is_empty_open = is_empty;
        self.at = at.wrapping_add(if is_empty { 2 } else { 1 });
        Some(Token::Start(Tag { name, start }))
    }

    /// Reads the attribute that begins at `start`, and tells where it is over.
    fn plain_attribute(&mut self, start: usize) -> Option<usize> {
        let octets = self.source.as_bytes();
        let (name, equals) = self.plain_name(start)?;
        let [b'=', quote @ (b'"' | b'\''), ..] = octets.get(equals..)? else { return None };
        let value = equals.wrapping_add(2);
        let end = value_end(octets, value, *quote)?;
        let attribute = Attribute { name, value: self.source.get(value..end.quote)?, is_plain: end.is_plain };
        self.take_attribute(attribute).ok()?;
        Some(end.quote.wrapping_add(1))
    }

    /// Reads the name of ASCII that begins at `start`, and tells where it is over.
    #[inline]
    fn plain_name(&self, start: usize) -> Option<(Name<'a>, usize)> {
        let octets = self.source.as_bytes();
        let end = plain_part_end(octets, start)?;
        if octets.get(end) != Some(&b':') {
            let qualified = self.source.get(start..end)?;
            return Some((Name { qualified, parts: Some(("", qualified)) }, end));
        }
        let local = end.wrapping_add(1);
        let local_end = plain_part_end(octets, local)?;
        let parts = (self.source.get(start..end)?, self.source.get(local..local_end)?);
        Some((Name { qualified: self.source.get(start..local_end)?, parts: Some(parts) }, local_end))
    }

    fn any_start_tag(&mut self) -> Result<Token<'a>, XmlError> {
        let start = self.at;
        let rest = self.rest();
        let end = tag_end(rest.as_bytes()).ok_or(XmlError::NotWellFormed)?;
        let inside = rest.get(1..end).ok_or(XmlError::NotWellFormed)?;
        let (inside, is_empty) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name_end = inside.bytes().position(is_space).unwrap_or(inside.len());
        let (name, attributes) = inside.split_at_checked(name_end).ok_or(XmlError::NotWellFormed)?;
        self.attributes.clear();
        for attribute in RawAttributes(attributes) {
            let (name, value) = attribute?;
            let name = Name { qualified: name, parts: None };
            self.take_attribute(Attribute { name, value, is_plain: false })?;
        }
        self.open.push(name);
        self.is_empty_open = is_empty;
        self.advance(end.saturating_add(1));
        Ok(Token::Start(Tag { name: Name { qualified: name, parts: None }, start }))
    }

    fn end_tag(&mut self) -> Result<Token<'a>, XmlError> {
        let rest = self.rest().as_bytes();
        let open = *self.open.last().ok_or(XmlError::NotWellFormed)?;
        let behind =
            rest.get(2..).and_then(|rest| rest.strip_prefix(open.as_bytes())).ok_or(XmlError::NotWellFormed)?;
        let spaces = end_of_spaces(behind, 0);
        if behind.get(spaces) != Some(&b'>') {
            return Err(XmlError::NotWellFormed);
        }
        self.advance(open.len().saturating_add(spaces).saturating_add(3));
        self.leave();
        Ok(Token::End)
    }

    fn instruction(&mut self) -> Result<Token<'a>, XmlError> {
        let rest = self.rest();
        let end = rest.get(2..).and_then(|inside| inside.find("?>")).ok_or(XmlError::NotWellFormed)?;
        let inside = rest.get(2..end.saturating_add(2)).unwrap_or_default();
        self.advance(end.saturating_add(4));
        let target_end = inside.bytes().position(is_space).unwrap_or(inside.len());
        match inside.get(..target_end).unwrap_or_default() {
            "xml" => Ok(Token::Declaration(inside)),
            target => Ok(Token::Instruction(target)),
        }
    }

    fn declaration(&mut self) -> Result<Token<'a>, XmlError> {
        let rest = self.rest();
        if let Some(inside) = rest.strip_prefix("<!--") {
            let end = inside.find("--").ok_or(XmlError::NotWellFormed)?;
            if !inside.get(end..).is_some_and(|end| end.starts_with("-->")) {
                return Err(XmlError::NotWellFormed);
            }
            self.advance(end.saturating_add(7));
            return Ok(Token::Comment);
        }
        if let Some(inside) = rest.strip_prefix("<![CDATA[") {
            let end = inside.find("]]>").ok_or(XmlError::NotWellFormed)?;
            self.advance(end.saturating_add(12));
            return Ok(Token::Literal(inside.get(..end).unwrap_or_default()));
        }
        let is_type = rest.get(2..9).is_some_and(|word| word.eq_ignore_ascii_case("DOCTYPE"));
        if is_type { Ok(Token::DocumentType) } else { Err(XmlError::NotWellFormed) }
    }

    /// Takes up an attribute of the start tag, and the namespace that it may declare.
    #[inline]
    fn take_attribute(&mut self, attribute: Attribute<'a>) -> Result<(), XmlError> {
        if self.attributes.len() >= self.limits.attributes_max {
            return Err(XmlError::TooManyAttributes);
        }
        self.attributes.push(attribute);
        match declared_prefix(attribute.name.qualified) {
            Some(prefix) => self.declare(prefix, attribute.value),
            None => Ok(()),
        }
    }

    fn declare(&mut self, prefix: &'a str, value: &'a str) -> Result<(), XmlError> {
        let depth = self.open.len();
        // A namespace name is a URI: none of these stands in one, and with any of them names that are equal to the
        // eye would differ.
        let is_prefix_reset = value.is_empty() && !prefix.is_empty();
        let octets = value.as_bytes();
        let has_odd = memchr3(b'&', b'<', b'>', octets).is_some() || memchr3(b'"', b'\t', b'\n', octets).is_some();
        if is_prefix_reset || has_odd || memchr(b'\r', octets).is_some() {
            return Err(XmlError::UndeclaredPrefix);
        }
        // An example of RFC 4119 has a blank in front of a namespace name, and examples are copied.
        let is_padded = octets.first() == Some(&b' ') || octets.last() == Some(&b' ');
        let namespace = if is_padded { value.trim_matches(' ') } else { value };
        // The two prefixes of XML itself stay what they are, and nothing else is.
        if (prefix == "xml") != (namespace == XML) || prefix == "xmlns" || namespace == XMLNS {
            return Err(XmlError::UndeclaredPrefix);
        }
        if self.bindings.iter().any(|binding| binding.depth == depth && binding.prefix == prefix) {
            return Err(XmlError::DuplicateAttribute);
        }
        self.bindings.push(Binding { prefix, namespace, depth });
        Ok(())
    }

    fn leave(&mut self) {
        self.open.pop();
        let depth = self.open.len();
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, octets: usize) {
        self.at = self.at.saturating_add(octets).min(self.source.len());
    }
}

/// The prefix that an attribute declares, empty for the default namespace; none when it is an ordinary attribute.
pub(super) fn declared_prefix(name: &str) -> Option<&str> {
    match name.strip_prefix("xmlns") {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix(':'),
        None => None,
    }
}

/// Where the `>` of a start tag stands: attribute values may hold it.
fn tag_end(octets: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let rest = octets.get(at..)?;
        let found = memchr3(b'>', b'"', b'\'', rest)?;
        at = at.saturating_add(found);
        let quote = *octets.get(at)?;
        if quote == b'>' {
            return Some(at);
        }
        let value = octets.get(at.saturating_add(1)..)?;
        let length = memchr(quote, value)?;
        at = at.saturating_add(length).saturating_add(2);
    }
}

/// Where the blanks that begin at `start` are over.
#[inline]
fn end_of_spaces(octets: &[u8], start: usize) -> usize {
    let mut at = start;
    while octets.get(at).is_some_and(|octet| is_space(*octet)) {
        at = at.wrapping_add(1);
    }
    at
}

const fn is_space(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The namespace of declarations, to which nothing may be bound.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
