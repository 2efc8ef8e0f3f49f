//! What a NOTIFY says, checked.

use super::settings::SubscriberSettings;
use crate::event::body::Body;
use crate::message::header::event::{SubscriptionStatus, TerminationReason};
use crate::message::header::identifier::EntityTag;
use crate::message::request::Request;
use crate::message::status::StatusCode;
use std::time::Duration;

/// The content of an acceptable NOTIFY.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    pub(super) standing: Standing,
    pub(super) body: Option<Body>,
    pub(super) entity_tag: Option<EntityTag>,
}

/// What Subscription-State says.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// `pending`, or a state that is not known here.
    Pending {
        expires_s: Option<u32>,
    },
    Active {
        expires_s: Option<u32>,
    },
    Terminated {
        reason: Option<TerminationReason>,
        retry_after: Option<Duration>,
    },
}

impl Notification {
    // RFC 6665 §4.1.3
    /// Reads a NOTIFY whose dialog fits already.
    ///
    /// # Errors
    /// The status code to refuse it with.
    pub(super) fn from_request(notify: &Request, settings: &SubscriberSettings) -> Result<Self, StatusCode> {
        let headers = notify.headers();
        let event = headers.event().map_err(|_| StatusCode::BAD_REQUEST)?.ok_or(StatusCode::BAD_EVENT)?;
        if settings.package() != *event.package() {
            return Err(StatusCode::BAD_EVENT);
        }
        // RFC 6665 §8.2.1
        if !event.is_same(&settings.event) {
            return Err(StatusCode::CALL_DOES_NOT_EXIST);
        }
        let state = headers.subscription_state().ok().flatten().ok_or(StatusCode::BAD_REQUEST)?;
        let standing = match state.status() {
            SubscriptionStatus::Active => Standing::Active { expires_s: state.expires_s() },
            // S-SB-06: an unknown state keeps the dialog and shows nothing.
            SubscriptionStatus::Pending | SubscriptionStatus::Other(_) => {
                Standing::Pending { expires_s: state.expires_s() }
            }
            SubscriptionStatus::Terminated => Standing::Terminated {
                reason: state.reason(),
                retry_after: state.retry_after_s().map(|seconds| Duration::from_secs(u64::from(seconds))),
            },
        };
        let body = Body::from_message(headers, notify.body());
        let entity_tag = headers.entity_tag().ok().flatten().map(|tag| tag.detach());
        Ok(Self { standing, body, entity_tag })
    }
}
