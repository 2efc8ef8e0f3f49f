//! IWF-SUB: attribute lists, watcher lists, and questions in the way of 1.3.

use crate::{both, view::has, watched};
use acceptance::{
    agent::Agent,
    catalogue::{How, case},
    phone::Phone,
    product::{Pair, pair, shared},
    wait::until,
};
use std::time::Duration;
use wv_proto::{
    presence_attribute::{AttributeNames, Mood, PresenceAttribute, PresenceAttributeName, Qualified},
    primitive::{
        Primitive,
        attribute_list::{
            AttributeListTargets, CreateAttributeListRequest, DeleteAttributeListRequest, GetAttributeListRequest,
            GetAttributeListResponse,
        },
        contact_list::{CreateListRequest, ListChange, ListManageRequest},
        identifier::{ContactListId, UserId},
        notification::{NotificationPayload, NotificationType, SubscribeNotificationRequest},
        party::NickName,
        presence::{Presentity, SubscribePresenceRequest},
        watcher::{
            GetReactiveAuthStatusRequest, GetWatcherListRequest, GetWatcherListResponse, ReactiveAuthState,
            WatcherStatus,
        },
    },
    version::{Encoding, Version},
};

/// Every version in every encoding.
fn kinds() -> impl Iterator<Item = (Version, Encoding)> {
    Version::ALL.into_iter().flat_map(|version| [Encoding::Xml, Encoding::Wbxml].map(|encoding| (version, encoding)))
}

fn phone_of(version: Version, encoding: Encoding) -> (Pair, Phone) {
    let pair = pair();
    let phone = Phone::logged_in(shared().csp(), &pair.wv, version, encoding);
    (pair, phone)
}

fn names(all: &[PresenceAttributeName]) -> AttributeNames {
    all.iter().copied().collect()
}

fn targets(users: &[&str], lists: &[&str], default_list: bool) -> AttributeListTargets {
    AttributeListTargets {
        users: users.iter().map(|user| UserId::new(*user)).collect(),
        contact_lists: lists.iter().map(|list| ContactListId::new(*list)).collect(),
        default_list,
    }
}

fn create(targets: AttributeListTargets, attributes: AttributeNames) -> Primitive {
    Primitive::CreateAttributeListRequest(Box::new(CreateAttributeListRequest {
        attributes,
        targets,
        ..CreateAttributeListRequest::default()
    }))
}

fn lists_of(phone: &mut Phone, wanted: AttributeListTargets) -> GetAttributeListResponse {
    match phone.request(Primitive::GetAttributeListRequest(Box::new(GetAttributeListRequest { targets: wanted }))) {
        Ok(Primitive::GetAttributeListResponse(response)) => *response,
        other => panic!("{other:?}"),
    }
}

fn watchers_of(phone: &mut Phone, history: Option<Duration>) -> GetWatcherListResponse {
    let request = GetWatcherListRequest { history_period: history, watchers_max: Some(200) };
    match phone.request(Primitive::GetWatcherListRequest(request)) {
        Ok(Primitive::GetWatcherListResponse(response)) => *response,
        other => panic!("{other:?}"),
    }
}

fn moody() -> Vec<PresenceAttribute> {
    vec![
        PresenceAttribute::StatusMood(Qualified::valid(Mood::Happy)),
        PresenceAttribute::OnlineStatus(Qualified::valid(true)),
    ]
}

#[test]
fn iwf_sub_int_032_an_attribute_list_is_all_that_is_seen() {
    case("IWF-SUB-INT-032", How::Sockets, || {
        for (version, encoding) in kinds() {
            let (pair, mut phone) = phone_of(version, encoding);
            let mut agent = Agent::registered(shared().sip(), &pair.sip);
            let online = names(&[PresenceAttributeName::OnlineStatus]);
            assert_eq!(phone.ask(create(targets(&[&pair.sip_in_wv()], &[], false), online.clone())), 200);
            let (status, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
            assert_eq!(status, 200, "nobody is asked");
            assert_eq!(phone.publish(moody()), 200);
            agent.expect_notify(&watch, "the tuple", |notify| {
                assert!(!has(&notify.body, "happy"), "{}", notify.body);
                has(&notify.body, "basic").then_some(())
            });
            let lists = lists_of(&mut phone, targets(&[], &[], false));
            assert_eq!(lists.lists.len(), 1, "{lists:?}");
            assert_eq!(lists.lists[0].attributes, online);
            assert!(matches!(&lists.lists[0].target, Presentity::User(user) if user.as_str() == pair.sip_in_wv()));
        }
    });
}

#[test]
fn iwf_sub_int_045_the_most_specific_list_wins() {
    case("IWF-SUB-INT-045", How::Sockets, || {
        let (first, mut phone) = phone_of(Version::V1_2, Encoding::Wbxml);
        let (second, mut one) = (pair(), Agent::registered(shared().sip(), &first.sip));
        let mut two = Agent::registered(shared().sip(), &second.sip);
        let online = names(&[PresenceAttributeName::OnlineStatus]);
        let both = names(&[PresenceAttributeName::OnlineStatus, PresenceAttributeName::StatusMood]);
        assert_eq!(phone.ask(create(targets(&[&first.sip_in_wv()], &[], false), online)), 200);
        assert_eq!(phone.ask(create(targets(&[], &[], true), both)), 200);
        let (_, of_one) = one.watch(&first.wv_in_sip(), "presence", 600).unwrap();
        let (_, of_two) = two.watch(&first.wv_in_sip(), "presence", 600).unwrap();
        assert_eq!(phone.publish(moody()), 200);
        two.expect_notify(&of_two, "the mood", |notify| has(&notify.body, "happy").then_some(()));
        one.expect_notify(&of_one, "no mood", |notify| {
            assert!(!has(&notify.body, "happy"), "{}", notify.body);
            has(&notify.body, "basic").then_some(())
        });
        // What is said of the one is taken back: the default list holds for it, too.
        let gone = DeleteAttributeListRequest { targets: targets(&[&first.sip_in_wv()], &[], false) };
        assert_eq!(phone.ask(Primitive::DeleteAttributeListRequest(Box::new(gone))), 200);
        one.expect_notify(&of_one, "the mood at last", |notify| has(&notify.body, "happy").then_some(()));
    });
}

#[test]
fn wv_att_01_a_narrower_list_holds_for_what_waits_in_a_queue() {
    let (first, mut presentity) = phone_of(Version::V1_2, Encoding::Xml);
    let (_, mut watcher) = phone_of(Version::V1_2, Encoding::Wbxml);
    let everything = AttributeNames::of_version(Version::V1_2);
    assert_eq!(presentity.ask(create(targets(&[watcher.user()], &[], false), everything)), 200);
    assert_eq!(watcher.watch(&first.wv), 200);
    watcher.expect_presence(&first.wv, |_| Some(()));
    // The mood waits for the watcher's next poll when it is taken back.
    assert_eq!(presentity.publish(moody()), 200);
    let online = names(&[PresenceAttributeName::OnlineStatus]);
    assert_eq!(presentity.ask(create(targets(&[watcher.user()], &[], false), online)), 200);
    for _ in 0..3 {
        let told = format!("{:?}", watcher.take_told());
        assert!(!told.contains("Happy"), "{told}");
    }
}

#[test]
fn wv_prs_10_what_was_not_fetched_is_told_with_what_follows() {
    let (first, mut presentity) = phone_of(Version::V1_2, Encoding::Xml);
    let (_, mut watcher) = phone_of(Version::V1_2, Encoding::Wbxml);
    assert_eq!(presentity.ask(create(targets(&[], &[], true), AttributeNames::of_version(Version::V1_2))), 200);
    assert_eq!(watcher.watch(&first.wv), 200);
    watcher.expect_presence(&first.wv, |_| Some(()));
    assert_eq!(presentity.publish(moody()), 200);
    let text = PresenceAttribute::StatusText(Qualified::valid("later".into()));
    assert_eq!(presentity.publish(vec![text]), 200);
    let mut told = String::new();
    watcher.expect_presence(&first.wv, |list| {
        told.push_str(&format!("{list:?}"));
        told.contains("later").then_some(())
    });
    assert!(told.contains("Happy"), "{told}");
}

#[test]
fn iwf_sub_int_034_watchers_are_listed() {
    case("IWF-SUB-INT-034", How::Sockets, || {
        for (version, encoding) in kinds() {
            let (first, mut phone) = phone_of(version, encoding);
            let second = pair();
            let everything = AttributeNames::of_version(version);
            assert_eq!(phone.ask(create(targets(&[], &[], true), everything)), 200);
            let mut one = Agent::registered(shared().sip(), &first.sip);
            let mut two = Agent::registered(shared().sip(), &second.sip);
            one.watch(&first.wv_in_sip(), "presence", 600).unwrap();
            let (_, leaving) = two.watch(&first.wv_in_sip(), "presence", 600).unwrap();
            let listed = watchers_of(&mut phone, None);
            let mut who: Vec<&str> = listed.watchers.iter().map(|watcher| watcher.user.user_id.as_str()).collect();
            who.sort_unstable();
            let mut expected = [first.sip_in_wv(), second.sip_in_wv()];
            expected.sort_unstable();
            assert_eq!(who, expected, "{listed:?}");
            assert_eq!(two.refresh(&leaving, 0), Ok(200));
            // The end of a subscription is answered before it is noted.
            let gone = second.sip_in_wv();
            let listed = until("the watcher that left is no current one", Duration::from_secs(10), || {
                let listed = watchers_of(&mut phone, Some(Duration::from_secs(172_800)));
                let stays = listed.watchers.iter().any(|watcher| {
                    let is_current = watcher.status != Some(WatcherStatus::FormerSubscriber);
                    watcher.user.user_id.as_str() == gone && is_current
                });
                (!stays).then_some(listed)
            });
            let of = |user: &str| listed.watchers.iter().find(|watcher| watcher.user.user_id.as_str() == user);
            match version {
                Version::V1_1 => {
                    assert!(of(&first.sip_in_wv()).is_some() && of(&second.sip_in_wv()).is_none(), "{listed:?}");
                }
                Version::V1_2 | Version::V1_3 => {
                    let status = |user: &str| of(user).and_then(|watcher| watcher.status.clone());
                    assert_eq!(status(&first.sip_in_wv()), Some(WatcherStatus::CurrentSubscriber));
                    assert_eq!(status(&second.sip_in_wv()), Some(WatcherStatus::FormerSubscriber));
                    assert_eq!(listed.history_period, Some(Duration::from_secs(172_800)));
                    // WV-WCH-02
                    let has_former = |history| {
                        let listed = watchers_of(&mut phone, history);
                        listed.watchers.iter().any(|watcher| watcher.status == Some(WatcherStatus::FormerSubscriber))
                    };
                    assert_eq!([None, Some(Duration::ZERO)].map(has_former), [true, false]);
                }
            }
        }
    });
}

#[test]
fn iwf_sub_int_025_who_is_added_to_a_list_is_watched() {
    case("IWF-SUB-INT-025", How::Sockets, || {
        for (version, encoding) in kinds().filter(|(version, _)| *version != Version::V1_1) {
            let (_, mut phone) = phone_of(version, encoding);
            let (other, mut later) = phone_of(Version::V1_2, Encoding::Xml);
            assert_eq!(later.ask(create(targets(&[], &[], true), AttributeNames::of_version(Version::V1_2))), 200);
            let list = ContactListId::new(format!("{}/friends@wv.example", phone.user().split('@').next().unwrap()));
            let create_list =
                CreateListRequest { contact_list: list.clone(), contacts: Vec::new(), properties: Vec::new() };
            let answer = phone.request(Primitive::CreateListRequest(create_list)).unwrap();
            assert!(!matches!(acceptance::phone::code_of(&answer), Some(201..)), "{answer:?}");
            let watch = SubscribePresenceRequest {
                contact_lists: vec![list.clone()],
                auto_subscribe: Some(true),
                ..SubscribePresenceRequest::default()
            };
            assert_eq!(phone.ask(Primitive::SubscribePresenceRequest(watch)), 200);
            let member = NickName { name: Some("Later".into()), user_id: UserId::new(other.wv.as_str()) };
            let change = |change| {
                Primitive::ListManageRequest(ListManageRequest {
                    contact_list: list.clone(),
                    change: Some(change),
                    receive_list: Some(false),
                    authorize_and_grant: None,
                })
            };
            assert_eq!(phone.ask(change(ListChange::Add(vec![member]))), 200);
            phone.expect_presence(&other.wv, |_| Some(()));
            assert_eq!(phone.ask(change(ListChange::Remove(vec![UserId::new(other.wv.as_str())]))), 200);
            phone.take_told();
            assert_eq!(later.publish(moody()), 200);
            assert!(!format!("{:?}", phone.take_told()).contains("Happy"));
        }
    });
}

#[test]
fn iwf_sub_int_046_a_question_in_the_way_of_1_3() {
    case("IWF-SUB-INT-046", How::Sockets, || {
        for encoding in [Encoding::Xml, Encoding::Wbxml] {
            let (pair, mut phone) = phone_of(Version::V1_3, encoding);
            let types = vec![NotificationType::AuthorizationNeededForUser];
            let wish = Primitive::SubscribeNotificationRequest(SubscribeNotificationRequest { types });
            assert_eq!(phone.ask(wish), 200);
            let mut agent = Agent::registered(shared().sip(), &pair.sip);
            let (_, watch) = agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
            agent.expect_notify(&watch, "pending", |notify| notify.state.starts_with("pending").then_some(()));
            phone.expect("a Notification-Request", |told| {
                assert!(!matches!(told, Primitive::PresenceAuthRequest(_)), "{told:?}");
                let Primitive::NotificationRequest(notice) = told else { return None };
                assert_eq!(notice.notification_type, NotificationType::AuthorizationNeededForUser);
                let NotificationPayload::Authorization(about) = &notice.payload else { panic!("{notice:?}") };
                assert_eq!(about.users, [UserId::new(pair.sip_in_wv())]);
                Some(())
            });
            let online = names(&[PresenceAttributeName::OnlineStatus]);
            assert_eq!(phone.ask(create(targets(&[&pair.sip_in_wv()], &[], false), online)), 200);
            agent.expect_notify(&watch, "active with a document", |notify| {
                (notify.state.starts_with("active") && has(&notify.body, "basic")).then_some(())
            });
            assert!(phone.take_told().is_empty(), "the question is put once");
        }
    });
}

#[test]
fn wv_getaut_questions_and_decisions_have_their_state() {
    let (pair, mut phone, mut agent) = both();
    let status = |phone: &mut Phone| {
        let request = GetReactiveAuthStatusRequest { users: vec![UserId::new(pair.sip_in_wv())] };
        match phone.request(Primitive::GetReactiveAuthStatusRequest(request)) {
            Ok(Primitive::GetReactiveAuthStatusResponse(response)) => {
                response.statuses.first().map(|status| status.state.clone())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(status(&mut phone), None);
    agent.watch(&pair.wv_in_sip(), "presence", 600).unwrap();
    assert_eq!(status(&mut phone), Some(ReactiveAuthState::Pending));
    phone.decide(&pair.sip_in_wv(), true);
    assert_eq!(status(&mut phone), Some(ReactiveAuthState::Granted));
    phone.grant(&pair.sip_in_wv(), false);
    assert_eq!(status(&mut phone), Some(ReactiveAuthState::Denied));
}

#[test]
fn wv_att_02_a_list_that_names_nothing_shows_nothing() {
    let (pair, mut phone, mut agent, watch) = watched();
    assert_eq!(phone.ask(create(targets(&[&pair.sip_in_wv()], &[], false), AttributeNames::default())), 200);
    assert_eq!(phone.publish(moody()), 200);
    agent.expect_notify(&watch, "a document without a tuple", |notify| {
        assert!(!has(&notify.body, "happy"), "{}", notify.body);
        (!has(&notify.body, "basic")).then_some(())
    });
    let unknown = phone.user().replace('@', "/nobody@");
    let answer = phone.ask(create(targets(&[], &[&unknown], false), AttributeNames::default()));
    assert_eq!(answer, 700);
}
