//! The stage of processes and sockets.

use super::{
    actor::Casting,
    capture::{Passage, Passages},
    gateway_process::GatewayProcess,
    pool::Pool,
    scenario::{
        seen::Seen,
        stage::{Act, GatewayWish, Identity, Order, Role, Setting, Stage, StageError},
    },
    venue::{self, Venue},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A stage at a gateway that others share, or at one of its own. Everybody on it ends with it.
#[derive(Debug)]
pub struct SocketStage<'a> {
    venue: &'a Venue,
    own: Option<GatewayProcess>,
    actors: Vec<Player>,
    seen: Option<Receiver<(usize, Told)>>,
    /// What was seen while an act was waited for.
    before: VecDeque<(usize, Seen)>,
    /// What passed, where a capture is wanted.
    passages: Option<Passages>,
    began: Instant,
}

/// An actor's process.
#[derive(Debug)]
struct Player {
    name: String,
    child: Child,
    acts: Option<ChildStdin>,
    listener: Option<JoinHandle<()>>,
}

/// What a process says.
#[derive(Debug)]
enum Told {
    Ready,
    /// An act was performed.
    Done,
    Seen(Box<Seen>),
    Passed(Box<Passage>),
    Ended,
}

impl<'a> SocketStage<'a> {
    /// A stage on which nobody is yet.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "over sockets, time is that of the clock")]
    pub fn new(venue: &'a Venue) -> Self {
        let began = Instant::now();
        Self { venue, own: None, actors: Vec::new(), seen: None, before: VecDeque::new(), passages: None, began }
    }

    /// The same, on which everything that passes is captured.
    #[must_use]
    pub fn capturing(mut self) -> Self {
        self.passages = Some(Passages::default());
        self
    }

    /// What has passed, as a pcapng; everybody leaves the stage. None where nothing was to be captured, or nothing passed.
    #[must_use]
    pub fn take_capture(mut self) -> Option<Vec<u8>> {
        self.actors.iter_mut().for_each(|player| player.acts = None);
        let mut staying = self.actors.len();
        while staying > 0 && self.passages.is_some() {
            let told = self.seen.as_ref().map(|seen| seen.recv_timeout(LEAVE_PATIENCE));
            match told {
                Some(Ok((who, Told::Passed(passage)))) => self.note(who, *passage),
                Some(Ok((_, Told::Ended))) => staying = staying.saturating_sub(1),
                Some(Ok((_, Told::Ready | Told::Done | Told::Seen(_)))) => {}
                Some(Err(_)) | None => break,
            }
        }
        self.passages.take().and_then(Passages::to_capture)
    }

    fn note(&mut self, actor: usize, passage: Passage) {
        let name = self.actors.get(actor).map(|player| player.name.as_str()).unwrap_or_default();
        if let Some(passages) = &mut self.passages {
            passages.add(name, passage);
        }
    }

    /// Waits until an actor has done what it was told: what others do next must find it done.
    fn wait_until_done(&mut self, actor: usize) -> Result<(), StageError> {
        loop {
            let told = self.seen.as_ref().map(|seen| seen.recv_timeout(ENTER_PATIENCE));
            match told {
                Some(Ok((who, Told::Done))) if who == actor => return Ok(()),
                Some(Ok((who, Told::Seen(seen)))) => self.before.push_back((who, *seen)),
                Some(Ok((who, Told::Passed(passage)))) => self.note(who, *passage),
                Some(Ok((who, Told::Ready | Told::Done | Told::Ended))) => {
                    return Err(self.gone(who, "its process ended"));
                }
                Some(Err(_)) | None => return Err(self.gone(actor, "it does not do what it is told")),
            }
        }
    }

    fn gone(&self, actor: usize, reason: &str) -> StageError {
        let actor = self.actors.get(actor).map(|player| player.name.clone()).unwrap_or_default();
        StageError::ActorGone { actor, reason: reason.to_owned() }
    }
}

impl Stage for SocketStage<'_> {
    fn open(&mut self, setting: &Setting) -> Result<Vec<Identity>, StageError> {
        let own = match &setting.gateway {
            GatewayWish::Shared => None,
            GatewayWish::Own(settings) => {
                let pool = Pool::own(&setting.roles).map_err(|error| StageError::Gateway(error.to_string()))?;
                self.own = Some(self.venue.start_own(&pool, settings)?);
                Some(pool)
            }
        };
        let (sender, receiver) = sync_channel(QUEUE);
        let mut identities: Vec<Identity> = Vec::new();
        for (index, role) in setting.roles.iter().enumerate() {
            let shared = role.shares_user_of.and_then(|other| identities.get(other).cloned());
            let (identity, listen) = match shared {
                Some(identity) => (identity, None),
                None => own.as_ref().map_or_else(|| self.venue.give(role), |pool| pool.give(role))?,
            };
            let server = match &self.own {
                Some(gateway) => venue::server_of(gateway, &role.kind),
                None => self.venue.server(&role.kind)?,
            };
            let casting = Casting { captures: self.passages.is_some(), ..casting(role, &identity, listen, server) };
            self.actors.push(Player::enter(self.venue.program(), index, &casting, sender.clone())?);
            identities.push(identity);
        }
        for _ in &setting.roles {
            match receiver.recv_timeout(ENTER_PATIENCE) {
                Ok((_, Told::Ready)) => {}
                Ok((index, Told::Done | Told::Seen(_) | Told::Passed(_) | Told::Ended)) => {
                    return Err(self.gone(index, "it did not get ready"));
                }
                Err(error) => return Err(StageError::NotOffered(format!("actor that is ready: {error}"))),
            }
        }
        self.seen = Some(receiver);
        Ok(identities)
    }

    fn perform(&mut self, actor: usize, act: &Act) -> Result<(), StageError> {
        let line = serde_json::to_string(act).map_err(|error| self.gone(actor, &error.to_string()))?;
        let acts = self.actors.get_mut(actor).and_then(|player| player.acts.as_mut());
        let written = acts.map(|acts| writeln!(acts, "{line}").and_then(|()| acts.flush()));
        match written {
            Some(Ok(())) => self.wait_until_done(actor),
            Some(Err(error)) => Err(self.gone(actor, &error.to_string())),
            None => Err(self.gone(actor, "it never came")),
        }
    }

    fn operate(&mut self, order: Order) -> Result<(), StageError> {
        let offered = || StageError::NotOffered("gateway to be killed (write: gateway of its own)".to_owned());
        let gateway = self.own.as_mut().ok_or_else(offered)?;
        match order {
            Order::Kill => {
                gateway.kill();
                Ok(())
            }
            Order::Drain => gateway.drain().map_err(StageError::Gateway),
            Order::Start => gateway.start_again().map_err(|error| StageError::Gateway(error.to_string())),
        }
    }

    fn next(&mut self, patience: Duration) -> Result<Option<(usize, Seen)>, StageError> {
        if let Some(seen) = self.before.pop_front() {
            return Ok(Some(seen));
        }
        let end = self.now().saturating_add(patience);
        loop {
            let left = end.saturating_sub(self.now());
            let Some(seen) = &self.seen else { return Ok(None) };
            return match seen.recv_timeout(left) {
                Ok((actor, Told::Passed(passage))) => {
                    self.note(actor, *passage);
                    continue;
                }
                Ok((actor, Told::Seen(seen))) => Ok(Some((actor, *seen))),
                Ok((actor, Told::Ready | Told::Done | Told::Ended)) => Err(self.gone(actor, "its process ended")),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(StageError::NotOffered("actor any more".to_owned())),
            };
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

fn casting(role: &Role, identity: &Identity, listen: Option<SocketAddr>, server: String) -> Casting {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let unique = format!("{}-{}-{count}", role.name, std::process::id());
    Casting { role: role.clone(), identity: identity.clone(), server, listen, unique, poll_ms: None, captures: false }
}

impl Player {
    fn enter(
        program: &Path,
        index: usize,
        casting: &Casting,
        told: SyncSender<(usize, Told)>,
    ) -> Result<Self, StageError> {
        let name = casting.role.name.clone();
        let gone = |reason: String| StageError::ActorGone { actor: name.clone(), reason };
        let mut child = Command::new(program)
            .args(["peer", "actor"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| gone(error.to_string()))?;
        let mut acts = child.stdin.take();
        let line = json!(casting).to_string();
        if let Some(acts) = &mut acts {
            writeln!(acts, "{line}").map_err(|error| gone(error.to_string()))?;
        }
        let output = child.stdout.take().ok_or_else(|| gone("it has no output".to_owned()))?;
        let listener = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(what) = read(&line)
                    && told.send((index, what)).is_err()
                {
                    return;
                }
            }
            // Nobody listens any more when the stage is closed.
            let _ = told.send((index, Told::Ended));
        });
        Ok(Self { name, child, acts, listener: Some(listener) })
    }
}

fn read(line: &str) -> Option<Told> {
    let mut value: Value = serde_json::from_str(line).ok()?;
    if let Some(seen) = value.get_mut("seen") {
        return serde_json::from_value(seen.take()).ok().map(|seen| Told::Seen(Box::new(seen)));
    }
    if let Some(passed) = value.get_mut("passed") {
        return serde_json::from_value(passed.take()).ok().map(|passed| Told::Passed(Box::new(passed)));
    }
    if value.get("done").is_some() {
        return Some(Told::Done);
    }
    value.get("ready").map(|_| Told::Ready)
}

impl Drop for SocketStage<'_> {
    fn drop(&mut self) {
        // The threads that listen end when nobody takes what they hear.
        self.seen = None;
        self.actors.clear();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.acts = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// What waits to be looked at.
const QUEUE: usize = 10_000;
/// How long an actor may take to tell what passed last.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a process may take to start on a loaded machine.
const ENTER_PATIENCE: Duration = Duration::from_secs(60);
