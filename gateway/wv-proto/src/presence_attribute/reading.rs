//! Attributes as they are read: children by name, in any order, unknown ones ignored.

use super::{
    AddrPref, AttributeNames, Availability, Capability, CapabilityState, CivicAddress, ClientInfo, CommC, ContactInfo,
    ContentLimit, GeoLocation, InfoLink, MediaContent, Mood, PresenceAttribute, PresenceAttributeName, PresenceSubList,
    Qualified, StatusContent, TimeZone, VendorElement,
};
use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::capability::ClientType;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::ClientId;
use crate::schema::{ElementName, element};
use bytes::Bytes;

impl AttributeNames {
    /// The names in a PresenceSubList.
    pub(crate) fn read(list: Element<'_, '_>) -> Self {
        let mut names = Self::default();
        for child in list.children() {
            match child.known().and_then(PresenceAttributeName::from_element) {
                Some(name) => names.insert(name),
                None => names.insert_vendor(child.local_name()),
            }
        }
        names
    }
}

impl Part for PresenceSubList {
    fn read(list: Element<'_, '_>) -> Result<Self, MalformedReason> {
        list.children().map(PresenceAttribute::read).collect()
    }

    fn write(&self, sink: &mut dyn Sink) {
        self.write_list(sink);
    }
}

impl PresenceAttribute {
    fn read(attribute: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let Some(name) = attribute.known().and_then(PresenceAttributeName::from_element) else {
            return Ok(Self::Vendor(VendorElement::read(attribute)));
        };
        let e = attribute;
        Ok(match name {
            PresenceAttributeName::OnlineStatus => Self::OnlineStatus(qualified(e, read_flag)?),
            PresenceAttributeName::Registration => Self::Registration(qualified(e, read_flag)?),
            PresenceAttributeName::ClientInfo => Self::ClientInfo(Box::new(qualified(e, read_client_info)?)),
            PresenceAttributeName::TimeZone => Self::TimeZone(qualified(e, read_time_zone)?),
            PresenceAttributeName::GeoLocation => Self::GeoLocation(Box::new(qualified(e, read_geo_location)?)),
            PresenceAttributeName::Address => Self::Address(Box::new(qualified(e, read_civic_address)?)),
            PresenceAttributeName::FreeTextLocation => Self::FreeTextLocation(qualified(e, read_text)?),
            PresenceAttributeName::Plmn => Self::Plmn(qualified(e, read_text)?),
            PresenceAttributeName::CommCap => Self::CommCap(qualified(e, read_comm_cap)?),
            PresenceAttributeName::UserAvailability => Self::UserAvailability(qualified(e, read_availability)?),
            PresenceAttributeName::PreferredContacts => Self::PreferredContacts(qualified(e, read_contacts)?),
            PresenceAttributeName::PreferredLanguage => Self::PreferredLanguage(qualified(e, read_text)?),
            PresenceAttributeName::StatusText => Self::StatusText(qualified(e, read_text)?),
            PresenceAttributeName::StatusMood => Self::StatusMood(qualified(e, read_mood)?),
            PresenceAttributeName::Alias => Self::Alias(qualified(e, read_text)?),
            PresenceAttributeName::StatusContent => Self::StatusContent(Box::new(qualified(e, read_status_content)?)),
            PresenceAttributeName::ContactInfo => Self::ContactInfo(qualified(e, read_contact_info)?),
            PresenceAttributeName::InfoLink => Self::InfoLink(qualified(e, read_info_links)?),
        })
    }
}

type Read<T> = Result<Option<T>, MalformedReason>;

/// Reads what all attributes share, and the value by a function of its own.
fn qualified<T>(e: Element<'_, '_>, read: fn(Element<'_, '_>) -> Read<T>) -> Result<Qualified<T>, MalformedReason> {
    Ok(Qualified {
        // A Qualifier that cannot be read says nothing.
        qualifier: e.child(element::QUALIFIER).and_then(|child| child.boolean().ok()),
        value: read(e)?,
        // ClientInfo has an ApplicationID of its own; elsewhere it stands in the place of ClientID.
        client_id: if e.is(element::CLIENT_INFO) { e.part_of(element::CLIENT_ID)? } else { ClientId::read_in(e)? },
    })
}

fn read_text(e: Element<'_, '_>) -> Read<Box<str>> {
    Ok(e.present_text_of(element::PRESENCE_VALUE))
}

/// An OnlineStatus that is neither T nor F has no value: to refuse the whole update for it helps nobody.
fn read_flag(e: Element<'_, '_>) -> Read<bool> {
    Ok(e.child(element::PRESENCE_VALUE).and_then(|child| child.boolean().ok()))
}

fn read_availability(e: Element<'_, '_>) -> Read<Availability> {
    Ok(e.text_of(element::PRESENCE_VALUE).map(|text| Availability::parse(&text)))
}

fn read_mood(e: Element<'_, '_>) -> Read<Mood> {
    Ok(e.text_of(element::PRESENCE_VALUE).map(|text| Mood::parse(&text)))
}

fn read_client_info(e: Element<'_, '_>) -> Read<ClientInfo> {
    let value = ClientInfo {
        content_limit: e.child(element::CLIENT_CONTENT_LIMIT).map(read_content_limit).transpose()?,
        client_type: e.text_of(element::CLIENT_TYPE).map(|text| ClientType::parse(&text)),
        manufacturer: e.text_of(element::DEV_MANUFACTURER),
        producer: e.text_of(element::CLIENT_PRODUCER),
        model: e.text_of(element::MODEL),
        version: e.text_of(element::CLIENT_VERSION),
        language: e.text_of(element::LANGUAGE),
        message_priority: e.integer_of(element::CLIENT_IM_PRIORITY)?,
        application_id: e.text_of(element::APPLICATION_ID),
        vendor: e.children().filter(|child| child.known().is_none()).map(VendorElement::read).collect(),
    };
    Ok(Some(value).filter(|value| *value != ClientInfo::default()))
}

fn read_content_limit(e: Element<'_, '_>) -> Result<ContentLimit, MalformedReason> {
    Ok(ContentLimit {
        accepted_content_types: e.parts_of(element::ACCEPTED_CONTENT_TYPE)?,
        any_content: e.flag_of(element::ANY_CONTENT)?,
        accepted_text_content_length: e.integer_of(element::ACCEPTED_TEXT_CONTENT_LENGTH)?,
        accepted_transfer_encodings: e.texts_of(element::ACCEPTED_TRANSFER_ENCODING).collect(),
        pull_length_max: e.integer_of(element::MAX_PULL_LENGTH)?,
        push_length_max: e.integer_of(element::MAX_PUSH_LENGTH)?,
        plain_text_charsets: e.integers_of(element::PLAIN_TEXT_CHARSET),
    })
}

fn read_time_zone(e: Element<'_, '_>) -> Read<TimeZone> {
    Ok(e.text_of(element::ZONE).map(|zone| TimeZone { zone }))
}

fn read_geo_location(e: Element<'_, '_>) -> Read<GeoLocation> {
    let value = GeoLocation {
        longitude: e.text_of(element::LONGITUDE),
        latitude: e.text_of(element::LATITUDE),
        altitude: e.text_of(element::ALTITUDE),
        accuracy: e.text_of(element::ACCURACY),
    };
    Ok(Some(value).filter(|value| *value != GeoLocation::default()))
}

fn read_civic_address(e: Element<'_, '_>) -> Read<CivicAddress> {
    let value = CivicAddress {
        country: e.text_of(element::COUNTRY),
        city: e.text_of(element::CITY),
        street: e.text_of(element::STREET),
        crossing_1: e.text_of(element::CROSSING1),
        crossing_2: e.text_of(element::CROSSING2),
        building: e.text_of(element::BUILDING),
        named_area: e.text_of(element::NAMED_AREA),
        accuracy: e.text_of(element::ACCURACY),
    };
    Ok(Some(value).filter(|value| *value != CivicAddress::default()))
}

/// The entries of that name, if there is one; an entry that lacks what it is about is left out.
fn entries<T>(e: Element<'_, '_>, name: ElementName, read: fn(Element<'_, '_>) -> Option<T>) -> Read<Vec<T>> {
    let mut children = e.children_named(name).peekable();
    Ok(children.peek().is_some().then(|| children.filter_map(read).collect()))
}

fn read_comm_cap(e: Element<'_, '_>) -> Read<Vec<CommC>> {
    entries(e, element::COMM_C, |entry| {
        Some(CommC {
            capability: Capability::parse(&entry.text_of(element::CAP)?),
            state: entry.text_of(element::STATUS).map(|text| CapabilityState::parse(&text)),
            contact: entry.text_of(element::CONTACT),
            note: entry.text_of(element::NOTE),
        })
    })
}

fn read_contacts(e: Element<'_, '_>) -> Read<Vec<AddrPref>> {
    entries(e, element::ADDR_PREF, |entry| {
        Some(AddrPref {
            capability: Capability::parse(&entry.text_of(element::PREF_C)?),
            address: entry.text_of(element::CADDR)?,
            state: entry.text_of(element::CSTATUS).map(|text| CapabilityState::parse(&text)),
            name: entry.text_of(element::CNAME),
            priority: entry.text_of(element::CPRIORITY),
        })
    })
}

fn read_status_content(e: Element<'_, '_>) -> Read<StatusContent> {
    let direct = e.child(element::DIRECT_CONTENT).filter(|child| !child.is_empty()).map(|child| {
        // What should be BASE64 and is not is taken as it stands.
        let octets = child.content_octets(true, None).unwrap_or_else(|_| child.text().as_bytes().into());
        MediaContent::Direct(Bytes::copy_from_slice(&octets))
    });
    let content = direct.or_else(|| e.text_of(element::REFERRED_CONTENT).map(MediaContent::Referred));
    let content_type = e.text_of(element::CONTENT_TYPE);
    Ok((content.is_some() || content_type.is_some()).then_some(StatusContent { content, content_type }))
}

fn read_contact_info(e: Element<'_, '_>) -> Read<ContactInfo> {
    let contained = e.text_of(element::CONTAINED_V_CARD).map(ContactInfo::Contained);
    Ok(contained.or_else(|| e.text_of(element::REFERRED_V_CARD).map(ContactInfo::Referred)))
}

fn read_info_links(e: Element<'_, '_>) -> Read<Vec<InfoLink>> {
    entries(e, element::INF_LINK, |entry| {
        Some(InfoLink {
            link: entry.text_of(element::LINK)?,
            text: entry.text_of(element::TEXT),
            content_type: entry.text_of(element::CONTENT_TYPE),
        })
    })
}
