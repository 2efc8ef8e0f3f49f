//! Reading: a cursor that goes down and up the document.

use super::check::{
    RawAttributes, check_characters, check_declaration, check_instruction, check_name, is_blank, is_declared_twice,
    namespace_of, resolve_reference, unescape,
};
use super::{XmlError, XmlFragment, XmlLimits};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, Prefix, PrefixDeclaration, QName};
use quick_xml::reader::NsReader;
use std::borrow::Cow;

/// A cursor over a document.
///
/// Every element that [`XmlReader::root`] or [`XmlReader::next_child`] hands out must be used up before its next
/// sibling is asked for: by asking for its children until there is none, or with [`XmlReader::text`],
/// [`XmlReader::skip`] or [`XmlReader::fragment`].
pub struct XmlReader<'a> {
    reader: NsReader<&'a [u8]>,
    source: &'a str,
    limits: &'a XmlLimits,
    depth: usize,
    elements: usize,
}

/// The start of an element.
#[derive(Clone, Debug)]
pub struct XmlElement<'a> {
    namespace: Cow<'static, str>,
    name: &'a str,
    attributes: Vec<XmlAttribute<'a>>,
    start: usize,
}

/// An attribute that is no namespace declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlAttribute<'a> {
    /// Namespace; empty for a name without prefix.
    pub namespace: Cow<'static, str>,
    /// Name without prefix.
    pub name: &'a str,
    /// Value, references resolved.
    pub value: String,
}

impl<'a> XmlElement<'a> {
    /// Namespace; empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Name without prefix.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The attributes in document order.
    #[must_use]
    pub fn attributes(&self) -> &[XmlAttribute<'a>] {
        &self.attributes
    }

    /// Value of the attribute without namespace.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attribute_of("", name)
    }

    /// Value of the attribute in a namespace.
    #[must_use]
    pub fn attribute_of(&self, namespace: &str, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name && a.namespace == namespace).map(|a| a.value.as_str())
    }
}

impl<'a> XmlReader<'a> {
    /// Starts at the beginning of a document.
    ///
    /// # Errors
    /// When the document as a whole cannot be accepted: too large, not UTF-8, forbidden characters.
    pub fn new(document: &'a [u8], limits: &'a XmlLimits) -> Result<Self, XmlError> {
        if document.len() > limits.document_bytes_max {
            return Err(XmlError::DocumentTooLarge);
        }
        let text = std::str::from_utf8(document).map_err(|_| XmlError::NotUtf8)?;
        let source = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        check_characters(source)?;
        let mut reader = NsReader::from_str(source);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        Ok(Self { reader, source, limits, depth: 0, elements: 0 })
    }

    /// The root element.
    ///
    /// # Errors
    /// [`XmlError`], for instance when there is none.
    pub fn root(&mut self) -> Result<XmlElement<'a>, XmlError> {
        loop {
            let start = self.position();
            match self.event()? {
                Event::Start(tag) => return self.enter(&tag, start),
                Event::Decl(declaration) => {
                    if start != 0 {
                        return Err(XmlError::NotWellFormed);
                    }
                    check_declaration(&declaration)?;
                }
                Event::Text(text) if is_blank(&text) => {}
                Event::Comment(_) => {}
                Event::PI(instruction) => check_instruction(instruction.target())?,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Eof => return Err(XmlError::NoRoot),
                _ => return Err(XmlError::OutsideRoot),
            }
        }
    }

    /// The next child of the element the cursor is in; `None` when that element has ended. Text is passed over.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn next_child(&mut self) -> Result<Option<XmlElement<'a>>, XmlError> {
        self.next(None)
    }

    /// Like [`XmlReader::next_child`], but appends the text on the way to `text`.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn next_child_or_text(&mut self, text: &mut String) -> Result<Option<XmlElement<'a>>, XmlError> {
        self.next(Some(text))
    }

    /// The text of the element the cursor is in, up to its end; elements in it are passed over.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn text(&mut self) -> Result<String, XmlError> {
        let mut text = String::new();
        while self.next(Some(&mut text))?.is_some() {
            self.skip()?;
        }
        Ok(text)
    }

    /// Passes over the rest of the element the cursor is in. Everything in it is still checked.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn skip(&mut self) -> Result<(), XmlError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.next_child()?;
        }
        Ok(())
    }

    /// Cuts out the element the cursor is in, as XML that can stand alone.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn fragment(&mut self, element: &XmlElement<'a>) -> Result<XmlFragment, XmlError> {
        let outside = self.depth.saturating_sub(1);
        let mut prefixes = FragmentPrefixes::default();
        self.note_prefixes(element.start, &mut prefixes)?;
        while self.depth > outside {
            if self.next_child()?.is_some() {
                let start = self.tag_start()?;
                self.note_prefixes(start, &mut prefixes)?;
            }
        }
        let raw = self.source.get(element.start..self.position()).ok_or(XmlError::NotWellFormed)?;
        XmlFragment::assemble(&element.namespace, element.name, raw, &prefixes.borrowed)
    }

    /// Makes sure that nothing but blanks and comments follows the root element.
    ///
    /// # Errors
    /// [`XmlError::OutsideRoot`].
    pub fn finish(&mut self) -> Result<(), XmlError> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) => {}
                Event::Text(text) if is_blank(&text) => {}
                Event::PI(instruction) => check_instruction(instruction.target())?,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                _ => return Err(XmlError::OutsideRoot),
            }
        }
    }

    fn next(&mut self, mut text: Option<&mut String>) -> Result<Option<XmlElement<'a>>, XmlError> {
        let mut bytes = text.as_ref().map_or(0, |text| text.len());
        loop {
            let start = self.position();
            match self.event()? {
                Event::Start(tag) => return self.enter(&tag, start).map(Some),
                Event::End(_) => {
                    self.leave()?;
                    return Ok(None);
                }
                content => bytes = self.check_content(&content, text.as_deref_mut(), bytes)?,
            }
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn event(&mut self) -> Result<Event<'a>, XmlError> {
        use quick_xml::errors::Error;
        self.reader.read_event().map_err(|error| match error {
            Error::Namespace(_) => XmlError::UndeclaredPrefix,
            _ => XmlError::NotWellFormed,
        })
    }

    fn enter(&mut self, tag: &BytesStart<'a>, start: usize) -> Result<XmlElement<'a>, XmlError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.limits.depth_max {
            return Err(XmlError::DepthExceeded);
        }
        self.elements = self.elements.saturating_add(1);
        if self.elements > self.limits.elements_max {
            return Err(XmlError::TooManyElements);
        }
        let name_start = start.saturating_add(1);
        let name_end = name_start.saturating_add(tag.name().0.len());
        let name = self.source.get(name_start..name_end).ok_or(XmlError::NotWellFormed)?;
        let name = check_name(name)?;
        let namespace = namespace_of(self.reader.resolver().resolve_element(tag.name()).0)?;
        let attributes = self.attributes(tag, name_end)?;
        Ok(XmlElement { namespace, name, attributes, start })
    }

    fn leave(&mut self) -> Result<(), XmlError> {
        self.depth = self.depth.checked_sub(1).ok_or(XmlError::NotWellFormed)?;
        Ok(())
    }

    fn attributes(&self, tag: &BytesStart<'a>, from: usize) -> Result<Vec<XmlAttribute<'a>>, XmlError> {
        let raw = tag.attributes_raw();
        if raw.trim_ascii().is_empty() {
            return Ok(Vec::new());
        }
        let end = from.saturating_add(raw.len());
        let raw = self.source.get(from..end).ok_or(XmlError::NotWellFormed)?;
        let mut attributes: Vec<XmlAttribute<'a>> = Vec::new();
        for (count, attribute) in RawAttributes(raw).enumerate() {
            let (qualified, value) = attribute?;
            if count >= self.limits.attributes_max {
                return Err(XmlError::TooManyAttributes);
            }
            if value.len() > self.limits.text_bytes_max {
                return Err(XmlError::TextTooLong);
            }
            let name = check_name(qualified)?;
            let name_as_parsed = QName(qualified);
            if name_as_parsed.as_namespace_binding().is_some() {
                // A namespace name is a URI: none of these stands in one, and with any of them names that are equal to
                // the eye would differ.
                let is_prefix_reset = value.is_empty() && qualified != "xmlns";
                if is_prefix_reset || value.contains(['&', '<', '>', '"', '\t', '\n', '\r']) {
                    return Err(XmlError::UndeclaredPrefix);
                }
                if raw.matches(qualified).count() > 1 && is_declared_twice(raw, qualified) {
                    return Err(XmlError::DuplicateAttribute);
                }
                continue;
            }
            let namespace = namespace_of(self.reader.resolver().resolve_attribute(name_as_parsed).0)?;
            if attributes.iter().any(|a| a.name == name && a.namespace == namespace) {
                return Err(XmlError::DuplicateAttribute);
            }
            attributes.push(XmlAttribute { namespace, name, value: unescape(value)? });
        }
        Ok(attributes)
    }

    /// Checks content that is not a tag and appends it to `text` where that is wanted; answers the octets so far.
    fn check_content(&self, content: &Event<'a>, text: Option<&mut String>, bytes: usize) -> Result<usize, XmlError> {
        let piece: Cow<'_, str> = match content {
            Event::Text(piece) if piece.contains("]]>") => return Err(XmlError::NotWellFormed),
            Event::Text(piece) => piece.xml10_content(),
            Event::CData(piece) => piece.xml10_content(),
            Event::GeneralRef(reference) => resolve_reference(reference)?,
            Event::Comment(_) => return Ok(bytes),
            Event::PI(instruction) => return check_instruction(instruction.target()).map(|()| bytes),
            Event::DocType(_) => return Err(XmlError::DocumentType),
            _ => return Err(XmlError::NotWellFormed),
        };
        let bytes = bytes.saturating_add(piece.len());
        if bytes > self.limits.text_bytes_max {
            return Err(XmlError::TextTooLong);
        }
        if let Some(text) = text {
            text.push_str(&piece);
        }
        Ok(bytes)
    }

    /// Where the start tag that was just read begins: attribute values may hold `>` but never `<`.
    fn tag_start(&self) -> Result<usize, XmlError> {
        self.source.get(..self.position()).and_then(|before| before.rfind('<')).ok_or(XmlError::NotWellFormed)
    }

    /// Notes which prefixes of the tag at `start` are declared in the fragment and which outside.
    fn note_prefixes(&self, start: usize, prefixes: &mut FragmentPrefixes<'a>) -> Result<(), XmlError> {
        let tag = self.source.get(start.saturating_add(1)..self.position()).ok_or(XmlError::NotWellFormed)?;
        let name_end = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(tag.len());
        let (name, rest) = tag.split_at_checked(name_end).ok_or(XmlError::NotWellFormed)?;
        let rest = rest.strip_suffix('>').map(|rest| rest.strip_suffix('/').unwrap_or(rest)).unwrap_or(rest);
        prefixes.own.retain(|(depth, _)| *depth < self.depth);
        for attribute in RawAttributes(rest) {
            match QName(attribute?.0).as_namespace_binding() {
                Some(PrefixDeclaration::Default) => prefixes.own.push((self.depth, "")),
                Some(PrefixDeclaration::Named(prefix)) => prefixes.own.push((self.depth, prefix)),
                None => {}
            }
        }
        let resolver = self.reader.resolver();
        prefixes.note(resolver, QName(name).prefix())?;
        for attribute in RawAttributes(rest) {
            let name = QName(attribute?.0);
            if let (None, Some(prefix)) = (name.as_namespace_binding(), name.prefix()) {
                prefixes.note(resolver, Some(prefix))?;
            }
        }
        Ok(())
    }
}

/// The prefixes met in a fragment.
#[derive(Default)]
struct FragmentPrefixes<'a> {
    /// Declared inside, with the depth of the declaration.
    own: Vec<(usize, &'a str)>,
    /// Declared outside, with their namespaces.
    borrowed: Vec<(String, String)>,
}

impl FragmentPrefixes<'_> {
    fn note(&mut self, resolver: &NamespaceResolver, prefix: Option<Prefix<'_>>) -> Result<(), XmlError> {
        let name = prefix.map_or("", |prefix| prefix.into_inner());
        let is_known =
            self.own.iter().any(|(_, own)| *own == name) || self.borrowed.iter().any(|(borrowed, _)| borrowed == name);
        if !is_known && name != "xml" {
            let namespace = namespace_of(resolver.resolve_prefix(prefix, true))?;
            self.borrowed.push((name.to_owned(), namespace.into_owned()));
        }
        Ok(())
    }
}

impl std::fmt::Debug for XmlReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XmlReader").field("position", &self.position()).field("depth", &self.depth).finish()
    }
}
