//! The INVITE server transaction: repeats a refusal until it is acknowledged and makes way for the ACK of a 2xx.

use super::command_queue::CommandQueue;
use super::server::{ServerCommand, ServerEvent};
use super::timer::{Reliability, TimerValues};
use crate::{time::Timestamp, witness::met};
use std::time::Duration;

// RFC 3261 §17.2.1
/// One INVITE server transaction. It holds no message: its owner keeps the last response.
#[derive(Clone, Debug)]
pub struct InviteServerTransaction {
    state: InviteServerState,
    reliability: Reliability,
    timers: TimerValues,
    interval: Duration,
    /// 100 (Trying) in Proceeding, Timer G in Completed.
    send_at: Option<Timestamp>,
    /// Giving up in Proceeding, Timers H, I and L later.
    end_at: Option<Timestamp>,
    commands: CommandQueue<ServerCommand>,
}

// RFC 6026 §7.1
/// States of Figure 7, with the Accepted state that RFC 6026 adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteServerState {
    /// Handed to the transaction user, no final answer yet.
    Proceeding,
    /// Refused; waiting for the ACK.
    Completed,
    /// The ACK came; its copies are absorbed.
    Confirmed,
    /// Answered 2xx: copies of the INVITE are absorbed, the transaction user repeats the 2xx.
    Accepted,
    /// Over: the owner forgets the transaction.
    Terminated,
}

impl InviteServerTransaction {
    // RFC 3261 §17.2.1
    /// Starts the transaction; a 100 (Trying) goes out if nothing else did within 200 ms.
    #[must_use]
    pub fn new(now: Timestamp, reliability: Reliability, timers: TimerValues) -> Self {
        Self {
            state: InviteServerState::Proceeding,
            reliability,
            timers,
            interval: timers.t1,
            send_at: Some(now.after(TRYING_DUE)),
            end_at: Some(now.after(PROCEEDING_MAX)),
            commands: CommandQueue::default(),
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: ServerEvent) {
        met("sip_invite_server_transaction", format_args!("{:?} + {event:?}", self.state));
        match self.state {
            InviteServerState::Proceeding => match event {
                ServerEvent::Retransmission => {
                    // Nothing answered yet: the copy is the moment for the 100.
                    let command =
                        if self.send_at.is_some() { ServerCommand::SendTrying } else { ServerCommand::SendLatest };
                    self.send_at = None;
                    self.commands.push_back(command);
                }
                ServerEvent::Provisional => {
                    self.send_at = None;
                    self.commands.push_back(ServerCommand::SendLatest);
                }
                ServerEvent::Success => self.accept(now),
                ServerEvent::Failure => self.refuse(now),
                ServerEvent::TransportError => self.fail(),
                ServerEvent::Ack => ignored(),
            },
            InviteServerState::Completed => match event {
                ServerEvent::Retransmission => self.commands.push_back(ServerCommand::SendLatest),
                ServerEvent::Ack => self.confirm(now),
                ServerEvent::TransportError => self.fail(),
                ServerEvent::Provisional | ServerEvent::Success | ServerEvent::Failure => ignored(),
            },
            // RFC 6026 §8.7
            InviteServerState::Accepted => match event {
                ServerEvent::Success => self.commands.push_back(ServerCommand::SendLatest),
                ServerEvent::Ack => self.commands.push_back(ServerCommand::PassAckToUser),
                ServerEvent::TransportError => self.commands.push_back(ServerCommand::TransportFailed),
                ServerEvent::Retransmission | ServerEvent::Provisional | ServerEvent::Failure => ignored(),
            },
            InviteServerState::Confirmed | InviteServerState::Terminated => match event {
                ServerEvent::Retransmission
                | ServerEvent::Provisional
                | ServerEvent::Success
                | ServerEvent::Failure
                | ServerEvent::Ack
                | ServerEvent::TransportError => ignored(),
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<ServerCommand> {
        self.commands.pop_front()
    }

    /// When [`InviteServerTransaction::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match (self.send_at, self.end_at) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (first, second) => first.or(second),
        }
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.end_at.is_some_and(|at| at <= now) {
            met("sip_invite_server_transaction", format_args!("{:?} + TimerHIL", self.state));
            match self.state {
                // Timer H
                InviteServerState::Completed => self.commands.push_back(ServerCommand::AckMissing),
                InviteServerState::Proceeding
                | InviteServerState::Confirmed
                | InviteServerState::Accepted
                | InviteServerState::Terminated => ignored(),
            }
            self.stop();
        } else if self.send_at.is_some_and(|at| at <= now) {
            met("sip_invite_server_transaction", format_args!("{:?} + TimerTryingOrG", self.state));
            match self.state {
                InviteServerState::Proceeding => {
                    self.send_at = None;
                    self.commands.push_back(ServerCommand::SendTrying);
                }
                // Timer G
                InviteServerState::Completed => {
                    self.interval = self.timers.next_interval(self.interval);
                    self.send_at = Some(now.after(self.interval));
                    self.commands.push_back(ServerCommand::SendLatest);
                }
                InviteServerState::Confirmed | InviteServerState::Accepted | InviteServerState::Terminated => ignored(),
            }
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> InviteServerState {
        self.state
    }

    // RFC 6026 §7.1
    fn accept(&mut self, now: Timestamp) {
        self.state = InviteServerState::Accepted;
        self.send_at = None;
        // Timer L
        self.end_at = Some(now.after(self.timers.transaction_timeout()));
        self.commands.push_back(ServerCommand::SendLatest);
    }

    fn refuse(&mut self, now: Timestamp) {
        self.state = InviteServerState::Completed;
        self.interval = self.timers.t1;
        self.send_at = match self.reliability {
            Reliability::Reliable => None,
            Reliability::Unreliable => Some(now.after(self.timers.t1)),
        };
        self.end_at = Some(now.after(self.timers.transaction_timeout()));
        self.commands.push_back(ServerCommand::SendLatest);
    }

    fn confirm(&mut self, now: Timestamp) {
        self.state = InviteServerState::Confirmed;
        self.send_at = None;
        match self.reliability {
            Reliability::Reliable => self.stop(),
            // Timer I
            Reliability::Unreliable => self.end_at = Some(now.after(self.timers.t4)),
        }
    }

    fn fail(&mut self) {
        self.commands.push_back(ServerCommand::TransportFailed);
        self.stop();
    }

    fn stop(&mut self) {
        self.state = InviteServerState::Terminated;
        self.send_at = None;
        self.end_at = None;
    }
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

// RFC 3261 §17.2.1
const TRYING_DUE: Duration = Duration::from_millis(200);

// RFC 3261 §16.6
/// As long as a proxy lets an INVITE ring (Timer C): whoever answers later answers nobody.
const PROCEEDING_MAX: Duration = Duration::from_secs(180);

#[cfg(test)]
mod tests;
