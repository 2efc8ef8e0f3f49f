//! Outcomes as SIP status codes and back. Rows: `fixtures/mapping/outcome.toml`.

use mapping::outcome::Outcome;

/// What a status code answers; some outcomes read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// SUBSCRIBE, and PUBLISH where it differs in nothing.
    Presence,
    /// MESSAGE.
    Message,
    /// REGISTER.
    Registration,
}

/// The final response for an outcome. Nothing here gives 401 or 407: an outcome holds no challenge.
#[must_use]
pub const fn to_status(outcome: Outcome, purpose: Purpose) -> u16 {
    match outcome {
        Outcome::Success => 200,
        Outcome::Stored | Outcome::Forwarded => match purpose {
            // RFC 3428 §7
            Purpose::Message => 202,
            // RFC 6665 §8.3.1
            Purpose::Presence | Purpose::Registration => 200,
        },
        Outcome::BadRequest | Outcome::BadParameter => 400,
        Outcome::Unauthorized
        | Outcome::Forbidden
        | Outcome::Blocked
        | Outcome::RecipientUnauthorized
        | Outcome::ConversationExists
        | Outcome::ConversationRestricted
        | Outcome::KeptOut
        | Outcome::NotMember
        | Outcome::InsufficientRights
        | Outcome::PrivateMessagesOff
        | Outcome::PrivateMessagesRefused
        | Outcome::NotEnoughCredit => 403,
        Outcome::UnknownUser | Outcome::UnknownDomain | Outcome::BadAddress | Outcome::UnknownConversation => 404,
        Outcome::NotJoined => 481,
        Outcome::ServiceNotSupported | Outcome::NotImplemented | Outcome::ServiceNotAgreed => match purpose {
            Purpose::Presence => 489,
            Purpose::Message | Purpose::Registration => 405,
        },
        Outcome::TooLarge => 413,
        Outcome::UnsupportedContent => 415,
        Outcome::NotLoggedIn
        | Outcome::Undeliverable
        | Outcome::Expired
        | Outcome::QueueFull
        // RFC 4320 §4.2: never 408 to a non-INVITE request.
        | Outcome::Timeout
        | Outcome::NotDecided => 480,
        Outcome::Rejected => 603,
        Outcome::Unavailable => 503,
        Outcome::PartialSuccess
        | Outcome::MultipleErrors
        | Outcome::InternalError
        | Outcome::VersionNotSupported
        | Outcome::UnknownMessage
        | Outcome::UnknownContactList
        | Outcome::ContactListExists
        | Outcome::BadContactListProperty
        | Outcome::TooManyContactLists
        | Outcome::TooManyContacts
        | Outcome::TooManyAttributeLists
        | Outcome::BadPresenceAttribute
        | Outcome::BadPresenceValue
        | Outcome::BadConversationProperty
        | Outcome::NameMissing
        | Outcome::AlreadyJoined
        | Outcome::NameTaken
        | Outcome::TooManyConversations
        | Outcome::ConversationsFull
        | Outcome::TooManyParticipants
        | Outcome::NoHistory
        | Outcome::UnknownInvitation
        | Outcome::AutoSubscribeNotSupported => 500,
    }
}

/// Whether the response should say when to come back.
#[must_use]
pub const fn wants_retry_after(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::QueueFull | Outcome::Unavailable)
}

/// The outcome that a final response to a request of ours means.
#[must_use]
pub const fn from_status(status: u16, purpose: Purpose) -> Outcome {
    let is_message = matches!(purpose, Purpose::Message);
    match status {
        202 if is_message => Outcome::Stored,
        200..=299 => Outcome::Success,
        402 => Outcome::NotEnoughCredit,
        403 | 433 | 607 | 608 => Outcome::Blocked,
        404 | 410 | 604 => Outcome::UnknownUser,
        405 | 489 => Outcome::ServiceNotSupported,
        406 | 415 | 488 | 493 | 606 => Outcome::UnsupportedContent,
        408 | 430 | 504 => Outcome::Timeout,
        413 | 513 => Outcome::TooLarge,
        414 | 416 | 484 | 485 => Outcome::BadAddress,
        420 | 421 | 469 | 494 | 501 => Outcome::NotImplemented,
        428 | 429 | 436 | 437 | 438 => Outcome::Forbidden,
        470 => Outcome::RecipientUnauthorized,
        480 => Outcome::NotLoggedIn,
        401 | 407 | 481 | 503 => Outcome::Unavailable,
        486 | 487 | 600 => Outcome::Undeliverable,
        505 => Outcome::VersionNotSupported,
        603 => {
            if is_message {
                Outcome::Rejected
            } else {
                Outcome::Blocked
            }
        }
        400 | 440 | 482 | 483 | 500..=599 => Outcome::InternalError,
        600..=699 => Outcome::Blocked,
        _ => {
            if is_message {
                Outcome::Undeliverable
            } else {
                Outcome::InternalError
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_never_told_as_408() {
        assert_eq!(to_status(Outcome::Timeout, Purpose::Message), 480);
    }

    #[test]
    fn a_decline_reads_by_purpose() {
        assert_eq!(from_status(603, Purpose::Message), Outcome::Rejected);
        assert_eq!(from_status(603, Purpose::Presence), Outcome::Blocked);
    }
}
