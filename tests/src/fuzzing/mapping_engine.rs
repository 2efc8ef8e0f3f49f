//! The engine over a tiny world: users of both sides do anything, shards crash at any batch and come back from records.

use super::tape::Tape;
use mapping::{
    address::Address,
    announcement::Announcement,
    command::{CommandKind, DeliveryRoute},
    contact_list::{Contact, ContactListChange},
    correlation::Correlation,
    engine::{DefaultAuthorization, Engine, EngineConfig, QueueState, shard_of},
    event::{
        Acknowledgement, Attachment, AttributeScope, BeyondOf, Delivery, DeliveryId, DetachReason, Event, EventKind,
        InboxOperation, Operation, Publication, PublicationChange, Reception, Request, RequestId, Submission,
        SubscriptionId, SubscriptionUpdate,
    },
    message::{Content, Message, MessageId, Report, ReportWish},
    outcome::Outcome,
    presence::{Attribute, AttributeSet, Device, DeviceId, Mood, Person, PresenceDocument, Value},
    record::{Fact, FactKey, Record},
    route::{DomainRoute, DomainTable, Route},
    screening::{Entity, EntityChange, ScreeningChange},
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
    watcher::{Beyond, Decision, EndReason},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

const ACCOUNTS: [&str; 4] = ["alice@wv.example", "carol@wv.example", "bob@sip.example", "dave@sip.example"];
const TARGETS: [&str; 10] = [
    "alice@wv.example",
    "carol@wv.example",
    "bob@sip.example",
    "dave@sip.example",
    "zoe@peer.example",
    "yves@peer.example",
    "nobody@wv.example",
    "x@nowhere.example",
    "alice/friends@wv.example",
    "bob/friends@sip.example",
];
const OUTCOMES: [Outcome; 7] = [
    Outcome::Success,
    Outcome::Stored,
    Outcome::NotLoggedIn,
    Outcome::Unavailable,
    Outcome::Blocked,
    Outcome::UnknownUser,
    Outcome::Rejected,
];

/// Any history of the world.
///
/// # Panics
/// When a promise of the engine is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut world = World::new(&mut tape);
    while let Some(step) = tape.next_octet() {
        world.take(step, &mut tape);
        world.check();
    }
    world.crash_after = None;
    world.pass(30_000);
    world.check();
    assert!(world.waiting.is_empty(), "requests without an answer: {:?}", world.waiting);
}

struct World {
    now: Timestamp,
    engines: Vec<Engine>,
    authorization: DefaultAuthorization,
    facts: BTreeMap<FactKey, Fact>,
    words: VecDeque<(Correlation, EventKind)>,
    requests: u64,
    crashes: u64,
    /// After so many batches everything that is not kept is lost, with what the last batch said or without.
    crash_after: Option<u8>,
    swallows: bool,
    /// Requests that were not answered, and all that were.
    waiting: BTreeSet<RequestId>,
    answered: BTreeSet<RequestId>,
    deliveries: Vec<(DeliveryId, Address)>,
    offered: Vec<(Address, Endpoint, MessageId)>,
    reports: Vec<Report>,
    subscriptions: Vec<SubscriptionId>,
}

impl World {
    fn new(tape: &mut Tape<'_>) -> Self {
        use DefaultAuthorization::{Allow, Block, Confirm};
        let mut world = Self {
            now: Timestamp::from_secs(1_000_000),
            engines: Vec::new(),
            authorization: tape.pick(&[Confirm, Allow, Block]),
            facts: BTreeMap::new(),
            words: VecDeque::new(),
            requests: 0,
            crashes: 0,
            crash_after: None,
            swallows: false,
            waiting: BTreeSet::new(),
            answered: BTreeSet::new(),
            deliveries: Vec::new(),
            offered: Vec::new(),
            reports: Vec::new(),
            subscriptions: Vec::new(),
        };
        let shards = tape.pick(&[1, 3]);
        world.engines = (0..shards).map(|shard| world.engine(shard, shards)).collect();
        world
    }

    fn engine(&self, shard: u32, shards: u32) -> Engine {
        let mut config = EngineConfig::new(domains(), [self.crashes + 1, u64::from(shard)]);
        (config.shard, config.shards) = (shard, shards);
        config.authorization = self.authorization;
        // Small enough for a short history to reach them.
        config.limits.backoff_min = Duration::from_millis(500);
        config.limits.backoff_max = Duration::from_secs(4);
        config.limits.start_ramp_per_s = 4;
        config.limits.inbox_messages = 3;
        config.limits.outbox_messages = 3;
        config.limits.subscriptions_per_watcher = 4;
        config.limits.watchers_per_presentity = 4;
        config.limits.questions_per_presentity = 2;
        config.limits.attachments_per_user = 2;
        config.limits.contacts_per_list = 3;
        config.limits.origins_per_user = 4;
        config.limits.authorizations_per_presentity = 3;
        let mut engine = Engine::new(config);
        for account in ACCOUNTS {
            engine.account_added(address(account));
        }
        engine
    }

    fn take(&mut self, step: u8, tape: &mut Tape<'_>) {
        match step % 12 {
            0 => self.pass(tape.wait_millis()),
            1..=5 => self.ask(tape),
            6 if !self.deliveries.is_empty() => {
                let place = usize::from(tape.octet()) % self.deliveries.len();
                let (delivery, owner) = self.deliveries.swap_remove(place);
                let retry_after = tape.flag().then(|| Duration::from_secs(u64::from(tape.octet())));
                let outcome = tape.pick(&OUTCOMES);
                self.event(EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after }));
            }
            7 if !self.offered.is_empty() => {
                let place = usize::from(tape.octet()) % self.offered.len();
                let (user, endpoint, message) = self.offered.swap_remove(place);
                let outcome = tape.pick(&OUTCOMES);
                self.event(EventKind::Acknowledged(Acknowledgement { user, endpoint, message, outcome }));
            }
            8 | 9 if !self.subscriptions.is_empty() => {
                let subscription = tape.pick(&self.subscriptions);
                let update = update(tape);
                self.event(EventKind::Subscription { subscription, update });
            }
            10 if !self.reports.is_empty() => {
                let place = usize::from(tape.octet()) % self.reports.len();
                let report = self.reports.swap_remove(place);
                self.event(if tape.flag() {
                    EventKind::Reported(Report { outcome: tape.pick(&OUTCOMES), ..report })
                } else {
                    let Report { message, recipient, sender, .. } = report;
                    EventKind::ReportTaken { message, recipient, sender }
                });
            }
            11 => self.disturb(tape),
            _ => {}
        }
    }

    /// What an operator or a fault does.
    fn disturb(&mut self, tape: &mut Tape<'_>) {
        match tape.octet() % 7 {
            6 => {
                let (user, id) = (address(tape.pick(&ACCOUNTS)), Arc::from(tape.pick(&["1", "2"])));
                self.event(if tape.flag() {
                    EventKind::AnnouncementSeen { user, id }
                } else {
                    EventKind::Announced(Announcement {
                        id,
                        user,
                        text: String::new(),
                        options: Vec::new(),
                        requires_answer: tape.flag(),
                        expires: self.now.after(Duration::from_secs(u64::from(tape.octet()))),
                        answer: None,
                    })
                });
            }
            0 | 1 => (self.crash_after, self.swallows) = (Some(tape.octet() % 6), tape.flag()),
            2 => self.rebuild(usize::from(tape.octet()) % self.engines.len()),
            3 => {
                let peer = PeerName::new("core");
                self.event(match tape.flag() {
                    true => EventKind::Peer { peer, reachable: true },
                    false => EventKind::Admission { peer, users: [].into() },
                });
            }
            4 => {
                let user = address(tape.pick(&ACCOUNTS));
                for engine in &mut self.engines {
                    engine.account_removed(self.now, &user);
                }
                self.release_all();
                for engine in &mut self.engines {
                    engine.account_added(user.clone());
                }
            }
            _ => {
                self.crash_after = None;
                self.crash();
            }
        }
    }

    fn ask(&mut self, tape: &mut Tape<'_>) {
        self.requests += 1;
        // Now and then a user of the neighbour asks.
        let user = tape.pick(&["alice@wv.example", "carol@wv.example", "bob@sip.example", "zoe@peer.example"]);
        let side = if user.ends_with("wv.example") { Side::Wv } else { Side::Simple };
        let device = tape.octet() % 3;
        let endpoint = Endpoint::new(side, &format!("{user}-{device}"));
        let id = RequestId { side, number: self.requests };
        let known: Vec<MessageId> = self.offered.iter().rev().take(3).map(|(_, _, message)| message.clone()).collect();
        let operation = operation(user, device, &known, tape);
        self.waiting.insert(id);
        self.event(EventKind::Request(Request { id, user: address(user), endpoint, operation }));
    }

    fn event(&mut self, kind: EventKind) {
        self.words.push_back((Correlation::new(7), kind));
        self.run_words();
    }

    fn run_words(&mut self) {
        while let Some((correlation, kind)) = self.words.pop_front() {
            let indices = match kind.owner() {
                Some(owner) => vec![shard_of(&owner, self.shards()) as usize],
                None => (0..self.engines.len()).collect(),
            };
            for index in indices {
                // A crash while the first ones are released may leave fewer.
                if let Some(engine) = self.engines.get_mut(index) {
                    engine.handle(self.now, Event { correlation, kind: kind.clone() });
                    self.release(index);
                }
            }
        }
    }

    fn release_all(&mut self) {
        for index in 0..self.engines.len() {
            self.release(index);
        }
        self.run_words();
    }

    /// Commits a shard's batch and releases the rest of it, or crashes before or after that.
    fn release(&mut self, index: usize) {
        let due = self.crash_after == Some(0);
        self.crash_after = self.crash_after.map(|left| left.saturating_sub(1));
        let mut batch = Vec::new();
        while let Some(command) = self.engines.get_mut(index).and_then(Engine::poll) {
            match command.kind {
                CommandKind::Keep(Record::Put(fact)) => {
                    self.facts.insert(fact.key(), fact);
                }
                CommandKind::Keep(Record::Delete(key)) => {
                    self.facts.remove(&key);
                }
                kind => batch.push((command.correlation, kind)),
            }
        }
        if !(due && self.swallows) {
            for (correlation, kind) in batch {
                self.obey(correlation, kind);
            }
        }
        if due {
            self.crash_after = None;
            self.crash();
        }
    }

    fn obey(&mut self, correlation: Correlation, kind: CommandKind) {
        match kind {
            CommandKind::Forward(word) => self.words.push_back((correlation, EventKind::Forwarded(word))),
            CommandKind::Answer { request, .. } => {
                self.waiting.remove(&request);
                assert!(self.answered.insert(request), "answered twice: {request:?}");
            }
            CommandKind::Deliver { delivery, owner, route, message, .. } => {
                if let DeliveryRoute::Endpoint(endpoint) = route {
                    self.offered.push((message.recipient.clone(), endpoint, message.id.clone()));
                }
                self.deliveries.push((delivery, owner));
            }
            CommandKind::Report { report, .. } => self.reports.push(report),
            CommandKind::OpenSubscription { subscription, .. } => self.subscriptions.push(subscription),
            CommandKind::CloseSubscription { subscription } => self.subscriptions.retain(|one| *one != subscription),
            CommandKind::Keep(_)
            | CommandKind::Announce { .. }
            | CommandKind::Happened { .. }
            | CommandKind::Notify(_)
            | CommandKind::TellWatchers(_)
            | CommandKind::Register { .. }
            | CommandKind::Deregister { .. }
            | CommandKind::LearnWatchers { .. }
            | CommandKind::ForgetWatchers { .. }
            | CommandKind::AskAuthorization { .. }
            | CommandKind::Retract { .. }
            | CommandKind::Conversation { .. }
            | CommandKind::Far(_)
            | CommandKind::Publish { .. }
            | CommandKind::Invitation { .. } => {}
        }
    }

    /// Everything that is not kept is lost, the number of shards changes, and the shards come back.
    fn crash(&mut self) {
        self.crashes += 1;
        self.words.clear();
        self.waiting.clear();
        self.subscriptions.clear();
        let shards = if self.crashes.is_multiple_of(2) { 1 } else { 3 };
        self.engines = (0..shards).map(|shard| self.engine(shard, shards)).collect();
        let facts: Vec<Fact> = self.facts.values().cloned().collect();
        for engine in &mut self.engines {
            engine.restore(self.now, facts.clone());
        }
        self.release_all();
    }

    /// One shard fails and is rebuilt while the others go on.
    fn rebuild(&mut self, index: usize) {
        self.crashes += 1;
        self.waiting.clear();
        let shard = u32::try_from(index).unwrap_or_default();
        let mut engine = self.engine(shard, self.shards());
        engine.restore(self.now, self.facts.values().cloned());
        self.engines[index] = engine;
        for (other, engine) in self.engines.iter_mut().enumerate() {
            if other != index {
                engine.shard_restored(self.now, shard);
            }
        }
        self.release_all();
    }

    fn shards(&self) -> u32 {
        u32::try_from(self.engines.len()).unwrap_or(1)
    }

    fn pass(&mut self, millis: u64) {
        let end = self.now.as_millis() + millis;
        for _ in 0..1_000 {
            let next = self.engines.iter().filter_map(Engine::deadline).min();
            let Some(next) = next.filter(|next| next.as_millis() <= end) else { break };
            self.now = self.now.max(next);
            for index in 0..self.engines.len() {
                // A crash while the first ones are released leaves fewer.
                if let Some(engine) = self.engines.get_mut(index) {
                    engine.expire(self.now);
                    self.release(index);
                }
            }
            self.run_words();
        }
        self.now = self.now.max(Timestamp::from_millis(end));
    }

    /// What is in memory is what is kept.
    fn check(&self) {
        let engines = || self.engines.iter();
        let kept = |wanted: fn(&FactKey) -> bool| self.facts.keys().filter(|key| wanted(key)).count();
        let attachments = engines().flat_map(|engine| engine.attachments()).count();
        assert_eq!(attachments, kept(|key| matches!(key, FactKey::Attachment(..))), "attachments");
        let publications = engines().flat_map(|engine| engine.publications()).count();
        assert_eq!(publications, kept(|key| matches!(key, FactKey::Publication(..))), "publications");
        let watches = engines().flat_map(|engine| engine.watches()).count();
        assert_eq!(watches, kept(|key| matches!(key, FactKey::Watch(..))), "watches");
        let questions = engines().flat_map(|engine| engine.questions()).count();
        assert_eq!(questions, kept(|key| matches!(key, FactKey::Question(..))), "questions");
        let stored = engines()
            .flat_map(|engine| engine.queues())
            .filter(|row| matches!(row.state, QueueState::Late | QueueState::Waiting | QueueState::Offered))
            .count();
        assert_eq!(stored, kept(|key| matches!(key, FactKey::Inbox(..) | FactKey::Outbox(..))), "queues");
    }
}

fn scope(tape: &mut Tape<'_>) -> AttributeScope {
    AttributeScope { targets: addresses(tape), everybody: tape.flag() }
}

fn operation(user: &str, device: u8, known: &[MessageId], tape: &mut Tape<'_>) -> Operation {
    let list = address(&user.replace('@', "/friends@"));
    match tape.octet() % 16 {
        0 | 1 => Operation::Attach(Attachment {
            device: DeviceId::new(&format!("device-{device}")),
            reception: Reception {
                takes_messages: tape.flag(),
                takes_reports: true,
                takes_stored: true,
                takes_announcements: true,
                media_types: Arc::from([]),
                content_octets_max: 100,
            },
            publishes_online: tape.flag(),
        }),
        2 => Operation::Detach(tape.pick(&[DetachReason::Logout, DetachReason::Expired, DetachReason::Forced])),
        3 | 4 => Operation::Send(Submission {
            recipients: addresses(tape),
            devices: devices(tape),
            conversations: Vec::new(),
            message: message(user, tape),
        }),
        5 | 6 => {
            Operation::Watch { targets: addresses(tape), attributes: attributes(tape), auto_subscribe: tape.flag() }
        }
        7 => Operation::Unwatch { targets: addresses(tape) },
        8 => {
            let document = Box::new(document(tape));
            let change = match tape.octet() % 3 {
                0 => PublicationChange::Remove,
                1 => PublicationChange::Merge(document),
                _ => PublicationChange::Replace(document),
            };
            Operation::Publish(Publication { device: DeviceId::new(&format!("device-{device}")), change })
        }
        9 if tape.flag() => Operation::SetAttributeLists {
            scope: scope(tape),
            attributes: attributes(tape),
            beyond: if tape.flag() {
                BeyondOf { users: Beyond::Asked, ..BeyondOf::default() }
            } else {
                BeyondOf::default()
            },
        },
        9 if tape.flag() => Operation::DropAttributeLists { scope: scope(tape) },
        9 => {
            let decision = if tape.flag() { Decision::Allow } else { Decision::Block };
            Operation::Authorize { watcher: target(tape), decision, attributes: attributes(tape) }
        }
        10 if tape.flag() => Operation::CancelAuthorization { watcher: target(tape) },
        10 => Operation::Fetch { targets: addresses(tape), attributes: attributes(tape) },
        11 => Operation::CreateContactList {
            list,
            written: String::new(),
            members: addresses(tape).into_iter().map(friend).collect(),
            display_name: None,
            make_default: tape.flag(),
        },
        12 => {
            let mut change = ContactListChange::default();
            change.add.extend(addresses(tape).into_iter().map(friend));
            change.remove.extend(addresses(tape));
            Operation::ManageContactList { list, change }
        }
        13 | 14 => screening_or_inbox(known, tape),
        _ if tape.flag() => Operation::DeleteContactList { list },
        _ if tape.flag() => Operation::GetAttributeLists { scope: scope(tape) },
        _ if tape.flag() => Operation::GetWatchers { history: None },
        _ if tape.flag() => Operation::GetDecisions { watchers: addresses(tape) },
        _ if tape.flag() => Operation::RepeatQuestions,
        _ => Operation::GetContactLists,
    }
}

/// What a user does with its lists of whom it lets through, and with the messages that wait for it.
fn screening_or_inbox(known: &[MessageId], tape: &mut Tape<'_>) -> Operation {
    let stranger = MessageId::new("m-1");
    let name = if known.is_empty() { stranger.clone() } else { tape.pick(known) };
    match tape.octet() % 7 {
        6 if tape.flag() => {
            let choice = tape.flag().then(|| Arc::from("x"));
            Operation::AnswerAnnouncement { id: Arc::from(tape.pick(&["1", "2"])), choice, key: None }
        }
        0 => Operation::Inbox(InboxOperation::List { at_most: tape.flag().then(|| usize::from(tape.octet() % 4)) }),
        1 => Operation::Inbox(InboxOperation::Fetch(name)),
        2 => Operation::Inbox(InboxOperation::Take(name)),
        3 => Operation::Inbox(InboxOperation::Reject(vec![name, stranger])),
        4 => {
            let (recipients, origin) = (addresses(tape), Arc::from("forward"));
            Operation::Inbox(InboxOperation::Forward { message: name, recipients, conversations: Vec::new(), origin })
        }
        _ => {
            let entities = |tape: &mut Tape<'_>| addresses(tape).into_iter().map(Entity::User).collect::<Vec<_>>();
            let change = EntityChange {
                in_use: tape.flag().then(|| tape.flag()),
                whole: tape.flag().then(|| entities(tape)),
                add: entities(tape),
                remove: if tape.flag() { entities(tape) } else { Vec::new() },
            };
            let (block, grant) = if tape.flag() { (Some(change), None) } else { (None, Some(change)) };
            Operation::Screen(ScreeningChange { block, grant })
        }
    }
}

fn update(tape: &mut Tape<'_>) -> SubscriptionUpdate {
    let retry_after = tape.flag().then(|| Duration::from_secs(u64::from(tape.octet())));
    match tape.octet() % 4 {
        0 => SubscriptionUpdate::Pending,
        1 => SubscriptionUpdate::Active(tape.flag().then(|| Box::new(document(tape)))),
        2 => {
            use EndReason::{Deactivated, Rejected, Timeout};
            SubscriptionUpdate::Ended { reason: tape.pick(&[Deactivated, Rejected, Timeout]), retry_after }
        }
        _ => SubscriptionUpdate::Failed { outcome: tape.pick(&OUTCOMES), retry_after },
    }
}

fn devices(tape: &mut Tape<'_>) -> Vec<(Address, DeviceId)> {
    let named = |tape: &mut Tape<'_>| (target(tape), DeviceId::new(tape.pick(&["device-0", "device-1"])));
    if tape.flag() { vec![named(tape)] } else { Vec::new() }
}

fn message(user: &str, tape: &mut Tape<'_>) -> Message {
    let length = usize::from(tape.octet() % 128);
    Message {
        id: MessageId::new(""),
        sender: address(user),
        recipient: address("nobody@wv.example"),
        device: None,
        content: Content::from_text(&"x".repeat(length)),
        sent: Timestamp::from_secs(1_000_000),
        expires: Timestamp::EPOCH,
        report: tape.pick(&[ReportWish::Delivery, ReportWish::None]),
        origin: Arc::from(format!("{}", tape.octet() % 8)),
        talk: None,
        disclosure: mapping::message::Disclosure::Named,
    }
}

fn document(tape: &mut Tape<'_>) -> PresenceDocument {
    let mood = tape.pick(&[Mood::Happy, Mood::Sad, Mood::Angry]);
    let person = Person { mood: Value::Known(mood), ..Person::default() };
    let devices = (0..tape.octet() % 3).map(|_| Device { online: Value::Known(tape.flag()), ..Device::default() });
    PresenceDocument { person, devices: devices.collect() }
}

fn attributes(tape: &mut Tape<'_>) -> AttributeSet {
    match tape.octet() % 4 {
        0 => AttributeSet::from_iter([Attribute::OnlineStatus]),
        1 => AttributeSet::from_iter([Attribute::OnlineStatus, Attribute::StatusMood]),
        2 => AttributeSet::from_iter([]),
        _ => AttributeSet::ALL,
    }
}

fn target(tape: &mut Tape<'_>) -> Address {
    address(tape.pick(&TARGETS))
}

fn addresses(tape: &mut Tape<'_>) -> Vec<Address> {
    (0..tape.octet() % 4).map(|_| target(tape)).collect()
}

fn friend(address: Address) -> Contact {
    Contact { written: address.as_str().into(), address, nickname: None }
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn domains() -> DomainTable {
    let mut domains = DomainTable::default();
    domains.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
    domains.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
    let peer = Route::Peer(PeerName::new("core"));
    domains.insert("peer.example", DomainRoute { side: Side::Simple, route: peer });
    domains
}
