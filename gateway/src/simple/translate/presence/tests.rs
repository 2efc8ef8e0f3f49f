use super::*;
use mapping::presence::{Attribute, AttributeSet, Device, DeviceId, Person, PresenceDocument, PresenceView, Value};
use sip_proto::body::{pidf::Presence, xml::XmlLimits};
use std::sync::Arc;

fn read(pidf: &str) -> PresenceDocument {
    from_pidf(&Presence::parse(pidf.as_bytes(), &XmlLimits::default()).unwrap(), None)
}

fn write(document: PresenceDocument, attributes: AttributeSet) -> String {
    let view = PresenceView { document: Arc::new(document), attributes, changed: attributes };
    to_pidf("sip:alice@wv.example", &view).write().unwrap()
}

fn pidf(inside: &str) -> String {
    format!(
        r#"<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:op="urn:oma:xml:prs:pidf:oma-pres" entity="sip:bob@sip.example">{inside}</presence>"#
    )
}

const OPEN: &str = r#"<tuple id="a"><status><basic>open</basic></status></tuple>"#;
const CLOSED: &str = r#"<tuple id="a"><status><basic>closed</basic></status></tuple>"#;

fn seen(inside: &str) -> (Value<bool>, Value<Availability>) {
    let document = read(&pidf(inside));
    let online = document.devices.first().map_or(Value::Absent, |device| device.online.clone());
    (online, document.person.availability)
}

#[test]
fn availability_is_decided_in_the_order_of_the_table() {
    let person = |inside: &str| format!(r#"{OPEN}<dm:person id="p">{inside}</dm:person>"#);
    let known = |online, availability| (Value::Known(online), Value::Known(availability));
    assert_eq!(seen(""), (Value::Absent, Value::Absent));
    assert_eq!(seen(OPEN), known(true, Availability::Available));
    assert_eq!(seen(CLOSED), known(false, Availability::NotAvailable));
    let activity = |name: &str| person(&format!("<rpid:activities><rpid:{name}/></rpid:activities>"));
    assert_eq!(seen(&activity("busy")), known(true, Availability::Discreet));
    assert_eq!(seen(&activity("away")), known(true, Availability::NotAvailable));
    assert_eq!(seen(&activity("unknown")), known(true, Availability::Available));
    let unwilling = "<op:overriding-willingness><op:basic>closed</op:basic></op:overriding-willingness>";
    assert_eq!(seen(&person(unwilling)), known(true, Availability::NotAvailable));
    let idle = "<rpid:user-input>idle</rpid:user-input>";
    assert_eq!(seen(&person(idle)), known(true, Availability::NotAvailable));
}

// presence.md row P1: unknown stays unknown, however often it is carried from one form to the other.
#[test]
fn a_service_that_says_nothing_stays_unknown_however_often_it_is_translated() {
    let silent = r#"<tuple id="a"><status/><op:willingness><op:basic>closed</op:basic></op:willingness></tuple>"#;
    let inside = format!(r#"{silent}<dm:person id="p"><rpid:mood><rpid:happy/></rpid:mood></dm:person>"#);
    assert_eq!(seen(&inside), (Value::Absent, Value::Known(Availability::NotAvailable)));
    let first = write(read(&pidf(&inside)), AttributeSet::ALL);
    let again = |text: &str| from_pidf(&Presence::parse(text.as_bytes(), &XmlLimits::default()).unwrap(), None);
    let second = write(again(&first), AttributeSet::ALL);
    assert_eq!(again(&first), again(&second), "{first}\n{second}");
    assert!(!first.contains("<basic>") && !second.contains("<basic>"), "{second}");
    let unwilling = "<op:overriding-willingness><op:basic>closed</op:basic></op:overriding-willingness>";
    let person = format!(
        r#"<dm:person id="p">{unwilling}</dm:person><dm:device id="d"><dm:deviceID>urn:x:1</dm:deviceID></dm:device>"#
    );
    assert_eq!(seen(&person).0, Value::Known(false), "without any service it is offline");
}

#[test]
fn the_note_of_the_person_is_the_status_text() {
    let document =
        read(&pidf(&format!(r#"{OPEN}<note>root</note><dm:person id="p"><dm:note>mine</dm:note></dm:person>"#)));
    assert_eq!(document.person.status_text.known().map(AsRef::as_ref), Some("mine"));
    let document = read(&pidf(&format!("{OPEN}<note>root</note>")));
    assert_eq!(document.person.status_text.known().map(AsRef::as_ref), Some("root"));
}

fn alice() -> PresenceDocument {
    PresenceDocument {
        person: Person {
            availability: Value::Known(Availability::Discreet),
            status_text: Value::Known("in a meeting".into()),
            mood: Value::Known(Mood::InLove),
            alias: Value::Known("Alice".into()),
            ..Person::default()
        },
        devices: vec![Device {
            id: DeviceId::new("urn:uuid:00000000-0000-8000-8000-000000000001"),
            online: Value::Known(true),
            registered: Value::Known(true),
            network: Value::Known("Sonera".into()),
            time_offset_minutes: Value::Known(120),
            ..Device::default()
        }],
    }
}

#[test]
fn what_was_written_reads_back() {
    let back = read(&write(alice(), AttributeSet::ALL));
    let said = alice();
    assert_eq!(back.person.availability, said.person.availability);
    assert_eq!(back.person.status_text, said.person.status_text);
    assert_eq!(back.person.mood, said.person.mood);
    assert_eq!(back.person.alias, said.person.alias);
    assert_eq!(back.devices.len(), 1);
    let (device, expected) = (&back.devices[0], &said.devices[0]);
    assert_eq!(
        (&device.id, &device.online, &device.registered),
        (&expected.id, &expected.online, &expected.registered)
    );
    assert_eq!((&device.network, &device.time_offset_minutes), (&expected.network, &expected.time_offset_minutes));
}

#[test]
fn what_may_not_be_seen_is_not_written() {
    let mut granted =
        AttributeSet::ALL.difference([Attribute::StatusText, Attribute::StatusMood].into_iter().collect());
    let written = write(alice(), granted);
    assert!(!written.contains("meeting") && !written.contains("in_love"), "{written}");
    granted = [Attribute::OnlineStatus].into_iter().collect();
    let written = write(alice(), granted);
    assert!(written.contains("<basic>open</basic>") && !written.contains("person"), "{written}");
}

#[test]
fn a_withdrawn_value_is_left_out_and_not_closed() {
    let mut document = alice();
    document.devices[0].online = Value::Unknown;
    document.person.availability = Value::Unknown;
    let written = write(document, AttributeSet::ALL);
    assert!(!written.contains("<basic>") && !written.contains("willingness"), "{written}");
}

#[test]
fn a_contact_that_is_the_watcher_is_not_the_presentitys() {
    let asked = Presence::parse(
        pidf(r#"<tuple id="a"><status><basic>open</basic></status><contact>sip:w@x</contact></tuple>"#).as_bytes(),
        &XmlLimits::default(),
    )
    .unwrap();
    let document = from_pidf(&asked, Some("sip:w@x"));
    let Value::Known(capabilities) = &document.devices[0].capabilities else { panic!("no capabilities") };
    assert_eq!(capabilities[0].contact, None);
}
