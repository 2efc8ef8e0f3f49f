//! The actors of scenarios: they perform acts and tell what they see, without IO, clock or randomness. Whoever hosts one
//! carries its octets: a process with sockets ([`crate::peer`]), or a simulation.

use super::scenario::{seen::Seen, stage::Act};
use bytes::Bytes;

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

/// What comes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A SIP message, over a datagram or out of a stream.
    Sip {
        /// The whole message.
        octets: Bytes,
        /// Where it came from.
        way: SipWay,
    },
    /// A SIP message could not be sent.
    Unsent {
        /// The number that [`Output::Sip`] gave.
        number: u64,
    },
}

/// What an actor wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Post this to the CSP server; one post is under way at a time.
    Post {
        /// Content-Type.
        content_type: &'static str,
        /// The body.
        body: Bytes,
    },
    /// Break the CSP connection; the next post opens another one.
    Cut,
    /// Send a SIP message.
    Sip {
        /// The whole message.
        octets: Bytes,
        /// Where to.
        way: SipWay,
        /// To be named when it cannot be sent.
        number: u64,
    },
    /// Tell the runner.
    Seen(Seen),
}

/// The way of a SIP message: a datagram, or a connection, with the far address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipWay {
    /// Whether over a connection.
    pub is_stream: bool,
    /// The far end.
    pub address: std::net::SocketAddr,
}
