//! Examples of RFC 3862 and RFC 5438, and what is written is read.

use super::*;
use crate::message::header::media_type::MediaType;
use proptest::prelude::*;

fn parse(text: &str) -> Result<Cpim, CpimError> {
    Cpim::parse(&Bytes::from(text.replace('\n', "\r\n")))
}

const WITH_REQUEST: &str = "From: Alice <im:alice@example.com>
To: Bob <im:bob@example.com>
NS: x <urn:ietf:params:imdn>
x.Message-ID: 34jk324j
DateTime: 2006-04-04T12:16:49-05:00
x.Disposition-Notification: positive-delivery, negative-delivery
Subject:;lang=fr Objet de message

Content-type: text/plain
Content-length: 12

Hello World";

#[test]
fn rfc3862_2_a_message_has_headers_and_a_content_with_headers_of_its_own() {
    let message = parse(WITH_REQUEST).unwrap();
    assert_eq!(message.header("From").as_deref(), Some("Alice <im:alice@example.com>"));
    assert_eq!(message.header("Subject").as_deref(), Some("Objet de message"));
    assert_eq!(message.content.content, "Hello World");
    assert_eq!(message.content.media_type().unwrap().to_essence(), "text/plain");
}

#[test]
fn rfc5438_6_1_any_prefix_may_be_bound_to_the_namespace() {
    let message = parse(WITH_REQUEST).unwrap();
    assert_eq!(message.header_in(IMDN, "Message-ID").as_deref(), Some("34jk324j"));
    assert_eq!(message.header("Message-ID"), None);
}

#[test]
fn rfc3862_3_4_a_prefix_is_declared_before_it_is_used() {
    assert_eq!(parse("x.Message-ID: 1\nNS: x <urn:x>\n\n\n"), Err(CpimError::UndeclaredPrefix));
    let message = parse("NS: <urn:x>\nFrom: me\n\n\n").unwrap();
    assert_eq!((message.header("From"), message.header_in("urn:x", "From").as_deref()), (None, Some("me")));
}

#[test]
fn rfc3862_3_5_what_is_required_is_named_by_its_namespace() {
    let message = parse("NS: a <urn:a>\nRequire: a.Vital, Other\n\n\n").unwrap();
    assert_eq!(message.required().collect::<Vec<_>>(), [("urn:a", "Vital"), (CORE, "Other")]);
}

#[test]
fn rfc3862_2_2_headers_are_strict() {
    for text in ["From:x\n\n\n", "From : x\n\n\n", "From\n\n\n", "Fr(m: x\n\n\n", "From: a\tb\n\n\n", ": x\n\n\n"] {
        assert_eq!(parse(text), Err(CpimError::MalformedHeader), "{text}");
    }
    assert_eq!(parse("From: x"), Err(CpimError::NoBlankLine));
    assert_eq!(parse("From: x\n"), Err(CpimError::NoBlankLine));
    let many = "A: b\n".repeat(HEADERS_MAX + 1) + "\n\n";
    assert_eq!(parse(&many), Err(CpimError::TooManyHeaders));
}

#[test]
fn rfc3862_2_3_escapes_are_undone_and_written() {
    assert_eq!(unescape(r#"a\\b\"c\'d\n\u00e9\q\u12x\"#), "a\\b\"c'd\n\u{e9}qu12x");
    assert_eq!(escape("a\\b\u{1}\r\n"), r"a\\b\u0001\r\n");
    let written = Cpim::new(MimePart::default()).with("Subject", "two\r\nlines").write().unwrap();
    assert_eq!(written, "Subject: two\\r\\nlines\r\n\r\n\r\n");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        names in prop::collection::vec("[A-Za-z][A-Za-z-]{0,8}", 0..6),
        values in prop::collection::vec("\\PC{0,30}|[\u{0}-\u{7f}]{0,10}", 6),
        content in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let text_plain = MediaType::parse("text/plain").unwrap().with_param("charset", "utf-8");
        let mut message = Cpim::new(MimePart::new(&text_plain, Bytes::from(content)));
        for (at, (name, value)) in names.iter().zip(&values).enumerate() {
            prop_assume!(name != "NS" && name != "Require");
            message = if at % 2 == 0 { message.with(name, value) } else { message.with_in(IMDN, "imdn", name, value) };
        }
        let read = Cpim::parse(&message.write().unwrap()).unwrap();
        prop_assert_eq!(&read, &message);
        if let Some((name, value)) = names.first().zip(values.first()) {
            prop_assert_eq!(read.header(name), Some(value.clone()));
        }
    }
}
