//! The notifier: one subscription dialog as the side sees it that tells the state.

pub mod admission;
mod challenge;
mod condition;
mod name;
mod record;

use self::admission::{Admission, Refusal, check_content};
use self::challenge::Challenge;
use self::condition::Condition;
use self::name::Name;
use super::body::Body;
use super::package::EventPackage;
use super::subscriber::advice::is_terminating;
use crate::dialog::{Dialog, DialogError, DialogId};
use crate::message::header::contact::Contact;
use crate::message::header::cseq::Sequence;
use crate::message::header::event::{Event, SubscriptionState, SubscriptionStatus, TerminationReason};
use crate::message::header::identifier::Tag;
use crate::message::headers::Header;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::text::Text;
use crate::message::uri::Uri;
use crate::time::Timestamp;
use crate::transaction::ServerTransactionId;
use crate::witness::met;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

// RFC 6665 §4.2
/// One subscription as its notifier sees it. At most one NOTIFY is on its way; later states replace each other meanwhile.
#[derive(Clone, Debug)]
pub struct Notifier {
    package: Arc<EventPackage>,
    timeout_rule: TimeoutRule,
    /// The value of Event.
    event: Text,
    dialog: Dialog,
    state: NotifierState,
    /// The lifetime that the first SUBSCRIBE is granted.
    granted_s: u32,
    expires_at: Option<Timestamp>,
    body: Option<Body>,
    in_flight: Option<Sequence>,
    news: News,
    /// No NOTIFY before this: the watcher asked for it, or could not be reached.
    retry_at: Option<Timestamp>,
    farewell: Option<Box<Farewell>>,
    condition: Option<Box<Condition>>,
    challenge: Option<Box<Challenge>>,
    commands: VecDeque<NotifierCommand>,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifierState {
    /// Permission is not given yet: NOTIFYs carry no document.
    Pending,
    /// The watcher may see the document.
    Active,
    /// Over; the last NOTIFY is due or on its way.
    Terminating,
    /// Over: the owner forgets the machine.
    Ended,
}

/// What happens to a subscription.
#[derive(Clone, Debug)]
pub enum NotifierEvent {
    /// A SUBSCRIBE inside the dialog: refresh or end.
    Subscribe {
        /// Its transaction, to be answered.
        transaction: ServerTransactionId,
        /// The SUBSCRIBE.
        request: Arc<Request>,
    },
    /// A response to the last NOTIFY.
    Response(Response),
    /// The transaction of the last NOTIFY timed out.
    TimedOut,
    /// The last NOTIFY could not be delivered.
    RequestFailed,
    /// The answer to [`NotifierCommand::Challenged`]; without header fields the owner has no credentials.
    Authorize(Vec<Header>),
    /// The state is now this; the owner has kept the rate limit of the package.
    Update(Option<Body>),
    /// The watcher may see the state, which is this.
    Grant(Option<Body>),
    /// The owner ends the subscription: `rejected`, `noresource`, `deactivated` when draining, and so on.
    Terminate {
        /// Why.
        reason: TerminationReason,
        /// How long to stay away, with `probation` and `giveup`.
        retry_after_s: Option<u32>,
    },
}

/// What a subscription asks of its owner.
#[derive(Clone, Debug)]
pub enum NotifierCommand {
    /// Answer a SUBSCRIBE.
    Respond {
        /// The transaction of the SUBSCRIBE.
        transaction: ServerTransactionId,
        /// The answer.
        response: Response,
    },
    /// Send this NOTIFY in a transaction of its own.
    SendRequest(Request),
    /// Compute credentials for this 401 or 407 and say [`NotifierEvent::Authorize`].
    Challenged {
        /// The response with the challenges.
        response: Response,
        /// The Request-URI that was challenged.
        uri: Uri,
    },
    /// The lifetime was granted or renewed.
    LeaseGranted {
        /// When it ends.
        expires_at: Timestamp,
    },
    /// The watcher does not watch any more; the machine may still have its last NOTIFY to send.
    Removed(RemovalCause),
}

/// Why a subscription is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalCause {
    /// It was a fetch.
    Fetched,
    /// The watcher unsubscribed.
    Unsubscribed,
    /// It was not refreshed.
    Expired,
    /// The owner ended it.
    Terminated,
    /// The watcher refused a NOTIFY with a status that ends the subscription.
    NotifyRefused(StatusCode),
    /// The watcher did not answer a NOTIFY.
    NotifyTimedOut,
}

// RFC 6665 §4.2.2
/// What becomes of a subscription whose NOTIFY was not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeoutRule {
    /// It is removed.
    #[default]
    Remove,
    /// It stays until it expires.
    Keep,
}

/// How a new subscription begins.
#[derive(Clone, Debug)]
pub struct Opening {
    /// A fresh tag of this side.
    pub tag: Tag,
    /// Where refreshes are to come.
    pub contact: Contact,
    /// What the watcher may see.
    pub permission: Permission,
    /// What becomes of the subscription when a NOTIFY is not answered.
    pub timeout_rule: TimeoutRule,
}

/// What the watcher may see at the beginning.
#[derive(Clone, Debug)]
pub enum Permission {
    /// Nothing yet.
    Undecided,
    /// The state, as far as it is known.
    Granted(Option<Body>),
}

/// Whether the watcher has been told the newest state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Told,
    Waiting,
}

#[derive(Clone, Debug)]
struct Farewell {
    reason: TerminationReason,
    retry_after_s: Option<u32>,
    stage: FarewellStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FarewellStage {
    Due,
    Sent,
}

impl Notifier {
    // RFC 6665 §4.2.1.1, §4.2.1.2
    /// Accepts an admitted SUBSCRIBE: the 200 and the first NOTIFY are the first commands.
    ///
    /// # Errors
    /// [`Refusal`] with 400 when the SUBSCRIBE lacks what a dialog needs.
    pub fn accept(
        now: Timestamp,
        transaction: ServerTransactionId,
        subscribe: &Request,
        admission: Admission<'_>,
        opening: Opening,
    ) -> Result<Self, Refusal> {
        let permission = opening.permission.clone();
        let mut notifier = Self::prepare(now, subscribe, admission, opening)?;
        notifier.begin(now, transaction, subscribe, permission);
        Ok(notifier)
    }

    /// The same without a word yet: [`Notifier::begin`] is to follow.
    ///
    /// # Errors
    /// As [`Notifier::accept`].
    pub fn prepare(
        now: Timestamp,
        subscribe: &Request,
        admission: Admission<'_>,
        opening: Opening,
    ) -> Result<Self, Refusal> {
        let refuse = |_: DialogError| Refusal::plain(StatusCode::BAD_REQUEST);
        let dialog = Dialog::from_subscribe(subscribe, &opening.tag, &opening.contact).map_err(refuse)?;
        let lifetime = (admission.expires_s > 0).then(|| Duration::from_secs(u64::from(admission.expires_s)));
        Ok(Self {
            package: Arc::clone(admission.package),
            timeout_rule: opening.timeout_rule,
            event: admission.event,
            dialog,
            state: NotifierState::Pending,
            granted_s: admission.expires_s,
            expires_at: lifetime.map(|lifetime| now.after(lifetime)),
            body: None,
            in_flight: None,
            news: News::Told,
            retry_at: None,
            farewell: None,
            condition: Condition::of(subscribe.headers()).map(Box::new),
            challenge: None,
            commands: VecDeque::new(),
        })
    }

    // RFC 6665 §4.2.1.1, §4.2.1.2
    /// Says 200 to the SUBSCRIBE of which it was prepared, and the first NOTIFY.
    pub fn begin(
        &mut self,
        now: Timestamp,
        transaction: ServerTransactionId,
        subscribe: &Request,
        permission: Permission,
    ) {
        if let Permission::Granted(body) = permission {
            (self.state, self.body) = (NotifierState::Active, body);
        }
        self.grant(now, transaction, subscribe, self.granted_s, RemovalCause::Fetched);
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: NotifierEvent) {
        met("sip_notifier", format_args!("{:?} + {}", self.state, Name(&event)));
        match self.state {
            NotifierState::Pending | NotifierState::Active => match event {
                NotifierEvent::Subscribe { transaction, request } => self.on_subscribe(now, transaction, &request),
                NotifierEvent::Response(response) => self.on_response(now, &response),
                NotifierEvent::TimedOut => self.on_timeout(now),
                NotifierEvent::RequestFailed => self.pause(now, UNREACHABLE_PAUSE_S),
                NotifierEvent::Authorize(headers) => self.authorize(now, headers),
                NotifierEvent::Update(body) => {
                    self.body = body;
                    // RFC 5839 §6.3
                    if self.state == NotifierState::Active && !self.is_held() {
                        self.notify(now);
                    }
                }
                NotifierEvent::Grant(body) => {
                    self.body = body;
                    self.state = NotifierState::Active;
                    self.notify(now);
                }
                NotifierEvent::Terminate { reason, retry_after_s } => {
                    self.terminate(reason, retry_after_s, RemovalCause::Terminated);
                }
            },
            NotifierState::Terminating => match event {
                NotifierEvent::Subscribe { transaction, request } => self.refuse_stranger(transaction, &request),
                NotifierEvent::Response(response) => self.on_farewell_response(&response),
                NotifierEvent::TimedOut | NotifierEvent::RequestFailed => self.stop(),
                NotifierEvent::Authorize(headers) => self.authorize_farewell(headers),
                NotifierEvent::Update(_) | NotifierEvent::Grant(_) | NotifierEvent::Terminate { .. } => ignored(),
            },
            NotifierState::Ended => match event {
                NotifierEvent::Subscribe { transaction, request } => self.refuse_stranger(transaction, &request),
                NotifierEvent::Response(_)
                | NotifierEvent::TimedOut
                | NotifierEvent::RequestFailed
                | NotifierEvent::Authorize(_)
                | NotifierEvent::Update(_)
                | NotifierEvent::Grant(_)
                | NotifierEvent::Terminate { .. } => ignored(),
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<NotifierCommand> {
        let command = self.commands.pop_front();
        if self.commands.is_empty() {
            // What idle machines do not need they do not keep: there may be very many.
            self.commands = VecDeque::new();
        }
        command
    }

    /// When [`Notifier::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.expires_at, self.retry_at].into_iter().flatten().min()
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.expires_at.is_some_and(|at| at <= now) {
            met("sip_notifier", format_args!("{:?} + TimerExpires", self.state));
            // RFC 6665 §4.2.1.4
            return self.terminate(TerminationReason::Timeout, None, RemovalCause::Expired);
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.tell_news(now);
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> NotifierState {
        self.state
    }

    /// The name of the package.
    #[must_use]
    pub fn package(&self) -> &'static str {
        self.package.name
    }

    /// What names the dialog.
    #[must_use]
    pub fn dialog_id(&self) -> DialogId {
        self.dialog.id()
    }

    /// When the subscription ends unless refreshed.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether a new record is due before the next request, see [`Dialog::is_record_due`].
    #[must_use]
    pub fn is_record_due(&self) -> bool {
        self.dialog.is_record_due()
    }

    // RFC 6665 §4.2.1.4
    fn on_subscribe(&mut self, now: Timestamp, transaction: ServerTransactionId, subscribe: &Request) {
        match self.check_refresh(subscribe) {
            // RFC 5839 §6.3: only what has been told is left out.
            Ok(expires_s) if self.news == News::Told && self.is_held() => {
                self.spare(now, transaction, subscribe, expires_s);
            }
            Ok(expires_s) => self.grant(now, transaction, subscribe, expires_s, RemovalCause::Unsubscribed),
            Err(refusal) => {
                let response = refusal.to_response(subscribe, &self.dialog.local_tag());
                self.commands.push_back(NotifierCommand::Respond { transaction, response });
            }
        }
    }

    fn check_refresh(&mut self, subscribe: &Request) -> Result<u32, Refusal> {
        let headers = subscribe.headers();
        // RFC 3261 §12.2.2
        if !self.dialog.is_of(subscribe) {
            return Err(Refusal::plain(StatusCode::CALL_DOES_NOT_EXIST));
        }
        let out_of_order = |_: DialogError| Refusal::plain(StatusCode::SERVER_INTERNAL_ERROR);
        self.dialog.accept_sequence(headers.cseq()?.sequence).map_err(out_of_order)?;
        // RFC 6665 §4.5.1: another event in this dialog would be another subscription; they are not offered here.
        let is_same =
            headers.event()?.is_some_and(|event| Event::read(&self.event).is_ok_and(|own| event.is_same(&own)));
        if !is_same {
            let allow = Header::new(HeaderName::AllowEvents, self.package.name);
            return Err(Refusal { status: StatusCode::BAD_EVENT, explanation: Some(allow) });
        }
        let expires_s = check_content(headers, &self.package)?;
        self.dialog.refresh_target(headers).map_err(|_| Refusal::plain(StatusCode::BAD_REQUEST))?;
        // RFC 5839 §5.2: each SUBSCRIBE makes its own condition, or none.
        self.condition = Condition::of(headers).map(Box::new);
        Ok(expires_s)
    }

    // RFC 6665 §4.2.1.1, §4.2.1.2
    /// Says 200 and sends the NOTIFY that follows every accepted SUBSCRIBE.
    fn grant(
        &mut self,
        now: Timestamp,
        transaction: ServerTransactionId,
        subscribe: &Request,
        expires_s: u32,
        cause_of_zero: RemovalCause,
    ) {
        let mut response = Response::for_request(subscribe, StatusCode::OK, Some(&self.dialog.local_tag()))
            .with(Header::new(HeaderName::Expires, expires_s))
            .with(Header::new(HeaderName::Contact, self.dialog.contact()));
        response.copy_record_route(subscribe.headers());
        self.commands.push_back(NotifierCommand::Respond { transaction, response });
        if expires_s == 0 {
            // RFC 6665 §4.4.3
            return self.terminate(TerminationReason::Timeout, None, cause_of_zero);
        }
        let expires_at = now.after(Duration::from_secs(u64::from(expires_s)));
        self.expires_at = Some(expires_at);
        self.commands.push_back(NotifierCommand::LeaseGranted { expires_at });
        // The watcher has just spoken: it can be reached again.
        self.retry_at = None;
        self.notify(now);
    }

    /// Sends the newest state, or keeps it until the NOTIFY on its way is answered.
    fn notify(&mut self, now: Timestamp) {
        self.news = News::Waiting;
        self.tell_news(now);
    }

    // RFC 5263 §4.4
    fn tell_news(&mut self, now: Timestamp) {
        if self.news == News::Told || self.in_flight.is_some() || self.retry_at.is_some() {
            return;
        }
        self.news = News::Told;
        let status = match self.state {
            NotifierState::Pending => SubscriptionStatus::Pending,
            NotifierState::Active | NotifierState::Terminating | NotifierState::Ended => SubscriptionStatus::Active,
        };
        // RFC 6665 §4.2.2: the time that is left is mandatory here.
        let left_s = self.expires_at.map_or(0, |at| now.seconds_until(at));
        self.send_notify(&format_args!("{status};expires={left_s}"));
    }

    fn send_notify(&mut self, state: &dyn fmt::Display) {
        let mut request = self.dialog.request(Method::Notify);
        request.push(Header::from_raw(HeaderName::Event, self.event.to_bytes()));
        request.push(Header::new(HeaderName::SubscriptionState, state));
        // What the owner takes away at the end is not shown, and has no tag.
        let is_withheld = self.state == NotifierState::Terminating && self.body.is_none();
        if let Some(tag) = self.entity_tag().filter(|_| !is_withheld) {
            request.push(Header::from_raw(HeaderName::SipETag, tag.to_bytes()));
        }
        let is_shown = self.state != NotifierState::Pending && !self.is_held();
        if let Some(body) = self.body.as_ref().filter(|_| is_shown) {
            body.put_into(&mut request);
        }
        self.drop_stale_condition();
        let credentials = self.challenge.as_mut().and_then(|challenge| challenge.credentials.take());
        credentials.into_iter().flatten().for_each(|header| request.push(header));
        self.in_flight = Some(self.dialog.local_sequence());
        self.commands.push_back(NotifierCommand::SendRequest(request));
    }

    /// Whether a response is the final one to the NOTIFY on its way, which then is not any more.
    fn settle(&mut self, response: &Response) -> bool {
        let sequence = response.headers().cseq().ok().map(|cseq| cseq.sequence);
        let settled = response.status().is_final() && sequence.is_some() && sequence == self.in_flight;
        if settled {
            self.in_flight = None;
        }
        settled
    }

    // RFC 6665 §4.2.2
    fn on_response(&mut self, now: Timestamp, response: &Response) {
        if !self.settle(response) {
            return ignored();
        }
        let status = response.status();
        let retry_after = response.headers().retry_after().ok().flatten();
        match retry_after {
            _ if status.is_success() => {
                self.challenge = None;
                // A malformed Contact in the answer leaves the target as it was.
                let _ = self.dialog.refresh_target(response.headers());
                self.tell_news(now);
            }
            _ if is_terminating(status) => self.remove(RemovalCause::NotifyRefused(status)),
            _ if self.asks_owner(response) => ignored(),
            Some(wait) if status.class() == 5 => self.pause(now, wait.seconds),
            // What was refused is not repeated; a newer state is tried.
            Some(_) | None => self.tell_news(now),
        }
    }

    // RFC 6665 §4.2.2
    fn on_timeout(&mut self, now: Timestamp) {
        self.in_flight = None;
        match self.timeout_rule {
            TimeoutRule::Remove => self.remove(RemovalCause::NotifyTimedOut),
            TimeoutRule::Keep => self.tell_news(now),
        }
    }

    /// The state that could not be told is told later, or the then newest.
    fn pause(&mut self, now: Timestamp, seconds: u32) {
        self.in_flight = None;
        self.news = News::Waiting;
        self.retry_at = Some(now.after(Duration::from_secs(u64::from(seconds))));
    }

    fn terminate(&mut self, reason: TerminationReason, retry_after_s: Option<u32>, cause: RemovalCause) {
        if self.state == NotifierState::Pending {
            self.body = None;
        }
        // The owner's reasons are about permission or existence: they do not show the state once more.
        if cause == RemovalCause::Terminated {
            self.body = None;
        }
        self.state = NotifierState::Terminating;
        self.expires_at = None;
        self.retry_at = None;
        self.farewell = Some(Box::new(Farewell { reason, retry_after_s, stage: FarewellStage::Due }));
        self.commands.push_back(NotifierCommand::Removed(cause));
        self.say_farewell();
    }

    // RFC 6665 §4.2.1.4
    fn say_farewell(&mut self) {
        let Some(farewell) = self.farewell.as_mut().filter(|_| self.in_flight.is_none()) else {
            return;
        };
        farewell.stage = FarewellStage::Sent;
        let mut state = SubscriptionState::new(SubscriptionStatus::Terminated).with_reason(&farewell.reason);
        if let Some(seconds) = farewell.retry_after_s {
            state = state.with_retry_after_s(seconds);
        }
        self.send_notify(&state);
    }

    fn on_farewell_response(&mut self, response: &Response) {
        let was_sent = self.farewell.as_ref().is_some_and(|farewell| farewell.stage == FarewellStage::Sent);
        if !self.settle(response) {
            return ignored();
        }
        match was_sent || is_terminating(response.status()) {
            true if self.asks_owner(response) => ignored(),
            true => self.stop(),
            false => self.say_farewell(),
        }
    }

    fn remove(&mut self, cause: RemovalCause) {
        self.commands.push_back(NotifierCommand::Removed(cause));
        self.stop();
    }

    fn refuse_stranger(&mut self, transaction: ServerTransactionId, subscribe: &Request) {
        let refusal = Refusal::plain(StatusCode::CALL_DOES_NOT_EXIST);
        let response = refusal.to_response(subscribe, &self.dialog.local_tag());
        self.commands.push_back(NotifierCommand::Respond { transaction, response });
    }

    fn stop(&mut self) {
        self.state = NotifierState::Ended;
        self.in_flight = None;
        self.expires_at = None;
        self.retry_at = None;
        self.body = None;
    }
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

/// How long a watcher that cannot be reached is left alone: as long as a transaction would have tried.
const UNREACHABLE_PAUSE_S: u32 = 32;

#[cfg(test)]
mod tests;
