//! Notification of events (1.3): which events each session wants to hear of.

use super::{Sessions, execute::Pending};
use crate::store::WireRecord;
use bytes::Bytes;
use mapping::{event::Operation, time::Timestamp};
use wv_proto::{
    primitive::{
        Primitive,
        identifier::SessionId,
        notification::{NotificationPayload, NotificationRequest, NotificationType},
    },
    session::{poll::QueueKey, transaction::Ticket},
    status::StatusCode,
};

impl Sessions {
    /// The session wants to hear of these events, too; of the ones that are not known it never will.
    // WV-NTF-01
    pub(super) fn subscribe_notices(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        types: &[NotificationType],
    ) {
        let known = types.iter().filter(|wanted| !matches!(wanted, NotificationType::Other(_)));
        let mut all = self.notices.get(id).cloned().unwrap_or_default();
        let had_questions = all.contains(&NotificationType::AuthorizationNeededForUser);
        for wanted in known {
            match wanted {
                NotificationType::DoNotNotify => all.clear(),
                wanted if !all.contains(wanted) => all.push(wanted.clone()),
                _ => {}
            }
        }
        let has_questions = all.contains(&NotificationType::AuthorizationNeededForUser);
        self.keep_notices(id, all);
        self.refuse_transaction(now, id, ticket, StatusCode::SUCCESS);
        if has_questions && !had_questions {
            // What was asked already in the other way is asked again in the way that the client wants.
            if let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) {
                self.ask(user, id, Operation::RepeatQuestions, Pending::Nothing);
            }
        }
    }

    pub(super) fn unsubscribe_notices(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        types: &[NotificationType],
    ) {
        let mut all = self.notices.get(id).cloned().unwrap_or_default();
        all.retain(|known| !types.contains(known));
        self.keep_notices(id, all);
        self.refuse_transaction(now, id, ticket, StatusCode::SUCCESS);
    }

    /// Whether the session wants to hear of the event.
    pub(super) fn wants_notice(&self, id: &SessionId, wanted: &NotificationType) -> bool {
        self.notices.get(id).is_some_and(|types| types.contains(wanted))
    }

    /// Tells the user's other sessions that want to hear of it.
    pub(super) fn tell_others(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        what: &NotificationType,
        payload: &NotificationPayload,
    ) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let mut others: Vec<SessionId> = self.by_user.get(&user).cloned().unwrap_or_default();
        others.retain(|other| other != id && self.wants_notice(other, what));
        for other in others {
            self.tell_notice(now, &other, what, payload);
        }
    }

    /// Tells a session, if it wants to hear of that.
    pub(super) fn tell_notice(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        what: &NotificationType,
        payload: &NotificationPayload,
    ) {
        if !self.wants_notice(id, what) {
            return;
        }
        let notice = NotificationRequest { notification_type: what.clone(), payload: payload.clone() };
        self.notice_number = self.notice_number.wrapping_add(1);
        let key = QueueKey::Other(format!("notice {}", self.notice_number).into());
        self.enqueue(now, id, key, Primitive::NotificationRequest(Box::new(notice)));
    }

    /// Takes up what was kept.
    pub(super) fn restore_notices(&mut self, record: &WireRecord) {
        let Some(body) = &record.body else { return };
        match serde_json::from_slice(body) {
            Ok(types) => drop(self.notices.insert(SessionId::new(record.key.as_ref()), types)),
            Err(error) => tracing::warn!(side = "wv", session = %record.key, %error, "notices not restored"),
        }
    }

    /// The session is over.
    pub(super) fn forget_notices(&mut self, id: &SessionId) {
        if self.notices.contains_key(id) {
            self.keep_notices(id, Vec::new());
        }
    }

    fn keep_notices(&mut self, id: &SessionId, types: Vec<NotificationType>) {
        let Some(owner) = self.entries.get(id).map(|entry| entry.user.to_shared()) else { return };
        let body = if types.is_empty() { None } else { serde_json::to_vec(&types).ok().map(Bytes::from) };
        if types.is_empty() {
            self.notices.remove(id);
        } else {
            self.notices.insert(id.clone(), types);
        }
        self.record(NOTICES, id, owner, body);
    }
}

/// The kind of the records.
pub(super) const NOTICES: &str = "notices";
