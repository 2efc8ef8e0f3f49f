//! What is asked of DNS, and what it answers.

use super::location::{Rank, draw};
use core::net::IpAddr;
use std::sync::Arc;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Question {
    /// Which records are wanted.
    pub kind: QuestionKind,
    /// Of which name; in lower case, without the last dot.
    pub name: Arc<str>,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QuestionKind {
    /// NAPTR.
    Naptr,
    /// SRV.
    Srv,
    /// A.
    Ipv4,
    /// AAAA.
    Ipv6,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// NAPTR records.
    Naptr(Vec<NaptrRecord>),
    /// SRV records.
    Srv(Vec<SrvRecord>),
    /// Addresses.
    Addresses(Vec<IpAddr>),
    /// There are none of the kind.
    Nothing,
    /// No answer could be had.
    Failed,
}

// RFC 3403 §4.1
/// A NAPTR record, as far as RFC 3263 uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaptrRecord {
    /// Lower goes first.
    pub order: u16,
    /// Lower goes first among equals.
    pub preference: u16,
    /// What the replacement is.
    pub flags: String,
    /// The service.
    pub service: String,
    /// Whether there is a regular expression.
    pub has_expression: bool,
    /// Where to go on.
    pub replacement: Arc<str>,
}

// RFC 2782
/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvRecord {
    /// Lower goes first.
    pub priority: u16,
    /// The share among equals.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; empty where the service is decidedly not there.
    pub target: Arc<str>,
}

impl NaptrRecord {
    // RFC 3263 §4.1
    /// Whether it leads to SRV records, by a name that needs no computing.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.flags.eq_ignore_ascii_case("s") && !self.has_expression && !self.replacement.is_empty()
    }
}

impl SrvRecord {
    // RFC 2782
    /// The order in which the servers of these records are tried: priorities ascend, and equals are drawn by weight.
    /// `random` is asked once per record.
    #[must_use]
    pub fn order(mut records: Vec<Self>, random: &mut dyn FnMut() -> u64) -> Vec<Self> {
        // Weights of zero go first, so that they have a chance at all.
        records.sort_by_key(|record| (record.priority, record.weight));
        let mut ordered = Vec::new();
        while !records.is_empty() {
            let chosen = draw(&mut records.iter().map(Self::rank), random);
            ordered.push(records.remove(chosen));
        }
        ordered
    }

    pub(super) const fn rank(&self) -> Rank {
        Rank { priority: self.priority, weight: self.weight, number: 0 }
    }
}
