//! Members of a group, their roles, and who is kept out.

use super::needed_group;
use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{GroupId, UserId};
use crate::primitive::party::{ScreenName, User};
use crate::schema::{ElementName, element};
use crate::version::Version;

/// UserList: users and members by screen name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserList {
    /// User.
    pub users: Vec<User>,
    /// ScreenName.
    pub screen_names: Vec<ScreenName>,
}

/// Members by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Admin.
    pub admins: Option<UserList>,
    /// Mod.
    pub moderators: Option<UserList>,
    /// Users; in 1.3 a bare UserList.
    pub users: Option<UserList>,
}

/// GetGroupMembers-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetGroupMembersRequest {
    /// The group.
    pub group_id: GroupId,
}

/// GetGroupMembers-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetGroupMembersResponse {
    /// The members.
    pub members: Membership,
}

/// AddGroupMembers-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddGroupMembersRequest {
    /// The group.
    pub group_id: GroupId,
    /// UserList; UserIDList in 1.3.
    pub members: UserList,
}

/// RemoveGroupMembers-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveGroupMembersRequest {
    /// The group.
    pub group_id: GroupId,
    /// UserList; UserIDList in 1.3.
    pub members: UserList,
}

/// MemberAccess-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAccessRequest {
    /// The group.
    pub group_id: GroupId,
    /// The new roles.
    pub members: Membership,
}

/// AddList or RemoveList of a RejectList-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectEntries {
    /// UserID.
    pub users: Vec<UserId>,
    /// ScreenName.
    pub screen_names: Vec<ScreenName>,
}

/// RejectList-Request; without either list it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectListRequest {
    /// The group.
    pub group_id: GroupId,
    /// AddList.
    pub add: Option<RejectEntries>,
    /// RemoveList.
    pub remove: Option<RejectEntries>,
}

/// RejectList-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectListResponse {
    /// UserList: who is kept out.
    pub users: Option<UserList>,
}

impl UserList {
    /// These users.
    #[must_use]
    pub fn of_users(users: Vec<User>) -> Self {
        Self { users, screen_names: Vec::new() }
    }

    /// The UserList inside the element of that name.
    pub(super) fn read_within(parent: Element<'_, '_>, name: ElementName) -> Result<Option<Self>, MalformedReason> {
        let Some(inside) = parent.child(name) else { return Ok(None) };
        // A server leaves the wrapper out.
        Self::read(inside.child(element::USER_LIST).unwrap_or(inside)).map(Some)
    }

    pub(super) fn write_within(list: Option<&Self>, name: ElementName, sink: &mut dyn Sink) {
        if let Some(list) = list {
            sink.open(name);
            list.write(sink);
            sink.close();
        }
    }

    /// The members that a request names: UserList, UserIDList, or the users directly.
    fn read_members(request: Element<'_, '_>) -> Result<Self, MalformedReason> {
        // WV-GRP-05
        let lists = [element::USER_LIST, element::USER_ID_LIST];
        match lists.into_iter().find_map(|name| request.child(name)) {
            Some(list) => Self::read(list),
            None => Self::read(request),
        }
    }

    /// The members in the form of the version; UserIDList holds no screen names.
    fn write_members(&self, sink: &mut dyn Sink) {
        match sink.version() {
            Version::V1_1 | Version::V1_2 => self.write(sink),
            Version::V1_3 => {
                sink.open(element::USER_ID_LIST);
                sink.each_text(element::USER_ID, self.users.iter().map(|user| user.user_id.as_str()));
                sink.close();
            }
        }
    }
}

impl Part for UserList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let mut list = Self { users: Vec::new(), screen_names: element.parts_of(element::SCREEN_NAME)? };
        for child in element.children() {
            match child.known() {
                Some(element::USER) => list.users.push(User::read(child)?),
                Some(element::USER_ID) => {
                    let text = child.trimmed();
                    list.users.extend((!text.is_empty()).then(|| User::from(UserId::new(text))));
                }
                _ => {}
            }
        }
        Ok(list)
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::USER_LIST);
        for user in &self.users {
            user.write(sink);
        }
        for name in &self.screen_names {
            name.write(sink);
        }
        sink.close();
    }
}

impl Membership {
    fn read_in(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let users = match UserList::read_within(element, element::USERS)? {
            Some(users) => Some(users),
            None => element.part_of(element::USER_LIST)?,
        };
        Ok(Self {
            admins: UserList::read_within(element, element::ADMIN)?,
            moderators: UserList::read_within(element, element::MOD)?,
            users,
        })
    }

    fn write_in(&self, sink: &mut dyn Sink) {
        UserList::write_within(self.admins.as_ref(), element::ADMIN, sink);
        UserList::write_within(self.moderators.as_ref(), element::MOD, sink);
        match (sink.version(), &self.users) {
            (Version::V1_1 | Version::V1_2, users) => UserList::write_within(users.as_ref(), element::USERS, sink),
            (Version::V1_3, Some(users)) => users.write(sink),
            (Version::V1_3, None) => {}
        }
    }
}

impl Part for GetGroupMembersResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { members: Membership::read_in(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_GROUP_MEMBERS_RESPONSE);
        self.members.write_in(sink);
        sink.close();
    }
}

impl Part for AddGroupMembersRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { group_id: needed_group(element)?, members: UserList::read_members(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::ADD_GROUP_MEMBERS_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        self.members.write_members(sink);
        sink.close();
    }
}

impl Part for RemoveGroupMembersRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { group_id: needed_group(element)?, members: UserList::read_members(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::REMOVE_GROUP_MEMBERS_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        self.members.write_members(sink);
        sink.close();
    }
}

impl Part for MemberAccessRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { group_id: needed_group(element)?, members: Membership::read_in(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::MEMBER_ACCESS_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        self.members.write_in(sink);
        sink.close();
    }
}

impl RejectEntries {
    fn read_in(request: Element<'_, '_>, name: ElementName) -> Result<Option<Self>, MalformedReason> {
        let Some(list) = request.child(name) else { return Ok(None) };
        let entries = UserList::read(list.child(element::USER_LIST).unwrap_or(list))?;
        let users = entries.users.into_iter().map(|user| user.user_id).collect();
        Ok(Some(Self { users, screen_names: entries.screen_names }))
    }

    fn write_as(&self, name: ElementName, sink: &mut dyn Sink) {
        sink.open(name);
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        for screen_name in &self.screen_names {
            screen_name.write(sink);
        }
        sink.close();
    }
}

impl Part for RejectListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            group_id: needed_group(element)?,
            add: RejectEntries::read_in(element, element::ADD_LIST)?,
            remove: RejectEntries::read_in(element, element::REMOVE_LIST)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::REJECT_LIST_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        if let Some(add) = &self.add {
            add.write_as(element::ADD_LIST, sink);
        }
        if let Some(remove) = &self.remove {
            remove.write_as(element::REMOVE_LIST, sink);
        }
        sink.close();
    }
}

impl Part for RejectListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { users: element.part_of(element::USER_LIST)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::REJECT_LIST_RESPONSE);
        if let Some(users) = &self.users {
            users.write(sink);
        }
        sink.close();
    }
}
