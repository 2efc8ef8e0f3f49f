use super::*;
use crate::config::{
    option::{Fallback, Kind, OPTIONS},
    section::{AuthorizationDefault, SipAuthentication, StoreKind},
};
use mapping::{address::Address, side::Side};
use proptest::prelude::*;
use std::time::Duration;

fn read(text: &str) -> Result<Configuration, Problems> {
    Configuration::read(&Sources::from_text("gw.toml", text))
}

fn problems(text: &str) -> Vec<String> {
    read(text).unwrap_err().as_slice().iter().map(ToString::to_string).collect()
}

const DOMAINS: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"
"#;

#[test]
fn the_embedded_default_is_what_the_contract_says() {
    let configuration = Configuration::read(&Sources::embedded()).unwrap();
    let access = configuration.wv_access.as_ref().unwrap();
    assert_eq!(access.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(access.advertised(access.listen), "http://127.0.0.1:8080/csp");
    assert_eq!(access.cir_tcp.to_string(), "127.0.0.1:3171");
    assert_eq!(access.keep_alive_max, Duration::from_secs(86_400));
    assert_eq!(access.keep_alive_default, Duration::from_secs(3600));
    let simple = configuration.simple.as_ref().unwrap();
    let listen: Vec<String> = simple.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]);
    assert_eq!(simple.msrp_listen.to_string(), "127.0.0.1:2855");
    assert_eq!(simple.authentication, SipAuthentication::Digest);
    assert_eq!(configuration.wv_federation.as_ref().unwrap().listen.to_string(), "127.0.0.1:8082");
    assert_eq!(configuration.admin.listen.to_string(), "127.0.0.1:8090");
    assert_eq!(configuration.authorization_default, AuthorizationDefault::Confirm);
    assert_eq!(configuration.store, StoreKind::Embedded);
    assert_eq!(configuration.node.data_dir.to_str(), Some("data"));
    let users: Vec<String> = configuration.accounts.iter().map(|account| account.user.to_string()).collect();
    assert_eq!(users, ["wv:alice@wv.example", "wv:carol@wv.example", "sip:bob@sip.example", "sip:dave@sip.example"]);
    assert!(configuration.accounts.iter().all(|account| account.password.matches("secret")));
    let table = configuration.domain_table();
    assert_eq!(table.find(&Address::parse("x@sip.example").unwrap()).unwrap().side, Side::Simple);
    assert!(table.is_hosted(&Address::parse("x@wv.example").unwrap()));
}

#[test]
fn an_account_may_say_who_the_person_is() {
    let text = format!(
        "{DOMAINS}[[account]]\nuser=\"wv:a@wv.example\"\npassword=\"x\"\nfirst_name=\"Anna\"\nmsisdn=\"+49151\"\n\
         last_name=\"\"\nemail=\"anna@mail.example\"\n"
    );
    let person = read(&text).unwrap().accounts[0].person.clone();
    assert_eq!((person.first_name.as_deref(), person.last_name), (Some("Anna"), None));
    assert_eq!((person.email.as_deref(), person.msisdn.as_deref()), (Some("anna@mail.example"), Some("+49151")));
}

#[test]
fn defaults_of_limits_are_those_of_the_engine() {
    let limits = read(DOMAINS).unwrap().limits;
    assert_eq!(format!("{:?}", limits.engine), format!("{:?}", mapping::limit::Limits::default()));
    assert_eq!(limits.notify_interval_min, Duration::from_millis(5000));
    assert_eq!(limits.coalesce, Duration::from_millis(250));
    assert_eq!((limits.requests_per_s_per_source, limits.logins_per_minute_per_source), (200, 60));
}

#[test]
fn every_option_has_one_path_and_a_default_of_its_kind() {
    for (index, option) in OPTIONS.iter().enumerate() {
        assert!(!OPTIONS[..index].iter().any(|other| other.path == option.path), "{} twice", option.path);
        assert!(option.about.ends_with('.'), "{}", option.path);
        let fits = match (option.kind, option.default) {
            (_, Fallback::Required | Fallback::None(_)) => true,
            (Kind::Integer(min, max), Fallback::Integer(number)) => (min..=max).contains(&number),
            (Kind::Flag, Fallback::Flag(_)) | (Kind::List(_), Fallback::Texts(_)) => true,
            (Kind::Choice(words), Fallback::Text(word)) => words.contains(&word),
            (Kind::Integer(..) | Kind::Flag | Kind::List(_), _) => false,
            (_, Fallback::Text(_)) => true,
            _ => false,
        };
        assert!(fits, "{}", option.path);
    }
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let found = problems(
        r#"[node]
nam = "x"
data_dir = 7

[wv.access]
listen = "localhost"
keep_alive_max_s = 5
trusted_proxies = ["10.0.0.0/8", "10.0.0.0/99"]

[[domain]]
name = "wv.example"
side = "wv"
route = "registrar"

[[domain]]
name = "WV.example"
side = "wv"
route = "ssp:hme"

[[peer]]
name = "home"
uri = "ftp://x"
trusted = "yes"

[[account]]
user = "sip:bob@wv.example"
password = "x"

[[account]]
user = "wv:alice@other.example"

[authorization]
default = "confrm"

[limit]
x = 1
"#,
    );
    let expected = [
        "gw.toml:2:1: node.nam: there is no such key; did you mean \"name\"? (allowed: name, data_dir, ca_file, name_servers)",
        "gw.toml:3:12: node.data_dir: expected a text, found a whole number",
        "gw.toml:6:10: wv.access.listen: \"localhost\" is impossible: expected ADDRESS:PORT, such as 127.0.0.1:8080",
        "gw.toml:7:20: wv.access.keep_alive_max_s: 5 is outside 30..=2592000",
        "gw.toml:8:34: wv.access.trusted_proxies: \"10.0.0.0/99\" is impossible: expected a network such as 10.0.0.0/8",
        "gw.toml:13:9: domain[0].route: a domain on side wv is reached by access, ssp:PEER, csp-client:PEER or dns",
        "gw.toml:16:8: domain[1].name: \"wv.example\" is there twice; first in line 11",
    ];
    assert_eq!(found[..expected.len()], expected);
    assert!(found[expected.len()].starts_with("gw.toml:22:7: peer[0].uri: \"ftp://x\" is impossible"), "{found:#?}");
    let rest: Vec<&str> = found[expected.len() + 1..].iter().map(String::as_str).collect();
    assert_eq!(rest.len(), 6, "{rest:#?}");
    assert_eq!(rest[0], "gw.toml:23:11: peer[0].trusted: expected true or false, found a text");
    assert_eq!(rest[1], "gw.toml:26:8: account[0].user: a user of a domain on side wv is written wv:USER@DOMAIN");
    assert_eq!(rest[2], "gw.toml:29:1: account[1]: the key \"password\" is missing");
    assert!(rest[3].starts_with("gw.toml:30:8: account[1].user: the domain \"other.example\" is not hosted"));
    assert!(rest[4].contains("did you mean \"confirm\"? (allowed: allow, confirm, block)"));
    assert!(rest[5].contains("did you mean \"limits\"?"));
}

#[test]
fn features_that_are_not_there_are_named_honestly() {
    let text = format!("{DOMAINS}[store]\nkind=\"postgres\"\n");
    let found = problems(&text);
    assert_eq!(found.len(), 1);
    assert!(found.iter().all(|problem| problem.ends_with("is not available in this build yet")), "{found:?}");
}

#[test]
fn a_shadow_needs_a_server_and_stands_for_one_sip_user() {
    let served = "[[domain]]\nname=\"old.example\"\nside=\"wv\"\nroute=\"csp-client:old\"\n[[peer]]\nname=\"old\"\n\
                  uri=\"csp+http://127.0.0.1:8000/imps\"\nlogin=\"password\"\nobserve=true\n";
    let shadow =
        |user: &str, account: &str| format!("[[shadow]]\nuser=\"{user}\"\naccount=\"{account}\"\npassword=\"x\"\n");
    let one = shadow("sip:bob@sip.example", "wv:bob@old.example");
    let sidecar =
        "[wv.sidecar]\nlinger_s=5\nlogins_per_s=7\nconnections_max=3\nkeep_alive_s=60\ncir_methods=[\"SHTTP\"]\n";
    let text = format!("{sidecar}{DOMAINS}{served}{one}always_on=true\npublic_view=true\n");
    let read = Configuration::read(&Sources::from_text("gw.toml", &text)).unwrap();
    let told = read.wv_sidecar.unwrap();
    assert_eq!((told.linger.as_secs(), told.logins_per_s, told.connections_max), (5, 7, 3));
    assert_eq!((told.keep_alive.as_secs(), told.poll_interval.as_secs()), (60, 10));
    assert_eq!(told.cir_methods, ["SHTTP"]);
    assert!(read.shadows[0].always_on && read.shadows[0].public_view);
    assert!(read.peers[0].observe && read.peers[0].login == crate::config::section::PeerLogin::Password);
    for (shadows, reason) in [
        (shadow("wv:bob@sip.example", "wv:bob@old.example"), "a shadow stands for a sip: user"),
        (shadow("sip:bob@sip.example", "sip:bob@old.example"), "a shadow's account is a wv: account"),
        (shadow("sip:bob@sip.example", "wv:bob@wv.example"), "in a domain with the route csp-client:PEER"),
        (format!("{one}{one}"), "is there twice"),
    ] {
        let found = problems(&format!("{DOMAINS}{served}{shadows}"));
        assert!(found.iter().any(|problem| problem.contains(reason)), "{reason}: {found:?}");
    }
}

#[test]
fn routes_by_dns_and_by_several_peers_are_read() {
    let peer = |name: &str, more: &str| format!("[[peer]]\nname=\"{name}\"\nuri=\"sip:{name}.example\"\n{more}");
    let domain = |name: &str, side: &str, route: &str| {
        format!("[[domain]]\nname=\"{name}\"\nside=\"{side}\"\nroute=\"{route}\"\n")
    };
    let text = [
        "[node]\nname_servers=[\"192.0.2.53:53\", \"[2001:db8::53]:5353\"]\n[limits]\nquarantine_s=7\n".to_owned(),
        DOMAINS.to_owned(),
        peer("a", "probe_s=30\n"),
        peer("b", ""),
        domain("far.example", "simple", "peer:a, b"),
        domain("Found.example", "simple", "dns"),
        domain("wvfound.example", "wv", "dns"),
    ];
    let configuration = Configuration::read(&Sources::from_text("gw.toml", &text.concat())).unwrap();
    assert_eq!(configuration.node.name_servers.len(), 2);
    assert_eq!(configuration.limits.quarantine.as_secs(), 7);
    let probes: Vec<_> = configuration.peers.iter().map(|peer| peer.probe.map(|every| every.as_secs())).collect();
    assert_eq!(probes, [Some(30), None]);
    let route = |name: &str| {
        let domain = configuration.domains.iter().find(|domain| domain.name == name).unwrap();
        domain.route_name().map(|name| name.as_str().to_owned())
    };
    assert_eq!(route("far.example").as_deref(), Some("a,b"));
    assert_eq!(route("found.example").as_deref(), Some("dns:found.example"));
    assert!(configuration.wv_federation.is_some());
    let trusted = text.concat().replace("probe_s=30", "trusted=true");
    let found = problems(&trusted);
    assert!(found[0].ends_with("neighbours of one route are trusted alike and have the same user"), "{found:?}");
}

#[test]
fn a_peer_may_get_each_answer_by_itself() {
    let peers = "[[peer]]\nname=\"a\"\nuri=\"ssp+http://a.example\"\n\
                 [[peer]]\nname=\"b\"\nuri=\"ssp+http://b.example\"\nanswers_per_post=1\n";
    let text = format!("{DOMAINS}{peers}");
    let configuration = Configuration::read(&Sources::from_text("gw.toml", &text)).unwrap();
    let answers: Vec<usize> = configuration.peers.iter().map(|peer| peer.answers_per_post).collect();
    assert_eq!(answers, [32, 1]);
    assert_eq!(problems(&text.replace("answers_per_post=1", "answers_per_post=0")).len(), 1);
}

#[test]
fn certificates_of_domains_need_their_keys_and_one_for_all_others() {
    let domain = "[[domain]]\nname=\"d\"\nside=\"simple\"\nroute=\"registrar\"\ntls_certificate=\"d.pem\"\n";
    let found = problems(domain);
    assert_eq!(found.len(), 2, "{found:?}");
    let whole = format!("[simple]\ntls_certificate=\"a.pem\"\ntls_key=\"a.key\"\n{domain}tls_key=\"d.key\"\n");
    let configuration = Configuration::read(&Sources::from_text("gw.toml", &whole)).unwrap();
    let files = configuration.simple.unwrap().tls.unwrap().files;
    assert_eq!(files.by_name["d"].key.to_str(), Some("d.key"));
}

#[test]
fn a_map_needs_a_place_and_services_may_speak_tls() {
    let found = problems(&format!("[wv.access]\nmap_url=\"https://maps.example/\"\n{DOMAINS}"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("write {latitude} and {longitude} where the place stands"), "{found:?}");
    let text = format!(
        "[node]\nca_file=\"ca.pem\"\n[auth]\nbackend=\"http\"\nurl=\"https://auth.example/\"\n[wv.access]\n\
         strict_services=true\nmap_url=\"https://maps.example/{{latitude}}/{{longitude}}\"\n{DOMAINS}"
    );
    let configuration = Configuration::read(&Sources::from_text("gw.toml", &text)).unwrap();
    assert!(configuration.auth.unwrap().target.security().is_some());
    assert!(configuration.wv_access.unwrap().strict_services);
    assert_eq!(configuration.node.ca_file.unwrap().to_str(), Some("ca.pem"));
}

#[test]
fn a_text_that_is_no_toml_names_every_place() {
    let found = problems("[node\nname = \"a\"\n\n[x]\ny = = 3\n");
    assert!(found.iter().any(|problem| problem.starts_with("gw.toml:1:")), "{found:?}");
    assert!(found.iter().any(|problem| problem.starts_with("gw.toml:5:")), "{found:?}");
}

#[test]
fn a_route_to_a_peer_that_is_not_there_suggests_the_one_that_is() {
    let text = "[[peer]]\nname=\"core\"\nuri=\"sip:h\"\n[[domain]]\nname=\"d\"\nside=\"simple\"\nroute=\"peer:cor\"\n";
    let found = problems(text);
    assert_eq!(
        found,
        ["gw.toml:7:7: domain[0].route: no [[peer]] is called \"cor\"; did you mean \"core\"? (allowed: core)"]
    );
}

#[test]
fn environment_and_flags_are_checked_like_the_file() {
    let variables = [("WVSG__LIMITS__LINGER_S", "soon"), ("WVSG__NODE__NAM", "x"), ("OTHER", "y")];
    let sources = Sources::from_text("gw.toml", DOMAINS)
        .with_environment(variables.into_iter().map(|(name, value)| (name.into(), value.into())))
        .with_flag("admin.listen", "nowhere")
        .with_flag("wv.acces.listen", "127.0.0.1:1");
    let found: Vec<String> =
        Configuration::read(&sources).unwrap_err().as_slice().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "environment WVSG__LIMITS__LINGER_S: limits.linger_s: expected a whole number, found another text",
            "environment WVSG__NODE__NAM: node.nam: there is no such key; did you mean \"name\"? (allowed: name, data_dir, ca_file, name_servers)",
            "--set admin.listen: admin.listen: \"nowhere\" is impossible: expected ADDRESS:PORT, such as 127.0.0.1:8080",
            "--set wv.acces.listen: wv.acces.listen: there is no such key; did you mean \"access\"? (allowed: access, federation, sidecar)",
        ]
    );
}

#[test]
fn environment_wins_over_the_file_and_flags_over_both() {
    let variables = [("WVSG__LIMITS__LINGER_S", "2"), ("WVSG__SIMPLE__LISTEN", "udp:127.0.0.1:0")];
    let sources = Sources::from_text("gw.toml", DOMAINS)
        .with_environment(variables.into_iter().map(|(name, value)| (name.into(), value.into())))
        .with_flag("limits.linger_s", "3");
    let configuration = Configuration::read(&sources).unwrap();
    assert_eq!(configuration.limits.engine.linger, Duration::from_secs(3));
    assert_eq!(configuration.simple.unwrap().listen.len(), 1);
}

#[test]
fn a_list_is_overridden_with_commas_or_as_in_the_file() {
    let listens = |text: &str| {
        let sources = Sources::from_text("gw.toml", DOMAINS).with_flag("simple.listen", text);
        Configuration::read(&sources).unwrap().simple.unwrap().listen
    };
    let both = listens("udp:127.0.0.1:0, tcp:[::1]:0");
    assert_eq!(both.len(), 2);
    assert_eq!(listens("[\"udp:127.0.0.1:0\", \"tcp:[::1]:0\"]"), both);
}

#[test]
fn open_authentication_stays_on_loopback_and_listeners_do_not_collide() {
    let text = format!(
        "{DOMAINS}[wv.access]\nlisten=\"127.0.0.1:8090\"\n[simple]\nlisten=[\"udp:0.0.0.0:5060\"]\n\
         authentication=\"insecure_open\"\n"
    );
    let found = problems(&text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("same address") && found[1].contains("simple.advertise"), "{found:?}");
    assert!(found[2].contains("loopback"), "{found:?}");
}

#[test]
fn secrets_are_not_in_messages_or_debug() {
    let text = format!("{DOMAINS}[[account]]\nuser=\"wv:a@wv.example\"\npassword=\"swordfish\"\n");
    assert!(!format!("{:?}", read(&text).unwrap()).contains("swordfish"));
    assert!(!format!("{:?}", Sources::from_text("f", &text)).contains("swordfish"));
    let text = format!("{DOMAINS}[[account]]\nuser=\"a\"\npassword=\"swordfish\"\n");
    assert!(!problems(&text).join("").contains("swordfish"));
}

#[test]
fn a_section_that_nobody_needs_stays_away() {
    let configuration = read(DOMAINS).unwrap();
    assert!(configuration.wv_access.is_some() && configuration.simple.is_none());
    assert!(configuration.wv_federation.is_none());
}

proptest! {
    #[test]
    fn no_text_is_too_strange_to_be_judged(text in "[\\PC\n\t]{0,200}") {
        let _ = read(&text).map_err(|problems| problems.to_string());
    }

    #[test]
    fn a_default_with_a_hole_is_judged(at in 0_usize..1000, length in 1_usize..40, filling in "[\\[\\]\"=.a-z0-9\n]{0,8}") {
        let mut characters: Vec<char> = EMBEDDED_DEFAULT.chars().collect();
        let start = at.min(characters.len());
        let end = (start + length).min(characters.len());
        characters.splice(start..end, filling.chars());
        let text: String = characters.into_iter().collect();
        if let Err(problems) = read(&text) {
            prop_assert!(!problems.as_slice().is_empty());
        }
    }
}
