//! One run: a seed becomes actors, weather and trouble; then quiet, and the judgement; then the end of everything.

use super::{
    agent::{Agent, Temper},
    odd,
    phone::{Phone, Wish},
    server, talk,
    truth::{Text, bare, name},
    world::{GATEWAY, Step, Trouble, World, node_of},
};
use acceptance::simulated::{chance::Chance, weather::Weather};
use gateway::config::{Configuration, Sources};
use mapping::side::Side;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use wv_proto::{
    primitive::identifier::GroupId,
    version::{Encoding, Version},
};

/// How a run went.
pub(crate) struct Outcome {
    /// What is as it must not be.
    pub(crate) violations: Vec<String>,
    /// What happened how often.
    pub(crate) counts: BTreeMap<String, u64>,
    /// Everything that happened.
    pub(crate) ladder: super::ladder::Ladder,
}

/// Runs a seed.
#[must_use]
pub(crate) fn run_seed(seed: u64) -> Outcome {
    run(seed, Chance::of_seed(seed))
}

/// Runs what these decisions make.
///
/// # Panics
/// When there is no runtime.
#[must_use]
pub(crate) fn run(seed: u64, chance: Chance) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    let world = local.block_on(&runtime, async {
        let mut play = Play::new(seed, chance);
        play.perform().await;
        play.world
    });
    let World { truth, ladder, .. } = world;
    Outcome { violations: truth.violations().to_vec(), counts: truth.counts().clone(), ladder }
}

struct Play {
    world: World,
    /// Letters of each pair so far.
    letters: BTreeMap<(usize, usize), u64>,
    /// Values so far.
    values: u64,
    users: Vec<String>,
}

impl Play {
    fn new(seed: u64, mut chance: Chance) -> Self {
        let configuration = Configuration::read(&Sources::from_text("simulation", &configuration(&mut chance)));
        let configuration = configuration.unwrap_or_else(|problems| panic!("{problems}"));
        let mut users = Vec::new();
        let mut world = World::new(chance, node_of(configuration, seed));
        let phones = world.chance.between(1, 3);
        for number in 0..phones {
            let user = format!("wv:{}@wv.example", PHONES[usize::try_from(number).unwrap_or(0)]);
            let version = *world.chance.pick(&[Version::V1_1, Version::V1_2, Version::V1_3]);
            let encoding = *world.chance.pick(&[Encoding::Xml, Encoding::Wbxml]);
            let way = world.chance.pick(&Phone::login_ways()).clone();
            let address =
                SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, u8::try_from(number).unwrap_or(0) + 1)), 4000);
            let keep_alive = *world.chance.pick(&KEEP_ALIVE_TIMES);
            let mut phone = Phone::new(&user, address, version, encoding, way, keep_alive);
            phone.agrees = world.chance.happens(700);
            world.phones.push(phone);
            users.push(user);
        }
        for number in 0..world.chance.between(1, 2) {
            let user = format!("{}@sip.example", AGENTS[usize::try_from(number).unwrap_or(0)]);
            let last = u8::try_from(number).unwrap_or(0) + 1;
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 2, last)), 5060);
            world.agents.push(Agent::new(&user, address, GATEWAY, last));
            users.push(format!("sip:{user}"));
        }
        // More devices of the same users: they are registered and are brought letters, and say nothing.
        for number in 0..world.agents.len() {
            if world.chance.happens(300) {
                let last = u8::try_from(number).unwrap_or(0) + 101;
                let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 2, last)), 5060);
                let user = world.agents[number].user.clone();
                world.agents.push(Agent::new(&user, address, GATEWAY, last));
                world.truth.count("second devices".to_owned());
            }
        }
        let moods = [None, None, Some(2), Some(4)];
        world.server.moods = (*world.chance.pick(&moods), *world.chance.pick(&moods));
        for index in 0..world.agents.len() {
            let one_in = *world.chance.pick(&[None, None, Some(3), Some(8)]);
            let status = *world.chance.pick(&[403, 415, 480, 486, 503, 603]);
            world.agents[index].temper = Temper { one_in, status, brought: 0 };
        }
        Self { world, letters: BTreeMap::new(), values: 0, users }
    }

    async fn perform(&mut self) {
        self.world.start();
        for index in 0..self.world.phones.len() {
            self.world.phones[index].switch_on(0);
        }
        for index in 0..self.world.agents.len() {
            self.world.agents[index].switch_on(0);
        }
        self.world.pass(20_000).await;
        self.begin_trouble();
        self.act_through(20_000 + ACTING_MS).await;
        self.world.weather.clear_up();
        self.world.trouble = Trouble::default();
        let quiet = self.world.now + QUIET_MS + self.world.set_back;
        self.world.pass(quiet).await;
        self.judge();
        self.end().await;
    }

    fn begin_trouble(&mut self) {
        let chance = &mut self.world.chance;
        self.world.weather = Weather {
            loss: *chance.pick(&[0, 50, 200]),
            duplication: *chance.pick(&[0, 50, 200]),
            delay: *chance.pick(&[0, 50, 300]),
            breaking: *chance.pick(&[0, 20, 100]),
            ..Weather::default()
        };
        self.world.trouble = Trouble {
            refused: *chance.pick(&[0, 10, 50]),
            unreadable: 300,
            crash_before: *chance.pick(&[5, 10, 30]),
            crash_after: *chance.pick(&[5, 10, 30]),
            crash_anywhere: *chance.pick(&[0, 2, 5]),
            slow: *chance.pick(&[0, 100, 300]),
            clock_step: *chance.pick(&[0, 0, 300]),
        };
    }

    async fn act_through(&mut self, until: u64) {
        self.world.act_after(1);
        loop {
            match self.world.step(until).await {
                Step::Went => {}
                Step::Act => {
                    self.act();
                    let wait = self.world.chance.between(100, 3_000);
                    self.world.act_after(wait);
                }
                Step::Over => return,
            }
            if !self.world.truth.violations().is_empty() {
                return;
            }
        }
    }

    /// Somebody does something.
    fn act(&mut self) {
        if self.world.chance.happens(150) {
            return self.act_at_server();
        }
        let actor = self.world.chance.below(self.users.len());
        let other = self.world.chance.below(self.users.len());
        let what = self.world.chance.below(100);
        match what {
            0..4 => return self.part(actor),
            4 => return self.world.drain(),
            _ => {}
        }
        if actor < self.world.phones.len() && self.world.chance.happens(200) {
            return self.converse(actor, other);
        }
        if actor == other {
            return self.say(actor);
        }
        if let Some(agent) = actor.checked_sub(self.world.phones.len())
            && self.world.chance.happens(200)
        {
            let which = self.world.chance.below(odd::KINDS);
            self.world.agents[agent].ask_oddly(self.world.now, which, &mut self.world.truth);
            return self.world.rouse_agent(agent);
        }
        match what {
            0..40 => self.send(actor, other),
            40..60 => self.say(actor),
            60..75 => self.watch(actor, other),
            75..80 => self.unwatch(actor, other),
            _ => self.decide(actor, other),
        }
        match actor.checked_sub(self.world.phones.len()) {
            None => self.world.rouse_phone(actor),
            Some(agent) => self.world.rouse_agent(agent),
        }
    }

    /// Somebody does something that concerns the neighbour server.
    fn act_at_server(&mut self) {
        let (now, phone) = (self.world.now, self.world.chance.below(self.world.phones.len()));
        let whom = format!("wv:{}", server::USER);
        match self.world.chance.below(10) {
            0..3 => {
                self.values += 1;
                let value = format!("{}-{}", name(server::USER), self.values);
                self.world.server.say(now, value, &mut self.world.truth);
                self.world.rouse_server();
            }
            3..6 => {
                self.world.truth.grant_asked(now, &whom, &self.users[phone]);
                self.world.phones[phone].wish(Wish::Watch(whom));
            }
            6 => self.world.phones[phone].wish(Wish::Unwatch(whom)),
            7 | 8 => {
                let to = self.users.len();
                let number = self.letters.entry((phone, to)).or_insert(0);
                *number += 1;
                let text = Text { from: phone, to, number: *number };
                self.world.phones[phone].wish(Wish::Send { to: whom, text });
            }
            _ => {
                self.world.ladder.tell("server     starts anew");
                self.world.server.restart(&mut self.world.truth);
            }
        }
        self.world.rouse_phone(phone);
    }

    /// A phone does something with a conversation or an invitation, or looks once.
    fn converse(&mut self, actor: usize, other: usize) {
        let rooms = self.world.phones.len();
        let owner = &self.world.phones[other % rooms].user;
        let room = GroupId::new(owner.replacen('@', "/room@", 1));
        let whom = in_wv(&self.users[other]);
        let chance = &mut self.world.chance;
        let topic = self.values;
        self.values += 1;
        let wish = match chance.below(14) {
            0 => talk::create(
                &GroupId::new(self.world.phones[actor].user.replacen('@', "/room@", 1)),
                chance.happens(500),
            ),
            1..4 => talk::join(&room),
            4 => talk::leave(&room),
            5 => talk::members(&room, chance),
            6 => talk::manage(&room, &whom, chance),
            7 => talk::properties(&room, topic, chance),
            8 => talk::invite(&format!("i{topic}"), &whom, chance.happens(500).then_some(&room)),
            9 => talk::fetch(vec![whom, in_wv(&self.users[actor])]),
            12 => talk::keep_alive(),
            13 => self.world.phones[actor].services(),
            _ => {
                let text = self.world.truth.said_in_room(actor);
                talk::say(&self.world.phones[actor].user, &room, &text)
            }
        };
        self.world.truth.count("conversing".to_owned());
        self.world.phones[actor].wish(Wish::Ask(Box::new(wish)));
        self.world.rouse_phone(actor);
    }

    fn part(&mut self, actor: usize) {
        let longest = *self.world.chance.pick(&[40_000, 40_000, 120_000]);
        let until = self.world.now + self.world.chance.between(1_000, longest);
        let address = match actor.checked_sub(self.world.phones.len()) {
            None => self.world.phones[actor].address,
            Some(agent) => self.world.agents[agent].address,
        };
        self.world.ladder.tell(format_args!("network    cuts {} off", self.users[actor]));
        self.world.truth.count("partitions".to_owned());
        self.world.weather.part(address, until);
    }

    fn send(&mut self, from: usize, to: usize) {
        let number = self.letters.entry((from, to)).or_insert(0);
        *number += 1;
        let text = Text { from, to, number: *number };
        let recipient = self.users[to].clone();
        match from.checked_sub(self.world.phones.len()) {
            None => self.world.phones[from].wish(Wish::Send { to: in_wv(&recipient), text }),
            Some(agent) => {
                let recipient = in_sip(&recipient);
                self.world.agents[agent].send(self.world.now, &recipient, text, &mut self.world.truth);
            }
        }
    }

    fn say(&mut self, who: usize) {
        self.values += 1;
        let value = format!("{}-{}", name(&self.users[who]), self.values);
        match who.checked_sub(self.world.phones.len()) {
            None => {
                self.world.phones[who].say(value);
                self.world.rouse_phone(who);
            }
            Some(agent) => {
                self.world.agents[agent].say(self.world.now, value, &mut self.world.truth);
                self.world.rouse_agent(agent);
            }
        }
    }

    fn watch(&mut self, watcher: usize, presentity: usize) {
        let whom = self.users[presentity].clone();
        match watcher.checked_sub(self.world.phones.len()) {
            None => self.world.phones[watcher].wish(Wish::Watch(in_wv(&whom))),
            Some(agent) => {
                let whom = in_sip(&whom);
                self.world.agents[agent].watch(self.world.now, &whom, &mut self.world.truth);
            }
        }
    }

    fn unwatch(&mut self, watcher: usize, presentity: usize) {
        let whom = self.users[presentity].clone();
        match watcher.checked_sub(self.world.phones.len()) {
            None => self.world.phones[watcher].wish(Wish::Unwatch(in_wv(&whom))),
            Some(agent) => self.world.agents[agent].unwatch(self.world.now, &in_sip(&whom)),
        }
    }

    fn decide(&mut self, presentity: usize, watcher: usize) {
        if presentity < self.world.phones.len() {
            let acceptance = self.world.chance.happens(750);
            let watcher = in_wv(&self.users[watcher]);
            self.world.phones[presentity].wish(Wish::Decide(watcher, acceptance));
        }
    }

    /// After quiet everything is as its users want it.
    fn judge(&mut self) {
        if !self.world.truth.violations().is_empty() {
            return;
        }
        let phones = self.world.phones.len();
        self.world.truth.judge_letters(phones);
        let mut published: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (index, phone) in self.world.phones.iter().enumerate() {
            if !phone.is_settled() {
                self.world.truth.violated(format!("{} could not come to rest", self.users[index]));
            }
            published.insert(bare(&phone.user), phone.published().map(ToOwned::to_owned));
        }
        for agent in &self.world.agents {
            if !agent.is_settled() {
                self.world.truth.violated(format!("{} could not come to rest", agent.user));
            }
            // A second device says nothing.
            let said = agent.published().map(ToOwned::to_owned);
            published
                .entry(bare(&agent.user))
                .and_modify(|known| *known = known.take().or(said.clone()))
                .or_insert(said);
        }
        published.insert(server::USER.to_owned(), self.world.server.published().map(ToOwned::to_owned));
        // A SIP user agrees by watching: who does not watch the watcher has not agreed.
        let agreed: BTreeSet<(String, String)> = self
            .world
            .agents
            .iter()
            .flat_map(|agent| agent.watched().map(|watcher| (bare(&agent.user), bare(watcher))))
            .collect();
        let has_agreed = |whom: &str, watcher: &str| {
            !whom.ends_with("@sip.example") || agreed.contains(&(whom.to_owned(), bare(watcher)))
        };
        let of_phones = self.world.phones.iter().map(|phone| (&phone.user, &phone.seen, phone.watched().collect()));
        let of_agents = self.world.agents.iter().map(|agent| (&agent.user, &agent.seen, agent.watched().collect()));
        let watchers: Vec<(_, _, Vec<&str>)> = of_phones.chain(of_agents).collect();
        let mut wrong = Vec::new();
        for (watcher, seen, watched) in watchers {
            for whom in watched {
                let whom = bare(whom);
                let truth = published.get(&whom).cloned().flatten();
                let sees = seen.get(&whom).cloned().flatten();
                if has_agreed(&whom, watcher)
                    && self.world.truth.may_see(&whom, watcher)
                    && truth.is_some()
                    && truth != sees
                {
                    wrong.push(format!("{watcher} sees {sees:?} of {whom}, who says {truth:?}"));
                }
            }
        }
        wrong.into_iter().for_each(|what| self.world.truth.violated(what));
    }

    /// Everybody ends what he has; then nothing may be left.
    async fn end(&mut self) {
        if !self.world.truth.violations().is_empty() {
            return;
        }
        for index in 0..self.world.phones.len() {
            let watched: Vec<String> = self.world.phones[index].watched().map(ToOwned::to_owned).collect();
            for whom in watched {
                self.world.phones[index].wish(Wish::Unwatch(whom));
            }
            self.world.phones[index].wish(Wish::LogOut);
            self.world.rouse_phone(index);
        }
        for index in 0..self.world.agents.len() {
            self.world.agents[index].switch_off(self.world.now);
            let now = self.world.now;
            let sent = self.world.agents[index].expire(now, &mut self.world.truth);
            drop(sent);
            self.world.rouse_agent(index);
        }
        let end = self.world.now + ENDING_MS;
        self.world.pass(end).await;
        self.judge_end();
    }

    fn judge_end(&mut self) {
        let mut left = Vec::new();
        for phone in &self.world.phones {
            if !phone.is_off() {
                left.push(format!("{} could not log out", phone.user));
            }
        }
        for agent in &self.world.agents {
            if !agent.is_off() {
                left.push(format!("{} could not end what it had", agent.user));
            }
        }
        let tallies = self.world.node.look(|lane| {
            let tally = lane.engine().tally();
            let sides = [Side::Wv, Side::Simple].map(|side| lane.adapter(side).borrow().tally());
            (tally, sides)
        });
        match tallies {
            Some((tally, sides)) => {
                for (what, count) in [
                    ("attachments", tally.attachments),
                    ("watches", tally.watches),
                    ("entries", tally.entries),
                    ("publications", tally.publications),
                ] {
                    if count > 0 {
                        left.push(format!("{count} {what} are left in the engine"));
                    }
                }
                for (what, count) in sides.into_iter().flatten().filter(|(_, count)| *count > 0) {
                    left.push(format!("{count} {what} are left"));
                }
            }
            None => left.push("the gateway is not at rest".to_owned()),
        }
        if self.world.server.watch_count() > 0 {
            left.push(format!("{} subscriptions are left at the server", self.world.server.watch_count()));
        }
        for side in [Side::Wv, Side::Simple] {
            left.extend(self.world.node.disk().wire_of(side).iter().map(|record| format!("kept: {record}")));
        }
        left.into_iter().for_each(|what| self.world.truth.violated(what));
    }
}

fn in_wv(user: &str) -> String {
    user.replacen("sip:", "wv:", 1)
}

fn in_sip(user: &str) -> String {
    user.replacen("wv:", "sip:", 1)
}

fn configuration(chance: &mut Chance) -> String {
    let authentication = *chance.pick(&["digest", "insecure_open"]);
    let wait = *chance.pick(&[0_u32, 2_000]);
    let mut text = format!(
        "[wv.access]\nlisten = \"127.0.0.1:8080\"\nanswer_wait_ms = {wait}\n\
         [simple]\nlisten = [\"udp:127.0.0.1:5060\"]\nauthentication = \"{authentication}\"\n\
         [[domain]]\nname = \"wv.example\"\nside = \"wv\"\nroute = \"access\"\n\
         [[domain]]\nname = \"sip.example\"\nside = \"simple\"\nroute = \"registrar\"\n\
         [[peer]]\nname = \"core\"\nuri = \"sip:10.0.3.1:5060;transport=udp\"\ntrusted = true\n\
         [[domain]]\nname = \"peer.example\"\nside = \"simple\"\nroute = \"peer:core\"\n\
         [store]\nkind = \"memory\"\n"
    );
    let users = PHONES.iter().map(|name| format!("wv:{name}@wv.example"));
    for user in users.chain(AGENTS.iter().map(|name| format!("sip:{name}@sip.example"))) {
        text.push_str(&format!("[[account]]\nuser = \"{user}\"\npassword = \"secret\"\n"));
    }
    text
}

const PHONES: [&str; 3] = ["alice", "carol", "erin"];
const AGENTS: [&str; 2] = ["bob", "dave"];

/// How long a session lives without a word: in the shorter one it ends when its phone is cut off for long.
const KEEP_ALIVE_TIMES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(300)];

/// How long they act.
const ACTING_MS: u64 = 240_000;

/// How long it is quiet then: longer than any lease.
const QUIET_MS: u64 = 700_000;

/// How long the end takes at most.
const ENDING_MS: u64 = 200_000;
