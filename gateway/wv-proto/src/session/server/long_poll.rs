//! What is sent without a poll for it: into polls that are held until something waits (long polls), for clients without
//! a channel to wake them, and over bearers that need no polls.

use super::{Command, ServerSession, State};
use crate::primitive::capability::CirMethod;
use crate::session::limit::LONG_POLL_CEILING;
use crate::session::poll::Occasion;
use crate::session::time::Timestamp;
use crate::session::transaction::PostId;

/// A poll that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeldPoll {
    pub(super) post: PostId,
    pub(super) until: Timestamp,
}

impl ServerSession {
    /// Whether this message waits for something to send.
    #[must_use]
    pub fn holds(&self, post: PostId) -> bool {
        self.held_poll.is_some_and(|held| held.post == post)
    }

    /// Whether polls of this client are held: not when something else wakes it, for it may send nothing meanwhile.
    // WV-POLL-11
    pub(super) fn may_hold(&self) -> bool {
        let is_woken = self.negotiated.cir_methods().iter().any(|method| *method != CirMethod::Shttp);
        self.is_established() && !self.policy.long_poll.is_zero() && !is_woken
    }

    /// Holds a poll; one that was held before is answered.
    // WV-POLL-11
    pub(super) fn hold_poll(&mut self, now: Timestamp, post: PostId) {
        self.drop_held_poll();
        let until = now.after(self.policy.long_poll.min(LONG_POLL_CEILING));
        self.held_poll = Some(HeldPoll { post, until });
    }

    /// Sends something without a poll. It keeps nothing alive: the client was not heard.
    // WV-PTS-06
    pub(super) fn push(&mut self, now: Timestamp, post: PostId) {
        match self.state {
            State::Open | State::Active => self.offer(now, post, Some(Occasion::Poll)),
            State::Ending(code) => self.say_farewell(post, code),
            State::Lapsed | State::Closed(_) => self.commands.push_back(Command::Respond { post, answer: None }),
        }
    }

    /// Answers the poll whose time is over, or whose session is.
    pub(super) fn release_poll(&mut self, now: Timestamp) {
        if self.held_poll.is_some_and(|held| held.until <= now || !self.is_established()) {
            self.drop_held_poll();
        }
    }

    /// Answers the poll that is held, with nothing.
    pub(super) fn drop_held_poll(&mut self) {
        if let Some(held) = self.held_poll.take() {
            self.commands.push_back(Command::Respond { post: held.post, answer: None });
        }
    }
}
