//! The scripted WV phone: CSP over HTTP in any version and encoding.

mod channel;
mod command;
pub(super) mod courier;
mod event;

use super::{PeerError, bare_address, line::Lines, random_name, report::Reporter, tap::Tap};
use crate::account::Secret;
use channel::{Channel, Happening};
use command::{Command, HELP};
use courier::{Answer, Courier, CourierError, Destination};
use serde_json::json;
use std::{collections::VecDeque, io, time::Duration};
use tokio::time::Instant;
use wv_proto::{
    address::Address,
    codec::{WriterOptions, decode_in_session},
    limit::Limits,
    primitive::{
        Envelope, Primitive, TransactionMode,
        access::DigestSchema,
        capability::{Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod},
        function::{Feature, FunctionSet},
        identifier::{ClientId, MessageId, Password, SessionCookie, UserId},
        service::{ClientCapabilityRequest, ServiceRequest},
    },
    session::{
        client::{ClientSession, ClientSetup, Command as Order, Event, LoginWay},
        time::Timestamp,
    },
    version::{ContentType, Encoding, Version},
};

/// A phone and its user.
#[derive(Clone, Debug)]
pub struct WvPeer {
    /// Where to post, such as `http://127.0.0.1:8080/csp`.
    pub url: String,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: Secret,
    /// The version of CSP: `1.1`, `1.2` or `1.3`.
    pub version: &'static str,
    /// Its encoding: `xml` or `wbxml`.
    pub encoding: &'static str,
    /// What the phone calls itself; none makes a name up.
    pub client_id: Option<String>,
    /// How the password is proved.
    pub login: LoginChoice,
    /// How often to poll, whatever the server says; zero never by itself, none as the server says.
    pub poll_interval: Option<Duration>,
    /// Whether the phone asks for a channel over which it is woken.
    pub wake_up: WakeUp,
}

/// Whether a phone asks for a channel over which it is woken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WakeUp {
    /// Over TCP, where the server offers it.
    #[default]
    Tcp,
    /// It only polls.
    None,
}

/// How the password is proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoginChoice {
    /// In clear.
    TwoWay,
    /// By a digest over a nonce.
    #[default]
    FourWay,
}

/// Runs a phone until it is told to quit or its input ends.
///
/// # Errors
/// When an option cannot be used, or nobody reads the events any more.
pub fn run(peer: &WvPeer, is_json: bool) -> Result<(), PeerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let phone = Phone::new(peer, Reporter::new(is_json))?;
        phone.run(Lines::read()?).await.map_err(PeerError::from)
    })
}

/// What the phone is in the middle of. One command runs at a time.
#[derive(Debug)]
enum Step {
    Idle,
    LoggingIn,
    Negotiating {
        login: Login,
    },
    Agreeing {
        login: Login,
    },
    Asking {
        to: String,
    },
    /// Acknowledgements that were held back are under way.
    Releasing,
}

/// What the server granted.
#[derive(Debug)]
struct Login {
    session: String,
    keep_alive: Option<Duration>,
}

struct Phone {
    reporter: Reporter,
    own: Address,
    client_id: ClientId,
    version: Version,
    encoding: Encoding,
    session: ClientSession,
    courier: Courier,
    wake_up: WakeUp,
    channel: Channel,
    began: Instant,
    step: Step,
    /// Number of the last command.
    command: u64,
    poll_interval: Option<Duration>,
    poll_at: Option<Instant>,
    holds_back: bool,
    /// Acknowledgements that wait for a command, the oldest first.
    held: VecDeque<(MessageId, Envelope)>,
    releasing: VecDeque<(MessageId, Envelope)>,
}

impl Phone {
    fn new(peer: &WvPeer, reporter: Reporter) -> Result<Self, PeerError> {
        let destination =
            Destination::parse(&peer.url).map_err(|reason| PeerError::option("url", &peer.url, reason))?;
        let own = Address::parse(bare_address(&peer.user), "")
            .map_err(|reason| PeerError::option("user", &peer.user, reason))?;
        let version = Version::parse(peer.version)
            .ok_or_else(|| PeerError::option("csp", peer.version, "write 1.1, 1.2 or 1.3"))?;
        let encoding = match peer.encoding {
            "xml" => Encoding::Xml,
            "wbxml" => Encoding::Wbxml,
            other => return Err(PeerError::option("encoding", other, "write xml or wbxml")),
        };
        let name = random_name()?;
        let client_id = ClientId::from_url(peer.client_id.clone().unwrap_or_else(|| format!("peer-{name}")));
        let way = match peer.login {
            LoginChoice::TwoWay => LoginWay::TwoWay,
            // Before 1.2 a request has room for one schema.
            LoginChoice::FourWay if version == Version::V1_1 => LoginWay::FourWay(vec![DigestSchema::Md5]),
            LoginChoice::FourWay => LoginWay::FourWay(vec![DigestSchema::Md5, DigestSchema::Sha]),
        };
        let setup = ClientSetup {
            user_id: UserId::new(own.as_str()),
            client_id: client_id.clone(),
            session_cookie: SessionCookie::new(format!("ck-{name}")),
            password: Password::new(peer.password.reveal()),
            way,
            time_to_live: Some(TIME_TO_LIVE),
            poll_interval: peer.poll_interval.is_none().then_some(POLL_INTERVAL),
            id_prefix: "p".into(),
        };
        Ok(Self {
            reporter,
            own,
            client_id,
            version,
            encoding,
            session: ClientSession::new(setup),
            courier: Courier::start(destination, Tap::default()),
            wake_up: peer.wake_up,
            channel: Channel::new(),
            began: Instant::now(),
            step: Step::Idle,
            command: 0,
            poll_interval: peer.poll_interval,
            poll_at: None,
            holds_back: false,
            held: VecDeque::new(),
            releasing: VecDeque::new(),
        })
    }

    async fn run(mut self, mut lines: Lines) -> io::Result<()> {
        self.reporter.tell("ready", json!({ "user": self.own.as_str(), "csp": self.version.as_str() }))?;
        loop {
            self.obey().await?;
            let due = self.due();
            let channel_due = self.channel.deadline().and_then(|at| self.instant(at));
            tokio::select! {
                line = lines.next(), if matches!(self.step, Step::Idle) => match line {
                    Some(line) => match self.take_line(&line)? {
                        Progress::Continue => {}
                        Progress::Quit => return Ok(()),
                    },
                    None => return Ok(()),
                },
                answer = self.courier.answer(), if self.session.is_busy() => self.take_answer(answer)?,
                Some(event) = self.channel.next() => {
                    let happening = self.channel.happen(self.now(), event);
                    self.heed(happening)?;
                }
                () = tokio::time::sleep_until(channel_due.unwrap_or(self.began)), if channel_due.is_some() => {
                    let happening = self.channel.expire(self.now());
                    self.heed(happening)?;
                }
                () = tokio::time::sleep_until(due.unwrap_or(self.began)), if due.is_some() => {
                    self.poll_at = None;
                    if self.poll_interval.is_some() {
                        self.happen(Event::Poll);
                    } else {
                        self.session.expire(self.now());
                    }
                }
            }
        }
    }

    /// When to poll next.
    fn due(&self) -> Option<Instant> {
        if self.poll_interval.is_some() {
            return self.poll_at.filter(|_| self.session.is_active() && !self.session.is_busy());
        }
        self.instant(self.session.deadline()?)
    }

    fn instant(&self, at: Timestamp) -> Option<Instant> {
        self.began.checked_add(Duration::from_millis(at.as_millis()))
    }

    /// Polls when the channel says so.
    fn heed(&mut self, happening: Happening) -> io::Result<()> {
        match happening {
            Happening::Opened => self.reporter.tell("channel", json!({ "state": "open" }))?,
            Happening::Poll if self.session.is_active() => self.happen(Event::Poll),
            Happening::Poll | Happening::Nothing => {}
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn happen(&mut self, event: Event) {
        let now = self.now();
        self.session.handle(now, event);
    }

    fn take_line(&mut self, line: &str) -> io::Result<Progress> {
        self.command = self.command.saturating_add(1);
        match Command::parse(line, &self.own) {
            Ok(Command::Quit) => return Ok(Progress::Quit),
            Ok(Command::Help) => self.reporter.help(HELP)?,
            Ok(Command::LogIn) => {
                self.step = Step::LoggingIn;
                self.happen(Event::LogIn);
            }
            Ok(Command::Resume) => {
                self.step = Step::LoggingIn;
                self.happen(Event::Resume);
            }
            Ok(Command::ManualAcknowledgement(holds_back)) => self.holds_back = holds_back,
            Ok(_) if !self.session.is_active() => self.error("not logged in")?,
            Ok(Command::Poll) => self.happen(Event::Poll),
            Ok(Command::Acknowledge(message)) => self.release(message.as_ref())?,
            Ok(Command::Request(primitive)) => {
                self.step = Step::Asking { to: primitive.name().as_str().to_owned() };
                self.happen(Event::Request(*primitive));
            }
            Err(reason) => self.error(&reason)?,
        }
        Ok(Progress::Continue)
    }

    fn take_answer(&mut self, answer: Result<Answer, CourierError>) -> io::Result<()> {
        let event = match answer {
            Ok(answer) if answer.body.is_empty() => Event::Received(None),
            Ok(answer) => match self.read(&answer) {
                Ok(envelope) => Event::Received(Some(envelope)),
                Err(reason) => {
                    self.error(&format!("the answer cannot be read: {reason}"))?;
                    Event::Lost
                }
            },
            Err(error) => {
                self.error(&error.to_string())?;
                Event::Lost
            }
        };
        self.poll_at =
            self.poll_interval.filter(|wait| !wait.is_zero()).and_then(|wait| Instant::now().checked_add(wait));
        if matches!(self.step, Step::Releasing) {
            self.step = Step::Idle;
        }
        self.happen(event);
        self.release_next();
        Ok(())
    }

    fn read(&self, answer: &Answer) -> Result<Envelope, String> {
        let limits = Limits::default();
        let decoded = decode_in_session(&answer.body, answer.content_type, self.version, &limits);
        let decoded = decoded.map_err(|error| error.to_string())?;
        Envelope::decode(&decoded.tree).map_err(|error| error.to_string())
    }

    /// Does what the session machine says.
    async fn obey(&mut self) -> io::Result<()> {
        while let Some(order) = self.session.poll() {
            match order {
                Order::Send(envelope) => self.send(envelope).await?,
                Order::LoggedIn { session_id, keep_alive } => {
                    let login = Login { session: session_id.as_str().to_owned(), keep_alive };
                    self.step = Step::Negotiating { login };
                    let request = self.capability_request();
                    self.happen(Event::Request(request));
                }
                Order::LoginFailed(code) => {
                    self.step = Step::Idle;
                    self.reporter.tell("login_failed", json!({ "code": code.number(), "id": self.command }))?;
                }
                Order::Answered { primitive, .. } => self.answered(&primitive)?,
                Order::Unanswered(_) => self.unanswered()?,
                Order::Notified(primitive) => event::tell_notified(self.reporter, &primitive)?,
                Order::Ended(code) => {
                    self.step = Step::Idle;
                    self.poll_at = None;
                    self.held.clear();
                    self.releasing.clear();
                    self.channel.close(self.now());
                    self.reporter.tell("disconnected", json!({ "code": code.number() }))?;
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, envelope: Envelope) -> io::Result<()> {
        if self.holds_back
            && let Some(message) = acknowledged(&envelope).cloned()
        {
            self.hold(message, envelope);
            // For the machine it is gone, and its answer was empty.
            self.happen(Event::Received(None));
            return Ok(());
        }
        let envelope = match self.releasing.pop_front() {
            // The machine has no request to repeat an acknowledgement: it goes in the place of a poll.
            Some((message, acknowledgement)) if is_poll(&envelope) => {
                self.reporter.tell("acknowledged", json!({ "message_id": message.as_str() }))?;
                acknowledgement
            }
            Some(waiting) => {
                self.releasing.push_front(waiting);
                envelope
            }
            None => envelope,
        };
        match envelope.encode(self.version, self.encoding, WriterOptions::default()) {
            Ok(octets) => {
                let content_type = ContentType::for_version(self.version, self.encoding);
                self.courier.post(content_type.as_str(), octets).await;
            }
            Err(error) => {
                self.error(&format!("the message cannot be written: {error}"))?;
                self.happen(Event::Lost);
            }
        }
        Ok(())
    }

    fn answered(&mut self, answer: &Primitive) -> io::Result<()> {
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Negotiating { login } => {
                self.step = Step::Agreeing { login };
                if let (Primitive::ClientCapabilityResponse(agreed), Some(session)) =
                    (answer, self.session.session_id())
                {
                    self.channel.open(self.now(), session, &agreed.capabilities);
                }
                let request = self.service_request();
                self.happen(Event::Request(request));
                Ok(())
            }
            Step::Agreeing { login } => {
                let refused = match answer {
                    Primitive::ServiceResponse(response) => response.refused,
                    _ => None,
                };
                let refused: Vec<String> =
                    refused.iter().flat_map(|set| set.iter()).map(|function| format!("{function:?}")).collect();
                self.reporter.tell(
                    "logged_in",
                    json!({
                        "session": login.session, "keep_alive_s": login.keep_alive.map(|time| time.as_secs()),
                        "id": self.command, "refused": refused,
                    }),
                )
            }
            Step::Asking { to } => event::tell_answer(self.reporter, &to, self.command, answer),
            step @ (Step::Idle | Step::LoggingIn | Step::Releasing) => {
                self.step = step;
                Ok(())
            }
        }
    }

    fn unanswered(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Asking { to } => self.error(&format!("{to} was not answered")),
            Step::LoggingIn | Step::Negotiating { .. } | Step::Agreeing { .. } => {
                self.error("the negotiation was not answered")
            }
            Step::Idle | Step::Releasing => Ok(()),
        }
    }

    fn hold(&mut self, message: MessageId, envelope: Envelope) {
        self.held.retain(|(held, _)| *held != message);
        if self.held.len() >= HELD_MAX {
            self.held.pop_front();
        }
        self.held.push_back((message, envelope));
    }

    fn release(&mut self, message: Option<&MessageId>) -> io::Result<()> {
        let (released, kept) = self.held.drain(..).partition(|(held, _)| message.is_none_or(|message| message == held));
        self.held = kept;
        self.releasing = released;
        if self.releasing.is_empty() {
            return self.error("no such message waits for its acknowledgement");
        }
        self.release_next();
        Ok(())
    }

    fn release_next(&mut self) {
        if !self.releasing.is_empty() {
            self.step = Step::Releasing;
            self.happen(Event::Poll);
        }
    }

    fn error(&self, reason: &str) -> io::Result<()> {
        self.reporter.tell("error", json!({ "reason": reason, "id": self.command }))
    }

    /// Only in 1.1 these requests name the client.
    fn named_client(&self) -> Option<ClientId> {
        (self.version == Version::V1_1).then(|| self.client_id.clone())
    }

    fn capability_request(&self) -> Primitive {
        let capabilities = CapabilityList {
            client_type: Some(ClientType::MobilePhone),
            initial_delivery_method: Some(DeliveryMethod::Push),
            accepted_content_types: vec!["text/plain".into()],
            accepted_transfer_encodings: vec!["BASE64".into()],
            accepted_content_length: Some(CONTENT_OCTETS_MAX),
            accepted_push_length: Some(CONTENT_OCTETS_MAX),
            accepted_text_content_length: Some(CONTENT_OCTETS_MAX),
            supported_bearers: vec![Bearer::Http],
            multi_trans: Some(1),
            parser_size: Some(PARSER_OCTETS_MAX),
            supported_cir_methods: match self.wake_up {
                WakeUp::Tcp => vec![CirMethod::Stcp],
                WakeUp::None => Vec::new(),
            },
            server_poll_min: Some(POLL_INTERVAL),
            ..CapabilityList::default()
        };
        let request = ClientCapabilityRequest { client_id: self.named_client(), capabilities };
        Primitive::ClientCapabilityRequest(Box::new(request))
    }

    fn service_request(&self) -> Primitive {
        let wanted = FunctionSet::of_feature(Feature::Fundamental)
            .union(FunctionSet::of_feature(Feature::Presence))
            .union(FunctionSet::of_feature(Feature::Message))
            .intersection(FunctionSet::of_version(self.version));
        Primitive::ServiceRequest(ServiceRequest {
            client_id: self.named_client(),
            functions: Some(wanted),
            all_functions_request: false,
        })
    }
}

enum Progress {
    Continue,
    Quit,
}

/// The message that an envelope acknowledges.
fn acknowledged(envelope: &Envelope) -> Option<&MessageId> {
    envelope.transactions.iter().find_map(|transaction| match (&transaction.mode, &transaction.content) {
        (TransactionMode::Response, Ok(Primitive::MessageDelivered(delivered))) => Some(&delivered.message_id),
        _ => None,
    })
}

fn is_poll(envelope: &Envelope) -> bool {
    envelope.transactions.iter().all(|transaction| transaction.content == Ok(Primitive::PollingRequest))
}

/// The keep-alive time that is asked for.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);

/// How often to poll where the server allows it.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Messages whose acknowledgement waits for a command.
const HELD_MAX: usize = 1000;

const CONTENT_OCTETS_MAX: u32 = 256 * 1024;
const PARSER_OCTETS_MAX: u32 = 1024 * 1024;
