//! The neutral model of presence, messages, contact lists and watching, and the engine that maps between the two sides.
//!
//! No wire format, no IO, no clock, no randomness: events come in ([`event`]), commands and records go out
//! ([`command`], [`record`]), time is an argument.

#![warn(clippy::wildcard_enum_match_arm, clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::wildcard_enum_match_arm,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]
pub mod address;
pub mod announcement;
mod authorization;
pub mod command;
pub mod contact_list;
pub mod conversation;
pub mod correlation;
pub mod engine;
pub mod event;
pub mod federation;
mod few;
mod gather;
#[cfg(test)]
#[path = "../../tests/src/generated.rs"]
mod generated;
pub mod invitation;
pub mod limit;
pub mod markup;
pub mod message;
pub mod outcome;
mod policy;
pub mod presence;
mod publication;
pub mod record;
mod relay;
pub mod route;
pub mod screening;
pub mod side;
mod subscription;
pub mod time;
pub mod watcher;
pub mod witness;
