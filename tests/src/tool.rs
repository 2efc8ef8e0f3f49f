//! Foreign programs that some tests need.

use std::path::PathBuf;

/// Where a program is, if it is installed. If not, the test that asked says so by name and is skipped.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("absent: {name}");
    }
    found
}
