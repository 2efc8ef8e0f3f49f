//! The only clock of the process that the engine and the machines get to see.

use mapping::time::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// Wall-clock milliseconds that never run backwards while the process lives: read once from the system, then moved on
/// by the monotonic clock; or a time that somebody else moves on.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { origin: Instant, origin_millis: u64 },
    Given(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that starts at the system's time.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let origin_millis = u64::try_from(since_epoch.as_millis()).unwrap_or(0);
        Self(Source::System { origin: Instant::now(), origin_millis })
    }

    /// A clock that shows these milliseconds, which the owner moves on.
    #[must_use]
    pub const fn given(millis: Arc<AtomicU64>) -> Self {
        Self(Source::Given(millis))
    }

    /// Now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clocks")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { origin, origin_millis } => Timestamp::from_millis(*origin_millis).after(origin.elapsed()),
            Source::Given(millis) => Timestamp::from_millis(millis.load(Ordering::Relaxed)),
        }
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
