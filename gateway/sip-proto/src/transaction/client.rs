//! The non-INVITE client transaction: retransmits a request until it is answered or given up.

use super::command_queue::CommandQueue;
use super::timer::{Reliability, TimerValues};
use crate::{time::Timestamp, witness::met};
use std::time::Duration;

// RFC 3261 §17.1.2
/// One non-INVITE client transaction. It holds no message: its owner keeps the bytes and sends them on [`ClientCommand::Send`].
#[derive(Clone, Debug)]
pub struct ClientTransaction {
    state: ClientState,
    reliability: Reliability,
    timers: TimerValues,
    interval: Duration,
    retransmit_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    commands: CommandQueue<ClientCommand>,
}

/// States of Figure 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// Sent, nothing heard.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// The final response came; later copies of it are absorbed.
    Completed,
    /// Over: the owner forgets the transaction.
    Terminated,
}

/// What happens to a client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// A 1xx response.
    Provisional,
    /// A 2xx–6xx response.
    Final,
    /// The transport could not deliver the request.
    TransportError,
}

/// What a client transaction asks of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// Send the request, first time or again.
    Send,
    /// Hand the response that was just received to the transaction user.
    PassToUser,
    /// Make and send the ACK of the refusal that was just received; INVITE only.
    SendAck,
    /// Tell the transaction user that Timer F fired.
    TimedOut,
    /// Tell the transaction user that the request could not be delivered.
    TransportFailed,
}

impl ClientTransaction {
    // RFC 3261 §17.1.2.2
    /// Starts the transaction: the request goes out at once, Timer F runs, Timer E too unless the transport is reliable.
    #[must_use]
    pub fn new(now: Timestamp, reliability: Reliability, timers: TimerValues) -> Self {
        let retransmit_at = match reliability {
            Reliability::Reliable => None,
            Reliability::Unreliable => Some(now.after(timers.t1)),
        };
        Self {
            state: ClientState::Trying,
            reliability,
            timers,
            interval: timers.t1,
            retransmit_at,
            end_at: Some(now.after(timers.transaction_timeout())),
            commands: CommandQueue::from_command(ClientCommand::Send),
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: ClientEvent) {
        met("sip_client_transaction", format_args!("{:?} + {event:?}", self.state));
        match self.state {
            ClientState::Trying | ClientState::Proceeding => match event {
                ClientEvent::Provisional => {
                    self.state = ClientState::Proceeding;
                    self.commands.push_back(ClientCommand::PassToUser);
                }
                ClientEvent::Final => {
                    self.commands.push_back(ClientCommand::PassToUser);
                    self.complete(now);
                }
                ClientEvent::TransportError => self.terminate(ClientCommand::TransportFailed),
            },
            ClientState::Completed | ClientState::Terminated => match event {
                ClientEvent::Provisional | ClientEvent::Final | ClientEvent::TransportError => ignored(),
            },
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<ClientCommand> {
        self.commands.pop_front()
    }

    /// When [`ClientTransaction::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match (self.retransmit_at, self.end_at) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (first, second) => first.or(second),
        }
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.end_at.is_some_and(|at| at <= now) {
            met("sip_client_transaction", format_args!("{:?} + TimerForK", self.state));
            match self.state {
                // Timer F
                ClientState::Trying | ClientState::Proceeding => self.terminate(ClientCommand::TimedOut),
                // Timer K
                ClientState::Completed => self.stop(),
                ClientState::Terminated => ignored(),
            }
        } else if self.retransmit_at.is_some_and(|at| at <= now) {
            met("sip_client_transaction", format_args!("{:?} + TimerE", self.state));
            self.retransmit(now);
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> ClientState {
        self.state
    }

    // RFC 3261 §17.1.2.2
    fn retransmit(&mut self, now: Timestamp) {
        self.commands.push_back(ClientCommand::Send);
        self.interval = match self.state {
            ClientState::Proceeding => self.timers.t2,
            ClientState::Trying | ClientState::Completed | ClientState::Terminated => {
                self.timers.next_interval(self.interval)
            }
        };
        self.retransmit_at = Some(now.after(self.interval));
    }

    fn complete(&mut self, now: Timestamp) {
        self.state = ClientState::Completed;
        self.retransmit_at = None;
        match self.reliability {
            Reliability::Reliable => self.stop(),
            Reliability::Unreliable => self.end_at = Some(now.after(self.timers.t4)),
        }
    }

    fn terminate(&mut self, command: ClientCommand) {
        self.commands.push_back(command);
        self.stop();
    }

    fn stop(&mut self) {
        self.state = ClientState::Terminated;
        self.retransmit_at = None;
        self.end_at = None;
    }
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

#[cfg(test)]
mod tests;
