use super::client::{self, CirClient};
use super::line::{ClientLine, LineReader, ServerLine};
use super::server::{self, CirLimits, CirServer};
use super::*;
use crate::session::time::Timestamp;
use proptest::prelude::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn session(name: &str) -> SessionId {
    SessionId::new(name)
}

fn lines_of_client(text: &[u8]) -> Vec<ClientLine> {
    let (mut reader, mut input) = (LineReader::default(), text);
    std::iter::from_fn(|| reader.next_of_client(&mut input)).collect()
}

#[test]
fn wv_cir_01_a_wake_up_quotes_the_version_and_the_cookie() {
    let cookie = SessionCookie::new("17954540416441334471460");
    assert_eq!(wake_up(Version::V1_2, Some(&cookie)), "WVCI 1.2 17954540416441334471460");
    assert_eq!(wake_up(Version::V1_1, None), "WVCI 1.1");
    for bad in ["a b", "a\r\nWVCI", "", "caf\u{e9}", &"x".repeat(101)] {
        assert_eq!(wake_up(Version::V1_3, Some(&SessionCookie::new(bad))), "WVCI 1.3", "{bad:?}");
    }
}

#[test]
fn wv_cir_02_lines_end_with_or_without_carriage_return_and_may_have_blanks_behind() {
    let text = b"HELO gw-7f3a\r\nPING \r\nping\nhelo gw-2 \n\r\nHELO\r\nHELO a b\r\nGET / HTTP/1.1\r\nHEL";
    let expected = [
        ClientLine::Hello(session("gw-7f3a")),
        ClientLine::Ping,
        ClientLine::Ping,
        ClientLine::Hello(session("gw-2")),
        ClientLine::Blank,
        ClientLine::Other,
        ClientLine::Other,
        ClientLine::Other,
    ];
    assert_eq!(lines_of_client(text), expected);
}

#[test]
fn wv_cir_02_nothing_is_read_after_a_line_that_is_too_long() {
    let long = format!("PING\r\nHELO {}\r\nPING\r\n", "x".repeat(200));
    assert_eq!(lines_of_client(long.as_bytes()), [ClientLine::Ping, ClientLine::TooLong]);
    let endless = vec![b'x'; 10_000];
    assert_eq!(lines_of_client(&endless), [ClientLine::TooLong]);
}

#[test]
fn wv_cir_06_the_token_of_a_session_does_not_give_it_away() {
    let token = http_token(&session("0-00112233445566778899aabbccddeeff"));
    assert_eq!(token.len(), 40);
    assert!(token.bytes().all(|octet| octet.is_ascii_hexdigit()));
    assert_ne!(token, http_token(&session("0-00112233445566778899aabbccddeefe")));
}

#[test]
fn wv_cir_08_a_wap_push_carries_the_text_behind_its_headers() {
    let octets = push::wap_push(7, "WVCI 1.2 ck");
    assert_eq!(octets[..6], [7, 0x06, 3, 0xc6, 0xaf, 0x8a]);
    assert_eq!(&octets[6..], b"WVCI 1.2 ck");
}

proptest! {
    #[test]
    fn lines_are_the_same_however_they_arrive(text in "(HELO [a-z0-9-]{1,60}|PING ?|[ -~]{0,150}|\\r)(\\r?\\n)?", cuts in proptest::collection::vec(1_usize..40, 0..12)) {
        let whole = lines_of_client(text.as_bytes());
        let (mut reader, mut rest, mut pieces) = (LineReader::default(), text.as_bytes(), Vec::new());
        for cut in cuts {
            let (mut piece, later) = rest.split_at(cut.min(rest.len()));
            rest = later;
            pieces.extend(std::iter::from_fn(|| reader.next_of_client(&mut piece)));
        }
        pieces.extend(std::iter::from_fn(|| reader.next_of_client(&mut rest)));
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn what_is_written_is_read_again(name in "[!-~]{1,50}") {
        let hello = ClientLine::Hello(session(&name));
        let text = hello.to_text();
        prop_assert_eq!(lines_of_client(text.as_bytes()), [hello]);
        let wake = format!("{}\r\n", wake_up(Version::V1_2, Some(&SessionCookie::new(name.as_str()))));
        let (mut reader, mut input) = (LineReader::default(), wake.as_bytes());
        prop_assert_eq!(reader.next_of_server(&mut input), Some(ServerLine::WakeUp));
    }
}

const SERVER_TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state/wv_cir_server.txt"));
const CLIENT_TABLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/state/wv_cir_client.txt"));

fn server_in(name: &str) -> CirServer {
    let mut machine = CirServer::new(at(0), CirLimits::default());
    let hello = |session: &str| server::Event::Line(ClientLine::Hello(SessionId::new(session)));
    match name {
        "GREETING" => {}
        "ASKING" => machine.handle(at(0), hello("a")),
        "BOUND" | "BOUND, ASKING" => {
            machine.handle(at(0), hello("a"));
            machine.handle(at(0), server::Event::Admitted);
            if name == "BOUND, ASKING" {
                machine.handle(at(0), hello("b"));
            }
        }
        _ => machine.handle(at(0), server::Event::Released),
    }
    while machine.poll().is_some() {}
    machine
}

#[test]
fn every_state_of_the_server_decides_every_event() {
    let line = server::Event::Line;
    let events = [
        ("HELO a", line(ClientLine::Hello(session("a")))),
        ("HELO b", line(ClientLine::Hello(session("b")))),
        ("PING", line(ClientLine::Ping)),
        ("blank line", line(ClientLine::Blank)),
        ("other line", line(ClientLine::Other)),
        ("line too long", line(ClientLine::TooLong)),
        ("admitted", server::Event::Admitted),
        ("refused", server::Event::Refused),
        ("wake up", server::Event::WakeUp("WVCI 1.2 ck".into())),
        ("released", server::Event::Released),
    ];
    let mut table = String::from(
        "# Server's end of a TCP connection for wake-ups. Compared by the tests of wv-proto.\n\
         # state | event | commands -> next state\n",
    );
    for name in ["GREETING", "ASKING", "BOUND", "BOUND, ASKING", "CLOSED"] {
        let mut cell = |event: &str, act: &dyn Fn(&mut CirServer)| {
            let mut machine = server_in(name);
            act(&mut machine);
            let commands: Vec<String> = std::iter::from_fn(|| machine.poll()).map(|one| format!("{one:?}")).collect();
            writeln!(table, "{name:<13} | {event:<13} | {} -> {:?}", commands.join(", "), machine.state()).unwrap();
        };
        for (event, happens) in &events {
            cell(event, &|machine| machine.handle(at(1), happens.clone()));
        }
        cell("30 s pass", &|machine| machine.expire(at(30)));
        cell("2 h pass", &|machine| machine.expire(at(7200)));
    }
    assert!(table == SERVER_TABLE, "the table is now:\n{table}");
}

fn client_in(name: &str) -> CirClient {
    let mut machine = CirClient::default();
    let steps = match name {
        "Idle" => 0,
        "Connecting" => 1,
        "Asking" => 2,
        "Open" => 3,
        _ => 4,
    };
    let events = [
        client::Event::Open(session("a")),
        client::Event::Connected,
        client::Event::Line(ServerLine::Ok),
        client::Event::Lost,
    ];
    for event in events.into_iter().take(steps) {
        machine.handle(at(0), event);
    }
    while machine.poll().is_some() {}
    machine
}

#[test]
fn every_state_of_the_client_decides_every_event() {
    let line = client::Event::Line;
    let events = [
        ("open", client::Event::Open(session("b"))),
        ("connected", client::Event::Connected),
        ("OK", line(ServerLine::Ok)),
        ("WVCI", line(ServerLine::WakeUp)),
        ("other line", line(ServerLine::Other)),
        ("line too long", line(ServerLine::TooLong)),
        ("lost", client::Event::Lost),
        ("close", client::Event::Close),
    ];
    let mut table = String::from(
        "# Client's end of a TCP connection for wake-ups. Compared by the tests of wv-proto.\n\
         # state | event | commands -> next state\n",
    );
    for name in ["Idle", "Connecting", "Asking", "Open", "Waiting"] {
        let mut cell = |event: &str, act: &dyn Fn(&mut CirClient)| {
            let mut machine = client_in(name);
            act(&mut machine);
            let commands: Vec<String> = std::iter::from_fn(|| machine.poll()).map(|one| format!("{one:?}")).collect();
            writeln!(table, "{name:<10} | {event:<13} | {} -> {:?}", commands.join(", "), machine.state()).unwrap();
        };
        for (event, happens) in &events {
            cell(event, &|machine| machine.handle(at(1), happens.clone()));
        }
        cell("time passes", &|machine| machine.expire(at(900)));
    }
    assert!(table == CLIENT_TABLE, "the table is now:\n{table}");
}

#[test]
fn a_client_tries_again_after_3_9_and_27_seconds_and_polls_when_it_works_again() {
    let mut machine = client_in("Waiting");
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..4 {
        let next = machine.deadline().unwrap();
        waits.push(now.until(next).as_secs());
        now = next;
        machine.expire(now);
        assert_eq!(machine.poll(), Some(client::Command::Connect));
        machine.handle(now, client::Event::Lost);
    }
    assert_eq!(waits, [3, 9, 27, 3]);
    machine.expire(machine.deadline().unwrap());
    machine.handle(now, client::Event::Connected);
    machine.handle(now, client::Event::Line(ServerLine::Ok));
    let commands: Vec<_> = std::iter::from_fn(|| machine.poll()).collect();
    assert!(commands.contains(&client::Command::Poll), "{commands:?}");
}

#[test]
fn a_server_waits_for_a_greeting_and_for_pings_as_long_as_its_limits_say() {
    let mut machine = server_in("BOUND");
    machine.handle(at(7000), server::Event::Line(ClientLine::Ping));
    machine.expire(at(7200));
    assert_eq!(machine.state(), &server::State::Bound(session("a")));
    assert_eq!(machine.deadline(), Some(at(14_200)));
}

/// The texts that a machine sends.
fn said(machine: &mut CirServer) -> Vec<String> {
    let text = |command| match command {
        server::Command::Send(text) => Some(text),
        _ => None,
    };
    std::iter::from_fn(|| machine.poll()).filter_map(text).collect()
}

#[test]
fn wv_cir_04_whatever_a_client_says_on_a_channel_that_works_is_answered_ok() {
    for line in [ClientLine::Ping, ClientLine::Hello(session("a")), ClientLine::Other] {
        let mut machine = server_in("BOUND");
        machine.handle(at(1), server::Event::Line(line.clone()));
        assert_eq!(said(&mut machine), ["OK\r\n"], "{line:?}");
    }
    let mut machine = server_in("BOUND");
    machine.handle(at(1), server::Event::Line(ClientLine::Blank));
    assert_eq!(said(&mut machine), [""; 0], "an empty line is the end of another one");
}

#[test]
fn wv_cir_05_a_connection_without_session_or_without_a_word_is_closed() {
    let limits = CirLimits::default();
    let is_closed = |machine: &mut CirServer, seconds: u64| {
        machine.expire(at(seconds));
        std::iter::from_fn(|| machine.poll()).any(|command| matches!(command, server::Command::Close))
    };
    let (greeting, silence) = (limits.greeting_wait.as_secs(), limits.silence_max.as_secs());
    assert!(silence > 1200, "the longest interval between two PING of a known client");
    assert!(!is_closed(&mut server_in("GREETING"), greeting - 1));
    assert!(is_closed(&mut server_in("GREETING"), greeting));
    assert!(is_closed(&mut server_in("ASKING"), greeting));
    let mut machine = server_in("BOUND");
    machine.handle(at(1000), server::Event::Line(ClientLine::Ping));
    assert!(!is_closed(&mut machine, silence + 999), "it was heard since");
    assert!(is_closed(&mut machine, silence + 1000));
}
