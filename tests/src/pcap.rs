//! A capture file that nobody captured: HTTP requests as TCP segments, for programs that read captures.

use std::{fs, io, path::Path};

/// Writes a capture in which every body is posted with the content type, in a connection of its own to port 80.
///
/// # Errors
/// When the file cannot be written, or a body does not fit into one segment.
pub fn write_posts(file: &Path, content_type: &str, bodies: &[Vec<u8>]) -> io::Result<()> {
    let mut octets = Vec::new();
    for field in [MAGIC, VERSION, 0, 0, SNAPSHOT_BYTES, LINK_TYPE_RAW_IP] {
        octets.extend(field.to_le_bytes());
    }
    for (number, body) in bodies.iter().enumerate() {
        let packet = packet(u16::try_from(number).map_err(io::Error::other)?, content_type, body)?;
        let length = u32::try_from(packet.len()).map_err(io::Error::other)?;
        let seconds = u32::try_from(number).map_err(io::Error::other)?;
        for field in [seconds, 0, length, length] {
            octets.extend(field.to_le_bytes());
        }
        octets.extend(packet);
    }
    fs::write(file, octets)
}

fn packet(number: u16, content_type: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let head = format!(
        "POST /csp HTTP/1.1\r\nHost: wv.example\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let total = u16::try_from(IP_HEADER + TCP_HEADER + head.len() + body.len()).map_err(io::Error::other)?;
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend(number.to_be_bytes());
    // No fragments, 64 hops, TCP, no checksum (readers do not check it unless told).
    packet.extend([0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    packet.extend((FIRST_PORT + number).to_be_bytes());
    packet.extend(80_u16.to_be_bytes());
    packet.extend(1_u32.to_be_bytes());
    packet.extend(1_u32.to_be_bytes());
    // Header of five words, PSH and ACK.
    packet.extend([5 << 4, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
    packet.extend(head.into_bytes());
    packet.extend(body);
    Ok(packet)
}

const MAGIC: u32 = 0xA1B2_C3D4;
/// Version 2.4, the minor half in the high word.
const VERSION: u32 = 4 << 16 | 2;
const SNAPSHOT_BYTES: u32 = 262_144;
const LINK_TYPE_RAW_IP: u32 = 101;
const IP_HEADER: usize = 20;
const TCP_HEADER: usize = 20;
const FIRST_PORT: u16 = 20_000;
