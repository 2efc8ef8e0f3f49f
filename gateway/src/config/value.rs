//! The values that options hold: checked once, typed from then on.

use std::{fmt, net::IpAddr, net::SocketAddr};

/// Where the SIP adapter listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipListen {
    /// Over which transport.
    pub transport: SipTransport,
    /// At which address.
    pub address: SocketAddr,
}

/// A transport of SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SipTransport {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
    /// Protected streams.
    Tls,
}

/// A network: an address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A host with or without a port, as told to peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address; IPv6 addresses in brackets.
    pub host: String,
    /// The port, if one is written.
    pub port: Option<u16>,
}

/// The address of a neighbour server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerUri {
    /// What is spoken there.
    pub scheme: PeerScheme,
    /// Host and port.
    pub address: HostPort,
    /// `transport=` of a SIP address.
    pub transport: Option<SipTransport>,
    /// The path of an HTTP address, with its slash; empty for SIP.
    pub path: String,
}

/// What is spoken with a neighbour server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerScheme {
    /// SIP.
    Sip,
    /// SSP over HTTP.
    Ssp,
    /// SSP over HTTPS.
    SspTls,
    /// CSP over HTTP.
    Csp,
    /// CSP over HTTPS.
    CspTls,
}

/// How a domain is reached, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainRouting {
    /// The gateway's own CSP server.
    Access,
    /// The gateway's own registrar.
    Registrar,
    /// SIP neighbours; each but the first takes the place of the one before it when that fails.
    Peer(Vec<String>),
    /// An SSP neighbour.
    Ssp(String),
    /// A WV server in which the gateway logs in as a client.
    CspClient(String),
    /// Whatever DNS says.
    Dns,
}

impl SipListen {
    /// `udp:ADDRESS:PORT`, `tcp:ADDRESS:PORT` or `tls:ADDRESS:PORT`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (transport, address) = text.split_once(':')?;
        Some(Self { transport: SipTransport::parse(transport)?, address: address.parse().ok()? })
    }
}

impl SipTransport {
    /// `udp`, `tcp` or `tls`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "udp" => Some(Self::Udp),
            "tcp" => Some(Self::Tcp),
            "tls" => Some(Self::Tls),
            _ => None,
        }
    }

    /// Its name in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl Network {
    /// `ADDRESS/PREFIX`; an address alone is a network of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix.parse::<u8>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether `address` lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(host)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.prefix));
                u32::from(net).checked_shr(shift).unwrap_or(0) == u32::from(host).checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(net), IpAddr::V6(host)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.prefix));
                u128::from(net).checked_shr(shift).unwrap_or(0) == u128::from(host).checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

impl HostPort {
    /// `HOST`, `HOST:PORT` or `[IPV6]:PORT`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => {
                address.parse::<std::net::Ipv6Addr>().ok()?;
                let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
                (format!("[{address}]"), port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host.to_owned(), Some(port)),
                None => (text.to_owned(), None),
            },
        };
        if !host.starts_with('[') && !is_domain(&host) {
            return None;
        }
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
            None => None,
        };
        Some(Self { host, port })
    }
}

impl PeerUri {
    /// `sip:HOST[:PORT][;transport=udp|tcp|tls]`, `ssp+http(s)://HOST[:PORT][/PATH]` or `csp+http(s)://…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let scheme = PeerScheme::parse(scheme)?;
        if scheme == PeerScheme::Sip {
            let (address, parameter) = match rest.split_once(';') {
                Some((address, parameter)) => (address, Some(parameter)),
                None => (rest, None),
            };
            let transport = match parameter {
                Some(parameter) => Some(SipTransport::parse(parameter.strip_prefix("transport=")?)?),
                None => None,
            };
            return Some(Self { scheme, address: HostPort::parse(address)?, transport, path: String::new() });
        }
        let rest = rest.strip_prefix("//")?;
        let split = rest.find('/').unwrap_or(rest.len());
        let (address, path) = rest.split_at_checked(split)?;
        let path = if path.is_empty() { "/" } else { path };
        let path = path.bytes().all(|b| b.is_ascii_graphic()).then(|| path.to_owned())?;
        Some(Self { scheme, address: HostPort::parse(address)?, transport: None, path })
    }

    /// The port, written or usual.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port.unwrap_or(match self.scheme {
            PeerScheme::Sip if self.transport == Some(SipTransport::Tls) => 5061,
            PeerScheme::Sip => 5060,
            PeerScheme::Ssp | PeerScheme::Csp => 80,
            PeerScheme::SspTls | PeerScheme::CspTls => 443,
        })
    }
}

impl PeerScheme {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "sip" => Some(Self::Sip),
            "ssp+http" => Some(Self::Ssp),
            "ssp+https" => Some(Self::SspTls),
            "csp+http" => Some(Self::Csp),
            "csp+https" => Some(Self::CspTls),
            _ => None,
        }
    }

    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::Ssp => "ssp+http",
            Self::SspTls => "ssp+https",
            Self::Csp => "csp+http",
            Self::CspTls => "csp+https",
        }
    }
}

impl DomainRouting {
    /// A route as it stands in the file.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "access" => return Some(Self::Access),
            "registrar" => return Some(Self::Registrar),
            "dns" => return Some(Self::Dns),
            _ => {}
        }
        let (word, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
        match word {
            "peer" => {
                let names: Vec<String> = name.split(',').map(|name| name.trim().to_owned()).collect();
                names.iter().all(|name| !name.is_empty()).then_some(Self::Peer(names))
            }
            "ssp" => Some(Self::Ssp(name.to_owned())),
            "csp-client" => Some(Self::CspClient(name.to_owned())),
            _ => None,
        }
    }

    /// The neighbours that it names, the first being the one that is tried first.
    #[must_use]
    pub fn peers(&self) -> &[String] {
        match self {
            Self::Peer(names) => names,
            Self::Ssp(name) | Self::CspClient(name) => std::slice::from_ref(name),
            Self::Access | Self::Registrar | Self::Dns => &[],
        }
    }
}

/// Whether a text can be the name of a domain or host.
#[must_use]
pub fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

/// Whether a text is an address of HTTP with a host and without spaces.
#[must_use]
pub fn is_http_uri(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        HostPort::parse(host).is_some() && rest.bytes().all(|b| b.is_ascii_graphic())
    })
}

impl fmt::Display for SipListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_str(), self.address)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Display for PeerUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scheme != PeerScheme::Sip {
            return write!(f, "{}://{}{}", self.scheme.as_str(), self.address, self.path);
        }
        write!(f, "sip:{}", self.address)?;
        self.transport.map_or(Ok(()), |transport| write!(f, ";transport={}", transport.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_addresses_are_read_and_written_alike() {
        for text in [
            "sip:127.0.0.1:5070;transport=udp",
            "sip:[::1]:5070",
            "sip:core.example;transport=tls",
            "ssp+http://home.example:80/ssp",
            "csp+https://x.example/",
        ] {
            assert_eq!(PeerUri::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(PeerUri::parse("sip:core.example").unwrap().port(), 5060);
        assert_eq!(PeerUri::parse("sip:core.example;transport=tls").unwrap().port(), 5061);
    }

    #[test]
    fn wrong_peer_addresses_are_refused() {
        for text in
            ["http://x", "sip:", "sip:a b", "sip:a;transport=sctp", "sip:a:99999", "sip:a:0", "ssp+http:x", "sips:x"]
        {
            assert_eq!(PeerUri::parse(text), None, "{text}");
        }
    }

    #[test]
    fn networks_contain_their_hosts_only() {
        let net = Network::parse("10.1.0.0/16").unwrap();
        assert!(net.contains("10.1.2.3".parse().unwrap()));
        assert!(net.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!net.contains("10.2.0.1".parse().unwrap()));
        assert!(Network::parse("0.0.0.0/0").unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!(!Network::parse("::1").unwrap().contains("::2".parse().unwrap()));
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn routes_name_their_peer() {
        assert_eq!(DomainRouting::parse("ssp:home"), Some(DomainRouting::Ssp("home".into())));
        assert_eq!(DomainRouting::parse("peer:"), None);
        assert_eq!(DomainRouting::parse("elsewhere"), None);
    }
}
