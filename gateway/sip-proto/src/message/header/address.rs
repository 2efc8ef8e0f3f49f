//! Addresses with display name and parameters: From, To, Route, Record-Route, P-Asserted-Identity, Refer-To.

use super::identifier::Tag;
use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::{self, Scanner},
    text::{Text, Words},
    uri::Uri,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt};

/// A URI with an optional display name and parameters. Always written in angle brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameAddr<T: Words = Text> {
    display: Option<T>,
    uri: Uri<T>,
    params: Params<T>,
}

impl NameAddr {
    /// An address without display name and parameters.
    #[must_use]
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::default() }
    }

    /// Reads an address.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::from_text(&Text::from(text))
    }

    /// Reads an address out of shared text.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        Ok(NameAddr::read(text)?.map(|part| text.share(part)))
    }

    /// The same with a display name.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = Some(Text::from(scan::quote(display)));
        self
    }

    /// The same with a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &Tag) -> Self {
        self.params.set("tag", Some(tag.as_str()));
        self
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        self.params.set(name, value);
        self
    }

    /// The parameters, to be changed.
    pub fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// The URI, to be changed.
    pub fn uri_mut(&mut self) -> &mut Uri {
        &mut self.uri
    }
}

impl<'a> NameAddr<&'a str> {
    /// Reads an address where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let display = match scanner.peek() {
            Some(b'<') => None,
            Some(b'"') => {
                let display = scanner.quoted()?;
                scanner.skip_blanks();
                Some(display)
            }
            _ if has_brackets(text.as_bytes()) => scan_bare_display(&mut scanner)?,
            _ => return Self::read_bare(&mut scanner),
        };
        if !scanner.take(b'<') {
            return Err(ValueError::DisplayName);
        }
        let uri = scanner.take_until(b'>');
        if !scanner.take(b'>') {
            return Err(ValueError::AngleOpen);
        }
        let uri = Uri::read(uri)?;
        Ok(Self { display, uri, params: Params::scan_header(&mut scanner)? })
    }

    /// Reads `addr-spec *( ";" param )`.
    fn read_bare(scanner: &mut Scanner<'a>) -> Result<Self, ValueError> {
        let uri = scanner.take_while(|octet| !scan::is_blank(octet) && octet != b';');
        // RFC 3261 §20.10
        if uri.contains(['?', ',']) {
            return Err(ValueError::BracketsNeeded);
        }
        let uri = Uri::read(uri)?;
        Ok(Self { display: None, uri, params: Params::scan_header(scanner)? })
    }
}

impl<T: Words> NameAddr<T> {
    /// The display name without quotes.
    #[must_use]
    pub fn display(&self) -> Option<Cow<'_, str>> {
        self.display.as_ref().map(|raw| scan::unquote(raw.as_ref()))
    }

    /// The URI.
    #[must_use]
    pub fn uri(&self) -> &Uri<T> {
        &self.uri
    }

    /// The parameters behind the URI.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<Tag<T>> {
        self.params.piece("tag").and_then(|tag| Tag::from_text(tag).ok())
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> NameAddr {
        self.map(|text| Text::from(text.as_ref()))
    }

    pub(crate) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> NameAddr<U> {
        let display = self.display.as_ref().map(&change);
        NameAddr { display, uri: self.uri.map(&change), params: self.params.map(&change) }
    }
}

impl<T: Words> fmt::Display for NameAddr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", display.as_ref())?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

impl From<NameAddr> for String {
    fn from(address: NameAddr) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for NameAddr {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        Self::from_text(&Text::from(text))
    }
}

impl Serialize for NameAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NameAddr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Whether a URI in angle brackets comes; a bare URI shows its colon first.
fn has_brackets(text: &[u8]) -> bool {
    text.iter().find(|octet| matches!(octet, b'<' | b':' | b';')) == Some(&b'<')
}

/// Takes `*( token LWS )`.
fn scan_bare_display<'a>(scanner: &mut Scanner<'a>) -> Result<Option<&'a str>, ValueError> {
    let start = scanner.at();
    loop {
        scanner.skip_blanks();
        if scanner.peek() == Some(b'<') {
            break;
        }
        // RFC 4475 §3.1.2.15
        scanner.token().map_err(|_| ValueError::DisplayName)?;
    }
    let display = scan::trim(scanner.since(start));
    Ok((!display.is_empty()).then_some(display))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_name_tag_and_uri_are_taken_apart() {
        let address = NameAddr::parse(r#""A \"B\"" <sip:a@b;x=1>;tag=t1 ;y"#).unwrap();
        assert_eq!(address.display().unwrap(), "A \"B\"");
        assert_eq!(address.uri().to_string(), "sip:a@b;x=1");
        assert_eq!(address.tag().unwrap().as_str(), "t1");
        assert_eq!(address.to_string(), r#""A \"B\"" <sip:a@b;x=1>;tag=t1;y"#);
        // RFC 4475 §3.1.1.6
        let tight = NameAddr::parse("caller<sip:caller@example.com>;tag=323").unwrap();
        assert_eq!(tight.display().unwrap(), "caller");
        let words = NameAddr::parse("The  Operator   <sip:o@h>").unwrap();
        assert_eq!(words.display().unwrap(), "The  Operator");
    }

    #[test]
    fn parameters_of_a_bare_uri_belong_to_the_header() {
        let address = NameAddr::parse("sip:a@b;tag=t").unwrap();
        assert_eq!(address.uri().to_string(), "sip:a@b");
        assert_eq!(address.tag().unwrap().as_str(), "t");
        assert_eq!(NameAddr::parse("sip:a@b?x=y"), Err(ValueError::BracketsNeeded));
        assert_eq!(NameAddr::parse("sip:a@b;t=\"<\"").unwrap().uri().to_string(), "sip:a@b");
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for (text, error) in [
            ("Bell, Alexander <sip:a@b>;tag=1", ValueError::DisplayName),
            ("\"Mr <sip:a@b>", ValueError::QuoteOpen),
            ("<sip:a@b", ValueError::AngleOpen),
            ("\"A\" < sip:a@b >", ValueError::Scheme),
            ("<sip:a@b> trailing", ValueError::Trailing),
            ("\"A\" sip:a@b", ValueError::DisplayName),
        ] {
            assert_eq!(NameAddr::parse(text), Err(error), "{text}");
        }
    }
}
