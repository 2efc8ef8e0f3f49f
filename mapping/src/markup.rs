//! Text out of markup: what a client that takes plain text only is shown of HTML.
//!
//! No parser of HTML: tags go, what stands for a line's end becomes one, and references become characters. Whatever comes
//! in, what comes out is no longer than it.

/// The text that HTML shows.
// WV-MSG-09
#[must_use]
pub fn to_plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        push_words(&mut text, before);
        rest = if from.starts_with('&') { take_reference(&mut text, from) } else { take_tag(&mut text, from) };
    }
    push_words(&mut text, rest);
    text.trim().to_owned()
}

/// Characters of text; any run of white space is one blank.
fn push_words(text: &mut String, words: &str) {
    for character in words.chars() {
        if !character.is_ascii_whitespace() {
            text.push(character);
        } else if !text.ends_with([' ', '\n']) && !text.is_empty() {
            text.push(' ');
        }
    }
}

/// Takes what begins with `<`; what is left. A `<` that begins nothing is a character.
fn take_tag<'a>(text: &mut String, from: &'a str) -> &'a str {
    let after = from.get(1..).unwrap_or_default();
    if let Some(comment) = after.strip_prefix("!--") {
        return comment.find("-->").and_then(|end| comment.get(end.saturating_add(3)..)).unwrap_or_default();
    }
    if !after.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!' | '?')) {
        text.push('<');
        return after;
    }
    let Some(end) = tag_end(after) else { return "" };
    let (tag, rest) = (after.get(..end).unwrap_or_default(), after.get(end.saturating_add(1)..).unwrap_or_default());
    let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if is_one_of(name, HIDDEN) && !tag.starts_with('/') && !tag.ends_with('/') {
        return after_closing(rest, name);
    }
    let ends_line = is_one_of(name, BREAKS) || (is_one_of(name, BLOCKS) && tag.starts_with('/'));
    if ends_line && !text.is_empty() {
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    rest
}

/// Where the tag ends; a `>` inside quotes does not end it.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in tag.char_indices() {
        match (quote, character) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), other) if open == other => quote = None,
            (None | Some(_), _) => {}
        }
    }
    None
}

/// What follows the end of an element whose content is never shown.
fn after_closing<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut search = rest;
    while let Some(at) = search.find("</") {
        let after = search.get(at.saturating_add(2)..).unwrap_or_default();
        let closes = after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if closes {
            return after.find('>').and_then(|end| after.get(end.saturating_add(1)..)).unwrap_or_default();
        }
        search = after;
    }
    ""
}

/// Takes a reference to a character; an `&` that begins none is a character.
fn take_reference<'a>(text: &mut String, from: &'a str) -> &'a str {
    let end = from.bytes().take(REFERENCE_OCTETS_MAX).position(|octet| octet == b';');
    let named = end.and_then(|end| from.get(1..end).and_then(character_of).map(|character| (end, character)));
    match named {
        Some((end, character)) => {
            text.push(character);
            from.get(end.saturating_add(1)..).unwrap_or_default()
        }
        None => {
            text.push('&');
            from.get(1..).unwrap_or_default()
        }
    }
}

fn character_of(reference: &str) -> Option<char> {
    let number = match reference.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => return NAMED.iter().find(|(name, _)| *name == reference).map(|(_, character)| *character),
    };
    char::from_u32(number).filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Elements whose content is never shown.
const HIDDEN: &[&str] = &["script", "style", "head", "title"];
/// Elements that are the end of a line.
const BREAKS: &[&str] = &["br", "hr"];
/// Elements after which a new line begins.
const BLOCKS: &[&str] =
    &["p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table"];
/// References that messages use.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("euro", '\u{20ac}'),
    ("copy", '\u{a9}'),
    ("hellip", '\u{2026}'),
    ("ndash", '\u{2013}'),
    ("mdash", '\u{2014}'),
    ("auml", '\u{e4}'),
    ("ouml", '\u{f6}'),
    ("uuml", '\u{fc}'),
    ("szlig", '\u{df}'),
    ("Auml", '\u{c4}'),
    ("Ouml", '\u{d6}'),
    ("Uuml", '\u{dc}'),
    ("aacute", '\u{e1}'),
    ("eacute", '\u{e9}'),
    ("iacute", '\u{ed}'),
    ("oacute", '\u{f3}'),
    ("uacute", '\u{fa}'),
    ("agrave", '\u{e0}'),
    ("egrave", '\u{e8}'),
    ("ccedil", '\u{e7}'),
    ("ntilde", '\u{f1}'),
    ("Ntilde", '\u{d1}'),
    ("iexcl", '\u{a1}'),
    ("iquest", '\u{bf}'),
];
/// The longest reference that is looked for.
const REFERENCE_OCTETS_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wv_msg_09_the_text_of_real_wrappers_is_left() {
        let rows = [
            (
                "<span style=\"color:#000000;font-family:'Arial'\">Hola &amp; adi&oacute;s &unknown;</span>",
                "Hola & adi\u{f3}s &unknown;",
            ),
            (
                "<html><head><title>x</title><style>p{}</style></head><body><p>one</p><p>two</p></body></html>",
                "one\ntwo",
            ),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("  many \r\n  blanks ", "many blanks"),
            ("1 < 2 & 3 > 2", "1 < 2 & 3 > 2"),
            ("&#228;&#xE4;&uuml;&#0;&#xD800;", "\u{e4}\u{e4}\u{fc}&#0;&#xD800;"),
            ("<!-- <b>no</b> --><script>if (a<b) {}</script>yes", "yes"),
            ("<a title=\"a > b\">link</a>", "link"),
            ("cut <b", "cut"),
            ("", ""),
        ];
        for (html, text) in rows {
            assert_eq!(to_plain_text(html), text, "{html}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_in_no_more_comes_out(html in "(<|>|&|;|#|\"|/|br|p|script|lt|!--|-->|x| |\u{e4}){0,40}") {
            prop_assert!(to_plain_text(&html).len() <= html.len());
        }

        #[test]
        fn text_without_markup_is_left_alone(text in "[a-z\u{e4}.]{1,20}( [a-z.]{1,20}){0,5}") {
            prop_assert_eq!(to_plain_text(&text), text);
        }
    }
}
