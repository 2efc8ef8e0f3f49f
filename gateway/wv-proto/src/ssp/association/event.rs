//! What an association is told, and what it wants done.

use crate::{
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    session::time::Timestamp,
    ssp::{
        document::{Document, SessionMessage, SetupMessage, Unreadable},
        primitive::Primitive,
        transaction::Failure,
    },
};
use bytes::Bytes;

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The owner wants something of the peer. A [`Command::Finished`] follows.
    Request(Request),
    /// The owner answers what it executed.
    Answer {
        /// What it executed.
        transaction_id: TransactionId,
        /// The answer.
        primitive: Primitive,
    },
    /// The peer posted a step of a set-up.
    Setup {
        /// The owner's name for the post.
        post: u64,
        /// The step.
        message: SetupMessage,
    },
    /// The peer posted transactions.
    Message {
        /// The owner's name for the post.
        post: u64,
        /// The transactions.
        message: SessionMessage,
        /// A hash of the octets, by which a repetition is told from another transaction of the same id.
        hash: u64,
    },
    /// What became of a post of ours.
    Posted {
        /// Which.
        number: u64,
        /// What.
        result: PostResult,
    },
    /// Everything under way ends, because the peer is no peer any more. Last words may follow, as long as there is a
    /// session.
    Leave,
    /// Everything ends.
    Forget,
}

/// What became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostResult {
    /// Any 2xx.
    Taken,
    /// 400.
    BadRequest,
    /// Any other status.
    Refused,
    /// The connection was closed without an answer, or nothing came in time.
    Unanswered,
    /// There was no connection.
    Unreachable,
}

/// Something that is wanted of the peer.
#[derive(Clone, Debug)]
pub struct Request {
    /// The owner's name for it.
    pub key: u64,
    /// What makes it the same when it is asked for once more; none where it never is.
    pub name: Option<Box<str>>,
    /// Requests of one line go one after the other.
    pub line: Option<Box<str>>,
    /// Whether it takes the place of those of its line that have not left.
    pub replaces: bool,
    /// Whether it survives a restart.
    pub is_kept: bool,
    /// Whether it fails with the first set-up that does.
    pub is_impatient: bool,
    /// When it is of no use any more.
    pub expires: Timestamp,
    /// The primitive.
    pub primitive: Primitive,
}

/// What to do. What is to be kept is kept before anything else of the same turn leaves.
#[derive(Clone, Debug)]
pub enum Command {
    /// Post a document to the peer.
    Post {
        /// To be quoted in [`Event::Posted`].
        number: u64,
        /// What.
        document: Box<Document>,
        /// The header x-wv-transactionid.
        transaction_header: Option<TransactionId>,
        /// The header x-wv-sessionid.
        session_header: Option<SessionId>,
    },
    /// Answer a post of the peer with 200 and nothing in it.
    Take {
        /// Which.
        post: u64,
    },
    /// Close the connection of a post of the peer without an answer.
    Close {
        /// Which.
        post: u64,
    },
    /// Do what the peer wants; an [`Event::Answer`] follows where that is due.
    Execute {
        /// The id to be quoted.
        transaction_id: TransactionId,
        /// What.
        content: Result<Primitive, Unreadable>,
    },
    /// A request has come to its end. Without a primitive nothing was answered, or nothing that can be read.
    Finished {
        /// Which.
        key: u64,
        /// How.
        result: Result<Option<Primitive>, Failure>,
    },
    /// A request was asked for once more under another key, or has been replaced: nothing more is told under this one.
    Superseded {
        /// Which.
        key: u64,
    },
    /// Keep this.
    Keep(Kept),
    /// A session is there.
    Opened,
    /// No session is there any more.
    Lost,
    /// A set-up failed.
    SetupFailed {
        /// Whether it was begun here.
        is_opened_here: bool,
        /// Whether the peer refused even the first call-back.
        is_call_back: bool,
    },
}

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The association without its transactions.
    Association(Bytes),
    /// A transaction, or that it is over.
    Transaction {
        /// Its id.
        transaction_id: TransactionId,
        /// The transaction.
        body: Option<Bytes>,
    },
}

/// What a post of ours was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PostPurpose {
    /// A step of a set-up of ours.
    Opening(u8),
    /// A step of a set-up of the peer.
    Answering(u8),
    /// Step 6 of the session with this id of ours.
    LastStep(SessionId),
    /// Transactions, in the session with this id of ours.
    Transactions { ids: Vec<TransactionId>, kind: PostKind, own: SessionId },
}

/// What is in a post of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostKind {
    /// One request.
    Request,
    /// One answer that goes by itself.
    Answer,
    /// One answer or several, of those that gather.
    Gathered,
}

impl PostKind {
    pub(super) const fn mode(self) -> TransactionMode {
        match self {
            Self::Request => TransactionMode::Request,
            Self::Answer | Self::Gathered => TransactionMode::Response,
        }
    }
}
