//! How long a subscription at a neighbour server is left alone after it ended or failed (subscription mapping §2, §5).

use crate::{limit::Limits, outcome::Outcome, watcher::EndReason};
use std::time::Duration;

/// What the end of a back-end subscription means for its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sequel {
    /// Subscribe anew at once.
    Again,
    /// Subscribe anew after this wait.
    Later(Duration),
    /// Subscribe anew after back-off, at the earliest after this wait.
    BackOff(Duration),
    /// The watcher is refused.
    Denied(Duration),
    /// The domain has no presence.
    WithoutPresence(Duration),
    /// There is no such presentity.
    Gone(Duration),
    /// The state that is known will stay.
    Fixed,
}

impl Sequel {
    /// After the far side ended it (RFC 6665 §4.1.3).
    pub(crate) fn of_end(reason: EndReason, retry_after: Option<Duration>, limits: &Limits) -> Self {
        match reason {
            EndReason::Deactivated => Self::Again,
            EndReason::Probation => Self::Later(retry_after.unwrap_or(limits.probation_wait)),
            EndReason::Giveup => Self::Later(retry_after.unwrap_or(limits.giveup_wait)),
            EndReason::Timeout => Self::Later(limits.renewal_wait),
            EndReason::Rejected => Self::Denied(limits.denied_wait),
            EndReason::NoResource => Self::Gone(limits.unknown_wait),
            EndReason::Invariant => Self::Fixed,
        }
    }

    /// After it could not be set up.
    pub(crate) fn of_failure(outcome: Outcome, retry_after: Option<Duration>, limits: &Limits) -> Self {
        match outcome {
            Outcome::Blocked
            | Outcome::Forbidden
            | Outcome::Rejected
            | Outcome::Unauthorized
            | Outcome::RecipientUnauthorized => Self::Denied(limits.denied_wait),
            Outcome::ServiceNotSupported | Outcome::NotImplemented | Outcome::ServiceNotAgreed => {
                Self::WithoutPresence(limits.no_presence_wait)
            }
            Outcome::UnknownUser | Outcome::UnknownDomain | Outcome::BadAddress => Self::Gone(limits.unknown_wait),
            Outcome::Success
            | Outcome::PartialSuccess
            | Outcome::MultipleErrors
            | Outcome::Stored
            | Outcome::BadRequest
            | Outcome::BadParameter
            | Outcome::NotLoggedIn
            | Outcome::Undeliverable
            | Outcome::TooLarge
            | Outcome::UnsupportedContent
            | Outcome::Forwarded
            | Outcome::Expired
            | Outcome::QueueFull
            | Outcome::Timeout
            | Outcome::NotDecided
            | Outcome::Unavailable
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
            | Outcome::NotEnoughCredit => Self::BackOff(retry_after.unwrap_or_default()),
        }
    }
}

/// The wait before attempt number `failures` + 1, without jitter: doubled each time up to the limit.
pub(crate) fn backoff(failures: u32, limits: &Limits) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    limits.backoff_min.saturating_mul(1_u32 << doublings).min(limits.backoff_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_limit() {
        let limits = Limits::default();
        assert_eq!(backoff(1, &limits), limits.backoff_min);
        assert_eq!(backoff(2, &limits), limits.backoff_min * 2);
        assert_eq!(backoff(u32::MAX, &limits), limits.backoff_max);
    }

    #[test]
    fn waits_that_the_far_side_names_are_honoured() {
        let limits = Limits::default();
        let minute = Some(Duration::from_secs(60));
        assert_eq!(Sequel::of_end(EndReason::Probation, minute, &limits), Sequel::Later(Duration::from_secs(60)));
        assert_eq!(Sequel::of_failure(Outcome::Unavailable, minute, &limits), Sequel::BackOff(Duration::from_secs(60)));
    }
}
