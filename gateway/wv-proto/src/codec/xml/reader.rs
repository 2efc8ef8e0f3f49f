//! Reads XML into a tree, with the checks that the parser leaves to us.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::attributes::{Attribute, Attributes};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::prologue::{Prologue, decode_text};
use super::{is_allowed, is_name};
use crate::codec::is_protocol_namespace;
use crate::codec::tree::{Builder, Tree};
use crate::error::{CodecError, Limit};
use crate::limit::Limits;
use crate::schema::ElementName;
use crate::version::{Encoding, Version};

/// Reads any document of the protocol family: CSP of whatever version, SSP, and what vendors put around.
///
/// # Errors
/// When it is not well-formed, not namespace-well-formed, or outside the limits.
pub fn read<'a>(octets: &'a [u8], limits: &Limits) -> Result<Tree<'a>, CodecError> {
    read_document(octets, limits, Namespaces::Heeded).map(|document| document.tree)
}

/// Reads a document of which every element belongs to the protocol, whatever namespace it names.
pub(crate) fn read_any_namespace<'a>(octets: &'a [u8], limits: &Limits) -> Result<Tree<'a>, CodecError> {
    read_document(octets, limits, Namespaces::Ignored).map(|document| document.tree)
}

/// Whether namespaces tell the elements of the protocol from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Namespaces {
    Heeded,
    Ignored,
}

/// Reads a CSP message and finds its version (WV-ENC-01): the namespace of the root, then the public identifier, then the session.
pub(crate) fn read_message<'a>(
    octets: &'a [u8],
    session_version: Version,
    limits: &Limits,
) -> Result<(Version, Tree<'a>), CodecError> {
    let Document { tree, public_id_version } = read_document(octets, limits, Namespaces::Heeded)?;
    let version = match tree.root().namespace_in_force() {
        Some(namespace) => Version::from_namespace(namespace).ok_or(CodecError::UnsupportedVersion)?,
        None => public_id_version.unwrap_or(session_version),
    };
    Ok((version, tree))
}

struct Document<'a> {
    tree: Tree<'a>,
    public_id_version: Option<Version>,
}

fn read_document<'a>(octets: &'a [u8], limits: &Limits, namespaces: Namespaces) -> Result<Document<'a>, CodecError> {
    if octets.len() > limits.document_bytes_max {
        return Err(CodecError::LimitExceeded(Limit::Document));
    }
    match decode_text(octets)? {
        Cow::Borrowed(text) => Reader::read(text, limits, namespaces),
        Cow::Owned(text) => {
            let Document { tree, public_id_version } = Reader::read(&text, limits, namespaces)?;
            Ok(Document { tree: tree.into_owned(), public_id_version })
        }
    }
}

/// A namespace declaration that is in force.
struct Binding<'a> {
    /// Empty for the default namespace.
    prefix: &'a str,
    namespace: Cow<'a, str>,
    /// How many elements were open around the one that declares it.
    depth: usize,
}

struct Reader<'l, 'a> {
    builder: Builder<'a>,
    bindings: Vec<Binding<'a>>,
    /// Those of the element that is being opened, without namespace declarations.
    attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// The names of all of its attributes, of which each stands once.
    keys: Vec<&'a str>,
    /// For each open element, whether the namespace in force belongs to the protocol.
    protocol_scopes: Vec<bool>,
    /// Whether the element around and this one can be in different namespaces without a declaration on this one.
    has_prefixes: bool,
    namespaces: Namespaces,
    limits: &'l Limits,
}

impl<'a> Reader<'_, 'a> {
    fn read(text: &'a str, limits: &Limits, namespaces: Namespaces) -> Result<Document<'a>, CodecError> {
        let Prologue { body, public_id_version } = Prologue::parse(text)?;
        let mut parser = quick_xml::Reader::from_str(body);
        parser.config_mut().check_comments = true;
        // WV-ENC-11
        parser.config_mut().allow_dangling_amp = true;
        let mut reader = Reader {
            builder: Builder::with_limits(Version::V1_3, Encoding::Xml, limits),
            bindings: Vec::new(),
            attributes: Vec::with_capacity(8),
            keys: Vec::with_capacity(8),
            protocol_scopes: Vec::with_capacity(16),
            has_prefixes: false,
            namespaces,
            limits,
        };
        loop {
            let event = parser.read_event().map_err(|_| CodecError::MalformedXml(parser.error_position()))?;
            match event {
                Event::Start(start) => reader.start(Tag::of(body, &start, parser.buffer_position(), ">")?)?,
                Event::Empty(start) => {
                    reader.start(Tag::of(body, &start, parser.buffer_position(), "/>")?)?;
                    reader.end()?;
                }
                Event::End(_) => reader.end()?,
                Event::Text(text) => {
                    let is_end_of_cdata = text.contains("]]>");
                    let text =
                        if text.contains('\r') { text.xml10_content().into_owned().into() } else { text.into_inner() };
                    if is_end_of_cdata {
                        return Err(CodecError::MalformedXml(parser.buffer_position()));
                    }
                    reader.text(text)?;
                }
                Event::CData(text) => {
                    let text =
                        if text.contains('\r') { text.xml10_content().into_owned().into() } else { text.into_inner() };
                    if reader.builder.depth() == 0 {
                        return Err(CodecError::MalformedXml(parser.buffer_position()));
                    }
                    reader.text(text)?;
                }
                Event::GeneralRef(reference) => reader.reference(&reference)?,
                Event::Comment(_) | Event::PI(_) => {}
                Event::Decl(_) | Event::DocType(_) => return Err(CodecError::MalformedXml(parser.buffer_position())),
                Event::Eof => break,
            }
        }
        Ok(Document { tree: reader.builder.into_tree()?, public_id_version })
    }

    fn start(&mut self, tag: Tag<'a>) -> Result<(), CodecError> {
        let name = tag.name();
        if name.len() > self.limits.name_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Name));
        }
        let declares = self.take_attributes(tag)?;
        let (prefix, local) = name.split_once(':').map_or(("", name), |(prefix, local)| (prefix, local));
        self.has_prefixes |= !prefix.is_empty();
        // The common case: nothing is declared here and everything around is in the default namespace.
        let inherited = self.protocol_scopes.last().copied().filter(|_| !declares && !self.has_prefixes);
        let (namespace, is_protocol) = match inherited {
            Some(is_protocol) => (None, is_protocol),
            None => {
                let namespace = self.resolve(prefix)?;
                let is_protocol =
                    self.namespaces == Namespaces::Ignored || namespace.is_empty() || is_protocol_namespace(&namespace);
                (Some(namespace), is_protocol)
            }
        };
        let known = ElementName::from_text(local).filter(|known| is_protocol || known.is_extension_container());
        match known {
            Some(known) => self.builder.open_known(known, namespace)?,
            None if is_name(local) => self.builder.open_foreign(Cow::Borrowed(local), namespace)?,
            None => return Err(CodecError::MalformedXml(0)),
        }
        self.protocol_scopes.push(is_protocol);
        for (name, value) in self.attributes.drain(..) {
            self.builder.add_attribute(Cow::Borrowed(name), value)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), CodecError> {
        self.builder.close_node()?;
        self.protocol_scopes.pop();
        let depth = self.builder.depth();
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
        Ok(())
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), CodecError> {
        if has_forbidden(&text) {
            return Err(CodecError::ForbiddenCharacter);
        }
        if self.builder.depth() > 0 {
            return self.builder.add_text(text);
        }
        match (text.trim_ascii().is_empty(), self.builder.is_begun()) {
            (true, _) => Ok(()),
            (false, true) => Err(CodecError::TrailingContent),
            (false, false) => Err(CodecError::MissingRoot),
        }
    }

    /// The five entities of XML and character numbers; nothing is ever looked up.
    fn reference(&mut self, reference: &BytesRef<'a>) -> Result<(), CodecError> {
        if self.builder.depth() == 0 {
            return Err(CodecError::TrailingContent);
        }
        let text = match resolve_entity(reference) {
            Some(text) => Cow::Borrowed(text),
            None if reference.is_char_ref() => {
                let character = reference.resolve_char_ref().ok().flatten().filter(|character| is_allowed(*character));
                Cow::Owned(character.ok_or(CodecError::ForbiddenCharacter)?.to_string())
            }
            None => return Err(CodecError::UnknownEntity),
        };
        self.builder.add_text(text)
    }

    /// Puts declared namespaces in force and the other attributes aside; whether there were declarations. Attributes with
    /// a prefix say nothing to us: `xsi:type`, `xml:lang` and the like.
    fn take_attributes(&mut self, tag: Tag<'a>) -> Result<bool, CodecError> {
        let depth = self.builder.depth();
        let mut declares = false;
        self.keys.clear();
        for (count, attribute) in tag.attributes().enumerate() {
            if count >= self.limits.attributes_max {
                return Err(CodecError::LimitExceeded(Limit::Attributes));
            }
            let attribute = attribute.map_err(|_| CodecError::MalformedXml(0))?;
            let key = attribute.key.into_inner();
            if self.keys.contains(&key) {
                return Err(CodecError::MalformedXml(0));
            }
            self.keys.push(key);
            let prefix = match key.split_once(':') {
                None if key == "xmlns" => Some(""),
                Some(("xmlns", prefix)) => Some(prefix),
                Some(_) => continue,
                None => None,
            };
            let value = attribute_value(&attribute)?;
            let Some(prefix) = prefix else {
                if !is_name(key) {
                    return Err(CodecError::MalformedXml(0));
                }
                self.attributes.push((key, value));
                continue;
            };
            if value.len() > self.limits.name_bytes_max || prefix.len() > self.limits.name_bytes_max {
                return Err(CodecError::LimitExceeded(Limit::Name));
            }
            declares = true;
            self.bindings.push(Binding { prefix, namespace: value, depth });
        }
        Ok(declares)
    }

    fn resolve(&self, prefix: &str) -> Result<Cow<'a, str>, CodecError> {
        match self.bindings.iter().rev().find(|binding| binding.prefix == prefix) {
            Some(binding) => Ok(binding.namespace.clone()),
            None if prefix.is_empty() => Ok(Cow::Borrowed("")),
            None => Err(CodecError::UndeclaredPrefix),
        }
    }
}

fn resolve_entity(name: &str) -> Option<&'static str> {
    match name {
        "amp" => Some("&"),
        "lt" => Some("<"),
        "gt" => Some(">"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        _ => None,
    }
}

fn attribute_value<'a>(attribute: &Attribute<'a>) -> Result<Cow<'a, str>, CodecError> {
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| CodecError::UnknownEntity)?;
    if has_forbidden(&value) || attribute.value.contains('<') {
        return Err(CodecError::ForbiddenCharacter);
    }
    Ok(value)
}

/// Whether there is a character that XML does not have.
fn has_forbidden(text: &str) -> bool {
    // All of them are below the blank or begin with 0xEF.
    let is_suspect = |octet: u8| octet < 0x20 || octet == 0xEF;
    text.bytes().any(is_suspect) && !text.chars().all(is_allowed)
}

/// What stands between the brackets of a start tag, as long as the text that it is part of.
#[derive(Clone, Copy)]
struct Tag<'a> {
    content: &'a str,
    name_len: usize,
}

impl<'a> Tag<'a> {
    /// The tag that ends here with `close`.
    fn of(body: &'a str, start: &BytesStart<'_>, position: u64, close: &str) -> Result<Self, CodecError> {
        let content: &str = start;
        let end = usize::try_from(position).ok().and_then(|position| position.checked_sub(close.len()));
        let place = end.and_then(|end| Some(end.checked_sub(content.len())?..end));
        let found = place.and_then(|place| body.get(place)).filter(|found| *found == content);
        let content = found.ok_or(CodecError::MalformedXml(position))?;
        Ok(Self { content, name_len: start.name().into_inner().len() })
    }

    fn name(self) -> &'a str {
        self.content.get(..self.name_len).unwrap_or_default()
    }

    fn attributes(self) -> Attributes<'a> {
        let mut attributes = Attributes::new(self.content, self.name_len);
        // The reader does, without a list for each tag.
        attributes.with_checks(false);
        attributes
    }
}
