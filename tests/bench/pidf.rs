//! A presence document to the neutral one, beside quick-xml with serde, which reads it into a struct of the same content.

use crate::{
    duel::{Allocates, Duel, Subject},
    report::Goal,
};
use gateway::simple::translate::presence::from_pidf;
use mapping::presence::{Availability, PresenceDocument, Value};
use serde::Deserialize;
use sip_proto::body::{pidf::Presence, xml::XmlLimits};
use std::hint::black_box;

pub(crate) fn duel() -> Duel {
    let neutral = read(DOCUMENT.as_bytes());
    assert_eq!(neutral.person.availability, Value::Known(Availability::Discreet));
    assert_eq!(neutral.person.status_text, Value::Known("in a meeting until four".into()));
    let foreign = read_with_serde(DOCUMENT);
    assert_eq!(foreign.person[0].activities.as_ref().map(|list| list.values.len()), Some(2));
    assert_eq!(foreign.tuple[0].status.basic, "open");
    Duel {
        name: "pidf_neutral",
        operation: "PIDF with RPID → neutral document",
        goal: Goal::Ratio(0.5),
        ours: Subject::new(|| drop(black_box(read(black_box(DOCUMENT.as_bytes()))))),
        baseline: Some((
            "quick-xml with serde",
            Subject::new(|| drop(black_box(read_with_serde(black_box(DOCUMENT))))),
        )),
        baseline_allocates: Allocates::Visibly,
    }
}

fn read(document: &[u8]) -> PresenceDocument {
    let presence = Presence::parse(document, &XmlLimits::PRESENCE).expect("a presence document");
    from_pidf(&presence, None)
}

fn read_with_serde(document: &str) -> ForeignPresence {
    quick_xml::de::from_str(document).expect("a presence document")
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignPresence {
    #[serde(rename = "@entity")]
    entity: String,
    #[serde(default)]
    tuple: Vec<ForeignTuple>,
    #[serde(default)]
    note: Vec<ForeignNote>,
    #[serde(default)]
    person: Vec<ForeignPerson>,
    #[serde(default)]
    device: Vec<ForeignDevice>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignTuple {
    #[serde(rename = "@id")]
    id: String,
    status: ForeignStatus,
    #[serde(rename = "deviceID")]
    device_id: Option<String>,
    contact: Option<ForeignContact>,
    #[serde(default)]
    note: Vec<ForeignNote>,
    timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ForeignStatus {
    basic: String,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignContact {
    #[serde(rename = "@priority")]
    priority: Option<String>,
    #[serde(rename = "$text")]
    uri: String,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignNote {
    #[serde(rename = "@lang", alias = "@xml:lang")]
    language: Option<String>,
    #[serde(rename = "$text")]
    text: String,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignPerson {
    #[serde(rename = "@id")]
    id: String,
    activities: Option<ForeignActivities>,
    mood: Option<ForeignMoods>,
    #[serde(rename = "place-type")]
    place_type: Option<ForeignPlace>,
    sphere: Option<ForeignSphere>,
    #[serde(rename = "status-icon")]
    status_icon: Option<String>,
    #[serde(rename = "time-offset")]
    time_offset: Option<i16>,
    #[serde(rename = "user-input")]
    user_input: Option<ForeignInput>,
    #[serde(default)]
    note: Vec<ForeignNote>,
    timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ForeignActivities {
    #[serde(rename = "$value", default)]
    values: Vec<ForeignActivity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "what is read is not looked at")]
enum ForeignActivity {
    Appointment,
    Away,
    Busy,
    Meeting,
    Meal,
    OnThePhone,
    Travel,
    Vacation,
    Working,
    Unknown,
    Other(String),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignMoods {
    #[serde(rename = "$value", default)]
    values: Vec<ForeignMood>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "what is read is not looked at")]
enum ForeignMood {
    Angry,
    Bored,
    Happy,
    InLove,
    Sad,
    Stressed,
    Unknown,
    Other(String),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignPlace {
    #[serde(rename = "$value", default)]
    kinds: Vec<ForeignKind>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "what is read is not looked at")]
enum ForeignKind {
    Office,
    Street,
    Residence,
    Other(String),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignSphere {
    #[serde(rename = "$value")]
    value: Option<ForeignSphereName>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ForeignSphereName {
    Home,
    Work,
    Unknown,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignInput {
    #[serde(rename = "@idle-threshold")]
    idle_threshold: Option<u32>,
    #[serde(rename = "@last-input")]
    last_input: Option<String>,
    #[serde(rename = "$text")]
    state: String,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "what is read is not looked at")]
struct ForeignDevice {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "deviceID")]
    device_id: Option<String>,
    #[serde(default)]
    note: Vec<ForeignNote>,
    timestamp: Option<String>,
}

/// What a SIMPLE client with rich presence publishes.
pub(crate) const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:lt="urn:ietf:params:xml:ns:location-type" entity="sip:bob@sip.example">
  <tuple id="t7f3a">
    <status><basic>open</basic></status>
    <dm:deviceID>urn:uuid:0f8fad5b-d9cb-569f-a165-70867728950e</dm:deviceID>
    <contact priority="0.8">sip:bob@192.0.2.2:5060;transport=udp</contact>
    <note xml:lang="en">in a meeting until four</note>
    <timestamp>2025-03-01T12:00:00Z</timestamp>
  </tuple>
  <dm:person id="p1">
    <rpid:activities><rpid:meeting/><rpid:busy/></rpid:activities>
    <rpid:mood><rpid:happy/></rpid:mood>
    <rpid:place-type><lt:office/></rpid:place-type>
    <rpid:sphere><rpid:work/></rpid:sphere>
    <rpid:status-icon>https://sip.example/icons/bob.png</rpid:status-icon>
    <rpid:time-offset>120</rpid:time-offset>
    <rpid:user-input idle-threshold="600" last-input="2025-03-01T11:58:00Z">active</rpid:user-input>
    <dm:note xml:lang="en">in a meeting until four</dm:note>
    <dm:timestamp>2025-03-01T12:00:00Z</dm:timestamp>
  </dm:person>
  <dm:device id="d1">
    <dm:deviceID>urn:uuid:0f8fad5b-d9cb-569f-a165-70867728950e</dm:deviceID>
    <dm:note>Example Phone 1</dm:note>
    <dm:timestamp>2025-03-01T12:00:00Z</dm:timestamp>
  </dm:device>
</presence>
"#;
