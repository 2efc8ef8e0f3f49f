//! The watcher's part of watching: its watches, and what each of its endpoints is shown.

use crate::{
    address::Address,
    command::{CommandKind, Notification},
    engine::{Engine, Standing, Word, list::Expansion, timer::Timer},
    event::RequestId,
    gather::{Gather, Purpose},
    outcome::{Detail, Outcome},
    policy::Permission,
    presence::{AttributeSet, PresenceView},
    record::{Fact, FactKey},
    route::Route,
    side::{Endpoint, RefusalStyle},
    subscription::table::{EndpointWatch, ListWatch, Relation, Showing},
    watcher::{EndReason, WatchState},
};
use std::{sync::Arc, time::Duration};

/// What a watcher wants to see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) attributes: AttributeSet,
    pub(super) auto_subscribe: bool,
}

impl Engine {
    pub(super) fn watch(
        &mut self,
        request: RequestId,
        user: Address,
        endpoint: Endpoint,
        targets: &[Address],
        wish: Wish,
    ) {
        if self.config.domains.is_hosted(&user) && !self.accounts.contains(&user) {
            return self.output.done(request, Outcome::UnknownUser);
        }
        let Expansion { users, refused } = match self.expand(&user, targets, usize::MAX) {
            Ok(expansion) => expansion,
            Err(outcome) => return self.output.done(request, outcome),
        };
        if users.iter().any(|target| !self.is_watched(&user, &target.user, &endpoint)) {
            let (now, bound) = (self.now, self.config.limits.watches_per_minute);
            if !self.user_mut(&user).watch_pace.admits(now, MINUTE, bound) {
                return self.output.done(request, Outcome::Unavailable);
            }
        }
        let number = self.next_number();
        let purpose = Purpose::Watch { endpoint: endpoint.clone() };
        let mut gather = Gather::new(self.output.correlation, user.clone(), request, purpose);
        gather.details = refused;
        for list in targets.iter().filter(|target| target.resource().is_some()) {
            self.watch_list(&user, list, &endpoint, wish);
        }
        let mut started = Vec::new();
        for target in users {
            match self.begin_watch(&user, &target.user, &endpoint, target.list, wish.attributes, Some(number)) {
                Ok(()) => {
                    gather.outstanding.insert(target.user.clone());
                    started.push(target.user);
                }
                Err(outcome) => gather.refuse(&target.user, outcome),
            }
        }
        self.hold(number, gather, self.config.limits.fetch_wait);
        for presentity in started {
            self.start_relation(&user, &presentity, Some(number));
        }
        self.complete(number);
    }

    pub(super) fn is_watched(&self, user: &Address, presentity: &Address, endpoint: &Endpoint) -> bool {
        self.users
            .get(user)
            .and_then(|actor| actor.watching.relations.get(presentity))
            .is_some_and(|relation| relation.watches.contains_key(endpoint))
    }

    fn watch_list(&mut self, user: &Address, list: &Address, endpoint: &Endpoint, wish: Wish) {
        let Wish { attributes, auto_subscribe } = wish;
        let actor = self.user_mut(user);
        if actor.lists.contains_key(list) {
            actor.watching.lists.insert((list.clone(), endpoint.clone()), ListWatch { attributes, auto_subscribe });
            self.output.keep(Fact::ListWatch {
                watcher: user.clone(),
                list: list.clone(),
                endpoint: endpoint.clone(),
                attributes,
                auto_subscribe,
            });
        }
    }

    /// Enters a watch, or replaces what a known one wants to see.
    pub(super) fn begin_watch(
        &mut self,
        user: &Address,
        presentity: &Address,
        endpoint: &Endpoint,
        list: Option<Address>,
        attributes: AttributeSet,
        held: Option<u64>,
    ) -> Result<(), Outcome> {
        let row = self.config.domains.find(presentity).ok_or(Outcome::UnknownDomain)?;
        if row.route != Route::Hosted && !self.may_cross(user, row) {
            return Err(Outcome::Forbidden);
        }
        let stays = self.profile(endpoint.side).refusal == RefusalStyle::Stays;
        let bound = self.config.limits.subscriptions_per_watcher;
        let first_view = self.now.after(self.config.limits.first_view_wait);
        let watching = &mut self.user_mut(user).watching;
        let known = watching.relations.get(presentity).and_then(|relation| relation.watches.get(endpoint));
        let kept = known.is_some_and(|watch| watch.kept);
        if known.is_none() && watching.len() >= bound {
            return Err(Outcome::Unavailable);
        }
        let mut watch = EndpointWatch::new(attributes, list, held);
        watch.kept = kept;
        let relation = watching.relations.entry(presentity.clone()).or_insert_with(Relation::new);
        relation.enter(endpoint.clone(), watch);
        if stays {
            self.timers.set(Timer::FirstView(user.clone(), presentity.clone(), endpoint.clone()), first_view);
        }
        self.timers.clear(&Timer::Notify(user.clone(), presentity.clone(), endpoint.clone()));
        Ok(())
    }

    /// Tells the presentity what all endpoints together want; and looks whether watching it is this user's consent.
    pub(super) fn start_relation(&mut self, user: &Address, presentity: &Address, ticket: Option<u64>) {
        let Some(relation) = self.users.get(user).and_then(|actor| actor.watching.relations.get(presentity)) else {
            return;
        };
        let attributes = relation.attributes();
        self.output.tell(presentity, Word::StartWatch { watcher: user.clone(), attributes, ticket });
        self.reconsider(user, presentity);
        let answered = self
            .users
            .get(user)
            .and_then(|actor| actor.watchers.get(presentity))
            .is_some_and(|known| matches!(known.permission, Permission::Granted(_)));
        if answered {
            self.forget_question(user, presentity);
        }
    }

    /// How the user stands with a presentity, from the presentity's shard.
    pub(super) fn standing(&mut self, user: &Address, presentity: &Address, ticket: Option<u64>, standing: Standing) {
        let relation = self.users.get_mut(user).and_then(|actor| actor.watching.relations.get_mut(presentity));
        let (standing, declined) = match (standing, ticket) {
            (Standing::Declined(outcome), Some(ticket)) => (Standing::Declined(outcome), Some((outcome, ticket))),
            // Nobody waits for an answer to a watch that a list or a restart began.
            (Standing::Declined(outcome), None) => (standing_when_declined(outcome), None),
            (standing, _) => (standing, None),
        };
        match (relation, declined) {
            (Some(relation), Some((_, ticket))) => {
                // Other endpoints' watches, if any, hear of it by a standing of their own.
                let endpoints: Vec<Endpoint> = relation
                    .watches
                    .iter()
                    .filter(|(_, watch)| watch.held == Some(ticket))
                    .map(|(endpoint, _)| endpoint.clone())
                    .collect();
                for endpoint in endpoints {
                    self.remove_watch(user, presentity, &endpoint);
                }
            }
            (Some(relation), None) => {
                let gather = ticket.and_then(|ticket| self.gathers.get(&ticket));
                let asking = match gather.map(|gather| &gather.purpose) {
                    Some(Purpose::Watch { endpoint }) if relation.standing.is_same(&standing) => Some(endpoint.clone()),
                    _ => None,
                };
                relation.standing = standing;
                match asking {
                    // One more endpoint watches, and nothing is new to the others.
                    Some(endpoint) => self.keep_watch(user, presentity, &endpoint),
                    None => {
                        self.keep_watches(user, presentity);
                        self.show_all(user, presentity);
                    }
                }
            }
            // The presentity believes in a watcher that is none any more, as after a rebuilding of this shard.
            (None, None) => self.output.tell(presentity, Word::StopWatch { watcher: user.clone() }),
            (None, Some(_)) => {}
        }
        if let Some(ticket) = ticket {
            self.part_settled(ticket, presentity, declined.map_or(Outcome::Success, |(outcome, _)| outcome));
        }
        self.forget_if_empty(user);
    }

    /// What is granted is kept before it is answered.
    fn keep_watches(&mut self, user: &Address, presentity: &Address) {
        let relation = self.users.get(user).and_then(|actor| actor.watching.relations.get(presentity));
        for endpoint in relation.map(Relation::not_kept).unwrap_or_default() {
            self.keep_watch(user, presentity, &endpoint);
        }
    }

    fn keep_watch(&mut self, user: &Address, presentity: &Address, endpoint: &Endpoint) {
        let relation = self.users.get_mut(user).and_then(|actor| actor.watching.relations.get_mut(presentity));
        let Some(watch) = relation.and_then(|relation| relation.watches.get_mut(endpoint)) else { return };
        watch.kept = true;
        self.output.keep(Fact::Watch {
            watcher: user.clone(),
            presentity: presentity.clone(),
            endpoint: endpoint.clone(),
            attributes: watch.attributes,
            list: watch.list.clone(),
        });
    }

    /// The answer to a watch is out: its notifications may follow, and what failed is forgotten.
    pub(super) fn release_watches(&mut self, user: &Address, endpoint: &Endpoint, number: u64, details: &[Detail]) {
        for Detail { target, outcome } in details {
            let relation = self.users.get_mut(user).and_then(|actor| actor.watching.relations.get_mut(target));
            let Some(watch) = relation.and_then(|relation| relation.watches.get_mut(endpoint)) else { continue };
            if watch.held != Some(number) {
                continue;
            }
            watch.held = None;
            if outcome.is_success() {
                self.show(user, target, endpoint);
            } else {
                self.remove_watch(user, target, endpoint);
            }
        }
        self.forget_if_empty(user);
    }

    fn show_all(&mut self, user: &Address, presentity: &Address) {
        let Some(relation) = self.users.get(user).and_then(|actor| actor.watching.relations.get(presentity)) else {
            return;
        };
        for endpoint in relation.watches.keys().cloned().collect::<Vec<_>>() {
            self.show(user, presentity, &endpoint);
        }
    }

    /// The interval is over: what has waited is told under the chain of the newest change in it.
    pub(super) fn show_waiting(&mut self, user: &Address, presentity: &Address, endpoint: &Endpoint) {
        let relation = self.users.get(user).and_then(|actor| actor.watching.relations.get(presentity));
        let watch = relation.and_then(|relation| relation.watches.get(endpoint));
        if let Some(correlation) = watch.and_then(|watch| watch.waits) {
            self.output.correlation = correlation;
        }
        self.show(user, presentity, endpoint);
    }

    /// Brings one endpoint up to date, as its interval allows.
    pub(super) fn show(&mut self, user: &Address, presentity: &Address, endpoint: &Endpoint) {
        let profile = self.profile(endpoint.side).clone();
        let now = self.now;
        let Some(relation) = self.users.get_mut(user).and_then(|actor| actor.watching.relations.get_mut(presentity))
        else {
            return;
        };
        let Some(watch) = relation.watches.get_mut(endpoint).filter(|watch| watch.held.is_none()) else { return };
        let first_view = Timer::FirstView(user.clone(), presentity.clone(), endpoint.clone());
        if !matches!(relation.standing, Standing::Unclear) {
            self.timers.clear(&first_view);
        }
        let timer = Timer::Notify(user.clone(), presentity.clone(), endpoint.clone());
        match watch.showing(&relation.standing, &profile, now) {
            Showing::Nothing => self.timers.clear(&timer),
            Showing::At(at) => {
                watch.waits = Some(self.output.correlation);
                if !self.timers.is_set(&timer) {
                    self.timers.set(timer, at);
                }
            }
            Showing::Now { state, view, shown } => {
                (watch.shown, watch.sent, watch.waits) = (Some(shown), Some(now), None);
                self.timers.clear(&timer);
                self.notify(user, presentity, endpoint, state, view);
            }
            Showing::End(reason) => {
                self.remove_watch(user, presentity, endpoint);
                self.notify(user, presentity, endpoint, WatchState::Ended(reason), None);
            }
        }
    }

    /// The far side has said nothing for too long: everything is shown as unknown, once.
    pub(super) fn show_unknown(&mut self, user: &Address, presentity: &Address, endpoint: &Endpoint) {
        let now = self.now;
        let Some(relation) = self.users.get_mut(user).and_then(|actor| actor.watching.relations.get_mut(presentity))
        else {
            return;
        };
        let Some(watch) = relation.watches.get_mut(endpoint) else { return };
        if let Some((view, shown)) = watch.showing_unknown() {
            (watch.shown, watch.sent) = (Some(shown), Some(now));
            self.notify(user, presentity, endpoint, WatchState::Active, Some(view));
        }
    }

    fn notify(
        &mut self,
        watcher: &Address,
        presentity: &Address,
        endpoint: &Endpoint,
        state: WatchState,
        view: Option<PresenceView>,
    ) {
        let relation = self.users.get(watcher).and_then(|actor| actor.watching.relations.get(presentity));
        // The second is the word of the presentity's own server.
        let is_refused = relation.is_some_and(|relation| {
            matches!(
                relation.standing,
                Standing::Refused | Standing::Failed(EndReason::Rejected) | Standing::Declined(_)
            )
        });
        self.output.push(CommandKind::Notify(Notification {
            endpoint: endpoint.clone(),
            watcher: watcher.clone(),
            presentity: presentity.clone(),
            state,
            view,
            is_refused,
        }));
    }

    pub(super) fn unwatch(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint, targets: &[Address]) {
        let ended = self.watches_named(user, endpoint, targets);
        let views: Vec<_> = ended.iter().map(|presentity| self.last_view(user, presentity, endpoint)).collect();
        for presentity in &ended {
            self.remove_watch(user, presentity, endpoint);
        }
        self.output.done(request, Outcome::Success);
        // RFC 6665 §4.2.1.4: the subscription that was ended by its subscriber ends with a notification.
        if self.profile(endpoint.side).refusal == RefusalStyle::Ends {
            for (presentity, view) in ended.iter().zip(views) {
                self.notify(user, presentity, endpoint, WatchState::Ended(EndReason::Timeout), view);
            }
        }
        self.forget_if_empty(user);
    }

    /// What the endpoint may see at the end of its watch, in full.
    fn last_view(&self, user: &Address, presentity: &Address, endpoint: &Endpoint) -> Option<PresenceView> {
        let relation = self.users.get(user)?.watching.relations.get(presentity)?;
        let watch = relation.watches.get(endpoint)?;
        match &relation.standing {
            Standing::Active(seen) => {
                let attributes = watch.attributes.intersection(seen.granted);
                Some(PresenceView { document: Arc::clone(&seen.document), attributes, changed: attributes })
            }
            Standing::Unclear | Standing::Pending | Standing::Refused | Standing::Failed(_) | Standing::Declined(_) => {
                None
            }
        }
    }

    /// The presentities that the endpoint watches by these targets; lists among them are no longer watched.
    fn watches_named(&mut self, user: &Address, endpoint: &Endpoint, targets: &[Address]) -> Vec<Address> {
        let Some(actor) = self.users.get_mut(user) else { return Vec::new() };
        let watching = &mut actor.watching;
        let lists: Vec<Address> = watching
            .lists
            .keys()
            .filter(|(list, owner)| owner == endpoint && (targets.is_empty() || targets.contains(list)))
            .map(|(list, _)| list.clone())
            .collect();
        for list in &lists {
            watching.lists.remove(&(list.clone(), endpoint.clone()));
            self.output.drop_fact(FactKey::ListWatch(list.clone(), endpoint.clone()));
        }
        let mut named = watching.watched_by(endpoint);
        named.retain(|presentity| {
            let list = watching
                .relations
                .get(presentity)
                .and_then(|relation| relation.watches.get(endpoint))
                .and_then(|watch| watch.list.as_ref());
            targets.is_empty() || targets.contains(presentity) || list.is_some_and(|list| targets.contains(list))
        });
        named
    }

    /// All watches of an endpoint that is gone; nobody is there to be told.
    pub(super) fn end_watches(&mut self, user: &Address, endpoint: &Endpoint) {
        for presentity in self.watches_named(user, endpoint, &[]) {
            self.remove_watch(user, &presentity, endpoint);
        }
    }

    pub(super) fn remove_watch(&mut self, user: &Address, presentity: &Address, endpoint: &Endpoint) {
        let Some(actor) = self.users.get_mut(user) else { return };
        let Some(relation) = actor.watching.relations.get_mut(presentity) else { return };
        let Some(watch) = relation.leave(endpoint) else { return };
        if watch.kept {
            self.output.drop_fact(FactKey::Watch(presentity.clone(), endpoint.clone()));
        }
        self.timers.clear(&Timer::Notify(user.clone(), presentity.clone(), endpoint.clone()));
        self.timers.clear(&Timer::FirstView(user.clone(), presentity.clone(), endpoint.clone()));
        if relation.watches.is_empty() {
            actor.watching.relations.remove(presentity);
            self.output.tell(presentity, Word::StopWatch { watcher: user.clone() });
        }
    }
}

/// The interval of the limits per minute.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// A watch that cannot be answered with the outcome shows it.
const fn standing_when_declined(outcome: Outcome) -> Standing {
    if matches!(outcome, Outcome::UnknownUser | Outcome::UnknownDomain) {
        Standing::Failed(EndReason::NoResource)
    } else if matches!(outcome, Outcome::Blocked | Outcome::Forbidden) {
        Standing::Refused
    } else {
        Standing::Failed(EndReason::Probation)
    }
}
