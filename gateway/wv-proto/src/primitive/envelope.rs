//! The transport message around the primitives: session, transactions, flags.

use crate::codec::sink::Sink;
use crate::codec::tree::{Element, Tree};
use crate::codec::{Writer, WriterOptions};
use crate::error::WriteError;
use crate::primitive::field::Part;
use crate::primitive::identifier::{SessionId, TransactionId};
use crate::primitive::segment::SegmentInfo;
use crate::primitive::{Primitive, PrimitiveName};
use crate::schema::{ElementName, element};
use crate::status::StatusCode;
use crate::version::{Encoding, Version};
use bytes::Bytes;
use std::sync::Arc;

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
    /// SegmentInfo: what is here is a slice of a transaction (1.3).
    pub segment: Option<SegmentInfo>,
    /// The primitive, or why there is none.
    pub content: Result<Primitive, Malformed>,
}

impl Transaction {
    /// A request.
    #[must_use]
    pub const fn request(id: Option<TransactionId>, primitive: Primitive) -> Self {
        Self { mode: TransactionMode::Request, id, segment: None, content: Ok(primitive) }
    }

    /// A response.
    #[must_use]
    pub const fn response(id: Option<TransactionId>, primitive: Primitive) -> Self {
        Self { mode: TransactionMode::Response, id, segment: None, content: Ok(primitive) }
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
    // WV-PRM-12
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self.reason {
            MalformedReason::MissingPrimitive | MalformedReason::Missing(element::MESSAGE_INFO | element::RESULT) => {
                StatusCode::BAD_REQUEST
            }
            MalformedReason::Missing(_) | MalformedReason::BadValue(_) => StatusCode::BAD_PARAMETER,
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
#[error("{fault}")]
pub struct EnvelopeError {
    /// Which session it belongs to, as far as that can be read, so that it can be answered there.
    pub session: SessionDescriptor,
    /// What is wrong with it.
    pub fault: EnvelopeFault,
}

/// What is wrong with an envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The root is not WV-CSP-Message.
    #[error("the root element is {0}, not WV-CSP-Message")]
    NotAMessage(Box<str>),
    /// There is no Session.
    #[error("the message has no Session")]
    MissingSession,
    /// There is no Transaction.
    #[error("the message has no Transaction")]
    MissingTransaction,
    /// There are more than [`Envelope::TRANSACTIONS_MAX`] transactions.
    #[error("the message has too many transactions")]
    TooManyTransactions,
}

/// Why a message cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A transaction holds a primitive that could not be read, so there is nothing to write.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The encoding refuses it.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Envelope {
    /// Transactions of one message, at most. Clients agree on a handful with MultiTransPerMessage.
    pub const TRANSACTIONS_MAX: usize = 64;

    /// Reads a message. A primitive that makes no sense is an error of its transaction, not of the message.
    ///
    /// # Errors
    /// See [`EnvelopeFault`].
    pub fn decode(tree: &Tree<'_>) -> Result<Self, EnvelopeError> {
        let root = tree.root();
        let fail = |session, fault| Err(EnvelopeError { session, fault });
        if !root.is(element::WV_CSP_MESSAGE) {
            return fail(SessionDescriptor::Outband, EnvelopeFault::NotAMessage(root.local_name().into()));
        }
        let Some(body) = root.child(element::SESSION) else {
            return fail(SessionDescriptor::Outband, EnvelopeFault::MissingSession);
        };
        let session = SessionDescriptor::read_in(body);
        match body.children_named(element::TRANSACTION).take(Self::TRANSACTIONS_MAX.saturating_add(1)).count() {
            0 => return fail(session, EnvelopeFault::MissingTransaction),
            count if count > Self::TRANSACTIONS_MAX => return fail(session, EnvelopeFault::TooManyTransactions),
            _ => {}
        }
        // WV-PRM-02
        let descriptors =
            body.children_named(element::TRANSACTION).filter_map(|child| child.child(element::TRANSACTION_DESCRIPTOR));
        let polls = std::iter::once(body).chain(descriptors).filter_map(|place| read_flag(place, element::POLL));
        Ok(Self {
            session,
            poll: polls.reduce(|one, other| one || other),
            cir: read_flag(body, element::CIR),
            transactions: body.children_named(element::TRANSACTION).map(Transaction::read).collect(),
        })
    }

    /// The octets of the message in that version and encoding.
    ///
    /// # Errors
    /// When a transaction holds no primitive, or a text that the encoding cannot hold.
    pub fn encode(&self, version: Version, encoding: Encoding, options: WriterOptions) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new(version, encoding, options);
        self.write(&mut writer)?;
        Ok(Bytes::from(writer.finish()?))
    }

    /// Writes the message in the version of the sink.
    ///
    /// # Errors
    /// When a transaction holds no primitive. What the sink refuses it says itself when it is finished.
    pub fn write(&self, sink: &mut dyn Sink) -> Result<(), EncodeError> {
        let version = sink.version();
        sink.open_with_namespace(element::WV_CSP_MESSAGE, version.message_namespace());
        sink.open(element::SESSION);
        self.session.write(sink);
        // WV-PRM-02
        for transaction in &self.transactions {
            let poll = if version == Version::V1_1 { self.poll } else { None };
            transaction.write(poll, sink)?;
        }
        if version >= Version::V1_2 {
            sink.maybe_flag(element::POLL, self.poll);
            sink.maybe_flag(element::CIR, self.cir);
        }
        sink.close();
        sink.close();
        Ok(())
    }
}

/// A flag of the envelope; one that cannot be read is taken for none.
fn read_flag(element: Element<'_, '_>, name: ElementName) -> Option<bool> {
    element.child(name)?.boolean().ok()
}

impl SessionDescriptor {
    fn read_in(session: Element<'_, '_>) -> Self {
        let Some(descriptor) = session.child(element::SESSION_DESCRIPTOR) else { return Self::Outband };
        let is_outband =
            descriptor.text_of(element::SESSION_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("Outband"));
        match descriptor.text_into::<Arc<str>>(element::SESSION_ID) {
            // WV-PRM-10
            Some(session_id) if !is_outband => Self::Inband(SessionId::new(session_id)),
            _ => Self::Outband,
        }
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SESSION_DESCRIPTOR);
        match self {
            Self::Inband(session_id) => {
                sink.leaf_text(element::SESSION_TYPE, "Inband");
                sink.leaf_text(element::SESSION_ID, session_id.as_str());
            }
            Self::Outband => sink.leaf_text(element::SESSION_TYPE, "Outband"),
        }
        sink.close();
    }
}

impl Transaction {
    fn read(transaction: Element<'_, '_>) -> Self {
        let content =
            match transaction.child(element::TRANSACTION_CONTENT).and_then(|content| content.children().next()) {
                Some(primitive) => Primitive::read(primitive),
                None => Err(Malformed { name: None, reason: MalformedReason::MissingPrimitive }),
            };
        let descriptor = transaction.child(element::TRANSACTION_DESCRIPTOR);
        let mode = descriptor.and_then(|descriptor| descriptor.text_of(element::TRANSACTION_MODE));
        // WV-POLL-01
        let id = descriptor.and_then(|descriptor| descriptor.text_into::<Arc<str>>(element::TRANSACTION_ID));
        let id = id.map(TransactionId::new);
        // A description of slices that makes no sense is none.
        let segment = descriptor.and_then(|descriptor| descriptor.part_of(element::SEGMENT_INFO).ok().flatten());
        let mut read = Self { mode: TransactionMode::Request, id, segment, content };
        read.mode = mode.and_then(|mode| TransactionMode::parse(&mode)).unwrap_or_else(|| read.likely_mode());
        read
    }

    /// The mode that the name of the primitive suggests.
    fn likely_mode(&self) -> TransactionMode {
        match self.name() {
            Some(PrimitiveName::Known(element::STATUS | element::MESSAGE_DELIVERED)) => TransactionMode::Response,
            Some(name) if name.as_str().ends_with("-Response") => TransactionMode::Response,
            Some(_) | None => TransactionMode::Request,
        }
    }

    fn write(&self, poll: Option<bool>, sink: &mut dyn Sink) -> Result<(), EncodeError> {
        let primitive = self.content.as_ref().map_err(Clone::clone)?;
        sink.open(element::TRANSACTION);
        sink.open(element::TRANSACTION_DESCRIPTOR);
        sink.leaf_text(element::TRANSACTION_MODE, self.mode.as_str());
        match &self.id {
            Some(id) => sink.leaf_text(element::TRANSACTION_ID, id.as_str()),
            // Mandatory from 1.2 on, so that a poll says that it has none.
            None if sink.version() >= Version::V1_2 => sink.empty(element::TRANSACTION_ID),
            None => {}
        }
        sink.maybe_flag(element::POLL, poll);
        if let (Version::V1_3, Some(segment)) = (sink.version(), &self.segment) {
            segment.write(sink);
        }
        sink.close();
        let namespace = sink.version().transaction_namespace();
        sink.open_with_namespace(element::TRANSACTION_CONTENT, namespace);
        primitive.write(sink);
        sink.close();
        sink.close();
        Ok(())
    }
}

impl TransactionMode {
    fn parse(text: &str) -> Option<Self> {
        [Self::Request, Self::Response].into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text))
    }

    /// The mode as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Response => "Response",
        }
    }
}
