//! Where requests of ours go: contacts, dialogs, neighbours. Users who registered are found at literal addresses, or where
//! they registered from; names of neighbours are looked up.

use super::{Agent, to_tag, way::Way};
use sip_proto::{
    message::{
        Request, Uri,
        header::{address::NameAddr, via::Transport},
        host::Host,
        uri::SipUri,
    },
    resolve::Target,
    transaction::{DatagramRule, Outgoing, via::Hop},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The transport that was noted down.
pub(super) fn transport_of(word: &str) -> Transport {
    match word {
        "tcp" => Transport::Tcp,
        "tls" => Transport::Tls,
        _ => Transport::Udp,
    }
}

/// How a transport is noted down, and written as parameter of a URI.
pub(super) const fn word_of(transport: &Transport) -> &'static str {
    match transport {
        Transport::Tls => "tls",
        Transport::Udp => "udp",
        _ => "tcp",
    }
}

/// The source of a REGISTER, as it was noted; its connection may be gone.
pub(super) fn parse_source(words: &str) -> Option<Hop> {
    let (transport, address) = words.split_once(' ')?;
    Some(Hop { transport: transport_of(transport), address: address.parse().ok()?, connection: None, name: None })
}

/// The transport that a URI asks for.
// RFC 3261 §26.2.2: a SIPS URI is reached over TLS only.
fn wanted_transport(uri: &Uri) -> Option<Transport> {
    let named = uri.as_sip()?.transport();
    if matches!(uri, Uri::Sips(_)) || named.is_some_and(|transport| transport.eq_ignore_ascii_case("tls")) {
        return Some(Transport::Tls);
    }
    named.and_then(|transport| transport.eq_ignore_ascii_case("tcp").then_some(Transport::Tcp))
}

impl Agent {
    /// How to send to a registered contact: over the connection it registered on, to its address when that is where it
    /// registered from, else to where it registered from (it sits behind a NAT, or lies).
    pub(super) fn contact_hop(&self, contact: &Uri, source: Option<Hop>) -> Option<Hop> {
        let declared = literal(contact);
        let wanted = wanted_transport(contact);
        let hop = |transport, address| Hop { transport, address, connection: None, name: None };
        match (source, declared) {
            // As long as the connection lasts; nobody listens at its far end.
            (Some(source), _) if source.transport.is_reliable() && self.transports.has_stream(&source) => Some(source),
            (Some(source), Some(declared)) if declared.ip() == source.address.ip() => {
                Some(hop(stricter(wanted, source.transport), declared))
            }
            (Some(source), _) => Some(source),
            (None, Some(declared)) => Some(hop(wanted.unwrap_or(Transport::Udp), declared)),
            (None, None) => None,
        }
    }

    /// The next hop of a request inside a dialog: its first route, else its target; where that is no literal address,
    /// the hop from which the dialog was made. `way` is how the neighbour is reached to whom it leads: what is protected
    /// stays protected, and whoever answers has to prove to be the neighbour.
    pub(super) fn dialog_hop(
        &self,
        uri: &Uri,
        routes: &[NameAddr],
        origin: Option<&Hop>,
        way: Option<&Hop>,
    ) -> Option<Hop> {
        let next = routes.first().map_or(uri, NameAddr::uri);
        if let Some(way) = way.filter(|way| way.transport == Transport::Tls)
            && wanted_transport(next) != Some(Transport::Tls)
        {
            return Some(way.clone());
        }
        let used = origin.map_or(Transport::Udp, |origin| origin.transport.clone());
        let connected = |origin: &&Hop| origin.transport.is_reliable() && self.transports.has_stream(origin);
        if let Some(origin) = origin.filter(connected) {
            return Some(origin.clone());
        }
        match (literal(next), origin) {
            // No NOTIFY to an address that nobody proved to have (DESIGN section 7): the source, or the same host.
            (Some(address), Some(origin)) if routes.is_empty() && address.ip() != origin.address.ip() => {
                Some(origin.clone())
            }
            (Some(address), _) => {
                let transport = stricter(wanted_transport(next), used);
                let name = way.or(origin).and_then(|hop| hop.name.clone());
                Some(Hop { transport, address, connection: None, name })
            }
            (None, origin) => origin.cloned(),
        }
    }

    // RFC 3261 §12.2.1.1, RFC 3263 §4
    /// The ways of a request of ours towards a neighbour: those of the neighbour, and inside a dialog those to its first
    /// route or its target. Where the neighbour has an address, what it says leads back to it unless it is an address, too;
    /// where it has a name, other names are looked up.
    pub(super) fn dialog_ways(&self, request: &Request, ways: Vec<Way>, last: Option<&Hop>) -> Vec<Way> {
        let routes: Vec<NameAddr> =
            request.headers().routes().unwrap_or_default().iter().map(NameAddr::detach).collect();
        if let [Way::Hop(hop)] = ways.as_slice() {
            let hop = self.dialog_hop(request.uri(), &routes, None, Some(hop)).unwrap_or_else(|| hop.clone());
            return vec![Way::Hop(hop)];
        }
        if to_tag(request).is_none() {
            return ways;
        }
        let next = routes.first().map_or(request.uri(), NameAddr::uri);
        let is_protected = last.is_some_and(|last| last.transport == Transport::Tls);
        if is_protected && wanted_transport(next) != Some(Transport::Tls) {
            return ways;
        }
        match (self.dialog_hop(request.uri(), &routes, None, last), Target::from_uri(next)) {
            (Some(hop), _) => vec![Way::Hop(hop)],
            (None, Some(target)) => vec![Way::Target { target, name: last.and_then(|last| last.name.clone()) }],
            (None, None) => ways,
        }
    }

    /// Own contact for requests that go these ways; where it is not known yet which, it is written when it is.
    pub(super) fn contact_towards(&self, ways: &[Way]) -> sip_proto::message::header::contact::Contact {
        let known = ways.iter().find_map(|way| match way {
            Way::Hop(hop) => Some(hop.clone()),
            Way::Target { .. } | Way::Domain(_) => None,
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.own_contact(&known.unwrap_or(Hop { transport: Transport::Udp, address, connection: None, name: None }))
    }

    /// The frame of a request that goes over this hop.
    pub(super) fn outgoing(&self, hop: Hop) -> Outgoing {
        let (sent_by_host, sent_by_port) = self.own_address(&hop);
        Outgoing { hop, sent_by_host, sent_by_port, datagram_rule: DatagramRule::SmallOnly }
    }

    /// Own host and port as the peer at the other end of the hop should see them.
    pub(super) fn own_address(&self, hop: &Hop) -> (Host, Option<u16>) {
        let advertised = match hop.transport {
            Transport::Tls => &self.settings.advertised_tls,
            _ => &self.settings.advertised,
        };
        if let Some(advertised) = advertised {
            return (advertised.host.clone(), advertised.port);
        }
        let local = self.transports.listen_address(&hop.transport, hop.address);
        local.map_or((Host::from(IpAddr::from([127, 0, 0, 1])), None), |local| {
            let address = if local.ip().is_unspecified() { address_towards(hop.address) } else { Some(local.ip()) };
            (Host::from(address.unwrap_or(local.ip())), Some(local.port()))
        })
    }

    /// Own contact for a dialog over this hop.
    pub(super) fn own_contact(&self, hop: &Hop) -> sip_proto::message::header::contact::Contact {
        let (host, port) = self.own_address(hop);
        let uri = SipUri::new(host).with_port(port);
        let word = word_of(&hop.transport);
        let uri = if hop.transport.is_reliable() { uri.with_param("transport", Some(word)) } else { uri };
        sip_proto::message::header::contact::Contact::new(Uri::Sip(uri))
    }
}

/// The transport that is asked for, but nothing less than what has been used: what came protected leaves protected, and
/// what came over a stream leaves over one.
fn stricter(wanted: Option<Transport>, used: Transport) -> Transport {
    match (wanted, used) {
        (Some(Transport::Tls), _) | (_, Transport::Tls) => Transport::Tls,
        (Some(wanted), _) => wanted,
        (None, used) => used,
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
fn literal(uri: &Uri) -> Option<SocketAddr> {
    let sip = uri.as_sip()?;
    let host = match sip.params().raw("maddr") {
        Some(maddr) => Host::read(maddr).ok()?.to_address()?,
        None => sip.host().to_address().or_else(|| localhost(sip.host()))?,
    };
    let port = sip.port().unwrap_or_else(|| wanted_transport(uri).unwrap_or(Transport::Udp).default_port());
    Some(SocketAddr::new(host, port))
}

fn localhost(host: &Host) -> Option<IpAddr> {
    (host.to_canonical() == "localhost").then(|| IpAddr::from([127, 0, 0, 1]))
}
