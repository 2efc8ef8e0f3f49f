//! What waits for a client: the queue of server-initiated primitives and the transactions that it has not answered.

mod cell;

use super::limit::SessionLimits;
use super::negotiation::Negotiated;
use super::presence_size::octets_of_presence;
use super::time::Timestamp;
use crate::primitive::Primitive;
use crate::primitive::identifier::{GroupId, MessageId, TransactionId, UserId};
use crate::primitive::presence::PresenceNotificationRequest;
use crate::version::Encoding;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What a queued primitive is about. A newer primitive under the same key replaces the queued one, so presence must be
/// queued as the whole state that the client is to know, not as a difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum QueueKey {
    /// Presence of one presentity: one `Presence` in a PresenceNotification-Request.
    Presence(UserId),
    /// A message: it waits as NewMessage and goes out as that, or as MessageNotification under [`Self::Notice`].
    Message(MessageId),
    /// MessageNotification of one message, once it has gone out. Its acknowledgement says nothing about the message.
    Notice(MessageId),
    /// PresenceAuth-Request about one watcher.
    Authorisation(UserId),
    /// DeliveryReport-Request of one message for one recipient, both in one text that the owner chooses.
    Report(Box<str>),
    /// An invitation, its answer or its end, by a text that the owner chooses.
    Invitation(Box<str>),
    /// A notice about one group; never replaced, because each notice tells another change.
    Group(GroupId, u64),
    /// Anything else, by a text that the owner chooses.
    Other(Box<str>),
}

/// A primitive that the server wants to send to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPrimitive {
    /// What it is about.
    pub key: QueueKey,
    /// The primitive.
    pub primitive: Primitive,
}

/// The part of a server's life in which ids are minted; larger after each restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch of this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What became of an attempt to queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Enqueued {
    /// It waits; `FromEmpty` when nothing waited before.
    Waits(Transition),
    /// It took the place of an older primitive, or is on its way already.
    Absorbed,
    /// The queue was full: this key is not queued any more, or was not taken.
    Shed(QueueKey),
}

/// Whether the queue was empty before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    FromEmpty,
    Unchanged,
}

/// Why something may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The client polled.
    Poll,
    /// The client answered a transaction of the server.
    Acknowledgement,
}

/// How a transaction ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// It counts as delivered.
    Presumed(TransactionId, Vec<QueueKey>),
    /// A message went through all its ids; the owner has it back.
    GivenUp(QueueKey),
}

/// A transaction that the client has not answered.
#[derive(Clone, Debug)]
struct Sent {
    id: TransactionId,
    former: Vec<TransactionId>,
    keys: Vec<QueueKey>,
    /// Of these, what waits again in a newer state.
    superseded: Vec<QueueKey>,
    primitive: Primitive,
    sent_at: Timestamp,
    resends: u8,
    renamings: u8,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// On its way.
    Underway,
    /// Its time ran out: to be sent again at the next occasion.
    Overdue,
    /// The owner took it back while it was on its way: not sent again.
    Retracted,
}

impl Sent {
    /// What it was made of, without what waits again in a newer state.
    fn into_current(self) -> Vec<ServerPrimitive> {
        let Self { keys, superseded, primitive, .. } = self;
        split(keys, primitive).into_iter().filter(|entry| !superseded.contains(&entry.key)).collect()
    }

    /// Whether this is, or was, its id.
    fn bears(&self, id: &TransactionId) -> bool {
        self.id == *id || self.former.contains(id)
    }
}

/// The queue and the open transactions of one session.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    ids: IdSource,
    queue: VecDeque<ServerPrimitive>,
    sent: Vec<Sent>,
    unanswered: VecDeque<Unanswered>,
    multi_trans: usize,
    parser_size: usize,
}

impl Outbox {
    pub(super) const fn new(epoch: Epoch) -> Self {
        Self {
            ids: IdSource { epoch, minted: 0 },
            queue: VecDeque::new(),
            sent: Vec::new(),
            unanswered: VecDeque::new(),
            multi_trans: 1,
            parser_size: PARSER_SIZE_DEFAULT,
        }
    }

    /// The client can keep this many transactions open and parse primitives of this size.
    // WV-TRX-05
    pub(super) fn agree(&mut self, multi_trans: u16, parser_size: Option<u32>) {
        self.multi_trans = usize::from(multi_trans.max(1));
        let announced = parser_size.and_then(|size| usize::try_from(size).ok());
        self.parser_size = announced.unwrap_or(PARSER_SIZE_DEFAULT);
    }

    // WV-POLL-08
    pub(super) fn enqueue(&mut self, entry: ServerPrimitive, limits: &SessionLimits) -> Enqueued {
        self.name_about(&entry.key, "the same again", Some("something else"));
        if let QueueKey::Message(id) = &entry.key {
            let is_about =
                |key: &QueueKey| matches!(key, QueueKey::Message(known) | QueueKey::Notice(known) if known == id);
            if self.sent.iter().any(|sent| sent.keys.iter().any(is_about)) {
                return Enqueued::Absorbed;
            }
        }
        self.supersede(&entry.key);
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.key == entry.key) {
            queued.primitive = entry.primitive;
            return Enqueued::Absorbed;
        }
        let transition = if self.is_waiting() { Transition::Unchanged } else { Transition::FromEmpty };
        if self.queue.len() < limits.queue_max {
            self.queue.push_back(entry);
            return Enqueued::Waits(transition);
        }
        let presence = self.queue.iter().position(|queued| matches!(queued.key, QueueKey::Presence(_)));
        match presence.and_then(|at| self.queue.remove(at)) {
            Some(shed) => {
                self.queue.push_back(entry);
                Enqueued::Shed(shed.key)
            }
            None => Enqueued::Shed(entry.key),
        }
    }

    /// A newer state of a presentity is there: an older one that was sent and not acknowledged is not sent again.
    // WV-PRS-11
    fn supersede(&mut self, key: &QueueKey) {
        if !matches!(key, QueueKey::Presence(_)) {
            return;
        }
        for sent in &mut self.sent {
            if sent.keys.contains(key) && !sent.superseded.contains(key) {
                sent.superseded.push(key.clone());
            }
        }
    }

    /// What waits under the key is not sent any more; what is on its way is not sent again.
    pub(super) fn retract(&mut self, key: &QueueKey) {
        self.name_about(key, "retract", None);
        self.queue.retain(|queued| queued.key != *key);
        for sent in self.sent.iter_mut().filter(|sent| sent.keys.as_slice() == std::slice::from_ref(key)) {
            sent.phase = Phase::Retracted;
        }
    }

    /// The client answered this transaction: what it was about, unless no such transaction is open.
    // WV-TRX-03
    pub(super) fn acknowledge(&mut self, id: &TransactionId) -> Option<Vec<QueueKey>> {
        self.name_answer(id);
        let at = self.sent.iter().position(|sent| sent.bears(id))?;
        let Sent { mut keys, superseded, .. } = self.sent.remove(at);
        keys.retain(|key| !superseded.contains(key));
        Some(keys)
    }

    /// The next transaction to send, if this occasion allows one.
    // WV-POLL-02
    pub(super) fn next(
        &mut self,
        now: Timestamp,
        occasion: Occasion,
        limits: &SessionLimits,
        negotiated: &Negotiated,
        encoding: Encoding,
    ) -> Option<(TransactionId, Primitive)> {
        self.name_occasion(now, occasion, limits);
        while let Some(at) = self.due(now, occasion, limits) {
            if let Some(again) = self.send_again(now, at, limits) {
                return Some(again);
            }
        }
        if self.sent.len() >= self.multi_trans {
            return None;
        }
        let (keys, primitive) = self.take_queued(negotiated, encoding)?;
        let id = self.ids.mint();
        self.sent.push(Sent {
            id: id.clone(),
            former: Vec::new(),
            keys,
            superseded: Vec::new(),
            primitive: primitive.clone(),
            sent_at: now,
            resends: 0,
            renamings: 0,
            phase: Phase::Underway,
        });
        Some((id, primitive))
    }

    /// Marks what was not answered in time. Tells whether something waits now where nothing waited before.
    // WV-POLL-05
    pub(super) fn expire(&mut self, now: Timestamp, limits: &SessionLimits) -> Transition {
        self.name_time(now, limits);
        let waited = self.is_waiting();
        for sent in &mut self.sent {
            if sent.phase == Phase::Underway && sent.sent_at.after(limits.sent_life) <= now {
                sent.phase = Phase::Overdue;
            }
        }
        self.sent.retain(|sent| sent.phase != Phase::Retracted || now < sent.sent_at.after(limits.sent_life));
        if !waited && self.is_waiting() { Transition::FromEmpty } else { Transition::Unchanged }
    }

    /// A fresh id, for a transaction that nobody waits for.
    pub(super) fn mint(&mut self) -> TransactionId {
        self.ids.mint()
    }

    pub(super) fn next_unanswered(&mut self) -> Option<Unanswered> {
        self.unanswered.pop_front()
    }

    /// The client lost what it had: everything open is sent again at the next occasion.
    pub(super) fn reopen(&mut self) {
        self.name_all("client lost all", |_| true);
        self.sent.retain(|sent| sent.phase != Phase::Retracted);
        for sent in &mut self.sent {
            sent.phase = Phase::Overdue;
        }
    }

    /// Everything that the client has not acknowledged, for the session that takes the place of this one.
    pub(super) fn take_all(&mut self) -> Vec<ServerPrimitive> {
        self.name_all("replaced session", |_| true);
        let open = std::mem::take(&mut self.sent).into_iter().filter(|sent| sent.phase != Phase::Retracted);
        let open = open.flat_map(Sent::into_current);
        open.chain(std::mem::take(&mut self.queue)).collect()
    }

    /// Whether something is to be sent at the next occasion.
    // WV-POLL-04
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty() || self.sent.iter().any(|sent| sent.phase == Phase::Overdue)
    }

    /// Whether a transaction with this id is open.
    pub(super) fn is_open(&self, id: &TransactionId) -> bool {
        self.sent.iter().any(|sent| sent.bears(id))
    }

    /// How many transactions the client has not answered.
    pub(super) fn open_count(&self) -> usize {
        self.sent.len()
    }

    /// How many primitives wait.
    pub(super) fn queued_count(&self) -> usize {
        self.queue.len()
    }

    pub(super) const fn epoch(&self) -> Epoch {
        self.ids.epoch
    }

    pub(super) fn deadline(&self, limits: &SessionLimits) -> Option<Timestamp> {
        let running = self.sent.iter().filter(|sent| sent.phase != Phase::Overdue);
        running.map(|sent| sent.sent_at.after(limits.sent_life)).min()
    }

    /// The open transaction that this occasion sends again.
    fn due(&self, now: Timestamp, occasion: Occasion, limits: &SessionLimits) -> Option<usize> {
        if let Some(at) = self.sent.iter().position(|sent| sent.phase == Phase::Overdue) {
            return Some(at);
        }
        let is_exhausted = self.sent.len() >= self.multi_trans;
        if occasion != Occasion::Poll || !is_exhausted {
            return None;
        }
        // UNCLEAR behaviour §13: a poll while the limit is reached sends again; a poll that crosses the acknowledgement
        // on its way does not count, because a client that shows what it gets twice would show it twice.
        let stale = self.sent.iter().enumerate().filter(|(_, sent)| sent.sent_at.after(limits.resend_after) <= now);
        stale.min_by_key(|(_, sent)| sent.sent_at).map(|(at, _)| at)
    }

    /// Sends the open transaction again, or ends it when that has been tried often enough.
    fn send_again(&mut self, now: Timestamp, at: usize, limits: &SessionLimits) -> Option<(TransactionId, Primitive)> {
        let sent = self.sent.get_mut(at)?;
        let is_message = matches!(sent.primitive, Primitive::NewMessage(_));
        if sent.phase == Phase::Retracted {
            self.sent.remove(at);
            return None;
        }
        if !sent.superseded.is_empty() {
            // One id never names two contents: what is left of it waits anew.
            let rest = self.sent.remove(at).into_current();
            for entry in rest.into_iter().rev().filter(|entry| matches!(entry.key, QueueKey::Presence(_))) {
                if !self.queue.iter().any(|queued| queued.key == entry.key) {
                    self.queue.push_front(entry);
                }
            }
            return None;
        }
        sent.phase = Phase::Underway;
        sent.sent_at = now;
        if sent.resends < limits.resends_max {
            // WV-POLL-05
            sent.resends = sent.resends.saturating_add(1);
            return Some((sent.id.clone(), sent.primitive.clone()));
        }
        if is_message && sent.renamings < limits.renamings_max {
            // WV-POLL-07
            sent.renamings = sent.renamings.saturating_add(1);
            sent.resends = 0;
            let former = std::mem::replace(&mut sent.id, self.ids.mint());
            sent.former.push(former);
            return Some((sent.id.clone(), sent.primitive.clone()));
        }
        let ended = self.sent.remove(at);
        if is_message {
            self.unanswered.extend(ended.keys.into_iter().map(Unanswered::GivenUp));
        } else {
            // WV-POLL-06
            self.unanswered.push_back(Unanswered::Presumed(ended.id, ended.keys));
        }
        None
    }

    /// The next primitive of the queue; all presence that fits goes into one.
    // WV-POLL-09
    fn take_queued(&mut self, negotiated: &Negotiated, encoding: Encoding) -> Option<(Vec<QueueKey>, Primitive)> {
        let first = negotiated.shaped(self.queue.pop_front()?, encoding, self.parser_size);
        let Primitive::PresenceNotificationRequest(mut notification) = first.primitive else {
            return Some((vec![first.key], first.primitive));
        };
        let mut keys = vec![first.key];
        let mut room = self.parser_size.saturating_sub(ENVELOPE_BYTES);
        room = room.saturating_sub(notification.presences.iter().map(octets_of_presence).sum());
        let mut rest = VecDeque::with_capacity(self.queue.len());
        for entry in self.queue.drain(..) {
            let Primitive::PresenceNotificationRequest(more) = entry.primitive else {
                rest.push_back(entry);
                continue;
            };
            match room.checked_sub(more.presences.iter().map(octets_of_presence).sum()) {
                Some(left) => {
                    room = left;
                    keys.push(entry.key);
                    notification.presences.extend(more.presences);
                }
                None => {
                    let primitive = Primitive::PresenceNotificationRequest(more);
                    rest.push_back(ServerPrimitive { key: entry.key, primitive });
                }
            }
        }
        self.queue = rest;
        Some((keys, Primitive::PresenceNotificationRequest(notification)))
    }
}

/// Where the ids of server-initiated transactions come from.
#[derive(Clone, Copy, Debug)]
struct IdSource {
    epoch: Epoch,
    minted: u64,
}

impl IdSource {
    // WV-TRX-04
    fn mint(&mut self) -> TransactionId {
        self.minted = self.minted.saturating_add(1);
        // WV-TRX-07
        TransactionId::new(format!("s{:x}-{:x}", self.epoch.number(), self.minted))
    }
}

/// A batch as the single entries it was made of.
fn split(keys: Vec<QueueKey>, primitive: Primitive) -> Vec<ServerPrimitive> {
    match primitive {
        Primitive::PresenceNotificationRequest(batch) if keys.len() == batch.presences.len() => keys
            .into_iter()
            .zip(batch.presences)
            .map(|(key, presence)| ServerPrimitive {
                key,
                primitive: Primitive::PresenceNotificationRequest(PresenceNotificationRequest {
                    presences: vec![presence],
                }),
            })
            .collect(),
        primitive => keys.into_iter().next().map(|key| ServerPrimitive { key, primitive }).into_iter().collect(),
    }
}

/// What a client can parse that has not said so: the size that the documents give as their example.
const PARSER_SIZE_DEFAULT: usize = 32_767;

/// Room for the elements around the Presence elements of a notification.
const ENVELOPE_BYTES: usize = 1024;

#[cfg(test)]
mod tests;
