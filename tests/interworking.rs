//! Cases of the catalogue over real sockets: a WV phone and a SIP user agent at one gateway.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    phone::Phone,
    product::{Pair, pair, shared},
};
use wv_proto::version::{Encoding, Version};

/// A phone and an agent, both at the gateway.
fn both() -> (Pair, Phone, Agent) {
    let (gateway, pair) = (shared(), pair());
    let phone = Phone::logged_in(gateway.csp(), &pair.wv, Version::V1_2, Encoding::Wbxml);
    let agent = Agent::registered(gateway.sip(), &pair.sip);
    (pair, phone, agent)
}

#[test]
fn iwf_msg_int_001_a_short_text_reaches_the_sip_user() {
    case("IWF-MSG-INT-001", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        let response = phone.send(&[&pair.sip_in_wv()], "short text with \u{e4} and \u{1F600}", false).unwrap();
        assert_eq!(response.result.code.number(), 200);
        assert!(response.message_id.is_some(), "the response has a MessageID");
        let message = agent.expect_text("short text with \u{e4} and \u{1F600}");
        assert!(message.write().unwrap().len() <= 1300, "not above 1300 octets over UDP");
    });
}

#[test]
fn iwf_msg_int_011_a_message_reaches_the_phone() {
    case("IWF-MSG-INT-011", How::Sockets, || {
        let (pair, mut phone, mut agent) = both();
        assert_eq!(agent.send(&pair.wv_in_sip(), "to the phone"), Ok(200));
        phone.expect_text("to the phone");
    });
}
