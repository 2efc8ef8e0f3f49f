//! The session of a client with the server: posts, answers, queueing, time and restarts in any order.

use super::tape::Tape;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
    time::Duration,
};
use wv_proto::{
    codec::{WriterOptions, decode},
    limit::Limits,
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode,
        access::Status,
        capability::CapabilityList,
        identifier::{ClientId, MessageId, SessionCookie, SessionId, TransactionId, UserId},
        message::{MessageInfo, NewMessage},
        presence::{Presence, PresenceNotificationRequest, Presentity},
        service::ClientCapabilityRequest,
    },
    quirk::Profile,
    session::{
        limit::SessionLimits,
        login::{Opening, Resumption},
        negotiation::Negotiated,
        poll::{Epoch, QueueKey, ServerPrimitive},
        server::{CirChannel, Command, Event, Post, ServerSession, SessionPolicy, State},
        time::Timestamp,
        transaction::{Identity, PostId, Ticket},
    },
    snapshot,
    status::StatusCode,
    version::{Encoding, Version},
};

/// Every transaction of the messages in `fixtures/wv`: what clients and servers say.
static TRANSACTIONS: LazyLock<Vec<Transaction>> = LazyLock::new(|| {
    let files = super::fixtures("wv");

    let envelope =
        |(_, octets): &(String, Vec<u8>)| Envelope::decode(&decode(octets, None, &Limits::default()).ok()?.tree).ok();
    files.iter().filter_map(envelope).flat_map(|envelope| envelope.transactions).collect()
});

const CODES: [StatusCode; 5] = [
    StatusCode::SUCCESS,
    StatusCode::PARTIALLY_SUCCESSFUL,
    StatusCode::ACCEPTED,
    StatusCode::BAD_REQUEST,
    StatusCode::FORCED_LOGOUT,
];

/// Any history of one session.
///
/// # Panics
/// When a promise of the session is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut world = World::new(&mut tape);
    while let Some(step) = tape.next_octet() {
        world.take(step, &mut tape);
    }
    // Whatever the owner leaves unanswered is answered in its place.
    world.pass(20_000);
    assert!(world.open_posts.is_empty(), "posts without an answer: {:?}", world.open_posts);
}

/// Octets of a store, read as a snapshot: a session that comes of them works, and its own snapshot brings it back.
///
/// # Panics
/// When a promise of the snapshot is broken.
pub fn run_snapshot(data: &[u8]) {
    let restore = |octets: &[u8]| snapshot::restore(at(5_000), Arc::default(), Epoch::new(9), octets);
    let Ok(mut session) = restore(data) else { return };
    let octets = snapshot::export(&session);
    let again = restore(&octets).expect("a session that was exported");
    assert_eq!((again.party(), again.negotiated()), (session.party(), session.negotiated()));
    let Some(deadline) = session.deadline() else { return };
    session.expire(deadline);
    while session.poll().is_some() {}
}

/// Snapshots of sessions that negotiated.
#[must_use]
pub fn snapshots() -> Vec<Vec<u8>> {
    let tapes: [&[u8]; 3] = [&[0, 0, 2, 1], &[1, 1, 4, 3, 3, 0, 0, 9, 9], &[2, 0, 3, 2, 4, 1, 1, 30, 30, 20, 20]];
    let session = |tape: &[u8]| {
        let mut tape = Tape::new(tape);
        let mut world = World::new(&mut tape);
        while let Some(step) = tape.next_octet() {
            world.take(step, &mut tape);
        }
        snapshot::export(&world.session).to_vec()
    };
    tapes.iter().map(|tape| session(tape)).collect()
}

/// The world around a session, keeping the books.
struct World {
    policy: Arc<SessionPolicy>,
    session: ServerSession,
    now: u64,
    posts: u64,
    lives: u32,
    /// Messages without an answer, and whether they hold a request other than a poll.
    open_posts: HashMap<PostId, bool>,
    tickets: Vec<Ticket>,
    executed: HashSet<Ticket>,
    /// Server-initiated transactions that were open after the last step.
    open: usize,
    /// Ids that the client has seen and not answered.
    unanswered: Vec<TransactionId>,
    /// What each id of the server was first used for.
    ids: HashMap<TransactionId, String>,
}

impl World {
    fn new(tape: &mut Tape<'_>) -> Self {
        let version = tape.pick(&[Version::V1_1, Version::V1_2, Version::V1_3]);
        let encoding = if tape.flag() { Encoding::Wbxml } else { Encoding::Xml };
        let policy = Arc::new(SessionPolicy { cir_broken_flag_1_2: Some(true), ..SessionPolicy::default() });
        let opening = Opening {
            post: PostId::new(0),
            session_id: SessionId::new("gw-1"),
            user_id: UserId::new("wv:alice@wv.example"),
            client_id: ClientId::from_url("phone"),
            session_cookie: Some(SessionCookie::new("ck-1")),
            version,
            keep_alive: Duration::from_secs(600),
            negotiated: Negotiated::default(),
        };
        let session = ServerSession::open(at(0), Arc::clone(&policy), opening, encoding, Profile::Plain, Epoch::new(1));
        let mut world = Self {
            policy,
            session,
            now: 0,
            posts: 0,
            lives: 1,
            open_posts: HashMap::new(),
            tickets: Vec::new(),
            executed: HashSet::new(),
            open: 0,
            unanswered: Vec::new(),
            ids: HashMap::new(),
        };
        let capabilities = CapabilityList {
            multi_trans: Some(u32::from(tape.octet() % 5)),
            multi_trans_per_message: Some(u32::from(tape.octet() % 4)),
            ..CapabilityList::default()
        };
        let request =
            Primitive::ClientCapabilityRequest(Box::new(ClientCapabilityRequest { client_id: None, capabilities }));
        world.post(b"capabilities", vec![Transaction::request(Some(TransactionId::new("cap")), request)]);
        world
    }

    fn take(&mut self, step: u8, tape: &mut Tape<'_>) {
        match step % 16 {
            0 => self.pass(tape.wait_millis()),
            1 | 2 => self.post(b"poll", vec![Transaction::request(None, Primitive::PollingRequest)]),
            3..=6 => {
                let body = [tape.octet() % 4];
                let transactions = (0..=tape.octet() % 3).map(|_| self.transaction(tape)).collect();
                self.post(&body, transactions);
            }
            7 | 8 if !self.unanswered.is_empty() => {
                let id = self.unanswered.remove(usize::from(tape.octet()) % self.unanswered.len());
                self.post(b"ack", vec![Transaction::response(Some(id), status(tape.pick(&CODES)))]);
            }
            9 | 10 if !self.tickets.is_empty() => {
                let ticket = self.tickets.remove(usize::from(tape.octet()) % self.tickets.len());
                let primitive = status(tape.pick(&CODES));
                self.handle(Event::Answer { ticket, primitive });
            }
            11 => self.handle(Event::Enqueue(message(tape.octet() % 8))),
            12 => self.handle(Event::Enqueue(presence(tape.octet() % 8))),
            13 => self.handle(Event::Retract(message(tape.octet() % 8).key)),
            14 => match tape.octet() % 8 {
                0 => self.handle(Event::Disconnect(StatusCode::FORCED_LOGOUT)),
                1 => self.handle(Event::CirChannel(CirChannel::Broken)),
                2 => self.handle(Event::CirChannel(CirChannel::Quiet)),
                3 => self.restart(),
                4 => {
                    self.session.take_queue();
                }
                _ => {
                    let keep_alive = Duration::from_secs(u64::from(tape.number()));
                    self.handle(Event::Resume(Resumption { keep_alive, session_cookie: None }));
                }
            },
            _ => self.post(&[step], Vec::new()),
        }
    }

    /// A transaction of a real message under an id of its own or a used one, now and then in the wrong mode.
    fn transaction(&self, tape: &mut Tape<'_>) -> Transaction {
        let mut transaction = tape.pick(&TRANSACTIONS);
        transaction.id = match tape.octet() {
            0 => None,
            odd @ (1 | 3 | 5) => self.unanswered.get(usize::from(odd / 2)).cloned(),
            other => Some(TransactionId::new(format!("c{}", other % 8))),
        };
        if tape.octet() > 250 {
            transaction.mode = TransactionMode::Response;
        }
        transaction
    }

    /// The process ends and comes back; who waits for an answer gets none.
    fn restart(&mut self) {
        let octets = snapshot::export(&self.session);
        if !self.session.may_go_on() {
            return;
        }
        self.lives += 1;
        let now = at(self.now);
        self.session = snapshot::restore(now, Arc::clone(&self.policy), Epoch::new(self.lives), &octets)
            .expect("a session that was exported");
        self.open_posts.clear();
        self.tickets.clear();
        self.unanswered.clear();
    }

    fn post(&mut self, body: &[u8], transactions: Vec<Transaction>) {
        self.posts += 1;
        let id = PostId::new(self.posts);
        let has_request = transactions.iter().any(|transaction| {
            transaction.mode == TransactionMode::Request && transaction.content != Ok(Primitive::PollingRequest)
        });
        self.open_posts.insert(id, has_request);
        let session = SessionDescriptor::Inband(SessionId::new("gw-1"));
        let message = Envelope { session, transactions, poll: None, cir: None };
        self.handle(Event::Post(Post { id, identity: Identity::of(body), message }));
    }

    fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.session.expire(at(self.now));
        self.settle();
        let deadline = self.session.deadline();
        assert!(deadline.is_none_or(|deadline| deadline > at(self.now)), "late: {:?}", self.session.state());
    }

    fn handle(&mut self, event: Event) {
        self.session.handle(at(self.now), event);
        self.settle();
    }

    fn settle(&mut self) {
        let before = self.open;
        while let Some(command) = self.session.poll() {
            match command {
                Command::Execute { ticket, .. } => {
                    assert!(self.executed.insert(ticket), "executed twice");
                    self.tickets.push(ticket);
                }
                Command::Respond { post, answer } => self.responded(post, answer),
                Command::Acknowledged { transaction, .. } => self.unanswered.retain(|id| *id != transaction),
                Command::GivenUp(_)
                | Command::Shed(_)
                | Command::WakeUp
                | Command::Negotiated(_)
                | Command::Changed
                | Command::Lapsed
                | Command::Closed(_) => {}
            }
        }
        let most = usize::from(self.session.negotiated().multi_trans());
        self.open = self.session.open_count();
        // What was open when the client agreed on less stays open, but nothing is added to it.
        assert!(self.open <= most.max(before), "more open than agreed");
        assert!(self.session.queued_count() <= SessionLimits::default().queue_max);
        if let State::Closed(_) = self.session.state() {
            assert!(!self.session.may_go_on());
        }
    }

    fn responded(&mut self, post: PostId, answer: Option<Envelope>) {
        let has_request = self.open_posts.remove(&post).expect("answered twice or never asked");
        let Some(answer) = answer else {
            assert!(!has_request, "a request got an empty answer");
            return;
        };
        let party = self.session.party();
        for encoding in [Encoding::Xml, Encoding::Wbxml] {
            let written = answer.encode(party.version, encoding, WriterOptions::default());
            written.expect("what the session says can be written");
        }
        assert!(!answer.transactions.is_empty());
        let asked = answer.transactions.into_iter().filter(|one| one.mode == TransactionMode::Request);
        for transaction in asked {
            assert!(!has_request, "a server transaction in the place of a response");
            let id = transaction.id.expect("a server transaction without id");
            let content = format!("{:?}", transaction.content);
            let first = self.ids.entry(id.clone()).or_insert_with(|| content.clone());
            assert_eq!(*first, content, "an id used again for something else");
            if !self.unanswered.contains(&id) {
                self.unanswered.push(id);
            }
        }
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn status(code: StatusCode) -> Primitive {
    Primitive::Status(Status::from(code))
}

fn message(number: u8) -> ServerPrimitive {
    let message_id = MessageId::new(format!("m-{number}"));
    let message = MessageInfo { message_id: Some(message_id.clone()), ..MessageInfo::default() };
    ServerPrimitive {
        key: QueueKey::Message(message_id),
        primitive: Primitive::NewMessage(Box::new(NewMessage { message, content: None })),
    }
}

fn presence(number: u8) -> ServerPrimitive {
    let user = UserId::new(format!("wv:u{number}@sip.example"));
    let attributes: PresenceSubList = [PresenceAttribute::OnlineStatus(Qualified::valid(true))].into_iter().collect();
    let presences = vec![Presence { presentity: Presentity::User(user.clone()), attributes }];
    ServerPrimitive {
        key: QueueKey::Presence(user),
        primitive: Primitive::PresenceNotificationRequest(PresenceNotificationRequest { presences }),
    }
}
