//! The embedded store: one SQLite file, write-ahead log, every commit on disk before it counts.

use super::{Batch, Scope, Snapshot, Store, StoreError, WireRecord};
use crate::account::{AccountUser, StoredAccount, StoredCredential};
use bytes::Bytes;
use mapping::{
    record::{Fact, FactKey, Record},
    side::Side,
};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A SQLite database. The caller holds the lock of the folder it is in.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    epoch: u64,
}

impl SqliteStore {
    /// Opens or creates the database.
    ///
    /// # Errors
    /// When the file is damaged, foreign, newer than this build, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let named = |error| name_error(path, error);
        let connection = Connection::open(path).map_err(named)?;
        restrict(path)?;
        check_origin(&connection, path)?;
        connection.execute_batch(PRAGMAS).map_err(named)?;
        let schema = schema_version(&connection).map_err(named)?;
        connection.execute_batch(SCHEMA).map_err(named)?;
        // Earlier releases knew nothing of the persons behind accounts.
        if !has_persons(&connection, "main").map_err(named)? {
            connection.execute_batch("ALTER TABLE account ADD COLUMN person TEXT").map_err(named)?;
        }
        connection.set_prepared_statement_cache_capacity(16);
        let mut connection = connection;
        if schema == FIRST_SCHEMA_VERSION {
            bring_up(&mut connection)?;
        }
        if schema != i64::from(SCHEMA_VERSION) {
            connection.pragma_update(None, "user_version", SCHEMA_VERSION).map_err(named)?;
        }
        let mut store = Self { connection, path: path.to_owned(), epoch: 0 };
        store.epoch = store.read_epoch()?;
        Ok(store)
    }

    /// Counts a start of the gateway on this store.
    ///
    /// # Errors
    /// When the counter was not kept.
    pub fn begin_epoch(&mut self) -> Result<u64, StoreError> {
        self.connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'", [])?;
        self.epoch = self.read_epoch()?;
        Ok(self.epoch)
    }

    /// Whether the file is a whole database that this build can read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_copy(path: &Path) -> Result<(), StoreError> {
        if !path.is_file() {
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(StoreError::Folder { path: path.to_owned(), source });
        }
        let named = |error| name_error(path, error);
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(named)?;
        check_origin(&connection, path)?;
        let verdict: String = connection.query_row("PRAGMA quick_check", [], |row| row.get(0)).map_err(named)?;
        if verdict == "ok" { Ok(()) } else { Err(StoreError::Damaged(path.to_owned())) }
    }

    fn read_epoch(&self) -> Result<u64, StoreError> {
        let found =
            self.connection.query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| row.get::<_, i64>(0));
        let epoch = found.map_err(|error| name_error(&self.path, error))?;
        Ok(u64::try_from(epoch).unwrap_or_default())
    }
}

impl Store for SqliteStore {
    fn load(&mut self, scope: &Scope) -> Result<Snapshot, StoreError> {
        let mut snapshot = Snapshot { epoch: self.epoch, ..Snapshot::default() };
        let mut facts = self.connection.prepare("SELECT key, owner, body FROM fact")?;
        let mut rows = facts.query([])?;
        while let Some(row) = rows.next().map_err(|error| name_error(&self.path, error))? {
            if scope.includes(row.get_ref(1)?.as_str().unwrap_or_default()) {
                let body = row.get_ref(2)?.as_str().unwrap_or_default();
                let fact: Fact = serde_json::from_str(body).map_err(|error| StoreError::Unreadable {
                    kind: "fact",
                    key: row.get(0).unwrap_or_default(),
                    reason: error.to_string(),
                })?;
                snapshot.facts.push(fact);
            }
        }
        snapshot.facts.sort_by_cached_key(Fact::key);
        let mut wire =
            self.connection.prepare("SELECT side, kind, key, owner, body FROM wire ORDER BY side, kind, key")?;
        let mut rows = wire.query([])?;
        while let Some(row) = rows.next().map_err(|error| name_error(&self.path, error))? {
            let owner: Option<String> = row.get(3)?;
            if scope.includes(owner.as_deref().unwrap_or_default()) {
                snapshot.wire.push(wire_record(row, owner)?);
            }
        }
        Ok(snapshot)
    }

    fn commit(&mut self, batches: &[&Batch]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for batch in batches {
            for record in &batch.records {
                write_fact(&transaction, record)?;
            }
            for record in &batch.wire {
                write_wire(&transaction, record)?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn accounts(&mut self) -> Result<Vec<StoredAccount>, StoreError> {
        let mut statement = self.connection.prepare("SELECT user, sealed, hash, person FROM account ORDER BY user")?;
        let mut rows = statement.query([])?;
        let mut accounts = Vec::new();
        while let Some(row) = rows.next().map_err(|error| name_error(&self.path, error))? {
            let user: String = row.get(0)?;
            let unreadable = |reason: String| StoreError::Unreadable { kind: "account", key: user.clone(), reason };
            let credential = match (row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, Option<String>>(2)?) {
                (Some(sealed), None) => StoredCredential::Sealed(sealed),
                (None, Some(hash)) => StoredCredential::Hash(hash),
                _ => return Err(unreadable("it has no password, or two".to_owned())),
            };
            let person = row.get::<_, Option<String>>(3)?;
            let person = person.map(|text| serde_json::from_str(&text)).transpose();
            let person = person.map_err(|error| unreadable(error.to_string()))?.unwrap_or_default();
            let user = AccountUser::parse(&user).map_err(|error| unreadable(error.to_string()))?;
            accounts.push(StoredAccount { user, credential, person });
        }
        Ok(accounts)
    }

    fn put_accounts(&mut self, accounts: &[StoredAccount]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for account in accounts {
            let (sealed, hash) = match &account.credential {
                StoredCredential::Sealed(sealed) => (Some(sealed), None),
                StoredCredential::Hash(hash) => (None, Some(hash)),
            };
            let person = if account.person.is_empty() { None } else { serde_json::to_string(&account.person).ok() };
            transaction
                .prepare_cached("INSERT OR REPLACE INTO account (user, sealed, hash, person) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![account.user.to_string(), sealed, hash, person])?;
        }
        Ok(transaction.commit()?)
    }

    fn remove_account(&mut self, user: &AccountUser) -> Result<bool, StoreError> {
        Ok(self.connection.execute("DELETE FROM account WHERE user = ?1", [user.to_string()])? > 0)
    }

    fn replace_by(&mut self, copy: &Path) -> Result<(), StoreError> {
        Self::check_copy(copy)?;
        self.connection.execute("ATTACH DATABASE ?1 AS copy", [copy.to_string_lossy()])?;
        let replaced = replace(&mut self.connection);
        self.connection.execute_batch("DETACH DATABASE copy")?;
        replaced?;
        self.epoch = self.read_epoch()?;
        Ok(())
    }
}

fn write_fact(transaction: &Transaction<'_>, record: &Record) -> Result<(), StoreError> {
    match record {
        Record::Put(fact) => {
            let mut statement =
                transaction.prepare_cached("INSERT OR REPLACE INTO fact (key, owner, body) VALUES (?1, ?2, ?3)")?;
            let (key, owner) = (key_text(&fact.key())?, fact.owner());
            statement.execute(params![key, owner.as_str(), serde_json::to_string(fact)?])?;
        }
        Record::Delete(key) => {
            transaction.prepare_cached("DELETE FROM fact WHERE key = ?1")?.execute([key_text(key)?])?;
        }
    }
    Ok(())
}

fn write_wire(transaction: &Transaction<'_>, record: &WireRecord) -> Result<(), StoreError> {
    let side = side_name(record.side);
    match &record.body {
        Some(body) => {
            let mut statement = transaction.prepare_cached(
                "INSERT OR REPLACE INTO wire (side, kind, key, owner, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            statement.execute(params![side, &*record.kind, &*record.key, record.owner.as_deref(), &**body])?;
        }
        None => {
            let mut statement =
                transaction.prepare_cached("DELETE FROM wire WHERE side = ?1 AND kind = ?2 AND key = ?3")?;
            statement.execute(params![side, &*record.kind, &*record.key])?;
        }
    }
    Ok(())
}

fn wire_record(row: &rusqlite::Row<'_>, owner: Option<String>) -> Result<WireRecord, StoreError> {
    let (side, kind, key): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let side = match side.as_str() {
        "wv" => Side::Wv,
        "simple" => Side::Simple,
        _ => return Err(StoreError::Unreadable { kind: "wire", key, reason: format!("there is no side {side}") }),
    };
    let body: Vec<u8> = row.get(4)?;
    let (kind, key) = (Arc::from(kind), Arc::from(key));
    Ok(WireRecord { side, kind, key, owner: owner.map(Arc::from), body: Some(Bytes::from(body)) })
}

/// What grows with time comes first where many facts come and go: what is written together lies on the same pages then.
fn key_text(key: &FactKey) -> Result<String, StoreError> {
    Ok(match key {
        FactKey::Inbox(recipient, message) => serde_json::to_string(&("Inbox", message, recipient))?,
        FactKey::Outbox(sender, message, recipient) => serde_json::to_string(&("Outbox", message, sender, recipient))?,
        FactKey::Origin(user, origin) => serde_json::to_string(&("Origin", origin, user))?,
        other => serde_json::to_string(other)?,
    })
}

/// Puts what the copy holds in the place of everything.
fn replace(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let person = if has_persons(&transaction, "copy")? { "person" } else { "NULL" };
    transaction.execute_batch(&REPLACEMENT.replace("PERSON", person))?;
    // The copy may be older than this build.
    rename_facts(&transaction)?;
    Ok(transaction.commit()?)
}

/// Brings a database of the first schema to this one.
fn bring_up(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SECOND_SCHEMA)?;
    rename_facts(&transaction)?;
    Ok(transaction.commit()?)
}

/// Gives facts whose keys were written in another way the keys that they have now.
fn rename_facts(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut renamed = Vec::new();
    let mut facts = transaction.prepare("SELECT key, body FROM fact WHERE key LIKE '{%'")?;
    let mut rows = facts.query([])?;
    while let Some(row) = rows.next()? {
        let (key, body) = (row.get::<_, String>(0)?, row.get_ref(1)?.as_str().unwrap_or_default());
        let unreadable = |error: serde_json::Error| StoreError::Unreadable {
            kind: "fact",
            key: key.clone(),
            reason: error.to_string(),
        };
        let now = key_text(&serde_json::from_str::<Fact>(body).map_err(unreadable)?.key())?;
        if now != key {
            renamed.push((key, now));
        }
    }
    for (before, now) in renamed {
        transaction.prepare_cached("UPDATE fact SET key = ?2 WHERE key = ?1")?.execute([before, now])?;
    }
    Ok(())
}

fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Wv => "wv",
        Side::Simple => "simple",
    }
}

/// The file holds messages: its owner reads it, and nobody else.
fn restrict(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|source| StoreError::Folder { path: path.to_owned(), source })
}

fn check_origin(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |pragma: &str| {
        connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(|error| name_error(path, error))
    };
    let application = number("PRAGMA application_id")?;
    let tables = number("SELECT count(*) FROM sqlite_master")?;
    if application != APPLICATION_ID && (application != 0 || tables != 0) {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let found = u32::try_from(number("PRAGMA user_version")?).unwrap_or(u32::MAX);
    if found > SCHEMA_VERSION {
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    Ok(())
}

fn name_error(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged(path.to_owned()),
        _ => StoreError::Database(error),
    }
}

/// Whether the accounts of a database have a place for persons.
fn has_persons(connection: &Connection, database: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM pragma_table_info('account', ?1) WHERE name = 'person'";
    connection.query_row(sql, [database], |row| row.get::<_, i64>(0)).map(|count| count > 0)
}

/// "WVSG", so that the file can be told from those of other programs.
const APPLICATION_ID: i64 = 0x5756_5347;
const SCHEMA_VERSION: u32 = 2;
const FIRST_SCHEMA_VERSION: i64 = 1;

/// `synchronous = FULL`: what was committed survives a loss of power, not only a crash of the process.
const PRAGMAS: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 5000;
PRAGMA wal_autocheckpoint = 4000;
";

/// The epoch stays ahead of both, so that identifiers made from it are new in either history.
const REPLACEMENT: &str = "
DELETE FROM fact;
DELETE FROM wire;
DELETE FROM account;
INSERT INTO fact SELECT key, owner, body FROM copy.fact;
INSERT INTO wire SELECT side, kind, key, owner, body FROM copy.wire;
INSERT INTO account SELECT user, sealed, hash, PERSON FROM copy.account;
UPDATE meta SET value = 1 + max(value, coalesce((SELECT value FROM copy.meta WHERE name = 'epoch'), 0)) WHERE name = 'epoch';
";

/// In the first schema every row was in two trees.
const SECOND_SCHEMA: &str = "
ALTER TABLE fact RENAME TO fact_1;
ALTER TABLE wire RENAME TO wire_1;
CREATE TABLE fact (key TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE wire (
    side TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, owner TEXT, body BLOB NOT NULL,
    PRIMARY KEY (side, kind, key)
) WITHOUT ROWID;
INSERT INTO fact SELECT key, owner, body FROM fact_1;
INSERT INTO wire SELECT side, kind, key, owner, body FROM wire_1;
DROP TABLE fact_1;
DROP TABLE wire_1;
";

const SCHEMA: &str = "
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO meta (name, value) VALUES ('epoch', 0);
CREATE TABLE IF NOT EXISTS fact (key TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wire (
    side TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, owner TEXT, body BLOB NOT NULL,
    PRIMARY KEY (side, kind, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account (user TEXT PRIMARY KEY, sealed BLOB, hash TEXT, person TEXT);
PRAGMA application_id = 1465275207;
COMMIT;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::PersonDetails;
    use crate::store::TemporaryFolder;

    /// A store of before persons, with one account.
    fn old_store(path: &Path) {
        drop(SqliteStore::open(path).unwrap());
        let connection = Connection::open(path).unwrap();
        let old = "ALTER TABLE account DROP COLUMN person;
            INSERT INTO account (user, sealed, hash) VALUES ('wv:old@wv.example', NULL, 'x');";
        connection.execute_batch(old).unwrap();
    }

    #[test]
    fn a_store_of_before_persons_is_opened_and_put_back() {
        let folder = TemporaryFolder::create().unwrap();
        let (old, copy) = (folder.path().join("old"), folder.path().join("copy"));
        old_store(&old);
        old_store(&copy);
        let mut store = SqliteStore::open(&old).unwrap();
        let mut account = store.accounts().unwrap().remove(0);
        assert!(account.person.is_empty());
        account.person = PersonDetails { email: Some("a@mail.example".to_owned()), ..PersonDetails::default() };
        store.put_accounts(std::slice::from_ref(&account)).unwrap();
        assert_eq!(store.accounts().unwrap(), [account]);
        store.replace_by(&copy).unwrap();
        assert!(store.accounts().unwrap()[0].person.is_empty());
    }
}
