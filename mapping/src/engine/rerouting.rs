//! Neighbours that come, go and change places while the shard goes on.

use crate::{
    address::Address,
    command::CommandKind,
    conversation::{News, Removal},
    correlation::Correlation,
    engine::{Engine, timer::Timer},
    event::SubscriptionId,
    outcome::Outcome,
    relay::letter::{Relay, Target, Way},
    route::{DomainRoute, DomainTable, Route},
    side::PeerName,
    subscription::cache::EntryKey,
    time::Timestamp,
};
use std::{collections::BTreeMap, sync::Arc};

/// How neighbours are reached.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    /// Who lives where.
    pub domains: DomainTable,
    /// Peers that have agreed to one subscription for all watchers here, and the identity that subscribes there.
    pub shared_views: BTreeMap<PeerName, Address>,
    /// Where peers are that keep what is asked of them at their place; empty where nobody wants to know.
    pub places: BTreeMap<PeerName, String>,
}

/// What the way to somebody depends on.
#[derive(PartialEq, Eq)]
struct Place<'a> {
    row: Option<&'a DomainRoute>,
    shared: Option<&'a Address>,
    place: Option<&'a String>,
}

impl Routing {
    fn place(&self, address: &Address) -> Place<'_> {
        let row = self.domains.find(address);
        let peer = row.and_then(|row| match &row.route {
            Route::Peer(peer) => Some(peer),
            Route::Hosted => None,
        });
        let shared = peer.and_then(|peer| self.shared_views.get(peer));
        Place { row, shared, place: peer.and_then(|peer| self.places.get(peer)) }
    }

    fn is_guest(&self, address: &Address) -> bool {
        self.domains.find(address).is_some_and(|row| row.route != Route::Hosted)
    }
}

impl Engine {
    /// From now on this is how neighbours are reached. What went over a way that is no more ends, and who waits for it is
    /// told; what can go another way does. Domains that are hosted here stay what they are.
    pub fn reroute(&mut self, now: Timestamp, routing: Routing) {
        self.now = now;
        self.output.correlation = Correlation::new(self.random.next());
        let new = routing.clone();
        let old = Routing {
            domains: std::mem::replace(&mut self.config.domains, routing.domains),
            shared_views: std::mem::replace(&mut self.config.shared_views, routing.shared_views),
            places: std::mem::replace(&mut self.config.places, routing.places),
        };
        let is_moved = |address: &Address| old.place(address) != new.place(address);
        let has_left = |user: &Address| old.domains.find(user) != new.domains.find(user);
        let guests: Vec<Address> =
            self.users.keys().filter(|user| old.is_guest(user) && has_left(user)).cloned().collect();
        for guest in guests {
            self.bury(&guest);
            self.settle();
        }
        self.end_entries(is_moved);
        self.reroute_letters(is_moved);
        self.unseat_far(is_moved);
        self.settle();
        self.watch_again(is_moved);
        self.settle();
    }

    /// Ends the subscriptions and looks that went over another way.
    fn end_entries(&mut self, is_moved: impl Fn(&Address) -> bool) {
        let entries: Vec<EntryKey> = self.cache.entries.keys().filter(|key| is_moved(&key.0)).cloned().collect();
        for key in entries {
            self.close_entry(&key);
            self.timers.clear(&Timer::Entry(key.0.clone(), key.1.clone()));
            let lookers = self.cache.entries.remove(&key).map(|entry| entry.lookers).unwrap_or_default();
            for (watcher, ticket) in lookers {
                self.tell_seen(&watcher, &key.0, ticket, Err(Outcome::Unavailable));
            }
        }
        let looks = self.cache.looks.iter().filter(|(_, look)| is_moved(&look.presentity));
        let looks: Vec<SubscriptionId> = looks.map(|(subscription, _)| subscription.clone()).collect();
        for subscription in looks {
            self.output.push(CommandKind::CloseSubscription { subscription: subscription.clone() });
            self.end_look(&subscription, &Err(Outcome::Unavailable));
        }
        self.cache.forget_beliefs(is_moved);
    }

    /// What waits or is on its way to somebody who is reached in another way, or not at all any more.
    fn reroute_letters(&mut self, is_moved: impl Fn(&Address) -> bool) {
        let mut moved = Vec::new();
        for (owner, actor) in &self.users {
            for (number, letter) in &actor.letters.all {
                let goes_far = matches!(&letter.way, Way::Relay(Relay { target: Target::Peer(_), .. }));
                if goes_far && is_moved(&letter.message.recipient) {
                    moved.push((owner.clone(), *number, letter.message.recipient.clone()));
                }
            }
        }
        // Newest first, so that none gets its turn because another is gone.
        for (owner, number, recipient) in moved.into_iter().rev() {
            match self.config.domains.find(&recipient).map(|row| row.route.clone()) {
                Some(Route::Peer(peer)) => self.readdress(&owner, number, peer),
                Some(Route::Hosted) | None => self.letter_refused(&owner, number, Outcome::UnknownDomain),
            }
            self.settle();
        }
    }

    fn readdress(&mut self, owner: &Address, number: u64, peer: PeerName) {
        let letter = self.users.get_mut(owner).and_then(|actor| actor.letters.letter_mut(number));
        let Some(Way::Relay(relay)) = letter.map(|letter| &mut letter.way) else { return };
        relay.target = Target::Peer(peer);
        let timer = Timer::Retry(owner.clone(), number);
        if self.timers.is_set(&timer) {
            self.timers.clear(&timer);
            self.retry_due(owner, number);
        }
    }

    /// Conversations of neighbours that are no more are over for those who took part here.
    fn unseat_far(&mut self, is_moved: impl Fn(&Address) -> bool) {
        let seats: Vec<(Address, Address)> = self
            .users
            .iter()
            .flat_map(|(user, actor)| actor.seats.iter().map(move |(conversation, _)| (user, conversation)))
            .filter(|(_, conversation)| is_moved(conversation))
            .map(|(user, conversation)| (user.clone(), conversation.clone()))
            .collect();
        for (user, conversation) in seats {
            self.far_news(&user, &conversation, &Arc::from(""), &News::Removed(Removal::Ended));
            self.forget_if_empty(&user);
        }
    }

    /// Watchers of those who have moved learn how they stand.
    fn watch_again(&mut self, is_moved: impl Fn(&Address) -> bool) {
        let relations = self.users.iter().flat_map(|(user, actor)| {
            actor.watching.relations.keys().map(move |presentity| (user.clone(), presentity.clone()))
        });
        let moved: Vec<(Address, Address)> = relations.filter(|(_, presentity)| is_moved(presentity)).collect();
        for (user, presentity) in moved {
            self.start_relation(&user, &presentity, None);
            self.settle();
        }
    }
}
