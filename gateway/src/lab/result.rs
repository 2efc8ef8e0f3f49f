//! What came of a run of the laboratory: the JSON that `lab run` writes and `lab report` reads.

use super::scenario::{run::Verdict, trouble::Trouble};
use serde::{Deserialize, Serialize};
use sip_proto::{body::datetime, time::Timestamp};
use std::{collections::BTreeMap, fmt};

/// A run of the laboratory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabResult {
    /// The form of this document.
    pub form: u32,
    /// What tested, with its version.
    pub tester: String,
    /// What was tested.
    pub system: TestedSystem,
    /// When it began, as RFC 3339 says.
    pub began: String,
    /// How long it took.
    pub seconds: u64,
    /// What was wanted by `--select`; nothing is everything.
    #[serde(default)]
    pub selection: Vec<String>,
    /// Every performance, in the order of their names.
    pub performances: Vec<Performance>,
}

/// What was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedSystem {
    /// What it is called.
    pub name: String,
    /// Where its CSP server is, when it is not one that the laboratory started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csp: Option<String>,
    /// The same for SIP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sip: Option<String>,
}

/// A scenario that was performed for a version and an encoding, or was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// Its name.
    pub name: String,
    /// The scenario.
    pub scenario: String,
    /// Its area.
    pub area: String,
    /// Its sentence.
    pub title: String,
    /// The cases that it shows.
    pub cases: Vec<String>,
    /// The clauses and rules that it is made from.
    pub clauses: Vec<String>,
    /// The version of CSP; empty when nobody speaks it.
    pub csp: String,
    /// The encoding.
    pub encoding: String,
    /// What came of it.
    pub verdict: Judgement,
    /// Why it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Account>,
    /// The messages of both protocols, where nothing went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<String>,
    /// The file in which its capture is, where one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_file: Option<String>,
    /// The capture itself, a pcapng, where it is at hand.
    #[serde(skip)]
    pub capture: Option<Vec<u8>>,
    /// How long it took.
    pub millis: u64,
}

/// A verdict, in the order in which one outweighs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It needs what the system has not.
    NotApplicable,
    /// Everything happened that had to.
    Pass,
    /// A precondition did not hold, so nothing was shown.
    Inconclusive,
    /// Something did not happen, or happened that must not.
    Fail,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The direction that was not fulfilled: file and line.
    pub place: Option<String>,
    /// What was awaited.
    pub awaited: String,
    /// What came instead.
    pub instead: Vec<String>,
    /// The messages of both protocols until then.
    pub ladder: Vec<String>,
}

/// Something that does not read as a result.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// It is no such JSON.
    #[error("it is no result of lab run: {0}")]
    Json(#[from] serde_json::Error),
    /// It has another form.
    #[error("it has the form {0}, and this program reads form {FORM}")]
    Form(u32),
}

impl LabResult {
    /// Reads what `lab run` wrote.
    ///
    /// # Errors
    /// When it is nothing of the kind.
    pub fn parse(text: &str) -> Result<Self, ResultError> {
        let result: Self = serde_json::from_str(text)?;
        if result.form == FORM { Ok(result) } else { Err(ResultError::Form(result.form)) }
    }

    /// How many performances have each verdict.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Judgement, usize> {
        let mut counts: BTreeMap<Judgement, usize> = Judgement::ALL.into_iter().map(|one| (one, 0)).collect();
        for performance in &self.performances {
            let count = counts.entry(performance.verdict).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    /// The verdict on all of it: what weighs most. When nothing applied, nothing was shown.
    #[must_use]
    pub fn verdict(&self) -> Judgement {
        match self.performances.iter().map(|performance| performance.verdict).max() {
            Some(Judgement::NotApplicable) | None => Judgement::Inconclusive,
            Some(verdict) => verdict,
        }
    }

    /// Every case of the catalogue that any performance shows, and what weighs most among these.
    #[must_use]
    pub fn cases(&self) -> BTreeMap<&str, Judgement> {
        let mut cases: BTreeMap<&str, Judgement> = BTreeMap::new();
        for performance in &self.performances {
            for case in &performance.cases {
                let verdict = cases.entry(case).or_insert(performance.verdict);
                *verdict = (*verdict).max(performance.verdict);
            }
        }
        cases
    }

    /// One line for people: `12 pass, 1 fail, 0 inconclusive, 3 not applicable`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = self.counts();
        let words = [Judgement::Pass, Judgement::Fail, Judgement::Inconclusive, Judgement::NotApplicable]
            .map(|one| format!("{} {one}", counts.get(&one).copied().unwrap_or_default()));
        words.join(", ")
    }
}

impl Performance {
    /// What a file with its capture is called.
    #[must_use]
    pub fn capture_name(&self) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let plain: String = self.name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        format!("{}.pcapng", plain.trim_start_matches('.'))
    }

    /// The version and encoding, in words.
    #[must_use]
    pub fn variant(&self) -> String {
        if self.csp.is_empty() { "SIP".to_owned() } else { format!("CSP {} {}", self.csp, self.encoding) }
    }
}

impl Judgement {
    /// All of them, the lightest first.
    pub const ALL: [Self; 4] = [Self::NotApplicable, Self::Pass, Self::Inconclusive, Self::Fail];
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NotApplicable => "not applicable",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}

impl From<Verdict> for (Judgement, Option<Account>) {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => (Judgement::Pass, None),
            Verdict::Fail(trouble) => (Judgement::Fail, Some(Account::from(*trouble))),
            Verdict::Inconclusive(trouble) => (Judgement::Inconclusive, Some(Account::from(*trouble))),
        }
    }
}

impl From<Trouble> for Account {
    fn from(trouble: Trouble) -> Self {
        let Trouble { place, awaited, instead, ladder, .. } = trouble;
        Self { place: place.map(|place| place.to_string()), awaited, instead, ladder }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            writeln!(f, "at {place}")?;
        }
        writeln!(f, "awaited: {}", self.awaited)?;
        self.instead.iter().try_for_each(|instead| writeln!(f, "instead: {instead}"))?;
        self.ladder.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A time in milliseconds since 1970 as results have it.
// RFC 3339 §5.6
#[must_use]
pub fn date(millis: u64) -> String {
    datetime::write(Timestamp::from_millis(millis))
}

/// The form that this program writes.
pub const FORM: u32 = 1;

/// Results for the tests of the reports.
#[cfg(test)]
pub(super) mod sample {
    use super::*;

    pub(in crate::lab) fn performance(name: &str, case: &str, verdict: Judgement) -> Performance {
        let trouble = Account {
            place: Some("x.scn:3".to_owned()),
            awaited: "W1 receives <b>\u{1}".to_owned(),
            instead: vec!["nothing & no more".to_owned()],
            ladder: vec!["+0.000 |-- <script>alert(1)</script> ->|".to_owned()],
        };
        Performance {
            name: name.to_owned(),
            scenario: name.to_owned(),
            area: "MSG".to_owned(),
            title: "A \"title\" & <more>".to_owned(),
            cases: vec![case.to_owned()],
            clauses: vec!["RFC 3428 8".to_owned()],
            csp: "1.2".to_owned(),
            encoding: "xml".to_owned(),
            verdict,
            reason: (verdict == Judgement::NotApplicable).then(|| "needs <a>".to_owned()),
            trouble: matches!(verdict, Judgement::Fail | Judgement::Inconclusive).then_some(trouble),
            ladder: Vec::new(),
            capture_file: None,
            capture: None,
            millis: 1_250,
        }
    }

    pub(in crate::lab) fn result(performances: Vec<Performance>) -> LabResult {
        LabResult {
            form: FORM,
            tester: "wv-simple-gateway 0".to_owned(),
            system: TestedSystem { name: "a <system>".to_owned(), csp: None, sip: Some("127.0.0.1:5060".to_owned()) },
            began: "2026-01-02T03:04:05Z".to_owned(),
            seconds: 7,
            selection: Vec::new(),
            performances,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        sample::{performance, result},
        *,
    };

    #[test]
    fn what_weighs_most_is_the_verdict() {
        let pass = performance("a", "IWF-MSG-INT-001", Judgement::Pass);
        let absent = performance("b", "IWF-MSG-INT-001", Judgement::NotApplicable);
        let open = performance("c", "IWF-MSG-INT-002", Judgement::Inconclusive);
        assert_eq!(result(vec![absent.clone()]).verdict(), Judgement::Inconclusive);
        assert_eq!(result(vec![pass.clone(), absent.clone()]).verdict(), Judgement::Pass);
        let all = result(vec![pass, absent, open]);
        assert_eq!(all.verdict(), Judgement::Inconclusive);
        assert_eq!(all.cases()["IWF-MSG-INT-001"], Judgement::Pass);
        assert_eq!(all.summary(), "1 pass, 0 fail, 1 inconclusive, 1 not applicable");
    }

    #[test]
    fn a_result_is_read_again() {
        let written = result(vec![performance("a", "IWF-MSG-INT-001", Judgement::Fail)]);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(LabResult::parse(&text).unwrap(), written);
        assert!(matches!(LabResult::parse(&text.replace("\"form\":1", "\"form\":9")), Err(ResultError::Form(9))));
    }
}
