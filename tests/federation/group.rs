//! Groups and invitations between home servers.

use super::{ALICE, CAROL, World};
use acceptance::phone::{Phone, text_of};
use wv_proto::{
    primitive::{
        Primitive as CspPrimitive,
        group::{CreateGroupRequest, GroupProperties, JoinGroupRequest as CspJoin, LeaveGroupRequest, Roster},
        identifier::GroupId,
        invitation::{InviteBody as CspInviteBody, InviteRequest as CspInvite, InviteType, InviteUserResponse},
        message::{Content, MessageInfo as CspInfo, SendMessageRequest as CspSend},
        party::{Group, Property, Recipient, ScreenName, Sender, User},
    },
    ssp::{
        part::{ContentData, MessageInfo, MetaInfo, Party, SenderDisplay, ServiceId},
        primitive::{
            GroupChangeNotice, GroupQuestion, GroupQuestionKind, InviteBody, InviteRequest, InviteResponse,
            JoinGroupRequest, JoinGroupResponse, LeaveGroupIndication, MembersRequest, Primitive, SendMessageRequest,
        },
    },
    status::{StatusCode, StatusResult},
    version::{Encoding, Version},
};

pub(crate) fn named(name: &str, group: &GroupId) -> ScreenName {
    ScreenName { name: name.into(), group_id: group.clone() }
}

fn code(answer: &Primitive) -> u16 {
    answer.status().map_or(200, |status| status.code.number())
}

pub(crate) fn create(phone: &mut Phone, group: &GroupId, name: &str) {
    let properties = [("Name", "room"), ("Accesstype", "Open"), ("PrivateMessaging", "T"), ("AutoDelete", "F")]
        .map(|(name, value)| Property::new(name, value));
    let code = phone.ask(CspPrimitive::CreateGroupRequest(Box::new(CreateGroupRequest {
        group_id: group.clone(),
        properties: GroupProperties { properties: properties.to_vec(), welcome_note: None },
        own_properties: Vec::new(),
        join_group: true,
        screen_name: Some(named(name, group)),
        subscribe_notification: true,
    })));
    assert_eq!(code, 200);
}

pub(crate) fn say(phone: &mut Phone, to: Group, text: &str) -> u16 {
    let message = CspInfo {
        content_type: Some("text/plain".into()),
        recipient: Recipient { groups: vec![to], ..Recipient::default() },
        ..CspInfo::default()
    };
    let request = CspSend { delivery_report: false, message, content: Some(Content::from_text(text)) };
    match phone.request(CspPrimitive::SendMessageRequest(Box::new(request))).unwrap() {
        CspPrimitive::SendMessageResponse(response) => response.result.code.number(),
        other => panic!("{other:?}"),
    }
}

fn data(text: &str) -> Option<ContentData> {
    Some(ContentData { content_type: Some("text/plain".into()), octets: text.as_bytes().to_vec().into() })
}

#[test]
fn a_foreign_user_takes_part_in_a_group_here() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    let group = GroupId::new("wv:carol/room@wv.example");
    create(&mut carol, &group, "ca");
    world.home.open_session("wv.example");
    let ask = |primitive| world.home.request("wv.example", primitive).unwrap();
    let question =
        |kind| Primitive::GroupQuestion(GroupQuestion { kind, meta: world.home.meta(ALICE), group_id: group.clone() });
    let answer = ask(Primitive::JoinGroupRequest(Box::new(JoinGroupRequest {
        meta: world.home.meta(ALICE),
        group_id: group.clone(),
        joined_list_request: true,
        subscribe_notification: true,
        screen_name: Some(named("al", &group)),
        own_properties: None,
    })));
    let Primitive::JoinGroupResponse(response) = &answer else { panic!("{answer:?}") };
    assert_eq!(response.status.code.number(), 200);
    let mut joined: Vec<&str> = response.joined.iter().flatten().map(AsRef::as_ref).collect();
    joined.sort_unstable();
    assert_eq!(joined, ["al", "ca"]);
    carol.expect("the news", |told| match told {
        CspPrimitive::GroupChangeNotice(notice) => matches!(&notice.joined, Some(Roster::Map(map))
            if map.mappings.iter().any(|one| one.name.as_ref() == "al"))
        .then_some(()),
        _ => None,
    });
    // What is said here is heard there, by the name in the group.
    assert_eq!(say(&mut carol, Group::Id(group.clone()), "to all"), 200);
    world.home.expect("the message", |asked| match &asked.primitive {
        Primitive::SendMessageRequest(request) => {
            assert_eq!(request.content.as_ref().unwrap().octets.as_ref(), b"to all");
            assert_eq!(request.message.sender, Some(Party::Group(group.clone())));
            let shown = SenderDisplay::Party(Party::ScreenName(named("ca", &group)));
            assert_eq!(request.message.sender_display, Some(shown));
            assert_eq!(request.message.recipients[0].user().unwrap().user_id.as_str(), ALICE);
            Some(())
        }
        _ => None,
    });
    // And the other way.
    for (party, text) in
        [(Party::Group(group.clone()), "from afar"), (Party::ScreenName(named("ca", &group)), "from afar, alone")]
    {
        let message = MessageInfo {
            content_type: Some("text/plain".into()),
            recipients: vec![party],
            sender: Some(Party::User(User::from(wv_proto::primitive::identifier::UserId::new(ALICE)))),
            ..MessageInfo::default()
        };
        let answer = ask(Primitive::SendMessageRequest(Box::new(SendMessageRequest {
            meta: world.home.meta(ALICE),
            delivery_report: false,
            message,
            content: data(text),
        })));
        assert_eq!(code(&answer), 200);
        carol.expect(text, |told| match told {
            CspPrimitive::NewMessage(new) if text_of(new) == Some(text) => {
                assert_eq!(new.message.sender, Some(Sender::Group(Group::ScreenName(named("al", &group)))));
                Some(())
            }
            _ => None,
        });
    }
    for (kind, title) in [
        (GroupQuestionKind::GetJoinedUsersRequest, "GetJoinedUsersResponse"),
        (GroupQuestionKind::GetGroupPropsRequest, "GetGroupPropsResponse"),
        (GroupQuestionKind::GetGroupSubStatusRequest, "GetGroupSubStatusResponse"),
        (GroupQuestionKind::UnsubscribeGroupChangeRequest, "Status"),
        (GroupQuestionKind::SubscribeGroupChangeRequest, "Status"),
    ] {
        let answer = ask(question(kind));
        assert_eq!((answer.name(), code(&answer)), (title, 200));
    }
    // Who manages nothing may manage nothing.
    let members = MembersRequest {
        adds: true,
        meta: world.home.meta(ALICE),
        group_id: group.clone(),
        users: vec![wv_proto::primitive::identifier::UserId::new(ALICE)],
    };
    assert_eq!(code(&ask(Primitive::Members(members))), 816);
    assert_eq!(code(&ask(question(GroupQuestionKind::DeleteGroupRequest))), 816);
    let left = ask(question(GroupQuestionKind::LeaveGroupRequest));
    assert!(matches!(left, Primitive::LeaveGroupIndication(_)), "{left:?}");
    assert_eq!(code(&ask(question(GroupQuestionKind::LeaveGroupRequest))), 808);
}

#[test]
fn a_phone_here_takes_part_in_a_foreign_group() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_3, Encoding::Wbxml);
    let group = GroupId::new("wv:alice/room@foreign.example");
    world.home.answer_next(Primitive::JoinGroupResponse(Box::new(JoinGroupResponse {
        status: StatusResult::success(),
        joined: Some(vec!["al".into(), "ca".into()]),
        welcome_note: None,
    })));
    let answer = carol.request(CspPrimitive::JoinGroupRequest(Box::new(CspJoin {
        group_id: group.clone(),
        screen_name: Some(named("ca", &group)),
        joined_request: true,
        subscribe_notification: true,
        own_properties: Vec::new(),
    })));
    let Ok(CspPrimitive::JoinGroupResponse(response)) = &answer else { panic!("{answer:?}") };
    let Some(Roster::Map(map)) = &response.joined else { panic!("{response:?}") };
    assert_eq!(map.mappings.len(), 2);
    // News of the group, with ids without a scheme.
    let told = User::from(wv_proto::primitive::identifier::UserId::new("carol@wv.example"));
    let meta = MetaInfo::of_service(ServiceId::of_domain("foreign.example"));
    let notice = GroupChangeNotice {
        joined: Some(vec!["dora".into()]),
        ..GroupChangeNotice::new(meta.clone(), group.clone(), vec![told.clone()])
    };
    world.home.tell("wv.example", Primitive::GroupChangeNotice(Box::new(notice))).unwrap();
    carol.expect("the news", |told| match told {
        CspPrimitive::GroupChangeNotice(notice) => matches!(&notice.joined, Some(Roster::Map(map))
            if map.mappings.iter().any(|one| one.name.as_ref() == "dora"))
        .then_some(()),
        _ => None,
    });
    // What the group says.
    let message = MessageInfo {
        content_type: Some("text/plain".into()),
        recipients: vec![Party::User(told)],
        sender: Some(Party::Group(group.clone())),
        sender_display: Some(SenderDisplay::Party(Party::ScreenName(named("dora", &group)))),
        ..MessageInfo::default()
    };
    let request = SendMessageRequest { meta, delivery_report: false, message, content: data("from the group") };
    assert_eq!(code(&world.home.request("wv.example", Primitive::SendMessageRequest(Box::new(request))).unwrap()), 200);
    carol.expect("what was said", |told| match told {
        CspPrimitive::NewMessage(new) if text_of(new) == Some("from the group") => {
            assert_eq!(new.message.sender, Some(Sender::Group(Group::ScreenName(named("dora", &group)))));
            Some(())
        }
        _ => None,
    });
    // What the phone says to the group.
    assert_eq!(say(&mut carol, Group::Id(group.clone()), "to the group"), 200);
    world.home.expect("what the phone said", |asked| match &asked.primitive {
        Primitive::SendMessageRequest(request) => {
            assert_eq!(request.message.recipients, [Party::Group(group.clone())]);
            Some(())
        }
        _ => None,
    });
    // It leaves.
    world.home.answer_next(Primitive::LeaveGroupIndication(LeaveGroupIndication {
        group_id: Some(group.clone()),
        status: Some(StatusResult::success()),
        reason: None,
    }));
    let left = carol.ask(CspPrimitive::LeaveGroupRequest(LeaveGroupRequest { group_id: group.clone() }));
    assert_eq!(left, 200);
    // What the foreign server refuses is refused.
    world.home.answer_next(Primitive::Status(StatusResult::new(StatusCode::new(808).unwrap())));
    let again = carol.ask(CspPrimitive::LeaveGroupRequest(LeaveGroupRequest { group_id: group }));
    assert_eq!(again, 808);
}

#[test]
fn invitations_go_both_ways() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    world.home.open_session("wv.example");
    let party = |user: &str| Party::User(User::from(wv_proto::primitive::identifier::UserId::new(user)));
    let request = InviteRequest {
        meta: world.home.meta(ALICE),
        invite_id: "inv1".into(),
        invite_type: "IM".into(),
        validity: None,
        inviting: party(ALICE),
        invited: party(CAROL),
        body: InviteBody::default(),
        note: Some("chat?".into()),
    };
    assert_eq!(code(&world.home.request("wv.example", Primitive::InviteRequest(Box::new(request))).unwrap()), 200);
    carol.expect("the invitation", |told| match told {
        CspPrimitive::InviteUserRequest(request) => {
            assert_eq!((request.invite_id.as_ref(), request.body.note.as_deref()), ("inv1", Some("chat?")));
            Some(())
        }
        _ => None,
    });
    let inviter = Sender::User(User::from(wv_proto::primitive::identifier::UserId::new(ALICE)));
    let response = InviteUserResponse {
        invite_id: "inv1".into(),
        acceptance: true,
        sender: Some(inviter),
        note: None,
        screen_name: None,
    };
    assert_eq!(carol.ask(CspPrimitive::InviteUserResponse(Box::new(response))), 200);
    world.home.expect("the answer", |asked| match &asked.primitive {
        Primitive::InviteResponse(response) => {
            assert!(response.acceptance);
            assert_eq!(response.invite_id.as_ref(), "inv1");
            Some(())
        }
        _ => None,
    });
    // And the other way.
    let invite = CspInvite {
        invite_id: "inv2".into(),
        invite_type: InviteType::Message,
        recipient: Recipient::of_user(User::from(wv_proto::primitive::identifier::UserId::new(ALICE))),
        sender: None,
        body: CspInviteBody { note: Some("and you?".into()), ..CspInviteBody::default() },
    };
    assert_eq!(carol.ask(CspPrimitive::InviteRequest(Box::new(invite))), 200);
    world.home.expect("the invitation", |asked| match &asked.primitive {
        Primitive::InviteRequest(request) => (request.invite_id.as_ref() == "inv2").then_some(()),
        _ => None,
    });
    let response = InviteResponse {
        meta: world.home.meta(ALICE),
        invite_id: "inv2".into(),
        acceptance: false,
        status: Some(StatusResult::new(StatusCode::NOT_FOUND)),
        inviting: party(CAROL),
        responding: party(ALICE),
        note: Some("no".into()),
        screen_name: None,
    };
    world.home.tell("wv.example", Primitive::InviteResponse(Box::new(response))).unwrap();
    carol.expect("the answer", |told| match told {
        CspPrimitive::InviteResponse(response) => (!response.acceptance).then_some(()),
        _ => None,
    });
}

/// A phone here that has joined a group there.
fn joined(world: &World, group: &GroupId) -> Phone {
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    world.home.answer_next(let_in());
    let answer = carol.request(CspPrimitive::JoinGroupRequest(Box::new(CspJoin {
        group_id: group.clone(),
        screen_name: Some(named("ca", group)),
        joined_request: false,
        subscribe_notification: true,
        own_properties: Vec::new(),
    })));
    assert!(matches!(answer, Ok(CspPrimitive::JoinGroupResponse(_))), "{answer:?}");
    world
        .home
        .expect("the first time", |asked| matches!(asked.primitive, Primitive::JoinGroupRequest(_)).then_some(()));
    carol
}

fn let_in() -> Primitive {
    let (status, joined) = (StatusResult::success(), None);
    Primitive::JoinGroupResponse(Box::new(JoinGroupResponse { status, joined, welcome_note: None }))
}

#[test]
fn a_peer_that_lost_everything_is_joined_again_under_the_same_name() {
    let mut world = World::new();
    let group = GroupId::new("wv:alice/room@foreign.example");
    let mut carol = joined(&world, &group);
    // Also when the gateway came back in between.
    world.gateway.kill();
    world.gateway.start_again();
    world.home.forget_sessions();
    world.home.answer_next(let_in());
    carol.poll();
    assert_eq!(carol.send(&[ALICE], "finds out", false).unwrap().result.code.number(), 200);
    world.home.expect("the second time", |asked| match &asked.primitive {
        Primitive::JoinGroupRequest(request) => {
            assert_eq!(request.screen_name, Some(named("ca", &group)));
            assert_eq!(request.group_id, group);
            assert!(request.subscribe_notification);
            Some(())
        }
        _ => None,
    });
}

#[test]
fn who_is_not_let_in_again_is_told_that_it_is_over() {
    let world = World::new();
    let group = GroupId::new("wv:alice/room@foreign.example");
    let mut carol = joined(&world, &group);
    world.home.forget_sessions();
    world.home.answer_next(Primitive::Status(StatusResult::new(StatusCode::new(800).unwrap())));
    assert_eq!(carol.send(&[ALICE], "finds out", false).unwrap().result.code.number(), 200);
    let code = carol.expect("the end", |told| match told {
        CspPrimitive::LeaveGroupResponse(left) => Some(left.result.code.number()),
        _ => None,
    });
    assert_eq!(code, 800);
}
