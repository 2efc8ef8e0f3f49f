//! The associations with peers.

use super::{Federation, client::Target, restore, to_wv};
use mapping::{
    side::{PeerName, Side},
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use wv_proto::{
    quirk::SspQuirk,
    ssp::association::{Association, Kept},
};

/// An association with what its machine does not know.
pub(super) struct Member {
    pub(super) machine: Association,
    pub(super) peer: PeerName,
    /// Where the peer is.
    pub(super) target: Target,
    /// Whether the engine believes that the peer can be reached.
    pub(super) is_reachable: bool,
    /// Whether a session was lost, so that the peer may have lost what it was asked for.
    pub(super) is_lost: bool,
    /// What it did in its own way.
    pub(super) quirks: BTreeSet<SspQuirk>,
    /// The peer is no peer any more: what it is told last may take until then.
    pub(super) leaves_at: Option<Timestamp>,
}

/// A domain of ours and one of a peer.
pub(super) type DomainPair = (Box<str>, Box<str>);

/// All associations. No number is given twice: what became of a post may be told when its association is gone.
#[derive(Default)]
pub(super) struct Members {
    all: BTreeMap<usize, Member>,
    by_domains: HashMap<DomainPair, usize>,
    next: usize,
}

impl Members {
    pub(super) fn insert(&mut self, domains: DomainPair, member: Member) -> usize {
        let index = self.next;
        self.next = self.next.wrapping_add(1);
        self.all.insert(index, member);
        self.by_domains.insert(domains, index);
        index
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.by_domains.clear();
    }

    /// The association is not looked for by its domains any more.
    pub(super) fn retire(&mut self, domains: &DomainPair) {
        self.by_domains.remove(domains);
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.all.remove(&index);
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Member> {
        self.all.get_mut(&index)
    }

    pub(super) fn get(&self, index: usize) -> Option<&Member> {
        self.all.get(&index)
    }

    pub(super) fn between(&self, local: &str, peer: &str) -> Option<usize> {
        self.by_domains.get(&(local.into(), peer.into())).copied()
    }

    /// Those that are looked for by their domains.
    pub(super) fn by_domains(&self) -> impl Iterator<Item = (&DomainPair, usize)> {
        self.by_domains.iter().map(|(domains, index)| (domains, *index))
    }

    pub(super) fn find(&self, mut is_it: impl FnMut(&Member) -> bool) -> Option<usize> {
        self.all.iter().find(|(_, member)| is_it(member)).map(|(index, _)| *index)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Member> {
        self.all.values()
    }

    /// Those for which something is due.
    pub(super) fn due(&self, now: Timestamp) -> Vec<usize> {
        let is_due = |member: &Member| member.deadline().is_some_and(|due| due <= now);
        self.all.iter().filter(|(_, member)| is_due(member)).map(|(index, _)| *index).collect()
    }
}

impl Member {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let due = self.machine.deadline().map(|due| Timestamp::from_millis(due.as_millis()));
        [due, self.leaves_at].into_iter().flatten().min()
    }

    pub(super) fn domains(&self) -> DomainPair {
        let settings = self.machine.settings();
        (settings.local.domain().into(), settings.peer.domain().into())
    }
}

impl Federation {
    /// The association between two domains; none where there is no such peer.
    pub(super) fn member(&mut self, now: Timestamp, local: &str, peer: &str) -> Option<usize> {
        if let Some(index) = self.members.between(local, peer) {
            return Some(index);
        }
        let settings = self.association_settings(local, peer)?;
        self.add_member((local.into(), peer.into()), Association::new(to_wv(now), settings))
    }

    pub(super) fn add_member(&mut self, domains: DomainPair, machine: Association) -> Option<usize> {
        let peer = self.settings.peer_of(&domains.1)?;
        let member = Member {
            machine,
            peer: peer.name.clone(),
            target: peer.target.clone(),
            is_reachable: true,
            is_lost: false,
            quirks: BTreeSet::new(),
            leaves_at: None,
        };
        Some(self.members.insert(domains, member))
    }

    pub(super) fn meet_quirks(&mut self, index: usize) {
        let Some(member) = self.members.get_mut(index) else { return };
        let met = member.machine.take_met();
        count_quirks(&met);
        member.quirks.extend(met);
    }

    pub(super) fn keep(&mut self, index: usize, kept: Kept) {
        let Some(member) = self.members.get(index) else { return };
        let is_leaving = member.leaves_at.is_some();
        let (local, peer) = member.domains();
        let (kind, key, body) = match kept {
            Kept::Association(body) => (restore::ASSOCIATION, format!("{local} {peer}"), Some(body)),
            Kept::Transaction { transaction_id, body } => {
                (restore::TRANSACTION, format!("{local} {peer} {}", transaction_id.as_str()), body)
            }
        };
        // What is over soon need not survive.
        if !is_leaving || body.is_none() {
            self.record(kind, &key, body);
        }
    }
}

/// Counts what a peer does in its own way.
pub(super) fn count_quirks(met: &[SspQuirk]) {
    for quirk in met {
        crate::observe::metric::quirk(Side::Wv, quirk.as_str());
    }
}
