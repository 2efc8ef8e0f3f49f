//! The scripted peers: a WV phone and a SIP user agent, each a process of its own that takes commands line by line and
//! tells what happens, one event per line. Outside clients: they know the gateway by its sockets only.

mod actor;
mod line;
pub mod puppet;
mod report;
mod sip;
mod tap;
mod wv;

pub use actor::{Acts, Told, play as play_actor, run as run_actor};
pub use puppet::{Puppet, PuppetError};
pub use sip::{SipPeer, SipTransportChoice, run as run_sip};
pub use wv::{LoginChoice, WakeUp, WvPeer, run as run_wv};

use std::io;

/// Why a peer did not start or could not go on. What servers answer is no error of the peer, but an event.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// An option that cannot be used.
    #[error("--{option} {value}: {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// What was written.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody reads the events any more, or the system refuses threads, sockets or random numbers.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

impl PeerError {
    fn option(option: &'static str, value: &str, reason: impl ToString) -> Self {
        Self::Option { option, value: value.to_owned(), reason: reason.to_string() }
    }
}

/// Random octets.
fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(io::Error::from)?;
    Ok(octets)
}

/// Random letters and digits for names that nobody else uses.
fn random_name() -> io::Result<String> {
    Ok(random::<8>()?.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// The user and host of an address, without scheme: what both sides call the same user.
fn bare_address(text: &str) -> &str {
    let schemes = ["wv:", "sip:", "sips:", "pres:", "im:"];
    let has_scheme = |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    schemes.iter().find(|scheme| has_scheme(scheme)).and_then(|scheme| text.get(scheme.len()..)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_bare_without_its_scheme() {
        for text in ["wv:bob@sip.example", "SIP:bob@sip.example", "bob@sip.example"] {
            assert_eq!(bare_address(text), "bob@sip.example");
        }
    }

    #[test]
    fn random_names_differ() {
        assert_ne!(random_name().unwrap(), random_name().unwrap());
    }
}
