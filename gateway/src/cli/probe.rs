//! `check-config --online`: whether listeners can be opened and neighbour servers be reached, from this machine, now.

use crate::{
    config::{
        Configuration,
        section::WvAccess,
        value::{DomainRouting, PeerScheme, PeerUri, SipTransport},
    },
    http_post::HttpTarget,
    resolver::search::{NameSearch, Place},
    tls::{TlsKeeper, TlsTrust},
};
use mapping::side::Side;
use serde_json::{Value, json};
use std::{
    borrow::Cow,
    fmt, io,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
    path::Path,
    time::Duration,
};
use tokio_rustls::rustls::{ClientConnection, pki_types::ServerName};

/// What one probe found.
#[derive(Debug)]
pub(super) struct Finding {
    what: String,
    fault: Option<String>,
    remark: Cow<'static, str>,
}

/// Probes everything; nothing is sent but the opening of connections.
pub(super) fn run(configuration: &Configuration) -> Vec<Finding> {
    let mut findings = vec![stream("admin.listen", configuration.admin.listen)];
    if let Some(access) = &configuration.wv_access {
        findings.extend(access_points(access));
    }
    let ca_file = configuration.node.ca_file.as_deref();
    if let Some(file) = ca_file {
        let fault = TlsTrust::open(Some(file)).err().map(|error| error.to_string());
        findings.push(Finding { what: "node.ca_file".to_owned(), fault, remark: "can be read".into() });
    }
    let push = configuration.wv_access.as_ref().and_then(|access| access.cir_push.as_ref());
    let services =
        [("auth.url", configuration.auth.as_ref().map(|auth| &auth.target)), ("wv.access.cir_push_url", push)];
    findings.extend(services.into_iter().filter_map(|(key, target)| Some(service(key, target?, ca_file))));
    if let Some(federation) = &configuration.wv_federation {
        findings.push(stream("wv.federation.listen", federation.listen));
    }
    if let Some(simple) = &configuration.simple {
        for listen in &simple.listen {
            findings.push(match listen.transport {
                SipTransport::Tcp | SipTransport::Tls => stream("simple.listen", listen.address),
                SipTransport::Udp => {
                    listener(format!("simple.listen {listen}"), UdpSocket::bind(listen.address).map(drop))
                }
            });
        }
        findings.push(stream("simple.msrp_listen", simple.msrp_listen));
    }
    let mut search = NameSearch::new(configuration);
    findings.extend(configuration.peers.iter().map(|peer| match search.way_to(&peer.uri) {
        Some(found) => named(format!("peer \"{}\" {}", peer.name.as_str(), peer.uri), found),
        None => neighbour(peer.name.as_str(), &peer.uri),
    }));
    let by_dns = configuration.domains.iter().filter(|domain| domain.routing == DomainRouting::Dns);
    findings.extend(by_dns.map(|domain| {
        let found = match domain.side {
            Side::Simple => search.sip_domain(&domain.name),
            Side::Wv => search.ssp_domain(&domain.name),
        };
        named(format!("domain \"{}\" by DNS", domain.name), found)
    }));
    findings
}

/// What DNS says, and whether the first place takes connections where it is one for streams.
fn named(what: String, found: Result<Vec<Place>, String>) -> Finding {
    let places = match found {
        Ok(places) => places,
        Err(fault) => return Finding { what, fault: Some(fault), remark: "".into() },
    };
    let list = places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let tried = places.first().filter(|place| place.is_stream);
    let failed = tried.and_then(|place| TcpStream::connect_timeout(&place.address, CONNECT_WAIT).err());
    let fault = failed.map(|error| format!("it is at {list}, and the first does not take connections: {error}"));
    let remark = if tried.is_some() { "accepts connections at" } else { "is at (datagrams: not tried)" };
    Finding { what, fault, remark: format!("{remark} {list}").into() }
}

fn access_points(access: &WvAccess) -> Vec<Finding> {
    let mut findings = vec![stream("wv.access.listen", access.listen), stream("wv.access.cir_tcp", access.cir_tcp)];
    if let Some(tls) = &access.tls {
        findings.push(stream("wv.access.tls_listen", tls.listen));
        let fault = TlsKeeper::prepare(&tls.files).err().map(|error| error.to_string());
        let what = "wv.access.tls_certificate, wv.access.tls_key".to_owned();
        findings.push(Finding { what, fault, remark: "fit together".into() });
    }
    if let Some(address) = access.pts_udp {
        findings.push(listener(format!("wv.access.pts_udp {address}"), UdpSocket::bind(address).map(drop)));
    }
    findings
}

/// A service of the operator: whether it is there and, over TLS, whether it is believed.
fn service(key: &str, target: &HttpTarget, ca_file: Option<&Path>) -> Finding {
    let (host, port) = target.place();
    let what = format!("{key} {host}:{port}");
    let mut remark = "accepts connections";
    let result = connect(host, port).and_then(|stream| match target.security() {
        None => Ok(()),
        Some((name, _)) => {
            remark = "is believed";
            believe(stream, name, ca_file)
        }
    });
    Finding { what, fault: result.err().map(|error| error.to_string()), remark: remark.into() }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WAIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn believe(mut stream: TcpStream, name: &ServerName<'static>, ca_file: Option<&Path>) -> io::Result<()> {
    stream.set_read_timeout(Some(CONNECT_WAIT))?;
    stream.set_write_timeout(Some(CONNECT_WAIT))?;
    let trust = TlsTrust::open(ca_file).map_err(io::Error::other)?;
    let config = trust.config().ok_or_else(|| io::Error::other("no trusted certificates were read"))?;
    let mut connection = ClientConnection::new(config, name.clone()).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(())
}

fn stream(key: &str, address: SocketAddr) -> Finding {
    listener(format!("{key} {address}"), TcpListener::bind(address).map(drop))
}

fn listener(what: String, result: io::Result<()>) -> Finding {
    Finding { what, fault: result.err().map(|error| error.to_string()), remark: "can be listened on".into() }
}

fn neighbour(name: &str, uri: &PeerUri) -> Finding {
    let what = format!("peer \"{name}\" {uri}");
    let host = uri.address.host.trim_matches(['[', ']']);
    let addresses: Vec<SocketAddr> = match (host, uri.port()).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Finding { what, fault: Some(error.to_string()), remark: "".into() },
    };
    // RFC 3263 §4.1
    let is_datagram = uri.scheme == PeerScheme::Sip && matches!(uri.transport, None | Some(SipTransport::Udp));
    if is_datagram {
        return Finding { what, fault: None, remark: "has an address (datagrams: not tried)".into() };
    }
    if addresses.is_empty() {
        return Finding { what, fault: Some("the name has no address".to_owned()), remark: "".into() };
    }
    let remark = if is_protected(uri) { "accepts connections (TLS: not tried)" } else { "accepts connections" };
    Finding { what, fault: connect(host, uri.port()).err().map(|error| error.to_string()), remark: remark.into() }
}

fn is_protected(uri: &PeerUri) -> bool {
    matches!(uri.scheme, PeerScheme::SspTls | PeerScheme::CspTls) || uri.transport == Some(SipTransport::Tls)
}

impl Finding {
    pub(super) const fn is_good(&self) -> bool {
        self.fault.is_none()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "what": self.what, "ok": self.is_good(), "fault": self.fault })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            None => write!(f, "ok    {}: {}", self.what, self.remark),
            Some(fault) => write!(f, "FAIL  {}: {fault}", self.what),
        }
    }
}

const CONNECT_WAIT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn taken_ports_and_silent_peers_are_found() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let text = format!(
            "[admin]\nlisten=\"{address}\"\n[wv.access]\nlisten=\"127.0.0.1:0\"\ncir_tcp=\"127.0.0.1:0\"\n\
             [[domain]]\nname=\"d\"\nside=\"wv\"\nroute=\"access\"\n\
             [[peer]]\nname=\"a\"\nuri=\"sip:{address};transport=tcp\"\n[[peer]]\nname=\"b\"\nuri=\"sip:127.0.0.1\"\n"
        );
        let configuration = Configuration::read(&Sources::from_text("f", &text)).unwrap();
        let verdicts: Vec<bool> = run(&configuration).iter().map(Finding::is_good).collect();
        assert_eq!(verdicts, [false, true, true, true, true]);
    }

    #[test]
    fn names_that_dns_does_not_know_are_found() {
        // Nobody answers there.
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let text = format!(
            "[node]\nname_servers=[\"{}\"]\n[admin]\nlisten=\"127.0.0.1:0\"\n[simple]\nlisten=[\"udp:127.0.0.1:0\"]\n\
             msrp_listen=\"127.0.0.1:0\"\n[[domain]]\nname=\"d.example\"\nside=\"simple\"\nroute=\"dns\"\n",
            silent.local_addr().unwrap()
        );
        let configuration = Configuration::read(&Sources::from_text("f", &text)).unwrap();
        let findings: Vec<String> = run(&configuration).iter().map(ToString::to_string).collect();
        assert_eq!(findings.last().unwrap(), "FAIL  domain \"d.example\" by DNS: DNS does not answer");
    }

    #[test]
    fn files_of_tls_are_read_and_services_tried() {
        let folder = crate::store::TemporaryFolder::create().unwrap();
        let file = folder.path().join("nothing.pem");
        std::fs::write(&file, "nothing").unwrap();
        let (file, open) = (file.display(), TcpListener::bind("127.0.0.1:0").unwrap());
        let text = format!(
            "[node]\nca_file=\"{file}\"\n[admin]\nlisten=\"127.0.0.1:0\"\n[auth]\nbackend=\"http\"\n\
             url=\"http://{}/\"\n[wv.access]\nlisten=\"127.0.0.1:0\"\ncir_tcp=\"127.0.0.1:0\"\n\
             tls_listen=\"127.0.0.1:0\"\ntls_certificate=\"{file}\"\ntls_key=\"{file}\"\n\
             [[domain]]\nname=\"d\"\nside=\"wv\"\nroute=\"access\"\n",
            open.local_addr().unwrap()
        );
        let configuration = Configuration::read(&Sources::from_text("f", &text)).unwrap();
        let bad: Vec<String> =
            run(&configuration).iter().filter(|finding| !finding.is_good()).map(ToString::to_string).collect();
        assert_eq!(bad.len(), 2, "{bad:?}");
        assert!(bad[0].starts_with("FAIL  wv.access.tls_certificate") && bad[1].starts_with("FAIL  node.ca_file"));
    }
}
