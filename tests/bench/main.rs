//! Speed: what the gateway costs beside programs and libraries that do the same, or as little as can be done.
//!
//! `tests/bench/run` builds and starts it. Every operation is measured in turn with its baseline in one run, several
//! rounds of each; the best round counts, for noise only ever adds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on says so by panicking"
)]

mod allocation;
mod bridge;
mod clock;
mod csp;
mod duel;
mod echo;
mod federation;
mod instruction;
mod libwbxml;
mod picture;
mod pidf;
mod plot;
mod report;
mod shadow;
mod signalling;
mod sip;
mod size;
mod wbxml;

use duel::Duel;
use report::{Report, Row};

/// How thoroughly is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Rounds of each side.
    rounds: usize,
    /// Milliseconds of one round.
    round_ms: u64,
    /// Whether instructions are counted too, which takes longest.
    counts_instructions: bool,
    /// Sessions where their size is measured.
    sessions: usize,
}

const THOROUGH: Effort = Effort { rounds: 7, round_ms: 60, counts_instructions: true, sessions: 10_000 };
const QUICK: Effort = Effort { rounds: 5, round_ms: 15, counts_instructions: false, sessions: 1_000 };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["echo-http", port] => echo::serve_http(port.parse().expect("a port")),
        ["echo-udp", port] => echo::serve_udp(port.parse().expect("a port")),
        ["picture", from, to] => picture::draw(from.as_ref(), to.as_ref()),
        // One side of one duel, so often: what the instruction counters look at.
        ["repeat", name, side, times] => repeat(name, side, times.parse().expect("a number")),
        _ => measure(&words),
    }
}

fn duels() -> Vec<Duel> {
    let mut all = wbxml::duels();
    all.push(sip::duel());
    all.push(pidf::duel());
    all
}

fn repeat(name: &str, side: &str, times: u64) {
    let mut duel = duels().into_iter().find(|duel| duel.name == name).expect("a name that is known");
    match side {
        "ours" => duel.ours.repeat(times),
        _ => duel.baseline.expect("a baseline that is installed").1.repeat(times),
    }
}

fn measure(words: &[&str]) {
    let mut only = None;
    let mut effort = THOROUGH;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--quick" => effort = QUICK,
            "--only" => only = rest.next().copied(),
            other => {
                eprintln!("unknown argument '{other}' (--only NAME, --quick)");
                std::process::exit(2);
            }
        }
    }
    let is_wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut report = Report::default();
    for duel in duels().into_iter().filter(|duel| is_wanted(duel.name)) {
        report.add(duel.fight(effort));
    }
    csp::measure(effort, &is_wanted, &mut |row: Row| report.add(row));
    federation::measure(effort, &is_wanted, &mut |row: Row| report.add(row));
    bridge::measure(effort, &is_wanted, &mut |row: Row| report.add(row));
    signalling::measure(effort, &is_wanted, &mut |row: Row| report.add(row));
    size::measure(effort, &is_wanted, &mut |row: Row| report.add(row));
    shadow::measure(effort, &is_wanted, &mut |row: Row| report.add(row));
    if report.is_empty() {
        eprintln!("no measurement has such a name");
        std::process::exit(2);
    }
    report.finish();
}
