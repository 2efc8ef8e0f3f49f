//! The table as a picture: a bar for each ratio, as a part of its goal. The curves of latencies and growth are drawn with it.

use crate::{bridge, report::COLUMNS};
use std::{collections::HashMap, fmt::Write as _, fs, path::Path};

/// Draws the file with the figures.
pub(crate) fn draw(from: &Path, to: &Path) {
    let text =
        fs::read_to_string(from).unwrap_or_else(|error| panic!("{}: {error}: run tests/bench/run", from.display()));
    let bars: Vec<Bar> = text.lines().skip(1).filter_map(Bar::read).collect();
    assert!(!bars.is_empty(), "{} holds no row with a ratio", from.display());
    fs::write(to, picture(&bars)).expect("the picture can be written");
    println!("{}", to.display());
    let rows: Vec<Figures> = text.lines().skip(1).filter_map(Figures::read).collect();
    bridge::scale_picture(&rows, &to.with_file_name("scale.svg"));
    bridge::latency_picture(from, &to.with_file_name("latency.svg"));
}

/// What a row of the file says.
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) amount: f64,
    pub(crate) baseline_amount: Option<f64>,
}

impl Figures {
    fn read(line: &str) -> Option<Self> {
        let cells: HashMap<&str, &str> = COLUMNS.into_iter().zip(line.split('\t')).collect();
        Some(Self {
            name: (*cells.get("name")?).to_owned(),
            amount: cells.get("amount")?.parse().ok()?,
            baseline_amount: cells.get("baseline_amount").and_then(|amount| amount.parse().ok()),
        })
    }
}

struct Bar {
    operation: String,
    baseline: String,
    ratio: f64,
    goal: Option<f64>,
}

impl Bar {
    /// None for a row whose amount is not measured against its baseline.
    fn read(line: &str) -> Option<Self> {
        let cells: HashMap<&str, &str> = COLUMNS.into_iter().zip(line.split('\t')).collect();
        // What is added to a baseline is no part of it.
        if *cells.get("unit")? == "ns" {
            return None;
        }
        Some(Self {
            operation: escape(cells.get("operation")?),
            baseline: escape(cells.get("baseline")?),
            ratio: cells.get("ratio")?.parse().ok()?,
            goal: cells.get("goal").and_then(|goal| goal.parse().ok()),
        })
    }

    /// How long it is on a scale on which 1 is the goal, or without one the baseline.
    fn length(&self) -> f64 {
        (self.ratio / self.goal.unwrap_or(1.0)).min(2.0)
    }
}

fn picture(bars: &[Bar]) -> String {
    let height = TOP + LINE * u32::try_from(bars.len()).unwrap_or(0) + 16;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\">CPU time of an operation over that of its baseline; the line is the goal</text>\n"
    );
    for (y, bar) in (TOP..).step_by(24).zip(bars) {
        let is_reached = bar.goal.is_none_or(|goal| bar.ratio <= goal);
        let color = if is_reached { "#2f7d4f" } else { "#b5452c" };
        let goal = bar.goal.map(|goal| format!(", goal {goal}")).unwrap_or_default();
        let length = bar.length() * f64::from(UNIT);
        let base = y + 12;
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{base}\" text-anchor=\"end\">{}</text>", LEFT - 8, bar.operation);
        let _ = writeln!(svg, "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"16\" fill=\"{color}\"/>");
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{base}\">{:.2} of {}{goal}</text>",
            f64::from(LEFT) + length.max(f64::from(UNIT)) + 8.0,
            bar.ratio,
            bar.baseline
        );
    }
    let line = LEFT + UNIT;
    let _ = writeln!(svg, "<line x1=\"{line}\" y1=\"{TOP}\" x2=\"{line}\" y2=\"{height}\" stroke=\"#333\"/>\n</svg>");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

const WIDTH: u32 = 1080;
const LEFT: u32 = 380;
const TOP: u32 = 40;
const LINE: u32 = 24;
/// A bar as long as its goal.
const UNIT: u32 = 220;
