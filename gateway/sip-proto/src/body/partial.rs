//! Partial presence documents (RFC 5262, 5263): a copy of the whole that is kept current by patches (RFC 5261).

use super::namespace::{PIDF, PIDF_DIFF};
use super::xml::{Located, Part, SelectError, Selector, XmlElement, XmlError, XmlLimits, XmlNode, XmlReader, XmlTree};
use std::borrow::Cow;
use thiserror::Error;

/// The media type.
pub const MEDIA_TYPE: &str = "application/pidf-diff+xml";

/// What a watcher has put together of the partial documents of one subscription.
// RFC 5263 §4.5
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialCopy {
    /// Of the last document that was taken; it outlives the copy.
    version: Option<u32>,
    tree: Option<XmlTree>,
}

/// What became of a partial document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The whole as it is now: a document of PIDF.
    Whole(String),
    /// It is no newer than the copy, which stays.
    Old,
    /// What it changes is not here: one before it is missing, or the whole never came. A refresh brings the whole.
    Gap,
    /// It cannot be read or applied; the copy is of no use any more. A refresh brings the whole.
    Failed(PatchError),
}

/// Why a partial document cannot be applied.
// RFC 5261 §5.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatchError {
    /// It is no XML, or what comes of it is too large.
    #[error("not read: {0}")]
    Xml(#[from] XmlError),
    /// The root is neither `pidf-full` nor `pidf-diff`.
    #[error("the root element is not that of a partial document")]
    Root,
    /// The version is no number, or missing where one is needed.
    #[error("the version is missing or no number")]
    Version,
    /// A selector leads nowhere.
    #[error("{0}")]
    Selector(#[from] SelectError),
    /// An operation without selector, with an unknown directive, or on a node that it cannot be done to.
    #[error("a patch operation that cannot be done")]
    Operation,
    /// More operations than one document may have.
    #[error("too many patch operations")]
    TooMany,
    /// A blank that is to be removed is not there.
    #[error("a blank to be removed is missing")]
    Blank,
}

impl PartialCopy {
    /// Takes a document of this media type.
    pub fn take(&mut self, document: &[u8], limits: &XmlLimits) -> Taken {
        match self.try_take(document, limits) {
            Ok(taken) => taken,
            Err(error) => {
                self.tree = None;
                Taken::Failed(error)
            }
        }
    }

    /// A document of another type came: the copy is worth nothing any more, but the counter goes on.
    // RFC 5263 §4.5
    pub fn forget(&mut self) {
        self.tree = None;
    }

    fn try_take(&mut self, document: &[u8], limits: &XmlLimits) -> Result<Taken, PatchError> {
        let mut reader = XmlReader::new(document, limits)?;
        let root = reader.root()?;
        let is_full = root.name() == "pidf-full";
        if root.namespace() != PIDF_DIFF || !(is_full || root.name() == "pidf-diff") {
            return Err(PatchError::Root);
        }
        let version = match root.attribute("version") {
            Some(text) => Some(text.trim().parse::<u32>().map_err(|_| PatchError::Version)?),
            None => None,
        };
        if let (Some(new), Some(known)) = (version, self.version)
            && new <= known
        {
            return Ok(Taken::Old);
        }
        let tree = if is_full {
            let whole = whole(XmlTree::read(&mut reader, &root)?);
            reader.finish()?;
            whole
        } else {
            // RFC 5263 §4.4: there is one in each.
            let new = version.ok_or(PatchError::Version)?;
            let Some(tree) =
                self.tree.as_ref().filter(|_| self.version.and_then(|known| known.checked_add(1)) == Some(new))
            else {
                return Ok(Taken::Gap);
            };
            let mut tree = tree.clone();
            patch(&mut tree, &mut reader)?;
            reader.finish()?;
            tree
        };
        let written = tree.write(limits)?;
        self.version = version.or(self.version);
        self.tree = Some(tree);
        Ok(Taken::Whole(written))
    }
}

/// The copy is a document of PIDF, whatever it came in: selectors begin with `presence` or `*`.
// RFC 5262 §6
fn whole(mut tree: XmlTree) -> XmlTree {
    PIDF.clone_into(&mut tree.namespace);
    "presence".clone_into(&mut tree.name);
    tree.attributes.retain(|attribute| !(attribute.namespace.is_empty() && attribute.name == "version"));
    tree
}

// RFC 5261 §4.3, §4.4, §4.5
fn patch(tree: &mut XmlTree, reader: &mut XmlReader<'_>) -> Result<(), PatchError> {
    let mut count = 0_usize;
    while let Some(element) = reader.next_child()? {
        count = count.saturating_add(1);
        if count > OPERATIONS_MAX {
            return Err(PatchError::TooMany);
        }
        if element.namespace() != PIDF_DIFF {
            return Err(PatchError::Operation);
        }
        let operation = Operation::read(reader, &element)?;
        match element.name() {
            "add" => operation.add(tree)?,
            "replace" => operation.replace(tree)?,
            "remove" => operation.remove(tree)?,
            _ => return Err(PatchError::Operation),
        }
    }
    Ok(())
}

/// One operation of a patch.
struct Operation {
    selector: Selector,
    /// What is added when it is no node: an attribute, or a declaration.
    kind: Option<Kind>,
    position: Position,
    blanks: Blanks,
    content: Vec<XmlNode>,
}

enum Kind {
    Attribute(String, String),
    Declaration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Append,
    Prepend,
    Before,
    After,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Blanks {
    before: bool,
    after: bool,
}

impl Operation {
    fn read<'a>(reader: &mut XmlReader<'a>, element: &XmlElement<'a>) -> Result<Self, PatchError> {
        let namespace_of = |prefix: &str| reader.namespace_of(prefix).map(str::to_owned);
        let selector = Selector::parse(element.attribute("sel").ok_or(PatchError::Operation)?, &namespace_of)?;
        let kind = match element.attribute("type") {
            None => None,
            Some(kind) if kind.starts_with("namespace::") => Some(Kind::Declaration),
            Some(kind) => {
                let name = kind.strip_prefix('@').ok_or(PatchError::Operation)?;
                let (prefix, name) = name.split_once(':').map_or((None, name), |(prefix, name)| (Some(prefix), name));
                super::xml::XmlName::parse(name).map_err(|_| PatchError::Operation)?;
                let namespace = match prefix {
                    Some(prefix) => namespace_of(prefix).ok_or(SelectError::Prefix)?,
                    None => String::new(),
                };
                Some(Kind::Attribute(namespace, name.to_owned()))
            }
        };
        let position = match element.attribute("pos") {
            None => Position::Append,
            Some("prepend") => Position::Prepend,
            Some("before") => Position::Before,
            Some("after") => Position::After,
            Some(_) => return Err(PatchError::Operation),
        };
        let blanks = match element.attribute("ws") {
            None => Blanks { before: false, after: false },
            Some("before") => Blanks { before: true, after: false },
            Some("after") => Blanks { before: false, after: true },
            Some("both") => Blanks { before: true, after: true },
            Some(_) => return Err(PatchError::Operation),
        };
        let mut content = Vec::new();
        loop {
            let mut text = Cow::Borrowed("");
            let child = reader.next_child_or_text(&mut text)?;
            if !text.is_empty() {
                content.push(XmlNode::Text(text.into_owned()));
            }
            let Some(child) = child else { break };
            content.push(XmlNode::Element(XmlTree::read(reader, &child)?));
        }
        Ok(Self { selector, kind, position, blanks, content })
    }

    fn add(self, root: &mut XmlTree) -> Result<(), PatchError> {
        let located = self.selector.locate(root)?;
        if let Some(kind) = &self.kind {
            let text = self.text()?;
            let (Part::Element, Some(element)) = (&located.part, element_at(root, &located.way)) else {
                return Err(PatchError::Operation);
            };
            if let Kind::Attribute(namespace, name) = kind {
                element.set_attribute(namespace, name, text);
            }
            return Ok(());
        }
        let (parent, place) = match self.position {
            Position::Append | Position::Prepend => {
                let (Part::Element, Some(element)) = (&located.part, element_at(root, &located.way)) else {
                    return Err(PatchError::Operation);
                };
                let place = if self.position == Position::Append { element.children.len() } else { 0 };
                (element, place)
            }
            Position::Before | Position::After => {
                let (parent, place) = node_at(root, &located)?;
                (parent, place.saturating_add(usize::from(self.position == Position::After)))
            }
        };
        let place = place.min(parent.children.len());
        parent.children.splice(place..place, self.content);
        parent.join_texts();
        Ok(())
    }

    fn replace(mut self, root: &mut XmlTree) -> Result<(), PatchError> {
        let located = self.selector.locate(root)?;
        match &located.part {
            Part::Element => {
                self.content.retain(|node| !is_blank(node));
                let [XmlNode::Element(new)] = <[_; 1]>::try_from(self.content).map_err(|_| PatchError::Operation)?
                else {
                    return Err(PatchError::Operation);
                };
                *element_at(root, &located.way).ok_or(PatchError::Operation)? = new;
            }
            Part::Attribute(namespace, name) => {
                let text = self.text()?;
                let element = element_at(root, &located.way).ok_or(PatchError::Operation)?;
                element.set_attribute(namespace, name, text);
            }
            Part::Text(_) => {
                let text = self.text()?;
                let (parent, place) = node_at(root, &located)?;
                if let Some(node) = parent.children.get_mut(place) {
                    *node = XmlNode::Text(text);
                }
                parent.join_texts();
            }
            Part::Declaration => {}
        }
        Ok(())
    }

    fn remove(self, root: &mut XmlTree) -> Result<(), PatchError> {
        let located = self.selector.locate(root)?;
        let is_element = matches!(located.part, Part::Element);
        if (self.blanks.before || self.blanks.after) && !is_element {
            return Err(PatchError::Operation);
        }
        match &located.part {
            Part::Attribute(namespace, name) => {
                let element = element_at(root, &located.way).ok_or(PatchError::Operation)?;
                element.attributes.retain(|one| !(one.namespace == *namespace && one.name == *name));
            }
            Part::Declaration => {}
            Part::Element | Part::Text(_) => {
                let (parent, place) = node_at(root, &located)?;
                let after = place.checked_add(1).filter(|_| self.blanks.after);
                let before =
                    if self.blanks.before { Some(place.checked_sub(1).ok_or(PatchError::Blank)?) } else { None };
                for blank in [after, before].into_iter().flatten() {
                    if !parent.children.get(blank).is_some_and(is_blank) {
                        return Err(PatchError::Blank);
                    }
                }
                let from = before.unwrap_or(place);
                let to = after.unwrap_or(place).saturating_add(1).min(parent.children.len());
                parent.children.drain(from.min(to)..to);
                parent.join_texts();
            }
        }
        Ok(())
    }

    /// What is added or put in place where only a text can be.
    fn text(&self) -> Result<String, PatchError> {
        let pieces = self.content.iter().map(|node| match node {
            XmlNode::Text(text) => Ok(text.as_str()),
            XmlNode::Element(_) => Err(PatchError::Operation),
        });
        pieces.collect()
    }
}

fn is_blank(node: &XmlNode) -> bool {
    matches!(node, XmlNode::Text(text) if text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n')))
}

fn element_at<'t>(root: &'t mut XmlTree, way: &[usize]) -> Option<&'t mut XmlTree> {
    way.iter().try_fold(root, |element, place| match element.children.get_mut(*place)? {
        XmlNode::Element(child) => Some(child),
        XmlNode::Text(_) => None,
    })
}

/// The parent of a located element or text, and its place there. The root has none.
fn node_at<'t>(root: &'t mut XmlTree, located: &Located) -> Result<(&'t mut XmlTree, usize), PatchError> {
    let (way, place) = match located.part {
        Part::Text(place) => (located.way.as_slice(), place),
        Part::Element => {
            let (place, way) = located.way.split_last().ok_or(PatchError::Operation)?;
            (way, *place)
        }
        Part::Attribute(..) | Part::Declaration => return Err(PatchError::Operation),
    };
    Ok((element_at(root, way).ok_or(PatchError::Operation)?, place))
}

/// Operations of one document; each looks through the whole copy.
const OPERATIONS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::pidf::{Basic, Presence};

    const LIMITS: XmlLimits = XmlLimits::PRESENCE;

    fn full(version: u32) -> String {
        format!(
            "<p:pidf-full xmlns='urn:ietf:params:xml:ns:pidf' xmlns:p='urn:ietf:params:xml:ns:pidf-diff' \
             xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
             entity='pres:someone@example.com' version='{version}'>\
             <tuple id='a'><status><basic>open</basic></status><contact priority='1.0'>im:a@example.com</contact></tuple>\n\
             <tuple id='b'><status><basic>closed</basic></status></tuple>\
             <note xml:lang='en'>whole</note>\
             <dm:person id='p'><r:activities> <r:on-the-phone/> <r:busy/> </r:activities></dm:person>\
             </p:pidf-full>"
        )
    }

    fn diff(version: u32, operations: &str) -> String {
        format!(
            "<p:pidf-diff xmlns='urn:ietf:params:xml:ns:pidf' xmlns:p='urn:ietf:params:xml:ns:pidf-diff' \
             xmlns:q='urn:ietf:params:xml:ns:pidf:rpid' xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' \
             entity='pres:someone@example.com' version='{version}'>{operations}</p:pidf-diff>"
        )
    }

    fn take(copy: &mut PartialCopy, document: &str) -> Taken {
        copy.take(document.as_bytes(), &LIMITS)
    }

    fn whole_of(taken: &Taken) -> Presence {
        let Taken::Whole(text) = taken else { panic!("{taken:?}") };
        Presence::parse(text.as_bytes(), &LIMITS).unwrap()
    }

    /// A copy at version 1, after these operations.
    fn patched(operations: &str) -> Taken {
        let mut copy = PartialCopy::default();
        whole_of(&take(&mut copy, &full(1)));
        take(&mut copy, &diff(2, operations))
    }

    #[test]
    fn rfc5262_6_the_example_comes_out_as_its_text_has_it() {
        let presence = whole_of(&patched(
            "<p:add sel=\"presence/note\" pos=\"before\"><tuple id=\"c\"><status><basic>open</basic></status></tuple></p:add>\
             <p:replace sel=\"*/tuple[@id='b']/status/basic/text()\">open</p:replace>\
             <p:remove sel=\"*/d:person/q:activities/q:busy\" ws=\"after\"/>\
             <p:replace sel=\"*/tuple[@id='a']/contact/@priority\">0.7</p:replace>",
        ));
        assert_eq!(presence.entity.as_deref(), Some("pres:someone@example.com"));
        let basics: Vec<_> = presence.tuples.iter().map(|tuple| (tuple.id.as_str(), tuple.basic)).collect();
        assert_eq!(basics, [("a", Some(Basic::Open)), ("b", Some(Basic::Open)), ("c", Some(Basic::Open))]);
        let contact = presence.tuples[0].contact.as_ref().unwrap();
        assert_eq!(format!("{:?}", contact.priority.unwrap()), "Priority(700)");
        let activities = format!("{:?}", presence.persons[0]);
        assert!(activities.contains("OnThePhone") && !activities.contains("Busy"), "{activities}");
    }

    #[test]
    fn rfc5261_4_3_nodes_attributes_and_texts_are_added_where_it_is_said() {
        let presence = whole_of(&patched(
            "<p:add sel='presence/note' type='@xml:lang'>fi</p:add><p:add sel='presence/note' pos='prepend'>the </p:add>\
             <p:add sel='*' pos='prepend'><note>first</note></p:add><p:add sel='*/tuple[1]/status' pos='after'>\
             <note>of a</note></p:add><p:add sel='presence' type='namespace::z'>urn:z</p:add>",
        ));
        let notes: Vec<_> = presence.notes.iter().map(|note| (note.language.as_deref(), note.text.as_str())).collect();
        assert_eq!(notes, [(None, "first"), (Some("fi"), "the whole")]);
        assert_eq!(presence.tuples[0].notes[0].text, "of a");
    }

    #[test]
    fn rfc5261_4_5_what_is_removed_is_gone() {
        let presence = whole_of(&patched(
            "<p:remove sel='*/tuple[1]' ws='after'/><p:remove sel='*/note/@xml:lang'/><p:remove sel='*/note/text()'/>\
             <p:remove sel=\"id('p')\"/>",
        ));
        assert_eq!(presence.tuples.len(), 1);
        assert_eq!(
            presence.notes.first().map(|note| (note.language.clone(), note.text.clone())),
            Some((None, String::new()))
        );
        assert!(presence.persons.is_empty());
    }

    #[test]
    fn rfc5261_5_1_what_cannot_be_done_is_an_error_and_costs_the_copy() {
        for (operations, error) in [
            ("<p:remove sel='*/tuple[3]'/>", PatchError::Selector(SelectError::Unlocated)),
            ("<p:remove sel='*/tuple'/>", PatchError::Selector(SelectError::Unlocated)),
            ("<p:remove sel='*/z:tuple'/>", PatchError::Selector(SelectError::Prefix)),
            ("<p:remove sel='//tuple'/>", PatchError::Selector(SelectError::Malformed)),
            ("<p:remove sel='presence'/>", PatchError::Operation),
            ("<p:add sel='presence' pos='after'><note/></p:add>", PatchError::Operation),
            ("<p:add sel='*/note' pos='beside'/>", PatchError::Operation),
            ("<p:replace sel='*/note'>text</p:replace>", PatchError::Operation),
            ("<p:replace sel='*/note/text()'><note/></p:replace>", PatchError::Operation),
            ("<p:remove sel='*/tuple[2]' ws='after'/>", PatchError::Blank),
            ("<p:move sel='*/note'/>", PatchError::Operation),
            ("<add sel='*/note'/>", PatchError::Operation),
            ("<p:add>x</p:add>", PatchError::Operation),
        ] {
            let mut copy = PartialCopy::default();
            take(&mut copy, &full(1));
            assert_eq!(take(&mut copy, &diff(2, operations)), Taken::Failed(error), "{operations}");
            assert_eq!(take(&mut copy, &diff(2, "")), Taken::Gap, "{operations}");
            assert!(matches!(take(&mut copy, &full(3)), Taken::Whole(_)));
        }
        let many = "<p:add sel='*/note'>x</p:add>".repeat(OPERATIONS_MAX + 1);
        assert_eq!(patched(&many), Taken::Failed(PatchError::TooMany));
    }

    #[test]
    fn rfc5263_4_5_versions_tell_what_is_old_and_what_is_missing() {
        let mut copy = PartialCopy::default();
        assert_eq!(take(&mut copy, &diff(1, "")), Taken::Gap);
        assert!(matches!(take(&mut copy, &full(5)), Taken::Whole(_)));
        assert_eq!(take(&mut copy, &full(5)), Taken::Old);
        assert_eq!(take(&mut copy, &diff(4, "")), Taken::Old);
        assert_eq!(take(&mut copy, &diff(7, "")), Taken::Gap);
        assert!(matches!(take(&mut copy, &diff(6, "")), Taken::Whole(_)));
        // Another type comes in between, and the counter goes on.
        copy.forget();
        assert_eq!(take(&mut copy, &full(6)), Taken::Old);
        assert_eq!(take(&mut copy, &diff(7, "")), Taken::Gap);
        assert!(matches!(take(&mut copy, &full(7)), Taken::Whole(_)));
    }

    #[test]
    fn what_is_no_partial_document_is_told() {
        for (document, error) in [
            ("<presence xmlns='urn:ietf:params:xml:ns:pidf'/>", PatchError::Root),
            ("<pidf-full version='1'/>", PatchError::Root),
            ("<pidf-full xmlns='urn:ietf:params:xml:ns:pidf-diff' version='x'/>", PatchError::Version),
            ("<pidf-diff xmlns='urn:ietf:params:xml:ns:pidf-diff'/>", PatchError::Version),
            ("<pidf-full xmlns='urn:ietf:params:xml:ns:pidf-diff'>", PatchError::Xml(XmlError::NotWellFormed)),
        ] {
            assert_eq!(take(&mut PartialCopy::default(), document), Taken::Failed(error), "{document}");
        }
    }
}
