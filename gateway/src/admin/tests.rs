use super::*;
use crate::{
    account::{AccountRegistry, SealKey},
    config::{Configuration, Sources},
    observe::{Direction, Tap, TraceRecord, metric},
    shutdown::{Ending, Shutdown},
    store::{DataFolder, OpenStore, TemporaryFolder},
};
use hyper::Method;
use mapping::{correlation::Correlation, side::Side, time::Timestamp};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

struct Bench {
    folder: TemporaryFolder,
    shutdown: Shutdown,
    server: AdminServer,
    requests: mpsc::Receiver<AdminRequest>,
    tap: Tap,
    store: OpenStore,
}

fn bench() -> Bench {
    let folder = TemporaryFolder::create().unwrap();
    let sources = Sources::embedded().with_flag("admin.listen", "127.0.0.1:0");
    let configuration = Configuration::read(&sources).unwrap();
    let opening = OpenStore::open_offline(DataFolder::open(folder.path()).unwrap()).unwrap();
    let key = SealKey::open(folder.path()).unwrap();
    let domains = configuration.domain_table();
    let client = opening.store.client();
    let accounts = AccountRegistry::open(&opening.accounts, &configuration.accounts, key, client, domains).unwrap();
    let (sender, requests) = mpsc::channel(1);
    let mut shutdown = Shutdown::new();
    let (_, metrics) = metric::recorder();
    let tap = Tap::default();
    let parts = AdminParts {
        accounts: Arc::new(accounts),
        requests: sender,
        metrics,
        tap: tap.clone(),
        member: shutdown.member("admin"),
        readiness: crate::observe::Readiness::default(),
    };
    let server = AdminServer::start(&configuration, folder.path(), parts).unwrap();
    Bench { folder, shutdown, server, requests, tap, store: opening.store }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn status_of(result: Result<serde_json::Value, ClientError>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(ClientError::Refused { status, .. }) => status,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn readiness_follows_the_life_of_the_process() {
    let bench = bench();
    run(async {
        let client = AdminClient::open(bench.folder.path()).unwrap();
        assert_eq!(status_of(client.call(Method::GET, "/ready", None).await), 503);
        bench.shutdown.start();
        let ready = client.call(Method::GET, "/ready", None).await;
        assert!(matches!(ready, Err(ClientError::Answer(_))), "200, but no JSON");
        let status = client.call(Method::GET, "/api/v1/status", None).await.unwrap();
        assert_eq!((&status["phase"], &status["accounts"]), (&json!("running"), &json!(4)));
        assert_eq!(bench.shutdown.finish(Duration::from_secs(5)).await, Ending::Orderly);
    });
    bench.server.join();
    assert!(matches!(AdminClient::open(bench.folder.path()), Err(ClientError::NotRunning(_))));
    bench.store.close();
}

#[test]
fn the_api_needs_the_token() {
    let bench = bench();
    let right = std::fs::read_to_string(bench.folder.path().join("admin.token")).unwrap();
    assert_eq!(right.len(), 64);
    std::fs::write(bench.folder.path().join("admin.token"), "0".repeat(64)).unwrap();
    run(async {
        let client = AdminClient::open(bench.folder.path()).unwrap();
        for path in ["/api/v1/status", "/api/v1/accounts", "/api/v1/show/sessions", "/api/v1/trace"] {
            assert_eq!(status_of(client.call(Method::GET, path, None).await), 401, "{path}");
        }
        let live = client.call(Method::GET, "/live", None).await;
        assert!(matches!(live, Err(ClientError::Answer(_))), "open to all, but no JSON");
    });
}

#[test]
fn accounts_come_and_go_over_the_api() {
    let bench = bench();
    run(async {
        let client = AdminClient::open(bench.folder.path()).unwrap();
        let wanted = json!({ "accounts": [
            { "user": "wv:eve@wv.example", "password": "x" },
            { "user": "eve", "password": "x" },
            { "user": "sip:bob@sip.example", "password": "x" },
        ] });
        let answer = client.call(Method::POST, "/api/v1/accounts", Some(&wanted)).await.unwrap();
        assert_eq!(answer["added"], 1);
        assert_eq!(answer["refused"].as_array().unwrap().len(), 2);
        let list = client.call(Method::GET, "/api/v1/accounts", None).await.unwrap();
        let eve = json!({ "user": "wv:eve@wv.example", "origin": "store", "digest": true });
        assert!(list["accounts"].as_array().unwrap().contains(&eve));
        let path = format!("/api/v1/accounts/{}", client::escape("wv:eve@wv.example"));
        let password = json!({ "password": "y", "digest": false });
        client.call(Method::PUT, &format!("{path}/password"), Some(&password)).await.unwrap();
        client.call(Method::DELETE, &path, None).await.unwrap();
        assert_eq!(status_of(client.call(Method::DELETE, &path, None).await), 404);
        let alice = "/api/v1/accounts/wv:alice@wv.example";
        assert_eq!(status_of(client.call(Method::DELETE, alice, None).await), 409);
    });
}

#[test]
fn questions_reach_the_process_and_a_full_queue_says_so() {
    let Bench { folder, mut requests, shutdown: _shutdown, .. } = bench();
    run(async {
        let client = AdminClient::open(folder.path()).unwrap();
        let mut table = Table::new(&["user", "state"]);
        table.rows.push(vec!["wv:alice@wv.example".to_owned(), "open".to_owned()]);
        let serve = async {
            let request = requests.recv().await.unwrap();
            assert_eq!(request.kind, AdminRequestKind::Show(ShowTopic::Sessions));
            // While this one waits, the next fills the queue of one, and the third finds it full.
            let (second, third) = (client.call(Method::POST, "/api/v1/reload", None), async {
                while requests.is_empty() {
                    tokio::task::yield_now().await;
                }
                assert_eq!(status_of(client.call(Method::POST, "/api/v1/drain", None).await), 503);
                let waiting = requests.recv().await.unwrap();
                waiting.reply.send(Err(AdminRefusal::NotAvailable("reload"))).unwrap();
            });
            let (second, ()) = tokio::join!(second, third);
            assert_eq!(status_of(second), 501);
            request.reply.send(Ok(AdminReply::Table(table.clone()))).unwrap();
        };
        let (shown, ()) = tokio::join!(client.call(Method::GET, "/api/v1/show/sessions", None), serve);
        let shown: AdminReply = serde_json::from_value(shown.unwrap()).unwrap();
        assert_eq!(shown, AdminReply::Table(table.clone()));
        assert_eq!(table.to_string(), "user                 state\nwv:alice@wv.example  open\n");
        let explain = "/api/v1/explain?watcher=wv:a@wv.example&presentity=b";
        assert_eq!(status_of(client.call(Method::GET, explain, None).await), 400);
        assert_eq!(status_of(client.call(Method::GET, "/api/v1/show/nothing", None).await), 404);
    });
}

#[test]
fn the_trace_streams_what_concerns_the_user() {
    let bench = bench();
    let record = |peer: &str| TraceRecord {
        at: Timestamp::from_millis(1),
        correlation: Correlation::new(1),
        side: Side::Wv,
        direction: Direction::In,
        peer: peer.to_owned(),
        title: "Login-Request".to_owned(),
        detail: None,
        wire: None,
    };
    let tap = bench.tap.clone();
    let feed = std::thread::spawn(move || {
        while !tap.is_watched() {
            std::thread::yield_now();
        }
        tap.record(|| record("wv:carol@wv.example"));
        tap.record(|| record("wv:alice@wv.example"));
    });
    run(async {
        let client = AdminClient::open(bench.folder.path()).unwrap();
        let mut lines = Vec::new();
        let read = client.stream("/api/v1/trace?user=alice", |line| {
            lines.push(line.to_owned());
            client::Next::Stop
        });
        read.await.unwrap();
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["peer"], "wv:alice@wv.example");
    });
    feed.join().unwrap();
}

#[test]
fn the_description_names_every_path() {
    let description: serde_json::Value = serde_json::from_str(api::OPENAPI).unwrap();
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    let source = include_str!("api.rs");
    let routes: Vec<&str> = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")).collect();
    assert_eq!(paths.len(), routes.len());
    for route in routes {
        let path = format!("/api/v1{}", route.split('"').next().unwrap());
        assert!(paths.contains(&&path), "{path} is not described");
    }
}
