//! Home servers that DNS leads to.

use super::{BOB, DOMAINS};
use acceptance::{
    agent::Agent,
    name_server::{NameServer, Records},
    port,
    product::Setup,
    ssp_peer::{self, SspHome},
};
use std::net::{Ipv4Addr, SocketAddr};
use wv_proto::ssp::primitive::Primitive;

#[test]
fn wv_ssp_16_a_home_server_is_found_by_the_records_of_its_domain() {
    let (at, nobody) = (ssp_peer::port(), port::free());
    let records = Records::default()
        .srv("_imps-server._tcp.foreign.example", (1, 0), nobody, "host.foreign.example")
        .srv("_imps-server._tcp.foreign.example", (2, 0), at, "host.foreign.example")
        .host("host.foreign.example", "127.0.0.1");
    let Some(names) = NameServer::start(&records) else { return };
    let domains = DOMAINS.replace("ssp:home", "dns");
    let gateway = Setup::configured(&domains).with(&names.setting()).start();
    let ssp = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().ssp));
    let home = SspHome::start("foreign.example", at, ssp);
    let mut bob = Agent::registered(gateway.sip(), BOB);
    assert_eq!(bob.send("sip:alice@foreign.example", "found by SRV"), Ok(200));
    home.expect("the message", |asked| matches!(asked.primitive, Primitive::SendMessageRequest(_)).then_some(()));
    // Both ways over one session.
    let message = home.message("wv:alice@foreign.example", "wv:bob@sip.example", "m1", "and back", false);
    home.request("sip.example", message).unwrap();
    bob.expect_text("and back");
    assert!(names.log().contains("query[SRV] _imps-server._tcp.foreign.example"), "{}", names.log());
}

#[test]
fn wv_ssp_16_a_peer_by_name_without_port_is_looked_up_too() {
    let at = ssp_peer::port();
    let records = Records::default().host("home.example", "127.0.0.1").srv(
        "_imps-server._tcp.named.example",
        (0, 0),
        at,
        "home.example",
    );
    let Some(names) = NameServer::start(&records) else { return };
    let domains = format!("{DOMAINS}\n[[peer]]\nname = \"home\"\nuri = \"ssp+http://named.example/path\"\n");
    let gateway = Setup::configured(&domains).with(&names.setting()).start();
    let ssp = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().ssp));
    let home = SspHome::start("foreign.example", at, ssp);
    let mut bob = Agent::registered(gateway.sip(), BOB);
    assert_eq!(bob.send("sip:alice@foreign.example", "to a name"), Ok(200));
    home.expect("the message", |asked| matches!(asked.primitive, Primitive::SendMessageRequest(_)).then_some(()));
}
