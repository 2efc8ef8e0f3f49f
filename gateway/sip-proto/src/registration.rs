//! The registration of an address of record at the registrar of its domain: the client's side, one request at a time.

use crate::event::credential::{ChallengeGate, CredentialSource};
use crate::event::lifetime::{Jitter, refresh_delay, retry_delay};
use crate::message::header::address::NameAddr;
use crate::message::header::contact::{Contact, Contacts};
use crate::message::header::cseq::{CSeq, Sequence};
use crate::message::header::identifier::{CallId, Tag};
use crate::message::headers::Header;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::uri::Uri;
use crate::time::Timestamp;
use crate::witness::met;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

// RFC 3261 §10.2
/// One binding of one address of record. It is kept alive until it is withdrawn; what fails is tried again.
#[derive(Clone, Debug)]
pub struct Registration {
    settings: Box<RegistrationSettings>,
    state: RegistrationState,
    wish: Wish,
    /// What the request on its way, or challenged, asks for.
    asked: Wish,
    /// Whether the registrar may hold the binding.
    is_bound: bool,
    sequence: Sequence,
    expires_s: u32,
    /// Refresh when registered, the next attempt when waiting.
    next_at: Option<Timestamp>,
    attempts: u8,
    failures: u32,
    gate: ChallengeGate,
    commands: VecDeque<RegistrationCommand>,
}

/// The constants of one registration.
#[derive(Clone, Debug)]
pub struct RegistrationSettings {
    // RFC 3261 §10.2
    /// The domain of the registrar: the Request-URI, without a user.
    pub registrar: Uri,
    /// The address of record: To, and From without its tag.
    pub address: NameAddr,
    /// The binding.
    pub contact: Contact,
    /// The lifetime to ask for.
    pub expires_s: u32,
    /// Further header fields of every REGISTER.
    pub headers: Vec<Header>,
    /// A fresh Call-ID.
    pub call_id: CallId,
    /// A fresh From tag.
    pub tag: Tag,
    /// How much earlier to refresh.
    pub jitter: Jitter,
    /// Who answers challenges.
    pub credentials: CredentialSource,
}

/// Where a registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Nothing is bound, and nothing is wanted.
    Idle,
    /// A request is on its way.
    Registering,
    /// The owner computes credentials.
    Challenged,
    /// The registrar holds the binding.
    Registered,
    /// A request failed; the next attempt has its time.
    Waiting,
}

/// What happens to a registration.
#[derive(Clone, Debug)]
pub enum RegistrationEvent {
    /// The binding is wanted.
    Register,
    /// It is wanted no more.
    Withdraw,
    /// A response to the last request of this machine.
    Response(Response),
    /// The transaction of the last request timed out.
    TimedOut,
    /// The last request could not be delivered.
    RequestFailed,
    /// The answer to [`RegistrationCommand::Challenged`]; without header fields the owner has no credentials.
    Authorize(Vec<Header>),
}

/// What a registration asks of its owner.
#[derive(Clone, Debug)]
pub enum RegistrationCommand {
    /// Send this REGISTER in a transaction of its own.
    SendRequest(Request),
    /// Compute credentials for this 401 or 407 and say [`RegistrationEvent::Authorize`].
    Challenged(Response),
    /// The registration came or went.
    StateChanged(RegistrationChange),
}

/// What became of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationChange {
    /// The registrar holds the binding.
    Registered {
        /// Until when, unless refreshed.
        expires_at: Timestamp,
        // RFC 3608 §5
        /// Through which proxies requests of this user leave.
        service_route: Vec<NameAddr>,
    },
    /// It holds it no more, as far as one can know.
    Withdrawn,
    /// A request was refused or got lost; the machine tries again by itself.
    Refused {
        /// The response, or the one that RFC 3261 equates the failure with.
        status: StatusCode,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Bound,
    Unbound,
}

impl Registration {
    /// A registration that begins with [`RegistrationEvent::Register`].
    #[must_use]
    pub fn new(settings: RegistrationSettings) -> Self {
        Self {
            state: RegistrationState::Idle,
            wish: Wish::Unbound,
            asked: Wish::Unbound,
            is_bound: false,
            sequence: Sequence::FIRST,
            expires_s: settings.expires_s,
            next_at: None,
            attempts: 0,
            failures: 0,
            gate: ChallengeGate::new(settings.credentials),
            commands: VecDeque::new(),
            settings: Box::new(settings),
        }
    }

    /// A registration of before a restart, which the registrar may still hold. It is due for a refresh or to be withdrawn.
    #[must_use]
    pub fn resumed(settings: RegistrationSettings) -> Self {
        Self { state: RegistrationState::Registered, wish: Wish::Bound, is_bound: true, ..Self::new(settings) }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: RegistrationEvent) {
        met("sip_registration", format_args!("{:?} + {}", self.state, Name(&event)));
        match self.state {
            RegistrationState::Idle | RegistrationState::Registered | RegistrationState::Waiting => match event {
                RegistrationEvent::Register => self.want(Wish::Bound),
                RegistrationEvent::Withdraw => self.want(Wish::Unbound),
                RegistrationEvent::Response(_)
                | RegistrationEvent::TimedOut
                | RegistrationEvent::RequestFailed
                | RegistrationEvent::Authorize(_) => ignored(),
            },
            RegistrationState::Registering => match event {
                RegistrationEvent::Register => self.wish = Wish::Bound,
                RegistrationEvent::Withdraw => self.wish = Wish::Unbound,
                RegistrationEvent::Response(response) => self.on_response(now, response),
                RegistrationEvent::TimedOut => self.on_loss(now, StatusCode::REQUEST_TIMEOUT),
                RegistrationEvent::RequestFailed => self.on_loss(now, StatusCode::SERVICE_UNAVAILABLE),
                RegistrationEvent::Authorize(_) => ignored(),
            },
            RegistrationState::Challenged => match event {
                RegistrationEvent::Register => self.wish = Wish::Bound,
                RegistrationEvent::Withdraw => self.wish = Wish::Unbound,
                RegistrationEvent::Authorize(headers) if headers.is_empty() => {
                    self.fail(now, StatusCode::UNAUTHORIZED, Some(REFUSED_WAIT));
                }
                RegistrationEvent::Authorize(headers) => self.send(&headers),
                RegistrationEvent::Response(_) | RegistrationEvent::TimedOut | RegistrationEvent::RequestFailed => {
                    ignored();
                }
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<RegistrationCommand> {
        self.commands.pop_front()
    }

    /// When [`Registration::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.next_at
    }

    /// Fires the timer that is due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.next_at.is_some_and(|at| at <= now) {
            self.next_at = None;
            met("sip_registration", format_args!("{:?} + TimerNext", self.state));
            match self.state {
                RegistrationState::Registered | RegistrationState::Waiting => self.send(&[]),
                RegistrationState::Idle | RegistrationState::Registering | RegistrationState::Challenged => ignored(),
            }
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> RegistrationState {
        self.state
    }

    /// The constants.
    #[must_use]
    pub fn settings(&self) -> &RegistrationSettings {
        &self.settings
    }

    /// Nothing is on its way: what is wanted is asked for, unless it is so, or a wait has not ended.
    fn want(&mut self, wish: Wish) {
        self.wish = wish;
        match (self.state, wish) {
            (RegistrationState::Idle, Wish::Unbound) | (RegistrationState::Waiting, Wish::Bound) => {}
            (RegistrationState::Registered, Wish::Bound) if self.next_at.is_some() => {}
            // Nothing is there that could be withdrawn.
            (RegistrationState::Waiting, Wish::Unbound) if !self.is_bound => self.withdrawn(),
            _ => self.send(&[]),
        }
    }

    // RFC 3261 §10.2
    fn send(&mut self, credentials: &[Header]) {
        let settings = &self.settings;
        let expires_s = if self.wish == Wish::Bound { self.expires_s } else { 0 };
        let contact = settings.contact.clone().with_param("expires", Some(&expires_s.to_string()));
        let mut request = Request::new(Method::Register, settings.registrar.clone())
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, settings.address.clone().with_tag(&settings.tag)))
            .with(Header::new(HeaderName::To, &settings.address))
            .with(Header::new(HeaderName::CallId, &settings.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(self.sequence, Method::Register)))
            .with(Header::new(HeaderName::Contact, contact))
            // Proxies between us and the registrar may want to stay on the way back.
            // RFC 3327 §5.1
            .with(Header::new(HeaderName::Supported, "path"))
            .with(Header::new(HeaderName::Expires, expires_s));
        for header in settings.headers.iter().chain(credentials) {
            request.push(header.clone());
        }
        self.asked = self.wish;
        self.state = RegistrationState::Registering;
        self.next_at = None;
        self.commands.push_back(RegistrationCommand::SendRequest(request));
    }

    // RFC 3261 §10.2.4, §10.2.8
    fn on_response(&mut self, now: Timestamp, response: Response) {
        let is_ours = response.headers().cseq().is_ok_and(|cseq| cseq.sequence == self.sequence);
        let status = response.status();
        if !is_ours || !status.is_final() {
            return ignored();
        }
        self.sequence = self.sequence.next().unwrap_or(self.sequence);
        let retry_after = response.headers().retry_after().ok().flatten().map(|header| header.seconds);
        match status {
            _ if status.is_success() => self.on_success(now, &response),
            StatusCode::INTERVAL_TOO_BRIEF => self.on_too_brief(now, &response),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED if self.gate.admits(&response) => {
                self.state = RegistrationState::Challenged;
                self.commands.push_back(RegistrationCommand::Challenged(response));
            }
            _ if status.class() == 5 || status == StatusCode::REQUEST_TIMEOUT => {
                self.is_bound |= self.asked == Wish::Bound;
                self.fail(now, status, retry_after.map(|seconds| Duration::from_secs(u64::from(seconds))));
            }
            _ => self.fail(now, status, Some(REFUSED_WAIT)),
        }
    }

    fn on_success(&mut self, now: Timestamp, response: &Response) {
        self.gate.reset();
        self.attempts = 0;
        self.failures = 0;
        let granted_s = self.granted_s(response);
        match (self.asked, granted_s) {
            (Wish::Unbound, _) => self.is_bound = false,
            (Wish::Bound, 0) => {
                // It answers 200 and lists other bindings, or none: ours is not there.
                self.is_bound = false;
                return self.fail(now, StatusCode::SERVICE_UNAVAILABLE, None);
            }
            (Wish::Bound, _) => {
                self.is_bound = true;
                let expires_at = now.after(Duration::from_secs(u64::from(granted_s)));
                let routes = response.headers().service_routes().unwrap_or_default();
                let service_route = routes.iter().map(NameAddr::detach).collect();
                let change = RegistrationChange::Registered { expires_at, service_route };
                self.commands.push_back(RegistrationCommand::StateChanged(change));
            }
        }
        match (self.wish, self.asked) {
            (Wish::Bound, Wish::Bound) => {
                self.state = RegistrationState::Registered;
                let delay = refresh_delay(granted_s, self.settings.jitter).unwrap_or(BRIEF);
                self.next_at = Some(now.after(delay));
            }
            (Wish::Unbound, Wish::Unbound) => self.withdrawn(),
            (Wish::Bound, Wish::Unbound) | (Wish::Unbound, Wish::Bound) => self.send(&[]),
        }
    }

    // RFC 3261 §10.2.4
    /// How long the registrar holds the binding: by its own `expires`, else by Expires, else as long as was asked for.
    /// Nought where it lists bindings, and not this one.
    fn granted_s(&self, response: &Response) -> u32 {
        let general = response.headers().expires_s().ok().flatten().unwrap_or(self.expires_s);
        let Ok(Contacts::List(list)) = response.headers().contacts() else { return general };
        let own = &self.settings.contact;
        let instance = own.instance();
        let listed = list.iter().find(|contact| {
            // RFC 5626 §6
            contact.uri().is_equivalent(own.uri()) || (instance.is_some() && contact.instance() == instance)
        });
        match listed {
            Some(contact) => contact.expires_s().unwrap_or(general),
            // UNCLEAR RFC 3261 §10.3 step 8: a 200 lists all bindings; registrars that list none mean the one that was sent.
            None if list.is_empty() => general,
            None => 0,
        }
    }

    // RFC 3261 §10.2.8
    fn on_too_brief(&mut self, now: Timestamp, response: &Response) {
        let min_s = response.headers().min_expires_s().ok().flatten();
        match min_s.filter(|min_s| *min_s > self.expires_s && self.attempts < ATTEMPTS_MAX) {
            Some(min_s) => {
                self.attempts = self.attempts.saturating_add(1);
                self.expires_s = min_s;
                self.send(&[]);
            }
            None => self.fail(now, response.status(), Some(REFUSED_WAIT)),
        }
    }

    /// The request, or its answer, got lost: the binding may be there.
    fn on_loss(&mut self, now: Timestamp, status: StatusCode) {
        self.sequence = self.sequence.next().unwrap_or(self.sequence);
        self.is_bound |= self.asked == Wish::Bound;
        self.fail(now, status, None);
    }

    /// What did not succeed is tried again later; what was to be withdrawn is left to run out.
    fn fail(&mut self, now: Timestamp, status: StatusCode, wait: Option<Duration>) {
        self.gate.reset();
        self.attempts = 0;
        self.failures = self.failures.saturating_add(1);
        self.commands.push_back(RegistrationCommand::StateChanged(RegistrationChange::Refused { status }));
        match (self.wish, self.asked) {
            (Wish::Unbound, Wish::Unbound) => self.withdrawn(),
            (Wish::Unbound, Wish::Bound) if self.is_bound => self.send(&[]),
            (Wish::Unbound, Wish::Bound) => self.withdrawn(),
            (Wish::Bound, _) => {
                self.state = RegistrationState::Waiting;
                self.next_at = Some(now.after(wait.unwrap_or_else(|| retry_delay(self.failures, None))));
            }
        }
    }

    fn withdrawn(&mut self) {
        self.state = RegistrationState::Idle;
        self.is_bound = false;
        self.next_at = None;
        self.failures = 0;
        self.commands.push_back(RegistrationCommand::StateChanged(RegistrationChange::Withdrawn));
    }
}

// RFC 5626 §4.1, RFC 9562 §5.8
/// The instance identifier of whoever registers under this name: always the same, as the value of `+sip.instance` without its quotes.
#[must_use]
pub fn instance_of(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let mut octets = [0_u8; 16];
    octets.iter_mut().zip(digest).for_each(|(octet, digest)| *octet = digest);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut octets;
    (*version, *variant) = (*version & 0x0f | 0x80, *variant & 0x3f | 0x80);
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let group = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let groups = [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)];
    format!("<urn:uuid:{}>", groups.join("-"))
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: u8 = 70;

/// So many times in a row a lifetime is raised.
const ATTEMPTS_MAX: u8 = 5;

/// How long after a refusal that another attempt will hardly change: somebody has to change the registrar first.
const REFUSED_WAIT: Duration = Duration::from_secs(600);

/// When to refresh lifetimes that are too short to be refreshed in time.
const BRIEF: Duration = Duration::from_secs(5);

/// An event as the state table names it.
struct Name<'a>(&'a RegistrationEvent);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RegistrationEvent::Register => f.write_str("Register"),
            RegistrationEvent::Withdraw => f.write_str("Withdraw"),
            RegistrationEvent::Response(response) => write!(f, "Response {}", response.status().to_number()),
            RegistrationEvent::TimedOut => f.write_str("TimedOut"),
            RegistrationEvent::RequestFailed => f.write_str("RequestFailed"),
            RegistrationEvent::Authorize(_) => f.write_str("Authorize"),
        }
    }
}

#[cfg(test)]
mod tests;
