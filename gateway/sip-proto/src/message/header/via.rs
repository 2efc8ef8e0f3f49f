//! Via: where a request came from and the response goes.

use super::identifier::Branch;
use crate::error::ValueError;
use crate::message::{
    host::{self, Host},
    param::Params,
    scan::Scanner,
    text::{Text, Words},
    vocabulary,
};
use core::net::{IpAddr, SocketAddr};
use std::fmt;

/// The transport of a Via or a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// SCTP.
    Sctp,
    /// TLS over SCTP.
    TlsSctp,
    /// WebSocket.
    Ws,
    /// WebSocket over TLS.
    Wss,
    /// Any other token.
    Other(Text),
}

impl Transport {
    /// Reads a transport token; case does not count.
    #[must_use]
    pub fn read(text: &str) -> Self {
        // Nearly always one of these, written like this.
        match text {
            "UDP" => Self::Udp,
            "TCP" => Self::Tcp,
            "TLS" => Self::Tls,
            _ => vocabulary::transport(text).unwrap_or_else(|| Self::Other(text.into())),
        }
    }

    /// The token in upper case, as in a Via.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Sctp => "SCTP",
            Self::TlsSctp => "TLS-SCTP",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Other(text) => text,
        }
    }

    /// Whether the transport delivers by itself, so that nothing is retransmitted over it.
    #[must_use]
    pub fn is_reliable(&self) -> bool {
        !matches!(self, Self::Udp | Self::Other(_))
    }

    /// The port where none is written.
    // RFC 3261 §18.2.2
    // RFC 6455 §3
    #[must_use]
    pub fn default_port(&self) -> u16 {
        match self {
            Self::Tls | Self::TlsSctp => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Udp | Self::Tcp | Self::Sctp | Self::Other(_) => 5060,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `rport` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rport {
    /// The client asks for it.
    Asked,
    /// The server filled it in.
    Port(u16),
}

/// One hop of a Via list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via<T: Words = Text> {
    transport: Transport,
    host: Host<T>,
    port: Option<u16>,
    params: Params<T>,
}

impl Via {
    /// A hop of ours.
    #[must_use]
    pub fn new(transport: Transport, host: Host, port: Option<u16>, branch: &Branch) -> Self {
        let mut params = Params::default();
        params.set("branch", Some(branch.as_str()));
        Self { transport, host, port, params }
    }

    /// Reads one element of a Via list.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        Ok(Via::read(text)?.map(|part| text.share(part)))
    }

    /// The same asking for `rport`.
    // RFC 3581 §3
    #[must_use]
    pub fn with_rport(mut self) -> Self {
        self.params.set("rport", None);
        self
    }

    /// Notes where the request came from.
    pub fn set_received(&mut self, address: IpAddr) {
        self.params.set("received", Some(&address.to_string()));
    }

    /// Notes the port that the request came from.
    pub fn set_rport(&mut self, port: u16) {
        self.params.set("rport", Some(&port.to_string()));
    }

    /// Notes the source of a request where the RFCs ask for it: the address when it is not the host of sent-by, and
    /// both address and port when the client asks for `rport`.
    // RFC 3261 §18.2.1
    // RFC 3581 §4
    pub fn stamp(&mut self, source: SocketAddr) {
        let source_host = source.ip().to_canonical();
        let is_asked = self.params.has("rport");
        if is_asked || self.host.to_address() != Some(source_host) {
            self.set_received(source_host);
        } else {
            // A client that wrote `received` itself would send our responses to somebody else.
            self.params.remove("received");
        }
        if is_asked {
            self.set_rport(source.port());
        }
    }

    /// The parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }
}

impl<'a> Via<&'a str> {
    /// Reads one element of a Via list where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        // Nearly always written like this.
        if !scanner.take_exactly(b"SIP/2.0/") {
            skip_protocol(&mut scanner)?;
        }
        let transport = Transport::read(scanner.token()?);
        scanner.skip_blanks();
        let (host, end) = Host::begin(scanner.rest())?;
        scanner.skip(end);
        if !matches!(host, Host::Address(IpAddr::V6(_)))
            && !matches!(scanner.peek(), None | Some(b' ' | b'\t' | b';' | b':'))
        {
            return Err(ValueError::Host);
        }
        let port = match scanner.take_separator(b':') {
            true => Some(host::scan_port(&mut scanner)?),
            false => None,
        };
        Ok(Self { transport, host, port, params: Params::scan_header(&mut scanner)? })
    }
}

/// Takes name and version of the protocol with all blanks that the grammar has.
fn skip_protocol(scanner: &mut Scanner<'_>) -> Result<(), ValueError> {
    scanner.skip_blanks();
    let protocol = scanner.token()?;
    let slash = scanner.take_separator(b'/');
    let version = scanner.token()?;
    if !slash || !protocol.eq_ignore_ascii_case("SIP") || version != "2.0" || !scanner.take_separator(b'/') {
        return Err(ValueError::Protocol);
    }
    Ok(())
}

impl<T: Words> Via<T> {
    /// The transport.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Where a response to a request with this Via goes over an unreliable transport, or over a new connection.
    // RFC 3261 §18.2.2
    // RFC 3581 §4
    #[must_use]
    pub fn response_target(&self) -> (Host, u16) {
        if let Some(maddr) = self.maddr() {
            return (maddr, self.port_or_default());
        }
        let host = self.received().map_or_else(|| self.host.detach(), Host::Address);
        match self.rport() {
            Some(Rport::Port(port)) if !self.transport.is_reliable() => (host, port),
            Some(Rport::Asked | Rport::Port(_)) | None => (host, self.port_or_default()),
        }
    }

    /// The host of sent-by.
    #[must_use]
    pub fn host(&self) -> &Host<T> {
        &self.host
    }

    /// The port of sent-by, when one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port of sent-by, or that of the transport.
    #[must_use]
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| self.transport.default_port())
    }

    /// Whether both name the same sender.
    // RFC 3261 §17.2.3
    #[must_use]
    pub fn has_same_sender(&self, other: &Self) -> bool {
        self.host == other.host && self.port_or_default() == other.port_or_default()
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> Option<Branch<T>> {
        self.params.piece("branch").and_then(|branch| Branch::from_text(branch).ok())
    }

    /// The `rport` parameter.
    #[must_use]
    pub fn rport(&self) -> Option<Rport> {
        match self.params.find("rport")?.raw() {
            None => Some(Rport::Asked),
            Some(port) => host::parse_port(port).ok().map(Rport::Port),
        }
    }

    /// The `received` parameter, IPv6 with or without brackets.
    #[must_use]
    pub fn received(&self) -> Option<IpAddr> {
        self.params.raw("received").and_then(|raw| host::parse_address(raw).ok())
    }

    /// The `maddr` parameter.
    #[must_use]
    pub fn maddr(&self) -> Option<Host> {
        let raw = self.params.raw("maddr")?;
        host::parse_address(raw).map(Host::Address).or_else(|_| Host::read(raw).map(|host| host.detach())).ok()
    }

    /// The `ttl` parameter.
    #[must_use]
    pub fn ttl(&self) -> Option<u8> {
        self.params.raw("ttl").and_then(|raw| raw.parse().ok())
    }

    /// All parameters.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Via {
        self.map(|text| Text::from(text.as_ref()))
    }

    fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> Via<U> {
        let (host, params) = (self.host.map(&change), self.params.map(&change));
        Via { transport: self.transport.clone(), host, port: self.port, params }
    }
}

impl<T: Words> fmt::Display for Via<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(text: &str) -> Result<Via, ValueError> {
        Via::from_text(&Text::from(text))
    }

    #[test]
    fn blanks_are_allowed_wherever_the_grammar_has_them() {
        let via = via("SIP  / 2.0 /  TCP     spindle.example.com : 5070  ; branch  =   z9hG4bK9ikj8").unwrap();
        assert_eq!(via.to_string(), "SIP/2.0/TCP spindle.example.com:5070;branch=z9hG4bK9ikj8");
        assert!(via.branch().unwrap().is_unique());
    }

    #[test]
    fn unknown_transport_stays() {
        assert_eq!(via("SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKa").unwrap().transport().as_str(), "UNKNOWN");
    }

    #[test]
    fn ipv6_is_read_with_and_without_brackets_where_the_grammar_wavers() {
        // RFC 5118 §4.5
        let one = via("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3").unwrap();
        let two = via("SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255;rport=5;branch=z9hG4bKas3").unwrap();
        assert_eq!(one.received(), two.received());
        assert_eq!(two.received(), Some("2001:db8::9:255".parse().unwrap()));
        assert!(one.has_same_sender(&two));
        assert_eq!(two.rport(), Some(Rport::Port(5)));
    }

    #[test]
    fn responses_go_where_the_request_came_from() {
        let target = |text: &str, source: &str| {
            let mut via = via(text).unwrap();
            via.stamp(source.parse().unwrap());
            let (host, port) = via.response_target();
            (via.to_string(), format!("{host}:{port}"))
        };
        let nat = target("SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bKa", "192.0.2.9:40000");
        assert_eq!(
            nat,
            (
                "SIP/2.0/UDP 10.0.0.1:5070;rport=40000;branch=z9hG4bKa;received=192.0.2.9".into(),
                "192.0.2.9:40000".into()
            )
        );
        assert_eq!(target("SIP/2.0/UDP h.example;branch=z9hG4bKa", "192.0.2.9:40000").1, "192.0.2.9:5060");
        assert_eq!(target("SIP/2.0/UDP [2001:db8::1]:5070", "[2001:db8::1]:40000").0, "SIP/2.0/UDP [2001:db8::1]:5070");
        for forged in ["SIP/2.0/UDP 192.0.2.9;received=192.0.2.66", "SIP/2.0/UDP h.example;received=192.0.2.66"] {
            assert_eq!(target(forged, "192.0.2.9:1").1, "192.0.2.9:5060");
        }
        assert_eq!(target("SIP/2.0/UDP 192.0.2.9;maddr=192.0.2.1:1", "192.0.2.9:1").1, "192.0.2.9:5060");
        assert_eq!(target("SIP/2.0/UDP 192.0.2.9:5070;maddr=192.0.2.1", "192.0.2.9:1").1, "192.0.2.1:5070");
    }

    #[test]
    fn malformed_hops_are_refused() {
        for text in
            ["SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/3.0/UDP a", "SIP/2.0 UDP a", "SIP/2.0/UDP a;;", "SIP/2.0/UDP [::1"]
        {
            assert!(via(text).is_err(), "{text}");
        }
    }
}
