//! What the tests share: the files of the repository, the corpus of foreign messages, free ports, processes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

pub mod agent;
pub mod catalogue;
pub mod certificate;
pub mod folder;
pub mod fuzzing;
pub mod generated;
pub mod http;
pub mod inventory;
pub mod kamailio;
pub mod message_file;
pub mod pcap;
pub mod phone;
pub mod port;
pub mod primitive_table;
pub mod product;
pub mod rules;
pub mod scenario;
pub mod simulated;
pub mod sipp;
pub mod ssp_peer;
pub mod status;
pub mod tls;
pub mod tool;
pub mod wait;
pub mod wv_server;

pub use gateway::lab::process;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// All hand-written Rust files, as (path from the root, text), in the order of their paths.
///
/// # Panics
/// When the repository cannot be read.
#[must_use]
pub fn rust_files() -> Vec<(String, String)> {
    let root = repository();
    let mut files = Vec::new();
    for folder in ["mapping", "gateway", "tests"] {
        collect(&root.join(folder), &mut files);
    }
    let mut texts: Vec<(String, String)> = files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).unwrap_or_default())
        })
        .collect();
    texts.sort();
    texts
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The folder with foreign messages that `WVSG_CORPUS` names, if it is set.
///
/// # Panics
/// When it is set but holds nothing: a test that finds no corpus where one was promised must not pass.
#[must_use]
pub fn corpus() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("WVSG_CORPUS")?);
    let filled = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    assert!(filled, "WVSG_CORPUS is set to {}, which is empty or absent", folder.display());
    Some(folder)
}
