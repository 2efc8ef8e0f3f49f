//! The subscriptions to neighbour servers: one per presentity and identity, never two at once for the same pair.

use crate::{
    address::Address,
    engine::{Seen, Standing},
    event::SubscriptionId,
    presence::{AttributeSet, PresenceDocument},
    side::PeerName,
    subscription::{
        machine::{EntryMachine, EntryState, Live},
        pace::Pace,
    },
    time::Timestamp,
    watcher::EndReason,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

/// Presentity and the identity that subscribes: the watcher's own, so that nobody is shown what was meant for another, or
/// one for all where the peer has agreed to that (subscription mapping §5).
pub(crate) type EntryKey = (Address, Address);

/// All entries of one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    pub(crate) entries: BTreeMap<EntryKey, Entry>,
    pub(crate) looks: BTreeMap<SubscriptionId, Look>,
    /// Presentities that do not exist, and until when that is believed.
    unknown: BTreeMap<Address, Timestamp>,
    /// Domains without presence, and until when that is believed.
    without_presence: BTreeMap<Box<str>, Timestamp>,
    ramps: BTreeMap<PeerName, Ramp>,
}

/// One subscription.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) peer: PeerName,
    pub(crate) machine: EntryMachine,
    pub(crate) document: Option<Arc<PresenceDocument>>,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Whether the adapter was told to open it.
    pub(crate) is_open: bool,
    /// The watchers that share it; none where the identity is the watcher's own.
    pub(crate) sharers: Option<BTreeSet<Address>>,
    /// Looks that wait for its first word: who looks, and its ticket.
    pub(crate) lookers: Vec<(Address, u64)>,
}

/// A one-time look at a presentity.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) identity: Address,
    pub(crate) presentity: Address,
    /// Who looks, and its ticket.
    pub(crate) lookers: Vec<(Address, u64)>,
}

/// The pace of new subscriptions at one peer.
#[derive(Clone, Debug, Default)]
struct Ramp {
    pace: Pace,
    queue: VecDeque<EntryKey>,
    queued: BTreeSet<EntryKey>,
}

impl Entry {
    pub(crate) fn new(peer: PeerName, shared: bool) -> Self {
        Self {
            peer,
            machine: EntryMachine::new(),
            document: None,
            failures: 0,
            is_open: false,
            sharers: shared.then(BTreeSet::new),
            lookers: Vec::new(),
        }
    }

    /// A watcher leaves; whether it was the last.
    pub(crate) fn forsake(&mut self, watcher: &Address) -> bool {
        self.sharers.as_mut().is_none_or(|sharers| sharers.remove(watcher) && sharers.is_empty())
    }

    /// How the watcher stands.
    pub(crate) fn standing(&self) -> Standing {
        let known = || match &self.document {
            Some(document) => Standing::Active(self.seen(document)),
            None => Standing::Unclear,
        };
        match self.machine.state {
            EntryState::Idle
            | EntryState::Subscribing
            | EntryState::Backoff
            | EntryState::Linger(Live::Subscribing) => known(),
            EntryState::Pending | EntryState::Linger(Live::Pending) => Standing::Pending,
            EntryState::Active | EntryState::Linger(Live::Active) => {
                Standing::Active(self.seen(&self.document.clone().unwrap_or_default()))
            }
            EntryState::Denied => Standing::Failed(EndReason::Rejected),
            EntryState::Gone => Standing::Failed(EndReason::NoResource),
        }
    }

    fn seen(&self, document: &Arc<PresenceDocument>) -> Seen {
        // The far side has left out what the watcher may not see.
        Seen { document: Arc::clone(document), granted: AttributeSet::ALL }
    }
}

/// What is believed of a presentity without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Belief {
    /// It does not exist, for so much longer.
    Unknown(Duration),
    /// Its domain has no presence, for so much longer.
    WithoutPresence(Duration),
}

impl Cache {
    pub(crate) fn believe_unknown(&mut self, presentity: &Address, now: Timestamp, until: Timestamp) {
        self.unknown.retain(|_, end| *end > now);
        self.unknown.insert(presentity.clone(), until);
    }

    pub(crate) fn believe_without_presence(&mut self, domain: &str, now: Timestamp, until: Timestamp) {
        self.without_presence.retain(|_, end| *end > now);
        self.without_presence.insert(domain.into(), until);
    }

    /// Forgets what was believed, as the far side has shown otherwise.
    pub(crate) fn disbelieve(&mut self, presentity: &Address) {
        self.unknown.remove(presentity);
        self.without_presence.remove(presentity.domain());
    }

    /// Forgets what was believed of these.
    pub(crate) fn forget_beliefs(&mut self, of: impl Fn(&Address) -> bool) {
        self.unknown.retain(|presentity, _| !of(presentity));
        let user_at = |domain: &str| Address::parse(&format!("somebody@{domain}"));
        self.without_presence.retain(|domain, _| !user_at(domain).is_ok_and(|user| of(&user)));
    }

    pub(crate) fn belief(&self, presentity: &Address, now: Timestamp) -> Option<Belief> {
        let left = |until: &Timestamp| (*until > now).then(|| now.until(*until));
        if let Some(wait) = self.unknown.get(presentity).and_then(left) {
            return Some(Belief::Unknown(wait));
        }
        self.without_presence.get(presentity.domain()).and_then(left).map(Belief::WithoutPresence)
    }

    /// Asks the ramp for a start. Where it refuses, the key is queued.
    pub(crate) fn start(&mut self, peer: &PeerName, key: &EntryKey, now: Timestamp, per_s: u32) -> Start {
        let ramp = self.ramps.entry(peer.clone()).or_default();
        if ramp.queue.is_empty() && ramp.pace.admits(now, SECOND, per_s) {
            return Start::Now;
        }
        if ramp.queued.insert(key.clone()) {
            ramp.queue.push_back(key.clone());
        }
        Start::Queued(now.after(SECOND))
    }

    /// Takes what may start now from all queues.
    pub(crate) fn release(&mut self, now: Timestamp, per_s: u32) -> Vec<EntryKey> {
        let mut released = Vec::new();
        for ramp in self.ramps.values_mut() {
            while !ramp.queue.is_empty() && ramp.pace.admits(now, SECOND, per_s) {
                if let Some(key) = ramp.queue.pop_front() {
                    ramp.queued.remove(&key);
                    released.push(key);
                }
            }
        }
        self.ramps.retain(|_, ramp| !ramp.queue.is_empty() || ramp.pace.is_running(now, SECOND));
        released
    }

    pub(crate) fn has_queued(&self) -> bool {
        self.ramps.values().any(|ramp| !ramp.queue.is_empty())
    }
}

/// Whether a subscription may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    Now,
    /// Ask again at this time.
    Queued(Timestamp),
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> EntryKey {
        let presentity = Address::parse(&format!("p{number}@peer.example")).unwrap();
        (presentity, Address::parse("alice@wv.example").unwrap())
    }

    #[test]
    fn the_ramp_starts_so_many_each_second_in_order() {
        let (mut cache, peer) = (Cache::default(), PeerName::new("core"));
        let second = Timestamp::from_secs;
        let starts: Vec<Start> = (0..5).map(|number| cache.start(&peer, &key(number), second(1), 2)).collect();
        assert_eq!(starts.iter().filter(|start| **start == Start::Now).count(), 2);
        assert_eq!(cache.release(second(1), 2), []);
        assert_eq!(cache.release(second(2), 2), [key(2), key(3)]);
        assert_eq!(cache.release(second(3), 2), [key(4)]);
        assert!(!cache.has_queued());
    }

    #[test]
    fn a_belief_ends_with_its_time() {
        let mut cache = Cache::default();
        let (presentity, _) = key(1);
        cache.believe_unknown(&presentity, Timestamp::from_secs(1), Timestamp::from_secs(10));
        let left = Duration::from_secs(5);
        assert_eq!(cache.belief(&presentity, Timestamp::from_secs(5)), Some(Belief::Unknown(left)));
        assert_eq!(cache.belief(&presentity, Timestamp::from_secs(10)), None);
    }
}
