//! A cursor over one value, with the character classes of RFC 3261 §25.1.

use super::text::Text;
use crate::error::ValueError;

/// A cursor over one value.
pub(crate) struct Scanner<'a> {
    text: &'a Text,
    octets: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a Text) -> Self {
        Self { text, octets: text.as_bytes(), at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.octets.len()
    }

    /// Takes one octet if it is the one wanted.
    pub(crate) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    /// Skips blanks; unfolded values hold no line breaks.
    pub(crate) fn skip_blanks(&mut self) {
        self.skip_while(is_blank);
    }

    /// Takes one octet between optional blanks: SEMI, COMMA, EQUAL and their like.
    pub(crate) fn take_separator(&mut self, wanted: u8) -> bool {
        let before = self.at;
        self.skip_blanks();
        if self.take(wanted) {
            self.skip_blanks();
            return true;
        }
        self.at = before;
        false
    }

    pub(crate) fn skip_while(&mut self, class: impl Fn(u8) -> bool) {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|&octet| !class(octet)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(length);
    }

    pub(crate) fn take_while(&mut self, class: impl Fn(u8) -> bool) -> Text {
        let start = self.at;
        self.skip_while(class);
        self.text.part(start..self.at)
    }

    pub(crate) fn token(&mut self) -> Result<Text, ValueError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(ValueError::Token) } else { Ok(token) }
    }

    /// Takes a quoted string with its quotes, as written.
    pub(crate) fn quoted(&mut self) -> Result<Text, ValueError> {
        let start = self.at;
        if !self.take(b'"') {
            return Err(ValueError::QuoteOpen);
        }
        while let Some(octet) = self.peek() {
            self.at = self.at.saturating_add(1);
            match octet {
                b'"' => return Ok(self.text.part(start..self.at)),
                // RFC 3261 §25.1
                b'\\' => self.at = self.at.saturating_add(1),
                _ => {}
            }
        }
        Err(ValueError::QuoteOpen)
    }

    /// Succeeds when only blanks are left.
    pub(crate) fn end(&mut self) -> Result<(), ValueError> {
        self.skip_blanks();
        if self.is_end() { Ok(()) } else { Err(ValueError::Trailing) }
    }
}

pub(crate) fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Token.
// RFC 3261 §25.1
pub(crate) fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// Word, the alphabet of Call-ID.
// RFC 3261 §25.1
pub(crate) fn is_word(octet: u8) -> bool {
    is_token(octet)
        || matches!(octet, b'(' | b')' | b'<' | b'>' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'{' | b'}')
}

/// Unreserved.
// RFC 3261 §25.1
pub(crate) fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

/// Reads digits as a number.
pub(crate) fn parse_number(text: &str) -> Result<u32, ValueError> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(ValueError::Number);
    }
    text.parse().map_err(|_| ValueError::Number)
}

/// The text inside a quoted string with its escapes undone; other text as it is.
pub(crate) fn unquote(raw: &str) -> std::borrow::Cow<'_, str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return raw.into();
    };
    if !inner.contains('\\') {
        return inner.into();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out.into()
}

/// A quoted string of the text.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Whether a value holds no line break, and NUL only where the grammar has it: escaped inside a quoted string.
pub(crate) fn is_one_line(value: &[u8]) -> bool {
    let mut in_quotes = false;
    let mut octets = value.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'\r' | b'\n' | 0 => return false,
            b'"' => in_quotes = !in_quotes,
            // Quoted-pair may hold NUL, never CR or LF.
            // RFC 3261 §25.1
            b'\\' if in_quotes && matches!(octets.next(), Some(b'\r' | b'\n')) => return false,
            _ => {}
        }
    }
    true
}

/// Splits a comma list outside quotes and angle brackets.
pub(crate) fn split_list(text: &Text) -> Result<Vec<Text>, ValueError> {
    let mut items = Vec::with_capacity(1);
    let mut scanner = Scanner::new(text);
    let mut start = 0;
    while let Some(octet) = scanner.peek() {
        match octet {
            b'"' => {
                scanner.quoted()?;
                continue;
            }
            b'<' => {
                scanner.skip_while(|octet| octet != b'>');
                if scanner.is_end() {
                    return Err(ValueError::AngleOpen);
                }
            }
            b',' => {
                items.push(trim(text, start..scanner.at()));
                start = scanner.at().saturating_add(1);
            }
            _ => {}
        }
        scanner.take(octet);
    }
    items.push(trim(text, start..text.len()));
    // RFC 3261 §7.3.1
    if items.len() > 1 && items.iter().any(|item| item.is_empty()) {
        return Err(ValueError::EmptyItem);
    }
    items.retain(|item| !item.is_empty());
    Ok(items)
}

fn trim(text: &Text, range: std::ops::Range<usize>) -> Text {
    let octets = text.as_bytes().get(range.clone()).unwrap_or_default();
    let front = octets.iter().take_while(|&&octet| is_blank(octet)).count();
    let back = octets.iter().rev().take_while(|&&octet| is_blank(octet)).count();
    let start = range.start.saturating_add(front);
    text.part(start..range.end.saturating_sub(back).max(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_splits_outside_quotes_and_brackets_only() {
        let items = split_list(&Text::from(r#""a,\"b" <sip:x,y@h>;q=1 , <sip:z@h>"#)).unwrap();
        assert_eq!(items, [r#""a,\"b" <sip:x,y@h>;q=1"#, "<sip:z@h>"].map(Text::from));
        assert_eq!(split_list(&Text::from("a,,b")), Err(ValueError::EmptyItem));
        assert_eq!(split_list(&Text::from("  ")), Ok(vec![]));
        assert_eq!(split_list(&Text::from("\"a")), Err(ValueError::QuoteOpen));
    }

    #[test]
    fn quoting_is_undone_by_unquoting() {
        assert_eq!(unquote(&quote(r#"a"\b"#)), r#"a"\b"#);
        assert_eq!(unquote("plain"), "plain");
    }
}
