//! Attribute lists, watchers and the state of questions.

use super::world::{World, address, contact, session};
use crate::{
    command::{Answer, AttributeListRow, CommandKind, DecisionState, Ground, Notification},
    contact_list::Contact,
    event::{AttributeScope, BeyondOf, DetachReason, Operation, Publication, PublicationChange},
    outcome::Outcome,
    presence::{Attribute, AttributeSet, DeviceId, Mood, Person, PresenceDocument, Value},
    side::Endpoint,
    watcher::{Beyond, Decision, WatcherStatus},
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
    grant_beyond(world, scope(targets, everybody), attributes, Beyond::Silent)
}

fn grant_beyond(world: &mut World, scope: AttributeScope, attributes: AttributeSet, beyond: Beyond) -> Outcome {
    let beyond = BeyondOf { users: beyond, lists: beyond, everybody: beyond };
    let id = world.request(ALICE, &session("a"), Operation::SetAttributeLists { scope, attributes, beyond });
    done(world.answer(id))
}

/// The questions that were put: about whom, about what, and what is said that holds.
fn questions(world: &World) -> Vec<(String, AttributeSet, Ground)> {
    let question = |kind: &CommandKind| match kind {
        CommandKind::AskAuthorization { watcher, attributes, ground, .. } => {
            Some((watcher.to_string(), *attributes, *ground))
        }
        _ => None,
    };
    world.seen.iter().filter_map(question).collect()
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
    grant_beyond(&mut world, scope(&[], true), mood, Beyond::Asked);
    world.crash(1);
    let id = world.request(ALICE, &session("a"), Operation::GetAttributeLists { scope: scope(&[], true) });
    let Answer::AttributeLists { outcome, default_list, lists, .. } = world.answer(id) else { panic!() };
    let of_others = AttributeListRow { target: address(ALICE), written: None, attributes: mood, beyond: Beyond::Asked };
    assert_eq!((outcome, default_list, lists.len()), (Outcome::Success, Some(of_others), 0));
    let id = world.request(ALICE, &session("a"), Operation::GetAttributeLists { scope: scope(&[], false) });
    let Answer::AttributeLists { default_list, lists, .. } = world.answer(id) else { panic!() };
    let row = |name: &str, written: Option<&str>| AttributeListRow {
        target: address(name),
        written: written.map(Box::from),
        attributes: online,
        beyond: Beyond::Silent,
    };
    assert_eq!((default_list, lists), (None, vec![row(FRIENDS, Some(FRIENDS)), row(BOB, None)]));
}

#[test]
fn a_list_that_does_not_exist_is_named() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    let operation = Operation::SetAttributeLists {
        scope: scope(&[FRIENDS, BOB], false),
        attributes: AttributeSet::ALL,
        beyond: BeyondOf::default(),
    };
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

#[test]
fn who_wants_more_than_a_word_grants_is_asked_about_where_the_word_says_so() {
    let (online, rest) =
        (set(&[Attribute::OnlineStatus]), AttributeSet::ALL.difference(set(&[Attribute::OnlineStatus])));
    for (targets, ground) in [(&[BOB][..], Ground::Watcher), (&[FRIENDS], Ground::Lists), (&[], Ground::Everybody)] {
        for beyond in [Beyond::Silent, Beyond::Asked] {
            let mut world = World::new();
            world.attach(ALICE, &session("a"));
            befriend(&mut world, &[BOB]);
            grant_beyond(&mut world, scope(targets, targets.is_empty()), online, beyond);
            watch(&mut world, BOB, &contact("b"));
            // It sees what is granted meanwhile, and who asks again is asked about once.
            assert_eq!(shown(&world, BOB), online);
            let fetch = Operation::Fetch { targets: vec![address(ALICE)], attributes: AttributeSet::ALL };
            world.request(BOB, &contact("b"), fetch);
            let expected = vec![(BOB.to_owned(), rest, ground)];
            assert_eq!(questions(&world), if beyond == Beyond::Asked { expected } else { Vec::new() });
        }
    }
}

#[test]
fn the_next_word_on_the_watcher_answers_a_question_about_more() {
    let (online, text) = (set(&[Attribute::OnlineStatus]), set(&[Attribute::StatusText]));
    let is_open = |world: &mut World| {
        let id = world.request(ALICE, &session("a"), Operation::GetDecisions { watchers: vec![address(BOB)] });
        let Answer::Decisions(rows) = world.answer(id) else { panic!() };
        rows.iter().any(|row| row.state == DecisionState::Pending)
    };
    let asked = || {
        let mut world = World::new();
        world.attach(ALICE, &session("a"));
        befriend(&mut world, &[BOB]);
        grant_beyond(&mut world, scope(&[FRIENDS], false), online, Beyond::Asked);
        watch(&mut world, BOB, &contact("b"));
        world
    };
    // Words on others, and on everybody else, are no answer; the question survives.
    let mut world = asked();
    grant(&mut world, &[CAROL], false, online);
    grant(&mut world, &[], true, online);
    assert!(is_open(&mut world));
    world.crash(2);
    assert!(is_open(&mut world));
    let before = questions(&world).len();
    // A narrow word is one, and asks no more before the watcher does.
    grant_beyond(&mut world, scope(&[BOB], false), text, Beyond::Asked);
    assert!(!is_open(&mut world));
    assert_eq!((questions(&world).len(), shown(&world, BOB)), (before, text));
    // So is one on its list, and an answer yes adds to what it may see.
    let mut world = asked();
    grant_beyond(&mut world, scope(&[FRIENDS], false), text, Beyond::Asked);
    assert!(!is_open(&mut world));
    let mut world = asked();
    let yes = Operation::Authorize { watcher: address(BOB), decision: Decision::Allow, attributes: text };
    world.request(ALICE, &session("a"), yes);
    assert!(!is_open(&mut world));
    assert_eq!(shown(&world, BOB), text);
}
