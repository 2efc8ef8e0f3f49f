//! Servers that failed lately: tried after all others until their time is over.

use super::location::Candidate;
use crate::time::Timestamp;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;

/// Who failed, and until when that counts.
#[derive(Clone, Debug)]
pub struct Quarantine {
    default: Duration,
    until: HashMap<SocketAddr, Timestamp>,
}

impl Quarantine {
    /// Nobody has failed; whoever does not say how long is avoided for this long.
    #[must_use]
    pub fn new(default: Duration) -> Self {
        Self { default, until: HashMap::new() }
    }

    // RFC 3261 §21.5.4
    /// The server failed, and said when it will serve again or did not.
    pub fn add(&mut self, now: Timestamp, address: SocketAddr, retry_after: Option<Duration>) {
        if self.until.len() >= SERVERS_MAX {
            self.until.retain(|_, until| *until > now);
        }
        if self.until.len() < SERVERS_MAX || self.until.contains_key(&address) {
            let lasts = retry_after.unwrap_or(self.default).min(LONGEST);
            self.until.insert(address, now.after(lasts));
        }
    }

    /// The server has answered.
    pub fn release(&mut self, address: SocketAddr) {
        self.until.remove(&address);
    }

    /// Until when the server is avoided.
    #[must_use]
    pub fn until(&self, now: Timestamp, address: SocketAddr) -> Option<Timestamp> {
        self.until.get(&address).copied().filter(|until| *until > now)
    }

    /// Puts those that failed behind the others; the one whose time is over first goes first among them.
    pub fn sort(&self, now: Timestamp, candidates: &mut [Candidate]) {
        if !self.until.is_empty() {
            candidates.sort_by_key(|candidate| self.until(now, candidate.address));
        }
    }
}

/// Servers that are remembered; each that is forgotten costs one failed attempt.
const SERVERS_MAX: usize = 10_000;

/// Nobody is avoided for longer, whatever it says.
const LONGEST: Duration = Duration::from_secs(3600);
