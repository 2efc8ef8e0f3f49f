//! Subscription states and reasons.

use super::address;
use mapping::{
    time::Timestamp,
    watcher::{EndReason, WatcherCause, WatcherStanding, WatcherState},
};
use sip_proto::body::watcher_info::{WatcherEvent, WatcherRow, WatcherStatus};

/// The `reason` of Subscription-State (RFC 6665 §4.1.3).
#[must_use]
pub const fn to_reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Deactivated => "deactivated",
        EndReason::Probation => "probation",
        EndReason::Rejected => "rejected",
        EndReason::Timeout => "timeout",
        EndReason::Giveup => "giveup",
        EndReason::NoResource => "noresource",
        EndReason::Invariant => "invariant",
    }
}

/// The meaning of a `reason`; none and unknown ones say no more than that it ended.
#[must_use]
pub fn from_reason(reason: Option<&str>) -> EndReason {
    match reason {
        Some("deactivated") => EndReason::Deactivated,
        Some("probation") => EndReason::Probation,
        Some("rejected") => EndReason::Rejected,
        Some("giveup") => EndReason::Giveup,
        Some("noresource") => EndReason::NoResource,
        Some("invariant") => EndReason::Invariant,
        Some(_) | None => EndReason::Timeout,
    }
}

/// A relation as watcher information tells it; none for watchers that have no address on this side.
#[must_use]
pub fn to_row(standing: &WatcherStanding, now: Timestamp) -> Option<WatcherRow> {
    Some(WatcherRow {
        id: format!("w{}", standing.number),
        uri: address::from_neutral(&standing.watcher).ok()?.to_string(),
        status: to_status(standing.state),
        event: to_event(standing.cause),
        display_name: None,
        // The gateway lets the watchers of the other side stay as long as they want to.
        expiration_s: None,
        subscribed_s: Some(now.as_secs().saturating_sub(standing.since.as_secs())),
    })
}

/// A state of RFC 3857 §4.7.1.
#[must_use]
pub const fn to_status(state: WatcherState) -> WatcherStatus {
    match state {
        WatcherState::Pending => WatcherStatus::Pending,
        WatcherState::Active => WatcherStatus::Active,
        WatcherState::Waiting => WatcherStatus::Waiting,
        WatcherState::Ended => WatcherStatus::Terminated,
    }
}

/// What a state of RFC 3857 §4.7.1 means.
#[must_use]
pub const fn from_status(status: WatcherStatus) -> WatcherState {
    match status {
        WatcherStatus::Pending => WatcherState::Pending,
        WatcherStatus::Active => WatcherState::Active,
        WatcherStatus::Waiting => WatcherState::Waiting,
        WatcherStatus::Terminated => WatcherState::Ended,
    }
}

/// The event of RFC 3857 §4.7.1 that led to a state.
#[must_use]
pub const fn to_event(cause: WatcherCause) -> WatcherEvent {
    match cause {
        WatcherCause::Subscribed => WatcherEvent::Subscribe,
        WatcherCause::Approved => WatcherEvent::Approved,
        WatcherCause::Rejected => WatcherEvent::Rejected,
        WatcherCause::Left => WatcherEvent::Timeout,
        WatcherCause::Giveup => WatcherEvent::Giveup,
        WatcherCause::NoResource => WatcherEvent::NoResource,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back() {
        for reason in [
            EndReason::Deactivated,
            EndReason::Probation,
            EndReason::Rejected,
            EndReason::Timeout,
            EndReason::Giveup,
            EndReason::NoResource,
            EndReason::Invariant,
        ] {
            assert_eq!(from_reason(Some(to_reason(reason))), reason);
        }
        assert_eq!(from_reason(Some("novel")), EndReason::Timeout);
    }

    #[test]
    fn rfc3857_4_7_1_every_state_reads_back_and_every_cause_has_its_event() {
        for state in [WatcherState::Pending, WatcherState::Active, WatcherState::Waiting, WatcherState::Ended] {
            assert_eq!(from_status(to_status(state)), state);
        }
        for (cause, word) in [
            (WatcherCause::Subscribed, "subscribe"),
            (WatcherCause::Approved, "approved"),
            (WatcherCause::Rejected, "rejected"),
            (WatcherCause::Left, "timeout"),
            (WatcherCause::Giveup, "giveup"),
            (WatcherCause::NoResource, "noresource"),
        ] {
            assert_eq!(to_event(cause).word(), word);
        }
    }
}
