//! Where in the sources each option stands.

use super::problem::Place;
use std::{collections::HashMap, ops::Range};

/// The text of a configuration with the means to turn offsets into lines and columns.
#[derive(Debug)]
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

/// The places of all options that are written, by their full path, such as `domain[1].name`.
#[derive(Debug, Default)]
pub(super) struct Places {
    found: HashMap<String, Place>,
}

impl<'a> Source<'a> {
    pub(super) const fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text }
    }

    /// The place of an octet offset; offsets past the end are the end.
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline.saturating_add(1));
        let line = before.bytes().filter(|b| *b == b'\n').count().saturating_add(1);
        let column = before.get(line_start..).unwrap_or_default().chars().count().saturating_add(1);
        Place::File { name: self.name.to_owned(), line, column }
    }

    pub(super) fn place_of(&self, span: &Range<usize>) -> Place {
        self.place(span.start)
    }
}

impl Places {
    pub(super) fn insert(&mut self, path: &str, place: Place) {
        self.found.insert(path.to_owned(), place);
    }

    /// The place of the option, or of the nearest table around it that is written.
    pub(super) fn find(&self, path: &str) -> Option<&Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.found.get(path) {
                return Some(place);
            }
            (path, _) = path.rsplit_once('.')?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("f", "a = 1\nü = \"x\"\n");
        let place = |line, column| Place::File { name: "f".to_owned(), line, column };
        assert_eq!(source.place(0), place(1, 1));
        assert_eq!(source.place("a = 1\nü = ".len()), place(2, 5));
        assert_eq!(source.place(1000), place(3, 1));
    }
}
