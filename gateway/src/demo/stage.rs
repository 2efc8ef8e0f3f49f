//! What the demonstration shows: the ladder of both protocols as it happens, and the steps.

use super::gateway::DemoGateway;
use crate::observe::{
    Direction, Tap, TraceRecord,
    ladder::Ladder,
    trace::{Seen, Watch},
};
use mapping::side::Side;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    sync::Arc,
};
use tokio::task::JoinHandle;

/// Where everything is printed.
#[derive(Debug)]
pub(super) struct Stage {
    is_json: bool,
    painter: JoinHandle<()>,
}

impl Stage {
    /// Begins to draw the ladder.
    pub(super) fn open(is_json: bool, tap: &Tap) -> io::Result<Self> {
        let painter = tokio::spawn(paint(tap.watch(), is_json));
        Ok(Self { is_json, painter })
    }

    /// Tells where the gateway is.
    pub(super) fn announce(&self, gateway: &DemoGateway) -> io::Result<()> {
        let DemoGateway { csp_url, sip_address, admin_url, .. } = gateway;
        let text = format!("gateway  CSP {csp_url}  SIP {sip_address}\nconsole  {admin_url}\n");
        let sip = sip_address.to_string();
        self.print(&text, &json!({ "gateway": { "csp": csp_url, "sip": sip, "admin": admin_url } }))
    }

    /// Tells that a step was reported by the far end.
    pub(super) async fn step(&self, number: usize, title: &str, told: &Value) -> io::Result<()> {
        // The arrows of the step come first where they are there already.
        tokio::task::yield_now().await;
        let text = format!("ok {number:2}  {title}  {}", summary(told));
        self.print(&text, &json!({ "ok": true, "step": number, "title": title, "told": told }))
    }

    /// Tells that the story is over.
    pub(super) fn conclude(&self, steps: usize) -> io::Result<()> {
        let text = format!("\nall {steps} steps were reported by the far end");
        self.print(&text, &json!({ "complete": true, "steps": steps }))
    }

    /// Tells how to join with other clients.
    pub(super) fn invite(&self, gateway: &DemoGateway) -> io::Result<()> {
        let DemoGateway { csp_url, sip_address, admin_url, .. } = gateway;
        let text = format!(
            "\nThe gateway stays up. Join in:\n\
             \x20 WV phone        server {csp_url}, users wv:alice@wv.example, wv:carol@wv.example, password secret\n\
             \x20 SIP user agent  server {sip_address} (UDP or TCP), users sip:bob@sip.example, sip:dave@sip.example, \
             password secret\n\
             \x20 or by hand      wv-simple-gateway peer wv --url {csp_url} --user wv:carol@wv.example\n\
             \x20                 wv-simple-gateway peer sip --server {sip_address} --user sip:dave@sip.example\n\
             \x20 console         {admin_url}\n\
             Ctrl-C ends it."
        );
        self.print(&text, &json!({ "stays": true }))
    }

    fn print(&self, text: &str, json: &Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.is_json { writeln!(out, "{json}") } else { writeln!(out, "{text}") }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.painter.abort();
    }
}

async fn paint(mut watch: Watch, is_json: bool) {
    let mut ladder = Ladder::default();
    // A poll is drawn when something came of it: most bring nothing and would hide the story.
    let mut poll: Option<Arc<TraceRecord>> = None;
    loop {
        let lines = match watch.next().await {
            Seen::Record(record) if is_json => vec![json!({ "trace": *record }).to_string()],
            Seen::Record(record) if record.is_empty() => continue,
            Seen::Record(record) if record.title == "Polling-Request" => {
                poll = Some(record);
                continue;
            }
            Seen::Record(record) if record.side == Side::Simple => ladder.draw(&record),
            Seen::Record(record) => {
                let fruitful = poll.take().filter(|_| record.direction == Direction::Out);
                fruitful.iter().chain([&record]).flat_map(|record| ladder.draw(record)).collect()
            }
            Seen::Missed(missed) if is_json => vec![json!({ "missed": missed }).to_string()],
            Seen::Missed(missed) => vec![ladder.remark(&format!("{missed} messages are not shown"))],
            Seen::End => return,
        };
        let mut out = io::stdout().lock();
        for line in lines {
            if writeln!(out, "{line}").is_err() {
                return;
            }
        }
    }
}

/// The fields of an event that a person wants to see.
fn summary(told: &Value) -> String {
    const SHOWN: &[&str] =
        &["from", "of", "watcher", "state", "online", "basic", "availability", "text", "note", "code", "message_id"];
    let field = |name: &&str| {
        let value = told.get(name).filter(|value| !value.is_null())?;
        Some(format!("{name}={value}"))
    };
    let event = told.get("event").and_then(Value::as_str).unwrap_or_default();
    let fields: Vec<String> = SHOWN.iter().filter_map(field).collect();
    format!("[{event} {}]", fields.join(" ")).replace(" ]", "]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_shows_what_the_far_end_told() {
        let told = json!({ "event": "message", "from": "alice@wv.example", "text": "hi \u{1b}", "note": null });
        assert_eq!(summary(&told), r#"[message from="alice@wv.example" text="hi \u001b"]"#);
        assert_eq!(summary(&json!({ "event": "registered" })), "[registered]");
    }
}
