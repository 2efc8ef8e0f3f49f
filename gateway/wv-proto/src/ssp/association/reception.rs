//! What the peer asked for lately: a transaction that comes again is executed once, and its answer is repeated.

use crate::{
    primitive::identifier::{SessionId, TransactionId},
    ssp::primitive::Primitive,
};
use std::collections::{HashMap, VecDeque};

/// The window.
#[derive(Debug)]
pub(super) struct Reception {
    entries: HashMap<TransactionId, Entry>,
    order: VecDeque<TransactionId>,
    entries_max: usize,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    session_id: SessionId,
    answer: Option<Box<Primitive>>,
    /// Whether the answer left together with others.
    in_company: bool,
}

/// What a transaction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Repetition {
    /// New.
    New,
    /// It was executed, and its answer is not there yet, or none is due.
    UnderWay,
    /// It was answered so.
    Answered(Box<Primitive>),
}

impl Reception {
    pub(super) fn new(entries_max: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), entries_max }
    }

    // WV-SSP-13
    pub(super) fn receive(&mut self, id: &TransactionId, hash: u64, session_id: &SessionId) -> Repetition {
        if let Some(known) = self.entries.get(id).filter(|known| known.hash == hash) {
            return known.answer.clone().map_or(Repetition::UnderWay, Repetition::Answered);
        }
        let entry = Entry { hash, session_id: session_id.clone(), answer: None, in_company: false };
        if self.entries.insert(id.clone(), entry).is_none() {
            self.order.push_back(id.clone());
        }
        while self.order.len() > self.entries_max {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
        Repetition::New
    }

    /// The session in which the request came that is answered now.
    pub(super) fn answered(&mut self, id: &TransactionId, answer: &Primitive) -> Option<SessionId> {
        let entry = self.entries.get_mut(id)?;
        entry.answer = Some(Box::new(answer.clone()));
        Some(entry.session_id.clone())
    }

    /// The answer left together with others.
    pub(super) fn left_in_company(&mut self, id: &TransactionId) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.in_company = true;
        }
    }

    /// Whether the answer left together with others.
    pub(super) fn was_in_company(&self, id: &TransactionId) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.in_company)
    }
}
