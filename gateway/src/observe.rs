//! Logs, metrics and traces.

pub mod ladder;
pub mod log;
pub mod metric;
pub mod panic;
pub mod picture;
pub mod trace;

pub use trace::{Direction, Tap, TraceRecord};
