//! Ports that are free when asked for.

use gateway::lab::port;

/// A port of the loopback interface that is free for UDP and TCP and was not given to anybody else in this process.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free() -> u16 {
    port::free().expect("a port is free")
}
