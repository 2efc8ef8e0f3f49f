//! The command line. Its help text is the documentation; manual page and completions are made from it.

mod account;
mod announce;
mod check;
mod hook;
mod init;
mod lab;
mod live;
mod manual;
mod output;
mod probe;
mod store;
mod trace;

pub use hook::{CspVersion, DemoArguments, Encoding, PeerTransport, SipPeerArguments, WvPeerArguments};

use crate::{
    admin::ShowTopic,
    app::Rereading,
    config::{Configuration, Problems, Sources},
    observe::log::{self, LogFormat},
};
use clap::{Args, CommandFactory, Parser, Subcommand};
use output::Output;
use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Joins Wireless Village / OMA IMPS and SIP/SIMPLE: presence, messages and contact lists in both directions.
#[derive(Debug, Parser)]
#[command(name = "wv-simple-gateway", version, propagate_version = true, after_help = AFTER_HELP)]
pub struct CommandLine {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// What to log: error, warn, info, debug or trace, also per module, such as info,gateway::store=debug.
    /// Without it, the environment variable WVSG_LOG; without that, info (warn for demo).
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    /// How the log looks: text or json.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway. Without --config: the embedded default, everything on 127.0.0.1.
    Run {
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Show the gateway at work: two scripted peers as processes of their own talk through it over real sockets.
    Demo(DemoArguments),
    /// Be one of the scripted peers, against any address.
    Peer {
        #[command(subcommand)]
        peer: PeerCommand,
    },
    /// Write a commented configuration that check-config accepts.
    Init {
        /// What the gateway is to be.
        mode: init::Mode,
        /// The folder in which gateway.toml is written; it is not overwritten.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Tell all problems of a configuration at once, with file, line, column, allowed values and nearest key.
    CheckConfig {
        /// The configuration.
        file: PathBuf,
        /// Also try whether the listeners can be opened and the peers be reached.
        #[arg(long)]
        online: bool,
    },
    /// Users of the domains that the gateway hosts: through the running process, or offline when none runs.
    Account {
        #[command(subcommand)]
        action: account::Action,
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Copy the embedded store while the gateway runs, or put a copy back.
    Store {
        #[command(subcommand)]
        action: store::Action,
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Show what is in the memory of the running process now.
    Show {
        /// What to show.
        topic: ShowTopic,
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Tell why a watcher sees what it sees: every step from authorisation to the last notification.
    Explain {
        /// Who watches, such as wv:alice@wv.example.
        watcher: String,
        /// Who is watched, such as sip:bob@sip.example.
        presentity: String,
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Draw both protocols in one picture, as it happens, until interrupted.
    Trace {
        #[command(flatten)]
        arguments: trace::TraceArguments,
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Test what joins both protocols, or one of them: scenarios over sockets, verdicts, reports.
    Lab {
        #[command(subcommand)]
        action: lab::Action,
    },
    /// Say something to a user of a 1.3 client as a system message; `show announcements` tells the answer.
    Announce {
        #[command(flatten)]
        arguments: announce::AnnounceArguments,
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Let the running process finish what is under way and end.
    Drain {
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Let the running process read its configuration again, all or nothing: accounts, shadows, certificates, neighbours
    /// and the domains behind them. It tells what has changed, and what waits for a restart.
    Reload {
        #[command(flatten)]
        source: ConfigurationArguments,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// The scripted peers.
#[derive(Debug, Subcommand)]
enum PeerCommand {
    /// A WV phone.
    Wv(WvPeerArguments),
    /// A SIP user agent.
    Sip(SipPeerArguments),
    /// An actor of a scenario: who it is comes as the first line of standard input, what it does as further lines, in JSON.
    Actor,
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigurationArguments {
    /// The configuration; without it, the embedded default.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one option over file and environment, such as --set admin.listen=127.0.0.1:9000; lists with commas.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = parse_setting)]
    pub set: Vec<Setting>,
}

/// One `--set`.
#[derive(Clone)]
pub struct Setting {
    key: String,
    value: String,
}

/// The value may be a secret.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.key).finish()
    }
}

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Site { path: PathBuf, source: crate::lab::site::SiteError },
    #[error("{}: {source}", path.display())]
    Result { path: PathBuf, source: crate::lab::result::ResultError },
    #[error(transparent)]
    Load(#[from] crate::lab::load::LoadError),
    #[error(transparent)]
    Record(#[from] crate::lab::record::RecordError),
    #[error(transparent)]
    Catalogue(#[from] crate::lab::catalogue::CatalogueError),
    #[error("the configuration has problems:\n{0}")]
    Configuration(Problems),
    #[error(transparent)]
    Client(#[from] crate::admin::ClientError),
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    #[error(transparent)]
    Account(#[from] crate::account::AccountError),
    #[error(transparent)]
    Credential(#[from] crate::account::CredentialError),
    #[error(transparent)]
    Start(#[from] crate::app::StartError),
    #[error(transparent)]
    Peer(#[from] crate::peer::PeerError),
    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),
    #[error("{0}")]
    Input(&'static str),
    #[error(transparent)]
    Output(#[from] io::Error),
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] serde_json::Error),
}

/// Does what the arguments say. The exit code is the verdict: 0 yes, 1 no, 2 wrong usage.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Nothing can be told when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let output = Output::new(line.json);
    // The demonstration draws what happens; a log would stand between the lines.
    let level = if matches!(line.command, Command::Demo(_)) { "warn" } else { "info" };
    let filter = line.log.or_else(|| std::env::var("WVSG_LOG").ok()).unwrap_or_else(|| level.to_owned());
    if let Err(error) = log::set_up(line.log_format, &filter) {
        return output.failed(&error);
    }
    match execute(line.command, output) {
        Ok(code) => code,
        Err(error) => output.failed(&error),
    }
}

fn execute(command: Command, output: Output) -> Result<ExitCode, CliError> {
    match command {
        Command::Run { source } => hook::gateway(source.read()?, source.rereading(), output),
        Command::Demo(arguments) => hook::demo(&arguments, output.is_json()),
        Command::Peer { peer: PeerCommand::Wv(arguments) } => hook::peer_wv(&arguments, output.is_json()),
        Command::Peer { peer: PeerCommand::Sip(arguments) } => hook::peer_sip(&arguments, output.is_json()),
        Command::Peer { peer: PeerCommand::Actor } => hook::peer_actor(),
        Command::Init { mode, dir } => init::write(mode, &dir, output),
        Command::CheckConfig { file, online } => check::run(&file, online, output),
        Command::Account { action, source } => account::run(action, &source.read()?, output),
        Command::Store { action, source } => store::run(&action, &source.read()?, output),
        Command::Show { topic, source } => live::show(topic, &source.read()?, output),
        Command::Explain { watcher, presentity, source } => {
            live::explain(&watcher, &presentity, &source.read()?, output)
        }
        Command::Trace { arguments, source } => trace::run(&arguments, &source.read()?, output),
        Command::Lab { action } => lab::run(&action, output),
        Command::Announce { arguments, source } => announce::run(&arguments, &source.read()?, output),
        Command::Drain { source } => live::order("/api/v1/drain", &source.read()?, output),
        Command::Reload { source } => live::order("/api/v1/reload", &source.read()?, output),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut CommandLine::command(), NAME, &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            manual::write(&mut io::stdout())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl ConfigurationArguments {
    /// The sources in the order of their weight.
    fn sources(&self) -> Result<Sources, CliError> {
        let sources = match &self.config {
            Some(path) => read_file(path)?,
            None => Sources::embedded(),
        };
        let sources = sources.with_environment(std::env::vars_os());
        Ok(self.set.iter().fold(sources, |sources, setting| sources.with_flag(&setting.key, &setting.value)))
    }

    /// Reads the same again, from the same places.
    fn rereading(&self) -> Rereading {
        let source = self.clone();
        Rereading::new(move || source.read().map_err(|error| error.to_string()))
    }

    fn read(&self) -> Result<Configuration, CliError> {
        Configuration::read(&self.sources()?).map_err(CliError::Configuration)
    }
}

fn read_file(path: &Path) -> Result<Sources, CliError> {
    Sources::from_file(path).map_err(|source| CliError::File { path: path.to_owned(), source })
}

fn parse_setting(text: &str) -> Result<Setting, &'static str> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, such as admin.listen=127.0.0.1:9000")?;
    Ok(Setting { key: key.trim().to_owned(), value: value.to_owned() })
}

/// A runtime for a command that waits for sockets.
fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

const NAME: &str = "wv-simple-gateway";

const AFTER_HELP: &str = "Configuration: file (--config), then environment variables WVSG__SECTION__KEY (such as \
WVSG__ADMIN__LISTEN), then --set KEY=VALUE. `init access` writes a file that explains every option.\n\n\
The exit code is the verdict: 0 yes, 1 no, 2 wrong usage.";

#[cfg(test)]
mod tests;
