//! What the sidecar is told.

use crate::{
    account::{AccountBook, Secret},
    lane::Clock,
    observe::{Readiness, Tap},
    wv::ssp::Target,
};
use mapping::{address::Address, route::DomainTable, side::PeerName};
use std::{rc::Rc, sync::Arc, time::Duration};
use tokio::sync::Notify;
use wv_proto::{session::standing::StandingSettings, version::Encoding};

/// What does not change.
#[derive(Clone, Debug)]
pub struct SidecarSettings {
    /// The domain table.
    pub domains: DomainTable,
    /// The servers.
    pub peers: Vec<CspPeer>,
    /// The accounts at the start.
    pub shadows: Vec<ShadowRow>,
    /// What the names of our clients end with.
    pub node: String,
    /// How long an account stays logged in that nobody needs.
    pub linger: Duration,
    /// Logins in a second at one server.
    pub logins_per_s: u32,
    /// Lifetime of messages whose sender names none.
    pub validity_default: Duration,
    /// How long a request of the engine is worth being made.
    pub request_life: Duration,
    /// How long a message that waits for a report is remembered.
    pub report_life: Duration,
}

/// A WV server in which the gateway is a client.
#[derive(Clone, Debug)]
pub struct CspPeer {
    /// Its name in the configuration.
    pub name: PeerName,
    /// Where it is.
    pub target: Target,
    /// Its domains, the first completing addresses without one.
    pub domains: Vec<Box<str>>,
    /// How it is written to.
    pub encoding: Encoding,
    /// How sessions with it are kept.
    pub session: Arc<StandingSettings>,
    /// Connections to it.
    pub connections_max: usize,
    /// Whether it is only listened to.
    pub observe: bool,
}

/// The WV account that stands for a SIP user.
#[derive(Clone, Debug)]
pub struct ShadowRow {
    /// The SIP user.
    pub user: Address,
    /// The account.
    pub account: Address,
    /// Its password.
    pub password: Secret,
    /// Whether it stays logged in whatever happens.
    pub always_on: bool,
    /// Whether watchers without an account see what it sees.
    pub public_view: bool,
}

/// What the sidecar needs from its surroundings.
pub struct SidecarParts {
    /// What does not change.
    pub settings: SidecarSettings,
    /// Accounts of the store: some of them are shadows.
    pub accounts: AccountBook,
    /// The process's clock.
    pub clock: Clock,
    /// The lane's bell.
    pub wake: Rc<Notify>,
    /// Where messages are watched.
    pub tap: Tap,
    /// Where is told whether the servers can be reached.
    pub readiness: Readiness,
    /// A random start for correlations.
    pub randomness: u64,
}

impl SidecarSettings {
    /// The place of the peer that serves a domain.
    pub(super) fn peer_of(&self, domain: &str) -> Option<usize> {
        self.peers.iter().position(|peer| peer.domains.iter().any(|own| **own == *domain))
    }
}
