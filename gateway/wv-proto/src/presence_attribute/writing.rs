//! Attributes as they are written: in the order of the documents, in the shape of the version.

use super::{
    AttributeNames, CivicAddress, ClientInfo, CommC, ContactInfo, ContentLimit, GeoLocation, InfoLink, MediaContent,
    PresenceAttribute, PresenceAttributeName, PresenceSubList, Qualified, StatusContent,
};
use crate::codec::sink::Sink;
use crate::presence_attribute::AddrPref;
use crate::primitive::capability::{ClientType, write_accepted_content};
use crate::primitive::identifier::ClientId;
use crate::schema::{ElementName, element};
use crate::version::Version;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

impl AttributeNames {
    /// Writes a PresenceSubList of empty elements.
    pub(crate) fn write(&self, sink: &mut dyn Sink) {
        let version = sink.version();
        sink.open_with_namespace(element::PRESENCE_SUB_LIST, version.presence_namespace());
        for name in self.iter().filter(|name| name.is_in(version)) {
            sink.empty(name.element());
        }
        for name in self.vendor() {
            sink.open_vendor(name, None);
            sink.close();
        }
        sink.close();
    }
}

impl PresenceSubList {
    // WV-PRM-08
    pub(crate) fn write_list(&self, sink: &mut dyn Sink) {
        let version = sink.version();
        sink.open_with_namespace(element::PRESENCE_SUB_LIST, version.presence_namespace());
        for name in PresenceAttributeName::ALL.iter().filter(|name| name.is_in(version)) {
            // Only client status repeats, and only from 1.3 on, where the ClientID tells the repetitions apart.
            let count_max = if version == Version::V1_3 && name.is_client_status() { usize::MAX } else { 1 };
            let of_name = self.attributes.iter().filter(|attribute| attribute.name() == Some(*name));
            for attribute in of_name.take(count_max) {
                attribute.write(*name, sink);
            }
        }
        for attribute in &self.attributes {
            if let PresenceAttribute::Vendor(vendor) = attribute {
                vendor.write(sink);
            }
        }
        sink.close();
    }
}

impl PresenceAttribute {
    fn write(&self, name: PresenceAttributeName, sink: &mut dyn Sink) {
        let name = name.element();
        match self {
            Self::OnlineStatus(flag) | Self::Registration(flag) => {
                qualified(name, flag, sink, |flag, sink| {
                    sink.leaf_text(element::PRESENCE_VALUE, if *flag { "T" } else { "F" });
                });
            }
            Self::ClientInfo(value) => qualified(name, value, sink, write_client_info),
            Self::TimeZone(value) => {
                qualified(name, value, sink, |value, sink| sink.leaf_text(element::ZONE, &value.zone));
            }
            Self::GeoLocation(value) => qualified(name, value, sink, write_geo_location),
            Self::Address(value) => qualified(name, value, sink, write_civic_address),
            Self::FreeTextLocation(text)
            | Self::Plmn(text)
            | Self::PreferredLanguage(text)
            | Self::StatusText(text)
            | Self::Alias(text) => qualified(name, text, sink, |text, sink| write_value(text, sink)),
            Self::CommCap(entries) => qualified(name, entries, sink, |entries, sink| write_comm_cap(entries, sink)),
            Self::UserAvailability(value) => {
                qualified(name, value, sink, |word, sink| write_value(word.as_str(), sink))
            }
            Self::PreferredContacts(entries) => {
                qualified(name, entries, sink, |entries, sink| write_contacts(entries, sink));
            }
            Self::StatusMood(value) => qualified(name, value, sink, |word, sink| write_value(word.as_str(), sink)),
            Self::StatusContent(value) => qualified(name, value, sink, write_status_content),
            Self::ContactInfo(value) => qualified(name, value, sink, write_contact_info),
            Self::InfoLink(entries) => qualified(name, entries, sink, |entries, sink| write_info_links(entries, sink)),
            Self::Vendor(vendor) => vendor.write(sink),
        }
    }
}

/// Writes what all attributes share, Qualifier first and ClientID last, and the value by a function of its own.
fn qualified<T>(
    name: ElementName,
    attribute: &Qualified<T>,
    sink: &mut dyn Sink,
    write: impl FnOnce(&T, &mut dyn Sink),
) {
    sink.open(name);
    sink.maybe_flag(element::QUALIFIER, attribute.qualifier);
    if let Some(value) = &attribute.value {
        write(value, sink);
    }
    // UNCLEAR presence-attributes.md §3: Address is listed without ClientID; written all the same, because only the
    // ClientID tells the repetitions of a client status attribute apart.
    if sink.version() == Version::V1_3 {
        ClientId::write_option(attribute.client_id.as_ref(), sink);
    }
    sink.close();
}

fn write_value(text: &str, sink: &mut dyn Sink) {
    sink.leaf_text(element::PRESENCE_VALUE, text);
}

fn write_client_info(value: &ClientInfo, sink: &mut dyn Sink) {
    let is_1_3 = sink.version() == Version::V1_3;
    if let (true, Some(limit)) = (is_1_3, &value.content_limit) {
        write_content_limit(limit, sink);
    }
    sink.maybe_text(element::CLIENT_TYPE, value.client_type.as_ref().map(ClientType::as_str));
    sink.maybe_text(element::DEV_MANUFACTURER, value.manufacturer.as_deref());
    sink.maybe_text(element::CLIENT_PRODUCER, value.producer.as_deref());
    sink.maybe_text(element::MODEL, value.model.as_deref());
    sink.maybe_text(element::CLIENT_VERSION, value.version.as_deref());
    sink.maybe_text(element::LANGUAGE, value.language.as_deref());
    if is_1_3 {
        sink.maybe_integer(element::CLIENT_IM_PRIORITY, value.message_priority);
        sink.maybe_text(element::APPLICATION_ID, value.application_id.as_deref());
    }
    for vendor in &value.vendor {
        vendor.write(sink);
    }
}

fn write_content_limit(limit: &ContentLimit, sink: &mut dyn Sink) {
    sink.open(element::CLIENT_CONTENT_LIMIT);
    write_accepted_content(limit.any_content, &limit.accepted_content_types, sink);
    sink.maybe_integer(element::ACCEPTED_TEXT_CONTENT_LENGTH, limit.accepted_text_content_length);
    sink.each_text(element::ACCEPTED_TRANSFER_ENCODING, limit.accepted_transfer_encodings.iter().map(AsRef::as_ref));
    sink.maybe_integer(element::MAX_PULL_LENGTH, limit.pull_length_max);
    sink.maybe_integer(element::MAX_PUSH_LENGTH, limit.push_length_max);
    sink.each_integer(element::PLAIN_TEXT_CHARSET, &limit.plain_text_charsets);
    sink.close();
}

fn write_geo_location(value: &GeoLocation, sink: &mut dyn Sink) {
    sink.maybe_text(element::LONGITUDE, value.longitude.as_deref());
    sink.maybe_text(element::LATITUDE, value.latitude.as_deref());
    sink.maybe_text(element::ALTITUDE, value.altitude.as_deref());
    sink.maybe_text(element::ACCURACY, value.accuracy.as_deref());
}

fn write_civic_address(value: &CivicAddress, sink: &mut dyn Sink) {
    sink.maybe_text(element::COUNTRY, value.country.as_deref());
    sink.maybe_text(element::CITY, value.city.as_deref());
    sink.maybe_text(element::STREET, value.street.as_deref());
    sink.maybe_text(element::CROSSING1, value.crossing_1.as_deref());
    sink.maybe_text(element::CROSSING2, value.crossing_2.as_deref());
    sink.maybe_text(element::BUILDING, value.building.as_deref());
    sink.maybe_text(element::NAMED_AREA, value.named_area.as_deref());
    sink.maybe_text(element::ACCURACY, value.accuracy.as_deref());
}

fn write_comm_cap(entries: &[CommC], sink: &mut dyn Sink) {
    for entry in entries {
        sink.open(element::COMM_C);
        sink.leaf_text(element::CAP, entry.capability.as_str());
        sink.maybe_text(element::STATUS, entry.state.as_ref().map(super::CapabilityState::as_str));
        sink.maybe_text(element::CONTACT, entry.contact.as_deref());
        sink.maybe_text(element::NOTE, entry.note.as_deref());
        sink.close();
    }
}

fn write_contacts(entries: &[AddrPref], sink: &mut dyn Sink) {
    for entry in entries {
        sink.open(element::ADDR_PREF);
        sink.leaf_text(element::PREF_C, entry.capability.as_str());
        sink.leaf_text(element::CADDR, &entry.address);
        sink.maybe_text(element::CSTATUS, entry.state.as_ref().map(super::CapabilityState::as_str));
        sink.maybe_text(element::CNAME, entry.name.as_deref());
        sink.maybe_text(element::CPRIORITY, entry.priority.as_deref());
        sink.close();
    }
}

fn write_status_content(value: &StatusContent, sink: &mut dyn Sink) {
    match &value.content {
        Some(MediaContent::Direct(octets)) => sink.leaf_text(element::DIRECT_CONTENT, &STANDARD.encode(octets)),
        Some(MediaContent::Referred(url)) => sink.leaf_text(element::REFERRED_CONTENT, url),
        None => {}
    }
    sink.maybe_text(element::CONTENT_TYPE, value.content_type.as_deref());
}

fn write_contact_info(value: &ContactInfo, sink: &mut dyn Sink) {
    match value {
        ContactInfo::Contained(card) => sink.leaf_text(element::CONTAINED_V_CARD, card),
        ContactInfo::Referred(url) => sink.leaf_text(element::REFERRED_V_CARD, url),
    }
}

fn write_info_links(entries: &[InfoLink], sink: &mut dyn Sink) {
    for entry in entries {
        sink.open(element::INF_LINK);
        sink.leaf_text(element::LINK, &entry.link);
        sink.maybe_text(element::TEXT, entry.text.as_deref());
        sink.maybe_text(element::CONTENT_TYPE, entry.content_type.as_deref());
        sink.close();
    }
}
