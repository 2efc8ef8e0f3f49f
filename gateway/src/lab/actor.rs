//! The actors of scenarios: they perform acts and tell what they see, without IO, clock or randomness. Whoever hosts one
//! carries its octets: a process with sockets ([`crate::peer`]), or a simulation.

mod fault;
pub mod sip;
pub mod wv;

use super::scenario::{
    seen::Seen,
    stage::{Act, Identity, Role},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sip_proto::{
    message::Message,
    transaction::{
        TransactionId,
        via::{Hop, ResponseTarget},
    },
};
use std::net::SocketAddr;

pub use fault::Faulty;

/// An actor of either side. Contract as for every machine: after each input [`Actor::poll`] until none.
pub trait Actor {
    /// Does something, at a time in milliseconds since it entered.
    fn perform(&mut self, now_ms: u64, act: Act);

    /// Something came over the wire.
    fn receive(&mut self, now_ms: u64, arrival: Arrival);

    /// The next thing to send or to tell.
    fn poll(&mut self) -> Option<Output>;

    /// When [`Actor::expire`] wants to be called.
    fn deadline_ms(&self) -> Option<u64>;

    /// Time has passed.
    fn expire(&mut self, now_ms: u64);
}

/// Who an actor is, and where the gateway is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Casting {
    /// The part.
    pub role: Role,
    /// The user.
    pub identity: Identity,
    /// Where to: an URL for a WV client, `HOST:PORT` for SIP.
    pub server: String,
    /// Where a SIP actor listens; none is a free port.
    pub listen: Option<SocketAddr>,
    /// What tells this actor from all others that ever were, for ClientIDs and the like.
    pub unique: String,
    /// How often a WV client polls; none is often while something is waited for, and ever more slowly then.
    #[serde(default)]
    pub poll_ms: Option<u64>,
    /// Whether it tells every octet that passes.
    #[serde(default)]
    pub captures: bool,
}

/// What comes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "an arrival lives for one step")]
pub enum Arrival {
    /// The answer to the last post: status 200, its Content-Type and its body.
    Answer {
        /// Content-Type.
        content_type: Option<String>,
        /// The body; it may be empty.
        body: Bytes,
    },
    /// The last post was not answered, and why.
    Unanswered(String),
    /// A SIP message.
    Sip {
        /// The message.
        message: Message,
        /// Where it came from.
        hop: Hop,
    },
    /// A SIP message could not be sent.
    Unsent(TransactionId),
}

/// What an actor wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Post this to the CSP server; one post is under way at a time.
    Post {
        /// Content-Type.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// Break the CSP connection; the next post opens another one.
    Cut,
    /// Send a SIP message.
    Sip {
        /// The whole message.
        octets: Bytes,
        /// Where to, and where to if that fails.
        target: ResponseTarget,
        /// To be named when it cannot be sent.
        transaction: Option<TransactionId>,
    },
    /// Tell the runner.
    Seen(Seen),
}

/// Why a casting is impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct CastingError {
    /// The actor.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Casting {
    fn refuse(&self, reason: impl ToString) -> CastingError {
        CastingError { name: self.role.name.clone(), reason: reason.to_string() }
    }
}
