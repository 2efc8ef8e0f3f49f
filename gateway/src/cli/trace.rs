//! `trace`: the messages of both protocols, live or from a file.

use super::{CliError, block_on, output::Output};
use crate::{
    admin::{AdminClient, client::Next},
    config::Configuration,
    observe::{TraceFilter, TraceRecord, capture::Capture, ladder::Ladder, picture},
    shutdown::Signals,
};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What to trace, and into what.
#[derive(Debug, Args)]
pub(super) struct TraceArguments {
    #[command(flatten)]
    filter: TraceFilter,
    /// Show what truly passed: passwords, digests, session ids and texts of messages are not masked. The log notes it.
    #[arg(long, conflicts_with = "read")]
    no_redaction: bool,
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
    /// A packet capture for Wireshark and its kin; not to a terminal.
    Pcapng,
}

/// Turns the lines of a stream into what is printed.
struct Printer<'a> {
    output: Output,
    export: Option<Export>,
    filter: &'a TraceFilter,
    ladder: Ladder,
    capture: Capture,
    /// What became of writing the capture.
    written: io::Result<()>,
    /// Kept for the picture only.
    records: Vec<TraceRecord>,
}

pub(super) fn run(
    arguments: &TraceArguments,
    configuration: &Configuration,
    output: Output,
) -> Result<ExitCode, CliError> {
    if arguments.export == Some(Export::Pcapng) && io::stdout().is_terminal() {
        return Err(CliError::Output(io::Error::other(
            "a capture goes into a file or a pipe: trace --export pcapng > FILE",
        )));
    }
    let export = if output.is_json() { arguments.export.or(Some(Export::Json)) } else { arguments.export };
    let mut printer = Printer::new(output, export, &arguments.filter);
    printer.begin(arguments.no_redaction)?;
    match &arguments.read {
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| CliError::File { path: path.clone(), source })?;
            text.lines().filter(|line| !line.trim().is_empty()).for_each(|line| printer.take(line));
        }
        None => {
            let client = AdminClient::open(&configuration.node.data_dir)?;
            let original = if arguments.no_redaction { "original=true&" } else { "" };
            let path = format!("/api/v1/trace?{original}{}", arguments.filter.to_query());
            block_on(async {
                let mut signals = Signals::listen()?;
                let stream = client.stream(&path, |line| {
                    printer.take(line);
                    if printer.written.is_ok() { Next::Line } else { Next::Stop }
                });
                tokio::select! {
                    result = stream => Ok(result?),
                    () = signals.next() => Ok(()),
                }
            })?;
        }
    }
    printer.finish()?;
    Ok(ExitCode::SUCCESS)
}

impl<'a> Printer<'a> {
    fn new(output: Output, export: Option<Export>, filter: &'a TraceFilter) -> Self {
        let (ladder, capture) = (Ladder::default(), Capture::default());
        Self { output, export, filter, ladder, capture, written: Ok(()), records: Vec::new() }
    }

    fn begin(&mut self, is_original: bool) -> io::Result<()> {
        if self.export == Some(Export::Pcapng) {
            let remark =
                if is_original { "Not masked: holds secrets." } else { "Secrets and texts of messages are masked." };
            return write_out(&Capture::head(remark));
        }
        Ok(())
    }

    /// Takes one line, which is a record or a remark.
    fn take(&mut self, line: &str) {
        let record = serde_json::from_str::<TraceRecord>(line).ok();
        if record.as_ref().is_some_and(|record| !self.filter.admits(record)) {
            return;
        }
        match (self.export, record) {
            (Some(Export::Svg), Some(record)) => self.records.push(record),
            (Some(Export::Pcapng), Some(record)) => {
                let packets = self.capture.packets(&record);
                if self.written.is_ok() {
                    self.written = write_out(&packets);
                }
            }
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

    fn finish(self) -> io::Result<()> {
        if self.export == Some(Export::Svg) {
            let picture = picture::draw(&self.records);
            self.output.print(&picture, &Value::String(picture.clone()));
        }
        match self.written {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn remark(&self, line: &str) -> String {
        let missed = serde_json::from_str::<Value>(line).ok();
        let missed = missed.as_ref().and_then(|value| value.get("missed")).and_then(Value::as_u64);
        let text = missed.map_or_else(|| line.to_owned(), |count| format!("{count} messages are not shown"));
        self.ladder.remark(&text)
    }
}

/// Writes at once, so that whoever reads a pipe sees what has passed.
fn write_out(octets: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(octets)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_remarked() {
        let filter = TraceFilter::default();
        let printer = Printer::new(Output::new(false), None, &filter);
        assert!(printer.remark(r#"{"missed":3}"#).contains("3 messages are not shown"));
        assert!(printer.remark("not json").contains("not json"));
    }
}
