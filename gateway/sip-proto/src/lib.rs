//! SIP/SIMPLE: codecs, transactions, dialogs and event packages, without IO.
//!
//! Octets become a [`message::Message`] in [`message::framer`]; typed values are read from it on demand; only
//! [`message::writer`] makes octets again. No sockets, no clock, no randomness.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod auth;
pub mod body;
pub mod dialog;
pub mod error;
pub mod event;
#[cfg(test)]
#[path = "../../../tests/src/generated.rs"]
mod generated;
pub mod id_source;
pub mod limit;
pub mod message;
mod octets;
pub mod quick_hash;
pub mod registrar;
pub mod registration;
pub mod resolve;
pub mod snapshot;
pub mod time;
pub mod transaction;
pub mod witness;
