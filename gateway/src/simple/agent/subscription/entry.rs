//! What one back-end subscription is, and its machines: one, or several where a SUBSCRIBE may be answered by several.

use super::partial::Partial;
use crate::simple::agent::way::Way;
use mapping::{address::Address, correlation::Correlation, event::SubscriptionId, side::PeerName};
use sip_proto::{
    body::{
        partial,
        watcher_info::{MEDIA_TYPE, WatcherTable},
    },
    event::{
        body::Body,
        package::Forks,
        subscriber::{Subscriber, SubscriberCommand, SubscriberState},
    },
    message::header::identifier::{EntityTag, Tag},
    transaction::via::Hop,
};
use std::time::Duration;

/// One subscription at a neighbour server.
pub(super) struct Entry {
    pub(super) machine: Subscriber,
    /// Further notifiers that answered the same SUBSCRIBE.
    pub(super) siblings: Vec<Subscriber>,
    /// What each of the notifiers has told of watchers, the first one's first.
    pub(super) tables: Vec<WatcherTable>,
    pub(super) name: SubscriptionId,
    pub(super) wish: Wish,
    /// How the neighbour is reached.
    pub(super) ways: Vec<Way>,
    /// Where the last request went.
    pub(super) hop: Option<Hop>,
    pub(super) correlation: Correlation,
    /// The newest document, where the neighbour gives tags.
    pub(super) document: Option<Body>,
    /// What partial documents have been put together to, where the neighbour sends such.
    pub(super) partial: Option<Box<Partial>>,
    /// The tag in the newest record.
    pub(super) kept_tag: Option<EntityTag>,
    /// The end of its lifetime in the newest record.
    pub(super) kept_until: Option<sip_proto::time::Timestamp>,
    /// A restored one is left when the engine has not opened it again until then.
    pub(super) claim_until: Option<sip_proto::time::Timestamp>,
}

/// What the engine wants of a neighbour.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(in crate::simple::agent) struct Wish {
    /// Through which peer.
    pub(in crate::simple::agent) peer: PeerName,
    /// On whose behalf.
    pub(in crate::simple::agent) watcher: Address,
    /// To whom.
    pub(in crate::simple::agent) presentity: Address,
    /// Whether one document is enough.
    pub(in crate::simple::agent) lasting: bool,
    /// What is subscribed to.
    #[serde(default)]
    pub(in crate::simple::agent) package: Package,
}

/// What is subscribed to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simple::agent) enum Package {
    /// Presence.
    #[default]
    Presence,
    /// Who watches it.
    WatcherInfo,
}

impl Package {
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::WatcherInfo => "presence.winfo",
        }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Presence => "application/pidf+xml",
            Self::WatcherInfo => MEDIA_TYPE,
        }
    }

    /// What is asked for, the usual type first.
    pub(super) fn accepted(self) -> impl Iterator<Item = &'static str> {
        // RFC 5263 §4.2
        let partial = (self == Self::Presence).then_some(partial::MEDIA_TYPE);
        std::iter::once(self.media_type()).chain(partial)
    }

    pub(super) const fn forks(self) -> Forks {
        match self {
            // RFC 3856 §6.9
            Self::Presence => Forks::OneDialog,
            // RFC 3857 §4.9
            Self::WatcherInfo => Forks::Several,
        }
    }
}

impl Entry {
    pub(super) fn new(
        machine: Subscriber,
        name: SubscriptionId,
        wish: Wish,
        ways: Vec<Way>,
        correlation: Correlation,
    ) -> Self {
        let (kept_until, tables) = (machine.expires_at(), vec![WatcherTable::default()]);
        let (siblings, kept_tag) = (Vec::new(), machine.entity_tag().cloned());
        Self {
            machine,
            siblings,
            tables,
            name,
            wish,
            ways,
            hop: None,
            correlation,
            document: None,
            partial: None,
            kept_tag,
            kept_until,
            claim_until: None,
        }
    }

    /// The machine of that number; the first one is 0.
    pub(super) fn machine_mut(&mut self, index: usize) -> &mut Subscriber {
        match index.checked_sub(1).and_then(|index| self.siblings.get_mut(index)) {
            Some(sibling) => sibling,
            None => &mut self.machine,
        }
    }

    /// The number of the machine whose other side has this tag, else that of the first one.
    pub(super) fn index_of(&self, remote: Option<&Tag>) -> usize {
        let is_meant = |machine: &Subscriber| machine.dialog_id().map(|id| id.remote_tag).as_ref() == remote;
        let place = remote.and_then(|_| self.siblings.iter().position(is_meant));
        place.map_or(0, |place| place.saturating_add(1))
    }

    pub(super) fn poll(&mut self) -> Option<(usize, SubscriberCommand)> {
        let siblings = self.siblings.iter_mut().enumerate();
        let machines =
            std::iter::once((0, &mut self.machine)).chain(siblings.map(|(place, one)| (place.saturating_add(1), one)));
        machines.into_iter().find_map(|(index, machine)| machine.poll().map(|command| (index, command)))
    }

    pub(super) fn each(&mut self, mut deed: impl FnMut(&mut Subscriber)) {
        deed(&mut self.machine);
        self.siblings.iter_mut().for_each(deed);
    }

    pub(super) fn deadline(&self) -> Option<sip_proto::time::Timestamp> {
        let machines = std::iter::once(&self.machine).chain(&self.siblings);
        machines.filter_map(Subscriber::deadline).chain(self.claim_until).min()
    }

    /// Forgets the siblings that are over.
    pub(super) fn bury(&mut self) {
        let mut index = 0_usize;
        while let Some(sibling) = self.siblings.get(index) {
            if sibling.state() == SubscriberState::Ended {
                self.siblings.remove(index);
                self.tables.remove(index.saturating_add(1));
            } else {
                index = index.saturating_add(1);
            }
        }
    }
}

/// Documents with their tags.
pub(super) struct Resumable(pub(super) moka::sync::Cache<SubscriptionId, (EntityTag, Body)>);

impl Default for Resumable {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(RESUMABLE_MAX).time_to_live(RESUMABLE_LIFE).build())
    }
}

/// Documents of lost dialogs, of as many watchers as a neighbour may lose at once.
const RESUMABLE_MAX: u64 = 10_000;

/// As long as a subscription lasts; what is older is asked for anew.
const RESUMABLE_LIFE: Duration = Duration::from_secs(3600);
