//! `lab load`.

use super::{CliError, CspVersion, Encoding, Output, own_system, progress::Progress, read_site};
use crate::{
    cli::output,
    lab::{
        gateway_process::GatewayProcess,
        load::{self, LoadPlan},
        pool::Pool,
        result::TestedSystem,
        scenario::stage::{Identity, Role, RoleKind, SipTransport},
        site::{Site, SiteUser},
    },
};
use clap::Args;
use serde_json::json;
use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

/// What load is wanted.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct LoadArguments {
    /// Load the system that this site file describes, with its users, instead of a gateway of its own.
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Clients, half of them WV and half SIP where there are both.
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    sessions: u16,
    /// Messages in a second, of all clients together.
    #[arg(long, value_name = "PER SECOND", default_value_t = 100.0)]
    rate: f64,
    /// For how long.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// The version of CSP that the WV clients speak.
    #[arg(long, value_enum, default_value_t = CspVersion::V1_2)]
    csp: CspVersion,
    /// Their encoding.
    #[arg(long, value_enum, default_value_t = Encoding::Wbxml)]
    encoding: Encoding,
    /// How often each WV client polls: what arrives there waits for it.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    poll_ms: u64,
    /// How long to wait at the end for what is under way.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u32,
    /// Write the latencies as a picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[allow(clippy::disallowed_methods, reason = "how far it is is told")]
pub(super) fn run(arguments: &LoadArguments, output: Output) -> Result<ExitCode, CliError> {
    if !(arguments.rate.is_finite() && arguments.rate > 0.0) {
        return Err(CliError::Input("--rate is a number above 0"));
    }
    let (plan, system, gateway) = match &arguments.target {
        None => own(arguments)?,
        Some(path) => (at_site(arguments, read_site(path)?)?, None, None),
    };
    let mut progress = Progress::new(usize::try_from(arguments.seconds).unwrap_or(1), std::time::Instant::now());
    let report = load::run(&plan, |over| progress.set(usize::try_from(over.as_secs()).unwrap_or_default()));
    progress.clear();
    drop(gateway);
    let report = report?;
    if let Some(path) = &arguments.svg {
        fs::write(path, load::draw(&report)).map_err(|source| CliError::File { path: path.clone(), source })?;
    }
    let wanted = json!({
        "wv": plan.wv.len(),
        "sip": plan.sip.len(),
        "rate": plan.rate,
        "seconds": plan.duration.as_secs(),
        "csp": plan.csp,
        "encoding": plan.encoding,
        "poll_ms": plan.poll_ms,
    });
    output.print(&report, &json!({ "system": system, "wanted": wanted, "report": report }));
    Ok(output::verdict(report.is_clean()))
}

type Started = (LoadPlan, Option<TestedSystem>, Option<GatewayProcess>);

/// A gateway with as many users as there are sessions.
fn own(arguments: &LoadArguments) -> Result<Started, CliError> {
    let (wv, sip) = (usize::from(arguments.sessions) / 2, usize::from(arguments.sessions).div_ceil(2));
    let phone = RoleKind::WvClient { csp: String::new(), encoding: String::new() };
    let agent = RoleKind::SipAgent { transport: SipTransport::Udp };
    let role = |kind: &RoleKind| Role { name: "L".to_owned(), kind: kind.clone(), shares_user_of: None };
    let roles: Vec<Role> =
        std::iter::repeat_n(role(&phone), wv).chain(std::iter::repeat_n(role(&agent), sip)).collect();
    let pool = Pool::own(&roles)?;
    let gateway = GatewayProcess::start(&std::env::current_exe()?, &pool.configuration(), &[])?;
    let everybody: Vec<Identity> = roles
        .iter()
        .map(|role| pool.give(role).map(|(identity, _)| identity))
        .collect::<Result<_, _>>()
        .map_err(std::io::Error::other)?;
    let (wv, sip) = everybody.split_at(wv);
    let plan = plan(arguments, (wv.to_vec(), gateway.csp_url()), (sip.to_vec(), gateway.sip().to_string()));
    Ok((plan, Some(own_system()), Some(gateway)))
}

fn at_site(arguments: &LoadArguments, site: Site) -> Result<LoadPlan, CliError> {
    let identities = |scheme: &str, server: &Option<String>| -> Vec<Identity> {
        let bare = |user: &SiteUser| user.user.strip_prefix(scheme).unwrap_or_default().to_owned();
        let users = site.users(scheme).filter(|_| server.is_some());
        users.map(|user| Identity { address: bare(user), password: user.password.clone() }).collect()
    };
    let (mut wv, mut sip) = (identities("wv:", &site.system.csp), identities("sip:", &site.system.sip));
    let sessions = usize::from(arguments.sessions);
    let half = if wv.is_empty() || sip.is_empty() { sessions } else { sessions.div_ceil(2) };
    if wv.len() + sip.len() < 2 {
        return Err(CliError::Input("the site names fewer than two users whom the system serves"));
    }
    wv.truncate(half);
    sip.truncate(half);
    let server = |server: &Option<String>| server.clone().unwrap_or_default();
    Ok(plan(arguments, (wv, server(&site.system.csp)), (sip, server(&site.system.sip))))
}

fn plan(arguments: &LoadArguments, wv: (Vec<Identity>, String), sip: (Vec<Identity>, String)) -> LoadPlan {
    LoadPlan {
        wv: wv.0,
        csp_url: wv.1,
        sip: sip.0,
        sip_address: sip.1,
        csp: arguments.csp.as_str().to_owned(),
        encoding: arguments.encoding.as_str().to_owned(),
        rate: arguments.rate,
        duration: Duration::from_secs(u64::from(arguments.seconds)),
        poll_ms: arguments.poll_ms,
        patience: Duration::from_secs(u64::from(arguments.wait)),
    }
}
