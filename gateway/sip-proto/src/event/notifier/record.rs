//! The record of a subscription that survives a restart.

use super::admission::keep_event;
use super::{News, Notifier, NotifierState, TimeoutRule};
use crate::dialog::Dialog;
use crate::event::package::PackageRegistry;
use crate::message::header::event::Event;
use crate::snapshot::{SnapshotError, SnapshotKind, SnapshotReader, SnapshotWriter};
use crate::time::Timestamp;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

impl Notifier {
    /// The octets to store; `None` when the subscription is over. The document is not among them.
    pub fn to_snapshot(&mut self) -> Option<Bytes> {
        let state = match self.state {
            NotifierState::Pending => 1,
            NotifierState::Active => 2,
            NotifierState::Terminating | NotifierState::Ended => return None,
        };
        // What has no end yet is a fetch.
        let expires_at = self.expires_at?;
        let mut writer = SnapshotWriter::new(SnapshotKind::Notifier, VERSION);
        self.dialog.write(&mut writer);
        writer.text(&self.event);
        writer.number(state);
        writer.optional_number(Some(expires_at.as_millis()));
        Some(writer.finish())
    }

    // RFC 3261 §12.2.2
    /// The subscription after a restart; its NOTIFYs are numbered above all earlier ones. It is silent until the owner says what
    /// the state is, or it expires.
    ///
    /// # Errors
    /// [`SnapshotError`] for octets that are no such record, or of a package that is not known any more.
    pub fn from_snapshot(
        octets: &[u8],
        packages: &PackageRegistry,
        timeout_rule: TimeoutRule,
    ) -> Result<Self, SnapshotError> {
        let mut reader = SnapshotReader::new(octets, SnapshotKind::Notifier, VERSION)?;
        let dialog = Dialog::read(&mut reader)?;
        let event = Event::from_text(&reader.text()?).map_err(|_| SnapshotError::BadValue)?;
        let state = match reader.number()? {
            1 => NotifierState::Pending,
            2 => NotifierState::Active,
            _ => return Err(SnapshotError::BadValue),
        };
        let expires_at = reader.optional_number()?.map(Timestamp::from_millis).ok_or(SnapshotError::BadValue)?;
        reader.finish()?;
        let package = packages.find(event.package()).ok_or(SnapshotError::BadValue)?;
        let event = keep_event(&event, package);
        Ok(Self {
            package: Arc::clone(package),
            timeout_rule,
            event,
            dialog,
            state,
            granted_s: 0,
            expires_at: Some(expires_at),
            body: None,
            in_flight: None,
            news: News::Told,
            retry_at: None,
            farewell: None,
            condition: None,
            challenge: None,
            commands: VecDeque::new(),
        })
    }
}

const VERSION: u8 = 1;
