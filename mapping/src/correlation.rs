//! One identifier per causal chain, carried from the first octet on one side to the last on the other.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Names a causal chain in logs, traces and records. Minted by the adapter that saw the first octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Correlation(u64);

impl Correlation {
    /// A correlation with the given number; adapters draw it at random.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
