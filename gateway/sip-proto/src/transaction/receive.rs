//! What the table does with received messages.

use super::invite_server::InviteServerTransaction;
use super::key::{MergeKey, ServerKey};
use super::machine::ServerMachine;
use super::send::follow_up;
use super::server::{ServerEvent, ServerTransaction};
use super::via::{Hop, response_target, stamp_received};
use super::{
    ClientTransactionId, Delivery, ServerEntry, ServerTransactionId, TransactionCommand, TransactionId,
    TransactionTable,
};
use crate::error::HeaderError;
use crate::message::header::retry_after::RetryAfter;
use crate::message::header::via::Via;
use crate::message::headers::Header;
use crate::message::method::Method;
use crate::message::name::HeaderName;
use crate::message::request::Request;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::time::Timestamp;
use crate::transaction::timer::Reliability;
use bytes::Bytes;
use std::sync::Arc;

/// What a received request is to the transaction user.
#[derive(Clone, Debug)]
pub enum RequestEvent {
    /// To be answered with [`TransactionTable::respond`].
    New {
        /// The transaction to answer.
        id: ServerTransactionId,
        /// The request with its stamped Via.
        request: Arc<Request>,
    },
    /// A copy of a request that is known; whatever there was to send is among the commands.
    Retransmission,
    /// The same request over another way; refused with 482.
    Merged,
    /// The ACK of a 2xx; needs no answer. The transaction is that of the INVITE when it is still known.
    Ack {
        /// The INVITE.
        invite: Option<ServerTransactionId>,
        /// The ACK.
        request: Arc<Request>,
    },
    /// An INVITE without final answer is cancelled: the user owes it a 487. The CANCEL itself is answered.
    Cancelled(ServerTransactionId),
    /// A CANCEL that has nothing to cancel; it is answered.
    CancelledInVain,
    /// The table is full; refused with 503 and Retry-After.
    Shed,
    /// A header field that every request needs is missing or malformed; refused with 400 where an answer can be sent at all.
    Malformed(HeaderError),
}

/// What a received response is to the transaction user.
#[derive(Clone, Debug)]
pub enum ResponseEvent {
    /// A 1xx.
    Provisional {
        /// The transaction of the request.
        id: ClientTransactionId,
        /// The response.
        response: Response,
    },
    /// The final response; the only one the user sees, except for repeated and forked 2xx of an INVITE, each of which the user
    /// acknowledges with [`TransactionTable::send_ack`].
    Final {
        /// The transaction of the request.
        id: ClientTransactionId,
        /// The response.
        response: Response,
    },
    /// A copy of a final response.
    Retransmission,
    /// Belongs to no transaction of ours; to be dropped and counted.
    Stray,
}

impl TransactionTable {
    // RFC 3261 §17.2.3, §8.2.2.2
    /// Takes a request from the wire.
    pub fn receive_request(&mut self, now: Timestamp, mut request: Request, source: &Hop) -> RequestEvent {
        let via = match stamp_received(request.headers_mut(), source.address) {
            Ok(via) => via,
            Err(error) => return RequestEvent::Malformed(error),
        };
        let method = match request.method() {
            Method::Ack => Method::Invite,
            other => other.clone(),
        };
        let keys = ServerKey::new(&request, &via, method).and_then(|key| Ok((key, MergeKey::new(&request)?)));
        let (key, merge_key) = match keys {
            Ok(keys) => keys,
            Err(error) => {
                if *request.method() != Method::Ack {
                    self.respond_stateless(&request, &via, source, StatusCode::BAD_REQUEST);
                }
                return RequestEvent::Malformed(error);
            }
        };
        if *request.method() == Method::Ack {
            return self.receive_ack(now, request, &key);
        }
        if let Some(id) = self.servers_by_key.get(&key).copied() {
            self.drive_server(id, |machine| machine.handle(now, ServerEvent::Retransmission));
            return RequestEvent::Retransmission;
        }
        if self.is_full() || (self.sheds && begins_something(&request)) {
            self.respond_stateless(&request, &via, source, StatusCode::SERVICE_UNAVAILABLE);
            return RequestEvent::Shed;
        }
        let is_merged = merge_key.as_ref().is_some_and(|key| self.servers_by_merge_key.contains_key(key));
        let cancelled = (*request.method() == Method::Cancel).then(|| self.find_cancelled(&key));
        let request = Arc::new(request);
        let id = self.open_server(now, Arc::clone(&request), key, merge_key.filter(|_| !is_merged), &via, source);
        if is_merged {
            self.answer(now, id, &request, StatusCode::LOOP_DETECTED);
            return RequestEvent::Merged;
        }
        match cancelled {
            None => RequestEvent::New { id, request },
            Some(found) => self.answer_cancel(now, id, &request, found),
        }
    }

    // RFC 3261 §17.1.3
    /// Takes a response from the wire.
    pub fn receive_response(&mut self, now: Timestamp, response: Response) -> ResponseEvent {
        let Some(id) = self.find_client(&response) else {
            return ResponseEvent::Stray;
        };
        let status = response.status();
        self.prepare_ack(id, &response);
        match self.drive_client(id, |machine| machine.receive(now, status)) {
            Delivery::Absorb => ResponseEvent::Retransmission,
            Delivery::PassToUser if status.is_provisional() => ResponseEvent::Provisional { id, response },
            Delivery::PassToUser => ResponseEvent::Final { id, response },
        }
    }

    // RFC 3261 §17.1.1.3
    /// Puts the ACK of a refused INVITE in the place of the INVITE, before the machine asks for it.
    fn prepare_ack(&mut self, id: ClientTransactionId, response: &Response) {
        let Some(entry) = self.clients.get_mut(&id).filter(|entry| entry.machine.may_be_refused()) else {
            return;
        };
        let refused = response.status().is_final() && !response.status().is_success();
        if let (true, Some(invite)) = (refused, &entry.invite) {
            let to = response.headers().first(&HeaderName::To).map(|to| to.to_header());
            let ack = follow_up(invite, Method::Ack, to);
            entry.octets = ack.write().unwrap_or_default();
        }
    }

    // RFC 3261 §17.1.3, §8.1.3.3
    fn find_client(&self, response: &Response) -> Option<ClientTransactionId> {
        let vias = response.headers().vias().ok()?;
        let [via] = vias.as_slice() else {
            return None;
        };
        let method = response.headers().cseq().ok()?.method;
        self.clients_by_branch.get(&(via.branch()?.detach(), method)).copied()
    }

    // RFC 3261 §17.2.1, RFC 6026 §7.1
    fn receive_ack(&mut self, now: Timestamp, request: Request, key: &ServerKey) -> RequestEvent {
        let direct = self.servers_by_key.get(key).copied();
        let found = direct.or_else(|| self.find_by_response_tag(&request, key));
        let Some(id) = found else {
            return RequestEvent::Ack { invite: None, request: Arc::new(request) };
        };
        match self.drive_server(id, |machine| machine.handle(now, ServerEvent::Ack)) {
            Delivery::PassToUser => RequestEvent::Ack { invite: Some(id), request: Arc::new(request) },
            Delivery::Absorb => RequestEvent::Retransmission,
        }
    }

    // RFC 3261 §17.2.3
    /// An ACK of RFC 2543 carries the To tag of the response.
    fn find_by_response_tag(&self, ack: &Request, key: &ServerKey) -> Option<ServerTransactionId> {
        let id = *self.servers_by_key.get(&key.without_to_tag()?)?;
        let tag = ack.headers().to().ok()?.tag()?;
        let entry = self.servers.get(&id)?;
        entry.to_tag.as_ref().is_some_and(|own| *own == tag).then_some(id)
    }

    // RFC 3261 §9.2
    fn find_cancelled(&self, cancel: &ServerKey) -> Option<ServerTransactionId> {
        Method::KNOWN
            .iter()
            .filter(|method| **method != Method::Cancel)
            .find_map(|method| self.servers_by_key.get(&cancel.with_method(method)).copied())
    }

    // RFC 3261 §9.2
    fn answer_cancel(
        &mut self,
        now: Timestamp,
        id: ServerTransactionId,
        cancel: &Request,
        found: Option<ServerTransactionId>,
    ) -> RequestEvent {
        let status = if found.is_some() { StatusCode::OK } else { StatusCode::CALL_DOES_NOT_EXIST };
        self.answer(now, id, cancel, status);
        match found.filter(|found| self.is_ringing(*found)) {
            Some(invite) => RequestEvent::Cancelled(invite),
            None => RequestEvent::CancelledInVain,
        }
    }

    fn is_ringing(&self, id: ServerTransactionId) -> bool {
        self.servers.get(&id).is_some_and(|entry| match &entry.machine {
            ServerMachine::Plain(_) => false,
            ServerMachine::Invite(_) => !entry.machine.is_answered(),
        })
    }

    fn open_server(
        &mut self,
        now: Timestamp,
        request: Arc<Request>,
        key: ServerKey,
        merge_key: Option<MergeKey>,
        via: &Via,
        source: &Hop,
    ) -> ServerTransactionId {
        let id = ServerTransactionId(self.next_number());
        let reliability = Reliability::of(&source.transport);
        let machine = if *request.method() == Method::Invite {
            ServerMachine::Invite(InviteServerTransaction::new(now, reliability, self.timers))
        } else {
            ServerMachine::Plain(ServerTransaction::new(now, reliability, self.timers))
        };
        let (key, merge_key) = (Arc::new(key), merge_key.map(Arc::new));
        self.servers_by_key.insert(Arc::clone(&key), id);
        if let Some(key) = &merge_key {
            self.servers_by_merge_key.insert(Arc::clone(key), id);
        }
        let target = response_target(via, source);
        let mut due = None;
        self.deadlines.shift(&TransactionId::Server(id), &mut due, machine.deadline());
        let (request, latest, to_tag) = (Some(request), Bytes::new(), None);
        let entry = ServerEntry { machine, key, merge_key, target, request, latest, to_tag, due };
        self.servers.insert(id, Box::new(entry));
        id
    }

    /// Answers a request whose fate the table itself decides.
    fn answer(&mut self, now: Timestamp, id: ServerTransactionId, request: &Request, status: StatusCode) {
        let tag = self.ids.tag();
        // Header fields that were read cannot fail to be written; were it so, the client hears nothing and times out.
        let _ = self.respond(now, id, &Response::for_request(request, status, Some(&tag)));
    }

    // RFC 3261 §8.2.7
    fn respond_stateless(&mut self, request: &Request, via: &Via, source: &Hop, status: StatusCode) {
        let tag = self.ids.tag();
        let mut response = Response::for_request(request, status, Some(&tag));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.push(Header::new(HeaderName::RetryAfter, RetryAfter::new(SHED_RETRY_S)));
        }
        if let Ok(octets) = response.write() {
            let target = response_target(via, source);
            self.commands.push_back(TransactionCommand::Send { octets, target, transaction: None });
        }
    }
}

impl ServerEntry {
    /// The octets of a 100 for the request, empty when it is answered already.
    pub(super) fn trying(&self) -> Bytes {
        let request = self.request.as_deref();
        let trying = request.map(|request| Response::for_request(request, StatusCode::TRYING, None).write());
        trying.and_then(Result::ok).unwrap_or_default()
    }
}

/// Whether nothing is lost but the request itself when it is turned away: what ends something is always served, and so
/// is what somebody sends because this side asked for it.
fn begins_something(request: &Request) -> bool {
    match request.method() {
        Method::Register | Method::Publish | Method::Subscribe => {
            request.headers().expires_s().ok().flatten().is_none_or(|expires| expires != 0)
        }
        Method::Message | Method::Options | Method::Invite | Method::Refer | Method::Info => true,
        _ => false,
    }
}

/// When a sender that was turned away may come back: one transaction timeout later, room has been made.
const SHED_RETRY_S: u32 = 32;
