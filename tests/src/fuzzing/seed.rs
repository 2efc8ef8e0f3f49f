//! What a fuzzer begins with: messages of our own fixtures and of our own writers. Machines begin with nothing, their
//! octets mean nothing that could be written down.

use super::{Target, fixtures, gateway_record, sip_body, sip_event, sip_store, wv_session};
use std::{env, fs, path::Path};
use wv_proto::{
    codec::{Decoded, WriterOptions, date_time::DateTime, decode, encode},
    limit::Limits,
    version::Encoding,
};

/// Writes the seeds of a target into the folder that `WVSG_FUZZ_SEEDS` names; without it, does nothing.
///
/// # Panics
/// When the folder cannot be written.
pub fn write(name: &str) {
    let Some(folder) = env::var_os("WVSG_FUZZ_SEEDS") else { return };
    let Some(target) = super::TARGETS.iter().find(|target| target.name == name) else { return };
    for (number, octets) in of(target).into_iter().enumerate() {
        fs::write(Path::new(&folder).join(format!("seed-{number:03}")), octets).expect("the folder of the seeds");
    }
}

/// The seeds of a target.
#[must_use]
pub fn of(target: &Target) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        target.fixtures.map(fixtures).unwrap_or_default().into_iter().map(|(_, octets)| octets).collect();
    seeds.extend(match target.name {
        "wv_wbxml" | "wv_envelope" => wbxml(),
        "wv_snapshot" => wv_session::snapshots(),
        "wv_address" => texts(&["wv:alice@wv.example", "alice/friends@wv.example", "+358501234567", "wv:a%40b@x.y"]),
        "wv_date_time" => texts(&["20050304T050607Z", "2005-03-04T05:06:07+02:00", "20050304T0506"])
            .into_iter()
            .chain(
                DateTime::from_unix_seconds(1_109_912_767).and_then(DateTime::to_octets).map(|octets| octets.to_vec()),
            )
            .collect(),
        "sip_uri" => sip_values().into_iter().filter(|value| value.contains(&b':')).collect(),
        "sip_header" => sip_values(),
        "sip_cpim" => texts(sip_body::CPIM),
        "sip_multipart" => texts(sip_body::MULTIPART),
        "sip_imdn" => texts(sip_body::IMDN),
        "sip_composing" => texts(sip_body::COMPOSING),
        "sip_partial" => texts(sip_body::PARTIAL),
        "sip_watcher_info" => texts(sip_body::WATCHER_INFO),
        "sip_credentials" => texts(CREDENTIALS),
        // The first octets are the side and the place of the cut.
        "sip_stream" => {
            fixtures("sip/torture").into_iter().map(|(_, octets)| [b"\x01\x07", &*octets].concat()).collect()
        }
        "sip_snapshot" => [sip_event::snapshots(), sip_store::snapshots()].concat(),
        // Six steps and a message; then a peer that forgets; then a wire that refuses.
        "wv_ssp_session" => vec![
            [&[32, 6, 6, 6, 6, 6, 6, 6, 6][..], &[33, 6, 6]].concat(),
            [&[32, 6, 6, 6, 6, 6, 6, 31, 32, 20, 6, 28, 200][..]].concat(),
            vec![32, 33, 22, 26, 24, 28, 255, 28, 255, 6, 18, 6, 18, 6, 6, 0, 0, 0, 6],
        ],
        "mapping_markup" => texts(&["<p>one &amp; <b>two</b></p>", "<style>p{}</style>&#228;<br/>x", "1 < 2 & 3 > 2"]),
        "gateway_record" => gateway_record::records(),
        "gateway_text" => texts(&[
            "wv:alice@wv.example",
            "sip:bob@sip.example",
            "wv:alice/friends@wv.example",
            "sip:alice%2Ffriends@wv.example;user=phone",
            "tel:+358501234567",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b8m4Q",
            r#"{"at":1,"correlation":"000000000000002a","side":"wv","direction":"in","peer":"p","title":"t","detail":null}"#,
        ]),
        "gateway_translation" => fixtures("wv").into_iter().map(|(_, octets)| octets).collect(),
        "gateway_config" => {
            texts(&[gateway::config::EMBEDDED_DEFAULT, "5\nlimits.coalesce_ms", "[node]\nname = \"x\"\n"])
        }
        _ => Vec::new(),
    });
    seeds.sort();
    seeds.dedup();
    seeds
}

/// Our messages, written as WBXML.
fn wbxml() -> Vec<Vec<u8>> {
    let written = |(_, octets): (String, Vec<u8>)| {
        let Decoded { version, tree, .. } = decode(&octets, None, &Limits::default()).ok()?;
        encode(&tree, version, Encoding::Wbxml, WriterOptions::default()).ok()
    };
    fixtures("wv").into_iter().filter_map(written).collect()
}

/// What stands behind the colons of our SIP messages, and the Request-URIs.
fn sip_values() -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for (_, octets) in fixtures("sip/torture") {
        let head = octets.split(|octet| *octet == b'\n').take_while(|line| line.len() > 1).take(40);
        for line in head.filter(|line| line.len() < 200) {
            let line = line.trim_ascii();
            let value = match line.iter().position(|octet| matches!(octet, b':' | b' ')) {
                Some(place) if line[place] == b':' => &line[place + 1..],
                Some(place) => line[place + 1..].strip_suffix(b" SIP/2.0").unwrap_or_default(),
                None => continue,
            };
            values.push(value.trim_ascii().to_vec());
        }
    }
    values
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

const CREDENTIALS: &[&str] = &[
    "Digest username=\"bob\", realm=\"sip.example\", nonce=\"0\", uri=\"sip:bob@sip.example\", response=\"0\", \
     algorithm=MD5, qop=auth, nc=00000001, cnonce=\"0a\"",
    "Digest username*=UTF-8''b%C3%B6b, realm=\"sip.example\", nonce=\"0\", uri=\"sip:bob@sip.example\", \
     response=\"0\", algorithm=SHA-256, qop=auth-int, nc=00000001, cnonce=\"0a\"",
    "Digest realm=\"sip.example\", qop=\"auth,auth-int\", nonce=\"n\", stale=true, algorithm=SHA-256, opaque=\"o\"",
    "Basic Ym9iOnNlY3JldA==",
];
