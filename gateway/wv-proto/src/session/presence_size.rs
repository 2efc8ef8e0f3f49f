//! How large a Presence becomes on the wire, estimated so that it is rather too large than too small.

use crate::presence_attribute::{ContactInfo, MediaContent, PresenceAttribute, VendorElement};
use crate::primitive::presence::{Presence, Presentity};

/// Octets of one Presence element in XML, which is the larger encoding.
pub(super) fn octets_of_presence(presence: &Presence) -> usize {
    let name = match &presence.presentity {
        Presentity::User(user) => user.as_str().len(),
        Presentity::ContactList(list) => list.as_str().len(),
    };
    let attributes: usize = presence.attributes.attributes.iter().map(octets_of_attribute).sum();
    FRAME.saturating_add(name).saturating_add(attributes)
}

fn octets_of_attribute(attribute: &PresenceAttribute) -> usize {
    let inside = match attribute {
        PresenceAttribute::OnlineStatus(_)
        | PresenceAttribute::Registration(_)
        | PresenceAttribute::UserAvailability(_)
        | PresenceAttribute::StatusMood(_)
        | PresenceAttribute::TimeZone(_) => FIELD,
        PresenceAttribute::FreeTextLocation(text)
        | PresenceAttribute::Plmn(text)
        | PresenceAttribute::PreferredLanguage(text)
        | PresenceAttribute::StatusText(text)
        | PresenceAttribute::Alias(text) => text.value.as_deref().map_or(0, octets_of_text),
        PresenceAttribute::ClientInfo(client) => {
            let vendor = client.value.as_ref().map(|client| client.vendor.iter().map(octets_of_vendor).sum::<usize>());
            STRUCTURE.saturating_add(vendor.unwrap_or_default())
        }
        PresenceAttribute::GeoLocation(_) | PresenceAttribute::Address(_) => STRUCTURE,
        PresenceAttribute::CommCap(list) => many(list.value.as_ref().map(Vec::len), 4),
        PresenceAttribute::PreferredContacts(list) => many(list.value.as_ref().map(Vec::len), 5),
        PresenceAttribute::InfoLink(list) => many(list.value.as_ref().map(Vec::len), 3),
        PresenceAttribute::ContactInfo(card) => match &card.value {
            Some(ContactInfo::Contained(text) | ContactInfo::Referred(text)) => octets_of_text(text),
            None => 0,
        },
        PresenceAttribute::StatusContent(status) => {
            match status.value.as_ref().and_then(|value| value.content.as_ref()) {
                Some(content) => octets_of_content(content),
                None => FIELD,
            }
        }
        PresenceAttribute::Vendor(vendor) => octets_of_vendor(vendor),
    };
    FIELD.saturating_add(inside)
}

fn octets_of_vendor(vendor: &VendorElement) -> usize {
    let namespace = vendor.namespace.as_deref().map_or(0, octets_of_text);
    let names = vendor.name.len().saturating_mul(2).saturating_add(namespace).saturating_add(MARKS);
    let pairs = vendor
        .attributes
        .iter()
        .map(|(name, value)| name.len().saturating_add(octets_of_text(value)).saturating_add(MARKS));
    let text = vendor.text.as_deref().map_or(0, octets_of_text);
    let inside: usize = vendor.children.iter().map(octets_of_vendor).sum();
    names.saturating_add(pairs.sum()).saturating_add(text).saturating_add(inside)
}

fn octets_of_content(content: &MediaContent) -> usize {
    match content {
        MediaContent::Referred(text) => octets_of_text(text),
        // In XML the octets become base64.
        MediaContent::Direct(octets) => octets.len().saturating_mul(2),
    }
}

/// Escaping makes at most six octets of one.
pub(super) fn octets_of_text(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'')).count();
    text.len().saturating_add(escaped.saturating_mul(5))
}

fn many(count: Option<usize>, fields: usize) -> usize {
    count.unwrap_or_default().saturating_mul(fields).saturating_mul(FIELD)
}

/// Presence, UserID and PresenceSubList with its namespace.
const FRAME: usize = 180;
/// The marks around a name, and `xmlns`.
const MARKS: usize = 16;
/// One element with a short text, and the Qualifier beside it.
const FIELD: usize = 96;
/// An element with a handful of short texts.
const STRUCTURE: usize = 800;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{WriterOptions, decode};
    use crate::limit::Limits;
    use crate::primitive::presence::PresenceNotificationRequest;
    use crate::primitive::{Envelope, Primitive, SessionDescriptor, Transaction};
    use crate::version::{Encoding, Version};

    /// A notification of 1.3 with these attributes.
    fn message(attributes: &str) -> String {
        format!(
            "<WV-CSP-Message xmlns=\"http://www.openmobilealliance.org/DTD/IMPS-CSP1.3\"><Session><SessionDescriptor>\
             <SessionType>Outband</SessionType></SessionDescriptor><Transaction><TransactionDescriptor>\
             <TransactionMode>Request</TransactionMode><TransactionID>1</TransactionID></TransactionDescriptor>\
             <TransactionContent xmlns=\"http://www.openmobilealliance.org/DTD/IMPS-TRC1.3\">\
             <PresenceNotification-Request><Presence><UserID>wv:a@b</UserID><PresenceSubList \
             xmlns=\"http://www.openmobilealliance.org/DTD/IMPS-PA1.3\">{attributes}</PresenceSubList></Presence>\
             </PresenceNotification-Request></TransactionContent></Transaction></Session></WV-CSP-Message>"
        )
    }

    fn presence(attributes: &str) -> Presence {
        let text = message(attributes);
        let tree = decode(text.as_bytes(), None, &Limits::default()).unwrap().tree;
        let content = Envelope::decode(&tree).unwrap().transactions.remove(0).content.unwrap();
        let Primitive::PresenceNotificationRequest(mut request) = content else { panic!("{content:?}") };
        request.presences.remove(0)
    }

    /// What a Presence adds to a message in XML.
    fn octets_added(presence: &Presence) -> usize {
        let octets = |presences: Vec<Presence>| {
            let primitive = Primitive::PresenceNotificationRequest(PresenceNotificationRequest { presences });
            let envelope = Envelope::new(SessionDescriptor::Outband, Transaction::request(None, primitive));
            envelope.encode(Version::V1_3, Encoding::Xml, WriterOptions::default()).unwrap().len()
        };
        octets(vec![presence.clone(), presence.clone()]) - octets(vec![presence.clone()])
    }

    #[test]
    fn wv_poll_09_no_attribute_is_larger_than_it_was_estimated() {
        let long = "&lt;&amp;&quot;&apos; text ".repeat(40);
        let value = |inside: &str| format!("<Qualifier>T</Qualifier>{inside}");
        let text = format!("<PresenceValue>{long}</PresenceValue>");
        let capability = "<CommC><Cap>IM</Cap><Status>OPEN</Status><Contact>wv:someone@far.example</Contact><Note>by day</Note></CommC>";
        let contact = "<AddrPref><PrefC>IM</PrefC><CAddr>wv:someone@far.example</CAddr><CStatus>OPEN</CStatus><CName>Some One</CName><CPriority>1</CPriority></AddrPref>";
        let link = "<InfoLink><Link>http://far.example/</Link><Text>about me</Text></InfoLink>";
        let bodies = [
            format!("<OnlineStatus>{}</OnlineStatus>", value("<PresenceValue>T</PresenceValue>")),
            format!("<UserAvailability>{}</UserAvailability>", value("<PresenceValue>NOT_AVAILABLE</PresenceValue>")),
            format!("<StatusText>{}</StatusText>", value(&text)),
            format!("<FreeTextLocation>{}</FreeTextLocation>", value(&text)),
            format!("<Alias>{}</Alias>", value(&text)),
            format!(
                "<ClientInfo>{}</ClientInfo>",
                value("<ClientType>MOBILE_PHONE</ClientType><ClientProducer>Acme</ClientProducer><Model>X</Model>")
            ),
            format!(
                "<GeoLocation>{}</GeoLocation>",
                value("<Longitude>13 24 36.000E</Longitude><Latitude>52 31 12.000N</Latitude><Accuracy>10</Accuracy>")
            ),
            format!(
                "<Address>{}</Address>",
                value(
                    "<Country>FI</Country><City>Turku</City><Street>Aurakatu</Street><Crossing1>A</Crossing1><Building>1</Building>"
                )
            ),
            format!("<CommCap>{}</CommCap>", value(&capability.repeat(3))),
            format!("<PreferredContacts>{}</PreferredContacts>", value(&contact.repeat(3))),
            format!("<InfoLink>{}</InfoLink>", value(&link.repeat(3))),
            format!("<ContactInfo>{}</ContactInfo>", value(&format!("<ContainedvCard>{long}</ContainedvCard>"))),
            format!(
                "<StatusContent>{}</StatusContent>",
                value(&format!("<DirectContent>{long}</DirectContent><ContentType>text/plain</ContentType>"))
            ),
            format!(
                "<StatusContent>{}</StatusContent>",
                value(&format!("<ReferredContent>{long}</ReferredContent><ContentType>image/gif</ContentType>"))
            ),
            format!("<Mine xmlns=\"urn:vendor\" kind=\"{long}\"><Part>{long}</Part>{long}</Mine>"),
        ];
        for body in &bodies {
            let presence = presence(body);
            assert_eq!(presence.attributes.attributes.len(), 1, "{body}");
            let (real, estimated) = (octets_added(&presence), octets_of_presence(&presence));
            assert!(real <= estimated, "{real} octets, not {estimated}: {body}");
        }
        let all = presence(&bodies.concat());
        assert!(octets_added(&all) <= octets_of_presence(&all));
    }
}
