//! Conversations and invited users of neighbour servers: what is asked of them, and what their words do here.

use super::{
    conversing::{ALICE, invitations, outcome},
    world::{World, address, contact, session, text},
};
use crate::{
    command::{Answer, CommandKind, DeliveryRoute},
    conversation::{Ask, Hearers, News, OwnChange, Removal, Reply, Talk},
    engine::{Joining, shard_of},
    event::{DetachReason, EventKind, Operation, RequestId, Submission},
    federation::{FarAskKind, FarWord, FarWordKind, Seating},
    invitation::{Invitation, InvitationAnswer, InvitationKind, InvitationNews, InvitationVerdict, Response},
    message::{Message, MessageId},
    outcome::Outcome,
    record::FactKey,
    route::{DomainRoute, Route},
    side::{PeerName, Side},
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

const ROOM: &str = "zoe/room@far.example";
const ZOE: &str = "zoe@far.example";
const BOB: &str = "bob@sip.example";

fn world(shards: u32) -> World {
    let mut world = World::with(shards, |config| {
        let route = Route::Peer(PeerName::new("village"));
        config.domains.insert("far.example", DomainRoute { side: Side::Wv, route });
    });
    world.attach(ALICE, &session("a"));
    world.take();
    world
}

/// What is wanted of the neighbour, and on behalf of whom.
fn wanted(world: &mut World) -> Vec<(String, FarAskKind)> {
    let asked = world.take().into_iter().filter_map(|kind| match kind {
        CommandKind::Far(ask) => {
            assert_eq!(ask.peer, PeerName::new("village"));
            Some((ask.user.to_string(), ask.kind))
        }
        _ => None,
    });
    asked.collect()
}

fn says(world: &mut World, kind: FarWordKind) {
    world.event(EventKind::Far(Box::new(FarWord { user: address(ALICE), kind })));
}

fn converse(ask: Ask) -> Operation {
    Operation::Converse { conversation: address(ROOM), ask }
}

fn join(world: &mut World, place: &str) -> (RequestId, u64) {
    let ask = Ask::Join { name: Some("al".into()), follow: true, own: OwnChange::default() };
    let id = world.request(ALICE, &session(place), converse(ask));
    let ticket = world.seen.iter().find_map(|kind| match kind {
        CommandKind::Far(ask) => match &ask.kind {
            FarAskKind::Converse { ticket, .. } => *ticket,
            _ => None,
        },
        _ => None,
    });
    (id, ticket.expect("the neighbour is asked"))
}

fn answered(place: &str, ticket: u64, seating: Seating) -> FarWordKind {
    FarWordKind::Answered {
        conversation: address(ROOM),
        endpoint: session(place),
        ticket,
        outcome: Outcome::Success,
        details: Vec::new(),
        reply: Reply::Joined { name: "al".into(), participants: Vec::new(), welcome: None },
        seating,
    }
}

fn joined() -> Seating {
    Seating::Joined(Joining { name: Some("al".into()), follow: true })
}

fn seated(shards: u32) -> World {
    let mut world = world(shards);
    let (id, ticket) = join(&mut world, "a");
    says(&mut world, answered("a", ticket, joined()));
    assert!(matches!(
        world.answer(id),
        Answer::Conversation { outcome: Outcome::Success, reply: Reply::Joined { .. }, .. }
    ));
    world.take();
    world
}

fn said(id: &str) -> FarWordKind {
    let talk = Talk {
        conversation: address(ROOM),
        written: Arc::from("wv:zoe/room@far.example"),
        speaker: "zo".into(),
        addressee: None,
        endpoints: Vec::new(),
    };
    FarWordKind::Said(Box::new(Message {
        id: MessageId::new(id),
        sender: address(ZOE),
        recipient: address(ALICE),
        talk: Some(Box::new(talk)),
        expires: Timestamp::from_secs(1_000_060),
        ..text("o1", "hello")
    }))
}

fn heard(world: &mut World) -> Vec<String> {
    let told = world.take().into_iter().filter_map(|kind| match kind {
        CommandKind::Deliver { route: DeliveryRoute::Endpoint(endpoint), message, .. } => {
            assert!(!message.id.as_str().is_empty(), "a message has a name here");
            Some(endpoint.id.to_string())
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn who_joins_there_hears_what_is_said_and_what_happens_there() {
    for shards in [1, 3] {
        let mut world = seated(shards);
        for id in ["m1", ""] {
            says(&mut world, said(id));
            assert_eq!(heard(&mut world), ["a"]);
        }
        let news = |news: News| FarWordKind::News {
            conversation: address(ROOM),
            written: Arc::from("wv:zoe/room@far.example"),
            news,
        };
        says(&mut world, news(News::Removed(Removal::KeptOut)));
        let told = world.take();
        assert!(told.iter().any(|kind| matches!(
            kind,
            CommandKind::Conversation { endpoint, news: News::Removed(Removal::KeptOut), .. } if *endpoint == session("a")
        )));
        says(&mut world, said("m2"));
        assert_eq!(heard(&mut world), Vec::<String>::new(), "it takes part no more");
        says(&mut world, news(News::Removed(Removal::Ended)));
        assert!(world.take().is_empty(), "nobody is there to be told");
    }
}

#[test]
fn a_seat_there_outlives_a_crash_and_ends_with_its_device() {
    let seats = |world: &World| world.facts.keys().filter(|key| matches!(key, FactKey::FarSeat(..))).count();
    for shards in [1, 3] {
        let mut world = seated(shards);
        assert_eq!(seats(&world), 1);
        world.crash(shards);
        world.take();
        says(&mut world, said("m1"));
        assert_eq!(heard(&mut world), ["a"]);
        let engine = &world.engines[usize::try_from(shard_of(&address(ALICE), shards)).unwrap()];
        let known: Vec<_> = engine.far_participants().map(|(_, _, joining)| joining.clone()).collect();
        assert_eq!(known, [Joining { name: Some("al".into()), follow: true }]);
        world.request(ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
        assert!(matches!(&wanted(&mut world)[..], [(_, FarAskKind::Converse { ask: Ask::Leave, .. })]));
        assert_eq!(seats(&world), 0);
        // A device that did not come back is taken out of it.
        let mut world = seated(shards);
        world.facts.retain(|key, _| !matches!(key, FactKey::Attachment(..)));
        world.crash(shards);
        assert!(matches!(&wanted(&mut world)[..], [(_, FarAskKind::Converse { ask: Ask::Leave, .. })]));
        assert_eq!(seats(&world), 0);
    }
}

#[test]
fn the_last_device_that_goes_leaves_there_too() {
    let mut world = seated(2);
    world.attach(ALICE, &session("a2"));
    let (_, ticket) = join(&mut world, "a2");
    says(&mut world, answered("a2", ticket, joined()));
    world.take();
    world.request(ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
    assert!(wanted(&mut world).is_empty(), "the other device is still there");
    world.request(ALICE, &session("a2"), Operation::Detach(DetachReason::Logout));
    let left = wanted(&mut world);
    assert!(
        matches!(&left[..], [(user, FarAskKind::Converse { ask: Ask::Leave, ticket: None, .. })] if user == ALICE),
        "{left:?}"
    );
}

#[test]
fn a_device_that_goes_while_it_joins_leaves_at_once() {
    let mut world = world(1);
    let (_, ticket) = join(&mut world, "a");
    world.request(ALICE, &session("a"), Operation::Detach(DetachReason::Logout));
    world.take();
    says(&mut world, answered("a", ticket, joined()));
    let left = wanted(&mut world);
    assert!(matches!(&left[..], [(_, FarAskKind::Converse { ask: Ask::Leave, .. })]), "{left:?}");
    let mut world = seated(1);
    says(&mut world, answered("a", 0, Seating::Same));
    says(&mut world, said("m1"));
    assert_eq!(heard(&mut world), ["a"]);
    says(&mut world, answered("a", 0, Seating::Left));
    says(&mut world, said("m2"));
    assert!(heard(&mut world).is_empty());
}

#[test]
fn what_cannot_be_carried_is_refused_here() {
    let mut world = world(1);
    for ask in [Ask::History { at_most: None }, Ask::Recall(MessageId::new("m"))] {
        let id = world.request(ALICE, &session("a"), converse(ask));
        assert_eq!(outcome(&world, id), Outcome::NoHistory);
    }
    let guest = world.request(ZOE, &session("z"), converse(Ask::Members));
    assert_eq!(outcome(&world, guest), Outcome::Forbidden);
    let hearers = Hearers { conversation: address(ROOM), addressee: None, speaker: None };
    let submission = |sender: &str| Submission {
        recipients: Vec::new(),
        devices: Vec::new(),
        conversations: vec![hearers.clone()],
        message: Message { sender: address(sender), ..text("o", "hi") },
    };
    let id = world.request(ZOE, &session("z"), Operation::Send(submission(ZOE)));
    assert!(!outcome(&world, id).is_success());
    world.take();
    world.request(ALICE, &session("a"), Operation::Send(submission(ALICE)));
    let told = world.take();
    let passed = told.iter().find_map(|kind| match kind {
        CommandKind::Deliver { route: DeliveryRoute::Peer(peer), message, .. } => {
            Some((peer.clone(), message.talk.clone()))
        }
        _ => None,
    });
    let (peer, talk) = passed.expect("the neighbour is told");
    assert_eq!((peer, talk.unwrap().endpoints), (PeerName::new("village"), vec![session("a")]));
}

fn invite(world: &mut World) -> (RequestId, Box<Invitation>, u64) {
    let invitation = Invitation {
        id: "i1".into(),
        kind: InvitationKind::Message,
        inviter: address(ALICE),
        invitee: address(ZOE),
        inviter_name: None,
        conversation: None,
        written: String::new(),
        attributes: None,
        links: Vec::new(),
        note: None,
        application: None,
        expires: world.now.after(Duration::from_secs(60)),
    };
    let operation = Operation::Invite { recipients: vec![address(ZOE)], invitation: Box::new(invitation) };
    let id = world.request(ALICE, &session("a"), operation);
    let asked = wanted(world);
    match asked.into_iter().next() {
        Some((_, FarAskKind::Invite { invitation, ticket })) => (id, invitation, ticket),
        other => panic!("{other:?}"),
    }
}

fn withdraw(world: &mut World) -> Outcome {
    let operation = Operation::Withdraw { id: "i1".into(), recipients: Vec::new(), note: Some("no".into()) };
    let id = world.request(ALICE, &session("a"), operation);
    outcome(world, id)
}

#[test]
fn an_invitation_there_is_answered_from_there() {
    let mut world = world(2);
    let (id, invitation, ticket) = invite(&mut world);
    says(&mut world, FarWordKind::InvitationTaken { invitation, ticket, outcome: Outcome::Success });
    assert_eq!(outcome(&world, id), Outcome::Success);
    world.take();
    let verdict = InvitationVerdict::Accepted;
    let answer = InvitationAnswer { id: "i1".into(), invitee: address(ZOE), verdict, note: None };
    says(&mut world, FarWordKind::InvitationAnswered(answer.clone()));
    let told = invitations(&world.take());
    assert!(matches!(&told[..], [(place, InvitationNews::Answered(known))] if place == "a" && *known == answer));
    assert_eq!(withdraw(&mut world), Outcome::UnknownInvitation, "it is answered");
}

// WV-INV-08
#[test]
fn an_invitation_is_taken_back_before_it_is_known_to_be_taken() {
    let mut world = world(2);
    let (_, invitation, ticket) = invite(&mut world);
    assert_eq!(withdraw(&mut world), Outcome::Success);
    let asked = wanted(&mut world);
    assert!(matches!(&asked[..], [(_, FarAskKind::Withdraw { note: Some(_), .. })]), "{asked:?}");
    says(&mut world, FarWordKind::InvitationTaken { invitation, ticket, outcome: Outcome::Success });
    assert!(!world.facts.keys().any(|key| matches!(key, FactKey::Sent(..))), "nothing of it is kept");
    assert_eq!(withdraw(&mut world), Outcome::UnknownInvitation);
    let (id, invitation, ticket) = invite(&mut world);
    says(&mut world, FarWordKind::InvitationTaken { invitation, ticket, outcome: Outcome::Blocked });
    assert_eq!(outcome(&world, id), Outcome::Blocked);
    assert_eq!(withdraw(&mut world), Outcome::UnknownInvitation, "it was not taken");
}

#[test]
fn the_word_of_a_user_here_goes_to_the_server_of_who_invited_it() {
    let mut world = world(2);
    let invitation = Invitation {
        id: "z1".into(),
        kind: InvitationKind::Conversation,
        inviter: address(ZOE),
        invitee: address(ALICE),
        inviter_name: None,
        conversation: Some(address(ROOM)),
        written: "wv:zoe/room@far.example".into(),
        attributes: None,
        links: Vec::new(),
        note: None,
        application: None,
        expires: world.now.after(Duration::from_secs(60)),
    };
    let operation = Operation::Invite { recipients: vec![address(ALICE)], invitation: Box::new(invitation) };
    let id = world.request(ZOE, &session("z"), operation);
    assert_eq!(outcome(&world, id), Outcome::Success);
    let told = invitations(&world.take());
    assert!(matches!(&told[..], [(place, InvitationNews::Invited(_))] if place == "a"), "{told:?}");
    let response = Response { id: "z1".into(), inviter: None, accepts: false, note: Some("no".into()), joins: false };
    world.request(ALICE, &session("a"), Operation::Respond(response));
    let asked = wanted(&mut world);
    assert!(
        matches!(&asked[..], [(user, FarAskKind::Respond { inviter, answer })]
            if user == ALICE && inviter.as_str() == ZOE && answer.verdict == InvitationVerdict::Declined),
        "{asked:?}"
    );
}

// WV-INV-06
#[test]
fn the_other_side_is_told_by_a_text_of_an_invitation_from_there() {
    let mut world = world(2);
    world.attach(BOB, &contact("b"));
    world.take();
    let invitation = Invitation {
        id: "z2".into(),
        kind: InvitationKind::Conversation,
        inviter: address(ZOE),
        invitee: address(BOB),
        inviter_name: None,
        conversation: Some(address(ROOM)),
        written: "wv:zoe/room@far.example".into(),
        attributes: None,
        links: Vec::new(),
        note: Some("come".into()),
        application: None,
        expires: world.now.after(Duration::from_secs(60)),
    };
    let operation = Operation::Invite { recipients: vec![address(BOB)], invitation: Box::new(invitation) };
    world.request(ZOE, &session("z"), operation);
    let texts: Vec<String> = world
        .take()
        .into_iter()
        .filter_map(|kind| match kind {
            CommandKind::Deliver { message, .. } => String::from_utf8(message.content.body.to_vec()).ok(),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["come\nJoin the group wv:zoe/room@far.example"]);
}
