//! What a user does with the messages that wait for it: listing, fetching, taking, rejecting, forwarding.

use crate::{
    address::Address,
    command::{Answer, CommandKind},
    conversation::Hearers,
    engine::Engine,
    event::{Acknowledgement, InboxOperation, RequestId, Submission},
    message::{Disclosure, Message, MessageId, ReportWish},
    outcome::Outcome,
    relay::letter::Way,
    side::Endpoint,
};
use std::sync::Arc;

impl Engine {
    pub(super) fn inbox(&mut self, request: RequestId, user: &Address, endpoint: Endpoint, operation: InboxOperation) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        match operation {
            InboxOperation::List { at_most } => self.list_inbox(request, user, &endpoint, at_most),
            InboxOperation::Fetch(message) => self.fetch_message(request, user, endpoint, &message),
            InboxOperation::Take(message) => {
                let outcome = self.take_message(user, &endpoint, &message);
                self.output.done(request, outcome);
            }
            InboxOperation::Reject(messages) => self.reject_messages(request, user, &endpoint, &messages),
            InboxOperation::Forward { message, recipients, conversations, origin } => {
                let targets = (recipients, conversations);
                self.forward_message(request, user, endpoint, &message, targets, origin);
            }
        }
    }

    /// The messages that wait for this device, oldest first.
    fn list_inbox(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint, at_most: Option<usize>) {
        let mut messages = Vec::new();
        if let Some(actor) = self.users.get(user) {
            for number in actor.letters.inbox_numbers(user) {
                let Some(letter) = actor.letters.all.get(&number) else { continue };
                if matches!(&letter.way, Way::Offer(offer) if offer.is_for(endpoint)) {
                    messages.push(letter.message.clone());
                }
            }
        }
        let total = messages.len();
        messages.truncate(at_most.unwrap_or(total));
        self.output.answer(request, Answer::Waiting { messages, total });
    }

    /// Shows one message. It waits on until the device says that it has taken it.
    fn fetch_message(&mut self, request: RequestId, user: &Address, endpoint: Endpoint, message: &MessageId) {
        let Some(number) = self.offer_number(user, message) else {
            return self.output.done(request, Outcome::UnknownMessage);
        };
        let Some(letter) = self.users.get_mut(user).and_then(|actor| actor.letters.letter_mut(number)) else { return };
        let fetched = letter.message.clone();
        let mut is_new = false;
        if let Way::Offer(offer) = &mut letter.way {
            offer.offered.insert(endpoint);
            // From now on a restart cannot tell whether the client has seen it.
            is_new = !std::mem::replace(&mut offer.seen, true);
        }
        if is_new {
            let fact = letter.to_fact();
            self.output.keep(fact);
        }
        self.output.answer(request, Answer::Waiting { messages: vec![fetched], total: 1 });
    }

    /// The device has taken a message that it fetched.
    // WV-MSG-06
    fn take_message(&mut self, user: &Address, endpoint: &Endpoint, message: &MessageId) -> Outcome {
        if let Some(number) = self.offer_number(user, message) {
            self.taken(user, number, endpoint);
            return Outcome::Success;
        }
        // Taken at another device, or a moment ago at this one.
        let is_known = self.users.get(user).is_some_and(|actor| actor.origins.contains_key(&delivered_origin(message)));
        if is_known { Outcome::Success } else { Outcome::UnknownMessage }
    }

    fn reject_messages(&mut self, request: RequestId, user: &Address, endpoint: &Endpoint, messages: &[MessageId]) {
        let (mut unknown, mut rejected) = (Vec::new(), 0_usize);
        for message in messages {
            match self.offer_number(user, message) {
                Some(number) => {
                    rejected = rejected.saturating_add(1);
                    self.reject(user, number, endpoint);
                }
                None => unknown.push(message.clone()),
            }
        }
        let outcome = match (rejected, unknown.is_empty()) {
            (0, _) => Outcome::UnknownMessage,
            (_, false) => Outcome::PartialSuccess,
            (_, true) => Outcome::Success,
        };
        self.output.answer(request, Answer::Rejected { outcome, unknown });
    }

    /// A message that another device has taken is only not wanted here.
    fn reject(&mut self, user: &Address, number: u64, endpoint: &Endpoint) {
        let is_taken = self
            .users
            .get(user)
            .and_then(|actor| actor.letters.all.get(&number))
            .is_some_and(|letter| matches!(&letter.way, Way::Offer(offer) if offer.is_taken));
        if is_taken {
            self.taken(user, number, endpoint);
        } else {
            self.end_offer(user, number, Outcome::Rejected, None);
        }
    }

    // WV-MSG-11
    fn forward_message(
        &mut self,
        request: RequestId,
        user: &Address,
        endpoint: Endpoint,
        message: &MessageId,
        (recipients, conversations): (Vec<Address>, Vec<Hearers>),
        origin: Arc<str>,
    ) {
        let letter = self.offer_number(user, message).and_then(|number| self.users.get(user)?.letters.all.get(&number));
        let Some(letter) = letter else {
            return self.output.answer(request, Answer::not_sent(Outcome::UnknownMessage));
        };
        let forwarded = Message {
            id: MessageId::new(""),
            sender: user.clone(),
            sent: self.now,
            report: ReportWish::None,
            device: None,
            origin,
            talk: None,
            disclosure: Disclosure::Named,
            ..letter.message.clone()
        };
        let submission = Submission { recipients, devices: Vec::new(), conversations, message: forwarded };
        self.submit(request, user.clone(), endpoint, submission, Some(message.clone()));
    }

    /// A message went on to somebody else: it does not wait here any more.
    pub(super) fn forwarded(&mut self, user: &Address, message: &MessageId) {
        if let Some(number) = self.offer_number(user, message) {
            self.end_offer(user, number, Outcome::Forwarded, None);
        }
    }

    /// A client's word on a message that was offered to it.
    pub(super) fn acknowledged(&mut self, acknowledgement: &Acknowledgement) {
        let Acknowledgement { user, endpoint, message, outcome } = acknowledgement;
        let Some(number) = self.offer_number(user, message) else { return };
        if outcome.is_success() {
            return self.taken(user, number, endpoint);
        }
        let Some(letter) = self.users.get_mut(user).and_then(|actor| actor.letters.letter_mut(number)) else { return };
        let Way::Offer(offer) = &mut letter.way else { return };
        offer.offered.remove(endpoint);
        if offer.is_taken {
            self.taken(user, number, endpoint);
        } else if *outcome == Outcome::Rejected || offer.offered.is_empty() {
            self.end_offer(user, number, *outcome, Some(endpoint));
        }
    }

    /// A device has taken the message: the first one makes the report, the others get a copy.
    // WV-MSG-10
    pub(super) fn taken(&mut self, user: &Address, number: u64, endpoint: &Endpoint) {
        let Some(letter) = self.users.get_mut(user).and_then(|actor| actor.letters.letter_mut(number)) else { return };
        let Way::Offer(offer) = &mut letter.way else { return };
        let is_first = offer.take(endpoint);
        let (message, is_over, fact) = (letter.message.clone(), offer.copies.is_empty(), letter.to_fact());
        if is_over {
            self.forget_offer(user, number);
        } else {
            self.output.keep(fact);
        }
        if is_first {
            self.remember_delivered(user, &message);
            self.report_fate(&message, Outcome::Success);
        }
        self.bound_copies(user);
        self.forget_if_empty(user);
    }

    /// Copies for devices that never fetch them are not kept without bound.
    fn bound_copies(&mut self, user: &Address) {
        let bound = self.config.limits.inbox_messages;
        let Some(actor) = self.users.get(user) else { return };
        let copies = actor.letters.copy_numbers();
        if let Some(oldest) = copies.first().filter(|_| copies.len() > bound) {
            self.retract_offer(user, *oldest, None);
            self.forget_offer(user, *oldest);
        }
    }

    /// Copies for devices that are gone are not wanted any more.
    pub(super) fn forget_copies(&mut self, user: &Address) {
        let Some(actor) = self.users.get(user) else { return };
        for number in actor.letters.copy_numbers() {
            let copy = self.users.get(user).and_then(|actor| actor.letters.all.get(&number));
            if copy.is_some_and(|letter| matches!(&letter.way, Way::Offer(offer) if offer.copies.is_empty())) {
                self.forget_offer(user, number);
            }
        }
    }

    /// The stored message of that name, as long as it waits for a device.
    fn offer_number(&self, user: &Address, message: &MessageId) -> Option<u64> {
        let actor = self.users.get(user)?;
        let number = actor.letters.find(user, message)?;
        actor.letters.all.get(&number).filter(|letter| matches!(letter.way, Way::Offer(_))).map(|_| number)
    }

    /// Takes a message back where it lies, but for the device that spoke of it.
    pub(super) fn retract_offer(&mut self, user: &Address, number: u64, by: Option<&Endpoint>) {
        let Some(letter) = self.users.get(user).and_then(|actor| actor.letters.all.get(&number)) else { return };
        let Way::Offer(offer) = &letter.way else { return };
        let message = letter.message.id.clone();
        for endpoint in offer.offered.iter().filter(|endpoint| Some(*endpoint) != by) {
            let kind = CommandKind::Retract { endpoint: endpoint.clone(), message: message.clone() };
            self.output.push(kind);
        }
    }
}

/// Under which origin the recipient's shard remembers a message that it has delivered.
pub(super) fn delivered_origin(message: &MessageId) -> Arc<str> {
    Arc::from(format!("#{}", message.as_str()))
}
