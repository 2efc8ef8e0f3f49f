//! What `show` tells of this side.

use super::Agent;
use crate::admin::ShowTopic;

impl Agent {
    pub(super) fn show(&self, topic: ShowTopic) -> Vec<serde_json::Value> {
        match topic {
            ShowTopic::Dialogs => {
                let mut rows = self.notifiers.show();
                rows.extend(self.subscribers.show());
                rows
            }
            ShowTopic::Sessions => {
                let mut rows = self.registrations();
                rows.extend(self.far_registrations.show());
                rows
            }
            ShowTopic::Peers => self
                .settings
                .peers
                .iter()
                .filter(|peer| peer.members.is_empty())
                .map(|peer| {
                    let (state, since) = self.trunks.state(&peer.name);
                    let address = peer.ways.first().map(super::Way::to_text);
                    serde_json::json!({
                        "side": "simple", "peer": peer.name, "address": address, "trusted": peer.is_trusted,
                        "state": state, "since_ms": since,
                    })
                })
                .collect(),
            ShowTopic::Publications => self.publishers.show(),
            ShowTopic::Subscriptions | ShowTopic::Queues | ShowTopic::Announcements | ShowTopic::Conversations => {
                Vec::new()
            }
        }
    }

    /// How many things are open.
    pub(super) fn tally(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("dialogs", self.notifiers.count().saturating_add(self.subscribers.count())),
            ("registrations", self.registrar.addresses().count()),
            ("publications", self.publishers.count()),
            ("far_registrations", self.far_registrations.count()),
            ("deliveries", self.deliveries.len()),
            ("transactions", self.table.len()),
        ]
    }

    fn registrations(&self) -> Vec<serde_json::Value> {
        self.registrar
            .addresses()
            .flat_map(|address| {
                self.registrar.bindings(address).iter().map(move |binding| {
                    serde_json::json!({
                        "side": "simple", "user": address, "contact": binding.contact.uri().to_string(),
                        "expires_at_ms": binding.expires_at.as_millis(),
                    })
                })
            })
            .collect()
    }
}
