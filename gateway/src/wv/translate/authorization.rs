//! Authorisation: attribute lists, watchers and decisions.

use super::{address, presence};
use mapping::{
    address::Address,
    command::{AttributeListRow, DecisionRow, DecisionState},
    event::BeyondOf,
    presence::{Attribute, AttributeSet},
    watcher::{Beyond, WatcherRow, WatcherStatus as NeutralStatus},
};
use std::time::Duration;
use wv_proto::{
    presence_attribute::AttributeNames,
    primitive::{
        attribute_list::{AttributeList, CreateAttributeListRequest, DefaultAttributeList, GetAttributeListResponse},
        identifier::{ContactListId, UserId},
        notification::{AuthorizationNotice, NotificationPayload, NotificationRequest, NotificationType},
        party::User,
        presence::Presentity,
        watcher::{
            GetReactiveAuthStatusResponse, GetWatcherListResponse, ReactiveAuthState, ReactiveAuthStatus, Watcher,
            WatcherStatus,
        },
    },
    status::StatusResult,
    version::Version,
};

/// The attributes that a list grants; unlike in a request for presence, no name means none (WV-ATT-02).
#[must_use]
pub fn from_list(names: &AttributeNames) -> AttributeSet {
    if names.is_empty() { AttributeSet::NONE } else { presence::from_names(Some(names)) }
}

/// What becomes of the wish to see more than lists grant; nothing, where the client says nothing.
#[must_use]
pub fn from_notify(request: &CreateAttributeListRequest) -> BeyondOf {
    let read = |flag: Option<bool>| if flag == Some(true) { Beyond::Asked } else { Beyond::Silent };
    BeyondOf {
        users: read(request.user_notify),
        lists: read(request.contact_list_notify),
        everybody: read(request.default_notify),
    }
}

/// The names of what a list grants.
#[must_use]
pub fn to_list(attributes: AttributeSet, version: Version) -> AttributeNames {
    // Attributes of vendors have no name that stands for them all.
    let mut named = attributes;
    named.remove(Attribute::Extension);
    presence::to_names(named, version).unwrap_or_default()
}

/// GetAttributeList-Response.
#[must_use]
pub fn to_attribute_lists(
    result: StatusResult,
    default_list: Option<&AttributeListRow>,
    rows: &[AttributeListRow],
    version: Version,
) -> GetAttributeListResponse {
    let list = |row: &AttributeListRow| AttributeList {
        target: match &row.written {
            Some(written) => Presentity::ContactList(ContactListId::new(written.as_ref())),
            None => Presentity::User(address::to_user_id(&row.target)),
        },
        notify: Some(row.beyond == Beyond::Asked),
        attributes: to_list(row.attributes, version),
    };
    GetAttributeListResponse {
        result,
        default_list: default_list.map(|row| DefaultAttributeList {
            notify: Some(row.beyond == Beyond::Asked),
            attributes: to_list(row.attributes, version),
        }),
        lists: rows.iter().map(list).collect(),
    }
}

/// GetWatcherList-Response with no more watchers than the client wants.
// WV-WCH-03
#[must_use]
pub fn to_watcher_list(
    history: Duration,
    rows: &[WatcherRow],
    most: Option<u32>,
    friendly_name: impl Fn(&Address) -> Option<Box<str>>,
) -> GetWatcherListResponse {
    let watcher = |row: &WatcherRow| Watcher {
        user: User { friendly_name: friendly_name(&row.watcher), ..User::from(address::to_user_id(&row.watcher)) },
        status: Some(match row.status {
            NeutralStatus::Current => WatcherStatus::CurrentSubscriber,
            NeutralStatus::Former => WatcherStatus::FormerSubscriber,
            NeutralStatus::Looked => WatcherStatus::PresenceAccess,
        }),
    };
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(WATCHERS_MAX).min(WATCHERS_MAX);
    GetWatcherListResponse {
        history_period: Some(history),
        watcher_count: u32::try_from(rows.len()).ok(),
        watchers: rows.iter().take(most).map(watcher).collect(),
    }
}

/// GetReactiveAuthStatus-Response.
#[must_use]
pub fn to_statuses(rows: &[DecisionRow], version: Version) -> GetReactiveAuthStatusResponse {
    let status = |row: &DecisionRow| ReactiveAuthStatus {
        user_id: address::to_user_id(&row.watcher),
        state: match row.state {
            DecisionState::Granted => ReactiveAuthState::Granted,
            DecisionState::Denied => ReactiveAuthState::Denied,
            DecisionState::Pending => ReactiveAuthState::Pending,
        },
        attributes: presence::to_names(row.attributes, version),
    };
    GetReactiveAuthStatusResponse { statuses: rows.iter().map(status).collect() }
}

/// Notification-Request ANU, ANC or AND (1.3): a user needs an authorisation, by itself, as a member of contact lists, or
/// as one of everybody else.
// WV-NTF-05
#[must_use]
pub fn to_notification(
    what: NotificationType,
    watcher: &Address,
    attributes: AttributeSet,
    lists: &[String],
    version: Version,
) -> NotificationRequest {
    let of_lists = what == NotificationType::AuthorizationNeededForContactList;
    let lists = lists.iter().filter(|_| of_lists).map(|list| ContactListId::new(list.as_str())).collect();
    let default_list = (what == NotificationType::AuthorizationNeededForDefaultList).then_some(true);
    NotificationRequest {
        notification_type: what,
        payload: NotificationPayload::Authorization(AuthorizationNotice {
            attributes: presence::to_names(attributes, version).or_else(|| Some(AttributeNames::default())),
            users: vec![UserId::new(address::from_neutral(watcher))],
            contact_lists: lists,
            default_list,
        }),
    }
}

/// Watchers in one answer, at most: what fits into the message that a client can parse which has not said so.
const WATCHERS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wv_att_02_a_list_that_names_nothing_grants_nothing() {
        assert_eq!(from_list(&AttributeNames::default()), AttributeSet::NONE);
        let all = to_list(AttributeSet::ALL, Version::V1_2);
        assert_eq!(all, AttributeNames::of_version(Version::V1_2));
        assert!(to_list(AttributeSet::NONE, Version::V1_2).is_empty());
    }

    #[test]
    fn wv_wch_03_a_short_list_tells_how_many_there_are() {
        let row = |name: &str, status| WatcherRow { watcher: Address::parse(name).unwrap(), status };
        let rows = [row("a@x", NeutralStatus::Current), row("b@x", NeutralStatus::Former)];
        let list = to_watcher_list(Duration::from_secs(60), &rows, Some(1), |user| Some(user.user().into()));
        assert_eq!((list.watcher_count, list.watchers.len()), (Some(2), 1));
        assert_eq!(list.watchers[0].user.friendly_name.as_deref(), Some("a"));
        assert_eq!(list.watchers[0].status, Some(WatcherStatus::CurrentSubscriber));
    }
}
