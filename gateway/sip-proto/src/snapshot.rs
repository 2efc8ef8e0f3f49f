//! The octets in which dialogs survive a restart: versioned, checked, and opaque to whoever stores them.

use crate::message::text::Text;
use bytes::{BufMut, Bytes, BytesMut};

/// Why a snapshot is not accepted. The owner drops the record; the peer repairs the subscription by subscribing again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written for another kind of machine.
    #[error("the snapshot belongs to another kind of machine")]
    WrongKind,
    /// Written by a version that this one cannot read.
    #[error("the snapshot has version {0}, which is not known")]
    UnknownVersion(u8),
    /// The checksum does not match.
    #[error("the snapshot is damaged")]
    Damaged,
    /// A value does not parse.
    #[error("the snapshot holds an impossible value")]
    BadValue,
}

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotKind {
    /// A dialog alone.
    Dialog,
    /// A subscriber machine.
    Subscriber,
    /// A notifier machine.
    Notifier,
    /// A publication at the event state compositor.
    Publication,
    /// The bindings of one address of record.
    Registration,
}

/// Writes one snapshot.
#[derive(Debug)]
pub struct SnapshotWriter(BytesMut);

impl SnapshotWriter {
    /// Begins a snapshot.
    #[must_use]
    pub fn new(kind: SnapshotKind, version: u8) -> Self {
        let mut octets = BytesMut::with_capacity(256);
        octets.put_u8(kind.to_octet());
        octets.put_u8(version);
        Self(octets)
    }

    /// Writes a number.
    pub fn number(&mut self, number: u64) {
        self.0.put_u64(number);
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        self.octets(text.as_bytes());
    }

    /// Writes octets; those past four gigabytes would be cut, which no limit of this crate lets happen.
    pub fn octets(&mut self, octets: &[u8]) {
        self.0.put_u32(u32::try_from(octets.len()).unwrap_or(u32::MAX));
        self.0.put_slice(octets);
    }

    /// Writes a text that may be absent.
    pub fn optional_text(&mut self, text: Option<&str>) {
        self.number(u64::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// Writes a number that may be absent.
    pub fn optional_number(&mut self, number: Option<u64>) {
        self.number(u64::from(number.is_some()));
        if let Some(number) = number {
            self.number(number);
        }
    }

    /// Ends the snapshot with its checksum.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        let checksum = checksum(&self.0);
        self.0.put_u32(checksum);
        self.0.freeze()
    }
}

/// Reads one snapshot.
#[derive(Debug)]
pub struct SnapshotReader<'a>(&'a [u8]);

impl<'a> SnapshotReader<'a> {
    /// Begins to read: checks checksum, kind and version.
    ///
    /// # Errors
    /// [`SnapshotError`] when one of the three does not fit.
    pub fn new(octets: &'a [u8], kind: SnapshotKind, version: u8) -> Result<Self, SnapshotError> {
        let (content, tail) = octets.split_last_chunk::<4>().ok_or(SnapshotError::Damaged)?;
        if checksum(content) != u32::from_be_bytes(*tail) {
            return Err(SnapshotError::Damaged);
        }
        let ([kind_octet, version_octet], rest) = content.split_first_chunk::<2>().ok_or(SnapshotError::Damaged)?;
        if *kind_octet != kind.to_octet() {
            return Err(SnapshotError::WrongKind);
        }
        if *version_octet != version {
            return Err(SnapshotError::UnknownVersion(*version_octet));
        }
        Ok(Self(rest))
    }

    /// Reads a number.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] at the end.
    pub fn number(&mut self) -> Result<u64, SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<8>().ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*head))
    }

    /// Reads a number that fits 32 bits.
    ///
    /// # Errors
    /// [`SnapshotError`] at the end or when it does not fit.
    pub fn small_number(&mut self) -> Result<u32, SnapshotError> {
        u32::try_from(self.number()?).map_err(|_| SnapshotError::BadValue)
    }

    /// Reads octets.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] at the end.
    pub fn octets(&mut self) -> Result<&'a [u8], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<4>().ok_or(SnapshotError::Damaged)?;
        let length = usize::try_from(u32::from_be_bytes(*head)).map_err(|_| SnapshotError::Damaged)?;
        let (octets, rest) = rest.split_at_checked(length).ok_or(SnapshotError::Damaged)?;
        self.0 = rest;
        Ok(octets)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`SnapshotError`] at the end or when it is not UTF-8.
    pub fn text(&mut self) -> Result<Text, SnapshotError> {
        Text::parse(Bytes::copy_from_slice(self.octets()?)).map_err(|_| SnapshotError::BadValue)
    }

    /// Reads a flag.
    ///
    /// # Errors
    /// [`SnapshotError`] at the end or when it is neither 0 nor 1.
    pub fn flag(&mut self) -> Result<bool, SnapshotError> {
        match self.number()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(SnapshotError::BadValue),
        }
    }

    /// Reads a text that may be absent.
    ///
    /// # Errors
    /// As [`SnapshotReader::text`].
    pub fn optional_text(&mut self) -> Result<Option<Text>, SnapshotError> {
        if self.flag()? { self.text().map(Some) } else { Ok(None) }
    }

    /// Reads a number that may be absent.
    ///
    /// # Errors
    /// As [`SnapshotReader::number`].
    pub fn optional_number(&mut self) -> Result<Option<u64>, SnapshotError> {
        if self.flag()? { self.number().map(Some) } else { Ok(None) }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`SnapshotError::Damaged`] when octets are left.
    pub fn finish(self) -> Result<(), SnapshotError> {
        if self.0.is_empty() { Ok(()) } else { Err(SnapshotError::Damaged) }
    }
}

impl SnapshotKind {
    const fn to_octet(self) -> u8 {
        match self {
            Self::Dialog => b'D',
            Self::Subscriber => b'S',
            Self::Notifier => b'N',
            Self::Publication => b'E',
            Self::Registration => b'R',
        }
    }
}

/// FNV-1a over 32 bits: finds torn and mixed-up records; it is no protection against forgery.
fn checksum(octets: &[u8]) -> u32 {
    octets.iter().fold(0x811c_9dc5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn example() -> Bytes {
        let mut writer = SnapshotWriter::new(SnapshotKind::Dialog, 1);
        writer.text("call");
        writer.optional_number(Some(7));
        writer.optional_text(None);
        writer.finish()
    }

    #[test]
    fn what_was_written_is_read() {
        let octets = example();
        let mut reader = SnapshotReader::new(&octets, SnapshotKind::Dialog, 1).unwrap();
        assert_eq!(reader.text().unwrap(), "call");
        assert_eq!(reader.optional_number(), Ok(Some(7)));
        assert_eq!(reader.optional_text(), Ok(None));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn another_kind_or_version_is_refused() {
        let octets = example();
        assert_eq!(SnapshotReader::new(&octets, SnapshotKind::Notifier, 1).err(), Some(SnapshotError::WrongKind));
        assert_eq!(SnapshotReader::new(&octets, SnapshotKind::Dialog, 2).err(), Some(SnapshotError::UnknownVersion(1)));
    }

    proptest! {
        #[test]
        fn one_changed_octet_is_noticed(position in 0usize..30, change in 1u8..=255) {
            let mut octets = example().to_vec();
            let position = position % octets.len();
            octets[position] ^= change;
            prop_assert!(SnapshotReader::new(&octets, SnapshotKind::Dialog, 1).is_err());
        }
    }
}
