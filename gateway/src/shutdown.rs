//! The end of the process, in order: stop accepting, turn not ready, drain, persist, close.

use std::{fmt, io, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

/// Where the process is in its life. Phases only ever go forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not listening yet.
    Starting,
    /// In service; the only phase in which `/ready` says so.
    Running,
    /// Listeners take no new connections and sessions.
    StopAccepting,
    /// `/ready` has said no: load balancers look elsewhere.
    NotReady,
    /// What is under way is finished.
    Drain,
    /// The last batches go to the store.
    Persist,
    /// Sockets and files are closed.
    Close,
}

/// Leads the process through its phases.
#[derive(Debug)]
pub struct Shutdown {
    phase: watch::Sender<Phase>,
    request: watch::Sender<bool>,
    members: Vec<(&'static str, watch::Receiver<Phase>)>,
}

/// A part of the process that has something to do in some phases.
#[derive(Debug)]
pub struct Member {
    phase: watch::Receiver<Phase>,
    reached: watch::Sender<Phase>,
}

/// Asks for an orderly shutdown from anywhere.
#[derive(Clone, Debug)]
pub struct Trigger(watch::Sender<bool>);

/// How a shutdown went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every member reached every phase.
    Orderly,
    /// These did not, in time.
    Late(Vec<(&'static str, Phase)>),
    /// A second signal cut it short.
    Forced,
}

/// The signals that end the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Shutdown {
    /// A process that is starting.
    #[must_use]
    pub fn new() -> Self {
        Self { phase: watch::Sender::new(Phase::Starting), request: watch::Sender::new(false), members: Vec::new() }
    }

    /// Adds a member; the name shows in the log when it is late.
    pub fn member(&mut self, name: &'static str) -> Member {
        let (reached, seen) = watch::channel(Phase::Starting);
        self.members.push((name, seen));
        Member { phase: self.phase.subscribe(), reached }
    }

    /// The process is in service.
    pub fn start(&self) {
        self.phase.send_replace(Phase::Running);
    }

    /// Shows the phase to somebody for whom nobody waits.
    #[must_use]
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Something that can ask for the shutdown.
    #[must_use]
    pub fn trigger(&self) -> Trigger {
        Trigger(self.request.clone())
    }

    /// Waits for a signal or a trigger, then goes through the phases. `drain` bounds the wait for the members in that
    /// phase; the other phases are bounded by [`PHASE_WAIT`]. A second signal ends it at once.
    pub async fn run(self, signals: &mut Signals, drain: Duration) -> Ending {
        let mut request = self.request.subscribe();
        tokio::select! {
            () = signals.next() => tracing::info!("shutdown asked for by a signal"),
            _ = request.wait_for(|asked| *asked) => tracing::info!("shutdown asked for"),
        }
        tokio::select! {
            () = signals.next() => Ending::Forced,
            ending = self.finish(drain) => ending,
        }
    }

    /// Waits for a trigger, then goes through the phases; signals are somebody else's.
    pub async fn run_unsignalled(self, drain: Duration) -> Ending {
        // The sender lives in `self`.
        let _ = self.request.subscribe().wait_for(|asked| *asked).await;
        self.finish(drain).await
    }

    /// Goes through the phases without waiting for anybody to ask.
    pub async fn finish(mut self, drain: Duration) -> Ending {
        let mut late = Vec::new();
        for phase in [Phase::StopAccepting, Phase::NotReady, Phase::Drain, Phase::Persist, Phase::Close] {
            self.phase.send_replace(phase);
            let deadline = tokio::time::Instant::now() + if phase == Phase::Drain { drain } else { PHASE_WAIT };
            for (name, seen) in &mut self.members {
                let reached = seen.wait_for(|reached| *reached >= phase);
                // A member that is gone has nothing left to do.
                if tokio::time::timeout_at(deadline, reached).await.is_err() {
                    tracing::warn!(member = *name, %phase, "not done in time");
                    late.push((*name, phase));
                }
            }
        }
        if late.is_empty() { Ending::Orderly } else { Ending::Late(late) }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Member {
    /// The phase now.
    #[must_use]
    pub fn now(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Shows the phase to a part of this member.
    #[must_use]
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }

    /// Waits until the process is in `phase` or past it; at once when it is already. Cancel-safe.
    pub async fn wait_for(&mut self, phase: Phase) -> Phase {
        match self.phase.wait_for(|now| *now >= phase).await {
            Ok(now) => *now,
            Err(_) => Phase::Close,
        }
    }

    /// This member has done everything that belongs to `phase`. Dropping the member says it for all phases.
    pub fn reached(&self, phase: Phase) {
        self.reached.send_replace(phase);
    }
}

impl Trigger {
    /// Asks for the shutdown; asking twice is asking once.
    pub fn pull(&self) {
        self.0.send_replace(true);
    }
}

impl Signals {
    /// Listens for SIGTERM and SIGINT from now on. Needs a runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next signal. Cancel-safe.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }
}

impl Phase {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::StopAccepting => "stop accepting",
            Self::NotReady => "not ready",
            Self::Drain => "drain",
            Self::Persist => "persist",
            Self::Close => "close",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a phase waits for its members, except the one that drains.
pub const PHASE_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn phases_come_in_order_and_wait_for_their_members() {
        run(async {
            let mut shutdown = Shutdown::new();
            let mut member = shutdown.member("lane");
            let gone = shutdown.member("gone");
            drop(gone);
            shutdown.start();
            assert_eq!(member.now(), Phase::Running);
            let work = tokio::spawn(async move {
                let mut seen = Vec::new();
                for phase in [Phase::StopAccepting, Phase::NotReady, Phase::Drain, Phase::Persist, Phase::Close] {
                    seen.push(member.wait_for(phase).await);
                    member.reached(phase);
                }
                seen
            });
            assert_eq!(shutdown.finish(Duration::from_secs(5)).await, Ending::Orderly);
            let seen = work.await.unwrap();
            assert_eq!(seen, [Phase::StopAccepting, Phase::NotReady, Phase::Drain, Phase::Persist, Phase::Close]);
        });
    }

    #[test]
    fn a_member_that_does_not_finish_is_named() {
        run(async {
            let mut shutdown = Shutdown::new();
            let member = shutdown.member("slow");
            member.reached(Phase::NotReady);
            let finish = shutdown.finish(Duration::ZERO);
            let rest = async {
                let mut member = member;
                member.wait_for(Phase::Persist).await;
                member.reached(Phase::Close);
            };
            let (ending, ()) = tokio::join!(finish, rest);
            assert_eq!(ending, Ending::Late(vec![("slow", Phase::Drain)]));
        });
    }

    #[test]
    fn a_trigger_is_as_good_as_a_signal() {
        run(async {
            let shutdown = Shutdown::new();
            let trigger = shutdown.trigger();
            trigger.pull();
            trigger.pull();
            let mut signals = Signals::listen().unwrap();
            assert_eq!(shutdown.run(&mut signals, Duration::ZERO).await, Ending::Orderly);
        });
    }
}
