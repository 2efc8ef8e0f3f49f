//! The gateway as a client of WV servers that nobody may touch: for each SIP user an account there, its shadow. What the
//! server tells a shadow becomes requests of WV users, and what the engine wants of the server is asked in the session of
//! the user on whose behalf it is wanted.

mod answer;
mod asked;
mod channel;
mod command;
mod peer;
mod post;
mod presence;
mod rerouting;
mod settings;
mod shadow;
mod show;
mod subscription;
mod trace;

pub use settings::{CspPeer, ShadowRow, SidecarParts, SidecarSettings};

use crate::{
    account::AccountBook,
    lane::{Adapter, Clock, Input, Intake, Neighbourhood, Ticket},
    observe::{Direction, Readiness, Tap},
    store::WireRecord,
};
use command::Purpose;
use mapping::{
    address::Address,
    command::Command,
    correlation::Correlation,
    engine::Engine,
    event::{Event, EventKind, Operation, Request as NeutralRequest, RequestId},
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
};
use peer::Peer;
use shadow::{Origin, Shadow};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::{Rc, Weak},
};
use subscription::Subscriptions;
use tokio::sync::Notify;
use wv_proto::{
    codec::{WriterOptions, decode_in_session},
    limit::Limits,
    primitive::{Envelope, Primitive},
    quirk::ServerQuirk,
    session::{
        standing::{Command as SessionCommand, Event as SessionEvent, Failure, Loss, Request},
        time::Timestamp as WvTimestamp,
    },
    version::ContentType,
};

/// The shadows of one lane.
pub struct Sidecar {
    settings: SidecarSettings,
    accounts: AccountBook,
    clock: Clock,
    wake: Rc<Notify>,
    tap: Tap,
    readiness: Readiness,
    peers: Vec<Peer>,
    shadows: Vec<Shadow>,
    /// Shadows by account.
    by_account: HashMap<Address, usize>,
    /// Shadows by SIP user and place of the peer.
    by_user: HashMap<(Address, usize), usize>,
    /// Shadows that are none any more, by account: their places are taken again when they come back.
    retired: HashMap<Address, usize>,
    /// When shadows want to be looked after.
    due: BTreeSet<(Timestamp, usize)>,
    /// Requests to the engine.
    pending: HashMap<u64, answer::Pending>,
    /// Requests to servers.
    purposes: HashMap<u64, Purpose>,
    held: BTreeMap<u64, Held>,
    subscriptions: Subscriptions,
    /// Messages whose fate their senders want to know, by account and the server's name for them.
    reports: HashMap<(Address, Box<str>), command::AwaitedReport>,
    next_number: u64,
    randomness: u64,
    current: Correlation,
    inputs: Vec<Input>,
    /// Whether the process ends: nobody logs in any more.
    is_leaving: bool,
    own: Option<Weak<RefCell<Sidecar>>>,
}

/// An answer to a server that leaves when everything before it is committed.
struct Held {
    shadow: usize,
    ticket: u64,
    primitive: Primitive,
}

impl Sidecar {
    fn new(parts: SidecarParts) -> Self {
        let SidecarParts { settings, accounts, clock, wake, tap, readiness, randomness } = parts;
        let peers = settings.peers.iter().map(Peer::new).collect();
        let mut sidecar = Self {
            settings,
            accounts,
            clock,
            wake,
            tap,
            readiness,
            peers,
            shadows: Vec::new(),
            by_account: HashMap::new(),
            by_user: HashMap::new(),
            retired: HashMap::new(),
            due: BTreeSet::new(),
            pending: HashMap::new(),
            purposes: HashMap::new(),
            held: BTreeMap::new(),
            subscriptions: Subscriptions::default(),
            reports: HashMap::new(),
            next_number: 0,
            randomness,
            current: Correlation::new(randomness),
            inputs: Vec::new(),
            is_leaving: false,
            own: None,
        };
        for row in std::mem::take(&mut sidecar.settings.shadows) {
            sidecar.add_shadow(row, Origin::Configuration);
        }
        for row in sidecar.stored_shadows() {
            sidecar.add_shadow(row, Origin::Store);
        }
        sidecar
    }

    /// Feeds a session and does what it wants.
    fn turn(&mut self, now: Timestamp, index: usize, event: SessionEvent) {
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        shadow.session.handle(to_wv(now), event);
        self.drive(now, index);
    }

    fn drive(&mut self, now: Timestamp, index: usize) {
        while let Some(command) = self.shadows.get_mut(index).and_then(|shadow| shadow.session.poll()) {
            match command {
                SessionCommand::Send { number, message } => self.post(index, number, &message),
                SessionCommand::Due => self.queue_entry(now, index),
                SessionCommand::Answered { key, primitive } => {
                    if let Some(purpose) = self.purposes.remove(&key) {
                        self.server_answered(now, index, purpose, Ok(primitive));
                    }
                }
                SessionCommand::Failed { key, failure } => {
                    if let Some(purpose) = self.purposes.remove(&key) {
                        self.server_answered(now, index, purpose, Err(failure));
                    }
                }
                SessionCommand::Asked { ticket, primitive } => self.asked(now, index, ticket, primitive),
                SessionCommand::Opened(channel) => self.opened(now, index, &channel),
                SessionCommand::Met(quirk) => crate::observe::metric::quirk(Side::Wv, quirk.as_str()),
                news @ (SessionCommand::Fallen(_)
                | SessionCommand::Left
                | SessionCommand::LoginFailed(_)
                | SessionCommand::Barred(_)) => self.session_news(now, index, &news),
            }
        }
        self.schedule(now, index);
    }

    fn post(&mut self, index: usize, number: u64, message: &Envelope) {
        let Some(own) = self.own.clone() else { return };
        let Some(peer) = self.shadows.get(index).map(|shadow| shadow.peer) else { return };
        let (Some(row), Some(known)) = (self.settings.peers.get(peer), self.peers.get(peer)) else { return };
        let (version, encoding) = (row.session.version, row.encoding);
        let content_type = ContentType::for_version(version, encoding);
        let body = message.encode(version, encoding, WriterOptions::default());
        match &body {
            Ok(body) => self.trace(Direction::Out, row, (body, Some(content_type)), || title_of(message)),
            // A text that the encoding cannot hold.
            Err(error) => tracing::warn!(side = "wv", title = title_of(message), %error, "not written"),
        }
        let (client, correlation) = (Rc::clone(&known.client), self.current);
        tokio::task::spawn_local(async move {
            let result = match body {
                Ok(body) => {
                    crate::observe::metric::message(Side::Wv, Direction::Out, body.len());
                    client.post(content_type, body).await
                }
                Err(_) => Err(Loss::Unanswered),
            };
            let Some(own) = own.upgrade() else { return };
            let mut sidecar = own.borrow_mut();
            let now = sidecar.clock.now();
            sidecar.current = correlation;
            sidecar.posted(now, index, number, result);
            sidecar.wake.notify_one();
        });
    }

    /// What became of a post.
    fn posted(&mut self, now: Timestamp, index: usize, number: u64, result: Result<post::Posted, Loss>) {
        let Some(peer) = self.shadows.get(index).map(|shadow| shadow.peer) else { return };
        self.note_reachability(now, peer, !matches!(result, Err(Loss::Unreached)));
        let event = match result {
            Ok(posted) => {
                crate::observe::metric::message(Side::Wv, Direction::In, posted.body.len());
                self.read(peer, number, &posted)
            }
            Err(loss) => SessionEvent::Lost { number, loss },
        };
        self.turn(now, index, event);
    }

    fn read(&mut self, peer: usize, number: u64, posted: &post::Posted) -> SessionEvent {
        let Some(row) = self.settings.peers.get(peer) else {
            return SessionEvent::Lost { number, loss: Loss::Unanswered };
        };
        if posted.body.iter().all(u8::is_ascii_whitespace) {
            return SessionEvent::Received { number, answer: None };
        }
        let (limits, version) = (Limits::default(), row.session.version);
        if has_bare_doctype(&posted.body) {
            // QUIRK bare_doctype: begins with a DOCTYPE without identifier, which is passed over; Baraza.
            crate::observe::metric::quirk(Side::Wv, ServerQuirk::BareDoctype.as_str());
        }
        let decoded = decode_in_session(&posted.body, posted.content_type, version, &limits).or_else(|_| {
            // QUIRK wrong_content_type: names a type that its answer has not, so the octets decide; loose servers.
            crate::observe::metric::quirk(Side::Wv, ServerQuirk::WrongContentType.as_str());
            decode_in_session(&posted.body, None, version, &limits)
        });
        let envelope = decoded
            .map_err(|error| error.to_string())
            .and_then(|decoded| Envelope::decode(&decoded.tree).map_err(|error| error.to_string()));
        self.trace(Direction::In, row, (&posted.body, posted.content_type), || match &envelope {
            Ok(envelope) => title_of(envelope),
            Err(error) => format!("unreadable: {error}"),
        });
        match envelope {
            Ok(envelope) => SessionEvent::Received { number, answer: Some(envelope) },
            Err(error) => {
                let peer = row.name.as_str();
                tracing::info!(side = "wv", peer, %error, "an answer cannot be read");
                SessionEvent::Lost { number, loss: Loss::Unanswered }
            }
        }
    }

    /// Asks something of a server in the session of a shadow.
    fn ask_server(&mut self, now: Timestamp, index: usize, purpose: Purpose, primitive: Primitive) {
        if self.is_leaving || self.is_retired(index) {
            // What waits for an answer is kept, and asked after the next start.
            return self.server_answered(now, index, purpose, Err(Failure::Unreached));
        }
        let key = self.next();
        self.purposes.insert(key, purpose);
        let expires = to_wv(now.after(self.settings.request_life));
        self.need(now, index);
        self.turn(now, index, SessionEvent::Request(Request { key, primitive, expires }));
    }

    /// Answers the server once everything before is committed.
    fn respond_when_kept(&mut self, shadow: usize, ticket: u64, primitive: Primitive) {
        let number = self.next();
        self.held.insert(number, Held { shadow, ticket, primitive });
        self.inputs.push(Input::Hold(Ticket { side: Side::Wv, number }));
        self.wake.notify_one();
    }

    fn ask(&mut self, user: Address, endpoint: Endpoint, operation: Operation, pending: answer::Pending) {
        let number = self.next();
        self.pending.insert(number, pending);
        let id = RequestId { side: Side::Wv, number };
        self.tell(EventKind::Request(NeutralRequest { id, user, endpoint, operation }));
    }

    fn tell(&mut self, kind: EventKind) {
        self.inputs.push(Input::Event(Event { correlation: self.current, kind }));
        self.wake.notify_one();
    }

    fn next(&mut self) -> u64 {
        self.next_number = self.next_number.wrapping_add(1) & (OWN - 1);
        self.next_number | OWN
    }

    fn correlation(&mut self) -> Correlation {
        self.randomness = self.randomness.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.randomness ^ (self.randomness >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Correlation::new(mixed ^ (mixed >> 31))
    }
}

/// The shadows as their lane holds them.
#[derive(Clone)]
pub struct SidecarAdapter(Rc<RefCell<Sidecar>>);

impl SidecarAdapter {
    /// Shadows of which none is logged in.
    #[must_use]
    pub fn new(parts: SidecarParts) -> Self {
        let sidecar = Rc::new(RefCell::new(Sidecar::new(parts)));
        sidecar.borrow_mut().own = Some(Rc::downgrade(&sidecar));
        Self(sidecar)
    }

    /// Takes up a kept record.
    pub fn restore(&self, now: Timestamp, record: &WireRecord) {
        self.0.borrow_mut().restore(now, record);
    }

    pub(super) fn owns_record(record: &WireRecord) -> bool {
        record.kind.starts_with("csp_client_")
    }

    pub(super) const fn owns_number(number: u64) -> bool {
        number & OWN != 0
    }

    pub(super) fn owns_endpoint(endpoint: &Endpoint) -> bool {
        endpoint.id.starts_with(presence::ENDPOINT)
    }

    pub(super) fn owns_peer(&self, name: &PeerName) -> bool {
        self.0.borrow().settings.peers.iter().any(|peer| peer.name == *name)
    }
}

impl Adapter for SidecarAdapter {
    fn collect(&mut self, intake: &mut Intake) {
        intake.extend(std::mem::take(&mut self.0.borrow_mut().inputs));
    }

    fn execute(&mut self, now: Timestamp, command: Command) {
        self.0.borrow_mut().carry_out(now, command);
    }

    fn release(&mut self, now: Timestamp, ticket: Ticket) {
        let mut sidecar = self.0.borrow_mut();
        if let Some(Held { shadow, ticket, primitive }) = sidecar.held.remove(&ticket.number) {
            sidecar.turn(now, shadow, SessionEvent::Respond { ticket, primitive });
        }
    }

    fn refuse(&mut self, now: Timestamp) {
        self.0.borrow_mut().refuse(now);
    }

    fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        self.0.borrow_mut().reload(now, kept);
    }

    fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.0.borrow_mut().reconcile(now, engine);
    }

    fn attended(&mut self, now: Timestamp, user: &Address, is_there: bool) {
        self.0.borrow_mut().attended(now, user, is_there);
    }

    fn accounts_added(&mut self, now: Timestamp, users: &[Address], engine: &Engine) {
        self.0.borrow_mut().accounts_added(now, users, engine);
    }

    fn reroute(&mut self, now: Timestamp, neighbourhood: &Neighbourhood, engine: &Engine) {
        self.0.borrow_mut().reroute(now, neighbourhood, engine);
    }

    fn leave(&mut self, now: Timestamp) {
        self.0.borrow_mut().leave(now);
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.0.borrow().deadline()
    }

    fn expire(&mut self, now: Timestamp) {
        self.0.borrow_mut().expire(now);
    }

    fn show(&self, topic: crate::admin::ShowTopic) -> Vec<serde_json::Value> {
        self.0.borrow().show(topic)
    }

    fn tally(&self) -> Vec<(&'static str, usize)> {
        self.0.borrow().tally()
    }

    fn under_way(&self) -> usize {
        self.0.borrow().under_way()
    }
}

fn title_of(envelope: &Envelope) -> String {
    let name = |transaction: &wv_proto::primitive::Transaction| {
        let name = transaction.name().map_or_else(|| "?".to_owned(), |name| name.to_string());
        let code = transaction.content.as_ref().ok().and_then(Primitive::result).map(|result| result.code.number());
        code.map_or_else(|| name.clone(), |code| format!("{name} {code}"))
    };
    envelope.transactions.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Whether XML begins with a DOCTYPE that names nothing.
fn has_bare_doctype(body: &[u8]) -> bool {
    let head = body.get(..body.len().min(DOCTYPE_WITHIN)).unwrap_or_default();
    let text = String::from_utf8_lossy(head);
    let rest = text.split_once("<!DOCTYPE").map(|(_, rest)| rest.split('>').next().unwrap_or_default());
    rest.is_some_and(|rest| !rest.contains("PUBLIC") && !rest.contains("SYSTEM"))
}

/// How far into a document its DOCTYPE is looked for.
const DOCTYPE_WITHIN: usize = 200;

/// Marks the numbers of this part of the side.
const OWN: u64 = 1 << 61;

const fn to_wv(at: Timestamp) -> WvTimestamp {
    WvTimestamp::from_millis(at.as_millis())
}
