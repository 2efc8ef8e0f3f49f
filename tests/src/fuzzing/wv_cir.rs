//! The TCP channel for wake-ups: lines of a client in any pieces, and what the server makes of them.

use super::tape::Tape;
use wv_proto::{
    cir::{
        client::{self, CirClient},
        line::{LINE_OCTETS_MAX, LineReader},
        server::{CirLimits, CirServer, Command, Event, State},
    },
    primitive::identifier::SessionId,
    session::time::Timestamp,
};

/// Both ends of a connection.
///
/// # Panics
/// When a promise of one of the machines is broken.
pub fn run(data: &[u8]) {
    let mut tape = Tape::new(data);
    let at = Timestamp::from_millis;
    let mut now = 0;
    let mut server = CirServer::new(at(now), CirLimits::default());
    let mut client = CirClient::default();
    let (mut from_client, mut from_server) = (LineReader::default(), LineReader::default());
    let mut wanted = 0_u32;
    while let Some(choice) = tape.next_octet() {
        match choice % 8 {
            0..=2 => {
                let mut input = tape.octets();
                while let Some(line) = from_client.next_of_client(&mut input) {
                    server.handle(at(now), Event::Line(line));
                    wanted += settle(&mut server);
                }
                assert!(input.is_empty());
            }
            3 => server.handle(at(now), if tape.flag() { Event::Admitted } else { Event::Refused }),
            4 => server.handle(at(now), if choice > 250 { Event::Released } else { Event::WakeUp(tape.text()) }),
            5 => {
                let mut input = tape.octets();
                while let Some(line) = from_server.next_of_server(&mut input) {
                    client.handle(at(now), client::Event::Line(line));
                }
            }
            6 => client.handle(
                at(now),
                match tape.octet() % 4 {
                    0 => client::Event::Open(SessionId::new(tape.text())),
                    1 => client::Event::Connected,
                    2 => client::Event::Lost,
                    _ => client::Event::Close,
                },
            ),
            _ => {
                now += tape.wait_millis();
                server.expire(at(now));
                client.expire(at(now));
                assert!(server.deadline().is_none_or(|deadline| deadline > at(now)), "an expired deadline stays");
                assert!(client.deadline().is_none_or(|deadline| deadline > at(now)), "an expired deadline stays");
            }
        }
        wanted += settle(&mut server);
        while client.poll().is_some() {}
        assert!(wanted > 0 || server.session().is_none(), "nobody was looked up, and yet there is a session");
    }
}

/// Takes all commands; how many sessions were to be looked up.
fn settle(server: &mut CirServer) -> u32 {
    let mut wanted = 0;
    while let Some(command) = server.poll() {
        match command {
            Command::Find(session) => {
                assert!(session.as_str().len() <= LINE_OCTETS_MAX);
                assert!(matches!(server.state(), State::Asking(_)));
                wanted += 1;
            }
            Command::Send(line) => assert!(line.ends_with("\r\n")),
            Command::Close => assert_eq!(*server.state(), State::Closed),
        }
    }
    wanted
}
