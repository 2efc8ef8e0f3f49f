//! The publisher: makes one resource's state known to a compositor, one request at a time.

use super::body::Body;
use super::credential::{ChallengeGate, CredentialSource};
use super::lifetime::{Jitter, refresh_delay, retry_delay};
use crate::message::header::address::NameAddr;
use crate::message::header::cseq::{CSeq, Sequence};
use crate::message::header::event::Event;
use crate::message::header::identifier::{CallId, EntityTag, Tag};
use crate::message::headers::Header;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::uri::Uri;
use crate::time::Timestamp;
use crate::witness::met;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

// RFC 3903 §4
/// One publication. Changes while a request is on its way replace each other; the newest follows it.
#[derive(Clone, Debug)]
pub struct Publisher {
    settings: Box<PublisherSettings>,
    state: PublisherState,
    wish: Wish,
    body: Option<Body>,
    entity_tag: Option<EntityTag>,
    sequence: Sequence,
    in_flight: Option<Operation>,
    challenged: Option<Operation>,
    expires_s: u32,
    expires_at: Option<Timestamp>,
    /// Refresh when published, the next attempt when waiting.
    next_at: Option<Timestamp>,
    attempts: u8,
    failures: u32,
    gate: ChallengeGate,
    commands: VecDeque<PublisherCommand>,
}

/// The constants of one publication.
#[derive(Clone, Debug)]
pub struct PublisherSettings {
    /// The resource: Request-URI and To.
    pub target: Uri,
    /// From, without tag.
    pub local: NameAddr,
    /// Package.
    pub event: Event,
    /// The lifetime to ask for.
    pub expires_s: u32,
    /// Routes set in advance: outbound proxies.
    pub routes: Vec<NameAddr>,
    /// Further header fields of every PUBLISH.
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

/// Where a publication stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublisherState {
    /// Nothing is published.
    Idle,
    /// A request is on its way, or waits for credentials.
    Publishing,
    /// The compositor holds the state.
    Published,
    /// A request failed for the moment; the next attempt has its time.
    Waiting,
}

/// What happens to a publication.
#[derive(Clone, Debug)]
pub enum PublisherEvent {
    /// The whole state is now this.
    Publish(Body),
    /// The state is to be withdrawn.
    Remove,
    /// A response to the last request of this machine.
    Response(Response),
    /// The transaction of the last request timed out.
    TimedOut,
    /// The last request could not be delivered.
    RequestFailed,
    /// The answer to [`PublisherCommand::Challenged`]; without header fields the owner has no credentials.
    Authorize(Vec<Header>),
}

/// What a publication asks of its owner.
#[derive(Clone, Debug)]
pub enum PublisherCommand {
    /// Send this PUBLISH in a transaction of its own.
    SendRequest(Request),
    /// Compute credentials for this 401 or 407 and say [`PublisherEvent::Authorize`].
    Challenged(Response),
    /// Something that the publication is for.
    StateChanged(PublicationChange),
}

/// What became of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicationChange {
    /// The compositor holds the newest state.
    Published {
        /// Until when, unless refreshed.
        expires_at: Timestamp,
    },
    /// The compositor holds nothing any more.
    Removed,
    /// A request was refused or got lost. After 408 and 5xx the machine tries again by itself; other states need another document.
    Refused {
        /// The response, or the one that RFC 3261 equates the failure with.
        status: StatusCode,
        /// Retry-After.
        retry_after: Option<Duration>,
    },
}

// RFC 3903 §4.1
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Initial,
    Refresh,
    Modify,
    Remove,
}

/// What the owner wants that the compositor does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    None,
    Publish,
    Remove,
}

impl Publisher {
    /// A publication that begins with the first [`PublisherEvent::Publish`].
    #[must_use]
    pub fn new(settings: PublisherSettings) -> Self {
        Self {
            state: PublisherState::Idle,
            wish: Wish::None,
            body: None,
            entity_tag: None,
            sequence: Sequence::FIRST,
            in_flight: None,
            challenged: None,
            expires_s: settings.expires_s,
            expires_at: None,
            next_at: None,
            attempts: 0,
            failures: 0,
            gate: ChallengeGate::new(settings.credentials),
            commands: VecDeque::new(),
            settings: Box::new(settings),
        }
    }

    // RFC 3903 §4.1
    /// A publication of before a restart: the compositor holds its state under this tag until then, unless it is modified.
    #[must_use]
    pub fn resumed(settings: PublisherSettings, entity_tag: EntityTag, expires_at: Timestamp) -> Self {
        Self {
            state: PublisherState::Published,
            entity_tag: Some(entity_tag),
            expires_at: Some(expires_at),
            ..Self::new(settings)
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: PublisherEvent) {
        met("sip_publisher", format_args!("{:?} + {}", self.state, Name(&event)));
        match self.state {
            PublisherState::Idle | PublisherState::Published => match event {
                PublisherEvent::Publish(body) => {
                    self.want(body);
                    self.work();
                }
                PublisherEvent::Remove => {
                    self.wish = Wish::Remove;
                    self.work();
                }
                PublisherEvent::Response(_)
                | PublisherEvent::TimedOut
                | PublisherEvent::RequestFailed
                | PublisherEvent::Authorize(_) => ignored(),
            },
            PublisherState::Publishing => match event {
                PublisherEvent::Publish(body) => self.want(body),
                PublisherEvent::Remove => self.wish = Wish::Remove,
                PublisherEvent::Response(response) => self.on_response(now, response),
                PublisherEvent::TimedOut => self.try_later(now, StatusCode::REQUEST_TIMEOUT, None),
                PublisherEvent::RequestFailed => self.try_later(now, StatusCode::SERVICE_UNAVAILABLE, None),
                PublisherEvent::Authorize(headers) => self.authorize(now, headers),
            },
            // RFC 3903 §9: the wait holds for new states too.
            PublisherState::Waiting => match event {
                PublisherEvent::Publish(body) => self.want(body),
                PublisherEvent::Remove => self.wish = Wish::Remove,
                PublisherEvent::Response(_)
                | PublisherEvent::TimedOut
                | PublisherEvent::RequestFailed
                | PublisherEvent::Authorize(_) => ignored(),
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<PublisherCommand> {
        self.commands.pop_front()
    }

    /// When [`Publisher::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.expires_at, self.next_at].into_iter().flatten().min()
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.expires_at.is_some_and(|at| at <= now) {
            // RFC 3903 §4.3: what has expired there cannot be referred to any more.
            self.expires_at = None;
            self.entity_tag = None;
        }
        if self.next_at.is_some_and(|at| at <= now) {
            self.next_at = None;
            met("sip_publisher", format_args!("{:?} + TimerNext", self.state));
            match self.state {
                PublisherState::Published | PublisherState::Waiting => self.work(),
                PublisherState::Idle | PublisherState::Publishing => ignored(),
            }
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> PublisherState {
        self.state
    }

    /// The tag under which the compositor holds the state.
    #[must_use]
    pub const fn entity_tag(&self) -> Option<&EntityTag> {
        self.entity_tag.as_ref()
    }

    fn want(&mut self, body: Body) {
        self.body = Some(body);
        self.wish = Wish::Publish;
    }

    // RFC 3903 §4.1
    /// Does the next thing that is wanted; a published state that nobody changed is refreshed.
    fn work(&mut self) {
        let operation = match (self.wish, &self.entity_tag, &self.body) {
            (Wish::Remove, Some(_), _) => Operation::Remove,
            (Wish::Remove, None, _) => return self.removed(),
            (Wish::Publish, Some(_), Some(_)) => Operation::Modify,
            (Wish::None, Some(_), _) => Operation::Refresh,
            (Wish::Publish | Wish::None, None, Some(_)) => Operation::Initial,
            (Wish::Publish, Some(_), None) | (Wish::Publish | Wish::None, None, None) => return ignored(),
        };
        self.send(operation, Vec::new());
    }

    fn send(&mut self, operation: Operation, credentials: Vec<Header>) {
        let settings = &self.settings;
        let expires_s = if operation == Operation::Remove { 0 } else { self.expires_s };
        let mut request = Request::new(Method::Publish, settings.target.clone())
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, settings.local.clone().with_tag(&settings.tag)))
            .with(Header::new(HeaderName::To, NameAddr::new(settings.target.clone())))
            .with(Header::new(HeaderName::CallId, &settings.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(self.sequence, Method::Publish)))
            .with(Header::new(HeaderName::Event, &settings.event))
            .with(Header::new(HeaderName::Expires, expires_s));
        for route in &settings.routes {
            request.push(Header::new(HeaderName::Route, route));
        }
        for header in settings.headers.iter().chain(&credentials) {
            request.push(header.clone());
        }
        if let Some(tag) = self.entity_tag.as_ref().filter(|_| operation != Operation::Initial) {
            request.push(Header::new(HeaderName::SipIfMatch, tag));
        }
        if let (Operation::Initial | Operation::Modify, Some(body)) = (operation, &self.body) {
            body.put_into(&mut request);
        }
        // What changes from here on is news again.
        self.wish = Wish::None;
        self.state = PublisherState::Publishing;
        self.in_flight = Some(operation);
        self.challenged = None;
        self.next_at = None;
        self.commands.push_back(PublisherCommand::SendRequest(request));
    }

    // RFC 3903 §5
    fn on_response(&mut self, now: Timestamp, response: Response) {
        let is_ours = response.headers().cseq().is_ok_and(|cseq| cseq.sequence == self.sequence);
        let status = response.status();
        let Some(operation) = self.in_flight.filter(|_| is_ours && status.is_final()) else {
            return ignored();
        };
        self.in_flight = None;
        self.sequence = self.sequence.next().unwrap_or(self.sequence);
        let retry_after = response.headers().retry_after().ok().flatten().map(|header| header.seconds);
        match status {
            _ if status.is_success() => self.on_success(now, operation, &response),
            StatusCode::CONDITIONAL_REQUEST_FAILED => self.on_unknown_tag(operation),
            StatusCode::INTERVAL_TOO_BRIEF => self.on_too_brief(now, operation, &response),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED if self.gate.admits(&response) => {
                self.challenged = Some(operation);
                self.commands.push_back(PublisherCommand::Challenged(response));
            }
            StatusCode::REQUEST_TIMEOUT => self.resume_later(now, operation, status, retry_after),
            _ if status.class() == 5 && status != StatusCode::NOT_IMPLEMENTED => {
                self.resume_later(now, operation, status, retry_after);
            }
            _ if operation == Operation::Remove => {
                self.tell(PublicationChange::Refused { status, retry_after: to_duration(retry_after) });
                self.gone();
            }
            _ => self.refused(now, status, retry_after),
        }
    }

    // RFC 3903 §6, §8.2
    fn on_success(&mut self, now: Timestamp, operation: Operation, response: &Response) {
        self.gate.reset();
        self.attempts = 0;
        self.failures = 0;
        if operation == Operation::Remove {
            return self.gone();
        }
        let granted_s = response.headers().expires_s().ok().flatten().unwrap_or(self.expires_s).min(self.expires_s);
        let expires_at = now.after(Duration::from_secs(u64::from(granted_s)));
        self.entity_tag = response.headers().entity_tag().ok().flatten().map(|tag| tag.detach());
        self.expires_at = Some(expires_at);
        self.next_at = refresh_delay(granted_s, self.settings.jitter).map(|delay| now.after(delay));
        self.state = PublisherState::Published;
        self.tell(PublicationChange::Published { expires_at });
        if self.wish != Wish::None {
            self.work();
        }
    }

    // RFC 3903 §5
    /// The compositor does not know the tag: the whole state goes there anew.
    fn on_unknown_tag(&mut self, operation: Operation) {
        self.entity_tag = None;
        self.expires_at = None;
        if operation == Operation::Remove || self.attempts >= ATTEMPTS_MAX {
            return self.gone();
        }
        self.attempts = self.attempts.saturating_add(1);
        self.work();
    }

    // RFC 3903 §5
    fn on_too_brief(&mut self, now: Timestamp, operation: Operation, response: &Response) {
        let min_s = response.headers().min_expires_s().ok().flatten();
        match min_s.filter(|min_s| *min_s > self.expires_s && self.attempts < ATTEMPTS_MAX) {
            Some(min_s) => {
                self.attempts = self.attempts.saturating_add(1);
                self.expires_s = min_s;
                self.renew_wish(operation);
                self.work();
            }
            None => self.refused(now, response.status(), None),
        }
    }

    fn authorize(&mut self, now: Timestamp, credentials: Vec<Header>) {
        let Some(operation) = self.challenged.take() else {
            return ignored();
        };
        if credentials.is_empty() {
            // Nothing else of ours would pass either.
            self.wish = Wish::None;
            return self.refused(now, StatusCode::UNAUTHORIZED, None);
        }
        self.renew_wish(operation);
        let wish = self.wish;
        let repeated = match wish {
            Wish::Remove if self.entity_tag.is_some() => Operation::Remove,
            Wish::Remove => return self.removed(),
            Wish::Publish if self.entity_tag.is_some() => Operation::Modify,
            Wish::Publish => Operation::Initial,
            Wish::None => operation,
        };
        self.send(repeated, credentials);
    }

    /// The request failed without an answer, or before one.
    fn try_later(&mut self, now: Timestamp, status: StatusCode, retry_after: Option<u32>) {
        if let Some(operation) = self.in_flight.take() {
            self.sequence = self.sequence.next().unwrap_or(self.sequence);
            self.resume_later(now, operation, status, retry_after);
        }
    }

    // RFC 3903 §9
    fn resume_later(&mut self, now: Timestamp, operation: Operation, status: StatusCode, retry_after: Option<u32>) {
        self.renew_wish(operation);
        self.failures = self.failures.saturating_add(1);
        self.state = PublisherState::Waiting;
        self.next_at = Some(now.after(retry_delay(self.failures, retry_after)));
        self.tell(PublicationChange::Refused { status, retry_after: to_duration(retry_after) });
    }

    /// What did not succeed is still wanted, unless something else is by now.
    fn renew_wish(&mut self, operation: Operation) {
        self.wish = match (self.wish, operation) {
            (Wish::None, Operation::Remove) => Wish::Remove,
            (Wish::None, Operation::Initial | Operation::Modify) => Wish::Publish,
            (Wish::None, Operation::Refresh) => Wish::None,
            (newer @ (Wish::Publish | Wish::Remove), _) => newer,
        };
    }

    /// This document or operation is not wanted there. What was published before stays so and is refreshed until it is replaced.
    fn refused(&mut self, now: Timestamp, status: StatusCode, retry_after: Option<u32>) {
        self.tell(PublicationChange::Refused { status, retry_after: to_duration(retry_after) });
        self.attempts = 0;
        self.gate.reset();
        self.settle(now);
    }

    /// Nothing of ours is there any more, or what is there runs out because nobody refreshes it.
    fn gone(&mut self) {
        self.entity_tag = None;
        self.expires_at = None;
        self.next_at = None;
        self.state = PublisherState::Idle;
        self.tell(PublicationChange::Removed);
        if self.wish == Wish::Publish {
            self.work();
        } else {
            self.wish = Wish::None;
        }
    }

    fn removed(&mut self) {
        self.wish = Wish::None;
        self.expires_at = None;
        self.next_at = None;
        self.state = PublisherState::Idle;
        self.tell(PublicationChange::Removed);
    }

    fn settle(&mut self, now: Timestamp) {
        self.state = if self.entity_tag.is_some() { PublisherState::Published } else { PublisherState::Idle };
        self.challenged = None;
        // A success without an entity-tag left an end, but nothing that could be referred to.
        self.expires_at = self.expires_at.filter(|_| self.entity_tag.is_some());
        if self.wish == Wish::None {
            let left_s = self.expires_at.map_or(0, |at| now.seconds_until(at));
            let delay = refresh_delay(left_s, self.settings.jitter);
            self.next_at = delay.map(|delay| now.after(delay)).filter(|_| self.entity_tag.is_some());
        } else {
            self.work();
        }
    }

    fn tell(&mut self, change: PublicationChange) {
        self.commands.push_back(PublisherCommand::StateChanged(change));
    }
}

fn to_duration(seconds: Option<u32>) -> Option<Duration> {
    seconds.map(|seconds| Duration::from_secs(u64::from(seconds)))
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: u8 = 70;

/// So many times in a row a lifetime is raised or a lost tag replaced.
const ATTEMPTS_MAX: u8 = 5;

/// An event as the state table names it.
struct Name<'a>(&'a PublisherEvent);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PublisherEvent::Publish(_) => f.write_str("Publish"),
            PublisherEvent::Remove => f.write_str("Remove"),
            PublisherEvent::Response(response) => write!(f, "Response {}", response.status().to_number()),
            PublisherEvent::TimedOut => f.write_str("TimedOut"),
            PublisherEvent::RequestFailed => f.write_str("RequestFailed"),
            PublisherEvent::Authorize(_) => f.write_str("Authorize"),
        }
    }
}

#[cfg(test)]
mod tests;
