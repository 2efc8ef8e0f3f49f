//! Requests about groups.

use super::{Pending, Sessions};
use crate::wv::translate::{address, conversation, outcome};
use mapping::{
    address::Address,
    conversation::{Ask, Following, Hearers, Role, Who},
    engine::{Creation, Joining},
    event::Operation,
    outcome::{Detail, Outcome},
    route::Route,
    time::Timestamp,
};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        delivery::SetDeliveryMethodRequest,
        group::{
            CreateGroupRequest, JoinGroupRequest, MemberAccessRequest, RejectListRequest, SetGroupPropsRequest,
            SubscribeKind, UserList,
        },
        identifier::{GroupId, SessionId},
        party::{Group, ScreenName, Sender},
    },
    session::transaction::Ticket,
    status::StatusCode,
};

/// What was asked of a group, for its answer.
#[derive(Debug)]
pub(in crate::wv::session) struct GroupQuestion {
    pub(in crate::wv::session) session: SessionId,
    pub(in crate::wv::session) ticket: Ticket,
    /// The group as the client wrote it.
    pub(in crate::wv::session) group: GroupId,
    pub(in crate::wv::session) shape: GroupShape,
    /// What the engine was not even asked.
    pub(in crate::wv::session) refused: Vec<Detail>,
}

/// Which primitive answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wv::session) enum GroupShape {
    Status,
    Joined {
        wants_list: bool,
    },
    Left,
    Members,
    JoinedUsers,
    Properties,
    RejectList,
    Subscription,
    /// GetMessageList-Response.
    History,
    /// GetMessage-Response.
    Recalled,
    /// Status; when it is good, messages of the group come in this way from then on.
    Delivery(SetDeliveryMethodRequest),
    /// ExtendConversation-Response, with the id of the request.
    Extended(Box<str>),
}

impl Sessions {
    /// Executes a request of this kind.
    pub(super) fn execute_group(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, primitive: Primitive) {
        use GroupShape as S;
        match primitive {
            Primitive::CreateGroupRequest(request) => self.create_group(now, id, ticket, &request),
            Primitive::DeleteGroupRequest(request) => {
                self.ask_group(now, id, ticket, request.group_id, S::Status, Ask::End)
            }
            Primitive::JoinGroupRequest(request) => self.join_group(now, id, ticket, &request),
            Primitive::LeaveGroupRequest(request) => {
                self.ask_group(now, id, ticket, request.group_id, S::Left, Ask::Leave)
            }
            Primitive::GetGroupMembersRequest(request) => {
                self.ask_group(now, id, ticket, request.group_id, S::Members, Ask::Members);
            }
            Primitive::GetJoinedUsersRequest(request) => {
                self.ask_group(now, id, ticket, request.group_id, S::JoinedUsers, Ask::Participants);
            }
            Primitive::GetGroupPropsRequest(request) => {
                self.ask_group(now, id, ticket, request.group_id, S::Properties, Ask::Properties);
            }
            Primitive::SetGroupPropsRequest(request) => self.set_group_props(now, id, ticket, &request),
            Primitive::AddGroupMembersRequest(request) => {
                self.change_members(now, id, ticket, request.group_id, &request.members, Ask::AddMembers);
            }
            Primitive::RemoveGroupMembersRequest(request) => {
                self.change_members(now, id, ticket, request.group_id, &request.members, Ask::RemoveMembers);
            }
            Primitive::MemberAccessRequest(request) => self.set_roles(now, id, ticket, &request),
            Primitive::RejectListRequest(request) => self.reject_list(now, id, ticket, request),
            Primitive::SubscribeGroupNoticeRequest(request) => {
                let (shape, following) = match request.kind {
                    SubscribeKind::Get => (S::Subscription, Following::Ask),
                    SubscribeKind::Set => (S::Status, Following::Begin),
                    SubscribeKind::Unset => (S::Status, Following::End),
                };
                self.ask_group(now, id, ticket, request.group_id, shape, Ask::Follow(following));
            }
            other => self.execute_invitation(now, id, ticket, other),
        }
    }

    fn create_group(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &CreateGroupRequest) {
        let Some(group) = self.group(&request.group_id) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadAddress);
        };
        let read = conversation::from_properties(&request.properties);
        let own = conversation::from_own_properties(&request.own_properties);
        let (Ok(mut properties), Ok(own)) = (read, own) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadConversationProperty);
        };
        // A group without user part belongs to nobody in particular.
        let public = mapping::conversation::Visibility::Public;
        if group.user().is_empty() && properties.visibility.is_none() {
            properties.visibility = Some(public);
        }
        let name = request.screen_name.as_ref().map(|name| name.name.as_ref().to_owned());
        let joining = Joining { name, follow: request.subscribe_notification };
        let creation = Creation {
            written: request.group_id.as_str().to_owned(),
            properties,
            own,
            join: request.join_group.then_some(joining),
            people: Vec::new(),
        };
        let operation = Operation::CreateConversation { conversation: group, creation: Box::new(creation) };
        self.put_group_question(id, ticket, request.group_id.clone(), GroupShape::Status, operation, Vec::new());
    }

    fn join_group(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &JoinGroupRequest) {
        let Ok(own) = conversation::from_own_properties(&request.own_properties) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadConversationProperty);
        };
        let name = request.screen_name.as_ref().map(|name| name.name.as_ref().to_owned());
        let ask = Ask::Join { name, follow: request.subscribe_notification, own };
        let shape = GroupShape::Joined { wants_list: request.joined_request };
        self.ask_group(now, id, ticket, request.group_id.clone(), shape, ask);
    }

    fn set_group_props(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &SetGroupPropsRequest) {
        let properties = request.properties.as_ref().map(conversation::from_properties).transpose();
        let own = request.own_properties.as_deref().map(conversation::from_own_properties).transpose();
        let (Ok(properties), Ok(own)) = (properties, own) else {
            return self.refuse_outcome(now, id, ticket, Outcome::BadConversationProperty);
        };
        let ask = Ask::Change { properties: properties.unwrap_or_default(), own: own.unwrap_or_default() };
        self.ask_group(now, id, ticket, request.group_id.clone(), GroupShape::Status, ask);
    }

    fn change_members(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        group: GroupId,
        members: &UserList,
        ask: fn(Vec<Who>) -> Ask,
    ) {
        let (who, refused) = self.existing(members);
        if who.is_empty() {
            return self.refuse_targets(now, id, ticket, &refused);
        }
        self.ask_group_about(now, id, ticket, group, GroupShape::Status, ask(who), refused);
    }

    fn set_roles(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &MemberAccessRequest) {
        let members = &request.members;
        let lists = [
            (&members.admins, Role::Administrator),
            (&members.moderators, Role::Moderator),
            (&members.users, Role::User),
        ];
        let (mut roles, mut refused) = (Vec::new(), Vec::new());
        for (list, role) in lists {
            let Some(list) = list else { continue };
            let (who, mut unknown) = self.existing(list);
            roles.extend(who.into_iter().map(|who| (who, role)));
            refused.append(&mut unknown);
        }
        if roles.is_empty() {
            return self.refuse_targets(now, id, ticket, &refused);
        }
        let ask = Ask::SetRoles(roles);
        self.ask_group_about(now, id, ticket, request.group_id.clone(), GroupShape::Status, ask, refused);
    }

    fn reject_list(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: RejectListRequest) {
        let domain = self.settings.domain_default.clone();
        let mut refused = Vec::new();
        let mut read = |entries: &Option<wv_proto::primitive::group::RejectEntries>| {
            let Some(entries) = entries else { return Vec::new() };
            let users = entries.users.iter().map(wv_proto::primitive::identifier::UserId::as_str);
            let mut named = conversation::Named::of(users, &entries.screen_names, &domain);
            refused.append(&mut named.refused);
            named.who
        };
        let ask = Ask::KeepOut { add: read(&request.add), remove: read(&request.remove) };
        self.ask_group_about(now, id, ticket, request.group_id, GroupShape::RejectList, ask, refused);
    }

    /// Who of a list exists, as far as this gateway knows its users.
    fn existing(&self, list: &UserList) -> (Vec<Who>, Vec<Detail>) {
        let named = conversation::Named::of_list(list, &self.settings.domain_default);
        let (mut who, mut refused) = (Vec::new(), named.refused);
        for one in named.who {
            match &one {
                Who::User(user) if self.is_missing(user) => refused.push(conversation::unknown(user)),
                Who::User(_) | Who::Name(_) => who.push(one),
            }
        }
        (who, refused)
    }

    /// Whether a user would have to be known here and is not.
    fn is_missing(&self, user: &Address) -> bool {
        let row = self.settings.domains.find(user);
        row.is_some_and(|row| row.route == Route::Hosted) && !self.accounts.has(user)
    }

    pub(super) fn group(&self, group: &GroupId) -> Option<Address> {
        conversation::from_group_id(group, &self.settings.domain_default)
    }

    pub(super) fn ask_group(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        group: GroupId,
        shape: GroupShape,
        ask: Ask,
    ) {
        self.ask_group_about(now, id, ticket, group, shape, ask, Vec::new());
    }

    #[allow(clippy::too_many_arguments, reason = "a transaction with its group, its question and its answer")]
    fn ask_group_about(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        group: GroupId,
        shape: GroupShape,
        ask: Ask,
        refused: Vec<Detail>,
    ) {
        let Some(address) = self.group(&group) else {
            let result = outcome::to_result(Outcome::UnknownConversation, &[], self.version(id));
            return self.settle_later(now, id, ticket, Primitive::Status(Status::from(result)));
        };
        let operation = Operation::Converse { conversation: address, ask };
        self.put_group_question(id, ticket, group, shape, operation, refused);
    }

    pub(super) fn put_group_question(
        &mut self,
        id: &SessionId,
        ticket: Ticket,
        group: GroupId,
        shape: GroupShape,
        operation: Operation,
        refused: Vec<Detail>,
    ) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let question = GroupQuestion { session: id.clone(), ticket, group, shape, refused };
        self.ask(user, id, operation, Pending::Group(Box::new(question)));
    }

    /// The groups, and those in them, to whom a message goes; the sender's screen name holds in its own group.
    ///
    /// # Errors
    /// The code that refuses the message.
    pub(super) fn hearers(&self, groups: &[Group], sender: Option<&Sender>) -> Result<Vec<Hearers>, StatusCode> {
        let own = match sender {
            Some(Sender::Group(Group::ScreenName(own))) => Some(own),
            Some(Sender::Group(Group::Id(_))) => return Err(StatusCode::FORBIDDEN),
            Some(Sender::User(_)) | None => None,
        };
        let unknown = StatusCode::new(800).unwrap_or(StatusCode::BAD_PARAMETER);
        let mut hearers = Vec::new();
        for group in groups {
            let (group_id, addressee) = match group {
                Group::Id(group_id) => (group_id, None),
                Group::ScreenName(name) => (&name.group_id, Some(name.name.as_ref().to_owned())),
            };
            let conversation = self.group(group_id).ok_or(unknown)?;
            let speaks_here = |own: &&ScreenName| self.group(&own.group_id).is_none_or(|group| group == conversation);
            let speaker = own.filter(speaks_here).map(|own| own.name.as_ref().to_owned());
            hearers.push(Hearers { conversation, addressee, speaker });
        }
        Ok(hearers)
    }
}

/// The group as a client is told it when nobody wrote it.
pub(super) fn written(conversation: &Address) -> GroupId {
    GroupId::new(address::from_neutral(conversation))
}
