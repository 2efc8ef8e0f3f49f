//! The two sides of the gateway. Differences between them are data.

use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// One of the two worlds that the gateway joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Wireless Village / OMA IMPS.
    Wv,
    /// SIP/SIMPLE.
    Simple,
}

/// What differs between the sides, as data. The engine holds one profile per side and asks it instead of branching.
#[derive(Clone, Debug)]
pub struct SideProfile {
    /// Shortest time between two notifications of one presentity to one watcher; the first change goes at once,
    /// later ones are merged (WV: `coalesce_ms`; SIMPLE: `notify_interval_min_ms`, RFC 3856 §6.10).
    pub notify_interval_min: Duration,
    /// A hosted recipient takes messages from the store and acknowledges them later (WV), or answers each delivery
    /// while the sender waits (SIMPLE).
    pub delivery: DeliveryStyle,
    /// What a pending watcher sees until the presentity decides.
    pub pending_view: PendingView,
    /// Whether a presentity of this side can be asked (reactive authorisation); where it cannot, a subscription of the
    /// presentity to the watcher counts as consent.
    pub asks_authorization: bool,
    /// What becomes of a watch that ends up seeing nothing.
    pub refusal: RefusalStyle,
    /// How a refused watcher of this side is answered.
    pub blocked: BlockedStyle,
    /// What the sender is answered when its message was stored because the far side took too long (WV: success, as
    /// shipped clients take anything else for a failure; SIMPLE: 202).
    pub late_outcome: Outcome,
    /// Whether clients acknowledge reports, so that a report is kept until then.
    pub acknowledges_reports: bool,
    /// Whether a hosted user without any device is known to be offline; otherwise nothing is known about it.
    pub absent_is_offline: bool,
    /// Whether conversations of its hosted domains live here.
    pub hosts_conversations: bool,
    /// Whether a hosted user of it can be invited; otherwise it is told by a message.
    pub takes_invitations: bool,
    /// Whether its hosted users can be told what else concerns them.
    pub hears_happenings: bool,
}

impl SideProfile {
    /// The profile of a side with the default intervals.
    #[must_use]
    pub const fn of(side: Side) -> Self {
        match side {
            Side::Wv => Self {
                notify_interval_min: Duration::from_millis(250),
                delivery: DeliveryStyle::StoreAndOffer,
                pending_view: PendingView::Silence,
                asks_authorization: true,
                refusal: RefusalStyle::Stays,
                blocked: BlockedStyle::Told,
                late_outcome: Outcome::Success,
                acknowledges_reports: true,
                absent_is_offline: true,
                hosts_conversations: true,
                takes_invitations: true,
                hears_happenings: true,
            },
            Side::Simple => Self {
                notify_interval_min: Duration::from_millis(5000),
                delivery: DeliveryStyle::PassOn,
                pending_view: PendingView::Told,
                asks_authorization: false,
                refusal: RefusalStyle::Ends,
                blocked: BlockedStyle::Told,
                late_outcome: Outcome::Stored,
                acknowledges_reports: false,
                absent_is_offline: false,
                hosts_conversations: false,
                takes_invitations: false,
                hears_happenings: false,
            },
        }
    }
}

/// What becomes of a watch whose watcher may not see anything, or whose presentity cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalStyle {
    /// It stays and shows nothing, or everything as unknown; it comes alive again when that changes (WV). It also shows
    /// everything as unknown when the far side says nothing for `Limits::first_view_wait`.
    Stays,
    /// It ends with a reason (SIMPLE).
    Ends,
}

/// How a refused watcher is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockedStyle {
    /// With [`Outcome::Blocked`].
    Told,
    /// With success and a presence in which everything is unknown (polite block).
    Polite,
}

/// How messages reach a hosted recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStyle {
    /// Stored first, answered at once, offered until acknowledged.
    StoreAndOffer,
    /// Passed on while the sender's answer is held; stored when that fails or takes too long.
    PassOn,
}

/// What a pending watcher is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingView {
    /// Nothing until the decision, then the document (WV: an empty list of attributes is worse than silence).
    Silence,
    /// A notification that says so, without a document (SIMPLE, RFC 6665 §4.2.2).
    Told,
}

/// Names one protocol endpoint of an adapter: a CSP session, a SIP dialog, a registered SIP contact.
/// Opaque to the engine, unique on its side, and the same after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// The side whose adapter owns the endpoint.
    pub side: Side,
    /// The adapter's own name for it.
    pub id: Arc<str>,
}

impl Endpoint {
    /// An endpoint of `side` that its adapter calls `id`.
    #[must_use]
    pub fn new(side: Side, id: &str) -> Self {
        Self { side, id: Arc::from(id) }
    }
}

/// Names a configured neighbour server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PeerName(Arc<str>);

impl PeerName {
    /// The peer of that name in the configuration.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name as configured.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
