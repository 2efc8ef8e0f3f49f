//! How commands print: text for people, or JSON for programs.

use serde_json::{Value, json};
use std::{
    fmt,
    io::{IsTerminal, Write},
    process::ExitCode,
};

/// Where a command prints, and in which form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints one of the two on standard output.
    pub(super) fn print(self, text: &dyn fmt::Display, json: &Value) {
        let text = if self.json { json.to_string() } else { text.to_string() };
        // A reader that went away wants no more.
        let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    }

    /// Draws how far a long command is, in place where standard error is a terminal; for people only.
    pub(super) fn progress_bar(self, done: usize, total: usize) {
        if self.json || total == 0 {
            return;
        }
        let filled = done.saturating_mul(BAR).checked_div(total).unwrap_or(BAR).min(BAR);
        let (full, empty) = ("#".repeat(filled), ".".repeat(BAR.saturating_sub(filled)));
        let line = format!("[{full}{empty}] {done} of {total}");
        let mut error = std::io::stderr();
        let _ = if !error.is_terminal() {
            writeln!(error, "{line}")
        } else if done < total {
            write!(error, "\r{line}")
        } else {
            writeln!(error, "\r{line}")
        };
    }

    /// Prints why a command failed. The verdict is no.
    pub(super) fn failed(self, error: &dyn fmt::Display) -> ExitCode {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{}", json!({ "error": error.to_string().trim_end() }));
        } else {
            let _ = writeln!(std::io::stderr(), "wv-simple-gateway: {}", error.to_string().trim_end());
        }
        ExitCode::FAILURE
    }
}

/// Width of a progress bar in characters.
const BAR: usize = 40;

/// Yes or no as an exit code.
pub(super) fn verdict(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
