//! What the responses to SUBSCRIBE mean in each state.

use super::{Intent, Subscriber, SubscriberCommand, SubscriberState, ignored};
use crate::event::lifetime::retry_delay;
use crate::event::subscriber::advice::is_terminating;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::message::uri::Uri;
use crate::time::Timestamp;
use std::time::Duration;

/// A final response, sorted.
enum Answer {
    Granted,
    TooBrief(u32),
    Challenged,
    Redirected(Uri),
    Refused,
}

impl Subscriber {
    /// Takes a response when it belongs to the SUBSCRIBE in flight.
    pub(super) fn on_response(&mut self, now: Timestamp, response: Response) {
        let sequence = response.headers().cseq().ok().map(|cseq| cseq.sequence);
        if response.status().is_provisional() || sequence.is_none() || sequence != self.in_flight {
            return ignored();
        }
        self.in_flight = None;
        match self.state {
            SubscriberState::Subscribing => self.on_first_answer(now, response),
            SubscriberState::Pending | SubscriberState::Active => self.on_refresh_answer(now, response),
            SubscriberState::Leaving => self.on_farewell_answer(response),
            SubscriberState::Idle | SubscriberState::Ended => ignored(),
        }
    }

    // RFC 6665 §4.1.2.2
    pub(super) fn on_refresh_timeout(&mut self, now: Timestamp) {
        self.in_flight = None;
        // Without a NOTIFY Timer N decides, at this very moment or a little later.
        if self.timer_n.is_none() {
            self.refresh_failed(now, None);
        }
    }

    // RFC 6665 §4.1.2.2
    /// The subscription stays valid until its known end: tries again before that.
    pub(super) fn refresh_failed(&mut self, now: Timestamp, retry_after_s: Option<u32>) {
        self.in_flight = None;
        self.timer_n = None;
        self.failures = self.failures.saturating_add(1);
        if self.intent == Intent::Leave {
            return self.leave(now);
        }
        self.refresh_at = Some(now.after(retry_delay(self.failures, retry_after_s)));
    }

    // RFC 6665 §4.1.2.1
    fn on_first_answer(&mut self, now: Timestamp, response: Response) {
        match self.sort(&response) {
            Answer::Granted => self.accept_grant(now, &response),
            Answer::TooBrief(min_s) => {
                self.wish_s = min_s;
                self.try_again(now);
            }
            Answer::Challenged => self.ask_owner(response),
            // RFC 3261 §8.1.3.4
            Answer::Redirected(target) => {
                self.target = target;
                self.try_again(now);
            }
            Answer::Refused => self.fail(response.status(), retry_after(&response)),
        }
    }

    // RFC 6665 §4.1.2.2
    fn on_refresh_answer(&mut self, now: Timestamp, response: Response) {
        match self.sort(&response) {
            Answer::Granted => {
                self.accept_grant(now, &response);
                if self.intent == Intent::Leave {
                    self.leave(now);
                }
            }
            Answer::TooBrief(min_s) => {
                self.wish_s = min_s;
                self.refresh(now);
            }
            Answer::Challenged => self.ask_owner(response),
            Answer::Redirected(_) | Answer::Refused if is_terminating(response.status()) => {
                self.fail(response.status(), retry_after(&response));
            }
            Answer::Redirected(_) | Answer::Refused => {
                self.refresh_failed(now, retry_after(&response).and_then(|wait| u32::try_from(wait.as_secs()).ok()));
            }
        }
    }

    // RFC 6665 §4.1.2.3
    fn on_farewell_answer(&mut self, response: Response) {
        match self.sort(&response) {
            Answer::Granted if response.status() != StatusCode::NO_NOTIFICATION => ignored(),
            Answer::Challenged => self.ask_owner(response),
            Answer::Granted | Answer::TooBrief(_) | Answer::Redirected(_) | Answer::Refused => self.end_locally(),
        }
    }

    fn sort(&mut self, response: &Response) -> Answer {
        let status = response.status();
        if status.is_success() {
            return Answer::Granted;
        }
        if status == StatusCode::INTERVAL_TOO_BRIEF {
            let min_s = response.headers().min_expires_s().ok().flatten();
            let useful = min_s.filter(|min_s| *min_s > self.wish_s && self.wish_s > 0 && self.attempts < ATTEMPTS_MAX);
            return useful.map_or(Answer::Refused, Answer::TooBrief);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            return if self.gate.admits(response) { Answer::Challenged } else { Answer::Refused };
        }
        if status.is_redirection() && self.attempts < ATTEMPTS_MAX {
            let contact = response.headers().contact_first().ok().flatten();
            return contact.map_or(Answer::Refused, |contact| Answer::Redirected(contact.uri().detach()));
        }
        Answer::Refused
    }

    // RFC 6665 §4.1.2.1
    fn accept_grant(&mut self, now: Timestamp, response: &Response) {
        self.gate.reset();
        self.attempts = 0;
        self.failures = 0;
        let status = response.status();
        if let Some(dialog) = &mut self.dialog {
            // A malformed Contact in the answer leaves the target as it was.
            let _ = dialog.refresh_target(response.headers());
        }
        if self.wish_s == 0 {
            return ignored();
        }
        let told_s = response.headers().expires_s().ok().flatten().unwrap_or(self.wish_s).min(self.wish_s);
        if status == StatusCode::NO_NOTIFICATION {
            self.timer_n = None;
        }
        let mut expires_at = match told_s {
            // Shortened to nothing: the NOTIFY that says so has as long as Timer N.
            0 => now.after(self.settings.timers.transaction_timeout()),
            _ => now.after(Duration::from_secs(u64::from(told_s))),
        };
        // What a NOTIFY said before the answer came may have shortened the lifetime already.
        if let Some(known) = self.expires_at.filter(|_| self.lifetime_notified) {
            expires_at = expires_at.min(known);
        }
        self.refresh_at = None;
        self.set_lifetime(now, expires_at);
    }

    // RFC 3261 §8.1.3.5
    fn try_again(&mut self, now: Timestamp) {
        self.attempts = self.attempts.saturating_add(1);
        if self.intent == Intent::Leave {
            return self.end_locally();
        }
        self.advance();
        self.send_subscribe(now, Vec::new());
    }

    fn ask_owner(&mut self, response: Response) {
        self.advance();
        self.challenged = Some(response.status());
        let uri = match &self.dialog {
            Some(dialog) => dialog.request_uri(),
            None => self.target.clone(),
        };
        self.commands.push_back(SubscriberCommand::Challenged { response, uri });
    }

    /// The next attempt outside a dialog has the next number; inside, the dialog counts.
    fn advance(&mut self) {
        if self.dialog.is_none() {
            self.sequence = self.sequence.next().unwrap_or(self.sequence);
        }
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let header = response.headers().retry_after().ok().flatten()?;
    Some(Duration::from_secs(u64::from(header.seconds)))
}

/// So many redirections and raised lifetimes together.
const ATTEMPTS_MAX: u8 = 5;
