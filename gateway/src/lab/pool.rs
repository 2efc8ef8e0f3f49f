//! Users and neighbour domains for everybody who plays: nobody is given out twice, so that scenarios can share a gateway.

use super::{
    catalogue::Run,
    port,
    scenario::{
        model::PartKind,
        stage::{GatewayWish, Identity, Role, RoleKind, SipTransport, StageError},
    },
};
use std::{
    fmt::Write as _,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

/// Whom a gateway of the laboratory knows, and who of them was not given out yet.
#[derive(Debug)]
pub struct Pool {
    counts: Counts,
    servers: Vec<Server>,
    given: Given,
}

/// How many are needed of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    wv: usize,
    sip: usize,
}

#[derive(Debug, Default)]
struct Given {
    wv: AtomicUsize,
    sip: AtomicUsize,
    over_udp: AtomicUsize,
    over_tcp: AtomicUsize,
}

/// A neighbour server with a domain of its own.
#[derive(Clone, Copy, Debug)]
struct Server {
    address: SocketAddr,
    transport: SipTransport,
}

/// Who an actor is, and where it listens when that is known to the gateway.
pub type Cast = (Identity, Option<SocketAddr>);

impl Pool {
    /// A pool for all runs that share a gateway.
    ///
    /// # Errors
    /// When no ports are free.
    pub fn shared(runs: &[Run]) -> io::Result<Self> {
        let shared = runs.iter().filter(|run| run.scenario.gateway == GatewayWish::Shared);
        let kinds = shared.flat_map(|run| &run.scenario.cast).map(|part| match &part.kind {
            PartKind::WvClient(_) => Kind::Wv,
            PartKind::SipAgent(_) => Kind::Sip,
            PartKind::SimpleServer(transport) => Kind::Server(*transport),
        });
        Self::of(kinds, |_| Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?))))
    }

    /// A pool for the roles of one scenario with a gateway of its own.
    ///
    /// # Errors
    /// When no ports are free.
    pub fn own(roles: &[Role]) -> io::Result<Self> {
        Self::of(roles.iter().map(Kind::of), |_| Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?))))
    }

    /// A pool for the roles of one scenario whose servers live at addresses that follow from their number.
    ///
    /// # Errors
    /// When an address cannot be had.
    pub fn simulated(roles: &[Role], address: impl Fn(usize) -> SocketAddr) -> io::Result<Self> {
        Self::of(roles.iter().map(Kind::of), |number| Ok(address(number)))
    }

    fn of(kinds: impl Iterator<Item = Kind>, address: impl Fn(usize) -> io::Result<SocketAddr>) -> io::Result<Self> {
        let (mut counts, mut servers) = (Counts::default(), Vec::new());
        for kind in kinds {
            match kind {
                Kind::Wv => counts.wv = counts.wv.saturating_add(1),
                Kind::Sip => counts.sip = counts.sip.saturating_add(1),
                Kind::Server(transport) => servers.push(Server { address: address(servers.len())?, transport }),
            }
        }
        Ok(Self { counts, servers, given: Given::default() })
    }

    /// Somebody who was not given out yet.
    ///
    /// # Errors
    /// When all were.
    pub fn give(&self, role: &Role) -> Result<Cast, StageError> {
        let used_up = || StageError::NotOffered(format!("user more for {}", role.name));
        let take = |given: &AtomicUsize, count: usize| {
            let number = given.fetch_add(1, Ordering::Relaxed);
            (number < count).then_some(number).ok_or_else(used_up)
        };
        let identity = |address: String| Identity { address, password: "secret".to_owned() };
        match &role.kind {
            RoleKind::WvClient { .. } => {
                let number = take(&self.given.wv, self.counts.wv)?;
                Ok((identity(format!("w{number}@wv.example")), None))
            }
            RoleKind::SipAgent { .. } => {
                let number = take(&self.given.sip, self.counts.sip)?;
                Ok((identity(format!("s{number}@sip.example")), None))
            }
            RoleKind::SimpleServer { transport } => {
                // The transport is part of the configuration: only a server of that kind will do, and the others are left
                // to those who want them.
                let given = match transport {
                    SipTransport::Udp => &self.given.over_udp,
                    SipTransport::Tcp => &self.given.over_tcp,
                };
                let mut fitting = self.servers.iter().enumerate().filter(|(_, server)| server.transport == *transport);
                let (number, server) = fitting.nth(given.fetch_add(1, Ordering::Relaxed)).ok_or_else(used_up)?;
                Ok((identity(format!("user@p{number}.example")), Some(server.address)))
            }
        }
    }

    /// The same with settings, and those that are not part of it: what concerns the domain of the phones, or the first
    /// neighbour, stands in its row, for which the command line has no words.
    #[must_use]
    pub fn configuration_with(&self, settings: &[(String, String)]) -> (String, Vec<(String, String)>) {
        let mut text = self.configuration();
        let mut rest = Vec::new();
        for (key, value) in settings {
            let rows = [
                (
                    "domain[].",
                    "name = \"wv.example\"
",
                ),
                (
                    "peer[].",
                    "name = \"p0\"
",
                ),
            ];
            match rows.iter().find_map(|(table, row)| key.strip_prefix(table).map(|key| (key, row))) {
                Some((key, row)) => {
                    let value = if value == "true" { value.clone() } else { format!("{value:?}") };
                    text = text.replacen(
                        row,
                        &format!(
                            "{row}{key} = {value}
"
                        ),
                        1,
                    );
                }
                None => rest.push((key.clone(), value.clone())),
            }
        }
        (text, rest)
    }

    /// The text of a configuration that knows all of them.
    #[must_use]
    pub fn configuration(&self) -> String {
        let mut text = String::from(DOMAINS);
        for number in 0..self.counts.wv {
            let _ = writeln!(text, "[[account]]\nuser = \"wv:w{number}@wv.example\"\npassword = \"secret\"\n");
        }
        for number in 0..self.counts.sip {
            let _ = writeln!(text, "[[account]]\nuser = \"sip:s{number}@sip.example\"\npassword = \"secret\"\n");
        }
        for (number, Server { address, transport }) in self.servers.iter().enumerate() {
            let transport = match transport {
                SipTransport::Udp => "udp",
                SipTransport::Tcp => "tcp",
            };
            let _ = writeln!(
                text,
                "[[peer]]\nname = \"p{number}\"\nuri = \"sip:{address};transport={transport}\"\ntrusted = true\n\n\
                 [[domain]]\nname = \"p{number}.example\"\nside = \"simple\"\nroute = \"peer:p{number}\"\n"
            );
        }
        text
    }
}

enum Kind {
    Wv,
    Sip,
    Server(SipTransport),
}

impl Kind {
    const fn of(role: &Role) -> Self {
        match &role.kind {
            RoleKind::WvClient { .. } => Self::Wv,
            RoleKind::SipAgent { .. } => Self::Sip,
            RoleKind::SimpleServer { transport } => Self::Server(*transport),
        }
    }
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

[authorization]
default = "confirm"

"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn server(transport: SipTransport) -> Role {
        Role { name: "C".to_owned(), kind: RoleKind::SimpleServer { transport }, shares_user_of: None }
    }

    #[test]
    fn whoever_comes_first_leaves_the_others_what_they_want() {
        let (udp, tcp) = (server(SipTransport::Udp), server(SipTransport::Tcp));
        let pool = Pool::own(&[udp.clone(), udp.clone(), tcp.clone()]).unwrap();
        let name = |role: &Role| pool.give(role).map(|(identity, _)| identity.address);
        assert_eq!(name(&tcp), Ok("user@p2.example".to_owned()));
        assert_eq!(name(&udp), Ok("user@p0.example".to_owned()));
        assert_eq!(name(&udp), Ok("user@p1.example".to_owned()));
        assert!(name(&udp).is_err() && name(&tcp).is_err());
    }
}
