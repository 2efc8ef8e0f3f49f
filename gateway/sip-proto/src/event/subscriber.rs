//! The subscriber: one subscription to one resource, from the first SUBSCRIBE to the last NOTIFY.

pub mod advice;
mod arrival;
mod notification;
mod record;
mod reply;
pub mod settings;

use self::notification::{Notification, Standing};
use self::settings::{Conditional, SubscriberSettings};
use super::body::Body;
use super::credential::ChallengeGate;
use super::lifetime::{first_refresh_delay, refresh_delay};
use crate::dialog::{Dialog, DialogId};
use crate::message::header::cseq::{CSeq, Sequence};
use crate::message::header::event::TerminationReason;
use crate::message::header::identifier::EntityTag;
use crate::message::headers::Header;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::uri::Uri;
use crate::time::Timestamp;
use crate::transaction::ServerTransactionId;
use crate::witness::met;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

// RFC 6665 §4.1
/// One subscription as its subscriber sees it.
#[derive(Clone, Debug)]
pub struct Subscriber {
    settings: Box<SubscriberSettings>,
    state: SubscriberState,
    intent: Intent,
    dialog: Option<Box<Dialog>>,
    target: Uri,
    /// Number of the last SUBSCRIBE before there was a dialog.
    sequence: Sequence,
    /// Number of the SUBSCRIBE that is not answered yet.
    in_flight: Option<Sequence>,
    /// The lifetime to ask for: raised by 423.
    wish_s: u32,
    /// When the SUBSCRIBE was sent that the present lifetime goes back to.
    asked_at: Timestamp,
    expires_at: Option<Timestamp>,
    refresh_at: Option<Timestamp>,
    spread: Spread,
    timer_n: Option<Timestamp>,
    /// Whether a NOTIFY told the lifetime since the last SUBSCRIBE.
    lifetime_notified: bool,
    /// The status that the owner was asked to answer with credentials.
    challenged: Option<StatusCode>,
    fork_until: Option<Timestamp>,
    forked: u8,
    attempts: u8,
    failures: u32,
    gate: ChallengeGate,
    entity_tag: Option<EntityTag>,
    commands: VecDeque<SubscriberCommand>,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriberState {
    /// Not begun.
    Idle,
    /// SUBSCRIBE sent, no NOTIFY yet.
    Subscribing,
    /// The notifier has not decided.
    Pending,
    /// The notifier tells the state.
    Active,
    /// Unsubscribed; the last NOTIFY is due.
    Leaving,
    /// Over: the owner forgets the machine.
    Ended,
}

/// Whether the first refresh, which is spread farther than others, is still to come; anew after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    Due,
    Drawn,
    Done,
}

/// What happens to a subscription.
#[derive(Clone, Debug)]
pub enum SubscriberEvent {
    /// The owner begins.
    Subscribe,
    /// The owner wants the whole state again now.
    Refresh,
    /// The owner has no more interest.
    Unsubscribe,
    /// A response to the last request of this machine.
    Response(Response),
    /// The transaction of the last request timed out.
    TimedOut,
    /// The last request could not be delivered.
    RequestFailed,
    /// A NOTIFY with the Call-ID and, as To tag, the tag of this machine.
    Notify {
        /// Its transaction, to be answered.
        transaction: ServerTransactionId,
        /// The NOTIFY.
        request: Arc<Request>,
    },
    /// The answer to [`SubscriberCommand::Challenged`]: Authorization or Proxy-Authorization fields.
    Authorize(Vec<Header>),
}

/// What a subscription asks of its owner.
#[derive(Clone, Debug)]
pub enum SubscriberCommand {
    /// Send this request in a transaction of its own.
    SendRequest(Request),
    /// Answer a NOTIFY.
    Respond {
        /// The transaction of the NOTIFY.
        transaction: ServerTransactionId,
        /// The answer.
        response: Response,
    },
    /// Compute credentials for the challenges of this 401 or 407 and say [`SubscriberEvent::Authorize`], or
    /// [`SubscriberEvent::Unsubscribe`].
    Challenged {
        /// The response with the challenges.
        response: Response,
        /// The Request-URI that was challenged.
        uri: Uri,
    },
    /// Something that the subscription is for.
    StateChanged(SubscriptionChange),
    /// Another notifier answered the same SUBSCRIBE: a machine of its own, to be polled and kept beside this one.
    Forked(Box<Subscriber>),
}

/// What became known about the subscription or the resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionChange {
    /// The notifier has not decided; nothing is known about the resource.
    Pending,
    /// The notifier tells the state. Without body nothing new is known: what was known stays valid.
    Active {
        /// The document.
        body: Option<Body>,
    },
    /// The subscription is over; see [`advice::end_advice`].
    Ended {
        /// Why; a lifetime that ran out on this side reads as `timeout`.
        reason: Option<TerminationReason>,
        /// How long to stay away, where the reason gives it a meaning.
        retry_after: Option<Duration>,
        /// A last document: the answer to a fetch.
        body: Option<Body>,
    },
    /// The subscription was refused or lost; see [`advice::refusal_advice`]. 408 also stands for a NOTIFY that never came.
    Failed {
        /// The response, or the one that RFC 3261 equates the failure with.
        status: StatusCode,
        /// Retry-After.
        retry_after: Option<Duration>,
    },
}

/// Whether the owner still wants the subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Keep,
    Leave,
}

impl Subscriber {
    /// A subscription that begins with [`SubscriberEvent::Subscribe`].
    #[must_use]
    pub fn new(settings: SubscriberSettings) -> Self {
        Self {
            state: SubscriberState::Idle,
            intent: Intent::Keep,
            dialog: None,
            target: settings.target.clone(),
            sequence: Sequence::FIRST,
            in_flight: None,
            wish_s: settings.expires_s,
            asked_at: Timestamp::EPOCH,
            expires_at: None,
            refresh_at: None,
            spread: Spread::Due,
            timer_n: None,
            lifetime_notified: false,
            challenged: None,
            fork_until: None,
            forked: 0,
            attempts: 0,
            failures: 0,
            gate: ChallengeGate::new(settings.credentials),
            entity_tag: settings.known.clone(),
            commands: VecDeque::new(),
            settings: Box::new(settings),
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: SubscriberEvent) {
        met("sip_subscriber", format_args!("{:?} + {}", self.state, Name(&event)));
        match self.state {
            SubscriberState::Idle => match event {
                SubscriberEvent::Subscribe => self.begin(now),
                SubscriberEvent::Unsubscribe => self.end(None, None, None),
                SubscriberEvent::Notify { transaction, request } => self.refuse_stranger(transaction, &request),
                SubscriberEvent::Refresh
                | SubscriberEvent::Response(_)
                | SubscriberEvent::TimedOut
                | SubscriberEvent::RequestFailed
                | SubscriberEvent::Authorize(_) => ignored(),
            },
            SubscriberState::Subscribing => match event {
                SubscriberEvent::Unsubscribe => self.give_up(),
                SubscriberEvent::Response(response) => self.on_response(now, response),
                SubscriberEvent::TimedOut => self.fail(StatusCode::REQUEST_TIMEOUT, None),
                SubscriberEvent::RequestFailed => self.fail(StatusCode::SERVICE_UNAVAILABLE, None),
                SubscriberEvent::Notify { transaction, request } => self.on_notify(now, transaction, &request),
                SubscriberEvent::Authorize(headers) => self.authorize(now, headers),
                SubscriberEvent::Subscribe | SubscriberEvent::Refresh => ignored(),
            },
            SubscriberState::Pending | SubscriberState::Active => match event {
                SubscriberEvent::Refresh => self.refresh(now),
                SubscriberEvent::Unsubscribe => self.leave(now),
                SubscriberEvent::Response(response) => self.on_response(now, response),
                SubscriberEvent::TimedOut => self.on_refresh_timeout(now),
                SubscriberEvent::RequestFailed => self.refresh_failed(now, None),
                SubscriberEvent::Notify { transaction, request } => self.on_notify(now, transaction, &request),
                SubscriberEvent::Authorize(headers) => self.authorize(now, headers),
                SubscriberEvent::Subscribe => ignored(),
            },
            SubscriberState::Leaving => match event {
                SubscriberEvent::Response(response) => self.on_response(now, response),
                SubscriberEvent::TimedOut | SubscriberEvent::RequestFailed => self.end_locally(),
                SubscriberEvent::Unsubscribe => self.give_up(),
                SubscriberEvent::Notify { transaction, request } => self.on_notify(now, transaction, &request),
                SubscriberEvent::Authorize(headers) => self.authorize(now, headers),
                SubscriberEvent::Subscribe | SubscriberEvent::Refresh => ignored(),
            },
            SubscriberState::Ended => match event {
                SubscriberEvent::Notify { transaction, request } => self.refuse_stranger(transaction, &request),
                SubscriberEvent::Subscribe
                | SubscriberEvent::Refresh
                | SubscriberEvent::Unsubscribe
                | SubscriberEvent::Response(_)
                | SubscriberEvent::TimedOut
                | SubscriberEvent::RequestFailed
                | SubscriberEvent::Authorize(_) => ignored(),
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<SubscriberCommand> {
        let command = self.commands.pop_front();
        if self.commands.is_empty() {
            // What idle machines do not need they do not keep: there may be very many.
            self.commands = VecDeque::new();
        }
        command
    }

    /// When [`Subscriber::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.timer_n, self.expires_at, self.refresh_at].into_iter().flatten().min()
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.timer_n.is_some_and(|at| at <= now) {
            self.timer_n = None;
            met("sip_subscriber", format_args!("{:?} + TimerN", self.state));
            match self.state {
                // RFC 6665 §4.1.2.2, §4.1.2.4
                SubscriberState::Subscribing | SubscriberState::Pending | SubscriberState::Active => {
                    self.fail(StatusCode::REQUEST_TIMEOUT, None);
                }
                SubscriberState::Leaving => self.end_locally(),
                SubscriberState::Idle | SubscriberState::Ended => ignored(),
            }
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            self.end_locally();
        }
        if self.refresh_at.is_some_and(|at| at <= now) {
            if self.spread == Spread::Drawn {
                self.spread = Spread::Done;
            }
            self.refresh(now);
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> SubscriberState {
        self.state
    }

    /// What names the dialog, once there is one.
    #[must_use]
    pub fn dialog_id(&self) -> Option<DialogId> {
        self.dialog.as_ref().map(|dialog| dialog.id())
    }

    // RFC 5839 §5.3
    /// The tag of the newest state that was notified, where the notifier gives tags.
    #[must_use]
    pub const fn entity_tag(&self) -> Option<&EntityTag> {
        self.entity_tag.as_ref()
    }

    // RFC 5839 §5.2
    /// The owner does not have the newest state: the next SUBSCRIBE makes no condition.
    pub fn forget_entity_tag(&mut self) {
        self.entity_tag = None;
    }

    // RFC 5263 §4.5
    /// Documents of this type are not asked for any more, from the next SUBSCRIBE on.
    pub fn ask_no_more_for(&mut self, media_type: &str) {
        self.settings.accept.retain(|accepted| !accepted.is(media_type));
    }

    /// When the subscription ends unless refreshed, as far as is known.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether a new record is due before the next request, see [`Dialog::is_record_due`].
    #[must_use]
    pub fn is_record_due(&self) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.is_record_due())
    }

    fn begin(&mut self, now: Timestamp) {
        self.state = SubscriberState::Subscribing;
        self.fork_until = Some(now.after(self.settings.timers.transaction_timeout()));
        self.send_subscribe(now, Vec::new());
    }

    fn refresh(&mut self, now: Timestamp) {
        self.refresh_at = None;
        if self.in_flight.is_none() && self.dialog.is_some() {
            self.send_subscribe(now, Vec::new());
        }
    }

    /// Repeats the challenged request with credentials.
    fn authorize(&mut self, now: Timestamp, credentials: Vec<Header>) {
        if self.challenged.is_some() {
            self.send_subscribe(now, credentials);
        }
    }

    /// Waits for the first or the last NOTIFY, unless the request was challenged: without credentials it goes no further.
    fn give_up(&mut self) {
        self.intent = Intent::Leave;
        if let Some(status) = self.challenged {
            self.fail(status, None);
        }
    }

    // RFC 6665 §4.1.2.3
    fn leave(&mut self, now: Timestamp) {
        self.intent = Intent::Leave;
        if self.in_flight.is_none() {
            self.state = SubscriberState::Leaving;
            self.expires_at = None;
            self.send_subscribe(now, Vec::new());
        }
    }

    // RFC 6665 §4.1.2.1, §4.1.2.2
    fn send_subscribe(&mut self, now: Timestamp, credentials: Vec<Header>) {
        let leaving = self.state == SubscriberState::Leaving;
        let wish_s = if leaving { 0 } else { self.wish_s };
        let mut request = match &mut self.dialog {
            Some(dialog) => dialog.request(Method::Subscribe),
            None => self.initial_request(),
        };
        let known = self.entity_tag.as_ref().filter(|_| self.settings.conditional == Conditional::On && !leaving);
        self.settings.complete(&mut request, wish_s, known);
        for header in credentials {
            request.push(header);
        }
        self.in_flight = Some(match &self.dialog {
            Some(dialog) => dialog.local_sequence(),
            None => self.sequence,
        });
        self.asked_at = now;
        self.refresh_at = None;
        self.lifetime_notified = false;
        self.challenged = None;
        self.timer_n = Some(now.after(self.settings.timers.transaction_timeout()));
        self.commands.push_back(SubscriberCommand::SendRequest(request));
    }

    // RFC 3261 §8.1.1
    fn initial_request(&self) -> Request {
        let settings = &self.settings;
        let mut request = Request::new(Method::Subscribe, self.target.clone())
            .with(Header::new(HeaderName::MaxForwards, MAX_FORWARDS))
            .with(Header::new(HeaderName::From, settings.local.clone().with_tag(&settings.tag)))
            .with(Header::new(HeaderName::To, &settings.remote))
            .with(Header::new(HeaderName::CallId, &settings.call_id))
            .with(Header::new(HeaderName::CSeq, CSeq::new(self.sequence, Method::Subscribe)))
            .with(Header::new(HeaderName::Contact, &settings.contact));
        for route in &settings.routes {
            request.push(Header::new(HeaderName::Route, route));
        }
        request
    }

    fn take(&mut self, now: Timestamp, notification: Notification) {
        self.entity_tag = notification.entity_tag;
        match (self.state, notification.standing) {
            (_, Standing::Terminated { reason, retry_after }) => self.end(reason, retry_after, notification.body),
            (SubscriberState::Leaving, Standing::Active { .. } | Standing::Pending { .. }) => ignored(),
            (_, Standing::Active { expires_s }) => {
                self.stand(now, SubscriberState::Active, expires_s);
                self.tell(SubscriptionChange::Active { body: notification.body });
                self.after_notify(now);
            }
            (_, Standing::Pending { expires_s }) => {
                self.stand(now, SubscriberState::Pending, expires_s);
                self.tell(SubscriptionChange::Pending);
                self.after_notify(now);
            }
        }
    }

    fn after_notify(&mut self, now: Timestamp) {
        if self.wish_s == 0 {
            // RFC 6665 §4.4.3: a fetch ends with its only NOTIFY, whatever the notifier calls it.
            self.end_locally();
        } else if self.intent == Intent::Leave {
            self.leave(now);
        }
    }

    // RFC 6665 §4.1.3
    fn stand(&mut self, now: Timestamp, state: SubscriberState, expires_s: Option<u32>) {
        self.state = state;
        self.timer_n = None;
        match (expires_s, self.expires_at) {
            (Some(seconds), _) => {
                self.lifetime_notified = true;
                self.set_lifetime(now, now.after(Duration::from_secs(u64::from(seconds.min(self.wish_s)))));
            }
            // S-SB-02: without the parameter the lifetime runs on.
            (None, Some(_)) if self.refresh_at.is_some() || self.in_flight.is_some() => ignored(),
            (None, Some(_)) => self.schedule(now),
            (None, None) => self.set_lifetime(now, self.asked_at.after(Duration::from_secs(u64::from(self.wish_s)))),
        }
    }

    /// Sets the end of the lifetime and the refresh before it.
    fn set_lifetime(&mut self, now: Timestamp, expires_at: Timestamp) {
        let shifted = self.expires_at.map(|before| before.until(expires_at).max(expires_at.until(before)));
        if self.refresh_at.is_none() || shifted.is_none_or(|shift| shift > SHIFT_IGNORED) {
            self.expires_at = Some(expires_at);
            self.schedule(now);
        }
    }

    /// Sets the refresh, counted from the SUBSCRIBE that began the lifetime; only a dialog can be refreshed.
    fn schedule(&mut self, now: Timestamp) {
        let granted = self.expires_at.map(|at| self.asked_at.until(at).as_secs()).filter(|_| self.dialog.is_some());
        let granted_s = granted.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
        let delay = granted_s.and_then(|granted_s| match self.spread {
            Spread::Due | Spread::Drawn => first_refresh_delay(granted_s, self.settings.jitter),
            Spread::Done => refresh_delay(granted_s, self.settings.jitter),
        });
        if self.spread == Spread::Due && delay.is_some() {
            self.spread = Spread::Drawn;
        }
        self.refresh_at = delay.map(|delay| self.asked_at.after(delay).max(now));
    }

    fn refuse_stranger(&mut self, transaction: ServerTransactionId, notify: &Request) {
        self.respond(transaction, notify, StatusCode::CALL_DOES_NOT_EXIST);
    }

    fn respond(&mut self, transaction: ServerTransactionId, notify: &Request, status: StatusCode) {
        let mut response = Response::for_request(notify, status, Some(&self.settings.tag));
        if status == StatusCode::BAD_EVENT {
            response.push(Header::new(HeaderName::AllowEvents, self.settings.package()));
        }
        self.commands.push_back(SubscriberCommand::Respond { transaction, response });
    }

    fn tell(&mut self, change: SubscriptionChange) {
        self.commands.push_back(SubscriberCommand::StateChanged(change));
    }

    fn fail(&mut self, status: StatusCode, retry_after: Option<Duration>) {
        self.stop();
        self.tell(SubscriptionChange::Failed { status, retry_after });
    }

    fn end(&mut self, reason: Option<TerminationReason>, retry_after: Option<Duration>, body: Option<Body>) {
        self.stop();
        self.tell(SubscriptionChange::Ended { reason, retry_after, body });
    }

    fn end_locally(&mut self) {
        self.end(Some(TerminationReason::Timeout), None, None);
    }

    fn stop(&mut self) {
        self.state = SubscriberState::Ended;
        self.in_flight = None;
        self.timer_n = None;
        self.expires_at = None;
        self.refresh_at = None;
    }
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

// RFC 3261 §8.1.1.6
const MAX_FORWARDS: u8 = 70;

/// NOTIFYs repeat the time that is left in whole seconds: such shifts are rounding, not news.
const SHIFT_IGNORED: Duration = Duration::from_secs(2);

/// An event as the state table names it.
struct Name<'a>(&'a SubscriberEvent);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SubscriberEvent::Subscribe => f.write_str("Subscribe"),
            SubscriberEvent::Refresh => f.write_str("Refresh"),
            SubscriberEvent::Unsubscribe => f.write_str("Unsubscribe"),
            SubscriberEvent::Response(response) => write!(f, "Response {}", response.status().to_number()),
            SubscriberEvent::TimedOut => f.write_str("TimedOut"),
            SubscriberEvent::RequestFailed => f.write_str("RequestFailed"),
            SubscriberEvent::Notify { request, .. } => {
                let state = request.headers().subscription_state().ok().flatten();
                let status = state.map(|state| state.to_string()).unwrap_or_default();
                write!(f, "Notify {}", status.split(';').next().unwrap_or_default())
            }
            SubscriberEvent::Authorize(_) => f.write_str("Authorize"),
        }
    }
}

#[cfg(test)]
mod tests;
