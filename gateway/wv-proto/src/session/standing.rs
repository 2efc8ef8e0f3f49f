//! A client's session that is kept standing at a server which nobody may touch: it logs in, negotiates, polls, keeps
//! itself alive, comes back when it is lost, and gives up where the account is refused. For shadow accounts.
//!
//! Unlike [`super::client`] its owner answers what the server asks, when that is safe. The owner
//!
//! * says with [`Event::Want`] and [`Event::Leave`] whether a session is wanted, and lets it in with [`Event::Admit`] after
//!   [`Command::Due`], so that many logins can be paced;
//! * posts each [`Command::Send`] and reports what became of it under its number: [`Event::Received`] or [`Event::Lost`];
//! * answers each [`Command::Asked`] with [`Event::Respond`], or leaves it with [`Event::Withhold`] to be offered again.

mod answer;
mod cell;
mod login;
mod settings;
mod talk;

pub use answer::usual_answer;
pub use settings::{StandingAccount, StandingLimits, StandingSettings};

use super::time::Timestamp;
use crate::primitive::function::FunctionSet;
use crate::primitive::identifier::{SessionId, TransactionId};
use crate::primitive::{Envelope, Primitive};
use crate::quirk::ServerQuirk;
use crate::status::StatusCode;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What happens to the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is wanted.
    Want,
    /// It is wanted no more: log out.
    Leave,
    /// Log in now: it is this one's turn.
    Admit,
    /// The account may be tried again.
    Release,
    /// The server is there again: what waits because it was not need not wait longer.
    Retry,
    /// Send this request.
    Request(Request),
    /// The answer to what the server asked.
    Respond {
        /// The number of the question.
        ticket: u64,
        /// The answer.
        primitive: Primitive,
    },
    /// What the server asked is not answered now; it is to be offered again.
    Withhold {
        /// The number of the question.
        ticket: u64,
    },
    /// A wake-up came.
    WakeUp,
    /// The wake-up channel works, or does not any more.
    Channel(bool),
    /// What came back for a message; none is an empty body.
    Received {
        /// The number of the message.
        number: u64,
        /// What came.
        answer: Option<Envelope>,
    },
    /// Nothing that can be read came back for a message.
    Lost {
        /// The number of the message.
        number: u64,
        /// Whether the server may have seen it.
        loss: Loss,
    },
}

/// A request of the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The owner's name for it.
    pub key: u64,
    /// What is asked.
    pub primitive: Primitive,
    /// When it is not worth being asked any more.
    pub expires: Timestamp,
}

/// How a message was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The server was not reached.
    Unreached,
    /// It was reached and did not answer, or not so that it can be read.
    Unanswered,
}

/// What the session wants done, and what it has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// It may log in as soon as it is its turn.
    Due,
    /// Post this.
    Send {
        /// Under which number to report back.
        number: u64,
        /// The message.
        message: Envelope,
    },
    /// It stands.
    Opened(Channel),
    /// It fell, by this code; it comes back by itself.
    Fallen(StatusCode),
    /// It was logged out as was wanted.
    Left,
    /// The login did not succeed; it is tried again later. None where nothing was answered.
    LoginFailed(Option<StatusCode>),
    /// The account is refused, or somebody else took it: nothing more is tried.
    Barred(StatusCode),
    /// A request was answered.
    Answered {
        /// Its name.
        key: u64,
        /// The answer.
        primitive: Primitive,
    },
    /// A request was not.
    Failed {
        /// Its name.
        key: u64,
        /// Why.
        failure: Failure,
    },
    /// The server did something that is understood all the same, to be counted.
    Met(ServerQuirk),
    /// The server asks or tells something.
    Asked {
        /// The number under which to answer.
        ticket: u64,
        /// What.
        primitive: Primitive,
    },
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server was not reached.
    Unreached,
    /// It did not answer.
    Unanswered,
    /// It was never asked: no session came in time.
    Expired,
    /// Too many requests wait.
    QueueFull,
    /// The account is refused.
    Barred,
}

/// What the server agreed to wake by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Address and port of wake-ups over TCP.
    pub tcp: Option<(Box<str>, u16)>,
    /// The address that is asked over HTTP.
    pub url: Option<Box<str>>,
}

/// Where a session stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is logged in.
    Out,
    /// On the way in: login or negotiation.
    Entering,
    /// It stands.
    Open,
    /// On the way out.
    Leaving,
    /// The account is refused.
    Barred(StatusCode),
}

/// The machine.
#[derive(Debug)]
pub struct StandingSession {
    settings: Arc<StandingSettings>,
    account: Box<StandingAccount>,
    state: State,
    wanted: bool,
    /// Whether [`Command::Due`] was said and not acted upon.
    announced: bool,
    not_before: Timestamp,
    failures: u32,
    forced: u32,
    session: Option<SessionId>,
    opened: Timestamp,
    heard: Timestamp,
    polled: Timestamp,
    poll_at: Timestamp,
    losses: u32,
    poll_min: Duration,
    keep_alive: Duration,
    multi_trans: usize,
    has_channel: bool,
    refused: FunctionSet,
    /// What the server agreed to wake by, until the session stands.
    offer: Channel,
    minted: u64,
    flights: Vec<Flight>,
    /// Responses and their ids; they go first.
    responses: VecDeque<(Option<TransactionId>, Primitive)>,
    requests: VecDeque<Request>,
    pending: Vec<Pending>,
    seen: VecDeque<Seen>,
    commands: VecDeque<Command>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Out,
    /// The Login-Request with this id is under way.
    Entering {
        id: TransactionId,
        step: Step,
    },
    /// ClientCapability-Request is under way.
    Describing,
    /// Service-Request is under way.
    Agreeing,
    Open,
    Leaving,
    Barred(StatusCode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    First,
    Proving,
}

/// A message under way.
#[derive(Clone, Debug)]
struct Flight {
    number: u64,
    load: Load,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Load {
    Poll,
    KeepAlive(TransactionId),
    /// Login, negotiation or logout.
    Own(TransactionId),
    Request(TransactionId),
    Response,
}

/// A request that was sent and not answered.
#[derive(Clone, Debug)]
struct Pending {
    id: TransactionId,
    request: Request,
    /// Until when the answer may come by a poll; none while the message is under way.
    until: Option<Timestamp>,
}

/// A server-initiated transaction.
#[derive(Clone, Debug)]
struct Seen {
    id: Option<TransactionId>,
    mark: u64,
    /// Set until it is answered.
    ticket: Option<u64>,
}

impl StandingSession {
    /// A session that nobody wants yet. `prefix` begins its transaction ids.
    #[must_use]
    pub fn new(settings: Arc<StandingSettings>, account: StandingAccount) -> Self {
        let zero = Timestamp::from_millis(0);
        Self {
            settings,
            account: Box::new(account),
            state: State::Out,
            wanted: false,
            announced: false,
            not_before: zero,
            failures: 0,
            forced: 0,
            session: None,
            opened: zero,
            heard: zero,
            polled: zero,
            poll_at: zero,
            losses: 0,
            poll_min: Duration::ZERO,
            keep_alive: Duration::ZERO,
            multi_trans: 1,
            has_channel: false,
            refused: FunctionSet::default(),
            offer: Channel::default(),
            minted: 0,
            flights: Vec::new(),
            responses: VecDeque::new(),
            requests: VecDeque::new(),
            pending: Vec::new(),
            seen: VecDeque::new(),
            commands: VecDeque::new(),
        }
    }

    /// Something happened. Afterwards [`Self::poll`] is to be called until it has nothing more.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        self.name_cell(&event);
        match event {
            Event::Want => self.wanted = true,
            Event::Leave => self.leave(),
            Event::Admit => self.admit(now),
            Event::Release => self.release(now),
            Event::Retry => self.retry(now),
            Event::Request(request) => self.request(now, request),
            Event::Respond { ticket, primitive } => self.respond(ticket, primitive),
            Event::Withhold { ticket } => self.seen.retain(|seen| seen.ticket != Some(ticket)),
            Event::WakeUp => self.poll_at = now,
            Event::Channel(works) => self.has_channel = works,
            Event::Received { number, answer } => self.receive(now, number, answer),
            Event::Lost { number, loss } => self.lose(now, number, loss),
        }
        self.proceed(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Self::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let pending = self.pending.iter().filter_map(|pending| pending.until);
        let waiting = self.requests.iter().map(|request| request.expires);
        let own = match self.state {
            State::Out => (self.wanted && !self.announced).then_some(self.not_before),
            State::Open if self.flights.is_empty() && self.is_answered() => Some(self.poll_due().min(self.keep_due())),
            State::Open
            | State::Entering { .. }
            | State::Describing
            | State::Agreeing
            | State::Leaving
            | State::Barred(_) => None,
        };
        pending.chain(waiting).chain(own).min()
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Timestamp) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.name("time passes");
        }
        let late = |until: Timestamp| until <= now;
        let (late_ones, rest) = self.pending.drain(..).partition(|pending| pending.until.is_some_and(late));
        self.pending = rest;
        let late_ones: Vec<Pending> = late_ones;
        for pending in late_ones {
            self.fail(pending.request.key, Failure::Unanswered);
        }
        while let Some(place) = self.requests.iter().position(|request| late(request.expires)) {
            if let Some(request) = self.requests.remove(place) {
                self.fail(request.key, Failure::Expired);
            }
        }
        self.proceed(now);
    }

    /// Where it stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match &self.state {
            State::Out => Standing::Out,
            State::Entering { .. } | State::Describing | State::Agreeing => Standing::Entering,
            State::Open => Standing::Open,
            State::Leaving => Standing::Leaving,
            State::Barred(code) => Standing::Barred(*code),
        }
    }

    /// Whether it is wanted.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// The session's name at the server, while there is one.
    #[must_use]
    pub const fn session_id(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// The functions that the server refused.
    #[must_use]
    pub const fn refused(&self) -> FunctionSet {
        self.refused
    }

    /// Requests that wait or are under way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.requests.len().saturating_add(self.pending.len())
    }

    /// When a login is tried again, where it waits.
    #[must_use]
    pub fn next_try(&self) -> Option<Timestamp> {
        (self.state == State::Out && self.wanted).then_some(self.not_before)
    }

    /// Another account takes the place of this one's, as after a new password.
    pub fn replace_account(&mut self, account: StandingAccount) {
        *self.account = account;
    }

    fn leave(&mut self) {
        self.wanted = false;
        match self.state {
            State::Open => {
                self.state = State::Leaving;
                self.send_own(Primitive::LogoutRequest);
            }
            State::Out => self.give_up_requests(),
            // They end when it is out.
            State::Entering { .. } | State::Describing | State::Agreeing | State::Leaving | State::Barred(_) => {}
        }
    }

    /// No session is wanted in which they could be asked.
    fn give_up_requests(&mut self) {
        for request in std::mem::take(&mut self.requests) {
            self.fail(request.key, Failure::Expired);
        }
    }

    fn release(&mut self, now: Timestamp) {
        if matches!(self.state, State::Barred(_)) {
            self.state = State::Out;
            (self.failures, self.forced, self.not_before, self.announced) = (0, 0, now, false);
        }
    }

    fn retry(&mut self, now: Timestamp) {
        match self.state {
            // Whom somebody else drove out waits all the same.
            State::Out if self.forced == 0 => self.not_before = self.not_before.min(now),
            State::Open if self.losses > 0 => self.poll_at = now,
            State::Out
            | State::Open
            | State::Entering { .. }
            | State::Describing
            | State::Agreeing
            | State::Leaving
            | State::Barred(_) => {}
        }
    }

    fn request(&mut self, now: Timestamp, request: Request) {
        if matches!(self.state, State::Barred(_)) {
            self.fail(request.key, Failure::Barred);
        } else if request.expires <= now {
            self.fail(request.key, Failure::Expired);
        } else if self.requests.len() >= self.settings.limits.queue_max {
            self.fail(request.key, Failure::QueueFull);
        } else {
            self.requests.push_back(request);
        }
    }

    fn respond(&mut self, ticket: u64, primitive: Primitive) {
        let Some(seen) = self.seen.iter_mut().find(|seen| seen.ticket == Some(ticket)) else { return };
        seen.ticket = None;
        if self.session.is_some() {
            self.responses.push_back((seen.id.clone(), primitive));
        }
    }

    /// A message is lost.
    fn lose(&mut self, now: Timestamp, number: u64, loss: Loss) {
        let Some(flight) = self.land(number) else { return };
        self.losses = self.losses.saturating_add(1);
        self.poll_at = now.after(self.back_off(self.losses));
        match flight.load {
            Load::Own(_) if self.state == State::Leaving => self.left(),
            Load::Own(_) => self.retreat(now, None),
            Load::Request(id) => {
                let failure = if loss == Loss::Unreached { Failure::Unreached } else { Failure::Unanswered };
                if let Some(pending) = self.take_pending(&id) {
                    self.fail(pending.request.key, failure);
                }
            }
            // What the server does not get it offers again.
            Load::Poll | Load::KeepAlive(_) | Load::Response => {}
        }
    }

    fn land(&mut self, number: u64) -> Option<Flight> {
        let place = self.flights.iter().position(|flight| flight.number == number)?;
        Some(self.flights.swap_remove(place))
    }

    fn take_pending(&mut self, id: &TransactionId) -> Option<Pending> {
        let place = self.pending.iter().position(|pending| pending.id == *id)?;
        Some(self.pending.remove(place))
    }

    fn meet(&mut self, quirk: ServerQuirk) {
        self.commands.push_back(Command::Met(quirk));
    }

    fn fail(&mut self, key: u64, failure: Failure) {
        self.commands.push_back(Command::Failed { key, failure });
    }

    /// The session is gone. What was asked in it and not answered fails, but for what the server said it does not know.
    fn fall(&mut self, now: Timestamp, wait: Duration) {
        if now >= self.opened.after(self.settings.limits.settled_after) {
            (self.failures, self.forced) = (0, 0);
        }
        self.state = State::Out;
        self.session = None;
        self.announced = false;
        self.not_before = now.after(wait);
        self.forget_session();
    }

    fn forget_session(&mut self) {
        self.flights.clear();
        self.responses.clear();
        self.seen.clear();
        self.has_channel = false;
        for pending in std::mem::take(&mut self.pending) {
            self.fail(pending.request.key, Failure::Unanswered);
        }
    }

    fn left(&mut self) {
        self.state = State::Out;
        self.session = None;
        self.announced = false;
        self.forget_session();
        if !self.wanted {
            self.give_up_requests();
        }
        self.commands.push_back(Command::Left);
    }

    fn bar(&mut self, code: StatusCode) {
        self.state = State::Barred(code);
        self.session = None;
        self.forget_session();
        for request in std::mem::take(&mut self.requests) {
            self.fail(request.key, Failure::Barred);
        }
        self.commands.push_back(Command::Barred(code));
    }
}

#[cfg(test)]
mod tests;
