//! The CSP sessions of one lane: what clients post goes to their session machines, what these want executed becomes
//! neutral requests, and what the engine wants told waits in their queues.

mod answer;
mod back_off;
mod change;
mod command;
mod execute;
mod group;
mod login;
mod notice;
mod plain_text;
mod post;
mod restore;
mod show;
mod size;
mod spelling;
mod subscriber;
mod trace;
mod unheard;
mod wake;

pub use post::{IncomingPost, PostReply};
pub use restore::{Provider, WvParts, WvSettings, offered_functions};
pub use subscriber::{SubscriberBackend, SubscriberDesk};

use crate::{
    account::{AccountBook, Directory},
    entropy::Entropy,
    lane::{Adapter, Clock, Input, Intake, Neighbourhood, Ticket as LaneTicket},
    observe::{Tap, wire::Line},
    quick_hash::QuickMap,
    store::WireRecord,
    wv::cir::{CirLink, CirOutlet},
};
use bytes::Bytes;
use mapping::{
    address::Address,
    command::Command,
    correlation::Correlation,
    engine::Engine,
    event::{DetachReason, Event, EventKind, Operation, Request, RequestId},
    presence::AttributeSet,
    side::{Endpoint, Side},
    time::Timestamp,
};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
};
use tokio::sync::Notify;
use wv_proto::{
    primitive::{
        Envelope, TransactionMode,
        identifier::{GroupId, MessageId, SessionId, UserId},
        notification::NotificationType,
    },
    quirk::{Quirk, QuirkSet},
    session::{
        closed::ClosedSessions,
        login::LoginMachine,
        poll::QueueKey,
        segment::SegmentShelf,
        server::{Acknowledgement, Closing, Command as SessionCommand, Event as SessionEvent, ServerSession},
        time::Timestamp as WvTimestamp,
        transaction::{PostId, Ticket},
    },
    snapshot,
    status::StatusCode,
};

/// The sessions and logins of one lane.
pub struct Sessions {
    settings: WvSettings,
    clock: Clock,
    accounts: AccountBook,
    wake: Rc<Notify>,
    tap: Tap,
    logins: LoginMachine,
    /// Boxed: a table has room for more than it holds, and a session is large.
    entries: QuickMap<SessionId, Box<Entry>>,
    by_user: HashMap<Address, Vec<SessionId>>,
    closed: ClosedSessions,
    deadlines: BTreeSet<(WvTimestamp, SessionId)>,
    waiting: QuickMap<PostId, post::Waiting>,
    pending: QuickMap<u64, execute::Pending>,
    held: QuickMap<u64, Vec<(PostId, Option<Envelope>)>>,
    /// Who logs in, as far as the message tells.
    notes: QuickMap<PostId, login::LoginNote>,
    back_off: back_off::BackOff,
    subscribers: SubscriberBackend,
    /// The events that sessions want to hear of (1.3).
    notices: QuickMap<SessionId, Vec<NotificationType>>,
    notice_number: u64,
    /// Searches of which not everything was told.
    searches: QuickMap<SessionId, Vec<execute::search::OpenSearch>>,
    directory: Directory,
    login_budget: HashMap<IpAddr, (u64, u32)>,
    outlet: CirOutlet,
    plain_text: plain_text::PlainText,
    /// Who asks for SHTTP with what.
    tokens: HashMap<String, SessionId>,
    /// Where clients are whose sessions are yet to be restored.
    sources: HashMap<SessionId, (IpAddr, Option<SocketAddr>)>,
    request_seconds: metrics::Histogram,
    randomness: u64,
    entropy: Entropy,
    next_number: u64,
    /// Kinds of records.
    kinds: Vec<Arc<str>>,
    current: Correlation,
    inputs: Vec<Input>,
    own: Option<std::rc::Weak<RefCell<Sessions>>>,
}

/// A session with what the machine does not know.
struct Entry {
    machine: ServerSession,
    user: Address,
    deadline: Option<WvTimestamp>,
    /// Whether the engine was told that the session can be reached.
    is_attached: bool,
    /// Whether the client has said what it takes, or has gone on without saying it: what was stored is shaped by it.
    is_receiving: bool,
    /// Whether only answers to what is under way are left.
    is_over: bool,
    /// The last messages, and whether their answers were heard.
    unheard: unheard::Unheard,
    /// Answers that the client fetches in slices.
    segments: SegmentShelf,
    /// Why what waits in it waits: the causal chains, to be named when it leaves and when it is acknowledged.
    chains: HashMap<QueueKey, Correlation>,
    /// The connection over which the client is woken.
    link: Option<Rc<CirLink>>,
    /// Where its client takes messages in plain text, if it wrote in it last.
    plain: Option<SocketAddr>,
    /// Where its last message came from.
    source: Option<IpAddr>,
    is_source_kept: bool,
    /// Whether its user was joined to the groups in which it wants to be with each login.
    has_own_groups: bool,
    /// What requests would change that have no answer yet.
    changes: Vec<(Ticket, Vec<change::Change>)>,
    /// What the client was shown of the history of groups: the messages, and where they were said.
    history: HashMap<MessageId, GroupId>,
    /// Attributes of presentities that were queued or sent and are not acknowledged.
    untold: HashMap<QueueKey, AttributeSet>,
    /// The quirks of its client that made a difference so far.
    heeded: QuirkSet,
}

impl Entry {
    fn new(machine: ServerSession, user: Address) -> Self {
        Self {
            is_receiving: machine.negotiated().capabilities().is_some(),
            machine,
            user,
            deadline: None,
            is_attached: false,
            is_over: false,
            unheard: unheard::Unheard::default(),
            segments: SegmentShelf::default(),
            chains: HashMap::new(),
            link: None,
            plain: None,
            source: None,
            is_source_kept: false,
            has_own_groups: false,
            changes: Vec::new(),
            history: HashMap::new(),
            untold: HashMap::new(),
            heeded: QuirkSet::default(),
        }
    }
}

impl Sessions {
    /// Carries out what the machine of a session wants.
    fn drive(&mut self, now: Timestamp, id: &SessionId) {
        let mut responses = Vec::new();
        let inputs_before = self.inputs.len();
        let mut is_changed = false;
        while let Some(command) = self.entries.get_mut(id).and_then(|entry| entry.machine.poll()) {
            match command {
                SessionCommand::Execute { ticket, primitive } => {
                    self.begin_receiving(id);
                    self.expect_changes(id, ticket, &primitive);
                    self.execute(now, id, ticket, primitive);
                }
                SessionCommand::Respond { post, answer } => responses.push((post, answer)),
                SessionCommand::Acknowledged { keys, answer, .. } => self.acknowledged(id, &keys, &answer),
                SessionCommand::Negotiated(_) => {
                    is_changed = true;
                    if let Some(entry) = self.entries.get_mut(id) {
                        entry.is_receiving = true;
                    }
                    self.attach(id);
                    self.join_own_groups(id);
                }
                SessionCommand::Changed => is_changed = true,
                SessionCommand::Closed(closing) => self.close(now, id, closing),
                SessionCommand::Shed(key) => {
                    self.end_chain(id, &key);
                    tracing::debug!(side = "wv", session = %id, ?key, correlation = %self.current, "not queued");
                    crate::observe::metric::shed(Side::Wv, "session_queue");
                }
                // Messages stay in the store until the client comes again.
                SessionCommand::GivenUp(key) => drop(self.end_chain(id, &key)),
                SessionCommand::WakeUp => self.wake_client(now, id),
                SessionCommand::Lapsed => {}
            }
        }
        if is_changed {
            self.keep(id);
        }
        self.count_quirks(id);
        self.schedule(id);
        self.answer_posts(inputs_before, responses);
        self.forget_if_over(id);
    }

    /// Answers at once, or, when the same turn of the machine handed something over, once that is committed: the answer
    /// may promise it.
    fn answer_posts(&mut self, inputs_before: usize, responses: Vec<(PostId, Option<Envelope>)>) {
        if responses.is_empty() {
            return;
        }
        // An empty body promises nothing, and neither does a transaction of the server.
        let is_promise = |(_, answer): &(PostId, Option<Envelope>)| {
            let mut transactions = answer.iter().flat_map(|answer| &answer.transactions);
            transactions.any(|transaction| transaction.mode == TransactionMode::Response)
        };
        if self.inputs.len() > inputs_before && responses.iter().any(is_promise) {
            return self.hold(responses);
        }
        for (post, answer) in responses {
            self.reply(post, answer);
        }
    }

    fn hold(&mut self, responses: Vec<(PostId, Option<Envelope>)>) {
        let number = self.next();
        self.held.insert(number, responses);
        self.inputs.push(Input::Hold(LaneTicket { side: Side::Wv, number }));
    }

    /// Keeps the session as it is now.
    fn keep(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get(id).filter(|entry| entry.machine.may_go_on()) else { return };
        let (body, owner) = (snapshot::export(&entry.machine), entry.user.to_shared());
        self.record(SESSION, id, owner, Some(body));
    }

    fn record(&mut self, kind: &'static str, id: &SessionId, owner: Arc<str>, body: Option<Bytes>) {
        let (kind, key) = (self.kind(kind), id.to_shared());
        self.inputs.push(Input::Wire(WireRecord { side: Side::Wv, kind, key, owner: Some(owner), body }));
    }

    /// The kind of a record: one text for all.
    fn kind(&mut self, kind: &'static str) -> Arc<str> {
        if let Some(known) = self.kinds.iter().find(|known| known.as_ref() == kind) {
            return Arc::clone(known);
        }
        let kind: Arc<str> = Arc::from(kind);
        self.kinds.push(Arc::clone(&kind));
        kind
    }

    /// The session is over. Its machine stays until it has answered the messages that are under way.
    fn close(&mut self, now: Timestamp, id: &SessionId, closing: Closing) {
        self.detach(
            id,
            match closing {
                Closing::LoggedOut => DetachReason::Logout,
                Closing::Expired => DetachReason::Expired,
                Closing::Disconnected(_) => DetachReason::Forced,
            },
        );
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.is_over = true;
        let user = entry.user.clone();
        if let Some(sessions) = self.by_user.get_mut(&user) {
            sessions.retain(|known| known != id);
            if sessions.is_empty() {
                self.by_user.remove(&user);
            }
        }
        self.forget_notices(id);
        self.searches.remove(id);
        let limits = &self.settings.session_policy.limits;
        self.closed.remember(to_wv(now), id.clone(), closing.code(), limits);
        self.record(SESSION, id, user.to_shared(), None);
        self.drop_channels(now, id);
        tracing::debug!(side = "wv", session = %id, %user, correlation = %self.current, ?closing, "session closed");
    }

    fn forget_if_over(&mut self, id: &SessionId) {
        // A machine that is over has a deadline only for messages that it has not answered yet.
        if self.entries.get(id).is_some_and(|entry| entry.is_over && entry.deadline.is_none()) {
            self.entries.remove(id);
        }
    }

    /// Tells the engine that the session can be reached, and what it takes.
    fn attach(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.is_attached = true;
        let mut attachment = restore::attachment(&entry.machine);
        attachment.reception.takes_stored = entry.is_receiving;
        let user = entry.user.clone();
        // Plain text has no known codes for messages.
        attachment.reception.takes_messages &= entry.plain.is_none();
        self.offer_token(id);
        self.ask(user, id, Operation::Attach(attachment), execute::Pending::Nothing);
    }

    /// The client goes on: what waits for its user may come now.
    // WV-MSG-14
    fn begin_receiving(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if !std::mem::replace(&mut entry.is_receiving, true) {
            self.attach(id);
        }
    }

    fn detach(&mut self, id: &SessionId, reason: DetachReason) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if std::mem::take(&mut entry.is_attached) {
            let user = entry.user.clone();
            self.ask(user, id, Operation::Detach(reason), execute::Pending::Nothing);
        }
    }

    /// A client answered something that the server sent.
    fn acknowledged(&mut self, id: &SessionId, keys: &[QueueKey], answer: &Acknowledgement) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let chain = self.current;
        for key in keys {
            if let Some(entry) = self.entries.get_mut(id) {
                entry.untold.remove(key);
            }
            // The word on a message belongs to the chain that brought it.
            self.current = self.end_chain(id, key).unwrap_or(chain);
            if let Some(kind) = execute::acknowledgement(id, &user, key, answer) {
                self.tell(kind);
            }
            self.extension_answered(id, &user, key, answer);
        }
        self.current = chain;
    }

    fn end_chain(&mut self, id: &SessionId, key: &QueueKey) -> Option<Correlation> {
        self.entries.get_mut(id)?.chains.remove(key)
    }

    fn schedule(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let deadline = entry.machine.deadline();
        if deadline == entry.deadline {
            return;
        }
        if let Some(old) = entry.deadline {
            self.deadlines.remove(&(old, id.clone()));
        }
        if let Some(new) = deadline {
            // The lane waits for the earliest one.
            if self.deadlines.first().is_none_or(|(first, _)| new < *first) {
                self.wake.notify_one();
            }
            self.deadlines.insert((new, id.clone()));
        }
        entry.deadline = deadline;
    }

    fn ask(&mut self, user: Address, id: &SessionId, operation: Operation, pending: execute::Pending) {
        let number = self.next();
        self.pending.insert(number, pending);
        let request = Request { id: RequestId { side: Side::Wv, number }, user, endpoint: endpoint_of(id), operation };
        self.tell(EventKind::Request(request));
    }

    fn tell(&mut self, kind: EventKind) {
        self.inputs.push(Input::Event(Event { correlation: self.current, kind }));
        self.wake.notify_one();
    }

    /// Hands the answer of a request to its session.
    fn settle(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, primitive: wv_proto::primitive::Primitive) {
        self.settle_changes(now, id, ticket, &primitive);
        if let Some(entry) = self.entries.get_mut(id) {
            entry.machine.handle(to_wv(now), SessionEvent::Answer { ticket, primitive });
        }
        self.drive(now, id);
    }

    /// Whether a quirk of the client is to be heeded; if so it counts.
    fn heeds(&self, id: &SessionId, quirk: Quirk) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.machine.heeds(quirk))
    }

    fn count_quirks(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let heeded = entry.machine.take_heeded();
        entry.heeded = entry.heeded.union(heeded);
        for quirk in heeded.iter() {
            crate::observe::metric::quirk(Side::Wv, quirk.as_str());
        }
    }

    fn next(&mut self) -> u64 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// Ends the sessions of a user; how many.
    fn log_out(&mut self, now: Timestamp, user: &Address) -> usize {
        self.current = self.correlation();
        let sessions: Vec<SessionId> = self.by_user.get(user).cloned().unwrap_or_default();
        let live = |id: &&SessionId| self.entries.get(id).is_some_and(|entry| entry.machine.may_go_on());
        let live: Vec<SessionId> = sessions.iter().filter(live).cloned().collect();
        for id in &live {
            self.detach(id, DetachReason::Forced);
            if let Some(entry) = self.entries.get_mut(id) {
                // WV-OUT-02
                entry.machine.handle(to_wv(now), SessionEvent::Disconnect(StatusCode::FORCED_LOGOUT));
            }
            self.record(SESSION, id, user.to_shared(), None);
            self.drive(now, id);
        }
        live.len()
    }

    /// The engine knows the user now: whoever was faster than the news is attached again.
    fn account_added(&mut self, user: &Address) {
        self.current = self.correlation();
        for id in self.by_user.get(user).cloned().unwrap_or_default() {
            self.attach(&id);
        }
    }

    fn expire(&mut self, now: Timestamp) {
        self.logins.expire(to_wv(now));
        self.drive_logins(now);
        // Each once, so that no machine can keep the lane here.
        let mut due = Vec::new();
        while let Some((at, id)) = self.deadlines.first().cloned() {
            if at > to_wv(now) {
                break;
            }
            due.push(id);
            self.deadlines.pop_first();
        }
        for id in due {
            // A wait starts a causal chain of its own.
            self.current = self.correlation();
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.deadline = None;
                entry.machine.expire(to_wv(now));
            }
            self.drive(now, &id);
        }
    }
}

/// The sessions as their lane and the listener hold them.
#[derive(Clone)]
pub struct WvAdapter(Rc<RefCell<Sessions>>);

impl WvAdapter {
    /// Sessions that know nothing yet.
    #[must_use]
    pub fn new(parts: WvParts) -> Self {
        let sessions = Rc::new(RefCell::new(Sessions::new(parts)));
        sessions.borrow_mut().own = Some(Rc::downgrade(&sessions));
        Self(sessions)
    }

    /// Takes up a kept record.
    pub fn restore(&self, now: Timestamp, record: &WireRecord) {
        self.0.borrow_mut().restore(now, record);
    }

    /// Takes what a client posted; the reply comes when it is ready.
    #[must_use]
    pub fn post(&self, post: IncomingPost) -> tokio::sync::oneshot::Receiver<PostReply> {
        self.0.borrow_mut().receive(post, None)
    }

    /// Takes what a client posted over this line to this path.
    #[must_use]
    pub fn post_over(&self, line: Line, path: &str, post: IncomingPost) -> tokio::sync::oneshot::Receiver<PostReply> {
        let mut sessions = self.0.borrow_mut();
        // Only the trace wants to know.
        let path = sessions.tap.is_watched().then(|| Box::from(path));
        sessions.receive(post, Some(trace::Passage { line, path }))
    }
}

impl Adapter for WvAdapter {
    fn collect(&mut self, intake: &mut Intake) {
        intake.extend(std::mem::take(&mut self.0.borrow_mut().inputs));
    }

    fn execute(&mut self, now: Timestamp, command: Command) {
        self.0.borrow_mut().carry_out(now, command);
    }

    fn release(&mut self, _: Timestamp, ticket: LaneTicket) {
        let mut sessions = self.0.borrow_mut();
        for (post, answer) in sessions.held.remove(&ticket.number).unwrap_or_default() {
            sessions.reply(post, answer);
        }
    }

    fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        self.0.borrow_mut().reload(now, kept);
    }

    fn reroute(&mut self, _: Timestamp, neighbourhood: &Neighbourhood, _: &Engine) {
        self.0.borrow_mut().settings.domains = neighbourhood.routing.domains.clone();
    }

    fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.0.borrow_mut().reconcile(now, engine);
    }

    fn dismiss(&mut self, now: Timestamp, user: &Address) {
        self.0.borrow_mut().dismiss(now, user);
    }

    fn refuse(&mut self, _: Timestamp) {
        self.0.borrow_mut().refuse_waiting();
    }

    fn deadline(&self) -> Option<Timestamp> {
        let sessions = self.0.borrow();
        let first = sessions.deadlines.first().map(|(at, _)| *at);
        first.into_iter().chain(sessions.logins.deadline()).min().map(|at| Timestamp::from_millis(at.as_millis()))
    }

    fn expire(&mut self, now: Timestamp) {
        self.0.borrow_mut().expire(now);
    }

    fn show(&self, topic: crate::admin::ShowTopic) -> Vec<serde_json::Value> {
        self.0.borrow().show(topic)
    }

    fn tally(&self) -> Vec<(&'static str, usize)> {
        let sessions = self.0.borrow();
        let open = sessions.entries.values().filter(|entry| !entry.is_over).count();
        vec![("sessions", open), ("posts", sessions.waiting.len())]
    }

    fn log_out(&mut self, now: Timestamp, user: &Address) -> usize {
        self.0.borrow_mut().log_out(now, user)
    }

    fn accounts_added(&mut self, _: Timestamp, users: &[Address], _: &Engine) {
        let mut sessions = self.0.borrow_mut();
        users.iter().for_each(|user| sessions.account_added(user));
    }

    fn under_way(&self) -> usize {
        self.0.borrow().posts_under_way()
    }
}

/// The kind of the records that hold sessions.
const SESSION: &str = "session";

const fn to_wv(at: Timestamp) -> WvTimestamp {
    WvTimestamp::from_millis(at.as_millis())
}

/// What the engine calls a session.
fn endpoint_of(id: &SessionId) -> Endpoint {
    Endpoint { side: Side::Wv, id: id.to_shared() }
}

/// The user that a UserID names.
fn user_of(user_id: &UserId, domain_default: &str) -> Option<Address> {
    super::translate::address::to_neutral(user_id.as_str(), domain_default).ok()
}

#[cfg(test)]
mod tests;
