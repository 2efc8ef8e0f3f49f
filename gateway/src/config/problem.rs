//! What is wrong with a configuration, and where.

use serde_json::{Value, json};
use std::fmt;

/// One finding, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// The option or table it is about; empty when it is about the file.
    pub key: String,
    /// What it is.
    pub kind: ProblemKind,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file: its name, line and column, both counted from 1.
    File {
        /// The name under which the file was read.
        name: String,
        /// The line.
        line: usize,
        /// The column in characters.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A `--set` on the command line.
    Flag(String),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// The file is no TOML.
    #[error("{0}")]
    Syntax(String),
    /// There is no such option.
    #[error("there is no such key")]
    UnknownKey {
        /// The keys that may stand there.
        allowed: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// The value has the wrong type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// The number is outside its bounds.
    #[error("{value} is outside {min}..={max}")]
    OutOfRange {
        /// What was written.
        value: i128,
        /// The lowest allowed.
        min: u64,
        /// The highest allowed.
        max: u64,
    },
    /// The word is none of those allowed.
    #[error("\"{value}\" is not allowed here")]
    NotAllowed {
        /// What was written.
        value: String,
        /// What may be written.
        allowed: Vec<String>,
    },
    /// The value cannot be.
    #[error("\"{value}\" is impossible: {reason}")]
    Impossible {
        /// What was written.
        value: String,
        /// Why not.
        reason: &'static str,
    },
    /// A key that has to be there is not.
    #[error("the key \"{0}\" is missing")]
    Missing(&'static str),
    /// The same name stands twice.
    #[error("\"{name}\" is there twice; first in line {first}")]
    Duplicate {
        /// The name.
        name: String,
        /// The line of the first.
        first: usize,
    },
    /// A route names a peer that is not configured.
    #[error("no [[peer]] is called \"{name}\"")]
    UnknownPeer {
        /// What was written.
        name: String,
        /// The peers that are configured.
        allowed: Vec<String>,
    },
    /// An account of a domain that the gateway does not host.
    #[error("the domain \"{0}\" is not hosted here (route access or registrar)")]
    NotHosted(String),
    /// Two options contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
    /// Right, but this build cannot do it.
    #[error("{0} is not available in this build yet")]
    NotAvailable(&'static str),
}

impl Problem {
    /// A problem of `key` at `place`.
    #[must_use]
    pub fn new(place: Place, key: &str, kind: ProblemKind) -> Self {
        Self { place, key: key.to_owned(), kind }
    }

    /// The values or keys that would have been right, where they can be listed.
    #[must_use]
    pub fn allowed(&self) -> &[String] {
        match &self.kind {
            ProblemKind::UnknownKey { allowed, .. }
            | ProblemKind::NotAllowed { allowed, .. }
            | ProblemKind::UnknownPeer { allowed, .. } => allowed,
            _ => &[],
        }
    }

    /// The name that was probably meant.
    #[must_use]
    pub fn nearest(&self) -> Option<String> {
        match &self.kind {
            ProblemKind::UnknownKey { nearest, .. } => nearest.clone(),
            ProblemKind::NotAllowed { value, allowed } | ProblemKind::UnknownPeer { name: value, allowed } => {
                nearest(value, allowed.iter().map(String::as_str))
            }
            _ => None,
        }
    }

    /// As an object for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "key": self.key,
            "message": self.kind.to_string(),
            "allowed": self.allowed(),
            "nearest": self.nearest(),
        });
        let place = match &self.place {
            Place::File { name, line, column } => json!({ "file": name, "line": line, "column": column }),
            Place::Environment(name) => json!({ "environment": name }),
            Place::Flag(key) => json!({ "flag": format!("--set {key}") }),
        };
        if let (Value::Object(object), Value::Object(place)) = (&mut object, place) {
            object.extend(place);
        }
        object
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(key) => write!(f, "--set {key}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.kind)?;
        if let Some(nearest) = self.nearest() {
            write!(f, "; did you mean \"{nearest}\"?")?;
        }
        if !self.allowed().is_empty() {
            write!(f, " (allowed: {})", self.allowed().join(", "))?;
        }
        Ok(())
    }
}

/// The candidate nearest to `word` by edit distance, if one is near enough to have been meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let bound = (word.chars().count() / 3).max(2);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.to_owned())
}

/// The Levenshtein distance, letters compared without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, l) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = line;
        let mut last = line.saturating_add(1);
        let mut next = vec![last];
        for (r, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = if l == *r { diagonal } else { diagonal.saturating_add(1) };
            last = replaced.min(above.saturating_add(1)).min(last.saturating_add(1));
            diagonal = *above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("listen", "Listen"), 0);
    }

    #[test]
    fn a_far_word_is_not_suggested() {
        assert_eq!(nearest("lisen", ["listen", "path"].into_iter()), Some("listen".to_owned()));
        assert_eq!(nearest("zzzzzz", ["listen", "path"].into_iter()), None);
    }

    #[test]
    fn a_problem_says_where_what_and_what_instead() {
        let place = Place::File { name: "gw.toml".to_owned(), line: 3, column: 8 };
        let kind = ProblemKind::NotAllowed { value: "blok".into(), allowed: vec!["allow".into(), "block".into()] };
        let problem = Problem::new(place, "authorization.default", kind);
        assert_eq!(
            problem.to_string(),
            "gw.toml:3:8: authorization.default: \"blok\" is not allowed here; did you mean \"block\"? (allowed: allow, block)"
        );
        assert_eq!(problem.to_json()["line"], 3);
    }
}
