//! Looks at presentities of neighbours, and subscriptions there that end and speak at the same time.

use super::{
    watching::{ALICE, ZOE, closed, online, opened, outcome, update, watch},
    world::{World, address, session},
};
use crate::{
    command::Answer,
    event::{EventKind, Operation, SubscriptionUpdate},
    outcome::Outcome,
    presence::AttributeSet,
    watcher::EndReason,
};
use std::time::Duration;

#[test]
fn a_subscription_that_speaks_after_the_end_of_a_former_one_is_closed_too() {
    let mut world = World::new();
    let presentity = watch(&mut world, ALICE, &session("a"), &[ZOE]);
    assert_eq!(outcome(world.answer(presentity)), Outcome::Success);
    // What was restored ends at the same moment in which it is opened anew.
    let later = Some(Duration::from_secs(3600));
    update(&mut world, ALICE, SubscriptionUpdate::Ended { reason: EndReason::Probation, retry_after: later });
    update(&mut world, ALICE, online());
    world.take();
    world.request(ALICE, &session("a"), Operation::Unwatch { targets: vec![address(ZOE)] });
    world.wait_millis(120_000);
    assert_eq!(closed(&world.take()), 1);
}

#[test]
fn a_look_that_finds_nothing_says_why() {
    for (said, shown) in [
        (SubscriptionUpdate::Pending, Outcome::NotDecided),
        (ended(EndReason::Rejected), Outcome::Blocked),
        (ended(EndReason::NoResource), Outcome::UnknownUser),
        (ended(EndReason::Giveup), Outcome::NotDecided),
        (ended(EndReason::Timeout), Outcome::Unavailable),
        (SubscriptionUpdate::Failed { outcome: Outcome::Timeout, retry_after: None }, Outcome::Timeout),
        (online(), Outcome::Success),
        (SubscriptionUpdate::Active(None), Outcome::Success),
    ] {
        let mut world = World::new();
        world.attach(ALICE, &session("a"));
        let operation = Operation::Fetch { targets: vec![address(ZOE)], attributes: AttributeSet::ALL };
        let id = world.request(ALICE, &session("a"), operation);
        let (subscription, lasting) = opened(&world.take()).pop().unwrap();
        assert!(!lasting);
        world.event(EventKind::Subscription { subscription, update: said.clone() });
        let Answer::Presence { outcome, .. } = world.answer(id) else { panic!("{said:?}") };
        assert_eq!(outcome, shown, "{said:?}");
    }
}

fn ended(reason: EndReason) -> SubscriptionUpdate {
    SubscriptionUpdate::Ended { reason, retry_after: None }
}
