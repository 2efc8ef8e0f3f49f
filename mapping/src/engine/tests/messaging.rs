//! Messages, from the sender's request to the report.

use super::world::{World, address, contact, session, text};
use crate::{
    command::{Answer, CommandKind, DeliveryRoute},
    contact_list::Contact,
    engine::Storage,
    event::{Acknowledgement, Delivery, DeliveryId, EventKind, Operation},
    message::{Message, MessageId, Report},
    outcome::{Detail, Outcome},
    record::FactKey,
    side::{Endpoint, PeerName},
    time::Timestamp,
};

fn deliveries(seen: &[CommandKind]) -> Vec<(DeliveryId, DeliveryRoute, Message, bool)> {
    seen.iter()
        .filter_map(|kind| match kind {
            CommandKind::Deliver { delivery, route, message, repeated, .. } => {
                Some((*delivery, route.clone(), message.clone(), *repeated))
            }
            _ => None,
        })
        .collect()
}

fn reports(seen: &[CommandKind]) -> Vec<Report> {
    seen.iter()
        .filter_map(|kind| match kind {
            CommandKind::Report { report, .. } => Some(report.clone()),
            _ => None,
        })
        .collect()
}

fn sent(answer: Answer) -> (Outcome, Option<MessageId>) {
    let Answer::Sent { outcome, message, .. } = answer else { panic!("{answer:?}") };
    (outcome, message)
}

fn delivered(world: &mut World, owner: &str, delivery: DeliveryId, outcome: Outcome) {
    let owner = address(owner);
    world.event(EventKind::Delivered(Delivery { delivery, owner, outcome, retry_after: None }));
}

fn has_inbox(world: &World) -> bool {
    world.facts.keys().any(|key| matches!(key, FactKey::Inbox(..)))
}

fn has_outbox(world: &World) -> bool {
    world.facts.keys().any(|key| matches!(key, FactKey::Outbox(..)))
}

#[test]
fn a_message_to_a_wv_user_is_stored_answered_offered_and_forgotten_when_acknowledged() {
    let mut world = World::new();
    world.attach("alice@wv.example", &session("a"));
    world.attach("carol@wv.example", &session("c"));
    let id = world.send("alice@wv.example", &session("a"), &["carol@wv.example"], text("1", "hello"));
    let (outcome, message) = sent(world.answer(id));
    assert_eq!(outcome, Outcome::Success);
    assert!(has_inbox(&world));
    let seen = world.take();
    let offered = deliveries(&seen);
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0].1, DeliveryRoute::Endpoint(session("c")));
    let user = address("carol@wv.example");
    let message = message.unwrap();
    world.event(EventKind::Acknowledged(Acknowledgement {
        user,
        endpoint: session("c"),
        message: message.clone(),
        outcome: Outcome::Success,
    }));
    assert!(!has_inbox(&world));
    let report = reports(&world.take());
    assert_eq!(report.len(), 1);
    assert_eq!((report[0].outcome, &report[0].message), (Outcome::Success, &message));
    world.event(EventKind::ReportTaken {
        message,
        recipient: address("carol@wv.example"),
        sender: address("alice@wv.example"),
    });
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Report(..))));
}

#[test]
fn an_absent_wv_recipient_gets_the_message_at_login() {
    let mut world = World::new();
    let id = world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], text("1", "hello"));
    assert_eq!(sent(world.answer(id)).0, Outcome::Stored);
    assert!(deliveries(&world.take()).is_empty());
    world.attach("alice@wv.example", &session("a"));
    let offered = deliveries(&world.take());
    assert_eq!(offered.len(), 1);
    assert!(!offered[0].3, "never offered before");
    world.attach("alice@wv.example", &session("a"));
    assert!(deliveries(&world.take()).is_empty(), "a repeated login offers nothing twice");
    world.attach("alice@wv.example", &session("second"));
    assert!(deliveries(&world.take())[0].3);
}

#[test]
fn who_stands_behind_a_message_that_waits_is_answered_at_once() {
    let mut world = World::new();
    let send = |world: &mut World, origin: &str| {
        world.send("alice@wv.example", &session("a"), &["bob@sip.example"], text(origin, "hello"))
    };
    world.attach("bob@sip.example", &contact("b"));
    let first = send(&mut world, "1");
    let offered = deliveries(&world.take());
    delivered(&mut world, "bob@sip.example", offered[0].0, Outcome::NotLoggedIn);
    assert_eq!(sent(world.answer(first)).0, Outcome::Success);
    for origin in ["2", "3"] {
        let id = send(&mut world, origin);
        assert_eq!(sent(world.answer(id)).0, Outcome::Success, "{origin}");
    }
    assert!(deliveries(&world.take()).is_empty(), "in order, one at a time");
    world.crash(1);
    let offered = deliveries(&world.take());
    assert_eq!(offered.len(), 1);
    assert_eq!(offered[0].2.origin.as_ref(), "1");
    let last = send(&mut world, "4");
    assert!(world.answers(last).is_empty(), "the first is on its way");
    delivered(&mut world, "bob@sip.example", offered[0].0, Outcome::Success);
    assert_eq!(deliveries(&world.take()).len(), 1);
}

#[test]
fn a_clock_that_is_set_back_between_two_starts_keeps_the_order_of_messages() {
    let mut world = World::new();
    let mut accepted = Vec::new();
    for origin in ["1", "2", "3"] {
        let message = Message { sent: world.now, ..text(origin, "hello") };
        let id = world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], message);
        accepted.extend(sent(world.answer(id)).1);
        world.now = Timestamp::from_millis(world.now.as_millis() - 60_000);
        world.crash(1);
    }
    world.attach("alice@wv.example", &session("a"));
    let offered: Vec<MessageId> = deliveries(&world.take()).into_iter().map(|offer| offer.2.id).collect();
    assert_eq!(accepted.len(), 3);
    assert_eq!(offered, accepted);
}

#[test]
fn the_answer_is_held_for_the_verdict_of_a_sip_contact() {
    let mut world = World::new();
    world.attach("bob@sip.example", &contact("b"));
    let id = world.send("alice@wv.example", &session("a"), &["bob@sip.example"], text("1", "hello"));
    assert!(world.answers(id).is_empty());
    let offered = deliveries(&world.seen);
    delivered(&mut world, "bob@sip.example", offered[0].0, Outcome::Blocked);
    assert_eq!(sent(world.answer(id)), (Outcome::Blocked, None));
    assert!(reports(&world.seen).is_empty(), "the answer told it");
    assert!(!has_inbox(&world));
}

#[test]
fn a_slow_contact_makes_the_message_stored_and_the_fate_a_report() {
    let mut world = World::new();
    world.attach("bob@sip.example", &contact("b"));
    let id = world.send("alice@wv.example", &session("a"), &["bob@sip.example"], text("1", "hello"));
    let offered = deliveries(&world.seen);
    world.wait_millis(2000);
    assert_eq!(sent(world.answer(id)).0, Outcome::Success, "WV clients take 202 for a failure");
    assert!(has_inbox(&world));
    delivered(&mut world, "bob@sip.example", offered[0].0, Outcome::UnknownUser);
    assert!(!has_inbox(&world));
    assert!(reports(&world.seen).is_empty(), "nobody is there to be told");
    world.attach("alice@wv.example", &session("a"));
    assert_eq!(reports(&world.seen)[0].outcome, Outcome::UnknownUser);
}

#[test]
fn messages_to_a_peer_keep_their_order_one_at_a_time() {
    let mut world = World::new();
    let peer = DeliveryRoute::Peer(PeerName::new("core"));
    let endpoint: Endpoint = session("a");
    let one = world.send("alice@wv.example", &endpoint, &["zoe@peer.example"], text("1", "one"));
    let two = world.send("alice@wv.example", &endpoint, &["zoe@peer.example"], text("2", "two"));
    let first = deliveries(&world.take());
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].1, peer);
    delivered(&mut world, "alice@wv.example", first[0].0, Outcome::Success);
    assert_eq!(sent(world.answer(one)).0, Outcome::Success);
    let second = deliveries(&world.seen);
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].2.content.body, "two");
    world.wait_millis(2000);
    assert_eq!(sent(world.answer(two)).0, Outcome::Success);
    assert!(has_outbox(&world));
    delivered(&mut world, "alice@wv.example", second[0].0, Outcome::Success);
    assert!(!has_outbox(&world));
}

#[test]
fn an_unreachable_peer_is_tried_again_until_the_message_expires() {
    let mut world = World::new();
    let mut message = text("1", "hello");
    message.expires = world.now.after(std::time::Duration::from_secs(600));
    let id = world.send("alice@wv.example", &session("a"), &["zoe@peer.example"], message);
    let mut attempts = 0;
    for _ in 0..600 {
        for (delivery, _, _, repeated) in deliveries(&world.take()) {
            assert_eq!(repeated, attempts > 0);
            attempts += 1;
            delivered(&mut world, "alice@wv.example", delivery, Outcome::Unavailable);
            if attempts == 1 {
                assert_eq!(sent(world.answer(id)).0, Outcome::Success);
            }
        }
        world.wait_millis(1000);
    }
    assert!((4..=7).contains(&attempts), "{attempts}");
    assert!(!has_outbox(&world));
    assert!(world.facts.keys().any(|key| matches!(key, FactKey::Report(..))), "the sender was away");
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_sends_nothing() {
    let mut world = World::new();
    world.attach("carol@wv.example", &session("c"));
    let one = world.send("alice@wv.example", &session("a"), &["carol@wv.example"], text("same", "hello"));
    let first = sent(world.answer(one));
    world.take();
    let two = world.send("alice@wv.example", &session("a"), &["carol@wv.example"], text("same", "hello"));
    assert_eq!(sent(world.answer(two)), first);
    assert!(deliveries(&world.seen).is_empty());
}

#[test]
fn a_repetition_while_the_answer_is_held_shares_it() {
    let mut world = World::new();
    let one = world.send("alice@wv.example", &session("a"), &["zoe@peer.example"], text("same", "hello"));
    let two = world.send("alice@wv.example", &session("a"), &["zoe@peer.example"], text("same", "hello"));
    let offered = deliveries(&world.seen);
    assert_eq!(offered.len(), 1);
    delivered(&mut world, "alice@wv.example", offered[0].0, Outcome::Success);
    assert_eq!(sent(world.answer(one)), sent(world.answer(two)));
}

#[test]
fn several_recipients_are_answered_together_with_the_failures_named() {
    let mut world = World::with(3, |_| {});
    world.attach("carol@wv.example", &session("c"));
    let to = ["carol@wv.example", "nobody@wv.example", "x@nowhere.example"];
    let id = world.send("alice@wv.example", &session("a"), &to, text("1", "hello"));
    let Answer::Sent { outcome, message, details } = world.answer(id) else { panic!() };
    assert_eq!(outcome, Outcome::PartialSuccess);
    assert!(message.is_some());
    let expected = [
        Detail { target: address("nobody@wv.example"), outcome: Outcome::UnknownUser },
        Detail { target: address("x@nowhere.example"), outcome: Outcome::UnknownDomain },
    ];
    assert_eq!(details, expected);
}

#[test]
fn a_full_inbox_refuses() {
    let mut world = World::with(1, |config| config.limits.inbox_messages = 1);
    world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], text("1", "one"));
    let id = world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], text("2", "two"));
    assert_eq!(sent(world.answer(id)).0, Outcome::QueueFull);
}

#[test]
fn a_sip_recipient_without_contact_gets_the_message_when_it_registers() {
    let mut world = World::new();
    let id = world.send("dave@sip.example", &contact("d"), &["bob@sip.example"], text("1", "hello"));
    assert_eq!(sent(world.answer(id)).0, Outcome::Stored);
    assert!(has_inbox(&world));
    world.attach("bob@sip.example", &contact("b"));
    let offered = deliveries(&world.seen);
    assert_eq!(offered.len(), 1);
    delivered(&mut world, "bob@sip.example", offered[0].0, Outcome::Success);
    assert!(!has_inbox(&world));
}

#[test]
fn a_far_report_that_is_owed_is_passed_on_once() {
    let mut world = World::new();
    world.attach("alice@wv.example", &session("a"));
    world.send("alice@wv.example", &session("a"), &["zoe@peer.example"], text("1", "hello"));
    let offered = deliveries(&world.take());
    delivered(&mut world, "alice@wv.example", offered[0].0, Outcome::Stored);
    assert!(reports(&world.take()).is_empty());
    let report = Report {
        message: offered[0].2.id.clone(),
        sender: address("alice@wv.example"),
        recipient: address("zoe@peer.example"),
        outcome: Outcome::Success,
        at: world.now,
        sent: world.now,
        media_type: "text/plain".into(),
        size_octets: 5,
        origin: std::sync::Arc::from(""),
    };
    world.event(EventKind::Reported(report.clone()));
    world.event(EventKind::Reported(report));
    assert_eq!(reports(&world.take()).len(), 1);
}

#[test]
fn without_a_store_the_absent_recipient_is_told_of_at_once() {
    let mut world = World::with(1, |config| config.storage = Storage::Off);
    for recipient in ["carol@wv.example", "bob@sip.example"] {
        let id = world.send("alice@wv.example", &session("a"), &[recipient], text(recipient, "hello"));
        assert_eq!(sent(world.answer(id)), (Outcome::NotLoggedIn, None));
    }
    assert!(!has_inbox(&world));
}

#[test]
fn a_message_that_came_too_late_is_not_taken() {
    let mut world = World::new();
    let mut message = text("1", "hello");
    message.expires = Timestamp::from_secs(1);
    let id = world.send("alice@wv.example", &session("a"), &["bob@sip.example"], message);
    assert_eq!(sent(world.answer(id)), (Outcome::Expired, None));
}

#[test]
fn an_offered_message_that_expires_is_retracted_and_reported() {
    let mut world = World::new();
    world.attach("alice@wv.example", &session("a"));
    world.attach("carol@wv.example", &session("c"));
    let mut message = text("1", "hello");
    message.expires = world.now.after(std::time::Duration::from_secs(60));
    world.send("alice@wv.example", &session("a"), &["carol@wv.example"], message);
    world.take();
    world.wait_millis(60_000);
    let seen = world.take();
    assert!(seen.iter().any(|kind| matches!(kind, CommandKind::Retract { .. })));
    assert_eq!(reports(&seen)[0].outcome, Outcome::Expired);
    assert!(!has_inbox(&world));
}

#[test]
fn content_that_no_device_takes_is_refused() {
    let mut world = World::new();
    let mut attachment = super::world::attachment("c");
    attachment.reception.media_types = ["text/plain".into()].into();
    attachment.reception.content_octets_max = 4;
    world.request("carol@wv.example", &session("c"), Operation::Attach(attachment));
    let mut message = text("1", "");
    message.content.media_type = "image/png".into();
    let id = world.send("bob@sip.example", &contact("b"), &["carol@wv.example"], message);
    assert_eq!(sent(world.answer(id)).0, Outcome::UnsupportedContent);
    let id = world.send("bob@sip.example", &contact("b"), &["carol@wv.example"], text("2", "too long"));
    assert_eq!(sent(world.answer(id)).0, Outcome::TooLarge);
}

#[test]
fn a_contact_list_is_opened_into_its_members_within_bounds() {
    let mut world = World::with(1, |config| config.limits.recipients_per_message = 2);
    world.attach("carol@wv.example", &session("c"));
    let list = address("alice/friends@wv.example");
    let member = |text: &str| Contact { address: address(text), written: "".into(), nickname: None };
    let members = ["carol@wv.example", "bob@sip.example"].map(member).to_vec();
    let operation =
        Operation::CreateContactList { list, written: String::new(), members, display_name: None, make_default: false };
    world.request("alice@wv.example", &session("a"), operation);
    let to = ["alice/friends@wv.example"];
    let id = world.send("alice@wv.example", &session("a"), &to, text("1", "hello"));
    assert_eq!(sent(world.answer(id)).0, Outcome::Success);
    let to = ["alice/friends@wv.example", "dave@sip.example"];
    let id = world.send("alice@wv.example", &session("a"), &to, text("2", "hello"));
    assert_eq!(sent(world.answer(id)).0, Outcome::BadParameter);
    let id = world.send("alice@wv.example", &session("a"), &["alice/foes@wv.example"], text("3", "hello"));
    assert_eq!(sent(world.answer(id)).0, Outcome::UnknownContactList);
}

#[test]
fn the_oldest_repetition_is_forgotten_first_when_there_are_too_many() {
    let mut world = World::with(1, |config| config.limits.origins_per_user = 2);
    for origin in ["1", "2", "3"] {
        world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], text(origin, "hello"));
    }
    let inbox = |world: &World| world.facts.keys().filter(|key| matches!(key, FactKey::Inbox(..))).count();
    assert_eq!(inbox(&world), 3);
    world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], text("3", "hello"));
    assert_eq!(inbox(&world), 3, "still recognised");
    world.send("bob@sip.example", &contact("b"), &["alice@wv.example"], text("1", "hello"));
    assert_eq!(inbox(&world), 4, "recognised no more");
    world.wait_millis(3_600_000);
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Origin(..))));
}

#[test]
fn a_user_has_so_many_devices_and_no_more() {
    let mut world = World::with(1, |config| config.limits.attachments_per_user = 1);
    world.attach("alice@wv.example", &session("a1"));
    world.attach("alice@wv.example", &session("a1"));
    let attachment = super::world::attachment("a2");
    let id = world.request("alice@wv.example", &session("a2"), Operation::Attach(attachment));
    assert!(matches!(world.answer(id), Answer::Done { outcome: Outcome::Unavailable, .. }));
}
