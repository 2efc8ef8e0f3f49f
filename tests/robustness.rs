//! Malformed input on every listener, a configuration with an error, a kill: nobody else's session ends by it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    agent::Agent,
    folder::Folder,
    http, message_file,
    phone::Phone,
    product::{self, Gateway, Setup},
};
use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    process::Command,
    time::Duration,
};
use wv_proto::{
    presence_attribute::{PresenceAttribute, Qualified},
    version::{Encoding, Version},
};

/// Numbers that look random; the same seed gives the same ones.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap()
    }

    fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| u8::try_from(self.next() % 256).unwrap()).collect()
    }

    /// The octets with some of them changed, and maybe cut.
    fn spoil(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut spoilt = octets.to_vec();
        for _ in 0..=self.next() % 8 {
            let at = self.next() % spoilt.len();
            spoilt[at] = u8::try_from(self.next() % 256).unwrap();
        }
        if self.next().is_multiple_of(3) {
            spoilt.truncate(self.next() % spoilt.len());
        }
        spoilt
    }
}

/// Sends octets to a port and ends the sending; whatever comes back is read and forgotten.
fn throw(port: u16, octets: &[u8]) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    // The gateway may have closed the connection already: it may.
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.read(&mut [0; 1024]);
}

fn flood_http(dice: &mut Dice, gateway: &Gateway) {
    let ports = gateway.ports();
    let messages = message_file::fixtures();
    for port in [ports.csp, ports.admin] {
        for count in [0, 1, 10, 1000, 70_000] {
            throw(port, &dice.octets(count));
        }
        throw(port, b"GET / HTTP/1.1\r\n");
        throw(port, b"POST /csp HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n");
        throw(port, b"POST /csp HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nshort");
        throw(port, &[b"POST /csp HTTP/1.1\r\nX: ".as_slice(), &vec![b'a'; 100_000], b"\r\n\r\n"].concat());
        throw(port, b"POST /csp HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx");
    }
    let mut connection = None;
    for round in 0..300 {
        let message = &messages[round % messages.len()];
        let body = dice.spoil(&message.octets);
        let kind = ["application/vnd.wv.csp.xml", "application/vnd.wv.csp.wbxml", "text/html", ""][round % 4];
        let mut open = connection.take().unwrap_or_else(|| http::Connection::open(gateway.csp()).unwrap());
        if open.post("/csp", kind, &body).is_ok() {
            connection = Some(open);
        }
    }
}

fn flood_sip(dice: &mut Dice, gateway: &Gateway) {
    let server = gateway.sip();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let good = format!(
        "MESSAGE sip:alice@wv.example SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
         From: <sip:mallory@sip.example>;tag=1\r\nTo: <sip:alice@wv.example>\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\n\
         Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
        socket.local_addr().unwrap()
    );
    for round in 0..1000 {
        let octets = if round % 4 == 0 { dice.octets(round) } else { dice.spoil(good.as_bytes()) };
        socket.send_to(&octets, server).unwrap();
    }
    for count in [0, 1, 100, 10_000, 100_000] {
        throw(server.port(), &dice.octets(count));
    }
    for _ in 0..50 {
        throw(server.port(), &dice.spoil(good.as_bytes()));
    }
    throw(server.port(), format!("{}\r\n", good.replace("Content-Length: 2", "Content-Length: 4000000000")).as_bytes());
    throw(server.port(), &[b"OPTIONS sip:x SIP/2.0\r\nX: ".as_slice(), &vec![b'a'; 300_000]].concat());
}

#[test]
fn malformed_input_on_every_listener_ends_no_session() {
    let gateway = Setup::embedded().start();
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Wbxml);
    let mut bob = Agent::registered(gateway.sip(), "bob@sip.example");
    alice.grant("wv:bob@sip.example", true);
    let (_, watch) = bob.watch("sip:alice@wv.example", "presence", 600).unwrap();
    let session = alice.session_id();
    let mut dice = Dice(7);
    for round in 0..3 {
        flood_http(&mut dice, &gateway);
        flood_sip(&mut dice, &gateway);
        let text = format!("round {round}");
        assert_eq!(alice.send(&["wv:bob@sip.example"], &text, false).unwrap().result.code.number(), 200);
        bob.expect_text(&text);
        assert_eq!(bob.send("sip:alice@wv.example", &text), Ok(200));
        alice.expect_text(&text);
        let status = PresenceAttribute::StatusText(Qualified::valid(text.as_str().into()));
        assert_eq!(alice.publish(vec![status]), 200);
        bob.expect_notify(&watch, "the change", |notify| notify.body.contains(&text).then_some(()));
    }
    assert_eq!(alice.session_id(), session, "it is still the same session");
    let panics = gateway.log().lines().filter(|line| line.contains("panicked")).count();
    assert_eq!(panics, 0, "{}", gateway.log());
}

#[test]
fn a_session_is_usable_after_kill_and_restart() {
    let mut gateway = Setup::embedded().start();
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_1, Encoding::Xml);
    let mut bob = Agent::registered(gateway.sip(), "bob@sip.example");
    let session = alice.session_id();
    gateway.kill();
    // Somebody who sends while the gateway is away sends again when it is back.
    assert!(alice.send(&["wv:bob@sip.example"], "lost", false).is_err());
    gateway.start_again();
    let response = alice.send(&["wv:bob@sip.example"], "after the kill", false).unwrap();
    assert_eq!(response.result.code.number(), 200);
    bob.expect_text("after the kill");
    assert_eq!(bob.send("sip:alice@wv.example", "and back"), Ok(200));
    alice.expect_text("and back");
    assert_eq!(alice.session_id(), session, "without a new login");
}

#[test]
fn a_configuration_with_a_wrong_key_is_refused_with_its_place() {
    let folder = Folder::new("configuration");
    let file = folder.file("wrong.toml");
    fs::write(&file, "[node]\nname = \"gw1\"\n\n[wv.access]\n  lisen = \"127.0.0.1:8080\"\n\n[admin]\nlisten = 7\n")
        .unwrap();
    for arguments in [["run", "--config"].as_slice(), &["check-config"]] {
        let output =
            Command::new(product::program()).current_dir(folder.path()).args(arguments).arg(&file).output().unwrap();
        assert!(!output.status.success(), "{arguments:?} accepted it");
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // Both problems at once: the place of each, and the nearest key of the first.
        assert!(told.contains("wrong.toml:5:3"), "{told}");
        assert!(told.contains("lisen") && told.contains("listen"), "{told}");
        assert!(told.contains("wrong.toml:8:"), "{told}");
    }
    assert!(!folder.file("data").exists(), "nothing was started");
}
