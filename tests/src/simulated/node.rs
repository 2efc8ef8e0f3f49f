//! The gateway inside the simulation: its real lane with the engine and both adapters, turned by hand. Only octets and
//! time are replaced. It can be killed at any moment and started again on what its disk has kept.

use super::disk::Disk;
use bytes::Bytes;
use gateway::{
    account::{AccountBook, Directory},
    app::assembly::{Assembly, Connections, LanePlan, Surroundings},
    charging::Charging,
    config::Configuration,
    entropy::Entropy,
    lane::{Clock, Lane, LaneLink, Turned},
    observe::{Readiness, Tap},
    resolver::Resolver,
    simple::transport::{Connecting, Connection, Connector, DatagramSocket, Transports},
    store::Writer,
    wv::{
        WvAdapter,
        cir::CirOutlet,
        session::{IncomingPost, PostReply},
    },
};
use mapping::side::Side;
use sip_proto::transaction::via::ConnectionId;
use std::{
    cell::RefCell,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::sync::{oneshot, watch};

/// The gateway, running or not.
pub struct Node {
    plan: LanePlan,
    address: SocketAddr,
    disk: Disk,
    clock: Arc<AtomicU64>,
    connector: Rc<dyn Connector>,
    life: Option<Life>,
}

/// One run of the process.
struct Life {
    turning: Turning,
    writer: Writer,
    transports: Rc<Transports>,
    socket: ConnectionId,
    air: Rc<Air>,
    sessions: WvAdapter,
    posts: Vec<(PostKey, oneshot::Receiver<PostReply>)>,
}

enum Turning {
    Resting(Box<Lane>),
    Under(Pin<Box<dyn Future<Output = (Box<Lane>, Turned)>>>),
    Nothing,
}

/// Names a post of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostKey {
    /// Which phone.
    pub phone: usize,
    /// The phone's number for it.
    pub number: u64,
}

/// What the gateway waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// For a commit.
    Store,
    /// For messages, or for this time.
    Rest(Option<u64>),
    /// It is not running.
    Down,
}

/// What the gateway has sent and nobody has carried yet.
#[derive(Default)]
struct Air {
    datagrams: RefCell<Vec<(SocketAddr, Bytes)>>,
}

impl DatagramSocket for Air {
    fn send_now(&self, octets: &[u8], peer: SocketAddr) -> io::Result<()> {
        self.datagrams.borrow_mut().push((peer, Bytes::copy_from_slice(octets)));
        Ok(())
    }
}

/// Nobody listens for connections.
struct NoStreams;

impl Connector for NoStreams {
    fn connect(&self, _: SocketAddr) -> Connecting {
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}

impl Node {
    /// A gateway that is not running.
    ///
    /// # Panics
    /// When the configuration cannot be used.
    #[must_use]
    pub fn new(configuration: Configuration, address: SocketAddr, seed: u64, disk: Disk) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let surroundings = Surroundings {
            clock: Clock::given(Arc::clone(&clock)),
            entropy: Entropy::insecure_of_seed(seed),
            book: AccountBook::of_configuration(&configuration.accounts),
            directory: Directory::default(),
            tap: Tap::default(),
            readiness: Readiness::default(),
            charging: Charging::default(),
        };
        let (_, current) = watch::channel(Arc::new(configuration));
        let plan = LanePlan::new(current, (0, 1), surroundings);
        Self { plan, address, disk, clock, connector: Rc::new(NoStreams), life: None }
    }

    /// Opens connections by this from the next start on; without it everybody refuses them.
    #[must_use]
    pub fn connecting_by(mut self, connector: Rc<dyn Connector>) -> Self {
        self.connector = connector;
        self
    }

    /// Sets the clock of its machine. While the gateway runs it must not go backwards.
    pub fn set_clock(&self, millis: u64) {
        self.clock.store(millis, Ordering::Relaxed);
    }

    /// Starts the process on what the disk holds.
    ///
    /// # Panics
    /// When the lane cannot be built.
    pub fn start(&mut self) {
        let snapshot = self.disk.start();
        let (sender, writer) = Writer::new(Box::new(self.disk.clone()), QUEUE_BATCHES);
        let (link, tasks) = LaneLink::new(1);
        let connections = Connections {
            resolver: Resolver::deaf(),
            store: sender.lane_handle(),
            tasks,
            neighbours: Arc::from(vec![link]),
            csp: None,
            cir: None,
            outlet: CirOutlet::default(),
        };
        let assembly = self.plan.assemble(&snapshot, 0, connections).expect("the lane can be built");
        let Assembly { mut lane, transports, sessions, .. } = assembly;
        let transports = transports.expect("SIP is configured");
        let air = Rc::new(Air::default());
        let socket = transports.add_datagrams(Rc::<Air>::clone(&air), self.address);
        transports.connect_by(Rc::clone(&self.connector), self.address);
        lane.begin();
        self.life = Some(Life {
            turning: Turning::Resting(Box::new(lane)),
            writer,
            transports,
            socket,
            air,
            sessions: sessions.expect("CSP is configured"),
            posts: Vec::new(),
        });
    }

    /// Kills the process. The posts that were not answered.
    pub fn kill(&mut self) -> Vec<PostKey> {
        self.life.take().map(|life| life.posts.into_iter().map(|(key, _)| key).collect()).unwrap_or_default()
    }

    /// Whether the process is running.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.life.is_some()
    }

    /// Takes a datagram.
    pub fn receive(&self, octets: &Bytes, source: SocketAddr) {
        if let Some(life) = &self.life {
            life.transports.take_datagram(life.socket, octets, source);
        }
    }

    /// How many wait for an answer of it, as far as can be seen: none while it waits for the store.
    #[must_use]
    pub fn under_way(&self) -> Option<usize> {
        self.look(|lane| {
            let sides = [Side::Wv, Side::Simple].map(|side| lane.adapter(side).borrow().under_way());
            sides.iter().sum()
        })
    }

    /// Takes over a connection that somebody opened; false when nobody is there to take it.
    #[must_use]
    pub fn adopt(&self, connection: Connection, peer: SocketAddr) -> bool {
        let Some(life) = &self.life else { return false };
        life.transports.adopt(connection, peer);
        true
    }

    /// Takes a post; false when nobody is there to take it.
    pub fn post(&mut self, key: PostKey, post: IncomingPost) -> bool {
        let Some(life) = &mut self.life else { return false };
        let reply = life.sessions.post(post);
        life.posts.push((key, reply));
        true
    }

    /// Turns the lane until it waits for something.
    pub fn turn(&mut self) -> Standing {
        let Some(life) = &mut self.life else { return Standing::Down };
        for _ in 0..TURNS_MAX {
            let mut under_way = match std::mem::replace(&mut life.turning, Turning::Nothing) {
                Turning::Resting(mut lane) => Box::pin(async move {
                    let turned = lane.turn().await;
                    (lane, turned)
                }),
                Turning::Under(under_way) => under_way,
                Turning::Nothing => return Standing::Down,
            };
            match under_way.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => {
                    life.turning = Turning::Under(under_way);
                    return Standing::Store;
                }
                Poll::Ready((lane, turned)) => {
                    let deadline = lane.deadline().map(|at| at.as_millis());
                    life.turning = Turning::Resting(lane);
                    if turned == Turned::Rested {
                        return Standing::Rest(deadline);
                    }
                }
            }
        }
        panic!("the lane turned {TURNS_MAX} times without coming to rest");
    }

    /// Lets the store do what waits for it. False when the process ended in it.
    pub fn commit(&mut self) -> bool {
        if let Some(life) = &mut self.life {
            life.writer.work();
        }
        !self.disk.is_dead()
    }

    /// What it has sent.
    pub fn take_datagrams(&self) -> Vec<(SocketAddr, Bytes)> {
        self.life.as_ref().map(|life| life.air.datagrams.take()).unwrap_or_default()
    }

    /// The answers to posts; none where the gateway dropped the post without one.
    pub fn take_replies(&mut self) -> Vec<(PostKey, Option<PostReply>)> {
        let Some(life) = &mut self.life else { return Vec::new() };
        let mut ready = Vec::new();
        life.posts.retain_mut(|(key, reply)| match reply.try_recv() {
            Ok(reply) => {
                ready.push((*key, Some(reply)));
                false
            }
            Err(oneshot::error::TryRecvError::Closed) => {
                ready.push((*key, None));
                false
            }
            Err(oneshot::error::TryRecvError::Empty) => true,
        });
        ready
    }

    /// Looks at the lane, unless it is not running or waits for the store.
    pub fn look<T>(&self, question: impl FnOnce(&Lane) -> T) -> Option<T> {
        match &self.life.as_ref()?.turning {
            Turning::Resting(lane) => Some(question(lane)),
            Turning::Under(_) | Turning::Nothing => None,
        }
    }

    /// Its disk.
    #[must_use]
    pub const fn disk(&self) -> &Disk {
        &self.disk
    }
}

/// Batches that wait for the store; the lane has one under way at a time.
const QUEUE_BATCHES: usize = 4;

/// Turns in one moment. More is a loop.
const TURNS_MAX: usize = 10_000;
