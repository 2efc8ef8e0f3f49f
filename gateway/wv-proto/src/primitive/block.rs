//! Block and grant lists: whom a user refuses, and whom alone it accepts.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ContactListId, GroupId, UserId};
use crate::primitive::party::ScreenName;
use crate::schema::{ElementName, element};
use crate::version::Version;

/// EntityList, AddList or RemoveList: who is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityList {
    /// UserID.
    pub users: Vec<UserId>,
    /// ScreenName.
    pub screen_names: Vec<ScreenName>,
    /// GroupID.
    pub groups: Vec<GroupId>,
    /// ContactList (1.3).
    pub contact_lists: Vec<ContactListId>,
    /// ApplicationID (1.3).
    pub applications: Vec<Box<str>>,
}

/// What a list says of its entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Entities {
    /// Nothing.
    #[default]
    Unnamed,
    /// These, and no others.
    Whole(EntityList),
    /// These more, and those no longer.
    Change {
        /// AddList.
        add: Option<EntityList>,
        /// RemoveList.
        remove: Option<EntityList>,
    },
}

/// BlockList or GrantList, with its InUse wherever the version has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList {
    /// InUse, BlockListInUse or GrantListInUse.
    pub in_use: Option<bool>,
    /// Its entities.
    pub entities: Entities,
}

/// BlockEntity-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockEntityRequest {
    /// BlockList.
    pub block: Option<AccessList>,
    /// GrantList.
    pub grant: Option<AccessList>,
}

/// GetBlockedList-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetBlockedListResponse {
    /// BlockList.
    pub block: Option<AccessList>,
    /// GrantList.
    pub grant: Option<AccessList>,
}

impl EntityList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            users: element.texts_of(element::USER_ID).map(UserId::new).collect(),
            screen_names: element.parts_of(element::SCREEN_NAME)?,
            groups: element.texts_of(element::GROUP_ID).map(GroupId::new).collect(),
            contact_lists: element.texts_of(element::CONTACT_LIST).map(ContactListId::new).collect(),
            applications: element.texts_of(element::APPLICATION_ID).collect(),
        })
    }

    fn write(&self, name: ElementName, sink: &mut dyn Sink) {
        sink.open(name);
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        for screen_name in &self.screen_names {
            screen_name.write(sink);
        }
        sink.each_text(element::GROUP_ID, self.groups.iter().map(GroupId::as_str));
        if sink.version() == Version::V1_3 {
            sink.each_text(element::CONTACT_LIST, self.contact_lists.iter().map(ContactListId::as_str));
            sink.each_text(element::APPLICATION_ID, self.applications.iter().map(AsRef::as_ref));
        }
        sink.close();
    }
}

impl Entities {
    fn read(list: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let of = |name| list.child(name).map(EntityList::read).transpose();
        if let Some(whole) = of(element::ENTITY_LIST)? {
            return Ok(Self::Whole(whole));
        }
        Ok(match (of(element::ADD_LIST)?, of(element::REMOVE_LIST)?) {
            (None, None) => Self::Unnamed,
            (add, remove) => Self::Change { add, remove },
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        match self {
            Self::Unnamed => {}
            Self::Whole(list) => list.write(element::ENTITY_LIST, sink),
            Self::Change { add, remove } => {
                for (name, list) in [(element::ADD_LIST, add), (element::REMOVE_LIST, remove)] {
                    if let Some(list) = list {
                        list.write(name, sink);
                    }
                }
            }
        }
    }
}

impl AccessList {
    /// Reads a list. InUse is taken from inside it and from beside it, whatever the version.
    // WV-BLK-01
    fn read(parent: Element<'_, '_>, name: ElementName, beside: ElementName) -> Result<Option<Self>, MalformedReason> {
        let flag = parent.flag_of(beside)?;
        let Some(list) = parent.child(name) else {
            return Ok(flag.map(|in_use| Self { in_use: Some(in_use), entities: Entities::Unnamed }));
        };
        let inside = list.flag_of(element::IN_USE)?;
        Ok(Some(Self { in_use: inside.or(flag), entities: Entities::read(list)? }))
    }

    fn write(&self, name: ElementName, beside: ElementName, sink: &mut dyn Sink) {
        let is_1_3 = sink.version() == Version::V1_3;
        let is_flag_alone = is_1_3 && self.in_use.is_some() && self.entities == Entities::Unnamed;
        if !is_flag_alone {
            sink.open(name);
            if !is_1_3 {
                sink.maybe_flag(element::IN_USE, self.in_use);
            }
            self.entities.write(sink);
            sink.close();
        }
        if is_1_3 {
            sink.maybe_flag(beside, self.in_use);
        }
    }
}

fn read_both(element: Element<'_, '_>) -> Result<(Option<AccessList>, Option<AccessList>), MalformedReason> {
    Ok((
        AccessList::read(element, element::BLOCK_LIST, element::BLOCK_LIST_IN_USE)?,
        AccessList::read(element, element::GRANT_LIST, element::GRANT_LIST_IN_USE)?,
    ))
}

fn write_both(block: Option<&AccessList>, grant: Option<&AccessList>, sink: &mut dyn Sink) {
    if let Some(block) = block {
        block.write(element::BLOCK_LIST, element::BLOCK_LIST_IN_USE, sink);
    }
    if let Some(grant) = grant {
        grant.write(element::GRANT_LIST, element::GRANT_LIST_IN_USE, sink);
    }
}

impl Part for BlockEntityRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        read_both(element).map(|(block, grant)| Self { block, grant })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::BLOCK_ENTITY_REQUEST);
        write_both(self.block.as_ref(), self.grant.as_ref(), sink);
        sink.close();
    }
}

impl Part for GetBlockedListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        read_both(element).map(|(block, grant)| Self { block, grant })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_BLOCKED_LIST_RESPONSE);
        write_both(self.block.as_ref(), self.grant.as_ref(), sink);
        sink.close();
    }
}
