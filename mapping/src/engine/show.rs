//! What is in memory now, for people: plain rows that serialise, and the reasons behind what a watcher sees.

use crate::{
    address::Address,
    authorization::Rule,
    engine::{Engine, Standing},
    event::{Attachment, SubscriptionId},
    message::MessageId,
    policy::Permission,
    presence::{AttributeSet, DeviceId, PresenceDocument},
    relay::{letter::Way, machine::RelayState},
    side::{Endpoint, PeerName},
    subscription::machine::EntryState,
    time::Timestamp,
    watcher::{Decision, EndReason},
};
use serde::Serialize;

/// A device that is there.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the attachment")]
pub struct AttachmentRow {
    pub user: Address,
    pub endpoint: Endpoint,
    pub attachment: Attachment,
}

/// One endpoint's watch.
#[derive(Clone, Debug, Serialize)]
pub struct WatchRow {
    /// Who watches.
    pub watcher: Address,
    /// Whom.
    pub presentity: Address,
    /// Where the notifications go.
    pub endpoint: Endpoint,
    /// What was asked for.
    pub attributes: AttributeSet,
    /// The contact list through which it was made.
    pub list: Option<Address>,
    /// How the watcher stands.
    pub standing: StandingName,
    /// When the last notification was sent.
    pub notified: Option<Timestamp>,
}

/// How a watcher stands with a presentity, without the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingName {
    /// Nothing is known yet.
    Unclear,
    /// The presentity has not decided.
    Pending,
    /// The watcher sees these attributes.
    Active(AttributeSet),
    /// The presentity said no.
    Refused,
    /// The presentity cannot be seen.
    Failed(EndReason),
}

/// A subscription at a neighbour server.
#[derive(Clone, Debug, Serialize)]
pub struct EntryRow {
    /// Its name towards the adapter.
    pub subscription: SubscriptionId,
    /// Through which peer.
    pub peer: PeerName,
    /// Who watches.
    pub watcher: Address,
    /// Whom.
    pub presentity: Address,
    /// Where it stands.
    pub state: EntryStateName,
    /// Whether the watcher is there.
    pub watched: bool,
    /// Whether a document is held.
    pub has_document: bool,
    /// Failures in a row.
    pub failures: u32,
}

/// The state of a subscription at a neighbour server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the states in the subscription mapping")]
pub enum EntryStateName {
    Idle,
    Subscribing,
    Pending,
    Active,
    Backoff,
    Denied,
    Gone,
    Linger,
}

/// What one device says.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the publication")]
pub struct PublicationRow {
    pub user: Address,
    pub device: DeviceId,
    pub document: PresenceDocument,
}

/// A message on its way or in the store.
#[derive(Clone, Debug, Serialize)]
pub struct QueueRow {
    /// The user in whose shard it is.
    pub owner: Address,
    /// Which message.
    pub message: MessageId,
    /// From whom.
    pub sender: Address,
    /// To whom.
    pub recipient: Address,
    /// How large its content is.
    pub content_octets: usize,
    /// When it loses its value.
    pub expires: Timestamp,
    /// Where it stands.
    pub state: QueueState,
    /// Attempts so far, or devices where it is offered.
    pub attempts: usize,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueState {
    /// Its sender's answer is held; an older message is before it.
    Queued,
    /// Its sender's answer is held while it is delivered.
    Passing,
    /// It is stored and being delivered.
    Late,
    /// It is stored and waits.
    Waiting,
    /// It is stored and offered to the recipient's devices.
    Offered,
}

/// A question that the presentity has not answered.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the question")]
pub struct QuestionRow {
    pub presentity: Address,
    pub watcher: Address,
    pub attributes: AttributeSet,
    pub since: Timestamp,
}

/// What one shard knows of why a watcher sees what it sees. The watcher's shard fills `watches`, the presentity's the
/// rest; a question to both gives the whole.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Whether the account of a hosted presentity exists; none in other shards and for neighbours.
    pub presentity_exists: Option<bool>,
    /// The presentity's word on the watcher.
    pub rule: Option<(Decision, AttributeSet)>,
    /// Whether the presentity was asked and has not answered.
    pub question: Option<QuestionRow>,
    /// What the watcher may see, when it is known to the presentity.
    pub granted: Option<AttributeSet>,
    /// The subscription at the neighbour.
    pub entry: Option<EntryRow>,
    /// The watcher's endpoints.
    pub watches: Vec<WatchRow>,
}

/// How much there is of everything in one shard; cheap, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named after the rows that they count")]
pub struct Tally {
    pub attachments: usize,
    pub watches: usize,
    pub entries: usize,
    pub publications: usize,
    pub queues: usize,
}

impl Engine {
    /// Counts without making rows.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let empty = Tally { entries: self.cache.entries.len(), ..Tally::default() };
        self.users.values().fold(empty, |sum, actor| {
            let watches = actor.watching.relations.values().map(|relation| relation.watches.len()).sum::<usize>();
            Tally {
                attachments: sum.attachments.saturating_add(actor.attachments.len()),
                watches: sum.watches.saturating_add(watches),
                entries: sum.entries,
                publications: sum.publications.saturating_add(actor.publications.by_device.len()),
                queues: sum.queues.saturating_add(actor.letters.all.len()),
            }
        })
    }

    /// Devices that are there.
    pub fn attachments(&self) -> impl Iterator<Item = AttachmentRow> {
        self.users.iter().flat_map(|(user, actor)| {
            actor.attachments.iter().map(|(endpoint, attachment)| AttachmentRow {
                user: user.clone(),
                endpoint: endpoint.clone(),
                attachment: attachment.clone(),
            })
        })
    }

    /// Watches of the users of this shard.
    pub fn watches(&self) -> impl Iterator<Item = WatchRow> {
        self.users.iter().flat_map(|(watcher, actor)| {
            actor.watching.relations.iter().flat_map(|(presentity, relation)| {
                relation.watches.iter().map(|(endpoint, watch)| WatchRow {
                    watcher: watcher.clone(),
                    presentity: presentity.clone(),
                    endpoint: endpoint.clone(),
                    attributes: watch.attributes,
                    list: watch.list.clone(),
                    standing: StandingName::of(&relation.standing),
                    notified: watch.sent,
                })
            })
        })
    }

    /// Whether a device of the user is there.
    #[must_use]
    pub fn is_attended(&self, user: &Address) -> bool {
        self.users.get(user).is_some_and(|actor| !actor.attachments.is_empty())
    }

    /// Subscriptions at neighbour servers.
    pub fn entries(&self) -> impl Iterator<Item = EntryRow> {
        self.cache.entries.iter().map(|((presentity, watcher), entry)| EntryRow {
            subscription: SubscriptionId::lasting(watcher, presentity),
            peer: entry.peer.clone(),
            watcher: watcher.clone(),
            presentity: presentity.clone(),
            state: EntryStateName::of(entry.machine.state),
            watched: entry.machine.watched,
            has_document: entry.document.is_some(),
            failures: entry.failures,
        })
    }

    /// What devices say.
    pub fn publications(&self) -> impl Iterator<Item = PublicationRow> {
        self.users.iter().flat_map(|(user, actor)| {
            actor.publications.by_device.iter().map(|(device, document)| PublicationRow {
                user: user.clone(),
                device: device.clone(),
                document: document.clone(),
            })
        })
    }

    /// Messages on their way and in the store.
    pub fn queues(&self) -> impl Iterator<Item = QueueRow> {
        self.users.iter().flat_map(|(owner, actor)| {
            actor.letters.all.values().map(|letter| {
                let (state, attempts) = match &letter.way {
                    Way::Offer(offer) => (QueueState::Offered, offer.offered.len()),
                    Way::Relay(relay) => {
                        let attempts = usize::try_from(relay.attempts).unwrap_or(usize::MAX);
                        (QueueState::of(relay.machine.state), attempts)
                    }
                };
                QueueRow {
                    owner: owner.clone(),
                    message: letter.message.id.clone(),
                    sender: letter.message.sender.clone(),
                    recipient: letter.message.recipient.clone(),
                    content_octets: letter.message.content.body.len(),
                    expires: letter.message.expires,
                    state,
                    attempts,
                }
            })
        })
    }

    /// Questions that are not answered.
    pub fn questions(&self) -> impl Iterator<Item = QuestionRow> {
        self.users.iter().flat_map(|(presentity, actor)| {
            actor.authorizations.questions.iter().map(|(watcher, question)| QuestionRow {
                presentity: presentity.clone(),
                watcher: watcher.clone(),
                attributes: question.attributes,
                since: question.since,
            })
        })
    }

    /// Why the watcher sees what it sees, as far as this shard knows.
    #[must_use]
    pub fn explain(&self, watcher: &Address, presentity: &Address) -> Explanation {
        let actor = self.users.get(presentity);
        let hosted = self.owns(presentity) && self.config.domains.is_hosted(presentity);
        let granted = actor.and_then(|actor| actor.watchers.get(watcher)).map(|known| match known.permission {
            Permission::Granted(granted) => granted,
            Permission::Undecided | Permission::Refused => AttributeSet::NONE,
        });
        let rule = actor.and_then(|actor| actor.authorizations.rule_for(presentity, watcher, &actor.lists));
        let identity = self.identity(presentity, watcher);
        Explanation {
            presentity_exists: hosted.then(|| self.accounts.contains(presentity)),
            rule: rule.map(|Rule { decision, attributes, .. }| (decision, attributes)),
            question: self.questions().find(|row| row.presentity == *presentity && row.watcher == *watcher),
            granted,
            entry: self.entries().find(|row| row.presentity == *presentity && row.watcher == *identity),
            watches: self.watches().filter(|row| row.presentity == *presentity && row.watcher == *watcher).collect(),
        }
    }
}

impl StandingName {
    const fn of(standing: &Standing) -> Self {
        match standing {
            Standing::Unclear => Self::Unclear,
            Standing::Pending => Self::Pending,
            Standing::Active(seen) => Self::Active(seen.granted),
            Standing::Refused | Standing::Declined(_) => Self::Refused,
            Standing::Failed(reason) => Self::Failed(*reason),
        }
    }
}

impl EntryStateName {
    const fn of(state: EntryState) -> Self {
        match state {
            EntryState::Idle => Self::Idle,
            EntryState::Subscribing => Self::Subscribing,
            EntryState::Pending => Self::Pending,
            EntryState::Active => Self::Active,
            EntryState::Backoff => Self::Backoff,
            EntryState::Denied => Self::Denied,
            EntryState::Gone => Self::Gone,
            EntryState::Linger(_) => Self::Linger,
        }
    }
}

impl QueueState {
    const fn of(state: RelayState) -> Self {
        match state {
            RelayState::Queued => Self::Queued,
            RelayState::Passing => Self::Passing,
            RelayState::Late => Self::Late,
            RelayState::Waiting | RelayState::Done => Self::Waiting,
        }
    }
}
