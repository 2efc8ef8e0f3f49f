//! What of an association survives the end of the process.

use super::{
    Association, AssociationSettings, Session, Standing,
    event::{Kept, Request},
    setup::Half,
};
use crate::{
    limit::Limits,
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    session::time::Timestamp,
    snapshot::{
        SnapshotError,
        field::{Reader, Writer},
    },
    ssp::{
        document::{Body, Document, Transaction},
        setup::SecretToken,
    },
    version::Version,
};
use bytes::Bytes;
use thiserror::Error;

/// Why kept octets are not taken up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssociationError {
    /// They are no snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The transaction in them cannot be read.
    #[error("the kept transaction cannot be read")]
    Transaction,
}

impl Association {
    /// The octets that bring it back, without its transactions.
    pub(super) fn export(&self) -> Bytes {
        let mut writer = Writer::default();
        writer.octets(MAGIC);
        writer.octet(FORMAT);
        writer.number(self.reserved.max(self.next_number));
        writer.number(self.open_after.as_millis());
        let sessions: Vec<&Session> = self.sessions.iter().collect();
        writer.list(&sessions, |writer, session| {
            writer.text(session.setup.as_str());
            writer.text(session.own.as_str());
            writer.text(session.peer.as_str());
            writer.number(session.until.as_millis());
            writer.octet(u8::from(session.is_opened_here));
            writer.octet(u8::from(session.standing == Standing::Dead));
        });
        let place = Self::OPENER_STATES.iter().position(|state| *state == self.opener.state);
        write_half(&mut writer, place, self.opening.as_ref());
        let place = Self::ANSWERER_STATES.iter().position(|state| *state == self.answerer.state);
        write_half(&mut writer, place, self.answering.as_ref());
        writer.finish()
    }

    /// The association that was kept. Its transactions follow by [`Association::restore_transaction`].
    ///
    /// # Errors
    /// See [`AssociationError`].
    pub fn restore(now: Timestamp, settings: AssociationSettings, octets: &[u8]) -> Result<Self, AssociationError> {
        let body = octets.strip_prefix(MAGIC).ok_or(SnapshotError::NotASnapshot)?;
        let mut reader = Reader::new(body);
        match reader.octet()? {
            FORMAT => {}
            other => return Err(SnapshotError::UnknownFormat(other).into()),
        }
        let mut association = Self::new(now, settings);
        association.next_number = association.next_number.max(reader.number()?);
        association.reserved = association.next_number;
        let open_after = Timestamp::from_millis(reader.number()?);
        // A clock that was set back makes nobody wait for ever.
        association.open_after = open_after.min(now.after(association.settings.limits.setup_backoff_max));
        let sessions = reader.list(|reader| {
            Ok(Session {
                setup: TransactionId::new(reader.text()?),
                own: SessionId::new(reader.text()?),
                peer: SessionId::new(reader.text()?),
                until: Timestamp::from_millis(reader.number()?),
                is_opened_here: reader.octet()? != 0,
                // Whether the peer took the last step is known no more; what is sent in the session tells.
                standing: if reader.octet()? == 0 { Standing::Usable } else { Standing::Dead },
            })
        })?;
        association.sessions = sessions.into();
        association.sessions.truncate(association.settings.limits.sessions_max);
        let (place, half) = read_half(now, &mut reader)?;
        association.opener.state = *Self::OPENER_STATES.get(place).ok_or(SnapshotError::BadField)?;
        association.opening = half;
        let (place, half) = read_half(now, &mut reader)?;
        association.answerer.state = *Self::ANSWERER_STATES.get(place).ok_or(SnapshotError::BadField)?;
        association.answering = half;
        reader.finish()?;
        let is_whole = association.opening.is_some() == (association.opener != Default::default())
            && association.answering.is_some() == (association.answerer != Default::default());
        if is_whole { Ok(association) } else { Err(SnapshotError::BadField.into()) }
    }

    /// Takes up a kept transaction: it is posted again under its id, and nobody waits for what becomes of it unless the
    /// owner asks for the same once more.
    ///
    /// # Errors
    /// See [`AssociationError`].
    pub fn restore_transaction(&mut self, octets: &[u8]) -> Result<(), AssociationError> {
        let body = octets.strip_prefix(MAGIC).ok_or(SnapshotError::NotASnapshot)?;
        let mut reader = Reader::new(body);
        match reader.octet()? {
            FORMAT => {}
            other => return Err(SnapshotError::UnknownFormat(other).into()),
        }
        let name = reader.option(Reader::text)?;
        let line = reader.option(Reader::text)?;
        let is_impatient = reader.octet()? != 0;
        let expires = Timestamp::from_millis(reader.number()?);
        let text = reader.text()?;
        reader.finish()?;
        let document =
            Document::read(text.as_bytes(), &Limits::default()).map_err(|_| AssociationError::Transaction)?;
        let Body::Session(message) = document.body else { return Err(AssociationError::Transaction) };
        let Some(Transaction { transaction_id, content: Ok(primitive), .. }) = message.transactions.into_iter().next()
        else {
            return Err(AssociationError::Transaction);
        };
        let request = Request { key: 0, name, line, replaces: false, is_kept: true, is_impatient, expires, primitive };
        self.outbox.restore(transaction_id, request);
        Ok(())
    }

    /// Everything that is to be kept as it is now.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept::Association(self.export())
    }
}

/// The octets that bring a transaction back.
pub(super) fn export_transaction(transaction_id: &TransactionId, request: &Request) -> Bytes {
    let transaction = Transaction {
        mode: TransactionMode::Request,
        transaction_id: transaction_id.clone(),
        content: Ok(request.primitive.clone()),
    };
    let document = Document::transaction(Version::V1_3, SessionId::new("kept"), transaction);
    let octets = document.write().unwrap_or_default();
    let mut writer = Writer::default();
    writer.octets(MAGIC);
    writer.octet(FORMAT);
    writer.option(request.name.as_deref(), |writer, text| writer.text(text));
    writer.option(request.line.as_deref(), |writer, text| writer.text(text));
    writer.octet(u8::from(request.is_impatient));
    writer.number(request.expires.as_millis());
    writer.text(&String::from_utf8_lossy(&octets));
    writer.finish()
}

fn write_half(writer: &mut Writer, place: Option<usize>, half: Option<&Half>) {
    writer.octet(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(0));
    writer.option(half, |writer, half| {
        writer.text(half.transaction_id.as_str());
        writer.text(half.own.expose());
        writer.option(half.peer.as_ref(), |writer, secret| writer.text(secret.expose()));
        writer.option(half.session_id.as_ref(), |writer, id| writer.text(id.as_str()));
        writer.number(half.since.as_millis());
        writer.octet(half.step);
        writer.option(half.repeat_at, |writer, at| writer.number(at.as_millis()));
    });
}

fn read_half(now: Timestamp, reader: &mut Reader<'_>) -> Result<(usize, Option<Half>), SnapshotError> {
    let place = usize::from(reader.octet()?);
    let half = reader.option(|reader| {
        Ok(Half {
            transaction_id: TransactionId::new(reader.text()?),
            own: SecretToken::new(&reader.text()?),
            peer: reader.option(Reader::text)?.map(|text| SecretToken::new(&text)),
            session_id: reader.option(Reader::text)?.map(SessionId::new),
            since: Timestamp::from_millis(reader.number()?).min(now),
            step: reader.octet()?,
            repeat_at: reader.option(Reader::number)?.map(Timestamp::from_millis),
        })
    })?;
    Ok((place, half))
}

const MAGIC: &[u8] = b"WVSP";

const FORMAT: u8 = 1;
