//! A message: version, code, transaction, part, parameters.

use super::value::{Param, Params, PtsValue};
use super::{MESSAGE_OCTETS_MAX, PtsError};
use crate::version::Version;
use std::fmt;

/// Which primitive: two letters, in upper case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code([u8; 2]);

/// A message as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PtsMessage {
    /// The version.
    pub version: Version,
    /// The primitive.
    pub code: Code,
    /// TransactionID.
    pub transaction: u16,
    /// The parameters in their order.
    pub params: Vec<Param>,
}

/// What stands before the first blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) version: Version,
    pub(super) code: Code,
    pub(super) transaction: u16,
    /// Which part of how many, both counted from 1.
    pub(super) part: Option<(u8, u8)>,
}

impl Code {
    /// The code of these letters.
    #[must_use]
    pub const fn new(letters: [u8; 2]) -> Self {
        Self(letters)
    }

    /// The letters.
    #[must_use]
    pub const fn letters(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{}{}", char::from(first), char::from(second))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}

impl Preamble {
    // WV-PTS-01
    pub(super) fn read(text: &str) -> Result<Self, PtsError> {
        let begin = text.get(..2).ok_or(PtsError::NotAMessage)?;
        let digits = text.get(2..4).ok_or(PtsError::NotAMessage)?;
        if !begin.eq_ignore_ascii_case("WV") || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(PtsError::NotAMessage);
        }
        let version = match digits {
            "11" => Version::V1_1,
            "12" => Version::V1_2,
            "13" => Version::V1_3,
            _ => return Err(PtsError::UnsupportedVersion),
        };
        let rest = text.get(4..).unwrap_or_default().as_bytes();
        let [first, second, rest @ ..] = rest else { return Err(PtsError::BadPreamble) };
        if !first.is_ascii_alphabetic() || !second.is_ascii_alphabetic() {
            return Err(PtsError::BadPreamble);
        }
        let code = Code([first.to_ascii_uppercase(), second.to_ascii_uppercase()]);
        let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
        let (number, letters) = rest.split_at_checked(digits).ok_or(PtsError::BadPreamble)?;
        let number = std::str::from_utf8(number).unwrap_or_default();
        let transaction = number.parse::<u16>().ok().filter(|number| *number <= TRANSACTION_MAX);
        let part = match letters {
            [] => None,
            [index, count] => Some(part(*index, *count).ok_or(PtsError::BadPreamble)?),
            _ => return Err(PtsError::BadPreamble),
        };
        Ok(Self { version, code, transaction: transaction.ok_or(PtsError::BadPreamble)?, part })
    }

    fn write(self, out: &mut String) {
        let version = match self.version {
            Version::V1_1 => "11",
            Version::V1_2 => "12",
            Version::V1_3 => "13",
        };
        out.push_str(&format!("WV{version}{}{}", self.code, self.transaction));
        if let Some((index, count)) = self.part {
            out.extend([index, count].map(|number| char::from(b'a'.saturating_add(number.saturating_sub(1)))));
        }
    }

    /// The preamble as text.
    pub(super) fn to_text(self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }
}

/// `ac` is the first of three parts.
fn part(index: u8, count: u8) -> Option<(u8, u8)> {
    let number = |letter: u8| letter.to_ascii_lowercase().checked_sub(b'a').filter(|at| *at < PARTS_MAX);
    let (index, count) = (number(index)?.checked_add(1)?, number(count)?.checked_add(1)?);
    (index <= count).then_some((index, count))
}

impl PtsMessage {
    /// Reads a whole message.
    ///
    /// # Errors
    /// When the octets are none; see [`PtsError`].
    pub fn read(octets: &[u8]) -> Result<Self, PtsError> {
        if octets.len() > MESSAGE_OCTETS_MAX {
            return Err(PtsError::LimitExceeded("the size"));
        }
        let text = std::str::from_utf8(octets).map_err(|_| PtsError::NotText)?;
        let text = text.trim_end_matches(['\r', '\n', ' ']);
        let (preamble, params) = text.split_once(' ').unwrap_or((text, ""));
        let preamble = Preamble::read(preamble)?;
        if preamble.part.is_some_and(|(_, count)| count > 1) {
            // The parts are put together before.
            return Err(PtsError::BadPreamble);
        }
        let Preamble { version, code, transaction, .. } = preamble;
        Ok(Self { version, code, transaction, params: Params::of(params).read()? })
    }

    /// The message as text.
    ///
    /// # Errors
    /// When a text holds a control character.
    pub fn write(&self) -> Result<String, PtsError> {
        let mut text = self.preamble().to_text();
        for param in &self.params {
            param.write(&mut text)?;
        }
        if text.len() > MESSAGE_OCTETS_MAX { Err(PtsError::LimitExceeded("the size")) } else { Ok(text) }
    }

    /// The value of the first parameter of that name.
    #[must_use]
    pub fn find(&self, name: &[u8; 2]) -> Option<&PtsValue> {
        self.params.iter().find(|param| param.name == *name)?.value.as_ref()
    }

    /// The text of the first parameter of that name; an empty one counts as none.
    #[must_use]
    pub fn text(&self, name: &[u8; 2]) -> Option<&str> {
        self.find(name)?.as_text().filter(|text| !text.is_empty())
    }

    pub(super) const fn preamble(&self) -> Preamble {
        Preamble { version: self.version, code: self.code, transaction: self.transaction, part: None }
    }
}

/// The largest TransactionID.
pub(super) const TRANSACTION_MAX: u16 = 999;

/// Parts of one message.
pub(super) const PARTS_MAX: u8 = 26;
