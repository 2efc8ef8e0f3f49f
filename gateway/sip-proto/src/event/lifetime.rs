//! When a lifetime that the other side granted is renewed, and when a failed attempt is repeated.

use std::time::Duration;

/// How much earlier than necessary this machine refreshes, so that many do not refresh together: nought to ten per cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter(u16);

impl Jitter {
    /// From thousandths of the refresh time; more than a hundred count as a hundred.
    #[must_use]
    pub const fn from_permille(permille: u16) -> Self {
        Self(if permille > PERMILLE_MAX { PERMILLE_MAX } else { permille })
    }

    /// The thousandths.
    #[must_use]
    pub const fn permille(self) -> u16 {
        self.0
    }
}

// RFC 6665 §4.1.2.2
/// How long after the grant of `granted_s` seconds to refresh: at 80 per cent or five minutes before the end, whichever is
/// later, minus the jitter, never below five seconds; `None` for lifetimes too short to refresh.
#[must_use]
pub fn refresh_delay(granted_s: u32, jitter: Jitter) -> Option<Duration> {
    if granted_s <= REFRESH_MIN_S {
        return None;
    }
    let granted_ms = u64::from(granted_s).saturating_mul(1000);
    let latest_ms = (granted_ms / 10).saturating_mul(8).max(granted_ms.saturating_sub(MARGIN_MS));
    let early_ms = (latest_ms / 1000).saturating_mul(u64::from(jitter.0));
    Some(Duration::from_millis(latest_ms.saturating_sub(early_ms).max(u64::from(REFRESH_MIN_S) * 1000)))
}

// RFC 3261 §20.33
/// How long to wait before attempt number `failures` (from 1): what the other side asked for, else five seconds, doubled each
/// time, at most five minutes.
#[must_use]
pub fn retry_delay(failures: u32, retry_after_s: Option<u32>) -> Duration {
    match retry_after_s {
        Some(seconds) => Duration::from_secs(u64::from(seconds)),
        None => BACK_OFF.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(BACK_OFF_MAX),
    }
}

const PERMILLE_MAX: u16 = 100;
const REFRESH_MIN_S: u32 = 5;
const MARGIN_MS: u64 = 300_000;
const BACK_OFF: Duration = Duration::from_secs(5);
const BACK_OFF_MAX: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn s_sb_03_refresh_comes_at_the_later_of_80_per_cent_and_five_minutes_before_the_end() {
        for (granted, permille, seconds) in [
            (3600, 0, Some(3300)),
            (600, 0, Some(480)),
            (60, 0, Some(48)),
            (6, 0, Some(5)),
            (5, 0, None),
            (3600, 100, Some(2970)),
        ] {
            let delay = refresh_delay(granted, Jitter::from_permille(permille));
            assert_eq!(delay, seconds.map(Duration::from_secs), "granted {granted}");
        }
    }

    #[test]
    fn back_off_doubles_until_five_minutes_and_yields_to_retry_after() {
        let waits: Vec<u64> = (1..10).map(|failures| retry_delay(failures, None).as_secs()).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(retry_delay(3, Some(7)), Duration::from_secs(7));
    }

    proptest! {
        #[test]
        fn refresh_is_never_after_the_end(granted in 6u32..1_000_000, permille in 0u16..2000) {
            let delay = refresh_delay(granted, Jitter::from_permille(permille)).unwrap();
            prop_assert!(delay >= Duration::from_secs(5));
            prop_assert!(delay < Duration::from_secs(u64::from(granted)));
        }
    }
}
