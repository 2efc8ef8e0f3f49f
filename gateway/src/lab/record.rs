//! Recording: what passed a gateway, as its trace tells it, becomes the text of a scenario. Users become actors, what
//! they sent is sent again, and what the gateway said is awaited.

mod cast;
mod sip;
mod wv;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cast::Cast;
use serde::Deserialize;
use sip::SipRecord;
use std::fmt::Write as _;
use wv::WvRecord;

/// Takes the records of a trace, and makes a scenario of them.
#[derive(Debug, Default)]
pub struct Recorder {
    letters: Vec<Letter>,
    /// Records that hold no message.
    empty: usize,
    masked: usize,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The text of the scenario.
    pub text: String,
    /// How many actors play in it.
    pub actors: usize,
    /// How many directions it has.
    pub directions: usize,
}

/// Why there is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Nothing was recorded.
    #[error("the trace holds no message")]
    Nothing,
    /// The trace tells that something passed, not what.
    #[error("none of the {0} records holds the message itself; trace with `trace --export json --no-redaction`")]
    WithoutMessages(usize),
    /// Nobody did anything that an actor could do.
    #[error("nobody sent anything that an actor could send")]
    NoActors,
}

/// A record of the trace, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Traced {
    side: Side,
    direction: Direction,
    #[serde(default)]
    peer: String,
    #[serde(default)]
    wire: Option<TracedWire>,
}

#[derive(Debug, Deserialize)]
struct TracedWire {
    #[serde(default)]
    content_type: Option<String>,
    message: TracedMessage,
}

#[derive(Debug, Deserialize)]
struct TracedMessage {
    #[serde(default)]
    octets: Option<String>,
    #[serde(default)]
    is_masked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Wv,
    Simple,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    In,
    Out,
}

/// A message that passed.
#[derive(Debug)]
struct Letter {
    side: Side,
    /// Whether the gateway received it.
    is_in: bool,
    peer: String,
    content_type: Option<String>,
    octets: Bytes,
}

/// Directions as they are written, with addresses still in them.
#[derive(Debug, Default)]
struct Script {
    lines: Vec<String>,
    directions: usize,
}

impl Recorder {
    /// Takes a line of a trace in JSON; what is none is passed over.
    pub fn take(&mut self, line: &str) {
        let Ok(traced) = serde_json::from_str::<Traced>(line) else { return };
        let Traced { side, direction, peer, wire } = traced;
        let wire = wire.and_then(|wire| {
            self.masked = self.masked.saturating_add(usize::from(wire.message.is_masked));
            let octets = wire.message.octets.and_then(|text| STANDARD.decode(text).ok())?;
            Some((wire.content_type, octets))
        });
        match wire {
            Some((content_type, octets)) if self.letters.len() < LETTERS_MAX => {
                let is_in = direction == Direction::In;
                self.letters.push(Letter { side, is_in, peer, content_type, octets: octets.into() });
            }
            Some(_) => {}
            None => self.empty = self.empty.saturating_add(1),
        }
    }

    /// The scenario.
    ///
    /// # Errors
    /// When there is nothing to play.
    pub fn finish(&self, title: &str) -> Result<Recorded, RecordError> {
        match (self.letters.len(), self.empty) {
            (0, 0) => return Err(RecordError::Nothing),
            (0, empty) => return Err(RecordError::WithoutMessages(empty)),
            _ => {}
        }
        let mut cast = Cast::default();
        let (mut wv, mut sip, mut script) = (WvRecord::default(), SipRecord::default(), Script::default());
        for letter in &self.letters {
            match letter.side {
                Side::Wv => wv.meet(letter, &mut cast),
                Side::Simple => sip.meet(letter, &mut cast),
            }
        }
        for letter in &self.letters {
            match letter.side {
                Side::Wv => wv.take(letter, &cast, &mut script),
                Side::Simple => sip.take(letter, &cast, &mut script),
            }
        }
        if script.directions == 0 {
            return Err(RecordError::NoActors);
        }
        let mut text = format!("scenario {}\n", one_line(title));
        // Writing to a text cannot fail.
        if let Some(variant) = wv.variant() {
            let _ = writeln!(text, "for {variant}");
        }
        if self.masked > 0 {
            let _ = writeln!(text, "# In {} messages something is masked: the trace was redacted.", self.masked);
        }
        let heads = cast.heads();
        heads.iter().for_each(|head| {
            let _ = writeln!(text, "{head}");
        });
        text.push('\n');
        for line in &script.lines {
            text.push_str(&cast.in_words(line));
            text.push('\n');
        }
        Ok(Recorded { text, actors: heads.len(), directions: script.directions })
    }
}

impl Script {
    /// A direction.
    fn direct(&mut self, line: String) {
        self.directions = self.directions.saturating_add(1);
        self.lines.push(line);
    }

    /// Something that belongs to it.
    fn indent(&mut self, line: &str) {
        self.lines.push(format!("  {}", dollars(line)));
    }

    /// The same with a variable in it.
    fn indent_as_it_is(&mut self, line: &str) {
        self.lines.push(format!("  {line}"));
    }

    /// A body, line by line.
    fn body(&mut self, body: &str) {
        body.lines().for_each(|line| self.indent(&format!("| {line}")));
    }
}

/// A dollar sign that begins no variable.
fn dollars(text: &str) -> String {
    text.replace('$', "$$")
}

/// A value in quotes: what peers wrote must not become directions.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// More than anybody wants to read as a scenario.
const LETTERS_MAX: usize = 20_000;

#[cfg(test)]
mod tests;
