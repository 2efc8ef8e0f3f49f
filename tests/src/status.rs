//! The status table of the README, as `fixtures/status.toml` and the tests that prove it say.

use crate::{repository, rust_files};
use serde::Deserialize;
use std::fs;

/// What one line of the table is made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Line {
    /// What the line is about.
    pub specification: String,
    /// Beginnings of the names of the tests that prove it.
    pub proof: Vec<String>,
    /// What is not there.
    pub missing: Option<String>,
    /// One clause more.
    pub note: Option<String>,
    /// WV primitives that are served.
    pub served: Vec<String>,
    /// WV primitives that are refused as not implemented.
    pub refused: Vec<String>,
    /// SIP methods that are served.
    pub methods: Vec<String>,
    /// SIP event packages that are served.
    pub packages: Vec<String>,
    /// Body types that are taken.
    pub bodies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    line: Vec<Line>,
}

/// The lines of the table.
///
/// # Panics
/// When the file cannot be read.
#[must_use]
pub fn lines() -> Vec<Line> {
    let path = repository().join("fixtures/status.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: File = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.line
}

/// A test of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The file from the root of the repository.
    pub file: String,
    /// The name of the function, or of the scenario.
    pub name: String,
}

/// All tests of the repository, scenarios too.
#[must_use]
pub fn tests() -> Vec<Test> {
    rust_files().iter().flat_map(|(file, text)| tests_of(file, text)).chain(scenarios()).collect()
}

/// Every scenario is a test with the name of its file.
fn scenarios() -> impl Iterator<Item = Test> {
    let entries = fs::read_dir(crate::scenario::folder()).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let file = entry.file_name().to_string_lossy().into_owned();
        let name = file.strip_suffix(".scn")?.to_owned();
        Some(Test { file: format!("fixtures/scenario/{file}"), name })
    })
}

/// The tests of one file.
#[must_use]
pub fn tests_of(file: &str, text: &str) -> Vec<Test> {
    let mut is_test = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn ")) {
            if is_test {
                let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
                found.push(Test { file: file.to_owned(), name: name.to_owned() });
            }
            is_test = false;
        }
    }
    found
}

impl Line {
    /// What cannot be believed of this line.
    #[must_use]
    pub fn problems(&self, tests: &[Test]) -> Vec<String> {
        let mut problems = Vec::new();
        for proof in &self.proof {
            let proves = |test: &Test| {
                test.name.starts_with(proof) || format!("{}::{}", test.file, test.name).starts_with(proof)
            };
            if proof.is_empty() || !tests.iter().any(proves) {
                problems.push(format!("{}: no test begins with `{proof}`", self.specification));
            }
        }
        let claims = [&self.served, &self.methods, &self.packages, &self.bodies];
        if self.proof.is_empty() && (self.missing.is_some() || claims.iter().any(|list| !list.is_empty())) {
            problems.push(format!("{}: something is there, but no test proves it", self.specification));
        }
        if self.served.iter().any(|name| self.refused.contains(name)) {
            problems.push(format!("{}: a primitive is both served and refused", self.specification));
        }
        problems
    }

    fn verdict(&self) -> String {
        let mut missing: Vec<String> = self.missing.iter().cloned().collect();
        if !self.refused.is_empty() && !self.proof.is_empty() {
            missing.push(format!("refused are {}", self.refused.join(", ")));
        }
        let verdict = match (self.proof.is_empty(), missing.is_empty()) {
            (true, _) => "no",
            (false, true) => "complete",
            (false, false) => "partial",
        };
        let more: Vec<String> = self.note.iter().cloned().chain(missing).collect();
        if more.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", more.join("; ")) }
    }
}

/// Where the table stands in the README.
const BEGIN: &str = "<!-- status: generated from fixtures/status.toml -->\n";
const END: &str = "<!-- end of status -->\n";

/// The README with the table that the lines make.
///
/// # Panics
/// When the README has no place for it.
#[must_use]
pub fn in_readme(readme: &str, lines: &[Line]) -> String {
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has the mark where the status begins");
    let (_, after) = rest.split_once(END).expect("README.md has the mark where the status ends");
    let mut table = String::from("| specification | status |\n|---|---|\n");
    for line in lines {
        table.push_str(&format!("| {} | {} |\n", line.specification, line.verdict()));
    }
    format!("{before}{BEGIN}{table}{END}{after}")
}
