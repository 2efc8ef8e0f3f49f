//! Publications as records that survive the process.

use super::{Compositor, Key, Publication, PublicationId};
use crate::message::header::identifier::EntityTag;
use crate::snapshot::{SnapshotError, SnapshotKind, SnapshotReader, SnapshotWriter};
use crate::time::Timestamp;
use bytes::Bytes;

const VERSION: u8 = 1;

impl Compositor {
    /// The record of one publication, to be stored with its state; `None` when there is no such publication.
    #[must_use]
    pub fn snapshot(&self, id: &PublicationId) -> Option<Bytes> {
        let publication = self.by_id.get(id).and_then(|slot| self.publications.get(slot))?;
        let mut writer = SnapshotWriter::new(SnapshotKind::Publication, VERSION);
        writer.text(publication.id.as_str());
        writer.text(&publication.key.resource);
        writer.text(&publication.key.package);
        writer.text(publication.entity_tag.as_str());
        writer.number(publication.expires_at.as_millis());
        Some(writer.finish())
    }

    /// Takes a publication back from its record. One whose time is over comes back too and is reported by the next
    /// [`Compositor::expire`]; one that is here already stays as it is.
    ///
    /// # Errors
    /// [`SnapshotError`] when the record is none.
    pub fn restore(&mut self, record: &[u8]) -> Result<PublicationId, SnapshotError> {
        let mut reader = SnapshotReader::new(record, SnapshotKind::Publication, VERSION)?;
        let id = PublicationId(reader.text()?.as_str().into());
        let key = Key { resource: reader.text()?.as_str().into(), package: reader.text()?.as_str().into() };
        let entity_tag = EntityTag::parse(&reader.text()?).map_err(|_| SnapshotError::BadValue)?;
        let expires_at = Timestamp::from_millis(reader.number()?);
        reader.finish()?;
        if !self.by_id.contains_key(&id) {
            self.insert(Publication { id: id.clone(), key, entity_tag, expires_at });
        }
        Ok(id)
    }
}
