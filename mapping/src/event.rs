//! What the adapters tell the engine.

use crate::{
    address::Address,
    announcement::Announcement,
    contact_list::{Contact, ContactListChange},
    conversation::{Ask, Hearers, Lookup},
    correlation::Correlation,
    engine::Creation,
    federation::FarWord,
    invitation::{Extension, Invitation, Response},
    message::{Message, MessageId, Report},
    outcome::Outcome,
    presence::{AttributeSet, DeviceId, PresenceDocument},
    screening::ScreeningChange,
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
    watcher::{Beyond, Decision, EndReason, WatcherState},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// One thing that happened outside the engine.
#[derive(Clone, Debug)]
pub struct Event {
    /// The causal chain it belongs to.
    pub correlation: Correlation,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A user asks for something; exactly one [`crate::command::CommandKind::Answer`] follows, at once or later.
    Request(Request),
    /// What became of a [`crate::command::CommandKind::Deliver`].
    Delivered(Delivery),
    /// The client at the endpoint took the message over (WV: MessageDelivered) or refused it.
    Acknowledged(Acknowledgement),
    /// A far server or client reports on a message sent to it.
    Reported(Report),
    /// The client at the endpoint acknowledged the report.
    ReportTaken {
        /// The report's message.
        message: MessageId,
        /// The report's recipient of the message.
        recipient: Address,
        /// Who got the report.
        sender: Address,
    },
    /// The operator says something to a user.
    Announced(Announcement),
    /// A client of the user has shown what the operator said.
    AnnouncementSeen {
        /// The user.
        user: Address,
        /// Its name.
        id: Arc<str>,
    },
    /// News of a back-end subscription opened by [`crate::command::CommandKind::OpenSubscription`].
    Subscription {
        /// Which one.
        subscription: SubscriptionId,
        /// What happened to it.
        update: SubscriptionUpdate,
    },
    /// A client of an inviter has the answer to its invitation.
    InvitationAnswerTaken {
        /// Who invited.
        inviter: Address,
        /// The inviter's name for the invitation.
        id: String,
        /// Who answered.
        invitee: Address,
    },
    /// A neighbour server came or went.
    Peer {
        /// Which one.
        peer: PeerName,
        /// Whether it can be reached.
        reachable: bool,
    },
    /// Who may ask something of a neighbour server has changed there: what was refused is put to the test again, and what
    /// waits is tried.
    Admission {
        /// The server.
        peer: PeerName,
        /// Who; everybody where nobody is named.
        users: BTreeSet<Address>,
    },
    /// Who watches a user at the presence server of its domain, as [`crate::command::CommandKind::LearnWatchers`] asked.
    FarWatchers {
        /// The user.
        user: Address,
        /// All of them that are not over.
        watchers: Vec<(Address, WatcherState)>,
    },
    /// A neighbour server says something about a conversation or an invitation.
    Far(Box<FarWord>),
    /// Something that the engine shard of another user wants this shard to know; made by
    /// [`crate::command::CommandKind::Forward`] and opaque outside the engine.
    Forwarded(crate::command::Forwarded),
}

impl EventKind {
    /// The user whose engine shard must be told ([`crate::engine::shard_of`]); none means every shard.
    #[must_use]
    pub fn owner(&self) -> Option<Address> {
        match self {
            Self::Request(request) => Some(request.user.clone()),
            Self::Delivered(delivery) => Some(delivery.owner.clone()),
            Self::Acknowledged(acknowledgement) => Some(acknowledgement.user.clone()),
            Self::Reported(report) => Some(report.sender.clone()),
            Self::ReportTaken { sender, .. } => Some(sender.clone()),
            Self::Announced(announcement) => Some(announcement.user.clone()),
            Self::AnnouncementSeen { user, .. } => Some(user.clone()),
            Self::InvitationAnswerTaken { inviter, .. } => Some(inviter.clone()),
            Self::Subscription { subscription, .. } => subscription.presentity(),
            Self::FarWatchers { user, .. } => Some(user.clone()),
            Self::Peer { .. } | Self::Admission { .. } => None,
            Self::Far(word) => Some(word.user.clone()),
            Self::Forwarded(forwarded) => Some(forwarded.to.clone()),
        }
    }
}

/// Names one request of an adapter until it is answered. Not kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId {
    /// The side whose adapter waits.
    pub side: Side,
    /// The adapter's number for it; never used twice while the process lives.
    pub number: u64,
}

/// A request of a user.
#[derive(Clone, Debug)]
pub struct Request {
    /// Under which name to answer.
    pub id: RequestId,
    /// Who asks; authenticated by the adapter.
    pub user: Address,
    /// Through which session, dialog or contact.
    pub endpoint: Endpoint,
    /// What for.
    pub operation: Operation,
}

/// What a user can ask for.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A device of a hosted user is there and can be reached at the endpoint (WV login, SIP REGISTER). Repeating it
    /// for a known endpoint replaces what is known about it.
    Attach(Attachment),
    /// The device at the endpoint is gone; its publication, watches and pending offers end.
    Detach(DetachReason),
    /// Own presence.
    Publish(Publication),
    /// Watch presentities; notifications go to the endpoint. A new watch of the same presentity by the same endpoint
    /// replaces the set of attributes.
    Watch {
        /// Whom: users, or contact lists of the watcher.
        targets: Vec<Address>,
        /// What to see.
        attributes: AttributeSet,
        /// Members added to a list later are watched too.
        auto_subscribe: bool,
    },
    /// Follow who watches the user. The first news says everything; repeated, everything is said again.
    FollowWatchers {
        /// Who wants to know: the user itself, or a watcher, who is told of itself only.
        follower: Address,
    },
    /// Follow it no longer.
    UnfollowWatchers,
    /// Stop watching.
    Unwatch {
        /// Whom; all when empty.
        targets: Vec<Address>,
    },
    /// See presentities once.
    Fetch {
        /// Whom: users, or contact lists of the watcher.
        targets: Vec<Address>,
        /// What to see.
        attributes: AttributeSet,
    },
    /// The presentity's word on a watcher; allowing adds the attributes to what is granted already, refusing takes them
    /// away, and refusing the last refuses the watcher. The most specific word counts: that on the watcher, else those
    /// on the presentity's contact lists that hold it, together, else the one on everybody else.
    Authorize {
        /// On whom: a user, a contact list of the presentity, or the presentity itself for everybody else.
        watcher: Address,
        /// Yes or no.
        decision: Decision,
        /// What may be seen, or no longer.
        attributes: AttributeSet,
    },
    /// Take back the word on a watcher.
    CancelAuthorization {
        /// On whom, as in [`Operation::Authorize`].
        watcher: Address,
    },
    /// Send one message to each of the targets.
    Send(Submission),
    /// Grant the named attributes to those in the scope, in place of what was said about them before. No attribute
    /// grants nothing.
    SetAttributeLists {
        /// To whom.
        scope: AttributeScope,
        /// What.
        attributes: AttributeSet,
        /// What becomes of their wishes to see more.
        beyond: BeyondOf,
    },
    /// Take back what was said about those in the scope.
    DropAttributeLists {
        /// About whom.
        scope: AttributeScope,
    },
    /// What was granted to those in the scope; an empty scope asks for all users and contact lists.
    GetAttributeLists {
        /// To whom.
        scope: AttributeScope,
    },
    /// Who watches the user, and who did.
    GetWatchers {
        /// How far back former watchers are wanted; as far as is known when not said.
        history: Option<std::time::Duration>,
    },
    /// How the user has decided about watchers that asked; about all when none is named.
    GetDecisions {
        /// About whom.
        watchers: Vec<Address>,
    },
    /// Put the unanswered questions to this endpoint once more.
    RepeatQuestions,
    /// Do something with the messages that wait for the user.
    Inbox(InboxOperation),
    /// Answer what the operator said.
    AnswerAnnouncement {
        /// Its name.
        id: Arc<str>,
        /// What was chosen.
        choice: Option<Arc<str>>,
        /// What was entered for verification.
        key: Option<String>,
    },
    /// Change whom the user refuses and whom alone it accepts, or ask for it when nothing is to change.
    Screen(ScreeningChange),
    /// Name the own contact lists.
    GetContactLists,
    /// Make a contact list.
    CreateContactList {
        /// `user/name@domain` of the asking user.
        list: Address,
        /// The address as written.
        written: String,
        /// First members.
        members: Vec<Contact>,
        /// Display name.
        display_name: Option<String>,
        /// Make it the default list.
        make_default: bool,
    },
    /// Delete a contact list; watches made through it end.
    DeleteContactList {
        /// Which one.
        list: Address,
    },
    /// Change a contact list, or only read it when the change is empty.
    ManageContactList {
        /// Which one.
        list: Address,
        /// What to change.
        change: ContactListChange,
    },
    /// Make a conversation.
    CreateConversation {
        /// Its address.
        conversation: Address,
        /// What it is to be.
        creation: Box<Creation>,
    },
    /// Ask something of a conversation.
    Converse {
        /// Which one.
        conversation: Address,
        /// What.
        ask: Ask,
    },
    /// Look for conversations.
    LookUp(Lookup),
    /// Invite users.
    Invite {
        /// Whom: users, or contact lists of the inviter.
        recipients: Vec<Address>,
        /// To what; the users in it are set by the engine.
        invitation: Box<Invitation>,
    },
    /// Make a conversation of a talk of two.
    ExtendTalk(Box<Extension>),
    /// Answer an invitation.
    Respond(Response),
    /// Take an invitation back.
    Withdraw {
        /// The inviter's name for it.
        id: String,
        /// From whom; from all when empty.
        recipients: Vec<Address>,
        /// What the inviter says.
        note: Option<String>,
    },
}

/// What a user does with the messages that wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxOperation {
    /// See which there are.
    List {
        /// How many at most, oldest first.
        at_most: Option<usize>,
    },
    /// See one of them. It waits on.
    Fetch(MessageId),
    /// The device has it: it waits no longer.
    Take(MessageId),
    /// They are not wanted.
    Reject(Vec<MessageId>),
    /// One of them is to go to somebody else.
    Forward {
        /// Which one.
        message: MessageId,
        /// To whom: users, or contact lists of the user.
        recipients: Vec<Address>,
        /// In which conversations it is to be said.
        conversations: Vec<Hearers>,
        /// What makes a repeated request recognisable, see [`Message::origin`].
        origin: Arc<str>,
    },
}

/// A device that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which device of the user.
    pub device: DeviceId,
    /// Whether messages may be pushed to it, and which.
    pub reception: Reception,
    /// Whether its being there is published as presence at once (WV: OnlineStatus T).
    pub publishes_online: bool,
}

/// What a device can take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    /// Whether the device takes messages at all.
    pub takes_messages: bool,
    /// Whether the device takes what was stored before it came; it may have to say first how it takes it.
    #[serde(default = "taken")]
    pub takes_stored: bool,
    /// Whether the device takes what the operator says.
    #[serde(default)]
    pub takes_announcements: bool,
    /// Whether the device takes delivery reports.
    #[serde(default = "taken")]
    pub takes_reports: bool,
    /// Media types it takes, lower case; empty for any.
    pub media_types: Arc<[Arc<str>]>,
    /// Largest content in octets that it takes.
    pub content_octets_max: u64,
}

/// Whom a word of a presentity is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeScope {
    /// Users, and own contact lists.
    pub targets: Vec<Address>,
    /// Everybody about whom nothing else is said.
    pub everybody: bool,
}

/// What becomes of wishes to see more, for each kind of target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeyondOf {
    /// Of users.
    pub users: Beyond,
    /// Of the members of contact lists.
    pub lists: Beyond,
    /// Of everybody else.
    pub everybody: Beyond,
}

const fn taken() -> bool {
    true
}

/// Why a device went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetachReason {
    /// The user left.
    Logout,
    /// The device was not heard of in time.
    Expired,
    /// The gateway put an end to it.
    Forced,
}

/// A change of what one device says about its user.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Which device says it.
    pub device: DeviceId,
    /// What.
    pub change: PublicationChange,
}

/// How the device's part of the state changes.
#[derive(Clone, Debug)]
pub enum PublicationChange {
    /// Only what is said changes (WV UpdatePresence).
    Merge(Box<PresenceDocument>),
    /// What is not said is gone (SIP PUBLISH).
    Replace(Box<PresenceDocument>),
    /// Everything this device said is gone.
    Remove,
}

/// A message on its way in.
#[derive(Clone, Debug)]
pub struct Submission {
    /// To whom: users, or contact lists of the sender.
    pub recipients: Vec<Address>,
    /// The devices that are meant, where the sender named one.
    pub devices: Vec<(Address, DeviceId)>,
    /// Conversations, and those in them who are to hear it alone.
    pub conversations: Vec<Hearers>,
    /// The message; its recipient is set per target, its id is minted by the engine when empty.
    pub message: Message,
}

/// Names one attempt to deliver, as the command asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveryId(pub u64);

/// What became of an attempt to deliver.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which attempt.
    pub delivery: DeliveryId,
    /// The user in whose shard it was started.
    pub owner: Address,
    /// The final answer of the far side.
    pub outcome: Outcome,
    /// How long the far side asked to wait before another attempt.
    pub retry_after: Option<std::time::Duration>,
}

/// A client's word on an offered message.
#[derive(Clone, Debug)]
pub struct Acknowledgement {
    /// The recipient whose client speaks.
    pub user: Address,
    /// The client.
    pub endpoint: Endpoint,
    /// Which message.
    pub message: MessageId,
    /// [`Outcome::Success`] when taken over, [`Outcome::Rejected`] and others when not.
    pub outcome: Outcome,
}

/// Names one back-end subscription of the engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubscriptionId(pub Arc<str>);

impl SubscriptionId {
    /// The lasting subscription of `watcher` to `presentity`. The same after a restart, so that an adapter can go on
    /// with the dialog it had.
    #[must_use]
    pub fn lasting(watcher: &Address, presentity: &Address) -> Self {
        Self(Arc::from(format!("{presentity} {watcher}")))
    }

    /// A look at `presentity` on behalf of `watcher`.
    #[must_use]
    pub fn fetch(watcher: &Address, presentity: &Address, number: u64) -> Self {
        Self(Arc::from(format!("{presentity} {watcher} {number}")))
    }

    /// The presentity, in whose shard the subscription lives.
    #[must_use]
    pub fn presentity(&self) -> Option<Address> {
        // No address holds a space.
        self.0.split(' ').next().and_then(|text| Address::parse(text).ok())
    }

    /// The watcher.
    #[must_use]
    pub fn watcher(&self) -> Option<Address> {
        self.0.split(' ').nth(1).and_then(|text| Address::parse(text).ok())
    }
}

/// What happened to a back-end subscription.
#[derive(Clone, Debug)]
pub enum SubscriptionUpdate {
    /// The far side has not decided.
    Pending,
    /// It is active; without a document nothing is known or nothing changed (RFC 8048 §5.2.1).
    Active(Option<Box<PresenceDocument>>),
    /// The far side ended it.
    Ended {
        /// Why; none and unknown reasons are [`EndReason::Timeout`].
        reason: EndReason,
        /// How long it asked to wait.
        retry_after: Option<std::time::Duration>,
    },
    /// It could not be set up or was refused.
    Failed {
        /// How.
        outcome: Outcome,
        /// How long the far side asked to wait.
        retry_after: Option<std::time::Duration>,
    },
}

/// The lifetime that was granted, where an operation has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// When it ends unless renewed.
    pub until: Timestamp,
}
