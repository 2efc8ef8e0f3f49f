//! Selectors: the part of XPath by which patches name their target (RFC 5261 §4.1).

use super::tree::{XmlNode, XmlTree};
use crate::body::namespace::XML;
use smallvec::SmallVec;

/// A selector that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    start: Start,
    steps: Vec<Step>,
    last: Last,
}

/// What a selector leads to: the way from the root, by places among children, and what of the element there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Places among the children of each element on the way; empty for the root.
    pub way: Way,
    /// What of it.
    pub part: Part,
}

/// Places among children, from the root on.
pub type Way = SmallVec<[usize; 8]>;

/// What of an element is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The element.
    Element,
    /// An attribute: namespace and name.
    Attribute(String, String),
    /// The text at this place among its children.
    Text(usize),
    /// A namespace declaration, which says nothing in a tree without prefixes.
    Declaration,
}

/// Why a selector leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// It is none, or none of the part of XPath that patches have.
    #[error("the selector cannot be read")]
    Malformed,
    /// It uses a prefix that the patch does not declare.
    #[error("the selector has an undeclared prefix")]
    Prefix,
    /// It leads to nothing, or to several nodes.
    #[error("the selector does not lead to one node")]
    Unlocated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    Root,
    Id(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Namespace and name; none for any.
    name: Option<(String, String)>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Attribute { namespace: String, name: String, value: String },
    Child { namespace: String, name: String, value: String },
    Itself(String),
    Position(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Last {
    Element,
    Attribute(String, String),
    Text(Option<usize>),
    Declaration,
}

impl Selector {
    /// Reads a selector. `namespace_of` knows the prefixes that are declared where it stands; the empty one stands for
    /// element names without prefix.
    ///
    /// # Errors
    /// [`SelectError::Malformed`] and [`SelectError::Prefix`].
    pub fn parse(text: &str, namespace_of: &dyn Fn(&str) -> Option<String>) -> Result<Self, SelectError> {
        let mut reading = Reading { rest: text.trim(), namespace_of };
        let _ = reading.take("/");
        let start = match reading.identifier()? {
            Some(id) => Start::Id(id),
            None => Start::Root,
        };
        let mut selector = Self { start, steps: Vec::new(), last: Last::Element };
        let is_over = reading.rest.is_empty() && selector.start != Start::Root;
        if !is_over && selector.start != Start::Root && !reading.take("/") {
            return Err(SelectError::Malformed);
        }
        while !reading.rest.is_empty() {
            if selector.steps.len() >= STEPS_MAX {
                return Err(SelectError::Malformed);
            }
            if let Some(last) = reading.last()? {
                selector.last = last;
                return if reading.rest.is_empty() { Ok(selector) } else { Err(SelectError::Malformed) };
            }
            selector.steps.push(reading.step()?);
            if !reading.rest.is_empty() && (!reading.take("/") || reading.rest.is_empty()) {
                return Err(SelectError::Malformed);
            }
        }
        if selector.steps.is_empty() && selector.start == Start::Root {
            Err(SelectError::Malformed)
        } else {
            Ok(selector)
        }
    }

    /// The one node that it leads to.
    ///
    /// # Errors
    /// [`SelectError::Unlocated`].
    pub fn locate(&self, root: &XmlTree) -> Result<Located, SelectError> {
        let mut found: Vec<(Way, &XmlTree)> = match &self.start {
            Start::Root => {
                let Some((first, rest)) = self.steps.split_first() else { return Err(SelectError::Unlocated) };
                let roots = first.choose(std::iter::once((Way::new(), root)));
                return self.finish(rest.iter().fold(roots, |found, step| step.descend(found)));
            }
            Start::Id(id) => {
                let mut found = Vec::new();
                find_id(root, id, &mut Way::new(), &mut found);
                found
            }
        };
        found = self.steps.iter().fold(found, |found, step| step.descend(found));
        self.finish(found)
    }

    fn finish(&self, found: Vec<(Way, &XmlTree)>) -> Result<Located, SelectError> {
        let [(way, element)] = <[_; 1]>::try_from(found).map_err(|_| SelectError::Unlocated)?;
        let part = match &self.last {
            Last::Element => Part::Element,
            Last::Declaration => Part::Declaration,
            Last::Attribute(namespace, name) => {
                element.attribute(namespace, name).ok_or(SelectError::Unlocated)?;
                Part::Attribute(namespace.clone(), name.clone())
            }
            Last::Text(position) => {
                let texts = element.children.iter().enumerate();
                let mut texts = texts.filter(|(_, child)| matches!(child, XmlNode::Text(_))).map(|(place, _)| place);
                let place = match position {
                    Some(position) => texts.nth(position.checked_sub(1).ok_or(SelectError::Unlocated)?),
                    None => texts.next().filter(|_| texts.next().is_none()),
                };
                Part::Text(place.ok_or(SelectError::Unlocated)?)
            }
        };
        Ok(Located { way, part })
    }
}

fn find_id<'t>(element: &'t XmlTree, id: &str, way: &mut Way, found: &mut Vec<(Way, &'t XmlTree)>) {
    // The attributes of type ID of the presence documents are all called so.
    // RFC 5262 §3
    if element.attribute("", "id") == Some(id) || element.attribute(XML, "id") == Some(id) {
        found.push((way.clone(), element));
    }
    for (place, child) in element.children.iter().enumerate() {
        if let XmlNode::Element(child) = child {
            way.push(place);
            find_id(child, id, way, found);
            way.pop();
        }
    }
}

impl Step {
    /// The children of all found that this step admits.
    fn descend<'t>(&self, found: Vec<(Way, &'t XmlTree)>) -> Vec<(Way, &'t XmlTree)> {
        let mut below = Vec::new();
        for (way, element) in found {
            let children = element.children.iter().enumerate().filter_map(|(place, child)| match child {
                XmlNode::Element(child) => {
                    let mut way = way.clone();
                    way.push(place);
                    Some((way, child))
                }
                XmlNode::Text(_) => None,
            });
            below.extend(self.choose(children));
        }
        below
    }

    /// Of the children of one element, those that this step admits.
    fn choose<'t>(&self, children: impl Iterator<Item = (Way, &'t XmlTree)>) -> Vec<(Way, &'t XmlTree)> {
        let is_named = |element: &XmlTree| {
            self.name.as_ref().is_none_or(|(namespace, name)| element.name == *name && element.namespace == *namespace)
        };
        let mut chosen: Vec<_> = children.filter(|(_, element)| is_named(element)).collect();
        for condition in &self.conditions {
            chosen = match condition {
                Condition::Position(position) => {
                    let place = position.checked_sub(1);
                    place
                        .filter(|place| *place < chosen.len())
                        .map(|place| chosen.swap_remove(place))
                        .into_iter()
                        .collect()
                }
                other => chosen.into_iter().filter(|(_, element)| other.holds(element)).collect(),
            };
        }
        chosen
    }
}

impl Condition {
    fn holds(&self, element: &XmlTree) -> bool {
        match self {
            Self::Attribute { namespace, name, value } => element.attribute(namespace, name) == Some(value),
            Self::Child { namespace, name, value } => element.children.iter().any(|child| match child {
                XmlNode::Element(child) => {
                    child.name == *name && child.namespace == *namespace && child.text() == *value
                }
                XmlNode::Text(_) => false,
            }),
            Self::Itself(value) => element.text() == *value,
            Self::Position(_) => true,
        }
    }
}

struct Reading<'a> {
    rest: &'a str,
    namespace_of: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Reading<'a> {
    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// `id("...")`
    fn identifier(&mut self) -> Result<Option<String>, SelectError> {
        if !self.take("id(") {
            return Ok(None);
        }
        let id = self.literal()?;
        if self.take(")") { Ok(Some(id.to_owned())) } else { Err(SelectError::Malformed) }
    }

    fn literal(&mut self) -> Result<&'a str, SelectError> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"')).ok_or(SelectError::Malformed)?;
        let inside = self.rest.get(1..).unwrap_or_default();
        let (text, rest) = inside.split_once(quote).ok_or(SelectError::Malformed)?;
        self.rest = rest;
        Ok(text)
    }

    /// A step that is no element, which only the last one may be.
    fn last(&mut self) -> Result<Option<Last>, SelectError> {
        if self.take("@") {
            let (namespace, name) = self.attribute_name()?;
            return Ok(Some(Last::Attribute(namespace, name)));
        }
        if self.take("namespace::") {
            self.name()?;
            return Ok(Some(Last::Declaration));
        }
        if self.take("text()") {
            let position = if self.take("[") { Some(self.position()?) } else { None };
            return Ok(Some(Last::Text(position)));
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Step, SelectError> {
        let name = if self.take("*") { None } else { Some(self.element_name()?) };
        let mut conditions = Vec::new();
        while self.take("[") {
            if conditions.len() >= CONDITIONS_MAX {
                return Err(SelectError::Malformed);
            }
            conditions.push(self.condition()?);
        }
        Ok(Step { name, conditions })
    }

    fn condition(&mut self) -> Result<Condition, SelectError> {
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.position().map(Condition::Position);
        }
        let condition = if self.take("@") {
            let (namespace, name) = self.attribute_name()?;
            Condition::Attribute { namespace, name, value: self.wanted()? }
        } else if self.take(".") {
            Condition::Itself(self.wanted()?)
        } else {
            let (namespace, name) = self.element_name()?;
            Condition::Child { namespace, name, value: self.wanted()? }
        };
        if self.take("]") { Ok(condition) } else { Err(SelectError::Malformed) }
    }

    /// `= "value"`
    fn wanted(&mut self) -> Result<String, SelectError> {
        self.rest = self.rest.trim_start();
        if !self.take("=") {
            return Err(SelectError::Malformed);
        }
        self.rest = self.rest.trim_start();
        let value = self.literal()?.to_owned();
        self.rest = self.rest.trim_start();
        Ok(value)
    }

    /// `2]`
    fn position(&mut self) -> Result<usize, SelectError> {
        let (digits, rest) = self.rest.split_once(']').ok_or(SelectError::Malformed)?;
        self.rest = rest;
        digits.trim().parse().map_err(|_| SelectError::Malformed)
    }

    fn element_name(&mut self) -> Result<(String, String), SelectError> {
        let (prefix, name) = self.qualified()?;
        let namespace = (self.namespace_of)(prefix.unwrap_or_default()).ok_or(SelectError::Prefix)?;
        Ok((namespace, name.to_owned()))
    }

    /// An attribute without prefix is in no namespace.
    fn attribute_name(&mut self) -> Result<(String, String), SelectError> {
        let (prefix, name) = self.qualified()?;
        let namespace = match prefix {
            Some(prefix) => (self.namespace_of)(prefix).ok_or(SelectError::Prefix)?,
            None => String::new(),
        };
        Ok((namespace, name.to_owned()))
    }

    fn qualified(&mut self) -> Result<(Option<&'a str>, &'a str), SelectError> {
        let first = self.name()?;
        if self.take(":") { Ok((Some(first), self.name()?)) } else { Ok((None, first)) }
    }

    fn name(&mut self) -> Result<&'a str, SelectError> {
        let is_end = |c: char| !super::is_name_start(c) && !matches!(c, '-' | '.' | '0'..='9' | '\u{B7}');
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).ok_or(SelectError::Malformed)?;
        if !super::is_local_name(name) {
            return Err(SelectError::Malformed);
        }
        self.rest = rest;
        Ok(name)
    }
}

/// Steps of one selector: deeper than any document that is read.
const STEPS_MAX: usize = 64;

/// Conditions of one step; each looks at all that the step has found.
const CONDITIONS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::xml::XmlLimits;

    const TREE: &str = "<doc xmlns='urn:d' xmlns:x='urn:x' a='1'><foo id='one'>1</foo><foo id='two' x:b='2'>2<bar>b</bar>3</foo>\
                        <x:foo xml:id='three'><bar>c</bar></x:foo></doc>";

    fn locate(selector: &str) -> Result<String, SelectError> {
        let namespace_of = |prefix: &str| match prefix {
            "" => Some("urn:d".to_owned()),
            "y" => Some("urn:x".to_owned()),
            _ => None,
        };
        let tree = XmlTree::parse(TREE.as_bytes(), &XmlLimits::DEFAULT).unwrap();
        let located = Selector::parse(selector, &namespace_of)?.locate(&tree)?;
        Ok(format!("{:?} {:?}", located.way, located.part))
    }

    #[test]
    fn rfc5261_4_1_one_node_is_located() {
        for (selector, found) in [
            ("doc", "[] Element"),
            ("/*", "[] Element"),
            ("doc/foo[@id='two']", "[1] Element"),
            ("*/foo[@y:b=\"2\"]/bar", "[1, 1] Element"),
            ("doc/foo[2]", "[1] Element"),
            ("doc/*[3]", "[2] Element"),
            ("doc/y:foo", "[2] Element"),
            ("doc/foo[bar='b']", "[1] Element"),
            ("doc/foo[.='1']", "[0] Element"),
            ("doc/*[@id = 'two'][1]/bar/text()", "[1, 1] Text(0)"),
            ("doc/foo[2]/text()[2]", "[1] Text(2)"),
            ("doc/@a", "[] Attribute(\"\", \"a\")"),
            ("doc/foo[2]/@y:b", "[1] Attribute(\"urn:x\", \"b\")"),
            ("id('three')/bar", "[2, 0] Element"),
            ("id(\"two\")", "[1] Element"),
            ("doc/foo[1]/namespace::y", "[0] Declaration"),
        ] {
            assert_eq!(locate(selector).as_deref(), Ok(found), "{selector}");
        }
    }

    #[test]
    fn rfc5261_4_1_several_nodes_and_none_are_errors() {
        for selector in
            ["doc/foo", "*/*", "doc/bar", "foo", "doc/foo[3]", "doc/foo[0]", "doc/@b", "doc/foo[2]/text()", "id('x')"]
        {
            assert_eq!(locate(selector), Err(SelectError::Unlocated), "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for selector in [
            "",
            "/",
            "//foo",
            "doc/",
            "doc/@a/foo",
            "doc[",
            "doc[@id]",
            "doc/foo[@id='a]",
            "doc/comment()",
            "id(a)",
            "id('a')b",
        ] {
            assert_eq!(locate(selector), Err(SelectError::Malformed), "{selector}");
        }
        assert_eq!(locate("doc/z:foo"), Err(SelectError::Prefix));
    }
}
