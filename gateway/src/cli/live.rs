//! Commands that ask the running process.

use super::{CliError, block_on, output::Output};
use crate::{
    admin::{AdminClient, AdminReply, ShowTopic, client::escape},
    config::Configuration,
};
use hyper::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) fn show(topic: ShowTopic, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    ask(Method::GET, &format!("/api/v1/show/{}", topic.as_str()), None, configuration, output)
}

pub(super) fn explain(
    watcher: &str,
    presentity: &str,
    configuration: &Configuration,
    output: Output,
) -> Result<ExitCode, CliError> {
    let path = format!("/api/v1/explain?watcher={}&presentity={}", escape(watcher), escape(presentity));
    ask(Method::GET, &path, None, configuration, output)
}

pub(super) fn order(path: &str, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    ask(Method::POST, path, None, configuration, output)
}

pub(super) fn ask(
    method: Method,
    path: &str,
    body: Option<&Value>,
    configuration: &Configuration,
    output: Output,
) -> Result<ExitCode, CliError> {
    let client = AdminClient::open(&configuration.node.data_dir)?;
    let value = block_on(async { Ok(client.call(method, path, body).await?) })?;
    let reply: AdminReply = serde_json::from_value(value)?;
    print(&reply, output);
    Ok(ExitCode::SUCCESS)
}

fn print(reply: &AdminReply, output: Output) {
    match reply {
        AdminReply::Table(table) => {
            let rows: Vec<Value> = table
                .rows
                .iter()
                .map(|row| {
                    let cells = table.columns.iter().cloned().zip(row.iter().map(|cell| json!(cell)));
                    Value::Object(cells.collect())
                })
                .collect();
            output.print(table, &Value::Array(rows));
        }
        AdminReply::Steps(steps) => {
            let width = steps.iter().map(|step| step.what.chars().count()).max().unwrap_or_default();
            let lines: Vec<String> =
                steps.iter().map(|step| format!("{:<width$}  {}", step.what, step.result)).collect();
            output.print(&lines.join("\n"), &json!(steps));
        }
        AdminReply::Provisioned(_) | AdminReply::Provisions(_) => {
            // Asked for by `account` only, which prints them itself.
        }
        AdminReply::Done(sentence) => output.print(sentence, &json!({ "done": sentence })),
    }
}
