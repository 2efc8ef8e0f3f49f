//! Attribute lists, watchers and notifications.

use super::Source;
use wv_proto::primitive::Primitive;
use wv_proto::primitive::attribute_list::{
    AttributeList, AttributeListTargets, CreateAttributeListRequest, DefaultAttributeList, DeleteAttributeListRequest,
    GetAttributeListRequest, GetAttributeListResponse,
};
use wv_proto::primitive::identifier::{ContactListId, GroupId, UserId};
use wv_proto::primitive::notification::{
    AuthorizationNotice, NotificationPayload, NotificationRequest, NotificationType, SubscribeNotificationRequest,
    UnsubscribeNotificationRequest,
};
use wv_proto::primitive::party::User;
use wv_proto::primitive::presence::Presentity;
use wv_proto::primitive::watcher::{
    GetReactiveAuthStatusRequest, GetReactiveAuthStatusResponse, GetWatcherListRequest, GetWatcherListResponse,
    ReactiveAuthState, ReactiveAuthStatus, Watcher, WatcherStatus,
};
use wv_proto::version::Version;

impl Source<'_> {
    fn scope(&mut self) -> AttributeListTargets {
        AttributeListTargets {
            users: self.list(|source| source.id(UserId::new)),
            contact_lists: self.list(|source| source.id(ContactListId::new)),
            default_list: self.flag(),
        }
    }

    fn attribute_list(&mut self) -> AttributeList {
        let target = if self.flag() {
            Presentity::User(self.id(UserId::new))
        } else {
            Presentity::ContactList(self.id(ContactListId::new))
        };
        AttributeList { target, notify: self.maybe_1_3(Self::flag), attributes: self.names() }
    }

    fn watcher(&mut self) -> Watcher {
        let user = match self.version {
            Version::V1_1 | Version::V1_2 => self.user(),
            Version::V1_3 => {
                User { user_id: self.id(UserId::new), friendly_name: self.maybe(Self::text), client_id: None }
            }
        };
        let status = if self.since(Version::V1_2) {
            self.maybe(|source| source.word(WatcherStatus::ALL, WatcherStatus::Other))
        } else {
            None
        };
        Watcher { user, status }
    }

    fn notification_types(&mut self) -> Vec<NotificationType> {
        self.filled_list(|source| source.word(NotificationType::ALL, NotificationType::Other))
    }

    fn payload(&mut self) -> NotificationPayload {
        match self.choice() % 9 {
            0 => NotificationPayload::None,
            1 => NotificationPayload::BlockListInUse(self.flag()),
            2 => NotificationPayload::GrantListInUse(self.flag()),
            3 => NotificationPayload::Group(self.id(GroupId::new)),
            4 => NotificationPayload::ContactLists(self.filled_list(|source| source.id(ContactListId::new))),
            5 => NotificationPayload::Invitation(self.text()),
            6 => NotificationPayload::Users(self.list(Self::user)),
            7 => {
                let (unrecognized, valid) = (self.id(UserId::new), self.id(UserId::new));
                NotificationPayload::UserIdPair { unrecognized, valid }
            }
            _ => NotificationPayload::Authorization(AuthorizationNotice {
                attributes: Some(self.names()),
                users: self.list(|source| source.id(UserId::new)),
                contact_lists: self.list(|source| source.id(ContactListId::new)),
                default_list: self.maybe(Self::flag),
            }),
        }
    }

    pub(super) fn authorization_primitive(&mut self, kind: u8) -> Primitive {
        match kind {
            0 => Primitive::CreateAttributeListRequest(Box::new(CreateAttributeListRequest {
                attributes: self.names(),
                targets: self.scope(),
                default_notify: self.maybe_1_3(Self::flag),
                user_notify: self.maybe_1_3(Self::flag),
                contact_list_notify: self.maybe_1_3(Self::flag),
            })),
            1 => Primitive::DeleteAttributeListRequest(Box::new(DeleteAttributeListRequest { targets: self.scope() })),
            2 => Primitive::GetAttributeListRequest(Box::new(GetAttributeListRequest { targets: self.scope() })),
            3 => Primitive::GetAttributeListResponse(Box::new(GetAttributeListResponse {
                result: self.result(),
                default_list: self.maybe(|source| DefaultAttributeList {
                    notify: source.maybe_1_3(Self::flag),
                    attributes: source.names(),
                }),
                lists: self.list(Self::attribute_list),
            })),
            4 => Primitive::GetWatcherListRequest(match self.version {
                Version::V1_1 => GetWatcherListRequest::default(),
                Version::V1_2 | Version::V1_3 => GetWatcherListRequest {
                    history_period: self.maybe(Self::seconds),
                    watchers_max: self.maybe(Self::number),
                },
            }),
            5 => Primitive::GetWatcherListResponse(Box::new(GetWatcherListResponse {
                history_period: if self.since(Version::V1_2) { self.maybe(Self::seconds) } else { None },
                watcher_count: self.maybe_1_3(Self::number),
                watchers: self.list(Self::watcher),
            })),
            6 if self.flag() => Primitive::GetReactiveAuthStatusRequest(GetReactiveAuthStatusRequest {
                users: self.list(|source| source.id(UserId::new)),
            }),
            6 => Primitive::GetReactiveAuthStatusResponse(GetReactiveAuthStatusResponse {
                statuses: self.list(|source| ReactiveAuthStatus {
                    user_id: source.id(UserId::new),
                    state: source.word(ReactiveAuthState::ALL, ReactiveAuthState::Other),
                    attributes: source.maybe(Self::names),
                }),
            }),
            7 => Primitive::SubscribeNotificationRequest(SubscribeNotificationRequest {
                types: self.notification_types(),
            }),
            8 => Primitive::UnsubscribeNotificationRequest(UnsubscribeNotificationRequest {
                types: self.notification_types(),
            }),
            _ => Primitive::NotificationRequest(Box::new(NotificationRequest {
                notification_type: self.word(NotificationType::ALL, NotificationType::Other),
                payload: self.payload(),
            })),
        }
    }
}
