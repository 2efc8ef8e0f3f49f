//! `check-config`.

use super::{
    CliError,
    output::{Output, verdict},
    probe, read_file,
};
use crate::config::Configuration;
use serde_json::json;
use std::{path::Path, process::ExitCode};

/// Checks the file alone: environment and flags are not part of it.
pub(super) fn run(file: &Path, online: bool, output: Output) -> Result<ExitCode, CliError> {
    let configuration = match Configuration::read(&read_file(file)?) {
        Ok(configuration) => configuration,
        Err(problems) => {
            let list: Vec<_> = problems.as_slice().iter().map(crate::config::Problem::to_json).collect();
            let count = list.len();
            let text = format!("{problems}{count} {}", if count == 1 { "problem" } else { "problems" });
            output.print(&text, &json!({ "ok": false, "problems": list }));
            return Ok(ExitCode::FAILURE);
        }
    };
    if !online {
        let text = format!("{}: no problems", file.display());
        output.print(&text, &json!({ "ok": true, "problems": [] }));
        return Ok(ExitCode::SUCCESS);
    }
    let findings = probe::run(&configuration);
    let is_good = findings.iter().all(probe::Finding::is_good);
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let probes: Vec<_> = findings.iter().map(probe::Finding::to_json).collect();
    output.print(&lines.join("\n"), &json!({ "ok": is_good, "problems": [], "probes": probes }));
    Ok(verdict(is_good))
}
