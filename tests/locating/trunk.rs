//! Neighbours that are asked whether they are there, and those that take their place.

use super::*;
use std::{net::UdpSocket, time::Duration};

/// Two neighbours that take each other's place.
fn two(first: &Agent, second: &Agent) -> String {
    let peer = |name: &str, port: u16| {
        format!("[[peer]]\nname = \"{name}\"\nuri = \"sip:127.0.0.1:{port}\"\ntrusted = true\nprobe_s = 1\n\n")
    };
    format!(
        "{}{}[[domain]]\nname = \"far.example\"\nside = \"simple\"\nroute = \"peer:first,second\"\n",
        peer("first", first.port()),
        peer("second", second.port())
    )
}

fn state(gateway: &Gateway, name: &str) -> Option<String> {
    let (is_told, text) = gateway.ask(&["show", "peers", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&text).ok().filter(|_| is_told)?;
    let rows = rows.as_array().cloned().or_else(|| rows["rows"].as_array().cloned())?;
    let row = rows.into_iter().find(|row| row["peer"] == name)?;
    row["state"].as_str().map(str::to_owned)
}

fn wait_for(gateway: &Gateway, name: &str, wanted: &str) {
    wait::until(&format!("{name} to be {wanted}"), Duration::from_secs(60), || {
        (state(gateway, name).as_deref() == Some(wanted)).then_some(())
    });
}

#[test]
fn rfc3261_11_a_neighbour_that_does_not_serve_is_passed_over_until_it_does() {
    let (mut first, mut second) = (server(), server());
    first.answer_options(503);
    let gateway = gateway(&two(&first, &second), None, &[]);
    let mut phone = phone(&gateway);
    wait_for(&gateway, "first", "down");
    wait_for(&gateway, "second", "up");
    assert_eq!(send(&mut phone, "to the second"), 200);
    second.expect_text("to the second");
    assert!(messages(&mut first).is_empty(), "a neighbour that says it does not serve is asked");
    first.answer_options(200);
    wait_for(&gateway, "first", "up");
    assert_eq!(send(&mut phone, "to the first"), 200);
    first.expect_text("to the first");
    let metrics =
        acceptance::http::get(std::net::SocketAddr::from(([127, 0, 0, 1], gateway.ports().admin)), "/metrics").unwrap();
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(text.contains("gateway_peer_up_count{peer=\"first\"} 1"), "{text}");
}

#[test]
fn rfc3263_4_3_a_neighbour_that_refuses_is_replaced_by_the_next_of_its_route() {
    let (mut first, mut second) = (server(), server());
    let domains = two(&first, &second).replace("probe_s = 1\n", "");
    let gateway = gateway(&domains, None, &[]);
    let mut phone = phone(&gateway);
    first.answer_messages(503);
    assert_eq!(send(&mut phone, "to whoever serves"), 200);
    let (served, refused) = (second.expect_text("to whoever serves"), first.expect_text("to whoever serves"));
    assert_eq!(identity(&served).0, identity(&refused).0);
    // A refusal that is not one of the server is the last word.
    second.answer_messages(603);
    assert_ne!(send(&mut phone, "refused by the user"), 200);
    second.expect_text("refused by the user");
    assert!(messages(&mut first).is_empty());
}

/// OPTIONS as a neighbour sends it; the status of the answer.
fn options(gateway: &Gateway, socket: &UdpSocket, number: u32) -> Option<String> {
    let local = socket.local_addr().unwrap();
    let request = format!(
        "OPTIONS sip:wv.example SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKo{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@far.example>;tag=1\r\nTo: <sip:wv.example>\r\nCall-ID: o{number}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), gateway.sip()).ok()?;
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[test]
fn rfc3261_11_2_a_gateway_that_is_leaving_says_so() {
    let far = server();
    far.answer_messages(0);
    let domains = two(&far, &far).replace("probe_s = 1\n", "").replace("peer:first,second", "peer:first");
    let gateway = gateway(&domains, None, &["limits.drain_ms=20000"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let ready = options(&gateway, &socket, 0).unwrap();
    assert!(ready.starts_with("SIP/2.0 200 "), "{ready}");
    // Something is under way that is not answered, so that leaving takes a while.
    assert_eq!(send(&mut phone(&gateway), "never answered"), 200);
    let (is_done, told) = gateway.ask(&["drain"]);
    assert!(is_done, "{told}");
    let mut number = 0;
    let leaving = wait::until("the gateway to leave", wait::PATIENCE, || {
        number += 1;
        options(&gateway, &socket, number).filter(|answer| answer.starts_with("SIP/2.0 503 "))
    });
    assert!(leaving.contains("\r\nRetry-After: "), "{leaving}");
}
