//! What an actor saw: a message of either protocol as a tree of names and texts.

use serde::{Deserialize, Serialize};

/// A message that an actor received or sent, or something that it tells about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Which way it went.
    pub way: Way,
    /// The exchange that it belongs to: a SIP Call-ID or a CSP transaction. The runner chooses the numbers of exchanges
    /// that it begins; those that the gateway begins are numbered by the actor, from [`Exchange::OF_ACTOR`] on.
    pub exchange: Exchange,
    /// The name of the request that it answers, when it is an answer.
    pub answers: Option<String>,
    /// The message. The name of its root is what a scenario calls it: `NOTIFY`, `200`, `PresenceAuth-Request`.
    pub message: Node,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// The actor received it.
    Received,
    /// The actor sent it. Only the ladder shows it.
    Sent,
    /// The actor tells something about itself that is no message, see [`Seen::told`].
    Told,
}

/// The number of an exchange, unique for its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Exchange(pub u64);

/// A name, a text and what is inside.
///
/// A CSP primitive has the elements of its specification. A SIP message has its header fields by their long names (one
/// node for each), `uri` or `reason` for what its first line says, and `body`: with the elements of an XML document,
/// local names without prefixes, attributes as `@name`, or with the text of any other body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The name.
    pub name: String,
    /// The own text, without the blanks around it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What is inside, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

impl Seen {
    /// Something that the actor tells about itself: [`Seen::FENCE`], [`Seen::LOST`] or [`Seen::REFUSED`].
    #[must_use]
    pub fn told(exchange: Exchange, what: &str, why: &str) -> Self {
        Self { way: Way::Told, exchange, answers: None, message: Node::leaf(what, why) }
    }

    /// Everything that the gateway had sent before an [`super::stage::Act::Fence`] has been seen.
    pub const FENCE: &'static str = "fence";
    /// A request got no answer: the connection broke, or nothing came in the time of the protocol.
    pub const LOST: &'static str = "lost";
    /// The actor cannot do what it was told, and why.
    pub const REFUSED: &'static str = "refused";
}

impl Exchange {
    /// The first number that an actor gives by itself.
    pub const OF_ACTOR: Self = Self(1 << 32);
}

impl Node {
    /// A node without children.
    #[must_use]
    pub fn leaf(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.trim().to_owned(), children: Vec::new() }
    }

    /// All nodes inside, this one left out, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = &Self> {
        let mut open: Vec<&Self> = self.children.iter().rev().collect();
        std::iter::from_fn(move || {
            let node = open.pop()?;
            open.extend(node.children.iter().rev());
            Some(node)
        })
    }

    /// The nodes that a path leads to: `.` is this one; else its first name may be anywhere inside, each further one directly in the one before.
    #[must_use]
    pub fn find(&self, path: &str) -> Vec<&Self> {
        if path == "." {
            return vec![self];
        }
        let mut names = path.split('/');
        let first = names.next().unwrap_or_default();
        let start: Vec<&Self> = self.descendants().filter(|node| node.is_named(first)).collect();
        names.fold(start, |found, name| {
            found.into_iter().flat_map(|node| &node.children).filter(|node| node.is_named(name)).collect()
        })
    }

    /// Names of elements tell cases apart, those of header fields do not.
    fn is_named(&self, name: &str) -> bool {
        name == "*" || self.name == name || (self.children.is_empty() && self.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(basic: &str) -> Node {
        let status = Node { name: "status".into(), children: vec![Node::leaf("basic", basic)], ..Node::default() };
        Node { name: "tuple".into(), children: vec![status], ..Node::default() }
    }

    #[test]
    fn a_path_begins_anywhere_and_goes_down_step_by_step() {
        let body = Node { name: "body".into(), children: vec![tuple("open"), tuple("closed")], ..Node::default() };
        let message =
            Node { name: "NOTIFY".into(), children: vec![Node::leaf("Event", " presence "), body], ..Node::default() };
        let texts = |path| message.find(path).iter().map(|node| node.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts("tuple/status/basic"), ["open", "closed"]);
        assert_eq!(texts("tuple/*/basic"), ["open", "closed"]);
        assert_eq!(texts("event"), ["presence"]);
        assert!(texts("tuple/basic").is_empty());
        assert!(texts("NOTIFY").is_empty(), "the root is not inside itself");
    }

    #[test]
    fn what_was_seen_travels_as_json() {
        let seen = Seen {
            way: Way::Received,
            exchange: Exchange(7),
            answers: Some("SUBSCRIBE".into()),
            message: Node { name: "200".into(), children: vec![Node::leaf("Expires", "600")], ..Node::default() },
        };
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
    }
}
