//! SIP over UDP, TCP and TLS: sockets in, octets out. What a message means is the business of whoever receives it.
//!
//! Everything runs on the lane's thread; sending never waits. A datagram that the socket does not take at once is lost
//! as datagrams are; a stream whose queue is full is closed.

mod pulse;
mod secure;
mod stream;
mod udp;

use crate::{
    observe::{Direction, metric::Traffic},
    quick_hash::QuickMap,
    tls::domain::DomainTls,
};
use bytes::Bytes;
use mapping::side::Side;
use sip_proto::{
    limit::Limits,
    message::{Message, framer::Malformed, header::via::Transport},
    resolve::Abilities,
    transaction::{
        TransactionId,
        via::{ConnectionId, Hop, ResponseTarget},
    },
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UdpSocket,
    sync::mpsc,
    task::AbortHandle,
};

/// Something that came in.
#[derive(Debug)]
pub struct Inbound {
    /// Where it came from, and on which socket or connection an answer can leave.
    pub hop: Hop,
    /// The message, or what is wrong with it.
    pub content: Result<Message, Malformed>,
}

/// Who receives what comes in, and hears what could not be sent.
pub trait Receiver {
    /// Takes a message.
    fn receive(&self, inbound: Inbound);

    /// Whether more comes than is taken on: what still waits is better dropped than read.
    fn is_flooded(&self) -> bool;

    /// What comes waits in the system longer than a moment, for it comes faster than it is served.
    fn queue_stands(&self);

    /// A message of the transaction could not be sent.
    fn unsent(&self, transaction: TransactionId);
}

/// All sockets and connections of one lane.
pub struct Transports {
    limits: Limits,
    bounds: Bounds,
    receiver: RefCell<Option<Rc<dyn Receiver>>>,
    next_connection: Cell<u64>,
    sockets: RefCell<QuickMap<ConnectionId, BoundSocket>>,
    listeners: RefCell<Vec<(Transport, SocketAddr)>>,
    tls: RefCell<Option<DomainTls>>,
    connector: RefCell<Rc<dyn Connector>>,
    accepting: RefCell<Vec<AbortHandle>>,
    is_leaving: Cell<bool>,
    streams: RefCell<QuickMap<ConnectionId, StreamHandle>>,
    /// The newest connection to each place, for reuse.
    streams_by_flow: RefCell<HashMap<Flow, ConnectionId>>,
    seats: RefCell<HashMap<std::net::IpAddr, usize>>,
    seats_taken: Cell<usize>,
    received: Traffic,
    sent: Traffic,
}

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Flow {
    address: SocketAddr,
    protection: Protection,
}

// RFC 5922 §7.3
/// Whether a connection is protected, and for which domain: what is meant for another domain at the same address does
/// not go over it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Protection {
    Clear,
    /// None: the other side has opened it.
    Tls(Option<Arc<str>>),
}

/// Named limits of the transports.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once. Each costs a socket and its buffers.
    pub connections_max: usize,
    /// Connections at once from one address. One peer must not take all.
    pub connections_per_source_max: usize,
    /// Messages waiting for one connection. A peer that does not read is cut off.
    pub queue_messages_max: usize,
    /// How long a connection may be silent. RFC 5626 §4.4.1 pings well below it.
    pub idle_max: Duration,
    /// How long a started message may take to arrive whole. Bounds slow senders.
    pub message_max: Duration,
    /// How long opening a connection may take, the handshake of TLS included.
    pub connect_max: Duration,
    /// How long the handshake of TLS may take on a connection that was accepted.
    pub handshake_max: Duration,
    /// After how much silence a connection that this side has opened is tried by a ping, at most.
    pub ping_max: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            connections_per_source_max: 256,
            queue_messages_max: 256,
            idle_max: Duration::from_secs(3600),
            message_max: Duration::from_secs(15),
            connect_max: Duration::from_secs(5),
            handshake_max: Duration::from_secs(5),
            // RFC 5626 §4.4.1
            ping_max: Duration::from_secs(120),
        }
    }
}

struct BoundSocket {
    socket: Rc<dyn DatagramSocket>,
    local: SocketAddr,
}

/// What datagrams leave through.
pub trait DatagramSocket {
    /// Sends a datagram now.
    ///
    /// # Errors
    /// `WouldBlock` when it is lost as datagrams are; everything else is told to whoever sent.
    fn send_now(&self, octets: &[u8], peer: SocketAddr) -> io::Result<()>;
}

/// What opens connections.
pub trait Connector {
    /// Opens one.
    fn connect(&self, peer: SocketAddr) -> Connecting;
}

/// A connection that is being opened.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Connection>>>>;

/// An open connection.
pub struct Connection {
    /// What comes in.
    pub reader: Box<dyn AsyncRead + Unpin>,
    /// What goes out.
    pub writer: Box<dyn AsyncWrite + Unpin>,
}

impl DatagramSocket for UdpSocket {
    fn send_now(&self, octets: &[u8], peer: SocketAddr) -> io::Result<()> {
        self.try_send_to(octets, peer).map(drop)
    }
}

struct StreamHandle {
    queue: mpsc::Sender<Outbound>,
    flow: Flow,
    /// The SIP domains that the other side has proven to be.
    identities: Arc<[Arc<str>]>,
    close: Rc<tokio::sync::Notify>,
}

/// The place of a connection among those that are open; it is free again when this is dropped.
struct Seat {
    transports: Rc<Transports>,
    source: std::net::IpAddr,
}

impl Seat {
    /// A place for a connection that somebody else opens; none when there are too many.
    fn take(transports: &Rc<Transports>, peer: SocketAddr) -> Option<Self> {
        let of_source = transports.seats.borrow().get(&peer.ip()).copied().unwrap_or(0);
        let has_room = transports.seats_taken.get() < transports.bounds.connections_max
            && of_source < transports.bounds.connections_per_source_max;
        has_room.then(|| Self::unbounded(transports, peer))
    }

    /// A place for a connection that this side opens.
    fn unbounded(transports: &Rc<Transports>, peer: SocketAddr) -> Self {
        transports.seats_taken.set(transports.seats_taken.get().saturating_add(1));
        *transports.seats.borrow_mut().entry(peer.ip()).or_insert(0) += 1;
        Self { transports: Rc::clone(transports), source: peer.ip() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.transports.seats_taken.set(self.transports.seats_taken.get().saturating_sub(1));
        let mut seats = self.transports.seats.borrow_mut();
        if let Some(count) = seats.get_mut(&self.source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                seats.remove(&self.source);
            }
        }
    }
}

impl Flow {
    fn of(hop: &Hop) -> Self {
        let protection = match hop.transport {
            Transport::Tls => Protection::Tls(hop.name.clone()),
            _ => Protection::Clear,
        };
        Self { address: hop.address, protection }
    }
}

impl Protection {
    const fn transport(&self) -> Transport {
        match self {
            Self::Clear => Transport::Tcp,
            Self::Tls(_) => Transport::Tls,
        }
    }

    const fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Tls(Some(name)) => Some(name),
            Self::Clear | Self::Tls(None) => None,
        }
    }
}

/// Octets for a stream, and whom to tell when they cannot be written.
struct Outbound {
    octets: Bytes,
    transaction: Option<TransactionId>,
}

impl Transports {
    /// No sockets yet.
    #[must_use]
    pub fn new(limits: Limits, bounds: Bounds) -> Rc<Self> {
        Rc::new(Self {
            limits,
            bounds,
            receiver: RefCell::new(None),
            next_connection: Cell::new(1),
            sockets: RefCell::default(),
            listeners: RefCell::default(),
            tls: RefCell::default(),
            connector: RefCell::new(Rc::new(stream::SystemConnector)),
            accepting: RefCell::default(),
            is_leaving: Cell::new(false),
            streams: RefCell::default(),
            streams_by_flow: RefCell::default(),
            seats: RefCell::default(),
            seats_taken: Cell::new(0),
            received: Traffic::of(Side::Simple, Direction::In),
            sent: Traffic::of(Side::Simple, Direction::Out),
        })
    }

    /// Says who receives. Until then everything that comes in is dropped.
    pub fn deliver_to(&self, receiver: Rc<dyn Receiver>) {
        *self.receiver.borrow_mut() = Some(receiver);
    }

    /// Starts receiving datagrams on the socket; returns its address.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn serve_datagrams(self: &Rc<Self>, socket: std::net::UdpSocket) -> io::Result<SocketAddr> {
        socket.set_nonblocking(true)?;
        let socket = Rc::new(UdpSocket::from_std(socket)?);
        let local = socket.local_addr()?;
        let id = self.add_datagrams(Rc::<UdpSocket>::clone(&socket), local);
        tokio::task::spawn_local(udp::receive(Rc::clone(self), id, socket));
        Ok(local)
    }

    /// Sends datagrams through this socket from now on. What arrives at it is handed over by
    /// [`Transports::take_datagram`].
    pub fn add_datagrams(&self, socket: Rc<dyn DatagramSocket>, local: SocketAddr) -> ConnectionId {
        let id = self.next_id();
        self.sockets.borrow_mut().insert(id, BoundSocket { socket, local });
        id
    }

    /// Takes a datagram that arrived at the socket.
    pub fn take_datagram(&self, id: ConnectionId, octets: &Bytes, source: SocketAddr) {
        udp::take(self, id, octets, source);
    }

    /// The address on this side of a hop, as far as it is known: that of its socket, or of the listener of its transport.
    pub(super) fn local_of(&self, hop: &Hop) -> Option<SocketAddr> {
        let sockets = self.sockets.borrow();
        let is_alike = |local: &SocketAddr| local.is_ipv4() == hop.address.is_ipv4();
        let bound = hop.connection.and_then(|id| sockets.get(&id)).map(|bound| bound.local);
        if hop.transport == Transport::Udp {
            return bound.or_else(|| sockets.values().map(|bound| bound.local).find(is_alike));
        }
        let listeners = self.listeners.borrow();
        let of_transport = listeners.iter().filter(|(transport, _)| *transport == hop.transport);
        of_transport.map(|(_, local)| *local).find(is_alike)
    }

    /// Speaks TLS with this from now on.
    pub fn secure_by(&self, tls: DomainTls) {
        *self.tls.borrow_mut() = Some(tls);
    }

    /// Starts accepting connections of TCP or TLS; returns the listener's address.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn serve_streams(
        self: &Rc<Self>,
        listener: std::net::TcpListener,
        transport: Transport,
    ) -> io::Result<SocketAddr> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let local = listener.local_addr()?;
        self.listeners.borrow_mut().push((transport.clone(), local));
        let task = tokio::task::spawn_local(stream::accept(Rc::clone(self), listener, transport));
        self.accepting.borrow_mut().push(task.abort_handle());
        Ok(local)
    }

    /// Opens connections by this from now on, and listens at this address: what connects to it is handed over by
    /// [`Transports::adopt`].
    pub fn connect_by(&self, connector: Rc<dyn Connector>, local: SocketAddr) {
        *self.connector.borrow_mut() = connector;
        self.listeners.borrow_mut().push((Transport::Tcp, local));
    }

    /// Takes over a connection that a peer opened, or closes it when there are too many.
    pub fn adopt(self: &Rc<Self>, connection: Connection, peer: SocketAddr) {
        stream::adopt(self, connection, peer, &Transport::Tcp);
    }

    /// What can be reached through these sockets.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        let (sockets, listeners) = (self.sockets.borrow(), self.listeners.borrow());
        let speaks = |transport: &Transport| match transport {
            Transport::Udp => !sockets.is_empty(),
            Transport::Tls => self.tls.borrow().is_some() && listeners.iter().any(|(of, _)| *of == Transport::Tls),
            other => listeners.iter().any(|(of, _)| of == other),
        };
        let locals = || sockets.values().map(|bound| bound.local).chain(listeners.iter().map(|(_, local)| *local));
        Abilities {
            transports: [Transport::Tls, Transport::Tcp, Transport::Udp].into_iter().filter(speaks).collect(),
            ipv4: locals().any(|local| local.is_ipv4()),
            ipv6: locals().any(|local| local.is_ipv6()),
        }
    }

    /// Whether new connections are taken; not any more when the gateway is leaving.
    #[must_use]
    pub const fn is_accepting(&self) -> bool {
        !self.is_leaving.get()
    }

    /// Takes no new connections any more; those that are open go on, and so do datagrams.
    pub fn stop_accepting(&self) {
        self.is_leaving.set(true);
        for task in self.accepting.take() {
            task.abort();
        }
    }

    fn is_flooded(&self) -> bool {
        self.receiver.borrow().as_ref().is_some_and(|receiver| receiver.is_flooded())
    }

    fn queue_stands(&self) {
        self.receiver.borrow().iter().for_each(|receiver| receiver.queue_stands());
    }

    /// Sends octets; failures are told to the receiver by their transaction, never before this returns.
    pub fn send(self: &Rc<Self>, octets: Bytes, target: &ResponseTarget, transaction: Option<TransactionId>) {
        match target.hop.transport {
            Transport::Udp => self.send_datagram(&octets, &target.hop, transaction),
            Transport::Tcp | Transport::Tls => self.send_on_stream(Outbound { octets, transaction }, target),
            Transport::Sctp | Transport::TlsSctp | Transport::Ws | Transport::Wss | Transport::Other(_) => {
                self.tell_unsent(transaction)
            }
        }
    }

    /// Whether there is a connection for the hop.
    #[must_use]
    pub fn has_stream(&self, hop: &Hop) -> bool {
        self.find_stream(hop).is_some()
    }

    // RFC 5922 §7.4
    /// The SIP domains that the other side of the connection has proven to be.
    #[must_use]
    pub fn identities(&self, connection: ConnectionId) -> Arc<[Arc<str>]> {
        self.streams.borrow().get(&connection).map(|handle| Arc::clone(&handle.identities)).unwrap_or_default()
    }

    /// The own listening address for the transport that fits the peer's address family, for Via and Contact.
    #[must_use]
    pub fn listen_address(&self, transport: &Transport, peer: SocketAddr) -> Option<SocketAddr> {
        let fits = |local: &SocketAddr| local.is_ipv4() == peer.is_ipv4();
        if transport.is_reliable() {
            let listeners = self.listeners.borrow();
            listeners.iter().filter(|(of, _)| of == transport).map(|(_, local)| *local).filter(fits).min()
        } else {
            self.sockets.borrow().values().map(|bound| bound.local).filter(fits).min()
        }
    }

    fn tls(&self) -> io::Result<DomainTls> {
        self.tls.borrow().clone().ok_or_else(|| io::Error::other("TLS is not configured"))
    }

    fn find_stream(&self, hop: &Hop) -> Option<ConnectionId> {
        let known = hop.connection.filter(|id| self.streams.borrow().contains_key(id));
        known.or_else(|| self.streams_by_flow.borrow().get(&Flow::of(hop)).copied())
    }

    fn send_datagram(self: &Rc<Self>, octets: &Bytes, hop: &Hop, transaction: Option<TransactionId>) {
        let sockets = self.sockets.borrow();
        let named = hop.connection.and_then(|id| sockets.get(&id));
        let fitting = || sockets.values().find(|bound| bound.local.is_ipv4() == hop.address.is_ipv4());
        let Some(bound) = named.or_else(fitting) else {
            drop(sockets);
            return self.tell_unsent(transaction);
        };
        match bound.socket.send_now(octets, hop.address) {
            Ok(()) => self.sent.count(octets.len()),
            // Lost as datagrams are: the transaction sends it again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(peer = %hop.address, %error, "datagram not sent");
                drop(sockets);
                self.tell_unsent(transaction);
            }
        }
    }

    fn send_on_stream(self: &Rc<Self>, outbound: Outbound, target: &ResponseTarget) {
        let mut hops = std::iter::once(&target.hop).chain(target.fallback.as_deref());
        if let Some(id) = hops.find_map(|hop| self.find_stream(hop)) {
            return self.enqueue(id, outbound);
        }
        let flow = Flow::of(target.fallback.as_deref().unwrap_or(&target.hop));
        tokio::task::spawn_local(stream::open(Rc::clone(self), flow, outbound));
    }

    fn enqueue(self: &Rc<Self>, id: ConnectionId, outbound: Outbound) {
        let queue = self.streams.borrow().get(&id).map(|handle| handle.queue.clone());
        let Some(queue) = queue else { return self.tell_unsent(outbound.transaction) };
        if let Err(refused) = queue.try_send(outbound) {
            let outbound = match refused {
                mpsc::error::TrySendError::Full(outbound) | mpsc::error::TrySendError::Closed(outbound) => outbound,
            };
            tracing::info!(side = "simple", connection = id.to_number(), "a peer does not read: connection closed");
            crate::observe::metric::shed(mapping::side::Side::Simple, "slow_reader");
            self.close(id);
            self.tell_unsent(outbound.transaction);
        }
    }

    fn close(&self, id: ConnectionId) {
        if let Some(handle) = self.streams.borrow().get(&id) {
            handle.close.notify_one();
        }
    }

    /// Tells the receiver, in a task of its own because the caller may be the receiver.
    fn tell_unsent(self: &Rc<Self>, transaction: Option<TransactionId>) {
        let Some(transaction) = transaction else { return };
        let transports = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let receiver = transports.receiver.borrow().clone();
            if let Some(receiver) = receiver {
                receiver.unsent(transaction);
            }
        });
    }

    fn receive(&self, inbound: Inbound) {
        let receiver = self.receiver.borrow().clone();
        if let Some(receiver) = receiver {
            receiver.receive(inbound);
        }
    }

    fn next_id(&self) -> ConnectionId {
        let number = self.next_connection.get();
        self.next_connection.set(number.wrapping_add(1));
        ConnectionId::from_number(number)
    }
}
