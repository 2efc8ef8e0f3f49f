//! Parameters of header field values and URIs.

use super::scan::{self, Scanner};
use super::text::{Text, Words};
use crate::{error::ValueError, limit::Limits};
use smallvec::SmallVec;
use std::{borrow::Cow, fmt, hash, ops::Range};

/// One parameter, its value as it was written (quotes and escapes included).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Param<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl<'a> Param<'a> {
    /// The name as it was written.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value as it was written.
    #[must_use]
    pub fn raw(&self) -> Option<&'a str> {
        self.value
    }

    /// The value without quotes.
    #[must_use]
    pub fn value(&self) -> Option<Cow<'a, str>> {
        self.value.map(scan::unquote)
    }
}

/// Parameters in their order; names compare without regard to case and appear once.
///
/// They are kept as they were written and taken apart when one is asked for.
#[derive(Clone, Debug, Default)]
pub struct Params<T: Words = Text>(T);

impl<'a> Params<&'a str> {
    /// Reads `*( ";" generic-param )` of a header field value to its end.
    pub(crate) fn scan_header(scanner: &mut Scanner<'a>) -> Result<Self, ValueError> {
        scanner.skip_blanks();
        let start = scanner.at();
        if scanner.is_end() {
            return Ok(Self::default());
        }
        let mut names = Names::default();
        while scanner.take(b';') {
            scanner.skip_blanks();
            names.scan_one(scanner)?;
            scanner.skip_blanks();
        }
        if scanner.is_end() { Ok(Self(scanner.since(start))) } else { Err(ValueError::Trailing) }
    }

    /// Reads `generic-param *( "," generic-param )` to the end of the value.
    pub(crate) fn scan_list(scanner: &mut Scanner<'a>) -> Result<Self, ValueError> {
        let start = scanner.at();
        let mut names = Names::default();
        loop {
            names.scan_one(scanner)?;
            if !scanner.take_separator(b',') {
                break;
            }
        }
        scanner.end()?;
        Ok(Self(scanner.since(start)))
    }

    /// Reads the `;name=value` part of a URI.
    pub(crate) fn parse_uri(text: &'a str) -> Result<Self, ValueError> {
        let mut names = Names::default();
        let mut scanner = Scanner::new(text);
        while scanner.take(b';') {
            let start = scanner.at();
            let name = scanner.take_while(is_uri_value);
            let is_empty = name.is_empty() || (scanner.take(b'=') && scanner.take_while(is_uri_value).is_empty());
            let has_escapes = |text: &str| text.bytes().any(|octet| octet == b'%');
            let written = scanner.since(start);
            if is_empty || (has_escapes(written) && !super::uri::has_whole_escapes(written.as_bytes())) {
                return Err(ValueError::Parameter);
            }
            names.add(name)?;
        }
        if scanner.is_end() { Ok(Self(text)) } else { Err(ValueError::UriCharacter) }
    }
}

/// The names met so far.
#[derive(Default)]
struct Names<'a> {
    first: Option<&'a str>,
    others: SmallVec<[&'a str; 8]>,
}

impl<'a> Names<'a> {
    /// Reads one `name [ "=" value ]`.
    #[inline]
    fn scan_one(&mut self, scanner: &mut Scanner<'a>) -> Result<(), ValueError> {
        let name = scanner.token().map_err(|_| ValueError::Parameter)?;
        if scanner.take_separator(b'=') {
            if scanner.peek() == Some(b'"') {
                scanner.quoted()?;
            } else if scanner.take_while(scan::is_param_value).is_empty() {
                return Err(ValueError::Parameter);
            }
        }
        self.add(name)
    }

    #[inline]
    fn add(&mut self, name: &'a str) -> Result<(), ValueError> {
        let Some(first) = self.first else {
            self.first = Some(name);
            return Ok(());
        };
        if self.others.len().saturating_add(1) >= Limits::DEFAULT.parameter_count_max {
            return Err(ValueError::TooMany);
        }
        // RFC 3261 §7.3.1
        let is_same = |known: &str| known.len() == name.len() && known.eq_ignore_ascii_case(name);
        if is_same(first) || self.others.iter().any(|known| is_same(known)) {
            return Err(ValueError::Parameter);
        }
        self.others.push(name);
        Ok(())
    }
}

impl Params {
    /// Sets a parameter of a header field; a value that is no token (or host) is quoted.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(|value| {
            let is_plain = !value.is_empty() && value.bytes().all(scan::is_param_value);
            if is_plain { Cow::Borrowed(value) } else { Cow::Owned(scan::quote(value)) }
        });
        self.put(name, value.as_deref());
    }

    /// Sets a parameter of a header field to a quoted string.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.put(name, Some(&scan::quote(value)));
    }

    /// Sets a parameter of a URI; characters that may not stand there are percent-escaped.
    pub fn set_escaped(&mut self, name: &str, value: Option<&str>) {
        self.put(name, value.map(|value| super::uri::escape(value, scan::is_uri_plain)).as_deref());
    }

    fn put(&mut self, name: &str, value: Option<&str>) {
        let mut raw = String::with_capacity(self.0.len().saturating_add(name.len()).saturating_add(16));
        let mut is_there = false;
        for param in self.iter() {
            let is_meant = param.name.eq_ignore_ascii_case(name);
            is_there |= is_meant;
            write_one(&mut raw, param.name, if is_meant { value } else { param.value });
        }
        if !is_there {
            write_one(&mut raw, name, value);
        }
        self.0 = Text::from(raw);
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        if self.has(name) {
            let mut raw = String::with_capacity(self.0.len());
            for param in self.iter().filter(|param| !param.name.eq_ignore_ascii_case(name)) {
                write_one(&mut raw, param.name, param.value);
            }
            self.0 = Text::from(raw);
        }
    }
}

fn write_one(raw: &mut String, name: &str, value: Option<&str>) {
    raw.push(';');
    raw.push_str(name);
    if let Some(value) = value {
        raw.push('=');
        raw.push_str(value);
    }
}

impl<T: Words> Params<T> {
    /// Whether the parameter is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The parameter of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Param<'_>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// The value of the parameter without quotes; `None` when it is missing or has no value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.find(name).and_then(|param| param.value())
    }

    /// The value of the parameter as it was written.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(|param| param.raw())
    }

    /// The value of the parameter as it was written, as a piece of the text that the parameters are kept in.
    #[must_use]
    pub fn piece(&self, name: &str) -> Option<T> {
        let text = self.0.as_ref();
        let is_meant = |spot: &Spot| text.get(spot.name.clone()).is_some_and(|known| known.eq_ignore_ascii_case(name));
        self.spots().find(is_meant)?.value.map(|range| self.0.cut(range))
    }

    /// The parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        let text = self.0.as_ref();
        self.spots().map(|spot| Param {
            name: text.get(spot.name).unwrap_or_default(),
            value: spot.value.map(|range| text.get(range).unwrap_or_default()),
        })
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spots().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spots().next().is_none()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Params {
        self.map(|text| Text::from(text.as_ref()))
    }

    pub(crate) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> Params<U> {
        Params(change(&self.0))
    }

    fn spots(&self) -> Spots<'_> {
        Spots { octets: self.0.as_ref().as_bytes(), at: 0 }
    }
}

/// Where a parameter stands.
struct Spot {
    name: Range<usize>,
    value: Option<Range<usize>>,
}

/// Finds parameters that were checked before.
struct Spots<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Spots<'_> {
    #[inline]
    fn skip_while(&mut self, class: impl Fn(u8) -> bool) -> usize {
        while self.octets.get(self.at).is_some_and(|octet| class(*octet)) {
            self.at = self.at.saturating_add(1);
        }
        self.at
    }
}

impl Iterator for Spots<'_> {
    type Item = Spot;

    fn next(&mut self) -> Option<Spot> {
        let is_separator = |octet: u8| matches!(octet, b';' | b',');
        let name_start = self.skip_while(|octet| is_separator(octet) || scan::is_blank(octet));
        self.octets.get(name_start)?;
        let name_end = self.skip_while(|octet| octet != b'=' && !is_separator(octet) && !scan::is_blank(octet));
        self.skip_while(scan::is_blank);
        let name = name_start..name_end;
        if self.octets.get(self.at) != Some(&b'=') {
            return Some(Spot { name, value: None });
        }
        self.at = self.at.saturating_add(1);
        let start = self.skip_while(scan::is_blank);
        match scan::quote_end(self.octets, start) {
            Some(end) => self.at = end,
            None => {
                self.skip_while(|octet| !is_separator(octet) && !scan::is_blank(octet));
            }
        }
        Some(Spot { name, value: Some(start..self.at) })
    }
}

impl<T: Words> PartialEq for Params<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref() || self.iter().eq(other.iter())
    }
}

impl<T: Words> Eq for Params<T> {}

impl<T: Words> hash::Hash for Params<T> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.iter().for_each(|param| param.hash(state));
    }
}

impl<T: Words> fmt::Display for Params<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in self.iter() {
            write!(f, ";{}", param.name)?;
            if let Some(value) = param.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Paramchar, the percent sign of escapes included.
// RFC 3261 §25.1
#[inline]
fn is_uri_value(octet: u8) -> bool {
    scan::is_uri_plain(octet) || octet == b'%'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Params<&str>, ValueError> {
        Params::scan_header(&mut Scanner::new(text))
    }

    #[test]
    fn blanks_and_quotes_are_understood() {
        let params = header(r#" ; tag = a ;lr; x="b;\"c" "#).unwrap();
        assert_eq!(params.value("TAG").unwrap(), "a");
        assert!(params.has("lr") && params.value("lr").is_none());
        assert_eq!(params.value("x").unwrap(), "b;\"c");
        assert_eq!(params.to_string(), r#";tag=a;lr;x="b;\"c""#);
    }

    #[test]
    fn empty_and_double_parameters_are_refused() {
        assert_eq!(header(";;"), Err(ValueError::Parameter));
        assert_eq!(header(";a=1;A=2"), Err(ValueError::Parameter));
        assert_eq!(header(";a="), Err(ValueError::Parameter));
        assert_eq!(header(";a b"), Err(ValueError::Trailing));
    }

    #[test]
    fn a_value_that_is_no_token_is_quoted() {
        let mut params = Params::default();
        params.set("text", Some("a b;c"));
        params.set("received", Some("2001:db8::1"));
        assert_eq!(params.to_string(), r#";text="a b;c";received=2001:db8::1"#);
    }

    proptest::proptest! {
        #[test]
        fn setting_and_removing_is_that_of_a_list(
            deeds in proptest::collection::vec(("[aAb]{1,2}", proptest::option::of("\\PC{0,6}"), proptest::bool::ANY), 0..12),
        ) {
            let mut params = Params::default();
            let mut list: Vec<(String, Option<String>)> = Vec::new();
            for (name, value, is_set) in deeds {
                let known = list.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name));
                match (is_set, known) {
                    (true, Some(known)) => known.1.clone_from(&value),
                    (true, None) => list.push((name.clone(), value.clone())),
                    (false, _) => list.retain(|(known, _)| !known.eq_ignore_ascii_case(&name)),
                }
                if is_set { params.set(&name, value.as_deref()) } else { params.remove(&name) }
                let told: Vec<_> = params
                    .iter()
                    .map(|param| (param.name().to_owned(), param.value().map(std::borrow::Cow::into_owned)))
                    .collect();
                proptest::prop_assert_eq!(&told, &list);
                proptest::prop_assert_eq!(params.len(), list.len());
                let written = params.to_string();
                let again = header(&written).unwrap();
                proptest::prop_assert_eq!(again.detach(), params.clone());
                for (name, value) in &list {
                    proptest::prop_assert!(again.value(name).as_deref() == value.as_deref());
                    proptest::prop_assert!(again.piece(name) == params.piece(name).as_ref().map(Text::as_str));
                }
            }
        }
    }
}
