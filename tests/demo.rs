//! The demonstration: for every version and encoding it ends well only if the far ends reported every step.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{folder::Folder, process::Process, product};
use std::{process::Command, time::Duration};

fn demonstrate(version: &str, encoding: &str) {
    let folder = Folder::new("demo");
    let mut command = Command::new(product::program());
    command.current_dir(folder.path()).args(["demo", "--once", "--csp", version, "--encoding", encoding]);
    let mut process = Process::start(&mut command, &folder.file("demo.log")).unwrap();
    let ended = process.wait(PATIENCE);
    assert!(ended.as_ref().is_ok_and(|status| status.code() == Some(0)), "{ended:?}\n{}", process.log());
}

#[test]
fn demo_of_1_1_in_xml() {
    demonstrate("1.1", "xml");
}

#[test]
fn demo_of_1_1_in_wbxml() {
    demonstrate("1.1", "wbxml");
}

#[test]
fn demo_of_1_2_in_xml() {
    demonstrate("1.2", "xml");
}

#[test]
fn demo_of_1_2_in_wbxml() {
    demonstrate("1.2", "wbxml");
}

#[test]
fn demo_of_1_3_in_xml() {
    demonstrate("1.3", "xml");
}

#[test]
fn demo_of_1_3_in_wbxml() {
    demonstrate("1.3", "wbxml");
}

const PATIENCE: Duration = Duration::from_secs(60);
