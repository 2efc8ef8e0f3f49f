//! Who sends, who receives, and the name-value pairs that describe lists and groups.

use crate::primitive::identifier::{ClientId, ContactListId, GroupId, UserId};
use serde::{Deserialize, Serialize};

/// User: a user, or one client of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    /// UserID.
    pub user_id: UserId,
    /// FriendlyName (1.3).
    pub friendly_name: Option<Box<str>>,
    /// The one client that is meant; none means the user.
    pub client_id: Option<ClientId>,
}

impl From<UserId> for User {
    fn from(user_id: UserId) -> Self {
        Self { user_id, friendly_name: None, client_id: None }
    }
}

/// ScreenName: a name within one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScreenName {
    /// SName.
    pub name: Box<str>,
    /// The group in which the name holds.
    pub group_id: GroupId,
}

/// Group: a whole group, or somebody in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Group {
    /// The whole group.
    Id(GroupId),
    /// The member of that screen name.
    ScreenName(ScreenName),
}

/// Sender of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sender {
    /// A user.
    User(User),
    /// A member of a group, or the group itself.
    Group(Group),
}

/// Recipient of a message: any mix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipient {
    /// Users.
    pub users: Vec<User>,
    /// Groups and members of groups.
    pub groups: Vec<Group>,
    /// Contact lists of the sender.
    pub contact_lists: Vec<ContactListId>,
}

impl Recipient {
    /// Nobody but this user.
    #[must_use]
    pub fn of_user(user: impl Into<User>) -> Self {
        Self { users: vec![user.into()], ..Self::default() }
    }

    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.contact_lists.is_empty()
    }
}

/// A contact within a list: NickName, or a bare UserID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NickName {
    /// The name; none is written as a bare UserID, because a NickName without Name breaks clients.
    pub name: Option<Box<str>>,
    /// The contact.
    pub user_id: UserId,
}

/// Property: a name and, unless it is only named, a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Property {
    /// Name.
    pub name: Box<str>,
    /// Value.
    pub value: Option<Box<str>>,
}

impl Property {
    /// The property of that name and value.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.into(), value: Some(value.into()) }
    }

    /// Whether it has this name; letter case does not matter.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as truth value, if it is one.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        match self.value.as_deref()? {
            "T" | "t" => Some(true),
            "F" | "f" => Some(false),
            _ => None,
        }
    }

    /// Property name of the text shown for a contact list.
    pub const DISPLAY_NAME: &'static str = "DisplayName";
    /// Property name that makes a contact list the default one.
    pub const DEFAULT: &'static str = "Default";
}
