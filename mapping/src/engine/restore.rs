//! Coming back after a restart: everything is rebuilt from the durable facts.

use crate::{
    address::Address,
    authorization::{Question, Rule},
    correlation::Correlation,
    engine::{
        Engine, Word, shard_of,
        timer::Timer,
        user::{Origin, Progress},
    },
    message::Message,
    outcome::Outcome,
    record::Fact,
    relay::{
        letter::{Letter, Offer, Relay, Target, Way},
        machine::RelayMachine,
    },
    route::Route,
    side::{DeliveryStyle, Endpoint, RefusalStyle},
    subscription::table::{EndpointWatch, ListWatch, Relation},
    time::Timestamp,
};
use std::{collections::BTreeSet, sync::Arc};

/// A message in the store, from which end it is kept.
enum Stored {
    Inbox { message: Message, offered: bool, copies: Option<Vec<Endpoint>> },
    Outbox { message: Message, attempts: u32 },
}

/// The place of a message in the order of acceptance.
fn place_of(message: &Message) -> u64 {
    message.id.place().unwrap_or_else(|| message.sent.as_millis())
}

impl Stored {
    const fn message(&self) -> &Message {
        match self {
            Self::Inbox { message, .. } | Self::Outbox { message, .. } => message,
        }
    }
}

impl Engine {
    /// Rebuilds the shard from the durable facts; facts of other shards are passed over, their order does not matter.
    /// Accounts must be known before. Then: live watches are begun anew (with the ramp), stored messages are offered
    /// to the devices that are attached, marked as repeated, and messages on their way go on.
    pub fn restore(&mut self, now: Timestamp, facts: impl IntoIterator<Item = Fact>) {
        self.now = now;
        self.output.correlation = Correlation::new(self.random.next());
        let (mut stored, mut origins, mut people) = (Vec::new(), Vec::new(), Vec::new());
        for fact in facts {
            if self.owns(&fact.owner()) {
                if let Fact::Origin { until, ref origin, .. } = fact {
                    origins.push((until, origin.clone(), fact));
                } else if matches!(fact, Fact::Person { .. } | Fact::Said(_)) {
                    people.push(fact);
                } else {
                    self.restore_fact(fact, &mut stored);
                }
            }
        }
        // Who is in a conversation, and what was said there, comes after it.
        for fact in people {
            self.restore_fact(fact, &mut stored);
        }
        // They are forgotten in this order when there are too many.
        origins.sort_by(|(until, origin, _), other| (until, origin).cmp(&(&other.0, &other.1)));
        for (_, _, fact) in origins {
            self.restore_fact(fact, &mut stored);
        }
        // The order in which they were sent is the order in which they are delivered.
        stored.sort_by(|one, two| {
            let (one, two) = (one.message(), two.message());
            (place_of(one), &one.id, &one.recipient).cmp(&(place_of(two), &two.id, &two.recipient))
        });
        // Whatever the clock says now, what is accepted from now on comes after what is stored.
        self.last_place = stored.last().map_or(0, |last| place_of(last.message()));
        for letter in stored {
            self.restore_letter(letter);
        }
        for user in self.users.keys().cloned().collect::<Vec<_>>() {
            self.revive(&user);
            self.settle();
        }
        self.revive_conversations();
        self.settle();
    }

    /// Another shard was rebuilt while this one went on: what it knew of this shard's watchers it is told again.
    pub fn shard_restored(&mut self, now: Timestamp, shard: u32) {
        self.now = now;
        self.output.correlation = Correlation::new(self.random.next());
        let mut relations = Vec::new();
        for (user, actor) in &self.users {
            for presentity in actor.watching.relations.keys() {
                if shard_of(presentity, self.config.shards) == shard {
                    relations.push((user.clone(), presentity.clone()));
                }
            }
        }
        for (user, presentity) in relations {
            self.start_relation(&user, &presentity, None);
        }
        self.announce_seats(Some(shard));
        self.settle();
    }

    fn restore_fact(&mut self, fact: Fact, stored: &mut Vec<Stored>) {
        let now = self.now;
        let owner = fact.owner();
        match fact {
            Fact::Attachment { endpoint, mut attachment, .. } => {
                // It had the time to say how it takes things before the process went down.
                attachment.reception.takes_stored = true;
                self.user_mut(&owner).attachments.insert(endpoint, attachment);
            }
            Fact::Publication { device, document, .. } => {
                self.user_mut(&owner).publications.by_device.insert(device, *document);
            }
            Fact::Watch { watcher, presentity, endpoint, attributes, list } => {
                let timer = Timer::FirstView(watcher, presentity.clone(), endpoint.clone());
                let stays = self.profile(endpoint.side).refusal == RefusalStyle::Stays;
                let first_view = now.after(self.config.limits.first_view_wait);
                let mut watch = EndpointWatch::new(attributes, list, None);
                watch.kept = true;
                let relation = self.user_mut(&owner).watching.relations.entry(presentity).or_insert_with(Relation::new);
                relation.enter(endpoint, watch);
                if stays {
                    self.timers.set(timer, first_view);
                }
            }
            Fact::ListWatch { list, endpoint, attributes, auto_subscribe, .. } => {
                self.user_mut(&owner).watching.lists.insert((list, endpoint), ListWatch { attributes, auto_subscribe });
            }
            Fact::Authorization { watcher, decision, attributes, beyond, .. } => {
                self.user_mut(&owner).authorizations.rules.insert(watcher, Rule { decision, attributes, beyond });
            }
            Fact::Question { presentity, watcher, attributes, since } => {
                let question = Question { attributes, since, asked: BTreeSet::new() };
                self.user_mut(&owner).authorizations.questions.insert(watcher.clone(), question);
                let until = since.after(self.config.limits.question_age);
                self.timers.set(Timer::Question(presentity, watcher), until);
            }
            Fact::ContactList(mut list) => {
                self.share_addresses_of(&mut list);
                self.user_mut(&owner).lists.insert(list.address.clone(), list);
            }
            Fact::Announcement(known) => {
                let timer = Timer::Announcement(known.user.clone(), Arc::clone(&known.id));
                self.timers.set(timer, known.expires.max(now));
                self.user_mut(&owner).announcements.insert(Arc::clone(&known.id), known);
            }
            Fact::Screening { screening, .. } => self.user_mut(&owner).screening = screening,
            Fact::Inbox { message, offered, copies } => stored.push(Stored::Inbox { message, offered, copies }),
            Fact::Outbox { message, attempts, .. } => stored.push(Stored::Outbox { message, attempts }),
            Fact::Report(report) => {
                let until = report.at.after(self.config.limits.question_age);
                let key = (report.message.clone(), report.recipient.clone());
                self.timers.set(Timer::Report(report.sender.clone(), key.0.clone(), key.1.clone()), until);
                self.user_mut(&owner).reports.insert(key, report);
            }
            Fact::Awaited { report, until } => {
                let key = (report.message.clone(), report.recipient.clone());
                self.timers.set(Timer::Report(report.sender.clone(), key.0.clone(), key.1.clone()), until.max(now));
                self.user_mut(&owner).awaited.insert(key, report);
            }
            Fact::Conversation(kept) => self.restore_conversation(*kept),
            Fact::Person { conversation, user, person } => self.restore_person(&conversation, user, *person),
            Fact::Said(message) => self.restore_said(*message),
            Fact::Invitation(received) => self.restore_invitation(*received),
            Fact::FarSeat { user, conversation, endpoint, joining } => {
                self.restore_far_seat(&user, (conversation, endpoint), joining);
            }
            Fact::Sent { inviter, id, invitee, sent } => self.restore_sent(&inviter, id, invitee, *sent),
            Fact::Origin { user, origin, message, until } => {
                let origin: Arc<str> = Arc::from(origin);
                self.user_mut(&user).remember(origin, Origin { message, progress: Progress::Known, until });
                self.await_oldest_origin(&user);
            }
        }
    }

    fn restore_letter(&mut self, stored: Stored) {
        let storage = self.config.storage;
        let route = self.config.domains.find(&stored.message().recipient).map(|row| row.route.clone());
        let style = self.profile_for(&stored.message().recipient).map(|profile| profile.delivery);
        let relay = |target, attempts| {
            let mut relay = Relay::new(RelayMachine::restored(storage), target);
            relay.attempts = attempts;
            Way::Relay(relay)
        };
        let (owner, message, way) = match (stored, route, style) {
            (Stored::Outbox { message, attempts }, Some(Route::Peer(peer)), _) => {
                (message.sender.clone(), message, relay(Target::Peer(peer), attempts))
            }
            (Stored::Inbox { message, offered, .. }, Some(Route::Hosted), Some(DeliveryStyle::PassOn)) => {
                (message.recipient.clone(), message, relay(Target::Devices, u32::from(offered)))
            }
            (Stored::Inbox { message, offered, copies }, Some(Route::Hosted), Some(DeliveryStyle::StoreAndOffer)) => {
                let is_taken = copies.is_some();
                let copies: BTreeSet<Endpoint> = copies.unwrap_or_default().into_iter().collect();
                let offer = Offer { seen: offered, is_taken, copies, ..Offer::default() };
                (message.recipient.clone(), message, Way::Offer(offer))
            }
            // The domain table was changed while the message lay here: it goes the way it goes today.
            (Stored::Outbox { message, .. } | Stored::Inbox { message, .. }, route, _) => {
                return self.redirect(message, route);
            }
        };
        let number = self.next_number();
        self.timers.set(Timer::Expiry(owner.clone(), number), message.expires);
        let correlation = Correlation::new(self.random.next());
        self.user_mut(&owner).letters.insert(number, Letter { message, correlation, ticket: None, way });
    }

    /// A message whose recipient is reached in another way than when it was stored.
    fn redirect(&mut self, message: Message, route: Option<Route>) {
        let outbox = Fact::Outbox { message: message.clone(), delivery: crate::event::DeliveryId(0), attempts: 0 };
        let inbox = Fact::Inbox { message: message.clone(), offered: false, copies: None };
        match route {
            Some(Route::Hosted) => {
                self.output.drop_fact(outbox.key());
                let recipient = message.recipient.clone();
                self.output.tell(&recipient, Word::Offer { message, ticket: None });
            }
            Some(Route::Peer(_)) | None => {
                self.output.drop_fact(outbox.key());
                self.output.drop_fact(inbox.key());
                self.report_fate(&message, Outcome::Undeliverable);
            }
        }
    }

    /// Starts what a user had going.
    fn revive(&mut self, user: &Address) {
        self.present(user);
        self.register(user);
        self.learn_watchers(user);
        self.revive_far_seats(user);
        let Some(actor) = self.users.get(user) else { return };
        let endpoints: Vec<Endpoint> = actor.attachments.keys().cloned().collect();
        let relations: Vec<Address> = actor.watching.relations.keys().cloned().collect();
        let letters: Vec<(Address, Address)> = actor
            .letters
            .all
            .values()
            .map(|letter| (letter.message.sender.clone(), letter.message.recipient.clone()))
            .collect();
        for presentity in relations {
            self.start_relation(user, &presentity, None);
        }
        for endpoint in endpoints {
            self.ask_at(user, &endpoint);
            self.offer_inbox(user, &endpoint);
            self.offer_reports(user, &endpoint);
            self.offer_announcements(user, &endpoint);
            self.offer_invitations(user, &endpoint);
        }
        for (sender, recipient) in letters {
            if !self.users.get(user).is_some_and(|actor| actor.attachments.is_empty()) || recipient != *user {
                self.turn(user, &sender, &recipient);
            }
        }
        self.forget_if_empty(user);
    }
}
