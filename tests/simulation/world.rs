//! The world around the gateway in virtual time: what is on its way, who does what when, and what goes wrong.

use super::{
    agent::Agent,
    ladder::Ladder,
    phone::{Outgoing, Phone},
    server::{self, Server},
    truth::Truth,
};
use acceptance::simulated::{
    chance::Chance,
    disk::{Disk, Fate},
    node::{Node, PostKey, Standing},
    weather::Weather,
};
use bytes::Bytes;
use gateway::wv::session::{IncomingPost, PostReply};
use std::{collections::BTreeMap, net::SocketAddr};

/// Everything in one run.
pub(crate) struct World {
    /// Milliseconds since the beginning.
    pub(crate) now: u64,
    /// Where decisions come from.
    pub(crate) chance: Chance,
    /// The gateway.
    pub(crate) node: Node,
    /// WV phones.
    pub(crate) phones: Vec<Phone>,
    /// SIP user agents.
    pub(crate) agents: Vec<Agent>,
    /// The neighbour server.
    pub(crate) server: Server,
    /// The network.
    pub(crate) weather: Weather,
    /// The judge.
    pub(crate) truth: Truth,
    /// What happened.
    pub(crate) ladder: Ladder,
    /// Difference between the gateway's clock and the true one.
    clock_origin: u64,
    /// How far the gateway's clock was set back in all: so much longer it takes for what ends by its time.
    pub(crate) set_back: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    number: u64,
    standing: Standing,
    is_commit_due: bool,
    /// Until when the gateway, which was told to end, may finish what is under way.
    draining: Option<u64>,
    /// What goes wrong with commits.
    pub(crate) trouble: Trouble,
}

/// How often commits go wrong, in thousandths, and how long they take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// The store refuses.
    pub(crate) refused: u64,
    /// And cannot be read for a while after that.
    pub(crate) unreadable: u64,
    /// The process ends before the commit.
    pub(crate) crash_before: u64,
    /// The process ends after the commit.
    pub(crate) crash_after: u64,
    /// The process ends at any other step.
    pub(crate) crash_anywhere: u64,
    /// The commit is slow.
    pub(crate) slow: u64,
    /// The clock is another one after a crash.
    pub(crate) clock_step: u64,
}

/// What will happen.
enum Happening {
    ToGateway { from: SocketAddr, octets: Bytes },
    ToAgent { agent: usize, octets: Bytes },
    ToServer { octets: Bytes },
    Post { key: PostKey, outgoing: Outgoing },
    Reply { key: PostKey, reply: Option<PostReply> },
    Commit,
    Start,
    Act,
}

impl World {
    /// A world in which nothing has happened.
    #[must_use]
    pub(crate) fn new(chance: Chance, node: Node) -> Self {
        Self {
            now: 0,
            chance,
            node,
            phones: Vec::new(),
            agents: Vec::new(),
            server: Server::new(SERVER, GATEWAY),
            weather: Weather::default(),
            truth: Truth::default(),
            ladder: Ladder::default(),
            clock_origin: CLOCK_ORIGIN,
            set_back: 0,
            queue: BTreeMap::new(),
            number: 0,
            standing: Standing::Down,
            is_commit_due: false,
            draining: None,
            trouble: Trouble::default(),
        }
    }

    /// Starts the gateway.
    pub(crate) fn start(&mut self) {
        self.node.set_clock(self.clock_origin + self.now);
        self.node.start();
        self.is_commit_due = false;
        self.ladder.tell("gateway    starts");
        self.truth.count("starts".to_owned());
    }

    /// Tells the gateway to end, in order: it takes no posts any more, finishes what is under way and is started again
    /// some time later. One that is down or ending already is left alone.
    pub(crate) fn drain(&mut self) {
        if self.node.is_running() && self.draining.is_none() {
            self.ladder.tell("gateway    drains");
            self.truth.count("drains".to_owned());
            self.draining = Some(self.now + DRAIN_MAX);
        }
    }

    /// Asks for [`Step::Act`] after a while.
    pub(crate) fn act_after(&mut self, wait: u64) {
        self.plan(wait, Happening::Act);
    }

    /// The next thing that happens, up to the time given.
    pub(crate) async fn step(&mut self, until: u64) -> Step {
        let next = [self.queue.keys().next().map(|(at, _)| *at), self.gateway_due(), self.actors_due(), self.draining];
        let Some(at) = next.into_iter().flatten().min().filter(|at| *at <= until) else {
            self.set_time(until);
            return Step::Over;
        };
        self.set_time(at.max(self.now));
        let mut step = Step::Went;
        match self.queue.first_key_value().map(|(key, _)| *key) {
            Some(key) if key.0 <= self.now => {
                if let Some(happening) = self.queue.remove(&key) {
                    step = self.happen(happening);
                }
            }
            _ => self.expire_actors(),
        }
        self.settle().await;
        step
    }

    /// Lets everything happen up to that time; who acts meanwhile does not.
    pub(crate) async fn pass(&mut self, until: u64) {
        while self.step(until).await != Step::Over && self.truth.violations().is_empty() {}
    }

    fn gateway_due(&self) -> Option<u64> {
        match self.standing {
            Standing::Rest(deadline) => deadline.map(|at| at.saturating_sub(self.clock_origin)),
            Standing::Store | Standing::Down => None,
        }
    }

    fn actors_due(&self) -> Option<u64> {
        let phones = self.phones.iter().filter_map(Phone::deadline);
        phones.chain(self.agents.iter().filter_map(Agent::deadline)).chain(self.server.deadline()).min()
    }

    fn set_time(&mut self, now: u64) {
        self.now = now;
        self.truth.set_time(now);
        self.ladder.set_time(now);
        self.node.set_clock(self.clock_origin + now);
    }

    fn happen(&mut self, happening: Happening) -> Step {
        match happening {
            Happening::ToGateway { from, octets } => self.node.receive(&octets, from),
            Happening::ToAgent { agent, octets } => {
                self.ladder.tell(format_args!("{:<10} <- {}", self.agents[agent].user, first_line(&octets)));
                let sent = self.agents[agent].receive(self.now, &octets, GATEWAY, &mut self.truth);
                self.carry_datagrams(agent, sent);
            }
            Happening::ToServer { octets } => {
                self.ladder.tell(format_args!("{:<10} <- {}", server::USER, first_line(&octets)));
                let sent = self.server.receive(self.now, &octets, &mut self.truth);
                self.carry_from_server(sent);
            }
            Happening::Post { key, outgoing } => self.deliver_post(key, outgoing),
            Happening::Reply { key, reply } => {
                let phone = &mut self.phones[key.phone];
                let (title, posts) = phone.receive(self.now, key.number, reply.as_ref(), &mut self.truth);
                self.ladder.tell(format_args!("{:<10} <- {title}", phone.user));
                self.carry_posts(key.phone, posts);
            }
            Happening::Commit => self.commit(),
            Happening::Start => self.start(),
            Happening::Act => return Step::Act,
        }
        Step::Went
    }

    fn expire_actors(&mut self) {
        for index in 0..self.phones.len() {
            if self.phones[index].deadline().is_some_and(|at| at <= self.now) {
                let posts = self.phones[index].expire(self.now, &mut self.truth);
                self.carry_posts(index, posts);
            }
        }
        for index in 0..self.agents.len() {
            if self.agents[index].deadline().is_some_and(|at| at <= self.now) {
                let sent = self.agents[index].expire(self.now, &mut self.truth);
                self.carry_datagrams(index, sent);
            }
        }
        if self.server.deadline().is_some_and(|at| at <= self.now) {
            self.rouse_server();
        }
    }

    /// Lets a phone do what it was told to.
    pub(crate) fn rouse_phone(&mut self, index: usize) {
        let posts = self.phones[index].work(self.now, &mut self.truth);
        self.carry_posts(index, posts);
    }

    /// Lets an agent do what it was told to.
    pub(crate) fn rouse_agent(&mut self, index: usize) {
        let sent = self.agents[index].work(self.now, &mut self.truth);
        self.carry_datagrams(index, sent);
    }

    /// Lets the server do what it was told to, and what is due.
    pub(crate) fn rouse_server(&mut self) {
        let sent = self.server.expire(self.now, &mut self.truth);
        self.carry_from_server(sent);
    }

    /// Turns the gateway until it waits, and carries away what it says.
    async fn settle(&mut self) {
        loop {
            self.standing = self.node.turn();
            self.carry_from_gateway();
            match self.standing {
                Standing::Store if !self.is_commit_due => {
                    self.is_commit_due = true;
                    if self.chance.happens(self.trouble.slow) {
                        let wait = self.chance.between(1, 4_000);
                        self.ladder.tell(format_args!("store      takes {wait} ms"));
                        self.truth.count("slow commits".to_owned());
                        self.plan(wait, Happening::Commit);
                        break;
                    }
                    self.commit();
                }
                Standing::Store | Standing::Rest(_) | Standing::Down => break,
            }
        }
        self.finish_drain();
        if self.node.is_running() && self.chance.happens(self.trouble.crash_anywhere) {
            self.crash("between two steps");
        }
        // What runs beside the lane has its turn.
        tokio::task::yield_now().await;
    }

    /// Ends the process that was told to when nothing is under way any more, or its time is over.
    fn finish_drain(&mut self) {
        let (Some(until), Standing::Rest(_)) = (self.draining, self.standing) else { return };
        let left = self.node.under_way().unwrap_or(0);
        if left > 0 && self.now < until {
            return;
        }
        self.draining = None;
        self.standing = Standing::Down;
        let unanswered = self.node.kill();
        self.truth.count(if left == 0 { "drains in time" } else { "drains cut short" }.to_owned());
        self.ladder.tell(format_args!("gateway    has ended; {left} under way"));
        if left == 0 && !unanswered.is_empty() {
            self.truth.violated(format!("the gateway ended in order and left {} posts unanswered", unanswered.len()));
        }
        // Transactions end with the process: what was not answered is asked anew.
        self.truth.forgot();
        for key in unanswered {
            self.plan(1, Happening::Reply { key, reply: None });
        }
        let wait = self.chance.between(50, 8_000);
        self.plan(wait, Happening::Start);
    }

    fn commit(&mut self) {
        if !self.is_commit_due || !self.node.is_running() {
            return;
        }
        self.is_commit_due = false;
        let fate = self.fate();
        self.node.disk().set_fate(fate);
        if fate == Fate::Refused {
            self.ladder.tell("store      refuses");
            self.truth.count("refused commits".to_owned());
            self.truth.forgot();
            if self.chance.happens(self.trouble.unreadable) {
                self.node.disk().set_unreadable(2);
            }
        }
        if !self.node.commit() {
            self.truth.count(format!("{fate:?}"));
            self.crash(if fate == Fate::CrashBefore { "before a commit" } else { "after a commit" });
        }
    }

    fn fate(&mut self) -> Fate {
        let Trouble { refused, crash_before, crash_after, .. } = self.trouble;
        let fates = [(refused, Fate::Refused), (crash_before, Fate::CrashBefore), (crash_after, Fate::CrashAfter)];
        fates.into_iter().find(|(odds, _)| self.chance.happens(*odds)).map_or(Fate::Kept, |(_, fate)| fate)
    }

    fn crash(&mut self, when: &str) {
        self.ladder.tell(format_args!("gateway    is killed {when}"));
        self.truth.count("crashes".to_owned());
        self.truth.forgot();
        self.standing = Standing::Down;
        self.draining = None;
        for key in self.node.kill() {
            self.plan(1, Happening::Reply { key, reply: None });
        }
        if self.chance.happens(self.trouble.clock_step) {
            let step = self.chance.between(0, 2 * CLOCK_STEP_MAX);
            self.set_back += CLOCK_STEP_MAX.saturating_sub(step);
            self.clock_origin = (self.clock_origin + step).saturating_sub(CLOCK_STEP_MAX);
            self.ladder.tell(format_args!("clock      is {step} - {CLOCK_STEP_MAX} ms further"));
            self.truth.count("clock steps".to_owned());
        }
        let wait = self.chance.between(50, 8_000);
        self.plan(wait, Happening::Start);
    }

    fn deliver_post(&mut self, key: PostKey, outgoing: Outgoing) {
        let post = IncomingPost {
            body: outgoing.body,
            content_type: Some(outgoing.content_type.as_str().to_owned()),
            user_agent: None,
            source: self.phones[key.phone].address,
            exposure: wv_proto::session::login::Exposure::Protected,
            msisdn: None,
        };
        if self.draining.is_some() || !self.node.post(key, post) {
            self.plan(REFUSED_AFTER, Happening::Reply { key, reply: None });
        }
    }

    fn carry_from_gateway(&mut self) {
        for (peer, octets) in self.node.take_datagrams() {
            if peer == self.server.address {
                self.truth.count("datagrams".to_owned());
                for wait in self.weather.carry_datagram(&mut self.chance, peer, self.now) {
                    self.plan(wait, Happening::ToServer { octets: octets.clone() });
                }
                continue;
            }
            let Some(agent) = self.agents.iter().position(|agent| agent.address == peer) else {
                self.truth.violated(format!("the gateway sends to nobody: {peer} {}", first_line(&octets)));
                continue;
            };
            self.truth.count("datagrams".to_owned());
            for wait in self.weather.carry_datagram(&mut self.chance, peer, self.now) {
                self.plan(wait, Happening::ToAgent { agent, octets: octets.clone() });
            }
        }
        for (key, reply) in self.node.take_replies() {
            let address = self.phones[key.phone].address;
            match self.weather.carry_stream(&mut self.chance, address, self.now) {
                Some(wait) => self.plan(wait, Happening::Reply { key, reply }),
                None => {
                    self.ladder
                        .tell(format_args!("network    breaks the connection of {}", self.phones[key.phone].user));
                    self.plan(REFUSED_AFTER, Happening::Reply { key, reply: None });
                }
            }
        }
    }

    fn carry_posts(&mut self, phone: usize, posts: Vec<Outgoing>) {
        for outgoing in posts {
            let key = PostKey { phone, number: outgoing.number };
            let Phone { user, address, .. } = &self.phones[phone];
            self.ladder.tell(format_args!("{user:<10} -> {}", outgoing.title));
            self.truth.count("posts".to_owned());
            match self.weather.carry_stream(&mut self.chance, *address, self.now) {
                Some(wait) => self.plan(wait, Happening::Post { key, outgoing }),
                None => self.plan(REFUSED_AFTER, Happening::Reply { key, reply: None }),
            }
        }
    }

    fn carry_datagrams(&mut self, agent: usize, sent: Vec<(SocketAddr, Bytes)>) {
        let from = self.agents[agent].address;
        for (_, octets) in sent {
            self.ladder.tell(format_args!("{:<10} -> {}", self.agents[agent].user, first_line(&octets)));
            self.truth.count("datagrams".to_owned());
            for wait in self.weather.carry_datagram(&mut self.chance, from, self.now) {
                self.plan(wait, Happening::ToGateway { from, octets: octets.clone() });
            }
        }
    }

    fn carry_from_server(&mut self, sent: Vec<(SocketAddr, Bytes)>) {
        let from = self.server.address;
        for (_, octets) in sent {
            self.ladder.tell(format_args!("{:<10} -> {}", server::USER, first_line(&octets)));
            self.truth.count("datagrams".to_owned());
            for wait in self.weather.carry_datagram(&mut self.chance, from, self.now) {
                self.plan(wait, Happening::ToGateway { from, octets: octets.clone() });
            }
        }
    }

    fn plan(&mut self, wait: u64, happening: Happening) {
        self.number += 1;
        self.queue.insert((self.now + wait, self.number), happening);
    }
}

/// What a step was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something happened.
    Went,
    /// It is time to act.
    Act,
    /// Nothing more happens before the time given.
    Over,
}

fn first_line(octets: &[u8]) -> String {
    let line = octets.split(|octet| *octet == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches(" SIP/2.0").trim_start_matches("SIP/2.0 ");
    let text = String::from_utf8_lossy(octets);
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    let note = body.split("<note>").nth(1).and_then(|rest| rest.split('<').next());
    let named = ["SIP-If-Match", "SIP-ETag", "Expires", "Subscription-State", "Call-ID"].iter();
    let fields = named.filter_map(|name| {
        let field = text.split("\r\n").find(|field| field.starts_with(&format!("{name}: ")))?;
        Some(format!(" [{field}]"))
    });
    let fields: String = fields.collect();
    match (line.starts_with("MESSAGE "), note) {
        (true, _) => format!("{line} ({body})"),
        (false, Some(note)) => format!("{line}{fields} ({note})"),
        (false, None) => format!("{line}{fields}"),
    }
}

/// A disk and the gateway on it.
#[must_use]
pub(crate) fn node_of(configuration: gateway::config::Configuration, seed: u64) -> Node {
    Node::new(configuration, GATEWAY, seed, Disk::default())
}

/// Where the gateway is.
pub(crate) const GATEWAY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// Where the neighbour server is.
pub(crate) const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 3, 1)), 5060);

/// What the gateway's clock shows at the beginning.
const CLOCK_ORIGIN: u64 = 1_750_000_000_000;

/// How long a gateway that is to end may finish what is under way (mapping/sessions §8.5).
const DRAIN_MAX: u64 = 30_000;

/// How far a clock may be off after a start.
const CLOCK_STEP_MAX: u64 = 120_000;

/// After how long a phone knows that nobody takes its connection.
const REFUSED_AFTER: u64 = 1_500;
