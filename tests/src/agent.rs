//! A SIP user agent inside the test: messages of `sip-proto` over a UDP socket, or over connections.

mod stream;

pub use stream::Carrier;

use crate::wait;
use bytes::Bytes;
use sip_proto::{
    auth::{Challenger, client, digest::Secret},
    limit::Limits,
    message::{
        Message, Method,
        framer::{Parsed, parse_datagram},
        header::{
            address::NameAddr,
            contact::Contact,
            cseq::{CSeq, Sequence},
            identifier::{Branch, CallId, Tag},
            media_type::MediaType,
            via::{Transport, Via},
        },
        headers::{Header, Headers},
        host::Host,
        name::HeaderName,
        request::Request,
        response::Response,
        status::StatusCode,
        uri::Uri,
    },
};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A user agent. Requests that arrive are answered at once: 200, or what was ordered for MESSAGE.
#[derive(Debug)]
pub struct Agent {
    user: String,
    server: SocketAddr,
    link: Link,
    local: SocketAddr,
    received: Receiver<Message>,
    kept: Vec<Message>,
    orders: Arc<Orders>,
    listener: Option<JoinHandle<()>>,
    sequence: u32,
}

/// What carries the messages.
#[derive(Debug)]
enum Link {
    Datagrams(UdpSocket),
    Stream { transport: Transport, outgoing: tokio::sync::mpsc::Sender<Bytes> },
}

impl Link {
    fn transport(&self) -> Transport {
        match self {
            Self::Datagrams(_) => Transport::Udp,
            Self::Stream { transport, .. } => transport.clone(),
        }
    }
}

#[derive(Debug, Default)]
struct Orders {
    ends: AtomicBool,
    /// The status for MESSAGE; 0: none at all.
    message_status: AtomicU16,
    /// The status for SUBSCRIBE and PUBLISH; 0: none at all.
    presence_status: AtomicU16,
    /// The status for OPTIONS; 0: none at all.
    options_status: AtomicU16,
}

impl Orders {
    /// Everything is answered by 200.
    fn all_right() -> Arc<Self> {
        let orders = Self::default();
        for status in [&orders.message_status, &orders.presence_status, &orders.options_status] {
            status.store(200, Ordering::Relaxed);
        }
        Arc::new(orders)
    }
}

/// A dialog in which the agent watches somebody.
#[derive(Clone, Debug)]
pub struct Watch {
    call_id: CallId,
    from: NameAddr,
    to: NameAddr,
    target: Uri,
    event: &'static str,
}

/// Counts what has to be unique.
static COUNT: AtomicU32 = AtomicU32::new(1);

impl Agent {
    /// An agent for `user@domain` that sends everything to the server.
    ///
    /// # Panics
    /// When it gets no socket.
    #[must_use]
    pub fn new(server: SocketAddr, user: &str) -> Self {
        Self::at(server, user, 0)
    }

    /// The same at a port of its own.
    ///
    /// # Panics
    /// When it gets no socket.
    #[must_use]
    pub fn at(server: SocketAddr, user: &str, port: u16) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("a socket");
        let local = socket.local_addr().expect("a bound socket has an address");
        let orders = Orders::all_right();
        let (sender, received) = sync_channel(QUEUE);
        let listener = {
            let (socket, orders) = (socket.try_clone().expect("sockets can be shared"), Arc::clone(&orders));
            thread::spawn(move || listen(&socket, &sender, &orders))
        };
        Self {
            user: user.to_owned(),
            server,
            link: Link::Datagrams(socket),
            local,
            received,
            kept: Vec::new(),
            orders,
            listener: Some(listener),
            sequence: 0,
        }
    }

    /// An agent over connections.
    #[must_use]
    pub fn over(carrier: Carrier, server: SocketAddr, user: &str) -> Self {
        let (orders, (sender, received)) = (Orders::all_right(), sync_channel(QUEUE));
        let transport = if carrier.is_protected() { Transport::Tls } else { Transport::Tcp };
        let streams = stream::start(server, carrier, sender, Arc::clone(&orders));
        Self {
            user: user.to_owned(),
            server,
            link: Link::Stream { transport, outgoing: streams.outgoing },
            local: streams.local,
            received,
            kept: Vec::new(),
            orders,
            listener: Some(streams.thread),
            sequence: 0,
        }
    }

    /// An agent that has registered.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn registered(server: SocketAddr, user: &str) -> Self {
        let mut agent = Self::new(server, user);
        let status = agent.register(600).unwrap_or_else(|error| panic!("{user}: {error}"));
        assert_eq!(status, 200, "REGISTER of {user}");
        agent
    }

    /// From now on MESSAGE is answered by this status; 0 means not at all.
    pub fn answer_messages(&self, status: u16) {
        self.orders.message_status.store(status, Ordering::Relaxed);
    }

    /// From now on SUBSCRIBE and PUBLISH are answered by this status; 0 means not at all.
    pub fn answer_presence(&self, status: u16) {
        self.orders.presence_status.store(status, Ordering::Relaxed);
    }

    /// From now on OPTIONS is answered by this status; 0 means not at all.
    pub fn answer_options(&self, status: u16) {
        self.orders.options_status.store(status, Ordering::Relaxed);
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.local.port()
    }

    /// Registers its contact; the status of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn register(&mut self, lifetime_s: u32) -> Result<u16, String> {
        let (_, domain) = self.user.split_once('@').unwrap_or_default();
        let uri = parse_uri(&format!("sip:{domain}"));
        let headers =
            vec![Header::new(HeaderName::Contact, self.contact()), Header::new(HeaderName::Expires, lifetime_s)];
        let to = NameAddr::new(self.address());
        let request = self.request(Method::Register, uri, to, headers);
        Ok(self.ask(request)?.status().to_number())
    }

    /// Asks what the server can do.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn options(&mut self) -> Result<Response, String> {
        let (_, domain) = self.user.split_once('@').unwrap_or_default();
        let uri = parse_uri(&format!("sip:{domain}"));
        let request = self.request(Method::Options, uri.clone(), NameAddr::new(uri), Vec::new());
        self.ask(request)
    }

    /// Sends a text; the status of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send(&mut self, to: &str, text: &str) -> Result<u16, String> {
        self.send_content(to, "text/plain;charset=UTF-8", text.as_bytes()).map(|answer| answer.status().to_number())
    }

    /// Sends a message of any kind.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn send_content(&mut self, to: &str, kind: &str, content: &[u8]) -> Result<Response, String> {
        let uri = parse_uri(to);
        let request = self.request(Method::Message, uri.clone(), NameAddr::new(uri), Vec::new());
        self.ask(request.with_body(&media_type(kind), Bytes::copy_from_slice(content)))
    }

    /// Publishes a document; the entity tag.
    ///
    /// # Errors
    /// When it is refused or not answered.
    pub fn publish(&mut self, document: &str, entity_tag: Option<&str>) -> Result<String, String> {
        let uri = self.address();
        let mut headers = vec![Header::new(HeaderName::Event, "presence"), Header::new(HeaderName::Expires, 600)];
        headers.extend(entity_tag.map(|tag| Header::new(HeaderName::SipIfMatch, tag)));
        let request = self.request(Method::Publish, uri.clone(), NameAddr::new(uri), headers);
        let body = Bytes::copy_from_slice(document.as_bytes());
        let answer = self.ask(request.with_body(&media_type("application/pidf+xml"), body))?;
        match answer.headers().entity_tag() {
            Ok(Some(tag)) if answer.status().is_success() => Ok(tag.as_str().to_owned()),
            _ => Err(format!("PUBLISH was answered by {}", answer.status().to_number())),
        }
    }

    /// Asks to watch somebody; the status of the answer, and the dialog when it was accepted.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn watch(&mut self, presentity: &str, event: &'static str, expires_s: u32) -> Result<(u16, Watch), String> {
        let uri = parse_uri(presentity);
        let headers = self.watch_headers(event, expires_s);
        let request = self.request(Method::Subscribe, uri.clone(), NameAddr::new(uri.clone()), headers);
        let call_id = request.headers().call_id().map_err(|error| error.to_string())?.detach();
        let from = request.headers().from().map_err(|error| error.to_string())?.detach();
        let answer = self.ask(request)?;
        let to = answer.headers().to().map_err(|error| error.to_string())?.detach();
        let target = answer.headers().contact_first().ok().flatten().map_or(uri, |contact| contact.uri().detach());
        Ok((answer.status().to_number(), Watch { call_id, from, to, target, event }))
    }

    /// Refreshes or ends a watch; the status of the answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn refresh(&mut self, watch: &Watch, expires_s: u32) -> Result<u16, String> {
        let headers = self.watch_headers(watch.event, expires_s);
        let mut request = self.request(Method::Subscribe, watch.target.clone(), watch.to.clone(), headers);
        let fixed = request.headers_mut();
        fixed.set(Header::new(HeaderName::CallId, &watch.call_id));
        fixed.set(Header::new(HeaderName::From, &watch.from));
        Ok(self.ask(request)?.status().to_number())
    }

    /// Waits for a NOTIFY of the watch that the question says yes to.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect_notify<T>(&mut self, watch: &Watch, what: &str, mut question: impl FnMut(&Notify) -> Option<T>) -> T {
        self.expect(what, |request| {
            let is_ours = request.headers().call_id().is_ok_and(|id| id == watch.call_id);
            (*request.method() == Method::Notify && is_ours).then(|| question(&Notify::read(request))).flatten()
        })
    }

    /// Waits for a MESSAGE with the text and returns it.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect_text(&mut self, text: &str) -> Request {
        self.expect(&format!("MESSAGE {text:?}"), |request| {
            (*request.method() == Method::Message && contains(request.body(), text)).then(|| request.clone())
        })
    }

    /// Waits for a request that the question says yes to; others are kept.
    ///
    /// # Panics
    /// When none comes.
    pub fn expect<T>(&mut self, what: &str, mut question: impl FnMut(&Request) -> Option<T>) -> T {
        self.take(what, wait::PATIENCE, |message| match message {
            Message::Request(request) => question(request),
            Message::Response(_) => None,
        })
        .unwrap_or_else(|error| panic!("{error}; {} had {:#?}", self.user, self.kept))
    }

    /// The requests of a method that arrived until now and that nobody took.
    pub fn take_requests(&mut self, method: &Method) -> Vec<Request> {
        self.kept.extend(self.received.try_iter());
        let (taken, kept) = std::mem::take(&mut self.kept)
            .into_iter()
            .partition(|message| matches!(message, Message::Request(request) if request.method() == method));
        self.kept = kept;
        taken
            .into_iter()
            .filter_map(|message| if let Message::Request(one) = message { Some(one) } else { None })
            .collect()
    }

    fn watch_headers(&self, event: &str, expires_s: u32) -> Vec<Header> {
        let accept = if event == "presence" { "application/pidf+xml" } else { "application/watcherinfo+xml" };
        vec![
            Header::new(HeaderName::Event, event),
            Header::new(HeaderName::Accept, accept),
            Header::new(HeaderName::Contact, self.contact()),
            Header::new(HeaderName::Expires, expires_s),
        ]
    }

    fn address(&self) -> Uri {
        parse_uri(&format!("sip:{}", self.user))
    }

    fn contact(&self) -> Contact {
        let (name, _) = self.user.split_once('@').unwrap_or_default();
        let parameter = match self.link.transport() {
            Transport::Udp => "",
            Transport::Tls => ";transport=tls",
            _ => ";transport=tcp",
        };
        Contact::new(parse_uri(&format!("sip:{name}@{}{parameter}", self.local)))
    }

    fn request(&mut self, method: Method, uri: Uri, to: NameAddr, headers: Vec<Header>) -> Request {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{}-{}-{count}", std::process::id(), self.local.port());
        let tag = Tag::parse(&format!("f{unique}")).expect("a tag");
        self.sequence += 1;
        let sequence = Sequence::from_number(self.sequence).expect("a sequence number");
        let mut request = Request::new(method.clone(), uri)
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, NameAddr::new(self.address()).with_tag(&tag)))
            .with(Header::new(HeaderName::To, to))
            .with(Header::new(HeaderName::CallId, format!("c{unique}@127.0.0.1")))
            .with(Header::new(HeaderName::CSeq, CSeq::new(sequence, method)));
        for header in headers {
            request.push(header);
        }
        request
    }

    /// Sends the request until it is answered, answers a challenge once, and returns the final answer.
    fn ask(&mut self, mut request: Request) -> Result<Response, String> {
        let answer = self.ask_once(&request)?;
        let challenger = match answer.status().to_number() {
            401 => Challenger::Server,
            407 => Challenger::Proxy,
            _ => return Ok(answer),
        };
        let challenges =
            answer.headers().challenges(&challenger.challenge_name()).map_err(|error| error.to_string())?;
        let challenge = client::choose(&challenges).into_iter().next().ok_or("a challenge that cannot be answered")?;
        let (name, _) = self.user.split_once('@').unwrap_or_default();
        let uri = request.uri().to_string();
        let secret = Secret::from_password(challenge.algorithm, name, &challenge.realm, PASSWORD);
        let input = client::AnswerInput {
            method: request.method(),
            uri: &uri,
            user: name,
            secret: &secret,
            cnonce: "0a4f113b",
            nonce_count: 1,
            body: request.body(),
        };
        let credentials = client::answer(&challenge, &input).ok_or("a challenge that cannot be answered")?;
        self.sequence += 1;
        let sequence = Sequence::from_number(self.sequence).map_err(|error| error.to_string())?;
        let method = request.method().clone();
        request.headers_mut().set(Header::new(HeaderName::CSeq, CSeq::new(sequence, method)));
        request.push(Header::new(challenger.credentials_name(), credentials));
        self.ask_once(&request)
    }

    fn ask_once(&mut self, request: &Request) -> Result<Response, String> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("b{}-{}-{count}", std::process::id(), self.local.port());
        let branch = Branch::from_unique(&unique).map_err(|error| error.to_string())?;
        let transport = self.link.transport();
        let via = Via::new(transport, Host::from(self.local.ip()), Some(self.local.port()), &branch).with_rport();
        let mut sent = request.clone();
        sent.headers_mut().push_front(Header::new(HeaderName::Via, via));
        let octets = sent.write().map_err(|error| error.to_string())?;
        let method = request.method().clone();
        // RFC 3261 §17.1.2.2
        for wait in [500, 1000, 2000, 4000, 4000, 4000] {
            match &self.link {
                Link::Datagrams(socket) => {
                    socket.send_to(&octets, self.server).map_err(|error| error.to_string())?;
                }
                Link::Stream { outgoing, .. } => {
                    outgoing.blocking_send(octets.clone()).map_err(|error| error.to_string())?;
                }
            }
            let branch = &branch;
            let found = self.take(method.as_str(), Duration::from_millis(wait), |message| match message {
                Message::Response(response) if response.status().is_final() && is_answer(response, branch) => {
                    Some(response.clone())
                }
                _ => None,
            });
            if let Ok(response) = found {
                return Ok(response);
            }
        }
        Err(format!("{method} was not answered"))
    }

    fn take<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut question: impl FnMut(&Message) -> Option<T>,
    ) -> Result<T, String> {
        let (kept, received) = (&mut self.kept, &self.received);
        let mut looked_at = 0;
        wait::try_until(what, patience, || {
            kept.extend(received.try_iter());
            let found =
                kept.iter().enumerate().skip(looked_at).find_map(|(at, message)| Some((at, question(message)?)));
            looked_at = kept.len();
            found.map(|(at, value)| {
                kept.remove(at);
                value
            })
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.orders.ends.store(true, Ordering::Relaxed);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// What a NOTIFY says.
#[derive(Clone, Debug)]
pub struct Notify {
    /// Subscription-State as it is written.
    pub state: String,
    /// The body.
    pub body: String,
}

impl Notify {
    fn read(request: &Request) -> Self {
        let state = request.headers().subscription_state().ok().flatten().map(|state| state.to_string());
        Self { state: state.unwrap_or_default(), body: String::from_utf8_lossy(request.body()).into_owned() }
    }
}

fn listen(socket: &UdpSocket, sender: &SyncSender<Message>, orders: &Orders) {
    let _ = socket.set_read_timeout(Some(Duration::from_millis(50)));
    let mut buffer = vec![0; 65_536];
    while !orders.ends.load(Ordering::Relaxed) {
        let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
        let octets = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
        let Ok(Parsed::Message(message)) = parse_datagram(&octets, &Limits::default()) else { continue };
        if let Message::Request(request) = &message
            && let Some(answer) = answer_to(request, orders)
        {
            let _ = socket.send_to(&answer, source);
        }
        if sender.send(message).is_err() {
            return;
        }
    }
}

/// What a request is answered at once.
fn answer_to(request: &Request, orders: &Orders) -> Option<Bytes> {
    let status = match request.method() {
        // An old client: it knows nothing of wrapped messages.
        Method::Message if is_wrapped(request.headers()) => 415,
        Method::Message => orders.message_status.load(Ordering::Relaxed),
        Method::Subscribe | Method::Publish => orders.presence_status.load(Ordering::Relaxed),
        Method::Options => orders.options_status.load(Ordering::Relaxed),
        _ => 200,
    };
    let tag = Tag::parse("agent").ok();
    Response::for_headers(request.headers(), StatusCode::from_number(status).ok()?, tag.as_ref()).write().ok()
}

fn is_wrapped(headers: &Headers) -> bool {
    headers.content_type().ok().flatten().is_some_and(|kind| kind.is("message/cpim"))
}

fn is_answer(response: &Response, branch: &Branch) -> bool {
    response.headers().via_top().is_ok_and(|via| via.branch().is_some_and(|own| own == *branch))
}

fn contains(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).contains(text)
}

fn parse_uri(text: &str) -> Uri {
    Uri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn media_type(text: &str) -> MediaType {
    MediaType::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The password of every agent.
const PASSWORD: &str = "secret";
/// How many messages wait for the test.
const QUEUE: usize = 10_000;
