//! The metrics: every one moves when what it counts happens, and dashboard and alerts name only those that exist.

use super::{Company, PATIENCE};
use acceptance::{
    http,
    phone::Phone,
    product::{self, Setup},
    repository, wait,
};
use gateway::peer::Puppet;
use std::{collections::BTreeSet, fs, net::UdpSocket};
use wv_proto::version::{Encoding, Version};

/// All names in the source of the metrics.
fn names() -> BTreeSet<String> {
    let source = fs::read_to_string(repository().join("gateway/src/observe/metric.rs")).unwrap();
    let of_line = |line: &str| Some(line.strip_prefix("const ")?.split('"').nth(1)?.to_owned());
    source.lines().filter_map(of_line).filter(|name| name.starts_with("gateway_")).collect()
}

#[test]
fn every_metric_moves() {
    // Nobody listens at the collector, so what is sent to it is missed.
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = Setup::embedded().with(&format!("trace.hep=udp:{nobody}")).start();
    let mut company = Company::arrive(&gateway);
    company.talk();
    company.alice.watch("wv:carol@wv.example");
    // A client that is known for its ways.
    let mut razr = Phone::with_client(gateway.csp(), "wv:carol@wv.example", RAZR, Version::V1_1, Encoding::Wbxml);
    razr.log_in().unwrap();
    // What cannot be read, and a phone that sleeps until it is woken.
    company.alice.post_raw("application/vnd.wv.csp.wbxml", b"\x03\x11\x6a\xff\xff").unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let url = gateway.csp_uri();
        let arguments =
            ["--url", &url, "--user", "wv:alice@wv.example", "--password", "secret", "--client-id", "sleeper"];
        let mut sleeper = Puppet::wv(product::program(), arguments).unwrap();
        sleeper.ask("login", "logged_in", |_| true, wait::PATIENCE).await.unwrap();
        assert_eq!(company.bob.send("sip:alice@wv.example", "wake up"), Ok(200));
        sleeper.expect("message", |told| told["text"] == "wake up", wait::PATIENCE).await.unwrap();
    });
    // Each of these moves in a test of its own: below, and where what they count is tested.
    let never = [
        "gateway_panics_total",
        "gateway_shed_requests_total",
        "gateway_relays_refused_total",
        "gateway_charging_lost_total",
        "gateway_name_questions_total",
        "gateway_peer_up_count",
    ];
    for name in names().iter().filter(|name| !never.contains(&name.as_str())) {
        wait::until(name, PATIENCE, || (gateway.metric(name) > 0.0).then_some(()));
    }
    let described = http::get(([127, 0, 0, 1], gateway.ports().admin).into(), "/metrics").unwrap();
    let described = String::from_utf8(described.body).unwrap();
    let told = described.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next());
    let unknown: Vec<&str> = told.filter(|name| !names().contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in the source");
}

#[test]
fn what_is_shed_is_counted() {
    let gateway = Setup::embedded().with("limits.requests_per_s_per_source=1").start();
    let phone = Phone::new(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Xml);
    wait::until("an answer 503", PATIENCE, || {
        let answer = phone.post_raw("application/vnd.wv.csp.xml", b"x").ok()?;
        (answer.status == 503).then_some(())
    });
    assert!(gateway.metric("gateway_shed_requests_total{side=\"wv\",reason=\"requests\"}") >= 1.0);
}

#[test]
fn dashboard_and_alerts_name_metrics_that_exist() {
    let folder = repository().join("deploy/observability");
    let dashboard = fs::read_to_string(folder.join("grafana.json")).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() >= 8);
    let alerts = fs::read_to_string(folder.join("alerts.yml")).unwrap();
    for (file, text) in [("grafana.json", &dashboard), ("alerts.yml", &alerts)] {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let used: BTreeSet<&str> = words.filter(|word| word.starts_with("gateway_")).collect();
        assert!(used.len() >= 4, "{file}: {used:?}");
        for name in used {
            let plain = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let is_known = names().contains(name) || plain.is_some_and(|name| names().contains(name));
            assert!(is_known, "{file} names {name}, which does not exist");
        }
    }
}

const RAZR: &str = "razr-v3-lab";
