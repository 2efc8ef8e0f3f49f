//! Reading: a cursor that goes down and up the document.

use super::check::{
    RawAttributes, check_characters, check_declaration, check_instruction, check_name, is_blank, resolve_reference,
    unescape, unfold_lines,
};
use super::lexer::{Attribute, Lexer, Name, Tag, Token, declared_prefix};
use super::{XmlError, XmlFragment, XmlLimits};
use memchr::memchr;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A cursor over a document.
///
/// Every element that [`XmlReader::root`] or [`XmlReader::next_child`] hands out must be used up before its next
/// sibling is asked for: by asking for its children until there is none, or with [`XmlReader::text`],
/// [`XmlReader::skip`] or [`XmlReader::fragment`].
pub struct XmlReader<'a> {
    lexer: Lexer<'a>,
    source: &'a str,
    limits: &'a XmlLimits,
    depth: usize,
    elements: usize,
    oddities: Oddities,
}

/// What a document may hold anywhere and seldom does.
#[derive(Clone, Copy, Debug)]
struct Oddities {
    /// Line ends that are not one line feed.
    returns: bool,
    /// `]]>`.
    literal_ends: bool,
}

/// The start of an element.
#[derive(Clone, Debug)]
pub struct XmlElement<'a> {
    namespace: &'a str,
    name: &'a str,
    attributes: SmallVec<[XmlAttribute<'a>; 1]>,
    start: usize,
}

/// An attribute that is no namespace declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlAttribute<'a> {
    /// Namespace; empty for a name without prefix.
    pub namespace: &'a str,
    /// Name without prefix.
    pub name: &'a str,
    /// Value, references resolved.
    pub value: Cow<'a, str>,
}

impl<'a> XmlElement<'a> {
    /// Namespace; empty when there is none.
    #[must_use]
    pub const fn namespace(&self) -> &'a str {
        self.namespace
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
        self.attributes.iter().find(|a| a.name == name && a.namespace == namespace).map(|a| a.value.as_ref())
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
        let octets = source.as_bytes();
        let oddities = Oddities {
            returns: memchr(b'\r', octets).is_some(),
            // Brackets are rare enough to look for one of them alone.
            literal_ends: memchr(b']', octets).is_some() && source.contains("]]>"),
        };
        Ok(Self { lexer: Lexer::new(source, limits), source, limits, depth: 0, elements: 0, oddities })
    }

    /// The root element.
    ///
    /// # Errors
    /// [`XmlError`], for instance when there is none.
    pub fn root(&mut self) -> Result<XmlElement<'a>, XmlError> {
        loop {
            let start = self.position();
            match self.lexer.next()? {
                Token::Start(tag) => return self.enter(tag),
                Token::Declaration(declaration) if start == 0 => check_declaration(declaration)?,
                Token::Declaration(_) => return Err(XmlError::NotWellFormed),
                Token::Text(text) if is_blank(text) => {}
                Token::Comment => {}
                Token::Instruction(target) => check_instruction(target)?,
                Token::DocumentType => return Err(XmlError::DocumentType),
                Token::Eof => return Err(XmlError::NoRoot),
                Token::Text(_) | Token::Literal(_) | Token::Reference(_) | Token::End => {
                    return Err(XmlError::OutsideRoot);
                }
            }
        }
    }

    /// The next child of the element the cursor is in; `None` when that element has ended. Text is passed over.
    ///
    /// # Errors
    /// [`XmlError`].
    #[inline]
    pub fn next_child(&mut self) -> Result<Option<XmlElement<'a>>, XmlError> {
        self.next(None)
    }

    /// Like [`XmlReader::next_child`], but appends the text on the way to `text`.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn next_child_or_text(&mut self, text: &mut Cow<'a, str>) -> Result<Option<XmlElement<'a>>, XmlError> {
        self.next(Some(text))
    }

    /// The namespace of a prefix where the cursor stands; the empty prefix is that of elements without one. None when it
    /// is not declared.
    #[must_use]
    pub fn namespace_of(&self, prefix: &str) -> Option<&'a str> {
        self.lexer.namespace_of(prefix).ok()
    }

    /// The text of the element the cursor is in, up to its end; elements in it are passed over.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn text(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let mut text = Cow::Borrowed("");
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
        let own_attributes = self.lexer.attributes().len();
        let mut prefixes = FragmentPrefixes::default();
        self.note_prefixes(element.start, &mut prefixes)?;
        while self.depth > outside {
            if let Some(child) = self.next_child()? {
                self.note_prefixes(child.start, &mut prefixes)?;
            }
        }
        // What is carried on must be readable elsewhere, with the declarations that it takes along.
        if own_attributes.saturating_add(prefixes.borrowed.len()) > self.limits.attributes_max {
            return Err(XmlError::TooManyAttributes);
        }
        let raw = self.source.get(element.start..self.position()).ok_or(XmlError::NotWellFormed)?;
        XmlFragment::assemble(element.namespace, element.name, raw, &prefixes.borrowed)
    }

    /// Makes sure that nothing but blanks and comments follows the root element.
    ///
    /// # Errors
    /// [`XmlError::OutsideRoot`].
    pub fn finish(&mut self) -> Result<(), XmlError> {
        loop {
            match self.lexer.next()? {
                Token::Eof => return Ok(()),
                Token::Comment => {}
                Token::Text(text) if is_blank(text) => {}
                Token::Instruction(target) => check_instruction(target)?,
                Token::DocumentType => return Err(XmlError::DocumentType),
                Token::Declaration(_)
                | Token::Text(_)
                | Token::Literal(_)
                | Token::Reference(_)
                | Token::Start(_)
                | Token::End => return Err(XmlError::OutsideRoot),
            }
        }
    }

    fn next(&mut self, mut text: Option<&mut Cow<'a, str>>) -> Result<Option<XmlElement<'a>>, XmlError> {
        let mut bytes = text.as_ref().map_or(0, |text| text.len());
        loop {
            match self.lexer.next()? {
                Token::Start(tag) => return self.enter(tag).map(Some),
                Token::End => {
                    self.depth = self.depth.checked_sub(1).ok_or(XmlError::NotWellFormed)?;
                    return Ok(None);
                }
                // Blanks between elements, as a rule.
                Token::Text(piece) if text.is_none() && !self.oddities.literal_ends && !self.oddities.returns => {
                    bytes = self.count_text(bytes, piece)?;
                }
                content => bytes = self.check_content(content, text.as_deref_mut(), bytes)?,
            }
        }
    }

    const fn position(&self) -> usize {
        self.lexer.position()
    }

    #[inline]
    fn enter(&mut self, tag: Tag<'a>) -> Result<XmlElement<'a>, XmlError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > self.limits.depth_max {
            return Err(XmlError::DepthExceeded);
        }
        self.elements = self.elements.saturating_add(1);
        if self.elements > self.limits.elements_max {
            return Err(XmlError::TooManyElements);
        }
        let (prefix, name) = tag.name.checked()?;
        let namespace = self.lexer.namespace_of(prefix)?;
        Ok(XmlElement { namespace, name, attributes: self.attributes()?, start: tag.start })
    }

    fn attributes(&self) -> Result<SmallVec<[XmlAttribute<'a>; 1]>, XmlError> {
        let mut attributes = SmallVec::new();
        // The one way out of most elements.
        if self.lexer.attributes().is_empty() {
            return Ok(attributes);
        }
        for Attribute { name: qualified, value, is_plain } in self.lexer.attributes().iter().copied() {
            if value.len() > self.limits.text_bytes_max {
                return Err(XmlError::TextTooLong);
            }
            let (prefix, name) = qualified.checked()?;
            if declared_prefix(qualified.qualified).is_some() {
                continue;
            }
            // An attribute without prefix is in no namespace.
            let namespace = if prefix.is_empty() { "" } else { self.lexer.namespace_of(prefix)? };
            if attributes.iter().any(|a: &XmlAttribute<'_>| a.name == name && a.namespace == namespace) {
                return Err(XmlError::DuplicateAttribute);
            }
            let value = if is_plain { Cow::Borrowed(value) } else { unescape(value)? };
            attributes.push(XmlAttribute { namespace, name, value });
        }
        Ok(attributes)
    }

    /// Checks content that is not a tag and appends it to `text` where that is wanted; answers the octets so far.
    fn check_content(
        &self,
        content: Token<'a>,
        text: Option<&mut Cow<'a, str>>,
        bytes: usize,
    ) -> Result<usize, XmlError> {
        let piece: Cow<'a, str> = match content {
            Token::Text(piece) if self.oddities.literal_ends && piece.contains("]]>") => {
                return Err(XmlError::NotWellFormed);
            }
            Token::Text(piece) | Token::Literal(piece) if self.oddities.returns => unfold_lines(piece),
            Token::Text(piece) | Token::Literal(piece) => Cow::Borrowed(piece),
            Token::Reference(name) => Cow::Owned(resolve_reference(name)?.to_string()),
            Token::Comment => return Ok(bytes),
            Token::Instruction(target) => return check_instruction(target).map(|()| bytes),
            Token::DocumentType => return Err(XmlError::DocumentType),
            Token::Declaration(_) | Token::Start(_) | Token::End | Token::Eof => return Err(XmlError::NotWellFormed),
        };
        let bytes = self.count_text(bytes, &piece)?;
        match text {
            Some(text) if text.is_empty() => *text = piece,
            Some(text) => text.to_mut().push_str(&piece),
            None => {}
        }
        Ok(bytes)
    }

    /// The octets of the text of an element with one more piece.
    #[inline]
    fn count_text(&self, bytes: usize, piece: &str) -> Result<usize, XmlError> {
        let bytes = bytes.saturating_add(piece.len());
        if bytes > self.limits.text_bytes_max { Err(XmlError::TextTooLong) } else { Ok(bytes) }
    }

    /// Notes which prefixes of the tag at `start` are declared in the fragment and which outside.
    fn note_prefixes(&self, start: usize, prefixes: &mut FragmentPrefixes<'a>) -> Result<(), XmlError> {
        let tag = self.source.get(start.saturating_add(1)..self.position()).ok_or(XmlError::NotWellFormed)?;
        let name_end = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(tag.len());
        let (name, rest) = tag.split_at_checked(name_end).ok_or(XmlError::NotWellFormed)?;
        let rest = rest.strip_suffix('>').map(|rest| rest.strip_suffix('/').unwrap_or(rest)).unwrap_or(rest);
        prefixes.own.retain(|(depth, _)| *depth < self.depth);
        for attribute in RawAttributes(rest) {
            if let Some(prefix) = declared_prefix(attribute?.0) {
                prefixes.own.push((self.depth, prefix));
            }
        }
        prefixes.note(&self.lexer, check_name(name)?.0)?;
        for attribute in RawAttributes(rest) {
            let name = attribute?.0;
            let (prefix, _) = check_name(name)?;
            if declared_prefix(name).is_none() && !prefix.is_empty() {
                prefixes.note(&self.lexer, prefix)?;
            }
        }
        Ok(())
    }
}

impl<'a> Name<'a> {
    /// Its prefix and its local part.
    #[inline]
    fn checked(self) -> Result<(&'a str, &'a str), XmlError> {
        match self.parts {
            Some(parts) => Ok(parts),
            None => check_name(self.qualified),
        }
    }
}

/// The prefixes met in a fragment.
#[derive(Default)]
struct FragmentPrefixes<'a> {
    /// Declared inside, with the depth of the declaration.
    own: Vec<(usize, &'a str)>,
    /// Declared outside, with their namespaces.
    borrowed: Vec<(&'a str, &'a str)>,
}

impl<'a> FragmentPrefixes<'a> {
    fn note(&mut self, lexer: &Lexer<'a>, prefix: &'a str) -> Result<(), XmlError> {
        let is_known = self.own.iter().any(|(_, own)| *own == prefix)
            || self.borrowed.iter().any(|(borrowed, _)| *borrowed == prefix);
        if !is_known && prefix != "xml" {
            self.borrowed.push((prefix, lexer.namespace_of(prefix)?));
        }
        Ok(())
    }
}

impl std::fmt::Debug for XmlReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XmlReader").field("position", &self.position()).field("depth", &self.depth).finish()
    }
}
