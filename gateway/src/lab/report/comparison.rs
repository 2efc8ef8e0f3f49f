//! What is different between two results.

use crate::lab::result::{Judgement, LabResult};
use std::{collections::BTreeMap, fmt};

/// Two results side by side.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The earlier one.
    pub before: &'a LabResult,
    /// Performances whose verdicts differ, by name.
    pub changes: BTreeMap<&'a str, Change>,
}

/// What became of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it was; none when it was not there.
    pub before: Option<Judgement>,
    /// What it is; none when it is not there.
    pub now: Option<Judgement>,
}

impl<'a> Comparison<'a> {
    /// Compares.
    #[must_use]
    pub fn new(before: &'a LabResult, now: &'a LabResult) -> Self {
        let mut changes: BTreeMap<&str, Change> = BTreeMap::new();
        for one in &before.performances {
            changes.insert(&one.name, Change { before: Some(one.verdict), now: None });
        }
        for one in &now.performances {
            changes.entry(&one.name).or_insert(Change { before: None, now: None }).now = Some(one.verdict);
        }
        changes.retain(|_, change| change.before != change.now);
        Self { before, changes }
    }

    /// Whether anything passed before and does not any more.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.changes.values().any(|change| change.is_worse())
    }
}

impl Change {
    /// Whether it passed before and does not any more.
    #[must_use]
    pub fn is_worse(self) -> bool {
        self.before == Some(Judgement::Pass) && matches!(self.now, Some(Judgement::Fail | Judgement::Inconclusive))
    }

    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match (self.before, self.now) {
            (None, _) => "new",
            (_, None) => "gone",
            _ if self.is_worse() => "worse",
            (Some(_), Some(Judgement::Pass)) => "better",
            (Some(_), Some(_)) => "other",
        }
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return writeln!(f, "no verdict differs");
        }
        let word = |verdict: Option<Judgement>| verdict.map(|one| one.to_string()).unwrap_or_default();
        for (name, change) in &self.changes {
            let (before, now) = (word(change.before), word(change.now));
            writeln!(f, "{:<7}{before:>15} -> {now:<15}{name}", change.word())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::result::sample::{performance, result};

    #[test]
    fn what_differs_is_told_and_what_became_worse_counts() {
        let one = |name: &str, verdict| performance(name, "IWF-MSG-INT-001", verdict);
        let before = result(vec![one("a", Judgement::Pass), one("b", Judgement::Fail), one("c", Judgement::Pass)]);
        let now = result(vec![one("a", Judgement::Fail), one("b", Judgement::Pass), one("d", Judgement::Pass)]);
        let comparison = Comparison::new(&before, &now);
        let words: Vec<(&str, &str)> = comparison.changes.iter().map(|(name, one)| (*name, one.word())).collect();
        assert_eq!(words, [("a", "worse"), ("b", "better"), ("c", "gone"), ("d", "new")]);
        assert!(comparison.is_worse() && !Comparison::new(&before, &before).is_worse());
        assert_eq!(Comparison::new(&now, &now).to_string(), "no verdict differs\n");
    }
}
