//! The record of a subscription that survives a restart.

use super::settings::SubscriberSettings;
use super::{Intent, Subscriber, SubscriberState};
use crate::dialog::{Dialog, DialogId};
use crate::message::header::identifier::EntityTag;
use crate::snapshot::{SnapshotError, SnapshotKind, SnapshotReader, SnapshotWriter};
use crate::time::Timestamp;
use bytes::Bytes;
use std::time::Duration;

impl Subscriber {
    /// The octets to store; `None` before there is a dialog, when a restart simply subscribes anew.
    pub fn to_snapshot(&mut self) -> Option<Bytes> {
        let state = state_number(self.state)?;
        let dialog = self.dialog.as_mut()?;
        let mut writer = SnapshotWriter::new(SnapshotKind::Subscriber, VERSION);
        dialog.write(&mut writer);
        writer.number(state);
        writer.number(u64::from(self.wish_s));
        writer.number(self.asked_at.as_millis());
        writer.optional_number(self.expires_at.map(Timestamp::as_millis));
        writer.optional_text(self.entity_tag.as_ref().map(EntityTag::as_str));
        Some(writer.finish())
    }

    // RFC 6665 §4.1.2.2
    /// The subscription after a restart. It refreshes `spread` from now, which brings the whole state again; the owner chooses a
    /// different `spread` for each. Call-ID and tag of the settings are replaced by those of the record.
    ///
    /// # Errors
    /// [`SnapshotError`] for octets that are no such record.
    pub fn from_snapshot(
        now: Timestamp,
        octets: &[u8],
        mut settings: SubscriberSettings,
        spread: Duration,
    ) -> Result<Self, SnapshotError> {
        let mut reader = SnapshotReader::new(octets, SnapshotKind::Subscriber, VERSION)?;
        let dialog = Dialog::read(&mut reader)?;
        let state = state_from_number(reader.number()?)?;
        let wish_s = reader.small_number()?;
        let asked_at = Timestamp::from_millis(reader.number()?);
        let expires_at = reader.optional_number()?.map(Timestamp::from_millis);
        let entity_tag = match reader.optional_text()? {
            Some(text) => Some(EntityTag::from_text(text).map_err(|_| SnapshotError::BadValue)?),
            None => None,
        };
        reader.finish()?;
        let DialogId { call_id, local_tag, .. } = dialog.id();
        (settings.call_id, settings.tag) = (call_id, local_tag);
        let mut subscriber = Self::new(settings);
        subscriber.dialog = Some(Box::new(dialog));
        subscriber.state = state;
        subscriber.wish_s = wish_s;
        subscriber.asked_at = asked_at;
        subscriber.entity_tag = entity_tag;
        if state == SubscriberState::Leaving {
            subscriber.intent = Intent::Leave;
            subscriber.timer_n = Some(now.after(subscriber.settings.timers.transaction_timeout()));
        } else {
            // Without known end the lifetime asked for counts from the last SUBSCRIBE.
            let end = expires_at.unwrap_or_else(|| asked_at.after(Duration::from_secs(u64::from(wish_s))));
            subscriber.expires_at = Some(end);
            subscriber.refresh_at = Some(now.after(spread));
        }
        Ok(subscriber)
    }
}

/// Only these states have something to survive.
const fn state_number(state: SubscriberState) -> Option<u64> {
    match state {
        SubscriberState::Pending => Some(1),
        SubscriberState::Active => Some(2),
        SubscriberState::Leaving => Some(3),
        SubscriberState::Idle | SubscriberState::Subscribing | SubscriberState::Ended => None,
    }
}

const fn state_from_number(number: u64) -> Result<SubscriberState, SnapshotError> {
    match number {
        1 => Ok(SubscriberState::Pending),
        2 => Ok(SubscriberState::Active),
        3 => Ok(SubscriberState::Leaving),
        _ => Err(SnapshotError::BadValue),
    }
}

const VERSION: u8 = 1;
