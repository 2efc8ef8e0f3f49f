//! Where a request came from and where its response goes.

use crate::error::HeaderError;
use crate::message::header::via::{Rport, Transport, Via};
use crate::message::headers::Headers;
use core::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The stream connection that carries a message, or the socket on which a datagram comes and goes; named by the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// One end of a hop as the transport sees it: source of what was received, target of what is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The transport.
    pub transport: Transport,
    /// The address of the other side.
    pub address: SocketAddr,
    /// The connection or socket to use; `None` lets the owner choose or open one.
    pub connection: Option<ConnectionId>,
    // RFC 5922 §7.3
    /// Over TLS, the domain from which the address was found, which the certificate of the other side has to name.
    pub name: Option<Arc<str>>,
}

// RFC 3261 §18.2.2
/// Where a response goes: first on the hop on which the request came, then, when its connection is gone, to the fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseTarget {
    /// To be tried first.
    pub hop: Hop,
    /// To be tried when the first fails; streams only.
    pub fallback: Option<Box<Hop>>,
}

impl ConnectionId {
    /// From the owner's number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The owner's number.
    #[must_use]
    pub const fn to_number(self) -> u64 {
        self.0
    }
}

// RFC 3261 §18.2.1, RFC 3581 §4
/// Notes the true source in the top Via of a request that was just received: `received` when sent-by does not say it or `rport`
/// is asked for, `rport` when asked for. What the sender wrote there itself is overwritten.
///
/// # Errors
/// [`HeaderError`] when there is no readable Via; the request cannot be answered then.
pub fn stamp_received(headers: &mut Headers, source: SocketAddr) -> Result<Via, HeaderError> {
    headers.stamp_source(source)
}

// RFC 3261 §18.2.2, RFC 3581 §4
/// Where the response to a request with this stamped top Via goes.
#[must_use]
pub fn response_target(via: &Via, source: &Hop) -> ResponseTarget {
    let address = via.received().unwrap_or_else(|| source.address.ip());
    if source.transport.is_reliable() {
        let fallback = Hop {
            transport: source.transport.clone(),
            address: SocketAddr::new(address, via.port_or_default()),
            connection: None,
            // A connection opened for a response leads to whom sent-by names.
            name: (source.transport == Transport::Tls).then(|| Arc::from(via.host().to_canonical())),
        };
        return ResponseTarget { hop: source.clone(), fallback: Some(Box::new(fallback)) };
    }
    let address = match (multicast(via), via.rport()) {
        (Some(group), _) => SocketAddr::new(group, via.port_or_default()),
        (None, Some(Rport::Port(port))) => SocketAddr::new(address, port),
        (None, Some(Rport::Asked) | None) => SocketAddr::new(address, via.port_or_default()),
    };
    // RFC 3581 §4: the response leaves from the socket on which the request came.
    let hop = Hop { transport: source.transport.clone(), address, connection: source.connection, name: None };
    ResponseTarget { hop, fallback: None }
}

/// The group of `maddr`. A unicast `maddr` is not followed: it would send answers to whomever the sender names.
fn multicast(via: &Via) -> Option<IpAddr> {
    via.maddr()?.to_address().filter(IpAddr::is_multicast)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::headers::Header;
    use crate::message::name::HeaderName;

    fn hop(transport: Transport, address: &str) -> Hop {
        Hop { transport, address: address.parse().unwrap(), connection: Some(ConnectionId::from_number(3)), name: None }
    }

    fn stamped(via: &str, source: &str) -> Via {
        let mut headers = Headers::default();
        headers.push(Header::new(HeaderName::Via, format!("{via}, SIP/2.0/UDP second.example;branch=z9hG4bK2")));
        let via = stamp_received(&mut headers, source.parse().unwrap()).unwrap();
        assert_eq!(headers.via_top().unwrap().to_string(), via.to_string());
        assert_eq!(headers.items(&HeaderName::Via).unwrap().len(), 2);
        via
    }

    #[test]
    fn s_tr_04_datagram_responses_follow_received_and_rport() {
        for (via, source, target) in [
            ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1", "192.0.2.1:9999", "192.0.2.1:5070"),
            ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "192.0.2.1:9999", "192.0.2.1:5060"),
            ("SIP/2.0/UDP host.example:5070;branch=z9hG4bK1", "192.0.2.7:9999", "192.0.2.7:5070"),
            ("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1", "192.0.2.7:9999", "192.0.2.7:9999"),
            ("SIP/2.0/UDP 10.0.0.1:5070;received=198.51.100.9;branch=z9hG4bK1", "192.0.2.7:9999", "192.0.2.7:5070"),
            ("SIP/2.0/UDP 192.0.2.7:5070;received=198.51.100.9;branch=z9hG4bK1", "192.0.2.7:9999", "192.0.2.7:5070"),
            ("SIP/2.0/UDP 10.0.0.1:5070;rport=1;branch=z9hG4bK1", "192.0.2.7:9999", "192.0.2.7:9999"),
            ("SIP/2.0/UDP 10.0.0.1:5070;maddr=198.51.100.9;branch=z9hG4bK1", "192.0.2.7:9999", "192.0.2.7:5070"),
            ("SIP/2.0/UDP 10.0.0.1:5070;maddr=224.0.1.75;branch=z9hG4bK1", "192.0.2.7:9999", "224.0.1.75:5070"),
            ("SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1", "[2001:db8::1]:9999", "[2001:db8::1]:5060"),
        ] {
            let result = response_target(&stamped(via, source), &hop(Transport::Udp, source));
            assert_eq!(result.hop.address, target.parse().unwrap(), "{via}");
            assert_eq!(result.hop.connection, Some(ConnectionId::from_number(3)));
            assert_eq!(result.fallback, None);
        }
    }

    #[test]
    fn rport_is_stamped_together_with_received_even_when_sent_by_is_true() {
        let via = stamped("SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK1", "192.0.2.1:5070");
        assert_eq!((via.received(), via.rport()), (Some("192.0.2.1".parse().unwrap()), Some(Rport::Port(5070))));
    }

    #[test]
    fn s_tr_04_stream_responses_use_the_connection_and_then_the_sent_by_port() {
        let source = hop(Transport::Tcp, "192.0.2.7:40000");
        let result =
            response_target(&stamped("SIP/2.0/TCP host.example:5070;branch=z9hG4bK1", "192.0.2.7:40000"), &source);
        assert_eq!(result.hop, source);
        let fallback = result.fallback.unwrap();
        assert_eq!((fallback.address, fallback.connection), ("192.0.2.7:5070".parse().unwrap(), None));
    }
}
