//! The sessions with an engine, driven by encoded messages and without sockets.

use super::*;
use crate::store::{MemoryStore, Scope};
use mapping::{
    command::{CommandKind, Forwarded},
    engine::{DefaultAuthorization, EngineConfig},
    record::Fact,
    route::{DomainRoute, DomainTable, Route},
};
use tokio::sync::oneshot;
use wv_proto::session::login::Exposure;
use wv_proto::version::Encoding;
use wv_proto::{
    codec::{self, WriterOptions},
    limit::Limits,
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Primitive, SessionDescriptor, Transaction, TransactionMode,
        access::LoginRequest,
        identifier::{ClientId, Password, SessionCookie, TransactionId},
        message::{Content, MessageDelivered, MessageInfo, SendMessageRequest},
        party::{Recipient, User},
        presence::{SubscribePresenceRequest, UpdatePresenceRequest},
    },
    status::StatusCode,
    version::Version,
};

/// A lane without store thread and sockets.
struct Bench {
    adapter: WvAdapter,
    engine: Engine,
    store: MemoryStore,
    simple: Vec<CommandKind>,
    number: u32,
    user_agent: Option<&'static str>,
}

impl Bench {
    fn new() -> Self {
        Self::with(MemoryStore::new(1))
    }

    /// Starts on what the store holds, as a lane does.
    fn with(store: MemoryStore) -> Self {
        let snapshot = store.snapshot(&Scope::Everything);
        let adapter = WvAdapter::new(WvParts {
            outlet: crate::wv::cir::CirOutlet::default(),
            settings: settings(),
            clock: Clock::new(),
            accounts: AccountBook::for_test(&["wv:alice@wv.example", "wv:carol@wv.example"]),
            wake: Rc::new(Notify::new()),
            tap: Tap::new(64),
            directory: Directory::default(),
            randomness: 7,
            entropy: crate::entropy::Entropy::of_system(),
        });
        let now = adapter.0.borrow().clock.now();
        snapshot.wire.iter().for_each(|record| adapter.restore(now, record));
        let engine = engine(now, snapshot.facts);
        let mut bench = Self { adapter, engine, store, simple: Vec::new(), number: 0, user_agent: None };
        bench.adapter.reconcile(now, &bench.engine);
        bench.turn();
        bench
    }

    fn now(&self) -> Timestamp {
        self.adapter.0.borrow().clock.now()
    }

    /// Turns until nothing is left to do.
    fn turn(&mut self) {
        while let Some((batch, outputs)) = self.gather() {
            self.store.apply(batch);
            self.release(outputs);
        }
    }

    fn gather(&mut self) -> Option<(crate::store::Batch, Vec<Result<Command, LaneTicket>>)> {
        let (now, mut intake) = (self.now(), Intake::default());
        let (mut batch, mut outputs) = (crate::store::Batch::default(), Vec::new());
        self.adapter.collect(&mut intake);
        let mut inputs = intake.take();
        let is_idle = inputs.is_empty();
        for input in inputs.drain(..) {
            match input {
                Input::Event(event) => self.engine.handle(now, event),
                Input::Wire(record) => batch.wire.push(record),
                Input::Hold(ticket) => outputs.push(Err(ticket)),
            }
            self.drain(&mut batch, &mut outputs);
        }
        self.drain(&mut batch, &mut outputs);
        (!is_idle || !outputs.is_empty() || !batch.is_empty()).then_some((batch, outputs))
    }

    fn drain(&mut self, batch: &mut crate::store::Batch, outputs: &mut Vec<Result<Command, LaneTicket>>) {
        while let Some(command) = self.engine.poll() {
            match command.kind {
                CommandKind::Keep(record) => batch.records.push(record),
                CommandKind::Forward(Forwarded { .. }) => panic!("one shard only"),
                _ => outputs.push(Ok(command)),
            }
        }
    }

    fn release(&mut self, outputs: Vec<Result<Command, LaneTicket>>) {
        let now = self.now();
        for output in outputs {
            match output {
                Err(ticket) => self.adapter.release(now, ticket),
                Ok(command) => match &command.kind {
                    CommandKind::OpenSubscription { .. }
                    | CommandKind::CloseSubscription { .. }
                    | CommandKind::Publish { .. } => {
                        self.simple.push(command.kind);
                    }
                    CommandKind::Deliver { route: mapping::command::DeliveryRoute::Peer(_), .. } => {
                        self.simple.push(command.kind);
                    }
                    _ => self.adapter.execute(now, command),
                },
            }
        }
    }

    fn post(&mut self, session: Option<&SessionId>, mode: TransactionMode, primitive: Primitive) -> Reply {
        self.number += 1;
        let number = TransactionId::new(self.number.to_string());
        self.post_as(session, number, mode, primitive)
    }

    fn post_as(
        &mut self,
        session: Option<&SessionId>,
        id: TransactionId,
        mode: TransactionMode,
        primitive: Primitive,
    ) -> Reply {
        let descriptor = session.cloned().map_or(SessionDescriptor::Outband, SessionDescriptor::Inband);
        let transaction = match mode {
            TransactionMode::Request => Transaction::request(Some(id), primitive),
            TransactionMode::Response => Transaction::response(Some(id), primitive),
        };
        let body = Envelope::new(descriptor, transaction);
        let body = body.encode(Version::V1_2, Encoding::Wbxml, WriterOptions::default()).unwrap();
        Reply(self.adapter.post(IncomingPost {
            body,
            content_type: Some("application/vnd.wv.csp.wbxml".to_owned()),
            user_agent: self.user_agent.map(str::to_owned),
            source: "127.0.0.1:9".parse().unwrap(),
            exposure: Exposure::Protected,
            msisdn: None,
        }))
    }

    fn request(&mut self, session: &SessionId, primitive: Primitive) -> Primitive {
        let mut reply = self.post(Some(session), TransactionMode::Request, primitive);
        self.turn();
        reply.primitive()
    }

    fn log_in(&mut self, user: &str, client: &str) -> SessionId {
        let mut login = LoginRequest::new(UserId::new(user), ClientId::from_url(client), SessionCookie::new("cookie"));
        login.password = Some(Password::new("secret"));
        let mut reply = self.post(None, TransactionMode::Request, Primitive::LoginRequest(Box::new(login)));
        assert!(reply.is_open(), "nothing is promised before it is kept");
        self.turn();
        let Primitive::LoginResponse(response) = reply.primitive() else { panic!("no Login-Response") };
        assert_eq!(response.result.code, StatusCode::SUCCESS);
        response.session_id.unwrap()
    }

    fn poll(&mut self, session: &SessionId) -> Option<(TransactionId, Primitive)> {
        let mut reply = self.post(Some(session), TransactionMode::Request, Primitive::PollingRequest);
        let transaction = reply.envelope()?.transactions.into_iter().next().unwrap();
        Some((transaction.id.unwrap(), transaction.content.unwrap()))
    }

    fn leaks(&self) -> usize {
        let sessions = self.adapter.0.borrow();
        sessions.waiting.len() + sessions.pending.len() + sessions.held.len() + sessions.notes.len()
    }
}

struct Reply(oneshot::Receiver<PostReply>);

impl Reply {
    fn is_open(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    fn envelope(&mut self) -> Option<Envelope> {
        let reply = self.0.try_recv().expect("an answer");
        let hint = Some(reply.content_type);
        (!reply.body.is_empty())
            .then(|| Envelope::decode(&codec::decode(&reply.body, hint, &Limits::default()).unwrap().tree).unwrap())
    }

    fn primitive(&mut self) -> Primitive {
        let envelope = self.envelope().expect("a body");
        envelope.transactions.into_iter().next().unwrap().content.unwrap()
    }

    fn code(&mut self) -> StatusCode {
        self.primitive().result().unwrap().code
    }
}

fn domains() -> DomainTable {
    let core = Route::Peer(mapping::side::PeerName::new("core"));
    let mut table = DomainTable::default();
    table.insert("wv.example", DomainRoute { side: Side::Wv, route: Route::Hosted });
    table.insert("sip.example", DomainRoute { side: Side::Simple, route: core });
    table
}

fn settings() -> WvSettings {
    WvSettings { domain_default: "wv.example".to_owned(), domains: domains(), ..WvSettings::default() }
}

fn engine(now: Timestamp, facts: Vec<Fact>) -> Engine {
    let mut config = EngineConfig::new(domains(), [1, 2]);
    config.authorization = DefaultAuthorization::Allow;
    // Each change goes at once, so that no test waits.
    config.profiles.iter_mut().for_each(|profile| profile.notify_interval_min = std::time::Duration::ZERO);
    let mut engine = Engine::new(config);
    for user in ["alice@wv.example", "carol@wv.example"] {
        engine.account_added(Address::parse(user).unwrap());
    }
    engine.restore(now, facts);
    engine
}

fn text_to(recipient: &str, text: &str) -> Primitive {
    Primitive::SendMessageRequest(Box::new(SendMessageRequest {
        delivery_report: false,
        message: MessageInfo {
            content_type: Some("text/plain".into()),
            recipient: Recipient::of_user(UserId::new(recipient)),
            ..MessageInfo::default()
        },
        content: Some(Content::from_text(text)),
    }))
}

fn publish(bench: &mut Bench, session: &SessionId, attribute: PresenceAttribute) {
    let attributes = PresenceSubList { attributes: vec![attribute] };
    let answer = bench.request(session, Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes }));
    assert_eq!(answer.result().unwrap().code, StatusCode::SUCCESS);
}

/// The names of the attributes in the notification that waits, which is acknowledged.
fn notified(bench: &mut Bench, session: &SessionId) -> Vec<String> {
    let (id, Primitive::PresenceNotificationRequest(told)) = bench.poll(session).unwrap() else {
        panic!("no PresenceNotification-Request")
    };
    let status = Primitive::Status(StatusCode::SUCCESS.into());
    assert_eq!(bench.post_as(Some(session), id, TransactionMode::Response, status).envelope(), None);
    bench.turn();
    let attributes = told.presences.iter().flat_map(|presence| &presence.attributes.attributes);
    attributes.filter_map(PresenceAttribute::name).map(|name| format!("{name:?}")).collect()
}

#[test]
fn a_message_travels_from_session_to_session() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let carol = bench.log_in("wv:carol@wv.example", "phone-2");
    let answer = bench.request(&alice, text_to("wv:carol@wv.example", "hello"));
    assert_eq!(answer.result().unwrap().code, StatusCode::SUCCESS);
    let (id, Primitive::NewMessage(new)) = bench.poll(&carol).unwrap() else { panic!("no NewMessage") };
    assert_eq!(new.content, Some(Content::from_text("hello")));
    let delivered = MessageDelivered { message_id: new.message.message_id.unwrap() };
    let delivered = Primitive::MessageDelivered(delivered);
    assert_eq!(bench.post_as(Some(&carol), id, TransactionMode::Response, delivered).envelope(), None);
    bench.turn();
    assert_eq!((bench.engine.queues().count(), bench.leaks()), (0, 0));
    let left = bench.adapter.0.borrow();
    assert!(left.entries.values().all(|entry| entry.chains.is_empty()));
}

#[test]
fn a_logout_is_answered_when_it_is_kept_and_leaves_nothing() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let mut reply = bench.post(Some(&alice), TransactionMode::Request, Primitive::LogoutRequest);
    assert!(reply.is_open());
    bench.turn();
    assert_eq!(reply.code(), StatusCode::SUCCESS);
    assert_eq!((bench.engine.attachments().count(), bench.leaks()), (0, 0));
    assert!(bench.store.snapshot(&Scope::Everything).wire.is_empty());
    assert!(bench.adapter.0.borrow().entries.is_empty());
    let late = bench.request(&alice, Primitive::GetListRequest);
    assert_eq!(late.result().unwrap().code, StatusCode::INVALID_SESSION);
}

#[test]
fn what_waits_when_a_session_ends_is_answered_all_the_same() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    // The far side says nothing: the answer is held.
    let mut held = bench.post(Some(&alice), TransactionMode::Request, text_to("wv:bob@sip.example", "hello"));
    bench.turn();
    assert!(held.is_open());
    let logout = bench.request(&alice, Primitive::LogoutRequest);
    assert_eq!(logout.result().unwrap().code, StatusCode::SUCCESS);
    assert!(held.is_open());
    let CommandKind::Deliver { delivery, owner, .. } = bench.simple.remove(0) else { panic!("no delivery") };
    let told =
        mapping::event::Delivery { delivery, owner, outcome: mapping::outcome::Outcome::Success, retry_after: None };
    bench.adapter.0.borrow_mut().tell(EventKind::Delivered(told));
    bench.turn();
    assert_eq!(held.code(), StatusCode::SUCCESS);
    assert_eq!(bench.leaks(), 0);
    assert!(bench.adapter.0.borrow().entries.is_empty());
}

#[test]
fn a_session_inherits_what_waited_in_the_one_it_replaces() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let carol = bench.log_in("wv:carol@wv.example", "phone-2");
    bench.request(&alice, text_to("wv:carol@wv.example", "hello"));
    let (_, first) = bench.poll(&carol).unwrap();
    let again = bench.log_in("wv:carol@wv.example", "phone-2");
    let (_, second) = bench.poll(&again).unwrap();
    let id_of = |primitive| match primitive {
        Primitive::NewMessage(new) => new.message.message_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id_of(first), id_of(second));
    assert_eq!(bench.poll(&again), None, "once only");
    let (_, told) = bench.poll(&carol).unwrap();
    assert_eq!(told.result().unwrap().code, StatusCode::FORCED_LOGOUT);
    bench.turn();
    assert_eq!(bench.engine.attachments().count(), 2);
    assert_eq!(bench.adapter.0.borrow().entries.len(), 2);
}

#[test]
fn sessions_go_on_after_a_restart() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let carol = bench.log_in("wv:carol@wv.example", "phone-2");
    bench.request(&alice, text_to("wv:carol@wv.example", "hello"));
    let mut bench = Bench::with(bench.store);
    let (_, Primitive::NewMessage(_)) = bench.poll(&carol).unwrap() else { panic!("no NewMessage") };
    assert_eq!(bench.request(&alice, Primitive::GetListRequest).name().as_str(), "GetList-Response");
}

#[test]
fn what_only_one_of_adapter_and_engine_knows_is_settled_at_the_start() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let snapshot = bench.store.snapshot(&Scope::Everything);
    // The engine's half only: the attachment is taken back.
    let mut half = MemoryStore::new(1);
    let records = snapshot.facts.iter().cloned().map(mapping::record::Record::Put).collect();
    half.apply(crate::store::Batch { records, wire: Vec::new() });
    assert_eq!(Bench::with(half).engine.attachments().count(), 0);
    // The adapter's half only: the session is attached.
    let mut half = MemoryStore::new(1);
    half.apply(crate::store::Batch { records: Vec::new(), wire: snapshot.wire });
    let mut bench = Bench::with(half);
    assert_eq!(bench.engine.attachments().count(), 1);
    assert_eq!(bench.request(&alice, Primitive::GetListRequest).name().as_str(), "GetList-Response");
}

#[test]
fn a_session_ends_with_the_account_of_its_user() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    bench.adapter.0.borrow_mut().accounts = AccountBook::for_test(&["wv:carol@wv.example"]);
    let now = bench.now();
    bench.engine.account_removed(now, &Address::parse("alice@wv.example").unwrap());
    bench.adapter.reconcile(now, &bench.engine);
    bench.turn();
    assert!(bench.store.snapshot(&Scope::Everything).wire.is_empty());
    let told = bench.request(&alice, Primitive::GetListRequest);
    assert_eq!(told.result().unwrap().code, StatusCode::FORCED_LOGOUT);
    assert_eq!((bench.adapter.0.borrow().entries.len(), bench.leaks()), (0, 0));
}

#[test]
fn a_lost_batch_is_refused_and_forgotten() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let mut login =
        LoginRequest::new(UserId::new("wv:carol@wv.example"), ClientId::from_url("x"), SessionCookie::new("c"));
    login.password = Some(Password::new("secret"));
    let mut lost = bench.post(None, TransactionMode::Request, Primitive::LoginRequest(Box::new(login)));
    drop(bench.gather());
    let (now, kept) = (bench.now(), bench.store.snapshot(&Scope::Everything));
    bench.adapter.refuse(now);
    bench.adapter.reload(now, &kept.wire.iter().collect::<Vec<_>>());
    bench.engine = engine(now, kept.facts);
    bench.adapter.reconcile(now, &bench.engine);
    bench.turn();
    assert_eq!(lost.code(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bench.adapter.0.borrow().entries.keys().collect::<Vec<_>>(), [&alice]);
    assert_eq!((bench.engine.attachments().count(), bench.leaks()), (1, 0));
}

#[test]
fn both_ends_of_a_message_bear_one_correlation() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let carol = bench.log_in("wv:carol@wv.example", "phone-2");
    let mut watch = bench.adapter.0.borrow().tap.watch();
    bench.request(&alice, text_to("wv:carol@wv.example", "hello"));
    bench.poll(&carol).unwrap();
    let mut seen = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..4 {
        let crate::observe::trace::Seen::Record(record) = runtime.block_on(watch.next()) else { panic!("no record") };
        seen.push((record.title.clone(), record.correlation));
    }
    let of = |title: &str| seen.iter().find(|(known, _)| known.contains(title)).unwrap().1;
    assert_eq!(of("SendMessage-Request"), of("SendMessage-Response"));
    assert_eq!(of("SendMessage-Request"), of("NewMessage"));
    assert_ne!(of("SendMessage-Request"), of("Polling-Request"));
}

#[test]
fn an_unreadable_body_is_answered_and_forgotten() {
    let bench = Bench::new();
    let post = IncomingPost {
        body: Bytes::from_static(b"\x03\x11\x6a\xff\xff"),
        content_type: None,
        user_agent: None,
        source: "127.0.0.1:9".parse().unwrap(),
        exposure: Exposure::Protected,
        msisdn: None,
    };
    let mut reply = Reply(bench.adapter.post(post));
    assert_eq!(reply.code(), StatusCode::BAD_REQUEST);
    assert_eq!(bench.leaks(), 0);
}

#[test]
fn wv_trx_12_a_message_sent_again_after_a_lost_answer_arrives_once() {
    let mut bench = Bench::new();
    let alice = bench.log_in("wv:alice@wv.example", "phone-1");
    let carol = bench.log_in("wv:carol@wv.example", "phone-2");
    // The connection breaks before the answer.
    drop(bench.post(Some(&alice), TransactionMode::Request, text_to("wv:carol@wv.example", "once")));
    bench.turn();
    let again = bench.request(&alice, text_to("wv:carol@wv.example", "once"));
    assert_eq!(again.result().unwrap().code, StatusCode::SUCCESS);
    assert_eq!(bench.engine.queues().count(), 1, "it is the same message");
    bench.request(&alice, text_to("wv:carol@wv.example", "once"));
    assert_eq!(bench.engine.queues().count(), 2, "the same word said once more is another message");
    assert!(bench.poll(&carol).is_some());
}

// QUIRK whole_presence: takes what a notification does not name for gone, so each one names all that the watcher
// may see, not only what changed; Android.
#[test]
fn a_client_that_forgets_is_told_the_whole_presence_each_time() {
    let told = |user_agent| {
        let mut bench = Bench::new();
        let carol = bench.log_in("wv:carol@wv.example", "phone-2");
        bench.user_agent = user_agent;
        let alice = bench.log_in("wv:alice@wv.example", "phone-1");
        let online = PresenceAttribute::OnlineStatus(Qualified::valid(true));
        publish(&mut bench, &carol, online);
        let watch = SubscribePresenceRequest {
            users: vec![User::from(UserId::new("wv:carol@wv.example"))],
            ..SubscribePresenceRequest::default()
        };
        bench.request(&alice, Primitive::SubscribePresenceRequest(watch));
        let first = notified(&mut bench, &alice);
        assert!(first.contains(&"OnlineStatus".to_owned()), "{first:?}");
        publish(&mut bench, &carol, PresenceAttribute::StatusText(Qualified::valid("tea".into())));
        notified(&mut bench, &alice)
    };
    assert_eq!(told(None), ["StatusText"]);
    let whole = told(Some("Android-Imps/0.1"));
    assert!(whole.contains(&"OnlineStatus".to_owned()) && whole.contains(&"StatusText".to_owned()), "{whole:?}");
}
