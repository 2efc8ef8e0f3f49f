//! The server's end of one connection for wake-ups (STCP).

use super::line::{ClientLine, END};
use crate::primitive::identifier::SessionId;
use crate::session::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// What bounds a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CirLimits {
    /// How long a connection may be open without naming a session. Clients do it at once.
    pub greeting_wait: Duration,
    /// How long a client may be silent. The known ones ask every 900 and 1200 seconds whether the channel works.
    pub silence_max: Duration,
}

impl Default for CirLimits {
    fn default() -> Self {
        Self { greeting_wait: Duration::from_secs(30), silence_max: Duration::from_secs(2 * 3600) }
    }
}

/// What happens to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The client said something.
    Line(ClientLine),
    /// The session that was asked for is known, and this connection is its channel now.
    Admitted,
    /// It is not known.
    Refused,
    /// Something waits for the client; the text is that of [`super::wake_up`].
    WakeUp(String),
    /// Another connection is the channel of the session now, or the session is over.
    Released,
}

/// What a connection wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Look this session up and answer with [`Event::Admitted`] or [`Event::Refused`].
    Find(SessionId),
    /// Send this line, in a write of its own: clients look for it at the start of what they read.
    Send(String),
    /// Close the connection.
    Close,
}

/// Where a connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has named no session.
    Greeting,
    /// The session that it names is looked up; it may have another one already.
    Asking(Option<SessionId>),
    /// It is the channel of this session.
    Bound(SessionId),
    /// It is over.
    Closed,
}

/// The machine of one connection.
#[derive(Clone, Debug)]
pub struct CirServer {
    limits: CirLimits,
    state: State,
    /// The session that is looked up.
    asked: Option<SessionId>,
    opened: Timestamp,
    heard: Timestamp,
    commands: VecDeque<Command>,
}

impl CirServer {
    /// A connection that a client has just opened.
    #[must_use]
    pub const fn new(now: Timestamp, limits: CirLimits) -> Self {
        let commands = VecDeque::new();
        Self { limits, state: State::Greeting, asked: None, opened: now, heard: now, commands }
    }

    /// Something happened. Afterwards [`Self::poll`] is to be called until it has nothing more.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        if matches!(event, Event::Line(_)) {
            self.heard = self.heard.max(now);
        }
        match (std::mem::replace(&mut self.state, State::Closed), event) {
            (State::Closed, _) => {}
            (_, Event::Released | Event::Line(ClientLine::TooLong)) => self.close(),
            (State::Greeting, Event::Line(ClientLine::Hello(session))) => self.ask(None, session),
            // Whoever talks of other things before it says who it is, is no client.
            (State::Greeting, Event::Line(ClientLine::Other)) => self.close(),
            (
                state @ State::Greeting,
                Event::Line(ClientLine::Ping | ClientLine::Blank) | Event::Admitted | Event::Refused | Event::WakeUp(_),
            ) => self.state = state,
            (State::Asking(_), Event::Admitted) => self.admit(),
            // WV-CIR-03
            (State::Asking(None), Event::Refused) => self.close(),
            (State::Asking(Some(bound)), Event::Refused) => {
                self.asked = None;
                self.send("OK");
                self.state = State::Bound(bound);
            }
            // WV-CIR-03
            (State::Bound(bound), Event::Line(ClientLine::Hello(session))) if session != bound => {
                self.ask(Some(bound), session);
            }
            // WV-CIR-04
            (
                state @ (State::Bound(_) | State::Asking(Some(_))),
                Event::Line(ClientLine::Hello(_) | ClientLine::Ping | ClientLine::Other),
            ) => {
                self.send("OK");
                self.state = state;
            }
            // WV-CIR-01
            (state @ (State::Bound(_) | State::Asking(Some(_))), Event::WakeUp(text)) => {
                self.send(&text);
                self.state = state;
            }
            (state @ State::Asking(None), Event::Line(_) | Event::WakeUp(_)) => self.state = state,
            (state @ State::Asking(Some(_)), Event::Line(ClientLine::Blank)) => self.state = state,
            (state @ State::Bound(_), Event::Line(ClientLine::Blank) | Event::Admitted | Event::Refused) => {
                self.state = state;
            }
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Self::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            State::Greeting | State::Asking(None) => Some(self.opened.after(self.limits.greeting_wait)),
            State::Asking(Some(_)) | State::Bound(_) => Some(self.heard.after(self.limits.silence_max)),
            State::Closed => None,
        }
    }

    /// Time has passed.
    // WV-CIR-05
    pub fn expire(&mut self, now: Timestamp) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.close();
        }
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The session whose channel it is.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionId> {
        match &self.state {
            State::Bound(session) | State::Asking(Some(session)) => Some(session),
            State::Greeting | State::Asking(None) | State::Closed => None,
        }
    }

    fn ask(&mut self, bound: Option<SessionId>, session: SessionId) {
        self.asked = Some(session.clone());
        self.commands.push_back(Command::Find(session));
        self.state = State::Asking(bound);
    }

    fn admit(&mut self) {
        match self.asked.take() {
            Some(session) => {
                self.send("OK");
                self.state = State::Bound(session);
            }
            None => self.close(),
        }
    }

    fn send(&mut self, text: &str) {
        self.commands.push_back(Command::Send(format!("{text}{END}")));
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.commands.push_back(Command::Close);
    }
}
