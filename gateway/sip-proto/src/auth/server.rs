//! The server: challenges, and the check of what comes back.

use super::Challenger;
use super::digest::{Algorithm, Qop, ResponseInput, Secret};
use super::nonce::{Count, NonceKeeper, Standing};
use crate::error::HeaderError;
use crate::message::header::{authentication::Authentication, identifier::Tag};
use crate::message::{Header, Request, Response, Uri};
use crate::time::Timestamp;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Challenges requests and checks credentials for one realm.
///
/// `read` the credentials, look the secret of their user up, `verify`; or `challenge`.
pub struct DigestServer {
    realm: String,
    algorithms: Vec<Algorithm>,
    nonces: NonceKeeper,
}

/// The credentials of a request for our realm, not yet proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestCredentials {
    user: String,
    uri: String,
    nonce: String,
    response: String,
    algorithm: Algorithm,
    qop: Qop,
    cnonce: String,
    count_text: String,
    count: u32,
}

impl DigestCredentials {
    /// The name of the user in the realm.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The algorithm, to choose the stored hash by.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Why there are no credentials to check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// None for our realm, of a scheme and algorithm that we offer: challenge.
    #[error("the request carries no credentials for the realm")]
    Missing,
    /// The header field cannot be read, or lacks a parameter: 400.
    #[error("the credentials are malformed")]
    Malformed,
    /// The credentials are for another URI: 400.
    #[error("the credentials are for another URI")]
    OtherUri,
}

impl From<HeaderError> for AuthenticationError {
    fn from(_: HeaderError) -> Self {
        Self::Malformed
    }
}

/// What became of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The user knows the secret.
    Accepted,
    /// The user knows the secret, but the nonce is too old, or the count was used before: challenge with `stale`.
    Stale,
    /// The response is wrong.
    Denied,
}

/// Whether a challenge says that only the nonce was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// The first challenge, or the secret was wrong.
    No,
    /// `stale=true`.
    Yes,
}

impl DigestServer {
    /// How long a nonce may be used. Long enough for several refreshes, short for who records it.
    pub const NONCE_LIFETIME: Duration = Duration::from_secs(300);
    /// Nonces whose counts are remembered; about 64 octets each.
    pub const NONCES_MAX: usize = 65_536;

    /// A server that offers SHA-256 first, then MD5. The key is fresh randomness of the owner; with another key all
    /// nonces of before are stale.
    // RFC 8760 §2.3
    #[must_use]
    pub fn new(realm: &str, key: [u8; 32]) -> Self {
        Self::with_limits(realm, key, Self::NONCE_LIFETIME, Self::NONCES_MAX)
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(realm: &str, key: [u8; 32], lifetime: Duration, nonces_max: usize) -> Self {
        Self {
            realm: realm.to_owned(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            nonces: NonceKeeper::new(key, lifetime, nonces_max),
        }
    }

    /// The same with other algorithms, the preferred one first.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: Vec<Algorithm>) -> Self {
        self.algorithms = algorithms;
        self
    }

    /// The challenges of a 401 or 407, one per algorithm, each with a nonce of its own.
    // RFC 8760 §2.3
    pub fn challenges(&mut self, now: Timestamp, challenger: Challenger, staleness: Staleness) -> Vec<Header> {
        let algorithms = self.algorithms.clone();
        let challenge = |algorithm: Algorithm| {
            let mut value = Authentication::new(Some("Digest"));
            value.set_quoted("realm", &self.realm);
            value.set_quoted("qop", "auth,auth-int");
            value.set_quoted("nonce", &self.nonces.mint(now));
            if staleness == Staleness::Yes {
                value.set("stale", "true");
            }
            value.set("algorithm", algorithm.as_str());
            Header::new(challenger.challenge_name(), value)
        };
        algorithms.into_iter().map(challenge).collect()
    }

    /// The 401 or 407 to a request.
    // RFC 3261 §22.2
    pub fn challenge(
        &mut self,
        now: Timestamp,
        request: &Request,
        challenger: Challenger,
        staleness: Staleness,
        to_tag: &Tag,
    ) -> Response {
        let mut response = Response::for_request(request, challenger.status(), Some(to_tag));
        for header in self.challenges(now, challenger, staleness) {
            response.push(header);
        }
        response
    }

    /// Checks credentials against the secret of their user. With an unknown user give the secret of nobody, so that the
    /// time it takes tells nothing.
    pub fn verify(
        &mut self,
        now: Timestamp,
        request: &Request,
        credentials: &DigestCredentials,
        secret: &Secret,
    ) -> Verdict {
        self.nonces.expire(now);
        let Some(first_hash) = secret.first_hash(credentials.algorithm, &credentials.user, &self.realm) else {
            return Verdict::Denied;
        };
        let expected = ResponseInput {
            algorithm: credentials.algorithm,
            method: request.method().as_str(),
            uri: &credentials.uri,
            nonce: &credentials.nonce,
            quality: Some((credentials.qop, &credentials.count_text, &credentials.cnonce)),
            body: request.body(),
        }
        .response(&first_hash);
        let given = credentials.response.to_ascii_lowercase();
        if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
            return Verdict::Denied;
        }
        // Stale is said only to who proved to know the secret.
        // RFC 7616 §3.3
        match self.nonces.examine(now, &credentials.nonce) {
            Standing::Stale => Verdict::Stale,
            Standing::Fresh(nonce) => match self.nonces.note(nonce, credentials.count) {
                Count::New => Verdict::Accepted,
                Count::Replayed => Verdict::Stale,
            },
        }
    }

    /// Finds the credentials for our realm in a request.
    ///
    /// # Errors
    /// See [`AuthenticationError`].
    // RFC 3261 §22.4
    pub fn read(&self, request: &Request, challenger: Challenger) -> Result<DigestCredentials, AuthenticationError> {
        let values = request.headers().credentials(&challenger.credentials_name())?;
        // What we do not know is as if it were not there.
        // RFC 4475 §3.3.7
        let is_ours = |value: &&Authentication| {
            value.is_digest() && value.param("realm").is_some_and(|realm| realm == self.realm.as_str())
        };
        let value = values.iter().find(is_ours).ok_or(AuthenticationError::Missing)?;
        let algorithm = match value.param("algorithm") {
            None => Some(Algorithm::Md5),
            Some(token) => Algorithm::from_token(&token),
        };
        let algorithm =
            algorithm.filter(|known| self.algorithms.contains(known)).ok_or(AuthenticationError::Missing)?;
        let text = |name: &str| value.param(name).map(|text| text.into_owned()).ok_or(AuthenticationError::Malformed);
        let (uri, count_text) = (text("uri")?, text("nc")?);
        // RFC 7616 §3.4
        let is_count = count_text.len() == 8 && count_text.bytes().all(|octet| octet.is_ascii_hexdigit());
        let count = u32::from_str_radix(&count_text, 16).ok().filter(|&count| is_count && count > 0);
        let credentials = DigestCredentials {
            user: text("username")?,
            nonce: text("nonce")?,
            response: text("response")?,
            algorithm,
            qop: Qop::from_token(&text("qop")?).ok_or(AuthenticationError::Malformed)?,
            cnonce: text("cnonce")?,
            count: count.ok_or(AuthenticationError::Malformed)?,
            count_text,
            uri,
        };
        if names_same_target(&credentials.uri, request.uri()) {
            Ok(credentials)
        } else {
            Err(AuthenticationError::OtherUri)
        }
    }
}

/// Whether the URI of the credentials is that of the request. A proxy on the way may have changed parameters.
// RFC 7616 §3.4.6
// RFC 3261 §22.4
fn names_same_target(digest_uri: &str, request_uri: &Uri) -> bool {
    let Ok(uri) = Uri::parse(digest_uri) else {
        return false;
    };
    uri.is_equivalent(request_uri) || (uri.to_aor().is_some() && uri.to_aor() == request_uri.to_aor())
}

#[cfg(test)]
mod tests;
