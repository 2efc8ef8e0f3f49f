//! Content models: which children an element has, in which order and how often.

use super::{ElementName, v1_1, v1_2, v1_3};
use crate::codec::tree::{Element, Name};
use crate::version::Version;

/// What may stand inside an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Nothing.
    Empty,
    /// Text, or a value that is written as text.
    Text,
    /// Whatever a vendor puts there.
    Any,
    /// Elements.
    Children(Particle),
    /// Elements, or text: two elements share the name (`Status` of the transaction and of `CommC`).
    TextOr(Particle),
}

impl Model {
    /// Whether the element may stand somewhere inside, whatever the order and the number. Real clients break the order,
    /// so reading asks no more than this.
    #[must_use]
    pub fn may_hold(&self, child: ElementName) -> bool {
        match self {
            Self::Empty | Self::Text => false,
            Self::Any => true,
            Self::Children(particle) | Self::TextOr(particle) => particle.names(child),
        }
    }
}

/// A part of a content model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Particle {
    /// An element.
    Element(ElementName, Occurrence),
    /// All parts, in this order.
    Sequence(&'static [Particle], Occurrence),
    /// One of the parts.
    Choice(&'static [Particle], Occurrence),
}

impl Particle {
    /// Whether the element occurs in it.
    #[must_use]
    pub fn names(&self, child: ElementName) -> bool {
        match self {
            Self::Element(name, _) => *name == child,
            Self::Sequence(parts, _) | Self::Choice(parts, _) => parts.iter().any(|part| part.names(child)),
        }
    }
}

/// How often a part of a content model stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Occurrence {
    /// Once.
    One,
    /// Once or not at all.
    Optional,
    /// Any number of times.
    Many,
    /// Once or more often.
    OneOrMore,
}

/// The content model of an element in a version; `None` when the version does not have the element.
#[must_use]
pub fn model(version: Version, name: ElementName) -> Option<&'static Model> {
    let rows: &[(ElementName, Model)] = match version {
        Version::V1_1 => &v1_1::MODELS,
        Version::V1_2 => &v1_2::MODELS,
        Version::V1_3 => &v1_3::MODELS,
    };
    let index = rows.binary_search_by_key(&name, |row| row.0).ok()?;
    rows.get(index).map(|row| &row.1)
}

/// The first child that the version does not know in this place; vendor elements are never unexpected.
#[must_use]
pub fn unexpected_child(version: Version, element: Element<'_, '_>) -> Option<ElementName> {
    let Name::Known(name) = element.name() else { return None };
    let model = model(version, name)?;
    element.children().filter_map(|child| child.known()).find(|child| !model.may_hold(*child))
}
