//! `check-config --online`: whether listeners can be opened and neighbour servers be reached, from this machine, now.

use crate::config::{
    Configuration,
    value::{PeerScheme, PeerUri, SipTransport},
};
use serde_json::{Value, json};
use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket},
    time::Duration,
};

/// What one probe found.
#[derive(Debug)]
pub(super) struct Finding {
    what: String,
    fault: Option<String>,
    remark: &'static str,
}

/// Probes everything; nothing is sent but the opening of connections.
pub(super) fn run(configuration: &Configuration) -> Vec<Finding> {
    let mut findings = vec![stream("admin.listen", configuration.admin.listen)];
    if let Some(access) = &configuration.wv_access {
        findings.push(stream("wv.access.listen", access.listen));
        findings.push(stream("wv.access.cir_tcp", access.cir_tcp));
    }
    if let Some(federation) = &configuration.wv_federation {
        findings.push(stream("wv.federation.listen", federation.listen));
    }
    if let Some(simple) = &configuration.simple {
        for listen in &simple.listen {
            findings.push(match listen.transport {
                SipTransport::Tcp => stream("simple.listen", listen.address),
                SipTransport::Udp => {
                    listener(format!("simple.listen {listen}"), UdpSocket::bind(listen.address).map(drop))
                }
            });
        }
        findings.push(stream("simple.msrp_listen", simple.msrp_listen));
    }
    findings.extend(configuration.peers.iter().map(|peer| neighbour(peer.name.as_str(), &peer.uri)));
    findings
}

fn stream(key: &str, address: SocketAddr) -> Finding {
    listener(format!("{key} {address}"), TcpListener::bind(address).map(drop))
}

fn listener(what: String, result: io::Result<()>) -> Finding {
    Finding { what, fault: result.err().map(|error| error.to_string()), remark: "can be listened on" }
}

fn neighbour(name: &str, uri: &PeerUri) -> Finding {
    let what = format!("peer \"{name}\" {uri}");
    let host = uri.address.host.trim_matches(['[', ']']);
    let fault = |fault: &dyn fmt::Display| Some(fault.to_string());
    let addresses: Vec<SocketAddr> = match (host, uri.port()).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Finding { what, fault: fault(&error), remark: "" },
    };
    // RFC 3263 §4.1
    let is_datagram = uri.scheme == PeerScheme::Sip && uri.transport != Some(SipTransport::Tcp);
    if is_datagram {
        return Finding { what, fault: None, remark: "has an address (datagrams: not tried)" };
    }
    let mut last = None;
    for address in &addresses {
        match TcpStream::connect_timeout(address, CONNECT_WAIT) {
            Ok(_) if matches!(uri.scheme, PeerScheme::SspTls | PeerScheme::CspTls) => {
                return Finding { what, fault: None, remark: "accepts connections (TLS: not tried)" };
            }
            Ok(_) => return Finding { what, fault: None, remark: "accepts connections" },
            Err(error) => last = Some(error),
        }
    }
    let reason = last.map_or_else(|| "the name has no address".to_owned(), |error| error.to_string());
    Finding { what, fault: Some(reason), remark: "" }
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
}
