//! Who sends a request: a trusted neighbour speaking for its users, or a user of a hosted domain with credentials.

use super::{Agent, credential::PeerCredentials, to_sip};
use crate::{
    observe::metric,
    simple::translate::address::{self, UriError},
    tls::domain::names_domain,
};
use mapping::{
    address::Address,
    side::{PeerName, Side},
    time::Timestamp,
};
use sip_proto::{
    auth::{Algorithm, AuthenticationError, Challenger, DigestServer, Secret, Staleness, Verdict},
    message::{HeaderName, Request, Response, StatusCode, header::via::Transport, text::Words, uri::Uri},
    transaction::via::Hop,
};
use std::{net::SocketAddr, sync::Arc};

/// The configured neighbour servers of this side.
#[derive(Clone, Debug, Default)]
pub struct PeerTable {
    peers: Vec<SipPeer>,
}

/// A neighbour server.
#[derive(Clone, Debug)]
pub struct SipPeer {
    /// Its name in the configuration.
    pub name: PeerName,
    /// Where it is.
    pub address: SocketAddr,
    /// How it is reached.
    pub transport: Transport,
    // RFC 5922 §7.3, §7.4
    /// Over TLS: the domain that it has to prove to be, whoever opens the connection.
    pub domain: Option<Arc<str>>,
    /// What the gateway proves itself with when it is challenged there.
    pub credentials: Option<PeerCredentials>,
    /// Whether identities are asserted to it and accepted from it.
    pub is_trusted: bool,
}

impl SipPeer {
    /// The way to it.
    #[must_use]
    pub fn hop(&self) -> Hop {
        Hop { transport: self.transport.clone(), address: self.address, connection: None, name: self.domain.clone() }
    }
}

impl PeerTable {
    /// A table of these peers.
    #[must_use]
    pub const fn new(peers: Vec<SipPeer>) -> Self {
        Self { peers }
    }

    /// The peer of that name.
    #[must_use]
    pub fn find(&self, name: &PeerName) -> Option<&SipPeer> {
        self.peers.iter().find(|peer| peer.name == *name)
    }

    /// The peer that a message came from. One over TLS is known by what it has proven; else a datagram must come from
    /// the peer's own port, and a connection may come from another one, except on loopback, where everybody has the same
    /// address.
    #[must_use]
    pub fn source(&self, hop: &Hop, proven: &[Arc<str>]) -> Option<&SipPeer> {
        self.peers.iter().find(|peer| {
            if peer.transport == Transport::Tls {
                let is_proven = peer.domain.as_ref().is_some_and(|domain| names_domain(proven, domain));
                return hop.transport == Transport::Tls && is_proven;
            }
            let same_host = peer.address.ip() == hop.address.ip();
            peer.address == hop.address || (same_host && hop.transport.is_reliable() && !hop.address.ip().is_loopback())
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SipPeer> {
        self.peers.iter()
    }
}

/// Who asks, once that is proven.
#[derive(Clone, Debug)]
pub(super) struct Requester {
    /// The user.
    pub(super) user: Address,
    /// The neighbour that vouches for it; none for users of hosted domains.
    pub(super) peer: Option<PeerName>,
}

impl Agent {
    /// Proves who sent the request, or gives the refusal.
    pub(super) fn identify(
        &mut self,
        now: Timestamp,
        request: &Request,
        hop: &Hop,
    ) -> Result<Requester, Box<Response>> {
        let refuse = |agent: &mut Self, status| {
            let tag = agent.ids.tag();
            Err(Box::new(Response::for_request(request, status, Some(&tag))))
        };
        let Ok(from) = request.headers().from() else { return refuse(self, StatusCode::BAD_REQUEST) };
        if let Some(peer) = self.source_peer(hop).filter(|peer| peer.is_trusted) {
            let name = peer.name.clone();
            // RFC 3325 §5: the asserted identity counts, not what From says.
            let asserted = request.headers().asserted_identities().unwrap_or_default();
            let uri = asserted.first().map_or(from.uri(), |identity| identity.uri());
            return match self.neutral(uri) {
                // A neighbour speaks for its own users only, not for the ones who live here.
                Ok(user) if !self.settings.domains.is_hosted(&user) => Ok(Requester { user, peer: Some(name) }),
                Ok(_) => refuse(self, StatusCode::FORBIDDEN),
                Err(_) => refuse(self, StatusCode::BAD_REQUEST),
            };
        }
        let Ok(user) = self.neutral(from.uri()) else { return refuse(self, StatusCode::FORBIDDEN) };
        if !self.is_registrar_user(&user) {
            return refuse(self, StatusCode::FORBIDDEN);
        }
        if self.settings.is_open {
            return if self.accounts.has(&user) {
                Ok(Requester { user, peer: None })
            } else {
                refuse(self, StatusCode::NOT_FOUND)
            };
        }
        self.authenticate(now, request, user)
    }

    /// The neighbour that a message came from.
    pub(super) fn source_peer(&self, hop: &Hop) -> Option<&SipPeer> {
        let proven = hop.connection.filter(|_| hop.transport == Transport::Tls);
        let proven = proven.map(|connection| self.transports.identities(connection)).unwrap_or_default();
        self.settings.peers.source(hop, &proven)
    }

    /// Default deny for relaying: nobody reaches a domain that is not in the table, and who comes through a neighbour
    /// reaches only the users who live here and those of the other side.
    pub(super) fn may_reach(&self, requester: &Requester, target: &Address) -> bool {
        let domains = &self.settings.domains;
        let crosses = |row: &mapping::route::DomainRoute| requester.peer.is_none() || row.side == Side::Wv;
        let may = domains.is_hosted(target) || domains.find(target).is_some_and(crosses);
        if let Some(peer) = requester.peer.as_ref().filter(|_| !may && domains.find(target).is_some()) {
            // Addressing mapping §4: routes that lead in a circle end here, and somebody has to see it.
            metric::relay_refused(Side::Simple);
            tracing::warn!(
                side = "simple",
                peer = peer.as_str(),
                domain = target.domain(),
                "no relay between neighbours"
            );
        }
        may
    }

    /// Digest, as RFC 3261 §22 and RFC 8760 have it. An unknown user is challenged like a known one.
    fn authenticate(&mut self, now: Timestamp, request: &Request, user: Address) -> Result<Requester, Box<Response>> {
        let realm = user.domain().to_owned();
        let account = self.accounts.find(&user);
        let key = self.nonce_key;
        let tag = self.ids.tag();
        // RFC 8760 §2.4: many clients in the field know MD5 only and read no challenge but the first; those that know
        // more choose among all of them.
        let algorithms = || vec![Algorithm::Md5, Algorithm::Sha256];
        let new_server = |realm: &String| DigestServer::new(realm, key).with_algorithms(algorithms());
        let server = self.realms.entry(realm).or_insert_with_key(new_server);
        let read = server.read(request, Challenger::Server);
        let staleness = match read {
            Err(AuthenticationError::Missing) => Staleness::No,
            Err(AuthenticationError::Malformed | AuthenticationError::OtherUri) => {
                return Err(Box::new(Response::for_request(request, StatusCode::BAD_REQUEST, Some(&tag))));
            }
            Ok(credentials) => {
                let password = account.as_ref().and_then(|account| account.credential.clear());
                let is_own_name = credentials.user().eq_ignore_ascii_case(&user.user_decoded());
                let verdict = match password {
                    Some(password) if is_own_name => {
                        let secret = Secret::Password(password.reveal().to_owned());
                        server.verify(to_sip(now), request, &credentials, &secret)
                    }
                    Some(_) | None => Verdict::Denied,
                };
                match verdict {
                    Verdict::Accepted => return Ok(Requester { user, peer: None }),
                    Verdict::Stale => Staleness::Yes,
                    Verdict::Denied => Staleness::No,
                }
            }
        };
        let mut response = server.challenge(to_sip(now), request, Challenger::Server, staleness, &tag);
        if fails_on_sha_256(request) {
            let md5 = response.headers().first(&HeaderName::WwwAuthenticate).map(|challenge| challenge.to_header());
            response.headers_mut().remove(&HeaderName::WwwAuthenticate);
            md5.into_iter().for_each(|challenge| response.push(challenge));
        }
        Err(Box::new(response))
    }

    /// Whether the user's home is the built-in registrar.
    pub(super) fn is_registrar_user(&self, user: &Address) -> bool {
        self.settings
            .domains
            .find(user)
            .is_some_and(|row| row.side == Side::Simple && row.route == mapping::route::Route::Hosted)
    }

    pub(super) fn neutral<T: Words>(&self, uri: &Uri<T>) -> Result<Address, UriError> {
        address::to_neutral(uri, &self.settings.tel_domain)
    }
}

/// Quirk `md5_challenge_only`: baresip before 3.12 gives up when any of several challenges names an algorithm other than
/// MD5 (<https://github.com/baresip/re/pull/1103>). Newer ones of the same major version are asked for MD5 too.
fn fails_on_sha_256(request: &Request) -> bool {
    let agent = request.headers().raw(&HeaderName::UserAgent);
    let version = agent.and_then(|agent| agent.strip_prefix(b"baresip v")).and_then(|rest| rest.get(..2));
    matches!(version, Some([b'0'..=b'3', b'.']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sip_proto::message::{Header, Method};

    #[test]
    fn only_clients_that_fail_on_sha_256_are_kept_from_it() {
        let fails = |agent: &'static str| {
            let uri = Uri::parse("sip:sip.example").unwrap();
            fails_on_sha_256(&Request::new(Method::Register, uri).with(Header::new(HeaderName::UserAgent, agent)))
        };
        assert!(fails("baresip v1.0.0 (x86_64/linux)") && fails("baresip v3.10.1 (x86_64/Linux)"));
        assert!(!fails("baresip v4.0.0") && !fails("baresip v10.0.0") && !fails("baresip") && !fails("Linphone/5"));
    }
}
