//! Attribute lists, watchers and the state of questions.

use super::world::{World, address, contact, session};
use crate::{
    command::{Answer, AttributeListRow, CommandKind, DecisionState, Notification},
    contact_list::Contact,
    event::{AttributeScope, DetachReason, Operation, Publication, PublicationChange},
    outcome::Outcome,
    presence::{Attribute, AttributeSet, DeviceId, Mood, Person, PresenceDocument, Value},
    side::Endpoint,
    watcher::{Decision, WatcherStatus},
};
use std::time::Duration;

const ALICE: &str = "alice@wv.example";
const CAROL: &str = "carol@wv.example";
const BOB: &str = "bob@sip.example";
const DAVE: &str = "dave@sip.example";
const FRIENDS: &str = "alice/friends@wv.example";

fn set(attributes: &[Attribute]) -> AttributeSet {
    attributes.iter().copied().collect()
}

fn scope(targets: &[&str], everybody: bool) -> AttributeScope {
    AttributeScope { targets: targets.iter().map(|text| address(text)).collect(), everybody }
}

fn grant(world: &mut World, targets: &[&str], everybody: bool, attributes: AttributeSet) -> Outcome {
    let operation = Operation::SetAttributeLists { scope: scope(targets, everybody), attributes };
    let id = world.request(ALICE, &session("a"), operation);
    done(world.answer(id))
}

fn done(answer: Answer) -> Outcome {
    let Answer::Done { outcome, .. } = answer else { panic!("{answer:?}") };
    outcome
}

fn publish(world: &mut World, mood: Mood, text: &str) {
    let person = Person { mood: Value::Known(mood), status_text: Value::Known(text.into()), ..Person::default() };
    let document = Box::new(PresenceDocument { person, devices: Vec::new() });
    let publication = Publication { device: DeviceId::new("a"), change: PublicationChange::Merge(document) };
    world.request(ALICE, &session("a"), Operation::Publish(publication));
}

fn watch(world: &mut World, user: &str, endpoint: &Endpoint) {
    let operation =
        Operation::Watch { targets: vec![address(ALICE)], attributes: AttributeSet::ALL, auto_subscribe: false };
    world.request(user, endpoint, operation);
}

fn befriend(world: &mut World, members: &[&str]) {
    let members =
        members.iter().map(|name| Contact { address: address(name), written: "".into(), nickname: None }).collect();
    let operation = Operation::CreateContactList {
        list: address(FRIENDS),
        written: FRIENDS.to_owned(),
        members,
        display_name: None,
        make_default: false,
    };
    world.request(ALICE, &session("a"), operation);
}

fn last(world: &World, watcher: &str) -> Option<Notification> {
    world.seen.iter().rev().find_map(|kind| match kind {
        CommandKind::Notify(notification) if notification.watcher == address(watcher) => Some(notification.clone()),
        _ => None,
    })
}

fn shown(world: &World, watcher: &str) -> AttributeSet {
    last(world, watcher).and_then(|told| told.view).map_or(AttributeSet::NONE, |view| view.attributes)
}

#[test]
fn the_most_specific_list_wins() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    befriend(&mut world, &[CAROL]);
    let (online, mood, text) =
        (set(&[Attribute::OnlineStatus]), set(&[Attribute::StatusMood]), set(&[Attribute::StatusText]));
    assert_eq!(grant(&mut world, &[], true, mood), Outcome::Success);
    assert_eq!(grant(&mut world, &[FRIENDS], false, text), Outcome::Success);
    assert_eq!(grant(&mut world, &[BOB], false, online), Outcome::Success);
    watch(&mut world, BOB, &contact("b"));
    watch(&mut world, CAROL, &session("c"));
    watch(&mut world, DAVE, &contact("d"));
    assert_eq!(shown(&world, BOB), online);
    assert_eq!(shown(&world, CAROL), text);
    assert_eq!(shown(&world, DAVE), mood);
}

#[test]
fn a_narrower_list_holds_before_the_next_document() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    let both = set(&[Attribute::StatusMood, Attribute::StatusText]);
    grant(&mut world, &[BOB], false, both);
    watch(&mut world, BOB, &contact("b"));
    publish(&mut world, Mood::Happy, "one");
    // The interval is not over: a document with the mood would leave later.
    publish(&mut world, Mood::Sad, "two");
    let before = world.seen.len();
    grant(&mut world, &[BOB], false, set(&[Attribute::StatusText]));
    world.wait_millis(60_000);
    publish(&mut world, Mood::Angry, "three");
    world.wait_millis(60_000);
    let later: Vec<_> = world.seen[before..]
        .iter()
        .filter_map(|kind| match kind {
            CommandKind::Notify(told) if told.watcher == address(BOB) => told.view.clone(),
            _ => None,
        })
        .collect();
    assert!(!later.is_empty());
    assert!(later.iter().all(|view| !view.attributes.contains(Attribute::StatusMood)), "{later:?}");
}

#[test]
fn lists_are_read_back_and_survive_a_crash() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    befriend(&mut world, &[CAROL]);
    let (online, mood) = (set(&[Attribute::OnlineStatus]), set(&[Attribute::StatusMood]));
    grant(&mut world, &[FRIENDS, BOB], false, online);
    grant(&mut world, &[], true, mood);
    world.crash(1);
    let id = world.request(ALICE, &session("a"), Operation::GetAttributeLists { scope: scope(&[], true) });
    let Answer::AttributeLists { outcome, default_list, lists, .. } = world.answer(id) else { panic!() };
    assert_eq!((outcome, default_list, lists.len()), (Outcome::Success, Some(mood), 0));
    let id = world.request(ALICE, &session("a"), Operation::GetAttributeLists { scope: scope(&[], false) });
    let Answer::AttributeLists { default_list, lists, .. } = world.answer(id) else { panic!() };
    let row = |name: &str| AttributeListRow { target: address(name), attributes: online };
    assert_eq!((default_list, lists), (None, vec![row(FRIENDS), row(BOB)]));
}

#[test]
fn a_list_that_does_not_exist_is_named() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    let operation =
        Operation::SetAttributeLists { scope: scope(&[FRIENDS, BOB], false), attributes: AttributeSet::ALL };
    let id = world.request(ALICE, &session("a"), operation);
    let Answer::Done { outcome, details } = world.answer(id) else { panic!() };
    assert_eq!(outcome, Outcome::PartialSuccess);
    assert_eq!(details[0].outcome, Outcome::UnknownContactList);
    assert_eq!(grant(&mut world, &[FRIENDS], false, AttributeSet::ALL), Outcome::UnknownContactList);
    assert_eq!(grant(&mut world, &[], false, AttributeSet::ALL), Outcome::BadParameter);
}

#[test]
fn a_list_for_whoever_asked_answers_the_question() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    watch(&mut world, BOB, &contact("b"));
    let state = |world: &mut World| {
        let id = world.request(ALICE, &session("a"), Operation::GetDecisions { watchers: vec![address(BOB)] });
        let Answer::Decisions(rows) = world.answer(id) else { panic!() };
        rows.first().map(|row| row.state)
    };
    assert_eq!(state(&mut world), Some(DecisionState::Pending));
    grant(&mut world, &[], true, set(&[Attribute::OnlineStatus]));
    assert_eq!(state(&mut world), None);
    assert_eq!(shown(&world, BOB), set(&[Attribute::OnlineStatus]));
    let refusal =
        Operation::Authorize { watcher: address(BOB), decision: Decision::Block, attributes: AttributeSet::ALL };
    world.request(ALICE, &session("a"), refusal);
    assert_eq!(state(&mut world), Some(DecisionState::Denied));
    world.request(ALICE, &session("a"), Operation::DropAttributeLists { scope: scope(&[BOB], false) });
    assert_eq!(state(&mut world), None);
}

#[test]
fn watchers_are_known_while_they_watch_and_remembered_after() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    grant(&mut world, &[], true, AttributeSet::ALL);
    watch(&mut world, BOB, &contact("b"));
    watch(&mut world, DAVE, &contact("d"));
    let fetch = Operation::Fetch { targets: vec![address(ALICE)], attributes: AttributeSet::ALL };
    world.request(CAROL, &session("c"), fetch);
    world.request(DAVE, &contact("d"), Operation::Unwatch { targets: vec![address(ALICE)] });
    let mut rows = |history| {
        let id = world.request(ALICE, &session("a"), Operation::GetWatchers { history });
        let Answer::Watchers { rows, .. } = world.answer(id) else { panic!() };
        rows.into_iter().map(|row| (row.watcher.as_str().to_owned(), row.status)).collect::<Vec<_>>()
    };
    let all = rows(None);
    assert_eq!(all[0], (BOB.to_owned(), WatcherStatus::Current));
    assert!(all.contains(&(DAVE.to_owned(), WatcherStatus::Former)), "{all:?}");
    assert!(all.contains(&(CAROL.to_owned(), WatcherStatus::Looked)), "{all:?}");
    assert_eq!(rows(Some(Duration::ZERO)), [(BOB.to_owned(), WatcherStatus::Current)]);
}

#[test]
fn questions_are_put_again_to_a_device_that_asks_for_it() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    watch(&mut world, BOB, &contact("b"));
    let asked =
        |world: &World| world.seen.iter().filter(|kind| matches!(kind, CommandKind::AskAuthorization { .. })).count();
    assert_eq!(asked(&world), 1);
    world.request(ALICE, &session("a"), Operation::RepeatQuestions);
    assert_eq!(asked(&world), 2);
    world.request(ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
    assert_eq!(asked(&world), 2);
}
