//! `trace`: the messages of both protocols, live or from a file.

use super::{CliError, block_on, output::Output};
use crate::{
    admin::{
        AdminClient,
        client::{Next, escape},
    },
    config::Configuration,
    observe::{TraceRecord, ladder::Ladder, picture},
    shutdown::Signals,
};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::{fs, path::PathBuf, process::ExitCode};

/// What to trace, and into what.
#[derive(Debug, Args)]
pub(super) struct TraceArguments {
    /// Only messages that concern this user.
    #[arg(long)]
    user: Option<String>,
    /// Read a file that was written by --export json instead of asking the running process.
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
    /// Print this instead of the ladder; svg and a live trace end with an interrupt.
    #[arg(long, value_enum)]
    export: Option<Export>,
}

/// What a trace can be turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Export {
    /// One JSON object for each line; the form that --read reads.
    Json,
    /// A picture.
    Svg,
    /// Octets on the wire (not available in this build yet).
    Pcapng,
}

/// Turns the lines of a stream into what is printed.
struct Printer<'a> {
    output: Output,
    export: Option<Export>,
    user: Option<&'a str>,
    ladder: Ladder,
    /// Kept for the picture only.
    records: Vec<TraceRecord>,
}

pub(super) fn run(
    arguments: &TraceArguments,
    configuration: &Configuration,
    output: Output,
) -> Result<ExitCode, CliError> {
    if arguments.export == Some(Export::Pcapng) {
        return Err(CliError::NotAvailable("trace --export pcapng"));
    }
    let export = if output.is_json() { arguments.export.or(Some(Export::Json)) } else { arguments.export };
    let user = arguments.user.as_deref();
    let mut printer = Printer { output, export, user, ladder: Ladder::default(), records: Vec::new() };
    match &arguments.read {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| CliError::File { path: path.clone(), source })?;
            text.lines().filter(|line| !line.trim().is_empty()).for_each(|line| printer.take(line));
        }
        None => {
            let client = AdminClient::open(&configuration.node.data_dir)?;
            let path = match user {
                Some(user) => format!("/api/v1/trace?user={}", escape(user)),
                None => "/api/v1/trace".to_owned(),
            };
            block_on(async {
                let mut signals = Signals::listen()?;
                let stream = client.stream(&path, |line| {
                    printer.take(line);
                    Next::Line
                });
                tokio::select! {
                    result = stream => Ok(result?),
                    () = signals.next() => Ok(()),
                }
            })?;
        }
    }
    printer.finish();
    Ok(ExitCode::SUCCESS)
}

impl Printer<'_> {
    /// Takes one line, which is a record or a remark.
    fn take(&mut self, line: &str) {
        let record = serde_json::from_str::<TraceRecord>(line).ok();
        if record.as_ref().is_some_and(|record| self.user.is_some_and(|user| !record.concerns(user))) {
            return;
        }
        match (self.export, record) {
            (Some(Export::Svg), Some(record)) => self.records.push(record),
            (Some(Export::Svg | Export::Pcapng), _) => {}
            (Some(Export::Json), _) => self.output.print(&line, &serde_json::from_str(line).unwrap_or(Value::Null)),
            (None, Some(record)) => {
                for text in self.ladder.draw(&record) {
                    self.output.print(&text, &Value::Null);
                }
            }
            (None, None) => self.output.print(&self.remark(line), &Value::Null),
        }
    }

    fn finish(&self) {
        if self.export == Some(Export::Svg) {
            let picture = picture::draw(&self.records);
            self.output.print(&picture, &Value::String(picture.clone()));
        }
    }

    fn remark(&self, line: &str) -> String {
        let missed = serde_json::from_str::<Value>(line).ok();
        let missed = missed.as_ref().and_then(|value| value.get("missed")).and_then(Value::as_u64);
        let text = missed.map_or_else(|| line.to_owned(), |count| format!("{count} messages are not shown"));
        self.ladder.remark(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_remarked() {
        let output = Output::new(false);
        let printer = Printer { output, export: None, user: None, ladder: Ladder::default(), records: Vec::new() };
        assert!(printer.remark(r#"{"missed":3}"#).contains("3 messages are not shown"));
        assert!(printer.remark("not json").contains("not json"));
    }
}
