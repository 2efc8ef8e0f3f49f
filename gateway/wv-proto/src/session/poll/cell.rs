//! What server-initiated transactions meet, as their state table names it.

use super::{Occasion, Outbox, Phase, QueueKey, Sent};
use crate::{
    primitive::{Primitive, identifier::TransactionId},
    session::{limit::SessionLimits, time::Timestamp},
    witness::met,
};

impl Outbox {
    /// Names the cells of something that concerns one key: its own, and those of all others.
    pub(super) fn name_about(&self, key: &QueueKey, event: &str, event_of_others: Option<&str>) {
        let Some(kind) = kind_of_key(key) else { return };
        if !cfg!(debug_assertions) {
            return;
        }
        let sent = self.sent.iter().find(|sent| sent.keys.contains(key));
        let is_queued = self.queue.iter().any(|queued| queued.key == *key);
        let state = sent.map_or(if is_queued { "queued" } else { "empty" }, Sent::state);
        name(kind, state, event);
        if let Some(event) = event_of_others {
            self.name_all(event, |sent| !sent.keys.contains(key));
        }
    }

    /// Names the cells of an answer.
    pub(super) fn name_answer(&self, id: &TransactionId) {
        self.name_sent("answer", |sent| sent.bears(id));
        if !self.is_open(id) {
            self.name_queued("answer");
        }
    }

    /// Names the cells of an occasion to send something.
    pub(super) fn name_occasion(&self, now: Timestamp, occasion: Occasion, limits: &SessionLimits) {
        if occasion == Occasion::Acknowledgement {
            return self.name_all("answer to another", |_| true);
        }
        let is_stale = |sent: &Sent| sent.sent_at.after(limits.resend_after) <= now;
        self.name_sent("poll after a while", is_stale);
        self.name_sent("poll at once", |sent| !is_stale(sent));
        self.name_queued("poll at once");
    }

    /// Names the cells that the time reaches.
    pub(super) fn name_time(&self, now: Timestamp, limits: &SessionLimits) {
        self.name_sent("time passes", |sent| sent.sent_at.after(limits.sent_life) <= now);
        self.name_queued("time passes");
    }

    /// Names the cells of what concerns everything.
    pub(super) fn name_all(&self, event: &str, of: impl Fn(&Sent) -> bool) {
        self.name_sent(event, of);
        self.name_queued(event);
    }

    fn name_sent(&self, event: &str, of: impl Fn(&Sent) -> bool) {
        if cfg!(debug_assertions) {
            for sent in self.sent.iter().filter(|sent| of(sent)) {
                let kind = match sent.primitive {
                    Primitive::PresenceNotificationRequest(_) => "presence",
                    Primitive::NewMessage(_) => "message",
                    _ => continue,
                };
                name(kind, sent.state(), event);
            }
        }
    }

    fn name_queued(&self, event: &str) {
        if cfg!(debug_assertions) {
            for kind in self.queue.iter().filter_map(|queued| kind_of_key(&queued.key)) {
                name(kind, "queued", event);
            }
        }
    }
}

impl Sent {
    fn state(&self) -> &'static str {
        let is_last = self.resends >= SessionLimits::default().resends_max;
        match (self.phase, is_last) {
            (Phase::Underway, false) => "sent",
            (Phase::Underway, true) => "sent for the last time",
            (Phase::Overdue, false) => "overdue",
            (Phase::Overdue, true) => "overdue for the last time",
            (Phase::Retracted, _) => "retracted",
        }
    }
}

const fn kind_of_key(key: &QueueKey) -> Option<&'static str> {
    match key {
        QueueKey::Presence(_) => Some("presence"),
        QueueKey::Message(_) => Some("message"),
        QueueKey::Notice(_)
        | QueueKey::Authorisation(_)
        | QueueKey::Report(_)
        | QueueKey::Invitation(_)
        | QueueKey::Group(..)
        | QueueKey::Other(_) => None,
    }
}

fn name(kind: &str, state: &str, event: &str) {
    met("wv_server_transaction", format_args!("{kind}, {state}, {event}"));
}
