//! What the table does with messages of the transaction user.

use super::client::ClientTransaction;
use super::server::ServerEvent;
use super::timer::Reliability;
use super::via::Hop;
use super::{ClientEntry, ClientTransactionId, ServerMachine, ServerTransactionId, TransactionId, TransactionTable};
use crate::error::WriteError;
use crate::message::header::via::{Transport, Via};
use crate::message::headers::Header;
use crate::message::host::Host;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::time::Timestamp;

/// How a request leaves: chosen by the owner, who knows DNS and the listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub hop: Hop,
    /// Own host for the Via: where a response would reach us if the connection were lost.
    pub sent_by_host: Host,
    /// Own port for the Via.
    pub sent_by_port: Option<u16>,
    /// Whether a large request may go as a datagram.
    pub datagram_rule: DatagramRule,
}

// RFC 3261 §18.1.1
/// Whether a request above 1300 octets may go over UDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DatagramRule {
    /// No: the owner tries a stream first.
    #[default]
    SmallOnly,
    /// Yes: the stream was refused.
    AnySize,
}

/// Why a request is not sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// To be sent over a stream, or again with [`DatagramRule::AnySize`] when that is refused.
    #[error("the request is too large for a datagram")]
    TooLargeForDatagram,
    /// No room for another transaction.
    #[error("the transaction table is full")]
    Full,
    /// INVITE and ACK have no client transaction here.
    #[error("{0} requests have no client transaction here")]
    UnsupportedMethod(Method),
    /// The request cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a response is not sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The transaction is over or has its final response.
    #[error("the transaction is over or answered")]
    NotWaiting,
    // RFC 4320 §4.1, §4.2
    /// A non-INVITE request is never answered with 408, nor provisionally other than with 100.
    #[error("{0} is no answer to a non-INVITE request")]
    Forbidden(StatusCode),
    /// The response cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl TransactionTable {
    // RFC 3261 §8.1.1.7, §17.1.2
    /// Sends a request that has everything but its Via.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send_request(
        &mut self,
        now: Timestamp,
        mut request: Request,
        outgoing: &Outgoing,
    ) -> Result<ClientTransactionId, SendError> {
        let method = request.method().clone();
        if matches!(method, Method::Invite | Method::Ack) {
            return Err(SendError::UnsupportedMethod(method));
        }
        if self.is_full() {
            return Err(SendError::Full);
        }
        let branch = self.ids.branch();
        let transport = outgoing.hop.transport.clone();
        let via = Via::new(transport, outgoing.sent_by_host.clone(), outgoing.sent_by_port, &branch).with_rport();
        request.headers_mut().push_front(Header::new(HeaderName::Via, &via));
        let octets = request.write()?;
        let reliability = Reliability::of(&outgoing.hop.transport);
        // RFC 3261 §18.1.1
        let is_too_large = reliability == Reliability::Unreliable && octets.len() > DATAGRAM_OCTETS_MAX;
        if is_too_large && outgoing.datagram_rule == DatagramRule::SmallOnly {
            return Err(SendError::TooLargeForDatagram);
        }
        let id = ClientTransactionId(self.next_number());
        let machine = ClientTransaction::new(now, reliability, self.timers);
        self.clients_by_branch.insert(branch.clone(), id);
        self.clients.insert(id, ClientEntry { machine, branch, method, octets, hop: outgoing.hop.clone() });
        self.drive_client(id, |_| {});
        Ok(id)
    }

    // RFC 3261 §17.2.1, §17.2.2
    /// Answers a request, provisionally or finally.
    ///
    /// # Errors
    /// [`RespondError`]; nothing was sent then.
    pub fn respond(
        &mut self,
        now: Timestamp,
        id: ServerTransactionId,
        response: &Response,
    ) -> Result<(), RespondError> {
        let entry = self.servers.get_mut(&id).ok_or(RespondError::NotWaiting)?;
        let status = response.status();
        let is_repeated_success = matches!(entry.machine, ServerMachine::Invite(_)) && status.is_success();
        if entry.machine.is_answered() && !is_repeated_success {
            return Err(RespondError::NotWaiting);
        }
        if let ServerMachine::Plain(_) = entry.machine {
            let is_odd_provisional = status.is_provisional() && status != StatusCode::TRYING;
            if is_odd_provisional || status == StatusCode::REQUEST_TIMEOUT {
                return Err(RespondError::Forbidden(status));
            }
        }
        entry.latest = response.write()?;
        let event = if status.is_provisional() {
            ServerEvent::Provisional
        } else {
            entry.request = None;
            entry.to_tag = response.headers().to().ok().and_then(|to| to.tag()).map(|tag| tag.detach());
            if status.is_success() { ServerEvent::Success } else { ServerEvent::Failure }
        };
        self.drive_server(id, |machine| machine.handle(now, event));
        Ok(())
    }

    /// Forgets a transaction whose request turned out not to need an answer, for instance because the peer is being ignored.
    pub fn forget(&mut self, id: TransactionId) {
        match id {
            TransactionId::Server(id) => self.forget_server(id),
            TransactionId::Client(id) => {
                self.deadlines.set(TransactionId::Client(id), None);
                if let Some(entry) = self.clients.remove(&id) {
                    self.clients_by_branch.remove(&entry.branch);
                }
            }
        }
    }
}

impl Reliability {
    /// That of a transport.
    #[must_use]
    pub fn of(transport: &Transport) -> Self {
        if transport.is_reliable() { Self::Reliable } else { Self::Unreliable }
    }
}

// RFC 3261 §18.1.1
/// The largest request that goes as a datagram where the path MTU is not known.
const DATAGRAM_OCTETS_MAX: usize = 1300;
