//! Where in the sources each option stands.

use super::problem::Place;
use std::{collections::HashMap, ops::Range};

/// The text of a configuration with the means to turn offsets into lines and columns.
#[derive(Debug)]
pub(super) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    /// Where lines begin: a file of ten thousand accounts is not counted through for each of them.
    lines: Vec<usize>,
}

/// The places of all options that are written, by their full path, such as `domain[1].name`.
#[derive(Debug, Default)]
pub(super) struct Places {
    found: HashMap<String, Place>,
}

impl<'a> Source<'a> {
    pub(super) fn new(name: &'a str, text: &'a str) -> Self {
        let behind = text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        Self { name, text, lines: std::iter::once(0).chain(behind).collect() }
    }

    /// The place of an octet offset; offsets past the end are the end.
    pub(super) fn place(&self, offset: usize) -> Place {
        let offset = if self.text.is_char_boundary(offset) { offset } else { self.text.len() };
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).unwrap_or_default().chars().count().saturating_add(1);
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
