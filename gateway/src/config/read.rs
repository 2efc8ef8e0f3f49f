//! From merged values to typed sections.

use super::{
    judge::Report,
    layer::Values,
    problem::Problem,
    section::{
        AccessTls, Admin, AuthorizationDefault, ChargingService, ChargingWishes, ClearPasswords, Configuration,
        ConfiguredAccount, Domain, Limits, Node, Peer, PeerLogin, SecondLogin, Shadow, Simple, SimpleTls,
        SipAuthentication, StoreKind, WvAccess, WvFederation, WvSidecar,
    },
    value::{DomainRouting, HostPort, Network, PeerUri, SipListen, SipTransport},
};
use crate::{
    account::{AccountUser, PersonDetails, Secret, SubscriberService},
    charging::WhenSilent,
    http_post::HttpTarget,
    observe::{TraceFilter, hep::HepTarget},
    tls::{
        TlsFiles,
        domain::{ClientProof, DomainTlsFiles},
    },
};
use hyper::header::HeaderName;
use mapping::{
    limit,
    side::{PeerName, Side},
};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

/// The rows of the lists of tables, each with its place in the file. Broken rows are left out; what is wrong with them
/// has been reported.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) domains: Vec<(usize, Domain)>,
    pub(super) has_broken_domains: bool,
    pub(super) peers: Vec<(usize, Peer)>,
    pub(super) has_broken_peers: bool,
    pub(super) accounts: Vec<(usize, ConfiguredAccount)>,
    pub(super) shadows: Vec<(usize, Shadow)>,
}

/// Reads everything and lets it be judged.
pub(super) fn configuration(values: &Values, mut report: Report) -> Result<Configuration, Vec<Problem>> {
    let rows = rows(values, &mut report);
    let uses = |is_used: fn(&Domain) -> bool| rows.domains.iter().any(|(_, domain)| is_used(domain));
    let has_access = values.has("wv.access") || uses(|domain| domain.routing == DomainRouting::Access);
    let has_federation = values.has("wv.federation")
        || uses(|domain| match domain.routing {
            DomainRouting::Ssp(_) => true,
            DomainRouting::Dns => domain.side == Side::Wv,
            _ => false,
        });
    let has_sidecar = uses(|domain| matches!(domain.routing, DomainRouting::CspClient(_)));
    let has_simple = values.has("simple")
        || uses(|domain| match domain.routing {
            DomainRouting::Registrar | DomainRouting::Peer(_) => true,
            DomainRouting::Dns => domain.side == Side::Simple,
            _ => false,
        });
    let answer_wait = millis(values, "wv.access.answer_wait_ms");
    let mut configuration = Configuration {
        node: Node {
            name: text(values, "node.name"),
            data_dir: PathBuf::from(text(values, "node.data_dir")),
            ca_file: values.text("node.ca_file").map(PathBuf::from),
            name_servers: values.texts("node.name_servers").iter().filter_map(|at| at.parse().ok()).collect(),
        },
        wv_access: has_access.then(|| access(values, answer_wait)),
        wv_federation: has_federation.then(|| WvFederation {
            listen: socket(values, "wv.federation.listen"),
            advertise: values.text("wv.federation.advertise"),
            tls: values.has("wv.federation.tls_listen").then(|| AccessTls {
                listen: socket(values, "wv.federation.tls_listen"),
                files: tls_files(values, "wv.federation.tls_certificate", "wv.federation.tls_key"),
            }),
            tls_ca: values.text("wv.federation.tls_ca").map(PathBuf::from),
        }),
        wv_sidecar: has_sidecar.then(|| sidecar(values)),
        simple: has_simple.then(|| simple(values)),
        domains: Vec::new(),
        peers: Vec::new(),
        accounts: Vec::new(),
        shadows: Vec::new(),
        polite_block: values.text("authorization.blocked").as_deref() == Some("polite"),
        store_messages: values.flag("messages.store"),
        authorization_default: match values.text("authorization.default").as_deref() {
            Some("allow") => AuthorizationDefault::Allow,
            Some("block") => AuthorizationDefault::Block,
            _ => AuthorizationDefault::Confirm,
        },
        store: match values.text("store.kind").as_deref() {
            Some("memory") => StoreKind::Memory,
            _ => StoreKind::Embedded,
        },
        auth: subscriber_service(values),
        charging: charging(values),
        admin: Admin { listen: socket(values, "admin.listen"), advertise: values.text("admin.advertise") },
        trace: trace(values),
        limits: limits(values, answer_wait),
    };
    report.judge(values, &configuration, &rows);
    configuration.domains = rows.domains.into_iter().map(|(_, domain)| domain).collect();
    configuration.peers = rows.peers.into_iter().map(|(_, peer)| peer).collect();
    configuration.accounts = rows.accounts.into_iter().map(|(_, account)| account).collect();
    configuration.shadows = rows.shadows.into_iter().map(|(_, shadow)| shadow).collect();
    let problems = report.into_problems();
    if problems.is_empty() { Ok(configuration) } else { Err(problems) }
}

fn trace(values: &Values) -> Option<HepTarget> {
    let collector = HepTarget::parse_collector(&values.text("trace.hep")?)?;
    let csp_type = values.number("trace.hep_csp_type").and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX);
    let filter = TraceFilter {
        user: values.text("trace.user"),
        peer: values.text("trace.peer"),
        correlation: None,
        primitive: values.text("trace.primitive"),
        method: values.text("trace.method"),
    };
    Some(HepTarget { collector, csp_type, node: text(values, "node.name"), filter })
}

fn access(values: &Values, answer_wait: Duration) -> WvAccess {
    let keep_alive_max = secs(values, "wv.access.keep_alive_max_s");
    let listen = socket(values, "wv.access.listen");
    WvAccess {
        listen,
        advertise: values.text("wv.access.advertise"),
        path: text(values, "wv.access.path"),
        cir_tcp: socket(values, "wv.access.cir_tcp"),
        cir_advertise: values.text("wv.access.cir_advertise").as_deref().and_then(HostPort::parse),
        tls: access_tls(values),
        clear_passwords: if values.flag("wv.access.insecure_clear_passwords") {
            ClearPasswords::InsecureEverywhere
        } else {
            ClearPasswords::Protected
        },
        msisdn_headers: values
            .texts("wv.access.msisdn_headers")
            .iter()
            .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
            .collect(),
        sessions_per_user_max: values
            .number("wv.access.sessions_per_user_max")
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(1),
        same_client: match values.text("wv.access.same_client").as_deref() {
            Some("refuse") => SecondLogin::IsRefused,
            _ => SecondLogin::Replaces,
        },
        pts_udp: values.has("wv.access.pts_udp").then(|| socket(values, "wv.access.pts_udp")),
        cir_methods: values.texts("wv.access.cir_methods"),
        cir_udp: values
            .text("wv.access.cir_udp")
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| SocketAddr::new(listen.ip(), 0)),
        cir_push: values.text("wv.access.cir_push_url").and_then(|url| HttpTarget::parse(&url).ok()),
        poll_min: secs(values, "wv.access.poll_min_s"),
        long_poll: millis(values, "wv.access.long_poll_ms"),
        keep_alive_max,
        keep_alive_default: secs(values, "wv.access.keep_alive_default_s").min(keep_alive_max),
        trusted_proxies: values
            .texts("wv.access.trusted_proxies")
            .iter()
            .filter_map(|network| Network::parse(network))
            .collect(),
        answer_wait,
        provider_name: text(values, "wv.access.provider_name"),
        provider_description: values.text("wv.access.provider_description").filter(|text| !text.is_empty()),
        provider_url: values.text("wv.access.provider_url"),
        map_url: values.text("wv.access.map_url"),
        strict_services: values.flag("wv.access.strict_services"),
    }
}

fn access_tls(values: &Values) -> Option<AccessTls> {
    values.has("wv.access.tls_listen").then(|| AccessTls {
        listen: socket(values, "wv.access.tls_listen"),
        files: tls_files(values, "wv.access.tls_certificate", "wv.access.tls_key"),
    })
}

fn subscriber_service(values: &Values) -> Option<SubscriberService> {
    if values.text("auth.backend").as_deref() != Some("http") {
        return None;
    }
    Some(SubscriberService {
        target: values.text("auth.url").and_then(|url| HttpTarget::parse(&url).ok())?,
        token: values.text("auth.token").as_deref().map(Secret::new),
        patience: millis(values, "auth.timeout_ms"),
    })
}

fn charging(values: &Values) -> ChargingWishes {
    let target = values.text("charging.url").and_then(|url| HttpTarget::parse(&url).ok());
    ChargingWishes {
        file: values.text("charging.file").map(PathBuf::from),
        rotate_octets: values.number("charging.rotate_mb").unwrap_or_default().saturating_mul(1_000_000),
        service: target.map(|target| ChargingService {
            target,
            token: values.text("charging.token").as_deref().map(Secret::new),
            patience: millis(values, "charging.timeout_ms"),
            when_silent: match values.text("charging.when_silent").as_deref() {
                Some("refuse") => WhenSilent::Refuse,
                _ => WhenSilent::Allow,
            },
        }),
    }
}

fn sidecar(values: &Values) -> WvSidecar {
    let number = |name: &str| values.number(&format!("wv.sidecar.{name}")).unwrap_or_default();
    WvSidecar {
        poll_interval: secs(values, "wv.sidecar.poll_interval_s"),
        keep_alive: secs(values, "wv.sidecar.keep_alive_s"),
        linger: secs(values, "wv.sidecar.linger_s"),
        logins_per_s: u32::try_from(number("logins_per_s")).unwrap_or(1),
        connections_max: usize::try_from(number("connections_max")).unwrap_or(1),
        cir_methods: values.texts("wv.sidecar.cir_methods"),
    }
}

fn simple(values: &Values) -> Simple {
    Simple {
        listen: values.texts("simple.listen").iter().filter_map(|listen| SipListen::parse(listen)).collect(),
        advertise: values.text("simple.advertise").as_deref().and_then(HostPort::parse),
        msrp_listen: socket(values, "simple.msrp_listen"),
        msrp_advertise: values.text("simple.msrp_advertise").as_deref().and_then(HostPort::parse),
        anonymous_messages: values.text("simple.anonymous_messages").as_deref() == Some("deliver"),
        authentication: match values.text("simple.authentication").as_deref() {
            Some("insecure_open") => SipAuthentication::InsecureOpen,
            _ => SipAuthentication::Digest,
        },
        tls: values.has("simple.tls_certificate").then(|| simple_tls(values)),
    }
}

fn simple_tls(values: &Values) -> SimpleTls {
    let mut towards = BTreeMap::new();
    for index in 0..values.row_count("peer") {
        let row = format!("peer[{index}]");
        let uri = values.text(&format!("{row}.uri")).and_then(|uri| PeerUri::parse(&uri));
        if let Some(uri) = uri.filter(|_| values.has(&format!("{row}.tls_certificate"))) {
            let files = tls_files(values, &format!("{row}.tls_certificate"), &format!("{row}.tls_key"));
            towards.insert(Arc::from(tls_name(values, &row, &uri)), files);
        }
    }
    let mut by_name = BTreeMap::new();
    for index in 0..values.row_count("domain") {
        let row = format!("domain[{index}]");
        let name = values.text(&format!("{row}.name")).unwrap_or_default().to_lowercase();
        if values.has(&format!("{row}.tls_certificate")) {
            let files = tls_files(values, &format!("{row}.tls_certificate"), &format!("{row}.tls_key"));
            by_name.insert(Arc::from(name), files);
        }
    }
    SimpleTls {
        advertise: values.text("simple.tls_advertise").as_deref().and_then(HostPort::parse),
        files: DomainTlsFiles {
            own: tls_files(values, "simple.tls_certificate", "simple.tls_key"),
            authorities: values.text("simple.tls_authorities").map(PathBuf::from),
            clients: match values.flag("simple.tls_clients_certified") {
                true => ClientProof::Required,
                false => ClientProof::Optional,
            },
            towards,
            by_name,
        },
    }
}

/// Whom a neighbour over TLS has to prove to be.
fn tls_name(values: &Values, row: &str, uri: &PeerUri) -> String {
    let written = values.text(&format!("{row}.tls_name"));
    written.unwrap_or_else(|| uri.address.host.trim_matches(['[', ']']).to_owned()).to_lowercase()
}

fn tls_files(values: &Values, certificate: &str, key: &str) -> TlsFiles {
    TlsFiles { certificate: PathBuf::from(text(values, certificate)), key: PathBuf::from(text(values, key)) }
}

fn rows(values: &Values, report: &mut Report) -> Rows {
    let mut rows = Rows::default();
    for index in 0..values.row_count("domain") {
        match domain(values, report, index) {
            Some(domain) => rows.domains.push((index, domain)),
            None => rows.has_broken_domains = true,
        }
    }
    for index in 0..values.row_count("peer") {
        match peer(values, report, index) {
            Some(peer) => rows.peers.push((index, peer)),
            None => rows.has_broken_peers = true,
        }
    }
    for index in 0..values.row_count("account") {
        let user = report.required(values, &format!("account[{index}]"), "user");
        let password = report.required(values, &format!("account[{index}]"), "password");
        if let Some(user) = user.and_then(|user| AccountUser::parse(&user).ok()) {
            let password = Secret::new(&password.unwrap_or_default());
            let said = |name: &str| values.text(&format!("account[{index}].{name}")).filter(|text| !text.is_empty());
            let person = PersonDetails {
                first_name: said("first_name"),
                last_name: said("last_name"),
                email: said("email"),
                msisdn: said("msisdn"),
                shadow_of: None,
            };
            rows.accounts.push((index, ConfiguredAccount { user, password, person }));
        }
    }
    for index in 0..values.row_count("shadow") {
        let row = format!("shadow[{index}]");
        let user = report.required(values, &row, "user").and_then(|user| AccountUser::parse(&user).ok());
        let account = report.required(values, &row, "account").and_then(|user| AccountUser::parse(&user).ok());
        let password = report.required(values, &row, "password");
        if let (Some(user), Some(account), Some(password)) = (user, account, password) {
            let password = Secret::new(&password);
            let always_on = values.flag(&format!("{row}.always_on"));
            let public_view = values.flag(&format!("{row}.public_view"));
            rows.shadows.push((index, Shadow { user, account, password, always_on, public_view }));
        }
    }
    rows
}

fn domain(values: &Values, report: &mut Report, index: usize) -> Option<Domain> {
    let row = format!("domain[{index}]");
    let name = report.required(values, &row, "name");
    let side = report.required(values, &row, "side").and_then(|side| match side.as_str() {
        "wv" => Some(Side::Wv),
        "simple" => Some(Side::Simple),
        _ => None,
    });
    let routing = report.required(values, &row, "route").and_then(|route| DomainRouting::parse(&route));
    let presence_server = values.text(&format!("{row}.presence_server")).as_deref().map(PeerName::new);
    let registrar = values.text(&format!("{row}.registrar")).as_deref().map(PeerName::new);
    let watcher_info = values.flag(&format!("{row}.watcher_info"));
    let name = name?.to_lowercase();
    Some(Domain { name, side: side?, routing: routing?, presence_server, registrar, watcher_info })
}

fn peer(values: &Values, report: &mut Report, index: usize) -> Option<Peer> {
    let row = format!("peer[{index}]");
    let name = report.required(values, &row, "name");
    let uri = report.required(values, &row, "uri").and_then(|uri| PeerUri::parse(&uri))?;
    let is_tls = uri.transport == Some(SipTransport::Tls);
    Some(Peer {
        name: PeerName::new(&name?),
        tls_name: is_tls.then(|| tls_name(values, &row, &uri)),
        uri,
        trusted: values.flag(&format!("{row}.trusted")),
        shared_view: values
            .text(&format!("{row}.shared_view"))
            .as_deref()
            .and_then(|user| AccountUser::parse(user).ok()),
        probe: values.number(&format!("{row}.probe_s")).filter(|every| *every > 0).map(Duration::from_secs),
        secret: values.text(&format!("{row}.secret")).as_deref().map(Secret::new),
        answers_per_post: values
            .number(&format!("{row}.answers_per_post"))
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(1),
        user: values.text(&format!("{row}.user")),
        password: values.text(&format!("{row}.password")).as_deref().map(Secret::new),
        csp_version: text(values, &format!("{row}.csp_version")),
        encoding: text(values, &format!("{row}.encoding")),
        login: match values.text(&format!("{row}.login")).as_deref() {
            Some("password") => PeerLogin::Password,
            _ => PeerLogin::Digest,
        },
        observe: values.flag(&format!("{row}.observe")),
    })
}

fn limits(values: &Values, answer_wait: Duration) -> Limits {
    let number = |name: &str| values.number(&format!("limits.{name}")).unwrap_or_default();
    let count = |name: &str| usize::try_from(number(name)).unwrap_or(usize::MAX);
    let rate = |name: &str| u32::try_from(number(name)).unwrap_or(u32::MAX);
    let ms = |name: &str| Duration::from_millis(number(name));
    let s = |name: &str| Duration::from_secs(number(name));
    #[allow(clippy::needless_update, reason = "the engine may gain limits that cannot be configured")]
    let engine = limit::Limits {
        subscriptions_per_watcher: count("subscriptions_per_watcher"),
        watchers_per_presentity: count("watchers_per_presentity"),
        questions_per_presentity: count("questions_per_presentity"),
        contact_lists_per_user: count("contact_lists_per_user"),
        contacts_per_list: count("contacts_per_list"),
        recipients_per_message: count("recipients_per_message"),
        inbox_messages: count("inbox_messages"),
        inbox_octets: count("inbox_octets"),
        outbox_messages: count("outbox_messages"),
        answer_wait,
        fetch_wait: ms("fetch_wait_ms"),
        first_view_wait: ms("first_view_wait_ms"),
        linger: s("linger_s"),
        backoff_min: s("backoff_min_s").min(s("backoff_max_s")),
        backoff_max: s("backoff_max_s"),
        unknown_wait: s("unknown_wait_s"),
        denied_wait: s("denied_wait_s"),
        no_presence_wait: s("no_presence_wait_s"),
        start_ramp_per_s: rate("start_ramp_per_s"),
        validity_max: s("validity_max_s"),
        validity_default: s("validity_default_s").min(s("validity_max_s")),
        origin_window: s("origin_window_s"),
        content_octets_max: count("content_octets_max"),
        attempt_wait: s("attempt_wait_s"),
        watches_per_minute: rate("watches_per_minute"),
        fetches_per_minute: rate("fetches_per_minute"),
        question_age: s("question_age_s"),
        probation_wait: s("probation_wait_s"),
        giveup_wait: s("giveup_wait_s"),
        renewal_wait: s("renewal_wait_s"),
        ..limit::Limits::default()
    };
    Limits {
        engine,
        notify_interval_min: ms("notify_interval_min_ms"),
        coalesce: ms("coalesce_ms"),
        requests_per_s_per_source: rate("requests_per_s_per_source"),
        logins_per_minute_per_source: rate("logins_per_minute_per_source"),
        connections_max: count("connections_max"),
        store_queue_batches: count("store_queue_batches"),
        quarantine: s("quarantine_s"),
        drain: ms("drain_ms"),
    }
}

fn text(values: &Values, path: &str) -> String {
    values.text(path).unwrap_or_default()
}

fn millis(values: &Values, path: &str) -> Duration {
    Duration::from_millis(values.number(path).unwrap_or_default())
}

fn secs(values: &Values, path: &str) -> Duration {
    Duration::from_secs(values.number(path).unwrap_or_default())
}

/// A socket address; what is none has been reported, and stands in as one that nobody will use.
fn socket(values: &Values, path: &str) -> SocketAddr {
    let parsed = values.text(path).and_then(|text| text.parse().ok());
    parsed.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}
