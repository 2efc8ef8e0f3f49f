//! Building a lane: everything that may not leave its thread.

use super::LaneOrder;
use crate::{
    account::AccountBook,
    app::{
        StartError,
        absent::AbsentSide,
        settings::{self, Places},
        socket::Sockets,
    },
    lane::{Adapter, Lane, LaneParts, LaneTask, Rebuild},
    simple::{
        agent::{Agent, AgentParts, SimpleAdapter},
        transport::Transports,
    },
    store::{Scope, Snapshot, WireRecord},
    wv::{
        WvAdapter, WvParts,
        cir::{CirListener, CirOutlet, PushGateway},
        listener::ListenerSettings,
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
use std::{
    cell::RefCell,
    collections::BTreeSet,
    io,
    net::{TcpListener, UdpSocket},
    rc::Rc,
    sync::Arc,
};
use tokio::sync::{Notify, mpsc};
use wv_proto::cir::server::CirLimits;

/// A lane that is ready to turn.
pub(super) struct Built {
    pub(super) lane: Lane,
    pub(super) transports: Option<Rc<Transports>>,
    pub(super) csp: Option<CspListener>,
    pub(super) cir: Option<(CirListener, WvAdapter)>,
}

/// What CSP is served with.
pub(super) struct CspListener {
    pub(super) listener: TcpListener,
    pub(super) sessions: WvAdapter,
    pub(super) settings: ListenerSettings,
}

/// Builds the lane: adapters with what they had, then the engine with what it knew, then the sockets.
pub(super) fn build(
    order: &LaneOrder,
    snapshot: &Snapshot,
    rebuilds: u32,
    tasks: mpsc::Receiver<LaneTask>,
) -> Result<Built, StartError> {
    let now = order.clock.now();
    let wake = Rc::new(Notify::new());
    let mut seeds = Seeds::draw(Epoch { start: snapshot.epoch, rebuilds })?;
    let scope = scope(order.number, order.lanes);
    let kept = |side| {
        let mine = |record: &&WireRecord| scope.includes(record.owner.as_deref().unwrap_or_default());
        snapshot.wire.iter().filter(move |record| record.side == side).filter(mine).collect::<Vec<_>>()
    };
    let sockets = order.sockets.copy()?;
    let (simple, transports) = build_simple(order, now, &wake, &mut seeds, &kept(Side::Simple))?;
    let sessions = build_wv(order, &sockets, now, &wake, &mut seeds, &kept(Side::Wv))?;
    let facts = snapshot.facts.iter().filter(|fact| scope.includes(fact.owner().as_str())).cloned().collect();
    let config = settings::engine(&order.configuration, order.number, order.lanes);
    let mut rebuild = rebuild(config, order.book.clone(), seeds);
    let engine = rebuild(now, facts);
    let wv: Rc<RefCell<dyn Adapter>> = match &sessions {
        Some(sessions) => Rc::new(RefCell::new(sessions.clone())),
        None => Rc::new(RefCell::new(AbsentSide(Side::Wv))),
    };
    let cir = sessions.clone().zip(sockets.cir).map(|(sessions, listener)| {
        (
            CirListener {
                listener,
                limits: CirLimits::default(),
                connections_max: order.configuration.limits.connections_max,
            },
            sessions,
        )
    });
    let csp = match (sessions, order.configuration.wv_access.as_ref(), sockets.csp) {
        (Some(sessions), Some(access), Some(listener)) => {
            Some(CspListener { listener, sessions, settings: settings::listener(&order.configuration, access) })
        }
        _ => None,
    };
    if let Some(transports) = &transports {
        for socket in sockets.sip_datagrams {
            transports.serve_datagrams(socket)?;
        }
        for listener in sockets.sip_streams {
            transports.serve_streams(listener)?;
        }
    }
    let lane = Lane::new(LaneParts {
        clock: order.clock,
        number: order.number,
        engine,
        rebuild,
        scope,
        wv,
        simple,
        store: order.store.lane_handle(),
        wake,
        tasks,
        neighbours: Arc::clone(&order.neighbours),
    });
    Ok(Built { lane, transports, csp, cir })
}

fn build_wv(
    order: &LaneOrder,
    sockets: &Sockets,
    now: Timestamp,
    wake: &Rc<Notify>,
    seeds: &mut Seeds,
    kept: &[&WireRecord],
) -> Result<Option<WvAdapter>, StartError> {
    let Some(access) = order.configuration.wv_access.as_ref() else { return Ok(None) };
    let [randomness, _] = seeds.words();
    let places = Places { csp: sockets.csp_address(), cir: sockets.cir_address() };
    let datagrams = sockets.cir_datagrams.as_ref().map(UdpSocket::try_clone).transpose()?;
    let datagrams = datagrams.map(tokio::net::UdpSocket::from_std).transpose()?;
    let push = access.cir_push.clone().map(PushGateway::start);
    let sessions = WvAdapter::new(WvParts {
        settings: settings::sessions(&order.configuration, access, places, order.number, seeds.epoch.number()),
        clock: order.clock,
        accounts: order.book.clone(),
        wake: Rc::clone(wake),
        tap: order.tap.clone(),
        outlet: CirOutlet::new(datagrams, push),
        directory: order.directory.clone(),
        randomness,
    });
    for record in kept {
        sessions.restore(now, record);
    }
    Ok(Some(sessions))
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
        let users = book.users();
        // Accounts that were taken away while the gateway was not running: they live once more, to be buried.
        let of_nobody = |owner: &Address| config.domains.is_hosted(owner) && !users.contains(owner);
        let gone: BTreeSet<Address> = facts.iter().map(Fact::owner).filter(of_nobody).collect();
        for user in users.iter().chain(&gone) {
            engine.account_added(user.clone());
        }
        engine.restore(now, facts);
        for user in &gone {
            engine.account_removed(now, user);
        }
        engine
    })
}

/// The owners of a lane. What has no owner, or one that cannot be read, belongs to the first.
pub(super) fn scope(lane: u32, lanes: u32) -> Scope {
    if lanes <= 1 {
        return Scope::Everything;
    }
    Scope::Owners(Arc::new(move |owner| Address::parse(owner).map_or(0, |owner| shard_of(&owner, lanes)) == lane))
}

/// A life of a lane: which start of the process, and how often the lane was built anew since.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: u64,
    rebuilds: u32,
}

impl Epoch {
    /// Larger with each life.
    fn number(self) -> u64 {
        self.start.wrapping_mul(u64::from(super::REBUILDS_MAX).saturating_add(1)).wrapping_add(u64::from(self.rebuilds))
    }
}

/// Randomness of this life.
struct Seeds {
    epoch: Epoch,
    word: u64,
}

impl Seeds {
    fn draw(epoch: Epoch) -> Result<Self, StartError> {
        let word = getrandom::u64().map_err(io::Error::from)?;
        Ok(Self { epoch, word })
    }

    /// Random octets. The epoch is mixed in, so that a machine that was copied or set back together with its random
    /// state still mints identifiers of its own.
    fn octets(&mut self) -> Result<[u8; 32], StartError> {
        let mut octets = [0_u8; 32];
        getrandom::fill(&mut octets).map_err(io::Error::from)?;
        for (octet, epoch) in octets.iter_mut().zip(self.epoch.number().to_be_bytes()) {
            *octet ^= epoch;
        }
        Ok(octets)
    }

    /// Two words for the engine; never fails, for it is needed when other things already have failed.
    fn words(&mut self) -> [u64; 2] {
        self.word = self.word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let drawn = getrandom::u64().unwrap_or(0);
        [self.word ^ drawn, self.word.rotate_left(32) ^ self.epoch.number()]
    }
}
