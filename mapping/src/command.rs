//! What the engine tells the adapters, and what it wants kept.

use crate::{
    address::Address,
    announcement::Announcement,
    contact_list::ContactList,
    conversation::{Found, News, Reply},
    correlation::Correlation,
    event::{DeliveryId, RequestId, SubscriptionId},
    federation::FarAsk,
    invitation::InvitationNews,
    message::{Message, MessageId, Report},
    outcome::{Detail, Outcome},
    presence::{AttributeSet, PresenceDocument, PresenceView},
    record::Record,
    screening::Screening,
    side::{Endpoint, PeerName},
    watcher::{Beyond, WatchState, WatcherNews, WatcherRow},
};
use std::{sync::Arc, time::Duration};

/// One thing the engine wants done.
#[derive(Clone, Debug)]
pub struct Command {
    /// The causal chain it belongs to.
    pub correlation: Correlation,
    /// What to do.
    pub kind: CommandKind,
}

/// What to do. Commands of a batch are released, in order, only after all [`CommandKind::Keep`] of that batch are
/// committed.
#[derive(Clone, Debug)]
pub enum CommandKind {
    /// Commit this before anything of the same batch is released.
    Keep(Record),
    /// Answer a request.
    Answer {
        /// Which one.
        request: RequestId,
        /// What to say.
        answer: Answer,
    },
    /// Tell a watcher.
    Notify(Notification),
    /// Tell somebody who watches a user.
    TellWatchers(WatcherNews),
    /// Ask a presentity whether a watcher may see it (reactive authorisation).
    AskAuthorization {
        /// Where the presentity can be asked.
        endpoint: Endpoint,
        /// Who is asked.
        presentity: Address,
        /// Who wants to watch.
        watcher: Address,
        /// What it wants to see.
        attributes: AttributeSet,
        /// What the presentity has said that holds for the watcher.
        ground: Ground,
        /// The contact lists of the presentity that hold the watcher, as their owner wrote them.
        lists: Vec<String>,
    },
    /// Bring a message to its recipient. Where the route passes on, a `Delivered` event must follow; where the message
    /// is offered from the store, an `Acknowledged` event may.
    Deliver {
        /// Which attempt; to be quoted in the `Delivered` event.
        delivery: DeliveryId,
        /// The user in whose shard the attempt is owned; to be quoted in the `Delivered` event.
        owner: Address,
        /// Where to.
        route: DeliveryRoute,
        /// What.
        message: Message,
        /// Whether it was offered before, possibly with success that nobody saw.
        repeated: bool,
    },
    /// Tell a sender what became of a message.
    Report {
        /// Where to.
        route: DeliveryRoute,
        /// What.
        report: Report,
    },
    /// Tell a user what the operator says.
    Announce {
        /// Where to.
        endpoint: Endpoint,
        /// What.
        announcement: Announcement,
    },
    /// An offered message needs no acknowledgement any more (taken at another device, or expired).
    Retract {
        /// Where it was offered.
        endpoint: Endpoint,
        /// Which one.
        message: MessageId,
    },
    /// Subscribe to a presentity at a neighbour server. The adapter keeps it alive and reports by `Subscription` events.
    OpenSubscription {
        /// Its name.
        subscription: SubscriptionId,
        /// Through which peer.
        peer: PeerName,
        /// On whose behalf.
        watcher: Address,
        /// To whom.
        presentity: Address,
        /// Whether one document is enough (fetch) or a lasting relation is wanted.
        lasting: bool,
    },
    /// End a back-end subscription. No more events of it are wanted.
    CloseSubscription {
        /// Which one.
        subscription: SubscriptionId,
    },
    /// Make a user's presence known to the presence server of his domain, or withdraw it.
    Publish {
        /// Through which peer.
        peer: PeerName,
        /// Whose.
        user: Address,
        /// All of it; none withdraws it.
        document: Option<Arc<PresenceDocument>>,
    },
    /// Let the registrar of a user's domain know that the user is reached here, as long as it is.
    Register {
        /// Through which peer.
        peer: PeerName,
        /// Who.
        user: Address,
    },
    /// The user is not reached here any more.
    Deregister {
        /// Who.
        user: Address,
    },
    /// Learn who watches a user at the presence server of its domain, and say so by
    /// [`crate::event::EventKind::FarWatchers`].
    LearnWatchers {
        /// Through which peer.
        peer: PeerName,
        /// Whose.
        user: Address,
    },
    /// Learn it no longer.
    ForgetWatchers {
        /// Whose.
        user: Address,
    },
    /// Tell a participant what happened in a conversation.
    Conversation {
        /// Where to.
        endpoint: Endpoint,
        /// In which conversation.
        conversation: Address,
        /// The conversation as its creator wrote it.
        written: Arc<str>,
        /// What.
        news: News,
    },
    /// Tell a user about an invitation.
    Invitation {
        /// Where to.
        endpoint: Endpoint,
        /// What.
        news: InvitationNews,
    },
    /// Tell a user that something happened which concerns it; whether it wants to hear of it is the adapter's business.
    Happened {
        /// Where to.
        endpoint: Endpoint,
        /// What.
        happening: Happening,
    },
    /// Ask something of a neighbour server about a conversation or an invitation.
    Far(Box<FarAsk>),
    /// Hand this to the engine shard that owns the user, as [`crate::event::EventKind::Forwarded`].
    Forward(Forwarded),
}

/// What may happen to a user without being an answer, a message or news of a conversation in which it takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Somebody put it on a contact list.
    Listed {
        /// Who.
        by: Address,
    },
    /// It became a member of a conversation.
    MembershipGranted {
        /// The conversation as its creator wrote it.
        written: Arc<str>,
    },
    /// It is a member no more.
    MembershipRevoked {
        /// The conversation as its creator wrote it.
        written: Arc<str>,
    },
    /// Others became members of a conversation of which it is a member, or are members no more.
    MembersChanged {
        /// The conversation as its creator wrote it.
        written: Arc<str>,
    },
}

/// A word from the engine shard of one user to that of another, or of the same.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The user whose shard is meant.
    pub to: Address,
    /// What; only the engine reads it.
    pub(crate) word: Box<crate::engine::Word>,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// How it went, as a whole and for the targets that did not go as the whole.
    Done {
        /// As a whole.
        outcome: Outcome,
        /// Targets that went differently; empty unless the request had several.
        details: Vec<Detail>,
    },
    /// A message was taken.
    Sent {
        /// As a whole.
        outcome: Outcome,
        /// The gateway's name for it; none when nothing was sent.
        message: Option<MessageId>,
        /// Recipients that went differently.
        details: Vec<Detail>,
    },
    /// Messages that wait for the user, oldest first.
    Waiting {
        /// Those that were asked for.
        messages: Vec<Message>,
        /// How many there are in all.
        total: usize,
    },
    /// Messages were rejected.
    Rejected {
        /// As a whole.
        outcome: Outcome,
        /// Those that do not wait here.
        unknown: Vec<MessageId>,
    },
    /// The block and grant lists of the user.
    Screening(Screening),
    /// The contact lists of the user.
    ContactLists(Vec<ContactList>),
    /// One contact list after the change.
    ContactList {
        /// How it went.
        outcome: Outcome,
        /// The list as it is now.
        list: Option<ContactList>,
        /// Members that were refused.
        details: Vec<Detail>,
    },
    /// What was granted without being asked.
    AttributeLists {
        /// As a whole.
        outcome: Outcome,
        /// To everybody else, where that was asked for and said.
        default_list: Option<AttributeListRow>,
        /// To users and contact lists.
        lists: Vec<AttributeListRow>,
        /// Contact lists that do not exist.
        details: Vec<Detail>,
    },
    /// Who watches and who did.
    Watchers {
        /// How far back the list goes.
        history: Duration,
        /// Those who watch now first, then the newest.
        rows: Vec<WatcherRow>,
    },
    /// How it stands with those who asked.
    Decisions(Vec<DecisionRow>),
    /// What a conversation or an invited user said.
    Conversation {
        /// How it went.
        outcome: Outcome,
        /// Parts that went differently.
        details: Vec<Detail>,
        /// What else was asked for.
        reply: Reply,
    },
    /// Conversations that were looked for, in order.
    Conversations {
        /// Those that there are.
        found: Vec<Found>,
        /// Whether somebody who may know of more did not answer in time.
        is_partial: bool,
    },
    /// Presence seen once.
    Presence {
        /// As a whole.
        outcome: Outcome,
        /// What was seen, per presentity.
        views: Vec<(Address, PresenceView)>,
        /// Targets that failed.
        details: Vec<Detail>,
    },
}

/// What a presentity has said that holds for a watcher, and does not let it see all that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Nothing.
    Nothing,
    /// A word on the watcher.
    Watcher,
    /// Words on contact lists that hold it.
    Lists,
    /// The word on everybody else.
    Everybody,
}

/// What was granted to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeListRow {
    /// A user or a contact list.
    pub target: Address,
    /// The name of a contact list as its owner wrote it.
    pub written: Option<Box<str>>,
    /// What.
    pub attributes: AttributeSet,
    /// What becomes of the wish to see more.
    pub beyond: Beyond,
}

/// How the presentity has decided about one watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// Who asked.
    pub watcher: Address,
    /// The decision.
    pub state: DecisionState,
    /// About what.
    pub attributes: AttributeSet,
}

/// A decision, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionState {
    /// It may.
    Granted,
    /// It may not.
    Denied,
    /// It waits.
    Pending,
}

/// News for one watcher.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Where to.
    pub endpoint: Endpoint,
    /// Who watches.
    pub watcher: Address,
    /// Whom.
    pub presentity: Address,
    /// In which state the watch is now.
    pub state: WatchState,
    /// What to show; none where nothing may be shown or nothing is known.
    pub view: Option<PresenceView>,
    /// Whether the presentity refused the watcher; where watches stay, nothing else tells.
    pub is_refused: bool,
}

/// Where a message or report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryRoute {
    /// To a client of a hosted user.
    Endpoint(Endpoint),
    /// To a neighbour server.
    Peer(PeerName),
}
