//! Digest authentication: challenges and their check on the server, answers on the client.
//!
//! No clock and no randomness: the time, the key of the nonces and the nonces of the client are arguments.

pub mod client;
pub mod digest;
mod nonce;
pub mod server;

pub use self::client::{AnswerInput, DigestChallenge, answer, choose};
pub use self::digest::{Algorithm, Qop, Secret};
pub use self::server::{AuthenticationError, DigestCredentials, DigestServer, Staleness, Verdict};

use crate::message::{HeaderName, StatusCode};

/// Who asks for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenger {
    /// The server that serves the request: 401, WWW-Authenticate, Authorization.
    Server,
    /// A proxy on the way: 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

impl Challenger {
    /// The status code that carries the challenges.
    // RFC 3261 §22.1
    // RFC 3261 §22.3
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Server => StatusCode::UNAUTHORIZED,
            Self::Proxy => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        }
    }

    /// The header field of a challenge.
    #[must_use]
    pub fn challenge_name(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    /// The header field of credentials.
    #[must_use]
    pub fn credentials_name(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}
