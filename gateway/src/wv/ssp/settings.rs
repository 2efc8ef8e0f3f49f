//! What the federation is told.

use super::{
    Federation,
    client::{PostClient, Target},
};
use crate::{lane::Clock, observe::Tap, resolver::Resolver};
use mapping::{correlation::Correlation, route::DomainTable, side::PeerName};
use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::Duration,
};
use tokio::sync::Notify;
use wv_proto::{
    ssp::{association::AssociationSettings, limit::SspLimits, part::ServiceId, setup::SecretToken},
    version::Version,
};

/// What does not change.
#[derive(Clone, Debug)]
pub struct SspSettings {
    /// The domain table.
    pub domains: DomainTable,
    /// The domains that we speak for, the first being the most likely.
    pub locals: Vec<Box<str>>,
    /// The peers.
    pub peers: Vec<SspPeer>,
    /// Limits of the sessions with them.
    pub limits: SspLimits,
    /// Lifetime of messages whose sender names none.
    pub validity_default: Duration,
    /// Largest content of a message in octets.
    pub content_octets_max: usize,
}

/// A peer.
#[derive(Clone, Debug)]
pub struct SspPeer {
    /// Its name in the configuration.
    pub name: PeerName,
    /// Where it is.
    pub target: Target,
    /// Its domains.
    pub domains: Vec<Box<str>>,
    /// A secret to be sent in place of one made anew.
    pub secret: Option<SecretToken>,
    /// Answers that go to it in one post at most; none: as many as the limits say.
    pub answers_per_post: Option<usize>,
}

/// What the federation needs from its surroundings.
pub struct SspParts {
    /// What does not change.
    pub settings: SspSettings,
    /// The process's clock.
    pub clock: Clock,
    /// The lane's bell.
    pub wake: Rc<Notify>,
    /// Where messages are watched.
    pub tap: Tap,
    /// Where names are looked up.
    pub resolver: Rc<Resolver>,
    /// A random start for correlations.
    pub randomness: u64,
    /// A random start for secrets.
    pub seed: [u8; 32],
}

impl SspSettings {
    /// The peer that serves a domain.
    #[must_use]
    pub fn peer_of(&self, domain: &str) -> Option<&SspPeer> {
        self.peers.iter().find(|peer| peer.domains.iter().any(|own| **own == *domain))
    }

    /// The peer of that name.
    #[must_use]
    pub fn peer_named(&self, name: &PeerName) -> Option<&SspPeer> {
        self.peers.iter().find(|peer| peer.name == *name)
    }
}

impl Federation {
    pub(super) fn new(parts: SspParts) -> Self {
        Self {
            settings: parts.settings,
            clock: parts.clock,
            wake: parts.wake,
            tap: parts.tap,
            client: Rc::new(PostClient::new(parts.resolver)),
            members: super::Members::default(),
            posts: HashMap::new(),
            pending: HashMap::new(),
            purposes: HashMap::new(),
            held: BTreeMap::new(),
            is_executing: false,
            subscriptions: super::Subscriptions::default(),
            far_members: BTreeMap::new(),
            trials: HashMap::new(),
            next_number: 0,
            randomness: parts.randomness,
            seed: parts.seed,
            current: Correlation::new(parts.randomness),
            inputs: Vec::new(),
            own: None,
        }
    }

    /// What the association between two domains is told; none where there is no such peer, or the domain is not ours.
    pub(super) fn association_settings(&self, local: &str, peer: &str) -> Option<AssociationSettings> {
        self.settings.locals.iter().find(|own| ***own == *local)?;
        let known = self.settings.peer_of(peer)?;
        let mut limits = self.settings.limits.clone();
        limits.answers_per_post_max = known.answers_per_post.unwrap_or(limits.answers_per_post_max);
        Some(AssociationSettings {
            local: ServiceId::of_domain(local),
            peer: ServiceId::of_domain(peer),
            mark: mark_of(local, peer),
            version: Version::V1_3,
            secret: known.secret.clone(),
            limits,
            seed: self.seed,
        })
    }
}

/// Keeps the ids of the associations apart, the same after a restart.
fn mark_of(local: &str, peer: &str) -> u16 {
    let octets = local.bytes().chain([b' ']).chain(peer.bytes());
    let hash = octets.fold(0x811c_9dc5_u32, |hash, octet| (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193));
    u16::try_from((hash >> 16) ^ (hash & 0xffff)).unwrap_or(0)
}
