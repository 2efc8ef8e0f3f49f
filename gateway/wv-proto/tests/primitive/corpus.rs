//! Messages of real clients and servers, from the folder that `WVSG_CORPUS` names.

use std::path::{Path, PathBuf};
use wv_proto::codec::{WriterOptions, decode};
use wv_proto::limit::Limits;
use wv_proto::primitive::identifier::ClientId;
use wv_proto::primitive::{Envelope, Primitive, SessionDescriptor, TransactionMode};
use wv_proto::version::{Encoding, Version};

/// A file of the corpus.
struct Message {
    name: String,
    octets: Vec<u8>,
}

fn messages(folder: &str) -> Option<Vec<Message>> {
    let corpus = PathBuf::from(std::env::var_os("WVSG_CORPUS")?);
    let mut messages: Vec<Message> = std::fs::read_dir(corpus.join(folder))
        .unwrap()
        .filter_map(|entry| read_message(&entry.unwrap().path()))
        .collect();
    messages.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!messages.is_empty(), "the corpus folder {folder} holds no message");
    Some(messages)
}

fn read_message(path: &Path) -> Option<Message> {
    let name = path.file_name()?.to_str()?.to_owned();
    let octets = std::fs::read(path).unwrap();
    match path.extension()?.to_str()? {
        "xml" => Some(Message { name, octets }),
        "hex" => {
            let digits: Vec<u32> = octets.iter().filter_map(|octet| char::from(*octet).to_digit(16)).collect();
            let octets = digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect();
            Some(Message { name, octets })
        }
        _ => None,
    }
}

/// Test vectors of a codec: some are fragments of messages, without Session or Transaction.
const CODEC_VECTOR: &str = "aosp-vector";

/// Files that are not well-formed, each for the reason that the README of the corpus gives.
const NOT_WELL_FORMED: &[&str] = &[
    "aosp-vector-dec-incomplete-str-i.wbxml.hex",
    "aosp-vector-dec-invalid-entity.wbxml.hex",
    "aosp-vector-enc-invalid-entity.wbxml.hex",
    "movistar-cocoa-csp12-CreateList-Request-malformed.xml",
];

/// The version and the primitive that a file name of the corpus tells, for the files whose names do.
fn told_by(name: &str) -> Option<(Version, String)> {
    let rest = name.split_once("-csp1").map(|(_, rest)| rest)?;
    let version = Version::ALL.into_iter().find(|version| version.as_str().get(2..3) == rest.get(..1))?;
    let stem = rest.get(2..)?.split('.').next()?;
    let stem = stem.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-');
    Some((version, stem.to_owned()))
}

fn examine(message: &Message, faults: &mut Vec<String>) {
    let name = &message.name;
    let mut fault = |text: String| faults.push(format!("{name}: {text}"));
    let decoded = match decode(&message.octets, None, &Limits::default()) {
        Ok(decoded) => decoded,
        Err(error) => return fault(format!("not decoded: {error}")),
    };
    let envelope = match Envelope::decode(&decoded.tree) {
        Ok(envelope) => envelope,
        Err(_) if name.starts_with(CODEC_VECTOR) => return,
        Err(error) => return fault(format!("no envelope: {error}")),
    };
    for transaction in &envelope.transactions {
        if let Err(malformed) = &transaction.content {
            fault(format!("{malformed}"));
        }
        let is_poll = matches!(transaction.content, Ok(Primitive::PollingRequest));
        // A server answers a poll without id by a Status without id.
        if transaction.id.is_none() && !is_poll && !name.contains("Polling-Request-Status") {
            fault("no transaction id".to_owned());
        }
        if let Some((version, stem)) = told_by(name)
            && !name.contains("reencoded")
        {
            if version != decoded.version {
                fault(format!("version {}", decoded.version));
            }
            let primitive = transaction.name().map(|name| name.as_str().to_owned()).unwrap_or_default();
            let expected = stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
            if !expected.ends_with(&primitive) || primitive.is_empty() {
                fault(format!("primitive {primitive} is not {expected}"));
            }
        }
    }
    for encoding in [Encoding::Xml, Encoding::Wbxml] {
        if envelope.transactions.iter().any(|transaction| transaction.content.is_err()) {
            continue;
        }
        match envelope.encode(decoded.version, encoding, WriterOptions::default()) {
            Ok(octets) => {
                let again = Envelope::decode(&decode(&octets, None, &Limits::default()).unwrap().tree).unwrap();
                let settled = again.encode(decoded.version, encoding, WriterOptions::default()).unwrap();
                if settled != octets {
                    fault(format!("{encoding:?} does not settle: {again:?}"));
                }
            }
            Err(error) => fault(format!("{encoding:?} not written: {error}")),
        }
    }
}

#[test]
fn every_well_formed_message_of_a_real_client_is_understood() {
    let (Some(clients), Some(servers)) = (messages("wv"), messages("wv-server")) else {
        println!("corpus absent");
        return;
    };
    let mut faults = Vec::new();
    let all: Vec<&Message> = clients.iter().chain(&servers).collect();
    for message in &all {
        let name = message.name.as_str();
        if NOT_WELL_FORMED.contains(&name) {
            assert!(decode(&message.octets, None, &Limits::default()).is_err(), "{name}");
        } else {
            examine(message, &mut faults);
        }
    }
    println!("corpus {} of {}", all.len(), all.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn only_primitive(folder: &str, name: &str) -> Option<(Envelope, Primitive)> {
    let message = messages(folder)?.into_iter().find(|message| message.name == name).unwrap();
    let tree = decode(&message.octets, None, &Limits::default()).unwrap().tree;
    let envelope = Envelope::decode(&tree).unwrap();
    let primitive = envelope.transactions[0].content.clone().unwrap();
    Some((envelope, primitive))
}

#[test]
fn the_login_of_a_real_client_is_read_field_by_field() {
    let name = "aosp-csp12-02-Login-Request.xml";
    let Some((envelope, Primitive::LoginRequest(login))) = only_primitive("wv", name) else {
        assert!(std::env::var_os("WVSG_CORPUS").is_none(), "{name} is no login");
        return;
    };
    assert_eq!(envelope.session, SessionDescriptor::Outband);
    assert_eq!(envelope.transactions[0].mode, TransactionMode::Request);
    assert_eq!(login.user_id.as_str(), "wv:alice@example.com");
    assert_eq!(login.client_id, Some(ClientId::from_url("jimmy-test")));
    assert_eq!(login.time_to_live.map(|time| time.as_secs()), Some(7205));
    assert_eq!(login.digest_bytes.as_ref().map(|digest| digest.expose()), Some("ONRYj9vHKbpfB8SbQtGVoA=="));
    assert!(login.password.is_none() && login.digest_schemas.is_empty());
}

#[test]
fn a_removal_with_its_flag_first_is_read() {
    let name = "aosp-csp12-18-ListManage-Request.xml";
    let Some((_, Primitive::ListManageRequest(request))) = only_primitive("wv", name) else {
        assert!(std::env::var_os("WVSG_CORPUS").is_none(), "{name} is no change of a list");
        return;
    };
    assert_eq!(request.receive_list, Some(false));
    let Some(wv_proto::primitive::contact_list::ListChange::Remove(users)) = request.change else {
        panic!("nothing is removed")
    };
    assert_eq!(users[0].as_str(), "wv:carol@example.com");
}
