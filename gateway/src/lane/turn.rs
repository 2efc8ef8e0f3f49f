//! The turn of a lane: expire, gather, commit, release.

use super::{
    clock::Clock,
    intake::{Adapter, Input, Intake, Ticket},
};
use crate::charging::{Charging, ChargingMeter};
use crate::store::{Batch, RefusalReason, Scope, StoreError, StoreHandle};
use mapping::{
    address::Address,
    command::{Answer, Command, CommandKind, DeliveryRoute, Forwarded},
    correlation::Correlation,
    engine::{Engine, shard_of},
    event::{Event, EventKind, Operation, Request, RequestId},
    record::{Fact, Record},
    side::{Endpoint, PeerName, Side},
    time::Timestamp,
};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, VecDeque},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Something to be done on the lane's thread, for callers elsewhere.
pub type LaneTask = Box<dyn FnOnce(&mut Lane, Timestamp) + Send>;

/// Makes an engine shard from kept facts.
pub type Rebuild = Box<dyn FnMut(Timestamp, Vec<Fact>) -> Engine>;

/// A way to reach a lane from another thread. Bounded: a full lane makes the caller wait.
#[derive(Clone, Debug)]
pub struct LaneLink {
    pub(super) tasks: mpsc::Sender<LaneTask>,
}

impl LaneLink {
    /// A link and the end that [`Lane::new`] takes.
    #[must_use]
    pub fn new(tasks_max: usize) -> (Self, mpsc::Receiver<LaneTask>) {
        let (tasks, receiver) = mpsc::channel(tasks_max);
        (Self { tasks }, receiver)
    }

    /// Runs `question` on the lane and brings its answer back; `None` when the lane is gone.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Lane, Timestamp) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let task: LaneTask = Box::new(move |lane, now| drop(reply.send(question(lane, now))));
        self.tasks.send(task).await.ok()?;
        answer.await.ok()
    }

    /// Has the engine carry out a request of a user of this lane that comes from no client. The answer comes once
    /// everything it promises is committed, and never when that failed; `None` when the lane is gone.
    pub async fn request(&self, user: Address, side: Side, operation: Operation) -> Option<oneshot::Receiver<Answer>> {
        let (reply, answer) = oneshot::channel();
        let task: LaneTask = Box::new(move |lane, _| lane.request(user, side, operation, reply));
        self.tasks.send(task).await.ok()?;
        Some(answer)
    }
}

/// What leaves after a commit, in order.
#[allow(clippy::large_enum_variant, reason = "moved once within a vector; a box would be an allocation for each")]
enum Output {
    Command(Command),
    Release(Ticket),
}

/// What goes to another lane.
enum Parcel {
    /// A word of this shard's users to one of that lane's.
    Word(Correlation, Forwarded),
    /// This shard was made anew: that lane tells it again what its watchers want.
    Restored(usize),
}

/// One lane: an engine shard with its adapters and its way to the store.
pub struct Lane {
    clock: Clock,
    pub(super) number: u32,
    pub(super) engine: Engine,
    rebuild: Rebuild,
    scope: Scope,
    pub(super) wv: Rc<RefCell<dyn Adapter>>,
    pub(super) simple: Rc<RefCell<dyn Adapter>>,
    store: StoreHandle,
    wake: Rc<Notify>,
    tasks: mpsc::Receiver<LaneTask>,
    pub(super) neighbours: Arc<[LaneLink]>,
    pub(super) wv_peers: BTreeSet<PeerName>,
    /// Parcels for other lanes whose channels were full; sent before anything newer.
    postponed: VecDeque<Parcel>,
    intake: Intake,
    pub(super) meter: ChargingMeter,
    /// Messages that the charging service let through.
    pub(super) admitted: Vec<Event>,
    /// Who waits for the answers to the lane's own requests.
    own: HashMap<u64, oneshot::Sender<Answer>>,
    last_own: u64,
    /// Whether the store was replaced under it.
    is_stale: bool,
    /// When the store is read again, after a batch was lost and it could not be read; until then nobody is served.
    read_again: Option<Timestamp>,
}

/// What a turn was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// Something was done; there may be more to do.
    Worked,
    /// Nothing is left to do before somebody feeds an adapter, or [`Lane::deadline`].
    Rested,
}

/// What a lane is made of.
pub struct LaneParts {
    /// The process's clock.
    pub clock: Clock,
    /// The lane's number, which is its engine shard's.
    pub number: u32,
    /// The engine shard, restored.
    pub engine: Engine,
    /// Makes the shard anew from what was kept, after a commit failed.
    pub rebuild: Rebuild,
    /// The owners of this lane.
    pub scope: Scope,
    /// The WV adapter.
    pub wv: Rc<RefCell<dyn Adapter>>,
    /// The SIMPLE adapter.
    pub simple: Rc<RefCell<dyn Adapter>>,
    /// The store.
    pub store: StoreHandle,
    /// Rung by whoever fed an adapter.
    pub wake: Rc<Notify>,
    /// Tasks from other threads.
    pub tasks: mpsc::Receiver<LaneTask>,
    /// All lanes, by number.
    pub neighbours: Arc<[LaneLink]>,
    /// The neighbour servers that are reached over the WV side; all others are reached over the other one.
    pub wv_peers: BTreeSet<PeerName>,
    /// What it charges with.
    pub charging: Charging,
}

impl Lane {
    /// A lane of these parts; nothing happens before [`Lane::run`], or [`Lane::begin`] and [`Lane::turn`].
    #[must_use]
    pub fn new(parts: LaneParts) -> Self {
        Self {
            clock: parts.clock,
            number: parts.number,
            engine: parts.engine,
            rebuild: parts.rebuild,
            scope: parts.scope,
            wv: parts.wv,
            simple: parts.simple,
            store: parts.store,
            wake: parts.wake,
            tasks: parts.tasks,
            neighbours: parts.neighbours,
            wv_peers: parts.wv_peers,
            postponed: VecDeque::new(),
            intake: Intake::default(),
            meter: ChargingMeter::new(parts.charging),
            admitted: Vec::new(),
            own: HashMap::new(),
            last_own: 0,
            is_stale: false,
            read_again: None,
        }
    }

    /// The engine shard, for looking.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine shard, for telling it of accounts.
    pub const fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Has the lane start again from the store before it does anything else: what is there is not what it knows.
    pub const fn start_over(&mut self) {
        self.is_stale = true;
    }

    /// Adds an event from outside the adapters to the gathering batch.
    pub fn feed(&mut self, event: Event) {
        self.intake.event(event);
    }

    fn request(&mut self, user: Address, side: Side, operation: Operation, reply: oneshot::Sender<Answer>) {
        self.last_own = self.last_own.wrapping_add(1) & !OWN;
        let number = self.last_own | OWN;
        self.own.insert(number, reply);
        let (id, endpoint) = (RequestId { side, number }, Endpoint::new(side, "administration"));
        // Which chain it belongs to says its number: nobody else has one with this mark.
        let kind = EventKind::Request(Request { id, user, endpoint, operation });
        self.feed(Event { correlation: Correlation::new(number), kind });
    }

    /// Turns until `stop` becomes true and nothing is left to do.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        self.begin();
        loop {
            if self.turn().await == Turned::Worked {
                // Let the IO tasks of this lane have their turn under load, too.
                tokio::task::yield_now().await;
                continue;
            }
            // Nobody is left to say stop: that is one, too.
            if *stop.borrow() || stop.has_changed().is_err() {
                return;
            }
            self.wait(&mut stop).await;
        }
    }

    /// Settles what engine and adapters know of each other; once, before the first turn.
    pub fn begin(&mut self) {
        self.reconcile(self.clock.now());
    }

    /// One turn: what is due expires, what has gathered goes through the engine and is committed, its output is released.
    /// Waits for nothing but the store.
    pub async fn turn(&mut self) -> Turned {
        let now = self.clock.now();
        if let Some(at) = self.read_again {
            if at > now {
                return Turned::Rested;
            }
            self.recover().await;
            return Turned::Worked;
        }
        // Also under load, when the lane never comes to waiting.
        self.take_tasks(now);
        if std::mem::take(&mut self.is_stale) {
            self.refuse(now);
            self.recover().await;
            return Turned::Worked;
        }
        self.expire(now);
        self.hand_over_postponed();
        let (batch, outputs) = self.gather(now);
        if batch.is_empty() && outputs.is_empty() {
            return Turned::Rested;
        }
        self.finish(batch, outputs).await;
        Turned::Worked
    }

    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) {
        let now = self.clock.now();
        let pause = self.deadline().map_or(LONGEST_PAUSE, |deadline| now.until(deadline).min(LONGEST_PAUSE));
        let wake = Rc::clone(&self.wake);
        let task = tokio::select! {
            () = wake.notified() => None,
            () = tokio::time::sleep(pause) => None,
            task = self.tasks.recv(), if self.read_again.is_none() => task,
            _ = stop.changed() => None,
        };
        if let Some(task) = task {
            task(self, self.clock.now());
        }
    }

    /// Does what others asked for, up to a bound, so that askers cannot keep the lane from turning.
    fn take_tasks(&mut self, now: Timestamp) {
        for _ in 0..TASKS_PER_TURN_MAX {
            let Ok(task) = self.tasks.try_recv() else { return };
            task(self, now);
        }
    }

    /// When the next turn is due, if nobody feeds an adapter before.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        if self.read_again.is_some() {
            return self.read_again;
        }
        let postponed = (!self.postponed.is_empty()).then(|| self.clock.now().after(POSTPONED_PAUSE));
        [self.engine.deadline(), self.wv.borrow().deadline(), self.simple.borrow().deadline(), postponed]
            .into_iter()
            .flatten()
            .min()
    }

    fn expire(&mut self, now: Timestamp) {
        for adapter in [&self.wv, &self.simple] {
            let mut adapter = adapter.borrow_mut();
            if adapter.deadline().is_some_and(|deadline| deadline <= now) {
                adapter.expire(now);
            }
        }
    }

    /// Feeds everything that has gathered to the engine.
    fn gather(&mut self, now: Timestamp) -> (Batch, Vec<Output>) {
        let mut batch = Batch::default();
        let mut outputs = Vec::new();
        if self.engine.deadline().is_some_and(|deadline| deadline <= now) {
            self.engine.expire(now);
        }
        // Also what a restored engine wants done at once.
        self.drain(now, &mut batch, &mut outputs);
        for event in std::mem::take(&mut self.admitted) {
            self.engine.handle(now, event);
            self.drain(now, &mut batch, &mut outputs);
        }
        self.wv.borrow_mut().collect(&mut self.intake);
        self.simple.borrow_mut().collect(&mut self.intake);
        for input in self.intake.take() {
            match input {
                Input::Event(event) => {
                    let attended = attended_of(&event);
                    if let Some(event) = self.admit(now, event) {
                        self.engine.handle(now, event);
                        self.drain(now, &mut batch, &mut outputs);
                    }
                    if let Some(user) = attended {
                        let is_there = self.engine.is_attended(&user);
                        self.wv.borrow_mut().attended(now, &user, is_there);
                    }
                }
                Input::Wire(record) => batch.wire.push(record),
                Input::Hold(ticket) => outputs.push(Output::Release(ticket)),
            }
        }
        (batch, outputs)
    }

    /// Takes what the engine wants done; words for this shard go round at once.
    fn drain(&mut self, now: Timestamp, batch: &mut Batch, outputs: &mut Vec<Output>) {
        let mut words = VecDeque::new();
        loop {
            while let Some(command) = self.engine.poll() {
                match command.kind {
                    CommandKind::Keep(record) => batch.records.push(record),
                    CommandKind::Forward(word) if self.is_mine(&word) => words.push_back((command.correlation, word)),
                    _ => outputs.push(Output::Command(command)),
                }
            }
            let Some((correlation, word)) = words.pop_front() else { return };
            self.engine.handle(now, Event { correlation, kind: EventKind::Forwarded(word) });
        }
    }

    fn is_mine(&self, word: &Forwarded) -> bool {
        self.lane_of(word) == self.number
    }

    fn lane_of(&self, word: &Forwarded) -> u32 {
        shard_of(&word.to, u32::try_from(self.neighbours.len()).unwrap_or(1))
    }

    /// Commits, then releases; or refuses everything that was promised and starts again from the store.
    async fn finish(&mut self, batch: Batch, outputs: Vec<Output>) {
        let committed = if batch.is_empty() { Ok(()) } else { self.commit(batch).await };
        let now = self.clock.now();
        match committed {
            Ok(()) => self.release(now, outputs),
            Err(error) => {
                tracing::error!(lane = self.number, %error, "commit failed: output dropped, shard rebuilt");
                self.refuse(now);
                self.recover().await;
            }
        }
    }

    fn refuse(&mut self, now: Timestamp) {
        self.own.clear();
        self.meter.refuse();
        self.admitted.clear();
        self.wv.borrow_mut().refuse(now);
        self.simple.borrow_mut().refuse(now);
    }

    async fn commit(&mut self, mut batch: Batch) -> Result<(), Arc<StoreError>> {
        let ticket = loop {
            match self.store.submit(batch) {
                Ok(ticket) => break ticket,
                // One batch is under way at a time, so a full queue means other lanes are ahead: this one waits its turn.
                Err(refused) if refused.reason == RefusalReason::Full => {
                    batch = refused.batch;
                    tokio::time::sleep(FULL_STORE_PAUSE).await;
                }
                Err(_) => return Err(Arc::new(StoreError::Closed)),
            }
        };
        loop {
            let progress = self.store.progress();
            if progress.is_committed(ticket) {
                return Ok(());
            }
            if let Some(failure) = progress.failure() {
                return Err(Arc::clone(&failure.error));
            }
            self.store.progressed().await.map_err(Arc::new)?;
        }
    }

    /// Starts again from what was kept: the engine shard and both adapters. As long as even that fails, whoever comes is
    /// refused; a store that is closed ends it, for then the process is going down.
    async fn recover(&mut self) {
        let read = self.store.recover(self.scope.clone()).await;
        let now = self.clock.now();
        self.read_again = None;
        let snapshot = match read {
            Ok(snapshot) => snapshot,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(lane = self.number, %error, "the store cannot be read either");
                self.refuse(now);
                self.read_again = Some(now.after(LONGEST_PAUSE));
                return;
            }
        };
        // What came in meanwhile was made by machines whose state is lost.
        self.refuse(now);
        for side in [Side::Wv, Side::Simple] {
            let kept = snapshot.wire.iter().filter(|record| record.side == side);
            self.adapter(side).borrow_mut().reload(now, &kept.collect::<Vec<_>>());
        }
        self.engine = (self.rebuild)(now, snapshot.facts);
        self.reconcile(now);
        let own = usize::try_from(self.number).unwrap_or(usize::MAX);
        let others = (0..self.neighbours.len()).filter(|lane| *lane != own);
        self.postponed.extend(others.map(Parcel::Restored));
    }

    /// Engine and adapters keep their parts in records of their own: what one has and the other has not is settled.
    pub(super) fn reconcile(&mut self, now: Timestamp) {
        self.wv.borrow_mut().reconcile(now, &self.engine);
        self.simple.borrow_mut().reconcile(now, &self.engine);
    }

    fn release(&mut self, now: Timestamp, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Release(ticket) => self.adapter(ticket.side).borrow_mut().release(now, ticket),
                Output::Command(command) => self.execute(now, command),
            }
        }
    }

    pub(super) fn execute(&mut self, now: Timestamp, command: Command) {
        self.meter.leaves(now, &command);
        if let CommandKind::Answer { request, answer } = &command.kind
            && request.number & OWN != 0
        {
            if let Some(reply) = self.own.remove(&request.number) {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(answer.clone());
            }
            return;
        }
        match self.addressee(&command.kind) {
            Addressee::Sides => {
                for side in [Side::Wv, Side::Simple] {
                    self.adapter(side).borrow_mut().execute(now, command.clone());
                }
            }
            Addressee::Side(side) => self.adapter(side).borrow_mut().execute(now, command),
            Addressee::Lane => {
                if let CommandKind::Forward(word) = command.kind {
                    self.postponed.push_back(Parcel::Word(command.correlation, word));
                    self.hand_over_postponed();
                }
            }
            Addressee::Nobody => {}
        }
    }

    /// Hands parcels to their lanes in order, as far as the channels take them.
    fn hand_over_postponed(&mut self) {
        while let Some(parcel) = self.postponed.pop_front() {
            let lane = match &parcel {
                Parcel::Word(_, word) => usize::try_from(self.lane_of(word)).unwrap_or(0),
                Parcel::Restored(lane) => *lane,
            };
            let Some(link) = self.neighbours.get(lane) else { continue };
            let number = self.number;
            match link.tasks.try_reserve() {
                Ok(permit) => permit.send(match parcel {
                    Parcel::Word(correlation, word) => Box::new(move |lane, _| {
                        lane.feed(Event { correlation, kind: EventKind::Forwarded(word) });
                    }),
                    Parcel::Restored(_) => Box::new(move |lane, now| lane.engine.shard_restored(now, number)),
                }),
                Err(mpsc::error::TrySendError::Full(())) => {
                    self.postponed.push_front(parcel);
                    return;
                }
                // The lane ended: the process is going down, and what matters is in the store.
                Err(mpsc::error::TrySendError::Closed(())) => {}
            }
        }
    }

    /// The adapter of a side, for looking.
    #[must_use]
    pub fn adapter(&self, side: Side) -> Rc<RefCell<dyn Adapter>> {
        match side {
            Side::Wv => Rc::clone(&self.wv),
            Side::Simple => Rc::clone(&self.simple),
        }
    }
}

/// The SIP user whose coming or going an event tells.
fn attended_of(event: &Event) -> Option<Address> {
    let EventKind::Request(request) = &event.kind else { return None };
    let comes_or_goes = matches!(request.operation, Operation::Attach(_) | Operation::Detach(_));
    (comes_or_goes && request.endpoint.side == Side::Simple).then(|| request.user.clone())
}

/// Who carries a command out.
enum Addressee {
    Side(Side),
    Sides,
    Lane,
    Nobody,
}

impl Lane {
    /// Who carries a command out.
    fn addressee(&self, kind: &CommandKind) -> Addressee {
        match kind {
            CommandKind::Answer { request, .. } => Addressee::Side(request.side),
            CommandKind::Notify(notification) => Addressee::Side(notification.endpoint.side),
            CommandKind::TellWatchers(news) => Addressee::Side(news.endpoint.side),
            CommandKind::AskAuthorization { endpoint, .. }
            | CommandKind::Retract { endpoint, .. }
            | CommandKind::Announce { endpoint, .. }
            | CommandKind::Happened { endpoint, .. }
            | CommandKind::Conversation { endpoint, .. }
            | CommandKind::Invitation { endpoint, .. } => Addressee::Side(endpoint.side),
            CommandKind::Deliver { route, .. } | CommandKind::Report { route, .. } => match route {
                DeliveryRoute::Endpoint(endpoint) => Addressee::Side(endpoint.side),
                DeliveryRoute::Peer(peer) => Addressee::Side(self.side_of(peer)),
            },
            CommandKind::OpenSubscription { peer, .. }
            | CommandKind::Publish { peer, .. }
            | CommandKind::Register { peer, .. }
            | CommandKind::LearnWatchers { peer, .. } => Addressee::Side(self.side_of(peer)),
            CommandKind::Far(ask) => Addressee::Side(self.side_of(&ask.peer)),
            // Its name does not say through which peer it goes; whoever does not know it has nothing to do.
            CommandKind::CloseSubscription { .. }
            | CommandKind::ForgetWatchers { .. }
            | CommandKind::Deregister { .. } => Addressee::Sides,
            CommandKind::Forward(_) => Addressee::Lane,
            CommandKind::Keep(Record::Put(_) | Record::Delete(_)) => Addressee::Nobody,
        }
    }

    fn side_of(&self, peer: &PeerName) -> Side {
        if self.wv_peers.contains(peer) { Side::Wv } else { Side::Simple }
    }
}

/// Marks the numbers of the lane's own requests: adapters count from 1 and never come here.
const OWN: u64 = 1 << 63;

/// A lane looks around at least this often, so that a missed wake-up is a hiccup and not a hang.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Tasks done in one turn; more wait for the next.
const TASKS_PER_TURN_MAX: usize = 256;

/// How long a lane waits when the queue of the store is full.
const FULL_STORE_PAUSE: Duration = Duration::from_millis(20);

/// How soon a full neighbour is tried again.
const POSTPONED_PAUSE: Duration = Duration::from_millis(5);
