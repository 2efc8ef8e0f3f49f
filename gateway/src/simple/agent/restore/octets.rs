//! Records of which a part are octets: a JSON text, and behind it a NUL, which no such text holds, and the octets. In
//! records of older versions the octets are a list of numbers in the text.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

/// The record of both.
///
/// # Errors
/// When the text cannot be written.
pub(in crate::simple::agent) fn join(text: &impl Serialize, octets: &[u8]) -> serde_json::Result<Bytes> {
    let mut record = BytesMut::with_capacity(octets.len().saturating_add(TEXT_USUAL)).writer();
    serde_json::to_writer(&mut record, text)?;
    let mut record = record.into_inner();
    record.put_u8(0);
    record.put_slice(octets);
    Ok(Bytes::copy_from_slice(&record))
}

/// Both of a record; the octets are none in records of older versions.
///
/// # Errors
/// When the text cannot be read.
pub(in crate::simple::agent) fn split<T: DeserializeOwned>(record: &[u8]) -> serde_json::Result<(T, Option<&[u8]>)> {
    let end = record.iter().position(|octet| *octet == 0);
    let (text, octets) = end.and_then(|end| record.split_at_checked(end)).unwrap_or((record, &[]));
    Ok((serde_json::from_slice(text)?, octets.split_first().map(|(_, octets)| octets)))
}

/// Octets of the text, usually.
const TEXT_USUAL: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_come_back_and_records_of_older_versions_have_one() {
        let record = join(&["a\0b", "c"], &[0, 255, 7]).unwrap();
        let (text, octets) = split::<Vec<String>>(&record).unwrap();
        assert_eq!((text, octets), (vec!["a\0b".to_owned(), "c".to_owned()], Some([0, 255, 7].as_slice())));
        assert_eq!(split::<Vec<u8>>(b"[1,2]").unwrap(), (vec![1, 2], None));
        assert_eq!(split::<Vec<u8>>(b"[1,2]\0").unwrap(), (vec![1, 2], Some([].as_slice())));
        assert!(split::<Vec<u8>>(b"[1,\0").is_err());
    }
}
