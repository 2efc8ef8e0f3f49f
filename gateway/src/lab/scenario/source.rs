//! The text of a scenario as lines with the blocks that belong to them.

use super::problem::{Place, Problem};
use std::{path::Path, sync::Arc};

/// A line that stands at the margin, and the indented lines below it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Where it stands.
    pub(super) place: Place,
    /// Its text, without blanks around it.
    pub(super) text: String,
    /// The indented lines below it; blank lines and comments are left out.
    pub(super) block: Vec<Indented>,
}

/// A line of a block.
#[derive(Clone, Debug)]
pub(super) struct Indented {
    /// Where it stands.
    pub(super) place: Place,
    /// Its text without the blanks in front of it.
    pub(super) text: String,
}

/// Cuts a text into lines and blocks.
pub(super) fn read(file: &Path, text: &str) -> Result<Vec<Line>, Problem> {
    let file: Arc<Path> = file.into();
    let mut lines: Vec<Line> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let place = Place { file: Arc::clone(&file), line: index.saturating_add(1) };
        if raw.len() > LINE_OCTETS_MAX {
            return Err(Problem::at(&place, format!("the line is longer than {LINE_OCTETS_MAX} octets")));
        }
        let text = raw.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if !raw.starts_with([' ', '\t']) {
            if lines.len() >= LINES_MAX {
                return Err(Problem::at(&place, format!("the scenario has more than {LINES_MAX} directions")));
            }
            lines.push(Line { place, text: text.to_owned(), block: Vec::new() });
            continue;
        }
        // A line of a body keeps the blanks at its end.
        let text = if text.starts_with('|') { raw.trim_start() } else { text };
        match lines.last_mut() {
            Some(line) => line.block.push(Indented { place, text: text.to_owned() }),
            None => return Err(Problem::at(&place, "an indented line belongs to the one above it, and there is none")),
        }
    }
    Ok(lines)
}

impl Indented {
    /// The line of a body that it holds: what stands behind `|` and one blank.
    pub(super) fn body(&self) -> Option<&str> {
        let rest = self.text.strip_prefix('|')?;
        Some(rest.strip_prefix(' ').unwrap_or(rest))
    }
}

/// The words of a line, quoted ones as one, taken one by one.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    rest: &'a str,
    place: &'a Place,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str, place: &'a Place) -> Self {
        Self { rest: text.trim(), place }
    }

    /// Where the line stands.
    pub(super) const fn place(&self) -> &'a Place {
        self.place
    }

    /// The next word, not taken.
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.rest.split_whitespace().next()
    }

    /// Takes the next word.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.rest = self.rest.get(word.len()..).unwrap_or_default().trim_start();
        Some(word)
    }

    /// Takes the next word, or says what is missing.
    pub(super) fn need(&mut self, what: &str) -> Result<&'a str, Problem> {
        self.next().ok_or_else(|| Problem::at(self.place, format!("{what} is missing at the end of the line")))
    }

    /// Takes these words when they come next.
    pub(super) fn take(&mut self, words: &str) -> bool {
        let mut ahead = self.clone();
        if words.split(' ').all(|word| ahead.next() == Some(word)) {
            self.rest = ahead.rest;
            return true;
        }
        false
    }

    /// Takes the next word or quoted text.
    pub(super) fn value(&mut self, what: &str) -> Result<String, Problem> {
        if !self.rest.starts_with('"') {
            return self.need(what).map(str::to_owned);
        }
        let (value, used) = unquote(self.rest).map_err(|reason| Problem::at(self.place, reason))?;
        self.rest = self.rest.get(used..).unwrap_or_default().trim_start();
        Ok(value)
    }

    /// Takes all that is left as one value; quotes around it are taken off.
    pub(super) fn rest_value(&mut self) -> Result<String, Problem> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.starts_with('"') {
            return Ok(rest.to_owned());
        }
        let (value, used) = unquote(rest).map_err(|reason| Problem::at(self.place, reason))?;
        match rest.get(used..).map(str::trim) {
            Some("") | None => Ok(value),
            Some(more) => Err(Problem::at(self.place, format!("\"{more}\" stands behind the quoted text"))),
        }
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// Refuses what is left.
    pub(super) fn finish(&self) -> Result<(), Problem> {
        match self.rest {
            "" => Ok(()),
            rest => Err(Problem::at(self.place, format!("\"{rest}\" is not understood here"))),
        }
    }
}

/// The value of a quoted text at the beginning, and how many octets it takes.
fn unquote(text: &str) -> Result<(String, usize), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, at.saturating_add(1))),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('"' | '\\' | '$'))) => value.push(escaped),
                _ => return Err("write \\n, \\r, \\t, \\\" or \\\\ in a quoted text"),
            },
            other => value.push(other),
        }
    }
    Err("the quoted text does not end")
}

/// Longer than any message that is written by hand.
const LINE_OCTETS_MAX: usize = 64 * 1024;
const LINES_MAX: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented_lines_belong_to_the_line_above() {
        let text = "a b\n  # a comment\n  c\n\n  | d  \n\ne\n";
        let lines = read(Path::new("x.scn"), text).unwrap();
        assert_eq!(lines.len(), 2);
        let block: Vec<&str> = lines[0].block.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(block, ["c", "| d  "]);
        assert_eq!(lines[0].block[1].body(), Some("d  "));
        assert_eq!(lines[1].place.to_string(), "x.scn:7");
        assert!(read(Path::new("x.scn"), "  a").is_err());
    }

    #[test]
    fn words_may_be_quoted() {
        let place = Place { file: Path::new("x.scn").into(), line: 1 };
        let mut words = Words::new(r#"says "a \"b\"\n" twice"#, &place);
        assert!(!words.take("says twice") && words.take("says"));
        assert_eq!(words.value("a text").unwrap(), "a \"b\"\n");
        assert_eq!(words.rest_value().unwrap(), "twice");
        assert!(words.need("more").unwrap_err().to_string().starts_with("x.scn:1: more is missing"));
        assert!(Words::new("\"open", &place).value("a text").is_err());
    }
}
