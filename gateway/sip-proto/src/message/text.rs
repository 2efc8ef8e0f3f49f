//! Text that shares the octets of the message it was read from.

use crate::error::ValueError;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, hash, ops::Range};

/// What a value consists of: text of its own ([`Text`]), or that of the message in which it was found (`&str`).
pub trait Words: AsRef<str> + Clone + Eq + hash::Hash {
    /// A part of it; empty when the range is not inside it or cuts a character.
    #[must_use]
    fn cut(&self, range: Range<usize>) -> Self;
}

impl Words for Text {
    fn cut(&self, range: Range<usize>) -> Self {
        self.part(range)
    }
}

impl Words for &str {
    fn cut(&self, range: Range<usize>) -> Self {
        self.get(range).unwrap_or_default()
    }
}

/// UTF-8 text in shared octets: cloning and slicing cost no allocation.
///
/// A slice keeps the whole datagram alive; what is kept for long (dialogs, bindings) is kept as [`Text::detach`].
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Text(Bytes);

impl Text {
    /// Text that lives in the program.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Takes octets that must be UTF-8.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when they are not.
    pub fn parse(octets: Bytes) -> Result<Self, ValueError> {
        match std::str::from_utf8(&octets) {
            Ok(_) => Ok(Self(octets)),
            Err(_) => Err(ValueError::NotText),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The octets. As the methods that follow it spares the check that [`Text::as_str`] makes each time.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many octets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The octets, one by one.
    pub fn bytes(&self) -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator + Clone + '_ {
        self.0.iter().copied()
    }

    /// Where an octet of ASCII stands first.
    #[must_use]
    pub fn find_octet(&self, wanted: u8) -> Option<usize> {
        self.0.iter().position(|octet| *octet == wanted)
    }

    /// A part of the text; empty when the range is not inside it or cuts a character.
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Self {
        // The whole is UTF-8, so a part that begins and ends between characters is too.
        let is_between = |at: usize| self.0.get(at).is_none_or(|octet| octet & 0xc0 != 0x80);
        let is_part = range.start <= range.end && range.end <= self.0.len();
        if is_part && is_between(range.start) && is_between(range.end) {
            Self(self.0.slice(range))
        } else {
            Self::default()
        }
    }

    /// A copy with octets of its own, which no longer holds the datagram.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The same text as `part`, which is a piece of this one, without a copy; a copy of anything else.
    #[must_use]
    pub fn share(&self, part: &str) -> Self {
        Self::of_octets(&self.0, part)
    }

    /// The same text as `part`, which is a piece of these octets, without a copy; a copy of anything else.
    #[must_use]
    pub(crate) fn of_octets(octets: &Bytes, part: &str) -> Self {
        if part.is_empty() {
            return Self::default();
        }
        let start = part.as_ptr().addr().checked_sub(octets.as_ptr().addr());
        let range = start.and_then(|start| Some(start..start.checked_add(part.len())?));
        // What stands there is text because `part` is.
        let is_there = |range: &Range<usize>| octets.get(range.clone()) == Some(part.as_bytes());
        match range.filter(is_there) {
            Some(range) => Self(octets.slice(range)),
            None => Self::from(part),
        }
    }

    /// The octets, shared.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// Comparison without regard to the case of ASCII letters, as most SIP tokens want it.
    #[must_use]
    pub fn is_like(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.as_bytes())
    }
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl hash::Hash for Text {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_the_piece_wherever_it_stands() {
        let text = Text::from("one two");
        for piece in text.as_str().split(' ').chain(["two", "", "elsewhere"]) {
            assert_eq!(text.share(piece), piece);
        }
        assert_eq!(text.share("one").as_bytes(), b"one");
    }

    #[test]
    fn part_outside_or_across_a_character_is_empty() {
        let text = Text::from("aü");
        assert_eq!(text.part(0..1), "a");
        assert_eq!(text.part(0..2), "");
        assert_eq!(text.part(2..3), "");
        assert_eq!(text.part(1..3), "ü");
        assert_eq!(text.part(2..9), "");
        assert_eq!(text.part(3..3), "");
    }
}
