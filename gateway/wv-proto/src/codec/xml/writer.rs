//! Writes XML: default namespaces only, because no client understands prefixes, and no white space of its own.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{is_allowed, is_name};
use crate::codec::date_time::DateTime;
use crate::codec::sink::Sink;
use crate::codec::{TextForm, WriterOptions, XmlDeclaration};
use crate::error::WriteError;
use crate::schema::ElementName;
use crate::version::{Encoding, Version};

/// Writes one document in XML.
#[derive(Debug)]
pub struct Writer {
    version: Version,
    out: String,
    /// Where the names of the open elements stand in what is written.
    open: Vec<Range<usize>>,
    start_tag: StartTag,
    text_form: TextForm,
    /// Whether several elements may stand beside each other.
    is_fragment: bool,
    fault: Option<WriteError>,
}

/// Whether the tag of the innermost element still waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StartTag {
    Pending,
    Written,
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
        let mut out = String::with_capacity(CAPACITY);
        if options.xml_declaration == XmlDeclaration::Present {
            out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        }
        Self {
            version,
            out,
            open: Vec::with_capacity(16),
            start_tag: StartTag::Written,
            text_form: options.text_form,
            is_fragment: false,
            fault: None,
        }
    }

    /// The octets of the document.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<Vec<u8>, WriteError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if !self.is_fragment && self.open.is_empty() && self.out.ends_with('>') => Ok(self.out.into_bytes()),
            None => Err(WriteError::Unbalanced),
        }
    }

    pub(crate) fn for_fragment(version: Version, options: WriterOptions) -> Self {
        Self { is_fragment: true, ..Self::with_options(version, options) }
    }

    pub(crate) fn finish_fragment(self) -> Result<Vec<u8>, WriteError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.open.is_empty() => Ok(self.out.into_bytes()),
            None => Err(WriteError::Unbalanced),
        }
    }

    /// Copies a fragment; `None` stands for one that does not fit.
    pub(crate) fn splice(&mut self, octets: Option<&[u8]>) {
        match octets.map(core::str::from_utf8) {
            Some(Ok(_)) if self.open.is_empty() => self.fail(WriteError::Unbalanced),
            Some(Ok(text)) => {
                self.end_start_tag();
                self.out.push_str(text);
            }
            Some(Err(_)) | None => self.fail(WriteError::ForeignFragment),
        }
    }

    fn fail(&mut self, fault: WriteError) {
        self.fault.get_or_insert(fault);
    }

    fn end_start_tag(&mut self) {
        if self.start_tag == StartTag::Pending {
            self.out.push('>');
            self.start_tag = StartTag::Written;
        }
    }

    fn start(&mut self, name: &str, namespace: Option<&str>) {
        self.end_start_tag();
        let is_second = self.open.is_empty() && !self.is_fragment && self.out.ends_with('>');
        if is_second && !self.out.ends_with("?>") {
            self.fail(WriteError::Unbalanced);
        }
        self.out.push('<');
        let place = self.out.len();
        self.out.push_str(name);
        self.open.push(place..self.out.len());
        self.start_tag = StartTag::Pending;
        if let Some(namespace) = namespace {
            self.write_attribute("xmlns", namespace);
        }
    }

    fn write_attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        self.escape(value, attribute_escape);
        self.out.push('"');
    }

    /// Copies in runs between the characters that need an escape.
    fn escape(&mut self, text: &str, escape_of: fn(u8) -> Option<&'static str>) {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|octet| escape_of(octet).is_some()) {
            let (run, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let mut characters = tail.chars();
            let escape = characters.next().and_then(|character| escape_of(u8::try_from(character).ok()?));
            self.out.push_str(run);
            self.out.push_str(escape.unwrap_or_default());
            rest = characters.as_str();
        }
        self.out.push_str(rest);
        let is_refused = |octet: u8| octet < 0x20 || octet == 0xEF;
        // 0xEF begins U+FFFE and U+FFFF.
        if text.bytes().any(is_refused) && !text.chars().all(is_allowed) {
            self.fail(WriteError::ForbiddenCharacter);
        }
    }
}

impl Sink for Writer {
    fn version(&self) -> Version {
        self.version
    }

    fn encoding(&self) -> Encoding {
        Encoding::Xml
    }

    fn open(&mut self, name: ElementName) {
        self.start(name.as_str(), None);
    }

    fn open_with_namespace(&mut self, name: ElementName, namespace: &str) {
        self.start(name.as_str(), Some(namespace));
    }

    fn open_vendor(&mut self, name: &str, namespace: Option<&str>) {
        if !is_name(name) {
            self.fail(WriteError::InvalidName);
        }
        self.start(name, namespace);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        if self.start_tag == StartTag::Written {
            return self.fail(WriteError::LateAttribute);
        }
        if !is_name(name) {
            self.fail(WriteError::InvalidName);
        }
        self.write_attribute(name, value);
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.open.is_empty() {
            return self.fail(WriteError::Unbalanced);
        }
        self.end_start_tag();
        if self.text_form == TextForm::Whole && is_torn(text) {
            self.out.push_str("<![CDATA[");
            self.escape(text, |_| None);
            self.out.push_str("]]>");
        } else {
            self.escape(text, text_escape);
        }
    }

    fn integer(&mut self, number: u32) {
        self.text(&number.to_string());
    }

    fn boolean(&mut self, value: bool) {
        self.text(if value { "T" } else { "F" });
    }

    fn date_time(&mut self, moment: &DateTime) {
        self.text(&moment.to_string());
    }

    fn octets(&mut self, octets: &[u8]) {
        match core::str::from_utf8(octets) {
            Ok(text) if text.chars().all(is_allowed) => self.text(text),
            Ok(_) | Err(_) => {
                self.end_start_tag();
                STANDARD.encode_string(octets, &mut self.out);
            }
        }
    }

    fn close(&mut self) {
        let Some(name) = self.open.pop() else { return self.fail(WriteError::Unbalanced) };
        if self.start_tag == StartTag::Pending {
            self.out.push_str("/>");
            self.start_tag = StartTag::Written;
            return;
        }
        self.out.push_str("</");
        self.out.extend_from_within(name);
        self.out.push('>');
    }
}

/// Whether a parser may hand over this text in pieces, and would not if it were one section of character data.
fn is_torn(text: &str) -> bool {
    text.bytes().any(|octet| matches!(octet, b'&' | b'<' | b'>' | b']'))
        && !text.contains("]]>")
        && !text.contains('\r')
}

const CAPACITY: usize = 1024;

const fn text_escape(octet: u8) -> Option<&'static str> {
    match octet {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        // A reader would turn it into a line feed.
        b'\r' => Some("&#13;"),
        _ => None,
    }
}

const fn attribute_escape(octet: u8) -> Option<&'static str> {
    match octet {
        b'"' => Some("&quot;"),
        b'\t' => Some("&#9;"),
        b'\n' => Some("&#10;"),
        _ => text_escape(octet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::element;

    fn written(write: impl FnOnce(&mut Writer)) -> Result<String, WriteError> {
        let mut writer = Writer::new(Version::V1_2);
        write(&mut writer);
        writer.finish().map(|octets| String::from_utf8(octets).unwrap())
    }

    #[test]
    fn texts_and_attributes_are_escaped() {
        let result = written(|writer| {
            writer.open_with_namespace(element::STATUS, "a\"b&c");
            writer.attribute("code", "<\n>");
            writer.leaf_text(element::DESCRIPTION, "1 < 2 & 3 > 2\r\n\"'ü");
            writer.empty(element::POLL);
            writer.close();
        });
        let expected = "<Status xmlns=\"a&quot;b&amp;c\" code=\"&lt;&#10;&gt;\">\
                        <Description>1 &lt; 2 &amp; 3 &gt; 2&#13;\n\"'ü</Description><Poll/></Status>";
        assert_eq!(result.as_deref(), Ok(expected));
    }

    // QUIRK own_text_only: trims text and keeps only the last text chunk of an element, so no insignificant text
    // and no mix of text and CDATA; Android.
    #[test]
    fn a_text_with_markup_can_stay_in_one_piece() {
        let whole = |text: &str| {
            let options = WriterOptions { text_form: TextForm::Whole, ..WriterOptions::default() };
            let mut writer = Writer::with_options(Version::V1_2, options);
            writer.leaf_text(element::DESCRIPTION, text);
            writer.finish().map(|octets| String::from_utf8(octets).unwrap())
        };
        let expect = |content: &str| Ok(format!("<Description>{content}</Description>"));
        assert_eq!(whole("tea"), expect("tea"));
        assert_eq!(whole("a & <b>"), expect("<![CDATA[a & <b>]]>"));
        assert_eq!(whole("[x]"), expect("<![CDATA[[x]]]>"));
        assert_eq!(whole("]]>"), expect("]]&gt;"), "a section cannot hold its own end");
        assert_eq!(whole("<\r"), expect("&lt;&#13;"), "nor a carriage return");
        assert_eq!(whole("<\0"), Err(WriteError::ForbiddenCharacter));
    }

    #[test]
    fn characters_that_xml_lacks_are_refused() {
        for text in ["\0", "a\u{B}", "\u{FFFE}", "\u{FFFF}b"] {
            let result = written(|writer| writer.leaf_text(element::STATUS, text));
            assert_eq!(result, Err(WriteError::ForbiddenCharacter), "{text:?}");
        }
        assert!(written(|writer| writer.leaf_text(element::STATUS, "\u{FFFD}\u{10FFFF}\t")).is_ok());
    }

    #[test]
    fn octets_go_as_text_or_in_base64() {
        let as_text = written(|writer| writer.leaf_octets(element::CONTENT_DATA, b"hi"));
        assert_eq!(as_text.as_deref(), Ok("<ContentData>hi</ContentData>"));
        let as_base64 = written(|writer| writer.leaf_octets(element::CONTENT_DATA, &[0, 0xFF]));
        assert_eq!(as_base64.as_deref(), Ok("<ContentData>AP8=</ContentData>"));
    }

    #[test]
    fn documents_that_do_not_balance_are_refused() {
        assert_eq!(written(|_| {}), Err(WriteError::Unbalanced));
        assert_eq!(written(|writer| writer.open(element::POLL)), Err(WriteError::Unbalanced));
        let two_roots = written(|writer| {
            writer.empty(element::POLL);
            writer.empty(element::POLL);
        });
        assert_eq!(two_roots, Err(WriteError::Unbalanced));
        assert_eq!(written(|writer| writer.open_vendor("a b", None)), Err(WriteError::InvalidName));
    }
}
