//! Communication initiation: how a server tells a client that does not poll to poll now. A wake-up says nothing else; what
//! waits is fetched over the data channel.

pub mod client;
pub mod line;
pub mod push;
pub mod server;

use crate::primitive::identifier::{SessionCookie, SessionId};
use crate::version::Version;
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;

/// The text of a wake-up: the version and the cookie that the client chose at its login. A client that chose none gets
/// none, and so does one whose cookie cannot stand in a line of text.
// WV-CIR-01
#[must_use]
pub fn wake_up(version: Version, cookie: Option<&SessionCookie>) -> String {
    let cookie = cookie.map(SessionCookie::as_str).filter(|cookie| is_field(cookie));
    match cookie {
        Some(cookie) => format!("{WAKE_UP} {} {cookie}", version.as_str()),
        None => format!("{WAKE_UP} {}", version.as_str()),
    }
}

/// What stands at the end of the address that a client asks for SHTTP: it names the session without giving it away, for
/// addresses end up in the logs of proxies.
// WV-CIR-06
#[must_use]
pub fn http_token(session: &SessionId) -> String {
    let digest = Sha1::new().chain_update(b"cir ").chain_update(session.as_str().as_bytes()).finalize();
    digest.iter().fold(String::with_capacity(40), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Whether a text can be one field of a line: printable, without blanks, of a size that SMS and datagrams carry.
fn is_field(text: &str) -> bool {
    !text.is_empty() && text.len() <= FIELD_OCTETS_MAX && text.bytes().all(|octet| octet.is_ascii_graphic())
}

/// What a wake-up begins with.
pub const WAKE_UP: &str = "WVCI";

/// The port that clients listen on for SUDP when they name none.
pub const SUDP_PORT_DEFAULT: u16 = 3717;

/// The port of connectionless WAP push.
pub const WAP_PUSH_PORT: u16 = 2948;

/// Octets of a cookie in a wake-up: one SMS holds 160 characters.
const FIELD_OCTETS_MAX: usize = 100;

#[cfg(test)]
mod tests;
