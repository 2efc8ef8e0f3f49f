//! Contact.

use super::address::NameAddr;
use crate::error::ValueError;
use crate::message::{
    scan,
    text::{Text, Words},
    uri::Uri,
};
use std::{fmt, ops::Deref};

/// One contact address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contact<T: Words = Text>(NameAddr<T>);

/// The value of all Contact header fields together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contacts<T: Words = Text> {
    /// `*`: all bindings, of a REGISTER that removes them.
    Star,
    /// A list, maybe empty.
    List(Vec<Contact<T>>),
}

/// A preference from 0 to 1 in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Preference(u16);

impl Preference {
    /// What is meant where none is written.
    pub const MAX: Self = Self(1000);

    /// Reads `0.5`, `1`, `1.000`.
    ///
    /// # Errors
    /// [`ValueError::Number`].
    // RFC 3261 §25.1
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 3 || !matches!(whole, "0" | "1") || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(ValueError::Number);
        }
        let thousandths: u16 = format!("{fraction:0<3}").parse().map_err(|_| ValueError::Number)?;
        match (whole, thousandths) {
            ("1", 0) => Ok(Self::MAX),
            ("0", thousandths) => Ok(Self(thousandths)),
            _ => Err(ValueError::Number),
        }
    }

    /// The preference in thousandths.
    #[must_use]
    pub fn to_thousandths(self) -> u16 {
        self.0
    }
}

impl Contact {
    /// A contact without parameters.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self(NameAddr::new(uri))
    }

    /// Reads one element of a Contact list.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        NameAddr::from_text(text).map(Self)
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with_param(self, name: &str, value: Option<&str>) -> Self {
        Self(self.0.with_param(name, value))
    }

    /// The address, to be changed.
    pub fn address_mut(&mut self) -> &mut NameAddr {
        &mut self.0
    }
}

impl<'a> Contact<&'a str> {
    /// Reads one element of a Contact list where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        NameAddr::read(text).map(Self)
    }
}

impl<T: Words> Contacts<T> {
    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Contacts {
        match self {
            Self::Star => Contacts::Star,
            Self::List(list) => Contacts::List(list.iter().map(Contact::detach).collect()),
        }
    }
}

impl<T: Words> Contact<T> {
    /// The `q` parameter.
    #[must_use]
    pub fn preference(&self) -> Option<Preference> {
        self.0.params().raw("q").and_then(|raw| Preference::parse(raw).ok())
    }

    /// The `expires` parameter in seconds. A malformed value counts as an hour, one too large as the largest.
    // RFC 3261 §10.2.1.1
    // RFC 3261 §20.10
    #[must_use]
    pub fn expires_s(&self) -> Option<u32> {
        let raw = self.0.params().raw("expires")?;
        let is_digits = !raw.is_empty() && raw.bytes().all(|octet| octet.is_ascii_digit());
        Some(if is_digits { scan::parse_number(raw).unwrap_or(u32::MAX) } else { 3600 })
    }

    /// The instance of the user agent, without brackets.
    // RFC 5626 §4.1
    #[must_use]
    pub fn instance(&self) -> Option<String> {
        let value = self.0.params().value("+sip.instance")?;
        let inner = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        Some(inner.unwrap_or(&value).to_owned())
    }

    /// The registration number of the flow.
    // RFC 5626 §4.2
    #[must_use]
    pub fn registration_number(&self) -> Option<u32> {
        self.0.params().raw("reg-id").and_then(|raw| scan::parse_number(raw).ok())
    }

    /// The `gr` parameter of the URI.
    #[must_use]
    pub fn gruu(&self) -> Option<String> {
        self.0.uri().as_sip()?.gruu()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Contact {
        Contact(self.0.detach())
    }
}

impl<T: Words> Deref for Contact<T> {
    type Target = NameAddr<T>;
    fn deref(&self) -> &NameAddr<T> {
        &self.0
    }
}

impl<T: Words> From<NameAddr<T>> for Contact<T> {
    fn from(address: NameAddr<T>) -> Self {
        Self(address)
    }
}

impl<T: Words> fmt::Display for Contact<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_registrations_are_read() {
        let text = "<sip:a@h;gr=x>;q=0.7;expires=20;reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
        let contact = Contact::from_text(&text.into()).unwrap();
        assert_eq!(contact.preference().unwrap().to_thousandths(), 700);
        assert_eq!(contact.expires_s(), Some(20));
        assert_eq!(contact.instance().as_deref(), Some("urn:uuid:1"));
        assert_eq!(contact.registration_number(), Some(1));
        assert_eq!(contact.gruu().as_deref(), Some("x"));
        assert_eq!(contact.to_string(), text);
    }

    #[test]
    fn malformed_expires_counts_as_an_hour_and_a_large_one_as_the_largest() {
        let expires = |text: &str| Contact::from_text(&text.into()).unwrap().expires_s();
        assert_eq!(expires("<sip:a@h>;expires=soon"), Some(3600));
        assert_eq!(expires("<sip:a@h>;expires=4294967297"), Some(u32::MAX));
        assert_eq!(expires("<sip:a@h>"), None);
    }

    #[test]
    fn preference_has_three_decimals_at_most() {
        assert_eq!(Preference::parse("1.000"), Ok(Preference::MAX));
        assert_eq!(Preference::parse("0.05").unwrap().to_thousandths(), 50);
        for text in ["1.001", "2", "0.0001", ".5", "", "-1"] {
            assert!(Preference::parse(text).is_err(), "{text}");
        }
    }
}
