//! One message on its way to a far side that answers each attempt (messaging, "Held answers" of the design).
//!
//! While the sender's answer is held nothing is stored. When the wait runs out, or when the far side cannot take the
//! message now, the message is stored, the sender answered, and its fate told later.

use crate::{outcome::Outcome, witness::met};
use smallvec::SmallVec;
use std::time::Duration;

/// Where the message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayState {
    /// The answer is held; an older message of the same pair is on its way.
    Queued,
    /// The answer is held; an attempt runs.
    Passing,
    /// Stored and answered; an attempt runs.
    Late,
    /// Stored and answered; no attempt runs.
    Waiting,
    /// Over.
    Done,
}

/// What happens to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayEvent {
    /// It is the message's turn: nothing older of its pair is left, and no wait forbids it.
    Turn,
    /// The far side's final answer to the attempt.
    Verdict { outcome: Outcome, retry_after: Option<Duration> },
    /// The sender's answer was held long enough.
    WaitOver,
    /// The message has lost its value.
    Expiry,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayAction {
    /// Try to deliver.
    Attempt,
    /// Keep the message.
    Store,
    /// Answer the sender.
    Settle(Outcome),
    /// Tell the sender, if asked.
    Report(Outcome),
    /// Try again after a wait; as long as asked, else by back-off.
    Retry(Option<Duration>),
    /// Forget the message.
    Forget,
}

/// The actions of one step.
pub(crate) type RelayActions = SmallVec<[RelayAction; 3]>;

/// The machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RelayMachine {
    pub(crate) state: RelayState,
    /// Whether the message may be stored when the far side cannot take it now.
    pub(crate) storage: Storage,
}

/// Whether messages are kept for recipients that cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// The sender is told at once that the recipient is not there.
    Off,
    /// The message is kept and tried again.
    On,
}

impl RelayMachine {
    pub(crate) const fn new(storage: Storage) -> Self {
        Self { state: RelayState::Queued, storage }
    }

    /// A message found in the store after a restart.
    pub(crate) const fn restored(storage: Storage) -> Self {
        Self { state: RelayState::Waiting, storage }
    }

    pub(crate) fn handle(&mut self, event: RelayEvent) -> RelayActions {
        met("mapping_relay", format_args!("{:?} {:?} {event:?}", self.storage, self.state));
        use RelayAction::{Attempt, Forget, Report, Retry, Settle, Store};
        use RelayState::{Done, Late, Passing, Queued, Waiting};
        let (state, actions) = match (self.state, event) {
            (Queued, RelayEvent::Turn) => (Passing, RelayActions::from_iter([Attempt])),
            (Queued, RelayEvent::WaitOver) => (Waiting, RelayActions::from_iter([Store, Settle(Outcome::Stored)])),
            (Queued, RelayEvent::Expiry) => (Done, RelayActions::from_iter([Settle(Outcome::Expired), Forget])),
            (Passing, RelayEvent::WaitOver) => (Late, RelayActions::from_iter([Store, Settle(Outcome::Stored)])),
            (Passing, RelayEvent::Verdict { outcome, retry_after }) => match Verdict::of(outcome) {
                // The report, when asked for, comes after the answer.
                Verdict::Taken => (Done, RelayActions::from_iter([Settle(outcome), Report(outcome), Forget])),
                Verdict::NotNow if self.storage == Storage::On => {
                    (Waiting, RelayActions::from_iter([Store, Settle(Outcome::Stored), Retry(retry_after)]))
                }
                // The answer itself tells the failure: no report on top of it.
                Verdict::NotNow | Verdict::Never => (Done, RelayActions::from_iter([Settle(outcome), Forget])),
            },
            (Late, RelayEvent::Verdict { outcome, retry_after }) => match Verdict::of(outcome) {
                Verdict::NotNow => (Waiting, RelayActions::from_iter([Retry(retry_after)])),
                Verdict::Taken | Verdict::Never => (Done, RelayActions::from_iter([Report(outcome), Forget])),
            },
            (Waiting, RelayEvent::Turn) => (Late, RelayActions::from_iter([Attempt])),
            (Late | Waiting, RelayEvent::Expiry) => (Done, RelayActions::from_iter([Report(Outcome::Expired), Forget])),
            // A verdict on an attempt that is not running, a turn while one is, a wait that has no answer to hold.
            (state @ Queued, RelayEvent::Verdict { .. })
            | (state @ Passing, RelayEvent::Turn | RelayEvent::Expiry)
            | (state @ Late, RelayEvent::Turn | RelayEvent::WaitOver)
            | (state @ Waiting, RelayEvent::Verdict { .. } | RelayEvent::WaitOver)
            | (
                state @ Done,
                RelayEvent::Turn | RelayEvent::Verdict { .. } | RelayEvent::WaitOver | RelayEvent::Expiry,
            ) => (state, RelayActions::new()),
        };
        self.state = state;
        actions
    }
}

/// What an outcome of an attempt means for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The far side has it.
    Taken,
    /// Trying again later is sensible.
    NotNow,
    /// It will never take it.
    Never,
}

impl Verdict {
    pub(crate) const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success | Outcome::Stored | Outcome::Forwarded => Self::Taken,
            Outcome::NotLoggedIn | Outcome::Timeout | Outcome::Unavailable | Outcome::QueueFull => Self::NotNow,
            Outcome::PartialSuccess
            | Outcome::MultipleErrors
            | Outcome::BadRequest
            | Outcome::BadParameter
            | Outcome::Unauthorized
            | Outcome::Forbidden
            | Outcome::ServiceNotSupported
            | Outcome::NotImplemented
            | Outcome::ServiceNotAgreed
            | Outcome::UnknownUser
            | Outcome::UnknownDomain
            | Outcome::BadAddress
            | Outcome::Blocked
            | Outcome::RecipientUnauthorized
            | Outcome::Rejected
            | Outcome::Undeliverable
            | Outcome::TooLarge
            | Outcome::UnsupportedContent
            | Outcome::Expired
            | Outcome::NotDecided
            | Outcome::InternalError
            | Outcome::VersionNotSupported
            | Outcome::UnknownMessage
            | Outcome::UnknownContactList
            | Outcome::ContactListExists
            | Outcome::BadContactListProperty
            | Outcome::TooManyContactLists
            | Outcome::TooManyContacts
            | Outcome::BadPresenceAttribute
            | Outcome::BadPresenceValue
            | Outcome::AutoSubscribeNotSupported
            | Outcome::TooManyAttributeLists
            | Outcome::UnknownConversation
            | Outcome::ConversationExists
            | Outcome::ConversationRestricted
            | Outcome::BadConversationProperty
            | Outcome::NameMissing
            | Outcome::AlreadyJoined
            | Outcome::NotJoined
            | Outcome::KeptOut
            | Outcome::NotMember
            | Outcome::NameTaken
            | Outcome::PrivateMessagesOff
            | Outcome::PrivateMessagesRefused
            | Outcome::TooManyConversations
            | Outcome::ConversationsFull
            | Outcome::InsufficientRights
            | Outcome::TooManyParticipants
            | Outcome::NoHistory
            | Outcome::UnknownInvitation
            | Outcome::NotEnoughCredit => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests;
