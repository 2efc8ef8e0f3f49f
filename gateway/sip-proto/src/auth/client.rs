//! The client: which challenge is answered, and how.

use super::digest::{Algorithm, Qop, ResponseInput, Secret};
use crate::message::Method;
use crate::message::header::authentication::Authentication;

/// A challenge that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestChallenge {
    /// The realm, to find the password by.
    pub realm: String,
    /// The nonce of the server.
    pub nonce: String,
    /// To be given back as it is.
    pub opaque: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The quality that will be used; none for servers of RFC 2069.
    pub qop: Option<Qop>,
    /// Only the nonce was refused, the password was right.
    pub is_stale: bool,
}

impl DigestChallenge {
    /// Reads a challenge; `None` when it is not Digest, or of an algorithm or quality that is not known.
    // RFC 7616 §3.3
    #[must_use]
    pub fn from_value(value: &Authentication) -> Option<Self> {
        if !value.is_digest() {
            return None;
        }
        let text = |name: &str| value.param(name).map(std::borrow::Cow::into_owned);
        let algorithm = match value.param("algorithm") {
            None => Algorithm::Md5,
            Some(token) => Algorithm::from_token(&token)?,
        };
        let qop = match value.param("qop") {
            None => None,
            Some(list) => {
                let offered: Vec<Qop> = list.split(',').filter_map(Qop::from_token).collect();
                let preferred = [Qop::Auth, Qop::AuthInt].into_iter().find(|qop| offered.contains(qop));
                Some(preferred?)
            }
        };
        Some(Self {
            realm: text("realm")?,
            nonce: text("nonce")?,
            opaque: text("opaque"),
            algorithm,
            qop,
            is_stale: value.param("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

/// The topmost challenge of each realm that can be answered: the server names first what it prefers.
// RFC 8760 §2.4
#[must_use]
pub fn choose(challenges: &[Authentication]) -> Vec<DigestChallenge> {
    let mut chosen: Vec<DigestChallenge> = Vec::new();
    for challenge in challenges.iter().filter_map(DigestChallenge::from_value) {
        if !chosen.iter().any(|known| known.realm == challenge.realm) {
            chosen.push(challenge);
        }
    }
    chosen
}

/// What an answer needs besides the challenge.
#[derive(Clone, Copy, Debug)]
pub struct AnswerInput<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// The Request-URI as it will be written.
    pub uri: &'a str,
    /// The name of the user in the realm.
    pub user: &'a str,
    /// The secret.
    pub secret: &'a Secret,
    /// A nonce of the client: fresh randomness, no quotes.
    pub cnonce: &'a str,
    /// How often the nonce of the server was used, this time included.
    pub nonce_count: u32,
    /// The body of the request.
    pub body: &'a [u8],
}

/// The credentials that answer a challenge; `None` when the secret is the hash of another algorithm.
// RFC 3261 §22.4
// RFC 7616 §3.4
#[must_use]
pub fn answer(challenge: &DigestChallenge, input: &AnswerInput<'_>) -> Option<Authentication> {
    // Eight hexadecimal digits.
    // RFC 7616 §3.4
    let count = format!("{:08x}", input.nonce_count);
    let quality = challenge.qop.map(|qop| (qop, count.as_str(), input.cnonce));
    let first_hash = input.secret.first_hash(challenge.algorithm, input.user, &challenge.realm)?;
    let response = ResponseInput {
        algorithm: challenge.algorithm,
        method: input.method.as_str(),
        uri: input.uri,
        nonce: &challenge.nonce,
        quality,
        body: input.body,
    }
    .response(&first_hash);
    let mut value = Authentication::new(Some("Digest"));
    value.set_quoted("username", input.user);
    value.set_quoted("realm", &challenge.realm);
    value.set_quoted("nonce", &challenge.nonce);
    value.set_quoted("uri", input.uri);
    value.set_quoted("response", &response);
    value.set("algorithm", challenge.algorithm.as_str());
    if let Some((qop, count, cnonce)) = quality {
        value.set("qop", qop.as_str());
        value.set("nc", count);
        value.set_quoted("cnonce", cnonce);
    }
    if let Some(opaque) = &challenge.opaque {
        value.set_quoted("opaque", opaque);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Authentication {
        Authentication::from_text(&text.into()).unwrap()
    }

    #[test]
    fn topmost_supported_challenge_of_each_realm_is_taken() {
        let chosen = choose(&[
            value(r#"Digest realm="a", nonce="1", algorithm=SHA-3, qop="auth""#),
            value(r#"Digest realm="a", nonce="2", algorithm=SHA-256, qop="auth-int,auth", stale=TRUE"#),
            value(r#"Digest realm="a", nonce="3", algorithm=MD5, qop="auth""#),
            value(r#"Basic realm="c""#),
            value(r#"Digest realm="b", nonce="4""#),
            value(r#"Digest realm="d", nonce="5", qop="other""#),
        ]);
        let nonces: Vec<&str> = chosen.iter().map(|challenge| challenge.nonce.as_str()).collect();
        assert_eq!(nonces, ["2", "4"]);
        assert_eq!((chosen[0].qop, chosen[0].is_stale), (Some(Qop::Auth), true));
        assert_eq!((chosen[1].qop, chosen[1].algorithm), (None, Algorithm::Md5));
    }

    #[test]
    fn nonce_count_is_eight_hexadecimal_digits() {
        let challenge = DigestChallenge::from_value(&value(r#"Digest realm="a", nonce="1", qop="auth", opaque="o""#));
        let input = AnswerInput {
            method: &Method::Register,
            uri: "sip:h",
            user: "u",
            secret: &Secret::Password("p".into()),
            cnonce: "c",
            nonce_count: 10,
            body: b"",
        };
        let text = answer(&challenge.unwrap(), &input).unwrap().to_string();
        assert!(text.contains("qop=auth, nc=0000000a, cnonce=\"c\", opaque=\"o\""), "{text}");
    }
}
