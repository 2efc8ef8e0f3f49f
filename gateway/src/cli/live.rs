//! Commands that ask the running process.

use super::{CliError, block_on, output::Output};
use crate::{
    admin::{
        AdminClient, AdminReply, ShowTopic,
        client::{Next, escape},
    },
    config::Configuration,
    observe::{TraceRecord, ladder::Ladder},
};
use hyper::Method;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) fn show(topic: ShowTopic, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    ask(Method::GET, &format!("/api/v1/show/{}", topic.as_str()), configuration, output)
}

pub(super) fn explain(
    watcher: &str,
    presentity: &str,
    configuration: &Configuration,
    output: Output,
) -> Result<ExitCode, CliError> {
    let path = format!("/api/v1/explain?watcher={}&presentity={}", escape(watcher), escape(presentity));
    ask(Method::GET, &path, configuration, output)
}

pub(super) fn order(path: &str, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    ask(Method::POST, path, configuration, output)
}

pub(super) fn trace(user: Option<&str>, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    let client = AdminClient::open(&configuration.node.data_dir)?;
    let path = match user {
        Some(user) => format!("/api/v1/trace?user={}", escape(user)),
        None => "/api/v1/trace".to_owned(),
    };
    let mut ladder = Ladder::default();
    block_on(async {
        let stream = client.stream(&path, |line| {
            let value = serde_json::from_str::<Value>(line).unwrap_or(Value::Null);
            for text in draw(&mut ladder, line) {
                output.print(&text, &value);
                if output.is_json() {
                    break;
                }
            }
            Next::Line
        });
        Ok(stream.await?)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The lines for one line of the stream, which is a record or a remark.
fn draw(ladder: &mut Ladder, line: &str) -> Vec<String> {
    if let Ok(record) = serde_json::from_str::<TraceRecord>(line) {
        return ladder.draw(&record);
    }
    let missed = serde_json::from_str::<Value>(line).ok().and_then(|value| value.get("missed").and_then(Value::as_u64));
    vec![ladder.remark(&missed.map_or_else(|| line.to_owned(), |count| format!("{count} messages are not shown")))]
}

fn ask(method: Method, path: &str, configuration: &Configuration, output: Output) -> Result<ExitCode, CliError> {
    let client = AdminClient::open(&configuration.node.data_dir)?;
    let value = block_on(async { Ok(client.call(method, path, None).await?) })?;
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
        AdminReply::Done(sentence) => output.print(sentence, &json!({ "done": sentence })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_records_is_drawn_as_a_ladder() {
        let mut ladder = Ladder::new(24);
        let line = r#"{"at":5,"correlation":"00000000000000ab","side":"simple","direction":"out","peer":"sip:b@d","title":"NOTIFY","detail":null}"#;
        let lines = draw(&mut ladder, line);
        assert!(lines.len() == 2 && lines[1].contains("-- NOTIFY") && lines[1].ends_with("00ab"), "{lines:?}");
        assert!(draw(&mut ladder, r#"{"missed":3}"#)[0].contains("3 messages are not shown"));
    }
}
