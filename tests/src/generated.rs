//! Texts that tests generate and people review: compared with their file, or written where that is asked for.
//!
//! The packages with machines include this file in their tests by its path; it needs nothing of the package it is in.

#![allow(unreachable_pub, reason = "public only where the tests of the repository use it")]

use std::{collections::HashSet, env, fs, path::Path};

/// The variable that makes the tests write what they generate instead of comparing it.
const REWRITE: &str = "WVSG_REWRITE";

/// Compares a generated text with the file at the path from the root of the repository.
///
/// # Panics
/// When they differ, with the lines that do; or when the file should be written and cannot be.
pub fn compare(path: &str, generated: &str) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("fixtures/rules").is_dir()).unwrap_or(package);
    let file = root.join(path);
    let reviewed = fs::read_to_string(&file).unwrap_or_default();
    if reviewed == generated {
        return;
    }
    if env::var_os(REWRITE).is_some() {
        fs::write(&file, generated).unwrap_or_else(|error| panic!("{path}: {error}"));
        return;
    }
    panic!(
        "{path} is not what the tests make of it; {REWRITE}=1 writes it anew:\n{}",
        difference(&reviewed, generated)
    );
}

/// The lines that are only in one of the texts.
fn difference(reviewed: &str, generated: &str) -> String {
    let only = |these: &str, those: &str, mark: char| -> Vec<String> {
        let those: HashSet<&str> = those.lines().collect();
        these.lines().filter(|line| !those.contains(line)).map(|line| format!("{mark} {line}")).collect()
    };
    let mut lines = only(reviewed, generated, '-');
    lines.extend(only(generated, reviewed, '+'));
    if lines.is_empty() {
        lines.push("the lines are the same, their order or number is not".to_owned());
    }
    lines.join("\n")
}
