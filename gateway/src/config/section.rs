//! The configuration as the rest of the gateway sees it.

use super::value::{DomainRouting, HostPort, Network, PeerUri, SipListen};
use crate::{
    account::{AccountUser, PersonDetails, Secret, SubscriberService},
    charging::WhenSilent,
    http_post::HttpTarget,
    observe::hep::HepTarget,
    tls::{TlsError, TlsFiles, domain::DomainTlsFiles},
};
use hyper::header::HeaderName;
use mapping::{
    limit,
    route::{DomainRoute, DomainTable, Route},
    side::{PeerName, Side},
    watcher::Decision,
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// A configuration without problems.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// `[node]`.
    pub node: Node,
    /// `[wv.access]`; absent when neither written nor needed by a domain.
    pub wv_access: Option<WvAccess>,
    /// `[wv.federation]`; absent when neither written nor needed by a domain.
    pub wv_federation: Option<WvFederation>,
    /// `[wv.sidecar]`; absent when no domain is reached as a client of a WV server.
    pub wv_sidecar: Option<WvSidecar>,
    /// `[simple]`; absent when neither written nor needed by a domain.
    pub simple: Option<Simple>,
    /// `[[domain]]`.
    pub domains: Vec<Domain>,
    /// `[[peer]]`.
    pub peers: Vec<Peer>,
    /// `[[account]]`.
    pub accounts: Vec<ConfiguredAccount>,
    /// `[[shadow]]`.
    pub shadows: Vec<Shadow>,
    /// `[authorization] default`.
    pub authorization_default: AuthorizationDefault,
    /// `[authorization] blocked` is `polite`.
    pub polite_block: bool,
    /// `[messages] store`.
    pub store_messages: bool,
    /// `[store]`.
    pub store: StoreKind,
    /// `[auth]`: the service that judges logins over CSP, if it is not the store.
    pub auth: Option<SubscriberService>,
    /// `[charging]`.
    pub charging: ChargingWishes,
    /// `[admin]`.
    pub admin: Admin,
    /// `[trace] hep`: where messages are sent, if anywhere.
    pub trace: Option<HepTarget>,
    /// `[limits]`.
    pub limits: Limits,
}

/// What is charged, and how.
#[derive(Clone, Debug, Default)]
pub struct ChargingWishes {
    /// Where lines are written.
    pub file: Option<PathBuf>,
    /// At which size a new file is begun.
    pub rotate_octets: u64,
    /// Who may refuse messages.
    pub service: Option<ChargingService>,
}

/// A service of the operator that may refuse messages.
#[derive(Clone, Debug)]
pub struct ChargingService {
    /// Where it is.
    pub target: HttpTarget,
    /// What it knows the gateway by.
    pub token: Option<Secret>,
    /// How long it may take.
    pub patience: Duration,
    /// What becomes of messages while it says nothing.
    pub when_silent: WhenSilent,
}

/// The node itself.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name in logs.
    pub name: String,
    /// Folder of store, key file and admin token.
    pub data_dir: PathBuf,
    /// By which certificates services are believed, if not by those of the system.
    pub ca_file: Option<PathBuf>,
    /// Who is asked for names, if not the name servers of the system.
    pub name_servers: Vec<SocketAddr>,
}

/// The CSP server.
#[derive(Clone, Debug)]
pub struct WvAccess {
    /// Where HTTP is listened for.
    pub listen: SocketAddr,
    /// The address that clients are told, if it is not made from where the listener ended up; see [`WvAccess::advertised`].
    pub advertise: Option<String>,
    /// The path that is served beside `/`.
    pub path: String,
    /// HTTP over TLS.
    pub tls: Option<AccessTls>,
    /// Where passwords in clear are taken.
    pub clear_passwords: ClearPasswords,
    /// The header fields in which a trusted proxy names the telephone number.
    pub msisdn_headers: Vec<HeaderName>,
    /// Sessions of one user at once.
    pub sessions_per_user_max: usize,
    /// What a second login of the same client does.
    pub same_client: SecondLogin,
    /// Where plain text is taken.
    pub pts_udp: Option<SocketAddr>,
    /// Where CIR is listened for.
    pub cir_tcp: SocketAddr,
    /// The CIR address that clients are told, if not the listener's.
    pub cir_advertise: Option<HostPort>,
    /// The wake-up channels that are offered, by their names in the protocol, most preferred first.
    pub cir_methods: Vec<String>,
    /// Where wake-ups by datagram are sent from.
    pub cir_udp: SocketAddr,
    /// A service that sends short messages.
    pub cir_push: Option<HttpTarget>,
    /// Shortest time between two polls.
    pub poll_min: Duration,
    /// How long polls are held.
    pub long_poll: Duration,
    /// Longest keep-alive time granted.
    pub keep_alive_max: Duration,
    /// Keep-alive time granted when none is asked.
    pub keep_alive_default: Duration,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// How long the answer to a message waits for the far side.
    pub answer_wait: Duration,
    /// Name of the provider.
    pub provider_name: String,
    /// Description of the provider.
    pub provider_description: Option<String>,
    /// Where the provider tells more about itself.
    pub provider_url: Option<String>,
    /// Where maps are, with `{latitude}` and `{longitude}` in it.
    pub map_url: Option<String>,
    /// Whether functions have to be negotiated.
    pub strict_services: bool,
}

impl WvAccess {
    /// The CSP address that clients are told, given where the listener ended up.
    #[must_use]
    pub fn advertised(&self, bound: SocketAddr) -> String {
        self.advertise.clone().unwrap_or_else(|| format!("http://{bound}{}", self.path))
    }
}

/// HTTP over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTls {
    /// Where it is listened for.
    pub listen: SocketAddr,
    /// Certificate and key.
    pub files: TlsFiles,
}

/// Where passwords in clear are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearPasswords {
    /// Where nobody can listen: over TLS, within the machine, or behind a trusted proxy that speaks TLS.
    Protected,
    /// Everywhere.
    InsecureEverywhere,
}

/// What a second login of the same client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondLogin {
    /// It takes the place of the first.
    Replaces,
    /// It is refused.
    IsRefused,
}

/// The SSP server.
#[derive(Clone, Debug)]
pub struct WvFederation {
    /// Where HTTP is listened for.
    pub listen: SocketAddr,
    /// The address that peers are told, if not the listener's.
    pub advertise: Option<String>,
    /// HTTP over TLS.
    pub tls: Option<AccessTls>,
    /// Who signs the certificates of peers: of those that we post to and of those that post to us. None means the
    /// authorities of the system for the former, and that the latter need none.
    pub tls_ca: Option<PathBuf>,
}

/// The client of WV servers.
#[derive(Clone, Debug)]
pub struct WvSidecar {
    /// How often sessions without a wake-up channel are polled.
    pub poll_interval: Duration,
    /// The keep-alive time that is asked for.
    pub keep_alive: Duration,
    /// How long an account stays logged in that nobody needs.
    pub linger: Duration,
    /// Logins in a second at one server.
    pub logins_per_s: u32,
    /// Connections to one server.
    pub connections_max: usize,
    /// The wake-up channels that are asked for, by their names in the protocol.
    pub cir_methods: Vec<String>,
}

/// The SIP adapter.
#[derive(Clone, Debug)]
pub struct Simple {
    /// Where SIP is listened for.
    pub listen: Vec<SipListen>,
    /// Host and port shown in Via and Contact, if not the listener's.
    pub advertise: Option<HostPort>,
    /// Where MSRP is listened for.
    pub msrp_listen: SocketAddr,
    /// Host and port of MSRP that peers are told, if not the listener's.
    pub msrp_advertise: Option<HostPort>,
    /// Proof asked of requests that come through no trusted peer.
    pub authentication: SipAuthentication,
    /// Whether messages of senders who want to stay unknown are delivered.
    pub anonymous_messages: bool,
    /// What TLS is spoken with; none without certificate.
    pub tls: Option<SimpleTls>,
}

/// What TLS is spoken with on the SIP side.
#[derive(Clone, Debug)]
pub struct SimpleTls {
    /// Host and port shown in Via and Contact over TLS, if not the listener's.
    pub advertise: Option<HostPort>,
    /// Certificates, keys and authorities.
    pub files: DomainTlsFiles,
}

/// Proof asked of SIP requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SipAuthentication {
    /// Digest credentials.
    Digest,
    /// None: every user of a hosted domain is believed. Loopback only.
    InsecureOpen,
}

/// A row of the domain table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its name, lower case.
    pub name: String,
    /// Where its users live.
    pub side: Side,
    /// How they are reached.
    pub routing: DomainRouting,
    /// The neighbour to which their presence is published.
    pub presence_server: Option<PeerName>,
    /// The neighbour at which they are registered.
    pub registrar: Option<PeerName>,
    /// Whether their watchers there are learned of.
    pub watcher_info: bool,
}

impl Domain {
    /// The neighbour by which its users are reached: a configured one, several that take each other's place, or whoever
    /// DNS names.
    #[must_use]
    pub fn route_name(&self) -> Option<PeerName> {
        match &self.routing {
            DomainRouting::Access | DomainRouting::Registrar => None,
            DomainRouting::Dns => Some(PeerName::new(&format!("dns:{}", self.name))),
            DomainRouting::Peer(names) => Some(PeerName::new(&names.join(","))),
            DomainRouting::Ssp(name) | DomainRouting::CspClient(name) => Some(PeerName::new(name)),
        }
    }
}

/// A neighbour server.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its name.
    pub name: PeerName,
    /// Its address.
    pub uri: PeerUri,
    /// Whether identity is asserted to it and accepted from it.
    pub trusted: bool,
    /// The user in whose name one subscription there serves all watchers here.
    pub shared_view: Option<AccountUser>,
    /// How often it is asked whether it is there; none: never.
    pub probe: Option<Duration>,
    /// Shared secret (SSP).
    pub secret: Option<Secret>,
    /// Answers that go to it in one post at most (SSP).
    pub answers_per_post: usize,
    /// The domain that its certificate has to name.
    pub tls_name: Option<String>,
    /// The name by which the gateway answers its challenges.
    pub user: Option<String>,
    /// The password to go with it.
    pub password: Option<Secret>,
    /// CSP version towards it, such as `1.2`.
    pub csp_version: String,
    /// Encoding towards it: `xml` or `wbxml`.
    pub encoding: String,
    /// How passwords are proved to it (CSP).
    pub login: PeerLogin,
    /// Whether it is only listened to (CSP).
    pub observe: bool,
}

/// How passwords are proved to a WV server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerLogin {
    /// By a digest over its nonce.
    Digest,
    /// In clear.
    Password,
}

/// An account of the configuration.
#[derive(Clone, Debug)]
pub struct ConfiguredAccount {
    /// Who.
    pub user: AccountUser,
    /// The password.
    pub password: Secret,
    /// What is known of the person.
    pub person: PersonDetails,
}

/// The WV account that stands for a SIP user.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// The SIP user.
    pub user: AccountUser,
    /// The WV account.
    pub account: AccountUser,
    /// Its password.
    pub password: Secret,
    /// Whether it stays logged in whatever happens.
    pub always_on: bool,
    /// Whether watchers without an account see what it sees.
    pub public_view: bool,
}

/// What holds for a watcher when the presentity has said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationDefault {
    /// It sees the presentity.
    Allow,
    /// The presentity is asked.
    Confirm,
    /// It does not.
    Block,
}

impl AuthorizationDefault {
    /// The decision that it stands for; none when the presentity is to be asked.
    #[must_use]
    pub const fn decision(self) -> Option<Decision> {
        match self {
            Self::Allow => Some(Decision::Allow),
            Self::Confirm => None,
            Self::Block => Some(Decision::Block),
        }
    }
}

/// Where facts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// SQLite in the data folder.
    Embedded,
    /// Nowhere: nothing survives the process.
    Memory,
}

/// The admin listener.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Where HTTP is listened for.
    pub listen: SocketAddr,
    /// The console address that is printed, if not the listener's.
    pub advertise: Option<String>,
}

/// Every named limit that can be configured.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Those of the engine, `answer_wait` included.
    pub engine: limit::Limits,
    /// Shortest time between two notifications in a watcher dialog.
    pub notify_interval_min: Duration,
    /// Time in which changes towards WV are merged.
    pub coalesce: Duration,
    /// Requests per second from one source address.
    pub requests_per_s_per_source: u32,
    /// Logins and registrations per minute from one source address.
    pub logins_per_minute_per_source: u32,
    /// Open connections of each listener.
    pub connections_max: usize,
    /// Batches that wait for the store.
    pub store_queue_batches: usize,
    /// How long a server that failed is passed over, where it does not say.
    pub quarantine: Duration,
    /// How long a shutdown waits for what is under way.
    pub drain: Duration,
}

impl Configuration {
    /// The domain table for the engine.
    #[must_use]
    pub fn domain_table(&self) -> DomainTable {
        let mut table = DomainTable::default();
        for domain in &self.domains {
            let route = domain.route_name().map_or(Route::Hosted, Route::Peer);
            table.insert(&domain.name, DomainRoute { side: domain.side, route });
        }
        table
    }

    /// Reads by whom services at `https` addresses are believed.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub fn believe_services(&mut self) -> Result<(), TlsError> {
        let ca_file = self.node.ca_file.as_deref();
        let push = self.wv_access.as_mut().and_then(|access| access.cir_push.as_mut());
        let auth = self.auth.as_mut().map(|service| &mut service.target);
        let charging = self.charging.service.as_mut().map(|service| &mut service.target);
        push.into_iter().chain(auth).chain(charging).try_for_each(|target| target.believe(ca_file))
    }

    /// The peer of that name.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name.as_str() == name)
    }
}
