//! An actor of a scenario in a process of its own: who it is comes as the first line of standard input, what it does as
//! further lines, all in JSON; what it sees goes to standard output.

use super::{
    PeerError,
    line::Lines,
    random,
    sip::socket::{Arrival as SocketArrival, Sockets},
    tap::{Noted, Tap},
    wv::courier::{Courier, Destination},
};
use crate::lab::{
    actor::{Actor, Arrival, Casting, Faulty, Output, sip::SipActor, wv::WvActor},
    capture::Passage,
    scenario::{
        seen::Seen,
        stage::{Act, RoleKind, SipTransport},
    },
};
use serde_json::json;
use sip_proto::message::header::via::Transport;
use std::{
    io::{self, Write as _},
    net::{SocketAddr, ToSocketAddrs as _, UdpSocket},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// Plays an actor until standard input ends.
///
/// # Errors
/// When the casting cannot be used, or nobody reads any more.
pub fn run() -> Result<(), PeerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut lines = Lines::read()?;
        let Some(line) = lines.next().await else { return Ok(()) };
        let casting: Casting =
            serde_json::from_str(&line).map_err(|error| PeerError::option("casting", &line, error))?;
        play(casting, Acts::from_lines(lines), print).await
    })
}

/// Plays an actor until nobody says any more what it is to do.
///
/// # Errors
/// When the casting cannot be used, or nobody takes what it tells.
pub async fn play(casting: Casting, acts: Acts, tell: impl FnMut(Told) -> io::Result<()>) -> Result<(), PeerError> {
    match casting.role.kind {
        RoleKind::WvClient { .. } => play_wv(casting, acts, tell).await,
        RoleKind::SipAgent { transport } | RoleKind::SimpleServer { transport } => {
            play_sip(&casting, transport, acts, tell).await
        }
    }
}

/// Where an actor learns what to do.
#[derive(Debug)]
pub struct Acts(Source);

#[derive(Debug)]
enum Source {
    /// JSON, line by line.
    Lines(Lines),
    /// Whoever plays several actors at once.
    Channel(mpsc::Receiver<Act>),
}

/// What an actor tells.
#[derive(Clone, Debug)]
pub enum Told {
    /// It can do what it is told.
    Ready {
        /// Where it listens, if it does.
        local: Option<SocketAddr>,
    },
    /// It has done an act.
    Done,
    /// It saw something.
    Seen(Box<Seen>),
    /// Octets passed; only where a capture is wanted.
    Passed(Box<Passage>),
}

impl Acts {
    /// Acts that somebody else in this process sends.
    #[must_use]
    pub const fn from_channel(acts: mpsc::Receiver<Act>) -> Self {
        Self(Source::Channel(acts))
    }

    const fn from_lines(lines: Lines) -> Self {
        Self(Source::Lines(lines))
    }

    /// The next one; none when there will be no more. Cancel-safe.
    async fn next(&mut self) -> Result<Option<Act>, PeerError> {
        match &mut self.0 {
            Source::Lines(lines) => {
                let line = lines.next().await;
                let act = line
                    .map(|line| serde_json::from_str(&line).map_err(|error| PeerError::option("act", &line, error)));
                act.transpose()
            }
            Source::Channel(acts) => Ok(acts.recv().await),
        }
    }
}

/// The time since the actor entered.
struct Watch(Instant);

impl Watch {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits until a time; for ever when there is none.
    async fn wait(&self, due_ms: Option<u64>) {
        match due_ms.and_then(|due| self.0.checked_add(Duration::from_millis(due))) {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }
}

async fn play_wv(
    casting: Casting,
    mut acts: Acts,
    mut tell: impl FnMut(Told) -> io::Result<()>,
) -> Result<(), PeerError> {
    let destination =
        Destination::parse(&casting.server).map_err(|reason| PeerError::option("server", &casting.server, reason))?;
    let (tap, mut noted) = Tap::new(casting.captures);
    let actor = WvActor::new(casting).map_err(io::Error::other)?;
    let (mut actor, mut courier) = (Faulty::new(actor), Courier::start(destination, tap));
    let watch = Watch(Instant::now());
    let mut is_waiting = false;
    tell(Told::Ready { local: None })?;
    loop {
        tell_noted(&mut noted, &mut tell)?;
        while let Some(output) = actor.poll() {
            match output {
                Output::Post { content_type, body } => {
                    is_waiting = true;
                    courier.post(&content_type, body).await;
                }
                Output::Cut => courier.cut().await,
                Output::Seen(seen) => tell(Told::Seen(Box::new(seen)))?,
                Output::Sip { .. } => {}
            }
        }
        let due = actor.deadline_ms();
        tokio::select! {
            act = acts.next() => match act? {
                Some(act) => {
                    actor.perform(watch.now_ms(), act);
                    // Who directs waits for this: what others do next must find the act done.
                    tell(Told::Done)?;
                }
                None => return tell_noted(&mut noted, &mut tell),
            },
            passage = noted.next() => tell(Told::Passed(Box::new(passage)))?,
            answer = courier.answer(), if is_waiting => {
                is_waiting = false;
                let arrival = match answer {
                    Ok(answer) => Arrival::Answer {
                        content_type: answer.content_type.map(|kind| kind.as_str().to_owned()),
                        body: answer.body,
                    },
                    Err(error) => Arrival::Unanswered(error.to_string()),
                };
                actor.receive(watch.now_ms(), arrival);
            }
            () = watch.wait(due) => actor.expire(watch.now_ms()),
        }
    }
}

async fn play_sip(
    casting: &Casting,
    transport: SipTransport,
    mut acts: Acts,
    mut tell: impl FnMut(Told) -> io::Result<()>,
) -> Result<(), PeerError> {
    let failed = |reason: &dyn ToString| PeerError::option("server", &casting.server, reason.to_string());
    let server = casting.server.to_socket_addrs().map_err(|error| failed(&error))?.next();
    let server = server.ok_or_else(|| failed(&"the name has no address"))?;
    let listen = match casting.listen {
        Some(listen) => listen,
        None => way_to(server)?,
    };
    let (sender, mut arrivals) = mpsc::channel(ARRIVALS_MAX);
    let transport = match transport {
        SipTransport::Udp => Transport::Udp,
        SipTransport::Tcp => Transport::Tcp,
    };
    let (tap, mut noted) = Tap::new(casting.captures);
    let mut sockets = Sockets::open(&transport, listen, None, (sender, tap)).await?;
    let actor = SipActor::new(casting, server, sockets.local(), random()?).map_err(io::Error::other)?;
    let mut actor = Faulty::new(actor);
    let watch = Watch(Instant::now());
    tell(Told::Ready { local: Some(sockets.local()) })?;
    loop {
        tell_noted(&mut noted, &mut tell)?;
        while let Some(output) = actor.poll() {
            match output {
                Output::Sip { octets, target, transaction } => sockets.send(octets, &target, transaction),
                Output::Seen(seen) => tell(Told::Seen(Box::new(seen)))?,
                Output::Post { .. } | Output::Cut => {}
            }
        }
        let due = actor.deadline_ms();
        tokio::select! {
            act = acts.next() => match act? {
                Some(act) => {
                    actor.perform(watch.now_ms(), act);
                    // Who directs waits for this: what others do next must find the act done.
                    tell(Told::Done)?;
                }
                None => return tell_noted(&mut noted, &mut tell),
            },
            passage = noted.next() => tell(Told::Passed(Box::new(passage)))?,
            Some(arrival) = arrivals.recv() => match arrival {
                SocketArrival::Message { message, hop } => {
                    actor.receive(watch.now_ms(), Arrival::Sip { message, hop });
                }
                SocketArrival::Unsent(transaction) => actor.receive(watch.now_ms(), Arrival::Unsent(transaction)),
                SocketArrival::Accepted(connection) => sockets.adopt(connection),
                SocketArrival::Closed(id) => sockets.forget(id),
            },
            () = watch.wait(due) => actor.expire(watch.now_ms()),
        }
    }
}

/// What has passed is told before what was seen in it.
fn tell_noted(noted: &mut Noted, tell: &mut impl FnMut(Told) -> io::Result<()>) -> Result<(), PeerError> {
    while let Some(passage) = noted.next_now() {
        tell(Told::Passed(Box::new(passage)))?;
    }
    Ok(())
}

/// What is told, as JSON on standard output.
fn print(told: Told) -> io::Result<()> {
    let line = match told {
        Told::Ready { local: Some(local) } => json!({ "ready": { "local": local } }),
        Told::Ready { local: None } => json!({ "ready": {} }),
        Told::Done => json!({ "done": {} }),
        Told::Seen(seen) => json!({ "seen": seen }),
        Told::Passed(passage) => json!({ "passed": passage }),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The own address that leads to the server. Nothing is sent: connecting a datagram socket only asks for the way.
fn way_to(server: SocketAddr) -> io::Result<SocketAddr> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = UdpSocket::bind(any)?;
    probe.connect(server)?;
    Ok(SocketAddr::new(probe.local_addr()?.ip(), 0))
}

/// What came in and was not looked at yet; more makes the sockets wait.
const ARRIVALS_MAX: usize = 256;
