//! The token that opens the API, and where the command line finds it.

use crate::{account::Secret, store::folder::write_private};
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The two files by which the command line finds the running process. Removed when this is dropped.
#[derive(Debug)]
pub struct TokenFiles {
    folder: PathBuf,
}

/// A new token of 256 random bits.
///
/// # Errors
/// When the system has no random numbers.
pub fn draw() -> io::Result<Secret> {
    let mut octets = [0_u8; 32];
    getrandom::fill(&mut octets).map_err(io::Error::from)?;
    let text: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(Secret::new(&text))
}

impl TokenFiles {
    /// Writes token and address.
    ///
    /// # Errors
    /// When the folder refuses.
    pub fn write(folder: &Path, token: &Secret, address: SocketAddr) -> io::Result<Self> {
        write_private(&folder.join(TOKEN), token.reveal().as_bytes())?;
        write_private(&folder.join(ADDRESS), address.to_string().as_bytes())?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Reads what a running process wrote; none when no process runs on that folder.
    ///
    /// # Errors
    /// When the files are there and cannot be read.
    pub fn read(folder: &Path) -> io::Result<Option<(Secret, SocketAddr)>> {
        let text = |name| match fs::read_to_string(folder.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        let (Some(token), Some(address)) = (text(TOKEN)?, text(ADDRESS)?) else { return Ok(None) };
        let address = address.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(Some((Secret::new(token.trim()), address)))
    }
}

impl Drop for TokenFiles {
    fn drop(&mut self) {
        for name in [ADDRESS, TOKEN] {
            if let Err(error) = fs::remove_file(self.folder.join(name)) {
                tracing::debug!(name, %error, "not removed");
            }
        }
    }
}

const TOKEN: &str = "admin.token";
const ADDRESS: &str = "admin.address";
