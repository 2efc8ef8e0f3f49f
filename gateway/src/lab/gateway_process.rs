//! A gateway that the laboratory starts for itself: a process of its own on free ports, with all it writes in a folder
//! that goes away with it.

use super::{port::Ports, process::Process};
use crate::store::TemporaryFolder;
use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// A running gateway. It is killed when this is dropped.
#[derive(Debug)]
pub struct GatewayProcess {
    program: PathBuf,
    settings: Vec<String>,
    ports: Ports,
    process: Process,
    folder: TemporaryFolder,
}

impl GatewayProcess {
    /// Starts a program on the text of a configuration, with settings over it, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready; with what it has logged.
    pub fn start(program: &Path, configuration: &str, settings: &[(String, String)]) -> io::Result<Self> {
        let folder = TemporaryFolder::create()?;
        fs::write(folder.path().join(CONFIGURATION), configuration)?;
        let ports = Ports::free()?;
        let mut all = ports.to_settings();
        all.extend(LABORATORY.map(|(key, value)| format!("{key}={value}")));
        all.extend(settings.iter().map(|(key, value)| format!("{key}={value}")));
        let process = run(program, &all, &folder)?;
        let mut gateway = Self { program: program.to_owned(), settings: all, ports, process, folder };
        gateway.wait_until_ready()?;
        Ok(gateway)
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Tells it to end in order, and waits until it has: within the 30 seconds that an operator waits.
    ///
    /// # Errors
    /// When it does not.
    pub fn drain(&mut self) -> Result<(), String> {
        let mut command = command(&self.program, "drain", &self.settings, &self.folder);
        let told = command.output().map_err(|error| error.to_string())?;
        if !told.status.success() {
            return Err(String::from_utf8_lossy(&told.stderr).into_owned());
        }
        let status = self.process.wait(DRAIN_PATIENCE)?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
    }

    /// Starts it again on the same ports and the same data, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.process = run(&self.program, &self.settings, &self.folder)?;
        self.wait_until_ready()
    }

    /// The address of its CSP server, as a client is told.
    #[must_use]
    pub fn csp_url(&self) -> String {
        format!("http://127.0.0.1:{}/csp", self.ports.csp)
    }

    /// Its SIP listeners.
    #[must_use]
    pub fn sip(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.sip))
    }

    /// The folder in which it runs: `node.data_dir` is seen from there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    #[allow(clippy::disallowed_methods, reason = "a deadline is measured on the real clock")]
    fn wait_until_ready(&mut self) -> io::Result<()> {
        let end = Instant::now() + START_PATIENCE;
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.admin));
        while !is_ready(admin) {
            if !self.process.is_running() || Instant::now() >= end {
                let log = self.process.log();
                return Err(io::Error::other(format!("it did not get ready: {}", log.trim())));
            }
            thread::park_timeout(LOOK_AGAIN);
        }
        Ok(())
    }
}

fn run(program: &Path, settings: &[String], folder: &TemporaryFolder) -> io::Result<Process> {
    Process::start(&mut command(program, "run", settings, folder), &folder.path().join("gateway.log"))
}

fn command(program: &Path, verb: &str, settings: &[String], folder: &TemporaryFolder) -> Command {
    let mut command = Command::new(program);
    // The data folder is seen from the working folder.
    command.arg(verb).current_dir(folder.path()).arg("--config").arg(folder.path().join(CONFIGURATION));
    for setting in settings {
        command.arg("--set").arg(setting);
    }
    command
}

fn is_ready(admin: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&admin, ASK_PATIENCE)?;
        stream.set_read_timeout(Some(ASK_PATIENCE))?;
        stream.write_all(b"GET /ready HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; READY.len()];
        stream.read_exact(&mut answer)?;
        io::Result::Ok(answer.as_slice() == READY)
    };
    ask().unwrap_or(false)
}

/// Limits that suit a laboratory: much happens at once, and comes from one address.
pub const LABORATORY: [(&str, &str); 3] = [
    ("limits.notify_interval_min_ms", "0"),
    ("limits.logins_per_minute_per_source", "100000"),
    ("limits.requests_per_s_per_source", "100000"),
];

const CONFIGURATION: &str = "gateway.toml";
const READY: &[u8] = b"HTTP/1.1 200";
const START_PATIENCE: Duration = Duration::from_secs(60);
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);
const ASK_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
