//! What a restart leaves.

use super::{
    watching::publish,
    world::{World, address, contact, session, text},
};
use crate::{
    command::{Answer, CommandKind, DeliveryRoute},
    engine::DefaultAuthorization,
    event::{Acknowledgement, EventKind, Operation, SubscriptionId},
    message::MessageId,
    outcome::Outcome,
    presence::{AttributeSet, Mood},
    side::PeerName,
    watcher::Decision,
};

const ALICE: &str = "alice@wv.example";

fn message_of(answer: &Answer) -> MessageId {
    let Answer::Sent { message: Some(message), .. } = answer else { panic!("{answer:?}") };
    message.clone()
}

#[test]
fn stored_messages_are_offered_again_as_repeated() {
    let mut world = World::with(3, |_| {});
    world.attach(ALICE, &session("a"));
    world.send("bob@sip.example", &contact("b"), &[ALICE], text("1", "hello"));
    world.take();
    world.crash(2);
    let seen = world.take();
    let offers: Vec<_> = seen
        .iter()
        .filter(|kind| matches!(kind, CommandKind::Deliver { repeated: true, route: DeliveryRoute::Endpoint(endpoint), .. } if *endpoint == session("a")))
        .collect();
    assert_eq!(offers.len(), 1, "{seen:?}");
}

#[test]
fn the_outbox_goes_on() {
    let mut world = World::new();
    world.send(ALICE, &session("a"), &["zoe@peer.example"], text("1", "hello"));
    world.wait_millis(2000);
    world.take();
    world.crash(3);
    let peer = DeliveryRoute::Peer(PeerName::new("core"));
    let seen = world.take();
    assert!(
        seen.iter().any(|kind| matches!(kind, CommandKind::Deliver { route, repeated: true, .. } if *route == peer)),
        "{seen:?}"
    );
}

#[test]
fn watches_come_alive_and_are_shown_in_full() {
    let mut world = World::with(3, |config| config.authorization = DefaultAuthorization::Allow);
    let targets = vec![address(ALICE), address("zoe@peer.example")];
    let operation = Operation::Watch { targets, attributes: AttributeSet::ALL, auto_subscribe: false };
    world.request("carol@wv.example", &session("c"), operation);
    world.take();
    world.crash(1);
    let seen = world.take();
    let subscription = SubscriptionId::lasting(&address("carol@wv.example"), &address("zoe@peer.example"));
    assert!(seen.iter().any(
        |kind| matches!(kind, CommandKind::OpenSubscription { subscription: opened, .. } if *opened == subscription)
    ));
    let full = |kind: &CommandKind| match kind {
        CommandKind::Notify(notification) => {
            notification.view.as_ref().is_some_and(|view| view.changed == AttributeSet::ALL)
        }
        _ => false,
    };
    assert_eq!(seen.iter().filter(|kind| full(kind)).count(), 1);
}

/// What carol's session is shown of alice's mood when alice, who refused her, allows her after this.
fn shown_after(upset: fn(&mut World)) -> Vec<Option<Mood>> {
    let mut world = World::with(3, |_| {});
    world.attach(ALICE, &session("a"));
    world.attach("carol@wv.example", &session("c"));
    publish(&mut world, ALICE, &session("a"), Mood::Happy);
    let decide = |world: &mut World, decision| {
        let watcher = address("carol@wv.example");
        world.request(ALICE, &session("a"), Operation::Authorize { watcher, decision, attributes: AttributeSet::ALL });
    };
    decide(&mut world, Decision::Allow);
    let targets = vec![address(ALICE)];
    let operation = Operation::Watch { targets, attributes: AttributeSet::ALL, auto_subscribe: false };
    world.request("carol@wv.example", &session("c"), operation);
    decide(&mut world, Decision::Block);
    upset(&mut world);
    world.wait_millis(60_000);
    world.take();
    decide(&mut world, Decision::Allow);
    let shown = world.take().into_iter().filter_map(|kind| match kind {
        CommandKind::Notify(told) => told.view.map(|view| view.document.person.mood.known().cloned()),
        _ => None,
    });
    shown.collect()
}

#[test]
fn who_was_refused_is_shown_the_presence_when_allowed_again() {
    let expected = vec![Some(Mood::Happy)];
    assert_eq!(shown_after(|_| {}), expected);
    assert_eq!(shown_after(|world| world.crash(3)), expected, "after a restart");
    let rebuild = |world: &mut World| (0..3).for_each(|shard| world.rebuild(shard));
    assert_eq!(shown_after(rebuild), expected, "after every shard was rebuilt");
}

#[test]
fn a_request_repeated_after_a_restart_keeps_its_name_and_is_not_delivered_twice() {
    let mut world = World::with(3, |_| {});
    world.attach(ALICE, &session("a"));
    let id = world.send("bob@sip.example", &contact("b"), &[ALICE], text("same", "hello"));
    let first = message_of(&world.answer(id));
    let user = address(ALICE);
    world.event(EventKind::Acknowledged(Acknowledgement {
        user,
        endpoint: session("a"),
        message: first.clone(),
        outcome: Outcome::Success,
    }));
    world.crash(3);
    world.take();
    let id = world.send("bob@sip.example", &contact("b"), &[ALICE], text("same", "hello"));
    assert_eq!(message_of(&world.answer(id)), first);
    assert!(!world.seen.iter().any(|kind| matches!(kind, CommandKind::Deliver { .. })));
}

#[test]
fn an_open_question_is_put_again() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    let operation =
        Operation::Watch { targets: vec![address(ALICE)], attributes: AttributeSet::ALL, auto_subscribe: false };
    world.request("bob@sip.example", &contact("d"), operation);
    world.take();
    world.crash(1);
    let asked = world.take().iter().filter(|kind| matches!(kind, CommandKind::AskAuthorization { .. })).count();
    assert_eq!(asked, 1);
}
