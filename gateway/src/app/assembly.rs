//! Building a lane: everything that may not leave its thread.

use super::{
    StartError,
    absent::AbsentSide,
    settings::{self, Places},
};
use crate::{
    account::{AccountBook, Directory},
    charging::Charging,
    config::Configuration,
    entropy::Entropy,
    lane::{Adapter, Clock, Lane, LaneLink, LaneParts, LaneTask, Rebuild},
    observe::{Readiness, Tap},
    resolver::Resolver,
    simple::{
        agent::{Agent, AgentParts, SimpleAdapter},
        transport::Transports,
    },
    store::{Scope, Snapshot, StoreHandle, WireRecord},
    wv::{SidecarAdapter, SidecarParts, SspAdapter, SspParts, WvAdapter, WvParts, WvSide, cir::CirOutlet},
};
use mapping::{
    address::Address,
    engine::{Engine, EngineConfig, shard_of},
    record::Fact,
    side::Side,
    time::Timestamp,
};
use sip_proto::limit::Limits;
use std::{cell::RefCell, collections::BTreeSet, io, net::SocketAddr, rc::Rc, sync::Arc};
use tokio::sync::{Notify, mpsc, watch};

/// What a lane is built from, as often as it takes; everything in it may travel to the lane's thread.
pub struct LanePlan {
    number: u32,
    lanes: u32,
    current: watch::Receiver<Arc<Configuration>>,
    surroundings: Surroundings,
}

/// What all lanes have around them.
#[derive(Clone)]
pub struct Surroundings {
    /// The time.
    pub clock: Clock,
    /// Where nonces and identifiers come from.
    pub entropy: Entropy,
    /// Who exists.
    pub book: AccountBook,
    /// Where users are found.
    pub directory: Directory,
    /// Where messages of both sides are watched.
    pub tap: Tap,
    /// What is told of the servers of which the gateway is a client.
    pub readiness: Readiness,
    /// What lanes charge with.
    pub charging: Charging,
}

/// What connects a lane that is being built with the rest of the process.
pub struct Connections {
    /// The store.
    pub store: StoreHandle,
    /// Tasks from other threads.
    pub tasks: mpsc::Receiver<LaneTask>,
    /// All lanes, by number.
    pub neighbours: Arc<[LaneLink]>,
    /// Where clients reach the CSP listener, when there is one.
    pub csp: Option<SocketAddr>,
    /// Where clients reach the listener of wake-up channels, when there is one.
    pub cir: Option<SocketAddr>,
    /// What wake-ups leave by that need no connection.
    pub outlet: CirOutlet,
    /// Where names are looked up.
    pub resolver: Rc<Resolver>,
}

/// A lane that is ready to turn, and its doors, to which nothing is connected yet.
pub struct Assembly {
    /// The lane.
    pub lane: Lane,
    /// The SIP door; none without `[simple]`.
    pub transports: Option<Rc<Transports>>,
    /// The CSP door; none without `[wv.access]`.
    pub sessions: Option<WvAdapter>,
    /// The SSP door; none without `[wv.federation]`.
    pub federation: Option<SspAdapter>,
}

impl LanePlan {
    /// The plan of lane `number` of so many; each time it is built on the configuration that holds then.
    #[must_use]
    pub const fn new(
        current: watch::Receiver<Arc<Configuration>>,
        (number, lanes): (u32, u32),
        surroundings: Surroundings,
    ) -> Self {
        Self { number, lanes, current, surroundings }
    }

    /// The lane's number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The owners of this lane. What has no owner, or one that cannot be read, belongs to the first.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let (lane, lanes) = (self.number, self.lanes);
        if lanes <= 1 {
            return Scope::Everything;
        }
        Scope::Owners(Arc::new(move |owner| Address::parse(owner).map_or(0, |owner| shard_of(&owner, lanes)) == lane))
    }

    pub(super) fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.current.borrow())
    }

    /// Builds the lane on what was kept: adapters with what they had, then the engine with what it knew. `rebuilds` says
    /// how often that was done since the start that the snapshot counts.
    ///
    /// # Errors
    /// When the system gives no random octets, a neighbour server is not found, or an address cannot be told to peers.
    pub fn assemble(
        &self,
        snapshot: &Snapshot,
        rebuilds: u32,
        connections: Connections,
    ) -> Result<Assembly, StartError> {
        let now = self.surroundings.clock.now();
        let wake = Rc::new(Notify::new());
        let epoch = Epoch { start: snapshot.epoch, rebuilds };
        let mut seeds = Seeds::draw(epoch, self.surroundings.entropy.clone())?;
        let scope = self.scope();
        let kept = |side| {
            let mine = |record: &&WireRecord| scope.includes(record.owner.as_deref().unwrap_or_default());
            snapshot.wire.iter().filter(move |record| record.side == side).filter(mine).collect::<Vec<_>>()
        };
        let (simple, transports) =
            self.build_simple((now, &connections.resolver), &wake, &mut seeds, &kept(Side::Simple))?;
        let places = Places { csp: connections.csp, cir: connections.cir };
        let side = WvSide {
            access: self.build_access((places, connections.outlet), &wake, &mut seeds),
            federation: self.build_federation(&connections.resolver, &wake, &mut seeds)?,
            sidecar: self.build_sidecar(&wake, &mut seeds)?,
        };
        kept(Side::Wv).into_iter().for_each(|record| side.restore(now, record));
        let WvSide { access: sessions, federation, sidecar } = side.clone();
        let facts = snapshot.facts.iter().filter(|fact| scope.includes(fact.owner().as_str())).cloned().collect();
        let mut rebuild = self.rebuild(seeds);
        let engine = rebuild(now, facts);
        let wv: Rc<RefCell<dyn Adapter>> = match (&sessions, &federation, &sidecar) {
            (None, None, None) => Rc::new(RefCell::new(AbsentSide(Side::Wv))),
            (_, _, _) => Rc::new(RefCell::new(side)),
        };
        let lane = Lane::new(LaneParts {
            clock: self.surroundings.clock.clone(),
            number: self.number,
            engine,
            rebuild,
            scope,
            wv,
            simple,
            store: connections.store,
            wake,
            tasks: connections.tasks,
            neighbours: connections.neighbours,
            wv_peers: settings::wv_peers(&self.configuration()),
            charging: self.surroundings.charging.clone(),
        });
        Ok(Assembly { lane, transports, sessions, federation })
    }

    /// Makes the engine shard anew from facts: at the start, and after a commit failed.
    fn rebuild(&self, mut seeds: Seeds) -> Rebuild {
        let (current, number, lanes) = (self.current.clone(), self.number, self.lanes);
        let book = self.surroundings.book.clone();
        Box::new(move |now, facts: Vec<Fact>| {
            let config = settings::engine(&current.borrow(), number, lanes);
            let domains = config.domains.clone();
            let mut engine = Engine::new(EngineConfig { seed: seeds.words(), ..config });
            let users = book.users();
            // Accounts that were taken away while the gateway was not running: they live once more, to be buried.
            let of_nobody = |owner: &Address| domains.is_hosted(owner) && !users.contains(owner);
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

    fn build_federation(
        &self,
        resolver: &Rc<Resolver>,
        wake: &Rc<Notify>,
        seeds: &mut Seeds,
    ) -> Result<Option<SspAdapter>, StartError> {
        let configuration = self.configuration();
        let Some(federation) = &configuration.wv_federation else { return Ok(None) };
        let [randomness, _] = seeds.words();
        Ok(Some(SspAdapter::new(SspParts {
            settings: settings::federation(&configuration, federation)?,
            clock: self.surroundings.clock.clone(),
            wake: Rc::clone(wake),
            tap: self.surroundings.tap.clone(),
            resolver: Rc::clone(resolver),
            randomness,
            seed: seeds.octets()?,
        })))
    }

    fn build_sidecar(&self, wake: &Rc<Notify>, seeds: &mut Seeds) -> Result<Option<SidecarAdapter>, StartError> {
        let configuration = self.configuration();
        let Some(sidecar) = &configuration.wv_sidecar else { return Ok(None) };
        let [randomness, _] = seeds.words();
        Ok(Some(SidecarAdapter::new(SidecarParts {
            settings: settings::sidecar(&configuration, sidecar)?,
            accounts: self.surroundings.book.clone(),
            clock: self.surroundings.clock.clone(),
            wake: Rc::clone(wake),
            tap: self.surroundings.tap.clone(),
            readiness: self.surroundings.readiness.clone(),
            randomness,
        })))
    }

    fn build_access(
        &self,
        (places, outlet): (Places, CirOutlet),
        wake: &Rc<Notify>,
        seeds: &mut Seeds,
    ) -> Option<WvAdapter> {
        let configuration = self.configuration();
        let access = configuration.wv_access.as_ref()?;
        let [randomness, _] = seeds.words();
        Some(WvAdapter::new(WvParts {
            settings: settings::sessions(&configuration, access, places, self.number, seeds.epoch.number()),
            clock: self.surroundings.clock.clone(),
            accounts: self.surroundings.book.clone(),
            wake: Rc::clone(wake),
            tap: self.surroundings.tap.clone(),
            outlet,
            directory: self.surroundings.directory.clone(),
            randomness,
            entropy: self.surroundings.entropy.clone(),
        }))
    }

    fn build_simple(
        &self,
        (now, resolver): (Timestamp, &Rc<Resolver>),
        wake: &Rc<Notify>,
        seeds: &mut Seeds,
        kept: &[&WireRecord],
    ) -> Result<SimpleParts, StartError> {
        let configuration = self.configuration();
        if configuration.simple.is_none() {
            return Ok((Rc::new(RefCell::new(AbsentSide(Side::Simple))), None));
        }
        let transports = Transports::new(Limits::default(), settings::bounds(&configuration));
        let parts = AgentParts {
            settings: settings::AgentWishes::of(&configuration)?.settings(&configuration),
            clock: self.surroundings.clock.clone(),
            transports: Rc::clone(&transports),
            resolver: Rc::clone(resolver),
            accounts: self.surroundings.book.clone(),
            wake: Rc::clone(wake),
            tap: self.surroundings.tap.clone(),
            prefix: self.number.to_string(),
            seeds: [seeds.octets()?, seeds.octets()?, seeds.octets()?, seeds.octets()?],
            entropy: self.surroundings.entropy.clone(),
            transactions_max: settings::TRANSACTIONS_MAX,
        };
        let mut agent = Agent::new(parts).map_err(|error| StartError::System(io::Error::other(error)))?;
        for record in kept {
            agent.restore(now, record);
        }
        Ok((Rc::new(RefCell::new(SimpleAdapter::new(agent))), Some(transports)))
    }
}

type SimpleParts = (Rc<RefCell<dyn Adapter>>, Option<Rc<Transports>>);

/// A life of a lane: which start of the process, and how often the lane was built anew since.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    start: u64,
    rebuilds: u32,
}

impl Epoch {
    /// Larger with each life.
    fn number(self) -> u64 {
        self.start.wrapping_mul(EPOCHS_PER_START).wrapping_add(u64::from(self.rebuilds).wrapping_mul(EPOCHS_PER_LIFE))
    }
}

/// Randomness of this life.
struct Seeds {
    epoch: Epoch,
    word: u64,
    entropy: Entropy,
}

impl Seeds {
    fn draw(epoch: Epoch, entropy: Entropy) -> Result<Self, StartError> {
        Ok(Self { epoch, word: entropy.word()?, entropy })
    }

    /// Random octets. The epoch is mixed in, so that a machine that was copied or set back together with its random
    /// state still mints identifiers of its own.
    fn octets(&mut self) -> Result<[u8; 32], StartError> {
        let mut octets = [0_u8; 32];
        self.entropy.fill(&mut octets)?;
        for (octet, epoch) in octets.iter_mut().zip(self.epoch.number().to_be_bytes()) {
            *octet ^= epoch;
        }
        Ok(octets)
    }

    /// Two words for the engine; never fails, for it is needed when other things already have failed.
    fn words(&mut self) -> [u64; 2] {
        self.word = self.word.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let drawn = self.entropy.word().unwrap_or(0);
        [self.word ^ drawn, self.word.rotate_left(32) ^ self.epoch.number()]
    }
}

/// Epochs of one life of a lane: the first, and one more each time that it reads the store again after a lost batch.
const EPOCHS_PER_LIFE: u64 = 64;

/// Epochs of one start of the process.
const EPOCHS_PER_START: u64 = EPOCHS_PER_LIFE * (REBUILDS_MAX as u64 + 1);

/// How often a lane is built anew in one life of the process. What panics again and again needs a look from outside: the
/// process ends, and whoever watches over it starts it again.
pub(super) const REBUILDS_MAX: u32 = 15;
