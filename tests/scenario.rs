//! Every scenario of `fixtures/scenario` over real sockets, for each of its versions and encodings, some at a time.
//! `cargo test -p acceptance --test scenario NAME` performs those whose names contain NAME.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    catalogue::{self, How},
    scenario::{Pool, Run, SocketStage, folder, runs},
};
use gateway::lab::scenario::{
    model::Stages,
    run::{Verdict, perform},
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

/// A run that is over.
struct Done<'r> {
    run: &'r Run,
    verdict: &'static str,
    trouble: String,
}

#[allow(clippy::disallowed_methods, reason = "how long it took is told")]
fn main() -> ExitCode {
    let began = Instant::now();
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_listing = std::env::args().any(|argument| argument == "--list");
    let all = match runs(&folder(), |stages| stages != Stages::Simulation) {
        Ok(all) => all,
        Err(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            return ExitCode::FAILURE;
        }
    };
    let is_wanted = |run: &Run| filters.is_empty() || filters.iter().any(|filter| run.name.contains(filter.as_str()));
    let wanted: Vec<Run> = all.into_iter().filter(is_wanted).collect();
    if is_listing {
        wanted.iter().for_each(|run| println!("{}: test", run.name));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", wanted.len());
    let verdicts = perform_all(&wanted);
    write_catalogue(&verdicts);
    let failed: Vec<&Done<'_>> = verdicts.iter().filter(|done| done.verdict != "pass").collect();
    for done in &failed {
        println!("\n---- {} ----\n{}", done.run.name, done.trouble);
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    let (passed, count) = (verdicts.len() - failed.len(), failed.len());
    println!("\ntest result: {word}. {passed} passed; {count} failed; finished in {:.2?}\n", began.elapsed());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Performs all runs, several at a time: most of the time they wait for the gateway.
fn perform_all(wanted: &[Run]) -> Vec<Done<'_>> {
    let pool = Pool::shared(wanted);
    let next = AtomicUsize::new(0);
    let (sender, receiver) = sync_channel(wanted.len().max(1));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(wanted.len()) {
            let (pool, next, sender) = (&pool, &next, sender.clone());
            scope.spawn(move || {
                while let Some(run) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = perform_one(pool, run);
                    let word = if done.verdict == "pass" { "ok" } else { "FAILED" };
                    println!("test {} ... {word}", run.name);
                    sender.send(done).expect("the results are collected");
                }
            });
        }
    });
    drop(sender);
    receiver.iter().collect()
}

fn perform_one<'r>(pool: &Pool, run: &'r Run) -> Done<'r> {
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        let mut stage = SocketStage::new(pool);
        perform(&run.scenario, &run.variant, &mut stage)
    }));
    let (verdict, trouble) = match verdict {
        Ok(Verdict::Pass) => ("pass", String::new()),
        Ok(Verdict::Fail(trouble)) => ("fail", trouble.to_string()),
        Ok(Verdict::Inconclusive(trouble)) => ("inconclusive", format!("inconclusive: {trouble}")),
        Err(_) => ("inconclusive", "the stage broke".to_owned()),
    };
    Done { run, verdict, trouble }
}

/// One line for each case: it passed when every scenario of it did, for every variant.
fn write_catalogue(verdicts: &[Done<'_>]) {
    let mut cases: BTreeMap<&str, &'static str> = BTreeMap::new();
    for done in verdicts {
        for case in &done.run.scenario.cases {
            let known = cases.entry(case).or_insert("pass");
            if *known == "pass" || done.verdict == "fail" {
                *known = done.verdict;
            }
        }
    }
    for (case, verdict) in cases {
        catalogue::write(case, verdict, How::Sockets);
    }
}

/// Scenarios that are performed at the same time.
const AT_A_TIME: usize = 6;
