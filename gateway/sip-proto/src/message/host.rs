//! Hosts and ports.

use super::scan;
use super::text::{Text, Words};
use crate::error::ValueError;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::{fmt, hash};

/// A host name or an address; names compare without regard to case.
#[derive(Clone, Debug)]
pub enum Host<T: Words = Text> {
    /// A domain name.
    Name(HostName<T>),
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
}

/// A checked domain name.
#[derive(Clone, Debug)]
pub struct HostName<T: Words = Text>(T);

impl<T: Words> HostName<T> {
    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl Host {
    /// Reads a name, an IPv4 address or an IPv6 reference in brackets.
    ///
    /// # Errors
    /// [`ValueError::Host`].
    pub fn parse(text: &Text) -> Result<Self, ValueError> {
        Ok(Host::read(text)?.map(|part| text.share(part)))
    }
}

impl<'a> Host<&'a str> {
    /// As [`Host::parse`], without taking hold of the text.
    ///
    /// # Errors
    /// [`ValueError::Host`].
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        let octets = text.as_bytes();
        if octets.first() == Some(&b'[') {
            let inner = text.strip_prefix('[').ok_or(ValueError::Host)?;
            let inner = inner.strip_suffix(']').ok_or(ValueError::Host)?;
            return Ok(Self::Address(IpAddr::V6(parse_v6(inner)?)));
        }
        // A name's last label begins with a letter, so what ends in a digit can be an address.
        let ends_in_digit = octets.last().is_some_and(u8::is_ascii_digit);
        if ends_in_digit && let Some(address) = parse_v4(octets) {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        if is_name(octets) { Ok(Self::Name(HostName(text))) } else { Err(ValueError::Host) }
    }

    /// Reads `host [ ":" port ]`.
    pub(crate) fn read_with_port(text: &'a str) -> Result<(Self, Option<u16>), ValueError> {
        let octets = text.as_bytes();
        let find = |wanted: u8| octets.iter().position(|octet| *octet == wanted);
        let bracket = if octets.first() == Some(&b'[') { find(b']') } else { None };
        let end = match bracket {
            Some(bracket) => bracket.saturating_add(1),
            None => find(b':').unwrap_or(octets.len()),
        };
        let host = Self::read(text.get(..end).unwrap_or_default())?;
        match text.get(end..).unwrap_or_default() {
            "" => Ok((host, None)),
            rest => Ok((host, Some(parse_port(rest.strip_prefix(':').ok_or(ValueError::Port)?)?))),
        }
    }
}

impl<T: Words> Host<T> {
    /// The address, when it is one.
    #[must_use]
    pub fn to_address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(*address),
        }
    }

    /// Whether both are the same, whoever has their text.
    #[must_use]
    pub fn is_same<U: Words>(&self, other: &Host<U>) -> bool {
        match (self, other) {
            (Self::Name(one), Host::Name(two)) => one.as_str().eq_ignore_ascii_case(two.as_str()),
            (Self::Address(one), Host::Address(two)) => one == two,
            (Self::Name(_), Host::Address(_)) | (Self::Address(_), Host::Name(_)) => false,
        }
    }

    /// The host in lower case, IPv6 in brackets.
    #[must_use]
    pub fn to_canonical(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Host {
        self.map(|text| Text::from(text.as_ref()))
    }

    pub(crate) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> Host<U> {
        match self {
            Self::Name(name) => Host::Name(HostName(change(&name.0))),
            Self::Address(address) => Host::Address(*address),
        }
    }
}

/// Reads a port.
pub(crate) fn parse_port(text: &str) -> Result<u16, ValueError> {
    let number = scan::parse_number(text).map_err(|_| ValueError::Port)?;
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

/// Reads four numbers from 0 to 255 without leading zeros, as the library does, which begins more slowly.
fn parse_v4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut parts, mut dots, mut number, mut digits) = (0_u32, 0_u8, 0_u32, 0_u8);
    for octet in text {
        match octet {
            b'0'..=b'9' if digits < 3 && !(digits > 0 && number == 0) => {
                number = number.wrapping_mul(10).wrapping_add(u32::from(octet.wrapping_sub(b'0')));
                digits = digits.wrapping_add(1);
            }
            b'.' if digits > 0 && number <= 255 && dots < 3 => {
                parts = parts.wrapping_shl(8) | number;
                (dots, number, digits) = (dots.wrapping_add(1), 0, 0);
            }
            _ => return None,
        }
    }
    (digits > 0 && number <= 255 && dots == 3).then(|| Ipv4Addr::from(parts.wrapping_shl(8) | number))
}

fn is_name(text: &[u8]) -> bool {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let (mut length, mut first, mut before) = (0_usize, 0_u8, b'.');
    for &octet in text {
        if octet == b'.' {
            if length == 0 || before == b'-' {
                return false;
            }
            length = 0;
        } else {
            // UNCLEAR §25.1: an underscore is read, because internal networks use it in names and nothing else can be meant.
            if !scan::is_label(octet) || length == 63 || (length == 0 && octet == b'-') {
                return false;
            }
            if length == 0 {
                first = octet;
            }
            length = length.wrapping_add(1);
        }
        before = octet;
    }
    // RFC 3261 §25.1
    let top_begins_with_letter = !first.is_ascii_digit();
    text.len() <= 253 && length > 0 && before != b'-' && top_begins_with_letter
}

impl<T: Words> PartialEq for Host<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other)
    }
}

impl<T: Words> Eq for Host<T> {}

impl<T: Words> hash::Hash for Host<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => name.as_str().bytes().for_each(|octet| octet.to_ascii_lowercase().hash(state)),
            Self::Address(address) => address.hash(state),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl<T: Words> fmt::Display for Host<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_port(text: &str) -> Result<(String, Option<u16>), ValueError> {
        Host::read_with_port(text).map(|(host, port)| (host.to_string(), port))
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

    proptest::proptest! {
        #[test]
        fn addresses_are_read_as_the_library_reads_them(
            text in "[0-9.]{0,17}", parts in proptest::prelude::any::<[u8; 4]>(), zeros in "0{0,2}",
        ) {
            let address = Ipv4Addr::from(parts);
            for text in [text, address.to_string(), format!("{zeros}{address}"), format!("{address}{zeros}")] {
                proptest::prop_assert_eq!(parse_v4(text.as_bytes()), text.parse().ok(), "{}", text);
            }
        }

        #[test]
        fn names_are_what_their_labels_are(text in "[a-z0-9_.-]{0,12}") {
            let is_label = |label: &str| {
                let inner = label.trim_matches('-');
                !label.is_empty() && inner.len() == label.len()
            };
            let labels: Vec<&str> = text.strip_suffix('.').unwrap_or(&text).split('.').collect();
            let top = labels.last().copied().unwrap_or_default();
            let expected = labels.iter().all(|label| is_label(label)) && !top.starts_with(|c: char| c.is_ascii_digit());
            proptest::prop_assert_eq!(is_name(text.as_bytes()), expected);
        }
    }
}
