//! Puts a tree together. The decoders drive it; it is also a sink, so that anything that can be written can be looked at.

use std::borrow::Cow;

use super::{Attribute, Content, NO_NAMESPACE, Node, NodeName, Tree};
use crate::codec::date_time::DateTime;
use crate::codec::sink::Sink;
use crate::error::{CodecError, Limit, WriteError};
use crate::limit::Limits;
use crate::schema::ElementName;
use crate::version::{Encoding, Version};

/// Builds a tree under the limits of a decoder.
#[derive(Debug)]
pub struct Builder<'a> {
    tree: Tree<'a>,
    /// Indexes of the open elements.
    open: Vec<u32>,
    limits: Limits,
    /// Octets of all texts and contents so far.
    decoded_bytes: usize,
    version: Version,
    encoding: Encoding,
    fault: Option<WriteError>,
}

impl<'a> Builder<'a> {
    /// A sink that keeps what is written as a tree.
    #[must_use]
    pub fn new(version: Version, encoding: Encoding) -> Self {
        Self::with_limits(version, encoding, &Limits::default())
    }

    pub(crate) fn with_limits(version: Version, encoding: Encoding, limits: &Limits) -> Self {
        Self {
            tree: Tree { nodes: Vec::with_capacity(32), attributes: Vec::new(), namespaces: Vec::new() },
            open: Vec::with_capacity(16),
            limits: limits.clone(),
            decoded_bytes: 0,
            version,
            encoding,
            fault: None,
        }
    }

    /// The tree that was written.
    ///
    /// # Errors
    /// When elements are not balanced or there is none.
    pub fn finish(self) -> Result<Tree<'a>, WriteError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.open.is_empty() && !self.tree.nodes.is_empty() => Ok(self.tree),
            None => Err(WriteError::Unbalanced),
        }
    }

    pub(crate) fn into_tree(self) -> Result<Tree<'a>, CodecError> {
        match (self.open.is_empty(), self.tree.nodes.is_empty()) {
            (true, false) => Ok(self.tree),
            (true, true) => Err(CodecError::MissingRoot),
            (false, _) => Err(CodecError::Truncated),
        }
    }

    /// Opens an element. `namespace` is the one in force inside; `None` keeps the one around.
    pub(crate) fn open_known(&mut self, name: ElementName, namespace: Option<Cow<'a, str>>) -> Result<(), CodecError> {
        self.open_node(NodeName::Known(name), namespace)
    }

    /// Opens an element of a vendor.
    pub(crate) fn open_foreign(
        &mut self,
        name: Cow<'a, str>,
        namespace: Option<Cow<'a, str>>,
    ) -> Result<(), CodecError> {
        if name.len() > self.limits.name_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Name));
        }
        self.open_node(NodeName::Vendor(name), namespace)
    }

    /// Adds an attribute to the innermost open element.
    pub(crate) fn add_attribute(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), CodecError> {
        let node = *self.open.last().ok_or(CodecError::MissingRoot)?;
        let of_node = self.tree.attributes.iter().rev().take_while(|attribute| attribute.node == node);
        // Only WBXML can say it twice. Whoever reads takes the first, and XML has no room for another.
        if of_node.clone().any(|attribute| attribute.name == name) {
            return Ok(());
        }
        if of_node.count() >= self.limits.attributes_max {
            return Err(CodecError::LimitExceeded(Limit::Attributes));
        }
        if name.len() > self.limits.name_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Name));
        }
        if value.len() > self.limits.text_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Text));
        }
        self.count_decoded(value.len())?;
        self.tree.attributes.push(Attribute { node, name, value });
        Ok(())
    }

    /// Adds text to the innermost open element. White space between elements is dropped.
    pub(crate) fn add_text(&mut self, text: Cow<'a, str>) -> Result<(), CodecError> {
        let has_children = self.open.last().copied() != self.last_index();
        if has_children && is_blank(text.as_bytes()) {
            return Ok(());
        }
        self.add_content(Content::Text(text))
    }

    pub(crate) fn add_integer(&mut self, number: u32) -> Result<(), CodecError> {
        self.add_content(Content::Integer(number))
    }

    pub(crate) fn add_date_time(&mut self, moment: DateTime) -> Result<(), CodecError> {
        self.add_content(Content::DateTime(moment))
    }

    /// Adds opaque octets to the innermost open element. White space between elements is dropped.
    pub(crate) fn add_octets(&mut self, octets: Cow<'a, [u8]>) -> Result<(), CodecError> {
        let has_children = self.open.last().copied() != self.last_index();
        if has_children && is_blank(&octets) {
            return Ok(());
        }
        self.add_content(Content::Octets(octets))
    }

    /// Closes the innermost open element.
    pub(crate) fn close_node(&mut self) -> Result<(), CodecError> {
        let index = self.open.pop().ok_or(CodecError::TrailingContent)?;
        let end = u32::try_from(self.tree.nodes.len()).map_err(|_| CodecError::LimitExceeded(Limit::Elements))?;
        if let Some(node) = usize::try_from(index).ok().and_then(|index| self.tree.nodes.get_mut(index)) {
            node.end = end;
        }
        Ok(())
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether there is a document element, open or closed.
    pub(crate) fn is_begun(&self) -> bool {
        !self.tree.nodes.is_empty()
    }

    /// The name of the innermost open element.
    pub(crate) fn within(&self) -> Option<ElementName> {
        match self.current()?.name {
            NodeName::Known(name) => Some(name),
            NodeName::Vendor(_) => None,
        }
    }

    /// The namespace in force inside the innermost open element.
    pub(crate) fn namespace(&self) -> Option<&str> {
        let index = usize::try_from(self.current()?.namespace).ok()?;
        self.tree.namespaces.get(index).map(Cow::as_ref)
    }

    fn open_node(&mut self, name: NodeName<'a>, namespace: Option<Cow<'a, str>>) -> Result<(), CodecError> {
        let index = u32::try_from(self.tree.nodes.len()).map_err(|_| CodecError::LimitExceeded(Limit::Elements))?;
        if self.tree.nodes.len() >= self.limits.elements_max {
            return Err(CodecError::LimitExceeded(Limit::Elements));
        }
        if self.open.len() >= self.limits.depth_max {
            return Err(CodecError::LimitExceeded(Limit::Depth));
        }
        if self.open.is_empty() && index != 0 {
            return Err(CodecError::TrailingContent);
        }
        let around = self.current().map_or(NO_NAMESPACE, |node| node.namespace);
        let namespace = match namespace {
            None => around,
            Some(namespace) => self.intern(namespace, around)?,
        };
        if let Some(parent) = self.current_mut()
            && parent.content.is_blank()
        {
            parent.content = Content::Empty;
        }
        let is_namespace_own = namespace != around;
        self.tree.nodes.push(Node { name, content: Content::Empty, end: index, namespace, is_namespace_own });
        self.open.push(index);
        Ok(())
    }

    /// The index of a namespace. Only the latest ones are compared, so that a document full of namespaces costs no more
    /// than any other; a namespace that stands twice in the table does no harm.
    fn intern(&mut self, namespace: Cow<'a, str>, around: u32) -> Result<u32, CodecError> {
        if namespace.len() > self.limits.name_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Name));
        }
        if namespace.is_empty() {
            return Ok(NO_NAMESPACE);
        }
        let is_around = |index: usize| self.tree.namespaces.get(index) == Some(&namespace);
        if usize::try_from(around).is_ok_and(is_around) {
            return Ok(around);
        }
        let count = self.tree.namespaces.len();
        let latest = self.tree.namespaces.iter().rev().take(NAMESPACES_COMPARED).position(|known| *known == namespace);
        let index = match latest {
            Some(back) => count.saturating_sub(back).saturating_sub(1),
            None => {
                self.tree.namespaces.push(namespace);
                count
            }
        };
        u32::try_from(index).map_err(|_| CodecError::LimitExceeded(Limit::Elements))
    }

    fn add_content(&mut self, more: Content<'a>) -> Result<(), CodecError> {
        self.count_decoded(more.len())?;
        let text_bytes_max = self.limits.text_bytes_max;
        let Some(node) = self.current_mut() else {
            return Err(CodecError::TrailingContent);
        };
        let content = core::mem::replace(&mut node.content, Content::Empty).joined(more);
        if content.len() > text_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Text));
        }
        node.content = content;
        Ok(())
    }

    fn count_decoded(&mut self, bytes: usize) -> Result<(), CodecError> {
        self.decoded_bytes = self.decoded_bytes.saturating_add(bytes);
        if self.decoded_bytes > self.limits.decoded_bytes_max {
            return Err(CodecError::LimitExceeded(Limit::Decoded));
        }
        Ok(())
    }

    fn keep(&mut self, result: Result<(), CodecError>) {
        if let Err(error) = result {
            let is_too_long = matches!(error, CodecError::LimitExceeded(_));
            self.fault.get_or_insert(if is_too_long { WriteError::TooLong } else { WriteError::Unbalanced });
        }
    }

    fn last_index(&self) -> Option<u32> {
        u32::try_from(self.tree.nodes.len().checked_sub(1)?).ok()
    }

    fn current(&self) -> Option<&Node<'a>> {
        self.tree.nodes.get(usize::try_from(*self.open.last()?).ok()?)
    }

    fn current_mut(&mut self) -> Option<&mut Node<'a>> {
        let index = usize::try_from(*self.open.last()?).ok()?;
        self.tree.nodes.get_mut(index)
    }
}

impl<'a> Content<'a> {
    /// WV-ENC-02
    /// A value may come in several pieces: strings join to a string, anything with octets in it
    /// joins to octets.
    fn joined(self, more: Content<'a>) -> Self {
        match (self, more) {
            (Content::Empty, more) => more,
            (whole, Content::Empty) => whole,
            (whole, more @ Content::Octets(_)) | (whole @ Content::Octets(_), more) => {
                let mut octets = whole.into_octets();
                octets.extend_from_slice(&more.into_octets());
                Content::Octets(Cow::Owned(octets))
            }
            (whole, more) => {
                let mut text = whole.into_text();
                match more {
                    Content::Text(more) => text.push_str(&more),
                    more => text.push_str(&more.into_text()),
                }
                Content::Text(Cow::Owned(text))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Content::Empty | Content::Integer(_) | Content::DateTime(_) => 0,
            Content::Text(text) => text.len(),
            Content::Octets(octets) => octets.len(),
        }
    }

    fn into_octets(self) -> Vec<u8> {
        match self {
            Content::Octets(octets) => octets.into_owned(),
            Content::Empty | Content::Text(_) | Content::Integer(_) | Content::DateTime(_) => {
                self.into_text().into_bytes()
            }
        }
    }

    fn into_text(self) -> String {
        match self {
            Content::Text(text) => text.into_owned(),
            Content::Integer(number) => number.to_string(),
            Content::DateTime(moment) => moment.to_string(),
            Content::Empty | Content::Octets(_) => String::new(),
        }
    }
}

impl Sink for Builder<'_> {
    fn version(&self) -> Version {
        self.version
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn open(&mut self, name: ElementName) {
        let result = self.open_known(name, None);
        self.keep(result);
    }

    fn open_with_namespace(&mut self, name: ElementName, namespace: &str) {
        let result = self.open_known(name, Some(Cow::Owned(namespace.to_owned())));
        self.keep(result);
    }

    fn open_vendor(&mut self, name: &str, namespace: Option<&str>) {
        let namespace = namespace.map(|namespace| Cow::Owned(namespace.to_owned()));
        let result = self.open_foreign(Cow::Owned(name.to_owned()), namespace);
        self.keep(result);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let result = self.add_attribute(Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()));
        self.keep(result);
    }

    fn text(&mut self, text: &str) {
        let result = self.add_text(Cow::Owned(text.to_owned()));
        self.keep(result);
    }

    fn integer(&mut self, number: u32) {
        let result = self.add_integer(number);
        self.keep(result);
    }

    fn boolean(&mut self, value: bool) {
        let result = self.add_text(Cow::Borrowed(if value { "T" } else { "F" }));
        self.keep(result);
    }

    fn date_time(&mut self, moment: &DateTime) {
        let result = self.add_date_time(*moment);
        self.keep(result);
    }

    fn octets(&mut self, octets: &[u8]) {
        let result = self.add_octets(Cow::Owned(octets.to_vec()));
        self.keep(result);
    }

    fn close(&mut self) {
        let result = self.close_node();
        self.keep(result);
    }
}

const NAMESPACES_COMPARED: usize = 8;

fn is_blank(octets: &[u8]) -> bool {
    octets.iter().all(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'))
}

impl Content<'_> {
    /// Whether it is white space only, which between elements means nothing.
    fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => is_blank(text.as_bytes()),
            Self::Octets(octets) => is_blank(octets),
            _ => false,
        }
    }
}
