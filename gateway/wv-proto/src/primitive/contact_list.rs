//! Contact lists.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ContactListId, UserId};
use crate::primitive::party::{self, NickName, Property};
use crate::schema::element;
use crate::status::StatusResult;
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// GetList-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetListResponse {
    /// ContactList.
    pub contact_lists: Vec<ContactListId>,
    /// DefaultContactList.
    pub default_contact_list: Option<ContactListId>,
}

impl GetListResponse {
    /// The answer of a server: in 1.1 the default list stands among the others too, later it does not.
    // WV-PRM-05
    #[must_use]
    pub fn for_version(version: Version, others: Vec<ContactListId>, default: Option<ContactListId>) -> Self {
        let mut contact_lists = others;
        match version {
            Version::V1_1 => contact_lists.extend(default.clone()),
            Version::V1_2 | Version::V1_3 => {}
        }
        Self { contact_lists, default_contact_list: default }
    }
}

/// CreateList-Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateListRequest {
    /// The new list.
    pub contact_list: ContactListId,
    /// NickList: its first contacts.
    pub contacts: Vec<NickName>,
    /// ContactListProperties.
    pub properties: Vec<Property>,
}

/// CreateList-Response (1.3): the list was created with everything asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateListResponse {
    /// The new list.
    pub contact_list: ContactListId,
    /// ContactListProperties.
    pub properties: Vec<Property>,
}

/// DeleteList-Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteListRequest {
    /// The list.
    pub contact_list: ContactListId,
}

/// ListManage-Request; without change it reads the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListManageRequest {
    /// The list.
    pub contact_list: ContactListId,
    /// What is to be changed.
    pub change: Option<ListChange>,
    /// ReceiveList (1.2, 1.3): whether the answer holds the list. 1.1 always answers with it.
    pub receive_list: Option<bool>,
    /// AuthorizeAndGrant (1.3).
    pub authorize_and_grant: Option<bool>,
}

impl ListManageRequest {
    /// Whether the answer has to hold the list.
    // WV-PRM-06
    #[must_use]
    pub fn wants_list(&self, version: Version) -> bool {
        match version {
            Version::V1_1 => true,
            Version::V1_2 | Version::V1_3 => self.receive_list.unwrap_or(self.change.is_none()),
        }
    }
}

/// A change of a contact list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ListChange {
    /// AddNickList.
    Add(Vec<NickName>),
    /// RemoveNickList.
    Remove(Vec<UserId>),
    /// ContactListProperties.
    Properties(Vec<Property>),
}

/// ListManage-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListManageResponse {
    /// Result.
    pub result: StatusResult,
    /// NickList, when the list was asked for.
    pub contacts: Option<Vec<NickName>>,
    /// ContactListProperties, when the list was asked for.
    pub properties: Option<Vec<Property>>,
}

fn needed_list(element: Element<'_, '_>) -> Result<ContactListId, MalformedReason> {
    element.needed_text_of(element::CONTACT_LIST).map(ContactListId::new)
}

fn read_properties(element: Element<'_, '_>) -> Vec<Property> {
    element.child(element::CONTACT_LIST_PROPERTIES).map(Property::read_list).unwrap_or_default()
}

fn write_properties(properties: &[Property], sink: &mut dyn Sink) {
    if !properties.is_empty() {
        Property::write_list(properties, element::CONTACT_LIST_PROPERTIES, sink);
    }
}

impl Part for GetListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            contact_lists: party::read_contact_lists(element),
            default_contact_list: element.text_of(element::DEFAULT_CONTACT_LIST).map(ContactListId::new),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_LIST_RESPONSE);
        party::write_contact_lists(&self.contact_lists, sink);
        let default = self.default_contact_list.as_ref().map(ContactListId::as_str);
        sink.maybe_text(element::DEFAULT_CONTACT_LIST, default);
        sink.close();
    }
}

impl Part for CreateListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            contact_list: needed_list(element)?,
            contacts: element.child(element::NICK_LIST).map(NickName::read_list).unwrap_or_default(),
            properties: read_properties(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CREATE_LIST_REQUEST);
        sink.leaf_text(element::CONTACT_LIST, self.contact_list.as_str());
        if !self.contacts.is_empty() {
            NickName::write_list(&self.contacts, element::NICK_LIST, sink);
        }
        write_properties(&self.properties, sink);
        sink.close();
    }
}

impl Part for CreateListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { contact_list: needed_list(element)?, properties: read_properties(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CREATE_LIST_RESPONSE);
        sink.leaf_text(element::CONTACT_LIST, self.contact_list.as_str());
        write_properties(&self.properties, sink);
        sink.close();
    }
}

impl Part for DeleteListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { contact_list: needed_list(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DELETE_LIST_REQUEST);
        sink.leaf_text(element::CONTACT_LIST, self.contact_list.as_str());
        sink.close();
    }
}

impl ListChange {
    /// The change that a request asks for; where there are several, the first.
    fn read_in(request: Element<'_, '_>) -> Option<Self> {
        request.children().find_map(|child| match child.known()? {
            element::ADD_NICK_LIST => Some(Self::Add(NickName::read_list(child))),
            element::REMOVE_NICK_LIST => {
                Some(Self::Remove(NickName::read_list(child).into_iter().map(|contact| contact.user_id).collect()))
            }
            element::CONTACT_LIST_PROPERTIES => Some(Self::Properties(Property::read_list(child))),
            _ => None,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        match self {
            Self::Add(contacts) => NickName::write_list(contacts, element::ADD_NICK_LIST, sink),
            Self::Remove(users) => {
                sink.open(element::REMOVE_NICK_LIST);
                sink.each_text(element::USER_ID, users.iter().map(UserId::as_str));
                sink.close();
            }
            Self::Properties(properties) => {
                Property::write_list(properties, element::CONTACT_LIST_PROPERTIES, sink);
            }
        }
    }
}

impl Part for ListManageRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            contact_list: needed_list(element)?,
            change: ListChange::read_in(element),
            receive_list: element.flag_of(element::RECEIVE_LIST)?,
            authorize_and_grant: element.flag_of(element::AUTHORIZE_AND_GRANT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::LIST_MANAGE_REQUEST);
        sink.leaf_text(element::CONTACT_LIST, self.contact_list.as_str());
        if let Some(change) = &self.change {
            change.write(sink);
        }
        match sink.version() {
            Version::V1_1 => {}
            version @ (Version::V1_2 | Version::V1_3) => {
                // Mandatory from 1.2 on.
                sink.leaf_boolean(element::RECEIVE_LIST, self.wants_list(version));
            }
        }
        if sink.version() == Version::V1_3 {
            sink.maybe_flag(element::AUTHORIZE_AND_GRANT, self.authorize_and_grant);
        }
        sink.close();
    }
}

impl Part for ListManageResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            result: element.needed_part_of(element::RESULT)?,
            contacts: element.child(element::NICK_LIST).map(NickName::read_list),
            properties: element.child(element::CONTACT_LIST_PROPERTIES).map(Property::read_list),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::LIST_MANAGE_RESPONSE);
        self.result.write(sink);
        if let Some(contacts) = &self.contacts {
            NickName::write_list(contacts, element::NICK_LIST, sink);
        }
        if let Some(properties) = &self.properties {
            Property::write_list(properties, element::CONTACT_LIST_PROPERTIES, sink);
        }
        sink.close();
    }
}
