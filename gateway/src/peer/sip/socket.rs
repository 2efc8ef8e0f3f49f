//! The agent's sockets: datagrams, or connections that it opens and accepts.

use crate::peer::tap::{Course, Ends, Tap};
use bytes::{Bytes, BytesMut};
use sip_proto::{
    limit::Limits,
    message::{
        Message,
        framer::{FlowSide, Framing, Parsed, StreamFramer, StreamItem, parse_datagram},
        header::via::Transport,
        validate::validate,
    },
    transaction::{
        TransactionId,
        via::{ConnectionId, Hop, ResponseTarget},
    },
};
use std::{collections::HashMap, fmt, io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

/// Something that happened on a socket.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all arrivals are of the large kind and live for one step")]
pub(in crate::peer) enum Arrival {
    /// A message came.
    Message { message: Message, hop: Hop },
    /// A message of the transaction could not be sent.
    Unsent(TransactionId),
    /// A connection was accepted.
    Accepted(Connection),
    /// A connection is gone.
    Closed(ConnectionId),
}

/// All sockets of the agent.
#[derive(Debug)]
pub(in crate::peer) struct Sockets {
    local: SocketAddr,
    datagrams: Option<Arc<UdpSocket>>,
    connections: HashMap<ConnectionId, Connection>,
    /// Connections that this side opened; accepted ones have odd numbers.
    opened: u64,
    tls: Option<Protection>,
    tap: Tap,
    arrivals: mpsc::Sender<Arrival>,
    task: JoinHandle<()>,
}

/// A connection, or one that is being opened; its task ends with it.
#[derive(Debug)]
pub(in crate::peer) struct Connection {
    id: ConnectionId,
    far: SocketAddr,
    queue: mpsc::Sender<Outbound>,
    task: JoinHandle<()>,
}

/// How the connection to the server is protected.
#[derive(Clone)]
pub(in crate::peer) struct Protection {
    pub(in crate::peer) connector: TlsConnector,
    /// Whom the server has to prove to be.
    pub(in crate::peer) name: ServerName<'static>,
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection").field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Outbound {
    octets: Bytes,
    transaction: Option<TransactionId>,
}

impl Sockets {
    /// Opens what the transport needs; what comes in goes to `arrivals`, and everything is noted at the
    /// tap.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(in crate::peer) async fn open(
        transport: &Transport,
        listen: SocketAddr,
        tls: Option<Protection>,
        (arrivals, tap): (mpsc::Sender<Arrival>, Tap),
    ) -> io::Result<Self> {
        let (local, datagrams, task) = if transport.is_reliable() {
            let listener = TcpListener::bind(listen).await?;
            let local = listener.local_addr()?;
            // Over TLS nobody is let in: there is no certificate to show. All goes over the connection to the server.
            let task = if tls.is_some() {
                tokio::spawn(async {})
            } else {
                tokio::spawn(accept(listener, tap.clone(), arrivals.clone()))
            };
            (local, None, task)
        } else {
            let socket = Arc::new(UdpSocket::bind(listen).await?);
            let task = tokio::spawn(receive(Arc::clone(&socket), tap.clone(), arrivals.clone()));
            (socket.local_addr()?, Some(socket), task)
        };
        Ok(Self { local, datagrams, connections: HashMap::new(), opened: 0, tls, tap, arrivals, task })
    }

    /// Where the agent is reached.
    pub(in crate::peer) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Takes a connection in that was accepted.
    pub(in crate::peer) fn adopt(&mut self, connection: Connection) {
        self.connections.insert(connection.id, connection);
    }

    /// Forgets a connection that is gone.
    pub(in crate::peer) fn forget(&mut self, id: ConnectionId) {
        self.connections.remove(&id);
    }

    /// Sends without waiting. What cannot be sent comes back as an arrival.
    pub(in crate::peer) fn send(&mut self, octets: Bytes, target: &ResponseTarget, transaction: Option<TransactionId>) {
        let outbound = Outbound { octets, transaction };
        if !target.hop.transport.is_reliable() {
            return self.send_datagram(outbound, target.hop.address);
        }
        let existing = target.hop.connection.filter(|id| self.connections.contains_key(id)).or_else(|| {
            let address = target.fallback.as_deref().unwrap_or(&target.hop).address;
            self.connections.values().find(|connection| connection.far == address).map(|connection| connection.id)
        });
        let id = existing.unwrap_or_else(|| self.connect(target.fallback.as_deref().unwrap_or(&target.hop).address));
        let Some(connection) = self.connections.get(&id) else { return };
        if let Err(mpsc::error::TrySendError::Full(outbound) | mpsc::error::TrySendError::Closed(outbound)) =
            connection.queue.try_send(outbound)
        {
            self.connections.remove(&id);
            self.tell_unsent(outbound.transaction);
        }
    }

    fn send_datagram(&self, outbound: Outbound, to: SocketAddr) {
        let Some(socket) = &self.datagrams else { return self.tell_unsent(outbound.transaction) };
        match socket.try_send_to(&outbound.octets, to) {
            Ok(_) => self.tap.datagram(Ends { actor: self.local, system: to }, Course::Sent, &outbound.octets),
            // Lost as datagrams are: it is sent again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.tell_unsent(outbound.transaction),
        }
    }

    fn tell_unsent(&self, transaction: Option<TransactionId>) {
        if let Some(transaction) = transaction {
            // With a full queue the transaction times out instead.
            let _ = self.arrivals.try_send(Arrival::Unsent(transaction));
        }
    }

    fn connect(&mut self, far: SocketAddr) -> ConnectionId {
        self.opened = self.opened.saturating_add(2);
        let id = ConnectionId::from_number(self.opened);
        let (queue, outbound) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let arrivals = self.arrivals.clone();
        let (tls, tap) = (self.tls.clone(), self.tap.clone());
        let task = tokio::spawn(async move {
            let way = Way { transport: Transport::Tcp, far, side: FlowSide::Opened, id };
            match (TcpStream::connect(far).await, tls) {
                (Ok(stream), None) => serve(tap.listen(stream), way, outbound, arrivals).await,
                (Ok(stream), Some(tls)) => {
                    let way = Way { transport: Transport::Tls, ..way };
                    match tls.connector.connect(tls.name, stream).await {
                        Ok(stream) => Box::pin(serve(stream, way, outbound, arrivals)).await,
                        Err(_) => give_up(id, outbound, &arrivals).await,
                    }
                }
                (Err(_), _) => give_up(id, outbound, &arrivals).await,
            }
        });
        self.connections.insert(id, Connection { id, far, queue, task });
        id
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What waited for a connection that was refused or broke cannot be sent.
async fn give_up(id: ConnectionId, mut outbound: mpsc::Receiver<Outbound>, arrivals: &mpsc::Sender<Arrival>) {
    outbound.close();
    while let Some(message) = outbound.recv().await {
        if let Some(transaction) = message.transaction
            && arrivals.send(Arrival::Unsent(transaction)).await.is_err()
        {
            return;
        }
    }
    let _ = arrivals.send(Arrival::Closed(id)).await;
}

async fn receive(socket: Arc<UdpSocket>, tap: Tap, arrivals: mpsc::Sender<Arrival>) {
    let limits = Limits::default();
    let mut buffer = vec![0; DATAGRAM_OCTETS_MAX];
    loop {
        let Ok((length, address)) = socket.recv_from(&mut buffer).await else { continue };
        let octets = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
        if let Ok(actor) = socket.local_addr() {
            tap.datagram(Ends { actor, system: address }, Course::Received, &octets);
        }
        let Ok(Parsed::Message(message)) = parse_datagram(&octets, &limits) else { continue };
        let Ok(message) = validate(message) else { continue };
        let hop = Hop { transport: Transport::Udp, address, connection: None, name: None };
        if arrivals.send(Arrival::Message { message, hop }).await.is_err() {
            return;
        }
    }
}

async fn accept(listener: TcpListener, tap: Tap, arrivals: mpsc::Sender<Arrival>) {
    let mut accepted: u64 = 1;
    while let Ok((stream, far)) = listener.accept().await {
        let id = ConnectionId::from_number(accepted);
        accepted = accepted.saturating_add(2);
        let (queue, outbound) = mpsc::channel(QUEUE_MESSAGES_MAX);
        let task = tokio::spawn(serve(
            tap.listen(stream),
            Way { transport: Transport::Tcp, far, side: FlowSide::Accepted, id },
            outbound,
            arrivals.clone(),
        ));
        if arrivals.send(Arrival::Accepted(Connection { id, far, queue, task })).await.is_err() {
            return;
        }
    }
}

/// What a connection is.
struct Way {
    transport: Transport,
    far: SocketAddr,
    side: FlowSide,
    id: ConnectionId,
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    way: Way,
    mut outbound: mpsc::Receiver<Outbound>,
    arrivals: mpsc::Sender<Arrival>,
) {
    let Way { transport, far: address, side, id } = way;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async {
        while let Some(message) = outbound.recv().await {
            if writer.write_all(&message.octets).await.is_err() || writer.flush().await.is_err() {
                if let Some(transaction) = message.transaction {
                    let _ = arrivals.send(Arrival::Unsent(transaction)).await;
                }
                return;
            }
        }
    };
    let reading = async {
        let mut framer = StreamFramer::new(side, Limits::default());
        let mut buffer = BytesMut::with_capacity(READ_OCTETS);
        loop {
            buffer.clear();
            match reader.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => framer.push(&buffer),
            }
            while let Some(item) = framer.poll() {
                let message = match item {
                    Ok(StreamItem::Message(message)) => validate(message),
                    Ok(StreamItem::Ping | StreamItem::Pong) => continue,
                    Err(malformed) => Err(malformed),
                };
                match message {
                    Ok(message) => {
                        let hop = Hop { transport: transport.clone(), address, connection: Some(id), name: None };
                        if arrivals.send(Arrival::Message { message, hop }).await.is_err() {
                            return;
                        }
                    }
                    Err(malformed) if malformed.framing() == Framing::Lost => return,
                    Err(_) => {}
                }
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
    give_up(id, outbound, &arrivals).await;
}

/// Messages that wait for one connection; more break it.
const QUEUE_MESSAGES_MAX: usize = 64;

const DATAGRAM_OCTETS_MAX: usize = 65_536;
const READ_OCTETS: usize = 16 * 1024;
