//! `lab`: the laboratory of interworking.

mod load;
mod progress;
mod record;
mod report;

use super::{
    CliError,
    hook::{CspVersion, Encoding},
    output::Output,
};
use crate::lab::{
    campaign::{self, Manner},
    catalogue::{Catalogue, Entry, Selection},
    result::{self, FORM, Judgement, LabResult, Performance, TestedSystem},
    scenario::run::Patience,
    site::Site,
    venue::Venue,
};
use clap::{Args, Subcommand};
use progress::Progress;
use report::ReportFiles;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// What the laboratory does.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Tell which scenarios there are, what they show, and for which versions.
    List {
        #[command(flatten)]
        wanted: SelectionArguments,
    },
    /// Perform scenarios, against a gateway that is started for it or against a site. The exit code is the verdict: 0
    /// pass, 1 fail, 3 inconclusive.
    Run(RunArguments),
    /// Generate load: messages at a rate that waits for nobody; latencies as table and picture. The exit code is the
    /// verdict: 0 when every message was answered and arrived.
    Load(load::LoadArguments),
    /// Turn what passed a running gateway into a scenario that `lab run --scenarios` performs: users become actors.
    Record(record::RecordArguments),
    /// Make reports of a result, and compare it with an earlier one. The exit code is the verdict of the result; of a
    /// comparison, 1 when anything passed before and does not any more.
    Report {
        /// What `lab run --result` wrote.
        result: PathBuf,
        /// An earlier result to compare with.
        before: Option<PathBuf>,
        #[command(flatten)]
        files: ReportFiles,
    },
}

/// Which scenarios are wanted.
#[derive(Clone, Debug, Args)]
pub(super) struct SelectionArguments {
    /// Only these: a case (IWF-MSG-INT-001), an area (MSG), a clause or rule ("RFC 3428", WV-PRS-03), the name of a
    /// scenario, or the beginning of one. May be repeated; commas separate.
    #[arg(long, value_name = "WORD", value_delimiter = ',')]
    select: Vec<String>,
    /// Only this version of CSP; may be repeated.
    #[arg(long, value_enum)]
    csp: Vec<CspVersion>,
    /// Only this encoding; may be repeated.
    #[arg(long, value_enum)]
    encoding: Vec<Encoding>,
    /// Read the scenarios of this folder (and its scene/) instead of those in the program.
    #[arg(long, value_name = "DIR")]
    scenarios: Option<PathBuf>,
}

/// How scenarios are performed, and what is written about it.
#[derive(Clone, Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    wanted: SelectionArguments,
    /// Perform against the system that this site file describes (`init lab` writes one) instead of a gateway of its own.
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// Scenarios at a time; at a site it is one.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// How long to wait for what has to come, in percent of what the scenarios say.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    patience: u32,
    /// Write the result as JSON, for `lab report`.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,
    /// Write for each scenario what its actors sent and received, as a packet capture: NAME.pcapng. Not masked: it holds
    /// the passwords of the users. A page by --html holds the captures too.
    #[arg(long, value_name = "DIR")]
    captures: Option<PathBuf>,
    #[command(flatten)]
    files: ReportFiles,
}

pub(super) fn run(action: &Action, output: Output) -> Result<ExitCode, CliError> {
    match action {
        Action::List { wanted } => list(wanted, output),
        Action::Run(arguments) => perform(arguments, output),
        Action::Load(arguments) => load::run(arguments, output),
        Action::Record(arguments) => record::run(arguments, output),
        Action::Report { result, before, files } => report::run(result, before.as_deref(), files, output),
    }
}

fn list(wanted: &SelectionArguments, output: Output) -> Result<ExitCode, CliError> {
    let catalogue = wanted.catalogue()?;
    let entries = catalogue.select(&wanted.selection())?;
    let rows: Vec<serde_json::Value> = entries
        .iter()
        .map(|entry| {
            let Entry { name, scenario } = entry;
            json!({
                "scenario": name,
                "area": entry.area(),
                "title": scenario.title,
                "cases": scenario.cases,
                "source": scenario.clauses,
                "versions": scenario.variants.iter().map(ToString::to_string).collect::<Vec<String>>(),
                "sockets": entry.is_for_sockets(),
            })
        })
        .collect();
    let mut lines: Vec<String> = entries.iter().map(|entry| line(entry)).collect();
    lines.push(format!("{} scenarios", entries.len()));
    output.print(&lines.join("\n"), &json!(rows));
    Ok(ExitCode::SUCCESS)
}

fn line(entry: &Entry) -> String {
    let Entry { name, scenario } = entry;
    let mut versions: Vec<&str> = scenario.variants.iter().map(|variant| variant.csp.as_str()).collect();
    versions.dedup();
    let versions = if entry.speaks_csp() { format!("csp {}", versions.join(" ")) } else { "sip".to_owned() };
    let (cases, source) = (scenario.cases.join(" "), scenario.clauses.join("; "));
    let cases = if cases.is_empty() { String::new() } else { format!("{cases}  ") };
    format!("{name:<44} {:<5} {}\n    {cases}{versions}  {source}", entry.area(), scenario.title)
}

#[allow(clippy::disallowed_methods, reason = "when it was and how long it took is told")]
fn perform(arguments: &RunArguments, output: Output) -> Result<ExitCode, CliError> {
    let runs = arguments.wanted.catalogue()?.runs(&arguments.wanted.selection())?;
    let program = std::env::current_exe()?;
    let (venue, system) = match &arguments.target {
        None => (Venue::own(&program, &runs)?, own_system()),
        Some(path) => at_site(&program, path)?,
    };
    let (began, at) = (Instant::now(), now());
    let mut progress = Progress::new(runs.len(), began);
    let jobs = usize::from(arguments.jobs);
    let manner = Manner {
        patience: Patience(arguments.patience),
        captures: arguments.captures.is_some() || arguments.files.shows_captures(),
    };
    let mut performances = campaign::perform_all(&runs, &venue, manner, jobs, |performance| {
        progress.clear();
        if !output.is_json() {
            output.print(&told(performance), &serde_json::Value::Null);
        }
        progress.step();
    });
    progress.clear();
    if let Some(folder) = &arguments.captures {
        report::write_captures(folder, &mut performances)?;
    }
    let result = LabResult {
        form: FORM,
        tester: tester(),
        system,
        began: at,
        seconds: began.elapsed().as_secs(),
        selection: arguments.wanted.words(),
        performances,
    };
    if let Some(path) = &arguments.result {
        let text = serde_json::to_string_pretty(&result)?;
        fs::write(path, text).map_err(|source| CliError::File { path: path.clone(), source })?;
    }
    arguments.files.write(&result, None)?;
    let text = format!("{}\n{}: {}", result.system.name, result.verdict(), result.summary());
    output.print(&text, &serde_json::to_value(&result)?);
    Ok(verdict(result.verdict()))
}

/// The exit code of a verdict: 2 is for wrong usage.
fn verdict(verdict: Judgement) -> ExitCode {
    match verdict {
        Judgement::Pass => ExitCode::SUCCESS,
        Judgement::Fail => ExitCode::FAILURE,
        Judgement::Inconclusive | Judgement::NotApplicable => ExitCode::from(3),
    }
}

fn told(performance: &Performance) -> String {
    let Performance { name, verdict, reason, trouble, clauses, .. } = performance;
    let mut text = format!("{verdict:<14}  {name}  [{}]", clauses.join("; "));
    if let Some(reason) = reason {
        text.push_str(&format!(": {reason}"));
    }
    if let Some(trouble) = trouble {
        for line in trouble.to_string().lines() {
            text.push_str(&format!("\n    {}", printable(line)));
        }
    }
    text
}

/// What a peer sent must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{b7}' } else { c }).collect()
}

fn at_site(program: &Path, path: &Path) -> Result<(Venue, TestedSystem), CliError> {
    let site = read_site(path)?;
    let (name, csp, sip) = (site.system.name.clone(), site.system.csp.clone(), site.system.sip.clone());
    Ok((Venue::at(program, site), TestedSystem { name, csp, sip }))
}

fn read_site(path: &Path) -> Result<Site, CliError> {
    let text = fs::read_to_string(path).map_err(|source| CliError::File { path: path.to_owned(), source })?;
    Site::parse(&text).map_err(|source| CliError::Site { path: path.to_owned(), source })
}

fn own_system() -> TestedSystem {
    TestedSystem { name: tester(), csp: None, sip: None }
}

fn tester() -> String {
    concat!("wv-simple-gateway ", env!("CARGO_PKG_VERSION")).to_owned()
}

#[allow(clippy::disallowed_methods, reason = "when it was is told")]
fn now() -> String {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_millis()).unwrap_or_default();
    result::date(u64::try_from(millis).unwrap_or_default())
}

impl SelectionArguments {
    fn catalogue(&self) -> Result<Catalogue, CliError> {
        Ok(match &self.scenarios {
            None => Catalogue::embedded()?,
            Some(folder) => Catalogue::of_folder(folder, Path::new(""))?,
        })
    }

    fn selection(&self) -> Selection {
        Selection {
            words: self.select.clone(),
            versions: self.csp.iter().map(|version| version.as_str().to_owned()).collect(),
            encodings: self.encoding.iter().map(|encoding| encoding.as_str().to_owned()).collect(),
        }
    }

    /// What was asked for, for the reports.
    fn words(&self) -> Vec<String> {
        let Selection { words, versions, encodings } = self.selection();
        let versions = versions.into_iter().map(|version| format!("csp {version}"));
        words.into_iter().chain(versions).chain(encodings).collect()
    }
}
