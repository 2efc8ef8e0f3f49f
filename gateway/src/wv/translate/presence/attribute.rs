//! Single attributes.

use super::{location, zone};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mapping::presence::{
    Attribute, Availability, Capability, CivicAddress, ClientDescription, ClientType, ContactCard, ContentSource,
    Device, InfoLink, MediaContent, Mood, Person, PreferredContact, Text, Value,
};
use wv_proto::presence_attribute as wv;
use wv_proto::presence_attribute::{PresenceAttribute, PresenceAttributeName, Qualified};
use wv_proto::primitive::capability::ClientType as WvClientType;

/// A WV value with a neutral counterpart.
pub(super) trait FromWv {
    /// The counterpart.
    type Neutral;

    /// The neutral value.
    fn to_neutral(&self) -> Self::Neutral;
}

fn text(text: &Option<Box<str>>) -> Option<Text> {
    text.as_deref().filter(|text| !text.is_empty()).map(Text::from)
}

fn boxed(text: &Option<Text>) -> Option<Box<str>> {
    text.as_deref().map(Box::from)
}

impl FromWv for wv::ClientInfo {
    type Neutral = ClientDescription;

    fn to_neutral(&self) -> ClientDescription {
        ClientDescription {
            client_type: self.client_type.as_ref().map(client_type_from_wv),
            manufacturer: text(&self.manufacturer),
            producer: text(&self.producer),
            model: text(&self.model),
            version: text(&self.version),
            language: self.language.as_deref().filter(|code| !code.is_empty()).map(zone::language_from_wv),
        }
    }
}

fn client_info_to_wv(client: &ClientDescription) -> wv::ClientInfo {
    wv::ClientInfo {
        client_type: client.client_type.as_ref().map(client_type_to_wv),
        manufacturer: boxed(&client.manufacturer),
        producer: boxed(&client.producer),
        model: boxed(&client.model),
        version: boxed(&client.version),
        language: client.language.as_deref().map(zone::language_to_wv),
        ..wv::ClientInfo::default()
    }
}

fn client_type_from_wv(kind: &WvClientType) -> ClientType {
    match kind {
        WvClientType::MobilePhone => ClientType::MobilePhone,
        WvClientType::Computer => ClientType::Computer,
        WvClientType::Pda => ClientType::Pda,
        WvClientType::Cli => ClientType::Cli,
        other => ClientType::Other(other.as_str().into()),
    }
}

fn client_type_to_wv(kind: &ClientType) -> WvClientType {
    match kind {
        ClientType::MobilePhone => WvClientType::MobilePhone,
        ClientType::Computer => WvClientType::Computer,
        ClientType::Pda => WvClientType::Pda,
        ClientType::Cli => WvClientType::Cli,
        ClientType::Other(name) => WvClientType::parse(name),
    }
}

impl FromWv for wv::CivicAddress {
    type Neutral = CivicAddress;

    fn to_neutral(&self) -> CivicAddress {
        CivicAddress {
            country: text(&self.country),
            city: text(&self.city),
            street: text(&self.street),
            crossing_1: text(&self.crossing_1),
            crossing_2: text(&self.crossing_2),
            building: text(&self.building),
            named_area: text(&self.named_area),
            accuracy: text(&self.accuracy),
        }
    }
}

fn civic_to_wv(civic: &CivicAddress) -> wv::CivicAddress {
    wv::CivicAddress {
        country: boxed(&civic.country),
        city: boxed(&civic.city),
        street: boxed(&civic.street),
        crossing_1: boxed(&civic.crossing_1),
        crossing_2: boxed(&civic.crossing_2),
        building: boxed(&civic.building),
        named_area: boxed(&civic.named_area),
        accuracy: boxed(&civic.accuracy),
    }
}

fn is_open(state: &Option<wv::CapabilityState>) -> bool {
    // Compared without regard to case: the token tables say "Closed", the examples "CLOSED".
    !state.as_ref().is_some_and(|state| state.as_str().eq_ignore_ascii_case("closed"))
}

fn state(open: bool) -> Option<wv::CapabilityState> {
    Some(if open { wv::CapabilityState::Open } else { wv::CapabilityState::Closed })
}

impl FromWv for Vec<wv::CommC> {
    type Neutral = Vec<Capability>;

    fn to_neutral(&self) -> Vec<Capability> {
        self.iter()
            .map(|entry| Capability {
                means: entry.capability.as_str().into(),
                open: is_open(&entry.state),
                contact: text(&entry.contact),
                note: text(&entry.note),
            })
            .collect()
    }
}

fn capabilities_to_wv(capabilities: &[Capability]) -> Vec<wv::CommC> {
    capabilities
        .iter()
        .map(|entry| wv::CommC {
            capability: wv::Capability::parse(&entry.means),
            state: state(entry.open),
            contact: boxed(&entry.contact),
            note: boxed(&entry.note),
        })
        .collect()
}

impl FromWv for Vec<wv::AddrPref> {
    type Neutral = Vec<PreferredContact>;

    /// Most preferred first: lower Cpriority comes first, entries without one last in the order given.
    fn to_neutral(&self) -> Vec<PreferredContact> {
        let priority = |entry: &wv::AddrPref| {
            entry.priority.as_deref().and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(u32::MAX)
        };
        let mut ordered: Vec<&wv::AddrPref> = self.iter().collect();
        ordered.sort_by_key(|entry| priority(entry));
        ordered
            .into_iter()
            .map(|entry| PreferredContact {
                means: entry.capability.as_str().into(),
                contact: entry.address.as_ref().into(),
                open: is_open(&entry.state),
                name: text(&entry.name),
            })
            .collect()
    }
}

fn preferred_to_wv(contacts: &[PreferredContact]) -> Vec<wv::AddrPref> {
    contacts
        .iter()
        .zip((10_u32..).step_by(10))
        .map(|(contact, priority)| wv::AddrPref {
            capability: wv::Capability::parse(&contact.means),
            address: contact.contact.as_ref().into(),
            state: state(contact.open),
            name: boxed(&contact.name),
            priority: Some(priority.to_string().into()),
        })
        .collect()
}

impl FromWv for Vec<wv::InfoLink> {
    type Neutral = Vec<InfoLink>;

    fn to_neutral(&self) -> Vec<InfoLink> {
        self.iter()
            .map(|link| InfoLink {
                link: link.link.as_ref().into(),
                text: text(&link.text),
                content_type: text(&link.content_type),
            })
            .collect()
    }
}

fn links_to_wv(links: &[InfoLink]) -> Vec<wv::InfoLink> {
    links
        .iter()
        .map(|link| wv::InfoLink {
            link: link.link.as_ref().into(),
            text: boxed(&link.text),
            content_type: boxed(&link.content_type),
        })
        .collect()
}

pub(super) fn availability_from_wv(availability: &wv::Availability) -> Option<Availability> {
    match availability {
        wv::Availability::Available => Some(Availability::Available),
        wv::Availability::NotAvailable => Some(Availability::NotAvailable),
        wv::Availability::Discreet => Some(Availability::Discreet),
        // QUIRK not_available_spelling: one Nokia plug-in writes it as one word.
        other if other.as_str().eq_ignore_ascii_case("NOTAVAILABLE") => Some(Availability::NotAvailable),
        _ => None,
    }
}

const fn availability_to_wv(availability: Availability) -> wv::Availability {
    match availability {
        Availability::Available => wv::Availability::Available,
        Availability::NotAvailable => wv::Availability::NotAvailable,
        Availability::Discreet => wv::Availability::Discreet,
    }
}

pub(super) fn mood_from_wv(mood: &wv::Mood) -> Mood {
    match mood {
        wv::Mood::Angry => Mood::Angry,
        wv::Mood::Anxious => Mood::Anxious,
        wv::Mood::Ashamed => Mood::Ashamed,
        wv::Mood::Bored => Mood::Bored,
        wv::Mood::Excited => Mood::Excited,
        wv::Mood::Happy => Mood::Happy,
        wv::Mood::InLove => Mood::InLove,
        wv::Mood::Invincible => Mood::Invincible,
        wv::Mood::Jealous => Mood::Jealous,
        wv::Mood::Sad => Mood::Sad,
        wv::Mood::Sleepy => Mood::Sleepy,
        other => Mood::Other(other.as_str().into()),
    }
}

/// The WV mood; a mood of the other side with no counterpart is no mood here (presence.md §3.2).
fn mood_to_wv(mood: &Mood) -> Option<wv::Mood> {
    let nearest = mood.nearest();
    Some(match nearest.as_ref().unwrap_or(mood) {
        Mood::Angry => wv::Mood::Angry,
        Mood::Anxious => wv::Mood::Anxious,
        Mood::Ashamed => wv::Mood::Ashamed,
        Mood::Bored => wv::Mood::Bored,
        Mood::Excited => wv::Mood::Excited,
        Mood::Happy => wv::Mood::Happy,
        Mood::InLove => wv::Mood::InLove,
        Mood::Invincible => wv::Mood::Invincible,
        Mood::Jealous => wv::Mood::Jealous,
        Mood::Sad => wv::Mood::Sad,
        Mood::Sleepy => wv::Mood::Sleepy,
        // Upper case marks a text that a WV user chose; RPID names are lower case.
        Mood::Other(name) if name.chars().any(char::is_lowercase) => return None,
        Mood::Other(name) => wv::Mood::parse(name),
    })
}

pub(super) fn content_from_wv(content: &wv::StatusContent) -> Option<MediaContent> {
    let source = match content.content.as_ref()? {
        wv::MediaContent::Direct(octets) => ContentSource::Direct(STANDARD.encode(octets).into()),
        wv::MediaContent::Referred(url) => ContentSource::Reference(url.as_ref().into()),
    };
    Some(MediaContent { media_type: text(&content.content_type), source })
}

fn content_to_wv(content: &MediaContent) -> Option<wv::StatusContent> {
    let source = match &content.source {
        ContentSource::Direct(base64) => wv::MediaContent::Direct(STANDARD.decode(base64.as_bytes()).ok()?.into()),
        ContentSource::Reference(url) => wv::MediaContent::Referred(url.as_ref().into()),
    };
    Some(wv::StatusContent { content: Some(source), content_type: boxed(&content.media_type) })
}

pub(super) fn card_from_wv(card: &wv::ContactInfo) -> ContactCard {
    match card {
        wv::ContactInfo::Contained(text) => ContactCard::Contained(text.as_ref().into()),
        wv::ContactInfo::Referred(url) => ContactCard::Reference(url.as_ref().into()),
    }
}

fn card_to_wv(card: &ContactCard) -> wv::ContactInfo {
    match card {
        ContactCard::Contained(text) => wv::ContactInfo::Contained(text.as_ref().into()),
        ContactCard::Reference(url) => wv::ContactInfo::Referred(url.as_ref().into()),
    }
}

pub(super) const fn from_name(name: PresenceAttributeName) -> Attribute {
    match name {
        PresenceAttributeName::OnlineStatus => Attribute::OnlineStatus,
        PresenceAttributeName::Registration => Attribute::Registration,
        PresenceAttributeName::ClientInfo => Attribute::ClientInfo,
        PresenceAttributeName::TimeZone => Attribute::TimeZone,
        PresenceAttributeName::GeoLocation => Attribute::GeoLocation,
        PresenceAttributeName::Address => Attribute::Address,
        PresenceAttributeName::FreeTextLocation => Attribute::FreeTextLocation,
        PresenceAttributeName::Plmn => Attribute::Plmn,
        PresenceAttributeName::CommCap => Attribute::CommCap,
        PresenceAttributeName::UserAvailability => Attribute::UserAvailability,
        PresenceAttributeName::PreferredContacts => Attribute::PreferredContacts,
        PresenceAttributeName::PreferredLanguage => Attribute::PreferredLanguage,
        PresenceAttributeName::StatusText => Attribute::StatusText,
        PresenceAttributeName::StatusMood => Attribute::StatusMood,
        PresenceAttributeName::Alias => Attribute::Alias,
        PresenceAttributeName::StatusContent => Attribute::StatusContent,
        PresenceAttributeName::ContactInfo => Attribute::ContactInfo,
        PresenceAttributeName::InfoLink => Attribute::InfoLink,
    }
}

pub(super) fn to_name(attribute: Attribute) -> Option<PresenceAttributeName> {
    PresenceAttributeName::ALL.iter().copied().find(|name| from_name(*name) == attribute)
}

fn qualified<T, U>(value: &Value<T>, to_wv: impl FnOnce(&T) -> Option<U>) -> Qualified<U> {
    value.known().and_then(to_wv).map_or_else(Qualified::unknown, Qualified::valid)
}

fn qualified_text(value: &Value<Text>) -> Qualified<Box<str>> {
    qualified(value, |text| Some(text.as_ref().into()))
}

/// One attribute as a watcher gets it; `None` for what WV has no name for.
pub(super) fn to_attribute(attribute: Attribute, person: &Person, device: &Device) -> Option<PresenceAttribute> {
    Some(match attribute {
        Attribute::OnlineStatus => PresenceAttribute::OnlineStatus(qualified(&device.online, |online| Some(*online))),
        Attribute::Registration => PresenceAttribute::Registration(qualified(&device.registered, |on| Some(*on))),
        Attribute::ClientInfo => {
            PresenceAttribute::ClientInfo(Box::new(qualified(&device.client, |c| Some(client_info_to_wv(c)))))
        }
        Attribute::TimeZone => PresenceAttribute::TimeZone(qualified(&device.time_offset_minutes, |minutes| {
            Some(wv::TimeZone { zone: zone::write(*minutes).into() })
        })),
        Attribute::GeoLocation => {
            PresenceAttribute::GeoLocation(Box::new(qualified(&device.location, |l| Some(location::to_wv(l)))))
        }
        Attribute::Address => PresenceAttribute::Address(Box::new(qualified(&device.civic, |c| Some(civic_to_wv(c))))),
        Attribute::FreeTextLocation => PresenceAttribute::FreeTextLocation(qualified_text(&device.free_text_location)),
        Attribute::Plmn => PresenceAttribute::Plmn(qualified_text(&device.network)),
        Attribute::CommCap => PresenceAttribute::CommCap(comm_cap(device)),
        Attribute::UserAvailability => {
            PresenceAttribute::UserAvailability(qualified(&person.availability, |a| Some(availability_to_wv(*a))))
        }
        Attribute::PreferredContacts => {
            PresenceAttribute::PreferredContacts(qualified(&person.preferred_contacts, |c| Some(preferred_to_wv(c))))
        }
        Attribute::PreferredLanguage => {
            PresenceAttribute::PreferredLanguage(qualified(&person.language, |tag| Some(zone::language_to_wv(tag))))
        }
        Attribute::StatusText => PresenceAttribute::StatusText(qualified_text(&person.status_text)),
        Attribute::StatusMood => PresenceAttribute::StatusMood(qualified(&person.mood, mood_to_wv)),
        Attribute::Alias => PresenceAttribute::Alias(qualified_text(&person.alias)),
        Attribute::StatusContent => {
            PresenceAttribute::StatusContent(Box::new(qualified(&person.status_content, content_to_wv)))
        }
        Attribute::ContactInfo => {
            PresenceAttribute::ContactInfo(qualified(&person.contact_info, |card| Some(card_to_wv(card))))
        }
        Attribute::InfoLink => PresenceAttribute::InfoLink(qualified(&person.info_links, |l| Some(links_to_wv(l)))),
        // They are many, and come behind the others.
        Attribute::Extension => return None,
    })
}

/// CommCap; where nothing was said but the device is known to be there or gone, one IM entry says so, because 1.1
/// phones read "online" from it (WV-PRS-07).
fn comm_cap(device: &Device) -> Qualified<Vec<wv::CommC>> {
    match (&device.capabilities, &device.online) {
        (Value::Known(capabilities), _) => Qualified::valid(capabilities_to_wv(capabilities)),
        (Value::Absent, Value::Known(online)) => Qualified::valid(vec![wv::CommC {
            capability: wv::Capability::Im,
            state: state(*online),
            contact: None,
            note: None,
        }]),
        (_, _) => Qualified::unknown(),
    }
}
