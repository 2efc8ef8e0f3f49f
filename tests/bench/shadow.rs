//! What a shadow costs: at the start of the gateway, while nobody needs it, and while it is logged in and nobody talks; and
//! how evenly many of them log in and poll.

use crate::{
    Effort, clock,
    report::{Goal, Row, Side, Unit},
    size::{REST, resident_octets},
};
use acceptance::{
    port,
    product::{Gateway, Setup},
    wait,
    wv_server::{Style, WvServer},
};
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};
use wv_proto::version::{Encoding, Version};

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    if is_wanted(START) || is_wanted(ACCOUNT) {
        measure_start(effort.sessions, add);
    }
    if is_wanted(SESSION) {
        measure_sessions(effort.sessions, add);
    }
}

/// From the start of the process until `/ready` says that it serves: the configuration read, the accounts entered, the
/// server reached.
fn measure_start(count: usize, add: &mut dyn FnMut(Row)) {
    let port = port::free();
    let server = WvServer::start(port, (Version::V1_2, Encoding::Wbxml), Style::proper(), &[]);
    let spent = |gateway: &Gateway| clock::of_process(gateway.process_id()).expect("it runs").as_nanos();
    let empty = start(port, 1, Needed::Never);
    let spent_before = spent(&empty);
    std::thread::sleep(REST);
    let before = resident_octets(empty.process_id());
    drop(empty);
    let gateway = start(port, count, Needed::Never);
    let nanos = spent(&gateway).saturating_sub(spent_before);
    std::thread::sleep(REST);
    let octets = resident_octets(gateway.process_id()) - before;
    assert_eq!(server.sessions(), 0, "nobody needs them");
    let operation = |told: &str| format!("{told}, mean of {count}");
    let told =
        format!("account of a shadow, from the start of the process until /ready ({} ms in all)", nanos / 1_000_000);
    add(row(START, operation(&told), Unit::CpuNanoseconds, share(nanos, count), Goal::Watched));
    let octets = u128::try_from(octets).unwrap_or(0);
    let told = operation("account of a shadow that nobody needs");
    add(row(ACCOUNT, told, Unit::ResidentOctets, share(octets, count), Goal::Watched));
}

#[allow(clippy::cast_precision_loss, reason = "amounts of one process are far below 2^52")]
fn share(amount: u128, count: usize) -> f64 {
    amount as f64 / count as f64
}

fn row(name: &str, operation: String, unit: Unit, amount: f64, goal: Goal) -> Row {
    let ours = Side { amount, instructions: None, allocations: None, name: String::new() };
    Row { name: name.to_owned(), operation, unit, ours, baseline: None, goal }
}

fn measure_sessions(count: usize, add: &mut dyn FnMut(Row)) {
    let port = port::free();
    let users: Vec<String> = (0..count).map(account).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let server = WvServer::start(port, (Version::V1_2, Encoding::Wbxml), Style::proper(), &users);
    let empty = start(port, 1, Needed::Always);
    std::thread::sleep(REST);
    let before = resident_octets(empty.process_id());
    drop(empty);
    let logged_in_before = server.times().1.len();
    let gateway = start(port, count, Needed::Always);
    wait::until("all sessions", PATIENCE, || (server.times().1.len() >= logged_in_before + count).then_some(()));
    let polls = server.times().0.len();
    wait::until("two rounds of polls", PATIENCE, || (server.times().0.len() >= polls + 2 * count).then_some(()));
    let octets = resident_octets(gateway.process_id()) - before;
    let (polls, logins) = (server.times().0.split_off(polls), server.times().1.split_off(logged_in_before));
    let told = format!(
        "session of a shadow, and its account; at most {} logins and {} polls in a second (of {} in the mean)",
        most_in_a_second(&logins),
        most_in_a_second(&polls),
        count / POLL_S,
    );
    let each = share(u128::try_from(octets).unwrap_or(0), count);
    add(row(SESSION, format!("{told}, mean of {count}"), Unit::ResidentOctets, each, Goal::Amount(12_288.0)));
}

/// Whether the accounts are logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Always,
    Never,
}

fn account(number: usize) -> String {
    format!("w{number}@old.example")
}

/// A gateway with so many shadows.
fn start(port: u16, shadows: usize, needed: Needed) -> Gateway {
    let mut text = format!(
        "[wv.sidecar]\npoll_interval_s = {POLL_S}\nlogins_per_s = {LOGINS_PER_S}\n\n[[domain]]\nname = \"old.example\"\n\
         side = \"wv\"\nroute = \"csp-client:old\"\n\n[[domain]]\nname = \"sip.example\"\nside = \"simple\"\n\
         route = \"registrar\"\n\n[[peer]]\nname = \"old\"\nuri = \"csp+http://127.0.0.1:{port}/\"\n\n"
    );
    for number in 0..shadows {
        let _ = write!(
            text,
            "[[shadow]]\nuser = \"sip:s{number}@sip.example\"\naccount = \"wv:{}\"\npassword = \"secret\"\n\
             always_on = {}\n\n",
            account(number),
            needed == Needed::Always
        );
    }
    Setup::configured(&text).with("store.kind=memory").start()
}

fn most_in_a_second(times: &[Duration]) -> usize {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for time in times {
        *counts.entry(time.as_secs()).or_default() += 1;
    }
    counts.values().copied().max().unwrap_or(0)
}

const START: &str = "shadow_start";
const ACCOUNT: &str = "shadow_account_size";
const SESSION: &str = "shadow_session_size";
const POLL_S: usize = 20;
const LOGINS_PER_S: usize = 200;
const PATIENCE: Duration = Duration::from_secs(600);
