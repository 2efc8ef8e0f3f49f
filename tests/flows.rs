//! The flows of the WV behaviour reference: each is performed in every version and encoding in which it exists.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{repository, scenario::runs, status};
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    flow: Vec<Flow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Flow {
    section: String,
    flow: String,
    versions: Vec<String>,
    scenarios: Vec<String>,
    without: Option<String>,
    tests: Vec<String>,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            section: String::new(),
            flow: String::new(),
            versions: ["1.1", "1.2", "1.3"].map(str::to_owned).to_vec(),
            scenarios: Vec::new(),
            without: None,
            tests: Vec::new(),
        }
    }
}

fn table() -> Vec<Flow> {
    let text = fs::read_to_string(repository().join("fixtures/wv/flows.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().flow
}

/// Version and encoding of every run, with the name of its scenario.
fn performed() -> BTreeSet<(String, String, String)> {
    let all = runs(|_| true).unwrap_or_else(|problems| panic!("{problems}"));
    all.into_iter().map(|run| (run.of, run.variant.csp, run.variant.encoding)).collect()
}

#[test]
fn every_flow_is_performed_in_every_version_and_encoding() {
    let (performed, tests, mut problems) = (performed(), status::tests(), Vec::new());
    for Flow { section, flow, versions, scenarios, without, tests: shown } in table() {
        let mut complain = |what: String| problems.push(format!("{section} {flow}: {what}"));
        for name in &scenarios {
            if !performed.iter().any(|(file, ..)| file == name) {
                complain(format!("there is no scenario {name}"));
            }
        }
        for version in versions.iter().filter(|_| without.is_none()) {
            for encoding in ["xml", "wbxml"] {
                let is_there =
                    |name: &String| performed.contains(&(name.clone(), version.clone(), encoding.to_owned()));
                if !scenarios.iter().any(is_there) {
                    complain(format!("not performed in {version} {encoding}"));
                }
            }
        }
        for beginning in &shown {
            let shows = |test: &status::Test| {
                test.name.starts_with(beginning) || format!("{}::{}", test.file, test.name).starts_with(beginning)
            };
            if !tests.iter().any(shows) {
                complain(format!("no test begins with {beginning}"));
            }
        }
        if without.is_some() && shown.is_empty() {
            complain("nothing shows it".to_owned());
        }
    }
    assert!(problems.is_empty(), "fixtures/wv/flows.toml:\n{}", problems.join("\n"));
}

#[test]
fn every_section_has_its_flows() {
    let sections: BTreeSet<String> = table()
        .iter()
        .flat_map(|flow| flow.section.split(", ").map(|section| section.split('.').next().unwrap().to_owned()))
        .collect();
    let missing: Vec<String> =
        (2..=10).map(|section| section.to_string()).filter(|section| !sections.contains(section)).collect();
    assert!(missing.is_empty(), "sections without a flow: {missing:?}");
}

#[test]
fn every_flow_scenario_is_in_the_table() {
    let named: BTreeSet<String> = table().into_iter().flat_map(|flow| flow.scenarios).collect();
    let of_flows = performed().into_iter().map(|(file, ..)| file).filter(|file| file.starts_with("flow_"));
    let forgotten: BTreeSet<String> = of_flows.filter(|file| !named.contains(file)).collect();
    assert!(forgotten.is_empty(), "not in fixtures/wv/flows.toml: {forgotten:?}");
}
