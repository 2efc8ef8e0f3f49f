//! Cases of the catalogue over real sockets: a WV phone and a SIP user agent at one gateway. The names of the tests carry
//! the ids of the cases; what each demands stands in the catalogue. Most cases are scenarios; here is what they cannot say.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod access;
mod authorization;
mod charging;
mod circle;
mod message;
mod presence;
mod rule;
mod service;
mod session;
mod sip_tls;
mod view;
mod waiting;
mod wake_up;

use acceptance::{
    agent::{Agent, Watch},
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

/// A phone and an agent that watches it and was allowed to.
fn watched() -> (Pair, Phone, Agent, Watch) {
    let (pair, mut phone, mut agent) = both();
    let (status, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
    assert!(matches!(status, 200 | 202), "SUBSCRIBE was answered by {status}");
    phone.decide(&pair.sip_in_wv(), true);
    agent.expect_notify(&watch, "active", |notify| notify.state.starts_with("active").then_some(()));
    (pair, phone, agent, watch)
}
