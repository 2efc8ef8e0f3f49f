//! Hosts and ports.

use super::scan::{self, Scanner};
use super::text::{Text, Words};
use crate::error::ValueError;
use crate::octets::find_octet;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use smallvec::SmallVec;
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
        match Self::begin(text)? {
            (host, end) if end == text.len() => Ok(host),
            _ => Err(ValueError::Host),
        }
    }

    /// Reads the host with which the text begins, and tells where it is over.
    #[inline]
    pub(crate) fn begin(text: &'a str) -> Result<(Self, usize), ValueError> {
        let octets = text.as_bytes();
        match octets.first() {
            Some(b'[') => {
                let end = find_octet(octets, b']').ok_or(ValueError::Host)?;
                let address = parse_v6(text.get(1..end).unwrap_or_default())?;
                Ok((Self::Address(IpAddr::V6(address)), end.saturating_add(1)))
            }
            Some(b'0'..=b'9') if let Some((address, end)) = begin_v4(octets) => {
                Ok((Self::Address(IpAddr::V4(address)), end))
            }
            _ => {
                let end = name_end(octets).ok_or(ValueError::Host)?;
                Ok((Self::Name(HostName(text.get(..end).unwrap_or_default())), end))
            }
        }
    }

    /// Reads the `host [ ":" port ]` of a URI, and tells where it is over.
    #[inline]
    pub(crate) fn begin_with_port(text: &'a str) -> Result<(Self, Option<u16>, usize), ValueError> {
        let octets = text.as_bytes();
        let (host, end) = Self::begin(text)?;
        let is_over = |end: usize| matches!(octets.get(end), None | Some(b';' | b'?'));
        if is_over(end) {
            return Ok((host, None, end));
        }
        if octets.get(end) != Some(&b':') {
            return Err(if octets.first() == Some(&b'[') { ValueError::Port } else { ValueError::Host });
        }
        let (port, end) = read_port(octets, end.saturating_add(1))?;
        if is_over(end) { Ok((host, Some(port), end)) } else { Err(ValueError::Port) }
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
    match read_port(text.as_bytes(), 0)? {
        (port, end) if end == text.len() => Ok(port),
        _ => Err(ValueError::Port),
    }
}

/// Reads the port that begins at `start`, and tells where it is over.
#[inline]
pub(crate) fn read_port(octets: &[u8], start: usize) -> Result<(u16, usize), ValueError> {
    let (mut number, mut at) = (0_u32, start);
    while let Some(digit @ b'0'..=b'9') = octets.get(at) {
        number = number.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')));
        at = at.wrapping_add(1);
    }
    match u16::try_from(number) {
        Ok(port) if at > start => Ok((port, at)),
        _ => Err(ValueError::Port),
    }
}

/// Reads the port that comes.
#[inline]
pub(crate) fn scan_port(scanner: &mut Scanner<'_>) -> Result<u16, ValueError> {
    let (port, length) = read_port(scanner.rest().as_bytes(), 0)?;
    scanner.skip(length);
    Ok(port)
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

#[inline(never)]
pub(crate) fn parse_v6(text: &str) -> Result<Ipv6Addr, ValueError> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    // RFC 5118 §4.10
    text.replacen(":::", "::", 1).parse().map_err(|_| ValueError::Host)
}

/// Reads four numbers from 0 to 255 without leading zeros, as the library does, which begins more slowly; what goes on as
/// a name is none.
#[inline]
fn begin_v4(text: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let (mut parts, mut dots, mut number, mut digits) = (0_u32, 0_u8, 0_u32, 0_u8);
    let mut at = 0_usize;
    while let Some(octet) = text.get(at) {
        match octet {
            b'0'..=b'9' if digits < 3 && !(digits > 0 && number == 0) => {
                number = number.wrapping_mul(10).wrapping_add(u32::from(octet.wrapping_sub(b'0')));
                digits = digits.wrapping_add(1);
            }
            b'.' if digits > 0 && number <= 255 && dots < 3 => {
                parts = parts.wrapping_shl(8) | number;
                (dots, number, digits) = (dots.wrapping_add(1), 0, 0);
            }
            b'.' => return None,
            octet if scan::is_label(*octet) => return None,
            _ => break,
        }
        at = at.wrapping_add(1);
    }
    (digits > 0 && number <= 255 && dots == 3).then(|| (Ipv4Addr::from(parts.wrapping_shl(8) | number), at))
}

/// Where the domain name is over with which the text begins.
#[inline]
fn name_end(text: &[u8]) -> Option<usize> {
    let mut start = 0_usize;
    loop {
        // UNCLEAR §25.1: an underscore is read, because internal networks use it in names and nothing else can be meant.
        let end = scan::end_of(text, start, scan::is_label);
        let label = text.get(start..end)?;
        if label.len() > 63 || *label.first()? == b'-' || *label.last()? == b'-' {
            return None;
        }
        let has_dot = text.get(end) == Some(&b'.');
        let next = end.wrapping_add(usize::from(has_dot));
        let goes_on = |octet: &u8| *octet == b'.' || scan::is_label(*octet);
        if !has_dot || !text.get(next).is_some_and(goes_on) {
            // The last label begins with a letter; a dot behind it is not counted.
            // RFC 3261 §25.1
            return (end <= 253 && !label.first()?.is_ascii_digit()).then_some(next);
        }
        start = next;
    }
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

/// Addresses of version 4 stand in nearly every line that is written; the usual way takes long.
fn write_v4(address: Ipv4Addr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text: SmallVec<[u8; 16]> = SmallVec::new();
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            text.push(b'.');
        }
        let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| digit | b'0');
        let zeros = digits.iter().take(2).take_while(|digit| **digit == b'0').count();
        text.extend_from_slice(digits.get(zeros..).unwrap_or_default());
    }
    f.write_str(std::str::from_utf8(&text).unwrap_or_default())
}

impl<T: Words> fmt::Display for Host<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Address(IpAddr::V4(address)) => write_v4(*address, f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_port(text: &str) -> Result<(String, Option<u16>), ValueError> {
        let (host, port, end) = Host::begin_with_port(text)?;
        assert_eq!(end, text.len());
        Ok((host.to_string(), port))
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
                let address = begin_v4(text.as_bytes()).filter(|(_, end)| *end == text.len()).map(|(address, _)| address);
                proptest::prop_assert_eq!(address, text.parse().ok(), "{}", text);
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
            proptest::prop_assert_eq!(name_end(text.as_bytes()) == Some(text.len()), expected);
        }
    }
}
