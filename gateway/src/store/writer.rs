//! The writer: one thread that commits whatever is waiting, in one transaction, the moment the previous one has ended.
//! A group is as large as the disk is slow; nobody waits for a group to fill.

use super::{
    Batch, DataFolder, MemoryStore, Refused, Scope, Snapshot, SqliteStore, Store, StoreError, StoreHandle, Ticket,
    handle::{Failure, Progress, RefusalReason},
};
use crate::{
    account::{AccountUser, StoredAccount},
    config::section::StoreKind,
    observe::metric,
};
use std::{
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{mpsc, oneshot, watch};

/// An open store: gives lanes their handles and closes in order.
#[derive(Debug)]
pub struct OpenStore {
    backing: Backing,
    folder: DataFolder,
}

#[derive(Debug)]
enum Backing {
    Memory { epoch: u64 },
    Writer { sender: WriterSender, thread: JoinHandle<()> },
}

/// What the lanes and the administration hold of the writer.
#[derive(Clone, Debug)]
pub struct WriterSender(mpsc::Sender<Work>);

/// A batch of a lane on its way to the writer.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) lane: Arc<watch::Sender<Progress>>,
    pub(super) ticket: Ticket,
    pub(super) batch: Batch,
}

enum Work {
    Commit(Assignment),
    Recover { lane: Arc<watch::Sender<Progress>>, through: Ticket, scope: Scope, reply: oneshot::Sender<Loaded> },
    PutAccounts { accounts: Vec<StoredAccount>, reply: oneshot::Sender<Result<(), StoreError>> },
    RemoveAccount { user: AccountUser, reply: oneshot::Sender<Result<bool, StoreError>> },
    Replace { copy: PathBuf, reply: oneshot::Sender<Result<Vec<StoredAccount>, StoreError>> },
    Close,
}

type Loaded = Result<Snapshot, StoreError>;

/// What a start finds in the store.
#[derive(Debug)]
pub struct Opening {
    /// The store.
    pub store: OpenStore,
    /// Everything that was kept.
    pub snapshot: Snapshot,
    /// The accounts of the store.
    pub accounts: Vec<StoredAccount>,
}

impl OpenStore {
    /// Opens the store in the locked folder. `queue_batches` bounds what may wait for the writer.
    ///
    /// # Errors
    /// When the store cannot be opened or read.
    #[allow(clippy::disallowed_methods, reason = "a store without memory of its own counts its starts by the clock")]
    pub fn open(kind: StoreKind, folder: DataFolder, queue_batches: usize) -> Result<Opening, StoreError> {
        match kind {
            StoreKind::Memory => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let epoch = u64::try_from(since.as_millis()).unwrap_or_default();
                let store = Self { backing: Backing::Memory { epoch }, folder };
                Ok(Opening { store, snapshot: Snapshot { epoch, ..Snapshot::default() }, accounts: Vec::new() })
            }
            StoreKind::Embedded => {
                let mut store = SqliteStore::open(&folder.database())?;
                store.begin_epoch()?;
                Self::start(Box::new(store), folder, queue_batches)
            }
        }
    }

    /// Opens the embedded store for administration while the gateway is not running: no start is counted.
    ///
    /// # Errors
    /// When the store cannot be opened or read.
    pub fn open_offline(folder: DataFolder) -> Result<Opening, StoreError> {
        let store = SqliteStore::open(&folder.database())?;
        Self::start(Box::new(store), folder, 1)
    }

    /// Starts the writer thread on any store.
    ///
    /// # Errors
    /// When the store cannot be read or the thread not started.
    pub fn start(mut store: Box<dyn Store>, folder: DataFolder, queue_batches: usize) -> Result<Opening, StoreError> {
        let snapshot = store.load(&Scope::Everything)?;
        let accounts = store.accounts()?;
        let (sender, writer) = Writer::new(store, queue_batches);
        let path = folder.path().to_owned();
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| StoreError::Folder { path, source })?;
        let backing = Backing::Writer { sender, thread };
        Ok(Opening { store: Self { backing, folder }, snapshot, accounts })
    }

    /// A handle for one more lane.
    #[must_use]
    pub fn lane_handle(&self) -> StoreHandle {
        match &self.backing {
            Backing::Memory { epoch } => StoreHandle::of_memory(MemoryStore::new(*epoch)),
            Backing::Writer { sender, .. } => StoreHandle::of_writer(sender.clone()),
        }
    }

    /// What the administration uses to keep accounts.
    #[must_use]
    pub fn client(&self) -> StoreClient {
        StoreClient(match &self.backing {
            Backing::Memory { .. } => None,
            Backing::Writer { sender, .. } => Some(sender.clone()),
        })
    }

    /// The folder it is in.
    #[must_use]
    pub const fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// Commits what was submitted, then closes. Blocks until that is done.
    pub fn close(self) {
        if let Backing::Writer { sender, thread } = self.backing {
            // A thread of its own, because a thread that drives a runtime may not block on a channel. Refused only when
            // the writer is gone already.
            let _ = std::thread::spawn(move || sender.0.blocking_send(Work::Close)).join();
            if thread.join().is_err() {
                tracing::error!("the store writer ended by a panic");
            }
        }
    }
}

/// Keeps accounts; for the administration, never for lanes.
#[derive(Clone, Debug)]
pub struct StoreClient(Option<WriterSender>);

impl StoreClient {
    /// Adds or replaces accounts, all or none. With the memory store nothing is kept.
    ///
    /// # Errors
    /// When none was kept.
    pub async fn put_accounts(&self, accounts: Vec<StoredAccount>) -> Result<(), StoreError> {
        let Some(sender) = &self.0 else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        sender.0.send(Work::PutAccounts { accounts, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Replaces everything by a copy and returns its accounts. Lanes that had committed before are told that their batch
    /// failed, and start again from the store with their next one.
    ///
    /// # Errors
    /// When nothing was replaced.
    pub async fn replace_by(&self, copy: PathBuf) -> Result<Vec<StoredAccount>, StoreError> {
        let sender = self.0.as_ref().ok_or(StoreError::NoFile)?;
        let (reply, answer) = oneshot::channel();
        sender.0.send(Work::Replace { copy, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Removes an account. Returns whether there was one; with the memory store that is not known and counts as yes.
    ///
    /// # Errors
    /// When it was not removed.
    pub async fn remove_account(&self, user: AccountUser) -> Result<bool, StoreError> {
        let Some(sender) = &self.0 else { return Ok(true) };
        let (reply, answer) = oneshot::channel();
        sender.0.send(Work::RemoveAccount { user, reply }).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

impl WriterSender {
    /// A handle for one more lane.
    #[must_use]
    pub fn lane_handle(&self) -> StoreHandle {
        StoreHandle::of_writer(self.clone())
    }

    pub(super) fn try_submit(&self, assignment: Assignment) -> Result<(), Box<Refused>> {
        let (work, reason) = match self.0.try_send(Work::Commit(assignment)) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Full(work)) => (work, RefusalReason::Full),
            Err(mpsc::error::TrySendError::Closed(work)) => (work, RefusalReason::Closed),
        };
        let batch = match work {
            Work::Commit(assignment) => assignment.batch,
            Work::Recover { .. }
            | Work::PutAccounts { .. }
            | Work::RemoveAccount { .. }
            | Work::Replace { .. }
            | Work::Close => Batch::default(),
        };
        Err(Box::new(Refused { batch, reason }))
    }

    pub(super) async fn recover(
        &self,
        lane: Arc<watch::Sender<Progress>>,
        through: Ticket,
        scope: Scope,
        reply: oneshot::Sender<Loaded>,
    ) -> Result<(), StoreError> {
        self.0.send(Work::Recover { lane, through, scope, reply }).await.map_err(|_| StoreError::Closed)
    }
}

/// The end of a store that commits. [`OpenStore::start`] gives it a thread; who keeps it says when it works.
pub struct Writer {
    store: Box<dyn Store>,
    queue: mpsc::Receiver<Work>,
    /// Whoever has committed.
    lanes: Vec<Arc<watch::Sender<Progress>>>,
}

/// Whether a writer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    GoesOn,
    Closed,
}

impl Writer {
    /// A writer on any store, and what lanes reach it by.
    #[must_use]
    pub fn new(store: Box<dyn Store>, queue_batches: usize) -> (WriterSender, Self) {
        let (sender, queue) = mpsc::channel(queue_batches.max(1));
        (WriterSender(sender), Self { store, queue, lanes: Vec::new() })
    }

    /// Does what waits now.
    pub fn work(&mut self) {
        if let Ok(first) = self.queue.try_recv() {
            self.take(first);
        }
    }

    /// Whether something waits.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    fn run(mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            if self.take(first) == Course::Closed {
                return;
            }
        }
    }

    /// Does this and everything that waits behind it.
    fn take(&mut self, first: Work) -> Course {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(work) = next.take() {
            match work {
                Work::Commit(assignment) if group.len() < GROUP_BATCHES_MAX => {
                    group.push(assignment);
                    next = self.queue.try_recv().ok();
                }
                Work::Commit(assignment) => {
                    self.commit(&mut group);
                    group.push(assignment);
                    next = self.queue.try_recv().ok();
                }
                Work::Close => {
                    self.commit(&mut group);
                    return Course::Closed;
                }
                other @ (Work::Recover { .. }
                | Work::PutAccounts { .. }
                | Work::RemoveAccount { .. }
                | Work::Replace { .. }) => {
                    self.commit(&mut group);
                    self.serve(other);
                }
            }
        }
        self.commit(&mut group);
        Course::GoesOn
    }

    /// Commits a group; when that fails, each batch on its own, so that one bad batch costs one lane only.
    #[allow(clippy::disallowed_methods, reason = "measures how long a commit takes")]
    fn commit(&mut self, group: &mut Vec<Assignment>) {
        group.retain(|assignment| assignment.lane.borrow().failed.is_none());
        for assignment in group.iter() {
            if !self.lanes.iter().any(|lane| Arc::ptr_eq(lane, &assignment.lane)) {
                self.lanes.push(Arc::clone(&assignment.lane));
            }
        }
        if group.is_empty() {
            return;
        }
        let began = Instant::now();
        let batches: Vec<&Batch> = group.iter().map(|assignment| &assignment.batch).collect();
        let result = self.store.commit(&batches);
        metric::store_commit(batches.len(), began.elapsed(), result.is_ok());
        match result {
            Ok(()) => settle(group.drain(..)),
            Err(error) if group.len() == 1 => fail(group.drain(..), &Arc::new(error)),
            Err(error) => {
                tracing::error!(%error, batches = group.len(), "group not kept; trying its batches one by one");
                for assignment in group.drain(..) {
                    self.commit(&mut vec![assignment]);
                }
            }
        }
    }

    fn serve(&mut self, work: Work) {
        // A reply that nobody waits for any more is no loss.
        match work {
            Work::Recover { lane, through, scope, reply } => {
                let loaded = self.store.load(&scope);
                if loaded.is_ok() {
                    lane.send_replace(Progress { committed: through.0, failed: None });
                }
                let _ = reply.send(loaded);
            }
            Work::PutAccounts { accounts, reply } => {
                let _ = reply.send(self.store.put_accounts(&accounts));
            }
            Work::RemoveAccount { user, reply } => {
                let _ = reply.send(self.store.remove_account(&user));
            }
            Work::Replace { copy, reply } => {
                let replaced = self.store.replace_by(&copy).and_then(|()| self.store.accounts());
                if replaced.is_ok() {
                    let error = Arc::new(StoreError::Replaced);
                    for lane in self.lanes.drain(..) {
                        let failed = Some(Failure { ticket: Ticket(0), error: Arc::clone(&error) });
                        lane.send_modify(|progress| progress.failed = failed);
                    }
                }
                let _ = reply.send(replaced);
            }
            Work::Commit(_) | Work::Close => {}
        }
    }
}

/// Tells each lane once how far it has come.
fn settle(group: impl Iterator<Item = Assignment>) {
    let mut lanes: Vec<(Arc<watch::Sender<Progress>>, Ticket)> = Vec::new();
    for Assignment { lane, ticket, .. } in group {
        match lanes.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &lane)) {
            Some((_, last)) => *last = ticket,
            None => lanes.push((lane, ticket)),
        }
    }
    for (lane, ticket) in lanes {
        lane.send_modify(|progress| progress.committed = ticket.0);
    }
}

fn fail(group: impl Iterator<Item = Assignment>, error: &Arc<StoreError>) {
    for Assignment { lane, ticket, .. } in group {
        tracing::error!(%error, ticket = ticket.0, "batch not kept");
        lane.send_modify(|progress| progress.failed = Some(Failure { ticket, error: Arc::clone(error) }));
    }
}

/// Bounds the memory of a group and how long the first batch in it waits.
const GROUP_BATCHES_MAX: usize = 1024;
