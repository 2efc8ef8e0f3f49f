//! HTTP as an old server speaks it, and XML as it writes it.

use super::Style;
use std::{
    io::{self, Read as _},
    net::TcpStream,
};
use wv_proto::version::{ContentType, Encoding, Version};

/// A request of the gateway.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) is_get: bool,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// The next request; none at the end.
pub(super) fn read_post(stream: &mut TcpStream) -> io::Result<Option<Post>> {
    let mut octets = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(end) = octets.windows(4).position(|part| part == b"\r\n\r\n") {
            break end;
        }
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        octets.extend_from_slice(&buffer[..read]);
    };
    let head = String::from_utf8_lossy(&octets[..end]).into_owned();
    // It knows the fields as they are written in the documents, and no other way.
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length:")?.trim().parse::<usize>().ok());
    let (start, length) = (end + 4, length.unwrap_or(0));
    while octets.len() < start + length {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        octets.extend_from_slice(&buffer[..read]);
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Some(Post { is_get: head.starts_with("GET "), path, body: octets[start..start + length].to_vec() }))
}

/// An answer.
pub(super) fn answer(style: &Style, (version, encoding): (Version, Encoding), body: &[u8]) -> Vec<u8> {
    let protocol = if style.is_old_http { "HTTP/1.0" } else { "HTTP/1.1" };
    let connection = if style.closes { "Connection: close\r\n" } else { "" };
    let mut content_type = ContentType::for_version(version, encoding).as_str().to_owned();
    if style.is_loose {
        content_type = content_type.replace("application", "Application").replace("csp", "CSP");
    }
    let content_type =
        if body.is_empty() { String::new() } else { format!("content-type: {content_type}; charset=utf-8\r\n") };
    let mut octets =
        format!("{protocol} 200 OK\r\n{connection}{content_type}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    octets.extend_from_slice(body);
    octets
}

/// XML with everything around it that loose servers put there.
pub(super) fn loosen(xml: &str) -> String {
    let mut loose = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE WV-CSP-Message>\n");
    let mut is_content = false;
    for (place, piece) in xml.split_inclusive('>').enumerate() {
        let (text, tag) = piece.split_at(piece.find('<').unwrap_or(0));
        if !text.is_empty() && !is_content {
            loose.push_str(&format!("\n{text}\n"));
        } else {
            loose.push_str(text);
        }
        loose.push_str(tag);
        is_content = tag.starts_with("<ContentData");
        if !is_content && place % 3 == 0 && tag.starts_with("</") {
            loose.push('\n');
        }
    }
    loose
}
