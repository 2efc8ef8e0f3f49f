//! Which transaction may leave next, and when the next one is due, without a look at all of them.

use crate::{session::time::Timestamp, ssp::transaction::TransactionState};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The places of the transactions, by their numbers, which grow.
#[derive(Debug, Default)]
pub(super) struct Order {
    lines: HashMap<Box<str>, BTreeSet<u64>>,
    /// Those that may leave now: nothing older of their line is left.
    ready: BTreeSet<u64>,
    /// Those that have to leave yet.
    waiting: BTreeSet<u64>,
    by_due: BTreeSet<(Timestamp, u64)>,
    due_of: BTreeMap<u64, Timestamp>,
}

impl Order {
    /// A transaction comes; [`Self::file`] follows.
    pub(super) fn enter(&mut self, number: u64, line: Option<&str>) {
        if let Some(line) = line {
            self.lines.entry(line.into()).or_default().insert(number);
        }
    }

    /// Notes how a transaction stands now.
    pub(super) fn file(&mut self, number: u64, line: Option<&str>, state: TransactionState, due: Option<Timestamp>) {
        use TransactionState::{Awaiting, BackingOff, Done, Posting, Queued};
        let is_first = line.is_none_or(|line| self.of_line(line).next() == Some(number));
        let (is_waiting, is_ready) = match state {
            Queued => (true, is_first),
            BackingOff => (true, false),
            Posting | Awaiting | Done => (false, false),
        };
        put(&mut self.waiting, number, is_waiting);
        put(&mut self.ready, number, is_ready);
        let old = match due {
            Some(due) => self.due_of.insert(number, due),
            None => self.due_of.remove(&number),
        };
        if old != due {
            old.map(|old| self.by_due.remove(&(old, number)));
            due.map(|due| self.by_due.insert((due, number)));
        }
    }

    /// A transaction is over; the one that follows it in its line, for which [`Self::file`] is due.
    pub(super) fn leave(&mut self, number: u64, line: Option<&str>) -> Option<u64> {
        self.waiting.remove(&number);
        self.ready.remove(&number);
        if let Some(due) = self.due_of.remove(&number) {
            self.by_due.remove(&(due, number));
        }
        let line = line?;
        let numbers = self.lines.get_mut(line)?;
        numbers.remove(&number);
        let heir = numbers.first().copied();
        if heir.is_none() {
            self.lines.remove(line);
        }
        heir
    }

    /// Those that may leave now, the oldest first.
    pub(super) fn ready(&self) -> impl Iterator<Item = u64> {
        self.ready.iter().copied()
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Those that have to leave yet, the oldest first.
    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        self.waiting.iter().copied()
    }

    /// Those of a line, the oldest first.
    pub(super) fn of_line(&self, line: &str) -> impl Iterator<Item = u64> {
        self.lines.get(line).into_iter().flatten().copied()
    }

    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.by_due.first().map(|(due, _)| *due)
    }

    /// Those for which something is due by now.
    pub(super) fn due(&self, now: Timestamp) -> impl Iterator<Item = u64> {
        self.by_due.range(..=(now, u64::MAX)).map(|(_, number)| *number)
    }
}

fn put(numbers: &mut BTreeSet<u64>, number: u64, is_in: bool) {
    if is_in {
        numbers.insert(number);
    } else {
        numbers.remove(&number);
    }
}
