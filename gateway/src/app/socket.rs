//! All sockets, bound before anything runs on them.

use crate::config::{
    Configuration,
    section::WvAccess,
    value::{SipListen, SipTransport},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
};

/// Which ports are listened on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Those of the configuration.
    #[default]
    AsConfigured,
    /// Free ones, on the configured hosts.
    Free,
    /// Those of the configuration, and free ones in place of those that are taken.
    FreeWhereTaken,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("{key} {address}: {source}")]
pub struct BindError {
    /// The option that names it.
    pub key: &'static str,
    /// The address, with its transport where it has one.
    pub address: String,
    /// Why not.
    pub source: io::Error,
}

/// What is bound.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pub(super) csp: Option<TcpListener>,
    pub(super) csp_tls: Option<TcpListener>,
    pub(super) cir: Option<TcpListener>,
    pub(super) ssp: Option<TcpListener>,
    pub(super) ssp_tls: Option<TcpListener>,
    /// Where plain text arrives.
    pub(super) plain_text: Option<UdpSocket>,
    /// What wake-ups by datagram leave by.
    pub(super) cir_datagrams: Option<UdpSocket>,
    pub(super) sip_datagrams: Vec<UdpSocket>,
    pub(super) sip_streams: Vec<(SipTransport, TcpListener)>,
    sip: Vec<(SipTransport, SocketAddr)>,
}

impl Ports {
    /// The address to listen on. Where a taken port is replaced, it is looked at first.
    pub(super) fn choose(self, configured: SocketAddr) -> SocketAddr {
        match self {
            Self::AsConfigured => configured,
            Self::Free => with_port(configured, 0),
            Self::FreeWhereTaken => match TcpListener::bind(configured) {
                Ok(_) => configured,
                Err(_) => with_port(configured, 0),
            },
        }
    }

    fn bind<T>(
        self,
        key: &'static str,
        configured: SocketAddr,
        bind: impl Fn(SocketAddr) -> io::Result<T>,
        name: impl Fn(SocketAddr) -> String,
    ) -> Result<T, BindError> {
        let failed = |source| BindError { key, address: name(configured), source };
        match self {
            Self::AsConfigured => bind(configured).map_err(failed),
            Self::Free => bind(with_port(configured, 0)).map_err(failed),
            Self::FreeWhereTaken => match bind(configured) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    bind(with_port(configured, 0)).map_err(failed)
                }
                result => result.map_err(failed),
            },
        }
    }
}

impl Sockets {
    /// Binds everything that the configuration wants listened on.
    pub(super) fn bind(configuration: &Configuration, ports: Ports) -> Result<Self, BindError> {
        let mut sockets = Self::default();
        if let Some(access) = &configuration.wv_access {
            sockets.csp = Some(ports.bind("wv.access.listen", access.listen, listen, |at| at.to_string())?);
            if let Some(tls) = &access.tls {
                sockets.csp_tls = Some(ports.bind("wv.access.tls_listen", tls.listen, listen, |at| at.to_string())?);
            }
            if let Some(address) = access.pts_udp {
                let bound = ports.bind("wv.access.pts_udp", address, datagrams, |at| at.to_string())?;
                sockets.plain_text = Some(bound);
            }
            sockets.bind_cir(access, ports)?;
        }
        if let Some(federation) = &configuration.wv_federation {
            let bound = ports.bind("wv.federation.listen", federation.listen, listen, |at| at.to_string())?;
            sockets.ssp = Some(bound);
            if let Some(tls) = &federation.tls {
                let bound = ports.bind("wv.federation.tls_listen", tls.listen, listen, |at| at.to_string())?;
                sockets.ssp_tls = Some(bound);
            }
        }
        if let Some(simple) = &configuration.simple {
            for wanted in &simple.listen {
                sockets.bind_sip(*wanted, ports)?;
            }
        }
        Ok(sockets)
    }

    /// The same sockets once more.
    pub(super) fn copy(&self) -> io::Result<Self> {
        Ok(Self {
            csp: self.csp.as_ref().map(TcpListener::try_clone).transpose()?,
            csp_tls: self.csp_tls.as_ref().map(TcpListener::try_clone).transpose()?,
            cir: self.cir.as_ref().map(TcpListener::try_clone).transpose()?,
            ssp: self.ssp.as_ref().map(TcpListener::try_clone).transpose()?,
            ssp_tls: self.ssp_tls.as_ref().map(TcpListener::try_clone).transpose()?,
            plain_text: self.plain_text.as_ref().map(UdpSocket::try_clone).transpose()?,
            cir_datagrams: self.cir_datagrams.as_ref().map(UdpSocket::try_clone).transpose()?,
            sip_datagrams: self.sip_datagrams.iter().map(UdpSocket::try_clone).collect::<io::Result<_>>()?,
            sip_streams: self
                .sip_streams
                .iter()
                .map(|(transport, listener)| Ok((*transport, listener.try_clone()?)))
                .collect::<io::Result<_>>()?,
            sip: self.sip.clone(),
        })
    }

    /// Closes this end of everything that takes connections.
    pub(super) fn stop_accepting(&mut self) {
        self.csp = None;
        self.csp_tls = None;
        self.cir = None;
        self.ssp = None;
        self.ssp_tls = None;
        self.sip_streams.clear();
    }

    pub(super) fn csp_address(&self) -> Option<SocketAddr> {
        self.csp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    pub(super) fn csp_tls_address(&self) -> Option<SocketAddr> {
        self.csp_tls.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    pub(super) fn cir_address(&self) -> Option<SocketAddr> {
        self.cir.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    pub(super) fn ssp_address(&self) -> Option<SocketAddr> {
        self.ssp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    pub(super) fn sip_addresses(&self) -> Vec<(SipTransport, SocketAddr)> {
        self.sip.clone()
    }

    /// What the offered wake-up channels need.
    fn bind_cir(&mut self, access: &WvAccess, ports: Ports) -> Result<(), BindError> {
        let offers = |names: &[&str]| access.cir_methods.iter().any(|method| names.contains(&method.as_str()));
        if offers(&["STCP"]) {
            self.cir = Some(ports.bind("wv.access.cir_tcp", access.cir_tcp, listen, |at| at.to_string())?);
        }
        if offers(&["SUDP", "WAPUDP"]) {
            self.cir_datagrams = Some(ports.bind("wv.access.cir_udp", access.cir_udp, datagrams, |at| at.to_string())?);
        }
        Ok(())
    }

    fn bind_sip(&mut self, wanted: SipListen, ports: Ports) -> Result<(), BindError> {
        // Clients expect both transports on one port: a free port of one is tried for the other, too.
        let companion = self.companion(wanted, ports).map(|address| SipListen { address, ..wanted });
        if let Some(companion) = companion
            && self.bind_sip_at(companion, Ports::AsConfigured).is_ok()
        {
            return Ok(());
        }
        self.bind_sip_at(wanted, ports)
    }

    fn bind_sip_at(&mut self, wanted: SipListen, ports: Ports) -> Result<(), BindError> {
        const KEY: &str = "simple.listen";
        let name = |address| SipListen { address, ..wanted }.to_string();
        let failed = |source| BindError { key: KEY, address: wanted.to_string(), source };
        let local = match wanted.transport {
            SipTransport::Udp => {
                let socket = ports.bind(KEY, wanted.address, datagrams, name)?;
                let local = socket.local_addr().map_err(failed)?;
                self.sip_datagrams.push(socket);
                local
            }
            SipTransport::Tcp | SipTransport::Tls => {
                let listener = ports.bind(KEY, wanted.address, listen, name)?;
                let local = listener.local_addr().map_err(failed)?;
                self.sip_streams.push((wanted.transport, listener));
                local
            }
        };
        self.sip.push((wanted.transport, local));
        Ok(())
    }

    /// The port that the other transport got when it was not the configured one.
    fn companion(&self, wanted: SipListen, ports: Ports) -> Option<SocketAddr> {
        if wanted.transport == SipTransport::Tls {
            return None;
        }
        let (_, other) = self
            .sip
            .iter()
            .rev()
            .filter(|(transport, _)| *transport != SipTransport::Tls)
            .find(|(transport, local)| *transport != wanted.transport && local.ip() == wanted.address.ip())?;
        let is_free_choice = match ports {
            Ports::AsConfigured => wanted.address.port() == 0,
            Ports::Free => true,
            Ports::FreeWhereTaken => other.port() != wanted.address.port(),
        };
        is_free_choice.then_some(*other)
    }
}

const fn with_port(address: SocketAddr, port: u16) -> SocketAddr {
    let mut address = address;
    address.set_port(port);
    address
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of the process before this one may still be dying on the port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn datagrams(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // The system may grant less; bursts are then lost earlier and sent again.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_OCTETS);
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Connections that wait to be accepted; all phones come at once after an outage.
const BACKLOG: i32 = 1024;

/// Room for the datagrams that come while a lane is busy elsewhere.
const RECEIVE_BUFFER_OCTETS: usize = 4 << 20;
