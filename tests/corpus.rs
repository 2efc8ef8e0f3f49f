//! The messages that real WV clients send, one after the other against a running gateway over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

use acceptance::{
    catalogue::{How, case},
    http::Answer,
    message_file::{self, MessageFile, NOT_WELL_FORMED},
    phone::{Phone, code_of},
    product::{Gateway, Setup, configuration_with_pairs},
};
use std::collections::BTreeMap;
use wv_proto::{
    codec::{decode, decode_in_session},
    limit::Limits,
    primitive::{Envelope, Primitive, SessionDescriptor, TransactionMode, access::KeepAliveRequest},
    version::{ContentType, Encoding, Version},
};

/// A phone for each sequence of messages, which is what one client said in one version and encoding: its messages are
/// sent in their order, in one session.
struct Phones<'a> {
    gateway: &'a Gateway,
    all: BTreeMap<(String, &'static str, bool), Phone>,
}

impl<'a> Phones<'a> {
    const fn at(gateway: &'a Gateway) -> Self {
        Self { gateway, all: BTreeMap::new() }
    }

    fn of(&mut self, file: &str, version: Version, encoding: Encoding) -> &mut Phone {
        let client = file.split('-').next().unwrap_or_default().to_owned();
        let (number, gateway) = (self.all.len(), self.gateway);
        self.all
            .entry((client, version.as_str(), encoding == Encoding::Xml))
            .or_insert_with(|| Phone::logged_in(gateway.csp(), &format!("wv:w{number}@wv.example"), version, encoding))
    }
}

/// The octets with one text in place of another; both encodings hold texts as they are.
fn substitute(octets: &[u8], old: &str, new: &str) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = octets;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old.as_bytes()) {
        result.extend(&rest[..at]);
        result.extend(new.as_bytes());
        rest = &rest[at + old.len()..];
    }
    result.extend(rest);
    result
}

/// Sends a well-formed message; what is wrong with the answer.
fn send(message: &MessageFile, phones: &mut Phones<'_>) -> Result<(), String> {
    let decoded = decode(&message.octets, None, &Limits::default()).map_err(|error| error.to_string())?;
    let (version, encoding) = (decoded.version, decoded.encoding);
    let phone = phones.of(&message.name, version, encoding);
    let content_type = ContentType::for_version(version, encoding);
    let Ok(envelope) = Envelope::decode(&decoded.tree) else {
        // Vectors of a codec that are no messages of the protocol.
        return is_refused(&phone.post_raw(content_type.as_str(), &message.octets)?);
    };
    let octets = match &envelope.session {
        SessionDescriptor::Inband(id) => {
            let session = phone.session_id().unwrap();
            substitute(&message.octets, id.as_str(), &session)
        }
        SessionDescriptor::Outband => message.octets.clone(),
    };
    let answer = phone.post_raw(content_type.as_str(), &octets)?;
    check(&envelope, version, &answer)?;
    let is_logout = envelope.transactions.iter().any(|one| one.content == Ok(Primitive::LogoutRequest));
    if is_logout {
        return phone.log_in();
    }
    let keep_alive = Primitive::KeepAliveRequest(KeepAliveRequest { time_to_live: None });
    match phone.request(keep_alive).map(|answer| code_of(&answer)) {
        Ok(Some(200)) => Ok(()),
        other => Err(format!("the session does not live: {other:?}")),
    }
}

/// Whether every request of the envelope has its answer.
fn check(envelope: &Envelope, version: Version, answer: &Answer) -> Result<(), String> {
    if answer.status != 200 {
        return Err(format!("HTTP {}", answer.status));
    }
    let requests: Vec<_> = envelope
        .transactions
        .iter()
        .filter(|one| one.mode == TransactionMode::Request && one.content != Ok(Primitive::PollingRequest))
        .collect();
    if requests.is_empty() {
        return Ok(());
    }
    let named = answer.header("content-type").and_then(ContentType::parse);
    let decoded = decode_in_session(&answer.body, named, version, &Limits::default())
        .map_err(|error| format!("the answer: {error}: {}", String::from_utf8_lossy(&answer.body)))?;
    let answered = Envelope::decode(&decoded.tree).map_err(|error| format!("the answer: {error}"))?;
    for request in requests {
        let found =
            answered.transactions.iter().find(|one| one.id == request.id && one.mode == TransactionMode::Response);
        let Some(found) = found else { return Err(format!("{:?} has no answer in {answered:?}", request.id)) };
        match &found.content {
            Ok(primitive) if matches!(code_of(primitive), Some(400 | 500 | 501)) => {
                return Err(format!("{:?} was answered by {primitive:?}", request.content));
            }
            Ok(_) => {}
            Err(malformed) => return Err(format!("the answer is malformed: {malformed}")),
        }
    }
    Ok(())
}

/// Whether the answer says that the message is bad: by HTTP, or by a Status with 400 or a code near it.
fn is_refused(answer: &Answer) -> Result<(), String> {
    if answer.status == 400 {
        return Ok(());
    }
    let text = || format!("HTTP {}: {}", answer.status, String::from_utf8_lossy(&answer.body));
    let decoded = decode(&answer.body, None, &Limits::default()).map_err(|_| text())?;
    let envelope = Envelope::decode(&decoded.tree).map_err(|_| text())?;
    let code = envelope.transactions.first().and_then(|one| one.content.as_ref().ok()).and_then(code_of);
    if matches!(code, Some(400 | 402 | 405 | 415 | 604)) { Ok(()) } else { Err(text()) }
}

/// Files that the README of the corpus names as answers of a server; a client does not send them.
const SENT_BY_A_SERVER: &str = "baraza-";

#[test]
fn iwf_gen_int_005_real_messages_are_answered_and_broken_ones_refused() {
    let Some(mut messages) = message_file::foreign("wv") else { return };
    messages.retain(|message| !message.name.starts_with(SENT_BY_A_SERVER));
    let gateway = Setup::configured(&configuration_with_pairs()).start();
    let mut phones = Phones::at(&gateway);
    let mut faults = Vec::new();
    case("IWF-GEN-INT-005", How::Sockets, || {
        for message in &messages {
            let name = &message.name;
            let result = if NOT_WELL_FORMED.contains(&name.as_str()) {
                let kind = if name.contains("wbxml") { Encoding::Wbxml } else { Encoding::Xml };
                let phone = phones.of(name, Version::V1_2, kind);
                let content_type = ContentType::for_version(Version::V1_2, kind);
                phone.post_raw(content_type.as_str(), &message.octets).and_then(|answer| is_refused(&answer))
            } else {
                send(message, &mut phones)
            };
            faults.extend(result.err().map(|fault| format!("{name}: {fault}")));
        }
        println!("corpus {} of {}", messages.len() - faults.len(), messages.len());
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    });
}
