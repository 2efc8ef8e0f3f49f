//! The arithmetic of digest: algorithms, qualities of protection, secrets, the response.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use std::fmt;

/// A hash algorithm. The `-sess` variants are neither offered nor answered.
// RFC 8760 §2.1
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// `MD5`, what is meant where none is named.
    Md5,
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`.
    Sha512_256,
}

impl Algorithm {
    /// Reads the token of an algorithm; case does not count.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256, Self::Sha512_256].into_iter().find(|known| token.eq_ignore_ascii_case(known.as_str()))
    }

    /// The token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// The hash of the parts joined by colons, in lower case hexadecimal.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 => hash_with::<Md5>(parts),
            Self::Sha256 => hash_with::<Sha256>(parts),
            Self::Sha512_256 => hash_with::<Sha512_256>(parts),
        }
    }
}

fn hash_with<D: Digest>(parts: &[&[u8]]) -> String {
    let mut digest = D::new();
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    to_hex(&digest.finalize())
}

/// Lower case hexadecimal.
pub(super) fn to_hex(octets: &[u8]) -> String {
    use fmt::Write;
    octets.iter().fold(String::with_capacity(octets.len().saturating_mul(2)), |mut out, octet| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{octet:02x}");
        out
    })
}

/// What the response protects.
// RFC 7616 §3.3
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qop {
    /// Method and URI.
    Auth,
    /// The body too.
    AuthInt,
}

impl Qop {
    /// Reads the token; case does not count.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|known| token.trim().eq_ignore_ascii_case(known.as_str()))
    }

    /// The token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// What a user and the server share. Its `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The password itself.
    Password(String),
    /// `H(user:realm:password)` of one algorithm, in hexadecimal, as a store keeps it instead of the password.
    Hashed(Algorithm, String),
}

impl Secret {
    /// The hash that a store keeps instead of the password.
    #[must_use]
    pub fn from_password(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        Self::Hashed(algorithm, algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]))
    }

    /// `H(A1)`; `None` when only the hash of another algorithm is known.
    // RFC 7616 §3.4.2
    pub(super) fn first_hash(&self, algorithm: Algorithm, user: &str, realm: &str) -> Option<String> {
        match self {
            Self::Password(password) => Some(algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()])),
            Self::Hashed(known, hash) => (*known == algorithm).then(|| hash.to_ascii_lowercase()),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a response is made of, besides the secret.
pub(super) struct ResponseInput<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) nonce: &'a str,
    /// Quality, nonce count and nonce of the client; none for servers of RFC 2069.
    pub(super) quality: Option<(Qop, &'a str, &'a str)>,
    pub(super) body: &'a [u8],
}

impl ResponseInput<'_> {
    /// The response to a challenge.
    // RFC 7616 §3.4.1
    pub(super) fn response(&self, first_hash: &str) -> String {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let (method, uri) = (self.method.as_bytes(), self.uri.as_bytes());
        let second = match self.quality {
            // RFC 7616 §3.4.3
            Some((Qop::AuthInt, ..)) => hash(&[method, uri, hash(&[self.body]).as_bytes()]),
            Some((Qop::Auth, ..)) | None => hash(&[method, uri]),
        };
        let (first, nonce, second) = (first_hash.as_bytes(), self.nonce.as_bytes(), second.as_bytes());
        match self.quality {
            Some((qop, count, cnonce)) => {
                hash(&[first, nonce, count.as_bytes(), cnonce.as_bytes(), qop.as_str().as_bytes(), second])
            }
            None => hash(&[first, nonce, second]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(algorithm: Algorithm, qop: Qop, body: &[u8]) -> String {
        let secret = Secret::Password("Circle of Life".into());
        let input = ResponseInput {
            algorithm,
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            quality: Some((qop, "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            body,
        };
        input.response(&secret.first_hash(algorithm, "Mufasa", "http-auth@example.org").unwrap())
    }

    #[test]
    fn examples_of_rfc_7616_come_out() {
        // RFC 7616 §3.9.1
        assert_eq!(example(Algorithm::Md5, Qop::Auth, b""), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            example(Algorithm::Sha256, Qop::Auth, b""),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn the_body_counts_with_auth_int_only() {
        assert_eq!(example(Algorithm::Md5, Qop::Auth, b"x"), example(Algorithm::Md5, Qop::Auth, b"y"));
        assert_ne!(example(Algorithm::Md5, Qop::AuthInt, b"x"), example(Algorithm::Md5, Qop::AuthInt, b"y"));
    }

    #[test]
    fn a_hashed_secret_serves_its_algorithm_only_and_shows_nothing() {
        let hashed = Secret::from_password(Algorithm::Md5, "u", "r", "p");
        assert_eq!(
            hashed.first_hash(Algorithm::Md5, "u", "r"),
            Secret::Password("p".into()).first_hash(Algorithm::Md5, "u", "r")
        );
        assert_eq!(hashed.first_hash(Algorithm::Sha256, "u", "r"), None);
        assert_eq!(format!("{:?}", Secret::Password("p".into())), "Secret");
    }
}
