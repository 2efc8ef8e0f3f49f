//! The phone's channel for wake-ups over TCP: a connection in a task of its own, as the machine of `wv-proto` wants it.

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::AbortHandle,
};
use wv_proto::{
    cir::{
        client::{CirClient, Command, Event, State},
        line::LineReader,
    },
    primitive::{capability::CirMethod, identifier::SessionId, service::CapabilityAnswer},
    session::time::Timestamp,
};

/// What became of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// Nothing that the phone has to act on.
    Nothing,
    /// The channel works for the first time.
    Opened,
    /// It is to poll.
    Poll,
}

/// The channel. There is none until the server has agreed on one.
#[derive(Debug)]
pub(super) struct Channel {
    machine: CirClient,
    server: Option<(String, u16)>,
    was_open: bool,
    connection: Option<Connection>,
    /// Connections opened so far: what an old one still says does not count.
    number: u64,
    events: mpsc::Receiver<(u64, Event)>,
    sender: mpsc::Sender<(u64, Event)>,
}

#[derive(Debug)]
struct Connection {
    lines: mpsc::Sender<String>,
    task: AbortHandle,
}

impl Channel {
    /// No channel.
    pub(super) fn new() -> Self {
        let (sender, events) = mpsc::channel(EVENTS_MAX);
        Self {
            machine: CirClient::default(),
            server: None,
            was_open: false,
            connection: None,
            number: 0,
            events,
            sender,
        }
    }

    /// Opens the channel that the server agreed to, if it did.
    pub(super) fn open(&mut self, now: Timestamp, session: &SessionId, agreed: &CapabilityAnswer) {
        let (methods, address, port) = match agreed {
            CapabilityAnswer::Agreed(list) => (&list.supported_cir_methods, &list.tcp_address, list.tcp_port),
            CapabilityAnswer::Repeated(list) => (&list.supported_cir_methods, &list.tcp_address, list.tcp_port),
        };
        if let Some((address, port)) = address.as_deref().zip(port)
            && methods.contains(&CirMethod::Stcp)
        {
            self.server = Some((address.to_owned(), port));
            self.was_open = false;
            self.happen(now, Event::Open(session.clone()));
        }
    }

    /// Gives the channel up.
    pub(super) fn close(&mut self, now: Timestamp) {
        self.happen(now, Event::Close);
    }

    /// The next thing that happens on it. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            let (number, event) = self.events.recv().await?;
            if number == self.number {
                return Some(event);
            }
        }
    }

    /// When [`Self::expire`] is to be called.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.machine.deadline()
    }

    /// Time has passed.
    pub(super) fn expire(&mut self, now: Timestamp) -> Happening {
        self.machine.expire(now);
        self.obey()
    }

    /// Something happened.
    pub(super) fn happen(&mut self, now: Timestamp, event: Event) -> Happening {
        self.machine.handle(now, event);
        match self.obey() {
            Happening::Nothing if self.machine.state() == State::Open && !self.was_open => {
                self.was_open = true;
                Happening::Opened
            }
            happening => happening,
        }
    }

    fn obey(&mut self) -> Happening {
        let mut happening = Happening::Nothing;
        while let Some(command) = self.machine.poll() {
            match command {
                Command::Connect => self.connect(),
                Command::Send(line) => {
                    if let Some(connection) = &self.connection {
                        // Full only when the server reads nothing, and then it will not answer either.
                        let _ = connection.lines.try_send(line);
                    }
                }
                Command::Poll => happening = Happening::Poll,
                Command::Drop => self.connection = None,
            }
        }
        happening
    }

    fn connect(&mut self) {
        let Some(server) = self.server.clone() else { return };
        self.number = self.number.wrapping_add(1);
        let (number, events) = (self.number, self.sender.clone());
        let (lines, outgoing) = mpsc::channel(EVENTS_MAX);
        let task = tokio::spawn(async move {
            let _ = converse(server, number, &events, outgoing).await;
            let _ = events.send((number, Event::Lost)).await;
        });
        self.connection = Some(Connection { lines, task: task.abort_handle() });
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads and writes lines until the connection ends.
async fn converse(
    server: (String, u16),
    number: u64,
    events: &mpsc::Sender<(u64, Event)>,
    mut outgoing: mpsc::Receiver<String>,
) -> std::io::Result<()> {
    let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
    let mut stream = TcpStream::connect(server).await?;
    let _ = stream.set_nodelay(true);
    events.send((number, Event::Connected)).await.map_err(gone)?;
    let mut reader = LineReader::default();
    let mut buffer = [0_u8; READ_OCTETS];
    loop {
        tokio::select! {
            count = stream.read(&mut buffer) => {
                let count = count?;
                let mut input = buffer.get(..count).unwrap_or_default();
                if input.is_empty() {
                    return Ok(());
                }
                while let Some(line) = reader.next_of_server(&mut input) {
                    events.send((number, Event::Line(line))).await.map_err(gone)?;
                }
            }
            line = outgoing.recv() => match line {
                Some(line) => tokio::time::timeout(WRITE_PATIENCE, stream.write_all(line.as_bytes())).await??,
                None => return Ok(()),
            },
        }
    }
}

/// Lines and events that wait.
const EVENTS_MAX: usize = 16;

const READ_OCTETS: usize = 256;

const WRITE_PATIENCE: Duration = Duration::from_secs(5);
