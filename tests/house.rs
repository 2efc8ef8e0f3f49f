//! House rules that a tool can check: who may know whom, file sizes, names, leftovers, dependencies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{generated, inventory, repository, rules, rust_files, status};
use std::fs;

/// A wall: code below the folder must not mention any of the words.
struct Wall {
    folder: &'static str,
    forbidden: &'static [&'static str],
    why: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        folder: "mapping/src",
        forbidden: &[
            "tokio::",
            "quick_xml::",
            "rsip::",
            "moka::",
            "config::Config",
            "tracing::",
            "rand::",
            "getrandom::",
            "std::net",
            "std::fs",
            "Instant::now",
            "SystemTime::now",
            "wv_proto",
            "sip_proto",
        ],
        why: "mapping is pure and knows neither protocol",
    },
    Wall {
        folder: "gateway/wv-proto/src",
        forbidden: &["tokio::", "sip_proto", "mapping::", "std::net", "std::fs", "Instant::now", "SystemTime::now"],
        why: "wv-proto is pure and stands alone",
    },
    Wall {
        folder: "gateway/sip-proto/src",
        forbidden: &["tokio::", "wv_proto", "mapping::", "std::fs", "Instant::now", "SystemTime::now"],
        why: "sip-proto is pure and stands alone",
    },
    Wall { folder: "gateway/src/wv", forbidden: &["sip_proto", "crate::simple"], why: "the WV adapter knows no SIP" },
    Wall { folder: "gateway/src/simple", forbidden: &["wv_proto", "crate::wv"], why: "the SIMPLE adapter knows no WV" },
    Wall { folder: "gateway/src/lane", forbidden: &["wv_proto", "sip_proto"], why: "lanes see snapshots as octets" },
    Wall {
        folder: "gateway/src/store",
        forbidden: &["wv_proto", "sip_proto"],
        why: "the store sees snapshots as octets",
    },
    Wall {
        folder: "gateway/src/peer",
        forbidden: &["crate::wv", "crate::simple", "crate::engine", "crate::lane"],
        why: "the scripted peers are outside clients",
    },
    Wall {
        folder: "gateway/src/lab",
        forbidden: &["crate::wv", "crate::simple", "crate::engine", "crate::lane"],
        why: "the laboratory is an outside client",
    },
    Wall {
        folder: "gateway/src/lab/scenario",
        forbidden: &["tokio::", "wv_proto", "sip_proto", "std::net", "std::fs", "Instant::now", "SystemTime::now"],
        why: "a scenario knows no protocol, no socket and no clock",
    },
    Wall {
        folder: "gateway/src/lab/actor",
        forbidden: &["tokio::", "std::fs", "Instant::now", "SystemTime::now", "getrandom::"],
        why: "actors have no IO, no clock and no randomness",
    },
    Wall {
        folder: "gateway/src/observe",
        forbidden: &["wv_proto", "sip_proto"],
        why: "rendering belongs to the adapters",
    },
    Wall {
        folder: "gateway/src/admin",
        forbidden: &["wv_proto", "sip_proto"],
        why: "rendering belongs to the adapters",
    },
    Wall { folder: "gateway/src/cli", forbidden: &["wv_proto", "sip_proto"], why: "rendering belongs to the adapters" },
];

/// Code lines of a file: without comments, up to the tests.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]") && !line.starts_with("mod tests"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

fn is_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn the_walls_stand() {
    let mut broken = Vec::new();
    for (path, text) in rust_files() {
        for wall in WALLS
            .iter()
            .filter(|wall| path.strip_prefix(wall.folder).is_some_and(|rest| rest.starts_with('/') || rest == ".rs"))
        {
            for (number, line) in code_lines(&text) {
                for word in wall.forbidden.iter().filter(|word| is_word(line, word)) {
                    broken.push(format!("{path}:{number}: {word}: {}", wall.why));
                }
            }
        }
    }
    assert!(broken.is_empty(), "walls broken:\n{}", broken.join("\n"));
}

#[test]
fn rsip_and_quick_xml_stay_inside() {
    // STYLE section 2: their types never appear in a public signature of a -proto crate.
    let mut leaks = Vec::new();
    for (path, text) in rust_files().into_iter().filter(|(path, _)| !path.starts_with("tests/")) {
        for (number, line) in code_lines(&text) {
            let public = line.trim_start().starts_with("pub fn") || line.trim_start().starts_with("pub struct");
            if public && (line.contains("rsip::") || line.contains("quick_xml::")) {
                leaks.push(format!("{path}:{number}: {line}"));
            }
            if !path.contains("-proto/") && (is_word(line, "rsip::") || is_word(line, "quick_xml::")) {
                leaks.push(format!("{path}:{number}: {line}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let long: Vec<String> = rust_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! Table.") || text.contains("fn "))
        .filter_map(|(path, text)| {
            let lines = text
                .lines()
                .take_while(|line| !line.starts_with("#[cfg(test)]") && !line.starts_with("mod tests"))
                .count();
            (lines > 600 && !path.ends_with("/tests.rs")).then(|| format!("{path}: {lines}"))
        })
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn nothing_is_left_over() {
    // Put together here, so that this file is not among its own findings.
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
        concat!("#[ig", "nore"),
        concat!("assert!(", "true)"),
        concat!("db", "g!("),
    ];
    let mut left = Vec::new();
    for (path, text) in rust_files() {
        for (index, line) in text.lines().enumerate() {
            left.extend(
                marks.iter().filter(|mark| line.contains(**mark)).map(|mark| format!("{path}:{}: {mark}", index + 1)),
            );
        }
    }
    assert!(left.is_empty(), "left over:\n{}", left.join("\n"));
}

#[test]
fn modules_have_names_of_their_own() {
    const FORBIDDEN: &[&str] = &[
        "util",
        "utils",
        "helper",
        "helpers",
        "common",
        "misc",
        "base",
        "core",
        "manager",
        "handler",
        "processor",
        "wrapper",
        "data",
        "info",
        "stuff",
    ];
    let bad: Vec<String> = rust_files()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|path| path.trim_end_matches(".rs").split('/').any(|part| FORBIDDEN.contains(&part)))
        .collect();
    assert!(bad.is_empty(), "rename: {bad:?}");
}

#[test]
fn the_top_level_holds_what_it_may() {
    const ALLOWED: &[&str] = &[
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "deploy",
        "fixtures",
        "gateway",
        "mapping",
        "rust-toolchain.toml",
        "target",
        "data",
        "tests",
    ];
    let strangers: Vec<String> = fs::read_dir(repository())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !ALLOWED.contains(&name.as_str()))
        .collect();
    assert!(strangers.is_empty(), "not at the top level: {strangers:?}");
}

#[test]
fn mapping_depends_on_little() {
    let manifest: toml::Table = fs::read_to_string(repository().join("mapping/Cargo.toml")).unwrap().parse().unwrap();
    let allowed = ["serde", "thiserror", "bytes", "smallvec", "slab"];
    let strangers: Vec<&String> =
        manifest["dependencies"].as_table().unwrap().keys().filter(|name| !allowed.contains(&name.as_str())).collect();
    assert!(strangers.is_empty(), "mapping must not depend on {strangers:?}");
}

#[test]
fn every_wv_rule_is_cited_and_every_cited_one_exists() {
    let problems = rules::problems();
    assert!(problems.is_empty(), "fixtures/rules/wv.toml:\n{}", problems.join("\n"));
}

#[test]
fn the_status_table_of_the_readme_is_what_the_tests_prove() {
    let (lines, tests) = (status::lines(), status::tests());
    let problems: Vec<String> = lines.iter().flat_map(|line| line.problems(&tests)).collect();
    assert!(problems.is_empty(), "fixtures/status.toml:\n{}", problems.join("\n"));
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    generated::compare("README.md", &status::in_readme(&readme, &lines));
}

#[test]
fn every_machine_has_its_table_and_its_fuzz_target() {
    let problems = inventory::machine_problems();
    assert!(problems.is_empty(), "fixtures/state/machine.toml:\n{}", problems.join("\n"));
}

#[test]
fn every_parser_has_its_fuzz_target() {
    let problems = inventory::parser_problems();
    assert!(problems.is_empty(), "tests/fuzz/cover.toml:\n{}", problems.join("\n"));
}
