//! A SIP client that is not ours (SIPp): at the built-in registrar with digest, and behind a Kamailio to which the gateway
//! is a trusted peer. Presence, authorisation and messages in both directions.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    certificate::Authority,
    kamailio::{self, Kamailio},
    phone::Phone,
    port,
    product::{self, Gateway, Setup},
    sipp::{Call, Sipp},
    tool, wait,
};
use gateway::peer::Puppet;
use std::net::SocketAddr;
use wv_proto::{
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    version::{Encoding, Version},
};

/// A foreign client: a user at a server.
#[derive(Clone, Copy, Debug)]
struct Client<'a> {
    server: SocketAddr,
    user: &'a str,
    domain: &'a str,
}

impl Client<'_> {
    fn call<'a>(&'a self, scenario: &'a str, keys: &[(&'a str, &str)]) -> Call<'a> {
        let keys = keys.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let keys = keys.collect();
        Call { scenario, server: self.server, user: self.user, domain: self.domain, keys }
    }

    /// Listens for one message, on a port that it registers.
    fn receive_one(&self) -> Sipp {
        let port = port::free();
        let receiver = self.call("message_receive", &[]).start_on(port);
        self.call("register", &[("contact_port", &port.to_string()), ("lifetime", "600")]).run();
        receiver
    }
}

fn text_status(list: &PresenceSubList) -> Option<String> {
    list.attributes.iter().find_map(|attribute| match attribute {
        PresenceAttribute::StatusText(value) => value.valid_value().map(|text| text.to_string()),
        _ => None,
    })
}

fn is_online(list: &PresenceSubList) -> Option<bool> {
    list.attributes.iter().find_map(|attribute| match attribute {
        PresenceAttribute::OnlineStatus(value) => value.valid_value().copied(),
        _ => None,
    })
}

/// Messages in both directions.
fn exchange_messages(phone: &mut Phone, client: &Client<'_>) {
    let (name, domain) = (client.user, client.domain);
    let in_wv = format!("wv:{name}@{domain}");
    let wv_in_sip = phone.user().replacen("wv:", "sip:", 1);
    let receiver = client.receive_one();
    let response = phone.send(&[&in_wv], "from the phone", false).unwrap();
    assert_eq!(response.result.code.number(), 200);
    let messages = receiver.finish();
    assert!(messages.contains("from the phone"), "{messages}");
    client.call("message_send", &[("target", &wv_in_sip), ("text", "from the foreign client")]).run();
    phone.expect("the message of the foreign client", |told| match told {
        wv_proto::primitive::Primitive::NewMessage(message) => {
            acceptance::phone::text_of(message)?.contains("from the foreign client").then_some(())
        }
        _ => None,
    });
}

/// The foreign client watches the phone: pending, allowed, active with the presence.
fn be_watched(phone: &mut Phone, client: &Client<'_>, scenario: &str) {
    let in_wv = format!("wv:{}@{}", client.user, client.domain);
    let wv_in_sip = phone.user().replacen("wv:", "sip:", 1);
    let watcher = client.call(scenario, &[("target", &wv_in_sip)]).start();
    wait::until("the pending NOTIFY", wait::PATIENCE, || watcher.messages().contains("pending").then_some(()));
    phone.decide(&in_wv, true);
    let messages = watcher.finish();
    assert!(messages.contains("application/pidf+xml"), "{messages}");
}

/// The phone watches the foreign client and sees what that publishes.
fn watch(phone: &mut Phone, client: &Client<'_>) {
    let in_wv = format!("wv:{}@{}", client.user, client.domain);
    assert_eq!(phone.watch(&in_wv), 200);
    client.call("publish", &[("basic", "open"), ("note", "foreign and here")]).run();
    phone.expect_presence(&in_wv, |list| {
        (text_status(list)? == "foreign and here" && is_online(list) != Some(false)).then_some(())
    });
}

#[test]
fn a_sip_client_at_the_registrar_with_digest() {
    if tool::find("sipp").is_none() {
        return;
    }
    let gateway = Setup::embedded().start();
    let bob = Client { server: gateway.sip(), user: "bob", domain: "sip.example" };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Wbxml);
    case("IWF-GEN-INT-010", How::Foreign, || {
        let registered = bob.call("register", &[("contact_port", "9"), ("lifetime", "600")]).run();
        assert!(registered.contains("SIP/2.0 401") && registered.contains("Digest"), "{registered}");
        bob.call("register", &[("contact_port", "9"), ("lifetime", "0")]).run();
    });
    exchange_messages(&mut alice, &bob);
    // SIPp knows one Digest URI for a whole scenario, so it cannot prove itself inside a dialog.
    case("IWF-SUB-INT-028", How::Foreign, || be_watched(&mut alice, &bob, "watch_pending_stay"));
    alice.publish(vec![PresenceAttribute::StatusText(Qualified::valid("seen by a foreign client".into()))]);
    // Somebody who has been watching shows by this that he agrees to be watched.
    let watcher = bob.call("watch_stay", &[("target", "sip:alice@wv.example")]).start();
    wait::until("an active NOTIFY", wait::PATIENCE, || {
        let messages = watcher.messages();
        (messages.contains("active;") && messages.contains("seen by a foreign client")).then_some(())
    });
    watch(&mut alice, &bob);
}

/// A gateway to which a Kamailio is the SIMPLE domain `simple.test`.
fn gateway_at_kamailio(port: u16) -> Gateway {
    let text = std::fs::read_to_string(acceptance::repository().join("tests/lab/kamailio/gateway.toml")).unwrap();
    Setup::configured(&text.replace("127.0.0.1:25060", &format!("127.0.0.1:{port}"))).start()
}

#[test]
fn a_sip_client_behind_kamailio() {
    let port = kamailio::free_port();
    let gateway = gateway_at_kamailio(port);
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &[]) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    case("IWF-MSG-INT-001", How::Foreign, || exchange_messages(&mut alice, &bob));
    case("IWF-SUB-INT-028", How::Foreign, || be_watched(&mut alice, &bob, "watch_pending"));
    // Nothing is seen before the presentity's own server says that it may be.
    let in_wv = "wv:bob@simple.test";
    case("IWF-SUB-INT-007", How::Foreign, || {
        bob.call("publish", &[("basic", "open"), ("note", "not yet")]).run();
        assert_eq!(alice.watch(in_wv), 200);
        kamailio.put_rules("bob", &["sip:alice@wv.test"], &[]);
        alice.expect_presence(in_wv, |list| (text_status(list)? == "not yet").then_some(()));
    });
    case("IWF-SUB-INT-001", How::Foreign, || {
        kamailio.put_rules("dave", &["sip:alice@wv.test"], &[]);
        let dave = Client { user: "dave", ..bob };
        watch(&mut alice, &dave);
    });
    case("IWF-SUB-INT-008", How::Foreign, || {
        kamailio.put_rules("carol", &[], &["sip:alice@wv.test"]);
        assert_eq!(alice.watch("wv:carol@simple.test"), 200);
        alice.expect_presence("wv:carol@simple.test", |list| {
            let refused = list.attributes.iter().all(|attribute| !format!("{attribute:?}").contains("Some(true)"));
            (refused && !list.attributes.is_empty()).then_some(())
        });
    });
}

#[test]
fn a_sip_client_behind_kamailio_over_tls_with_certificates_on_both_sides() {
    let Some(authority) = Authority::new() else { return };
    let (port, tls, own) = (kamailio::free_port(), kamailio::free_port(), kamailio::free_port());
    let certified = authority.sign("gateway", "DNS:wv.test,IP:127.0.0.1");
    let text = std::fs::read_to_string(acceptance::repository().join("tests/lab/kamailio/gateway.toml")).unwrap();
    let text = text
        .replace("sip:127.0.0.1:25060;transport=udp", &format!("sip:127.0.0.1:{tls};transport=tls"))
        .replace("trusted = true", "trusted = true\ntls_name = \"simple.test\"")
        .replace("\n[simple]\n", &format!("\n[simple]\n{}", certified.to_toml()));
    let authorities = authority.file().display().to_string();
    let plain = kamailio::free_port();
    let gateway = Setup::configured(&text)
        .with(&format!("simple.listen=udp:127.0.0.1:{plain},tls:127.0.0.1:{own}"))
        .with(&format!("simple.tls_authorities={authorities}"))
        .start();
    let Some(kamailio) = Kamailio::start_protected(([127, 0, 0, 1], own).into(), port, tls, &authority) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    exchange_messages(&mut alice, &bob);
    be_watched(&mut alice, &bob, "watch_pending");
    watch(&mut alice, &bob);
    // The same words from an address that has proven nothing are those of a stranger.
    let mut stranger = Agent::new(([127, 0, 0, 1], plain).into(), "bob@simple.test");
    assert_eq!(stranger.send("sip:alice@wv.test", "believe me"), Ok(403));
}

#[test]
fn rfc3261_22_2_a_kamailio_that_challenges_the_gateway_is_answered() {
    let port = kamailio::free_port();
    let text = std::fs::read_to_string(acceptance::repository().join("tests/lab/kamailio/gateway.toml")).unwrap();
    let text = text.replace("127.0.0.1:25060", &format!("127.0.0.1:{port}"));
    let with = text.replace("trusted = true", "trusted = true\nuser = \"gateway\"\npassword = \"lab\"");
    let gateway = Setup::configured(&with).start();
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &["WITH_OPEN", "WITH_AUTH_GW"]) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    case("IWF-GEN-INT-010", How::Foreign, || {
        exchange_messages(&mut alice, &bob);
        // The nonce is known now, and used again.
        let receiver = bob.receive_one();
        let response = alice.send(&["wv:bob@simple.test"], "once more", false).unwrap();
        assert_eq!(response.result.code.number(), 200);
        assert!(receiver.finish().contains("once more"));
        watch(&mut alice, &bob);
    });
    // With a wrong password, or with none, a challenge is a refusal.
    for wrong in [with.replace("password = \"lab\"", "password = \"wrong\""), text] {
        let gateway = Setup::configured(&wrong).start();
        let mut carol = Phone::logged_in(gateway.csp(), "wv:carol@wv.test", Version::V1_2, Encoding::Wbxml);
        let receiver = bob.receive_one();
        carol.send(&["wv:bob@simple.test"], "never seen", false).unwrap();
        assert!(!receiver.messages().contains("never seen"));
    }
}

#[test]
fn rfc3903_4_a_kamailio_is_the_presence_server_of_the_phones() {
    let port = kamailio::free_port();
    let text = std::fs::read_to_string(acceptance::repository().join("tests/lab/kamailio/gateway.toml")).unwrap();
    let text = text
        .replace("127.0.0.1:25060", &format!("127.0.0.1:{port}"))
        .replace("route = \"access\"", "route = \"access\"\npresence_server = \"core\"")
        .replace("trusted = true", "trusted = true\nuser = \"gateway\"\npassword = \"lab\"");
    let gateway = Setup::configured(&text).start();
    let switches = ["WITH_OPEN", "WITH_GW_PRESENCE", "WITH_AUTH_GW"];
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &switches) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    // Kamailio tells what it was told, and asks nobody.
    let sees = |text: &str| {
        let watcher = bob.call("watch_stay", &[("target", "sip:alice@wv.test")]).start();
        wait::until("the published presence", wait::PATIENCE, || watcher.messages().contains(text).then_some(()));
        watcher.messages()
    };
    alice.publish(vec![PresenceAttribute::StatusText(Qualified::valid("published".into()))]);
    wait::until("the publication", wait::PATIENCE, || {
        let (_, told) = gateway.ask(&["show", "publications", "--json"]);
        told.contains("Published").then_some(())
    });
    let messages = sees("published");
    assert!(messages.contains("<basic>open</basic>"), "{messages}");
    alice.publish(vec![PresenceAttribute::StatusText(Qualified::valid("changed".into()))]);
    sees("changed");
    assert_eq!(alice.ask(wv_proto::primitive::Primitive::LogoutRequest), 200);
    wait::until("the end of the publication", wait::PATIENCE, || {
        let (_, told) = gateway.ask(&["show", "publications", "--json"]);
        (!told.contains("alice")).then_some(())
    });
}

#[test]
fn a_scripted_phone_in_its_own_process_and_a_sip_client_behind_kamailio() {
    let port = kamailio::free_port();
    let gateway = gateway_at_kamailio(port);
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &["WITH_OPEN"]) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = gateway.csp_uri();
        let arguments = ["--url", &url, "--user", "wv:alice@wv.test", "--password", "secret"];
        let mut alice = Puppet::wv(product::program(), arguments).unwrap();
        let is_good = |told: &serde_json::Value| told["code"] == 200;
        alice.command("login").await.unwrap();
        alice.expect("logged_in", |_| true, wait::PATIENCE).await.unwrap();

        let receiver = bob.receive_one();
        alice.ask("send bob@simple.test from its own process", "answer", is_good, wait::PATIENCE).await.unwrap();
        assert!(receiver.finish().contains("from its own process"));
        bob.call("message_send", &[("target", "sip:alice@wv.test"), ("text", "from the foreign client")]).run();
        let is_it = |told: &serde_json::Value| told["text"].as_str().unwrap_or_default().contains("foreign client");
        alice.expect("message", is_it, wait::PATIENCE).await.unwrap();

        let watcher = bob.call("watch_pending", &[("target", "sip:alice@wv.test")]).start();
        let is_bob = |told: &serde_json::Value| told["watcher"] == "bob@simple.test";
        alice.expect("authorization_asked", is_bob, wait::PATIENCE).await.unwrap();
        wait::until("the pending NOTIFY", wait::PATIENCE, || watcher.messages().contains("pending").then_some(()));
        alice.ask("accept bob@simple.test", "answer", is_good, wait::PATIENCE).await.unwrap();
        assert!(watcher.finish().contains("application/pidf+xml"));

        alice.ask("watch bob@simple.test", "answer", is_good, wait::PATIENCE).await.unwrap();
        bob.call("publish", &[("basic", "open"), ("note", "seen by the scripted phone")]).run();
        let is_seen = |told: &serde_json::Value| told["text"] == "seen by the scripted phone" && told["online"] == true;
        alice.expect("presence", is_seen, wait::PATIENCE).await.unwrap();
        assert!(alice.quit(wait::PATIENCE).await.unwrap().success());
    });
}

#[test]
fn rfc3857_4_8_a_kamailio_tells_the_phone_who_waits_there() {
    let port = kamailio::free_port();
    let text = std::fs::read_to_string(acceptance::repository().join("tests/lab/kamailio/gateway.toml")).unwrap();
    let text = text
        .replace("127.0.0.1:25060", &format!("127.0.0.1:{port}"))
        .replace("route = \"access\"", "route = \"access\"\npresence_server = \"core\"\nwatcher_info = true");
    let gateway = Setup::configured(&text).start();
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &["WITH_GW_PRESENCE"]) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    wait::until("the watcher information", wait::PATIENCE, || {
        let (_, told) = gateway.ask(&["show", "dialogs", "--json"]);
        (told.contains("subscriber") && told.contains("Active")).then_some(())
    });
    // Without presence rules Kamailio lets bob wait, and says so.
    let watcher = bob.call("watch_pending", &[("target", "sip:alice@wv.test")]).start();
    wait::until("the pending NOTIFY", wait::PATIENCE, || watcher.messages().contains("pending").then_some(()));
    alice.decide("wv:bob@simple.test", true);
}

#[test]
fn rfc3261_10_2_a_kamailio_finds_the_phone_where_the_gateway_registered_it() {
    let port = kamailio::free_port();
    let text = std::fs::read_to_string(acceptance::repository().join("tests/lab/kamailio/gateway.toml")).unwrap();
    let text = text
        .replace("127.0.0.1:25060", &format!("127.0.0.1:{port}"))
        .replace("route = \"access\"", "route = \"access\"\nregistrar = \"core\"")
        .replace("trusted = true", "trusted = true\nuser = \"gateway\"\npassword = \"lab\"");
    let gateway = Setup::configured(&text).start();
    let switches = ["WITH_OPEN", "WITH_GW_REGISTRAR"];
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &switches) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let wait_until_registered = |wanted: bool| {
        wait::until("the registration", wait::PATIENCE, || {
            let (_, told) = gateway.ask(&["show", "sessions", "--json"]);
            (told.contains("\"Registered\"") == wanted).then_some(())
        });
    };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    wait_until_registered(true);
    case("IWF-SES-INT-011", How::Foreign, || {
        exchange_messages(&mut alice, &bob);
        be_watched(&mut alice, &bob, "watch_pending");
        assert_eq!(alice.ask(wv_proto::primitive::Primitive::LogoutRequest), 200);
        wait_until_registered(false);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        let local = socket.local_addr().unwrap();
        let request = format!(
            "MESSAGE sip:alice@wv.test SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bKgone\r\n\
             Max-Forwards: 70\r\nFrom: <sip:bob@simple.test>;tag=1\r\nTo: <sip:alice@wv.test>\r\nCall-ID: gone\r\n\
             CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(request.as_bytes(), kamailio.address()).unwrap();
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(answer.starts_with("SIP/2.0 404 Not Registered"), "{answer}");
    });
}

#[test]
fn rfc3428_7_a_kamailio_keeps_what_is_sent_to_who_is_away() {
    let port = kamailio::free_port();
    let gateway = gateway_at_kamailio(port);
    let Some(kamailio) = Kamailio::start(gateway.sip(), port, &["WITH_OPEN"]) else { return };
    let bob = Client { server: kamailio.address(), user: "bob", domain: kamailio::DOMAIN };
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.test", Version::V1_2, Encoding::Wbxml);
    let response = alice.send(&["wv:bob@simple.test"], "kept for later", false).unwrap();
    assert_eq!(response.result.code.number(), 200);
    let messages = bob.receive_one().finish();
    assert!(messages.contains("Offline message") && messages.contains("kept for later"), "{messages}");
}
