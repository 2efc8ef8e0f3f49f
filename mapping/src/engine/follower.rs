//! Who follows who watches a user (RFC 3857): each learns what changed, after everything of an event is settled.

use crate::{
    address::Address,
    command::CommandKind,
    engine::{Engine, user::User},
    event::RequestId,
    outcome::Outcome,
    policy::Permission,
    side::Endpoint,
    time::Timestamp,
    watcher::{Decision, NewsExtent, WatcherCause, WatcherNews, WatcherStanding, WatcherState},
};
use std::collections::BTreeMap;

/// Those who follow, and what they were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Followed {
    /// Who stands behind each endpoint.
    followers: BTreeMap<Endpoint, Address>,
    told: BTreeMap<Address, WatcherStanding>,
}

impl Engine {
    // RFC 3857 §4.6
    /// Somebody wants to follow who watches the user, or to hear everything again.
    pub(super) fn follow_watchers(
        &mut self,
        request: RequestId,
        user: &Address,
        endpoint: Endpoint,
        follower: Address,
    ) {
        if !self.accounts.contains(user) {
            return self.output.done(request, Outcome::UnknownUser);
        }
        // Others are told of their own subscription, when they have one that is permitted.
        if follower != *user && !matches!(self.permission(user, &follower), Permission::Granted(_)) {
            return self.output.done(request, Outcome::Forbidden);
        }
        let bound = self.config.limits.followers_per_presentity;
        let followed = self.user_mut(user).followed.get_or_insert_default();
        let is_full = followed.followers.len() >= bound && !followed.followers.contains_key(&endpoint);
        if is_full {
            return self.output.done(request, Outcome::Unavailable);
        }
        let is_first = followed.followers.is_empty();
        followed.followers.insert(endpoint.clone(), follower);
        self.output.done(request, Outcome::Success);
        if is_first {
            self.begin_telling(user);
        }
        let Some(followed) = self.users.get(user).and_then(|actor| actor.followed.as_ref()) else { return };
        let Some(follower) = followed.followers.get(&endpoint) else { return };
        let rows = followed.told.values().filter(|row| is_told(user, follower, row)).cloned().collect();
        let news = WatcherNews { endpoint, presentity: user.clone(), extent: NewsExtent::Whole, rows };
        self.output.push(CommandKind::TellWatchers(news));
    }

    pub(super) fn unfollow_watchers(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint) {
        self.output.done(request, Outcome::Success);
        let Some(actor) = self.users.get_mut(user) else { return };
        if let Some(followed) = &mut actor.followed {
            followed.followers.remove(endpoint);
        }
        actor.followed.take_if(|followed| followed.followers.is_empty());
        self.forget_if_empty(user);
    }

    /// Followers may have to hear of this watcher.
    pub(super) fn touch_watcher(&mut self, user: &Address, watcher: &Address) {
        if self.users.get(user).is_some_and(|actor| actor.followed.is_some()) {
            self.touched.insert((user.clone(), watcher.clone()));
        }
    }

    // RFC 3857 §4.7.2
    /// Tells followers what has changed since they were told last. What came and went again meanwhile is not told.
    pub(super) fn tell_followers(&mut self) {
        let mut news: BTreeMap<Address, Vec<WatcherStanding>> = BTreeMap::new();
        for (user, watcher) in std::mem::take(&mut self.touched) {
            if self.users.get(&user).is_some_and(|actor| actor.followed.is_some()) {
                let changes = self.change(&user, &watcher);
                news.entry(user).or_default().extend(changes);
            }
        }
        for (user, rows) in news {
            self.tell_rows(&user, &rows, NewsExtent::Changes);
        }
    }

    /// There is no such user any more.
    pub(super) fn dismiss_followers(&mut self, user: &Address) {
        let Some(actor) = self.users.get_mut(user) else { return };
        let Some(followed) = &mut actor.followed else { return };
        let end = |row: WatcherStanding| row.become_so(WatcherState::Ended, WatcherCause::NoResource);
        let rows: Vec<WatcherStanding> = std::mem::take(&mut followed.told).into_values().map(end).collect();
        self.tell_rows(user, &rows, NewsExtent::Last);
        if let Some(actor) = self.users.get_mut(user) {
            actor.followed = None;
        }
    }

    fn tell_rows(&mut self, user: &Address, rows: &[WatcherStanding], extent: NewsExtent) {
        let Some(followed) = self.users.get(user).and_then(|actor| actor.followed.as_ref()) else { return };
        for (endpoint, follower) in &followed.followers {
            let rows: Vec<_> = rows.iter().filter(|row| is_told(user, follower, row)).cloned().collect();
            if rows.is_empty() && extent == NewsExtent::Changes {
                continue;
            }
            let (endpoint, presentity) = (endpoint.clone(), user.clone());
            self.output.push(CommandKind::TellWatchers(WatcherNews { endpoint, presentity, extent, rows }));
        }
    }

    /// How it stands with everybody, for the first who follows.
    fn begin_telling(&mut self, user: &Address) {
        let Some(actor) = self.users.get(user) else { return };
        let watchers = actor.watchers.keys().chain(actor.authorizations.questions.keys()).cloned();
        for watcher in watchers.collect::<std::collections::BTreeSet<_>>() {
            self.change(user, &watcher);
        }
    }

    /// Brings up to date what followers are told of one watcher; what of it is new to them.
    fn change(&mut self, user: &Address, watcher: &Address) -> Vec<WatcherStanding> {
        let number = self.next_number();
        let permission = self.permission(user, watcher);
        let Some(actor) = self.users.get_mut(user) else { return Vec::new() };
        let now = standing(actor, watcher, permission);
        let decision = actor.authorizations.rule_for(user, watcher, &actor.lists).map(|rule| rule.decision);
        let Some(followed) = &mut actor.followed else { return Vec::new() };
        let before = followed.told.remove(watcher);
        let (mut changes, mut next) = (Vec::new(), None);
        match (before, now) {
            (None, None) => {}
            (None, Some((state, since))) => {
                let cause = if state == WatcherState::Waiting { WatcherCause::Left } else { WatcherCause::Subscribed };
                next = Some(WatcherStanding { number, watcher: watcher.clone(), state, cause, since });
                changes.extend(next.clone());
            }
            (Some(before), Some((state, _))) if before.state == state => next = Some(before),
            // The one that waited is over; the watcher has come again.
            (Some(before), Some((state, since))) if before.state == WatcherState::Waiting => {
                let (watcher, cause) = (watcher.clone(), WatcherCause::Subscribed);
                next = Some(WatcherStanding { number, watcher, state, cause, since });
                changes.push(before.become_so(WatcherState::Ended, WatcherCause::Giveup));
                changes.extend(next.clone());
            }
            (Some(before), Some((state, _))) => {
                let cause = match state {
                    WatcherState::Active => WatcherCause::Approved,
                    WatcherState::Waiting | WatcherState::Ended => WatcherCause::Left,
                    WatcherState::Pending => WatcherCause::Subscribed,
                };
                next = Some(before.become_so(state, cause));
                changes.extend(next.clone());
            }
            (Some(before), None) => {
                let is_refused = permission == Permission::Refused || decision == Some(Decision::Block);
                let cause = match (before.state, permission) {
                    _ if is_refused => WatcherCause::Rejected,
                    (WatcherState::Waiting, Permission::Granted(_)) => WatcherCause::Approved,
                    (WatcherState::Active | WatcherState::Ended, _) => WatcherCause::Left,
                    (WatcherState::Waiting | WatcherState::Pending, _) => WatcherCause::Giveup,
                };
                changes.push(before.become_so(WatcherState::Ended, cause));
            }
        }
        followed.told.extend(next.map(|row| (row.watcher.clone(), row)));
        changes
    }
}

impl WatcherStanding {
    fn become_so(self, state: WatcherState, cause: WatcherCause) -> Self {
        Self { state, cause, ..self }
    }
}

/// How it stands with a watcher, and since when.
fn standing(actor: &User, watcher: &Address, permission: Permission) -> Option<(WatcherState, Timestamp)> {
    match actor.watchers.get(watcher).map(|known| (known.permission, known.since)) {
        Some((Permission::Granted(_), since)) => Some((WatcherState::Active, since)),
        Some((Permission::Undecided, since)) => Some((WatcherState::Pending, since)),
        // RFC 3857 §4.7.1: to the user who refused it is over, whatever the watcher is shown.
        Some((Permission::Refused, _)) => None,
        // A question about more than a word lets the watcher see is none of whether it may watch.
        None if permission != Permission::Undecided => None,
        None => actor.authorizations.questions.get(watcher).map(|question| (WatcherState::Waiting, question.since)),
    }
}

fn is_told(user: &Address, follower: &Address, row: &WatcherStanding) -> bool {
    follower == user || row.watcher == *follower
}
