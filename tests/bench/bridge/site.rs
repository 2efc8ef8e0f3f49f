//! The gateway that is measured: WV users by access, SIP users by the built-in registrar, nobody asks for permission.

use crate::csp::site::accounts;
use acceptance::product::{Gateway, Setup};
use std::fmt::Write as _;

/// With so many pairs of users: the WV users `w0…`, the SIP users `u0…`, twice as many of each.
pub(crate) fn start(store: &str, pairs: usize) -> Gateway {
    setup(store, 2 * pairs, 2 * pairs).start()
}

/// With so many users of each side.
pub(crate) fn setup(store: &str, wv: usize, sip: usize) -> Setup {
    let mut text = format!("{DOMAINS}{}", accounts(wv));
    for user in 0..sip {
        let _ = write!(text, "[[account]]\nuser = \"sip:u{user}@sip.example\"\npassword = \"secret\"\n\n");
    }
    open(Setup::configured(&text)).with(&format!("store.kind={store}"))
}

/// Without limits that a load generator would reach.
pub(crate) fn open(setup: Setup) -> Setup {
    let settings = [
        "simple.authentication=insecure_open",
        "limits.coalesce_ms=0",
        "limits.inbox_messages=1000000",
        "limits.inbox_octets=1000000000",
        "limits.logins_per_minute_per_source=100000000",
        "limits.requests_per_s_per_source=100000000",
        "limits.watches_per_minute=100000000",
        "limits.start_ramp_per_s=1000000",
        "limits.watchers_per_presentity=10000000",
    ];
    settings.into_iter().fold(setup, Setup::with)
}

pub(crate) const DOMAINS: &str = r#"
[authorization]
default = "allow"

[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[[account]]
user = "sip:bob@sip.example"
password = "secret"

[[account]]
user = "sip:dave@sip.example"
password = "secret"

"#;
