//! What happened, line by line.

/// The ladder of a run.
#[derive(Debug, Default)]
pub(crate) struct Ladder {
    now: u64,
    lines: Vec<String>,
}

impl Ladder {
    /// From now on lines carry this time, in milliseconds since the beginning.
    pub(crate) fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// Adds a line.
    pub(crate) fn tell(&mut self, line: impl std::fmt::Display) {
        let (seconds, millis) = (self.now / 1000, self.now % 1000);
        self.lines.push(format!("{seconds:>6}.{millis:03} {line}"));
    }

    /// All lines.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// The last lines.
    #[must_use]
    pub(crate) fn tail(&self, count: usize) -> String {
        self.lines[self.lines.len().saturating_sub(count)..].join("\n")
    }
}
