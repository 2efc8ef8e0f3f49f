//! The neutral document as PIDF, as far as the watcher may see it.

use super::{VENDOR_WRAPPER, mood_to_name};
use mapping::presence::{
    Attribute, AttributeSet, Availability, Capability, ClientDescription, ClientType, ContactCard, ContentSource,
    Device, DeviceId, Extension, Person, PresenceView, Text, Value,
};
use sip_proto::{
    body::{
        capability::{DeviceCapabilities, Mobility, ServiceCapabilities, ServiceFeature},
        cipid::Cipid,
        data_model,
        location::{CivicAddress, CivicPart, LocationObject, Position},
        oma::{ActivityState, NetworkAvailability},
        passthrough::Passthrough,
        pidf::{Basic, Contact, ElementId, Note, Presence, Priority, Tuple},
        rpid::{Activities, ActivityName, Listed, Moods, StatusIcon, TimeOffset},
        xml::{XmlFragment, XmlLimits, XmlName},
    },
    time::Timestamp,
};

/// The document for a watcher; `entity` is the presentity's URI.
#[must_use]
pub fn to_pidf(entity: &str, view: &PresenceView) -> Presence {
    let shown = view.attributes;
    let mut presence = Presence::new(entity);
    for device in &view.document.devices {
        presence.tuples.push(to_tuple(entity, device, &view.document.person, shown));
        presence.tuples.extend(other_services(device, shown));
        presence.devices.extend(to_device(device, shown));
    }
    presence.persons.extend(to_person(&view.document.person, &view.document.devices, shown));
    presence
}

fn timestamp(at: Option<mapping::time::Timestamp>) -> Option<Timestamp> {
    // presence.md §7: second precision.
    at.map(|at| Timestamp::from_secs(at.as_secs()))
}

/// A shown value; `None` for what may not be seen, is not known or was said to be invalid (its element is omitted).
fn shown<T>(value: &Value<T>, attribute: Attribute, set: AttributeSet) -> Option<&T> {
    value.known().filter(|_| set.contains(attribute))
}

fn string(text: &Text) -> String {
    text.as_ref().to_owned()
}

/// The instant-messaging service of a device (rows P1, P2, P12, P16 to P18, P20).
fn to_tuple(entity: &str, device: &Device, person: &Person, set: AttributeSet) -> Tuple {
    let mut tuple = Tuple {
        id: ElementId::from_text(&format!("im-{}", hash_of(&device.id))),
        basic: basic(device, set),
        device_id: Some(urn(&device.id)),
        registration_state: shown(&device.online, Attribute::OnlineStatus, set).map(|online| activity_state(*online)),
        timestamp: timestamp(device.updated.max(person.updated)),
        ..Tuple::default()
    };
    let rank = shown(&person.preferred_contacts, Attribute::PreferredContacts, set).and_then(|contacts| {
        contacts.iter().position(|contact| contact.means.as_ref() == "IM").map(|at| (at, contacts.len()))
    });
    tuple.contact =
        Some(Contact { uri: entity.to_owned(), priority: rank.and_then(|(at, count)| priority(at, count)) });
    if let Some(text) = shown(&person.status_text, Attribute::StatusText, set) {
        tuple.notes.push(note(text, person, set));
    }
    tuple.cipid.display_name = shown(&person.alias, Attribute::Alias, set).map(string);
    tuple.capabilities = service_capabilities(device, person, set);
    tuple
}

fn service_capabilities(device: &Device, person: &Person, set: AttributeSet) -> Option<ServiceCapabilities> {
    let mut capabilities = ServiceCapabilities::default();
    if shown(&device.online, Attribute::OnlineStatus, set).is_some() {
        capabilities.support(ServiceFeature::Message);
        capabilities.support(ServiceFeature::Text);
    }
    let client = shown(&device.client, Attribute::ClientInfo, set).and_then(|client| client.language.as_ref());
    let preferred = shown(&person.language, Attribute::PreferredLanguage, set);
    capabilities.languages = preferred.into_iter().chain(client).map(string).collect();
    capabilities.languages.dedup();
    (capabilities != ServiceCapabilities::default()).then_some(capabilities)
}

/// presence.md §4.
fn basic(device: &Device, set: AttributeSet) -> Option<Basic> {
    let messaging = shown(&device.capabilities, Attribute::CommCap, set)
        .and_then(|capabilities| capabilities.iter().find(|entry| is_messaging(entry)))
        .map(|entry| entry.open);
    match (shown(&device.online, Attribute::OnlineStatus, set), messaging) {
        (Some(true), Some(true) | None) | (None, Some(true)) => Some(Basic::Open),
        (Some(false), _) | (_, Some(false)) => Some(Basic::Closed),
        (None, None) => None,
    }
}

fn is_messaging(entry: &Capability) -> bool {
    matches!(entry.means.as_ref(), "IM" | "IM_ONLINE")
}

const fn activity_state(on: bool) -> ActivityState {
    if on { ActivityState::Active } else { ActivityState::Terminated }
}

/// Rank `at` of `count` as preference 1 − at/count (row P16).
fn priority(at: usize, count: usize) -> Option<Priority> {
    let lost = at.checked_mul(1000)?.checked_div(count)?;
    Some(Priority::from_thousandths(u16::try_from(1000_usize.checked_sub(lost)?).ok()?))
}

/// Services of the device beside instant messaging (row P12).
fn other_services(device: &Device, set: AttributeSet) -> Vec<Tuple> {
    let Some(capabilities) = shown(&device.capabilities, Attribute::CommCap, set) else { return Vec::new() };
    let others = capabilities.iter().filter(|entry| !is_messaging(entry));
    others
        .enumerate()
        .map(|(number, entry)| Tuple {
            id: ElementId::from_text(&format!("cap-{}-{number}", hash_of(&device.id))),
            basic: Some(if entry.open { Basic::Open } else { Basic::Closed }),
            contact: entry.contact.as_ref().map(|uri| Contact { uri: string(uri), priority: None }),
            notes: entry.note.iter().map(|text| Note { language: None, text: string(text) }).collect(),
            passthrough: named("cap", &entry.means).into_iter().collect(),
            ..Tuple::default()
        })
        .collect()
}

fn named(name: &str, text: &str) -> Option<Passthrough> {
    XmlName::parse(name).ok().map(|name| Passthrough::from_text(name, text.to_owned()))
}

/// The device (rows P3 to P5, P8, P9, P11).
fn to_device(device: &Device, set: AttributeSet) -> Option<data_model::Device> {
    let mut out = data_model::Device::default();
    if let Some(registered) = shown(&device.registered, Attribute::Registration, set) {
        out.networks.push(NetworkAvailability { id: "IMS".to_owned(), state: activity_state(*registered) });
    }
    if let Some(client) = shown(&device.client, Attribute::ClientInfo, set) {
        describe_client(client, &mut out);
    }
    out.location = to_location(device, set);
    out.passthrough.extend(shown(&device.network, Attribute::Plmn, set).and_then(|name| named("plmn", name)));
    let place = shown(&device.free_text_location, Attribute::FreeTextLocation, set);
    out.passthrough.extend(place.and_then(|text| named("free-text-location", text)));
    if set.contains(Attribute::Extension) {
        out.extensions = fragments(&device.extensions);
        out.passthrough.extend(vendor_wrapper(&device.extensions));
    }
    if out == data_model::Device::default() {
        return None;
    }
    out.id = ElementId::from_text(&format!("dev-{}", hash_of(&device.id)));
    out.device_id = Some(urn(&device.id));
    out.timestamp = timestamp(device.updated);
    Some(out)
}

fn describe_client(client: &ClientDescription, out: &mut data_model::Device) {
    let (word, mobility) = match &client.client_type {
        Some(ClientType::MobilePhone) => ("MOBILE_PHONE", Some(Mobility::Mobile)),
        Some(ClientType::Pda) => ("PDA", Some(Mobility::Mobile)),
        Some(ClientType::Computer) => ("COMPUTER", Some(Mobility::Fixed)),
        Some(ClientType::Cli) => ("CLI", Some(Mobility::Fixed)),
        Some(ClientType::Other(word)) => (word.as_ref(), None),
        None => ("", None),
    };
    let parts = [&client.manufacturer, &client.model, &client.producer, &client.version];
    let words: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
    if !words.is_empty() {
        out.notes.push(Note { language: None, text: words.join(" ") });
    }
    if mobility.is_some() {
        out.capabilities = Some(DeviceCapabilities { mobility, ..DeviceCapabilities::default() });
    }
    let exact = [
        ("client-type", Some(word).filter(|word| !word.is_empty())),
        ("manufacturer", client.manufacturer.as_deref()),
        ("model", client.model.as_deref()),
        ("producer", client.producer.as_deref()),
        ("version", client.version.as_deref()),
        ("language", client.language.as_deref()),
    ];
    let children: Vec<Passthrough> =
        exact.into_iter().filter_map(|(name, text)| text.and_then(|text| named(name, text))).collect();
    if let (false, Ok(name)) = (children.is_empty(), XmlName::parse("client-info")) {
        out.passthrough.push(Passthrough::from_children(name, children));
    }
}

fn to_location(device: &Device, set: AttributeSet) -> Option<LocationObject> {
    let position = shown(&device.location, Attribute::GeoLocation, set).map(|at| Position {
        latitude_e7: at.latitude_e7,
        longitude_e7: at.longitude_e7,
        altitude_mm: at.altitude_mm,
        radius_mm: at.accuracy_mm,
    });
    let civic = shown(&device.civic, Attribute::Address, set).map(|civic| {
        let crossing: Vec<&str> =
            [&civic.crossing_1, &civic.crossing_2].into_iter().flatten().map(AsRef::as_ref).collect();
        let crossing = (!crossing.is_empty()).then(|| crossing.join(" / "));
        let parts = [
            (CivicPart::Country, civic.country.as_ref().map(string)),
            (CivicPart::A3, civic.city.as_ref().map(string)),
            (CivicPart::Rd, civic.street.as_ref().map(string)),
            (CivicPart::Lmk, crossing),
            (CivicPart::Loc, civic.named_area.as_ref().map(string)),
            (CivicPart::Bld, civic.building.as_ref().map(string)),
        ];
        parts.into_iter().filter_map(|(part, text)| Some((part, text?))).collect::<CivicAddress>()
    });
    (position.is_some() || civic.is_some()).then(|| LocationObject { position, civic, ..LocationObject::default() })
}

/// The person (rows P7, P10, P13 to P15, P17 to P24).
fn to_person(person: &Person, devices: &[Device], set: AttributeSet) -> Option<data_model::Person> {
    let mut out = data_model::Person::default();
    if let Some(availability) = shown(&person.availability, Attribute::UserAvailability, set) {
        let willing = *availability != Availability::NotAvailable;
        out.overriding_willingness = Some(if willing { Basic::Open } else { Basic::Closed });
        out.activities = activities(*availability, &person.activities);
    }
    if let Some(name) = shown(&person.mood, Attribute::StatusMood, set).and_then(mood_to_name) {
        out.moods = Some(Moods { values: vec![Listed::Named(name)], notes: Vec::new() });
    }
    if let Some(text) = shown(&person.status_text, Attribute::StatusText, set) {
        out.notes.push(note(text, person, set));
    }
    let offset = devices.iter().find_map(|device| shown(&device.time_offset_minutes, Attribute::TimeZone, set));
    out.time_offset = offset.map(|minutes| TimeOffset { minutes: *minutes, description: None });
    out.cipid = Cipid { display_name: shown(&person.alias, Attribute::Alias, set).map(string), ..Cipid::default() };
    write_media(person, set, &mut out);
    if set.contains(Attribute::Extension) {
        out.extensions = fragments(&person.extensions);
        out.passthrough.extend(vendor_wrapper(&person.extensions));
    }
    if out == data_model::Person::default() {
        return None;
    }
    out.id = ElementId::from_text("p");
    out.timestamp = timestamp(person.updated);
    Some(out)
}

/// What was said in RPID is said again; otherwise the availability stands for one activity (rows P14, P15).
fn activities(availability: Availability, said: &[Text]) -> Option<Activities> {
    let mut values: Vec<Listed<ActivityName>> = said
        .iter()
        .filter_map(|word| ActivityName::parse(word))
        // RFC 4480 §3.2: "lunch" stands in the text and not in the schema.
        .map(|name| Listed::Named(if name == ActivityName::Lunch { ActivityName::Meal } else { name }))
        .collect();
    if values.is_empty() {
        match availability {
            Availability::Available => {}
            Availability::Discreet => values.push(Listed::Named(ActivityName::Busy)),
            Availability::NotAvailable => values.push(Listed::Named(ActivityName::Away)),
        }
    }
    (!values.is_empty()).then(|| Activities { values, notes: Vec::new() })
}

/// Icon, sound, card and links. Contents given directly would need a content store; without one they are left out
/// (rows P22, P23).
fn write_media(person: &Person, set: AttributeSet, out: &mut data_model::Person) {
    if let Some(content) = shown(&person.status_content, Attribute::StatusContent, set)
        && let ContentSource::Reference(url) = &content.source
    {
        let kind = content.media_type.as_deref().unwrap_or_default();
        if kind.starts_with("audio/") {
            out.cipid.sound = Some(string(url));
        } else {
            out.status_icon =
                Some(StatusIcon { uri: string(url), content_type: content.media_type.as_ref().map(string) });
        }
    }
    if let Some(ContactCard::Reference(url)) = shown(&person.contact_info, Attribute::ContactInfo, set) {
        out.cipid.card = Some(string(url));
    }
    let links = shown(&person.info_links, Attribute::InfoLink, set).map(Vec::as_slice).unwrap_or_default();
    out.cipid.homepage = links.first().map(|link| string(&link.link));
    for link in links.iter().skip(1) {
        let parts = [("link", Some(&link.link)), ("text", link.text.as_ref()), ("type", link.content_type.as_ref())];
        let children = parts.into_iter().filter_map(|(name, text)| text.and_then(|text| named(name, text))).collect();
        if let Ok(name) = XmlName::parse("info-link") {
            out.passthrough.push(Passthrough::from_children(name, children));
        }
    }
}

fn note(text: &Text, person: &Person, set: AttributeSet) -> Note {
    Note { language: shown(&person.language, Attribute::PreferredLanguage, set).map(string), text: string(text) }
}

fn fragments(extensions: &[Extension]) -> Vec<XmlFragment> {
    let own = extensions.iter().filter(|extension| extension.namespace.as_ref() != Extension::WV_NAMESPACE);
    own.filter_map(fragment).collect()
}

fn fragment(extension: &Extension) -> Option<XmlFragment> {
    XmlFragment::parse(&extension.xml, &XmlLimits::default()).ok()
}

/// The elements of WV vendors, as they came, inside one of ours (row P25).
fn vendor_wrapper(extensions: &[Extension]) -> Option<Passthrough> {
    let of_vendors = extensions.iter().filter(|extension| extension.namespace.as_ref() == Extension::WV_NAMESPACE);
    let foreign: Vec<XmlFragment> = of_vendors.filter_map(fragment).collect();
    let name = XmlName::parse(VENDOR_WRAPPER).ok().filter(|_| !foreign.is_empty())?;
    Some(Passthrough { foreign, ..Passthrough::from_children(name, Vec::new()) })
}

/// The `dm:deviceID` of a device: the one its own side gave it where that is a URN, else made from its name, which
/// itself is never shown (sessions.md §3).
fn urn(id: &DeviceId) -> String {
    if id.as_str().starts_with("urn:") {
        return id.as_str().to_owned();
    }
    let (high, low) = (fnv(id.as_str(), 0xcbf2_9ce4_8422_2325), fnv(id.as_str(), 0x9ae1_6a3b_2f90_404f));
    // RFC 9562 §5.8: version 8, of our own making.
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x8000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    format!(
        "urn:uuid:{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

fn hash_of(id: &DeviceId) -> String {
    format!("{:012x}", fnv(id.as_str(), 0xcbf2_9ce4_8422_2325) >> 16)
}

/// FNV-1a: the same on every machine and in every release, which is all that is asked of it.
fn fnv(text: &str, basis: u64) -> u64 {
    text.bytes().fold(basis, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3))
}
