//! A cursor over one value, with the character classes of RFC 3261 §25.1.

use crate::error::ValueError;
use crate::octets::find_octet;
use memchr::{memchr, memchr3};

/// A cursor over one value.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    octets: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    #[inline]
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, octets: text.as_bytes(), at: 0 }
    }

    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    #[inline]
    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.octets.len()
    }

    /// What was passed over since `start`.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Takes one octet if it is the one wanted.
    #[inline]
    pub(crate) fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    /// Takes the octets, written exactly so, if they come.
    #[inline]
    pub(crate) fn take_exactly(&mut self, wanted: &[u8]) -> bool {
        let found = self.octets.get(self.at..).is_some_and(|rest| rest.starts_with(wanted));
        if found {
            self.at = self.at.saturating_add(wanted.len());
        }
        found
    }

    /// Skips blanks; unfolded values hold no line breaks.
    #[inline]
    pub(crate) fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at = self.at.saturating_add(1);
        }
    }

    /// Takes one octet between optional blanks: SEMI, COMMA, EQUAL and their like.
    #[inline]
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

    /// Skips the octets of a class; tells whether there were any.
    #[inline]
    pub(crate) fn skip_while(&mut self, class: impl Fn(u8) -> bool) -> bool {
        let start = self.at;
        self.at = end_of(self.octets, start, class);
        self.at != start
    }

    /// What is left.
    #[inline]
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes on behind so many octets.
    #[inline]
    pub(crate) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.octets.len());
    }

    /// Takes everything up to an octet, which may be missing.
    #[inline]
    pub(crate) fn take_until(&mut self, wanted: u8) -> &'a str {
        let rest = self.rest();
        let end = find_octet(rest.as_bytes(), wanted).unwrap_or(rest.len());
        self.at = self.at.saturating_add(end);
        rest.get(..end).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn take_while(&mut self, class: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        self.skip_while(class);
        self.since(start)
    }

    #[inline]
    pub(crate) fn token(&mut self) -> Result<&'a str, ValueError> {
        let token = self.take_while(is_token);
        if token.is_empty() { Err(ValueError::Token) } else { Ok(token) }
    }

    /// Takes a quoted string with its quotes, as written.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, ValueError> {
        let start = self.at;
        self.skip_quoted()?;
        Ok(self.since(start))
    }

    /// Skips a quoted string.
    pub(crate) fn skip_quoted(&mut self) -> Result<(), ValueError> {
        self.at = quote_end(self.octets, self.at).ok_or(ValueError::QuoteOpen)?;
        Ok(())
    }

    /// Succeeds when only blanks are left.
    #[inline]
    pub(crate) fn end(&mut self) -> Result<(), ValueError> {
        self.skip_blanks();
        if self.is_end() { Ok(()) } else { Err(ValueError::Trailing) }
    }
}

/// Where the octets of a class that begin at `start` are over.
#[inline]
pub(crate) fn end_of(octets: &[u8], start: usize, class: impl Fn(u8) -> bool) -> usize {
    let (mut rest, length) = (octets.get(start..).unwrap_or_default(), octets.len());
    let place = |rest: &[u8], passed: usize| length.wrapping_sub(rest.len()).wrapping_add(passed);
    // Four at a time, so that the end of all is looked for less often.
    while let [one, two, three, four, behind @ ..] = rest {
        for (passed, octet) in [one, two, three, four].into_iter().enumerate() {
            if !class(*octet) {
                return place(rest, passed);
            }
        }
        rest = behind;
    }
    while let [octet, behind @ ..] = rest {
        if !class(*octet) {
            break;
        }
        rest = behind;
    }
    place(rest, 0).max(start)
}

/// Where the blanks that begin at `start` are over.
#[inline]
pub(crate) fn end_of_blanks(octets: &[u8], start: usize) -> usize {
    let mut at = start;
    while octets.get(at).is_some_and(|octet| is_blank(*octet)) {
        at = at.wrapping_add(1);
    }
    at
}

/// Where the quoted string that begins at `start` is over; `None` when none begins there or it does not end.
pub(crate) fn quote_end(octets: &[u8], start: usize) -> Option<usize> {
    let mut at = start.checked_add(1)?;
    if octets.get(start) != Some(&b'"') {
        return None;
    }
    loop {
        match octets.get(at)? {
            b'"' => return at.checked_add(1),
            // RFC 3261 §25.1
            b'\\' => at = at.checked_add(2)?,
            _ => at = at.checked_add(1)?,
        }
    }
}

/// The classes that an octet belongs to, a bit each.
static CLASSES: [u8; 256] = classes();

const TOKEN: u8 = 1;
const WORD: u8 = 2;
const UNRESERVED: u8 = 4;
const USER: u8 = 8;
const URI_PARAM: u8 = 16;
const PARAM: u8 = 32;
const LABEL: u8 = 64;
const UNPARTED: u8 = 128;

#[allow(clippy::indexing_slicing, reason = "runs in the compiler, which checks it")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet = 0_u8;
    while octet < 0x80 {
        let letter = octet.is_ascii_alphanumeric();
        let token = letter || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        let bracket = matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}');
        let unreserved = letter || matches!(octet, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')');
        let user = matches!(octet, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/');
        let uri_param = matches!(octet, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$');
        let param = octet.is_ascii_graphic() && !matches!(octet, b';' | b',' | b'"' | b'<' | b'>' | b'\\');
        let mut set = 0;
        if token {
            set |= TOKEN;
        }
        if token || bracket || matches!(octet, b':' | b'\\' | b'"' | b'/' | b'?') {
            set |= WORD;
        }
        if unreserved {
            set |= UNRESERVED;
        }
        if unreserved || user {
            set |= USER;
        }
        if unreserved || uri_param {
            set |= URI_PARAM;
        }
        if param {
            set |= PARAM;
        }
        if letter || matches!(octet, b'-' | b'_') {
            set |= LABEL;
        }
        table[octet as usize] = set;
        octet = octet.saturating_add(1);
    }
    let mut place = 0;
    while place < table.len() {
        if !matches!(place as u8, b'=' | b';' | b',' | b' ' | b'\t') {
            table[place] |= UNPARTED;
        }
        place = place.saturating_add(1);
    }
    table
}

#[inline]
fn is_in(octet: u8, class: u8) -> bool {
    CLASSES.get(usize::from(octet)).is_some_and(|set| set & class != 0)
}

#[inline]
pub(crate) fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Token.
// RFC 3261 §25.1
#[inline]
pub(crate) fn is_token(octet: u8) -> bool {
    is_in(octet, TOKEN)
}

/// Word, the alphabet of Call-ID.
// RFC 3261 §25.1
#[inline]
pub(crate) fn is_word(octet: u8) -> bool {
    is_in(octet, WORD)
}

/// Unreserved.
// RFC 3261 §25.1
#[inline]
pub(crate) fn is_unreserved(octet: u8) -> bool {
    is_in(octet, UNRESERVED)
}

/// What a user part holds without escape.
// RFC 3261 §25.1
#[inline]
pub(crate) fn is_user(octet: u8) -> bool {
    is_in(octet, USER)
}

/// Paramchar of a URI without escapes.
// RFC 3261 §25.1
#[inline]
pub(crate) fn is_uri_plain(octet: u8) -> bool {
    is_in(octet, URI_PARAM)
}

/// Gen-value without quoted string; wider than token, so that hosts and what peers write unquoted pass.
// RFC 3261 §25.1
#[inline]
pub(crate) fn is_param_value(octet: u8) -> bool {
    is_in(octet, PARAM)
}

/// What does not end the name of a parameter that was read: neither separator nor blank.
#[inline]
pub(crate) fn is_unparted(octet: u8) -> bool {
    is_in(octet, UNPARTED)
}

/// What a label of a host name holds.
#[inline]
pub(crate) fn is_label(octet: u8) -> bool {
    is_in(octet, LABEL)
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

/// The elements of a comma list, split outside quotes and angle brackets, without the blanks around them.
pub(crate) struct Items<'a> {
    text: &'a str,
    at: usize,
    count: usize,
    is_over: bool,
}

impl<'a> Items<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { text, at: 0, count: 0, is_over: false }
    }

    /// The end of the element that begins at `self.at`, and whether it is the last one.
    fn find_end(&self) -> Result<(usize, bool), ValueError> {
        let octets = self.text.as_bytes();
        let mut at = self.at;
        loop {
            let rest = octets.get(at..).unwrap_or_default();
            let Some(found) = memchr3(b',', b'"', b'<', rest) else {
                return Ok((octets.len(), true));
            };
            at = at.saturating_add(found);
            match rest.get(found) {
                Some(b',') => return Ok((at, false)),
                Some(b'"') => at = quote_end(octets, at).ok_or(ValueError::QuoteOpen)?,
                _ => {
                    let inside = rest.get(found..).unwrap_or_default();
                    at = at.saturating_add(memchr(b'>', inside).ok_or(ValueError::AngleOpen)?);
                }
            }
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<&'a str, ValueError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let (end, is_last) = match self.find_end() {
            Ok(found) => found,
            Err(error) => {
                self.is_over = true;
                return Some(Err(error));
            }
        };
        let item = trim(self.text.get(self.at..end).unwrap_or_default());
        self.is_over = is_last;
        self.at = end.saturating_add(1);
        if item.is_empty() {
            // RFC 3261 §7.3.1
            let is_alone = is_last && self.count == 0;
            self.is_over = true;
            return if is_alone { None } else { Some(Err(ValueError::EmptyItem)) };
        }
        self.count = self.count.saturating_add(1);
        Some(Ok(item))
    }
}

/// The text without blanks at its ends.
pub(crate) fn trim(text: &str) -> &str {
    let mut text = text;
    while let Some(rest) = text.strip_prefix([' ', '\t']) {
        text = rest;
    }
    while let Some(rest) = text.strip_suffix([' ', '\t']) {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Result<Vec<&str>, ValueError> {
        Items::of(text).collect()
    }

    #[test]
    fn list_splits_outside_quotes_and_brackets_only() {
        let items = split(r#""a,\"b" <sip:x,y@h>;q=1 , <sip:z@h>"#).unwrap();
        assert_eq!(items, [r#""a,\"b" <sip:x,y@h>;q=1"#, "<sip:z@h>"]);
        assert_eq!(split("a,,b"), Err(ValueError::EmptyItem));
        assert_eq!(split("a,"), Err(ValueError::EmptyItem));
        assert_eq!(split("  "), Ok(vec![]));
        assert_eq!(split("\"a"), Err(ValueError::QuoteOpen));
        assert_eq!(split("<a,b"), Err(ValueError::AngleOpen));
    }

    #[test]
    fn quoting_is_undone_by_unquoting() {
        assert_eq!(unquote(&quote(r#"a"\b"#)), r#"a"\b"#);
        assert_eq!(unquote("plain"), "plain");
    }

    proptest! {
        #[test]
        fn elements_are_pieces_of_the_list_in_its_order(text in "[ab ,\"<>\\\\]{0,24}") {
            let mut from = 0;
            for item in Items::of(&text).map_while(Result::ok) {
                let at = text[from..].find(item).map(|at| at + from).unwrap();
                prop_assert!(!item.is_empty() && item == trim(item));
                from = at + item.len();
            }
        }
    }
}
