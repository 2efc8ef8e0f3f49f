//! Requests about invitations.

use super::{
    Sessions, Shape,
    group::{GroupShape, written},
};
use crate::wv::translate::{conversation, watcher};
use mapping::{
    address::Address,
    event::Operation,
    invitation::{Extension, Response},
    outcome::Outcome,
    time::Timestamp,
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        Primitive,
        identifier::SessionId,
        invitation::{CancelInviteRequest, ExtendConversationRequest, InviteRequest, InviteUserResponse},
        party::Sender,
    },
    session::transaction::Ticket,
};

impl Sessions {
    /// Executes a request of this kind.
    pub(super) fn execute_invitation(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, primitive: Primitive) {
        match primitive {
            Primitive::InviteRequest(request) => self.invite(now, id, ticket, &request),
            Primitive::InviteUserResponse(response) => self.answer_invitation(now, id, ticket, &response),
            Primitive::CancelInviteRequest(request) => self.cancel_invitation(now, id, ticket, &request),
            Primitive::ExtendConversationRequest(request) => self.extend_conversation(now, id, ticket, &request),
            other => self.execute_waiting(now, id, ticket, other),
        }
    }

    fn invite(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &InviteRequest) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let domain = self.settings.domain_default.clone();
        if let Some(Sender::User(sender)) = &request.sender
            && self.neutral(sender.user_id.as_str()) != Some(user.clone())
        {
            return self.refuse_outcome(now, id, ticket, Outcome::Forbidden);
        }
        let invitation = match conversation::from_invite(request, &user, &domain, INVITATION_VALIDITY, now) {
            Ok(invitation) => invitation,
            Err(code) => return self.refuse_transaction(now, id, ticket, code),
        };
        let targets = watcher::from_targets(&request.recipient.users, &request.recipient.contact_lists, &domain);
        if targets.addresses.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let operation = Operation::Invite { recipients: targets.addresses, invitation: Box::new(invitation) };
        self.request(id, ticket, Shape::Status, operation, targets.refused);
    }

    fn answer_invitation(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, response: &InviteUserResponse) {
        let inviter = match &response.sender {
            Some(Sender::User(user)) => self.neutral(user.user_id.as_str()),
            Some(Sender::Group(_)) | None => None,
        };
        // Some clients put themselves there: they answer, so they are the sender.
        let own = self.entries.get(id).map(|entry| entry.user.clone());
        let inviter = inviter.filter(|inviter| Some(inviter) != own.as_ref());
        if response.invite_id.is_empty() {
            return self.refuse_outcome(now, id, ticket, Outcome::UnknownInvitation);
        }
        let operation = Operation::Respond(Response {
            id: response.invite_id.as_ref().to_owned(),
            inviter,
            accepts: response.acceptance,
            note: response.note.as_ref().map(|note| note.as_ref().to_owned()),
            joins: false,
        });
        self.request(id, ticket, Shape::Status, operation, Vec::new());
    }

    fn cancel_invitation(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &CancelInviteRequest) {
        let domain = self.settings.domain_default.clone();
        let targets = watcher::from_targets(&request.recipient.users, &request.recipient.contact_lists, &domain);
        if targets.addresses.is_empty() && !targets.refused.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let operation = Operation::Withdraw {
            id: request.invite_id.as_ref().to_owned(),
            recipients: targets.addresses,
            note: request.note.as_ref().map(|note| note.as_ref().to_owned()),
        };
        self.request(id, ticket, Shape::Status, operation, targets.refused);
    }

    // WV-INV-07
    fn extend_conversation(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &ExtendConversationRequest,
    ) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let listed = request.users.iter().map(|user| user.as_str().to_owned());
        let partner = request.partner.iter().map(|partner| partner.user_id.as_str().to_owned());
        let mut recipients: Vec<Address> = listed.chain(partner).filter_map(|text| self.neutral(&text)).collect();
        recipients.retain(|recipient| *recipient != user);
        recipients.dedup();
        if recipients.is_empty() {
            return self.refuse_outcome(now, id, ticket, Outcome::BadParameter);
        }
        let resource = format!("talk-{}", self.correlation());
        let Ok(group) = Address::from_parts(&user.user_decoded(), Some(&resource), user.domain()) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadAddress);
        };
        let name = request.screen_name.as_ref().map(|name| name.name.as_ref().to_owned());
        let welcome = request.welcome_note.as_ref().map(|note| mapping::message::Content {
            media_type: note.content_type.as_ref().into(),
            body: note.content.octets().clone(),
        });
        let operation = Operation::ExtendTalk(Box::new(Extension {
            written: written(&group).as_str().to_owned(),
            conversation: group.clone(),
            id: request.conversation_id.as_ref().to_owned(),
            recipients,
            name,
            follow: request.subscribe_notification.unwrap_or(true),
            welcome,
            expires: now.after(INVITATION_VALIDITY),
        }));
        let shape = GroupShape::Extended(request.conversation_id.clone());
        self.put_group_question(id, ticket, written(&group), shape, operation, Vec::new());
    }
}

/// Lifetime of an invitation whose inviter names none.
const INVITATION_VALIDITY: Duration = Duration::from_secs(86_400);
