//! Logs, metrics and traces.

pub mod capture;
pub mod filter;
pub mod hep;
pub mod ladder;
pub mod log;
pub mod metric;
mod packet;
pub mod panic;
pub mod picture;
pub mod readiness;
pub mod trace;
pub mod wire;

pub use filter::TraceFilter;
pub use readiness::Readiness;
pub use trace::{Direction, Tap, TraceRecord};
