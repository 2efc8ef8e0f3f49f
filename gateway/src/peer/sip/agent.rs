//! The agent itself: machines, transactions and the order in which they take turns.

use super::{
    SipPeer, SipTransportChoice,
    command::{Command, HELP, OwnState, uri_of},
    credential::Authenticator,
    document,
    letter::Letter,
    registration::{Outcome, Registration},
    socket::{Arrival, Sockets},
    watch::Watch,
};
use crate::peer::{PeerError, line::Lines, random, report::Reporter, tap::Tap};
use bytes::Bytes;
use serde_json::json;
use sip_proto::{
    event::{
        body::Body,
        credential::CredentialSource,
        lifetime::Jitter,
        publisher::{PublicationChange, Publisher, PublisherCommand, PublisherEvent, PublisherSettings},
        subscriber::SubscriberEvent,
    },
    id_source::IdSource,
    message::{
        Message, Method, Request, Response, StatusCode,
        header::{address::NameAddr, contact::Contact, event::Event, media_type::MediaType, via::Transport},
        headers::Header,
        host::Host,
        uri::{SipUri, Uri},
    },
    time::Timestamp,
    transaction::{
        ClientTransactionId, DatagramRule, Outgoing, ResponseEvent, SendError, TransactionCommand, TransactionTable,
        timer::TimerValues, via::Hop,
    },
};
use std::{
    collections::{HashMap, VecDeque},
    io,
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

pub(super) struct Agent {
    pub(super) reporter: Reporter,
    pub(super) table: TransactionTable,
    pub(super) ids: IdSource,
    pub(super) watches: HashMap<String, Watch>,
    /// What further messages are answered with.
    pub(super) answer: StatusCode,
    pub(super) own: Uri,
    pub(super) contact: Contact,
    server: Hop,
    pub(super) expires_s: u32,
    sockets: Sockets,
    arrivals: mpsc::Receiver<Arrival>,
    pub(super) authenticator: Authenticator,
    pub(super) pending: HashMap<ClientTransactionId, Purpose>,
    registration: Registration,
    publisher: Publisher,
    pub(super) outbox: VecDeque<Letter>,
    began: Instant,
    /// Number of the last command.
    pub(super) command: u64,
}

/// What a request was for.
pub(super) enum Purpose {
    Register,
    Publish,
    Subscribe(String),
    Message(Box<Letter>),
}

impl Agent {
    pub(super) async fn open(peer: &SipPeer, reporter: Reporter) -> Result<Self, PeerError> {
        let (server, transport) = peer.target()?;
        let transport = match transport {
            SipTransportChoice::Udp => Transport::Udp,
            SipTransportChoice::Tcp => Transport::Tcp,
            SipTransportChoice::Tls => Transport::Tls,
        };
        let bad_user = |reason: String| PeerError::option("user", &peer.user, reason);
        let own = uri_of(&peer.user).map_err(bad_user)?;
        let address = own.as_sip().cloned().ok_or_else(|| bad_user("no SIP address".to_owned()))?;
        let user = address.user_decoded().ok().flatten().ok_or_else(|| bad_user("the user is missing".to_owned()))?;
        let (sender, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let tls = match transport {
            Transport::Tls => Some(peer.protection(&address.host().to_canonical())?),
            _ => None,
        };
        let sockets = Sockets::open(&transport, peer.listen(server)?, tls, (sender, Tap::default())).await?;
        let local = sockets.local();
        let contact = SipUri::new(Host::from(local.ip())).with_user(&user).with_port(Some(local.port()));
        let contact = match transport {
            Transport::Tcp => contact.with_param("transport", Some("tcp")),
            Transport::Tls => contact.with_param("transport", Some("tls")),
            _ => contact,
        };
        let contact = Contact::new(Uri::Sip(contact));
        let mut ids = source("a")?;
        let name = NameAddr::new(own.clone());
        let registration =
            Registration::new(name.clone(), address.host().clone(), contact.clone(), peer.expires_s, &mut ids);
        let publisher = Publisher::new(PublisherSettings {
            target: own.clone(),
            local: name,
            event: presence()?,
            expires_s: peer.expires_s,
            routes: Vec::new(),
            headers: Vec::new(),
            call_id: ids.call_id(),
            tag: ids.tag(),
            jitter: Jitter::default(),
            credentials: CredentialSource::Owner,
        });
        let mut agent = Self {
            reporter,
            table: TransactionTable::new(TimerValues::default(), TRANSACTIONS_MAX, source("t")?),
            ids,
            watches: HashMap::new(),
            answer: StatusCode::OK,
            own,
            contact,
            server: Hop { transport, address: server, connection: None, name: None },
            expires_s: peer.expires_s,
            sockets,
            arrivals,
            authenticator: Authenticator::new(user, peer.password.clone()),
            pending: HashMap::new(),
            registration,
            publisher,
            outbox: VecDeque::new(),
            began: Instant::now(),
            command: 0,
        };
        reporter.tell("ready", json!({ "user": agent.own.to_string(), "contact": agent.contact.uri().to_string() }))?;
        if peer.registers {
            agent.register(Vec::new())?;
        }
        Ok(agent)
    }

    pub(super) async fn run(mut self, mut lines: Lines) -> io::Result<()> {
        let mut quit_by = None;
        loop {
            self.work()?;
            if quit_by.is_some() && self.pending.is_empty() {
                return Ok(());
            }
            let due = self.due();
            let end = quit_by.unwrap_or(self.began);
            tokio::select! {
                line = lines.next(), if quit_by.is_none() => {
                    let is_over = match line {
                        Some(line) => self.take_line(&line)? == Progress::Quit,
                        None => true,
                    };
                    if is_over {
                        quit_by = Instant::now().checked_add(QUIT_PATIENCE);
                    }
                }
                Some(arrival) = self.arrivals.recv() => self.take_arrival(arrival)?,
                () = tokio::time::sleep_until(due.unwrap_or(self.began)), if due.is_some() => self.expire()?,
                () = tokio::time::sleep_until(end), if quit_by.is_some() => return Ok(()),
            }
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        // Not at the beginning of the scale, where some headers could not point back.
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_millis(elapsed)
    }

    /// When the first of the machines wants to be looked at.
    fn due(&self) -> Option<Instant> {
        let machines = [self.table.deadline(), self.registration.deadline(), self.publisher.deadline()];
        let watches = self.watches.values().map(|watch| watch.subscriber.deadline());
        let first = machines.into_iter().chain(watches).flatten().min()?;
        self.began.checked_add(Duration::from_millis(first.as_millis()))
    }

    fn expire(&mut self) -> io::Result<()> {
        let now = self.now();
        self.table.expire(now);
        self.publisher.expire(now);
        for watch in self.watches.values_mut() {
            if watch.subscriber.deadline().is_some_and(|at| at <= now) {
                watch.subscriber.expire(now);
            }
        }
        if self.registration.is_due(now) { self.register(Vec::new()) } else { Ok(()) }
    }

    fn take_line(&mut self, line: &str) -> io::Result<Progress> {
        self.command = self.command.saturating_add(1);
        let now = self.now();
        match Command::parse(line) {
            Ok(Command::Quit) => return Ok(Progress::Quit),
            Ok(Command::Help) => self.reporter.help(HELP)?,
            Ok(Command::Register) => {
                self.registration.want(true);
                self.register(Vec::new())?;
            }
            Ok(Command::Unregister) => {
                self.registration.want(false);
                self.register(Vec::new())?;
            }
            Ok(Command::Publish(state, text)) => self.publish(now, state, text.as_deref())?,
            Ok(Command::Unpublish) => self.publisher.handle(now, PublisherEvent::Remove),
            Ok(Command::Watch(of)) => self.watch(now, of)?,
            Ok(Command::Unwatch(of)) => self.unwatch(now, &of)?,
            Ok(Command::Send(to, text)) => self.write_letter(to, text)?,
            Ok(Command::Answer(status)) => self.answer = status,
            Err(reason) => self.error(&reason)?,
        }
        Ok(Progress::Continue)
    }

    fn take_arrival(&mut self, arrival: Arrival) -> io::Result<()> {
        let now = self.now();
        match arrival {
            Arrival::Message { message: Message::Request(request), hop } => self.take_request(now, request, &hop),
            Arrival::Message { message: Message::Response(response), .. } => {
                match self.table.receive_response(now, response) {
                    ResponseEvent::Final { id, response } => self.take_response(now, id, response),
                    ResponseEvent::Provisional { .. } | ResponseEvent::Retransmission | ResponseEvent::Stray => Ok(()),
                }
            }
            Arrival::Unsent(transaction) => {
                self.table.transport_error(now, transaction);
                Ok(())
            }
            Arrival::Accepted(connection) => {
                self.sockets.adopt(connection);
                Ok(())
            }
            Arrival::Closed(id) => {
                self.sockets.forget(id);
                Ok(())
            }
        }
    }

    /// Does what the machines want until none wants anything.
    fn work(&mut self) -> io::Result<()> {
        loop {
            self.work_publisher()?;
            self.work_watches()?;
            self.send_letter()?;
            let Some(command) = self.table.poll() else { return Ok(()) };
            match command {
                TransactionCommand::Send { octets, target, transaction } => {
                    self.sockets.send(octets, &target, transaction);
                }
                TransactionCommand::TimedOut(id) => self.fail(id, StatusCode::REQUEST_TIMEOUT)?,
                TransactionCommand::RequestFailed(id) => self.fail(id, StatusCode::SERVICE_UNAVAILABLE)?,
                TransactionCommand::ResponseFailed(_) | TransactionCommand::AckMissing(_) => {}
            }
        }
    }

    fn work_publisher(&mut self) -> io::Result<()> {
        while let Some(command) = self.publisher.poll() {
            let now = self.now();
            match command {
                PublisherCommand::SendRequest(request) => self.send(request, Purpose::Publish)?,
                PublisherCommand::Challenged(response) => {
                    let uri = self.own.to_string();
                    let headers = self.authenticator.answer(&response, &Method::Publish, &uri)?;
                    self.publisher.handle(now, PublisherEvent::Authorize(headers));
                }
                PublisherCommand::StateChanged(PublicationChange::Published { expires_at }) => {
                    self.reporter.tell("published", json!({ "expires_s": now.seconds_until(expires_at) }))?;
                }
                PublisherCommand::StateChanged(PublicationChange::Removed) => {
                    self.reporter.tell("unpublished", json!({}))?;
                }
                PublisherCommand::StateChanged(PublicationChange::Refused { status, .. }) => {
                    self.reporter.tell("answer", json!({ "to": "PUBLISH", "code": status.to_number() }))?;
                }
            }
        }
        Ok(())
    }

    fn take_response(&mut self, now: Timestamp, id: ClientTransactionId, response: Response) -> io::Result<()> {
        match self.pending.remove(&id) {
            Some(Purpose::Register) => self.registration_answered(now, &response),
            Some(Purpose::Publish) => {
                if response.status().is_success() {
                    self.tell_answer("PUBLISH", None, &response)?;
                }
                self.publisher.handle(now, PublisherEvent::Response(response));
                Ok(())
            }
            Some(Purpose::Subscribe(tag)) => {
                let of = self.watches.get(&tag).map(|watch| watch.of.clone());
                if !is_challenge(&response) {
                    self.tell_answer("SUBSCRIBE", of, &response)?;
                }
                self.tell_machine(now, &tag, SubscriberEvent::Response(response));
                Ok(())
            }
            Some(Purpose::Message(letter)) => self.letter_answered(*letter, &response),
            None => Ok(()),
        }
    }

    /// A request got no answer at all.
    fn fail(&mut self, id: ClientTransactionId, status: StatusCode) -> io::Result<()> {
        let now = self.now();
        let is_late = status == StatusCode::REQUEST_TIMEOUT;
        let name = match self.pending.remove(&id) {
            Some(Purpose::Publish) => {
                let event = if is_late { PublisherEvent::TimedOut } else { PublisherEvent::RequestFailed };
                self.publisher.handle(now, event);
                return Ok(());
            }
            Some(Purpose::Subscribe(tag)) => {
                let event = if is_late { SubscriberEvent::TimedOut } else { SubscriberEvent::RequestFailed };
                self.tell_machine(now, &tag, event);
                return Ok(());
            }
            Some(Purpose::Register) => ("REGISTER", self.command),
            Some(Purpose::Message(letter)) => ("MESSAGE", letter.command),
            None => return Ok(()),
        };
        let (to, id) = name;
        self.reporter.tell("answer", json!({ "to": to, "code": status.to_number(), "id": id, "local": true }))
    }

    fn registration_answered(&mut self, now: Timestamp, response: &Response) -> io::Result<()> {
        match self.registration.take(now, response) {
            Outcome::Challenged => {
                let uri = self.registration.registrar().to_string();
                let headers = self.authenticator.answer(response, &Method::Register, &uri)?;
                if headers.is_empty() { self.tell_answer("REGISTER", None, response) } else { self.register(headers) }
            }
            Outcome::Again => self.register(Vec::new()),
            Outcome::Registered(expires_s) => self.reporter.tell("registered", json!({ "expires_s": expires_s })),
            Outcome::Unregistered => self.reporter.tell("unregistered", json!({})),
            Outcome::Refused => self.tell_answer("REGISTER", None, response),
        }
    }

    pub(super) fn tell_answer(&self, to: &str, of: Option<String>, response: &Response) -> io::Result<()> {
        let reason = String::from_utf8_lossy(response.reason());
        let code = response.status().to_number();
        self.reporter.tell("answer", json!({ "to": to, "of": of, "code": code, "reason": reason }))
    }

    fn register(&mut self, credentials: Vec<Header>) -> io::Result<()> {
        let request = self.registration.request(credentials);
        self.send(request, Purpose::Register)
    }

    fn publish(&mut self, now: Timestamp, state: OwnState, text: Option<&str>) -> io::Result<()> {
        match document::write(&self.own.to_string(), state, text) {
            Ok(document) => {
                let body = Body::new(media_type(PIDF)?, Bytes::from(document));
                self.publisher.handle(now, PublisherEvent::Publish(body));
                Ok(())
            }
            Err(error) => self.error(&error.to_string()),
        }
    }

    // RFC 3261 §8.1.2: everything goes to the configured server, whoever it is for.
    pub(super) fn send(&mut self, request: Request, purpose: Purpose) -> io::Result<()> {
        let now = self.now();
        let local = self.sockets.local();
        let mut outgoing = Outgoing {
            hop: self.server.clone(),
            sent_by_host: Host::from(local.ip()),
            sent_by_port: Some(local.port()),
            datagram_rule: DatagramRule::SmallOnly,
        };
        let mut sent = self.table.send_request(now, request.clone(), &outgoing);
        if sent == Err(SendError::TooLargeForDatagram) {
            // RFC 3261 §18.1.1
            outgoing.hop.transport = Transport::Tcp;
            sent = self.table.send_request(now, request, &outgoing);
        }
        match sent {
            Ok(id) => {
                self.pending.insert(id, purpose);
                Ok(())
            }
            Err(error) => {
                match purpose {
                    Purpose::Publish => self.publisher.handle(now, PublisherEvent::RequestFailed),
                    Purpose::Subscribe(tag) => self.tell_machine(now, &tag, SubscriberEvent::RequestFailed),
                    Purpose::Register | Purpose::Message(_) => {}
                }
                self.error(&error.to_string())
            }
        }
    }

    pub(super) fn error(&self, reason: &str) -> io::Result<()> {
        self.reporter.tell("error", json!({ "reason": reason, "id": self.command }))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Continue,
    Quit,
}

pub(super) fn is_challenge(response: &Response) -> bool {
    matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

fn source(prefix: &str) -> io::Result<IdSource> {
    IdSource::new(prefix, random()?).map_err(io::Error::other)
}

pub(super) fn presence() -> io::Result<Event> {
    Event::new("presence").map_err(io::Error::other)
}

pub(super) fn media_type(text: &str) -> io::Result<MediaType> {
    MediaType::parse(text).map_err(io::Error::other)
}

pub(super) const PIDF: &str = "application/pidf+xml";

// RFC 3261 §8.1.1.6
pub(super) const MAX_FORWARDS: u8 = 70;

/// What came in and was not looked at yet; more makes the sockets wait.
const ARRIVALS_MAX: usize = 256;

const TRANSACTIONS_MAX: usize = 10_000;

/// How long requests that are under way may take when the agent is told to quit.
const QUIT_PATIENCE: Duration = Duration::from_secs(5);
