//! What operators bill by: records, and a service that may refuse.

use crate::access::operator_service;
use acceptance::{
    agent::Agent,
    folder::Folder,
    phone::Phone,
    product::{Setup, configuration_with_pairs},
    wait,
};
use serde_json::Value;
use std::{path::Path, time::Duration};
use wv_proto::{
    primitive::Primitive,
    version::{Encoding, Version},
};

const W0: &str = "wv:w0@wv.example";
const S0: &str = "s0@sip.example";

/// The lines of one kind.
fn lines(file: &Path, kind: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["kind"] == kind).collect()
}

fn wait_for(file: &Path, kind: &str, count: usize) -> Vec<Value> {
    wait::until(kind, Duration::from_secs(10), || {
        let lines = lines(file, kind);
        (lines.len() >= count).then_some(lines)
    })
}

#[test]
fn each_message_report_and_session_leaves_a_line_that_survives_a_kill() {
    let folder = Folder::new("charging");
    let file = folder.file("charging.jsonl");
    let setting = format!("charging.file={}", file.display());
    let mut gateway = Setup::configured(&configuration_with_pairs()).with(&setting).start();
    let mut phone = Phone::logged_in(gateway.csp(), W0, Version::V1_2, Encoding::Wbxml);
    let mut agent = Agent::registered(gateway.sip(), S0);
    assert_eq!(phone.send(&["wv:s0@sip.example"], "hello", true).unwrap().result.code.number(), 200);
    agent.expect_text("hello");
    phone.expect("the report", |told| matches!(told, Primitive::DeliveryReportRequest(_)).then_some(()));
    assert_eq!(agent.send("sip:w0@wv.example", "and back").unwrap(), 200);
    phone.expect_text("and back");
    assert_eq!(phone.send(&["wv:nobody@sip.example"], "lost", false).unwrap().result.code.number(), 531);
    // Lines are written beside the path of messages; what is written is there after a kill.
    wait_for(&file, "message", 3);
    gateway.kill();

    let messages = lines(&file, "message");
    let seen: Vec<_> = messages
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (text("side"), text("sender"), line["recipients"][0].as_str().unwrap().to_owned(), text("outcome"))
        })
        .collect();
    let row = |side: &str, from: &str, to: &str, outcome: &str| (side.into(), from.into(), to.into(), outcome.into());
    assert_eq!(
        seen,
        [
            row("wv", "w0@wv.example", "s0@sip.example", "success"),
            row("simple", "s0@sip.example", "w0@wv.example", "success"),
            row("wv", "w0@wv.example", "nobody@sip.example", "unknown_user"),
        ]
    );
    assert_eq!((&messages[0]["octets"], &messages[0]["media_type"]), (&5.into(), &"text/plain".into()));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("hello"), "what was said is nobody's business");
    let reports = lines(&file, "report");
    assert_eq!((&reports[0]["message"], &reports[0]["outcome"]), (&messages[0]["message"], &"success".into()));

    gateway.start_again();
    let mut again = Phone::logged_in(gateway.csp(), W0, Version::V1_2, Encoding::Wbxml);
    again.ask(Primitive::LogoutRequest);
    let sessions = wait_for(&file, "session", 1);
    let last = sessions.last().unwrap();
    assert_eq!((&last["user"], &last["reason"]), (&"w0@wv.example".into(), &"logout".into()));
    gateway.drain().unwrap();
}

#[test]
fn a_service_that_refuses_a_message_is_heeded_and_order_is_kept() {
    let answers = &["{\"result\":\"allowed\"}", "{\"result\":\"refused\"}", "{\"result\":\"refused\"}", "nonsense"];
    let (service, questions) = operator_service(answers);
    let gateway = Setup::configured(&configuration_with_pairs())
        .with(&format!("charging.url=http://{service}/credit"))
        .with("charging.when_silent=refuse")
        .start();
    let mut phone = Phone::logged_in(gateway.csp(), W0, Version::V1_3, Encoding::Wbxml);
    let mut agent = Agent::registered(gateway.sip(), S0);
    assert_eq!(phone.send(&["wv:s0@sip.example"], "paid", false).unwrap().result.code.number(), 200);
    agent.expect_text("paid");
    let question = questions.recv().unwrap();
    assert_eq!(question["sender"], "w0@wv.example");
    assert_eq!((&question["recipients"][0], &question["octets"]), (&"s0@sip.example".into(), &4.into()));
    assert_eq!(phone.send(&["wv:s0@sip.example"], "unpaid", false).unwrap().result.code.number(), 902);
    assert_eq!(agent.send("sip:w0@wv.example", "unpaid, too").unwrap(), 403);
    assert_eq!(phone.send(&["wv:s0@sip.example"], "nonsense", false).unwrap().result.code.number(), 902);
    // The service is gone.
    assert_eq!(phone.send(&["wv:s0@sip.example"], "silence", false).unwrap().result.code.number(), 902);
    let refused = agent.take_requests(&sip_proto::message::Method::Message);
    assert!(refused.is_empty(), "{refused:?}");
}
