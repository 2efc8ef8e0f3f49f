//! What `/ready` says beyond the phase of the process: whether the servers are there without which it serves nobody.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The WV servers of which the gateway is a client, and whether they can be reached. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    servers: Arc<[Server]>,
    /// Whether there is a WV domain beside those of these servers.
    has_others: bool,
}

#[derive(Debug)]
struct Server {
    name: Box<str>,
    is_reached: AtomicBool,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is there.
    Whole,
    /// Some is missing; the rest is served.
    Degraded(String),
    /// Nothing of the WV side is there.
    Severed(String),
}

impl Readiness {
    /// None of these servers has been reached yet. `has_others` says whether the gateway serves WV domains that need
    /// none of them.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>, has_others: bool) -> Self {
        let server = |name: &str| Server { name: name.into(), is_reached: AtomicBool::new(false) };
        Self { servers: names.map(server).collect(), has_others }
    }

    /// Whether a server could be reached just now.
    pub fn note(&self, name: &str, is_reached: bool) {
        for server in self.servers.iter().filter(|server| *server.name == *name) {
            server.is_reached.store(is_reached, Ordering::Relaxed);
        }
    }

    /// What there is to say now.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let missing = || self.servers.iter().filter(|server| !server.is_reached.load(Ordering::Relaxed));
        let Some(first) = missing().next() else { return Verdict::Whole };
        let names = missing().skip(1).fold(first.name.to_string(), |names, server| format!("{names}, {}", server.name));
        let told = format!("degraded: WV server not reached: {names}");
        let is_severed = missing().count() == self.servers.len() && !self.has_others;
        if is_severed { Verdict::Severed(told) } else { Verdict::Degraded(told) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_whole_degraded_or_severed() {
        let readiness = Readiness::new(["old", "older"].into_iter(), false);
        assert_eq!(readiness.verdict(), Verdict::Severed("degraded: WV server not reached: old, older".to_owned()));
        readiness.note("old", true);
        assert_eq!(readiness.verdict(), Verdict::Degraded("degraded: WV server not reached: older".to_owned()));
        readiness.note("older", true);
        assert_eq!(readiness.verdict(), Verdict::Whole);
        let readiness = Readiness::new(["old"].into_iter(), true);
        assert!(matches!(readiness.verdict(), Verdict::Degraded(_)), "phones of another domain are served");
        assert_eq!(Readiness::default().verdict(), Verdict::Whole);
    }
}
