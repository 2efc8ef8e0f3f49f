//! What a configuration that was read again changes of the neighbours and of the accounts at them, and what waits for a
//! restart.

use crate::config::{
    Configuration,
    section::{Domain, Peer, Shadow},
    value::{DomainRouting, PeerScheme},
};
use mapping::side::Side;
use std::{
    collections::{HashMap, HashSet},
    fmt::Debug,
};

/// The configuration that holds from now on: neighbours, the domains behind them, accounts and shadows as they were read,
/// everything else as it was.
pub(super) fn merge(current: &Configuration, fresh: &Configuration) -> Configuration {
    let kept: Vec<Domain> = current.domains.iter().filter(|domain| !is_neighbours(domain)).cloned().collect();
    let is_new = |domain: &&Domain| {
        is_neighbours(domain) && is_spoken(current, domain) && !kept.iter().any(|known| known.name == domain.name)
    };
    let behind: Vec<Domain> = fresh.domains.iter().filter(is_new).cloned().collect();
    // Whom shadows are logged in to, and to whom presence of our own domains is published, or where their users are registered.
    let names = |domain: &Domain, peer: &Peer| {
        [&domain.presence_server, &domain.registrar].into_iter().flatten().any(|name| *name == peer.name)
    };
    let serves = |peer: &Peer| kept.iter().any(|domain| names(domain, peer));
    let is_taken = |peer: &&Peer| {
        let known = current.peer(peer.name.as_str());
        !is_client_of(peer) && !known.is_some_and(|known| is_client_of(known) || (serves(known) && !is_sip(peer)))
    };
    let mut peers: Vec<Peer> = fresh.peers.iter().filter(is_taken).cloned().collect();
    let stays = |peer: &&Peer| is_client_of(peer) || serves(peer);
    for peer in current.peers.iter().filter(stays) {
        if !peers.iter().any(|known| known.name == peer.name) {
            peers.push(peer.clone());
        }
    }
    // The servers of shadows stay what they are: a shadow at a new one waits with it.
    let is_served = |shadow: &&Shadow| {
        let domain = kept.iter().find(|domain| domain.name == shadow.account.address().domain());
        domain.is_some_and(|domain| matches!(domain.routing, DomainRouting::CspClient(_)))
    };
    let shadows = fresh.shadows.iter().filter(is_served).cloned().collect();
    let domains = kept.into_iter().chain(behind).collect();
    Configuration { domains, peers, shadows, accounts: fresh.accounts.clone(), ..current.clone() }
}

/// What has come, gone and changed, for people.
pub(super) fn news(current: &Configuration, merged: &Configuration) -> Vec<String> {
    let secrets = |peer: &Peer| {
        let text = |secret: &Option<crate::account::Secret>| secret.as_ref().map(|secret| secret.reveal().to_owned());
        (text(&peer.secret), text(&peer.password))
    };
    let named = |peer: &Peer| (peer.name.as_str().to_owned(), format!("{peer:?} {:?}", secrets(peer)));
    let mut news = Vec::new();
    tell(&mut news, "peer", named_all(&current.peers, named), named_all(&merged.peers, named));
    let named = |domain: &Domain| (domain.name.clone(), format!("{domain:?}"));
    tell(&mut news, "domain", named_all(&current.domains, named), named_all(&merged.domains, named));
    let named = |shadow: &Shadow| (shadow.account.to_string(), format!("{shadow:?} {}", shadow.password.reveal()));
    tell_many(&mut news, "shadow", named_all(&current.shadows, named), named_all(&merged.shadows, named));
    news
}

/// The sections that were written otherwise and wait for a restart.
pub(super) fn waiting(merged: &Configuration, fresh: &Configuration) -> Vec<String> {
    let (old, new) = (merged, fresh);
    let limits = format!("{:?}", old.limits) != format!("{:?}", new.limits);
    let sections = [
        ("node", differ(&old.node, &new.node)),
        ("wv.access", differ(&old.wv_access, &new.wv_access)),
        ("wv.federation", differ(&old.wv_federation, &new.wv_federation)),
        ("wv.sidecar", differ(&old.wv_sidecar, &new.wv_sidecar)),
        ("simple", differ(&old.simple, &new.simple)),
        ("shadow", differ(&old.shadows, &new.shadows)),
        ("authorization", differ(&old.authorization_default, &new.authorization_default)),
        ("authorization.blocked", old.polite_block != new.polite_block),
        ("messages", old.store_messages != new.store_messages),
        ("store", differ(&old.store, &new.store)),
        ("auth", differ(&old.auth, &new.auth)),
        ("charging", differ(&old.charging, &new.charging)),
        ("admin", differ(&old.admin, &new.admin)),
        ("trace", differ(&old.trace, &new.trace)),
        ("limits", limits),
    ];
    let sections = sections.into_iter().filter(|(_, is_other)| *is_other).map(|(name, _)| name.to_owned());
    let mut waiting: Vec<String> = sections.collect();
    let named = |peer: &Peer| (peer.name.as_str().to_owned(), format!("{peer:?}"));
    wait(&mut waiting, "peer", named_all(&old.peers, named), named_all(&new.peers, named));
    let named = |domain: &Domain| (domain.name.clone(), format!("{domain:?}"));
    wait(&mut waiting, "domain", named_all(&old.domains, named), named_all(&new.domains, named));
    waiting
}

/// Whether the domain lives at a neighbour that may come and go.
const fn is_neighbours(domain: &Domain) -> bool {
    match domain.routing {
        DomainRouting::Ssp(_) | DomainRouting::Peer(_) | DomainRouting::Dns => true,
        DomainRouting::Access | DomainRouting::Registrar | DomainRouting::CspClient(_) => false,
    }
}

/// Whether the protocol by which the domain is reached is spoken since the start.
const fn is_spoken(current: &Configuration, domain: &Domain) -> bool {
    match (&domain.routing, domain.side) {
        (DomainRouting::Ssp(_), _) | (DomainRouting::Dns, Side::Wv) => current.wv_federation.is_some(),
        (_, _) => current.simple.is_some(),
    }
}

const fn is_client_of(peer: &Peer) -> bool {
    matches!(peer.uri.scheme, PeerScheme::Csp | PeerScheme::CspTls)
}

const fn is_sip(peer: &Peer) -> bool {
    matches!(peer.uri.scheme, PeerScheme::Sip)
}

fn differ(old: &impl Debug, new: &impl Debug) -> bool {
    format!("{old:?}") != format!("{new:?}")
}

/// A name, and everything else as a text to compare.
type Named = (String, String);

fn named_all<T>(all: &[T], named: impl Fn(&T) -> Named) -> Vec<Named> {
    all.iter().map(named).collect()
}

fn tell(news: &mut Vec<String>, what: &str, old: Vec<Named>, new: Vec<Named>) {
    for (name, text) in &new {
        match old.iter().find(|(known, _)| known == name) {
            None => news.push(format!("{what} {name} added")),
            Some((_, known)) if known != text => news.push(format!("{what} {name} changed")),
            Some(_) => {}
        }
    }
    let gone = old.iter().filter(|(name, _)| !new.iter().any(|(known, _)| known == name));
    news.extend(gone.map(|(name, _)| format!("{what} {name} removed")));
}

/// The same of things of which there may be thousands: many are counted.
fn tell_many(news: &mut Vec<String>, what: &str, old: Vec<Named>, new: Vec<Named>) {
    let known: HashMap<&String, &String> = old.iter().map(|(name, text)| (name, text)).collect();
    let stays: HashSet<&String> = new.iter().map(|(name, _)| name).collect();
    let added: Vec<&String> = new.iter().map(|(name, _)| name).filter(|name| !known.contains_key(name)).collect();
    let is_other = |(name, text): &&Named| known.get(name).is_some_and(|before| *before != text);
    let changed: Vec<&String> = new.iter().filter(is_other).map(|(name, _)| name).collect();
    let removed: Vec<&String> = old.iter().map(|(name, _)| name).filter(|name| !stays.contains(name)).collect();
    for (names, how) in [(added, "added"), (changed, "changed"), (removed, "removed")] {
        if names.len() > NAMED_MAX {
            news.push(format!("{} {what}s {how}", names.len()));
        } else {
            news.extend(names.into_iter().map(|name| format!("{what} {name} {how}")));
        }
    }
}

fn wait(waiting: &mut Vec<String>, what: &str, old: Vec<Named>, new: Vec<Named>) {
    let mut names: Vec<&String> = old
        .iter()
        .filter(|one| !new.contains(one))
        .chain(new.iter().filter(|one| !old.contains(one)))
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names.dedup();
    waiting.extend(names.into_iter().map(|name| format!("{what} {name}")));
}

/// So many of a kind are named; more are counted.
const NAMED_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn read(text: &str) -> Configuration {
        Configuration::read(&Sources::from_text("gateway.toml", text)).unwrap()
    }

    const START: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"
[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"
[[domain]]
name = "one.example"
side = "wv"
route = "ssp:one"
[[peer]]
name = "one"
uri = "ssp+http://127.0.0.1:9001"
secret = "a"
"#;

    #[test]
    fn neighbours_come_and_go_and_a_secret_that_changes_is_noticed() {
        let current = read(START);
        let two = "\n[[domain]]\nname = \"two.example\"\nside = \"simple\"\nroute = \"peer:two\"\n[[peer]]\nname = \"two\"\nuri = \"sip:127.0.0.1:9002\"\n";
        let fresh = read(&format!("{}{two}", START.replace("\"a\"", "\"b\"")));
        let merged = merge(&current, &fresh);
        assert_eq!(news(&current, &merged), ["peer one changed", "peer two added", "domain two.example added"]);
        assert!(waiting(&merged, &fresh).is_empty());
        let back = merge(&merged, &current);
        assert_eq!(news(&merged, &back), ["peer one changed", "peer two removed", "domain two.example removed"]);
    }

    #[test]
    fn hosted_domains_and_what_was_not_spoken_wait_for_a_restart() {
        let current = read(START.split("[[domain]]\nname = \"one.example\"").next().unwrap());
        let hosted = "\n[[domain]]\nname = \"new.example\"\nside = \"wv\"\nroute = \"access\"\n[limits]\nrequests_per_s_per_source = 7\n";
        let fresh = read(&format!("{START}{hosted}"));
        let merged = merge(&current, &fresh);
        assert_eq!(news(&current, &merged), ["peer one added"]);
        let wanted = ["wv.federation", "limits", "domain new.example", "domain one.example"];
        assert_eq!(waiting(&merged, &fresh), wanted);
    }
    #[test]
    fn shadows_come_and_go_at_the_servers_that_are_known() {
        let served = |name: &str, port: u16| {
            format!(
                "[[domain]]\nname = \"{name}.example\"\nside = \"wv\"\nroute = \"csp-client:{name}\"\n\
                 [[peer]]\nname = \"{name}\"\nuri = \"csp+http://127.0.0.1:{port}/\"\n"
            )
        };
        let shadow = |user: &str, account: &str, password: &str| {
            format!("[[shadow]]\nuser = \"sip:{user}\"\naccount = \"wv:{account}\"\npassword = \"{password}\"\n")
        };
        let start = format!("{START}{}", served("old", 9003));
        let bob = |password: &str| shadow("bob@sip.example", "bob@old.example", password);
        let current = read(&format!("{start}{}", bob("a")));
        let eve = shadow("eve@sip.example", "eve@old.example", "a");
        let fresh = read(&format!("{start}{}{eve}", bob("b")));
        let merged = merge(&current, &fresh);
        assert_eq!(news(&current, &merged), ["shadow wv:eve@old.example added", "shadow wv:bob@old.example changed"]);
        assert!(waiting(&merged, &fresh).is_empty());
        // At a server that is new they wait with it.
        let elsewhere = shadow("eve@sip.example", "eve@new.example", "a");
        let fresh = read(&format!("{start}{}{elsewhere}", served("new", 9004)));
        let merged = merge(&current, &fresh);
        assert_eq!(news(&current, &merged), ["shadow wv:bob@old.example removed"]);
        assert_eq!(waiting(&merged, &fresh), ["shadow", "peer new", "domain new.example"]);
        // Many are counted.
        let many: String = (0..11)
            .map(|number| shadow(&format!("s{number}@sip.example"), &format!("w{number}@old.example"), "x"))
            .collect();
        let fresh = read(&format!("{start}{}{many}", bob("a")));
        assert_eq!(news(&current, &merge(&current, &fresh)), ["11 shadows added"]);
    }
}
