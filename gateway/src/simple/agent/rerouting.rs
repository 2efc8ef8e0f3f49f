//! Neighbours that come, go and change while the gateway runs.

use super::{Agent, notification::Entry, trunk::Trunks};
use crate::lane::Neighbourhood;
use mapping::{route::Route, time::Timestamp, watcher::EndReason};

impl Agent {
    /// From now on these are the neighbours. Nothing happens to those that stay; what the engine wanted of others it ends
    /// itself.
    pub(super) fn reroute(&mut self, now: Timestamp, neighbourhood: &Neighbourhood) {
        self.current = self.correlation();
        let domains = std::mem::replace(&mut self.settings.domains, neighbourhood.routing.domains.clone());
        let mut peers = neighbourhood.simple.clone();
        peers.learn_from(&self.settings.peers);
        for gone in self.settings.peers.iter().filter(|peer| peers.find(&peer.name).is_none()) {
            tracing::info!(side = "simple", peer = gone.name.as_str(), "peer removed");
        }
        let trunks = Trunks::of(&peers);
        std::mem::replace(&mut self.trunks, trunks).hand_over_to(&mut self.trunks);
        self.settings.peers = peers;
        // RFC 6665 §4.1.3: who watches from there is told not to come again.
        let known = &self.settings.domains;
        let is_gone = |entry: &Entry| {
            let old = domains.find(&entry.watcher);
            old.is_some_and(|row| row.route != Route::Hosted) && old != known.find(&entry.watcher)
        };
        for name in self.notifiers.names(is_gone) {
            self.terminate_notifier(now, &name, EndReason::NoResource);
        }
        self.flush();
    }
}
