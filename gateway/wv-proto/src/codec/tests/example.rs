//! Whole messages, octet for octet.

use super::octets;
use crate::codec::sink::Sink;
use crate::codec::tree::{Name, Tree};
use crate::codec::{DateTimeForm, Decoded, Writer, WriterOptions, decode, encode};
use crate::error::{CodecError, WriteError};
use crate::limit::Limits;
use crate::schema::element;
use crate::version::{ContentType, Encoding, Version};

/// A login.
const LOGIN: &str = "03 10 6A 00 C9 05 03 31 2E 31 00 01 6D 6E 70 80 19 01 01 72 74 76 80 20 01 75 03 74 31 00 01 01
    F3 07 03 31 2E 31 00 01 00 01 5D 00 00 7A 03 77 76 3A 61 6E 6E 40 61 2E 63 6F 6D 00 01 4A 77 80
    0E 01 01 00 01 61 03 70 77 00 01 72 C3 02 0E 10 01 70 03 63 31 00 01 01 01 01 01 01";

/// Its answer in 1.1, with Poll beside the mode.
const STATUS: &str = "03 10 6A 00 C9 05 03 31 2E 31 00 01 6D 6E 70 80 11 01 6F 03 73 31 00 01 01 72 74 76 80 21 01
    75 03 74 32 00 01 61 80 0B 01 01 F3 07 03 31 2E 31 00 01 71 6A 4B C3 01 C8 01 01 01 01 01 01 01";

/// A message in 1.2, with the time in octets.
const SEND_MESSAGE: &str = "03 11 6A 00 C9 08 03 31 2E 32 00 01 6D 6E 70 80 11 01 6F 03 73 31 00 01 01 72 74 76 80
    20 01 75 03 74 33 00 01 01 F3 0A 03 31 2E 32 00 01 00 06 57 48 80 2C 01 53 00 00 50 80 28 01 4F C3 01 02
    01 67 79 7A 03 77 76 3A 62 6F 62 40 62 2E 63 6F 6D 00 01 01 01 6C 79 7A 03 77 76 3A 61 6E 6E 40
    61 2E 63 6F 6D 00 01 01 01 51 C3 06 1F 5D B2 5E 34 5A 01 7C C3 02 02 58 01 01 4D 03 68 69 00 01
    01 01 01 01 01";

/// Presence in 1.3, with Poll at the end of the session.
const PRESENCE_NOTIFICATION: &str = "03 12 6A 00 C9 0B 03 31 2E 33 00 01 6D 6E 70 80 11 01 6F 03 73 31 00 01 01 72
    74 76 80 20 01 75 03 74 34 00 01 01 F3 0D 03 31 2E 33 00 01 00 04 5B 00 00 62 7A 03 77 76 3A 62 6F 62 40 62 2E 63
    6F 6D 00 01 E3 0C 03 31 2E 33 00 01 00 05 61 00 00 66 80 2C 01 64 80 2C 01 01 00 05 52 00 00 66
    80 2C 01 00 05 51 6F 80 12 01 00 00 71 03 4F 50 45 4E 00 01 01 01 00 05 6E 00 00 66 80 2C 01 64
    80 5F 01 01 01 01 01 01 01 61 80 0B 01 01 01";

fn decoded(octets: &[u8]) -> Result<Decoded<'_>, CodecError> {
    decode(octets, None, &Limits::default())
}

fn xml(text: &str) -> Tree<'_> {
    decoded(text.as_bytes()).unwrap().tree
}

fn wbxml_of(tree: &Tree<'_>, version: Version) -> Vec<u8> {
    encode(tree, version, Encoding::Wbxml, WriterOptions::default()).unwrap()
}

#[test]
fn worked_examples_are_read_and_written_octet_for_octet() {
    let rows = [
        (LOGIN, Version::V1_1, 92),
        (STATUS, Version::V1_1, 63),
        (SEND_MESSAGE, Version::V1_2, 133),
        (PRESENCE_NOTIFICATION, Version::V1_3, 143),
    ];
    for (hex, version, length) in rows {
        let octets = octets(hex);
        assert_eq!(octets.len(), length);
        let Decoded { version: found, encoding, tree } = decoded(&octets).unwrap();
        assert_eq!((found, encoding), (version, Encoding::Wbxml));
        assert_eq!(wbxml_of(&tree, version), octets, "CSP {version}");
        let text = encode(&tree, version, Encoding::Xml, WriterOptions::default()).unwrap();
        let again = decoded(&text).unwrap();
        assert_eq!(again.version, version);
        assert_eq!(again.tree, tree);
        assert_eq!(wbxml_of(&again.tree, version), octets, "CSP {version} by way of XML");
    }
}

// WV-ENC-06
#[test]
fn values_are_read_by_their_kind() {
    let octets = octets(SEND_MESSAGE);
    let tree = decoded(&octets).unwrap().tree;
    let transaction = tree.root().child(element::SESSION).and_then(|session| session.child(element::TRANSACTION));
    let content = transaction.and_then(|transaction| transaction.child(element::TRANSACTION_CONTENT)).unwrap();
    assert_eq!(content.namespace(), Some(Version::V1_2.transaction_namespace()));
    let request = content.child(element::SEND_MESSAGE_REQUEST).unwrap();
    assert_eq!(request.child(element::DELIVERY_REPORT).unwrap().boolean(), Ok(true));
    let message = request.child(element::MESSAGE_INFO).unwrap();
    assert_eq!(message.child(element::CONTENT_TYPE).unwrap().text(), "text/plain");
    assert_eq!(message.child(element::VALIDITY).unwrap().integer(), Ok(600));
    assert_eq!(message.child(element::VALIDITY).unwrap().to_text(), "600");
    let moment = message.child(element::DATE_TIME).unwrap().date_time().unwrap();
    assert_eq!(moment.to_string(), "20070625T055652Z");
    assert_eq!(request.child(element::CONTENT_DATA).unwrap().text(), "hi");
}

// WV-ENC-05
#[test]
fn literal_elements_are_read_and_written() {
    let mut hex = String::from("03 11 6A 0B");
    hex.push_str(&"Vendor\0urn\0".bytes().map(|octet| format!("{octet:02X}")).collect::<String>());
    // ExtBlock with a literal xmlns is 1/3A; the vendor element holds the text x.
    hex.push_str("C9 08 03 31 2E 32 00 01 44 00 03 78 00 01 04 07 01");
    let octets = octets(&hex);
    let tree = decoded(&octets).unwrap().tree;
    let vendor: Vec<_> = tree.root().children().map(|child| (child.name(), child.text())).collect();
    let namespace = Some(Version::V1_2.message_namespace());
    let expected = [(Name::Vendor { name: "Vendor", namespace }, "x"), (Name::Vendor { name: "urn", namespace }, "")];
    assert_eq!(vendor, expected);
    assert_eq!(wbxml_of(&tree, Version::V1_2), octets);
}

// WV-ENC-02
#[test]
fn pieces_of_a_value_are_joined() {
    let start = "03 11 6A 05 74 61 69 6C 00 C9 08 03 31 2E 32 00 01";
    let rows = [
        ("4D 03 61 00 02 81 20 03 62 00 01", "a\u{A0}b"),
        ("77 80 0E 03 68 6F 73 74 00 01", ""),
        ("00 00 77 80 0E 03 68 2F 00 83 00 01", "http://h/tail"),
        ("4D 02 84 80 00 01", "\u{10000}"),
    ];
    let texts: Vec<String> = rows
        .iter()
        .map(|(body, _)| {
            let octets = octets(&format!("{start} {body} 01"));
            let tree = decoded(&octets).unwrap().tree;
            tree.root().children().next().unwrap().text().to_owned()
        })
        .collect();
    assert_eq!(texts, ["a\u{A0}b", "http://host", "http://h/tail", "\u{10000}"].map(str::to_owned));
}

// WV-ENC-02
#[test]
fn a_point_in_time_may_come_in_pieces() {
    let start = "03 11 6A 00 C9 08 03 31 2E 32 00 01";
    for body in ["51 C3 03 1F 5D B2 C3 03 5E 34 5A 01", "51 C3 03 1F 5D B2 03 5E 34 5A 00 01"] {
        let octets = octets(&format!("{start} {body} 01"));
        let tree = decoded(&octets).unwrap().tree;
        let moment = tree.root().children().next().unwrap().date_time().unwrap();
        assert_eq!(moment.to_string(), "20070625T055652Z");
        let whole = wbxml_of(&tree, Version::V1_2);
        assert_eq!(decoded(&whole).unwrap().tree, tree, "{body}");
    }
}

#[test]
fn broken_binary_documents_are_refused_by_name() {
    let start = "03 11 6A 00 C9 08 03 31 2E 32 00 01";
    let rows = [
        ("7A 03 77 76", CodecError::Truncated),
        ("4D 02 C4 80 00 01 01", CodecError::ForbiddenCharacter),
        ("4D 02 00 01 01", CodecError::ForbiddenCharacter),
        ("4D C3 05 61 01 01", CodecError::Truncated),
        ("4D 83 00 01 01", CodecError::StringTableOverrun),
        ("4D 80 81 7F 01 01", CodecError::UnknownValue(255)),
        ("00 3F 45 01 01", CodecError::UnknownTag { page: 0x3F, token: 5 }),
        ("4D 81 00 01 01", CodecError::UnexpectedToken(0x81)),
        ("4D C0 01 01", CodecError::UnexpectedToken(0xC0)),
        ("4D 43 01 01", CodecError::UnexpectedToken(0x43)),
        ("4D 80 FF FF FF FF FF 7F 01 01", CodecError::IntegerOverflow),
        ("4D 03 FF 00 01 01", CodecError::MalformedText),
        ("4D 01 01 00", CodecError::TrailingContent),
        ("4D 01", CodecError::Truncated),
    ];
    for (body, expected) in rows {
        let result = decoded(&octets(&format!("{start} {body}"))).map(|_| ()).unwrap_err();
        assert_eq!(result, expected, "{body}");
    }
    let heads = [
        ("03 11 6A 05 61", CodecError::Truncated),
        ("03 11 87 68 00 C9", CodecError::Truncated),
        ("03 11 83 7F 00 89", CodecError::UnsupportedCharset),
        ("03 11 6A 00 89 05 03 31 2E 30 00 01", CodecError::UnsupportedVersion),
        ("03 11 6A 00", CodecError::MissingRoot),
    ];
    for (head, expected) in heads {
        assert_eq!(decoded(&octets(head)).map(|_| ()), Err(expected), "{head}");
    }
    // A public identifier that cannot be read is no reason to refuse.
    assert!(decoded(&octets("03 00 07 6A 00 C9 08 03 31 2E 32 00 01 01")).is_ok());
}

// WV-ENC-01
#[test]
fn the_namespace_decides_before_the_public_identifier() {
    let decoded_version = |hex: &str| decoded(&octets(hex)).unwrap().version;
    assert_eq!(decoded_version("03 10 6A 00 89 08 03 31 2E 32 00 01"), Version::V1_2);
    assert_eq!(decoded_version("03 12 6A 00 09"), Version::V1_3);
    let unknown = octets("03 01 6A 00 09");
    assert_eq!(decoded(&unknown).unwrap().version, Version::V1_2);
    let plus = decode(&unknown, Some(ContentType::CspPlusWbxml), &Limits::default()).unwrap();
    assert_eq!(plus.version, Version::V1_3);
    let by_doctype = r#"<!DOCTYPE WV-CSP-Message PUBLIC "-//OMA//DTD WV-CSP 1.1//EN" "x"><WV-CSP-Message/>"#;
    assert_eq!(decoded(by_doctype.as_bytes()).unwrap().version, Version::V1_1);
    let other = r#"<WV-CSP-Message xmlns="http://www.wireless-village.org/CSP1.0"/>"#;
    assert_eq!(decoded(other.as_bytes()).map(|_| ()), Err(CodecError::UnsupportedVersion));
}

#[test]
fn the_plain_text_syntax_is_known_and_refused() {
    let result = decode(b"WV12LO", Some(ContentType::CspSms), &Limits::default()).map(|_| ());
    assert_eq!(result, Err(CodecError::UnsupportedEncoding));
    assert_eq!(decode(b"hello", None, &Limits::default()).map(|_| ()), Err(CodecError::UnknownEncoding));
}

// WV-ENC-09
#[test]
fn two_names_for_one_element_are_read_as_one() {
    let tree = xml("<BlockUser-Request><PreferredvCard/><AcceptedCharSet/></BlockUser-Request>");
    assert!(tree.root().is(element::BLOCK_ENTITY_REQUEST));
    assert!(tree.root().child(element::REFERRED_V_CARD).is_some());
    assert!(tree.root().child(element::ACCEPTED_CHARSET).is_some());
}

// WV-ENC-04
#[test]
fn one_number_with_two_strings_is_read_by_its_element() {
    // SearchElement is 1/33, Name is 0/1F in all versions.
    let tree = xml(
        "<Status xmlns='http://www.openmobilealliance.org/DTD/IMPS-TRC1.3'><SearchElement>GROUP_ID</SearchElement>\
         <Name>History</Name><Name>GROUP_ID</Name><Cap>SMS</Cap><SupportedBearer>SMS</SupportedBearer></Status>",
    );
    let octets = wbxml_of(&tree, Version::V1_3);
    let has = |part: &[u8]| octets.windows(part.len()).filter(|window| *window == part).count();
    assert_eq!(has(&[0x80, 0x3D]), 2);
    assert_eq!((has(&[0x80, 0x75]), has(&[0x80, 0x43])), (1, 1));
    assert!(has(b"\x03GROUP_ID\0") == 1);
    assert_eq!(decoded(&octets).unwrap().tree, tree);
}

#[test]
fn values_of_later_tables_go_as_strings() {
    let tree =
        xml("<SupportedCIRMethod xmlns='http://www.openmobilealliance.org/DTD/WV-TRC1.2'>SSMS</SupportedCIRMethod>");
    assert!(wbxml_of(&tree, Version::V1_2).windows(6).any(|window| window == b"\x03SSMS\0"));
    assert!(wbxml_of(&tree, Version::V1_3).windows(2).any(|window| window == [0x80, 0x81]));
}

#[test]
fn points_in_time_go_as_text_to_clients_that_need_it() {
    let octets = octets(SEND_MESSAGE);
    let tree = decoded(&octets).unwrap().tree;
    let options = WriterOptions { date_time_form: DateTimeForm::Text, ..WriterOptions::default() };
    let written = encode(&tree, Version::V1_2, Encoding::Wbxml, options).unwrap();
    assert!(written.windows(18).any(|window| window == b"\x0320070625T055652Z\0"));
    assert_eq!(decoded(&written).unwrap().tree, tree);
}

#[test]
fn a_nul_goes_raw_in_content_and_nowhere_else() {
    let write = |name| {
        let mut writer = Writer::new(Version::V1_2, Encoding::Wbxml, WriterOptions::default());
        writer.leaf_text(name, "a\0b");
        writer.finish()
    };
    assert!(write(element::CONTENT_DATA).unwrap().ends_with(b"\xC3\x03a\0b\x01"));
    assert_eq!(write(element::DESCRIPTION), Err(WriteError::ForbiddenCharacter));
}

// WV-ENC-08
#[test]
fn content_is_unpacked_by_what_the_sender_did() {
    let tree = xml("<ContentData>\naGk=\n</ContentData>");
    assert_eq!(tree.root().content_octets(true, None).unwrap().as_ref(), b"hi");
    let with = |content: &[u8], size| {
        let mut document = vec![3, 0x11, 0x6A, 0, 0x4D, 0xC3, u8::try_from(content.len()).unwrap()];
        document.extend_from_slice(content);
        document.push(1);
        decoded(&document).unwrap().tree.root().content_octets(true, size).unwrap().into_owned()
    };
    assert_eq!(with(b"aGk=", Some(2)), b"hi");
    assert_eq!(with(b"aGk=", Some(4)), b"aGk=");
    assert_eq!(with(b"\xFF\0", Some(2)), b"\xFF\0");
}

#[test]
fn xml_is_read_strictly() {
    let rows = [
        ("<Status><Result></Status>", CodecError::MalformedXml(17)),
        ("<Status/><Status/>", CodecError::TrailingContent),
        ("<Status/>text", CodecError::TrailingContent),
        ("text<Status/>", CodecError::MissingRoot),
        ("<!-- nothing -->", CodecError::MissingRoot),
        ("<Status>", CodecError::Truncated),
        ("<Status>&nbsp;</Status>", CodecError::UnknownEntity),
        ("<Status>&#0;</Status>", CodecError::ForbiddenCharacter),
        ("<Status>&#xFFFE;</Status>", CodecError::ForbiddenCharacter),
        ("<Status>\u{1}</Status>", CodecError::ForbiddenCharacter),
        ("<x:Status/>", CodecError::UndeclaredPrefix),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><Status>&b;</Status>", CodecError::InternalSubset),
        ("<?xml version='1.0' encoding='x-none'?><Status/>", CodecError::UnsupportedCharset),
    ];
    for (text, expected) in rows {
        let result = crate::codec::xml::read(text.as_bytes(), &Limits::default()).map(|_| ()).unwrap_err();
        let is_same_kind = core::mem::discriminant(&result) == core::mem::discriminant(&expected);
        assert!(is_same_kind, "{text}: {result:?}");
    }
    for text in [
        "<Status a='1' a='2'/>",
        "<Status xmlns='a' xmlns='a'/>",
        "<Status xmlns:p='u' p:a='1' p:a='2'/>",
        "<Status>]]></Status>",
        "<Status><!-- -- --></Status>",
        "<Status a=1/>",
    ] {
        let result = crate::codec::xml::read(text.as_bytes(), &Limits::default()).map(|_| ());
        assert!(result.is_err(), "{text}");
    }
    assert_eq!(decoded(b"<Status>\xFF</Status>").map(|_| ()), Err(CodecError::MalformedText));
}

// WV-ENC-11
#[test]
fn an_ampersand_that_begins_no_reference_is_itself() {
    for (text, expected) in [
        ("tea & cake", "tea & cake"),
        ("a&&amp;b", "a&&b"),
        ("&lt;b&gt;x & y&lt;/b&gt;", "<b>x & y</b>"),
        ("&", "&"),
        ("AT&T", "AT&T"),
    ] {
        let document = format!("<Description>{text}</Description>");
        let tree = xml(&document);
        assert_eq!(tree.root().text(), expected, "{text}");
    }
}

// WV-ENC-10
#[test]
fn xml_of_real_senders_is_read() {
    let plain = xml("<Status><Result><Code>200</Code></Result></Status>");
    let same = [
        "\u{FEFF}<Status><Result><Code>200</Code></Result></Status>",
        "<?xml version='1.0'?>\n\t<!DOCTYPE IMPS-CSP \"-//OMA//DTD WV-CSP 1.1//EN\" \n\"x\">\n<Status><Result><Code>200</Code>\
         </Result></Status>",
        "<Status xmlns:xsi='urn:a' xsi:type='b'>\r\n <Result>\r\n  <Code>2<![CDATA[0]]>&#48;</Code>\r\n </Result>\r\n</Status>\n",
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?><Status><Result><Code>\n200\n</Code></Result></Status>",
    ];
    for text in same {
        assert_eq!(xml(text), plain, "{text}");
    }
    let prefixed = xml("<t:Status xmlns:t='http://www.wireless-village.org/TRC1.1'><t:Result/></t:Status>");
    let default = xml("<Status xmlns='http://www.wireless-village.org/TRC1.1'><Result/></Status>");
    assert_eq!(prefixed, default);
    let wide: Vec<u8> = "\u{FEFF}<Status>ü</Status>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(decoded(&wide).unwrap().tree.root().text(), "ü");
    let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><Status>\xFC</Status>";
    assert_eq!(decoded(latin).unwrap().tree.root().text(), "ü");
}

#[test]
fn vendor_elements_keep_their_namespace() {
    let text = "<Status xmlns=\"http://www.openmobilealliance.org/DTD/WV-TRC1.2\"><ExtBlock xmlns=\"urn:v\"><Name a=\"1\">x</Name>\
                </ExtBlock><Poll>T</Poll></Status>";
    let tree = xml(text);
    let block = tree.root().child(element::EXT_BLOCK).unwrap();
    let inner = block.children().next().unwrap();
    assert_eq!(inner.name(), Name::Vendor { name: "Name", namespace: Some("urn:v") });
    assert_eq!(inner.attribute("a"), Some("1"));
    assert!(tree.root().child(element::POLL).is_some());
    assert_eq!(encode(&tree, Version::V1_2, Encoding::Xml, WriterOptions::default()).unwrap(), text.as_bytes());
    let octets = wbxml_of(&tree, Version::V1_2);
    assert_eq!(decoded(&octets).map(|_| ()), Ok(()));
    assert_eq!(decoded(&octets).unwrap().tree, tree);
}

#[test]
fn every_limit_holds_in_both_encodings() {
    use crate::error::Limit;
    let limits = Limits {
        document_bytes_max: 300,
        depth_max: 3,
        elements_max: 5,
        attributes_max: 1,
        text_bytes_max: 20,
        decoded_bytes_max: 30,
        name_bytes_max: 60,
        string_table_bytes_max: 10,
    };
    let rows = [
        (format!("<Status>{}</Status>", " ".repeat(300)), Limit::Document),
        ("<Status><Status><Status><Status/></Status></Status></Status>".to_owned(), Limit::Depth),
        (format!("<Status>{}</Status>", "<Poll/>".repeat(5)), Limit::Elements),
        ("<Status a='1' b='2'/>".to_owned(), Limit::Attributes),
        (format!("<Status>{}</Status>", "x".repeat(21)), Limit::Text),
        (format!("<Status>{}</Status>", "x&amp;".repeat(11)), Limit::Text),
        (format!("<{0}/>", "x".repeat(61)), Limit::Name),
        (format!("<Status><Name>{0}</Name><Name>{0}</Name></Status>", "x".repeat(16)), Limit::Decoded),
    ];
    for (text, limit) in rows {
        let result = decode(text.as_bytes(), None, &limits).map(|_| ());
        assert_eq!(result, Err(CodecError::LimitExceeded(limit)), "{text}");
        let Ok(Decoded { tree, .. }) = decoded(text.as_bytes()) else { continue };
        if limit != Limit::Document {
            let binary = wbxml_of(&tree, Version::V1_2);
            let result = decode(&binary, None, &limits).map(|_| ());
            let by_table = matches!(result, Err(CodecError::LimitExceeded(Limit::StringTable)));
            assert!(result == Err(CodecError::LimitExceeded(limit)) || by_table, "{text}: {result:?}");
        }
    }
}

#[test]
fn a_string_table_cannot_blow_a_document_up() {
    let string = [b"x".repeat(60_000), vec![0]].concat();
    let mut document = vec![3, 0x11, 0x6A, 0x83, 0xD4, 0x61];
    document.extend_from_slice(&string);
    document.push(0x6D);
    for _ in 0..100 {
        document.extend([0x4D, 0x83, 0, 0x83, 0, 1]);
    }
    document.push(1);
    assert_eq!(decoded(&document).map(|_| ()), Err(CodecError::LimitExceeded(crate::error::Limit::Decoded)));
}

#[test]
fn a_fragment_is_written_once_and_copied_into_many_messages() {
    for (version, encoding) in
        Version::ALL.into_iter().flat_map(|version| [(version, Encoding::Xml), (version, Encoding::Wbxml)])
    {
        let write_presence = |sink: &mut dyn Sink| {
            for user in ["wv:a@b.com", "wv:c@b.com"] {
                sink.open(element::PRESENCE);
                sink.leaf_text(element::USER_ID, user);
                sink.open_with_namespace(element::PRESENCE_SUB_LIST, version.presence_namespace());
                sink.empty(element::ONLINE_STATUS);
                sink.close();
                sink.close();
            }
        };
        let mut fragment = Writer::for_fragment(version, encoding, WriterOptions::default());
        write_presence(&mut fragment);
        let fragment = fragment.finish_fragment().unwrap();
        let message = |write: &dyn Fn(&mut Writer)| {
            let mut writer = Writer::new(version, encoding, WriterOptions::default());
            writer.open_with_namespace(element::PRESENCE_NOTIFICATION_REQUEST, version.transaction_namespace());
            write(&mut writer);
            writer.empty(element::POLL);
            writer.close();
            writer.finish().unwrap()
        };
        let spliced = message(&|writer| writer.splice(&fragment));
        let direct = message(&|writer| write_presence(writer));
        assert_eq!(decoded(&spliced).unwrap().tree, decoded(&direct).unwrap().tree);
        assert!(spliced.len() <= direct.len() + 4 && spliced.len() > fragment.byte_count());
    }
}

#[test]
fn a_fragment_goes_only_where_it_fits() {
    let fragment = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::for_fragment(Version::V1_2, Encoding::Wbxml, WriterOptions::default());
        write(&mut writer);
        writer.finish_fragment()
    };
    let vendor = fragment(&|writer| {
        writer.open_vendor("Vendor", None);
        writer.close();
    });
    assert_eq!(vendor, Err(WriteError::NeedsStringTable));
    let poll = fragment(&|writer| writer.leaf_boolean(element::POLL, true)).unwrap();
    let mut other = Writer::new(Version::V1_1, Encoding::Wbxml, WriterOptions::default());
    other.open(element::SESSION);
    other.splice(&poll);
    other.close();
    assert_eq!(other.finish(), Err(WriteError::ForeignFragment));
}
