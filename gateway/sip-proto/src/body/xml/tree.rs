//! A document as a tree that can be changed.

use super::writer::{escape_attribute, escape_text};
use super::{XmlElement, XmlError, XmlLimits, XmlReader};
use crate::body::namespace::XML;
use std::borrow::Cow;

/// An element with all that is in it. Comments and instructions are left out, as in the canonical form without comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlTree {
    /// Namespace; empty when there is none.
    pub namespace: String,
    /// Name without prefix.
    pub name: String,
    /// The attributes that are no namespace declarations.
    pub attributes: Vec<TreeAttribute>,
    /// What is inside; no text stands beside another one, and none is empty.
    pub children: Vec<XmlNode>,
}

/// An attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeAttribute {
    /// Namespace; empty for a name without prefix.
    pub namespace: String,
    /// Name without prefix.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XmlNode {
    /// An element.
    Element(XmlTree),
    /// Text between elements.
    Text(String),
}

impl XmlTree {
    /// Reads a whole document.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn parse(document: &[u8], limits: &XmlLimits) -> Result<Self, XmlError> {
        let mut reader = XmlReader::new(document, limits)?;
        let root = reader.root()?;
        let tree = Self::read(&mut reader, &root)?;
        reader.finish()?;
        Ok(tree)
    }

    /// Reads the element that the cursor has just entered, to its end. The limits of the reader bound the depth.
    ///
    /// # Errors
    /// [`XmlError`].
    pub fn read<'a>(reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<Self, XmlError> {
        let attributes = element.attributes().iter().map(|attribute| TreeAttribute {
            namespace: attribute.namespace.to_owned(),
            name: attribute.name.to_owned(),
            value: attribute.value.to_string(),
        });
        let mut tree = Self {
            namespace: element.namespace().to_owned(),
            name: element.name().to_owned(),
            attributes: attributes.collect(),
            children: Vec::new(),
        };
        loop {
            let mut text = Cow::Borrowed("");
            let child = reader.next_child_or_text(&mut text)?;
            if !text.is_empty() {
                tree.children.push(XmlNode::Text(text.into_owned()));
            }
            let Some(child) = child else { return Ok(tree) };
            tree.children.push(XmlNode::Element(Self::read(reader, &child)?));
        }
    }

    /// The text in it and in the elements of it.
    #[must_use]
    pub fn text(&self) -> String {
        let pieces = self.children.iter().map(|child| match child {
            XmlNode::Element(element) => element.text(),
            XmlNode::Text(text) => text.clone(),
        });
        pieces.collect()
    }

    /// Value of the attribute in a namespace; the empty one for a name without prefix.
    #[must_use]
    pub fn attribute(&self, namespace: &str, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|one| one.name == name && one.namespace == namespace);
        found.map(|attribute| attribute.value.as_str())
    }

    /// Sets the value of an attribute, which may be new.
    pub fn set_attribute(&mut self, namespace: &str, name: &str, value: String) {
        match self.attributes.iter_mut().find(|one| one.name == name && one.namespace == namespace) {
            Some(known) => known.value = value,
            None => {
                let (namespace, name) = (namespace.to_owned(), name.to_owned());
                self.attributes.push(TreeAttribute { namespace, name, value });
            }
        }
    }

    /// Makes one of texts that stand beside each other, and takes out empty ones.
    pub fn join_texts(&mut self) {
        let mut joined: Vec<XmlNode> = Vec::with_capacity(self.children.len());
        for child in self.children.drain(..) {
            match (joined.last_mut(), child) {
                (_, XmlNode::Text(text)) if text.is_empty() => {}
                (Some(XmlNode::Text(before)), XmlNode::Text(text)) => before.push_str(&text),
                (_, child) => joined.push(child),
            }
        }
        self.children = joined;
    }

    /// The document. Its prefixes are made up: each element declares its namespace where the one around it has another.
    ///
    /// # Errors
    /// [`XmlError::DepthExceeded`] and [`XmlError::DocumentTooLarge`].
    pub fn write(&self, limits: &XmlLimits) -> Result<String, XmlError> {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        self.write_into(&mut out, "", limits.depth_max)?;
        if out.len() > limits.document_bytes_max {
            return Err(XmlError::DocumentTooLarge);
        }
        Ok(out)
    }

    fn write_into(&self, out: &mut String, around: &str, depth_left: usize) -> Result<(), XmlError> {
        let depth_left = depth_left.checked_sub(1).ok_or(XmlError::DepthExceeded)?;
        out.push('<');
        out.push_str(&self.name);
        if self.namespace != around {
            write_attribute(out, "xmlns", &self.namespace);
        }
        for (number, attribute) in self.attributes.iter().enumerate() {
            match attribute.namespace.as_str() {
                "" => write_attribute(out, &attribute.name, &attribute.value),
                XML => write_attribute(out, &format!("xml:{}", attribute.name), &attribute.value),
                other => {
                    write_attribute(out, &format!("xmlns:n{number}"), other);
                    write_attribute(out, &format!("n{number}:{}", attribute.name), &attribute.value);
                }
            }
        }
        if self.children.is_empty() {
            out.push_str("/>");
            return Ok(());
        }
        out.push('>');
        for child in &self.children {
            match child {
                XmlNode::Element(element) => element.write_into(out, &self.namespace, depth_left)?,
                XmlNode::Text(text) => escape_text(text, out),
            }
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
        Ok(())
    }
}

fn write_attribute(out: &mut String, name: &str, value: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape_attribute(value, out);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> XmlTree {
        XmlTree::parse(text.as_bytes(), &XmlLimits::DEFAULT).unwrap()
    }

    #[test]
    fn what_is_written_reads_as_the_same_tree() {
        let tree = parse(
            "<p:a xmlns:p='urn:a' xmlns='urn:b' p:x='1' y='&lt;\"' xml:lang='fi'> t&amp;<b>]]&gt;<c xmlns=''/></b>\n</p:a>",
        );
        assert_eq!(parse(&tree.write(&XmlLimits::DEFAULT).unwrap()), tree);
        assert_eq!(tree.attribute("urn:a", "x"), Some("1"));
        assert_eq!(tree.text(), " t&]]>\n");
    }

    #[test]
    fn texts_beside_each_other_become_one() {
        let mut tree = parse("<a>1<b/>2</a>");
        tree.children.remove(1);
        tree.children.push(XmlNode::Text(String::new()));
        tree.join_texts();
        assert_eq!(tree.children, [XmlNode::Text("12".into())]);
    }

    #[test]
    fn a_tree_that_has_grown_too_much_is_not_written() {
        let mut tree = parse("<a/>");
        for _ in 0..XmlLimits::DEFAULT.depth_max {
            tree = XmlTree { children: vec![XmlNode::Element(tree.clone())], ..tree };
        }
        assert_eq!(tree.write(&XmlLimits::DEFAULT), Err(XmlError::DepthExceeded));
        let limits = XmlLimits { document_bytes_max: 50, ..XmlLimits::DEFAULT };
        let long = XmlTree { children: vec![XmlNode::Text("x".repeat(60))], ..parse("<a/>") };
        assert_eq!(long.write(&limits), Err(XmlError::DocumentTooLarge));
    }

    fn trees() -> impl Strategy<Value = XmlTree> {
        let attribute = ("(|urn:a|urn:b)", "[a-c]", "[ -~\u{e4}]{0,6}")
            .prop_map(|(namespace, name, value)| TreeAttribute { namespace, name, value });
        let leaf = ("(|urn:a|urn:b)", "[a-c]", proptest::collection::vec(attribute, 0..3)).prop_map(
            |(namespace, name, attributes)| {
                let mut tree = XmlTree { namespace, name, attributes: Vec::new(), children: Vec::new() };
                attributes.into_iter().for_each(|one| tree.set_attribute(&one.namespace, &one.name, one.value));
                tree
            },
        );
        leaf.clone().prop_recursive(4, 24, 4, move |inner| {
            let node = prop_oneof![inner.prop_map(XmlNode::Element), "[ -~\r\n]{1,6}".prop_map(XmlNode::Text)];
            (leaf.clone(), proptest::collection::vec(node, 0..4)).prop_map(|(mut tree, children)| {
                tree.children = children;
                tree.join_texts();
                tree
            })
        })
    }

    proptest! {
        #[test]
        fn every_tree_survives_the_wire(tree in trees()) {
            prop_assert_eq!(parse(&tree.write(&XmlLimits::DEFAULT).unwrap()), tree);
        }
    }
}
