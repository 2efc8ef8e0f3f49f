//! What operators bill by: one line of JSON for each message, session and report, in a file that is rotated, and a service
//! of theirs that may refuse a message before it is taken.
//!
//! Lines tell who, to whom, how large, when and how it ended; never what was said. They are written by a thread of their own
//! straight to the file, so that what was written survives a `kill -9`. The path of messages never waits for them: where the
//! file is slower than the traffic, lines are lost and counted.

mod file;
mod gate;
mod line;
mod meter;

pub use file::{ChargingFile, ChargingLines};
pub use gate::{ChargingGate, ChargingQuestion, WhenSilent};
pub use line::ChargingLine;
pub use meter::{Admission, ChargingMeter};

/// What lanes charge with; nothing where charging is not configured. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Charging {
    /// Where lines go.
    pub lines: Option<ChargingLines>,
    /// Who is asked before a message is taken.
    pub gate: Option<ChargingGate>,
}
