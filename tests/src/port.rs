//! Ports that are free when asked for.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::Mutex,
};

static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// A port of the loopback interface that is free for UDP and TCP and was not given to anybody else in this process.
/// Servers that were killed find it free again: it lies outside of the range from which systems choose.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free() -> u16 {
    let mut given = GIVEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // Test processes that run at the same time begin at different places.
    let start = u16::try_from(std::process::id() % 900).unwrap_or(0) * 20 + FIRST;
    let port = (start..FIRST + COUNT)
        .chain(FIRST..start)
        .find(|port| !given.contains(port) && is_free(*port))
        .unwrap_or_else(|| panic!("no free port"));
    given.push(port);
    port
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;
