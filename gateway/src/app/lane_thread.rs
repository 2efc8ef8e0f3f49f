//! A lane on its thread: built, turned, and built anew from the store after a panic.

use super::{
    StartError,
    assembly::{Connections, LanePlan, REBUILDS_MAX},
    settings,
    socket::Sockets,
};
use crate::{
    config::{Configuration, section::ClearPasswords, value::SipTransport},
    lane::{Lane, LaneLink, LaneTask},
    observe::panic,
    resolver::Resolver,
    shutdown::{Member, Phase},
    simple::transport::Transports,
    store::{OpenStore, Snapshot},
    tls::{TlsIdentity, domain::DomainTls},
    wv::{
        SspAdapter, SubscriberBackend, WvAdapter,
        cir::{CirListener, CirOutlet, PushGateway},
        listener::{self, ListenerSettings},
        plain_text::PlainTextListener,
        ssp::listener as ssp_listener,
    },
};
use mapping::side::Side;
use sip_proto::message::header::via::Transport;
use std::{
    io,
    net::{TcpListener, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
    task::LocalSet,
};
use wv_proto::{cir::server::CirLimits, session::login::Exposure};

/// All lanes with their threads.
#[derive(Debug)]
pub(super) struct LaneCrew {
    pub(super) links: Arc<[LaneLink]>,
    threads: Vec<JoinHandle<()>>,
    reports: mpsc::Receiver<LaneReport>,
    reporter: Option<mpsc::Sender<LaneReport>>,
}

/// What a lane is built from, as often as it takes; everything in it may travel to the lane's thread.
pub(super) struct LaneOrder {
    pub(super) plan: LanePlan,
    pub(super) tls: Option<TlsIdentity>,
    pub(super) ssp_tls: Option<TlsIdentity>,
    /// The same on the SIP side, with what others are judged by.
    pub(super) sip_tls: Option<DomainTls>,
    pub(super) subscribers: SubscriberBackend,
    pub(super) store: Arc<OpenStore>,
    pub(super) sockets: Sockets,
    pub(super) tasks: mpsc::Receiver<LaneTask>,
    pub(super) neighbours: Arc<[LaneLink]>,
    pub(super) member: Member,
}

/// What lanes tell of themselves.
#[derive(Debug)]
pub(super) enum LaneReport {
    /// It turns.
    InService,
    /// It could not be built.
    Failed(u32, String),
    /// Its thread ends, because it was asked to or after too many panics.
    Ended(u32),
}

impl LaneCrew {
    pub(super) fn new(links: Arc<[LaneLink]>) -> Self {
        let (reporter, reports) = mpsc::channel(links.len().saturating_mul(4).max(4));
        Self { links, threads: Vec::new(), reports, reporter: Some(reporter) }
    }

    /// Starts a lane on a thread of its own.
    pub(super) fn add(&mut self, order: LaneOrder, snapshot: Arc<Snapshot>) -> Result<(), StartError> {
        let Some(reporter) = self.reporter.clone() else { return Ok(()) };
        let name = format!("lane-{}", order.plan.number());
        let thread = std::thread::Builder::new().name(name).spawn(move || run(order, snapshot, &reporter))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Waits until every lane that was added turns.
    pub(super) fn wait_until_in_service(&mut self) -> Result<(), StartError> {
        // From now on the channel ends with the last lane.
        self.reporter = None;
        let mut missing = self.threads.len();
        while missing > 0 {
            // Not `blocking_recv`: the caller may be inside a runtime.
            match self.reports.try_recv() {
                Ok(LaneReport::InService) => missing = missing.saturating_sub(1),
                Ok(LaneReport::Failed(lane, reason)) => return Err(StartError::Lane(lane, reason)),
                Ok(LaneReport::Ended(lane)) => return Err(StartError::Lane(lane, "it panicked".to_owned())),
                Err(mpsc::error::TryRecvError::Empty) => std::thread::sleep(LOOK_AGAIN),
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    return Err(StartError::System(io::Error::other("all lanes are gone")));
                }
            }
        }
        Ok(())
    }

    /// Waits until a lane ends; none when all have. Cancel-safe.
    pub(super) async fn ended(&mut self) -> Option<u32> {
        loop {
            match self.reports.recv().await? {
                LaneReport::Ended(lane) | LaneReport::Failed(lane, _) => return Some(lane),
                LaneReport::InService => {}
            }
        }
    }

    /// Waits for all threads.
    pub(super) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a lane ended by a panic");
            }
        }
    }
}

/// Tells of the end of a thread, however it comes.
struct EndReport<'a>(u32, &'a mpsc::Sender<LaneReport>);

impl Drop for EndReport<'_> {
    fn drop(&mut self) {
        // Full only when nobody listens any more.
        let _ = self.1.try_send(LaneReport::Ended(self.0));
    }
}

fn run(mut order: LaneOrder, snapshot: Arc<Snapshot>, reporter: &mpsc::Sender<LaneReport>) {
    let number = order.plan.number();
    let _end = EndReport(number, reporter);
    let failed = |error: StartError| {
        let _ = reporter.try_send(LaneReport::Failed(number, error.to_string()));
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(error.into()),
    };
    let mut next = Some(snapshot);
    for rebuilds in 0..=REBUILDS_MAX {
        let snapshot = match next.take().map_or_else(|| reload(&runtime, &order), Ok) {
            Ok(snapshot) => snapshot,
            Err(error) => return failed(error),
        };
        let life = catch_unwind(AssertUnwindSafe(|| live(&runtime, &mut order, &snapshot, rebuilds, reporter)));
        match life {
            Ok(Ok(Life::Finished)) => return,
            Ok(Ok(Life::Panicked)) | Err(_) => {}
            Ok(Err(error)) => return failed(error),
        }
        if order.member.now() > Phase::Running {
            return;
        }
        tracing::error!(lane = number, "lane panicked: built anew from the store");
    }
    tracing::error!(lane = number, panics = REBUILDS_MAX, "lane panicked too often: given up");
}

/// How one life of a lane ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// The process ends.
    Finished,
    /// Something in it panicked.
    Panicked,
}

/// Builds the lane and turns it until the process ends or something panics. Everything of it ends with this: tasks,
/// connections, machines.
fn live(
    runtime: &Runtime,
    order: &mut LaneOrder,
    snapshot: &Snapshot,
    rebuilds: u32,
    reporter: &mpsc::Sender<LaneReport>,
) -> Result<Life, StartError> {
    let local = LocalSet::new();
    let panics = panic::panics_of_this_thread();
    let (inner, tasks) = mpsc::channel(super::LANE_TASKS_MAX);
    let built = local.block_on(runtime, async { build(order, snapshot, rebuilds, tasks) })?;
    if rebuilds == 0 {
        let _ = reporter.try_send(LaneReport::InService);
    }
    if rebuilds > 0 {
        local.block_on(runtime, async { tell_neighbours(order) });
    }
    let life = local.block_on(runtime, async {
        tokio::select! {
            life = turn(built, &order.plan, &order.neighbours, &mut order.member, &mut order.sockets) => life,
            () = carry(&mut order.tasks, inner) => Life::Panicked,
            () = watch_for_panics(panics) => Life::Panicked,
        }
    });
    Ok(life)
}

/// A lane that is ready to turn.
struct Built {
    lane: Lane,
    transports: Option<Rc<Transports>>,
    /// Plain and over TLS.
    csp: Vec<CspListener>,
    cir: Option<(CirListener, WvAdapter)>,
    plain_text: Option<(PlainTextListener, WvAdapter)>,
    /// Plain and over TLS.
    ssp: Vec<SspDoor>,
}

/// What SSP is served with.
struct SspDoor {
    listener: TcpListener,
    federation: SspAdapter,
    settings: ssp_listener::SspListenerSettings,
    tls: Option<TlsIdentity>,
}

/// What CSP is served with.
struct CspListener {
    listener: TcpListener,
    sessions: WvAdapter,
    settings: ListenerSettings,
    tls: Option<TlsIdentity>,
}

/// Where names are looked up. A machine without name servers gets by while nobody needs them.
fn resolver(configuration: &Configuration) -> Result<Rc<Resolver>, StartError> {
    let servers = &configuration.node.name_servers;
    let mut word = [0_u8; 8];
    crate::entropy::Entropy::of_system().fill(&mut word)?;
    match Resolver::new(servers, u64::from_be_bytes(word)) {
        Ok(resolver) => Ok(resolver),
        Err(error) if servers.is_empty() => {
            tracing::warn!(%error, "the system names no name servers: names are not found");
            Ok(Resolver::deaf())
        }
        Err(error) => Err(error.into()),
    }
}

/// Plain text on this socket.
fn plain_text(configuration: &Configuration, socket: UdpSocket, sessions: &WvAdapter) -> io::Result<PlainTextListener> {
    let access = configuration.wv_access.as_ref();
    let insecure = access.is_some_and(|access| access.clear_passwords == ClearPasswords::InsecureEverywhere);
    let is_protected = insecure || socket.local_addr()?.ip().is_loopback();
    let socket = Rc::new(tokio::net::UdpSocket::from_std(socket)?);
    sessions.send_plain_text_over(Rc::clone(&socket));
    Ok(PlainTextListener {
        socket,
        exposure: if is_protected { Exposure::Protected } else { Exposure::Open },
        requests_per_s_per_source: configuration.limits.requests_per_s_per_source,
    })
}

/// Builds the lane, then opens its doors.
fn build(
    order: &LaneOrder,
    snapshot: &Snapshot,
    rebuilds: u32,
    tasks: mpsc::Receiver<LaneTask>,
) -> Result<Built, StartError> {
    let sockets = order.sockets.copy()?;
    let configuration = order.plan.configuration();
    let datagrams = sockets.cir_datagrams.as_ref().map(UdpSocket::try_clone).transpose()?;
    let datagrams = datagrams.map(tokio::net::UdpSocket::from_std).transpose()?;
    let push = configuration.wv_access.as_ref().and_then(|access| access.cir_push.clone()).map(PushGateway::start);
    let connections = Connections {
        store: order.store.lane_handle(),
        tasks,
        neighbours: Arc::clone(&order.neighbours),
        csp: sockets.csp_address(),
        cir: sockets.cir_address(),
        outlet: CirOutlet::new(datagrams, push),
        resolver: resolver(&configuration)?,
    };
    let assembly = order.plan.assemble(snapshot, rebuilds, connections)?;
    if let Some(sessions) = &assembly.sessions {
        sessions.judge_logins_by(order.subscribers.clone());
    }
    let plain_text = match (&assembly.sessions, &sockets.plain_text) {
        (Some(sessions), Some(socket)) => {
            Some((plain_text(&configuration, socket.try_clone()?, sessions)?, sessions.clone()))
        }
        _ => None,
    };
    let connections_max = configuration.limits.connections_max;
    let cir = assembly.sessions.clone().zip(sockets.cir).map(|(sessions, listener)| {
        (CirListener { listener, limits: CirLimits::default(), connections_max }, sessions)
    });
    let plain = sockets.ssp.map(|listener| (listener, None));
    let secure = sockets.ssp_tls.zip(order.ssp_tls.clone()).map(|(listener, tls)| (listener, Some(tls)));
    let open = |(listener, tls)| {
        let federation = assembly.federation.clone()?;
        Some(SspDoor { listener, federation, settings: settings::ssp_listener(&configuration), tls })
    };
    let ssp = plain.into_iter().chain(secure).filter_map(open).collect();
    let csp = match (assembly.sessions, configuration.wv_access.as_ref()) {
        (Some(sessions), Some(access)) => {
            let settings = settings::listener(&configuration, access);
            let plain = sockets.csp.map(|listener| (listener, None));
            let secure = sockets.csp_tls.zip(order.tls.clone()).map(|(listener, tls)| (listener, Some(tls)));
            let serve =
                |(listener, tls)| CspListener { listener, sessions: sessions.clone(), settings: settings.clone(), tls };
            plain.into_iter().chain(secure).map(serve).collect()
        }
        _ => Vec::new(),
    };
    if let Some(transports) = &assembly.transports {
        for socket in sockets.sip_datagrams {
            transports.serve_datagrams(socket)?;
        }
        if let Some(tls) = &order.sip_tls {
            transports.secure_by(tls.clone());
        }
        for (transport, listener) in sockets.sip_streams {
            let transport = if transport == SipTransport::Tls { Transport::Tls } else { Transport::Tcp };
            transports.serve_streams(listener, transport)?;
        }
    }
    Ok(Built { lane: assembly.lane, transports: assembly.transports, csp, cir, plain_text, ssp })
}

/// What is in the store now.
fn reload(runtime: &Runtime, order: &LaneOrder) -> Result<Arc<Snapshot>, StartError> {
    let mut handle = order.store.lane_handle();
    Ok(Arc::new(runtime.block_on(handle.recover(order.plan.scope()))?))
}

/// Tells the other lanes that this one has forgotten what they told it.
fn tell_neighbours(order: &LaneOrder) {
    let shard = order.plan.number();
    for (number, link) in (0..).zip(order.neighbours.iter()) {
        if number != shard {
            let link = link.clone();
            tokio::task::spawn_local(async move {
                // None when that lane is gone: it will be told everything when it is built anew.
                let _ = link.ask(move |lane, now| lane.engine_mut().shard_restored(now, shard)).await;
            });
        }
    }
}

/// Carries tasks to the lane of this life; the links that others hold outlive it. Ends when the lane is gone.
async fn carry(outer: &mut mpsc::Receiver<LaneTask>, inner: mpsc::Sender<LaneTask>) {
    while let Some(task) = outer.recv().await {
        if inner.send(task).await.is_err() {
            break;
        }
    }
    // How the lane ended is told by `turn`.
    std::future::pending().await
}

/// Ends when a task of this thread panicked: whatever it served is deaf from then on.
async fn watch_for_panics(before: u64) {
    while panic::panics_of_this_thread() == before {
        tokio::time::sleep(PANIC_PACE).await;
    }
}

/// Turns the lane through the life of the process.
async fn turn(built: Built, plan: &LanePlan, links: &[LaneLink], member: &mut Member, sockets: &mut Sockets) -> Life {
    let (number, patience) = (plan.number(), plan.configuration().limits.drain);
    let Built { lane, transports, csp, cir, plain_text, ssp } = built;
    let link = usize::try_from(number).ok().and_then(|number| links.get(number));
    let (stop, stopped) = watch::channel(false);
    let (close_listeners, closing) = watch::channel(false);
    let serve = |csp: CspListener| {
        let serving = listener::serve(csp.listener, csp.settings, csp.sessions, csp.tls, closing.clone());
        ("CSP", tokio::task::spawn_local(serving))
    };
    let mut serving: Vec<_> = csp.into_iter().map(serve).collect();
    serving.extend(ssp.into_iter().map(|ssp| {
        let closing = close_listeners.subscribe();
        let serving = ssp_listener::serve(ssp.listener, ssp.settings, ssp.federation, ssp.tls, closing);
        ("SSP", tokio::task::spawn_local(serving))
    }));
    serving.extend(plain_text.map(|(plain_text, sessions)| {
        ("PTS", tokio::task::spawn_local(plain_text.serve(sessions, close_listeners.subscribe())))
    }));
    serving.extend(
        cir.map(|(cir, sessions)| ("CIR", tokio::task::spawn_local(cir.serve(sessions, close_listeners.subscribe())))),
    );
    let mut turning = tokio::task::spawn_local(lane.run(stopped));
    let ending = async {
        member.wait_for(Phase::StopAccepting).await;
        if let Some(transports) = &transports {
            transports.stop_accepting();
        }
        sockets.stop_accepting();
        close_listeners.send_replace(true);
        for (what, serving) in serving {
            // A panic in it was told by the hook.
            if let Ok(Err(error)) = serving.await {
                tracing::error!(side = "wv", %error, "the {what} listener failed");
            }
        }
        member.reached(Phase::NotReady);
        member.wait_for(Phase::Drain).await;
        if let Some(link) = link {
            drain(link, member, patience).await;
        }
        member.reached(Phase::Drain);
        member.wait_for(Phase::Persist).await;
        stop.send_replace(true);
        member
    };
    let member = tokio::select! {
        _ = &mut turning => return Life::Panicked,
        member = ending => member,
    };
    if turning.await.is_err() {
        return Life::Panicked;
    }
    member.reached(Phase::Persist);
    // What was released by the last turn still leaves through the tasks of this thread.
    member.wait_for(Phase::Close).await;
    tokio::task::yield_now().await;
    Life::Finished
}

/// Waits until nobody waits for an answer, then until what is open at foreign servers is closed, or until the phase is
/// over. Who never answers does not keep the rest from being closed: half of the time is for that.
async fn drain(link: &LaneLink, member: &mut Member, patience: Duration) {
    let _ = tokio::time::timeout(patience.checked_div(2).unwrap_or_default(), settle(link, member)).await;
    let left = link.ask(|lane, now| {
        for side in [Side::Wv, Side::Simple] {
            lane.adapter(side).borrow_mut().leave(now);
        }
    });
    // None when the lane is gone, and with it everything that was open.
    let _ = left.await;
    settle(link, member).await;
}

/// Waits until nothing is under way, or the phase is over.
async fn settle(link: &LaneLink, member: &mut Member) {
    loop {
        let under_way = link.ask(|lane, _| {
            let sides = [Side::Wv, Side::Simple].map(|side| lane.adapter(side).borrow().under_way());
            sides.iter().fold(0_usize, |sum, count| sum.saturating_add(*count))
        });
        if under_way.await.unwrap_or(0) == 0 {
            return;
        }
        let over = member.wait_for(Phase::Persist);
        if tokio::time::timeout(LOOK_AGAIN, over).await.is_ok() {
            return;
        }
    }
}

/// How long somebody who cannot be woken waits before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How soon a panic in a task beside the lane is noticed.
const PANIC_PACE: Duration = Duration::from_millis(100);
