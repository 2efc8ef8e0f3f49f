//! All that is between one domain here and one domain of a peer: set-ups, sessions, and the transactions in them.
//!
//! Made of the machines beside it, which know nothing of each other. Pure: the owner posts what it is told to, hands in
//! what came, and keeps what is to be kept before anything else leaves.

mod event;
mod outbox;
mod reception;
mod setup;
mod snapshot;

pub use event::{Command, Event, Kept, PostResult, Request};
pub use snapshot::AssociationError;

use super::{
    answerer::{AnswererEvent, AnswererMachine, AnswererState},
    document::{Document, SessionMessage, Transaction},
    limit::SspLimits,
    opener::{OpenerEvent, OpenerMachine, OpenerState},
    part::ServiceId,
    primitive::Primitive,
    setup::{SecretToken, SetupStep},
    transaction::{Failure, TransactionEvent},
};
use crate::{
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    quirk::SspQuirk,
    session::time::Timestamp,
    version::Version,
};
use event::{PostKind, PostPurpose};
use outbox::Outbox;
use reception::{Reception, Repetition};
use setup::Half;
use sha1::{Digest as _, Sha1};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What does not change.
#[derive(Clone, Debug)]
pub struct AssociationSettings {
    /// The domain here.
    pub local: ServiceId,
    /// The domain of the peer.
    pub peer: ServiceId,
    /// Keeps the ids of set-ups and sessions apart from those of the owner's other associations.
    pub mark: u16,
    /// The version that is written.
    pub version: Version,
    /// A secret to be sent in place of one made anew.
    pub secret: Option<SecretToken>,
    /// The limits.
    pub limits: SspLimits,
    /// Where secrets come from; drawn anew for every start.
    pub seed: [u8; 32],
}

/// A session that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    /// The id of the set-up that made it.
    setup: TransactionId,
    /// What we put into our messages.
    own: SessionId,
    /// What the peer puts into its messages.
    peer: SessionId,
    /// When it is to be renewed.
    until: Timestamp,
    is_opened_here: bool,
    standing: Standing,
}

/// What a session is good for. What the peer sends in it is taken in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Our last step is out: before the peer has taken it, it knows no session.
    Confirming,
    /// For all that is between the two.
    Usable,
    /// The peer did not take what we sent in it; it may go on sending in it.
    // QUIRK ssp_dead_session: goes on in a session that its peer has replaced, and repeats what is refused there until it
    // expires; Baraza.
    Dead,
}

/// The association.
#[derive(Debug)]
pub struct Association {
    settings: AssociationSettings,
    /// The next number of a transaction.
    next_number: u64,
    /// Up to where numbers are kept as used.
    reserved: u64,
    drawn: u64,
    opener: OpenerMachine,
    opening: Option<Half>,
    answerer: AnswererMachine,
    answering: Option<Half>,
    /// The newest first.
    sessions: VecDeque<Session>,
    outbox: Outbox,
    reception: Reception,
    posts: BTreeMap<u64, PostPurpose>,
    last_post: u64,
    /// No set-up is begun before that.
    open_after: Timestamp,
    setup_failures: u32,
    commands: VecDeque<Command>,
    is_changed: bool,
    /// Quirks of the peer that were met and not counted yet.
    met: Vec<SspQuirk>,
}

/// What there is to show of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssociationState {
    /// No session, and none is wanted.
    Idle,
    /// A set-up of ours is under way.
    Opening,
    /// A set-up of the peer is under way.
    Answering,
    /// A session is there.
    Open,
    /// The last set-up failed, and the next has to wait.
    BackingOff,
}

impl Association {
    /// An association without a session.
    #[must_use]
    pub fn new(now: Timestamp, settings: AssociationSettings) -> Self {
        // Numbers grow with the clock, so that they are new after a loss of everything.
        let first = now.as_millis() / 1000;
        Self {
            outbox: Outbox::new(settings.limits.clone()),
            reception: Reception::new(settings.limits.repetitions_max),
            settings,
            next_number: first,
            reserved: first,
            drawn: 0,
            opener: OpenerMachine::default(),
            opening: None,
            answerer: AnswererMachine::default(),
            answering: None,
            sessions: VecDeque::new(),
            posts: BTreeMap::new(),
            last_post: 0,
            open_after: Timestamp::from_millis(0),
            setup_failures: 0,
            commands: VecDeque::new(),
            is_changed: false,
            met: Vec::new(),
        }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Timestamp, event: Event) {
        match event {
            Event::Request(request) => self.request(now, request),
            Event::Answer { transaction_id, primitive } => self.answer(now, transaction_id, primitive),
            Event::Setup { post, message } => self.setup_came(now, post, message),
            Event::Message { post, message, hash } => self.message_came(now, post, message, hash),
            Event::Posted { number, result } => self.posted(now, number, result),
            Event::Leave => self.fail_all(),
            Event::Forget => self.forget(now),
        }
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`Self::expire`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let wait = self.settings.limits.setup_wait;
        let halves = [&self.opening, &self.answering].into_iter().flatten();
        let halves = halves.flat_map(|half| [Some(half.since.after(wait)), half.repeat_at].into_iter().flatten());
        let wants_session = self.living().is_none() && self.outbox.is_waiting() && self.may_open();
        let open = wants_session.then_some(self.open_after);
        let renewal = self.living().filter(|_| self.may_open()).map(|session| self.renewal_of(session));
        halves.chain(open).chain(renewal).chain(self.outbox.deadline()).min()
    }

    /// Time has passed.
    pub fn expire(&mut self, now: Timestamp) {
        let wait = self.settings.limits.setup_wait;
        // WV-SSP-12
        let is_over = |half: &Option<Half>| half.as_ref().is_some_and(|half| half.since.after(wait) <= now);
        if is_over(&self.opening) {
            self.step_opener(now, OpenerEvent::TimeOver, None);
        }
        if is_over(&self.answering) {
            self.step_answerer(now, AnswererEvent::TimeOver, None);
        }
        let is_due = |half: &mut Option<Half>| {
            half.as_mut().is_some_and(|half| half.repeat_at.take_if(|at| *at <= now).is_some())
        };
        if is_due(&mut self.opening) {
            self.step_opener(now, OpenerEvent::RepeatDue, None);
        }
        if is_due(&mut self.answering) {
            self.step_answerer(now, AnswererEvent::RepeatDue, None);
        }
        for (key, failure) in self.outbox.expire(now, &mut self.commands) {
            self.commands.push_back(Command::Finished { key, result: Err(failure) });
        }
        self.settle(now);
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> AssociationState {
        match (self.living().is_none(), self.opener.state, self.answerer.state) {
            (false, ..) => AssociationState::Open,
            (true, OpenerState::Idle, AnswererState::Idle) if self.open_after > now => AssociationState::BackingOff,
            (true, OpenerState::Idle, AnswererState::Idle) => AssociationState::Idle,
            (true, OpenerState::Idle, _) => AssociationState::Answering,
            (true, ..) => AssociationState::Opening,
        }
    }

    /// What it is between.
    #[must_use]
    pub const fn settings(&self) -> &AssociationSettings {
        &self.settings
    }

    /// The secret that is sent from the next set-up on; none has one made anew.
    pub fn change_secret(&mut self, secret: Option<SecretToken>) {
        self.settings.secret = secret;
    }

    /// So many answers go in one post from now on, whatever the peer was found to take.
    pub fn change_answers_per_post(&mut self, answers_per_post_max: usize) {
        if std::mem::replace(&mut self.settings.limits.answers_per_post_max, answers_per_post_max)
            != answers_per_post_max
        {
            self.outbox.gather_up_to(answers_per_post_max);
        }
    }

    /// How many transactions wait for something.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// The ids of the newest session that is not dead: ours and the peer's.
    #[must_use]
    pub fn session(&self) -> Option<(&SessionId, &SessionId)> {
        self.living().map(|session| (&session.own, &session.peer))
    }

    /// The quirks of the peer that were met since this was asked before.
    pub fn take_met(&mut self) -> Vec<SspQuirk> {
        std::mem::take(&mut self.met)
    }

    fn living(&self) -> Option<&Session> {
        self.sessions.iter().find(|session| session.standing != Standing::Dead)
    }

    /// Whether a message of this session is for it.
    #[must_use]
    pub fn knows_session(&self, id: &SessionId) -> bool {
        self.sessions.iter().any(|session| session.peer == *id)
    }

    /// Whether a step of a set-up is for it; step 1 is for every association of its two domains.
    #[must_use]
    pub fn knows_setup(&self, mode: TransactionMode, id: &TransactionId, step: &SetupStep) -> bool {
        match (step, mode) {
            (SetupStep::SendSecretToken { service, .. }, TransactionMode::Request) => *service == self.settings.peer,
            // WV-SSP-03: step 2 has an id of its own.
            (SetupStep::SendSecretToken { service, .. }, TransactionMode::Response) => {
                *service == self.settings.peer && self.opener.state != OpenerState::Idle
            }
            (SetupStep::LoginRequest { service, .. }, _) if *service != self.settings.peer => false,
            (SetupStep::LoginRequest { .. } | SetupStep::LoginResponse { .. }, mode) => {
                let half = match mode {
                    TransactionMode::Request => &self.answering,
                    TransactionMode::Response => &self.opening,
                };
                let is_of_session = |session: &Session| {
                    session.setup == *id && session.is_opened_here == (mode == TransactionMode::Response)
                };
                half.as_ref().is_some_and(|half| half.transaction_id == *id) || self.sessions.iter().any(is_of_session)
            }
        }
    }

    /// Whether a set-up of the peer is under way that has proved nothing yet.
    #[must_use]
    pub fn is_answering(&self) -> bool {
        self.answerer.state != AnswererState::Idle
    }

    fn request(&mut self, now: Timestamp, request: Request) {
        if let Some(key) = self.outbox.adopt(&request) {
            // The one who asked before does not wait any more.
            self.commands.push_back(Command::Superseded { key });
            return;
        }
        let number = self.mint_number();
        let transaction_id = TransactionId::new(format!("{number:010}-0"));
        if let Err(request) = self.outbox.push(now, transaction_id, request, &mut self.commands) {
            let result = Err(Failure::QueueFull);
            self.commands.push_back(Command::Finished { key: request.key, result });
        }
    }

    fn answer(&mut self, now: Timestamp, transaction_id: TransactionId, primitive: Primitive) {
        let quoted = self.reception.answered(&transaction_id, &primitive);
        self.outbox.push_answer(now, transaction_id, primitive, quoted);
    }

    fn message_came(&mut self, now: Timestamp, post: u64, message: SessionMessage, hash: u64) {
        if !self.knows_session(&message.session_id) {
            // WV-SSP-11
            return self.commands.push_back(Command::Close { post });
        }
        for transaction in message.transactions {
            match transaction.mode {
                TransactionMode::Response => self.answer_came(now, transaction),
                TransactionMode::Request => {
                    let Transaction { transaction_id, content, .. } = transaction;
                    match self.reception.receive(&transaction_id, hash, &message.session_id) {
                        Repetition::New => self.commands.push_back(Command::Execute { transaction_id, content }),
                        Repetition::UnderWay => {}
                        Repetition::Answered(primitive) => {
                            if self.reception.was_in_company(&transaction_id) {
                                self.keep_apart();
                            }
                            self.outbox.push_answer(now, transaction_id, *primitive, Some(message.session_id.clone()));
                        }
                    }
                }
            }
        }
        self.commands.push_back(Command::Take { post });
    }

    fn answer_came(&mut self, now: Timestamp, transaction: Transaction) {
        // An answer that cannot be read is one all the same.
        let Some(key) = self.outbox.answered(now, &transaction.transaction_id, &mut self.commands) else { return };
        self.commands.push_back(Command::Finished { key, result: Ok(transaction.content.ok()) });
    }

    fn posted(&mut self, now: Timestamp, number: u64, result: PostResult) {
        match self.posts.remove(&number) {
            None => {}
            Some(PostPurpose::Opening(step)) => {
                let is_current = self.opening.as_ref().is_some_and(|half| half.step == step);
                if is_current && result != PostResult::Taken {
                    self.step_opener(now, OpenerEvent::PostFailed, None);
                }
            }
            Some(PostPurpose::Answering(step)) => {
                let is_current = self.answering.as_ref().is_some_and(|half| half.step == step);
                if is_current && result != PostResult::Taken {
                    self.step_answerer(now, AnswererEvent::PostFailed, None);
                }
            }
            Some(PostPurpose::LastStep(own)) => {
                if result == PostResult::Taken {
                    self.confirm(&own);
                } else {
                    // The peer does not know our id.
                    self.drop_session(&own);
                }
            }
            Some(PostPurpose::Transactions { ids, kind, own }) => {
                self.outbox.landed(kind);
                let event = match result {
                    PostResult::Taken => TransactionEvent::Taken,
                    PostResult::BadRequest if ids.len() > 1 => {
                        self.keep_apart();
                        TransactionEvent::Parted
                    }
                    PostResult::BadRequest => TransactionEvent::Unreadable,
                    PostResult::Refused => TransactionEvent::Refused,
                    PostResult::Unanswered => TransactionEvent::Unanswered,
                    PostResult::Unreachable => TransactionEvent::Unreachable,
                };
                for id in ids {
                    self.step(now, &id, kind.mode(), event, &own);
                }
            }
        }
    }

    fn step(
        &mut self,
        now: Timestamp,
        id: &TransactionId,
        mode: TransactionMode,
        event: TransactionEvent,
        own: &SessionId,
    ) {
        let step = self.outbox.step(now, id, mode, event, &mut self.commands);
        if step.drops_session {
            self.drop_session(own);
        }
        if let Some((key, result)) = step.finished {
            self.commands.push_back(Command::Finished { key, result });
        }
    }

    /// The peer does not take several transactions together, or loses some of them.
    // QUIRK ssp_one_transaction: refuses a message with several transactions, or asks again for what was answered in one,
    // so each goes by itself; none known.
    fn keep_apart(&mut self) {
        if self.outbox.keep_apart() {
            self.met.push(SspQuirk::OneTransaction);
        }
    }

    /// The session with this id of ours is of no use any more.
    fn drop_session(&mut self, own: &SessionId) {
        let Some(session) = self.sessions.iter_mut().find(|session| session.own == *own) else { return };
        if std::mem::replace(&mut session.standing, Standing::Dead) == Standing::Dead {
            return;
        }
        self.met.push(SspQuirk::DeadSession);
        self.is_changed = true;
        if self.living().is_none() {
            self.commands.push_back(Command::Lost);
        }
    }

    fn confirm(&mut self, own: &SessionId) {
        let session = self.sessions.iter_mut().find(|session| session.own == *own);
        if let Some(session) = session.filter(|session| session.standing == Standing::Confirming) {
            session.standing = Standing::Usable;
        }
    }

    fn forget(&mut self, now: Timestamp) {
        self.sessions.clear();
        (self.opening, self.answering) = (None, None);
        self.opener = OpenerMachine::default();
        self.answerer = AnswererMachine::default();
        self.is_changed = true;
        self.fail_all();
        self.open_after = now;
    }

    fn fail_all(&mut self) {
        for (key, failure) in self.outbox.fail_all(&mut self.commands) {
            self.commands.push_back(Command::Finished { key, result: Err(failure) });
        }
    }

    /// Posts what may go, begins a set-up where one is wanted, and keeps what changed.
    fn settle(&mut self, now: Timestamp) {
        if let Some(session) = self.sessions.iter().find(|session| session.standing == Standing::Usable) {
            let (own, limit) = (session.own.clone(), self.settings.limits.posts_max);
            while self.outbox.in_flight() < limit
                && let Some(outgoing) = self.outbox.next()
            {
                self.post_transactions(&own, outgoing);
            }
        }
        let is_wanted = match self.living() {
            None => self.outbox.is_waiting(),
            Some(session) => self.renewal_of(session) <= now,
        };
        if is_wanted && self.may_open() && self.open_after <= now {
            self.step_opener(now, OpenerEvent::Open, None);
        }
        if std::mem::take(&mut self.is_changed) {
            let body = self.export();
            self.commands.push_back(Command::Keep(Kept::Association(body)));
        }
    }

    /// One set-up between two domains at a time.
    // WV-SSP-12
    fn may_open(&self) -> bool {
        self.opener.state == OpenerState::Idle && self.answerer.state == AnswererState::Idle
    }

    /// The one who opened the session renews it; the other one only where that was not done.
    fn renewal_of(&self, session: &Session) -> Timestamp {
        if session.is_opened_here { session.until } else { session.until.after(RENEWAL_GRACE) }
    }

    fn post_transactions(&mut self, own: &SessionId, outgoing: outbox::Outgoing) {
        let outbox::Outgoing { kind, transactions, quoted } = outgoing;
        let ids: Vec<TransactionId> =
            transactions.iter().map(|transaction| transaction.transaction_id.clone()).collect();
        // Requests name our session, answers the one of the request; the body always ours.
        let (transaction_header, session_header) = match kind {
            PostKind::Request => (ids.first().cloned(), own.clone()),
            PostKind::Answer | PostKind::Gathered => (None, quoted.unwrap_or_else(|| own.clone())),
        };
        if ids.len() > 1 {
            ids.iter().for_each(|id| self.reception.left_in_company(id));
        }
        let document = Document::transactions(self.settings.version, own.clone(), transactions);
        let purpose = PostPurpose::Transactions { ids, kind, own: own.clone() };
        self.post(purpose, document, transaction_header, Some(session_header));
    }

    fn post(
        &mut self,
        purpose: PostPurpose,
        document: Document,
        transaction_header: Option<TransactionId>,
        session_header: Option<SessionId>,
    ) {
        self.last_post = self.last_post.wrapping_add(1);
        let number = self.last_post;
        self.posts.insert(number, purpose);
        self.commands.push_back(Command::Post {
            number,
            document: Box::new(document),
            transaction_header,
            session_header,
        });
    }

    fn mint_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number = self.next_number.saturating_add(1);
        if self.next_number > self.reserved {
            self.reserved = self.next_number.saturating_add(NUMBERS_RESERVED);
            self.is_changed = true;
        }
        number
    }

    /// Octets that nobody can guess who does not know the seed.
    fn draw(&mut self) -> [u8; 16] {
        self.drawn = self.drawn.wrapping_add(1);
        let mut hash = Sha1::new();
        hash.update(self.settings.seed);
        hash.update(self.settings.peer.domain());
        hash.update(self.settings.local.domain());
        hash.update(self.drawn.to_be_bytes());
        let digest = hash.finalize();
        let mut octets = [0; 16];
        octets.iter_mut().zip(digest).for_each(|(octet, drawn)| *octet = drawn);
        octets
    }
}

/// How long after the lifetime of a session the end renews it that has not opened it.
const RENEWAL_GRACE: Duration = Duration::from_secs(180);

/// Numbers that are kept as used ahead of their use.
const NUMBERS_RESERVED: u64 = 1000;

#[cfg(test)]
mod tests;
