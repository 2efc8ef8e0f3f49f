//! SIPp as a foreign SIP client: the scenarios of `tests/sipp`.

use crate::{folder::Folder, port, process::Process, repository, tool};
use std::{fs, net::SocketAddr, process::Command, time::Duration};

/// What a scenario is told.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The scenario: `tests/sipp/NAME.xml`.
    pub scenario: &'a str,
    /// The server to which everything goes.
    pub server: SocketAddr,
    /// The user part of the client.
    pub user: &'a str,
    /// The client's domain.
    pub domain: &'a str,
    /// Further keywords.
    pub keys: Vec<(&'a str, String)>,
}

/// A running scenario. It is killed when this is dropped.
#[derive(Debug)]
pub struct Sipp {
    process: Process,
    folder: Folder,
    port: u16,
    name: String,
}

impl Call<'_> {
    /// Starts the scenario, over UDP, for one call.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(&self) -> Sipp {
        self.start_on(port::free())
    }

    /// Starts the scenario on a port.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_on(&self, port: u16) -> Sipp {
        let folder = Folder::new("sipp");
        let program = tool::find("sipp").expect("SIPp was looked for before");
        let mut command = Command::new(program);
        command.current_dir(folder.path()).arg(self.server.to_string());
        command.arg("-sf").arg(repository().join(format!("tests/sipp/{}.xml", self.scenario)));
        command.args(["-i", "127.0.0.1", "-m", "1", "-l", "1", "-nostdin", "-trace_msg", "-trace_err"]);
        command.args(["-p", &port.to_string()]);
        command.arg("-message_file").arg(folder.file("messages.txt"));
        command.arg("-error_file").arg(folder.file("errors.txt"));
        command.args(["-key", "user", self.user, "-key", "domain", self.domain]);
        command.args(["-au", self.user, "-ap", PASSWORD]);
        // SIPp would write the address of the server, which is not the Request-URI.
        command.args(["-auth_uri", &self.request_uri()]);
        for (name, value) in &self.keys {
            command.args(["-key", name, value]);
        }
        let process = Process::start(&mut command, &folder.file("screen.txt")).expect("SIPp can be started");
        Sipp { process, folder, port, name: self.scenario.to_owned() }
    }

    /// The Request-URI of the first request, without scheme.
    fn request_uri(&self) -> String {
        let target = self.keys.iter().find(|(name, _)| *name == "target").map(|(_, value)| value.as_str());
        match (target, self.scenario) {
            (Some(target), _) => target.trim_start_matches("sip:").to_owned(),
            (None, "register") => self.domain.to_owned(),
            (None, _) => format!("{}@{}", self.user, self.domain),
        }
    }

    /// Runs the scenario to its end and returns the messages that went over the wire.
    ///
    /// # Panics
    /// When it did not end well.
    pub fn run(&self) -> String {
        self.start().finish()
    }
}

impl Sipp {
    /// The port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages that went over the wire so far.
    #[must_use]
    pub fn messages(&self) -> String {
        let octets = fs::read(self.folder.file("messages.txt")).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Waits for the end and returns the messages that went over the wire.
    ///
    /// # Panics
    /// When it did not end well.
    #[must_use]
    pub fn finish(mut self) -> String {
        let ended = self.process.wait(PATIENCE);
        let messages = self.messages();
        let errors = fs::read_to_string(self.folder.file("errors.txt")).unwrap_or_default();
        let good = ended.as_ref().is_ok_and(std::process::ExitStatus::success);
        assert!(good, "SIPp {}: {ended:?}\n{errors}\n{messages}\n{}", self.name, self.process.log());
        messages
    }
}

/// The password of every foreign client.
pub const PASSWORD: &str = "secret";

const PATIENCE: Duration = Duration::from_secs(30);
