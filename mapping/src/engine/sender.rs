//! The sender's part of a message: taking it, recognising repetitions, and the way to neighbour servers.

use crate::{
    address::Address,
    command::Answer,
    conversation::Hearers,
    engine::{
        Engine, Word,
        list::Expansion,
        timer::Timer,
        user::{Origin, Progress},
    },
    event::{RequestId, Submission},
    gather::{Gather, Purpose},
    message::{Message, MessageId},
    outcome::Outcome,
    record::{Fact, FactKey},
    relay::{
        letter::{Letter, Relay, Target, Way},
        machine::{RelayEvent, RelayMachine, Storage},
    },
    route::Route,
    side::{Endpoint, PeerName},
    time::Timestamp,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How much longer than the held answer the sender waits for another shard that says nothing at all.
const VERDICT_GRACE: Duration = Duration::from_secs(2);

impl Engine {
    pub(super) fn send(&mut self, request: RequestId, user: Address, endpoint: Endpoint, submission: Submission) {
        self.submit(request, user, endpoint, submission, None);
    }

    /// Sends a message; `forwards` names the stored one that it is made of.
    pub(super) fn submit(
        &mut self,
        request: RequestId,
        user: Address,
        endpoint: Endpoint,
        submission: Submission,
        forwards: Option<MessageId>,
    ) {
        let Submission { recipients, devices, conversations, mut message } = submission;
        let bound = self.config.limits.recipients_per_message;
        let expanded = match (recipients.is_empty(), conversations.len()) {
            (true, 1..) => Ok(Expansion::default()),
            (_, _) => self.expand(&user, &recipients, bound.saturating_sub(conversations.len())),
        };
        let Expansion { users: targets, mut refused } = match expanded {
            Ok(expansion) if conversations.len() <= bound => expansion,
            Ok(_) => return self.output.answer(request, Answer::not_sent(Outcome::BadParameter)),
            Err(outcome) => return self.output.answer(request, Answer::not_sent(outcome)),
        };
        self.set_lifetime(&mut message);
        if let Some(outcome) = self.refusal_of(&user, &message) {
            return self.output.answer(request, Answer::not_sent(outcome));
        }
        message.sender = user.clone();
        let origin = Arc::clone(&message.origin);
        if self.is_repetition(request, &user, &mut message) {
            return;
        }
        if message.id.as_str().is_empty() {
            message.id = self.name_message();
        }
        let number = self.next_number();
        self.remember_origin(&user, &origin, &message.id, Progress::Held(number));
        let mut gather = Gather::new(
            self.output.correlation,
            user.clone(),
            request,
            Purpose::Send { message: message.id.clone(), origin, endpoint: endpoint.clone(), forwards },
        );
        gather.details.append(&mut refused);
        gather.outstanding.extend(targets.iter().map(|target| target.user.clone()));
        gather.outstanding.extend(conversations.iter().map(Hearers::target));
        self.hold(number, gather, self.config.limits.answer_wait.saturating_add(VERDICT_GRACE));
        for target in targets {
            let named = devices.iter().find(|(user, _)| *user == target.user);
            let device = named.map(|(_, device)| device.clone());
            let message = Message { recipient: target.user, device, ..message.clone() };
            self.send_one(&user, message, number);
        }
        for hearers in conversations {
            self.say(&endpoint, hearers, message.clone(), number);
        }
        self.complete(number);
    }

    /// Why the message is not taken, whoever is to get it.
    fn refusal_of(&self, user: &Address, message: &Message) -> Option<Outcome> {
        if self.config.domains.is_hosted(user) && !self.accounts.contains(user) {
            Some(Outcome::UnknownUser)
        } else if message.content.body.len() > self.config.limits.content_octets_max {
            Some(Outcome::TooLarge)
        } else if message.expires <= self.now {
            Some(Outcome::Expired)
        } else {
            None
        }
    }

    fn set_lifetime(&self, message: &mut Message) {
        if message.expires == Timestamp::EPOCH {
            message.expires = self.now.after(self.config.limits.validity_default);
        }
        message.expires = message.expires.min(self.now.after(self.config.limits.validity_max));
    }

    /// Answers a repetition as the first time, or takes over the name of a message whose answer a restart swallowed.
    fn is_repetition(&mut self, request: RequestId, user: &Address, message: &mut Message) -> bool {
        if message.origin.is_empty() {
            return false;
        }
        let Some(known) = self.users.get(user).and_then(|actor| actor.origins.get(&message.origin)) else {
            return false;
        };
        match &known.progress {
            Progress::Answered(answer) => self.output.answer(request, answer.clone()),
            Progress::Held(number) => match self.gathers.get_mut(number) {
                Some(gather) => gather.requests.push(request),
                None => self.output.answer(request, Answer::not_sent(Outcome::Timeout)),
            },
            Progress::Known => {
                message.id = known.message.clone();
                return false;
            }
        }
        true
    }

    /// Keeps what makes a repetition recognisable; an empty origin makes none so.
    pub(super) fn remember_origin(
        &mut self,
        user: &Address,
        origin: &Arc<str>,
        message: &MessageId,
        progress: Progress,
    ) {
        if origin.is_empty() {
            return;
        }
        let until = self.now.after(self.config.limits.origin_window);
        self.output.keep(Fact::Origin {
            user: user.clone(),
            origin: origin.as_ref().to_owned(),
            message: message.clone(),
            until,
        });
        let bound = self.config.limits.origins_per_user;
        let actor = self.user_mut(user);
        actor.remember(Arc::clone(origin), Origin { message: message.clone(), progress, until });
        let is_over = actor.origins.len() > bound;
        let oldest = if is_over { actor.origin_order.pop_front() } else { None };
        if let Some((_, oldest)) = oldest {
            self.forget_origin(user, &oldest);
        }
        self.await_oldest_origin(user);
    }

    /// Forgets the user's origins whose time is over.
    pub(super) fn origins_over(&mut self, user: &Address) {
        while let Some(actor) = self.users.get_mut(user)
            && let Some((at, origin)) = actor.origin_order.pop_front_if(|(at, _)| *at <= self.now)
        {
            match actor.origins.get(&origin).map(|known| known.until) {
                // It was remembered again.
                Some(until) if until > at => actor.origin_order.push_back((until, origin)),
                _ => self.forget_origin(user, &origin),
            }
        }
        self.await_oldest_origin(user);
        self.forget_if_empty(user);
    }

    fn forget_origin(&mut self, user: &Address, origin: &Arc<str>) {
        if self.users.get_mut(user).is_some_and(|actor| actor.origins.remove(origin).is_some()) {
            self.output.drop_fact(FactKey::Origin(user.clone(), origin.as_ref().to_owned()));
        }
    }

    /// One wait for all origins of a user: they live equally long, so the oldest is the first that is over.
    pub(super) fn await_oldest_origin(&mut self, user: &Address) {
        let oldest = self.users.get(user).and_then(|actor| actor.origin_order.front());
        let timer = Timer::Origin(user.clone());
        match oldest {
            Some((at, _)) if !self.timers.is_set(&timer) => self.timers.set(timer, *at),
            _ => {}
        }
    }

    pub(super) fn send_one(&mut self, sender: &Address, message: Message, ticket: u64) {
        let recipient = message.recipient.clone();
        let refusal = match self.config.domains.find(&recipient) {
            None => Outcome::UnknownDomain,
            Some(row) if !self.may_cross(sender, row) && row.route != Route::Hosted => Outcome::Forbidden,
            Some(row) => match row.route.clone() {
                Route::Hosted => return self.output.tell(&recipient, Word::Offer { message, ticket: Some(ticket) }),
                Route::Peer(peer) => return self.pass_to_peer(sender, message, peer, ticket),
            },
        };
        self.part_settled(ticket, &recipient, refusal);
    }

    pub(super) fn pass_to_peer(&mut self, sender: &Address, message: Message, peer: PeerName, ticket: u64) {
        let recipient = message.recipient.clone();
        let outbox_messages = self.config.limits.outbox_messages;
        let actor = self.user_mut(sender);
        if actor.letters.find(&recipient, &message.id).is_some() {
            // Taken before a restart, and still on its way.
            return self.part_settled(ticket, &recipient, Outcome::Stored);
        }
        if actor.letters.outbox_len() >= outbox_messages {
            return self.part_settled(ticket, &recipient, Outcome::QueueFull);
        }
        let machine = RelayMachine::new(self.config.storage);
        self.start_relay(sender, message, Some(ticket), Relay::new(machine, Target::Peer(peer)));
    }

    /// Puts a message on its way that is passed on by attempts.
    pub(super) fn start_relay(&mut self, owner: &Address, message: Message, ticket: Option<u64>, relay: Relay) {
        let number = self.next_number();
        let (sender, recipient) = (message.sender.clone(), message.recipient.clone());
        self.timers.set(Timer::AnswerWait(owner.clone(), number), self.now.after(self.config.limits.answer_wait));
        self.timers.set(Timer::Expiry(owner.clone(), number), message.expires);
        let letter = Letter { message, correlation: self.output.correlation, ticket, way: Way::Relay(relay) };
        self.user_mut(owner).letters.insert(number, letter);
        self.turn(owner, &sender, &recipient);
        self.stand_behind(owner, number, &sender, &recipient);
    }

    /// A message behind one that waits for its next attempt will not go sooner: where it may be kept, its sender is told
    /// so at once.
    fn stand_behind(&mut self, owner: &Address, number: u64, sender: &Address, recipient: &Address) {
        let Some(letters) = self.users.get(owner).map(|actor| &actor.letters) else { return };
        let head = letters.head(sender, recipient).filter(|head| *head != number);
        let may_wait = letters
            .all
            .get(&number)
            .is_some_and(|letter| matches!(&letter.way, Way::Relay(relay) if relay.machine.storage == Storage::On));
        if let Some(head) = head
            && may_wait
            && self.timers.is_set(&Timer::Retry(owner.clone(), head))
        {
            self.drive(owner, number, RelayEvent::WaitOver);
        }
    }

    /// Lets the oldest message of the pair go, unless it is on its way or waits.
    pub(super) fn turn(&mut self, owner: &Address, sender: &Address, recipient: &Address) {
        let Some(number) = self.users.get(owner).and_then(|actor| actor.letters.head(sender, recipient)) else {
            return;
        };
        if !self.timers.is_set(&Timer::Retry(owner.clone(), number)) {
            self.drive(owner, number, RelayEvent::Turn);
        }
    }

    pub(super) fn answer_wait_over(&mut self, owner: &Address, number: u64) {
        self.drive(owner, number, RelayEvent::WaitOver);
    }

    /// A neighbour can be reached again, or has another word for senders: what waits for it need not wait longer.
    pub(super) fn resume_letters(&mut self, peer: &PeerName, senders: Option<&BTreeSet<Address>>) {
        let mut waiting = Vec::new();
        for (owner, actor) in &self.users {
            for (number, letter) in &actor.letters.all {
                let is_meant = senders.is_none_or(|senders| senders.contains(&letter.message.sender));
                if is_meant && matches!(&letter.way, Way::Relay(relay) if relay.target == Target::Peer(peer.clone())) {
                    waiting.push((owner.clone(), *number));
                }
            }
        }
        for (owner, number) in waiting {
            let timer = Timer::Retry(owner.clone(), number);
            if self.timers.is_set(&timer) {
                self.timers.clear(&timer);
                self.retry_due(&owner, number);
            }
        }
    }
}

impl Answer {
    /// The answer to a message that went nowhere.
    pub(crate) const fn not_sent(outcome: Outcome) -> Self {
        Self::Sent { outcome, message: None, details: Vec::new() }
    }
}
