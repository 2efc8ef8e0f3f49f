//! What the sources hold of machines and parsers, and what is said of each in its list.

use crate::{fuzzing::TARGETS, repository, rust_files};
use serde::Deserialize;
use std::{collections::BTreeSet, fs};

/// A machine and its tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// `path/of/file.rs::Type`
    #[serde(rename = "type")]
    pub name: String,
    /// Files in `fixtures/state`.
    #[serde(default)]
    pub tables: Vec<String>,
    /// The target that drives it.
    pub fuzz: Option<String>,
    /// Why it has no table of its own.
    pub why: Option<String>,
}

/// A file or a folder with parsers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parser {
    /// The beginning of the paths.
    pub path: String,
    /// The target that reaches them.
    pub fuzz: Option<String>,
    /// Why there is none.
    pub why: Option<String>,
}

#[derive(Deserialize)]
struct Machines {
    machine: Vec<Machine>,
}

#[derive(Deserialize)]
struct Parsers {
    parser: Vec<Parser>,
}

fn read<T: serde::de::DeserializeOwned>(path: &str) -> T {
    let text = fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pillars, where machines live.
const PILLARS: [&str; 3] = ["mapping/src/", "gateway/wv-proto/src/", "gateway/sip-proto/src/"];

/// Where octets and texts from outside are read.
const READERS: [&str; 8] = [
    "mapping/src/",
    "gateway/wv-proto/src/",
    "gateway/sip-proto/src/",
    "gateway/src/config",
    "gateway/src/account",
    "gateway/src/lab",
    "gateway/src/wv/translate",
    "gateway/src/simple/translate",
];

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The machines in the sources, as `path/of/file.rs::Type`.
#[must_use]
pub fn machines() -> BTreeSet<String> {
    const STEPS: [&str; 4] = ["fn handle(&mut self", "fn expire(&mut self", "fn deadline(&self", "fn poll(&mut self)"];
    let mut found = BTreeSet::new();
    for (path, text) in rust_files() {
        if !PILLARS.iter().any(|pillar| path.starts_with(pillar)) || is_test(&path) {
            continue;
        }
        let mut owner = "";
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        for line in code {
            if line.starts_with("impl") {
                owner = owner_of(line);
            }
            // What only cuts octets into messages is a parser.
            if STEPS.iter().any(|step| line.contains(step)) && !line.contains("StreamItem") && !owner.is_empty() {
                found.insert(format!("{path}::{owner}"));
            }
        }
    }
    found
}

/// The type that an `impl` is of.
fn owner_of(line: &str) -> &str {
    let head = line.split(" for ").last().unwrap_or(line);
    let mut head = head.strip_prefix("impl").unwrap_or(head);
    if head.starts_with('<') {
        // The parameters of the block, with whatever is between their brackets.
        let mut depth = 0_usize;
        let end = head.find(|c| {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        head = end.map_or("", |end| &head[end + 1..]);
    }
    head.split(['<', ' ', '{']).find(|word| !word.is_empty()).unwrap_or_default()
}

/// What is wrong with the list of machines.
#[must_use]
pub fn machine_problems() -> Vec<String> {
    let listed = read::<Machines>("fixtures/state/machine.toml").machine;
    let mut problems = Vec::new();
    let known: BTreeSet<&str> = listed.iter().map(|machine| machine.name.as_str()).collect();
    for machine in machines().iter().filter(|machine| !known.contains(machine.as_str())) {
        problems.push(format!("{machine} is not listed"));
    }
    let files = rust_files();
    let mut tables = BTreeSet::new();
    for machine in &listed {
        let (path, name) = machine.name.split_once("::").unwrap_or((&machine.name, ""));
        let is_there = |kind: &str, text: &str| text.contains(&format!("{kind} {name}"));
        if !files.iter().any(|(file, text)| file == path && (is_there("struct", text) || is_there("enum", text))) {
            problems.push(format!("{} is not there", machine.name));
        }
        if machine.tables.is_empty() && machine.why.is_none() {
            problems.push(format!("{} has no table and does not say why", machine.name));
        }
        if machine.fuzz.is_none() && machine.why.is_none() {
            problems.push(format!("{} has no fuzz target and does not say why", machine.name));
        }
        if let Some(target) = machine.fuzz.as_deref().filter(|target| !is_target(target)) {
            problems.push(format!("{}: no fuzz target {target}", machine.name));
        }
        tables.extend(machine.tables.iter().map(String::as_str));
    }
    let folder = repository().join("fixtures/state");
    for table in &tables {
        let quoted = format!("fixtures/state/{table}\"");
        if !folder.join(table).is_file() || !files.iter().any(|(_, text)| text.contains(&quoted)) {
            problems.push(format!("fixtures/state/{table} is not there, or no test makes it"));
        }
    }
    for name in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name()) {
        let name = name.to_string_lossy().into_owned();
        if name != "machine.toml" && !tables.contains(name.as_str()) {
            problems.push(format!("fixtures/state/{name} belongs to no machine"));
        }
    }
    problems
}

/// The files with parsers.
#[must_use]
pub fn parsers() -> BTreeSet<String> {
    const NAMES: [&str; 6] = ["parse", "decode", "from_text", "from_octets", "read_", "restore"];
    const INPUTS: [&str; 4] = ["&[u8]", "&str", "Bytes", "&Text"];
    let mut found = BTreeSet::new();
    for (path, text) in rust_files() {
        if !READERS.iter().any(|folder| path.starts_with(folder)) || is_test(&path) {
            continue;
        }
        let code: Vec<&str> = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
        for (at, line) in code.iter().enumerate() {
            let Some(rest) = line.trim_start().strip_prefix("pub fn ") else { continue };
            if !NAMES.iter().any(|name| rest.starts_with(name)) {
                continue;
            }
            // The arguments may stand on the lines below.
            let head = code[at..].iter().take(8).take_while(|line| !line.contains("->")).chain([line]);
            if head.into_iter().any(|line| INPUTS.iter().any(|input| line.contains(input))) {
                found.insert(path.clone());
            }
        }
    }
    found
}

/// What is wrong with the list of parsers.
#[must_use]
pub fn parser_problems() -> Vec<String> {
    let listed = read::<Parsers>("tests/fuzz/cover.toml").parser;
    let mut problems = Vec::new();
    for path in parsers() {
        if !listed.iter().any(|parser| path.starts_with(&parser.path)) {
            problems.push(format!("{path} reads octets or text and is not listed"));
        }
    }
    for parser in &listed {
        match (&parser.fuzz, &parser.why) {
            (Some(target), _) if is_target(target) => {}
            (Some(target), _) => problems.push(format!("{}: no fuzz target {target}", parser.path)),
            (None, Some(_)) => {}
            (None, None) => problems.push(format!("{}: neither a target nor a reason", parser.path)),
        }
        if !rust_files().iter().any(|(path, _)| path.starts_with(&parser.path)) {
            problems.push(format!("{} is not there", parser.path));
        }
    }
    problems
}

fn is_target(name: &str) -> bool {
    TARGETS.iter().any(|target| target.name == name)
}
