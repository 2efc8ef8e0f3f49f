//! Where the command line hands over to the gateway itself and to the scripted peers.

use super::{
    CliError,
    output::{self, Output},
};
use crate::{
    account::Secret,
    app::{self, SignalUse, StartOptions},
    config::Configuration,
};
use clap::{Args, ValueEnum};
use std::process::ExitCode;

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

/// What a scripted WV phone is told.
#[derive(Clone, Debug, Args)]
pub struct WvPeerArguments {
    /// The CSP server, such as http://127.0.0.1:8080/csp.
    #[arg(long, default_value = "http://127.0.0.1:8080/csp")]
    pub server: String,
    /// The phone's user.
    #[arg(long, default_value = "wv:alice@wv.example")]
    pub user: String,
    /// The user's password.
    #[arg(long, default_value = "secret")]
    pub password: Secret,
    /// With whom the script talks.
    #[arg(long, default_value = "sip:bob@sip.example")]
    pub with: String,
    /// The CSP version.
    #[arg(long, value_enum, default_value_t = CspVersion::V1_2)]
    pub csp: CspVersion,
    /// The encoding.
    #[arg(long, value_enum, default_value_t = Encoding::Wbxml)]
    pub encoding: Encoding,
}

/// What a scripted SIP user agent is told.
#[derive(Clone, Debug, Args)]
pub struct SipPeerArguments {
    /// The SIP server, such as udp:127.0.0.1:5060 or tcp:127.0.0.1:5060.
    #[arg(long, default_value = "udp:127.0.0.1:5060")]
    pub server: String,
    /// The agent's user.
    #[arg(long, default_value = "sip:bob@sip.example")]
    pub user: String,
    /// The user's password.
    #[arg(long, default_value = "secret")]
    pub password: Secret,
    /// With whom the script talks.
    #[arg(long, default_value = "wv:alice@wv.example")]
    pub with: String,
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

pub(super) fn gateway(configuration: Configuration, output: Output) -> Result<ExitCode, CliError> {
    let options = StartOptions { signals: SignalUse::Heeded, ..StartOptions::default() };
    let running = app::start(configuration, options)?;
    output.print(&running, &running.to_json());
    Ok(output::verdict(running.wait().is_orderly()))
}

pub(super) fn demo(_arguments: &DemoArguments, _is_json: bool) -> Result<ExitCode, CliError> {
    Err(CliError::NotAvailable("demo"))
}

pub(super) fn peer_wv(_arguments: &WvPeerArguments, _is_json: bool) -> Result<ExitCode, CliError> {
    Err(CliError::NotAvailable("peer wv"))
}

pub(super) fn peer_sip(_arguments: &SipPeerArguments, _is_json: bool) -> Result<ExitCode, CliError> {
    Err(CliError::NotAvailable("peer sip"))
}
