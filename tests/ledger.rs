//! What was acknowledged survives: the gateway's process is killed again and again under load in both directions, and at
//! the end every acknowledged message was delivered, and every granted subscription lives.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    agent::{Agent, Carrier, Watch},
    certificate::Authority,
    phone::{Phone, text_of},
    port,
    product::{Gateway, Pair, Setup, configuration_with_pairs, pair},
    wait,
};
use gateway::tls::{TlsFiles, TlsKeeper, domain::connector_without_certificate};
use sip_proto::message::Method;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, SystemTime},
};
use tokio_rustls::TlsAcceptor;
use wv_proto::{
    presence_attribute::{PresenceAttribute, Qualified},
    primitive::Primitive,
    version::{Encoding, Version},
};

/// One pair of clients and what the gateway acknowledged to them.
struct Client {
    pair: Pair,
    phone: Phone,
    agent: Agent,
    watches: Vec<Watch>,
    /// Texts whose SendMessage-Response had 200.
    owed_to_sip: BTreeSet<String>,
    /// Texts whose MESSAGE was answered by 200 or 202.
    owed_to_wv: BTreeSet<String>,
    /// What arrived: by text, what identified it.
    at_sip: BTreeMap<String, BTreeSet<String>>,
    at_wv: BTreeMap<String, BTreeSet<String>>,
    /// How many arrivals had a text that was there before.
    repeated: usize,
}

impl Client {
    fn start(gateway: &Gateway, way: &Way, version: Version, encoding: Encoding) -> Self {
        let pair = pair();
        let mut phone = Phone::logged_in(gateway.csp(), &pair.wv, version, encoding);
        let mut agent = match way {
            Way::Datagrams => Agent::new(gateway.sip(), &pair.sip),
            Way::Streams(carrier, port) => {
                let server = SocketAddr::from(([127, 0, 0, 1], port.unwrap_or(gateway.ports().sip)));
                Agent::over(carrier.clone(), server, &pair.sip)
            }
        };
        assert_eq!(agent.register(600), Ok(200), "REGISTER");
        phone.grant(&pair.sip_in_wv(), true);
        let (status, watch) = agent.watch(&pair.wv_in_sip(), "presence", 3600).unwrap();
        assert_eq!(status, 200, "SUBSCRIBE");
        assert_eq!(phone.watch(&pair.sip_in_wv()), 200, "SubscribePresence-Request");
        Self {
            pair,
            phone,
            agent,
            watches: vec![watch],
            owed_to_sip: BTreeSet::new(),
            owed_to_wv: BTreeSet::new(),
            at_sip: BTreeMap::new(),
            at_wv: BTreeMap::new(),
            repeated: 0,
        }
    }

    /// Sends in both directions, registers and watches anew now and then, until it is told to end.
    fn load(&mut self, ends: &AtomicBool) {
        let mut number = 0;
        while !ends.load(Ordering::Relaxed) {
            number += 1;
            let text = format!("to sip {number}.");
            match self.phone.send(&[&self.pair.sip_in_wv()], &text, false) {
                Ok(response) if response.result.code.is_success() => {
                    self.owed_to_sip.insert(text);
                }
                // Not acknowledged: nothing is owed. The gateway is away, or could not say yes.
                Ok(_) | Err(_) => thread::park_timeout(Duration::from_millis(20)),
            }
            let text = format!("to wv {number}.");
            if let Ok(200 | 202) = self.agent.send(&self.pair.wv_in_sip(), &text) {
                self.owed_to_wv.insert(text);
            }
            if number % 20 == 0 {
                let _ = self.agent.register(600);
                if let Ok((200, watch)) = self.agent.watch(&self.pair.wv_in_sip(), "presence", 3600) {
                    self.watches.push(watch);
                }
            }
            self.look();
        }
    }

    /// Takes what arrived.
    fn look(&mut self) {
        for told in self.phone.take_told() {
            if let Primitive::NewMessage(message) = told {
                let id = message.message.message_id.as_ref().map(|id| id.as_str().to_owned());
                let text = text_of(&message).unwrap_or_default().to_owned();
                let known = self.at_wv.entry(text).or_default();
                self.repeated += usize::from(!known.is_empty());
                known.insert(id.expect("a NewMessage has a MessageID"));
            }
        }
        for message in self.agent.take_requests(&Method::Message) {
            let text = String::from_utf8_lossy(message.body()).into_owned();
            let id = message.headers().call_id().unwrap().to_string();
            let known = self.at_sip.entry(text).or_default();
            self.repeated += usize::from(!known.is_empty());
            known.insert(id);
        }
    }

    /// What was acknowledged and has not arrived.
    fn missing(&self) -> Vec<String> {
        let to_sip = self.owed_to_sip.iter().filter(|text| !self.at_sip.contains_key(*text));
        let to_wv = self.owed_to_wv.iter().filter(|text| !self.at_wv.contains_key(*text));
        to_sip.chain(to_wv).map(|text| format!("{}: {text}", self.pair.wv)).collect()
    }

    /// Balances the ledger after the last restart.
    fn balance(&mut self) {
        let settled = wait::try_until("all acknowledged messages", SETTLE, || {
            self.look();
            self.missing().is_empty().then_some(())
        });
        assert!(settled.is_ok(), "acknowledged, but lost: {:?}", self.missing());
        // Duplicates carry their mark.
        for (text, ids) in &self.at_wv {
            assert_eq!(ids.len(), 1, "{text:?} arrived at the phone under several MessageIDs: {ids:?}");
        }
        for (text, ids) in &self.at_sip {
            assert_eq!(ids.len(), 1, "{text:?} arrived at the agent under several Call-IDs: {ids:?}");
        }
        let words = format!("alive {}", self.pair.sip);
        let text = PresenceAttribute::StatusText(Qualified::valid(words.as_str().into()));
        assert_eq!(self.phone.publish(vec![text]), 200);
        for watch in &self.watches {
            self.agent.expect_notify(watch, "a granted subscription to live", |notify| {
                notify.body.contains(&words).then_some(())
            });
        }
        let document = format!(
            "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:{0}\"><tuple id=\"t\">\
             <status><basic>open</basic></status><note>alive {0}</note></tuple></presence>",
            self.pair.sip
        );
        self.agent.publish(&document, None).unwrap();
        self.phone.expect_presence(&self.pair.sip_in_wv(), |list| format!("{list:?}").contains(&words).then_some(()));
    }
}

/// Numbers that look random; the same seed gives the same ones.
struct Dice(u64);

impl Dice {
    #[allow(clippy::disallowed_methods, reason = "a seed that is different every time, and printed")]
    fn new() -> Self {
        let named = std::env::var("WVSG_SEED").ok().and_then(|seed| seed.parse().ok());
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = named.unwrap_or(u64::from(since.subsec_nanos()) | 1);
        println!("seed {seed} (WVSG_SEED={seed} gives the same moments)");
        Self(seed)
    }

    /// A number below the bound.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// How the user agents speak to the gateway.
enum Way {
    Datagrams,
    /// At this port, or the usual one.
    Streams(Carrier, Option<u16>),
}

#[test]
fn what_was_acknowledged_survives_thirty_kills() {
    let gateway = Setup::configured(&configuration_with_pairs()).start();
    survive(gateway, &Way::Datagrams, 30);
}

#[test]
fn what_was_acknowledged_over_tcp_survives_kills() {
    let gateway = Setup::configured(&configuration_with_pairs()).start();
    survive(gateway, &Way::Streams(Carrier::Tcp, None), 10);
}

#[test]
fn what_was_acknowledged_over_tls_survives_kills() {
    let Some(authority) = Authority::new() else { return };
    let (own, agents) = (authority.sign("gateway", "DNS:sip.example"), authority.sign("agent", "IP:127.0.0.1"));
    let (plain, port) = (port::free(), port::free());
    let gateway = Setup::configured(&configuration_with_pairs())
        .with(&format!("simple.listen=udp:127.0.0.1:{plain},tls:127.0.0.1:{port}"))
        .with(&format!("simple.tls_certificate={}", own.certificate.display()))
        .with(&format!("simple.tls_key={}", own.key.display()))
        .with(&format!("simple.tls_authorities={}", authority.file().display()))
        .start();
    let connector = connector_without_certificate(Some(&authority.file())).unwrap();
    let shown = TlsKeeper::prepare(&TlsFiles { certificate: agents.certificate, key: agents.key }).unwrap();
    let carrier = Carrier::Tls(connector, "sip.example".to_owned(), TlsAcceptor::from(shown));
    survive(gateway, &Way::Streams(carrier, Some(port)), 10);
}

/// Kills the gateway again and again under load, and balances the ledger.
fn survive(mut gateway: Gateway, way: &Way, kills: usize) {
    let mut dice = Dice::new();
    // PresenceAuth-User, by which the watcher is allowed, ends with 1.2.
    let kinds = [(Version::V1_1, Encoding::Wbxml), (Version::V1_2, Encoding::Wbxml), (Version::V1_2, Encoding::Xml)];
    let mut clients: Vec<Client> =
        kinds.into_iter().map(|(version, encoding)| Client::start(&gateway, way, version, encoding)).collect();
    let kills = if std::env::var_os("WVSG_LONG").is_some() { 100 } else { kills };
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = clients.iter_mut().map(|client| scope.spawn(|| client.load(&ends))).collect();
        for _ in 0..kills {
            // The moment is what is random here; nothing is waited for.
            thread::park_timeout(Duration::from_millis(20 + dice.below(600)));
            gateway.kill();
            gateway.start_again();
        }
        ends.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().unwrap();
        }
    });
    for client in &mut clients {
        client.balance();
    }
    let sum = |count: fn(&Client) -> usize| clients.iter().map(count).sum::<usize>();
    let (sip, wv) = (sum(|client| client.owed_to_sip.len()), sum(|client| client.owed_to_wv.len()));
    let (watches, repeated) = (sum(|client| client.watches.len()), sum(|client| client.repeated));
    println!("{kills} kills: {sip} messages to SIP, {wv} to WV, {watches} subscriptions; {repeated} repeated");
    assert!(sip > kills && wv > kills, "there was no load");
}

/// How long the gateway may take to deliver what waited; longer than the pause between two attempts.
const SETTLE: Duration = Duration::from_secs(60);
