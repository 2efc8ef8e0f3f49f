//! `account import FILE.jsonl`, `account export` and `account purge`: what belongs to users besides the account.

use super::{Door, Refusal, report};
use crate::{
    account::provision::{Provision, parse_user},
    admin::{AdminReply, Provisioned, client::escape},
    app,
    cli::{CliError, block_on, output::Output},
    config::Configuration,
    store::Snapshot,
};
use hyper::Method;
use serde_json::json;
use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

/// Takes over the lines of the file, in portions, and tells every line that was refused.
pub(super) fn import(
    door: &Door,
    configuration: &Configuration,
    file: &Path,
    output: Output,
) -> Result<ExitCode, CliError> {
    let text = fs::read_to_string(file).map_err(|source| CliError::File { path: file.to_owned(), source })?;
    let (mut refused, mut rows) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let number = index.saturating_add(1);
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match Provision::parse(line) {
            Ok(provision) => rows.push((number, provision)),
            Err(error) => refused.push(Refusal { line: Some(number), text: error.to_string() }),
        }
    }
    let (total, mut done, mut count) = (rows.len(), 0_usize, 0_usize);
    // Offline everything is kept in one commit.
    let portion_max = if matches!(door, Door::Running(_)) { PORTION } else { total.max(1) };
    for portion in rows.chunks(portion_max) {
        let lines = portion.iter().map(|(_, provision)| provision.clone()).collect();
        let provisioned = take_over(door, configuration, lines)?;
        count = count.saturating_add(provisioned.taken);
        for refusal in provisioned.refused {
            let line = portion.get(refusal.line).map(|(number, _)| *number);
            refused.push(Refusal { line, text: refusal.reason });
        }
        done = done.saturating_add(portion.len());
        output.progress_bar(done, total);
    }
    refused.sort_by_key(|refusal| refusal.line);
    Ok(report(&refused, count, output))
}

fn take_over(door: &Door, configuration: &Configuration, lines: Vec<Provision>) -> Result<Provisioned, CliError> {
    match door {
        Door::Running(client) => {
            let body = json!({ "properties": lines });
            let value = block_on(async { Ok(client.call(Method::POST, "/api/v1/properties", Some(&body)).await?) })?;
            match serde_json::from_value(value)? {
                AdminReply::Provisioned(provisioned) => Ok(provisioned),
                _ => Err(CliError::Input("the gateway answered something else")),
            }
        }
        Door::Offline { registry, store, snapshot } => {
            // The whole file goes in one portion, so that the snapshot is still what lies in the store.
            let snapshot = Snapshot { facts: snapshot.facts.clone(), ..Snapshot::default() };
            Ok(app::import_offline(configuration, store, snapshot, registry, &lines)?)
        }
    }
}

/// Writes what belongs to a user, or to all, as lines of JSON.
pub(super) fn export(
    door: &Door,
    configuration: &Configuration,
    user: Option<&str>,
    file: Option<&Path>,
    output: Output,
) -> Result<ExitCode, CliError> {
    let named = user.map(parse_user).transpose().map_err(|_| CliError::Input("that is no user"))?;
    let lines = match door {
        Door::Running(client) => {
            let query = user.map(|user| format!("?user={}", escape(user))).unwrap_or_default();
            let path = format!("/api/v1/properties{query}");
            match serde_json::from_value(block_on(async { Ok(client.call(Method::GET, &path, None).await?) })?)? {
                AdminReply::Provisions(lines) => lines,
                _ => return Err(CliError::Input("the gateway answered something else")),
            }
        }
        Door::Offline { registry, snapshot, .. } => {
            app::export_offline(configuration, registry, &snapshot.facts, named.as_ref())
        }
    };
    let mut text = String::new();
    for line in &lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    match file {
        Some(file) => {
            let failed = |source| CliError::File { path: file.to_owned(), source };
            fs::write(file, text).map_err(failed)?;
            output.print(
                &format!("{} lines in {}", lines.len(), file.display()),
                &json!({ "lines": lines.len(), "file": file }),
            );
        }
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends everything of a user but its account.
pub(super) fn purge(door: &Door, user: &str, output: Output) -> Result<ExitCode, CliError> {
    let Door::Running(client) = door else {
        return Err(CliError::Input("no gateway is running: what a user has under way can only be ended by one"));
    };
    let path = format!("/api/v1/accounts/{}/properties", escape(user));
    let value = block_on(async { Ok(client.call(Method::DELETE, &path, None).await?) })?;
    match serde_json::from_value(value)? {
        AdminReply::Done(sentence) => output.print(&sentence, &json!({ "purged": user })),
        _ => return Err(CliError::Input("the gateway answered something else")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines that go to the running gateway in one request.
const PORTION: usize = 500;
