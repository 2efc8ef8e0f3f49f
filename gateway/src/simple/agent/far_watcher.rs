//! Who watches a user of ours at the presence server of its domain: the gateway as subscriber of watcher information
//! (RFC 3857 §4.8).

use super::{
    Agent,
    subscription::{Package, Wish},
    to_sip,
};
use crate::simple::translate::watcher::from_status;
use mapping::{
    address::Address,
    event::{EventKind, SubscriptionId},
    side::PeerName,
    time::Timestamp,
    watcher::WatcherState,
};
use sip_proto::{
    body::watcher_info::{Taken, WatcherInfo, WatcherTable},
    event::{
        body::Body,
        lifetime::retry_delay,
        subscriber::{
            SubscriptionChange,
            advice::{RetryAdvice, end_advice, refusal_advice},
        },
    },
    message::uri::Uri,
    time::DeadlineQueue,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// The users whose watchers are learned of.
#[derive(Default)]
pub(super) struct Learners {
    users: HashMap<Address, Learner>,
    /// When a subscription that was lost is begun again.
    deadlines: DeadlineQueue<Address>,
}

struct Learner {
    peer: PeerName,
    failures: u32,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// It was read, or there was none.
    Done,
    /// One before it is missing.
    Gap,
    /// It is none.
    Malformed,
}

impl Learners {
    pub(super) fn deadline(&self) -> Option<sip_proto::time::Timestamp> {
        self.deadlines.next()
    }
}

impl Agent {
    pub(super) fn learn_watchers(&mut self, now: Timestamp, peer: PeerName, user: &Address) {
        self.learners.users.insert(user.clone(), Learner { peer, failures: 0 });
        self.subscribe_watchers(now, user);
    }

    pub(super) fn forget_watchers(&mut self, now: Timestamp, user: &Address) {
        self.learners.deadlines.set(user.clone(), None);
        if self.learners.users.remove(user).is_some() {
            self.close_subscription(now, &winfo_subscription(user));
        }
    }

    pub(super) fn expire_learners(&mut self, now: Timestamp) {
        while let Some(user) = self.learners.deadlines.pop_due(to_sip(now)) {
            self.current = self.correlation();
            self.subscribe_watchers(now, &user);
        }
    }

    fn subscribe_watchers(&mut self, now: Timestamp, user: &Address) {
        let Some(learner) = self.learners.users.get(user) else { return };
        let (watcher, presentity) = (user.clone(), user.clone());
        let wish =
            Wish { peer: learner.peer.clone(), watcher, presentity, lasting: true, package: Package::WatcherInfo };
        self.open_subscription(now, self.current, &winfo_subscription(user), wish);
    }

    /// What the subscription of a user's watchers says. `tables` are what its dialogs have told, `index` is the one that
    /// says it.
    pub(super) fn learn_change(
        &mut self,
        now: Timestamp,
        user: &Address,
        tables: &mut [WatcherTable],
        index: usize,
        change: SubscriptionChange,
    ) -> Learned {
        let advice = match change {
            // RFC 3857 §4.6: who may not know it is told nothing.
            SubscriptionChange::Pending => return Learned::Done,
            SubscriptionChange::Active { body } => {
                if let Some(learner) = self.learners.users.get_mut(user) {
                    learner.failures = 0;
                }
                return body.map_or(Learned::Done, |body| self.learn_document(user, tables, index, &body));
            }
            SubscriptionChange::Ended { reason, retry_after, .. } => end_advice(reason.as_ref(), retry_after),
            SubscriptionChange::Failed { status, retry_after } => {
                tracing::info!(side = "simple", presentity = %user, status = status.to_number(), "watchers not learned");
                refusal_advice(status, retry_after)
            }
        };
        // Other dialogs of the same subscription go on.
        if index == 0 {
            self.learn_again(now, user, advice);
        }
        Learned::Done
    }

    fn learn_again(&mut self, now: Timestamp, user: &Address, advice: RetryAdvice) {
        let Some(learner) = self.learners.users.get_mut(user) else { return };
        learner.failures = learner.failures.saturating_add(1);
        let wait = match advice {
            RetryAdvice::After(wait) => wait.max(retry_delay(learner.failures, None)),
            RetryAdvice::BackOff => retry_delay(learner.failures, None),
            RetryAdvice::Rest(wait) => wait,
            // With the next login.
            RetryAdvice::Never | RetryAdvice::Authenticate => return,
        };
        self.learners.deadlines.set(user.clone(), Some(to_sip(now.after(wait.min(WAIT_MAX)))));
    }

    // RFC 3858 §4, RFC 3857 §4.9
    fn learn_document(&mut self, user: &Address, tables: &mut [WatcherTable], index: usize, body: &Body) -> Learned {
        let document = match WatcherInfo::parse(body.content()) {
            Ok(document) => document,
            Err(error) => {
                tracing::debug!(side = "simple", correlation = %self.current, %error, "watcher information not read");
                metrics::counter!("gateway_malformed_messages_total", "side" => "simple").increment(1);
                return Learned::Malformed;
            }
        };
        let Some(table) = tables.get_mut(index) else { return Learned::Done };
        let taken = table.take(&document, "presence");
        let mut watchers: BTreeMap<Address, WatcherState> = BTreeMap::new();
        for row in tables.iter().flat_map(WatcherTable::rows) {
            let Some(watcher) = Uri::parse(&row.uri).ok().and_then(|uri| self.neutral(&uri).ok()) else { continue };
            let state = from_status(row.status);
            let known = watchers.entry(watcher).or_insert(state);
            // One who watches more than once: what is most alive counts.
            if rank(state) > rank(*known) {
                *known = state;
            }
        }
        let watchers = watchers.into_iter().collect();
        self.tell(self.current, EventKind::FarWatchers { user: user.clone(), watchers });
        self.wake.notify_one();
        if taken == Taken::Gap { Learned::Gap } else { Learned::Done }
    }
}

const fn rank(state: WatcherState) -> u8 {
    match state {
        WatcherState::Ended => 0,
        WatcherState::Waiting => 1,
        WatcherState::Pending => 2,
        WatcherState::Active => 3,
    }
}

/// The name of the subscription to a user's watchers; those of the engine end otherwise.
fn winfo_subscription(user: &Address) -> SubscriptionId {
    SubscriptionId(Arc::from(format!("{user} {user} winfo")))
}

/// Longest wait before a subscription that was lost is begun again, unless it is given up.
const WAIT_MAX: Duration = Duration::from_secs(86_400);
