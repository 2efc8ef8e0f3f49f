//! The session of one client with the server, from the login on.

mod cell;
mod event;
mod heeded;
mod long_poll;
mod request;

pub use event::{Acknowledgement, CirChannel, Closing, Command, Event, Post};

use super::keep_alive::{CorrectionStyle, KeepAlive};
use super::limit::SessionLimits;
use super::login::{Opening, Resumption};
use super::negotiation::{Negotiated, Offer};
use super::poll::{Enqueued, Epoch, Occasion, Outbox, ServerPrimitive, Transition, Unanswered};
use super::time::Timestamp;
use super::transaction::{Pending, PendingList, PostId, ReplayCache, Slot, Ticket};
use crate::primitive::access::{Disconnect, Status};
use crate::primitive::identifier::{ClientId, SessionCookie, SessionId, TransactionId, UserId};
use crate::primitive::{Envelope, Malformed, Primitive, SessionDescriptor, Transaction, TransactionMode};
use crate::quirk::{Profile, Quirk, QuirkSet};
use crate::status::StatusCode;
use crate::version::{Encoding, Version};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// What all sessions of a server share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Limits.
    pub limits: SessionLimits,
    /// What is offered in negotiation.
    pub offer: Offer,
    /// How a wish for a keep-alive time out of bounds is answered.
    pub correction: CorrectionStyle,
    /// How long a poll is held when nothing waits; zero answers it at once. Never above [`super::limit::LONG_POLL_CEILING`].
    pub long_poll: Duration,
    /// The CIR flag that tells a 1.2 client that its channel is broken, when it is to be told at all.
    pub cir_broken_flag_1_2: Option<bool>,
}

/// Who a session belongs to. None of it changes but the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The id of the session.
    pub session_id: SessionId,
    /// The user, as he named himself.
    pub user_id: UserId,
    /// The client.
    pub client_id: ClientId,
    /// What the client wants to find in CIR messages.
    pub session_cookie: Option<SessionCookie>,
    /// The version in which the session is held.
    pub version: Version,
    /// The encoding of the login, which that client understands for certain.
    pub encoding: Encoding,
    /// The kind of client.
    pub profile: Profile,
    /// Its quirks.
    pub quirks: QuirkSet,
}

/// Where a session stands. Before the login succeeds there is no session, see [`super::login::LoginMachine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Logged in; the services are not negotiated.
    Open,
    /// The services are negotiated.
    Active,
    /// The keep-alive time ran out; a login can establish the session again.
    Lapsed,
    /// The owner ended it; the client does not know yet.
    Ending(StatusCode),
    /// Over.
    Closed(Closing),
}

/// The session of one client.
#[derive(Clone, Debug)]
pub struct ServerSession {
    policy: Arc<SessionPolicy>,
    party: Party,
    state: State,
    keep_alive: KeepAlive,
    negotiated: Negotiated,
    cir_channel: CirChannel,
    outbox: Outbox,
    held_poll: Option<long_poll::HeldPoll>,
    pending: PendingList,
    replays: ReplayCache,
    commands: VecDeque<Command>,
    /// Quirks that were heeded and not counted yet.
    heeded: Cell<QuirkSet>,
}

impl ServerSession {
    /// The session that a login opened. The epoch must be larger than that of any earlier life of a session with the
    /// same id.
    #[must_use]
    pub fn open(
        now: Timestamp,
        policy: Arc<SessionPolicy>,
        opening: Opening,
        encoding: Encoding,
        profile: Profile,
        epoch: Epoch,
    ) -> Self {
        let party = Party {
            session_id: opening.session_id,
            user_id: opening.user_id,
            client_id: opening.client_id,
            session_cookie: opening.session_cookie,
            version: opening.version,
            encoding,
            profile,
            quirks: profile.quirks(),
        };
        let keep_alive = KeepAlive::start(now, opening.keep_alive);
        Self::with(policy, party, keep_alive, opening.negotiated, epoch)
    }

    pub(crate) fn with(
        policy: Arc<SessionPolicy>,
        party: Party,
        keep_alive: KeepAlive,
        negotiated: Negotiated,
        epoch: Epoch,
    ) -> Self {
        let mut session = Self {
            policy,
            party,
            state: State::Open,
            keep_alive,
            negotiated,
            cir_channel: CirChannel::Quiet,
            outbox: Outbox::new(epoch),
            held_poll: None,
            pending: PendingList::default(),
            replays: ReplayCache::default(),
            commands: VecDeque::new(),
            heeded: Cell::default(),
        };
        session.state = session.established();
        session.outbox.agree(session.negotiated.multi_trans(), session.negotiated.parser_size());
        session
    }

    /// Something happened. Afterwards [`Self::poll`] is to be called until it has nothing more.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        self.expire(now);
        self.name_cells(&event);
        match event {
            Event::Post(post) => self.receive(now, post),
            Event::Push(post) => self.push(now, post),
            Event::Answer { ticket, primitive } => self.answer(now, ticket, primitive),
            Event::Enqueue(entry) => self.enqueue(now, entry),
            Event::Retract(key) => self.outbox.retract(&key),
            Event::Disconnect(code) => self.disconnect(code),
            Event::Resume(resumption) => self.resume(now, resumption),
            Event::CirChannel(channel) => self.cir_channel = channel,
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Command> {
        let next = self.commands.pop_front();
        if next.is_none() && self.commands.capacity() > 0 {
            // Most sessions have nothing to do most of the time.
            self.commands = VecDeque::new();
        }
        next
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Timestamp) {
        let policy = Arc::clone(&self.policy);
        self.name_times(now);
        // WV-TRX-08
        for ticket in self.pending.overdue(now, &policy.limits) {
            self.answer(now, ticket, Primitive::Status(Status::from(StatusCode::TIMEOUT)));
        }
        match self.state {
            State::Open | State::Active => {
                if self.keep_alive.lapses() <= now {
                    // WV-KEEP-05
                    self.state = State::Lapsed;
                    self.commands.push_back(Command::Lapsed);
                    self.close_after_grace(now);
                }
            }
            State::Lapsed => self.close_after_grace(now),
            State::Ending(code) => {
                if self.keep_alive.lapses() <= now {
                    self.close(Closing::Disconnected(code));
                }
            }
            State::Closed(_) => {}
        }
        if self.is_established() {
            let transition = self.outbox.expire(now, &policy.limits);
            self.wake(now, transition);
        }
        self.release_poll(now);
    }

    /// What waits in the session and was not acknowledged, to be queued in the session that takes its place.
    pub fn take_queue(&mut self) -> Vec<ServerPrimitive> {
        self.outbox.take_all()
    }

    /// When [`Self::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let limits = &self.policy.limits;
        let life = match self.state {
            State::Open | State::Active | State::Ending(_) => Some(self.keep_alive.lapses()),
            State::Lapsed => Some(self.keep_alive.ends(limits)),
            State::Closed(_) => None,
        };
        let sent = self.outbox.deadline(limits).filter(|_| self.is_established());
        let held = self.held_poll.map(|held| held.until);
        life.into_iter().chain(sent).chain(held).chain(self.pending.deadline(limits)).min()
    }

    /// Where the session stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Who it belongs to.
    #[must_use]
    pub const fn party(&self) -> &Party {
        &self.party
    }

    /// What was agreed.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// The keep-alive time and when it was last restarted.
    #[must_use]
    pub const fn keep_alive(&self) -> &KeepAlive {
        &self.keep_alive
    }

    /// The epoch of its ids.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.outbox.epoch()
    }

    /// How many primitives wait for the client.
    #[must_use]
    pub fn queued_count(&self) -> usize {
        self.outbox.queued_count()
    }

    /// How many server-initiated transactions the client has not answered.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.outbox.open_count()
    }

    /// Whether the client finds something when it polls.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        match self.state {
            State::Open | State::Active => self.outbox.is_waiting(),
            State::Ending(_) => true,
            State::Lapsed | State::Closed(_) => false,
        }
    }

    /// Whether a login can establish it again, or take its place.
    #[must_use]
    pub const fn may_go_on(&self) -> bool {
        match self.state {
            State::Open | State::Active | State::Lapsed => true,
            State::Ending(_) | State::Closed(_) => false,
        }
    }

    fn receive(&mut self, now: Timestamp, post: Post) {
        match self.state {
            State::Open | State::Active => {
                // WV-KEEP-02
                self.keep_alive.restart(now);
                self.accept(now, post);
            }
            State::Lapsed => {
                self.acknowledge_all(&post);
                // WV-OUT-03
                self.refuse(&post, StatusCode::SESSION_EXPIRED);
            }
            State::Ending(code) => {
                self.acknowledge_all(&post);
                self.end(&post, code);
            }
            // WV-OUT-03
            State::Closed(closing) => self.refuse(&post, closing.code()),
        }
    }

    /// What the client acknowledges counts even when the session does not.
    fn acknowledge_all(&mut self, post: &Post) {
        let responses = post.message.transactions.iter().filter(|one| one.mode == TransactionMode::Response);
        for response in responses {
            self.acknowledge(response.id.as_ref(), response.content.clone());
        }
    }

    /// Takes a message apart: what needs an answer gets a place for it, the rest allows something of ours to be sent.
    fn accept(&mut self, now: Timestamp, post: Post) {
        if self.pending.len() >= self.policy.limits.posts_max {
            // WV-TRX-09
            return self.refuse(&post, StatusCode::SERVICE_UNAVAILABLE);
        }
        let mut occasion = None;
        let mut slots = Vec::new();
        let mut late = Vec::new();
        for transaction in post.message.transactions {
            let ticket = Ticket { post: post.id, index: slots.len() };
            match (transaction.mode, transaction.content) {
                (TransactionMode::Request, Ok(Primitive::PollingRequest)) => occasion = Some(Occasion::Poll),
                (TransactionMode::Response, content) => {
                    occasion = occasion.or(Some(Occasion::Acknowledgement));
                    if let Some(delivered) = self.acknowledge(transaction.id.as_ref(), content) {
                        slots.push(Slot { id: transaction.id, source: ticket, answer: None });
                        late.push((ticket, delivered));
                    }
                }
                (TransactionMode::Request, Ok(primitive))
                    if self.is_mislabelled(transaction.id.as_ref(), &primitive) =>
                {
                    self.acknowledge(transaction.id.as_ref(), Ok(primitive));
                    let answer = Some(Primitive::Status(Status::from(StatusCode::SUCCESS)));
                    slots.push(Slot { id: transaction.id, source: ticket, answer });
                }
                (TransactionMode::Request, Ok(primitive)) => {
                    let known = transaction.id.as_ref().and_then(|id| self.pending.repeats(id, &post.identity));
                    let source = known.unwrap_or(ticket);
                    let kept = transaction.id.as_ref();
                    let kept = kept.and_then(|id| self.replays.find(now, id, &post.identity, &self.policy.limits));
                    let answer = kept.cloned();
                    if known.is_none() && answer.is_none() {
                        late.push((ticket, primitive));
                    }
                    slots.push(Slot { id: transaction.id, source, answer });
                }
                (TransactionMode::Request, Err(malformed)) => {
                    // WV-SES-04
                    let answer = Some(Primitive::Status(Status::from(malformed.status())));
                    slots.push(Slot { id: transaction.id, source: ticket, answer });
                }
            }
        }
        if slots.is_empty() {
            return self.offer(now, post.id, occasion);
        }
        self.pending.push(Pending { post: post.id, identity: post.identity, received: now, slots });
        for (ticket, primitive) in late {
            self.request(now, ticket, primitive);
        }
        self.flush();
    }

    /// Answers a message that holds no request: with something of ours, or with nothing.
    // WV-POLL-03
    fn offer(&mut self, now: Timestamp, post: PostId, occasion: Option<Occasion>) {
        let policy = Arc::clone(&self.policy);
        let mut transactions = Vec::new();
        if let Some(occasion) = occasion {
            // WV-TRX-06
            while transactions.len() < self.transactions_per_message()
                && let Some((id, primitive)) =
                    self.outbox.next(now, occasion, &policy.limits, &self.negotiated, self.party.encoding)
            {
                transactions.push(Transaction::request(Some(id), primitive));
            }
        }
        self.report_unanswered();
        if transactions.is_empty() && occasion == Some(Occasion::Poll) && self.may_hold() {
            return self.hold_poll(now, post);
        }
        let answer = (!transactions.is_empty()).then(|| self.envelope(transactions));
        self.commands.push_back(Command::Respond { post, answer });
    }

    /// The client answered one of our transactions; a MessageDelivered that answers none is a request in disguise.
    fn acknowledge(&mut self, id: Option<&TransactionId>, content: Result<Primitive, Malformed>) -> Option<Primitive> {
        let open = id.and_then(|id| self.outbox.acknowledge(id).map(|keys| (id.clone(), keys)));
        match (open, content) {
            (Some((transaction, keys)), Ok(primitive)) => {
                let answer = Acknowledgement::Answered(primitive);
                self.commands.push_back(Command::Acknowledged { transaction, keys, answer });
                None
            }
            (Some((transaction, keys)), Err(_)) => {
                let answer = Acknowledgement::Unreadable;
                self.commands.push_back(Command::Acknowledged { transaction, keys, answer });
                None
            }
            (None, Ok(Primitive::MessageDelivered(delivered))) => Some(Primitive::MessageDelivered(delivered)),
            // WV-TRX-10
            (None, Ok(_) | Err(_)) => None,
        }
    }

    /// Whether a request is in truth the answer to one of our transactions: some clients get the mode wrong.
    // WV-TRX-11
    fn is_mislabelled(&self, id: Option<&TransactionId>, primitive: &Primitive) -> bool {
        let is_answer = matches!(
            primitive,
            Primitive::Status(_) | Primitive::MessageDelivered(_) | Primitive::ExtendConversationResponse(_)
        );
        is_answer && id.is_some_and(|id| self.outbox.is_open(id))
    }

    fn answer(&mut self, now: Timestamp, ticket: Ticket, primitive: Primitive) {
        if primitive.result().is_some_and(|result| result.code == StatusCode::PARTIALLY_SUCCESSFUL) {
            self.heeds(Quirk::No201);
        }
        let primitive = request::tamed(primitive, self.party.quirks);
        if let Some((id, identity)) = self.pending.answer(ticket, &primitive) {
            let policy = Arc::clone(&self.policy);
            self.replays.keep(now, id, identity, primitive, &policy.limits);
        }
        self.flush();
    }

    /// Answers every message that has all its answers.
    // WV-HTTP-01
    fn flush(&mut self) {
        for complete in self.pending.take_complete() {
            let answered = complete.slots.into_iter().filter_map(|slot| slot.answer.map(|answer| (slot.id, answer)));
            // WV-TRX-01
            let transactions = answered.map(|(id, answer)| Transaction::response(id, answer)).collect();
            let answer = Some(self.envelope(transactions));
            self.commands.push_back(Command::Respond { post: complete.post, answer });
        }
    }

    fn enqueue(&mut self, now: Timestamp, entry: ServerPrimitive) {
        match self.state {
            State::Open | State::Active | State::Lapsed => {
                let policy = Arc::clone(&self.policy);
                match self.outbox.enqueue(entry, &policy.limits) {
                    Enqueued::Waits(transition) => self.wake(now, transition),
                    Enqueued::Absorbed => {}
                    Enqueued::Shed(key) => self.commands.push_back(Command::Shed(key)),
                }
            }
            State::Ending(_) | State::Closed(_) => self.commands.push_back(Command::Shed(entry.key)),
        }
    }

    /// A client whose session has lapsed is not woken: it would hear 600 and lose what it can still resume.
    // WV-POLL-10
    fn wake(&mut self, now: Timestamp, transition: Transition) {
        match transition {
            Transition::FromEmpty if self.is_established() => match self.held_poll.take() {
                Some(held) => self.offer(now, held.post, Some(Occasion::Poll)),
                None => self.commands.push_back(Command::WakeUp),
            },
            Transition::FromEmpty | Transition::Unchanged => {}
        }
    }

    fn disconnect(&mut self, code: StatusCode) {
        match self.state {
            State::Open | State::Active => {
                // WV-OUT-02
                self.state = State::Ending(code);
                match self.held_poll.take() {
                    Some(held) => self.say_farewell(held.post, code),
                    None => self.commands.push_back(Command::WakeUp),
                }
            }
            State::Lapsed => self.close(Closing::Disconnected(code)),
            State::Ending(_) | State::Closed(_) => {}
        }
    }

    fn resume(&mut self, now: Timestamp, resumption: Resumption) {
        match self.state {
            State::Open | State::Active | State::Lapsed => {
                self.keep_alive.change(now, resumption.keep_alive);
                self.party.session_cookie = resumption.session_cookie.or(self.party.session_cookie.take());
                self.state = self.established();
                self.outbox.reopen();
                self.commands.push_back(Command::Changed);
                if self.outbox.is_waiting() {
                    self.commands.push_back(Command::WakeUp);
                }
            }
            State::Ending(_) | State::Closed(_) => {}
        }
    }

    /// Tells the client at the first opportunity that the server has ended the session.
    fn end(&mut self, post: &Post, code: StatusCode) {
        let has_request = post.message.transactions.iter().any(|transaction| {
            transaction.mode == TransactionMode::Request && transaction.content != Ok(Primitive::PollingRequest)
        });
        if has_request {
            self.refuse(post, code);
        } else {
            return self.say_farewell(post.id, code);
        }
        self.close(Closing::Disconnected(code));
    }

    // WV-OUT-02
    fn say_farewell(&mut self, post: PostId, code: StatusCode) {
        let disconnect = Primitive::Disconnect(Disconnect { result: code.into() });
        let transaction = Transaction::request(Some(self.outbox.mint()), disconnect);
        let answer = Some(Envelope::new(self.descriptor(), transaction));
        self.commands.push_back(Command::Respond { post, answer });
        self.close(Closing::Disconnected(code));
    }

    fn refuse(&mut self, post: &Post, code: StatusCode) {
        let answer = super::closed::refuse(&post.message, code);
        self.commands.push_back(Command::Respond { post: post.id, answer });
    }

    fn close_after_grace(&mut self, now: Timestamp) {
        if self.keep_alive.ends(&self.policy.limits) <= now {
            self.close(Closing::Expired);
        }
    }

    fn close(&mut self, closing: Closing) {
        self.state = State::Closed(closing);
        self.drop_held_poll();
        self.commands.push_back(Command::Closed(closing));
    }

    fn report_unanswered(&mut self) {
        while let Some(unanswered) = self.outbox.next_unanswered() {
            self.commands.push_back(match unanswered {
                Unanswered::Presumed(transaction, keys) => {
                    Command::Acknowledged { transaction, keys, answer: Acknowledgement::Presumed }
                }
                Unanswered::GivenUp(key) => Command::GivenUp(key),
            });
        }
    }

    fn envelope(&self, transactions: Vec<Transaction>) -> Envelope {
        Envelope {
            session: self.descriptor(),
            transactions,
            // WV-POLL-04
            poll: (self.is_established() && self.outbox.is_waiting()).then_some(true),
            cir: self.cir_flag(),
        }
    }

    fn cir_flag(&self) -> Option<bool> {
        match (self.cir_channel, self.party.version) {
            (CirChannel::Quiet, _) | (CirChannel::Broken, Version::V1_1) => None,
            (CirChannel::Broken, Version::V1_2) if self.heeds(Quirk::CirFlagTrue) => Some(true),
            (CirChannel::Broken, Version::V1_2) => self.policy.cir_broken_flag_1_2,
            (CirChannel::Broken, Version::V1_3) => Some(false),
        }
    }

    fn descriptor(&self) -> SessionDescriptor {
        SessionDescriptor::Inband(self.party.session_id.clone())
    }

    fn transactions_per_message(&self) -> usize {
        let agreed = usize::from(self.negotiated.multi_trans_per_message());
        if agreed > 1 && self.heeds(Quirk::OneTransaction) { 1 } else { agreed }
    }

    // WV-SES-02
    const fn established(&self) -> State {
        if self.negotiated.services().is_some() { State::Active } else { State::Open }
    }

    const fn is_established(&self) -> bool {
        match self.state {
            State::Open | State::Active => true,
            State::Lapsed | State::Ending(_) | State::Closed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
