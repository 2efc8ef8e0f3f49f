//! Contact lists (WV) and resource lists (SIMPLE), neutral.

use crate::address::Address;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A list of contacts of one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactList {
    /// `user/name@domain`.
    pub address: Address,
    /// The address as its owner wrote it, for echoing.
    pub written: String,
    /// What to show to people.
    pub display_name: Option<String>,
    /// Whether it is the owner's default list; at most one is.
    pub is_default: bool,
    /// The members in the order they were added; copies of the list share them.
    pub members: Arc<[Contact]>,
}

/// One member of a contact list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who it is.
    pub address: Address,
    /// The address as the owner wrote it, for echoing; empty where that is how it is always written.
    pub written: Box<str>,
    /// The owner's name for it.
    pub nickname: Option<Box<str>>,
}

/// A change of a contact list. All given parts are applied together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactListChange {
    /// Members to add, or to rename where they are there already.
    pub add: Vec<Contact>,
    /// Members to remove; absent ones are no fault.
    pub remove: Vec<Address>,
    /// New display name.
    pub display_name: Option<String>,
    /// Make it the default list. There is no way to unmake one but to make another.
    pub make_default: bool,
    /// Let those who are added see the owner's presence, and put them on its grant list.
    pub authorize: bool,
}
