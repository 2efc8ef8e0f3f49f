//! When a lifetime that the other side granted is renewed, and when a failed attempt is repeated.

use std::time::Duration;

/// How much earlier than necessary this machine refreshes, so that many do not refresh together: nought to ten per cent,
/// and the first time up to three quarters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter {
    permille: u16,
    first_ppm: u32,
}

impl Jitter {
    /// From thousandths of the refresh time; more than a hundred count as a hundred. The first refresh is not early.
    #[must_use]
    pub const fn from_permille(permille: u16) -> Self {
        Self { permille: if permille > PERMILLE_MAX { PERMILLE_MAX } else { permille }, first_ppm: 0 }
    }

    /// From any number, evenly. The first refresh comes after a quarter of its time at the earliest: many that begin
    /// together are spread over the rest of it, and stay so.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::arithmetic_side_effects,
        reason = "a remainder of a constant fits"
    )]
    pub const fn from_random(word: u64) -> Self {
        let permille = (word >> 32) % (PERMILLE_MAX as u64 + 1);
        let first_ppm = (word & 0xffff_ffff) % (FIRST_PPM_MAX as u64 + 1);
        Self { permille: permille as u16, first_ppm: first_ppm as u32 }
    }

    /// The thousandths.
    #[must_use]
    pub const fn permille(self) -> u16 {
        self.permille
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
    let latest_ms = latest_ms(granted_s);
    let early_ms = (latest_ms / 1000).saturating_mul(u64::from(jitter.permille));
    Some(Duration::from_millis(latest_ms.saturating_sub(early_ms).max(u64::from(REFRESH_MIN_S) * 1000)))
}

/// The same for the first refresh of a subscription.
#[must_use]
pub fn first_refresh_delay(granted_s: u32, jitter: Jitter) -> Option<Duration> {
    let usual = refresh_delay(granted_s, jitter)?;
    let latest_ms = latest_ms(granted_s);
    let early_ms = latest_ms.saturating_mul(u64::from(jitter.first_ppm)) / 1_000_000;
    let spread = Duration::from_millis(latest_ms.saturating_sub(early_ms).max(u64::from(REFRESH_MIN_S) * 1000));
    Some(if jitter.first_ppm == 0 { usual } else { spread })
}

fn latest_ms(granted_s: u32) -> u64 {
    let granted_ms = u64::from(granted_s).saturating_mul(1000);
    (granted_ms / 10).saturating_mul(8).max(granted_ms.saturating_sub(MARGIN_MS))
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
const FIRST_PPM_MAX: u32 = 750_000;
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

    #[test]
    fn s_sb_03_the_first_refresh_comes_after_a_quarter_of_its_time_at_the_earliest() {
        let first = |word| first_refresh_delay(3600, Jitter::from_random(word));
        assert_eq!(first(0), Some(Duration::from_secs(3300)));
        assert_eq!(first(750_000), Some(Duration::from_secs(825)));
        assert_eq!(first_refresh_delay(6, Jitter::from_random(750_000)), Some(Duration::from_secs(5)));
        assert_eq!(first_refresh_delay(5, Jitter::from_random(7)), None);
        assert_eq!(first_refresh_delay(3600, Jitter::from_permille(100)), Some(Duration::from_secs(2970)));
    }

    proptest! {
        #[test]
        fn refresh_is_never_after_the_end(granted in 6u32..1_000_000, permille in 0u16..2000, word in any::<u64>()) {
            let random = Jitter::from_random(word);
            for delay in [
                refresh_delay(granted, Jitter::from_permille(permille)),
                refresh_delay(granted, random),
                first_refresh_delay(granted, random),
            ] {
                let delay = delay.unwrap();
                prop_assert!(delay >= Duration::from_secs(5));
                prop_assert!(delay < Duration::from_secs(u64::from(granted)));
            }
        }
    }
}
