//! Presence: UpdatePresence to the neutral document, and what a watcher may see to a PresenceSubList.

mod attribute;
mod location;
mod vendor;
mod zone;

use attribute::{FromWv, to_attribute};
use mapping::presence::{
    Attribute, AttributeSet, Device, DeviceId, GeoLocation, Person, PresenceDocument, PresenceView, Value,
};
use mapping::time::Timestamp;
use wv_proto::presence_attribute::{
    AttributeNames, PresenceAttribute, PresenceAttributeName, PresenceSubList, Qualified,
};
use wv_proto::version::Version;

/// A value that cannot be taken (status 751).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} has an impossible value")]
pub struct BadPresenceValue(pub Attribute);

/// The document that an UpdatePresence-Request of the device says. What it does not name stays [`Value::Absent`].
///
/// # Errors
/// When a value belongs to a closed set and is not in it.
pub fn from_update(
    list: &PresenceSubList,
    device: &DeviceId,
    now: Timestamp,
) -> Result<PresenceDocument, BadPresenceValue> {
    let mut person = Person { updated: Some(now), ..Person::default() };
    let mut client = Device { id: device.clone(), updated: Some(now), ..Device::default() };
    for attribute in &list.attributes {
        read_client_status(attribute, &mut client)?;
        read_user_status(attribute, &mut person)?;
    }
    Ok(PresenceDocument { person, devices: vec![client] })
}

fn read_client_status(attribute: &PresenceAttribute, device: &mut Device) -> Result<(), BadPresenceValue> {
    match attribute {
        PresenceAttribute::OnlineStatus(value) => device.online = read(value, |online| Some(*online)),
        PresenceAttribute::Registration(value) => device.registered = read(value, |attached| Some(*attached)),
        PresenceAttribute::ClientInfo(value) => {
            device.client = read(value, |client| Some(client.to_neutral()));
            let said = value.value.as_ref().map(|client| client.vendor.as_slice()).unwrap_or_default();
            device.extensions = vendor::to_extensions(said);
        }
        PresenceAttribute::TimeZone(value) => {
            device.time_offset_minutes = strict(value, Attribute::TimeZone, |zone| zone::parse(&zone.zone))?;
        }
        PresenceAttribute::GeoLocation(value) => {
            device.location = strict(value, Attribute::GeoLocation, location::from_wv)?;
        }
        PresenceAttribute::Address(value) => device.civic = read(value, |civic| Some(civic.to_neutral())),
        PresenceAttribute::FreeTextLocation(value) => device.free_text_location = read_text(value),
        PresenceAttribute::Plmn(value) => device.network = read_text(value),
        PresenceAttribute::CommCap(value) => device.capabilities = read(value, |list| Some(list.to_neutral())),
        // The user status.
        _ => {}
    }
    Ok(())
}

fn read_user_status(attribute: &PresenceAttribute, person: &mut Person) -> Result<(), BadPresenceValue> {
    match attribute {
        PresenceAttribute::UserAvailability(value) => {
            person.availability = strict(value, Attribute::UserAvailability, attribute::availability_from_wv)?;
        }
        PresenceAttribute::PreferredContacts(value) => {
            person.preferred_contacts = read(value, |contacts| Some(contacts.to_neutral()));
        }
        PresenceAttribute::PreferredLanguage(value) => {
            person.language = read(value, |language| Some(zone::language_from_wv(language)));
        }
        PresenceAttribute::StatusText(value) => person.status_text = read_text(value),
        PresenceAttribute::StatusMood(value) => person.mood = read(value, |mood| Some(attribute::mood_from_wv(mood))),
        PresenceAttribute::Alias(value) => person.alias = read_text(value),
        PresenceAttribute::StatusContent(value) => person.status_content = read(value, attribute::content_from_wv),
        PresenceAttribute::ContactInfo(value) => {
            person.contact_info = read(value, |card| Some(attribute::card_from_wv(card)));
        }
        PresenceAttribute::InfoLink(value) => person.info_links = read(value, |links| Some(links.to_neutral())),
        PresenceAttribute::Vendor(said) => person.extensions.extend(vendor::to_extensions(std::slice::from_ref(said))),
        // The client status.
        _ => {}
    }
    Ok(())
}

/// What the qualifier and the value say together.
fn read<T, U>(value: &Qualified<T>, to_neutral: impl FnOnce(&T) -> Option<U>) -> Value<U> {
    match (value.qualifier, &value.value) {
        (Some(false), _) => Value::Unknown,
        // WV-PRS-03: a client that gives a value and no Qualifier means it.
        (Some(true) | None, Some(value)) => Value::from(to_neutral(value)),
        (Some(true) | None, None) => Value::Absent,
    }
}

fn strict<T, U>(
    value: &Qualified<T>,
    attribute: Attribute,
    to_neutral: impl FnOnce(&T) -> Option<U>,
) -> Result<Value<U>, BadPresenceValue> {
    match (value.qualifier, &value.value) {
        (Some(true) | None, Some(value)) => to_neutral(value).map(Value::Known).ok_or(BadPresenceValue(attribute)),
        (_, _) => Ok(read(value, |_| None)),
    }
}

fn read_text(value: &Qualified<Box<str>>) -> Value<mapping::presence::Text> {
    read(value, |text| Some(text.as_ref().into()))
}

/// The attributes that a naming list asks for; none or an empty list asks for all.
#[must_use]
pub fn from_names(names: Option<&AttributeNames>) -> AttributeSet {
    let Some(names) = names.filter(|names| !names.is_empty()) else { return AttributeSet::ALL };
    let mut set: AttributeSet = names.iter().map(attribute::from_name).collect();
    if names.vendor().next().is_some() {
        set.insert(Attribute::Extension);
    }
    set
}

/// The naming list for a set of attributes; `None` for all of them, as an absent list means all.
#[must_use]
pub fn to_names(set: AttributeSet, version: Version) -> Option<AttributeNames> {
    (set != AttributeSet::ALL).then(|| {
        set.iter().filter_map(attribute::to_name).filter(|name: &PresenceAttributeName| name.is_in(version)).collect()
    })
}

/// What the watcher is told: the shown attributes that changed, one instance each (WV-PRS-05); what has no value gets
/// Qualifier F. What vendors put into ClientInfo is told there.
// UNCLEAR presence-attributes.md §3: whether attributes of vendors are granted and asked for one by one; one word stands
// for all of them here.
#[must_use]
pub fn to_sub_list(view: &PresenceView, version: Version) -> PresenceSubList {
    let device = merge_devices(&view.document.devices);
    let mut told = view.attributes.intersection(view.changed);
    let shows_vendors = view.attributes.contains(Attribute::Extension);
    let has_client = view.attributes.contains(Attribute::ClientInfo);
    if told.contains(Attribute::Extension) && has_client && !device.extensions.is_empty() {
        told.insert(Attribute::ClientInfo);
    }
    let named = told
        .iter()
        .filter(|attribute| *attribute != Attribute::InfoLink || version != Version::V1_1)
        .filter_map(|attribute| to_attribute(attribute, &view.document.person, &device))
        .map(|attribute| match attribute {
            PresenceAttribute::ClientInfo(client) if shows_vendors => {
                PresenceAttribute::ClientInfo(Box::new(vendor::within_client(*client, &device.extensions)))
            }
            attribute => attribute,
        });
    let of_vendors =
        told.contains(Attribute::Extension).then(|| vendor::from_extensions(&view.document.person.extensions));
    named.chain(of_vendors.into_iter().flatten().map(PresenceAttribute::Vendor)).collect()
}

/// The place that a list of attributes names.
#[must_use]
pub fn place_named(list: &PresenceSubList) -> Option<GeoLocation> {
    list.attributes.iter().find_map(|attribute| match attribute {
        PresenceAttribute::GeoLocation(place) => place.value.as_ref().and_then(location::from_wv),
        _ => None,
    })
}

/// The place of a presentity, as far as it is shown.
#[must_use]
pub fn place_shown(view: &PresenceView) -> Option<GeoLocation> {
    let is_shown = view.attributes.contains(Attribute::GeoLocation);
    is_shown.then(|| merge_devices(&view.document.devices).location.known().cloned()).flatten()
}

/// One device that stands for all: online before offline, newest first, and what it does not say from the next one.
fn merge_devices(devices: &[Device]) -> Device {
    let mut order: Vec<&Device> = devices.iter().collect();
    order.sort_by_key(|device| (device.online != Value::Known(true), std::cmp::Reverse(device.updated)));
    let mut merged = Device::default();
    for device in order.into_iter().rev() {
        merged.online.merge(device.online.clone());
        merged.registered.merge(device.registered.clone());
        merged.client.merge(device.client.clone());
        merged.time_offset_minutes.merge(device.time_offset_minutes.clone());
        merged.location.merge(device.location.clone());
        merged.civic.merge(device.civic.clone());
        merged.free_text_location.merge(device.free_text_location.clone());
        merged.network.merge(device.network.clone());
        merged.capabilities.merge(device.capabilities.clone());
        merged.extensions.retain(|old| !device.extensions.iter().any(|new| new.replaces(old)));
        merged.extensions.extend(device.extensions.iter().cloned());
    }
    merged
}

#[cfg(test)]
mod tests;
