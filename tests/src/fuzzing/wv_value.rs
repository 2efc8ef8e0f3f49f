//! Small values of CSP: addresses and points in time.

use wv_proto::{address::Address, codec::date_time::DateTime};

/// An address: its text reads as itself, and so do its parts.
///
/// # Panics
/// When a promise of the address is broken.
pub fn run_address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(address) = Address::parse(&text, "wv.example") else { return };
    assert_eq!(Address::parse(address.as_str(), "other.example").as_ref(), Ok(&address));
    let owner = address.owner();
    assert_eq!(Address::parse(owner.as_str(), "other.example"), Ok(owner.clone()));
    assert_eq!(owner.owner(), owner);
    let (user, resource) = (address.user_decoded(), address.resource_decoded());
    // Escapes may stand for octets that are no text; then the parts are only an approximation.
    let is_text = !user.contains('\u{FFFD}') && !resource.as_deref().unwrap_or_default().contains('\u{FFFD}');
    if let Ok(built) = Address::from_parts(&user, resource.as_deref(), address.domain())
        && is_text
    {
        assert_eq!(Address::parse(built.as_str(), "other.example").as_ref(), Ok(&built));
        assert_eq!((built.user_decoded(), built.resource_decoded()), (user, resource), "{address:?} {built:?}");
    }
}

/// A point in time, as text and as octets.
///
/// # Panics
/// When a promise of the point in time is broken.
pub fn run_date_time(data: &[u8]) {
    let from_text = DateTime::parse(&String::from_utf8_lossy(data)).ok();
    let from_octets = DateTime::from_octets(data).ok();
    for moment in [from_text, from_octets].into_iter().flatten() {
        assert_eq!(DateTime::parse(&moment.to_string()), Ok(moment), "{moment}");
        assert_eq!(DateTime::parse(&moment.to_extended_text()), Ok(moment));
        if let Some(octets) = moment.to_octets() {
            assert_eq!(DateTime::from_octets(&octets), Ok(moment));
        }
        let seconds = moment.to_unix_seconds();
        if let Some(again) = DateTime::from_unix_seconds(seconds) {
            assert_eq!(again.to_unix_seconds(), seconds);
        }
    }
    if let Some(octets) = data.first_chunk::<8>() {
        let seconds = i64::from_be_bytes(*octets);
        if let Some(moment) = DateTime::from_unix_seconds(seconds) {
            assert_eq!(moment.to_unix_seconds(), seconds);
        }
    }
}
