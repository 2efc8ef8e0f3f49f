//! Seeing presentities once: joint answer, joint deadline.

use crate::{
    address::Address,
    command::Answer,
    engine::{Engine, Seen, Word, list::Expansion, watcher::MINUTE},
    event::RequestId,
    gather::{Gather, Purpose},
    outcome::Outcome,
    presence::{AttributeSet, PresenceView},
    route::Route,
};

impl Engine {
    pub(super) fn fetch(&mut self, request: RequestId, user: Address, targets: &[Address], attributes: AttributeSet) {
        let bound = self.config.limits.subscriptions_per_watcher;
        let (now, paced) = (self.now, self.config.limits.fetches_per_minute);
        let expanded = if self.config.domains.is_hosted(&user) && !self.accounts.contains(&user) {
            Err(Outcome::UnknownUser)
        } else if !self.user_mut(&user).fetch_pace.admits(now, MINUTE, paced) {
            Err(Outcome::Unavailable)
        } else {
            self.expand(&user, targets, bound)
        };
        let Expansion { users, refused } = match expanded {
            Ok(expansion) => expansion,
            Err(outcome) => {
                return self
                    .output
                    .answer(request, Answer::Presence { outcome, views: Vec::new(), details: Vec::new() });
            }
        };
        let number = self.next_number();
        let mut gather = Gather::new(
            self.output.correlation,
            user.clone(),
            request,
            Purpose::Fetch { attributes, views: Vec::new() },
        );
        gather.details = refused;
        gather.outstanding.extend(users.iter().map(|target| target.user.clone()));
        self.hold(number, gather, self.config.limits.fetch_wait);
        for target in users {
            let refusal = match self.config.domains.find(&target.user) {
                None => Some(Outcome::UnknownDomain),
                Some(row) if row.route != Route::Hosted && !self.may_cross(&user, row) => Some(Outcome::Forbidden),
                Some(_) => None,
            };
            match refusal {
                Some(outcome) => self.part_settled(number, &target.user, outcome),
                None => {
                    self.output.tell(&target.user, Word::Look { watcher: user.clone(), attributes, ticket: number });
                }
            }
        }
        self.complete(number);
    }

    /// Somebody looks at a presentity of this shard.
    pub(super) fn look(&mut self, presentity: &Address, watcher: Address, attributes: AttributeSet, ticket: u64) {
        match self.config.domains.find(presentity).map(|row| row.route.clone()) {
            Some(Route::Peer(peer)) => self.look_far(presentity, watcher, peer, ticket),
            Some(Route::Hosted) => {
                let seen = self.glimpse(presentity, &watcher, attributes);
                self.tell_seen(&watcher, presentity, ticket, seen);
                self.forget_if_empty(presentity);
            }
            None => self.tell_seen(&watcher, presentity, ticket, Err(Outcome::UnknownDomain)),
        }
    }

    /// What was seen comes back.
    pub(super) fn seen(&mut self, ticket: u64, presentity: &Address, seen: Result<Seen, Outcome>) {
        let Some(gather) = self.gathers.get_mut(&ticket) else { return };
        let outcome = match seen {
            Err(outcome) => outcome,
            Ok(Seen { document, granted }) => {
                if let Purpose::Fetch { attributes, views } = &mut gather.purpose
                    && gather.outstanding.contains(presentity)
                {
                    let attributes = attributes.intersection(granted);
                    let view = PresenceView { document, attributes, changed: attributes };
                    views.push((presentity.clone(), view));
                }
                Outcome::Success
            }
        };
        self.part_settled(ticket, presentity, outcome);
    }
}
