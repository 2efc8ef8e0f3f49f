//! What proves that a user is who it says, in memory and at rest.
//!
//! Digest login needs the password in clear on this side. Such passwords rest sealed (ChaCha20-Poly1305) under a key
//! file that only its owner may read. Accounts that never log in by digest rest as an Argon2 hash.

use super::{AccountUser, PersonDetails, Secret};
use crate::store::folder::write_private;
use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{Salt, SaltString},
};
use chacha20poly1305::{
    ChaCha20Poly1305, Key, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use std::{fmt, fs, io, path::Path};

/// What proves a user, ready for use.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The password in clear: any login will do.
    Clear(Secret),
    /// Only a hash: the password has to be sent in clear to be checked; digest login cannot work.
    Hash(PasswordDigest),
}

impl Credential {
    /// The password, for digest login; none when only a hash is kept.
    #[must_use]
    pub const fn clear(&self) -> Option<&Secret> {
        match self {
            Self::Clear(secret) => Some(secret),
            Self::Hash(_) => None,
        }
    }

    /// Whether `password` is right. With a hash this takes tens of milliseconds of computing: not on a lane's thread.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        match self {
            Self::Clear(secret) => secret.matches(password),
            Self::Hash(digest) => digest.verify(password),
        }
    }
}

/// An Argon2 hash in its usual text form.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordDigest(String);

impl PasswordDigest {
    /// The hash of a password under a new salt.
    ///
    /// # Errors
    /// When the system has no random numbers or the hash cannot be computed.
    pub fn of(password: &str) -> Result<Self, CredentialError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| CredentialError::NoRandom)?;
        let salt = SaltString::encode_b64(&salt).map_err(|_| CredentialError::Hash)?;
        let hash = Argon2::default().hash_password(password.as_bytes(), Salt::from(&salt));
        Ok(Self(hash.map_err(|_| CredentialError::Hash)?.to_string()))
    }

    /// A hash that was kept.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        PasswordHash::new(text).map_err(|_| CredentialError::Hash)?;
        Ok(Self(text.to_owned()))
    }

    fn verify(&self, password: &str) -> bool {
        PasswordHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest")
    }
}

/// An account as it rests in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccount {
    /// Who.
    pub user: AccountUser,
    /// The proof.
    pub credential: StoredCredential,
    /// What is known of the person.
    pub person: PersonDetails,
}

/// A proof at rest.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredCredential {
    /// A password sealed by [`SealKey`].
    Sealed(Vec<u8>),
    /// An Argon2 hash.
    Hash(String),
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sealed(_) => "Sealed",
            Self::Hash(_) => "Hash",
        })
    }
}

/// Which kind of proof to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Sealed, so that digest login works.
    ForDigest,
    /// As a hash only.
    HashOnly,
}

/// The key under which passwords rest.
#[derive(Clone)]
pub struct SealKey(ChaCha20Poly1305);

impl SealKey {
    /// The name of the key file in a data folder.
    pub const FILE: &str = "account.key";

    /// Reads the key file of the folder, or makes it.
    ///
    /// # Errors
    /// When the file cannot be read or made, is no key, or may be read by others.
    pub fn open(folder: &Path) -> Result<Self, CredentialError> {
        let path = folder.join(Self::FILE);
        let octets = match fs::read(&path) {
            Ok(octets) => {
                check_mode(&path)?;
                octets
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut octets = vec![0; KEY_OCTETS];
                getrandom::fill(&mut octets).map_err(|_| CredentialError::NoRandom)?;
                write_private(&path, &octets)?;
                octets
            }
            Err(error) => return Err(error.into()),
        };
        if octets.len() != KEY_OCTETS {
            return Err(CredentialError::BadKeyFile);
        }
        Ok(Self(ChaCha20Poly1305::new(Key::from_slice(&octets))))
    }

    /// The account as it may rest in the store.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(
        &self,
        user: &AccountUser,
        password: &Secret,
        keeping: Keeping,
    ) -> Result<StoredAccount, CredentialError> {
        let credential = match keeping {
            Keeping::HashOnly => StoredCredential::Hash(PasswordDigest::of(password.reveal())?.0),
            Keeping::ForDigest => {
                let mut nonce = [0; NONCE_OCTETS];
                getrandom::fill(&mut nonce).map_err(|_| CredentialError::NoRandom)?;
                let name = user.to_string();
                // The name is bound to the box: a row moved to another user does not open.
                let payload = Payload { msg: password.reveal().as_bytes(), aad: name.as_bytes() };
                let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| CredentialError::Seal)?;
                StoredCredential::Sealed([nonce.as_slice(), &sealed].concat())
            }
        };
        Ok(StoredAccount { user: user.clone(), credential, person: PersonDetails::default() })
    }

    /// An account with the proof that it has already, as it rests in the store.
    ///
    /// # Errors
    /// When the password cannot be sealed.
    pub fn seal_again(
        &self,
        user: &AccountUser,
        credential: &Credential,
        person: PersonDetails,
    ) -> Result<StoredAccount, CredentialError> {
        match credential {
            Credential::Clear(password) => {
                Ok(StoredAccount { person, ..self.seal(user, password, Keeping::ForDigest)? })
            }
            Credential::Hash(PasswordDigest(hash)) => {
                let credential = StoredCredential::Hash(hash.clone());
                Ok(StoredAccount { user: user.clone(), credential, person })
            }
        }
    }

    /// The proof that rests in the store, ready for use.
    ///
    /// # Errors
    /// When it was sealed under another key or is damaged.
    pub fn unseal(&self, account: &StoredAccount) -> Result<Credential, CredentialError> {
        let sealed = match &account.credential {
            StoredCredential::Hash(hash) => return Ok(Credential::Hash(PasswordDigest::parse(hash)?)),
            StoredCredential::Sealed(sealed) => sealed,
        };
        let (nonce, sealed) = sealed.split_at_checked(NONCE_OCTETS).ok_or(CredentialError::Seal)?;
        let name = account.user.to_string();
        let payload = Payload { msg: sealed, aad: name.as_bytes() };
        let clear = self.0.decrypt(Nonce::from_slice(nonce), payload).map_err(|_| CredentialError::Seal)?;
        let text = String::from_utf8(clear).map_err(|_| CredentialError::Seal)?;
        Ok(Credential::Clear(Secret::new(&text)))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// What went wrong with a proof.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandom,
    /// A hash could not be made or read.
    #[error("the password hash cannot be computed or read")]
    Hash,
    /// The seal is broken.
    #[error("the password was sealed under another key, or is damaged")]
    Seal,
    /// The key file is no key.
    #[error("the key file account.key is damaged")]
    BadKeyFile,
    /// The key file is open to others.
    #[error("the key file account.key may be read by others; its mode must be 0600")]
    OpenKeyFile,
    /// The key file cannot be used.
    #[error("the key file account.key: {0}")]
    KeyFile(#[from] io::Error),
}

fn check_mode(path: &Path) -> Result<(), CredentialError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(CredentialError::OpenKeyFile) }
}

const KEY_OCTETS: usize = 32;
const NONCE_OCTETS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::TemporaryFolder;

    fn alice() -> AccountUser {
        AccountUser::parse("wv:alice@wv.example").unwrap()
    }

    #[test]
    fn a_sealed_password_comes_back_and_does_not_show() {
        let folder = TemporaryFolder::create().unwrap();
        let key = SealKey::open(folder.path()).unwrap();
        let account = key.seal(&alice(), &Secret::new("swordfish"), Keeping::ForDigest).unwrap();
        let StoredCredential::Sealed(octets) = &account.credential else { panic!("not sealed") };
        assert!(!octets.windows(9).any(|window| window == b"swordfish"));
        let again = SealKey::open(folder.path()).unwrap();
        let credential = again.unseal(&account).unwrap();
        assert!(credential.clear().is_some() && credential.verify("swordfish") && !credential.verify("x"));
    }

    #[test]
    fn a_seal_holds_for_one_user_and_one_key() {
        let (one, two) = (TemporaryFolder::create().unwrap(), TemporaryFolder::create().unwrap());
        let key = SealKey::open(one.path()).unwrap();
        let account = key.seal(&alice(), &Secret::new("swordfish"), Keeping::ForDigest).unwrap();
        let moved = StoredAccount { user: AccountUser::parse("wv:eve@wv.example").unwrap(), ..account.clone() };
        assert!(matches!(key.unseal(&moved), Err(CredentialError::Seal)));
        assert!(matches!(SealKey::open(two.path()).unwrap().unseal(&account), Err(CredentialError::Seal)));
    }

    #[test]
    fn a_hash_verifies_but_gives_no_password() {
        let folder = TemporaryFolder::create().unwrap();
        let key = SealKey::open(folder.path()).unwrap();
        let account = key.seal(&alice(), &Secret::new("swordfish"), Keeping::HashOnly).unwrap();
        let credential = key.unseal(&account).unwrap();
        assert!(credential.clear().is_none() && credential.verify("swordfish") && !credential.verify("x"));
    }

    #[test]
    fn an_open_key_file_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = TemporaryFolder::create().unwrap();
        SealKey::open(folder.path()).unwrap();
        let path = folder.path().join("account.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(SealKey::open(folder.path()), Err(CredentialError::OpenKeyFile)));
    }
}
