//! The only clock of the process that the engine and the machines get to see.

use mapping::time::Timestamp;
use std::time::{Duration, Instant, SystemTime};

/// Wall-clock milliseconds that never run backwards while the process lives: read once from the system, then moved on
/// by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    origin_millis: u64,
}

impl Clock {
    /// A clock that starts at the system's time.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { origin: Instant::now(), origin_millis: u64::try_from(since_epoch.as_millis()).unwrap_or(0) }
    }

    /// Now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.origin_millis).after(self.origin.elapsed())
    }

    /// A point on the monotonic clock, for measuring how long something took.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}
