//! Whatever happens: every request is answered once, nothing that was promised is lost, one shard or three make no
//! difference, and the same events give the same commands.

use super::world::{ACCOUNTS, World, address, contact, session, text};
use crate::{
    address::Address,
    command::{Answer, CommandKind, DeliveryRoute},
    contact_list::{Contact, ContactListChange},
    engine::{DefaultAuthorization, EngineConfig, QueueState, StandingName, shard_of},
    event::{
        Acknowledgement, Delivery, DeliveryId, DetachReason, EventKind, Operation, Publication, PublicationChange,
        RequestId, SubscriptionId, SubscriptionUpdate,
    },
    message::MessageId,
    outcome::Outcome,
    presence::{Attribute, AttributeSet, Device, DeviceId, Mood, Person, PresenceDocument, Value},
    record::FactKey,
    relay::machine::Verdict,
    side::{Endpoint, PeerName},
    watcher::{Decision, EndReason},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const TARGETS: [&str; 8] = [
    "alice@wv.example",
    "carol@wv.example",
    "bob@sip.example",
    "dave@sip.example",
    "zoe@peer.example",
    "yves@peer.example",
    "nobody@wv.example",
    "x@nowhere.example",
];

/// One thing that happens; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Deed {
    Attach(usize, usize),
    Detach(usize, usize),
    Send(usize, Vec<usize>, u8),
    Watch(usize, usize, Vec<usize>),
    WatchList(usize, usize),
    Unwatch(usize, usize, Vec<usize>),
    Publish(usize, usize, bool),
    Authorize(usize, usize, bool),
    Cancel(usize, usize),
    Fetch(usize, Vec<usize>),
    CreateList(usize, Vec<usize>),
    ChangeList(usize, usize, bool),
    DeleteList(usize),
    /// A word on the contact list, or on everybody.
    AuthorizeMany(usize, bool, bool),
    /// A user of the neighbour watches.
    WatchFromPeer(usize, Vec<usize>),
    UnwatchFromPeer(usize),
    /// The account goes and comes back.
    RemoveAccount(usize),
    Deliver(usize, usize),
    Acknowledge(usize, bool),
    Subscription(usize, usize),
    Peer(bool),
    Admission(usize),
    Wait(u64),
    /// Crash after so many batches; with what the last of them says, or without.
    Crash(usize, bool),
    /// One shard is rebuilt while the others go on.
    Rebuild(usize),
}

fn user() -> std::ops::Range<usize> {
    0..ACCOUNTS.len()
}

fn targets() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..TARGETS.len(), 1..4)
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (user(), 0..2_usize).prop_map(|(user, device)| Deed::Attach(user, device)),
        1 => (user(), 0..2_usize).prop_map(|(user, device)| Deed::Detach(user, device)),
        6 => (user(), targets(), 0..6_u8).prop_map(|(user, to, origin)| Deed::Send(user, to, origin)),
        5 => (user(), 0..2_usize, targets()).prop_map(|(user, device, to)| Deed::Watch(user, device, to)),
        1 => (user(), 0..2_usize).prop_map(|(user, device)| Deed::WatchList(user, device)),
        2 => (user(), 0..2_usize, prop::collection::vec(0..TARGETS.len(), 0..2))
            .prop_map(|(user, device, to)| Deed::Unwatch(user, device, to)),
        4 => (user(), 0..2_usize, any::<bool>()).prop_map(|(user, device, merge)| Deed::Publish(user, device, merge)),
        3 => (user(), user(), any::<bool>()).prop_map(|(user, watcher, allow)| Deed::Authorize(user, watcher, allow)),
        1 => (user(), user()).prop_map(|(user, watcher)| Deed::Cancel(user, watcher)),
        2 => (user(), targets()).prop_map(|(user, to)| Deed::Fetch(user, to)),
        1 => (user(), targets()).prop_map(|(user, to)| Deed::CreateList(user, to)),
        1 => (user(), 0..TARGETS.len(), any::<bool>()).prop_map(|(user, who, add)| Deed::ChangeList(user, who, add)),
        1 => user().prop_map(Deed::DeleteList),
        1 => (user(), any::<bool>(), any::<bool>()).prop_map(|(user, all, allow)| Deed::AuthorizeMany(user, all, allow)),
        3 => (0..2_usize, targets()).prop_map(|(dialog, to)| Deed::WatchFromPeer(dialog, to)),
        1 => (0..2_usize).prop_map(Deed::UnwatchFromPeer),
        1 => user().prop_map(Deed::RemoveAccount),
        6 => (0..8_usize, 0..6_usize).prop_map(|(which, how)| Deed::Deliver(which, how)),
        4 => (0..8_usize, any::<bool>()).prop_map(|(which, taken)| Deed::Acknowledge(which, taken)),
        5 => (0..8_usize, 0..8_usize).prop_map(|(which, how)| Deed::Subscription(which, how)),
        1 => any::<bool>().prop_map(Deed::Peer),
        1 => user().prop_map(Deed::Admission),
        4 => prop_oneof![Just(1_u64), Just(250), Just(2000), Just(5000), Just(70_000)].prop_map(Deed::Wait),
    ]
}

fn deed_or_crash() -> impl Strategy<Value = Deed> {
    prop_oneof![16 => deed(), 1 => (0..3_usize).prop_map(Deed::Rebuild), 2 => (0..6_usize, any::<bool>()).prop_map(|(batches, swallows)| Deed::Crash(batches, swallows))]
}

/// The world with what the test remembers of it.
struct Story {
    world: World,
    requests: Vec<RequestId>,
    /// Requests that a crash may have swallowed.
    excused: usize,
    answers: BTreeMap<RequestId, Vec<Answer>>,
    /// Recipients of each request to send.
    sent: BTreeMap<RequestId, BTreeSet<Address>>,
    open: BTreeMap<DeliveryId, Open>,
    offered: BTreeSet<(Address, String, MessageId, Endpoint)>,
    subscriptions: BTreeSet<SubscriptionId>,
    /// Messages whose fate the test itself has told.
    finished: BTreeSet<(MessageId, Address)>,
    read: usize,
    deeds: u64,
    /// Everything that was released, for comparison.
    journal: Vec<CommandKind>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Open {
    body: String,
    route: String,
    owner: Address,
    message: MessageId,
    recipient: Address,
}

fn configure(config: &mut EngineConfig) {
    // Without jitter the waits of one shard and of three are the same.
    config.limits.backoff_min = Duration::from_millis(1);
    config.limits.backoff_max = Duration::from_millis(1);
    config.limits.start_ramp_per_s = 100_000;
    config.limits.inbox_messages = 6;
    config.limits.subscriptions_per_watcher = 5;
    config.authorization = DefaultAuthorization::Confirm;
}

impl Story {
    fn new(shards: u32) -> Self {
        Self {
            world: World::with(shards, configure),
            requests: Vec::new(),
            excused: 0,
            answers: BTreeMap::new(),
            sent: BTreeMap::new(),
            open: BTreeMap::new(),
            offered: BTreeSet::new(),
            subscriptions: BTreeSet::new(),
            finished: BTreeSet::new(),
            read: 0,
            deeds: 0,
            journal: Vec::new(),
        }
    }

    fn tell(shards: u32, deeds: &[Deed]) -> Self {
        let mut story = Self::new(shards);
        for deed in deeds {
            story.happen(deed.clone());
            story.read();
            story.check_promises();
        }
        let crashes = story.world.crashes;
        story.world.wait_millis(30_000);
        if story.world.crashes != crashes {
            story.excused = story.requests.len();
        }
        story.read();
        story.check_promises();
        story.check_answers();
        story
    }

    fn endpoint(user: usize, device: usize) -> Endpoint {
        let name = format!("{}-{device}", ACCOUNTS[user]);
        if ACCOUNTS[user].ends_with("wv.example") { session(&name) } else { contact(&name) }
    }

    fn ask(&mut self, user: usize, device: usize, operation: Operation) -> RequestId {
        let id = self.world.request(ACCOUNTS[user], &Self::endpoint(user, device), operation);
        self.requests.push(id);
        id
    }

    fn happen(&mut self, deed: Deed) {
        self.deeds += 1;
        let list = |user: usize| address(&ACCOUNTS[user].replace('@', "/friends@"));
        let users = |indices: Vec<usize>| indices.into_iter().map(|index| address(TARGETS[index])).collect::<Vec<_>>();
        let crashes = self.world.crashes;
        match deed {
            Deed::Attach(user, device) => {
                let attachment = super::world::attachment(&format!("device-{device}"));
                self.ask(user, device, Operation::Attach(attachment));
            }
            Deed::Detach(user, device) => {
                self.ask(user, device, Operation::Detach(DetachReason::Logout));
            }
            Deed::Send(user, to, origin) => self.send(user, &to, origin),
            Deed::Watch(user, device, to) => {
                let attributes = AttributeSet::from_iter([Attribute::OnlineStatus, Attribute::StatusMood]);
                self.ask(user, device, Operation::Watch { targets: users(to), attributes, auto_subscribe: false });
            }
            Deed::WatchList(user, device) => {
                let (targets, attributes) = (vec![list(user)], AttributeSet::ALL);
                self.ask(user, device, Operation::Watch { targets, attributes, auto_subscribe: true });
            }
            Deed::Unwatch(user, device, to) => {
                self.ask(user, device, Operation::Unwatch { targets: users(to) });
            }
            Deed::Publish(user, device, merge) => self.publish(user, device, merge),
            Deed::Authorize(user, watcher, allow) => {
                let decision = if allow { Decision::Allow } else { Decision::Block };
                let (watcher, attributes) = (address(ACCOUNTS[watcher]), AttributeSet::ALL);
                self.ask(user, 0, Operation::Authorize { watcher, decision, attributes });
            }
            Deed::Cancel(user, watcher) => {
                self.ask(user, 0, Operation::CancelAuthorization { watcher: address(ACCOUNTS[watcher]) });
            }
            Deed::Fetch(user, to) => {
                self.ask(user, 0, Operation::Fetch { targets: users(to), attributes: AttributeSet::ALL });
            }
            Deed::CreateList(user, to) => {
                let members = users(to).into_iter().map(friend).collect();
                let (list, written) = (list(user), String::new());
                let (display_name, make_default) = (None, true);
                self.ask(user, 0, Operation::CreateContactList { list, written, members, display_name, make_default });
            }
            Deed::ChangeList(user, who, add) => {
                let who = address(TARGETS[who]);
                let mut change = ContactListChange::default();
                if add {
                    change.add.push(friend(who))
                } else {
                    change.remove.push(who)
                }
                self.ask(user, 0, Operation::ManageContactList { list: list(user), change });
            }
            Deed::DeleteList(user) => {
                self.ask(user, 0, Operation::DeleteContactList { list: list(user) });
            }
            Deed::AuthorizeMany(user, all, allow) => {
                let decision = if allow { Decision::Allow } else { Decision::Block };
                let watcher = if all { address(ACCOUNTS[user]) } else { list(user) };
                let attributes = AttributeSet::from_iter([Attribute::StatusMood]);
                self.ask(user, 0, Operation::Authorize { watcher, decision, attributes });
            }
            Deed::WatchFromPeer(dialog, to) => {
                let (targets, attributes) = (users(to), AttributeSet::ALL);
                let operation = Operation::Watch { targets, attributes, auto_subscribe: false };
                let id = self.world.request("zoe@peer.example", &contact(&format!("dialog-{dialog}")), operation);
                self.requests.push(id);
            }
            Deed::UnwatchFromPeer(dialog) => {
                let operation = Operation::Unwatch { targets: Vec::new() };
                let id = self.world.request("zoe@peer.example", &contact(&format!("dialog-{dialog}")), operation);
                self.requests.push(id);
            }
            Deed::RemoveAccount(user) => self.remove_account(user),
            Deed::Deliver(which, how) => self.deliver(which, how),
            Deed::Acknowledge(which, taken) => self.acknowledge(which, taken),
            Deed::Subscription(which, how) => self.subscription(which, how),
            Deed::Peer(reachable) => self.world.event(EventKind::Peer { peer: PeerName::new("core"), reachable }),
            Deed::Admission(user) => {
                let users = [address(ACCOUNTS[user])].into();
                self.world.event(EventKind::Admission { peer: PeerName::new("core"), users });
            }
            Deed::Wait(millis) => self.world.wait_millis(millis),
            Deed::Rebuild(index) => {
                let shards = u32::try_from(self.world.engines.len()).unwrap();
                let index = index % self.world.engines.len();
                let is_lost = |owner: &Address| shard_of(owner, shards) as usize == index;
                self.subscriptions.retain(|subscription| !is_lost(&subscription.presentity().unwrap()));
                self.open.retain(|_, open| !is_lost(&open.owner));
                self.world.rebuild(index);
            }
            Deed::Crash(batches, swallows) => {
                (self.world.crash_after, self.world.crash_swallows) = (Some(batches), swallows);
            }
        }
        if self.world.crashes != crashes {
            self.excused = self.requests.len();
        }
    }

    fn send(&mut self, user: usize, to: &[usize], origin: u8) {
        let origin = format!("{user}-{origin}-{to:?}");
        let id = self.world.send(
            ACCOUNTS[user],
            &Self::endpoint(user, 0),
            &to.iter().map(|index| TARGETS[*index]).collect::<Vec<_>>(),
            text(&origin, &format!("{:04}", self.deeds)),
        );
        self.requests.push(id);
        self.sent.insert(id, to.iter().map(|index| address(TARGETS[*index])).collect());
    }

    fn publish(&mut self, user: usize, device: usize, merge: bool) {
        let moods = [Mood::Happy, Mood::Sad, Mood::Angry, Mood::Bored];
        let mood = moods[usize::try_from(self.deeds).unwrap() % moods.len()].clone();
        let person = Person { mood: Value::Known(mood), ..Person::default() };
        let devices = vec![Device { online: Value::Known(!merge), ..Device::default() }];
        let document = Box::new(PresenceDocument { person, devices });
        let change = if merge { PublicationChange::Merge(document) } else { PublicationChange::Replace(document) };
        let device_name = DeviceId::new(&format!("device-{device}"));
        self.ask(user, device, Operation::Publish(Publication { device: device_name, change }));
    }

    fn remove_account(&mut self, user: usize) {
        let user = address(ACCOUNTS[user]);
        for key in self.world.facts.keys() {
            if let FactKey::Inbox(recipient, message) = key
                && *recipient == user
            {
                self.finished.insert((message.clone(), recipient.clone()));
            }
        }
        let now = self.world.now;
        for engine in &mut self.world.engines {
            engine.account_removed(now, &user);
        }
        self.world.run_all();
        for engine in &mut self.world.engines {
            engine.account_added(user.clone());
        }
    }

    fn deliver(&mut self, which: usize, how: usize) {
        // Chosen by what is delivered, as identifiers and their order differ between one shard and three.
        let mut open: Vec<(Open, DeliveryId)> = self.open.iter().map(|(id, open)| (open.clone(), *id)).collect();
        open.sort_by(|(one, _), (two, _)| {
            (&one.body, &one.route, &one.recipient).cmp(&(&two.body, &two.route, &two.recipient))
        });
        if open.is_empty() {
            return;
        }
        let (open, delivery) = open[which % open.len()].clone();
        let outcomes = [
            Outcome::Success,
            Outcome::Stored,
            Outcome::NotLoggedIn,
            Outcome::Unavailable,
            Outcome::Blocked,
            Outcome::UnknownUser,
        ];
        let outcome = outcomes[how];
        self.open.remove(&delivery);
        if Verdict::of(outcome) != Verdict::NotNow {
            self.finished.insert((open.message.clone(), open.recipient.clone()));
        }
        self.world.event(EventKind::Delivered(Delivery { delivery, owner: open.owner, outcome, retry_after: None }));
    }

    fn acknowledge(&mut self, which: usize, taken: bool) {
        let offered: Vec<_> = self.offered.iter().cloned().collect();
        if offered.is_empty() {
            return;
        }
        let chosen = offered[which % offered.len()].clone();
        self.offered.remove(&chosen);
        let (user, _, message, endpoint) = chosen;
        self.finished.insert((message.clone(), user.clone()));
        let outcome = if taken { Outcome::Success } else { Outcome::Rejected };
        self.world.event(EventKind::Acknowledged(Acknowledgement { user, endpoint, message, outcome }));
    }

    fn subscription(&mut self, which: usize, how: usize) {
        let open: Vec<SubscriptionId> = self.subscriptions.iter().cloned().collect();
        if open.is_empty() {
            return;
        }
        let subscription = open[which % open.len()].clone();
        let document = |mood| {
            let person = Person { mood: Value::Known(mood), ..Person::default() };
            Some(Box::new(PresenceDocument { person, devices: Vec::new() }))
        };
        let ended = |reason| SubscriptionUpdate::Ended { reason, retry_after: None };
        let update = match how {
            0 => SubscriptionUpdate::Pending,
            1 => SubscriptionUpdate::Active(None),
            2 => SubscriptionUpdate::Active(document(Mood::Happy)),
            3 => SubscriptionUpdate::Active(document(Mood::Sad)),
            4 => ended(EndReason::Deactivated),
            5 => ended(EndReason::Rejected),
            6 => SubscriptionUpdate::Failed { outcome: Outcome::Unavailable, retry_after: None },
            _ => SubscriptionUpdate::Failed { outcome: Outcome::UnknownUser, retry_after: None },
        };
        if matches!(update, SubscriptionUpdate::Ended { .. } | SubscriptionUpdate::Failed { .. }) {
            self.subscriptions.remove(&subscription);
        }
        self.world.event(EventKind::Subscription { subscription, update });
    }

    /// Takes note of what was released.
    fn read(&mut self) {
        let news = self.world.seen[self.read..].to_vec();
        for (index, kind) in news.into_iter().enumerate() {
            if self.read + index == self.world.crashed_at {
                self.open.clear();
                self.subscriptions.clear();
            }
            match &kind {
                CommandKind::Deliver { delivery, owner, route, message, .. } => {
                    let body = String::from_utf8(message.content.body.to_vec()).unwrap();
                    if let DeliveryRoute::Endpoint(endpoint) = route
                        && message.recipient.domain() == "wv.example"
                    {
                        let (user, message) = (message.recipient.clone(), message.id.clone());
                        self.offered.insert((user, body, message, endpoint.clone()));
                    } else {
                        let open = Open {
                            body,
                            route: format!("{route:?}"),
                            owner: owner.clone(),
                            message: message.id.clone(),
                            recipient: message.recipient.clone(),
                        };
                        self.open.insert(*delivery, open);
                    }
                }
                CommandKind::Answer { request, answer } => {
                    self.answers.entry(*request).or_default().push(answer.clone());
                }
                CommandKind::OpenSubscription { subscription, lasting: true, .. } => {
                    assert!(self.subscriptions.insert(subscription.clone()), "opened twice: {subscription:?}");
                }
                CommandKind::CloseSubscription { subscription } => {
                    self.subscriptions.remove(subscription);
                }
                _ => {}
            }
            self.journal.push(kind);
        }
        if self.world.seen.len() == self.world.crashed_at {
            self.open.clear();
            self.subscriptions.clear();
        }
        self.read = self.world.seen.len();
    }

    /// What was answered with success is kept, or over; and what is in memory is what is kept.
    fn check_promises(&self) {
        for (request, recipients) in &self.sent {
            for answer in self.answers.get(request).into_iter().flatten() {
                let Answer::Sent { outcome, message: Some(message), details } = answer else { continue };
                if !outcome.is_success() && *outcome != Outcome::PartialSuccess {
                    continue;
                }
                for recipient in recipients {
                    let failed = details.iter().any(|detail| detail.target == *recipient);
                    let kept = self.world.facts.keys().any(|key| match key {
                        FactKey::Inbox(user, id) => user == recipient && id == message,
                        FactKey::Outbox(_, id, user) => user == recipient && id == message,
                        _ => false,
                    });
                    let over = self.finished.contains(&(message.clone(), recipient.clone()));
                    assert!(failed || kept || over, "{message:?} to {recipient} is lost");
                }
            }
        }
        let engines = || self.world.engines.iter();
        let kept = |wanted: fn(&FactKey) -> bool| self.world.facts.keys().filter(|key| wanted(key)).count();
        let attachments = engines().flat_map(|engine| engine.attachments()).count();
        assert_eq!(attachments, kept(|key| matches!(key, FactKey::Attachment(..))));
        let publications = engines().flat_map(|engine| engine.publications()).count();
        assert_eq!(publications, kept(|key| matches!(key, FactKey::Publication(..))));
        let watches = engines().flat_map(|engine| engine.watches()).count();
        assert_eq!(watches, kept(|key| matches!(key, FactKey::Watch(..))));
        let shards = u32::try_from(self.world.engines.len()).unwrap();
        for row in engines().flat_map(|engine| engine.watches()) {
            if matches!(row.standing, StandingName::Active(_)) {
                let engine = &self.world.engines[shard_of(&row.presentity, shards) as usize];
                let known = engine.explain(&row.watcher, &row.presentity);
                assert!(known.granted.is_some() || known.entry.is_some(), "nobody feeds {row:?}");
            }
        }
        let stored = engines()
            .flat_map(|engine| engine.queues())
            .filter(|row| matches!(row.state, QueueState::Late | QueueState::Waiting | QueueState::Offered))
            .count();
        assert_eq!(stored, kept(|key| matches!(key, FactKey::Inbox(..) | FactKey::Outbox(..))));
        let questions = engines().flat_map(|engine| engine.questions()).count();
        assert_eq!(questions, kept(|key| matches!(key, FactKey::Question(..))));
    }

    fn check_answers(&self) {
        for (index, request) in self.requests.iter().enumerate() {
            let answers = self.answers.get(request).map_or(0, Vec::len);
            if index < self.excused {
                assert!(answers <= 1, "{request:?} was answered {answers} times");
            } else {
                assert_eq!(answers, 1, "{request:?}");
            }
        }
    }

    /// What the world outside saw, without identifiers and without an order between what is unrelated.
    fn observed(&self) -> BTreeMap<String, Vec<String>> {
        let mut observed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for kind in &self.journal {
            let (key, what) = match kind {
                CommandKind::Answer { request, answer: Answer::Sent { outcome, message, details } } => {
                    (format!("answer {request:?}"), format!("{outcome:?} {} {details:?}", message.is_some()))
                }
                CommandKind::Answer { request, answer } => (format!("answer {request:?}"), format!("{answer:?}")),
                CommandKind::Notify(news) => (
                    format!("notify {:?} {}", news.endpoint, news.presentity),
                    format!("{:?} {:?}", news.state, news.view),
                ),
                CommandKind::Deliver { route, message, repeated, .. } => (
                    format!("deliver {route:?} {} {}", message.sender, message.recipient),
                    format!("{:?} {repeated}", message.content.body),
                ),
                CommandKind::Report { route, report } => {
                    (format!("report {route:?} {}", report.recipient), format!("{:?}", report.outcome))
                }
                CommandKind::AskAuthorization { endpoint, watcher, .. } => {
                    (format!("ask {endpoint:?} {watcher}"), String::new())
                }
                CommandKind::Retract { endpoint, .. } => (format!("retract {endpoint:?}"), String::new()),
                CommandKind::OpenSubscription { watcher, presentity, lasting, .. } => {
                    (format!("open {watcher} {presentity} {lasting}"), String::new())
                }
                CommandKind::CloseSubscription { subscription } => {
                    (format!("close {:?} {:?}", subscription.watcher(), subscription.presentity()), String::new())
                }
                CommandKind::TellWatchers(_)
                | CommandKind::Register { .. }
                | CommandKind::Deregister { .. }
                | CommandKind::LearnWatchers { .. }
                | CommandKind::ForgetWatchers { .. }
                | CommandKind::Announce { .. }
                | CommandKind::Happened { .. }
                | CommandKind::Conversation { .. }
                | CommandKind::Far(_)
                | CommandKind::Publish { .. }
                | CommandKind::Invitation { .. }
                | CommandKind::Keep(_)
                | CommandKind::Forward(_) => continue,
            };
            observed.entry(key).or_default().push(what);
        }
        // Reports of the same instant have no order.
        for (_, reports) in observed.iter_mut().filter(|(key, _)| key.starts_with("report")) {
            reports.sort();
        }
        observed
    }
}

fn friend(address: Address) -> Contact {
    Contact { written: address.as_str().into(), address, nickname: None }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_shard_or_three_are_the_same_to_the_world(deeds in prop::collection::vec(deed(), 1..60)) {
        let (one, three) = (Story::tell(1, &deeds), Story::tell(3, &deeds));
        let (one, three) = (one.observed(), three.observed());
        let differing: Vec<_> = one
            .keys()
            .chain(three.keys())
            .filter(|key| one.get(*key) != three.get(*key))
            .map(|key| (key, one.get(key), three.get(key)))
            .collect();
        prop_assert!(differing.is_empty(), "one shard and three differ: {differing:#?}");
    }

    #[test]
    fn the_same_events_give_the_same_commands(deeds in prop::collection::vec(deed_or_crash(), 1..60)) {
        let (one, two) = (Story::tell(3, &deeds), Story::tell(3, &deeds));
        prop_assert_eq!(format!("{:?}", one.journal), format!("{:?}", two.journal));
    }

    #[test]
    fn a_crash_at_any_batch_loses_nothing_that_was_promised(
        deeds in prop::collection::vec(deed_or_crash(), 1..80),
        shards in 1..4_u32,
    ) {
        Story::tell(shards, &deeds);
    }
}
