//! Worked examples from the fixtures, round trips, and documents that were damaged on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test says so by panicking"
)]

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use sip_proto::body::capability::{DeviceCapabilities, Mobility, ServiceCapabilities, ServiceFeature, Support};
use sip_proto::body::cipid::Cipid;
use sip_proto::body::data_model::{Device, Person};
use sip_proto::body::location::{CivicAddress, CivicPart, LocationObject, Position};
use sip_proto::body::oma::{ActivityState, NetworkAvailability, ServiceDescription};
use sip_proto::body::passthrough::Passthrough;
use sip_proto::body::pidf::{Basic, Contact, ElementId, Note, PidfError, Presence, Priority, Tuple};
use sip_proto::body::rpid::{
    Activities, ActivityName, InputState, Listed, MoodName, Moods, PlaceIs, PlaceType, RichList, Sphere, StatusIcon,
    TimeOffset, UserInput,
};
use sip_proto::body::xml::{XmlError, XmlFragment, XmlLimits, XmlName};
use sip_proto::time::Timestamp;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/sip/pidf");

fn fixture(name: &str) -> Presence {
    let document = std::fs::read(format!("{FIXTURES}/{name}.xml")).unwrap();
    Presence::parse(&document, &XmlLimits::PRESENCE).unwrap()
}

fn reread(presence: &Presence) -> Presence {
    Presence::parse(presence.write().unwrap().as_bytes(), &XmlLimits::PRESENCE).unwrap()
}

#[test]
fn every_fixture_has_its_verdict_and_survives_rewriting() {
    let mut count = 0;
    for entry in std::fs::read_dir(FIXTURES).unwrap() {
        let path = entry.unwrap().path();
        let document = std::fs::read_to_string(&path).unwrap();
        let read = Presence::parse(document.as_bytes(), &XmlLimits::PRESENCE);
        let is_accepted = document.contains("verdict: accept");
        assert!(is_accepted || document.contains("verdict: refuse"), "{}", path.display());
        assert_eq!(read.is_ok(), is_accepted, "{}: {read:?}", path.display());
        if let Ok(mut presence) = read {
            presence.entity.get_or_insert("sip:somebody@sip.example".to_owned());
            let once = reread(&presence);
            assert_eq!(once.write().unwrap(), reread(&once).write().unwrap(), "{}", path.display());
        }
        count += 1;
    }
    assert!(count >= 8);
}

#[test]
fn the_full_example_is_understood_to_the_last_element() {
    let presence = fixture("full");
    assert_eq!(presence.entity.as_deref(), Some("sip:alice@wv.example"));
    let tuple = &presence.tuples[0];
    assert_eq!((tuple.id.as_str(), tuple.basic), ("im-7f3a", Some(Basic::Open)));
    assert_eq!(tuple.registration_state, Some(ActivityState::Active));
    assert_eq!(tuple.contact.as_ref().unwrap().priority.unwrap().thousandths(), 800);
    assert_eq!(tuple.timestamp, Some(Timestamp::from_millis(1_740_830_400_000)));
    assert_eq!(tuple.notes, [Note { language: Some("en".to_owned()), text: "on the train".to_owned() }]);
    let capabilities = tuple.capabilities.as_ref().unwrap();
    assert_eq!(capabilities.languages, ["fi"]);
    assert_eq!(capabilities.methods[0].as_str(), "MESSAGE");
    assert_eq!(capabilities.features.get(&ServiceFeature::Text), Some(&Support::Supported));
    let person = &presence.persons[0];
    assert_eq!(person.activities.as_ref().unwrap().values, [Listed::Named(ActivityName::Busy)]);
    assert_eq!(person.moods.as_ref().unwrap().values, [Listed::Named(MoodName::Happy)]);
    assert_eq!(person.place_type.as_ref().unwrap().other.as_deref(), Some("Platform 3"));
    assert_eq!(person.time_offset.as_ref().unwrap().minutes, 120);
    assert_eq!(person.overriding_willingness, Some(Basic::Open));
    assert_eq!(person.cipid.card.as_deref(), Some("https://gw.example/content/alice.vcf"));
    let device = &presence.devices[0];
    assert_eq!(device.capabilities.as_ref().unwrap().mobility, Some(Mobility::Mobile));
    assert_eq!(device.networks, [NetworkAvailability { id: "IMS".to_owned(), state: ActivityState::Active }]);
    let location = device.location.as_ref().unwrap();
    let expected =
        Position { latitude_e7: 601_708_330, longitude_e7: 249_375_000, altitude_mm: None, radius_mm: Some(50_000) };
    assert_eq!(location.position, Some(expected));
    assert_eq!(location.civic.as_ref().unwrap().get(&CivicPart::A3).map(String::as_str), Some("Helsinki"));
    assert!(presence.extensions.is_empty() && tuple.extensions.is_empty() && person.extensions.is_empty());
    assert_eq!(reread(&presence), presence);
}

#[test]
fn a_politely_blocked_watcher_sees_the_closed_example() {
    assert_eq!(fixture("closed"), Presence::closed("sip:alice@wv.example"));
}

#[test]
fn draft_namespaces_are_read_as_what_they_became() {
    let presence = fixture("draft_person");
    let activities = presence.persons[0].activities.as_ref().unwrap();
    assert_eq!(activities.values, [Listed::Named(ActivityName::OnThePhone)]);
    assert_eq!((presence.tuples[0].id.as_str(), presence.tuples[0].basic), ("ID-100", Some(Basic::Open)));
    assert_eq!(presence.notes[0].text, "On the phone");
}

#[test]
fn oddities_of_clients_are_tolerated_and_not_repeated() {
    let mut presence = fixture("device_status");
    assert_eq!(presence.write(), Err(PidfError::MissingEntity));
    assert_eq!(presence.devices[0].basic_hint, Some(Basic::Open));
    assert_eq!(presence.tuples[0].show.as_deref(), Some("dnd"));
    presence.entity = Some("sip:a@b".to_owned());
    let document = presence.write().unwrap();
    assert!(document.contains("<rpid:meal/>") && !document.contains("lunch"));
    assert!(document.contains("<rpid:other>juggling</rpid:other>"));
}

#[test]
fn an_element_that_must_be_understood_takes_its_tuple_with_it() {
    let presence = fixture("must_understand_tuple");
    assert_eq!(presence.tuples.len(), 1);
    assert_eq!(presence.tuples[0].status_extensions[0].name(), "little");
}

#[test]
fn a_polygon_is_read_as_its_middle_and_usage_rules_are_kept() {
    let presence = fixture("polygon");
    let location = presence.tuples[0].location.as_ref().unwrap();
    assert_eq!(location.position.map(|p| (p.latitude_e7, p.longitude_e7)), Some((110_000_000, 210_000_000)));
    assert_eq!(location.civic.as_ref().unwrap().get(&CivicPart::Rd).map(String::as_str), Some("Broadway"));
    assert_eq!(location.usage_rules[0].name(), "retransmission-allowed");
    assert_eq!(reread(&presence), presence);
}

#[test]
fn passthrough_elements_keep_their_structure() {
    let presence = fixture("passthrough");
    let elements = &presence.devices[0].passthrough;
    assert_eq!(elements[0].child("Model").map(|model| model.text.as_str()), Some("One"));
    assert_eq!(
        elements[1].foreign[0].xml(),
        "<v:Battery xmlns:v=\"urn:vendor:PA-ext-1.2\" level=\"3\">low</v:Battery>"
    );
    assert_eq!(elements[2].text, "PDA");
    assert_eq!(reread(&presence), presence);
}

#[test]
fn identifiers_begin_with_a_letter_and_are_unique() {
    let twins = vec![Tuple { id: ElementId::from_text("7 f"), ..Tuple::default() }; 3];
    let document = Presence { tuples: twins, ..Presence::new("sip:a@b") }.write().unwrap();
    for id in ["id=\"ID-7_f\"", "id=\"ID-7_f-2\"", "id=\"ID-7_f-3\""] {
        assert!(document.contains(id), "{document}");
    }
}

#[test]
fn children_are_written_in_the_order_of_the_schema() {
    let document = fixture("full").write().unwrap();
    let order = ["<status>", "<op:registration-state>", "<caps:servcaps>", "<contact ", "<note ", "<timestamp>"];
    let places: Vec<_> = order.iter().map(|tag| document.find(tag).unwrap()).collect();
    assert!(places.is_sorted(), "{document}");
}

#[test]
fn capabilities_are_written_in_alphabetical_order_whether_understood_or_not() {
    let presence = fixture("capabilities");
    assert_eq!(presence.tuples[0].capabilities.as_ref().unwrap().extensions.len(), 3);
    let document = presence.write().unwrap();
    let order = ["<caps:audio>", "<caps:duplex ", "<caps:languages>", "<caps:schemes ", "<caps:video>", "<own "];
    let places: Vec<_> = order.iter().map(|tag| document.find(tag).unwrap()).collect();
    assert!(places.is_sorted(), "{document}");
}

#[test]
fn what_xml_cannot_carry_is_not_written() {
    let presence = Presence { notes: vec![Note::from_text("\u{8}")], ..Presence::new("sip:a@b") };
    assert_eq!(presence.write(), Err(PidfError::Xml(XmlError::ForbiddenCharacter)));
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9<>&\"'ä€😀]([ -~]{0,10}[a-zA-Z0-9<>&\"'ä€😀])?"
}

fn name() -> impl Strategy<Value = XmlName> {
    "[a-z][a-z0-9.-]{0,8}".prop_map(|name| XmlName::parse(&name).unwrap())
}

fn note() -> impl Strategy<Value = Note> {
    (of("[a-z]{2}"), text()).prop_map(|(language, text)| Note { language, text })
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_u64..4_000_000_000_000).prop_map(Timestamp::from_millis)
}

fn basic() -> impl Strategy<Value = Basic> {
    select(Basic::ALL)
}

fn fragment() -> impl Strategy<Value = XmlFragment> {
    select(&["<x:a xmlns:x='urn:x'/>", "<a xmlns='urn:y' b='1'><c/>t</a>", "<b xmlns=''>&amp;</b>"][..])
        .prop_map(|xml| XmlFragment::parse(xml, &XmlLimits::PRESENCE).unwrap())
}

fn listed<T: std::fmt::Debug + Clone>(named: impl Strategy<Value = T>) -> impl Strategy<Value = RichList<T>> {
    let value = prop_oneof![
        named.prop_map(Listed::Named),
        text().prop_map(Listed::Other),
        fragment().prop_map(Listed::Foreign),
    ];
    (vec(value, 0..3), vec(note(), 0..2)).prop_map(|(values, notes)| RichList { values, notes })
}

fn activities() -> impl Strategy<Value = Activities> {
    listed(select(ActivityName::ALL).prop_filter("written as meal", |name| *name != ActivityName::Lunch))
}

fn moods() -> impl Strategy<Value = Moods> {
    listed(select(MoodName::ALL))
}

fn location() -> impl Strategy<Value = LocationObject> {
    let position =
        (-900_000_000..=900_000_000_i64, -1_800_000_000..=1_800_000_000_i64, of(any::<i32>()), of(any::<u32>()))
            .prop_map(|(latitude_e7, longitude_e7, altitude, radius)| Position {
                latitude_e7,
                longitude_e7,
                altitude_mm: altitude.map(i64::from),
                radius_mm: radius.map(u64::from),
            });
    let civic = vec((select(CivicPart::ALL), text()), 1..4).prop_map(CivicAddress::from_iter);
    (of(position), of(civic), vec(fragment(), 0..2), of(text()))
        .prop_map(|(position, civic, usage_rules, method)| LocationObject { position, civic, usage_rules, method })
        .prop_filter("says something", |object| !object.is_empty())
}

fn input() -> impl Strategy<Value = UserInput> {
    (select(InputState::ALL), of(any::<u32>()), of(time()))
        .prop_map(|(state, idle_threshold_seconds, last_input)| UserInput { state, idle_threshold_seconds, last_input })
}

fn cipid() -> impl Strategy<Value = Cipid> {
    (of(text()), of(text()), of(text()), of(text()), of(text()), of(text())).prop_map(
        |(card, display_name, homepage, icon, map, sound)| Cipid { card, display_name, homepage, icon, map, sound },
    )
}

fn passthrough() -> impl Strategy<Value = Passthrough> {
    let leaf = (name(), text()).prop_map(|(name, text)| Passthrough::from_text(name, text));
    leaf.prop_recursive(3, 8, 3, |inner| {
        (name(), vec(inner, 1..3)).prop_map(|(name, children)| Passthrough::from_children(name, children))
    })
}

prop_compose! {
    fn capabilities()(
        features in vec((select(ServiceFeature::ALL), select(vec![Support::Supported, Support::NotSupported])), 0..4),
        languages in vec("[a-z]{2}", 0..3),
        methods in vec(name(), 0..3),
        extensions in vec(fragment(), 0..2),
    ) -> ServiceCapabilities {
        ServiceCapabilities { features: features.into_iter().collect(), languages, methods, extensions }
    }
}

prop_compose! {
    fn tuple()(
        (basic, willingness, session_participation) in (of(basic()), of(basic()), of(basic())),
        contact in of((text(), of(0_u16..=1000))),
        (notes, timestamp, device_id, show) in (vec(note(), 0..2), of(time()), of(text()), of(text())),
        (user_input, capabilities, cipid, location) in (of(input()), of(capabilities()), cipid(), of(location())),
        registration_state in of(select(ActivityState::ALL)),
        service in of((text(), of(text())).prop_map(|(service_id, version)| {
            ServiceDescription { service_id, version, description: None }
        })),
        (passthrough, status_extensions, extensions) in
            (vec(passthrough(), 0..2), vec(fragment(), 0..2), vec(fragment(), 0..2)),
    ) -> Tuple {
        let contact = contact.map(|(uri, q)| Contact { uri, priority: q.map(Priority::from_thousandths) });
        Tuple {
            basic, contact, notes, timestamp, device_id, user_input, cipid, capabilities, registration_state,
            willingness, session_participation, service, location, show, passthrough, status_extensions, extensions,
            ..Tuple::default()
        }
    }
}

prop_compose! {
    fn person()(
        (activities, moods) in (of(activities()), of(moods())),
        place_is in of((of(name()), of(name())).prop_map(|(audio, text)| PlaceIs { audio, video: None, text })),
        place_type in of((vec(name(), 0..2), of(text()), vec(note(), 0..2))
            .prop_map(|(kinds, other, notes)| PlaceType { kinds, other, notes })),
        (sphere, icon) in (of(select(Sphere::ALL)), of(text())),
        offset in of((-840_i16..=840, of(text()))),
        (user_input, cipid, overriding_willingness, location) in (of(input()), cipid(), of(basic()), of(location())),
        (passthrough, extensions) in (vec(passthrough(), 0..2), vec(fragment(), 0..2)),
        (notes, timestamp) in (vec(note(), 0..2), of(time())),
    ) -> Person {
        Person {
            activities, moods, place_is, place_type, sphere,
            status_icon: icon.map(|uri| StatusIcon { uri, content_type: None }),
            time_offset: offset.map(|(minutes, description)| TimeOffset { minutes, description }),
            user_input, cipid, overriding_willingness, location, passthrough, extensions, notes, timestamp,
            ..Person::default()
        }
    }
}

prop_compose! {
    fn device()(
        device_id in of(text()),
        capabilities in of((vec(note(), 0..2), of(select(Mobility::ALL))).prop_map(|(descriptions, mobility)| {
            DeviceCapabilities { descriptions, mobility, extensions: Vec::new() }
        })),
        networks in vec((text(), select(ActivityState::ALL))
            .prop_map(|(id, state)| NetworkAvailability { id, state }), 0..2),
        (location, passthrough, extensions) in (of(location()), vec(passthrough(), 0..2), vec(fragment(), 0..2)),
        (notes, timestamp) in (vec(note(), 0..2), of(time())),
    ) -> Device {
        Device {
            device_id, capabilities, networks, location, passthrough, extensions, notes, timestamp, ..Device::default()
        }
    }
}

prop_compose! {
    fn presence()(
        entity in text(),
        (tuples, persons, devices) in (vec(tuple(), 0..3), vec(person(), 0..2), vec(device(), 0..2)),
        (notes, extensions) in (vec(note(), 0..2), vec(fragment(), 0..2)),
    ) -> Presence {
        let mut presence = Presence { entity: Some(entity), tuples, persons, devices, notes, extensions };
        let ids = presence.tuples.iter_mut().map(|t| &mut t.id)
            .chain(presence.persons.iter_mut().map(|p| &mut p.id))
            .chain(presence.devices.iter_mut().map(|d| &mut d.id));
        for (number, id) in ids.enumerate() {
            *id = ElementId::from_text(&format!("e{number}"));
        }
        presence
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_read_back_equal(presence in presence()) {
        prop_assert_eq!(reread(&presence), presence);
    }

    #[test]
    fn damaged_documents_never_panic_and_never_grow_past_rewriting(
        cut in 0_usize..3000,
        octets in vec((0_usize..3000, any::<u8>()), 0..6),
        name in select(vec!["full", "draft_person", "passthrough", "polygon"]),
    ) {
        let mut document = std::fs::read(format!("{FIXTURES}/{name}.xml")).unwrap();
        for (place, octet) in octets {
            if let Some(target) = document.get_mut(place) {
                *target = octet;
            }
        }
        if cut % 3 == 0 {
            document.truncate(cut);
        }
        if let Ok(mut presence) = Presence::parse(&document, &XmlLimits::PRESENCE) {
            presence.entity.get_or_insert("sip:a@b".to_owned());
            // What was read can be written, and what was written can be read.
            let _ = reread(&presence);
        }
    }

    #[test]
    fn priorities_come_back(thousandths in 0_u16..=1000) {
        let priority = Priority::from_thousandths(thousandths);
        prop_assert_eq!(Priority::parse(&priority.write()), Some(priority));
    }
}
