//! Messages and their reports between a WV user and a SIP user, through the SIP user's shadow.

use super::{ALICE, BOB, SHADOW, World};
use acceptance::{
    agent::Agent,
    wv_server::{Style, WvServer},
};
use std::time::Duration;
use wv_proto::version::{Encoding, Version};

/// Both ways, with everything that belongs to it.
pub(crate) fn talk(server: &WvServer, bob: &mut Agent, mark: &str) {
    let (there, back) = (format!("hello {mark}"), format!("and back {mark}"));
    let status = bob.send("sip:alice@old.example", &there).unwrap();
    assert!(matches!(status, 200 | 202), "{status}");
    server.expect_message(ALICE, &there);
    let id = server.say(ALICE, SHADOW, &back);
    bob.expect_text(&back);
    server.expect_delivered(&id);
}

#[test]
fn a_wv_user_and_a_sip_user_talk_in_every_version_and_encoding() {
    let spoken = [Version::V1_1, Version::V1_2, Version::V1_3]
        .into_iter()
        .flat_map(|version| [(version, Encoding::Xml), (version, Encoding::Wbxml)]);
    for spoken in spoken {
        let world = World::of(spoken, Style::proper(), "");
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        talk(&world.server, &mut bob, "proper");
        assert_eq!(bob.send("sip:nobody@old.example", "x"), Ok(404));
    }
}

#[test]
fn an_old_server_is_understood() {
    for spoken in [(Version::V1_1, Encoding::Xml), (Version::V1_2, Encoding::Wbxml)] {
        let world = World::of(spoken, Style::old(), "");
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        talk(&world.server, &mut bob, "old");
        // Two under one id, one after the other.
        let ids = ["one", "two"].map(|text| world.server.say(ALICE, SHADOW, text));
        for (id, text) in ids.iter().zip(["one", "two"]) {
            bob.expect_text(text);
            world.server.expect_delivered(id);
        }
    }
}

#[test]
fn wv_cli_11_nothing_is_acknowledged_before_it_is_safe() {
    let world = World::of((Version::V1_2, Encoding::Xml), Style { offers_again: true, ..Style::proper() }, "");
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "first");
    // What the SIP user does not want is refused, and its sender hears so.
    bob.answer_messages(603);
    let id = world.server.say(ALICE, SHADOW, "unwanted");
    world.server.expect_rejected(&id);
    assert!(!world.server.is_delivered(&id));
    // What nobody answers is kept here, and acknowledged when it is.
    bob.answer_messages(0);
    let id = world.server.say(ALICE, SHADOW, "for later");
    world.server.expect_delivered(&id);
    bob.answer_messages(200);
    bob.expect_text("for later");
}

#[test]
fn a_message_that_is_only_told_of_is_fetched() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "first");
    let id = world.server.announce(ALICE, SHADOW, "a long one");
    bob.expect_text("a long one");
    world.server.expect_delivered(&id);
}

#[test]
fn nobody_writes_without_an_account() {
    let world = World::new();
    let mut eve = Agent::registered(world.gateway.sip(), "eve@sip.example");
    assert_eq!(eve.send("sip:alice@old.example", "x"), Ok(403));
}

#[test]
fn a_sip_user_hears_what_became_of_its_message() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    let wrapped = "From: <sip:bob@sip.example>\r\nTo: <sip:alice@old.example>\r\nDateTime: 2026-01-01T00:00:00Z\r\n\
                   NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: Tq1xyz\r\n\
                   imdn.Disposition-Notification: positive-delivery, negative-delivery\r\n\r\n\
                   Content-Type: text/plain\r\n\r\nwith a report";
    let status = bob.send_content("sip:alice@old.example", "message/cpim", wrapped.as_bytes()).unwrap();
    assert!(matches!(status.status().to_number(), 200 | 202));
    let id = world.server.expect_message(ALICE, "with a report");
    world.server.report(&id, 200);
    let told = bob.expect_text("Tq1xyz");
    assert!(String::from_utf8_lossy(told.body()).contains("<delivered/>"), "{told:?}");
}

#[test]
fn a_server_that_dies_and_comes_back_gets_what_waited() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "before");
    let (_gateway, dead) = world.kill_server();
    assert_eq!(bob.send("sip:alice@old.example", "while away"), Ok(202));
    let server = dead.start_again();
    server.expect_message_within(ALICE, "while away", Duration::from_secs(60));
    talk(&server, &mut bob, "after");
}

#[test]
fn what_a_killed_gateway_had_not_acknowledged_comes_again() {
    let mut world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "before");
    world.gateway.kill();
    let id = world.server.say(ALICE, SHADOW, "while away");
    world.server.forget_sessions();
    let again = world.server.say(ALICE, SHADOW, "and once more");
    world.gateway.start_again();
    assert_eq!(bob.send("sip:alice@old.example", "here again"), Ok(200));
    bob.expect_text("and once more");
    world.server.expect_delivered(&again);
    assert!(!world.server.is_delivered(&id), "its session was gone with it");
}
