//! Signs of life of a connection, and how long it is waited for them.

use super::Bounds;
use sip_proto::{message::framer::FlowSide, transaction::via::ConnectionId};
use std::time::Duration;
use tokio::time::Instant;

/// When something was heard last, and what is awaited.
#[derive(Debug)]
pub(super) struct Pulse {
    side: FlowSide,
    ping_after: Duration,
    idle_max: Duration,
    message_max: Duration,
    /// The last message; where the other side sends the pings, the last octet.
    active_at: Instant,
    /// A message began and has not ended.
    message_since: Option<Instant>,
    pinged_at: Instant,
    awaits_pong: bool,
    /// Whether the other side has ever answered a ping.
    answers: bool,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing yet.
    Wait,
    /// A ping.
    Ping,
    /// The connection is given up.
    Dead,
}

impl Pulse {
    pub(super) fn new(side: FlowSide, id: ConnectionId, bounds: &Bounds, now: Instant) -> Self {
        // RFC 5626 §4.4.1: between 80 and 100 percent, so that connections opened together do not ping together.
        let spread = u32::try_from(id.to_number() % 21).unwrap_or(0);
        let ping_after = bounds.ping_max.saturating_mul(80_u32.saturating_add(spread)) / 100;
        Self {
            side,
            ping_after,
            idle_max: bounds.idle_max,
            message_max: bounds.message_max,
            active_at: now,
            message_since: None,
            pinged_at: now,
            awaits_pong: false,
            answers: false,
        }
    }

    /// Octets came in; a message is under way behind them, or not.
    pub(super) fn hear(&mut self, now: Instant, is_inside_message: bool) {
        if self.side == FlowSide::Accepted {
            self.active_at = now;
        }
        self.message_since = if is_inside_message { self.message_since.or(Some(now)) } else { None };
    }

    pub(super) fn hear_message(&mut self, now: Instant) {
        self.active_at = now;
        self.message_since = None;
    }

    pub(super) fn hear_pong(&mut self) {
        self.awaits_pong = false;
        self.answers = true;
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Instant {
        let idle = self.active_at + self.idle_max;
        let message = self.message_since.map(|since| since + self.message_max);
        let ping = (self.side == FlowSide::Opened).then(|| self.pinged_at + self.wait_after_ping());
        [Some(idle), message, ping].into_iter().flatten().min().unwrap_or(idle)
    }

    /// What is due now.
    pub(super) fn expire(&mut self, now: Instant) -> Beat {
        let is_slow = self.message_since.is_some_and(|since| since + self.message_max <= now);
        if is_slow || self.active_at + self.idle_max <= now {
            return Beat::Dead;
        }
        if self.side == FlowSide::Accepted || self.pinged_at + self.wait_after_ping() > now {
            return Beat::Wait;
        }
        if self.awaits_pong && self.answers {
            return Beat::Dead;
        }
        self.pinged_at = now;
        self.awaits_pong = true;
        Beat::Ping
    }

    // RFC 5626 §4.4.1
    // UNCLEAR: a server that never answers pings need not have to, for nothing was negotiated (RFC 6223 came later): only
    // one that has answered before is given up for not answering.
    fn wait_after_ping(&self) -> Duration {
        if self.awaits_pong && self.answers { PONG_WAIT } else { self.ping_after }
    }
}

/// How long a pong is waited for.
// RFC 5626 §4.4.1
const PONG_WAIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(side: FlowSide) -> (Pulse, Instant) {
        let bounds = Bounds { ping_max: Duration::from_secs(100), ..Bounds::default() };
        let now = Instant::now();
        (Pulse::new(side, ConnectionId::from_number(20), &bounds, now), now)
    }

    #[test]
    fn rfc5626_4_4_1_who_opened_a_connection_pings_and_gives_up_without_pong() {
        let (mut pulse, start) = pulse(FlowSide::Opened);
        let at = |s| start + Duration::from_secs(s);
        assert_eq!(pulse.deadline(), at(100));
        assert_eq!(pulse.expire(at(99)), Beat::Wait);
        assert_eq!(pulse.expire(at(100)), Beat::Ping);
        pulse.hear_pong();
        assert_eq!(pulse.expire(at(200)), Beat::Ping);
        assert_eq!(pulse.deadline(), at(210));
        assert_eq!(pulse.expire(at(209)), Beat::Wait);
        assert_eq!(pulse.expire(at(210)), Beat::Dead);
    }

    #[test]
    fn who_never_answers_pings_is_kept_until_it_is_idle() {
        let (mut pulse, start) = pulse(FlowSide::Opened);
        let at = |s| start + Duration::from_secs(s);
        for s in (100..3600).step_by(100) {
            assert_eq!(pulse.expire(at(s)), Beat::Ping, "{s}");
        }
        assert_eq!(pulse.expire(at(3600)), Beat::Dead);
    }

    #[test]
    fn who_accepted_a_connection_waits_for_octets_and_for_the_end_of_a_message() {
        let (mut pulse, start) = pulse(FlowSide::Accepted);
        let at = |s| start + Duration::from_secs(s);
        pulse.hear(at(3000), false);
        assert_eq!(pulse.expire(at(3700)), Beat::Wait);
        pulse.hear(at(3800), true);
        pulse.hear(at(3810), true);
        assert_eq!(pulse.deadline(), at(3815), "slow octets do not move it");
        assert_eq!(pulse.expire(at(3815)), Beat::Dead);
    }
}
