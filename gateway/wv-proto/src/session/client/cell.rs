//! What a client meets, as its state table names it.

use super::{ClientSession, Event, State, Step};
use crate::{
    primitive::{Envelope, Primitive, TransactionMode},
    status::StatusCode,
    witness::met,
};

impl ClientSession {
    /// Names the cell that an event is about to reach.
    pub(super) fn name_cell(&self, event: &Event) {
        if !cfg!(debug_assertions) {
            return;
        }
        self.name(match event {
            Event::LogIn => "log in",
            Event::Resume => "resume",
            Event::Request(_) => "request",
            Event::Poll => "poll",
            Event::Lost => "lost",
            Event::Received(None) => "empty body",
            Event::Received(Some(envelope)) => self.name_of(envelope),
        });
    }

    pub(super) fn name(&self, event: &str) {
        if !cfg!(debug_assertions) {
            return;
        }
        let polls = self.under_way.as_ref().map(|sent| {
            let mut contents = sent.transactions.iter().map(|transaction| &transaction.content);
            contents.next() == Some(&Ok(Primitive::PollingRequest))
        });
        let state = match (&self.state, polls) {
            (State::Idle, _) => "IDLE",
            (State::LoggingIn { step: Step::First, .. }, _) => "LOGGING-IN",
            (State::LoggingIn { step: Step::Proving, .. }, _) => "PROVING",
            (State::Active, None) => "ACTIVE",
            (State::Active, Some(false)) => "ASKING",
            (State::Active, Some(true)) => "POLLING",
            (State::Ended, _) => "ENDED",
        };
        met("wv_client_session", format_args!("{state} | {event}"));
    }

    /// An answer goes by its first transaction.
    fn name_of(&self, envelope: &Envelope) -> &'static str {
        let Some(first) = envelope.transactions.first() else { return "empty body" };
        let sent = self.under_way.iter().flat_map(|sent| &sent.transactions);
        let is_expected = first.mode == TransactionMode::Request || sent.map(|one| &one.id).any(|id| *id == first.id);
        if !is_expected {
            return "nothing under that id";
        }
        match &first.content {
            Ok(Primitive::LoginResponse(response)) if response.session_id.is_some() => "login accepted",
            Ok(Primitive::LoginResponse(response)) if response.nonce.is_some() => "challenge",
            Ok(Primitive::LoginResponse(response)) if response.result.code == StatusCode::UNAUTHORIZED => {
                "challenge without nonce"
            }
            Ok(Primitive::LoginResponse(_)) => "login refused",
            Ok(Primitive::NewMessage(_)) => "NewMessage",
            Ok(Primitive::Disconnect(_)) => "Disconnect",
            Ok(Primitive::PresenceAuthRequest(_)) => "PresenceAuth-Request",
            Ok(Primitive::Status(status)) if status.result.code.ends_session() => "601 to it",
            Ok(_) | Err(_) if envelope.poll == Some(true) => "Poll is T",
            Ok(_) | Err(_) => "its answer",
        }
    }
}
