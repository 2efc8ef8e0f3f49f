//! Points in time as the machines see them: always an argument, never read from a clock.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A point in time: milliseconds on a scale that the owner chooses and keeps, best since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds on the scale of the owner.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds on the scale of the owner.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This point moved later; stays at the end of the scale instead of overflowing.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long until `later`; zero when it has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_past_the_end_of_the_scale_stops_there() {
        let late = Timestamp::from_millis(u64::MAX - 1).after(Duration::from_secs(9));
        assert_eq!(late.as_millis(), u64::MAX);
    }

    #[test]
    fn a_point_that_has_passed_is_zero_away() {
        let now = Timestamp::from_millis(5_000);
        assert_eq!(now.until(Timestamp::from_millis(4_000)), Duration::ZERO);
        assert_eq!(now.until(Timestamp::from_millis(7_000)), Duration::from_secs(2));
    }
}
