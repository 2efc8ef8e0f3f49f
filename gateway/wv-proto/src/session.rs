//! Session machines: the two ends of a client-server session, without IO, clock or randomness.

pub mod client;
pub mod closed;
pub mod digest;
pub mod keep_alive;
pub mod limit;
pub mod login;
pub mod negotiation;
pub mod poll;
mod presence_size;
pub mod server;
pub mod time;
pub mod transaction;
