//! Presence: subscriptions, notifications, publication and reactive authorisation.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::presence_attribute::{AttributeNames, PresenceSubList};
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ContactListId, UserId};
use crate::primitive::party::{self, User};
use crate::schema::{ElementName, element};
use crate::status::StatusResult;
use crate::version::Version;
use serde::{Deserialize, Serialize};

/// UpdatePresence-Request: changes the attributes it lists and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePresenceRequest {
    /// The attributes with their values.
    pub attributes: PresenceSubList,
}

/// GetPresence-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPresenceRequest {
    /// Presentities.
    pub users: Vec<User>,
    /// Contact lists whose members are the presentities.
    pub contact_lists: Vec<ContactListId>,
    /// The attributes wanted; none, or no name in it, means all.
    pub attributes: Option<AttributeNames>,
}

/// GetPresence-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPresenceResponse {
    /// Result.
    pub result: StatusResult,
    /// What is known of each presentity.
    pub presences: Vec<Presence>,
}

/// SubscribePresence-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribePresenceRequest {
    /// Presentities.
    pub users: Vec<User>,
    /// Contact lists whose members are the presentities.
    pub contact_lists: Vec<ContactListId>,
    /// The attributes wanted; none, or no name in it, means all.
    pub attributes: Option<AttributeNames>,
    /// AutoSubscribe: contacts added to the lists later are subscribed too (1.2, 1.3; read in all).
    pub auto_subscribe: Option<bool>,
}

/// UnsubscribePresence-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscribePresenceRequest {
    /// Presentities.
    pub users: Vec<User>,
    /// Contact lists.
    pub contact_lists: Vec<ContactListId>,
}

/// PresenceNotification-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceNotificationRequest {
    /// What changed, one entry per presentity.
    pub presences: Vec<Presence>,
}

/// PresenceAuth-Request: somebody asks the presentity for attributes (1.1, 1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceAuthRequest {
    /// The watcher.
    pub user_id: UserId,
    /// The attributes asked for; none means all.
    pub attributes: Option<AttributeNames>,
}

/// PresenceAuth-User: the presentity's answer, a transaction of its own (1.1, 1.2; read in all).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceAuthUser {
    /// The watcher.
    pub user_id: UserId,
    /// Acceptance.
    pub acceptance: bool,
    /// The attributes it is about (1.2); none means all.
    pub attributes: Option<AttributeNames>,
}

/// CancelAuth-Request: takes an authorisation back (1.1, 1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelAuthRequest {
    /// The watcher.
    pub user_id: UserId,
}

/// Presence: attributes of one presentity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Of whom.
    pub presentity: Presentity,
    /// The attributes; written even when there is none.
    pub attributes: PresenceSubList,
}

/// Whom a Presence element is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Presentity {
    /// A user.
    User(UserId),
    /// A contact list (attribute lists).
    ContactList(ContactListId),
}

pub(crate) fn read_attribute_names(element: Element<'_, '_>) -> Option<AttributeNames> {
    element.child(element::PRESENCE_SUB_LIST).map(AttributeNames::read)
}

pub(crate) fn write_attribute_names(names: Option<&AttributeNames>, sink: &mut dyn Sink) {
    if let Some(names) = names {
        names.write(sink);
    }
}

fn write_presences(name: ElementName, result: Option<&StatusResult>, presences: &[Presence], sink: &mut dyn Sink) {
    sink.open(name);
    if let Some(result) = result {
        result.write(sink);
    }
    for presence in presences {
        presence.write(sink);
    }
    sink.close();
}

/// The Presence elements inside; those that name nobody are left out.
fn read_presences(element: Element<'_, '_>) -> Result<Vec<Presence>, MalformedReason> {
    let named = |child: &Element<'_, '_>| {
        child.text_of(element::USER_ID).is_some() || child.text_of(element::CONTACT_LIST).is_some()
    };
    element.children_named(element::PRESENCE).filter(named).map(Presence::read).collect()
}

impl Part for Presence {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let presentity = match element.text_of(element::USER_ID) {
            Some(user_id) => Presentity::User(UserId::new(user_id)),
            None => Presentity::ContactList(ContactListId::new(element.needed_text_of(element::CONTACT_LIST)?)),
        };
        let mut attributes = PresenceSubList::default();
        for list in element.children_named(element::PRESENCE_SUB_LIST) {
            attributes.attributes.extend(PresenceSubList::read(list)?.attributes);
        }
        Ok(Self { presentity, attributes })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::PRESENCE);
        match &self.presentity {
            Presentity::User(user_id) => sink.leaf_text(element::USER_ID, user_id.as_str()),
            Presentity::ContactList(list) => sink.leaf_text(element::CONTACT_LIST, list.as_str()),
        }
        // WV-PRM-03
        self.attributes.write(sink);
        sink.close();
    }
}

impl Part for UpdatePresenceRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { attributes: element.needed_part_of(element::PRESENCE_SUB_LIST)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::UPDATE_PRESENCE_REQUEST);
        self.attributes.write(sink);
        sink.close();
    }
}

impl Part for GetPresenceRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            users: party::read_users(element)?,
            contact_lists: party::read_contact_lists(element),
            attributes: read_attribute_names(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_PRESENCE_REQUEST);
        party::write_users(&self.users, sink);
        party::write_contact_lists(&self.contact_lists, sink);
        write_attribute_names(self.attributes.as_ref(), sink);
        sink.close();
    }
}

impl Part for GetPresenceResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { result: element.needed_part_of(element::RESULT)?, presences: read_presences(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        write_presences(element::GET_PRESENCE_RESPONSE, Some(&self.result), &self.presences, sink);
    }
}

impl Part for SubscribePresenceRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            users: party::read_users(element)?,
            contact_lists: party::read_contact_lists(element),
            attributes: read_attribute_names(element),
            auto_subscribe: element.flag_of(element::AUTO_SUBSCRIBE)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SUBSCRIBE_PRESENCE_REQUEST);
        party::write_users(&self.users, sink);
        party::write_contact_lists(&self.contact_lists, sink);
        write_attribute_names(self.attributes.as_ref(), sink);
        match sink.version() {
            Version::V1_1 => {}
            Version::V1_2 => sink.leaf_boolean(element::AUTO_SUBSCRIBE, self.auto_subscribe.unwrap_or(false)),
            Version::V1_3 => sink.maybe_flag(element::AUTO_SUBSCRIBE, self.auto_subscribe),
        }
        sink.close();
    }
}

impl Part for UnsubscribePresenceRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { users: party::read_users(element)?, contact_lists: party::read_contact_lists(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::UNSUBSCRIBE_PRESENCE_REQUEST);
        party::write_users(&self.users, sink);
        party::write_contact_lists(&self.contact_lists, sink);
        sink.close();
    }
}

impl Part for PresenceNotificationRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { presences: read_presences(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        write_presences(element::PRESENCE_NOTIFICATION_REQUEST, None, &self.presences, sink);
    }
}

impl Part for PresenceAuthRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            user_id: UserId::new(element.needed_text_of(element::USER_ID)?),
            attributes: read_attribute_names(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::PRESENCE_AUTH_REQUEST);
        sink.leaf_text(element::USER_ID, self.user_id.as_str());
        write_attribute_names(self.attributes.as_ref(), sink);
        sink.close();
    }
}

impl Part for PresenceAuthUser {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            user_id: UserId::new(element.needed_text_of(element::USER_ID)?),
            acceptance: element.flag_of(element::ACCEPTANCE)?.ok_or(MalformedReason::Missing(element::ACCEPTANCE))?,
            attributes: read_attribute_names(element),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::PRESENCE_AUTH_USER);
        sink.leaf_text(element::USER_ID, self.user_id.as_str());
        sink.leaf_boolean(element::ACCEPTANCE, self.acceptance);
        if sink.version() >= Version::V1_2 {
            write_attribute_names(self.attributes.as_ref(), sink);
        }
        sink.close();
    }
}

impl Part for CancelAuthRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { user_id: UserId::new(element.needed_text_of(element::USER_ID)?) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::CANCEL_AUTH_REQUEST);
        sink.leaf_text(element::USER_ID, self.user_id.as_str());
        sink.close();
    }
}
