//! Presentities of neighbour servers: the cache of subscriptions there, and one-time looks.

use crate::{
    address::Address,
    command::CommandKind,
    engine::{Engine, Seen, Standing, Word, timer::Timer},
    event::{SubscriptionId, SubscriptionUpdate},
    outcome::Outcome,
    presence::{AttributeSet, PresenceDocument},
    route::Route,
    side::PeerName,
    subscription::{
        cache::{Belief, Entry, EntryKey, Look, Start},
        lease::{Sequel, backoff},
        machine::{EntryAction, EntryEvent, EntryState},
    },
    watcher::EndReason,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

impl Engine {
    /// A watcher of a neighbour's presentity comes.
    pub(super) fn join_entry(&mut self, presentity: &Address, watcher: Address, peer: PeerName, ticket: Option<u64>) {
        let shared = self.config.shared_views.get(&peer);
        let key = (presentity.clone(), shared.unwrap_or(&watcher).clone());
        let (is_shared, bound) = (shared.is_some(), self.config.limits.watchers_per_presentity);
        let belief = self.cache.belief(presentity, self.now);
        let fresh = !self.cache.entries.contains_key(&key);
        let is_full = match self.cache.entries.get(&key).map(|entry| &entry.sharers) {
            None => self.cache.entries.len() >= self.config.limits.entries_per_shard,
            Some(Some(sharers)) => sharers.len() >= bound && !sharers.contains(&watcher),
            Some(None) => false,
        };
        if is_full {
            let standing = Standing::Declined(Outcome::Unavailable);
            let word = Word::Standing { presentity: key.0, ticket, standing };
            return self.output.tell(&watcher, word);
        }
        let entry = self.cache.entries.entry(key.clone()).or_insert_with(|| Entry::new(peer, is_shared));
        if let Some(sharers) = &mut entry.sharers {
            sharers.insert(watcher.clone());
        }
        let mut wait = None;
        if fresh && let Some(belief) = belief {
            let (state, left) = match belief {
                Belief::Unknown(left) => (EntryState::Gone, left),
                Belief::WithoutPresence(left) => (EntryState::Denied, left),
            };
            entry.machine.state = state;
            wait = Some(left);
        }
        let (joined_before, state) = (entry.machine.watched, entry.machine.state);
        if let Some(left) = wait {
            self.timers.set(Timer::Entry(key.0.clone(), key.1.clone()), self.now.after(left));
        }
        self.step_entry(&key, EntryEvent::Joined, Some((&watcher, ticket)));
        // A lingering entry whose start the ramp never allowed.
        if !joined_before && state != EntryState::Idle {
            self.open_entry(&key);
        }
    }

    pub(super) fn leave_entry(&mut self, presentity: &Address, watcher: &Address) {
        let key = (presentity.clone(), self.identity(presentity, watcher).clone());
        if self.cache.entries.get_mut(&key).is_some_and(|entry| entry.forsake(watcher)) {
            self.step_entry(&key, EntryEvent::Left, None);
        }
    }

    /// Who subscribes when the watcher watches the presentity.
    pub(super) fn identity<'a>(&'a self, presentity: &Address, watcher: &'a Address) -> &'a Address {
        match self.config.domains.find(presentity).map(|row| &row.route) {
            Some(Route::Peer(peer)) => self.config.shared_views.get(peer).unwrap_or(watcher),
            Some(Route::Hosted) | None => watcher,
        }
    }

    pub(super) fn entry_waited(&mut self, presentity: Address, watcher: Address) {
        self.step_entry(&(presentity, watcher), EntryEvent::Waited, None);
    }

    pub(super) fn subscription_changed(&mut self, subscription: &SubscriptionId, update: SubscriptionUpdate) {
        let (Some(presentity), Some(watcher)) = (subscription.presentity(), subscription.watcher()) else { return };
        if self.cache.looks.contains_key(subscription) {
            return self.look_answered(subscription, update);
        }
        if *subscription != SubscriptionId::lasting(&watcher, &presentity) {
            return;
        }
        let key = (presentity, watcher);
        let Some(entry) = self.cache.entries.get_mut(&key) else { return };
        if matches!(update, SubscriptionUpdate::Pending | SubscriptionUpdate::Active(_)) {
            // It was closed meanwhile and its new start is queued: this is the word of one that is taking its leave.
            if !entry.is_open && entry.machine.state == EntryState::Subscribing {
                return;
            }
            // The end of a former one may be told after this one was opened; whoever speaks is open, and to be closed.
            entry.is_open = true;
        }
        let event = match update {
            SubscriptionUpdate::Pending => EntryEvent::Pending,
            SubscriptionUpdate::Active(document) => {
                entry.failures = 0;
                match document {
                    Some(document) => entry.document = Some(Arc::from(document)),
                    // Active without a document: nothing is known, or nothing changed.
                    None => {
                        entry.document.get_or_insert_default();
                    }
                }
                self.cache.disbelieve(&key.0);
                EntryEvent::Active
            }
            SubscriptionUpdate::Ended { reason, retry_after } => {
                entry.is_open = false;
                EntryEvent::Over(Sequel::of_end(reason, retry_after, &self.config.limits))
            }
            SubscriptionUpdate::Failed { outcome, retry_after } => {
                entry.is_open = false;
                entry.failures = entry.failures.saturating_add(1);
                EntryEvent::Over(Sequel::of_failure(outcome, retry_after, &self.config.limits))
            }
        };
        self.remember_refusal(&key, event);
        self.step_entry(&key, event, None);
        self.answer_lookers(&key);
    }

    /// What is true for every watcher is remembered for the next one.
    fn remember_refusal(&mut self, key: &EntryKey, event: EntryEvent) {
        let now = self.now;
        match event {
            EntryEvent::Over(Sequel::Gone(wait)) => self.cache.believe_unknown(&key.0, now, now.after(wait)),
            EntryEvent::Over(Sequel::WithoutPresence(wait)) => {
                self.cache.believe_without_presence(key.0.domain(), now, now.after(wait));
            }
            EntryEvent::Over(_)
            | EntryEvent::Joined
            | EntryEvent::Left
            | EntryEvent::Pending
            | EntryEvent::Active
            | EntryEvent::Waited => {}
        }
    }

    /// The newcomer, if this is about one, is told alone.
    fn step_entry(&mut self, key: &EntryKey, event: EntryEvent, newcomer: Option<(&Address, Option<u64>)>) {
        let (linger, now) = (self.config.limits.linger, self.now);
        let Some(entry) = self.cache.entries.get_mut(key) else { return };
        let actions = entry.machine.handle(event, linger);
        let failures = entry.failures;
        let timer = Timer::Entry(key.0.clone(), key.1.clone());
        for action in actions {
            match action {
                EntryAction::Open => self.open_entry(key),
                EntryAction::Close => self.close_entry(key),
                EntryAction::Wait(wait) => self.timers.set(timer.clone(), now.after(wait)),
                EntryAction::BackOff(least) => {
                    let wait = self.random.jitter(backoff(failures, &self.config.limits)).max(least);
                    self.timers.set(timer.clone(), now.after(wait));
                }
                EntryAction::NoWait => self.timers.clear(&timer),
                EntryAction::Tell => self.tell_entry(key, newcomer),
            }
        }
        if self.cache.entries.get(key).is_some_and(|entry| entry.machine.state == EntryState::Idle) {
            self.timers.clear(&timer);
            self.answer_lookers(key);
            self.cache.entries.remove(key);
        }
    }

    fn tell_entry(&mut self, key: &EntryKey, newcomer: Option<(&Address, Option<u64>)>) {
        let Some(entry) = self.cache.entries.get(key) else { return };
        let word = |ticket| Word::Standing { presentity: key.0.clone(), ticket, standing: entry.standing() };
        match (newcomer, &entry.sharers) {
            (Some((watcher, ticket)), _) => self.output.tell(watcher, word(ticket)),
            (None, Some(sharers)) => sharers.iter().for_each(|watcher| self.output.tell(watcher, word(None))),
            (None, None) => self.output.tell(&key.1, word(None)),
        }
    }

    /// Opens the subscription, now or when the ramp allows.
    fn open_entry(&mut self, key: &EntryKey) {
        let per_s = self.starts_per_s();
        let Some(entry) = self.cache.entries.get(key) else { return };
        if entry.is_open || entry.machine.state != EntryState::Subscribing {
            return;
        }
        let peer = entry.peer.clone();
        match self.cache.start(&peer, key, self.now, per_s) {
            Start::Now => self.open_now(key),
            Start::Queued(at) => {
                if !self.timers.is_set(&Timer::Ramp) {
                    self.timers.set(Timer::Ramp, at);
                }
            }
        }
    }

    fn open_now(&mut self, key: &EntryKey) {
        let Some(entry) = self.cache.entries.get_mut(key) else { return };
        if entry.is_open || entry.machine.state != EntryState::Subscribing {
            return;
        }
        entry.is_open = true;
        let peer = entry.peer.clone();
        self.output.push(CommandKind::OpenSubscription {
            subscription: SubscriptionId::lasting(&key.1, &key.0),
            peer,
            watcher: key.1.clone(),
            presentity: key.0.clone(),
            lasting: true,
        });
    }

    pub(super) fn close_entry(&mut self, key: &EntryKey) {
        if self.cache.entries.get_mut(key).is_some_and(|entry| std::mem::take(&mut entry.is_open)) {
            let subscription = SubscriptionId::lasting(&key.1, &key.0);
            self.output.push(CommandKind::CloseSubscription { subscription });
        }
    }

    pub(super) fn ramp_due(&mut self) {
        for key in self.cache.release(self.now, self.starts_per_s()) {
            self.open_now(&key);
        }
        if self.cache.has_queued() {
            self.timers.set(Timer::Ramp, self.now.after(Duration::from_secs(1)));
        }
    }

    /// The limit is per peer; every shard has its part of it.
    fn starts_per_s(&self) -> u32 {
        (self.config.limits.start_ramp_per_s / self.config.shards.max(1)).max(1)
    }

    /// A neighbour can be reached again: what backs off because of it need not wait longer.
    pub(super) fn resume_entries(&mut self, peer: &PeerName) {
        self.hurry_entries(|_, entry| entry.peer == *peer && entry.machine.state == EntryState::Backoff);
    }

    /// A neighbour has another word for watchers, or for all: refusals are not remembered longer.
    pub(super) fn retest_refusals(&mut self, peer: &PeerName, watchers: Option<&BTreeSet<Address>>) {
        let is_waiting = |state| matches!(state, EntryState::Denied | EntryState::Backoff);
        self.hurry_entries(|key, entry| {
            entry.peer == *peer
                && watchers.is_none_or(|watchers| watchers.contains(&key.1))
                && is_waiting(entry.machine.state)
        });
    }

    /// What these wait for they need not wait for any longer.
    fn hurry_entries(&mut self, of: impl Fn(&EntryKey, &Entry) -> bool) {
        let waiting: Vec<EntryKey> =
            self.cache.entries.iter().filter(|(key, entry)| of(key, entry)).map(|(key, _)| key.clone()).collect();
        for key in waiting {
            self.timers.clear(&Timer::Entry(key.0.clone(), key.1.clone()));
            self.step_entry(&key, EntryEvent::Waited, None);
        }
    }

    /// A look at a neighbour's presentity: from the entry where there is one, else by a subscription for one document.
    pub(super) fn look_far(&mut self, presentity: &Address, watcher: Address, peer: PeerName, ticket: u64) {
        let identity = self.identity(presentity, &watcher).clone();
        let key = (presentity.clone(), identity.clone());
        if let Some(belief) = self.cache.belief(presentity, self.now) {
            let outcome = match belief {
                Belief::Unknown(_) => Outcome::UnknownUser,
                Belief::WithoutPresence(_) => Outcome::ServiceNotSupported,
            };
            return self.tell_seen(&watcher, presentity, ticket, Err(outcome));
        }
        if let Some(entry) = self.cache.entries.get_mut(&key) {
            match seen_of(entry.standing()) {
                Some(seen) => return self.tell_seen(&watcher, presentity, ticket, seen),
                None if entry.machine.state == EntryState::Subscribing => return entry.lookers.push((watcher, ticket)),
                None => {}
            }
        }
        let running =
            self.cache.looks.values_mut().find(|look| look.identity == identity && look.presentity == *presentity);
        if let Some(look) = running {
            return look.lookers.push((watcher, ticket));
        }
        let subscription = SubscriptionId::fetch(&identity, presentity, self.next_number());
        self.timers.set(Timer::Fetch(subscription.clone()), self.now.after(self.config.limits.fetch_wait));
        let look =
            Look { identity: identity.clone(), presentity: presentity.clone(), lookers: vec![(watcher, ticket)] };
        self.cache.looks.insert(subscription.clone(), look);
        let presentity = presentity.clone();
        self.output.push(CommandKind::OpenSubscription {
            subscription,
            peer,
            watcher: identity,
            presentity,
            lasting: false,
        });
    }

    fn look_answered(&mut self, subscription: &SubscriptionId, update: SubscriptionUpdate) {
        let seen = match update {
            SubscriptionUpdate::Pending => Err(Outcome::NotDecided),
            SubscriptionUpdate::Active(document) => {
                let document = document.map_or_else(|| Arc::new(PresenceDocument::default()), Arc::from);
                Ok(Seen { document, granted: AttributeSet::ALL })
            }
            SubscriptionUpdate::Ended { reason, .. } => Err(outcome_of_end(reason)),
            SubscriptionUpdate::Failed { outcome, .. } => Err(outcome),
        };
        self.end_look(subscription, &seen);
    }

    pub(super) fn look_over(&mut self, subscription: &SubscriptionId) {
        self.output.push(CommandKind::CloseSubscription { subscription: subscription.clone() });
        self.end_look(subscription, &Err(Outcome::Timeout));
    }

    pub(super) fn end_look(&mut self, subscription: &SubscriptionId, seen: &Result<Seen, Outcome>) {
        let Some(look) = self.cache.looks.remove(subscription) else { return };
        self.timers.clear(&Timer::Fetch(subscription.clone()));
        for (watcher, ticket) in look.lookers {
            self.tell_seen(&watcher, &look.presentity, ticket, seen.clone());
        }
    }

    fn answer_lookers(&mut self, key: &EntryKey) {
        let Some(entry) = self.cache.entries.get_mut(key) else { return };
        if entry.lookers.is_empty() || entry.machine.state == EntryState::Subscribing {
            return;
        }
        let lookers = std::mem::take(&mut entry.lookers);
        let seen = seen_of(entry.standing()).unwrap_or(Err(Outcome::Unavailable));
        for (watcher, ticket) in lookers {
            self.tell_seen(&watcher, &key.0, ticket, seen.clone());
        }
    }

    pub(super) fn tell_seen(
        &mut self,
        watcher: &Address,
        presentity: &Address,
        ticket: u64,
        seen: Result<Seen, Outcome>,
    ) {
        self.output.tell(watcher, Word::Seen { presentity: presentity.clone(), ticket, seen });
    }
}

/// What a standing is to somebody who looks once; nothing where it is not clear.
fn seen_of(standing: Standing) -> Option<Result<Seen, Outcome>> {
    match standing {
        Standing::Unclear => None,
        Standing::Pending => Some(Err(Outcome::NotDecided)),
        Standing::Active(seen) => Some(Ok(seen)),
        Standing::Refused => Some(Err(Outcome::Blocked)),
        Standing::Failed(reason) => Some(Err(outcome_of_end(reason))),
        Standing::Declined(outcome) => Some(Err(outcome)),
    }
}

const fn outcome_of_end(reason: EndReason) -> Outcome {
    match reason {
        EndReason::Rejected => Outcome::Blocked,
        EndReason::NoResource => Outcome::UnknownUser,
        EndReason::Giveup => Outcome::NotDecided,
        EndReason::Deactivated | EndReason::Probation | EndReason::Timeout | EndReason::Invariant => {
            Outcome::Unavailable
        }
    }
}
