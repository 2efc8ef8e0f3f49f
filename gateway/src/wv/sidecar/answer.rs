//! Answers of the engine to what servers told shadows.

use super::{SessionEvent, Sidecar, command::Purpose, shadow::Consent};
use crate::wv::translate::outcome;
use mapping::{address::Address, command::Answer, outcome::Outcome, time::Timestamp};
use wv_proto::{
    primitive::{
        Primitive, access::Status, delivery::RejectMessageRequest, function::Function, identifier::MessageId,
        message::MessageDelivered,
    },
    session::standing::usual_answer,
    status::StatusCode,
    version::Version,
};

/// What to do when the engine answers.
pub(super) enum Pending {
    /// A message is taken over, or is not.
    Message { shadow: usize, offer: Offer, id: Option<MessageId> },
    /// A WV user wants to see the SIP user.
    Watch { shadow: usize, watcher: Address, ticket: Option<u64> },
    /// The SIP user is told of an invitation.
    Invitation { shadow: usize, ticket: u64 },
    /// Nothing: the outcome changes nothing here.
    Nothing,
}

impl Pending {
    /// The shadow and the number of what the server waits for.
    pub(super) const fn offered(&self) -> Option<(usize, u64)> {
        match self {
            Self::Message { shadow, offer: Offer::Pushed(ticket), .. }
            | Self::Watch { shadow, ticket: Some(ticket), .. }
            | Self::Invitation { shadow, ticket } => Some((*shadow, *ticket)),
            Self::Message { .. } | Self::Watch { .. } | Self::Nothing => None,
        }
    }
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Pushed, under this number.
    Pushed(u64),
    /// Fetched.
    Fetched,
}

impl Sidecar {
    pub(super) fn engine_answered(&mut self, now: Timestamp, number: u64, answer: &Answer) {
        match self.pending.remove(&number) {
            Some(Pending::Message { shadow, offer, id }) => {
                let outcome = match answer {
                    Answer::Sent { outcome, details, .. } => details.first().map_or(*outcome, |detail| detail.outcome),
                    Answer::Done { outcome, .. } => *outcome,
                    // The engine answers a message with nothing else.
                    _ => Outcome::InternalError,
                };
                self.message_answered(now, shadow, offer, id, outcome);
            }
            Some(Pending::Watch { shadow, watcher, ticket }) => {
                if let Some(ticket) = ticket {
                    let primitive = Primitive::Status(Status::from(StatusCode::SUCCESS));
                    self.turn(now, shadow, SessionEvent::Respond { ticket, primitive });
                }
                let outcome = match answer {
                    Answer::Done { outcome, details } => details.first().map_or(*outcome, |detail| detail.outcome),
                    _ => Outcome::Success,
                };
                if matches!(outcome, Outcome::Blocked | Outcome::Forbidden | Outcome::UnknownUser) {
                    self.consent(now, shadow, &watcher, Consent::Refused);
                }
            }
            Some(Pending::Invitation { shadow, ticket }) => {
                let outcome = match answer {
                    Answer::Done { outcome, details } | Answer::Conversation { outcome, details, .. } => {
                        details.first().map_or(*outcome, |detail| detail.outcome)
                    }
                    // The engine answers an invitation with nothing else.
                    _ => Outcome::InternalError,
                };
                if may_pass(outcome) {
                    return self.turn(now, shadow, SessionEvent::Withhold { ticket });
                }
                let code = if outcome.is_success() { StatusCode::SUCCESS } else { self.code_of(shadow, outcome) };
                self.turn(now, shadow, SessionEvent::Respond { ticket, primitive: Primitive::Status(code.into()) });
            }
            Some(Pending::Nothing) | None => {}
        }
    }

    /// What the SIP side said to a message decides what its server is told: only what is safe is acknowledged.
    // WV-CLI-11
    pub(super) fn message_answered(
        &mut self,
        now: Timestamp,
        shadow: usize,
        offer: Offer,
        id: Option<MessageId>,
        outcome: Outcome,
    ) {
        let is_safe = outcome.is_success();
        match (offer, id) {
            (Offer::Pushed(ticket), Some(message_id)) if is_safe => {
                let primitive = Primitive::MessageDelivered(MessageDelivered { message_id });
                self.turn(now, shadow, SessionEvent::Respond { ticket, primitive });
            }
            (Offer::Pushed(ticket), None) if is_safe => {
                let primitive = Primitive::Status(Status::from(StatusCode::SUCCESS));
                self.turn(now, shadow, SessionEvent::Respond { ticket, primitive });
            }
            (Offer::Fetched, Some(message_id)) if is_safe => {
                let primitive = Primitive::MessageDelivered(MessageDelivered { message_id });
                self.ask_server(now, shadow, Purpose::Tell, primitive);
            }
            // It is offered again, when it may be possible.
            (Offer::Pushed(ticket), _) if may_pass(outcome) => {
                self.turn(now, shadow, SessionEvent::Withhold { ticket });
            }
            (Offer::Pushed(ticket), id) => {
                let code = self.code_of(shadow, outcome);
                match id.filter(|_| self.may(shadow, Function::Rejcm)) {
                    // Its sender hears that it was refused.
                    Some(id) => {
                        let request = RejectMessageRequest { message_ids: vec![id] };
                        let purpose = Purpose::Reject { ticket, code };
                        self.ask_server(now, shadow, purpose, Primitive::RejectMessageRequest(request));
                    }
                    None => {
                        let primitive = Primitive::Status(code.into());
                        self.turn(now, shadow, SessionEvent::Respond { ticket, primitive });
                    }
                }
            }
            (Offer::Fetched, Some(id)) if !may_pass(outcome) && self.may(shadow, Function::Rejcm) => {
                let request = RejectMessageRequest { message_ids: vec![id] };
                self.ask_server(now, shadow, Purpose::Tell, Primitive::RejectMessageRequest(request));
            }
            (Offer::Fetched, _) => {}
        }
    }

    /// The code that tells a server an outcome.
    fn code_of(&self, shadow: usize, outcome: Outcome) -> StatusCode {
        let peer = self.shadows.get(shadow).and_then(|shadow| self.settings.peers.get(shadow.peer));
        outcome::to_code(outcome, peer.map_or(Version::V1_3, |peer| peer.session.version))
    }

    /// Whether the server granted a function.
    pub(super) fn may(&self, shadow: usize, function: Function) -> bool {
        self.shadows.get(shadow).is_some_and(|shadow| !shadow.session.refused().contains(function))
    }

    /// What is answered that needs no thought.
    pub(super) fn acknowledge(&mut self, now: Timestamp, shadow: usize, ticket: u64, primitive: &Primitive) {
        let primitive = usual_answer(primitive);
        self.turn(now, shadow, SessionEvent::Respond { ticket, primitive });
    }
}

/// Whether another try may succeed.
const fn may_pass(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Unavailable
            | Outcome::Timeout
            | Outcome::NotLoggedIn
            | Outcome::InternalError
            | Outcome::QueueFull
            | Outcome::NotDecided
    )
}
