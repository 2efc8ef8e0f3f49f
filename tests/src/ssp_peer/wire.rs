//! HTTP as a peer speaks it.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Posts a document over a connection of its own; the status.
///
/// # Errors
/// When the connection is refused, or closed without an answer.
pub fn post_octets(to: SocketAddr, body: &[u8]) -> io::Result<u16> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let head = format!(
        "POST / HTTP/1.1\r\nConnection: keep-alive\r\nContent-Type: application/vnd.wv.ssp+xml\r\nContent-Length: {}\r\n\
         Host: gateway.test:{}\r\n\r\n",
        body.len(),
        to.port()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut octets = Vec::new();
    let mut buffer = [0; 1024];
    while !octets.windows(4).any(|part| part == b"\r\n\r\n") {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        octets.extend_from_slice(&buffer[..read]);
    }
    let text = String::from_utf8_lossy(&octets);
    text.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(|| io::Error::other("no status"))
}

/// The body of the next post; none at the end.
pub(super) fn read_post(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut octets = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = octets.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&octets[..end]).to_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            let (start, length) = (end + 4, length.unwrap_or(0));
            while octets.len() < start + length {
                let read = stream.read(&mut buffer)?;
                if read == 0 {
                    return Ok(None);
                }
                octets.extend_from_slice(&buffer[..read]);
            }
            return Ok(Some(octets[start..start + length].to_vec()));
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        octets.extend_from_slice(&buffer[..read]);
    }
}

pub(super) fn answer(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").into_bytes()
}
