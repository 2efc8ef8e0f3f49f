//! The neutral result of a request. Each side has a table from these to its own codes
//! (`fixtures/mapping/outcome.toml`), each cell tested.

use crate::address::Address;
use serde::{Deserialize, Serialize};

/// Neutral result. WV and SIP codes are functions of (outcome, operation, version or peer quirk).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done; for a message: handed to the far side or to a client of the recipient.
    Success,
    /// Done for some targets; the details name the others.
    PartialSuccess,
    /// Nothing was done, and the targets failed in different ways; the details name them.
    MultipleErrors,
    /// Taken over and stored; the fate is told later.
    Stored,
    /// The request cannot be understood.
    BadRequest,
    /// A value in the request is not possible.
    BadParameter,
    /// Credentials are missing or wrong.
    Unauthorized,
    /// The requester may not do this.
    Forbidden,
    /// The service is not offered at all.
    ServiceNotSupported,
    /// The service is known but not built here.
    NotImplemented,
    /// The service was not agreed between client and server.
    ServiceNotAgreed,
    /// The user does not exist.
    UnknownUser,
    /// Nobody serves the domain of the address.
    UnknownDomain,
    /// The address is malformed or cannot be used here.
    BadAddress,
    /// The target refuses the requester.
    Blocked,
    /// The recipient is not reachable now.
    NotLoggedIn,
    /// The recipient may not use the service.
    RecipientUnauthorized,
    /// The message was declined by the recipient.
    Rejected,
    /// The message cannot be delivered.
    Undeliverable,
    /// The message is larger than the recipient or the path takes.
    TooLarge,
    /// The recipient does not take this kind of content.
    UnsupportedContent,
    /// The message went to somebody else.
    Forwarded,
    /// The message's lifetime ended before delivery.
    Expired,
    /// A queue of the recipient or of the gateway is full.
    QueueFull,
    /// No answer in time.
    Timeout,
    /// The presentity has not decided yet.
    NotDecided,
    /// The other side, or a part of the gateway, cannot serve now; trying later is sensible.
    Unavailable,
    /// Something failed inside the gateway or the far server.
    InternalError,
    /// The protocol version of the far side is not supported.
    VersionNotSupported,
    /// The message is not known.
    UnknownMessage,
    /// The contact list does not exist.
    UnknownContactList,
    /// The contact list exists already.
    ContactListExists,
    /// A property of a contact list is not possible.
    BadContactListProperty,
    /// The user has the largest allowed number of contact lists.
    TooManyContactLists,
    /// The contact list holds the largest allowed number of contacts.
    TooManyContacts,
    /// The user has the largest allowed number of attribute lists.
    TooManyAttributeLists,
    /// A presence attribute is unknown or not supported.
    BadPresenceAttribute,
    /// A presence value is not possible.
    BadPresenceValue,
    /// Later members of a list cannot be subscribed automatically.
    AutoSubscribeNotSupported,
    /// The conversation does not exist.
    UnknownConversation,
    /// The conversation exists already.
    ConversationExists,
    /// Only members may take part in the conversation.
    ConversationRestricted,
    /// A property of a conversation is not possible.
    BadConversationProperty,
    /// A conversation that can be found needs a name or a topic.
    NameMissing,
    /// The user takes part already.
    AlreadyJoined,
    /// The user does not take part.
    NotJoined,
    /// The user is kept out of the conversation.
    KeptOut,
    /// The user is no member of the conversation.
    NotMember,
    /// Somebody else takes part under that name.
    NameTaken,
    /// Nobody may talk to one participant alone.
    PrivateMessagesOff,
    /// The participant does not want to be talked to alone.
    PrivateMessagesRefused,
    /// The user has the largest allowed number of conversations.
    TooManyConversations,
    /// The gateway has the largest allowed number of conversations.
    ConversationsFull,
    /// The role of the user does not allow it.
    InsufficientRights,
    /// The conversation holds the largest allowed number of participants or members.
    TooManyParticipants,
    /// What was said earlier is not kept.
    NoHistory,
    /// The invitation is not known.
    UnknownInvitation,
    /// The user's credit does not cover the request.
    NotEnoughCredit,
}

impl Outcome {
    /// Whether the request was carried out, wholly or by taking it over.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Success | Self::Stored)
    }
}

/// The result for one target of a request that had several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The target: a user or a contact list.
    pub target: Address,
    /// What became of it.
    pub outcome: Outcome,
}

/// The result for the whole from the results of the parts: the one outcome when all agree, [`Outcome::PartialSuccess`]
/// for a true mix with a success in it, [`Outcome::MultipleErrors`] when all failed differently.
#[must_use]
pub fn combine<'a>(details: impl IntoIterator<Item = &'a Detail>) -> Outcome {
    let mut combined: Option<Outcome> = None;
    let (mut succeeded, mut mixed) = (false, false);
    for detail in details {
        succeeded |= detail.outcome.is_success();
        match combined {
            None => combined = Some(detail.outcome),
            // Of two successes the weaker promise holds for the whole.
            Some(first) if first != detail.outcome && first.is_success() && detail.outcome.is_success() => {
                combined = Some(Outcome::Stored);
            }
            Some(first) if first != detail.outcome => mixed = true,
            Some(_) => {}
        }
    }
    match (combined, mixed, succeeded) {
        (Some(_), true, true) => Outcome::PartialSuccess,
        (Some(_), true, false) => Outcome::MultipleErrors,
        (Some(outcome), false, _) => outcome,
        (None, ..) => Outcome::Success,
    }
}
