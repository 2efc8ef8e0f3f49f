//! Connections.

use super::{Connecting, Connection, Connector, Inbound, Outbound, StreamHandle, Transports};
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
use std::{net::SocketAddr, rc::Rc};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
};

/// Accepts until the task ends. Too many connections, or too many of one source, are closed at once.
pub(super) async fn accept(transports: Rc<Transports>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => adopt(&transports, split(stream), peer),
            Err(error) => {
                // Out of descriptors, for instance: wait until some are free again.
                tracing::warn!(side = "simple", %error, "accepting a connection failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

pub(super) fn adopt(transports: &Rc<Transports>, connection: Connection, peer: SocketAddr) {
    if has_room(transports, peer) {
        serve(transports, connection, peer, FlowSide::Accepted, None);
    } else {
        crate::observe::metric::shed(Side::Simple, "connections");
    }
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

fn has_room(transports: &Transports, peer: SocketAddr) -> bool {
    let total = transports.streams.borrow().len();
    let of_source = transports.streams_per_source.borrow().get(&peer.ip()).copied().unwrap_or(0);
    total < transports.bounds.connections_max && of_source < transports.bounds.connections_per_source_max
}

/// Opens a connection for a first message.
pub(super) async fn open(transports: Rc<Transports>, peer: SocketAddr, first: Outbound) {
    // Another message may have opened it in the meantime.
    let existing = transports.streams_by_peer.borrow().get(&peer).copied();
    if let Some(id) = existing {
        return transports.enqueue(id, first);
    }
    let transaction = first.transaction;
    let connecting = transports.connector.borrow().connect(peer);
    match tokio::time::timeout(transports.bounds.connect_max, connecting).await {
        Ok(Ok(connection)) => serve(&transports, connection, peer, FlowSide::Opened, Some(first)),
        Ok(Err(_)) | Err(_) => {
            tracing::debug!(%peer, "connection refused");
            transports.tell_unsent(transaction);
        }
    }
}

fn serve(
    transports: &Rc<Transports>,
    connection: Connection,
    peer: SocketAddr,
    side: FlowSide,
    first: Option<Outbound>,
) {
    let id = transports.next_id();
    let Connection { reader, writer } = connection;
    let (queue, outbound) = mpsc::channel(transports.bounds.queue_messages_max);
    let close = Rc::new(Notify::new());
    let handle = StreamHandle { queue, peer, close: Rc::clone(&close) };
    transports.streams.borrow_mut().insert(id, handle);
    transports.streams_by_peer.borrow_mut().insert(peer, id);
    let count = &mut *transports.streams_per_source.borrow_mut();
    *count.entry(peer.ip()).or_insert(0) += 1;
    if let Some(first) = first {
        transports.enqueue(id, first);
    }
    let transports = Rc::clone(transports);
    tokio::task::spawn_local(async move {
        let mut writing = tokio::task::spawn_local(write(Rc::clone(&transports), writer, outbound));
        tokio::select! {
            () = read(&transports, id, reader, peer, side) => {}
            () = close.notified() => {}
        }
        forget(&transports, id);
        // Its queue has no sender any more: it writes what waits and ends. A peer that does not read is not waited for.
        if tokio::time::timeout(transports.bounds.message_max, &mut writing).await.is_err() {
            writing.abort();
        }
    });
}

fn forget(transports: &Transports, id: ConnectionId) {
    let Some(handle) = transports.streams.borrow_mut().remove(&id) else { return };
    let mut by_peer = transports.streams_by_peer.borrow_mut();
    if by_peer.get(&handle.peer) == Some(&id) {
        by_peer.remove(&handle.peer);
    }
    let mut per_source = transports.streams_per_source.borrow_mut();
    if let Some(count) = per_source.get_mut(&handle.peer.ip()) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            per_source.remove(&handle.peer.ip());
        }
    }
}

async fn read(
    transports: &Rc<Transports>,
    id: ConnectionId,
    mut reader: Box<dyn AsyncRead + Unpin>,
    peer: SocketAddr,
    side: FlowSide,
) {
    let mut framer = StreamFramer::new(side, transports.limits.clone());
    let mut buffer = BytesMut::with_capacity(READ_OCTETS);
    loop {
        // A message that has begun must end soon; between messages there is time.
        let patience =
            if framer.is_inside_message() { transports.bounds.message_max } else { transports.bounds.idle_max };
        buffer.clear();
        match tokio::time::timeout(patience, reader.read_buf(&mut buffer)).await {
            Ok(Ok(0)) | Ok(Err(_)) | Err(_) => return,
            Ok(Ok(_)) => framer.push(&buffer),
        }
        while let Some(item) = framer.poll() {
            let hop = Hop { transport: Transport::Tcp, address: peer, connection: Some(id) };
            crate::observe::metric::message(Side::Simple, crate::observe::Direction::In, buffer.len());
            match item {
                Ok(StreamItem::Message(message)) => transports.receive(Inbound { hop, content: validate(message) }),
                Ok(StreamItem::Ping) => {
                    let octets = bytes::Bytes::from_static(StreamFramer::PONG);
                    transports.enqueue(id, Outbound { octets, transaction: None });
                }
                Ok(StreamItem::Pong) => {}
                Err(malformed) => {
                    let is_lost = malformed.framing() == Framing::Lost;
                    transports.receive(Inbound { hop, content: Err(malformed) });
                    if is_lost {
                        // The answer is in the queue by now, which is written before the connection closes.
                        tokio::task::yield_now().await;
                        return;
                    }
                }
            }
        }
    }
}

async fn write(
    transports: Rc<Transports>,
    mut writer: Box<dyn AsyncWrite + Unpin>,
    mut outbound: mpsc::Receiver<Outbound>,
) {
    while let Some(message) = outbound.recv().await {
        let written = writer.write_all(&message.octets).await;
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
