//! One subscription for all watchers, where the peer has agreed to that.

use super::{
    watching::{ALICE, ZOE, closed, opened, watch},
    world::{World, address, session},
};
use crate::{
    command::CommandKind,
    event::{EventKind, Operation, SubscriptionId, SubscriptionUpdate},
    presence::{AttributeSet, Mood, Person, PresenceDocument, Value},
    side::PeerName,
    watcher::EndReason,
};

const CAROL: &str = "carol@wv.example";
const GATEWAY: &str = "gateway@wv.example";

fn shared() -> World {
    World::with(3, |config| {
        config.shared_views.insert(PeerName::new("core"), address(GATEWAY));
    })
}

fn subscription() -> SubscriptionId {
    SubscriptionId::lasting(&address(GATEWAY), &address(ZOE))
}

fn update(world: &mut World, update: SubscriptionUpdate) {
    world.event(EventKind::Subscription { subscription: subscription(), update });
}

fn is(mood: Mood) -> SubscriptionUpdate {
    let person = Person { mood: Value::Known(mood), ..Person::default() };
    SubscriptionUpdate::Active(Some(Box::new(PresenceDocument { person, devices: Vec::new() })))
}

/// Which sessions were told which mood, by name.
fn told(world: &mut World) -> Vec<(String, Option<Mood>)> {
    let mut told: Vec<_> = world
        .take()
        .into_iter()
        .filter_map(|kind| match kind {
            CommandKind::Notify(told) => {
                let mood = told.view.and_then(|view| view.document.person.mood.known().cloned());
                Some((told.endpoint.id.to_string(), mood))
            }
            _ => None,
        })
        .collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    told
}

fn leave(world: &mut World, user: &str, name: &str) {
    world.request(user, &session(name), Operation::Unwatch { targets: vec![address(ZOE)] });
}

#[test]
fn one_subscription_serves_all_and_ends_with_the_last() {
    let mut world = shared();
    world.attach(ALICE, &session("a"));
    world.attach(CAROL, &session("c"));
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    assert_eq!(opened(&world.take()), [(subscription(), true)]);
    update(&mut world, is(Mood::Happy));
    assert_eq!(told(&mut world), [("a".to_owned(), Some(Mood::Happy))]);

    watch(&mut world, CAROL, &session("c"), &[ZOE]);
    assert_eq!(told(&mut world), [("c".to_owned(), Some(Mood::Happy))], "the newcomer alone, from the cache");

    world.wait_millis(10_000);
    update(&mut world, is(Mood::Sad));
    assert_eq!(told(&mut world), [("a".to_owned(), Some(Mood::Sad)), ("c".to_owned(), Some(Mood::Sad))]);

    leave(&mut world, ALICE, "a");
    world.wait_millis(3_600_000);
    assert_eq!(closed(&world.take()), 0);
    leave(&mut world, CAROL, "c");
    world.wait_millis(3_600_000);
    assert_eq!(closed(&world.take()), 1);
    assert!(world.engines.iter().all(|engine| engine.entries().next().is_none()));
}

#[test]
fn all_hear_of_its_end_and_its_return() {
    let mut world = shared();
    for (user, name) in [(ALICE, "a"), (CAROL, "c")] {
        world.attach(user, &session(name));
        watch(&mut world, user, &session(name), &[ZOE]);
    }
    assert_eq!(opened(&world.take()).len(), 1, "both wait for the same answer");
    update(&mut world, is(Mood::Happy));
    assert_eq!(told(&mut world).len(), 2);
    update(&mut world, SubscriptionUpdate::Ended { reason: EndReason::NoResource, retry_after: None });
    world.wait_millis(10_000);
    assert_eq!(told(&mut world), [("a".to_owned(), None), ("c".to_owned(), None)]);
}

#[test]
fn looks_share_one_question_and_are_answered_each() {
    let mut world = shared();
    let look = Operation::Fetch { targets: vec![address(ZOE)], attributes: AttributeSet::ALL };
    for (user, name) in [(ALICE, "a"), (CAROL, "c")] {
        world.attach(user, &session(name));
    }
    let first = world.request(ALICE, &session("a"), look.clone());
    let second = world.request(CAROL, &session("c"), look);
    let asked = opened(&world.seen);
    let [(fetch, false)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(fetch.watcher(), Some(address(GATEWAY)));
    world.event(EventKind::Subscription { subscription: fetch.clone(), update: is(Mood::Happy) });
    assert_eq!((world.answers(first).len(), world.answers(second).len()), (1, 1));
}

#[test]
fn after_a_crash_there_is_one_again() {
    let mut world = shared();
    for (user, name) in [(ALICE, "a"), (CAROL, "c")] {
        world.attach(user, &session(name));
        watch(&mut world, user, &session(name), &[ZOE]);
    }
    update(&mut world, is(Mood::Happy));
    world.take();
    world.crash(3);
    assert_eq!(opened(&world.take()), [(subscription(), true)]);
}
