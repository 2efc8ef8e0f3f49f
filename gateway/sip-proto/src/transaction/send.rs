//! What the table does with messages of the transaction user.

use super::client::ClientTransaction;
use super::invite_client::InviteClientTransaction;
use super::machine::{ClientMachine, ServerMachine};
use super::server::ServerEvent;
use super::timer::Reliability;
use super::via::{Hop, ResponseTarget};
use super::{
    ClientEntry, ClientTransactionId, ServerTransactionId, TransactionCommand, TransactionId, TransactionTable,
};
use crate::error::WriteError;
use crate::message::header::cseq::CSeq;
use crate::message::header::identifier::Branch;
use crate::message::header::via::Transport;
use crate::message::headers::Header;
use crate::message::host::Host;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::time::Timestamp;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

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
    /// An ACK has no transaction, see [`TransactionTable::send_ack`]; a CANCEL belongs to its INVITE, see
    /// [`TransactionTable::cancel`].
    #[error("{0} requests are not sent like others")]
    UnsupportedMethod(Method),
    // RFC 3261 §9.1
    /// Only an INVITE that was answered provisionally can be cancelled.
    #[error("there is nothing to cancel")]
    NothingToCancel,
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
        if matches!(method, Method::Cancel | Method::Ack) {
            return Err(SendError::UnsupportedMethod(method));
        }
        let branch = self.ids.branch();
        add_via(&mut request, outgoing, &branch);
        let octets = write_for(&request, outgoing)?;
        self.open_client(now, request, octets, (branch, method), outgoing.hop.clone())
    }

    // RFC 3261 §13.2.2.4
    /// Sends the ACK of a 2xx; it has no transaction, the user sends it again for every repeated 2xx.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send_ack(&mut self, mut request: Request, outgoing: &Outgoing) -> Result<(), SendError> {
        let branch = self.ids.branch();
        add_via(&mut request, outgoing, &branch);
        let octets = write_for(&request, outgoing)?;
        let target = ResponseTarget { hop: outgoing.hop.clone(), fallback: None };
        self.commands.push_back(TransactionCommand::Send { octets, target, transaction: None });
        Ok(())
    }

    // RFC 3261 §9.1
    /// Cancels an INVITE that rings; its final response, usually a 487, is still to come.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn cancel(&mut self, now: Timestamp, id: ClientTransactionId) -> Result<ClientTransactionId, SendError> {
        let entry =
            self.clients.get(&id).filter(|entry| entry.machine.is_ringing()).ok_or(SendError::NothingToCancel)?;
        let invite = entry.invite.as_ref().ok_or(SendError::NothingToCancel)?;
        let cancel = follow_up(invite, Method::Cancel, None);
        let octets = cancel.write()?;
        let key = (entry.key.0.clone(), Method::Cancel);
        let hop = entry.hop.clone();
        self.open_client(now, cancel, octets, key, hop)
    }

    fn open_client(
        &mut self,
        now: Timestamp,
        request: Request,
        octets: Bytes,
        key: (Branch, Method),
        hop: Hop,
    ) -> Result<ClientTransactionId, SendError> {
        if self.is_full() {
            return Err(SendError::Full);
        }
        let id = ClientTransactionId(self.next_number());
        let reliability = Reliability::of(&hop.transport);
        let (machine, invite) = if key.1 == Method::Invite {
            (
                ClientMachine::Invite(InviteClientTransaction::new(now, reliability, self.timers)),
                Some(Box::new(request)),
            )
        } else {
            (ClientMachine::Plain(ClientTransaction::new(now, reliability, self.timers)), None)
        };
        let key = Arc::new(key);
        self.clients_by_branch.insert(Arc::clone(&key), id);
        self.clients.insert(id, Box::new(ClientEntry { machine, key, octets, invite, hop, due: None }));
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
            if matches!(entry.machine, ServerMachine::Invite(_)) {
                entry.to_tag = response.headers().to().ok().and_then(|to| to.tag()).map(|tag| tag.detach());
            }
            if status.is_success() { ServerEvent::Success } else { ServerEvent::Failure }
        };
        self.drive_server(id, |machine| machine.handle(now, event));
        Ok(())
    }

    /// Forgets a transaction whose request turned out not to need an answer, for instance because the peer is being ignored.
    pub fn forget(&mut self, id: TransactionId) {
        match id {
            TransactionId::Server(id) => self.forget_server(id),
            TransactionId::Client(id) => self.forget_client(id),
        }
    }
}

// RFC 3261 §18.1.1
fn write_for(request: &Request, outgoing: &Outgoing) -> Result<Bytes, SendError> {
    let octets = request.write()?;
    let is_datagram = Reliability::of(&outgoing.hop.transport) == Reliability::Unreliable;
    if is_datagram && octets.len() > DATAGRAM_OCTETS_MAX && outgoing.datagram_rule == DatagramRule::SmallOnly {
        return Err(SendError::TooLargeForDatagram);
    }
    Ok(octets)
}

// RFC 3261 §8.1.1.7, RFC 3581 §3
fn add_via(request: &mut Request, outgoing: &Outgoing, branch: &Branch) {
    let via = ViaOf { outgoing, branch };
    request.headers_mut().push_front(Header::new(HeaderName::Via, via));
}

/// The Via of a request of ours.
struct ViaOf<'a> {
    outgoing: &'a Outgoing,
    branch: &'a Branch,
}

impl fmt::Display for ViaOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SIP/2.0/")?;
        f.write_str(self.outgoing.hop.transport.as_str())?;
        f.write_str(" ")?;
        self.outgoing.sent_by_host.fmt(f)?;
        if let Some(port) = self.outgoing.sent_by_port {
            f.write_str(":")?;
            port.fmt(f)?;
        }
        f.write_str(";branch=")?;
        f.write_str(self.branch.as_str())?;
        f.write_str(";rport")
    }
}

// RFC 3261 §9.1, §17.1.1.3
/// The ACK of a refused INVITE, with the To of the response, or the CANCEL of a ringing one: same way, same branch, same number.
pub(super) fn follow_up(invite: &Request, method: Method, to: Option<Header>) -> Request {
    let mut request = Request::new(method.clone(), invite.uri().clone());
    for header in invite.headers().iter() {
        match header.name() {
            HeaderName::To if to.is_some() => {}
            HeaderName::Via
            | HeaderName::Route
            | HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::MaxForwards => request.headers_mut().push_field(&header),
            _ => {}
        }
    }
    if let Some(to) = to {
        request.push(to);
    }
    if let Ok(cseq) = invite.headers().cseq() {
        request.push(Header::new(HeaderName::CSeq, CSeq::new(cseq.sequence, method)));
    }
    request
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
pub const DATAGRAM_OCTETS_MAX: usize = 1300;
