//! What belongs to users, as facts, and what is refused to those who have no home here.

use super::{
    conversing::{ALICE, CAROL, does, room},
    world::{World, address, contact, session},
};
use crate::{
    command::Answer,
    contact_list::Contact,
    conversation::PropertyChange,
    event::{AttributeScope, BeyondOf, Operation},
    outcome::Outcome,
    presence::AttributeSet,
    record::{Fact, FactKey},
    screening::{Entity, EntityChange, ScreeningChange},
};

const BOB: &str = "bob@sip.example";
const FRIENDS: &str = "alice/friends@wv.example";

fn world() -> World {
    let mut world = room(1, PropertyChange::default());
    let friend = Contact { address: address(BOB), written: "".into(), nickname: Some("Bob".into()) };
    let create = Operation::CreateContactList {
        list: address(FRIENDS),
        written: "wv:alice/Friends@wv.example".into(),
        members: vec![friend],
        display_name: Some("Friends".into()),
        make_default: true,
    };
    world.request(ALICE, &session("a"), create);
    let scope = AttributeScope { targets: vec![address(FRIENDS), address(BOB)], everybody: true };
    let beyond = BeyondOf::default();
    let grant = Operation::SetAttributeLists { scope, attributes: AttributeSet::ALL, beyond };
    assert_eq!(does(&mut world, ALICE, &session("a"), grant), Outcome::Success);
    let block = EntityChange { in_use: Some(true), add: vec![Entity::User(address(CAROL))], ..EntityChange::default() };
    let change = ScreeningChange { block: Some(block), grant: None };
    world.request(ALICE, &session("a"), Operation::Screen(change));
    world
}

#[test]
fn what_belongs_to_a_user_comes_as_facts_lists_before_the_words_on_them() {
    let world = world();
    let facts = world.engines[0].properties(Some(&address(ALICE)));
    let keys: Vec<FactKey> = facts.iter().map(Fact::key).collect();
    let word = |on: &str| FactKey::Authorization(address(ALICE), address(on));
    let at = |key: &FactKey| keys.iter().position(|known| known == key).unwrap_or_else(|| panic!("{key:?}: {keys:?}"));
    let list = FactKey::ContactList(address(FRIENDS));
    for on in [FRIENDS, BOB, ALICE] {
        assert!(at(&list) < at(&word(on)));
    }
    at(&FactKey::Screening(address(ALICE)));
    let group = keys.iter().position(|key| matches!(key, FactKey::Conversation(_))).expect("the room of Alice");
    let person = keys.iter().position(|key| matches!(key, FactKey::Person(..))).expect("who is in it");
    assert!(group < person);
    // They are what is kept, and nothing that only goes on.
    for fact in &facts {
        assert_eq!(world.facts.get(&fact.key()), Some(fact));
    }
    assert!(!keys.iter().any(|key| matches!(key, FactKey::Attachment(..))));
    let of_all = world.engines[0].properties(None);
    assert_eq!(of_all.len(), facts.len(), "nobody else has anything");
    assert!(world.engines[0].properties(Some(&address(CAROL))).is_empty());
}

#[test]
fn the_tally_counts_who_is_there_and_what_waits() {
    let world = world();
    let tally = world.engines[0].tally();
    assert_eq!((tally.attachments, tally.watches, tally.queues), (2, 0, 0));
    assert!(world.engines[0].is_attended(&address(ALICE)));
    assert!(!world.engines[0].is_attended(&address("nobody@wv.example")));
}

#[test]
fn who_has_no_home_here_has_nothing_here() {
    let mut world = World::new();
    let scope = || AttributeScope { targets: vec![address(BOB)], everybody: false };
    let operations = [
        Operation::SetAttributeLists { scope: scope(), attributes: AttributeSet::ALL, beyond: BeyondOf::default() },
        Operation::DropAttributeLists { scope: scope() },
        Operation::GetAttributeLists { scope: scope() },
        Operation::GetDecisions { watchers: Vec::new() },
        Operation::GetWatchers { history: None },
    ];
    for operation in operations {
        for (who, expected) in [("guest@peer.example", Outcome::Forbidden), ("nobody@wv.example", Outcome::UnknownUser)]
        {
            let id = world.request(who, &contact("g"), operation.clone());
            match world.answer(id) {
                Answer::Done { outcome, .. } => assert_eq!(outcome, expected, "{operation:?}"),
                other => panic!("{operation:?}: {other:?}"),
            }
        }
    }
    assert!(world.facts.is_empty());
}
