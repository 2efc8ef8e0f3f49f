//! The character sets of a WBXML document, by the numbers of the IANA registry.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::error::CodecError;

/// A character set that we can read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Charset {
    Utf8,
    /// Every octet is the character of its number.
    Latin1,
    Other(&'static Encoding),
}

impl Charset {
    /// Reads the number of the header.
    pub(super) fn from_mib_enum(number: u32) -> Result<Self, CodecError> {
        Ok(match number {
            // 0 is unknown; all of CSP defaults to UTF-8, and US-ASCII is a part of it.
            0 | 3 | 106 => Self::Utf8,
            4 => Self::Latin1,
            _ => Self::Other(other(number).ok_or(CodecError::UnsupportedCharset)?),
        })
    }

    /// How many zero octets end a string.
    pub(super) fn terminator_width(self) -> usize {
        match self {
            Self::Other(encoding) if !encoding.is_ascii_compatible() && encoding != encoding_rs::ISO_2022_JP => 2,
            Self::Utf8 | Self::Latin1 | Self::Other(_) => 1,
        }
    }

    pub(super) fn decode(self, octets: &[u8]) -> Result<Cow<'_, str>, CodecError> {
        match self {
            Self::Utf8 => core::str::from_utf8(octets).map(Cow::Borrowed).map_err(|_| CodecError::MalformedText),
            Self::Latin1 => Ok(encoding_rs::mem::decode_latin1(octets)),
            Self::Other(encoding) => {
                // Strings of UTF-16 may begin with a byte-order mark, each of its own.
                let (encoding, octets) = match Encoding::for_bom(octets) {
                    Some((by_mark, length)) if !encoding.is_ascii_compatible() => {
                        (by_mark, octets.get(length..).unwrap_or_default())
                    }
                    Some(_) | None => (encoding, octets),
                };
                encoding.decode_without_bom_handling_and_without_replacement(octets).ok_or(CodecError::MalformedText)
            }
        }
    }
}

fn other(number: u32) -> Option<&'static Encoding> {
    let label = match number {
        5 => "iso-8859-2",
        6 => "iso-8859-3",
        7 => "iso-8859-4",
        8 => "iso-8859-5",
        9 => "iso-8859-6",
        10 => "iso-8859-7",
        11 => "iso-8859-8",
        12 => "iso-8859-9",
        13 => "iso-8859-10",
        17 => "shift_jis",
        18 => "euc-jp",
        38 => "euc-kr",
        39 => "iso-2022-jp",
        109 => "iso-8859-13",
        110 => "iso-8859-14",
        111 => "iso-8859-15",
        112 => "iso-8859-16",
        113 | 2025 => "gbk",
        114 => "gb18030",
        1000 | 1013 | 1015 => "utf-16be",
        1014 => "utf-16le",
        2026 => "big5",
        2084 => "koi8-r",
        2088 => "koi8-u",
        2250 => "windows-1250",
        2251 => "windows-1251",
        2252 => "windows-1252",
        2253 => "windows-1253",
        2254 => "windows-1254",
        2255 => "windows-1255",
        2256 => "windows-1256",
        2257 => "windows-1257",
        2258 => "windows-1258",
        2259 => "windows-874",
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(number: u32, octets: &[u8]) -> Result<String, CodecError> {
        Charset::from_mib_enum(number)?.decode(octets).map(Cow::into_owned)
    }

    #[test]
    fn every_number_names_its_character_set() {
        for (number, octets, text) in [
            (0, "ä".as_bytes(), "ä"),
            (3, b"a", "a"),
            (4, b"\xe4", "ä"),
            (5, b"\xb1", "ą"),
            (6, b"\xa9", "İ"),
            (7, b"\xb3", "ŗ"),
            (8, b"\xe4", "ф"),
            (9, b"\xc7", "ا"),
            (10, b"\xe1", "α"),
            (11, b"\xe0", "א"),
            (12, b"\xfd", "ı"),
            (13, b"\xb3", "ģ"),
            (17, b"\x82\xa0", "あ"),
            (18, b"\xa4\xa2", "あ"),
            (38, b"\xb0\xa1", "가"),
            (39, b"\x1b$B$\"\x1b(B", "あ"),
            (109, b"\xb8", "ø"),
            (110, b"\xa1", "Ḃ"),
            (111, b"\xa4", "€"),
            (112, b"\xaa", "Ș"),
            (113, b"\xc4\xe3", "你"),
            (114, b"\xc4\xe3", "你"),
            (1000, b"\x00a", "a"),
            (1014, b"a\x00", "a"),
            // A byte-order mark says more than the name.
            (1015, b"\xff\xfea\x00", "a"),
            (2026, b"\xa7A", "你"),
            (2084, b"\xc6", "ф"),
            (2088, b"\xa4", "є"),
        ] {
            assert_eq!(decoded(number, octets).as_deref(), Ok(text), "{number}");
        }
    }

    #[test]
    fn what_is_no_text_of_its_set_is_refused() {
        assert_eq!(decoded(106, b"\xff"), Err(CodecError::MalformedText));
        assert_eq!(decoded(17, b"\x82"), Err(CodecError::MalformedText));
        assert_eq!(decoded(99_999, b"a"), Err(CodecError::UnsupportedCharset));
    }

    #[test]
    fn strings_of_two_octet_sets_end_with_two_zeros() {
        let width = |number| Charset::from_mib_enum(number).unwrap().terminator_width();
        assert_eq!([0, 4, 17, 39, 1000, 1014].map(width), [1, 1, 1, 1, 2, 2]);
    }
}
