//! Wake-ups: every channel of a client, over real sockets.

use crate::both;
use acceptance::{
    agent::Agent,
    http,
    phone::Phone,
    product::{Pair, Setup, pair, shared},
    wait,
};
use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    time::{Duration, Instant},
};
use wv_proto::{
    primitive::{
        Primitive,
        capability::{AgreedCapabilityList, CapabilityList, CirMethod},
        service::{CapabilityAnswer, ClientCapabilityRequest},
    },
    version::{Encoding, Version},
};

/// Negotiates, and returns what the gateway agreed to.
fn agree(phone: &mut Phone, capabilities: CapabilityList) -> AgreedCapabilityList {
    let request = ClientCapabilityRequest { client_id: None, capabilities };
    match phone.request(Primitive::ClientCapabilityRequest(Box::new(request))) {
        Ok(Primitive::ClientCapabilityResponse(response)) => match response.capabilities {
            CapabilityAnswer::Agreed(agreed) => agreed,
            CapabilityAnswer::Repeated(list) => list.to_agreed(),
        },
        other => panic!("{other:?}"),
    }
}

fn with_methods(methods: &[CirMethod]) -> CapabilityList {
    CapabilityList { supported_cir_methods: methods.to_vec(), ..CapabilityList::default() }
}

/// A connection for wake-ups, as a phone has one.
struct Channel(BufReader<TcpStream>);

impl Channel {
    fn open(agreed: &AgreedCapabilityList) -> Self {
        let address = (agreed.tcp_address.as_deref().unwrap(), agreed.tcp_port.unwrap());
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
    }

    /// The next line; none when the gateway closed the connection.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let count = self.0.read_line(&mut line).unwrap();
        (count > 0).then_some(line)
    }

    fn is_silent(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let silent = match self.0.read(&mut [0; 1]) {
            Ok(_) => false,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        self.0.get_ref().set_read_timeout(Some(wait::PATIENCE)).unwrap();
        silent
    }
}

fn send(agent: &mut Agent, pair: &Pair, text: &str) {
    let status = agent.send(&pair.wv_in_sip(), text).unwrap();
    assert!(matches!(status, 200 | 202), "{status}");
}

/// Polls until nothing waits.
fn drain(phone: &mut Phone) {
    while !phone.take_told().is_empty() {}
}

#[test]
fn wv_cir_01_one_wake_up_for_each_time_that_something_waits_again() {
    for (version, written) in [(Version::V1_1, "1.1"), (Version::V1_2, "1.2"), (Version::V1_3, "1.3")] {
        let (gateway, pair) = (shared(), pair());
        let mut phone = Phone::logged_in(gateway.csp(), &pair.wv, version, Encoding::Wbxml);
        let mut agent = Agent::registered(gateway.sip(), &pair.sip);
        let agreed = agree(&mut phone, with_methods(&[CirMethod::Stcp]));
        assert_eq!(agreed.supported_cir_methods, [CirMethod::Stcp]);
        assert_eq!(agreed.tcp_port, Some(gateway.ports().cir));
        drain(&mut phone);
        let mut channel = Channel::open(&agreed);
        channel.say(&format!("HELO {}\r\n", phone.session_id().unwrap()));
        assert_eq!(channel.hear().as_deref(), Some("OK\r\n"));
        channel.say("PING \r\n");
        assert_eq!(channel.hear().as_deref(), Some("OK\r\n"));
        let wake_up = format!("WVCI {written} cookie-test-phone\r\n");
        for round in 0..2 {
            send(&mut agent, &pair, &format!("first {round}"));
            assert_eq!(channel.hear().as_deref(), Some(wake_up.as_str()));
            send(&mut agent, &pair, &format!("second {round}"));
            assert!(channel.is_silent(), "the phone knows already");
            phone.expect_text(&format!("first {round}"));
            phone.expect_text(&format!("second {round}"));
            drain(&mut phone);
        }
    }
}

#[test]
fn wv_cir_03_a_greeting_brings_what_waits_and_takes_the_channel_over() {
    let (pair, mut phone, mut agent) = both();
    let agreed = agree(&mut phone, with_methods(&[CirMethod::Stcp, CirMethod::Shttp]));
    drain(&mut phone);
    send(&mut agent, &pair, "before there was a channel");
    let hello = format!("HELO {}\n", phone.session_id().unwrap());
    let mut first = Channel::open(&agreed);
    first.say(&hello);
    assert_eq!(first.hear().as_deref(), Some("OK\r\n"));
    assert_eq!(first.hear().as_deref(), Some("WVCI 1.2 cookie-test-phone\r\n"));
    let mut second = Channel::open(&agreed);
    second.say(&hello);
    assert_eq!(second.hear().as_deref(), Some("OK\r\n"));
    assert_eq!(first.hear(), None, "the older connection ends");
    assert_eq!(second.hear().as_deref(), Some("WVCI 1.2 cookie-test-phone\r\n"));
    second.say(&hello);
    assert_eq!(second.hear().as_deref(), Some("OK\r\n"), "a second greeting is answered");
    let mut stranger = Channel::open(&agreed);
    stranger.say("HELO nobody\r\n");
    assert_eq!(stranger.hear(), None, "an unknown session closes the connection");
    phone.expect_text("before there was a channel");
    assert_eq!(phone.ask(Primitive::LogoutRequest), 200);
    assert_eq!(second.hear(), None, "the channel ends with its session");
}

#[test]
fn wv_cir_06_who_asks_over_http_hears_whether_something_waits() {
    let (pair, mut phone, mut agent) = both();
    let agreed = agree(&mut phone, with_methods(&[CirMethod::Shttp]));
    assert_eq!(agreed.supported_cir_methods, [CirMethod::Shttp]);
    let url = agreed.cir_url.unwrap();
    let server = shared().csp();
    let path = url.strip_prefix(&format!("http://{server}")).unwrap_or_else(|| panic!("{url}")).to_owned();
    assert!(!path.contains(&phone.session_id().unwrap()), "the session is not given away");
    drain(&mut phone);
    assert_eq!(http::get(server, &path).unwrap().status, 204);
    send(&mut agent, &pair, "over http");
    wait::until("200", wait::PATIENCE, || (http::get(server, &path).unwrap().status == 200).then_some(()));
    phone.expect_text("over http");
    drain(&mut phone);
    assert_eq!(http::get(server, &path).unwrap().status, 204);
    assert_eq!(http::get(server, "/csp/cir/0000").unwrap().status, 404);
}

#[test]
fn wv_cir_09_a_datagram_goes_to_the_port_that_the_client_named() {
    let (pair, mut phone, mut agent) = both();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    let udp_port = Some(socket.local_addr().unwrap().port());
    let agreed = agree(&mut phone, CapabilityList { udp_port, ..with_methods(&[CirMethod::Sudp]) });
    assert_eq!(agreed.supported_cir_methods, [CirMethod::Sudp]);
    drain(&mut phone);
    send(&mut agent, &pair, "by datagram");
    let mut octets = [0; 200];
    let count = socket.recv(&mut octets).unwrap();
    assert_eq!(&octets[..count], b"WVCI 1.2 cookie-test-phone");
    phone.expect_text("by datagram");
}

/// Takes one POST and returns its body.
fn take_order(listener: &TcpListener) -> serde_json::Value {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(wait::PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    reader.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn wv_cir_08_short_messages_go_through_the_service_of_the_operator() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wv.access.cir_push_url=http://{}/push", listener.local_addr().unwrap());
    let gateway = Setup::configured(&format!(
        "{}[[account]]\nuser = \"wv:+4915112345678@wv.example\"\npassword = \"secret\"\n",
        acceptance::product::configuration_with_pairs()
    ))
    .with(&url)
    .with("wv.access.cir_methods=WAPSMS,SSMS")
    .start();
    let mut agent = Agent::registered(gateway.sip(), "s0@sip.example");
    for (method, name) in [(CirMethod::WapSms, "WAPSMS"), (CirMethod::Ssms, "SSMS")] {
        let user = "wv:+4915112345678@wv.example";
        let mut phone = Phone::logged_in(gateway.csp(), user, Version::V1_2, Encoding::Xml);
        let agreed = agree(&mut phone, with_methods(&[CirMethod::Stcp, method.clone()]));
        assert_eq!(agreed.supported_cir_methods, [method]);
        drain(&mut phone);
        assert!(matches!(agent.send("sip:+4915112345678@wv.example", name).unwrap(), 200 | 202));
        let order = take_order(&listener);
        assert_eq!(order["method"], name);
        assert_eq!(order["to"], "+4915112345678");
        assert_eq!(order["text"], "WVCI 1.2 cookie-test-phone");
        phone.expect_text(name);
        assert_eq!(phone.ask(Primitive::LogoutRequest), 200);
    }
}

#[test]
fn wv_poll_11_a_poll_is_held_where_the_operator_wants_it() {
    let gateway =
        Setup::configured(&acceptance::product::configuration_with_pairs()).with("wv.access.long_poll_ms=400").start();
    let mut phone = Phone::logged_in(gateway.csp(), "wv:w0@wv.example", Version::V1_2, Encoding::Wbxml);
    let mut agent = Agent::registered(gateway.sip(), "s0@sip.example");
    let began = Instant::now();
    phone.poll();
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    assert!(matches!(agent.send("sip:w0@wv.example", "meanwhile").unwrap(), 200 | 202));
    phone.expect_text("meanwhile");
}

#[test]
fn wv_cir_07_the_connection_goes_first_and_a_datagram_where_there_is_none() {
    let (pair, mut phone, mut agent) = both();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp_port = Some(socket.local_addr().unwrap().port());
    let methods = with_methods(&[CirMethod::Stcp, CirMethod::Sudp]);
    let agreed = agree(&mut phone, CapabilityList { udp_port, ..methods });
    drain(&mut phone);
    let mut channel = Channel::open(&agreed);
    channel.say(&format!("HELO {}\r\n", phone.session_id().unwrap()));
    assert_eq!(channel.hear().as_deref(), Some("OK\r\n"));
    send(&mut agent, &pair, "over the connection");
    assert_eq!(channel.hear().as_deref(), Some("WVCI 1.2 cookie-test-phone\r\n"));
    phone.expect_text("over the connection");
    drain(&mut phone);
    let mut octets = [0; 200];
    socket.set_nonblocking(true).unwrap();
    assert_eq!(socket.recv(&mut octets).unwrap_err().kind(), ErrorKind::WouldBlock, "one way is enough");
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    drop(channel);
    // Until the end of the connection is noticed, what is sent into it is lost, and the phone comes when it polls.
    wait::until("a datagram", wait::PATIENCE, || {
        send(&mut agent, &pair, "by datagram");
        let count = socket.recv(&mut octets).ok();
        phone.expect_text("by datagram");
        drain(&mut phone);
        count
    });
    assert!(octets.starts_with(b"WVCI 1.2 cookie-test-phone"));
}
