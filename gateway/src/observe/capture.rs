//! Records as a packet capture (pcapng): IP packets with UDP and TCP around what the messages were, so that any
//! dissector reads them. Heads of HTTP and the packets of a stream are made up to fit; addresses, octets, times and
//! directions are those of the messages.

use super::{
    Direction, TraceRecord,
    packet::{self, Segment},
    wire::{Carrier, Wire},
};
use mapping::side::Side;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// Turns records into the blocks of a capture, one after the other.
#[derive(Debug, Default)]
pub struct Capture {
    streams: HashMap<(SocketAddr, SocketAddr), Stream>,
}

/// Octets that passed between the gateway and a far end.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// When, in microseconds since 1970.
    pub micros: u64,
    /// Whether a stream carried them, or a datagram.
    pub is_stream: bool,
    /// The gateway's address.
    pub gateway: SocketAddr,
    /// The address of the far end, of the same family.
    pub far_end: SocketAddr,
    /// Which way they went.
    pub direction: Direction,
    /// What passed.
    pub octets: &'a [u8],
    /// What is said about it.
    pub note: &'a str,
}

/// How many octets either end of a stream has sent.
#[derive(Clone, Copy, Debug)]
struct Stream {
    from_gateway: u32,
    to_gateway: u32,
}

impl Capture {
    /// What a capture begins with: its section and its one interface.
    #[must_use]
    pub fn head(remark: &str) -> Vec<u8> {
        let mut section = Vec::new();
        section.extend_from_slice(&BYTE_ORDER.to_le_bytes());
        section.extend_from_slice(&[1, 0, 0, 0]);
        section.extend_from_slice(&u64::MAX.to_le_bytes());
        push_option(&mut section, OPTION_COMMENT, remark.as_bytes());
        push_option(&mut section, OPTION_USER_APPLICATION, PRODUCT.as_bytes());
        push_option(&mut section, OPTION_END, &[]);
        let mut interface = Vec::new();
        interface.extend_from_slice(&LINK_RAW_IP.to_le_bytes());
        interface.extend_from_slice(&[0; 6]);
        push_option(&mut interface, OPTION_INTERFACE_NAME, b"gateway");
        push_option(&mut interface, OPTION_END, &[]);
        let mut out = block(BLOCK_SECTION, &section);
        out.extend(block(BLOCK_INTERFACE, &interface));
        out
    }

    /// The blocks of a record; none where it is not known what passed.
    pub fn packets(&mut self, record: &TraceRecord) -> Vec<u8> {
        let Some(wire) = &record.wire else { return Vec::new() };
        let (gateway, far_end) = addresses(wire, record.side);
        let to = match record.direction {
            Direction::In => gateway,
            Direction::Out => far_end,
        };
        self.passed(&Passed {
            micros: record.at.as_millis().saturating_mul(1000),
            is_stream: wire.carrier != Carrier::Udp,
            gateway,
            far_end,
            direction: record.direction,
            octets: &payload(wire, record.direction, to),
            note: &note(record, wire),
        })
    }

    /// The blocks of what passed.
    pub fn passed(&mut self, passed: &Passed<'_>) -> Vec<u8> {
        let Passed { gateway, far_end, direction, octets, note, .. } = *passed;
        let (from, to) = match direction {
            Direction::In => (far_end, gateway),
            Direction::Out => (gateway, far_end),
        };
        let mut out = Vec::new();
        if !passed.is_stream {
            if let Some(packet) = packet::datagram(from, to, octets) {
                push_packet(&mut out, passed, &packet, note);
            }
            return out;
        }
        self.forget_some();
        let key = (gateway, far_end);
        let is_new = !self.streams.contains_key(&key);
        let stream = self.streams.entry(key).or_insert(Stream { from_gateway: 1, to_gateway: 1 });
        if is_new {
            for (from, to, sequence, acknowledged, flags) in [
                (from, to, 0, 0, packet::SYN),
                (to, from, 0, 1, packet::SYN | packet::ACK),
                (from, to, 1, 1, packet::ACK),
            ] {
                let segment = Segment { from, to, sequence, acknowledged, flags };
                push_packet(&mut out, passed, &segment.write(&[]).unwrap_or_default(), "");
            }
        }
        for (index, part) in octets.chunks(SEGMENT_OCTETS_MAX).enumerate() {
            let (sequence, acknowledged) = match direction {
                Direction::In => (&mut stream.to_gateway, stream.from_gateway),
                Direction::Out => (&mut stream.from_gateway, stream.to_gateway),
            };
            let segment = Segment { from, to, sequence: *sequence, acknowledged, flags: packet::PUSH | packet::ACK };
            *sequence = sequence.wrapping_add(u32::try_from(part.len()).unwrap_or(0));
            if let Some(packet) = segment.write(part) {
                push_packet(&mut out, passed, &packet, if index == 0 { note } else { "" });
            }
        }
        out
    }

    /// A long capture does not remember every stream that ever was: one that is forgotten begins anew.
    fn forget_some(&mut self) {
        if self.streams.len() >= STREAMS_MAX {
            self.streams.clear();
        }
    }
}

/// The addresses of the gateway and the far end, of one family. What is not known is one of those that documents use.
fn addresses(wire: &Wire, side: Side) -> (SocketAddr, SocketAddr) {
    let port = match (side, wire.carrier) {
        (Side::Simple, _) => 5060,
        (Side::Wv, _) => 8080,
    };
    let unknown = |last| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), port);
    let far_end = wire.remote.unwrap_or_else(|| unknown(2));
    let mut gateway = wire.local.unwrap_or_else(|| unknown(1));
    if gateway.ip().is_unspecified() {
        // Bound to every address: the one that a neighbour on this machine sees is its own.
        let ip = if far_end.ip().is_loopback() { far_end.ip() } else { unknown(1).ip() };
        gateway.set_ip(ip);
    }
    match (gateway.ip().to_canonical(), far_end.ip().to_canonical()) {
        (IpAddr::V4(one), IpAddr::V6(_)) => (SocketAddr::new(one.to_ipv6_mapped().into(), gateway.port()), far_end),
        (IpAddr::V6(_), IpAddr::V4(other)) => (gateway, SocketAddr::new(other.to_ipv6_mapped().into(), far_end.port())),
        (one, other) => (SocketAddr::new(one, gateway.port()), SocketAddr::new(other, far_end.port())),
    }
}

/// What the packet carries: the message, and around the body of HTTP a head that says no more than is known.
fn payload(wire: &Wire, direction: Direction, to: SocketAddr) -> Vec<u8> {
    let octets = wire.message.octets.clone().unwrap_or_default();
    if !wire.carrier.is_http() {
        return octets.to_vec();
    }
    let start = match (&wire.path, direction) {
        (Some(path), _) => format!("POST {} HTTP/1.1\r\nHost: {to}\r\n", one_line(path)),
        (None, _) => "HTTP/1.1 200 OK\r\n".to_owned(),
    };
    let content_type = wire.content_type.as_deref().filter(|_| !octets.is_empty());
    let content_type = content_type.map(|name| format!("Content-Type: {}\r\n", one_line(name))).unwrap_or_default();
    let mut out = format!("{start}{content_type}Content-Length: {}\r\n\r\n", octets.len()).into_bytes();
    out.extend_from_slice(&octets);
    out
}

fn note(record: &TraceRecord, wire: &Wire) -> String {
    let mut note = format!("correlation {} | {} | {}", record.correlation, record.peer, record.title);
    if matches!(wire.carrier, Carrier::Tls | Carrier::Https) {
        note.push_str(" | was inside TLS");
    }
    match (&wire.message.octets, wire.message.is_masked) {
        (None, _) => note.push_str(" | content not shown"),
        (Some(_), true) => note.push_str(" | masked"),
        (Some(_), false) => {}
    }
    note
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn push_packet(out: &mut Vec<u8>, passed: &Passed<'_>, packet: &[u8], note: &str) {
    let micros = passed.micros;
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let mut body = Vec::with_capacity(packet.len().saturating_add(128));
    body.extend_from_slice(&0_u32.to_le_bytes());
    body.extend_from_slice(&u32::try_from(micros >> 32).unwrap_or(0).to_le_bytes());
    body.extend_from_slice(&u32::try_from(micros & 0xffff_ffff).unwrap_or(0).to_le_bytes());
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(packet);
    pad(&mut body);
    if !note.is_empty() {
        push_option(&mut body, OPTION_COMMENT, note.as_bytes());
    }
    let direction: u32 = match passed.direction {
        Direction::In => 1,
        Direction::Out => 2,
    };
    push_option(&mut body, OPTION_PACKET_FLAGS, &direction.to_le_bytes());
    push_option(&mut body, OPTION_END, &[]);
    out.extend(block(BLOCK_PACKET, &body));
}

fn push_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..value.len().min(OPTION_OCTETS_MAX)).unwrap_or_default();
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(value);
    pad(out);
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    pad(&mut body);
    let length = u32::try_from(body.len().saturating_add(12)).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = Vec::with_capacity(body.len().saturating_add(12));
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&length);
    out.extend_from_slice(&body);
    out.extend_from_slice(&length);
    out
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

const PRODUCT: &str = concat!("wv-simple-gateway ", env!("CARGO_PKG_VERSION"));
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const BLOCK_SECTION: u32 = 0x0a0d_0d0a;
const BLOCK_INTERFACE: u32 = 1;
const BLOCK_PACKET: u32 = 6;
const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
/// Of the section.
const OPTION_USER_APPLICATION: u16 = 4;
/// Of the interface.
const OPTION_INTERFACE_NAME: u16 = 2;
/// Of a packet.
const OPTION_PACKET_FLAGS: u16 = 2;
const OPTION_OCTETS_MAX: usize = 4096;
/// Packets begin with the head of IP.
const LINK_RAW_IP: u16 = 101;
const SEGMENT_OCTETS_MAX: usize = 32 * 1024;
const STREAMS_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::wire::{Line, Rendering};
    use bytes::Bytes;
    use mapping::{correlation::Correlation, time::Timestamp};

    fn record(carrier: Carrier, remote: &str, octets: &'static [u8]) -> TraceRecord {
        let line = Line { carrier, local: None, remote: remote.parse().ok() };
        let wire = Wire::on(line, Rendering::open(&Bytes::from_static(octets)), None);
        TraceRecord {
            at: Timestamp::from_millis(1_700_000_000_123),
            correlation: Correlation::new(0xab),
            side: Side::Simple,
            direction: Direction::In,
            peer: remote.to_owned(),
            title: "OPTIONS".to_owned(),
            detail: None,
            wire: Some(Box::new(wire)),
        }
    }

    /// The kinds of the blocks, each with its body, read by the lengths at both ends.
    fn blocks(mut octets: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let number = |octets: &[u8]| u32::from_le_bytes(octets[..4].try_into().unwrap());
        let mut found = Vec::new();
        while !octets.is_empty() {
            let length = usize::try_from(number(&octets[4..])).unwrap();
            assert_eq!(length % 4, 0);
            assert_eq!(usize::try_from(number(&octets[length - 4..])).unwrap(), length);
            found.push((number(octets), octets[8..length - 4].to_vec()));
            octets = &octets[length..];
        }
        found
    }

    #[test]
    fn blocks_tell_their_lengths_at_both_ends() {
        let mut capture = Capture::default();
        let mut all = Capture::head("masked");
        all.extend(capture.packets(&record(Carrier::Udp, "192.0.2.7:5060", b"OPTIONS")));
        all.extend(capture.packets(&record(Carrier::Udp, "[2001:db8::7]:5060", b"odd")));
        all.extend(capture.packets(&record(Carrier::Tcp, "192.0.2.7:5070", b"OPTIONS")));
        all.extend(capture.packets(&record(Carrier::Tcp, "192.0.2.7:5070", b"OPTIONS")));
        let kinds: Vec<u32> = blocks(&all).into_iter().map(|(kind, _)| kind).collect();
        // One stream is opened by three packets, once.
        assert_eq!(kinds, [BLOCK_SECTION, BLOCK_INTERFACE, 6, 6, 6, 6, 6, 6, 6]);
    }

    #[test]
    fn a_body_of_http_gets_a_head() {
        let mut posted = record(Carrier::Http, "192.0.2.7:40000", b"<a/>");
        if let Some(wire) = &mut posted.wire {
            wire.path = Some("/csp\r\nX: y".to_owned());
            wire.content_type = Some("application/vnd.wv.csp.xml".to_owned());
        }
        let packets = Capture::default().packets(&posted);
        let text = String::from_utf8_lossy(&packets).into_owned();
        assert!(
            text.contains("POST /cspX: y HTTP/1.1\r\n") && text.contains("Content-Length: 4\r\n\r\n<a/>"),
            "{text}"
        );
        assert!(text.contains("correlation 00000000000000ab | 192.0.2.7:40000 | OPTIONS"));
    }
}
