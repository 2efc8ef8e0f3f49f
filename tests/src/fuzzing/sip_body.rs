//! Bodies that are no presence documents: what is read is written, and read again as the same.

use bytes::{Bytes, BytesMut};
use sip_proto::body::{
    composing::Composing,
    cpim::{Cpim, escape, unescape},
    imdn::Imdn,
    mime::MimePart,
    multipart,
    partial::{PartialCopy, Taken},
    watcher_info::{WatcherInfo, WatcherTable},
    xml::{XmlLimits, XmlTree},
};

/// A wrapped message.
///
/// # Panics
/// When a promise of the reader or the writer is broken.
pub fn run_cpim(data: &[u8]) {
    let octets = Bytes::copy_from_slice(data);
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(unescape(&escape(text)), text);
        let _ = unescape(text);
    }
    let Ok(message) = Cpim::parse(&octets) else { return };
    let _ = (message.header("From"), message.required().count(), message.content.decoded());
    if let Ok(written) = message.write() {
        assert_eq!(Cpim::parse(&written).expect("what was written is read"), message);
    }
}

/// Parts between boundaries, and a part alone.
///
/// # Panics
/// When a promise of the reader or the writer is broken.
pub fn run_multipart(data: &[u8]) {
    let octets = Bytes::copy_from_slice(data);
    if let Ok(part) = MimePart::parse(&octets) {
        let _ = (part.media_type(), part.decoded());
        let mut out = BytesMut::new();
        if part.write(&mut out).is_ok() {
            assert_eq!(MimePart::parse(&out.freeze()).expect("what was written is read"), part);
        }
    }
    for boundary in ["b", "boundary-1"] {
        let Ok(parts) = multipart::parse(&octets, boundary) else { continue };
        assert!(parts.len() <= multipart::PARTS_MAX);
        if let Ok(written) = multipart::write(&parts, boundary) {
            assert_eq!(multipart::parse(&written, boundary).expect("what was written is read"), parts);
        }
    }
}

/// A notification of a delivery.
///
/// # Panics
/// When a promise of the reader or the writer is broken.
pub fn run_imdn(data: &[u8]) {
    let Ok(imdn) = Imdn::parse(data) else { return };
    let Ok(written) = imdn.write() else { return };
    let again = Imdn::parse(written.as_bytes()).expect("what was written is read");
    assert_eq!((&again.message_id, &again.sent, &again.recipient), (&imdn.message_id, &imdn.sent, &imdn.recipient));
}

/// A status message.
///
/// # Panics
/// When a promise of the reader or the writer is broken.
pub fn run_composing(data: &[u8]) {
    let Ok(composing) = Composing::parse(data) else { return };
    let Ok(written) = composing.write() else { return };
    let again = Composing::parse(written.as_bytes()).expect("what was written is read");
    assert_eq!((again.state, &again.content_type), (composing.state, &composing.content_type));
}

/// Watcher information, alone and as the second document of a table.
///
/// # Panics
/// When a promise of the reader, the writer or the table is broken.
pub fn run_watcher_info(data: &[u8]) {
    let Ok(document) = WatcherInfo::parse(data) else { return };
    let mut table = WatcherTable::default();
    table.take(&document, "presence");
    let known = table.clone();
    // A repetition changes nothing.
    table.take(&document, "presence");
    assert_eq!(table, known);
    if let Ok(written) = document.write() {
        assert_eq!(WatcherInfo::parse(written.as_bytes()).expect("what was written is read"), document);
    }
}

/// Partial presence documents of one subscription, with NUL between them.
///
/// # Panics
/// When what comes of them is not read as the same again.
pub fn run_partial(data: &[u8]) {
    let mut copy = PartialCopy::default();
    for document in data.split(|octet| *octet == 0) {
        let before = copy.clone();
        match copy.take(document, &XmlLimits::PRESENCE) {
            Taken::Whole(whole) => {
                let tree = XmlTree::parse(whole.as_bytes(), &XmlLimits::PRESENCE);
                // What grew over a limit that only readers have is refused by the next one.
                if let Ok(tree) = tree {
                    assert_eq!(tree.write(&XmlLimits::PRESENCE).as_ref(), Ok(&whole), "the same again");
                }
            }
            Taken::Old | Taken::Gap => assert_eq!(copy, before),
            Taken::Failed(_) => {}
        }
    }
}

/// What the fuzzer begins with.
pub const PARTIAL: &[&str] =
    &["<p:pidf-full xmlns='urn:ietf:params:xml:ns:pidf' xmlns:p='urn:ietf:params:xml:ns:pidf-diff' \
    version='1'><tuple id='a'><status><basic>open</basic></status> </tuple><note>n</note></p:pidf-full>\0\
    <p:pidf-diff xmlns='urn:ietf:params:xml:ns:pidf' xmlns:p='urn:ietf:params:xml:ns:pidf-diff' version='2'>\
    <p:add sel='presence/note' pos='before'><tuple id='b'/></p:add><p:add sel='*' type='@p:x'>1</p:add>\
    <p:replace sel=\"*/tuple[@id='a']/status/basic/text()\">closed</p:replace><p:remove sel='*/note' ws='after'/>\
    <p:remove sel=\"id('b')\"/><p:remove sel='*/tuple[1]/status[basic=\"closed\"]/text()[1]'/></p:pidf-diff>"];

/// What the fuzzer begins with.
pub const CPIM: &[&str] = &[
    "From: Alice <im:alice@example.com>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34jk324j\r\n\
     Subject:;lang=fr Objet\\u00e9\r\n\r\nContent-Type: text/plain\r\n\r\nHello World",
    "NS: <urn:x>\r\nRequire: a.Vital\r\n\r\n\r\n",
];

/// What the fuzzer begins with.
pub const MULTIPART: &[&str] = &[
    "--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--",
    "Content-Transfer-Encoding: quoted-printable\r\nX: a\r\n b\r\n\r\na=3Db=\r\n",
];

/// What the fuzzer begins with.
pub const IMDN: &[&str] = &["<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>1</message-id><datetime>\
    2008-04-04T12:16:49Z</datetime><delivery-notification><status><failed/></status></delivery-notification></imdn>"];

/// What the fuzzer begins with.
pub const COMPOSING: &[&str] = &["<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>active</state>\
    <lastactive>2003-01-27T10:43:00Z</lastactive><contenttype>text</contenttype><refresh>90</refresh></isComposing>"];

/// What the fuzzer begins with.
pub const WATCHER_INFO: &[&str] =
    &["<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" version=\"0\" state=\"full\">\
    <watcher-list resource=\"sip:a@x\" package=\"presence\"><watcher id=\"1\" status=\"pending\" event=\"subscribe\" \
    display-name=\"B\" expiration=\"9\" duration-subscribed=\"1\">sip:b@x</watcher></watcher-list></watcherinfo>"];
