//! Latencies as a picture.

use super::meter::{LoadReport, Measure, PERMILLES};
use crate::lab::report::Harmless;
use std::{fmt::Write as _, time::Duration};

/// Draws each kind of latency as bars over a logarithmic axis, with its percentiles as marks.
#[must_use]
pub fn draw(report: &LoadReport) -> String {
    let height = HEAD + ROW * u32::try_from(report.measures.len()).unwrap_or_default() + FOOT;
    let mut out = String::new();
    // Writing to a text cannot fail, here and below.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\">{} messages, {:.1} in a second</text>",
        report.planned, report.rate
    );
    for (number, measure) in report.measures.iter().enumerate() {
        row(&mut out, HEAD + ROW * u32::try_from(number).unwrap_or_default(), measure);
    }
    for power in 0..=DECADES {
        let micros = FIRST_US * 10_f64.powi(i32::try_from(power).unwrap_or_default());
        let x = place(micros);
        let label = if micros < 1e6 { format!("{} ms", micros / 1e3) } else { format!("{} s", micros / 1e6) };
        let bottom = height - FOOT;
        let _ = write!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ccc\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            bottom + 18
        );
    }
    out.push_str("</svg>\n");
    out
}

fn row(out: &mut String, top: u32, Measure { kind, until, histogram }: &Measure) {
    let bottom = f64::from(top + ROW - GAP);
    let most = histogram.steps().map(|(_, count)| count).max().unwrap_or(1);
    let name = format!("{kind}, {until}");
    let _ = write!(out, "<text x=\"8\" y=\"{bottom}\">{}</text>", Harmless(&name));
    for (end, count) in histogram.steps() {
        #[expect(clippy::cast_precision_loss, reason = "it is drawn")]
        let high = f64::from(ROW - 2 * GAP) * (count as f64 / most as f64);
        let x = place(micros(end));
        let _ = write!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{BAR}\" height=\"{high:.1}\" fill=\"#4a7fb5\"><title>{count} up to \
             {end:?}</title></rect>",
            x - f64::from(BAR),
            bottom - high
        );
    }
    for (label, permille) in PERMILLES {
        let x = place(micros(histogram.at_permille(permille)));
        let _ = write!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#c0322b\"/>\
             <text x=\"{x:.1}\" y=\"{}\" font-size=\"9\" text-anchor=\"middle\" fill=\"#c0322b\">{label}</text>",
            top + GAP,
            top + GAP - 2
        );
    }
}

/// Where a time stands on the axis.
fn place(micros: f64) -> f64 {
    let share = (micros.max(FIRST_US) / FIRST_US).log10() / f64::from(DECADES);
    f64::from(LEFT) + share.min(1.0) * f64::from(WIDTH - LEFT - RIGHT)
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn")]
fn micros(time: Duration) -> f64 {
    time.as_micros() as f64
}

const WIDTH: u32 = 960;
const LEFT: u32 = 150;
const RIGHT: u32 = 30;
const HEAD: u32 = 44;
const FOOT: u32 = 30;
const ROW: u32 = 96;
const GAP: u32 = 12;
const BAR: u32 = 5;
/// The axis begins with a tenth of a millisecond and ends with a hundred seconds.
const FIRST_US: f64 = 100.0;
const DECADES: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::load::Histogram;

    #[test]
    fn every_step_is_a_bar_and_every_percentile_a_mark() {
        let mut histogram = Histogram::default();
        [1, 10, 10, 100].into_iter().for_each(|millis| histogram.add(Duration::from_millis(millis)));
        let measures = vec![Measure { kind: "WV to SIP", until: "answer", histogram }];
        let picture = draw(&LoadReport { planned: 4, rate: 2.0, measures, errors: Default::default() });
        assert_eq!(picture.matches("#4a7fb5").count(), 3);
        assert_eq!(picture.matches("p99.9").count(), 1);
        assert!(picture.contains("WV to SIP, answer") && picture.contains(">100 s<"), "{picture}");
    }
}
