//! The command line as a person meets it: exit codes, and what is printed for people and for programs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use gateway::{
    account::{AccountRegistry, SealKey},
    admin::{AdminParts, AdminReply, AdminRequest, AdminServer, Table},
    config::{Configuration, Sources},
    observe::{Readiness, Tap, metric},
    shutdown::Shutdown,
    store::{DataFolder, OpenStore, TemporaryFolder},
};
use serde_json::Value;
use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wv-simple-gateway"));
    command.current_dir(folder).args(arguments).env_remove("WVSG_LOG");
    command
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn json(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let (code, out, _) = run(folder, &[arguments, &["--json"]].concat());
    (code, serde_json::from_str(&out).unwrap())
}

#[test]
fn a_new_configuration_is_written_checked_and_damaged() {
    let folder = TemporaryFolder::create().unwrap();
    let path = folder.path();
    assert_eq!(run(path, &["init", "access"]).0, 0);
    assert_eq!(run(path, &["init", "access"]).0, 1, "it is there already");
    assert_eq!(json(path, &["check-config", "gateway.toml"]), (0, serde_json::json!({ "ok": true, "problems": [] })));
    let text = std::fs::read_to_string(path.join("gateway.toml")).unwrap();
    let text = text.replace("route = \"access\"", "rout = \"access\"").replace("\"simple\"", "\"sip\"");
    std::fs::write(path.join("gateway.toml"), text).unwrap();
    let (code, out, _) = run(path, &["check-config", "gateway.toml"]);
    assert_eq!(code, 1);
    assert!(out.contains("domain[0].rout: there is no such key; did you mean \"route\"?"), "{out}");
    assert!(out.contains("\"sip\" is not allowed here") && out.contains("(allowed: wv, simple)"), "{out}");
    let (_, problems) = json(path, &["check-config", "gateway.toml"]);
    let first = &problems["problems"][0];
    assert!(first["line"].as_u64() > Some(1) && first["column"].as_u64() >= Some(1) && first["file"] == "gateway.toml");
    assert_eq!(run(path, &["check-config", "nothing.toml"]).0, 1);
    assert_eq!(run(path, &["chek-config", "gateway.toml"]).0, 2);
}

#[test]
fn accounts_are_kept_offline() {
    let folder = TemporaryFolder::create().unwrap();
    let path = folder.path();
    let mut add = command(path, &["account", "add", "wv:eve@wv.example"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"password of eve\n").unwrap();
    assert!(child.wait().unwrap().success());
    let (code, list) = json(path, &["account", "list"]);
    assert_eq!((code, list["accounts"].as_array().unwrap().len()), (0, 5));
    assert_eq!(run(path, &["account", "add", "wv:eve@wv.example", "--password", "x"]).0, 1);
    assert_eq!(run(path, &["account", "add", "sip:eve@wv.example", "--password", "x"]).0, 1);
    assert_eq!(run(path, &["account", "remove", "wv:eve@wv.example"]).0, 0);
    assert_eq!(run(path, &["account", "remove", "wv:alice@wv.example"]).0, 1, "it stands in the configuration");
    let (code, _, err) = run(path, &["show", "sessions"]);
    assert!(code == 1 && err.contains("no gateway is running on the folder data"), "{err}");
}

#[test]
fn a_trace_is_drawn_from_a_file() {
    let folder = TemporaryFolder::create().unwrap();
    let line = |side: &str, direction: &str, peer: &str, title: &str| {
        let correlation = "00000000000000ab";
        serde_json::json!({ "at": 1, "correlation": correlation, "side": side, "direction": direction,
            "peer": peer, "title": title, "detail": null })
        .to_string()
    };
    let lines = [
        line("wv", "in", "wv:alice@wv.example", "SendMessage-Request"),
        line("simple", "out", "sip:bob@sip.example", "MESSAGE"),
    ];
    std::fs::write(folder.path().join("t.json"), lines.join("\n")).unwrap();
    let (code, out, _) = run(folder.path(), &["trace", "--read", "t.json"]);
    assert!(code == 0 && out.contains("-- SendMessage-Request") && out.contains("-- MESSAGE"), "{out}");
    let (_, out, _) = run(folder.path(), &["trace", "--read", "t.json", "--user", "bob"]);
    assert!(!out.contains("SendMessage") && out.contains("MESSAGE"), "{out}");
    let (_, out, _) = run(folder.path(), &["trace", "--read", "t.json", "--export", "svg"]);
    assert!(out.starts_with("<svg") && out.contains("SendMessage-Request"), "{out}");
    let (_, again) = json(folder.path(), &["trace", "--read", "t.json", "--user", "alice"]);
    assert_eq!(again["title"], "SendMessage-Request");
    let capture = command(folder.path(), &["trace", "--read", "t.json", "--export", "pcapng"]).output().unwrap();
    assert!(capture.status.success() && capture.stdout.starts_with(b"\x0a\x0d\x0d\x0a"), "{capture:?}");
}

#[test]
fn the_running_process_is_reached_by_its_token() {
    let folder = TemporaryFolder::create().unwrap();
    let data = folder.path().join("data");
    let configuration = Configuration::read(&Sources::embedded().with_flag("admin.listen", "127.0.0.1:0")).unwrap();
    let opening = OpenStore::open_offline(DataFolder::open(&data).unwrap()).unwrap();
    let key = SealKey::open(&data).unwrap();
    let domains = configuration.domain_table();
    let client = opening.store.client();
    let accounts = AccountRegistry::open(&opening.accounts, &configuration.accounts, key, client, domains).unwrap();
    let (requests, mut asked) = mpsc::channel::<AdminRequest>(4);
    let mut shutdown = Shutdown::new();
    let accounts = Arc::new(accounts);
    let book = accounts.book();
    let member = shutdown.member("admin");
    let parts = AdminParts {
        accounts,
        requests,
        metrics: metric::recorder().1,
        tap: Tap::default(),
        member,
        readiness: Readiness::default(),
    };
    let server = AdminServer::start(&configuration, &data, parts).unwrap();
    shutdown.start();
    let answers = std::thread::spawn(move || {
        while let Some(request) = asked.blocking_recv() {
            let mut table = Table::new(&["user", "state"]);
            table.rows.push(vec!["wv:alice@wv.example".to_owned(), "open".to_owned()]);
            request.reply.send(Ok(AdminReply::Table(table))).unwrap();
        }
    });
    let (code, out, _) = run(folder.path(), &["show", "sessions"]);
    assert_eq!((code, out.as_str()), (0, "user                 state\nwv:alice@wv.example  open\n"));
    let (_, rows) = json(folder.path(), &["show", "dialogs"]);
    assert_eq!(rows, serde_json::json!([{ "user": "wv:alice@wv.example", "state": "open" }]));
    std::fs::write(folder.path().join("users.csv"), "wv:eve@wv.example,x\nwv:eve@nowhere.example,x\n").unwrap();
    let (code, report) = json(folder.path(), &["account", "import", "users.csv"]);
    assert_eq!((code, &report["added"], &report["refused"][0]["line"]), (1, &Value::from(1), &Value::from(2)));
    assert!(book.has(&mapping::address::Address::parse("eve@wv.example").unwrap()), "lanes see it at once");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(shutdown.finish(Duration::from_secs(5)));
    server.join();
    answers.join().unwrap();
    opening.store.close();
}
