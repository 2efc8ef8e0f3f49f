//! Commands of the engine: what is told to clients waits in the queues of their sessions.

use super::plain_text::is_tellable;
use super::{Sessions, to_wv};
use crate::wv::translate::{address, announcement, authorization, message, watcher};
use mapping::{
    address::Address,
    command::{Command, CommandKind, DeliveryRoute, Ground, Notification},
    correlation::Correlation,
    presence::{AttributeSet, PresenceView},
    side::Endpoint,
    time::Timestamp,
};
use std::sync::Arc;
use wv_proto::{
    primitive::{
        Primitive,
        identifier::{GroupId, MessageId, SessionId},
        notification::NotificationType,
        presence::{PresenceNotificationRequest, Presentity},
    },
    quirk::Quirk,
    session::{
        poll::{QueueKey, ServerPrimitive},
        server::Event,
    },
};

impl Sessions {
    /// Carries out a command; everything that it promises is committed.
    pub(super) fn carry_out(&mut self, now: Timestamp, command: Command) {
        self.current = command.correlation;
        match command.kind {
            CommandKind::Answer { request, answer } => self.answered(now, request.number, &answer),
            CommandKind::Notify(notification) => self.notify(now, &notification),
            CommandKind::AskAuthorization { endpoint, watcher: asking, attributes, ground, lists, .. } => {
                let id = session_of(&endpoint);
                let key = QueueKey::Authorisation(address::to_user_id(&asking));
                let question = self.question(&id, &asking, attributes, ground, &lists);
                self.enqueue(now, &id, key, question);
            }
            CommandKind::Deliver { route: DeliveryRoute::Endpoint(endpoint), message, .. } => {
                let key = QueueKey::Message(MessageId::new(message.id.as_str()));
                let id = session_of(&endpoint);
                let Some(entry) = self.entries.get(&id) else { return };
                // None: the client has changed its mind about what it takes; the message waits for another one.
                if let Some(new) = message::to_new_message(&message, entry.machine.negotiated(), now) {
                    self.enqueue(now, &id, key, Primitive::NewMessage(Box::new(new)));
                }
            }
            CommandKind::Report { route: DeliveryRoute::Endpoint(endpoint), report } => {
                let id = session_of(&endpoint);
                let key = report_key(report.message.as_str(), &report.recipient);
                let told = message::to_delivery_report(&report, self.version(&id));
                self.enqueue(now, &id, key, Primitive::DeliveryReportRequest(Box::new(told)));
            }
            CommandKind::Announce { endpoint, announcement } => {
                let key = announcement_key(&announcement.id);
                let request = announcement::to_request(&announcement);
                self.enqueue(now, &session_of(&endpoint), key, Primitive::SystemMessageRequest(request));
            }
            CommandKind::Happened { endpoint, happening } => self.tell_happening(now, &endpoint, &happening),
            CommandKind::Retract { endpoint, message } => {
                let id = session_of(&endpoint);
                if let Some(entry) = self.entries.get_mut(&id) {
                    let message = MessageId::new(message.as_str());
                    for key in [QueueKey::Message(message.clone()), QueueKey::Notice(message)] {
                        entry.chains.remove(&key);
                        entry.machine.handle(to_wv(now), Event::Retract(key));
                    }
                    self.drive(now, &id);
                }
            }
            CommandKind::Conversation { endpoint, conversation, written, news } => {
                let is_known = !written.is_empty();
                let group = if is_known { GroupId::new(&*written) } else { address::to_group_id(&conversation) };
                self.tell_group(now, &endpoint, group, &news);
            }
            CommandKind::Invitation { endpoint, news } => self.tell_invitation(now, &endpoint, &news),
            // Neighbours of this side are not built yet; the configuration refuses them.
            CommandKind::Deliver { .. } | CommandKind::Report { .. } => {}
            CommandKind::TellWatchers(_)
            | CommandKind::Register { .. }
            | CommandKind::Deregister { .. }
            | CommandKind::LearnWatchers { .. }
            | CommandKind::ForgetWatchers { .. }
            | CommandKind::OpenSubscription { .. }
            | CommandKind::CloseSubscription { .. }
            | CommandKind::Publish { .. }
            | CommandKind::Far(_) => {}
            // The lane's own business.
            CommandKind::Keep(_) | CommandKind::Forward(_) => {}
        }
    }

    /// How a client is asked whether somebody may watch.
    fn question(
        &self,
        id: &SessionId,
        asking: &Address,
        attributes: AttributeSet,
        ground: Ground,
        lists: &[String],
    ) -> Primitive {
        let version = self.version(id);
        // WV-NTF-05, WV-ATT-03
        let placed = match ground {
            Ground::Watcher => NotificationType::AuthorizationNeededForUser,
            Ground::Nothing if lists.is_empty() => NotificationType::AuthorizationNeededForDefaultList,
            Ground::Everybody => NotificationType::AuthorizationNeededForDefaultList,
            Ground::Nothing | Ground::Lists => NotificationType::AuthorizationNeededForContactList,
        };
        // WV-NTF-03
        let of_user = NotificationType::AuthorizationNeededForUser;
        match [placed, of_user].into_iter().find(|what| self.wants_notice(id, what)) {
            Some(what) => Primitive::NotificationRequest(Box::new(authorization::to_notification(
                what, asking, attributes, lists, version,
            ))),
            None => Primitive::PresenceAuthRequest(watcher::to_question(asking, attributes, version)),
        }
    }

    fn notify(&mut self, now: Timestamp, notification: &Notification) {
        let Some(view) = &notification.view else { return };
        let id = session_of(&notification.endpoint);
        // QUIRK whole_presence: takes what a notification does not name for gone, so each one names all that the watcher
        // may see, not only what changed; Android.
        let changed = if self.heeds(&id, Quirk::WholePresence) { view.attributes } else { view.changed };
        let key = QueueKey::Presence(address::to_user_id(&notification.presentity));
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| !entry.is_over) else { return };
        // WV-PRS-10: what the client has not acknowledged is told with what is new, as far as it may still be seen.
        let untold = entry.untold.entry(key.clone()).or_default();
        *untold = untold.union(changed);
        let view = PresenceView { changed: *untold, ..view.clone() };
        let presence = watcher::to_presence(&notification.presentity, &view, self.version(&id));
        let request = PresenceNotificationRequest { presences: vec![presence] };
        self.enqueue(now, &id, key, Primitive::PresenceNotificationRequest(request));
    }

    /// Takes back what waits under a key.
    pub(super) fn retract(&mut self, now: Timestamp, id: &SessionId, key: &QueueKey) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.chains.remove(key);
            entry.machine.handle(to_wv(now), Event::Retract(key.clone()));
            self.drive(now, id);
        }
    }

    pub(super) fn enqueue(&mut self, now: Timestamp, id: &SessionId, key: QueueKey, primitive: Primitive) {
        let chain = self.current;
        let Some(entry) = self.entries.get_mut(id).filter(|entry| !entry.is_over) else { return };
        if entry.plain.is_some() && !is_tellable(&primitive) {
            // WV-PTS-04
            tracing::debug!(side = "wv", session = %id, primitive = %primitive.name(), "not known in plain text");
            return;
        }
        entry.chains.insert(key.clone(), chain);
        entry.machine.handle(to_wv(now), Event::Enqueue(ServerPrimitive { key, primitive }));
        self.drive(now, id);
    }

    pub(super) fn correlation(&mut self) -> Correlation {
        self.randomness = self.randomness.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.randomness ^ (self.randomness >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Correlation::new(mixed ^ (mixed >> 31))
    }
}

/// Under which key a primitive of the server waits in a queue.
pub(super) fn key_of(primitive: &Primitive) -> Option<QueueKey> {
    match primitive {
        Primitive::NewMessage(new) => new.message.message_id.clone().map(QueueKey::Message),
        // It waited as a NewMessage.
        Primitive::MessageNotification(notice) => notice.message.message_id.clone().map(QueueKey::Message),
        Primitive::DeliveryReportRequest(told) => {
            let recipient = told.message.recipient.users.first()?;
            let recipient = address::to_neutral(recipient.user_id.as_str(), "").ok()?;
            Some(report_key(told.message.message_id.as_ref()?.as_str(), &recipient))
        }
        Primitive::PresenceNotificationRequest(request) => match &request.presences.first()?.presentity {
            Presentity::User(user) => Some(QueueKey::Presence(user.clone())),
            Presentity::ContactList(_) => None,
        },
        Primitive::PresenceAuthRequest(question) => Some(QueueKey::Authorisation(question.user_id.clone())),
        Primitive::SystemMessageRequest(told) => told.messages.first().map(|message| announcement_key(&message.id)),
        // Nothing else is queued here.
        _ => None,
    }
}

fn report_key(message: &str, recipient: &Address) -> QueueKey {
    QueueKey::Report(format!("{message} {recipient}").into())
}

fn announcement_key(id: &str) -> QueueKey {
    QueueKey::Other(format!("{ANNOUNCEMENT}{id}").into())
}

/// What the operator's word said that waits in a queue under this key.
pub(super) fn announcement_of(key: &str) -> Option<&str> {
    key.strip_prefix(ANNOUNCEMENT)
}

const ANNOUNCEMENT: &str = "announcement ";

fn session_of(endpoint: &Endpoint) -> SessionId {
    SessionId::new(Arc::clone(&endpoint.id))
}
