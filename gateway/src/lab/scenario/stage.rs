//! The stage: what a scenario needs of the world in which it is performed.
//!
//! The runner opens a [`Stage`] with what the scenario asks for, lets its actors perform [`Act`]s, and takes what they
//! see with [`Stage::next`], which is also how time passes: in real time over sockets, in virtual time in a simulation.
//! The actors of [`crate::lab::actor`] perform every act without IO, so that a stage only carries octets and time.

use super::seen::{Exchange, Seen};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A place to perform on: real processes and sockets, a simulation, or a laboratory.
pub trait Stage {
    /// Prepares the gateway and lets every actor enter, in the order of the roles. An actor is known by its index from
    /// here on.
    ///
    /// # Errors
    /// When the stage cannot offer what is asked for, or an actor does not come.
    fn open(&mut self, setting: &Setting) -> Result<Vec<Identity>, StageError>;

    /// Lets an actor do something. What comes of it is seen later.
    ///
    /// # Errors
    /// When the actor is gone.
    fn perform(&mut self, actor: usize, act: &Act) -> Result<(), StageError>;

    /// Lets something happen to the gateway, and returns when it has happened.
    ///
    /// # Errors
    /// When it cannot be done on this stage, or the gateway does not come back.
    fn operate(&mut self, order: Order) -> Result<(), StageError>;

    /// The next thing that any actor sees, and which one, or none when this much time has passed without anything.
    ///
    /// # Errors
    /// When an actor or the gateway ended by itself.
    fn next(&mut self, patience: Duration) -> Result<Option<(usize, Seen)>, StageError>;

    /// The time since the stage was opened.
    fn now(&self) -> Duration;
}

/// What a scenario asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// The actors.
    pub roles: Vec<Role>,
    /// The gateway.
    pub gateway: GatewayWish,
}

/// What gateway a scenario needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GatewayWish {
    /// One that other scenarios use at the same time, with limits that suit a laboratory.
    #[default]
    Shared,
    /// One of its own: with these settings (`limits.coalesce_ms`, `0`), to be killed and started again.
    Own(Vec<(String, String)>),
}

/// A part to play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name in the scenario.
    pub name: String,
    /// What it is.
    pub kind: RoleKind,
    /// Index of the role whose user it shares: another device of the same user.
    pub shares_user_of: Option<usize>,
}

/// What an actor is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoleKind {
    /// A WV client, with `1.1`, `1.2` or `1.3` and `xml` or `wbxml`.
    WvClient {
        /// The version of CSP.
        csp: String,
        /// The encoding.
        encoding: String,
    },
    /// A SIP user agent with an account at the gateway's registrar.
    SipAgent {
        /// The transport towards the gateway.
        transport: SipTransport,
    },
    /// A SIMPLE server of a domain of its own, a trusted neighbour of the gateway.
    SimpleServer {
        /// The transport towards the gateway.
        transport: SipTransport,
    },
}

/// How SIP goes over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SipTransport {
    /// Datagrams; what is too large for one goes over a connection.
    #[default]
    Udp,
    /// Connections.
    Tcp,
}

/// Who an actor is on this stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// User and domain without scheme: `alice@wv.example`; for a server any user of its domain will do.
    pub address: String,
    /// The password.
    pub password: String,
}

impl Identity {
    /// A property by its name in scenarios: `$W1.wv`, `$W1.sip`, `$W1.bare`, `$W1.name`, `$W1.domain`.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<String> {
        let (user, domain) = self.address.split_once('@')?;
        match name {
            "wv" | "sip" | "pres" => Some(format!("{name}:{}", self.address)),
            "bare" => Some(self.address.clone()),
            "name" => Some(user.to_owned()),
            "domain" => Some(domain.to_owned()),
            _ => None,
        }
    }
}

/// Something that an actor does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// WV: log in, negotiate capabilities and services. Seen is the last Login-Response.
    LogIn {
        /// The exchange that begins.
        exchange: Exchange,
        /// How the password is proved.
        way: LoginWay,
        /// Inside the session that the client had.
        resumes: bool,
    },
    /// WV: send a request.
    Request {
        /// The exchange that begins.
        exchange: Exchange,
        /// The primitive, as XML without namespaces: `<GetList-Request/>`.
        xml: String,
    },
    /// WV: post octets as they are.
    Post {
        /// The exchange that begins.
        exchange: Exchange,
        /// Content-Type.
        content_type: String,
        /// The body.
        octets: Vec<u8>,
    },
    /// WV: how requests of the server are answered from now on.
    AnswerPrimitives {
        /// The name of the request, such as `NewMessage`.
        primitive: String,
        /// The answer.
        answer: WvAnswer,
    },
    /// WV: send the acknowledgements that were held back.
    Acknowledge,
    /// WV: neither poll nor answer any more, or again.
    Silence(bool),
    /// SIP: send a request.
    Send(SipRequest),
    /// SIP: answer the oldest request that waits for it.
    Answer(SipAnswer),
    /// SIP: how requests of a method are answered from now on.
    AnswerRequests {
        /// The method.
        method: String,
        /// The answer; none waits for [`Act::Answer`].
        answer: Option<SipAnswer>,
    },
    /// The scenario waits for something that this actor is to see: a WV client polls often again.
    Attend,
    /// See all that was sent until now: a WV client polls until nothing is left, a SIP actor asks for OPTIONS. Then
    /// [`Seen::FENCE`] is seen in this exchange.
    Fence(Exchange),
    /// Something happens to what the actor sends or receives.
    Fault(Fault),
}

/// How a password is proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginWay {
    /// In clear.
    TwoWay,
    /// By a digest over a nonce.
    #[default]
    FourWay,
    /// By a digest, with a password that is wrong.
    Wrong,
}

/// How a WV client answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WvAnswer {
    /// As the specification says: `MessageDelivered`, or Status 200.
    Proper,
    /// When [`Act::Acknowledge`] says so.
    Held,
    /// By a Status with this code.
    Code(u16),
}

/// A SIP request; what is not said is filled in: From, To, Call-ID, CSeq, Via, Max-Forwards, Contact, credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipRequest {
    /// The exchange that begins, or the dialog inside which it is sent.
    pub exchange: Option<Exchange>,
    /// Whether the exchange is there already.
    pub is_inside: bool,
    /// The method.
    pub method: String,
    /// Request-URI; none is the remote target of the dialog.
    pub uri: Option<String>,
    /// Header fields; they replace those that are filled in.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether a challenge is left unanswered.
    pub refuses_challenges: bool,
}

/// A SIP answer; what is not said is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipAnswer {
    /// The exchange whose request is answered; none is any.
    pub exchange: Option<Exchange>,
    /// The method of that request; none is any.
    pub method: Option<String>,
    /// The code; none is no answer ever.
    pub status: Option<u16>,
    /// Header fields; they replace those that are filled in.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Something that happens to the next messages of an actor, one transmission each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Whether to what it sends or to what it receives.
    pub way: FaultWay,
    /// What happens.
    pub kind: FaultKind,
    /// To how many messages.
    pub count: u32,
}

/// Which messages a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultWay {
    /// Those from the actor.
    From,
    /// Those to the actor.
    To,
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// It is lost.
    Lose,
    /// It comes twice.
    Duplicate,
    /// It comes this many milliseconds later.
    Delay(u64),
    /// The connection breaks before it.
    Cut,
}

/// Something that happens to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is killed, as `kill -9` does.
    Kill,
    /// It is told to end in order, and has ended.
    Drain,
    /// It is started again on the same data.
    Start,
}

/// Why a stage does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// The stage has no such thing.
    #[error("this stage offers no {0}")]
    NotOffered(String),
    /// An actor is gone.
    #[error("{actor} is gone: {reason}")]
    ActorGone {
        /// Its name.
        actor: String,
        /// Why, as far as it is known.
        reason: String,
    },
    /// The gateway is gone or does not come.
    #[error("the gateway: {0}")]
    Gateway(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_its_names_on_both_sides() {
        let identity = Identity { address: "alice@wv.example".into(), password: "secret".into() };
        let names = ["wv", "sip", "pres", "bare", "name", "domain"].map(|name| identity.property(name).unwrap());
        let expected = [
            "wv:alice@wv.example",
            "sip:alice@wv.example",
            "pres:alice@wv.example",
            "alice@wv.example",
            "alice",
            "wv.example",
        ];
        assert_eq!(names, expected);
        assert_eq!(identity.property("age"), None);
    }
}
