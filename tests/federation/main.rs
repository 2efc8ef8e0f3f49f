//! Home servers of other WV domains: the gateway as SSP peer, over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on panics")]

mod deploy;
mod discovery;
mod error;
mod fault;
mod gateways;
mod group;
mod message;
mod presence;
mod reload;
mod replay;
mod secure;

use acceptance::{
    product::{Gateway, Setup},
    ssp_peer::{SspHome, port},
};
use std::net::{Ipv4Addr, SocketAddr};

/// A gateway with a hosted WV domain and a hosted SIP domain, and a foreign home server that it knows.
struct World {
    gateway: Gateway,
    home: SspHome,
}

const DOMAINS: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[[domain]]
name = "foreign.example"
side = "wv"
route = "ssp:home"

[[domain]]
name = "third.example"
side = "wv"
route = "ssp:third"

[[peer]]
name = "third"
uri = "ssp+http://127.0.0.1:9"

[[account]]
user = "wv:carol@wv.example"
password = "secret"

[[account]]
user = "sip:bob@sip.example"
password = "secret"

[authorization]
default = "allow"
"#;

const CAROL: &str = "wv:carol@wv.example";
const BOB: &str = "bob@sip.example";
const ALICE: &str = "wv:alice@foreign.example";

impl World {
    fn new() -> Self {
        Self::with("")
    }

    /// With more in the configuration of the home server.
    fn with(more: &str) -> Self {
        Self::start(more, |setup| setup)
    }

    /// With another value of an option.
    fn limited(option: &str) -> Self {
        Self::start("", |setup| setup.with(option))
    }

    fn start(more: &str, change: impl FnOnce(Setup) -> Setup) -> Self {
        let port = port();
        let peer = format!("\n[[peer]]\nname = \"home\"\nuri = \"ssp+http://127.0.0.1:{port}\"\n");
        let gateway = change(Setup::configured(&format!("{DOMAINS}{peer}{more}"))).start();
        let ssp = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().ssp));
        Self { home: SspHome::start("foreign.example", port, ssp), gateway }
    }
}
