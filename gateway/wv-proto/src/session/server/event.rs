//! What happens to a server session, and what it wants done.

use crate::primitive::identifier::TransactionId;
use crate::primitive::{Envelope, Primitive};
use crate::session::login::Resumption;
use crate::session::negotiation::Negotiated;
use crate::session::poll::{QueueKey, ServerPrimitive};
use crate::session::transaction::{Identity, PostId, Ticket};
use crate::status::StatusCode;

/// A message of the client that names this session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The HTTP exchange, which gets exactly one [`Command::Respond`].
    pub id: PostId,
    /// The octets it came in, for telling resends.
    pub identity: Identity,
    /// The message.
    pub message: Envelope,
}

/// What happens to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message arrived.
    Post(Post),
    /// The owner can send something of its own accord, over a bearer that needs no polls; gets one [`Command::Respond`].
    Push(PostId),
    /// The owner answers a request that [`Command::Execute`] gave it.
    Answer {
        /// The ticket of the request.
        ticket: Ticket,
        /// The answer.
        primitive: Primitive,
    },
    /// The owner wants something sent.
    Enqueue(ServerPrimitive),
    /// The owner takes back what waits under this key.
    Retract(QueueKey),
    /// The owner ends the session with this code, 601 as a rule.
    Disconnect(StatusCode),
    /// A login established the session again.
    Resume(Resumption),
    /// The CIR channel of the session came up or broke.
    CirChannel(CirChannel),
}

/// The state of the CIR channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CirChannel {
    /// It works, or there is none.
    #[default]
    Quiet,
    /// It is agreed and broken: the client is told in every message.
    Broken,
}

/// What a session wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Translate and carry out this request; answer it with [`Event::Answer`].
    Execute {
        /// To be quoted in the answer.
        ticket: Ticket,
        /// The request.
        primitive: Primitive,
    },
    /// Answer the message: with this body, or with an empty one.
    Respond {
        /// The HTTP exchange.
        post: PostId,
        /// The body; none is an empty one.
        answer: Option<Envelope>,
    },
    /// A server-initiated transaction is over.
    Acknowledged {
        /// Its id.
        transaction: TransactionId,
        /// What it was about.
        keys: Vec<QueueKey>,
        /// How it ended.
        answer: Acknowledgement,
    },
    /// The client does not acknowledge this message under any id: it is no longer queued.
    GivenUp(QueueKey),
    /// The queue is full: what is under this key is not queued.
    Shed(QueueKey),
    /// Something waits now; wake the client if it has a CIR channel.
    WakeUp,
    /// Client and server agreed on something.
    Negotiated(Box<Negotiated>),
    /// What a snapshot holds has changed: take one and store it.
    Changed,
    /// The keep-alive time ran out. The session can still be established again.
    Lapsed,
    /// The session is over; nothing but answers to what is under way will come from it.
    Closed(Closing),
}

/// How a server-initiated transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// The client answered with this.
    Answered(Primitive),
    /// The client answered with something that could not be read.
    Unreadable,
    /// The client did not answer, and that counts as delivered.
    Presumed,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closing {
    /// The client logged out.
    LoggedOut,
    /// The client was not heard for the keep-alive time and the grace after it.
    Expired,
    /// The owner ended it, with this code.
    Disconnected(StatusCode),
}

impl Closing {
    /// The code for requests that come later, as long as the session is remembered.
    // WV-OUT-03
    #[must_use]
    pub const fn code(self) -> StatusCode {
        match self {
            Self::LoggedOut => StatusCode::INVALID_SESSION,
            Self::Expired => StatusCode::SESSION_EXPIRED,
            Self::Disconnected(code) => code,
        }
    }
}
