//! What a presentity may learn of its watchers: who watches, and how it has decided about each.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::presence_attribute::AttributeNames;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::UserId;
use crate::primitive::party::{self, User};
use crate::schema::element;
use crate::version::Version;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};
use std::time::Duration;

vocabulary! {
    /// WatcherStatus.
    WatcherStatus {
        /// Watches now.
        CurrentSubscriber = "CURRENT_SUBSCRIBER",
        /// Watched within the period asked about.
        FormerSubscriber = "FORMER_SUBSCRIBER",
        /// Looked once.
        PresenceAccess = "PRESENCE_ACCESS",
    }
}

vocabulary! {
    /// ReactiveAuthState.
    ReactiveAuthState {
        /// Accepted.
        Granted = "GRANTED",
        /// Refused.
        Denied = "DENIED",
        /// Not answered.
        Pending = "PENDING",
    }
}

/// GetWatcherList-Request; in 1.1 there is nothing in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetWatcherListRequest {
    /// HistoryPeriod: how far back former watchers are wanted.
    pub history_period: Option<Duration>,
    /// MaxWatcherList: no more than this many.
    pub watchers_max: Option<u32>,
}

/// GetWatcherList-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetWatcherListResponse {
    /// HistoryPeriod: how far back the list goes.
    pub history_period: Option<Duration>,
    /// WatcherCount (1.3): how many there are, listed or not.
    pub watcher_count: Option<u32>,
    /// The watchers.
    pub watchers: Vec<Watcher>,
}

/// Watcher; in 1.1 only the User in it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Who.
    pub user: User,
    /// WatcherStatus (1.2, 1.3).
    pub status: Option<WatcherStatus>,
}

/// GetReactiveAuthStatus-Request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetReactiveAuthStatusRequest {
    /// About whom; nobody named means everybody.
    pub users: Vec<UserId>,
}

/// GetReactiveAuthStatus-Response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetReactiveAuthStatusResponse {
    /// ReactiveAuthStatusList.
    pub statuses: Vec<ReactiveAuthStatus>,
}

/// ReactiveAuthStatus: how it stands with one watcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactiveAuthStatus {
    /// The watcher.
    pub user_id: UserId,
    /// Its state.
    pub state: ReactiveAuthState,
    /// The attributes it is about; none means all.
    pub attributes: Option<AttributeNames>,
}

impl Part for GetWatcherListRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            history_period: element.seconds_of(element::HISTORY_PERIOD)?,
            watchers_max: element.integer_of(element::MAX_WATCHER_LIST)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_WATCHER_LIST_REQUEST);
        match sink.version() {
            Version::V1_1 => {}
            Version::V1_2 | Version::V1_3 => {
                sink.maybe_seconds(element::HISTORY_PERIOD, self.history_period);
                sink.maybe_integer(element::MAX_WATCHER_LIST, self.watchers_max);
            }
        }
        sink.close();
    }
}

impl Part for GetWatcherListResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let mut watchers: Vec<Watcher> = element.parts_of(element::WATCHER)?;
        let bare = party::read_users(element)?.into_iter().map(|user| Watcher { user, status: None });
        watchers.extend(bare);
        Ok(Self {
            history_period: element.seconds_of(element::HISTORY_PERIOD)?,
            watcher_count: element.integer_of(element::WATCHER_COUNT)?,
            watchers,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_WATCHER_LIST_RESPONSE);
        match sink.version() {
            Version::V1_1 => {}
            Version::V1_2 => sink.maybe_seconds(element::HISTORY_PERIOD, self.history_period),
            Version::V1_3 => {
                sink.maybe_seconds(element::HISTORY_PERIOD, self.history_period);
                sink.maybe_integer(element::WATCHER_COUNT, self.watcher_count);
            }
        }
        for watcher in &self.watchers {
            watcher.write(sink);
        }
        sink.close();
    }
}

impl Part for Watcher {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let user = match element.child(element::USER) {
            Some(user) => User::read(user)?,
            None => User {
                user_id: UserId::new(element.needed_text_of(element::USER_ID)?),
                friendly_name: element.present_text_of(element::FRIENDLY_NAME),
                client_id: None,
            },
        };
        let status = element.text_of(element::WATCHER_STATUS).map(|text| WatcherStatus::parse(&text));
        Ok(Self { user, status })
    }

    // WV-WCH-01
    fn write(&self, sink: &mut dyn Sink) {
        match sink.version() {
            Version::V1_1 => self.user.write(sink),
            Version::V1_2 => {
                sink.open(element::WATCHER);
                self.user.write(sink);
                sink.maybe_text(element::WATCHER_STATUS, self.status.as_ref().map(WatcherStatus::as_str));
                sink.close();
            }
            Version::V1_3 => {
                sink.open(element::WATCHER);
                sink.leaf_text(element::USER_ID, self.user.user_id.as_str());
                sink.maybe_text(element::FRIENDLY_NAME, self.user.friendly_name.as_deref());
                sink.maybe_text(element::WATCHER_STATUS, self.status.as_ref().map(WatcherStatus::as_str));
                sink.close();
            }
        }
    }
}

impl Part for GetReactiveAuthStatusRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { users: party::read_users(element)?.into_iter().map(|user| user.user_id).collect() })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_REACTIVE_AUTH_STATUS_REQUEST);
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        sink.close();
    }
}

impl Part for GetReactiveAuthStatusResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let list = element.child(element::REACTIVE_AUTH_STATUS_LIST).unwrap_or(element);
        Ok(Self { statuses: list.parts_of(element::REACTIVE_AUTH_STATUS)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::GET_REACTIVE_AUTH_STATUS_RESPONSE);
        sink.open(element::REACTIVE_AUTH_STATUS_LIST);
        for status in &self.statuses {
            status.write(sink);
        }
        sink.close();
        sink.close();
    }
}

impl Part for ReactiveAuthStatus {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            user_id: UserId::new(element.needed_text_of(element::USER_ID)?),
            state: ReactiveAuthState::parse(&element.needed_text_of(element::REACTIVE_AUTH_STATE)?),
            attributes: element.child(element::PRESENCE_SUB_LIST).map(AttributeNames::read),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::REACTIVE_AUTH_STATUS);
        sink.leaf_text(element::USER_ID, self.user_id.as_str());
        sink.leaf_text(element::REACTIVE_AUTH_STATE, self.state.as_str());
        if let Some(attributes) = &self.attributes {
            attributes.write(sink);
        }
        sink.close();
    }
}
