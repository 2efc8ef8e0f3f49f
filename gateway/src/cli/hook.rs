//! Where the command line hands over to the gateway itself and to the scripted peers.

use super::{
    CliError,
    output::{self, Output},
};
use crate::{
    account::Secret,
    admin::AdminClient,
    app::{self, Rereading, SignalUse, StartOptions},
    config::Configuration,
    demo::{self, DemoWishes},
    peer::{self, LoginChoice, SipPeer, SipTransportChoice, WakeUp, WvPeer},
};
use clap::{Args, ValueEnum};
use std::{io::IsTerminal, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

/// What the demonstration is told.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Take free ports, run the script once, and exit 0 only if the far ends reported every step.
    #[arg(long)]
    pub once: bool,
    /// The CSP version that the scripted phone speaks.
    #[arg(long, value_enum, default_value_t = CspVersion::V1_2)]
    pub csp: CspVersion,
    /// The encoding that the scripted phone uses.
    #[arg(long, value_enum, default_value_t = Encoding::Wbxml)]
    pub encoding: Encoding,
}

/// What a scripted WV phone is told. Commands come from standard input; `help` lists them.
#[derive(Clone, Debug, Args)]
pub struct WvPeerArguments {
    /// Where the CSP server is.
    #[arg(long, alias = "server", value_name = "URL", default_value = "http://127.0.0.1:8080/csp")]
    pub url: String,
    /// The phone's user.
    #[arg(long, default_value = "wv:alice@wv.example")]
    pub user: String,
    /// The user's password.
    #[arg(long, default_value = "secret")]
    pub password: Secret,
    /// The CSP version.
    #[arg(long, value_enum, default_value_t = CspVersion::V1_2)]
    pub csp: CspVersion,
    /// The encoding.
    #[arg(long, value_enum, default_value_t = Encoding::Wbxml)]
    pub encoding: Encoding,
    /// What the phone calls itself; without it a name is made up.
    #[arg(long, value_name = "NAME")]
    pub client_id: Option<String>,
    /// Log in with the password in clear.
    #[arg(long, conflicts_with = "four_way")]
    pub two_way: bool,
    /// Log in with a digest of the password; so without either option.
    #[arg(long)]
    pub four_way: bool,
    /// Poll this often, whatever the server says; 0 only by command. Without it, as often as the server allows.
    #[arg(long, value_name = "MILLISECONDS")]
    pub poll_ms: Option<u64>,
    /// Ask for no wake-up channel; so too with --poll-ms. Without both, the phone is woken over TCP where that is offered.
    #[arg(long)]
    pub no_cir: bool,
}

/// What a scripted SIP user agent is told. Commands come from standard input; `help` lists them.
#[derive(Clone, Debug, Args)]
pub struct SipPeerArguments {
    /// The SIP server to which everything is sent; udp:, tcp: or tls: in front of it chooses the transport.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5060")]
    pub server: String,
    /// The transport, unless the server names one.
    #[arg(long, value_enum, default_value_t = PeerTransport::Udp)]
    pub transport: PeerTransport,
    /// The agent's user.
    #[arg(long, default_value = "sip:bob@sip.example")]
    pub user: String,
    /// The user's password.
    #[arg(long, default_value = "secret")]
    pub password: Secret,
    /// Where to listen; without it a free port.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// With tls: the authorities by which the server's certificate is judged, as PEM; without it those of the system.
    #[arg(long, value_name = "FILE")]
    pub tls_authorities: Option<PathBuf>,
    /// Do not register at the start.
    #[arg(long)]
    pub no_register: bool,
    /// The lifetime of registration, publication and subscriptions to ask for, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub expires: u32,
}

/// A transport of SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PeerTransport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
    /// Protected connections.
    Tls,
}

/// A version of CSP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CspVersion {
    /// Wireless Village 1.1.
    #[value(name = "1.1")]
    V1_1,
    /// Wireless Village 1.2 and OMA IMPS 1.2.
    #[value(name = "1.2")]
    V1_2,
    /// OMA IMPS 1.3.
    #[value(name = "1.3")]
    V1_3,
}

/// An encoding of CSP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// Text.
    Xml,
    /// Binary.
    Wbxml,
}

pub(super) fn gateway(
    configuration: Configuration,
    rereading: Rereading,
    output: Output,
) -> Result<ExitCode, CliError> {
    let options = StartOptions { signals: SignalUse::Heeded, rereading: Some(rereading), ..StartOptions::default() };
    let folder = configuration.node.data_dir.clone();
    let running = app::start(configuration, options)?;
    output.print(&running, &running.to_json());
    // A log keeps what is printed; a terminal belongs to whoever may see the token anyway.
    if std::io::stdout().is_terminal() && !output.is_json() {
        let link = AdminClient::open(&folder)?.console_link();
        output.print(&format!("console  {link}"), &serde_json::Value::Null);
    }
    Ok(output::verdict(running.wait().is_orderly()))
}

pub(super) fn demo(arguments: &DemoArguments, is_json: bool) -> Result<ExitCode, CliError> {
    let (version, encoding) = (arguments.csp.as_str(), arguments.encoding.as_str());
    let wishes = DemoWishes { once: arguments.once, version, encoding, is_json };
    Ok(output::verdict(demo::run(&wishes)?.is_complete()))
}

pub(super) fn peer_wv(arguments: &WvPeerArguments, is_json: bool) -> Result<ExitCode, CliError> {
    let peer = WvPeer {
        url: arguments.url.clone(),
        user: arguments.user.clone(),
        password: arguments.password.clone(),
        version: arguments.csp.as_str(),
        encoding: arguments.encoding.as_str(),
        client_id: arguments.client_id.clone(),
        login: if arguments.two_way { LoginChoice::TwoWay } else { LoginChoice::FourWay },
        poll_interval: arguments.poll_ms.map(Duration::from_millis),
        wake_up: if arguments.no_cir || arguments.poll_ms.is_some() { WakeUp::None } else { WakeUp::Tcp },
    };
    peer::run_wv(&peer, is_json)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn peer_sip(arguments: &SipPeerArguments, is_json: bool) -> Result<ExitCode, CliError> {
    let peer = SipPeer {
        server: arguments.server.clone(),
        transport: match arguments.transport {
            PeerTransport::Udp => SipTransportChoice::Udp,
            PeerTransport::Tcp => SipTransportChoice::Tcp,
            PeerTransport::Tls => SipTransportChoice::Tls,
        },
        user: arguments.user.clone(),
        password: arguments.password.clone(),
        listen: arguments.listen,
        tls_authorities: arguments.tls_authorities.clone(),
        registers: !arguments.no_register,
        expires_s: arguments.expires,
    };
    peer::run_sip(&peer, is_json)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn peer_actor() -> Result<ExitCode, CliError> {
    peer::run_actor()?;
    Ok(ExitCode::SUCCESS)
}

impl CspVersion {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }
}

impl Encoding {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Wbxml => "wbxml",
        }
    }
}
