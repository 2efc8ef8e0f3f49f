//! The ladder: both protocols in one picture, drawn line by line as it happens.
//!
//! ```text
//!   +0.000  wv:alice@wv.example       gateway        sip:bob@sip.example
//!   +0.012  |--- SendMessage-Request ---->|                            |
//!   +0.014  |                             |--- MESSAGE sip:bob@… ----->|
//! ```

use super::trace::{Direction, TraceRecord};
use mapping::{side::Side, time::Timestamp};

/// Draws records as lines of text. Keeps only what the next line needs.
#[derive(Debug)]
pub struct Ladder {
    began: Option<Timestamp>,
    /// The far ends last named above the left and the right column.
    heads: [Option<String>; 2],
    width: usize,
    shows_details: bool,
}

impl Ladder {
    /// A ladder whose two columns are `width` characters wide each; narrower than [`Ladder::WIDTH_MIN`] is not drawn.
    #[must_use]
    pub fn new(width: usize) -> Self {
        Self { began: None, heads: [None, None], width: width.max(Self::WIDTH_MIN), shows_details: false }
    }

    /// Draws the details of records below their arrows as well.
    #[must_use]
    pub fn with_details(mut self) -> Self {
        self.shows_details = true;
        self
    }

    /// The lines for a record, without line ends. A line that names the far ends comes first when they change.
    pub fn draw(&mut self, record: &TraceRecord) -> Vec<String> {
        let began = *self.began.get_or_insert(record.at);
        let elapsed = began.until(record.at);
        let clock = format!("+{}.{:03}", elapsed.as_secs(), elapsed.subsec_millis());
        let mut lines = Vec::new();
        if self.rename(record) {
            lines.push(self.head());
        }
        let arrow = self.arrow(record);
        let blank = " ".repeat(self.width);
        let correlation = short(record);
        lines.push(match record.side {
            Side::Wv => format!("{clock:>9}  |{arrow}|{blank}|  {correlation}"),
            Side::Simple => format!("{clock:>9}  |{blank}|{arrow}|  {correlation}"),
        });
        if self.shows_details {
            let indent = " ".repeat(CLOCK_WIDTH);
            let details = record.detail.iter().flat_map(|detail| detail.lines());
            lines.extend(details.map(|line| format!("{indent}: {}", printable(line))));
        }
        lines
    }

    /// A line about something that is no message.
    #[must_use]
    pub fn remark(&self, text: &str) -> String {
        format!("{}* {}", " ".repeat(CLOCK_WIDTH), printable(text))
    }

    fn rename(&mut self, record: &TraceRecord) -> bool {
        let [left, right] = &mut self.heads;
        let head = match record.side {
            Side::Wv => left,
            Side::Simple => right,
        };
        let peer = printable(&record.peer);
        if head.as_ref() == Some(&peer) {
            return false;
        }
        *head = Some(peer);
        true
    }

    fn head(&self) -> String {
        let [left, right] = self.heads.each_ref().map(|head| head.as_deref().unwrap_or_default());
        let left = shorten(left, self.width.saturating_sub(GATEWAY.len()));
        let right = shorten(right, self.width.saturating_sub(2));
        let middle = self.width.saturating_add(1).saturating_sub(GATEWAY.len() / 2);
        let indent = " ".repeat(CLOCK_WIDTH);
        let rest = self.width.saturating_sub(GATEWAY.len() / 2);
        format!("{indent}{left:<middle$}{GATEWAY}{right:>rest$}")
    }

    /// The arrow, exactly as wide as a column.
    fn arrow(&self, record: &TraceRecord) -> String {
        let title = shorten(&printable(&record.title), self.width.saturating_sub(ARROW_ENDS));
        let points_right = match (record.side, record.direction) {
            (Side::Wv, Direction::In) | (Side::Simple, Direction::Out) => true,
            (Side::Wv, Direction::Out) | (Side::Simple, Direction::In) => false,
        };
        let used = title.chars().count().saturating_add(ARROW_ENDS);
        let filling = "-".repeat(self.width.saturating_sub(used));
        if points_right { format!("-- {title} {filling}->") } else { format!("<- {title} {filling}--") }
    }

    /// Narrowest column.
    pub const WIDTH_MIN: usize = 24;
}

impl Default for Ladder {
    fn default() -> Self {
        Self::new(44)
    }
}

/// The last digits of the correlation: enough to see on both sides what belongs together.
fn short(record: &TraceRecord) -> String {
    let text = record.correlation.to_string();
    text.get(text.len().saturating_sub(4)..).unwrap_or_default().to_owned()
}

/// A text without control characters: what a peer sent must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect()
}

fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('\u{2026}');
    short
}

const GATEWAY: &str = "gateway";
/// `"-- "`, `" "` and `"->"`.
const ARROW_ENDS: usize = 6;
const CLOCK_WIDTH: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;
    use mapping::correlation::Correlation;

    fn record(at: u64, side: Side, direction: Direction, peer: &str, title: &str) -> TraceRecord {
        TraceRecord {
            at: Timestamp::from_millis(at),
            correlation: Correlation::new(0x00c0_ffee),
            side,
            direction,
            peer: peer.to_owned(),
            title: title.to_owned(),
            detail: Some("Content-Length: 2".to_owned()),
            wire: None,
        }
    }

    #[test]
    fn both_protocols_stand_in_one_picture() {
        let mut ladder = Ladder::new(32);
        let records = [
            record(1000, Side::Wv, Direction::In, "wv:alice@wv.example", "SendMessage-Request"),
            record(
                1004,
                Side::Simple,
                Direction::Out,
                "sip:bob@sip.example",
                "MESSAGE sip:bob@sip.example;transport=tcp",
            ),
            record(1020, Side::Simple, Direction::In, "sip:bob@sip.example", "200 OK"),
            record(2021, Side::Wv, Direction::Out, "wv:alice@wv.example", "SendMessage-Response 200"),
        ];
        let lines: Vec<String> = records.iter().flat_map(|record| ladder.draw(record)).collect();
        assert_eq!(
            lines,
            [
                "           wv:alice@wv.example           gateway                             ",
                "   +0.000  |-- SendMessage-Request -------->|                                |  ffee",
                "           wv:alice@wv.example           gateway          sip:bob@sip.example",
                "   +0.004  |                                |-- MESSAGE sip:bob@sip.examp\u{2026} ->|  ffee",
                "   +0.020  |                                |<- 200 OK ----------------------|  ffee",
                "   +1.021  |<- SendMessage-Response 200 ----|                                |  ffee",
            ]
        );
    }

    #[test]
    fn what_a_peer_sends_does_not_steer_the_terminal() {
        let mut ladder = Ladder::new(32).with_details();
        let mut hostile = record(0, Side::Wv, Direction::In, "x\u{1b}[2J", "a\r\nb");
        hostile.detail = Some("one\ntwo\u{7}".to_owned());
        let lines = ladder.draw(&hostile);
        assert!(lines.iter().all(|line| !line.chars().any(char::is_control)), "{lines:?}");
        assert_eq!(lines.len(), 4);
        assert!(!ladder.remark("\u{1b}").contains('\u{1b}'));
    }
}
