//! Two ways to do the same within this process, in turn.

use crate::{
    Effort, allocation, clock, instruction,
    report::{Goal, Row, Side, Unit},
};
use std::time::Duration;

/// Something that can be done again and again.
pub(crate) struct Subject(Box<dyn FnMut()>);

impl Subject {
    pub(crate) fn new(once: impl FnMut() + 'static) -> Self {
        Self(Box::new(once))
    }

    pub(crate) fn repeat(&mut self, times: u64) {
        for _ in 0..times {
            (self.0)();
        }
    }

    fn time(&mut self, times: u64) -> Duration {
        let start = clock::of_this_thread();
        self.repeat(times);
        clock::of_this_thread().saturating_sub(start)
    }

    /// How often it fits into so many milliseconds.
    fn calibrate(&mut self, round_ms: u64) -> u64 {
        let mut times = 1;
        loop {
            let taken = self.time(times);
            if taken >= Duration::from_millis(round_ms / 4).max(Duration::from_millis(2)) {
                let wanted = Duration::from_millis(round_ms).as_nanos() * u128::from(times) / taken.as_nanos().max(1);
                return u64::try_from(wanted).unwrap_or(u64::MAX).max(1);
            }
            times *= 2;
        }
    }

    fn allocations(&mut self) -> f64 {
        const TIMES: u32 = 64;
        let before = allocation::count();
        self.repeat(TIMES.into());
        as_float(allocation::count() - before) / f64::from(TIMES)
    }
}

/// Us and a baseline.
pub(crate) struct Duel {
    pub(crate) name: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) goal: Goal,
    pub(crate) ours: Subject,
    /// None where it is not installed.
    pub(crate) baseline: Option<(&'static str, Subject)>,
    pub(crate) baseline_allocates: Allocates,
}

/// Whether the allocations of a baseline can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allocates {
    /// It is Rust.
    Visibly,
    /// It is a foreign library.
    Invisibly,
}

impl Duel {
    pub(crate) fn fight(mut self, effort: Effort) -> Row {
        let ours_times = self.ours.calibrate(effort.round_ms);
        let baseline_times = self.baseline.as_mut().map_or(0, |(_, subject)| subject.calibrate(effort.round_ms));
        let (mut ours, mut baseline) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..effort.rounds {
            ours = ours.min(per_operation(self.ours.time(ours_times), ours_times));
            if let Some((_, subject)) = &mut self.baseline {
                baseline = baseline.min(per_operation(subject.time(baseline_times), baseline_times));
            }
        }
        let instructions = |side| effort.counts_instructions.then(|| instruction::count(self.name, side)).flatten();
        let ours = Side {
            amount: ours,
            instructions: instructions("ours"),
            allocations: Some(self.ours.allocations()),
            name: String::new(),
        };
        let is_visible = self.baseline_allocates == Allocates::Visibly;
        let baseline = self.baseline.as_mut().map(|(name, subject)| Side {
            amount: baseline,
            instructions: instructions("baseline"),
            allocations: is_visible.then(|| subject.allocations()),
            name: (*name).to_owned(),
        });
        Row {
            name: self.name.to_owned(),
            operation: self.operation.to_owned(),
            unit: Unit::CpuNanoseconds,
            ours,
            baseline,
            goal: self.goal,
        }
    }
}

pub(crate) fn per_operation(taken: Duration, times: u64) -> f64 {
    taken.as_secs_f64() * 1e9 / as_float(times.max(1))
}

#[allow(clippy::cast_precision_loss, reason = "counts of a measurement are far below 2^52")]
pub(crate) fn as_float(count: u64) -> f64 {
    count as f64
}
