//! What SIP agents, SIMPLE servers and the gateway said to each other.

use super::{
    Letter, Script,
    cast::{Cast, Kind, bare, text_at},
    dollars, quoted,
};
use crate::lab::{actor::sip::reading, scenario::seen::Node};
use sip_proto::{
    limit::Limits,
    message::{
        Message,
        framer::{Parsed, parse_datagram},
        validate::validate,
    },
};
use std::collections::{HashMap, HashSet};

/// What is known of the exchanges.
#[derive(Debug, Default)]
pub(super) struct SipRecord {
    /// Users who registered.
    registered: HashSet<String>,
    /// By Call-ID.
    exchanges: HashMap<String, Exchange>,
    /// What came already: the same again was sent again on the way.
    known: HashSet<String>,
    /// Variables that hold entity tags.
    tags: HashMap<String, String>,
    count: usize,
}

/// What belongs to a Call-ID.
#[derive(Clone, Debug)]
struct Exchange {
    name: String,
    actor: String,
    /// Whether the next request of the actor only answers a challenge.
    is_challenged: bool,
}

/// A message as far as it is needed.
struct Heard {
    is_request: bool,
    /// The method, of a response that of its request.
    method: String,
    call_id: String,
    node: Node,
    /// Tells it from all but its repetitions.
    identity: String,
}

impl SipRecord {
    /// Learns who plays.
    pub(super) fn meet(&mut self, letter: &Letter, cast: &mut Cast) {
        let Some(heard) = heard(letter).filter(|heard| heard.is_request) else { return };
        let Some(far) = far_end(&heard, letter.is_in) else { return };
        if heard.method == "REGISTER" && letter.is_in {
            self.registered.insert(far.clone());
        }
        let kind = if self.registered.contains(&far) { Kind::Agent } else { Kind::Server };
        cast.meet(kind, &far);
    }

    /// Writes what was said.
    pub(super) fn take(&mut self, letter: &Letter, cast: &Cast, script: &mut Script) {
        let Some(heard) = heard(letter) else { return };
        let repeated = !self.known.insert(format!("{} {}", letter.is_in, heard.identity));
        if repeated || heard.method == "OPTIONS" {
            return;
        }
        match (heard.is_request, letter.is_in) {
            (true, true) => self.send(&heard, cast, script),
            (true, false) => self.receive(&heard, cast, script),
            (false, true) => self.answer(&heard, cast, script),
            (false, false) => self.be_answered(&heard, script),
        }
    }

    /// An actor sent a request.
    fn send(&mut self, heard: &Heard, cast: &Cast, script: &mut Script) {
        let known = self.exchanges.get_mut(&heard.call_id);
        if let Some(exchange) = known {
            if std::mem::take(&mut exchange.is_challenged) {
                return;
            }
            // In a dialog; a registration or publication is told by its URI every time.
            if !matches!(heard.method.as_str(), "REGISTER" | "PUBLISH" | "MESSAGE") {
                script.direct(format!("{} sends {} in {}", exchange.actor, heard.method, exchange.name));
                return self.fields(heard, script);
            }
        }
        let Some(actor) = far_end(heard, true).and_then(|far| cast.find(&far).map(str::to_owned)) else { return };
        let Some(uri) = text_at(&heard.node, "uri") else { return };
        let name = self.begin(heard, &actor);
        let uri = dollars(uri.split(';').next().unwrap_or_default());
        let uri = if heard.method == "REGISTER" { format!("sip:${actor}.domain") } else { uri };
        script.direct(format!("{actor} sends {} to {uri} as {name}", heard.method));
        self.fields(heard, script);
    }

    /// The gateway sent a request.
    fn receive(&mut self, heard: &Heard, cast: &Cast, script: &mut Script) {
        let line = match self.exchanges.get(&heard.call_id) {
            Some(exchange) => format!("{} receives {} in {}", exchange.actor, heard.method, exchange.name),
            None => {
                let Some(actor) = far_end(heard, false).and_then(|far| cast.find(&far).map(str::to_owned)) else {
                    return;
                };
                let name = self.begin(heard, &actor);
                format!("{actor} receives {} as {name}", heard.method)
            }
        };
        script.direct(line);
        if let Some(state) = text_at(&heard.node, "Subscription-State") {
            script.indent(&format!("Subscription-State ~ {}*", state.split(';').next().unwrap_or_default()));
        }
        if heard.method == "MESSAGE" {
            if let Some(text) = text_at(&heard.node, "body") {
                script.indent(&format!("body = {}", quoted(&text)));
            }
            return;
        }
        for path in ["tuple/status/basic", "tuple/note", "person/note"] {
            if let Some(text) = text_at(&heard.node, path) {
                script.indent(&format!("{path} = {}", quoted(&text)));
            }
        }
    }

    /// An actor answered.
    fn answer(&mut self, heard: &Heard, cast: &Cast, script: &mut Script) {
        let Some(Exchange { name, actor, .. }) = self.exchanges.get(&heard.call_id).cloned() else { return };
        let code = &heard.node.name;
        let waits = cast.kind(&actor) == Some(Kind::Server)
            && matches!(heard.method.as_str(), "SUBSCRIBE" | "PUBLISH" | "REGISTER");
        if waits {
            script.direct(format!("{actor} answers {} in {name} with {code}", heard.method));
            for field in ["Expires", "SIP-ETag", "Retry-After", "Min-Expires"] {
                if let Some(value) = text_at(&heard.node, field) {
                    script.indent(&format!("{field}: {value}"));
                }
            }
        } else if code != "200" {
            script
                .lines
                .push(format!("# Here {actor} answered {} with {code}; an order for it belongs above.", heard.method));
        }
    }

    /// The gateway answered.
    fn be_answered(&mut self, heard: &Heard, script: &mut Script) {
        let Some(exchange) = self.exchanges.get_mut(&heard.call_id) else { return };
        let code = &heard.node.name;
        if matches!(code.as_str(), "401" | "407") {
            exchange.is_challenged = true;
            return;
        }
        script.direct(format!("{} receives {code} to {} in {}", exchange.actor, heard.method, exchange.name));
        if let Some(tag) = text_at(&heard.node, "SIP-ETag") {
            let variable = format!("tag{}", self.tags.len());
            script.indent_as_it_is(&format!("SIP-ETag as ${variable}"));
            self.tags.insert(tag, variable);
        }
    }

    fn begin(&mut self, heard: &Heard, actor: &str) -> String {
        self.count = self.count.saturating_add(1);
        let name = format!("x{}", self.count);
        let exchange = Exchange { name: name.clone(), actor: actor.to_owned(), is_challenged: false };
        self.exchanges.insert(heard.call_id.clone(), exchange);
        name
    }

    /// The header fields that say what the request wants, and its body.
    fn fields(&self, heard: &Heard, script: &mut Script) {
        for field in FIELDS {
            let Some(value) = text_at(&heard.node, field) else { continue };
            match self.tags.get(&value).filter(|_| *field == "SIP-If-Match") {
                Some(variable) => script.indent_as_it_is(&format!("{field}: ${variable}")),
                None => script.indent(&format!("{field}: {value}")),
            }
        }
        if let Some(body) = text_at(&heard.node, "body") {
            script.body(&body);
        }
    }
}

fn heard(letter: &Letter) -> Option<Heard> {
    let Ok(Parsed::Message(message)) = parse_datagram(&letter.octets, &Limits::default()) else { return None };
    let message = validate(message).ok()?;
    let (is_request, node) = match &message {
        Message::Request(request) => (true, reading::request(request)),
        Message::Response(response) => (false, reading::response(response)),
    };
    let sequence = text_at(&node, "CSeq")?;
    let call_id = text_at(&node, "Call-ID")?;
    let method = sequence.split_whitespace().nth(1)?.to_owned();
    let identity = format!("{} {call_id} {sequence}", node.name);
    Some(Heard { is_request, method, call_id, node, identity })
}

/// The user who sent a request to the gateway, or to whom it went.
fn far_end(heard: &Heard, is_in: bool) -> Option<String> {
    let field = if is_in { "From" } else { "To" };
    text_at(&heard.node, field).as_deref().and_then(bare)
}

/// Header fields that say what a request wants; the actor fills in the rest.
const FIELDS: &[&str] =
    &["Event", "Expires", "Accept", "SIP-If-Match", "Subscription-State", "Content-Type", "Require", "Supported"];
