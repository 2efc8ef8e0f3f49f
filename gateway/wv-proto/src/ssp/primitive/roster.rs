//! Who belongs to a group and who does not.

use crate::{
    codec::{sink::Sink, tree::Element},
    primitive::identifier::{GroupId, UserId},
    ssp::{
        field::{Fault, Part},
        part::{MetaInfo, read_user_ids, write_user_ids},
    },
    status::StatusResult,
};

/// Members of a group by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Admins.
    pub admins: Option<Vec<UserId>>,
    /// Moderators.
    pub moderators: Option<Vec<UserId>>,
    /// OrdinaryUsers.
    pub ordinary: Option<Vec<UserId>>,
}

impl Roles {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let list = |name: &str| element.inner(name).map(read_user_ids).transpose();
        Ok(Self { admins: list("Admins")?, moderators: list("Moderators")?, ordinary: list("OrdinaryUsers")? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        let lists = [("Admins", &self.admins), ("Moderators", &self.moderators), ("OrdinaryUsers", &self.ordinary)];
        for (name, list) in lists {
            write_user_list(name, list.as_deref(), sink);
        }
    }
}

pub(super) fn write_user_list(name: &str, users: Option<&[UserId]>, sink: &mut dyn Sink) {
    if let Some(users) = users {
        sink.start(name);
        write_user_ids(users, sink);
        sink.close();
    }
}

/// GetGroupMemberResponse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersResponse {
    /// How it went.
    pub status: Option<StatusResult>,
    /// The members.
    pub members: Roles,
}

impl Part for MembersResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { status: element.inner_part("Status")?, members: Roles::read(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GetGroupMemberResponse");
        sink.parts(&self.status);
        self.members.write(sink);
        sink.close();
    }
}

/// MemberAccessRequest: other roles for members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAccessRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
    /// The roles.
    pub members: Roles,
}

impl Part for MemberAccessRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { meta: MetaInfo::read_in(element)?, group_id: element.group_id()?, members: Roles::read(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("MemberAccessRequest");
        sink.group_attribute(&self.group_id);
        self.meta.write(sink);
        self.members.write(sink);
        sink.close();
    }
}

/// AddGroupMemberRequest or RemoveGroupMemberRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersRequest {
    /// Whether they become members, or are none any more.
    pub adds: bool,
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
    /// Who.
    pub users: Vec<UserId>,
}

impl MembersRequest {
    pub(in crate::ssp) const fn name(&self) -> &'static str {
        if self.adds { ADD } else { REMOVE }
    }

    pub(in crate::ssp) fn read(element: Element<'_, '_>) -> Option<Result<Self, Fault>> {
        let adds = match element.local_name() {
            ADD => true,
            REMOVE => false,
            _ => return None,
        };
        let read = || {
            let (meta, users) = (MetaInfo::read_in(element)?, read_user_ids(element)?);
            Ok(Self { adds, meta, group_id: element.group_id()?, users })
        };
        Some(read())
    }

    pub(in crate::ssp) fn write(&self, sink: &mut dyn Sink) {
        sink.start(self.name());
        sink.group_attribute(&self.group_id);
        self.meta.write(sink);
        write_user_ids(&self.users, sink);
        sink.close();
    }
}

const ADD: &str = "AddGroupMemberRequest";
const REMOVE: &str = "RemoveGroupMemberRequest";

/// Mapping: a screen name, and who has it where that may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// SName.
    pub name: Box<str>,
    /// UserID.
    pub user_id: Option<UserId>,
}

/// GetJoinedUsersResponse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetJoinedUsersResponse {
    /// How it went.
    pub status: Option<StatusResult>,
    /// JoinedAdmin.
    pub admins: Option<Vec<Mapping>>,
    /// JoinedUsers.
    pub users: Option<Vec<Mapping>>,
    /// JoinedBlocked.
    pub blocked: Option<Vec<Mapping>>,
}

impl Part for GetJoinedUsersResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let list = |name: &str| element.inner(name).map(read_mappings).transpose();
        // QUIRK ssp_joined_user: writes JoinedUser and reads JoinedUsers; Baraza.
        let users = list("JoinedUsers")?;
        Ok(Self {
            status: element.inner_part("Status")?,
            admins: list("JoinedAdmin")?,
            users: if users.is_some() { users } else { list("JoinedUser")? },
            blocked: list("JoinedBlocked")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GetJoinedUsersResponse");
        sink.parts(&self.status);
        let lists = [("JoinedAdmin", &self.admins), ("JoinedUsers", &self.users), ("JoinedBlocked", &self.blocked)];
        for (name, list) in lists {
            if let Some(list) = list {
                write_mappings(name, list, sink);
            }
        }
        sink.close();
    }
}

/// The mappings below UserMapList and UserMapping, or wherever they stand.
fn read_mappings(element: Element<'_, '_>) -> Result<Vec<Mapping>, Fault> {
    let mut mappings = Vec::new();
    let mut open = vec![element];
    while let Some(container) = open.pop() {
        for child in container.children() {
            match child.local_name() {
                "Mapping" => mappings.push(Mapping {
                    name: child.inner_text("SName").unwrap_or_default(),
                    user_id: child.inner("UserID").map(Element::user_id).transpose()?,
                }),
                "UserMapList" | "UserMapping" => open.push(child),
                _ => {}
            }
        }
    }
    Ok(mappings)
}

fn write_mappings(name: &str, mappings: &[Mapping], sink: &mut dyn Sink) {
    sink.start(name);
    sink.start("UserMapList");
    sink.start("UserMapping");
    for mapping in mappings {
        sink.start("Mapping");
        sink.text_element("SName", Some(&mapping.name));
        if let Some(user) = &mapping.user_id {
            sink.user_element("UserID", user);
        }
        sink.close();
    }
    sink.close();
    sink.close();
    sink.close();
}

/// RejectListRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectListRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
    /// Who is kept out from now on.
    pub add: Option<Vec<UserId>>,
    /// Who no more.
    pub remove: Option<Vec<UserId>>,
}

impl Part for RejectListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let list = |name: &str| element.inner(name).map(read_user_ids).transpose();
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            group_id: element.group_id()?,
            add: list("AddUsers")?,
            remove: list("RemoveUsers")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("RejectListRequest");
        sink.group_attribute(&self.group_id);
        self.meta.write(sink);
        write_user_list("AddUsers", self.add.as_deref(), sink);
        write_user_list("RemoveUsers", self.remove.as_deref(), sink);
        sink.close();
    }
}

/// RejectListResponse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectListResponse {
    /// How it went.
    pub status: Option<StatusResult>,
    /// Who is kept out.
    pub users: Option<Vec<UserId>>,
}

impl Part for RejectListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let users = element.inner("RejectList").map(read_user_ids).transpose()?;
        Ok(Self { status: element.inner_part("Status")?, users })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("RejectListResponse");
        sink.parts(&self.status);
        write_user_list("RejectList", self.users.as_deref(), sink);
        sink.close();
    }
}
