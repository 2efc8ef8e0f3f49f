//! Groups and invitations towards clients: answers, and what is told without being asked.

use super::{
    Sessions,
    execute::{GroupQuestion, GroupShape, Pending, Shape},
};
use crate::wv::translate::conversation::{self, ListStyle};
use mapping::{
    address::Address,
    command::Answer,
    conversation::{News, Removal, Reply},
    event::{EventKind, Operation},
    invitation::{InvitationKind, InvitationNews, InvitationVerdict, Response},
    message::Message,
    outcome::{Detail, Outcome},
    side::Endpoint,
    time::Timestamp,
};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        delivery::SetDeliveryMethodRequest,
        group::{
            GetGroupMembersResponse, GetGroupPropsResponse, GetJoinedUsersResponse, JoinGroupResponse,
            LeaveGroupResponse, RejectListResponse, SubscribeGroupNoticeResponse,
        },
        identifier::{GroupId, MessageId as WvMessageId, SessionId},
        invitation::ExtendConversationResponse,
        notification::{NotificationPayload, NotificationType},
        party::ScreenName,
    },
    quirk::Quirk,
    session::{poll::QueueKey, server::Acknowledgement},
    status::{StatusCode, StatusResult},
    version::Version,
};

impl Sessions {
    /// The engine answered a question about a group.
    pub(super) fn group_question_answered(&mut self, now: Timestamp, question: &GroupQuestion, answer: &Answer) {
        match answer {
            Answer::Conversation { outcome, details, reply } => {
                self.group_answered(now, question, *outcome, details, reply);
            }
            Answer::Done { outcome, details } => {
                self.group_answered(now, question, *outcome, details, &Reply::Nothing);
            }
            // The engine answers a question about a conversation with nothing else.
            _ => self.group_answered(now, question, Outcome::InternalError, &[], &Reply::Nothing),
        }
    }

    // WV-MSG-13
    fn deliver_group(&mut self, id: &SessionId, request: &SetDeliveryMethodRequest) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.machine.set_group_delivery(request);
            self.keep(id);
        }
    }

    /// What was said in a group, or one message of it.
    fn said_primitive(
        &mut self,
        now: Timestamp,
        question: &GroupQuestion,
        messages: &[Message],
        total: usize,
    ) -> Primitive {
        if question.shape == GroupShape::Recalled {
            return self.waiting_primitive(now, &question.session, Shape::Message, messages, total);
        }
        if let Some(entry) = self.entries.get_mut(&question.session) {
            if entry.history.len().saturating_add(messages.len()) > HISTORY_MAX {
                entry.history.clear();
            }
            let ids = messages.iter().map(|message| WvMessageId::new(message.id.as_str()));
            entry.history.extend(ids.map(|id| (id, question.group.clone())));
        }
        self.waiting_primitive(now, &question.session, Shape::MessageList, messages, total)
    }

    fn group_answered(
        &mut self,
        now: Timestamp,
        question: &GroupQuestion,
        outcome: Outcome,
        details: &[Detail],
        reply: &Reply,
    ) {
        if let Reply::Said { messages, total } = reply {
            let primitive = self.said_primitive(now, question, messages, *total);
            return self.settle(now, &question.session, question.ticket, primitive);
        }
        if let (GroupShape::Delivery(request), Reply::Follows(_)) = (&question.shape, reply) {
            self.deliver_group(&question.session, request);
        }
        let result = self.result(&question.session, outcome, details, &question.refused);
        let primitive = self.group_primitive(question, result, reply);
        self.settle(now, &question.session, question.ticket, primitive);
    }

    fn group_primitive(&self, question: &GroupQuestion, result: StatusResult, reply: &Reply) -> Primitive {
        let (group, style) = (&question.group, self.list_style(&question.session));
        match (&question.shape, reply) {
            (GroupShape::Left, _) => {
                Primitive::LeaveGroupResponse(LeaveGroupResponse { group_id: Some(group.clone()), result })
            }
            (GroupShape::Extended(id), _) => {
                let is_made = result.code == StatusCode::SUCCESS;
                Primitive::ExtendConversationResponse(ExtendConversationResponse {
                    conversation_id: id.clone(),
                    group_id: is_made.then(|| group.clone()),
                    note: None,
                    result,
                })
            }
            (GroupShape::Joined { wants_list }, Reply::Joined { name, participants, welcome }) => {
                let joined = wants_list.then(|| conversation::to_roster(participants, group, style));
                Primitive::JoinGroupResponse(Box::new(JoinGroupResponse {
                    joined,
                    screen_name: Some(ScreenName { name: name.as_str().into(), group_id: group.clone() }),
                    welcome_note: welcome.as_ref().map(conversation::to_welcome_note),
                }))
            }
            (GroupShape::Members, Reply::Members(members)) => {
                let members = conversation::to_membership(members);
                Primitive::GetGroupMembersResponse(Box::new(GetGroupMembersResponse { members }))
            }
            (GroupShape::JoinedUsers, Reply::Participants { participants, is_manager }) => {
                let joined = conversation::to_joined(participants, *is_manager, style);
                Primitive::GetJoinedUsersResponse(Box::new(GetJoinedUsersResponse { joined, joined_blocked: None }))
            }
            (GroupShape::Properties, Reply::Properties { properties, active, standing }) => {
                Primitive::GetGroupPropsResponse(Box::new(GetGroupPropsResponse {
                    properties: conversation::to_properties(properties, *active, style.version),
                    own_properties: conversation::to_own_properties(standing, style.version),
                }))
            }
            (GroupShape::RejectList, Reply::KeptOut(users)) if result.code == StatusCode::SUCCESS => {
                let users = (!users.is_empty()).then(|| conversation::to_user_list(users));
                Primitive::RejectListResponse(RejectListResponse { users })
            }
            (GroupShape::Subscription, Reply::Follows(value)) => {
                Primitive::SubscribeGroupNoticeResponse(SubscribeGroupNoticeResponse { value: *value })
            }
            (_, _) => Primitive::Status(Status::from(result)),
        }
    }

    pub(super) fn list_style(&self, id: &SessionId) -> ListStyle {
        ListStyle { version: self.version(id), is_flat: self.heeds(id, Quirk::FlatUserMap) }
    }

    /// Something happened in a group.
    pub(super) fn tell_group(&mut self, now: Timestamp, endpoint: &Endpoint, group: GroupId, news: &News) {
        let id = SessionId::new(endpoint.id.as_ref());
        let primitive = conversation::to_notice(news, &group, self.list_style(&id));
        let key = QueueKey::Group(group.clone(), self.next());
        self.enqueue(now, &id, key, primitive);
        // WV-NTF-04
        let what = match news {
            News::Standing(_) => NotificationType::GroupMemberAccess,
            News::Removed(Removal::Ended) => NotificationType::GroupRemoved,
            News::Removed(Removal::Restricted) => NotificationType::GroupMembershipRevoked,
            // WV-NTF-07: every session of the user hears of it, wherever it takes part.
            News::Removed(Removal::KeptOut | Removal::Dismissed) => return,
            News::Joined(_) | News::Left(_) | News::Changed { .. } => return,
        };
        self.tell_notice(now, &id, &what, &NotificationPayload::Group(group));
    }

    /// Something happened to an invitation.
    pub(super) fn tell_invitation(&mut self, now: Timestamp, endpoint: &Endpoint, news: &InvitationNews) {
        let id = SessionId::new(endpoint.id.as_ref());
        let version = self.version(&id);
        match news {
            InvitationNews::Invited(invitation) => {
                let is_extension = invitation.kind == InvitationKind::ExtendedTalk && version == Version::V1_3;
                let (kind, primitive) = if is_extension {
                    (EXTENSION, conversation::to_extension(invitation))
                } else {
                    (INVITATION, conversation::to_invitation(invitation, version, now))
                };
                self.enqueue(now, &id, invitation_key(kind, &invitation.inviter, &invitation.id), primitive);
                // WV-NTF-09
                if let Some(what) = extension_notice(invitation.kind) {
                    let group = GroupId::new(invitation.written.as_str());
                    self.tell_notice(now, &id, &what, &NotificationPayload::Group(group));
                }
            }
            InvitationNews::Answered(answer) => {
                let key = invitation_key(ANSWER, &answer.invitee, &answer.id);
                self.enqueue(now, &id, key, conversation::to_answer(answer));
                let is_accepted = answer.verdict == InvitationVerdict::Accepted;
                let what = if is_accepted {
                    NotificationType::InvitationAccepted
                } else {
                    NotificationType::InvitationRejected
                };
                self.tell_notice(now, &id, &what, &NotificationPayload::Invitation(answer.id.as_str().into()));
            }
            InvitationNews::Withdrawn { id: name, inviter, note } => {
                self.settle_invitation(now, &id, inviter, name);
                let primitive = conversation::to_cancellation(name, inviter, note.as_deref());
                self.enqueue(now, &id, invitation_key(CANCELLATION, inviter, name), primitive);
                let about = NotificationPayload::Invitation(name.as_str().into());
                self.tell_notice(now, &id, &NotificationType::InvitationCancelled, &about);
            }
            InvitationNews::Settled { id: name, inviter } => self.settle_invitation(now, &id, inviter, name),
        }
    }

    /// A client answered that the talk of two may become a group: it takes part in it from now on.
    pub(super) fn extension_answered(
        &mut self,
        id: &SessionId,
        user: &Address,
        key: &QueueKey,
        answer: &Acknowledgement,
    ) {
        let QueueKey::Invitation(text) = key else { return };
        let Some((inviter, name, accepts)) = extension_word(text, answer) else { return };
        let response = Response { id: name, inviter: Some(inviter), accepts, note: None, joins: true };
        self.ask(user.clone(), id, Operation::Respond(response), Pending::Nothing);
    }

    fn settle_invitation(&mut self, now: Timestamp, id: &SessionId, inviter: &Address, name: &str) {
        for kind in [INVITATION, EXTENSION] {
            self.retract(now, id, &invitation_key(kind, inviter, name));
        }
    }
}

/// What a client's answer to something about an invitation means to the engine.
pub(super) fn acknowledgement(user: &Address, key: &str, answer: &Acknowledgement) -> Option<EventKind> {
    let mut parts = key.splitn(3, ' ');
    let (kind, who, id) = (parts.next()?, Address::parse(parts.next()?).ok()?, parts.next()?.to_owned());
    let is_taken = match answer {
        Acknowledgement::Answered(primitive) => primitive.result().is_none_or(|result| result.code.is_success()),
        Acknowledgement::Unreadable | Acknowledgement::Presumed => true,
    };
    (kind == ANSWER && is_taken).then(|| EventKind::InvitationAnswerTaken { inviter: user.clone(), id, invitee: who })
}

/// The word of a client on an ExtendConversation-Request of ours: who asked, under which id, and whether it accepts.
/// A mere Status says only that the request came.
fn extension_word(key: &str, answer: &Acknowledgement) -> Option<(Address, String, bool)> {
    let rest = key.strip_prefix(EXTENSION)?.strip_prefix(' ')?;
    let (inviter, id) = rest.split_once(' ')?;
    match answer {
        Acknowledgement::Answered(Primitive::ExtendConversationResponse(response)) => {
            Some((Address::parse(inviter).ok()?, id.to_owned(), response.result.code.is_success()))
        }
        Acknowledgement::Answered(_) | Acknowledgement::Unreadable | Acknowledgement::Presumed => None,
    }
}

/// The event that an invitation of this kind is, besides.
fn extension_notice(kind: InvitationKind) -> Option<NotificationType> {
    match kind {
        InvitationKind::ExtendedTalk | InvitationKind::TalkExtension => Some(NotificationType::ConversationExtended),
        InvitationKind::ConversationExtension => Some(NotificationType::GroupExtended),
        InvitationKind::Conversation
        | InvitationKind::Membership
        | InvitationKind::Message
        | InvitationKind::Presence
        | InvitationKind::Content
        | InvitationKind::Application => None,
    }
}

fn invitation_key(kind: &str, who: &Address, id: &str) -> QueueKey {
    QueueKey::Invitation(format!("{kind} {who} {id}").into())
}

/// So many messages of histories are remembered as such; more make the client list them again.
const HISTORY_MAX: usize = 500;

const INVITATION: &str = "invitation";
const EXTENSION: &str = "extension";
const ANSWER: &str = "answer";
const CANCELLATION: &str = "cancellation";
