//! The events of 1.3 that a session can subscribe to: who hears of what.

use super::*;
use acceptance::agent::Agent;
use wv_proto::presence_attribute::AttributeNames;
use wv_proto::primitive::{
    attribute_list::{AttributeListTargets, CreateAttributeListRequest},
    block::{AccessList, BlockEntityRequest, Entities, EntityList, GetBlockedListResponse},
    contact_list::{CreateListRequest, DeleteListRequest, ListChange, ListManageRequest},
    identifier::ContactListId,
    notification::{
        NotificationPayload, NotificationType, SubscribeNotificationRequest, UnsubscribeNotificationRequest,
    },
    party::NickName,
};

use NotificationType as Type;

/// A second session of the same user.
fn second(first: &Phone) -> Phone {
    let mut phone = Phone::with_client(shared().csp(), first.user(), "second-phone", Version::V1_3, Encoding::Wbxml);
    phone.log_in().unwrap();
    phone
}

fn subscribe(phone: &mut Phone, types: &[NotificationType]) -> u16 {
    let types = types.to_vec();
    phone.ask(Primitive::SubscribeNotificationRequest(SubscribeNotificationRequest { types }))
}

/// Waits for an event; what it is about.
fn hear_of(phone: &mut Phone, what: &NotificationType) -> NotificationPayload {
    phone.expect(what.as_str(), |told| match told {
        Primitive::NotificationRequest(notice) if notice.notification_type == *what => Some(notice.payload.clone()),
        _ => None,
    })
}

fn list_of(phone: &Phone) -> ContactListId {
    ContactListId::new(phone.user().replace('@', "/friends@"))
}

fn create_list(phone: &mut Phone, members: &[&str]) {
    let contacts = members.iter().map(|user| NickName { name: Some("x".into()), user_id: UserId::new(*user) });
    let request =
        CreateListRequest { contact_list: list_of(phone), contacts: contacts.collect(), properties: Vec::new() };
    let answer = phone.request(Primitive::CreateListRequest(request)).unwrap();
    assert!(matches!(answer, Primitive::CreateListResponse(_)), "{answer:?}");
}

fn delete_list(phone: &mut Phone) {
    let request = DeleteListRequest { contact_list: list_of(phone) };
    assert_eq!(phone.ask(Primitive::DeleteListRequest(request)), 200);
}

fn of_group(group: &GroupId) -> NotificationPayload {
    NotificationPayload::Group(group.clone())
}

#[test]
fn wv_ntf_01_a_session_hears_what_it_subscribed_to_until_it_unsubscribes() {
    let mut first = phone(Version::V1_3, Encoding::Xml);
    let mut other = second(&first);
    assert_eq!(subscribe(&mut other, &[Type::ContactListCreated, Type::ContactListDeleted]), 200);
    create_list(&mut first, &[]);
    let about = NotificationPayload::ContactLists(vec![list_of(&first)]);
    assert_eq!(hear_of(&mut other, &Type::ContactListCreated), about);
    delete_list(&mut first);
    assert_eq!(hear_of(&mut other, &Type::ContactListDeleted), about);
    let types = vec![Type::ContactListCreated];
    let request = Primitive::UnsubscribeNotificationRequest(UnsubscribeNotificationRequest { types });
    assert_eq!(other.ask(request), 200);
    create_list(&mut first, &[]);
    delete_list(&mut first);
    other.expect("CLD and nothing before it", |told| match told {
        Primitive::NotificationRequest(notice) => {
            assert_eq!(notice.notification_type, Type::ContactListDeleted);
            Some(())
        }
        _ => None,
    });
}

#[test]
fn wv_ntf_04_what_a_session_changes_the_others_of_its_user_hear() {
    let mut first = phone(Version::V1_3, Encoding::Xml);
    let mut other = second(&first);
    let wanted = [Type::BlockListChanged, Type::GrantListUseChanged, Type::GroupCreated, Type::GroupDeleted];
    assert_eq!(subscribe(&mut other, &wanted), 200);
    let entities = Entities::Change {
        add: Some(EntityList { users: vec![UserId::new("wv:x@wv.example")], ..EntityList::default() }),
        remove: None,
    };
    let block = AccessList { in_use: None, entities };
    let grant = AccessList { in_use: Some(false), entities: Entities::Unnamed };
    let request = BlockEntityRequest { block: Some(block), grant: Some(grant) };
    assert_eq!(first.ask(Primitive::BlockEntityRequest(Box::new(request))), 200);
    hear_of(&mut other, &Type::BlockListChanged);
    assert_eq!(hear_of(&mut other, &Type::GrantListUseChanged), NotificationPayload::GrantListInUse(false));
    let group = room_of(&first);
    assert_eq!(create(&mut first, &group, "al", &PLAIN), 200);
    assert_eq!(hear_of(&mut other, &Type::GroupCreated), of_group(&group));
    let request = DeleteGroupRequest { group_id: group.clone() };
    assert_eq!(first.ask(Primitive::DeleteGroupRequest(request)), 200);
    assert_eq!(hear_of(&mut other, &Type::GroupDeleted), of_group(&group));
}

#[test]
fn wv_ntf_05_a_question_names_the_lists_of_the_watcher_or_the_default_list() {
    for is_listed in [true, false] {
        let pair = pair();
        let mut alice = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_3, Encoding::Xml);
        let types = [
            Type::AuthorizationNeededForContactList,
            Type::AuthorizationNeededForDefaultList,
            Type::AuthorizationNeededForUser,
        ];
        assert_eq!(subscribe(&mut alice, &types), 200);
        if is_listed {
            create_list(&mut alice, &[&pair.sip_in_wv()]);
        }
        let mut agent = Agent::registered(shared().sip(), &pair.sip);
        agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
        let what = if is_listed { &types[0] } else { &types[1] };
        let NotificationPayload::Authorization(about) = hear_of(&mut alice, what) else { panic!("no authorization") };
        assert_eq!(about.users, [UserId::new(pair.sip_in_wv())]);
        let lists = if is_listed { vec![list_of(&alice)] } else { Vec::new() };
        assert_eq!((about.contact_lists, about.default_list), (lists, (!is_listed).then_some(true)));
    }
}

#[test]
fn wv_ntf_03_each_session_is_asked_in_its_own_way() {
    let pair = pair();
    let mut new = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_3, Encoding::Xml);
    let mut old = Phone::with_client(shared().csp(), &pair.wv, "old-phone", Version::V1_2, Encoding::Wbxml);
    old.log_in().unwrap();
    assert_eq!(subscribe(&mut new, &[Type::AuthorizationNeededForUser]), 200);
    let mut agent = Agent::registered(shared().sip(), &pair.sip);
    let (_, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
    hear_of(&mut new, &Type::AuthorizationNeededForUser);
    old.expect("PresenceAuth-Request", |told| match told {
        Primitive::PresenceAuthRequest(question) => {
            assert_eq!(question.user_id, UserId::new(pair.sip_in_wv()));
            Some(())
        }
        other => panic!("{other:?}"),
    });
    let request = CreateAttributeListRequest {
        attributes: AttributeNames::of_version(Version::V1_3),
        targets: AttributeListTargets { users: vec![UserId::new(pair.sip_in_wv())], ..AttributeListTargets::default() },
        ..CreateAttributeListRequest::default()
    };
    assert_eq!(new.ask(Primitive::CreateAttributeListRequest(Box::new(request))), 200);
    agent.expect_notify(&watch, "active", |notify| notify.state.starts_with("active").then_some(()));
}

#[test]
fn wv_ntf_06_who_is_put_on_a_contact_list_hears_by_whom() {
    let (mut alice, mut bob) = (phone(Version::V1_2, Encoding::Xml), phone(Version::V1_3, Encoding::Wbxml));
    assert_eq!(subscribe(&mut bob, &[Type::AddedToContactList]), 200);
    let contacts = vec![NickName { name: Some("Bob".into()), user_id: UserId::new(bob.user()) }];
    let request = CreateListRequest { contact_list: list_of(&alice), contacts, properties: Vec::new() };
    assert_eq!(alice.ask(Primitive::CreateListRequest(request)), 200);
    let by = NotificationPayload::Users(vec![User::from(UserId::new(alice.user()))]);
    assert_eq!(hear_of(&mut bob, &Type::AddedToContactList), by);
}

#[test]
fn wv_ntf_07_members_hear_of_their_membership() {
    let (mut alice, mut bob) = (phone(Version::V1_2, Encoding::Xml), phone(Version::V1_3, Encoding::Xml));
    let mut carol = phone(Version::V1_3, Encoding::Wbxml);
    let wanted = [Type::GroupMembershipGranted, Type::GroupMembershipRevoked, Type::GroupMembersChanged];
    assert_eq!((subscribe(&mut bob, &wanted), subscribe(&mut carol, &wanted)), (200, 200));
    let group = room_of(&alice);
    assert_eq!(create(&mut alice, &group, "al", &PLAIN), 200);
    let members =
        |phone: &Phone| UserList { users: vec![User::from(UserId::new(phone.user()))], ..UserList::default() };
    let add = |alice: &mut Phone, phone: &Phone| {
        let request = AddGroupMembersRequest { group_id: group.clone(), members: members(phone) };
        assert_eq!(alice.ask(Primitive::AddGroupMembersRequest(request)), 200);
    };
    add(&mut alice, &bob);
    assert_eq!(hear_of(&mut bob, &Type::GroupMembershipGranted), of_group(&group));
    add(&mut alice, &carol);
    assert_eq!(hear_of(&mut carol, &Type::GroupMembershipGranted), of_group(&group));
    assert_eq!(hear_of(&mut bob, &Type::GroupMembersChanged), of_group(&group));
    let request = RemoveGroupMembersRequest { group_id: group.clone(), members: members(&bob) };
    assert_eq!(alice.ask(Primitive::RemoveGroupMembersRequest(request)), 200);
    assert_eq!(hear_of(&mut bob, &Type::GroupMembershipRevoked), of_group(&group));
    assert_eq!(hear_of(&mut carol, &Type::GroupMembersChanged), of_group(&group));
}

#[test]
fn wv_ntf_08_who_waits_for_what_never_happens_is_told_so() {
    let mut alice = phone(Version::V1_3, Encoding::Xml);
    let never = [Type::OnlineEtemChanged, Type::SessionPriorityChanged];
    assert_eq!(subscribe(&mut alice, &never), 501);
    let types = vec![Type::GroupCreated, Type::SessionPriorityChanged];
    let wish = Primitive::SubscribeNotificationRequest(SubscribeNotificationRequest { types });
    let Primitive::Status(Status { result, .. }) = alice.request(wish).unwrap() else { panic!("no Status") };
    let details: Vec<_> =
        result.detailed.iter().map(|detail| (detail.code.number(), detail.description.clone())).collect();
    assert_eq!(result.code.number(), 201);
    assert_eq!(details, [(501, Some("never here: SPA".into()))]);
}

#[test]
fn wv_ntf_09_an_extension_is_an_event_besides() {
    let (mut alice, mut bob) = (phone(Version::V1_3, Encoding::Xml), phone(Version::V1_3, Encoding::Wbxml));
    let mut other = second(&alice);
    let wanted = [Type::ConversationExtended, Type::GroupExtended];
    assert_eq!((subscribe(&mut bob, &wanted), subscribe(&mut other, &wanted)), (200, 200));
    let request = ExtendConversationRequest {
        conversation_id: "e9".into(),
        users: vec![UserId::new(bob.user())],
        partner: None,
        subscribe_notification: None,
        welcome_note: None,
        screen_name: None,
    };
    let answer = alice.request(Primitive::ExtendConversationRequest(Box::new(request))).unwrap();
    let Primitive::ExtendConversationResponse(response) = answer else { panic!("{answer:?}") };
    let group = response.group_id.unwrap();
    assert_eq!(hear_of(&mut bob, &Type::ConversationExtended), of_group(&group));
    assert_eq!(hear_of(&mut other, &Type::ConversationExtended), of_group(&group));
    let body = InviteBody { group_id: Some(group.clone()), ..InviteBody::default() };
    let to = bob.user().to_owned();
    assert_eq!(invite(&mut alice, "g9", InviteType::ExtendedGroup, &to, body), 200);
    assert_eq!(hear_of(&mut bob, &Type::GroupExtended), of_group(&group));
    assert_eq!(hear_of(&mut other, &Type::GroupExtended), of_group(&group));
}

#[test]
fn wv_lst_05_who_is_authorised_with_its_place_on_a_list_sees_at_once() {
    let pair = pair();
    let mut alice = Phone::logged_in(shared().csp(), &pair.wv, Version::V1_3, Encoding::Wbxml);
    create_list(&mut alice, &[]);
    let friend = NickName { name: Some("Bob".into()), user_id: UserId::new(pair.sip_in_wv()) };
    let request = ListManageRequest {
        contact_list: list_of(&alice),
        change: Some(ListChange::Add(vec![friend])),
        receive_list: Some(false),
        authorize_and_grant: Some(true),
    };
    assert_eq!(alice.ask(Primitive::ListManageRequest(request)), 200);
    let answer = alice.request(Primitive::GetBlockedListRequest).unwrap();
    let Primitive::GetBlockedListResponse(lists) = answer else { panic!("{answer:?}") };
    let GetBlockedListResponse { grant: Some(grant), .. } = *lists else { panic!("no grant list") };
    let Entities::Whole(entities) = grant.entities else { panic!("{grant:?}") };
    assert_eq!(entities.users, [UserId::new(pair.sip_in_wv())]);
    let mut agent = Agent::registered(shared().sip(), &pair.sip);
    let (_, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
    agent.expect_notify(&watch, "active", |notify| notify.state.starts_with("active").then_some(()));
}
