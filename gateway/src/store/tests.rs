use super::*;
use crate::config::section::StoreKind;
use mapping::{
    address::Address, contact_list::ContactList, message::MessageId, presence::AttributeSet, record::FactKey,
    time::Timestamp,
};
use proptest::prelude::*;
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn question(presentity: &str, watcher: &str, since: u64) -> Fact {
    Fact::Question {
        presentity: address(presentity),
        watcher: address(watcher),
        attributes: AttributeSet::default(),
        since: Timestamp::from_millis(since),
    }
}

fn put(presentity: &str, since: u64) -> Batch {
    Batch { records: vec![Record::Put(question(presentity, "w@d", since))], wire: Vec::new() }
}

fn wire(key: &str, owner: Option<&str>, body: Option<&'static [u8]>) -> WireRecord {
    WireRecord {
        side: Side::Simple,
        kind: Arc::from("dialog"),
        key: Arc::from(key),
        owner: owner.map(Arc::from),
        body: body.map(Bytes::from_static),
    }
}

fn open(folder: &Path) -> Opening {
    OpenStore::open(StoreKind::Embedded, DataFolder::open(folder).unwrap(), 16).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Waits until the ticket is decided.
async fn decided(handle: &mut StoreHandle, ticket: Ticket) -> Progress {
    loop {
        let progress = handle.progress();
        if progress.is_committed(ticket) || progress.failure().is_some() {
            return progress;
        }
        handle.progressed().await.unwrap();
    }
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let folder = TemporaryFolder::create().unwrap();
    let opening = open(folder.path());
    assert_eq!(opening.snapshot, Snapshot { epoch: 1, ..Snapshot::default() });
    let mut handle = opening.store.lane_handle();
    let mut batch = put("a@d", 7);
    batch.wire = vec![wire("x", Some("a@d"), Some(b"\0\xff")), wire("y", None, Some(b"")), wire("z", None, Some(b"1"))];
    handle.submit(batch).unwrap();
    let ticket = handle.submit(Batch { wire: vec![wire("z", None, None)], ..Batch::default() }).unwrap();
    runtime().block_on(async { assert!(decided(&mut handle, ticket).await.is_committed(ticket)) });
    opening.store.close();
    let snapshot = open(folder.path()).snapshot;
    assert_eq!(snapshot.epoch, 2);
    assert_eq!(snapshot.facts, [question("a@d", "w@d", 7)]);
    assert_eq!(snapshot.wire, [wire("x", Some("a@d"), Some(b"\0\xff")), wire("y", None, Some(b""))]);
}

#[test]
fn a_kill_after_the_commit_loses_nothing() {
    let folder = TemporaryFolder::create().unwrap();
    let copy = TemporaryFolder::create().unwrap();
    let opening = open(folder.path());
    let mut handle = opening.store.lane_handle();
    let ticket = handle.submit(put("a@d", 1)).unwrap();
    runtime().block_on(decided(&mut handle, ticket));
    // The files as a killed process leaves them: the log was never folded into the database.
    for name in ["gateway.sqlite", "gateway.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    assert_eq!(open(copy.path()).snapshot.facts, [question("a@d", "w@d", 1)]);
    opening.store.close();
}

#[test]
fn a_torn_log_loses_the_last_batch_only() {
    let folder = TemporaryFolder::create().unwrap();
    let copy = TemporaryFolder::create().unwrap();
    let opening = open(folder.path());
    let mut handle = opening.store.lane_handle();
    for since in 1..=2 {
        let ticket = handle.submit(put("a@d", since)).unwrap();
        runtime().block_on(decided(&mut handle, ticket));
    }
    std::fs::copy(folder.path().join("gateway.sqlite"), copy.path().join("gateway.sqlite")).unwrap();
    let log = std::fs::read(folder.path().join("gateway.sqlite-wal")).unwrap();
    std::fs::write(copy.path().join("gateway.sqlite-wal"), &log[..log.len() - 10]).unwrap();
    assert_eq!(open(copy.path()).snapshot.facts, [question("a@d", "w@d", 1)]);
}

#[test]
fn two_processes_cannot_share_a_folder() {
    let folder = TemporaryFolder::create().unwrap();
    let opening = open(folder.path());
    assert!(matches!(DataFolder::open(folder.path()), Err(StoreError::InUse { .. })));
    opening.store.close();
    open(folder.path());
}

#[test]
fn damaged_foreign_and_newer_files_are_told_apart() {
    let folder = TemporaryFolder::create().unwrap();
    let path = folder.path().join("x.sqlite");
    std::fs::write(&path, "this is no database, it is a text of some length, long enough to be read as a header......")
        .unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Damaged(_))));
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x); PRAGMA user_version = 1").unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::Foreign(_))));
    std::fs::remove_file(&path).unwrap();
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(StoreError::NewerSchema { found: 9, known: 2, .. })));
}

/// A database as the first releases wrote it, with these facts.
fn write_first_schema(path: &Path, facts: &[&Fact]) {
    let connection = Connection::open(path).unwrap();
    let schema = "
        CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
        INSERT INTO meta (name, value) VALUES ('epoch', 7);
        CREATE TABLE fact (key TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL);
        CREATE TABLE wire (
            side TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, owner TEXT, body BLOB NOT NULL,
            PRIMARY KEY (side, kind, key)
        );
        INSERT INTO wire VALUES ('simple', 'dialog', 'd1', NULL, x'01');
        CREATE TABLE account (user TEXT PRIMARY KEY, sealed BLOB, hash TEXT);
        PRAGMA application_id = 1465275207;
        PRAGMA user_version = 1;
        PRAGMA journal_mode = WAL;";
    connection.execute_batch(schema).unwrap();
    for fact in facts {
        let (key, body) = (serde_json::to_string(&fact.key()).unwrap(), serde_json::to_string(fact).unwrap());
        connection.execute("INSERT INTO fact VALUES (?1, ?2, ?3)", [&key, fact.owner().as_str(), &body]).unwrap();
    }
}

#[test]
fn a_database_of_the_first_schema_is_brought_up_and_its_facts_can_still_be_ended() {
    let folder = TemporaryFolder::create().unwrap();
    let (path, copy) = (folder.path().join("x.sqlite"), folder.path().join("copy.sqlite"));
    let origin = |user: &str| Fact::Origin {
        user: address(user),
        origin: "o".to_owned(),
        message: MessageId::new("m"),
        until: Timestamp::from_secs(9),
    };
    let (asked, said, other) = (question("a@d", "w@d", 1), origin("a@d"), origin("b@d"));
    write_first_schema(&path, &[&asked, &said]);
    write_first_schema(&copy, &[&other]);
    let mut store = SqliteStore::open(&path).unwrap();
    let kept = store.load(&Scope::Everything).unwrap();
    assert_eq!((kept.facts.as_slice(), kept.epoch), ([asked.clone(), said.clone()].as_slice(), 7));
    assert_eq!(kept.wire, [wire("d1", None, Some(&[1]))]);
    let end = |fact: &Fact| Batch { records: vec![Record::Delete(fact.key())], wire: Vec::new() };
    store.commit(&[&end(&said)]).unwrap();
    drop(store);
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.load(&Scope::Everything).unwrap().facts, [asked]);
    store.replace_by(&copy).unwrap();
    assert_eq!(store.load(&Scope::Everything).unwrap().facts, std::slice::from_ref(&other));
    store.commit(&[&end(&other)]).unwrap();
    assert_eq!(store.load(&Scope::Everything).unwrap().facts, []);
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let folder = TemporaryFolder::create().unwrap();
    let path = folder.path().join("x.sqlite");
    let mut store = SqliteStore::open(&path).unwrap();
    Connection::open(&path).unwrap().execute("INSERT INTO fact VALUES ('k', 'o', '{}')", []).unwrap();
    let error = store.load(&Scope::Everything).unwrap_err();
    assert!(error.to_string().starts_with("the fact record k cannot be read"), "{error}");
}

/// A store that waits for permission before each commit, refuses what it is told to, and reports group sizes.
struct Gated {
    permits: mpsc::Receiver<()>,
    groups: mpsc::Sender<usize>,
    refused: Arc<Mutex<Option<Timestamp>>>,
    inner: MemoryStore,
}

impl Store for Gated {
    fn load(&mut self, scope: &Scope) -> Result<Snapshot, StoreError> {
        self.inner.load(scope)
    }

    fn commit(&mut self, batches: &[&Batch]) -> Result<(), StoreError> {
        self.permits.recv().map_err(|_| StoreError::Closed)?;
        self.groups.send(batches.len()).map_err(|_| StoreError::Closed)?;
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_refused = |record: &Record| matches!((record, refused), (Record::Put(Fact::Question { since, .. }), Some(refused)) if *since == refused);
        if batches.iter().any(|batch| batch.records.iter().any(is_refused)) {
            return Err(StoreError::Database(rusqlite::Error::InvalidQuery));
        }
        self.inner.commit(batches)
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

struct Gate {
    permits: mpsc::Sender<()>,
    groups: mpsc::Receiver<usize>,
    refused: Arc<Mutex<Option<Timestamp>>>,
    opening: Opening,
    _folder: TemporaryFolder,
}

fn gated(queue_batches: usize) -> Gate {
    let folder = TemporaryFolder::create().unwrap();
    let (permits, permits_end) = mpsc::channel();
    let (groups_end, groups) = mpsc::channel();
    let refused = Arc::new(Mutex::new(None));
    let store = Gated {
        permits: permits_end,
        groups: groups_end,
        refused: Arc::clone(&refused),
        inner: MemoryStore::default(),
    };
    let locked = DataFolder::open(folder.path()).unwrap();
    let opening = OpenStore::start(Box::new(store), locked, queue_batches).unwrap();
    Gate { permits, groups, refused, opening, _folder: folder }
}

#[test]
fn what_waits_during_a_commit_goes_together_in_the_next() {
    let gate = gated(16);
    let (mut one, mut two) = (gate.opening.store.lane_handle(), gate.opening.store.lane_handle());
    let first = one.submit(put("a@d", 1)).unwrap();
    gate.permits.send(()).unwrap();
    assert_eq!(gate.groups.recv().unwrap(), 1);
    runtime().block_on(decided(&mut one, first));
    // The writer takes this one and waits for its permit; the next three gather behind it.
    let second = one.submit(put("a@d", 2)).unwrap();
    let mut last = second;
    for since in 3..=4 {
        last = one.submit(put("a@d", since)).unwrap();
    }
    let other = two.submit(put("b@d", 5)).unwrap();
    let mut groups = Vec::new();
    while groups.iter().sum::<usize>() < 4 {
        gate.permits.send(()).unwrap();
        groups.push(gate.groups.recv().unwrap());
    }
    assert!(groups.len() <= 2, "{groups:?}");
    runtime().block_on(async {
        assert!(decided(&mut one, last).await.is_committed(last));
        assert!(decided(&mut two, other).await.is_committed(other));
    });
    drop(gate.permits);
}

#[test]
fn a_bad_batch_costs_its_own_lane_until_the_lane_recovers() {
    let gate = gated(16);
    let (mut good, mut bad) = (gate.opening.store.lane_handle(), gate.opening.store.lane_handle());
    *gate.refused.lock().unwrap() = Some(Timestamp::from_millis(2));
    let kept = bad.submit(put("a@d", 1)).unwrap();
    let refused = bad.submit(put("a@d", 2)).unwrap();
    let after = bad.submit(put("a@d", 3)).unwrap();
    let other = good.submit(put("b@d", 4)).unwrap();
    for _ in 0..16 {
        gate.permits.send(()).unwrap();
    }
    runtime().block_on(async {
        assert!(decided(&mut good, other).await.is_committed(other));
        let progress = loop {
            let progress = bad.progress();
            if progress.failure().is_some() {
                break progress;
            }
            bad.progressed().await.unwrap();
        };
        assert!(progress.is_committed(kept) && !progress.is_committed(after));
        assert_eq!(progress.failure().unwrap().ticket, refused);
        let snapshot = bad.recover(Scope::Owners(Arc::new(|owner| owner == "a@d"))).await.unwrap();
        assert_eq!(snapshot.facts, [question("a@d", "w@d", 1)]);
        let again = bad.submit(put("a@d", 5)).unwrap();
        assert!(decided(&mut bad, again).await.is_committed(again));
    });
    drop(gate.permits);
}

#[test]
fn a_full_queue_gives_the_batch_back() {
    let gate = gated(1);
    let mut handle = gate.opening.store.lane_handle();
    let mut since = 0;
    let refused = loop {
        since += 1;
        assert!(since < 10, "the queue never filled");
        if let Err(refused) = handle.submit(put("a@d", since)) {
            break refused;
        }
    };
    assert_eq!(refused.reason, RefusalReason::Full);
    assert_eq!(refused.batch, put("a@d", since));
    drop(gate.permits);
}

#[test]
fn the_memory_store_commits_while_it_takes_over() {
    let folder = TemporaryFolder::create().unwrap();
    let locked = DataFolder::open(folder.path()).unwrap();
    let opening = OpenStore::open(StoreKind::Memory, locked, 16).unwrap();
    let mut handle = opening.store.lane_handle();
    let ticket = handle.submit(put("a@d", 1)).unwrap();
    assert!(handle.progress().is_committed(ticket));
    let snapshot = runtime().block_on(handle.recover(Scope::Everything)).unwrap();
    assert_eq!(snapshot.facts, [question("a@d", "w@d", 1)]);
    assert!(opening.snapshot.epoch > 0);
}

#[test]
fn a_list_is_found_under_the_user_that_owns_it() {
    let folder = TemporaryFolder::create().unwrap();
    let mut store = SqliteStore::open(&folder.path().join("x.sqlite")).unwrap();
    let list = ContactList {
        address: address("a/friends@d"),
        written: "wv:A/Friends@d".to_owned(),
        display_name: None,
        is_default: true,
        members: [].into(),
    };
    let batch = Batch { records: vec![Record::Put(Fact::ContactList(list.clone()))], wire: Vec::new() };
    store.commit(&[&batch]).unwrap();
    let scope = Scope::Owners(Arc::new(|owner| owner == "a@d"));
    assert_eq!(store.load(&scope).unwrap().facts, [Fact::ContactList(list)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_database_agrees_with_maps(
        steps in proptest::collection::vec((0_u8..4, 0_u8..5, any::<u32>(), any::<bool>()), 1..40),
    ) {
        let folder = TemporaryFolder::create().unwrap();
        let path = folder.path().join("x.sqlite");
        let mut database = SqliteStore::open(&path).unwrap();
        let mut maps = MemoryStore::default();
        for (kind, user, value, reopen) in steps {
            let who = format!("u{user}@d");
            let mut batch = Batch::default();
            match kind {
                0 => batch.records.push(Record::Put(question(&who, "w@d", u64::from(value)))),
                1 => batch.records.push(Record::Delete(FactKey::Question(address(&who), address("w@d")))),
                2 => batch.wire.push(WireRecord { body: Some(Bytes::from(value.to_be_bytes().to_vec())), ..wire(&who, Some(&who), None) }),
                _ => batch.wire.push(wire(&who, Some(&who), None)),
            }
            database.commit(&[&batch]).unwrap();
            maps.commit(&[&batch]).unwrap();
            if reopen {
                drop(database);
                database = SqliteStore::open(&path).unwrap();
            }
        }
        let scope = Scope::Owners(Arc::new(|owner| owner != "u3@d"));
        prop_assert_eq!(database.load(&scope).unwrap(), maps.load(&scope).unwrap());
    }
}
