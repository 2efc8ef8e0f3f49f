//! Records to a collector such as Homer, in version 3 of its encapsulation (HEP): a datagram of chunks for each message.
//! CSP travels as readable XML. While the collector is slow or gone, records are dropped and counted.

use super::{Direction, Tap, TraceFilter, TraceRecord, metric, trace::Seen, wire::Carrier};
use mapping::side::Side;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::net::UdpSocket;

/// Where records go, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HepTarget {
    /// `HOST:PORT` of the collector.
    pub collector: String,
    /// By which protocol type the collector knows CSP and SSP.
    pub csp_type: u8,
    /// The name of this node.
    pub node: String,
    /// Which records.
    pub filter: TraceFilter,
}

impl HepTarget {
    /// The collector of `udp:HOST:PORT`.
    #[must_use]
    pub fn parse_collector(text: &str) -> Option<String> {
        let (host, port) = text.strip_prefix("udp:")?.rsplit_once(':')?;
        let is_host = !host.is_empty() && !host.contains(char::is_whitespace);
        (is_host && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| format!("{host}:{port}"))
    }

    /// Sends every record on, until the tap ends.
    pub async fn export(self, tap: Tap) {
        let mut watch = tap.watch();
        loop {
            let socket = match self.connect().await {
                Ok(socket) => socket,
                Err(error) => {
                    tracing::warn!(collector = self.collector, %error, "the collector of the trace is not found");
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            };
            loop {
                match watch.next().await {
                    Seen::End => return,
                    Seen::Missed(count) => metric::trace_missed(count),
                    Seen::Record(record) if !self.filter.admits(&record) => {}
                    Seen::Record(record) => match self.send(&socket, &record).await {
                        Ok(true) => metric::trace_exported(),
                        Ok(false) => {}
                        // Nobody listens there now, or it is too long: what comes next may arrive.
                        Err(_) => metric::trace_missed(1),
                    },
                }
            }
        }
    }

    async fn connect(&self) -> io::Result<UdpSocket> {
        let found = tokio::net::lookup_host(&self.collector).await?.next();
        let address = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let own: IpAddr =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(own, 0)).await?;
        socket.connect(address).await?;
        Ok(socket)
    }

    async fn send(&self, socket: &UdpSocket, record: &TraceRecord) -> io::Result<bool> {
        match self.write(record) {
            Some(datagram) => socket.send(&datagram).await.map(|_| true),
            None => Ok(false),
        }
    }

    /// The datagram of a record; none where it holds no message.
    #[must_use]
    pub fn write(&self, record: &TraceRecord) -> Option<Vec<u8>> {
        let wire = record.wire.as_deref().filter(|_| !record.is_empty())?;
        let payload = match record.side {
            Side::Simple => wire.message.octets.clone()?.to_vec(),
            Side::Wv => wire.to_text()?.into_bytes(),
        };
        let unknown = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        let (gateway, far_end) = (wire.local.unwrap_or(unknown), wire.remote.unwrap_or(unknown));
        let (from, to) = match record.direction {
            Direction::In => (far_end, gateway),
            Direction::Out => (gateway, far_end),
        };
        let is_six = from.is_ipv6() || to.is_ipv6();
        let mut out = Chunks(b"HEP3\0\0".to_vec());
        out.push(CHUNK_FAMILY, &[if is_six { 10 } else { 2 }]);
        out.push(CHUNK_PROTOCOL, &[if wire.carrier == Carrier::Udp { 17 } else { 6 }]);
        let [from_chunk, to_chunk] = if is_six { CHUNKS_SIX } else { CHUNKS_FOUR };
        out.push(from_chunk, &address_octets(from.ip(), is_six));
        out.push(to_chunk, &address_octets(to.ip(), is_six));
        out.push(CHUNK_FROM_PORT, &from.port().to_be_bytes());
        out.push(CHUNK_TO_PORT, &to.port().to_be_bytes());
        let millis = record.at.as_millis();
        out.push(CHUNK_SECONDS, &u32::try_from(millis / 1000).unwrap_or(u32::MAX).to_be_bytes());
        out.push(CHUNK_MICROS, &u32::try_from((millis % 1000).saturating_mul(1000)).unwrap_or(0).to_be_bytes());
        let protocol_type = match record.side {
            Side::Simple => TYPE_SIP,
            Side::Wv => self.csp_type,
        };
        out.push(CHUNK_TYPE, &[protocol_type]);
        out.push(CHUNK_AGENT, &1_u32.to_be_bytes());
        out.push(CHUNK_CORRELATION, record.correlation.to_string().as_bytes());
        out.push(CHUNK_NODE, self.node.as_bytes());
        out.push(CHUNK_PAYLOAD, &payload);
        out.finish()
    }
}

/// The chunks of a datagram, each with vendor, type and length.
struct Chunks(Vec<u8>);

impl Chunks {
    fn push(&mut self, kind: u16, value: &[u8]) {
        // What does not fit makes the whole too long, and that is found at the end.
        let length = u16::try_from(value.len().saturating_add(6)).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&0_u16.to_be_bytes());
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.0.len()).ok()?;
        self.0.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
        Some(self.0)
    }
}

fn address_octets(address: IpAddr, is_six: bool) -> Vec<u8> {
    match (address, is_six) {
        (IpAddr::V4(address), false) => address.octets().to_vec(),
        (IpAddr::V4(address), true) => address.to_ipv6_mapped().octets().to_vec(),
        (IpAddr::V6(address), _) => address.octets().to_vec(),
    }
}

const CHUNK_FAMILY: u16 = 1;
const CHUNK_PROTOCOL: u16 = 2;
const CHUNKS_FOUR: [u16; 2] = [3, 4];
const CHUNKS_SIX: [u16; 2] = [5, 6];
const CHUNK_FROM_PORT: u16 = 7;
const CHUNK_TO_PORT: u16 = 8;
const CHUNK_SECONDS: u16 = 9;
const CHUNK_MICROS: u16 = 10;
const CHUNK_TYPE: u16 = 11;
const CHUNK_AGENT: u16 = 12;
const CHUNK_PAYLOAD: u16 = 15;
const CHUNK_CORRELATION: u16 = 17;
const CHUNK_NODE: u16 = 19;
const TYPE_SIP: u8 = 1;
/// How long until a collector that was not found is looked for again.
const RETRY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::wire::{Line, Rendering, Wire};
    use bytes::Bytes;
    use mapping::{correlation::Correlation, time::Timestamp};

    fn record(side: Side, octets: usize) -> TraceRecord {
        let line = Line {
            carrier: Carrier::Udp,
            local: "192.0.2.1:5060".parse().ok(),
            remote: "[2001:db8::7]:5070".parse().ok(),
        };
        let wire = Wire::on(line, Rendering::open(&Bytes::from(vec![b'a'; octets])), None);
        TraceRecord {
            at: Timestamp::from_millis(1_700_000_000_123),
            correlation: Correlation::new(0xab),
            side,
            direction: Direction::In,
            peer: String::new(),
            title: String::new(),
            detail: None,
            wire: Some(Box::new(wire)),
        }
    }

    #[test]
    fn a_datagram_tells_its_length_and_mixes_no_families() {
        let target = HepTarget {
            collector: "127.0.0.1:9060".to_owned(),
            csp_type: 100,
            node: "a".to_owned(),
            filter: TraceFilter::default(),
        };
        let datagram = target.write(&record(Side::Simple, 3)).unwrap();
        assert_eq!(datagram.get(..4), Some(&b"HEP3"[..]));
        assert_eq!(datagram.get(4..6), Some(&u16::try_from(datagram.len()).unwrap().to_be_bytes()[..]));
        assert_eq!(datagram.get(6..13), Some(&[0, 0, 0, 1, 0, 7, 10][..]));
        assert!(target.write(&record(Side::Wv, 70_000)).is_none());
        assert!(target.write(&TraceRecord { wire: None, ..record(Side::Wv, 1) }).is_none());
    }

    #[test]
    fn a_collector_has_a_host_and_a_port() {
        assert_eq!(HepTarget::parse_collector("udp:homer.example:9060").as_deref(), Some("homer.example:9060"));
        assert_eq!(HepTarget::parse_collector("udp:[::1]:9060").as_deref(), Some("[::1]:9060"));
        for wrong in ["homer:9060", "tcp:homer:9060", "udp:homer", "udp::9060", "udp:homer:0", "udp:a b:1"] {
            assert_eq!(HepTarget::parse_collector(wrong), None, "{wrong}");
        }
    }
}
