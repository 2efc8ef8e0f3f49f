//! HTTP bodies in and out: decoding, finding the session, encoding the answer.

use super::{Sessions, command::key_of, to_wv, trace::Passage};
use crate::observe::{Direction, TraceRecord, metric};
use bytes::Bytes;
use mapping::{address::Address, correlation::Correlation, side::Side};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Instant,
};
use tokio::sync::oneshot;
use wv_proto::{
    codec::{self, DateTimeForm, TextForm, WriterOptions},
    error::Fault,
    limit::Limits,
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode, access::Status,
        discovery::VersionDiscoveryRequest, identifier::TransactionId,
    },
    quirk::{Evidence, Quirk, QuirkSet, SchemaPrefixes},
    session::{
        closed::{refuse, refuse_unreadable},
        login::Exposure,
        server::{Event, Post},
        transaction::{Identity, PostId},
    },
    status::StatusCode,
    version::{ContentType, Encoding, Version},
};

/// What a client posted.
#[derive(Clone, Debug)]
pub struct IncomingPost {
    /// The body.
    pub body: Bytes,
    /// The Content-Type field.
    pub content_type: Option<String>,
    /// The User-Agent field.
    pub user_agent: Option<String>,
    /// Where it came from.
    pub source: SocketAddr,
    /// Whether others could listen.
    pub exposure: Exposure,
    /// The telephone number that the network vouches for.
    pub msisdn: Option<String>,
}

/// What the client gets: always with HTTP status 200 (WV-HTTP-05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostReply {
    /// The body; empty when there is nothing to say.
    pub body: Bytes,
    /// The type of the body.
    pub content_type: ContentType,
}

/// A message whose answer is not ready.
pub(super) struct Waiting {
    reply: oneshot::Sender<PostReply>,
    version: Version,
    encoding: Encoding,
    content_type: ContentType,
    options: WriterOptions,
    session: SessionDescriptor,
    requests: Vec<Option<TransactionId>>,
    pub(super) peer: Peer,
    pub(super) passage: Option<Passage>,
    pub(super) source: IpAddr,
    /// Where the answer goes in plain text.
    pub(super) plain: Option<SocketAddr>,
    pub(super) correlation: Correlation,
    since: Instant,
}

impl Waiting {
    /// The version of the answer.
    pub(super) const fn version(&self) -> Version {
        self.version
    }

    /// The encoding of the answer.
    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The type of the answer.
    pub(super) const fn content_type(&self) -> ContentType {
        self.content_type
    }

    /// The octets of an answer.
    pub(super) fn encode(&self, envelope: &Envelope) -> Bytes {
        let octets = envelope.encode(self.version, self.encoding, self.options).unwrap_or_else(|error| {
            tracing::warn!(side = "wv", correlation = %self.correlation, %error, "answer not encodable");
            failure(self, StatusCode::INTERNAL_ERROR)
        });
        self.count_forms(envelope, &octets);
        octets
    }

    /// Counts the quirks for whose sake an answer is written in another form.
    fn count_forms(&self, envelope: &Envelope, octets: &[u8]) {
        let is_binary = self.encoding == Encoding::Wbxml;
        let has_date = |transaction: &Transaction| match &transaction.content {
            Ok(Primitive::NewMessage(new)) => new.message.date_time.is_some(),
            Ok(Primitive::GetMessageResponse(response)) => response.message.date_time.is_some(),
            _ => false,
        };
        if is_binary && self.options.date_time_form == DateTimeForm::Text && envelope.transactions.iter().any(has_date)
        {
            metric::quirk(Side::Wv, Quirk::DateAsText.as_str());
        }
        let section = b"<![CDATA[";
        if !is_binary
            && self.options.text_form == TextForm::Whole
            && octets.windows(section.len()).any(|window| window == section)
        {
            metric::quirk(Side::Wv, Quirk::OwnTextOnly.as_str());
        }
    }
}

/// Who is at the far end: named when somebody looks, not before.
#[derive(Clone, Debug)]
pub(super) enum Peer {
    User(Address),
    Source(SocketAddr),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Source(source) => source.fmt(f),
        }
    }
}

impl Sessions {
    /// Takes what a client posted.
    pub(super) fn receive(&mut self, post: IncomingPost, passage: Option<Passage>) -> oneshot::Receiver<PostReply> {
        let now = self.clock.now();
        self.current = self.correlation();
        let (reply, receiver) = oneshot::channel();
        let hint = post.content_type.as_deref().and_then(ContentType::parse);
        let id = PostId::new(self.next());
        let decoded = match codec::decode(&post.body, hint, &self.limits_for(&post.body)) {
            Ok(decoded) => decoded,
            Err(error) => {
                let code = match error.fault() {
                    Fault::UnsupportedVersion => StatusCode::VERSION_NOT_SUPPORTED,
                    Fault::Malformed | Fault::TooLarge | Fault::UnsupportedEncoding => StatusCode::BAD_REQUEST,
                };
                tracing::debug!(side = "wv", peer = %post.source, correlation = %self.current, %error, "unreadable message");
                self.refuse_undecoded(id, reply, &post, passage, hint, code);
                return receiver;
            }
        };
        let (version, encoding) = (decoded.version, decoded.encoding);
        let content_type = hint.unwrap_or_else(|| ContentType::for_version(version, encoding));
        let mut waiting = self.waiting(reply, version, encoding, content_type, post.source);
        waiting.passage = passage;
        if let Some(request) = VersionDiscoveryRequest::decode(&decoded.tree) {
            self.discover(&request, &post, waiting);
            return receiver;
        }
        let envelope = match Envelope::decode(&decoded.tree) {
            Ok(envelope) => envelope,
            Err(error) => {
                metric::malformed(Side::Wv);
                self.trace_post(&post, waiting.passage.as_ref(), &waiting.peer, || format!("{UNREADABLE}: {error}"));
                self.waiting.insert(id, waiting);
                let answer = refuse_unreadable(error.session.clone(), StatusCode::BAD_REQUEST);
                self.reply(id, Some(answer));
                return receiver;
            }
        };
        let requests = envelope.transactions.iter().filter(|transaction| transaction.mode == TransactionMode::Request);
        waiting.requests = requests.map(|transaction| transaction.id.clone()).collect();
        waiting.session = envelope.session.clone();
        self.waiting.insert(id, waiting);
        self.dispatch(now, id, &post, version, encoding, envelope);
        if !self.inputs.is_empty() {
            self.wake.notify_one();
        }
        receiver
    }

    pub(super) fn dispatch(
        &mut self,
        now: mapping::time::Timestamp,
        id: PostId,
        post: &IncomingPost,
        version: Version,
        encoding: Encoding,
        envelope: Envelope,
    ) {
        let known = self.known_user(&envelope);
        let peer = known.clone().map_or(Peer::Source(post.source), Peer::User);
        let passage = self.waiting.get(&id).and_then(|waiting| waiting.passage.as_ref());
        self.trace_post(post, passage, &peer, || title_of(&envelope));
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.peer = peer;
        }
        let login = envelope
            .transactions
            .iter()
            .position(|transaction| matches!(transaction.content, Ok(Primitive::LoginRequest(_))));
        if let Some(at) = login {
            return self.begin_login(now, id, post, version, encoding, envelope, at);
        }
        if let (SessionDescriptor::Inband(session), Some(_)) = (&envelope.session, &known) {
            let session = session.clone();
            if let Some(waiting) = self.waiting.get_mut(&id) {
                let quirks = self.entries.get(&session).map(|entry| entry.machine.party().quirks);
                waiting.options = quirks.unwrap_or_default().writer_options();
                // WV-HTTP-03: a session keeps the version it began with.
                waiting.version = self.entries.get(&session).map_or(version, |entry| entry.machine.party().version);
            }
            let plain = self.waiting.get(&id).and_then(|waiting| waiting.plain);
            self.note_source(&session, post.source.ip(), plain);
            if envelope.transactions.iter().any(is_poll) {
                self.begin_receiving(&session);
            }
            if let Some(entry) = self.entries.get_mut(&session) {
                let identity = Identity::of(&post.body);
                entry.machine.handle(to_wv(now), Event::Post(Post { id, identity, message: envelope }));
            }
            return self.drive(now, &session);
        }
        let code = match &envelope.session {
            SessionDescriptor::Inband(session) => {
                self.closed.expire(to_wv(now), &self.settings.session_policy.limits);
                self.closed.code(session)
            }
            SessionDescriptor::Outband if envelope.transactions.iter().any(asks_for_provider) => {
                let answer = self.provider_outband(&envelope);
                return self.reply(id, Some(answer));
            }
            SessionDescriptor::Outband if envelope.transactions.iter().any(is_unserved) => StatusCode::NOT_IMPLEMENTED,
            SessionDescriptor::Outband => StatusCode::INVALID_SESSION,
        };
        self.reply(id, refuse(&envelope, code));
    }

    /// Version discovery: neither session nor transaction.
    // WV-DSC-01
    fn discover(&self, request: &VersionDiscoveryRequest, post: &IncomingPost, waiting: Waiting) {
        let body = request.answer().encode(waiting.version, waiting.encoding).unwrap_or_else(|error| {
            tracing::warn!(side = "wv", correlation = %waiting.correlation, %error, "answer not encodable");
            Bytes::new()
        });
        let asked = || "WV-CSP-VersionDiscovery-Request".to_owned();
        self.trace_post(post, waiting.passage.as_ref(), &waiting.peer, asked);
        self.trace_reply(&waiting, &body, || "WV-CSP-VersionDiscovery-Response".to_owned());
        let _ = waiting.reply.send(PostReply { body, content_type: waiting.content_type });
    }

    /// GetSPInfo before there is a session; what comes with it in one message needs one.
    // WV-SPI-01
    fn provider_outband(&self, envelope: &Envelope) -> Envelope {
        let requests = envelope.transactions.iter().filter(|transaction| transaction.mode == TransactionMode::Request);
        let answer = |transaction: &Transaction| match &transaction.content {
            Ok(Primitive::GetSpInfoRequest(request)) => {
                Primitive::GetSpInfoResponse(Box::new(self.provider(request.client_id.clone())))
            }
            Ok(_) => Primitive::Status(Status::from(StatusCode::INVALID_SESSION)),
            Err(malformed) => Primitive::Status(Status::from(malformed.status())),
        };
        let transactions = requests.map(|one| Transaction::response(one.id.clone(), answer(one))).collect();
        Envelope { session: SessionDescriptor::Outband, transactions, poll: None, cir: None }
    }

    fn known_user(&self, envelope: &Envelope) -> Option<Address> {
        let SessionDescriptor::Inband(id) = &envelope.session else { return None };
        self.entries.get(id).map(|entry| entry.user.clone())
    }

    /// Sends the answer; none is an empty body.
    pub(super) fn reply(&mut self, id: PostId, answer: Option<Envelope>) {
        let Some(waiting) = self.waiting.remove(&id) else { return };
        self.current = waiting.correlation;
        if let Some(to) = waiting.plain {
            self.trace_answer(&waiting, answer.as_ref());
            return self.answer_plainly(to, waiting.version, answer);
        }
        let body = match &answer {
            None => Bytes::new(),
            Some(envelope) => {
                self.current = self.chain_of(envelope).unwrap_or(waiting.correlation);
                let body = waiting.encode(envelope);
                self.fitted(self.clock.now(), &waiting, envelope, body)
            }
        };
        self.trace_reply(&waiting, &body, || answer.as_ref().map_or_else(|| TraceRecord::EMPTY.to_owned(), title_of));
        self.request_seconds.record(waiting.since.elapsed().as_secs_f64());
        // Refused when the client has gone in the meantime.
        let is_heard = waiting.reply.send(PostReply { body, content_type: waiting.content_type }).is_ok();
        if let (false, SessionDescriptor::Inband(session)) = (is_heard, &waiting.session)
            && let Some(entry) = self.entries.get_mut(session)
        {
            entry.unheard.not_heard(id);
        }
    }

    fn trace_answer(&mut self, waiting: &Waiting, answer: Option<&Envelope>) {
        if let Some(envelope) = answer {
            self.current = self.chain_of(envelope).unwrap_or(waiting.correlation);
            self.trace_title(Direction::Out, &waiting.peer, || title_of(envelope));
        }
    }

    /// How many messages wait for an answer that somebody works on. A poll that is held waits for nobody.
    pub(super) fn posts_under_way(&self) -> usize {
        let is_held = |id: &PostId, waiting: &Waiting| match &waiting.session {
            SessionDescriptor::Inband(session) => self.entries.get(session).is_some_and(|one| one.machine.holds(*id)),
            SessionDescriptor::Outband => false,
        };
        self.waiting.iter().filter(|(id, waiting)| !is_held(id, waiting)).count()
    }

    /// The causal chain of what the server sends of its own accord: that of its first transaction.
    fn chain_of(&self, envelope: &Envelope) -> Option<Correlation> {
        let SessionDescriptor::Inband(id) = &envelope.session else { return None };
        let chains = &self.entries.get(id)?.chains;
        let sent = envelope.transactions.iter().filter(|transaction| transaction.mode == TransactionMode::Request);
        let mut keys = sent.filter_map(|transaction| transaction.content.as_ref().ok()).filter_map(key_of);
        keys.find_map(|key| chains.get(&key).copied())
    }

    /// The batch was lost: everybody who waits is told that the gateway cannot serve now.
    pub(super) fn refuse_waiting(&mut self) {
        self.inputs.clear();
        self.held.clear();
        self.pending.clear();
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            let body = failure(&waiting, StatusCode::SERVICE_UNAVAILABLE);
            let _ = waiting.reply.send(PostReply { body, content_type: waiting.content_type });
        }
    }

    fn refuse_undecoded(
        &mut self,
        id: PostId,
        reply: oneshot::Sender<PostReply>,
        post: &IncomingPost,
        passage: Option<Passage>,
        hint: Option<ContentType>,
        code: StatusCode,
    ) {
        metric::malformed(Side::Wv);
        let sniffed = hint.and_then(ContentType::encoding).or_else(|| Encoding::sniff(&post.body));
        let encoding = sniffed.unwrap_or(Encoding::Xml);
        let version = Version::V1_2;
        let content_type = hint.unwrap_or_else(|| ContentType::for_version(version, encoding));
        let mut waiting = self.waiting(reply, version, encoding, content_type, post.source);
        self.trace_post(post, passage.as_ref(), &waiting.peer, || UNREADABLE.to_owned());
        waiting.passage = passage;
        self.waiting.insert(id, waiting);
        self.reply(id, Some(refuse_unreadable(SessionDescriptor::Outband, code)));
    }

    fn waiting(
        &self,
        reply: oneshot::Sender<PostReply>,
        version: Version,
        encoding: Encoding,
        content_type: ContentType,
        source: SocketAddr,
    ) -> Waiting {
        Waiting {
            reply,
            version,
            encoding,
            content_type,
            options: WriterOptions::default(),
            session: SessionDescriptor::Outband,
            requests: Vec::new(),
            peer: Peer::Source(source),
            passage: None,
            source: source.ip(),
            plain: None,
            correlation: self.current,
            since: self.clock.instant(),
        }
    }

    /// A body that could not belong to a login gets the full limits; whether it belongs to a session shows later.
    fn limits_for(&self, body: &Bytes) -> Limits {
        let before_login = Limits::default().before_login();
        if body.len() <= before_login.document_bytes_max { before_login } else { Limits::default() }
    }

    /// The answer is written as clients with these quirks read it.
    pub(super) fn source_has(&mut self, id: PostId, quirks: QuirkSet) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.options = quirks.writer_options();
        }
    }
}

impl Waiting {
    /// A message in plain text, or the occasion to send one.
    pub(super) fn plain(sessions: &Sessions, version: Version, to: SocketAddr, envelope: &Envelope) -> Self {
        // Nobody waits at the other end: the answer goes out as a datagram.
        let (reply, _) = oneshot::channel();
        let content_type = ContentType::for_version(version, Encoding::Xml);
        let mut waiting = sessions.waiting(reply, version, Encoding::Xml, content_type, to);
        waiting.plain = Some(to);
        waiting.session = envelope.session.clone();
        let requests = envelope.transactions.iter().filter(|transaction| transaction.mode == TransactionMode::Request);
        waiting.requests = requests.map(|transaction| transaction.id.clone()).collect();
        waiting
    }
}

/// What the message tells about the client besides its primitives.
pub(super) fn evidence<'a>(
    post: &'a IncomingPost,
    client: &'a str,
    cookie: Option<&'a str>,
    transaction: Option<&'a str>,
) -> Evidence<'a> {
    let declares =
        |needle: &[u8]| post.body.windows(needle.len()).take(EVIDENCE_OCTETS_MAX).any(|window| window == needle);
    let schema_prefixes = if declares(b"xmlns:xsi") || declares(b"xmlns:xsd") {
        SchemaPrefixes::Declared
    } else {
        SchemaPrefixes::Absent
    };
    Evidence {
        user_agent: post.user_agent.as_deref(),
        client_id: Some(client),
        session_cookie: cookie,
        transaction_id: transaction,
        schema_prefixes,
        is_plain_text: false,
    }
}

/// One Status for each request of the message.
fn failure(waiting: &Waiting, code: StatusCode) -> Bytes {
    let status = |id: &Option<TransactionId>| Transaction::response(id.clone(), Primitive::Status(Status::from(code)));
    let transactions: Vec<Transaction> = waiting.requests.iter().map(status).collect();
    if transactions.is_empty() {
        return Bytes::new();
    }
    let envelope = Envelope { session: waiting.session.clone(), transactions, poll: None, cir: None };
    envelope.encode(waiting.version, waiting.encoding, waiting.options).unwrap_or_default()
}

fn asks_for_provider(transaction: &Transaction) -> bool {
    transaction.mode == TransactionMode::Request && matches!(transaction.content, Ok(Primitive::GetSpInfoRequest(_)))
}

fn is_poll(transaction: &Transaction) -> bool {
    matches!(transaction.content, Ok(Primitive::PollingRequest))
}

fn is_unserved(transaction: &Transaction) -> bool {
    matches!(transaction.content, Ok(Primitive::Other(_)))
}

fn title_of(envelope: &Envelope) -> String {
    let names: Vec<String> = envelope
        .transactions
        .iter()
        .map(|transaction| transaction.name().map_or_else(|| "?".to_owned(), |name| name.to_string()))
        .collect();
    names.join(", ")
}

/// The title of what cannot be read.
const UNREADABLE: &str = "unreadable";

/// How far into a message the client's habits are looked for.
const EVIDENCE_OCTETS_MAX: usize = 1024;
