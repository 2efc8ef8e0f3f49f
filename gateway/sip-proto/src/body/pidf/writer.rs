//! Writing presence documents in the order of the schemas.

use super::{Basic, Device, ElementId, Person, Presence, Tuple};
use crate::body::namespace;
use crate::body::oma::{ActivityState, NetworkAvailability};
use crate::body::passthrough::Passthrough;
use crate::body::xml::{XmlBinding, XmlError, XmlFragment, XmlWriter};
use crate::body::{datetime, rpid};
use std::collections::HashMap;

const BINDINGS: &[XmlBinding] = &[
    XmlBinding { prefix: "", namespace: namespace::PIDF },
    XmlBinding { prefix: "dm", namespace: namespace::DATA_MODEL },
    XmlBinding { prefix: "rpid", namespace: namespace::RPID },
    XmlBinding { prefix: "lt", namespace: namespace::LOCATION_TYPE },
    XmlBinding { prefix: "c", namespace: namespace::CIPID },
    XmlBinding { prefix: "caps", namespace: namespace::CAPABILITIES },
    XmlBinding { prefix: "gp", namespace: namespace::GEOPRIV },
    XmlBinding { prefix: "gml", namespace: namespace::GML },
    XmlBinding { prefix: "gs", namespace: namespace::SHAPES },
    XmlBinding { prefix: "ca", namespace: namespace::CIVIC },
    XmlBinding { prefix: "op", namespace: namespace::OMA_PRESENCE },
    XmlBinding { prefix: "jc", namespace: namespace::JABBER_CLIENT },
    XmlBinding { prefix: "wvx", namespace: namespace::WV_PASSTHROUGH },
];

/// Root order: tuples, notes, then other namespaces.
pub(super) fn write(presence: &Presence, entity: &str) -> Result<String, XmlError> {
    let mut document = Document { writer: XmlWriter::new(BINDINGS), ids: HashMap::new() };
    document.writer.open("presence");
    document.writer.attribute("entity", entity);
    for tuple in &presence.tuples {
        document.tuple(tuple);
    }
    for note in &presence.notes {
        note.write(&mut document.writer, "note");
    }
    for person in &presence.persons {
        document.person(person);
    }
    for device in &presence.devices {
        document.device(device);
    }
    document.fragments(&presence.extensions);
    document.writer.close();
    document.writer.finish()
}

struct Document {
    writer: XmlWriter,
    /// Identifiers used so far, with the last number that was put behind each.
    ids: HashMap<String, usize>,
}

impl Document {
    fn tuple(&mut self, tuple: &Tuple) {
        self.open_with_id("tuple", &tuple.id);
        self.writer.open("status");
        self.writer.leaf_if("basic", tuple.basic.map(Basic::as_str));
        if let Some(location) = &tuple.location {
            location.write(&mut self.writer);
        }
        self.fragments(&tuple.status_extensions);
        self.writer.close();
        self.tuple_oma(tuple);
        if let Some(capabilities) = &tuple.capabilities {
            capabilities.write(&mut self.writer);
        }
        if let Some(icon) = &tuple.status_icon {
            icon.write(&mut self.writer);
        }
        if let Some(input) = &tuple.user_input {
            input.write(&mut self.writer);
        }
        tuple.cipid.write(&mut self.writer);
        self.writer.leaf_if("jc:show", tuple.show.as_deref());
        self.writer.leaf_if("dm:deviceID", tuple.device_id.as_deref());
        self.passthrough(&tuple.passthrough);
        self.fragments(&tuple.extensions);
        if let Some(contact) = &tuple.contact {
            self.writer.open("contact");
            self.writer.attribute_if("priority", contact.priority.map(|priority| priority.write()).as_deref());
            self.writer.text(&contact.uri);
            self.writer.close();
        }
        for note in &tuple.notes {
            note.write(&mut self.writer, "note");
        }
        self.writer.leaf_if("timestamp", tuple.timestamp.map(datetime::write).as_deref());
        self.writer.close();
    }

    fn tuple_oma(&mut self, tuple: &Tuple) {
        self.writer.leaf_if("op:registration-state", tuple.registration_state.map(ActivityState::as_str));
        self.writer.leaf_if("op:barring-state", tuple.barring_state.map(ActivityState::as_str));
        self.oma_basic("op:willingness", tuple.willingness);
        self.oma_basic("op:session-participation", tuple.session_participation);
        if let Some(service) = &tuple.service {
            service.write(&mut self.writer);
        }
    }

    fn person(&mut self, person: &Person) {
        self.open_with_id("dm:person", &person.id);
        if let Some(activities) = &person.activities {
            rpid::write_activities(&mut self.writer, activities);
        }
        if let Some(moods) = &person.moods {
            rpid::write_moods(&mut self.writer, moods);
        }
        if let Some(place) = &person.place_is {
            place.write(&mut self.writer);
        }
        if let Some(place) = &person.place_type {
            place.write(&mut self.writer);
        }
        if let Some(sphere) = person.sphere {
            rpid::write_sphere(&mut self.writer, sphere);
        }
        if let Some(icon) = &person.status_icon {
            icon.write(&mut self.writer);
        }
        if let Some(offset) = &person.time_offset {
            offset.write(&mut self.writer);
        }
        if let Some(input) = &person.user_input {
            input.write(&mut self.writer);
        }
        person.cipid.write(&mut self.writer);
        self.oma_basic("op:overriding-willingness", person.overriding_willingness);
        if let Some(location) = &person.location {
            location.write(&mut self.writer);
        }
        self.passthrough(&person.passthrough);
        self.fragments(&person.extensions);
        for note in &person.notes {
            note.write(&mut self.writer, "dm:note");
        }
        self.writer.leaf_if("dm:timestamp", person.timestamp.map(datetime::write).as_deref());
        self.writer.close();
    }

    fn device(&mut self, device: &Device) {
        self.open_with_id("dm:device", &device.id);
        if let Some(capabilities) = &device.capabilities {
            capabilities.write(&mut self.writer);
        }
        if let Some(input) = &device.user_input {
            input.write(&mut self.writer);
        }
        NetworkAvailability::write_all(&device.networks, &mut self.writer);
        if let Some(location) = &device.location {
            location.write(&mut self.writer);
        }
        self.passthrough(&device.passthrough);
        self.fragments(&device.extensions);
        // RFC 4479 §4.3: mandatory.
        self.writer.leaf("dm:deviceID", device.device_id.as_deref().unwrap_or_default());
        for note in &device.notes {
            note.write(&mut self.writer, "dm:note");
        }
        self.writer.leaf_if("dm:timestamp", device.timestamp.map(datetime::write).as_deref());
        self.writer.close();
    }

    /// Identifiers are unique in the document; one that was used before gets a number.
    fn open_with_id(&mut self, name: &'static str, id: &ElementId) {
        let mut number = self.ids.get(id.as_str()).copied().unwrap_or(0);
        let mut unique = id.as_str().to_owned();
        while self.ids.contains_key(&unique) {
            number = number.saturating_add(1);
            unique = format!("{}-{number}", id.as_str());
        }
        self.ids.insert(id.as_str().to_owned(), number.max(1));
        self.ids.entry(unique.clone()).or_insert(1);
        self.writer.open(name);
        self.writer.attribute("id", &unique);
    }

    fn oma_basic(&mut self, name: &'static str, basic: Option<Basic>) {
        if let Some(basic) = basic {
            self.writer.open(name);
            self.writer.leaf("op:basic", basic.as_str());
            self.writer.close();
        }
    }

    fn passthrough(&mut self, elements: &[Passthrough]) {
        for element in elements {
            element.write(&mut self.writer);
        }
    }

    fn fragments(&mut self, fragments: &[XmlFragment]) {
        for fragment in fragments {
            self.writer.fragment(fragment);
        }
    }
}
