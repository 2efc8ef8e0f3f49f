//! SSP documents from outside: there and back, the fixtures of our own, and what a real server sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod arbitrary;

use arbitrary::{PRIMITIVE_KINDS, SETUP_KINDS, Source};
use proptest::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
};
use wv_proto::{
    limit::Limits,
    primitive::identifier::{SessionId, TransactionId},
    ssp::{
        Body, Document, Fault,
        primitive::Primitive,
        setup::{SecretToken, SetupStep},
    },
    version::Version,
};

fn read(octets: &[u8]) -> Document {
    Document::read(octets, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {}", shown(octets)))
}

fn shown(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// Reads, writes, reads again, and compares.
fn round_trip(octets: &[u8]) -> Document {
    let document = read(octets);
    let written = document.write().unwrap();
    assert_eq!(read(&written), document, "{}", shown(&written));
    document
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        kind in 0..PRIMITIVE_KINDS + SETUP_KINDS,
        choices in proptest::collection::vec(any::<u8>(), 0..160),
    ) {
        let document = Source::new(&choices).document(kind);
        let written = document.write().unwrap();
        prop_assert_eq!(read(&written), document, "{}", shown(&written));
    }
}

#[test]
fn every_primitive_is_grown_and_is_empty_of_choices_too() {
    let mut names = std::collections::BTreeSet::new();
    for kind in 0..PRIMITIVE_KINDS + SETUP_KINDS {
        let document = Source::new(&[]).document(kind);
        names.insert(document.title());
        assert_eq!(read(&document.write().unwrap()), document);
    }
    assert_eq!(names.len(), usize::from(PRIMITIVE_KINDS + SETUP_KINDS), "{names:?}");
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

fn files(folder: &Path, extension: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn our_own_messages_are_read_and_written_again() {
    let files = files(&folder("wv/ssp"), "xml");
    assert!(files.len() >= 10, "fixtures/wv/ssp");
    for (name, octets) in files {
        let document = round_trip(&octets);
        let expected = name.split('-').skip(1).collect::<Vec<_>>().join("-").replace(".xml", "");
        assert_eq!(document.title().replace(' ', "-"), expected);
    }
}

/// The body of an HTTP request in a file.
fn body(octets: &[u8]) -> &[u8] {
    let at = octets.windows(4).position(|part| part == b"\r\n\r\n").expect("an HTTP request");
    &octets[at + 4..]
}

#[test]
fn what_a_real_server_sent_is_read_and_written_again() {
    let Some(corpus) = std::env::var_os("WVSG_CORPUS") else {
        println!("corpus absent");
        return;
    };
    let files = files(&Path::new(&corpus).join("wv-ssp"), "http");
    assert!(!files.is_empty(), "the corpus has no folder wv-ssp");
    let (mut read_count, mut refused) = (0, Vec::new());
    for (name, octets) in &files {
        if Document::read(body(octets), &Limits::default()).is_err() {
            refused.push(name.as_str());
            continue;
        }
        let document = round_trip(body(octets));
        let mut parts = name.trim_end_matches(".http").split('-').skip(3);
        let expected = format!("{} {}", parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(document.title(), expected, "{name}");
        if let Body::Session(message) = &document.body {
            assert!(message.transactions.iter().all(|transaction| transaction.content.is_ok()), "{name}");
        }
        read_count += 1;
    }
    println!("corpus {read_count} of {}", files.len());
    assert!(refused.iter().all(|name| name.contains("CancelInviteRequest")), "{refused:?}: these are not well-formed");
}

#[test]
fn wv_ssp_02_the_proofs_of_a_real_server_are_right() {
    let Some(corpus) = std::env::var_os("WVSG_CORPUS") else {
        println!("corpus absent");
        return;
    };
    let steps: Vec<SetupStep> = files(&Path::new(&corpus).join("wv-ssp"), "http")
        .iter()
        .take(4)
        .map(|(_, octets)| match read(body(octets)).body {
            Body::Setup(setup) => setup.step,
            Body::Session(_) => panic!("a step of the set-up"),
        })
        .collect();
    let [
        SetupStep::SendSecretToken { secret: first, .. },
        SetupStep::SendSecretToken { secret: second, .. },
        SetupStep::LoginRequest { digest: of_second, .. },
        SetupStep::LoginRequest { digest: of_first, .. },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert_eq!((first.digest(), second.digest()), (of_first.clone(), of_second.clone()));
    assert_ne!(SecretToken::new("x").digest(), first.digest());
}

fn primitive(inner: &str) -> Result<Primitive, Option<Fault>> {
    let text = format!(
        "<WV-SSP-Message><Session sessionID='1@a'><Transaction mode='Request' transactionID='1'>{inner}\
         </Transaction></Session></WV-SSP-Message>"
    );
    let Body::Session(mut message) = read(text.as_bytes()).body else { panic!("a session") };
    assert_eq!((message.session_id, message.transactions.len()), (SessionId::new("1@a"), 1));
    let transaction = message.transactions.remove(0);
    assert_eq!(transaction.transaction_id, TransactionId::new("1"));
    transaction.content.map_err(|unreadable| unreadable.fault)
}

#[test]
fn wv_ssp_05_truth_is_yes_or_no() {
    let join = |word: &str| {
        let read = primitive(&format!("<JoinGroupRequest groupID='a/b@c' joinedListRequest='{word}'/>"));
        read.map(|primitive| match primitive {
            Primitive::JoinGroupRequest(request) => request.joined_list_request,
            other => panic!("{other:?}"),
        })
    };
    for (word, truth) in [("Yes", true), ("yes", true), ("No", false), ("T", true), ("F", false), ("", false)] {
        assert_eq!(join(word), Ok(truth), "{word}");
    }
    assert_eq!(join("perhaps"), Err(Some(Fault::BadValue("joinedListRequest"))));
}

#[test]
fn wv_ssp_06_content_is_base64_before_it_is_anything_else() {
    let content = |inner: &str| match primitive(&format!(
        "<SendMessageRequest><MessageInfo><Recipient><UserID userID='b@c'/></Recipient></MessageInfo>{inner}\
         </SendMessageRequest>"
    )) {
        Ok(Primitive::SendMessageRequest(request)) => Ok(request.content.unwrap().octets),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault),
    };
    let said = |encoding: &str, text: &str| content(&format!("<ContentData {encoding}>{text}</ContentData>"));
    assert_eq!(said("encoding='base64'", "\nZmlyc3Q=\n\n").unwrap().as_ref(), b"first");
    assert_eq!(said("encoding='BASE64'", "Zmly\nc3Q").unwrap().as_ref(), b"first");
    assert_eq!(said("", "\nfirst\n").unwrap().as_ref(), b"first");
    assert_eq!(said("encoding='base64'", "?"), Err(Some(Fault::BadValue("ContentData"))));
}

#[test]
fn wv_ssp_08_some_requests_are_answered_by_nobody() {
    let silent = [
        "PresenceNotification Request",
        "DeliveryStatusReport Request",
        "GroupChangeNotice Request",
        "InviteResponse Request",
    ];
    for kind in 0..PRIMITIVE_KINDS {
        let document = Source::new(&[]).document(kind);
        let Body::Session(message) = &document.body else { panic!("a session") };
        let is_answered = message.transactions[0].content.as_ref().unwrap().expects_answer();
        assert_eq!(is_answered, !silent.contains(&document.title().as_str()), "{}", document.title());
    }
}

#[test]
fn the_older_versions_differ_by_their_namespaces_only() {
    for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
        let document = Document { version, ..Source::new(&[7; 40]).document(5) };
        assert_eq!(read(&document.write().unwrap()).version, version);
    }
}
