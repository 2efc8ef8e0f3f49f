//! Who watches whom, and in which state.

use crate::{address::Address, presence::AttributeSet, side::Endpoint, time::Timestamp};
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

/// What becomes of a watcher's wish to see more than the presentity's word lets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// The presentity hears nothing of it.
    #[default]
    Silent,
    /// The presentity is asked.
    Asked,
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

/// How it stands with one watcher, for those who follow who watches a user (RFC 3857 §4.7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherStanding {
    /// Names this relation; the next one of the same watcher has another name.
    pub number: u64,
    /// Who.
    pub watcher: Address,
    /// How.
    pub state: WatcherState,
    /// What led there.
    pub cause: WatcherCause,
    /// Since when the watcher has wanted to watch.
    pub since: Timestamp,
}

/// The states of a relation as the watched user sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatcherState {
    /// The user has not decided, and the watcher waits.
    Pending,
    /// The watcher sees the user.
    Active,
    /// The user has not decided, and the watcher has gone.
    Waiting,
    /// It is over.
    Ended,
}

/// What led to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatcherCause {
    /// The watcher came.
    Subscribed,
    /// The user agreed.
    Approved,
    /// The user refused.
    Rejected,
    /// The watcher went.
    Left,
    /// Nobody decided for too long, or the watcher came again.
    Giveup,
    /// The user is no more.
    NoResource,
}

/// What somebody is told who follows who watches a user.
#[derive(Clone, Debug)]
pub struct WatcherNews {
    /// Where to.
    pub endpoint: Endpoint,
    /// Whose watchers.
    pub presentity: Address,
    /// How much this says.
    pub extent: NewsExtent,
    /// The watchers.
    pub rows: Vec<WatcherStanding>,
}

/// How much news say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewsExtent {
    /// Everything.
    Whole,
    /// What changed.
    Changes,
    /// What changed at last: there is no such user any more.
    Last,
}
