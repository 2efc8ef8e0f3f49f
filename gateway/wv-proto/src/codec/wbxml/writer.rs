//! Writes WBXML: version 1.3, UTF-8, whole-string value tokens, a string table only for names without a token.

use super::global;
use crate::codec::date_time::DateTime;
use crate::codec::sink::Sink;
use crate::codec::xml::is_name;
use crate::codec::{DateTimeForm, WriterOptions};
use crate::error::WriteError;
use crate::schema::{ElementName, ValueKind, attribute_start, tag, value_token};
use crate::version::{Encoding, Version};

/// Writes one document in WBXML.
#[derive(Debug)]
pub struct Writer {
    version: Version,
    options: WriterOptions,
    /// Header with an empty string table, then the body.
    out: Vec<u8>,
    string_table: Vec<u8>,
    /// Offsets of the strings in the table, latest last.
    strings: Vec<usize>,
    open: Vec<OpenElement>,
    page: u8,
    last: Last,
    /// Whether several elements may stand beside each other.
    is_fragment: bool,
    fault: Option<WriteError>,
}

#[derive(Debug, Clone, Copy)]
struct OpenElement {
    name: Option<ElementName>,
    /// Where its token stands.
    at: usize,
}

/// What was written last, as far as the innermost element is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Its token.
    Token,
    /// An attribute; the list has no END yet.
    Attribute,
    /// Content, or the document has not begun.
    Content,
}

impl Writer {
    /// A writer with the default options.
    #[must_use]
    pub fn new(version: Version) -> Self {
        Self::with_options(version, WriterOptions::default())
    }

    /// A writer with options.
    #[must_use]
    pub fn with_options(version: Version, options: WriterOptions) -> Self {
        let mut writer = Self {
            version,
            options,
            out: Vec::with_capacity(CAPACITY),
            string_table: Vec::new(),
            strings: Vec::new(),
            open: Vec::with_capacity(16),
            page: 0,
            last: Last::Content,
            is_fragment: false,
            fault: None,
        };
        writer.out.push(WBXML_1_3);
        push_integer(&mut writer.out, version.public_id());
        push_integer(&mut writer.out, MIB_ENUM_UTF_8);
        writer.out.push(0);
        writer
    }

    /// The octets of the document.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<Vec<u8>, WriteError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.is_fragment || !self.open.is_empty() || self.out.len() <= HEADER_LENGTH {
            return Err(WriteError::Unbalanced);
        }
        if self.string_table.is_empty() {
            return Ok(self.out);
        }
        let (header, body) = self.out.split_at_checked(HEADER_LENGTH).ok_or(WriteError::Unbalanced)?;
        let mut whole = Vec::with_capacity(self.out.len().saturating_add(self.string_table.len()).saturating_add(4));
        whole.extend_from_slice(header.strip_suffix(&[0]).unwrap_or(header));
        push_integer(&mut whole, u32::try_from(self.string_table.len()).map_err(|_| WriteError::TooLong)?);
        whole.extend_from_slice(&self.string_table);
        whole.extend_from_slice(body);
        Ok(whole)
    }

    pub(crate) fn for_fragment(version: Version, options: WriterOptions) -> Self {
        let mut writer = Self::with_options(version, options);
        writer.out.clear();
        writer.is_fragment = true;
        writer
    }

    pub(crate) fn finish_fragment(mut self) -> Result<Vec<u8>, WriteError> {
        self.switch_page(0);
        match self.fault {
            Some(fault) => Err(fault),
            None if !self.string_table.is_empty() => Err(WriteError::NeedsStringTable),
            None if self.open.is_empty() => Ok(self.out),
            None => Err(WriteError::Unbalanced),
        }
    }

    /// Copies a fragment; `None` stands for one that does not fit.
    pub(crate) fn splice(&mut self, octets: Option<&[u8]>) {
        match octets {
            Some(_) if self.open.is_empty() => self.fail(WriteError::Unbalanced),
            Some(octets) => {
                self.begin_content();
                self.switch_page(0);
                self.out.extend_from_slice(octets);
            }
            None => self.fail(WriteError::ForeignFragment),
        }
    }

    fn switch_page(&mut self, page: u8) {
        if page != self.page {
            self.out.extend([global::SWITCH_PAGE, page]);
            self.page = page;
        }
    }

    fn fail(&mut self, fault: WriteError) {
        self.fault.get_or_insert(fault);
    }

    /// Ends the attribute list of the innermost element and marks that it has content.
    fn begin_content(&mut self) {
        if self.last == Last::Attribute {
            self.out.push(global::END);
        }
        self.last = Last::Content;
        if let Some(token) = self.open.last().and_then(|element| self.out.get_mut(element.at)) {
            *token |= global::HAS_CONTENT;
        }
    }

    /// As [`Self::begin_content`], for values, which need an element.
    fn begin_value(&mut self) {
        if self.open.is_empty() {
            self.fail(WriteError::Unbalanced);
        }
        self.begin_content();
    }

    fn begin_element(&mut self) {
        if self.open.is_empty() && !self.is_fragment && self.out.len() > HEADER_LENGTH {
            self.fail(WriteError::Unbalanced);
        }
        self.begin_content();
    }

    fn push_element(&mut self, name: ElementName) {
        self.begin_element();
        match tag(self.version, name) {
            Some((page, token)) => {
                self.switch_page(page);
                self.open.push(OpenElement { name: Some(name), at: self.out.len() });
                self.out.push(token);
            }
            // Real clients use elements of later versions.
            None => self.push_literal(Some(name), name.as_str()),
        }
        self.last = Last::Token;
    }

    fn push_literal(&mut self, name: Option<ElementName>, spelling: &str) {
        self.open.push(OpenElement { name, at: self.out.len() });
        self.out.push(global::LITERAL);
        self.push_table_string(spelling);
        self.last = Last::Token;
    }

    fn push_table_string(&mut self, text: &str) {
        let terminated = |offset: &usize| {
            let rest = self.string_table.get(*offset..).and_then(|rest| rest.strip_prefix(text.as_bytes()));
            rest.is_some_and(|rest| rest.starts_with(&[0]))
        };
        // Only the latest are compared: a document full of names costs no more than any other.
        let known = self.strings.iter().rev().take(STRINGS_COMPARED).copied().find(terminated);
        let offset = known.unwrap_or_else(|| {
            let offset = self.string_table.len();
            self.strings.push(offset);
            self.string_table.extend_from_slice(text.as_bytes());
            self.string_table.push(0);
            offset
        });
        match u32::try_from(offset) {
            Ok(offset) => push_integer(&mut self.out, offset),
            Err(_) => self.fail(WriteError::TooLong),
        }
    }

    fn push_namespace(&mut self, namespace: &str) {
        self.begin_attribute();
        match attribute_start(self.version, namespace) {
            Some((token, rest)) => {
                self.out.push(token);
                self.push_inline(rest);
            }
            None => {
                self.out.push(global::LITERAL);
                self.push_table_string("xmlns");
                self.push_inline(namespace);
            }
        }
    }

    fn begin_attribute(&mut self) {
        match self.last {
            Last::Token => {
                if let Some(token) = self.open.last().and_then(|element| self.out.get_mut(element.at)) {
                    *token |= global::HAS_ATTRIBUTES;
                }
                self.last = Last::Attribute;
            }
            Last::Attribute => {}
            Last::Content => self.fail(WriteError::LateAttribute),
        }
    }

    fn push_inline(&mut self, text: &str) {
        if text.contains('\0') {
            return self.fail(WriteError::ForbiddenCharacter);
        }
        self.out.push(global::STR_I);
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
    }

    fn push_opaque(&mut self, octets: &[u8]) {
        match u32::try_from(octets.len()) {
            Ok(length) => {
                self.out.push(global::OPAQUE);
                push_integer(&mut self.out, length);
                self.out.extend_from_slice(octets);
            }
            Err(_) => self.fail(WriteError::TooLong),
        }
    }

    fn push_number(&mut self, number: u32) {
        let octets = number.to_be_bytes();
        let significant = octets.iter().position(|octet| *octet != 0).unwrap_or(3);
        self.push_opaque(octets.get(significant..).unwrap_or_default());
    }

    fn push_string(&mut self, within: Option<ElementName>, text: &str) {
        match within.and_then(|within| value_token(self.version, within, text)) {
            Some(number) => {
                self.out.push(global::EXT_T_0);
                push_integer(&mut self.out, u32::from(number));
            }
            None => self.push_inline(text),
        }
    }

    fn within(&self) -> Option<ElementName> {
        self.open.last().and_then(|element| element.name)
    }

    fn kind(&self) -> ValueKind {
        self.within().map_or(ValueKind::Text, |name| name.kind(self.version))
    }
}

impl Sink for Writer {
    fn version(&self) -> Version {
        self.version
    }

    fn encoding(&self) -> Encoding {
        Encoding::Wbxml
    }

    fn open(&mut self, name: ElementName) {
        self.push_element(name);
    }

    fn open_with_namespace(&mut self, name: ElementName, namespace: &str) {
        self.push_element(name);
        self.push_namespace(namespace);
    }

    fn open_vendor(&mut self, name: &str, namespace: Option<&str>) {
        if !is_name(name) {
            self.fail(WriteError::InvalidName);
        }
        self.begin_element();
        self.push_literal(None, name);
        if let Some(namespace) = namespace {
            self.push_namespace(namespace);
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if !is_name(name) {
            self.fail(WriteError::InvalidName);
        }
        self.begin_attribute();
        self.out.push(global::LITERAL);
        self.push_table_string(name);
        self.push_inline(value);
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.begin_value();
        let within = self.within();
        match self.kind() {
            ValueKind::Binary if text.contains('\0') => self.push_opaque(text.as_bytes()),
            ValueKind::Binary => self.push_inline(text),
            ValueKind::Integer => match canonical_number(text) {
                Some(number) => self.push_number(number),
                None => self.push_inline(text),
            },
            ValueKind::DateTime => match DateTime::parse(text).ok().and_then(DateTime::to_octets) {
                Some(octets) if self.options.date_time_form == DateTimeForm::Octets => self.push_opaque(&octets),
                Some(_) | None => self.push_inline(text),
            },
            ValueKind::Text | ValueKind::Boolean | ValueKind::NumericText => self.push_string(within, text),
        }
    }

    fn integer(&mut self, number: u32) {
        self.begin_value();
        if self.kind() == ValueKind::Integer {
            self.push_number(number);
        } else {
            // WV-ENC-06
            self.push_inline(&number.to_string());
        }
    }

    fn boolean(&mut self, value: bool) {
        self.begin_value();
        self.push_string(self.within(), if value { "T" } else { "F" });
    }

    fn date_time(&mut self, moment: &DateTime) {
        self.begin_value();
        match moment.to_octets() {
            Some(octets)
                if self.options.date_time_form == DateTimeForm::Octets && self.kind() == ValueKind::DateTime =>
            {
                self.push_opaque(&octets);
            }
            Some(_) | None => self.push_inline(&moment.to_string()),
        }
    }

    fn octets(&mut self, octets: &[u8]) {
        if octets.is_empty() {
            return;
        }
        self.begin_value();
        self.push_opaque(octets);
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return self.fail(WriteError::Unbalanced);
        }
        // After content the element's own END is due, after attributes that of their list; a bare token needs none.
        if self.last != Last::Token {
            self.out.push(global::END);
        }
        self.open.pop();
        self.last = Last::Content;
    }
}

/// Seven bits an octet, most significant first, the top bit set on all but the last.
fn push_integer(out: &mut Vec<u8>, number: u32) {
    let mut groups = [0u8; 5];
    let mut rest = number;
    for (index, group) in groups.iter_mut().rev().enumerate() {
        let more = if index == 0 { 0 } else { 0x80 };
        *group = u8::try_from(rest & 0x7F).unwrap_or_default() | more;
        rest >>= 7;
    }
    let significant = groups.iter().position(|group| *group & 0x7F != 0).unwrap_or(4);
    out.extend(groups.iter().skip(significant));
}

/// The number that a text is the shortest form of. Other spellings stay what they are.
fn canonical_number(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_canonical = text == "0" || text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|_| is_canonical)
}

const WBXML_1_3: u8 = 0x03;
const MIB_ENUM_UTF_8: u32 = 106;
/// Version, public identifier, character set and the length of an empty string table.
const HEADER_LENGTH: usize = 4;
const STRINGS_COMPARED: usize = 16;
const CAPACITY: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_written_in_the_shortest_form() {
        let rows: [(u32, &[u8]); 6] = [
            (0, &[0]),
            (0x24, &[0x24]),
            (0xA5, &[0x81, 0x25]),
            (3600, &[0x9C, 0x10]),
            (16384, &[0x81, 0x80, 0x00]),
            (u32::MAX, &[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]),
        ];
        for (number, expected) in rows {
            let mut out = Vec::new();
            push_integer(&mut out, number);
            assert_eq!(out, expected, "{number}");
        }
    }
}
