//! What a phone asks for in conversations, invitations and looks: the requests, made from names and chance.

use acceptance::simulated::chance::Chance;
use wv_proto::{
    primitive::{
        Primitive,
        access::KeepAliveRequest,
        function::FunctionSet,
        group::{
            AddGroupMembersRequest, CreateGroupRequest, DeleteGroupRequest, GetGroupMembersRequest,
            GetGroupPropsRequest, GetJoinedUsersRequest, GroupProperties, JoinGroupRequest, LeaveGroupRequest,
            MemberAccessRequest, Membership, RejectEntries, RejectListRequest, RemoveGroupMembersRequest,
            SetGroupPropsRequest, SubscribeGroupNoticeRequest, SubscribeKind, UserList,
        },
        identifier::{ClientId, GroupId, UserId},
        invitation::{InviteBody, InviteRequest, InviteType, InviteUserRequest, InviteUserResponse},
        message::{Content, MessageInfo, SendMessageRequest},
        party::{Group, Property, Recipient, Sender, User},
        presence::GetPresenceRequest,
        service::ServiceRequest,
    },
    version::Version,
};

/// Agree on all services that the version has.
pub(crate) fn services(version: Version, client_id: &ClientId) -> Primitive {
    Primitive::ServiceRequest(ServiceRequest {
        // Only in 1.1 the request names the client.
        client_id: (version == Version::V1_1).then(|| client_id.clone()),
        functions: Some(FunctionSet::of_version(version)),
        all_functions_request: false,
    })
}

/// Say that one is still there.
pub(crate) fn keep_alive() -> Primitive {
    Primitive::KeepAliveRequest(KeepAliveRequest { time_to_live: None })
}

/// Make a conversation, open or restricted, and take part in it.
pub(crate) fn create(room: &GroupId, is_open: bool) -> Primitive {
    let access = if is_open { "Open" } else { "Restricted" };
    let properties =
        [("Name", "room"), ("Accesstype", access), ("PrivateMessaging", "T"), ("Searchable", "F"), ("AutoDelete", "F")];
    Primitive::CreateGroupRequest(Box::new(CreateGroupRequest {
        group_id: room.clone(),
        properties: GroupProperties {
            properties: properties.iter().map(|(name, value)| Property::new(name, value)).collect(),
            welcome_note: None,
        },
        own_properties: Vec::new(),
        join_group: true,
        screen_name: None,
        subscribe_notification: true,
    }))
}

/// Take part, under a name that the gateway chooses.
pub(crate) fn join(room: &GroupId) -> Primitive {
    Primitive::JoinGroupRequest(Box::new(JoinGroupRequest {
        group_id: room.clone(),
        screen_name: None,
        joined_request: true,
        subscribe_notification: true,
        own_properties: Vec::new(),
    }))
}

/// Take part no longer.
pub(crate) fn leave(room: &GroupId) -> Primitive {
    Primitive::LeaveGroupRequest(LeaveGroupRequest { group_id: room.clone() })
}

/// Ask who is a member or takes part, or whether one hears of changes.
pub(crate) fn members(room: &GroupId, chance: &mut Chance) -> Primitive {
    let group_id = room.clone();
    match chance.below(4) {
        0 => Primitive::GetGroupMembersRequest(GetGroupMembersRequest { group_id }),
        1 => Primitive::GetJoinedUsersRequest(GetJoinedUsersRequest { group_id }),
        2 => Primitive::SubscribeGroupNoticeRequest(SubscribeGroupNoticeRequest { group_id, kind: SubscribeKind::Get }),
        _ => Primitive::SubscribeGroupNoticeRequest(SubscribeGroupNoticeRequest { group_id, kind: SubscribeKind::Set }),
    }
}

/// Say who may take part, and as what.
pub(crate) fn manage(room: &GroupId, whom: &str, chance: &mut Chance) -> Primitive {
    let group_id = room.clone();
    let them = || UserList::of_users(vec![User::from(UserId::new(whom))]);
    let entries = || Some(RejectEntries { users: vec![UserId::new(whom)], screen_names: Vec::new() });
    match chance.below(8) {
        0..3 => Primitive::AddGroupMembersRequest(AddGroupMembersRequest { group_id, members: them() }),
        3 => Primitive::RemoveGroupMembersRequest(RemoveGroupMembersRequest { group_id, members: them() }),
        4 => {
            let members = Membership { moderators: Some(them()), ..Membership::default() };
            Primitive::MemberAccessRequest(Box::new(MemberAccessRequest { group_id, members }))
        }
        5 => Primitive::RejectListRequest(RejectListRequest { group_id, add: entries(), remove: None }),
        6 => Primitive::RejectListRequest(RejectListRequest { group_id, add: None, remove: entries() }),
        _ => Primitive::DeleteGroupRequest(DeleteGroupRequest { group_id }),
    }
}

/// Ask for the properties, or change those of the conversation or one's own.
pub(crate) fn properties(room: &GroupId, topic: u64, chance: &mut Chance) -> Primitive {
    let group_id = room.clone();
    let (mut properties, mut own_properties) = (None, None);
    match chance.below(3) {
        0 => return Primitive::GetGroupPropsRequest(GetGroupPropsRequest { group_id }),
        1 => {
            let topic = Property::new("Topic", &format!("topic {topic}"));
            properties = Some(GroupProperties { properties: vec![topic], welcome_note: None });
        }
        _ => own_properties = Some(vec![Property::new("PrivateMessaging", "F")]),
    }
    Primitive::SetGroupPropsRequest(Box::new(SetGroupPropsRequest { group_id, properties, own_properties }))
}

/// Invite somebody, into a conversation or to a talk.
pub(crate) fn invite(id: &str, whom: &str, room: Option<&GroupId>) -> Primitive {
    let invite_type = if room.is_some() { InviteType::Group } else { InviteType::Message };
    Primitive::InviteRequest(Box::new(InviteRequest {
        invite_id: id.into(),
        invite_type,
        sender: None,
        recipient: Recipient::of_user(UserId::new(whom)),
        body: InviteBody { group_id: room.cloned(), ..InviteBody::default() },
    }))
}

/// Accept an invitation.
pub(crate) fn accept(invitation: &InviteUserRequest) -> Primitive {
    Primitive::InviteUserResponse(Box::new(InviteUserResponse {
        invite_id: invitation.invite_id.clone(),
        acceptance: true,
        sender: invitation.sender.clone(),
        note: None,
        screen_name: None,
    }))
}

/// Look once at some users.
pub(crate) fn fetch(whom: Vec<String>) -> Primitive {
    let users = whom.into_iter().map(|user| User::from(UserId::new(user))).collect();
    Primitive::GetPresenceRequest(GetPresenceRequest { users, contact_lists: Vec::new(), attributes: None })
}

/// Say something in a conversation.
pub(crate) fn say(user: &str, room: &GroupId, text: &str) -> Primitive {
    let message = MessageInfo {
        content_type: Some("text/plain".into()),
        recipient: Recipient { groups: vec![Group::Id(room.clone())], ..Recipient::default() },
        sender: Some(Sender::User(User::from(UserId::new(user)))),
        ..MessageInfo::default()
    };
    let content = Some(Content::from_text(text));
    Primitive::SendMessageRequest(Box::new(SendMessageRequest { delivery_report: false, message, content }))
}
