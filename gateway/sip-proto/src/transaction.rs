//! SIP transactions: the table that owns them, the machines in it, and where responses go.
//!
//! The owner feeds received messages and its timer into a [`TransactionTable`] and sends what [`TransactionTable::poll`] says:
//!
//! * request received: [`TransactionTable::receive_request`]; on [`RequestEvent::New`] find the machine by the To tag, or begin one,
//!   and answer with [`TransactionTable::respond`];
//! * response received: [`TransactionTable::receive_response`]; on [`ResponseEvent::Final`] tell the machine that sent the request;
//! * request to send: [`TransactionTable::send_request`], and remember which machine the identifier belongs to until
//!   [`ResponseEvent::Final`], [`TransactionCommand::TimedOut`] or [`TransactionCommand::RequestFailed`];
//! * timer: [`TransactionTable::expire`] at [`TransactionTable::deadline`].

pub mod client;
mod command_queue;
pub mod invite_client;
pub mod invite_server;
mod key;
mod machine;
pub mod server;
pub mod timer;
pub mod via;

mod receive;
mod send;

use self::client::ClientCommand;
use self::key::{MergeKey, ServerKey};
use self::machine::{ClientMachine, ServerMachine};
use self::server::{ServerCommand, ServerEvent};
use self::timer::TimerValues;
use self::via::{Hop, ResponseTarget};
use crate::id_source::IdSource;
use crate::message::header::identifier::{Branch, Tag};
use crate::message::method::Method;
use crate::message::request::Request;
use crate::quick_hash::QuickMap;
use crate::time::{DeadlineSet, Timestamp};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

pub use self::receive::{RequestEvent, ResponseEvent};
pub use self::send::{DATAGRAM_OCTETS_MAX, DatagramRule, Outgoing, RespondError, SendError};

/// Many transactions of both roles, bounded, with one order of deadlines.
#[derive(Debug)]
pub struct TransactionTable {
    timers: TimerValues,
    capacity: usize,
    sheds: bool,
    ids: IdSource,
    last_number: u64,
    clients: QuickMap<ClientTransactionId, Box<ClientEntry>>,
    clients_by_branch: QuickMap<Arc<(Branch, Method)>, ClientTransactionId>,
    servers: QuickMap<ServerTransactionId, Box<ServerEntry>>,
    servers_by_key: HashMap<Arc<ServerKey>, ServerTransactionId>,
    servers_by_merge_key: HashMap<Arc<MergeKey>, ServerTransactionId>,
    /// The deadline of each entry that has one.
    deadlines: DeadlineSet<TransactionId>,
    commands: VecDeque<TransactionCommand>,
}

/// Names a client transaction of a table; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientTransactionId(u64);

/// Names a server transaction of a table; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerTransactionId(u64);

#[cfg(test)]
impl ServerTransactionId {
    /// An identifier that no table gave.
    pub(crate) const fn for_test(number: u64) -> Self {
        Self(number)
    }
}

/// Names a transaction of either role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransactionId {
    /// We sent the request.
    Client(ClientTransactionId),
    /// We received the request.
    Server(ServerTransactionId),
}

/// What the table asks of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionCommand {
    /// Put these octets on the wire.
    Send {
        /// The whole message.
        octets: Bytes,
        /// Where to, and where to if that fails.
        target: ResponseTarget,
        /// To be named in [`TransactionTable::transport_error`] when sending fails; `None` for answers without transaction.
        transaction: Option<TransactionId>,
    },
    // RFC 3261 §8.1.3.1
    /// No final response came in time; to be treated as a 408.
    TimedOut(ClientTransactionId),
    // RFC 3261 §8.1.3.1
    /// The request could not be delivered; to be treated as a 503.
    RequestFailed(ClientTransactionId),
    /// The response could not be delivered.
    ResponseFailed(ServerTransactionId),
    /// The refusal of an INVITE was never acknowledged.
    AckMissing(ServerTransactionId),
}

#[derive(Debug)]
struct ClientEntry {
    machine: ClientMachine,
    key: Arc<(Branch, Method)>,
    octets: Bytes,
    /// The INVITE, for its CANCEL and the ACK of a refusal.
    invite: Option<Box<Request>>,
    hop: Hop,
    /// Its place among the deadlines.
    due: Option<Timestamp>,
}

#[derive(Debug)]
struct ServerEntry {
    machine: ServerMachine,
    key: Arc<ServerKey>,
    merge_key: Option<Arc<MergeKey>>,
    target: ResponseTarget,
    /// Kept until the final response, for a 100.
    request: Option<Arc<Request>>,
    latest: Bytes,
    /// That of the response to an INVITE, for an ACK of RFC 2543.
    to_tag: Option<Tag>,
    /// Its place among the deadlines.
    due: Option<Timestamp>,
}

impl TransactionTable {
    /// An empty table for at most `capacity` transactions of both roles together.
    #[must_use]
    pub fn new(timers: TimerValues, capacity: usize, ids: IdSource) -> Self {
        Self {
            timers,
            capacity,
            sheds: false,
            ids,
            last_number: 0,
            clients: QuickMap::default(),
            clients_by_branch: QuickMap::default(),
            servers: QuickMap::default(),
            servers_by_key: HashMap::new(),
            servers_by_merge_key: HashMap::new(),
            deadlines: DeadlineSet::default(),
            commands: VecDeque::new(),
        }
    }

    // RFC 3261 §17.1.4, §17.2.4
    /// Says that a message could not be sent, and neither to its fallback.
    pub fn transport_error(&mut self, now: Timestamp, transaction: TransactionId) {
        match transaction {
            TransactionId::Client(id) => self.drive_client(id, |machine| machine.fail(now)),
            TransactionId::Server(id) => {
                self.drive_server(id, |machine| machine.handle(now, ServerEvent::TransportError))
            }
        };
    }

    /// Fires the timers that are due.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some(due) = self.deadlines.pop_due(now) {
            match due {
                TransactionId::Client(id) => {
                    self.clients.get_mut(&id).into_iter().for_each(|entry| entry.due = None);
                    self.drive_client(id, |machine| machine.expire(now));
                }
                TransactionId::Server(id) => {
                    self.servers.get_mut(&id).into_iter().for_each(|entry| entry.due = None);
                    self.drive_server(id, |machine| machine.expire(now));
                }
            }
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<TransactionCommand> {
        self.commands.pop_front()
    }

    /// When [`TransactionTable::expire`] wants to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadlines.next()
    }

    // RFC 3261 §21.5.4
    /// From now on new requests that begin something are answered 503 without taking them on, or taken on again. What
    /// belongs to something that was taken on is served in any case.
    pub const fn shed(&mut self, sheds: bool) {
        self.sheds = sheds;
    }

    /// A name that no transaction has or will get, for a request that is not sent yet.
    pub fn reserve(&mut self) -> ClientTransactionId {
        ClientTransactionId(self.next_number())
    }

    /// How many transactions are alive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.clients.len().saturating_add(self.servers.len())
    }

    /// Whether no transaction is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty()
    }

    fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    fn next_number(&mut self) -> u64 {
        self.last_number = self.last_number.saturating_add(1);
        self.last_number
    }

    /// Lets one client machine take a step and does what it asks; says whether the response goes to the user.
    fn drive_client(&mut self, id: ClientTransactionId, step: impl FnOnce(&mut ClientMachine)) -> Delivery {
        let Some(entry) = self.clients.get_mut(&id) else {
            return Delivery::Absorb;
        };
        step(&mut entry.machine);
        let mut delivery = Delivery::Absorb;
        while let Some(command) = entry.machine.poll() {
            match command {
                // For an ACK the octets have become those of the ACK.
                ClientCommand::Send | ClientCommand::SendAck => self.commands.push_back(entry.send_octets(id)),
                ClientCommand::PassToUser => delivery = Delivery::PassToUser,
                ClientCommand::TimedOut => self.commands.push_back(TransactionCommand::TimedOut(id)),
                ClientCommand::TransportFailed => self.commands.push_back(TransactionCommand::RequestFailed(id)),
            }
        }
        if entry.machine.is_terminated() {
            self.forget_client(id);
        } else {
            if !entry.machine.may_send() {
                entry.octets = Bytes::new();
            }
            let due = entry.machine.deadline();
            self.deadlines.shift(&TransactionId::Client(id), &mut entry.due, due);
        }
        delivery
    }

    /// Lets one server machine take a step and does what it asks.
    fn drive_server(&mut self, id: ServerTransactionId, step: impl FnOnce(&mut ServerMachine)) -> Delivery {
        let Some(entry) = self.servers.get_mut(&id) else {
            return Delivery::Absorb;
        };
        step(&mut entry.machine);
        let mut delivery = Delivery::Absorb;
        while let Some(command) = entry.machine.poll() {
            match command {
                ServerCommand::SendTrying => {
                    entry.latest = entry.trying();
                    self.commands.push_back(entry.send_latest(id));
                }
                ServerCommand::SendLatest => self.commands.push_back(entry.send_latest(id)),
                ServerCommand::TransportFailed => self.commands.push_back(TransactionCommand::ResponseFailed(id)),
                ServerCommand::AckMissing => self.commands.push_back(TransactionCommand::AckMissing(id)),
                ServerCommand::PassAckToUser => delivery = Delivery::PassToUser,
            }
        }
        if entry.machine.is_terminated() {
            self.forget_server(id);
        } else {
            let due = entry.machine.deadline();
            self.deadlines.shift(&TransactionId::Server(id), &mut entry.due, due);
        }
        delivery
    }

    fn forget_client(&mut self, id: ClientTransactionId) {
        if let Some(mut entry) = self.clients.remove(&id) {
            self.deadlines.shift(&TransactionId::Client(id), &mut entry.due, None);
            self.clients_by_branch.remove(&entry.key);
        }
    }

    fn forget_server(&mut self, id: ServerTransactionId) {
        if let Some(mut entry) = self.servers.remove(&id) {
            self.deadlines.shift(&TransactionId::Server(id), &mut entry.due, None);
            self.servers_by_key.remove(&entry.key);
            if let Some(key) = entry.merge_key {
                self.servers_by_merge_key.remove(&key);
            }
        }
    }
}

/// Whether the transaction user sees what was just received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Absorb,
    PassToUser,
}

impl ClientEntry {
    fn send_octets(&self, id: ClientTransactionId) -> TransactionCommand {
        TransactionCommand::Send {
            octets: self.octets.clone(),
            target: ResponseTarget { hop: self.hop.clone(), fallback: None },
            transaction: Some(TransactionId::Client(id)),
        }
    }
}

impl ServerEntry {
    fn send_latest(&self, id: ServerTransactionId) -> TransactionCommand {
        TransactionCommand::Send {
            octets: self.latest.clone(),
            target: self.target.clone(),
            transaction: Some(TransactionId::Server(id)),
        }
    }
}

#[cfg(test)]
mod tests;
