//! Ports that are free when asked for.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::atomic::{AtomicU32, Ordering},
};

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A port of the loopback interface that is free for UDP and TCP and was not given to anybody else in this process.
/// Servers that were killed find it free again: it lies outside of the range from which systems choose.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free() -> u16 {
    // Test processes that run at the same time begin at different places.
    let start = std::process::id() % 900 * 20;
    (0..COUNT)
        .map(|_| start + GIVEN.fetch_add(1, Ordering::Relaxed))
        .filter_map(|number| u16::try_from(FIRST + number % COUNT).ok())
        .find(|port| is_free(*port))
        .unwrap_or_else(|| panic!("no free port"))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;
