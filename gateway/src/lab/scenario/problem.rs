//! What is wrong with the text of a scenario, and where.

use std::{fmt, path::Path, sync::Arc};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// The number of the line, from 1.
    pub line: usize,
}

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, in words, with what could be meant instead.
    pub reason: String,
}

impl Problem {
    pub(super) fn at(place: &Place, reason: impl Into<String>) -> Self {
        Self { place: place.clone(), reason: reason.into() }
    }

    /// A word that is none of those that are known here.
    pub(super) fn unknown(place: &Place, what: &str, word: &str, known: &[&str]) -> Self {
        let near = known.iter().min_by_key(|known| distance(known, word)).filter(|near| distance(near, word) <= 3);
        let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Self::at(place, format!("{word} is no {what}{hint} Known: {}", known.join(", ")))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// How many letters differ (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.chars().take(64).enumerate() {
        let mut diagonal = index;
        let mut before = index.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (right, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let change = diagonal.saturating_add(usize::from(left != *right));
            diagonal = *cell;
            before = change.min(diagonal.saturating_add(1)).min(before.saturating_add(1));
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_nearly_right_is_recognised() {
        let place = Place { file: Path::new("x.scn").into(), line: 3 };
        let problem = Problem::unknown(&place, "verb", "recieves", &["sends", "receives"]);
        assert_eq!(problem.to_string(), "x.scn:3: recieves is no verb; did you mean receives? Known: sends, receives");
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
