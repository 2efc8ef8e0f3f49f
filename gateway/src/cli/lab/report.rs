//! `lab report`, and the files that `lab run` writes too.

use super::{CliError, Output, verdict};
use crate::{
    cli::output,
    lab::{
        report::{Comparison, write_html, write_junit, write_statement},
        result::{LabResult, Performance},
    },
};
use clap::Args;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Reports to write.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ReportFiles {
    /// Write a page for people, with ladder and capture of each scenario; it needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write JUnit XML for a build server.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the conformance statement: cases, versions and verdicts, and what was not run.
    #[arg(long, value_name = "FILE")]
    statement: Option<PathBuf>,
}

impl ReportFiles {
    /// Whether one of them holds captures.
    pub(super) const fn shows_captures(&self) -> bool {
        self.html.is_some()
    }

    pub(super) fn write(&self, result: &LabResult, compared: Option<&Comparison<'_>>) -> Result<(), CliError> {
        let put = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
            Some(path) => fs::write(path, text()).map_err(|source| CliError::File { path: path.clone(), source }),
            None => Ok(()),
        };
        put(&self.html, &|| write_html(result, compared))?;
        put(&self.junit, &|| write_junit(result))?;
        put(&self.statement, &|| write_statement(result))
    }
}

pub(super) fn run(
    path: &Path,
    before: Option<&Path>,
    files: &ReportFiles,
    output: Output,
) -> Result<ExitCode, CliError> {
    let mut result = read(path)?;
    if files.shows_captures() {
        read_captures(&mut result, path);
    }
    let Some(before) = before.map(read).transpose()? else {
        files.write(&result, None)?;
        let text = format!("{}\n{}: {}", result.system.name, result.verdict(), result.summary());
        output.print(&text, &json!({ "verdict": result.verdict(), "summary": result.summary() }));
        return Ok(verdict(result.verdict()));
    };
    let comparison = Comparison::new(&before, &result);
    files.write(&result, Some(&comparison))?;
    let changes: Vec<serde_json::Value> = comparison
        .changes
        .iter()
        .map(|(name, one)| json!({ "name": name, "change": one.word(), "before": one.before, "now": one.now }))
        .collect();
    output.print(&comparison, &json!({ "worse": comparison.is_worse(), "changes": changes }));
    Ok(output::verdict(!comparison.is_worse()))
}

/// Writes the captures, each to a file of its own in a folder that is made where there is none.
pub(super) fn write_captures(folder: &Path, performances: &mut [Performance]) -> Result<(), CliError> {
    fs::create_dir_all(folder).map_err(|source| CliError::File { path: folder.to_owned(), source })?;
    for performance in performances {
        let Some(capture) = &performance.capture else { continue };
        let path = folder.join(performance.capture_name());
        fs::write(&path, capture).map_err(|source| CliError::File { path: path.clone(), source })?;
        performance.capture_file = Some(path.display().to_string());
    }
    Ok(())
}

/// Takes the captures up that lie where the result says, seen from here or from where the result is.
fn read_captures(result: &mut LabResult, path: &Path) {
    let beside = path.parent().unwrap_or(Path::new(""));
    for performance in &mut result.performances {
        let Some(file) = &performance.capture_file else { continue };
        performance.capture = fs::read(file).or_else(|_| fs::read(beside.join(file))).ok();
    }
}

fn read(path: &Path) -> Result<LabResult, CliError> {
    let text = fs::read_to_string(path).map_err(|source| CliError::File { path: path.to_owned(), source })?;
    LabResult::parse(&text).map_err(|source| CliError::Result { path: path.to_owned(), source })
}
