//! Following who watches a user, here and at a presence server.

use super::{
    watching::{ALICE, ZOE, outcome, watch},
    world::{World, address, contact, session},
};
use crate::{
    command::{Answer, CommandKind},
    engine::EngineConfig,
    event::{DetachReason, EventKind, Operation, RequestId},
    outcome::Outcome,
    presence::AttributeSet,
    side::{Endpoint, PeerName},
    watcher::{Decision, NewsExtent, WatcherCause, WatcherNews, WatcherRow, WatcherState, WatcherStatus},
};
use std::time::Duration;

const BOB: &str = "bob@sip.example";
const DAVE: &str = "dave@sip.example";

fn follow(world: &mut World, user: &str, endpoint: &Endpoint, follower: &str) -> RequestId {
    world.request(user, endpoint, Operation::FollowWatchers { follower: address(follower) })
}

fn decide(world: &mut World, user: &str, watcher: &str, decision: Decision) {
    let (watcher, attributes) = (address(watcher), AttributeSet::ALL);
    world.request(user, &session("phone"), Operation::Authorize { watcher, decision, attributes });
}

fn news(world: &mut World) -> Vec<WatcherNews> {
    let news = |kind| match kind {
        CommandKind::TellWatchers(news) => Some(news),
        _ => None,
    };
    world.take().into_iter().filter_map(news).collect()
}

/// Extent and rows of the only news there are.
fn rows(world: &mut World) -> (NewsExtent, Vec<(String, WatcherState, WatcherCause)>) {
    let news = news(world);
    assert_eq!(news.len(), 1, "{news:?}");
    let row = |row: &crate::watcher::WatcherStanding| (row.watcher.to_string(), row.state, row.cause);
    (news[0].extent, news[0].rows.iter().map(row).collect())
}

fn of(watcher: &str, state: WatcherState, cause: WatcherCause) -> (String, WatcherState, WatcherCause) {
    (watcher.to_owned(), state, cause)
}

#[test]
fn rfc3857_4_7_1_pending_approved_ended() {
    let mut world = World::new();
    world.attach(ALICE, &session("phone"));
    let id = follow(&mut world, ALICE, &contact("winfo"), ALICE);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    assert_eq!(rows(&mut world), (NewsExtent::Whole, vec![]));
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    let pending = of(BOB, WatcherState::Pending, WatcherCause::Subscribed);
    assert_eq!(rows(&mut world), (NewsExtent::Changes, vec![pending]));
    decide(&mut world, ALICE, BOB, Decision::Allow);
    let active = of(BOB, WatcherState::Active, WatcherCause::Approved);
    assert_eq!(rows(&mut world), (NewsExtent::Changes, vec![active.clone()]));
    follow(&mut world, ALICE, &contact("winfo"), ALICE);
    assert_eq!(rows(&mut world), (NewsExtent::Whole, vec![active]));
    world.request(BOB, &contact("dialog"), Operation::Unwatch { targets: vec![address(ALICE)] });
    let left = of(BOB, WatcherState::Ended, WatcherCause::Left);
    assert_eq!(rows(&mut world), (NewsExtent::Changes, vec![left]));
}

#[test]
fn rfc3857_4_7_1_rejected_and_permitted_at_once() {
    let mut world = World::new();
    world.attach(ALICE, &session("phone"));
    decide(&mut world, ALICE, DAVE, Decision::Allow);
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    world.take();
    follow(&mut world, ALICE, &contact("winfo"), ALICE);
    assert_eq!(rows(&mut world).1, [of(BOB, WatcherState::Pending, WatcherCause::Subscribed)]);
    watch(&mut world, DAVE, &contact("other"), &[ALICE]);
    assert_eq!(rows(&mut world).1, [of(DAVE, WatcherState::Active, WatcherCause::Subscribed)]);
    decide(&mut world, ALICE, BOB, Decision::Block);
    assert_eq!(rows(&mut world).1, [of(BOB, WatcherState::Ended, WatcherCause::Rejected)]);
}

#[test]
fn rfc3857_4_7_1_a_pending_one_that_runs_out_waits_and_its_return_is_another_one() {
    let mut world = World::new();
    world.attach(ALICE, &session("phone"));
    follow(&mut world, ALICE, &contact("winfo"), ALICE);
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    let first = news(&mut world).pop().unwrap().rows[0].number;
    world.request(BOB, &contact("dialog"), Operation::Unwatch { targets: vec![address(ALICE)] });
    assert_eq!(rows(&mut world).1, [of(BOB, WatcherState::Waiting, WatcherCause::Left)]);
    watch(&mut world, BOB, &contact("again"), &[ALICE]);
    let rows = news(&mut world).pop().unwrap().rows;
    let told: Vec<_> = rows.iter().map(|row| (row.state, row.cause)).collect();
    let (over, new) = ((WatcherState::Ended, WatcherCause::Giveup), (WatcherState::Pending, WatcherCause::Subscribed));
    assert_eq!(told, [over, new]);
    assert_eq!(rows[0].number, first);
    assert_ne!(rows[1].number, first);
}

#[test]
fn rfc3857_4_7_1_who_waits_is_approved_rejected_or_given_up() {
    let ways: [(Option<Decision>, WatcherCause); 3] = [
        (Some(Decision::Allow), WatcherCause::Approved),
        (Some(Decision::Block), WatcherCause::Rejected),
        (None, WatcherCause::Giveup),
    ];
    for (decision, cause) in ways {
        let mut world = World::new();
        world.attach(ALICE, &session("phone"));
        watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
        world.request(BOB, &contact("dialog"), Operation::Unwatch { targets: vec![address(ALICE)] });
        world.take();
        follow(&mut world, ALICE, &contact("winfo"), ALICE);
        assert_eq!(rows(&mut world).1, [of(BOB, WatcherState::Waiting, WatcherCause::Left)]);
        match decision {
            Some(decision) => decide(&mut world, ALICE, BOB, decision),
            None => world.wait_millis(8 * 86_400_000),
        }
        assert_eq!(rows(&mut world).1, [of(BOB, WatcherState::Ended, cause)]);
    }
}

#[test]
fn rfc3857_4_7_2_a_fetch_of_one_who_may_is_not_told() {
    let mut world = World::new();
    world.attach(ALICE, &session("phone"));
    decide(&mut world, ALICE, BOB, Decision::Allow);
    follow(&mut world, ALICE, &contact("winfo"), ALICE);
    world.take();
    let (targets, attributes) = (vec![address(ALICE)], AttributeSet::ALL);
    world.request(BOB, &contact("dialog"), Operation::Fetch { targets, attributes });
    assert!(news(&mut world).is_empty());
}

#[test]
fn rfc3857_4_6_a_watcher_is_told_of_itself_only() {
    let mut world = World::new();
    world.attach(ALICE, &session("phone"));
    let id = follow(&mut world, ALICE, &contact("winfo"), BOB);
    assert_eq!(outcome(world.answer(id)), Outcome::Forbidden);
    decide(&mut world, ALICE, BOB, Decision::Allow);
    watch(&mut world, DAVE, &contact("other"), &[ALICE]);
    world.take();
    let id = follow(&mut world, ALICE, &contact("winfo"), BOB);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    assert_eq!(rows(&mut world), (NewsExtent::Whole, vec![]));
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    assert_eq!(rows(&mut world).1, [of(BOB, WatcherState::Active, WatcherCause::Subscribed)]);
    world.request(DAVE, &contact("other"), Operation::Unwatch { targets: vec![address(ALICE)] });
    assert!(news(&mut world).is_empty());
}

#[test]
fn followers_are_bounded_leave_and_end_with_the_user() {
    let mut world = World::with(1, |config| config.limits.followers_per_presentity = 1);
    let id = follow(&mut world, "nobody@wv.example", &contact("winfo"), "nobody@wv.example");
    assert_eq!(outcome(world.answer(id)), Outcome::UnknownUser);
    follow(&mut world, ALICE, &contact("winfo"), ALICE);
    let id = follow(&mut world, ALICE, &contact("second"), ALICE);
    assert_eq!(outcome(world.answer(id)), Outcome::Unavailable);
    world.request(ALICE, &contact("winfo"), Operation::UnfollowWatchers);
    follow(&mut world, ALICE, &contact("second"), ALICE);
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    world.take();
    let now = world.now;
    world.engines[0].account_removed(now, &address(ALICE));
    world.run_all();
    assert_eq!(rows(&mut world), (NewsExtent::Last, vec![of(BOB, WatcherState::Ended, WatcherCause::NoResource)]));
}

fn with_server(config: &mut EngineConfig) {
    config.watcher_servers.insert("wv.example".to_owned(), PeerName::new("core"));
}

fn far(world: &mut World, watchers: &[(&str, WatcherState)]) {
    let watchers = watchers.iter().map(|(watcher, state)| (address(watcher), *state)).collect();
    world.event(EventKind::FarWatchers { user: address(ALICE), watchers });
}

fn asked(world: &mut World) -> Vec<String> {
    let asked = |kind| match kind {
        CommandKind::AskAuthorization { watcher, .. } => Some(watcher.to_string()),
        _ => None,
    };
    world.take().into_iter().filter_map(asked).collect()
}

#[test]
fn rfc3857_5_who_waits_at_the_presence_server_is_asked_about_once() {
    let mut world = World::with(1, with_server);
    world.attach(ALICE, &session("phone"));
    let learns = |kind: &CommandKind| matches!(kind, CommandKind::LearnWatchers { .. });
    assert_eq!(world.take().iter().filter(|kind| learns(kind)).count(), 1);
    far(&mut world, &[(ZOE, WatcherState::Pending), (BOB, WatcherState::Active)]);
    assert_eq!(asked(&mut world), [ZOE]);
    far(&mut world, &[(ZOE, WatcherState::Waiting), (BOB, WatcherState::Active)]);
    assert_eq!(asked(&mut world), [""; 0]);
    decide(&mut world, ALICE, ZOE, Decision::Allow);
    far(&mut world, &[(ZOE, WatcherState::Pending)]);
    assert_eq!(asked(&mut world), [""; 0]);
}

#[test]
fn rfc3857_5_what_was_decided_elsewhere_is_not_asked_any_more() {
    let mut world = World::with(1, with_server);
    world.attach(ALICE, &session("phone"));
    far(&mut world, &[(ZOE, WatcherState::Pending)]);
    assert_eq!(world.engines[0].questions().count(), 1);
    far(&mut world, &[(ZOE, WatcherState::Active)]);
    assert_eq!(world.engines[0].questions().count(), 0);
    let id = world.request(ALICE, &session("phone"), Operation::GetWatchers { history: None });
    let Answer::Watchers { rows, .. } = world.answer(id) else { panic!("watchers") };
    assert_eq!(rows, [WatcherRow { watcher: address(ZOE), status: WatcherStatus::Current }]);
    far(&mut world, &[]);
    let id = world.request(ALICE, &session("phone"), Operation::GetWatchers { history: None });
    let Answer::Watchers { rows, .. } = world.answer(id) else { panic!("watchers") };
    assert_eq!(rows, [WatcherRow { watcher: address(ZOE), status: WatcherStatus::Former }]);
}

#[test]
fn watchers_at_the_presence_server_are_learned_of_while_the_user_is_there() {
    let mut world = World::with(1, with_server);
    world.attach(ALICE, &session("phone"));
    world.attach(ALICE, &session("tablet"));
    world.take();
    world.request(ALICE, &session("phone"), Operation::Detach(DetachReason::Logout));
    let forgets = |seen: &[CommandKind]| seen.iter().any(|kind| matches!(kind, CommandKind::ForgetWatchers { .. }));
    assert!(!forgets(&world.take()));
    world.request(ALICE, &session("tablet"), Operation::Detach(DetachReason::Logout));
    assert!(forgets(&world.take()));
    far(&mut world, &[(ZOE, WatcherState::Pending)]);
    assert_eq!(asked(&mut world), [""; 0]);
    world.wait_millis(Duration::from_secs(1).as_millis().try_into().unwrap());
}
