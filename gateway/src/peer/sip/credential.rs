//! Answers to challenges.

use crate::{account::Secret as Password, peer::random_name};
use sip_proto::{
    auth::{AnswerInput, Challenger, Secret, answer, choose},
    message::{Method, Response, StatusCode, headers::Header},
};
use std::io;

/// Who answers for the user.
#[derive(Debug)]
pub(super) struct Authenticator {
    user: String,
    secret: Password,
    /// The last nonce and how often it was used.
    nonce: String,
    count: u32,
}

impl Authenticator {
    pub(super) const fn new(user: String, secret: Password) -> Self {
        Self { user, secret, nonce: String::new(), count: 0 }
    }

    /// The credentials for a request that was challenged; none when no challenge can be answered.
    // RFC 3261 §22.2
    pub(super) fn answer(&mut self, response: &Response, method: &Method, uri: &str) -> io::Result<Vec<Header>> {
        let challenger = match response.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Challenger::Proxy,
            _ => Challenger::Server,
        };
        let challenges = response.headers().challenges(&challenger.challenge_name()).unwrap_or_default();
        let secret = Secret::Password(self.secret.reveal().to_owned());
        let mut headers = Vec::new();
        for challenge in choose(&challenges) {
            if challenge.nonce != self.nonce {
                self.nonce.clone_from(&challenge.nonce);
                self.count = 0;
            }
            self.count = self.count.saturating_add(1);
            let cnonce = random_name()?;
            let input = AnswerInput {
                method,
                uri,
                user: &self.user,
                secret: &secret,
                cnonce: &cnonce,
                nonce_count: self.count,
                body: &[],
            };
            headers.extend(answer(&challenge, &input).map(|value| Header::new(challenger.credentials_name(), value)));
        }
        Ok(headers)
    }
}
