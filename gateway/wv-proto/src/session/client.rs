//! The client end of a session: login, ids, polls and acknowledgements. For scripted peers and for logins at other
//! servers.
//!
//! One message is under way at a time: after every [`Command::Send`] the owner reports what came back with
//! [`Event::Received`], or [`Event::Lost`] when nothing did.

mod cell;

use super::digest::{Proof, digest_bytes};
use super::time::Timestamp;
use crate::primitive::access::{DigestSchema, LoginRequest, LoginResponse, Status};
use crate::primitive::identifier::{ClientId, Password, SessionCookie, SessionId, TransactionId, UserId};
use crate::primitive::message::MessageDelivered;
use crate::primitive::service::{CapabilityAnswer, ClientCapabilityResponse};
use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode};
use crate::status::StatusCode;
use std::collections::VecDeque;
use std::time::Duration;

/// Who logs in, and how.
#[derive(Clone, Debug)]
pub struct ClientSetup {
    /// The user.
    pub user_id: UserId,
    /// The client.
    pub client_id: ClientId,
    /// The cookie that CIR messages will quote.
    pub session_cookie: SessionCookie,
    /// The password.
    pub password: Password,
    /// How the password is proved.
    pub way: LoginWay,
    /// The keep-alive time wished for.
    pub time_to_live: Option<Duration>,
    /// How often to poll when there is nothing else to send; none leaves it to the owner.
    pub poll_interval: Option<Duration>,
    /// What the transaction ids begin with.
    pub id_prefix: Box<str>,
}

/// How a password is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginWay {
    /// In clear in the first request.
    TwoWay,
    /// By a digest over a nonce, with one of these schemas, the most preferred first.
    FourWay(Vec<DigestSchema>),
}

/// What happens to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Log in, outside of any session.
    LogIn,
    /// Log in inside the session that was lost.
    Resume,
    /// Send this request.
    Request(Primitive),
    /// Poll now, because a CIR message said so.
    Poll,
    /// The answer to the last message arrived; none is an empty body.
    Received(Option<Envelope>),
    /// The last message was not answered.
    Lost,
}

/// What the client wants done, and what it has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send this message.
    Send(Envelope),
    /// The login succeeded.
    LoggedIn {
        /// The session.
        session_id: SessionId,
        /// The keep-alive time that holds.
        keep_alive: Option<Duration>,
    },
    /// The login failed with this code.
    LoginFailed(StatusCode),
    /// A request was answered.
    Answered {
        /// Its id.
        transaction: TransactionId,
        /// The answer.
        primitive: Primitive,
    },
    /// A request got an empty body or none, or an answer that cannot be read.
    Unanswered(TransactionId),
    /// The server began a transaction; it is answered already. Told once, however often it arrives.
    Notified(Primitive),
    /// The session is over, with this code; 200 after a logout.
    Ended(StatusCode),
}

/// The machine.
#[derive(Clone, Debug)]
pub struct ClientSession {
    setup: ClientSetup,
    state: State,
    session_id: Option<SessionId>,
    minted: u64,
    outgoing: VecDeque<Envelope>,
    under_way: Option<Envelope>,
    poll_wanted: PollWish,
    poll_min: Duration,
    keep_alive: Option<Duration>,
    heard: Timestamp,
    seen: VecDeque<TransactionId>,
    commands: VecDeque<Command>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// The Login-Request with this id is under way.
    LoggingIn {
        id: TransactionId,
        descriptor: SessionDescriptor,
        step: Step,
    },
    Active,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    First,
    Proving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PollWish {
    None,
    Now,
}

impl ClientSession {
    /// A client that has not logged in.
    #[must_use]
    pub fn new(setup: ClientSetup) -> Self {
        Self {
            setup,
            state: State::Idle,
            session_id: None,
            minted: 0,
            outgoing: VecDeque::new(),
            under_way: None,
            poll_wanted: PollWish::None,
            poll_min: Duration::ZERO,
            keep_alive: None,
            heard: Timestamp::from_millis(0),
            seen: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        self.name_cell(&event);
        match event {
            Event::LogIn => self.log_in(SessionDescriptor::Outband),
            Event::Resume => match self.session_id.clone() {
                Some(session) => self.log_in(SessionDescriptor::Inband(session)),
                None => self.log_in(SessionDescriptor::Outband),
            },
            Event::Request(primitive) => self.request(primitive),
            Event::Poll => self.poll_wanted = PollWish::Now,
            Event::Received(answer) => self.receive(answer),
            Event::Lost => self.miss(),
        }
        self.proceed(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Self::expire`] is to be called.
    // WV-CLI-03
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let interval = self.setup.poll_interval?.max(self.poll_min);
        // A poll keeps the session alive, so it must come before half the keep-alive time.
        let half = self.keep_alive.and_then(|time| time.checked_div(2)).filter(|time| !time.is_zero());
        let wait = half.map_or(interval, |half| half.min(interval));
        (self.state == State::Active && self.under_way.is_none()).then(|| self.heard.after(wait))
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Timestamp) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.name("time passes");
            self.poll_wanted = PollWish::Now;
        }
        self.proceed(now);
    }

    /// The session, once logged in.
    #[must_use]
    pub const fn session_id(&self) -> Option<&SessionId> {
        self.session_id.as_ref()
    }

    /// Whether the client is logged in.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == State::Active
    }

    /// Whether a message is under way.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    fn log_in(&mut self, descriptor: SessionDescriptor) {
        let id = self.mint();
        let mut request = self.login_request();
        match &self.setup.way {
            LoginWay::TwoWay => request.password = Some(self.setup.password.clone()),
            LoginWay::FourWay(schemas) => request.digest_schemas = schemas.clone(),
        }
        self.outgoing.clear();
        self.poll_wanted = PollWish::None;
        self.state = State::LoggingIn { id: id.clone(), descriptor: descriptor.clone(), step: Step::First };
        self.send_login(id, descriptor, request);
    }

    fn request(&mut self, primitive: Primitive) {
        let id = self.mint();
        match (&self.state, &self.session_id) {
            (State::Active, Some(session)) => {
                let descriptor = SessionDescriptor::Inband(session.clone());
                self.outgoing.push_back(Envelope::new(descriptor, Transaction::request(Some(id), primitive)));
            }
            (State::Active, None) | (State::Idle | State::LoggingIn { .. } | State::Ended, _) => {
                self.commands.push_back(Command::Unanswered(id));
            }
        }
    }

    fn receive(&mut self, answer: Option<Envelope>) {
        let Some(sent) = self.under_way.take() else { return };
        let is_leaving = sent.transactions.iter().any(|one| one.content == Ok(Primitive::LogoutRequest));
        let mut expected: Vec<TransactionId> = sent
            .transactions
            .iter()
            .filter(|one| one.mode == TransactionMode::Request && one.content != Ok(Primitive::PollingRequest))
            .filter_map(|one| one.id.clone())
            .collect();
        if let Some(answer) = answer {
            if answer.poll == Some(true) {
                // WV-CLI-03
                self.poll_wanted = PollWish::Now;
            }
            for transaction in answer.transactions {
                if let Some(id) = &transaction.id
                    && transaction.mode == TransactionMode::Response
                    && transaction.content.is_ok()
                {
                    expected.retain(|one| one != id);
                }
                self.take(transaction);
            }
        }
        if is_leaving && expected.is_empty() {
            self.end(StatusCode::SUCCESS);
        }
        for id in expected {
            self.unanswered(id);
        }
    }

    fn take(&mut self, transaction: Transaction) {
        match (transaction.mode, transaction.content) {
            (TransactionMode::Response, Ok(primitive)) => self.answered(transaction.id, primitive),
            (TransactionMode::Request, Ok(primitive)) => self.notified(transaction.id, primitive),
            (TransactionMode::Request, Err(malformed)) => {
                self.respond(transaction.id, Primitive::Status(Status::from(malformed.status())));
            }
            (TransactionMode::Response, Err(_)) => {}
        }
    }

    fn answered(&mut self, id: Option<TransactionId>, primitive: Primitive) {
        if let State::LoggingIn { id: login, descriptor, step } = self.state.clone()
            && id.as_ref() == Some(&login)
        {
            return self.logged_in(login, descriptor, step, primitive);
        }
        // WV-CLI-05
        let end = primitive.result().map(|result| result.code).filter(|code| code.ends_session());
        if let Primitive::ClientCapabilityResponse(response) = &primitive {
            self.poll_min = poll_min(response).unwrap_or(self.poll_min);
        }
        if let Primitive::KeepAliveResponse(response) = &primitive {
            self.keep_alive = response.keep_alive_time.or(self.keep_alive);
        }
        if let Some(transaction) = id {
            self.commands.push_back(Command::Answered { transaction, primitive });
        }
        if let Some(code) = end {
            self.end(code);
        }
    }

    fn logged_in(&mut self, id: TransactionId, descriptor: SessionDescriptor, step: Step, primitive: Primitive) {
        let Primitive::LoginResponse(response) = primitive else {
            let code = primitive.result().map_or(StatusCode::INTERNAL_ERROR, |result| result.code);
            return self.fail(code);
        };
        let code = response.result.code;
        match (&response.session_id, step) {
            (Some(session), Step::First | Step::Proving) if code.is_success() => {
                self.session_id = Some(session.clone());
                self.keep_alive = response.keep_alive_time.or(self.setup.time_to_live);
                self.state = State::Active;
                self.seen.clear();
                let session_id = session.clone();
                self.commands.push_back(Command::LoggedIn { session_id, keep_alive: self.keep_alive });
            }
            // WV-CLI-01
            (None, Step::First) if code == StatusCode::UNAUTHORIZED || code.is_success() => {
                self.prove(id, descriptor, &response);
            }
            (Some(_) | None, Step::First | Step::Proving) => self.fail(code),
        }
    }

    fn prove(&mut self, id: TransactionId, descriptor: SessionDescriptor, challenge: &LoginResponse) {
        let mut request = self.login_request();
        let schema = challenge.digest_schema.clone().unwrap_or(DigestSchema::Md5);
        match (Proof::from_schema(&schema), &challenge.nonce) {
            (Some(Proof::ClearPassword), _) => request.password = Some(self.setup.password.clone()),
            (Some(Proof::Digest(method)), Some(nonce)) => {
                // WV-LOGIN-04
                request.digest_bytes = Some(digest_bytes(method, nonce, &self.setup.password));
            }
            (Some(Proof::Digest(_)) | None, _) => return self.fail(StatusCode::NO_MATCHING_DIGEST_SCHEMA),
        }
        self.state = State::LoggingIn { id: id.clone(), descriptor: descriptor.clone(), step: Step::Proving };
        // WV-CLI-02
        self.send_login(id, descriptor, request);
    }

    fn notified(&mut self, id: Option<TransactionId>, primitive: Primitive) {
        if let Primitive::Disconnect(disconnect) = &primitive {
            // WV-CLI-06
            return self.end(disconnect.result.code);
        }
        // WV-CLI-04
        let message = if let Primitive::NewMessage(message) = &primitive { Some(message) } else { None };
        let answer = match message.and_then(|message| message.message.message_id.clone()) {
            Some(message_id) => Primitive::MessageDelivered(MessageDelivered { message_id }),
            None => Primitive::Status(Status::from(StatusCode::SUCCESS)),
        };
        // WV-CLI-07
        let is_new = id.as_ref().is_none_or(|id| !self.seen.contains(id));
        if let Some(id) = &id
            && is_new
        {
            if self.seen.len() >= SEEN_MAX {
                self.seen.pop_front();
            }
            self.seen.push_back(id.clone());
        }
        self.respond(id, answer);
        if is_new {
            self.commands.push_back(Command::Notified(primitive));
        }
    }

    fn respond(&mut self, id: Option<TransactionId>, answer: Primitive) {
        if let Some(session) = &self.session_id {
            let descriptor = SessionDescriptor::Inband(session.clone());
            self.outgoing.push_front(Envelope::new(descriptor, Transaction::response(id, answer)));
        }
    }

    fn miss(&mut self) {
        let Some(sent) = self.under_way.take() else { return };
        for transaction in sent.transactions {
            match (transaction.mode, transaction.id) {
                (TransactionMode::Request, Some(id)) => self.unanswered(id),
                (TransactionMode::Request, None) | (TransactionMode::Response, _) => {}
            }
        }
    }

    fn unanswered(&mut self, id: TransactionId) {
        match &self.state {
            State::LoggingIn { id: login, .. } if *login == id => self.fail(StatusCode::TIMEOUT),
            State::Idle | State::LoggingIn { .. } | State::Active | State::Ended => {
                self.commands.push_back(Command::Unanswered(id));
            }
        }
    }

    fn fail(&mut self, code: StatusCode) {
        self.state = State::Idle;
        self.commands.push_back(Command::LoginFailed(code));
    }

    fn end(&mut self, code: StatusCode) {
        if self.state == State::Active {
            self.state = State::Ended;
            self.outgoing.clear();
            self.poll_wanted = PollWish::None;
            self.commands.push_back(Command::Ended(code));
        }
    }

    /// Sends the next message when none is under way: what was asked for first, then a poll.
    fn proceed(&mut self, now: Timestamp) {
        if self.under_way.is_some() {
            return;
        }
        let next = self.outgoing.pop_front().or_else(|| self.polling());
        if let Some(message) = next {
            self.heard = now;
            self.under_way = Some(message.clone());
            self.commands.push_back(Command::Send(message));
        }
    }

    fn polling(&mut self) -> Option<Envelope> {
        if self.poll_wanted == PollWish::None || self.state != State::Active {
            return None;
        }
        self.poll_wanted = PollWish::None;
        let descriptor = SessionDescriptor::Inband(self.session_id.clone()?);
        // WV-POLL-01
        Some(Envelope::new(descriptor, Transaction::request(None, Primitive::PollingRequest)))
    }

    fn send_login(&mut self, id: TransactionId, descriptor: SessionDescriptor, request: LoginRequest) {
        let primitive = Primitive::LoginRequest(Box::new(request));
        self.outgoing.push_back(Envelope::new(descriptor, Transaction::request(Some(id), primitive)));
    }

    fn login_request(&self) -> LoginRequest {
        let setup = &self.setup;
        let mut request =
            LoginRequest::new(setup.user_id.clone(), setup.client_id.clone(), setup.session_cookie.clone());
        request.time_to_live = setup.time_to_live;
        request
    }

    fn mint(&mut self) -> TransactionId {
        self.minted = self.minted.saturating_add(1);
        TransactionId::new(format!("{}{}", self.setup.id_prefix, self.minted))
    }
}

fn poll_min(response: &ClientCapabilityResponse) -> Option<Duration> {
    match &response.capabilities {
        CapabilityAnswer::Repeated(list) => list.server_poll_min,
        CapabilityAnswer::Agreed(list) => list.server_poll_min,
    }
}

/// How many ids of server-initiated transactions are remembered to recognise repeated ones.
const SEEN_MAX: usize = 1000;

#[cfg(test)]
mod tests;
