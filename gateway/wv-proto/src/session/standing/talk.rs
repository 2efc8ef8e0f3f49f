//! What is said when: what waits, polls, words that keep the session alive.

use super::{Command, Flight, Load, Pending, StandingSession, State};
use crate::primitive::access::KeepAliveRequest;
use crate::primitive::identifier::TransactionId;
use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction};
use crate::session::time::Timestamp;
use std::time::Duration;

impl StandingSession {
    pub(super) fn back_off(&self, failures: u32) -> Duration {
        let limits = &self.settings.limits;
        let doublings = failures.saturating_sub(1).min(16);
        limits.back_off_min.saturating_mul(1_u32.wrapping_shl(doublings)).min(limits.back_off_max)
    }

    /// Does what can be done now: says that it is due, sends what waits, polls, keeps alive.
    pub(super) fn proceed(&mut self, now: Timestamp) {
        match self.state {
            State::Out if self.wanted && !self.announced && self.not_before <= now => {
                self.announced = true;
                self.commands.push_back(Command::Due);
            }
            State::Open if !self.wanted => self.leave(),
            State::Open => self.talk(now),
            State::Out
            | State::Entering { .. }
            | State::Describing
            | State::Agreeing
            | State::Leaving
            | State::Barred(_) => {}
        }
    }

    pub(super) fn talk(&mut self, now: Timestamp) {
        let is_counted = |flight: &&Flight| flight.load != Load::Poll;
        let mut under_way = self.flights.iter().filter(is_counted).count();
        while under_way < self.multi_trans.max(1) {
            if let Some((id, primitive)) = self.responses.pop_front() {
                self.send(Transaction::response(id, primitive), Load::Response);
            } else if let Some(request) = self.requests.pop_front() {
                let id = self.mint();
                let primitive = request.primitive.clone();
                self.pending.push(Pending { id: id.clone(), request, until: None });
                self.send(Transaction::request(Some(id.clone()), primitive), Load::Request(id));
            } else {
                break;
            }
            under_way = under_way.saturating_add(1);
        }
        if !self.flights.is_empty() || !self.is_answered() {
            return;
        }
        let may_poll = self.polled.after(self.poll_min.min(self.interval())) <= now;
        if self.poll_due() <= now || (self.keep_due() <= now && may_poll) {
            self.polled = now;
            self.poll_at = now.after(self.interval());
            // WV-POLL-01
            self.send(Transaction::request(None, Primitive::PollingRequest), Load::Poll);
        } else if self.keep_due() <= now {
            let id = self.mint();
            let request = KeepAliveRequest { time_to_live: Some(self.settings.time_to_live) };
            let transaction = Transaction::request(Some(id.clone()), Primitive::KeepAliveRequest(request));
            self.send(transaction, Load::KeepAlive(id));
        }
    }

    /// Whether everything is answered that the server asked: before that it has nothing more to say.
    pub(super) fn is_answered(&self) -> bool {
        self.seen.iter().all(|seen| seen.ticket.is_none())
    }

    pub(super) const fn poll_due(&self) -> Timestamp {
        self.poll_at
    }

    /// Half of the keep-alive time after the last word.
    // WV-CLI-10
    pub(super) fn keep_due(&self) -> Timestamp {
        let half = self.keep_alive.checked_div(2).unwrap_or_default().max(SHORTEST_GAP);
        self.heard.after(half.max(self.back_off_gap()))
    }

    /// As long as nobody answers, nothing is hurried.
    pub(super) fn back_off_gap(&self) -> Duration {
        if self.losses == 0 { Duration::ZERO } else { self.back_off(self.losses) }
    }

    // WV-CLI-03
    pub(super) fn interval(&self) -> Duration {
        let interval = self.settings.poll_interval.max(self.poll_min);
        if self.has_channel { interval.max(self.settings.limits.channel_poll) } else { interval }
    }

    pub(super) fn send(&mut self, transaction: Transaction, load: Load) {
        let descriptor = self.session.clone().map_or(SessionDescriptor::Outband, SessionDescriptor::Inband);
        self.minted = self.minted.wrapping_add(1);
        let number = self.minted;
        self.flights.push(Flight { number, load });
        let message = Envelope::new(descriptor, transaction);
        self.commands.push_back(Command::Send { number, message });
    }

    pub(super) fn send_own(&mut self, primitive: Primitive) {
        let id = self.mint();
        self.send(Transaction::request(Some(id.clone()), primitive), Load::Own(id));
    }

    pub(super) fn mint(&mut self) -> TransactionId {
        self.minted = self.minted.wrapping_add(1);
        TransactionId::new(self.minted.to_string())
    }
}

/// However short the keep-alive time of a server is, it is not spoken to more often.
const SHORTEST_GAP: Duration = Duration::from_secs(1);
