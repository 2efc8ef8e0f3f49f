//! The INVITE client transaction: retransmits the INVITE, acknowledges a refusal, and passes on every 2xx.

use super::client::ClientCommand;
use super::command_queue::CommandQueue;
use super::timer::{Reliability, TimerValues};
use crate::{time::Timestamp, witness::met};
use std::time::Duration;

// RFC 3261 §17.1.1
/// One INVITE client transaction. It holds no message: its owner keeps the INVITE and makes the ACK of a refusal.
#[derive(Clone, Debug)]
pub struct InviteClientTransaction {
    state: InviteClientState,
    reliability: Reliability,
    timers: TimerValues,
    interval: Duration,
    /// Timer A.
    retransmit_at: Option<Timestamp>,
    /// Timer B in Calling, giving up in Proceeding, Timers D and M later.
    end_at: Option<Timestamp>,
    commands: CommandQueue<ClientCommand>,
}

// RFC 6026 §7.2
/// States of Figure 5, with the Accepted state that RFC 6026 adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteClientState {
    /// Sent, nothing heard.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// Refused and acknowledged; copies of the refusal are acknowledged again.
    Completed,
    /// A 2xx came; further ones go to the transaction user, who acknowledges them.
    Accepted,
    /// Over: the owner forgets the transaction.
    Terminated,
}

/// What happens to an INVITE client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteClientEvent {
    /// A 1xx response.
    Provisional,
    /// A 2xx response.
    Success,
    /// A 3xx–6xx response.
    Failure,
    /// The transport could not deliver the INVITE or the ACK.
    TransportError,
}

impl InviteClientTransaction {
    // RFC 3261 §17.1.1.2
    /// Starts the transaction: the INVITE goes out at once, Timer B runs, Timer A too unless the transport is reliable.
    #[must_use]
    pub fn new(now: Timestamp, reliability: Reliability, timers: TimerValues) -> Self {
        let retransmit_at = match reliability {
            Reliability::Reliable => None,
            Reliability::Unreliable => Some(now.after(timers.t1)),
        };
        Self {
            state: InviteClientState::Calling,
            reliability,
            timers,
            interval: timers.t1,
            retransmit_at,
            end_at: Some(now.after(timers.transaction_timeout())),
            commands: CommandQueue::from_command(ClientCommand::Send),
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: InviteClientEvent) {
        met("sip_invite_client_transaction", format_args!("{:?} + {event:?}", self.state));
        match self.state {
            InviteClientState::Calling | InviteClientState::Proceeding => match event {
                InviteClientEvent::Provisional => {
                    self.state = InviteClientState::Proceeding;
                    self.retransmit_at = None;
                    self.end_at = Some(now.after(PROCEEDING_MAX));
                    self.commands.push_back(ClientCommand::PassToUser);
                }
                InviteClientEvent::Success => {
                    self.state = InviteClientState::Accepted;
                    self.retransmit_at = None;
                    // Timer M
                    self.end_at = Some(now.after(self.timers.transaction_timeout()));
                    self.commands.push_back(ClientCommand::PassToUser);
                }
                InviteClientEvent::Failure => self.complete(now),
                InviteClientEvent::TransportError => self.terminate(ClientCommand::TransportFailed),
            },
            InviteClientState::Completed => match event {
                InviteClientEvent::Failure => self.commands.push_back(ClientCommand::SendAck),
                InviteClientEvent::TransportError => self.terminate(ClientCommand::TransportFailed),
                InviteClientEvent::Provisional | InviteClientEvent::Success => ignored(),
            },
            // RFC 6026 §7.2
            InviteClientState::Accepted => match event {
                InviteClientEvent::Success => self.commands.push_back(ClientCommand::PassToUser),
                InviteClientEvent::Provisional | InviteClientEvent::Failure | InviteClientEvent::TransportError => {
                    ignored()
                }
            },
            InviteClientState::Terminated => match event {
                InviteClientEvent::Provisional
                | InviteClientEvent::Success
                | InviteClientEvent::Failure
                | InviteClientEvent::TransportError => ignored(),
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<ClientCommand> {
        self.commands.pop_front()
    }

    /// When [`InviteClientTransaction::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.retransmit_at, self.end_at].into_iter().flatten().min()
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.end_at.is_some_and(|at| at <= now) {
            met("sip_invite_client_transaction", format_args!("{:?} + TimerBDM", self.state));
            match self.state {
                InviteClientState::Calling | InviteClientState::Proceeding => self.terminate(ClientCommand::TimedOut),
                InviteClientState::Completed | InviteClientState::Accepted => self.stop(),
                InviteClientState::Terminated => ignored(),
            }
        } else if self.retransmit_at.is_some_and(|at| at <= now) {
            met("sip_invite_client_transaction", format_args!("{:?} + TimerA", self.state));
            // RFC 3261 §17.1.1.2: Timer A doubles without cap.
            self.interval = self.interval.saturating_mul(2);
            self.retransmit_at = Some(now.after(self.interval));
            self.commands.push_back(ClientCommand::Send);
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> InviteClientState {
        self.state
    }

    // RFC 3261 §17.1.1.2
    fn complete(&mut self, now: Timestamp) {
        self.state = InviteClientState::Completed;
        self.retransmit_at = None;
        self.commands.push_back(ClientCommand::SendAck);
        self.commands.push_back(ClientCommand::PassToUser);
        match self.reliability {
            Reliability::Reliable => self.stop(),
            // Timer D
            Reliability::Unreliable => {
                self.end_at = Some(now.after(self.timers.transaction_timeout().max(TIMER_D_MIN)))
            }
        }
    }

    fn terminate(&mut self, command: ClientCommand) {
        self.commands.push_back(command);
        self.stop();
    }

    fn stop(&mut self) {
        self.state = InviteClientState::Terminated;
        self.retransmit_at = None;
        self.end_at = None;
    }
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

// RFC 3261 §17.1.1.2
const TIMER_D_MIN: Duration = Duration::from_secs(32);

// RFC 3261 §16.6
/// As long as a proxy lets an INVITE ring (Timer C). The user may cancel earlier.
const PROCEEDING_MAX: Duration = Duration::from_secs(180);

#[cfg(test)]
mod tests;
