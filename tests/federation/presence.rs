//! Presence between a foreign home server and users here.

use super::{ALICE, BOB, CAROL, World};
use acceptance::{agent::Agent, phone::Phone};
use wv_proto::{
    presence_attribute::{Availability, PresenceAttribute, PresenceSubList, Qualified},
    primitive::identifier::UserId,
    ssp::{
        part::PresenceValue,
        primitive::{GetPresenceRequest, PresenceNotification, Primitive, UnsubscribeRequest},
    },
    version::{Encoding, Version},
};

fn value(user: &str, online: bool, text: Option<&str>) -> PresenceValue {
    let mut list = vec![PresenceAttribute::OnlineStatus(Qualified::valid(online))];
    if let Some(text) = text {
        list.push(PresenceAttribute::UserAvailability(Qualified::valid(Availability::Available)));
        list.push(PresenceAttribute::StatusText(Qualified::valid(text.into())));
    }
    let attributes = Some(list.into_iter().collect::<PresenceSubList>());
    PresenceValue { user_id: UserId::new(user), attributes }
}

fn says(value: &PresenceValue, wanted: &str) -> bool {
    value.attributes.as_ref().is_some_and(|list| has_text(list, wanted))
}

fn has_text(list: &PresenceSubList, wanted: &str) -> bool {
    list.attributes.iter().any(|attribute| match attribute {
        PresenceAttribute::StatusText(text) => text.valid_value().is_some_and(|text| text.as_ref() == wanted),
        _ => false,
    })
}

fn is_offline(list: &PresenceSubList) -> bool {
    list.attributes.iter().any(|attribute| match attribute {
        PresenceAttribute::OnlineStatus(online) => online.valid_value() == Some(&false),
        _ => false,
    })
}

#[test]
fn a_foreign_user_watches_a_phone_here() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    let text = PresenceAttribute::StatusText(Qualified::valid("at work".into()));
    assert_eq!(carol.publish(vec![text]), 200);
    world.home.open_session("wv.example");
    let answer = world.home.request("wv.example", world.home.subscription(ALICE, CAROL)).unwrap();
    assert_eq!(answer.status().unwrap().code.number(), 200);
    let shows = |wanted: &'static str| {
        world.home.expect(wanted, |asked| match &asked.primitive {
            Primitive::PresenceNotification(told) => {
                assert_eq!(told.watchers.first().unwrap().user_id.as_str(), ALICE);
                told.values.iter().any(|value| says(value, wanted)).then_some(())
            }
            _ => None,
        })
    };
    shows("at work");
    assert_eq!(carol.publish(vec![PresenceAttribute::StatusText(Qualified::valid("at home".into()))]), 200);
    shows("at home");
    let request = UnsubscribeRequest { meta: world.home.meta(ALICE), users: vec![UserId::new(CAROL)] };
    let answer = world.home.request("wv.example", Primitive::UnsubscribeRequest(Box::new(request))).unwrap();
    assert_eq!(answer.status().unwrap().code.number(), 200);
}

#[test]
fn wv_ssp_14_who_may_see_nothing_is_told_so_at_once() {
    let world = World::new();
    world.home.open_session("sip.example");
    // Nobody registered this user, so nothing is known of it.
    let answer = world.home.request("sip.example", world.home.subscription(ALICE, "bob@sip.example")).unwrap();
    assert_eq!(answer.status().unwrap().code.number(), 200);
    world.home.expect("a notification", |asked| match &asked.primitive {
        Primitive::PresenceNotification(told) => {
            assert_eq!(told.watchers.first().unwrap().user_id.as_str(), ALICE);
            Some(())
        }
        _ => None,
    });
    let unknown = world.home.request("sip.example", world.home.subscription(ALICE, "wv:nobody@sip.example")).unwrap();
    assert_eq!(unknown.status().unwrap().code.number(), 531);
}

#[test]
fn a_phone_and_a_sip_user_watch_a_foreign_user() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_2, Encoding::Xml);
    let mut bob = Agent::registered(world.gateway.sip(), BOB);
    world.home.show(value(ALICE, true, Some("here")));
    assert_eq!(carol.watch(ALICE), 200);
    carol.expect_presence(ALICE, |list| has_text(list, "here").then_some(()));
    let (status, watch) = bob.watch("sip:alice@foreign.example", "presence", 600).unwrap();
    assert!(status == 200 || status == 202);
    bob.expect_notify(&watch, "here", |notify| notify.body.contains("here").then_some(()));
    // Who goes is told to be gone, and nothing else is.
    let watchers = [CAROL, "bob@sip.example"].map(|user| wv_proto::primitive::party::User::from(UserId::new(user)));
    for (local, watcher) in ["wv.example", "sip.example"].into_iter().zip(watchers) {
        let told = PresenceNotification { watchers: vec![watcher], values: vec![value(ALICE, false, None)] };
        world.home.tell(local, Primitive::PresenceNotification(told)).unwrap();
    }
    bob.expect_notify(&watch, "closed", |notify| notify.body.contains("closed").then_some(()));
    carol.expect_presence(ALICE, |list| is_offline(list).then_some(()));
}

#[test]
fn a_foreign_user_looks_once() {
    let world = World::new();
    let mut carol = Phone::logged_in(world.gateway.csp(), CAROL, Version::V1_3, Encoding::Xml);
    assert_eq!(carol.publish(vec![PresenceAttribute::StatusText(Qualified::valid("look".into()))]), 200);
    world.home.open_session("wv.example");
    let request =
        GetPresenceRequest { meta: world.home.meta(ALICE), users: vec![UserId::new(CAROL)], attributes: None };
    let answer = world.home.request("wv.example", Primitive::GetPresenceRequest(Box::new(request))).unwrap();
    let Primitive::GetPresenceResponse(response) = answer else { panic!("{answer:?}") };
    assert!(response.values.iter().any(|value| says(value, "look")), "{response:?}");
}
