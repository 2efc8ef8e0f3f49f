//! Messages that wait: several devices, listing, fetching, rejecting, forwarding; and whom a user lets through.

use super::world::{World, address, attachment, contact, session, text};
use crate::{
    announcement::{Announcement, Choice},
    command::{Answer, CommandKind, DeliveryRoute},
    contact_list::Contact,
    event::{Acknowledgement, EventKind, InboxOperation, Operation, Submission},
    message::{Message, MessageId, Report},
    outcome::Outcome,
    presence::DeviceId,
    record::FactKey,
    screening::{Entity, EntityChange, ScreeningChange},
    side::Endpoint,
};
use std::sync::Arc;

const ALICE: &str = "alice@wv.example";
const CAROL: &str = "carol@wv.example";
const BOB: &str = "bob@sip.example";

fn inbox(world: &mut World, user: &str, endpoint: &Endpoint, operation: InboxOperation) -> Answer {
    let id = world.request(user, endpoint, Operation::Inbox(operation));
    world.answer(id)
}

fn outcome_of(answer: &Answer) -> Outcome {
    match answer {
        Answer::Done { outcome, .. } | Answer::Sent { outcome, .. } | Answer::Rejected { outcome, .. } => *outcome,
        other => panic!("{other:?}"),
    }
}

/// Sends a message from one WV user to the other; its name.
fn send(world: &mut World, origin: &str, to: &str) -> MessageId {
    let id = world.send(CAROL, &session("c"), &[to], text(origin, origin));
    let Answer::Sent { message: Some(message), .. } = world.answer(id) else { panic!("not sent") };
    message
}

fn acknowledge(world: &mut World, endpoint: &str, message: &MessageId, outcome: Outcome) {
    let (user, endpoint, message) = (address(ALICE), session(endpoint), message.clone());
    world.event(EventKind::Acknowledged(Acknowledgement { user, endpoint, message, outcome }));
}

fn listed(world: &mut World, endpoint: &str) -> Vec<String> {
    let Answer::Waiting { messages, total } =
        inbox(world, ALICE, &session(endpoint), InboxOperation::List { at_most: None })
    else {
        panic!("no list")
    };
    assert_eq!(messages.len(), total);
    messages.iter().map(says).collect()
}

fn says(message: &Message) -> String {
    String::from_utf8(message.content.body.to_vec()).unwrap()
}

fn delivered_to(seen: &[CommandKind], endpoint: &Endpoint) -> Vec<String> {
    let route = DeliveryRoute::Endpoint(endpoint.clone());
    seen.iter()
        .filter_map(|kind| match kind {
            CommandKind::Deliver { route: to, message, .. } if *to == route => Some(says(message)),
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

fn retracted(seen: &[CommandKind]) -> usize {
    seen.iter().filter(|kind| matches!(kind, CommandKind::Retract { .. })).count()
}

fn stored(world: &World) -> usize {
    world.facts.keys().filter(|key| matches!(key, FactKey::Inbox(..))).count()
}

#[test]
fn wv_msg_10_the_first_device_makes_the_report_and_the_others_get_a_copy() {
    let mut world = World::new();
    world.attach(CAROL, &session("c"));
    world.attach(ALICE, &session("a1"));
    world.attach(ALICE, &session("a2"));
    let message = send(&mut world, "1", ALICE);
    acknowledge(&mut world, "a1", &message, Outcome::Success);
    assert_eq!(reports(&world.take()).len(), 1);
    assert!(listed(&mut world, "a1").is_empty());
    assert_eq!(listed(&mut world, "a2"), ["1"]);
    world.attach(ALICE, &session("late"));
    assert!(delivered_to(&world.take(), &session("late")).is_empty(), "a device that comes later gets none");
    world.crash(1);
    let seen = world.take();
    assert_eq!(delivered_to(&seen, &session("a2")), ["1"], "the copy is still owed after a restart");
    assert!(delivered_to(&seen, &session("a1")).is_empty() && delivered_to(&seen, &session("late")).is_empty());
    acknowledge(&mut world, "a2", &message, Outcome::Success);
    let seen = world.take();
    assert_eq!((reports(&seen).len(), retracted(&seen), stored(&world)), (0, 0, 0));
}

#[test]
fn a_copy_ends_with_its_device_and_is_no_burden_on_the_quota() {
    let mut world = World::with(1, |config| config.limits.inbox_messages = 1);
    world.attach(ALICE, &session("a1"));
    world.attach(ALICE, &session("a2"));
    for origin in ["1", "2", "3"] {
        let message = send(&mut world, origin, ALICE);
        acknowledge(&mut world, "a1", &message, Outcome::Success);
    }
    assert_eq!(listed(&mut world, "a2"), ["3"], "copies are bounded");
    world.request(ALICE, &session("a2"), Operation::Detach(crate::event::DetachReason::Logout));
    assert_eq!(stored(&world), 0);
}

#[test]
fn one_device_that_cannot_take_it_does_not_end_it_for_the_others() {
    let mut world = World::new();
    world.attach(ALICE, &session("a1"));
    world.attach(ALICE, &session("a2"));
    world.attach(CAROL, &session("c"));
    let message = send(&mut world, "1", ALICE);
    acknowledge(&mut world, "a1", &message, Outcome::UnsupportedContent);
    assert!(reports(&world.take()).is_empty());
    acknowledge(&mut world, "a2", &message, Outcome::UnsupportedContent);
    assert_eq!(reports(&world.take())[0].outcome, Outcome::UnsupportedContent);
    assert_eq!(stored(&world), 0);
}

#[test]
fn a_message_is_listed_fetched_and_taken() {
    let mut world = World::new();
    world.attach(CAROL, &session("c"));
    let first = send(&mut world, "1", ALICE);
    send(&mut world, "2", ALICE);
    let alice = session("a");
    world.attach(ALICE, &alice);
    assert_eq!(listed(&mut world, "a"), ["1", "2"]);
    let one = inbox(&mut world, ALICE, &alice, InboxOperation::List { at_most: Some(1) });
    assert!(matches!(one, Answer::Waiting { messages, total: 2 } if messages.len() == 1));
    let fetched = inbox(&mut world, ALICE, &alice, InboxOperation::Fetch(first.clone()));
    assert!(matches!(&fetched, Answer::Waiting { messages, .. } if says(&messages[0]) == "1"));
    assert_eq!(listed(&mut world, "a"), ["1", "2"], "a message that was only fetched waits on");
    world.take();
    let taken = inbox(&mut world, ALICE, &alice, InboxOperation::Take(first.clone()));
    assert_eq!(outcome_of(&taken), Outcome::Success);
    assert_eq!(reports(&world.take()).len(), 1);
    assert_eq!(listed(&mut world, "a"), ["2"]);
    let again = inbox(&mut world, ALICE, &alice, InboxOperation::Take(first.clone()));
    assert_eq!(outcome_of(&again), Outcome::Success, "a repeated acknowledgement is none to complain of");
    assert!(reports(&world.take()).is_empty());
    let gone = inbox(&mut world, ALICE, &alice, InboxOperation::Fetch(first));
    assert_eq!(outcome_of(&gone), Outcome::UnknownMessage);
    let stranger = inbox(&mut world, ALICE, &alice, InboxOperation::Take(MessageId::new("none")));
    assert_eq!(outcome_of(&stranger), Outcome::UnknownMessage);
}

#[test]
fn a_rejected_message_is_gone_everywhere_and_its_sender_told() {
    let mut world = World::new();
    world.attach(CAROL, &session("c"));
    world.attach(ALICE, &session("a1"));
    world.attach(ALICE, &session("a2"));
    let message = send(&mut world, "1", ALICE);
    let unknown = MessageId::new("none");
    world.take();
    let both = InboxOperation::Reject(vec![message.clone(), unknown.clone()]);
    let answer = inbox(&mut world, ALICE, &session("a1"), both);
    assert!(
        matches!(&answer, Answer::Rejected { outcome: Outcome::PartialSuccess, unknown: named } if *named == [unknown])
    );
    let seen = world.take();
    assert_eq!((retracted(&seen), stored(&world)), (2, 0));
    assert_eq!(reports(&seen)[0].outcome, Outcome::Rejected);
    let again = inbox(&mut world, ALICE, &session("a1"), InboxOperation::Reject(vec![message]));
    assert_eq!(outcome_of(&again), Outcome::UnknownMessage);
}

#[test]
fn wv_msg_11_a_forwarded_message_goes_on_and_waits_no_longer() {
    for shards in [1, 3] {
        let mut world = World::with(shards, |_| {});
        world.attach(CAROL, &session("c"));
        let message = send(&mut world, "1", ALICE);
        world.attach(ALICE, &session("a"));
        world.take();
        let forward = |to: &str, message: &MessageId| InboxOperation::Forward {
            conversations: Vec::new(),
            message: message.clone(),
            recipients: vec![address(to)],
            origin: Arc::from(""),
        };
        let nobody = inbox(&mut world, ALICE, &session("a"), forward("nobody@wv.example", &message));
        assert_eq!(outcome_of(&nobody), Outcome::UnknownUser);
        assert_eq!(stored(&world), 1, "what went nowhere still waits");
        let answer = inbox(&mut world, ALICE, &session("a"), forward(CAROL, &message));
        let Answer::Sent { outcome: Outcome::Success, message: Some(new), .. } = answer else { panic!("{answer:?}") };
        assert_ne!(new, message);
        let seen = world.take();
        assert_eq!(delivered_to(&seen, &session("c")), ["1"]);
        assert_eq!(reports(&seen)[0].outcome, Outcome::Forwarded);
        assert!(listed(&mut world, "a").is_empty());
        let again = inbox(&mut world, ALICE, &session("a"), forward(CAROL, &message));
        assert_eq!(outcome_of(&again), Outcome::UnknownMessage);
    }
}

#[test]
fn wv_msg_12_a_device_that_takes_no_reports_gets_none_and_another_does() {
    let mut world = World::new();
    let mut silent = attachment("silent");
    silent.reception.takes_reports = false;
    world.request(CAROL, &session("c"), Operation::Attach(silent));
    let message = send(&mut world, "1", ALICE);
    world.attach(ALICE, &session("a"));
    acknowledge(&mut world, "a", &message, Outcome::Success);
    assert!(reports(&world.take()).is_empty());
    world.attach(CAROL, &session("other"));
    assert_eq!(reports(&world.take()).len(), 1, "it waits for one that takes it");
}

fn screen(world: &mut World, change: ScreeningChange) -> Answer {
    let id = world.request(ALICE, &session("a"), Operation::Screen(change));
    world.answer(id)
}

fn adding(in_use: Option<bool>, entities: Vec<Entity>) -> Option<EntityChange> {
    Some(EntityChange { in_use, add: entities, ..EntityChange::default() })
}

fn outcome_of_message_from(world: &mut World, sender: &str, endpoint: &Endpoint) -> Outcome {
    let id = world.send(sender, endpoint, &[ALICE], text("", "hello"));
    outcome_of(&world.answer(id))
}

#[test]
fn wv_blk_02_who_is_blocked_is_told_and_nothing_is_delivered() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    let block = adding(Some(true), vec![Entity::User(address(BOB))]);
    screen(&mut world, ScreeningChange { block, grant: None });
    world.crash(1);
    world.take();
    assert_eq!(outcome_of_message_from(&mut world, BOB, &contact("b")), Outcome::Blocked);
    assert!(delivered_to(&world.take(), &session("a")).is_empty());
    assert_eq!(outcome_of_message_from(&mut world, CAROL, &session("c")), Outcome::Success);
    let free = Some(EntityChange { in_use: Some(false), ..EntityChange::default() });
    let answer = screen(&mut world, ScreeningChange { block: free, grant: None });
    assert!(matches!(&answer, Answer::Screening(lists) if lists.block.entities.len() == 1 && !lists.is_blocking()));
    assert_eq!(outcome_of_message_from(&mut world, BOB, &contact("b")), Outcome::Success);
}

#[test]
fn wv_blk_02_a_grant_list_may_name_the_members_of_a_contact_list() {
    let mut world = World::new();
    let list = address("alice/friends@wv.example");
    let members = vec![Contact { address: address(CAROL), nickname: None, written: CAROL.into() }];
    world.request(
        ALICE,
        &session("a"),
        Operation::CreateContactList {
            list: list.clone(),
            written: list.as_str().to_owned(),
            members,
            display_name: None,
            make_default: false,
        },
    );
    screen(&mut world, ScreeningChange { block: None, grant: adding(Some(true), vec![Entity::ContactList(list)]) });
    assert_eq!(outcome_of_message_from(&mut world, BOB, &contact("b")), Outcome::Blocked);
    assert_eq!(outcome_of_message_from(&mut world, CAROL, &session("c")), Outcome::Success);
    assert_eq!(outcome_of_message_from(&mut world, ALICE, &session("a")), Outcome::Success, "never oneself");
}

#[test]
fn the_lists_are_bounded_and_end_with_the_account() {
    let mut world = World::with(1, |config| config.limits.entities_per_screening = 1);
    let two = vec![Entity::User(address(BOB)), Entity::User(address(CAROL))];
    let answer = screen(&mut world, ScreeningChange { block: adding(None, two), grant: None });
    assert_eq!(outcome_of(&answer), Outcome::TooManyContacts);
    screen(&mut world, ScreeningChange { block: adding(None, vec![Entity::User(address(BOB))]), grant: None });
    assert!(world.facts.keys().any(|key| matches!(key, FactKey::Screening(_))));
    let now = world.now;
    world.engines[0].account_removed(now, &address(ALICE));
    world.run_all();
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Screening(_))));
}

#[test]
fn wv_msg_14_what_was_stored_waits_until_the_device_has_said_how_it_takes_it() {
    let mut world = World::new();
    send(&mut world, "stored", ALICE);
    let mut early = attachment("a");
    early.reception.takes_stored = false;
    world.request(ALICE, &session("a"), Operation::Attach(early));
    assert!(delivered_to(&world.take(), &session("a")).is_empty());
    send(&mut world, "new", ALICE);
    assert_eq!(delivered_to(&world.take(), &session("a")), ["new"]);
    world.attach(ALICE, &session("a"));
    assert_eq!(delivered_to(&world.take(), &session("a")), ["stored"]);
}

fn announce(world: &mut World, id: &str, options: &[&str], lifetime_s: u64) {
    let option = |id: &&str| Choice { id: Arc::from(*id), text: (*id).to_owned() };
    let expires = world.now.after(std::time::Duration::from_secs(lifetime_s));
    world.event(EventKind::Announced(Announcement {
        id: Arc::from(id),
        user: address(ALICE),
        text: "maintenance".to_owned(),
        options: options.iter().map(option).collect(),
        requires_answer: !options.is_empty(),
        expires,
        answer: None,
    }));
}

fn told(world: &mut World, endpoint: &str) -> Vec<String> {
    let seen = world.take();
    let told = seen.iter().filter_map(|kind| match kind {
        CommandKind::Announce { endpoint: to, announcement } if *to == session(endpoint) => Some(announcement),
        _ => None,
    });
    told.map(|announcement| announcement.id.as_ref().to_owned()).collect()
}

fn react(world: &mut World, id: &str, choice: Option<&str>) -> Outcome {
    let operation = Operation::AnswerAnnouncement { id: Arc::from(id), choice: choice.map(Arc::from), key: None };
    let request = world.request(ALICE, &session("a"), operation);
    outcome_of(&world.answer(request))
}

#[test]
fn wv_sys_01_what_the_operator_says_waits_for_the_user_and_ends_when_seen() {
    let mut world = World::new();
    announce(&mut world, "1", &[], 60);
    world.crash(1);
    world.attach(ALICE, &session("a"));
    assert_eq!(told(&mut world, "a"), ["1"]);
    world.attach(ALICE, &session("b"));
    assert_eq!(told(&mut world, "b"), ["1"], "not seen yet");
    world.event(EventKind::AnnouncementSeen { user: address(ALICE), id: Arc::from("1") });
    world.attach(ALICE, &session("c"));
    assert!(told(&mut world, "c").is_empty());
    announce(&mut world, "2", &[], 60);
    assert_eq!(told(&mut world, "a"), ["2"]);
    world.wait_millis(60_000);
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Announcement(..))), "out of date");
}

#[test]
fn wv_sys_02_only_what_was_offered_is_an_answer_and_the_first_one_counts() {
    let mut world = World::new();
    world.attach(ALICE, &session("a"));
    announce(&mut world, "1", &["yes", "no"], 60);
    world.event(EventKind::AnnouncementSeen { user: address(ALICE), id: Arc::from("1") });
    assert_eq!(react(&mut world, "1", Some("maybe")), Outcome::BadParameter);
    assert_eq!(react(&mut world, "1", None), Outcome::BadParameter);
    assert_eq!(react(&mut world, "none", Some("yes")), Outcome::UnknownMessage);
    assert_eq!(react(&mut world, "1", Some("yes")), Outcome::Success);
    assert_eq!(react(&mut world, "1", Some("no")), Outcome::Success);
    world.crash(1);
    world.take();
    world.attach(ALICE, &session("b"));
    assert!(told(&mut world, "b").is_empty(), "it is answered");
    let answers: Vec<_> = world.engines[0].announcements().map(|known| known.answer.clone().unwrap()).collect();
    assert_eq!(answers[0].choice.as_deref(), Some("yes"));
}

#[test]
fn wv_msg_15_a_message_for_one_device_goes_to_that_one_unless_it_is_not_there() {
    let mut world = World::new();
    world.attach(ALICE, &session("a1"));
    world.attach(ALICE, &session("a2"));
    let to_device = |world: &mut World, origin: &str, device: &str| {
        let message = Message { sender: address(CAROL), ..text(origin, origin) };
        let devices = vec![(address(ALICE), DeviceId::new(device))];
        let submission = Submission { recipients: vec![address(ALICE)], devices, conversations: Vec::new(), message };
        world.request(CAROL, &session("c"), Operation::Send(submission));
    };
    to_device(&mut world, "1", "a2");
    let seen = world.take();
    assert_eq!((delivered_to(&seen, &session("a1")).len(), delivered_to(&seen, &session("a2")).len()), (0, 1));
    world.attach(ALICE, &session("a3"));
    assert!(delivered_to(&world.take(), &session("a3")).is_empty());
    to_device(&mut world, "2", "gone");
    let seen = world.take();
    assert_eq!(delivered_to(&seen, &session("a1")), ["2"]);
    assert_eq!(delivered_to(&seen, &session("a2")), ["2"]);
}
