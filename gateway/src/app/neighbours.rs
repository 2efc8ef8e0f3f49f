//! What a configuration that was read again changes of the neighbours, and what waits for a restart.

use crate::config::{
    Configuration,
    section::{Domain, Peer},
    value::{DomainRouting, PeerScheme},
};
use mapping::side::Side;
use std::fmt::Debug;

/// The configuration that holds from now on: neighbours, the domains behind them and accounts as they were read,
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
    let domains = kept.into_iter().chain(behind).collect();
    Configuration { domains, peers, accounts: fresh.accounts.clone(), ..current.clone() }
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
}
