//! Attribute lists: which attributes a presentity shows to whom without being asked (proactive authorisation).

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::presence_attribute::AttributeNames;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ContactListId, UserId};
use crate::primitive::party;
use crate::primitive::presence::Presentity;
use crate::schema::{ElementName, element};
use crate::status::StatusResult;
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// CreateAttributeList-Request: takes the place of what was said about the same targets before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateAttributeListRequest {
    /// The attributes granted; no name in it grants nothing.
    pub attributes: AttributeNames,
    /// To whom, and what 1.3 wants to be told about it.
    pub targets: AttributeListTargets,
    /// DefaultNotify (1.3): whether the owner is told when the default list is applied.
    pub default_notify: Option<bool>,
    /// UserNotify (1.3).
    pub user_notify: Option<bool>,
    /// ContactListNotify (1.3).
    pub contact_list_notify: Option<bool>,
}

/// DeleteAttributeList-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAttributeListRequest {
    /// Whose lists go.
    pub targets: AttributeListTargets,
}

/// GetAttributeList-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetAttributeListRequest {
    /// Whose lists are wanted; nobody named means all.
    pub targets: AttributeListTargets,
}

/// GetAttributeList-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetAttributeListResponse {
    /// Result.
    pub result: StatusResult,
    /// DefaultAttributeList: what everybody else may see.
    pub default_list: Option<DefaultAttributeList>,
    /// The lists of users and contact lists.
    pub lists: Vec<AttributeList>,
}

/// Whom an attribute list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeListTargets {
    /// Users.
    pub users: Vec<UserId>,
    /// Contact lists of the owner.
    pub contact_lists: Vec<ContactListId>,
    /// DefaultList: everybody else.
    pub default_list: bool,
}

/// DefaultAttributeList.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultAttributeList {
    /// DefaultNotify (1.3).
    pub notify: Option<bool>,
    /// The attributes granted.
    pub attributes: AttributeNames,
}

/// Presence as it names the attributes granted to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeList {
    /// To whom.
    pub target: Presentity,
    /// UserNotify or ContactListNotify (1.3).
    pub notify: Option<bool>,
    /// The attributes granted.
    pub attributes: AttributeNames,
}

impl AttributeListTargets {
    /// Reads whom an element names.
    fn read_in(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            users: party::read_users(element)?.into_iter().map(|user| user.user_id).collect(),
            contact_lists: party::read_contact_lists(element),
            // Some clients leave it out where they name somebody.
            default_list: element.flag_of(element::DEFAULT_LIST)?.unwrap_or(false),
        })
    }

    fn write_users(&self, name_before_1_3: ElementName, sink: &mut dyn Sink) {
        let texts = self.users.iter().map(UserId::as_str);
        match sink.version() {
            Version::V1_1 | Version::V1_2 if name_before_1_3 == element::USER => {
                for text in texts {
                    sink.open(element::USER);
                    sink.leaf_text(element::USER_ID, text);
                    sink.close();
                }
            }
            Version::V1_1 | Version::V1_2 => sink.each_text(element::USER_ID, texts),
            Version::V1_3 if self.users.is_empty() => {}
            Version::V1_3 => {
                sink.open(element::USER_ID_LIST);
                sink.each_text(element::USER_ID, texts);
                sink.close();
            }
        }
    }

    fn write_default(&self, sink: &mut dyn Sink) {
        sink.leaf_boolean(element::DEFAULT_LIST, self.default_list);
    }
}

fn read_names(element: Element<'_, '_>) -> AttributeNames {
    let mut names = AttributeNames::default();
    for list in element.children_named(element::PRESENCE_SUB_LIST) {
        let more = AttributeNames::read(list);
        names.extend(more.iter());
        more.vendor().for_each(|name| names.insert_vendor(name));
    }
    names
}

fn maybe_notify(name: ElementName, flag: Option<bool>, sink: &mut dyn Sink) {
    match sink.version() {
        Version::V1_1 | Version::V1_2 => {}
        Version::V1_3 => sink.maybe_flag(name, flag),
    }
}

impl Part for CreateAttributeListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            attributes: read_names(element),
            targets: AttributeListTargets::read_in(element)?,
            default_notify: element.flag_of(element::DEFAULT_NOTIFY)?,
            user_notify: element.flag_of(element::USER_NOTIFY)?,
            contact_list_notify: element.flag_of(element::CONTACT_LIST_NOTIFY)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CREATE_ATTRIBUTE_LIST_REQUEST);
        self.attributes.write(sink);
        self.targets.write_users(element::USER_ID, sink);
        party::write_contact_lists(&self.targets.contact_lists, sink);
        self.targets.write_default(sink);
        maybe_notify(element::DEFAULT_NOTIFY, self.default_notify, sink);
        maybe_notify(element::USER_NOTIFY, self.user_notify, sink);
        maybe_notify(element::CONTACT_LIST_NOTIFY, self.contact_list_notify, sink);
        sink.close();
    }
}

impl Part for DeleteAttributeListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { targets: AttributeListTargets::read_in(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DELETE_ATTRIBUTE_LIST_REQUEST);
        self.targets.write_users(element::USER_ID, sink);
        party::write_contact_lists(&self.targets.contact_lists, sink);
        self.targets.write_default(sink);
        sink.close();
    }
}

impl Part for GetAttributeListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { targets: AttributeListTargets::read_in(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_ATTRIBUTE_LIST_REQUEST);
        self.targets.write_default(sink);
        party::write_contact_lists(&self.targets.contact_lists, sink);
        self.targets.write_users(element::USER, sink);
        sink.close();
    }
}

impl Part for GetAttributeListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let named = |child: &Element<'_, '_>| {
            child.text_of(element::USER_ID).is_some() || child.text_of(element::CONTACT_LIST).is_some()
        };
        Ok(Self {
            result: element.needed_part_of(element::RESULT)?,
            default_list: element.part_of(element::DEFAULT_ATTRIBUTE_LIST)?,
            lists: element
                .children_named(element::PRESENCE)
                .filter(named)
                .map(AttributeList::read)
                .collect::<Result<_, _>>()?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_ATTRIBUTE_LIST_RESPONSE);
        self.result.write(sink);
        if let Some(default_list) = &self.default_list {
            default_list.write(sink);
        }
        for list in &self.lists {
            list.write(sink);
        }
        sink.close();
    }
}

impl Part for DefaultAttributeList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { notify: element.flag_of(element::DEFAULT_NOTIFY)?, attributes: read_names(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DEFAULT_ATTRIBUTE_LIST);
        maybe_notify(element::DEFAULT_NOTIFY, self.notify, sink);
        self.attributes.write(sink);
        sink.close();
    }
}

impl Part for AttributeList {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let (target, notify) = match element.text_of(element::USER_ID) {
            Some(user_id) => (Presentity::User(UserId::new(user_id)), element::USER_NOTIFY),
            None => {
                let list = ContactListId::new(element.needed_text_of(element::CONTACT_LIST)?);
                (Presentity::ContactList(list), element::CONTACT_LIST_NOTIFY)
            }
        };
        Ok(Self { target, notify: element.flag_of(notify)?, attributes: read_names(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::PRESENCE);
        match &self.target {
            Presentity::User(user_id) => {
                sink.leaf_text(element::USER_ID, user_id.as_str());
                maybe_notify(element::USER_NOTIFY, self.notify, sink);
            }
            Presentity::ContactList(list) => {
                sink.leaf_text(element::CONTACT_LIST, list.as_str());
                maybe_notify(element::CONTACT_LIST_NOTIFY, self.notify, sink);
            }
        }
        // WV-PRM-03
        self.attributes.write(sink);
        sink.close();
    }
}
