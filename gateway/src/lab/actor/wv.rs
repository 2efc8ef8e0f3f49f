//! The WV client: logs in, sends what it is told, polls, answers, and tells everything that the server says.

mod job;
pub(in crate::lab) mod reading;

use super::{Actor, Arrival, Casting, CastingError, Output};
use crate::lab::scenario::{
    seen::{Exchange, Node, Seen, Way},
    stage::{Act, LoginWay as StageLoginWay, RoleKind, WvAnswer},
};
use job::{Job, Step};
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};
use wv_proto::{
    codec::WriterOptions,
    primitive::{
        Envelope, Primitive, TransactionMode,
        access::{DigestSchema, Status},
        identifier::{ClientId, Password, SessionCookie, UserId},
    },
    session::{
        client::{ClientSession, ClientSetup, Command, Event, LoginWay},
        time::Timestamp,
    },
    status::StatusCode,
    version::{ContentType, Encoding, Version},
};

/// A WV client.
pub struct WvActor {
    casting: Casting,
    version: Version,
    encoding: Encoding,
    client_id: ClientId,
    session: ClientSession,
    /// What waits until the server has answered.
    jobs: VecDeque<Job>,
    step: Step,
    /// The exchange of the job that is being done.
    exchange: Exchange,
    /// The name of the request under way.
    asked: Option<String>,
    outputs: VecDeque<Output>,
    orders: HashMap<String, WvAnswer>,
    held: VecDeque<Envelope>,
    /// Names and exchanges of the server's requests, by their transactions.
    requests: HashMap<String, (String, Exchange)>,
    last_exchange: Exchange,
    is_silent: bool,
    poll_wait_ms: u64,
    poll_at_ms: u64,
    logins: u32,
    /// Whether the last message brought anything.
    brought: bool,
}

impl WvActor {
    /// A client that has not logged in.
    ///
    /// # Errors
    /// When the part is not that of a WV client.
    pub fn new(casting: Casting) -> Result<Self, CastingError> {
        let RoleKind::WvClient { csp, encoding } = &casting.role.kind else {
            return Err(casting.refuse("the part is not that of a WV client"));
        };
        let version = Version::parse(csp).ok_or_else(|| casting.refuse("no such version of CSP"))?;
        let encoding = match encoding.as_str() {
            "xml" => Encoding::Xml,
            "wbxml" => Encoding::Wbxml,
            _ => return Err(casting.refuse("no such encoding")),
        };
        let client_id = ClientId::from_url(format!("client-{}", casting.unique));
        let session = ClientSession::new(setup(&casting, &client_id, version, StageLoginWay::FourWay, 0));
        Ok(Self {
            casting,
            version,
            encoding,
            client_id,
            session,
            jobs: VecDeque::new(),
            step: Step::Idle,
            exchange: Exchange(0),
            asked: None,
            outputs: VecDeque::new(),
            orders: HashMap::new(),
            held: VecDeque::new(),
            requests: HashMap::new(),
            last_exchange: Exchange::OF_ACTOR,
            is_silent: false,
            poll_wait_ms: POLL_WAIT_MIN_MS,
            poll_at_ms: 0,
            logins: 0,
            brought: false,
        })
    }

    fn tell(&mut self, seen: Seen) {
        self.outputs.push_back(Output::Seen(seen));
    }

    fn refuse(&mut self, exchange: Exchange, why: &str) {
        self.tell(Seen::told(exchange, Seen::REFUSED, why));
    }

    fn happen(&mut self, now_ms: u64, event: Event) {
        self.session.handle(Timestamp::from_millis(now_ms), event);
        while let Some(command) = self.session.poll() {
            match command {
                Command::Send(envelope) => self.send(now_ms, envelope),
                Command::LoggedIn { .. } => self.step = Step::Capabilities,
                Command::LoginFailed(_) | Command::Ended(_) => self.step = Step::Idle,
                Command::Answered { .. } | Command::Unanswered(_) | Command::Notified(_) => {}
            }
        }
    }

    /// Sends a message of the session, unless it is an answer that was ordered otherwise.
    fn send(&mut self, now_ms: u64, mut envelope: Envelope) {
        let order = self.order_of(&envelope);
        match order {
            Some(WvAnswer::Held) => {
                self.held.push_back(envelope);
                // For the session it is gone, and its answer was empty.
                return self.happen(now_ms, Event::Received(None));
            }
            Some(WvAnswer::Code(code)) => {
                let status = StatusCode::new(code).unwrap_or(StatusCode::INTERNAL_ERROR);
                for transaction in &mut envelope.transactions {
                    transaction.content = Ok(Primitive::Status(Status::from(status)));
                }
            }
            Some(WvAnswer::Proper) | None => {}
        }
        self.post(&envelope);
    }

    /// What was ordered for the request that this message answers.
    fn order_of(&self, envelope: &Envelope) -> Option<WvAnswer> {
        let answer = envelope.transactions.iter().find(|one| one.mode == TransactionMode::Response)?;
        let (name, _) = self.requests.get(answer.id.as_ref()?.as_str())?;
        self.orders.get(name).copied()
    }

    fn post(&mut self, envelope: &Envelope) {
        let content_type = ContentType::for_version(self.version, self.encoding).as_str().to_owned();
        match envelope.encode(self.version, self.encoding, WriterOptions::default()) {
            Ok(body) => {
                self.show_sent(envelope);
                self.brought = false;
                self.outputs.push_back(Output::Post { content_type, body });
            }
            Err(error) => {
                let why = format!("the message cannot be written: {error}");
                self.refuse(self.exchange, &why);
            }
        }
    }

    fn show_sent(&mut self, envelope: &Envelope) {
        for transaction in &envelope.transactions {
            let Some(name) = transaction.name().map(|name| name.as_str().to_owned()) else { continue };
            let (exchange, answers) = match transaction.mode {
                TransactionMode::Request => {
                    self.asked = Some(name.clone());
                    (self.exchange, None)
                }
                TransactionMode::Response => {
                    let id = transaction.id.as_ref().map(|id| id.as_str()).unwrap_or_default();
                    let known = self.requests.get(id).cloned();
                    known.map_or((Exchange(0), None), |(request, exchange)| (exchange, Some(request)))
                }
            };
            if name != "Polling-Request" {
                self.tell(Seen { way: Way::Sent, exchange, answers, message: Node::leaf(&name, "") });
            }
        }
    }

    fn take_answer(&mut self, now_ms: u64, content_type: Option<&str>, body: &[u8]) {
        if body.is_empty() {
            return self.go_on(now_ms, Event::Received(None));
        }
        match reading::heard(body, content_type, self.version) {
            Ok(heard) => {
                for transaction in heard.transactions {
                    self.hear(transaction);
                }
                self.go_on(now_ms, Event::Received(Some(heard.envelope)));
            }
            Err(reason) => self.miss(now_ms, &format!("the answer cannot be read: {reason}")),
        }
    }

    /// Tells what the server says.
    fn hear(&mut self, transaction: reading::HeardTransaction) {
        self.brought = true;
        if !transaction.is_request {
            let answers = self.asked.clone();
            let message = transaction.content;
            return self.tell(Seen { way: Way::Received, exchange: self.exchange, answers, message });
        }
        let id = transaction.id.unwrap_or_default();
        // A request that comes again is answered again, but seen once.
        if self.requests.contains_key(&id) {
            return;
        }
        self.last_exchange.0 = self.last_exchange.0.saturating_add(1);
        let exchange = self.last_exchange;
        if self.requests.len() >= REQUESTS_MAX {
            self.requests.clear();
        }
        self.requests.insert(id, (transaction.content.name.clone(), exchange));
        self.tell(Seen { way: Way::Received, exchange, answers: None, message: transaction.content });
    }

    fn miss(&mut self, now_ms: u64, reason: &str) {
        self.tell(Seen::told(self.exchange, Seen::LOST, reason));
        if self.step != Step::Fencing {
            self.step = Step::Idle;
        }
        self.go_on(now_ms, Event::Lost);
    }

    fn go_on(&mut self, now_ms: u64, event: Event) {
        self.poll_wait_ms = if let Some(wait) = self.casting.poll_ms {
            wait
        } else if self.brought {
            POLL_WAIT_MIN_MS
        } else {
            self.poll_wait_ms.saturating_mul(2).min(POLL_WAIT_MAX_MS)
        };
        self.poll_at_ms = now_ms.saturating_add(self.poll_wait_ms);
        if self.step == Step::Posting {
            self.step = Step::Idle;
        } else {
            self.happen(now_ms, event);
        }
        self.proceed(now_ms);
    }

    /// Whether a message is under way.
    fn is_waiting(&self) -> bool {
        self.session.is_busy() || self.step == Step::Posting
    }
}

impl Actor for WvActor {
    fn perform(&mut self, now_ms: u64, act: Act) {
        match act {
            Act::Attend => {
                self.poll_wait_ms = POLL_WAIT_MIN_MS;
                self.poll_at_ms = self.poll_at_ms.min(now_ms.saturating_add(POLL_WAIT_MIN_MS));
            }
            Act::AnswerPrimitives { primitive, answer } => {
                self.orders.insert(primitive, answer);
            }
            Act::Silence(is_silent) => self.is_silent = is_silent,
            Act::LogIn { exchange, way, resumes } => self.jobs.push_back(Job::LogIn { exchange, way, resumes }),
            Act::Request { exchange, xml } => match reading::primitive(self.version, &xml) {
                Ok(primitive) => self.jobs.push_back(Job::Request { exchange, primitive: Box::new(primitive) }),
                Err(reason) => self.refuse(exchange, &format!("{reason}: {xml}")),
            },
            Act::Post { exchange, content_type, octets } => {
                self.jobs.push_back(Job::Post { exchange, content_type, body: octets.into() });
            }
            Act::Acknowledge => self.jobs.push_back(Job::Acknowledge),
            Act::Fence(exchange) => self.jobs.push_back(Job::Fence(exchange)),
            Act::Send(_) | Act::Answer(_) | Act::AnswerRequests { .. } => {
                self.refuse(Exchange(0), "a WV client does not speak SIP");
            }
            Act::Fault(_) => self.refuse(Exchange(0), "faults are the wire's"),
        }
        self.proceed(now_ms);
    }

    fn receive(&mut self, now_ms: u64, arrival: Arrival) {
        match arrival {
            Arrival::Answer { content_type, body } => self.take_answer(now_ms, content_type.as_deref(), &body),
            Arrival::Unanswered(reason) => self.miss(now_ms, &reason),
            Arrival::Sip { .. } | Arrival::Unsent(_) => {}
        }
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline_ms(&self) -> Option<u64> {
        let may_poll = self.session.is_active() && !self.is_waiting() && !self.is_silent;
        may_poll.then_some(self.poll_at_ms)
    }

    fn expire(&mut self, now_ms: u64) {
        if self.deadline_ms().is_some_and(|due| due <= now_ms) {
            self.happen(now_ms, Event::Poll);
        }
    }
}

fn setup(casting: &Casting, client_id: &ClientId, version: Version, way: StageLoginWay, login: u32) -> ClientSetup {
    let password = match way {
        StageLoginWay::Wrong => "wrong",
        StageLoginWay::TwoWay | StageLoginWay::FourWay => casting.identity.password.as_str(),
    };
    let way = match way {
        StageLoginWay::TwoWay => LoginWay::TwoWay,
        // Before 1.2 a request has room for one schema.
        StageLoginWay::FourWay | StageLoginWay::Wrong if version == Version::V1_1 => {
            LoginWay::FourWay(vec![DigestSchema::Md5])
        }
        StageLoginWay::FourWay | StageLoginWay::Wrong => LoginWay::FourWay(vec![DigestSchema::Md5, DigestSchema::Sha]),
    };
    ClientSetup {
        user_id: UserId::new(format!("wv:{}", casting.identity.address)),
        client_id: client_id.clone(),
        session_cookie: SessionCookie::new(format!("cookie-{}", casting.unique)),
        password: Password::new(password),
        way,
        time_to_live: Some(TIME_TO_LIVE),
        poll_interval: None,
        id_prefix: format!("s{login}x").into(),
    }
}

/// How soon to poll again while something is waited for, and how slowly when nothing comes.
const POLL_WAIT_MIN_MS: u64 = 5;
const POLL_WAIT_MAX_MS: u64 = 320;
/// The keep-alive time that is asked for.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);
/// Requests of the server that are remembered to recognise repeated ones.
const REQUESTS_MAX: usize = 10_000;
