//! Taking up what was kept.

use super::{Federation, Subscriptions, parts_of, to_wv};
use crate::store::WireRecord;
use mapping::{address::Address, engine::Engine, time::Timestamp};
use std::collections::BTreeSet;
use wv_proto::ssp::association::Association;

/// The kind of the records that hold associations.
pub(super) const ASSOCIATION: &str = "ssp_association";

/// The kind of the records that hold transactions. In the order of kinds they come after their associations.
pub(super) const TRANSACTION: &str = "ssp_transaction";

impl Federation {
    /// Takes up a kept record; what belongs to no peer any more is forgotten.
    pub(super) fn restore(&mut self, now: Timestamp, record: &WireRecord) {
        let Some(body) = &record.body else { return };
        let mut words = record.key.split(' ');
        let (Some(local), Some(peer)) = (words.next(), words.next()) else { return };
        let Some(settings) = self.association_settings(local, peer) else {
            return self.record(&record.kind, &record.key, None);
        };
        match record.kind.as_ref() {
            ASSOCIATION => match Association::restore(to_wv(now), settings, body) {
                Ok(machine) => {
                    self.add_member((local.into(), peer.into()), machine);
                }
                Err(error) => tracing::warn!(side = "wv", peer, %error, "association not restored"),
            },
            TRANSACTION => {
                let Some(index) = self.member(now, local, peer) else { return };
                let Some(member) = self.members.get_mut(index) else { return };
                if let Err(error) = member.machine.restore_transaction(body) {
                    tracing::warn!(side = "wv", peer, %error, "transaction not restored");
                    self.record(&record.kind, &record.key, None);
                }
            }
            _ => {}
        }
    }

    /// Starts anew from what was kept, because a batch was lost. Who waited has been refused.
    pub(super) fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        self.members.clear();
        self.purposes.clear();
        self.trials.clear();
        self.subscriptions = Subscriptions::default();
        self.far_members.clear();
        kept.iter().for_each(|record| self.restore(now, record));
    }

    /// Ends watches of users whose peer is no peer any more.
    pub(super) fn reconcile(&mut self, _: Timestamp, engine: &Engine) {
        self.current = self.correlation();
        self.learn_seats(engine);
        let mut gone: BTreeSet<(String, Address)> = BTreeSet::new();
        for row in engine.watches() {
            if let Some((local, watcher)) = parts_of(&row.endpoint)
                && self.association_settings(&local, watcher.domain()).is_none()
            {
                gone.insert((local, watcher));
            }
        }
        for (local, watcher) in gone {
            self.drop_watches(&local, &watcher);
        }
    }
}
