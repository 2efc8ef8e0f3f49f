//! Searches in octets, eight at a time. For values and tags, which are short; long texts are for `memchr`.

/// One in each octet of a word.
const ONES: u64 = u64::MAX / 255;
/// The top bit of each octet of a word.
const TOPS: u64 = ONES << 7;

/// The top bit of each octet that is below `bound`, which is at most 127. Only the first one is sure: what stands behind
/// it may be marked in error.
#[inline]
const fn marks_below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES.wrapping_mul(bound as u64)) & !word & TOPS
}

/// The top bit of each octet that is the one wanted. Again only the first one is sure.
#[inline]
pub(crate) const fn marks_of(word: u64, wanted: u8) -> u64 {
    marks_below(word ^ ONES.wrapping_mul(wanted as u64), 1)
}

/// The place of the first octet that is marked.
#[inline]
pub(crate) const fn first_mark(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Where an octet stands first. For values, which are short; long texts are for `memchr`.
#[inline]
pub(crate) fn find_octet(octets: &[u8], wanted: u8) -> Option<usize> {
    let (mut rest, mut at) = (octets, 0_usize);
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        let marks = marks_of(u64::from_le_bytes(*chunk), wanted);
        if marks != 0 {
            return Some(at.wrapping_add(first_mark(marks)));
        }
        (rest, at) = (behind, at.wrapping_add(8));
    }
    rest.iter().position(|octet| *octet == wanted).map(|place| at.wrapping_add(place))
}

/// Where the first of two octets stands. For short texts too.
#[inline]
pub(crate) fn find_either(octets: &[u8], one: u8, other: u8) -> Option<usize> {
    let (mut rest, mut at) = (octets, 0_usize);
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let marks = marks_of(word, one) | marks_of(word, other);
        if marks != 0 {
            return Some(at.wrapping_add(first_mark(marks)));
        }
        (rest, at) = (behind, at.wrapping_add(8));
    }
    rest.iter().position(|octet| *octet == one || *octet == other).map(|place| at.wrapping_add(place))
}

/// Where the value of an XML attribute that begins at `start` is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueEnd {
    /// Where the quote stands.
    pub(crate) quote: usize,
    /// Whether there is neither reference nor a blank but spaces in it.
    pub(crate) is_plain: bool,
}

/// Finds the quote behind the value of an XML attribute; none where there is none, or `<` in front of it.
#[inline]
pub(crate) fn value_end(octets: &[u8], start: usize, quote: u8) -> Option<ValueEnd> {
    let (mut rest, mut at, mut is_plain) = (octets.get(start..)?, start, true);
    loop {
        let (chunk, behind) = match rest.split_first_chunk::<8>() {
            Some(split) => split,
            None if rest.is_empty() => return None,
            None => {
                // What lies behind the end is no octet of any meaning.
                let mut last = [b'a'; 8];
                last.get_mut(..rest.len())?.copy_from_slice(rest);
                return value_end_in(&last, quote, &mut is_plain)?
                    .map(|place| ValueEnd { quote: at.wrapping_add(place), is_plain });
            }
        };
        if let Some(place) = value_end_in(chunk, quote, &mut is_plain)? {
            return Some(ValueEnd { quote: at.wrapping_add(place), is_plain });
        }
        (rest, at) = (behind, at.wrapping_add(8));
    }
}

/// The place of the quote, if it is here; none where `<` is.
#[inline]
fn value_end_in(chunk: &[u8; 8], quote: u8, is_plain: &mut bool) -> Option<Option<usize>> {
    let word = u64::from_le_bytes(*chunk);
    // Both quotes, the ampersand and all blanks are below this; few others that stand in values are.
    let mut marks = marks_below(word, b'(') | marks_of(word, b'<');
    while marks != 0 {
        let place = first_mark(marks);
        match chunk.get(place) {
            Some(octet) if *octet == quote => return Some(Some(place)),
            Some(b'<') => return None,
            Some(b'&' | b'\t' | b'\n' | b'\r') => *is_plain = false,
            Some(_) | None => {}
        }
        marks &= marks.wrapping_sub(1);
    }
    Some(None)
}

/// Where the first CR or LF at or behind `from` stands.
#[inline]
pub(crate) fn find_line_break(octets: &[u8], from: usize) -> Option<usize> {
    let is_break = |octet: u8| matches!(octet, b'\r' | b'\n');
    let mut rest = octets.get(from..)?;
    let place = |rest: &[u8], passed: usize| octets.len().wrapping_sub(rest.len()).wrapping_add(passed);
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        // Hardly any other octet is as small as these.
        let mut marks = marks_below(u64::from_le_bytes(*chunk), b'\r'.wrapping_add(1));
        while marks != 0 {
            let passed = first_mark(marks);
            if chunk.get(passed).is_some_and(|octet| is_break(*octet)) {
                return Some(place(rest, passed));
            }
            marks &= marks.wrapping_sub(1);
        }
        rest = behind;
    }
    rest.iter().position(|octet| is_break(*octet)).map(|passed| place(rest, passed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn octets_and_line_breaks_are_found_where_a_search_finds_them(
            octets in proptest::collection::vec(prop_oneof!["[\\x00-\\x20,;>~]", "\\PC"].prop_map(String::into_bytes), 0..20),
            from in 0..20_usize,
        ) {
            let octets = octets.concat();
            for wanted in [b'>', b',', 0, 0x80] {
                let is_wanted = |octet: &u8| *octet == wanted || *octet == b'~';
                prop_assert_eq!(find_either(&octets, wanted, b'~'), octets.iter().position(is_wanted));
                prop_assert_eq!(find_octet(&octets, wanted), octets.iter().position(|octet| *octet == wanted));
            }
            let is_break = |at: &usize| matches!(octets[*at], b'\r' | b'\n');
            prop_assert_eq!(find_line_break(&octets, from), (from..octets.len()).find(is_break));
        }

        #[test]
        fn values_end_at_their_quote(value in "[ab &<'\"\\t\\r()]{0,20}", from in 0..4_usize, quote in prop_oneof![Just('"'), Just('\'')]) {
            let found = value_end(value.as_bytes(), from, quote as u8);
            let inside = value.get(from..).and_then(|rest| rest.split_once(quote)).map(|(inside, _)| inside);
            let expected = inside.filter(|inside| !inside.contains('<')).map(|inside| ValueEnd {
                quote: from + inside.len(),
                is_plain: !inside.contains(['&', '\t', '\n', '\r']),
            });
            prop_assert_eq!(found, expected);
        }
    }
}
