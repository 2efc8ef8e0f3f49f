//! A store that forgets with the process: for benchmarks against servers that store nothing.

use super::{Batch, Scope, Snapshot, Store, StoreError, WireRecord};
use crate::account::{AccountUser, StoredAccount};
use mapping::{
    record::{Fact, FactKey, Record},
    side::Side,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

type WireKey = (Side, Arc<str>, Arc<str>);

/// Facts, wire records and accounts in maps.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// Boxed: a table has room for more than it holds, and a fact may be large.
    facts: HashMap<FactKey, Box<Fact>>,
    wire: HashMap<WireKey, WireRecord>,
    accounts: BTreeMap<AccountUser, StoredAccount>,
    epoch: u64,
}

impl MemoryStore {
    /// An empty store of that epoch.
    #[must_use]
    pub fn new(epoch: u64) -> Self {
        Self { epoch, ..Self::default() }
    }

    /// Takes a batch over; cannot fail.
    pub fn apply(&mut self, batch: Batch) {
        for record in batch.records {
            match record {
                Record::Put(fact) => {
                    self.facts.insert(fact.key(), Box::new(fact));
                }
                Record::Delete(key) => {
                    self.facts.remove(&key);
                }
            }
        }
        for record in batch.wire {
            let key = (record.side, Arc::clone(&record.kind), Arc::clone(&record.key));
            if record.body.is_some() {
                self.wire.insert(key, record);
            } else {
                self.wire.remove(&key);
            }
        }
    }

    /// Everything of the owners asked for.
    #[must_use]
    pub fn snapshot(&self, scope: &Scope) -> Snapshot {
        let of_scope = |fact: &&Fact| scope.includes(fact.owner().as_str());
        let mut facts: Vec<Fact> = self.facts.values().map(AsRef::as_ref).filter(of_scope).cloned().collect();
        facts.sort_by_cached_key(Fact::key);
        let of_scope = |record: &&WireRecord| scope.includes(record.owner.as_deref().unwrap_or_default());
        let mut wire: Vec<WireRecord> = self.wire.values().filter(of_scope).cloned().collect();
        wire.sort_by_cached_key(|record| (record.side, Arc::clone(&record.kind), Arc::clone(&record.key)));
        Snapshot { facts, wire, epoch: self.epoch }
    }
}

impl Store for MemoryStore {
    fn load(&mut self, scope: &Scope) -> Result<Snapshot, StoreError> {
        Ok(self.snapshot(scope))
    }

    fn commit(&mut self, batches: &[&Batch]) -> Result<(), StoreError> {
        for batch in batches {
            self.apply((*batch).clone());
        }
        Ok(())
    }

    fn accounts(&mut self) -> Result<Vec<StoredAccount>, StoreError> {
        Ok(self.accounts.values().cloned().collect())
    }

    fn put_accounts(&mut self, accounts: &[StoredAccount]) -> Result<(), StoreError> {
        self.accounts.extend(accounts.iter().map(|account| (account.user.clone(), account.clone())));
        Ok(())
    }

    fn remove_account(&mut self, user: &AccountUser) -> Result<bool, StoreError> {
        Ok(self.accounts.remove(user).is_some())
    }
}
