//! The client's end of the connection for wake-ups (STCP): for scripted peers and for logins at other servers.

use super::line::{ClientLine, ServerLine};
use crate::primitive::identifier::SessionId;
use crate::session::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// What happens to the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session agreed on STCP; it is to have a channel.
    Open(SessionId),
    /// The connection stands.
    Connected,
    /// The server said something.
    Line(ServerLine),
    /// The connection is gone, or was not to be had.
    Lost,
    /// The session is over, or wants no channel any more.
    Close,
}

/// What the channel wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Connect to the server.
    Connect,
    /// Send this line.
    Send(String),
    /// Poll on the data channel.
    Poll,
    /// Drop the connection.
    Drop,
}

/// Where the channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none, and none is wanted.
    Idle,
    /// The connection is under way.
    Connecting,
    /// The server has not answered a line of ours.
    Asking,
    /// It works.
    Open,
    /// It broke; it is tried again later.
    Waiting,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct CirClient {
    state: State,
    session: Option<SessionId>,
    failures: u32,
    since: Timestamp,
    commands: VecDeque<Command>,
}

impl Default for CirClient {
    fn default() -> Self {
        let since = Timestamp::from_millis(0);
        Self { state: State::Idle, session: None, failures: 0, since, commands: VecDeque::new() }
    }
}

impl CirClient {
    /// Something happened. Afterwards [`Self::poll`] is to be called until it has nothing more.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        match (self.state, event) {
            (State::Idle, Event::Open(session)) => {
                self.session = Some(session);
                self.failures = 0;
                self.connect(now);
            }
            (_, Event::Open(session)) => {
                self.session = Some(session);
                self.commands.push_back(Command::Drop);
                self.connect(now);
            }
            (State::Idle, Event::Close) => {}
            (_, Event::Close) => {
                self.session = None;
                self.commands.push_back(Command::Drop);
                self.enter(now, State::Idle);
            }
            (State::Connecting, Event::Connected) => self.greet(now),
            // A server that wakes at once need not say OK first.
            (State::Asking | State::Open, Event::Line(ServerLine::WakeUp)) => {
                self.works(now);
                self.commands.push_back(Command::Poll);
            }
            (State::Asking, Event::Line(ServerLine::Ok | ServerLine::Other)) => self.works(now),
            (State::Asking | State::Open, Event::Line(ServerLine::TooLong)) => {
                self.commands.push_back(Command::Drop);
                self.lost(now);
            }
            (State::Connecting | State::Asking | State::Open, Event::Lost) => self.lost(now),
            (State::Open, Event::Line(ServerLine::Ok | ServerLine::Other)) => {}
            (State::Idle | State::Waiting, Event::Connected | Event::Line(_) | Event::Lost)
            | (State::Connecting, Event::Line(_))
            | (State::Asking | State::Open, Event::Connected) => {}
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Self::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Idle => None,
            State::Connecting => Some(self.since.after(CONNECT_WAIT)),
            State::Asking => Some(self.since.after(ANSWER_WAIT)),
            State::Open => Some(self.since.after(PING_EVERY)),
            State::Waiting => Some(self.since.after(back_off(self.failures))),
        }
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Timestamp) {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.state {
            State::Idle => {}
            State::Connecting | State::Asking => {
                self.commands.push_back(Command::Drop);
                self.lost(now);
            }
            State::Open => {
                self.commands.push_back(Command::Send(ClientLine::Ping.to_text()));
                self.enter(now, State::Asking);
            }
            State::Waiting => self.connect(now),
        }
    }

    /// Where the channel stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    fn connect(&mut self, now: Timestamp) {
        self.commands.push_back(Command::Connect);
        self.enter(now, State::Connecting);
    }

    // WV-CIR-03
    fn greet(&mut self, now: Timestamp) {
        let Some(session) = self.session.clone() else { return self.enter(now, State::Idle) };
        self.commands.push_back(Command::Send(ClientLine::Hello(session).to_text()));
        self.enter(now, State::Asking);
    }

    fn works(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.failures) > 0 {
            // What was to wake the client in the meantime did not reach it.
            self.commands.push_back(Command::Poll);
        }
        self.enter(now, State::Open);
    }

    fn lost(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.enter(now, State::Waiting);
    }

    fn enter(&mut self, now: Timestamp, state: State) {
        self.state = state;
        self.since = now;
    }
}

/// 3, 9 and 27 seconds, and from 3 again.
fn back_off(failures: u32) -> Duration {
    let step = failures.saturating_sub(1).checked_rem(3).unwrap_or(0);
    Duration::from_secs(3_u64.saturating_pow(step.saturating_add(1)))
}

/// How long connecting may take.
const CONNECT_WAIT: Duration = Duration::from_secs(20);

/// How long the server may take to answer a line.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// How often the channel is tried.
const PING_EVERY: Duration = Duration::from_secs(900);
