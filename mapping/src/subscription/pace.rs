//! So many per interval: the pace of new subscriptions at a peer, of requests of a watcher.

use crate::time::Timestamp;
use std::time::Duration;

/// What was used of the current interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    since: Option<Timestamp>,
    used: u32,
}

impl Pace {
    /// Counts one more, if the interval allows it; an interval begins with the first one after the last interval.
    pub(crate) fn admits(&mut self, now: Timestamp, interval: Duration, bound: u32) -> bool {
        if !self.is_running(now, interval) {
            *self = Self { since: Some(now), used: 0 };
        }
        let admitted = self.used < bound.max(1);
        self.used = self.used.saturating_add(u32::from(admitted));
        admitted
    }

    pub(crate) fn is_running(&self, now: Timestamp, interval: Duration) -> bool {
        self.since.is_some_and(|since| since.after(interval) > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_interval_begins_afresh() {
        let (mut pace, second) = (Pace::default(), Duration::from_secs(1));
        let at = Timestamp::from_millis;
        assert_eq!([0, 1, 2].map(|millis| pace.admits(at(millis), second, 2)), [true, true, false]);
        assert!(pace.admits(at(1000), second, 2));
    }
}
