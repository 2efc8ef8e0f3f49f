//! Watchers at a presence server: those that wait for a decision there are asked about here (RFC 3857).

use crate::{
    address::Address,
    command::CommandKind,
    engine::Engine,
    policy::Permission,
    presence::AttributeSet,
    watcher::{WatcherState, WatcherStatus},
};
use std::collections::BTreeMap;

impl Engine {
    /// As long as a user of such a domain is there, its watchers are learned of.
    pub(super) fn learn_watchers(&mut self, user: &Address) {
        let Some(peer) = self.config.watcher_servers.get(user.domain()).cloned() else { return };
        let Some(actor) = self.users.get_mut(user) else { return };
        match (actor.attachments.is_empty(), actor.far_watchers.is_some()) {
            (false, false) => {
                actor.far_watchers = Some(BTreeMap::new());
                self.output.push(CommandKind::LearnWatchers { peer, user: user.clone() });
            }
            (true, true) => {
                actor.far_watchers = None;
                self.output.push(CommandKind::ForgetWatchers { user: user.clone() });
            }
            (false, true) | (true, false) => {}
        }
    }

    /// The presence server says who watches the user.
    pub(super) fn far_watchers(&mut self, user: &Address, watchers: Vec<(Address, WatcherState)>) {
        let bound = self.config.limits.watchers_per_presentity;
        let Some(known) = self.users.get_mut(user).and_then(|actor| actor.far_watchers.as_mut()) else { return };
        let now: BTreeMap<Address, WatcherState> =
            watchers.into_iter().filter(|(_, state)| *state != WatcherState::Ended).take(bound).collect();
        let before = std::mem::replace(known, now.clone());
        for (watcher, state) in &now {
            if is_undecided(*state) && self.permission(user, watcher) == Permission::Undecided {
                self.ask(user, watcher, AttributeSet::ALL);
            }
        }
        for (watcher, _) in before.iter().filter(|(watcher, _)| !now.contains_key(*watcher)) {
            self.remember_watcher(user, watcher, WatcherStatus::Former);
        }
        // Decided elsewhere, or given up: nobody waits for an answer any more, unless he watches here too.
        for watcher in before.into_iter().filter(|(_, state)| is_undecided(*state)).map(|(watcher, _)| watcher) {
            let waits = now.get(&watcher).is_some_and(|state| is_undecided(*state));
            let waits_here = self.users.get(user).is_some_and(|actor| actor.watchers.contains_key(&watcher));
            if !waits && !waits_here {
                self.forget_question(user, &watcher);
            }
        }
    }
}

const fn is_undecided(state: WatcherState) -> bool {
    matches!(state, WatcherState::Pending | WatcherState::Waiting)
}

// Subscription mapping §1, GetWatcherList
/// How a watcher at the presence server is listed.
pub(super) const fn far_status(state: WatcherState) -> WatcherStatus {
    match state {
        WatcherState::Pending | WatcherState::Active => WatcherStatus::Current,
        WatcherState::Waiting | WatcherState::Ended => WatcherStatus::Former,
    }
}
