//! SIP over UDP and TCP: sockets in, octets out. What a message means is the business of whoever receives it.
//!
//! Everything runs on the lane's thread; sending never waits. A datagram that the socket does not take at once is lost
//! as datagrams are; a stream whose queue is full is closed.

mod stream;
mod udp;

use bytes::Bytes;
use sip_proto::{
    limit::Limits,
    message::{Message, framer::Malformed, header::via::Transport},
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

    /// A message of the transaction could not be sent.
    fn unsent(&self, transaction: TransactionId);
}

/// All sockets and connections of one lane.
pub struct Transports {
    limits: Limits,
    bounds: Bounds,
    receiver: RefCell<Option<Rc<dyn Receiver>>>,
    next_connection: Cell<u64>,
    sockets: RefCell<HashMap<ConnectionId, BoundSocket>>,
    listeners: RefCell<Vec<SocketAddr>>,
    connector: RefCell<Rc<dyn Connector>>,
    accepting: RefCell<Vec<AbortHandle>>,
    streams: RefCell<HashMap<ConnectionId, StreamHandle>>,
    /// The newest connection to each address, for reuse.
    streams_by_peer: RefCell<HashMap<SocketAddr, ConnectionId>>,
    streams_per_source: RefCell<HashMap<std::net::IpAddr, usize>>,
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
    /// How long opening a connection may take.
    pub connect_max: Duration,
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
    peer: SocketAddr,
    close: Rc<tokio::sync::Notify>,
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
            connector: RefCell::new(Rc::new(stream::SystemConnector)),
            accepting: RefCell::default(),
            streams: RefCell::default(),
            streams_by_peer: RefCell::default(),
            streams_per_source: RefCell::default(),
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

    /// Starts accepting connections; returns the listener's address.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn serve_streams(self: &Rc<Self>, listener: std::net::TcpListener) -> io::Result<SocketAddr> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let local = listener.local_addr()?;
        self.listeners.borrow_mut().push(local);
        let task = tokio::task::spawn_local(stream::accept(Rc::clone(self), listener));
        self.accepting.borrow_mut().push(task.abort_handle());
        Ok(local)
    }

    /// Opens connections by this from now on, and listens at this address: what connects to it is handed over by
    /// [`Transports::adopt`].
    pub fn connect_by(&self, connector: Rc<dyn Connector>, local: SocketAddr) {
        *self.connector.borrow_mut() = connector;
        self.listeners.borrow_mut().push(local);
    }

    /// Takes over a connection that a peer opened, or closes it when there are too many.
    pub fn adopt(self: &Rc<Self>, connection: Connection, peer: SocketAddr) {
        stream::adopt(self, connection, peer);
    }

    /// Takes no new connections any more; those that are open go on, and so do datagrams.
    pub fn stop_accepting(&self) {
        for task in self.accepting.take() {
            task.abort();
        }
    }

    /// Sends octets; failures are told to the receiver by their transaction, never before this returns.
    pub fn send(self: &Rc<Self>, octets: Bytes, target: &ResponseTarget, transaction: Option<TransactionId>) {
        match target.hop.transport {
            Transport::Udp => self.send_datagram(&octets, &target.hop, transaction),
            Transport::Tcp => self.send_on_stream(Outbound { octets, transaction }, target),
            Transport::Tls
            | Transport::Sctp
            | Transport::TlsSctp
            | Transport::Ws
            | Transport::Wss
            | Transport::Other(_) => self.tell_unsent(transaction),
        }
    }

    /// Whether there is a connection to the address.
    #[must_use]
    pub fn has_stream(&self, peer: SocketAddr) -> bool {
        self.streams_by_peer.borrow().contains_key(&peer)
    }

    /// The own listening address that fits the peer's address family, for Via and Contact.
    #[must_use]
    pub fn listen_address(&self, is_stream: bool, peer: SocketAddr) -> Option<SocketAddr> {
        let sockets = self.sockets.borrow();
        let listeners = self.listeners.borrow();
        let candidates: Vec<SocketAddr> =
            if is_stream { listeners.clone() } else { sockets.values().map(|bound| bound.local).collect() };
        let mut fitting: Vec<SocketAddr> =
            candidates.into_iter().filter(|local| local.is_ipv4() == peer.is_ipv4()).collect();
        fitting.sort_unstable();
        fitting.first().copied()
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
            Ok(()) => crate::observe::metric::message(
                mapping::side::Side::Simple,
                crate::observe::Direction::Out,
                octets.len(),
            ),
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
        let hops = std::iter::once(&target.hop).chain(&target.fallback);
        let existing = hops.clone().find_map(|hop| {
            let known = hop.connection.filter(|id| self.streams.borrow().contains_key(id));
            known.or_else(|| self.streams_by_peer.borrow().get(&hop.address).copied())
        });
        if let Some(id) = existing {
            return self.enqueue(id, outbound);
        }
        let address = target.fallback.as_ref().map_or(target.hop.address, |fallback| fallback.address);
        tokio::task::spawn_local(stream::open(Rc::clone(self), address, outbound));
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
