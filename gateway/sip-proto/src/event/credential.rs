//! When a challenge is worth an answer: the owner computes credentials, the machine sees to it that this ends.

use crate::message::name::HeaderName;
use crate::message::response::Response;
use crate::message::status::StatusCode;

/// Who answers challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Nobody: a 401 or 407 is a failure.
    None,
    /// The owner, who is asked with a command and answers with an event.
    Owner,
}

/// Counts the challenges of one request.
#[derive(Clone, Debug)]
pub(crate) struct ChallengeGate {
    source: CredentialSource,
    answered_nonce: Option<String>,
    asked: u8,
}

impl ChallengeGate {
    pub(crate) const fn new(source: CredentialSource) -> Self {
        Self { source, answered_nonce: None, asked: 0 }
    }

    // RFC 3261 §22.2
    /// Whether to ask the owner: only for a nonce that the refused request did not answer already, and not for ever.
    pub(crate) fn admits(&mut self, response: &Response) -> bool {
        let name = match response.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => HeaderName::ProxyAuthenticate,
            _ => HeaderName::WwwAuthenticate,
        };
        let challenges = response.headers().challenges(&name).unwrap_or_default();
        let nonce = challenges.first().and_then(|challenge| challenge.param("nonce")).map(|nonce| nonce.into_owned());
        if self.source == CredentialSource::None || nonce.is_none() || self.asked >= CHALLENGES_MAX {
            return false;
        }
        if self.answered_nonce == nonce {
            return false;
        }
        self.answered_nonce = nonce;
        self.asked = self.asked.saturating_add(1);
        true
    }

    /// The request passed: the next one may be challenged afresh, even with the same nonce.
    pub(crate) fn reset(&mut self) {
        self.answered_nonce = None;
        self.asked = 0;
    }
}

/// One for the server, one for a proxy, and once again for each because the nonce was stale.
const CHALLENGES_MAX: u8 = 4;
