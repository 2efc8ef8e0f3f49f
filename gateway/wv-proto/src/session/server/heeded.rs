//! The quirks of the client: which it has, and which have made a difference.

use super::ServerSession;
use crate::quirk::{Quirk, QuirkSet};

impl ServerSession {
    /// Other quirks than those of the profile, by configuration.
    pub fn set_quirks(&mut self, quirks: QuirkSet) {
        self.party.quirks = quirks;
    }

    /// The quirks that were heeded since this was asked before.
    pub fn take_heeded(&mut self) -> QuirkSet {
        self.heeded.take()
    }

    /// Whether the client has the quirk, where that makes a difference: so it is counted.
    pub fn heeds(&self, quirk: Quirk) -> bool {
        let has = self.party.quirks.has(quirk);
        if has {
            self.heeded.set(self.heeded.get().with(quirk));
        }
        has
    }
}
