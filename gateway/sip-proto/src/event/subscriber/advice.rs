//! Whether and when to try again after a subscription ended or was refused: facts of the specifications, for the owner's policy.

use crate::message::header::event::TerminationReason;
use crate::message::status::StatusCode;
use std::time::Duration;

/// What to do about a subscription that is still wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAdvice {
    /// Subscribe again, with a new Call-ID and From tag, not before this wait.
    After(Duration),
    /// Subscribe again with growing waits.
    BackOff,
    /// Not before this time, or a change of policy.
    Rest(Duration),
    /// Not in this form: the target, package or filter will not become acceptable by waiting.
    Never,
    /// Again with credentials.
    Authenticate,
}

// RFC 6665 §4.1.3
/// What the end of a subscription means when it is still wanted; `retry_after` counts only where the specification says so.
#[must_use]
pub fn end_advice(reason: Option<&TerminationReason>, retry_after: Option<Duration>) -> RetryAdvice {
    match reason {
        Some(TerminationReason::Deactivated | TerminationReason::Timeout) => RetryAdvice::After(Duration::ZERO),
        Some(TerminationReason::Probation) => retry_after.map_or(RetryAdvice::BackOff, RetryAdvice::After),
        Some(TerminationReason::Rejected | TerminationReason::NoResource | TerminationReason::Invariant) => {
            RetryAdvice::Never
        }
        // RFC 4660 §5.3
        Some(TerminationReason::Other(token)) if token.is_like("badfilter") => RetryAdvice::Never,
        Some(TerminationReason::GiveUp | TerminationReason::Other(_)) | None => {
            RetryAdvice::After(retry_after.unwrap_or(Duration::ZERO))
        }
    }
}

// RFC 6665 §4.1.2.1
/// What the refusal of an initial SUBSCRIBE means for a subscription that is still wanted.
#[must_use]
pub fn refusal_advice(status: StatusCode, retry_after: Option<Duration>) -> RetryAdvice {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => RetryAdvice::Authenticate,
        StatusCode::FORBIDDEN | StatusCode::DECLINE => RetryAdvice::Rest(POLICY_REST),
        StatusCode::NOT_FOUND | StatusCode::DOES_NOT_EXIST_ANYWHERE => RetryAdvice::Rest(UNKNOWN_REST),
        StatusCode::REQUEST_TIMEOUT => retry_after.map_or(RetryAdvice::BackOff, RetryAdvice::After),
        StatusCode::NOT_IMPLEMENTED => RetryAdvice::Never,
        other => match (other.class(), retry_after) {
            (_, Some(wait)) => RetryAdvice::After(wait),
            (5, None) => RetryAdvice::BackOff,
            _ if other == StatusCode::TEMPORARILY_UNAVAILABLE || other == StatusCode::CALL_DOES_NOT_EXIST => {
                RetryAdvice::BackOff
            }
            _ => RetryAdvice::Never,
        },
    }
}

// RFC 6665 §4.1.2.2, §4.2.2
/// Whether a failed refresh or NOTIFY with this status ends the subscription: the same list for both.
#[must_use]
pub fn is_terminating(status: StatusCode) -> bool {
    matches!(status.to_number(), 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}

/// How long a refusal by policy is believed.
const POLICY_REST: Duration = Duration::from_secs(24 * 3600);

/// How long an unknown address is believed to stay unknown.
const UNKNOWN_REST: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_sb_07_every_reason_has_its_advice() {
        let wait = Some(Duration::from_secs(30));
        let after = |seconds| RetryAdvice::After(Duration::from_secs(seconds));
        for (token, without, with) in [
            (Some("deactivated"), after(0), after(0)),
            (Some("probation"), RetryAdvice::BackOff, after(30)),
            (Some("rejected"), RetryAdvice::Never, RetryAdvice::Never),
            (Some("timeout"), after(0), after(0)),
            (Some("giveup"), after(0), after(30)),
            (Some("noresource"), RetryAdvice::Never, RetryAdvice::Never),
            (Some("invariant"), RetryAdvice::Never, RetryAdvice::Never),
            (Some("badfilter"), RetryAdvice::Never, RetryAdvice::Never),
            (Some("expired"), after(0), after(30)),
            (None, after(0), after(30)),
        ] {
            let reason = token.map(TerminationReason::read);
            assert_eq!(end_advice(reason.as_ref(), None), without, "{token:?}");
            assert_eq!(end_advice(reason.as_ref(), wait), with, "{token:?}");
        }
    }

    #[test]
    fn s_sb_04_the_terminating_codes_are_those_of_the_list() {
        let list: Vec<u16> =
            (100..700).filter(|code| is_terminating(StatusCode::from_number(*code).unwrap())).collect();
        assert_eq!(list, [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);
    }

    #[test]
    fn s_sb_05_refusals_are_permanent_temporary_or_a_matter_of_credentials() {
        let wait = Some(Duration::from_secs(9));
        for (code, advice) in [
            (401, RetryAdvice::Authenticate),
            (407, RetryAdvice::Authenticate),
            (403, RetryAdvice::Rest(POLICY_REST)),
            (603, RetryAdvice::Rest(POLICY_REST)),
            (404, RetryAdvice::Rest(UNKNOWN_REST)),
            (604, RetryAdvice::Rest(UNKNOWN_REST)),
            (405, RetryAdvice::Never),
            (489, RetryAdvice::Never),
            (501, RetryAdvice::Never),
            (408, RetryAdvice::BackOff),
            (500, RetryAdvice::BackOff),
            (503, RetryAdvice::BackOff),
        ] {
            assert_eq!(refusal_advice(StatusCode::from_number(code).unwrap(), None), advice, "{code}");
        }
        assert_eq!(refusal_advice(StatusCode::SERVICE_UNAVAILABLE, wait), RetryAdvice::After(Duration::from_secs(9)));
    }
}
