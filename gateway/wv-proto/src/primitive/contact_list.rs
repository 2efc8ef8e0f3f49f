//! Contact lists.

use crate::primitive::identifier::{ContactListId, UserId};
use crate::primitive::party::{NickName, Property};
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
