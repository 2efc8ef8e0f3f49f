//! Character sets of message content: content that names one is read from it, and written for clients that know no other.

use encoding_rs::Encoding;
use std::borrow::Cow;

/// A text in a character set of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedText {
    /// The name of the character set, as a `charset` parameter has it.
    pub charset: &'static str,
    /// The octets.
    pub octets: Vec<u8>,
    /// Whether every character is there; others became question marks.
    pub is_complete: bool,
}

/// The text that octets are in the character set of this name; none when the name is unknown or the octets are not in it.
#[must_use]
pub fn decode_text<'a>(charset: &str, octets: &'a [u8]) -> Option<Cow<'a, str>> {
    let name = charset.trim().trim_matches('"');
    if name.eq_ignore_ascii_case("iso-8859-1") || name.eq_ignore_ascii_case("latin1") {
        return Some(encoding_rs::mem::decode_latin1(octets));
    }
    let encoding = Encoding::for_label(name.as_bytes())?;
    let octets = match Encoding::for_bom(octets) {
        Some((by_mark, length)) if by_mark == encoding => octets.get(length..).unwrap_or_default(),
        Some(_) | None => octets,
    };
    encoding.decode_without_bom_handling_and_without_replacement(octets)
}

/// The text in the first of these character sets (IANA MIBenum) that holds it, or in the first one that is known, with
/// question marks. None when UTF-8 does, or when none of them is known.
#[must_use]
pub fn encode_text(accepted: &[u32], text: &str) -> Option<EncodedText> {
    let is_plain = text.is_ascii() || accepted.is_empty() || accepted.contains(&UTF_8) || accepted.contains(&ANY);
    if is_plain {
        return None;
    }
    let mut fallback = None;
    for encoded in accepted.iter().filter_map(|number| encode(*number, text)) {
        if encoded.is_complete {
            return Some(encoded);
        }
        fallback = fallback.or(Some(encoded));
    }
    fallback
}

fn encode(number: u32, text: &str) -> Option<EncodedText> {
    let charset = match number {
        3 => return Some(narrow("us-ascii", text, 0x7f)),
        4 => return Some(narrow("iso-8859-1", text, 0xff)),
        5 => "iso-8859-2",
        8 => "iso-8859-5",
        10 => "iso-8859-7",
        17 => "shift_jis",
        18 => "euc-jp",
        38 => "euc-kr",
        109 => "iso-8859-13",
        111 => "iso-8859-15",
        113 => "gbk",
        114 => "gb18030",
        2026 => "big5",
        2084 => "koi8-r",
        2250..=2258 => WINDOWS.get(usize::try_from(number.checked_sub(2250)?).ok()?)?,
        _ => return None,
    };
    let encoding = Encoding::for_label(charset.as_bytes())?;
    let mut octets = Vec::with_capacity(text.len());
    let mut is_complete = true;
    for character in text.chars() {
        let mut buffer = [0; 4];
        let (encoded, _, has_unmappable) = encoding.encode(character.encode_utf8(&mut buffer));
        if has_unmappable {
            is_complete = false;
            octets.push(b'?');
        } else {
            octets.extend_from_slice(&encoded);
        }
    }
    Some(EncodedText { charset, octets, is_complete })
}

/// A character set whose octets are the numbers of its characters.
fn narrow(charset: &'static str, text: &str, most: u32) -> EncodedText {
    let octets: Vec<Option<u8>> = text
        .chars()
        .map(|character| u8::try_from(u32::from(character)).ok().filter(|octet| u32::from(*octet) <= most))
        .collect();
    let is_complete = octets.iter().all(Option::is_some);
    EncodedText { charset, octets: octets.into_iter().map(|octet| octet.unwrap_or(b'?')).collect(), is_complete }
}

const UTF_8: u32 = 106;
/// The registry's number for "not said".
const ANY: u32 = 0;

/// The code pages from MIBenum 2250 on.
const WINDOWS: [&str; 9] = [
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_in_the_first_set_that_holds_it() {
        let latin_then_cyrillic = [4, 2251];
        let german = encode_text(&latin_then_cyrillic, "gr\u{fc}n").unwrap();
        assert_eq!((german.charset, german.octets.as_slice()), ("iso-8859-1", b"gr\xfcn".as_slice()));
        let russian = encode_text(&latin_then_cyrillic, "\u{434}\u{430}").unwrap();
        assert_eq!((russian.charset, russian.octets.as_slice()), ("windows-1251", b"\xe4\xe0".as_slice()));
        let both = encode_text(&[3, 4], "\u{fc}\u{434}").unwrap();
        assert_eq!((both.charset, both.octets.as_slice(), both.is_complete), ("us-ascii", b"??".as_slice(), false));
    }

    #[test]
    fn what_utf_8_holds_for_the_client_stays_as_it_is() {
        assert_eq!(encode_text(&[106, 4], "gr\u{fc}n"), None);
        assert_eq!(encode_text(&[4], "plain"), None);
        assert_eq!(encode_text(&[], "gr\u{fc}n"), None);
        assert_eq!(encode_text(&[99_999], "gr\u{fc}n"), None);
    }

    #[test]
    fn octets_are_read_in_the_set_they_name() {
        assert_eq!(decode_text("ISO-8859-1", b"gr\xfcn").as_deref(), Some("gr\u{fc}n"));
        assert_eq!(decode_text("\"windows-1251\"", b"\xe4\xe0").as_deref(), Some("\u{434}\u{430}"));
        assert_eq!(decode_text("utf-8", b"\xff"), None);
        assert_eq!(decode_text("klingon", b"x"), None);
    }
}
