//! The presence attributes: their names, their values, and the PresenceSubList that holds them.

mod name;
mod reading;
mod value;
mod vendor;
mod writing;

pub use name::{AttributeNames, PresenceAttributeName};
pub use value::{
    AddrPref, Availability, Capability, CapabilityState, CivicAddress, ClientInfo, CommC, ContactInfo, ContentLimit,
    GeoLocation, InfoLink, MediaContent, Mood, StatusContent, TimeZone,
};

pub use vendor::VendorElement;

use crate::primitive::identifier::ClientId;
use serde::{Deserialize, Serialize};

/// PresenceSubList in value use: attributes with their values.
///
/// Read in any order; written in the order of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceSubList {
    /// The attributes. Client status attributes repeat in 1.3, one for each client; before 1.3 the first of each is
    /// written.
    pub attributes: Vec<PresenceAttribute>,
}

impl PresenceSubList {
    /// The names of the attributes in it.
    #[must_use]
    pub fn names(&self) -> AttributeNames {
        let mut names = AttributeNames::default();
        for attribute in &self.attributes {
            match attribute {
                PresenceAttribute::Vendor(vendor) => names.insert_vendor(&vendor.name),
                known => names.extend(known.name()),
            }
        }
        names
    }
}

impl FromIterator<PresenceAttribute> for PresenceSubList {
    fn from_iter<I: IntoIterator<Item = PresenceAttribute>>(attributes: I) -> Self {
        Self { attributes: attributes.into_iter().collect() }
    }
}

/// An attribute: what it says, and how much that is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Qualified<T> {
    /// Qualifier: whether the value holds. Missing is kept as missing; a watcher reads it as "no value".
    pub qualifier: Option<bool>,
    /// The value; none when no value child is there.
    pub value: Option<T>,
    /// Which client it is about (1.3, client status only).
    pub client_id: Option<ClientId>,
}

impl<T> Qualified<T> {
    /// A value that holds.
    pub const fn valid(value: T) -> Self {
        Self { qualifier: Some(true), value: Some(value), client_id: None }
    }

    /// Says that the value is not known, or no longer.
    #[must_use]
    pub const fn unknown() -> Self {
        Self { qualifier: Some(false), value: None, client_id: None }
    }

    /// The value, if it is there and said to hold.
    // WV-PRM-07
    pub const fn valid_value(&self) -> Option<&T> {
        match (self.qualifier, &self.value) {
            (Some(true), Some(value)) => Some(value),
            (_, _) => None,
        }
    }

    /// The same, said of one client.
    #[must_use]
    pub fn of_client(mut self, client_id: ClientId) -> Self {
        self.client_id = Some(client_id);
        self
    }
}

/// One attribute with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PresenceAttribute {
    /// OnlineStatus: logged in.
    OnlineStatus(Qualified<bool>),
    /// Registration: attached to the network.
    Registration(Qualified<bool>),
    /// ClientInfo.
    ClientInfo(Box<Qualified<ClientInfo>>),
    /// TimeZone.
    TimeZone(Qualified<TimeZone>),
    /// GeoLocation.
    GeoLocation(Box<Qualified<GeoLocation>>),
    /// Address.
    Address(Box<Qualified<CivicAddress>>),
    /// FreeTextLocation.
    FreeTextLocation(Qualified<Box<str>>),
    /// PLMN: name of the network.
    Plmn(Qualified<Box<str>>),
    /// CommCap.
    CommCap(Qualified<Vec<CommC>>),
    /// UserAvailability.
    UserAvailability(Qualified<Availability>),
    /// PreferredContacts.
    PreferredContacts(Qualified<Vec<AddrPref>>),
    /// PreferredLanguage.
    PreferredLanguage(Qualified<Box<str>>),
    /// StatusText.
    StatusText(Qualified<Box<str>>),
    /// StatusMood.
    StatusMood(Qualified<Mood>),
    /// Alias.
    Alias(Qualified<Box<str>>),
    /// StatusContent.
    StatusContent(Box<Qualified<StatusContent>>),
    /// ContactInfo.
    ContactInfo(Qualified<ContactInfo>),
    /// InfoLink (1.2, 1.3).
    InfoLink(Qualified<Vec<InfoLink>>),
    /// An attribute outside the documents.
    Vendor(VendorElement),
}

impl PresenceAttribute {
    /// Its name; none for an attribute outside the documents.
    #[must_use]
    pub const fn name(&self) -> Option<PresenceAttributeName> {
        Some(match self {
            Self::OnlineStatus(_) => PresenceAttributeName::OnlineStatus,
            Self::Registration(_) => PresenceAttributeName::Registration,
            Self::ClientInfo(_) => PresenceAttributeName::ClientInfo,
            Self::TimeZone(_) => PresenceAttributeName::TimeZone,
            Self::GeoLocation(_) => PresenceAttributeName::GeoLocation,
            Self::Address(_) => PresenceAttributeName::Address,
            Self::FreeTextLocation(_) => PresenceAttributeName::FreeTextLocation,
            Self::Plmn(_) => PresenceAttributeName::Plmn,
            Self::CommCap(_) => PresenceAttributeName::CommCap,
            Self::UserAvailability(_) => PresenceAttributeName::UserAvailability,
            Self::PreferredContacts(_) => PresenceAttributeName::PreferredContacts,
            Self::PreferredLanguage(_) => PresenceAttributeName::PreferredLanguage,
            Self::StatusText(_) => PresenceAttributeName::StatusText,
            Self::StatusMood(_) => PresenceAttributeName::StatusMood,
            Self::Alias(_) => PresenceAttributeName::Alias,
            Self::StatusContent(_) => PresenceAttributeName::StatusContent,
            Self::ContactInfo(_) => PresenceAttributeName::ContactInfo,
            Self::InfoLink(_) => PresenceAttributeName::InfoLink,
            Self::Vendor(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wv_prm_07_a_value_holds_only_with_qualifier_t() {
        let said = |qualifier| Qualified { qualifier, ..Qualified::valid(7) };
        assert_eq!(said(Some(true)).valid_value(), Some(&7));
        assert_eq!(said(Some(false)).valid_value(), None);
        assert_eq!(said(None).valid_value(), None);
        assert_eq!(Qualified::<u8>::unknown().valid_value(), None);
    }
}
