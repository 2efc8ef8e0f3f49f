//! The store of the simulated gateway: the memory store behind one that fails, and what survives a crash.

use gateway::{
    account::{AccountUser, StoredAccount},
    store::{Batch, MemoryStore, Scope, Snapshot, Store, StoreError},
};
use mapping::side::Side;
use std::sync::{Arc, Mutex, MutexGuard};

/// What outlives the process. Clones are the same disk.
#[derive(Clone, Debug, Default)]
#[allow(clippy::disallowed_types, reason = "a store has to be able to travel; here nobody ever waits")]
pub struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    store: MemoryStore,
    starts: u64,
    fate: Fate,
    is_dead: bool,
    unreadable: u32,
}

/// What happens to the next commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is kept.
    #[default]
    Kept,
    /// The store refuses it.
    Refused,
    /// The process ends before it is kept.
    CrashBefore,
    /// The process ends after it was kept, and before anybody learns of it.
    CrashAfter,
}

impl Disk {
    /// What the gateway that starts now finds.
    #[must_use]
    pub fn start(&self) -> Snapshot {
        let mut platter = self.lock();
        platter.is_dead = false;
        platter.fate = Fate::Kept;
        platter.unreadable = 0;
        platter.starts += 1;
        let epoch = platter.starts;
        Snapshot { epoch, ..platter.store.snapshot(&Scope::Everything) }
    }

    /// Decides about the next commit.
    pub fn set_fate(&self, fate: Fate) {
        self.lock().fate = fate;
    }

    /// So many of the next readings fail.
    pub fn set_unreadable(&self, times: u32) {
        self.lock().unreadable = times;
    }

    /// Whether the process ended in a commit.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// What is kept now.
    #[must_use]
    pub fn kept(&self) -> Snapshot {
        self.lock().store.snapshot(&Scope::Everything)
    }

    /// How many wire records of a side are kept.
    #[must_use]
    pub fn wire_of(&self, side: Side) -> Vec<String> {
        let kept = self.kept();
        let wire = kept.wire.iter().filter(|record| record.side == side);
        wire.map(|record| format!("{} {}", record.kind, record.key)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Store for Disk {
    fn load(&mut self, scope: &Scope) -> Result<Snapshot, StoreError> {
        let mut platter = self.lock();
        if platter.unreadable > 0 || platter.is_dead {
            platter.unreadable = platter.unreadable.saturating_sub(1);
            return Err(failure());
        }
        Ok(platter.store.snapshot(scope))
    }

    fn commit(&mut self, batches: &[&Batch]) -> Result<(), StoreError> {
        let mut platter = self.lock();
        match std::mem::take(&mut platter.fate) {
            Fate::Refused => return Err(failure()),
            Fate::CrashBefore => {
                platter.is_dead = true;
                return Err(failure());
            }
            Fate::CrashAfter => platter.is_dead = true,
            Fate::Kept => {}
        }
        for batch in batches {
            platter.store.apply((*batch).clone());
        }
        Ok(())
    }

    fn accounts(&mut self) -> Result<Vec<StoredAccount>, StoreError> {
        Ok(Vec::new())
    }

    fn put_accounts(&mut self, _: &[StoredAccount]) -> Result<(), StoreError> {
        Ok(())
    }

    fn remove_account(&mut self, _: &AccountUser) -> Result<bool, StoreError> {
        Ok(false)
    }
}

fn failure() -> StoreError {
    let source = std::io::Error::other("the simulated disk fails");
    StoreError::Folder { path: "simulated".into(), source }
}
