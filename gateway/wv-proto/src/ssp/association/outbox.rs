//! The transactions towards a peer, in order.

mod order;

use super::event::{Command, Kept, PostKind, Request};
use super::snapshot;
use crate::{
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    session::time::Timestamp,
    ssp::{
        document::Transaction,
        limit::SspLimits,
        primitive::Primitive,
        transaction::{Failure, TransactionAction, TransactionEvent, TransactionMachine, TransactionState},
    },
};
use order::Order;
use smallvec::SmallVec;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

/// The transactions.
#[derive(Debug)]
pub(super) struct Outbox {
    entries: BTreeMap<u64, Entry>,
    by_id: HashMap<(TransactionId, bool), u64>,
    by_name: HashMap<Box<str>, u64>,
    order: Order,
    last: u64,
    /// Posts under way.
    in_flight: usize,
    /// Those of them that bring answers that gather.
    gathered_in_flight: usize,
    limits: SspLimits,
}

/// A transaction with what its machine does not know.
#[derive(Debug)]
pub(super) struct Entry {
    machine: TransactionMachine,
    pub(super) transaction_id: TransactionId,
    mode: TransactionMode,
    /// The session of the request that is answered.
    quoted: Option<SessionId>,
    pub(super) request: Request,
    /// When its wait is over: for others to go with it, for its answer, or for the next attempt.
    waits_until: Option<Timestamp>,
    failures: u32,
    /// Whether it may leave together with others.
    gathers: bool,
}

/// What leaves now in one post.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) kind: PostKind,
    pub(super) transactions: Vec<Transaction>,
    pub(super) quoted: Option<SessionId>,
}

/// What came of a step.
#[derive(Debug, Default)]
pub(super) struct Stepped {
    pub(super) drops_session: bool,
    pub(super) finished: Option<(u64, Result<Option<Primitive>, Failure>)>,
}

impl Outbox {
    pub(super) fn new(limits: SspLimits) -> Self {
        Self {
            entries: BTreeMap::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            order: Order::default(),
            last: 0,
            in_flight: 0,
            gathered_in_flight: 0,
            limits,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A post has come to its end.
    pub(super) const fn landed(&mut self, kind: PostKind) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if matches!(kind, PostKind::Gathered) {
            self.gathered_in_flight = self.gathered_in_flight.saturating_sub(1);
        }
    }

    /// From now on nothing leaves together with others; whether anything did.
    pub(super) fn keep_apart(&mut self) -> bool {
        std::mem::replace(&mut self.limits.answers_per_post_max, 1) > 1
    }

    /// So many answers leave together from now on.
    pub(super) const fn gather_up_to(&mut self, answers_per_post_max: usize) {
        self.limits.answers_per_post_max = answers_per_post_max;
    }

    /// Whether anything waits for a session.
    pub(super) fn is_waiting(&self) -> bool {
        self.order.has_waiting()
    }

    /// The request that is under way under the same name goes on under the new key; the old key.
    pub(super) fn adopt(&mut self, request: &Request) -> Option<u64> {
        let number = *self.by_name.get(request.name.as_deref()?)?;
        let entry = self.entries.get_mut(&number)?;
        entry.request.expires = entry.request.expires.max(request.expires);
        let old = std::mem::replace(&mut entry.request.key, request.key);
        self.file(number);
        Some(old)
    }

    /// Takes a request, or gives it back.
    pub(super) fn push(
        &mut self,
        _: Timestamp,
        transaction_id: TransactionId,
        request: Request,
        commands: &mut VecDeque<Command>,
    ) -> Result<(), Box<Request>> {
        if request.replaces {
            self.replace(request.line.as_deref(), commands);
        }
        if self.entries.len() >= self.limits.queue_max {
            return Err(Box::new(request));
        }
        if request.is_kept {
            let body = Some(snapshot::export_transaction(&transaction_id, &request));
            commands.push_back(Command::Keep(Kept::Transaction { transaction_id: transaction_id.clone(), body }));
        }
        self.insert(transaction_id, TransactionMode::Request, request, None, None);
        Ok(())
    }

    /// What has not left is not needed any more.
    fn replace(&mut self, line: Option<&str>, commands: &mut VecDeque<Command>) {
        let Some(line) = line else { return };
        let waits = |number: &u64| self.entries.get(number).is_some_and(Entry::is_waiting);
        let old: Vec<u64> = self.order.of_line(line).filter(waits).collect();
        for number in old {
            if let Some(entry) = self.remove(number, commands) {
                commands.push_back(Command::Superseded { key: entry.request.key });
            }
        }
    }

    /// Takes an answer of the owner. It is posted as often as a request, and nobody waits for it.
    pub(super) fn push_answer(
        &mut self,
        now: Timestamp,
        transaction_id: TransactionId,
        primitive: Primitive,
        quoted: Option<SessionId>,
    ) {
        if self.by_id.contains_key(&(transaction_id.clone(), true)) {
            return;
        }
        let request = Request {
            key: 0,
            name: None,
            line: None,
            replaces: false,
            is_kept: false,
            is_impatient: false,
            expires: now.after(ANSWER_LIFE),
            primitive,
        };
        let waits_until = Some(now.after(self.limits.gather_wait));
        self.insert(transaction_id, TransactionMode::Response, request, quoted, waits_until);
    }

    fn insert(
        &mut self,
        transaction_id: TransactionId,
        mode: TransactionMode,
        request: Request,
        quoted: Option<SessionId>,
        waits_until: Option<Timestamp>,
    ) {
        self.last = self.last.saturating_add(1);
        let number = self.last;
        let is_answer = mode == TransactionMode::Response;
        let expects_answer = !is_answer && request.primitive.expects_answer();
        let machine = TransactionMachine::new(expects_answer, request.is_impatient, self.limits.attempts_max);
        let gathers = is_answer && request.primitive.is_brief();
        self.by_id.insert((transaction_id.clone(), is_answer), number);
        if let Some(name) = &request.name {
            self.by_name.insert(name.clone(), number);
        }
        self.order.enter(number, request.line.as_deref());
        let waits_until = waits_until.filter(|_| gathers);
        let entry = Entry { machine, transaction_id, mode, quoted, request, waits_until, failures: 0, gathers };
        self.entries.insert(number, entry);
        self.file(number);
    }

    /// Notes how a transaction stands now.
    fn file(&mut self, number: u64) {
        if let Some(entry) = self.entries.get(&number) {
            self.order.file(number, entry.request.line.as_deref(), entry.machine.state, entry.due());
        }
    }

    /// What may leave now in one post: the oldest transaction, or the answers that have gathered.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        let oldest = self.order.ready().next()?;
        let gathered = self.gathered();
        if self.may_gather_on(&gathered) {
            return None;
        }
        let numbers = if gathered.is_empty() { SmallVec::from_iter([oldest]) } else { gathered };
        let quoted = self.entries.get(&oldest)?.quoted.clone();
        let mut outgoing =
            Outgoing { kind: PostKind::Request, transactions: Vec::with_capacity(numbers.len()), quoted };
        for number in numbers {
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            entry.machine.handle(TransactionEvent::Turn);
            entry.waits_until = None;
            outgoing.kind = match entry.mode {
                TransactionMode::Request => PostKind::Request,
                TransactionMode::Response if entry.gathers => PostKind::Gathered,
                TransactionMode::Response => PostKind::Answer,
            };
            outgoing.transactions.push(Transaction {
                mode: entry.mode,
                transaction_id: entry.transaction_id.clone(),
                content: Ok(entry.request.primitive.clone()),
            });
            self.file(number);
        }
        self.in_flight = self.in_flight.saturating_add(1);
        if outgoing.kind == PostKind::Gathered {
            self.gathered_in_flight = self.gathered_in_flight.saturating_add(1);
        }
        Some(outgoing)
    }

    /// The answers that would leave together now; none where the oldest transaction goes by itself.
    // WV-SSP-17
    fn gathered(&self) -> SmallVec<[u64; 32]> {
        let mut session = None;
        let goes_along = |number: &u64| {
            let Some(entry) = self.entries.get(number).filter(|entry| entry.gathers) else { return false };
            // One post quotes one session.
            *session.get_or_insert(&entry.quoted) == &entry.quoted
        };
        self.order.ready().take_while(goes_along).take(self.limits.answers_per_post_max).collect()
    }

    /// Whether these answers need not leave yet: others are under way, and nothing waits behind these.
    fn may_gather_on(&self, gathered: &[u64]) -> bool {
        let oldest = gathered.first().and_then(|number| self.entries.get(number));
        oldest.is_some_and(|oldest| oldest.waits_until.is_some())
            && self.gathered_in_flight > 0
            && gathered.len() < self.limits.answers_per_post_max
            && self.order.ready().nth(gathered.len()).is_none()
    }

    /// A session is there: what waits because of the last one need not wait longer.
    pub(super) fn resume(&mut self) {
        for number in self.order.waiting().collect::<Vec<_>>() {
            let Some(entry) = self.entries.get_mut(&number) else { continue };
            if entry.machine.state == TransactionState::BackingOff {
                entry.machine.handle(TransactionEvent::Waited);
                entry.waits_until = None;
                self.file(number);
            }
        }
    }

    /// The peer answered a request; its key.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        id: &TransactionId,
        commands: &mut VecDeque<Command>,
    ) -> Option<u64> {
        let step = self.step(now, id, TransactionMode::Request, TransactionEvent::Answered, commands);
        step.finished.map(|(key, _)| key)
    }

    pub(super) fn step(
        &mut self,
        now: Timestamp,
        id: &TransactionId,
        mode: TransactionMode,
        event: TransactionEvent,
        commands: &mut VecDeque<Command>,
    ) -> Stepped {
        let is_answer = mode == TransactionMode::Response;
        let number = self.by_id.get(&(id.clone(), is_answer)).copied();
        number.map(|number| self.step_number(now, number, event, commands)).unwrap_or_default()
    }

    fn step_number(
        &mut self,
        now: Timestamp,
        number: u64,
        event: TransactionEvent,
        commands: &mut VecDeque<Command>,
    ) -> Stepped {
        let mut stepped = Stepped::default();
        let Some(entry) = self.entries.get_mut(&number) else { return stepped };
        let was_posting = entry.machine.state == TransactionState::Posting;
        let mut over = None;
        for action in entry.machine.handle(event) {
            match action {
                // Only by `next`.
                TransactionAction::Post => {}
                TransactionAction::AwaitAnswer => entry.waits_until = Some(now.after(self.limits.answer_wait)),
                TransactionAction::BackOff => {
                    entry.failures = entry.failures.saturating_add(1);
                    let pause = self.limits.backoff_step.saturating_mul(entry.failures);
                    entry.waits_until = Some(now.after(pause));
                }
                TransactionAction::DropSession => stepped.drops_session = true,
                TransactionAction::Succeed => over = Some(Ok(None)),
                TransactionAction::Fail(failure) => over = Some(Err(failure)),
            }
        }
        // What was not taken may be at fault.
        entry.gathers &= !was_posting;
        self.file(number);
        if let Some(result) = over
            && let Some(entry) = self.remove(number, commands)
            && entry.mode == TransactionMode::Request
        {
            stepped.finished = Some((entry.request.key, result));
        }
        stepped
    }

    fn remove(&mut self, number: u64, commands: &mut VecDeque<Command>) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        self.by_id.remove(&(entry.transaction_id.clone(), entry.mode == TransactionMode::Response));
        if let Some(name) = &entry.request.name {
            self.by_name.remove(name);
        }
        if let Some(heir) = self.order.leave(number, entry.request.line.as_deref()) {
            self.file(heir);
        }
        if entry.request.is_kept {
            let transaction_id = entry.transaction_id.clone();
            commands.push_back(Command::Keep(Kept::Transaction { transaction_id, body: None }));
        }
        Some(entry)
    }

    /// The next time at which something is due.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.order.first_due()
    }

    /// Does what is due; the requests that failed by it.
    pub(super) fn expire(&mut self, now: Timestamp, commands: &mut VecDeque<Command>) -> Vec<(u64, Failure)> {
        let of = |number: u64| Some((number, self.entries.get(&number)?.request.expires <= now));
        let due: Vec<(u64, bool)> = self.order.due(now).filter_map(of).collect();
        let mut failed = Vec::new();
        for (number, is_expired) in due {
            let event = if is_expired { TransactionEvent::Expired } else { TransactionEvent::Waited };
            if let Some(entry) = self.entries.get_mut(&number) {
                entry.waits_until = None;
            }
            if let Some((key, Err(failure))) = self.step_number(now, number, event, commands).finished {
                failed.push((key, failure));
            }
        }
        failed
    }

    /// No session could be made: what does not wait for the next attempt fails.
    pub(super) fn setup_failed(&mut self, now: Timestamp, commands: &mut VecDeque<Command>) -> Vec<(u64, Failure)> {
        let numbers: Vec<u64> = self.entries.keys().copied().collect();
        let step = |number| self.step_number(now, number, TransactionEvent::SetupFailed, commands).finished;
        let finished: Vec<_> = numbers.into_iter().filter_map(step).collect();
        finished.into_iter().filter_map(|(key, result)| result.err().map(|failure| (key, failure))).collect()
    }

    /// What is kept over a restart, and posted again after it.
    pub(super) fn restore(&mut self, transaction_id: TransactionId, request: Request) {
        if !self.by_id.contains_key(&(transaction_id.clone(), false)) {
            self.insert(transaction_id, TransactionMode::Request, request, None, None);
        }
    }

    /// Everything ends.
    pub(super) fn fail_all(&mut self, commands: &mut VecDeque<Command>) -> Vec<(u64, Failure)> {
        let numbers: Vec<u64> = self.entries.keys().copied().collect();
        let ended = numbers.into_iter().filter_map(|number| self.remove(number, commands));
        let ended: Vec<Entry> = ended.collect();
        let requests = ended.into_iter().filter(|entry| entry.mode == TransactionMode::Request);
        requests.map(|entry| (entry.request.key, Failure::Unreachable)).collect()
    }
}

impl Entry {
    fn is_waiting(&self) -> bool {
        matches!(self.machine.state, TransactionState::Queued | TransactionState::BackingOff)
    }

    /// When something is due for it. Its post is waited for.
    fn due(&self) -> Option<Timestamp> {
        if self.machine.state == TransactionState::Posting {
            return None;
        }
        Some(self.waits_until.map_or(self.request.expires, |until| until.min(self.request.expires)))
    }
}

/// How long an answer is tried to be posted: what the known server does.
const ANSWER_LIFE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
