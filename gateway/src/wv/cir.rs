//! Wake-up channels: what carries a wake-up to a client that does not poll.

pub mod link;
mod outlet;

pub use link::{CirLink, CirListener};
pub use outlet::{CirAddress, CirOutlet, PushGateway};
