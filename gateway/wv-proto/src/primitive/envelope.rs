//! The transport message around the primitives: session, transactions, flags.

use crate::primitive::identifier::{SessionId, TransactionId};
use crate::primitive::{Primitive, PrimitiveName};
use crate::schema::ElementName;
use crate::status::StatusCode;

/// One transport message: what one HTTP body holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Which session it belongs to.
    pub session: SessionDescriptor,
    /// Its transactions, at least one.
    pub transactions: Vec<Transaction>,
    /// Poll: more primitives wait, poll at once. Read in both places, written where the version has it.
    pub poll: Option<bool>,
    /// CIR flag (1.2, 1.3).
    pub cir: Option<bool>,
}

impl Envelope {
    /// A message of one transaction without flags.
    #[must_use]
    pub fn new(session: SessionDescriptor, transaction: Transaction) -> Self {
        Self { session, transactions: vec![transaction], poll: None, cir: None }
    }

    /// The same message with the Poll flag.
    #[must_use]
    pub fn with_poll(mut self, poll: bool) -> Self {
        self.poll = Some(poll);
        self
    }
}

/// SessionDescriptor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SessionDescriptor {
    /// Within this session.
    Inband(SessionId),
    /// Without a session. A message that says `Inband` and names no session is read as this.
    Outband,
}

/// Transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Who began it.
    pub mode: TransactionMode,
    /// TransactionID; an empty one counts as none (WV-POLL-01).
    pub id: Option<TransactionId>,
    /// The primitive, or why there is none.
    pub content: Result<Primitive, Malformed>,
}

impl Transaction {
    /// A request.
    #[must_use]
    pub const fn request(id: Option<TransactionId>, primitive: Primitive) -> Self {
        Self { mode: TransactionMode::Request, id, content: Ok(primitive) }
    }

    /// A response.
    #[must_use]
    pub const fn response(id: Option<TransactionId>, primitive: Primitive) -> Self {
        Self { mode: TransactionMode::Response, id, content: Ok(primitive) }
    }

    /// The name of the primitive, readable or not.
    #[must_use]
    pub fn name(&self) -> Option<PrimitiveName> {
        match &self.content {
            Ok(primitive) => Some(primitive.name()),
            Err(malformed) => malformed.name.clone(),
        }
    }
}

/// TransactionMode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionMode {
    /// The sender began the transaction.
    Request,
    /// The sender answers.
    Response,
}

/// A primitive that cannot be understood; its transaction can still be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {}: {reason}", name.as_ref().map_or("transaction", PrimitiveName::as_str))]
pub struct Malformed {
    /// Its name, if there was one.
    pub name: Option<PrimitiveName>,
    /// What is wrong with it.
    pub reason: MalformedReason,
}

impl Malformed {
    /// The code with which the peer is answered.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self.reason {
            MalformedReason::MissingPrimitive | MalformedReason::Missing(_) => StatusCode::BAD_REQUEST,
            MalformedReason::BadValue(_) => StatusCode::BAD_PARAMETER,
        }
    }
}

/// What is wrong with a primitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedReason {
    /// TransactionContent holds no primitive.
    #[error("there is no primitive")]
    MissingPrimitive,
    /// An element is missing without which the primitive means nothing.
    #[error("{0} is missing")]
    Missing(ElementName),
    /// An element holds a value that cannot be what it is meant to be.
    #[error("{0} has an impossible value")]
    BadValue(ElementName),
}

/// A message whose envelope cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The root is not WV-CSP-Message.
    #[error("the root element is {0}, not WV-CSP-Message")]
    NotAMessage(Box<str>),
    /// There is no Session.
    #[error("the message has no Session")]
    MissingSession,
    /// There is no Transaction.
    #[error("the message has no Transaction")]
    MissingTransaction,
    /// There are more transactions than may be in one message.
    #[error("the message has more than {0} transactions")]
    TooManyTransactions(usize),
}
