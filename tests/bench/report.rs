//! The table, for people and for programs.

use crate::instruction::Counter;
use acceptance::product;
use std::{fmt::Write as _, fs};

/// What one side takes for one operation.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    /// In the unit of the row.
    pub(crate) amount: f64,
    pub(crate) instructions: Option<f64>,
    pub(crate) allocations: Option<f64>,
    pub(crate) name: String,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Processor time in nanoseconds.
    CpuNanoseconds,
    /// Time on the clock in nanoseconds.
    Nanoseconds,
    /// Octets in memory.
    ResidentOctets,
}

impl Unit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::CpuNanoseconds => "cpu_ns",
            Self::Nanoseconds => "ns",
            Self::ResidentOctets => "octets",
        }
    }

    fn show(self, amount: f64) -> String {
        match self {
            Self::CpuNanoseconds => format!("{:.2} µs", amount / 1000.0),
            Self::Nanoseconds => format!("{:.2} ms", amount / 1_000_000.0),
            Self::ResidentOctets => format!("{:.1} KiB", amount / 1024.0),
        }
    }
}

/// What should be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// So many times the baseline, at most.
    Ratio(f64),
    /// So much in the unit of the row, at most.
    Amount(f64),
    /// Nothing yet: it is watched.
    Watched,
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) operation: String,
    pub(crate) unit: Unit,
    pub(crate) ours: Side,
    pub(crate) baseline: Option<Side>,
    pub(crate) goal: Goal,
}

impl Row {
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.baseline.as_ref().map(|baseline| self.ours.amount / baseline.amount)
    }

    fn verdict(&self) -> &'static str {
        match (self.goal, self.ratio()) {
            (Goal::Ratio(_), None) => "baseline absent",
            (Goal::Ratio(goal), Some(ratio)) if ratio <= goal => "reached",
            (Goal::Ratio(_), Some(_)) => "missed",
            (Goal::Amount(goal), _) if self.ours.amount <= goal => "reached",
            (Goal::Amount(_), _) => "missed",
            (Goal::Watched, _) => "watched",
        }
    }

    /// The columns of the file.
    fn cells(&self) -> [String; 13] {
        let baseline = self.baseline.as_ref();
        let goal = match self.goal {
            Goal::Ratio(goal) | Goal::Amount(goal) => goal.to_string(),
            Goal::Watched => String::new(),
        };
        [
            self.name.clone(),
            self.operation.clone(),
            self.unit.as_str().to_owned(),
            format!("{:.1}", self.ours.amount),
            number(self.ours.instructions, 0),
            number(self.ours.allocations, 1),
            baseline.map(|side| side.name.clone()).unwrap_or_default(),
            number(baseline.map(|side| side.amount), 1),
            number(baseline.and_then(|side| side.instructions), 0),
            number(baseline.and_then(|side| side.allocations), 1),
            number(self.ratio(), 3),
            goal,
            self.verdict().to_owned(),
        ]
    }
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map(|value| format!("{value:.decimals$}")).unwrap_or_default()
}

/// Names of the columns of the file.
pub(crate) const COLUMNS: [&str; 13] = [
    "name",
    "operation",
    "unit",
    "amount",
    "instructions",
    "allocations",
    "baseline",
    "baseline_amount",
    "baseline_instructions",
    "baseline_allocations",
    "ratio",
    "goal",
    "verdict",
];

/// All rows.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Row>);

impl Report {
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!(
            "{}: {}",
            row.name,
            row.ratio().map_or_else(|| row.unit.show(row.ours.amount), |ratio| format!("{ratio:.3}"))
        );
        self.0.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Prints the table and leaves the file.
    pub(crate) fn finish(&self) {
        let mut file = COLUMNS.join("\t") + "\n";
        for row in &self.0 {
            file.push_str(&(row.cells().join("\t") + "\n"));
        }
        let path = product::target_folder().join("bench.tsv");
        fs::write(&path, file).expect("the target folder can be written");
        println!("{}", self.table());
        let counter = Counter::of_this_machine();
        println!("instructions: {}", counter.map_or("not countable here", Counter::name));
    }

    fn table(&self) -> String {
        let head =
            ["operation", "CPU, time or size", "instr.", "alloc.", "baseline", "its", "ratio", "goal", "verdict"];
        let rows: Vec<[String; 9]> = self.0.iter().map(table_row).collect();
        let mut widths = head.map(|word| word.chars().count());
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut table = String::new();
        let mut line = |cells: &[String]| {
            for (cell, width) in cells.iter().zip(widths) {
                let _ = write!(table, "| {cell:<width$} ");
            }
            table.push_str("|\n");
        };
        line(&head.map(str::to_owned));
        line(&widths.map(|width| "-".repeat(width)));
        rows.iter().for_each(|row| line(row));
        table
    }
}

fn table_row(row: &Row) -> [String; 9] {
    let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let baseline = row.baseline.as_ref();
    let goal = match row.goal {
        Goal::Ratio(goal) => format!("≤ {goal}"),
        Goal::Amount(goal) => format!("≤ {}", row.unit.show(goal)),
        Goal::Watched => String::new(),
    };
    [
        row.operation.clone(),
        row.unit.show(row.ours.amount),
        dash(number(row.ours.instructions, 0)),
        dash(number(row.ours.allocations, 0)),
        dash(baseline.map(|side| side.name.clone()).unwrap_or_default()),
        dash(baseline.map(|side| row.unit.show(side.amount)).unwrap_or_default()),
        dash(number(row.ratio(), 2)),
        dash(goal),
        row.verdict().to_owned(),
    ]
}
