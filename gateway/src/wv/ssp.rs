//! The gateway as SSP peer: what other home servers post goes to the associations with them, what these want executed
//! becomes neutral requests, and what the engine wants of their users becomes transactions.

mod answer;
mod client;
mod command;
mod execute;
mod far;
mod group;
pub mod listener;
mod restore;
mod settings;
mod show;
mod subscription;
mod trace;

pub use client::{Discovery, Target};
pub use settings::{SspParts, SspPeer, SspSettings};

use crate::{
    lane::{Adapter, Clock, Input, Intake, Ticket},
    observe::{Direction, Tap, wire::Line},
    store::WireRecord,
};
use bytes::Bytes;
use client::{PostClient, Posting};
use mapping::{
    address::Address,
    command::Command,
    correlation::Correlation,
    engine::Engine,
    event::{Event, EventKind, Operation, Request as NeutralRequest, RequestId},
    side::{Endpoint, Side},
    time::Timestamp,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    rc::{Rc, Weak},
    sync::Arc,
};
use subscription::Subscriptions;
use tokio::sync::{Notify, oneshot};
use wv_proto::{
    primitive::identifier::TransactionId,
    quirk::SspQuirk,
    session::time::Timestamp as WvTimestamp,
    ssp::{
        Body, Document, SetupMessage,
        association::{Association, Command as SspCommand, Event as SspEvent, Kept, Request},
        primitive::Primitive,
        setup::SetupStep,
    },
};

/// What a peer posted.
#[derive(Debug)]
pub struct IncomingDocument {
    /// The document.
    pub document: Document,
    /// A hash of its transactions as they came.
    pub hash: u64,
    /// The host that the peer looked for.
    pub host: Option<String>,
    /// The body as it came, for the trace.
    pub octets: Bytes,
    /// The way that it came, for the trace.
    pub line: Line,
}

/// What a post is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 200 with nothing in it.
    Taken,
    /// Nothing: the connection is closed.
    Closed,
}

/// The peers of one lane.
pub struct Federation {
    settings: SspSettings,
    clock: Clock,
    wake: Rc<Notify>,
    tap: Tap,
    client: Rc<PostClient>,
    members: Vec<Member>,
    by_domains: HashMap<(Box<str>, Box<str>), usize>,
    /// Posts of peers that wait for their verdict.
    posts: HashMap<u64, oneshot::Sender<Verdict>>,
    /// Requests to the engine.
    pending: HashMap<u64, execute::Pending>,
    /// Requests to peers.
    purposes: HashMap<u64, command::Purpose>,
    held: BTreeMap<u64, Vec<Output>>,
    subscriptions: Subscriptions,
    /// Users of ours in groups of peers.
    far_members: BTreeMap<Address, BTreeSet<Address>>,
    /// Set-ups of peers that may have meant another domain of ours.
    trials: HashMap<(Box<str>, TransactionId), Trial>,
    next_number: u64,
    randomness: u64,
    seed: [u8; 32],
    current: Correlation,
    inputs: Vec<Input>,
    own: Option<Weak<RefCell<Federation>>>,
}

/// An association with what its machine does not know.
struct Member {
    machine: Association,
    peer: mapping::side::PeerName,
    /// Whether the engine believes that the peer can be reached.
    is_reachable: bool,
    /// Whether a session was lost, so that the peer may have lost what it was asked for.
    is_lost: bool,
    /// What it did in its own way.
    quirks: BTreeSet<SspQuirk>,
}

/// A first step, and the domains of ours that are still to be tried.
struct Trial {
    message: SetupMessage,
    candidates: VecDeque<Box<str>>,
}

/// Counts what a peer does in its own way.
fn count_quirks(met: &[SspQuirk]) {
    for quirk in met {
        crate::observe::metric::quirk(Side::Wv, quirk.as_str());
    }
}

/// What leaves when everything before it is committed.
enum Output {
    Post(Box<Posting>),
    Reply(u64, Verdict),
}

impl Federation {
    /// Takes what a peer posted.
    fn receive(&mut self, incoming: IncomingDocument) -> oneshot::Receiver<Verdict> {
        let now = self.clock.now();
        let (reply, verdict) = oneshot::channel();
        let post = self.next();
        self.current = self.correlation();
        let source = incoming.line.remote.map(|remote| remote.to_string()).unwrap_or_default();
        self.trace(Direction::In, &source, (incoming.line, "/", &incoming.octets), || incoming.document.title());
        self.posts.insert(post, reply);
        match incoming.document.body {
            Body::Setup(message) => self.receive_setup(now, post, message, incoming.host.as_deref()),
            Body::Session(message) => {
                let known = self.members.iter().position(|member| member.machine.knows_session(&message.session_id));
                match known {
                    Some(index) => self.turn(now, index, SspEvent::Message { post, message, hash: incoming.hash }),
                    None => self.reply(post, Verdict::Closed),
                }
            }
        }
        self.wake.notify_one();
        verdict
    }

    fn receive_setup(&mut self, now: Timestamp, post: u64, message: SetupMessage, host: Option<&str>) {
        use wv_proto::primitive::TransactionMode::Request;
        if let (SetupStep::SendSecretToken { service, .. }, Request) = (&message.step, message.mode) {
            let domain: Box<str> = service.domain().into();
            if self.settings.peer_of(&domain).is_none() {
                return self.reply(post, Verdict::Closed);
            }
            // Step 1 does not say which domain of ours is meant; the peer knows, and refuses the call-back of another.
            let mut candidates = self.candidates(&domain, host);
            let Some(first) = candidates.pop_front() else { return self.reply(post, Verdict::Closed) };
            let id = message.transaction_id.clone();
            if self.trials.len() >= TRIALS_MAX {
                self.trials.clear();
            }
            self.trials.insert((domain.clone(), id), Trial { message: message.clone(), candidates });
            let Some(index) = self.member(now, &first, &domain) else { return self.reply(post, Verdict::Closed) };
            return self.turn(now, index, SspEvent::Setup { post, message });
        }
        let knows = |member: &Member| member.machine.knows_setup(message.mode, &message.transaction_id, &message.step);
        match self.members.iter().position(knows) {
            Some(index) => self.turn(now, index, SspEvent::Setup { post, message }),
            None => self.reply(post, Verdict::Closed),
        }
    }

    /// The domains of ours that a peer may mean, the most likely first.
    fn candidates(&self, peer: &str, host: Option<&str>) -> VecDeque<Box<str>> {
        let is_open = |local: &str| {
            let index = self.by_domains.get(&(local.into(), peer.into()));
            let member = index.and_then(|index| self.members.get(*index));
            member.is_some_and(|member| member.machine.session().is_some())
        };
        let mut locals: Vec<Box<str>> = self.settings.locals.clone();
        locals.sort_by_key(|local| (host != Some(local.as_ref()), is_open(local)));
        locals.into()
    }

    /// The peer refused the call-back: it may have meant another domain of ours.
    fn try_another(&mut self, now: Timestamp, index: usize) {
        let Some(domain) = self.members.get(index).map(|member| member.machine.settings().peer.domain().into()) else {
            return;
        };
        let domain: Box<str> = domain;
        let key = self.trials.keys().find(|(peer, _)| *peer == domain).cloned();
        let Some(mut trial) = key.as_ref().and_then(|key| self.trials.remove(key)) else { return };
        let (Some(key), Some(local)) = (key, trial.candidates.pop_front()) else { return };
        let message = trial.message.clone();
        self.trials.insert(key, trial);
        if let Some(index) = self.member(now, &local, &domain) {
            // Nobody waits for what becomes of it.
            let post = self.next();
            self.turn(now, index, SspEvent::Setup { post, message });
        }
    }

    /// The association between two domains; none where there is no such peer.
    fn member(&mut self, now: Timestamp, local: &str, peer: &str) -> Option<usize> {
        let key: (Box<str>, Box<str>) = (local.into(), peer.into());
        if let Some(index) = self.by_domains.get(&key) {
            return Some(*index);
        }
        let name = self.settings.peer_of(peer)?.name.clone();
        let settings = self.association_settings(local, peer)?;
        Some(self.add_member(key, name, Association::new(to_wv(now), settings)))
    }

    fn add_member(&mut self, key: (Box<str>, Box<str>), peer: mapping::side::PeerName, machine: Association) -> usize {
        let index = self.members.len();
        self.members.push(Member { machine, peer, is_reachable: true, is_lost: false, quirks: BTreeSet::new() });
        self.by_domains.insert(key, index);
        index
    }

    /// Feeds a machine and does what it wants.
    fn turn(&mut self, now: Timestamp, index: usize, event: SspEvent) {
        if let Some(member) = self.members.get_mut(index) {
            member.machine.handle(to_wv(now), event);
        }
        self.drive(now, index);
    }

    /// Carries out what the machine wants. Records come first, then what leaves, then what is executed: an answer never
    /// precedes the 200 to its request.
    fn meet_quirks(&mut self, index: usize) {
        let Some(member) = self.members.get_mut(index) else { return };
        let met = member.machine.take_met();
        count_quirks(&met);
        member.quirks.extend(met);
    }

    fn drive(&mut self, now: Timestamp, index: usize) {
        let (mut outputs, mut executed, mut finished, mut later) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut is_kept = false;
        self.meet_quirks(index);
        while let Some(command) = self.members.get_mut(index).and_then(|member| member.machine.poll()) {
            match command {
                SspCommand::Post { number, document, transaction_header, session_header } => {
                    let transaction = transaction_header.map(|id| id.as_str().to_owned());
                    let session = session_header.map(|id| id.as_str().to_owned());
                    outputs.extend(self.posting(index, number, &document, transaction, session));
                }
                SspCommand::Take { post } => outputs.push(Output::Reply(post, Verdict::Taken)),
                SspCommand::Close { post } => outputs.push(Output::Reply(post, Verdict::Closed)),
                SspCommand::Execute { transaction_id, content } => executed.push((transaction_id, content)),
                SspCommand::Keep(kept) => {
                    is_kept = true;
                    self.keep(index, kept);
                }
                SspCommand::Finished { key, result } => finished.push((key, result)),
                SspCommand::Superseded { key } => drop(self.purposes.remove(&key)),
                news @ (SspCommand::Opened | SspCommand::Lost | SspCommand::SetupFailed { .. }) => later.push(news),
            }
        }
        if is_kept || !executed.is_empty() {
            self.hold(outputs);
        } else {
            outputs.into_iter().for_each(|output| self.let_out(output));
        }
        for (transaction_id, content) in executed {
            self.execute(now, index, transaction_id, content);
        }
        for (key, result) in finished {
            self.finished(now, key, result);
        }
        for news in later {
            self.session_news(now, index, &news);
        }
    }

    fn session_news(&mut self, now: Timestamp, index: usize, news: &SspCommand) {
        let Some(member) = self.members.get_mut(index) else { return };
        let (domain, peer) = (member.machine.settings().peer.domain().to_owned(), member.peer.clone());
        match news {
            SspCommand::Opened => {
                tracing::info!(side = "wv", %domain, "SSP session opened");
                let was_lost = std::mem::take(&mut member.is_lost);
                let was_unreachable = !std::mem::replace(&mut member.is_reachable, true);
                self.trials.retain(|(peer, _), _| **peer != *domain);
                if was_lost {
                    self.subscribe_again(now, index);
                }
                if was_unreachable {
                    self.tell(EventKind::Peer { peer, reachable: true });
                }
            }
            SspCommand::Lost => {
                tracing::info!(side = "wv", %domain, "SSP session lost");
                member.is_lost = true;
            }
            SspCommand::SetupFailed { is_opened_here, is_call_back } => {
                tracing::debug!(side = "wv", %domain, is_opened_here, "SSP set-up failed");
                if *is_opened_here {
                    member.is_reachable = false;
                    self.tell(EventKind::Peer { peer, reachable: false });
                } else if *is_call_back {
                    self.try_another(now, index);
                }
            }
            _ => {}
        }
    }

    fn hold(&mut self, outputs: Vec<Output>) {
        if outputs.is_empty() {
            return;
        }
        let number = self.next();
        self.held.insert(number, outputs);
        self.inputs.push(Input::Hold(Ticket { side: Side::Wv, number }));
        self.wake.notify_one();
    }

    fn let_out(&mut self, output: Output) {
        match output {
            Output::Reply(post, verdict) => self.reply(post, verdict),
            Output::Post(posting) => self.post(*posting),
        }
    }

    fn reply(&mut self, post: u64, verdict: Verdict) {
        if let Some(reply) = self.posts.remove(&post) {
            // The peer may have gone.
            let _ = reply.send(verdict);
        }
    }

    fn posting(
        &self,
        index: usize,
        number: u64,
        document: &Document,
        transaction: Option<String>,
        session: Option<String>,
    ) -> Option<Output> {
        let member = self.members.get(index)?;
        let target = self.settings.peer_named(&member.peer)?.target.clone();
        let body = match document.write() {
            Ok(octets) => Bytes::from(octets),
            // A text that XML cannot hold: the transaction fails by its answer that never comes.
            Err(error) => {
                tracing::warn!(side = "wv", title = document.title(), %error, "not written");
                return None;
            }
        };
        let (title, correlation) = (document.title(), self.current);
        Some(Output::Post(Box::new(Posting { index, number, target, body, transaction, session, title, correlation })))
    }

    fn post(&mut self, posting: Posting) {
        let Some(own) = self.own.clone() else { return };
        self.current = posting.correlation;
        let Target { authority, path, .. } = &posting.target;
        let way = (posting.target.to_line(), path.as_str(), &posting.body);
        self.trace(Direction::Out, authority, way, || posting.title.clone());
        let client = Rc::clone(&self.client);
        tokio::task::spawn_local(async move {
            let (index, number, correlation) = (posting.index, posting.number, posting.correlation);
            let result = client.post(posting).await;
            let Some(own) = own.upgrade() else { return };
            let mut federation = own.borrow_mut();
            let now = federation.clock.now();
            federation.current = correlation;
            federation.turn(now, index, SspEvent::Posted { number, result });
            federation.wake.notify_one();
        });
    }

    fn keep(&mut self, index: usize, kept: Kept) {
        let Some(member) = self.members.get(index) else { return };
        let settings = member.machine.settings();
        let key = format!("{} {}", settings.local.domain(), settings.peer.domain());
        let (kind, key, body) = match kept {
            Kept::Association(body) => (restore::ASSOCIATION, key, Some(body)),
            Kept::Transaction { transaction_id, body } => {
                (restore::TRANSACTION, format!("{key} {}", transaction_id.as_str()), body)
            }
        };
        self.record(kind, &key, body);
    }

    fn record(&mut self, kind: &str, key: &str, body: Option<Bytes>) {
        self.inputs.push(Input::Wire(WireRecord {
            side: Side::Wv,
            kind: Arc::from(kind),
            key: Arc::from(key),
            owner: None,
            body,
        }));
        self.wake.notify_one();
    }

    /// Hands a request to the peer that serves one domain, on behalf of a user of another.
    fn request(&mut self, now: Timestamp, (local, peer): (&str, &str), purpose: command::Purpose, request: Request) {
        let Some(index) = self.member(now, local, peer) else {
            return self.fail(now, purpose, wv_proto::ssp::transaction::Failure::Unreachable);
        };
        let key = self.next();
        self.purposes.insert(key, purpose);
        self.turn(now, index, SspEvent::Request(Request { key, ..request }));
    }

    fn ask(&mut self, user: Address, endpoint: Endpoint, operation: Operation, pending: execute::Pending) {
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

    fn expire(&mut self, now: Timestamp) {
        for index in 0..self.members.len() {
            let due = self.members.get(index).and_then(|member| member.machine.deadline());
            if due.is_some_and(|due| due <= to_wv(now)) {
                self.current = self.correlation();
                if let Some(member) = self.members.get_mut(index) {
                    member.machine.expire(to_wv(now));
                }
                self.drive(now, index);
            }
        }
        self.tell_first_views(now);
    }

    /// Answers a transaction of a peer.
    fn answer_peer(&mut self, now: Timestamp, index: usize, transaction_id: TransactionId, primitive: Primitive) {
        self.turn(now, index, SspEvent::Answer { transaction_id, primitive });
    }
}

/// The peers as their lane and the listener hold them.
#[derive(Clone)]
pub struct SspAdapter(Rc<RefCell<Federation>>);

impl SspAdapter {
    /// Peers with which nothing is under way.
    #[must_use]
    pub fn new(parts: SspParts) -> Self {
        let federation = Rc::new(RefCell::new(Federation::new(parts)));
        federation.borrow_mut().own = Some(Rc::downgrade(&federation));
        Self(federation)
    }

    /// Takes up a kept record.
    pub fn restore(&self, now: Timestamp, record: &WireRecord) {
        self.0.borrow_mut().restore(now, record);
    }

    /// Takes what a peer posted; the verdict comes when it is ready, and never when it could not be kept.
    #[must_use]
    pub fn receive(&self, incoming: IncomingDocument) -> oneshot::Receiver<Verdict> {
        self.0.borrow_mut().receive(incoming)
    }

    pub(super) fn owns_record(record: &WireRecord) -> bool {
        record.kind.starts_with("ssp_")
    }

    pub(super) const fn owns_number(number: u64) -> bool {
        number & OWN != 0
    }

    pub(super) fn owns_endpoint(endpoint: &Endpoint) -> bool {
        endpoint.id.starts_with(ENDPOINT)
    }
}

impl Adapter for SspAdapter {
    fn collect(&mut self, intake: &mut Intake) {
        intake.extend(std::mem::take(&mut self.0.borrow_mut().inputs));
    }

    fn execute(&mut self, now: Timestamp, command: Command) {
        self.0.borrow_mut().carry_out(now, command);
    }

    fn release(&mut self, _: Timestamp, ticket: Ticket) {
        let mut federation = self.0.borrow_mut();
        for output in federation.held.remove(&ticket.number).unwrap_or_default() {
            federation.let_out(output);
        }
    }

    fn refuse(&mut self, _: Timestamp) {
        let mut federation = self.0.borrow_mut();
        federation.inputs.clear();
        federation.held.clear();
        federation.pending.clear();
        // Whoever waits hears that it is to come again.
        federation.posts.clear();
    }

    fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        self.0.borrow_mut().reload(now, kept);
    }

    fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.0.borrow_mut().reconcile(now, engine);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let federation = self.0.borrow();
        let machines = federation.members.iter().filter_map(|member| member.machine.deadline());
        let machines = machines.map(|due| Timestamp::from_millis(due.as_millis()));
        machines.chain(federation.subscriptions.first_due()).min()
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
        self.0.borrow().posts.len()
    }
}

/// Marks the numbers of this half of the side.
const OWN: u64 = 1 << 62;

/// What the endpoints of foreign users begin with; no session of a phone does.
const ENDPOINT: &str = "ssp ";

/// First steps that are remembered for another try.
const TRIALS_MAX: usize = 1000;

/// The endpoint of a foreign user, through the session with one of our domains.
fn endpoint_of(local: &str, user: &Address) -> Endpoint {
    Endpoint::new(Side::Wv, &format!("{ENDPOINT}{local} {user}"))
}

/// Our domain and the foreign user of an endpoint.
fn parts_of(endpoint: &Endpoint) -> Option<(String, Address)> {
    let (local, user) = endpoint.id.strip_prefix(ENDPOINT)?.split_once(' ')?;
    Some((local.to_owned(), Address::parse(user).ok()?))
}

const fn to_wv(at: Timestamp) -> WvTimestamp {
    WvTimestamp::from_millis(at.as_millis())
}
