//! `lab record`.

use super::{CliError, Output};
use crate::{
    admin::{AdminClient, client::Next},
    cli::{ConfigurationArguments, block_on},
    lab::record::Recorder,
    shutdown::Signals,
};
use clap::Args;
use serde_json::json;
use std::{fs, io::BufRead as _, path::PathBuf, process::ExitCode};

/// Where the traffic comes from, and where the scenario goes.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct RecordArguments {
    /// The scenario to write; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read what `trace --export json` wrote instead of asking the running process until interrupted; - is standard input.
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
    /// The sentence that the scenario begins with.
    #[arg(long, default_value = "What was recorded")]
    title: String,
    #[command(flatten)]
    source: ConfigurationArguments,
}

pub(super) fn run(arguments: &RecordArguments, output: Output) -> Result<ExitCode, CliError> {
    let mut recorder = Recorder::default();
    match &arguments.read {
        Some(path) if path.as_os_str() == "-" => {
            for line in std::io::stdin().lock().lines() {
                recorder.take(&line?);
            }
        }
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|source| CliError::File { path: path.clone(), source })?;
            text.lines().for_each(|line| recorder.take(line));
        }
        None => listen(arguments, &mut recorder)?,
    }
    let scenario = recorder.finish(&arguments.title)?;
    match &arguments.out {
        Some(path) => {
            fs::write(path, &scenario.text).map_err(|source| CliError::File { path: path.clone(), source })?;
            let text = format!("{}: {} actors, {} directions", path.display(), scenario.actors, scenario.directions);
            output.print(&text, &json!({ "actors": scenario.actors, "directions": scenario.directions }));
        }
        None => output.print(&scenario.text, &json!({ "scenario": scenario.text })),
    }
    Ok(ExitCode::SUCCESS)
}

fn listen(arguments: &RecordArguments, recorder: &mut Recorder) -> Result<(), CliError> {
    let client = AdminClient::open(&arguments.source.read()?.node.data_dir)?;
    block_on(async {
        let mut signals = Signals::listen()?;
        let stream = client.stream("/api/v1/trace?original=true", |line| {
            recorder.take(line);
            Next::Line
        });
        tokio::select! {
            result = stream => Ok(result?),
            () = signals.next() => Ok(()),
        }
    })
}
