//! The neutral address: who or what a message, list or subscription names.
//!
//! Canonical text: `[user][/resource]@domain`, lower case, where `%`, `/`, `@`, control characters and spaces inside a
//! part are written `%hh`. `reference` for the rules in both directions: `fixtures/mapping/address.toml`.

use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A user, or a resource of a user or domain (contact list, group), compared without regard to case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address(Arc<str>);

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@`, or nothing behind it.
    #[error("the address has no domain")]
    MissingDomain,
    /// User and resource are both empty.
    #[error("the address names neither a user nor a resource")]
    Empty,
    /// A user part that begins with `+` holds something else than digits.
    #[error("a number may hold digits only")]
    BadNumber,
    /// A control character, or a percent sign without two hexadecimal digits.
    #[error("the address holds a character that is not allowed")]
    BadCharacter,
    /// Longer than [`Address::LENGTH_OCTETS_MAX`].
    #[error("the address is too long")]
    TooLong,
}

impl Address {
    /// Longest canonical text that is accepted.
    pub const LENGTH_OCTETS_MAX: usize = 512;

    /// The canonical text, shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// An address from decoded parts; each part is escaped as the canonical form asks.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn from_parts(user: &str, resource: Option<&str>, domain: &str) -> Result<Self, AddressError> {
        let mut text = String::with_capacity(user.len() + domain.len() + 2);
        escape_into(user, &mut text);
        if let Some(resource) = resource {
            text.push('/');
            escape_into(resource, &mut text);
        }
        text.push('@');
        text.push_str(&domain.to_lowercase());
        Self::check(text)
    }

    /// An address from its canonical text; letters are folded to lower case.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::check(text.to_lowercase())
    }

    // RFC 3323 §4.1.1.3
    /// The address of those who do not want to be known. Nobody has it, and nothing sent to it arrives.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(Arc::from("anonymous@anonymous.invalid"))
    }

    fn check(text: String) -> Result<Self, AddressError> {
        if text.len() > Self::LENGTH_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::MissingDomain)?;
        if domain.is_empty() {
            return Err(AddressError::MissingDomain);
        }
        let bad_domain = |c: char| c.is_control() || c.is_whitespace() || "/%<>\"".contains(c);
        if domain.chars().any(bad_domain) || local.chars().any(|c| c.is_control() || c == ' ' || c == '@') {
            return Err(AddressError::BadCharacter);
        }
        let (user, resource) = match local.split_once('/') {
            Some((user, resource)) => (user, Some(resource)),
            None => (local, None),
        };
        if user.is_empty() && resource.is_none_or(str::is_empty) {
            return Err(AddressError::Empty);
        }
        if let Some(number) = user.strip_prefix('+')
            && (number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(AddressError::BadNumber);
        }
        if !local.contains('%') {
            return Ok(Self(Arc::from(text)));
        }
        // One user, one text: what need not be escaped is not.
        let part = |text| unescape(text).ok_or(AddressError::BadCharacter);
        let mut canonical = String::with_capacity(text.len());
        escape_into(&part(user)?, &mut canonical);
        if let Some(resource) = resource {
            canonical.push('/');
            escape_into(&part(resource)?, &mut canonical);
        }
        canonical.push('@');
        canonical.push_str(domain);
        if canonical.len() > Self::LENGTH_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        Ok(Self(Arc::from(canonical)))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain, lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The user part in canonical escaping; empty for a resource of the domain itself.
    #[must_use]
    pub fn user(&self) -> &str {
        self.local().split_once('/').map_or(self.local(), |(user, _)| user)
    }

    /// The resource (contact list or group) in canonical escaping, if the address names one.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.local().split_once('/').map(|(_, resource)| resource)
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

    /// Whether the user part is a telephone number (`+` and digits).
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.user().starts_with('+')
    }

    /// The address of the user that owns this resource; the address itself when it names a user.
    #[must_use]
    pub fn owner(&self) -> Self {
        match self.resource() {
            Some(_) if !self.user().is_empty() => Self(Arc::from(format!("{}@{}", self.user(), self.domain()))),
            _ => self.clone(),
        }
    }

    fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

fn escape_into(part: &str, out: &mut String) {
    for c in part.to_lowercase().chars() {
        if c.is_control() || matches!(c, '%' | '/' | '@' | ' ') {
            let mut octets = [0; 4];
            for octet in c.encode_utf8(&mut octets).bytes() {
                out.push_str(&format!("%{octet:02x}"));
            }
        } else {
            out.push(c);
        }
    }
}

fn unescape(part: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(octet) = rest.next() {
        if octet == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            octets.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            octets.push(octet);
        }
    }
    String::from_utf8(octets).ok()
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.as_ref().to_owned()
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
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

    #[test]
    fn case_is_folded_and_parts_are_found() {
        let list = Address::parse("Alice/Friends@WV.Example").unwrap();
        assert_eq!(list.as_str(), "alice/friends@wv.example");
        assert_eq!((list.user(), list.resource(), list.domain()), ("alice", Some("friends"), "wv.example"));
        assert_eq!(list.owner(), Address::parse("alice@wv.example").unwrap());
        assert_eq!(format!("{list:?}"), "alice/friends@wv.example");
    }

    #[test]
    fn separators_inside_a_part_survive_as_escapes() {
        let odd = Address::from_parts("a@b/c", None, "d.example").unwrap();
        assert_eq!(odd.as_str(), "a%40b%2fc@d.example");
        assert_eq!(odd.user_decoded(), "a@b/c");
        assert_eq!(Address::parse(odd.as_str()).unwrap(), odd);
    }

    #[test]
    fn wrong_addresses_are_named() {
        assert_eq!(Address::parse("@d"), Err(AddressError::Empty));
        assert_eq!(Address::parse("alice"), Err(AddressError::MissingDomain));
        assert_eq!(Address::parse("+12ab@d"), Err(AddressError::BadNumber));
        assert_eq!(Address::parse("a%4@d"), Err(AddressError::BadCharacter));
        assert_eq!(Address::parse("a\u{1}@d"), Err(AddressError::BadCharacter));
    }

    #[derive(Deserialize)]
    struct Rows {
        row: Vec<Row>,
    }

    /// One row of the fixture: a text with what it is, or why it is none.
    #[derive(Deserialize)]
    struct Row {
        text: String,
        canonical: Option<String>,
        user: Option<String>,
        resource: Option<String>,
        domain: Option<String>,
        owner: Option<String>,
        number: Option<bool>,
        fault: Option<String>,
    }

    #[test]
    fn the_fixture_of_canonical_forms_holds() {
        let rows: Rows = toml::from_str(include_str!("../../fixtures/mapping/address.toml")).unwrap();
        assert!(rows.row.len() >= 20);
        for row in rows.row {
            match (Address::parse(&row.text), row.fault) {
                (Err(error), Some(fault)) => assert_eq!(format!("{error:?}"), fault, "{}", row.text),
                (Ok(address), None) => {
                    assert_eq!(Some(address.as_str()), row.canonical.as_deref(), "{}", row.text);
                    assert_eq!(Some(address.user_decoded()), row.user, "{}", row.text);
                    assert_eq!(address.resource_decoded(), row.resource, "{}", row.text);
                    assert_eq!(Some(address.domain()), row.domain.as_deref(), "{}", row.text);
                    let owner = address.owner();
                    assert_eq!(owner.as_str(), row.owner.as_deref().unwrap_or(address.as_str()), "{}", row.text);
                    assert_eq!(address.is_number(), row.number.unwrap_or(false), "{}", row.text);
                    let parts = (address.user_decoded(), address.resource_decoded());
                    let again = Address::from_parts(&parts.0, parts.1.as_deref(), address.domain()).unwrap();
                    assert_eq!(again, address, "{}", row.text);
                }
                (parsed, fault) => panic!("{}: {parsed:?} but {fault:?}", row.text),
            }
        }
    }
}
