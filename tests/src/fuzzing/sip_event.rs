//! The machines of event packages against peers that say anything at any time: notifier, subscriber, publisher.

use super::tape::Tape;
use bytes::Bytes;
use sip_proto::{
    event::{
        body::Body,
        credential::CredentialSource,
        lifetime::Jitter,
        notifier::{
            Notifier, NotifierCommand, NotifierEvent, NotifierState, Opening, Permission, TimeoutRule,
            admission::Admission,
        },
        package::{Forks, PackageRegistry},
        publisher::{Publisher, PublisherCommand, PublisherEvent, PublisherSettings, PublisherState},
        subscriber::{
            Subscriber, SubscriberCommand, SubscriberEvent, SubscriberState,
            settings::{Conditional, SubscriberSettings},
        },
    },
    id_source::IdSource,
    message::{
        Header, HeaderName, Method, Request, Response, StatusCode, Uri,
        header::{
            address::NameAddr,
            contact::Contact,
            event::{Event, TerminationReason},
            identifier::{CallId, Tag},
            media_type::MediaType,
            via::Transport,
        },
    },
    time::Timestamp,
    transaction::{RequestEvent, ServerTransactionId, TransactionTable, timer::TimerValues, via::Hop},
};
use std::{sync::Arc, time::Duration};

const CODES: [u16; 14] = [100, 200, 202, 204, 302, 401, 403, 404, 412, 423, 481, 489, 500, 503];
const STATES: [&str; 8] = [
    "active;expires=600",
    "active",
    "pending;expires=60",
    "terminated",
    "terminated;reason=deactivated",
    "terminated;reason=probation;retry-after=60",
    "odd",
    "active;expires=0",
];

/// A notifier and its watcher.
///
/// # Panics
/// When a promise of the notifier is broken.
pub fn run_notifier(data: &[u8]) {
    let mut tape = Tape::new(data);
    let packages = PackageRegistry::with_presence();
    let mut desk = Desk::new();
    let request = subscribe(None, 1, Some(u32::from(tape.number())));
    let Ok(admission) = Admission::check(&request, &packages) else { return };
    let opening = Opening {
        tag: tag("notifier"),
        contact: contact("sip:pa@192.0.2.9"),
        permission: if tape.flag() { Permission::Undecided } else { Permission::Granted(document(&mut tape)) },
        timeout_rule: if tape.flag() { TimeoutRule::Keep } else { TimeoutRule::Remove },
    };
    let rule = opening.timeout_rule;
    let first = desk.open(request.clone());
    let mut machine = Notifier::accept(at(0), first, &request, admission, opening).expect("it has all a dialog needs");
    let mut books = NotifierBooks { last: None, open: 0, due: 1, is_over: false };
    let (mut now, mut asked) = (0, 1);
    books.settle(&mut machine);
    while let Some(step) = tape.next_octet() {
        match (step % 9, books.last.clone()) {
            (0, _) => machine.handle(at(now), NotifierEvent::Update(document(&mut tape))),
            (1, _) => machine.handle(at(now), NotifierEvent::Grant(document(&mut tape))),
            (2, _) if tape.octet() > 200 => {
                let reason = TerminationReason::read(tape.pick(&["deactivated", "probation", "x"]));
                machine.handle(at(now), NotifierEvent::Terminate { reason, retry_after_s: Some(60) });
            }
            (3 | 4, Some(notify)) if books.open > 0 => {
                let status = tape.pick(&CODES);
                books.open -= i32::from(status >= 200);
                machine.handle(at(now), NotifierEvent::Response(answer(&mut tape, &notify, status)));
            }
            (5, Some(_)) if books.open > 0 => {
                books.open -= 1;
                machine.handle(at(now), NotifierEvent::TimedOut);
            }
            (6, _) => {
                asked += u32::from(tape.octet() % 3);
                books.due += 1;
                let request = subscribe(Some("notifier"), asked, Some(u32::from(tape.octet()) * 4));
                let transaction = desk.open(request.clone());
                machine.handle(at(now), NotifierEvent::Subscribe { transaction, request: Arc::new(request) });
            }
            (7, _) => {
                if let Some(octets) = machine.to_snapshot() {
                    machine = Notifier::from_snapshot(&octets, &packages, rule).expect("what was stored");
                    books.open = 0;
                }
            }
            _ => {
                now += tape.wait_millis();
                machine.expire(at(now));
            }
        }
        books.settle(&mut machine);
    }
}

struct NotifierBooks {
    last: Option<Request>,
    open: i32,
    due: i32,
    is_over: bool,
}

impl NotifierBooks {
    fn settle(&mut self, machine: &mut Notifier) {
        while let Some(command) = machine.poll() {
            match command {
                NotifierCommand::SendRequest(request) => {
                    assert!(!self.is_over, "after the last NOTIFY");
                    assert!(self.last.as_ref().is_none_or(|last| number(&request) > number(last)));
                    request.write().expect("a NOTIFY can be written");
                    let state = request.headers().subscription_state().expect("readable").expect("there");
                    self.is_over = state.expires_s().is_none();
                    self.open += 1;
                    self.last = Some(request);
                }
                NotifierCommand::Respond { response, .. } => {
                    response.write().expect("a response can be written");
                    self.due -= 1;
                }
                NotifierCommand::Challenged { .. } => {
                    let credentials = Header::new(HeaderName::Authorization, "Digest username=\"u\"");
                    machine.handle(at(0), NotifierEvent::Authorize(vec![credentials]));
                }
                NotifierCommand::LeaseGranted { .. } | NotifierCommand::Removed(_) => {}
            }
        }
        assert_eq!(self.due, 0, "SUBSCRIBEs without an answer");
        assert!(self.open <= 1, "NOTIFYs on their way");
        if machine.state() == NotifierState::Ended {
            assert_eq!(machine.deadline(), None);
            self.open = 0;
        }
    }
}

/// A subscriber and its notifier.
///
/// # Panics
/// When a promise of the subscriber is broken.
pub fn run_subscriber(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut desk = Desk::new();
    let settings = settings(u32::from(tape.number()) + 1, &mut tape);
    let mut machine = Subscriber::new(settings.clone());
    let (mut now, mut heard) = (0, 1);
    let mut books = SubscriberBooks { last: None, open: 0, due: 0 };
    machine.handle(at(0), SubscriberEvent::Subscribe);
    books.settle(&mut machine);
    while let Some(step) = tape.next_octet() {
        match (step % 9, books.last.clone()) {
            (0, _) => machine.handle(at(now), SubscriberEvent::Refresh),
            (1, _) if tape.octet() > 220 => machine.handle(at(now), SubscriberEvent::Unsubscribe),
            (2 | 3, Some(last)) if books.open > 0 => {
                let status = tape.pick(&CODES);
                books.open -= i32::from(status >= 200);
                machine.handle(at(now), SubscriberEvent::Response(answer(&mut tape, &last, status)));
            }
            (4, Some(_)) if books.open > 0 => {
                books.open -= 1;
                machine.handle(at(now), SubscriberEvent::TimedOut);
            }
            (5 | 6, _) => {
                heard += u32::from(tape.octet() % 3);
                books.due = 1;
                let request = notify(tape.pick(&["n1", "n1", "n2"]), heard, tape.pick(&STATES), &tape.text());
                let transaction = desk.open(request.clone());
                machine.handle(at(now), SubscriberEvent::Notify { transaction, request: Arc::new(request) });
            }
            (7, _) => {
                if let Some(octets) = machine.to_snapshot() {
                    let spread = Duration::from_secs(u64::from(tape.octet()));
                    machine =
                        Subscriber::from_snapshot(at(now), &octets, settings.clone(), spread).expect("what was stored");
                    books = SubscriberBooks { last: None, open: 0, due: 0 };
                }
            }
            _ => {
                now += tape.wait_millis();
                machine.expire(at(now));
            }
        }
        books.settle(&mut machine);
    }
    for _ in 0..10_000 {
        let Some(due) = machine.deadline() else { break };
        now = now.max(due.as_millis());
        machine.expire(at(now));
        books.settle(&mut machine);
        if books.open > 0 {
            books.open = 0;
            machine.handle(at(now), SubscriberEvent::TimedOut);
            books.settle(&mut machine);
        }
        if machine.state() == SubscriberState::Ended {
            return;
        }
    }
    assert!(
        matches!(machine.state(), SubscriberState::Ended | SubscriberState::Subscribing),
        "without a notifier no subscription lasts: {:?}",
        machine.state()
    );
}

struct SubscriberBooks {
    last: Option<Request>,
    open: i32,
    due: i32,
}

impl SubscriberBooks {
    fn settle(&mut self, machine: &mut Subscriber) {
        while let Some(command) = machine.poll() {
            match command {
                SubscriberCommand::SendRequest(request) => {
                    request.write().expect("a SUBSCRIBE can be written");
                    let rises = self.last.as_ref().is_none_or(|last| number(&request) > number(last));
                    assert!(rises || number(&request) == 1, "CSeq");
                    self.open += 1;
                    self.last = Some(request);
                }
                SubscriberCommand::Respond { response, .. } => {
                    response.write().expect("a response can be written");
                    self.due -= 1;
                }
                SubscriberCommand::Forked(mut fork) => {
                    // The answer comes from the machine that the NOTIFY belongs to now.
                    let answers = std::iter::from_fn(|| fork.poll());
                    let answers = answers.filter(|command| matches!(command, SubscriberCommand::Respond { .. }));
                    self.due -= i32::try_from(answers.count()).unwrap_or(i32::MAX);
                }
                SubscriberCommand::Challenged { .. } | SubscriberCommand::StateChanged(_) => {}
            }
        }
        assert_eq!(self.due, 0, "NOTIFYs without an answer");
        assert!(self.open <= 1, "SUBSCRIBEs on their way");
        if machine.state() == SubscriberState::Ended {
            assert_eq!(machine.deadline(), None);
            self.open = 0;
        }
    }
}

/// A publisher and its compositor.
///
/// # Panics
/// When a promise of the publisher is broken.
pub fn run_publisher(data: &[u8]) {
    let mut tape = Tape::new(data);
    let mut machine = Publisher::new(PublisherSettings {
        target: uri("sip:alice@sip.example"),
        local: address("<sip:alice@sip.example>"),
        event: Event::new("presence").expect("a token"),
        expires_s: u32::from(tape.number()),
        routes: Vec::new(),
        headers: Vec::new(),
        call_id: CallId::parse("publish-1").expect("a Call-ID"),
        tag: tag("publisher"),
        jitter: Jitter::default(),
        credentials: credentials(&mut tape),
    });
    let (mut now, mut last, mut open) = (0, None::<Request>, 0);
    while let Some(step) = tape.next_octet() {
        match (step % 7, last.clone()) {
            (0, _) => machine.handle(at(now), PublisherEvent::Publish(document(&mut tape).expect("a document"))),
            (1, _) => machine.handle(at(now), PublisherEvent::Remove),
            (2 | 3, Some(request)) if open > 0 => {
                let status = tape.pick(&CODES);
                open -= i32::from(status >= 200);
                machine.handle(at(now), PublisherEvent::Response(answer(&mut tape, &request, status)));
            }
            (4, Some(_)) if open > 0 => {
                open -= 1;
                let event = if tape.flag() { PublisherEvent::TimedOut } else { PublisherEvent::RequestFailed };
                machine.handle(at(now), event);
            }
            (5, _) => {
                let headers = if tape.flag() {
                    vec![Header::new(HeaderName::Authorization, "Digest x=\"y\"")]
                } else {
                    Vec::new()
                };
                machine.handle(at(now), PublisherEvent::Authorize(headers));
            }
            _ => {
                now += tape.wait_millis();
                machine.expire(at(now));
            }
        }
        while let Some(command) = machine.poll() {
            match command {
                PublisherCommand::SendRequest(request) => {
                    request.write().expect("a PUBLISH can be written");
                    assert!(last.as_ref().is_none_or(|last| number(&request) > number(last)), "CSeq");
                    open += 1;
                    last = Some(request);
                }
                PublisherCommand::Challenged(_) | PublisherCommand::StateChanged(_) => {}
            }
        }
        assert!(open <= 1, "PUBLISHes on their way");
        if machine.state() == PublisherState::Idle {
            assert_eq!(machine.deadline(), None);
        }
    }
}

/// Octets of a store, read as the snapshot of every machine that has one.
///
/// # Panics
/// When a machine that came of them does not come back from its own snapshot.
pub fn run_snapshot(data: &[u8]) {
    let packages = PackageRegistry::with_presence();
    let mut tape = Tape::new(&[0]);
    let settings = settings(600, &mut tape);
    if let Ok(mut machine) = Subscriber::from_snapshot(at(1_000), data, settings.clone(), Duration::ZERO) {
        let octets = machine.to_snapshot().expect("it has a dialog");
        Subscriber::from_snapshot(at(1_000), &octets, settings, Duration::ZERO).expect("what was stored");
        if let Some(due) = machine.deadline() {
            machine.expire(due);
            while machine.poll().is_some() {}
        }
    }
    if let Ok(mut machine) = Notifier::from_snapshot(data, &packages, TimeoutRule::Keep) {
        let octets = machine.to_snapshot().expect("it is not over");
        Notifier::from_snapshot(&octets, &packages, TimeoutRule::Keep).expect("what was stored");
        machine.handle(at(1_000), NotifierEvent::Grant(document(&mut tape)));
        while machine.poll().is_some() {}
    }
    super::sip_store::restore(data);
}

/// Snapshots of a subscriber and a notifier in their dialogs.
///
/// # Panics
/// When they refuse what a dialog needs.
#[must_use]
pub fn snapshots() -> Vec<Vec<u8>> {
    let mut tape = Tape::new(&[]);
    let mut desk = Desk::new();
    let mut subscriber = Subscriber::new(settings(600, &mut tape));
    subscriber.handle(at(0), SubscriberEvent::Subscribe);
    let request = notify("n1", 1, "active;expires=600", "");
    let transaction = desk.open(request.clone());
    subscriber.handle(at(0), SubscriberEvent::Notify { transaction, request: Arc::new(request) });
    let request = subscribe(None, 1, Some(600));
    let packages = PackageRegistry::with_presence();
    let admission = Admission::check(&request, &packages).expect("a package that is served");
    let opening = Opening {
        tag: tag("notifier"),
        contact: contact("sip:pa@192.0.2.9"),
        permission: Permission::Undecided,
        timeout_rule: TimeoutRule::Keep,
    };
    let transaction = desk.open(request.clone());
    let mut notifier = Notifier::accept(at(0), transaction, &request, admission, opening).expect("all a dialog needs");
    [subscriber.to_snapshot(), notifier.to_snapshot()].into_iter().flatten().map(|octets| octets.to_vec()).collect()
}

/// A table whose only work is to name transactions.
struct Desk {
    table: TransactionTable,
    opened: u64,
}

impl Desk {
    fn new() -> Self {
        let ids = IdSource::new("f", [1; 32]).expect("a prefix");
        Self { table: TransactionTable::new(TimerValues::default(), 100_000, ids), opened: 0 }
    }

    fn open(&mut self, request: Request) -> ServerTransactionId {
        self.opened += 1;
        let via = format!("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-{}", self.opened);
        let mut request = request.with(Header::new(HeaderName::Via, via));
        request.headers_mut().set(Header::new(HeaderName::CallId, format!("call-{}", self.opened)));
        let source =
            Hop { transport: Transport::Udp, address: ([192, 0, 2, 1], 5060).into(), connection: None, name: None };
        match self.table.receive_request(at(0), request, &source) {
            RequestEvent::New { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn number(request: &Request) -> u32 {
    request.headers().cseq().expect("CSeq").sequence.to_number()
}

fn uri(text: &str) -> Uri {
    Uri::parse(text).expect("a URI")
}

fn address(text: &str) -> NameAddr {
    NameAddr::parse(text).expect("an address")
}

fn contact(text: &str) -> Contact {
    Contact::new(uri(text))
}

fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a token")
}

fn document(tape: &mut Tape<'_>) -> Option<Body> {
    let media_type = MediaType::parse("application/pidf+xml").expect("a media type");
    Some(Body::new(media_type, Bytes::copy_from_slice(&[tape.octet()])))
}

fn credentials(tape: &mut Tape<'_>) -> CredentialSource {
    if tape.flag() { CredentialSource::Owner } else { CredentialSource::None }
}

fn settings(expires_s: u32, tape: &mut Tape<'_>) -> SubscriberSettings {
    SubscriberSettings {
        target: uri("sip:bob@sip.example"),
        local: address("<sip:alice@wv.example>"),
        remote: address("<sip:bob@sip.example>"),
        contact: contact("sip:gw@192.0.2.1:5060"),
        event: Event::new("presence").expect("a token"),
        accept: vec![MediaType::parse("application/pidf+xml").expect("a media type")],
        expires_s,
        routes: Vec::new(),
        headers: Vec::new(),
        call_id: CallId::parse("call-1").expect("a Call-ID"),
        tag: tag("watcher"),
        jitter: Jitter::default(),
        timers: TimerValues::default(),
        forks: if tape.flag() { Forks::Several } else { Forks::OneDialog },
        credentials: credentials(tape),
        conditional: if tape.flag() { Conditional::On } else { Conditional::Off },
        known: None,
    }
}

/// The answer to a request as its recipient writes it, with fields that matter for the codes.
fn answer(tape: &mut Tape<'_>, request: &Request, status: u16) -> Response {
    let status = StatusCode::from_number(status).expect("a status code");
    let mut response = Response::for_request(request, status, Some(&tag("notifier")));
    let fields = tape.octet();
    if fields & 1 == 1 {
        response.push(Header::new(HeaderName::Expires, tape.number()));
    }
    if fields & 2 == 2 {
        response.push(Header::new(HeaderName::MinExpires, tape.number()));
    }
    if fields & 4 == 4 {
        response.push(Header::new(HeaderName::RetryAfter, tape.octet()));
    }
    if fields & 8 == 8 {
        response.push(Header::new(HeaderName::SipETag, format!("e{}", tape.octet())));
    }
    if fields & 16 == 16 {
        response.push(Header::new(HeaderName::Contact, "<sip:pa@192.0.2.9:5060>"));
    }
    response
}

fn notify(tag: &str, sequence: u32, state: &str, body: &str) -> Request {
    let mut request = Request::new(Method::Notify, uri("sip:gw@192.0.2.1:5060"))
        .with(Header::new(HeaderName::From, format!("<sip:bob@sip.example>;tag={tag}")))
        .with(Header::new(HeaderName::To, "<sip:alice@wv.example>;tag=watcher"))
        .with(Header::new(HeaderName::CallId, "call-1"))
        .with(Header::new(HeaderName::CSeq, format!("{sequence} NOTIFY")))
        .with(Header::new(HeaderName::Contact, "<sip:pa@192.0.2.9:5060>"))
        .with(Header::new(HeaderName::Event, "presence"))
        .with(Header::new(HeaderName::SubscriptionState, state));
    if !body.is_empty() {
        let media_type = MediaType::parse("application/pidf+xml").expect("a media type");
        request = request.with_body(&media_type, Bytes::copy_from_slice(body.as_bytes()));
    }
    request
}

fn subscribe(notifier_tag: Option<&str>, sequence: u32, expires_s: Option<u32>) -> Request {
    let to_tag = notifier_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let mut request = Request::new(Method::Subscribe, uri("sip:bob@sip.example"))
        .with(Header::new(HeaderName::From, "<sip:alice@wv.example>;tag=watcher"))
        .with(Header::new(HeaderName::To, format!("<sip:bob@sip.example>{to_tag}")))
        .with(Header::new(HeaderName::CallId, "call-1"))
        .with(Header::new(HeaderName::CSeq, format!("{sequence} SUBSCRIBE")))
        .with(Header::new(HeaderName::Contact, "<sip:gw@192.0.2.1:5060>"))
        .with(Header::new(HeaderName::Event, "presence"));
    if let Some(seconds) = expires_s {
        request.push(Header::new(HeaderName::Expires, seconds));
    }
    request
}
