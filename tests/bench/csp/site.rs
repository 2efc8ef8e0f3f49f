//! The gateway that is measured: any number of users who need no permission.

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

/// So many WV users.
pub(crate) fn accounts(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(text, "[[account]]\nuser = \"{}\"\npassword = \"secret\"\n\n", user(number));
    }
    text
}

/// The SIP users bob and dave, and so many more, `u0…`.
pub(crate) fn sip_accounts(count: usize) -> String {
    let more = (0..count).map(|number| format!("u{number}"));
    let mut text = String::new();
    for name in ["bob", "dave"].map(str::to_owned).into_iter().chain(more) {
        let _ = write!(text, "[[account]]\nuser = \"sip:{name}@sip.example\"\npassword = \"secret\"\n\n");
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

/// The domain of the WV users and that of the SIP users.
pub(crate) const DOMAINS: &str = r#"
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
