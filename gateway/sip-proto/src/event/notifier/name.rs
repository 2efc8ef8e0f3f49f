//! What the state table calls events.

use super::NotifierEvent;
use std::fmt;

/// An event as the state table names it.
pub(super) struct Name<'a>(pub(super) &'a NotifierEvent);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            NotifierEvent::Subscribe { request, .. } => {
                let expires_s = request.headers().expires_s().ok().flatten();
                write!(f, "Subscribe {}", expires_s.map_or_else(String::new, |seconds| seconds.to_string()))
            }
            NotifierEvent::Response(response) => write!(f, "Response {}", response.status().to_number()),
            NotifierEvent::TimedOut => f.write_str("TimedOut"),
            NotifierEvent::RequestFailed => f.write_str("RequestFailed"),
            NotifierEvent::Authorize(_) => f.write_str("Authorize"),
            NotifierEvent::Update(_) => f.write_str("Update"),
            NotifierEvent::Grant(_) => f.write_str("Grant"),
            NotifierEvent::Terminate { .. } => f.write_str("Terminate"),
        }
    }
}
