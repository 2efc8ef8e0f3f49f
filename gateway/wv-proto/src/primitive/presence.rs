//! Presence: subscriptions, notifications, publication and reactive authorisation.

use crate::presence_attribute::{AttributeNames, PresenceSubList};
use crate::primitive::identifier::{ContactListId, UserId};
use crate::primitive::party::User;
use crate::status::StatusResult;
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
