//! A service of the operator that knows the subscribers: it is asked at each login instead of the store.
//!
//! The question is a JSON object: `user`, `client`, `source`, and `proof`, which is `password` (with `password`), `digest`
//! (with `schema`, `nonce` and `digest`, as the client sent them) or `network` (with `msisdn`). The answer is a JSON object
//! whose `result` is `accepted`, `refused` or `unknown`, with status 200. Everything else means that the service cannot be
//! asked now: the login is answered 503, and nobody is locked out for it.

use super::Secret;
use crate::http_post::{HttpPostError, HttpTarget, post_json};
use serde_json::{Value, json};
use std::time::Duration;

/// The service.
#[derive(Clone, Debug)]
pub struct SubscriberService {
    /// Where it is.
    pub target: HttpTarget,
    /// What it knows the gateway by.
    pub token: Option<Secret>,
    /// How long it may take.
    pub patience: Duration,
}

/// What a login is to be judged by.
#[derive(Clone, Debug)]
pub struct SubscriberQuestion {
    /// The user, with scheme.
    pub user: String,
    /// The client, as it calls itself.
    pub client: String,
    /// Where the login comes from.
    pub source: String,
    /// What is to prove it.
    pub proof: SubscriberProof,
}

/// What is to prove a login.
#[derive(Clone, Debug)]
pub enum SubscriberProof {
    /// The password.
    Password(Secret),
    /// A digest over nonce and password.
    Digest {
        /// How it was made.
        schema: String,
        /// Over which nonce.
        nonce: String,
        /// The digest, in base64.
        digest: String,
    },
    /// The network says that the login comes from this telephone number.
    Network(String),
}

/// What the service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriberAnswer {
    /// The user is who it says.
    Accepted,
    /// The proof is wrong.
    Refused,
    /// There is no such user.
    Unknown,
}

/// Why the service says nothing.
#[derive(Debug, thiserror::Error)]
pub enum SubscriberError {
    /// It cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] HttpPostError),
    /// It answers with another status than 200.
    #[error("the service answers {0}")]
    Status(u16),
    /// It answers something else than was agreed.
    #[error("the service answers something that is not understood")]
    Nonsense,
}

impl SubscriberService {
    /// Asks.
    ///
    /// # Errors
    /// When no answer that can be understood comes in time.
    // WV-ACC-05
    pub async fn ask(&self, question: &SubscriberQuestion) -> Result<SubscriberAnswer, SubscriberError> {
        let token = self.token.as_ref().map(Secret::reveal);
        let answer = post_json(&self.target, token, &question.to_json(), self.patience).await?;
        if answer.status != 200 {
            return Err(SubscriberError::Status(answer.status));
        }
        let value: Value = serde_json::from_slice(&answer.body).map_err(|_| SubscriberError::Nonsense)?;
        match value.get("result").and_then(Value::as_str) {
            Some("accepted") => Ok(SubscriberAnswer::Accepted),
            Some("refused") => Ok(SubscriberAnswer::Refused),
            Some("unknown") => Ok(SubscriberAnswer::Unknown),
            _ => Err(SubscriberError::Nonsense),
        }
    }
}

impl SubscriberQuestion {
    fn to_json(&self) -> Value {
        let (mut fields, proof) = match &self.proof {
            SubscriberProof::Password(password) => (json!({ "password": password.reveal() }), "password"),
            SubscriberProof::Digest { schema, nonce, digest } => {
                (json!({ "schema": schema, "nonce": nonce, "digest": digest }), "digest")
            }
            SubscriberProof::Network(number) => (json!({ "msisdn": number }), "network"),
        };
        if let Some(fields) = fields.as_object_mut() {
            let more = [("user", &self.user), ("client", &self.client), ("source", &self.source)];
            fields.extend(more.map(|(name, text)| (name.to_owned(), Value::from(text.as_str()))));
            fields.insert("proof".to_owned(), proof.into());
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_holds_what_the_service_needs() {
        let question = |proof| SubscriberQuestion {
            user: "wv:alice@wv.example".into(),
            client: "phone".into(),
            source: "192.0.2.1".into(),
            proof,
        };
        let password = question(SubscriberProof::Password(Secret::new("secret"))).to_json();
        assert_eq!(
            password,
            json!({ "user": "wv:alice@wv.example", "client": "phone", "source": "192.0.2.1", "proof": "password",
                "password": "secret" })
        );
        let network = question(SubscriberProof::Network("+49".into())).to_json();
        assert_eq!((&network["proof"], &network["msisdn"]), (&json!("network"), &json!("+49")));
        let digest = SubscriberProof::Digest { schema: "MD5".into(), nonce: "n".into(), digest: "d==".into() };
        assert_eq!(question(digest).to_json()["schema"], "MD5");
    }
}
