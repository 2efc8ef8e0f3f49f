//! Names of presence attributes, and PresenceSubList in naming use.

use crate::schema::{ElementName, element};
use crate::version::Version;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! attribute_names {
    ($($name:ident $element:ident,)+) => {
        /// Name of a presence attribute, in the order in which they are written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the names are those of the elements")]
        pub enum PresenceAttributeName {
            $($name,)+
        }

        impl PresenceAttributeName {
            /// All, in the order in which they are written.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The element of that name.
            #[must_use]
            pub const fn element(self) -> ElementName {
                match self {
                    $(Self::$name => element::$element,)+
                }
            }
        }
    };
}

attribute_names! {
    OnlineStatus ONLINE_STATUS,
    Registration REGISTRATION,
    ClientInfo CLIENT_INFO,
    TimeZone TIME_ZONE,
    GeoLocation GEO_LOCATION,
    Address ADDRESS,
    FreeTextLocation FREE_TEXT_LOCATION,
    Plmn PLMN,
    CommCap COMM_CAP,
    UserAvailability USER_AVAILABILITY,
    PreferredContacts PREFERRED_CONTACTS,
    PreferredLanguage PREFERRED_LANGUAGE,
    StatusText STATUS_TEXT,
    StatusMood STATUS_MOOD,
    Alias ALIAS,
    StatusContent STATUS_CONTENT,
    ContactInfo CONTACT_INFO,
    InfoLink INFO_LINK,
}

impl PresenceAttributeName {
    /// The attribute that an element stands for.
    #[must_use]
    pub fn from_element(name: ElementName) -> Option<Self> {
        Self::ALL.iter().copied().find(|attribute| attribute.element() == name)
    }

    /// Whether it belongs to a client of the user, not to the user.
    #[must_use]
    pub const fn is_client_status(self) -> bool {
        (self as u8) <= Self::CommCap as u8
    }

    /// Whether the version knows it.
    #[must_use]
    pub const fn is_in(self, version: Version) -> bool {
        match (self, version) {
            (Self::InfoLink, Version::V1_1) => false,
            (_, _) => true,
        }
    }
}

/// PresenceSubList in naming use: which attributes are meant.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AttributeNames {
    known: u32,
    vendor: Vec<Box<str>>,
}

impl AttributeNames {
    /// Every attribute that the version knows.
    #[must_use]
    pub fn of_version(version: Version) -> Self {
        PresenceAttributeName::ALL.iter().copied().filter(|name| name.is_in(version)).collect()
    }

    /// Adds the attribute.
    pub const fn insert(&mut self, name: PresenceAttributeName) {
        self.known |= 1 << name as u8;
    }

    /// Adds an attribute outside the documents.
    pub fn insert_vendor(&mut self, name: &str) {
        if !self.vendor.iter().any(|known| known.as_ref() == name) {
            self.vendor.push(name.into());
        }
    }

    /// Whether the attribute is meant.
    #[must_use]
    pub const fn contains(&self, name: PresenceAttributeName) -> bool {
        self.known & (1 << name as u8) != 0
    }

    /// Whether no attribute is named, which in a subscription means all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known == 0 && self.vendor.is_empty()
    }

    /// The attributes, in the order in which they are written.
    pub fn iter(&self) -> impl Iterator<Item = PresenceAttributeName> + '_ {
        PresenceAttributeName::ALL.iter().copied().filter(|name| self.contains(*name))
    }

    /// The attributes outside the documents.
    pub fn vendor(&self) -> impl Iterator<Item = &str> {
        self.vendor.iter().map(AsRef::as_ref)
    }
}

impl Extend<PresenceAttributeName> for AttributeNames {
    fn extend<I: IntoIterator<Item = PresenceAttributeName>>(&mut self, names: I) {
        for name in names {
            self.insert(name);
        }
    }
}

impl FromIterator<PresenceAttributeName> for AttributeNames {
    fn from_iter<I: IntoIterator<Item = PresenceAttributeName>>(names: I) -> Self {
        let mut set = Self::default();
        set.extend(names);
        set
    }
}

impl fmt::Debug for AttributeNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).entries(self.vendor()).finish()
    }
}
