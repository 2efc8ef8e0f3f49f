//! What a real server sent, posted to the gateway in order, in the part of either end.

use super::fault::code_of;
use acceptance::{
    corpus,
    phone::{Phone, text_of},
    product::{Gateway, Setup},
    ssp_peer::{Recorder, port, post_octets},
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};
use wv_proto::{
    presence_attribute::PresenceAttribute,
    primitive::{Primitive as CspPrimitive, TransactionMode},
    ssp::{Body, Document, primitive::Primitive, setup::SetupStep},
    version::{Encoding, Version},
};

/// The posts of one end, in order: name of the file and body.
fn posts_of(end: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let Some(corpus) = corpus() else {
        println!("corpus absent");
        return None;
    };
    let mut files: Vec<PathBuf> =
        fs::read_dir(corpus.join("wv-ssp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let posts = files.into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        if !name.ends_with(".http") || name.split('-').nth(2) != Some(end) {
            return None;
        }
        let octets = fs::read(&path).ok()?;
        let at = octets.windows(4).position(|part| part == b"\r\n\r\n")?;
        Some((name, octets[at + 4..].to_vec()))
    });
    Some(posts.collect())
}

/// A gateway that is the home of one of the two domains, with the secret that its part had.
fn gateway(own: &str, foreign: &str, user: &str, secret: &str, port: u16) -> Gateway {
    let text = format!(
        "[[domain]]\nname = \"{own}\"\nside = \"wv\"\nroute = \"access\"\n\n\
         [[domain]]\nname = \"{foreign}\"\nside = \"wv\"\nroute = \"ssp:other\"\n\n\
         [[peer]]\nname = \"other\"\nuri = \"ssp+http://127.0.0.1:{port}\"\nsecret = \"{secret}\"\n\n\
         [[account]]\nuser = \"wv:{user}@{own}\"\npassword = \"secret\"\n\n\
         [authorization]\ndefault = \"allow\"\n"
    );
    Setup::configured(&text).start()
}

fn ssp_of(gateway: &Gateway) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, gateway.ports().ssp))
}

fn text_is(wanted: &'static str) -> impl FnMut(&CspPrimitive) -> Option<()> {
    move |told| match told {
        CspPrimitive::NewMessage(new) => (text_of(new) == Some(wanted)).then_some(()),
        _ => None,
    }
}

#[test]
fn the_opening_server_is_accepted_and_answered_and_its_users_are_served() {
    let Some(posts) = posts_of("wv1") else { return };
    let port = port();
    let gateway = gateway("wv2.test", "wv1.test", "bob", "532d65dfdb524a52e852dbab96898467", port);
    let recorder = Recorder::start(port);
    let mut bob = Phone::logged_in(gateway.csp(), "wv:bob@wv2.test", Version::V1_3, Encoding::Xml);
    let (mut accepted, mut refused) = (0, Vec::new());
    for (name, body) in &posts {
        // Each step of the set-up waits for the one before it.
        match name.as_str() {
            name if name.contains("-03-") => drop(recorder.wait_for("SendSecretToken Response")),
            name if name.contains("-05-") => drop(recorder.wait_for("LoginRequest Response")),
            name if name.contains("-07-") => drop(recorder.wait_for("LoginResponse Response")),
            _ => {}
        }
        match post_octets(ssp_of(&gateway), body) {
            Ok(200) => accepted += 1,
            Ok(400) if name.contains("CancelInviteRequest") => refused.push(name.clone()),
            other => panic!("{name}: {other:?}"),
        }
    }
    println!("corpus {accepted} of {}, {} not well-formed", posts.len(), refused.len());
    // The proof that the real server at the other end gave.
    let proof = recorder.wait_for("LoginRequest Response");
    let Body::Setup(setup) = &proof.body else { panic!("{proof:?}") };
    let SetupStep::LoginRequest { digest, .. } = &setup.step else { panic!("{setup:?}") };
    let theirs = posts_of("wv2").unwrap();
    let recorded = theirs.iter().find(|(name, _)| name.contains("-04-")).unwrap();
    let Body::Setup(recorded) = Document::read(&recorded.1, &wv_proto::limit::Limits::default()).unwrap().body else {
        panic!("a step")
    };
    assert!(matches!(&recorded.step, SetupStep::LoginRequest { digest: known, .. } if known == digest));
    for text in ["first", "two & <three> \u{e4}\u{20ac}", "half", "blocked"] {
        bob.expect(text, text_is(text));
    }
    for (id, title) in [
        ("0000000052-0", "SendMessageResponse Response"),
        ("0000000053-0", "GetPresenceResponse Response"),
        ("0000000054-0", "Status Response"),
        ("0000000057-0", "Status Response"),
        ("0000000059-0", "SendMessageResponse Response"),
    ] {
        let answer = recorder.wait_for_answer(id);
        assert_eq!(answer.title(), title);
        assert_eq!(code_of(&answer), 200, "{id}");
    }
    recorder.wait_for("PresenceNotification Request");
    assert!(quirk_uses(&gateway, "ssp_procotol_version") >= 1.0);
}

/// How often a quirk of the peer was met.
pub(crate) fn quirk_uses(gateway: &Gateway, name: &str) -> f64 {
    gateway.metric(&format!("gateway_quirk_uses_total{{side=\"wv\",quirk=\"{name}\"}}"))
}

#[test]
fn the_answering_server_is_understood_and_its_users_are_shown() {
    let Some(posts) = posts_of("wv2") else { return };
    let port = port();
    let gateway = gateway("wv1.test", "wv2.test", "alice", "242968d49c3b9a4389ae148494014801", port);
    let recorder = Recorder::start(port);
    let mut alice = Phone::logged_in(gateway.csp(), "wv:alice@wv1.test", Version::V1_2, Encoding::Xml);
    // The gateway opens, as wv1 did; its ids are its own.
    assert_eq!(alice.watch("wv:bob@wv2.test"), 200);
    let opened = recorder.wait_for("SendSecretToken Request");
    let Body::Setup(setup) = &opened.body else { panic!("{opened:?}") };
    assert_eq!(setup.mode, TransactionMode::Request);
    let own = format!("transactionID=\"{}\"", setup.transaction_id.as_str());
    let mut accepted = 0;
    for (name, body) in &posts {
        let mut text = String::from_utf8(body.clone()).unwrap();
        match name.as_str() {
            name if name.contains("-04-") => drop(recorder.wait_for("LoginRequest Request")),
            name if name.contains("-06-") => drop(recorder.wait_for("LoginResponse Request")),
            name if name.contains("-08-") => drop(recorder.wait_for("SubscribeRequest Request")),
            _ => {}
        }
        if name.contains("-04-") || name.contains("-06-") {
            text = text.replace("transactionID=\"8\"", &own);
        }
        assert_eq!(post_octets(ssp_of(&gateway), text.as_bytes()).unwrap(), 200, "{name}");
        accepted += 1;
        if name.contains("-17-") {
            alice.expect_presence("wv:bob@wv2.test", |list| {
                let is_text = |attribute: &PresenceAttribute| match attribute {
                    PresenceAttribute::StatusText(text) => {
                        text.valid_value().is_some_and(|text| text.as_ref() == "at work")
                    }
                    _ => false,
                };
                list.attributes.iter().any(is_text).then_some(())
            });
        }
    }
    println!("corpus {accepted} of {}", posts.len());
    alice.expect_presence("wv:bob@wv2.test", |list| {
        let is_offline = |attribute: &PresenceAttribute| match attribute {
            PresenceAttribute::OnlineStatus(online) => online.valid_value() == Some(&false),
            _ => false,
        };
        list.attributes.iter().any(is_offline).then_some(())
    });
    // The group of the recording does not exist here.
    let answer = recorder.wait_for_answer("0000000044-0");
    assert!(matches!(code_of(&answer), 501 | 800), "{answer:?}");
    let answer = recorder.wait_for_answer("0000000046-0");
    let Body::Session(message) = &answer.body else { panic!("{answer:?}") };
    assert!(matches!(message.transactions[0].content, Ok(Primitive::SendMessageResponse(_))));
    assert!(quirk_uses(&gateway, "ssp_bare_ids") >= 1.0);
}
