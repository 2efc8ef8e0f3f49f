//! Ten thousand shadows at one server.

use acceptance::{
    port,
    product::Setup,
    wait,
    wv_server::{Style, WvServer},
};
use std::{collections::BTreeMap, fmt::Write as _, fs, time::Duration};
use wv_proto::version::{Encoding, Version};

const SHADOWS: usize = 10_000;

/// Logins in a second.
const PACE: usize = 200;

/// Resident memory of a process, in octets.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

fn configuration(port: u16, shadows: usize) -> String {
    let mut text = format!(
        "[wv.sidecar]\npoll_interval_s = 20\nlogins_per_s = {PACE}\n\n[[domain]]\nname = \"old.example\"\nside = \"wv\"\n\
         route = \"csp-client:old\"\n\n[[domain]]\nname = \"sip.example\"\nside = \"simple\"\nroute = \"registrar\"\n\n\
         [[peer]]\nname = \"old\"\nuri = \"csp+http://127.0.0.1:{port}/\"\nlogin = \"password\"\n\n"
    );
    for number in 0..shadows {
        let _ = write!(
            text,
            "[[shadow]]\nuser = \"sip:s{number}@sip.example\"\naccount = \"wv:w{number}@old.example\"\n\
             password = \"secret\"\nalways_on = true\n\n"
        );
    }
    text
}

/// The most in any span of that length.
fn most_within(times: &[Duration], span: Duration) -> usize {
    let mut counts: BTreeMap<u128, usize> = BTreeMap::new();
    for time in times {
        *counts.entry(time.as_millis() / span.as_millis()).or_default() += 1;
    }
    counts.values().copied().max().unwrap_or(0)
}

#[test]
fn ten_thousand_shadows_are_small_and_come_and_poll_evenly() {
    if std::env::var_os("WVSG_LONG").is_none() {
        println!("takes minutes: tests/run --long");
        return;
    }
    let port = port::free();
    let users: Vec<String> = (0..SHADOWS).map(|number| format!("w{number}@old.example")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let server = WvServer::start(port, (Version::V1_2, Encoding::Wbxml), Style::proper(), &users);
    // Beside one account: what is left is the accounts and their sessions.
    let idle = Setup::configured(&configuration(port, 1)).start();
    let before = resident(idle.process_id());
    drop(idle);
    let before_logins = server.times().1.len();
    let gateway = Setup::configured(&configuration(port, SHADOWS)).start();
    wait::until("all sessions", Duration::from_secs(600), || (server.sessions() == SHADOWS).then_some(()));
    let entries = server.times().1.split_off(before_logins);
    let (polls, _) = server.times();
    wait::until("two rounds of polls", Duration::from_secs(600), || {
        (server.times().0.len() >= polls.len() + 2 * SHADOWS).then_some(())
    });
    let octets = resident(gateway.process_id()).saturating_sub(before) / SHADOWS as u64;
    let rate = most_within(&entries, Duration::from_secs(1));
    let (all, _) = server.times();
    let late = all.get(polls.len()..).unwrap_or_default();
    let (span, most) = (late.last().unwrap().saturating_sub(late[0]), most_within(late, Duration::from_secs(1)));
    let mean = late.len() as f64 / span.as_secs_f64();
    println!("{octets} octets each; at most {rate} logins in a second; polls {mean:.0} in a second, at most {most}");
    assert!(octets <= 12 * 1024, "{octets} octets for a session");
    assert!(rate <= PACE * 3 / 2, "{rate} logins in a second");
    assert!((most as f64) < mean * 3.0, "{most} polls in a second, {mean:.0} in the mean");
}
