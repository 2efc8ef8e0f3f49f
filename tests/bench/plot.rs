//! Curves over a logarithmic axis, as a picture.

use std::{fmt::Write as _, fs, path::Path};

/// Points that belong together, from left to right.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Curves, and what stands on the axes.
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) x: String,
    pub(crate) y: String,
    /// What stands where on the horizontal axis, which is logarithmic and ends with the last one.
    pub(crate) marks: Vec<(f64, String)>,
    pub(crate) curves: Vec<Curve>,
    /// Points that the last curve should not exceed.
    pub(crate) bounds: Vec<(f64, f64)>,
}

impl Plot {
    /// Draws it into a file.
    pub(crate) fn draw(&self, to: &Path) {
        fs::write(to, self.to_svg()).expect("the picture can be written");
        println!("{}", to.display());
    }

    fn to_svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
             <text x=\"12\" y=\"22\" font-size=\"15\">{}</text>\n<text x=\"12\" y=\"42\">{}</text>\n\
             <text x=\"{WIDTH}\" y=\"{HEIGHT}\" dx=\"-12\" dy=\"-6\" text-anchor=\"end\">{}</text>\n",
            self.title, self.y, self.x
        );
        let bottom = HEIGHT - FOOT;
        for (at, name) in &self.marks {
            let x = self.across(*at);
            let _ = writeln!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{bottom}\" stroke=\"#ddd\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
                bottom + 18.0
            );
        }
        let step = step_of(self.highest());
        for line in 0..=LINES_MAX {
            let value = step * f64::from(line);
            if value > self.highest() {
                break;
            }
            let y = self.down(value);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0
            );
        }
        for (curve, color) in self.curves.iter().zip(COLORS) {
            self.write_curve(&mut svg, curve, color);
        }
        for (at, bound) in &self.bounds {
            let (x, y) = (self.across(*at), self.down(*bound));
            let _ = writeln!(
                svg,
                "<path d=\"M{:.1} {y:.1}h24\" stroke=\"#b5452c\" stroke-width=\"2\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#b5452c\">goal {bound}</text>",
                x - 12.0,
                y - 6.0
            );
        }
        svg + "</svg>\n"
    }

    fn write_curve(&self, svg: &mut String, curve: &Curve, color: &str) {
        let points: Vec<String> =
            curve.points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.across(*x), self.down(*y))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        if let Some((x, y)) = curve.points.last() {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{color}\">{}, {y:.2}</text>",
                self.across(*x) + 8.0,
                self.down(*y) + 4.0,
                curve.name
            );
        }
    }

    fn highest(&self) -> f64 {
        let points = self.curves.iter().flat_map(|curve| &curve.points).chain(&self.bounds);
        points.map(|(_, y)| *y).fold(0.001, f64::max) * 1.05
    }

    fn across(&self, value: f64) -> f64 {
        let ends = (self.marks.first().map_or(1.0, |mark| mark.0), self.marks.last().map_or(10.0, |mark| mark.0));
        let share = (value / ends.0).ln() / (ends.1 / ends.0).ln();
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn down(&self, value: f64) -> f64 {
        HEIGHT - FOOT - (value / self.highest()).max(0.0) * (HEIGHT - FOOT - HEAD)
    }
}

/// A round number that fits some five to ten times.
fn step_of(highest: f64) -> f64 {
    let power = 10_f64.powf((highest / 5.0).log10().floor());
    [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().rfind(|step| *step <= highest / 5.0).unwrap_or(power)
}

const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 320.0;
const HEAD: f64 = 54.0;
const FOOT: f64 = 44.0;
const LINES_MAX: u32 = 20;
const COLORS: [&str; 3] = ["#2b5f8a", "#7a7a7a", "#2f7d4f"];
