//! Connections.

use super::{
    Connecting, Connection, Connector, Flow, Inbound, Outbound, Protection, Seat, StreamHandle, Transports,
    pulse::{Beat, Pulse},
    secure::{self, Secured},
};
use bytes::BytesMut;
use mapping::side::Side;
use sip_proto::{
    message::{
        framer::{FlowSide, Framing, StreamFramer, StreamItem},
        header::via::Transport,
        validate::validate,
    },
    transaction::via::{ConnectionId, Hop},
};
use std::{io, net::SocketAddr, rc::Rc, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    time::Instant,
};

/// Accepts until the task ends. Too many connections, or too many of one source, are closed at once.
pub(super) async fn accept(transports: Rc<Transports>, listener: TcpListener, transport: Transport) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => adopt(&transports, split(stream), peer, &transport),
            Err(error) => {
                // Out of descriptors, for instance: wait until some are free again.
                tracing::warn!(side = "simple", %error, "accepting a connection failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

/// Takes a connection in. One over TLS takes its seat before the handshake, which has its own deadline.
pub(super) fn adopt(transports: &Rc<Transports>, connection: Connection, peer: SocketAddr, transport: &Transport) {
    let Some(seat) = Seat::take(transports, peer) else {
        return crate::observe::metric::shed(Side::Simple, "connections");
    };
    if *transport != Transport::Tls {
        let flow = Flow { address: peer, protection: Protection::Clear };
        return serve(transports, connection, Arriving { flow, identities: Arc::default(), seat }, None);
    }
    let transports = Rc::clone(transports);
    tokio::task::spawn_local(async move {
        let handshake = secure::accept(&transports, connection);
        match tokio::time::timeout(transports.bounds.handshake_max, handshake).await {
            Ok(Ok(Secured { connection, identities })) => {
                let flow = Flow { address: peer, protection: Protection::Tls(None) };
                serve(&transports, connection, Arriving { flow, identities, seat }, None);
            }
            Ok(Err(error)) => tracing::debug!(side = "simple", %peer, %error, "no TLS"),
            Err(_) => tracing::debug!(side = "simple", %peer, "no TLS in time"),
        }
    });
}

/// The connections of the system.
pub(super) struct SystemConnector;

impl Connector for SystemConnector {
    fn connect(&self, peer: SocketAddr) -> Connecting {
        Box::pin(async move { TcpStream::connect(peer).await.map(split) })
    }
}

fn split(stream: TcpStream) -> Connection {
    // Small messages must not wait for each other.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    Connection { reader: Box::new(reader), writer: Box::new(writer) }
}

/// Opens a connection for a first message.
pub(super) async fn open(transports: Rc<Transports>, flow: Flow, first: Outbound) {
    // Another message may have opened it in the meantime.
    let existing = transports.streams_by_flow.borrow().get(&flow).copied();
    if let Some(id) = existing {
        return transports.enqueue(id, first);
    }
    let transaction = first.transaction;
    match tokio::time::timeout(transports.bounds.connect_max, connect(&transports, &flow)).await {
        Ok(Ok(Secured { connection, identities })) => {
            let seat = Seat::unbounded(&transports, flow.address);
            serve(&transports, connection, Arriving { flow, identities, seat }, Some(first));
        }
        Ok(Err(error)) => {
            tracing::debug!(peer = %flow.address, %error, "no connection");
            transports.tell_unsent(transaction);
        }
        Err(_) => {
            tracing::debug!(peer = %flow.address, "no connection in time");
            transports.tell_unsent(transaction);
        }
    }
}

async fn connect(transports: &Rc<Transports>, flow: &Flow) -> io::Result<Secured> {
    let connecting = transports.connector.borrow().connect(flow.address);
    let connection = connecting.await?;
    match &flow.protection {
        Protection::Clear => Ok(Secured { connection, identities: Arc::default() }),
        Protection::Tls(name) => {
            let name = name.as_deref().map_or_else(|| flow.address.ip().to_string(), str::to_owned);
            secure::connect(transports, connection, &name).await
        }
    }
}

/// A connection that comes into service.
struct Arriving {
    flow: Flow,
    identities: Arc<[Arc<str>]>,
    seat: Seat,
}

/// Serves a connection; with a first message, this side has opened it.
fn serve(transports: &Rc<Transports>, connection: Connection, arriving: Arriving, first: Option<Outbound>) {
    let id = transports.next_id();
    let Connection { reader, writer } = connection;
    let Arriving { flow, identities, seat } = arriving;
    let (queue, outbound) = mpsc::channel(transports.bounds.queue_messages_max);
    let close = Rc::new(Notify::new());
    let handle = StreamHandle { queue, flow: flow.clone(), identities, close: Rc::clone(&close) };
    transports.streams.borrow_mut().insert(id, handle);
    transports.streams_by_flow.borrow_mut().insert(flow.clone(), id);
    let side = if first.is_some() { FlowSide::Opened } else { FlowSide::Accepted };
    if let Some(first) = first {
        transports.enqueue(id, first);
    }
    let transports = Rc::clone(transports);
    tokio::task::spawn_local(async move {
        let mut writing = tokio::task::spawn_local(write(Rc::clone(&transports), writer, outbound));
        let hop = Hop {
            transport: flow.protection.transport(),
            address: flow.address,
            connection: Some(id),
            name: flow.protection.name().cloned(),
        };
        tokio::select! {
            () = read(&transports, id, reader, &hop, side) => {}
            () = close.notified() => {}
        }
        forget(&transports, id);
        drop(seat);
        // Its queue has no sender any more: it writes what waits and ends. A peer that does not read is not waited for.
        if tokio::time::timeout(transports.bounds.message_max, &mut writing).await.is_err() {
            writing.abort();
        }
    });
}

fn forget(transports: &Transports, id: ConnectionId) {
    let Some(handle) = transports.streams.borrow_mut().remove(&id) else { return };
    let mut by_flow = transports.streams_by_flow.borrow_mut();
    if by_flow.get(&handle.flow) == Some(&id) {
        by_flow.remove(&handle.flow);
    }
}

async fn read(
    transports: &Rc<Transports>,
    id: ConnectionId,
    mut reader: Box<dyn AsyncRead + Unpin>,
    hop: &Hop,
    side: FlowSide,
) {
    let mut framer = StreamFramer::new(side, transports.limits.clone());
    let mut buffer = BytesMut::with_capacity(READ_OCTETS);
    let mut pulse = Pulse::new(side, id, &transports.bounds, Instant::now());
    loop {
        buffer.clear();
        match tokio::time::timeout_at(pulse.deadline(), reader.read_buf(&mut buffer)).await {
            Ok(Ok(0)) | Ok(Err(_)) => return,
            Ok(Ok(_)) => framer.push(&buffer),
            Err(_) => match pulse.expire(Instant::now()) {
                Beat::Wait => continue,
                Beat::Ping => {
                    let octets = bytes::Bytes::from_static(StreamFramer::PING);
                    transports.enqueue(id, Outbound { octets, transaction: None });
                    continue;
                }
                Beat::Dead => return,
            },
        }
        let now = Instant::now();
        while let Some(item) = framer.poll() {
            crate::observe::metric::message(Side::Simple, crate::observe::Direction::In, buffer.len());
            match item {
                Ok(StreamItem::Message(message)) => {
                    pulse.hear_message(now);
                    transports.receive(Inbound { hop: hop.clone(), content: validate(message) });
                }
                Ok(StreamItem::Ping) => {
                    let octets = bytes::Bytes::from_static(StreamFramer::PONG);
                    transports.enqueue(id, Outbound { octets, transaction: None });
                }
                Ok(StreamItem::Pong) => pulse.hear_pong(),
                Err(malformed) => {
                    let is_lost = malformed.framing() == Framing::Lost;
                    transports.receive(Inbound { hop: hop.clone(), content: Err(malformed) });
                    if is_lost {
                        // The answer is in the queue by now, which is written before the connection closes.
                        tokio::task::yield_now().await;
                        return;
                    }
                }
            }
        }
        // A message that has begun must end soon; between messages there is time.
        pulse.hear(now, framer.is_inside_message());
    }
}

async fn write(
    transports: Rc<Transports>,
    mut writer: Box<dyn AsyncWrite + Unpin>,
    mut outbound: mpsc::Receiver<Outbound>,
) {
    while let Some(message) = outbound.recv().await {
        let written = match writer.write_all(&message.octets).await {
            // TLS keeps back what is not flushed.
            Ok(()) => writer.flush().await,
            failed => failed,
        };
        match written {
            Ok(()) => {
                crate::observe::metric::message(Side::Simple, crate::observe::Direction::Out, message.octets.len())
            }
            Err(error) => {
                tracing::debug!(%error, "writing to a connection failed");
                transports.tell_unsent(message.transaction);
                outbound.close();
            }
        }
    }
    let _ = writer.shutdown().await;
}

/// What is read at once; most messages are smaller.
const READ_OCTETS: usize = 8 * 1024;
