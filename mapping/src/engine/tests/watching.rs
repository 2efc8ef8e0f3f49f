//! Watching, from the request to the last notification.

use super::world::{World, address, contact, session};
use crate::{
    command::{Answer, CommandKind, Notification},
    contact_list::{Contact, ContactListChange},
    engine::DefaultAuthorization,
    event::{
        DetachReason, EventKind, Operation, Publication, PublicationChange, RequestId, SubscriptionId,
        SubscriptionUpdate,
    },
    outcome::{Detail, Outcome},
    presence::{Attribute, AttributeSet, Device, DeviceId, Mood, Person, PresenceDocument, Value},
    record::FactKey,
    side::{BlockedStyle, Endpoint},
    watcher::{Decision, EndReason, WatchState},
};
use std::time::Duration;

pub(super) const ALICE: &str = "alice@wv.example";
const BOB: &str = "bob@sip.example";
pub(super) const ZOE: &str = "zoe@peer.example";

pub(super) fn watch(world: &mut World, user: &str, endpoint: &Endpoint, targets: &[&str]) -> RequestId {
    let targets = targets.iter().map(|text| address(text)).collect();
    let operation = Operation::Watch { targets, attributes: AttributeSet::ALL, auto_subscribe: true };
    world.request(user, endpoint, operation)
}

pub(super) fn publish(world: &mut World, user: &str, endpoint: &Endpoint, mood: Mood) {
    let person = Person { mood: Value::Known(mood), ..Person::default() };
    let document = Box::new(PresenceDocument { person, devices: Vec::new() });
    let publication = Publication { device: DeviceId::new(&endpoint.id), change: PublicationChange::Merge(document) };
    world.request(user, endpoint, Operation::Publish(publication));
}

fn authorize(world: &mut World, user: &str, endpoint: &Endpoint, watcher: &str, decision: Decision) {
    let watcher = address(watcher);
    world.request(user, endpoint, Operation::Authorize { watcher, decision, attributes: AttributeSet::ALL });
}

fn notifications(seen: &[CommandKind]) -> Vec<Notification> {
    seen.iter()
        .filter_map(|kind| match kind {
            CommandKind::Notify(notification) => Some(notification.clone()),
            _ => None,
        })
        .collect()
}

fn mood(notification: &Notification) -> Option<Mood> {
    notification.view.as_ref().and_then(|view| view.document.person.mood.known().cloned())
}

pub(super) fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer::Done { outcome, .. }
        | Answer::Sent { outcome, .. }
        | Answer::ContactList { outcome, .. }
        | Answer::Rejected { outcome, .. }
        | Answer::Presence { outcome, .. } => outcome,
        Answer::AttributeLists { outcome, .. } | Answer::Conversation { outcome, .. } => outcome,
        Answer::ContactLists(_)
        | Answer::Watchers { .. }
        | Answer::Decisions(_)
        | Answer::Waiting { .. }
        | Answer::Conversations { .. }
        | Answer::Screening(_) => Outcome::Success,
    }
}

fn questions(seen: &[CommandKind]) -> usize {
    seen.iter().filter(|kind| matches!(kind, CommandKind::AskAuthorization { .. })).count()
}

pub(super) fn opened(seen: &[CommandKind]) -> Vec<(SubscriptionId, bool)> {
    seen.iter()
        .filter_map(|kind| match kind {
            CommandKind::OpenSubscription { subscription, lasting, .. } => Some((subscription.clone(), *lasting)),
            _ => None,
        })
        .collect()
}

pub(super) fn closed(seen: &[CommandKind]) -> usize {
    seen.iter().filter(|kind| matches!(kind, CommandKind::CloseSubscription { .. })).count()
}

pub(super) fn update(world: &mut World, watcher: &str, update: SubscriptionUpdate) {
    let subscription = SubscriptionId::lasting(&address(watcher), &address(ZOE));
    world.event(EventKind::Subscription { subscription, update });
}

pub(super) fn online() -> SubscriptionUpdate {
    let devices = vec![Device { online: Value::Known(true), ..Device::default() }];
    SubscriptionUpdate::Active(Some(Box::new(PresenceDocument { person: Person::default(), devices })))
}

#[test]
fn a_sip_watcher_of_a_wv_user_waits_for_the_answer_to_one_question() {
    let mut world = World::with(3, |_| {});
    world.attach(ALICE, &session("a"));
    let id = watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    let seen = world.take();
    assert_eq!(questions(&seen), 1);
    assert_eq!(notifications(&seen)[0].state, WatchState::Pending);
    let again = watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    assert_eq!(outcome(world.answer(again)), Outcome::Success);
    assert_eq!(questions(&world.take()), 0, "asked once until answered");
    world.attach(ALICE, &session("second"));
    assert_eq!(questions(&world.take()), 1, "asked again at the next login");
    publish(&mut world, ALICE, &session("a"), Mood::Happy);
    assert!(notifications(&world.take()).is_empty());
    authorize(&mut world, ALICE, &session("a"), BOB, Decision::Allow);
    let seen = notifications(&world.take());
    assert_eq!(seen[0].state, WatchState::Active);
    assert_eq!(mood(&seen[0]), Some(Mood::Happy));
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Question(..))));
}

#[test]
fn the_answer_comes_before_the_first_notification() {
    let mut world = World::with(3, |config| config.authorization = DefaultAuthorization::Allow);
    watch(&mut world, BOB, &contact("dialog"), &[ALICE, "carol@wv.example"]);
    assert!(matches!(world.seen[0], CommandKind::Answer { .. }));
    assert_eq!(notifications(&world.seen).len(), 2);
}

#[test]
fn refusing_ends_a_sip_watch_and_a_later_one_is_answered_so() {
    let mut world = World::new();
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    authorize(&mut world, ALICE, &session("a"), BOB, Decision::Block);
    assert_eq!(notifications(&world.take()).last().unwrap().state, WatchState::Ended(EndReason::Rejected));
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Watch(..))));
    let id = watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    assert_eq!(outcome(world.answer(id)), Outcome::Blocked);
    assert!(notifications(&world.take()).is_empty());
}

#[test]
fn cancelling_shows_a_wv_watcher_nothing_until_it_is_allowed_again() {
    let mut world = World::new();
    authorize(&mut world, ALICE, &session("a"), "carol@wv.example", Decision::Allow);
    watch(&mut world, "carol@wv.example", &session("c"), &[ALICE]);
    world.take();
    let watcher = address("carol@wv.example");
    world.request(ALICE, &session("a"), Operation::CancelAuthorization { watcher });
    let seen = notifications(&world.take());
    assert_eq!(seen.len(), 1);
    let view = seen[0].view.as_ref().unwrap();
    assert!(view.document.devices.is_empty() && view.changed.contains(Attribute::OnlineStatus), "known no more");
    authorize(&mut world, ALICE, &session("a"), "carol@wv.example", Decision::Allow);
    let seen = notifications(&world.take());
    assert_eq!(seen[0].view.as_ref().unwrap().attributes, AttributeSet::ALL);
}

#[test]
fn a_polite_refusal_looks_like_somebody_who_is_offline() {
    let mut world = World::with(1, |config| config.profiles[1].blocked = BlockedStyle::Polite);
    world.attach(ALICE, &session("a"));
    authorize(&mut world, ALICE, &session("a"), BOB, Decision::Block);
    let id = watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    let seen = notifications(&world.take());
    assert_eq!(seen[0].view.as_ref().unwrap().document.devices[0].online, Value::Known(false));
    publish(&mut world, ALICE, &session("a"), Mood::Happy);
    world.wait_millis(10_000);
    assert!(notifications(&world.take()).is_empty());
}

#[test]
fn only_granted_attributes_are_shown_and_wake_the_watcher() {
    let mut world = World::new();
    let attributes = AttributeSet::from_iter([Attribute::OnlineStatus]);
    let watcher = address(BOB);
    world.request(ALICE, &session("a"), Operation::Authorize { watcher, decision: Decision::Allow, attributes });
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    assert_eq!(notifications(&world.take())[0].view.as_ref().unwrap().attributes, attributes);
    publish(&mut world, ALICE, &session("a"), Mood::Happy);
    world.wait_millis(10_000);
    assert!(notifications(&world.take()).is_empty());
}

#[test]
fn the_first_change_goes_at_once_and_later_ones_are_merged() {
    let mut world = World::with(1, |config| config.authorization = DefaultAuthorization::Allow);
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    world.wait_millis(60_000);
    world.take();
    for mood in [Mood::Happy, Mood::Sad, Mood::Angry, Mood::Bored] {
        publish(&mut world, ALICE, &session("a"), mood);
    }
    let seen = notifications(&world.take());
    assert_eq!(seen.len(), 1);
    assert_eq!(mood(&seen[0]), Some(Mood::Happy));
    world.wait_millis(4_999);
    assert!(notifications(&world.take()).is_empty());
    world.wait_millis(1);
    let seen = notifications(&world.take());
    assert_eq!(seen.len(), 1);
    assert_eq!(mood(&seen[0]), Some(Mood::Bored), "the last state wins");
}

#[test]
fn login_shows_online_and_logout_offline() {
    let mut world = World::with(1, |config| config.authorization = DefaultAuthorization::Allow);
    watch(&mut world, "carol@wv.example", &session("c"), &[ALICE]);
    let online = |seen: &[CommandKind]| notifications(seen)[0].view.clone().unwrap().document.devices[0].online.clone();
    assert_eq!(online(&world.take()), Value::Known(false));
    world.wait_millis(1000);
    world.attach(ALICE, &session("a"));
    assert_eq!(online(&world.take()), Value::Known(true));
    world.wait_millis(1000);
    world.request(ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
    assert_eq!(online(&world.take()), Value::Known(false));
}

#[test]
fn logout_ends_watches_and_the_publication() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    watch(&mut world, ALICE, &session("a"), &[ALICE, ZOE]);
    publish(&mut world, ALICE, &session("a"), Mood::Happy);
    world.request(ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
    assert!(world.facts.is_empty(), "{:?}", world.facts);
    world.wait_millis(60_000);
    assert_eq!(closed(&world.take()), 1, "the subscription at the peer lingers and ends");
    assert!(world.engines[0].users.is_empty());
}

#[test]
fn unknown_users_and_domains_are_named_in_the_answer() {
    let mut world = World::with(3, |_| {});
    let id = watch(&mut world, BOB, &contact("dialog"), &[ALICE, "nobody@wv.example", "x@nowhere.example"]);
    let Answer::Done { outcome, details } = world.answer(id) else { panic!() };
    assert_eq!(outcome, Outcome::PartialSuccess);
    let expected = [
        Detail { target: address("nobody@wv.example"), outcome: Outcome::UnknownUser },
        Detail { target: address("x@nowhere.example"), outcome: Outcome::UnknownDomain },
    ];
    assert_eq!(details, expected);
}

#[test]
fn a_peers_presentity_is_subscribed_once_and_shown_when_it_tells() {
    let mut world = World::with(3, |_| {});
    let id = watch(&mut world, ALICE, &session("a1"), &[ZOE]);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    watch(&mut world, ALICE, &session("a2"), &[ZOE]);
    let subscription = SubscriptionId::lasting(&address(ALICE), &address(ZOE));
    assert_eq!(opened(&world.take()), [(subscription, true)]);
    update(&mut world, ALICE, SubscriptionUpdate::Pending);
    world.wait_millis(20_000);
    assert!(notifications(&world.take()).is_empty(), "silence while the far side has not decided");
    update(&mut world, ALICE, online());
    assert_eq!(notifications(&world.take()).len(), 2);
    update(&mut world, ALICE, SubscriptionUpdate::Active(None));
    assert!(notifications(&world.take()).is_empty(), "no document, nothing new");
}

#[test]
fn a_silent_far_side_is_shown_as_unknown_to_wv_after_a_while() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    world.wait_millis(9_999);
    assert!(notifications(&world.take()).is_empty());
    world.wait_millis(1);
    let seen = notifications(&world.take());
    let view = seen[0].view.as_ref().unwrap();
    assert_eq!((view.attributes, view.document.as_ref()), (AttributeSet::ALL, &PresenceDocument::default()));
}

#[test]
fn a_presentity_that_does_not_exist_is_asked_for_once_by_all_watchers() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    assert_eq!(opened(&world.take()).len(), 1);
    update(&mut world, ALICE, SubscriptionUpdate::Failed { outcome: Outcome::UnknownUser, retry_after: None });
    assert_eq!(notifications(&world.take()).len(), 1);
    watch(&mut world, "carol@wv.example", &session("c"), &[ZOE]);
    let seen = world.take();
    assert_eq!((opened(&seen).len(), notifications(&seen).len()), (0, 1));
    world.wait_millis(600_000);
    assert_eq!(opened(&world.take()).len(), 2, "after its time the belief is put to the test");
}

#[test]
fn a_refusal_is_shown_once_and_not_retried() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, online());
    world.take();
    update(&mut world, ALICE, SubscriptionUpdate::Ended { reason: EndReason::Rejected, retry_after: None });
    let seen = world.take();
    assert_eq!(notifications(&seen).len(), 1);
    assert!(notifications(&seen)[0].view.as_ref().unwrap().document.devices.is_empty());
    assert!(notifications(&seen)[0].is_refused);
    world.wait_millis(3_600_000);
    let seen = world.take();
    assert_eq!((opened(&seen).len(), notifications(&seen).len()), (0, 0));
}

#[test]
fn a_failing_peer_is_tried_again_and_the_last_known_stays() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, online());
    world.take();
    let minute = Some(Duration::from_secs(60));
    update(&mut world, ALICE, SubscriptionUpdate::Failed { outcome: Outcome::Unavailable, retry_after: minute });
    world.wait_millis(59_999);
    assert!(world.take().is_empty());
    world.wait_millis(1);
    assert_eq!(opened(&world.take()).len(), 1);
    update(&mut world, ALICE, SubscriptionUpdate::Ended { reason: EndReason::Deactivated, retry_after: None });
    assert_eq!(opened(&world.take()).len(), 1, "at once");
}

#[test]
fn a_watcher_that_returns_within_the_linger_causes_no_traffic() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, online());
    world.request(ALICE, &session("a"), Operation::Unwatch { targets: vec![] });
    world.wait_millis(30_000);
    world.take();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    let seen = world.take();
    assert_eq!((opened(&seen).len(), closed(&seen), notifications(&seen).len()), (0, 0, 1));
}

#[test]
fn starts_are_ramped() {
    let mut world = World::with(1, |config| config.limits.start_ramp_per_s = 10);
    let targets: Vec<String> = (0..35).map(|number| format!("p{number}@peer.example")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    watch(&mut world, ALICE, &session("a"), &targets);
    assert_eq!(opened(&world.take()).len(), 10);
    world.wait_millis(1000);
    assert_eq!(opened(&world.take()).len(), 10);
    world.wait_millis(2000);
    assert_eq!(opened(&world.take()).len(), 15);
}

#[test]
fn a_sip_presentity_consents_by_watching_back() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[BOB]);
    world.take();
    publish(&mut world, BOB, &contact("b"), Mood::Happy);
    assert!(notifications(&world.take()).is_empty());
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    let seen: Vec<_> = notifications(&world.take()).into_iter().filter(|seen| seen.endpoint == session("a")).collect();
    assert_eq!(mood(&seen[0]), Some(Mood::Happy));
}

#[test]
fn an_unwatch_by_a_sip_dialog_ends_with_a_last_notification() {
    let mut world = World::with(1, |config| config.authorization = DefaultAuthorization::Allow);
    watch(&mut world, BOB, &contact("dialog"), &[ALICE]);
    world.take();
    world.request(BOB, &contact("dialog"), Operation::Unwatch { targets: vec![] });
    assert_eq!(notifications(&world.take())[0].state, WatchState::Ended(EndReason::Timeout));
}

#[test]
fn several_are_fetched_with_a_joint_answer() {
    let mut world = World::with(3, |_| {});
    authorize(&mut world, BOB, &contact("b"), ALICE, Decision::Allow);
    let targets = vec![address(BOB), address("carol@wv.example"), address(ZOE), address(ALICE)];
    let attributes = AttributeSet::from_iter([Attribute::OnlineStatus]);
    let id = world.request(ALICE, &session("a"), Operation::Fetch { targets, attributes });
    let looks = opened(&world.take());
    assert_eq!((looks.len(), looks[0].1), (1, false));
    world.wait_millis(8000);
    let Answer::Presence { outcome, views, details } = world.answer(id) else { panic!() };
    assert_eq!(outcome, Outcome::PartialSuccess);
    assert_eq!(views.iter().map(|(user, _)| user.clone()).collect::<Vec<_>>(), [address(ALICE), address(BOB)]);
    let expected = [
        Detail { target: address("carol@wv.example"), outcome: Outcome::NotDecided },
        Detail { target: address(ZOE), outcome: Outcome::Timeout },
    ];
    assert_eq!(details, expected);
    assert_eq!(closed(&world.take()), 1);
}

#[test]
fn a_fetch_of_an_active_presentity_causes_no_traffic() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, online());
    world.take();
    let operation = Operation::Fetch { targets: vec![address(ZOE)], attributes: AttributeSet::ALL };
    let id = world.request(ALICE, &session("a"), operation);
    let Answer::Presence { views, .. } = world.answer(id) else { panic!() };
    assert_eq!(views[0].1.document.devices[0].online, Value::Known(true));
    assert!(opened(&world.take()).is_empty());
}

fn friend(text: &str) -> Contact {
    Contact { address: address(text), written: format!("wv:{text}").into(), nickname: None }
}

fn create(world: &mut World, name: &str, members: &[&str], make_default: bool) -> RequestId {
    let list = address(&format!("alice/{name}@wv.example"));
    let members = members.iter().map(|text| friend(text)).collect();
    let written = format!("wv:Alice/{name}@wv.example");
    let operation = Operation::CreateContactList { list, written, members, display_name: None, make_default };
    world.request(ALICE, &session("a"), operation)
}

#[test]
fn watching_a_list_follows_its_members() {
    let mut world = World::with(3, |config| config.authorization = DefaultAuthorization::Allow);
    create(&mut world, "friends", &[BOB], false);
    let id = watch(&mut world, ALICE, &session("a"), &["alice/friends@wv.example"]);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    assert_eq!(notifications(&world.take()).len(), 1);
    let list = address("alice/friends@wv.example");
    let change = ContactListChange {
        add: vec![friend("carol@wv.example")],
        remove: vec![address(BOB)],
        ..ContactListChange::default()
    };
    world.request(ALICE, &session("a"), Operation::ManageContactList { list: list.clone(), change });
    let seen = notifications(&world.take());
    assert_eq!(seen.iter().map(|seen| seen.presentity.clone()).collect::<Vec<_>>(), [address("carol@wv.example")]);
    let watched = world.facts.keys().filter(|key| matches!(key, FactKey::Watch(..))).count();
    assert_eq!(watched, 1);
    world.request(ALICE, &session("a"), Operation::DeleteContactList { list });
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Watch(..) | FactKey::ListWatch(..))));
}

#[test]
fn contact_lists_keep_their_rules() {
    let mut world = World::with(1, |config| {
        config.limits.contact_lists_per_user = 2;
        config.limits.contacts_per_list = 2;
    });
    let id = create(&mut world, "one", &[BOB], true);
    assert_eq!(outcome(world.answer(id)), Outcome::Success);
    let id = create(&mut world, "one", &[], false);
    assert_eq!(outcome(world.answer(id)), Outcome::ContactListExists);
    create(&mut world, "two", &[], true);
    let id = create(&mut world, "three", &[], false);
    assert_eq!(outcome(world.answer(id)), Outcome::TooManyContactLists);
    let id = world.request(ALICE, &session("a"), Operation::GetContactLists);
    let Answer::ContactLists(lists) = world.answer(id) else { panic!() };
    let defaults: Vec<_> = lists.iter().map(|list| (list.written.as_str(), list.is_default)).collect();
    assert_eq!(defaults, [("wv:Alice/one@wv.example", false), ("wv:Alice/two@wv.example", true)]);
    let add = vec![friend("x@wv.example"), friend("y@wv.example")];
    let change = ContactListChange { add, ..ContactListChange::default() };
    let list = address("alice/one@wv.example");
    let operation = Operation::ManageContactList { list: list.clone(), change };
    let id = world.request(ALICE, &session("a"), operation);
    assert_eq!(outcome(world.answer(id)), Outcome::TooManyContacts);
    let id = world.request("carol@wv.example", &session("c"), Operation::DeleteContactList { list });
    assert_eq!(outcome(world.answer(id)), Outcome::Forbidden);
}

#[test]
fn too_many_watches_are_refused() {
    let mut world = World::with(1, |config| config.limits.subscriptions_per_watcher = 1);
    let id = watch(&mut world, BOB, &contact("d"), &[ALICE, "carol@wv.example"]);
    let Answer::Done { outcome, details } = world.answer(id) else { panic!() };
    assert_eq!(outcome, Outcome::PartialSuccess);
    assert_eq!(details[0].outcome, Outcome::Unavailable);
}

#[test]
fn a_strangers_request_is_not_relayed_and_a_peers_not_sent_back() {
    let mut world = World::new();
    for watcher in ["x@nowhere.example", "yves@peer.example"] {
        let id = watch(&mut world, watcher, &contact("d"), &[ZOE]);
        assert_eq!(outcome(world.answer(id)), Outcome::Forbidden);
    }
    assert!(opened(&world.take()).is_empty());
}

#[test]
fn a_removed_account_ends_what_others_see_of_it() {
    let mut world = World::with(1, |config| config.authorization = DefaultAuthorization::Allow);
    world.attach(ALICE, &session("a"));
    create(&mut world, "friends", &[BOB], false);
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    watch(&mut world, BOB, &contact("d"), &[ALICE]);
    world.take();
    let now = world.now;
    world.engines[0].account_removed(now, &address(ALICE));
    world.run_all();
    assert_eq!(notifications(&world.take()).last().unwrap().state, WatchState::Ended(EndReason::NoResource));
    assert!(world.facts.is_empty(), "{:?}", world.facts);
}

#[test]
fn the_most_specific_word_holds() {
    let mut world = World::new();
    let [online, mood_only] =
        [Attribute::OnlineStatus, Attribute::StatusMood].map(|attribute| AttributeSet::from_iter([attribute]));
    create(&mut world, "friends", &[BOB], false);
    let allow = |world: &mut World, watcher: &str, attributes| {
        let (watcher, decision) = (address(watcher), Decision::Allow);
        world.request(ALICE, &session("a"), Operation::Authorize { watcher, decision, attributes });
    };
    allow(&mut world, ALICE, online.union(mood_only));
    allow(&mut world, "alice/friends@wv.example", online);
    watch(&mut world, BOB, &contact("b"), &[ALICE]);
    watch(&mut world, "dave@sip.example", &contact("d"), &[ALICE]);
    let granted: Vec<_> =
        notifications(&world.take()).iter().map(|seen| seen.view.as_ref().unwrap().attributes).collect();
    assert_eq!(granted, [online, online.union(mood_only)]);
    allow(&mut world, BOB, mood_only);
    assert_eq!(notifications(&world.take())[0].view.as_ref().unwrap().attributes, mood_only);
    let change = ContactListChange { add: vec![friend("dave@sip.example")], ..ContactListChange::default() };
    let list = address("alice/friends@wv.example");
    world.request(ALICE, &session("a"), Operation::ManageContactList { list, change });
    let seen = notifications(&world.take());
    assert_eq!((seen.len(), seen[0].view.as_ref().unwrap().attributes), (1, online), "dave is a friend now");
}

#[test]
fn a_hasty_watcher_is_slowed_down_without_traffic() {
    let mut world = World::with(1, |config| config.limits.watches_per_minute = 30);
    let mut refused = 0;
    for number in 0..100 {
        let target = format!("p{number}@peer.example");
        let id = watch(&mut world, ALICE, &session("a"), &[&target]);
        refused += usize::from(outcome(world.answer(id)) == Outcome::Unavailable);
    }
    assert_eq!((refused, opened(&world.take()).len()), (70, 30));
    let id = watch(&mut world, ALICE, &session("a"), &["p1@peer.example"]);
    assert_eq!(outcome(world.answer(id)), Outcome::Success, "renewing is no new watch");
}

#[test]
fn a_watch_of_a_domain_without_presence_leaves_the_domain_alone() {
    let mut world = World::new();
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    update(&mut world, ALICE, SubscriptionUpdate::Failed { outcome: Outcome::NotImplemented, retry_after: None });
    world.take();
    watch(&mut world, ALICE, &session("a"), &["yves@peer.example"]);
    assert!(opened(&world.take()).is_empty());
    world.wait_millis(3_600_000);
    assert!(!opened(&world.take()).is_empty());
}

#[test]
fn what_is_in_memory_can_be_shown_and_explained() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    watch(&mut world, BOB, &contact("b"), &[ALICE]);
    watch(&mut world, ALICE, &session("a"), &[ZOE]);
    let engine = &world.engines[0];
    let explanation = engine.explain(&address(BOB), &address(ALICE));
    assert_eq!(explanation.presentity_exists, Some(true));
    assert!(explanation.question.is_some() && explanation.rule.is_none());
    let rows = serde_json::to_value(engine.entries().collect::<Vec<_>>()).unwrap();
    assert_eq!(rows[0]["state"], "subscribing");
    let rows = serde_json::to_value(engine.watches().collect::<Vec<_>>()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 2);
}
