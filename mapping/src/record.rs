//! What must survive the process. Records are upserts and deletions by key; the store neither reads nor orders them.

use crate::{
    address::Address,
    announcement::Announcement,
    contact_list::ContactList,
    conversation::machine::Person,
    engine::{Joining, KeptConversation, Received, Sent},
    event::{Attachment, DeliveryId},
    invitation::Invitation,
    message::{Message, MessageId, Report},
    presence::{AttributeSet, DeviceId, PresenceDocument},
    screening::Screening,
    side::Endpoint,
    time::Timestamp,
    watcher::{Beyond, Decision},
};
use serde::{Deserialize, Serialize};

/// One durable fact of one user, or its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// This is so from now on.
    Put(Fact),
    /// This is no longer so.
    Delete(FactKey),
}

/// The name of a fact: same key, newer fact replaces older.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FactKey {
    /// A device that is there.
    Attachment(Address, Endpoint),
    /// What a device says.
    Publication(Address, DeviceId),
    /// A watch: presentity, endpoint.
    Watch(Address, Endpoint),
    /// A contact list watched as such: its address, endpoint.
    ListWatch(Address, Endpoint),
    /// The presentity's word on a watcher: presentity, watcher.
    Authorization(Address, Address),
    /// A question to the presentity that is not answered: presentity, watcher.
    Question(Address, Address),
    /// A contact list.
    ContactList(Address),
    /// What the operator said: user, its name.
    Announcement(Address, String),
    /// The block and grant lists of a user.
    Screening(Address),
    /// A message taken over for a recipient that has not got it: recipient, message.
    Inbox(Address, MessageId),
    /// A message taken over from a sender that waits for the far side: sender, message, recipient.
    Outbox(Address, MessageId, Address),
    /// A report that its sender has not got: sender, message, recipient.
    Report(Address, MessageId, Address),
    /// A message that may come again: recipient or sender, origin.
    Origin(Address, String),
    /// A message that the far side took over and will report on: sender, message, recipient.
    Awaited(Address, MessageId, Address),
    /// A conversation.
    Conversation(Address),
    /// A user as a conversation knows it: conversation, user.
    Person(Address, Address),
    /// A message that a conversation keeps: conversation, message.
    Said(Address, MessageId),
    /// An invitation to a user: invitee, inviter, the inviter's name for it.
    Invitation(Address, Address, String),
    /// An invitation of a user: inviter, its name for it, invitee.
    Sent(Address, String, Address),
    /// That a user takes part in a conversation of a neighbour: user, conversation, endpoint.
    FarSeat(Address, Address, Endpoint),
}

/// A durable fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the keys and of the types they hold")]
pub enum Fact {
    Attachment {
        user: Address,
        endpoint: Endpoint,
        attachment: Attachment,
    },
    Publication {
        user: Address,
        device: DeviceId,
        document: Box<PresenceDocument>,
    },
    Watch {
        watcher: Address,
        presentity: Address,
        endpoint: Endpoint,
        attributes: AttributeSet,
        list: Option<Address>,
    },
    ListWatch {
        watcher: Address,
        list: Address,
        endpoint: Endpoint,
        attributes: AttributeSet,
        auto_subscribe: bool,
    },
    Authorization {
        presentity: Address,
        watcher: Address,
        decision: Decision,
        attributes: AttributeSet,
        #[serde(default)]
        beyond: Beyond,
    },
    Question {
        presentity: Address,
        watcher: Address,
        attributes: AttributeSet,
        since: Timestamp,
    },
    ContactList(ContactList),
    Announcement(Announcement),
    Screening {
        user: Address,
        screening: Screening,
    },
    /// Where copies are named, a device has the message, and only these others may get it too.
    Inbox {
        message: Message,
        offered: bool,
        copies: Option<Vec<Endpoint>>,
    },
    Outbox {
        message: Message,
        delivery: DeliveryId,
        attempts: u32,
    },
    Report(Report),
    Origin {
        user: Address,
        origin: String,
        message: MessageId,
        until: Timestamp,
    },
    Awaited {
        report: Report,
        until: Timestamp,
    },
    Conversation(Box<KeptConversation>),
    Person {
        conversation: Address,
        user: Address,
        person: Box<Person>,
    },
    /// Its recipient is the conversation.
    Said(Box<Message>),
    Invitation(Box<Received>),
    Sent {
        inviter: Address,
        id: String,
        invitee: Address,
        sent: Box<Sent>,
    },
    FarSeat {
        user: Address,
        conversation: Address,
        endpoint: Endpoint,
        joining: Joining,
    },
}

impl Fact {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> FactKey {
        match self {
            Self::Attachment { user, endpoint, .. } => FactKey::Attachment(user.clone(), endpoint.clone()),
            Self::Publication { user, device, .. } => FactKey::Publication(user.clone(), device.clone()),
            Self::Watch { presentity, endpoint, .. } => FactKey::Watch(presentity.clone(), endpoint.clone()),
            Self::ListWatch { list, endpoint, .. } => FactKey::ListWatch(list.clone(), endpoint.clone()),
            Self::Authorization { presentity, watcher, .. } => {
                FactKey::Authorization(presentity.clone(), watcher.clone())
            }
            Self::Question { presentity, watcher, .. } => FactKey::Question(presentity.clone(), watcher.clone()),
            Self::ContactList(list) => FactKey::ContactList(list.address.clone()),
            Self::Announcement(known) => FactKey::Announcement(known.user.clone(), known.id.as_ref().to_owned()),
            Self::Screening { user, .. } => FactKey::Screening(user.clone()),
            Self::Inbox { message, .. } => FactKey::Inbox(message.recipient.clone(), message.id.clone()),
            Self::Outbox { message, .. } => {
                FactKey::Outbox(message.sender.clone(), message.id.clone(), message.recipient.clone())
            }
            Self::Report(report) => {
                FactKey::Report(report.sender.clone(), report.message.clone(), report.recipient.clone())
            }
            Self::Origin { user, origin, .. } => FactKey::Origin(user.clone(), origin.clone()),
            Self::Awaited { report, .. } => {
                FactKey::Awaited(report.sender.clone(), report.message.clone(), report.recipient.clone())
            }
            Self::Conversation(kept) => FactKey::Conversation(kept.address.clone()),
            Self::Person { conversation, user, .. } => FactKey::Person(conversation.clone(), user.clone()),
            Self::Said(message) => FactKey::Said(message.recipient.clone(), message.id.clone()),
            Self::Invitation(received) => {
                let Invitation { invitee, inviter, id, .. } = &received.invitation;
                FactKey::Invitation(invitee.clone(), inviter.clone(), id.clone())
            }
            Self::Sent { inviter, id, invitee, .. } => FactKey::Sent(inviter.clone(), id.clone(), invitee.clone()),
            Self::FarSeat { user, conversation, endpoint, .. } => {
                FactKey::FarSeat(user.clone(), conversation.clone(), endpoint.clone())
            }
        }
    }

    /// The user in whose shard the fact lives.
    #[must_use]
    pub fn owner(&self) -> Address {
        match self {
            Self::Attachment { user, .. }
            | Self::Publication { user, .. }
            | Self::Origin { user, .. }
            | Self::Screening { user, .. }
            | Self::FarSeat { user, .. } => user.clone(),
            Self::Watch { watcher, .. } | Self::ListWatch { watcher, .. } => watcher.clone(),
            Self::Authorization { presentity, .. } | Self::Question { presentity, .. } => presentity.clone(),
            Self::Announcement(known) => known.user.clone(),
            Self::ContactList(list) => list.address.owner(),
            Self::Inbox { message, .. } => message.recipient.clone(),
            Self::Outbox { message, .. } => message.sender.clone(),
            Self::Report(report) | Self::Awaited { report, .. } => report.sender.clone(),
            Self::Conversation(kept) => kept.address.owner(),
            Self::Person { conversation, .. } => conversation.owner(),
            Self::Said(message) => message.recipient.owner(),
            Self::Invitation(received) => received.invitation.invitee.clone(),
            Self::Sent { inviter, .. } => inviter.clone(),
        }
    }
}
