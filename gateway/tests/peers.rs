//! The scripted peers against the gateway, each in a process of its own; and the demonstration as a person runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use gateway::{
    app::{self, Ports, Running, StartOptions},
    config::{Configuration, Sources, value::SipTransport},
    peer::Puppet,
    store::TemporaryFolder,
};
use serde_json::Value;
use std::{path::Path, process::Command, time::Duration};

const PROGRAM: &str = env!("CARGO_BIN_EXE_wv-simple-gateway");
const PATIENCE: Duration = Duration::from_secs(20);

fn start(folder: &TemporaryFolder) -> Running {
    let sources = Sources::embedded().with_flag("store.kind", "memory").with_flag("authorization.default", "allow");
    let configuration = Configuration::read(&sources).unwrap();
    let data_dir = Some(folder.path().to_owned());
    app::start(configuration, StartOptions { ports: Ports::Free, data_dir, ..StartOptions::default() }).unwrap()
}

fn phone(gateway: &Running, more: &[&str]) -> Puppet {
    let url = gateway.csp_url.clone().unwrap();
    Puppet::wv(Path::new(PROGRAM), [&["--url", &url, "--poll-ms", "50"], more].concat()).unwrap()
}

fn user_agent(gateway: &Running, transport: SipTransport, more: &[&str]) -> Puppet {
    let (_, address) = gateway.sip.iter().find(|(known, _)| *known == transport).unwrap();
    let server = format!("{}:{address}", transport.as_str());
    Puppet::sip(Path::new(PROGRAM), [&["--server", &server], more].concat()).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn answered(to: &'static str, code: u16) -> impl Fn(&Value) -> bool {
    move |told| told["to"] == to && told["code"] == code
}

#[test]
fn messages_and_presence_pass_over_connections_too() {
    let folder = TemporaryFolder::create().unwrap();
    let gateway = start(&folder);
    run(async {
        let mut alice = phone(&gateway, &["--two-way", "--csp", "1.1", "--encoding", "xml"]);
        let mut bob = user_agent(&gateway, SipTransport::Tcp, &[]);
        bob.expect("registered", |_| true, PATIENCE).await.unwrap();
        alice.ask("login", "logged_in", |_| true, PATIENCE).await.unwrap();
        bob.ask("publish busy in a meeting", "published", |_| true, PATIENCE).await.unwrap();
        alice.command("watch bob@sip.example").await.unwrap();
        let discreet = |told: &Value| told["of"] == "bob@sip.example" && told["availability"] == "DISCREET";
        alice.expect("presence", discreet, PATIENCE).await.unwrap();
        alice.ask("get sip:bob@sip.example", "answer", answered("GetPresence-Request", 200), PATIENCE).await.unwrap();
        alice.expect("presence", |told| told["how"] == "fetched", PATIENCE).await.unwrap();
        let text = "long ".repeat(400);
        alice.command(&format!("send bob@sip.example {text}")).await.unwrap();
        alice.expect("answer", answered("SendMessage-Request", 200), PATIENCE).await.unwrap();
        bob.expect("message", |told| told["text"] == text.trim(), PATIENCE).await.unwrap();
        bob.ask("unregister", "unregistered", |_| true, PATIENCE).await.unwrap();
        assert!(alice.quit(PATIENCE).await.unwrap().success());
        assert!(bob.quit(PATIENCE).await.unwrap().success());
    });
    assert!(gateway.stop().is_orderly());
}

#[test]
fn a_message_waits_for_its_acknowledgement_and_refusals_are_told() {
    let folder = TemporaryFolder::create().unwrap();
    let gateway = start(&folder);
    run(async {
        let mut alice = phone(&gateway, &[]);
        let mut bob = user_agent(&gateway, SipTransport::Udp, &[]);
        bob.expect("registered", |_| true, PATIENCE).await.unwrap();
        alice.ask("login", "logged_in", |_| true, PATIENCE).await.unwrap();
        alice.command("manual-ack on").await.unwrap();
        bob.command("send alice@wv.example are you there?").await.unwrap();
        let message = alice.expect("message", |_| true, PATIENCE).await.unwrap();
        let id = message["message_id"].as_str().unwrap();
        alice.ask("ack none", "error", |_| true, PATIENCE).await.unwrap();
        let acknowledged = |told: &Value| told["message_id"] == id;
        alice.ask(&format!("ack {id}"), "acknowledged", acknowledged, PATIENCE).await.unwrap();
        bob.command("answer 486").await.unwrap();
        bob.command("answer 99").await.unwrap();
        bob.expect("error", |_| true, PATIENCE).await.unwrap();
        let refused = |told: &Value| told["to"] == "SendMessage-Request" && told["code"] != 200;
        alice.ask("send bob@sip.example yes", "answer", refused, PATIENCE).await.unwrap();
        bob.expect("message", |told| told["answered"] == 486, PATIENCE).await.unwrap();
        alice.ask("logout", "disconnected", |told| told["code"] == 200, PATIENCE).await.unwrap();
        alice.ask("lists", "error", |told| told["reason"] == "not logged in", PATIENCE).await.unwrap();
    });
    assert!(gateway.stop().is_orderly());
}

#[test]
fn wrong_passwords_are_told() {
    let folder = TemporaryFolder::create().unwrap();
    let gateway = start(&folder);
    run(async {
        let mut alice = phone(&gateway, &["--password", "wrong"]);
        let mut bob = user_agent(&gateway, SipTransport::Udp, &["--password", "wrong"]);
        alice.ask("login", "login_failed", |told| told["code"] == 409, PATIENCE).await.unwrap();
        bob.expect("answer", |told| told["to"] == "REGISTER", PATIENCE).await.unwrap();
    });
    assert!(gateway.stop().is_orderly());
}

#[test]
fn the_demonstration_is_complete() {
    let output = Command::new(PROGRAM).args(["demo", "--once", "--json"]).output().unwrap();
    let last = output.stdout.split(|octet| *octet == b'\n').rfind(|line| !line.is_empty()).unwrap();
    let last: Value = serde_json::from_slice(last).unwrap();
    assert!(output.status.success() && last["complete"] == true, "{last}");
}
