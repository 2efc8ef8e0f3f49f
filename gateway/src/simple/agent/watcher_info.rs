//! Front-end dialogs of another kind: somebody is told who watches a user (RFC 3857).

use super::{Agent, Conclusion, Pending, to_sip};
use crate::simple::translate::{address, watcher::to_row};
use bytes::Bytes;
use mapping::{
    address::Address,
    event::Operation,
    outcome::Outcome,
    side::{Endpoint, Side},
    time::Timestamp,
    watcher::{EndReason, NewsExtent, WatcherNews, WatcherStanding, WatcherState},
};
use sip_proto::{
    body::watcher_info::{Extent, MEDIA_TYPE, WatcherInfo, WatcherList},
    event::notifier::NotifierEvent,
    message::{
        Request,
        header::{
            event::{SubscriptionStatus, TerminationReason},
            media_type::MediaType,
        },
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What one dialog is told, and was.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// All relations that are not over.
    rows: BTreeMap<u64, WatcherStanding>,
    /// Those of which the last document said something else.
    changed: BTreeMap<u64, WatcherStanding>,
    /// Whether the last document is all that the other side knows.
    standing: Standing,
    sent_at: Option<Timestamp>,
    /// When news that wait may be told.
    due: Option<Timestamp>,
}

/// What the other side knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// Nothing, or nobody knows what: the next document says everything.
    #[default]
    Unknown,
    /// All that was told.
    Told,
}

impl Telling {
    /// When news that wait may be told.
    pub(super) fn due(&self) -> Option<sip_proto::time::Timestamp> {
        self.due.map(to_sip)
    }

    /// The wait is over, if it is.
    pub(super) fn take_due(&mut self, now: Timestamp) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    // RFC 3857 §4.7.2, RFC 3858 §4
    /// The next document says everything: a SUBSCRIBE asks for it, or the last one may not have arrived.
    pub(super) fn tell_all(&mut self) {
        self.standing = Standing::Unknown;
    }

    fn take(&mut self, news: &WatcherNews) {
        if news.extent == NewsExtent::Whole {
            self.rows.clear();
            self.changed.clear();
            self.tell_all();
        }
        for row in &news.rows {
            if row.state == WatcherState::Ended {
                self.rows.remove(&row.number);
            } else {
                self.rows.insert(row.number, row.clone());
            }
            if news.extent != NewsExtent::Whole {
                self.changed.insert(row.number, row.clone());
            }
        }
    }

    // RFC 3857 §4.10
    /// When news may be told.
    fn next(&self, now: Timestamp, interval: Duration) -> Timestamp {
        self.sent_at.map_or(now, |sent_at| sent_at.after(interval)).max(now)
    }

    /// The document that says what is new, or everything.
    fn document(&mut self, now: Timestamp, presentity: &Address, version: u64) -> Option<WatcherInfo> {
        let resource = address::from_neutral(presentity).ok()?.to_string();
        let changed = std::mem::take(&mut self.changed);
        let extent = if self.standing == Standing::Told { Extent::Partial } else { Extent::Full };
        let rows = if extent == Extent::Full { &self.rows } else { &changed };
        let watchers = rows.values().filter_map(|row| to_row(row, now)).collect();
        let list = WatcherList { resource, package: "presence".to_owned(), watchers };
        self.standing = Standing::Told;
        self.sent_at = Some(now);
        self.due = None;
        Some(WatcherInfo { version, extent, lists: vec![list] })
    }
}

impl Agent {
    /// News for somebody who follows who watches a user.
    pub(super) fn tell_watchers(&mut self, now: Timestamp, news: &WatcherNews) {
        let Some(name) = news.endpoint.id.strip_prefix("winfo ").map(Arc::<str>::from) else { return };
        let (interval, chain) = (self.settings.notify_interval_min, self.current);
        let Some(entry) = self.notifiers.entry(&name) else { return };
        entry.correlation = chain;
        let is_opening = entry.is_opening();
        let Some(telling) = &mut entry.telling else { return };
        telling.take(news);
        if is_opening {
            return self.grant_opening(now, &name);
        }
        match news.extent {
            NewsExtent::Last => self.terminate_notifier(now, &name, EndReason::NoResource),
            NewsExtent::Whole | NewsExtent::Changes => {
                let next = telling.next(now, interval);
                if next > now {
                    telling.due = Some(next);
                } else {
                    entry.machine.handle(to_sip(now), NotifierEvent::Update(None));
                }
                self.drive_notifier(now, &name);
            }
        }
    }

    /// The document of a NOTIFY: made when the NOTIFY leaves, so that none is lost and each has the next version.
    pub(super) fn complete_winfo(&mut self, now: Timestamp, name: &Arc<str>, request: Request) -> Request {
        let Some(entry) = self.notifiers.entry(name) else { return request };
        let Some(telling) = &mut entry.telling else { return request };
        if !is_shown(&request) {
            return request;
        }
        // RFC 3858 §3: from 0, and one more each time; as the numbers of the NOTIFYs are. After a restart both have
        // jumped, and the document says everything.
        let number = request.headers().cseq().map_or(FIRST_NUMBER, |cseq| cseq.sequence.to_number());
        let version = u64::from(number.saturating_sub(FIRST_NUMBER));
        let presentity = entry.presentity.clone();
        let written = telling.document(now, &presentity, version).and_then(|document| document.write().ok());
        match (written, MediaType::parse(MEDIA_TYPE)) {
            (Some(text), Ok(media_type)) => request.with_body(&media_type, Bytes::from(text)),
            _ => {
                tracing::warn!(side = "simple", %presentity, "watcher information not written");
                request
            }
        }
    }

    /// After a NOTIFY that may not have been heard everything is said again.
    pub(super) fn doubt_winfo(&mut self, name: &Arc<str>, conclusion: &Conclusion) {
        let is_heard = (200..300).contains(&conclusion.status());
        if let Some(telling) = self.notifiers.entry(name).and_then(|entry| entry.telling.as_mut())
            && !is_heard
        {
            telling.tell_all();
        }
    }

    /// Asks the engine to tell who watches the user.
    pub(super) fn follow_watchers(
        &mut self,
        name: &Arc<str>,
        presentity: Address,
        follower: Address,
        pending: Pending,
    ) {
        let operation = Operation::FollowWatchers { follower };
        self.ask(self.current, presentity, winfo_endpoint(name), operation, pending);
    }

    /// Asks it to do so no longer.
    pub(super) fn unfollow_watchers(&mut self, name: &Arc<str>, presentity: Address) {
        self.ask(self.current, presentity, winfo_endpoint(name), Operation::UnfollowWatchers, Pending::Nothing);
    }

    /// The engine's answer for a dialog that was there before.
    pub(super) fn answer_follow(&mut self, now: Timestamp, name: &Arc<str>, outcome: Outcome) {
        if !outcome.is_success() {
            self.terminate_notifier(now, name, EndReason::NoResource);
        }
    }
}

/// Whether a NOTIFY shows watchers: not when the subscription ends for want of permission, or of the user.
fn is_shown(notify: &Request) -> bool {
    notify.headers().subscription_state().ok().flatten().is_some_and(|state| match state.status() {
        SubscriptionStatus::Active => true,
        SubscriptionStatus::Terminated => state.reason() == Some(TerminationReason::Timeout),
        SubscriptionStatus::Pending | SubscriptionStatus::Other(_) => false,
    })
}

/// The endpoint of such a dialog.
fn winfo_endpoint(name: &str) -> Endpoint {
    Endpoint::new(Side::Simple, &format!("winfo {name}"))
}

/// The number of the first NOTIFY of a dialog.
const FIRST_NUMBER: u32 = 2;
