//! Transactions that the client began: which wait for their answer, and which answers are kept to be repeated.

use super::limit::SessionLimits;
use super::time::Timestamp;
use crate::primitive::Primitive;
use crate::primitive::identifier::TransactionId;
use sha1::{Digest as _, Sha1};

/// Names one message of the client and the HTTP exchange it came in; minted by the owner, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostId(u64);

impl PostId {
    /// The name of this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Names one transaction of a message: what the owner quotes when it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The message.
    pub post: PostId,
    /// The place of the transaction in the message, from 0.
    pub index: usize,
}

/// The content of a message, for telling a resend from another use of the same TransactionID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity([u8; 20]);

impl Identity {
    /// The identity of a message with these octets.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha1::digest(body).into())
    }
}

/// A transaction of the client that is answered with a primitive.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: Option<TransactionId>,
    /// The transaction whose answer this one shares: itself, or the earlier one that it repeats.
    pub(super) source: Ticket,
    pub(super) answer: Option<Primitive>,
}

/// A message of the client that has not been answered yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) post: PostId,
    pub(super) identity: Identity,
    pub(super) received: Timestamp,
    pub(super) slots: Vec<Slot>,
}

impl Pending {
    pub(super) fn is_complete(&self) -> bool {
        self.slots.iter().all(|slot| slot.answer.is_some())
    }
}

/// The messages that wait for answers of the owner.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingList(Vec<Pending>);

impl PendingList {
    pub(super) fn push(&mut self, pending: Pending) {
        self.0.push(pending);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The transaction under way that has this id and this content.
    // WV-TRX-02
    pub(super) fn repeats(&self, id: &TransactionId, identity: &Identity) -> Option<Ticket> {
        let same = self.0.iter().filter(|pending| pending.identity == *identity);
        let mut slots = same.flat_map(|pending| &pending.slots);
        slots.find(|slot| slot.id.as_ref() == Some(id)).map(|slot| slot.source)
    }

    /// Puts the answer where it belongs; whether anybody waited for it.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: &Primitive) -> Option<(TransactionId, Identity)> {
        let mut kept = None;
        for pending in &mut self.0 {
            let open = pending.slots.iter_mut().filter(|slot| slot.source == ticket && slot.answer.is_none());
            for slot in open {
                slot.answer = Some(answer.clone());
                kept = kept.or_else(|| slot.id.clone().map(|id| (id, pending.identity)));
            }
        }
        kept
    }

    /// The tickets that have waited too long.
    // WV-TRX-08
    pub(super) fn overdue(&self, now: Timestamp, limits: &SessionLimits) -> Vec<Ticket> {
        let late = self.0.iter().filter(|pending| pending.received.after(limits.answer_wait) <= now);
        let open = late.flat_map(|pending| &pending.slots).filter(|slot| slot.answer.is_none());
        open.map(|slot| slot.source).collect()
    }

    /// All tickets that wait.
    pub(super) fn take_complete(&mut self) -> Vec<Pending> {
        let (complete, open) = std::mem::take(&mut self.0).into_iter().partition(Pending::is_complete);
        self.0 = open;
        complete
    }

    pub(super) fn deadline(&self, limits: &SessionLimits) -> Option<Timestamp> {
        self.0.iter().map(|pending| pending.received.after(limits.answer_wait)).min()
    }
}

/// The last answers, to be repeated when their request comes again.
#[derive(Clone, Debug, Default)]
pub(super) struct ReplayCache(Vec<Replay>);

#[derive(Clone, Debug)]
struct Replay {
    id: TransactionId,
    identity: Identity,
    answered: Timestamp,
    answer: Primitive,
}

impl ReplayCache {
    // WV-TRX-02
    pub(super) fn find(
        &self,
        now: Timestamp,
        id: &TransactionId,
        identity: &Identity,
        limits: &SessionLimits,
    ) -> Option<&Primitive> {
        let mut known = self.0.iter().rev().filter(|replay| now < replay.answered.after(limits.replay_life));
        known.find(|replay| replay.id == *id && replay.identity == *identity).map(|replay| &replay.answer)
    }

    pub(super) fn keep(
        &mut self,
        now: Timestamp,
        id: TransactionId,
        identity: Identity,
        answer: Primitive,
        limits: &SessionLimits,
    ) {
        while self.0.len() >= limits.replays_max.max(1) {
            self.0.remove(0);
        }
        // A few for every session there is: without room for more.
        self.0.reserve_exact(1);
        self.0.push(Replay { id, identity, answered: now, answer });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitive::access::Status;
    use crate::status::StatusCode;

    fn answer(code: StatusCode) -> Primitive {
        Status::from(code).into()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn wv_trx_02_an_answer_is_found_by_id_and_content_together() {
        let limits = SessionLimits::default();
        let mut cache = ReplayCache::default();
        let id = TransactionId::new("7");
        cache.keep(at(0), id.clone(), Identity::of(b"one"), answer(StatusCode::SUCCESS), &limits);
        assert_eq!(cache.find(at(1), &id, &Identity::of(b"one"), &limits), Some(&answer(StatusCode::SUCCESS)));
        assert_eq!(cache.find(at(1), &id, &Identity::of(b"two"), &limits), None);
        assert_eq!(cache.find(at(1), &TransactionId::new("8"), &Identity::of(b"one"), &limits), None);
        assert_eq!(cache.find(at(301), &id, &Identity::of(b"one"), &limits), None);
    }

    #[test]
    fn the_replay_cache_forgets_the_oldest_answer_first() {
        let limits = SessionLimits { replays_max: 2, ..SessionLimits::default() };
        let mut cache = ReplayCache::default();
        for number in 0..3 {
            let id = TransactionId::new(number.to_string());
            cache.keep(at(0), id, Identity::of(b""), answer(StatusCode::SUCCESS), &limits);
        }
        let known =
            |number: &str| cache.find(at(0), &TransactionId::new(number), &Identity::of(b""), &limits).is_some();
        assert!(!known("0") && known("1") && known("2"));
    }

    #[test]
    fn one_answer_serves_every_message_that_waits_for_it() {
        let mut list = PendingList::default();
        let ticket = Ticket { post: PostId::new(1), index: 0 };
        for number in 1..=2 {
            let slot = Slot { id: Some(TransactionId::new("5")), source: ticket, answer: None };
            let identity = Identity::of(b"same");
            list.push(Pending { post: PostId::new(number), identity, received: at(0), slots: vec![slot] });
        }
        assert_eq!(list.repeats(&TransactionId::new("5"), &Identity::of(b"same")), Some(ticket));
        assert!(list.answer(ticket, &answer(StatusCode::SUCCESS)).is_some());
        assert_eq!(list.take_complete().len(), 2);
        assert!(list.answer(ticket, &answer(StatusCode::SUCCESS)).is_none());
    }
}
