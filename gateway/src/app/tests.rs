use super::*;
use crate::{config::Sources, store::TemporaryFolder};
use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    time::{Duration, Instant},
};

fn configuration(settings: &[(&str, &str)]) -> Configuration {
    let sources = Sources::embedded().with_flag("store.kind", "memory");
    let sources = settings.iter().fold(sources, |sources, (key, value)| sources.with_flag(key, value));
    Configuration::read(&sources).unwrap()
}

fn options(folder: &TemporaryFolder) -> StartOptions {
    StartOptions { ports: Ports::Free, data_dir: Some(folder.path().to_owned()), ..StartOptions::default() }
}

fn udp_address(running: &Running) -> SocketAddr {
    running.sip.iter().find(|(transport, _)| *transport == SipTransport::Udp).unwrap().1
}

fn http(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    (text.get(9..12).unwrap().parse().unwrap(), text)
}

/// Sends OPTIONS over UDP and returns the first line of the answer.
fn options_answer(to: SocketAddr) -> String {
    answer(to, "OPTIONS", &format!("sip:{to}"), "")
}

fn answer(to: SocketAddr, method: &str, target: &str, headers: &str) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let own = socket.local_addr().unwrap();
    let request = format!(
        "{method} sip:sip.example SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-{own};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@sip.example>;tag=1\r\nTo: <{target}>\r\nCall-ID: start\r\nCSeq: 1 {method}\r\n\
         {headers}Content-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), to).unwrap();
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).lines().next().unwrap().to_owned()
}

#[test]
fn a_start_serves_both_sides_and_the_administration_and_stops_within_a_second() {
    let folder = TemporaryFolder::create().unwrap();
    let running = start(configuration(&[]), options(&folder)).unwrap();
    assert_eq!(options_answer(udp_address(&running)), "SIP/2.0 200 OK");
    assert_eq!(http(running.admin, "/live").0, 200);
    assert_eq!(http(running.admin, "/ready").0, 200);
    assert_eq!(http(running.csp.unwrap(), "/csp").0, 405, "CSP is posted");
    assert_eq!(running.csp_url.as_deref(), Some(format!("http://{}/csp", running.csp.unwrap()).as_str()));
    let ports: Vec<u16> = running.sip.iter().map(|(_, at)| at.port()).collect();
    assert_eq!(ports.len(), 2);
    let (csp, admin) = (running.csp.unwrap(), running.admin);
    let began = Instant::now();
    assert!(running.stop().is_orderly());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(TcpStream::connect(csp).is_err() && TcpStream::connect(admin).is_err());
}

#[test]
fn a_second_start_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let folder = TemporaryFolder::create().unwrap();
    let running = start(configuration(&[]), options(&folder)).unwrap();
    let error = start(configuration(&[]), options(&folder)).unwrap_err().to_string();
    assert!(error.starts_with("node.data_dir: the folder") && error.contains("in use by another process"), "{error}");
    assert_eq!(options_answer(udp_address(&running)), "SIP/2.0 200 OK");
    assert!(running.stop().is_orderly());
    let again = start(configuration(&[]), options(&folder)).unwrap();
    assert_eq!(again.stop(), Conclusion::Ended(crate::shutdown::Ending::Orderly));
}

#[test]
fn a_taken_port_is_named_with_its_key_and_nothing_stays_behind() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let folder = TemporaryFolder::create().unwrap();
    let mut configuration = configuration(&[]);
    configuration.simple.as_mut().unwrap().listen =
        vec![crate::config::value::SipListen { transport: SipTransport::Tcp, address }];
    configuration.wv_access.as_mut().unwrap().listen.set_port(0);
    configuration.admin.listen.set_port(0);
    let with = |ports| StartOptions { ports, ..options(&folder) };
    let error = start(configuration.clone(), with(Ports::AsConfigured)).unwrap_err().to_string();
    assert!(error.starts_with(&format!("simple.listen tcp:{address}: ")), "{error}");
    let running = start(configuration.clone(), with(Ports::FreeWhereTaken)).unwrap();
    assert_ne!(running.sip[0].1, address);
    assert!(running.stop().is_orderly());
    configuration.simple.as_mut().unwrap().listen.clear();
    configuration.admin.listen = address;
    let error = start(configuration, with(Ports::AsConfigured)).unwrap_err().to_string();
    assert!(error.starts_with(&format!("admin.listen {address}: ")), "{error}");
}

fn open_configuration() -> Configuration {
    let mut open = configuration(&[("store.kind", "embedded")]);
    open.simple.as_mut().unwrap().authentication = crate::config::section::SipAuthentication::InsecureOpen;
    open
}

fn register_bob(running: &Running) {
    let contact = "Contact: <sip:bob@127.0.0.1:9>;expires=600\r\n";
    assert_eq!(answer(udp_address(running), "REGISTER", "sip:bob@sip.example", contact), "SIP/2.0 200 OK");
}

/// Asks the only lane, again while it is being built anew.
fn ask<T: Send + 'static>(running: &Running, question: fn(&mut crate::lane::Lane) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        loop {
            if let Some(answer) = running.links[0].ask(move |lane, _| question(lane)).await {
                return answer;
            }
        }
    })
}

fn registrations(running: &Running) -> usize {
    ask(running, |lane| {
        lane.adapter(mapping::side::Side::Simple).borrow().show(crate::admin::ShowTopic::Sessions).len()
    })
}

#[test]
fn a_restart_remembers_what_was_promised() {
    let folder = TemporaryFolder::create().unwrap();
    let running = start(open_configuration(), options(&folder)).unwrap();
    register_bob(&running);
    assert!(running.stop().is_orderly());
    let again = start(open_configuration(), options(&folder)).unwrap();
    assert_eq!(registrations(&again), 1);
    assert_eq!(ask(&again, |lane| lane.engine().tally().attachments), 1);
    assert!(again.stop().is_orderly());
}

#[test]
fn a_lane_that_panics_is_built_anew_on_the_same_sockets() {
    let folder = TemporaryFolder::create().unwrap();
    let running = start(open_configuration(), options(&folder)).unwrap();
    register_bob(&running);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..2 {
        assert_eq!(runtime.block_on(running.links[0].ask(|_, _| panic!("on purpose"))), None::<()>);
        assert_eq!(options_answer(udp_address(&running)), "SIP/2.0 200 OK");
        assert_eq!(registrations(&running), 1);
    }
    // Also what runs beside the lane: a reader of a socket, say. Whatever held `life` is gone with the lane.
    let (life, ended) = tokio::sync::oneshot::channel::<()>();
    let beside = running.links[0].ask(move |_, _| {
        tokio::task::spawn_local(async move {
            let _life = life;
            std::future::pending::<()>().await;
        });
        drop(tokio::task::spawn_local(async { panic!("on purpose") }));
    });
    assert!(runtime.block_on(beside).is_some() && runtime.block_on(ended).is_err());
    assert_eq!(registrations(&running), 1);
    assert_eq!(http(running.admin, "/ready").0, 200);
    assert!(running.stop().is_orderly());
}

#[test]
fn accounts_that_come_and_go_are_known_to_the_lanes() {
    let folder = TemporaryFolder::create().unwrap();
    let running = start(open_configuration(), options(&folder)).unwrap();
    let client = crate::admin::AdminClient::open(&running.data_dir).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let call = |method, path: &str, body| runtime.block_on(client.call(method, path, body)).unwrap();
    let wait_until_explained = |result: &str| loop {
        let path = "/api/v1/explain?watcher=wv:alice@wv.example&presentity=sip:eve@sip.example";
        if call(hyper::Method::GET, path, None)["steps"][0]["result"] == result {
            return;
        }
    };
    wait_until_explained("there is no such account here");
    let eve = serde_json::json!({ "accounts": [{ "user": "sip:eve@sip.example", "password": "x" }] });
    assert_eq!(call(hyper::Method::POST, "/api/v1/accounts", Some(&eve))["added"], 1);
    wait_until_explained("the presentity exists");
    call(hyper::Method::DELETE, "/api/v1/accounts/sip:eve@sip.example", None);
    wait_until_explained("there is no such account here");
    assert_eq!(call(hyper::Method::GET, "/api/v1/show/dialogs", None)["table"]["rows"], serde_json::json!([]));
    call(hyper::Method::POST, "/api/v1/drain", None);
    assert!(running.wait().is_orderly(), "the administration ends the process");
}

#[test]
fn what_an_account_had_is_buried_when_it_is_gone_at_the_start() {
    let folder = TemporaryFolder::create().unwrap();
    let running = start(open_configuration(), options(&folder)).unwrap();
    register_bob(&running);
    assert!(running.stop().is_orderly());
    let mut without_bob = open_configuration();
    without_bob.accounts.retain(|account| account.user.address().as_str() != "bob@sip.example");
    let running = start(without_bob, options(&folder)).unwrap();
    assert_eq!(ask(&running, |lane| lane.engine().tally().attachments), 0);
    assert!(running.stop().is_orderly());
}
