//! CSP requests over HTTP, sixty-four at a time over connections that stay open, beside an echo that takes and gives as
//! many octets. The processor time is that of the server's process; the clients are in this one.

mod bell;
mod caller;
mod crowd;
pub(crate) mod site;

pub(crate) use caller::Caller;
pub(crate) use crowd::{Crowd, Sizes, decode, encode, is_taken, receipt, request, send_to, text};

use crate::{
    Effort, clock,
    duel::per_operation,
    report::{Goal, Row, Side, Unit},
};
use acceptance::{folder::Folder, port, process::Process, product::Gateway, wait};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

/// Clients at once.
const CLIENTS: usize = 64;

/// Who watches one presentity.
const WATCHERS: usize = 100;

pub(crate) fn measure(effort: Effort, is_wanted: &dyn Fn(&str) -> bool, add: &mut dyn FnMut(Row)) {
    let rows = [
        Wish { name: "csp_request_memory", store: "memory", what: What::Messages, goal: Goal::Ratio(3.0) },
        Wish { name: "csp_request_embedded", store: "embedded", what: What::Messages, goal: Goal::Ratio(6.0) },
        Wish { name: "csp_poll_memory", store: "memory", what: What::Polls, goal: Goal::Ratio(2.0) },
        Wish { name: "csp_fan_out_memory", store: "memory", what: What::FanOut, goal: Goal::Watched },
        Wish { name: "csp_woken_memory", store: "memory", what: What::Woken, goal: Goal::Amount(25_000.0) },
    ];
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    for wish in rows.into_iter().filter(|wish| is_wanted(wish.name)) {
        add(wish.measure(&runtime, effort));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// SendMessage, a poll that brings NewMessage, MessageDelivered.
    Messages,
    /// A poll that brings nothing.
    Polls,
    /// An update of presence, then for every watcher a poll that brings it and the answer to that.
    FanOut,
    /// An update of presence, which rings for every watcher over its TCP connection, and every watcher's poll that brings
    /// it. The answers to that are not measured.
    Woken,
}

impl What {
    const fn clients(self) -> usize {
        match self {
            Self::Messages | Self::Polls => CLIENTS,
            Self::FanOut | Self::Woken => WATCHERS + 1,
        }
    }

    /// Operations in one turn of all clients.
    const fn operations(self) -> usize {
        match self {
            Self::Messages => 3 * CLIENTS,
            Self::Polls => CLIENTS,
            Self::FanOut | Self::Woken => WATCHERS,
        }
    }

    fn describe(self, store: &str) -> String {
        match self {
            Self::Messages => format!("CSP request (send, poll, delivered), {store} store"),
            Self::Polls => "CSP empty poll".to_owned(),
            Self::FanOut => format!("presence to {WATCHERS} WV watchers, each (poll and answer)"),
            Self::Woken => format!("presence to {WATCHERS} WV watchers woken over TCP, each (ring and poll)"),
        }
    }
}

struct Wish {
    name: &'static str,
    store: &'static str,
    what: What,
    goal: Goal,
}

impl Wish {
    fn measure(&self, runtime: &Runtime, effort: Effort) -> Row {
        let clients = self.what.clients();
        let gateway = site::start(self.store, clients);
        let echo = Echo::start();
        let mut crowd = runtime.block_on(Crowd::log_in(&gateway, clients));
        let sizes = runtime.block_on(async {
            match self.what {
                What::Messages | What::Polls => {}
                What::FanOut => crowd.watch_first().await,
                What::Woken => crowd.watch_first_by_bells(&gateway).await,
            }
            let sizes = crowd.turn(self.what).await;
            for _ in 0..WARM_UP {
                crowd.turn(self.what).await;
            }
            sizes
        });
        let mut callers = runtime.block_on(Caller::connect_all(echo.address, clients));
        let turns = effort.round_ms.saturating_mul(TURNS_PER_100_MS) / 100;
        let operations = turns * u64::try_from(self.what.operations()).unwrap_or(0);
        let (mut ours, mut baseline) = (f64::INFINITY, f64::INFINITY);
        let mut last_told = Duration::MAX;
        for _ in 0..effort.rounds {
            let taken = timed(echo.process.id(), || {
                runtime.block_on(async {
                    for _ in 0..turns {
                        callers = echo_turn(std::mem::take(&mut callers), &sizes).await;
                    }
                });
            });
            baseline = baseline.min(per_operation(taken, operations));
            let taken = if self.what == What::Woken {
                (0..turns).map(|_| self.tell(runtime, &gateway, &mut crowd, &mut last_told)).sum()
            } else {
                timed(gateway.process_id(), || {
                    runtime.block_on(async {
                        for _ in 0..turns {
                            crowd.turn(self.what).await;
                        }
                    });
                })
            };
            ours = ours.min(per_operation(taken, operations));
        }
        let side = |amount, name: &str| Side { amount, instructions: None, allocations: None, name: name.to_owned() };
        Row {
            name: self.name.to_owned(),
            operation: match self.what {
                What::Woken => format!("{}; the last after {last_told:.1?}", self.what.describe(self.store)),
                What::Messages | What::Polls | What::FanOut => self.what.describe(self.store),
            },
            unit: Unit::CpuNanoseconds,
            ours: side(ours, ""),
            baseline: Some(side(baseline, "HTTP echo of the same sizes")),
            goal: self.goal,
        }
    }
}

impl Wish {
    /// One update and what it costs until all are told; how long it took at best.
    #[allow(clippy::disallowed_methods, reason = "measures how long it takes")]
    fn tell(&self, runtime: &Runtime, gateway: &Gateway, crowd: &mut Crowd, best: &mut Duration) -> Duration {
        let began = Instant::now();
        let taken = timed(gateway.process_id(), || {
            runtime.block_on(crowd.tell_by_bells());
        });
        *best = began.elapsed().min(*best);
        runtime.block_on(crowd.answer_all());
        taken
    }
}

pub(crate) fn timed(process: u32, work: impl FnOnce()) -> Duration {
    let start = clock::of_process(process).expect("the server runs");
    work();
    clock::of_process(process).expect("the server runs").saturating_sub(start)
}

/// As many exchanges of these sizes for each caller.
pub(crate) async fn echo_turn(mut callers: Vec<Caller>, sizes: &[Sizes]) -> Vec<Caller> {
    for size in sizes {
        let path = format!("/{:03}", size.answer);
        let body = vec![b'e'; size.request];
        callers = Caller::each(callers, |_| (path.clone(), body.clone())).await.0;
    }
    callers
}

pub(crate) struct Echo {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    _folder: Folder,
}

impl Echo {
    pub(crate) fn start() -> Self {
        let folder = Folder::new("echo");
        let port = port::free();
        let mut command = Command::new(std::env::current_exe().expect("this program knows where it lies"));
        command.arg("echo-http").arg(port.to_string());
        let process = Process::start(&mut command, &folder.file("echo.log")).expect("the echo can be started");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        wait::until("the echo", wait::PATIENCE, || TcpStream::connect(address).ok());
        Self { process, address, _folder: folder }
    }
}

/// Turns before anything is measured: connections, tables and caches have found their size.
const WARM_UP: usize = 20;

/// Turns of all clients that make up 100 ms of a round's wish; a turn of three requests takes some milliseconds.
const TURNS_PER_100_MS: u64 = 100;
