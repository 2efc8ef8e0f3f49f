//! Groups: making, joining and leaving them, and what describes them.

mod membership;
mod roster;

pub use membership::{
    AddGroupMembersRequest, GetGroupMembersRequest, GetGroupMembersResponse, MemberAccessRequest, Membership,
    RejectEntries, RejectListRequest, RejectListResponse, RemoveGroupMembersRequest, UserList,
};
pub use roster::{
    AdminMapList, GetJoinedUsersRequest, GetJoinedUsersResponse, GroupChangeNotice, JoinedUsers, Mapping, NameShape,
    Roster, UserMapList,
};

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::GroupId;
use crate::primitive::message::Content;
use crate::primitive::party::{Property, ScreenName};
use crate::schema::{ElementName, element};
use crate::status::StatusResult;
use crate::version::{Encoding, Version};

/// GroupProperties: what describes a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupProperties {
    /// Property, each a name and a value.
    pub properties: Vec<Property>,
    /// WelcomeNote: what somebody who joins is told.
    pub welcome_note: Option<WelcomeNote>,
}

/// WelcomeNote, with its ContentEncoding undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WelcomeNote {
    /// ContentType.
    pub content_type: Box<str>,
    /// ContentData.
    pub content: Content,
}

/// CreateGroup-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateGroupRequest {
    /// The new group.
    pub group_id: GroupId,
    /// GroupProperties.
    pub properties: GroupProperties,
    /// OwnProperties (1.3) of the creator.
    pub own_properties: Vec<Property>,
    /// JoinGroup: whether the creator joins at once.
    pub join_group: bool,
    /// ScreenName of the creator.
    pub screen_name: Option<ScreenName>,
    /// SubscribeNotification: whether the creator is told of changes.
    pub subscribe_notification: bool,
}

/// DeleteGroup-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteGroupRequest {
    /// The group.
    pub group_id: GroupId,
}

/// JoinGroup-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupRequest {
    /// The group.
    pub group_id: GroupId,
    /// ScreenName to join under.
    pub screen_name: Option<ScreenName>,
    /// JoinedRequest: whether the answer is to name the joined users.
    pub joined_request: bool,
    /// SubscribeNotification: whether the client is told of changes.
    pub subscribe_notification: bool,
    /// OwnProperties (1.2, 1.3).
    pub own_properties: Vec<Property>,
}

/// JoinGroup-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinGroupResponse {
    /// Who is there, when that was asked for.
    pub joined: Option<Roster>,
    /// ScreenName that the server chose or confirms (1.3).
    pub screen_name: Option<ScreenName>,
    /// WelcomeNote.
    pub welcome_note: Option<WelcomeNote>,
}

/// LeaveGroup-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupRequest {
    /// The group.
    pub group_id: GroupId,
}

/// LeaveGroup-Response; from the server of its own accord when the user is removed or the group is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupResponse {
    /// The group; always written when nobody asked.
    pub group_id: Option<GroupId>,
    /// Result: how it went, or why.
    pub result: StatusResult,
}

/// GetGroupProps-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetGroupPropsRequest {
    /// The group.
    pub group_id: GroupId,
}

/// GetGroupProps-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetGroupPropsResponse {
    /// GroupProperties.
    pub properties: GroupProperties,
    /// OwnProperties of the asking user.
    pub own_properties: Vec<Property>,
}

/// SetGroupProps-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetGroupPropsRequest {
    /// The group.
    pub group_id: GroupId,
    /// GroupProperties that change.
    pub properties: Option<GroupProperties>,
    /// OwnProperties that change.
    pub own_properties: Option<Vec<Property>>,
}

/// SubscribeGroupNotice-Request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeGroupNoticeRequest {
    /// The group.
    pub group_id: GroupId,
    /// SubscribeType.
    pub kind: SubscribeKind,
}

/// SubscribeType: what is wanted of the subscription to the changes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscribeKind {
    /// `G`: whether it exists.
    Get,
    /// `S`: that it exists.
    Set,
    /// `U`: that it does not.
    Unset,
}

/// SubscribeGroupNotice-Response, the answer to [`SubscribeKind::Get`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscribeGroupNoticeResponse {
    /// Value: whether the client is told of changes.
    pub value: bool,
}

impl Property {
    /// Property name of a group's title.
    pub const GROUP_NAME: &'static str = "Name";
    /// Property name of what a group talks about.
    pub const TOPIC: &'static str = "Topic";
    /// Property name of who may join a group: Open or Restricted. The token is spelt AccessType.
    pub const ACCESS_TYPE: &'static str = "Accesstype";
    /// Property name of whether a group is Public or Private.
    pub const GROUP_TYPE: &'static str = "Type";
    /// Property name of whether private messages are allowed, in a group or for a member.
    pub const PRIVATE_MESSAGING: &'static str = "PrivateMessaging";
    /// Property name of whether a group can be found.
    pub const SEARCHABLE: &'static str = "Searchable";
    /// Property name of how many are joined.
    pub const ACTIVE_USERS: &'static str = "ActiveUsers";
    /// Property name of how many may be joined.
    pub const MAX_ACTIVE_USERS: &'static str = "MaxActiveUsers";
    /// Property name of whether a group ends with its last user.
    pub const AUTO_DELETE: &'static str = "AutoDelete";
    /// Property name of how long an empty group stays, in seconds.
    pub const VALIDITY: &'static str = "Validity";
    /// Property name of whether old messages are kept (1.3).
    pub const HISTORY: &'static str = "History";
    /// Own property name of whether the user is a member.
    pub const IS_MEMBER: &'static str = "IsMember";
    /// Own property name of the user's role: Admin, Mod or User.
    pub const PRIVILEGE_LEVEL: &'static str = "PrivilegeLevel";
    /// Own property name of whether others see the user's address.
    pub const SHOW_ID: &'static str = "ShowID";
    /// Own property name of whether the user is joined by each login.
    pub const AUTO_JOIN: &'static str = "AutoJoin";
}

/// The GroupID in an element.
pub(super) fn needed_group(element: Element<'_, '_>) -> Result<GroupId, MalformedReason> {
    element.needed_text_of(element::GROUP_ID).map(GroupId::new)
}

fn read_own(element: Element<'_, '_>) -> Option<Vec<Property>> {
    element.child(element::OWN_PROPERTIES).map(Property::read_list)
}

/// A primitive that holds nothing but a GroupID.
pub(super) fn write_group_only(name: ElementName, group_id: &GroupId, sink: &mut dyn Sink) {
    sink.open(name);
    sink.leaf_text(element::GROUP_ID, group_id.as_str());
    sink.close();
}

/// Declares how primitives are read and written that hold nothing but a GroupID.
macro_rules! group_only {
    ($($name:ident $element:ident),+) => {$(
        impl Part for $name {
            fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
                Ok(Self { group_id: needed_group(element)? })
            }

            fn write(&self, sink: &mut dyn Sink) {
                write_group_only(element::$element, &self.group_id, sink);
            }
        }
    )+};
}

group_only!(
    DeleteGroupRequest DELETE_GROUP_REQUEST,
    LeaveGroupRequest LEAVE_GROUP_REQUEST,
    GetGroupPropsRequest GET_GROUP_PROPS_REQUEST,
    GetGroupMembersRequest GET_GROUP_MEMBERS_REQUEST,
    GetJoinedUsersRequest GET_JOINED_USERS_REQUEST
);

impl Part for WelcomeNote {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let encoding = element.text_of(element::CONTENT_ENCODING);
        let is_base64 = encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case("base64"));
        let content = match element.child(element::CONTENT_DATA) {
            None => Content::from_text(""),
            Some(data) => {
                let octets = data.content_octets(is_base64, None);
                let octets = octets.map_err(|_| MalformedReason::BadValue(element::CONTENT_DATA))?;
                Content::from_octets(bytes::Bytes::copy_from_slice(&octets))
            }
        };
        let content_type = element.text_of(element::CONTENT_TYPE).unwrap_or_else(|| "text/plain".into());
        Ok(Self { content_type, content })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::WELCOME_NOTE);
        sink.leaf_text(element::CONTENT_TYPE, &self.content_type);
        match (self.content.plain_text(), sink.encoding()) {
            (Some(text), _) => sink.leaf_text(element::CONTENT_DATA, text),
            (None, Encoding::Wbxml) => sink.leaf_octets(element::CONTENT_DATA, self.content.octets()),
            (None, Encoding::Xml) => {
                sink.leaf_text(element::CONTENT_ENCODING, "BASE64");
                sink.leaf_text(element::CONTENT_DATA, &self.content.to_base64());
            }
        }
        sink.close();
    }
}

impl Part for GroupProperties {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { properties: Property::read_list(element), welcome_note: element.part_of(element::WELCOME_NOTE)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GROUP_PROPERTIES);
        Property::write_each(&self.properties, sink);
        if let Some(note) = &self.welcome_note {
            note.write(sink);
        }
        sink.close();
    }
}

impl Part for CreateGroupRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            group_id: needed_group(element)?,
            properties: element.part_of(element::GROUP_PROPERTIES)?.unwrap_or_default(),
            own_properties: read_own(element).unwrap_or_default(),
            join_group: element.flag_of(element::JOIN_GROUP)?.unwrap_or(false),
            screen_name: element.part_of(element::SCREEN_NAME)?,
            subscribe_notification: element.flag_of(element::SUBSCRIBE_NOTIFICATION)?.unwrap_or(false),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CREATE_GROUP_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        self.properties.write(sink);
        if sink.version() == Version::V1_3 && !self.own_properties.is_empty() {
            Property::write_list(&self.own_properties, element::OWN_PROPERTIES, sink);
        }
        sink.leaf_boolean(element::JOIN_GROUP, self.join_group);
        if let Some(screen_name) = &self.screen_name {
            screen_name.write(sink);
        }
        sink.leaf_boolean(element::SUBSCRIBE_NOTIFICATION, self.subscribe_notification);
        sink.close();
    }
}

impl Part for JoinGroupRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            group_id: needed_group(element)?,
            screen_name: element.part_of(element::SCREEN_NAME)?,
            joined_request: element.flag_of(element::JOINED_REQUEST)?.unwrap_or(false),
            subscribe_notification: element.flag_of(element::SUBSCRIBE_NOTIFICATION)?.unwrap_or(false),
            own_properties: read_own(element).unwrap_or_default(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::JOIN_GROUP_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        if let Some(screen_name) = &self.screen_name {
            screen_name.write(sink);
        }
        sink.leaf_boolean(element::JOINED_REQUEST, self.joined_request);
        sink.leaf_boolean(element::SUBSCRIBE_NOTIFICATION, self.subscribe_notification);
        if sink.version() >= Version::V1_2 && !self.own_properties.is_empty() {
            Property::write_list(&self.own_properties, element::OWN_PROPERTIES, sink);
        }
        sink.close();
    }
}

impl Part for JoinGroupResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let joined = match element.child(element::JOINED) {
            Some(joined) => Some(Roster::read_in(joined)?),
            None => Roster::read_list(element)?,
        };
        Ok(Self {
            joined,
            screen_name: element.part_of(element::SCREEN_NAME)?,
            welcome_note: element.part_of(element::WELCOME_NOTE)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::JOIN_GROUP_RESPONSE);
        let is_1_3 = sink.version() == Version::V1_3;
        if let Some(joined) = &self.joined {
            // WV-GRP-04: in 1.3 the list stands inside Joined.
            if is_1_3 {
                sink.open(element::JOINED);
            }
            joined.write_list(sink);
            if is_1_3 {
                sink.close();
            }
        }
        if let (true, Some(screen_name)) = (is_1_3, &self.screen_name) {
            screen_name.write(sink);
        }
        if let Some(note) = &self.welcome_note {
            note.write(sink);
        }
        sink.close();
    }
}

impl Part for LeaveGroupResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            group_id: element.text_of(element::GROUP_ID).map(GroupId::new),
            result: element.needed_part_of(element::RESULT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::LEAVE_GROUP_RESPONSE);
        sink.maybe_text(element::GROUP_ID, self.group_id.as_ref().map(GroupId::as_str));
        self.result.write(sink);
        sink.close();
    }
}

impl Part for GetGroupPropsResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            properties: element.part_of(element::GROUP_PROPERTIES)?.unwrap_or_default(),
            own_properties: read_own(element).unwrap_or_default(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_GROUP_PROPS_RESPONSE);
        self.properties.write(sink);
        Property::write_list(&self.own_properties, element::OWN_PROPERTIES, sink);
        sink.close();
    }
}

impl Part for SetGroupPropsRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            group_id: needed_group(element)?,
            properties: element.part_of(element::GROUP_PROPERTIES)?,
            own_properties: read_own(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SET_GROUP_PROPS_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        if let Some(properties) = &self.properties {
            properties.write(sink);
        }
        if let Some(own) = &self.own_properties {
            Property::write_list(own, element::OWN_PROPERTIES, sink);
        }
        sink.close();
    }
}

impl SubscribeKind {
    const ALL: [(Self, &'static str); 3] = [(Self::Get, "G"), (Self::Set, "S"), (Self::Unset, "U")];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(kind, _)| *kind)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "G",
            Self::Set => "S",
            Self::Unset => "U",
        }
    }
}

impl Part for SubscribeGroupNoticeRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let kind = element.needed_text_of(element::SUBSCRIBE_TYPE)?;
        Ok(Self {
            group_id: needed_group(element)?,
            kind: SubscribeKind::parse(&kind).ok_or(MalformedReason::BadValue(element::SUBSCRIBE_TYPE))?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SUBSCRIBE_GROUP_NOTICE_REQUEST);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        sink.leaf_text(element::SUBSCRIBE_TYPE, self.kind.as_str());
        sink.close();
    }
}

impl Part for SubscribeGroupNoticeResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { value: element.flag_of(element::VALUE)?.ok_or(MalformedReason::Missing(element::VALUE))? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SUBSCRIBE_GROUP_NOTICE_RESPONSE);
        sink.leaf_boolean(element::VALUE, self.value);
        sink.close();
    }
}
