//! Invitations of WV users, and groups, as far as a SIP user without sessions can hear of them.

use super::{ALICE, BOB, SHADOW, World, message::talk};
use acceptance::{agent::Agent, wv_server::Style};
use wv_proto::{
    primitive::invitation::InviteType,
    version::{Encoding, Version},
};

const CHESS: &str = "/chess@old.example";

#[test]
fn wv_inv_06_a_sip_user_is_told_of_invitations_by_a_text() {
    for spoken in [(Version::V1_1, Encoding::Wbxml), (Version::V1_2, Encoding::Xml), (Version::V1_3, Encoding::Wbxml)] {
        let world = World::of(spoken, Style::proper(), "");
        let mut bob = Agent::registered(world.gateway.sip(), BOB);
        talk(&world.server, &mut bob, "first");
        world.server.invite(ALICE, SHADOW, InviteType::Group, Some(CHESS), "a game at nine");
        let told = bob.expect_text("a game at nine");
        let text = String::from_utf8_lossy(told.body()).into_owned();
        assert!(text.contains("chess"), "{text}");
        world.server.expect_answer("InviteUser-Request", 200);
        world.server.invite(ALICE, SHADOW, InviteType::Message, None, "a word with you");
        bob.expect_text("a word with you");
        // They go on by what SIP has.
        talk(&world.server, &mut bob, "then");
    }
}

#[test]
fn what_no_text_can_stand_for_is_refused() {
    let world = World::of((Version::V1_3, Encoding::Xml), Style::proper(), "");
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    talk(&world.server, &mut bob, "first");
    world.server.invite(ALICE, SHADOW, InviteType::ExtendedGroup, Some(CHESS), "more of us");
    world.server.expect_answer("InviteUser-Request", 501);
    // What is said in a group needs a session: it is refused rather than lost in silence.
    let id = world.server.say_in_group((CHESS, "rook"), SHADOW, "check");
    world.server.expect_rejected(&id);
    talk(&world.server, &mut bob, "then");
}
