//! The typed primitives from outside: against real messages, against the worked sequences, and there and back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

mod arbitrary;
mod corpus;
mod round_trip;
mod tolerance;
mod worked_sequence;
