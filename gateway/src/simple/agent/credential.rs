//! What the gateway proves itself with at neighbours that challenge it.

use super::{Agent, to_sip};
use crate::account::Secret as Password;
use mapping::{side::PeerName, time::Timestamp};
use sip_proto::{
    auth::{AnswerInput, Challenger, DigestChallenge, Secret, answer, choose},
    event::notifier::NotifierEvent,
    message::{Header, HeaderName, Method, Request, Response, StatusCode, uri::Uri},
};
use std::{collections::HashMap, sync::Arc};

/// A name and a password at a neighbour.
#[derive(Clone, Debug)]
pub struct PeerCredentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Password,
}

/// The challenges that neighbours have put, which later requests answer without being asked again.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    known: HashMap<PeerName, Vec<Known>>,
}

/// A challenge, and how often its nonce was used.
#[derive(Debug)]
struct Known {
    challenger: Challenger,
    challenge: DigestChallenge,
    count: u32,
}

impl Agent {
    // RFC 3261 §22.2, RFC 8760 §2.4
    /// Answers the challenges of a 401 or 407; nothing when there are no credentials, or none that fit.
    pub(super) fn answer_challenges(
        &mut self,
        peer: &PeerName,
        response: &Response,
        method: &Method,
        (uri, body): (&str, &[u8]),
    ) -> Vec<Header> {
        let challenger = challenger_of(response);
        let fresh = choose(&response.headers().challenges(&challenger.challenge_name()).unwrap_or_default());
        let known = self.challenges.known.entry(peer.clone()).or_default();
        for challenge in fresh {
            let same_realm = |one: &Known| one.challenger == challenger && one.challenge.realm == challenge.realm;
            let place = known.iter().position(same_realm);
            let old = place.map(|place| known.remove(place));
            // The same nonce goes on being counted.
            let count = old.filter(|old| old.challenge.nonce == challenge.nonce).map_or(0, |old| old.count);
            if known.len() < REALMS_MAX {
                known.push(Known { challenger, challenge, count });
            }
        }
        self.known_credentials(peer, method, (uri, body))
    }

    // RFC 3261 §22.2
    /// Answers the challenge of a NOTIFY, when it went to a neighbour where the gateway has a name.
    pub(super) fn authorize_notifier(&mut self, now: Timestamp, name: &Arc<str>, response: &Response, uri: &Uri) {
        let Some(origin) = self.notifiers.entry(name).map(|entry| entry.origin.clone()) else { return };
        let peer = self.source_peer(&origin).map(|peer| peer.name.clone());
        let answer = |peer| self.answer_challenges(&peer, response, &Method::Notify, (&uri.to_string(), &[]));
        let headers = peer.map(answer).unwrap_or_default();
        if let Some(entry) = self.notifiers.entry(name) {
            entry.machine.handle(to_sip(now), NotifierEvent::Authorize(headers));
        }
    }

    // RFC 3261 §22.3
    /// Credentials for the challenges of this neighbour that are known; each use of a nonce has the next number.
    pub(super) fn known_credentials(
        &mut self,
        peer: &PeerName,
        method: &Method,
        (uri, body): (&str, &[u8]),
    ) -> Vec<Header> {
        let Some(credentials) = self.settings.peers.find(peer).and_then(|peer| peer.credentials.clone()) else {
            return Vec::new();
        };
        let Some(known) = self.challenges.known.get_mut(peer) else { return Vec::new() };
        let secret = Secret::Password(credentials.password.reveal().to_owned());
        let mut headers = Vec::new();
        for one in known {
            one.count = one.count.saturating_add(1);
            let cnonce = self.ids.tag().to_string();
            let input = AnswerInput {
                method,
                uri,
                user: &credentials.user,
                secret: &secret,
                cnonce: &cnonce,
                nonce_count: one.count,
                body,
            };
            let value = answer(&one.challenge, &input);
            headers.extend(value.map(|value| Header::new(one.challenger.credentials_name(), value)));
        }
        headers
    }
}

/// The nonces that credentials of a request answer.
pub(super) fn answered_nonces(request: &Request) -> Vec<String> {
    let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
    let values = names.iter().flat_map(|name| request.headers().credentials(name).unwrap_or_default());
    values.filter_map(|value| value.param("nonce").map(std::borrow::Cow::into_owned)).collect()
}

// RFC 3261 §22.2
/// Whether an answer to these challenges says anything that the request has not said: they have a nonce that it has not
/// answered, whatever else they say.
pub(super) fn is_fresh(response: &Response, request: &Request) -> bool {
    let challenges = response.headers().challenges(&challenger_of(response).challenge_name()).unwrap_or_default();
    let answered = answered_nonces(request);
    choose(&challenges).iter().any(|challenge| !answered.contains(&challenge.nonce))
}

fn challenger_of(response: &Response) -> Challenger {
    match response.status() {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Challenger::Proxy,
        _ => Challenger::Server,
    }
}

/// Realms of one neighbour: its own, and those of proxies before it.
const REALMS_MAX: usize = 8;
