//! The clock of a session: which keep-alive time is granted, and when it runs out.

use super::limit::{KEEP_ALIVE_CEILING, SessionLimits};
use super::time::Timestamp;
use std::time::Duration;

/// The keep-alive time of one session and the moment it was last restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    granted: Duration,
    restarted: Timestamp,
}

/// What becomes of a keep-alive time that a client wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The wish holds.
    AsWished(Duration),
    /// Another time holds: the wish was cut, or there was none.
    Corrected(Duration),
}

/// How a renewed wish that is out of bounds is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CorrectionStyle {
    /// Result 200 and the corrected KeepAliveTime.
    #[default]
    Correct,
    /// Result 605 and the KeepAliveTime that was agreed before, which goes on.
    Refuse,
}

impl Grant {
    /// What to grant for this wish.
    // WV-KEEP-01
    #[must_use]
    pub fn decide(wish: Option<Duration>, limits: &SessionLimits) -> Self {
        let Some(wished) = wish else {
            return Self::Corrected(limits.keep_alive_default.min(Self::ceiling(limits)));
        };
        let granted = wished.max(limits.keep_alive_min).min(Self::ceiling(limits));
        if granted == wished { Self::AsWished(granted) } else { Self::Corrected(granted) }
    }

    /// The time that holds.
    #[must_use]
    pub const fn time(self) -> Duration {
        match self {
            Self::AsWished(time) | Self::Corrected(time) => time,
        }
    }

    fn ceiling(limits: &SessionLimits) -> Duration {
        limits.keep_alive_max.min(KEEP_ALIVE_CEILING)
    }
}

impl KeepAlive {
    /// A clock that starts now.
    #[must_use]
    pub const fn start(now: Timestamp, granted: Duration) -> Self {
        Self { granted, restarted: now }
    }

    /// Any message of the client inside the session restarts the clock.
    // WV-KEEP-02
    pub fn restart(&mut self, now: Timestamp) {
        self.restarted = self.restarted.max(now);
    }

    /// Another keep-alive time holds from now on.
    pub fn change(&mut self, now: Timestamp, granted: Duration) {
        self.granted = granted;
        self.restart(now);
    }

    /// The keep-alive time that holds.
    #[must_use]
    pub const fn granted(&self) -> Duration {
        self.granted
    }

    /// When the client last made itself heard.
    #[must_use]
    pub const fn restarted(&self) -> Timestamp {
        self.restarted
    }

    /// When the session lapses unless the client makes itself heard.
    #[must_use]
    pub fn lapses(&self) -> Timestamp {
        self.restarted.after(self.granted)
    }

    /// When a lapsed session is given up: the grace is half the keep-alive time, and never less than the minimum.
    // WV-KEEP-05
    #[must_use]
    pub fn ends(&self, limits: &SessionLimits) -> Timestamp {
        let half = self.granted.checked_div(2).unwrap_or(Duration::ZERO);
        self.lapses().after(half.max(limits.grace_min))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn wishes_are_cut_to_the_bounds() {
        let limits = SessionLimits::default();
        let hour = Duration::from_secs(3600);
        assert_eq!(Grant::decide(None, &limits), Grant::Corrected(hour));
        assert_eq!(Grant::decide(Some(Duration::from_secs(7205)), &limits), Grant::AsWished(Duration::from_secs(7205)));
        assert_eq!(
            Grant::decide(Some(Duration::from_secs(999_999)), &limits),
            Grant::Corrected(Duration::from_secs(86_400))
        );
        assert_eq!(Grant::decide(Some(Duration::ZERO), &limits), Grant::Corrected(Duration::from_secs(30)));
    }

    #[test]
    fn no_configuration_grants_more_than_a_day() {
        let limits = SessionLimits { keep_alive_max: Duration::from_secs(1_000_000), ..SessionLimits::default() };
        assert_eq!(Grant::decide(Some(Duration::from_secs(900_000)), &limits).time(), KEEP_ALIVE_CEILING);
    }

    #[test]
    fn every_restart_moves_the_lapse() {
        let mut clock = KeepAlive::start(at(100), Duration::from_secs(60));
        assert_eq!(clock.lapses(), at(160));
        clock.restart(at(130));
        assert_eq!(clock.lapses(), at(190));
        clock.restart(at(120));
        assert_eq!(clock.lapses(), at(190));
    }

    #[test]
    fn grace_is_half_the_time_but_a_minute_at_least() {
        let limits = SessionLimits::default();
        assert_eq!(KeepAlive::start(at(0), Duration::from_secs(60)).ends(&limits), at(120));
        assert_eq!(KeepAlive::start(at(0), Duration::from_secs(3600)).ends(&limits), at(5400));
    }
}
