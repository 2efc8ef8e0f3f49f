//! The rules of WV behaviour in `fixtures/rules/wv.toml`, and where they are cited.

use crate::{repository, rust_files};
use serde::Deserialize;
use std::{collections::BTreeMap, fs};

/// A rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, such as `WV-TRX-01`.
    pub id: String,
    /// What it says.
    pub text: String,
    /// Where it comes from.
    pub source: String,
    /// How far it can be believed.
    pub certainty: Certainty,
    /// Why it is not followed, or not tested, yet.
    pub pending: Option<String>,
}

/// How far a rule can be believed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// All sources agree.
    Certain,
    /// Real clients or servers do it.
    Observed,
    /// Likely, one source or none.
    Assumed,
    /// The sources leave it open; it is our choice.
    Decision,
}

#[derive(Deserialize)]
struct File {
    rule: Vec<Rule>,
}

/// The rules.
///
/// # Panics
/// When the table cannot be read.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let path = repository().join("fixtures/rules/wv.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.rule
}

/// Where a rule is cited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Citations {
    /// In code: `WV-TRX-01` in a comment.
    pub code: usize,
    /// In tests: so, by a test whose name holds `wv_trx_01`, or in the `source` line of a scenario.
    pub tests: usize,
}

/// Every cited rule, with the places of its citations counted.
///
/// # Panics
/// When a scenario cannot be read.
#[must_use]
pub fn citations() -> BTreeMap<String, Citations> {
    let mut found: BTreeMap<String, Citations> = BTreeMap::new();
    for (path, text) in rust_files() {
        let mut is_test = path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/tests/");
        for line in text.lines() {
            is_test |= line.starts_with("mod tests {");
            for id in ids(line) {
                let cited = found.entry(id).or_default();
                if is_test {
                    cited.tests += 1;
                } else {
                    cited.code += 1;
                }
            }
        }
    }
    for entry in fs::read_dir(repository().join("fixtures/scenario")).expect("the folder of scenarios is there") {
        let path = entry.expect("the folder of scenarios can be listed").path();
        if path.extension().is_none_or(|extension| extension != "scn") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for id in text.lines().filter(|line| line.starts_with("source ")).flat_map(ids) {
            found.entry(id).or_default().tests += 1;
        }
    }
    found
}

/// The rules that a line cites.
fn ids(line: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for (at, mark) in line.match_indices("WV-") {
        let rest = &line[at + mark.len()..];
        if let Some((area, number)) = rest.split_once('-') {
            push(&mut ids, area, number);
        }
    }
    if let Some(name) = line.trim_start().strip_prefix("fn ").and_then(|rest| rest.split('(').next()) {
        let words: Vec<&str> = name.split('_').collect();
        for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "wv") {
            let (Some(area), Some(number)) = (words.get(at + 1), words.get(at + 2)) else { continue };
            push(&mut ids, &area.to_ascii_uppercase(), number);
            // `wv_cli_01_and_02_…` cites both.
            for pair in words[at + 3..].chunks(2).take_while(|pair| pair.len() == 2 && pair[0] == "and") {
                push(&mut ids, &area.to_ascii_uppercase(), pair[1]);
            }
        }
    }
    ids
}

fn push(ids: &mut Vec<String>, area: &str, number: &str) {
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    let is_area = !area.is_empty() && area.chars().all(|c| c.is_ascii_uppercase());
    if is_area && digits.len() == 2 {
        ids.push(format!("WV-{area}-{digits}"));
    }
}

/// What is wrong with the rules and their citations.
#[must_use]
pub fn problems() -> Vec<String> {
    let (rules, cited) = (rules(), citations());
    let mut problems = Vec::new();
    let mut known = BTreeMap::new();
    for rule in &rules {
        if known.insert(rule.id.as_str(), ()).is_some() {
            problems.push(format!("{} is there twice", rule.id));
        }
        if ids(&rule.id) != [rule.id.clone()] || rule.text.trim().is_empty() || rule.source.trim().is_empty() {
            problems.push(format!("{} is not complete", rule.id));
        }
        if !cited.contains_key(&rule.id) && rule.pending.is_none() {
            let advice = "cite it where it is followed, or say `pending = \"why\"`";
            problems.push(format!("{} is cited by nobody ({advice}): {}", rule.id, rule.text));
        }
    }
    for id in cited.keys().filter(|id| !known.contains_key(id.as_str())) {
        problems.push(format!("{id} is cited and is no rule"));
    }
    problems
}

/// Rules that are followed without a test, or tested without code that names them, and do not say why.
#[must_use]
pub fn half_cited() -> Vec<String> {
    let cited = citations();
    let mut problems = Vec::new();
    for rule in rules() {
        let Citations { code, tests } = cited.get(&rule.id).copied().unwrap_or_default();
        match (code > 0, tests > 0, &rule.pending) {
            (true, true, None) | (false, _, Some(_)) | (_, false, Some(_)) => {}
            (true, true, Some(_)) => problems.push(format!("{} is cited in both and needs no `pending`", rule.id)),
            (false, _, None) => problems.push(format!("{} is cited by no code: {}", rule.id, rule.text)),
            (true, false, None) => problems.push(format!("{} is cited by no test: {}", rule.id, rule.text)),
        }
    }
    problems
}
