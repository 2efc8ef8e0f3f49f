//! Groups here in which users of peers take part, and groups of peers in which users of ours do.

use super::{Federation, answer::status_of, command::Line, endpoint_of, execute::Pending, parts_of};
use crate::wv::translate::{address, conversation, ssp::group as translate};
use mapping::{
    address::Address,
    conversation::{Ask, Following, News, Removal, Reply, Who},
    event::{EventKind, Operation},
    federation::{FarWord, FarWordKind, Seating},
    outcome::{Detail, Outcome},
    side::Endpoint,
    time::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};
use wv_proto::{
    primitive::identifier::{GroupId, TransactionId},
    ssp::{
        part::MetaInfo,
        primitive::{
            GetGroupPropsResponse, GetJoinedUsersResponse, GroupChangeNotice, GroupQuestionKind, GroupStatus,
            JoinGroupResponse, LeaveGroupIndication, MembersResponse, Primitive, RejectListResponse,
        },
    },
    status::StatusCode,
};

/// Which primitive answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupShape {
    Status,
    Joined { wants_list: bool },
    Left,
    Members,
    Participants,
    Properties,
    KeptOut,
    Follows,
}

impl Federation {
    /// Does what a peer wants of a group.
    pub(super) fn execute_group(&mut self, now: Timestamp, index: usize, id: TransactionId, primitive: Primitive) {
        use GroupShape as S;
        let (meta, group, shape, ask) = match primitive {
            Primitive::JoinGroupRequest(request) => {
                let own = request.own_properties.as_deref().unwrap_or_default();
                let Ok(own) = conversation::from_own_properties(own) else {
                    return self.refuse_group(now, index, id, Outcome::BadConversationProperty);
                };
                let name = request.screen_name.map(|name| name.name.into());
                let shape = S::Joined { wants_list: request.joined_list_request };
                (request.meta, request.group_id, shape, Ask::Join { name, follow: request.subscribe_notification, own })
            }
            Primitive::MemberAccessRequest(request) => {
                let Some((local, _)) = self.domains_of(index) else { return };
                let roles = translate::from_roles(&request.members, &local);
                let roles = roles.into_iter().map(|(user, role)| (Who::User(user), role)).collect();
                (request.meta, request.group_id, S::Status, Ask::SetRoles(roles))
            }
            Primitive::SetGroupPropsRequest(request) => {
                let properties = request.properties.as_ref().map(conversation::from_properties).transpose();
                let own = request.own_properties.as_deref().map(conversation::from_own_properties).transpose();
                let (Ok(properties), Ok(own)) = (properties, own) else {
                    return self.refuse_group(now, index, id, Outcome::BadConversationProperty);
                };
                let ask = Ask::Change { properties: properties.unwrap_or_default(), own: own.unwrap_or_default() };
                (request.meta, request.group_id, S::Status, ask)
            }
            Primitive::RejectListRequest(request) => {
                let Some((local, _)) = self.domains_of(index) else { return };
                let who = |users: &Option<Vec<_>>| {
                    let users = translate::from_users(users.as_deref().unwrap_or_default(), &local);
                    users.into_iter().map(Who::User).collect()
                };
                let ask = Ask::KeepOut { add: who(&request.add), remove: who(&request.remove) };
                (request.meta, request.group_id, S::KeptOut, ask)
            }
            Primitive::Members(request) => {
                let Some((local, _)) = self.domains_of(index) else { return };
                let who = translate::from_users(&request.users, &local).into_iter().map(Who::User).collect();
                let ask = if request.adds { Ask::AddMembers(who) } else { Ask::RemoveMembers(who) };
                (request.meta, request.group_id, S::Status, ask)
            }
            Primitive::GroupQuestion(question) => {
                let (shape, ask) = question_of(question.kind);
                (question.meta, question.group_id, shape, ask)
            }
            _ => return self.refuse(now, index, id, StatusCode::SERVICE_NOT_SUPPORTED),
        };
        self.ask_group(now, index, id, (&meta, &group), shape, ask);
    }

    fn ask_group(
        &mut self,
        now: Timestamp,
        index: usize,
        transaction_id: TransactionId,
        (meta, group): (&MetaInfo, &GroupId),
        shape: GroupShape,
        ask: Ask,
    ) {
        let user = match self.requester(index, meta, None) {
            Ok(user) => user,
            Err(code) => return self.refuse(now, index, transaction_id, code),
        };
        let Some((local, _)) = self.domains_of(index) else { return };
        let Some(conversation) = conversation::from_group_id(group, &local) else {
            return self.refuse_group(now, index, transaction_id, Outcome::UnknownConversation);
        };
        // WV-SSP-09
        if !self.is_ours(&conversation) {
            return self.refuse(now, index, transaction_id, StatusCode::DOMAIN_NOT_SUPPORTED);
        }
        let pending = Pending::Group { index, transaction_id, shape, group: address::to_group_id(&conversation) };
        let endpoint = endpoint_of(&local, &user);
        self.ask(user, endpoint, Operation::Converse { conversation, ask }, pending);
    }

    fn refuse_group(&mut self, now: Timestamp, index: usize, transaction_id: TransactionId, outcome: Outcome) {
        let status = status_of(outcome, &[], &[]);
        self.answer_peer(now, index, transaction_id, Primitive::Status(status));
    }

    /// The engine answered a question about a group.
    pub(super) fn group_answered(
        &mut self,
        now: Timestamp,
        (index, transaction_id): (usize, TransactionId),
        (shape, group): (GroupShape, GroupId),
        (outcome, details): (Outcome, &[Detail]),
        reply: &Reply,
    ) {
        let status = status_of(outcome, details, &[]);
        let is_success = status.code.is_success();
        let primitive = match (shape, reply) {
            (GroupShape::Joined { wants_list }, Reply::Joined { participants, welcome, .. }) if is_success => {
                Primitive::JoinGroupResponse(Box::new(JoinGroupResponse {
                    status,
                    joined: wants_list.then(|| translate::to_names(participants)),
                    welcome_note: welcome.as_ref().map(conversation::to_welcome_note),
                }))
            }
            (GroupShape::Joined { .. }, _) => {
                let response = JoinGroupResponse { status, joined: None, welcome_note: None };
                Primitive::JoinGroupResponse(Box::new(response))
            }
            (GroupShape::Left, _) if is_success => Primitive::LeaveGroupIndication(LeaveGroupIndication {
                group_id: Some(group),
                status: Some(status),
                reason: None,
            }),
            (GroupShape::Members, Reply::Members(members)) => {
                let members = translate::to_roles(members.iter().map(|(member, role)| (member, *role)));
                Primitive::GetGroupMemberResponse(MembersResponse { status: Some(status), members })
            }
            (GroupShape::Participants, Reply::Participants { participants, is_manager }) => {
                use mapping::conversation::Role::Administrator;
                let admins = is_manager.then(|| translate::to_mappings(participants, |role| role == Administrator));
                let users = translate::to_mappings(participants, |role| !*is_manager || role != Administrator);
                Primitive::GetJoinedUsersResponse(Box::new(GetJoinedUsersResponse {
                    status: Some(status),
                    admins,
                    users: Some(users),
                    blocked: None,
                }))
            }
            (GroupShape::Properties, Reply::Properties { properties, active, standing }) => {
                let version = wv_proto::version::Version::V1_3;
                Primitive::GetGroupPropsResponse(Box::new(GetGroupPropsResponse {
                    status: Some(status),
                    properties: Some(conversation::to_properties(properties, *active, version)),
                    own_properties: Some(conversation::to_own_properties(standing, version)),
                }))
            }
            (GroupShape::KeptOut, Reply::KeptOut(users)) => {
                let users = Some(users.iter().map(address::to_user_id).collect());
                Primitive::RejectListResponse(RejectListResponse { status: Some(status), users })
            }
            (GroupShape::Follows, Reply::Follows(subscribed)) => {
                let (group_id, subscribed) = (Some(group), *subscribed);
                Primitive::GetGroupSubStatusResponse(GroupStatus { group_id, subscribed, status: Some(status) })
            }
            (_, _) => Primitive::Status(status),
        };
        self.answer_peer(now, index, transaction_id, primitive);
    }

    /// Something happened in a group here.
    pub(super) fn tell_group(&mut self, now: Timestamp, endpoint: &Endpoint, conversation: &Address, news: &News) {
        let Some((local, user)) = parts_of(endpoint) else { return };
        let primitive = translate::to_notice(news, conversation, &user);
        let line = Line { name: format!("group {user} {conversation}").into(), replaces: false };
        self.inform(now, (&local, user.domain()), primitive, Some(line), NOTICE_LIFE);
    }

    /// Something happened in a group of a peer.
    pub(super) fn group_changed(&mut self, index: usize, notice: &GroupChangeNotice) {
        let Some((local, peer)) = self.domains_of(index) else { return };
        let Some(conversation) = self.far_group(&notice.group_id, &peer) else { return };
        for recipient in &notice.recipients {
            let Ok(user) = address::to_neutral(recipient.user_id.as_str(), &local) else { continue };
            for news in translate::from_notice(notice) {
                self.tell_news(&user, &conversation, &notice.group_id, news);
            }
        }
    }

    /// A peer says that somebody takes part no more. It does not say who: where several users of ours do, it is asked for
    /// each, unless the group has ended for all.
    pub(super) fn group_left(&mut self, now: Timestamp, index: usize, indication: &LeaveGroupIndication) {
        let Some((_, peer)) = self.domains_of(index) else { return };
        let Some(group) = &indication.group_id else { return };
        let Some(conversation) = self.far_group(group, &peer) else { return };
        let code = indication.status.as_ref().map_or(StatusCode::GROUP_UNKNOWN, |status| status.code);
        let members = self.far_members.get(&conversation).into_iter().flat_map(BTreeMap::keys);
        let users: Vec<Address> = members.cloned().collect();
        let removal = translate::from_removal(code);
        if users.len() > 1 && code != StatusCode::GROUP_UNKNOWN {
            return users.iter().for_each(|user| self.ask_whether_in(now, user, &conversation, removal));
        }
        for user in users {
            self.removed(&user, &conversation, group.as_str(), removal);
        }
    }

    /// A user of ours takes part no more in a group of a peer.
    pub(super) fn removed(&mut self, user: &Address, conversation: &Address, written: &str, removal: Removal) {
        self.seat(user, conversation, &Seating::Left);
        let (conversation, news) = (conversation.clone(), News::Removed(removal));
        let kind = FarWordKind::News { conversation, written: written.into(), news };
        self.tell(EventKind::Far(Box::new(FarWord { user: user.clone(), kind })));
    }

    fn tell_news(&mut self, user: &Address, conversation: &Address, group: &GroupId, news: News) {
        let kind = FarWordKind::News { conversation: conversation.clone(), written: group.as_str().into(), news };
        self.tell(EventKind::Far(Box::new(FarWord { user: user.clone(), kind })));
    }

    /// The group of a peer that is named; a server speaks for the groups of its own domain.
    // WV-SSP-07
    pub(super) fn far_group(&self, group: &GroupId, peer: &str) -> Option<Address> {
        conversation::from_group_id(group, peer).filter(|conversation| conversation.domain() == peer)
    }
}

const fn question_of(kind: GroupQuestionKind) -> (GroupShape, Ask) {
    use GroupQuestionKind as Q;
    use GroupShape as S;
    match kind {
        Q::DeleteGroupRequest => (S::Status, Ask::End),
        Q::LeaveGroupRequest => (S::Left, Ask::Leave),
        Q::GetGroupMemberRequest => (S::Members, Ask::Members),
        Q::GetJoinedUsersRequest => (S::Participants, Ask::Participants),
        Q::GetGroupPropsRequest => (S::Properties, Ask::Properties),
        Q::SubscribeGroupChangeRequest => (S::Status, Ask::Follow(Following::Begin)),
        Q::UnsubscribeGroupChangeRequest => (S::Status, Ask::Follow(Following::End)),
        Q::GetGroupSubStatusRequest => (S::Follows, Ask::Follow(Following::Ask)),
    }
}

/// How long a notice is worth being told: what the known server does.
const NOTICE_LIFE: Duration = Duration::from_secs(120);
