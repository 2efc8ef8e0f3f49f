//! A SIMPLE server behind a `peer:` route in virtual time: the presence of its one user, subscriptions that a restart
//! forgets, and letters for that user.

use super::{agent::document_of, truth::Truth};
use bytes::Bytes;
use sip_proto::{
    event::{
        notifier::{
            Notifier, NotifierCommand, NotifierEvent, NotifierState, Opening, Permission, TimeoutRule,
            admission::Admission,
        },
        package::{EventPackage, ExpiresPolicy, PackageRegistry},
    },
    id_source::IdSource,
    limit::Limits,
    message::{
        Message, Method, Request, Response, StatusCode,
        framer::{Parsed, parse_datagram},
        header::{contact::Contact, via::Transport},
        host::Host,
        uri::{SipUri, Uri},
    },
    time::Timestamp,
    transaction::{
        ClientTransactionId, DatagramRule, Outgoing, RequestEvent, ResponseEvent, ServerTransactionId,
        TransactionCommand, TransactionTable, timer::TimerValues, via::Hop,
    },
};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

/// A neighbour server.
pub(crate) struct Server {
    /// Where its socket is.
    pub(crate) address: SocketAddr,
    gateway: SocketAddr,
    starts: u8,
    packages: PackageRegistry,
    contact: Contact,
    value: Option<String>,
    /// Which of the new subscriptions it refuses for now, and which it lets wait: one in so many.
    pub(crate) moods: (Option<u64>, Option<u64>),
    met: u64,
    life: Life,
}

/// What a restart forgets.
struct Life {
    table: TransactionTable,
    ids: IdSource,
    watches: BTreeMap<String, Notifier>,
    purposes: BTreeMap<ClientTransactionId, String>,
    /// When its user lets whom see.
    waiting: BTreeMap<String, Timestamp>,
}

impl Server {
    /// A server that nobody watches.
    #[must_use]
    pub(crate) fn new(address: SocketAddr, gateway: SocketAddr) -> Self {
        let own = SipUri::new(Host::from(address.ip())).with_port(Some(address.port()));
        let mut packages = PackageRegistry::default();
        let expires = ExpiresPolicy { default_s: LEASE_S, min_s: 60, max_s: LEASE_S };
        packages.register(EventPackage { expires, ..EventPackage::presence() });
        let contact = Contact::new(Uri::Sip(own));
        Self {
            address,
            gateway,
            starts: 1,
            packages,
            contact,
            value: None,
            moods: (None, None),
            met: 0,
            life: Life::new(1),
        }
    }

    /// Its user has something new to say.
    pub(crate) fn say(&mut self, now: u64, value: String, truth: &mut Truth) {
        truth.published(now, USER, &value);
        let body = document_of(&format!("sip:{USER}"), &value);
        self.value = Some(value);
        for watch in self.life.watches.values_mut() {
            watch.handle(Timestamp::from_millis(now), NotifierEvent::Update(Some(body.clone())));
        }
    }

    /// What its user says.
    #[must_use]
    pub(crate) fn published(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// It goes down and comes back: every subscription and transaction is forgotten.
    pub(crate) fn restart(&mut self, truth: &mut Truth) {
        truth.count("server restarts".to_owned());
        self.starts = self.starts.wrapping_add(1);
        self.life = Life::new(self.starts);
    }

    /// How many subscriptions it holds.
    #[must_use]
    pub(crate) fn watch_count(&self) -> usize {
        self.life.watches.len()
    }

    /// When [`Server::expire`] is to be called.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<u64> {
        let watches = self.life.watches.values().filter_map(Notifier::deadline);
        watches
            .chain(self.life.table.deadline())
            .chain(self.life.waiting.values().copied())
            .map(Timestamp::as_millis)
            .min()
    }

    /// Time has passed.
    pub(crate) fn expire(&mut self, now: u64, truth: &mut Truth) -> Vec<(SocketAddr, Bytes)> {
        let at = Timestamp::from_millis(now);
        self.life.table.expire(at);
        for watch in self.life.watches.values_mut() {
            if watch.deadline().is_some_and(|due| due <= at) {
                watch.expire(at);
            }
        }
        let document = self.value.as_deref().map(|value| document_of(&format!("sip:{USER}"), value));
        for (tag, _) in self.life.waiting.extract_if(.., |_, due| *due <= at) {
            if let Some(watch) = self.life.watches.get_mut(&tag) {
                watch.handle(at, NotifierEvent::Grant(document.clone()));
            }
        }
        self.work(now, truth)
    }

    /// Takes a datagram.
    pub(crate) fn receive(&mut self, now: u64, octets: &Bytes, truth: &mut Truth) -> Vec<(SocketAddr, Bytes)> {
        let at = Timestamp::from_millis(now);
        let hop = Hop { transport: Transport::Udp, address: self.gateway, connection: None, name: None };
        match parse_datagram(octets, &Limits::default()) {
            Ok(Parsed::Message(Message::Request(request))) => {
                if let RequestEvent::New { id, request } = self.life.table.receive_request(at, request, &hop) {
                    self.serve(at, id, request, truth);
                }
            }
            Ok(Parsed::Message(Message::Response(response))) => {
                if let ResponseEvent::Final { id, response } = self.life.table.receive_response(at, response) {
                    self.conclude(at, id, NotifierEvent::Response(response));
                }
            }
            Ok(Parsed::KeepAlive) => {}
            Err(error) => truth.violated(format!("the server was sent what it cannot read: {error:?}")),
        }
        self.work(now, truth)
    }

    /// Does what the machines want until none wants anything.
    pub(crate) fn work(&mut self, now: u64, truth: &mut Truth) -> Vec<(SocketAddr, Bytes)> {
        let at = Timestamp::from_millis(now);
        let mut sent = Vec::new();
        loop {
            self.work_watches(at, truth);
            let Some(command) = self.life.table.poll() else { return sent };
            match command {
                TransactionCommand::Send { octets, target, .. } => sent.push((target.hop.address, octets)),
                TransactionCommand::TimedOut(id) => self.conclude(at, id, NotifierEvent::TimedOut),
                TransactionCommand::RequestFailed(id) => self.conclude(at, id, NotifierEvent::RequestFailed),
                TransactionCommand::ResponseFailed(_) | TransactionCommand::AckMissing(_) => {}
            }
        }
    }

    fn serve(&mut self, now: Timestamp, id: ServerTransactionId, request: Arc<Request>, truth: &mut Truth) {
        let tag = self.life.ids.tag();
        let respond = |status| Response::for_request(&request, status, Some(&tag));
        let answer = match request.method() {
            Method::Subscribe => return self.subscribed(now, id, request, truth),
            // An old server: its clients know nothing of wrapped messages.
            Method::Message if crate::agent::is_wrapped(&request) => respond(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Method::Message => {
                let call_id = request.headers().call_id().map(|id| id.to_string()).unwrap_or_default();
                truth.delivered(USER, &String::from_utf8_lossy(request.body()), &call_id);
                respond(StatusCode::OK)
            }
            _ => respond(StatusCode::OK),
        };
        drop(self.life.table.respond(now, id, &answer));
    }

    fn subscribed(&mut self, now: Timestamp, id: ServerTransactionId, request: Arc<Request>, truth: &mut Truth) {
        let to = request.headers().to().ok().and_then(|to| to.tag()).map(|tag| tag.as_str().to_owned());
        if let Some(watch) = to.and_then(|tag| self.life.watches.get_mut(&tag)) {
            truth.count("server refreshes".to_owned());
            return watch.handle(now, NotifierEvent::Subscribe { transaction: id, request });
        }
        let tag = self.life.ids.tag();
        self.met += 1;
        let is_one_in = |one_in: Option<u64>| one_in.is_some_and(|one_in| self.met.is_multiple_of(one_in));
        let (is_refused, waits) = (is_one_in(self.moods.0), is_one_in(self.moods.1));
        if is_refused {
            truth.count("server refusals".to_owned());
            let status = REFUSALS[usize::try_from(self.met).unwrap_or(0) % REFUSALS.len()];
            let status = StatusCode::from_number(status).expect("a status code");
            drop(self.life.table.respond(now, id, &Response::for_request(&request, status, Some(&tag))));
            return;
        }
        let body = self.value.as_deref().map(|value| document_of(&format!("sip:{USER}"), value));
        let opening = Opening {
            tag: tag.clone(),
            contact: self.contact.clone(),
            permission: if waits { Permission::Undecided } else { Permission::Granted(body) },
            timeout_rule: TimeoutRule::Remove,
        };
        let accepted = Admission::check(&request, &self.packages)
            .and_then(|admission| Notifier::accept(now, id, &request, admission, opening));
        match accepted {
            Ok(watch) => {
                truth.count("server subscriptions".to_owned());
                if waits {
                    truth.count("server waits".to_owned());
                    self.life.waiting.insert(tag.as_str().to_owned(), now.after(DECISION_WAIT));
                }
                self.life.watches.insert(tag.as_str().to_owned(), watch);
            }
            Err(refusal) => {
                truth.count(format!("server {}", refusal.status.to_number()));
                drop(self.life.table.respond(now, id, &refusal.to_response(&request, &tag)));
            }
        }
    }

    fn conclude(&mut self, now: Timestamp, id: ClientTransactionId, event: NotifierEvent) {
        let tag = self.life.purposes.remove(&id);
        if let Some(watch) = tag.and_then(|tag| self.life.watches.get_mut(&tag)) {
            watch.handle(now, event);
        }
    }

    fn work_watches(&mut self, now: Timestamp, truth: &mut Truth) {
        let Life { table, watches, purposes, .. } = &mut self.life;
        for (tag, watch) in watches.iter_mut() {
            while let Some(command) = watch.poll() {
                match command {
                    NotifierCommand::Respond { transaction, response } => {
                        drop(table.respond(now, transaction, &response));
                    }
                    NotifierCommand::SendRequest(request) => {
                        let outgoing = Outgoing {
                            hop: Hop { transport: Transport::Udp, address: self.gateway, connection: None, name: None },
                            sent_by_host: Host::from(self.address.ip()),
                            sent_by_port: Some(self.address.port()),
                            datagram_rule: DatagramRule::AnySize,
                        };
                        let id = table.send_request(now, request, &outgoing).expect("the table has room");
                        purposes.insert(id, tag.clone());
                    }
                    NotifierCommand::Challenged { .. } => watch.handle(now, NotifierEvent::Authorize(Vec::new())),
                    NotifierCommand::LeaseGranted { .. } => {}
                    NotifierCommand::Removed(cause) => truth.count(format!("server watches {cause:?}")),
                }
            }
        }
        watches.retain(|_, watch| watch.state() != NotifierState::Ended);
    }
}

impl Life {
    fn new(number: u8) -> Self {
        let source = |prefix: &str| IdSource::new(prefix, [number; 32]).expect("a prefix");
        Self {
            table: TransactionTable::new(TimerValues::default(), 10_000, source("n")),
            ids: source("s"),
            watches: BTreeMap::new(),
            purposes: BTreeMap::new(),
            waiting: BTreeMap::new(),
        }
    }
}

/// Its user.
pub(crate) const USER: &str = "zoe@peer.example";

/// What it refuses a subscription with for now (RFC 3261 §21.4.18, §21.5): none of them is for ever.
const REFUSALS: [u16; 3] = [480, 500, 503];

/// How long its user takes to let somebody see.
const DECISION_WAIT: std::time::Duration = std::time::Duration::from_secs(7);

/// How long a subscription lasts without a refresh: shorter than the quiet at the end of a run.
const LEASE_S: u32 = 120;
