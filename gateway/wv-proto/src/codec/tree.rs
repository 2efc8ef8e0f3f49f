//! A decoded document: elements in document order, texts borrowed from the input.

mod builder;
mod equality;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

pub use builder::Builder;

use crate::codec::date_time::DateTime;
use crate::codec::sink::Sink;
use crate::error::ValueError;
use crate::schema::ElementName;

/// A decoded document. It has at least its root element.
#[derive(Debug, Clone)]
pub struct Tree<'a> {
    /// In document order; the children of a node follow it up to its `end`.
    nodes: Vec<Node<'a>>,
    attributes: Vec<Attribute<'a>>,
    namespaces: Vec<Cow<'a, str>>,
}

#[derive(Debug, Clone)]
struct Node<'a> {
    name: NodeName<'a>,
    content: Content<'a>,
    /// Index after the last node inside this one.
    end: u32,
    /// Index of the namespace in force.
    namespace: u32,
    /// Whether the namespace is another than that of the node around.
    is_namespace_own: bool,
}

#[derive(Debug, Clone)]
enum NodeName<'a> {
    Known(ElementName),
    Vendor(Cow<'a, str>),
}

#[derive(Debug, Clone)]
enum Content<'a> {
    Empty,
    Text(Cow<'a, str>),
    Integer(u32),
    DateTime(DateTime),
    Octets(Cow<'a, [u8]>),
}

#[derive(Debug, Clone)]
struct Attribute<'a> {
    node: u32,
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

/// No namespace is in force.
const NO_NAMESPACE: u32 = u32::MAX;

impl<'a> Tree<'a> {
    /// The document element.
    #[must_use]
    pub fn root(&self) -> Element<'_, 'a> {
        Element { tree: self, index: 0 }
    }

    /// How many elements there are.
    #[must_use]
    pub fn element_count(&self) -> usize {
        self.nodes.len()
    }

    /// Writes the whole document, in the order in which it stands here.
    pub fn write_into(&self, sink: &mut dyn Sink) {
        self.root().write_into(sink);
    }

    /// Copies whatever is borrowed.
    #[must_use]
    pub fn into_owned(self) -> Tree<'static> {
        Tree {
            nodes: self.nodes.into_iter().map(Node::into_owned).collect(),
            attributes: self.attributes.into_iter().map(Attribute::into_owned).collect(),
            namespaces: self.namespaces.into_iter().map(own).collect(),
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl Node<'_> {
    fn into_owned(self) -> Node<'static> {
        Node {
            name: match self.name {
                NodeName::Known(name) => NodeName::Known(name),
                NodeName::Vendor(name) => NodeName::Vendor(own(name)),
            },
            content: match self.content {
                Content::Empty => Content::Empty,
                Content::Text(text) => Content::Text(own(text)),
                Content::Integer(number) => Content::Integer(number),
                Content::DateTime(moment) => Content::DateTime(moment),
                Content::Octets(octets) => Content::Octets(Cow::Owned(octets.into_owned())),
            },
            end: self.end,
            namespace: self.namespace,
            is_namespace_own: self.is_namespace_own,
        }
    }
}

impl Attribute<'_> {
    fn into_owned(self) -> Attribute<'static> {
        Attribute { node: self.node, name: own(self.name), value: own(self.value) }
    }
}

/// The name of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'t> {
    /// An element of the protocol.
    Known(ElementName),
    /// An element of somebody else.
    Vendor {
        /// Its local name.
        name: &'t str,
        /// The namespace in force.
        namespace: Option<&'t str>,
    },
}

/// An element of a tree. Copying it costs nothing.
#[derive(Clone, Copy)]
pub struct Element<'t, 'a> {
    tree: &'t Tree<'a>,
    index: u32,
}

impl<'t, 'a> Element<'t, 'a> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> Name<'t> {
        match self.node().map(|node| &node.name) {
            Some(NodeName::Known(name)) => Name::Known(*name),
            Some(NodeName::Vendor(name)) => Name::Vendor { name, namespace: self.namespace_in_force() },
            None => Name::Vendor { name: "", namespace: None },
        }
    }

    /// The name as it is spelled, without a prefix; of a known element the spelling of the specification.
    #[must_use]
    pub fn local_name(self) -> &'t str {
        match self.name() {
            Name::Known(name) => name.as_str(),
            Name::Vendor { name, .. } => name,
        }
    }

    /// Its name, if it is an element of the protocol.
    #[must_use]
    pub fn known(self) -> Option<ElementName> {
        match self.node().map(|node| &node.name) {
            Some(NodeName::Known(name)) => Some(*name),
            Some(NodeName::Vendor(_)) | None => None,
        }
    }

    /// Whether it is this element of the protocol.
    #[must_use]
    pub fn is(self, name: ElementName) -> bool {
        self.known() == Some(name)
    }

    /// The elements directly inside, in document order.
    #[must_use]
    pub fn children(self) -> Children<'t, 'a> {
        let end = self.node().map_or(0, |node| node.end);
        Children { tree: self.tree, next: self.index.saturating_add(1), end }
    }

    /// The first element of this name directly inside.
    #[must_use]
    pub fn child(self, name: ElementName) -> Option<Self> {
        self.children().find(|child| child.is(name))
    }

    /// All elements of this name directly inside.
    pub fn children_named(self, name: ElementName) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.is(name))
    }

    /// Its own text, as sent, without the text of the elements inside. Empty when the value came as a number or a point
    /// in time, or as octets that are not UTF-8; [`Element::to_text`] covers these.
    #[must_use]
    pub fn text(self) -> &'t str {
        match self.content() {
            Content::Text(text) => text,
            Content::Octets(octets) => core::str::from_utf8(octets).unwrap_or_default(),
            Content::Empty | Content::Integer(_) | Content::DateTime(_) => "",
        }
    }

    /// Its own text without the white space around it. Servers put line breaks around every text.
    #[must_use]
    pub fn text_trimmed(self) -> &'t str {
        self.text().trim_matches([' ', '\t', '\r', '\n'])
    }

    /// Its value as text, whatever form it came in.
    #[must_use]
    pub fn to_text(self) -> Cow<'t, str> {
        match self.content() {
            Content::Integer(number) => Cow::Owned(number.to_string()),
            Content::DateTime(moment) => Cow::Owned(moment.to_string()),
            Content::Text(_) | Content::Octets(_) | Content::Empty => Cow::Borrowed(self.text()),
        }
    }

    /// Its value, if it came as octets. XML never has them.
    #[must_use]
    pub fn octets(self) -> Option<&'t [u8]> {
        match self.content() {
            Content::Octets(octets) => Some(octets),
            Content::Empty | Content::Text(_) | Content::Integer(_) | Content::DateTime(_) => None,
        }
    }

    /// Its content as it was before the sender encoded it (WV-ENC-08). `is_base64` says whether the
    /// ContentEncoding beside it does, `size` is the ContentSize, if there is one.
    ///
    /// # Errors
    /// When text that should be BASE64 is not.
    pub fn content_octets(self, is_base64: bool, size: Option<u32>) -> Result<Cow<'t, [u8]>, ValueError> {
        match self.content() {
            Content::Octets(octets) if is_base64 => {
                let decoded = decode_base64(octets).ok();
                let fits = |decoded: &Vec<u8>| size.is_some_and(|size| u32::try_from(decoded.len()) == Ok(size));
                Ok(decoded.filter(fits).map_or(Cow::Borrowed(octets.as_ref()), Cow::Owned))
            }
            Content::Octets(octets) => Ok(Cow::Borrowed(octets)),
            _ if is_base64 => decode_base64(self.text().as_bytes()).map(Cow::Owned),
            _ => match self.to_text() {
                Cow::Borrowed(text) => Ok(Cow::Borrowed(text.as_bytes())),
                Cow::Owned(text) => Ok(Cow::Owned(text.into_bytes())),
            },
        }
    }

    /// Its value as a number.
    ///
    /// # Errors
    /// When it is not one of at most 32 bits.
    pub fn integer(self) -> Result<u32, ValueError> {
        match self.content() {
            Content::Integer(number) => Ok(*number),
            Content::Text(_) => parse_integer(self.text_trimmed()),
            Content::Octets(octets) => integer_from_octets(octets).ok_or(ValueError::NotAnInteger),
            Content::Empty | Content::DateTime(_) => Err(ValueError::NotAnInteger),
        }
    }

    /// Its value as `T` or `F`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn boolean(self) -> Result<bool, ValueError> {
        match self.text_trimmed() {
            "T" | "t" => Ok(true),
            "F" | "f" => Ok(false),
            _ => Err(ValueError::NotABoolean),
        }
    }

    /// Its value as a point in time.
    ///
    /// # Errors
    /// When it is none.
    pub fn date_time(self) -> Result<DateTime, ValueError> {
        match self.content() {
            Content::DateTime(moment) => Ok(*moment),
            Content::Text(text) => DateTime::parse(text),
            Content::Octets(octets) => DateTime::from_octets(octets),
            Content::Empty | Content::Integer(_) => Err(ValueError::NotADateTime),
        }
    }

    /// Whether it has neither a value nor elements.
    #[must_use]
    pub fn is_empty(self) -> bool {
        matches!(self.content(), Content::Empty) && self.children().next().is_none()
    }

    /// The namespace that it puts in force, if that is another than the one around it; empty when it ends that one.
    #[must_use]
    pub fn namespace(self) -> Option<&'t str> {
        self.node().filter(|node| node.is_namespace_own).map(|_| self.namespace_in_force().unwrap_or_default())
    }

    /// The namespace that is in force.
    #[must_use]
    pub fn namespace_in_force(self) -> Option<&'t str> {
        let index = usize::try_from(self.node()?.namespace).ok()?;
        self.tree.namespaces.get(index).map(Cow::as_ref)
    }

    /// The value of an attribute. `xmlns` is none.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'t str> {
        self.attributes().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// All attributes, names and values. `xmlns` is none.
    pub fn attributes(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let all = &self.tree.attributes;
        let first = all.partition_point(|attribute| attribute.node < self.index);
        let of_this = move |attribute: &&Attribute<'a>| attribute.node == self.index;
        all.iter().skip(first).take_while(of_this).map(|attribute| (attribute.name.as_ref(), attribute.value.as_ref()))
    }

    /// Writes it and everything inside, in the order in which it stands here.
    pub fn write_into(self, sink: &mut dyn Sink) {
        let mut open_ends: Vec<u32> = Vec::new();
        let end = self.node().map_or(0, |node| node.end);
        for index in self.index..end {
            while open_ends.last().is_some_and(|end| *end <= index) {
                open_ends.pop();
                sink.close();
            }
            let element = Element { tree: self.tree, index };
            element.write_start(sink);
            open_ends.push(element.node().map_or(end, |node| node.end));
        }
        for _ in open_ends {
            sink.close();
        }
    }

    fn write_start(self, sink: &mut dyn Sink) {
        match (self.name(), self.namespace()) {
            (Name::Known(name), None) => sink.open(name),
            (Name::Known(name), Some(namespace)) => sink.open_with_namespace(name, namespace),
            (Name::Vendor { name, .. }, namespace) => sink.open_vendor(name, namespace),
        }
        for (name, value) in self.attributes() {
            sink.attribute(name, value);
        }
        match self.content() {
            Content::Empty => {}
            Content::Text(text) => sink.text(text),
            Content::Integer(number) => sink.integer(*number),
            Content::DateTime(moment) => sink.date_time(moment),
            Content::Octets(octets) => sink.octets(octets),
        }
    }

    fn content(self) -> &'t Content<'a> {
        self.node().map_or(&Content::Empty, |node| &node.content)
    }

    fn node(self) -> Option<&'t Node<'a>> {
        self.tree.nodes.get(usize::try_from(self.index).ok()?)
    }
}

impl core::fmt::Debug for Element<'_, '_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut list = formatter.debug_struct(self.local_name());
        if !matches!(self.content(), Content::Empty) {
            list.field("value", self.content());
        }
        for child in self.children() {
            list.field("", &child);
        }
        list.finish()
    }
}

/// The elements directly inside an element.
#[derive(Clone)]
pub struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    next: u32,
    end: u32,
}

impl<'t, 'a> Iterator for Children<'t, 'a> {
    type Item = Element<'t, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let element = Element { tree: self.tree, index: self.next };
        self.next = element.node()?.end;
        Some(element)
    }
}

/// Decimal digits; a sign is none.
fn parse_integer(text: &str) -> Result<u32, ValueError> {
    if text.starts_with('+') {
        return Err(ValueError::NotAnInteger);
    }
    text.parse().map_err(|_| ValueError::NotAnInteger)
}

/// Big-endian, with or without leading zeros; no octets are no number.
pub(crate) fn integer_from_octets(octets: &[u8]) -> Option<u32> {
    if octets.is_empty() {
        return None;
    }
    let significant = octets.iter().skip_while(|octet| **octet == 0);
    if significant.clone().count() > 4 {
        return None;
    }
    Some(significant.fold(0u32, |number, octet| (number << 8) | u32::from(*octet)))
}

/// With or without padding, and with the line breaks that servers put in.
pub(crate) fn decode_base64(text: &[u8]) -> Result<Vec<u8>, ValueError> {
    let dense: Vec<u8> = text.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let unpadded = dense.strip_suffix(b"==").or_else(|| dense.strip_suffix(b"=")).unwrap_or(&dense);
    STANDARD_NO_PAD.decode(unpadded).map_err(|_| ValueError::NotBase64)
}
