//! Answers in slices, and text out of markup.

use super::tape::Tape;
use bytes::Bytes;
use mapping::markup::to_plain_text;
use wv_proto::{
    codec::charset::{decode_text, encode_text},
    primitive::{
        identifier::TransactionId,
        segment::{SegmentId, SegmentInfo},
    },
    session::{limit::SessionLimits, segment::SegmentShelf, time::Timestamp},
    version::Encoding,
};

/// Messages are cut, slices fetched and dropped in any order.
///
/// # Panics
/// When the slices are not the message, or more lies ready than may.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let limits = SessionLimits { segmented_max: 2, slices_max: 64, ..SessionLimits::default() };
    let (mut shelf, mut now) = (SegmentShelf::default(), 0_u64);
    while let Some(step) = tape.next_octet() {
        let transaction = TransactionId::new(tape.pick(&["1", "2", "3"]));
        now = now.saturating_add(tape.wait_millis());
        let at = Timestamp::from_millis(now);
        match step % 4 {
            0 | 1 => {
                let encoding = if step % 4 == 0 { Encoding::Xml } else { Encoding::Wbxml };
                let octets = Bytes::copy_from_slice(tape.octets());
                let room = usize::from(tape.octet());
                let cut = shelf.cut(at, &transaction, &octets, encoding, room, &limits);
                if let Some((info, first)) = cut {
                    assert!(info.count >= 1 && info.id.reference == 1);
                    let whole = gathered(&mut shelf, at, &info, &limits);
                    assert_eq!(whole.get(..first.octets().len()), Some(first.octets().as_ref()));
                    assert_eq!(whole, octets.to_vec());
                }
            }
            2 => {
                let id = SegmentId { transaction, reference: u32::from(tape.octet()) };
                let _ = shelf.slice(at, &id, &limits);
            }
            _ => {
                shelf.forget(&transaction);
            }
        }
        assert!(shelf.len() <= 2, "too many lie ready");
    }
}

fn gathered(shelf: &mut SegmentShelf, at: Timestamp, info: &SegmentInfo, limits: &SessionLimits) -> Vec<u8> {
    let ids = (1..=info.count).map(|reference| SegmentId { reference, ..info.id.clone() });
    let slices = ids.map(|id| shelf.slice(at, &id, limits).expect("a slice that was promised lies ready"));
    slices.flat_map(|slice| slice.octets().to_vec()).collect()
}

/// Any markup, and text in any character set.
///
/// # Panics
/// When the text is longer than the markup, or does not come back from the character set that holds it.
pub fn run_markup(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    for charset in ["iso-8859-1", "windows-1251", "shift_jis", "utf-8"] {
        let _ = decode_text(charset, data);
    }
    if let Some(encoded) = encode_text(&[4, 2251], &html).filter(|encoded| encoded.is_complete) {
        assert_eq!(decode_text(encoded.charset, &encoded.octets).as_deref(), Some(&*html), "{}", encoded.charset);
    }
    let text = to_plain_text(&html);
    assert!(text.len() <= html.len(), "{text:?} of {html:?}");
}
