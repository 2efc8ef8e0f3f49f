//! Groups and invitations between WV phones, in all versions and encodings, over sockets. The names of the tests carry
//! the rules of `fixtures/rules/wv.toml`; the cases of the catalogue that need a SIP user in a group wait for that.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod lookup;
mod notice;
mod quirk;

use acceptance::{
    catalogue::{How, case},
    phone::{Phone, code_of, text_of},
    product::{Setup, pair, shared},
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        group::{
            AddGroupMembersRequest, CreateGroupRequest, DeleteGroupRequest, GetGroupMembersRequest,
            GetGroupPropsRequest, GetJoinedUsersRequest, GroupProperties, JoinGroupRequest, JoinGroupResponse,
            JoinedUsers, LeaveGroupRequest, MemberAccessRequest, Membership, RejectEntries, RejectListRequest,
            RemoveGroupMembersRequest, Roster, SetGroupPropsRequest, SubscribeGroupNoticeRequest, SubscribeKind,
            UserList, WelcomeNote,
        },
        identifier::{GroupId, UserId},
        invitation::{
            CancelInviteRequest, ExtendConversationRequest, InviteBody, InviteRequest, InviteType, InviteUserResponse,
        },
        message::{Content, MessageInfo, SendMessageRequest},
        party::{Group, Property, Recipient, ScreenName, Sender, User},
    },
    version::{Encoding, Version},
};

const WAYS: [(Version, Encoding); 6] = [
    (Version::V1_1, Encoding::Xml),
    (Version::V1_1, Encoding::Wbxml),
    (Version::V1_2, Encoding::Xml),
    (Version::V1_2, Encoding::Wbxml),
    (Version::V1_3, Encoding::Xml),
    (Version::V1_3, Encoding::Wbxml),
];

fn phone(version: Version, encoding: Encoding) -> Phone {
    Phone::logged_in(shared().csp(), &pair().wv, version, encoding)
}

fn room_of(owner: &Phone) -> GroupId {
    GroupId::new(owner.user().replace('@', "/Room@"))
}

fn named(name: &str, group: &GroupId) -> ScreenName {
    ScreenName { name: name.into(), group_id: group.clone() }
}

fn create(owner: &mut Phone, group: &GroupId, name: &str, properties: &[(&str, &str)]) -> u16 {
    let note = WelcomeNote { content_type: "text/plain".into(), content: Content::from_text("welcome \u{e4}") };
    owner.ask(Primitive::CreateGroupRequest(Box::new(CreateGroupRequest {
        group_id: group.clone(),
        properties: GroupProperties {
            properties: properties.iter().map(|(name, value)| Property::new(name, value)).collect(),
            welcome_note: Some(note),
        },
        own_properties: Vec::new(),
        join_group: true,
        screen_name: Some(named(name, group)),
        subscribe_notification: true,
    })))
}

/// What an Android client asks for.
const PLAIN: [(&str, &str); 5] =
    [("Name", "room"), ("Accesstype", "Open"), ("PrivateMessaging", "T"), ("Searchable", "F"), ("AutoDelete", "F")];

fn join(phone: &mut Phone, group: &GroupId, name: &str) -> Result<JoinGroupResponse, u16> {
    let request = Primitive::JoinGroupRequest(Box::new(JoinGroupRequest {
        group_id: group.clone(),
        screen_name: Some(named(name, group)),
        joined_request: true,
        subscribe_notification: true,
        own_properties: Vec::new(),
    }));
    match phone.request(request).unwrap() {
        Primitive::JoinGroupResponse(response) => Ok(*response),
        other => Err(code_of(&other).unwrap_or_else(|| panic!("{other:?}"))),
    }
}

fn leave(phone: &mut Phone, group: &GroupId) -> u16 {
    phone.ask(Primitive::LeaveGroupRequest(LeaveGroupRequest { group_id: group.clone() }))
}

fn say(phone: &mut Phone, to: Group, from: Option<ScreenName>, text: &str) -> Primitive {
    let message = MessageInfo {
        content_type: Some("text/plain".into()),
        recipient: Recipient { groups: vec![to], ..Recipient::default() },
        sender: from.map(|name| Sender::Group(Group::ScreenName(name))),
        ..MessageInfo::default()
    };
    let content = Some(Content::from_text(text));
    let request = SendMessageRequest { delivery_report: false, message, content };
    phone.request(Primitive::SendMessageRequest(Box::new(request))).unwrap()
}

/// Waits for a message; how its sender and recipient stand in it.
fn hear(phone: &mut Phone, text: &str) -> (Option<Sender>, Vec<Group>) {
    phone.expect(text, |told| match told {
        Primitive::NewMessage(new) if text_of(new) == Some(text) => {
            Some((new.message.sender.clone(), new.message.recipient.groups.clone()))
        }
        _ => None,
    })
}

fn names(roster: &Roster) -> Vec<String> {
    let mut names: Vec<String> = match roster {
        Roster::Names(names, _) => names.iter().map(|name| name.name.to_string()).collect(),
        Roster::Map(map) => map.mappings.iter().map(|mapping| mapping.name.to_string()).collect(),
    };
    names.sort();
    names
}

fn hear_joined(phone: &mut Phone, name: &str) {
    phone.expect("GroupChangeNotice Joined", |told| match told {
        Primitive::GroupChangeNotice(notice) => {
            notice.joined.as_ref().is_some_and(|roster| names(roster) == [name]).then_some(())
        }
        _ => None,
    });
}

fn hear_left(phone: &mut Phone, name: &str) {
    phone.expect("GroupChangeNotice Left", |told| match told {
        Primitive::GroupChangeNotice(notice) => notice
            .left
            .as_ref()
            .is_some_and(|left| left.screen_names.iter().any(|one| one.name.as_ref() == name))
            .then_some(()),
        _ => None,
    });
}

/// Waits for a LeaveGroup-Response that nobody asked for; its code.
fn hear_removed(phone: &mut Phone, group: &GroupId) -> u16 {
    phone.expect("LeaveGroup-Response", |told| match told {
        Primitive::LeaveGroupResponse(response) if response.group_id.as_ref() == Some(group) => {
            Some(response.result.code.number())
        }
        _ => None,
    })
}

fn members(users: &[&str]) -> UserList {
    UserList::of_users(users.iter().map(|user| User::from(UserId::new(*user))).collect())
}

#[test]
fn wv_grp_09_a_message_reaches_every_other_member_once() {
    // The third speaks another version than most.
    let mut carol = phone(Version::V1_2, Encoding::Xml);
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let group = room_of(&alice);
        assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200, "{version}");
        let joined = join(&mut bob, &group, "bo").unwrap();
        // WV-GRP-04
        assert_eq!(names(&joined.joined.unwrap()), ["al", "bo"], "{version} {encoding:?}");
        assert_eq!(joined.welcome_note.unwrap().content.to_text(), Some("welcome \u{e4}"));
        hear_joined(&mut alice, "bo");
        join(&mut carol, &group, "ca").unwrap();
        hear_joined(&mut bob, "ca");
        let sent = say(&mut alice, Group::Id(group.clone()), Some(named("al", &group)), "to all");
        assert_eq!(code_of(&sent), Some(200));
        for phone in [&mut bob, &mut carol] {
            let (sender, recipient) = hear(phone, "to all");
            assert_eq!(sender, Some(Sender::Group(Group::ScreenName(named("al", &group)))), "{version}");
            assert_eq!(recipient, [Group::Id(group.clone())], "the group as its creator wrote it");
        }
        for phone in [&mut alice, &mut bob, &mut carol] {
            let more = phone.take_told().into_iter().find(|told| matches!(told, Primitive::NewMessage(_)));
            assert_eq!(more, None, "not echoed, not twice");
        }
        assert_eq!(leave(&mut bob, &group), 200);
        hear_left(&mut alice, "bo");
        assert_eq!(code_of(&say(&mut bob, Group::Id(group.clone()), None, "late")), Some(808));
    }
}

#[test]
fn wv_grp_10_private_messages_need_the_consent_of_group_and_member() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let group = room_of(&alice);
        assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
        join(&mut bob, &group, "bo").unwrap();
        let to_bob = || Group::ScreenName(named("BO", &group));
        assert_eq!(code_of(&say(&mut alice, to_bob(), None, "psst")), Some(200));
        let (sender, recipient) = hear(&mut bob, "psst");
        assert_eq!(sender, Some(Sender::Group(Group::ScreenName(named("al", &group)))));
        assert!(matches!(&recipient[..], [Group::ScreenName(_)]), "{recipient:?}");
        let nobody = say(&mut alice, Group::ScreenName(named("xx", &group)), None, "psst");
        let result = nobody.result().unwrap().clone();
        assert_eq!(result.code.number(), 531);
        assert_eq!(result.detailed.first().map(|detail| detail.screen_names.len()), Some(1), "{result:?}");
        let own = Some(vec![Property::new("PrivateMessaging", "F")]);
        let change = SetGroupPropsRequest { group_id: group.clone(), properties: None, own_properties: own };
        assert_eq!(bob.ask(Primitive::SetGroupPropsRequest(Box::new(change))), 200);
        assert_eq!(code_of(&say(&mut alice, to_bob(), None, "psst")), Some(813));
        let properties =
            GroupProperties { properties: vec![Property::new("PrivateMessaging", "F")], welcome_note: None };
        let change =
            SetGroupPropsRequest { group_id: group.clone(), properties: Some(properties), own_properties: None };
        assert_eq!(alice.ask(Primitive::SetGroupPropsRequest(Box::new(change))), 200);
        bob.expect("GroupChangeNotice with properties", |told| match told {
            Primitive::GroupChangeNotice(notice) => notice.properties.clone(),
            _ => None,
        });
        assert_eq!(code_of(&say(&mut alice, to_bob(), None, "psst")), Some(812));
        assert_eq!(code_of(&say(&mut alice, Group::Id(group.clone()), Some(named("bo", &group)), "as bob")), Some(403));
    }
}

#[test]
fn wv_grp_02_a_screen_name_is_taken_once() {
    for version in Version::ALL {
        let (mut alice, mut bob) = (phone(version, Encoding::Wbxml), phone(version, Encoding::Wbxml));
        let group = room_of(&alice);
        assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
        assert_eq!(create(&mut alice, &group, "al", &PLAIN), 801);
        // WV-GRP-01
        assert_eq!(create(&mut bob, &group, "bo", &PLAIN), 816);
        assert_eq!(join(&mut bob, &group, "AL"), Err(811));
        assert!(join(&mut bob, &group, "bo").is_ok());
        assert_eq!(join(&mut bob, &group, "bo"), Err(807));
        assert_eq!(leave(&mut bob, &group), 200);
        assert_eq!(leave(&mut bob, &group), 808);
    }
}

#[test]
fn wv_grp_07_who_is_removed_is_told_why() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob, mut carol) =
            (phone(version, encoding), phone(version, encoding), phone(version, encoding));
        let group = room_of(&alice);
        assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
        join(&mut bob, &group, "bo").unwrap();
        join(&mut carol, &group, "ca").unwrap();
        let user = bob.user().to_owned();
        let add = Some(RejectEntries { users: vec![UserId::new(user.as_str())], screen_names: Vec::new() });
        let reject = RejectListRequest { group_id: group.clone(), add, remove: None };
        assert_eq!(carol.ask(Primitive::RejectListRequest(reject.clone())), 816);
        let Primitive::RejectListResponse(list) = alice.request(Primitive::RejectListRequest(reject)).unwrap() else {
            panic!("no RejectList-Response")
        };
        assert_eq!(list.users.unwrap().users.len(), 1);
        assert_eq!(hear_removed(&mut bob, &group), 809);
        assert_eq!(join(&mut bob, &group, "bo"), Err(809));
        hear_left(&mut carol, "bo");
        let dismissed = RemoveGroupMembersRequest { group_id: group.clone(), members: members(&[carol.user()]) };
        assert_eq!(alice.ask(Primitive::RemoveGroupMembersRequest(dismissed)), 200);
        assert_eq!(hear_removed(&mut carol, &group), 810);
        join(&mut carol, &group, "ca").unwrap();
        assert_eq!(carol.ask(Primitive::DeleteGroupRequest(DeleteGroupRequest { group_id: group.clone() })), 816);
        assert_eq!(alice.ask(Primitive::DeleteGroupRequest(DeleteGroupRequest { group_id: group.clone() })), 200);
        assert_eq!(hear_removed(&mut carol, &group), 800);
        assert_eq!(join(&mut carol, &group, "ca"), Err(800));
    }
}

#[test]
fn wv_grp_13_members_have_roles() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let group = room_of(&alice);
        let restricted = [("Name", "room"), ("AccessType", "restricted")];
        assert_eq!(create(&mut alice, &group, "al", &restricted), 200);
        // WV-GRP-11
        assert_eq!(join(&mut bob, &group, "bo"), Err(803));
        let added = AddGroupMembersRequest {
            group_id: group.clone(),
            members: members(&[bob.user(), "wv:nobody-at-all@wv.example"]),
        };
        let status = alice.request(Primitive::AddGroupMembersRequest(added)).unwrap();
        assert_eq!(code_of(&status), Some(201), "{status:?}");
        join(&mut bob, &group, "bo").unwrap();
        let moderators = Membership { moderators: Some(members(&[bob.user()])), ..Membership::default() };
        let access = MemberAccessRequest { group_id: group.clone(), members: moderators };
        assert_eq!(bob.ask(Primitive::MemberAccessRequest(Box::new(access.clone()))), 816);
        assert_eq!(alice.ask(Primitive::MemberAccessRequest(Box::new(access))), 200);
        let role = bob.expect("GroupChangeNotice with own properties", |told| match told {
            Primitive::GroupChangeNotice(notice) => notice.own_properties.clone(),
            _ => None,
        });
        assert!(role.contains(&Property::new("PrivilegeLevel", "Mod")), "{role:?}");
        let asked = Primitive::GetGroupMembersRequest(GetGroupMembersRequest { group_id: group.clone() });
        let Primitive::GetGroupMembersResponse(response) = bob.request(asked).unwrap() else { panic!() };
        let count = |list: &Option<UserList>| list.as_ref().map_or(0, |list| list.users.len());
        assert_eq!((count(&response.members.admins), count(&response.members.moderators)), (1, 1));
        let asked = Primitive::GetGroupPropsRequest(GetGroupPropsRequest { group_id: group.clone() });
        let Primitive::GetGroupPropsResponse(response) = bob.request(asked).unwrap() else { panic!() };
        let has = |list: &[Property], name: &str, value: &str| list.contains(&Property::new(name, value));
        assert!(has(&response.properties.properties, "Accesstype", "Restricted"), "{response:?}");
        assert!(has(&response.properties.properties, "ActiveUsers", "2"), "{response:?}");
        assert!(has(&response.own_properties, "IsMember", "T"), "{response:?}");
        if version >= Version::V1_2 {
            let asked = Primitive::GetJoinedUsersRequest(GetJoinedUsersRequest { group_id: group.clone() });
            let Primitive::GetJoinedUsersResponse(response) = bob.request(asked).unwrap() else { panic!() };
            let JoinedUsers::ByRole(list) = response.joined else { panic!("a moderator sees roles") };
            assert_eq!((list.admins.len(), list.moderators.len()), (1, 1));
            // WV-GRP-08
            assert!(list.admins[0].user_id.is_some(), "a moderator sees addresses");
        }
        let follow = |kind| {
            let group_id = group.clone();
            Primitive::SubscribeGroupNoticeRequest(SubscribeGroupNoticeRequest { group_id, kind })
        };
        assert_eq!(bob.ask(follow(SubscribeKind::Unset)), 200);
        let Primitive::SubscribeGroupNoticeResponse(answer) = bob.request(follow(SubscribeKind::Get)).unwrap() else {
            panic!()
        };
        assert!(!answer.value);
    }
}

#[test]
fn wv_grp_14_impossible_properties_are_named_by_their_code() {
    let mut alice = phone(Version::V1_2, Encoding::Xml);
    let group = room_of(&alice);
    assert_eq!(create(&mut alice, &group, "al", &[("Colour", "red")]), 806);
    assert_eq!(create(&mut alice, &group, "al", &[("Accesstype", "Ajar")]), 806);
    // WV-GRP-15
    assert_eq!(create(&mut alice, &group, "al", &[("Searchable", "T")]), 822);
    assert_eq!(create(&mut alice, &GroupId::new("wv:w0@wv.example"), "al", &PLAIN), 901);
    assert_eq!(create(&mut alice, &GroupId::new("wv:/Public-Room@wv.example"), "al", &PLAIN), 200);
}

#[test]
fn wv_grp_16_who_logs_out_leaves() {
    let (mut alice, mut bob) = (phone(Version::V1_2, Encoding::Xml), phone(Version::V1_1, Encoding::Wbxml));
    let group = room_of(&alice);
    assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
    join(&mut bob, &group, "bo").unwrap();
    drop(bob.request(Primitive::LogoutRequest));
    hear_left(&mut alice, "bo");
}

#[test]
fn iwf_grp_int_003_there_is_no_room() {
    case("IWF-GRP-INT-003", How::Sockets, || {
        let mut alice = phone(Version::V1_2, Encoding::Xml);
        let group = GroupId::new("wv:nobody/room@sip.example");
        assert_eq!(join(&mut alice, &group, "al"), Err(800));
    });
}

fn invite(inviter: &mut Phone, id: &str, kind: InviteType, to: &str, body: InviteBody) -> u16 {
    inviter.ask(Primitive::InviteRequest(Box::new(InviteRequest {
        invite_id: id.into(),
        invite_type: kind,
        sender: None,
        recipient: Recipient::of_user(UserId::new(to)),
        body,
    })))
}

fn hear_invitation(phone: &mut Phone, id: &str) -> (InviteType, InviteBody) {
    phone.expect("InviteUser-Request", |told| match told {
        Primitive::InviteUserRequest(request) if request.invite_id.as_ref() == id => {
            Some((request.invite_type.clone(), request.body.clone()))
        }
        _ => None,
    })
}

/// Waits for an Invite-Response; whether it says yes, and its note.
fn hear_answer(phone: &mut Phone, id: &str) -> (bool, Option<String>) {
    phone.expect("Invite-Response", |told| match told {
        Primitive::InviteResponse(response) if response.invite_id.as_ref() == id => {
            Some((response.acceptance, response.note.as_deref().map(str::to_owned)))
        }
        _ => None,
    })
}

fn answer(phone: &mut Phone, id: &str, inviter: &str, acceptance: bool) -> u16 {
    phone.ask(Primitive::InviteUserResponse(Box::new(InviteUserResponse {
        invite_id: id.into(),
        acceptance,
        sender: Some(Sender::User(User::from(UserId::new(inviter)))),
        note: Some("so it is".into()),
        screen_name: None,
    })))
}

#[test]
fn wv_inv_01_an_invitation_is_answered_to_its_inviter() {
    for (version, encoding) in WAYS {
        let (mut alice, mut bob) = (phone(version, encoding), phone(version, encoding));
        let (to, from) = (bob.user().to_owned(), alice.user().to_owned());
        for kind in [InviteType::Message, InviteType::Presence, InviteType::Content] {
            let urls = vec!["http://wv.example/picture".into()];
            let body = InviteBody { urls, note: Some("come".into()), ..InviteBody::default() };
            let id = format!("i-{}", kind.as_str());
            assert_eq!(invite(&mut alice, &id, kind.clone(), &to, body), 200, "{version} {kind:?}");
            let (told, body) = hear_invitation(&mut bob, &id);
            assert_eq!((told, body.note.as_deref()), (kind.clone(), Some("come")));
            assert_eq!(answer(&mut bob, &id, &from, kind == InviteType::Presence), 200);
            let (accepted, note) = hear_answer(&mut alice, &id);
            assert_eq!((accepted, note.as_deref()), (kind == InviteType::Presence, Some("so it is")));
            assert_eq!(answer(&mut bob, &id, &from, true), 423);
        }
        let body = InviteBody::default;
        assert_eq!(invite(&mut alice, "c", InviteType::Message, &to, body()), 200);
        hear_invitation(&mut bob, "c");
        let cancel = |id: &str| {
            Primitive::CancelInviteRequest(Box::new(CancelInviteRequest {
                invite_id: id.into(),
                recipient: Recipient::of_user(UserId::new(to.as_str())),
                note: None,
                urls: Vec::new(),
                screen_name: None,
            }))
        };
        assert_eq!(alice.ask(cancel("d")), 423);
        assert_eq!(alice.ask(cancel("c")), 200);
        bob.expect("CancelInviteUser-Request", |told| match told {
            Primitive::CancelInviteUserRequest(request) if request.invite_id.as_ref() == "c" => Some(()),
            _ => None,
        });
        assert_eq!(answer(&mut bob, "c", &from, true), 423);
    }
}

#[test]
fn wv_inv_02_joining_is_accepting() {
    for (version, encoding) in WAYS {
        let mut alice = phone(version, encoding);
        // The invited user is not there yet.
        let absent = pair();
        let (to, from) = (absent.wv.clone(), alice.user().to_owned());
        let group = room_of(&alice);
        assert_eq!(create(&mut alice, &group, "al", &[("Name", "room"), ("Accesstype", "Restricted")]), 200);
        let body = || InviteBody { group_id: Some(group.clone()), ..InviteBody::default() };
        assert_eq!(invite(&mut alice, "g1", InviteType::Group, &to, body()), 200);
        let mut bob = Phone::logged_in(shared().csp(), &to, version, encoding);
        let (kind, told) = hear_invitation(&mut bob, "g1");
        assert_eq!((kind, told.group_id), (InviteType::Group, Some(group.clone())));
        join(&mut bob, &group, "bo").unwrap();
        assert!(hear_answer(&mut alice, "g1").0);
        assert_eq!(answer(&mut bob, "g1", &from, true), 200);
        let again = alice.take_told().into_iter().any(|told| matches!(told, Primitive::InviteResponse(_)));
        assert!(!again, "told once");
    }
}

#[test]
fn wv_inv_04_silence_is_told_as_522() {
    let (mut alice, mut bob) = (phone(Version::V1_2, Encoding::Xml), phone(Version::V1_3, Encoding::Wbxml));
    let to = bob.user().to_owned();
    let body = InviteBody { validity: Some(Duration::from_secs(1)), ..InviteBody::default() };
    assert_eq!(invite(&mut alice, "s", InviteType::Message, &to, body), 200);
    hear_invitation(&mut bob, "s");
    let (accepted, note) = hear_answer(&mut alice, "s");
    assert!(!accepted && note.as_deref().is_some_and(|note| note.starts_with("522")), "{note:?}");
    bob.expect("CancelInviteUser-Request", |told| match told {
        Primitive::CancelInviteUserRequest(_) => Some(()),
        _ => None,
    });
}

#[test]
fn wv_inv_05_impossible_invitations_have_their_codes() {
    let (mut alice, bob) = (phone(Version::V1_3, Encoding::Xml), phone(Version::V1_3, Encoding::Xml));
    let to = bob.user().to_owned();
    let body = InviteBody::default;
    assert_eq!(invite(&mut alice, "x", InviteType::Group, &to, body()), 429);
    assert_eq!(invite(&mut alice, "x", InviteType::Content, &to, body()), 400);
    assert_eq!(invite(&mut alice, "x", InviteType::Application, &to, body()), 450);
    assert_eq!(invite(&mut alice, "x", InviteType::Conversation, &to, body()), 429);
    let nowhere = || InviteBody { group_id: Some(GroupId::new("wv:a/none@wv.example")), ..body() };
    assert_eq!(invite(&mut alice, "x", InviteType::Group, &to, nowhere()), 800);
    assert_eq!(invite(&mut alice, "x", InviteType::Message, "wv:nobody-at-all@wv.example", body()), 531);
}

#[test]
fn wv_inv_06_the_other_side_hears_a_text() {
    let pair = pair();
    let mut agent = acceptance::agent::Agent::registered(shared().sip(), &pair.sip);
    let mut alice = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_2, Encoding::Xml);
    let to = pair.sip_in_wv();
    let body =
        InviteBody { note: Some("look".into()), urls: vec!["http://wv.example/p".into()], ..InviteBody::default() };
    assert_eq!(invite(&mut alice, "t", InviteType::Content, &to, body), 200);
    agent.expect_text("look\nhttp://wv.example/p");
    let group = room_of(&alice);
    assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
    let body = || InviteBody { group_id: Some(group.clone()), ..InviteBody::default() };
    assert_eq!(invite(&mut alice, "u", InviteType::Group, &to, body()), 200);
    agent.expect_text(&format!("Join the group {}", group.as_str()));
    let mut newer = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_3, Encoding::Xml);
    assert_eq!(invite(&mut newer, "v", InviteType::ExtendedGroup, &to, body()), 501);
}

#[test]
fn wv_inv_07_a_talk_of_two_becomes_a_group() {
    let (mut alice, mut bob) = (phone(Version::V1_3, Encoding::Xml), phone(Version::V1_3, Encoding::Wbxml));
    let mut carol = phone(Version::V1_2, Encoding::Wbxml);
    let request = ExtendConversationRequest {
        conversation_id: "e1".into(),
        users: vec![UserId::new(carol.user())],
        partner: Some(User::from(UserId::new(bob.user()))),
        subscribe_notification: Some(true),
        welcome_note: None,
        screen_name: None,
    };
    let answer = alice.request(Primitive::ExtendConversationRequest(Box::new(request))).unwrap();
    let Primitive::ExtendConversationResponse(response) = answer else { panic!("{answer:?}") };
    assert_eq!(response.result.code.number(), 200);
    let group = response.group_id.unwrap();
    let told = bob.expect("ExtendConversation-Request", |told| match told {
        Primitive::ExtendConversationRequest(request) => request.screen_name.clone(),
        _ => None,
    });
    assert_eq!(told.group_id, group);
    join(&mut bob, &group, "bo").unwrap();
    hear_joined(&mut alice, "bo");
    let (kind, body) = hear_invitation(&mut carol, "e1");
    assert_eq!((kind, body.group_id), (InviteType::Group, Some(group.clone())));
    join(&mut carol, &group, "ca").unwrap();
    assert_eq!(code_of(&say(&mut carol, Group::Id(group), None, "all three")), Some(200));
    hear(&mut alice, "all three");
    hear(&mut bob, "all three");
}

#[test]
fn a_group_survives_the_end_of_the_process() {
    let mut gateway = Setup::embedded().start();
    let group = GroupId::new("wv:alice/Room@wv.example");
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv.example", Version::V1_2, Encoding::Xml);
    let mut carol = Phone::logged_in(gateway.csp(), "wv:carol@wv.example", Version::V1_1, Encoding::Wbxml);
    assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
    join(&mut carol, &group, "ca").unwrap();
    let sent = say(&mut alice, Group::Id(group.clone()), None, "before");
    assert_eq!(code_of(&sent), Some(200));
    gateway.kill();
    gateway.start_again();
    let (is_shown, rows) = gateway.ask(&["show", "conversations"]);
    assert!(is_shown && rows.contains("ca (carol@wv.example)"), "{rows}");
    // The sessions go on, and with them the seats.
    hear(&mut carol, "before");
    assert_eq!(code_of(&say(&mut carol, Group::Id(group.clone()), None, "after")), Some(200));
    hear(&mut alice, "after");
    let unknown = Primitive::DeleteGroupRequest(DeleteGroupRequest { group_id: GroupId::new("wv:alice/x@wv.example") });
    assert_eq!(alice.ask(unknown), 800);
    let status = alice.request(Primitive::DeleteGroupRequest(DeleteGroupRequest { group_id: group.clone() })).unwrap();
    assert!(matches!(&status, Primitive::Status(Status { result, .. }) if result.code.number() == 200), "{status:?}");
    assert_eq!(hear_removed(&mut carol, &group), 800);
}
