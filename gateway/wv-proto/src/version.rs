//! Protocol versions and encodings: how they are told apart and what each is called on the wire.

use serde::{Deserialize, Serialize};

/// A version of the client-server protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// CSP 1.1.
    V1_1,
    /// CSP 1.2.
    V1_2,
    /// CSP 1.3.
    V1_3,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Self; 3] = [Self::V1_1, Self::V1_2, Self::V1_3];

    /// Reads `1.1`, `1.2` or `1.3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// Reads the version out of any of the nine namespaces.
    #[must_use]
    pub fn from_namespace(namespace: &str) -> Option<Self> {
        let scopes = [NamespaceScope::Message, NamespaceScope::Transaction, NamespaceScope::Presence];
        Self::ALL.into_iter().find(|version| scopes.iter().any(|scope| version.namespace(*scope) == namespace))
    }

    /// Reads the number of a WBXML public identifier.
    #[must_use]
    pub fn from_public_id(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.public_id() == number)
    }

    /// Reads a textual public identifier, in every spelling that has been seen.
    #[must_use]
    pub fn from_public_id_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let known = ["-//WIRELESSVILLAGE//DTD CSP ", "-//OMA//DTD WV-CSP ", "-//OMA//DTD IMPS-CSP "];
        known
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .and_then(|rest| rest.split("//").next())
            .and_then(Self::parse)
    }

    /// `1.1`, `1.2` or `1.3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }

    /// The namespace of this version in the given place of a message.
    #[must_use]
    pub const fn namespace(self, scope: NamespaceScope) -> &'static str {
        match (self, scope) {
            (Self::V1_1, NamespaceScope::Message) => "http://www.wireless-village.org/CSP1.1",
            (Self::V1_1, NamespaceScope::Transaction) => "http://www.wireless-village.org/TRC1.1",
            (Self::V1_1, NamespaceScope::Presence) => "http://www.wireless-village.org/PA1.1",
            (Self::V1_2, NamespaceScope::Message) => "http://www.openmobilealliance.org/DTD/WV-CSP1.2",
            (Self::V1_2, NamespaceScope::Transaction) => "http://www.openmobilealliance.org/DTD/WV-TRC1.2",
            (Self::V1_2, NamespaceScope::Presence) => "http://www.openmobilealliance.org/DTD/WV-PA1.2",
            (Self::V1_3, NamespaceScope::Message) => "http://www.openmobilealliance.org/DTD/IMPS-CSP1.3",
            (Self::V1_3, NamespaceScope::Transaction) => "http://www.openmobilealliance.org/DTD/IMPS-TRC1.3",
            (Self::V1_3, NamespaceScope::Presence) => "http://www.openmobilealliance.org/DTD/IMPS-PA1.3",
        }
    }

    /// The namespace of `WV-CSP-Message`.
    #[must_use]
    pub const fn message_namespace(self) -> &'static str {
        self.namespace(NamespaceScope::Message)
    }

    /// The namespace of `TransactionContent`.
    #[must_use]
    pub const fn transaction_namespace(self) -> &'static str {
        self.namespace(NamespaceScope::Transaction)
    }

    /// The namespace of `PresenceSubList`.
    #[must_use]
    pub const fn presence_namespace(self) -> &'static str {
        self.namespace(NamespaceScope::Presence)
    }

    /// The number of the WBXML public identifier.
    #[must_use]
    pub const fn public_id(self) -> u32 {
        match self {
            Self::V1_1 => 0x10,
            Self::V1_2 => 0x11,
            Self::V1_3 => 0x12,
        }
    }

    /// The textual public identifier.
    #[must_use]
    pub const fn public_id_text(self) -> &'static str {
        match self {
            Self::V1_1 => "-//WIRELESSVILLAGE//DTD CSP 1.1//EN",
            Self::V1_2 => "-//OMA//DTD WV-CSP 1.2//EN",
            Self::V1_3 => "-//OMA//DTD IMPS-CSP 1.3//EN",
        }
    }

    /// The namespace that is the given text followed by the version's own.
    pub(crate) fn namespace_beginning(self, text: &str) -> Option<&'static str> {
        let scopes = [NamespaceScope::Message, NamespaceScope::Transaction, NamespaceScope::Presence];
        let is_that = |namespace: &&str| namespace.strip_suffix(self.as_str()) == Some(text);
        scopes.into_iter().map(|scope| self.namespace(scope)).find(is_that)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The places of a message that have a namespace of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamespaceScope {
    /// `WV-CSP-Message` and what is in it.
    Message,
    /// `TransactionContent` and what is in it (TRC).
    Transaction,
    /// `PresenceSubList` and what is in it (PA).
    Presence,
}

/// How a message is put into octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// Text.
    Xml,
    /// WAP binary XML.
    Wbxml,
}

impl Encoding {
    /// Judges by the first octets, for requests that name no type or a generic one.
    #[must_use]
    pub fn sniff(octets: &[u8]) -> Option<Self> {
        match octets {
            [0xEF, 0xBB, 0xBF, ..] | [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] => Some(Self::Xml),
            [b'<', 0, ..] | [0, b'<', ..] => Some(Self::Xml),
            // 0x00 says that the public identifier stands in the string table.
            [0x01..=0x03, 0x00 | 0x01 | 0x10 | 0x11 | 0x12, ..] => Some(Self::Wbxml),
            _ => octets
                .iter()
                .find(|octet| !octet.is_ascii_whitespace())
                .filter(|octet| **octet == b'<')
                .map(|_| Self::Xml),
        }
    }
}

/// The media types under which CSP travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContentType {
    /// `application/vnd.wv.csp.xml`, CSP 1.1 and 1.2.
    CspXml,
    /// `application/vnd.wv.csp.wbxml`, CSP 1.1 and 1.2.
    CspWbxml,
    /// `application/vnd.wv.csp+xml`, CSP 1.3, registered with IANA.
    CspPlusXml,
    /// `application/vnd.wv.csp+wbxml`, CSP 1.3, registered with IANA.
    CspPlusWbxml,
    /// `application/vnd.wv.csp.sms`: the plain text syntax, recognised so that it can be refused by name.
    CspSms,
    /// `application/xml`.
    ApplicationXml,
    /// `text/xml`.
    TextXml,
    /// `application/vnd.wap.wbxml`.
    WapWbxml,
}

impl ContentType {
    /// Classifies a Content-Type field: any letter case, with or without parameters, by substring with `wbxml` before
    /// `xml`.
    #[must_use]
    pub fn parse(field: &str) -> Option<Self> {
        let essence = field.split(';').next().unwrap_or_default().trim();
        if let Some(exact) = Self::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(essence)) {
            return Some(exact);
        }
        let has = |needle: &str| {
            essence.as_bytes().windows(needle.len()).any(|part| part.eq_ignore_ascii_case(needle.as_bytes()))
        };
        match (has("wbxml"), has("xml"), has("csp+")) {
            (true, _, true) => Some(Self::CspPlusWbxml),
            (true, _, false) => Some(Self::CspWbxml),
            (false, true, true) => Some(Self::CspPlusXml),
            (false, true, false) if has("csp") => Some(Self::CspXml),
            (false, true, false) => Some(Self::ApplicationXml),
            (false, false, _) => has("csp.sms").then_some(Self::CspSms),
        }
    }

    /// The type under which a client of this version speaks.
    #[must_use]
    pub const fn for_version(version: Version, encoding: Encoding) -> Self {
        match (version, encoding) {
            (Version::V1_1 | Version::V1_2, Encoding::Xml) => Self::CspXml,
            (Version::V1_1 | Version::V1_2, Encoding::Wbxml) => Self::CspWbxml,
            (Version::V1_3, Encoding::Xml) => Self::CspPlusXml,
            (Version::V1_3, Encoding::Wbxml) => Self::CspPlusWbxml,
        }
    }

    /// What it says about the octets; `None` for the plain text syntax, which is known and not supported.
    #[must_use]
    pub const fn encoding(self) -> Option<Encoding> {
        match self {
            Self::CspXml | Self::CspPlusXml | Self::ApplicationXml | Self::TextXml => Some(Encoding::Xml),
            Self::CspWbxml | Self::CspPlusWbxml | Self::WapWbxml => Some(Encoding::Wbxml),
            Self::CspSms => None,
        }
    }

    /// Whether it says nothing about the protocol, so that the first octets decide.
    #[must_use]
    pub const fn is_generic(self) -> bool {
        matches!(self, Self::ApplicationXml | Self::TextXml | Self::WapWbxml)
    }

    /// The text of the field, without parameters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CspXml => "application/vnd.wv.csp.xml",
            Self::CspWbxml => "application/vnd.wv.csp.wbxml",
            Self::CspPlusXml => "application/vnd.wv.csp+xml",
            Self::CspPlusWbxml => "application/vnd.wv.csp+wbxml",
            Self::CspSms => "application/vnd.wv.csp.sms",
            Self::ApplicationXml => "application/xml",
            Self::TextXml => "text/xml",
            Self::WapWbxml => "application/vnd.wap.wbxml",
        }
    }

    const ALL: [Self; 8] = [
        Self::CspXml,
        Self::CspWbxml,
        Self::CspPlusXml,
        Self::CspPlusWbxml,
        Self::CspSms,
        Self::ApplicationXml,
        Self::TextXml,
        Self::WapWbxml,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_classified_in_any_spelling() {
        let rows = [
            ("application/vnd.wv.csp.xml", Some(ContentType::CspXml)),
            ("Application/VND.WV.CSP+WBXML; charset=utf-8", Some(ContentType::CspPlusWbxml)),
            ("application/vnd.wv.csp.wbxml;charset=utf-8", Some(ContentType::CspWbxml)),
            ("application/x-vnd.wv.csp.wbxml", Some(ContentType::CspWbxml)),
            ("text/xml; charset=utf-8", Some(ContentType::TextXml)),
            ("application/soap+xml", Some(ContentType::ApplicationXml)),
            ("application/vnd.wv.csp.sms", Some(ContentType::CspSms)),
            ("text/plain", None),
            ("", None),
        ];
        for (field, expected) in rows {
            assert_eq!(ContentType::parse(field), expected, "{field}");
        }
        assert_eq!(ContentType::CspSms.encoding(), None);
    }

    #[test]
    fn public_identifiers_are_read_in_every_spelling() {
        assert_eq!(Version::from_public_id_text("-//OMA//DTD WV-CSP 1.1//EN"), Some(Version::V1_1));
        assert_eq!(Version::from_public_id_text("-//OMA//DTD IMPS-CSP 1.2//EN"), Some(Version::V1_2));
        for version in Version::ALL {
            assert_eq!(Version::from_public_id_text(version.public_id_text()), Some(version));
            assert_eq!(Version::from_public_id(version.public_id()), Some(version));
            assert_eq!(Version::from_namespace(version.presence_namespace()), Some(version));
        }
    }

    #[test]
    fn first_octets_tell_the_encoding() {
        assert_eq!(Encoding::sniff(b"\r\n <WV-CSP-Message/>"), Some(Encoding::Xml));
        assert_eq!(Encoding::sniff(b"\xEF\xBB\xBF<a/>"), Some(Encoding::Xml));
        assert_eq!(Encoding::sniff(&[3, 0x11, 0x6A, 0]), Some(Encoding::Wbxml));
        assert_eq!(Encoding::sniff(&[3, 1, 0x6A, 0]), Some(Encoding::Wbxml));
        assert_eq!(Encoding::sniff(b"WVCI 1.2 cookie"), None);
        assert_eq!(Encoding::sniff(b""), None);
    }

    #[test]
    fn types_are_those_of_version_and_encoding_and_say_what_the_octets_are() {
        let types = Version::ALL.map(|version| {
            [Encoding::Xml, Encoding::Wbxml].map(|encoding| {
                let named = ContentType::for_version(version, encoding);
                assert_eq!(named.encoding(), Some(encoding));
                named.as_str()
            })
        });
        let old = ["application/vnd.wv.csp.xml", "application/vnd.wv.csp.wbxml"];
        assert_eq!(types, [old, old, ["application/vnd.wv.csp+xml", "application/vnd.wv.csp+wbxml"]]);
        assert_eq!(ContentType::parse("Application/VND.WV.CSP.SMS").map(ContentType::encoding), Some(None));
        for (field, known) in [
            ("application/x-vnd.wv.csp+wbxml", ContentType::CspPlusWbxml),
            ("application/x-wbxml", ContentType::CspWbxml),
            ("application/x-csp+xml; charset=utf-8", ContentType::CspPlusXml),
            ("x-csp/xml", ContentType::CspXml),
            ("application/soap+xml", ContentType::ApplicationXml),
            ("x.csp.sms", ContentType::CspSms),
        ] {
            assert_eq!(ContentType::parse(field), Some(known), "{field}");
        }
        assert_eq!(ContentType::parse("text/plain"), None);
    }
}
