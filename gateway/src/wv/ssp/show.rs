//! What `show` tells of the peers.

use super::{Federation, to_wv};
use crate::admin::ShowTopic;
use wv_proto::ssp::association::AssociationState;

impl Federation {
    pub(super) fn show(&self, topic: ShowTopic) -> Vec<serde_json::Value> {
        if topic != ShowTopic::Peers {
            return Vec::new();
        }
        let now = to_wv(self.clock.now());
        let mut rows: Vec<serde_json::Value> = self
            .members
            .values()
            .map(|member| {
                let settings = member.machine.settings();
                serde_json::json!({
                    "side": "wv",
                    "peer": member.peer,
                    "domain": settings.peer.domain(),
                    "local": settings.local.domain(),
                    "address": member.target.authority,
                    "state": if member.leaves_at.is_some() { "leaving" } else { word_of(member.machine.state(now)) },
                    "session": member.machine.session().map(|(own, _)| own.as_str()),
                    "waiting": member.machine.waiting(),
                    "quirks": member.quirks.iter().map(|quirk| quirk.as_str()).collect::<Vec<_>>().join(" "),
                })
            })
            .collect();
        for peer in &self.settings.peers {
            for domain in &peer.domains {
                let is_shown =
                    self.members.values().any(|member| member.machine.settings().peer.domain() == domain.as_ref());
                if !is_shown {
                    rows.push(serde_json::json!({
                        "side": "wv", "peer": peer.name, "domain": domain, "address": peer.target.authority,
                        "state": word_of(AssociationState::Idle), "waiting": 0,
                    }));
                }
            }
        }
        rows
    }

    pub(super) fn tally(&self) -> Vec<(&'static str, usize)> {
        let open = self.members.values().filter(|member| member.machine.session().is_some()).count();
        let waiting = self.members.values().map(|member| member.machine.waiting());
        vec![
            ("ssp_sessions", open),
            ("ssp_transactions", waiting.fold(0, usize::saturating_add)),
            ("ssp_subscriptions", self.subscriptions.count()),
        ]
    }
}

const fn word_of(state: AssociationState) -> &'static str {
    match state {
        AssociationState::Idle => "idle",
        AssociationState::Opening => "opening",
        AssociationState::Answering => "answering",
        AssociationState::Open => "open",
        AssociationState::BackingOff => "backing off",
    }
}
