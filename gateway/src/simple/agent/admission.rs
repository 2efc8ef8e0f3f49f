//! How much new work is taken on: as much as the lane gets done in a short while. The rest is refused early, so that what
//! was taken on does not wait behind it.

use mapping::time::Timestamp;
use std::time::Duration;

/// How many new requests one turn of the lane takes on.
#[derive(Debug)]
pub(super) struct Admission {
    limit: u32,
    admitted: u32,
    /// When the first of them came.
    since: Option<Timestamp>,
    /// Until when no more than the least is taken on.
    narrow_until: Option<Timestamp>,
}

/// Whether a request is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted,
    Refused,
}

impl Default for Admission {
    fn default() -> Self {
        Self { limit: LIMIT_START, admitted: 0, since: None, narrow_until: None }
    }
}

impl Admission {
    /// Whether one more is taken on.
    pub(super) const fn has_room(&self) -> bool {
        self.admitted < self.limit
    }

    /// A new request has come.
    pub(super) fn admit(&mut self, now: Timestamp) -> Verdict {
        if !self.has_room() {
            return Verdict::Refused;
        }
        self.admitted = self.admitted.saturating_add(1);
        self.since.get_or_insert(now);
        Verdict::Admitted
    }

    /// Requests wait where they cannot be seen, before they are read: the least is taken on, and for a while no more.
    pub(super) fn narrow(&mut self, now: Timestamp) {
        self.limit = LIMIT_MIN;
        self.narrow_until = Some(now.after(NARROW));
    }

    /// The lane takes what was admitted. When the first of it has waited long, less is taken on from now on; when there
    /// was no room though nobody had to wait, more.
    pub(super) fn turn(&mut self, now: Timestamp) {
        let Some(since) = self.since.take() else { return };
        let waited = since.until(now);
        if waited > WAIT_MAX && self.admitted > LIMIT_MIN {
            // As many as would not have had to wait longer.
            let share = u128::from(self.admitted) * WAIT_MAX.as_millis() / waited.as_millis().max(1);
            self.limit = u32::try_from(share).unwrap_or(LIMIT_MAX).max(LIMIT_MIN);
        } else if self.narrow_until.is_some_and(|until| now < until) {
            if !self.has_room() {
                self.narrow(now);
            }
        } else if waited < WAIT_MAX / 2 && !self.has_room() {
            self.narrow_until = None;
            self.limit = self.limit.saturating_add(self.limit / 8).saturating_add(1).min(LIMIT_MAX);
        }
        self.admitted = 0;
    }
}

/// How long a request may wait for its turn.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// How long no more than the least is taken on, after the last that was refused for it.
const NARROW: Duration = Duration::from_secs(1);

/// Requests of one turn at the start.
const LIMIT_START: u32 = LIMIT_MAX;

/// So many are always taken on: they are soon done, and a machine that once held its breath refuses nobody for it.
const LIMIT_MIN: u32 = 64;

/// No turn is longer, however fast the machine.
const LIMIT_MAX: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Offers so many requests at once, and turns after the wait; how many were taken on.
    fn offer(admission: &mut Admission, now: &mut u64, count: u32, wait: u64) -> usize {
        let taken = (0..count).filter(|_| admission.admit(at(*now)) == Verdict::Admitted).count();
        *now += wait;
        admission.turn(at(*now));
        taken
    }

    #[test]
    fn a_lane_that_is_quick_again_takes_on_more_and_more() {
        let (mut admission, mut now) = (Admission::default(), 0);
        assert_eq!(offer(&mut admission, &mut now, 10_000, 2000), 4096);
        assert_eq!(offer(&mut admission, &mut now, 10_000, 1), 102);
        for _ in 0..100 {
            offer(&mut admission, &mut now, 10_000, 1);
        }
        assert_eq!(offer(&mut admission, &mut now, 10_000, 1), 4096);
    }

    #[test]
    fn a_lane_that_is_slow_takes_on_less_until_nobody_waits_long() {
        let (mut admission, mut now) = (Admission::default(), 0);
        let mut taken = 0;
        for _ in 0..50 {
            // Four requests take a millisecond.
            let wait = u64::from(admission.limit / 4);
            taken = offer(&mut admission, &mut now, 10_000, wait);
        }
        assert!((100..=204).contains(&taken), "{taken}");
    }

    #[test]
    fn what_waits_unseen_narrows_the_door_until_nobody_is_refused_for_a_second() {
        let (mut admission, mut now) = (Admission::default(), 0);
        admission.narrow(at(now));
        for _ in 0..100 {
            assert_eq!(offer(&mut admission, &mut now, 100, 20), 64);
        }
        for _ in 0..60 {
            assert_eq!(offer(&mut admission, &mut now, 10, 20), 10);
        }
        for _ in 0..100 {
            offer(&mut admission, &mut now, 10_000, 1);
        }
        assert_eq!(admission.limit, LIMIT_MAX);
    }

    #[test]
    fn a_few_requests_are_taken_on_however_slow_the_lane_is() {
        let (mut admission, mut now) = (Admission::default(), 0);
        for _ in 0..1000 {
            assert_eq!(offer(&mut admission, &mut now, 50, 2000), 50);
        }
        assert_eq!(admission.limit, LIMIT_MAX);
    }
}
