//! The agent over connections: it opens one to the server, opens another when that breaks, and takes those that the
//! server opens.

use super::{Orders, answer_to};
use bytes::{Bytes, BytesMut};
use sip_proto::{
    limit::Limits,
    message::{
        Message,
        framer::{FlowSide, StreamFramer, StreamItem},
    },
};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering, mpsc::SyncSender},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, rustls::pki_types::ServerName};

/// What the connections are.
#[derive(Clone)]
pub enum Carrier {
    /// TCP.
    Tcp,
    /// TLS: how the agent connects, for which domain, and what it shows to those who connect.
    Tls(TlsConnector, String, TlsAcceptor),
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_protected() { "Tls" } else { "Tcp" })
    }
}

impl Carrier {
    /// Whether it is TLS.
    #[must_use]
    pub const fn is_protected(&self) -> bool {
        matches!(self, Self::Tls(..))
    }
}

/// What connections tell.
struct World {
    sender: SyncSender<Message>,
    orders: Arc<Orders>,
}

/// A running end of connections.
pub(super) struct Streams {
    pub(super) local: SocketAddr,
    pub(super) outgoing: mpsc::Sender<Bytes>,
    pub(super) thread: JoinHandle<()>,
}

/// Listens on loopback, and connects to the server whenever there is something to send.
pub(super) fn start(server: SocketAddr, carrier: Carrier, sender: SyncSender<Message>, orders: Arc<Orders>) -> Streams {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not block");
    let local = listener.local_addr().expect("a bound listener has an address");
    let (outgoing, waiting) = mpsc::channel(64);
    let world = Arc::new(World { sender, orders });
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            serve(listener, server, carrier, waiting, world).await;
        });
    });
    Streams { local, outgoing, thread }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    carrier: Carrier,
    mut waiting: mpsc::Receiver<Bytes>,
    world: Arc<World>,
) {
    let mut current: Option<mpsc::Sender<Bytes>> = None;
    while !world.orders.ends.load(Ordering::Relaxed) {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(accept(stream, carrier.clone(), Arc::clone(&world)));
                }
            }
            octets = waiting.recv() => {
                let Some(octets) = octets else { return };
                if current.as_ref().is_none_or(mpsc::Sender::is_closed) {
                    current = connect(server, &carrier, &world).await;
                }
                // What cannot be sent is sent again by whoever waits for its answer.
                if let Some(connection) = &current {
                    let _ = connection.send(octets).await;
                }
            }
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }
}

async fn connect(server: SocketAddr, carrier: &Carrier, world: &Arc<World>) -> Option<mpsc::Sender<Bytes>> {
    let stream = TcpStream::connect(server).await.ok()?;
    let (outgoing, waiting) = mpsc::channel(64);
    match carrier {
        Carrier::Tcp => drop(tokio::spawn(carry(stream, waiting, Arc::clone(world)))),
        Carrier::Tls(connector, domain, _) => {
            let name = ServerName::try_from(domain.clone()).ok()?;
            let stream = connector.connect(name, stream).await.ok()?;
            tokio::spawn(carry(stream, waiting, Arc::clone(world)));
        }
    }
    Some(outgoing)
}

async fn accept(stream: TcpStream, carrier: Carrier, world: Arc<World>) {
    // Nothing but answers goes out here.
    let (_outgoing, waiting) = mpsc::channel(1);
    match carrier {
        Carrier::Tcp => carry(stream, waiting, world).await,
        Carrier::Tls(_, _, acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                carry(stream, waiting, world).await;
            }
        }
    }
}

async fn carry(stream: impl AsyncRead + AsyncWrite + Unpin, mut waiting: mpsc::Receiver<Bytes>, world: Arc<World>) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut framer = StreamFramer::new(FlowSide::Opened, Limits::default());
    let mut buffer = BytesMut::with_capacity(65_536);
    loop {
        buffer.clear();
        let read = tokio::select! {
            octets = waiting.recv() => {
                let Some(octets) = octets else { return };
                if writer.write_all(&octets).await.is_err() || writer.flush().await.is_err() {
                    return;
                }
                continue;
            }
            read = reader.read_buf(&mut buffer) => read,
        };
        if !matches!(read, Ok(1..)) {
            return;
        }
        framer.push(&buffer);
        while let Some(Ok(item)) = framer.poll() {
            let StreamItem::Message(message) = item else { continue };
            let answer = match &message {
                Message::Request(request) => answer_to(request, &world.orders),
                Message::Response(_) => None,
            };
            if let Some(answer) = answer
                && (writer.write_all(&answer).await.is_err() || writer.flush().await.is_err())
            {
                return;
            }
            if world.sender.try_send(message).is_err() {
                return;
            }
        }
    }
}
