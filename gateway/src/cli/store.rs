//! `store`: a copy of the embedded store while the gateway runs, and its way back.

use super::{CliError, block_on, output::Output};
use crate::{
    admin::AdminClient,
    config::{Configuration, section::StoreKind},
    store::{DataFolder, StoreError, copy},
};
use clap::Subcommand;
use hyper::Method;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

/// What to do with the store.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Copy the embedded store and its key into a new folder, also while the gateway runs: what was acknowledged before
    /// the command began is in the copy.
    Backup {
        /// The folder; it must not hold a copy yet.
        dir: PathBuf,
    },
    /// Put a copy made by `store backup` in the place of the embedded store. A running gateway goes on with it: all
    /// sessions and dialogs are those of the copy, whoever waits for an answer is refused.
    Restore {
        /// The folder of the copy.
        dir: PathBuf,
    },
}

pub(super) fn run(action: &Action, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    if configuration.store != StoreKind::Embedded {
        return Err(CliError::Input("store.kind is not \"embedded\": there is no file to copy"));
    }
    let data = &configuration.node.data_dir;
    match action {
        Action::Backup { dir } => {
            let octets = copy::backup(data, dir)?;
            output.print(&format!("{octets} octets in {}", dir.display()), &json!({ "octets": octets, "folder": dir }));
        }
        Action::Restore { dir } => {
            match DataFolder::open(data) {
                Ok(folder) => copy::restore(&folder, dir)?,
                Err(StoreError::InUse { .. }) => {
                    copy::check(data, dir)?;
                    let dir = std::path::absolute(dir)?;
                    let client = AdminClient::open(data)?;
                    let body = json!({ "folder": dir });
                    block_on(async { Ok(client.call(Method::POST, "/api/v1/store/restore", Some(&body)).await?) })?;
                }
                Err(error) => return Err(error.into()),
            }
            output.print(&format!("restored from {}", dir.display()), &json!({ "restored": dir }));
        }
    }
    Ok(ExitCode::SUCCESS)
}
