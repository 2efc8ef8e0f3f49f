//! Looking names up once, for whoever checks a configuration.

use super::Resolver;
use crate::config::{
    Configuration,
    value::{PeerScheme, PeerUri, SipTransport},
};
use sip_proto::{
    message::{header::via::Transport, host::Host, text::Text},
    resolve::{Abilities, Progress, Service, Target},
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    rc::Rc,
};
use tokio::task::LocalSet;

/// Where somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: SocketAddr,
    /// How it is reached.
    pub transport: String,
    /// Whether it takes connections.
    pub is_stream: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport, self.address)
    }
}

/// Looks up what a configuration names.
pub struct NameSearch {
    servers: Vec<SocketAddr>,
    abilities: Abilities,
}

impl NameSearch {
    /// With the name servers and the transports of the configuration.
    #[must_use]
    pub fn new(configuration: &Configuration) -> Self {
        let listen = configuration.simple.as_ref().map(|simple| simple.listen.clone()).unwrap_or_default();
        let transports = [
            (SipTransport::Tls, Transport::Tls),
            (SipTransport::Tcp, Transport::Tcp),
            (SipTransport::Udp, Transport::Udp),
        ];
        let is_spoken = |of: SipTransport| listen.iter().any(|listen| listen.transport == of);
        let abilities = Abilities {
            transports: transports.into_iter().filter(|(of, _)| is_spoken(*of)).map(|(_, one)| one).collect(),
            ipv4: listen.iter().any(|listen| listen.address.is_ipv4()),
            ipv6: listen.iter().any(|listen| listen.address.is_ipv6()),
        };
        Self { servers: configuration.node.name_servers.clone(), abilities }
    }

    /// Where a neighbour is whose name DNS has to know; none for one that is written down with its address, or that is
    /// found otherwise.
    pub fn way_to(&mut self, uri: &PeerUri) -> Option<Result<Vec<Place>, String>> {
        let host = Host::parse(&Text::from(uri.address.host.as_str())).ok()?;
        if uri.scheme != PeerScheme::Sip || host.to_address().is_some() || host.to_canonical() == "localhost" {
            return None;
        }
        let transport = uri.transport.map(|transport| match transport {
            SipTransport::Udp => Transport::Udp,
            SipTransport::Tcp => Transport::Tcp,
            SipTransport::Tls => Transport::Tls,
        });
        Some(self.sip(Target::new(Service::Sip, &host, uri.address.port, transport)))
    }

    /// Where the SIP servers of a domain are.
    ///
    /// # Errors
    /// Why they are not found.
    pub fn sip_domain(&mut self, name: &str) -> Result<Vec<Place>, String> {
        let host = Host::parse(&Text::from(name)).map_err(|error| error.to_string())?;
        self.sip(Target::new(Service::Sip, &host, None, None))
    }

    // WV-SSP-16
    /// Where the SSP servers of a domain are.
    ///
    /// # Errors
    /// Why they are not found.
    pub fn ssp_domain(&mut self, name: &str) -> Result<Vec<Place>, String> {
        let name = format!("_imps-server._tcp.{name}");
        let found = self.run(async move |resolver| {
            let mut found = Vec::new();
            for record in Rc::clone(&resolver).service(&name).await {
                for address in Rc::clone(&resolver).addresses(&record.target).await {
                    found.push((address, record.port));
                }
            }
            found
        })?;
        let place = |(address, port): (IpAddr, u16)| Place {
            address: SocketAddr::new(address, port),
            transport: "HTTP".to_owned(),
            is_stream: true,
        };
        let places: Vec<Place> = found.into_iter().map(place).collect();
        if places.is_empty() {
            Err("there are no SRV records _imps-server._tcp, or no addresses".to_owned())
        } else {
            Ok(places)
        }
    }

    fn sip(&mut self, target: Target) -> Result<Vec<Place>, String> {
        let abilities = self.abilities.clone();
        match self.run(async move |resolver| resolver.locate(target, abilities).await)? {
            Progress::Found(location) => {
                let order = location.order(&mut || 0).into_iter();
                Ok(order
                    .map(|candidate| Place {
                        address: candidate.address,
                        transport: candidate.transport.as_str().to_owned(),
                        is_stream: candidate.transport.is_reliable(),
                    })
                    .collect())
            }
            Progress::Nowhere => Err("DNS names no server that this gateway can speak to".to_owned()),
            Progress::Failed | Progress::Ask(_) => Err("DNS does not answer".to_owned()),
        }
    }

    fn run<T>(&self, ask: impl AsyncFnOnce(Rc<Resolver>) -> T) -> Result<T, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        LocalSet::new().block_on(&runtime, async {
            let resolver = Resolver::new(&self.servers, 0).map_err(|error| error.to_string())?;
            Ok(ask(resolver).await)
        })
    }
}
