//! The messages that one user's shard is responsible for: its own on the way to a neighbour server, and those for it.

use crate::{
    address::Address,
    correlation::Correlation,
    event::DeliveryId,
    message::{Message, MessageId},
    outcome::Outcome,
    record::{Fact, FactKey},
    relay::machine::{RelayMachine, RelayState, Verdict},
    side::{Endpoint, PeerName},
    witness::met,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// One message with all that is known about its way.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) message: Message,
    pub(crate) correlation: Correlation,
    /// The sender's gather that waits for the verdict.
    pub(crate) ticket: Option<u64>,
    pub(crate) way: Way,
}

/// How it travels.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// Passed on by attempts.
    Relay(Relay),
    /// Offered from the store until acknowledged.
    Offer(Offer),
}

/// A message that is passed on.
#[derive(Clone, Debug)]
pub(crate) struct Relay {
    pub(crate) machine: RelayMachine,
    /// The neighbour, or the devices of a hosted recipient.
    pub(crate) target: Target,
    /// Running attempts: one for a neighbour, one per device for a hosted recipient.
    pub(crate) running: BTreeSet<DeliveryId>,
    /// The best failure of the attempts that are over.
    pub(crate) failure: Option<(Outcome, Option<Duration>)>,
    pub(crate) attempts: u32,
    /// The last attempt, as kept.
    pub(crate) delivery: DeliveryId,
}

/// Where attempts go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Peer(PeerName),
    Devices,
}

/// A message that is offered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// Where it lies.
    pub(crate) offered: BTreeSet<Endpoint>,
    /// Whether it was ever offered, by this process or before: a client may have seen it.
    pub(crate) seen: bool,
    /// Whether a device has it.
    pub(crate) is_taken: bool,
    /// The other devices that may get it too, once one has it.
    pub(crate) copies: BTreeSet<Endpoint>,
}

impl Letter {
    /// The fact that keeps it.
    pub(crate) fn to_fact(&self) -> Fact {
        match &self.way {
            Way::Relay(Relay { target: Target::Peer(_), delivery, attempts, .. }) => {
                Fact::Outbox { message: self.message.clone(), delivery: *delivery, attempts: *attempts }
            }
            Way::Relay(Relay { target: Target::Devices, attempts, .. }) => {
                Fact::Inbox { message: self.message.clone(), offered: *attempts > 0, copies: None }
            }
            Way::Offer(offer) => Fact::Inbox {
                message: self.message.clone(),
                offered: offer.seen,
                copies: offer.is_taken.then(|| offer.copies.iter().cloned().collect()),
            },
        }
    }

    pub(crate) fn key(&self) -> FactKey {
        let Message { id, sender, recipient, .. } = &self.message;
        match &self.way {
            Way::Relay(Relay { target: Target::Peer(_), .. }) => {
                FactKey::Outbox(sender.clone(), id.clone(), recipient.clone())
            }
            Way::Relay(Relay { target: Target::Devices, .. }) | Way::Offer(_) => {
                FactKey::Inbox(recipient.clone(), id.clone())
            }
        }
    }

    /// Whether a fact keeps it now.
    pub(crate) const fn is_stored(&self) -> bool {
        match &self.way {
            Way::Relay(relay) => matches!(relay.machine.state, RelayState::Late | RelayState::Waiting),
            Way::Offer(_) => true,
        }
    }
}

impl Offer {
    /// Whether the device may get the message.
    pub(crate) fn is_for(&self, endpoint: &Endpoint) -> bool {
        !self.is_taken || self.copies.contains(endpoint)
    }

    /// The device has it; whether it is the first one.
    pub(crate) fn take(&mut self, endpoint: &Endpoint) -> bool {
        let is_first = !std::mem::replace(&mut self.is_taken, true);
        self.offered.remove(endpoint);
        if is_first {
            self.copies = self.offered.clone();
        }
        self.copies.remove(endpoint);
        is_first
    }
}

impl Relay {
    pub(crate) const fn new(machine: RelayMachine, target: Target) -> Self {
        Self { machine, target, running: BTreeSet::new(), failure: None, attempts: 0, delivery: DeliveryId(0) }
    }

    /// Takes the end of one running attempt: the verdict on the whole once it is known.
    pub(crate) fn finish(
        &mut self,
        delivery: DeliveryId,
        outcome: Outcome,
        retry_after: Option<Duration>,
    ) -> Option<(Outcome, Option<Duration>)> {
        self.name(delivery, outcome);
        if !self.running.remove(&delivery) {
            return None;
        }
        if Verdict::of(outcome) == Verdict::Taken {
            self.running.clear();
            self.failure = None;
            return Some((outcome, None));
        }
        // One device that may take it later outweighs others that never will.
        let better = self
            .failure
            .is_none_or(|(known, _)| Verdict::of(known) == Verdict::Never && Verdict::of(outcome) == Verdict::NotNow);
        if better {
            self.failure = Some((outcome, retry_after));
        }
        if self.running.is_empty() { self.failure.take() } else { None }
    }
}

impl Relay {
    /// Names the cell of the state table that the end of an attempt is about to reach.
    fn name(&self, delivery: DeliveryId, outcome: Outcome) {
        let running = match self.running.len() {
            0 => "none runs",
            1 => "one runs",
            _ => "two run",
        };
        let failure = match self.failure.map(|(failure, _)| Verdict::of(failure)) {
            Some(Verdict::NotNow) => ", one said not now",
            Some(Verdict::Never) => ", one said never",
            Some(Verdict::Taken) | None => "",
        };
        let whose = if self.running.contains(&delivery) { "own" } else { "unknown" };
        let outcome = match (outcome, Verdict::of(outcome)) {
            (Outcome::Success, _) => "Success",
            (_, Verdict::Taken) => "Stored",
            (Outcome::NotLoggedIn, _) => "NotLoggedIn",
            (_, Verdict::NotNow) => "Unavailable",
            (_, Verdict::Never) => "Blocked",
        };
        met("mapping_attempt", format_args!("{running}{failure}, {whose} {outcome}"));
    }
}

/// All letters of one user, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letters {
    pub(crate) all: BTreeMap<u64, Letter>,
    deliveries: BTreeMap<DeliveryId, u64>,
}

impl Letters {
    pub(crate) fn insert(&mut self, number: u64, letter: Letter) {
        self.all.insert(number, letter);
    }

    pub(crate) fn letter_mut(&mut self, number: u64) -> Option<&mut Letter> {
        self.all.get_mut(&number)
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Letter> {
        let letter = self.all.remove(&number)?;
        self.deliveries.retain(|_, owner| *owner != number);
        Some(letter)
    }

    pub(crate) fn start_attempt(&mut self, delivery: DeliveryId, number: u64) {
        self.deliveries.insert(delivery, number);
    }

    pub(crate) fn end_attempt(&mut self, delivery: DeliveryId) -> Option<u64> {
        self.deliveries.remove(&delivery)
    }

    /// The letter for `recipient` with that message.
    pub(crate) fn find(&self, recipient: &Address, message: &MessageId) -> Option<u64> {
        self.all
            .iter()
            .find(|(_, letter)| letter.message.id == *message && letter.message.recipient == *recipient)
            .map(|(number, _)| *number)
    }

    /// The oldest passed-on letter of the pair: the only one that may be on its way (RFC 3428 §8).
    pub(crate) fn head(&self, sender: &Address, recipient: &Address) -> Option<u64> {
        self.all
            .iter()
            .find(|(_, letter)| {
                matches!(letter.way, Way::Relay(_))
                    && letter.message.sender == *sender
                    && letter.message.recipient == *recipient
            })
            .map(|(number, _)| *number)
    }

    /// Numbers of the letters to `user` itself, oldest first.
    pub(crate) fn inbox_numbers(&self, user: &Address) -> Vec<u64> {
        self.all
            .iter()
            .filter(|(_, letter)| {
                letter.message.recipient == *user
                    && !matches!(&letter.way, Way::Relay(Relay { target: Target::Peer(_), .. }))
            })
            .map(|(number, _)| *number)
            .collect()
    }

    /// How many messages to `user` are here, and how many octets. What a device has taken does not count.
    pub(crate) fn inbox_size(&self, user: &Address) -> (usize, usize) {
        let waiting = self.inbox_numbers(user).into_iter().filter_map(|number| self.all.get(&number));
        let waiting = waiting.filter(|letter| !matches!(&letter.way, Way::Offer(offer) if offer.is_taken));
        waiting.fold((0, 0), |(count, octets), letter| {
            (count.saturating_add(1), octets.saturating_add(letter.message.content.body.len()))
        })
    }

    /// Numbers of the messages that a device has taken and others may get too, oldest first.
    pub(crate) fn copy_numbers(&self) -> Vec<u64> {
        let taken = self.all.iter().filter(|(_, letter)| matches!(&letter.way, Way::Offer(offer) if offer.is_taken));
        taken.map(|(number, _)| *number).collect()
    }

    /// How many messages to neighbours are here.
    pub(crate) fn outbox_len(&self) -> usize {
        self.all
            .values()
            .filter(|letter| matches!(&letter.way, Way::Relay(Relay { target: Target::Peer(_), .. })))
            .count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Letters {
    /// Offers at an endpoint that is gone are void.
    pub(crate) fn endpoint_gone(&mut self, endpoint: &Endpoint) {
        for letter in self.all.values_mut() {
            if let Way::Offer(offer) = &mut letter.way {
                offer.offered.remove(endpoint);
                offer.copies.remove(endpoint);
            }
        }
    }
}

#[cfg(test)]
mod tests;
