//! Ports that are free when asked for.

use std::{
    io,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::atomic::{AtomicU32, Ordering},
};

static GIVEN: AtomicU32 = AtomicU32::new(0);

/// A port of the loopback interface that is free for UDP and TCP and was not given to anybody else in this process.
/// Servers that were killed find it free again: it lies outside of the range from which systems choose.
///
/// # Errors
/// When there is none.
pub fn free() -> io::Result<u16> {
    // Processes that run at the same time begin at different places.
    let start = std::process::id().wrapping_rem(900).wrapping_mul(20);
    (0..COUNT)
        .map(|_| start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)))
        .filter_map(|number| u16::try_from(FIRST.wrapping_add(number.wrapping_rem(COUNT))).ok())
        .find(|port| is_free(*port))
        .ok_or_else(|| io::Error::other("no port is free"))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The ports of one gateway, all on the loopback interface.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// CSP over HTTP.
    pub csp: u16,
    /// CIR over TCP.
    pub cir: u16,
    /// SSP over HTTP.
    pub ssp: u16,
    /// SIP over UDP and TCP.
    pub sip: u16,
    /// MSRP.
    pub msrp: u16,
    /// Administration.
    pub admin: u16,
}

impl Ports {
    /// Ports that nobody uses.
    ///
    /// # Errors
    /// When there are none.
    pub fn free() -> io::Result<Self> {
        Ok(Self { csp: free()?, cir: free()?, ssp: free()?, sip: free()?, msrp: free()?, admin: free()? })
    }

    /// The settings that open them, as the command line takes them.
    #[must_use]
    pub fn to_settings(self) -> Vec<String> {
        let Self { csp, cir, ssp, sip, msrp, admin } = self;
        vec![
            format!("wv.access.listen=127.0.0.1:{csp}"),
            format!("wv.access.cir_tcp=127.0.0.1:{cir}"),
            format!("wv.federation.listen=127.0.0.1:{ssp}"),
            format!("simple.listen=udp:127.0.0.1:{sip},tcp:127.0.0.1:{sip}"),
            format!("simple.msrp_listen=127.0.0.1:{msrp}"),
            format!("admin.listen=127.0.0.1:{admin}"),
        ]
    }
}

const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;
