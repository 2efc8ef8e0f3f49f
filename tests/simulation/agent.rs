//! A SIP user agent in virtual time: the machines of `sip-proto`, and somebody who uses them.

mod letter;
mod oddity;
mod registration;
mod watching;

use super::{
    odd::Oddity,
    truth::{Text, Truth},
};
use bytes::Bytes;
use sip_proto::{
    auth::{AnswerInput, Challenger, Secret, answer, choose},
    body::pidf::{Basic, ElementId, Note, Presence, Tuple},
    event::{
        body::Body,
        credential::CredentialSource,
        lifetime::Jitter,
        publisher::{PublicationChange, Publisher, PublisherCommand, PublisherEvent, PublisherSettings},
        subscriber::{Subscriber, SubscriberEvent},
    },
    id_source::IdSource,
    limit::Limits,
    message::{
        HeaderName, Message, Method, Request, Response, StatusCode,
        framer::{Parsed, parse_datagram},
        header::{
            address::NameAddr,
            contact::Contact,
            cseq::{CSeq, Sequence},
            event::Event,
            identifier::{CallId, Tag},
            media_type::MediaType,
            via::Transport,
        },
        headers::Header,
        host::Host,
        uri::{SipUri, Uri},
    },
    time::Timestamp,
    transaction::{
        ClientTransactionId, DatagramRule, Outgoing, RequestEvent, ResponseEvent, ServerTransactionId,
        TransactionCommand, TransactionTable, timer::TimerValues, via::Hop,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

/// A user agent.
pub(crate) struct Agent {
    /// Its user, as `user@domain`.
    pub(crate) user: String,
    /// Where its socket is.
    pub(crate) address: SocketAddr,
    server: SocketAddr,
    table: TransactionTable,
    ids: IdSource,
    own: Uri,
    contact: Contact,
    purposes: BTreeMap<ClientTransactionId, Purpose>,
    registration: Registration,
    publisher: Publisher,
    watches: BTreeMap<String, Watch>,
    wanted: BTreeSet<String>,
    rewatch_at: BTreeMap<String, u64>,
    letters: VecDeque<Letter>,
    /// No letter before this: a copy of the last one may still be on its way.
    write_at: Option<u64>,
    value: Option<(String, bool)>,
    publish_at: Option<u64>,
    nonce_uses: BTreeMap<String, u32>,
    /// What it saw last of whom.
    pub(crate) seen: BTreeMap<String, Option<String>>,
    /// Which letters it does not take.
    pub(crate) temper: Temper,
}

/// How a device refuses letters: one in so many, with this status; none when never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Temper {
    /// One in so many.
    pub(crate) one_in: Option<u64>,
    /// What it answers.
    pub(crate) status: u16,
    /// How many it was brought.
    pub(crate) brought: u64,
}

enum Purpose {
    Register,
    Publish,
    Subscribe(String),
    Message(Box<Letter>),
    Odd(Box<Oddity>),
}

struct Letter {
    text: Text,
    request: Request,
    is_authorized: bool,
}

struct Watch {
    whom: String,
    subscriber: Subscriber,
}

struct Registration {
    call_id: CallId,
    tag: Tag,
    sequence: Sequence,
    expires_s: u32,
    is_registered: bool,
    challenges: u32,
    due: Option<u64>,
}

impl Agent {
    /// An agent that has not registered.
    ///
    /// # Panics
    /// When the user is no SIP user.
    #[must_use]
    pub(crate) fn new(user: &str, address: SocketAddr, server: SocketAddr, number: u8) -> Self {
        let own = Uri::parse(&format!("sip:{user}")).expect("a SIP URI");
        let name = user.split('@').next().unwrap_or_default();
        let contact = SipUri::new(Host::from(address.ip())).with_user(name).with_port(Some(address.port()));
        let source = |prefix: &str| IdSource::new(prefix, [number; 32]).expect("a prefix");
        let mut ids = source("a");
        let publisher = Publisher::new(PublisherSettings {
            target: own.clone(),
            local: NameAddr::new(own.clone()),
            event: presence(),
            expires_s: EXPIRES_S,
            routes: Vec::new(),
            headers: Vec::new(),
            call_id: ids.call_id(),
            tag: ids.tag(),
            jitter: Jitter::default(),
            credentials: CredentialSource::Owner,
        });
        let registration = Registration {
            call_id: ids.call_id(),
            tag: ids.tag(),
            sequence: Sequence::FIRST,
            expires_s: 0,
            is_registered: false,
            challenges: 0,
            due: None,
        };
        Self {
            user: user.to_owned(),
            address,
            server,
            table: TransactionTable::new(TimerValues::default(), 10_000, source("t")),
            ids,
            own,
            contact: Contact::new(Uri::Sip(contact)),
            purposes: BTreeMap::new(),
            registration,
            publisher,
            watches: BTreeMap::new(),
            wanted: BTreeSet::new(),
            rewatch_at: BTreeMap::new(),
            letters: VecDeque::new(),
            write_at: None,
            value: None,
            publish_at: None,
            nonce_uses: BTreeMap::new(),
            seen: BTreeMap::new(),
            temper: Temper::default(),
        }
    }

    /// Registers, and stays registered.
    pub(crate) fn switch_on(&mut self, now: u64) {
        self.registration.expires_s = EXPIRES_S;
        self.registration.due = Some(now);
    }

    /// Ends everything: watches, publication, registration.
    pub(crate) fn switch_off(&mut self, now: u64) {
        for whom in self.wanted.clone() {
            self.unwatch(now, &whom);
        }
        if self.value.take().is_some() {
            self.publisher.handle(Timestamp::from_millis(now), PublisherEvent::Remove);
        }
        self.publish_at = None;
        self.registration.expires_s = 0;
        self.registration.due = Some(now);
    }

    /// Watches somebody, and goes on doing so.
    pub(crate) fn watch(&mut self, now: u64, whom: &str, truth: &mut Truth) {
        if self.wanted.insert(whom.to_owned()) {
            // Who watches agrees to be watched.
            truth.grant_asked(now, &self.user, whom);
            self.begin_watch(now, whom);
        }
    }

    /// Watches somebody no longer.
    pub(crate) fn unwatch(&mut self, now: u64, whom: &str) {
        self.wanted.remove(whom);
        self.rewatch_at.remove(whom);
        self.seen.remove(&super::truth::bare(whom));
        for watch in self.watches.values_mut().filter(|watch| watch.whom == whom) {
            watch.subscriber.handle(Timestamp::from_millis(now), SubscriberEvent::Unsubscribe);
        }
    }

    /// The user has something new to say of himself.
    pub(crate) fn say(&mut self, now: u64, value: String, truth: &mut Truth) {
        truth.published(now, &self.user, &value);
        let body = document_of(&self.own.to_string(), &value);
        self.value = Some((value, false));
        self.publish_at = None;
        self.publisher.handle(Timestamp::from_millis(now), PublisherEvent::Publish(body));
    }

    /// Sends a text.
    pub(crate) fn send(&mut self, now: u64, to: &str, text: Text, truth: &mut Truth) {
        let to = Uri::parse(to).expect("a URI");
        let tag = self.ids.tag();
        let plain = MediaType::parse("text/plain").expect("a media type");
        let request = Request::new(Method::Message, to.clone())
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, NameAddr::new(self.own.clone()).with_tag(&tag)))
            .with(Header::new(HeaderName::To, NameAddr::new(to)))
            .with(Header::new(HeaderName::CallId, self.ids.call_id()))
            .with(Header::new(HeaderName::CSeq, CSeq::new(Sequence::FIRST, Method::Message)))
            .with_body(&plain, Bytes::from(text.to_string()));
        truth.sent(now, &text);
        self.letters.push_back(Letter { text, request, is_authorized: false });
    }

    /// What the gateway has accepted as this user's presence.
    #[must_use]
    pub(crate) fn published(&self) -> Option<&str> {
        self.value.as_ref().filter(|(_, is_accepted)| *is_accepted).map(|(value, _)| value.as_str())
    }

    /// Whom the user watches.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(String::as_str)
    }

    /// Whether it is registered and no letter is under way.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        let writes = self.purposes.values().any(|purpose| matches!(purpose, Purpose::Message(_)));
        self.registration.is_registered && self.letters.is_empty() && !writes
    }

    /// Whether everything of it has ended.
    #[must_use]
    pub(crate) fn is_off(&self) -> bool {
        !self.registration.is_registered && self.watches.is_empty() && self.purposes.is_empty()
    }

    /// When [`Agent::expire`] is to be called.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<u64> {
        let machines = [self.table.deadline(), self.publisher.deadline()].into_iter().flatten();
        let watches = self.watches.values().filter_map(|watch| watch.subscriber.deadline());
        let first = machines.chain(watches).map(Timestamp::as_millis).min();
        let again = self.rewatch_at.values().min().copied();
        [first, again, self.registration.due, self.publish_at, self.write_at].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(crate) fn expire(&mut self, now: u64, truth: &mut Truth) -> Vec<(SocketAddr, Bytes)> {
        let at = Timestamp::from_millis(now);
        self.table.expire(at);
        self.publisher.expire(at);
        for watch in self.watches.values_mut() {
            if watch.subscriber.deadline().is_some_and(|due| due <= at) {
                watch.subscriber.expire(at);
            }
        }
        if self.registration.due.is_some_and(|due| due <= now) {
            self.registration.due = None;
            self.registration.challenges = 0;
            self.register(now, Vec::new());
        }
        if self.publish_at.is_some_and(|due| due <= now)
            && let Some((value, _)) = self.value.clone()
        {
            self.say(now, value, truth);
        }
        self.write_at = self.write_at.filter(|at| *at > now);
        let due: Vec<String> =
            self.rewatch_at.iter().filter(|(_, at)| **at <= now).map(|(whom, _)| whom.clone()).collect();
        for whom in due {
            self.rewatch_at.remove(&whom);
            self.begin_watch(now, &whom);
        }
        self.work(now, truth)
    }

    /// Takes a datagram.
    pub(crate) fn receive(
        &mut self,
        now: u64,
        octets: &Bytes,
        source: SocketAddr,
        truth: &mut Truth,
    ) -> Vec<(SocketAddr, Bytes)> {
        let at = Timestamp::from_millis(now);
        let hop = Hop { transport: Transport::Udp, address: source, connection: None, name: None };
        match parse_datagram(octets, &Limits::default()) {
            Ok(Parsed::Message(Message::Request(request))) => {
                if let RequestEvent::New { id, request } = self.table.receive_request(at, request, &hop) {
                    self.serve(at, id, request, truth);
                }
            }
            Ok(Parsed::Message(Message::Response(response))) => {
                if let ResponseEvent::Final { id, response } = self.table.receive_response(at, response) {
                    self.conclude(now, id, Ok(response), truth);
                }
            }
            Ok(Parsed::KeepAlive) => {}
            Err(error) => truth.violated(format!("{} was sent what it cannot read: {error:?}", self.user)),
        }
        self.work(now, truth)
    }

    /// Does what the machines want until none wants anything.
    pub(crate) fn work(&mut self, now: u64, truth: &mut Truth) -> Vec<(SocketAddr, Bytes)> {
        let mut sent = Vec::new();
        loop {
            self.work_publisher(now, truth);
            self.work_watches(now, truth);
            self.send_letter(now);
            let Some(command) = self.table.poll() else { return sent };
            match command {
                TransactionCommand::Send { octets, target, .. } => sent.push((target.hop.address, octets)),
                TransactionCommand::TimedOut(id) => self.conclude(now, id, Err(StatusCode::REQUEST_TIMEOUT), truth),
                TransactionCommand::RequestFailed(id) => {
                    self.conclude(now, id, Err(StatusCode::SERVICE_UNAVAILABLE), truth);
                }
                TransactionCommand::ResponseFailed(_) | TransactionCommand::AckMissing(_) => {}
            }
        }
    }

    fn serve(&mut self, now: Timestamp, id: ServerTransactionId, request: Arc<Request>, truth: &mut Truth) {
        let tag = self.ids.tag();
        let respond = |status| Response::for_request(&request, status, Some(&tag));
        match request.method() {
            Method::Notify => {
                let to = request.headers().to().ok().and_then(|to| to.tag()).map(|tag| tag.as_str().to_owned());
                match to.and_then(|tag| self.watches.get_mut(&tag)) {
                    Some(watch) => {
                        watch.subscriber.handle(now, SubscriberEvent::Notify { transaction: id, request });
                    }
                    None => drop(self.table.respond(now, id, &respond(StatusCode::CALL_DOES_NOT_EXIST))),
                }
            }
            Method::Message => {
                let call_id = request.headers().call_id().map(|id| id.to_string()).unwrap_or_default();
                if INVITATIONS.iter().any(|words| request.body().starts_with(words)) {
                    truth.count("invitations told".to_owned());
                    drop(self.table.respond(now, id, &respond(StatusCode::OK)));
                    return;
                }
                if is_wrapped(&request) {
                    drop(self.table.respond(now, id, &respond(StatusCode::UNSUPPORTED_MEDIA_TYPE)));
                    return;
                }
                if let Some(status) = self.temper.refusal() {
                    truth.declined(&String::from_utf8_lossy(request.body()));
                    drop(self.table.respond(now, id, &respond(status)));
                    return;
                }
                truth.delivered(&self.user, &String::from_utf8_lossy(request.body()), &call_id);
                drop(self.table.respond(now, id, &respond(StatusCode::OK)));
            }
            _ => drop(self.table.respond(now, id, &respond(StatusCode::OK))),
        }
    }

    fn work_publisher(&mut self, now: u64, truth: &mut Truth) {
        while let Some(command) = self.publisher.poll() {
            match command {
                PublisherCommand::SendRequest(request) => self.dispatch(now, request, Purpose::Publish),
                PublisherCommand::Challenged(response) => {
                    let headers = self.credentials(&response, &Method::Publish, &self.own.to_string());
                    self.publisher.handle(Timestamp::from_millis(now), PublisherEvent::Authorize(headers));
                }
                PublisherCommand::StateChanged(PublicationChange::Published { .. }) => {
                    truth.count("sip published".to_owned());
                    if let Some((_, is_accepted)) = &mut self.value {
                        *is_accepted = true;
                    }
                }
                PublisherCommand::StateChanged(PublicationChange::Removed) => {}
                PublisherCommand::StateChanged(PublicationChange::Refused { .. }) => {
                    if self.value.is_some() {
                        self.publish_at = Some(now + PAUSE_MS);
                    }
                }
            }
        }
    }

    fn conclude(&mut self, now: u64, id: ClientTransactionId, answer: Result<Response, StatusCode>, truth: &mut Truth) {
        let at = Timestamp::from_millis(now);
        match self.purposes.remove(&id) {
            Some(Purpose::Register) => self.registered(now, answer, truth),
            Some(Purpose::Publish) => self.publisher.handle(
                at,
                match answer {
                    Ok(response) => PublisherEvent::Response(response),
                    Err(StatusCode::REQUEST_TIMEOUT) => PublisherEvent::TimedOut,
                    Err(_) => PublisherEvent::RequestFailed,
                },
            ),
            Some(Purpose::Subscribe(tag)) => {
                if let Some(watch) = self.watches.get_mut(&tag) {
                    watch.subscriber.handle(
                        at,
                        match answer {
                            Ok(response) => SubscriberEvent::Response(response),
                            Err(StatusCode::REQUEST_TIMEOUT) => SubscriberEvent::TimedOut,
                            Err(_) => SubscriberEvent::RequestFailed,
                        },
                    );
                }
            }
            Some(Purpose::Odd(oddity)) => self.odd_answered(now, *oddity, answer, truth),
            Some(Purpose::Message(letter)) => self.letter_answered(now, *letter, answer, truth),
            None => {}
        }
    }

    fn dispatch(&mut self, now: u64, request: Request, purpose: Purpose) {
        let outgoing = Outgoing {
            hop: Hop { transport: Transport::Udp, address: self.server, connection: None, name: None },
            sent_by_host: Host::from(self.address.ip()),
            sent_by_port: Some(self.address.port()),
            datagram_rule: DatagramRule::AnySize,
        };
        let id = self.table.send_request(Timestamp::from_millis(now), request, &outgoing);
        self.purposes.insert(id.expect("the table has room"), purpose);
    }

    // RFC 3261 §22.2
    fn credentials(&mut self, response: &Response, method: &Method, uri: &str) -> Vec<Header> {
        let challenger = match response.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Challenger::Proxy,
            _ => Challenger::Server,
        };
        let challenges = response.headers().challenges(&challenger.challenge_name()).unwrap_or_default();
        let secret = Secret::Password("secret".to_owned());
        let user = self.user.split('@').next().unwrap_or_default();
        let mut headers = Vec::new();
        for challenge in choose(&challenges) {
            let nonce_count = self.nonce_uses.entry(challenge.nonce.clone()).and_modify(|uses| *uses += 1).or_insert(1);
            let input = AnswerInput {
                method,
                uri,
                user,
                secret: &secret,
                cnonce: "0a4f113b",
                nonce_count: *nonce_count,
                body: &[],
            };
            headers.extend(answer(&challenge, &input).map(|value| Header::new(challenger.credentials_name(), value)));
        }
        headers
    }
}

/// Somebody's presence document with these words.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub(crate) fn document_of(entity: &str, words: &str) -> Body {
    let note = Note::from_text(words);
    let tuple =
        Tuple { id: ElementId::from_text("im"), basic: Some(Basic::Open), notes: vec![note], ..Tuple::default() };
    let document = Presence { tuples: vec![tuple], ..Presence::new(entity) };
    let content = Bytes::from(document.write().expect("the document can be written"));
    Body::new(MediaType::parse(PIDF).expect("a media type"), content)
}

impl Temper {
    fn refusal(&mut self) -> Option<StatusCode> {
        self.brought += 1;
        let refuses = self.one_in.is_some_and(|one_in| self.brought.is_multiple_of(one_in));
        refuses.then(|| StatusCode::from_number(self.status).expect("a status code"))
    }
}

fn is_challenge(response: &Response) -> bool {
    matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
}

fn presence() -> Event {
    Event::new("presence").expect("an event")
}

/// How invitations begin that a user of this side is told in words.
const INVITATIONS: [&[u8]; 3] = [b"I would like to ", b"Join the group ", b"Become a member of "];

const PIDF: &str = "application/pidf+xml";

/// Lifetime of registrations, publications and subscriptions.
const EXPIRES_S: u32 = 600;

/// Longer than anything is on its way.
const OVERTAKING_MS: u64 = 4_000;

/// How long it waits before it tries again what failed.
const PAUSE_MS: u64 = 10_000;

/// Whether a message is wrapped, which these clients do not know.
pub(crate) fn is_wrapped(request: &Request) -> bool {
    request.headers().content_type().ok().flatten().is_some_and(|kind| kind.is("message/cpim"))
}
