//! Status codes and their reason phrases.

use crate::error::ValueError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A status code from 100 to 699.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub struct StatusCode(u16);

macro_rules! statuses {
    ($($name:ident $code:literal $phrase:literal;)*) => {
        impl StatusCode {
            $(#[doc = concat!(stringify!($code), " ", $phrase, ".")]
            pub const $name: Self = Self($code);)*

            /// The usual reason phrase; the one of the class for a code without its own.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $phrase,)*
                    100..=199 => "Progress",
                    200..=299 => "OK",
                    300..=399 => "Redirection",
                    400..=499 => "Request Failure",
                    500..=599 => "Server Failure",
                    _ => "Global Failure",
                }
            }

            /// Whether the code has a reason phrase of its own here.
            #[must_use]
            pub fn has_own_reason(self) -> bool {
                matches!(self.0, $($code)|*)
            }
        }
    };
}

statuses! {
    TRYING 100 "Trying";
    RINGING 180 "Ringing";
    CALL_IS_BEING_FORWARDED 181 "Call Is Being Forwarded";
    QUEUED 182 "Queued";
    SESSION_PROGRESS 183 "Session Progress";
    OK 200 "OK";
    ACCEPTED 202 "Accepted";
    NO_NOTIFICATION 204 "No Notification";
    MULTIPLE_CHOICES 300 "Multiple Choices";
    MOVED_PERMANENTLY 301 "Moved Permanently";
    MOVED_TEMPORARILY 302 "Moved Temporarily";
    USE_PROXY 305 "Use Proxy";
    ALTERNATIVE_SERVICE 380 "Alternative Service";
    BAD_REQUEST 400 "Bad Request";
    UNAUTHORIZED 401 "Unauthorized";
    PAYMENT_REQUIRED 402 "Payment Required";
    FORBIDDEN 403 "Forbidden";
    NOT_FOUND 404 "Not Found";
    METHOD_NOT_ALLOWED 405 "Method Not Allowed";
    NOT_ACCEPTABLE 406 "Not Acceptable";
    PROXY_AUTHENTICATION_REQUIRED 407 "Proxy Authentication Required";
    REQUEST_TIMEOUT 408 "Request Timeout";
    GONE 410 "Gone";
    CONDITIONAL_REQUEST_FAILED 412 "Conditional Request Failed";
    REQUEST_ENTITY_TOO_LARGE 413 "Request Entity Too Large";
    REQUEST_URI_TOO_LONG 414 "Request-URI Too Long";
    UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type";
    UNSUPPORTED_URI_SCHEME 416 "Unsupported URI Scheme";
    BAD_EXTENSION 420 "Bad Extension";
    EXTENSION_REQUIRED 421 "Extension Required";
    SESSION_INTERVAL_TOO_SMALL 422 "Session Interval Too Small";
    INTERVAL_TOO_BRIEF 423 "Interval Too Brief";
    PROVIDE_REFERRER_IDENTITY 429 "Provide Referrer Identity";
    FLOW_FAILED 430 "Flow Failed";
    ANONYMITY_DISALLOWED 433 "Anonymity Disallowed";
    FIRST_HOP_LACKS_OUTBOUND_SUPPORT 439 "First Hop Lacks Outbound Support";
    MAX_BREADTH_EXCEEDED 440 "Max-Breadth Exceeded";
    TEMPORARILY_UNAVAILABLE 480 "Temporarily Unavailable";
    CALL_DOES_NOT_EXIST 481 "Call/Transaction Does Not Exist";
    LOOP_DETECTED 482 "Loop Detected";
    TOO_MANY_HOPS 483 "Too Many Hops";
    ADDRESS_INCOMPLETE 484 "Address Incomplete";
    AMBIGUOUS 485 "Ambiguous";
    BUSY_HERE 486 "Busy Here";
    REQUEST_TERMINATED 487 "Request Terminated";
    NOT_ACCEPTABLE_HERE 488 "Not Acceptable Here";
    BAD_EVENT 489 "Bad Event";
    REQUEST_PENDING 491 "Request Pending";
    UNDECIPHERABLE 493 "Undecipherable";
    SERVER_INTERNAL_ERROR 500 "Server Internal Error";
    NOT_IMPLEMENTED 501 "Not Implemented";
    BAD_GATEWAY 502 "Bad Gateway";
    SERVICE_UNAVAILABLE 503 "Service Unavailable";
    SERVER_TIMEOUT 504 "Server Time-out";
    VERSION_NOT_SUPPORTED 505 "Version Not Supported";
    MESSAGE_TOO_LARGE 513 "Message Too Large";
    BUSY_EVERYWHERE 600 "Busy Everywhere";
    DECLINE 603 "Decline";
    DOES_NOT_EXIST_ANYWHERE 604 "Does Not Exist Anywhere";
    NOT_ACCEPTABLE_ANYWHERE 606 "Not Acceptable";
}

impl StatusCode {
    /// A code from a number.
    ///
    /// # Errors
    /// [`ValueError::Number`] outside 100 to 699.
    pub fn from_number(code: u16) -> Result<Self, ValueError> {
        // RFC 3261 §7.2
        if (100..=699).contains(&code) { Ok(Self(code)) } else { Err(ValueError::Number) }
    }

    /// The number.
    #[must_use]
    pub fn to_number(self) -> u16 {
        self.0
    }

    /// 1xx.
    #[must_use]
    pub fn is_provisional(self) -> bool {
        self.0 < 200
    }

    /// 200 and above.
    #[must_use]
    pub fn is_final(self) -> bool {
        !self.is_provisional()
    }

    /// 2xx.
    #[must_use]
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.0)
    }

    /// 3xx.
    #[must_use]
    pub fn is_redirection(self) -> bool {
        (300..400).contains(&self.0)
    }

    /// The first digit, 1 to 6.
    #[must_use]
    pub fn class(self) -> u16 {
        self.0 / 100
    }
}

impl From<StatusCode> for u16 {
    fn from(code: StatusCode) -> Self {
        code.0
    }
}

impl TryFrom<u16> for StatusCode {
    type Error = ValueError;
    fn try_from(code: u16) -> Result<Self, ValueError> {
        Self::from_number(code)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_outside_the_six_classes_are_refused() {
        assert!(StatusCode::from_number(99).is_err());
        assert!(StatusCode::from_number(700).is_err());
        assert_eq!(StatusCode::from_number(489), Ok(StatusCode::BAD_EVENT));
        assert_eq!(StatusCode::from_number(699).unwrap().reason(), "Global Failure");
    }
}
