//! Who is joined, in the shapes of the three versions, and the notice of changes.

use super::{GroupProperties, needed_group};
use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::group::UserList;
use crate::primitive::identifier::{GroupId, UserId};
use crate::primitive::party::{Property, ScreenName};
use crate::schema::{ElementName, element};
use crate::version::Version;

/// Mapping: one joined user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// SName.
    pub name: Box<str>,
    /// UserID, when the user shows it.
    pub user_id: Option<UserId>,
}

/// UserMapList.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserMapList {
    /// The joined users.
    pub mappings: Vec<Mapping>,
    /// Whether each Mapping stands directly in the list, or in a UserMapping.
    pub is_flat: bool,
}

/// AdminMapList: the joined users by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminMapList {
    /// AdminMapping.
    pub admins: Vec<Mapping>,
    /// ModMapping.
    pub moderators: Vec<Mapping>,
    /// UserMapping.
    pub users: Vec<Mapping>,
}

/// Who is joined, in the form of the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roster {
    /// 1.1: screen names.
    Names(Vec<ScreenName>, NameShape),
    /// 1.2 and 1.3.
    Map(UserMapList),
}

/// How screen names stand in Joined and Left of 1.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameShape {
    /// Each directly.
    #[default]
    Direct,
    /// All in a UserList.
    InUserList,
}

/// GetJoinedUsers-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetJoinedUsersRequest {
    /// The group.
    pub group_id: GroupId,
}

/// GetJoinedUsers-Response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetJoinedUsersResponse {
    /// Who is joined.
    pub joined: JoinedUsers,
    /// JoinedBlocked (1.3): joined users who are blocked.
    pub joined_blocked: Option<UserList>,
}

/// Who is joined, as much as the asking user may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinedUsers {
    /// By role, for those who manage the group.
    ByRole(AdminMapList),
    /// For everybody else.
    Users(UserMapList),
}

/// GroupChangeNotice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChangeNotice {
    /// The group.
    pub group_id: GroupId,
    /// Joined: who came.
    pub joined: Option<Roster>,
    /// Left: who went.
    pub left: Option<UserList>,
    /// How screen names stand in Left of 1.1.
    pub left_shape: NameShape,
    /// JoinedBlocked (1.3).
    pub joined_blocked: Option<UserList>,
    /// LeftBlocked (1.3).
    pub left_blocked: Option<UserList>,
    /// GroupProperties that changed.
    pub properties: Option<GroupProperties>,
    /// OwnProperties that changed.
    pub own_properties: Option<Vec<Property>>,
}

impl Part for Mapping {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            name: element.present_text_of(element::S_NAME).unwrap_or_default(),
            user_id: element.text_of(element::USER_ID).map(UserId::new),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::MAPPING);
        sink.leaf_text(element::S_NAME, &self.name);
        sink.maybe_text(element::USER_ID, self.user_id.as_ref().map(UserId::as_str));
        sink.close();
    }
}

fn read_mappings(element: Element<'_, '_>, name: ElementName) -> Result<Vec<Mapping>, MalformedReason> {
    element.child(name).map(|inside| inside.parts_of(element::MAPPING)).transpose().map(Option::unwrap_or_default)
}

fn write_mappings(mappings: &[Mapping], name: ElementName, sink: &mut dyn Sink) {
    if mappings.is_empty() {
        return;
    }
    sink.open(name);
    for mapping in mappings {
        mapping.write(sink);
    }
    sink.close();
}

impl Part for UserMapList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        // WV-GRP-03: both shapes are taken.
        let direct: Vec<Mapping> = element.parts_of(element::MAPPING)?;
        let is_flat = !direct.is_empty();
        let mappings = if is_flat { direct } else { read_mappings(element, element::USER_MAPPING)? };
        Ok(Self { mappings, is_flat })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::USER_MAP_LIST);
        if self.is_flat {
            // QUIRK flat_user_map: wants Mapping directly under UserMapList, Android
            for mapping in &self.mappings {
                mapping.write(sink);
            }
        } else {
            write_mappings(&self.mappings, element::USER_MAPPING, sink);
        }
        sink.close();
    }
}

impl Part for AdminMapList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            admins: read_mappings(element, element::ADMIN_MAPPING)?,
            moderators: read_mappings(element, element::MOD_MAPPING)?,
            users: read_mappings(element, element::USER_MAPPING)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::ADMIN_MAP_LIST);
        write_mappings(&self.admins, element::ADMIN_MAPPING, sink);
        write_mappings(&self.moderators, element::MOD_MAPPING, sink);
        write_mappings(&self.users, element::USER_MAPPING, sink);
        sink.close();
    }
}

impl Roster {
    /// The roster that stands directly in an element: UserMapList, or UserList.
    pub(super) fn read_list(element: Element<'_, '_>) -> Result<Option<Self>, MalformedReason> {
        if let Some(map) = element.part_of(element::USER_MAP_LIST)? {
            return Ok(Some(Self::Map(map)));
        }
        let Some(list) = element.child(element::USER_LIST) else { return Ok(None) };
        Ok(Some(Self::Names(list.parts_of(element::SCREEN_NAME)?, NameShape::InUserList)))
    }

    /// The roster that Joined holds.
    pub(super) fn read_in(joined: Element<'_, '_>) -> Result<Self, MalformedReason> {
        match Self::read_list(joined)? {
            Some(list) => Ok(list),
            None => Ok(Self::Names(joined.parts_of(element::SCREEN_NAME)?, NameShape::Direct)),
        }
    }

    pub(super) fn write_list(&self, sink: &mut dyn Sink) {
        match self {
            Self::Map(map) => map.write(sink),
            Self::Names(names, _) => write_names(names, NameShape::InUserList, sink),
        }
    }

    fn write_joined(&self, sink: &mut dyn Sink) {
        sink.open(element::JOINED);
        match self {
            Self::Map(map) => map.write(sink),
            Self::Names(names, shape) => write_names(names, *shape, sink),
        }
        sink.close();
    }
}

fn write_names(names: &[ScreenName], shape: NameShape, sink: &mut dyn Sink) {
    if shape == NameShape::InUserList {
        sink.open(element::USER_LIST);
    }
    for name in names {
        name.write(sink);
    }
    if shape == NameShape::InUserList {
        sink.close();
    }
}

impl Part for GetJoinedUsersResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let joined = match element.part_of(element::ADMIN_MAP_LIST)? {
            Some(list) => JoinedUsers::ByRole(list),
            None => JoinedUsers::Users(element.part_of(element::USER_MAP_LIST)?.unwrap_or_default()),
        };
        Ok(Self { joined, joined_blocked: UserList::read_within(element, element::JOINED_BLOCKED)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_JOINED_USERS_RESPONSE);
        match &self.joined {
            JoinedUsers::ByRole(list) => list.write(sink),
            JoinedUsers::Users(list) => list.write(sink),
        }
        if sink.version() == Version::V1_3 {
            UserList::write_within(self.joined_blocked.as_ref(), element::JOINED_BLOCKED, sink);
        }
        sink.close();
    }
}

impl GroupChangeNotice {
    /// A notice that tells nothing yet.
    #[must_use]
    pub const fn new(group_id: GroupId) -> Self {
        Self {
            group_id,
            joined: None,
            left: None,
            left_shape: NameShape::Direct,
            joined_blocked: None,
            left_blocked: None,
            properties: None,
            own_properties: None,
        }
    }

    fn write_left(&self, left: &UserList, sink: &mut dyn Sink) {
        if sink.version() == Version::V1_1 {
            sink.open(element::LEFT);
            write_names(&left.screen_names, self.left_shape, sink);
            sink.close();
        } else {
            UserList::write_within(Some(left), element::LEFT, sink);
        }
    }
}

impl Part for GroupChangeNotice {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let (mut left, mut left_shape) = (None, NameShape::Direct);
        if let Some(gone) = element.child(element::LEFT) {
            let list = gone.child(element::USER_LIST);
            left_shape = if list.is_some() { NameShape::InUserList } else { NameShape::Direct };
            left = Some(UserList::read(list.unwrap_or(gone))?);
        }
        Ok(Self {
            group_id: needed_group(element)?,
            joined: element.child(element::JOINED).map(Roster::read_in).transpose()?,
            left,
            left_shape,
            joined_blocked: UserList::read_within(element, element::JOINED_BLOCKED)?,
            left_blocked: UserList::read_within(element, element::LEFT_BLOCKED)?,
            properties: element.part_of(element::GROUP_PROPERTIES)?,
            own_properties: element.child(element::OWN_PROPERTIES).map(Property::read_list),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GROUP_CHANGE_NOTICE);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        if let Some(joined) = &self.joined {
            joined.write_joined(sink);
        }
        if let Some(left) = &self.left {
            self.write_left(left, sink);
        }
        if sink.version() == Version::V1_3 {
            UserList::write_within(self.joined_blocked.as_ref(), element::JOINED_BLOCKED, sink);
            UserList::write_within(self.left_blocked.as_ref(), element::LEFT_BLOCKED, sink);
        }
        if let Some(properties) = &self.properties {
            properties.write(sink);
        }
        if let Some(own) = &self.own_properties {
            Property::write_list(own, element::OWN_PROPERTIES, sink);
        }
        sink.close();
    }
}
