//! The codecs from outside: messages of real clients and servers, from the folder that `WVSG_CORPUS` names.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use std::path::{Path, PathBuf};

use wv_proto::codec::{Decoded, WriterOptions, decode, encode};
use wv_proto::limit::Limits;
use wv_proto::version::Encoding;

/// Files that are not well-formed, each for the reason that its README gives.
const MALFORMED: [&str; 4] = [
    "aosp-vector-dec-incomplete-str-i.wbxml.hex",
    "aosp-vector-dec-invalid-entity.wbxml.hex",
    "aosp-vector-enc-invalid-entity.wbxml.hex",
    "movistar-cocoa-csp12-CreateList-Request-malformed.xml",
];

/// The messages of the folders, by file name; `None` when there is no corpus.
fn messages() -> Option<Vec<(String, Vec<u8>)>> {
    let corpus = PathBuf::from(std::env::var_os("WVSG_CORPUS")?);
    let mut messages: Vec<_> = ["wv", "wv-server"].iter().flat_map(|folder| files(&corpus.join(folder))).collect();
    assert!(!messages.is_empty(), "the corpus is empty");
    messages.sort();
    Some(messages)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let message = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.to_owned();
        let octets = std::fs::read(&path).unwrap();
        match path.extension()?.to_str()? {
            "xml" => Some((name, octets)),
            "hex" => Some((name, octets_of(core::str::from_utf8(&octets).unwrap()))),
            _ => None,
        }
    };
    entries.filter_map(message).collect()
}

fn octets_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn real_messages_survive_both_encodings() {
    let Some(messages) = messages() else {
        println!("corpus absent");
        return;
    };
    let mut faults = Vec::new();
    for (name, octets) in &messages {
        let result = decode(octets, None, &Limits::default());
        if MALFORMED.contains(&name.as_str()) {
            assert!(result.is_err(), "{name} is malformed");
            continue;
        }
        let Decoded { version, tree, .. } = match result {
            Ok(decoded) => decoded,
            Err(error) => {
                faults.push(format!("{name}: {error}"));
                continue;
            }
        };
        // The one that a tool encoded again lost its namespaces and its public identifier.
        let named = name.split("csp1").nth(1).and_then(|rest| rest.get(..1));
        if named.is_some() && named != version.as_str().get(2..3) && !name.contains("reencoded") {
            faults.push(format!("{name}: version {version}"));
        }
        for encoding in [Encoding::Xml, Encoding::Wbxml] {
            match encode(&tree, version, encoding, WriterOptions::default()) {
                Ok(written) => match decode(&written, None, &Limits::default()) {
                    Ok(again) if again.tree == tree => {}
                    Ok(again) => {
                        faults.push(format!("{name}: {encoding:?}: {:?} is not {:?}", again.tree.root(), tree.root()))
                    }
                    Err(error) => faults.push(format!("{name}: {encoding:?}: {error}")),
                },
                Err(error) => faults.push(format!("{name}: {encoding:?}: {error}")),
            }
        }
    }
    println!("corpus {} of {}", messages.len(), messages.len());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn test_vectors_say_the_same_in_both_encodings() {
    let Some(messages) = messages() else {
        println!("corpus absent");
        return;
    };
    let mut pairs = 0;
    for (name, octets) in &messages {
        let Some(stem) = name.strip_suffix(".wbxml.hex").filter(|stem| stem.starts_with("aosp-vector-")) else {
            continue;
        };
        let Some((_, text)) = messages.iter().find(|(other, _)| *other == format!("{stem}.xml")) else { continue };
        let binary = decode(octets, None, &Limits::default()).unwrap().tree;
        let text = decode(text, None, &Limits::default()).unwrap().tree;
        assert_eq!(binary, text, "{name}");
        pairs += 1;
    }
    assert!(pairs > 5, "{pairs} pairs");
}

#[test]
fn messages_between_servers_are_read_as_trees() {
    let Some(corpus) = std::env::var_os("WVSG_CORPUS").map(PathBuf::from) else {
        println!("corpus absent");
        return;
    };
    let mut refused = Vec::new();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(corpus.join("wv-ssp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "http")) {
        let exchange = std::fs::read_to_string(path).unwrap();
        let (_, body) = exchange.split_once("\r\n\r\n").or_else(|| exchange.split_once("\n\n")).unwrap();
        match wv_proto::codec::xml::read(body.as_bytes(), &Limits::default()) {
            Ok(tree) => {
                assert_eq!(tree.root().local_name(), "WV-SSP-Message");
                let session = tree.root().children().next().unwrap();
                assert!(session.attribute("sessionID").or(session.attribute("mode")).is_some(), "{}", path.display());
            }
            Err(_) => refused.push(path.file_stem().unwrap().to_str().unwrap().to_owned()),
        }
    }
    // The server that sent these does not close an element in them.
    assert!(refused.iter().all(|name| name.contains("CancelInviteRequest")), "{refused:?}");
}
