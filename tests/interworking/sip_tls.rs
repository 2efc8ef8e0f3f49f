//! SIP over TLS at a running gateway: users, neighbours, certificates that change.

use acceptance::{
    certificate::{Authority, Certified},
    phone::Phone,
    port,
    product::{self, Gateway, Setup},
    wait,
};
use gateway::peer::Puppet;
use serde_json::Value;
use tokio::runtime::Runtime;
use wv_proto::version::{Encoding, Version};

const PATIENCE: std::time::Duration = wait::PATIENCE;

/// A gateway with a listener for TLS.
struct Protected {
    gateway: Gateway,
    authority: Authority,
    port: u16,
}

impl Protected {
    fn start(names: &str, more: &[&str]) -> Option<Self> {
        let authority = Authority::new()?;
        let own = authority.sign("gateway", names);
        let (port, plain) = (port::free(), port::free());
        let file = |path: &std::path::Path| path.display().to_string();
        let mut setup = Setup::configured(include_str!("../../gateway/src/config/default.toml"))
            .with(&format!("simple.listen=udp:127.0.0.1:{plain},tcp:127.0.0.1:{plain},tls:127.0.0.1:{port}"))
            .with(&format!("simple.tls_certificate={}", file(&own.certificate)))
            .with(&format!("simple.tls_key={}", file(&own.key)))
            .with(&format!("simple.tls_authorities={}", file(&authority.file())));
        for setting in more {
            setup = setup.with(setting);
        }
        Some(Self { gateway: setup.start(), authority, port })
    }

    fn phone(&self, user: &str) -> Phone {
        Phone::logged_in(self.gateway.csp(), user, Version::V1_2, Encoding::Wbxml)
    }

    /// A scripted agent, in a process of its own.
    async fn agent(&self, user: &str) -> Puppet {
        let server = format!("tls:127.0.0.1:{}", self.port);
        let authorities = self.authority.file().display().to_string();
        let arguments = ["--server", &server, "--user", user, "--tls-authorities", &authorities];
        Puppet::sip(product::program(), arguments).unwrap()
    }
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

fn is_200(told: &Value) -> bool {
    told["code"] == 200
}

const OPTIONS: &str = "OPTIONS sip:sip.example SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKtls1\r\n\
    Max-Forwards: 70\r\nFrom: <sip:probe@sip.example>;tag=1\r\nTo: <sip:sip.example>\r\nCall-ID: tls-probe\r\n\
    CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

#[test]
fn rfc3261_26_2_a_user_over_tls_exchanges_messages_and_presence_with_a_phone() {
    let Some(protected) = Protected::start("DNS:sip.example", &[]) else { return };
    let mut phone = protected.phone("wv:alice@wv.example");
    runtime().block_on(async {
        let mut agent = protected.agent("sip:bob@sip.example").await;
        agent.expect("registered", |_| true, PATIENCE).await.unwrap();
        agent.ask("send alice@wv.example over tls", "answer", is_200, PATIENCE).await.unwrap();
        phone.expect("the message", |told| match told {
            wv_proto::primitive::Primitive::NewMessage(message) => {
                acceptance::phone::text_of(message)?.contains("over tls").then_some(())
            }
            _ => None,
        });
        let sent = phone.send(&["wv:bob@sip.example"], "back over the same connection", false).unwrap();
        assert_eq!(sent.result.code.number(), 200);
        let is_it = |told: &Value| told["text"] == "back over the same connection";
        agent.expect("message", is_it, PATIENCE).await.unwrap();
        // Both directions of a dialog.
        agent.command("watch alice@wv.example").await.unwrap();
        phone.decide("wv:bob@sip.example", true);
        phone.publish(vec![wv_proto::presence_attribute::PresenceAttribute::StatusText(
            wv_proto::presence_attribute::Qualified::valid("seen through tls".into()),
        )]);
        agent.expect("presence", |told| told["note"] == "seen through tls", PATIENCE).await.unwrap();
    });
}

#[test]
fn rfc5922_7_3_a_server_that_proves_another_domain_is_not_talked_to() {
    let Some(protected) = Protected::start("DNS:*.example,DNS:other.example", &[]) else { return };
    runtime().block_on(async {
        let mut agent = protected.agent("sip:bob@sip.example").await;
        let is_failure = |told: &Value| told["code"].as_u64().is_some_and(|code| code >= 400);
        agent.expect("answer", is_failure, PATIENCE).await.unwrap();
    });
}

#[test]
fn rfc5922_7_4_whoever_must_prove_himself_and_does_not_is_not_let_in() {
    let Some(protected) = Protected::start("URI:sip:sip.example", &["simple.tls_clients_certified=true"]) else {
        return;
    };
    let own = protected.authority.sign("client", "URI:sip:client.example");
    let closing = OPTIONS.replace("OPTIONS sip", "NONSENSE\r\n\r\nOPTIONS sip");
    let with = protected.authority.exchange(protected.port, Some(&own), closing.as_bytes());
    assert!(with.contains("SIP/2.0 400") || with.contains("Verify return code: 0"), "{with}");
    let without = protected.authority.exchange(protected.port, None, closing.as_bytes());
    assert!(without.contains("certificate required") && !without.contains("SIP/2.0"), "{without}");
}

#[test]
fn rfc5922_7_5_who_asks_for_a_domain_by_name_is_shown_its_certificate() {
    let Some(authority) = Authority::new() else { return };
    let (own, second) = (authority.sign("gateway", "DNS:sip.example"), authority.sign("second", "DNS:second.example"));
    let (port, plain) = (port::free(), port::free());
    let default = include_str!("../../gateway/src/config/default.toml");
    let domains = format!(
        "{default}\n[[domain]]\nname = \"second.example\"\nside = \"simple\"\nroute = \"registrar\"\n{}",
        second.to_toml()
    );
    let gateway = Setup::configured(&domains)
        .with(&format!("simple.listen=udp:127.0.0.1:{plain},tls:127.0.0.1:{port}"))
        .with(&format!("simple.tls_certificate={}", own.certificate.display()))
        .with(&format!("simple.tls_key={}", own.key.display()))
        .with(&format!("simple.tls_authorities={}", authority.file().display()))
        .start();
    let shown = |name: &str| authority.exchange_named(port, name, None, b"NONSENSE\r\n\r\n");
    for (name, subject) in [("second.example", "second"), ("sip.example", "gateway"), ("unknown.example", "gateway")] {
        let told = shown(name);
        assert!(told.contains(&format!("subject=CN = {subject}")), "{name}: {told}");
    }
    // Read again like all others.
    let _: Certified = authority.sign("second", "DNS:second.example,DNS:third.example");
    let before = shown("second.example");
    let (is_done, told) = gateway.ask(&["reload"]);
    assert!(is_done && told.contains("renewed"), "{told}");
    let after = shown("second.example");
    let certificate = |told: &str| told.split_once("BEGIN CERTIFICATE").map(|(_, rest)| rest[..400].to_owned());
    assert_ne!(certificate(&before), certificate(&after));
}

#[test]
fn certificates_are_read_again_without_a_failed_request() {
    let rounds = if std::env::var_os("WVSG_LONG").is_some() { 1000 } else { 60 };
    let Some(protected) = Protected::start("DNS:sip.example", &["limits.inbox_messages=2000"]) else { return };
    runtime().block_on(async {
        let mut agent = protected.agent("sip:bob@sip.example").await;
        agent.expect("registered", |_| true, PATIENCE).await.unwrap();
        for round in 0..rounds {
            if round % 20 == 0 {
                let _: Certified = protected.authority.sign("gateway", "DNS:sip.example,DNS:second.example");
            }
            agent.command(&format!("send alice@wv.example {round}")).await.unwrap();
            let (is_done, told) = protected.gateway.ask(&["reload"]);
            assert!(is_done && told.contains("renewed"), "{told}");
            agent.expect("answer", |told| told["code"] == 200 || told["code"] == 202, PATIENCE).await.unwrap();
        }
        // A newcomer is shown the new certificate.
        let mut second = protected.agent("sip:dave@sip.example").await;
        second.expect("registered", |_| true, PATIENCE).await.unwrap();
    });
    let shown = protected.authority.exchange(protected.port, None, b"NONSENSE\r\n\r\n");
    assert!(shown.contains("Verify return code: 0"), "{shown}");
}
