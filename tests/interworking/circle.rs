//! IWF-GEN: gateways that were told wrong things about each other.

use acceptance::{
    catalogue::{How, case},
    phone::Phone,
    product::Setup,
    wait,
};
use std::time::Duration;
use wv_proto::version::{Encoding, Version};

/// A gateway for phones at one domain, which believes that another gateway serves `lost.example`.
fn site(domain: &str, other_sip: u16, other: &str) -> String {
    format!(
        r#"
[[domain]]
name = "{domain}"
side = "wv"
route = "access"

[[domain]]
name = "{other}"
side = "simple"
route = "peer:other"

[[domain]]
name = "lost.example"
side = "simple"
route = "peer:other"

[[peer]]
name = "other"
uri = "sip:127.0.0.1:{other_sip};transport=udp"
trusted = true

[[account]]
user = "wv:alice@{domain}"
password = "secret"
"#
    )
}

#[test]
fn iwf_gen_int_003_a_circle_of_routes_ends_at_its_first_crossing() {
    case("IWF-GEN-INT-003", How::Sockets, || {
        let (mut one, mut two) = (Setup::configured(""), Setup::configured(""));
        let ports = (one.ports().sip, two.ports().sip);
        one = one.reconfigured(&site("one.example", ports.1, "two.example"));
        two = two.reconfigured(&site("two.example", ports.0, "one.example"));
        let (one, two) = (one.start(), two.start());
        let mut alice = Phone::logged_in(one.csp(), "wv:alice@one.example", Version::V1_2, Encoding::Xml);
        // What is said to a user of the other gateway arrives; they do know each other.
        let mut other = Phone::logged_in(two.csp(), "wv:alice@two.example", Version::V1_2, Encoding::Xml);
        assert_eq!(alice.send(&["wv:alice@two.example"], "straight on", false).unwrap().result.code.number(), 200);
        other.expect_text("straight on");

        let told = alice.send(&["wv:zoe@lost.example"], "round and round", false).unwrap();
        assert_eq!(told.result.code.number(), 532);
        assert_eq!(alice.watch("wv:zoe@lost.example"), 200);
        wait::until("the alarm", Duration::from_secs(10), || two.log().contains("no relay").then_some(()));
        let (_, subscriptions) = two.ask(&["show", "subscriptions", "--json"]);
        assert!(!subscriptions.contains("lost.example"), "{subscriptions}");
        assert!(!one.log().contains("no relay"), "{}", one.log());
    });
}
