//! Notification of events (1.3): which events each session wants to hear of.

use super::{Sessions, execute::Pending};
use crate::{store::WireRecord, wv::translate::address};
use bytes::Bytes;
use mapping::{command::Happening, event::Operation, side::Endpoint, time::Timestamp};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        identifier::{GroupId, SessionId},
        notification::{NotificationPayload, NotificationRequest, NotificationType},
        party::User,
    },
    session::{poll::QueueKey, transaction::Ticket},
    status::{DetailedResult, StatusCode, StatusResult},
};

impl Sessions {
    /// The session wants to hear of these events, too. Of what cannot happen here it is told so.
    // WV-NTF-01
    pub(super) fn subscribe_notices(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        types: &[NotificationType],
    ) {
        let (known, never): (Vec<_>, Vec<_>) = types.iter().partition(|wanted| is_possible(wanted));
        let mut all = self.notices.get(id).cloned().unwrap_or_default();
        let questions = |all: &[NotificationType]| all.iter().filter(|wanted| is_question(wanted)).count();
        let questions_before = questions(&all);
        for wanted in &known {
            match wanted {
                NotificationType::DoNotNotify => all.clear(),
                wanted if !all.contains(wanted) => all.push((*wanted).clone()),
                _ => {}
            }
        }
        let asks_anew = questions(&all) > questions_before;
        self.keep_notices(id, all);
        let result = to_result(known.len(), &never);
        self.settle_later(now, id, ticket, Primitive::Status(Status::from(result)));
        if asks_anew {
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

    /// Something happened that concerns the user of a session.
    pub(super) fn tell_happening(&mut self, now: Timestamp, endpoint: &Endpoint, happening: &Happening) {
        let id = SessionId::new(endpoint.id.as_ref());
        let about = |written: &str| NotificationPayload::Group(GroupId::new(written));
        let (what, payload) = match happening {
            // WV-NTF-06
            Happening::Listed { by } => {
                let user = User::from(address::to_user_id(by));
                (NotificationType::AddedToContactList, NotificationPayload::Users(vec![user]))
            }
            // WV-NTF-07
            Happening::MembershipGranted { written } => (NotificationType::GroupMembershipGranted, about(written)),
            Happening::MembershipRevoked { written } => (NotificationType::GroupMembershipRevoked, about(written)),
            Happening::MembersChanged { written } => (NotificationType::GroupMembersChanged, about(written)),
        };
        self.tell_notice(now, &id, &what, &payload);
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

/// Whether the event can happen here. The handling of messages while online is the server's own and never another one,
/// and the gateway changes the priority of no session.
// WV-NTF-08
const fn is_possible(what: &NotificationType) -> bool {
    use NotificationType as Type;
    !matches!(what, Type::OnlineEtemChanged | Type::SessionPriorityChanged | Type::Other(_))
}

const fn is_question(what: &NotificationType) -> bool {
    use NotificationType as Type;
    matches!(
        what,
        Type::AuthorizationNeededForUser
            | Type::AuthorizationNeededForContactList
            | Type::AuthorizationNeededForDefaultList
    )
}

/// The result for so many events that can happen, and those that cannot.
fn to_result(possible: usize, never: &[&NotificationType]) -> StatusResult {
    let named = |is_known: bool| {
        let names = never.iter().filter(|what| matches!(what, NotificationType::Other(_)) != is_known);
        let names: Vec<&str> = names.map(|what| what.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let known = named(true).map(|names| (StatusCode::NOT_IMPLEMENTED, format!("never here: {names}")));
    let unknown = named(false).map(|names| (StatusCode::BAD_PARAMETER, format!("not known: {names}")));
    let mut refused: Vec<(StatusCode, String)> = known.into_iter().chain(unknown).collect();
    if possible == 0
        && let Some((code, description)) = refused.pop()
    {
        return StatusResult { description: Some(description.into()), ..StatusResult::new(code) };
    }
    if refused.is_empty() {
        return StatusResult::success();
    }
    let detail = |(code, description): (StatusCode, String)| DetailedResult {
        description: Some(description.into()),
        ..DetailedResult::new(code)
    };
    let detailed = refused.into_iter().map(detail).collect();
    StatusResult { detailed, ..StatusResult::new(StatusCode::PARTIALLY_SUCCESSFUL) }
}

/// The kind of the records.
pub(super) const NOTICES: &str = "notices";

#[cfg(test)]
mod tests {
    use super::*;

    // WV-NTF-08
    #[test]
    fn what_never_happens_and_what_is_not_known_have_codes_of_their_own() {
        let other = NotificationType::Other("x".into());
        let code = |possible, never: &[&NotificationType]| to_result(possible, never).code.number();
        assert_eq!(code(0, &[]), 200);
        assert_eq!(code(0, &[&NotificationType::SessionPriorityChanged]), 501);
        assert_eq!(code(0, &[&NotificationType::SessionPriorityChanged, &other]), 402);
        let mixed = to_result(1, &[&NotificationType::OnlineEtemChanged, &other]);
        let details: Vec<u16> = mixed.detailed.iter().map(|detail| detail.code.number()).collect();
        assert_eq!((mixed.code.number(), details), (201, vec![501, 402]));
    }
}
