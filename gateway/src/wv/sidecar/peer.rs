//! The servers: whether they can be reached, and who may log in next.

use super::{CspPeer, SessionEvent, Sidecar, post::PostClient};
use mapping::{event::EventKind, time::Timestamp};
use std::{collections::VecDeque, rc::Rc, time::Duration};

/// A server, and what is known of it now.
pub(super) struct Peer {
    pub(super) client: Rc<PostClient>,
    pub(super) reach: Reach,
    /// Shadows that wait for their login, in order.
    pub(super) entering: VecDeque<usize>,
    /// When the next one may.
    pub(super) next_entry: Timestamp,
    /// When somebody looks whether it is there, unless something is heard of it before.
    next_probe: Timestamp,
    /// Whether somebody is looking.
    is_probed: bool,
}

/// Whether a server can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nobody has tried yet.
    Unknown,
    Reached,
    Lost,
}

impl Reach {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Reached => "reachable",
            Self::Lost => "unreachable",
        }
    }
}

impl Peer {
    pub(super) fn new(peer: &CspPeer) -> Self {
        Self {
            client: Rc::new(PostClient::new(peer.target.clone(), peer.connections_max)),
            reach: Reach::Unknown,
            entering: VecDeque::new(),
            next_entry: Timestamp::EPOCH,
            next_probe: Timestamp::EPOCH,
            is_probed: false,
        }
    }

    pub(super) const fn next_probe(&self) -> Option<Timestamp> {
        if self.is_probed { None } else { Some(self.next_probe) }
    }

    fn next_in(&mut self, now: Timestamp, gap: Duration) -> Option<usize> {
        if self.next_entry > now {
            return None;
        }
        let next = self.entering.pop_front()?;
        // What was missed is not made up for: never two at once.
        self.next_entry = self.next_entry.max(now).after(gap);
        Some(next)
    }
}

impl Sidecar {
    /// A session may log in as soon as it is its turn.
    pub(super) fn queue_entry(&mut self, now: Timestamp, index: usize) {
        let Some(peer) = self.shadows.get(index).map(|shadow| shadow.peer) else { return };
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.entering.push_back(index);
        }
        self.let_in(now, peer);
    }

    /// Lets in those whose turn it is.
    pub(super) fn let_in(&mut self, now: Timestamp, index: usize) {
        let gap = Duration::from_secs(1).checked_div(self.settings.logins_per_s.max(1)).unwrap_or_default();
        while let Some(next) = self.peers.get_mut(index).and_then(|peer| peer.next_in(now, gap)) {
            let correlation = self.correlation();
            let before = std::mem::replace(&mut self.current, correlation);
            self.turn(now, next, SessionEvent::Admit);
            self.current = before;
        }
    }

    /// Whether a server can be reached, as was seen just now.
    pub(super) fn note_reachability(&mut self, now: Timestamp, index: usize, is_reachable: bool) {
        let Some(peer) = self.peers.get_mut(index) else { return };
        let reach = if is_reachable { Reach::Reached } else { Reach::Lost };
        let before = std::mem::replace(&mut peer.reach, reach);
        peer.next_probe = now.after(if is_reachable { SILENCE } else { PROBE_EVERY });
        if before == reach {
            return;
        }
        let Some(name) = self.settings.peers.get(index).map(|peer| peer.name.clone()) else { return };
        self.readiness.note(name.as_str(), is_reachable);
        match (before, is_reachable) {
            (Reach::Unknown, true) => return tracing::info!(side = "wv", peer = name.as_str(), "WV server reached"),
            (_, true) => {
                tracing::info!(side = "wv", peer = name.as_str(), "WV server reached again");
                self.hurry(now, index);
            }
            (_, false) => tracing::warn!(side = "wv", peer = name.as_str(), "WV server cannot be reached"),
        }
        self.tell(EventKind::Peer { peer: name, reachable: is_reachable });
    }

    /// The server is there again: what waits because of it need not wait longer, but each in its turn.
    fn hurry(&mut self, now: Timestamp, index: usize) {
        let waiting: Vec<usize> = self
            .shadows
            .iter()
            .enumerate()
            .filter(|(_, shadow)| shadow.peer == index && shadow.session.is_wanted())
            .map(|(place, _)| place)
            .collect();
        for place in waiting {
            self.turn(now, place, SessionEvent::Retry);
        }
    }

    /// Looks whether the servers are there of which nothing was heard for a while.
    pub(super) fn probe(&mut self, now: Timestamp) {
        let Some(own) = self.own.clone() else { return };
        for (index, peer) in self.peers.iter_mut().enumerate() {
            if peer.next_probe().is_none_or(|at| at > now) {
                continue;
            }
            peer.is_probed = true;
            let (client, own) = (Rc::clone(&peer.client), own.clone());
            tokio::task::spawn_local(async move {
                let is_there = client.is_there().await;
                let Some(own) = own.upgrade() else { return };
                let mut sidecar = own.borrow_mut();
                let now = sidecar.clock.now();
                if let Some(peer) = sidecar.peers.get_mut(index) {
                    peer.is_probed = false;
                }
                sidecar.note_reachability(now, index, is_there);
                sidecar.wake.notify_one();
            });
        }
    }
}

/// How often somebody looks whether a server is there again.
const PROBE_EVERY: Duration = Duration::from_secs(3);

/// Somebody looks after a server of which nothing was heard for so long.
const SILENCE: Duration = Duration::from_secs(10);
