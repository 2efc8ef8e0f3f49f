//! A scenario as it was read.

use super::{
    pattern::Pattern,
    problem::Place,
    stage::{FaultKind, FaultWay, GatewayWish, LoginWay, Order, RoleKind, SipTransport, WvAnswer},
    template::Template,
};
use std::time::Duration;

/// A scenario: who plays, and what they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// One sentence.
    pub title: String,
    /// The cases of the catalogue that it shows.
    pub cases: Vec<String>,
    /// The clauses or rules that it is made from.
    pub clauses: Vec<String>,
    /// Versions and encodings for which it is performed.
    pub variants: Vec<Variant>,
    /// The stages on which it makes sense.
    pub stages: Stages,
    /// The gateway that it needs.
    pub gateway: GatewayWish,
    /// Who plays.
    pub cast: Vec<Part>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A version of CSP and an encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// `1.1`, `1.2` or `1.3`.
    pub csp: String,
    /// `xml` or `wbxml`.
    pub encoding: String,
}

/// The stages on which a scenario makes sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stages {
    /// All of them.
    #[default]
    All,
    /// Only where time costs nothing.
    Simulation,
    /// Only where the peers are processes.
    Sockets,
}

/// A part in the play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// Index of the part whose user it shares.
    pub shares_user_of: Option<usize>,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A WV client of a version and encoding, or of those of the variant.
    WvClient(Option<Variant>),
    /// A SIP user agent.
    SipAgent(SipTransport),
    /// A SIMPLE server.
    SimpleServer(SipTransport),
}

/// One direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// The line, for messages.
    pub text: String,
    /// Whether the scenario is inconclusive, and not failed, when it does not happen.
    pub is_given: bool,
    /// The versions of CSP for which it holds; none is all.
    pub versions: Option<Vec<String>>,
    /// What is to happen.
    pub direction: Direction,
}

/// What is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// An actor does something.
    Do(usize, Deed),
    /// An actor has to see something.
    Expect(Expectation),
    /// An actor must not have seen anything of the kind by now.
    Absent {
        /// Who.
        actor: usize,
        /// What.
        pattern: Pattern,
        /// For how long it must not come, beyond what is under way.
        during: Option<Duration>,
    },
    /// A variable gets a value.
    Let(String, Template),
    /// Time passes.
    Pass(Duration),
    /// Something happens to the gateway.
    Operate(Order),
}

/// An actor has to see something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Who.
    pub actor: usize,
    /// What.
    pub pattern: Pattern,
    /// The name that its exchange gets.
    pub name: Option<String>,
    /// The time in which it has to come, from this step on.
    pub within: Option<Duration>,
    /// The time in which it must not come yet, from this step on.
    pub not_before: Option<Duration>,
    /// Whether it has to be the first message of this name that was not waited for yet.
    pub is_next: bool,
}

/// Something that an actor does, with variables still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the acts of the stage, in the same order")]
pub enum Deed {
    LogIn { name: Option<String>, way: LoginWay, resumes: bool },
    Request { name: Option<String>, xml: Template },
    Post { name: Option<String>, content_type: String, body: Template },
    AnswerPrimitives { primitive: String, answer: WvAnswer },
    Acknowledge,
    Silence(bool),
    Send(SendDeed),
    Answer(AnswerDeed),
    AnswerRequests { method: String, answer: Option<AnswerDeed> },
    Fault { way: FaultWay, kind: FaultKind, count: u32 },
}

/// A SIP request to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendDeed {
    /// The name that its exchange gets.
    pub name: Option<String>,
    /// The name of the dialog in which it is sent.
    pub inside: Option<String>,
    /// The method.
    pub method: String,
    /// Request-URI.
    pub uri: Option<Template>,
    /// Header fields.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Option<Template>,
    /// Whether a challenge is left unanswered.
    pub refuses_challenges: bool,
}

/// A SIP answer to give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerDeed {
    /// The name of the exchange.
    pub inside: Option<String>,
    /// The method that is answered.
    pub method: Option<String>,
    /// The code; none is no answer ever.
    pub status: Option<Template>,
    /// Header fields.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Option<Template>,
}

impl Variant {
    /// The role that a part is in this variant.
    #[must_use]
    pub fn role_kind(&self, kind: &PartKind) -> RoleKind {
        match kind {
            PartKind::WvClient(own) => {
                let Self { csp, encoding } = own.as_ref().unwrap_or(self).clone();
                RoleKind::WvClient { csp, encoding }
            }
            PartKind::SipAgent(transport) => RoleKind::SipAgent { transport: *transport },
            PartKind::SimpleServer(transport) => RoleKind::SimpleServer { transport: *transport },
        }
    }
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "csp {} {}", self.csp, self.encoding)
    }
}
