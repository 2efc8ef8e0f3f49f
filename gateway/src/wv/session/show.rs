//! What `show` tells of this side.

use super::Sessions;
use crate::admin::ShowTopic;
use wv_proto::quirk::Quirk;

impl Sessions {
    pub(super) fn show(&self, topic: ShowTopic) -> Vec<serde_json::Value> {
        if topic != ShowTopic::Sessions {
            return Vec::new();
        }
        let mut rows: Vec<serde_json::Value> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_over)
            .map(|(id, entry)| {
                let (machine, party) = (&entry.machine, entry.machine.party());
                serde_json::json!({
                    "side": "wv",
                    "session": id.as_str(),
                    "user": entry.user,
                    "client": party.client_id.as_str(),
                    "version": party.version.as_str(),
                    "encoding": format!("{:?}", party.encoding).to_lowercase(),
                    "profile": party.profile,
                    "quirks": entry.heeded.iter().map(Quirk::as_str).collect::<Vec<_>>().join(" "),
                    "state": format!("{:?}", machine.state()).to_lowercase(),
                    "queued": machine.queued_count(),
                    "unacknowledged": machine.open_count(),
                    "lapses_at_ms": machine.keep_alive().lapses().as_millis(),
                })
            })
            .collect();
        rows.sort_by_key(|row| row.get("session").map(ToString::to_string));
        rows
    }
}
