//! Phones and SIP users in pairs: one of a pair writes, the other one answers at once.

use super::{Crossing, as_count};
use crate::{
    clock,
    csp::{Caller, decode, encode, is_taken, receipt, request, send_to, site},
    signalling::UserAgents,
};
use acceptance::{phone::Phone, product::Gateway};
use std::time::Duration;
use tokio::runtime::Runtime;
use wv_proto::{
    primitive::{Primitive, identifier::SessionId},
    version::{Encoding, Version},
};

/// A request of a phone and its answer.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Vec<u8>,
    pub(crate) answer: Vec<u8>,
}

pub(crate) struct Talk {
    process: u32,
    callers: Vec<Caller>,
    /// Of those who write, and are written to.
    sessions: Vec<SessionId>,
    phones: Vec<Phone>,
    agents: UserAgents,
    turns: u64,
    /// What came with the answers to what was said last.
    along: Vec<Option<Exchange>>,
    last: Vec<Exchange>,
}

impl Talk {
    pub(crate) fn begin(runtime: &Runtime, gateway: &Gateway, pairs: usize) -> Self {
        let mut agents = UserAgents::new(gateway.sip(), "sip.example");
        agents.register_all((0..pairs).map(sip_name), DAY_S);
        let callers = runtime.block_on(Caller::connect_all(gateway.csp(), pairs));
        let (sessions, phones) = (0..pairs).map(|number| log_in(gateway, number)).unzip();
        Self {
            process: gateway.process_id(),
            callers,
            sessions,
            phones,
            agents,
            turns: 0,
            along: Vec::new(),
            last: Vec::new(),
        }
    }

    /// Everybody writes once, and everybody's message is answered by its recipient.
    pub(crate) fn turn(&mut self, runtime: &Runtime, crossing: Crossing) {
        match crossing {
            Crossing::ToSip => self.write_from_phones(runtime),
            Crossing::ToWv => {
                self.write_from_agents();
                self.take_all(runtime);
                self.agents.await_answers(as_count(self.sessions.len()));
            }
        }
    }

    /// The exchanges of CSP that one message takes.
    pub(crate) fn exchanges(&mut self, runtime: &Runtime, crossing: Crossing) -> Vec<Exchange> {
        self.turn(runtime, crossing);
        std::mem::take(&mut self.last)
    }

    /// Those who are written to go away.
    pub(crate) fn leave(&mut self, crossing: Crossing) {
        match crossing {
            Crossing::ToSip => self.agents.register_all((0..self.sessions.len()).map(sip_name), 0),
            Crossing::ToWv => {
                for phone in &mut self.phones {
                    let _ = phone.request(Primitive::LogoutRequest);
                }
            }
        }
    }

    /// Everybody writes to somebody who is not there, and is answered.
    pub(crate) fn leave_word(&mut self, runtime: &Runtime, crossing: Crossing) {
        match crossing {
            Crossing::ToSip => self.write_from_phones(runtime),
            Crossing::ToWv => {
                self.write_from_agents();
                self.agents.await_answers(as_count(self.sessions.len()));
            }
        }
    }

    /// The phones log in again.
    pub(crate) fn come_back(&mut self, gateway: &Gateway) {
        (self.sessions, self.phones) = (0..self.sessions.len()).map(|number| log_in(gateway, number)).unzip();
    }

    /// So many messages that wait are brought.
    pub(crate) fn fetch(&mut self, runtime: &Runtime, crossing: Crossing, times: u64) {
        match crossing {
            Crossing::ToSip => {
                let before = self.agents.answered();
                self.agents.register_all((0..self.sessions.len()).map(sip_name), DAY_S);
                let wanted = usize::try_from(times).unwrap_or(usize::MAX);
                let mut looks = 0;
                while self.agents.answered() - before < wanted {
                    looks += 1;
                    assert!(looks < LOOKS_MAX, "{} of {wanted} were brought", self.agents.answered() - before);
                    std::thread::park_timeout(ON_THE_WAY);
                }
            }
            Crossing::ToWv => {
                let turns = times / as_count(self.sessions.len());
                (0..turns).for_each(|_| self.take_all(runtime));
            }
        }
    }

    fn write_from_phones(&mut self, runtime: &Runtime) {
        self.turns += 1;
        let turn = self.turns;
        // Each turn to somebody else: what waits for one who is not there holds up what the same user writes to him next.
        let shift = usize::try_from(turn).unwrap_or(0);
        let count = self.sessions.len();
        let exchanges = self.each(runtime, |number, session| {
            let to = format!("wv:{}@sip.example", sip_name((number + shift) % count));
            Some(send_to(session, &to, turn))
        });
        for exchange in exchanges.iter().flatten() {
            assert!(is_taken(&exchange.answer), "a message of a phone was refused: {:?}", decode(&exchange.answer));
        }
        self.last = exchanges.into_iter().flatten().next().into_iter().collect();
    }

    fn write_from_agents(&mut self) {
        let recipient = |number: u64| site::user(usize::try_from(number).unwrap_or(0)).replacen("wv:", "sip:", 1);
        self.agents.write_to(as_count(self.sessions.len()), &recipient);
    }

    /// Everybody polls until a message has come, and says that it has.
    fn take_all(&mut self, runtime: &Runtime) {
        // Idle time is no cost of a message, an empty poll would be.
        settle(self.process);
        let count = self.sessions.len();
        let mut brought = std::mem::take(&mut self.along);
        brought.resize_with(count, || None);
        let mut looks = 0;
        while brought.iter().any(Option::is_none) {
            let polled = self.each(runtime, |number, session| {
                let is_missing = brought.get(number).is_some_and(Option::is_none);
                is_missing.then(|| encode(&request(session, None, Primitive::PollingRequest)))
            });
            for (place, exchange) in brought.iter_mut().zip(polled) {
                *place = place.take().or(exchange.filter(|exchange| !exchange.answer.is_empty()));
            }
            looks += 1;
            assert!(looks < LOOKS_MAX, "messages did not come");
        }
        let delivered = self.each(runtime, |number, session| {
            let message = brought.get(number).and_then(Option::as_ref)?;
            Some(encode(&receipt(decode(&message.answer).as_ref(), session)))
        });
        self.last = [brought.first(), delivered.first()].into_iter().flatten().flatten().cloned().collect();
        self.along = delivered.into_iter().map(|it| it.filter(|it| !it.answer.is_empty())).collect();
    }

    /// Posts what there is to post, all at once.
    fn each(
        &mut self,
        runtime: &Runtime,
        body: impl Fn(usize, &SessionId) -> Option<Vec<u8>>,
    ) -> Vec<Option<Exchange>> {
        let bodies: Vec<Option<Vec<u8>>> =
            self.sessions.iter().enumerate().map(|(number, session)| body(number, session)).collect();
        let (mut busy, mut idle) = (Vec::new(), Vec::new());
        for (caller, body) in std::mem::take(&mut self.callers).into_iter().zip(&bodies) {
            if body.is_some() { busy.push(caller) } else { idle.push(caller) }
        }
        let requests: Vec<&Vec<u8>> = bodies.iter().flatten().collect();
        let posts =
            |number: usize| ("/csp".to_owned(), requests.get(number).map(|it| (*it).clone()).unwrap_or_default());
        let (busy, answers) = runtime.block_on(Caller::each(busy, posts));
        self.callers = busy.into_iter().chain(idle).collect();
        let mut answers = answers.into_iter();
        bodies.into_iter().map(|body| Some(Exchange { request: body?, answer: answers.next()? })).collect()
    }
}

/// Waits until a server does nothing any more.
pub(crate) fn settle(process: u32) {
    let used = || clock::of_process(process).expect("the server runs");
    let mut last = used();
    loop {
        std::thread::park_timeout(ON_THE_WAY);
        let now = used();
        if now == last {
            return;
        }
        last = now;
    }
}

fn log_in(gateway: &Gateway, number: usize) -> (SessionId, Phone) {
    let phone = Phone::logged_in(gateway.csp(), &site::user(number), Version::V1_2, Encoding::Wbxml);
    (SessionId::new(phone.session_id().expect("a session")), phone)
}

fn sip_name(number: usize) -> String {
    format!("u{number}")
}

/// How long a message may be on its way before it is asked for.
const ON_THE_WAY: Duration = Duration::from_millis(2);

const LOOKS_MAX: u32 = 5_000;

const DAY_S: u32 = 86_400;
