//! Every scenario of `fixtures/scenario`, for each of its versions and encodings, some at a time, on two stages: over real
//! sockets, and simulated in virtual time, there with several seeds in which messages overtake each other.
//! `cargo test -p acceptance --test scenario NAME` performs those whose names contain NAME; those in virtual time end with
//! `_simulated`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    catalogue::{self, How},
    product,
    scenario::{Run, SocketStage, Venue, VirtualStage, runs},
};
use gateway::lab::{
    catalogue::CatalogueError,
    scenario::{
        model::Stages,
        run::{Verdict, perform},
    },
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::Instant,
};

/// A run on a stage.
struct Performance {
    name: String,
    run: Run,
    how: How,
}

/// A run that is over.
struct Done<'r> {
    performance: &'r Performance,
    verdict: &'static str,
    trouble: String,
}

#[allow(clippy::disallowed_methods, reason = "how long it took is told")]
fn main() -> ExitCode {
    let began = Instant::now();
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_listing = std::env::args().any(|argument| argument == "--list");
    let wanted = match performances() {
        Ok(all) => all.into_iter(),
        Err(problems) => {
            eprintln!("{problems}");
            return ExitCode::FAILURE;
        }
    };
    let is_wanted =
        |one: &Performance| filters.is_empty() || filters.iter().any(|filter| one.name.contains(filter.as_str()));
    let wanted: Vec<Performance> = wanted.filter(is_wanted).collect();
    if is_listing {
        wanted.iter().for_each(|one| println!("{}: test", one.name));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", wanted.len());
    let verdicts = perform_all(&wanted);
    write_catalogue(&verdicts);
    let failed: Vec<&Done<'_>> = verdicts.iter().filter(|done| done.verdict != "pass").collect();
    for done in &failed {
        println!("\n---- {} ----\n{}", done.performance.name, done.trouble);
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    let (passed, count) = (verdicts.len() - failed.len(), failed.len());
    println!("\ntest result: {word}. {passed} passed; {count} failed; finished in {:.2?}\n", began.elapsed());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every scenario on every stage on which it makes sense.
fn performances() -> Result<Vec<Performance>, CatalogueError> {
    let simulated = runs(|stages| stages != Stages::Sockets)?;
    let simulated = simulated.into_iter().map(|run| (run, How::Simulated, "_simulated"));
    let sockets = runs(|stages| stages != Stages::Simulation)?;
    let sockets = sockets.into_iter().map(|run| (run, How::Sockets, ""));
    let named = |(run, how, end): (Run, How, &str)| Performance { name: format!("{}{end}", run.name), run, how };
    Ok(simulated.chain(sockets).map(named).collect())
}

/// Performs all runs, several at a time: over sockets they wait for the gateway most of the time.
fn perform_all(wanted: &[Performance]) -> Vec<Done<'_>> {
    let over_sockets = wanted.iter().filter(|one| one.how == How::Sockets);
    let over_sockets: Vec<Run> = over_sockets.map(|one| one.run.clone()).collect();
    let venue = Venue::own(product::program(), &over_sockets).expect("ports are free");
    let next = AtomicUsize::new(0);
    let (sender, receiver) = sync_channel(wanted.len().max(1));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(wanted.len()) {
            let (venue, next, sender) = (&venue, &next, sender.clone());
            scope.spawn(move || {
                while let Some(performance) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = perform_one(venue, performance);
                    let word = if done.verdict == "pass" { "ok" } else { "FAILED" };
                    println!("test {} ... {word}", performance.name);
                    sender.send(done).expect("the results are collected");
                }
            });
        }
    });
    drop(sender);
    receiver.iter().collect()
}

fn perform_one<'r>(venue: &Venue, performance: &'r Performance) -> Done<'r> {
    let Performance { run, how, .. } = performance;
    let verdict = catch_unwind(AssertUnwindSafe(|| match how {
        How::Simulated => perform_simulated(run),
        How::Sockets | How::Foreign => {
            (perform(&run.scenario, &run.variant, &mut SocketStage::new(venue)), String::new())
        }
    }));
    let (verdict, trouble) = match verdict {
        Ok((Verdict::Pass, _)) => ("pass", String::new()),
        Ok((Verdict::Fail(trouble), note)) => ("fail", format!("{note}{trouble}")),
        Ok((Verdict::Inconclusive(trouble), note)) => ("inconclusive", format!("{note}inconclusive: {trouble}")),
        Err(_) => ("inconclusive", "the stage broke".to_owned()),
    };
    Done { performance, verdict, trouble }
}

/// One seed after the other, until one does not pass.
fn perform_simulated(run: &Run) -> (Verdict, String) {
    let only = std::env::var("WVSG_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(0..SEEDS, |seed: u64| seed..seed + 1) {
        let verdict = perform(&run.scenario, &run.variant, &mut VirtualStage::new(seed));
        if verdict != Verdict::Pass {
            return (verdict, format!("WVSG_SEED={seed}: "));
        }
    }
    (Verdict::Pass, String::new())
}

/// One line for each case and stage: it passed when every scenario of it did, for every variant.
fn write_catalogue(verdicts: &[Done<'_>]) {
    for how in [How::Simulated, How::Sockets] {
        let mut cases: BTreeMap<&str, &'static str> = BTreeMap::new();
        for done in verdicts.iter().filter(|done| done.performance.how == how) {
            for case in &done.performance.run.scenario.cases {
                let known = cases.entry(case).or_insert("pass");
                if *known == "pass" || done.verdict == "fail" {
                    *known = done.verdict;
                }
            }
        }
        for (case, verdict) in cases {
            catalogue::write(case, verdict, how);
        }
    }
}

/// Performances at the same time.
const AT_A_TIME: usize = 6;

/// Seeds of each simulated performance: in the first nothing overtakes anything.
const SEEDS: u64 = 4;
