//! Messages that cross from one side to the other, beside the sum of what others take for the parts of that way: libwbxml
//! for the messages of CSP, an HTTP server that does nothing for its exchanges, Kamailio for the relay of one MESSAGE. The
//! processor time is that of the servers; phones and user agents are in this process.

mod fan_out;
mod latency;
mod memory;
mod presence_server;
mod scale;
mod site;
mod sum;
mod talk;

pub(crate) use latency::picture as latency_picture;
pub(crate) use scale::picture as scale_picture;

use crate::{
    Effort,
    csp::timed,
    duel::per_operation,
    report::{Goal, Row, Side, Unit},
};
use acceptance::product::Gateway;
use sum::Sum;
use talk::Talk;
use tokio::runtime::{Builder, Runtime};

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    for crossing in [Crossing::ToSip, Crossing::ToWv] {
        if is_wanted(crossing.answered_name()) {
            add(answered(&runtime, effort, crossing));
        }
        if is_wanted(crossing.stored_name()) || is_wanted(crossing.fetched_name()) {
            stored(&runtime, effort, crossing).into_iter().for_each(&mut *add);
        }
    }
    fan_out::measure(&runtime, effort, is_wanted, add);
    latency::measure(&runtime, effort, is_wanted, add);
    memory::measure(&runtime, effort, is_wanted, add);
    scale::measure(&runtime, effort, is_wanted, add);
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    ToSip,
    ToWv,
}

impl Crossing {
    const fn answered_name(self) -> &'static str {
        match self {
            Self::ToSip => "bridge_wv_sip",
            Self::ToWv => "bridge_sip_wv",
        }
    }

    const fn stored_name(self) -> &'static str {
        match self {
            Self::ToSip => "bridge_stored_wv_sip",
            Self::ToWv => "bridge_stored_sip_wv",
        }
    }

    const fn fetched_name(self) -> &'static str {
        match self {
            Self::ToSip => "bridge_fetched_wv_sip",
            Self::ToWv => "bridge_fetched_sip_wv",
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::ToSip => "WV → SIP",
            Self::ToWv => "SIP → WV",
        }
    }
}

/// The recipient answers at once, and the sender is told the truth.
fn answered(runtime: &Runtime, effort: Effort, crossing: Crossing) -> Row {
    let gateway = site::start("embedded", PAIRS);
    let mut talk = Talk::begin(runtime, &gateway, PAIRS);
    for _ in 0..WARM_UP {
        talk.turn(runtime, crossing);
    }
    let mut sum = Sum::of(runtime, &gateway, &talk.exchanges(runtime, crossing), PAIRS);
    let turns = turns(effort, PAIRS);
    let times = turns * as_count(PAIRS);
    let mut ours = f64::INFINITY;
    for _ in 0..effort.rounds {
        sum.measure(runtime, times);
        let taken = timed(gateway.process_id(), || (0..turns).for_each(|_| talk.turn(runtime, crossing)));
        ours = ours.min(per_operation(taken, times));
    }
    Row {
        name: crossing.answered_name().to_owned(),
        operation: format!("message {}, answer held, embedded store", crossing.describe()),
        unit: Unit::CpuNanoseconds,
        ours: side(ours),
        baseline: sum.side(),
        goal: Goal::Ratio(0.5),
    }
}

/// The recipient is not there: the message is stored before its sender is answered. What it takes later to bring what was
/// stored is the other row.
fn stored(runtime: &Runtime, effort: Effort, crossing: Crossing) -> Vec<Row> {
    let gateway = site::start("embedded", STORED_PAIRS);
    let mut talk = Talk::begin(runtime, &gateway, STORED_PAIRS);
    for _ in 0..WARM_UP {
        talk.turn(runtime, crossing);
    }
    let mut sum = Sum::of(runtime, &gateway, &talk.exchanges(runtime, crossing), STORED_PAIRS);
    talk.leave(crossing);
    let turns = turns(effort, STORED_PAIRS).min(STORED_TURNS_MAX);
    let times = turns * as_count(STORED_PAIRS);
    let (mut ours, mut fetched) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..effort.rounds {
        sum.measure(runtime, times);
        let taken = timed(gateway.process_id(), || (0..turns).for_each(|_| talk.leave_word(runtime, crossing)));
        ours = ours.min(per_operation(taken, times));
        let taken = fetch(runtime, &gateway, &mut talk, crossing, times);
        fetched = fetched.min(taken);
        talk.leave(crossing);
    }
    let name = crossing.describe();
    let row = |id: &str, operation: String, amount, goal| Row {
        name: id.to_owned(),
        operation,
        unit: Unit::CpuNanoseconds,
        ours: side(amount),
        baseline: sum.side(),
        goal,
    };
    let stored = format!("message {name}, recipient absent: stored, then answered, {STORED_PAIRS} at once");
    let brought = format!("message {name} brought from the store when the recipient is there");
    vec![
        row(crossing.stored_name(), stored, ours, Goal::Ratio(1.0)),
        row(crossing.fetched_name(), brought, fetched, Goal::Watched),
    ]
}

/// The recipients come, and get all that waits for them. Their logins are not counted, their registrations are.
fn fetch(runtime: &Runtime, gateway: &Gateway, talk: &mut Talk, crossing: Crossing, times: u64) -> f64 {
    if crossing == Crossing::ToWv {
        talk.come_back(gateway);
    }
    let taken = timed(gateway.process_id(), || talk.fetch(runtime, crossing, times));
    per_operation(taken, times)
}

pub(crate) fn side(amount: f64) -> Side {
    Side { amount, instructions: None, allocations: None, name: String::new() }
}

pub(crate) fn as_count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Turns of a round in which so many do something at once.
fn turns(effort: Effort, at_once: usize) -> u64 {
    (effort.round_ms.saturating_mul(MESSAGES_PER_MS) / as_count(at_once)).max(4)
}

/// Who talks at once while answers are held.
const PAIRS: usize = 32;

/// Who leaves word at once.
const STORED_PAIRS: usize = 64;

/// So few that nobody writes twice to the same absent user before the messages are brought.
const STORED_TURNS_MAX: u64 = 40;

const MESSAGES_PER_MS: u64 = 20;

/// Turns before anything is measured.
const WARM_UP: usize = 20;
