//! Version discovery: a message of its own, before there is any session, that asks which versions a server speaks.

use crate::codec::sink::Sink;
use crate::codec::tree::{Element, Tree};
use crate::codec::{Writer, WriterOptions};
use crate::error::WriteError;
use crate::schema::{ElementName, element};
use crate::version::{Encoding, NamespaceScope, Version};
use bytes::Bytes;

/// The question: the element is a root of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionDiscoveryRequest {
    /// What the client speaks; nothing named asks for everything.
    pub versions: VersionList,
}

/// The answer: the element is a root of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionDiscoveryResponse {
    /// What the server speaks of that.
    pub versions: VersionList,
    /// OtherServer: where else to ask.
    pub other_servers: Vec<Box<str>>,
}

/// VersionList: namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionList {
    /// SessionNSName.
    pub sessions: Vec<Box<str>>,
    /// TransactionNSName.
    pub transactions: Vec<Box<str>>,
    /// PresenceAttributeNSName.
    pub presence_attributes: Vec<Box<str>>,
}

impl VersionList {
    /// The namespaces of these versions.
    #[must_use]
    pub fn of(versions: &[Version]) -> Self {
        let names = |scope| versions.iter().map(|version| version.namespace(scope).into()).collect();
        Self {
            sessions: names(NamespaceScope::Message),
            transactions: names(NamespaceScope::Transaction),
            presence_attributes: names(NamespaceScope::Presence),
        }
    }

    /// The versions of which it names the namespace of messages or that of transactions.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let is_named = |version: &Version| {
            let names = |texts: &[Box<str>], scope| texts.iter().any(|text| text.as_ref() == version.namespace(scope));
            names(&self.sessions, NamespaceScope::Message) || names(&self.transactions, NamespaceScope::Transaction)
        };
        Version::ALL.into_iter().filter(is_named).collect()
    }

    fn read_in(element: Element<'_, '_>) -> Self {
        let Some(list) = element.child(element::VERSION_LIST) else { return Self::default() };
        Self {
            sessions: list.texts_of(element::SESSION_NS_NAME).collect(),
            transactions: list.texts_of(element::TRANSACTION_NS_NAME).collect(),
            presence_attributes: list.texts_of(element::PRESENCE_ATTRIBUTE_NS_NAME).collect(),
        }
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::VERSION_LIST);
        sink.each_text(element::SESSION_NS_NAME, self.sessions.iter().map(AsRef::as_ref));
        sink.each_text(element::TRANSACTION_NS_NAME, self.transactions.iter().map(AsRef::as_ref));
        let attributes = self.presence_attributes.iter().map(AsRef::as_ref);
        sink.each_text(element::PRESENCE_ATTRIBUTE_NS_NAME, attributes);
        sink.close();
    }
}

impl VersionDiscoveryRequest {
    /// The request that a message is; none when it is something else.
    #[must_use]
    pub fn decode(tree: &Tree<'_>) -> Option<Self> {
        let root = tree.root();
        let is_request = root.is(element::WV_CSP_VERSION_DISCOVERY_REQUEST);
        is_request.then(|| Self { versions: VersionList::read_in(root) })
    }

    /// The octets of the message.
    ///
    /// # Errors
    /// When a text cannot be written.
    pub fn encode(&self, version: Version, encoding: Encoding) -> Result<Bytes, WriteError> {
        encode(element::WV_CSP_VERSION_DISCOVERY_REQUEST, version, encoding, |sink| self.versions.write(sink))
    }

    /// The answer of a server that speaks all versions: those of the client that it speaks, or all of them when the
    /// client named none that it speaks.
    // WV-DSC-01
    #[must_use]
    pub fn answer(&self) -> VersionDiscoveryResponse {
        let common = self.versions.versions();
        let versions = if common.is_empty() { &Version::ALL } else { common.as_slice() };
        VersionDiscoveryResponse { versions: VersionList::of(versions), other_servers: Vec::new() }
    }
}

impl VersionDiscoveryResponse {
    /// The response that a message is; none when it is something else.
    #[must_use]
    pub fn decode(tree: &Tree<'_>) -> Option<Self> {
        let root = tree.root();
        root.is(element::WV_CSP_VERSION_DISCOVERY_RESPONSE).then(|| Self {
            versions: VersionList::read_in(root),
            other_servers: root
                .children_named(element::OTHER_SERVER)
                .filter_map(|server| server.text_of(element::URL))
                .collect(),
        })
    }

    /// The octets of the message.
    ///
    /// # Errors
    /// When a text cannot be written.
    pub fn encode(&self, version: Version, encoding: Encoding) -> Result<Bytes, WriteError> {
        encode(element::WV_CSP_VERSION_DISCOVERY_RESPONSE, version, encoding, |sink| {
            self.versions.write(sink);
            for server in &self.other_servers {
                sink.open(element::OTHER_SERVER);
                sink.leaf_text(element::URL, server);
                sink.close();
            }
        })
    }
}

fn encode(
    root: ElementName,
    version: Version,
    encoding: Encoding,
    write: impl FnOnce(&mut dyn Sink),
) -> Result<Bytes, WriteError> {
    let mut writer = Writer::new(version, encoding, WriterOptions::default());
    writer.open_with_namespace(root, version.message_namespace());
    write(&mut writer);
    writer.close();
    writer.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode;
    use crate::limit::Limits;

    #[test]
    fn wv_dsc_01_common_versions_are_answered_in_both_encodings() {
        let request = VersionDiscoveryRequest { versions: VersionList::of(&[Version::V1_2, Version::V1_3]) };
        for version in [Version::V1_2, Version::V1_3] {
            for encoding in [Encoding::Xml, Encoding::Wbxml] {
                let octets = request.encode(version, encoding).unwrap();
                let tree = decode(&octets, None, &Limits::default()).unwrap().tree;
                assert_eq!(VersionDiscoveryRequest::decode(&tree).as_ref(), Some(&request));
                let answer = request.answer();
                let octets = answer.encode(version, encoding).unwrap();
                let tree = decode(&octets, None, &Limits::default()).unwrap().tree;
                assert_eq!(VersionDiscoveryResponse::decode(&tree), Some(answer.clone()));
                assert_eq!(answer.versions, request.versions);
            }
        }
    }

    #[test]
    fn wv_dsc_01_a_client_that_names_nothing_known_hears_of_all() {
        let unknown = VersionList { sessions: vec!["urn:later".into()], ..VersionList::default() };
        for versions in [VersionList::default(), unknown] {
            let answer = VersionDiscoveryRequest { versions }.answer();
            assert_eq!(answer.versions.versions(), Version::ALL);
        }
    }
}
