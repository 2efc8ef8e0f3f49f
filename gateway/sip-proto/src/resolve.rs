//! Locating SIP servers (RFC 3263): which questions to ask of DNS, and what their answers mean.
//!
//! [`locate`] is a function of the answers that are known. The owner asks what is missing and calls it again, until it says
//! where the servers are; a cache of answers is all the state there is.

pub mod location;
pub mod quarantine;
pub mod record;

use self::location::{Choice, Location, Rank, Server};
use self::record::{Answer, NaptrRecord, Question, QuestionKind, SrvRecord};
use crate::message::Uri;
use crate::message::header::via::Transport;
use crate::message::host::Host;
use crate::message::text::Words;
use core::net::IpAddr;
use std::sync::Arc;

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    service: Service,
    place: Place,
    port: Option<u16>,
    transport: Option<Transport>,
}

/// What is asked of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// That of a `sip:` URI.
    Sip,
    /// That of a `sips:` URI: over TLS or not at all.
    Sips,
    // RFC 3861 §3
    /// Presence, whatever protocol carries it.
    Presence,
    // RFC 3861 §3
    /// Instant messages, whatever protocol carries them.
    Messages,
}

/// TARGET of RFC 3263 §4.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Address(IpAddr),
    Name(Arc<str>),
}

/// What this side speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// The transports, most preferred first.
    pub transports: Vec<Transport>,
    /// Whether IPv4 addresses are reached.
    pub ipv4: bool,
    /// Whether IPv6 addresses are reached.
    pub ipv6: bool,
}

/// How far locating has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// These questions have to be answered first.
    Ask(Vec<Question>),
    /// The servers are there.
    Found(Location),
    /// There is no server that this side can speak to.
    Nowhere,
    /// DNS did not say: it may, later.
    Failed,
}

impl Target {
    /// What a URI leads to; none where its scheme names no server.
    #[must_use]
    pub fn from_uri<T: Words>(uri: &Uri<T>) -> Option<Self> {
        match uri {
            Uri::Sip(sip) | Uri::Sips(sip) => {
                let service = if uri.is_secure() { Service::Sips } else { Service::Sip };
                // RFC 3263 §4
                let place = match sip.params().raw("maddr") {
                    Some(maddr) => Place::of(&Host::read(maddr).ok()?),
                    None => Place::of(sip.host()),
                };
                let transport = sip.transport().map(Transport::read);
                // RFC 3261 §26.2.2: the transport of a SIPS URI says what TLS runs over.
                let transport = match (service, transport) {
                    (Service::Sips, Some(Transport::Tcp | Transport::Tls)) => Some(Transport::Tls),
                    (_, transport) => transport,
                };
                Some(Self { service, place, port: sip.port(), transport })
            }
            Uri::Pres(mailbox) => Some(Self::new(Service::Presence, mailbox.host(), None, None)),
            Uri::Im(mailbox) => Some(Self::new(Service::Messages, mailbox.host(), None, None)),
            Uri::Tel(_) | Uri::Wv(_) | Uri::Other(_) => None,
        }
    }

    /// A host, and what is known besides.
    #[must_use]
    pub fn new<T: Words>(service: Service, host: &Host<T>, port: Option<u16>, transport: Option<Transport>) -> Self {
        Self { service, place: Place::of(host), port, transport }
    }

    /// The same for another service, where the target is a domain and nothing says how it is reached.
    #[must_use]
    pub fn for_service(&self, service: Service) -> Self {
        let is_open = self.service == Service::Sip && self.port.is_none() && self.transport.is_none();
        let is_name = matches!(self.place, Place::Name(_));
        Self { service: if is_open && is_name { service } else { self.service }, ..self.clone() }
    }

    // RFC 5922 §7.3
    /// The name that is looked up, which is what a server has to prove to be; none for an address.
    #[must_use]
    pub fn name(&self) -> Option<&Arc<str>> {
        match &self.place {
            Place::Name(name) => Some(name),
            Place::Address(_) => None,
        }
    }

    fn is_protected(&self) -> bool {
        self.service == Service::Sips
    }
}

impl Place {
    fn of<T: Words>(host: &Host<T>) -> Self {
        match host.to_address() {
            Some(address) => Self::Address(address),
            None => Self::Name(host.to_canonical().trim_end_matches('.').into()),
        }
    }
}

impl Abilities {
    fn speaks(&self, transport: &Transport) -> bool {
        self.transports.contains(transport)
    }

    fn reaches(&self, address: IpAddr) -> bool {
        if address.is_ipv4() { self.ipv4 } else { self.ipv6 }
    }

    /// The transports that go without TLS, most preferred first.
    fn clear(&self) -> impl Iterator<Item = &Transport> {
        self.transports.iter().filter(|transport| **transport != Transport::Tls)
    }
}

// RFC 3263 §4
/// Where the target is, as far as the known answers say.
#[must_use]
pub fn locate(target: &Target, abilities: &Abilities, known: &dyn Fn(&Question) -> Option<Answer>) -> Progress {
    let mut search = Search { abilities, known, missing: Vec::new(), has_failed: false };
    let location = search.locate(target);
    if !search.missing.is_empty() {
        return Progress::Ask(search.missing);
    }
    match location {
        Some(location) if !location.is_empty() => Progress::Found(location),
        _ if search.has_failed => Progress::Failed,
        _ => Progress::Nowhere,
    }
}

/// One walk through what is known.
struct Search<'a> {
    abilities: &'a Abilities,
    known: &'a dyn Fn(&Question) -> Option<Answer>,
    missing: Vec<Question>,
    has_failed: bool,
}

/// What a query for SRV records found.
enum Servers {
    /// Not known yet, or nothing of the kind.
    None,
    // RFC 2782
    /// The service is decidedly not there.
    Denied,
    Some(Vec<SrvRecord>),
}

impl Search<'_> {
    fn locate(&mut self, target: &Target) -> Option<Location> {
        let name = match &target.place {
            Place::Address(address) => return self.at_address(target, *address),
            Place::Name(name) => name,
        };
        match target.service {
            Service::Presence => self.by_service("_pres._sip", name),
            Service::Messages => self.by_service("_im._sip", name),
            Service::Sip | Service::Sips => self.by_name(target, name),
        }
    }

    // RFC 3263 §4.1, §4.2
    fn at_address(&mut self, target: &Target, address: IpAddr) -> Option<Location> {
        let transport = self.fixed_transport(target)?;
        let port = target.port.unwrap_or_else(|| transport.default_port());
        let addresses = Some(address).filter(|address| self.abilities.reaches(*address)).into_iter().collect();
        Some(Location::new(vec![Choice { transport, servers: vec![Server::only(port, addresses)] }]))
    }

    // RFC 5509 §3
    // UNCLEAR §3: the example leaves the port of the SRV record out; here it is kept where it is not the usual one, because
    // whoever wrote another one means it.
    fn by_service(&mut self, label: &str, domain: &Arc<str>) -> Option<Location> {
        let itself =
            Target { service: Service::Sip, place: Place::Name(Arc::clone(domain)), port: None, transport: None };
        let records = match self.srv(&format!("{label}.{domain}")) {
            // RFC 3856 §5: where it is absent, the URI is that of SIP with the same user and domain.
            Servers::None if self.missing.is_empty() => return self.locate(&itself),
            Servers::None | Servers::Denied => return None,
            Servers::Some(records) => records,
        };
        let mut choices: Vec<Choice> = Vec::new();
        for (number, record) in records.into_iter().enumerate() {
            let rank = Rank { number, ..record.rank() };
            let port = Some(record.port).filter(|port| *port != Transport::Udp.default_port() && *port != 0);
            let place = Place::Name(Arc::clone(&record.target));
            let target = Target { service: Service::Sip, place, port, transport: None };
            for choice in self.locate(&target).map(Location::into_choices).unwrap_or_default() {
                let servers = choice.servers.into_iter().map(|server| server.below(rank));
                match choices.iter_mut().find(|known| known.transport == choice.transport) {
                    Some(known) => known.servers.extend(servers),
                    None => choices.push(Choice { transport: choice.transport, servers: servers.collect() }),
                }
            }
        }
        Some(Location::new(choices))
    }

    fn by_name(&mut self, target: &Target, name: &Arc<str>) -> Option<Location> {
        // RFC 3263 §4.1: a port or a transport that is written down leaves nothing to choose.
        if let Some(port) = target.port {
            let transport = self.fixed_transport(target)?;
            return Some(self.at_port(transport, name, port));
        }
        if target.transport.is_some() {
            let transport = self.fixed_transport(target)?;
            return self.by_srv(&transport, &srv_name(&transport, name), name);
        }
        let naptr = self.naptr(name);
        if !self.missing.is_empty() {
            return None;
        }
        let choices = self.by_naptr(target, &naptr);
        if !self.missing.is_empty() || !choices.is_empty() {
            return Some(Location::new(choices));
        }
        self.by_trial(target, name)
    }

    // RFC 3263 §4.1
    /// The services that NAPTR records name, in their order, as far as they can be used.
    fn by_naptr(&mut self, target: &Target, records: &[NaptrRecord]) -> Vec<Choice> {
        let mut records: Vec<&NaptrRecord> = records.iter().filter(|record| record.is_terminal()).collect();
        records.sort_by_key(|record| (record.order, record.preference));
        let mut choices: Vec<Choice> = Vec::new();
        for record in records {
            let Some(transport) = naptr_transport(&record.service) else { continue };
            if !self.abilities.speaks(&transport) || (target.is_protected() && transport != Transport::Tls) {
                continue;
            }
            // What is offered over TLS is not taken over less because TLS does not answer: somebody may have seen to that.
            let is_weaker = choices.first().is_some_and(|first| first.transport == Transport::Tls);
            if is_weaker && transport != Transport::Tls {
                continue;
            }
            if let Servers::Some(found) = self.srv(&record.replacement) {
                let servers = self.servers(found);
                if servers.iter().any(|server| !server.addresses.is_empty()) {
                    choices.push(Choice { transport, servers });
                }
            }
        }
        choices
    }

    // RFC 3263 §4.1
    /// Without NAPTR: the transports that have SRV records; without those, the domain's own addresses.
    fn by_trial(&mut self, target: &Target, name: &Arc<str>) -> Option<Location> {
        let tried: Vec<Transport> = match target.is_protected() {
            true => vec![Transport::Tls],
            false => self.abilities.clear().cloned().collect(),
        };
        let (mut choices, mut is_denied) = (Vec::new(), false);
        for transport in tried.iter().filter(|transport| self.abilities.speaks(transport)) {
            match self.srv(&srv_name(transport, name)) {
                Servers::None => {}
                Servers::Denied => is_denied = true,
                Servers::Some(found) => {
                    let servers = self.servers(found);
                    choices.push(Choice { transport: transport.clone(), servers });
                }
            }
        }
        if !choices.is_empty() || is_denied || !self.missing.is_empty() {
            return Some(Location::new(choices));
        }
        let transport = self.fixed_transport(target)?;
        let port = transport.default_port();
        Some(self.at_port(transport, name, port))
    }

    // RFC 3263 §4.2
    fn by_srv(&mut self, transport: &Transport, question: &str, name: &Arc<str>) -> Option<Location> {
        match self.srv(question) {
            Servers::Some(found) => {
                let servers = self.servers(found);
                Some(Location::new(vec![Choice { transport: transport.clone(), servers }]))
            }
            Servers::None if self.missing.is_empty() => {
                Some(self.at_port(transport.clone(), name, transport.default_port()))
            }
            Servers::None | Servers::Denied => None,
        }
    }

    // RFC 3263 §4.2
    fn at_port(&mut self, transport: Transport, name: &Arc<str>, port: u16) -> Location {
        let addresses = self.addresses(name);
        Location::new(vec![Choice { transport, servers: vec![Server::only(port, addresses)] }])
    }

    // RFC 3263 §4.1
    /// The transport where DNS has no say in it; none where this side does not speak it.
    fn fixed_transport(&self, target: &Target) -> Option<Transport> {
        let usual = if target.is_protected() { Transport::Tls } else { Transport::Udp };
        let wanted = target.transport.clone().unwrap_or(usual);
        // RFC 3261 §26.2.2
        if target.is_protected() && wanted != Transport::Tls {
            return None;
        }
        if target.transport.is_none() && wanted == Transport::Udp && !self.abilities.speaks(&Transport::Udp) {
            return self.abilities.clear().next().cloned();
        }
        self.abilities.speaks(&wanted).then_some(wanted)
    }

    fn servers(&mut self, records: Vec<SrvRecord>) -> Vec<Server> {
        let server = |record: SrvRecord| {
            let addresses = self.addresses(&record.target);
            Server { ranks: vec![record.rank()], port: record.port, addresses }
        };
        records.into_iter().map(server).collect()
    }

    fn naptr(&mut self, name: &Arc<str>) -> Vec<NaptrRecord> {
        match self.ask(QuestionKind::Naptr, name) {
            Some(Answer::Naptr(records)) => records.into_iter().take(RECORDS_MAX).collect(),
            _ => Vec::new(),
        }
    }

    fn srv(&mut self, name: &str) -> Servers {
        match self.ask(QuestionKind::Srv, &Arc::from(name.to_ascii_lowercase().trim_end_matches('.'))) {
            Some(Answer::Srv(records)) if !records.is_empty() => {
                let there = records.into_iter().filter(|record| !record.target.is_empty()).take(RECORDS_MAX);
                let there: Vec<SrvRecord> = there.collect();
                if there.is_empty() { Servers::Denied } else { Servers::Some(there) }
            }
            _ => Servers::None,
        }
    }

    fn addresses(&mut self, name: &Arc<str>) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        let kinds = [(QuestionKind::Ipv6, self.abilities.ipv6), (QuestionKind::Ipv4, self.abilities.ipv4)];
        for (kind, _) in kinds.into_iter().filter(|(_, is_reached)| *is_reached) {
            if let Some(Answer::Addresses(found)) = self.ask(kind, name) {
                let of_kind = found.into_iter().filter(|address| self.abilities.reaches(*address));
                addresses.extend(of_kind.take(ADDRESSES_MAX));
            }
        }
        addresses
    }

    /// The answer to a question; none where it is missing, nothing is there or DNS failed.
    fn ask(&mut self, kind: QuestionKind, name: &Arc<str>) -> Option<Answer> {
        let question = Question { kind, name: Arc::clone(name) };
        match (self.known)(&question) {
            Some(Answer::Failed) => {
                self.has_failed = true;
                None
            }
            Some(Answer::Nothing) => None,
            Some(answer) => Some(answer),
            None => {
                if !self.missing.contains(&question) {
                    self.missing.push(question);
                }
                None
            }
        }
    }
}

// RFC 3263 §4.2
fn srv_name(transport: &Transport, domain: &str) -> String {
    match transport {
        Transport::Tls => format!("_sips._tcp.{domain}"),
        Transport::Udp => format!("_sip._udp.{domain}"),
        _ => format!("_sip._tcp.{domain}"),
    }
}

// RFC 3263 §4.1
fn naptr_transport(service: &str) -> Option<Transport> {
    const SERVICES: [(&str, Transport); 3] =
        [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)];
    SERVICES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(service)).map(|(_, transport)| transport)
}

/// Records of one answer that are looked at. A domain with more of them gains nothing by it.
const RECORDS_MAX: usize = 32;

/// Addresses of one host and family that are looked at.
const ADDRESSES_MAX: usize = 8;

#[cfg(test)]
mod tests;
