//! A small world around one or more shards: the driver that the contract asks for.

use crate::{
    address::Address,
    command::{Answer, CommandKind},
    correlation::Correlation,
    engine::{Engine, EngineConfig, shard_of},
    event::{Attachment, Event, EventKind, Operation, Reception, Request, RequestId, Submission},
    message::{Content, Message, MessageId, ReportWish},
    presence::DeviceId,
    record::{Fact, FactKey, Record},
    route::{DomainRoute, DomainTable, Route},
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// Accounts of the world: two users on each side.
pub(super) const ACCOUNTS: [&str; 4] = ["alice@wv.example", "carol@wv.example", "bob@sip.example", "dave@sip.example"];

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) engines: Vec<Engine>,
    /// Released commands, but for records and words.
    pub(super) seen: Vec<CommandKind>,
    pub(super) facts: BTreeMap<FactKey, Fact>,
    /// After so many batches everything that is not kept is lost.
    pub(super) crash_after: Option<usize>,
    /// Whether what the last batch said is lost although its records are kept.
    pub(super) crash_swallows: bool,
    pub(super) crashes: u64,
    /// How much had been released at the last crash.
    pub(super) crashed_at: usize,
    words: VecDeque<(Correlation, EventKind)>,
    last_request: u64,
    configure: fn(&mut EngineConfig),
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(super) fn session(name: &str) -> Endpoint {
    Endpoint::new(Side::Wv, name)
}

pub(super) fn contact(name: &str) -> Endpoint {
    Endpoint::new(Side::Simple, name)
}

pub(super) fn domains() -> DomainTable {
    let mut domains = DomainTable::default();
    domains.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
    domains.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
    let peer = Route::Peer(PeerName::new("core"));
    domains.insert("peer.example", DomainRoute { side: Side::Simple, route: peer });
    domains
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(1, |_| {})
    }

    pub(super) fn with(shards: u32, configure: fn(&mut EngineConfig)) -> Self {
        let mut world = Self {
            now: Timestamp::from_secs(1_000_000),
            engines: Vec::new(),
            seen: Vec::new(),
            facts: BTreeMap::new(),
            crash_after: None,
            crash_swallows: false,
            crashes: 0,
            crashed_at: 0,
            words: VecDeque::new(),
            last_request: 0,
            configure,
        };
        world.start(shards, 1);
        world
    }

    fn start(&mut self, shards: u32, seed: u64) {
        self.engines = (0..shards).map(|shard| self.engine(shard, shards, seed)).collect();
    }

    fn engine(&self, shard: u32, shards: u32, seed: u64) -> Engine {
        let mut config = EngineConfig::new(domains(), [seed, u64::from(shard)]);
        (config.shard, config.shards) = (shard, shards);
        (self.configure)(&mut config);
        let mut engine = Engine::new(config);
        for account in ACCOUNTS {
            engine.account_added(address(account));
        }
        engine
    }

    /// One shard fails and is rebuilt while the others go on.
    pub(super) fn rebuild(&mut self, index: usize) {
        self.crashes += 1;
        let (shard, shards) = (u32::try_from(index).unwrap(), u32::try_from(self.engines.len()).unwrap());
        let mut engine = self.engine(shard, shards, 1 + self.crashes);
        engine.restore(self.now, self.facts.values().cloned());
        self.engines[index] = engine;
        for (other, engine) in self.engines.iter_mut().enumerate() {
            if other != index {
                engine.shard_restored(self.now, shard);
            }
        }
        self.run_all();
    }

    /// Everything that is not kept is lost; the shards come back from what is.
    pub(super) fn crash(&mut self, shards: u32) {
        self.crashes += 1;
        self.crashed_at = self.seen.len();
        self.crash_after = None;
        self.words.clear();
        self.start(shards, 1 + self.crashes);
        let facts: Vec<Fact> = self.facts.values().cloned().collect();
        for index in 0..self.engines.len() {
            self.engines[index].restore(self.now, facts.clone());
        }
        self.run_all();
    }

    /// One event, and all words that follow from it.
    pub(super) fn event(&mut self, kind: EventKind) {
        self.words.push_back((Correlation::new(7), kind));
        self.run();
    }

    /// Works off the words that are under way.
    pub(super) fn run(&mut self) {
        while let Some((correlation, kind)) = self.words.pop_front() {
            let shards = u32::try_from(self.engines.len()).unwrap();
            let indices = match kind.owner() {
                Some(owner) => vec![shard_of(&owner, shards) as usize],
                None => (0..self.engines.len()).collect(),
            };
            for index in indices {
                self.engines[index].handle(self.now, Event { correlation, kind: kind.clone() });
                self.release(index);
            }
        }
    }

    /// Releases what was made outside of events.
    pub(super) fn run_all(&mut self) {
        for index in 0..self.engines.len() {
            self.release(index);
        }
        self.run();
    }

    /// Commits a shard's batch and releases the rest of it, or crashes before or after that.
    fn release(&mut self, index: usize) {
        let due = self.crash_after == Some(0);
        self.crash_after = self.crash_after.map(|left| left.saturating_sub(1));
        let mut batch = Vec::new();
        while let Some(command) = self.engines[index].poll() {
            match command.kind {
                CommandKind::Keep(Record::Put(fact)) => {
                    // What is kept must survive being written.
                    let text = serde_json::to_string(&fact).unwrap();
                    assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), fact);
                    self.facts.insert(fact.key(), fact);
                }
                CommandKind::Keep(Record::Delete(key)) => {
                    self.facts.remove(&key);
                }
                kind => batch.push((command.correlation, kind)),
            }
        }
        if due && self.crash_swallows {
            batch.clear();
        }
        for (correlation, kind) in batch {
            match kind {
                CommandKind::Forward(forwarded) => {
                    self.words.push_back((correlation, EventKind::Forwarded(forwarded)));
                }
                kind => self.seen.push(kind),
            }
        }
        if due {
            let shards = u32::try_from(self.engines.len()).unwrap();
            self.crash(shards);
        }
    }

    /// Lets time pass, stopping at every deadline.
    pub(super) fn wait_millis(&mut self, millis: u64) {
        let end = Timestamp::from_millis(self.now.as_millis() + millis);
        loop {
            let next = self.engines.iter().filter_map(Engine::deadline).min();
            match next.filter(|next| *next <= end) {
                Some(next) => self.now = self.now.max(next),
                None => break,
            }
            for index in 0..self.engines.len() {
                self.engines[index].expire(self.now);
                self.release(index);
            }
            self.run();
        }
        self.now = end;
    }

    pub(super) fn request(&mut self, user: &str, endpoint: &Endpoint, operation: Operation) -> RequestId {
        self.last_request += 1;
        let id = RequestId { side: endpoint.side, number: self.last_request };
        let (user, endpoint) = (address(user), endpoint.clone());
        self.event(EventKind::Request(Request { id, user, endpoint, operation }));
        id
    }

    pub(super) fn attach(&mut self, user: &str, endpoint: &Endpoint) {
        let id = self.request(user, endpoint, Operation::Attach(attachment(&endpoint.id)));
        assert!(matches!(self.answer(id), Answer::Done { outcome: crate::outcome::Outcome::Success, .. }));
    }

    pub(super) fn send(&mut self, from: &str, endpoint: &Endpoint, to: &[&str], message: Message) -> RequestId {
        let recipients = to.iter().map(|text| address(text)).collect();
        let message = Message { sender: address(from), ..message };
        let submission = Submission { recipients, devices: Vec::new(), conversations: Vec::new(), message };
        self.request(from, endpoint, Operation::Send(submission))
    }

    /// The one answer to a request.
    pub(super) fn answer(&self, id: RequestId) -> Answer {
        let answers = self.answers(id);
        assert_eq!(answers.len(), 1, "{id:?} was answered {} times", answers.len());
        answers[0].clone()
    }

    pub(super) fn answers(&self, id: RequestId) -> Vec<&Answer> {
        self.seen
            .iter()
            .filter_map(|kind| match kind {
                CommandKind::Answer { request, answer } if *request == id => Some(answer),
                _ => None,
            })
            .collect()
    }

    /// What was released since the last call.
    pub(super) fn take(&mut self) -> Vec<CommandKind> {
        std::mem::take(&mut self.seen)
    }
}

pub(super) fn attachment(device: &str) -> Attachment {
    Attachment {
        device: DeviceId::new(device),
        reception: Reception {
            takes_messages: true,
            takes_reports: true,
            takes_stored: true,
            takes_announcements: true,
            media_types: Arc::from([]),
            content_octets_max: 10_000,
        },
        publishes_online: true,
    }
}

pub(super) fn text(origin: &str, says: &str) -> Message {
    Message {
        id: MessageId::new(""),
        sender: address("nobody@wv.example"),
        recipient: address("nobody@wv.example"),
        device: None,
        content: Content::from_text(says),
        sent: Timestamp::from_secs(1_000_000),
        expires: Timestamp::EPOCH,
        report: ReportWish::Delivery,
        origin: Arc::from(origin),
        talk: None,
        disclosure: crate::message::Disclosure::Named,
    }
}
