//! Copies of the embedded store: made beside the running writer, put back with or without one.

use super::{DataFolder, SqliteStore, StoreError, folder::write_private};
use crate::account::SealKey;
use rusqlite::{Connection, OpenFlags};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Copies the store of a data folder and the key that its passwords are sealed with into another folder, which is made
/// if need be. Reads one state of the database and does not hold the writer up. Returns the size in octets.
///
/// # Errors
/// When there is no store, or the copy cannot be written; an older copy is never overwritten.
pub fn backup(data: &Path, into: &Path) -> Result<u64, StoreError> {
    let source = data.join(DataFolder::DATABASE);
    let target = into.join(DataFolder::DATABASE);
    let named = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Folder { path, source }
    };
    fs::metadata(&source).map_err(named(&source))?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(into).map_err(named(into))?;
    if target.exists() {
        return Err(named(&target)(io::Error::from(io::ErrorKind::AlreadyExists)));
    }
    let key = data.join(SealKey::FILE);
    let key_octets = fs::read(&key).map_err(named(&key))?;
    let reader = Connection::open_with_flags(&source, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    // Under another name until it is whole.
    let draft = into.join(DRAFT);
    remove(&draft).map_err(named(&draft))?;
    reader.execute("VACUUM INTO ?1", [draft.to_string_lossy()])?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).map_err(named(&draft))?;
    fs::File::open(&draft).and_then(|file| file.sync_all()).map_err(named(&draft))?;
    write_private(&into.join(SealKey::FILE), &key_octets).map_err(named(into))?;
    fs::rename(&draft, &target).map_err(named(&target))?;
    fs::metadata(&target).map(|known| known.len()).map_err(named(&target))
}

/// Whether a copy can be put in the place of the store of a running gateway: it is whole, and its passwords are sealed
/// with the key that the gateway has.
///
/// # Errors
/// Why not.
pub fn check(data: &Path, from: &Path) -> Result<(), StoreError> {
    let paths = [data.join(SealKey::FILE), from.join(SealKey::FILE)];
    let read = |path: &PathBuf| fs::read(path).map_err(|source| StoreError::Folder { path: path.clone(), source });
    let [own, other] = &paths;
    if read(own)? != read(other)? {
        return Err(StoreError::OtherKey(other.clone()));
    }
    SqliteStore::check_copy(&from.join(DataFolder::DATABASE))
}

/// Puts a copy in the place of the store, while no gateway runs on the folder. The old one stays beside it, with
/// `.replaced` behind its name.
///
/// # Errors
/// When the copy cannot be read or the folder refuses; the old store is still in its place then.
pub fn restore(folder: &DataFolder, from: &Path) -> Result<(), StoreError> {
    let source = from.join(DataFolder::DATABASE);
    SqliteStore::check_copy(&source)?;
    let failed = |source| StoreError::Folder { path: folder.path().to_owned(), source };
    let draft = folder.path().join(DRAFT);
    fs::copy(&source, &draft).map_err(failed)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    fs::File::open(&draft).and_then(|file| file.sync_all()).map_err(failed)?;
    let (database, key) = (folder.database(), folder.path().join(SealKey::FILE));
    if database.exists() {
        // Opening and closing it brings the write-ahead log into the file.
        drop(SqliteStore::open(&database));
        fs::rename(&database, replaced(&database)).map_err(failed)?;
    }
    for log in ["-wal", "-shm"] {
        let mut name = database.clone().into_os_string();
        name.push(log);
        remove(Path::new(&name)).map_err(failed)?;
    }
    if key.exists() {
        fs::copy(&key, replaced(&key)).map_err(failed)?;
    }
    let sealed_with = fs::read(from.join(SealKey::FILE)).map_err(failed)?;
    write_private(&key, &sealed_with).map_err(failed)?;
    fs::rename(&draft, &database).map_err(failed)
}

fn replaced(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".replaced");
    PathBuf::from(name)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

const DRAFT: &str = "gateway.sqlite.new";
