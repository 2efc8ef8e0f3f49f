//! What the fuzzers run: one function per parser and per machine, each a function of octets that panics when a promise
//! is broken. `tests/fuzz` gives them to libFuzzer, `tests/replay.rs` replays the corpus that libFuzzer left.

pub mod gateway_config;
pub mod gateway_record;
pub mod gateway_scenario;
pub mod gateway_text;
pub mod gateway_translation;
pub mod mapping_conversation;
pub mod mapping_engine;
pub mod seed;
pub mod sip_body;
pub mod sip_event;
pub mod sip_message;
pub mod sip_pidf;
pub mod sip_registration;
pub mod sip_resolve;
pub mod sip_store;
pub mod sip_transaction;
pub mod sip_xml;
pub mod tape;
pub mod wv_cir;
pub mod wv_client;
pub mod wv_login;
pub mod wv_message;
pub mod wv_pts;
pub mod wv_search;
pub mod wv_segment;
pub mod wv_session;
pub mod wv_ssp;
pub mod wv_ssp_session;
pub mod wv_standing;
pub mod wv_value;

use std::{fs, path::Path};

/// A target: its name, which is that of its folders below `tests/fuzz`, and what it runs.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// What is done with the octets.
    pub run: fn(&[u8]),
    /// The folder below `fixtures` whose files are inputs of this target, if any.
    pub fixtures: Option<&'static str>,
}

/// All targets, in the order of their names.
pub const TARGETS: &[Target] = &[
    Target { name: "gateway_config", run: gateway_config::run, fixtures: None },
    Target { name: "gateway_scenario", run: gateway_scenario::run, fixtures: Some("scenario") },
    Target { name: "gateway_record", run: gateway_record::run, fixtures: None },
    Target { name: "gateway_text", run: gateway_text::run, fixtures: None },
    Target { name: "gateway_translation", run: gateway_translation::run, fixtures: Some("sip/pidf") },
    Target { name: "mapping_conversation", run: mapping_conversation::run, fixtures: None },
    Target { name: "mapping_engine", run: mapping_engine::run, fixtures: None },
    Target { name: "mapping_markup", run: wv_segment::run_markup, fixtures: None },
    Target { name: "sip_compositor", run: sip_store::run_compositor, fixtures: None },
    Target { name: "sip_composing", run: sip_body::run_composing, fixtures: None },
    Target { name: "sip_cpim", run: sip_body::run_cpim, fixtures: None },
    Target { name: "sip_credentials", run: sip_message::run_credentials, fixtures: None },
    Target { name: "sip_datagram", run: sip_message::run_datagram, fixtures: Some("sip/torture") },
    Target { name: "sip_header", run: sip_message::run_header, fixtures: None },
    Target { name: "sip_imdn", run: sip_body::run_imdn, fixtures: None },
    Target { name: "sip_multipart", run: sip_body::run_multipart, fixtures: None },
    Target { name: "sip_notifier", run: sip_event::run_notifier, fixtures: None },
    Target { name: "sip_partial", run: sip_body::run_partial, fixtures: None },
    Target { name: "sip_pidf", run: sip_pidf::run, fixtures: Some("sip/pidf") },
    Target { name: "sip_publisher", run: sip_event::run_publisher, fixtures: None },
    Target { name: "sip_registrar", run: sip_store::run_registrar, fixtures: None },
    Target { name: "sip_registration", run: sip_registration::run, fixtures: None },
    Target { name: "sip_resolve", run: sip_resolve::run, fixtures: None },
    Target { name: "sip_snapshot", run: sip_event::run_snapshot, fixtures: None },
    Target { name: "sip_stream", run: sip_message::run_stream, fixtures: Some("sip/torture") },
    Target { name: "sip_subscriber", run: sip_event::run_subscriber, fixtures: None },
    Target { name: "sip_transaction", run: sip_transaction::run, fixtures: None },
    Target { name: "sip_uri", run: sip_message::run_uri, fixtures: None },
    Target { name: "sip_watcher_info", run: sip_body::run_watcher_info, fixtures: None },
    Target { name: "sip_xml", run: sip_xml::run, fixtures: Some("sip/pidf") },
    Target { name: "wv_address", run: wv_value::run_address, fixtures: None },
    Target { name: "wv_cir", run: wv_cir::run, fixtures: None },
    Target { name: "wv_client", run: wv_client::run, fixtures: None },
    Target { name: "wv_date_time", run: wv_value::run_date_time, fixtures: None },
    Target { name: "wv_envelope", run: wv_message::run_envelope, fixtures: Some("wv") },
    Target { name: "wv_login", run: wv_login::run, fixtures: None },
    Target { name: "wv_pts", run: wv_pts::run, fixtures: None },
    Target { name: "wv_search", run: wv_search::run, fixtures: None },
    Target { name: "wv_segment", run: wv_segment::run, fixtures: None },
    Target { name: "wv_session", run: wv_session::run, fixtures: None },
    Target { name: "wv_snapshot", run: wv_session::run_snapshot, fixtures: None },
    Target { name: "wv_ssp", run: wv_ssp::run, fixtures: Some("wv/ssp") },
    Target { name: "wv_ssp_session", run: wv_ssp_session::run, fixtures: None },
    Target { name: "wv_standing", run: wv_standing::run, fixtures: None },
    Target { name: "wv_wbxml", run: wv_message::run_wbxml, fixtures: None },
    Target { name: "wv_xml", run: wv_message::run_xml, fixtures: Some("wv") },
];

/// The files below a folder of `fixtures`, with their names.
#[must_use]
pub fn fixtures(folder: &str) -> Vec<(String, Vec<u8>)> {
    files(&crate::repository().join("fixtures").join(folder))
}

/// The files below a folder, with their names, in the order of their names; none when there is no such folder.
#[must_use]
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(octets) = fs::read(&path) {
                found.push((path.display().to_string(), octets));
            }
        }
    }
    found.sort();
    found
}
