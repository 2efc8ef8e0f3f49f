//! Addresses. Rows: `fixtures/mapping/address_side.toml`.

use mapping::address::{Address, AddressError};
use sip_proto::message::{
    header::contact::Contact,
    host::Host,
    text::{Text, Words},
    uri::{SipUri, Uri},
};

/// Why a URI names nobody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// There is no user part (404 where a user is wanted).
    #[error("the URI names no user")]
    MissingUser,
    /// The scheme names no user (416).
    #[error("the scheme is not supported")]
    Scheme,
    /// A local telephone number without a table entry for its context (484).
    #[error("the telephone number is not global")]
    LocalNumber,
    /// The user part is not UTF-8 or is no address.
    #[error("the URI is no address: {0}")]
    Address(#[from] AddressError),
}

/// The neutral address of a URI. Password, port, headers and parameters say nothing about who is meant
/// (addressing.md §3); `tel_domain` completes telephone numbers.
///
/// # Errors
/// See [`UriError`].
pub fn to_neutral<T: Words>(uri: &Uri<T>, tel_domain: &str) -> Result<Address, UriError> {
    match uri {
        Uri::Sip(sip) | Uri::Sips(sip) => from_sip(sip),
        Uri::Pres(mailbox) | Uri::Im(mailbox) => from_user(mailbox.user().as_ref(), &mailbox.host().to_canonical()),
        Uri::Tel(tel) if tel.is_global() => {
            Ok(Address::from_parts(&format!("+{}", tel.digits().trim_start_matches('+')), None, tel_domain)?)
        }
        Uri::Tel(_) => Err(UriError::LocalNumber),
        Uri::Wv(_) | Uri::Other(_) => Err(UriError::Scheme),
    }
}

fn from_sip<T: Words>(sip: &SipUri<T>) -> Result<Address, UriError> {
    let user = sip.user().map(AsRef::as_ref).filter(|user: &&str| !user.is_empty()).ok_or(UriError::MissingUser)?;
    let domain = sip.host().to_canonical();
    let is_phone = sip.params().raw("user").is_some_and(|value| value.eq_ignore_ascii_case("phone"));
    if is_phone && user.starts_with('+') {
        let digits: String = user.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect();
        return Ok(Address::from_parts(&digits, None, &domain)?);
    }
    from_user(user, &domain)
}

/// An escaped slash separates user and resource (addressing.md §2.5); a plain one is part of the user.
fn from_user(user: &str, domain: &str) -> Result<Address, UriError> {
    let split = user.find("%2F").or_else(|| user.find("%2f"));
    let (user, resource) = match split {
        Some(at) => (user.get(..at).unwrap_or_default(), user.get(at.saturating_add(3)..)),
        None => (user, None),
    };
    let user = decode(user)?;
    let resource = resource.map(decode).transpose()?;
    Ok(Address::from_parts(&user, resource.as_deref(), domain)?)
}

fn decode(part: &str) -> Result<String, UriError> {
    let octets = part.as_bytes();
    let mut decoded = Vec::with_capacity(octets.len());
    let mut rest = octets.iter();
    while let Some(&octet) = rest.next() {
        if octet != b'%' {
            decoded.push(octet);
            continue;
        }
        let mut digit = || rest.next().and_then(|octet| char::from(*octet).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(AddressError::BadCharacter.into()) };
        decoded.push(u8::try_from(high << 4 | low).unwrap_or(b'?'));
    }
    String::from_utf8(decoded).map_err(|_| AddressError::BadCharacter.into())
}

/// The SIP URI of a neutral address.
///
/// # Errors
/// When the domain is no host.
pub fn from_neutral(address: &Address) -> Result<Uri, AddressError> {
    let host = Host::parse(&Text::from(address.domain().to_owned())).map_err(|_| AddressError::BadCharacter)?;
    let mut written = escape(&address.user_decoded());
    if let Some(resource) = address.resource_decoded() {
        written.push_str("%2F");
        written.push_str(&escape(&resource));
    }
    let sip = SipUri::new(host).with_user_as_written(&written).map_err(|_| AddressError::BadCharacter)?;
    Ok(Uri::Sip(if address.is_number() { sip.with_param("user", Some("phone")) } else { sip }))
}

/// The contact by which a neighbour reaches a user at this gateway: the whole address is the user part, so that what comes
/// there can be told apart without anything being remembered.
///
/// # Errors
/// When the gateway's own contact is no SIP URI, or the address makes no user part.
pub fn to_contact(address: &Address, own: &Contact) -> Result<Contact, AddressError> {
    let uri = from_neutral(address)?;
    let (Uri::Sip(named), Uri::Sip(here)) = (&uri, own.uri()) else { return Err(AddressError::BadCharacter) };
    let user = named.user().map(ToString::to_string).unwrap_or_default();
    let written = format!("{user}%40{}", address.domain());
    let here = here.clone().with_user_as_written(&written).map_err(|_| AddressError::BadCharacter)?;
    Ok(Contact::new(Uri::Sip(here)))
}

/// The user that such a contact leads to, and the host that it names.
#[must_use]
pub fn from_contact<T: Words>(uri: &Uri<T>) -> Option<(Address, String)> {
    let sip = uri.as_sip()?;
    let (user, domain) = sip.user()?.as_ref().rsplit_once("%40")?;
    Some((from_user(user, &domain.to_ascii_lowercase()).ok()?, sip.host().to_canonical()))
}

/// RFC 3261 §25.1 lets more stand unescaped; `;` and `?` are escaped too because peers stumble over them.
fn escape(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for octet in part.bytes() {
        let plain = octet.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,/".contains(&octet);
        if plain { out.push(char::from(octet)) } else { out.push_str(&format!("%{octet:02X}")) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neutral(uri: &str) -> Result<String, UriError> {
        to_neutral(&Uri::parse(uri).unwrap(), "wv.example").map(|address| address.to_string())
    }

    #[test]
    fn all_schemes_that_name_users_are_read() {
        for uri in [
            "sip:Bob@SIP.example;transport=tcp",
            "sips:bob@sip.example:5061",
            "pres:bob@sip.example",
            "im:bob@sip.example",
        ] {
            assert_eq!(neutral(uri).unwrap(), "bob@sip.example", "{uri}");
        }
        assert_eq!(neutral("tel:+1-201-555-0123").unwrap(), "+12015550123@wv.example");
        assert_eq!(neutral("sip:+358401234567@x.example;user=phone").unwrap(), "+358401234567@x.example");
    }

    #[test]
    fn what_names_nobody_is_refused() {
        assert_eq!(neutral("sip:sip.example"), Err(UriError::MissingUser));
        assert_eq!(neutral("urn:service:sos"), Err(UriError::Scheme));
        assert_eq!(neutral("tel:5550123;phone-context=example.com"), Err(UriError::LocalNumber));
    }

    #[test]
    fn a_contact_of_the_gateway_leads_to_its_user() {
        let own = Contact::new(Uri::parse("sip:192.0.2.1:5070;transport=tcp").unwrap());
        for user in ["alice@wv.example", "a%40b@wv.example", "+358401234567@wv.example"] {
            let user = Address::parse(user).unwrap();
            let contact = to_contact(&user, &own).unwrap();
            let again = Uri::parse(&contact.uri().to_string()).unwrap();
            assert_eq!(from_contact(&again), Some((user, "192.0.2.1".to_owned())), "{again}");
        }
        let contact = to_contact(&Address::parse("alice@wv.example").unwrap(), &own).unwrap();
        assert_eq!(contact.uri().to_string(), "sip:alice%40wv.example@192.0.2.1:5070;transport=tcp");
        assert_eq!(from_contact(&Uri::parse("sip:alice@192.0.2.1").unwrap()), None);
    }

    #[test]
    fn a_resource_is_behind_an_escaped_slash() {
        let list = Address::parse("alice/friends@wv.example").unwrap();
        let uri = from_neutral(&list).unwrap();
        assert_eq!(uri.to_string(), "sip:alice%2Ffriends@wv.example");
        assert_eq!(to_neutral(&uri, "x").unwrap(), list);
        let odd = Address::from_parts("a@b", None, "d.example").unwrap();
        assert_eq!(from_neutral(&odd).unwrap().to_string(), "sip:a%40b@d.example");
    }
}
