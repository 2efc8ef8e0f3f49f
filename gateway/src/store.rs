//! What must survive the process. [`Store`] is the seam: a lane submits batches through its [`StoreHandle`] and learns
//! when they are safe, and does not know which store it has.

pub mod copy;
pub mod folder;
mod handle;
mod memory;
mod sqlite;
mod writer;

pub use folder::{DataFolder, TemporaryFolder};
pub use handle::{Failure, Progress, RefusalReason, Refused, StoreHandle, Ticket};
pub use memory::MemoryStore;
pub use sqlite::SqliteStore;
pub use writer::{OpenStore, Opening, StoreClient, Writer, WriterSender};

use crate::account::{AccountUser, StoredAccount};
use bytes::Bytes;
use mapping::{
    record::{Fact, Record},
    side::Side,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where facts, wire records and accounts are kept. Called by one thread at a time; may block.
pub trait Store: Send {
    /// Everything that is kept of the owners that `scope` asks for.
    ///
    /// # Errors
    /// When the store cannot be read or holds what this build cannot read.
    fn load(&mut self, scope: &Scope) -> Result<Snapshot, StoreError>;

    /// Makes all batches durable, in order, or none of them.
    ///
    /// # Errors
    /// When nothing of it was kept.
    fn commit(&mut self, batches: &[&Batch]) -> Result<(), StoreError>;

    /// All accounts.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn accounts(&mut self) -> Result<Vec<StoredAccount>, StoreError>;

    /// Adds or replaces accounts: all or none.
    ///
    /// # Errors
    /// When none was kept.
    fn put_accounts(&mut self, accounts: &[StoredAccount]) -> Result<(), StoreError>;

    /// Removes an account. Returns whether there was one.
    ///
    /// # Errors
    /// When it was not removed.
    fn remove_account(&mut self, user: &AccountUser) -> Result<bool, StoreError>;

    /// Holds what the copy holds from now on, and nothing else: all of it or, when it fails, what it held before.
    ///
    /// # Errors
    /// When the copy cannot be read or written here, or this store has no file.
    fn replace_by(&mut self, _copy: &Path) -> Result<(), StoreError> {
        Err(StoreError::NoFile)
    }
}

/// What one turn of a lane wants kept: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Neutral facts and their ends, in order.
    pub records: Vec<Record>,
    /// Wire state, in order.
    pub wire: Vec<WireRecord>,
}

impl Batch {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.wire.is_empty()
    }
}

/// Wire state of an adapter: opaque octets under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireRecord {
    /// Whose adapter.
    pub side: Side,
    /// What it is, in the adapter's words: `session`, `dialog` …
    pub kind: Arc<str>,
    /// Its name, unique within side and kind.
    pub key: Arc<str>,
    /// The user in whose shard it lives, as canonical address.
    pub owner: Option<Arc<str>>,
    /// The octets; none to delete the record.
    pub body: Option<Bytes>,
}

/// Everything that was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Facts, ordered by key.
    pub facts: Vec<Fact>,
    /// Wire records, ordered by side, kind and key; `body` is always there.
    pub wire: Vec<WireRecord>,
    /// Counts the starts of the process on this store; never the same twice, so identifiers made from it are new.
    pub epoch: u64,
}

/// Which owners a load is about.
#[derive(Clone)]
pub enum Scope {
    /// All.
    Everything,
    /// Those whose canonical address (empty for records without owner) the function accepts.
    Owners(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Scope {
    /// Whether an owner is asked for.
    #[must_use]
    pub fn includes(&self, owner: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Owners(accepts) => accepts(owner),
        }
    }
}

/// What went wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder.
    #[error("the folder {} is in use by another process{}", path.display(), holder.as_ref().map(|pid| format!(" ({pid})")).unwrap_or_default())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// What the lock file says about the holder.
        holder: Option<String>,
    },
    /// The folder or a file in it cannot be used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no SQLite database, or a damaged one.
    #[error("{} is damaged or no database; restore it from a copy or move it away", .0.display())]
    Damaged(PathBuf),
    /// The file is a database of some other program.
    #[error("{} belongs to another program", .0.display())]
    Foreign(PathBuf),
    /// The file was written by a newer gateway.
    #[error("{} was written by a newer version (schema {found}, this build knows {known})", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A row cannot be read.
    #[error("the {kind} record {key} cannot be read: {reason}")]
    Unreadable {
        /// Fact, wire or account.
        kind: &'static str,
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A record cannot be written down.
    #[error("a record cannot be encoded: {0}")]
    Encoding(#[from] serde_json::Error),
    /// The database refuses.
    #[error("the database refuses: {0}")]
    Database(#[from] rusqlite::Error),
    /// A copy whose passwords this gateway cannot open.
    #[error("{} is another key than the gateway's: stop the gateway, then restore", .0.display())]
    OtherKey(PathBuf),
    /// This kind of store is no file.
    #[error("this kind of store cannot be copied or replaced")]
    NoFile,
    /// The store was replaced by a copy under way.
    #[error("the store was replaced by a copy")]
    Replaced,
    /// The writer is gone: the process is closing.
    #[error("the store is closed")]
    Closed,
}

#[cfg(test)]
mod tests;
