//! Start and end of the gateway, and of the servers beside it.

use super::{ALICE, BOB, SHADOW, USERS, World, configuration, message::talk};
use acceptance::{
    agent::Agent,
    http, port,
    product::{Gateway, Setup},
    wait,
    wv_server::{Style, WvServer},
};
use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Duration,
};
use wv_proto::version::{Encoding, Version};

const SPOKEN: (Version, Encoding) = (Version::V1_2, Encoding::Xml);
const PATIENCE: Duration = Duration::from_secs(20);

/// Status and text of `/ready`.
fn readiness(gateway: &Gateway) -> (u16, String) {
    let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().admin));
    let answer = http::get(admin, "/ready").unwrap();
    (answer.status, String::from_utf8(answer.body).unwrap())
}

fn expect_readiness(gateway: &Gateway, status: u16) -> String {
    let found = wait::try_until("the state of /ready", PATIENCE, || {
        let (now, told) = readiness(gateway);
        (now == status).then_some(told)
    });
    found.unwrap_or_else(|error| panic!("{error}: {:?}\n{}", readiness(gateway), gateway.log()))
}

fn state_of_peer(gateway: &Gateway, state: &str) {
    wait::until(state, PATIENCE, || {
        let (_, told) = gateway.ask(&["show", "peers", "--json"]);
        told.contains(&format!("\"{state}\"")).then_some(())
    });
}

#[test]
fn a_gateway_whose_server_is_missing_says_so_until_it_is_there() {
    let port = port::free();
    let gateway = Setup::configured(&configuration(port, SPOKEN, "")).start_until(503);
    let told = expect_readiness(&gateway, 503);
    assert!(told.contains("degraded") && told.contains("old"), "{told}");
    state_of_peer(&gateway, "unreachable");
    // SIP users are served all the same, and what is for the server waits.
    let mut bob = Agent::registered(gateway.sip(), BOB);
    let mut eve = Agent::registered(gateway.sip(), "eve@sip.example");
    assert_eq!(bob.send("sip:eve@sip.example", "among us"), Ok(200));
    eve.expect_text("among us");
    assert_eq!(bob.send("sip:alice@old.example", "before it came"), Ok(202));
    let server = WvServer::start(port, SPOKEN, Style::proper(), &USERS);
    assert_eq!(expect_readiness(&gateway, 200), "running\n");
    state_of_peer(&gateway, "reachable");
    server.expect_message_within(ALICE, "before it came", Duration::from_secs(60));
    talk(&server, &mut bob, "now");
    // It goes away, and comes back.
    drop(server);
    expect_readiness(&gateway, 503);
    state_of_peer(&gateway, "unreachable");
    let server = WvServer::start(port, SPOKEN, Style::proper(), &USERS);
    expect_readiness(&gateway, 200);
    talk(&server, &mut bob, "again");
}

#[test]
fn a_server_that_nobody_needs_is_looked_after_all_the_same() {
    let port = port::free();
    let server = WvServer::start(port, SPOKEN, Style::proper(), &USERS);
    let gateway = Setup::configured(&configuration(port, SPOKEN, "")).start();
    assert_eq!(server.logins().len(), 0);
    drop(server);
    expect_readiness(&gateway, 503);
    let server = WvServer::start(port, SPOKEN, Style::proper(), &USERS);
    expect_readiness(&gateway, 200);
    assert_eq!(server.logins().len(), 0, "nobody was logged in for it");
}

#[test]
fn phones_of_another_domain_keep_a_gateway_ready() {
    let more = "\n[wv.access]\n\n[[domain]]\nname = \"wv.example\"\nside = \"wv\"\nroute = \"access\"\n";
    let gateway = Setup::configured(&configuration(port::free(), SPOKEN, more)).start();
    let told = wait::until("the state of /ready", PATIENCE, || {
        let (status, told) = readiness(&gateway);
        assert_eq!(status, 200, "{told}");
        told.contains("degraded").then_some(told)
    });
    assert!(told.starts_with("running\n"), "{told}");
}

#[test]
fn shadows_are_logged_out_when_the_gateway_ends() {
    let World { mut gateway, server, .. } = World::new();
    let mut bob = Agent::registered(gateway.sip(), BOB);
    talk(&server, &mut bob, "before");
    assert!(server.is_logged_in(SHADOW));
    gateway.drain().unwrap();
    assert!(!server.is_logged_in(SHADOW), "{:#?}", server.titles());
    assert_eq!(server.titles().iter().filter(|title| *title == "Logout-Request").count(), 1);
    gateway.start_again();
    talk(&server, &mut bob, "after");
}

#[test]
fn a_gateway_whose_server_is_gone_ends_in_time_and_loses_nothing() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "before");
    let (mut gateway, dead) = world.kill_server();
    assert_eq!(bob.send("sip:alice@old.example", "kept"), Ok(202));
    // Within the 30 seconds that an operator waits.
    gateway.drain().unwrap();
    let server = dead.start_again();
    gateway.start_again();
    server.expect_message_within(ALICE, "kept", Duration::from_secs(60));
}

#[test]
fn what_passes_to_the_server_is_traced_and_masked() {
    let world = World::in_clear();
    let file = world.gateway.file("trace.json");
    let mut command = world.gateway.command(&["trace", "--export", "json"]);
    let mut child = command.stdout(File::create(&file).unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let text = || fs::read_to_string(&file).unwrap();
    let mut dave = Agent::new(world.gateway.sip(), "dave@sip.example");
    wait::until("the trace", PATIENCE, || {
        dave.options().unwrap();
        (!text().is_empty()).then_some(())
    });
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    assert!(matches!(bob.send("sip:alice@old.example", "under the old oak"), Ok(200 | 202)));
    world.server.expect_message(ALICE, "under the old oak");
    let records = wait::until("the answer in the trace", PATIENCE, || {
        let text = text();
        text.contains("SendMessage-Response").then_some(text)
    });
    let _ = child.kill();
    let _ = child.wait();
    let record = |title: &str| {
        let line = records.lines().find(|line| line.contains(&format!("\"title\":\"{title}")));
        let line = line.unwrap_or_else(|| panic!("no {title}: {records}"));
        serde_json::from_str::<gateway::observe::TraceRecord>(line).unwrap()
    };
    let login = record("Login-Request").wire.expect("what passed");
    assert_eq!(login.path.as_deref(), Some("/imps"));
    assert_eq!(login.content_type.as_deref(), Some("application/vnd.wv.csp.xml"));
    let said = login.to_text().unwrap();
    assert!(said.contains("<Password>xxxxxx</Password>") && said.contains("bob@old.example"), "{said}");
    let sent = record("SendMessage-Request").wire.and_then(|wire| wire.to_text()).expect("what passed");
    assert!(sent.contains("<ContentData>xxxxx"), "{sent}");
    assert!(record("SendMessage-Response").wire.is_some());
    assert!(!records.contains("under the old oak"));
}
