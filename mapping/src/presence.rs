//! The neutral presence document: everything either side can say about a presentity.
//!
//! It is built on the eighteen WV attributes (client status per device, user status once) because they are the
//! coarser set with a name for each part, and keeps what SIMPLE says beyond them ([`Person::activities`],
//! [`Extension`]) so that it can be said again.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Short text shared between documents.
pub type Text = Arc<str>;

/// What is known about one value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value<T> {
    /// Nothing has been said.
    #[default]
    Absent,
    /// It was said that there is no valid value (WV: Qualifier F).
    Unknown,
    /// The value.
    Known(T),
}

impl<T> Value<T> {
    /// The value, if there is one.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Whether nothing has been said.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Takes over what `change` says; [`Value::Absent`] says nothing.
    pub fn merge(&mut self, change: Self) {
        if !change.is_absent() {
            *self = change;
        }
    }
}

impl<T> From<Option<T>> for Value<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Known)
    }
}

/// One of the WV presence attributes, which are also the grain of authorisation and of what a watcher asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are those of the WV presence attributes")]
pub enum Attribute {
    OnlineStatus,
    Registration,
    ClientInfo,
    TimeZone,
    GeoLocation,
    Address,
    FreeTextLocation,
    Plmn,
    CommCap,
    UserAvailability,
    PreferredContacts,
    PreferredLanguage,
    StatusText,
    StatusMood,
    Alias,
    StatusContent,
    ContactInfo,
    InfoLink,
    /// Attributes of a vendor.
    Extension,
}

impl Attribute {
    /// All, in the order of the WV documents.
    pub const ALL: [Self; 19] = [
        Self::OnlineStatus,
        Self::Registration,
        Self::ClientInfo,
        Self::TimeZone,
        Self::GeoLocation,
        Self::Address,
        Self::FreeTextLocation,
        Self::Plmn,
        Self::CommCap,
        Self::UserAvailability,
        Self::PreferredContacts,
        Self::PreferredLanguage,
        Self::StatusText,
        Self::StatusMood,
        Self::Alias,
        Self::StatusContent,
        Self::ContactInfo,
        Self::InfoLink,
        Self::Extension,
    ];
}

/// A set of attributes: what is asked for, what is granted, what changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct AttributeSet(u32);

impl AttributeSet {
    /// No attribute.
    pub const NONE: Self = Self(0);
    /// Every attribute.
    pub const ALL: Self = Self((1 << Attribute::ALL.len()) - 1);

    /// Whether the attribute is in the set.
    #[must_use]
    pub const fn contains(self, attribute: Attribute) -> bool {
        self.0 & (1 << attribute as u8) != 0
    }

    /// Adds the attribute.
    pub const fn insert(&mut self, attribute: Attribute) {
        self.0 |= 1 << attribute as u8;
    }

    /// Takes the attribute out.
    pub const fn remove(&mut self, attribute: Attribute) {
        self.0 &= !(1 << attribute as u8);
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one only.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in the order of the WV documents.
    pub fn iter(self) -> impl Iterator<Item = Attribute> {
        Attribute::ALL.into_iter().filter(move |attribute| self.contains(*attribute))
    }
}

impl FromIterator<Attribute> for AttributeSet {
    fn from_iter<I: IntoIterator<Item = Attribute>>(attributes: I) -> Self {
        let mut set = Self::NONE;
        for attribute in attributes {
            set.insert(attribute);
        }
        set
    }
}

impl std::fmt::Debug for AttributeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Everything known about one presentity, or the part of it that one device published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceDocument {
    /// User status: of the person, once.
    pub person: Person,
    /// Client status: per device.
    pub devices: Vec<Device>,
}

/// User status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// UserAvailability; SIMPLE: willingness and the activities that imply it.
    pub availability: Value<Availability>,
    /// The RPID activities behind [`Person::availability`] (RFC 4480 §3.2), by element name, to be said again unchanged.
    pub activities: Vec<Text>,
    /// PreferredContacts, most preferred first.
    pub preferred_contacts: Value<Vec<PreferredContact>>,
    /// PreferredLanguage as BCP 47 tag.
    pub language: Value<Text>,
    /// StatusText.
    pub status_text: Value<Text>,
    /// StatusMood.
    pub mood: Value<Mood>,
    /// Alias.
    pub alias: Value<Text>,
    /// StatusContent.
    pub status_content: Value<MediaContent>,
    /// ContactInfo: a vCard or where to find one.
    pub contact_info: Value<ContactCard>,
    /// InfoLink.
    pub info_links: Value<Vec<InfoLink>>,
    /// What no other field holds.
    pub extensions: Vec<Extension>,
    /// When it was said.
    pub updated: Option<Timestamp>,
}

/// Client status of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Which device; empty for the one device of a peer that tells none apart.
    pub id: DeviceId,
    /// OnlineStatus.
    pub online: Value<bool>,
    /// Registration: attached to the network.
    pub registered: Value<bool>,
    /// ClientInfo.
    pub client: Value<ClientDescription>,
    /// TimeZone: minutes east of UTC.
    pub time_offset_minutes: Value<i16>,
    /// GeoLocation.
    pub location: Value<GeoLocation>,
    /// Address.
    pub civic: Value<CivicAddress>,
    /// FreeTextLocation.
    pub free_text_location: Value<Text>,
    /// PLMN.
    pub network: Value<Text>,
    /// CommCap.
    pub capabilities: Value<Vec<Capability>>,
    /// What no other field holds.
    pub extensions: Vec<Extension>,
    /// When it was said.
    pub updated: Option<Timestamp>,
}

/// Names one client instance of a user: a WV ClientID, a SIP instance. Never shown to the other side as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceId(Arc<str>);

impl DeviceId {
    /// The device of that name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for DeviceId {
    fn default() -> Self {
        Self::new("")
    }
}

/// UserAvailability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the WV values")]
pub enum Availability {
    Available,
    NotAvailable,
    Discreet,
}

/// StatusMood; an RPID mood that WV cannot name is kept in [`Mood::Other`] by its element name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the WV values")]
pub enum Mood {
    Angry,
    Anxious,
    Ashamed,
    Bored,
    Excited,
    Happy,
    InLove,
    Invincible,
    Jealous,
    Sad,
    Sleepy,
    Other(Text),
}

impl Mood {
    /// The closest mood that both sides can name; `None` where there is none.
    #[must_use]
    pub fn nearest(&self) -> Option<Self> {
        let Self::Other(name) = self else { return Some(self.clone()) };
        Some(match name.as_ref() {
            "contented" | "playful" | "proud" | "relieved" | "calm" | "impressed" => Self::Happy,
            "depressed" | "disappointed" | "hurt" | "lonely" | "remorseful" | "guilty" => Self::Sad,
            "annoyed" | "cranky" | "grumpy" | "frustrated" | "indignant" | "offended" | "moody" | "mean"
            | "disgusted" => Self::Angry,
            "embarrassed" | "humbled" | "humiliated" | "shy" => Self::Ashamed,
            "brave" => Self::Invincible,
            "flirtatious" => Self::InLove,
            "amazed" | "surprised" | "in_awe" | "interested" | "curious" => Self::Excited,
            "afraid" | "nervous" | "restless" | "stressed" | "worried" | "shocked" | "confused" => Self::Anxious,
            _ => return None,
        })
    }
}

/// ClientInfo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are those of the WV elements")]
pub struct ClientDescription {
    pub client_type: Option<ClientType>,
    pub manufacturer: Option<Text>,
    pub producer: Option<Text>,
    pub model: Option<Text>,
    pub version: Option<Text>,
    /// BCP 47 tag.
    pub language: Option<Text>,
}

/// ClientType.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of the WV values")]
pub enum ClientType {
    MobilePhone,
    Computer,
    Pda,
    Cli,
    Other(Text),
}

/// GeoLocation in integers, so that documents can be compared and hashed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GeoLocation {
    /// Degrees north times 10⁷.
    pub latitude_e7: i64,
    /// Degrees east times 10⁷.
    pub longitude_e7: i64,
    /// Millimetres above the ellipsoid.
    pub altitude_mm: Option<i64>,
    /// Radius of the uncertainty in millimetres.
    pub accuracy_mm: Option<u64>,
}

/// Address, the civic one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are those of the WV elements")]
pub struct CivicAddress {
    pub country: Option<Text>,
    pub city: Option<Text>,
    pub street: Option<Text>,
    pub crossing_1: Option<Text>,
    pub crossing_2: Option<Text>,
    pub building: Option<Text>,
    pub named_area: Option<Text>,
    pub accuracy: Option<Text>,
}

/// One entry of CommCap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capability {
    /// Cap: `IM`, `CALL`, `SMS`, `MMS`, `EMAIL` and others, upper case.
    pub means: Text,
    /// Status.
    pub open: bool,
    /// Contact.
    pub contact: Option<Text>,
    /// Note.
    pub note: Option<Text>,
}

/// One entry of PreferredContacts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PreferredContact {
    /// PrefC.
    pub means: Text,
    /// Caddr.
    pub contact: Text,
    /// Cstatus.
    pub open: bool,
    /// Cname.
    pub name: Option<Text>,
}

/// StatusContent: given directly or by reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MediaContent {
    /// Media type, if known.
    pub media_type: Option<Text>,
    /// Where it is, or the content itself in base64.
    pub source: ContentSource,
}

/// Content itself or a reference to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentSource {
    /// Base64.
    Direct(Text),
    /// A URL.
    Reference(Text),
}

/// ContactInfo.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactCard {
    /// A vCard.
    Contained(Text),
    /// Its URL.
    Reference(Text),
}

/// One entry of InfoLink.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the WV elements")]
pub struct InfoLink {
    pub link: Text,
    pub text: Option<Text>,
    pub content_type: Option<Text>,
}

/// A piece of either side's document that has no neutral field, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Extension {
    /// Namespace in which it is said.
    pub namespace: Text,
    /// Which of several things said in that namespace it is; none stands for everything said in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// The element as self-contained, well-formed XML.
    pub xml: Text,
}

impl Extension {
    /// The namespace in which elements of WV vendors are carried through (presence mapping, row P25).
    pub const WV_NAMESPACE: &'static str = "urn:x-wv-iwf:pa:1";

    /// Whether it takes the place of the other.
    #[must_use]
    pub fn replaces(&self, other: &Self) -> bool {
        self.namespace == other.namespace && (self.name.is_none() || self.name == other.name)
    }
}

/// What one watcher is shown: a document, of which only the granted part counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceView {
    /// The merged document, shared by all watchers of the presentity.
    pub document: Arc<PresenceDocument>,
    /// Asked for and granted: what may be shown. Members without a value are shown as unknown.
    pub attributes: AttributeSet,
    /// Which of these changed since the last view this watcher got; all of them in the first one.
    pub changed: AttributeSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_not_taken_out() {
        for attribute in Attribute::ALL {
            let mut set = AttributeSet::ALL;
            set.remove(attribute);
            for other in Attribute::ALL {
                assert_eq!(set.contains(other), other != attribute, "{attribute:?} {other:?}");
            }
            set.insert(attribute);
            assert_eq!(set, AttributeSet::ALL);
        }
    }

    #[test]
    fn moods_of_one_side_find_the_closest_of_both() {
        let named = |name: &str| Mood::Other(Text::from(name)).nearest();
        for (name, mood) in [
            ("proud", Mood::Happy),
            ("guilty", Mood::Sad),
            ("cranky", Mood::Angry),
            ("shy", Mood::Ashamed),
            ("brave", Mood::Invincible),
            ("flirtatious", Mood::InLove),
            ("curious", Mood::Excited),
            ("worried", Mood::Anxious),
        ] {
            assert_eq!(named(name), Some(mood), "{name}");
        }
        assert_eq!((named("hungry"), Mood::Bored.nearest()), (None, Some(Mood::Bored)));
    }

    #[test]
    fn what_is_there_is_known_and_what_is_not_is_absent() {
        assert_eq!(Value::from(Some(7)), Value::Known(7));
        assert_eq!(Value::<u8>::from(None), Value::Absent);
    }
}
