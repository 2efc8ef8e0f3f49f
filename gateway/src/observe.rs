//! Logs, metrics and traces.

pub mod metric;
