//! Replays what the fuzzers found worth keeping: the corpus, the findings, and the fixtures, through their targets and
//! without a fuzzer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    fuzzing::{TARGETS, files, fixtures, seed},
    repository,
};
use std::{fs, panic::catch_unwind};

#[test]
fn every_target_survives_its_corpus_and_findings() {
    let mut faults = Vec::new();
    for target in TARGETS {
        let below = |kind: &str| files(&repository().join("tests/fuzz").join(kind).join(target.name));
        let mut corpus = below("corpus");
        if corpus.is_empty() && std::env::var_os("WVSG_REWRITE").is_some() {
            // A new target begins with its seeds; `tests/fuzz/run --keep` finds better ones.
            let folder = repository().join("tests/fuzz/corpus").join(target.name);
            fs::create_dir_all(&folder).unwrap();
            for (number, octets) in seed::of(target).into_iter().enumerate() {
                fs::write(folder.join(format!("seed-{number:03}")), octets).unwrap();
            }
            corpus = below("corpus");
        }
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        let finding = below("finding");
        let own = target.fixtures.map(fixtures).unwrap_or_default();
        println!("{}: corpus {}, findings {}, fixtures {}", target.name, corpus.len(), finding.len(), own.len());
        for (name, octets) in corpus.iter().chain(&finding).chain(&own) {
            if catch_unwind(|| (target.run)(octets)).is_err() {
                faults.push(format!("{}: {name}", target.name));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_target_has_its_entry_point() {
    let root = repository().join("tests/fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    for target in TARGETS {
        assert!(root.join(format!("fuzz_targets/{}.rs", target.name)).is_file(), "{}", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
    }
    assert_eq!(files(&root.join("fuzz_targets")).len(), TARGETS.len());
}

#[test]
fn empty_input_is_survived() {
    for target in TARGETS {
        (target.run)(b"");
    }
}
