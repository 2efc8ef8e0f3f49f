//! Texts that tests generate and people review: compared with their file, or written where that is asked for.

use crate::repository;
use std::fs;

/// The variable that makes the tests write what they generate instead of comparing it.
pub const REWRITE: &str = "WVSG_REWRITE";

/// Compares a generated text with the file at the path from the root.
///
/// # Panics
/// When they differ, with the lines that do; or when the file should be written and cannot be.
pub fn compare(path: &str, generated: &str) {
    let file = repository().join(path);
    let reviewed = fs::read_to_string(&file).unwrap_or_default();
    if reviewed == generated {
        return;
    }
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&file, generated).unwrap_or_else(|error| panic!("{path}: {error}"));
        println!("{path}: written anew");
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
        let those: std::collections::HashSet<&str> = those.lines().collect();
        these.lines().filter(|line| !those.contains(line)).map(|line| format!("{mark} {line}")).collect()
    };
    let mut lines = only(reviewed, generated, '-');
    lines.extend(only(generated, reviewed, '+'));
    if lines.is_empty() {
        lines.push("the lines are the same, their order or number is not".to_owned());
    }
    lines.join("\n")
}
