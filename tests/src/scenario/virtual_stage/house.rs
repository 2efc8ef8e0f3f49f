//! What is on the stage: the gateway, the actors, what is on its way between them, and the time.

use super::line::{Far, LineId, Lines};
use crate::{
    product::LABORATORY,
    simulated::{
        chance::Chance,
        disk::Disk,
        node::{Node, PostKey, Standing},
    },
};
use bytes::Bytes;
use gateway::{
    config::{Configuration, Sources},
    lab::{
        actor::{Actor, Arrival, Casting, Faulty, Output, sip::SipActor, wv::WvActor},
        scenario::{
            seen::Seen,
            stage::{Act, RoleKind},
        },
    },
    wv::session::{IncomingPost, PostReply},
};
use sip_proto::{
    limit::Limits,
    message::{
        framer::{Parsed, parse_datagram},
        header::via::Transport,
        validate::validate,
    },
    transaction::{
        TransactionId,
        via::{Hop, ResponseTarget},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

/// Everything on the stage.
pub(super) struct House {
    now: u64,
    chance: Chance,
    is_calm: bool,
    node: Node,
    standing: Standing,
    players: Vec<Player>,
    lines: Lines,
    queue: BTreeMap<(u64, u64), Happening>,
    number: u64,
    seen: VecDeque<(usize, Seen)>,
}

/// An actor and what it has under way.
struct Player {
    actor: Box<dyn Actor>,
    address: SocketAddr,
    post: Option<Post>,
    posts: u64,
}

/// A post that was not answered yet.
#[derive(Clone)]
struct Post {
    content_type: String,
    body: Bytes,
    number: u64,
    attempt: u32,
}

/// What will happen.
enum Happening {
    Datagram { from: SocketAddr, octets: Bytes },
    DatagramTo { actor: usize, octets: Bytes },
    OnLine { line: LineId, octets: Bytes },
    OnLineTo { line: LineId, octets: Bytes },
    Post { key: PostKey },
    Reply { key: PostKey, reply: Option<PostReply> },
    Unsent { actor: usize, transaction: TransactionId },
}

impl House {
    /// A house with a gateway that does not run yet.
    pub(super) fn new(configuration: &str, settings: &[(String, String)], seed: u64) -> Result<Self, String> {
        let mut sources = Sources::from_text("simulation", configuration);
        for (key, value) in LISTENERS.iter().chain(&LABORATORY) {
            sources = sources.with_flag(key, value);
        }
        for (key, value) in settings {
            sources = sources.with_flag(key, value);
        }
        let configuration = Configuration::read(&sources).map_err(|problems| problems.to_string())?;
        let lines = Lines::default();
        let node = Node::new(configuration, GATEWAY, seed, Disk::default()).connecting_by(lines.connector());
        Ok(Self {
            now: 0,
            chance: Chance::of_seed(seed),
            is_calm: seed == 0,
            node,
            standing: Standing::Down,
            players: Vec::new(),
            lines,
            queue: BTreeMap::new(),
            number: 0,
            seen: VecDeque::new(),
        })
    }

    /// Lets an actor enter.
    pub(super) fn enter(&mut self, casting: &Casting, seed: u64) -> Result<(), String> {
        let address = casting.listen.unwrap_or(GATEWAY);
        let number = self.players.len();
        let actor: Box<dyn Actor> = match &casting.role.kind {
            RoleKind::WvClient { .. } => {
                Box::new(Faulty::new(WvActor::new(casting.clone()).map_err(|error| error.to_string())?))
            }
            RoleKind::SipAgent { .. } | RoleKind::SimpleServer { .. } => {
                let mut octets = [0x5a; 32];
                for (octet, word) in octets.iter_mut().zip([seed.to_be_bytes(), number.to_be_bytes()].concat()) {
                    *octet ^= word;
                }
                let actor = SipActor::new(casting, GATEWAY, address, octets).map_err(|error| error.to_string())?;
                self.lines.listen(address, number);
                Box::new(Faulty::new(actor))
            }
        };
        self.players.push(Player { actor, address, post: None, posts: 0 });
        Ok(())
    }

    /// Starts the gateway.
    pub(super) async fn start(&mut self) {
        self.node.set_clock(CLOCK_ORIGIN + self.now);
        self.node.start();
        self.settle().await;
    }

    /// Kills the gateway.
    pub(super) fn kill(&mut self) {
        self.standing = Standing::Down;
        for key in self.node.kill() {
            self.plan(1, Happening::Reply { key, reply: None });
        }
        self.lines.break_all();
    }

    /// Lets an actor do something.
    pub(super) async fn perform(&mut self, actor: usize, act: Act) {
        let now = self.now;
        if let Some(player) = self.players.get_mut(actor) {
            player.actor.perform(now, act);
        }
        self.carry_from(actor);
        self.settle().await;
    }

    /// The next thing that is seen in this time.
    pub(super) async fn next(&mut self, patience: Duration) -> Option<(usize, Seen)> {
        let until = self.now.saturating_add(u64::try_from(patience.as_millis()).unwrap_or(u64::MAX));
        while self.seen.is_empty() {
            let deadlines = self.players.iter().filter_map(|player| player.actor.deadline_ms());
            let gateway = match self.standing {
                Standing::Rest(deadline) => deadline.map(|at| at.saturating_sub(CLOCK_ORIGIN)),
                Standing::Store | Standing::Down => None,
            };
            let queued = self.queue.keys().next().map(|(at, _)| *at);
            let next = deadlines.chain(gateway).chain(queued).min().filter(|at| *at <= until);
            self.set_time(next.unwrap_or(until).max(self.now));
            if next.is_none() {
                break;
            }
            self.step().await;
        }
        self.seen.pop_front()
    }

    /// The time since the beginning.
    pub(super) const fn now(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    fn set_time(&mut self, now: u64) {
        self.now = now;
        self.node.set_clock(CLOCK_ORIGIN + now);
    }

    async fn step(&mut self) {
        let due = self.queue.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= self.now);
        match due.and_then(|key| self.queue.remove(&key)) {
            Some(happening) => self.happen(happening),
            None => {
                for index in 0..self.players.len() {
                    let player = &mut self.players[index];
                    if player.actor.deadline_ms().is_some_and(|at| at <= self.now) {
                        player.actor.expire(self.now);
                        self.carry_from(index);
                    }
                }
            }
        }
        self.settle().await;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Datagram { from, octets } => self.node.receive(&octets, from),
            Happening::DatagramTo { actor, octets } => {
                let parsed = parse_datagram(&octets, &Limits::default());
                if let Ok(Parsed::Message(message)) = parsed
                    && let Ok(message) = validate(message)
                {
                    let hop = Hop { transport: Transport::Udp, address: GATEWAY, connection: None, name: None };
                    self.arrive(actor, Arrival::Sip { message, hop });
                }
            }
            Happening::OnLine { line, octets } => self.lines.write(line, &octets),
            Happening::OnLineTo { line, octets } => {
                let Some((actor, messages)) = self.lines.read(line, &octets) else { return };
                for message in messages {
                    let hop = Hop {
                        transport: Transport::Tcp,
                        address: GATEWAY,
                        connection: Some(line.connection()),
                        name: None,
                    };
                    self.arrive(actor, Arrival::Sip { message, hop });
                }
            }
            Happening::Post { key } => self.deliver_post(key),
            Happening::Reply { key, reply } => self.take_reply(key, reply),
            Happening::Unsent { actor, transaction } => self.arrive(actor, Arrival::Unsent(transaction)),
        }
    }

    fn arrive(&mut self, actor: usize, arrival: Arrival) {
        let now = self.now;
        if let Some(player) = self.players.get_mut(actor) {
            player.actor.receive(now, arrival);
            self.carry_from(actor);
        }
    }

    fn deliver_post(&mut self, key: PostKey) {
        let Some(player) = self.players.get(key.phone) else { return };
        let Some(post) = player.post.as_ref().filter(|post| post.number == key.number) else { return };
        let incoming = IncomingPost {
            body: post.body.clone(),
            content_type: Some(post.content_type.clone()),
            user_agent: None,
            source: player.address,
            exposure: wv_proto::session::login::Exposure::Protected,
            msisdn: None,
        };
        if !self.node.post(key, incoming) {
            self.plan(1, Happening::Reply { key, reply: None });
        }
    }

    /// As a courier does: what was not answered is posted again after a while, and given up some day.
    fn take_reply(&mut self, key: PostKey, reply: Option<PostReply>) {
        let Some(player) = self.players.get_mut(key.phone) else { return };
        let Some(post) = player.post.as_mut().filter(|post| post.number == key.number) else { return };
        let arrival = match reply {
            Some(PostReply { body, content_type }) => {
                Arrival::Answer { content_type: Some(content_type.as_str().to_owned()), body }
            }
            None if post.attempt < ATTEMPTS_MAX => {
                post.attempt += 1;
                let wait = (BACK_OFF_MS << post.attempt).min(BACK_OFF_MAX_MS);
                return self.plan(wait, Happening::Post { key });
            }
            None => Arrival::Unanswered("the server cannot be reached".to_owned()),
        };
        player.post = None;
        self.arrive(key.phone, arrival);
    }

    /// Carries away what an actor wants to be carried.
    fn carry_from(&mut self, index: usize) {
        while let Some(output) = self.players.get_mut(index).and_then(|player| player.actor.poll()) {
            match output {
                Output::Seen(seen) => self.seen.push_back((index, seen)),
                // One post is under way at a time, and each has a connection of its own.
                Output::Cut => {}
                Output::Post { content_type, body } => {
                    let player = &mut self.players[index];
                    player.posts += 1;
                    player.post = Some(Post { content_type, body, number: player.posts, attempt: 1 });
                    let key = PostKey { phone: index, number: player.posts };
                    let wait = self.wait();
                    self.plan(wait, Happening::Post { key });
                }
                Output::Sip { octets, target, transaction } => self.carry_sip(index, octets, &target, transaction),
            }
        }
    }

    fn carry_sip(&mut self, index: usize, octets: Bytes, target: &ResponseTarget, transaction: Option<TransactionId>) {
        let from = self.players[index].address;
        if !target.hop.transport.is_reliable() {
            let wait = self.wait();
            return self.plan(wait, Happening::Datagram { from, octets });
        }
        let known = target.hop.connection.and_then(|id| self.lines.find(id)).or_else(|| self.lines.of_actor(index));
        let line = known.or_else(|| {
            let (line, far) = self.lines.open(index, from);
            let Far { connection, peer } = far;
            self.node.adopt(connection, peer).then_some(line)
        });
        match (line, transaction) {
            (Some(line), _) => {
                let due = self.now + self.wait();
                let due = self.lines.due_out(line, due);
                self.plan(due - self.now, Happening::OnLine { line, octets });
            }
            (None, Some(transaction)) => self.plan(1, Happening::Unsent { actor: index, transaction }),
            (None, None) => {}
        }
    }

    /// Turns the gateway and what runs beside it until both wait, and carries away what they say.
    async fn settle(&mut self) {
        loop {
            // A task that reads wakes one that answers, which wakes one that writes.
            for _ in 0..TASKS_IN_A_ROW {
                tokio::task::yield_now().await;
            }
            self.standing = self.node.turn();
            if self.standing == Standing::Store {
                self.node.commit();
                continue;
            }
            for _ in 0..TASKS_IN_A_ROW {
                tokio::task::yield_now().await;
            }
            if !self.carry_from_gateway() {
                return;
            }
        }
    }

    /// Whether there was anything to carry.
    fn carry_from_gateway(&mut self) -> bool {
        let mut is_moved = false;
        for (peer, octets) in self.node.take_datagrams() {
            is_moved = true;
            if let Some(actor) = self.players.iter().position(|player| player.address == peer) {
                let wait = self.wait();
                self.plan(wait, Happening::DatagramTo { actor, octets });
            }
        }
        for (key, reply) in self.node.take_replies() {
            is_moved = true;
            let wait = self.wait();
            self.plan(wait, Happening::Reply { key, reply });
        }
        for (line, octets) in self.lines.take_written() {
            is_moved = true;
            let due = self.now + self.wait();
            let due = self.lines.due_in(line, due);
            self.plan(due - self.now, Happening::OnLineTo { line, octets });
        }
        is_moved
    }

    fn wait(&mut self) -> u64 {
        if self.is_calm { 1 } else { self.chance.between(1, WAIT_MAX_MS) }
    }

    fn plan(&mut self, wait: u64, happening: Happening) {
        self.number += 1;
        self.queue.insert((self.now + wait, self.number), happening);
    }
}

/// Where the gateway is.
pub(super) const GATEWAY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// Where it believes to listen.
const LISTENERS: [(&str, &str); 3] = [
    ("wv.access.listen", "10.0.0.1:8080"),
    ("simple.listen", "udp:10.0.0.1:5060,tcp:10.0.0.1:5060"),
    ("store.kind", "memory"),
];

/// What the gateway's clock shows at the beginning.
const CLOCK_ORIGIN: u64 = 1_750_000_000_000;

/// How long a message is under way at most, where it is not calm: one may overtake another, and none is sent again for it
/// (RFC 3261 §17.1.1.1).
const WAIT_MAX_MS: u64 = 60;

/// How often a post is tried, and how long it waits before it is tried again.
const ATTEMPTS_MAX: u32 = 8;
const BACK_OFF_MS: u64 = 50;
const BACK_OFF_MAX_MS: u64 = 2_000;

/// Tasks that wake each other before the gateway has its turn.
const TASKS_IN_A_ROW: usize = 4;
