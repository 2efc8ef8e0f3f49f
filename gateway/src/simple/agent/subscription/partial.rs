//! Neighbours that tell what has changed (RFC 5263): what they send becomes the whole document before anybody reads it.

use crate::simple::agent::{Agent, to_sip};
use mapping::time::Timestamp;
use sip_proto::{
    body::{
        partial::{MEDIA_TYPE, PartialCopy, Taken},
        xml::XmlLimits,
    },
    event::{
        body::Body,
        subscriber::{SubscriberEvent, SubscriptionChange},
    },
    message::header::media_type::MediaType,
};
use std::sync::Arc;

/// What one neighbour has told of one presentity.
#[derive(Debug, Default)]
pub(super) struct Partial {
    copy: PartialCopy,
    /// Refreshes since the last document that could be used.
    refreshes: u8,
}

impl Agent {
    // RFC 5263 §4.5
    /// The change with the whole document, where it came with a partial one; without any, where that is of no use.
    pub(super) fn unfold(&mut self, now: Timestamp, tag: &Arc<str>, change: SubscriptionChange) -> SubscriptionChange {
        match change {
            SubscriptionChange::Active { body: Some(body) } => {
                SubscriptionChange::Active { body: self.whole(now, tag, body) }
            }
            SubscriptionChange::Ended { reason, retry_after, body: Some(body) } => {
                SubscriptionChange::Ended { reason, retry_after, body: self.whole(now, tag, body) }
            }
            SubscriptionChange::Pending
            | SubscriptionChange::Active { body: None }
            | SubscriptionChange::Ended { body: None, .. }
            | SubscriptionChange::Failed { .. } => change,
        }
    }

    fn whole(&mut self, now: Timestamp, tag: &Arc<str>, body: Body) -> Option<Body> {
        let correlation = self.current;
        let entry = self.subscribers.entries.get_mut(tag)?;
        if !body.media_type().is(MEDIA_TYPE) {
            if let Some(partial) = &mut entry.partial {
                partial.copy.forget();
            }
            return Some(body);
        }
        let partial = entry.partial.get_or_insert_default();
        let taken = partial.copy.take(body.content(), &XmlLimits::PRESENCE);
        match taken {
            Taken::Whole(text) => {
                partial.refreshes = 0;
                let media_type = MediaType::parse(entry.wish.package.media_type()).ok()?;
                return Some(Body::new(media_type, text.into()));
            }
            Taken::Old => return None,
            Taken::Gap => {}
            Taken::Failed(error) => {
                tracing::debug!(side = "simple", %correlation, %error, "partial document not applied");
                crate::observe::metric::malformed(mapping::side::Side::Simple);
            }
        }
        // Whoever does not get it right with the whole document is asked for another form of it, and then left alone.
        partial.refreshes = partial.refreshes.saturating_add(1);
        if partial.refreshes > 1 {
            entry.machine.ask_no_more_for(MEDIA_TYPE);
        }
        if partial.refreshes <= REFRESHES_MAX {
            entry.machine.forget_entity_tag();
            entry.machine.handle(to_sip(now), SubscriberEvent::Refresh);
        }
        None
    }
}

/// Refreshes in a row that bring nothing of use; then the next regular one has to.
const REFRESHES_MAX: u8 = 3;
