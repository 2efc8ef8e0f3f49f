//! What happens to the login machine, and what it wants done.

use crate::primitive::access::{DigestSchema, LoginRequest};
use crate::primitive::identifier::{
    ClientId, DigestBytes, Nonce, Password, SessionCookie, SessionId, TransactionId, UserId,
};
use crate::primitive::{Envelope, SessionDescriptor};
use crate::session::limit::SessionLimits;
use crate::session::negotiation::{Negotiated, Offer};
use crate::session::transaction::PostId;
use crate::version::Version;
use std::time::Duration;

/// How many sessions a user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiSession {
    /// One session for each ClientID, up to this many.
    Allowed(usize),
    /// One session for the user; another client is refused with 603.
    Single,
}

/// What becomes of the older session when the same client logs in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SameClient {
    /// It is closed with 601 and the new one takes its place.
    #[default]
    Replaces,
    /// The login is refused with 603.
    IsRefused,
}

/// The policy of logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginPolicy {
    /// Limits, shared with the sessions.
    pub limits: SessionLimits,
    /// What a 1.3 login can negotiate.
    pub offer: Offer,
    /// How many sessions a user may have.
    pub multi_session: MultiSession,
    /// What becomes of the older session of the same client.
    pub same_client: SameClient,
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self {
            limits: SessionLimits::default(),
            offer: Offer::default(),
            multi_session: MultiSession::Allowed(8),
            same_client: SameClient::Replaces,
        }
    }
}

/// A Login-Request as it arrived, with what the machine needs from outside.
#[derive(Clone, Debug)]
pub struct LoginAttempt {
    /// The message it came in.
    pub post: PostId,
    /// The version of the message.
    pub version: Version,
    /// Whether others can listen.
    pub exposure: Exposure,
    /// The session the message claims to belong to.
    pub session: SessionDescriptor,
    /// TransactionID.
    pub transaction: Option<TransactionId>,
    /// The request.
    pub request: LoginRequest,
    /// A nonce from 16 random octets, in case a challenge is needed.
    pub nonce: Nonce,
    /// The id for the session, in case one is opened; at most 50 characters.
    pub session_id: SessionId,
}

/// Whether others can listen to what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Exposure {
    /// They cannot: the way is encrypted, or does not leave the machine.
    #[default]
    Protected,
    /// They can.
    Open,
}

/// The digest that a client sent, for an owner that lets others check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentDigest {
    /// Over which nonce.
    pub nonce: Nonce,
    /// By which schema.
    pub schema: DigestSchema,
    /// The digest.
    pub bytes: DigestBytes,
}

/// What the owner knows of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// No such user here.
    Unknown,
    /// The password in clear, which serves every way of logging in.
    Password(Password),
    /// Only a hash of the password is known, so no digest can be checked; the owner compared the password of the
    /// request, if it held one, with this result.
    Hashed(Comparison),
    /// Somebody else knows the user, and compared what the request held with what he knows, the digest included.
    Delegated(Comparison),
    /// Somebody else knows the user, and cannot be asked now.
    Unavailable,
    /// The network vouches for the user; no proof is needed.
    Vouched,
}

/// What the owner found when it compared a password in clear with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// There was no password to compare.
    NotMade,
    /// They fit.
    Equal,
    /// They do not fit.
    Different,
}

/// A session that can go on: open, active or lapsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSession {
    /// Its id.
    pub session_id: SessionId,
    /// Its client.
    pub client_id: ClientId,
}

/// What the owner knows of the old session that a login names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OldSession {
    /// The login names none, or one that nobody knows or that cannot go on.
    #[default]
    Unknown,
    /// It belongs to this user and is among the sessions listed.
    Own,
    /// It belongs to another user.
    Foreign,
}

/// What happens to the login machine.
#[derive(Clone, Debug)]
pub enum LoginEvent {
    /// A Login-Request arrived.
    Request(Box<LoginAttempt>),
    /// The owner looked the user up, as [`LoginCommand::FindCredentials`] asked.
    Credentials {
        /// The message of the login.
        post: PostId,
        /// What is known of the user.
        credentials: Credentials,
        /// The sessions of the user that can go on.
        sessions: Vec<KnownSession>,
        /// What is known of the session that the login names.
        old: OldSession,
    },
}

/// What the login machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginCommand {
    /// Look the user up and answer with [`LoginEvent::Credentials`].
    FindCredentials {
        /// The message of the login.
        post: PostId,
        /// Whom.
        user_id: UserId,
        /// The password in clear, for an owner that knows only its hash.
        password: Option<Password>,
        /// The digest that answers a challenge, for an owner that lets others check it.
        digest: Option<Box<SentDigest>>,
        /// The old session that the login names.
        old: Option<SessionId>,
    },
    /// Close this session with 601, because the same client opens another; what waits in it belongs to the new one.
    Replace {
        /// The session to close.
        session_id: SessionId,
        /// The session that takes its place.
        by: SessionId,
    },
    /// Open a session.
    Open(Box<Opening>),
    /// Establish this session again.
    Resume {
        /// Which.
        session_id: SessionId,
        /// With what.
        resumption: Resumption,
    },
    /// Answer the message.
    Respond {
        /// Which message.
        post: PostId,
        /// The answer.
        answer: Envelope,
    },
}

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The message of the login.
    pub post: PostId,
    /// The id of the session.
    pub session_id: SessionId,
    /// Whose.
    pub user_id: UserId,
    /// Of which client.
    pub client_id: ClientId,
    /// The cookie to quote in CIR messages.
    pub session_cookie: Option<SessionCookie>,
    /// The version of the session.
    pub version: Version,
    /// The keep-alive time granted.
    pub keep_alive: Duration,
    /// What the login itself negotiated (1.3).
    pub negotiated: Negotiated,
}

/// What a session is established again with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// The keep-alive time granted.
    pub keep_alive: Duration,
    /// The cookie to quote from now on.
    pub session_cookie: Option<SessionCookie>,
}
