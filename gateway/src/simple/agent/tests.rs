//! The agent with an engine and loopback sockets, fed by a user agent that writes what it likes.

mod relaying;

use super::*;
use crate::{
    simple::transport::Bounds,
    store::{Batch, MemoryStore, Scope},
};
use mapping::{
    command::CommandKind,
    engine::{DefaultAuthorization, EngineConfig},
    record::Fact,
    route::{DomainRoute, Route},
};
use std::net::UdpSocket;

/// A lane without store thread; the user agent speaks UDP.
struct Bench {
    adapter: SimpleAdapter,
    engine: Engine,
    store: MemoryStore,
    phone: UdpSocket,
    gateway: std::net::SocketAddr,
    branch: u32,
}

impl Bench {
    async fn with(store: MemoryStore, phone: UdpSocket) -> Self {
        let snapshot = store.snapshot(&Scope::Everything);
        let transports = Transports::new(sip_proto::limit::Limits::default(), Bounds::default());
        let gateway = transports.serve_datagrams(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        // Until the socket can be written to.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let mut agent = Agent::new(AgentParts {
            settings: settings(),
            clock: Clock::new(),
            transports,
            resolver: crate::resolver::Resolver::deaf(),
            accounts: AccountBook::for_test(&["sip:bob@sip.example", "sip:dave@sip.example"]),
            wake: Rc::new(Notify::new()),
            tap: Tap::new(64),
            prefix: "t".to_owned(),
            seeds: [seed; 4],
            entropy: crate::entropy::Entropy::of_system(),
            transactions_max: 1000,
        })
        .unwrap();
        let now = agent.clock.now();
        snapshot.wire.iter().for_each(|record| agent.restore(now, record));
        let engine = engine(now, snapshot.facts);
        let adapter = SimpleAdapter::new(agent);
        let mut bench = Self { adapter, engine, store, phone, gateway, branch: 0 };
        bench.adapter.reconcile(now, &bench.engine);
        bench.turn();
        bench
    }

    async fn new() -> Self {
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        phone.set_nonblocking(true).unwrap();
        Self::with(MemoryStore::new(1), phone).await
    }

    fn now(&self) -> Timestamp {
        self.adapter.0.borrow().clock.now()
    }

    fn turn(&mut self) {
        while let Some((batch, outputs)) = self.gather() {
            self.store.apply(batch);
            let now = self.now();
            for output in outputs {
                match output {
                    Ok(command) => self.adapter.execute(now, command),
                    Err(ticket) => self.adapter.release(now, ticket),
                }
            }
        }
    }

    fn gather(&mut self) -> Option<(Batch, Vec<Result<Command, Ticket>>)> {
        let (now, mut intake) = (self.now(), Intake::default());
        let (mut batch, mut outputs) = (Batch::default(), Vec::new());
        self.adapter.collect(&mut intake);
        let mut inputs = intake.take().into_iter();
        loop {
            while let Some(command) = self.engine.poll() {
                match command.kind {
                    CommandKind::Keep(record) => batch.records.push(record),
                    _ => outputs.push(Ok(command)),
                }
            }
            match inputs.next() {
                Some(Input::Event(event)) => self.engine.handle(now, event),
                Some(Input::Wire(record)) => batch.wire.push(record),
                Some(Input::Hold(ticket)) => outputs.push(Err(ticket)),
                None => break,
            }
        }
        (!batch.is_empty() || !outputs.is_empty()).then_some((batch, outputs))
    }

    /// Sends a request of bob and lets the agent receive it, without a turn of the lane.
    async fn send(&mut self, method: &str, target: &str, more: &str) {
        self.branch += 1;
        let (number, phone) = (self.branch, self.phone.local_addr().unwrap());
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {phone};rport;branch=z9hG4bK{number}-{}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:bob@sip.example>;tag=b{}\r\nCSeq: {number} {method}\r\n{more}\r\n",
            phone.port(),
            phone.port(),
        );
        let before = self.adapter.0.borrow().next_number + 1;
        self.phone.send_to(text.as_bytes(), self.gateway).unwrap();
        // Until the agent has taken it: something is handed over, or answered.
        loop {
            tokio::task::yield_now().await;
            if self.adapter.0.borrow().next_number >= before || self.phone.peek(&mut [0; 1]).is_ok() {
                return;
            }
        }
    }

    /// Sends and lets the lane turn; brings the messages that came.
    async fn ask(&mut self, method: &str, target: &str, more: &str) -> Vec<String> {
        self.send(method, target, more).await;
        self.turn();
        self.heard()
    }

    fn heard(&self) -> Vec<String> {
        let mut heard = Vec::new();
        let mut octets = vec![0; 65_536];
        while let Ok(length) = self.phone.recv(&mut octets) {
            heard.push(String::from_utf8_lossy(&octets[..length]).into_owned());
        }
        heard
    }

    /// Answers the NOTIFYs among the messages.
    async fn acknowledge(&mut self, heard: &[String]) {
        for notify in heard.iter().filter(|one| one.starts_with("NOTIFY ")) {
            let kept = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
            let lines = notify.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)));
            let answer: String = lines.map(|line| format!("{line}\r\n")).collect();
            self.phone.send_to(format!("SIP/2.0 200 OK\r\n{answer}\r\n").as_bytes(), self.gateway).unwrap();
            while !self.adapter.0.borrow().purposes.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        self.turn();
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:bob@{}>", self.phone.local_addr().unwrap())
    }

    fn register(&self) -> String {
        format!("To: <sip:bob@sip.example>\r\nCall-ID: r\r\nExpires: 600\r\n{}\r\n", self.contact())
    }

    fn subscribe(&self, expires_s: u32, tag: &str) -> String {
        format!(
            "To: <sip:dave@sip.example>{tag}\r\nCall-ID: s\r\nEvent: presence\r\nExpires: {expires_s}\r\n{}\r\n",
            self.contact()
        )
    }
}

fn settings() -> AgentSettings {
    AgentSettings {
        domains: domains(),
        tel_domain: "sip.example".to_owned(),
        peers: PeerTable::default(),
        anonymity: Anonymity::Refused,
        is_open: true,
        advertised: None,
        advertised_tls: None,
        validity_default: Duration::from_secs(60),
        content_octets_max: 1024,
        pending_requests_max: 100,
        requests_per_s_per_source: 1000,
        notify_interval_min: Duration::ZERO,
        quarantine: Duration::from_secs(30),
    }
}

fn domains() -> DomainTable {
    let mut table = DomainTable::default();
    table.insert("sip.example", DomainRoute { side: Side::Simple, route: Route::Hosted });
    table
}

fn engine(now: Timestamp, facts: Vec<Fact>) -> Engine {
    let mut config = EngineConfig::new(domains(), [1, 2]);
    config.authorization = DefaultAuthorization::Allow;
    let mut engine = Engine::new(config);
    for user in ["bob@sip.example", "dave@sip.example"] {
        engine.account_added(mapping::address::Address::parse(user).unwrap());
    }
    engine.restore(now, facts);
    engine
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

fn tag_of(response: &str) -> String {
    let to = response.lines().find(|line| line.starts_with("To:")).unwrap();
    to.split_once(";tag=").unwrap().1.trim().to_owned()
}

#[test]
fn a_registration_is_answered_when_it_is_kept() {
    run(async {
        let mut bench = Bench::new().await;
        let register = bench.register();
        bench.send("REGISTER", "sip:sip.example", &register).await;
        assert_eq!(bench.heard(), Vec::<String>::new());
        bench.turn();
        let heard = bench.heard();
        assert!(heard[0].starts_with("SIP/2.0 200 "), "{heard:?}");
        assert!(heard[0].contains("expires=600") && heard[0].contains("\r\nDate: "), "{heard:?}");
        assert_eq!(bench.engine.attachments().count(), 1);
        assert!(bench.adapter.0.borrow().pending.is_empty() && bench.adapter.0.borrow().held.is_empty());
    });
}

#[test]
fn a_registration_is_answered_before_stored_messages_come() {
    run(async {
        let mut bench = Bench::new().await;
        let text = "To: <sip:bob@sip.example>\r\nCall-ID: m\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        let heard = bench.ask("MESSAGE", "sip:bob@sip.example", text).await;
        assert!(heard[0].starts_with("SIP/2.0 2"), "{heard:?}");
        let register = bench.register();
        let heard = bench.ask("REGISTER", "sip:sip.example", &register).await;
        assert!(heard[0].starts_with("SIP/2.0 200 ") && heard[1].starts_with("MESSAGE "), "{heard:?}");
        // The sender is asserted to neighbours only.
        assert!(!heard[1].contains("P-Asserted-Identity"), "{heard:?}");
    });
}

#[test]
fn a_message_sent_again_after_a_restart_keeps_its_call_id() {
    run(async {
        let mut bench = Bench::new().await;
        let text = "To: <sip:bob@sip.example>\r\nCall-ID: m\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        bench.ask("MESSAGE", "sip:bob@sip.example", text).await;
        let register = bench.register();
        let heard = bench.ask("REGISTER", "sip:sip.example", &register).await;
        let first = heard.iter().find(|one| one.starts_with("MESSAGE ")).unwrap();
        let Bench { store, phone, .. } = bench;
        let mut bench = Bench::with(store, phone).await;
        bench.turn();
        let heard = bench.heard();
        let again = heard.iter().find(|one| one.starts_with("MESSAGE ")).unwrap();
        for name in ["Call-ID: ", "From: ", "To: "] {
            let line = |text: &str| text.lines().find(|line| line.starts_with(name)).map(str::to_owned).unwrap();
            assert_eq!(line(first), line(again));
        }
    });
}

#[test]
fn what_is_not_served_is_refused_by_its_own_code() {
    run(async {
        let mut bench = Bench::new().await;
        let plain = "To: <sip:dave@sip.example>\r\nCall-ID: x\r\n";
        let invite = bench.ask("INVITE", "sip:dave@sip.example", &format!("{plain}{}\r\n", bench.contact())).await;
        assert!(invite.iter().any(|one| one.starts_with("SIP/2.0 405 ") && one.contains("\r\nAllow: ")), "{invite:?}");
        let unknown = bench.ask("NEWMETHOD", "sip:dave@sip.example", plain).await;
        assert!(unknown.iter().any(|one| one.starts_with("SIP/2.0 501 ")), "{unknown:?}");
        let options = format!("{plain}Require: path\r\n");
        let required = bench.ask("OPTIONS", "sip:dave@sip.example", &options).await;
        assert!(required.iter().any(|one| one.starts_with("SIP/2.0 420 ") && one.contains("path")), "{required:?}");
    });
}

#[test]
fn a_dialog_lives_through_a_restart() {
    run(async {
        let mut bench = Bench::new().await;
        let subscribe = bench.subscribe(600, "");
        let heard = bench.ask("SUBSCRIBE", "sip:dave@sip.example", &subscribe).await;
        assert!(heard[0].starts_with("SIP/2.0 200 ") && heard[1].starts_with("NOTIFY "), "{heard:?}");
        let tag = format!(";tag={}", tag_of(&heard[0]));
        let Bench { store, phone, branch, .. } = bench;
        let mut bench = Bench::with(store, phone).await;
        bench.branch = branch;
        assert_eq!(bench.engine.watches().count(), 1);
        let heard = bench.heard();
        bench.acknowledge(&heard).await;
        let refresh = bench.subscribe(0, &tag);
        let heard = bench.ask("SUBSCRIBE", "sip:dave@sip.example", &refresh).await;
        assert!(heard[0].starts_with("SIP/2.0 200 "), "{heard:?}");
        assert!(heard[1].contains("Subscription-State: terminated"), "{heard:?}");
        assert_eq!(bench.engine.watches().count(), 0);
    });
}

#[test]
fn what_only_one_of_agent_and_engine_knows_is_settled_at_the_start() {
    run(async {
        let mut bench = Bench::new().await;
        let (register, subscribe) = (bench.register(), bench.subscribe(600, ""));
        bench.ask("REGISTER", "sip:sip.example", &register).await;
        bench.ask("SUBSCRIBE", "sip:dave@sip.example", &subscribe).await;
        let snapshot = bench.store.snapshot(&Scope::Everything);
        let Bench { phone, .. } = bench;
        // The engine's half only.
        let mut half = MemoryStore::new(1);
        let records = snapshot.facts.iter().cloned().map(mapping::record::Record::Put).collect();
        half.apply(Batch { records, wire: Vec::new() });
        let bench = Bench::with(half, phone).await;
        assert_eq!((bench.engine.watches().count(), bench.engine.attachments().count()), (0, 0));
        // The agent's half only: the contact is attached, the dialog ends.
        let Bench { phone, .. } = bench;
        let mut half = MemoryStore::new(1);
        half.apply(Batch { records: Vec::new(), wire: snapshot.wire });
        let bench = Bench::with(half, phone).await;
        assert_eq!((bench.engine.watches().count(), bench.engine.attachments().count()), (0, 1));
        let heard = bench.heard();
        assert!(heard.iter().any(|one| one.contains("terminated") && one.contains("deactivated")), "{heard:?}");
    });
}

#[test]
fn a_lost_batch_leaves_no_request_without_answer() {
    run(async {
        let mut bench = Bench::new().await;
        let (register, subscribe) = (bench.register(), bench.subscribe(600, ""));
        bench.send("REGISTER", "sip:sip.example", &register).await;
        bench.send("SUBSCRIBE", "sip:dave@sip.example", &subscribe).await;
        drop(bench.gather());
        let (now, kept) = (bench.now(), bench.store.snapshot(&Scope::Everything));
        bench.adapter.refuse(now);
        bench.adapter.reload(now, &kept.wire.iter().collect::<Vec<_>>());
        bench.engine = engine(now, kept.facts);
        bench.adapter.reconcile(now, &bench.engine);
        bench.turn();
        let heard = bench.heard();
        assert_eq!(heard.iter().filter(|one| one.starts_with("SIP/2.0 503 ")).count(), 2, "{heard:?}");
        let agent = bench.adapter.0.borrow();
        assert!(agent.pending.is_empty() && agent.held.is_empty() && agent.notifiers.count() == 0);
        assert_eq!(agent.registrar.addresses().count(), 0);
    });
}

#[test]
fn a_refresh_by_somebody_else_is_refused() {
    run(async {
        let mut bench = Bench::new().await;
        let subscribe = bench.subscribe(600, "");
        let heard = bench.ask("SUBSCRIBE", "sip:dave@sip.example", &subscribe).await;
        let dialog: Arc<str> = Arc::from(tag_of(&heard[0]));
        bench.adapter.0.borrow_mut().notifiers.disguise(&dialog, "dave@sip.example");
        let refresh = bench.subscribe(600, &format!(";tag={dialog}"));
        let heard = bench.ask("SUBSCRIBE", "sip:dave@sip.example", &refresh).await;
        assert!(heard.iter().any(|one| one.starts_with("SIP/2.0 403 ")), "{heard:?}");
    });
}
