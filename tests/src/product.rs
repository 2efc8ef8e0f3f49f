//! The gateway under test: a process of its own, as an operator runs it.

pub use gateway::lab::{gateway_process::LABORATORY, port::Ports};

use crate::{folder::Folder, http, process::Process, repository, wait};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The folder into which cargo builds: where this test lies.
///
/// # Panics
/// When the test does not lie in such a folder.
#[must_use]
pub fn target_folder() -> PathBuf {
    profile_folder().parent().expect("a build folder has a parent").to_owned()
}

/// The gateway's program: the one that `WVSG_PROGRAM` names, or that of this build, built if it is absent or older than its
/// sources.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(named) = std::env::var_os("WVSG_PROGRAM") {
            return repository().join(named);
        }
        let program = profile_folder().join("wv-simple-gateway");
        let built = fs::metadata(&program).and_then(|known| known.modified()).ok();
        if built.is_none_or(|built| built < youngest_source()) {
            build();
        }
        assert!(program.is_file(), "{} was not built", program.display());
        program
    })
}

fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it lies");
    let deps = test.parent().expect("a test lies in a folder");
    deps.parent().expect("tests lie in the folder deps of the profile").to_owned()
}

fn youngest_source() -> SystemTime {
    // The scenarios are part of the program.
    let others =
        ["Cargo.toml", "gateway/Cargo.toml", "mapping/Cargo.toml", "fixtures/scenario", "fixtures/catalogue.tsv"];
    let scenarios = fs::read_dir(repository().join("fixtures/scenario")).into_iter().flatten().flatten();
    let others = others.map(PathBuf::from).into_iter().chain(scenarios.map(|entry| entry.path()));
    let files = crate::rust_files().into_iter().map(|(path, _)| PathBuf::from(path));
    files
        .filter(|path| !path.starts_with("tests"))
        .chain(others)
        .filter_map(|path| fs::metadata(repository().join(path)).and_then(|known| known.modified()).ok())
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

fn build() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(repository()).args(["build", "--quiet", "-p", "gateway"]);
    command.env("CARGO_TARGET_DIR", target_folder());
    if profile_folder().ends_with("release") {
        command.arg("--release");
    }
    let status = command.status().expect("cargo can be started");
    assert!(status.success(), "cargo build -p gateway: {status}");
}

/// How a gateway is started.
#[derive(Clone, Debug)]
pub struct Setup {
    configuration: Option<String>,
    settings: Vec<String>,
    ports: Ports,
}

impl Setup {
    /// The embedded default on free ports, with limits that suit a laboratory.
    #[must_use]
    pub fn embedded() -> Self {
        let settings = LABORATORY.map(|(key, value)| format!("{key}={value}")).to_vec();
        Self { configuration: None, settings, ports: Ports::free().expect("ports are free") }
    }

    /// The text of a configuration file, on free ports.
    #[must_use]
    pub fn configured(text: &str) -> Self {
        Self { configuration: Some(text.to_owned()), ..Self::embedded() }
    }

    /// The same ports with another text, for those that name each other.
    #[must_use]
    pub fn reconfigured(mut self, text: &str) -> Self {
        self.configuration = Some(text.to_owned());
        self
    }

    /// One more setting, `KEY=VALUE`.
    #[must_use]
    pub fn with(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// The ports that it will have.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    #[must_use]
    pub fn start(self) -> Gateway {
        self.start_until(200)
    }

    /// Starts it and waits until it runs, and `/ready` answers with that status.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn start_until(self, status: u16) -> Gateway {
        let folder = Folder::new("gateway");
        if let Some(text) = &self.configuration {
            fs::write(folder.file("gateway.toml"), text).expect("the configuration can be written");
        }
        let process = run(&self, &folder);
        let mut gateway = Gateway { setup: self, process, folder };
        gateway.wait_until_readiness(status);
        gateway
    }
}

fn run(setup: &Setup, folder: &Folder) -> Process {
    let mut command = Command::new(program());
    // The data folder is seen from the working folder.
    command.arg("run").current_dir(folder.path());
    if setup.configuration.is_some() {
        command.arg("--config").arg(folder.file("gateway.toml"));
    }
    for setting in setup.ports.to_settings().iter().chain(&setup.settings) {
        command.arg("--set").arg(setting);
    }
    Process::start(&mut command, &folder.file("gateway.log")).expect("the gateway can be started")
}

/// The gateway that all tests of a process share: the default with many accounts, a pair for every test.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn shared() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| {
        let setup = Setup::configured(&configuration_with_pairs());
        setup.with("wv.access.map_url=https://maps.example/?lat={latitude}&lon={longitude}").start()
    })
}

/// Two users of the shared gateway, one on each side, whom no other test of the process uses.
///
/// # Panics
/// When there are no more.
#[must_use]
pub fn pair() -> Pair {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    assert!(number < PAIRS, "more pairs are needed");
    Pair { wv: format!("wv:w{number}@wv.example"), sip: format!("s{number}@sip.example") }
}

/// Two users, one on each side.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The WV user, with scheme.
    pub wv: String,
    /// The SIP user, without scheme.
    pub sip: String,
}

impl Pair {
    /// The WV user as the SIP side calls it.
    #[must_use]
    pub fn wv_in_sip(&self) -> String {
        self.wv.replacen("wv:", "sip:", 1)
    }

    /// The SIP user as the WV side calls it.
    #[must_use]
    pub fn sip_in_wv(&self) -> String {
        format!("wv:{}", self.sip)
    }
}

/// The embedded default, with accounts for pairs.
#[must_use]
pub fn configuration_with_pairs() -> String {
    let mut text = String::from(DOMAINS);
    for number in 0..PAIRS {
        for user in [format!("wv:w{number}@wv.example"), format!("sip:s{number}@sip.example")] {
            text.push_str(&format!("[[account]]\nuser = \"{user}\"\npassword = \"secret\"\n\n"));
        }
    }
    text
}

/// A running gateway. It is killed when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    setup: Setup,
    process: Process,
    folder: Folder,
}

impl Gateway {
    /// Kills it, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Tells it to end in order, and waits until it has: within the 30 seconds that an operator waits.
    ///
    /// # Errors
    /// When it does not.
    pub fn drain(&mut self) -> Result<(), String> {
        let (taken, said) = self.ask(&["drain"]);
        if !taken {
            return Err(said);
        }
        let status = self.process.wait(Duration::from_secs(30))?;
        if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
    }

    /// Starts it again on the same ports and the same data, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not get ready.
    pub fn start_again(&mut self) {
        self.process = run(&self.setup, &self.folder);
        self.wait_until_ready();
    }

    /// Waits until `/ready` says so.
    ///
    /// # Panics
    /// When it does not.
    pub fn wait_until_ready(&mut self) {
        self.wait_until_readiness(200);
    }

    fn wait_until_readiness(&mut self, status: u16) {
        let address = self.address(self.setup.ports.admin);
        let process = &mut self.process;
        let ready = wait::try_until("/ready", START_PATIENCE, || {
            if !process.is_running() {
                return Some(false);
            }
            let answer = http::get(address, "/ready").ok()?;
            (answer.status == status && answer.body.starts_with(b"running")).then_some(true)
        });
        assert_eq!(ready, Ok(true), "the gateway did not start:\n{}", self.process.log());
    }

    /// What lies in its data folder.
    #[must_use]
    pub fn data(&self) -> Vec<Vec<u8>> {
        let files = fs::read_dir(self.folder.file("data")).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read(file.path()).ok()).collect()
    }

    /// Its ports.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.setup.ports
    }

    /// The number of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Its CSP listener.
    #[must_use]
    pub fn csp(&self) -> SocketAddr {
        self.address(self.setup.ports.csp)
    }

    /// The address of its CSP server, as a client is told.
    #[must_use]
    pub fn csp_uri(&self) -> String {
        format!("http://{}/csp", self.csp())
    }

    /// Its SIP listeners.
    #[must_use]
    pub fn sip(&self) -> SocketAddr {
        self.address(self.setup.ports.sip)
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Runs a command of the gateway's program in its folder, with its settings; returns success and output.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn ask(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().expect("the gateway's program can be started");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A command of the gateway's program in its folder, with its settings.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.folder.path()).args(arguments);
        for setting in self.setup.ports.to_settings().iter().chain(&self.setup.settings) {
            command.arg("--set").arg(setting);
        }
        command
    }

    /// A file in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// The token of its administration.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn admin_token(&self) -> String {
        fs::read_to_string(self.folder.file("data/admin.token")).expect("a running gateway has a token")
    }

    /// Its metrics: each line that begins with that, added up.
    ///
    /// # Panics
    /// When they are not told.
    #[must_use]
    pub fn metric(&self, begin: &str) -> f64 {
        let answer = http::get(self.address(self.setup.ports.admin), "/metrics").expect("metrics are told");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let of_line = |line: &str| line.strip_prefix(begin)?.rsplit(' ').next()?.parse::<f64>().ok();
        text.lines().filter_map(of_line).sum()
    }

    fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

const START_PATIENCE: Duration = Duration::from_secs(30);

const PAIRS: u32 = 400;

const DOMAINS: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[authorization]
default = "confirm"

"#;
