//! For tests: a subscriber and a notifier in virtual time over two transaction tables and a wire that loses, repeats and reorders.

use super::body::Body;
use super::fixture::{contact, document, packages, settings};
use super::notifier::admission::Admission;
use super::notifier::{Notifier, NotifierCommand, NotifierEvent, NotifierState, Opening, Permission, TimeoutRule};
use super::package::PackageRegistry;
use super::subscriber::{Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState, SubscriptionChange};
use crate::id_source::IdSource;
use crate::limit::Limits;
use crate::message::framer::{Parsed, parse_datagram};
use crate::message::header::via::Transport;
use crate::message::host::Host;
use crate::message::status::StatusCode;
use crate::message::{Message, Method, Request, Response};
use crate::time::Timestamp;
use crate::transaction::timer::TimerValues;
use crate::transaction::via::{ConnectionId, Hop};
use crate::transaction::{
    ClientTransactionId, DatagramRule, Outgoing, RequestEvent, ResponseEvent, TransactionCommand, TransactionTable,
};
use bytes::Bytes;
use core::net::SocketAddr;
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;

/// What the wire does to one datagram: lost when `None`, else one copy after each delay.
type Fate = Vec<u16>;

struct Endpoint {
    table: TransactionTable,
    address: SocketAddr,
    peer: SocketAddr,
}

struct World {
    now: Timestamp,
    packages: PackageRegistry,
    watcher: Endpoint,
    agent: Endpoint,
    subscriber: Subscriber,
    notifier: Option<Notifier>,
    own_subscribes: HashSet<ClientTransactionId>,
    wire: Vec<(Timestamp, Side, Bytes)>,
    fates: Vec<Fate>,
    turn: usize,
    restarts: Restart,
    seen: Option<Body>,
    ended: bool,
    truth: Option<Body>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Watcher,
    Agent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Restart {
    Never,
    BeforeEachChange,
}

impl Endpoint {
    fn new(prefix: &str, address: &str, peer: &str) -> Self {
        let ids = IdSource::new(prefix, [3; 32]).unwrap();
        Self {
            table: TransactionTable::new(TimerValues::default(), 50, ids),
            address: address.parse().unwrap(),
            peer: peer.parse().unwrap(),
        }
    }

    fn send(&mut self, now: Timestamp, request: Request) -> ClientTransactionId {
        let outgoing = Outgoing {
            hop: Hop { transport: Transport::Udp, address: self.peer, connection: None, name: None },
            sent_by_host: Host::Address(self.address.ip()),
            sent_by_port: Some(self.address.port()),
            datagram_rule: DatagramRule::AnySize,
        };
        self.table.send_request(now, request, &outgoing).unwrap()
    }
}

impl World {
    fn new(fates: Vec<Fate>, restarts: Restart) -> Self {
        Self {
            now: Timestamp::from_secs(1_000_000),
            packages: packages(),
            watcher: Endpoint::new("w", "192.0.2.1:5060", "192.0.2.9:5060"),
            agent: Endpoint::new("a", "192.0.2.9:5060", "192.0.2.1:5060"),
            subscriber: Subscriber::new(settings(600)),
            notifier: None,
            own_subscribes: HashSet::new(),
            wire: Vec::new(),
            fates,
            turn: 0,
            restarts,
            seen: None,
            ended: false,
            truth: document("0"),
        }
    }

    /// Drains all machines until nobody has anything to say.
    fn settle(&mut self) {
        loop {
            let mut idle = true;
            while let Some(command) = self.subscriber.poll() {
                idle = false;
                self.obey_subscriber(command);
            }
            while let Some(command) = self.notifier.as_mut().and_then(Notifier::poll) {
                idle = false;
                match command {
                    NotifierCommand::Respond { transaction, response } => {
                        let _ = self.agent.table.respond(self.now, transaction, &response);
                    }
                    NotifierCommand::SendRequest(request) => {
                        self.agent.send(self.now, request);
                    }
                    NotifierCommand::Challenged { .. }
                    | NotifierCommand::LeaseGranted { .. }
                    | NotifierCommand::Removed(_) => {}
                }
            }
            for side in [Side::Watcher, Side::Agent] {
                while let Some(command) = self.host(side).table.poll() {
                    idle = false;
                    self.obey_table(side, command);
                }
            }
            if idle {
                return;
            }
        }
    }

    fn obey_subscriber(&mut self, command: SubscriberCommand) {
        match command {
            SubscriberCommand::SendRequest(request) => {
                let id = self.watcher.send(self.now, request);
                self.own_subscribes.insert(id);
            }
            SubscriberCommand::Respond { transaction, response } => {
                let _ = self.watcher.table.respond(self.now, transaction, &response);
            }
            SubscriberCommand::StateChanged(SubscriptionChange::Active { body: Some(body) }) => self.seen = Some(body),
            SubscriberCommand::StateChanged(SubscriptionChange::Ended { .. } | SubscriptionChange::Failed { .. }) => {
                self.ended = true
            }
            SubscriberCommand::StateChanged(
                SubscriptionChange::Active { body: None } | SubscriptionChange::Pending,
            )
            | SubscriberCommand::Challenged { .. }
            | SubscriberCommand::Forked(_) => {}
        }
    }

    fn obey_table(&mut self, side: Side, command: TransactionCommand) {
        match command {
            TransactionCommand::Send { octets, .. } => {
                let fate = self.fates.get(self.turn % self.fates.len().max(1)).cloned().unwrap_or_else(|| vec![5]);
                self.turn += 1;
                let to = if side == Side::Watcher { Side::Agent } else { Side::Watcher };
                for delay in fate {
                    let at = self.now.after(std::time::Duration::from_millis(u64::from(delay)));
                    self.wire.push((at, to, octets.clone()));
                }
            }
            TransactionCommand::TimedOut(_) if side == Side::Watcher => {
                self.subscriber.handle(self.now, SubscriberEvent::TimedOut);
            }
            TransactionCommand::TimedOut(_) => self.tell_notifier(NotifierEvent::TimedOut),
            other => panic!("{other:?}"),
        }
    }

    fn tell_notifier(&mut self, event: NotifierEvent) {
        if let Some(notifier) = &mut self.notifier {
            notifier.handle(self.now, event);
        }
    }

    fn deliver(&mut self, to: Side, octets: &Bytes) {
        let Parsed::Message(message) = parse_datagram(octets, &Limits::default()).unwrap() else {
            panic!("not a message: {octets:?}");
        };
        let now = self.now;
        let host = self.host(to);
        let source = Hop {
            transport: Transport::Udp,
            address: host.peer,
            connection: Some(ConnectionId::from_number(0)),
            name: None,
        };
        match message {
            Message::Response(response) => match host.table.receive_response(now, response) {
                ResponseEvent::Final { response, .. } if to == Side::Watcher => {
                    self.subscriber.handle(now, SubscriberEvent::Response(response));
                }
                ResponseEvent::Final { response, .. } => self.tell_notifier(NotifierEvent::Response(response)),
                ResponseEvent::Provisional { .. } | ResponseEvent::Retransmission | ResponseEvent::Stray => {}
            },
            Message::Request(request) => {
                if let RequestEvent::New { id, request } = host.table.receive_request(now, request, &source) {
                    match request.method() {
                        Method::Notify => {
                            self.subscriber.handle(now, SubscriberEvent::Notify { transaction: id, request });
                        }
                        Method::Subscribe => self.on_subscribe(id, request),
                        other => panic!("{other}"),
                    }
                }
            }
        }
    }

    fn on_subscribe(&mut self, transaction: crate::transaction::ServerTransactionId, request: Arc<Request>) {
        let tag = IdSource::new("n", [4; 32]).unwrap().tag();
        if request.headers().to().unwrap().tag().is_some() {
            match &mut self.notifier {
                Some(notifier) => notifier.handle(self.now, NotifierEvent::Subscribe { transaction, request }),
                None => {
                    let response = Response::for_request(&request, StatusCode::CALL_DOES_NOT_EXIST, Some(&tag));
                    self.agent.table.respond(self.now, transaction, &response).unwrap();
                }
            }
            return;
        }
        let admission = Admission::check(&request, &self.packages).unwrap();
        let opening = Opening {
            tag,
            contact: contact("sip:pa@192.0.2.9:5060"),
            permission: Permission::Granted(self.truth.clone()),
            timeout_rule: TimeoutRule::Keep,
        };
        self.notifier = Some(Notifier::accept(self.now, transaction, &request, admission, opening).unwrap());
    }

    fn host(&mut self, side: Side) -> &mut Endpoint {
        match side {
            Side::Watcher => &mut self.watcher,
            Side::Agent => &mut self.agent,
        }
    }

    /// Runs until `until`, event by event.
    fn run(&mut self, until: Timestamp) {
        self.settle();
        loop {
            let wire = self.wire.iter().map(|(at, ..)| *at).min();
            let machines = [
                self.watcher.table.deadline(),
                self.agent.table.deadline(),
                self.subscriber.deadline(),
                self.notifier.as_ref().and_then(Notifier::deadline),
                wire,
            ];
            let Some(next) = machines.into_iter().flatten().min().filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            while let Some(place) = self.wire.iter().position(|(at, ..)| *at <= self.now) {
                let (_, to, octets) = self.wire.swap_remove(place);
                self.deliver(to, &octets);
                self.settle();
            }
            self.watcher.table.expire(self.now);
            self.agent.table.expire(self.now);
            self.subscriber.expire(self.now);
            if let Some(notifier) = &mut self.notifier {
                notifier.expire(self.now);
            }
            self.settle();
        }
        self.now = self.now.max(until);
    }

    fn run_for(&mut self, seconds: u64) {
        self.run(self.now.after(std::time::Duration::from_secs(seconds)));
    }

    fn change(&mut self, text: &str) {
        if self.restarts == Restart::BeforeEachChange {
            self.restart();
        }
        self.truth = document(text);
        self.tell_notifier(NotifierEvent::Update(self.truth.clone()));
        self.settle();
    }

    /// Both sides lose their memory except the records.
    fn restart(&mut self) {
        let wait = std::time::Duration::from_secs(3);
        if let Some(octets) = self.subscriber.to_snapshot() {
            self.subscriber = Subscriber::from_snapshot(self.now, &octets, settings(600), wait).unwrap();
        }
        if let Some(octets) = self.notifier.as_mut().and_then(Notifier::to_snapshot) {
            self.notifier = Notifier::from_snapshot(&octets, &self.packages, TimeoutRule::Keep).ok();
        }
    }
}

/// Most datagrams arrive, some twice or late, some never.
fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => (1u16..50).prop_map(|delay| vec![delay]),
        2 => Just(Vec::new()),
        1 => (1u16..900, 1u16..900).prop_map(|(first, second)| vec![first, second]),
        1 => (500u16..3000).prop_map(|delay| vec![delay]),
    ];
    proptest::collection::vec(fate, 1..40)
}

#[test]
fn on_a_perfect_wire_every_state_arrives_for_a_day_and_leaving_ends_both() {
    let mut world = World::new(vec![vec![5]], Restart::Never);
    world.subscriber.handle(world.now, SubscriberEvent::Subscribe);
    for hour in 0..24 {
        world.change(&hour.to_string());
        world.run_for(3600);
        assert_eq!(world.seen, world.truth);
    }
    assert_eq!(world.subscriber.state(), SubscriberState::Active);
    world.subscriber.handle(world.now, SubscriberEvent::Unsubscribe);
    world.run_for(60);
    assert!(world.ended);
    assert_eq!(world.notifier.as_ref().map(Notifier::state), Some(NotifierState::Ended));
    assert!(world.watcher.table.is_empty() && world.agent.table.is_empty());
}

#[test]
fn restarts_of_both_sides_cost_no_subscription() {
    let mut world = World::new(vec![vec![5]], Restart::BeforeEachChange);
    world.subscriber.handle(world.now, SubscriberEvent::Subscribe);
    world.run_for(10);
    for turn in 0..20 {
        world.change(&turn.to_string());
        world.run_for(100);
        assert_eq!(world.seen, world.truth);
        assert!(!world.ended);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After whatever losses, once the wire is good both sides agree: the watcher knows the newest state, or both know that it is over.
    #[test]
    fn both_sides_converge_after_loss_repetition_and_reordering(
        fates in fates(),
        changes in proptest::collection::vec(1u64..400, 0..8),
        leave in any::<bool>(),
    ) {
        let mut world = World::new(fates, Restart::Never);
        world.subscriber.handle(world.now, SubscriberEvent::Subscribe);
        for (number, wait) in changes.iter().enumerate() {
            world.run_for(*wait);
            world.change(&format!("state {number}"));
        }
        world.fates = vec![vec![5]];
        if leave {
            world.subscriber.handle(world.now, SubscriberEvent::Unsubscribe);
        }
        world.run_for(1300);
        let notifier = world.notifier.as_ref().map(Notifier::state);
        let watcher = world.subscriber.state();
        match watcher {
            SubscriberState::Active => {
                prop_assert!(!leave);
                prop_assert_eq!(notifier, Some(NotifierState::Active));
                prop_assert_eq!(&world.seen, &world.truth);
            }
            SubscriberState::Ended => {
                prop_assert!(world.ended);
                prop_assert!(notifier.is_none_or(|state| state == NotifierState::Ended), "{:?}", notifier);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
