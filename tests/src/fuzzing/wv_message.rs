//! CSP messages in either encoding: what is accepted can be written and reads the same again.

use wv_proto::{
    codec::{Decoded, WriterOptions, decode, decode_in_session, encode},
    limit::Limits,
    primitive::{Envelope, discovery::VersionDiscoveryRequest},
    version::{ContentType, Encoding, Version},
};

/// Octets that name their encoding themselves, then as XML.
///
/// # Panics
/// When a promise of the codec is broken.
pub fn run_xml(data: &[u8]) {
    read(data, Encoding::Xml);
}

/// Octets read as WBXML in every version, as most of the tables depend on it.
///
/// # Panics
/// When a promise of the codec is broken.
pub fn run_wbxml(data: &[u8]) {
    read(data, Encoding::Wbxml);
}

/// The envelope and its primitives: what is written is read as what was written, in either encoding.
///
/// # Panics
/// When a promise of the envelope is broken.
pub fn run_envelope(data: &[u8]) {
    let limits = Limits::default();
    let Ok(Decoded { version, tree, .. }) = decode(data, None, &limits) else { return };
    if let Some(request) = VersionDiscoveryRequest::decode(&tree) {
        for encoding in [Encoding::Xml, Encoding::Wbxml] {
            let Ok(written) = request.encode(version, encoding) else { continue };
            let tree =
                decode_in_session(&written, None, version, &limits).expect("what was written is a document").tree;
            assert_eq!(VersionDiscoveryRequest::decode(&tree).as_ref(), Some(&request));
        }
    }
    let Ok(envelope) = Envelope::decode(&tree) else { return };
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        let Ok(written) = envelope.encode(version, encoding, WriterOptions::default()) else { continue };
        let decoded = decode_in_session(&written, Some(ContentType::for_version(version, encoding)), version, &limits);
        let tree = decoded.expect("what was written is a document").tree;
        let again = Envelope::decode(&tree).expect("what was written is an envelope");
        assert_eq!(again.transactions.len(), envelope.transactions.len());
        assert_eq!(again.session, envelope.session);
        let rewritten = again.encode(version, encoding, WriterOptions::default()).expect("read from what was written");
        assert_eq!(rewritten, written, "{:?}", String::from_utf8_lossy(&written));
    }
}

fn read(data: &[u8], encoding: Encoding) {
    // The larger part of the input space is reached with limits that small inputs can hit.
    let narrow = Limits { depth_max: 6, elements_max: 12, text_bytes_max: 16, ..Limits::default() };
    for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
        let content_type = Some(ContentType::for_version(version, encoding));
        let _ = decode_in_session(data, content_type, version, &narrow);
        let Ok(decoded) = decode_in_session(data, content_type, version, &Limits::default()) else { continue };
        let _ = Envelope::decode(&decoded.tree);
        for target in [Encoding::Xml, Encoding::Wbxml] {
            // A vendor's characters or numbers may have no place in the other encoding: then the writer says so.
            let Ok(written) = encode(&decoded.tree, decoded.version, target, WriterOptions::default()) else {
                continue;
            };
            let content_type = Some(ContentType::for_version(decoded.version, target));
            match decode_in_session(&written, content_type, decoded.version, &Limits::default()) {
                Ok(again) => assert!(
                    again.tree == decoded.tree,
                    "{target:?} {}\n{:?}\n{:?}",
                    String::from_utf8_lossy(&written),
                    again.tree.root(),
                    decoded.tree.root()
                ),
                Err(error) => panic!("{target:?}: {error}: {}", String::from_utf8_lossy(&written)),
            }
        }
    }
}
