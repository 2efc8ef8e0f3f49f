//! Who sends, who receives, and the name-value pairs that describe lists and groups.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ClientId, ContactListId, GroupId, UserId};
use crate::schema::{ElementName, element};
use crate::version::Version;
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

impl Part for User {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            user_id: UserId::new(element.needed_text_of(element::USER_ID)?),
            friendly_name: element.present_text_of(element::FRIENDLY_NAME),
            client_id: ClientId::read_in(element)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::USER);
        sink.leaf_text(element::USER_ID, self.user_id.as_str());
        if sink.version() == Version::V1_3 {
            sink.maybe_text(element::FRIENDLY_NAME, self.friendly_name.as_deref());
        }
        ClientId::write_option(self.client_id.as_ref(), sink);
        sink.close();
    }
}

impl Part for ScreenName {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            name: element.present_text_of(element::S_NAME).unwrap_or_default(),
            group_id: GroupId::new(element.present_text_of(element::GROUP_ID).unwrap_or_default()),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SCREEN_NAME);
        sink.leaf_text(element::S_NAME, &self.name);
        sink.leaf_text(element::GROUP_ID, self.group_id.as_str());
        sink.close();
    }
}

impl Part for Group {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        match element.part_of(element::SCREEN_NAME)? {
            Some(screen_name) => Ok(Self::ScreenName(screen_name)),
            None => Ok(Self::Id(GroupId::new(element.needed_text_of(element::GROUP_ID)?))),
        }
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GROUP);
        match self {
            Self::Id(group_id) => sink.leaf_text(element::GROUP_ID, group_id.as_str()),
            Self::ScreenName(screen_name) => screen_name.write(sink),
        }
        sink.close();
    }
}

impl Sender {
    /// The sender in an element, if one is named.
    pub(crate) fn read_in(element: Element<'_, '_>) -> Result<Option<Self>, MalformedReason> {
        let Some(sender) = element.child(element::SENDER) else { return Ok(None) };
        if let Some(user) = sender.child(element::USER) {
            // A User without UserID names nobody, and the server fills the sender in.
            return Ok(user.text_of(element::USER_ID).is_some().then(|| User::read(user)).transpose()?.map(Self::User));
        }
        Ok(sender.part_of(element::GROUP)?.map(Self::Group))
    }

    /// Writes the element.
    pub(crate) fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SENDER);
        match self {
            Self::User(user) => user.write(sink),
            Self::Group(group) => group.write(sink),
        }
        sink.close();
    }
}

impl Part for Recipient {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            users: element.parts_of(element::USER)?,
            groups: element.parts_of(element::GROUP)?,
            contact_lists: element.texts_of(element::CONTACT_LIST).map(ContactListId::new).collect(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::RECIPIENT);
        for user in &self.users {
            user.write(sink);
        }
        for group in &self.groups {
            group.write(sink);
        }
        sink.each_text(element::CONTACT_LIST, self.contact_lists.iter().map(ContactListId::as_str));
        sink.close();
    }
}

impl NickName {
    /// The contacts in a list of them, in their order; entries without UserID are left out.
    pub(crate) fn read_list(list: Element<'_, '_>) -> Vec<Self> {
        list.children()
            .filter_map(|child| match child.known()? {
                element::NICK_NAME => Some(Self {
                    name: child.present_text_of(element::NAME),
                    user_id: UserId::new(child.text_of(element::USER_ID)?),
                }),
                element::USER_ID => {
                    let text = child.trimmed();
                    (!text.is_empty()).then(|| Self { name: None, user_id: UserId::new(text) })
                }
                _ => None,
            })
            .collect()
    }

    /// Writes a list of contacts under that name.
    pub(crate) fn write_list(contacts: &[Self], name: ElementName, sink: &mut dyn Sink) {
        sink.open(name);
        for contact in contacts {
            match &contact.name {
                Some(nickname) => {
                    sink.open(element::NICK_NAME);
                    sink.leaf_text(element::NAME, nickname);
                    sink.leaf_text(element::USER_ID, contact.user_id.as_str());
                    sink.close();
                }
                // WV-PRM-04
                None => sink.leaf_text(element::USER_ID, contact.user_id.as_str()),
            }
        }
        sink.close();
    }
}

impl Property {
    /// The properties in a container of them.
    pub(crate) fn read_list(container: Element<'_, '_>) -> Vec<Self> {
        container
            .children_named(element::PROPERTY)
            .filter_map(|property| {
                let name = property.text_of(element::NAME)?;
                Some(Self { name, value: property.present_text_of(element::VALUE) })
            })
            .collect()
    }

    /// Writes a container of properties under that name.
    pub(crate) fn write_list(properties: &[Self], name: ElementName, sink: &mut dyn Sink) {
        sink.open(name);
        Self::write_each(properties, sink);
        sink.close();
    }

    /// Writes properties into the container that is open.
    pub(crate) fn write_each(properties: &[Self], sink: &mut dyn Sink) {
        for property in properties {
            property.write(sink);
        }
    }

    /// Writes the element.
    pub(crate) fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::PROPERTY);
        sink.leaf_text(element::NAME, &self.name);
        sink.maybe_text(element::VALUE, self.value.as_deref());
        sink.close();
    }
}

/// The users that an element names: as User, as UserID, or in a UserIDList (1.3).
pub(crate) fn read_users(element: Element<'_, '_>) -> Result<Vec<User>, MalformedReason> {
    let mut users = Vec::new();
    for child in element.children() {
        match child.known() {
            Some(element::USER) => users.push(User::read(child)?),
            Some(element::USER_ID) => users.extend(filled(child).map(|text| UserId::new(text).into())),
            Some(element::USER_ID_LIST) => {
                users.extend(child.texts_of(element::USER_ID).map(|text| User::from(UserId::new(text))));
            }
            _ => {}
        }
    }
    Ok(users)
}

/// The contact lists that an element names: directly, or in a ContactListIDList (1.3).
pub(crate) fn read_contact_lists(element: Element<'_, '_>) -> Vec<ContactListId> {
    let mut lists = Vec::new();
    for child in element.children() {
        match child.known() {
            Some(element::CONTACT_LIST) => lists.extend(filled(child).map(ContactListId::new)),
            Some(element::CONTACT_LIST_ID_LIST) => {
                lists.extend(child.texts_of(element::CONTACT_LIST).map(ContactListId::new));
            }
            _ => {}
        }
    }
    lists
}

fn filled(element: Element<'_, '_>) -> Option<Box<str>> {
    Some(element.trimmed()).filter(|text| !text.is_empty())
}

/// Writes users: each as User, or all in a UserIDList from 1.3 on.
// WV-PRM-11
pub(crate) fn write_users(users: &[User], sink: &mut dyn Sink) {
    match sink.version() {
        Version::V1_1 | Version::V1_2 => {
            for user in users {
                user.write(sink);
            }
        }
        Version::V1_3 if users.is_empty() => {}
        Version::V1_3 => {
            sink.open(element::USER_ID_LIST);
            sink.each_text(element::USER_ID, users.iter().map(|user| user.user_id.as_str()));
            sink.close();
        }
    }
}

/// Writes contact lists: each directly, or all in a ContactListIDList from 1.3 on.
// WV-PRM-11
pub(crate) fn write_contact_lists(lists: &[ContactListId], sink: &mut dyn Sink) {
    let is_wrapped = sink.version() == Version::V1_3 && !lists.is_empty();
    if is_wrapped {
        sink.open(element::CONTACT_LIST_ID_LIST);
    }
    sink.each_text(element::CONTACT_LIST, lists.iter().map(ContactListId::as_str));
    if is_wrapped {
        sink.close();
    }
}
