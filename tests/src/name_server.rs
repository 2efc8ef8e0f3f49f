//! A DNS server of the system's packages, on loopback, with a few records.

use crate::{folder::Folder, port, process::Process, wait};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    process::Command,
    time::Duration,
};

/// A running name server. It is killed when this is dropped.
#[derive(Debug)]
pub struct NameServer {
    program: PathBuf,
    port: u16,
    folder: Folder,
    process: Process,
}

/// Records, as the server takes them.
#[derive(Clone, Debug, Default)]
pub struct Records(Vec<String>);

impl Records {
    /// `name NAPTR order 10 "s" service "" replacement`.
    #[must_use]
    pub fn naptr(mut self, name: &str, order: u16, service: &str, replacement: &str) -> Self {
        self.0.push(format!("--naptr-record={name},{order},10,s,{service},,{replacement}"));
        self
    }

    /// `name SRV priority weight port target`.
    #[must_use]
    pub fn srv(mut self, name: &str, (priority, weight): (u16, u16), port: u16, target: &str) -> Self {
        self.0.push(format!("--srv-host={name},{target},{port},{priority},{weight}"));
        self
    }

    /// The address of a host.
    #[must_use]
    pub fn host(mut self, name: &str, address: &str) -> Self {
        self.0.push(format!("--host-record={name},{address}"));
        self
    }
}

impl NameServer {
    /// Starts it; none where dnsmasq is absent.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn start(records: &Records) -> Option<Self> {
        let program = crate::tool::find("dnsmasq")?;
        let (port, folder) = (port::free(), Folder::new("dns"));
        let process = run(&program, port, &folder, records);
        let server = Self { program, port, folder, process };
        server.wait_until_it_answers();
        Some(server)
    }

    /// Other records from now on.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn change(&mut self, records: &Records) {
        self.process.kill();
        self.process = run(&self.program, self.port, &self.folder, records);
        self.wait_until_it_answers();
    }

    /// Nobody answers any more.
    pub fn stop(&mut self) {
        self.process.kill();
    }

    /// The setting by which a gateway asks it.
    #[must_use]
    pub fn setting(&self) -> String {
        format!("node.name_servers=127.0.0.1:{}", self.port)
    }

    /// What it was asked, one question in each line.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn wait_until_it_answers(&self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a patience");
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        // A question for the address of `probe.example`.
        let question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05probe\x07example\x00\x00\x01\x00\x01";
        wait::until("the name server", wait::PATIENCE, || {
            let _ = socket.send_to(question, server);
            let mut answer = [0; 512];
            socket.recv(&mut answer).ok().filter(|length| *length > 12)
        });
    }
}

fn run(program: &std::path::Path, port: u16, folder: &Folder, records: &Records) -> Process {
    let mut command = Command::new(program);
    let fixed = ["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"];
    command.args(fixed).args(["--listen-address=127.0.0.1", "--log-queries", "--log-facility=-", "--user="]);
    // Whatever is not written here does not exist.
    command.args(["--local=/example/", "--local-ttl=60", "--pid-file="]).arg(format!("--port={port}")).args(&records.0);
    Process::start(&mut command, &folder.file("dnsmasq.log")).expect("dnsmasq can be started")
}
