//! Any presence attributes.

use super::Source;
use wv_proto::presence_attribute::{
    AddrPref, AttributeNames, Availability, Capability, CapabilityState, CivicAddress, ClientInfo, CommC, ContactInfo,
    ContentLimit, GeoLocation, InfoLink, MediaContent, Mood, PresenceAttribute, PresenceAttributeName, PresenceSubList,
    Qualified, StatusContent, TimeZone, VendorElement,
};
use wv_proto::primitive::capability::ClientType;
use wv_proto::primitive::identifier::{ContactListId, UserId};
use wv_proto::primitive::presence::{Presence, Presentity};

impl Source<'_> {
    pub(super) fn names(&mut self) -> AttributeNames {
        let version = self.version;
        let mut names: AttributeNames =
            PresenceAttributeName::ALL.iter().copied().filter(|name| name.is_in(version) && self.flag()).collect();
        if self.flag() {
            names.insert_vendor("X-Weather");
        }
        names
    }

    pub(super) fn qualified<T>(
        &mut self,
        name: PresenceAttributeName,
        grow: impl FnOnce(&mut Self) -> T,
    ) -> Qualified<T> {
        let client_id = if name.is_client_status() { self.maybe_1_3(Self::described_client) } else { None };
        Qualified { qualifier: self.maybe(Self::flag), value: self.maybe(grow), client_id }
    }

    pub(super) fn attributes(&mut self) -> PresenceSubList {
        let mut list = Vec::new();
        let version = self.version;
        for name in PresenceAttributeName::ALL.iter().copied().filter(|name| name.is_in(version)) {
            let count = if self.is_1_3() && name.is_client_status() { self.choice() % 3 } else { self.choice() % 2 };
            for _ in 0..count {
                list.push(if name.is_client_status() { self.client_status(name) } else { self.user_status(name) });
            }
        }
        if self.flag() {
            list.push(PresenceAttribute::Vendor(self.vendor()));
        }
        list.into_iter().collect()
    }

    pub(super) fn vendor(&mut self) -> VendorElement {
        let name: Box<str> = "X-Weather".into();
        if self.flag() {
            return VendorElement::with_text(&name, &self.text());
        }
        if self.flag() {
            let namespace = Some("http://vendor.example/weather".into());
            let children = vec![VendorElement::with_text("Name", &self.text())];
            return VendorElement { name, namespace, children, ..VendorElement::default() };
        }
        let qualifier = if self.flag() { "T" } else { "F" };
        let children = vec![
            VendorElement::with_text("Qualifier", qualifier),
            VendorElement::with_text("PresenceValue", &self.text()),
            VendorElement::with_text("Degrees", &self.text()),
        ];
        VendorElement { name, children, ..VendorElement::default() }
    }

    pub(super) fn client_status(&mut self, name: PresenceAttributeName) -> PresenceAttribute {
        match name {
            PresenceAttributeName::OnlineStatus => PresenceAttribute::OnlineStatus(self.qualified(name, Self::flag)),
            PresenceAttributeName::Registration => PresenceAttribute::Registration(self.qualified(name, Self::flag)),
            PresenceAttributeName::ClientInfo => {
                PresenceAttribute::ClientInfo(Box::new(self.qualified(name, Self::client_info)))
            }
            PresenceAttributeName::TimeZone => {
                PresenceAttribute::TimeZone(self.qualified(name, |source| TimeZone { zone: source.text() }))
            }
            PresenceAttributeName::GeoLocation => {
                PresenceAttribute::GeoLocation(Box::new(self.qualified(name, |source| GeoLocation {
                    longitude: Some(source.text()),
                    latitude: source.maybe(Self::text),
                    altitude: source.maybe(Self::text),
                    accuracy: source.maybe(Self::text),
                })))
            }
            PresenceAttributeName::Address => {
                PresenceAttribute::Address(Box::new(self.qualified(name, Self::civic_address)))
            }
            PresenceAttributeName::FreeTextLocation => {
                PresenceAttribute::FreeTextLocation(self.qualified(name, Self::text))
            }
            PresenceAttributeName::Plmn => PresenceAttribute::Plmn(self.qualified(name, Self::text)),
            _ => PresenceAttribute::CommCap(self.qualified(name, |source| source.filled_list(Self::comm_c))),
        }
    }

    pub(super) fn user_status(&mut self, name: PresenceAttributeName) -> PresenceAttribute {
        match name {
            PresenceAttributeName::UserAvailability => PresenceAttribute::UserAvailability(
                self.qualified(name, |source| source.word(Availability::ALL, Availability::Other)),
            ),
            PresenceAttributeName::PreferredContacts => {
                PresenceAttribute::PreferredContacts(self.qualified(name, |source| source.filled_list(Self::contact)))
            }
            PresenceAttributeName::PreferredLanguage => {
                PresenceAttribute::PreferredLanguage(self.qualified(name, Self::text))
            }
            PresenceAttributeName::StatusText => PresenceAttribute::StatusText(
                self.qualified(name, |source| source.maybe(Self::text).unwrap_or_default()),
            ),
            PresenceAttributeName::StatusMood => {
                PresenceAttribute::StatusMood(self.qualified(name, |source| source.word(Mood::ALL, Mood::Other)))
            }
            PresenceAttributeName::Alias => PresenceAttribute::Alias(self.qualified(name, Self::text)),
            PresenceAttributeName::StatusContent => {
                PresenceAttribute::StatusContent(Box::new(self.qualified(name, |source| StatusContent {
                    content: Some(if source.flag() {
                        MediaContent::Direct(vec![source.choice(), 0, 255].into())
                    } else {
                        MediaContent::Referred(source.text())
                    }),
                    content_type: source.maybe(Self::text),
                })))
            }
            PresenceAttributeName::ContactInfo => PresenceAttribute::ContactInfo(self.qualified(name, |source| {
                let text = source.text();
                if source.flag() { ContactInfo::Contained(text) } else { ContactInfo::Referred(text) }
            })),
            _ => PresenceAttribute::InfoLink(self.qualified(name, |source| source.filled_list(Self::info_link))),
        }
    }

    pub(super) fn client_info(&mut self) -> ClientInfo {
        ClientInfo {
            content_limit: self.maybe_1_3(|source| ContentLimit {
                accepted_content_types: source.list(Self::accepted),
                any_content: None,
                accepted_text_content_length: source.maybe(Self::number),
                accepted_transfer_encodings: source.list(Self::text),
                pull_length_max: source.maybe(Self::number),
                push_length_max: source.maybe(Self::number),
                plain_text_charsets: source.list(Self::number),
            }),
            client_type: Some(self.word(ClientType::ALL, ClientType::Other)),
            manufacturer: self.maybe(Self::text),
            producer: self.maybe(Self::text),
            model: self.maybe(Self::text),
            version: self.maybe(Self::text),
            language: self.maybe(Self::text),
            message_priority: self.maybe_1_3(Self::number),
            application_id: self.maybe_1_3(Self::text),
            vendor: if self.flag() { vec![self.vendor()] } else { Vec::new() },
        }
    }

    pub(super) fn civic_address(&mut self) -> CivicAddress {
        CivicAddress {
            country: Some(self.text()),
            city: self.maybe(Self::text),
            street: self.maybe(Self::text),
            crossing_1: self.maybe(Self::text),
            crossing_2: self.maybe(Self::text),
            building: self.maybe(Self::text),
            named_area: self.maybe(Self::text),
            accuracy: self.maybe(Self::text),
        }
    }

    pub(super) fn comm_c(&mut self) -> CommC {
        CommC {
            capability: self.word(Capability::ALL, Capability::Other),
            state: self.maybe(|source| source.word(CapabilityState::ALL, CapabilityState::Other)),
            contact: self.maybe(Self::text),
            note: self.maybe(Self::text),
        }
    }

    pub(super) fn contact(&mut self) -> AddrPref {
        AddrPref {
            capability: self.word(Capability::ALL, Capability::Other),
            address: self.text(),
            state: self.maybe(|source| source.word(CapabilityState::ALL, CapabilityState::Other)),
            name: self.maybe(Self::text),
            priority: self.maybe(Self::text),
        }
    }

    pub(super) fn info_link(&mut self) -> InfoLink {
        InfoLink { link: self.text(), text: self.maybe(Self::text), content_type: self.maybe(Self::text) }
    }

    pub(super) fn presence(&mut self) -> Presence {
        let presentity = if self.flag() {
            Presentity::User(self.id(UserId::new))
        } else {
            Presentity::ContactList(self.id(ContactListId::new))
        };
        Presence { presentity, attributes: self.attributes() }
    }
}
