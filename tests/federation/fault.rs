//! What goes wrong between two home servers.

use super::{ALICE, BOB, World, replay::quirk_uses};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    ssp_peer::{Fault, SspHome, post_octets},
    wait,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use wv_proto::ssp::{Body, Document, primitive::Primitive};

/// The code of the first transaction of an answer; success where it has none.
pub(crate) fn code_of(document: &Document) -> u16 {
    let Body::Session(message) = &document.body else { panic!("{document:?}") };
    let content = message.transactions[0].content.as_ref().unwrap();
    content.status().map_or(200, |status| status.code.number())
}

fn is_message(primitive: &Primitive, text: &str) -> bool {
    match primitive {
        Primitive::SendMessageRequest(request) => {
            request.content.as_ref().is_some_and(|content| content.octets.as_ref() == text.as_bytes())
        }
        _ => false,
    }
}

fn expect_message(world: &World, text: &str, patience: Duration) {
    let got = world.home.try_expect(text, patience, |asked| is_message(&asked.primitive, text).then_some(()));
    assert!(got.is_ok(), "{got:?}: {:#?}", world.home.titles());
}

#[test]
fn iwf_gen_int_015_set_ups_that_cross_or_come_too_early_end_in_one_session() {
    case("IWF-GEN-INT-015", How::Sockets, || {
        let world = World::new();
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        // The call-back is refused once, as where it overtakes the storing.
        world.home.fail("SendSecretToken Response", Fault::Close);
        world.home.open("sip.example").unwrap();
        world.home.wait_for_session("sip.example");
        let message = world.home.message(ALICE, "wv:bob@sip.example", "m1", "after a refused call-back", false);
        let answer = world.home.request("sip.example", message).unwrap();
        assert_eq!(answer.status().unwrap().code.number(), 200);
        bob.expect_text("after a refused call-back");
        assert!(quirk_uses(&world.gateway, "ssp_late_store") >= 1.0);
    });
}

#[test]
fn both_open_at_once_and_both_are_served() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    let sending = std::thread::scope(|scope| {
        let opening = scope.spawn(|| world.home.open("sip.example"));
        let sent = bob.send("sip:alice@foreign.example", "crossing");
        (sent, opening.join().unwrap())
    });
    assert!(matches!(sending.0, Ok(200 | 202)), "{sending:?}");
    expect_message(&world, "crossing", Duration::from_secs(90));
    world.home.wait_for_session("sip.example");
    let message = world.home.message(ALICE, "wv:bob@sip.example", "m1", "the other way", false);
    assert_eq!(world.home.request("sip.example", message).unwrap().status().unwrap().code.number(), 200);
    bob.expect_text("the other way");
}

#[test]
fn wv_ssp_10_a_400_is_told_and_never_repeated() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    world.home.fail("SendMessageRequest", Fault::Status(400));
    let status = bob.send("sip:alice@foreign.example", "unreadable").unwrap();
    assert!(status >= 400, "{status}");
    assert_eq!(bob.send("sip:alice@foreign.example", "readable"), Ok(200));
    expect_message(&world, "readable", Duration::from_secs(10));
    let posts = world.home.titles().iter().filter(|title| title.starts_with("SendMessageRequest")).count();
    assert_eq!(posts, 2);
}

#[test]
fn a_500_is_repeated_and_the_message_arrives() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    world.home.fail("SendMessageRequest", Fault::Status(500));
    assert_eq!(bob.send("sip:alice@foreign.example", "again"), Ok(202));
    expect_message(&world, "again", Duration::from_secs(30));
}

#[test]
fn wv_ssp_11_a_peer_that_lost_everything_is_set_up_again() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    world.home.forget_sessions();
    let status = bob.send("sip:alice@foreign.example", "after the loss").unwrap();
    assert!(status == 200 || status == 202, "{status}");
    expect_message(&world, "after the loss", Duration::from_secs(30));
    let opened = world.home.titles().iter().filter(|title| *title == "SendSecretToken Request").count();
    assert_eq!(opened, 1);
    assert!(quirk_uses(&world.gateway, "ssp_dead_session") >= 1.0);
}

#[test]
fn a_peer_in_its_session_may_post_more_than_a_stranger() {
    let world = World::limited("limits.requests_per_s_per_source=10");
    let ssp = SocketAddr::from((Ipv4Addr::LOCALHOST, world.gateway.ports().ssp));
    world.home.open_session("sip.example");
    for number in 0..40 {
        let message = world.home.message(ALICE, "wv:nobody@sip.example", &format!("m{number}"), "x", false);
        let answer = world.home.request("sip.example", message).unwrap();
        assert_eq!(answer.status().unwrap().code.number(), 531);
    }
    let stranger = world.home.document("sip.example", world.home.subscription(ALICE, "wv:bob@sip.example"));
    let stranger = String::from_utf8(stranger).unwrap().replace("@foreign.example\"><Transaction", "0\"><Transaction");
    let answers: Vec<Option<u16>> = (0..40).map(|_| post_octets(ssp, stranger.as_bytes()).ok()).collect();
    assert!(answers.iter().all(|answer| matches!(answer, None | Some(503))), "{answers:?}");
    assert!(answers.contains(&None) && answers.contains(&Some(503)), "{answers:?}");
}

#[test]
fn a_session_survives_the_death_of_the_gateway() {
    let mut world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    world.gateway.kill();
    world.gateway.start_again();
    let message = world.home.message(ALICE, "wv:bob@sip.example", "m1", "the same session", false);
    assert_eq!(world.home.request("sip.example", message).unwrap().status().unwrap().code.number(), 200);
    bob.expect_text("the same session");
}

#[test]
fn what_cannot_be_read_is_400_and_who_is_unknown_gets_nothing() {
    let world = World::new();
    let gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, world.gateway.ports().ssp));
    assert_eq!(post_octets(gateway, b"<WV-CSP-Message/>").unwrap(), 400);
    assert_eq!(post_octets(gateway, b"<Canceled><Canceled/>").unwrap(), 400);
    let unknown = b"<WV-SSP-Message><Session sessionID='9@foreign.example'><Transaction mode='Request' \
                    transactionID='1'><SubscribeRequest/></Transaction></Session></WV-SSP-Message>";
    assert!(post_octets(gateway, unknown).is_err(), "closed without an answer");
    let stranger = b"<WV-SSP-Message><SetupTransaction mode='Request' transactionID='1'><SendSecretToken \
                     serviceID='wv:@stranger.example'><SecretToken>00</SecretToken></SendSecretToken>\
                     </SetupTransaction></WV-SSP-Message>";
    assert!(post_octets(gateway, stranger).is_err(), "closed without an answer");
}

/// A fault at every step of a set-up that the gateway opens; the message arrives all the same.
fn arrives_after(faults: &[(&str, Fault)], patience: Duration) {
    std::thread::scope(|scope| {
        for (title, fault) in faults {
            scope.spawn(move || {
                let world = World::new();
                let mut bob = Agent::registered(world.gateway.sip(), BOB);
                world.home.fail(title, *fault);
                let status = bob.send("sip:alice@foreign.example", "in the end").unwrap();
                assert!(status == 200 || status == 202, "{title} {fault:?}: {status}");
                expect_message(&world, "in the end", patience);
                world.home.wait_for_session("sip.example");
            });
        }
    });
}

const OWN_STEPS: [&str; 3] = ["SendSecretToken Request", "LoginRequest Request", "LoginResponse Request"];

#[test]
fn a_peer_that_refuses_a_step_is_set_up_again() {
    let closed = OWN_STEPS.map(|title| (title, Fault::Close));
    let failed = OWN_STEPS.map(|title| (title, Fault::Status(500)));
    // The engine tries again after half a minute.
    arrives_after(&[closed, failed].concat(), Duration::from_secs(60));
}

#[test]
fn a_peer_that_cannot_read_a_step_or_takes_it_twice_is_set_up_again() {
    let unread = OWN_STEPS.map(|title| (title, Fault::Status(400)));
    let twice = OWN_STEPS.map(|title| (title, Fault::Twice));
    arrives_after(&[unread, twice].concat(), Duration::from_secs(60));
}

/// The steps of a set-up that the peer opens.
const THEIR_STEPS: [&str; 3] = ["SendSecretToken Response", "LoginRequest Response", "LoginResponse Response"];

#[test]
fn a_step_of_ours_that_the_peer_refuses_does_not_keep_it_from_opening_again() {
    std::thread::scope(|scope| {
        let faults = [Fault::Close, Fault::Status(400), Fault::Status(500)];
        for (title, fault) in THEIR_STEPS.iter().zip(faults) {
            scope.spawn(move || {
                let world = World::new();
                let mut bob = Agent::registered(world.gateway.sip(), BOB);
                world.home.fail(title, fault);
                world.home.open("sip.example").unwrap();
                wait::until("the step to be refused", Duration::from_secs(20), || {
                    world.home.titles().iter().any(|known| known.starts_with(title)).then_some(())
                });
                // It opens again where none is made; one set-up at a time is under way.
                wait::until("a session", Duration::from_secs(60), || {
                    let patience = Duration::from_secs(3);
                    let opened =
                        wait::try_until("it", patience, || world.home.has_session("sip.example").then_some(()));
                    if opened.is_err() {
                        // Refused where the last set-up is not over yet.
                        let _ = world.home.open("sip.example");
                    }
                    opened.ok()
                });
                let message = world.home.message(ALICE, "wv:bob@sip.example", "m1", "in the end", false);
                let answer = world.home.request("sip.example", message).unwrap();
                assert_eq!(answer.status().unwrap().code.number(), 200);
                bob.expect_text("in the end");
            });
        }
    });
}

/// The peer dies when this is posted, and another process takes its place, which knows nothing of it.
fn arrives_after_death_at(title: &str) {
    let mut world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.fail(title, Fault::Die);
    if title.ends_with("Response") {
        let _ = world.home.open("sip.example");
    } else {
        let status = bob.send("sip:alice@foreign.example", "before").unwrap();
        assert!(status == 200 || status == 202, "{title}: {status}");
    }
    wait::until(&format!("the death at {title}"), Duration::from_secs(20), || world.home.is_dead().then_some(()));
    let (port, ssp) = (world.home.port(), SocketAddr::from((Ipv4Addr::LOCALHOST, world.gateway.ports().ssp)));
    drop(world.home);
    world.home = SspHome::start("foreign.example", port, ssp);
    if !title.ends_with("Response") {
        // The engine tries again after half a minute.
        expect_message(&world, "before", Duration::from_secs(60));
    }
    let status = bob.send("sip:alice@foreign.example", "after").unwrap();
    assert!(status == 200 || status == 202, "{title}: {status}");
    expect_message(&world, "after", Duration::from_secs(60));
    let message = world.home.message(ALICE, "wv:bob@sip.example", "m1", "and back", false);
    assert_eq!(world.home.request("sip.example", message).unwrap().status().unwrap().code.number(), 200);
    bob.expect_text("and back");
}

#[test]
fn a_peer_that_is_killed_at_any_step_gets_everything_when_it_is_back() {
    std::thread::scope(|scope| {
        for title in OWN_STEPS.iter().chain(&THEIR_STEPS).chain(&["SendMessageRequest"]) {
            scope.spawn(|| arrives_after_death_at(title));
        }
    });
}

#[test]
fn an_answer_that_comes_twice_is_heard_once() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    world.home.fail("SendMessageRequest", Fault::Twice);
    assert_eq!(bob.send("sip:alice@foreign.example", "answered twice"), Ok(200));
    assert_eq!(bob.send("sip:alice@foreign.example", "and then"), Ok(200));
    expect_message(&world, "and then", Duration::from_secs(10));
    let posts = world.home.titles().iter().filter(|title| title.starts_with("SendMessageRequest")).count();
    assert_eq!(posts, 2);
}

#[test]
fn wv_ssp_12_a_peer_that_falls_silent_at_a_step_is_set_up_again_after_a_minute() {
    arrives_after(&OWN_STEPS.map(|title| (title, Fault::Silence)), Duration::from_secs(150));
}

#[test]
fn a_post_that_nobody_answers_is_repeated_in_a_new_session() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    world.home.fail("SendMessageRequest", Fault::Hang);
    assert_eq!(bob.send("sip:alice@foreign.example", "after a silence"), Ok(202));
    expect_message(&world, "after a silence", Duration::from_secs(40));
}

#[test]
fn a_peer_that_was_away_gets_what_waited() {
    let mut world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.open_session("sip.example");
    let port = world.home.port();
    let ssp = SocketAddr::from((Ipv4Addr::LOCALHOST, world.gateway.ports().ssp));
    drop(world.home);
    assert_eq!(bob.send("sip:alice@foreign.example", "while away"), Ok(202));
    // Another process, which knows nothing of the session.
    world.home = SspHome::start("foreign.example", port, ssp);
    expect_message(&world, "while away", Duration::from_secs(60));
}
