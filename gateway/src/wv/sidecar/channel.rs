//! Wake-up channels: over a TCP connection that the server rings, or by asking an address over HTTP.

use super::{SessionEvent, Sidecar, post, to_wv};
use mapping::time::Timestamp;
use std::{cell::RefCell, rc::Weak, time::Duration};
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
    session::standing::Channel as Offer,
};

/// The channel of one session.
pub(super) enum Channel {
    /// The server rings.
    Tcp(Box<Bell>),
    /// The server is asked.
    Http { url: Box<str>, next: Timestamp },
}

pub(super) struct Bell {
    machine: CirClient,
    server: (String, u16),
    works: bool,
    /// Connections opened so far: what an old one still says does not count.
    number: u64,
    connection: Option<Connection>,
}

struct Connection {
    lines: mpsc::Sender<String>,
    task: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Channel {
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        match self {
            Self::Tcp(bell) => bell.machine.deadline().map(|at| Timestamp::from_millis(at.as_millis())),
            Self::Http { next, .. } => Some(*next),
        }
    }
}

impl Sidecar {
    /// Opens what the server agreed to, if it did.
    pub(super) fn open_channel(&mut self, now: Timestamp, index: usize, offer: &Offer) {
        let host = self.host_of(index);
        let Some(shadow) = self.shadows.get_mut(index) else { return };
        let Some(session) = shadow.session.session_id().cloned() else { return };
        shadow.channel = match (&offer.tcp, &offer.url) {
            (Some((address, port)), _) => {
                // A server that does not know where it is means where it was found.
                let is_nowhere = address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_unspecified());
                let address = if is_nowhere { host } else { address.to_string() };
                Some(Channel::Tcp(Box::new(Bell {
                    machine: CirClient::default(),
                    server: (address, *port),
                    works: false,
                    number: 0,
                    connection: None,
                })))
            }
            (None, Some(url)) => Some(Channel::Http { url: url.clone(), next: now }),
            (None, None) => None,
        };
        match shadow.channel {
            Some(Channel::Tcp(_)) => self.ring(now, index, Event::Open(session)),
            Some(Channel::Http { .. }) => self.turn(now, index, SessionEvent::Channel(true)),
            None => {}
        }
    }

    fn host_of(&self, index: usize) -> String {
        let peer = self.shadows.get(index).and_then(|shadow| self.settings.peers.get(shadow.peer));
        peer.map(|peer| peer.target.host.clone()).unwrap_or_default()
    }

    /// Something happened on the connection.
    fn ring(&mut self, now: Timestamp, index: usize, event: Event) {
        let Some(Channel::Tcp(bell)) = self.shadows.get_mut(index).and_then(|shadow| shadow.channel.as_mut()) else {
            return;
        };
        bell.machine.handle(to_wv(now), event);
        self.obey(now, index);
    }

    fn obey(&mut self, now: Timestamp, index: usize) {
        let Some(own) = self.own.clone() else { return };
        let Some(Channel::Tcp(bell)) = self.shadows.get_mut(index).and_then(|shadow| shadow.channel.as_mut()) else {
            return;
        };
        let mut polls = false;
        while let Some(command) = bell.machine.poll() {
            match command {
                Command::Connect => bell.connect(&own, index),
                Command::Send(line) => {
                    if let Some(connection) = &bell.connection {
                        // Full only when the server reads nothing, and then it will not answer either.
                        let _ = connection.lines.try_send(line);
                    }
                }
                Command::Poll => polls = true,
                Command::Drop => bell.connection = None,
            }
        }
        // Asked whether it still works, it still does.
        let works = match bell.machine.state() {
            State::Open => true,
            State::Asking => bell.works,
            State::Idle | State::Connecting | State::Waiting => false,
        };
        let changed = std::mem::replace(&mut bell.works, works) != works;
        if changed {
            self.turn(now, index, SessionEvent::Channel(works));
        }
        if polls {
            self.turn(now, index, SessionEvent::WakeUp);
        }
        self.schedule(now, index);
    }

    /// Time has passed for a channel.
    pub(super) fn expire_channel(&mut self, now: Timestamp, index: usize) {
        let poll = self.shadows.get(index).and_then(|shadow| self.settings.peers.get(shadow.peer));
        let interval = poll.map_or(Duration::from_secs(10), |peer| peer.session.poll_interval);
        match self.shadows.get_mut(index).and_then(|shadow| shadow.channel.as_mut()) {
            Some(Channel::Tcp(bell)) => {
                bell.machine.expire(to_wv(now));
                self.obey(now, index);
            }
            Some(Channel::Http { url, next }) if *next <= now => {
                *next = now.after(interval);
                let url = url.clone();
                self.ask_whether(index, url);
            }
            Some(Channel::Http { .. }) | None => {}
        }
    }

    /// Asks the address whether something waits.
    fn ask_whether(&self, index: usize, url: Box<str>) {
        let Some(own) = self.own.clone() else { return };
        tokio::task::spawn_local(async move {
            let found = post::ask(&url).await;
            let Some(own) = own.upgrade() else { return };
            let mut sidecar = own.borrow_mut();
            let now = sidecar.clock.now();
            match found {
                Ok(true) => sidecar.turn(now, index, SessionEvent::WakeUp),
                Ok(false) => {}
                // Who does not answer there is polled.
                Err(_) => {
                    if let Some(shadow) = sidecar.shadows.get_mut(index) {
                        shadow.channel = None;
                    }
                    sidecar.turn(now, index, SessionEvent::Channel(false));
                }
            }
            sidecar.wake.notify_one();
        });
    }
}

impl Bell {
    fn connect(&mut self, own: &Weak<RefCell<Sidecar>>, index: usize) {
        self.number = self.number.wrapping_add(1);
        let (server, number, own) = (self.server.clone(), self.number, own.clone());
        let (lines, outgoing) = mpsc::channel(LINES_MAX);
        let task = tokio::task::spawn_local(async move {
            let _ = converse(server, &own, (index, number), outgoing).await;
            tell(&own, (index, number), Event::Lost);
        });
        self.connection = Some(Connection { lines, task: task.abort_handle() });
    }
}

/// Tells the channel what happened, unless another connection took its place.
fn tell(own: &Weak<RefCell<Sidecar>>, (index, number): (usize, u64), event: Event) {
    let Some(own) = own.upgrade() else { return };
    let mut sidecar = own.borrow_mut();
    let now = sidecar.clock.now();
    let channel = sidecar.shadows.get(index).and_then(|shadow| shadow.channel.as_ref());
    if matches!(channel, Some(Channel::Tcp(bell)) if bell.number == number) {
        sidecar.ring(now, index, event);
        sidecar.wake.notify_one();
    }
}

/// Reads and writes lines until the connection ends.
async fn converse(
    server: (String, u16),
    own: &Weak<RefCell<Sidecar>>,
    place: (usize, u64),
    mut outgoing: mpsc::Receiver<String>,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    let _ = stream.set_nodelay(true);
    tell(own, place, Event::Connected);
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
                    tell(own, place, Event::Line(line));
                }
            }
            line = outgoing.recv() => match line {
                Some(line) => tokio::time::timeout(WRITE_PATIENCE, stream.write_all(line.as_bytes())).await??,
                None => return Ok(()),
            },
        }
    }
}

/// Lines that wait.
const LINES_MAX: usize = 4;

const READ_OCTETS: usize = 128;

const WRITE_PATIENCE: Duration = Duration::from_secs(5);
