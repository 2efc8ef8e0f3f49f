//! A campaign: runs performed at a venue, some at a time, each with its verdict.

use super::{
    catalogue::{Entry, Run},
    result::{Judgement, Performance},
    scenario::run::{Patience, Performed, perform_with},
    stage::SocketStage,
    venue::Venue,
};
use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::{Duration, Instant},
};

/// How runs are performed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// How patiently.
    pub patience: Patience,
    /// Whether what passes is captured.
    pub captures: bool,
}

/// Performs all runs; `told` hears of each when it is over. The performances are in the order of the runs.
#[must_use]
pub fn perform_all(
    runs: &[Run],
    venue: &Venue,
    manner: Manner,
    at_a_time: usize,
    mut told: impl FnMut(&Performance),
) -> Vec<Performance> {
    let at_a_time = if venue.is_for_several() { at_a_time.clamp(1, runs.len().max(1)) } else { 1 };
    let next = AtomicUsize::new(0);
    let (sender, receiver) = sync_channel(at_a_time);
    let mut done: Vec<(usize, Performance)> = thread::scope(|scope| {
        for _ in 0..at_a_time {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(number) else { return };
                    if sender.send((number, perform_one(run, venue, manner))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        receiver.iter().inspect(|(_, performance)| told(performance)).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, performance)| performance).collect()
}

#[allow(clippy::disallowed_methods, reason = "how long it took is told")]
fn perform_one(run: &Run, venue: &Venue, manner: Manner) -> Performance {
    let began = Instant::now();
    let reason = venue.lacks(&run.scenario, &run.variant);
    let (verdict, trouble, ladder, capture) = match &reason {
        Some(_) => (Judgement::NotApplicable, None, Vec::new(), None),
        None => {
            let stage = SocketStage::new(venue);
            let mut stage = if manner.captures { stage.capturing() } else { stage };
            let Performed { verdict, ladder } = perform_with(&run.scenario, &run.variant, &mut stage, manner.patience);
            let (verdict, trouble) = verdict.into();
            // What went wrong has its own ladder, the same.
            let ladder = if trouble.is_some() { Vec::new() } else { ladder };
            (verdict, trouble, ladder, stage.take_capture())
        }
    };
    let entry = Entry { name: run.of.clone(), scenario: run.scenario.clone() };
    let spoken = |text: &str| if entry.speaks_csp() { text.to_owned() } else { String::new() };
    Performance {
        name: run.name.clone(),
        scenario: run.of.clone(),
        area: entry.area(),
        title: run.scenario.title.clone(),
        cases: run.scenario.cases.clone(),
        clauses: run.scenario.clauses.clone(),
        csp: spoken(&run.variant.csp),
        encoding: spoken(&run.variant.encoding),
        verdict,
        reason,
        trouble,
        ladder,
        capture_file: None,
        capture,
        millis: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// How long what is left will take, when it goes on as it did.
#[must_use]
pub fn time_left(elapsed: Duration, done: usize, total: usize) -> Option<Duration> {
    let left = u32::try_from(total.checked_sub(done)?).ok()?;
    elapsed.checked_div(u32::try_from(done).ok()?)?.checked_mul(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_what_is_done() {
        assert_eq!(time_left(Duration::from_secs(10), 5, 15), Some(Duration::from_secs(20)));
        assert_eq!(time_left(Duration::from_secs(10), 0, 15), None);
        assert_eq!(time_left(Duration::from_secs(10), 15, 15), Some(Duration::ZERO));
    }
}
