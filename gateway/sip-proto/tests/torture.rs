//! The verdict tables: the messages of RFC 4475 from the corpus folder, and own ones on the same subjects.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test says so by panicking")]

use bytes::Bytes;
use serde::Deserialize;
use sip_proto::limit::Limits;
use sip_proto::message::framer::{FlowSide, Malformed, Parsed, StreamFramer, parse_datagram};
use sip_proto::message::header::{contact::Contacts, identifier::Tag};
use sip_proto::message::uas::{self, Role, UasProfile};
use sip_proto::message::{Message, Method, validate};
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Table {
    message: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    clause: String,
    message: String,
    server: Option<String>,
}

fn profile() -> UasProfile {
    UasProfile {
        role: Role::EndPoint,
        schemes: vec!["sip", "sips", "pres", "im", "tel"],
        methods: Method::KNOWN.to_vec(),
        events: vec![],
        extensions: vec![],
        media_types: vec!["application/sdp", "text/*", "message/*", "multipart/*"],
        encodings: vec![],
        answers: vec![(Method::Invite, "application/sdp")],
    }
}

fn refusal(malformed: &Malformed) -> String {
    malformed.answer().map_or("discard".into(), |status| status.to_string())
}

/// What reading and validating gives, and what an end point then says.
fn verdict(octets: &Bytes) -> (String, Option<String>) {
    let message = match parse_datagram(octets, &Limits::default()).map(|parsed| match parsed {
        Parsed::Message(message) => validate::validate(message),
        Parsed::KeepAlive => panic!("no message"),
    }) {
        Ok(Ok(message)) => message,
        Ok(Err(malformed)) | Err(malformed) => {
            let tag = Tag::parse("t").unwrap();
            if let Some(response) = malformed.response(Some(&tag)) {
                response.write().expect("a refusal can be written");
            }
            return (refusal(&malformed), None);
        }
    };
    let written = message.write().expect("what was accepted can be written");
    match parse_datagram(&written, &Limits::default()) {
        Ok(Parsed::Message(again)) => assert_eq!(again.write().as_ref(), Ok(&written)),
        other => panic!("not read again: {other:?}"),
    }
    let server = match &message {
        Message::Request(request) => match uas::check(request, &profile(), || Tag::parse("t").unwrap()) {
            Ok(()) => "accept".into(),
            Err(refusal) => {
                let written = refusal.write().expect("a refusal can be written");
                assert!(matches!(parse_datagram(&written, &Limits::default()), Ok(Parsed::Message(_))));
                refusal.status().to_string()
            }
        },
        Message::Response(response) if validate::is_for_end_point(response) => "accept".into(),
        Message::Response(_) => "discard".into(),
    };
    ("accept".into(), Some(server))
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sip")
}

/// Compares every row with the message of its name; tells how many there were.
fn check(table: &Path, folder: &Path, extension: &str) -> usize {
    let table: Table = toml::from_str(&std::fs::read_to_string(table).unwrap()).unwrap();
    let mut differences = Vec::new();
    for row in &table.message {
        let octets = Bytes::from(std::fs::read(folder.join(format!("{}.{extension}", row.name))).unwrap());
        let (message, server) = verdict(&octets);
        if (&message, &server) != (&row.message, &row.server) {
            let wanted = (&row.message, &row.server);
            differences.push(format!("{} ({}): {message} {server:?}, wanted {wanted:?}", row.name, row.clause));
        }
        for cut in [1, 7, octets.len()] {
            let mut framer = StreamFramer::new(FlowSide::Accepted, Limits::default());
            for chunk in octets.chunks(cut) {
                framer.push(chunk);
                while framer.poll().is_some() {}
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    table.message.len()
}

#[test]
fn messages_of_rfc_4475_get_the_verdict_of_its_text() {
    let Some(corpus) = std::env::var_os("WVSG_CORPUS") else {
        println!("corpus absent");
        return;
    };
    let count = check(&fixtures().join("rfc4475.toml"), &Path::new(&corpus).join("rfc4475"), "dat");
    println!("corpus {count} of 49");
    assert_eq!(count, 49);
}

#[test]
fn own_messages_get_their_verdict() {
    let folder = fixtures().join("torture");
    assert_eq!(check(&folder.join("verdict.toml"), &folder, "sip"), 59);
}

#[test]
fn parameters_of_uri_and_header_are_not_mixed_up() {
    let contact = |name: &str| {
        let octets = Bytes::from(std::fs::read(fixtures().join(format!("torture/{name}.sip"))).unwrap());
        let Ok(Parsed::Message(message)) = parse_datagram(&octets, &Limits::default()) else { panic!("{name}") };
        message.headers().contact_first().unwrap().unwrap().detach()
    };
    let of_header = contact("contact_parameter");
    assert!(of_header.params().has("oddparameter"));
    assert!(!of_header.uri().as_sip().unwrap().params().has("oddparameter"));
    let of_uri = contact("uri_parameter");
    assert!(!of_uri.params().has("oddparameter"));
    assert!(of_uri.uri().as_sip().unwrap().params().has("oddparameter"));
    let header = contact("uri_header");
    let fields: Vec<_> = header.uri().as_sip().unwrap().header_fields().collect();
    assert_eq!(fields, [(b"Route".to_vec(), b"<sip:edge.lab.example>".to_vec())]);
}

#[test]
fn escaped_zeros_shorten_nothing() {
    let octets = Bytes::from(std::fs::read(fixtures().join("torture/escaped_zero.sip")).unwrap());
    let Ok(Parsed::Message(message)) = parse_datagram(&octets, &Limits::default()) else { panic!("not read") };
    let to = message.headers().to().unwrap();
    assert_eq!(to.uri().as_sip().unwrap().user_decoded().unwrap().unwrap(), "zero-\0-zero");
    assert_eq!(message.headers().contacts().unwrap(), message.headers().contacts().unwrap());
    let Contacts::List(list) = message.headers().contacts().unwrap() else { panic!("star") };
    assert!(!list[0].uri().is_equivalent(list[1].uri()));
}
