//! Primitives from the XML of a scenario, and trees of names and texts from what the server sends.

use crate::lab::scenario::seen::Node;
use wv_proto::{
    codec::{
        decode_in_session,
        tree::{Element, Tree},
    },
    limit::Limits,
    primitive::{Envelope, Primitive},
    version::{ContentType, Version},
};

/// A message as far as it can be read.
pub(in crate::lab) struct Heard {
    /// One entry for each transaction that has a content.
    pub(in crate::lab) transactions: Vec<HeardTransaction>,
    /// The message for the session machine.
    pub(in crate::lab) envelope: Envelope,
}

/// A transaction as it stands in the message.
pub(in crate::lab) struct HeardTransaction {
    pub(in crate::lab) is_request: bool,
    pub(in crate::lab) id: Option<String>,
    pub(in crate::lab) content: Node,
}

/// The primitive that a scenario writes as XML.
///
/// # Errors
/// What is wrong with it, in words.
pub(in crate::lab) fn primitive(version: Version, xml: &str) -> Result<Primitive, String> {
    let (message, transaction) = (version.message_namespace(), version.transaction_namespace());
    let text = format!(
        "<WV-CSP-Message xmlns=\"{message}\"><Session><SessionDescriptor><SessionType>Outband</SessionType>\
         </SessionDescriptor><Transaction><TransactionDescriptor><TransactionMode>Request</TransactionMode>\
         <TransactionID>1</TransactionID></TransactionDescriptor><TransactionContent xmlns=\"{transaction}\">{xml}\
         </TransactionContent></Transaction></Session></WV-CSP-Message>"
    );
    let content_type = Some(ContentType::for_version(version, wv_proto::version::Encoding::Xml));
    let decoded = decode_in_session(text.as_bytes(), content_type, version, &Limits::default());
    let decoded = decoded.map_err(|error| format!("the XML cannot be read: {error}"))?;
    let envelope = Envelope::decode(&decoded.tree).map_err(|error| error.to_string())?;
    let content = envelope.transactions.into_iter().next().map(|transaction| transaction.content);
    content.ok_or("there is no primitive")?.map_err(|malformed| malformed.to_string())
}

/// Reads a message of the server.
///
/// # Errors
/// What is wrong with it, in words.
pub(in crate::lab) fn heard(body: &[u8], content_type: Option<&str>, version: Version) -> Result<Heard, String> {
    let named = content_type.and_then(ContentType::parse);
    let decoded = decode_in_session(body, named, version, &Limits::default()).map_err(|error| error.to_string())?;
    let envelope = Envelope::decode(&decoded.tree).map_err(|error| error.to_string())?;
    Ok(Heard { transactions: transactions(&decoded.tree), envelope })
}

/// The transactions of a message that have a content.
pub(in crate::lab) fn transactions(tree: &Tree<'_>) -> Vec<HeardTransaction> {
    let named =
        |element: Element<'_, '_>, name: &str| element.children().find(|child| child.local_name() == name).map(node);
    let session = tree.root().children().find(|child| child.local_name() == "Session");
    let all = session.into_iter().flat_map(Element::children).filter(|child| child.local_name() == "Transaction");
    all.filter_map(|transaction| {
        let descriptor = named(transaction, "TransactionDescriptor").unwrap_or_default();
        let text = |path: &str| descriptor.find(path).first().map(|node| node.text.clone());
        let content = named(transaction, "TransactionContent")?.children.into_iter().next()?;
        let is_answer = text("TransactionMode").is_some_and(|mode| mode.eq_ignore_ascii_case("Response"));
        let id = text("TransactionID").filter(|id| !id.is_empty());
        Some(HeardTransaction { is_request: !is_answer, id, content })
    })
    .collect()
}

/// An element with all that is in it. The codec has bounded its depth.
pub(in crate::lab) fn node(element: Element<'_, '_>) -> Node {
    let mut children: Vec<Node> =
        element.attributes().map(|(name, value)| Node::leaf(&format!("@{name}"), value)).collect();
    children.extend(element.children().map(node));
    Node { name: element.local_name().to_owned(), text: element.to_text().trim().to_owned(), children }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primitive_is_written_as_xml_in_any_version() {
        let xml = "<SubscribePresence-Request>\n<User><UserID>wv:a@b</UserID></User>\n</SubscribePresence-Request>";
        for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
            assert!(matches!(primitive(version, xml), Ok(Primitive::SubscribePresenceRequest(_))), "{version:?}");
        }
        assert!(primitive(Version::V1_2, "<User>").unwrap_err().contains("cannot be read"));
        assert!(primitive(Version::V1_2, "").is_err());
    }
}
