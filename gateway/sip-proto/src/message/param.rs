//! Parameters of header field values and URIs.

use super::scan::{self, Scanner};
use super::text::{Text, Words};
use crate::{error::ValueError, limit::Limits};
use smallvec::SmallVec;
use std::{borrow::Cow, fmt, hash, num::NonZeroU16, ops::Range};

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
pub struct Params<T: Words = Text> {
    text: T,
    first: Option<First>,
}

/// Where the first parameter stands, which is nearly always the one that is asked for: its name begins behind the
/// semicolon in front, its value behind the sign that follows the name. None where it is written in another way.
#[derive(Clone, Copy, Debug)]
struct First {
    name_end: NonZeroU16,
    value_end: u16,
}

impl First {
    /// The first parameter, when it has a value of the class, no blanks and no quotes.
    #[inline]
    fn of(octets: &[u8], is_name: impl Fn(u8) -> bool, is_value: impl Fn(u8) -> bool) -> Option<Self> {
        let [b';', ..] = octets else { return None };
        let name_end = scan::end_of(octets, 1, is_name);
        if name_end < 2 || octets.get(name_end) != Some(&b'=') {
            return None;
        }
        let value = name_end.wrapping_add(1);
        let value_end = scan::end_of(octets, value, is_value);
        if value_end == value || !matches!(octets.get(value_end), None | Some(b';')) {
            return None;
        }
        let name_end = NonZeroU16::new(u16::try_from(name_end).ok()?)?;
        Some(Self { name_end, value_end: u16::try_from(value_end).ok()? })
    }

    fn spot(self) -> Spot {
        let name_end = usize::from(self.name_end.get());
        Spot { name: 1..name_end, value: Some(name_end.saturating_add(1)..usize::from(self.value_end)) }
    }
}

impl<'a> Params<&'a str> {
    /// Reads `*( ";" generic-param )` of a header field value to its end.
    #[inline]
    pub(crate) fn scan_header(scanner: &mut Scanner<'a>) -> Result<Self, ValueError> {
        scanner.skip_blanks();
        if scanner.is_end() {
            return Ok(Self::default());
        }
        let text = scanner.rest();
        let octets = text.as_bytes();
        let first = First::of(octets, scan::is_token, scan::is_param_value);
        let is_checked = first.is_some_and(|first| usize::from(first.value_end) == octets.len());
        if !is_checked {
            check_header(octets, first)?;
        }
        scanner.skip(text.len());
        Ok(Self { text, first })
    }

    /// Reads `generic-param *( "," generic-param )` to the end of the value.
    pub(crate) fn scan_list(scanner: &mut Scanner<'a>) -> Result<Self, ValueError> {
        let (text, mut names) = (scanner.rest(), Names::default());
        let (octets, mut at) = (text.as_bytes(), 0_usize);
        loop {
            at = scan::end_of_blanks(octets, names.check_one(octets, at)?);
            if octets.get(at) != Some(&b',') {
                break;
            }
            at = scan::end_of_blanks(octets, at.wrapping_add(1));
        }
        scanner.skip(at);
        scanner.end()?;
        Ok(Self { text, first: None })
    }

    /// Reads the `;name=value` part of a URI.
    pub(crate) fn parse_uri(text: &'a str) -> Result<Self, ValueError> {
        match Self::begin_uri(text)? {
            (params, end) if end == text.len() => Ok(params),
            _ => Err(ValueError::UriCharacter),
        }
    }

    /// Reads the `;name=value` part with which the text begins, and tells where it is over.
    pub(crate) fn begin_uri(text: &'a str) -> Result<(Self, usize), ValueError> {
        let octets = text.as_bytes();
        let first = First::of(octets, scan::is_uri_plain, scan::is_uri_plain);
        let mut at = first.map_or(0, |first| usize::from(first.value_end));
        if octets.get(at) == Some(&b';') {
            at = check_uri(octets, first)?;
        }
        Ok((Self { text: text.get(..at).unwrap_or_default(), first }, at))
    }
}

/// Checks the `;name=value` part of a URI behind the first parameter, if that was read, and tells where it is over.
#[inline(never)]
fn check_uri(octets: &[u8], first: Option<First>) -> Result<usize, ValueError> {
    let (mut names, mut at) = Names::behind(octets, first);
    while octets.get(at) == Some(&b';') {
        let start = at.wrapping_add(1);
        let name_end = uri_value_end(octets, start);
        at = name_end;
        let mut is_empty = name_end == start;
        if octets.get(name_end) == Some(&b'=') {
            let value = name_end.wrapping_add(1);
            at = uri_value_end(octets, value);
            is_empty |= at == value;
        }
        if is_empty || !super::uri::has_whole_escapes(octets.get(start..at).unwrap_or_default()) {
            return Err(ValueError::Parameter);
        }
        names.add(octets.get(start..name_end).unwrap_or_default())?;
    }
    Ok(at)
}

/// Checks that `*( ";" generic-param )` is all there is behind the first parameter, if that was read.
#[inline(never)]
fn check_header(octets: &[u8], first: Option<First>) -> Result<(), ValueError> {
    let (mut names, mut at) = Names::behind(octets, first);
    while octets.get(at) == Some(&b';') {
        let start = scan::end_of_blanks(octets, at.wrapping_add(1));
        at = names.check_one(octets, start)?;
        at = scan::end_of_blanks(octets, at);
    }
    if at == octets.len() { Ok(()) } else { Err(ValueError::Trailing) }
}

/// The names met so far.
#[derive(Default)]
struct Names<'a> {
    first: Option<&'a [u8]>,
    others: SmallVec<[&'a [u8]; 8]>,
}

impl<'a> Names<'a> {
    /// The name of the first parameter, and where that is over.
    fn behind(octets: &'a [u8], first: Option<First>) -> (Self, usize) {
        let name = first.and_then(|first| octets.get(first.spot().name));
        let end = first.map_or(0, |first| usize::from(first.value_end));
        (Self { first: name, others: SmallVec::new() }, end)
    }

    /// Checks the `name [ "=" value ]` that begins at `start`, and tells where it is over.
    #[inline]
    fn check_one(&mut self, octets: &'a [u8], start: usize) -> Result<usize, ValueError> {
        let name_end = scan::end_of(octets, start, scan::is_token);
        let name = octets.get(start..name_end).filter(|name| !name.is_empty()).ok_or(ValueError::Parameter)?;
        let equal = scan::end_of_blanks(octets, name_end);
        let end = if octets.get(equal) == Some(&b'=') {
            check_value(octets, scan::end_of_blanks(octets, equal.wrapping_add(1)))?
        } else {
            name_end
        };
        self.add(name)?;
        Ok(end)
    }

    #[inline]
    fn add(&mut self, name: &'a [u8]) -> Result<(), ValueError> {
        let Some(first) = self.first else {
            self.first = Some(name);
            return Ok(());
        };
        if self.others.len().saturating_add(1) >= Limits::DEFAULT.parameter_count_max {
            return Err(ValueError::TooMany);
        }
        // RFC 3261 §7.3.1
        let is_same = |known: &[u8]| known.len() == name.len() && known.eq_ignore_ascii_case(name);
        if is_same(first) || self.others.iter().any(|known| is_same(known)) {
            return Err(ValueError::Parameter);
        }
        self.others.push(name);
        Ok(())
    }
}

/// Checks the value that begins at `start`, and tells where it is over.
#[inline]
fn check_value(octets: &[u8], start: usize) -> Result<usize, ValueError> {
    if octets.get(start) == Some(&b'"') {
        return scan::quote_end(octets, start).ok_or(ValueError::QuoteOpen);
    }
    match scan::end_of(octets, start, scan::is_param_value) {
        end if end == start => Err(ValueError::Parameter),
        end => Ok(end),
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
        let mut raw = String::with_capacity(self.text.len().saturating_add(name.len()).saturating_add(16));
        let mut is_there = false;
        for param in self.iter() {
            let is_meant = param.name.eq_ignore_ascii_case(name);
            is_there |= is_meant;
            write_one(&mut raw, param.name, if is_meant { value } else { param.value });
        }
        if !is_there {
            write_one(&mut raw, name, value);
        }
        *self = Self { text: Text::from(raw), first: None };
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        if self.has(name) {
            let mut raw = String::with_capacity(self.text.len());
            for param in self.iter().filter(|param| !param.name.eq_ignore_ascii_case(name)) {
                write_one(&mut raw, param.name, param.value);
            }
            *self = Self { text: Text::from(raw), first: None };
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
        self.spot(name).map(|spot| self.param(spot))
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
        self.spot(name)?.value.map(|range| self.text.cut(range))
    }

    /// The parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'_>> {
        self.spots().map(|spot| self.param(spot))
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
        Params { text: change(&self.text), first: self.first }
    }

    fn param(&self, spot: Spot) -> Param<'_> {
        let text = self.text.as_ref();
        let value = spot.value.map(|range| text.get(range).unwrap_or_default());
        Param { name: text.get(spot.name).unwrap_or_default(), value }
    }

    /// Where the parameter of that name stands.
    #[inline]
    fn spot(&self, name: &str) -> Option<Spot> {
        let octets = self.text.as_ref().as_bytes();
        let is_meant = |spot: &Spot| {
            let known = octets.get(spot.name.clone()).unwrap_or_default();
            // Nearly always written like this.
            let is_letter = |(one, two): (&u8, &u8)| one == two || one.eq_ignore_ascii_case(two);
            known.len() == name.len() && known.iter().zip(name.as_bytes()).all(is_letter)
        };
        self.first.map(First::spot).filter(is_meant).or_else(|| self.spots().find(is_meant))
    }

    fn spots(&self) -> Spots<'_> {
        Spots { octets: self.text.as_ref().as_bytes(), at: 0 }
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

impl Iterator for Spots<'_> {
    type Item = Spot;

    #[inline]
    fn next(&mut self) -> Option<Spot> {
        let octets = self.octets;
        let is_between = |octet: u8| matches!(octet, b';' | b',') || scan::is_blank(octet);
        let name_start = scan::end_of(octets, self.at, is_between);
        octets.get(name_start)?;
        let name_end = scan::end_of(octets, name_start, scan::is_unparted);
        let name = name_start..name_end;
        self.at = scan::end_of_blanks(octets, name_end);
        if octets.get(self.at) != Some(&b'=') {
            return Some(Spot { name, value: None });
        }
        let start = scan::end_of_blanks(octets, self.at.saturating_add(1));
        self.at = match scan::quote_end(octets, start) {
            Some(end) => end,
            None => scan::end_of(octets, start, |octet| scan::is_unparted(octet) || octet == b'='),
        };
        Some(Spot { name, value: Some(start..self.at) })
    }
}

impl<T: Words> PartialEq for Params<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text.as_ref() == other.text.as_ref() || self.iter().eq(other.iter())
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
        let text = self.text.as_ref();
        // Without blanks they are as they are written.
        if text.is_empty() || (text.starts_with(';') && !text.bytes().any(|octet| octet.is_ascii_whitespace())) {
            return f.write_str(text);
        }
        for param in self.iter() {
            write!(f, ";{}", param.name)?;
            if let Some(value) = param.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Where a name or value that begins at `start` is over: paramchar, the percent sign of escapes included.
// RFC 3261 §25.1
#[inline]
fn uri_value_end(octets: &[u8], start: usize) -> usize {
    scan::end_of(octets, start, |octet| scan::is_uri_plain(octet) || octet == b'%')
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
