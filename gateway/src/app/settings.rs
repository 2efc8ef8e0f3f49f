//! From the configuration to what engine and adapters are told.

use super::StartError;
use crate::{
    config::{
        Configuration,
        section::{
            AuthorizationDefault, Domain, Peer, PeerLogin, SecondLogin, Simple, SipAuthentication, WvAccess,
            WvFederation, WvSidecar,
        },
        value::{DomainRouting, HostPort, PeerScheme, PeerUri, SipTransport},
    },
    lane::Neighbourhood,
    observe::Readiness,
    simple::{
        agent::{Advertised, AgentSettings, Anonymity, PeerCredentials, PeerTable, SipPeer, Way},
        transport::Bounds,
    },
    tls::TlsTrust,
    wv::{
        CspPeer, ShadowRow, SidecarSettings, SspPeer, SspSettings, WvSettings,
        listener::{CIR_PATH, ListenerSettings},
        session::{Provider, offered_functions},
        ssp::{Discovery, Target, listener::SspListenerSettings},
    },
};
use mapping::{
    address::Address,
    engine::{DefaultAuthorization, EngineConfig, Routing, Storage},
    side::{BlockedStyle, PeerName, Side},
};
use sip_proto::{
    message::{header::via::Transport, host::Host, text::Text},
    resolve::Service,
    transaction::via::Hop,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use wv_proto::{
    primitive::{access::DigestSchema, capability::CirMethod, function::Function},
    session::{
        client::LoginWay,
        limit::{KEEP_ALIVE_CEILING, SessionLimits},
        login::SameClient,
        negotiation::{Offer, Strictness},
        poll::Epoch,
        server::SessionPolicy,
        standing::StandingSettings,
    },
    ssp::{limit::SspLimits, setup::SecretToken},
    version::{Encoding, Version},
};

/// What had to be read for the SIP agent; the rest of its settings stands in the configuration.
#[derive(Clone, Debug)]
pub(super) struct AgentWishes {
    peers: PeerTable,
    advertised: Option<Advertised>,
    advertised_tls: Option<Advertised>,
}

impl AgentWishes {
    /// Reads the neighbour servers and the own addresses.
    pub(super) fn of(configuration: &Configuration) -> Result<Self, StartError> {
        let mut peers: Vec<SipPeer> = configuration.peers.iter().filter_map(sip_peer).collect();
        let groups: Vec<SipPeer> = configuration.domains.iter().filter_map(|domain| group(domain, &peers)).collect();
        peers.extend(groups);
        peers.extend(configuration.domains.iter().filter_map(domain_peer));
        let simple = configuration.simple.as_ref();
        let advertised = advertised(simple.and_then(|simple| simple.advertise.as_ref()))?;
        let advertised_tls = advertised_tls(simple)?;
        Ok(Self { peers: PeerTable::new(peers), advertised, advertised_tls })
    }

    pub(super) fn settings(&self, configuration: &Configuration) -> AgentSettings {
        let simple = configuration.simple.as_ref();
        AgentSettings {
            domains: configuration.domain_table(),
            tel_domain: default_domain(configuration, Side::Simple),
            peers: self.peers.clone(),
            anonymity: if simple.is_some_and(|simple| simple.anonymous_messages) {
                Anonymity::Delivered
            } else {
                Anonymity::Refused
            },
            is_open: simple.is_some_and(|simple| simple.authentication == SipAuthentication::InsecureOpen),
            advertised: self.advertised.clone(),
            advertised_tls: self.advertised_tls.clone(),
            validity_default: configuration.limits.engine.validity_default,
            content_octets_max: configuration.limits.engine.content_octets_max,
            pending_requests_max: PENDING_REQUESTS_MAX,
            quarantine: configuration.limits.quarantine,
            requests_per_s_per_source: configuration.limits.requests_per_s_per_source,
            notify_interval_min: configuration.limits.notify_interval_min,
        }
    }
}

/// A SIP neighbour of the configuration.
fn sip_peer(peer: &Peer) -> Option<SipPeer> {
    if peer.uri.scheme != PeerScheme::Sip {
        return None;
    }
    let transport = peer.uri.transport.map(|transport| match transport {
        SipTransport::Tcp => Transport::Tcp,
        SipTransport::Tls => Transport::Tls,
        SipTransport::Udp => Transport::Udp,
    });
    let domain: Option<Arc<str>> = peer.tls_name.as_deref().map(Arc::from);
    let host = Host::parse(&Text::from(peer.uri.address.host.as_str())).ok()?;
    let local = peer.uri.address.host.eq_ignore_ascii_case("localhost").then_some(IpAddr::from([127, 0, 0, 1]));
    let way = match host.to_address().or(local) {
        Some(address) => Way::Hop(Hop {
            address: SocketAddr::new(address, peer.uri.port()),
            transport: transport.unwrap_or(Transport::Udp),
            connection: None,
            name: domain.clone(),
        }),
        None => {
            let target = sip_proto::resolve::Target::new(Service::Sip, &host, peer.uri.address.port, transport);
            Way::Target { target, name: domain.clone() }
        }
    };
    let named = peer.user.clone().zip(peer.password.clone());
    Some(SipPeer {
        name: peer.name.clone(),
        ways: vec![way],
        // A name may lead to TLS whether or not it is asked for.
        domain: domain.or_else(|| (host.to_address().is_none()).then(|| Arc::from(host.to_canonical()))),
        credentials: named.map(|(user, password)| PeerCredentials { user, password }),
        is_trusted: peer.trusted,
        speaks_for: None,
        probe: peer.probe,
        members: Vec::new(),
    })
}

/// Several neighbours that take each other's place, as one.
fn group(domain: &Domain, peers: &[SipPeer]) -> Option<SipPeer> {
    let names = domain.routing.peers();
    if names.len() < 2 {
        return None;
    }
    let members: Vec<&SipPeer> =
        names.iter().filter_map(|name| peers.iter().find(|peer| peer.name.as_str() == name)).collect();
    Some(SipPeer {
        name: domain.route_name()?,
        ways: members.iter().flat_map(|peer| peer.ways.clone()).collect(),
        members: members.iter().map(|peer| peer.name.clone()).collect(),
        ..(*members.first()?).clone()
    })
}

/// Whoever DNS names for a domain of the SIP side.
fn domain_peer(domain: &Domain) -> Option<SipPeer> {
    if domain.routing != DomainRouting::Dns || domain.side != Side::Simple {
        return None;
    }
    let host = Host::parse(&Text::from(domain.name.as_str())).ok()?;
    let name: Arc<str> = Arc::from(domain.name.as_str());
    Some(SipPeer {
        name: domain.route_name()?,
        ways: vec![Way::Domain(sip_proto::resolve::Target::new(Service::Sip, &host, None, None))],
        domain: Some(Arc::clone(&name)),
        credentials: None,
        is_trusted: false,
        speaks_for: Some(name),
        probe: None,
        members: Vec::new(),
    })
}

fn advertised(written: Option<&HostPort>) -> Result<Option<Advertised>, StartError> {
    let Some(written) = written else { return Ok(None) };
    let host = Host::parse(&Text::from(written.host.as_str()));
    let host = host.map_err(|_| StartError::Advertise(written.to_string()))?;
    Ok(Some(Advertised { host, port: written.port }))
}

/// Over TLS; where only the host is known, the port is that of the listener.
fn advertised_tls(simple: Option<&Simple>) -> Result<Option<Advertised>, StartError> {
    let Some(simple) = simple else { return Ok(None) };
    let own = simple.tls.as_ref().and_then(|tls| tls.advertise.as_ref());
    if own.is_some() {
        return advertised(own);
    }
    let listener = simple.listen.iter().find(|listen| listen.transport == SipTransport::Tls);
    let port = listener.map(|listen| listen.address.port()).filter(|port| *port != 0);
    Ok(advertised(simple.advertise.as_ref())?.map(|advertised| Advertised { port, ..advertised }))
}

/// What the CSP sessions of a lane are told.
pub(super) fn sessions(
    configuration: &Configuration,
    access: &WvAccess,
    places: Places,
    lane: u32,
    epoch: u64,
) -> WvSettings {
    let limits = SessionLimits {
        keep_alive_max: access.keep_alive_max.min(KEEP_ALIVE_CEILING),
        keep_alive_default: access.keep_alive_default.min(access.keep_alive_max),
        ..SessionLimits::default()
    };
    let offer = offer(access, places);
    WvSettings {
        lane,
        domain_default: default_domain(configuration, Side::Wv),
        domains: configuration.domain_table(),
        session_policy: Arc::new(SessionPolicy {
            limits,
            offer,
            long_poll: access.long_poll,
            ..SessionPolicy::default()
        }),
        // Only the order of starts on one store counts; the memory store, whose epochs are larger, restores nothing.
        epoch: Epoch::new(u32::try_from(epoch & u64::from(u32::MAX)).unwrap_or(u32::MAX)),
        validity_default: configuration.limits.engine.validity_default,
        content_octets_max: configuration.limits.engine.content_octets_max,
        logins_per_minute_per_source: configuration.limits.logins_per_minute_per_source,
        sessions_per_user_max: access.sessions_per_user_max,
        same_client: match access.same_client {
            SecondLogin::Replaces => SameClient::Replaces,
            SecondLogin::IsRefused => SameClient::IsRefused,
        },
        provider: Provider {
            name: access.provider_name.as_str().into(),
            description: access.provider_description.as_deref().map(Box::from),
            url: access.provider_url.as_deref().map(Box::from),
            map_url: access.map_url.as_deref().map(Box::from),
        },
    }
}

/// The neighbour servers that are reached over the WV side.
pub(super) fn wv_peers(configuration: &Configuration) -> BTreeSet<PeerName> {
    let of_peer = |domain: &Domain| match &domain.routing {
        DomainRouting::CspClient(name) => Some(PeerName::new(name)),
        _ => is_ssp(domain).then(|| domain.route_name()).flatten(),
    };
    configuration.domains.iter().filter_map(of_peer).collect()
}

/// Whether the domain lives at an SSP peer.
fn is_ssp(domain: &Domain) -> bool {
    match domain.routing {
        DomainRouting::Ssp(_) => true,
        DomainRouting::Dns => domain.side == Side::Wv,
        DomainRouting::Access | DomainRouting::Registrar | DomainRouting::Peer(_) | DomainRouting::CspClient(_) => {
            false
        }
    }
}

/// What the federation of a lane is told.
pub(super) fn federation(configuration: &Configuration, federation: &WvFederation) -> Result<SspSettings, StartError> {
    // Hosted WV domains first: they are what a WV peer looks for most.
    let mut locals: Vec<&Domain> = configuration.domains.iter().filter(|domain| !is_ssp(domain)).collect();
    locals.sort_by_key(|domain| domain.side != Side::Wv);
    let mut peers = Vec::new();
    for name in wv_peers(configuration) {
        let is_own = |domain: &&Domain| is_ssp(domain) && domain.route_name().as_ref() == Some(&name);
        let domains: Vec<&Domain> = configuration.domains.iter().filter(is_own).collect();
        let peer = configuration.peer(name.as_str());
        let target = match (peer, domains.first()) {
            // A server that shadows are logged in to.
            (_, None) => continue,
            (Some(peer), Some(_)) => ssp_target(&peer.uri, federation)?,
            (None, Some(domain)) => Target::of_domain(&domain.name),
        };
        peers.push(SspPeer {
            target,
            domains: domains.iter().map(|domain| domain.name.as_str().into()).collect(),
            secret: peer.and_then(|peer| peer.secret.as_ref()).map(|secret| SecretToken::new(secret.reveal())),
            answers_per_post: peer.map(|peer| peer.answers_per_post),
            name,
        });
    }
    Ok(SspSettings {
        domains: configuration.domain_table(),
        locals: locals.into_iter().map(|domain| domain.name.as_str().into()).collect(),
        peers,
        limits: SspLimits::default(),
        validity_default: configuration.limits.engine.validity_default,
        content_octets_max: configuration.limits.engine.content_octets_max,
    })
}

/// Which servers have to be there for the WV side to be there.
pub(super) fn readiness(configuration: &Configuration) -> Readiness {
    let is_wv = |domain: &&Domain| {
        matches!(domain.routing, DomainRouting::Access | DomainRouting::Ssp(_) | DomainRouting::CspClient(_))
    };
    let wv: Vec<&Domain> = configuration.domains.iter().filter(is_wv).collect();
    let servers: BTreeSet<&str> = wv
        .iter()
        .filter_map(|domain| match &domain.routing {
            DomainRouting::CspClient(peer) => Some(peer.as_str()),
            _ => None,
        })
        .collect();
    let has_others = wv.iter().any(|domain| !matches!(domain.routing, DomainRouting::CspClient(_)));
    Readiness::new(servers.into_iter(), has_others)
}

/// What the shadows of a lane are told.
pub(super) fn sidecar(configuration: &Configuration, sidecar: &WvSidecar) -> Result<SidecarSettings, StartError> {
    let mut peers = Vec::new();
    for peer in &configuration.peers {
        if !matches!(peer.uri.scheme, PeerScheme::Csp | PeerScheme::CspTls) {
            continue;
        }
        let is_own = |domain: &&Domain| domain.route_name().as_ref() == Some(&peer.name);
        let domains: Vec<Box<str>> =
            configuration.domains.iter().filter(is_own).map(|domain| domain.name.as_str().into()).collect();
        if domains.is_empty() {
            continue;
        }
        let tls = match peer.uri.scheme {
            PeerScheme::CspTls => Some(TlsTrust::open(configuration.node.ca_file.as_deref())?),
            PeerScheme::Sip | PeerScheme::Ssp | PeerScheme::SspTls | PeerScheme::Csp => None,
        };
        let host = peer.uri.address.host.trim_matches(['[', ']']).to_owned();
        let authority = format!("{}:{}", peer.uri.address.host, peer.uri.port());
        let version = Version::parse(&peer.csp_version).unwrap_or(Version::V1_2);
        let way = match (peer.login, version) {
            (PeerLogin::Password, _) => LoginWay::TwoWay,
            (PeerLogin::Digest, _) => LoginWay::FourWay(vec![DigestSchema::Md5, DigestSchema::Sha]),
        };
        let mut session = StandingSettings::new(version, way);
        session.time_to_live = sidecar.keep_alive;
        session.poll_interval = sidecar.poll_interval;
        session.cir_methods = sidecar.cir_methods.iter().map(|method| CirMethod::parse(method)).collect();
        peers.push(CspPeer {
            name: peer.name.clone(),
            target: Target {
                host,
                port: peer.uri.port(),
                authority,
                path: peer.uri.path.clone(),
                tls,
                discovery: Discovery::None,
            },
            domains,
            encoding: if peer.encoding == "xml" { Encoding::Xml } else { Encoding::Wbxml },
            session: Arc::new(session),
            connections_max: sidecar.connections_max,
            observe: peer.observe,
        });
    }
    let limits = &configuration.limits.engine;
    Ok(SidecarSettings {
        domains: configuration.domain_table(),
        peers,
        shadows: shadows(configuration),
        node: configuration.node.name.clone(),
        linger: sidecar.linger,
        logins_per_s: sidecar.logins_per_s,
        validity_default: limits.validity_default,
        // What is asked later than this would be asked again meanwhile.
        request_life: limits.attempt_wait.checked_div(2).unwrap_or(limits.attempt_wait),
        report_life: limits.question_age,
    })
}

/// The accounts at WV servers.
fn shadows(configuration: &Configuration) -> Vec<ShadowRow> {
    let row = |shadow: &crate::config::section::Shadow| ShadowRow {
        user: shadow.user.address().clone(),
        account: shadow.account.address().clone(),
        password: shadow.password.clone(),
        always_on: shadow.always_on,
        public_view: shadow.public_view,
    };
    configuration.shadows.iter().map(row).collect()
}

/// Where an SSP peer is.
fn ssp_target(uri: &PeerUri, federation: &WvFederation) -> Result<Target, StartError> {
    let host = uri.address.host.trim_matches(['[', ']']).to_owned();
    let tls = match uri.scheme {
        PeerScheme::SspTls => {
            let own = federation.tls.as_ref().map(|tls| &tls.files);
            Some(TlsTrust::open_showing(federation.tls_ca.as_deref(), own)?)
        }
        PeerScheme::Sip | PeerScheme::Ssp | PeerScheme::Csp | PeerScheme::CspTls => None,
    };
    // A name without port may have records that say more.
    let is_name = host.parse::<IpAddr>().is_err() && uri.address.port.is_none();
    Ok(Target {
        discovery: if is_name { Discovery::First } else { Discovery::None },
        authority: format!("{}:{}", uri.address.host, uri.port()),
        host,
        port: uri.port(),
        path: uri.path.clone(),
        tls,
    })
}

/// The named limits of the SSP listener.
pub(super) const fn ssp_listener(configuration: &Configuration) -> SspListenerSettings {
    SspListenerSettings {
        connections_max: configuration.limits.connections_max,
        requests_per_s_per_source: configuration.limits.requests_per_s_per_source,
    }
}

/// Where the listeners of the WV side ended up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    pub(super) csp: Option<SocketAddr>,
    pub(super) cir: Option<SocketAddr>,
}

/// What clients are offered.
fn offer(access: &WvAccess, places: Places) -> Offer {
    let cir_url = places.csp.filter(|csp| access.advertise.is_some() || !csp.ip().is_unspecified());
    let cir_url = cir_url.map(|csp| format!("{}{CIR_PATH}", access.advertised(csp).trim_end_matches('/')));
    let host = access.cir_advertise.as_ref().map(|advertised| advertised.host.trim_matches(['[', ']']).to_owned());
    let port = access.cir_advertise.as_ref().and_then(|advertised| advertised.port);
    let cir_methods = access.cir_methods.iter().map(|method| CirMethod::parse(method));
    let is_possible = |method: &CirMethod| match method {
        CirMethod::Stcp => places.cir.is_some(),
        CirMethod::Shttp => cir_url.is_some(),
        CirMethod::Sudp | CirMethod::WapUdp => true,
        CirMethod::WapSms | CirMethod::Ssms => access.cir_push.is_some(),
        CirMethod::Other(_) => false,
    };
    let mut functions = offered_functions();
    if access.map_url.is_some() {
        functions.insert(Function::Getmap);
    }
    Offer {
        functions,
        strictness: if access.strict_services { Strictness::Strict } else { Strictness::Tolerant },
        cir_methods: cir_methods.filter(is_possible).collect(),
        tcp_address: host.or(places.cir.map(|cir| cir.ip().to_string())).map(Box::from),
        tcp_port: port.or(places.cir.map(|cir| cir.port())),
        cir_url: cir_url.map(Box::from),
        poll_min: access.poll_min,
        ..Offer::default()
    }
}

/// The named limits of the CSP listener.
pub(super) fn listener(configuration: &Configuration, access: &WvAccess) -> ListenerSettings {
    ListenerSettings {
        path: access.path.clone(),
        connections_max: configuration.limits.connections_max,
        requests_per_s_per_source: configuration.limits.requests_per_s_per_source,
        trusted_proxies: access.trusted_proxies.clone(),
        msisdn_headers: access.msisdn_headers.clone(),
        clear_passwords: access.clear_passwords,
        ..ListenerSettings::default()
    }
}

/// The domain that completes addresses of a side that come without one: the first that is configured.
pub(super) fn default_domain(configuration: &Configuration, side: Side) -> String {
    configuration
        .domains
        .iter()
        .find(|domain| domain.side == side)
        .map(|domain| domain.name.clone())
        .unwrap_or_default()
}

/// How the engine reaches neighbours.
pub(super) fn routing(configuration: &Configuration) -> Routing {
    let identity = |peer: &Peer| peer.shared_view.as_ref().map(|identity| identity.address().clone());
    let mut shared_views: BTreeMap<PeerName, Address> =
        configuration.peers.iter().filter_map(|peer| Some((peer.name.clone(), identity(peer)?))).collect();
    let mut places = BTreeMap::new();
    for domain in configuration.domains.iter().filter(|domain| matches!(domain.routing, DomainRouting::Peer(_))) {
        let Some(name) = domain.route_name() else { continue };
        let peers = domain.routing.peers().iter().filter_map(|peer| configuration.peer(peer));
        let uris: Vec<String> = peers.map(|peer| peer.uri.to_string()).collect();
        places.insert(name, uris.join(" "));
    }
    // Those who take each other's place are asked in the name of the same user.
    for domain in configuration.domains.iter().filter(|domain| domain.routing.peers().len() > 1) {
        let first = domain.routing.peers().first().and_then(|first| configuration.peer(first));
        shared_views.extend(domain.route_name().zip(first.and_then(identity)));
    }
    Routing { domains: configuration.domain_table(), shared_views, places }
}

/// What a lane is told of its neighbours.
///
/// # Errors
/// When what a neighbour is judged by cannot be read.
pub(super) fn neighbourhood(configuration: &Configuration) -> Result<Neighbourhood, StartError> {
    let federated = configuration.wv_federation.as_ref();
    Ok(Neighbourhood {
        routing: routing(configuration),
        wv_peers: wv_peers(configuration),
        wv: federated.map(|wishes| federation(configuration, wishes)).transpose()?,
        shadows: shadows(configuration),
        simple: AgentWishes::of(configuration)?.peers,
    })
}

/// What the engine shard of a lane is told. The seed is filled in by the lane.
pub(super) fn engine(configuration: &Configuration, shard: u32, shards: u32) -> EngineConfig {
    let mut config = EngineConfig::new(configuration.domain_table(), [0, 0]);
    config.limits = configuration.limits.engine.clone();
    config.authorization = match configuration.authorization_default {
        AuthorizationDefault::Allow => DefaultAuthorization::Allow,
        AuthorizationDefault::Confirm => DefaultAuthorization::Confirm,
        AuthorizationDefault::Block => DefaultAuthorization::Block,
    };
    config.storage = if configuration.store_messages { Storage::On } else { Storage::Off };
    let served = configuration
        .domains
        .iter()
        .filter_map(|domain| domain.presence_server.as_ref().map(|peer| (domain.name.clone(), peer.clone())));
    config.presence_servers = served.collect();
    let registered = configuration
        .domains
        .iter()
        .filter_map(|domain| domain.registrar.as_ref().map(|peer| (domain.name.clone(), peer.clone())));
    config.registrars = registered.collect();
    let learned = configuration.domains.iter().filter(|domain| domain.watcher_info);
    let learned = learned.filter_map(|domain| domain.presence_server.clone().map(|peer| (domain.name.clone(), peer)));
    config.watcher_servers = learned.collect();
    let routing = routing(configuration);
    (config.shared_views, config.places) = (routing.shared_views, routing.places);
    let [wv, simple] = &mut config.profiles;
    wv.notify_interval_min = configuration.limits.coalesce;
    simple.notify_interval_min = configuration.limits.notify_interval_min;
    let blocked = if configuration.polite_block { BlockedStyle::Polite } else { BlockedStyle::Told };
    (wv.blocked, simple.blocked) = (blocked, blocked);
    config.shard = shard;
    config.shards = shards;
    config
}

/// The named limits of the SIP transports.
pub(super) fn bounds(configuration: &Configuration) -> Bounds {
    Bounds { connections_max: configuration.limits.connections_max, ..Bounds::default() }
}

/// SIP requests that wait for the engine; a lane answers thousands in a second, so more means that it is stuck.
const PENDING_REQUESTS_MAX: usize = 10_000;

/// SIP transactions of a lane at once: each lives for up to 32 seconds.
pub(super) const TRANSACTIONS_MAX: usize = 200_000;
