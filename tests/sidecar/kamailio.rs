//! Two servers that know nothing of each other and nothing of the gateway between them: a WV server and a Kamailio.

use super::presence::{BOB_IS_THERE, sees};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    kamailio::{self, Kamailio},
    port,
    product::Setup,
    wv_server::{Style, WvServer},
};
use sip_proto::message::Method;
use std::time::Duration;
use wv_proto::version::{Encoding, Version};

const ALICE: &str = "alice@wv.test";
const SHADOW: &str = "bob@wv.test";

fn configuration(server: u16, core: u16) -> String {
    format!(
        r#"
[wv.sidecar]
poll_interval_s = 1

[[domain]]
name = "wv.test"
side = "wv"
route = "csp-client:old"

[[domain]]
name = "simple.test"
side = "simple"
route = "peer:core"

[[peer]]
name = "old"
uri = "csp+http://127.0.0.1:{server}/"
csp_version = "1.2"
encoding = "wbxml"

[[peer]]
name = "core"
uri = "sip:127.0.0.1:{core};transport=udp"
trusted = true

[[shadow]]
user = "sip:bob@simple.test"
account = "wv:bob@wv.test"
password = "secret"
"#
    )
}

/// Everything that goes both ways.
fn meet(server: &WvServer, bob: &mut Agent, mark: &str) {
    let status = bob.send("sip:alice@wv.test", &format!("to WV {mark}")).unwrap();
    assert!(matches!(status, 200 | 202), "{status}");
    server.expect_message(ALICE, &format!("to WV {mark}"));
    let id = server.say(ALICE, SHADOW, &format!("to SIP {mark}"));
    bob.expect_text(&format!("to SIP {mark}"));
    server.expect_delivered(&id);
    // With a report.
    let wrapped = format!(
        "From: <sip:bob@simple.test>\r\nTo: <sip:alice@wv.test>\r\nDateTime: 2026-01-01T00:00:00Z\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Kq{mark}\r\n\
         imdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain\r\n\r\nreported {mark}"
    );
    let answer = bob.send_content("sip:alice@wv.test", "message/cpim", wrapped.as_bytes()).unwrap();
    assert!(matches!(answer.status().to_number(), 200 | 202));
    let id = server.expect_message(ALICE, &format!("reported {mark}"));
    server.report(&id, 200);
    let told = bob.expect_text(&format!("Kq{mark}"));
    assert!(String::from_utf8_lossy(told.body()).contains("<delivered/>"), "{told:?}");
}

#[test]
fn a_wv_server_and_a_kamailio_meet_through_shadows() {
    let (port, core) = (port::free(), kamailio::free_port());
    let spoken = (Version::V1_2, Encoding::Wbxml);
    let users = [ALICE, SHADOW];
    let server = WvServer::start(port, spoken, Style::proper(), &users);
    let gateway = Setup::configured(&configuration(port, core)).start();
    let Some(kamailio) = Kamailio::start(gateway.sip(), core, &["WITH_OPEN"]) else { return };
    let mut bob = Agent::registered(kamailio.address(), "bob@simple.test");
    case("IWF-SES-INT-012", How::Foreign, || {
        bob.publish(&BOB_IS_THERE.replace("sip.example", "simple.test"), None).unwrap();
        server.expect_shown(SHADOW, true, Some("on the road"));
    });
    meet(&server, &mut bob, "first");
    server.show(ALICE, "at home");
    let (_, watch) = bob.watch("sip:alice@wv.test", "presence", 600).unwrap();
    sees(&mut bob, &watch, "at home");
    // The Kamailio lets everybody in, and so does the shadow.
    server.ask_to_see(ALICE, SHADOW);
    server.expect_decision(SHADOW, ALICE, true);
    // The WV server dies and comes back with nothing; who watches sees no gap.
    bob.take_requests(&Method::Notify);
    drop(server);
    let server = WvServer::start(port, spoken, Style::proper(), &users);
    server.show(ALICE, "back at home");
    let notify = bob.expect("the next state", |request| (*request.method() == Method::Notify).then(|| request.clone()));
    assert!(String::from_utf8_lossy(notify.body()).contains("back at home"), "{notify:?}");
    assert!(!format!("{notify:?}").contains("terminated"), "{notify:?}");
    server.expect_shown(SHADOW, true, Some("on the road"));
    meet(&server, &mut bob, "again");
}

#[test]
fn a_kamailio_decides_who_sees_its_users_and_the_wv_server_who_sees_its_own() {
    let (port, core) = (port::free(), kamailio::free_port());
    let spoken = (Version::V1_2, Encoding::Wbxml);
    let carol = "carol@wv.test";
    let server = WvServer::start(port, spoken, Style::proper(), &[ALICE, SHADOW, carol]);
    let gateway = Setup::configured(&configuration(port, core)).start();
    let Some(kamailio) = Kamailio::start(gateway.sip(), core, &[]) else { return };
    kamailio.put_rules("bob", &["sip:bob@wv.test"], &["sip:carol@wv.test"]);
    let mut bob = Agent::registered(kamailio.address(), "bob@simple.test");
    bob.publish(&BOB_IS_THERE.replace("sip.example", "simple.test"), None).unwrap();
    server.expect_shown(SHADOW, true, Some("on the road"));
    server.ask_to_see(carol, SHADOW);
    server.expect_decision(SHADOW, carol, false);
    // On whom nothing is said waits until something is.
    server.ask_to_see(ALICE, SHADOW);
    server.expect_answer("PresenceAuth-Request", 200);
    assert_eq!(server.decision(SHADOW, ALICE), None);
    kamailio.put_rules("bob", &["sip:bob@wv.test", "sip:alice@wv.test"], &["sip:carol@wv.test"]);
    server.expect_decision(SHADOW, ALICE, true);
    // The other way.
    server.ask_for(ALICE);
    server.show(ALICE, "behind the door");
    let (_, watch) = bob.watch("sip:alice@wv.test", "presence", 600).unwrap();
    bob.expect_notify(&watch, "pending", |notify| notify.state.starts_with("pending").then_some(()));
    server.allow(ALICE, SHADOW);
    sees(&mut bob, &watch, "behind the door");
}

#[test]
fn a_kamailio_that_is_not_there_yet_gets_what_waited() {
    let (port, core) = (port::free(), kamailio::free_port());
    let spoken = (Version::V1_2, Encoding::Wbxml);
    let server = WvServer::start(port, spoken, Style::proper(), &[ALICE, SHADOW]);
    let always_on = format!("{}always_on = true\n", configuration(port, core));
    let gateway = Setup::configured(&always_on).start();
    server.expect_logins(SHADOW, 1, Duration::from_secs(20));
    let id = server.say(ALICE, SHADOW, "before it came");
    // It is safe here, so it is acknowledged.
    server.expect_delivered(&id);
    let Some(kamailio) = Kamailio::start(gateway.sip(), core, &["WITH_OPEN"]) else { return };
    let mut bob = Agent::registered(kamailio.address(), "bob@simple.test");
    bob.expect_text("before it came");
    meet(&server, &mut bob, "then");
}
