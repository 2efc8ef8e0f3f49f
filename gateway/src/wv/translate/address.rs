//! Addresses. Rows: `fixtures/mapping/address_side.toml`.

use mapping::address::{Address, AddressError};
use wv_proto::{
    address::Address as WvAddress,
    primitive::identifier::{ContactListId, GroupId, UserId},
};

/// The neutral address of a WV one; the scheme may be missing, and the domain is completed with `domain_default`.
///
/// # Errors
/// When the text is no WV address.
pub fn to_neutral(text: &str, domain_default: &str) -> Result<Address, AddressError> {
    let address = WvAddress::parse(text, domain_default).map_err(|_| AddressError::BadCharacter)?;
    Address::from_parts(&address.user_decoded(), address.resource_decoded().as_deref(), address.domain())
}

/// The WV text of a neutral address, always with scheme and domain.
#[must_use]
pub fn from_neutral(address: &Address) -> String {
    let written =
        WvAddress::from_parts(&address.user_decoded(), address.resource_decoded().as_deref(), address.domain());
    // The canonical neutral text is a WV address but for the scheme, so the fallback loses nothing.
    written.map_or_else(|_| format!("wv:{address}"), |written| written.as_str().to_owned())
}

/// The UserID of a neutral address.
#[must_use]
pub fn to_user_id(address: &Address) -> UserId {
    UserId::new(from_neutral(address))
}

/// The contact-list address of a neutral one.
#[must_use]
pub fn to_contact_list_id(address: &Address) -> ContactListId {
    ContactListId::new(from_neutral(address))
}

/// The group address of a neutral one.
#[must_use]
pub fn to_group_id(address: &Address) -> GroupId {
    GroupId::new(from_neutral(address))
}

/// The name of somebody in a group, and the group, where an address was made of both
/// ([`mapping::conversation::Hearers::target`]).
#[must_use]
pub fn to_named_member(address: &Address) -> Option<(String, Address)> {
    let resource = address.resource_decoded()?;
    let (group, name) = resource.split_once('/')?;
    let group = Address::from_parts(&address.user_decoded(), Some(group), address.domain()).ok()?;
    Some((name.to_owned(), group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_and_the_domain_are_completed() {
        let alice = to_neutral("Alice", "wv.example").unwrap();
        assert_eq!(alice.as_str(), "alice@wv.example");
        assert_eq!(from_neutral(&alice), "wv:alice@wv.example");
        assert_eq!(to_neutral("WV:alice/Friends@WV.Example", "x").unwrap().as_str(), "alice/friends@wv.example");
    }

    #[test]
    fn escapes_survive_both_ways() {
        let odd = to_neutral("wv:a%40b@sip.example", "x").unwrap();
        assert_eq!(odd.user_decoded(), "a@b");
        assert_eq!(from_neutral(&odd), "wv:a%40b@sip.example");
    }
}
