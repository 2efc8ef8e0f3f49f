//! IWF-SUB: many subscriptions at a neighbour server, over their lifetime. One user agent watches, through the gateway, a
//! thousand users of a server that counts when it is asked.

use acceptance::{
    catalogue::{How, case},
    simulated::{
        disk::Disk,
        node::{Node, Standing},
    },
};
use bytes::Bytes;
use gateway::config::{Configuration, Sources};
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
};

const WATCHED: usize = 1000;

/// What the server grants.
const LIFETIME_S: u64 = 600;

const PERIODS: u64 = 2;

const GATEWAY: SocketAddr = address(1, 5060);
const AGENT: SocketAddr = address(2, 5060);
const SERVER: SocketAddr = address(3, 5060);

const fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(10, 0, host, 1), port))
}

const SITE: &str = r#"
[simple]
listen = ["udp:127.0.0.1:5060"]
authentication = "insecure_open"

[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[[peer]]
name = "core"
uri = "sip:10.0.3.1:5060;transport=udp"
trusted = true

[[domain]]
name = "peer.example"
side = "simple"
route = "peer:core"

[store]
kind = "memory"

[limits]
watches_per_minute = 100000
requests_per_s_per_source = 100000

[[account]]
user = "sip:bob@sip.example"
password = "secret"
"#;

/// The first header field of that name.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')));
    line.map(|line| line[name.len() + 1..].trim()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// What the server knows of a subscription.
struct Granted {
    until: u64,
    asked: Vec<u64>,
}

#[derive(Default)]
struct Server {
    granted: HashMap<String, Granted>,
}

impl Server {
    /// Grants what is asked for, and tells that the user is there; the datagrams to send.
    fn take(&mut self, now: u64, text: &str) -> Vec<String> {
        if !text.starts_with("SUBSCRIBE ") {
            return Vec::new();
        }
        let call = field(text, "Call-ID").to_owned();
        let known = self.granted.entry(call.clone()).or_insert(Granted { until: u64::MAX, asked: Vec::new() });
        assert!(now <= known.until, "asked {} ms after its end", now - known.until);
        known.until = now + LIFETIME_S * 1000;
        known.asked.push(now);
        let number = known.asked.len();
        let (from, to) = (field(text, "From"), field(text, "To"));
        let tagged = if to.contains(";tag=") { to.to_owned() } else { format!("{to};tag=server") };
        let contact = field(text, "Contact").trim_start_matches('<').split('>').next().unwrap().to_owned();
        let granted = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {from}\r\nTo: {tagged}\r\nCall-ID: {call}\r\nCSeq: {}\r\n\
             Contact: <sip:10.0.3.1:5060>\r\nExpires: {LIFETIME_S}\r\nContent-Length: 0\r\n\r\n",
            field(text, "Via"),
            field(text, "CSeq"),
        );
        let notify = format!(
            "NOTIFY {contact} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.3.1:5060;branch=z9hG4bK{}-{number}\r\nMax-Forwards: 70\r\n\
             From: {tagged}\r\nTo: {from}\r\nCall-ID: {call}\r\nCSeq: {number} NOTIFY\r\nContact: <sip:10.0.3.1:5060>\r\n\
             Event: {}\r\nSubscription-State: active;expires={LIFETIME_S}\r\nContent-Length: 0\r\n\r\n",
            call.replace(|letter: char| !letter.is_ascii_alphanumeric(), ""),
            field(text, "Event"),
        );
        vec![granted, notify]
    }
}

/// The watching agent: it takes every notification, and its watches last.
fn answer_of_agent(text: &str) -> Option<String> {
    if !text.starts_with("NOTIFY ") {
        assert!(text.starts_with("SIP/2.0 2"), "{text}");
        return None;
    }
    let fields = ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}\r\n", field(text, name)));
    Some(format!("SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n", fields.concat()))
}

fn watch(number: usize) -> Bytes {
    Bytes::from(format!(
        "SUBSCRIBE sip:u{number}@peer.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.2.1:5060;branch=z9hG4bKw{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@sip.example>;tag=b{number}\r\nTo: <sip:u{number}@peer.example>\r\n\
         Call-ID: w{number}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:bob@10.0.2.1:5060>\r\nEvent: presence\r\n\
         Accept: application/pidf+xml\r\nExpires: 86400\r\nContent-Length: 0\r\n\r\n"
    ))
}

/// Lets the gateway work until it rests; when it wants to go on.
fn settle(node: &mut Node, server: &mut Server, now: u64) -> Option<u64> {
    loop {
        match node.turn() {
            Standing::Store => assert!(node.commit()),
            Standing::Down => panic!("the gateway is gone"),
            Standing::Rest(due) => {
                let sent = node.take_datagrams();
                if sent.is_empty() {
                    return due;
                }
                for (to, octets) in sent {
                    let text = String::from_utf8(octets.to_vec()).unwrap();
                    if to == SERVER {
                        server.take(now, &text).into_iter().for_each(|text| node.receive(&Bytes::from(text), SERVER));
                    } else if let Some(text) = answer_of_agent(&text) {
                        node.receive(&Bytes::from(text), AGENT);
                    }
                }
            }
        }
    }
}

#[test]
fn iwf_sub_int_005_refreshes_are_spread_and_none_comes_after_the_end() {
    case("IWF-SUB-INT-005", How::Simulated, || {
        let configuration = Configuration::read(&Sources::from_text("refresh.toml", SITE)).unwrap();
        let mut node = Node::new(configuration, GATEWAY, 5, Disk::default());
        let mut server = Server::default();
        let mut now = 1_000_000;
        node.set_clock(now);
        node.start();
        for number in 0..WATCHED {
            node.receive(&watch(number), AGENT);
            settle(&mut node, &mut server, now);
        }
        let end = now + (PERIODS * LIFETIME_S + 60) * 1000;
        while now < end {
            let due = settle(&mut node, &mut server, now);
            now = due.unwrap_or(end).clamp(now + 1, end);
            node.set_clock(now);
        }
        assert_eq!(server.granted.len(), WATCHED);
        // At the end all of them stand, and each was refreshed in both periods.
        for granted in server.granted.values() {
            assert!(granted.until > end && granted.asked.len() > 2, "{:?}", granted.asked);
        }
        // The start was paced, and the refreshes run far apart from the first on.
        let mut busiest = Vec::new();
        for period in 0..=usize::try_from(PERIODS).unwrap() {
            let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
            let asked = server.granted.values().filter_map(|granted| granted.asked.get(period));
            asked.for_each(|at| *seconds.entry(at / 1000).or_default() += 1);
            busiest.push(*seconds.values().max().unwrap());
        }
        println!("most in one second, in each period: {busiest:?}");
        assert!(busiest[0] <= 51, "{busiest:?}");
        assert!(busiest[1] * 4 <= busiest[0] && busiest[2] * 4 <= busiest[0], "{busiest:?}");
    });
}
