//! The recipient's part of a message, and the driving of all messages on their way.

use crate::{
    address::Address,
    command::{CommandKind, DeliveryRoute},
    conversation::Talk,
    engine::{Engine, Word, inbox::delivered_origin, timer::Timer, user::Progress},
    event::{Attachment, Delivery, DeliveryId},
    message::{Message, Report, ReportWish},
    outcome::Outcome,
    relay::{
        letter::{Letter, Offer, Relay, Target, Way},
        machine::{RelayAction, RelayEvent, RelayMachine, Storage},
    },
    side::{BlockedStyle, DeliveryStyle, Endpoint},
};
use std::{sync::Arc, time::Duration};

impl Engine {
    /// A message for a hosted user arrives from the sender's shard.
    pub(super) fn offered(&mut self, recipient: &Address, message: Message, ticket: Option<u64>) {
        let sender = message.sender.clone();
        let (outcome, stored) = match self.take(recipient, message, ticket) {
            Taken::OnItsWay => return,
            Taken::Refused(outcome) => (outcome, None),
            Taken::Stored { number, devices } => {
                let outcome = if devices.is_empty() { Outcome::Stored } else { Outcome::Success };
                (outcome, Some((number, devices)))
            }
        };
        if let Some(ticket) = ticket {
            self.output.tell(&sender, Word::Verdict { ticket, recipient: recipient.clone(), outcome });
        }
        if let Some((number, devices)) = stored {
            for endpoint in devices {
                self.offer_to(recipient, number, &endpoint, Offering::First);
            }
        }
        self.forget_if_empty(recipient);
    }

    fn take(&mut self, recipient: &Address, message: Message, ticket: Option<u64>) -> Taken {
        if let (Some(peer), Some(_)) = (self.far_home(recipient), &message.talk) {
            let delivery = self.next_delivery();
            self.hand_over_far(recipient, message, delivery, peer);
            return Taken::Refused(Outcome::Success);
        }
        if !self.accounts.contains(recipient) {
            return Taken::Refused(Outcome::UnknownUser);
        }
        let Some(style) = self.profile_for(recipient).map(|profile| profile.delivery) else {
            return Taken::Refused(Outcome::UnknownDomain);
        };
        let (count, octets) = (self.config.limits.inbox_messages, self.config.limits.inbox_octets);
        let (now, storage) = (self.now, self.config.storage);
        if self.screens_out_sender(recipient, &message) {
            return Taken::Refused(self.blocked_outcome(&message.sender));
        }
        let seen = delivered_origin(&message.id);
        let actor = self.user_mut(recipient);
        // A repetition that the sender's shard could not answer by itself after a restart.
        if actor.origins.contains_key(&seen) {
            return Taken::Refused(Outcome::Success);
        }
        if let Some(number) = actor.letters.find(recipient, &message.id)
            && let Some(letter) = actor.letters.letter_mut(number)
        {
            if letter.is_stored() {
                return Taken::Refused(Outcome::Stored);
            }
            letter.ticket = ticket;
            return Taken::OnItsWay;
        }
        if message.expires <= now {
            return Taken::Refused(Outcome::Expired);
        }
        let (held, held_octets) = actor.letters.inbox_size(recipient);
        if held >= count || held_octets.saturating_add(message.content.body.len()) > octets {
            return Taken::Refused(Outcome::QueueFull);
        }
        let devices = match actor.takers_of(&message) {
            Ok(devices) => devices,
            Err(outcome) => return Taken::Refused(outcome),
        };
        let devices = match &message.talk {
            None => devices,
            // WV-GRP-09: what is said in a conversation is heard where the user takes part, and nowhere later.
            Some(talk) => devices.into_iter().filter(|device| talk.endpoints.contains(device)).collect::<Vec<_>>(),
        };
        if devices.is_empty() && message.talk.is_some() {
            return Taken::Refused(Outcome::NotLoggedIn);
        }
        match style {
            DeliveryStyle::StoreAndOffer if devices.is_empty() && storage == Storage::Off => {
                Taken::Refused(Outcome::NotLoggedIn)
            }
            DeliveryStyle::StoreAndOffer => {
                let number = self.store_offer(recipient, message, !devices.is_empty());
                Taken::Stored { number, devices }
            }
            DeliveryStyle::PassOn => {
                let relay = Relay::new(RelayMachine::new(storage), Target::Devices);
                self.start_relay(recipient, message, ticket, relay);
                Taken::OnItsWay
            }
        }
    }

    /// What a sender is told that is not let through.
    fn blocked_outcome(&self, sender: &Address) -> Outcome {
        match self.profile_for(sender).map(|profile| profile.blocked) {
            Some(BlockedStyle::Told) | None => Outcome::Blocked,
            Some(BlockedStyle::Polite) => Outcome::Success,
        }
    }

    fn store_offer(&mut self, recipient: &Address, message: Message, seen: bool) -> u64 {
        let number = self.next_number();
        self.timers.set(Timer::Expiry(recipient.clone(), number), message.expires);
        let way = Way::Offer(Offer { seen, ..Offer::default() });
        let letter = Letter { message, correlation: self.output.correlation, ticket: None, way };
        self.output.keep(letter.to_fact());
        self.user_mut(recipient).letters.insert(number, letter);
        number
    }

    fn offer_to(&mut self, recipient: &Address, number: u64, endpoint: &Endpoint, offering: Offering) {
        let delivery = self.next_delivery();
        let Some(letter) = self.users.get_mut(recipient).and_then(|actor| actor.letters.letter_mut(number)) else {
            return;
        };
        let Way::Offer(offer) = &mut letter.way else { return };
        if !offer.offered.insert(endpoint.clone()) {
            return;
        }
        let repeated = offering == Offering::Later && offer.seen;
        if !offer.seen {
            // From now on a restart cannot tell whether the client has seen it.
            offer.seen = true;
            let fact = letter.to_fact();
            self.output.keep(fact);
        }
        let message = letter.message.clone();
        self.output.push(CommandKind::Deliver {
            delivery,
            owner: recipient.clone(),
            route: DeliveryRoute::Endpoint(endpoint.clone()),
            message,
            repeated,
        });
    }

    fn is_meant(&self, user: &Address, message: &Message, attachment: &Attachment) -> bool {
        self.users.get(user).is_some_and(|actor| actor.is_meant(message, attachment))
    }

    /// A device came: everything that waits for it goes to it, oldest first.
    pub(super) fn offer_inbox(&mut self, user: &Address, endpoint: &Endpoint) {
        let Some(actor) = self.users.get(user) else { return };
        let Some(attachment) = actor.attachments.get(endpoint) else { return };
        let attachment = attachment.clone();
        let reception = &attachment.reception;
        if !reception.takes_messages || !reception.takes_stored {
            return;
        }
        for number in actor.letters.inbox_numbers(user) {
            let Some(letter) = self.letter(user, number) else { continue };
            let is_elsewhere = |talk: &Talk| !talk.endpoints.contains(endpoint);
            if letter.message.talk.as_deref().is_some_and(is_elsewhere)
                || reception.refusal(&letter.message.content).is_some()
                || !self.is_meant(user, &letter.message, &attachment)
            {
                continue;
            }
            let (sender, recipient) = (letter.message.sender.clone(), letter.message.recipient.clone());
            if matches!(&letter.way, Way::Offer(offer) if !offer.is_for(endpoint)) {
                continue;
            }
            let (offered, correlation) = (matches!(letter.way, Way::Offer(_)), letter.correlation);
            let current = std::mem::replace(&mut self.output.correlation, correlation);
            if offered {
                self.offer_to(user, number, endpoint, Offering::Later);
            } else {
                self.timers.clear(&Timer::Retry(user.clone(), number));
                self.turn(user, &sender, &recipient);
            }
            self.output.correlation = current;
        }
    }

    /// A stored message is refused, out of date, or gone elsewhere; `by` is the device that said so.
    pub(super) fn end_offer(&mut self, user: &Address, number: u64, outcome: Outcome, by: Option<&Endpoint>) {
        self.retract_offer(user, number, by);
        let Some(letter) = self.forget_offer(user, number) else { return };
        self.remember_delivered(user, &letter.message);
        if !matches!(&letter.way, Way::Offer(offer) if offer.is_taken) {
            self.report_fate(&letter.message, outcome);
        }
        self.forget_if_empty(user);
    }

    /// A stored message is stored no longer.
    pub(super) fn forget_offer(&mut self, user: &Address, number: u64) -> Option<Letter> {
        let letter = self.users.get_mut(user).and_then(|actor| actor.letters.remove(number))?;
        self.timers.clear(&Timer::Expiry(user.clone(), number));
        self.output.drop_fact(letter.key());
        Some(letter)
    }

    /// A message that left the store may still be repeated by a sender whose answer a restart swallowed.
    pub(super) fn remember_delivered(&mut self, user: &Address, message: &Message) {
        if !message.origin.is_empty() {
            self.remember_origin(user, &delivered_origin(&message.id), &message.id, Progress::Known);
        }
    }

    pub(super) fn delivered(&mut self, delivery: &Delivery) {
        let Some(actor) = self.users.get_mut(&delivery.owner) else { return };
        let Some(number) = actor.letters.end_attempt(delivery.delivery) else { return };
        let Some(Letter { way: Way::Relay(relay), .. }) = actor.letters.letter_mut(number) else { return };
        if let Some((outcome, retry_after)) = relay.finish(delivery.delivery, delivery.outcome, delivery.retry_after) {
            self.verdict(&delivery.owner, number, outcome, retry_after);
        }
    }

    pub(super) fn attempt_over(&mut self, owner: &Address, number: u64) {
        let Some(letter) = self.users.get_mut(owner).and_then(|actor| actor.letters.letter_mut(number)) else { return };
        if let Way::Relay(relay) = &mut letter.way {
            relay.running.clear();
            relay.failure = None;
            self.verdict(owner, number, Outcome::Timeout, None);
        }
    }

    pub(super) fn verdict(&mut self, owner: &Address, number: u64, outcome: Outcome, retry_after: Option<Duration>) {
        self.timers.clear(&Timer::Attempt(owner.clone(), number));
        self.drive(owner, number, RelayEvent::Verdict { outcome, retry_after });
    }

    pub(super) fn retry_due(&mut self, owner: &Address, number: u64) {
        let Some(letter) = self.users.get(owner).and_then(|actor| actor.letters.all.get(&number)) else { return };
        self.output.correlation = letter.correlation;
        let (sender, recipient) = (letter.message.sender.clone(), letter.message.recipient.clone());
        self.turn(owner, &sender, &recipient);
    }

    pub(super) fn letter_expired(&mut self, owner: &Address, number: u64) {
        let Some(letter) = self.users.get(owner).and_then(|actor| actor.letters.all.get(&number)) else { return };
        self.output.correlation = letter.correlation;
        match letter.way {
            Way::Offer(_) => self.end_offer(owner, number, Outcome::Expired, None),
            Way::Relay(_) => self.drive(owner, number, RelayEvent::Expiry),
        }
    }

    /// A message will never be taken, for a reason that is found here.
    pub(super) fn letter_refused(&mut self, owner: &Address, number: u64, outcome: Outcome) {
        let Some(letter) = self.letter(owner, number) else { return };
        let (stored, message) = (letter.is_stored(), letter.message.clone());
        match letter.way {
            Way::Offer(_) => self.end_offer(owner, number, outcome, None),
            Way::Relay(_) => {
                self.settle_sender(owner, number, outcome);
                if stored {
                    self.report_fate(&message, outcome);
                }
                self.forget_letter(owner, number, stored);
            }
        }
    }

    /// Feeds a passed-on message's machine and does what it says.
    pub(super) fn drive(&mut self, owner: &Address, number: u64, event: RelayEvent) {
        let Some(letter) = self.users.get_mut(owner).and_then(|actor| actor.letters.letter_mut(number)) else { return };
        self.output.correlation = letter.correlation;
        let stored = letter.is_stored();
        let Way::Relay(relay) = &mut letter.way else { return };
        let actions = relay.machine.handle(event);
        for action in actions {
            match action {
                RelayAction::Attempt => self.attempt(owner, number),
                RelayAction::Store => {
                    if let Some(letter) = self.letter(owner, number) {
                        let fact = letter.to_fact();
                        self.output.keep(fact);
                    }
                }
                RelayAction::Settle(outcome) => self.settle_sender(owner, number, outcome),
                RelayAction::Report(outcome) => {
                    if let Some(message) = self.letter(owner, number).map(|letter| letter.message.clone()) {
                        self.report_fate(&message, outcome);
                    }
                }
                RelayAction::Retry(after) => self.plan_retry(owner, number, after),
                RelayAction::Forget => self.forget_letter(owner, number, stored),
            }
        }
    }

    fn attempt(&mut self, owner: &Address, number: u64) {
        let Some(letter) = self.letter(owner, number) else { return };
        let Way::Relay(relay) = &letter.way else { return };
        let (target, message, stored) = (relay.target.clone(), letter.message.clone(), letter.is_stored());
        let routes = match target {
            Target::Peer(peer) => Ok(vec![DeliveryRoute::Peer(peer)]),
            Target::Devices => self
                .user_mut(owner)
                .takers_of(&message)
                .map(|devices| devices.into_iter().map(DeliveryRoute::Endpoint).collect::<Vec<_>>()),
        };
        let routes = match routes {
            Ok(routes) if !routes.is_empty() => routes,
            Ok(_) => return self.verdict(owner, number, Outcome::NotLoggedIn, None),
            Err(outcome) => return self.verdict(owner, number, outcome, None),
        };
        let deliveries: Vec<DeliveryId> = routes.iter().map(|_| self.next_delivery()).collect();
        let Some(actor) = self.users.get_mut(owner) else { return };
        for delivery in &deliveries {
            actor.letters.start_attempt(*delivery, number);
        }
        let Some(letter) = actor.letters.letter_mut(number) else { return };
        let Way::Relay(relay) = &mut letter.way else { return };
        let repeated = relay.attempts > 0;
        relay.attempts = relay.attempts.saturating_add(1);
        relay.running.extend(deliveries.iter().copied());
        relay.delivery = deliveries.first().copied().unwrap_or(relay.delivery);
        if stored {
            let fact = letter.to_fact();
            self.output.keep(fact);
        }
        self.timers.set(Timer::Attempt(owner.clone(), number), self.now.after(self.config.limits.attempt_wait));
        for (delivery, route) in deliveries.into_iter().zip(routes) {
            let (owner, message) = (owner.clone(), message.clone());
            self.output.push(CommandKind::Deliver { delivery, owner, route, message, repeated });
        }
    }

    fn settle_sender(&mut self, owner: &Address, number: u64, outcome: Outcome) {
        self.timers.clear(&Timer::AnswerWait(owner.clone(), number));
        let Some(letter) = self.users.get_mut(owner).and_then(|actor| actor.letters.letter_mut(number)) else { return };
        if let Some(ticket) = letter.ticket.take() {
            let (sender, recipient) = (letter.message.sender.clone(), letter.message.recipient.clone());
            self.output.tell(&sender, Word::Verdict { ticket, recipient, outcome });
        }
    }

    fn plan_retry(&mut self, owner: &Address, number: u64, after: Option<Duration>) {
        let (min, max) = (self.config.limits.backoff_min, self.config.limits.backoff_max);
        let Some(actor) = self.users.get(owner) else { return };
        let Some(letter) = actor.letters.all.get(&number) else { return };
        let Way::Relay(relay) = &letter.way else { return };
        if relay.target == Target::Devices && actor.takers().next().is_none() {
            // There is nothing to try until a device comes.
            return;
        }
        let doublings = relay.attempts.saturating_sub(1).min(16);
        let backoff = min.saturating_mul(1_u32 << doublings).min(max);
        let wait = self.random.jitter(backoff).max(after.unwrap_or_default());
        self.timers.set(Timer::Retry(owner.clone(), number), self.now.after(wait));
    }

    fn forget_letter(&mut self, owner: &Address, number: u64, stored: bool) {
        let Some(letter) = self.users.get_mut(owner).and_then(|actor| actor.letters.remove(number)) else { return };
        for timer in [Timer::AnswerWait, Timer::Attempt, Timer::Retry, Timer::Expiry] {
            self.timers.clear(&timer(owner.clone(), number));
        }
        if stored {
            self.output.drop_fact(letter.key());
        }
        let devices = matches!(&letter.way, Way::Relay(Relay { target: Target::Devices, .. }));
        if devices {
            self.remember_delivered(owner, &letter.message);
        }
        self.turn(owner, &letter.message.sender, &letter.message.recipient);
        self.forget_if_empty(owner);
    }

    fn letter(&self, owner: &Address, number: u64) -> Option<&Letter> {
        self.users.get(owner).and_then(|actor| actor.letters.all.get(&number))
    }

    /// Tells the sender what became of its message, if it asked.
    pub(super) fn report_fate(&mut self, message: &Message, outcome: Outcome) {
        match message.report {
            ReportWish::None => {}
            ReportWish::Delivery => {
                let report = Report {
                    message: message.id.clone(),
                    sender: message.sender.clone(),
                    recipient: message.recipient.clone(),
                    outcome,
                    at: self.now,
                    sent: message.sent,
                    media_type: Arc::clone(&message.content.media_type),
                    size_octets: u64::try_from(message.content.body.len()).unwrap_or(u64::MAX),
                    origin: Arc::clone(&message.origin),
                };
                self.output.tell(&message.sender, Word::Fate(report));
            }
        }
    }

    /// Unique over all shards of the process: the shard stands in the upper bits.
    fn next_delivery(&mut self) -> DeliveryId {
        DeliveryId((u64::from(self.config.shard) << 48) | (self.next_number() & ((1 << 48) - 1)))
    }
}

/// What became of an arriving message.
enum Taken {
    /// It is not stored: refused, or known already.
    Refused(Outcome),
    /// It is stored and goes to these devices.
    Stored { number: u64, devices: Vec<Endpoint> },
    /// The verdict follows.
    OnItsWay,
}

/// Whether a stored message is offered as it comes in, or to a device that came later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offering {
    First,
    Later,
}
