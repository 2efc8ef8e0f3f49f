//! The gateway as SSP peer: what other home servers post goes to the associations with them, what these want executed
//! becomes neutral requests, and what the engine wants of their users becomes transactions.

mod answer;
mod client;
mod command;
mod execute;
mod far;
mod group;
pub mod listener;
mod member;
mod reception;
mod rerouting;
mod restore;
mod settings;
mod show;
mod subscription;
mod trace;

pub use client::{Discovery, Target};
pub use settings::{SspParts, SspPeer, SspSettings};

use crate::{
    lane::{Adapter, Clock, Input, Intake, Neighbourhood, Ticket},
    observe::{Direction, Tap, wire::Line},
    store::WireRecord,
};
use bytes::Bytes;
use client::{PostClient, Posting};
use mapping::{
    address::Address,
    command::Command,
    correlation::Correlation,
    engine::{Engine, Joining},
    event::{Event, EventKind, Operation, Request as NeutralRequest, RequestId},
    side::{Endpoint, Side},
    time::Timestamp,
};
use member::{Member, Members};
use reception::Trial;
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::{Rc, Weak},
    sync::Arc,
};
use subscription::Subscriptions;
use tokio::sync::{Notify, oneshot};
use wv_proto::{
    primitive::identifier::TransactionId,
    session::time::Timestamp as WvTimestamp,
    ssp::{
        Document,
        association::{Command as SspCommand, Event as SspEvent, PostResult, Request},
        primitive::Primitive,
    },
};

/// What a peer posted.
#[derive(Debug)]
pub struct IncomingDocument {
    /// The document.
    pub document: Document,
    /// A hash of its transactions as they came.
    pub hash: u64,
    /// The host that the peer looked for, where it opens a session.
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
    members: Members,
    /// Posts of peers that wait for their verdict.
    posts: HashMap<u64, oneshot::Sender<Verdict>>,
    /// Requests to the engine.
    pending: HashMap<u64, execute::Pending>,
    /// Requests to peers.
    purposes: HashMap<u64, command::Purpose>,
    held: BTreeMap<u64, Vec<Output>>,
    /// Whether what leaves answers a post that is not answered itself yet.
    is_executing: bool,
    subscriptions: Subscriptions,
    /// Users of ours in groups of peers.
    far_members: BTreeMap<Address, BTreeMap<Address, Joining>>,
    /// Set-ups of peers that may have meant another domain of ours.
    trials: HashMap<(Box<str>, TransactionId), Trial>,
    next_number: u64,
    randomness: u64,
    seed: [u8; 32],
    current: Correlation,
    inputs: Vec<Input>,
    own: Option<Weak<RefCell<Federation>>>,
}

/// What leaves when everything before it is committed.
enum Output {
    Post(Box<Posting>),
    Reply(u64, Verdict),
}

impl Federation {
    /// Feeds a machine and does what it wants.
    fn turn(&mut self, now: Timestamp, index: usize, event: SspEvent) {
        if let Some(member) = self.members.get_mut(index) {
            member.machine.handle(to_wv(now), event);
        }
        self.drive(now, index);
    }

    /// Carries out what the machine wants. Records come first, then what leaves, then what is executed: an answer never
    /// precedes the 200 to its request.
    fn drive(&mut self, now: Timestamp, index: usize) {
        let (mut outputs, mut executed, mut finished, mut later) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut is_kept, mut unwritten) = (false, Vec::new());
        self.meet_quirks(index);
        while let Some(command) = self.members.get_mut(index).and_then(|member| member.machine.poll()) {
            match command {
                SspCommand::Post { number, document, transaction_header, session_header } => {
                    let transaction = transaction_header.map(|id| id.as_str().to_owned());
                    let session = session_header.map(|id| id.as_str().to_owned());
                    match self.posting(index, number, &document, transaction, session) {
                        Some(output) => outputs.push(output),
                        None => unwritten.push(number),
                    }
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
        if is_kept || self.is_executing || !executed.is_empty() {
            self.hold(outputs);
        } else {
            outputs.into_iter().for_each(|output| self.let_out(output));
        }
        let is_within = self.is_executing;
        self.is_executing |= !executed.is_empty();
        for (transaction_id, content) in executed {
            self.execute(now, index, transaction_id, content);
        }
        self.is_executing = is_within;
        for (key, result) in finished {
            self.finished(now, key, result);
        }
        for news in later {
            self.session_news(now, index, &news);
        }
        for number in unwritten {
            // Nobody could read it.
            self.turn(now, index, SspEvent::Posted { number, result: PostResult::BadRequest });
        }
        self.dismiss(now, index);
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
                    self.join_again(now, index);
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
        let target = member.target.clone();
        let body = match document.write() {
            Ok(octets) => Bytes::from(octets),
            // A text that XML cannot hold.
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
        self.trace(Direction::Out, || authority.clone(), way, || posting.title.clone());
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
        for index in self.members.due(now) {
            self.current = self.correlation();
            if let Some(member) = self.members.get_mut(index) {
                member.machine.expire(to_wv(now));
            }
            self.drive(now, index);
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

    fn reroute(&mut self, now: Timestamp, neighbourhood: &Neighbourhood, _: &Engine) {
        if let Some(settings) = &neighbourhood.wv {
            self.0.borrow_mut().reroute(now, settings.clone());
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let federation = self.0.borrow();
        let members = federation.members.values().filter_map(Member::deadline);
        members.chain(federation.subscriptions.first_due()).min()
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
