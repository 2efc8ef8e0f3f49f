//! Commands from standard input, one on each line.

use std::io::{self, BufRead, Read};
use tokio::sync::mpsc;

/// Reads lines on a thread of its own, because a terminal cannot be read without blocking.
#[derive(Debug)]
pub(super) struct Lines(mpsc::Receiver<String>);

/// A line cut into words, the rest of it always at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a>(&'a str);

impl Lines {
    /// Begins to read. The thread ends with the input or with the process.
    pub(super) fn read() -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(LINES_MAX);
        std::thread::Builder::new().name("commands".to_owned()).spawn(move || {
            let mut input = io::stdin().lock();
            while let Some(line) = next_line(&mut input) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self(lines))
    }

    /// The next line that says something; none when the input has ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.0.recv().await
    }
}

/// The next line that is neither empty nor a comment. A line that is too long is cut: what is behind counts as another one.
fn next_line(input: &mut impl BufRead) -> Option<String> {
    loop {
        let mut octets = Vec::new();
        let count = input.by_ref().take(LINE_OCTETS_MAX).read_until(b'\n', &mut octets).ok()?;
        if count == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&octets);
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            return Some(line.to_owned());
        }
    }
}

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        Self(line.trim())
    }

    /// Takes the next word.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let (word, rest) = self.0.split_once(char::is_whitespace).unwrap_or((self.0, ""));
        self.0 = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    /// Takes the next word, or says what is missing.
    pub(super) fn need(&mut self, what: &str) -> Result<&'a str, String> {
        self.next().ok_or_else(|| format!("{what} is missing"))
    }

    /// Takes all words that are left, at least one.
    pub(super) fn need_all(&mut self, what: &str) -> Result<Vec<String>, String> {
        let all: Vec<String> = std::iter::from_fn(|| self.next()).map(str::to_owned).collect();
        if all.is_empty() { Err(format!("{what} is missing")) } else { Ok(all) }
    }

    /// Takes what is left as one text; none when nothing is.
    pub(super) fn rest(&mut self) -> Option<&'a str> {
        let rest = std::mem::take(&mut self.0);
        (!rest.is_empty()).then_some(rest)
    }
}

/// Commands that wait; more make the writer wait.
const LINES_MAX: usize = 64;

/// A long line is a long message; longer ones than a gateway takes are not needed.
const LINE_OCTETS_MAX: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_and_comments_are_passed_over() {
        let mut input = io::Cursor::new("\n# a comment\n  login  \r\nquit");
        assert_eq!(next_line(&mut input).as_deref(), Some("login"));
        assert_eq!(next_line(&mut input).as_deref(), Some("quit"));
        assert_eq!(next_line(&mut input), None);
    }

    #[test]
    fn words_are_taken_one_by_one_and_the_rest_keeps_its_blanks() {
        let mut words = Words::of("send  bob@x   hello  there ");
        assert_eq!(words.next(), Some("send"));
        assert_eq!(words.need("an address"), Ok("bob@x"));
        assert_eq!(words.rest(), Some("hello  there"));
        assert_eq!(words.need("more"), Err("more is missing".to_owned()));
        assert!(words.need_all("anything").is_err());
    }
}
