//! Wireless Village / OMA IMPS: codecs and session machines, without IO.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

pub mod address;
pub mod cir;
pub mod codec;
pub mod error;
#[cfg(test)]
#[path = "../../../tests/src/generated.rs"]
mod generated;
pub mod limit;
pub mod presence_attribute;
pub mod primitive;
pub mod quirk;
pub mod schema;
pub mod session;
pub mod snapshot;
pub mod ssp;
pub mod status;
pub mod version;
mod vocabulary;
pub mod witness;
