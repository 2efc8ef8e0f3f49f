//! CSeq.

use crate::error::ValueError;
use crate::message::{
    method::Method,
    scan::{self, Scanner},
    text::Text,
};
use std::fmt;

/// A sequence number, below 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub struct Sequence(u32);

impl Sequence {
    /// The first number of a counter.
    pub const FIRST: Self = Self(1);

    /// A sequence number.
    ///
    /// # Errors
    /// [`ValueError::Number`] from 2^31 on.
    pub fn from_number(number: u32) -> Result<Self, ValueError> {
        // RFC 3261 §8.1.1.5
        if number < 1 << 31 { Ok(Self(number)) } else { Err(ValueError::Number) }
    }

    /// The number.
    #[must_use]
    pub fn to_number(self) -> u32 {
        self.0
    }

    /// The number after this; `None` when the counter is used up and the dialog must end.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).and_then(|next| Self::from_number(next).ok())
    }
}

impl From<Sequence> for u32 {
    fn from(sequence: Sequence) -> Self {
        sequence.0
    }
}

impl TryFrom<u32> for Sequence {
    type Error = ValueError;
    fn try_from(number: u32) -> Result<Self, ValueError> {
        Self::from_number(number)
    }
}

/// Sequence number and method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// The number.
    pub sequence: Sequence,
    /// The method.
    pub method: Method,
}

impl CSeq {
    /// A value.
    #[must_use]
    pub fn new(sequence: Sequence, method: Method) -> Self {
        Self { sequence, method }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// [`ValueError::Number`] or [`ValueError::Token`].
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        Self::read(text)
    }

    /// Reads a value where it stands.
    ///
    /// # Errors
    /// [`ValueError::Number`] or [`ValueError::Token`].
    pub fn read(text: &str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let digits = scanner.take_while(|octet| octet.is_ascii_digit());
        // RFC 4475 §3.1.2.4
        let sequence = Sequence::from_number(scan::parse_number(digits)?)?;
        scanner.skip_blanks();
        let method = Method::parse(scanner.token()?)?;
        scanner.end()?;
        Ok(Self { sequence, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence.0, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_and_method_are_read() {
        let cseq = CSeq::from_text(&"0009  \t INVITE".into()).unwrap();
        assert_eq!(cseq.to_string(), "9 INVITE");
    }

    #[test]
    fn numbers_from_two_to_the_31_are_refused() {
        assert_eq!(CSeq::from_text(&"2147483648 INVITE".into()), Err(ValueError::Number));
        assert_eq!(CSeq::from_text(&"36893488147419103232 REGISTER".into()), Err(ValueError::Number));
        assert_eq!(CSeq::from_text(&"-1 INVITE".into()), Err(ValueError::Number));
        assert_eq!(Sequence::from_number((1 << 31) - 1).unwrap().next(), None);
    }
}
