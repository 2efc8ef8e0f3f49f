//! The machines of a table, INVITE or not, behind one face.

use super::client::{ClientCommand, ClientEvent, ClientState, ClientTransaction};
use super::invite_client::{InviteClientEvent, InviteClientState, InviteClientTransaction};
use super::invite_server::{InviteServerState, InviteServerTransaction};
use super::server::{ServerCommand, ServerEvent, ServerState, ServerTransaction};
use crate::message::status::StatusCode;
use crate::time::Timestamp;

#[derive(Debug)]
pub(super) enum ClientMachine {
    Plain(ClientTransaction),
    Invite(InviteClientTransaction),
}

#[derive(Debug)]
pub(super) enum ServerMachine {
    Plain(ServerTransaction),
    Invite(InviteServerTransaction),
}

impl ClientMachine {
    /// Takes a response by its status.
    pub(super) fn receive(&mut self, now: Timestamp, status: StatusCode) {
        match self {
            Self::Plain(machine) if status.is_provisional() => machine.handle(now, ClientEvent::Provisional),
            Self::Plain(machine) => machine.handle(now, ClientEvent::Final),
            Self::Invite(machine) if status.is_provisional() => machine.handle(now, InviteClientEvent::Provisional),
            Self::Invite(machine) if status.is_success() => machine.handle(now, InviteClientEvent::Success),
            Self::Invite(machine) => machine.handle(now, InviteClientEvent::Failure),
        }
    }

    pub(super) fn fail(&mut self, now: Timestamp) {
        match self {
            Self::Plain(machine) => machine.handle(now, ClientEvent::TransportError),
            Self::Invite(machine) => machine.handle(now, InviteClientEvent::TransportError),
        }
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        match self {
            Self::Plain(machine) => machine.expire(now),
            Self::Invite(machine) => machine.expire(now),
        }
    }

    pub(super) fn poll(&mut self) -> Option<ClientCommand> {
        match self {
            Self::Plain(machine) => machine.poll(),
            Self::Invite(machine) => machine.poll(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Plain(machine) => machine.deadline(),
            Self::Invite(machine) => machine.deadline(),
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        match self {
            Self::Plain(machine) => machine.state() == ClientState::Terminated,
            Self::Invite(machine) => machine.state() == InviteClientState::Terminated,
        }
    }

    /// Whether the octets may be needed again: for a retransmission or an ACK.
    pub(super) fn may_send(&self) -> bool {
        match self {
            Self::Plain(machine) => match machine.state() {
                ClientState::Trying | ClientState::Proceeding => true,
                ClientState::Completed | ClientState::Terminated => false,
            },
            Self::Invite(_) => true,
        }
    }

    /// Whether the request is an INVITE that rings and may be cancelled.
    pub(super) fn is_ringing(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Invite(machine) => machine.state() == InviteClientState::Proceeding,
        }
    }

    /// Whether the request is an INVITE that waits for its first final response, or that was refused.
    pub(super) fn may_be_refused(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Invite(machine) => match machine.state() {
                InviteClientState::Calling | InviteClientState::Proceeding | InviteClientState::Completed => true,
                InviteClientState::Accepted | InviteClientState::Terminated => false,
            },
        }
    }
}

impl ServerMachine {
    pub(super) fn handle(&mut self, now: Timestamp, event: ServerEvent) {
        match self {
            Self::Plain(machine) => machine.handle(now, event),
            Self::Invite(machine) => machine.handle(now, event),
        }
    }

    pub(super) fn expire(&mut self, now: Timestamp) {
        match self {
            Self::Plain(machine) => machine.expire(now),
            Self::Invite(machine) => machine.expire(now),
        }
    }

    pub(super) fn poll(&mut self) -> Option<ServerCommand> {
        match self {
            Self::Plain(machine) => machine.poll(),
            Self::Invite(machine) => machine.poll(),
        }
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Plain(machine) => machine.deadline(),
            Self::Invite(machine) => machine.deadline(),
        }
    }

    pub(super) fn is_terminated(&self) -> bool {
        match self {
            Self::Plain(machine) => machine.state() == ServerState::Terminated,
            Self::Invite(machine) => machine.state() == InviteServerState::Terminated,
        }
    }

    /// Whether a final response was given already.
    pub(super) fn is_answered(&self) -> bool {
        match self {
            Self::Plain(machine) => match machine.state() {
                ServerState::Trying | ServerState::Proceeding => false,
                ServerState::Completed | ServerState::Terminated => true,
            },
            Self::Invite(machine) => match machine.state() {
                InviteServerState::Proceeding => false,
                InviteServerState::Completed
                | InviteServerState::Confirmed
                | InviteServerState::Accepted
                | InviteServerState::Terminated => true,
            },
        }
    }
}
