//! A message that another home server posts, beside one that a phone sends: both to a SIP user who is registered here, and
//! each is answered when that user has it. The processor time is that of the gateway; peers, phones and user agents are in
//! this process.

use crate::{
    Effort,
    csp::{Caller, send_to, site, timed},
    duel::per_operation,
    report::{Goal, Row, Side, Unit},
    signalling::UserAgents,
};
use acceptance::{
    phone::Phone,
    product::{Gateway, Setup},
    ssp_peer::{SspHome, port},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};
use wv_proto::{
    primitive::identifier::SessionId,
    version::{Encoding, Version},
};

/// Senders at once.
const SENDERS: usize = 64;

const NAME: &str = "ssp_message";

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if !is_wanted(NAME) {
        return;
    }
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let port = port();
    let gateway = start_gateway(port);
    let _dave = UserAgents::new(gateway.sip(), "sip.example");
    let mut phones = Phones::log_in(&runtime, &gateway);
    let mut peer = Peer::open(&runtime, &gateway, port);
    for _ in 0..WARM_UP {
        phones.turn(&runtime);
        peer.turn(&runtime);
    }
    let turns = effort.round_ms.saturating_mul(TURNS_PER_100_MS) / 100;
    let operations = turns * u64::try_from(SENDERS).unwrap_or(0);
    let (mut ours, mut baseline) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..effort.rounds {
        let taken = timed(gateway.process_id(), || (0..turns).for_each(|_| phones.turn(&runtime)));
        baseline = baseline.min(per_operation(taken, operations));
        let taken = timed(gateway.process_id(), || (0..turns).for_each(|_| peer.turn(&runtime)));
        ours = ours.min(per_operation(taken, operations));
    }
    let side = |amount, name: &str| Side { amount, instructions: None, allocations: None, name: name.to_owned() };
    add(Row {
        name: NAME.to_owned(),
        operation: "SSP message in, SIP MESSAGE out, and its answers".to_owned(),
        unit: Unit::CpuNanoseconds,
        ours: side(ours, ""),
        baseline: Some(side(baseline, "the same from a phone")),
        goal: Goal::Ratio(1.3),
    });
}

fn start_gateway(port: u16) -> Gateway {
    let peer = format!("[[peer]]\nname = \"home\"\nuri = \"ssp+http://127.0.0.1:{port}\"\n");
    let accounts = format!("{}{}", site::accounts(SENDERS), site::sip_accounts(0));
    Setup::configured(&format!("{}{FOREIGN}{accounts}{peer}", site::DOMAINS))
        .with("store.kind=memory")
        .with("simple.authentication=insecure_open")
        .start()
}

/// Phones that write to the SIP user.
struct Phones {
    callers: Vec<Caller>,
    sessions: Vec<SessionId>,
    turns: u64,
}

impl Phones {
    fn log_in(runtime: &Runtime, gateway: &Gateway) -> Self {
        let sessions = (0..SENDERS).map(|number| {
            let phone = Phone::logged_in(gateway.csp(), &site::user(number), Version::V1_2, Encoding::Wbxml);
            SessionId::new(phone.session_id().expect("a session"))
        });
        let sessions = sessions.collect();
        let callers = runtime.block_on(Caller::connect_all(gateway.csp(), SENDERS));
        Self { callers, sessions, turns: 0 }
    }

    fn turn(&mut self, runtime: &Runtime) {
        self.turns += 1;
        let callers = std::mem::take(&mut self.callers);
        let (sessions, turn) = (&self.sessions, self.turns);
        let bodies = |number: usize| ("/csp".to_owned(), send_to(&sessions[number], DAVE, turn));
        let (callers, answers) = runtime.block_on(Caller::each(callers, bodies));
        self.callers = callers;
        assert!(answers.iter().all(|answer| crate::csp::is_taken(answer)), "a message of a phone was refused");
    }
}

/// The other home server, with so many connections.
struct Peer {
    home: SspHome,
    callers: Vec<Caller>,
    turns: u64,
}

impl Peer {
    fn open(runtime: &Runtime, gateway: &Gateway, port: u16) -> Self {
        let ssp = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().ssp));
        let home = SspHome::start("foreign.example", port, ssp);
        home.open_session("sip.example");
        let mut callers = runtime.block_on(Caller::connect_all(ssp, SENDERS));
        callers.iter_mut().for_each(|caller| caller.kind = "application/vnd.wv.ssp+xml");
        Self { home, callers, turns: 0 }
    }

    fn turn(&mut self, runtime: &Runtime) {
        self.turns += 1;
        let callers = std::mem::take(&mut self.callers);
        let (home, turn) = (&self.home, self.turns);
        let text = crate::csp::text(turn);
        let bodies = |number: usize| {
            let (user, id) = (format!("wv:f{number}@foreign.example"), format!("{turn}-{number}"));
            ("/".to_owned(), home.document("sip.example", home.message(&user, DAVE, &id, &text, false)))
        };
        let (callers, _) = runtime.block_on(Caller::each(callers, bodies));
        self.callers = callers;
        let (mut answered, mut looks) = (0, 0);
        while answered < SENDERS {
            answered += self.home.take_answers().iter().filter(|answer| is_success(answer)).count();
            looks += 1;
            assert!(looks < LOOKS_MAX, "{answered} answers");
            // The next turn begins as soon as this one is over, as it does with phones: idle time is no cost of a message.
            std::thread::park_timeout(LOOK_AGAIN);
        }
    }
}

fn is_success(answer: &wv_proto::ssp::primitive::Primitive) -> bool {
    answer.status().is_some_and(|status| status.code.is_success())
}

const DAVE: &str = "wv:dave@sip.example";

/// How soon it is looked again whether all answers have come.
const LOOK_AGAIN: Duration = Duration::from_micros(100);

/// Looks at the answers of one turn: seconds, where a turn takes milliseconds.
const LOOKS_MAX: u64 = 50_000;

/// Turns before anything is measured.
const WARM_UP: usize = 20;

/// Turns of all senders that make up 100 ms of a round's wish.
const TURNS_PER_100_MS: u64 = 40;

/// The domain of the other home server.
const FOREIGN: &str = "[[domain]]\nname = \"foreign.example\"\nside = \"wv\"\nroute = \"ssp:home\"\n\n";
