//! What one user's shard says to another's. Never on a wire and never kept: both ends run the same program.

use crate::{
    address::Address,
    command::Happening,
    engine::{ConversationWord, InvitationWord},
    message::{Message, Report},
    outcome::Outcome,
    presence::{AttributeSet, PresenceDocument},
    watcher::EndReason,
};
use std::sync::Arc;

/// What one shard says to another. The addressee is in [`crate::command::Forwarded::to`].
#[derive(Clone, Debug)]
pub(crate) enum Word {
    /// To a hosted recipient: this message is for you.
    Offer {
        message: Message,
        /// The sender's gather that waits for the verdict.
        ticket: Option<u64>,
    },
    /// To a sender: what became of a message as far as the answer is concerned.
    Verdict { ticket: u64, recipient: Address, outcome: Outcome },
    /// To a sender: the later fate of a message.
    Fate(Report),
    /// To a presentity: somebody wants to watch, or wants to see something else.
    StartWatch {
        watcher: Address,
        attributes: AttributeSet,
        /// The watcher's gather that waits for the standing.
        ticket: Option<u64>,
    },
    /// To a presentity: the watcher is gone.
    StopWatch { watcher: Address },
    /// To a watcher: how it stands with the presentity now.
    Standing { presentity: Address, ticket: Option<u64>, standing: Standing },
    /// To a presentity: somebody wants to see it once.
    Look { watcher: Address, attributes: AttributeSet, ticket: u64 },
    /// To a watcher: what was seen.
    Seen { presentity: Address, ticket: u64, seen: Result<Seen, Outcome> },
    /// About a conversation.
    Conversation(Box<ConversationWord>),
    /// About an invitation.
    Invitation(Box<InvitationWord>),
    /// To anybody: something happened that concerns it.
    Happened(Box<Happening>),
}

/// A presentity as one watcher may see it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) document: Arc<PresenceDocument>,
    pub(crate) granted: AttributeSet,
}

/// How a watcher stands with a presentity.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Nothing is known yet.
    Unclear,
    /// The presentity has not decided.
    Pending,
    /// The watcher sees this.
    Active(Seen),
    /// The presentity said no after it had said yes or nothing.
    Refused,
    /// The presentity cannot be seen.
    Failed(EndReason),
    /// The watch was not even begun.
    Declined(Outcome),
}

impl Standing {
    /// Whether the other says nothing new.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Active(one), Self::Active(two)) => {
                one.granted == two.granted
                    && (Arc::ptr_eq(&one.document, &two.document) || one.document == two.document)
            }
            (Self::Failed(one), Self::Failed(two)) => one == two,
            (Self::Declined(one), Self::Declined(two)) => one == two,
            (Self::Unclear, Self::Unclear) | (Self::Pending, Self::Pending) | (Self::Refused, Self::Refused) => true,
            _ => false,
        }
    }
}
