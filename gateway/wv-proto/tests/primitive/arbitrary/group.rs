//! Groups and invitations.

use super::Source;
use wv_proto::primitive::Primitive;
use wv_proto::primitive::group::{
    AddGroupMembersRequest, AdminMapList, CreateGroupRequest, DeleteGroupRequest, GetGroupMembersRequest,
    GetGroupMembersResponse, GetGroupPropsRequest, GetGroupPropsResponse, GetJoinedUsersRequest,
    GetJoinedUsersResponse, GroupChangeNotice, GroupProperties, JoinGroupRequest, JoinGroupResponse, JoinedUsers,
    LeaveGroupRequest, LeaveGroupResponse, Mapping, MemberAccessRequest, Membership, NameShape, RejectEntries,
    RejectListRequest, RejectListResponse, RemoveGroupMembersRequest, Roster, SetGroupPropsRequest,
    SubscribeGroupNoticeRequest, SubscribeGroupNoticeResponse, SubscribeKind, UserList, UserMapList, WelcomeNote,
};
use wv_proto::primitive::identifier::{ClientId, GroupId, UserId};
use wv_proto::primitive::invitation::{
    CancelInviteRequest, CancelInviteUserRequest, ExtendConversationRequest, ExtendConversationResponse, InviteBody,
    InviteRequest, InviteResponse, InviteType, InviteUserRequest, InviteUserResponse,
};
use wv_proto::primitive::party::User;
use wv_proto::version::Version;

impl Source<'_> {
    /// A primitive about groups or invitations.
    pub(super) fn group_primitive(&mut self, kind: u8) -> Primitive {
        let group_id = self.id(GroupId::new);
        match kind {
            0 => Primitive::CreateGroupRequest(Box::new(CreateGroupRequest {
                group_id,
                properties: self.group_properties(),
                own_properties: self.list_1_3(Self::property),
                join_group: self.flag(),
                screen_name: self.maybe(Self::screen_name),
                subscribe_notification: self.flag(),
            })),
            1 => Primitive::DeleteGroupRequest(DeleteGroupRequest { group_id }),
            2 => Primitive::JoinGroupRequest(Box::new(JoinGroupRequest {
                group_id,
                screen_name: self.maybe(Self::screen_name),
                joined_request: self.flag(),
                subscribe_notification: self.flag(),
                own_properties: if self.since(Version::V1_2) { self.list(Self::property) } else { Vec::new() },
            })),
            3 => Primitive::JoinGroupResponse(Box::new(JoinGroupResponse {
                joined: self.maybe(|source| source.roster(NameShape::InUserList)),
                screen_name: self.maybe_1_3(Self::screen_name),
                welcome_note: self.maybe(Self::welcome_note),
            })),
            4 => Primitive::LeaveGroupRequest(LeaveGroupRequest { group_id }),
            5 => {
                let (group_id, result) = (Some(group_id), self.result());
                Primitive::LeaveGroupResponse(LeaveGroupResponse { group_id, result })
            }
            6 => Primitive::GetGroupPropsRequest(GetGroupPropsRequest { group_id }),
            7 => {
                let (properties, own_properties) = (self.group_properties(), self.list(Self::property));
                Primitive::GetGroupPropsResponse(Box::new(GetGroupPropsResponse { properties, own_properties }))
            }
            8 => Primitive::SetGroupPropsRequest(Box::new(SetGroupPropsRequest {
                group_id,
                properties: self.maybe(Self::group_properties),
                own_properties: self.maybe(|source| source.list(Self::property)),
            })),
            9 => {
                let kinds = [SubscribeKind::Get, SubscribeKind::Set, SubscribeKind::Unset];
                let kind = kinds[usize::from(self.choice()) % kinds.len()];
                Primitive::SubscribeGroupNoticeRequest(SubscribeGroupNoticeRequest { group_id, kind })
            }
            10 => Primitive::SubscribeGroupNoticeResponse(SubscribeGroupNoticeResponse { value: self.flag() }),
            11 => Primitive::GroupChangeNotice(Box::new(self.notice(group_id))),
            12..=20 => self.membership_primitive(kind, group_id),
            _ => self.invitation_primitive(kind),
        }
    }

    fn membership_primitive(&mut self, kind: u8, group_id: GroupId) -> Primitive {
        match kind {
            12 => Primitive::GetGroupMembersRequest(GetGroupMembersRequest { group_id }),
            13 => {
                let members = self.membership();
                Primitive::GetGroupMembersResponse(Box::new(GetGroupMembersResponse { members }))
            }
            14 => Primitive::AddGroupMembersRequest(AddGroupMembersRequest { group_id, members: self.member_list() }),
            15 => Primitive::RemoveGroupMembersRequest(RemoveGroupMembersRequest {
                group_id,
                members: self.member_list(),
            }),
            16 => {
                let members = self.membership();
                Primitive::MemberAccessRequest(Box::new(MemberAccessRequest { group_id, members }))
            }
            17 => Primitive::RejectListRequest(RejectListRequest {
                group_id,
                add: self.maybe(Self::reject_entries),
                remove: self.maybe(Self::reject_entries),
            }),
            18 => Primitive::RejectListResponse(RejectListResponse { users: self.maybe(Self::user_list) }),
            19 => Primitive::GetJoinedUsersRequest(GetJoinedUsersRequest { group_id }),
            _ => {
                let joined = if self.flag() {
                    JoinedUsers::ByRole(AdminMapList {
                        admins: self.list(Self::mapping),
                        moderators: self.list(Self::mapping),
                        users: self.list(Self::mapping),
                    })
                } else {
                    JoinedUsers::Users(self.user_map_list())
                };
                let joined_blocked = self.maybe_1_3(Self::user_list);
                Primitive::GetJoinedUsersResponse(Box::new(GetJoinedUsersResponse { joined, joined_blocked }))
            }
        }
    }

    fn invitation_primitive(&mut self, kind: u8) -> Primitive {
        let invite_id = self.text();
        match kind {
            21 => Primitive::InviteRequest(Box::new(InviteRequest {
                invite_id,
                invite_type: self.word(&InviteType::NAMED, InviteType::Other),
                sender: self.maybe_1_3(Self::sender),
                recipient: self.recipient(),
                body: self.invite_body(true),
            })),
            22 => Primitive::InviteUserRequest(Box::new(InviteUserRequest {
                invite_id,
                invite_type: self.word(&InviteType::NAMED, InviteType::Other),
                sender: Some(self.sender()),
                body: {
                    let is_1_3 = self.is_1_3();
                    self.invite_body(is_1_3)
                },
            })),
            23 => Primitive::InviteUserResponse(Box::new(InviteUserResponse {
                invite_id,
                acceptance: self.flag(),
                sender: if self.since(Version::V1_2) { Some(self.sender()) } else { None },
                note: self.maybe(Self::text),
                screen_name: self.maybe(Self::screen_name),
            })),
            24 => Primitive::InviteResponse(Box::new(InviteResponse {
                invite_id,
                acceptance: self.flag(),
                sender: Some(self.sender()),
                note: self.maybe(Self::text),
            })),
            25 => Primitive::CancelInviteRequest(Box::new(CancelInviteRequest {
                invite_id,
                recipient: self.recipient(),
                note: self.maybe(Self::text),
                urls: self.list(Self::text),
                screen_name: self.maybe(Self::screen_name),
            })),
            26 => Primitive::CancelInviteUserRequest(Box::new(CancelInviteUserRequest {
                invite_id,
                sender: Some(self.sender()),
                note: self.maybe(Self::text),
                urls: self.list(Self::text),
            })),
            27 => Primitive::ExtendConversationRequest(Box::new(ExtendConversationRequest {
                conversation_id: invite_id,
                users: self.list(|source| source.id(UserId::new)),
                // What is not written there: see the writer.
                partner: self.maybe(|source| {
                    let user = source.user();
                    let client_id = user.client_id.filter(|id| !matches!(id, ClientId::Application(_)));
                    User { friendly_name: None, client_id, ..user }
                }),
                subscribe_notification: self.maybe(Self::flag),
                welcome_note: self.maybe(Self::welcome_note),
                screen_name: self.maybe(Self::screen_name),
            })),
            _ => Primitive::ExtendConversationResponse(ExtendConversationResponse {
                conversation_id: invite_id,
                group_id: self.maybe(|source| source.id(GroupId::new)),
                note: self.maybe(Self::text),
                result: self.result(),
            }),
        }
    }

    fn group_properties(&mut self) -> GroupProperties {
        GroupProperties { properties: self.filled_list(Self::property), welcome_note: self.maybe(Self::welcome_note) }
    }

    fn welcome_note(&mut self) -> WelcomeNote {
        let content = loop {
            if let Some(content) = self.content() {
                break content;
            }
            // The choices have run out, or the next one decides.
            if self.choices.is_empty() {
                break wv_proto::primitive::message::Content::from_text("");
            }
        };
        WelcomeNote { content_type: self.text(), content }
    }

    fn invite_body(&mut self, may_name: bool) -> InviteBody {
        InviteBody {
            application_id: self.maybe_1_3(Self::text),
            group_id: self.maybe(|source| source.id(GroupId::new)),
            attributes: self.maybe(Self::names),
            urls: self.list(Self::text),
            note: self.maybe(Self::text),
            screen_name: if may_name { self.maybe(Self::screen_name) } else { None },
            validity: self.maybe(Self::seconds),
        }
    }

    fn mapping(&mut self) -> Mapping {
        Mapping { name: self.text(), user_id: self.maybe(|source| source.id(UserId::new)) }
    }

    fn user_map_list(&mut self) -> UserMapList {
        UserMapList { mappings: self.list(Self::mapping), is_flat: false }
    }

    fn roster(&mut self, shape: NameShape) -> Roster {
        if self.version == Version::V1_1 {
            Roster::Names(self.filled_list(Self::screen_name), shape)
        } else {
            Roster::Map(self.user_map_list())
        }
    }

    fn user_list(&mut self) -> UserList {
        UserList { users: self.list(Self::user), screen_names: self.list(Self::screen_name) }
    }

    /// Members of a request: UserIDList of 1.3 has UserIDs only.
    fn member_list(&mut self) -> UserList {
        UserList {
            users: self.list(Self::target),
            screen_names: if self.is_1_3() { Vec::new() } else { self.list(Self::screen_name) },
        }
    }

    fn membership(&mut self) -> Membership {
        Membership {
            admins: self.maybe(Self::user_list),
            moderators: self.maybe(Self::user_list),
            users: self.maybe(Self::user_list),
        }
    }

    fn reject_entries(&mut self) -> RejectEntries {
        RejectEntries { users: self.list(|source| source.id(UserId::new)), screen_names: self.list(Self::screen_name) }
    }

    fn notice(&mut self, group_id: GroupId) -> GroupChangeNotice {
        let left = if self.version == Version::V1_1 {
            self.maybe(|source| UserList { users: Vec::new(), screen_names: source.filled_list(Self::screen_name) })
        } else {
            self.maybe(Self::user_list)
        };
        let is_list = left.is_some() && self.since(Version::V1_2);
        GroupChangeNotice {
            joined: self.maybe(|source| source.roster(NameShape::Direct)),
            left,
            left_shape: if is_list { NameShape::InUserList } else { NameShape::Direct },
            joined_blocked: self.maybe_1_3(Self::user_list),
            left_blocked: self.maybe_1_3(Self::user_list),
            properties: self.maybe(Self::group_properties),
            own_properties: self.maybe(|source| source.list(Self::property)),
            ..GroupChangeNotice::new(group_id)
        }
    }
}
