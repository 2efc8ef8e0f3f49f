//! The gateway that is measured: WV users by access, SIP users by the built-in registrar, nobody asks for permission.

use super::presence_server::PresenceServer;
use crate::csp::site::{DOMAINS, accounts, sip_accounts};
use acceptance::product::{Gateway, Setup};

/// With so many pairs of users: the WV users `w0…`, the SIP users `u0…`, twice as many of each.
pub(crate) fn start(store: &str, pairs: usize) -> Gateway {
    setup(store, 2 * pairs, 2 * pairs).start()
}

/// With so many users of each side.
pub(crate) fn setup(store: &str, wv: usize, sip: usize) -> Setup {
    let text = format!("{DOMAINS}{}{}", accounts(wv), sip_accounts(sip));
    open(Setup::configured(&text)).with(&format!("store.kind={store}"))
}

/// With so many WV users and a neighbour, whose row of the configuration may say more.
pub(crate) fn start_beside(server: &PresenceServer, users: usize, more: &str) -> Gateway {
    let text = format!(
        "{DOMAINS}{}[[domain]]\nname = \"far.example\"\nside = \"simple\"\nroute = \"peer:far\"\n\n[[peer]]\nname = \"far\"\n\
         uri = \"sip:{};transport=udp\"\ntrusted = true\n{more}",
        accounts(users),
        server.address()
    );
    open(Setup::configured(&text)).with("store.kind=memory").start()
}

/// Without limits that a load generator would reach.
fn open(setup: Setup) -> Setup {
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
