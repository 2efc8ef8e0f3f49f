//! Invitations beyond their usual way: into a talk of two, to membership, to nobody.

use super::{
    conversing::{ALICE, CAROL, ask, does, invitations, invite, outcome, respond, room},
    world::{address, session},
};
use crate::{
    command::Answer,
    conversation::{Ask, OwnChange, PropertyChange, Reply},
    event::Operation,
    invitation::{Extension, InvitationKind, InvitationNews},
    outcome::Outcome,
    time::Timestamp,
};

fn extension(to: &[&str], now: Timestamp) -> Operation {
    Operation::ExtendTalk(Box::new(Extension {
        conversation: address("alice/talk@wv.example"),
        written: "wv:alice/talk@wv.example".into(),
        id: "t1".into(),
        recipients: to.iter().map(|text| address(text)).collect(),
        name: Some("al".into()),
        follow: true,
        welcome: None,
        expires: now.after(std::time::Duration::from_secs(60)),
    }))
}

#[test]
fn a_talk_of_two_becomes_a_conversation_to_which_others_are_invited() {
    let mut world = room(2, PropertyChange::default());
    let now = world.now;
    let id = world.request(ALICE, &session("a"), extension(&[CAROL], now));
    assert_eq!(outcome(&world, id), Outcome::Success);
    let told = invitations(&world.take());
    assert!(
        matches!(&told[..], [(place, InvitationNews::Invited(invitation))]
            if place == "c" && invitation.kind == InvitationKind::ExtendedTalk),
        "{told:?}"
    );
    let join = |conversation: &str| Operation::Converse {
        conversation: address(conversation),
        ask: Ask::Join { name: None, follow: true, own: OwnChange::default() },
    };
    assert_eq!(does(&mut world, CAROL, &session("c"), join("alice/talk@wv.example")), Outcome::Success);
    let again = world.request(ALICE, &session("a"), extension(&[CAROL; 2000], now));
    assert_eq!(outcome(&world, again), Outcome::BadParameter);
}

#[test]
fn who_accepts_membership_becomes_a_member_and_other_devices_hear_that_it_is_settled() {
    let mut world = room(2, PropertyChange::default());
    world.attach(CAROL, &session("c2"));
    let now = world.now;
    let invited = invite(InvitationKind::Membership, &[CAROL], now, 60);
    assert_eq!(does(&mut world, ALICE, &session("a"), invited), Outcome::Success);
    world.take();
    assert_eq!(does(&mut world, CAROL, &session("c"), respond(true)), Outcome::Success);
    let told = invitations(&world.take());
    assert!(
        told.iter().any(|(place, news)| place == "c2" && matches!(news, InvitationNews::Settled { .. })),
        "{told:?}"
    );
    let members = world.request(CAROL, &session("c"), ask(Ask::Members));
    let Answer::Conversation { reply: Reply::Members(members), .. } = world.answer(members) else { panic!() };
    assert!(format!("{members:?}").contains("carol"), "{members:?}");
}

#[test]
fn an_invitation_to_nobody_and_one_that_is_over_are_told_so() {
    let mut world = room(2, PropertyChange::default());
    let now = world.now;
    let nobody = invite(InvitationKind::Message, &["nobody@wv.example"], now, 60);
    assert_eq!(does(&mut world, ALICE, &session("a"), nobody), Outcome::UnknownUser);
    let nowhere = invite(InvitationKind::Message, &["carol@nowhere.example"], now, 60);
    assert_eq!(does(&mut world, ALICE, &session("a"), nowhere), Outcome::UnknownDomain);
    world.wait_millis(5_000);
    let over = invite(InvitationKind::Message, &[CAROL], now, 1);
    assert!(!does(&mut world, ALICE, &session("a"), over).is_success());
    let many: Vec<String> = (0..2000).map(|number| format!("u{number}@wv.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(!does(&mut world, ALICE, &session("a"), invite(InvitationKind::Message, &many, now, 60)).is_success());
}
