//! What `show` tells of the shadows, what is counted, and what happens when a batch is lost.

use super::{Sidecar, peer::Reach};
use crate::{admin::ShowTopic, store::WireRecord};
use mapping::time::Timestamp;
use serde_json::json;
use wv_proto::session::standing::{Event as SessionEvent, Standing};

impl Sidecar {
    pub(super) fn show(&self, topic: ShowTopic) -> Vec<serde_json::Value> {
        match topic {
            ShowTopic::Peers => self.show_peers(),
            ShowTopic::Sessions => self.show_sessions(),
            _ => Vec::new(),
        }
    }

    fn show_peers(&self) -> Vec<serde_json::Value> {
        let rows = self.settings.peers.iter().zip(&self.peers).enumerate();
        rows.map(|(place, (row, peer))| {
            let of_peer = || self.shadows.iter().filter(|shadow| shadow.peer == place && !shadow.is_retired);
            let open = of_peer().filter(|shadow| shadow.session.standing() == Standing::Open).count();
            let barred = of_peer().filter(|shadow| matches!(shadow.session.standing(), Standing::Barred(_))).count();
            json!({
                "side": "wv",
                "peer": row.name,
                "domain": row.domains.join(","),
                "address": row.target.authority,
                "state": if row.observe && peer.reach == Reach::Reached { "observed" } else { peer.reach.as_str() },
                "shadows": of_peer().count(),
                "open": open,
                "barred": barred,
                "waiting": peer.entering.len(),
            })
        })
        .collect()
    }

    fn show_sessions(&self) -> Vec<serde_json::Value> {
        let now = self.clock.now();
        let row = |shadow: &super::Shadow| {
            let session = &shadow.session;
            json!({
                "side": "wv",
                "user": shadow.account.as_str(),
                "for": shadow.user.as_str(),
                "kind": "shadow",
                "state": word_of(session.standing()),
                "session": session.session_id().map(|id| id.as_str()),
                "code": shadow.last_code.map(|code| code.number()),
                "next_try_s": session.next_try().map(|at| now.until(Timestamp::from_millis(at.as_millis())).as_secs()),
                "watching": shadow.watching,
                "watchers": shadow.watchers.len(),
                "waiting": session.waiting(),
            })
        };
        let is_used =
            |shadow: &&super::Shadow| shadow.session.is_wanted() || shadow.session.standing() != Standing::Out;
        self.shadows.iter().filter(is_used).map(row).collect()
    }

    pub(super) fn tally(&self) -> Vec<(&'static str, usize)> {
        let standing = |wanted: fn(Standing) -> bool| {
            self.shadows.iter().filter(|shadow| wanted(shadow.session.standing())).count()
        };
        vec![
            ("shadow_sessions", standing(|standing| standing == Standing::Open)),
            ("shadow_accounts_barred", standing(|standing| matches!(standing, Standing::Barred(_)))),
            ("shadow_logins_waiting", self.peers.iter().map(|peer| peer.entering.len()).sum()),
            ("shadow_subscriptions", self.subscriptions.count()),
            ("shadow_servers_lost", self.peers.iter().filter(|peer| peer.reach == Reach::Lost).count()),
        ]
    }

    /// Requests whose answers somebody waits for.
    pub(super) fn under_way(&self) -> usize {
        let staying = if self.is_leaving { self.staying() } else { 0 };
        self.purposes.len().saturating_add(self.pending.len()).saturating_add(staying)
    }

    /// A batch is lost: what the engine was told in it is told again by the servers, to whom nothing was acknowledged.
    pub(super) fn refuse(&mut self, now: Timestamp) {
        self.inputs.clear();
        let held: Vec<(usize, u64)> =
            std::mem::take(&mut self.held).into_values().map(|held| (held.shadow, held.ticket)).collect();
        let of_pending = |pending: super::answer::Pending| pending.offered();
        let pending = std::mem::take(&mut self.pending).into_values().filter_map(of_pending);
        for (shadow, ticket) in held.into_iter().chain(pending.collect::<Vec<_>>()) {
            self.turn(now, shadow, SessionEvent::Withhold { ticket });
        }
    }

    /// Starts anew from what was kept. The sessions go on: nothing of them is kept.
    pub(super) fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        self.reports.clear();
        self.reset_subscriptions();
        kept.iter().for_each(|record| self.restore(now, record));
    }
}

const fn word_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Out => "out",
        Standing::Entering => "entering",
        Standing::Open => "open",
        Standing::Leaving => "leaving",
        Standing::Barred(_) => "barred",
    }
}
