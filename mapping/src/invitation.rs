//! Invitations of one user to another, neutral.

use crate::{address::Address, message::Content, presence::AttributeSet, time::Timestamp};
use serde::{Deserialize, Serialize};

/// One invitation to one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The inviter's name for it.
    pub id: String,
    /// To what.
    pub kind: InvitationKind,
    /// Who invites.
    pub inviter: Address,
    /// Who is invited.
    pub invitee: Address,
    /// The name of the inviter in the conversation.
    pub inviter_name: Option<String>,
    /// Into which conversation.
    pub conversation: Option<Address>,
    /// The conversation as its creator wrote it.
    pub written: String,
    /// Which presence is meant.
    pub attributes: Option<AttributeSet>,
    /// Where something is to be seen.
    pub links: Vec<String>,
    /// What the inviter says.
    pub note: Option<String>,
    /// Which application is meant.
    #[serde(default)]
    pub application: Option<String>,
    /// When it is void.
    pub expires: Timestamp,
}

/// To what somebody is invited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationKind {
    /// To take part in a conversation.
    Conversation,
    /// To take part in what was a talk of two until now.
    ExtendedTalk,
    /// The same, said with a mere invitation.
    TalkExtension,
    /// To take part in a conversation that is being extended.
    ConversationExtension,
    /// To become a member of a conversation.
    Membership,
    /// To exchange messages.
    Message,
    /// To watch each other.
    Presence,
    /// To look at something.
    Content,
    /// To use an application.
    Application,
}

impl InvitationKind {
    /// Whether a conversation belongs to it.
    #[must_use]
    pub const fn needs_conversation(self) -> bool {
        match self {
            Self::Conversation
            | Self::ExtendedTalk
            | Self::TalkExtension
            | Self::ConversationExtension
            | Self::Membership => true,
            Self::Message | Self::Presence | Self::Content | Self::Application => false,
        }
    }

    /// Whether a text can stand for it where nobody can be invited.
    // WV-INV-06
    #[must_use]
    pub const fn can_be_said(self) -> bool {
        match self {
            Self::Conversation | Self::Membership | Self::Message | Self::Presence | Self::Content => true,
            Self::ExtendedTalk | Self::TalkExtension | Self::ConversationExtension | Self::Application => false,
        }
    }
}

/// The word of an invited user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationAnswer {
    /// The inviter's name for the invitation.
    pub id: String,
    /// Who was invited.
    pub invitee: Address,
    /// What it says.
    pub verdict: InvitationVerdict,
    /// What else it says.
    pub note: Option<String>,
}

/// Whether an invitation was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationVerdict {
    /// Yes.
    Accepted,
    /// No.
    Declined,
    /// Nothing was said in time.
    Unanswered,
}

/// What a client is told about invitations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvitationNews {
    /// It is invited.
    Invited(Box<Invitation>),
    /// What became of its own invitation; to be acknowledged by
    /// [`crate::event::EventKind::InvitationAnswerTaken`].
    Answered(InvitationAnswer),
    /// An invitation is taken back, or void.
    Withdrawn {
        /// The inviter's name for it.
        id: String,
        /// Who invited.
        inviter: Address,
        /// What the inviter says.
        note: Option<String>,
    },
    /// An invitation was answered elsewhere: it needs not be shown any more.
    Settled {
        /// The inviter's name for it.
        id: String,
        /// Who invited.
        inviter: Address,
    },
}

/// An answer of a user to an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The inviter's name for the invitation.
    pub id: String,
    /// Who invited, if the client says so.
    pub inviter: Option<Address>,
    /// Yes or no.
    pub accepts: bool,
    /// What else is said.
    pub note: Option<String>,
    /// Whether a yes is also the wish to take part at once.
    pub joins: bool,
}

/// A talk of two that becomes a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The address of the conversation, of the user who asks.
    pub conversation: Address,
    /// The address as it is told to clients.
    pub written: String,
    /// The name under which who asks knows it.
    pub id: String,
    /// Who is to take part.
    pub recipients: Vec<Address>,
    /// The name of who asks in it.
    pub name: Option<String>,
    /// Whether changes are to be told.
    pub follow: bool,
    /// What somebody who joins is told.
    pub welcome: Option<Content>,
    /// When the invitations are void.
    pub expires: Timestamp,
}
