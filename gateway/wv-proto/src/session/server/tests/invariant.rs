//! Whatever happens in whatever order: every message is answered once, and the promises about ids and bodies hold.

use super::super::*;
use super::bench::{at, message, opening, presence, secs, status};
use crate::primitive::access::KeepAliveRequest;
use crate::primitive::capability::CapabilityList;
use crate::primitive::envelope::{Malformed, MalformedReason};
use crate::primitive::service::{ClientCapabilityRequest, ServiceRequest};
use crate::session::transaction::Identity;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

#[derive(Clone, Debug)]
enum Step {
    Wait(u16),
    Poll,
    Request { id: u8, kind: u8, body: u8 },
    RequestAndPoll(u8),
    Acknowledge(u8),
    Stray(u8),
    Answer(u8),
    EnqueueMessage(u8),
    EnqueuePresence(u8),
    Retract(u8),
    Disconnect,
    Resume,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u16..100).prop_map(Step::Wait),
        1 => (0_u16..4000).prop_map(Step::Wait),
        6 => Just(Step::Poll),
        6 => (0_u8..4, 0_u8..7, 0_u8..2).prop_map(|(id, kind, body)| Step::Request { id, kind, body }),
        1 => any::<u8>().prop_map(Step::RequestAndPoll),
        4 => any::<u8>().prop_map(Step::Acknowledge),
        1 => any::<u8>().prop_map(Step::Stray),
        5 => any::<u8>().prop_map(Step::Answer),
        4 => (0_u8..6).prop_map(Step::EnqueueMessage),
        4 => (0_u8..6).prop_map(Step::EnqueuePresence),
        2 => (0_u8..6).prop_map(Step::Retract),
        1 => Just(Step::Disconnect),
        1 => Just(Step::Resume),
    ]
}

/// The world around a session, keeping the books.
struct World {
    session: ServerSession,
    now: u64,
    posts: u64,
    /// Messages without an answer, and whether they hold a request other than a poll.
    open_posts: HashMap<PostId, bool>,
    tickets: Vec<Ticket>,
    /// What each id of the server was first used for.
    ids: HashMap<TransactionId, String>,
    /// Ids that the client has seen and not answered.
    unanswered: Vec<TransactionId>,
    executed: HashSet<Ticket>,
}

impl World {
    fn new(multi_trans: u8, per_message: u8) -> Self {
        let policy = Arc::new(SessionPolicy::default());
        let session =
            ServerSession::open(at(0), policy, opening(Version::V1_3), Encoding::Xml, Profile::Plain, Epoch::new(7));
        let mut world = Self {
            session,
            now: 0,
            posts: 0,
            open_posts: HashMap::new(),
            tickets: Vec::new(),
            ids: HashMap::new(),
            unanswered: Vec::new(),
            executed: HashSet::new(),
        };
        let capabilities = CapabilityList {
            multi_trans: Some(multi_trans.into()),
            multi_trans_per_message: Some(per_message.into()),
            ..CapabilityList::default()
        };
        let request = Box::new(ClientCapabilityRequest { client_id: None, capabilities });
        let id = Some(TransactionId::new("cap"));
        world.post(b"cap", vec![Transaction::request(id, Primitive::ClientCapabilityRequest(request))]);
        world
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

    fn handle(&mut self, event: Event) {
        self.session.handle(at(self.now), event);
        self.settle();
    }

    fn settle(&mut self) {
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
        assert!(self.session.open_count() <= most, "more open than agreed");
        assert!(self.session.queued_count() <= SessionLimits::default().queue_max);
    }

    fn responded(&mut self, post: PostId, answer: Option<Envelope>) {
        let has_request = self.open_posts.remove(&post).expect("answered twice or never asked");
        let Some(answer) = answer else {
            assert!(!has_request, "a request got an empty answer");
            return;
        };
        assert!(!answer.transactions.is_empty());
        for transaction in answer.transactions {
            match transaction.mode {
                TransactionMode::Response => {}
                TransactionMode::Request => {
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
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Wait(seconds) => {
                self.now += u64::from(seconds);
                self.session.expire(at(self.now));
                self.settle();
            }
            Step::Poll => self.post(b"poll", vec![Transaction::request(None, Primitive::PollingRequest)]),
            Step::Request { id, kind, body } => {
                let id = Some(TransactionId::new(id.to_string()));
                let content = request(kind);
                self.post(
                    &[kind, body],
                    vec![Transaction { mode: TransactionMode::Request, id, segment: None, content }],
                );
            }
            Step::RequestAndPoll(body) => {
                let id = Some(TransactionId::new("both"));
                self.post(
                    &[9, body],
                    vec![
                        Transaction::request(None, Primitive::PollingRequest),
                        Transaction::request(id, Primitive::GetListRequest),
                    ],
                );
            }
            Step::Acknowledge(which) => {
                if !self.unanswered.is_empty() {
                    let id = self.unanswered.remove(usize::from(which) % self.unanswered.len());
                    self.post(b"ack", vec![Transaction::response(Some(id), status(StatusCode::SUCCESS))]);
                }
            }
            Step::Stray(number) => {
                let id = Some(TransactionId::new(format!("x{number}")));
                self.post(b"stray", vec![Transaction::response(id, status(StatusCode::SUCCESS))]);
            }
            Step::Answer(which) => {
                if !self.tickets.is_empty() {
                    let ticket = self.tickets.remove(usize::from(which) % self.tickets.len());
                    self.handle(Event::Answer { ticket, primitive: status(StatusCode::SUCCESS) });
                }
            }
            Step::EnqueueMessage(number) => self.handle(Event::Enqueue(message(&format!("m-{number}")))),
            Step::EnqueuePresence(number) => self.handle(Event::Enqueue(presence(&format!("u{number}")))),
            Step::Retract(number) => self.handle(Event::Retract(message(&format!("m-{number}")).key)),
            Step::Disconnect => self.handle(Event::Disconnect(StatusCode::FORCED_LOGOUT)),
            Step::Resume => {
                let resumption = Resumption { keep_alive: secs(600), session_cookie: None };
                self.handle(Event::Resume(resumption));
            }
        }
    }
}

fn request(kind: u8) -> Result<Primitive, Malformed> {
    Ok(match kind {
        0 => Primitive::GetListRequest,
        1 => Primitive::KeepAliveRequest(KeepAliveRequest { time_to_live: Some(secs(900)) }),
        2 => {
            Primitive::ServiceRequest(ServiceRequest { client_id: None, functions: None, all_functions_request: true })
        }
        3 => return Err(Malformed { name: None, reason: MalformedReason::MissingPrimitive }),
        4 => message("m-0").primitive,
        5 => Primitive::Other(crate::primitive::PrimitiveName::Vendor("Teleport-Request".into())),
        _ => Primitive::GetListRequest,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    // WV-HTTP-01
    #[test]
    fn every_message_is_answered_once_and_the_promises_hold(
        multi_trans in 1_u8..4,
        per_message in 1_u8..3,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(multi_trans, per_message);
        for step in steps {
            world.take(step);
        }
        // Whatever the owner leaves unanswered is answered in its place.
        world.take(Step::Wait(20));
        prop_assert!(world.open_posts.is_empty());
    }

    #[test]
    fn the_deadline_is_always_ahead_after_expiring(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(2, 1);
        for step in steps {
            world.take(step);
            world.session.expire(at(world.now));
            world.settle();
            if let Some(deadline) = world.session.deadline() {
                prop_assert!(deadline > at(world.now), "{:?} {:?}", deadline, world.session.state());
            }
        }
    }
}
