//! What servers tell shadows, as requests and words of WV users.

use super::{
    SessionEvent, Sidecar,
    answer::{Offer, Pending},
    command::Purpose,
    presence::Role,
};
use crate::wv::translate::{address, content, conversation, outcome, presence};
use mapping::{
    address::Address,
    event::{EventKind, Operation, Submission},
    message::{Disclosure, Message, MessageId, Report, ReportWish},
    outcome::Outcome,
    time::Timestamp,
};
use std::sync::Arc;
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        delivery::{GetMessageRequest, GetMessageResponse},
        identifier::UserId,
        invitation::{InviteRequest, InviteUserRequest},
        message::{Content, DeliveryReportRequest, MessageInfo},
        notification::{NotificationPayload, NotificationRequest, NotificationType},
        party::{Recipient, Sender, User},
        presence::Presentity,
    },
    quirk::ServerQuirk,
    status::StatusCode,
};

impl Sidecar {
    /// The server asks or tells a shadow something.
    pub(super) fn asked(&mut self, now: Timestamp, index: usize, ticket: u64, primitive: Primitive) {
        self.current = self.correlation();
        if self.is_retired(index) {
            return self.turn(now, index, SessionEvent::Withhold { ticket });
        }
        if self.is_observing(index) {
            let name = primitive.name();
            tracing::info!(side = "wv", %name, correlation = %self.current, "observed: would pass it on to SIP");
            return self.turn(now, index, SessionEvent::Withhold { ticket });
        }
        match primitive {
            Primitive::NewMessage(new) => {
                self.take_message(now, index, Offer::Pushed(ticket), &new.message, new.content.as_ref());
            }
            Primitive::MessageNotification(ref notification) => {
                let id = notification.message.message_id.clone();
                self.acknowledge(now, index, ticket, &primitive);
                if let Some(message_id) = id {
                    let request = Primitive::GetMessageRequest(GetMessageRequest { message_id });
                    self.ask_server(now, index, Purpose::Fetch, request);
                }
            }
            Primitive::DeliveryReportRequest(report) => {
                self.take_fate(now, index, &report);
                let primitive = Primitive::Status(Status::from(StatusCode::SUCCESS));
                self.respond_when_kept(index, ticket, primitive);
            }
            Primitive::PresenceNotificationRequest(ref notification) => {
                let Some(domain) = self.domain_of(index) else { return };
                for told in &notification.presences {
                    let Presentity::User(user) = &told.presentity else { continue };
                    if let Some(presentity) = neutral(user.as_str(), &domain) {
                        self.shown(now, index, &presentity, &told.attributes);
                    }
                }
                self.acknowledge(now, index, ticket, &primitive);
            }
            Primitive::PresenceAuthRequest(request) => {
                let attributes = presence::from_names(request.attributes.as_ref());
                self.wants_to_see(now, index, &request.user_id, attributes, Some(ticket));
            }
            Primitive::InviteUserRequest(request) => self.invited(now, index, ticket, *request),
            Primitive::NotificationRequest(request) => self.notified(now, index, ticket, *request),
            Primitive::Other(_) => {
                let primitive = Primitive::Status(Status::from(StatusCode::NOT_IMPLEMENTED));
                self.turn(now, index, SessionEvent::Respond { ticket, primitive });
            }
            // A text that was said is not taken back, and what happens in groups and what operators say is not carried
            // through shadows; the server is answered, or it would say it again and again.
            other => {
                tracing::debug!(side = "wv", name = %other.name(), "not passed on");
                self.acknowledge(now, index, ticket, &other);
            }
        }
    }

    fn domain_of(&self, index: usize) -> Option<String> {
        self.shadows.get(index).map(|shadow| shadow.account.domain().to_owned())
    }

    /// A message for the SIP user.
    fn take_message(&mut self, now: Timestamp, index: usize, offer: Offer, info: &MessageInfo, said: Option<&Content>) {
        let Some(shadow) = self.shadows.get(index) else { return };
        let (user, account) = (shadow.user.clone(), shadow.account.clone());
        let from = match &info.sender {
            Some(Sender::User(user)) => neutral(user.user_id.as_str(), account.domain()),
            Some(Sender::Group(_)) | None => None,
        };
        let mut read = content::from_client(info, said);
        if let Some(bare) = read.as_ref().and_then(|content| content::without_padding(info, content)) {
            crate::observe::metric::quirk(mapping::side::Side::Wv, ServerQuirk::PaddedContent.as_str());
            read = Some(bare);
        }
        let id = info.message_id.clone();
        if let Some(Sender::Group(_)) = &info.sender {
            // What is said in groups needs a session of SIP.
            return self.message_answered(now, index, offer, id, Outcome::NotImplemented);
        }
        let (Some(sender), Some(content)) = (from, read) else {
            // Nobody could be answered, or nothing could be read.
            return self.message_answered(now, index, offer, id, Outcome::UnsupportedContent);
        };
        // With what is said: a server that lost its memory gives old names to new messages.
        let mark = content.body.iter().fold(sender.as_str().len(), |mark, octet| {
            mark.rotate_left(5).wrapping_mul(31).wrapping_add(usize::from(*octet))
        });
        let named = |id: &wv_proto::primitive::identifier::MessageId| format!("csp {account} {} {mark:x}", id.as_str());
        let origin = id.as_ref().map_or_else(String::new, named);
        let message = Message {
            id: MessageId::new(""),
            sender: sender.clone(),
            recipient: user.clone(),
            device: None,
            content,
            // WV-MSG-04: a server writes months and years that are not; the time that counts is the gateway's.
            sent: now,
            expires: now.after(info.validity.filter(|wish| !wish.is_zero()).unwrap_or(self.settings.validity_default)),
            report: ReportWish::None,
            origin: Arc::from(origin),
            talk: None,
            disclosure: Disclosure::Named,
        };
        let (devices, conversations) = (Vec::new(), Vec::new());
        let submission = Submission { recipients: vec![user], devices, conversations, message };
        let pending = Pending::Message { shadow: index, offer, id };
        self.ask(sender, Role::Watcher(account).endpoint(), Operation::Send(submission), pending);
    }

    /// A message that the server held was fetched.
    pub(super) fn fetched(&mut self, now: Timestamp, index: usize, response: GetMessageResponse) {
        self.take_message(now, index, Offer::Fetched, &response.message, response.content.as_ref());
    }

    /// What became of a message of the SIP user.
    fn take_fate(&mut self, now: Timestamp, index: usize, report: &DeliveryReportRequest) {
        let Some(account) = self.shadows.get(index).map(|shadow| shadow.account.clone()) else { return };
        let Some(id) = report.message.message_id.as_ref() else { return };
        let Some(awaited) = self.take_report(&account, id.as_str()) else { return };
        self.tell(EventKind::Reported(Report {
            message: awaited.id,
            sender: awaited.sender,
            recipient: awaited.recipient,
            outcome: outcome::from_code(report.result.code),
            at: now,
            sent: awaited.sent,
            media_type: awaited.media_type,
            size_octets: awaited.size_octets,
            origin: awaited.origin,
        }));
    }

    /// A WV user invites the SIP user, who is told by a text where one can stand for it.
    // WV-INV-06
    fn invited(&mut self, now: Timestamp, index: usize, ticket: u64, request: InviteUserRequest) {
        let Some(shadow) = self.shadows.get(index) else { return };
        let (user, account) = (shadow.user.clone(), shadow.account.clone());
        let InviteUserRequest { invite_id, invite_type, sender, body } = request;
        let inviter = match &sender {
            Some(Sender::User(user)) => neutral(user.user_id.as_str(), account.domain()),
            Some(Sender::Group(_)) | None => None,
        };
        let read = inviter.ok_or(StatusCode::UNKNOWN_USER).and_then(|inviter| {
            let recipient = Recipient::of_user(User::from(address::to_user_id(&account)));
            let request = InviteRequest { invite_id, invite_type, sender, recipient, body };
            let validity = self.settings.validity_default;
            conversation::from_invite(&request, &inviter, account.domain(), validity, now)
        });
        match read {
            Ok(invitation) => {
                let inviter = invitation.inviter.clone();
                let operation = Operation::Invite { recipients: vec![user], invitation: Box::new(invitation) };
                let pending = Pending::Invitation { shadow: index, ticket };
                self.ask(inviter, Role::Watcher(account).endpoint(), operation, pending);
            }
            Err(code) => {
                self.turn(now, index, SessionEvent::Respond { ticket, primitive: Primitive::Status(code.into()) });
            }
        }
    }

    /// 1.3: that somebody needs an authorisation.
    fn notified(&mut self, now: Timestamp, index: usize, ticket: u64, request: NotificationRequest) {
        let NotificationRequest { notification_type, payload } = request;
        if let (NotificationType::AuthorizationNeededForUser, NotificationPayload::Authorization(notice)) =
            (notification_type, payload)
        {
            let attributes = presence::from_names(notice.attributes.as_ref());
            for user in &notice.users {
                self.wants_to_see(now, index, user, attributes, None);
            }
        }
        self.respond_when_kept(index, ticket, Primitive::Status(Status::from(StatusCode::SUCCESS)));
    }

    fn wants_to_see(
        &mut self,
        now: Timestamp,
        index: usize,
        watcher: &UserId,
        attributes: mapping::presence::AttributeSet,
        ticket: Option<u64>,
    ) {
        let watcher = self.domain_of(index).and_then(|domain| neutral(watcher.as_str(), &domain));
        match watcher {
            Some(watcher) => self.start_consent(now, index, watcher, attributes, ticket),
            None => {
                if let Some(ticket) = ticket {
                    let primitive = Primitive::Status(Status::from(StatusCode::UNKNOWN_USER));
                    self.turn(now, index, SessionEvent::Respond { ticket, primitive });
                }
            }
        }
    }
}

/// The neutral address of a user as a server writes it.
// QUIRK doubled_scheme: writes addresses with `wv:` twice; Baraza.
pub(super) fn neutral(text: &str, domain: &str) -> Option<Address> {
    let mut text = text.trim();
    let schemes = text.to_ascii_lowercase().matches("wv:").count();
    if schemes != 1 {
        // QUIRK bare_user: writes addresses without `wv:`; loose servers.
        let quirk = if schemes == 0 { ServerQuirk::BareUser } else { ServerQuirk::DoubledScheme };
        crate::observe::metric::quirk(mapping::side::Side::Wv, quirk.as_str());
    }
    while let Some(rest) = text.get(..3).filter(|scheme| scheme.eq_ignore_ascii_case("wv:")).and(text.get(3..)) {
        text = rest;
    }
    address::to_neutral(text, domain).ok().filter(|address| address.resource().is_none())
}
