//! The gateway that is measured: any number of WV users who need no permission.

use acceptance::product::{Gateway, Setup};
use std::fmt::Write as _;
use wv_proto::{
    codec::WriterOptions,
    primitive::{Envelope, Primitive, SessionDescriptor, Transaction, identifier::SessionId},
    version::{Encoding, Version},
};

pub(crate) fn start(store: &str, users: usize) -> Gateway {
    let text = format!("{DOMAINS}{}", accounts(users));
    // Every change is told at once.
    Setup::configured(&text).with(&format!("store.kind={store}")).with("limits.coalesce_ms=0").start()
}

/// So many users.
pub(crate) fn accounts(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(text, "[[account]]\nuser = \"{}\"\npassword = \"secret\"\n\n", user(number));
    }
    text
}

/// A user of it.
pub(crate) fn user(number: usize) -> String {
    format!("wv:w{number}@wv.example")
}

/// A poll of a session.
pub(crate) fn poll(session: &SessionId) -> Vec<u8> {
    let poll = Transaction::request(None, Primitive::PollingRequest);
    let envelope = Envelope::new(SessionDescriptor::Inband(session.clone()), poll);
    envelope.encode(Version::V1_2, Encoding::Wbxml, WriterOptions::default()).expect("it can be written").to_vec()
}

const DOMAINS: &str = r#"
[[domain]]
name = "wv.example"
side = "wv"
route = "access"

[[domain]]
name = "sip.example"
side = "simple"
route = "registrar"

[authorization]
default = "allow"

"#;
