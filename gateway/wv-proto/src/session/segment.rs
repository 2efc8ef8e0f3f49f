//! Answers in slices (1.3): what is too large for a client lies here until it has fetched the rest.
//!
//! A slice is a part of the octets of the message as it would have been sent in one piece: in XML of its text, in WBXML of
//! its octets. The slices one after the other are that message.

use super::limit::SessionLimits;
use super::time::Timestamp;
use crate::primitive::identifier::TransactionId;
use crate::primitive::message::Content;
use crate::primitive::segment::{SegmentId, SegmentInfo};
use crate::version::Encoding;
use bytes::Bytes;
use std::collections::VecDeque;

/// The messages of one session that are cut.
#[derive(Clone, Debug, Default)]
pub struct SegmentShelf {
    cuts: VecDeque<Cut>,
}

#[derive(Clone, Debug)]
struct Cut {
    transaction: TransactionId,
    slices: Vec<Bytes>,
    since: Timestamp,
}

impl SegmentShelf {
    /// Cuts a message into slices that take at most `room` octets each once they are written, and hands out the first.
    /// None when that needs too many of them.
    // WV-SEG-02
    pub fn cut(
        &mut self,
        now: Timestamp,
        transaction: &TransactionId,
        octets: &Bytes,
        encoding: Encoding,
        room: usize,
        limits: &SessionLimits,
    ) -> Option<(SegmentInfo, Content)> {
        let slices = match encoding {
            Encoding::Xml => cut_text(octets, room, limits.slices_max)?,
            Encoding::Wbxml => cut_octets(octets, room, limits.slices_max)?,
        };
        self.expire(now, limits);
        self.cuts.retain(|cut| cut.transaction != *transaction);
        while self.cuts.len() >= limits.segmented_max.max(1) {
            self.cuts.pop_front();
        }
        let (count, first) = (u32::try_from(slices.len()).ok()?, slices.first()?.clone());
        self.cuts.push_back(Cut { transaction: transaction.clone(), slices, since: now });
        let id = SegmentId { transaction: transaction.clone(), reference: 1 };
        Some((SegmentInfo { count, id }, Content::from_octets(first)))
    }

    /// The slice of that name, as long as it lies here.
    pub fn slice(&mut self, now: Timestamp, id: &SegmentId, limits: &SessionLimits) -> Option<Content> {
        self.expire(now, limits);
        let cut = self.cuts.iter().find(|cut| cut.transaction == id.transaction)?;
        let at = usize::try_from(id.reference).ok()?.checked_sub(1)?;
        cut.slices.get(at).cloned().map(Content::from_octets)
    }

    /// The client wants no more of it. Whether it lay here.
    pub fn forget(&mut self, transaction: &TransactionId) -> bool {
        let before = self.cuts.len();
        self.cuts.retain(|cut| cut.transaction != *transaction);
        self.cuts.len() < before
    }

    /// How many messages lie here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cuts.len()
    }

    /// Whether nothing lies here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    fn expire(&mut self, now: Timestamp, limits: &SessionLimits) {
        self.cuts.retain(|cut| now < cut.since.after(limits.segmented_life));
    }
}

fn cut_octets(octets: &Bytes, room: usize, most: usize) -> Option<Vec<Bytes>> {
    if room == 0 || octets.len().div_ceil(room) > most {
        return None;
    }
    let starts = (0..octets.len()).step_by(room);
    Some(starts.map(|start| octets.slice(start..octets.len().min(start.saturating_add(room)))).collect())
}

/// Between characters, and counted as they are written again inside XML.
fn cut_text(octets: &Bytes, room: usize, most: usize) -> Option<Vec<Bytes>> {
    let text = std::str::from_utf8(octets).ok()?;
    if room < CHARACTER_OCTETS_MAX {
        return None;
    }
    let (mut slices, mut start, mut written) = (Vec::new(), 0, 0_usize);
    for (at, character) in text.char_indices() {
        let octets_of_character = match character {
            '&' | '<' | '>' | '"' | '\'' | '\r' | '\n' | '\t' => CHARACTER_OCTETS_MAX,
            other => other.len_utf8(),
        };
        if written.saturating_add(octets_of_character) > room {
            slices.push(octets.slice(start..at));
            (start, written) = (at, 0);
            if slices.len() >= most {
                return None;
            }
        }
        written = written.saturating_add(octets_of_character);
    }
    slices.push(octets.slice(start..));
    Some(slices)
}

/// What escaping makes of one character at most.
const CHARACTER_OCTETS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn all(shelf: &mut SegmentShelf, info: &SegmentInfo, first: &Content, limits: &SessionLimits) -> Vec<u8> {
        let mut whole = first.octets().to_vec();
        for reference in 2..=info.count {
            let id = SegmentId { reference, ..info.id.clone() };
            whole.extend_from_slice(shelf.slice(at(1), &id, limits).unwrap().octets());
        }
        whole
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn wv_seg_02_the_slices_one_after_the_other_are_the_message(
            text in "[a<&\u{e4}\u{1F600} ]{1,300}",
            room in 6usize..80,
            is_text: bool,
        ) {
            let limits = SessionLimits::default();
            let encoding = if is_text { Encoding::Xml } else { Encoding::Wbxml };
            let octets = Bytes::from(text.into_bytes());
            let mut shelf = SegmentShelf::default();
            let id = TransactionId::new("t");
            let (info, first) = shelf.cut(at(0), &id, &octets, encoding, room, &limits).unwrap();
            prop_assert_eq!(all(&mut shelf, &info, &first, &limits), octets.to_vec());
            for reference in 1..=info.count {
                let slice = shelf.slice(at(1), &SegmentId { reference, ..info.id.clone() }, &limits).unwrap();
                prop_assert!(slice.octets().len() <= room);
                prop_assert!(!is_text || slice.to_text().is_some());
            }
            for reference in [0, info.count + 1] {
                prop_assert_eq!(shelf.slice(at(1), &SegmentId { reference, ..info.id.clone() }, &limits), None);
            }
        }
    }

    #[test]
    fn the_shelf_is_bounded_in_number_time_and_slices() {
        let limits = SessionLimits {
            segmented_max: 2,
            segmented_life: Duration::from_secs(10),
            slices_max: 3,
            ..SessionLimits::default()
        };
        let mut shelf = SegmentShelf::default();
        let octets = Bytes::from_static(b"abcdef");
        let cut = |shelf: &mut SegmentShelf, name: &str, room| {
            shelf.cut(at(0), &TransactionId::new(name), &octets, Encoding::Wbxml, room, &limits).is_some()
        };
        assert!(!cut(&mut shelf, "a", 1) && !cut(&mut shelf, "a", 0), "too many slices");
        for name in ["a", "b", "c", "c"] {
            assert!(cut(&mut shelf, name, 2));
        }
        assert_eq!(shelf.len(), 2);
        let id = |name: &str| SegmentId { transaction: TransactionId::new(name), reference: 1 };
        assert_eq!(shelf.slice(at(1), &id("a"), &limits), None);
        assert!(shelf.slice(at(1), &id("b"), &limits).is_some());
        assert!(shelf.forget(&TransactionId::new("b")) && !shelf.forget(&TransactionId::new("b")));
        assert_eq!(shelf.slice(at(10), &id("c"), &limits), None);
        assert!(shelf.is_empty());
    }
}
