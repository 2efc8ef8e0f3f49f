//! The ladder as an SVG picture, for reports.

use super::trace::{Direction, TraceRecord};
use mapping::side::Side;
use std::fmt::Write;

/// Draws all records in one picture: WV on the left, the gateway in the middle, SIP on the right.
#[must_use]
pub fn draw(records: &[TraceRecord]) -> String {
    let height = HEAD.saturating_add(STEP.saturating_mul(records.len())).saturating_add(STEP);
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"monospace\" \
         font-size=\"12\"><defs><marker id=\"a\" markerWidth=\"8\" markerHeight=\"8\" refX=\"8\" refY=\"4\" \
         orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    );
    for (x, name) in
        [(LEFT, first_peer(records, Side::Wv)), (MIDDLE, "gateway"), (RIGHT, first_peer(records, Side::Simple))]
    {
        let _ = write!(
            out,
            "<text x=\"{x}\" y=\"20\" text-anchor=\"middle\">{}</text>\
             <line x1=\"{x}\" y1=\"28\" x2=\"{x}\" y2=\"{height}\" stroke=\"gray\"/>",
            escape(name)
        );
    }
    let began = records.first().map(|record| record.at);
    for (index, record) in records.iter().enumerate() {
        let y = HEAD.saturating_add(STEP.saturating_mul(index));
        let elapsed = began.map(|began| began.until(record.at)).unwrap_or_default();
        let (from, to) = match (record.side, record.direction) {
            (Side::Wv, Direction::In) => (LEFT, MIDDLE),
            (Side::Wv, Direction::Out) => (MIDDLE, LEFT),
            (Side::Simple, Direction::In) => (RIGHT, MIDDLE),
            (Side::Simple, Direction::Out) => (MIDDLE, RIGHT),
        };
        let centre = usize::midpoint(from, to);
        let above = y.saturating_sub(5);
        let _ = write!(
            out,
            "<text x=\"4\" y=\"{y}\" fill=\"gray\">+{}.{:03}</text>\
             <line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke=\"black\" marker-end=\"url(#a)\"/>\
             <text x=\"{centre}\" y=\"{above}\" text-anchor=\"middle\">{}<title>{} {}</title></text>",
            elapsed.as_secs(),
            elapsed.subsec_millis(),
            escape(&record.title),
            record.correlation,
            escape(&record.peer),
        );
    }
    out.push_str("</svg>\n");
    out
}

fn first_peer(records: &[TraceRecord], side: Side) -> &str {
    let found = records.iter().find(|record| record.side == side).map(|record| record.peer.as_str());
    found.unwrap_or(match side {
        Side::Wv => "WV",
        Side::Simple => "SIP",
    })
}

/// Text of peers, made harmless for XML: markup is escaped, and what XML 1.0 does not know is shown as a dot.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{b7}'),
            c if c.is_control() => out.push('\u{b7}'),
            c => out.push(c),
        }
    }
    out
}

const WIDTH: usize = 1000;
const LEFT: usize = 120;
const MIDDLE: usize = 530;
const RIGHT: usize = 940;
const HEAD: usize = 60;
const STEP: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;
    use mapping::{correlation::Correlation, time::Timestamp};

    #[test]
    fn a_picture_has_an_arrow_for_each_record_and_no_foreign_markup() {
        let record = |side, direction, at| TraceRecord {
            at: Timestamp::from_millis(at),
            correlation: Correlation::new(7),
            side,
            direction,
            peer: "sip:<b>@d".to_owned(),
            title: "MESSAGE <script>\u{1}".to_owned(),
            detail: None,
            wire: None,
        };
        let picture = draw(&[record(Side::Simple, Direction::In, 5), record(Side::Wv, Direction::Out, 1010)]);
        assert_eq!(picture.matches("marker-end").count(), 2);
        assert!(picture.contains("+1.005") && picture.contains("x1=\"940\" y1=\"60\" x2=\"530\""), "{picture}");
        assert!(!picture.contains("<script>") && !picture.contains('\u{1}') && picture.contains("sip:&lt;b&gt;@d"));
        assert!(draw(&[]).ends_with("</svg>\n"));
    }
}
