//! Wake-ups over TCP (STCP): clients connect, name their session and wait. One task per connection, on the lane's thread;
//! a wake-up is written by whoever has it.

use crate::{lane::Clock, observe::metric, wv::WvAdapter};
use mapping::side::Side;
use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};
use wv_proto::{
    cir::{
        line::LineReader,
        server::{CirLimits, CirServer, Command, Event, State},
    },
    primitive::identifier::SessionId,
    session::time::Timestamp,
};

/// What the channel is served with.
#[derive(Debug)]
pub struct CirListener {
    /// Where clients connect.
    pub listener: std::net::TcpListener,
    /// How long they may wait with what.
    pub limits: CirLimits,
    /// Connections at once; a tenth of them may be without a session.
    pub connections_max: usize,
}

/// One connection.
#[derive(Debug)]
pub struct CirLink {
    machine: RefCell<CirServer>,
    stream: TcpStream,
    ended: Notify,
}

struct Served {
    adapter: WvAdapter,
    clock: Clock,
    limits: CirLimits,
    connections: Cell<usize>,
    strangers: Cell<usize>,
    connections_max: usize,
}

impl CirListener {
    /// Serves until `stop` becomes true.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub async fn serve(self, adapter: WvAdapter, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(self.listener)?;
        let served = Rc::new(Served {
            clock: adapter.clock(),
            adapter,
            limits: self.limits,
            connections: Cell::new(0),
            strangers: Cell::new(0),
            connections_max: self.connections_max,
        });
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.changed() => return Ok(()),
            };
            match accepted {
                Ok((stream, peer)) if served.has_room() => {
                    tokio::task::spawn_local(Rc::clone(&served).connection(stream, peer, stop.clone()));
                }
                Ok(_) => metric::shed(Side::Wv, "cir_connections"),
                Err(error) => {
                    // Out of descriptors, for instance: wait until some are free again.
                    tracing::warn!(side = "wv", %error, "accepting a CIR connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

impl Served {
    fn has_room(&self) -> bool {
        self.connections.get() < self.connections_max
            && self.strangers.get() < self.connections_max.div_ceil(STRANGERS_DIVISOR)
    }

    async fn connection(self: Rc<Self>, stream: TcpStream, peer: SocketAddr, mut stop: watch::Receiver<bool>) {
        self.connections.set(self.connections.get().saturating_add(1));
        self.strangers.set(self.strangers.get().saturating_add(1));
        // Each line leaves at once: clients look for it at the start of what they read.
        let _ = stream.set_nodelay(true);
        let machine = RefCell::new(CirServer::new(self.now(), self.limits.clone()));
        let link = Rc::new(CirLink { machine, stream, ended: Notify::new() });
        let mut session = None;
        let mut reader = LineReader::default();
        // Lines are written without waiting, so it has to be known that there is room for them.
        let mut is_open = link.stream.writable().await.is_ok();
        while is_open {
            let wait = link.wait(self.now());
            is_open = tokio::select! {
                () = link.ended.notified() => false,
                ready = link.stream.readable() => ready.is_ok() && self.read(&link, &mut reader, &mut session),
                () = tokio::time::sleep(wait) => link.expire(self.now()),
                _ = stop.changed() => false,
            };
        }
        match session {
            Some(session) => self.adapter.cir_lost(&session, &link),
            None => self.strangers.set(self.strangers.get().saturating_sub(1)),
        }
        self.connections.set(self.connections.get().saturating_sub(1));
        tracing::debug!(side = "wv", %peer, "CIR connection ended");
    }

    /// Takes what has arrived; false when the connection is over.
    fn read(&self, link: &Rc<CirLink>, reader: &mut LineReader, session: &mut Option<SessionId>) -> bool {
        let mut buffer = [0_u8; READ_OCTETS];
        let mut input = match link.stream.try_read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        };
        while let Some(line) = reader.next_of_client(&mut input) {
            if let Some(wanted) = link.happen(self.now(), Event::Line(line)) {
                self.admit(link, wanted, session);
            }
            if !link.is_open() {
                return false;
            }
        }
        true
    }

    /// Makes the connection the channel of the session, if there is such a session.
    fn admit(&self, link: &Rc<CirLink>, wanted: SessionId, session: &mut Option<SessionId>) {
        let Some(waiting) = self.adapter.cir_found(&wanted, link) else {
            link.happen(self.now(), Event::Refused);
            return;
        };
        match session.replace(wanted) {
            Some(former) => self.adapter.cir_lost(&former, link),
            None => self.strangers.set(self.strangers.get().saturating_sub(1)),
        }
        link.happen(self.now(), Event::Admitted);
        if let Some(text) = waiting {
            metric::wake_up("STCP");
            link.happen(self.now(), Event::WakeUp(text));
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.now().as_millis())
    }
}

impl CirLink {
    /// Sends a wake-up; false when the connection does not take it.
    pub fn wake_up(&self, now: Timestamp, text: String) -> bool {
        self.happen(now, Event::WakeUp(text));
        self.is_open()
    }

    /// Ends the connection: another has taken its place, or its session is over.
    pub fn release(&self, now: Timestamp) {
        self.happen(now, Event::Released);
    }

    fn is_open(&self) -> bool {
        *self.machine.borrow().state() != State::Closed
    }

    /// Tells the machine, and does what it wants but for looking a session up.
    fn happen(&self, now: Timestamp, event: Event) -> Option<SessionId> {
        let mut machine = self.machine.borrow_mut();
        machine.handle(now, event);
        let mut wanted = None;
        while let Some(command) = machine.poll() {
            match command {
                Command::Find(session) => wanted = Some(session),
                Command::Send(line) => {
                    // A client that does not even read lines of 20 characters is not there any more.
                    if !self.stream.try_write(line.as_bytes()).is_ok_and(|count| count == line.len()) {
                        machine.handle(now, Event::Released);
                    }
                }
                Command::Close => self.ended.notify_one(),
            }
        }
        wanted
    }

    fn expire(&self, now: Timestamp) -> bool {
        self.machine.borrow_mut().expire(now);
        self.is_open()
    }

    fn wait(&self, now: Timestamp) -> Duration {
        self.machine.borrow().deadline().map_or(Duration::ZERO, |deadline| now.until(deadline))
    }
}

/// Octets read at once: some lines.
const READ_OCTETS: usize = 256;

/// Before it has named a session, a connection costs a tenth of what it may later.
const STRANGERS_DIVISOR: usize = 10;
