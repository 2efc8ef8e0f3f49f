//! Writing: open, attribute, text, close; the rest is looked after here.

use super::{XmlError, XmlFragment, XmlName, is_xml_character};

/// A prefix and the namespace a document binds it to; the empty prefix is the default namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlBinding {
    /// Prefix.
    pub prefix: &'static str,
    /// Namespace.
    pub namespace: &'static str,
}

/// Writes one document. Names are literals of the code, values are anything; the first thing that cannot be written
/// is remembered and told by [`XmlWriter::finish`].
#[derive(Debug)]
pub struct XmlWriter {
    bindings: &'static [XmlBinding],
    used: Vec<bool>,
    root: String,
    body: String,
    open: Vec<String>,
    tag: Tag,
    error: Option<XmlError>,
}

/// Where the writer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// No root yet.
    None,
    /// The start tag of the root takes attributes.
    Root,
    /// A start tag takes attributes.
    Open,
    /// After a tag or text.
    Content,
}

impl XmlWriter {
    /// A document whose root declares those of the bindings that are used, in this order.
    #[must_use]
    pub fn new(bindings: &'static [XmlBinding]) -> Self {
        Self {
            bindings,
            used: vec![false; bindings.len()],
            root: String::new(),
            body: String::new(),
            open: Vec::new(),
            tag: Tag::None,
            error: None,
        }
    }

    /// Starts an element; `name` is written as it is, prefix included.
    pub fn open(&mut self, name: &'static str) {
        self.use_prefix(name);
        self.start(name.to_owned());
    }

    /// Starts an element whose name comes from outside.
    pub fn open_named(&mut self, prefix: &'static str, name: &XmlName) {
        self.open_qualified(prefix, name.as_str());
    }

    /// Starts an element whose name is a word of a vocabulary.
    pub fn open_prefixed(&mut self, prefix: &'static str, word: &'static str) {
        self.open_qualified(prefix, word);
    }

    fn open_qualified(&mut self, prefix: &'static str, local: &str) {
        let mut qualified = String::from(prefix);
        qualified.push(':');
        qualified.push_str(local);
        self.use_prefix(&qualified);
        self.start(qualified);
    }

    /// Adds an attribute to the element that was just started.
    pub fn attribute(&mut self, name: &'static str, value: &str) {
        if name.contains(':') && !name.starts_with("xml:") {
            self.use_prefix(name);
        }
        self.check(value);
        let target = match self.tag {
            Tag::Root => &mut self.root,
            Tag::Open => &mut self.body,
            Tag::None | Tag::Content => return self.fail(XmlError::NotWellFormed),
        };
        target.push(' ');
        target.push_str(name);
        target.push_str("=\"");
        escape_attribute(value, target);
        target.push('"');
    }

    /// Adds an attribute when there is a value.
    pub fn attribute_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.check(text);
        self.end_tag();
        escape_text(text, &mut self.body);
    }

    /// Ends the element that was started last.
    pub fn close(&mut self) {
        let Some(name) = self.open.pop() else { return self.fail(XmlError::NotWellFormed) };
        if self.open.is_empty() {
            if self.tag == Tag::Root {
                self.tag = Tag::Content;
            }
            return;
        }
        if self.tag == Tag::Open {
            self.body.push_str("/>");
        } else {
            self.body.push_str("</");
            self.body.push_str(&name);
            self.body.push('>');
        }
        self.tag = Tag::Content;
    }

    /// An element without attributes that holds text.
    pub fn leaf(&mut self, name: &'static str, text: &str) {
        self.open(name);
        self.text(text);
        self.close();
    }

    /// [`XmlWriter::leaf`] when there is text.
    pub fn leaf_if(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// An element that was kept.
    pub fn fragment(&mut self, fragment: &XmlFragment) {
        self.end_tag();
        self.body.push_str(fragment.xml());
    }

    /// The document.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<String, XmlError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut parts = self.root.splitn(2, ' ');
        let Some(name) = parts.next().filter(|name| !name.is_empty()) else { return Err(XmlError::NoRoot) };
        if !self.open.is_empty() {
            return Err(XmlError::NotWellFormed);
        }
        let mut document = String::with_capacity(self.body.len().saturating_add(512));
        document.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
        document.push_str(name);
        for (binding, _) in self.bindings.iter().zip(&self.used).filter(|(_, used)| **used) {
            document.push_str(if binding.prefix.is_empty() { " xmlns" } else { " xmlns:" });
            document.push_str(binding.prefix);
            document.push_str("=\"");
            escape_attribute(binding.namespace, &mut document);
            document.push('"');
        }
        if let Some(attributes) = parts.next() {
            document.push(' ');
            document.push_str(attributes);
        }
        document.push('>');
        document.push_str(&self.body);
        document.push_str("</");
        document.push_str(name);
        document.push_str(">\n");
        Ok(document)
    }

    fn start(&mut self, name: String) {
        match self.tag {
            Tag::None => {
                self.root.push_str(&name);
                self.tag = Tag::Root;
            }
            Tag::Root | Tag::Open | Tag::Content => {
                if self.open.is_empty() {
                    return self.fail(XmlError::OutsideRoot);
                }
                self.end_tag();
                self.body.push('<');
                self.body.push_str(&name);
                self.tag = Tag::Open;
            }
        }
        self.open.push(name);
    }

    fn end_tag(&mut self) {
        if self.open.is_empty() {
            self.fail(XmlError::OutsideRoot);
        }
        if self.tag == Tag::Open {
            self.body.push('>');
        }
        self.tag = Tag::Content;
    }

    fn use_prefix(&mut self, name: &str) {
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        let found = self.bindings.iter().zip(&mut self.used).find(|(binding, _)| binding.prefix == prefix);
        match found {
            Some((_, used)) => *used = true,
            None => self.fail(XmlError::UndeclaredPrefix),
        }
    }

    fn check(&mut self, value: &str) {
        if !value.chars().all(is_xml_character) {
            self.fail(XmlError::ForbiddenCharacter);
        }
    }

    fn fail(&mut self, error: XmlError) {
        self.error.get_or_insert(error);
    }
}

pub(super) fn escape_text(text: &str, target: &mut String) {
    for character in text.chars() {
        match character {
            '&' => target.push_str("&amp;"),
            '<' => target.push_str("&lt;"),
            '>' => target.push_str("&gt;"),
            // Readers turn a raw one into a line feed.
            '\r' => target.push_str("&#13;"),
            other => target.push(other),
        }
    }
}

pub(super) fn escape_attribute(value: &str, target: &mut String) {
    for character in value.chars() {
        match character {
            '&' => target.push_str("&amp;"),
            '<' => target.push_str("&lt;"),
            '>' => target.push_str("&gt;"),
            '"' => target.push_str("&quot;"),
            '\t' => target.push_str("&#9;"),
            '\n' => target.push_str("&#10;"),
            '\r' => target.push_str("&#13;"),
            other => target.push(other),
        }
    }
}
