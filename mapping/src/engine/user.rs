//! The actor of one user: everything that lives with it.

use crate::{
    address::Address,
    announcement::Announcement,
    authorization::Authorizations,
    command::Answer,
    contact_list::ContactList,
    engine::{Joining, Received, Sent, invitation::Asking},
    engine::{attribute_list::PastWatcher, follower::Followed},
    event::Attachment,
    few::FewMap,
    message::{Message, MessageId, Report},
    outcome::Outcome,
    policy::Permission,
    presence::AttributeSet,
    publication::Publications,
    relay::letter::Letters,
    screening::Screening,
    side::Endpoint,
    subscription::{pace::Pace, table::Watching},
    time::Timestamp,
    watcher::WatcherState,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// One user, hosted or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) attachments: FewMap<Endpoint, Attachment>,
    pub(crate) letters: Letters,
    /// Recognised repetitions, by origin.
    pub(crate) origins: HashMap<Arc<str>, Origin>,
    /// The same, oldest first, and when each is over.
    pub(crate) origin_order: VecDeque<(Timestamp, Arc<str>)>,
    /// Reports that the user has not got, by message and recipient.
    pub(crate) reports: BTreeMap<(MessageId, Address), Report>,
    /// Reports that the far side owes, by message and recipient.
    pub(crate) awaited: BTreeMap<(MessageId, Address), Report>,
    pub(crate) lists: FewMap<Address, ContactList>,
    /// What the operator said to it, by name.
    pub(crate) announcements: BTreeMap<Arc<str>, Announcement>,
    /// Whom it refuses, and whom alone it accepts.
    pub(crate) screening: Screening,
    pub(crate) publications: Publications,
    /// Whether a presence server was told of it.
    pub(crate) is_known: bool,
    /// Whether a registrar was told where it is.
    pub(crate) is_registered: bool,
    pub(crate) authorizations: Authorizations,
    /// Who watches this user, when it is hosted here.
    pub(crate) watchers: BTreeMap<Address, Watcher>,
    /// Who follows that, when somebody does.
    pub(crate) followed: Option<Box<Followed>>,
    /// Who watches this user at a presence server, while that is learned.
    pub(crate) far_watchers: Option<BTreeMap<Address, WatcherState>>,
    /// Who did, or looked once.
    pub(crate) past_watchers: BTreeMap<Address, PastWatcher>,
    /// Whom this user watches.
    pub(crate) watching: Watching,
    /// Where this user takes part: conversation, endpoint.
    pub(crate) seats: BTreeSet<(Address, Endpoint)>,
    /// How it joined those of neighbours.
    pub(crate) far_seats: BTreeMap<(Address, Endpoint), Joining>,
    /// Invitations to this user: inviter, the inviter's name for it.
    pub(crate) invitations: BTreeMap<(Address, String), Received>,
    /// Invitations of this user: its name for it, invitee.
    pub(crate) sent_invitations: BTreeMap<(String, Address), Sent>,
    /// Those of them that the invited users' shards have not taken over yet.
    pub(crate) untaken_invitations: BTreeSet<(String, Address)>,
    /// Invitations of this user that wait for a conversation's permission.
    pub(crate) asking: BTreeMap<u64, Asking>,
    pub(crate) watch_pace: Pace,
    pub(crate) fetch_pace: Pace,
}

/// One watcher of a hosted presentity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watcher {
    pub(crate) attributes: AttributeSet,
    pub(crate) permission: Permission,
    pub(crate) since: Timestamp,
}

/// What is known about a message that may come again.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) message: MessageId,
    pub(crate) progress: Progress,
    pub(crate) until: Timestamp,
}

/// How far the message came.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// Its answer is held by this gather.
    Held(u64),
    /// It was answered.
    Answered(Answer),
    /// Its name is known from before a restart, its answer is not.
    Known,
}

impl User {
    /// Takes an origin among the recognised ones.
    pub(crate) fn remember(&mut self, origin: Arc<str>, value: Origin) {
        let until = value.until;
        if self.origins.insert(Arc::clone(&origin), value).is_none() {
            self.origin_order.push_back((until, origin));
        }
    }

    /// Endpoints where messages may be pushed.
    pub(crate) fn takers(&self) -> impl Iterator<Item = (&Endpoint, &Attachment)> {
        self.attachments.iter().filter(|(_, attachment)| attachment.reception.takes_messages)
    }

    /// Whether the message is meant for this device: for the one that it names, or for any while that one is not there.
    // WV-MSG-15
    pub(crate) fn is_meant(&self, message: &Message, attachment: &Attachment) -> bool {
        message.device.as_ref().is_none_or(|named| {
            attachment.device == *named || !self.attachments.values().any(|other| other.device == *named)
        })
    }

    /// Endpoints that take this message, or why none of those that take messages does.
    pub(crate) fn takers_of(&self, message: &Message) -> Result<Vec<Endpoint>, Outcome> {
        let (mut fitting, mut refusal) = (Vec::new(), None);
        for (endpoint, attachment) in self.takers().filter(|(_, attachment)| self.is_meant(message, attachment)) {
            match attachment.reception.refusal(&message.content) {
                None => fitting.push(endpoint.clone()),
                Some(outcome) => refusal = Some(outcome),
            }
        }
        match refusal {
            Some(outcome) if fitting.is_empty() => Err(outcome),
            Some(_) | None => Ok(fitting),
        }
    }

    /// Whether nothing is left of the user.
    pub(crate) fn is_empty(&self) -> bool {
        self.attachments.is_empty()
            && self.letters.is_empty()
            && self.origins.is_empty()
            && self.reports.is_empty()
            && self.awaited.is_empty()
            && self.lists.is_empty()
            && self.announcements.is_empty()
            && self.screening == Screening::default()
            && self.publications.by_device.is_empty()
            && self.authorizations.rules.is_empty()
            && self.authorizations.questions.is_empty()
            && self.watchers.is_empty()
            && self.followed.is_none()
            && self.far_watchers.is_none()
            && self.past_watchers.is_empty()
            && self.watching.is_empty()
            && self.seats.is_empty()
            && self.invitations.is_empty()
            && self.sent_invitations.is_empty()
            && self.untaken_invitations.is_empty()
            && self.asking.is_empty()
    }
}
