//! How far a long command is, and how long it will take: on a terminal only, in place.

use crate::lab::campaign::time_left;
use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Instant,
};

/// A progress bar on standard error.
pub(super) struct Progress {
    done: usize,
    total: usize,
    began: Instant,
    is_shown: bool,
}

impl Progress {
    pub(super) fn new(total: usize, began: Instant) -> Self {
        let progress = Self { done: 0, total, began, is_shown: io::stderr().is_terminal() };
        progress.draw();
        progress
    }

    /// One more is done.
    pub(super) fn step(&mut self) {
        self.done = self.done.saturating_add(1);
        self.draw();
    }

    /// So much is done.
    pub(super) fn set(&mut self, done: usize) {
        if self.done != done {
            self.done = done;
            self.draw();
        }
    }

    /// Makes room for a line.
    pub(super) fn clear(&self) {
        if self.is_shown {
            // A terminal that went away wants no more.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn draw(&self) {
        if !self.is_shown {
            return;
        }
        let filled = self.done.saturating_mul(WIDTH).checked_div(self.total).unwrap_or(WIDTH).min(WIDTH);
        let left = match time_left(self.began.elapsed(), self.done, self.total) {
            Some(left) => format!("{} min {:02} s left", left.as_secs() / 60, left.as_secs() % 60),
            None => "time left unknown yet".to_owned(),
        };
        let (full, empty) = ("#".repeat(filled), ".".repeat(WIDTH.saturating_sub(filled)));
        let _ = write!(io::stderr(), "\r\x1b[K[{full}{empty}] {} of {}, {left}", self.done, self.total);
    }
}

const WIDTH: usize = 30;
