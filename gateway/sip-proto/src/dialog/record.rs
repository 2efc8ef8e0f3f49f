//! The record of a dialog that survives a restart.

use super::{Dialog, Parts};
use crate::message::header::address::NameAddr;
use crate::message::header::contact::Contact;
use crate::message::header::cseq::Sequence;
use crate::message::header::identifier::CallId;
use crate::message::uri::Uri;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl Dialog {
    /// Writes the dialog into a snapshot and reserves sequence numbers: until [`Dialog::is_record_due`] says so, requests may
    /// be sent without another record.
    pub fn write(&mut self, writer: &mut SnapshotWriter) {
        let reserved = self.local_sequence.to_number().saturating_add(SEQUENCE_RESERVE);
        self.reserved_sequence = Sequence::from_number(reserved).unwrap_or(self.local_sequence);
        let places =
            [self.call_id_place(), self.local_place(), self.remote_place(), self.contact_place(), self.target_place()];
        places.into_iter().for_each(|place| writer.text(self.part(place)));
        writer.number(u64::try_from(self.route_places().count()).unwrap_or(u64::MAX));
        self.route_places().for_each(|place| writer.text(self.part(place)));
        writer.number(u64::from(self.reserved_sequence.to_number()));
        writer.optional_number(self.remote_sequence.map(|sequence| u64::from(sequence.to_number())));
    }

    // RFC 3261 §12.2.2
    /// Reads a dialog; its next request has a number above any that was sent before the restart.
    ///
    /// # Errors
    /// [`SnapshotError`] when a value is missing or does not parse.
    pub fn read(reader: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let call_id = CallId::from_text(reader.text()?).map_err(|_| SnapshotError::BadValue)?;
        let local = read_address(reader)?;
        let remote = read_address(reader)?;
        let contact = Contact::from(read_address(reader)?);
        let remote_target = Uri::from_text(&reader.text()?).map_err(|_| SnapshotError::BadValue)?;
        let route_count = reader.number()?;
        if route_count > ROUTES_MAX {
            return Err(SnapshotError::BadValue);
        }
        let route_set = (0..route_count).map(|_| read_address(reader)).collect::<Result<Vec<_>, _>>()?;
        let reserved_sequence = to_sequence(reader.number()?)?;
        let remote_sequence = match reader.optional_number()? {
            Some(number) => Some(to_sequence(number)?),
            None => None,
        };
        if local.tag().is_none() || remote.tag().is_none() {
            return Err(SnapshotError::BadValue);
        }
        let (call_id, contact, target) = (&call_id, &contact, &remote_target);
        let parts = Parts { call_id, local: &local, remote: &remote, contact, target };
        Self::of(&parts, &route_set, reserved_sequence, remote_sequence).map_err(|_| SnapshotError::BadValue)
    }

    /// Whether the numbers that the last record reserved are used up, or none was written: time for a new record, before the
    /// next request is sent.
    #[must_use]
    pub fn is_record_due(&self) -> bool {
        self.local_sequence >= self.reserved_sequence
    }
}

fn to_sequence(number: u64) -> Result<Sequence, SnapshotError> {
    u32::try_from(number).ok().and_then(|number| Sequence::from_number(number).ok()).ok_or(SnapshotError::BadValue)
}

fn read_address(reader: &mut SnapshotReader<'_>) -> Result<NameAddr, SnapshotError> {
    NameAddr::from_text(&reader.text()?).map_err(|_| SnapshotError::BadValue)
}

/// So many requests may follow a record. Gaps are allowed (RFC 3261 §12.2.2), and four billion numbers last for all of them.
const SEQUENCE_RESERVE: u32 = 1000;

/// No route set of a received message is longer, see the limits of the decoder.
const ROUTES_MAX: u64 = 128;
