//! Who watches whom, and in which state.

use crate::{address::Address, presence::AttributeSet, side::Endpoint};
use serde::{Deserialize, Serialize};

/// The lasting relation as one watcher sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchState {
    /// The presentity has not decided.
    Pending,
    /// The watcher gets what it may see.
    Active,
    /// It is over.
    Ended(EndReason),
}

/// Why a subscription ended (RFC 6665 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Subscribe again at once, elsewhere or here.
    Deactivated,
    /// Subscribe again later.
    Probation,
    /// The presentity refused or withdrew its consent.
    Rejected,
    /// Not renewed in time, or ended by the watcher.
    Timeout,
    /// Nobody decided.
    Giveup,
    /// There is no such presentity.
    NoResource,
    /// The state will never change.
    Invariant,
}

/// The presentity's word on one watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The watcher may see the named attributes.
    Allow,
    /// The watcher is refused.
    Block,
}

/// Somebody who watches a presentity, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherRow {
    /// Who.
    pub watcher: Address,
    /// How.
    pub status: WatcherStatus,
}

/// How somebody watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatcherStatus {
    /// Now.
    Current,
    /// Not any more.
    Former,
    /// Looked once.
    Looked,
}

/// One watcher's end of a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Who watches.
    pub watcher: Address,
    /// Whom.
    pub presentity: Address,
    /// Where the notifications go.
    pub endpoint: Endpoint,
    /// What was asked for.
    pub attributes: AttributeSet,
}
