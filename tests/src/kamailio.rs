//! The Kamailio of `tests/lab/kamailio`, the SIMPLE domain `simple.test`: a server that is not ours.

use crate::{certificate::Authority, folder::Folder, http, port, process::Process, repository, tool, wait};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::Command,
    time::Duration,
};

/// A running Kamailio. It ends when this is dropped.
#[derive(Debug)]
pub struct Kamailio {
    process: Process,
    address: SocketAddr,
    _folder: Folder,
}

/// The domain that it serves.
pub const DOMAIN: &str = "simple.test";

impl Kamailio {
    /// Starts it and waits until it answers OPTIONS; nothing when it is not installed. Requests for `wv.test` go to
    /// the gateway's address.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(gateway: SocketAddr, port: u16, switches: &[&str]) -> Option<Self> {
        Self::start_over(&gateway.to_string(), port, switches, None)
    }

    /// The same over TLS on a port of its own, with a certificate that names its domain and asks for one that names
    /// that of the gateway.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_protected(gateway: SocketAddr, port: u16, tls: u16, authority: &Authority) -> Option<Self> {
        let gateway = format!("{gateway};transport=tls");
        Self::start_over(&gateway, port, &["WITH_TLS", "WITH_OPEN"], Some((tls, authority)))
    }

    fn start_over(gateway: &str, port: u16, switches: &[&str], tls: Option<(u16, &Authority)>) -> Option<Self> {
        for program in ["kamailio", "sqlite3", "sipp"] {
            tool::find(program)?;
        }
        let folder = Folder::new("kamailio");
        let mut command = Command::new(repository().join("tests/lab/kamailio/run.sh"));
        command.args(switches);
        command.env("LAB_PORT", port.to_string());
        command.env("LAB_DIR", folder.path());
        command.env("LAB_GW_ADDR", gateway);
        if let Some((port, authority)) = tls {
            let own = authority.sign("kamailio", "URI:sip:simple.test");
            std::fs::copy(own.certificate, folder.file("cert.pem")).expect("a certificate can be copied");
            std::fs::copy(own.key, folder.file("key.pem")).expect("a key can be copied");
            command.env("LAB_TLS", port.to_string()).env("LAB_TLS_CA", authority.file());
        }
        // Two workers let a NOTIFY overtake the answer before it, which SIPp's scenarios do not expect.
        command.env("LAB_CHILDREN", "1");
        let process = Process::start(&mut command, &folder.file("kamailio.log")).expect("run.sh can be started");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut kamailio = Self { process, address, _folder: folder };
        kamailio.wait_until_ready();
        Some(kamailio)
    }

    fn wait_until_ready(&mut self) {
        let (process, address) = (&mut self.process, self.address);
        let ready = wait::try_until("Kamailio's answer to OPTIONS", START_PATIENCE, || {
            if !process.is_running() {
                return Some(false);
            }
            answers_options(address).ok().filter(|answers| *answers)
        });
        assert_eq!(ready, Ok(true), "Kamailio did not start:\n{}", self.process.log());
    }

    /// Where it speaks SIP over UDP and TCP, and HTTP.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its first process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Stores presence rules of a user: who may watch, who may not.
    ///
    /// # Panics
    /// When they are not stored.
    pub fn put_rules(&self, user: &str, allowed: &[&str], blocked: &[&str]) {
        let body = [rule("allow", allowed), rule("block", blocked)].concat();
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><cr:ruleset xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\" \
             xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\">{body}</cr:ruleset>"
        );
        let path = format!("/xcap-root/pres-rules/users/sip:{user}@{DOMAIN}/index");
        let answer = http::put(self.address, &path, "application/auth-policy+xml", &document).expect("XCAP answers");
        assert!((200..300).contains(&answer.status), "XCAP PUT: {}", answer.status);
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Its workers end with it only when it is asked.
        self.process.terminate();
        let _ = self.process.wait(END_PATIENCE);
    }
}

fn rule(action: &str, watchers: &[&str]) -> String {
    if watchers.is_empty() {
        return String::new();
    }
    let identities: String = watchers.iter().map(|watcher| format!("<cr:one id=\"{watcher}\"/>")).collect();
    format!(
        "<cr:rule id=\"{action}\"><cr:conditions><cr:identity>{identities}</cr:identity></cr:conditions><cr:actions>\
         <pr:sub-handling>{action}</pr:sub-handling></cr:actions><cr:transformations><pr:provide-services>\
         <pr:all-services/></pr:provide-services><pr:provide-persons><pr:all-persons/></pr:provide-persons>\
         <pr:provide-all-attributes/></cr:transformations></cr:rule>"
    )
}

/// Whether a SIP server answers OPTIONS with 200.
///
/// # Errors
/// When nothing comes back.
pub fn answers_options(server: SocketAddr) -> io::Result<bool> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let local = socket.local_addr()?;
    let request = format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK{port}\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@{local}>;tag={port}\r\nTo: <sip:{server}>\r\nCall-ID: probe-{port}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n",
        port = local.port()
    );
    socket.send_to(request.as_bytes(), server)?;
    let mut buffer = [0; 4096];
    let (length, _) = socket.recv_from(&mut buffer)?;
    Ok(buffer.get(..length).is_some_and(|octets| octets.starts_with(b"SIP/2.0 200")))
}

/// A port for it that nobody uses.
#[must_use]
pub fn free_port() -> u16 {
    port::free()
}

const START_PATIENCE: Duration = Duration::from_secs(30);
const END_PATIENCE: Duration = Duration::from_secs(10);
