//! `lab report`, and the files that `lab run` writes too.

use super::{CliError, Output, verdict};
use crate::{
    cli::output,
    lab::{
        report::{Comparison, write_html, write_junit, write_statement},
        result::LabResult,
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
    /// Write a page for people, with the ladder of everything that failed; it needs nothing else.
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
    let result = read(path)?;
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

fn read(path: &Path) -> Result<LabResult, CliError> {
    let text = fs::read_to_string(path).map_err(|source| CliError::File { path: path.to_owned(), source })?;
    LabResult::parse(&text).map_err(|source| CliError::Result { path: path.to_owned(), source })
}
