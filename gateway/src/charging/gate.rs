//! The service that may refuse.
//!
//! It is posted a JSON object with `sender`, `recipients`, `media_type`, `octets`, `side` and `correlation`, and answers with
//! status 200 and `{"result": "allowed"}` or `{"result": "refused"}`. A refused sender is told that his credit does not cover
//! the message (902, of which versions before 1.3 know nothing; 403 to SIP).

use crate::{
    account::Secret,
    http_post::{HttpPostError, HttpTarget, post_json},
};
use mapping::side::Side;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

/// The service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ChargingGate(Arc<Service>);

#[derive(Debug)]
struct Service {
    target: HttpTarget,
    token: Option<Secret>,
    patience: Duration,
    when_silent: WhenSilent,
}

/// What becomes of messages while the service says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenSilent {
    /// They go.
    Allow,
    /// They are refused.
    Refuse,
}

/// What it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargingQuestion {
    /// The causal chain, as in logs, traces and charging records.
    pub correlation: String,
    /// On which side the sender is.
    pub side: Side,
    /// Who sends.
    pub sender: String,
    /// To whom: users, contact lists of the sender, groups.
    pub recipients: Vec<String>,
    /// Type of the content.
    pub media_type: String,
    /// The content in octets.
    pub octets: usize,
}

/// Why the service says nothing.
#[derive(Debug, thiserror::Error)]
enum GateError {
    #[error(transparent)]
    Unreachable(#[from] HttpPostError),
    #[error("the service answers {0}")]
    Status(u16),
    #[error("the service answers something that is not understood")]
    Nonsense,
}

impl ChargingGate {
    /// The service at this address.
    #[must_use]
    pub fn new(target: HttpTarget, token: Option<Secret>, patience: Duration, when_silent: WhenSilent) -> Self {
        Self(Arc::new(Service { target, token, patience, when_silent }))
    }

    /// Whether the message may go.
    pub async fn allows(&self, question: &ChargingQuestion) -> bool {
        match self.ask(question).await {
            Ok(allowed) => allowed,
            Err(error) => {
                tracing::warn!(correlation = question.correlation, %error, "the charging service says nothing");
                self.0.when_silent == WhenSilent::Allow
            }
        }
    }

    async fn ask(&self, question: &ChargingQuestion) -> Result<bool, GateError> {
        let document = serde_json::to_value(question).map_err(|_| GateError::Nonsense)?;
        let token = self.0.token.as_ref().map(Secret::reveal);
        let answer = post_json(&self.0.target, token, &document, self.0.patience).await?;
        if answer.status != 200 {
            return Err(GateError::Status(answer.status));
        }
        let value: serde_json::Value = serde_json::from_slice(&answer.body).map_err(|_| GateError::Nonsense)?;
        match value.get("result").and_then(serde_json::Value::as_str) {
            Some("allowed") => Ok(true),
            Some("refused") => Ok(false),
            _ => Err(GateError::Nonsense),
        }
    }
}
