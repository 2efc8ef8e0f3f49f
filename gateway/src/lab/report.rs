//! Reports about results: each a text that stands alone.

mod comparison;
mod html;
mod junit;
mod statement;

pub use comparison::{Change, Comparison};
pub use html::write as write_html;
pub use junit::write as write_junit;
pub use statement::write as write_statement;

use std::fmt;

/// Text that may come from peers, made harmless for XML and HTML: markup is escaped, and what XML 1.0 does not know is
/// shown as a dot.
pub(in crate::lab) struct Harmless<'a>(pub(in crate::lab) &'a str);

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' => f.write_char('\n')?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{b7}')?,
                c if c.is_control() => f.write_char('\u{b7}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// What every page begins with: no script, nothing from elsewhere, readable in the dark and on a phone.
const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\
:root{color-scheme:light dark;--line:#8884;--pass:#2a7d3f;--fail:#c0322b;--open:#a86b00;--na:#777}\
body{font:15px/1.45 system-ui,sans-serif;margin:auto;padding:1rem;max-width:75rem}\
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\
td,th{border-bottom:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}\
pre{overflow-x:auto;font-size:12px;border-left:3px solid var(--line);padding-left:.5rem}\
.wide{overflow-x:auto}.id{white-space:nowrap}.pass{color:var(--pass)}.fail{color:var(--fail)}.inconclusive{color:var(--open)}\
.not-applicable{color:var(--na)}.verdict{font-weight:600;white-space:nowrap}\
@media (prefers-color-scheme:dark){:root{--pass:#6fcf87;--fail:#ff8079;--open:#f0b64d;--na:#aaa}}\
</style>\n";

/// The class of a verdict in the style.
fn class(verdict: super::result::Judgement) -> String {
    verdict.to_string().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_peers_is_no_markup() {
        let text = Harmless("<b a='1'>\"&\u{0}\u{1b}\u{fffe}\n").to_string();
        assert_eq!(text, "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\u{b7}\u{b7}\u{b7}\n");
    }
}
