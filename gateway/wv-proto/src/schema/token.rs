//! WBXML tokens, both ways, in arrays that are built at compile time from the tables.

use super::{ElementName, element, next_slot, slot_of, spelling, v1_1, v1_2, v1_3};
use crate::version::Version;

/// A row of a tag table.
pub(super) struct Tag {
    pub(super) page: u8,
    pub(super) token: u8,
    pub(super) name: ElementName,
}

/// A row of an attribute table: the token stands for `xmlns` and the beginning of its value.
pub(super) struct AttributeStart {
    pub(super) token: u8,
    pub(super) value: &'static str,
}

/// A row of a value table.
pub(super) struct ValueToken {
    pub(super) number: u8,
    pub(super) text: &'static str,
}

/// The code page and token under which a version writes an element; `None` when it has no token for it.
pub(crate) fn tag(version: Version, name: ElementName) -> Option<(u8, u8)> {
    let (page, token) = *TAGS_BY_NAME.get(version.index())?.get(name.index())?;
    (token != 0).then_some((page, token))
}

/// The element of a token (WV-ENC-05). Tokens that a version lacks are read as the other versions have them: clients keep using
/// elements that a newer version removed.
pub(crate) fn read_tag(version: Version, page: u8, token: u8) -> Option<ElementName> {
    let number = *TAGS_BY_TOKEN.get(version.index())?.get(usize::from(page))?.get(usize::from(token))?;
    (number != NO_NAME).then_some(ElementName(number))
}

/// The value that an attribute token begins. The tables of the versions only add to each other, so the newest serves.
pub(crate) fn read_attribute_start(token: u8) -> Option<&'static str> {
    v1_3::ATTRIBUTE_STARTS.iter().find(|row| row.token == token).map(|row| row.value)
}

/// The attribute token for a namespace, and the rest of it that follows as a string.
pub(crate) fn attribute_start(version: Version, namespace: &str) -> Option<(u8, &str)> {
    let rows: &[AttributeStart] = match version {
        Version::V1_1 => &v1_1::ATTRIBUTE_STARTS,
        Version::V1_2 => &v1_2::ATTRIBUTE_STARTS,
        Version::V1_3 => &v1_3::ATTRIBUTE_STARTS,
    };
    rows.iter().find_map(|row| namespace.strip_prefix(row.value).map(|rest| (row.token, rest)))
}

/// The string of a value token inside the given element.
pub(crate) fn read_value(version: Version, within: Option<ElementName>, number: u32) -> Option<&'static str> {
    let number = u8::try_from(number).ok()?;
    // WV-ENC-04
    if number == GROUP_ID_OR_HISTORY && version == Version::V1_3 {
        return Some(if within == Some(element::SEARCH_ELEMENT) { "GROUP_ID" } else { "History" });
    }
    *VALUES_BY_NUMBER.get(version.index())?.get(usize::from(number))?
}

/// The value token whose string is the whole text, for writing inside the given element.
pub(crate) fn value_token(version: Version, within: ElementName, text: &str) -> Option<u8> {
    if text.len() > VALUE_BYTES_MAX {
        return None;
    }
    let rows = value_rows(version);
    let index = VALUES_BY_TEXT.get(version.index())?;
    let mut slot = slot_of(text.as_bytes(), VALUE_SLOTS);
    loop {
        let row = rows.get(usize::from(*index.get(slot)?).checked_sub(1)?)?;
        if row.text == text && may_write(version, within, row) {
            return Some(row.number);
        }
        slot = next_slot(slot, VALUE_SLOTS);
    }
}

fn may_write(version: Version, within: ElementName, row: &ValueToken) -> bool {
    let read_only: &[u8] = match version {
        Version::V1_1 => &v1_1::READ_ONLY_VALUES,
        Version::V1_2 => &v1_2::READ_ONLY_VALUES,
        Version::V1_3 => &v1_3::READ_ONLY_VALUES,
    };
    let is_contact_means = matches!(within, element::CAP | element::PREF_C);
    match (row.number, row.text) {
        // WV-ENC-04
        (0x43, _) => !is_contact_means,
        (0x75, _) => is_contact_means,
        (GROUP_ID_OR_HISTORY, "GROUP_ID") => version != Version::V1_3 || within == element::SEARCH_ELEMENT,
        (GROUP_ID_OR_HISTORY, _) => within != element::SEARCH_ELEMENT,
        (number, _) => !read_only.contains(&number),
    }
}

const fn value_rows(version: Version) -> &'static [ValueToken] {
    match version {
        Version::V1_1 => &v1_1::VALUES,
        Version::V1_2 => &v1_2::VALUES,
        Version::V1_3 => &v1_3::VALUES,
    }
}

const GROUP_ID_OR_HISTORY: u8 = 0x3D;
const PAGES: usize = 12;
const TOKENS: usize = 64;
const VALUE_SLOTS: usize = 1024;
/// The longest string of the value tables.
const VALUE_BYTES_MAX: usize = 31;
const NO_NAME: u16 = u16::MAX;

type TagTable = [[u16; TOKENS]; PAGES];
type NameTable = [(u8, u8); spelling::NAMES.len()];
type NumberTable = [Option<&'static str>; 256];

static TAGS_BY_TOKEN: [TagTable; 3] = [
    build_tags_by_token([&v1_1::TAGS, &v1_2::TAGS, &v1_3::TAGS]),
    build_tags_by_token([&v1_2::TAGS, &v1_3::TAGS, &v1_1::TAGS]),
    build_tags_by_token([&v1_3::TAGS, &v1_2::TAGS, &v1_1::TAGS]),
];

static TAGS_BY_NAME: [NameTable; 3] =
    [build_tags_by_name(&v1_1::TAGS), build_tags_by_name(&v1_2::TAGS), build_tags_by_name(&v1_3::TAGS)];

static VALUES_BY_NUMBER: [NumberTable; 3] = [
    build_values_by_number([&v1_1::VALUES, &v1_2::VALUES, &v1_3::VALUES]),
    build_values_by_number([&v1_2::VALUES, &v1_3::VALUES, &v1_1::VALUES]),
    build_values_by_number([&v1_3::VALUES, &v1_2::VALUES, &v1_1::VALUES]),
];

static VALUES_BY_TEXT: [[u8; VALUE_SLOTS]; 3] =
    [build_values_by_text(&v1_1::VALUES), build_values_by_text(&v1_2::VALUES), build_values_by_text(&v1_3::VALUES)];

/// The first table decides; the others fill its gaps.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
const fn build_tags_by_token(tables: [&[Tag]; 3]) -> TagTable {
    let mut result = [[NO_NAME; TOKENS]; PAGES];
    let mut table = 0;
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            let Tag { page, token, name } = &tables[table][row];
            let cell = &mut result[*page as usize][*token as usize];
            if *cell == NO_NAME {
                *cell = name.0;
            }
            row += 1;
        }
        table += 1;
    }
    result
}

/// Where a name has two tokens the first row wins.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
const fn build_tags_by_name(rows: &[Tag]) -> NameTable {
    let mut result = [(0, 0); spelling::NAMES.len()];
    let mut row = 0;
    while row < rows.len() {
        let cell = &mut result[rows[row].name.index()];
        if cell.1 == 0 {
            *cell = (rows[row].page, rows[row].token);
        }
        row += 1;
    }
    result
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
const fn build_values_by_number(tables: [&[ValueToken]; 3]) -> NumberTable {
    let mut result = [None; 256];
    let mut table = 0;
    while table < tables.len() {
        let mut row = 0;
        while row < tables[table].len() {
            let cell = &mut result[tables[table][row].number as usize];
            if cell.is_none() {
                *cell = Some(tables[table][row].text);
            }
            row += 1;
        }
        table += 1;
    }
    result
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs at compile time only")]
const fn build_values_by_text(rows: &[ValueToken]) -> [u8; VALUE_SLOTS] {
    let mut result = [0; VALUE_SLOTS];
    let mut row = 0;
    while row < rows.len() {
        let mut slot = slot_of(rows[row].text.as_bytes(), VALUE_SLOTS);
        while result[slot] != 0 {
            slot = next_slot(slot, VALUE_SLOTS);
        }
        row += 1;
        result[slot] = row as u8;
    }
    result
}
