//! A lane on its thread: builds everything that may not leave the thread, then turns.

use super::{StartError, absent::AbsentSide, settings, socket::Sockets};
use crate::{
    account::AccountBook,
    config::Configuration,
    lane::{Adapter, Clock, Lane, LaneLink, LaneParts, LaneTask, Rebuild},
    observe::Tap,
    shutdown::{Member, Phase},
    simple::{
        agent::{Agent, AgentParts, SimpleAdapter},
        transport::Transports,
    },
    store::{Scope, Snapshot, StoreHandle, WireRecord},
    wv::{
        WvAdapter, WvParts,
        listener::{self, ListenerSettings},
    },
};
use mapping::{
    address::Address,
    engine::{Engine, EngineConfig, shard_of},
    record::Fact,
    side::Side,
    time::Timestamp,
};
use sip_proto::limit::Limits;
use std::{cell::RefCell, io, net::TcpListener, rc::Rc, sync::Arc, thread::JoinHandle};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::LocalSet,
};

/// All lanes with their threads.
#[derive(Debug)]
pub(super) struct LaneCrew {
    pub(super) links: Arc<[LaneLink]>,
    threads: Vec<JoinHandle<()>>,
    reports: mpsc::Receiver<LaneReport>,
    reporter: Option<mpsc::Sender<LaneReport>>,
}

/// What a lane is built from; everything in it may travel to the lane's thread.
pub(super) struct LaneOrder {
    pub(super) number: u32,
    pub(super) lanes: u32,
    pub(super) clock: Clock,
    pub(super) configuration: Arc<Configuration>,
    pub(super) wishes: settings::AgentWishes,
    pub(super) book: AccountBook,
    pub(super) tap: Tap,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) store: StoreHandle,
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
    /// Its thread ends, by a panic or because it was asked to.
    Ended(u32),
}

impl LaneCrew {
    pub(super) fn new(links: Arc<[LaneLink]>) -> Self {
        let (reporter, reports) = mpsc::channel(links.len().saturating_mul(4).max(4));
        Self { links, threads: Vec::new(), reports, reporter: Some(reporter) }
    }

    /// Starts a lane on a thread of its own.
    pub(super) fn add(&mut self, order: LaneOrder) -> Result<(), StartError> {
        let Some(reporter) = self.reporter.clone() else { return Ok(()) };
        let name = format!("lane-{}", order.number);
        let thread = std::thread::Builder::new().name(name).spawn(move || run(order, &reporter))?;
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

fn run(order: LaneOrder, reporter: &mpsc::Sender<LaneReport>) {
    let number = order.number;
    let _end = EndReport(number, reporter);
    let result = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::from);
    let result = result.and_then(|runtime| {
        let local = LocalSet::new();
        let built = local.block_on(&runtime, async { build(order) })?;
        let _ = reporter.try_send(LaneReport::InService);
        local.block_on(&runtime, turn(built));
        Ok(())
    });
    if let Err(error) = result {
        let _ = reporter.try_send(LaneReport::Failed(number, error.to_string()));
    }
}

/// A lane that is ready to turn.
struct Built {
    lane: Lane,
    member: Member,
    transports: Option<Rc<Transports>>,
    csp: Option<CspListener>,
    link: Option<LaneLink>,
}

/// What CSP is served with.
struct CspListener {
    listener: TcpListener,
    sessions: WvAdapter,
    settings: ListenerSettings,
}

/// Builds the lane: adapters with what they had, then the engine with what it knew, then the sockets.
fn build(order: LaneOrder) -> Result<Built, StartError> {
    let now = order.clock.now();
    let wake = Rc::new(Notify::new());
    let mut seeds = Seeds::draw(order.snapshot.epoch)?;
    let scope = scope(order.number, order.lanes);
    let snapshot = Arc::clone(&order.snapshot);
    let kept = |side| {
        let mine = |record: &&WireRecord| scope.includes(record.owner.as_deref().unwrap_or_default());
        snapshot.wire.iter().filter(move |record| record.side == side).filter(mine).collect::<Vec<_>>()
    };
    let (simple, transports) = build_simple(&order, now, &wake, &mut seeds, &kept(Side::Simple))?;
    let sessions = build_wv(&order, now, &wake, &mut seeds, &kept(Side::Wv));
    let facts = order.snapshot.facts.iter().filter(|fact| scope.includes(fact.owner().as_str())).cloned().collect();
    let config = settings::engine(&order.configuration, order.number, order.lanes);
    let mut rebuild = rebuild(config, order.book.clone(), seeds);
    let engine = rebuild(now, facts);
    let wv: Rc<RefCell<dyn Adapter>> = match &sessions {
        Some(sessions) => Rc::new(RefCell::new(sessions.clone())),
        None => Rc::new(RefCell::new(AbsentSide(Side::Wv))),
    };
    let csp = match (sessions, order.configuration.wv_access.as_ref(), order.sockets.csp) {
        (Some(sessions), Some(access), Some(listener)) => {
            Some(CspListener { listener, sessions, settings: settings::listener(&order.configuration, access) })
        }
        _ => None,
    };
    if let Some(transports) = &transports {
        for socket in order.sockets.sip_datagrams {
            transports.serve_datagrams(socket)?;
        }
        for listener in order.sockets.sip_streams {
            transports.serve_streams(listener)?;
        }
    }
    let link = usize::try_from(order.number).ok().and_then(|number| order.neighbours.get(number).cloned());
    let lane = Lane::new(LaneParts {
        clock: order.clock,
        number: order.number,
        engine,
        rebuild,
        scope,
        wv,
        simple,
        store: order.store,
        wake,
        tasks: order.tasks,
        neighbours: order.neighbours,
    });
    Ok(Built { lane, member: order.member, transports, csp, link })
}

fn build_wv(
    order: &LaneOrder,
    now: Timestamp,
    wake: &Rc<Notify>,
    seeds: &mut Seeds,
    kept: &[&WireRecord],
) -> Option<WvAdapter> {
    let access = order.configuration.wv_access.as_ref()?;
    let [randomness, _] = seeds.words();
    let sessions = WvAdapter::new(WvParts {
        settings: settings::sessions(&order.configuration, access, order.number, order.snapshot.epoch),
        clock: order.clock,
        accounts: order.book.clone(),
        wake: Rc::clone(wake),
        tap: order.tap.clone(),
        randomness,
    });
    for record in kept {
        sessions.restore(now, record);
    }
    Some(sessions)
}

type SimpleParts = (Rc<RefCell<dyn Adapter>>, Option<Rc<Transports>>);

fn build_simple(
    order: &LaneOrder,
    now: Timestamp,
    wake: &Rc<Notify>,
    seeds: &mut Seeds,
    kept: &[&WireRecord],
) -> Result<SimpleParts, StartError> {
    if order.configuration.simple.is_none() {
        return Ok((Rc::new(RefCell::new(AbsentSide(Side::Simple))), None));
    }
    let transports = Transports::new(Limits::default(), settings::bounds(&order.configuration));
    let parts = AgentParts {
        settings: order.wishes.settings(&order.configuration),
        clock: order.clock,
        transports: Rc::clone(&transports),
        accounts: order.book.clone(),
        wake: Rc::clone(wake),
        tap: order.tap.clone(),
        prefix: order.number.to_string(),
        seeds: [seeds.octets()?, seeds.octets()?, seeds.octets()?, seeds.octets()?],
        transactions_max: settings::TRANSACTIONS_MAX,
    };
    let mut agent = Agent::new(parts).map_err(|error| StartError::System(io::Error::other(error)))?;
    for record in kept {
        agent.restore(now, record);
    }
    Ok((Rc::new(RefCell::new(SimpleAdapter::new(agent))), Some(transports)))
}

/// Makes the engine shard anew from facts: at the start, and after a commit failed.
fn rebuild(config: EngineConfig, book: AccountBook, mut seeds: Seeds) -> Rebuild {
    Box::new(move |now, facts: Vec<Fact>| {
        let mut engine = Engine::new(EngineConfig { seed: seeds.words(), ..config.clone() });
        for user in book.users() {
            engine.account_added(user);
        }
        engine.restore(now, facts);
        engine
    })
}

/// The owners of a lane. What has no owner, or one that cannot be read, belongs to the first.
fn scope(lane: u32, lanes: u32) -> Scope {
    if lanes <= 1 {
        return Scope::Everything;
    }
    Scope::Owners(Arc::new(move |owner| Address::parse(owner).map_or(0, |owner| shard_of(&owner, lanes)) == lane))
}

/// Randomness of this start.
struct Seeds {
    epoch: u64,
    word: u64,
}

impl Seeds {
    fn draw(epoch: u64) -> Result<Self, StartError> {
        let word = getrandom::u64().map_err(io::Error::from)?;
        Ok(Self { epoch, word })
    }

    /// Random octets. The epoch is mixed in, so that a machine that was copied or set back together with its random
    /// state still mints identifiers of its own.
    fn octets(&mut self) -> Result<[u8; 32], StartError> {
        let mut octets = [0_u8; 32];
        getrandom::fill(&mut octets).map_err(io::Error::from)?;
        for (octet, epoch) in octets.iter_mut().zip(self.epoch.to_be_bytes()) {
            *octet ^= epoch;
        }
        Ok(octets)
    }

    /// Two words for the engine; never fails, for it is needed when other things already have failed.
    fn words(&mut self) -> [u64; 2] {
        self.word = self.word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let drawn = getrandom::u64().unwrap_or(0);
        [self.word ^ drawn, self.word.rotate_left(32) ^ self.epoch]
    }
}

/// Turns the lane through the life of the process.
async fn turn(built: Built) {
    let Built { lane, mut member, transports, csp, link } = built;
    let (stop, stopped) = watch::channel(false);
    let (close_listeners, closing) = watch::channel(false);
    let serving =
        csp.map(|csp| tokio::task::spawn_local(listener::serve(csp.listener, csp.settings, csp.sessions, closing)));
    let mut turning = tokio::task::spawn_local(lane.run(stopped));
    let ending = async {
        member.wait_for(Phase::StopAccepting).await;
        if let Some(transports) = &transports {
            transports.stop_accepting();
        }
        close_listeners.send_replace(true);
        if let Some(Err(error)) = join(serving).await {
            tracing::error!(side = "wv", %error, "the CSP listener failed");
        }
        member.reached(Phase::NotReady);
        member.wait_for(Phase::Drain).await;
        if let Some(link) = link {
            drain(&link, &mut member).await;
        }
        member.reached(Phase::Drain);
        member.wait_for(Phase::Persist).await;
        stop.send_replace(true);
        member
    };
    let mut member = tokio::select! {
        // A panic, told by its hook. The end of this thread brings the process down in order.
        _ = &mut turning => return,
        member = ending => member,
    };
    if turning.await.is_err() {
        return;
    }
    member.reached(Phase::Persist);
    // What was released by the last turn still leaves through the tasks of this thread.
    member.wait_for(Phase::Close).await;
    tokio::task::yield_now().await;
}

/// Waits for a listener to end. A panic in it was told by the hook.
async fn join(serving: Option<tokio::task::JoinHandle<io::Result<()>>>) -> Option<io::Result<()>> {
    serving?.await.ok()
}

/// Waits until nobody waits for an answer, or the phase is over.
async fn drain(link: &LaneLink, member: &mut Member) {
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
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(2);
