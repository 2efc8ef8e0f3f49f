//! Conversations and invitations over one shard or several, with crashes.

use super::world::{ACCOUNTS, World, address, session, text};
use crate::{
    command::{Answer, CommandKind, DeliveryRoute},
    conversation::{Access, Ask, Hearers, Lookup, News, OwnChange, PropertyChange, Query, Removal, Reply, Who},
    engine::{Creation, Joining, shard_of},
    event::{Acknowledgement, DetachReason, EventKind, Operation, RequestId, Submission},
    invitation::{Invitation, InvitationAnswer, InvitationKind, InvitationNews, InvitationVerdict, Response},
    message::{Message, MessageId},
    outcome::Outcome,
    record::FactKey,
    screening::{Entity, EntityChange, ScreeningChange},
    side::Endpoint,
    time::Timestamp,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const ROOM: &str = "alice/room@wv.example";
pub(super) const ALICE: &str = "alice@wv.example";
pub(super) const CAROL: &str = "carol@wv.example";
const BOB: &str = "bob@sip.example";

fn creation(properties: PropertyChange, joins: bool) -> Operation {
    let join = joins.then_some(Joining { name: None, follow: true });
    let creation = Creation {
        written: "wv:Alice/Room@wv.example".into(),
        properties,
        own: OwnChange::default(),
        join,
        people: Vec::new(),
    };
    Operation::CreateConversation { conversation: address(ROOM), creation: Box::new(creation) }
}

pub(super) fn ask(ask: Ask) -> Operation {
    Operation::Converse { conversation: address(ROOM), ask }
}

fn join() -> Operation {
    ask(Ask::Join { name: None, follow: true, own: OwnChange::default() })
}

pub(super) fn outcome(world: &World, id: RequestId) -> Outcome {
    match world.answer(id) {
        Answer::Conversation { outcome, .. } | Answer::Done { outcome, .. } | Answer::Sent { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

pub(super) fn does(world: &mut World, user: &str, endpoint: &Endpoint, operation: Operation) -> Outcome {
    let id = world.request(user, endpoint, operation);
    outcome(world, id)
}

/// Alice and Carol in a room, each with one session.
pub(super) fn room(shards: u32, properties: PropertyChange) -> World {
    let mut world = World::with(shards, |_| {});
    world.attach(ALICE, &session("a"));
    world.attach(CAROL, &session("c"));
    assert_eq!(does(&mut world, ALICE, &session("a"), creation(properties, true)), Outcome::Success);
    assert_eq!(does(&mut world, CAROL, &session("c"), join()), Outcome::Success);
    world
}

fn say(world: &mut World, user: &str, endpoint: &Endpoint, addressee: Option<&str>, says: &str) -> RequestId {
    let hearers = Hearers { conversation: address(ROOM), addressee: addressee.map(str::to_owned), speaker: None };
    let message = Message { sender: address(user), ..text(says, says) };
    let submission = Submission { recipients: Vec::new(), devices: Vec::new(), conversations: vec![hearers], message };
    world.request(user, endpoint, Operation::Send(submission))
}

fn heard(seen: &[CommandKind]) -> Vec<(String, String, Option<String>)> {
    let deliveries = seen.iter().filter_map(|kind| match kind {
        CommandKind::Deliver { route: DeliveryRoute::Endpoint(endpoint), message, .. } => {
            let talk = message.talk.as_ref()?;
            Some((endpoint.id.to_string(), talk.speaker.clone(), talk.addressee.clone()))
        }
        _ => None,
    });
    deliveries.collect()
}

fn news(seen: &[CommandKind]) -> Vec<(String, News)> {
    let told = seen.iter().filter_map(|kind| match kind {
        CommandKind::Conversation { endpoint, news, .. } => Some((endpoint.id.to_string(), news.clone())),
        _ => None,
    });
    told.collect()
}

pub(super) fn invitations(seen: &[CommandKind]) -> Vec<(String, InvitationNews)> {
    let told = seen.iter().filter_map(|kind| match kind {
        CommandKind::Invitation { endpoint, news } => Some((endpoint.id.to_string(), news.clone())),
        _ => None,
    });
    told.collect()
}

pub(super) fn invite(kind: InvitationKind, to: &[&str], now: Timestamp, secs: u64) -> Operation {
    let conversation = kind.needs_conversation().then(|| address(ROOM));
    let invitation = Invitation {
        id: "i1".into(),
        kind,
        inviter: address(ALICE),
        invitee: address(ALICE),
        inviter_name: None,
        conversation,
        written: String::new(),
        attributes: None,
        links: vec!["http://wv.example/a".into()],
        note: Some("come".into()),
        application: None,
        expires: now.after(std::time::Duration::from_secs(secs)),
    };
    Operation::Invite { recipients: to.iter().map(|text| address(text)).collect(), invitation: Box::new(invitation) }
}

pub(super) fn respond(accepts: bool) -> Operation {
    Operation::Respond(Response { id: "i1".into(), inviter: None, accepts, note: None, joins: false })
}

#[test]
fn what_one_says_the_other_hears_once_and_who_says_it_does_not() {
    for shards in [1, 3] {
        let mut world = room(shards, PropertyChange::default());
        world.take();
        let id = say(&mut world, ALICE, &session("a"), None, "hello");
        assert_eq!(outcome(&world, id), Outcome::Success);
        assert_eq!(heard(&world.take()), [("c".to_owned(), "alice".to_owned(), None)]);
    }
}

#[test]
fn wv_blk_02_the_block_list_names_groups_and_those_who_speak_in_them() {
    let group = || Entity::Group(address(ROOM));
    let named = |name: &str| Entity::ScreenName { group: address(ROOM), name: name.into() };
    let elsewhere = Entity::ScreenName { group: address("alice/other@wv.example"), name: "alice".into() };
    let cases = [(group(), true), (named("Alice"), true), (named("bob"), false), (elsewhere, false)];
    for (entity, keeps_out) in cases {
        let mut world = room(3, PropertyChange::default());
        let block = Some(EntityChange { whole: Some(vec![entity.clone()]), ..EntityChange::default() });
        world.request(CAROL, &session("c"), Operation::Screen(ScreeningChange { block, grant: None }));
        world.take();
        let id = say(&mut world, ALICE, &session("a"), None, "hello");
        // What others keep out is not told to the one who speaks to all.
        assert_eq!(outcome(&world, id), Outcome::Success);
        assert_eq!(heard(&world.take()).is_empty(), keeps_out, "{entity:?}");
    }
}

#[test]
fn conversations_are_found_in_every_shard() {
    for shards in [1, 2, 5] {
        let properties = PropertyChange { name: Some("Room".into()), ..PropertyChange::default() };
        let mut world = room(shards, PropertyChange { is_searchable: Some(true), ..properties });
        let mut found = |query: Query| {
            let lookup = Lookup::Matching { query, at_most: 9 };
            let id = world.request(CAROL, &session("c"), Operation::LookUp(lookup));
            match world.answer(id) {
                Answer::Conversations { found, is_partial } => (found.len(), is_partial),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(found(Query::Name("room".into())), (1, false), "{shards}");
        assert_eq!(found(Query::Owner(address(CAROL))), (0, false));
    }
}

#[test]
fn only_who_takes_part_may_speak_and_privately_only_where_it_is_allowed() {
    let mut world = room(2, PropertyChange::default());
    world.attach(CAROL, &session("c2"));
    let id = say(&mut world, CAROL, &session("c2"), None, "from elsewhere");
    assert_eq!(outcome(&world, id), Outcome::NotJoined);
    let id = say(&mut world, ALICE, &session("a"), Some("carol"), "psst");
    assert_eq!(outcome(&world, id), Outcome::PrivateMessagesOff);
    let allowed = PropertyChange { allows_private: Some(true), ..PropertyChange::default() };
    let change = ask(Ask::Change { properties: allowed, own: OwnChange::default() });
    assert_eq!(does(&mut world, ALICE, &session("a"), change), Outcome::Success);
    world.take();
    let id = say(&mut world, ALICE, &session("a"), Some("Carol"), "psst again");
    assert_eq!(outcome(&world, id), Outcome::Success);
    assert_eq!(heard(&world.take()), [("c".to_owned(), "alice".to_owned(), Some("Carol".to_owned()))]);
    let id = say(&mut world, ALICE, &session("a"), Some("nobody"), "into the void");
    let Answer::Sent { outcome, details, .. } = world.answer(id) else { panic!() };
    assert_eq!((outcome, details.len()), (Outcome::UnknownUser, 1));
    let own = OwnChange { takes_private: Some(false), ..OwnChange::default() };
    let change = ask(Ask::Change { properties: PropertyChange::default(), own });
    assert_eq!(does(&mut world, CAROL, &session("c"), change), Outcome::Success);
    let id = say(&mut world, ALICE, &session("a"), Some("carol"), "psst three");
    assert_eq!(self::outcome(&world, id), Outcome::PrivateMessagesRefused);
}

#[test]
fn everything_survives_a_crash_and_another_number_of_shards() {
    for shards in [1, 2, 3] {
        let mut world = room(3, PropertyChange { topic: Some("walks".into()), ..PropertyChange::default() });
        let members = ask(Ask::AddMembers(vec![Who::User(address(CAROL)), Who::User(address(BOB))]));
        assert_eq!(does(&mut world, ALICE, &session("a"), members), Outcome::Success);
        let out = ask(Ask::KeepOut { add: vec![Who::User(address("dave@sip.example"))], remove: Vec::new() });
        assert_eq!(does(&mut world, ALICE, &session("a"), out), Outcome::Success);
        let before: Vec<_> = world.engines.iter().flat_map(|engine| engine.conversations()).collect();
        world.crash(shards);
        let after: Vec<_> = world.engines.iter().flat_map(|engine| engine.conversations()).collect();
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        assert_eq!(after[0].participants.len(), 2);
        let id = world.request(ALICE, &session("a"), ask(Ask::KeepOut { add: Vec::new(), remove: Vec::new() }));
        let Answer::Conversation { reply: Reply::KeptOut(out), .. } = world.answer(id) else { panic!() };
        assert_eq!(out, [address("dave@sip.example")]);
        world.take();
        let id = say(&mut world, CAROL, &session("c"), None, "still here");
        assert_eq!(outcome(&world, id), Outcome::Success);
        assert_eq!(heard(&world.take()).len(), 1);
    }
}

#[test]
fn a_message_that_was_promised_survives_and_one_for_a_session_that_is_gone_does_not() {
    let mut world = room(2, PropertyChange::default());
    say(&mut world, ALICE, &session("a"), None, "kept");
    world.crash(2);
    let offered: Vec<_> = world
        .take()
        .into_iter()
        .filter_map(|kind| match kind {
            CommandKind::Deliver { message, .. } if message.talk.is_some() => Some(message),
            _ => None,
        })
        .collect();
    assert_eq!(offered.last().map(|message| message.recipient.clone()), Some(address(CAROL)));
    // A session that does not take part is not offered it.
    world.attach(CAROL, &session("c2"));
    assert_eq!(heard(&world.take()), []);
    does(&mut world, CAROL, &session("c"), Operation::Detach(DetachReason::Expired));
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Inbox(user, _) if *user == address(CAROL))));
}

#[test]
fn a_session_that_goes_leaves_and_the_others_hear_of_it() {
    let mut world = room(3, PropertyChange::default());
    world.take();
    does(&mut world, CAROL, &session("c"), Operation::Detach(DetachReason::Logout));
    assert!(matches!(&news(&world.take())[..], [(place, News::Left(_))] if place == "a"));
    // With the owner's session the conversation stays: nobody asked for its end.
    does(&mut world, ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
    assert_eq!(world.engines.iter().flat_map(|engine| engine.conversations()).count(), 1);
}

#[test]
fn the_end_is_told_to_everybody_else_and_nothing_is_kept() {
    let mut world = room(3, PropertyChange::default());
    world.take();
    assert_eq!(does(&mut world, CAROL, &session("c"), ask(Ask::End)), Outcome::InsufficientRights);
    assert_eq!(does(&mut world, ALICE, &session("a"), ask(Ask::End)), Outcome::Success);
    assert_eq!(news(&world.take()), [("c".to_owned(), News::Removed(Removal::Ended))]);
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Conversation(_) | FactKey::Person(..))));
    assert_eq!(does(&mut world, CAROL, &session("c"), join()), Outcome::UnknownConversation);
}

#[test]
fn nobody_makes_a_conversation_of_somebody_else_or_twice() {
    let mut world = room(2, PropertyChange::default());
    let again = creation(PropertyChange::default(), false);
    assert_eq!(does(&mut world, ALICE, &session("a"), again.clone()), Outcome::ConversationExists);
    assert_eq!(does(&mut world, CAROL, &session("c"), again), Outcome::InsufficientRights);
    let foreign = Operation::Converse { conversation: address("x/y@sip.example"), ask: Ask::Leave };
    assert_eq!(does(&mut world, ALICE, &session("a"), foreign), Outcome::UnknownConversation);
    let unknown = Operation::Converse { conversation: address("x/y@nowhere.example"), ask: Ask::Leave };
    assert_eq!(does(&mut world, ALICE, &session("a"), unknown), Outcome::UnknownDomain);
}

#[test]
fn an_invitation_is_answered_by_joining_and_told_once() {
    for shards in [1, 3] {
        let mut world = World::with(shards, |_| {});
        world.attach(ALICE, &session("a"));
        let restricted = PropertyChange { access: Some(Access::Restricted), ..PropertyChange::default() };
        does(&mut world, ALICE, &session("a"), creation(restricted, true));
        let now = world.now;
        let invited = invite(InvitationKind::Conversation, &[CAROL], now, 60);
        assert_eq!(does(&mut world, ALICE, &session("a"), invited), Outcome::Success);
        world.take();
        // The invited user comes later.
        world.attach(CAROL, &session("c"));
        assert!(matches!(&invitations(&world.take())[..], [(place, InvitationNews::Invited(_))] if place == "c"));
        assert_eq!(does(&mut world, CAROL, &session("c"), join()), Outcome::Success);
        let accepted = InvitationAnswer {
            id: "i1".into(),
            invitee: address(CAROL),
            verdict: InvitationVerdict::Accepted,
            note: None,
        };
        let told = invitations(&world.take());
        assert_eq!(told, [("a".to_owned(), InvitationNews::Answered(accepted))]);
        assert_eq!(does(&mut world, CAROL, &session("c"), respond(true)), Outcome::Success);
        assert_eq!(invitations(&world.take()), []);
        assert_eq!(does(&mut world, CAROL, &session("c"), respond(true)), Outcome::UnknownInvitation);
        // Until the client has it, the answer is told to whoever comes.
        world.attach(ALICE, &session("a2"));
        assert_eq!(invitations(&world.take()).len(), 1);
        let taken =
            EventKind::InvitationAnswerTaken { inviter: address(ALICE), id: "i1".into(), invitee: address(CAROL) };
        world.event(taken);
        assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Sent(..) | FactKey::Invitation(..))));
    }
}

#[test]
fn silence_and_withdrawal_end_an_invitation_at_both_ends() {
    let mut world = room(2, PropertyChange::default());
    let now = world.now;
    does(&mut world, ALICE, &session("a"), invite(InvitationKind::Message, &[CAROL], now, 60));
    world.crash(2);
    world.take();
    world.wait_millis(61_000);
    let told = invitations(&world.take());
    assert!(
        told.iter().any(|(place, news)| place == "a"
            && matches!(news, InvitationNews::Answered(answer) if answer.verdict == InvitationVerdict::Unanswered)),
        "{told:?}"
    );
    assert!(told.iter().any(|(place, news)| place == "c" && matches!(news, InvitationNews::Withdrawn { .. })));
    let now = world.now;
    does(&mut world, ALICE, &session("a"), invite(InvitationKind::Presence, &[CAROL], now, 60));
    world.take();
    let back = |id: &str| Operation::Withdraw { id: id.into(), recipients: Vec::new(), note: None };
    assert_eq!(does(&mut world, ALICE, &session("a"), back("i2")), Outcome::UnknownInvitation);
    assert_eq!(does(&mut world, ALICE, &session("a"), back("i1")), Outcome::Success);
    assert!(matches!(&invitations(&world.take())[..], [(place, InvitationNews::Withdrawn { .. })] if place == "c"));
    assert_eq!(does(&mut world, CAROL, &session("c"), respond(true)), Outcome::UnknownInvitation);
}

#[test]
fn the_other_side_is_invited_by_a_text() {
    let mut world = room(2, PropertyChange::default());
    world.attach(BOB, &super::world::contact("b"));
    let now = world.now;
    world.take();
    let id = world.request(ALICE, &session("a"), invite(InvitationKind::Content, &[BOB], now, 60));
    let texts: Vec<String> = world
        .seen
        .iter()
        .filter_map(|kind| match kind {
            CommandKind::Deliver { message, .. } => String::from_utf8(message.content.body.to_vec()).ok(),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["come\nhttp://wv.example/a"]);
    world.wait_millis(3_000);
    assert!(outcome(&world, id).is_success());
    let refused = does(&mut world, ALICE, &session("a"), invite(InvitationKind::Application, &[BOB], now, 60));
    assert_eq!(refused, Outcome::NotImplemented);
}

#[test]
fn an_acknowledged_group_message_is_forgotten() {
    let mut world = room(1, PropertyChange::default());
    world.take();
    say(&mut world, ALICE, &session("a"), None, "hello");
    let message = world
        .take()
        .into_iter()
        .find_map(|kind| match kind {
            CommandKind::Deliver { message, .. } => Some(message.id),
            _ => None,
        })
        .unwrap();
    let user = address(CAROL);
    world.event(EventKind::Acknowledged(Acknowledgement {
        user,
        endpoint: session("c"),
        message,
        outcome: Outcome::Success,
    }));
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Inbox(..))));
}

/// One thing that happens; numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Deed {
    Attach(usize, usize),
    Detach(usize, usize),
    Create(usize, u8),
    Join(usize, usize, usize),
    Leave(usize, usize),
    End(usize),
    Add(usize, usize),
    Remove(usize, usize),
    KeepOut(usize, usize, bool),
    Restrict(usize, bool),
    Say(usize, usize),
    Invite(usize, usize),
    Respond(usize, bool),
    Crash(u8),
    Rebuild(usize),
    Wait(u16),
}

fn deed() -> impl Strategy<Value = Deed> {
    let (user, place) = (0..4_usize, 0..2_usize);
    prop_oneof![
        3 => (user.clone(), place.clone()).prop_map(|(user, place)| Deed::Attach(user, place)),
        1 => (user.clone(), place.clone()).prop_map(|(user, place)| Deed::Detach(user, place)),
        2 => (user.clone(), any::<u8>()).prop_map(|(user, kind)| Deed::Create(user, kind)),
        4 => (user.clone(), place.clone(), user.clone()).prop_map(|(user, place, name)| Deed::Join(user, place, name)),
        1 => (user.clone(), place.clone()).prop_map(|(user, place)| Deed::Leave(user, place)),
        1 => user.clone().prop_map(Deed::End),
        1 => (user.clone(), user.clone()).prop_map(|(user, other)| Deed::Add(user, other)),
        1 => (user.clone(), user.clone()).prop_map(|(user, other)| Deed::Remove(user, other)),
        1 => (user.clone(), user.clone(), any::<bool>()).prop_map(|(user, other, out)| Deed::KeepOut(user, other, out)),
        1 => (user.clone(), any::<bool>()).prop_map(|(user, yes)| Deed::Restrict(user, yes)),
        2 => (user.clone(), place).prop_map(|(user, place)| Deed::Say(user, place)),
        1 => (user.clone(), user.clone()).prop_map(|(user, other)| Deed::Invite(user, other)),
        1 => (user, any::<bool>()).prop_map(|(user, yes)| Deed::Respond(user, yes)),
        1 => (1..4_u8).prop_map(Deed::Crash),
        1 => (0..3_usize).prop_map(Deed::Rebuild),
        1 => any::<u16>().prop_map(Deed::Wait),
    ]
}

fn place(user: usize, place: usize) -> Endpoint {
    session(&format!("{}-{place}", ACCOUNTS[user % 4]))
}

fn act(world: &mut World, deed: &Deed) -> Option<RequestId> {
    let who = |user: usize| vec![Who::User(address(ACCOUNTS[user % 4]))];
    let (user, at, operation) = match deed.clone() {
        Deed::Attach(user, at) => {
            let id = world.request(ACCOUNTS[user % 4], &place(user, at), {
                Operation::Attach(super::world::attachment(&format!("{user}-{at}")))
            });
            return Some(id);
        }
        Deed::Detach(user, at) => (user, at, Operation::Detach(DetachReason::Logout)),
        Deed::Create(user, kind) => {
            let properties = PropertyChange {
                ends_when_empty: Some(kind & 1 == 1),
                empty_lifetime: Some(std::time::Duration::from_secs(u64::from(kind & 2))),
                access: Some(if kind & 4 == 4 { Access::Restricted } else { Access::Open }),
                ..PropertyChange::default()
            };
            (user, 0, creation(properties, kind & 8 == 8))
        }
        Deed::Join(user, at, name) => {
            let name = Some(ACCOUNTS[name % 4].to_owned());
            (user, at, ask(Ask::Join { name, follow: true, own: OwnChange::default() }))
        }
        Deed::Leave(user, at) => (user, at, ask(Ask::Leave)),
        Deed::End(user) => (user, 0, ask(Ask::End)),
        Deed::Add(user, other) => (user, 0, ask(Ask::AddMembers(who(other)))),
        Deed::Remove(user, other) => (user, 0, ask(Ask::RemoveMembers(who(other)))),
        Deed::KeepOut(user, other, true) => (user, 0, ask(Ask::KeepOut { add: who(other), remove: Vec::new() })),
        Deed::KeepOut(user, other, false) => (user, 0, ask(Ask::KeepOut { add: Vec::new(), remove: who(other) })),
        Deed::Restrict(user, yes) => {
            let access = Some(if yes { Access::Restricted } else { Access::Open });
            let properties = PropertyChange { access, ..PropertyChange::default() };
            (user, 0, ask(Ask::Change { properties, own: OwnChange::default() }))
        }
        Deed::Say(user, at) => return Some(say(world, ACCOUNTS[user % 4], &place(user, at), None, "")),
        Deed::Invite(user, other) => {
            let invited = invite(InvitationKind::Conversation, &[ACCOUNTS[other % 4]], world.now, 20);
            (user, 0, invited)
        }
        Deed::Respond(user, yes) => (user, 0, respond(yes)),
        Deed::Crash(shards) => {
            world.crash(u32::from(shards));
            return None;
        }
        Deed::Rebuild(index) => {
            let index = index % world.engines.len();
            world.rebuild(index);
            return None;
        }
        Deed::Wait(millis) => {
            world.wait_millis(millis.into());
            return None;
        }
    };
    Some(world.request(ACCOUNTS[user % 4], &place(user, at), operation))
}

fn check(world: &World) {
    let shards = u32::try_from(world.engines.len()).unwrap();
    let attached: BTreeSet<String> =
        world.engines.iter().flat_map(|engine| engine.attachments()).map(|row| format!("{:?}", row.endpoint)).collect();
    let mut rows = 0;
    for (index, engine) in world.engines.iter().enumerate() {
        for row in engine.conversations() {
            rows += 1;
            assert_eq!(shard_of(&row.conversation, shards) as usize, index, "the owner's shard hosts it");
            let names: BTreeSet<String> = row.participants.iter().map(|(_, name)| name.to_lowercase()).collect();
            assert_eq!(names.len(), row.participants.len(), "names are unique: {row:?}");
            assert!(row.members.iter().any(|(user, _)| *user == row.owner), "the owner is a member: {row:?}");
        }
        for (conversation, endpoint) in engine.seats() {
            assert!(attached.contains(&format!("{endpoint:?}")), "{conversation} holds {endpoint:?}, which is gone");
        }
    }
    let kept = world.facts.keys().filter(|key| matches!(key, FactKey::Conversation(_))).count();
    assert_eq!(rows, kept, "what is in memory is what is kept");
}

fn said(world: &World, id: RequestId) -> (Outcome, Vec<String>, usize) {
    match world.answer(id) {
        Answer::Conversation { outcome, reply: Reply::Said { messages, total }, .. } => {
            let texts = messages.iter().map(|one| String::from_utf8_lossy(&one.content.body).into_owned()).collect();
            (outcome, texts, total)
        }
        Answer::Conversation { outcome, .. } => (outcome, Vec::new(), 0),
        other => panic!("{other:?}"),
    }
}

// WV-GRP-18
#[test]
fn a_conversation_that_keeps_what_was_said_tells_it_even_after_a_crash() {
    for shards in [1, 3] {
        let mut world = room(shards, PropertyChange { keeps_history: Some(true), ..PropertyChange::default() });
        for number in 0..60 {
            say(&mut world, ALICE, &session("a"), None, &format!("{number}"));
            world.wait_millis(1000);
        }
        let history = |at_most| ask(Ask::History { at_most });
        let id = world.request(CAROL, &session("c"), history(Some(2)));
        let (outcome, texts, total) = said(&world, id);
        assert_eq!((outcome, total), (Outcome::Success, 50), "the oldest give way");
        assert_eq!(texts.len(), 2);
        world.crash(shards);
        let id = world.request(CAROL, &session("c"), history(None));
        let (_, after, total) = said(&world, id);
        assert_eq!((total, &after[48..]), (50, texts.as_slice()), "in the order in which it was said");
        let Answer::Conversation { reply: Reply::Said { messages, .. }, .. } = world.answer(id) else { panic!() };
        let recall = |name: &MessageId| ask(Ask::Recall(name.clone()));
        let id = world.request(CAROL, &session("c"), recall(&messages[7].id));
        assert_eq!(said(&world, id).1, after[7..8]);
        assert_eq!(does(&mut world, CAROL, &session("c"), recall(&MessageId::new("x"))), Outcome::UnknownMessage);
        // Who takes no part reads nothing, and what is not kept any more is forgotten.
        assert_eq!(does(&mut world, CAROL, &session("c"), ask(Ask::Leave)), Outcome::Success);
        assert_eq!(does(&mut world, CAROL, &session("c"), history(None)), Outcome::NotJoined);
        let properties = PropertyChange { keeps_history: Some(false), ..PropertyChange::default() };
        let off = ask(Ask::Change { properties, own: OwnChange::default() });
        assert_eq!(does(&mut world, ALICE, &session("a"), off), Outcome::Success);
        assert_eq!(does(&mut world, ALICE, &session("a"), history(None)), Outcome::NoHistory);
        assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Said(..))));
    }
}

// WV-INV-06
#[test]
fn who_cannot_be_invited_into_a_conversation_is_told_of_it() {
    for kind in [InvitationKind::Conversation, InvitationKind::Membership] {
        let mut world = room(1, PropertyChange::default());
        world.attach(BOB, &super::world::contact("b"));
        let now = world.now;
        world.take();
        world.request(ALICE, &session("a"), invite(kind, &[BOB], now, 60));
        let text = world.take().iter().find_map(|kind| match kind {
            CommandKind::Deliver { message, .. } => String::from_utf8(message.content.body.to_vec()).ok(),
            _ => None,
        });
        let text = text.unwrap_or_default();
        assert!(text.starts_with("come\n") && text.contains("wv:Alice/Room@wv.example"), "{kind:?}: {text}");
        assert_eq!(does(&mut world, CAROL, &session("c"), ask(Ask::Leave)), Outcome::Success);
        let refused = does(&mut world, CAROL, &session("c"), invite(kind, &[BOB], now, 60));
        assert_eq!(refused, Outcome::NotJoined, "who takes no part invites nobody");
    }
    let mut world = room(1, PropertyChange::default());
    let refused = invite(InvitationKind::TalkExtension, &[BOB], world.now, 60);
    assert_eq!(does(&mut world, ALICE, &session("a"), refused), Outcome::NotImplemented);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_roster_is_true_and_every_question_is_answered_once(
        shards in 1..4_u32,
        deeds in proptest::collection::vec(deed(), 1..60),
    ) {
        let mut world = World::with(shards, |_| {});
        for deed in &deeds {
            let id = act(&mut world, deed);
            check(&world);
            world.wait_millis(0);
            if let Some(id) = id {
                prop_assert!(world.answers(id).len() <= 1, "{:?} was answered twice", deed);
            }
        }
        world.wait_millis(30_000);
        check(&world);
    }
}
