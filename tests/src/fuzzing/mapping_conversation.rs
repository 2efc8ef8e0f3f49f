//! Conversations and invitations over a tiny world: anybody asks for anything, shards crash and come back from records,
//! and what is known of a conversation stays true.

use super::tape::Tape;
use mapping::{
    address::Address,
    command::CommandKind,
    conversation::{Access, Ask, Following, Hearers, OwnChange, PropertyChange, Role, Who},
    correlation::Correlation,
    engine::{Creation, Engine, EngineConfig, Joining, shard_of},
    event::{Attachment, DetachReason, Event, EventKind, Operation, Reception, Request, RequestId, Submission},
    invitation::{Extension, Invitation, InvitationKind, Response},
    message::{Content, Message, MessageId, ReportWish},
    presence::DeviceId,
    record::{Fact, FactKey, Record},
    route::{DomainRoute, DomainTable, Route},
    side::{Endpoint, Side},
    time::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

const USERS: [&str; 4] = ["alice@wv.example", "carol@wv.example", "bob@sip.example", "nobody@wv.example"];
const ROOMS: [&str; 4] =
    ["alice/room@wv.example", "/public@wv.example", "carol/den@wv.example", "bob/room@sip.example"];
const NAMES: [&str; 4] = ["al", "AL", "bo", ""];

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
    world.pass(60_000);
    world.check();
    assert!(world.waiting.is_empty(), "requests without an answer: {:?}", world.waiting);
}

struct World {
    now: Timestamp,
    engines: Vec<Engine>,
    facts: BTreeMap<FactKey, Fact>,
    words: VecDeque<(Correlation, EventKind)>,
    requests: u64,
    crashes: u64,
    /// Requests without an answer, and who asked.
    waiting: BTreeMap<RequestId, Address>,
}

impl World {
    fn new(tape: &mut Tape<'_>) -> Self {
        let mut world = Self {
            now: Timestamp::from_secs(1_000_000),
            engines: Vec::new(),
            facts: BTreeMap::new(),
            words: VecDeque::new(),
            requests: 0,
            crashes: 0,
            waiting: BTreeMap::new(),
        };
        let shards = tape.pick(&[1, 3]);
        world.engines = (0..shards).map(|shard| world.engine(shard, shards)).collect();
        world
    }

    fn engine(&self, shard: u32, shards: u32) -> Engine {
        let mut config = EngineConfig::new(domains(), [self.crashes + 1, u64::from(shard)]);
        (config.shard, config.shards) = (shard, shards);
        // Small enough for a short history to reach them.
        config.limits.conversations_per_user = 2;
        config.limits.participants_per_conversation = 2;
        config.limits.people_per_conversation = 3;
        config.limits.invitations_per_user = 3;
        let mut engine = Engine::new(config);
        for account in USERS.iter().take(3) {
            engine.account_added(address(account));
        }
        engine
    }

    fn take(&mut self, step: u8, tape: &mut Tape<'_>) {
        match step % 10 {
            0 => self.pass(tape.wait_millis()),
            1..=6 => self.ask(tape),
            7 => self.crash(),
            8 => self.rebuild(usize::from(tape.octet()) % self.engines.len()),
            _ => {
                let user = address(tape.pick(&USERS));
                for engine in &mut self.engines {
                    engine.account_removed(self.now, &user);
                }
                self.release_all();
                for engine in &mut self.engines {
                    if user.as_str() != USERS[3] {
                        engine.account_added(user.clone());
                    }
                }
            }
        }
    }

    fn ask(&mut self, tape: &mut Tape<'_>) {
        self.requests += 1;
        let user = tape.pick(&USERS);
        let endpoint = Endpoint::new(Side::Wv, &format!("{user}-{}", tape.octet() % 2));
        let id = RequestId { side: Side::Wv, number: self.requests };
        let operation = operation(user, self.now, tape);
        self.waiting.insert(id, address(user));
        let request = Request { id, user: address(user), endpoint, operation };
        self.words.push_back((Correlation::new(7), EventKind::Request(request)));
        self.run_words();
    }

    fn run_words(&mut self) {
        while let Some((correlation, kind)) = self.words.pop_front() {
            let Some(owner) = kind.owner() else { continue };
            let index = shard_of(&owner, self.shards()) as usize;
            if let Some(engine) = self.engines.get_mut(index) {
                engine.handle(self.now, Event { correlation, kind });
                self.release(index);
            }
        }
    }

    fn release_all(&mut self) {
        for index in 0..self.engines.len() {
            self.release(index);
        }
        self.run_words();
    }

    fn release(&mut self, index: usize) {
        while let Some(command) = self.engines.get_mut(index).and_then(Engine::poll) {
            match command.kind {
                CommandKind::Keep(Record::Put(fact)) => {
                    self.facts.insert(fact.key(), fact);
                }
                CommandKind::Keep(Record::Delete(key)) => {
                    self.facts.remove(&key);
                }
                CommandKind::Forward(word) => {
                    self.words.push_back((command.correlation, EventKind::Forwarded(word)));
                }
                CommandKind::Answer { request, .. } => {
                    assert!(self.waiting.remove(&request).is_some(), "answered twice: {request:?}");
                }
                _ => {}
            }
        }
    }

    fn crash(&mut self) {
        self.crashes += 1;
        self.words.clear();
        self.waiting.clear();
        let shards = if self.crashes.is_multiple_of(2) { 1 } else { 3 };
        self.engines = (0..shards).map(|shard| self.engine(shard, shards)).collect();
        let facts: Vec<Fact> = self.facts.values().cloned().collect();
        for engine in &mut self.engines {
            engine.restore(self.now, facts.clone());
        }
        self.release_all();
    }

    fn rebuild(&mut self, index: usize) {
        self.crashes += 1;
        let shard = u32::try_from(index).unwrap_or_default();
        let shards = self.shards();
        // Who waits at another shard still gets an answer.
        self.waiting.retain(|_, user| shard_of(user, shards) != shard);
        let mut engine = self.engine(shard, shards);
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
                self.engines[index].expire(self.now);
                self.release(index);
            }
            self.run_words();
        }
        self.now = self.now.max(Timestamp::from_millis(end));
    }

    /// What is in memory is what is kept, and what is known of each conversation is possible.
    fn check(&self) {
        let attached: BTreeSet<(Address, Endpoint)> = self
            .engines
            .iter()
            .flat_map(|engine| engine.attachments())
            .map(|row| (row.user.clone(), row.endpoint.clone()))
            .collect();
        let mut rows = 0;
        for engine in &self.engines {
            for row in engine.conversations() {
                rows += 1;
                let names: BTreeSet<String> = row.participants.iter().map(|(_, name)| name.to_lowercase()).collect();
                assert_eq!(names.len(), row.participants.len(), "two of one name: {row:?}");
                assert!(row.participants.len() <= 2, "too many: {row:?}");
                assert!(row.members.iter().any(|one| *one == (row.owner.clone(), Role::Administrator)), "{row:?}");
                for (user, _) in &row.participants {
                    assert!(attached.iter().any(|(known, _)| known == user), "{user} is not there: {row:?}");
                }
            }
        }
        let kept = self.facts.keys().filter(|key| matches!(key, FactKey::Conversation(_))).count();
        assert_eq!(rows, kept, "conversations");
        for key in self.facts.keys() {
            if let FactKey::Person(conversation, _) = key {
                assert!(self.facts.contains_key(&FactKey::Conversation(conversation.clone())), "left over: {key:?}");
            }
        }
    }
}

fn operation(user: &str, now: Timestamp, tape: &mut Tape<'_>) -> Operation {
    let conversation = address(tape.pick(&ROOMS));
    let name = || Some(NAMES[user.len() % NAMES.len()].to_owned());
    match tape.octet() % 16 {
        0 | 1 => Operation::Attach(Attachment {
            device: DeviceId::new("device"),
            reception: Reception {
                takes_messages: true,
                takes_stored: true,
                takes_reports: true,
                takes_announcements: true,
                media_types: Arc::from([]),
                content_octets_max: 100,
            },
            publishes_online: false,
        }),
        2 => Operation::Detach(DetachReason::Logout),
        3 | 4 => {
            let join = tape.flag().then(|| Joining { name: name(), follow: tape.flag() });
            let creation = Creation {
                written: "wv:x".into(),
                properties: change(tape),
                own: OwnChange::default(),
                join,
                people: Vec::new(),
            };
            Operation::CreateConversation { conversation, creation: Box::new(creation) }
        }
        5..=10 => Operation::Converse { conversation, ask: ask(tape) },
        11 => {
            let addressee = tape.flag().then(|| tape.pick(&NAMES).to_owned());
            let hearers = Hearers { conversation, addressee, speaker: None };
            let conversations = vec![hearers];
            Operation::Send(Submission {
                recipients: Vec::new(),
                devices: Vec::new(),
                conversations,
                message: message(user, now, tape),
            })
        }
        12 => Operation::Invite {
            recipients: users(tape),
            invitation: Box::new(invitation(user, conversation, now, tape)),
        },
        13 => Operation::Respond(Response {
            id: "i".into(),
            inviter: tape.flag().then(|| address(tape.pick(&USERS))),
            accepts: tape.flag(),
            note: None,
            joins: tape.flag(),
        }),
        14 => Operation::Withdraw { id: "i".into(), recipients: users(tape), note: None },
        _ => Operation::ExtendTalk(Box::new(Extension {
            conversation: address(&user.replace('@', "/talk@")),
            written: String::new(),
            id: "i".into(),
            recipients: users(tape),
            name: None,
            follow: true,
            welcome: None,
            expires: now.after(Duration::from_secs(20)),
        })),
    }
}

fn ask(tape: &mut Tape<'_>) -> Ask {
    match tape.octet() % 15 {
        13 => Ask::History { at_most: tape.flag().then(|| usize::from(tape.octet())) },
        14 => Ask::Recall(MessageId::new("m")),
        0..=2 => Ask::Join { name: Some(tape.pick(&NAMES).to_owned()), follow: tape.flag(), own: OwnChange::default() },
        3 => Ask::Leave,
        4 => Ask::End,
        5 => Ask::Members,
        6 => Ask::Participants,
        7 => Ask::Properties,
        8 => {
            let own = OwnChange { shows_address: Some(tape.flag()), ..OwnChange::default() };
            Ask::Change { properties: change(tape), own }
        }
        9 => Ask::AddMembers(who(tape)),
        10 => Ask::RemoveMembers(who(tape)),
        11 => {
            let role = tape.pick(&[Role::User, Role::Moderator, Role::Administrator]);
            Ask::SetRoles(who(tape).into_iter().map(|one| (one, role)).collect())
        }
        _ if tape.flag() => Ask::Follow(tape.pick(&[Following::Ask, Following::Begin, Following::End])),
        _ => Ask::KeepOut { add: who(tape), remove: who(tape) },
    }
}

fn change(tape: &mut Tape<'_>) -> PropertyChange {
    PropertyChange {
        access: tape.flag().then(|| tape.pick(&[Access::Open, Access::Restricted])),
        ends_when_empty: tape.flag().then(|| tape.flag()),
        empty_lifetime: tape.flag().then(|| Duration::from_secs(u64::from(tape.octet() % 3))),
        allows_private: tape.flag().then(|| tape.flag()),
        keeps_history: tape.flag().then(|| tape.flag()),
        ..PropertyChange::default()
    }
}

fn who(tape: &mut Tape<'_>) -> Vec<Who> {
    let one = |tape: &mut Tape<'_>| match tape.flag() {
        true => Who::User(address(tape.pick(&USERS))),
        false => Who::Name(tape.pick(&NAMES).to_owned()),
    };
    (0..tape.octet() % 3).map(|_| one(tape)).collect()
}

fn users(tape: &mut Tape<'_>) -> Vec<Address> {
    (0..tape.octet() % 3).map(|_| address(tape.pick(&USERS))).collect()
}

fn invitation(user: &str, conversation: Address, now: Timestamp, tape: &mut Tape<'_>) -> Invitation {
    use InvitationKind::{Application, Content, Conversation, ConversationExtension, Membership, Message, Presence};
    let kinds =
        [Conversation, Conversation, Membership, Message, Presence, Content, Application, ConversationExtension];
    let kind = tape.pick(&kinds);
    Invitation {
        id: "i".into(),
        kind,
        inviter: address(user),
        invitee: address(user),
        inviter_name: None,
        conversation: kind.needs_conversation().then_some(conversation),
        written: String::new(),
        attributes: None,
        links: Vec::new(),
        note: None,
        application: None,
        expires: now.after(Duration::from_secs(u64::from(tape.octet() % 30))),
    }
}

fn message(user: &str, now: Timestamp, tape: &mut Tape<'_>) -> Message {
    Message {
        id: MessageId::new(""),
        sender: address(user),
        recipient: address(user),
        device: None,
        content: Content::from_text("text"),
        sent: now,
        expires: Timestamp::EPOCH,
        report: if tape.flag() { ReportWish::Delivery } else { ReportWish::None },
        origin: Arc::from(""),
        talk: None,
        disclosure: mapping::message::Disclosure::Named,
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn domains() -> DomainTable {
    let mut domains = DomainTable::default();
    domains.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
    domains.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
    domains
}
