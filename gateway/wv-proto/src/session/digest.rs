//! The digests of the four-way login: what the client computes, and how the server checks it.

use crate::primitive::access::DigestSchema;
use crate::primitive::identifier::{DigestBytes, Nonce, Password};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

/// A digest that this implementation can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestMethod {
    /// MD5 of RFC 1321.
    Md5,
    /// The schema named `SHA`, which means SHA-1.
    Sha1,
}

/// How a server lets a client prove its password in a four-way login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A digest over nonce and password.
    Digest(DigestMethod),
    /// `PWD`: the client sends the password in clear in its second request.
    ClearPassword,
}

impl Proof {
    /// What this schema stands for; `None` for MD4, for MD6 (which in this protocol is not the hash of that name) and
    /// for unknown names.
    // WV-LOGIN-05
    #[must_use]
    pub fn from_schema(schema: &DigestSchema) -> Option<Self> {
        match schema {
            DigestSchema::Md5 => Some(Self::Digest(DigestMethod::Md5)),
            DigestSchema::Sha => Some(Self::Digest(DigestMethod::Sha1)),
            DigestSchema::Pwd => Some(Self::ClearPassword),
            DigestSchema::Md4 | DigestSchema::Md6 | DigestSchema::Other(_) => None,
        }
    }

    /// The schema that names it.
    #[must_use]
    pub const fn to_schema(self) -> DigestSchema {
        match self {
            Self::Digest(DigestMethod::Md5) => DigestSchema::Md5,
            Self::Digest(DigestMethod::Sha1) => DigestSchema::Sha,
            Self::ClearPassword => DigestSchema::Pwd,
        }
    }
}

/// The schemas a client offers, in its order of preference, with comma lists taken apart.
// WV-LOGIN-09
#[must_use]
pub fn offered_schemas(schemas: &[DigestSchema]) -> Vec<DigestSchema> {
    schemas.iter().flat_map(|schema| schema.as_str().split(',')).map(DigestSchema::parse).collect()
}

/// A nonce of 32 hexadecimal digits from 16 random octets that the caller drew.
// WV-LOGIN-06
#[must_use]
pub fn mint_nonce(random: [u8; 16]) -> Nonce {
    Nonce::new(random.iter().map(|octet| format!("{octet:02x}")).collect::<String>())
}

/// The DigestBytes for this nonce and password: base64 of the hash over the characters of both.
// WV-LOGIN-04
#[must_use]
pub fn digest_bytes(method: DigestMethod, nonce: &Nonce, password: &Password) -> DigestBytes {
    DigestBytes::new(STANDARD.encode(raw_digest(method, nonce, password)))
}

/// Whether the DigestBytes of a client are right, in a time that does not depend on where they differ.
// WV-LOGIN-04
#[must_use]
pub fn is_digest_right(method: DigestMethod, nonce: &Nonce, password: &Password, sent: &DigestBytes) -> bool {
    let compact: String = sent.expose().chars().filter(|character| !character.is_ascii_whitespace()).collect();
    match STANDARD.decode(compact) {
        Ok(octets) => octets.ct_eq(&raw_digest(method, nonce, password)).into(),
        Err(_) => false,
    }
}

/// Whether two passwords are equal, in a time that does not depend on where they differ.
#[must_use]
pub fn is_same_password(known: &Password, sent: &Password) -> bool {
    known.expose().as_bytes().ct_eq(sent.expose().as_bytes()).into()
}

fn raw_digest(method: DigestMethod, nonce: &Nonce, password: &Password) -> Vec<u8> {
    let text = [latin1(nonce.expose()), latin1(password.expose())].concat();
    match method {
        DigestMethod::Md5 => Md5::digest(&text).to_vec(),
        DigestMethod::Sha1 => Sha1::digest(&text).to_vec(),
    }
}

/// ISO-8859-1 octets where every character has one, UTF-8 otherwise.
// UNCLEAR WV-LOGIN-04: the known client encodes as ISO-8859-1 and loses other characters; UTF-8 loses nothing.
fn latin1(text: &str) -> Vec<u8> {
    let narrow: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    narrow.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(method: DigestMethod, nonce: &str, password: &str) -> String {
        digest_bytes(method, &Nonce::new(nonce), &Password::new(password)).expose().to_owned()
    }

    fn is_right(method: DigestMethod, nonce: &str, password: &str, sent: &str) -> bool {
        is_digest_right(method, &Nonce::new(nonce), &Password::new(password), &DigestBytes::new(sent))
    }

    // WV-LOGIN-04
    #[test]
    fn the_known_vector_comes_out() {
        assert_eq!(digest(DigestMethod::Md5, "abc123", "secret"), "ONRYj9vHKbpfB8SbQtGVoA==");
    }

    #[test]
    fn right_digests_are_accepted_and_wrong_ones_refused() {
        for method in [DigestMethod::Md5, DigestMethod::Sha1] {
            let right = digest(method, "00ff", "secret");
            assert!(is_right(method, "00ff", "secret", &right));
            assert!(is_right(method, "00ff", "secret", &format!(" {right}\n")));
            assert!(!is_right(method, "00fe", "secret", &right));
            assert!(!is_right(method, "00ff", "Secret", &right));
            assert!(!is_right(method, "00ff", "secret", "not base64 !"));
            assert!(!is_right(method, "00ff", "secret", ""));
        }
    }

    #[test]
    fn a_password_beyond_ascii_is_hashed_as_latin1() {
        let expected = STANDARD.encode(Md5::digest([b'n', 0xe9]));
        assert_eq!(digest(DigestMethod::Md5, "n", "é"), expected);
        assert_ne!(digest(DigestMethod::Md5, "n", "€"), digest(DigestMethod::Md5, "n", "?"));
    }

    #[test]
    fn a_nonce_is_32_hex_digits() {
        assert_eq!(mint_nonce([0xab; 16]).expose(), "ab".repeat(16));
    }

    #[test]
    fn a_comma_list_is_taken_apart_in_its_order() {
        let offered = offered_schemas(&[DigestSchema::parse("PWD,SHA,MD4, MD5,MD6")]);
        let proofs: Vec<_> = offered.iter().filter_map(Proof::from_schema).collect();
        assert_eq!(proofs, [Proof::ClearPassword, Proof::Digest(DigestMethod::Sha1), Proof::Digest(DigestMethod::Md5)]);
    }

    #[test]
    fn schemas_that_cannot_be_computed_are_not_chosen() {
        assert_eq!(Proof::from_schema(&DigestSchema::parse("md4")), None);
        assert_eq!(Proof::from_schema(&DigestSchema::Md6), None);
        assert_eq!(Proof::from_schema(&DigestSchema::parse("none")), None);
    }
}
