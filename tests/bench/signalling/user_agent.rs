//! Users of a SIP server who ask and write, each one thing at a time, and as many who answer what comes.

use acceptance::wait;
use bytes::Bytes;
use sip_proto::{
    limit::Limits,
    message::{
        Header, HeaderName, Message, Method, Request, Response, StatusCode, Uri,
        framer::{Parsed, parse_datagram},
        header::{
            identifier::{Branch, CallId, Tag},
            media_type::MediaType,
            via::{Transport, Via},
        },
        host::Host,
    },
};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Requests under way at once, each of another user and to another: what two users say to each other goes in order.
pub(crate) const AT_ONCE: u64 = 32;

/// How many octets a server takes and gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) request: usize,
    pub(crate) answer: usize,
}

pub(crate) struct UserAgents {
    server: SocketAddr,
    domain: String,
    bob: UdpSocket,
    count: u64,
    seen: Arc<Seen>,
    dave: Option<JoinHandle<()>>,
    /// Where all are who are written to.
    dave_at: SocketAddr,
}

/// What dave saw last.
#[derive(Debug, Default)]
struct Seen {
    ends: AtomicBool,
    request: AtomicUsize,
    answer: AtomicUsize,
    count: AtomicUsize,
}

impl UserAgents {
    /// Both, and dave registered.
    pub(crate) fn new(server: SocketAddr, domain: &str) -> Self {
        let bob = socket();
        let dave = socket();
        let (seen, dave_at) = (Arc::default(), dave.local_addr().expect("a bound socket has an address"));
        let mut users = Self { server, domain: domain.to_owned(), bob, count: 0, seen, dave: None, dave_at };
        users.register("dave", dave_at);
        let seen = Arc::clone(&users.seen);
        users.dave = Some(thread::spawn(move || answer_all(&dave, &seen)));
        users
    }

    /// These and so many others who are written to at once.
    pub(crate) fn talking(server: SocketAddr, domain: &str) -> Self {
        let mut users = Self::new(server, domain);
        let dave = users.dave_at;
        (0..AT_ONCE).for_each(|pair| users.register(&recipient(pair), dave));
        users
    }

    /// Registers these where all are who are written to, or takes that back.
    pub(crate) fn register_all(&mut self, users: impl Iterator<Item = String>, lifetime_s: u32) {
        let dave = self.dave_at;
        users.for_each(|user| self.register_for(&user, dave, lifetime_s));
    }

    /// Writes to so many users at once, each from a user of its own.
    pub(crate) fn write_to(&mut self, count: u64, to: &dyn Fn(u64) -> String) {
        for number in 0..count {
            let octets = self.message_to(number, &to(number));
            self.bob.send_to(&octets, self.server).expect("the server takes it");
        }
    }

    /// Waits for so many answers to what was written.
    pub(crate) fn await_answers(&self, count: u64) {
        for _ in 0..count {
            self.final_answer();
        }
    }

    /// How many requests those who are written to have answered.
    pub(crate) fn answered(&self) -> usize {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// So many questions to the server, or messages to others; what the server takes and gives for the last of them.
    pub(crate) fn turn(&mut self, is_message: bool, times: u64) -> Vec<Sizes> {
        let (mut left, mut request, mut answer) = (times, 0, 0);
        while left > 0 {
            let count = left.min(AT_ONCE);
            for pair in 0..count {
                let octets = if is_message { self.message(pair) } else { self.options() };
                request = octets.len();
                self.bob.send_to(&octets, self.server).expect("the server takes it");
            }
            for _ in 0..count {
                answer = self.final_answer();
            }
            left -= count;
        }
        if !is_message {
            return vec![Sizes { request, answer }];
        }
        let (passed_on, answered) =
            (self.seen.request.load(Ordering::Relaxed), self.seen.answer.load(Ordering::Relaxed));
        vec![Sizes { request, answer: passed_on }, Sizes { request: answered, answer }]
    }

    /// Waits for the next 200; how long it is.
    fn final_answer(&self) -> usize {
        let mut buffer = [0; 8192];
        loop {
            let length = self.bob.recv(&mut buffer).expect("the server answers");
            let answer = buffer.get(..length).unwrap_or_default();
            if answer.starts_with(b"SIP/2.0 2") {
                return length;
            }
            let words = String::from_utf8_lossy(answer);
            assert!(answer.starts_with(b"SIP/2.0 1"), "{words}");
        }
    }

    fn register(&mut self, user: &str, contact: SocketAddr) {
        self.register_for(user, contact, 3600);
    }

    fn register_for(&mut self, user: &str, contact: SocketAddr, lifetime_s: u32) {
        let uri = format!("sip:{}", self.domain);
        let own = format!("<sip:{user}@{}>", self.domain);
        let request = self
            .request(Method::Register, &uri, &own, &own)
            .with(Header::new(HeaderName::Contact, format!("<sip:{user}@{contact}>")))
            .with(Header::new(HeaderName::Expires, lifetime_s));
        self.bob.send_to(&request.write().expect("it can be written"), self.server).expect("the server takes it");
        self.final_answer();
    }

    fn options(&mut self) -> Bytes {
        let uri = format!("sip:{}", self.domain);
        let (from, to) = (format!("<sip:bob@{}>", self.domain), format!("<{uri}>"));
        self.request(Method::Options, &uri, &from, &to).write().expect("it can be written")
    }

    fn message(&mut self, pair: u64) -> Bytes {
        self.message_to(pair, &format!("sip:{}@{}", recipient(pair), self.domain))
    }

    fn message_to(&mut self, pair: u64, uri: &str) -> Bytes {
        let (from, to) = (format!("<sip:u{pair}@{}>", self.domain), format!("<{uri}>"));
        let kind = MediaType::parse("text/plain").expect("a media type");
        let request = self.request(Method::Message, uri, &from, &to);
        request.with_body(&kind, Bytes::from_static(WORDS)).write().expect("it can be written")
    }

    fn request(&mut self, method: Method, uri: &str, from: &str, to: &str) -> Request {
        self.count += 1;
        let own = self.bob.local_addr().expect("a bound socket has an address");
        let branch = Branch::from_unique(&format!("bench{}x{}", own.port(), self.count)).expect("a branch");
        let call_id = CallId::parse(&format!("call{}x{}@bench.example", own.port(), self.count)).expect("a Call-ID");
        let via = Via::new(Transport::Udp, Host::Address(own.ip()), Some(own.port()), &branch).with_rport();
        let cseq = format!("1 {method}");
        Request::new(method, Uri::parse(uri).expect("a URI"))
            .with(Header::new(HeaderName::Via, via))
            .with(Header::new(HeaderName::MaxForwards, 70))
            .with(Header::new(HeaderName::From, format!("{from};tag=bench{}", self.count)))
            .with(Header::new(HeaderName::To, to))
            .with(Header::new(HeaderName::CallId, call_id))
            .with(Header::new(HeaderName::CSeq, cseq))
    }
}

impl Drop for UserAgents {
    fn drop(&mut self) {
        self.seen.ends.store(true, Ordering::Relaxed);
        if let Some(dave) = self.dave.take() {
            let _ = dave.join();
        }
    }
}

/// Who is written to by the user of this number.
fn recipient(pair: u64) -> String {
    format!("u{}", AT_ONCE + pair)
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_read_timeout(Some(wait::PATIENCE)).expect("a time");
    socket
}

/// Answers every request with 200 until it is over.
fn answer_all(socket: &UdpSocket, seen: &Seen) {
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time");
    let tag = Tag::parse("dave").expect("a tag");
    let mut buffer = vec![0; 65_536];
    while !seen.ends.load(Ordering::Relaxed) {
        let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
        let octets = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
        let Ok(Parsed::Message(Message::Request(request))) = parse_datagram(&octets, &Limits::DEFAULT) else {
            continue;
        };
        let answer = Response::for_request(&request, StatusCode::OK, Some(&tag)).write().expect("it can be written");
        seen.request.store(length, Ordering::Relaxed);
        seen.answer.store(answer.len(), Ordering::Relaxed);
        seen.count.fetch_add(1, Ordering::Relaxed);
        let _ = socket.send_to(&answer, source);
    }
}

/// What bob has to say.
const WORDS: &[u8] = b"on the way, be there in ten minutes";
