//! Scenarios: stage directions in a text file (`fixtures/scenario/*.scn`), performed on a [`stage::Stage`].
//!
//! The text, the model and the runner know nothing of sockets, processes or clocks, so that one text runs against the
//! gateway over real sockets, in a simulation with virtual time, and in an operator's laboratory.

pub mod model;
pub mod parse;
pub mod pattern;
pub mod problem;
pub mod run;
pub mod seen;
mod source;
pub mod stage;
pub mod template;
pub mod trouble;
