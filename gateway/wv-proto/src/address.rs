//! Wireless Village addresses: `wv:user@domain`, `wv:user/resource@domain`, `wv:/resource@domain`.
//!
//! An address keeps the text it came with, so that it can be said again unchanged, and compares without regard to
//! letter case, as behaviour.md section 5 asks.

use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use std::{fmt, sync::Arc};

/// The address of a user, of a resource of a user (contact list, private group) or of a domain (public group).
///
/// Always complete: it has its scheme and its domain.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address(Arc<str>);

/// What an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A user.
    User,
    /// A resource of a user: a contact list or a private group.
    UserResource,
    /// A resource of the domain: a public group.
    DomainResource,
}

/// Why a text is no address. Answered 901, by 1.1 clients read as 531.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum AddressError {
    /// Neither user nor resource.
    #[error("the address names neither a user nor a resource")]
    Empty,
    /// Nothing behind the `@`, and no domain to put there.
    #[error("the address has no domain")]
    MissingDomain,
    /// A `/` with nothing behind it.
    #[error("the address has an empty resource")]
    EmptyResource,
    /// A user part that begins with `+` holds something else than digits.
    #[error("a number may hold digits only")]
    BadNumber,
    /// A control character, an unescaped separator, or a percent sign without two hexadecimal digits.
    #[error("the address holds a character that is not allowed")]
    BadCharacter,
    /// Another scheme than `wv:`.
    #[error("the address has a scheme other than wv")]
    ForeignScheme,
    /// Longer than [`Address::LENGTH_OCTETS_MAX`].
    #[error("the address is too long")]
    TooLong,
}

impl Address {
    /// Longest text that is accepted.
    pub const LENGTH_OCTETS_MAX: usize = 512;
    /// The scheme with its colon, as it is written.
    pub const SCHEME: &'static str = "wv:";

    /// The address that a text stands for. A missing scheme is added, a missing domain is the default one.
    ///
    /// # Errors
    /// See [`AddressError`].
    // WV-ADR-01
    pub fn parse(text: &str, domain_default: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.len() > Self::LENGTH_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        let mut rest = text;
        // QUIRK repeated_scheme: a deployed server writes `wv:wv:user@domain`; Baraza.
        while let Some(stripped) = strip_scheme(rest, Self::SCHEME) {
            rest = stripped;
        }
        if SCHEMES.iter().any(|scheme| strip_scheme(rest, scheme).is_some()) {
            return Err(AddressError::ForeignScheme);
        }
        let (local, domain) = rest.rsplit_once('@').unwrap_or((rest, domain_default));
        Self::from_checked_parts(local, domain)
    }

    /// The address made of unescaped parts.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn from_parts(user: &str, resource: Option<&str>, domain: &str) -> Result<Self, AddressError> {
        let mut local = String::with_capacity(user.len());
        // A leading plus marks a number and stays; anywhere else it is escaped.
        match user.strip_prefix('+') {
            Some(number) if !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit()) => {
                local.push_str(user);
            }
            _ => escape_into(user, &mut local),
        }
        if let Some(resource) = resource {
            local.push('/');
            escape_into(resource, &mut local);
        }
        // A user part that looks like a scheme would be taken for one when the text is read again.
        if let Some(rest) = SCHEMES.iter().find_map(|scheme| strip_scheme(&local, scheme)) {
            let scheme_length = local.len().saturating_sub(rest.len()).saturating_sub(1);
            local.replace_range(scheme_length..=scheme_length, "%3A");
        }
        Self::from_checked_parts(&local, domain)
    }

    fn from_checked_parts(local: &str, domain: &str) -> Result<Self, AddressError> {
        Self::check_local(local)?;
        Self::check_domain(domain)?;
        let text = format!("{}{local}@{domain}", Self::SCHEME);
        if text.len() > Self::LENGTH_OCTETS_MAX { Err(AddressError::TooLong) } else { Ok(Self(Arc::from(text))) }
    }

    fn check_local(local: &str) -> Result<(), AddressError> {
        // The domain begins after the last @; one that is left in front of it had to be escaped.
        if local.chars().any(|c| c.is_control() || c == '@') || unescape(local).is_none() {
            return Err(AddressError::BadCharacter);
        }
        let (user, resource) = split_local(local);
        match resource {
            None if user.is_empty() => return Err(AddressError::Empty),
            Some("") if user.is_empty() => return Err(AddressError::Empty),
            Some("") => return Err(AddressError::EmptyResource),
            None | Some(_) => {}
        }
        // WV-ADR-04
        if let Some(number) = user.strip_prefix('+')
            && (number.is_empty() || !number.bytes().all(|octet| octet.is_ascii_digit()))
        {
            return Err(AddressError::BadNumber);
        }
        Ok(())
    }

    fn check_domain(domain: &str) -> Result<(), AddressError> {
        if domain.is_empty() {
            return Err(AddressError::MissingDomain);
        }
        let is_bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '/' | '%' | '<' | '>' | '"');
        if domain.chars().any(is_bad) { Err(AddressError::BadCharacter) } else { Ok(()) }
    }

    /// The whole text with scheme, in the letters it came with.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without scheme.
    #[must_use]
    pub fn without_scheme(&self) -> &str {
        self.0.strip_prefix(Self::SCHEME).unwrap_or(&self.0)
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.without_scheme().rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The user part, escapes not undone; empty for a resource of the domain.
    #[must_use]
    pub fn user(&self) -> &str {
        split_local(self.local()).0
    }

    /// The resource, escapes not undone.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        split_local(self.local()).1
    }

    /// The user part with escapes undone.
    #[must_use]
    pub fn user_decoded(&self) -> String {
        unescape(self.user()).unwrap_or_default()
    }

    /// The resource with escapes undone.
    #[must_use]
    pub fn resource_decoded(&self) -> Option<String> {
        self.resource().and_then(unescape)
    }

    /// What it names.
    #[must_use]
    pub fn kind(&self) -> AddressKind {
        match (self.user(), self.resource()) {
            (_, None) => AddressKind::User,
            ("", Some(_)) => AddressKind::DomainResource,
            (_, Some(_)) => AddressKind::UserResource,
        }
    }

    /// Whether the user part is a telephone number: `+` and digits.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.user().starts_with('+')
    }

    /// The user that owns this resource; the address itself when it names a user or belongs to the domain.
    #[must_use]
    pub fn owner(&self) -> Self {
        match self.kind() {
            AddressKind::UserResource => Self(Arc::from(format!("{}{}@{}", Self::SCHEME, self.user(), self.domain()))),
            AddressKind::User | AddressKind::DomainResource => self.clone(),
        }
    }

    fn local(&self) -> &str {
        self.without_scheme().rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The letters by which addresses are compared.
    // WV-ADR-02
    fn folded(&self) -> impl Iterator<Item = char> {
        self.0.chars().flat_map(char::to_lowercase)
    }
}

/// What counts as a scheme: `wv:` and those that some elements may hold besides. A colon alone makes none.
const SCHEMES: [&str; 10] =
    [Address::SCHEME, "sip:", "sips:", "tel:", "im:", "pres:", "mailto:", "sms:", "http:", "https:"];

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn split_local(local: &str) -> (&str, Option<&str>) {
    match local.split_once('/') {
        Some((user, resource)) => (user, Some(resource)),
        None => (local, None),
    }
}

// WV-ADR-03
fn escape_into(part: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for c in part.chars() {
        if c.is_control() || matches!(c, '%' | '/' | '@' | '+' | ' ') {
            let mut octets = [0; 4];
            for octet in c.encode_utf8(&mut octets).bytes() {
                out.push('%');
                for nibble in [octet >> 4, octet & 0xF] {
                    out.extend(DIGITS.get(usize::from(nibble)).map(|digit| char::from(*digit)));
                }
            }
        } else {
            out.push(c);
        }
    }
}

/// The text with escapes undone; `None` if an escape is broken or stands for a control character.
fn unescape(part: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            octets.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.folded().eq(other.folded())
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for c in self.folded() {
            c.hash(state);
        }
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(other.folded())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.as_ref().to_owned()
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text, "")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(text, "wv.example")
    }

    #[test]
    fn the_parts_are_found() {
        let list = parse("wv:Alice/Friends@WV.Example").unwrap();
        assert_eq!((list.user(), list.resource(), list.domain()), ("Alice", Some("Friends"), "WV.Example"));
        assert_eq!(list.kind(), AddressKind::UserResource);
        assert_eq!(list.owner(), parse("wv:alice@wv.example").unwrap());
        assert_eq!(parse("wv:/chess@wv.example").unwrap().kind(), AddressKind::DomainResource);
    }

    // WV-ADR-01
    #[test]
    fn what_is_missing_is_added() {
        for text in ["alice", "wv:alice", "alice@wv.example", "WV:ALICE@WV.EXAMPLE", "wv:wv:alice", " alice\r\n"] {
            assert_eq!(parse(text).unwrap(), parse("wv:alice@wv.example").unwrap(), "{text}");
        }
        assert_eq!(Address::parse("alice", ""), Err(AddressError::MissingDomain));
    }

    // WV-ADR-02
    #[test]
    fn letters_are_kept_and_do_not_matter() {
        let address = parse("wv:alice/~PEP1.0_Subscriptions@wv.example").unwrap();
        assert_eq!(address, parse("wv:alice/~pep1.0_subscriptions@wv.example").unwrap());
        assert_eq!(address.as_str(), "wv:alice/~PEP1.0_Subscriptions@wv.example");
    }

    // WV-ADR-04
    #[test]
    fn wrong_addresses_are_named() {
        assert_eq!(parse("wv:@d"), Err(AddressError::Empty));
        assert_eq!(parse("wv:"), Err(AddressError::Empty));
        assert_eq!(parse("wv:/@d"), Err(AddressError::Empty));
        assert_eq!(parse("wv:alice@"), Err(AddressError::MissingDomain));
        assert_eq!(parse("wv:alice/@d"), Err(AddressError::EmptyResource));
        assert_eq!(parse("wv:+12ab@d"), Err(AddressError::BadNumber));
        assert_eq!(parse("wv:a@b@c"), Err(AddressError::BadCharacter));
        assert_eq!(parse("wv:a%4@d"), Err(AddressError::BadCharacter));
        assert_eq!(parse("wv:a%00@d"), Err(AddressError::BadCharacter));
        assert_eq!(parse("sip:alice@d"), Err(AddressError::ForeignScheme));
        assert_eq!(parse(&"a".repeat(600)), Err(AddressError::TooLong));
    }

    #[test]
    fn a_user_that_looks_like_a_scheme_is_no_scheme() {
        for user in ["wv:alice", "WV:wv:alice", "sip:bob", "a:b", "tel:"] {
            let address = Address::from_parts(user, None, "d.example").unwrap();
            let again = Address::parse(address.as_str(), "").unwrap();
            assert_eq!((again.user_decoded().as_str(), again.as_str()), (user, address.as_str()));
        }
    }

    #[test]
    fn the_vectors_of_the_mapping_tables_parse() {
        assert!(parse("wv:+358401234567@wv.example").unwrap().is_number());
        assert_eq!(parse("wv:fü@wv.example").unwrap().user_decoded(), "fü");
        assert_eq!(parse("wv:o'malley@wv.example").unwrap().user(), "o'malley");
        assert_eq!(parse("wv:a%40b@sip.example").unwrap().user_decoded(), "a@b");
    }

    proptest! {
        // WV-ADR-03
        #[test]
        fn parts_survive_being_written_and_read(
            user in "[^\\p{C}]{1,20}", resource in proptest::option::of("[^\\p{C}]{1,20}"), domain in "[a-z]{1,8}\\.[a-z]{2}"
        ) {
            let address = Address::from_parts(&user, resource.as_deref(), &domain).unwrap();
            let again = Address::parse(address.as_str(), "other.example").unwrap();
            prop_assert_eq!(&again, &address);
            prop_assert_eq!(again.user_decoded(), user);
            prop_assert_eq!(again.resource_decoded(), resource);
            prop_assert_eq!(again.domain(), domain);
        }

        #[test]
        fn no_text_makes_the_parser_fail_badly(text in "\\PC*") {
            if let Ok(address) = parse(&text) {
                prop_assert_eq!(Address::parse(address.as_str(), "").unwrap(), address);
            }
        }
    }

    #[test]
    fn addresses_are_the_same_and_sorted_whatever_the_letter_case() {
        let read = |text: &str| Address::parse(text, "b").unwrap();
        let (one, two, other) = (read("wv:Ann@B"), read("ann@b"), read("wv:bob@b"));
        assert_eq!(one, two);
        assert_eq!(std::collections::HashSet::from([one.clone(), two.clone(), other.clone()]).len(), 2);
        let mut all = [other.clone(), one.clone()];
        all.sort();
        assert_eq!(all, [one.clone(), other]);
        assert_eq!((one.to_string(), format!("{one:?}")), ("wv:Ann@B".to_owned(), "wv:Ann@B".to_owned()));
        let text = String::from(one.clone());
        assert_eq!(Address::try_from(text), Ok(one));
        assert!(Address::try_from(String::from("nobody")).is_err());
    }

    #[test]
    fn a_number_keeps_its_plus_and_lists_know_their_owner() {
        let number = Address::from_parts("+35850", None, "b").unwrap();
        assert_eq!((number.as_str(), number.is_number()), ("wv:+35850@b", true));
        let list = Address::parse("wv:ann/friends@b", "b").unwrap();
        assert_eq!(list.owner().as_str(), "wv:ann@b");
        let public = Address::parse("wv:/chess@b", "b").unwrap();
        assert_eq!((public.kind(), public.owner() == public), (AddressKind::DomainResource, true));
    }
}
