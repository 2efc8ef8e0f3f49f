//! SIP connections between actors and the gateway, as pipes in memory.

use bytes::Bytes;
use gateway::simple::transport::{Connecting, Connection, Connector};
use sip_proto::{
    limit::Limits,
    message::{
        Message,
        framer::{FlowSide, StreamFramer, StreamItem},
        validate::validate,
    },
    transaction::via::ConnectionId,
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead as _, AsyncWrite as _, DuplexStream, ReadBuf, duplex};

/// All connections of a stage.
#[derive(Default)]
pub(super) struct Lines {
    lines: BTreeMap<LineId, Line>,
    last: u64,
    exchange: Rc<Exchange>,
}

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineId(u64);

/// The gateway's end of a connection that an actor opens.
pub(super) struct Far {
    /// The end.
    pub(super) connection: Connection,
    /// Where it comes from.
    pub(super) peer: SocketAddr,
}

struct Line {
    actor: usize,
    near: DuplexStream,
    framer: StreamFramer,
    /// Streams keep their order: nothing comes before what was sent before it.
    last_in: u64,
    last_out: u64,
}

/// Who listens, and who has been connected to and does not know it yet.
#[derive(Default)]
struct Exchange {
    listeners: RefCell<BTreeMap<SocketAddr, usize>>,
    opened: RefCell<Vec<(usize, DuplexStream)>>,
}

/// How the gateway reaches the actors.
struct ToActors(Rc<Exchange>);

impl Connector for ToActors {
    fn connect(&self, peer: SocketAddr) -> Connecting {
        let actor = self.0.listeners.borrow().get(&peer).copied();
        let opened = actor.map(|actor| {
            let (near, far) = duplex(PIPE_OCTETS);
            self.0.opened.borrow_mut().push((actor, near));
            connection(far)
        });
        Box::pin(async move { opened.ok_or_else(|| io::ErrorKind::ConnectionRefused.into()) })
    }
}

impl Lines {
    /// What the gateway connects by.
    pub(super) fn connector(&self) -> Rc<dyn Connector> {
        Rc::new(ToActors(Rc::clone(&self.exchange)))
    }

    /// An actor listens at an address from now on.
    pub(super) fn listen(&self, address: SocketAddr, actor: usize) {
        self.exchange.listeners.borrow_mut().insert(address, actor);
    }

    /// An actor opens a connection.
    pub(super) fn open(&mut self, actor: usize, from: SocketAddr) -> (LineId, Far) {
        let (near, far) = duplex(PIPE_OCTETS);
        let line = self.add(actor, near, FlowSide::Opened);
        let port = u16::try_from(line.0).unwrap_or(0).saturating_add(EPHEMERAL_PORTS);
        (line, Far { connection: connection(far), peer: SocketAddr::new(from.ip(), port) })
    }

    /// Ends all of them: the gateway is gone.
    pub(super) fn break_all(&mut self) {
        self.lines.clear();
        self.exchange.opened.borrow_mut().clear();
    }

    /// Hands octets to the gateway.
    pub(super) fn write(&mut self, line: LineId, octets: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        let Some(open) = self.lines.get_mut(&line) else { return };
        let written = Pin::new(&mut open.near).poll_write(&mut context, octets);
        // A pipe that does not take a message whole is broken.
        if !matches!(written, Poll::Ready(Ok(length)) if length == octets.len()) {
            self.lines.remove(&line);
        }
    }

    /// Takes octets that have come to an actor: whose they are, and the messages that are whole now.
    pub(super) fn read(&mut self, line: LineId, octets: &[u8]) -> Option<(usize, Vec<Message>)> {
        let open = self.lines.get_mut(&line)?;
        open.framer.push(octets);
        let mut messages = Vec::new();
        while let Some(item) = open.framer.poll() {
            if let Ok(StreamItem::Message(message)) = item
                && let Ok(message) = validate(message)
            {
                messages.push(message);
            }
        }
        Some((open.actor, messages))
    }

    /// What the gateway has written, of each connection. Those that it has closed are gone after that.
    pub(super) fn take_written(&mut self) -> Vec<(LineId, Bytes)> {
        for (actor, near) in self.exchange.opened.take() {
            self.add(actor, near, FlowSide::Accepted);
        }
        let mut context = Context::from_waker(Waker::noop());
        let (mut written, mut closed) = (Vec::new(), Vec::new());
        for (id, line) in &mut self.lines {
            let mut octets = Vec::new();
            loop {
                let mut buffer = [0; READ_OCTETS];
                let mut buffer = ReadBuf::new(&mut buffer);
                match Pin::new(&mut line.near).poll_read(&mut context, &mut buffer) {
                    Poll::Ready(Ok(())) if !buffer.filled().is_empty() => octets.extend_from_slice(buffer.filled()),
                    Poll::Ready(_) => {
                        closed.push(*id);
                        break;
                    }
                    Poll::Pending => break,
                }
            }
            if !octets.is_empty() {
                written.push((*id, Bytes::from(octets)));
            }
        }
        closed.retain(|id| written.iter().all(|(line, _)| line != id));
        for id in closed {
            self.lines.remove(&id);
        }
        written
    }

    /// The connection of this name.
    pub(super) fn find(&self, id: ConnectionId) -> Option<LineId> {
        Some(LineId(id.to_number())).filter(|line| self.lines.contains_key(line))
    }

    /// Any connection of an actor.
    pub(super) fn of_actor(&self, actor: usize) -> Option<LineId> {
        self.lines.iter().find(|(_, line)| line.actor == actor).map(|(id, _)| *id)
    }

    /// When something that leaves for the gateway arrives: not before this time, nor before what left before.
    pub(super) fn due_out(&mut self, line: LineId, due: u64) -> u64 {
        self.lines.get_mut(&line).map_or(due, |line| {
            line.last_out = line.last_out.max(due);
            line.last_out
        })
    }

    /// The same for what leaves the gateway.
    pub(super) fn due_in(&mut self, line: LineId, due: u64) -> u64 {
        self.lines.get_mut(&line).map_or(due, |line| {
            line.last_in = line.last_in.max(due);
            line.last_in
        })
    }

    fn add(&mut self, actor: usize, near: DuplexStream, side: FlowSide) -> LineId {
        self.last += 1;
        let framer = StreamFramer::new(side, Limits::default());
        self.lines.insert(LineId(self.last), Line { actor, near, framer, last_in: 0, last_out: 0 });
        LineId(self.last)
    }
}

impl LineId {
    /// Its name in hops.
    pub(super) const fn connection(self) -> ConnectionId {
        ConnectionId::from_number(self.0)
    }
}

fn connection(far: DuplexStream) -> Connection {
    let (reader, writer) = tokio::io::split(far);
    Connection { reader: Box::new(reader), writer: Box::new(writer) }
}

/// What a pipe holds: more than a gateway ever writes at once.
const PIPE_OCTETS: usize = 4 << 20;
const READ_OCTETS: usize = 16 * 1024;
/// From here on actors choose the ports of the connections that they open.
const EPHEMERAL_PORTS: u16 = 32_768;
