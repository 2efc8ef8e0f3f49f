//! Packets of IP with UDP or TCP in them, as a capture shows them.

use std::net::{IpAddr, SocketAddr};

/// A segment of a TCP stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
    pub(super) flags: u8,
}

impl Segment {
    /// The packet with that content; none where it would be too long or the addresses are of two families.
    pub(super) fn write(&self, content: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(content.len().saturating_add(TCP_HEAD_OCTETS));
        out.extend_from_slice(&self.from.port().to_be_bytes());
        out.extend_from_slice(&self.to.port().to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.acknowledged.to_be_bytes());
        // RFC 9293 §3.1
        out.extend_from_slice(&[0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        out.extend_from_slice(content);
        packet(self.from.ip(), self.to.ip(), TCP, out, 16)
    }
}

/// A datagram of UDP; none where it would be too long or the addresses are of two families.
pub(super) fn datagram(from: SocketAddr, to: SocketAddr, content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len().checked_add(8)?).ok()?;
    let mut out = Vec::with_capacity(usize::from(length));
    for number in [from.port(), to.port(), length, 0] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(content);
    packet(from.ip(), to.ip(), UDP, out, 6)
}

/// Puts the head of IP in front, and the checksum of what is inside at its place.
fn packet(from: IpAddr, to: IpAddr, protocol: u8, mut inside: Vec<u8>, checksum_at: usize) -> Option<Vec<u8>> {
    let length = u16::try_from(inside.len()).ok()?;
    let mut covered = Vec::with_capacity(inside.len().saturating_add(40));
    let head = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            // RFC 791 §3.1
            let mut head = vec![0x45, 0];
            head.extend_from_slice(&length.checked_add(20)?.to_be_bytes());
            head.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
            head.extend_from_slice(&from.octets());
            head.extend_from_slice(&to.octets());
            let sum = checksum(&head);
            head.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
            covered.extend_from_slice(&from.octets());
            covered.extend_from_slice(&to.octets());
            head
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            // RFC 8200 §3
            let mut head = vec![0x60, 0, 0, 0];
            head.extend_from_slice(&length.to_be_bytes());
            head.extend_from_slice(&[protocol, 64]);
            head.extend_from_slice(&from.octets());
            head.extend_from_slice(&to.octets());
            covered.extend_from_slice(&from.octets());
            covered.extend_from_slice(&to.octets());
            head
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    // RFC 8200 §8.1: the same sum over the pseudo-header of either version, whose fields only differ in their widths.
    covered.extend_from_slice(&[0, protocol]);
    covered.extend_from_slice(&length.to_be_bytes());
    covered.extend_from_slice(&inside);
    // Zero would say that there is none.
    let sum = checksum(&covered);
    let sum = if sum == 0 { 0xffff } else { sum };
    inside.get_mut(checksum_at..checksum_at.checked_add(2)?)?.copy_from_slice(&sum.to_be_bytes());
    let mut out = head;
    out.append(&mut inside);
    Some(out)
}

// RFC 1071 §1
fn checksum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(u16::from_be_bytes([high, 0])),
        _ => 0,
    });
    let mut sum = words.fold(0_u32, u32::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

const UDP: u8 = 17;
const TCP: u8 = 6;
const TCP_HEAD_OCTETS: usize = 20;
pub(super) const SYN: u8 = 0x02;
pub(super) const PUSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_summed_up_with_its_checksum_is_nothing() {
        let (from, to) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        let packet = datagram(from, to, b"odd").unwrap();
        assert_eq!(packet.len(), 20 + 8 + 3);
        assert_eq!(checksum(&packet[..20]), 0);
        let mut covered = packet[12..20].to_vec();
        covered.extend_from_slice(&[0, UDP, 0, 11]);
        covered.extend_from_slice(&packet[20..]);
        assert_eq!(checksum(&covered), 0);
        let six = "[2001:db8::1]:5060".parse().unwrap();
        assert!(datagram(from, six, b"").is_none());
        assert_eq!(datagram(six, six, b"").map(|packet| packet.len()), Some(48));
        assert!(datagram(from, to, &vec![0; 65_530]).is_none());
    }
}
