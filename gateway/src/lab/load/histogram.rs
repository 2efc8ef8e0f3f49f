//! How often what took how long: counts in steps of six percent, in the room of a few hundred numbers.

use std::time::Duration;

/// Latencies from a microsecond to hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum_us: u64,
    min_us: u64,
    max_us: u64,
}

impl Histogram {
    /// Counts one.
    pub fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let step = step_of(micros);
        if self.counts.len() <= step {
            self.counts.resize(step.saturating_add(1), 0);
        }
        if let Some(count) = self.counts.get_mut(step) {
            *count = count.saturating_add(1);
        }
        self.min_us = if self.count == 0 { micros } else { self.min_us.min(micros) };
        self.max_us = self.max_us.max(micros);
        self.sum_us = self.sum_us.saturating_add(micros);
        self.count = self.count.saturating_add(1);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The shortest.
    #[must_use]
    pub const fn min(&self) -> Duration {
        Duration::from_micros(self.min_us)
    }

    /// The longest.
    #[must_use]
    pub const fn max(&self) -> Duration {
        Duration::from_micros(self.max_us)
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_micros(self.sum_us.checked_div(self.count).unwrap_or_default())
    }

    /// What this many of a thousand do not exceed, at most six percent too high.
    #[must_use]
    pub fn at_permille(&self, permille: u64) -> Duration {
        let wanted = self.count.saturating_mul(permille).div_ceil(1000).max(1);
        let mut seen: u64 = 0;
        for (step, count) in self.counts.iter().enumerate() {
            seen = seen.saturating_add(*count);
            if seen >= wanted {
                return Duration::from_micros(end_of(step).min(self.max_us));
            }
        }
        self.max()
    }

    /// The steps in which there are any: where each ends, and how many.
    pub fn steps(&self) -> impl Iterator<Item = (Duration, u64)> {
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.map(|(step, count)| (Duration::from_micros(end_of(step)), *count))
    }
}

/// Small numbers have a step each; of each power of two above there are sixteen.
fn step_of(micros: u64) -> usize {
    let Some(power) = micros.checked_ilog2().filter(|power| *power >= FINE_BITS) else {
        return usize::try_from(micros).unwrap_or_default();
    };
    let above = power.saturating_sub(FINE_BITS);
    let fine = (micros >> above) & (FINE - 1);
    usize::try_from(u64::from(above).saturating_add(1).saturating_mul(FINE).saturating_add(fine)).unwrap_or_default()
}

/// The largest number of a step.
fn end_of(step: usize) -> u64 {
    let step = u64::try_from(step).unwrap_or(u64::MAX);
    let Some(above) = (step / FINE).checked_sub(1) else { return step };
    let first = (FINE + step % FINE).checked_shl(u32::try_from(above).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    first.saturating_add((1_u64 << above.min(63)).saturating_sub(1))
}

const FINE_BITS: u32 = 4;
const FINE: u64 = 1 << FINE_BITS;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_are_those_of_what_was_counted() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|millis| histogram.add(Duration::from_millis(millis)));
        assert_eq!(histogram.count(), 1000);
        for (permille, millis) in [(500, 500), (900, 900), (990, 990)] {
            let found = histogram.at_permille(permille).as_millis();
            assert!((millis..=millis * 107 / 100).contains(&found), "{permille}: {found}");
        }
        assert_eq!(histogram.at_permille(1000), Duration::from_secs(1));
        assert_eq!(histogram.mean(), Duration::from_micros(500_500));
        assert_eq!(Histogram::default().at_permille(500), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn a_number_lies_in_its_step(micros in 0_u64..1 << 40) {
            let step = step_of(micros);
            prop_assert!(micros <= end_of(step));
            prop_assert!(step == 0 || micros > end_of(step - 1));
            prop_assert!(end_of(step) <= micros + micros / 16 + 1);
        }
    }
}
