//! Presence and authorisation through shadows.

use super::{ALICE, BOB, SHADOW, World, message::talk};
use acceptance::{
    agent::{Agent, Watch},
    catalogue::{How, case},
    wv_server::Style,
};
use std::time::Duration;
use wv_proto::version::{Encoding, Version};

pub(crate) const BOB_IS_THERE: &str = r#"<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@sip.example">
<tuple id="t"><status><basic>open</basic></status><note>on the road</note></tuple><note>on the road</note>
</presence>"#;

pub(crate) fn sees(bob: &mut Agent, watch: &Watch, text: &str) {
    bob.expect_notify(watch, text, |notify| notify.body.contains(text).then_some(()));
}

#[test]
fn a_sip_user_sees_a_wv_user_and_what_changes() {
    for spoken in [(Version::V1_1, Encoding::Wbxml), (Version::V1_2, Encoding::Xml), (Version::V1_3, Encoding::Wbxml)] {
        let world = World::of(spoken, Style::proper(), "");
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        world.server.show(ALICE, "at home");
        let (status, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
        assert!(matches!(status, 200 | 202), "{status}");
        sees(&mut bob, &watch, "at home");
        world.server.show(ALICE, "on the way");
        sees(&mut bob, &watch, "on the way");
        let (status, unknown) = bob.watch("sip:nobody@old.example", "presence", 600).unwrap();
        assert!(matches!(status, 200 | 202 | 404), "{status}");
        if status != 404 {
            bob.expect_notify(&unknown, "the end", |notify| notify.state.contains("noresource").then_some(()));
        }
    }
}

#[test]
fn iwf_ses_int_012_a_sip_user_who_publishes_is_shown_by_its_shadow() {
    case("IWF-SES-INT-012", How::Sockets, || {
        let world = World::new();
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        let tag = bob.publish(BOB_IS_THERE, None).unwrap();
        world.server.expect_shown(SHADOW, true, Some("on the road"));
        let gone = BOB_IS_THERE.replace("open", "closed");
        bob.publish(&gone, Some(&tag)).unwrap();
        world.server.expect_shown(SHADOW, false, None);
    });
}

#[test]
fn a_wv_user_is_let_in_when_the_sip_user_watches_back() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    bob.publish(BOB_IS_THERE, None).unwrap();
    world.server.expect_shown(SHADOW, true, Some("on the road"));
    world.server.ask_to_see(ALICE, SHADOW);
    // It is asked; watching back is the consent of a user of the registrar.
    bob.watch("sip:alice@old.example", "presence", 600).unwrap();
    world.server.expect_decision(SHADOW, ALICE, true);
}

#[test]
fn a_wv_user_is_refused_where_everybody_is() {
    let world = World::of((Version::V1_2, Encoding::Xml), Style::proper(), "[authorization]\ndefault = \"block\"\n");
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    bob.publish(BOB_IS_THERE, None).unwrap();
    world.server.expect_shown(SHADOW, true, Some("on the road"));
    world.server.ask_to_see(ALICE, SHADOW);
    world.server.expect_decision(SHADOW, ALICE, false);
}

#[test]
fn a_wv_user_who_has_to_allow_is_asked_by_its_own_server() {
    let world = World::new();
    world.server.ask_for(ALICE);
    world.server.show(ALICE, "secret place");
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    let (_, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
    bob.expect_notify(&watch, "pending", |notify| notify.state.starts_with("pending").then_some(()));
    world.server.expect_logins(SHADOW, 1, Duration::from_secs(20));
    world.server.allow(ALICE, SHADOW);
    sees(&mut bob, &watch, "secret place");
}

#[test]
fn who_has_no_account_sees_nothing_unless_a_view_is_public() {
    let world = World::new();
    world.server.show(ALICE, "at home");
    let mut eve = Agent::registered(world.gateway.sip(), "eve@sip.example");
    let (status, watch) = eve.watch("sip:alice@old.example", "presence", 600).unwrap();
    if status != 403 {
        eve.expect_notify(&watch, "the end", |notify| notify.state.starts_with("terminated").then_some(()));
    }
    let world = World::of((Version::V1_2, Encoding::Xml), Style::proper(), "public_view = true\n");
    world.server.show(ALICE, "at home");
    let mut eve = Agent::registered(world.gateway.sip(), "eve@sip.example");
    let (_, watch) = eve.watch("sip:alice@old.example", "presence", 600).unwrap();
    sees(&mut eve, &watch, "at home");
}

#[test]
fn everything_converges_when_the_server_comes_back() {
    let world = World::new();
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    bob.publish(BOB_IS_THERE, None).unwrap();
    world.server.show(ALICE, "before");
    let (_, watch) = bob.watch("sip:alice@old.example", "presence", 600).unwrap();
    sees(&mut bob, &watch, "before");
    world.server.expect_shown(SHADOW, true, Some("on the road"));
    talk(&world.server, &mut bob, "before");
    let (_gateway, dead) = world.kill_server();
    let server = dead.start_again();
    server.show(ALICE, "after");
    sees(&mut bob, &watch, "after");
    server.expect_shown(SHADOW, true, Some("on the road"));
    talk(&server, &mut bob, "after");
}

#[test]
fn an_observer_passes_nothing_on() {
    let world = World::observing();
    world.server.expect_logins(SHADOW, 1, Duration::from_secs(20));
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    let id = world.server.say(ALICE, SHADOW, "only seen");
    assert_eq!(bob.send("sip:alice@old.example", "not sent"), Ok(405));
    acceptance::wait::until("the observation", Duration::from_secs(20), || {
        world.gateway.log().contains("observed: would pass it on").then_some(())
    });
    assert!(!world.server.is_delivered(&id));
    assert!(!world.server.titles().contains(&"SendMessage-Request".to_owned()));
}
