//! The typed primitives from outside: against real messages, against the worked sequences, and there and back.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

#[path = "primitive/arbitrary.rs"]
mod arbitrary;
#[path = "primitive/corpus.rs"]
mod corpus;
#[path = "primitive/round_trip.rs"]
mod round_trip;
#[path = "primitive/worked_sequence.rs"]
mod worked_sequence;
