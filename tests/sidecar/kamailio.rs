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
    // The WV server dies and comes back with nothing.
    drop(server);
    let server = WvServer::start(port, spoken, Style::proper(), &users);
    server.show(ALICE, "back at home");
    sees(&mut bob, &watch, "back at home");
    server.expect_shown(SHADOW, true, Some("on the road"));
    meet(&server, &mut bob, "again");
}
