//! Waiting for a condition with a deadline, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long a test waits for something that should come at once on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the condition yields, as soon as it yields something.
///
/// # Errors
/// What was waited for, when the time is over.
#[allow(clippy::disallowed_methods, reason = "a deadline is measured on the real clock")]
pub fn try_until<T>(what: &str, patience: Duration, mut condition: impl FnMut() -> Option<T>) -> Result<T, String> {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = condition() {
            return Ok(found);
        }
        if Instant::now() >= end {
            return Err(format!("waited {patience:?} for {what}"));
        }
        thread::park_timeout(LOOK_AGAIN);
    }
}

/// What the condition yields, as soon as it yields something.
///
/// # Panics
/// When the time is over.
pub fn until<T>(what: &str, patience: Duration, condition: impl FnMut() -> Option<T>) -> T {
    try_until(what, patience, condition).unwrap_or_else(|error| panic!("{error}"))
}

const LOOK_AGAIN: Duration = Duration::from_millis(5);
