//! Bindings as records that survive the process.

use super::{Binding, BindingId, Registrar};
use crate::message::header::contact::Contact;
use crate::message::header::cseq::Sequence;
use crate::message::header::identifier::CallId;
use crate::snapshot::{SnapshotError, SnapshotKind, SnapshotReader, SnapshotWriter};
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;

const VERSION: u8 = 1;

impl Registrar {
    /// The record of all bindings of an address of record; `None` when there are none.
    #[must_use]
    pub fn snapshot(&self, address: &str) -> Option<Bytes> {
        let bindings = self.bindings(address);
        if bindings.is_empty() {
            return None;
        }
        let mut writer = SnapshotWriter::new(SnapshotKind::Registration, VERSION);
        writer.text(address);
        writer.number(u64::try_from(bindings.len()).unwrap_or(u64::MAX));
        for binding in bindings {
            writer.text(binding.id.as_str());
            writer.text(&binding.contact.to_string());
            writer.number(binding.expires_at.as_millis());
            writer.number(binding.updated_at.as_millis());
            writer.optional_text(binding.source.as_deref());
            writer.text(binding.call_id.as_str());
            writer.number(u64::from(binding.sequence.to_number()));
        }
        Some(writer.finish())
    }

    /// Takes bindings back from their record; those whose time is over come back too and are reported by the next
    /// [`Registrar::expire`]. An address that has bindings already keeps those. Nothing is reported for what comes back.
    ///
    /// # Errors
    /// [`SnapshotError`] when the record is none.
    pub fn restore(&mut self, record: &[u8]) -> Result<Arc<str>, SnapshotError> {
        let mut reader = SnapshotReader::new(record, SnapshotKind::Registration, VERSION)?;
        let address: Arc<str> = reader.text()?.as_str().into();
        let mut bindings = Vec::new();
        for _ in 0..reader.number()? {
            bindings.push(read_binding(&mut reader)?);
        }
        reader.finish()?;
        if !self.by_address.contains_key(&address) {
            let slot = self.insert(address.clone());
            if let Some(registration) = self.registrations.get_mut(&slot) {
                registration.bindings = bindings;
            }
            self.settle(slot);
        }
        Ok(address)
    }
}

fn read_binding(reader: &mut SnapshotReader<'_>) -> Result<Binding, SnapshotError> {
    let id = BindingId(reader.text()?.as_str().into());
    let contact = Contact::from_text(&reader.text()?).map_err(|_| SnapshotError::BadValue)?.detach();
    let expires_at = Timestamp::from_millis(reader.number()?);
    let updated_at = Timestamp::from_millis(reader.number()?);
    let source = reader.optional_text()?.map(|source| source.as_str().to_owned());
    let call_id = CallId::parse(&reader.text()?).map_err(|_| SnapshotError::BadValue)?;
    let sequence = Sequence::from_number(reader.small_number()?).map_err(|_| SnapshotError::BadValue)?;
    Ok(Binding { id, contact, expires_at, updated_at, source, call_id, sequence })
}
