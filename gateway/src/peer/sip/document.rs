//! Presence documents: the one that is published, and what a received one says.

use super::command::OwnState;
use serde_json::{Value, json};
use sip_proto::body::{
    data_model::Person,
    pidf::{Basic, Contact, ElementId, Note, PidfError, Presence, Tuple},
    rpid::{Activities, ActivityName, Listed},
    xml::XmlLimits,
};

/// The document for a state.
///
/// # Errors
/// When the text holds what XML cannot carry.
pub(super) fn write(entity: &str, state: OwnState, text: Option<&str>) -> Result<String, PidfError> {
    let (basic, activity) = match state {
        OwnState::Open => (Basic::Open, None),
        OwnState::Closed => (Basic::Closed, None),
        OwnState::Busy => (Basic::Open, Some(ActivityName::Busy)),
        OwnState::Away => (Basic::Open, Some(ActivityName::Away)),
    };
    let notes: Vec<Note> = text.map(Note::from_text).into_iter().collect();
    let tuple = Tuple {
        id: ElementId::from_text("im"),
        basic: Some(basic),
        contact: Some(Contact { uri: entity.to_owned(), priority: None }),
        notes: notes.clone(),
        ..Tuple::default()
    };
    let person = activity.map(|activity| Person {
        id: ElementId::from_text("person"),
        activities: Some(Activities { values: vec![Listed::Named(activity)], notes: Vec::new() }),
        notes,
        ..Person::default()
    });
    Presence { tuples: vec![tuple], persons: person.into_iter().collect(), ..Presence::new(entity) }.write()
}

/// What a document says, as fields of an event.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(content: &[u8]) -> Result<Value, PidfError> {
    let presence = Presence::parse(content, &XmlLimits::PRESENCE)?;
    let basics: Vec<Basic> = presence.tuples.iter().filter_map(|tuple| tuple.basic).collect();
    let basic = basics.iter().find(|basic| **basic == Basic::Open).or(basics.first()).copied();
    let activities: Vec<&str> = presence
        .persons
        .iter()
        .filter_map(|person| person.activities.as_ref())
        .flat_map(|activities| &activities.values)
        .filter_map(|value| match value {
            Listed::Named(name) => Some(name.as_str()),
            Listed::Other(_) | Listed::Foreign(_) => None,
        })
        .collect();
    let of_tuples = presence.tuples.iter().flat_map(|tuple| &tuple.notes);
    let of_persons = presence.persons.iter().flat_map(|person| &person.notes);
    let note = of_tuples.chain(of_persons).chain(&presence.notes).next().map(|note| note.text.as_str());
    Ok(json!({
        "basic": basic.map(Basic::as_str), "availability": availability(basic, &activities), "note": note,
        "activities": activities, "entity": presence.entity,
    }))
}

/// What the phone at the other side would show; a guess.
fn availability(basic: Option<Basic>, activities: &[&str]) -> Option<&'static str> {
    let does = |names: &[&str]| activities.iter().any(|activity| names.contains(activity));
    match basic? {
        Basic::Closed => Some("NOT_AVAILABLE"),
        Basic::Open if does(&["away", "sleeping", "permanent-absence", "vacation"]) => Some("NOT_AVAILABLE"),
        Basic::Open if does(&["busy", "meeting", "on-the-phone", "appointment", "performance"]) => Some("DISCREET"),
        Basic::Open => Some("AVAILABLE"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (state, basic, availability) in [
            (OwnState::Open, "open", "AVAILABLE"),
            (OwnState::Closed, "closed", "NOT_AVAILABLE"),
            (OwnState::Busy, "open", "DISCREET"),
            (OwnState::Away, "open", "NOT_AVAILABLE"),
        ] {
            let document = write("sip:bob@sip.example", state, Some("at <home>")).unwrap();
            let said = read(document.as_bytes()).unwrap();
            assert_eq!((&said["basic"], &said["availability"]), (&json!(basic), &json!(availability)));
            assert_eq!((&said["note"], &said["entity"]), (&json!("at <home>"), &json!("sip:bob@sip.example")));
        }
    }

    #[test]
    fn a_document_without_services_says_nothing() {
        let document = Presence::new("sip:bob@sip.example").write().unwrap();
        assert_eq!(read(document.as_bytes()).unwrap()["basic"], Value::Null);
        assert!(read(b"no document").is_err());
    }
}
