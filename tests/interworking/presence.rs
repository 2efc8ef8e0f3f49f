//! IWF-PRS: presence attributes.

use crate::{
    both,
    view::{children, document, has, pidf, text, texts, tuple},
    watched, watching,
};
use acceptance::{
    agent::{Agent, Watch},
    catalogue::{How, case},
    phone::Phone,
};
use sip_proto::message::Method;
use wv_proto::{
    presence_attribute::{
        Availability, Capability, CapabilityState, CivicAddress, CommC, GeoLocation, InfoLink, Mood, PresenceAttribute,
        PresenceSubList, Qualified, TimeZone,
    },
    primitive::{Primitive, identifier::UserId, party::User, presence::GetPresenceRequest},
};

/// Publishes and waits until the watcher has a document that the question says yes to.
fn publish_and_see<T>(
    phone: &mut Phone,
    agent: &mut Agent,
    watch: &Watch,
    attributes: Vec<PresenceAttribute>,
    mut question: impl FnMut(&str) -> Option<T>,
) -> T {
    // What came before does not count.
    agent.take_requests(&Method::Notify);
    assert_eq!(phone.publish(attributes), 200);
    agent.expect_notify(watch, "the change", |notify| question(&notify.body))
}

fn online(is_online: bool) -> PresenceAttribute {
    PresenceAttribute::OnlineStatus(Qualified::valid(is_online))
}

fn available(availability: Availability) -> PresenceAttribute {
    PresenceAttribute::UserAvailability(Qualified::valid(availability))
}

fn status_text(text: &str) -> PresenceAttribute {
    PresenceAttribute::StatusText(Qualified::valid(text.into()))
}

/// The attributes of a kind in a notification.
fn find<T>(list: &PresenceSubList, pick: impl Fn(&PresenceAttribute) -> Option<T>) -> Option<T> {
    list.attributes.iter().find_map(pick)
}

fn online_of(list: &PresenceSubList) -> Option<bool> {
    find(list, |attribute| match attribute {
        PresenceAttribute::OnlineStatus(value) => value.valid_value().copied(),
        _ => None,
    })
}

fn availability_of(list: &PresenceSubList) -> Option<Availability> {
    find(list, |attribute| match attribute {
        PresenceAttribute::UserAvailability(value) => value.valid_value().cloned(),
        _ => None,
    })
}

#[test]
fn iwf_prs_int_001_available_is_open_and_willing() {
    case("IWF-PRS-INT-001", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let attributes = vec![online(true), available(Availability::Available)];
        let body = publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            has(body, "overriding-willingness").then(|| body.to_owned())
        });
        assert_eq!(texts(&body, "basic"), ["open", "open"], "{body}");
        assert!(!has(&body, "busy") && !has(&body, "away"), "{body}");
    });
}

#[test]
fn iwf_prs_int_002_discreet_is_busy_and_willing() {
    case("IWF-PRS-INT-002", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let attributes = vec![online(true), available(Availability::Discreet)];
        let body = publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            has(body, "busy").then(|| body.to_owned())
        });
        assert_eq!(texts(&body, "basic"), ["open", "open"], "{body}");
    });
}

#[test]
fn iwf_prs_int_003_not_available_is_away_and_unwilling() {
    case("IWF-PRS-INT-003", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let attributes = vec![online(true), available(Availability::NotAvailable)];
        let body = publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            has(body, "away").then(|| body.to_owned())
        });
        assert_eq!(texts(&body, "basic"), ["open", "closed"], "the willingness is closed: {body}");
    });
}

#[test]
fn iwf_prs_int_004_offline_closes_the_tuple() {
    case("IWF-PRS-INT-004", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        for (is_online, basic) in [(false, "closed"), (true, "open"), (false, "closed")] {
            publish_and_see(&mut phone, &mut agent, &watch, vec![online(is_online)], |body| {
                (text(body, "basic")? == basic).then_some(())
            });
        }
    });
}

#[test]
fn iwf_prs_int_005_every_mood_is_one_rpid_mood() {
    case("IWF-PRS-INT-005", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        for mood in Mood::ALL.iter().cloned() {
            let name = mood.as_str().to_ascii_lowercase();
            let attributes = vec![PresenceAttribute::StatusMood(Qualified::valid(mood))];
            publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
                (children(body, "mood") == [name.as_str()]).then_some(())
            });
        }
    });
}

#[test]
fn iwf_prs_int_006_status_text_is_a_note() {
    case("IWF-PRS-INT-006", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let words = "gr\u{fc}n \u{1F600} <&> \"so\"";
        publish_and_see(&mut phone, &mut agent, &watch, vec![status_text(words)], |body| {
            (text(body, "note")? == words).then_some(())
        });
    });
}

#[test]
fn iwf_prs_int_007_alias_and_link() {
    case("IWF-PRS-INT-007", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let link = InfoLink { link: "http://wv.example/me".into(), text: None, content_type: None };
        let attributes = vec![
            PresenceAttribute::Alias(Qualified::valid("Ally".into())),
            PresenceAttribute::InfoLink(Qualified::valid(vec![link])),
        ];
        publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            (text(body, "display-name")? == "Ally" && text(body, "homepage")? == "http://wv.example/me").then_some(())
        });
    });
}

#[test]
fn iwf_prs_int_008_time_zone_is_an_offset() {
    case("IWF-PRS-INT-008", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let attributes = vec![PresenceAttribute::TimeZone(Qualified::valid(TimeZone { zone: "+05:30".into() }))];
        publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            (text(body, "time-offset")? == "330").then_some(())
        });
    });
}

#[test]
fn iwf_prs_int_009_location_is_a_circle_of_the_device() {
    case("IWF-PRS-INT-009", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let place = GeoLocation {
            latitude: Some("47 30 0.000N".into()),
            longitude: Some("8 15 0.000E".into()),
            altitude: None,
            accuracy: Some("100".into()),
        };
        let attributes = vec![online(true), PresenceAttribute::GeoLocation(Box::new(Qualified::valid(place)))];
        let body = publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            has(body, "Circle").then(|| body.to_owned())
        });
        assert_eq!(text(&body, "pos").as_deref(), Some("47.5 8.25"), "{body}");
        assert!(text(&body, "radius").unwrap().starts_with("100") && body.contains("9001"), "{body}");
        assert!(children(&body, "device").contains(&"geopriv".to_owned()) && has(&body, "usage-rules"), "{body}");
    });
}

#[test]
fn iwf_prs_int_010_address_is_civic() {
    case("IWF-PRS-INT-010", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let address = CivicAddress {
            country: Some("DE".into()),
            city: Some("Ulm".into()),
            street: Some("Hirschstr.".into()),
            building: Some("4".into()),
            ..CivicAddress::default()
        };
        let attributes = vec![online(true), PresenceAttribute::Address(Box::new(Qualified::valid(address)))];
        publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            let found = ["country", "A3", "RD", "BLD"].map(|name| text(body, name));
            (found.map(Option::unwrap_or_default) == ["DE", "Ulm", "Hirschstr.", "4"]).then_some(())
        });
    });
}

#[test]
fn iwf_prs_int_011_capabilities_are_tuples() {
    case("IWF-PRS-INT-011", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let entry = |capability, state, contact: &str| CommC {
            capability,
            state: Some(state),
            contact: Some(contact.into()),
            note: None,
        };
        let entries = vec![
            entry(Capability::Im, CapabilityState::Open, "sip:me@wv.example"),
            entry(Capability::Call, CapabilityState::Closed, "tel:+4912345678"),
        ];
        let attributes = vec![online(true), PresenceAttribute::CommCap(Qualified::valid(entries))];
        publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            let contacts = texts(body, "contact");
            let is_there = |scheme: &str| contacts.iter().any(|contact| contact.starts_with(scheme));
            (texts(body, "basic") == ["open", "closed"] && is_there("sip:") && is_there("tel:")).then_some(())
        });
    });
}

#[test]
fn iwf_prs_int_012_an_invalid_text_disappears() {
    case("IWF-PRS-INT-012", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let attributes = vec![online(true), available(Availability::Discreet), status_text("soon gone")];
        publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| has(body, "note").then_some(()));
        let attributes = vec![PresenceAttribute::StatusText(Qualified::unknown())];
        let body = publish_and_see(&mut phone, &mut agent, &watch, attributes, |body| {
            (!has(body, "note")).then(|| body.to_owned())
        });
        assert!(has(&body, "busy") && text(&body, "basic").as_deref() == Some("open"), "others are untouched: {body}");
    });
}

#[test]
fn iwf_prs_int_014_a_bad_value_is_refused() {
    case("IWF-PRS-INT-014", How::Sockets, || {
        let (_, mut phone, mut agent, watch) = watched();
        let foo = available(Availability::parse("FOO"));
        assert_eq!(phone.publish(vec![foo, status_text("with a bad one")]), 751);
        publish_and_see(&mut phone, &mut agent, &watch, vec![status_text("a good one")], |body| {
            assert!(!body.contains("with a bad one"), "nothing of it was published: {body}");
            body.contains("a good one").then_some(())
        });
    });
}

#[test]
fn iwf_prs_int_016_open_and_closed() {
    case("IWF-PRS-INT-016", How::Sockets, || {
        let (pair, mut phone, mut agent) = watching();
        let tag = agent.publish(&pidf(&pair.sip, "open", "here"), None).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| (online_of(list)?).then_some(()));
        agent.publish(&pidf(&pair.sip, "closed", "gone"), Some(&tag)).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| (!online_of(list)?).then_some(()));
    });
}

#[test]
fn iwf_prs_int_017_every_activity_has_its_availability() {
    case("IWF-PRS-INT-017", How::Sockets, || {
        let (pair, mut phone, mut agent) = watching();
        let away = [
            "sleeping",
            "permanent-absence",
            "vacation",
            "holiday",
            "away",
            "travel",
            "in-transit",
            "meal",
            "breakfast",
            "lunch",
            "dinner",
            "shopping",
            "worship",
            "performance",
            "spectator",
        ];
        let busy = [
            "busy",
            "meeting",
            "appointment",
            "presentation",
            "on-the-phone",
            "steering",
            "working",
            "looking-for-work",
            "tv",
            "playing",
        ];
        let nothing = ["unknown", "other"];
        let expected = away
            .map(|name| (name, Availability::NotAvailable))
            .into_iter()
            .chain(busy.map(|name| (name, Availability::Discreet)))
            .chain(nothing.map(|name| (name, Availability::Available)));
        let mut tag: Option<String> = None;
        for (name, availability) in expected {
            // Between two of the same availability there is a change that can be seen.
            for (activity, expected) in [(Some(name), availability.clone()), (None, Availability::Available)] {
                let person = activity.map(|name| format!("<rpid:activities><rpid:{name}/></rpid:activities>"));
                let tuple = tuple("t1", "open", None, &format!("<note>{name}{}</note>", activity.is_some()));
                let body = document(&pair.sip, &tuple, &person.unwrap_or_default());
                tag = Some(agent.publish(&body, tag.as_deref()).unwrap());
                phone.expect_presence(&pair.sip_in_wv(), |list| {
                    let words = format!("{name}{}", activity.is_some());
                    let text = find(list, |attribute| match attribute {
                        PresenceAttribute::StatusText(value) => value.valid_value().cloned(),
                        _ => None,
                    })?;
                    if *text != *words {
                        return None;
                    }
                    let seen = availability_of(list);
                    assert!(seen.is_none() || seen == Some(expected.clone()), "{name}: {seen:?}");
                    Some(())
                });
            }
        }
    });
}

#[test]
fn iwf_prs_int_029_an_id_that_is_a_number_is_accepted() {
    case("IWF-PRS-INT-029", How::Sockets, || {
        let (pair, mut phone, mut agent) = watching();
        let body = document(&pair.sip, &tuple("1234", "open", None, "<note>numbered</note>"), "");
        agent.publish(&body, None).unwrap();
        phone.expect_presence(&pair.sip_in_wv(), |list| (online_of(list)?).then_some(()));
        let (_, mut phone, mut agent, watch) = watched();
        let body = publish_and_see(&mut phone, &mut agent, &watch, vec![status_text("any")], |body| {
            has(body, "tuple").then(|| body.to_owned())
        });
        let mut ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let count = ids.len();
        assert!(
            ids.iter().all(|id| id.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')),
            "{body}"
        );
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "ids are unique: {body}");
    });
}

#[test]
fn iwf_prs_int_031_own_presence_is_always_one_presence() {
    case("IWF-PRS-INT-031", How::Sockets, || {
        let (pair, mut phone, _) = both();
        let users = vec![User::from(UserId::new(pair.wv))];
        let request = GetPresenceRequest { users, ..GetPresenceRequest::default() };
        let answer = phone.request(Primitive::GetPresenceRequest(request)).unwrap();
        let Primitive::GetPresenceResponse(response) = answer else { panic!("{answer:?}") };
        assert_eq!((response.result.code.number(), response.presences.len()), (200, 1), "{response:?}");
    });
}
