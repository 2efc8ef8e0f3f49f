//! NOTIFYs that are challenged on their way to the watcher.

use super::{Notifier, NotifierCommand};
use crate::event::credential::{ChallengeGate, CredentialSource};
use crate::message::headers::Header;
use crate::message::response::Response;
use crate::message::status::StatusCode;
use crate::time::Timestamp;

/// What watchers and proxies that want credentials have said.
#[derive(Clone, Debug)]
pub(super) struct Challenge {
    gate: ChallengeGate,
    /// What answers the last challenge, for the next NOTIFY.
    pub(super) credentials: Option<Vec<Header>>,
}

impl Default for Challenge {
    fn default() -> Self {
        Self { gate: ChallengeGate::new(CredentialSource::Owner), credentials: None }
    }
}

impl Notifier {
    // RFC 3261 §22.2
    /// Whether a NOTIFY was challenged and may be sent again with credentials.
    pub(super) fn asks_owner(&mut self, response: &Response) -> bool {
        let is_challenge =
            matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        let is_answered = is_challenge && self.challenge.get_or_insert_default().gate.admits(response);
        if is_answered {
            let uri = self.dialog.request_uri();
            self.commands.push_back(NotifierCommand::Challenged { response: response.clone(), uri });
        }
        is_answered
    }

    /// The state that was challenged, or the then newest, is told with credentials.
    pub(super) fn authorize(&mut self, now: Timestamp, credentials: Vec<Header>) {
        if !credentials.is_empty() {
            self.challenge.get_or_insert_default().credentials = Some(credentials);
            self.notify(now);
        }
    }

    pub(super) fn authorize_farewell(&mut self, credentials: Vec<Header>) {
        if credentials.is_empty() {
            return self.stop();
        }
        self.challenge.get_or_insert_default().credentials = Some(credentials);
        self.say_farewell();
    }
}
