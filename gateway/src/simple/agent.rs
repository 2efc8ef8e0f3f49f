//! The agent: the SIP transaction user of one lane. It owns the transactions, the dialogs, the registrar and the event
//! state compositor, turns what they say into neutral events, and carries out neutral commands.

mod admission;
mod command;
mod contact;
mod credential;
mod errand;
mod far_registration;
mod far_watcher;
mod identity;
mod message;
mod notification;
mod publication;
mod publisher;
mod registration;
mod rendering;
mod report;
mod request;
mod rerouting;
mod restore;
mod show;
mod subscription;
mod trace;
mod trunk;
mod watcher_info;
mod way;

pub use credential::PeerCredentials;
pub use identity::{PeerTable, SipPeer};
pub use restore::AgentParts;
pub use way::Way;

use super::transport::{Inbound, Receiver, Transports};
use crate::{
    account::AccountBook,
    entropy::Entropy,
    lane::{Adapter, Clock, Input, Intake, Neighbourhood, Ticket},
    observe::Tap,
    quick_hash::QuickMap,
    resolver::Resolver,
    store::WireRecord,
};
use bytes::Bytes;
use mapping::{
    command::Command,
    correlation::Correlation,
    engine::Engine,
    event::{Event, EventKind, Operation, Request as NeutralRequest, RequestId},
    route::DomainTable,
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
};
use sip_proto::{
    auth::DigestServer,
    event::{package::PackageRegistry, state::Compositor},
    id_source::IdSource,
    message::{
        Message, Request, Response, StatusCode,
        header::{identifier::Tag, via::Transport},
        host::Host,
        uas::UasProfile,
    },
    registrar::Registrar,
    resolve::{Progress, Target},
    transaction::{
        ClientTransactionId, RequestEvent, ResponseEvent, ServerTransactionId, TransactionCommand, TransactionId,
        TransactionTable, via::Hop,
    },
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;

/// What the agent is made of that does not change.
pub struct AgentSettings {
    /// The domain table.
    pub domains: DomainTable,
    /// Domain that completes telephone numbers.
    pub tel_domain: String,
    /// Neighbour servers of this side.
    pub peers: PeerTable,
    /// What becomes of messages whose senders want to stay unknown.
    pub anonymity: Anonymity,
    /// Whether users of hosted domains are believed without credentials.
    pub is_open: bool,
    /// What the outside knows us by; the socket's own address when none is configured.
    pub advertised: Option<Advertised>,
    /// The same over TLS.
    pub advertised_tls: Option<Advertised>,
    /// Lifetime of messages whose sender names none.
    pub validity_default: Duration,
    /// Largest content of a message in octets.
    pub content_octets_max: usize,
    /// Requests waiting for the engine; more are refused with 503.
    pub pending_requests_max: usize,
    /// How long a server that failed is passed over, where it does not say.
    pub quarantine: Duration,
    /// New requests per second and source address; more are refused with 503.
    pub requests_per_s_per_source: u32,
    /// Shortest time between two notifications of one dialog.
    pub notify_interval_min: Duration,
}

/// What becomes of messages whose senders want to stay unknown to those who get them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anonymity {
    /// They are refused.
    Refused,
    /// They are delivered without the name.
    Delivered,
}

/// Host and port as others see them.
#[derive(Clone, Debug)]
pub struct Advertised {
    /// The host.
    pub host: Host,
    /// The port; none leaves the usual one.
    pub port: Option<u16>,
}

/// The machines of one lane.
pub struct Agent {
    settings: AgentSettings,
    clock: Clock,
    transports: Rc<Transports>,
    resolver: Rc<Resolver>,
    /// Who hears where a target is: the agent itself.
    seeker: Option<Rc<dyn errand::Seeker>>,
    accounts: AccountBook,
    wake: Rc<Notify>,
    tap: Tap,
    table: TransactionTable,
    /// Begins all identifiers minted here.
    prefix: String,
    ids: IdSource,
    randomness: u64,
    entropy: Entropy,
    profile: UasProfile,
    packages: PackageRegistry,
    nonce_key: [u8; 32],
    /// One digest server per realm, which is the domain.
    realms: HashMap<String, DigestServer>,
    /// The causal chain that is being worked on.
    current: Correlation,
    registrar: Registrar,
    compositor: Compositor,
    subscribers: subscription::Subscribers,
    notifiers: notification::Notifiers,
    publishers: publisher::Publishers,
    far_registrations: far_registration::FarRegistrations,
    learners: far_watcher::Learners,
    deliveries: QuickMap<ClientTransactionId, message::Outstanding>,
    /// Why a client transaction was started, for those of the event machines.
    purposes: QuickMap<ClientTransactionId, Purpose>,
    /// Large requests that went over a stream, and how they can go otherwise.
    second_ways: QuickMap<ClientTransactionId, (Request, Hop)>,
    admission: admission::Admission,
    /// Requests that can go more than one way.
    errands: errand::Errands,
    trunks: trunk::Trunks,
    challenges: credential::Challenges,
    /// Who refused wrapped messages lately; forgetting one costs a message sent twice.
    refuse_cpim: moka::sync::Cache<Arc<str>, ()>,
    /// Addresses that refused a stream lately; forgetting one costs a failed connection.
    refuse_streams: moka::sync::Cache<SocketAddr, ()>,
    pending: QuickMap<u64, Pending>,
    /// With the causal chain that each belongs to.
    held: BTreeMap<u64, (Correlation, Held)>,
    rendered: rendering::Rendered,
    next_number: u64,
    budget: request::SourceBudget,
    inputs: Vec<Input>,
}

/// Which machine waits for the final response of a client transaction.
#[derive(Clone, Debug)]
enum Purpose {
    /// By its tag, and the tag of the other side where there is a dialog.
    Subscriber(Arc<str>, Option<Tag>),
    Notifier(Arc<str>),
    Publisher(mapping::address::Address),
    Registration(mapping::address::Address),
    Trunk(PeerName),
}

/// What to do when the engine answers a request.
enum Pending {
    /// Answer a MESSAGE.
    Message { transaction: ServerTransactionId, request: Arc<Request> },
    /// Answer a SUBSCRIBE that made the notifier of that name.
    Subscribe { notifier: Arc<str>, transaction: ServerTransactionId, request: Arc<Request> },
    /// End the dialog of that name when it is refused.
    Follow { notifier: Arc<str> },
    /// Nothing: the outcome changes nothing here.
    Nothing,
}

/// What must not leave before the batch is committed.
enum Held {
    /// A final response.
    Response { transaction: ServerTransactionId, response: Response },
    /// What a notifier has queued.
    Notifier(Arc<str>),
    /// The 200 to a SUBSCRIBE, unless a notification brought it already.
    Accept(Arc<str>),
    /// What a subscriber wants sent.
    Subscriber { tag: Arc<str>, outgoing: Vec<subscription::Outgoing> },
}

impl Agent {
    /// Takes a message from the transports.
    fn receive(&mut self, mut inbound: Inbound) {
        let now = self.clock.now();
        if inbound.hop.transport == Transport::Tls && inbound.hop.name.is_none() {
            // Should its connection break, whoever takes its place has to prove the same.
            inbound.hop.name = self.source_peer(&inbound.hop).and_then(|peer| peer.domain.clone());
        }
        match inbound.content {
            Ok(Message::Request(request)) => {
                self.current = self.correlation();
                self.trace_request(&request, &inbound.hop);
                self.receive_request(now, request, &inbound.hop);
            }
            Ok(Message::Response(response)) => self.receive_response(now, response, &inbound.hop),
            Err(malformed) => self.refuse_malformed(&malformed, &inbound.hop),
        }
        self.flush();
        self.wake.notify_one();
    }

    fn receive_request(&mut self, now: Timestamp, request: Request, hop: &Hop) {
        self.table.shed(!self.admission.has_room());
        match self.table.receive_request(to_sip(now), request, hop) {
            RequestEvent::New { id, request } => {
                // What may not be refused is taken on even when there is no room.
                let _ = self.admission.admit(now);
                self.serve(now, id, &request, hop);
            }
            RequestEvent::Cancelled(id) => self.table.forget(TransactionId::Server(id)),
            RequestEvent::Shed => crate::observe::metric::shed(Side::Simple, "overload"),
            RequestEvent::Retransmission
            | RequestEvent::Merged
            | RequestEvent::Ack { .. }
            | RequestEvent::CancelledInVain
            | RequestEvent::Malformed(_) => {}
        }
    }

    fn receive_response(&mut self, now: Timestamp, response: Response, hop: &Hop) {
        // The trace wants those, too, that nobody acts on.
        let seen = self.tap.is_watched().then(|| response.clone());
        let event = self.table.receive_response(to_sip(now), response);
        if let ResponseEvent::Final { id, .. } = &event {
            self.take_up_chain(*id);
        }
        if let Some(seen) = seen {
            self.trace_response(&seen, hop);
        }
        match event {
            ResponseEvent::Final { id, response } => {
                self.conclude(now, id, Conclusion::Response(Box::new(response)));
            }
            ResponseEvent::Provisional { id, .. } => self.errands.hear(id),
            ResponseEvent::Retransmission | ResponseEvent::Stray => {}
        }
    }

    /// A client transaction has ended.
    fn conclude(&mut self, now: Timestamp, id: ClientTransactionId, conclusion: Conclusion) {
        if matches!(conclusion, Conclusion::RequestFailed) && self.take_second_way(now, id) {
            return;
        }
        self.second_ways.remove(&id);
        let served = self.errands.hop(id).cloned();
        let Some(conclusion) = self.fail_over(now, id, conclusion) else { return };
        if let Some(mut outstanding) = self.deliveries.remove(&id) {
            outstanding.stay_at(served);
            return self.conclude_delivery(now, outstanding, &conclusion);
        }
        match self.purposes.remove(&id) {
            Some(Purpose::Subscriber(name, remote)) => {
                self.subscribers.stay_at(&name, served);
                self.advance_subscriber(now, &name, remote.as_ref(), conclusion);
            }
            Some(Purpose::Notifier(name)) => self.advance_notifier(now, &name, conclusion),
            Some(Purpose::Publisher(user)) => {
                self.publishers.stay_at(&user, served);
                self.advance_publisher(now, &user, conclusion);
            }
            Some(Purpose::Registration(user)) => {
                self.far_registrations.stay_at(&user, served);
                self.advance_registration(now, &user, conclusion);
            }
            Some(Purpose::Trunk(peer)) => self.judge_trunk(now, &peer, &conclusion),
            None => {}
        }
    }

    /// Sends what the transactions want sent, until they want nothing.
    fn flush(&mut self) {
        let now = self.clock.now();
        while let Some(command) = self.table.poll() {
            match command {
                TransactionCommand::Send { octets, target, transaction } => {
                    if let Some(TransactionId::Client(id)) = transaction {
                        self.take_up_chain(id);
                    }
                    self.trace_octets(&octets, &target.hop);
                    self.transports.send(octets, &target, transaction);
                }
                TransactionCommand::TimedOut(id) => {
                    self.take_up_chain(id);
                    self.conclude(now, id, Conclusion::TimedOut);
                }
                TransactionCommand::RequestFailed(id) => {
                    self.take_up_chain(id);
                    self.conclude(now, id, Conclusion::RequestFailed);
                }
                TransactionCommand::ResponseFailed(_) | TransactionCommand::AckMissing(_) => {}
            }
        }
    }

    /// What follows belongs to the causal chain in which the request was sent.
    fn take_up_chain(&mut self, id: ClientTransactionId) {
        let of_machine = || match self.purposes.get(&id)? {
            Purpose::Subscriber(tag, _) => self.subscribers.chain(tag),
            Purpose::Notifier(name) => self.notifiers.chain(name),
            Purpose::Publisher(user) => self.publishers.chain(user),
            Purpose::Registration(user) => self.far_registrations.chain(user),
            Purpose::Trunk(_) => None,
        };
        let delivered = self.deliveries.get(&id).map(|outstanding| outstanding.correlation);
        if let Some(correlation) = delivered.or_else(of_machine) {
            self.current = correlation;
        }
    }

    /// Answers a request now. Only for answers that promise nothing.
    fn respond(&mut self, now: Timestamp, id: ServerTransactionId, response: &Response) {
        if let Err(error) = self.table.respond(to_sip(now), id, response) {
            tracing::debug!(side = "simple", %error, "response not sent");
        }
    }

    /// Answers a request once everything handed over so far is committed.
    fn respond_when_kept(&mut self, transaction: ServerTransactionId, response: Response) {
        self.hold(Held::Response { transaction, response });
    }

    /// Keeps output back until everything handed over so far is committed.
    fn hold(&mut self, held: Held) {
        let number = self.next();
        self.held.insert(number, (self.current, held));
        self.inputs.push(Input::Hold(Ticket { side: Side::Simple, number }));
        self.wake.notify_one();
    }

    fn refuse(&mut self, now: Timestamp, id: ServerTransactionId, request: &Request, status: StatusCode) {
        let tag = self.ids.tag();
        self.respond(now, id, &Response::for_request(request, status, Some(&tag)));
    }

    /// Hands a request of a user to the engine.
    fn ask(
        &mut self,
        correlation: Correlation,
        user: mapping::address::Address,
        endpoint: Endpoint,
        operation: Operation,
        pending: Pending,
    ) {
        let number = self.next();
        self.pending.insert(number, pending);
        let id = RequestId { side: Side::Simple, number };
        self.tell(correlation, EventKind::Request(NeutralRequest { id, user, endpoint, operation }));
    }

    fn tell(&mut self, correlation: Correlation, kind: EventKind) {
        self.inputs.push(Input::Event(Event { correlation, kind }));
    }

    fn keep(&mut self, kind: &str, key: &str, owner: Option<&str>, body: Option<Bytes>) {
        self.inputs.push(Input::Wire(WireRecord {
            side: Side::Simple,
            kind: Arc::from(kind),
            key: Arc::from(key),
            owner: owner.map(Arc::from),
            body,
        }));
    }

    fn next(&mut self) -> u64 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    fn correlation(&mut self) -> Correlation {
        Correlation::new(self.random())
    }

    /// SplitMix64 over a random start; for correlations and jitter, not for secrets.
    fn random(&mut self) -> u64 {
        self.randomness = self.randomness.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.randomness ^ (self.randomness >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// How a client transaction ended.
#[derive(Debug)]
enum Conclusion {
    Response(Box<Response>),
    TimedOut,
    RequestFailed,
    // RFC 3263 §4
    /// There is no server to send it to.
    Nowhere,
}

impl Conclusion {
    /// The status, or the one that RFC 3261 §8.1.3.1 equates the failure with.
    fn status(&self) -> u16 {
        match self {
            Self::Response(response) => response.status().to_number(),
            Self::TimedOut => 408,
            Self::RequestFailed | Self::Nowhere => 503,
        }
    }
}

/// The agent as its lane and its transports hold it.
#[derive(Clone)]
pub struct SimpleAdapter(Rc<RefCell<Agent>>);

impl SimpleAdapter {
    /// Wraps the agent and makes it the receiver of its transports.
    #[must_use]
    pub fn new(agent: Agent) -> Self {
        let transports = Rc::clone(&agent.transports);
        let adapter = Self(Rc::new(RefCell::new(agent)));
        transports.deliver_to(Rc::new(adapter.clone()));
        adapter.0.borrow_mut().seeker = Some(Rc::new(adapter.clone()));
        adapter
    }
}

impl Receiver for SimpleAdapter {
    fn receive(&self, inbound: Inbound) {
        self.0.borrow_mut().receive(inbound);
    }

    fn is_flooded(&self) -> bool {
        !self.0.borrow().admission.has_room()
    }

    fn queue_stands(&self) {
        let mut agent = self.0.borrow_mut();
        let now = agent.clock.now();
        agent.admission.narrow(now);
    }

    fn unsent(&self, transaction: TransactionId) {
        let mut agent = self.0.borrow_mut();
        let now = agent.clock.now();
        agent.table.transport_error(to_sip(now), transaction);
        agent.flush();
        agent.wake.notify_one();
    }
}

impl errand::Seeker for SimpleAdapter {
    fn located(&self, target: Target, progress: Progress) {
        let mut agent = self.0.borrow_mut();
        let now = agent.clock.now();
        agent.resume(now, &target, &progress);
        agent.flush();
        agent.wake.notify_one();
    }
}

impl Adapter for SimpleAdapter {
    fn collect(&mut self, intake: &mut Intake) {
        let mut agent = self.0.borrow_mut();
        let now = agent.clock.now();
        agent.admission.turn(now);
        intake.extend(std::mem::take(&mut agent.inputs));
    }

    fn execute(&mut self, now: Timestamp, command: Command) {
        let mut agent = self.0.borrow_mut();
        agent.execute(now, command);
        agent.flush();
    }

    fn release(&mut self, now: Timestamp, ticket: Ticket) {
        let mut agent = self.0.borrow_mut();
        let Some((correlation, held)) = agent.held.remove(&ticket.number) else { return };
        agent.current = correlation;
        match held {
            Held::Response { transaction, response } => agent.respond(now, transaction, &response),
            Held::Notifier(name) => agent.release_notifier(now, &name),
            Held::Accept(name) => agent.accept_waiting(now, &name),
            Held::Subscriber { tag, outgoing } => agent.release_subscriber(now, &tag, outgoing),
        }
        agent.flush();
    }

    fn refuse(&mut self, now: Timestamp) {
        self.0.borrow_mut().refuse_pending(now);
    }

    fn dismiss(&mut self, _: Timestamp, user: &mapping::address::Address) {
        let mut agent = self.0.borrow_mut();
        agent.withdraw(user.as_str());
        agent.flush();
    }

    fn reload(&mut self, now: Timestamp, kept: &[&WireRecord]) {
        self.0.borrow_mut().reload(now, kept);
    }

    fn reroute(&mut self, now: Timestamp, neighbourhood: &Neighbourhood, _: &Engine) {
        self.0.borrow_mut().reroute(now, neighbourhood);
    }

    fn reconcile(&mut self, now: Timestamp, engine: &Engine) {
        self.0.borrow_mut().reconcile(now, engine);
    }

    fn deadline(&self) -> Option<Timestamp> {
        let agent = self.0.borrow();
        let deadlines = [
            agent.table.deadline(),
            agent.registrar.deadline(),
            agent.compositor.deadline(),
            agent.subscribers.deadline(),
            agent.notifiers.deadline(),
            agent.publishers.deadline(),
            agent.far_registrations.deadline(),
            agent.learners.deadline(),
            agent.trunks.deadline(),
        ];
        deadlines.into_iter().flatten().min().map(to_neutral)
    }

    fn expire(&mut self, now: Timestamp) {
        let mut agent = self.0.borrow_mut();
        // A wait starts a causal chain of its own, unless what it belongs to knows better.
        agent.current = agent.correlation();
        agent.table.expire(to_sip(now));
        agent.flush();
        agent.expire_registrations(now);
        agent.expire_publications(now);
        agent.expire_subscribers(now);
        agent.expire_notifiers(now);
        agent.expire_publishers(now);
        agent.expire_far_registrations(now);
        agent.expire_learners(now);
        agent.expire_trunks(now);
        agent.flush();
    }

    fn show(&self, topic: crate::admin::ShowTopic) -> Vec<serde_json::Value> {
        self.0.borrow().show(topic)
    }

    fn tally(&self) -> Vec<(&'static str, usize)> {
        self.0.borrow().tally()
    }

    fn under_way(&self) -> usize {
        let agent = self.0.borrow();
        let answers = agent.pending.values().filter(|pending| !matches!(pending, Pending::Nothing)).count();
        answers.saturating_add(agent.held.len()).saturating_add(agent.deliveries.len())
    }
}

const fn to_sip(at: Timestamp) -> sip_proto::time::Timestamp {
    sip_proto::time::Timestamp::from_millis(at.as_millis())
}

const fn to_neutral(at: sip_proto::time::Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis())
}

/// The tag parameter of To, which a request inside a dialog has.
fn to_tag(request: &Request) -> Option<Tag> {
    request.headers().to().ok().and_then(|to| to.tag()).map(|tag| tag.detach())
}

#[cfg(test)]
mod tests;
