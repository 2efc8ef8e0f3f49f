//! How large a Presence becomes on the wire, estimated so that it is rather too large than too small.

use crate::presence_attribute::{ContactInfo, MediaContent, PresenceAttribute, VendorElement};
use crate::primitive::presence::{Presence, Presentity};

/// Octets of one Presence element in XML, which is the larger encoding.
pub(super) fn octets_of_presence(presence: &Presence) -> usize {
    let name = match &presence.presentity {
        Presentity::User(user) => user.as_str().len(),
        Presentity::ContactList(list) => list.as_str().len(),
    };
    let attributes: usize = presence.attributes.attributes.iter().map(octets_of_attribute).sum();
    FRAME.saturating_add(name).saturating_add(attributes)
}

fn octets_of_attribute(attribute: &PresenceAttribute) -> usize {
    let inside = match attribute {
        PresenceAttribute::OnlineStatus(_)
        | PresenceAttribute::Registration(_)
        | PresenceAttribute::UserAvailability(_)
        | PresenceAttribute::StatusMood(_)
        | PresenceAttribute::TimeZone(_) => FIELD,
        PresenceAttribute::FreeTextLocation(text)
        | PresenceAttribute::Plmn(text)
        | PresenceAttribute::PreferredLanguage(text)
        | PresenceAttribute::StatusText(text)
        | PresenceAttribute::Alias(text) => text.value.as_deref().map_or(0, octets_of_text),
        PresenceAttribute::ClientInfo(client) => {
            let vendor = client.value.as_ref().map(|client| client.vendor.iter().map(octets_of_vendor).sum::<usize>());
            STRUCTURE.saturating_add(vendor.unwrap_or_default())
        }
        PresenceAttribute::GeoLocation(_) | PresenceAttribute::Address(_) => STRUCTURE,
        PresenceAttribute::CommCap(list) => many(list.value.as_ref().map(Vec::len), 4),
        PresenceAttribute::PreferredContacts(list) => many(list.value.as_ref().map(Vec::len), 5),
        PresenceAttribute::InfoLink(list) => many(list.value.as_ref().map(Vec::len), 3),
        PresenceAttribute::ContactInfo(card) => match &card.value {
            Some(ContactInfo::Contained(text) | ContactInfo::Referred(text)) => octets_of_text(text),
            None => 0,
        },
        PresenceAttribute::StatusContent(status) => {
            match status.value.as_ref().and_then(|value| value.content.as_ref()) {
                Some(content) => octets_of_content(content),
                None => FIELD,
            }
        }
        PresenceAttribute::Vendor(vendor) => octets_of_vendor(vendor),
    };
    FIELD.saturating_add(inside)
}

fn octets_of_vendor(vendor: &VendorElement) -> usize {
    let namespace = vendor.namespace.as_deref().map_or(0, octets_of_text);
    let names = vendor.name.len().saturating_mul(2).saturating_add(namespace).saturating_add(MARKS);
    let pairs = vendor
        .attributes
        .iter()
        .map(|(name, value)| name.len().saturating_add(octets_of_text(value)).saturating_add(MARKS));
    let text = vendor.text.as_deref().map_or(0, octets_of_text);
    let inside: usize = vendor.children.iter().map(octets_of_vendor).sum();
    names.saturating_add(pairs.sum()).saturating_add(text).saturating_add(inside)
}

fn octets_of_content(content: &MediaContent) -> usize {
    match content {
        MediaContent::Referred(text) => octets_of_text(text),
        // In XML the octets become base64.
        MediaContent::Direct(octets) => octets.len().saturating_mul(2),
    }
}

/// Escaping makes at most six octets of one.
pub(super) fn octets_of_text(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'')).count();
    text.len().saturating_add(escaped.saturating_mul(5))
}

fn many(count: Option<usize>, fields: usize) -> usize {
    count.unwrap_or_default().saturating_mul(fields).saturating_mul(FIELD)
}

/// Presence, UserID and PresenceSubList with its namespace.
const FRAME: usize = 180;
/// The marks around a name, and `xmlns`.
const MARKS: usize = 16;
/// One element with a short text, and the Qualifier beside it.
const FIELD: usize = 96;
/// An element with a handful of short texts.
const STRUCTURE: usize = 800;
