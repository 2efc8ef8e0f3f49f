//! The timer values of RFC 3261 that every transaction machine shares.

use std::time::Duration;

// RFC 3261 §17.1.1.1
/// T1, T2 and T4; every other timer is computed from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerValues {
    /// Estimate of the round trip: first retransmission interval.
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and INVITE responses.
    pub t2: Duration,
    /// How long a message may wander in the network.
    pub t4: Duration,
}

impl TimerValues {
    // RFC 3261 §17.1.2.2
    /// Timers B, F, H, J, L, N: 64 times T1.
    #[must_use]
    pub const fn transaction_timeout(self) -> Duration {
        self.t1.saturating_mul(64)
    }

    // RFC 4320 §4.1
    /// How long after the first transmission Timer E of the client reaches T2: from then on a 100 is allowed, and due.
    #[must_use]
    pub fn trying_due(self) -> Duration {
        let mut interval = self.t1;
        let mut total = Duration::ZERO;
        while interval < self.t2 && !interval.is_zero() {
            total = total.saturating_add(interval);
            interval = interval.saturating_mul(2);
        }
        total
    }

    // RFC 3261 §17.1.2.2
    /// The retransmission interval that follows `interval`: doubled, capped at T2.
    #[must_use]
    pub fn next_interval(self, interval: Duration) -> Duration {
        interval.saturating_mul(2).min(self.t2)
    }
}

impl Default for TimerValues {
    /// The values of RFC 3261: 500 ms, 4 s, 5 s.
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

/// Whether the transport below a transaction loses messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// TCP, TLS, WebSocket: nothing is retransmitted and nothing lingers.
    Reliable,
    /// UDP.
    Unreliable,
}

impl Reliability {
    /// `wait` on an unreliable transport, nothing on a reliable one: the rule of Timers D, I, J and K.
    #[must_use]
    pub const fn linger(self, wait: Duration) -> Duration {
        match self {
            Self::Reliable => Duration::ZERO,
            Self::Unreliable => wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timer_e_reaches_t2_after_three_and_a_half_seconds() {
        assert_eq!(TimerValues::default().trying_due(), Duration::from_millis(3500));
    }

    #[test]
    fn a_zero_t1_does_not_loop_for_ever() {
        let timers = TimerValues { t1: Duration::ZERO, ..TimerValues::default() };
        assert_eq!(timers.trying_due(), Duration::ZERO);
    }
}
