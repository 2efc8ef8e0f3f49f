//! Groups.

use crate::{
    codec::{sink::Sink, tree::Element},
    primitive::{
        group::{GroupProperties, WelcomeNote},
        identifier::{GroupId, UserId},
        party::{Property, ScreenName, User},
    },
    ssp::{
        field::{Fault, Part},
        part::{MetaInfo, read_names, read_own_properties, read_user_ids, write_names, write_own_properties},
        primitive::roster::write_user_list,
    },
    status::StatusResult,
};

macro_rules! group_questions {
    ($($name:ident,)+) => {
        /// A request about a group that says nothing but which group.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are those of the elements")]
        pub enum GroupQuestionKind {
            $($name,)+
        }

        impl GroupQuestionKind {
            /// All.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name of its element.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            pub(super) fn of_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
        }
    };
}

group_questions! {
    DeleteGroupRequest,
    LeaveGroupRequest,
    GetGroupMemberRequest,
    GetJoinedUsersRequest,
    GetGroupPropsRequest,
    SubscribeGroupChangeRequest,
    UnsubscribeGroupChangeRequest,
    GetGroupSubStatusRequest,
}

/// A request about a group that says nothing but which group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupQuestion {
    /// What is asked.
    pub kind: GroupQuestionKind,
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
}

impl GroupQuestion {
    pub(super) fn read(kind: GroupQuestionKind, element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self { kind, meta: MetaInfo::read_in(element)?, group_id: element.group_id()? })
    }

    pub(super) fn write(&self, sink: &mut dyn Sink) {
        sink.start(self.kind.name());
        sink.group_attribute(&self.group_id);
        self.meta.write(sink);
        sink.close();
    }
}

/// JoinGroupRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
    /// Whether the answer is to name who takes part.
    pub joined_list_request: bool,
    /// Whether changes are to be told.
    pub subscribe_notification: bool,
    /// Under which name.
    pub screen_name: Option<ScreenName>,
    /// Own properties.
    pub own_properties: Option<Vec<Property>>,
}

impl Part for JoinGroupRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            group_id: element.group_id()?,
            joined_list_request: element.yes_or_no("joinedListRequest")?.unwrap_or(false),
            subscribe_notification: element.yes_or_no("subscribeNotif")?.unwrap_or(false),
            screen_name: element.inner_part("ScreenName")?,
            own_properties: read_own_properties(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("JoinGroupRequest");
        sink.group_attribute(&self.group_id);
        sink.yes_or_no_attribute("joinedListRequest", Some(self.joined_list_request));
        sink.yes_or_no_attribute("subscribeNotif", Some(self.subscribe_notification));
        self.meta.write(sink);
        sink.parts(&self.screen_name);
        write_own_properties(self.own_properties.as_deref(), sink);
        sink.close();
    }
}

/// JoinGroupResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinGroupResponse {
    /// How it went.
    pub status: StatusResult,
    /// The names of those who take part, where that was asked for.
    pub joined: Option<Vec<Box<str>>>,
    /// The welcome.
    pub welcome_note: Option<WelcomeNote>,
}

impl Part for JoinGroupResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            status: element.needed_part("Status")?,
            joined: element.inner("JoinedList").map(read_names),
            welcome_note: element.inner_part("WelcomeNote")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("JoinGroupResponse");
        Part::write(&self.status, sink);
        if let Some(joined) = &self.joined {
            write_names("JoinedList", joined, sink);
        }
        sink.parts(&self.welcome_note);
        sink.close();
    }
}

/// LeaveGroupIndication: the answer to a LeaveGroupRequest, or the word that somebody takes part no more. It names no
/// user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveGroupIndication {
    /// Which group.
    pub group_id: Option<GroupId>,
    /// Why.
    pub status: Option<StatusResult>,
    /// In words.
    pub reason: Option<Box<str>>,
}

impl Part for LeaveGroupIndication {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            group_id: element.value("groupID").map(|_| element.group_id()).transpose()?,
            status: element.inner_part("Status")?,
            reason: element.inner_text("ReasonText"),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("LeaveGroupIndication");
        if let Some(group) = &self.group_id {
            sink.group_attribute(group);
        }
        sink.parts(&self.status);
        sink.text_element("ReasonText", Some(self.reason.as_deref().unwrap_or_default()));
        sink.close();
    }
}

/// GetGroupPropsResponse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetGroupPropsResponse {
    /// How it went.
    pub status: Option<StatusResult>,
    /// GroupProperties.
    pub properties: Option<GroupProperties>,
    /// OwnProperties.
    pub own_properties: Option<Vec<Property>>,
}

impl Part for GetGroupPropsResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            status: element.inner_part("Status")?,
            properties: element.inner_part("GroupProperties")?,
            own_properties: read_own_properties(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GetGroupPropsResponse");
        sink.parts(&self.status);
        sink.parts(&self.properties);
        write_own_properties(self.own_properties.as_deref(), sink);
        sink.close();
    }
}

/// SetGroupPropsRequest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetGroupPropsRequest {
    /// On whose behalf.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
    /// GroupProperties.
    pub properties: Option<GroupProperties>,
    /// OwnProperties.
    pub own_properties: Option<Vec<Property>>,
}

impl Part for SetGroupPropsRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            group_id: element.group_id()?,
            properties: element.inner_part("GroupProperties")?,
            own_properties: read_own_properties(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("SetGroupPropsRequest");
        sink.group_attribute(&self.group_id);
        self.meta.write(sink);
        sink.parts(&self.properties);
        write_own_properties(self.own_properties.as_deref(), sink);
        sink.close();
    }
}

/// GetGroupSubStatusResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// Which group.
    pub group_id: Option<GroupId>,
    /// Whether changes are told.
    pub subscribed: bool,
    /// How it went.
    pub status: Option<StatusResult>,
}

impl Part for GroupStatus {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        Ok(Self {
            group_id: element.value("groupID").map(|_| element.group_id()).transpose()?,
            subscribed: element.yes_or_no("subscribed")?.unwrap_or(false),
            status: element.inner_part("Status")?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GetGroupSubStatusResponse");
        if let Some(group) = &self.group_id {
            sink.group_attribute(group);
        }
        sink.yes_or_no_attribute("subscribed", Some(self.subscribed));
        sink.parts(&self.status);
        sink.close();
    }
}

/// GroupChangeNotice: what happened in a group. Nobody answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChangeNotice {
    /// On whose behalf: a server.
    pub meta: MetaInfo,
    /// Which group.
    pub group_id: GroupId,
    /// Who is told.
    pub recipients: Vec<User>,
    /// Who joined.
    pub joined: Option<Vec<Box<str>>>,
    /// Who left.
    pub left: Option<Vec<Box<str>>>,
    /// Who is kept out from now on.
    pub joined_blocked: Option<Vec<UserId>>,
    /// Who no more.
    pub left_blocked: Option<Vec<UserId>>,
    /// Other properties.
    pub properties: Option<GroupProperties>,
    /// Other own properties.
    pub own_properties: Option<Vec<Property>>,
}

impl GroupChangeNotice {
    /// A notice that says nothing yet.
    #[must_use]
    pub const fn new(meta: MetaInfo, group_id: GroupId, recipients: Vec<User>) -> Self {
        Self {
            meta,
            group_id,
            recipients,
            joined: None,
            left: None,
            joined_blocked: None,
            left_blocked: None,
            properties: None,
            own_properties: None,
        }
    }
}

impl Part for GroupChangeNotice {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let names = |name: &str| element.inner(name).map(read_names);
        let users = |name: &str| {
            let list = element.inner(name).map(|list| list.inner("UserList").unwrap_or(list));
            list.map(read_user_ids).transpose()
        };
        Ok(Self {
            meta: MetaInfo::read_in(element)?,
            group_id: element.group_id()?,
            recipients: element.inner_parts("User")?,
            joined: names("Joined"),
            left: names("Left"),
            joined_blocked: users("JoinedBlocked")?,
            left_blocked: users("LeftBlocked")?,
            properties: element.inner_part("GroupProperties")?,
            own_properties: read_own_properties(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.start("GroupChangeNotice");
        sink.group_attribute(&self.group_id);
        self.meta.write(sink);
        sink.parts(&self.recipients);
        for (name, names) in [("Joined", &self.joined), ("Left", &self.left)] {
            if let Some(names) = names {
                write_names(name, names, sink);
            }
        }
        for (name, users) in [("JoinedBlocked", &self.joined_blocked), ("LeftBlocked", &self.left_blocked)] {
            if let Some(users) = users {
                sink.start(name);
                write_user_list("UserList", Some(users), sink);
                sink.close();
            }
        }
        sink.parts(&self.properties);
        write_own_properties(self.own_properties.as_deref(), sink);
        sink.close();
    }
}
