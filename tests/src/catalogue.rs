//! The catalogue of cases: `target/catalogue.tsv` gets one line for every case that ran.

use crate::product;
use std::{
    fs::OpenOptions,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

/// How a case ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Our own peers, over real sockets.
    Sockets,
    /// The whole gateway in virtual time, between two worlds that are not real.
    Simulated,
    /// With a program that is not ours on one side.
    Foreign,
}

/// Runs a case and writes down its verdict, also when it panics.
///
/// # Panics
/// When the case does.
pub fn case(id: &str, how: How, run: impl FnOnce()) {
    let result = catch_unwind(AssertUnwindSafe(run));
    write(id, if result.is_ok() { "pass" } else { "fail" }, how);
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// Writes down a verdict: `pass`, `fail` or `inconclusive`.
pub fn write(id: &str, verdict: &str, how: How) {
    let how = match how {
        How::Sockets => "sockets",
        How::Simulated => "simulated",
        How::Foreign => "foreign",
    };
    let file = product::target_folder().join("catalogue.tsv");
    // One write of one line: tests of several processes append to the same file.
    let line = format!("{id}\t{verdict}\t{how}\n");
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&file)
        .and_then(|mut opened| opened.write_all(line.as_bytes()));
    if let Err(error) = written {
        println!("{}: {error}", file.display());
    }
}
