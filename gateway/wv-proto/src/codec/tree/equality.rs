//! Two trees are equal when they say the same, whatever encoding they came in.

use super::{
    Attribute, Content, DateTime, Element, Node, NodeName, Tree, decode_base64, integer_from_octets, parse_integer,
};
use crate::schema::ValueKind;
use crate::version::Version;

impl PartialEq for Tree<'_> {
    /// Names, order, namespaces, attributes and values; a number equals its decimal text, a point in time equals its
    /// text, and binary content equals its BASE64 text.
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.nodes.iter().zip(&other.nodes);
        self.nodes.len() == other.nodes.len()
            && pairs.clone().all(|(left, right)| left.end == right.end && left.means(right))
            && (0u32..).zip(pairs).all(|(index, _)| {
                let left = Element { tree: self, index };
                let right = Element { tree: other, index };
                left.namespace_in_force() == right.namespace_in_force()
            })
            && self.attributes == other.attributes
    }
}

impl PartialEq for Element<'_, '_> {
    /// The same rules as for whole trees.
    fn eq(&self, other: &Self) -> bool {
        let (Some(left), Some(right)) = (self.node(), other.node()) else { return false };
        left.means(right)
            && self.namespace_in_force() == other.namespace_in_force()
            && self.attributes().eq(other.attributes())
            && self.children().eq(other.children())
    }
}

impl Node<'_> {
    fn means(&self, other: &Node<'_>) -> bool {
        let kind = match &self.name {
            NodeName::Known(name) => name.kind(Version::V1_3),
            NodeName::Vendor(_) => ValueKind::Text,
        };
        self.name == other.name && self.content.means(&other.content, kind)
    }
}

impl PartialEq for NodeName<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (NodeName::Known(left), NodeName::Known(right)) => left == right,
            (NodeName::Vendor(left), NodeName::Vendor(right)) => left == right,
            (NodeName::Known(_), NodeName::Vendor(_)) | (NodeName::Vendor(_), NodeName::Known(_)) => false,
        }
    }
}

impl PartialEq for Attribute<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.node, &self.name, &self.value) == (other.node, &other.name, &other.value)
    }
}

impl Content<'_> {
    fn means(&self, other: &Content<'_>, kind: ValueKind) -> bool {
        match (self, other) {
            (Content::Empty, Content::Empty) => true,
            (Content::Text(left), Content::Text(right)) if left == right => true,
            (Content::Integer(left), Content::Integer(right)) => left == right,
            (Content::DateTime(left), Content::DateTime(right)) => left == right,
            (Content::Octets(left), Content::Octets(right)) => left == right,
            // An empty text leaves no trace in either encoding.
            (Content::Empty, value) | (value, Content::Empty) => {
                matches!(value, Content::Text(text) if text.is_empty())
                    || matches!(value, Content::Octets(octets) if octets.is_empty())
            }
            (Content::Octets(octets), Content::Text(text)) | (Content::Text(text), Content::Octets(octets)) => {
                octets.as_ref() == text.as_bytes() || decode_base64(text.as_bytes()).as_deref() == Ok(octets.as_ref())
            }
            (left, right) => match kind {
                ValueKind::Integer | ValueKind::NumericText => {
                    left.as_integer().is_some() && left.as_integer() == right.as_integer()
                }
                ValueKind::DateTime => left.as_moment().is_some() && left.as_moment() == right.as_moment(),
                ValueKind::Text | ValueKind::Boolean | ValueKind::Binary => false,
            },
        }
    }

    fn as_integer(&self) -> Option<u32> {
        match self {
            Content::Integer(number) => Some(*number),
            Content::Text(text) => parse_integer(text.trim()).ok(),
            Content::Octets(octets) => integer_from_octets(octets),
            Content::Empty | Content::DateTime(_) => None,
        }
    }

    fn as_moment(&self) -> Option<DateTime> {
        match self {
            Content::DateTime(moment) => Some(*moment),
            Content::Text(text) => DateTime::parse(text).ok(),
            // Octets that came in pieces are put together as octets, and mean what they mean in one piece.
            Content::Octets(octets) => DateTime::from_octets(octets).ok(),
            Content::Empty | Content::Integer(_) => None,
        }
    }
}
