//! What the parts of a configuration say about each other.

use super::{
    layer::Values,
    place::Places,
    problem::{Place, Problem, ProblemKind},
    read::Rows,
    section::{Configuration, Domain, SipAuthentication},
    value::{DomainRouting, PeerScheme, SipTransport},
};
use crate::{http_post::HttpTarget, observe::hep::HepTarget};
use hyper::header::HeaderName;
use mapping::side::Side;
use std::{collections::HashMap, net::SocketAddr};

/// The problems found so far, and where everything stands.
#[derive(Debug)]
pub(super) struct Report {
    problems: Vec<Problem>,
    places: Places,
    start: Place,
}

impl Report {
    pub(super) const fn new(problems: Vec<Problem>, places: Places, start: Place) -> Self {
        Self { problems, places, start }
    }

    /// The text of an option that has to be written.
    pub(super) fn required(&mut self, values: &Values, row: &str, key: &'static str) -> Option<String> {
        let path = format!("{row}.{key}");
        if !values.has(&path) {
            self.add(row, ProblemKind::Missing(key));
        }
        values.text(&path)
    }

    /// Everything that can only be seen by looking at several options at once.
    pub(super) fn judge(&mut self, values: &Values, configuration: &Configuration, rows: &Rows) {
        self.peers(rows);
        self.domains(values, rows);
        self.accounts(rows);
        self.shadows(rows);
        self.store(values);
        self.durations(values);
        self.access(values);
        self.trace(values);
        self.protected_sip(values, configuration, rows);
        self.listeners(configuration);
    }

    /// The problems in the order of the file; those of other sources after it.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| match &problem.place {
            Place::File { line, column, .. } => (*line, *column),
            Place::Environment(_) | Place::Flag(_) => (usize::MAX, 0),
        });
        self.problems
    }

    fn add(&mut self, path: &str, kind: ProblemKind) {
        let place = self.places.find(path).unwrap_or(&self.start).clone();
        self.problems.push(Problem::new(place, path, kind));
    }

    /// Reports a name that was seen before; `seen` maps names to the row that had them first.
    fn unique(&mut self, seen: &mut HashMap<String, String>, name: &str, path: &str) {
        match seen.get(name) {
            None => {
                seen.insert(name.to_owned(), path.to_owned());
            }
            Some(first) => {
                let first = match self.places.find(first) {
                    Some(Place::File { line, .. }) => *line,
                    _ => 1,
                };
                self.add(path, ProblemKind::Duplicate { name: name.to_owned(), first });
            }
        }
    }

    fn peers(&mut self, rows: &Rows) {
        let mut seen = HashMap::new();
        for (index, peer) in &rows.peers {
            self.unique(&mut seen, peer.name.as_str(), &format!("peer[{index}].name"));
            let Some(identity) = &peer.shared_view else { continue };
            let path = format!("peer[{index}].shared_view");
            if peer.uri.scheme != PeerScheme::Sip {
                self.add(&path, ProblemKind::Contradiction("only a peer with a sip: address can share its views"));
            }
            let name = identity.address().domain();
            let is_hosted = |domain: &Domain| {
                domain.name == name && matches!(domain.routing, DomainRouting::Access | DomainRouting::Registrar)
            };
            if !rows.has_broken_domains && !rows.domains.iter().any(|(_, domain)| is_hosted(domain)) {
                self.add(&path, ProblemKind::NotHosted(name.to_owned()));
            }
        }
    }

    fn domains(&mut self, values: &Values, rows: &Rows) {
        if values.row_count("domain") == 0 {
            self.add("domain", ProblemKind::Missing("[[domain]]"));
        }
        let mut seen = HashMap::new();
        for (index, domain) in &rows.domains {
            self.unique(&mut seen, &domain.name, &format!("domain[{index}].name"));
            let path = format!("domain[{index}].route");
            let (side, scheme) = match &domain.routing {
                DomainRouting::Access => (Side::Wv, ""),
                DomainRouting::Registrar => (Side::Simple, ""),
                DomainRouting::Dns => (domain.side, ""),
                DomainRouting::Peer(_) => (Side::Simple, "sip:"),
                DomainRouting::Ssp(_) => (Side::Wv, "ssp+http://"),
                DomainRouting::CspClient(_) => (Side::Wv, "csp+http://"),
            };
            if side != domain.side {
                let reason = match domain.side {
                    Side::Wv => "a domain on side wv is reached by access, ssp:PEER, csp-client:PEER or dns",
                    Side::Simple => "a domain on side simple is reached by registrar, peer:PEER[,PEER] or dns",
                };
                self.add(&path, ProblemKind::Contradiction(reason));
            }
            for name in domain.routing.peers() {
                self.route_to_peer(rows, &path, name, scheme);
            }
            self.takers(rows, &path, domain.routing.peers());
            if let Some(registrar) = &domain.registrar {
                let path = format!("domain[{index}].registrar");
                if domain.routing != DomainRouting::Access {
                    let reason = "only users of a domain by access are here, to be registered";
                    self.add(&path, ProblemKind::Contradiction(reason));
                }
                self.route_to_peer(rows, &path, registrar.as_str(), "sip:");
            }
            if let Some(server) = &domain.presence_server {
                let path = format!("domain[{index}].presence_server");
                if domain.routing != DomainRouting::Access {
                    let reason = "only a domain by access has presence of its own that can be published";
                    self.add(&path, ProblemKind::Contradiction(reason));
                }
                self.route_to_peer(rows, &path, server.as_str(), "sip:");
            } else if domain.watcher_info {
                let reason = "watchers can be learned of only where presence_server names a peer";
                self.add(&format!("domain[{index}].watcher_info"), ProblemKind::Contradiction(reason));
            }
        }
    }

    /// Neighbours that take each other's place are treated alike.
    fn takers(&mut self, rows: &Rows, path: &str, names: &[String]) {
        let named =
            |name: &String| rows.peers.iter().find(|(_, peer)| peer.name.as_str() == name).map(|(_, peer)| peer);
        let mut likeness = names.iter().filter_map(named).map(|peer| (peer.trusted, peer.user.clone()));
        let first = likeness.next();
        if likeness.any(|other| Some(other) != first) {
            let reason = "neighbours of one route are trusted alike and have the same user";
            self.add(path, ProblemKind::Contradiction(reason));
        }
    }

    fn route_to_peer(&mut self, rows: &Rows, path: &str, name: &str, scheme: &'static str) {
        let Some((_, peer)) = rows.peers.iter().find(|(_, peer)| peer.name.as_str() == name) else {
            if !rows.has_broken_peers {
                let allowed = rows.peers.iter().map(|(_, peer)| peer.name.as_str().to_owned()).collect();
                self.add(path, ProblemKind::UnknownPeer { name: name.to_owned(), allowed });
            }
            return;
        };
        let spoken = match peer.uri.scheme {
            PeerScheme::Sip => "sip:",
            PeerScheme::Ssp | PeerScheme::SspTls => "ssp+http://",
            PeerScheme::Csp | PeerScheme::CspTls => "csp+http://",
        };
        if spoken != scheme {
            let reason = match scheme {
                "sip:" => "route \"peer:\" needs a peer with a sip: address",
                "ssp+http://" => "route \"ssp:\" needs a peer with an ssp+http(s): address",
                _ => "route \"csp-client:\" needs a peer with a csp+http(s): address",
            };
            self.add(path, ProblemKind::Contradiction(reason));
        }
    }

    fn accounts(&mut self, rows: &Rows) {
        let mut seen = HashMap::new();
        for (index, account) in &rows.accounts {
            let path = format!("account[{index}].user");
            self.unique(&mut seen, &account.user.to_string(), &path);
            let name = account.user.address().domain();
            let Some((_, domain)) = rows.domains.iter().find(|(_, domain)| domain.name == name) else {
                if !rows.has_broken_domains {
                    self.add(&path, ProblemKind::NotHosted(name.to_owned()));
                }
                continue;
            };
            if !matches!(domain.routing, DomainRouting::Access | DomainRouting::Registrar) {
                self.add(&path, ProblemKind::NotHosted(name.to_owned()));
            } else if domain.side != account.user.side() {
                let reason = match domain.side {
                    Side::Wv => "a user of a domain on side wv is written wv:USER@DOMAIN",
                    Side::Simple => "a user of a domain on side simple is written sip:USER@DOMAIN",
                };
                self.add(&path, ProblemKind::Contradiction(reason));
            }
        }
    }

    fn shadows(&mut self, rows: &Rows) {
        let (mut accounts, mut users) = (HashMap::new(), HashMap::new());
        for (index, shadow) in &rows.shadows {
            let path = format!("shadow[{index}].account");
            self.unique(&mut accounts, &shadow.account.to_string(), &path);
            if shadow.user.side() != Side::Simple {
                let reason = ProblemKind::Contradiction("a shadow stands for a sip: user");
                self.add(&format!("shadow[{index}].user"), reason);
            }
            if shadow.account.side() != Side::Wv {
                let reason = ProblemKind::Contradiction("a shadow's account is a wv: account");
                self.add(&path, reason);
            }
            let name = shadow.account.address().domain();
            let row = rows.domains.iter().map(|(_, domain)| domain).find(|domain| domain.name == name);
            match row.map(|domain| &domain.routing) {
                Some(DomainRouting::CspClient(peer)) => {
                    let user = format!("{} {peer}", shadow.user);
                    self.unique(&mut users, &user, &format!("shadow[{index}].user"));
                }
                None if rows.has_broken_domains => {}
                Some(_) | None => {
                    let reason = "a shadow's account is in a domain with the route csp-client:PEER";
                    self.add(&path, ProblemKind::Contradiction(reason));
                }
            }
        }
    }

    fn store(&mut self, values: &Values) {
        if values.text("store.kind").as_deref() == Some("postgres") {
            self.add("store.kind", ProblemKind::NotAvailable("store.kind \"postgres\""));
        }
    }

    fn access(&mut self, values: &Values) {
        let methods = values.texts("wv.access.cir_methods");
        let needs_push = methods.iter().any(|method| method == "WAPSMS" || method == "SSMS");
        if needs_push && !values.has("wv.access.cir_push_url") {
            let reason = "WAPSMS and SSMS need wv.access.cir_push_url: somebody has to send the short messages";
            self.add("wv.access.cir_methods", ProblemKind::Contradiction(reason));
        }
        if let Some(url) = values.text("wv.access.cir_push_url")
            && let Err(reason) = HttpTarget::parse(&url)
        {
            self.add("wv.access.cir_push_url", ProblemKind::Impossible { value: url, reason });
        }
        if let Some(url) = values.text("wv.access.map_url")
            && !(url.contains("{latitude}") && url.contains("{longitude}"))
        {
            let reason = "write {latitude} and {longitude} where the place stands";
            self.add("wv.access.map_url", ProblemKind::Impossible { value: url, reason });
        }
        for name in ["wv.federation.tls_certificate", "wv.federation.tls_key"] {
            if values.has("wv.federation.tls_listen") && !values.has(name) {
                let reason = "tls_listen needs tls_certificate and tls_key";
                self.add("wv.federation.tls_listen", ProblemKind::Contradiction(reason));
            }
        }
        for name in ["wv.access.tls_certificate", "wv.access.tls_key"] {
            if values.has("wv.access.tls_listen") && !values.has(name) {
                let reason = "tls_listen needs tls_certificate and tls_key";
                self.add("wv.access.tls_listen", ProblemKind::Contradiction(reason));
            }
        }
        for name in values.texts("wv.access.msisdn_headers") {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                let reason = "this is no name of a header field";
                self.add("wv.access.msisdn_headers", ProblemKind::Impossible { value: name, reason });
            }
        }
        self.auth(values);
    }

    fn trace(&mut self, values: &Values) {
        if let Some(value) = values.text("trace.hep")
            && HepTarget::parse_collector(&value).is_none()
        {
            let reason = "expected udp:HOST:PORT, such as udp:127.0.0.1:9060";
            self.add("trace.hep", ProblemKind::Impossible { value, reason });
        }
    }

    /// TLS of the SIP side.
    fn protected_sip(&mut self, values: &Values, configuration: &Configuration, rows: &Rows) {
        let Some(simple) = &configuration.simple else { return };
        let listens = simple.listen.iter().any(|listen| listen.transport == SipTransport::Tls);
        if listens && simple.tls.is_none() {
            let reason = "a tls: address needs simple.tls_certificate and simple.tls_key";
            self.add("simple.listen", ProblemKind::Contradiction(reason));
        }
        if values.has("simple.tls_certificate") != values.has("simple.tls_key") {
            let key = if values.has("simple.tls_key") { "simple.tls_key" } else { "simple.tls_certificate" };
            self.add(key, ProblemKind::Contradiction("tls_certificate and tls_key need each other"));
        }
        for (index, _) in &rows.domains {
            let row = format!("domain[{index}]");
            let has = |name: &str| values.has(&format!("{row}.{name}"));
            if has("tls_certificate") != has("tls_key") {
                self.add(&row, ProblemKind::Contradiction("tls_certificate and tls_key need each other"));
            }
            if has("tls_certificate") && simple.tls.is_none() {
                let reason = "a certificate of a domain needs simple.tls_certificate, which all others are shown";
                self.add(&row, ProblemKind::Contradiction(reason));
            }
        }
        for (index, peer) in &rows.peers {
            let row = format!("peer[{index}]");
            if values.has(&format!("{row}.tls_certificate")) != values.has(&format!("{row}.tls_key")) {
                self.add(&row, ProblemKind::Contradiction("tls_certificate and tls_key need each other"));
            }
            if peer.user.is_some() != peer.password.is_some() {
                self.add(&row, ProblemKind::Contradiction("user and password need each other"));
            }
            if peer.uri.transport == Some(SipTransport::Tls) && !listens {
                let reason = "a peer over TLS needs a tls: address in simple.listen, by which it reaches the gateway";
                self.add(&format!("{row}.uri"), ProblemKind::Contradiction(reason));
            }
        }
    }

    fn auth(&mut self, values: &Values) {
        let url = values.text("auth.url");
        if values.text("auth.backend").as_deref() == Some("http") && url.is_none() {
            let reason = "backend \"http\" needs auth.url: somebody has to be asked";
            self.add("auth.backend", ProblemKind::Contradiction(reason));
        }
        for (key, url) in [("auth.url", url), ("charging.url", values.text("charging.url"))] {
            if let Some(url) = url
                && let Err(reason) = HttpTarget::parse(&url)
            {
                self.add(key, ProblemKind::Impossible { value: url, reason });
            }
        }
    }

    /// Pairs of which the first may not be longer than the second. A default gives way silently.
    fn durations(&mut self, values: &Values) {
        for (low, high, reason) in ORDERED {
            if values.has(low) && values.number(low) > values.number(high) {
                self.add(low, ProblemKind::Contradiction(reason));
            }
        }
    }

    fn listeners(&mut self, configuration: &Configuration) {
        let mut streams: Vec<(&str, SocketAddr)> = vec![("admin.listen", configuration.admin.listen)];
        if let Some(access) = &configuration.wv_access {
            streams.extend([("wv.access.listen", access.listen), ("wv.access.cir_tcp", access.cir_tcp)]);
            streams.extend(access.tls.as_ref().map(|tls| ("wv.access.tls_listen", tls.listen)));
            if access.cir_tcp.ip().is_unspecified() && access.cir_advertise.is_none() {
                let reason = "listening on every address needs wv.access.cir_advertise: clients have to be told one";
                self.add("wv.access.cir_tcp", ProblemKind::Contradiction(reason));
            }
        }
        if let Some(federation) = &configuration.wv_federation {
            streams.push(("wv.federation.listen", federation.listen));
            streams.extend(federation.tls.as_ref().map(|tls| ("wv.federation.tls_listen", tls.listen)));
        }
        let plain_text = configuration.wv_access.as_ref().and_then(|access| access.pts_udp);
        let mut datagrams: Vec<(&str, SocketAddr)> =
            plain_text.map(|address| ("wv.access.pts_udp", address)).into_iter().collect();
        if let Some(simple) = &configuration.simple {
            if simple.listen.is_empty() {
                let reason = ProblemKind::Contradiction("the SIP adapter needs at least one address to listen on");
                self.add("simple.listen", reason);
            }
            for listen in &simple.listen {
                match listen.transport {
                    SipTransport::Tcp | SipTransport::Tls => streams.push(("simple.listen", listen.address)),
                    SipTransport::Udp => datagrams.push(("simple.listen", listen.address)),
                }
            }
            streams.push(("simple.msrp_listen", simple.msrp_listen));
            let is_everywhere = simple.listen.iter().any(|listen| listen.address.ip().is_unspecified());
            if is_everywhere && simple.advertise.is_none() {
                let reason = "listening on every address needs simple.advertise: peers have to be told one";
                self.add("simple.listen", ProblemKind::Contradiction(reason));
            }
            let open = simple.authentication == SipAuthentication::InsecureOpen;
            if open && simple.listen.iter().any(|listen| !listen.address.ip().is_loopback()) {
                let reason = "insecure_open is for loopback listeners only";
                self.add("simple.authentication", ProblemKind::Contradiction(reason));
            }
        }
        self.distinct(&streams);
        self.distinct(&datagrams);
    }

    fn distinct(&mut self, sockets: &[(&str, SocketAddr)]) {
        for (index, (path, address)) in sockets.iter().enumerate() {
            let taken = sockets.iter().take(index).any(|(_, other)| other == address);
            if address.port() != 0 && taken {
                let reason = "another listener of this configuration has the same address";
                self.add(path, ProblemKind::Impossible { value: address.to_string(), reason });
            }
        }
    }
}

const ORDERED: [(&str, &str, &str); 3] = [
    ("wv.access.keep_alive_default_s", "wv.access.keep_alive_max_s", "longer than keep_alive_max_s"),
    ("limits.backoff_min_s", "limits.backoff_max_s", "longer than backoff_max_s"),
    ("limits.validity_default_s", "limits.validity_max_s", "longer than validity_max_s"),
];
