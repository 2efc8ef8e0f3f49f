//! Names, hashes and addresses as operators and stores write them; what the laboratory reads.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gateway::{
    account::{AccountUser, credential::PasswordDigest},
    lab::{record::Recorder, result::LabResult, scenario::model::Scenario, site::Site},
    observe::{TraceRecord, capture::Capture, hep::HepTarget},
    simple, wv,
};
use sip_proto::message::uri::Uri;
use std::path::Path;

/// A text as each of them.
///
/// # Panics
/// When a promise of a reader is broken.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(user) = AccountUser::parse(&text) {
        assert_eq!(AccountUser::parse(&user.to_string()).expect("what was written reads"), user);
    }
    let _ = PasswordDigest::parse(&text);
    if let Ok(record) = serde_json::from_str::<TraceRecord>(&text) {
        let written = serde_json::to_string(&record).expect("what was read can be written");
        assert_eq!(serde_json::from_str::<TraceRecord>(&written).expect("what was written reads"), record);
        let blocks = Capture::default().packets(&record);
        assert_eq!(blocks.len() % 4, 0);
    }
    laboratory(data, &text);
    let octets = Bytes::copy_from_slice(data);
    let masked = simple::mask::mask(&octets).octets.map(|masked| masked.len());
    assert_eq!(masked, Some(data.len()), "every length stays true");
    let _ = wv::rendering::Renderings::of_csp(&octets, None);
    let _ = wv::rendering::Renderings::of_xml(&octets);
    let _ = HepTarget::parse_collector(&text);
    // An address of one side, written on the other, names the same user there and when it comes back.
    if let Ok(address) = wv::translate::address::to_neutral(&text, "wv.example") {
        let written = wv::translate::address::from_neutral(&address);
        assert_eq!(
            wv::translate::address::to_neutral(&written, "wv.example").expect("what was written reads"),
            address
        );
        if let Ok(uri) = simple::translate::address::from_neutral(&address) {
            let back = simple::translate::address::to_neutral(&uri, "wv.example").expect("what was written reads");
            assert_eq!(back, address, "{uri}");
        }
    }
    if let Ok(uri) = Uri::parse(&text)
        && let Ok(address) = simple::translate::address::to_neutral(&uri, "wv.example")
        && let Ok(written) = simple::translate::address::from_neutral(&address)
    {
        let back = simple::translate::address::to_neutral(&written, "wv.example").expect("what was written reads");
        assert_eq!(back, address, "{uri} {written}");
    }
}

/// Site files and results; whatever was recorded reads as a scenario.
fn laboratory(data: &[u8], text: &str) {
    let _ = Site::parse(text);
    if let Ok(result) = LabResult::parse(text) {
        let written = serde_json::to_string(&result).expect("what was read can be written");
        assert_eq!(LabResult::parse(&written).expect("what was written reads"), result);
    }
    let mut recorder = Recorder::default();
    text.lines().for_each(|line| recorder.take(line));
    for (side, direction) in [("wv", "in"), ("wv", "out"), ("simple", "in"), ("simple", "out")] {
        let wire = serde_json::json!({ "message": { "octets": STANDARD.encode(data) } });
        let record = serde_json::json!({ "side": side, "direction": direction, "peer": "wv:a@b", "wire": wire });
        recorder.take(&record.to_string());
    }
    if let Ok(recorded) = recorder.finish("x") {
        let scenario = Scenario::parse(Path::new("x.scn"), &recorded.text, &|_| None);
        assert!(scenario.is_ok(), "{scenario:?}\n{}", recorded.text);
    }
}
