//! What a session meets, as its state table names it.

use super::{CirChannel, Event, ServerSession, State};
use crate::{
    primitive::{Primitive, Transaction, TransactionMode},
    session::time::Timestamp,
    witness::met,
};

impl ServerSession {
    /// Names the cells that an event is about to reach: one for each transaction of a message.
    pub(super) fn name_cells(&self, event: &Event) {
        if !cfg!(debug_assertions) {
            return;
        }
        let name = match event {
            Event::Post(post) => {
                return post.message.transactions.iter().for_each(|one| self.name(self.name_of(one)));
            }
            Event::Push(_) => "push",
            Event::Answer { .. } => "answer of the owner",
            Event::Enqueue(_) => "enqueue",
            Event::Retract(_) => "retract",
            Event::Disconnect(_) => "disconnect",
            Event::Resume(_) => "resume",
            Event::CirChannel(CirChannel::Broken) => "CIR channel broken",
            Event::CirChannel(CirChannel::Quiet) => return,
        };
        self.name(name);
    }

    /// Names the cells that the time reaches.
    pub(super) fn name_times(&self, now: Timestamp) {
        if !cfg!(debug_assertions) {
            return;
        }
        let limits = &self.policy.limits;
        let is_established = self.is_established();
        if is_established && self.outbox.deadline(limits).is_some_and(|at| at <= now) {
            self.name("60 s pass");
        }
        if (is_established || matches!(self.state, State::Ending(_))) && self.keep_alive.lapses() <= now {
            self.name("keep-alive time passes");
        }
        if !matches!(self.state, State::Closed(_)) && self.keep_alive.ends(limits) <= now {
            self.name("keep-alive and grace pass");
        }
    }

    fn name(&self, event: &str) {
        let state = match self.state {
            State::Open => "OPEN",
            State::Active => "ACTIVE",
            State::Lapsed => "LAPSED",
            State::Ending(_) => "ENDING",
            State::Closed(_) => "CLOSED",
        };
        met("wv_server_session", format_args!("{state} | {event}"));
    }

    fn name_of(&self, transaction: &Transaction) -> &'static str {
        match (transaction.mode, &transaction.content) {
            (TransactionMode::Response, _) => match &transaction.id {
                Some(id) if self.outbox.is_open(id) => "response, transaction open",
                Some(_) | None => "response, none open",
            },
            (TransactionMode::Request, Err(_)) => "malformed request",
            (TransactionMode::Request, Ok(Primitive::PollingRequest)) => "poll",
            (TransactionMode::Request, Ok(Primitive::KeepAliveRequest(_))) => "KeepAlive-Request",
            (TransactionMode::Request, Ok(Primitive::ServiceRequest(_))) => "Service-Request",
            (TransactionMode::Request, Ok(Primitive::LogoutRequest)) => "Logout-Request",
            (TransactionMode::Request, Ok(Primitive::Other(_))) => "unknown request",
            (TransactionMode::Request, Ok(_)) => "request for the owner",
        }
    }
}
