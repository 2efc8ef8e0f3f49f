//! The fields of a snapshot: numbers, texts, lists.

use super::SnapshotError;
use bytes::Bytes;
use std::time::Duration;

/// Puts fields one after the other.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn octet(&mut self, octet: u8) {
        self.0.push(octet);
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.octets(&number.to_be_bytes());
    }

    pub(crate) fn number_from(&mut self, number: impl Into<u64>) {
        self.number(number.into());
    }

    pub(crate) fn duration(&mut self, duration: Duration) {
        self.number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.octets(text.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.octet(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(&mut self, values: &[T], write: impl Fn(&mut Self, &T)) {
        self.count(values.len());
        for value in values {
            write(self, value);
        }
    }

    pub(crate) fn finish(self) -> Bytes {
        // Kept for as long as the session lives: without room for more.
        self.0.into_boxed_slice().into()
    }

    fn count(&mut self, count: usize) {
        self.octets(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }
}

/// Takes fields off the front.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, SnapshotError> {
        self.array::<1>().map(|[octet]| octet)
    }

    pub(crate) fn number(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn number_of<T: TryFrom<u64>>(&mut self) -> Result<T, SnapshotError> {
        T::try_from(self.number()?).map_err(|_| SnapshotError::BadField)
    }

    pub(crate) fn duration(&mut self) -> Result<Duration, SnapshotError> {
        self.number().map(Duration::from_millis)
    }

    pub(crate) fn text(&mut self) -> Result<Box<str>, SnapshotError> {
        let length = self.count()?;
        let octets = self.take(length)?;
        std::str::from_utf8(octets).map(Box::from).map_err(|_| SnapshotError::BadField)
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SnapshotError>,
    ) -> Result<Option<T>, SnapshotError> {
        match self.octet()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(SnapshotError::BadField),
        }
    }

    /// Every entry takes one octet at least, so that a list cannot be longer than what is left.
    pub(crate) fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, SnapshotError>,
    ) -> Result<Vec<T>, SnapshotError> {
        let count = self.count()?;
        if count > self.0.len() {
            return Err(SnapshotError::Truncated);
        }
        (0..count).map(|_| read(self)).collect()
    }

    pub(crate) const fn finish(&self) -> Result<(), SnapshotError> {
        if self.0.is_empty() { Ok(()) } else { Err(SnapshotError::TrailingOctets) }
    }

    fn count(&mut self) -> Result<usize, SnapshotError> {
        let count = self.array().map(u32::from_be_bytes)?;
        usize::try_from(count).map_err(|_| SnapshotError::BadField)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(SnapshotError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], SnapshotError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(SnapshotError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }
}
