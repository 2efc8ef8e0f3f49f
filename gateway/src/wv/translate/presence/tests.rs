use super::*;
use mapping::presence::Availability;
use std::sync::Arc;
use wv_proto::presence_attribute::{self as wv, PresenceSubList};

fn device() -> DeviceId {
    DeviceId::new("phone")
}

fn view(document: PresenceDocument, attributes: AttributeSet) -> PresenceView {
    PresenceView { document: Arc::new(document), attributes, changed: AttributeSet::ALL }
}

#[test]
fn an_update_says_only_what_it_names() {
    let list: PresenceSubList = [
        PresenceAttribute::UserAvailability(Qualified::valid(wv::Availability::Discreet)),
        PresenceAttribute::StatusText(Qualified::unknown()),
    ]
    .into_iter()
    .collect();
    let document = from_update(&list, &device(), Timestamp::EPOCH).unwrap();
    assert_eq!(document.person.availability, Value::Known(Availability::Discreet));
    assert_eq!(document.person.status_text, Value::Unknown);
    assert!(document.person.mood.is_absent());
}

// WV-PRS-03
#[test]
fn a_value_without_qualifier_counts_in_an_update() {
    let value = Qualified { qualifier: None, value: Some("hello".into()), client_id: None };
    let list: PresenceSubList = [PresenceAttribute::StatusText(value)].into_iter().collect();
    let document = from_update(&list, &device(), Timestamp::EPOCH).unwrap();
    assert_eq!(document.person.status_text.known().map(AsRef::as_ref), Some("hello"));
}

#[test]
fn an_impossible_availability_is_refused() {
    let value = Qualified::valid(wv::Availability::parse("BUSY"));
    let list: PresenceSubList = [PresenceAttribute::UserAvailability(value)].into_iter().collect();
    let refused = from_update(&list, &device(), Timestamp::EPOCH);
    assert_eq!(refused, Err(BadPresenceValue(Attribute::UserAvailability)));
}

// WV-PRS-05
#[test]
fn what_may_be_seen_but_is_not_known_gets_qualifier_f() {
    let shown =
        to_sub_list(&view(PresenceDocument::default(), [Attribute::StatusText].into_iter().collect()), Version::V1_2);
    assert_eq!(shown.attributes, [PresenceAttribute::StatusText(Qualified::unknown())]);
}

#[test]
fn the_online_device_speaks_for_all() {
    let phone = |name: &str, online, at| Device {
        id: DeviceId::new(name),
        online: Value::Known(online),
        updated: Some(Timestamp::from_secs(at)),
        ..Device::default()
    };
    let document =
        PresenceDocument { devices: vec![phone("a", false, 9), phone("b", true, 1)], ..PresenceDocument::default() };
    let shown = to_sub_list(&view(document, [Attribute::OnlineStatus].into_iter().collect()), Version::V1_3);
    assert_eq!(shown.attributes, [PresenceAttribute::OnlineStatus(Qualified::valid(true))]);
}

// WV-PRS-07
#[test]
fn an_old_phone_reads_online_from_comm_cap() {
    let document = PresenceDocument {
        devices: vec![Device { online: Value::Known(true), ..Device::default() }],
        ..PresenceDocument::default()
    };
    let shown = to_sub_list(&view(document, [Attribute::CommCap].into_iter().collect()), Version::V1_1);
    let PresenceAttribute::CommCap(capabilities) = &shown.attributes[0] else { panic!("{shown:?}") };
    let entry = &capabilities.value.as_ref().unwrap()[0];
    assert_eq!((entry.capability.as_str(), entry.note.as_deref()), ("IM", None));
}

#[test]
fn info_link_is_not_told_to_1_1() {
    let everything = view(PresenceDocument::default(), AttributeSet::ALL);
    let names = |version| to_sub_list(&everything, version).names();
    assert!(!names(Version::V1_1).contains(PresenceAttributeName::InfoLink));
    assert!(names(Version::V1_2).contains(PresenceAttributeName::InfoLink));
}

#[test]
fn every_attribute_survives_the_way_there_and_back() {
    let contact = |name: &str, priority: &str| wv::AddrPref {
        capability: wv::Capability::Im,
        address: name.into(),
        state: Some(wv::CapabilityState::Open),
        name: None,
        priority: Some(priority.into()),
    };
    let said: PresenceSubList = [
        PresenceAttribute::OnlineStatus(Qualified::valid(true)),
        PresenceAttribute::Registration(Qualified::valid(false)),
        PresenceAttribute::ClientInfo(Box::new(Qualified::valid(wv::ClientInfo {
            manufacturer: Some("Maker".into()),
            language: Some("fin".into()),
            ..wv::ClientInfo::default()
        }))),
        PresenceAttribute::TimeZone(Qualified::valid(wv::TimeZone { zone: "+02".into() })),
        PresenceAttribute::FreeTextLocation(Qualified::valid("at home".into())),
        PresenceAttribute::Plmn(Qualified::valid("Sonera".into())),
        PresenceAttribute::UserAvailability(Qualified::valid(wv::Availability::NotAvailable)),
        PresenceAttribute::PreferredContacts(Qualified::valid(vec![
            contact("sip:a@x", "10"),
            contact("sip:b@x", "20"),
        ])),
        PresenceAttribute::PreferredLanguage(Qualified::valid("swe".into())),
        PresenceAttribute::StatusText(Qualified::valid("gone fishing".into())),
        PresenceAttribute::StatusMood(Qualified::valid(wv::Mood::InLove)),
        PresenceAttribute::Alias(Qualified::valid("Al".into())),
        PresenceAttribute::ContactInfo(Qualified::valid(wv::ContactInfo::Referred("http://x/card".into()))),
    ]
    .into_iter()
    .collect();
    let document = from_update(&said, &device(), Timestamp::EPOCH).unwrap();
    let asked = from_names(Some(&said.names()));
    assert_eq!(to_sub_list(&view(document, asked), Version::V1_2), said);
}

// WV-PRS-14
#[test]
fn what_vendors_say_is_passed_on_where_it_was_said() {
    let vendor = |name: &str, namespace: Option<&str>| wv::VendorElement {
        namespace: namespace.map(Into::into),
        ..wv::VendorElement::with_text(name, "PC")
    };
    let detail = vendor("ClientTypeDetail", Some("http://vendor.example/pa"));
    let client = wv::ClientInfo { vendor: vec![detail.clone()], ..wv::ClientInfo::default() };
    let said: PresenceSubList = [
        PresenceAttribute::ClientInfo(Box::new(Qualified::valid(client.clone()))),
        PresenceAttribute::Vendor(vendor("ShoeSize", None)),
        PresenceAttribute::Vendor(wv::VendorElement::with_text("Huge", &"x".repeat(9000))),
    ]
    .into_iter()
    .collect();
    let document = from_update(&said, &device(), Timestamp::EPOCH).unwrap();
    assert_eq!((document.person.extensions.len(), document.devices[0].extensions.len()), (1, 1));
    let shown = to_sub_list(&view(document.clone(), AttributeSet::ALL), Version::V1_2);
    assert!(shown.attributes.contains(&PresenceAttribute::ClientInfo(Box::new(Qualified::valid(client)))));
    assert_eq!(shown.attributes.last(), Some(&PresenceAttribute::Vendor(vendor("ShoeSize", None))));
    let mut without = AttributeSet::ALL;
    without.remove(Attribute::Extension);
    let shown = to_sub_list(&view(document, without), Version::V1_2);
    let names: Vec<_> = shown.attributes.iter().filter(|one| one.name().is_none()).collect();
    assert!(names.is_empty(), "{names:?}");
}
