//! What a shadow costs while nobody talks, and how evenly many of them log in and poll.

use crate::{
    Effort,
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
    if !is_wanted(NAME) {
        return;
    }
    let (count, port) = (effort.sessions, port::free());
    let users: Vec<String> = (0..count).map(account).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let server = WvServer::start(port, (Version::V1_2, Encoding::Wbxml), Style::proper(), &users);
    let empty = start(port, 1);
    std::thread::sleep(REST);
    let before = resident_octets(empty.process_id());
    drop(empty);
    let logged_in_before = server.times().1.len();
    let gateway = start(port, count);
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
    #[allow(clippy::cast_precision_loss, reason = "sizes of a process are far below 2^52")]
    let each = octets as f64 / count as f64;
    add(Row {
        name: NAME.to_owned(),
        operation: format!("{told}, mean of {count}"),
        unit: Unit::ResidentOctets,
        ours: Side { amount: each, instructions: None, allocations: None, name: String::new() },
        baseline: None,
        goal: Goal::Amount(12_288.0),
    });
}

fn account(number: usize) -> String {
    format!("w{number}@old.example")
}

/// A gateway with so many shadows, all of them logged in all the time.
fn start(port: u16, shadows: usize) -> Gateway {
    let mut text = format!(
        "[wv.sidecar]\npoll_interval_s = {POLL_S}\nlogins_per_s = {LOGINS_PER_S}\n\n[[domain]]\nname = \"old.example\"\n\
         side = \"wv\"\nroute = \"csp-client:old\"\n\n[[domain]]\nname = \"sip.example\"\nside = \"simple\"\n\
         route = \"registrar\"\n\n[[peer]]\nname = \"old\"\nuri = \"csp+http://127.0.0.1:{port}/\"\n\n"
    );
    for number in 0..shadows {
        let _ = write!(
            text,
            "[[shadow]]\nuser = \"sip:s{number}@sip.example\"\naccount = \"wv:{}\"\npassword = \"secret\"\n\
             always_on = true\n\n",
            account(number)
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

const NAME: &str = "shadow_session_size";
const POLL_S: usize = 20;
const LOGINS_PER_S: usize = 200;
const PATIENCE: Duration = Duration::from_secs(600);
