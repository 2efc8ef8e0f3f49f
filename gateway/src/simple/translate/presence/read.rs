//! PIDF as neutral document: tuples, devices and persons merged into one view (presence.md §3.4, §5, §6).

use super::{VENDOR_WRAPPER, availability_of, mood_from_name};
use mapping::{
    presence::{
        Availability, Capability, CivicAddress, ClientDescription, ClientType, ContactCard, ContentSource, Device,
        DeviceId, Extension, GeoLocation, InfoLink, MediaContent, Mood, Person, PreferredContact, PresenceDocument,
        Text, Value,
    },
    time::Timestamp,
};
use sip_proto::body::{
    capability::Mobility,
    data_model,
    location::{CivicPart, LocationObject},
    oma::ActivityState,
    passthrough::Passthrough,
    pidf::{Basic, Note, Presence, Tuple},
    rpid::{InputState, Listed, Sphere},
    xml::{XmlFragment, XmlName},
};
use std::{borrow::Cow, cmp::Reverse};

/// The neutral document. `watcher` is the URI of whoever subscribed: some peers write it as contact.
#[must_use]
pub fn from_pidf(presence: &Presence, watcher: Option<&str>) -> PresenceDocument {
    let person = newest_person(presence);
    let mut devices = group_devices(presence, watcher);
    let mut neutral = person.map(read_person).unwrap_or_default();
    let (online, availability) = decide(presence, person);
    neutral.availability = availability;
    if let Some(false) = online {
        devices
            .iter_mut()
            .filter(|device| device.online.is_absent())
            .for_each(|device| device.online = Value::Known(false));
    }
    complete_person(&mut neutral, presence, watcher);
    if let Some(offset) = person.and_then(|person| person.time_offset.as_ref()) {
        device_of(&mut devices).time_offset_minutes = Value::Known(offset.minutes);
    }
    if let Some(text) = person.and_then(place_text) {
        let device = device_of(&mut devices);
        if device.free_text_location.is_absent() {
            device.free_text_location = Value::Known(text);
        }
    }
    if let Some(location) = person.and_then(|person| person.location.as_ref()) {
        let device = device_of(&mut devices);
        if device.location.is_absent() && device.civic.is_absent() {
            read_location(location, device);
        }
    }
    PresenceDocument { person: neutral, devices }
}

/// The device that takes what a person said of places: the first, made up where there is none.
fn device_of(devices: &mut Vec<Device>) -> &mut Device {
    if devices.is_empty() {
        devices.push(Device::default());
    }
    // There is one now.
    #[allow(clippy::indexing_slicing, reason = "the vector was filled above")]
    &mut devices[0]
}

fn neutral_time(at: Option<sip_proto::time::Timestamp>) -> Option<Timestamp> {
    at.map(|at| Timestamp::from_millis(at.as_millis()))
}

fn text(words: &str) -> Text {
    Text::from(words)
}

/// presence.md §6.3; of several without timestamps the last one counts.
fn newest_person(presence: &Presence) -> Option<&data_model::Person> {
    presence.persons.iter().max_by_key(|person| person.timestamp)
}

fn services(presence: &Presence) -> impl Iterator<Item = &Tuple> {
    presence.tuples.iter()
}

/// OnlineStatus and UserAvailability, first hit (presence.md §3.4).
fn decide(presence: &Presence, person: Option<&data_model::Person>) -> (Option<bool>, Value<Availability>) {
    let any_open = services(presence).any(|tuple| tuple.basic == Some(Basic::Open));
    let none_said = services(presence).all(|tuple| tuple.basic.is_none());
    if none_said && person.is_none() {
        return (None, Value::Absent);
    }
    if person.is_some_and(|person| person.overriding_willingness == Some(Basic::Closed)) {
        // UNCLEAR presence.md §3.4 step 2: services that say nothing of themselves are neither open nor closed; so is
        // written what is not known (row P1), and it stays unknown.
        let says_nothing = none_said && !presence.tuples.is_empty();
        return ((!says_nothing).then_some(any_open), Value::Known(Availability::NotAvailable));
    }
    if !none_said && !any_open {
        return (Some(false), Value::Known(Availability::NotAvailable));
    }
    if services(presence).any(|tuple| tuple.willingness == Some(Basic::Closed)) {
        return (Some(true), Value::Known(Availability::NotAvailable));
    }
    let by_activity = person.and_then(availability_by_activity);
    let by_input = || is_idle(presence, person).then_some(Availability::NotAvailable);
    let by_show = || services(presence).find_map(|tuple| availability_by_show(tuple.show.as_deref()?));
    let availability = by_activity.or_else(by_input).or_else(by_show);
    match (availability, any_open) {
        (Some(availability), _) => (any_open.then_some(true), Value::Known(availability)),
        (None, true) => (Some(true), Value::Known(Availability::Available)),
        (None, false) => {
            let willing = person.is_some_and(|person| person.overriding_willingness == Some(Basic::Open));
            (None, if willing { Value::Known(Availability::Available) } else { Value::Absent })
        }
    }
}

/// Step 5 before step 6: an absence outweighs an occupation.
fn availability_by_activity(person: &data_model::Person) -> Option<Availability> {
    let values = person.activities.as_ref()?.values.iter();
    let mut said = values.filter_map(|value| match value {
        Listed::Named(name) => availability_of(*name),
        Listed::Other(_) | Listed::Foreign(_) => None,
    });
    let first = said.next()?;
    let is_absent = first == Availability::NotAvailable || said.any(|other| other == Availability::NotAvailable);
    Some(if is_absent { Availability::NotAvailable } else { first })
}

fn is_idle(presence: &Presence, person: Option<&data_model::Person>) -> bool {
    let of_person = person.and_then(|person| person.user_input.as_ref());
    let of_services = services(presence).filter_map(|tuple| tuple.user_input.as_ref());
    let mut inputs = of_person.into_iter().chain(of_services).peekable();
    inputs.peek().is_some() && inputs.all(|input| input.state == InputState::Idle)
}

fn availability_by_show(show: &str) -> Option<Availability> {
    match show {
        "away" | "xa" => Some(Availability::NotAvailable),
        "dnd" => Some(Availability::Discreet),
        "chat" => Some(Availability::Available),
        _ => None,
    }
}

/// One neutral device per device identifier; what names none is one device more (presence.md §6.1).
fn group_devices(presence: &Presence, watcher: Option<&str>) -> Vec<Device> {
    let mut devices: Vec<Device> = Vec::new();
    for described in &presence.devices {
        let device = find_device(&mut devices, described.device_id.as_deref());
        read_device(described, device);
    }
    let mut take = |tuple: &Tuple| {
        let device = find_device(&mut devices, tuple.device_id.as_deref());
        read_tuple(tuple, watcher, device);
    };
    if let [only] = presence.tuples.as_slice() {
        take(only);
    } else {
        let mut tuples: Vec<&Tuple> = services(presence).collect();
        // presence.md §6.4: open before closed, then by preference, then newest.
        tuples.sort_by_key(|tuple| {
            let preference = tuple.contact.as_ref().and_then(|contact| contact.priority);
            (tuple.basic != Some(Basic::Open), Reverse(preference), Reverse(tuple.timestamp))
        });
        tuples.into_iter().for_each(take);
    }
    devices
}

fn find_device<'d>(devices: &'d mut Vec<Device>, id: Option<&str>) -> &'d mut Device {
    let id = id.unwrap_or_default();
    let at = devices.iter().position(|device| device.id.as_str() == id).unwrap_or_else(|| {
        devices.push(Device { id: DeviceId::new(id), ..Device::default() });
        devices.len().saturating_sub(1)
    });
    #[allow(clippy::indexing_slicing, reason = "found or pushed just now")]
    &mut devices[at]
}

fn read_tuple(tuple: &Tuple, watcher: Option<&str>, device: &mut Device) {
    let open = tuple.basic.map(|basic| basic == Basic::Open);
    match (open, &device.online) {
        (Some(true), _) => device.online = Value::Known(true),
        (Some(false), Value::Absent) => device.online = Value::Known(false),
        (_, _) => {}
    }
    if let (Some(state), Value::Absent) = (tuple.registration_state, &device.registered) {
        device.registered = Value::Known(state == ActivityState::Active);
    }
    if let Some(location) = &tuple.location
        && device.location.is_absent()
    {
        read_location(location, device);
    }
    if let Some(entry) = capability(tuple, open, watcher) {
        match &mut device.capabilities {
            Value::Known(capabilities) => capabilities.push(entry),
            Value::Absent | Value::Unknown => device.capabilities = Value::Known(vec![entry]),
        }
    }
    device.updated = device.updated.max(neutral_time(tuple.timestamp));
}

/// One CommCap entry (presence.md §3.3); services that nothing names are left out.
fn capability(tuple: &Tuple, open: Option<bool>, watcher: Option<&str>) -> Option<Capability> {
    let contact = contact_of(tuple, watcher);
    let means = means_of(tuple, contact)?;
    let barred = tuple.barring_state == Some(ActivityState::Active);
    Some(Capability {
        open: open? && !barred,
        contact: contact.map(text),
        // The words of a messaging service are the person's StatusText.
        note: if means == "IM" { None } else { tuple.notes.first().map(|note| text(&note.text)) },
        means: text(&means),
    })
}

/// Where a service is reached; some peers write the watcher there.
fn contact_of<'t>(tuple: &'t Tuple, watcher: Option<&str>) -> Option<&'t str> {
    tuple.contact.as_ref().map(|contact| contact.uri.as_str()).filter(|uri| Some(*uri) != watcher)
}

fn means_of(tuple: &Tuple, contact: Option<&str>) -> Option<Cow<'static, str>> {
    let passed = tuple.passthrough.iter().find(|element| element.name.as_str() == "cap");
    let means = match (passed, contact.and_then(|uri| uri.split(':').next())) {
        (Some(passed), _) => return Some(passed.text.trim().to_ascii_uppercase().into()),
        (None, Some("sip" | "sips" | "im" | "pres")) | (None, None) => "IM",
        (None, Some("tel")) => "CALL",
        (None, Some("sms")) => "SMS",
        (None, Some("mms")) => "MMS",
        (None, Some("mailto")) => "EMAIL",
        (None, Some(_)) => return None,
    };
    Some(means.into())
}

fn read_device(described: &data_model::Device, device: &mut Device) {
    if let Some(network) = described.networks.first() {
        device.registered = Value::Known(network.state == ActivityState::Active);
    }
    if let (Some(hint), Value::Absent) = (described.basic_hint, &device.online) {
        device.online = Value::Known(hint == Basic::Open);
    }
    if let Some(location) = &described.location {
        read_location(location, device);
    }
    let passed = |name: &str| described.passthrough.iter().find(|element| element.name.as_str() == name);
    device.network = passed("plmn").map(|element| text(&element.text)).into();
    device.free_text_location = passed("free-text-location").map(|element| text(&element.text)).into();
    device.client = client(described, passed("client-info")).into();
    device.extensions.extend(described.extensions.iter().map(extension));
    device.extensions.extend(vendor_elements(&described.passthrough));
    device.updated = neutral_time(described.timestamp);
}

/// ClientInfo: exactly where the gateway wrote it, else what capabilities and note tell.
fn client(described: &data_model::Device, exact: Option<&Passthrough>) -> Option<ClientDescription> {
    if let Some(exact) = exact {
        let part = |name: &str| exact.child(name).map(|child| text(&child.text));
        return Some(ClientDescription {
            client_type: part("client-type").map(|word| client_type(&word)),
            manufacturer: part("manufacturer"),
            producer: part("producer"),
            model: part("model"),
            version: part("version"),
            language: part("language"),
        });
    }
    let mobility = described.capabilities.as_ref().and_then(|capabilities| capabilities.mobility);
    let client_type = mobility.map(|mobility| match mobility {
        Mobility::Mobile => ClientType::MobilePhone,
        Mobility::Fixed => ClientType::Computer,
    });
    let model = described.notes.first().map(|note| text(&note.text));
    (client_type.is_some() || model.is_some()).then(|| ClientDescription {
        client_type,
        model,
        ..ClientDescription::default()
    })
}

fn client_type(word: &str) -> ClientType {
    match word {
        "MOBILE_PHONE" => ClientType::MobilePhone,
        "COMPUTER" => ClientType::Computer,
        "PDA" => ClientType::Pda,
        "CLI" => ClientType::Cli,
        other => ClientType::Other(text(other)),
    }
}

fn read_location(location: &LocationObject, device: &mut Device) {
    if let Some(position) = &location.position {
        device.location = Value::Known(GeoLocation {
            latitude_e7: position.latitude_e7,
            longitude_e7: position.longitude_e7,
            altitude_mm: position.altitude_mm,
            accuracy_mm: position.radius_mm,
        });
    }
    if let Some(civic) = &location.civic {
        let part = |part: CivicPart| civic.get(&part).map(|words| text(words));
        let crossing = civic.get(&CivicPart::Lmk).map(|words| words.split_once(" / ").unwrap_or((words, "")));
        device.civic = Value::Known(CivicAddress {
            country: part(CivicPart::Country),
            city: part(CivicPart::A3),
            street: part(CivicPart::Rd).or_else(|| part(CivicPart::A6)),
            crossing_1: crossing.map(|(first, _)| text(first)),
            crossing_2: crossing.map(|(_, second)| second).filter(|second| !second.is_empty()).map(text),
            building: part(CivicPart::Bld),
            named_area: part(CivicPart::Loc).or_else(|| part(CivicPart::A4)),
            accuracy: None,
        });
    }
}

fn read_person(person: &data_model::Person) -> Person {
    let activities = person.activities.iter().flat_map(|list| &list.values).filter_map(|value| match value {
        Listed::Named(name) => Some(text(name.as_str())),
        Listed::Other(_) | Listed::Foreign(_) => None,
    });
    Person {
        activities: activities.collect(),
        mood: mood(person).into(),
        alias: person.cipid.display_name.as_deref().map(text).into(),
        status_content: media(person).into(),
        contact_info: person.cipid.card.as_deref().map(|url| ContactCard::Reference(text(url))).into(),
        info_links: links(person).into(),
        extensions: person.extensions.iter().map(extension).chain(vendor_elements(&person.passthrough)).collect(),
        updated: neutral_time(person.timestamp),
        ..Person::default()
    }
}

/// The first mood that WV can name, else the first one.
fn mood(person: &data_model::Person) -> Option<Mood> {
    let named = || {
        person.moods.iter().flat_map(|list| &list.values).filter_map(|value| match value {
            Listed::Named(name) => Some(mood_from_name(*name)),
            Listed::Other(_) | Listed::Foreign(_) => None,
        })
    };
    named().find(|mood| mood.nearest().is_some()).or_else(|| named().next())
}

fn media(person: &data_model::Person) -> Option<MediaContent> {
    let icon = person.status_icon.as_ref().map(|icon| (icon.uri.as_str(), icon.content_type.as_deref()));
    let (url, declared) = icon
        .or_else(|| person.cipid.icon.as_deref().map(|url| (url, None)))
        .or_else(|| person.cipid.sound.as_deref().map(|url| (url, Some("audio/*"))))?;
    let by_ending = url.rsplit_once('.').and_then(|(_, ending)| {
        let types = [("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("gif", "image/gif")];
        types.into_iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, media_type)| media_type)
    });
    Some(MediaContent { media_type: declared.or(by_ending).map(text), source: ContentSource::Reference(text(url)) })
}

fn links(person: &data_model::Person) -> Option<Vec<InfoLink>> {
    let plain =
        |link: &str, words: Option<&str>| InfoLink { link: text(link), text: words.map(text), content_type: None };
    let homepage = person.cipid.homepage.as_deref().map(|link| plain(link, None));
    let map = person.cipid.map.as_deref().map(|link| plain(link, Some("map")));
    let passed =
        person.passthrough.iter().filter(|element| element.name.as_str() == "info-link").filter_map(|element| {
            let part = |name: &str| element.child(name).map(|child| text(&child.text));
            Some(InfoLink { link: part("link")?, text: part("text"), content_type: part("type") })
        });
    let links: Vec<InfoLink> = homepage.into_iter().chain(passed).chain(map).collect();
    (!links.is_empty()).then_some(links)
}

/// Words about the place (presence.md §5, row place-type).
fn place_text(person: &data_model::Person) -> Option<Text> {
    let place = person.place_type.as_ref();
    let words = place.and_then(|place| place.other.as_deref().or_else(|| place.kinds.first().map(XmlName::as_str)));
    let sphere = || match person.sphere? {
        Sphere::Home => Some("home"),
        Sphere::Work => Some("work"),
        Sphere::Unknown => None,
    };
    words.or_else(sphere).map(text)
}

/// What is said of the person outside the person element.
fn complete_person(neutral: &mut Person, presence: &Presence, watcher: Option<&str>) {
    let of_person = newest_person(presence).map(|person| person.notes.as_slice()).unwrap_or_default();
    let open = |tuple: &&Tuple| tuple.basic == Some(Basic::Open) && tuple.passthrough.is_empty();
    let words = best_note(of_person)
        .or_else(|| best_note(&presence.notes))
        .or_else(|| services(presence).filter(open).find_map(|tuple| best_note(&tuple.notes)));
    if let Some(note) = words {
        neutral.status_text = Value::Known(text(&note.text));
    }
    if neutral.alias.is_absent() {
        neutral.alias = services(presence).find_map(|tuple| tuple.cipid.display_name.as_deref()).map(text).into();
    }
    let capabilities = services(presence).filter_map(|tuple| tuple.capabilities.as_ref());
    neutral.language = capabilities.flat_map(|caps| &caps.languages).next().map(|tag| text(tag)).into();
    neutral.preferred_contacts = preferred(presence, watcher).into();
}

/// The note without language first, for there is no watcher to choose for, else the first one.
fn best_note(notes: &[Note]) -> Option<&Note> {
    notes.iter().find(|note| note.language.is_none()).or_else(|| notes.first()).filter(|note| !note.text.is_empty())
}

/// Contacts with a preference, highest first (row P16, back).
fn preferred(presence: &Presence, watcher: Option<&str>) -> Option<Vec<PreferredContact>> {
    let mut ranked: Vec<_> = services(presence)
        .filter_map(|tuple| {
            let priority = tuple.contact.as_ref()?.priority?;
            let uri = contact_of(tuple, watcher)?;
            let means = text(&means_of(tuple, Some(uri))?);
            let is_open = tuple.basic.is_none_or(|basic| basic == Basic::Open);
            let open = is_open && tuple.barring_state != Some(ActivityState::Active);
            let contact = PreferredContact { means, contact: text(uri), open, name: None };
            Some((priority, contact))
        })
        .collect();
    ranked.sort_by_key(|(priority, _)| Reverse(*priority));
    (!ranked.is_empty()).then(|| ranked.into_iter().map(|(_, contact)| contact).collect())
}

fn extension(fragment: &XmlFragment) -> Extension {
    Extension { namespace: text(fragment.namespace()), name: None, xml: text(fragment.xml()) }
}

/// Elements of WV vendors that a gateway has carried through (row P25).
fn vendor_elements(passed: &[Passthrough]) -> impl Iterator<Item = Extension> {
    let carried = passed.iter().filter(|element| element.name.as_str() == VENDOR_WRAPPER);
    carried.flat_map(|element| &element.foreign).map(|fragment| Extension {
        namespace: Extension::WV_NAMESPACE.into(),
        name: Some(text(fragment.name())),
        xml: text(fragment.xml()),
    })
}
