//! What a hosted user's devices say, and the one document that follows from it.
//!
//! WV says user status once per user and client status per device; SIMPLE says everything per publication. So what a
//! merging publication says of the person is held apart from its devices, and outlives the single device.

use crate::{
    event::{Publication, PublicationChange},
    few::FewMap,
    presence::{Attribute, AttributeSet, Device, DeviceId, Extension, Person, PresenceDocument, Value},
    time::Timestamp,
};
use std::sync::Arc;

/// The publications of one user and the composed document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publications {
    pub(crate) by_device: FewMap<DeviceId, PresenceDocument>,
    /// What watchers see; none while nobody looks.
    pub(crate) document: Option<Arc<PresenceDocument>>,
}

impl Publications {
    /// Takes a change: the devices whose part is different now.
    pub(crate) fn publish(&mut self, now: Timestamp, publication: Publication) -> Vec<DeviceId> {
        let Publication { device, change } = publication;
        match change {
            PublicationChange::Merge(document) => self.merge(now, device, *document),
            PublicationChange::Replace(mut document) => {
                stamp(&mut document, now, &device);
                self.by_device.insert(device.clone(), *document);
                vec![device]
            }
            PublicationChange::Remove => match self.by_device.remove(&device) {
                Some(_) => vec![device],
                None => Vec::new(),
            },
        }
    }

    fn merge(&mut self, now: Timestamp, device: DeviceId, mut document: PresenceDocument) -> Vec<DeviceId> {
        stamp(&mut document, now, &device);
        let mut touched = Vec::new();
        if !is_silent(&document.person) {
            let user = DeviceId::default();
            if let Some(part) = self.by_device.get_or_default(user.clone()) {
                merge_person(&mut part.person, document.person);
            }
            touched.push(user);
        }
        if !document.devices.is_empty() {
            if let Some(part) = self.by_device.get_or_default(device.clone()) {
                document.devices.into_iter().for_each(|said| merge_into(&mut part.devices, said));
            }
            if !touched.contains(&device) {
                touched.push(device);
            }
        }
        touched
    }

    /// Composes anew from the publications and the devices that are there: what changed.
    pub(crate) fn compose(&mut self, present: &[DeviceId], absence: Absence) -> AttributeSet {
        let document = compose(&self.by_device, present, absence);
        let changed = match &self.document {
            Some(known) => difference(known, &document),
            None => difference(&PresenceDocument::default(), &document),
        };
        if !changed.is_empty() || self.document.is_none() {
            self.document = Some(Arc::new(document));
        }
        changed
    }
}

/// What is known of a user without any device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    Unknown,
    Offline,
}

/// The document of one user (presence mapping §6: newest word on each value wins, devices stay apart).
fn compose(by_device: &FewMap<DeviceId, PresenceDocument>, present: &[DeviceId], absence: Absence) -> PresenceDocument {
    let mut parts: Vec<&PresenceDocument> = by_device.values().collect();
    // Stable: where no times are known the order of the devices decides.
    parts.sort_by_key(|part| part.person.updated);
    let mut document = PresenceDocument::default();
    for part in parts {
        merge_person(&mut document.person, part.person.clone());
    }
    for part in by_device.values() {
        for device in &part.devices {
            merge_into(&mut document.devices, device.clone());
        }
    }
    for id in present {
        let device = find_or_add(&mut document.devices, id);
        if device.online.is_absent() {
            device.online = Value::Known(true);
        }
    }
    if document.devices.is_empty() && absence == Absence::Offline {
        document.devices.push(Device { online: Value::Known(false), ..Device::default() });
    }
    document
}

/// Which attributes two documents disagree on; when it was said is no part of what was said (presence mapping §7).
pub(crate) fn difference(one: &PresenceDocument, two: &PresenceDocument) -> AttributeSet {
    Attribute::ALL.into_iter().filter(|attribute| differs(*attribute, one, two)).collect()
}

fn differs(attribute: Attribute, one: &PresenceDocument, two: &PresenceDocument) -> bool {
    let (p, q) = (&one.person, &two.person);
    match attribute {
        Attribute::OnlineStatus => devices_differ(one, two, |device| &device.online),
        Attribute::Registration => devices_differ(one, two, |device| &device.registered),
        Attribute::ClientInfo => devices_differ(one, two, |device| &device.client),
        Attribute::TimeZone => devices_differ(one, two, |device| &device.time_offset_minutes),
        Attribute::GeoLocation => devices_differ(one, two, |device| &device.location),
        Attribute::Address => devices_differ(one, two, |device| &device.civic),
        Attribute::FreeTextLocation => devices_differ(one, two, |device| &device.free_text_location),
        Attribute::Plmn => devices_differ(one, two, |device| &device.network),
        Attribute::CommCap => devices_differ(one, two, |device| &device.capabilities),
        Attribute::UserAvailability => p.availability != q.availability || p.activities != q.activities,
        Attribute::PreferredContacts => p.preferred_contacts != q.preferred_contacts,
        Attribute::PreferredLanguage => p.language != q.language,
        Attribute::StatusText => p.status_text != q.status_text,
        Attribute::StatusMood => p.mood != q.mood,
        Attribute::Alias => p.alias != q.alias,
        Attribute::StatusContent => p.status_content != q.status_content,
        Attribute::ContactInfo => p.contact_info != q.contact_info,
        Attribute::InfoLink => p.info_links != q.info_links,
        Attribute::Extension => {
            let ours = one.devices.iter().map(|device| &device.extensions).filter(|found| !found.is_empty());
            let theirs = two.devices.iter().map(|device| &device.extensions).filter(|found| !found.is_empty());
            p.extensions != q.extensions || !ours.eq(theirs)
        }
    }
}

fn devices_differ<T: PartialEq>(
    one: &PresenceDocument,
    two: &PresenceDocument,
    value: impl Fn(&Device) -> &Value<T>,
) -> bool {
    let said = |device: &&Device| !value(device).is_absent();
    let ours = one.devices.iter().filter(said).map(|device| (&device.id, value(device)));
    let theirs = two.devices.iter().filter(said).map(|device| (&device.id, value(device)));
    !ours.eq(theirs)
}

/// Times and device names where the publication left them out.
fn stamp(document: &mut PresenceDocument, now: Timestamp, device: &DeviceId) {
    document.person.updated.get_or_insert(now);
    for said in &mut document.devices {
        said.updated.get_or_insert(now);
        if said.id == DeviceId::default() {
            said.id = device.clone();
        }
    }
}

impl PresenceDocument {
    /// Takes over what another document of the same presentity says; what it does not say stays.
    pub fn merge(&mut self, said: Self) {
        merge_person(&mut self.person, said.person);
        said.devices.into_iter().for_each(|device| merge_into(&mut self.devices, device));
    }
}

fn is_silent(person: &Person) -> bool {
    Person { updated: None, ..person.clone() } == Person::default()
}

fn merge_person(known: &mut Person, said: Person) {
    // The activities explain the availability and go with it.
    if !said.availability.is_absent() || !said.activities.is_empty() {
        known.activities = said.activities;
    }
    known.availability.merge(said.availability);
    known.preferred_contacts.merge(said.preferred_contacts);
    known.language.merge(said.language);
    known.status_text.merge(said.status_text);
    known.mood.merge(said.mood);
    known.alias.merge(said.alias);
    known.status_content.merge(said.status_content);
    known.contact_info.merge(said.contact_info);
    known.info_links.merge(said.info_links);
    merge_extensions(&mut known.extensions, said.extensions);
    known.updated = known.updated.max(said.updated);
}

fn merge_into(devices: &mut Vec<Device>, said: Device) {
    let known = find_or_add(devices, &said.id);
    known.online.merge(said.online);
    known.registered.merge(said.registered);
    known.client.merge(said.client);
    known.time_offset_minutes.merge(said.time_offset_minutes);
    known.location.merge(said.location);
    known.civic.merge(said.civic);
    known.free_text_location.merge(said.free_text_location);
    known.network.merge(said.network);
    known.capabilities.merge(said.capabilities);
    merge_extensions(&mut known.extensions, said.extensions);
    known.updated = known.updated.max(said.updated);
}

/// What is said replaces what was said before under the same name, or in the same namespace where there are no names.
fn merge_extensions(known: &mut Vec<Extension>, said: Vec<Extension>) {
    known.retain(|old| !said.iter().any(|new| new.replaces(old)));
    known.extend(said);
    // What was said longest ago gives way.
    let surplus = known.len().saturating_sub(EXTENSIONS_MAX);
    known.drain(..surplus);
}

fn find_or_add<'a>(devices: &'a mut Vec<Device>, id: &DeviceId) -> &'a mut Device {
    let index = devices.iter().position(|device| device.id == *id).unwrap_or_else(|| {
        // One device is the rule, and a device is large.
        if devices.is_empty() {
            devices.reserve_exact(1);
        }
        devices.push(Device { id: id.clone(), ..Device::default() });
        devices.len().saturating_sub(1)
    });
    #[allow(clippy::indexing_slicing, reason = "the index was found, or is that of the device just added")]
    &mut devices[index]
}

/// So many things may be said beyond what both sides have fields for.
const EXTENSIONS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::{Availability, Mood};

    fn said(person: Person, online: Value<bool>) -> Box<PresenceDocument> {
        Box::new(PresenceDocument { person, devices: vec![Device { online, ..Device::default() }] })
    }

    fn shown(publications: &Publications) -> &PresenceDocument {
        publications.document.as_deref().unwrap()
    }

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn device(name: &str) -> DeviceId {
        DeviceId::new(name)
    }

    #[test]
    fn merging_changes_only_what_is_said() {
        let mut publications = Publications::default();
        let person = Person { mood: Value::Known(Mood::Happy), alias: Value::Known("Al".into()), ..Person::default() };
        let change = PublicationChange::Merge(said(person, Value::Known(true)));
        publications.publish(at(1), Publication { device: device("d"), change });
        publications.compose(&[], Absence::Offline);
        let person = Person { mood: Value::Unknown, ..Person::default() };
        let change = PublicationChange::Merge(Box::new(PresenceDocument { person, devices: Vec::new() }));
        let touched = publications.publish(at(2), Publication { device: device("d"), change });
        assert_eq!(touched, [DeviceId::default()]);
        let changed = publications.compose(&[], Absence::Offline);
        assert_eq!(changed, AttributeSet::from_iter([Attribute::StatusMood]));
        assert_eq!(shown(&publications).person.alias.known().map(|alias| &**alias), Some("Al"));
    }

    #[test]
    fn the_newest_word_on_the_person_wins_over_the_order_of_devices() {
        let mut publications = Publications::default();
        for (name, secs, availability) in [("a", 9, Availability::Discreet), ("b", 3, Availability::Available)] {
            let person = Person { availability: Value::Known(availability), ..Person::default() };
            let change = PublicationChange::Replace(said(person, Value::Known(true)));
            publications.publish(at(secs), Publication { device: device(name), change });
        }
        publications.compose(&[], Absence::Unknown);
        assert_eq!(shown(&publications).person.availability, Value::Known(Availability::Discreet));
        assert_eq!(shown(&publications).devices.len(), 2);
    }

    #[test]
    fn presence_of_devices_is_online_and_absence_of_all_is_offline() {
        let mut publications = Publications::default();
        let online = AttributeSet::from_iter([Attribute::OnlineStatus]);
        assert_eq!(publications.compose(&[device("d")], Absence::Offline), online);
        assert_eq!(shown(&publications).devices[0].online, Value::Known(true));
        assert_eq!(publications.compose(&[], Absence::Offline), online);
        assert_eq!(shown(&publications).devices[0].online, Value::Known(false));
        assert_eq!(publications.compose(&[], Absence::Unknown), online);
        assert!(shown(&publications).devices.is_empty());
    }

    #[test]
    fn an_extension_replaces_only_what_has_its_name() {
        let said = |name: Option<&str>, xml: &str| Extension {
            namespace: "urn:x".into(),
            name: name.map(Into::into),
            xml: xml.into(),
        };
        let mut known = vec![said(Some("a"), "<a1/>"), said(Some("b"), "<b1/>")];
        merge_extensions(&mut known, vec![said(Some("a"), "<a2/>")]);
        assert_eq!(known, [said(Some("b"), "<b1/>"), said(Some("a"), "<a2/>")]);
        merge_extensions(&mut known, vec![said(None, "<all/>")]);
        assert_eq!(known, [said(None, "<all/>")]);
        merge_extensions(&mut known, (0..99).map(|number| said(Some(&number.to_string()), "<n/>")).collect());
        assert_eq!(known.len(), EXTENSIONS_MAX);
    }

    #[test]
    fn the_time_of_saying_is_no_change() {
        let one = PresenceDocument { person: Person { updated: Some(at(1)), ..Person::default() }, devices: vec![] };
        assert_eq!(difference(&one, &PresenceDocument::default()), AttributeSet::NONE);
    }
}
