//! The whole gateway in virtual time, with both worlds fake: real lanes, engine, adapters and machines; octets, time,
//! randomness and the disk are the simulation's. Everything follows from a seed: `WVSG_SEED=n` runs one again and prints
//! its ladder, `WVSG_LONG` runs ten thousand, `WVSG_SEEDS=100..500` those. What happened how often goes to `target/simulation.txt`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod agent;
mod coverage;
mod ladder;
mod odd;
mod phone;
mod play;
mod refresh;
mod server;
mod talk;
mod truth;
mod world;

use acceptance::product::target_folder;
use play::{Outcome, run_seed};
use std::{collections::BTreeMap, fmt::Write as _};

#[test]
fn every_seed_keeps_its_promises() {
    if let Some(seed) = std::env::var("WVSG_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let outcome = run_seed(seed);
        println!("{}\n{:#?}", outcome.ladder.text(), outcome.counts);
        assert!(outcome.violations.is_empty(), "WVSG_SEED={seed}: {:#?}", outcome.violations);
        return;
    }
    coverage::begin();
    let seeds = seeds();
    let mut totals = BTreeMap::new();
    let mut broken = Vec::new();
    for seed in seeds.clone() {
        let outcome = run_seed(seed);
        if !outcome.violations.is_empty() {
            println!("{}", outcome.ladder.tail(60));
            broken.push(format!("WVSG_SEED={seed}: {:#?}", outcome.violations));
        } else if let Some(lack) = lack_of(&outcome) {
            broken.push(format!("WVSG_SEED={seed}: {lack}"));
        }
        for (what, count) in outcome.counts {
            *totals.entry(what).or_insert(0) += count;
        }
    }
    let seeds = seeds.count();
    report(seeds, &totals);
    assert!(broken.is_empty(), "{} of {seeds} seeds:\n{}", broken.len(), broken.join("\n"));
    let absent: Vec<_> = EACH_RUN.iter().filter(|what| !totals.contains_key(**what)).collect();
    assert!(absent.is_empty(), "in {seeds} seeds there was none of {absent:?}");
}

#[test]
fn a_seed_goes_the_same_way_again() {
    for seed in [3, 7] {
        let (one, other) = (run_seed(seed), run_seed(seed));
        assert_eq!(one.ladder.text(), other.ladder.text(), "WVSG_SEED={seed}");
    }
}

/// A seed in which too little happens proves nothing.
fn lack_of(outcome: &Outcome) -> Option<String> {
    EACH_SEED.iter().find_map(|(what, least)| {
        let count = outcome.counts.get(*what).copied().unwrap_or(0);
        (count < *least).then(|| format!("{count} {what}, at least {least} were to be"))
    })
}

/// A hundred seeds, or ten thousand, or those that are wished for.
fn seeds() -> std::ops::Range<u64> {
    let wish = std::env::var("WVSG_SEEDS").ok();
    let wish = wish.as_deref().and_then(|wish| wish.split_once(".."));
    match wish.and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?)) {
        Some(seeds) => seeds,
        None if std::env::var_os("WVSG_LONG").is_some() => 0..10_000,
        None => 0..100,
    }
}

fn report(seeds: usize, totals: &BTreeMap<String, u64>) {
    let mut text = format!("{seeds} seeds\n");
    for (what, count) in totals {
        let _ = writeln!(text, "{count:>10}  {what}");
    }
    text.push_str(&coverage::report());
    std::fs::write(target_folder().join("simulation.txt"), &text).expect("the report can be written");
    println!("{text}");
}

/// What has to happen in each seed, and how often.
const EACH_SEED: &[(&str, u64)] = &[
    ("starts", 1),
    ("posts", 50),
    ("datagrams", 50),
    ("letters sent", 5),
    ("letters accepted", 3),
    ("letters delivered", 3),
    ("wv 200", 5),
];

/// What has to happen in each run of a hundred seeds.
const EACH_RUN: &[&str] = &[
    "CrashAfter",
    "CrashBefore",
    "clock steps",
    "crashes",
    "conversing",
    "delivery reports",
    "drains",
    "drains in time",
    "heard in rooms",
    "invitations",
    "letters declined",
    "letters repeated",
    "letters unanswered",
    "odd requests",
    "partitions",
    "presence seen",
    "questions",
    "refused commits",
    "second devices",
    "server 481",
    "server refreshes",
    "server restarts",
    "server refusals",
    "server subscriptions",
    "server waits",
    "sip published",
    "sip registered",
    "slow commits",
    "watches refused",
];
