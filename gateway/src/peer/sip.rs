//! The scripted SIP user agent: registration, presence, messages.

mod agent;
mod command;
mod credential;
mod document;
mod incoming;
mod letter;
mod registration;
pub(super) mod socket;
mod watch;

use super::{PeerError, line::Lines, report::Reporter};
use crate::{account::Secret, tls::domain::connector_without_certificate};
use agent::Agent;
use socket::Protection;
use std::{
    net::{SocketAddr, ToSocketAddrs as _, UdpSocket},
    path::PathBuf,
};
use tokio_rustls::rustls::pki_types::ServerName;

/// An agent and its user.
#[derive(Clone, Debug)]
pub struct SipPeer {
    /// The server to which everything is sent, `HOST:PORT`; `udp:`, `tcp:` or `tls:` in front of it chooses the transport.
    pub server: String,
    /// The transport, unless the server names one.
    pub transport: SipTransportChoice,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: Secret,
    /// Where to listen; none is a free port on the address that leads to the server.
    pub listen: Option<SocketAddr>,
    /// The authorities by which the server's certificate is judged, as PEM; those of the system when there are none.
    pub tls_authorities: Option<PathBuf>,
    /// Whether to register at the start.
    pub registers: bool,
    /// The lifetime of registration, publication and subscriptions to ask for.
    pub expires_s: u32,
}

/// The transport of the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SipTransportChoice {
    /// Datagrams.
    #[default]
    Udp,
    /// Connections.
    Tcp,
    /// Protected connections.
    Tls,
}

/// Runs an agent until it is told to quit or its input ends.
///
/// # Errors
/// When an option cannot be used, or nobody reads the events any more.
pub fn run(peer: &SipPeer, is_json: bool) -> Result<(), PeerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let agent = Agent::open(peer, Reporter::new(is_json)).await?;
        Ok(agent.run(Lines::read()?).await?)
    })
}

impl SipPeer {
    /// The server's address, and the transport to it.
    fn target(&self) -> Result<(SocketAddr, SipTransportChoice), PeerError> {
        let (address, transport) = match self.server.split_once(':') {
            Some(("udp", address)) => (address, SipTransportChoice::Udp),
            Some(("tcp", address)) => (address, SipTransportChoice::Tcp),
            Some(("tls", address)) => (address, SipTransportChoice::Tls),
            _ => (self.server.as_str(), self.transport),
        };
        let failed = |reason: &dyn ToString| PeerError::option("server", &self.server, reason.to_string());
        let found = address.to_socket_addrs().map_err(|error| failed(&error))?.next();
        found.map(|found| (found, transport)).ok_or_else(|| failed(&"the name has no address"))
    }

    /// The server proves to be the user's domain.
    fn protection(&self, domain: &str) -> Result<Protection, PeerError> {
        let bad_file = |reason: String| PeerError::option("tls-authorities", "", reason);
        let connector = connector_without_certificate(self.tls_authorities.as_deref())
            .map_err(|error| bad_file(error.to_string()))?;
        let name = ServerName::try_from(domain.to_owned())
            .map_err(|error| PeerError::option("user", &self.user, error.to_string()))?;
        Ok(Protection { connector, name })
    }

    /// Where to listen.
    fn listen(&self, server: SocketAddr) -> Result<SocketAddr, PeerError> {
        if let Some(listen) = self.listen {
            return Ok(listen);
        }
        // Nothing is sent: connecting a datagram socket only asks for the way.
        let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
        let probe = UdpSocket::bind(any)?;
        probe.connect(server)?;
        Ok(SocketAddr::new(probe.local_addr()?.ip(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(server: &str) -> SipPeer {
        SipPeer {
            server: server.to_owned(),
            transport: SipTransportChoice::Udp,
            user: "sip:bob@sip.example".to_owned(),
            password: Secret::new("secret"),
            listen: None,
            tls_authorities: None,
            registers: true,
            expires_s: 600,
        }
    }

    #[test]
    fn the_server_may_name_the_transport() {
        let address = SocketAddr::from(([127, 0, 0, 1], 5060));
        assert_eq!(peer("127.0.0.1:5060").target().unwrap(), (address, SipTransportChoice::Udp));
        assert_eq!(peer("tcp:127.0.0.1:5060").target().unwrap(), (address, SipTransportChoice::Tcp));
        assert!(peer("127.0.0.1").target().is_err());
    }

    #[test]
    fn the_agent_listens_on_the_way_to_the_server() {
        let agent = peer("127.0.0.1:5060");
        assert_eq!(agent.listen(([127, 0, 0, 1], 5060).into()).unwrap().ip(), std::net::IpAddr::from([127, 0, 0, 1]));
    }
}
