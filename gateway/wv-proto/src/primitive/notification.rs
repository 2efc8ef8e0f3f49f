//! The notification framework of 1.3: which events a client wants to hear of, and how it hears of them.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::presence_attribute::AttributeNames;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ContactListId, GroupId, UserId};
use crate::primitive::party::{self, User};
use crate::schema::{ElementName, element};
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// NotificationType: the event.
    NotificationType {
        /// An authorisation was changed.
        AuthorizationChanged = "AC",
        /// A member of a contact list needs an authorisation.
        AuthorizationNeededForContactList = "ANC",
        /// Somebody under the default list needs an authorisation.
        AuthorizationNeededForDefaultList = "AND",
        /// A user needs an authorisation.
        AuthorizationNeededForUser = "ANU",
        /// The user was added to somebody's contact list.
        AddedToContactList = "ATCL",
        /// The block list was changed.
        BlockListChanged = "BLC",
        /// The use of the block list was changed.
        BlockListUseChanged = "BLUC",
        /// A contact list was changed.
        ContactListChanged = "CLC",
        /// A contact list was created.
        ContactListCreated = "CLCR",
        /// A contact list was deleted.
        ContactListDeleted = "CLD",
        /// A group was created.
        GroupCreated = "GC",
        /// A group was deleted.
        GroupDeleted = "GD",
        /// A group was removed.
        GroupRemoved = "GR",
        /// The grant list was changed.
        GrantListChanged = "GLC",
        /// The use of the grant list was changed.
        GrantListUseChanged = "GLUC",
        /// The rights of members of a group were changed.
        GroupMemberAccess = "GMAU",
        /// The membership of a group was granted.
        GroupMembershipGranted = "GMG",
        /// The membership of a group was revoked.
        GroupMembershipRevoked = "GMR",
        /// The members of a group were changed.
        GroupMembersChanged = "GMU",
        /// An invitation was accepted.
        InvitationAccepted = "IA",
        /// An invitation was cancelled.
        InvitationCancelled = "IC",
        /// An invitation was rejected.
        InvitationRejected = "IR",
        /// The handling of messages while online was changed.
        OnlineEtemChanged = "OEU",
        /// A public profile was changed.
        PublicProfileChanged = "PPU",
        /// The priority of a session was changed.
        SessionPriorityChanged = "SPA",
        /// A conversation was extended.
        ConversationExtended = "EC",
        /// A group was extended.
        GroupExtended = "EG",
        /// Nothing is wanted.
        DoNotNotify = "DoNotNotify",
    }
}

/// SubscribeNotification-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscribeNotificationRequest {
    /// NotificationTypeList: what is wanted from now on.
    pub types: Vec<NotificationType>,
}

/// UnsubscribeNotification-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscribeNotificationRequest {
    /// NotificationTypeList: what is not wanted any more.
    pub types: Vec<NotificationType>,
}

/// Notification-Request: something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationRequest {
    /// What.
    pub notification_type: NotificationType,
    /// To what.
    pub payload: NotificationPayload,
}

/// What a Notification-Request is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotificationPayload {
    /// Nothing in particular.
    None,
    /// BlockListInUse.
    BlockListInUse(bool),
    /// GrantListInUse.
    GrantListInUse(bool),
    /// GroupID.
    Group(GroupId),
    /// ContactListIDList.
    ContactLists(Vec<ContactListId>),
    /// InviteID.
    Invitation(Box<str>),
    /// OnlineETEMHandling.
    OnlineEtemHandling(Box<str>),
    /// Attributes of presence, and to whom they are to be, or were, granted.
    Authorization(AuthorizationNotice),
    /// SessionPriority.
    SessionPriority(u32),
    /// UserList.
    Users(Vec<User>),
    /// UserIDPair.
    UserIdPair {
        /// UnrecognizedUserID.
        unrecognized: UserId,
        /// ValidUserID.
        valid: UserId,
    },
}

/// What is said about an authorisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationNotice {
    /// PresenceSubList.
    pub attributes: Option<AttributeNames>,
    /// UserIDList.
    pub users: Vec<UserId>,
    /// ContactListIDList.
    pub contact_lists: Vec<ContactListId>,
    /// DefaultList.
    pub default_list: Option<bool>,
}

// WV-NTF-02
fn read_types(element: Element<'_, '_>) -> Vec<NotificationType> {
    let list = element.child(element::NOTIFICATION_TYPE_LIST).unwrap_or(element);
    list.texts_of(element::NOTIFICATION_TYPE).map(|text| NotificationType::parse(&text)).collect()
}

fn write_types(name: ElementName, types: &[NotificationType], sink: &mut dyn Sink) {
    sink.open(name);
    sink.open(element::NOTIFICATION_TYPE_LIST);
    sink.each_text(element::NOTIFICATION_TYPE, types.iter().map(NotificationType::as_str));
    sink.close();
    sink.close();
}

fn write_user_ids(users: &[UserId], sink: &mut dyn Sink) {
    if !users.is_empty() {
        sink.open(element::USER_ID_LIST);
        sink.each_text(element::USER_ID, users.iter().map(UserId::as_str));
        sink.close();
    }
}

impl Part for SubscribeNotificationRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { types: read_types(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        write_types(element::SUBSCRIBE_NOTIFICATION_REQUEST, &self.types, sink);
    }
}

impl Part for UnsubscribeNotificationRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { types: read_types(element) })
    }

    fn write(&self, sink: &mut dyn Sink) {
        write_types(element::UNSUBSCRIBE_NOTIFICATION_REQUEST, &self.types, sink);
    }
}

impl Part for NotificationRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let notification_type = NotificationType::parse(&element.needed_text_of(element::NOTIFICATION_TYPE)?);
        Ok(Self { notification_type, payload: NotificationPayload::read_in(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::NOTIFICATION_REQUEST);
        sink.leaf_text(element::NOTIFICATION_TYPE, self.notification_type.as_str());
        self.payload.write_in(sink);
        sink.close();
    }
}

impl NotificationPayload {
    fn read_in(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        if let Some(flag) = element.flag_of(element::BLOCK_LIST_IN_USE)? {
            return Ok(Self::BlockListInUse(flag));
        }
        if let Some(flag) = element.flag_of(element::GRANT_LIST_IN_USE)? {
            return Ok(Self::GrantListInUse(flag));
        }
        if let Some(group) = element.text_of(element::GROUP_ID) {
            return Ok(Self::Group(GroupId::new(group)));
        }
        if let Some(invitation) = element.text_of(element::INVITE_ID) {
            return Ok(Self::Invitation(invitation));
        }
        if let Some(handling) = element.text_of(element::ONLINE_ETEM_HANDLING) {
            return Ok(Self::OnlineEtemHandling(handling));
        }
        if let Some(priority) = element.integer_of(element::SESSION_PRIORITY)? {
            return Ok(Self::SessionPriority(priority));
        }
        if let Some(users) = element.child(element::USER_LIST) {
            return Ok(Self::Users(users.parts_of(element::USER)?));
        }
        if let Some(pair) = element.child(element::USER_ID_PAIR) {
            let text = |name| pair.present_text_of(name).map(UserId::new).ok_or(MalformedReason::Missing(name));
            let (unrecognized, valid) = (text(element::UNRECOGNIZED_USER_ID)?, text(element::VALID_USER_ID)?);
            return Ok(Self::UserIdPair { unrecognized, valid });
        }
        Self::read_authorization(element)
    }

    fn read_authorization(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let notice = AuthorizationNotice {
            attributes: element.child(element::PRESENCE_SUB_LIST).map(AttributeNames::read),
            users: party::read_users(element)?.into_iter().map(|user| user.user_id).collect(),
            contact_lists: party::read_contact_lists(element),
            default_list: element.flag_of(element::DEFAULT_LIST)?,
        };
        let AuthorizationNotice { attributes, users, contact_lists, default_list } = &notice;
        Ok(match (attributes, users.is_empty(), contact_lists.is_empty(), default_list) {
            (None, true, true, None) => Self::None,
            (None, true, false, None) => Self::ContactLists(notice.contact_lists),
            _ => Self::Authorization(notice),
        })
    }

    fn write_in(&self, sink: &mut dyn Sink) {
        match self {
            Self::None => {}
            Self::BlockListInUse(flag) => sink.leaf_boolean(element::BLOCK_LIST_IN_USE, *flag),
            Self::GrantListInUse(flag) => sink.leaf_boolean(element::GRANT_LIST_IN_USE, *flag),
            Self::Group(group) => sink.leaf_text(element::GROUP_ID, group.as_str()),
            Self::ContactLists(lists) => party::write_contact_lists(lists, sink),
            Self::Invitation(invitation) => sink.leaf_text(element::INVITE_ID, invitation),
            Self::OnlineEtemHandling(handling) => sink.leaf_text(element::ONLINE_ETEM_HANDLING, handling),
            Self::Authorization(notice) => notice.write_in(sink),
            Self::SessionPriority(priority) => sink.leaf_integer(element::SESSION_PRIORITY, *priority),
            Self::Users(users) => {
                sink.open(element::USER_LIST);
                for user in users {
                    user.write(sink);
                }
                sink.close();
            }
            Self::UserIdPair { unrecognized, valid } => {
                sink.open(element::USER_ID_PAIR);
                sink.leaf_text(element::UNRECOGNIZED_USER_ID, unrecognized.as_str());
                sink.leaf_text(element::VALID_USER_ID, valid.as_str());
                sink.close();
            }
        }
    }
}

impl AuthorizationNotice {
    fn write_in(&self, sink: &mut dyn Sink) {
        if let Some(attributes) = &self.attributes {
            attributes.write(sink);
        }
        write_user_ids(&self.users, sink);
        party::write_contact_lists(&self.contact_lists, sink);
        sink.maybe_flag(element::DEFAULT_LIST, self.default_list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{WriterOptions, decode};
    use crate::limit::Limits;
    use crate::presence_attribute::PresenceAttributeName;
    use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction};
    use crate::version::{Encoding, Version};

    #[test]
    fn every_payload_is_read_as_it_was_written() {
        let users = vec![UserId::new("wv:a@b"), UserId::new("wv:c@b")];
        let lists = vec![ContactListId::new("wv:a/l@b")];
        let about = AuthorizationNotice {
            attributes: Some([PresenceAttributeName::StatusText].into_iter().collect()),
            users: users.clone(),
            contact_lists: lists.clone(),
            default_list: Some(true),
        };
        let payloads = [
            NotificationPayload::None,
            NotificationPayload::BlockListInUse(false),
            NotificationPayload::GrantListInUse(true),
            NotificationPayload::Group(GroupId::new("wv:/g@b")),
            NotificationPayload::ContactLists(lists),
            NotificationPayload::Invitation("i-1".into()),
            NotificationPayload::OnlineEtemHandling("SERVERLOGIC".into()),
            NotificationPayload::Authorization(about),
            NotificationPayload::Authorization(AuthorizationNotice { users, ..AuthorizationNotice::default() }),
            NotificationPayload::SessionPriority(3),
            NotificationPayload::Users(vec![User::from(UserId::new("wv:a@b"))]),
            NotificationPayload::UserIdPair { unrecognized: UserId::new("wv:x@b"), valid: UserId::new("wv:y@b") },
        ];
        for payload in payloads {
            for encoding in [Encoding::Xml, Encoding::Wbxml] {
                let notification_type = NotificationType::AuthorizationChanged;
                let request = NotificationRequest { notification_type, payload: payload.clone() };
                let primitive = Primitive::NotificationRequest(Box::new(request));
                let envelope = Envelope::new(SessionDescriptor::Outband, Transaction::request(None, primitive));
                let octets = envelope.encode(Version::V1_3, encoding, WriterOptions::default()).unwrap();
                let again = Envelope::decode(&decode(&octets, None, &Limits::default()).unwrap().tree).unwrap();
                assert_eq!(again, envelope, "{payload:?}");
            }
        }
    }
}
