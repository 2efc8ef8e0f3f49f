//! Hosts and ports.

use super::text::Text;
use crate::error::ValueError;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::{fmt, hash};

/// A host name or an address; names compare without regard to case.
#[derive(Clone, Debug)]
pub enum Host {
    /// A domain name.
    Name(HostName),
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
}

/// A checked domain name.
#[derive(Clone, Debug)]
pub struct HostName(Text);

impl HostName {
    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Host {
    /// Reads a name, an IPv4 address or an IPv6 reference in brackets.
    ///
    /// # Errors
    /// [`ValueError::Host`].
    pub fn parse(text: &Text) -> Result<Self, ValueError> {
        if text.as_bytes().first() == Some(&b'[') {
            let inner = text.strip_prefix('[').ok_or(ValueError::Host)?;
            let inner = inner.strip_suffix(']').ok_or(ValueError::Host)?;
            return Ok(Self::Address(IpAddr::V6(parse_v6(inner)?)));
        }
        // A name's last label begins with a letter, so what ends in a digit can be an address.
        let ends_in_digit = text.as_bytes().last().is_some_and(u8::is_ascii_digit);
        if ends_in_digit && let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        if is_name(text.as_bytes()) { Ok(Self::Name(HostName(text.clone()))) } else { Err(ValueError::Host) }
    }

    /// Reads `host [ ":" port ]`.
    pub(crate) fn parse_with_port(text: &Text) -> Result<(Self, Option<u16>), ValueError> {
        let end = match text.find_octet(b']') {
            Some(bracket) if text.as_bytes().first() == Some(&b'[') => bracket.saturating_add(1),
            _ => text.find_octet(b':').unwrap_or(text.len()),
        };
        let host = Self::parse(&text.part(0..end))?;
        let rest = text.part(end..text.len());
        if rest.is_empty() {
            return Ok((host, None));
        }
        let port = rest.strip_prefix(':').ok_or(ValueError::Port)?;
        Ok((host, Some(parse_port(port)?)))
    }

    /// The address, when it is one.
    #[must_use]
    pub fn to_address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(*address),
        }
    }

    /// The host in lower case, IPv6 in brackets.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Self {
        match self {
            Self::Name(name) => Self::Name(HostName(name.0.detach())),
            Self::Address(address) => Self::Address(*address),
        }
    }
}

/// Reads a port.
pub(crate) fn parse_port(text: &str) -> Result<u16, ValueError> {
    let number = super::scan::parse_number(text).map_err(|_| ValueError::Port)?;
    u16::try_from(number).map_err(|_| ValueError::Port)
}

/// Reads an address where it stands alone (the `received` parameter), brackets or not.
// RFC 5118 §4.5
pub(crate) fn parse_address(text: &str) -> Result<IpAddr, ValueError> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if inner.contains(':') {
        return parse_v6(inner).map(IpAddr::V6);
    }
    inner.parse().map(IpAddr::V4).map_err(|_| ValueError::Host)
}

pub(crate) fn parse_v6(text: &str) -> Result<Ipv6Addr, ValueError> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    // RFC 5118 §4.10
    text.replacen(":::", "::", 1).parse().map_err(|_| ValueError::Host)
}

fn is_name(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let is_label = |label: &[u8]| {
        !label.is_empty()
            && label.len() <= 63
            // UNCLEAR §25.1: an underscore is read, because internal networks use it in names and nothing else can be meant.
            && label.iter().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
            && !label.starts_with(b"-")
            && !label.ends_with(b"-")
    };
    let mut labels = text.split(|octet| *octet == b'.');
    // RFC 3261 §25.1
    let top_begins_with_letter =
        labels.clone().next_back().and_then(<[u8]>::first).is_some_and(|octet| !octet.is_ascii_digit());
    text.len() <= 253 && top_begins_with_letter && labels.all(is_label)
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(two)) => one.0.is_like(&two.0),
            (Self::Address(one), Self::Address(two)) => one == two,
            (Self::Name(_), Self::Address(_)) | (Self::Address(_), Self::Name(_)) => false,
        }
    }
}

impl Eq for Host {}

impl hash::Hash for Host {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => name.0.bytes().for_each(|octet| octet.to_ascii_lowercase().hash(state)),
            Self::Address(address) => address.hash(state),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&name.0),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_port(text: &str) -> Result<(String, Option<u16>), ValueError> {
        Host::parse_with_port(&Text::from(text)).map(|(host, port)| (host.to_string(), port))
    }

    #[test]
    fn names_and_addresses_are_told_apart() {
        assert_eq!(with_port("Example.com:5070"), Ok(("Example.com".into(), Some(5070))));
        assert_eq!(with_port("192.0.2.1"), Ok(("192.0.2.1".into(), None)));
        assert_eq!(with_port("[2001:DB8::1]:5060"), Ok(("[2001:db8::1]".into(), Some(5060))));
        assert_eq!(with_port("localhost"), Ok(("localhost".into(), None)));
    }

    #[test]
    fn what_is_neither_is_refused() {
        // RFC 5118 §4.2
        assert!(with_port("2001:db8::10:5070").is_err());
        assert!(with_port("[2001:db8::1").is_err());
        assert!(with_port("192.0.2.300").is_err());
        assert!(with_port("a..b").is_err());
        assert!(with_port("").is_err());
        assert_eq!(with_port("a:70000"), Err(ValueError::Port));
        assert_eq!(with_port("a:"), Err(ValueError::Port));
    }

    #[test]
    fn three_colons_before_a_mapped_address_are_read_as_two() {
        assert_eq!(with_port("[:::192.0.2.1]"), with_port("[::192.0.2.1]"));
    }

    #[test]
    fn names_compare_without_case() {
        assert_eq!(Host::parse(&"A.example".into()), Host::parse(&"a.EXAMPLE".into()));
    }
}
