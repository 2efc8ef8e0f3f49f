//! Characters that a message header writes by escapes (RFC 3862 §2.3).

// RFC 3862 §2.3.1
/// The text with escapes in place of backslashes and control characters.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

// RFC 3862 §2.3.1
/// The text without escapes. One that is not known stands for its character, and a backslash at the end for nothing.
#[must_use]
pub fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('b') => out.push('\u{8}'),
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('u') => match code_point(rest.as_str()) {
                Some(c) => {
                    out.push(c);
                    rest = rest.as_str().get(4..).unwrap_or_default().chars();
                }
                None => out.push('u'),
            },
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn code_point(rest: &str) -> Option<char> {
    let digits = rest.get(..4).filter(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()))?;
    // UNCLEAR RFC 3862 §2.3: half of a surrogate pair stands for no character.
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}
