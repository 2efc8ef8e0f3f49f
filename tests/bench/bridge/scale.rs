//! The same operations while a thousand, ten thousand and a hundred thousand sessions are logged in: what each takes must
//! not grow with those who are there and do nothing.

use super::{as_count, side, site};
use crate::{
    Effort,
    csp::{Caller, decode, encode, is_taken, request, send_to, site::user, timed},
    duel::per_operation,
    plot::{Curve, Plot},
    report::{Goal, Row, Side, Unit},
    signalling::UserAgents,
};
use acceptance::{phone::Phone, product::Gateway};
use std::{ops::Range, path::Path};
use tokio::runtime::Runtime;
use wv_proto::{
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction,
        access::Status,
        identifier::{SessionId, TransactionId, UserId},
        party::User,
        presence::{SubscribePresenceRequest, UpdatePresenceRequest},
    },
    status::StatusCode,
    version::{Encoding, Version},
};

pub(crate) fn measure(runtime: &Runtime, effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    let wanted: Vec<What> = What::ALL.into_iter().filter(|what| is_wanted(what.name())).collect();
    if wanted.is_empty() {
        return;
    }
    let sizes = if effort.sessions < THOROUGH_SESSIONS { &SIZES[..2] } else { &SIZES[..] };
    let mut sites: Vec<Crowded> = sizes.iter().map(|size| Crowded::begin(runtime, *size)).collect();
    let turns = effort.round_ms.saturating_mul(TURNS_PER_100_MS) / 100;
    for what in wanted {
        let mut best = vec![f64::INFINITY; sites.len()];
        for site in &mut sites {
            (0..SETS).for_each(|_| site.turn(runtime, what));
        }
        for _ in 0..effort.rounds {
            for (best, site) in best.iter_mut().zip(&mut sites) {
                let id = site.gateway.process_id();
                let taken = timed(id, || (0..turns).for_each(|_| site.turn(runtime, what)));
                *best = best.min(per_operation(taken, turns * as_count(AT_ONCE)));
            }
        }
        for (size, amount) in sizes.iter().zip(&best).skip(1) {
            add(row(what, *size, *amount, best.first().copied().unwrap_or(f64::INFINITY)));
        }
    }
}

fn row(what: What, size: usize, amount: f64, least: f64) -> Row {
    let baseline = Side { name: format!("with {} sessions", SIZES[0]), ..side(least) };
    Row {
        name: format!("{}_{size}", what.name()),
        operation: format!("{} while {size} sessions are logged in", what.describe()),
        unit: Unit::CpuNanoseconds,
        ours: side(amount),
        baseline: Some(baseline),
        goal: Goal::Ratio(1.3),
    }
}

/// The rows of a table as a picture: what an operation takes over how many sessions there are.
pub(crate) fn picture(rows: &[crate::picture::Figures], to: &Path) {
    let curves = What::ALL.into_iter().filter_map(|what| {
        let of_it = |row: &&crate::picture::Figures| row.name.starts_with(what.name());
        let rows: Vec<_> = rows.iter().filter(of_it).collect();
        let first = (1000.0, rows.first()?.baseline_amount? / 1000.0);
        let others = rows.iter().filter_map(|row| {
            let size = row.name.rsplit('_').next()?.parse::<f64>().ok()?;
            Some((size, row.amount / 1000.0))
        });
        Some(Curve { name: what.describe().to_owned(), points: std::iter::once(first).chain(others).collect() })
    });
    let curves: Vec<Curve> = curves.collect();
    if curves.is_empty() {
        return;
    }
    let plot = Plot {
        title: "CPU of an operation over how many sessions are logged in".to_owned(),
        x: "sessions".to_owned(),
        y: "µs".to_owned(),
        marks: SIZES.iter().map(|size| (as_float(*size), size.to_string())).collect(),
        curves,
        bounds: Vec::new(),
    };
    plot.draw(to);
}

fn as_float(size: usize) -> f64 {
    crate::duel::as_float(as_count(size))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Poll,
    Message,
    Presence,
}

impl What {
    const ALL: [Self; 3] = [Self::Poll, Self::Message, Self::Presence];

    const fn name(self) -> &'static str {
        match self {
            Self::Poll => "scale_poll",
            Self::Message => "scale_message",
            Self::Presence => "scale_presence",
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::Poll => "empty poll",
            Self::Message => "message WV → SIP, answer held",
            Self::Presence => "presence to a watcher: update, poll, answer",
        }
    }
}

/// A gateway with so many sessions; of those that do something, each is as far from the next as it can be.
struct Crowded {
    gateway: Gateway,
    callers: Vec<Caller>,
    agents: UserAgents,
    /// Presentities, and the watcher of each.
    active: Vec<(SessionId, SessionId)>,
    turns: usize,
}

impl Crowded {
    fn begin(runtime: &Runtime, size: usize) -> Self {
        let gateway = site::setup("memory", size, AT_ONCE).start();
        let sessions = log_all_in(&gateway, size);
        let callers = runtime.block_on(Caller::connect_all(gateway.csp(), AT_ONCE));
        let mut agents = UserAgents::new(gateway.sip(), "sip.example");
        agents.register_all((0..AT_ONCE).map(|number| format!("u{number}")), 86_400);
        let step = size / (SETS * AT_ONCE);
        let places: Vec<usize> = (0..SETS * AT_ONCE).map(|number| number * step).collect();
        let active = places.iter().map(|place| (sessions[*place].clone(), sessions[*place + 1].clone())).collect();
        let mut all = Self { gateway, callers, agents, active, turns: 0 };
        for set in 0..SETS {
            all.turns = set;
            let answers = all.each(runtime, |number, (_, watcher)| {
                let place = places[set * AT_ONCE + number];
                let users = vec![User::from(UserId::new(user(place)))];
                let wish = SubscribePresenceRequest { users, ..SubscribePresenceRequest::default() };
                encode(&request(watcher, Some(id("w", 0)), Primitive::SubscribePresenceRequest(wish)))
            });
            assert!(answers.iter().all(|answer| is_taken(answer)), "{:?}", answers.first().map(|it| decode(it)));
        }
        // What there is to be told at the beginning, and a second look because it may come in two parts.
        for turn in 0..2 * SETS {
            all.turns = turn;
            all.take_presence(runtime);
        }
        all
    }

    /// So many at once do it, other ones in the next turn.
    fn turn(&mut self, runtime: &Runtime, what: What) {
        self.turns += 1;
        let turn = as_count(self.turns);
        match what {
            What::Poll => drop(self.each(runtime, |_, (session, _)| poll(session))),
            What::Message => {
                let to = |number: usize| format!("wv:u{number}@sip.example");
                let answers = self.each(runtime, |number, (session, _)| send_to(session, &to(number), turn));
                assert!(answers.iter().all(|answer| is_taken(answer)), "{:?}", answers.first().map(|it| decode(it)));
                assert!(self.agents.answered() > 0, "they went to those who are there");
            }
            What::Presence => {
                let answers = self.each(runtime, |_, (session, _)| update(session, turn));
                assert!(answers.iter().all(|answer| is_taken(answer)), "an update was refused");
                let told = self.take_presence(runtime);
                assert_eq!(told, AT_ONCE, "each watcher is told");
            }
        }
    }

    /// The watchers poll and answer; how many were told.
    fn take_presence(&mut self, runtime: &Runtime) -> usize {
        let brought = self.each(runtime, |_, (_, watcher)| poll(watcher));
        let told = brought.iter().filter(|octets| !octets.is_empty()).count();
        drop(self.each(runtime, |number, (_, watcher)| {
            acknowledgement(brought.get(number).and_then(|octets| decode(octets)), watcher)
        }));
        told
    }

    fn each(&mut self, runtime: &Runtime, body: impl Fn(usize, &(SessionId, SessionId)) -> Vec<u8>) -> Vec<Vec<u8>> {
        let first = self.turns % SETS * AT_ONCE;
        let callers = std::mem::take(&mut self.callers);
        let active = &self.active;
        let posts = |number: usize| ("/csp".to_owned(), body(number, &active[first + number]));
        let (callers, answers) = runtime.block_on(Caller::each(callers, posts));
        self.callers = callers;
        answers
    }
}

fn poll(session: &SessionId) -> Vec<u8> {
    encode(&request(session, None, Primitive::PollingRequest))
}

fn update(session: &SessionId, turn: u64) -> Vec<u8> {
    let said = PresenceAttribute::StatusText(Qualified::valid(format!("on the way since {turn:08}").into()));
    let wish = UpdatePresenceRequest { attributes: PresenceSubList { attributes: vec![said] } };
    encode(&request(session, Some(id("p", turn)), Primitive::UpdatePresenceRequest(wish)))
}

fn id(kind: &str, turn: u64) -> TransactionId {
    TransactionId::new(format!("{kind}{turn}"))
}

/// Of what a poll brought, or another poll where it brought nothing.
fn acknowledgement(brought: Option<Envelope>, session: &SessionId) -> Vec<u8> {
    let Some(notification) = brought.and_then(|envelope| envelope.transactions.into_iter().next()) else {
        return poll(session);
    };
    let status = Primitive::Status(Status::from(StatusCode::SUCCESS));
    let answer = Transaction::response(notification.id, status);
    encode(&Envelope::new(SessionDescriptor::Inband(session.clone()), answer))
}

/// A storm of logins, many at a time, each in two steps.
fn log_all_in(gateway: &Gateway, users: usize) -> Vec<SessionId> {
    let share = users.div_ceil(LOGINS_AT_ONCE).max(1);
    let shares = (0..users).step_by(share).map(|from| from..users.min(from + share));
    let log_in = |number: usize| {
        let phone = Phone::logged_in(gateway.csp(), &user(number), Version::V1_2, Encoding::Wbxml);
        SessionId::new(phone.session_id().expect("a session"))
    };
    std::thread::scope(|scope| {
        let log_in = |range: Range<usize>| -> Vec<SessionId> { range.map(log_in).collect() };
        let under_way: Vec<_> = shares.map(|range| scope.spawn(move || log_in(range))).collect();
        under_way.into_iter().flat_map(|one| one.join().expect("all can log in")).collect()
    })
}

static SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Where fewer sessions are wanted, the largest crowd is left out.
const THOROUGH_SESSIONS: usize = 10_000;

/// Sessions that do something at once.
const AT_ONCE: usize = 64;

/// How many such sets take turns.
const SETS: usize = 7;

const LOGINS_AT_ONCE: usize = 16;

const TURNS_PER_100_MS: u64 = 100;
