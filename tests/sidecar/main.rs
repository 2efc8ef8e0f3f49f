//! The gateway beside a WV server that nobody may touch: shadow accounts, over sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on panics")]

mod answer;
mod catalogue;
mod crowd;
mod deploy;
mod invitation;
mod kamailio;
mod life;
mod message;
mod presence;
mod reload;
mod service;
mod session;

use acceptance::{
    port,
    product::{Gateway, Setup},
    wv_server::{Style, WvServer},
};
use wv_proto::version::{Encoding, Version};

/// A WV server, a gateway that is a client there, and a SIP domain that the gateway hosts.
struct World {
    gateway: Gateway,
    server: WvServer,
    spoken: (Version, Encoding),
    style: Style,
}

/// The user of the WV server.
const ALICE: &str = "alice@old.example";
/// The account of the SIP user there.
const SHADOW: &str = "bob@old.example";
/// The SIP user.
const BOB: &str = "bob@sip.example";

const USERS: [&str; 3] = [ALICE, SHADOW, "dave@old.example"];

impl World {
    fn new() -> Self {
        Self::of((Version::V1_2, Encoding::Xml), Style::proper(), "")
    }

    /// With passwords in clear.
    fn in_clear() -> Self {
        Self::changed("encoding = \"xml\"", "encoding = \"xml\"\nlogin = \"password\"")
    }

    /// A gateway that only listens.
    fn observing() -> Self {
        Self::changed("encoding = \"xml\"", "encoding = \"xml\"\nobserve = true")
    }

    /// Accounts are logged out as soon as nobody needs them.
    fn lingering() -> Self {
        Self::changed("poll_interval_s = 1", "poll_interval_s = 1\nlinger_s = 2")
    }

    fn changed(from: &str, to: &str) -> Self {
        let (port, spoken, style) = (port::free(), (Version::V1_2, Encoding::Xml), Style::proper());
        let server = WvServer::start(port, spoken, style.clone(), &USERS);
        let gateway = Setup::configured(&configuration(port, spoken, "").replace(from, to)).start();
        Self { gateway, server, spoken, style }
    }

    fn of(spoken: (Version, Encoding), style: Style, more: &str) -> Self {
        let port = port::free();
        let server = WvServer::start(port, spoken, style.clone(), &USERS);
        let gateway = Setup::configured(&configuration(port, spoken, more)).start();
        Self { gateway, server, spoken, style }
    }

    /// The server dies and knows nothing afterwards.
    fn kill_server(self) -> (Gateway, Dead) {
        let Self { gateway, server, spoken, style } = self;
        let dead = Dead { port: server.port(), spoken, style };
        drop(server);
        (gateway, dead)
    }
}

struct Dead {
    port: u16,
    spoken: (Version, Encoding),
    style: Style,
}

impl Dead {
    fn start_again(self) -> WvServer {
        WvServer::start(self.port, self.spoken, self.style, &USERS)
    }
}

fn configuration(port: u16, (version, encoding): (Version, Encoding), more: &str) -> String {
    let encoding = if encoding == Encoding::Xml { "xml" } else { "wbxml" };
    format!(
        r#"
[wv.sidecar]
poll_interval_s = 1

[[domain]]
name = "old.example"
side = "wv"
route = "csp-client:old"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[[peer]]
name = "old"
uri = "csp+http://127.0.0.1:{port}/imps"
csp_version = "{}"
encoding = "{encoding}"

[[account]]
user = "sip:bob@sip.example"
password = "secret"

[[account]]
user = "sip:eve@sip.example"
password = "secret"

[[shadow]]
user = "sip:bob@sip.example"
account = "wv:bob@old.example"
password = "secret"
{more}
"#,
        version.as_str()
    )
}
