//! Subscription states and reasons.

use mapping::watcher::EndReason;

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
}
