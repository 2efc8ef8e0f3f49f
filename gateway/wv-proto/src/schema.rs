//! What the three versions of CSP know: element names, tokens, value kinds and content models.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod model;
mod spelling;
mod token;
mod v1_1;
mod v1_2;
mod v1_3;

pub mod element;

pub use model::{Model, Occurrence, Particle, model, unexpected_child};
pub(crate) use token::{attribute_start, read_attribute_start, read_tag, read_value, tag, value_token};

use crate::version::Version;

/// The name of an element of CSP 1.1, 1.2 or 1.3. The constants are in [`element`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementName(u16);

impl ElementName {
    /// Finds a name by its text. Case-sensitive; the other spellings that real clients use are accepted.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut slot = slot_of(text.as_bytes(), SPELLING_SLOTS);
        // One slot in four is taken, and an empty one ends the walk.
        loop {
            let index = usize::from(*SPELLING_INDEX.get(slot)?).checked_sub(1)?;
            match spelling::NAMES.get(index) {
                Some(name) if *name == text => return u16::try_from(index).ok().map(Self),
                Some(_) => {}
                None => {
                    let (alias, name) = spelling::ALIASES.get(index.checked_sub(spelling::NAMES.len())?)?;
                    if *alias == text {
                        return Some(*name);
                    }
                }
            }
            slot = next_slot(slot, SPELLING_SLOTS);
        }
    }

    /// All names, in the byte order of their text.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u16..).zip(spelling::NAMES.iter()).map(|(index, _)| Self(index))
    }

    /// The spelling of the specification.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        spelling::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// How its value is to be understood; elements that hold others or nothing count as text.
    #[must_use]
    pub fn kind(self, version: Version) -> ValueKind {
        // An element of another version is read as that version has it.
        [version, Version::V1_3, Version::V1_2]
            .into_iter()
            .find_map(|version| KINDS.get(version.index())?.get(self.index()).copied().flatten())
            .unwrap_or(ValueKind::Text)
    }

    /// Whether it may carry an `xmlns` of a vendor and still be an element of the protocol.
    #[must_use]
    pub const fn is_extension_container(self) -> bool {
        matches!(
            self,
            element::EXT_BLOCK
                | element::EXT_BLOCK_ETEM
                | element::EXTENDED_DATA
                | element::EXTENDED_REQUEST
                | element::EXTENDED_RESPONSE
        )
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl core::fmt::Debug for ElementName {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl core::fmt::Display for ElementName {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How the content of an element is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Text, or no value at all.
    Text,
    /// `T` or `F`.
    Boolean,
    /// A number: decimal text, or octets in WBXML.
    Integer,
    /// Text that some senders put into WBXML as a number (SearchID, Accuracy, Altitude, Cpriority).
    NumericText,
    /// A point in time: text, or six octets in WBXML.
    DateTime,
    /// Content that may be any octets.
    Binary,
}

/// FNV-1a, cut to a table size that is a power of two. Used at compile time to build the tables and at run time to ask.
pub(crate) const fn slot_of(text: &[u8], slots: usize) -> usize {
    let mut hash: u32 = 0x811C_9DC5;
    let mut rest = text;
    while let [octet, tail @ ..] = rest {
        hash = (hash ^ *octet as u32).wrapping_mul(0x0100_0193);
        rest = tail;
    }
    ((hash ^ (hash >> 15)) as usize) & slots.wrapping_sub(1)
}

pub(crate) const fn next_slot(slot: usize, slots: usize) -> usize {
    slot.wrapping_add(1) & slots.wrapping_sub(1)
}

const SPELLING_SLOTS: usize = 2048;

/// Slot to index plus one, names first and aliases after them; 0 is empty.
static SPELLING_INDEX: [u16; SPELLING_SLOTS] = build_spelling_index();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
const fn build_spelling_index() -> [u16; SPELLING_SLOTS] {
    let mut table = [0; SPELLING_SLOTS];
    let mut index = 0;
    while index < spelling::NAMES.len() + spelling::ALIASES.len() {
        let text = if index < spelling::NAMES.len() {
            spelling::NAMES[index]
        } else {
            spelling::ALIASES[index - spelling::NAMES.len()].0
        };
        let mut slot = slot_of(text.as_bytes(), SPELLING_SLOTS);
        while table[slot] != 0 {
            slot = next_slot(slot, SPELLING_SLOTS);
        }
        index += 1;
        table[slot] = index as u16;
    }
    table
}

type KindTable = [Option<ValueKind>; spelling::NAMES.len()];

static KINDS: [KindTable; 3] = [build_kinds(&v1_1::KINDS), build_kinds(&v1_2::KINDS), build_kinds(&v1_3::KINDS)];

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
const fn build_kinds(rows: &[(ElementName, ValueKind)]) -> KindTable {
    let mut table = [None; spelling::NAMES.len()];
    let mut row = 0;
    while row < rows.len() {
        table[rows[row].0.index()] = Some(rows[row].1);
        row += 1;
    }
    table
}

#[cfg(test)]
mod tests;
