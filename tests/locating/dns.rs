//! Domains that DNS leads to.

use super::*;
use acceptance::{
    agent::Carrier,
    catalogue::{How, case},
    certificate::{Authority, Certified},
    port,
};
use gateway::tls::{
    TlsFiles, TlsKeeper,
    domain::{ClientProof, DomainTlsFiles, DomainTlsKeeper, connector_without_certificate},
};
use std::{collections::BTreeMap, time::Duration};
use tokio_rustls::TlsAcceptor;

#[test]
fn rfc3263_4_1_a_domain_by_dns_is_reached_over_the_transport_that_naptr_prefers() {
    let (mut udp, mut other) = (server(), server());
    let records = records()
        .naptr("far.example", 20, "SIP+D2T", "_other._tcp.far.example")
        .naptr("far.example", 10, "SIP+D2U", "_chosen._udp.far.example")
        .srv("_chosen._udp.far.example", (0, 0), udp.port(), "host.far.example")
        .srv("_other._tcp.far.example", (0, 0), other.port(), "host.far.example")
        .srv("_sip._udp.far.example", (0, 0), other.port(), "host.far.example");
    let Some(names) = NameServer::start(&records) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
    let mut phone = phone(&gateway);
    assert_eq!(send(&mut phone, "found by NAPTR"), 200);
    let message = udp.expect_text("found by NAPTR");
    assert_eq!(message.uri().to_string(), "sip:bob@far.example");
    assert_eq!(send(&mut phone, "found again"), 200);
    udp.expect_text("found again");
    assert!(messages(&mut other).is_empty());
    // What holds is not asked for again: one question of each kind and name.
    let log = names.log();
    assert_eq!(log.matches("query[NAPTR] far.example").count(), 1, "{log}");
    assert_eq!(log.matches("query[SRV] _chosen._udp.far.example").count(), 1, "{log}");
}

#[test]
fn rfc3263_4_2_without_records_of_services_the_domain_is_reached_at_its_own_address() {
    let mut far = server();
    let Some(names) = NameServer::start(&Records::default().host("core.example", "127.0.0.1")) else { return };
    let domains = format!(
        "[[peer]]\nname = \"core\"\nuri = \"sip:core.example:{}\"\ntrusted = true\n\n\
         [[domain]]\nname = \"far.example\"\nside = \"simple\"\nroute = \"peer:core\"\n",
        far.port()
    );
    let gateway = gateway(&domains, Some(&names), &[]);
    assert_eq!(send(&mut phone(&gateway), "by A"), 200);
    far.expect_text("by A");
}

#[test]
fn rfc3263_4_3_a_server_that_fails_is_passed_over_for_the_next() {
    let (mut first, mut second) = (server(), server());
    let records = records().srv("_sip._udp.far.example", (1, 0), first.port(), "host.far.example").srv(
        "_sip._udp.far.example",
        (2, 0),
        second.port(),
        "host.far.example",
    );
    let Some(names) = NameServer::start(&records) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &["limits.quarantine_s=3600"]);
    let mut phone = phone(&gateway);
    first.answer_messages(503);
    assert_eq!(send(&mut phone, "to whoever serves"), 200);
    let (served, refused) = (second.expect_text("to whoever serves"), first.expect_text("to whoever serves"));
    let ((call_id, sequence, branch), other) = (identity(&served), identity(&refused));
    assert_eq!((&call_id, &sequence), (&other.0, &other.1), "the request is the same");
    assert_ne!(branch, other.2, "its transaction is not");
    // RFC 3261 §21.5.4: it is left alone for a while.
    for number in 0..5 {
        assert_eq!(send(&mut phone, &format!("number {number}")), 200);
        second.expect_text(&format!("number {number}"));
    }
    assert!(messages(&mut first).is_empty(), "a server that refused is asked again");
}

#[test]
fn iwf_sub_int_013_a_subscription_that_is_refused_by_503_begins_at_the_next_server() {
    case("IWF-SUB-INT-013", How::Sockets, || {
        let (mut first, mut second) = (server(), server());
        let records = records().srv("_sip._udp.far.example", (1, 0), first.port(), "host.far.example").srv(
            "_sip._udp.far.example",
            (2, 0),
            second.port(),
            "host.far.example",
        );
        let Some(names) = NameServer::start(&records) else { return };
        let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
        let mut phone = phone(&gateway);
        first.answer_presence(503);
        assert_eq!(phone.watch("wv:bob@far.example"), 200);
        let is_subscribe = |request: &Request| (*request.method() == Method::Subscribe).then(|| request.clone());
        let refused = first.expect("SUBSCRIBE", is_subscribe);
        let served = second.expect("SUBSCRIBE", is_subscribe);
        assert_eq!(identity(&refused).0, identity(&served).0);
        assert_ne!(identity(&refused).2, identity(&served).2);
        // The first is not used again for as long as it said, or 30 seconds.
        assert_eq!(phone.watch("wv:carol@far.example"), 200);
        second.expect("SUBSCRIBE", is_subscribe);
        assert!(first.take_requests(&Method::Subscribe).is_empty());
    });
}

#[test]
fn rfc3263_4_3_a_connection_that_is_refused_is_a_failure() {
    let mut second = server();
    let records = records()
        .naptr("far.example", 10, "SIP+D2T", "_sip._tcp.far.example")
        .naptr("far.example", 20, "SIP+D2U", "_sip._udp.far.example")
        .srv("_sip._tcp.far.example", (0, 0), port::free(), "host.far.example")
        .srv("_sip._udp.far.example", (0, 0), second.port(), "host.far.example");
    let Some(names) = NameServer::start(&records) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
    assert_eq!(send(&mut phone(&gateway), "not over TCP"), 200);
    second.expect_text("not over TCP");
}

#[test]
fn rfc3263_4_1_what_is_offered_over_tls_is_never_sent_in_clear() {
    let Some(authority) = Authority::new() else { return };
    let (own, mut clear) = (authority.sign("gateway", "DNS:wv.example"), server());
    let records = records()
        .naptr("far.example", 10, "SIPS+D2T", "_sips._tcp.far.example")
        .naptr("far.example", 20, "SIP+D2U", "_sip._udp.far.example")
        // Nobody is there.
        .srv("_sips._tcp.far.example", (0, 0), port::free(), "host.far.example")
        .srv("_sip._udp.far.example", (0, 0), clear.port(), "host.far.example");
    let Some(names) = NameServer::start(&records) else { return };
    let listen = format!("simple.listen=udp:127.0.0.1:{0},tls:127.0.0.1:{1}", port::free(), port::free());
    let settings = [
        listen,
        format!("simple.tls_certificate={}", own.certificate.display()),
        format!("simple.tls_key={}", own.key.display()),
        format!("simple.tls_authorities={}", authority.file().display()),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let gateway = gateway(FAR_BY_DNS, Some(&names), &settings);
    // It is tried again later, and still not in clear.
    assert_eq!(send(&mut phone(&gateway), "not in clear"), 200);
    assert!(names.log().contains("query[SRV] _sips._tcp.far.example"), "{}", names.log());
    assert!(messages(&mut clear).is_empty(), "it was sent in clear");
}

#[test]
fn rfc5509_3_presence_and_messages_of_a_domain_may_have_servers_of_their_own() {
    let (mut presence, mut messages) = (server(), server());
    let records = records().srv("_pres._sip.far.example", (0, 0), presence.port(), "host.far.example").srv(
        "_im._sip.far.example",
        (0, 0),
        messages.port(),
        "host.far.example",
    );
    let Some(names) = NameServer::start(&records) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
    let mut phone = phone(&gateway);
    assert_eq!(send(&mut phone, "to the server of messages"), 200);
    messages.expect_text("to the server of messages");
    assert_eq!(phone.watch("wv:bob@far.example"), 200);
    presence.expect("SUBSCRIBE", |request| (*request.method() == Method::Subscribe).then_some(()));
    assert!(messages.take_requests(&Method::Subscribe).is_empty());
}

#[test]
fn rfc2782_weights_share_the_requests() {
    let (mut heavy, mut light) = (server(), server());
    let records = records().srv("_sip._udp.far.example", (0, 90), heavy.port(), "host.far.example").srv(
        "_sip._udp.far.example",
        (0, 10),
        light.port(),
        "host.far.example",
    );
    let Some(names) = NameServer::start(&records) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
    let mut phone = phone(&gateway);
    for number in 0..100 {
        assert_eq!(send(&mut phone, &format!("number {number}")), 200);
    }
    let (mut at_heavy, mut at_light) = (0, 0);
    wait::until("a hundred messages", wait::PATIENCE, || {
        at_heavy += messages(&mut heavy).len();
        at_light += messages(&mut light).len();
        (at_heavy + at_light >= 100).then_some(())
    });
    // Nine in ten, and hardly ever fewer than three in four or all.
    assert!((75..=99).contains(&at_heavy), "{at_heavy} to {at_light}");
}

#[test]
fn rfc3263_4_a_domain_without_servers_is_not_reached_and_said_to_be_unknown() {
    let Some(names) = NameServer::start(&Records::default()) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
    let code = send(&mut phone(&gateway), "to nobody");
    assert_eq!(code, 516, "unknown domain");
}

#[test]
fn s_dns_05_answers_hold_when_the_name_server_is_gone() {
    let mut far = server();
    let records = records().srv("_sip._udp.far.example", (0, 0), far.port(), "host.far.example");
    let Some(mut names) = NameServer::start(&records) else { return };
    let gateway = gateway(FAR_BY_DNS, Some(&names), &[]);
    let mut phone = phone(&gateway);
    assert_eq!(send(&mut phone, "asked"), 200);
    far.expect_text("asked");
    names.stop();
    assert_eq!(send(&mut phone, "remembered"), 200);
    far.expect_text("remembered");
}

#[test]
fn rfc3325_5_a_neighbour_that_is_configured_by_name_is_known_by_where_it_sends_from() {
    let Some(mut names) = NameServer::start(&Records::default()) else { return };
    let domains = "[[peer]]\nname = \"core\"\nuri = \"sip:core.example\"\ntrusted = true\n\n\
         [[domain]]\nname = \"far.example\"\nside = \"simple\"\nroute = \"peer:core\"\n";
    {
        let gateway = gateway(domains, Some(&names), &[]);
        // Nobody knows yet where core.example is: whoever says to be it is a stranger.
        let mut stranger = Agent::new(gateway.sip(), "bob@far.example");
        assert_eq!(stranger.send("sip:alice@wv.example", "from a stranger").unwrap(), 403);
    }
    // Told by DNS before anything is sent to it.
    let at = port::free();
    names.change(&records().srv("_sip._udp.core.example", (0, 0), at, "host.far.example"));
    let gateway = gateway(domains, Some(&names), &[]);
    let mut phone = phone(&gateway);
    let mut core = Agent::at(gateway.sip(), "bob@far.example", at);
    wait::until("the neighbour to be known", Duration::from_secs(10), || {
        (core.send("sip:alice@wv.example", "from the neighbour").unwrap() == 200).then_some(())
    });
    phone.expect_text("from the neighbour");
}

/// The far domain's server, which proves to be what the certificate names; or a stranger without one.
fn protected_agent(authority: &Authority, own: Option<&Certified>, port: u16, user: &str) -> Agent {
    let shown = authority.sign("listener", "IP:127.0.0.1");
    let files = |files: &Certified| TlsFiles { certificate: files.certificate.clone(), key: files.key.clone() };
    let connector = match own {
        None => connector_without_certificate(Some(&authority.file())).unwrap(),
        Some(own) => {
            let files = DomainTlsFiles {
                own: files(own),
                authorities: Some(authority.file()),
                clients: ClientProof::Optional,
                towards: BTreeMap::new(),
                by_name: BTreeMap::new(),
            };
            DomainTlsKeeper::open(&files).unwrap().subscribe().connector("wv.example")
        }
    };
    let acceptor = TlsAcceptor::from(TlsKeeper::prepare(&files(&shown)).unwrap());
    let server = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    Agent::over(Carrier::Tls(connector, "wv.example".to_owned(), acceptor), server, user)
}

#[test]
fn rfc5922_7_4_a_domain_by_dns_that_proves_itself_speaks_for_its_own_users() {
    let Some(authority) = Authority::new() else { return };
    let Some(names) = NameServer::start(&Records::default()) else { return };
    let (own, far) = (authority.sign("gateway", "DNS:wv.example"), authority.sign("far", "URI:sip:far.example"));
    let tls = port::free();
    let settings = [
        format!("simple.listen=udp:127.0.0.1:{},tls:127.0.0.1:{tls}", port::free()),
        format!("simple.tls_certificate={}", own.certificate.display()),
        format!("simple.tls_key={}", own.key.display()),
        format!("simple.tls_authorities={}", authority.file().display()),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let domains = format!("{FAR_BY_DNS}\n[[domain]]\nname = \"third.example\"\nside = \"simple\"\nroute = \"dns\"\n");
    let gateway = gateway(&domains, Some(&names), &settings);
    let mut phone = phone(&gateway);
    let send = |own: Option<&Certified>, user: &str, text: &str| {
        protected_agent(&authority, own, tls, user).send("sip:alice@wv.example", text).unwrap()
    };
    assert_eq!(send(Some(&far), "bob@far.example", "proven"), 200);
    phone.expect_text("proven");
    assert_eq!(send(Some(&far), "bob@third.example", "of another domain"), 403);
    assert_eq!(send(None, "bob@far.example", "not proven"), 403);
}
