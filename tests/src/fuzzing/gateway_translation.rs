//! From one side's presence to the other's and back: whatever is read on one side can be written on the other, and what
//! was written says the same when it is read again.

use gateway::{
    simple::translate::presence::{from_pidf, to_pidf},
    wv::translate::presence::{from_update, to_sub_list},
};
use mapping::{
    presence::{AttributeSet, DeviceId, PresenceDocument, PresenceView},
    time::Timestamp,
};
use sip_proto::body::{pidf::Presence, xml::XmlLimits};
use std::sync::Arc;
use wv_proto::{
    codec::{WriterOptions, decode},
    limit::Limits,
    primitive::{Envelope, Primitive, SessionDescriptor, Transaction, presence::UpdatePresenceRequest},
    version::{Encoding, Version},
};

/// A PIDF document, or a CSP message with an UpdatePresence-Request.
///
/// # Panics
/// When a promise of the translation is broken.
pub fn run(data: &[u8]) {
    if let Ok(presence) = Presence::parse(data, &XmlLimits::PRESENCE) {
        let document = from_pidf(&presence, Some("sip:alice@wv.example"));
        for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
            to_wv(&document, version);
        }
        to_sip(document);
    }
    let Ok(decoded) = decode(data, None, &Limits::default()) else { return };
    let Ok(envelope) = Envelope::decode(&decoded.tree) else { return };
    for transaction in envelope.transactions {
        if let Ok(Primitive::UpdatePresenceRequest(update)) = transaction.content
            && let Ok(document) = from_update(&update.attributes, &DeviceId::new("phone"), Timestamp::EPOCH)
        {
            to_wv(&document, decoded.version);
            to_sip(document);
        }
    }
}

fn view(document: PresenceDocument) -> PresenceView {
    PresenceView { document: Arc::new(document), attributes: AttributeSet::ALL, changed: AttributeSet::ALL }
}

/// What a phone is told can be written in its version and says the same when it comes back.
fn to_wv(document: &PresenceDocument, version: Version) {
    let attributes = to_sub_list(&view(document.clone()), version);
    let primitive = Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes });
    let envelope = Envelope::new(SessionDescriptor::Outband, Transaction::request(None, primitive));
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let octets = envelope.encode(version, encoding, WriterOptions::default()).expect("what we tell can be written");
        let decoded = decode(&octets, None, &Limits::default()).expect("what was written is a document");
        let again = Envelope::decode(&decoded.tree).expect("what was written is an envelope");
        for transaction in again.transactions {
            let Ok(Primitive::UpdatePresenceRequest(update)) = transaction.content else { panic!("another primitive") };
            from_update(&update.attributes, &DeviceId::new("phone"), Timestamp::EPOCH)
                .expect("what we write is what we take");
        }
    }
}

/// What a watcher is told is a document that reads, and is written alike again.
fn to_sip(document: PresenceDocument) {
    let entity = "sip:alice@wv.example";
    let written = to_pidf(entity, &view(document)).write().expect("what we tell can be written");
    let read = Presence::parse(written.as_bytes(), &XmlLimits::PRESENCE).expect("what was written is a document");
    let again = to_pidf(entity, &view(from_pidf(&read, None))).write().expect("what was read can be written");
    let read_again = Presence::parse(again.as_bytes(), &XmlLimits::PRESENCE).expect("a document again");
    assert_eq!(from_pidf(&read_again, None), from_pidf(&read, None), "{written}\n{again}");
}
