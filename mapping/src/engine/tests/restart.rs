//! What a restart leaves.

use super::world::{World, address, contact, session, text};
use crate::{
    command::{Answer, CommandKind, DeliveryRoute},
    engine::DefaultAuthorization,
    event::{Acknowledgement, EventKind, Operation, SubscriptionId},
    message::MessageId,
    outcome::Outcome,
    presence::AttributeSet,
    side::PeerName,
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
