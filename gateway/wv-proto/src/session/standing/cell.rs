//! What a standing session meets, as its state table names it.

use super::{Event, StandingSession, State, Step};
use crate::primitive::{Envelope, Primitive, TransactionMode};
use crate::witness::met;

impl StandingSession {
    /// Names the cell that an event is about to reach.
    pub(super) fn name_cell(&self, event: &Event) {
        if !cfg!(debug_assertions) {
            return;
        }
        self.name(match event {
            Event::Want => "want",
            Event::Leave => "leave",
            Event::Admit => "admit",
            Event::Release => "release",
            Event::Retry => "retry",
            Event::Request(_) => "request",
            Event::Respond { .. } => "respond",
            Event::Withhold { .. } => "withhold",
            Event::WakeUp => "wake-up",
            Event::Channel(true) => "channel works",
            Event::Channel(false) => "channel lost",
            Event::Lost { .. } => "lost",
            Event::Received { answer: None, .. } => "empty body",
            Event::Received { answer: Some(envelope), .. } => name_of(envelope),
        });
    }

    pub(super) fn name(&self, event: &str) {
        if cfg!(debug_assertions) {
            met("wv_standing_session", format_args!("{} | {event}", self.state_name()));
        }
    }

    pub(super) const fn state_name(&self) -> &'static str {
        match (&self.state, self.wanted, self.flights.is_empty()) {
            (State::Out, false, _) => "OUT",
            (State::Out, true, _) => "WANTED",
            (State::Entering { step: Step::First, .. }, ..) => "ENTERING",
            (State::Entering { step: Step::Proving, .. }, ..) => "PROVING",
            (State::Describing, ..) => "DESCRIBING",
            (State::Agreeing, ..) => "AGREEING",
            (State::Open, _, true) => "OPEN",
            (State::Open, _, false) => "TALKING",
            (State::Leaving, ..) => "LEAVING",
            (State::Barred(_), ..) => "BARRED",
        }
    }
}

/// An answer goes by its first transaction.
fn name_of(envelope: &Envelope) -> &'static str {
    let Some(first) = envelope.transactions.first() else { return "empty body" };
    match (&first.content, first.mode) {
        (Ok(Primitive::LoginResponse(response)), _) if response.session_id.is_some() => "login accepted",
        (Ok(Primitive::LoginResponse(response)), _) if response.nonce.is_some() => "challenge",
        (Ok(Primitive::LoginResponse(_)), _) => "login refused",
        (Ok(Primitive::Disconnect(_)), _) => "Disconnect",
        (Ok(Primitive::Status(status)), _) if status.result.code.number() == 601 => "601 to it",
        (Ok(Primitive::Status(status)), _) if status.result.code.ends_session() => "604 to it",
        (Ok(_), TransactionMode::Request) => "a question",
        (Ok(_) | Err(_), _) => "an answer",
    }
}
