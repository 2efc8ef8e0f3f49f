//! Events on standard output, one on each line: text for people, JSON for programs.

use serde_json::{Map, Value};
use std::io::{self, Write};

/// Where a peer tells what happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reporter {
    is_json: bool,
}

impl Reporter {
    pub(super) const fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Tells an event; `fields` is an object.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) fn tell(self, event: &str, fields: Value) -> io::Result<()> {
        let Value::Object(fields) = fields else { return Ok(()) };
        let line = if self.is_json { to_json(event, fields) } else { to_text(event, &fields) };
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// Tells several lines of words for people.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) fn help(self, text: &str) -> io::Result<()> {
        if self.is_json {
            return self.tell("help", serde_json::json!({ "text": text }));
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.trim_end())?;
        out.flush()
    }
}

fn to_json(event: &str, fields: Map<String, Value>) -> String {
    let mut object = Map::new();
    object.insert("event".to_owned(), event.into());
    object.extend(fields);
    Value::Object(object).to_string()
}

/// `presence of=bob@sip.example online=true text="at home"`; what has no value is left out.
fn to_text(event: &str, fields: &Map<String, Value>) -> String {
    let mut line = event.to_owned();
    for (name, value) in fields {
        let word = match value {
            Value::Null => continue,
            Value::String(text) if is_plain(text) => text.clone(),
            // JSON escapes what would steer the terminal.
            other => other.to_string(),
        };
        line.push_str(&format!(" {name}={word}"));
    }
    line
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields() -> Map<String, Value> {
        match json!({ "of": "bob@sip.example", "online": true, "text": "at\u{1b} home", "note": null }) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    #[test]
    fn an_event_is_text_for_people() {
        assert_eq!(to_text("presence", &fields()), r#"presence of=bob@sip.example online=true text="at\u001b home""#);
    }

    #[test]
    fn an_event_is_json_for_programs() {
        let line: Value = serde_json::from_str(&to_json("presence", fields())).unwrap();
        assert_eq!((&line["event"], &line["note"]), (&json!("presence"), &Value::Null));
    }
}
