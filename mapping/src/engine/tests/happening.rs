//! What concerns a user without being asked for: who is told, and how often.

use super::{
    conversing::{ALICE, CAROL, ask, does, invite, respond, room},
    world::{World, address, contact, session},
};
use crate::{
    command::{Answer, CommandKind, Happening},
    contact_list::{Contact, ContactListChange},
    conversation::{Ask, PropertyChange, Who},
    event::Operation,
    invitation::InvitationKind,
    outcome::Outcome,
    screening::Entity,
    watcher::Decision,
};
use std::sync::Arc;

const BOB: &str = "bob@sip.example";

fn happened(world: &mut World) -> Vec<(String, Happening)> {
    let told = world.take().into_iter().filter_map(|kind| match kind {
        CommandKind::Happened { endpoint, happening } => Some((endpoint.id.to_string(), happening)),
        _ => None,
    });
    told.collect()
}

fn written() -> Arc<str> {
    Arc::from("wv:Alice/Room@wv.example")
}

fn friend(text: &str) -> Contact {
    Contact { address: address(text), written: "".into(), nickname: None }
}

fn create(members: &[&str]) -> Operation {
    Operation::CreateContactList {
        list: address("alice/friends@wv.example"),
        written: "wv:alice/friends@wv.example".into(),
        members: members.iter().map(|text| friend(text)).collect(),
        display_name: None,
        make_default: false,
    }
}

fn manage(change: ContactListChange) -> Operation {
    Operation::ManageContactList { list: address("alice/friends@wv.example"), change }
}

fn list_outcome(world: &mut World, operation: Operation) -> Outcome {
    let id = world.request(ALICE, &session("a"), operation);
    match world.answer(id) {
        Answer::ContactList { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_is_new_on_a_list_hears_of_it_once_where_it_can_be_told() {
    for shards in [1, 3] {
        let mut world = World::with(shards, |_| {});
        world.attach(ALICE, &session("a"));
        world.attach(CAROL, &session("c"));
        world.attach(BOB, &contact("b"));
        world.take();
        let listed = vec![("c".to_owned(), Happening::Listed { by: address(ALICE) })];
        assert_eq!(list_outcome(&mut world, create(&[ALICE, CAROL, BOB])), Outcome::Success);
        assert_eq!(happened(&mut world), listed);
        let again = ContactListChange { add: vec![friend(CAROL)], ..ContactListChange::default() };
        assert_eq!(list_outcome(&mut world, manage(again.clone())), Outcome::Success);
        assert_eq!(happened(&mut world), [], "it is there already");
        let gone = ContactListChange { remove: vec![address(CAROL)], ..ContactListChange::default() };
        list_outcome(&mut world, manage(gone));
        assert_eq!(happened(&mut world), []);
        list_outcome(&mut world, manage(again));
        assert_eq!(happened(&mut world), listed);
    }
}

#[test]
fn members_hear_of_their_membership_and_of_others() {
    for shards in [1, 3] {
        let mut world = room(shards, PropertyChange::default());
        world.take();
        let members = |all: &[&str]| all.iter().map(|text| Who::User(address(text))).collect::<Vec<_>>();
        let add = ask(Ask::AddMembers(members(&[CAROL])));
        assert_eq!(does(&mut world, ALICE, &session("a"), add.clone()), Outcome::Success);
        assert_eq!(
            happened(&mut world),
            [("c".to_owned(), Happening::MembershipGranted { written: written() })],
            "who does it knows"
        );
        assert_eq!(does(&mut world, ALICE, &session("a"), add), Outcome::Success);
        assert_eq!(happened(&mut world), [], "it is a member already");
        let other = ask(Ask::AddMembers(members(&[BOB])));
        assert_eq!(does(&mut world, ALICE, &session("a"), other), Outcome::Success);
        let changed = [("c".to_owned(), Happening::MembersChanged { written: written() })];
        assert_eq!(happened(&mut world), changed, "the other side hears nothing");
        world.attach(CAROL, &session("c2"));
        let remove = ask(Ask::RemoveMembers(members(&[CAROL])));
        assert_eq!(does(&mut world, ALICE, &session("a"), remove), Outcome::Success);
        let revoked = |place: &str| (place.to_owned(), Happening::MembershipRevoked { written: written() });
        assert_eq!(happened(&mut world), [revoked("c"), revoked("c2")]);
        let keep_out = ask(Ask::KeepOut { add: members(&[CAROL]), remove: Vec::new() });
        assert_eq!(does(&mut world, ALICE, &session("a"), keep_out), Outcome::Success);
        assert_eq!(happened(&mut world), [], "it was no member any more");
    }
}

#[test]
fn who_accepts_a_membership_hears_that_it_has_it() {
    let mut world = room(2, PropertyChange::default());
    let now = world.now;
    does(&mut world, ALICE, &session("a"), invite(InvitationKind::Membership, &[CAROL], now, 60));
    world.take();
    assert_eq!(does(&mut world, CAROL, &session("c"), respond(true)), Outcome::Success);
    let mut told = happened(&mut world);
    told.sort_by(|(one, _), (other, _)| one.cmp(other));
    assert_eq!(
        told,
        [
            ("a".to_owned(), Happening::MembersChanged { written: written() }),
            ("c".to_owned(), Happening::MembershipGranted { written: written() }),
        ]
    );
}

#[test]
fn who_is_authorised_with_its_place_on_a_list_is_seen_and_granted() {
    let mut world = World::with(2, |config| config.limits.entities_per_screening = 1);
    world.attach(ALICE, &session("a"));
    list_outcome(&mut world, create(&[]));
    let change = |add: &[&str]| ContactListChange {
        add: add.iter().map(|text| friend(text)).collect(),
        authorize: true,
        ..ContactListChange::default()
    };
    assert_eq!(list_outcome(&mut world, manage(change(&[CAROL, BOB]))), Outcome::TooManyContacts);
    let id = world.request(ALICE, &session("a"), Operation::GetContactLists);
    let Answer::ContactLists(lists) = world.answer(id) else { panic!() };
    assert!(lists[0].members.is_empty(), "all together or nothing");
    assert_eq!(list_outcome(&mut world, manage(change(&[BOB]))), Outcome::Success);
    let id = world.request(ALICE, &session("a"), Operation::Screen(crate::screening::ScreeningChange::default()));
    let Answer::Screening(screening) = world.answer(id) else { panic!() };
    assert_eq!(screening.grant.entities.into_iter().collect::<Vec<_>>(), [Entity::User(address(BOB))]);
    let decided = world.facts.values().any(|fact| {
        matches!(fact, crate::record::Fact::Authorization { watcher, decision: Decision::Allow, .. }
            if *watcher == address(BOB))
    });
    assert!(decided);
}
