//! Parameters of header field values and URIs.

use super::scan::{self, Scanner};
use super::text::Text;
use crate::{error::ValueError, limit::Limits};
use std::{borrow::Cow, fmt};

/// One parameter, its value as it was written (quotes and escapes included).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    name: Text,
    value: Option<Text>,
}

impl Param {
    /// The name as it was written.
    #[must_use]
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The value as it was written.
    #[must_use]
    pub fn raw(&self) -> Option<&Text> {
        self.value.as_ref()
    }

    /// The value without quotes.
    #[must_use]
    pub fn value(&self) -> Option<Cow<'_, str>> {
        self.value.as_ref().map(|raw| scan::unquote(raw))
    }
}

/// Parameters in their order; names compare without regard to case and appear once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(Vec<Param>);

impl Params {
    /// Reads `*( ";" generic-param )` of a header field value to its end.
    pub(crate) fn scan_header(scanner: &mut Scanner<'_>) -> Result<Self, ValueError> {
        let mut params = Self::default();
        while scanner.take_separator(b';') {
            params.scan_one(scanner)?;
        }
        scanner.end()?;
        Ok(params)
    }

    /// Reads one `name [ "=" value ]`.
    pub(crate) fn scan_one(&mut self, scanner: &mut Scanner<'_>) -> Result<(), ValueError> {
        let name = scanner.token().map_err(|_| ValueError::Parameter)?;
        let value = if !scanner.take_separator(b'=') {
            None
        } else if scanner.peek() == Some(b'"') {
            Some(scanner.quoted()?)
        } else {
            let value = scanner.take_while(is_value);
            if value.is_empty() {
                return Err(ValueError::Parameter);
            }
            Some(value)
        };
        self.add(Param { name, value })
    }

    /// Reads the `;name=value` part of a URI.
    pub(crate) fn parse_uri(text: &Text) -> Result<Self, ValueError> {
        let mut params = Self::default();
        let mut scanner = Scanner::new(text);
        while scanner.take(b';') {
            let name = scanner.take_while(is_uri_value);
            let value = if scanner.take(b'=') { Some(scanner.take_while(is_uri_value)) } else { None };
            let is_empty = name.is_empty() || value.as_ref().is_some_and(|value| value.is_empty());
            if is_empty
                || !super::uri::has_whole_escapes(name.as_bytes())
                || !value.as_ref().is_none_or(|value| super::uri::has_whole_escapes(value.as_bytes()))
            {
                return Err(ValueError::Parameter);
            }
            params.add(Param { name, value })?;
        }
        if scanner.is_end() { Ok(params) } else { Err(ValueError::UriCharacter) }
    }

    fn add(&mut self, param: Param) -> Result<(), ValueError> {
        if self.0.len() >= Limits::DEFAULT.parameter_count_max {
            return Err(ValueError::TooMany);
        }
        // RFC 3261 §7.3.1
        let name = param.name.as_bytes();
        if self.0.iter().any(|known| known.name.as_bytes().eq_ignore_ascii_case(name)) {
            return Err(ValueError::Parameter);
        }
        self.0.push(param);
        Ok(())
    }

    /// Sets a parameter of a header field; a value that is no token (or host) is quoted.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(|value| {
            let is_plain = !value.is_empty() && value.bytes().all(is_value);
            if is_plain { Text::from(value) } else { Text::from(scan::quote(value)) }
        });
        self.put(name, value);
    }

    /// Sets a parameter of a header field to a quoted string.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.put(name, Some(Text::from(scan::quote(value))));
    }

    /// Sets a parameter of a URI; characters that may not stand there are percent-escaped.
    pub fn set_escaped(&mut self, name: &str, value: Option<&str>) {
        self.put(name, value.map(|value| Text::from(super::uri::escape(value, is_uri_plain))));
    }

    fn put(&mut self, name: &str, value: Option<Text>) {
        match self.0.iter_mut().find(|param| param.name.is_like(name)) {
            Some(param) => param.value = value,
            None => self.0.push(Param { name: Text::from(name), value }),
        }
    }

    /// Takes a parameter out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|param| !param.name.is_like(name));
    }

    /// Whether the parameter is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The parameter of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.name.is_like(name))
    }

    /// The value of the parameter without quotes; `None` when it is missing or has no value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.find(name).and_then(Param::value)
    }

    /// The value of the parameter as it was written.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&Text> {
        self.find(name).and_then(Param::raw)
    }

    /// The parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Self {
        let copy = |param: &Param| Param { name: param.name.detach(), value: param.value.as_ref().map(Text::detach) };
        Self(self.0.iter().map(copy).collect())
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.0 {
            write!(f, ";{}", param.name)?;
            if let Some(value) = &param.value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Gen-value without quoted string; wider than token, so that hosts and what peers write unquoted pass.
// RFC 3261 §25.1
fn is_value(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b';' | b',' | b'"' | b'<' | b'>' | b'\\')
}

/// Paramchar, the percent sign of escapes included.
// RFC 3261 §25.1
fn is_uri_value(octet: u8) -> bool {
    is_uri_plain(octet) || octet == b'%'
}

fn is_uri_plain(octet: u8) -> bool {
    scan::is_unreserved(octet) || matches!(octet, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Params, ValueError> {
        Params::scan_header(&mut Scanner::new(&Text::from(text)))
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
}
