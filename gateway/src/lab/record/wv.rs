//! What WV clients and the gateway said to each other.

use super::{
    Letter, Script,
    cast::{Cast, Kind, bare, text_at},
    quoted,
};
use crate::lab::{
    actor::wv::reading::{HeardTransaction, transactions},
    scenario::seen::Node,
};
use std::collections::{HashMap, HashSet};
use wv_proto::{
    codec::decode,
    limit::Limits,
    version::{ContentType, Encoding, Version},
};

/// What is known of the sessions.
#[derive(Debug, Default)]
pub(super) struct WvRecord {
    variant: Option<(Version, Encoding)>,
    /// Users by their sessions.
    sessions: HashMap<String, String>,
    /// The client whose last message has no answer yet, by how the trace calls it.
    last: HashMap<String, String>,
    /// Names of requests, by client and transaction.
    asked: HashMap<(String, String), String>,
    logged_in: HashSet<String>,
    count: usize,
}

/// A message as far as it can be read.
struct Heard {
    session: Option<String>,
    transactions: Vec<HeardTransaction>,
    version: Version,
    encoding: Encoding,
}

impl WvRecord {
    /// Learns who plays.
    pub(super) fn meet(&mut self, letter: &Letter, cast: &mut Cast) {
        let Some(heard) = heard(letter) else { return };
        let login = heard.transactions.iter().find(|one| one.content.name == "Login-Request");
        let user = login.and_then(|one| text_at(&one.content, "UserID")).or_else(|| Some(letter.peer.clone()));
        let user = user.filter(|user| login.is_some() || user.starts_with("wv:"));
        let Some(user) = user.as_deref().and_then(bare) else { return };
        if letter.is_in {
            cast.meet(Kind::Phone, &user);
            self.last.insert(letter.peer.clone(), user.clone());
            self.variant.get_or_insert((heard.version, heard.encoding));
        }
        let session =
            heard.session.or_else(|| heard.transactions.iter().find_map(|one| text_at(&one.content, "SessionID")));
        if let Some(session) = session {
            self.sessions.entry(session).or_insert(user);
        }
    }

    /// Writes what was said.
    pub(super) fn take(&mut self, letter: &Letter, cast: &Cast, script: &mut Script) {
        let Some(heard) = heard(letter) else { return };
        let of_session = heard.session.as_ref().and_then(|session| self.sessions.get(session));
        let by_name = bare(&letter.peer).or_else(|| self.last.get(&letter.peer).cloned());
        let Some(user) = of_session.cloned().or(by_name) else { return };
        let Some(actor) = cast.find(&user).map(str::to_owned) else { return };
        for transaction in heard.transactions {
            match (letter.is_in, transaction.is_request) {
                (true, true) => self.ask(&actor, &transaction, script),
                (false, false) => self.answer(&actor, &transaction, script),
                (false, true) => tell(&actor, &transaction.content, script),
                // The actor answers by itself.
                (true, false) => {}
            }
        }
    }

    /// `csp 1.2 wbxml`, when any client spoke.
    pub(super) fn variant(&self) -> Option<String> {
        let (version, encoding) = self.variant?;
        let encoding = match encoding {
            Encoding::Xml => "xml",
            Encoding::Wbxml => "wbxml",
        };
        Some(format!("csp {} {encoding}", version.as_str()))
    }

    fn ask(&mut self, actor: &str, transaction: &HeardTransaction, script: &mut Script) {
        match transaction.content.name.as_str() {
            // One direction stands for both steps, and for what is negotiated behind them.
            "Login-Request" => {
                if self.logged_in.insert(actor.to_owned()) {
                    script.direct(format!("{actor} logs in"));
                    script.direct(format!("{actor} receives Login-Response"));
                    script.indent("Result/Code = 200");
                    script.direct(format!("{actor} receives Service-Response"));
                }
                return;
            }
            "Polling-Request" | "ClientCapability-Request" | "Service-Request" => return,
            "Logout-Request" => {
                self.logged_in.remove(actor);
            }
            _ => {}
        }
        self.count = self.count.saturating_add(1);
        let name = format!("r{}", self.count);
        let id = transaction.id.clone().unwrap_or_default();
        if self.asked.insert((actor.to_owned(), id), name.clone()).is_some() {
            // The same transaction again: it was repeated on the way.
            return;
        }
        script.direct(format!("{actor} sends as {name}"));
        script.indent(&xml(&transaction.content));
    }

    fn answer(&mut self, actor: &str, transaction: &HeardTransaction, script: &mut Script) {
        let id = transaction.id.clone().unwrap_or_default();
        let Some(name) = self.asked.get(&(actor.to_owned(), id)) else { return };
        script.direct(format!("{actor} receives {} in {name}", transaction.content.name));
        if let Some(code) = text_at(&transaction.content, "Result/Code") {
            script.indent(&format!("Result/Code = {code}"));
        }
    }
}

/// A request of the gateway, by what tells it from others.
fn tell(actor: &str, content: &Node, script: &mut Script) {
    script.direct(format!("{actor} receives {}", content.name));
    for path in TELLING {
        if let Some(text) = text_at(content, path) {
            script.indent(&format!("{path} = {}", quoted(&text)));
        }
    }
}

fn heard(letter: &Letter) -> Option<Heard> {
    let named = letter.content_type.as_deref().and_then(ContentType::parse);
    let decoded = decode(&letter.octets, named, &Limits::default()).ok()?;
    let all = transactions(&decoded.tree);
    let node = crate::lab::actor::wv::reading::node(decoded.tree.root());
    let session = text_at(&node, "SessionDescriptor/SessionID");
    Some(Heard { session, transactions: all, version: decoded.version, encoding: decoded.encoding })
}

/// An element as XML without namespaces, on one line.
fn xml(node: &Node) -> String {
    let (attributes, children): (Vec<&Node>, Vec<&Node>) =
        node.children.iter().partition(|child| child.name.starts_with('@'));
    let attributes: String = attributes
        .iter()
        .filter(|one| !one.name.starts_with("@xmlns"))
        .map(|one| format!(" {}=\"{}\"", one.name.trim_start_matches('@'), escape(&one.text)))
        .collect();
    let inside: String = children.into_iter().map(xml).collect();
    let name = &node.name;
    match (inside.is_empty(), node.text.is_empty()) {
        (true, true) => format!("<{name}{attributes}/>"),
        _ => format!("<{name}{attributes}>{}{inside}</{name}>", escape(&node.text)),
    }
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    text.replace('\r', "&#13;").replace('\n', "&#10;")
}

/// Paths to what tells requests of the gateway apart.
const TELLING: &[&str] = &[
    "Presence/UserID",
    "OnlineStatus/PresenceValue",
    "UserAvailability/PresenceValue",
    "StatusText/PresenceValue",
    "Sender/User/UserID",
    "ContentData",
    "PresenceAuth-Request/UserID",
];

#[cfg(test)]
mod tests {
    use super::{super::dollars, *};

    #[test]
    fn an_element_is_written_without_namespaces() {
        let node = Node {
            name: "A".to_owned(),
            children: vec![
                Node::leaf("@xmlns", "x"),
                Node::leaf("@k", "1"),
                Node::leaf("B", "<&\n"),
                Node::leaf("C", ""),
            ],
            ..Node::default()
        };
        assert_eq!(xml(&node), "<A k=\"1\"><B>&lt;&amp;</B><C/></A>");
        assert_eq!(escape("a\nb"), "a&#10;b");
        assert_eq!(dollars("5$"), "5$$");
    }
}
