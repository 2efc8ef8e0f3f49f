//! A lane's end of the store.

use super::{
    Batch, MemoryStore, Scope, Snapshot, StoreError,
    writer::{Assignment, WriterSender},
};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// Numbers the batches of one lane, upwards from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl Ticket {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// How far the batches of a lane have come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    pub(super) committed: u64,
    pub(super) failed: Option<Failure>,
}

/// The first batch that was not kept.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which batch. It and all later ones are lost until [`StoreHandle::recover`].
    pub ticket: Ticket,
    /// Why.
    pub error: Arc<StoreError>,
}

impl Progress {
    /// Whether the batch is safe: its commands may be released.
    #[must_use]
    pub const fn is_committed(&self, ticket: Ticket) -> bool {
        ticket.0 <= self.committed
    }

    /// The first batch that was not kept, if one was not.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        self.failed.as_ref()
    }
}

/// A batch that was not taken.
#[derive(Debug)]
pub struct Refused {
    /// The batch, to be tried again or dropped.
    pub batch: Batch,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a batch was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The queue of the store is full: shed load.
    Full,
    /// The store is closed.
    Closed,
}

/// One lane's end of the store. Batches are committed in the order of their submission; after a failure nothing of
/// this lane is committed until the lane has thrown its state away and called [`StoreHandle::recover`].
#[derive(Debug)]
pub struct StoreHandle(Backing);

#[derive(Debug)]
enum Backing {
    /// The lane's own maps: done when `submit` returns.
    Memory { store: Box<MemoryStore>, progress: Progress, seen: u64 },
    /// The writer thread.
    Writer { sender: WriterSender, lane: Arc<watch::Sender<Progress>>, news: watch::Receiver<Progress>, submitted: u64 },
}

impl StoreHandle {
    pub(super) fn of_memory(store: MemoryStore) -> Self {
        Self(Backing::Memory { store: Box::new(store), progress: Progress::default(), seen: 0 })
    }

    pub(super) fn of_writer(sender: WriterSender) -> Self {
        let (lane, news) = watch::channel(Progress::default());
        Self(Backing::Writer { sender, lane: Arc::new(lane), news, submitted: 0 })
    }

    /// Hands a batch over. Never blocks. With the memory store the batch is committed when this returns.
    ///
    /// # Errors
    /// When the queue is full or the store closed; the batch comes back.
    pub fn submit(&mut self, batch: Batch) -> Result<Ticket, Box<Refused>> {
        match &mut self.0 {
            Backing::Memory { store, progress, .. } => {
                store.apply(batch);
                progress.committed = progress.committed.saturating_add(1);
                Ok(Ticket(progress.committed))
            }
            Backing::Writer { sender, lane, submitted, .. } => {
                let ticket = Ticket(submitted.saturating_add(1));
                sender.try_submit(Assignment { lane: Arc::clone(lane), ticket, batch })?;
                *submitted = ticket.0;
                Ok(ticket)
            }
        }
    }

    /// How far it has come, now.
    #[must_use]
    pub fn progress(&self) -> Progress {
        match &self.0 {
            Backing::Memory { progress, .. } => progress.clone(),
            Backing::Writer { news, .. } => news.borrow().clone(),
        }
    }

    /// Waits until it has come further than when this was last asked. Cancel-safe; made for `select!` in the lane's loop.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn progressed(&mut self) -> Result<Progress, StoreError> {
        match &mut self.0 {
            Backing::Memory { progress, seen, .. } => {
                if *seen == progress.committed {
                    std::future::pending::<()>().await;
                }
                *seen = progress.committed;
                Ok(progress.clone())
            }
            Backing::Writer { news, .. } => {
                news.changed().await.map_err(|_| StoreError::Closed)?;
                Ok(news.borrow_and_update().clone())
            }
        }
    }

    /// Reads everything of the owners in `scope` as it is after all batches that were submitted, and forgets a failure.
    ///
    /// # Errors
    /// When the store cannot be read; the failure stays.
    pub async fn recover(&mut self, scope: Scope) -> Result<Snapshot, StoreError> {
        match &mut self.0 {
            Backing::Memory { store, .. } => Ok(store.snapshot(&scope)),
            Backing::Writer { sender, lane, submitted, .. } => {
                let (reply, answer) = oneshot::channel();
                sender.recover(Arc::clone(lane), Ticket(*submitted), scope, reply).await?;
                answer.await.map_err(|_| StoreError::Closed)?
            }
        }
    }
}
