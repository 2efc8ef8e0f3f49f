//! The non-INVITE server transaction: absorbs retransmitted requests and repeats the answer.

use super::command_queue::CommandQueue;
use super::timer::{Reliability, TimerValues};
use crate::{time::Timestamp, witness::met};

// RFC 3261 §17.2.2
/// One non-INVITE server transaction. It holds no message: its owner keeps the last response and sends it on
/// [`ServerCommand::SendLatest`].
#[derive(Clone, Debug)]
pub struct ServerTransaction {
    state: ServerState,
    reliability: Reliability,
    timers: TimerValues,
    trying_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    commands: CommandQueue<ServerCommand>,
}

/// States of Figure 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// Handed to the transaction user, nothing answered.
    Trying,
    /// Answered provisionally.
    Proceeding,
    /// Answered finally.
    Completed,
    /// Over: the owner forgets the transaction.
    Terminated,
}

/// What happens to a server transaction, INVITE or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// The request came again.
    Retransmission,
    /// The transaction user answers 1xx.
    Provisional,
    /// The transaction user answers 2xx.
    Success,
    /// The transaction user answers 3xx–6xx.
    Failure,
    /// An ACK arrived.
    Ack,
    /// The transport could not deliver the response.
    TransportError,
}

/// What a server transaction, INVITE or not, asks of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerCommand {
    /// Make a 100 (Trying), remember it as the latest response and send it.
    SendTrying,
    /// Send the latest response.
    SendLatest,
    /// Tell the transaction user that the response could not be delivered.
    TransportFailed,
    /// Tell the transaction user that no ACK came for the final response of an INVITE.
    AckMissing,
    /// Hand the ACK of a 2xx to the transaction user.
    PassAckToUser,
}

impl ServerTransaction {
    /// Starts the transaction for a request that has just been handed to the transaction user.
    ///
    /// It is given up without an answer after 64·T1: by then the client has stopped waiting.
    #[must_use]
    pub fn new(now: Timestamp, reliability: Reliability, timers: TimerValues) -> Self {
        Self {
            state: ServerState::Trying,
            reliability,
            timers,
            trying_at: Some(now.after(timers.trying_due())),
            // RFC 4320 §4.2
            end_at: Some(now.after(timers.transaction_timeout())),
            commands: CommandQueue::default(),
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, now: Timestamp, event: ServerEvent) {
        met("sip_server_transaction", format_args!("{:?} + {event:?}", self.state));
        match self.state {
            ServerState::Trying => match event {
                ServerEvent::Provisional => self.proceed(),
                ServerEvent::Success | ServerEvent::Failure => self.complete(now),
                ServerEvent::Retransmission | ServerEvent::Ack | ServerEvent::TransportError => ignored(),
            },
            ServerState::Proceeding => match event {
                ServerEvent::Provisional => self.proceed(),
                ServerEvent::Retransmission => self.commands.push_back(ServerCommand::SendLatest),
                ServerEvent::Success | ServerEvent::Failure => self.complete(now),
                ServerEvent::TransportError => self.fail(),
                ServerEvent::Ack => ignored(),
            },
            ServerState::Completed => match event {
                ServerEvent::Retransmission => self.commands.push_back(ServerCommand::SendLatest),
                ServerEvent::TransportError => self.fail(),
                ServerEvent::Provisional | ServerEvent::Success | ServerEvent::Failure | ServerEvent::Ack => ignored(),
            },
            ServerState::Terminated => match event {
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

    /// When [`ServerTransaction::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match (self.trying_at, self.end_at) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (first, second) => first.or(second),
        }
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        if self.end_at.is_some_and(|at| at <= now) {
            met("sip_server_transaction", format_args!("{:?} + TimerJ", self.state));
            self.stop();
        } else if self.trying_at.is_some_and(|at| at <= now) {
            met("sip_server_transaction", format_args!("{:?} + TimerTrying", self.state));
            // RFC 4320 §4.1
            self.trying_at = None;
            self.state = ServerState::Proceeding;
            self.commands.push_back(ServerCommand::SendTrying);
        }
    }

    /// The present state.
    #[must_use]
    pub const fn state(&self) -> ServerState {
        self.state
    }

    fn proceed(&mut self) {
        self.state = ServerState::Proceeding;
        self.trying_at = None;
        self.commands.push_back(ServerCommand::SendLatest);
    }

    fn complete(&mut self, now: Timestamp) {
        self.state = ServerState::Completed;
        self.trying_at = None;
        self.commands.push_back(ServerCommand::SendLatest);
        match self.reliability {
            Reliability::Reliable => self.stop(),
            // Timer J
            Reliability::Unreliable => self.end_at = Some(now.after(self.timers.transaction_timeout())),
        }
    }

    // RFC 3261 §17.2.4
    fn fail(&mut self) {
        self.commands.push_back(ServerCommand::TransportFailed);
        self.stop();
    }

    fn stop(&mut self) {
        self.state = ServerState::Terminated;
        self.trying_at = None;
        self.end_at = None;
    }
}

/// Names the events that a state deliberately does nothing about.
const fn ignored() {}

#[cfg(test)]
mod tests;
