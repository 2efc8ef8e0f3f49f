//! Conditional notification: a watcher that says what it has is spared what it has.

use super::{Notifier, NotifierCommand, NotifierState, RemovalCause};
use crate::message::header::identifier::EntityTag;
use crate::message::headers::{Header, Headers};
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::text::Text;
use crate::time::Timestamp;
use crate::transaction::ServerTransactionId;
use std::time::Duration;

// RFC 5839 §5.2
/// What the watcher has, by the last SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The state with this tag.
    Has(EntityTag),
    /// It wants no state at all for now.
    WantsNone,
}

impl Condition {
    pub(super) fn of(subscribe: &Headers) -> Option<Self> {
        let tag = subscribe.suppress_if_match().ok().flatten()?.detach();
        Some(if tag.as_str() == "*" { Self::WantsNone } else { Self::Has(tag) })
    }
}

impl Notifier {
    // RFC 5839 §6.1
    /// The tag of what this watcher may see now: made of the state itself, so that it is the same after a restart.
    pub(super) fn entity_tag(&self) -> Option<Text> {
        if !self.package.has_entity_tags {
            return None;
        }
        let shown = self.body.as_ref().filter(|_| self.state != NotifierState::Pending);
        Some(shown.map_or(NOTHING, |body| body.tag().clone()))
    }

    /// Whether the watcher has what it would be told.
    pub(super) fn is_held(&self) -> bool {
        match self.condition.as_deref() {
            None => false,
            Some(Condition::WantsNone) => self.package.has_entity_tags,
            Some(Condition::Has(tag)) => {
                self.entity_tag().is_some_and(|current| current.as_bytes() == tag.as_str().as_bytes())
            }
        }
    }

    // RFC 5839 §6.3
    /// What was true once and is not any more does not become true again: the watcher has been told something else.
    pub(super) fn drop_stale_condition(&mut self) {
        if !self.is_held() {
            self.condition = None;
        }
    }

    // RFC 5839 §6.3
    /// Says 204, and sends nothing.
    pub(super) fn spare(
        &mut self,
        now: Timestamp,
        transaction: ServerTransactionId,
        subscribe: &Request,
        expires_s: u32,
    ) {
        let tag = self.dialog.local_tag();
        let mut response = Response::for_request(subscribe, StatusCode::NO_NOTIFICATION, Some(&tag))
            .with(Header::new(HeaderName::Expires, expires_s))
            .with(Header::new(HeaderName::Contact, self.dialog.contact()));
        response.copy_record_route(subscribe.headers());
        self.commands.push_back(NotifierCommand::Respond { transaction, response });
        if expires_s == 0 {
            // RFC 5839 §5.7
            return self.remove(RemovalCause::Unsubscribed);
        }
        let expires_at = now.after(Duration::from_secs(u64::from(expires_s)));
        self.expires_at = Some(expires_at);
        self.commands.push_back(NotifierCommand::LeaseGranted { expires_at });
    }
}

/// The tag of a state of which nothing is known, or nothing shown.
const NOTHING: Text = Text::from_static("0");
