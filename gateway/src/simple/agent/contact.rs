//! Where requests of ours go: contacts, dialogs, neighbours. Only literal addresses are routed to; names need DNS, which
//! is not built yet.

use super::Agent;
use sip_proto::{
    message::{
        Uri,
        header::{address::NameAddr, via::Transport},
        host::Host,
        uri::SipUri,
    },
    transaction::{DatagramRule, Outgoing, via::Hop},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The source of a REGISTER, as it was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) is_stream: bool,
    pub(super) address: SocketAddr,
}

impl Source {
    pub(super) fn parse(words: &str) -> Option<Self> {
        let (transport, address) = words.split_once(' ')?;
        Some(Self { is_stream: transport == "tcp", address: address.parse().ok()? })
    }
}

impl Agent {
    /// How to send to a registered contact: over the connection it registered on, to its address when that is where it
    /// registered from, else to where it registered from (it sits behind a NAT, or lies).
    pub(super) fn contact_hop(&self, contact: &SipUri, source: Option<Source>) -> Option<Hop> {
        let declared = literal(contact);
        let hop = |is_stream: bool, address| {
            let transport = if is_stream { Transport::Tcp } else { Transport::Udp };
            Hop { transport, address, connection: None }
        };
        let wants_stream = contact.transport().is_some_and(|transport| transport.is_like("tcp"));
        match (source, declared) {
            // As long as the connection lasts; nobody listens at its far end.
            (Some(source), _) if source.is_stream && self.transports.has_stream(source.address) => {
                Some(hop(true, source.address))
            }
            (Some(source), Some(declared)) if declared.ip() == source.address.ip() => {
                Some(hop(wants_stream || source.is_stream, declared))
            }
            (Some(source), _) => Some(hop(source.is_stream, source.address)),
            (None, Some(declared)) => Some(hop(wants_stream, declared)),
            (None, None) => None,
        }
    }

    /// The next hop of a request inside a dialog: its first route, else its target; where that is no literal address,
    /// the hop from which the dialog was made.
    pub(super) fn dialog_hop(&self, uri: &Uri, routes: &[NameAddr], origin: Option<&Hop>) -> Option<Hop> {
        let next = routes.first().map_or(uri, NameAddr::uri).as_sip()?;
        let is_stream = next.transport().is_some_and(|transport| transport.is_like("tcp"));
        let is_stream = is_stream || origin.is_some_and(|origin| origin.transport.is_reliable());
        let connected = |origin: &&Hop| origin.transport.is_reliable() && self.transports.has_stream(origin.address);
        if let Some(origin) = origin.filter(connected) {
            return Some(origin.clone());
        }
        match (literal(next), origin) {
            // No NOTIFY to an address that nobody proved to have (DESIGN section 7): the source, or the same host.
            (Some(address), Some(origin)) if routes.is_empty() && address.ip() != origin.address.ip() => {
                Some(origin.clone())
            }
            (Some(address), _) => {
                let transport = if is_stream { Transport::Tcp } else { Transport::Udp };
                Some(Hop { transport, address, connection: None })
            }
            (None, origin) => origin.cloned(),
        }
    }

    /// The frame of a request that goes over this hop.
    pub(super) fn outgoing(&self, hop: Hop) -> Outgoing {
        let (sent_by_host, sent_by_port) = self.own_address(&hop);
        Outgoing { hop, sent_by_host, sent_by_port, datagram_rule: DatagramRule::SmallOnly }
    }

    /// Own host and port as the peer at the other end of the hop should see them.
    pub(super) fn own_address(&self, hop: &Hop) -> (Host, Option<u16>) {
        if let Some(host) = &self.settings.advertised_host {
            return (host.clone(), self.settings.advertised_port);
        }
        let local = self.transports.listen_address(hop.transport.is_reliable(), hop.address);
        local.map_or((Host::from(IpAddr::from([127, 0, 0, 1])), None), |local| {
            let address = if local.ip().is_unspecified() { address_towards(hop.address) } else { Some(local.ip()) };
            (Host::from(address.unwrap_or(local.ip())), Some(local.port()))
        })
    }

    /// Own contact for a dialog over this hop.
    pub(super) fn own_contact(&self, hop: &Hop) -> sip_proto::message::header::contact::Contact {
        let (host, port) = self.own_address(hop);
        let uri = SipUri::new(host).with_port(port);
        let uri = if hop.transport.is_reliable() { uri.with_param("transport", Some("tcp")) } else { uri };
        sip_proto::message::header::contact::Contact::new(Uri::Sip(uri))
    }
}

/// The own address from which packets to the peer leave, for sockets that are bound to all addresses. Nothing is sent.
fn address_towards(peer: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// The address and port that a URI names by itself.
fn literal(uri: &SipUri) -> Option<SocketAddr> {
    let host = match uri.params().raw("maddr") {
        Some(maddr) => Host::parse(maddr).ok()?.to_address()?,
        None => uri.host().to_address().or_else(|| localhost(uri.host()))?,
    };
    Some(SocketAddr::new(host, uri.port().unwrap_or(5060)))
}

fn localhost(host: &Host) -> Option<IpAddr> {
    (host.to_canonical() == "localhost").then(|| IpAddr::from([127, 0, 0, 1]))
}
