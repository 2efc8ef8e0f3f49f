//! What goes wrong at a home server.

use super::SspHome;
use std::sync::atomic::Ordering;

/// What the peer does with a post instead of taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status.
    Status(u16),
    /// The connection is closed without an answer.
    Close,
    /// It is taken, and nothing is ever answered.
    Silence,
    /// The connection stays open and nothing comes over it.
    Hang,
    /// The whole server is gone from then on.
    Die,
    /// It is executed and answered twice.
    Twice,
}

impl SspHome {
    /// Whether there is a session with a domain of the gateway, and both ends know it.
    #[must_use]
    pub fn has_session(&self, local: &str) -> bool {
        let state = self.inner.state();
        state.knowing.contains(local) && state.their_sessions.values().any(|one| one == local)
    }

    /// Whether a fault has ended it.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.inner.is_stopped.load(Ordering::SeqCst)
    }
}
