//! Who sends a request: a trusted neighbour speaking for its users, or a user of a hosted domain with credentials.

use super::{Agent, credential::PeerCredentials, to_sip, way::Way};
use crate::{
    observe::metric,
    simple::translate::address::{self, UriError},
    tls::domain::names_domain,
};
use mapping::{
    address::Address,
    message::Disclosure,
    side::{PeerName, Side},
    time::Timestamp,
};
use sip_proto::{
    auth::{Algorithm, AuthenticationError, Challenger, DigestServer, Secret, Staleness, Verdict},
    error::HeaderError,
    message::{
        HeaderName, Request, Response, StatusCode,
        header::via::Transport,
        text::{Text, Words},
        uri::Uri,
    },
    transaction::via::Hop,
};
use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

/// The configured neighbour servers of this side.
#[derive(Clone, Debug, Default)]
pub struct PeerTable {
    peers: Vec<SipPeer>,
    /// Where names led to.
    learned: HashMap<PeerName, Vec<(Transport, SocketAddr)>>,
}

/// A neighbour server.
#[derive(Clone, Debug)]
pub struct SipPeer {
    /// Its name in the configuration.
    pub name: PeerName,
    /// How it is reached, most preferred first.
    pub ways: Vec<Way>,
    // RFC 5922 §7.3, §7.4
    /// Over TLS: the domain that it has to prove to be, whoever opens the connection.
    pub domain: Option<Arc<str>>,
    /// What the gateway proves itself with when it is challenged there.
    pub credentials: Option<PeerCredentials>,
    /// Whether identities are asserted to it and accepted from it.
    pub is_trusted: bool,
    // RFC 5922 §7.4
    /// The domain whose users it speaks for once it has proven to be that domain; for those that DNS alone leads to.
    pub speaks_for: Option<Arc<str>>,
    /// How often it is asked whether it is there.
    pub probe: Option<Duration>,
    /// Neighbours that take its place one after the other; none for a neighbour itself.
    pub members: Vec<PeerName>,
}

impl SipPeer {
    /// Whether it comes from there.
    fn is_at(&self, hop: &Hop, learned: &[(Transport, SocketAddr)]) -> bool {
        let own = self.ways.iter().filter_map(|way| match way {
            Way::Hop(hop) => Some((&hop.transport, hop.address)),
            Way::Target { .. } | Way::Domain(_) => None,
        });
        let learned = learned.iter().map(|(transport, address)| (transport, *address));
        own.chain(learned).any(|(transport, address)| {
            let same_host = address.ip() == hop.address.ip();
            let from_anywhere = same_host && hop.transport.is_reliable() && !hop.address.ip().is_loopback();
            *transport != Transport::Tls && (address == hop.address || from_anywhere)
        })
    }

    /// Whether it has proven to be who it is.
    fn is_proven(&self, hop: &Hop, proven: &[Arc<str>]) -> bool {
        hop.transport == Transport::Tls && self.domain.as_ref().is_some_and(|domain| names_domain(proven, domain))
    }
}

impl PeerTable {
    /// A table of these peers.
    #[must_use]
    pub fn new(peers: Vec<SipPeer>) -> Self {
        Self { peers, learned: HashMap::new() }
    }

    /// Notes where the name of a peer leads to, for telling what comes from there.
    pub fn learn(&mut self, name: &PeerName, places: Vec<(Transport, SocketAddr)>) {
        self.learned.insert(name.clone(), places);
    }

    /// Takes over what was learned of peers that are reached as before.
    pub(super) fn learn_from(&mut self, other: &Self) {
        let is_same =
            |name: &PeerName| self.find(name).zip(other.find(name)).is_some_and(|(own, known)| own.ways == known.ways);
        let known: Vec<_> = other.learned.iter().filter(|(name, _)| is_same(name)).collect();
        let known: Vec<_> = known.into_iter().map(|(name, places)| (name.clone(), places.clone())).collect();
        self.learned.extend(known);
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
        let peers = || self.peers.iter().filter(|peer| peer.members.is_empty());
        let is_at = |peer: &&SipPeer| {
            let learned = self.learned.get(&peer.name).map(Vec::as_slice).unwrap_or_default();
            // A domain that DNS alone leads to has proven nothing by where it sends from.
            peer.speaks_for.is_none() && peer.is_at(hop, learned)
        };
        peers().find(|peer| peer.is_proven(hop, proven)).or_else(|| peers().find(is_at))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &SipPeer> {
        self.peers.iter()
    }
}

/// Which users may speak for themselves, with credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    /// Those whose home is the built-in registrar.
    Registrar,
    /// All that have an account here: to learn who watches them, users of the other side may come by SIP too.
    Hosted,
}

/// Who asks, once that is proven.
#[derive(Clone, Debug)]
pub(super) struct Requester {
    /// The user.
    pub(super) user: Address,
    /// The neighbour that vouches for it; none for users of hosted domains.
    pub(super) peer: Option<PeerName>,
    /// Whether others may learn who it is.
    pub(super) disclosure: Disclosure,
}

impl Agent {
    /// Proves who sent the request, or gives the refusal.
    pub(super) fn identify(
        &mut self,
        now: Timestamp,
        request: &Request,
        hop: &Hop,
        realm: Realm,
    ) -> Result<Requester, Box<Response>> {
        let refuse = |agent: &mut Self, status| {
            let tag = agent.ids.tag();
            Err(Box::new(Response::for_request(request, status, Some(&tag))))
        };
        let Ok(from) = request.headers().from() else { return refuse(self, StatusCode::BAD_REQUEST) };
        let Ok(disclosure) = disclosure(request, from.uri()) else { return refuse(self, StatusCode::BAD_REQUEST) };
        if asks_too_much(request) {
            // RFC 3323 §5
            return refuse(self, StatusCode::SERVER_INTERNAL_ERROR);
        }
        if let Some(peer) = self.source_peer(hop).filter(|peer| peer.is_trusted) {
            let name = peer.name.clone();
            // RFC 3325 §5: the asserted identity counts, not what From says.
            let asserted = request.headers().asserted_identities().unwrap_or_default();
            let uri = asserted.first().map_or(from.uri(), |identity| identity.uri());
            if is_anonymous(uri) {
                return Err(self.unknown_requester(request));
            }
            return match self.neutral(uri) {
                // A neighbour speaks for its own users only, not for the ones who live here.
                Ok(user) if !self.settings.domains.is_hosted(&user) => {
                    Ok(Requester { user, peer: Some(name), disclosure })
                }
                Ok(_) => refuse(self, StatusCode::FORBIDDEN),
                Err(_) => refuse(self, StatusCode::BAD_REQUEST),
            };
        }
        if is_anonymous(from.uri()) {
            return Err(self.unknown_requester(request));
        }
        let Ok(user) = self.neutral(from.uri()) else { return refuse(self, StatusCode::FORBIDDEN) };
        // RFC 5922 §7.4: a domain that has proven to be itself speaks for its own users, and for nobody else.
        let speaks = |peer: &&SipPeer| peer.speaks_for.as_deref() == Some(user.domain());
        if let Some(name) = self.source_peer(hop).filter(speaks).map(|peer| peer.name.clone()) {
            return Ok(Requester { user, peer: Some(name), disclosure });
        }
        let is_admitted = match realm {
            Realm::Registrar => self.is_registrar_user(&user),
            Realm::Hosted => self.settings.domains.is_hosted(&user),
        };
        if !is_admitted {
            return refuse(self, StatusCode::FORBIDDEN);
        }
        if self.settings.is_open {
            return if self.accounts.has(&user) {
                Ok(Requester { user, peer: None, disclosure })
            } else {
                refuse(self, StatusCode::NOT_FOUND)
            };
        }
        self.authenticate(now, request, user).map(|requester| Requester { disclosure, ..requester })
    }

    // RFC 5079 §4
    /// Nobody says who it is: there is nobody to permit anything to.
    fn unknown_requester(&mut self, request: &Request) -> Box<Response> {
        let tag = self.ids.tag();
        let status = StatusCode::from_number(ANONYMITY_DISALLOWED).unwrap_or(StatusCode::FORBIDDEN);
        Box::new(Response::for_request(request, status, Some(&tag)))
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
                    Verdict::Accepted => return Ok(Requester { user, peer: None, disclosure: Disclosure::Named }),
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

    /// Who is meant. Contacts that the gateway registered lead to their users.
    pub(super) fn neutral<T: Words>(&self, uri: &Uri<T>) -> Result<Address, UriError> {
        if let Some((user, host)) = address::from_contact(uri)
            && self.settings.domains.is_hosted(&user)
            && self.settings.domains.find_name(&host).is_none()
        {
            return Ok(user);
        }
        address::to_neutral(uri, &self.settings.tel_domain)
    }
}

// RFC 3323 §4.2, RFC 3325 §7, §9.3
/// Whether others may learn who sends a request. What the fields of the way would tell (`header`) is replaced by the
/// gateway's own in any case, and there is no session to hide (`session`).
fn disclosure<T: Words>(request: &Request, from: &Uri<T>) -> Result<Disclosure, HeaderError> {
    let wishes = request.headers().privacy()?;
    let wants = |wish: &str| wishes.iter().any(|known| known.is_like(wish));
    let is_hidden = !wants("none") && (wants("id") || wants("user") || is_anonymous(from));
    Ok(if is_hidden { Disclosure::Anonymous } else { Disclosure::Named })
}

// RFC 3323 §4.2
/// Whether a kind of privacy is demanded that is not known here, and nothing but that will do.
fn asks_too_much(request: &Request) -> bool {
    let wishes = request.headers().privacy().unwrap_or_default();
    let is_known = |wish: &Text| PRIVACY_KINDS.iter().any(|known| wish.is_like(known));
    wishes.iter().any(|wish| wish.is_like("critical")) && !wishes.iter().all(is_known)
}

// RFC 3323 §4.1.1.3
/// Whether a URI names nobody.
fn is_anonymous<T: Words>(uri: &Uri<T>) -> bool {
    uri.as_sip().is_some_and(|sip| sip.host().to_canonical() == "anonymous.invalid")
}

// RFC 3323 §4.2, RFC 3325 §9.3
const PRIVACY_KINDS: [&str; 6] = ["header", "session", "user", "id", "none", "critical"];

// RFC 5079 §4
const ANONYMITY_DISALLOWED: u16 = 433;

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
