//! Presence documents and other XML bodies.

use sip_proto::body::{datetime, pidf::Presence, xml::XmlLimits};

/// A PIDF document: what is accepted can be written, and what is written is stable.
///
/// # Panics
/// When a promise of the document is broken.
pub fn run(data: &[u8]) {
    let limits = XmlLimits::default();
    if let Ok(presence) = Presence::parse(data, &limits)
        && let Ok(written) = presence.write()
    {
        let again = Presence::parse(written.as_bytes(), &limits).unwrap_or_else(|error| panic!("{error}: {written}"));
        assert_eq!(again.write().as_ref(), Ok(&written));
    }
    if let Some(time) = datetime::parse(&String::from_utf8_lossy(data)) {
        assert_eq!(datetime::parse(&datetime::write(time)), Some(time));
    }
}
