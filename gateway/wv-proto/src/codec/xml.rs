//! The XML encoding.

mod prologue;
mod reader;
mod writer;

pub use reader::read;
pub(crate) use reader::{read_any_namespace, read_message};
pub use writer::Writer;

/// Whether XML 1.0 has the character.
pub(crate) const fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Whether a text is a name without a prefix. Non-ASCII letters are not looked at one by one.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
    if text.bytes().all(is_plain) {
        return text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    }
    let is_start = |character: char| character.is_alphabetic() || character == '_';
    let is_rest = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '\u{B7}');
    text.chars().next().is_some_and(is_start) && text.chars().all(is_rest)
}
