//! Addresses with display name and parameters: From, To, Route, Record-Route, P-Asserted-Identity, Refer-To.

use super::identifier::Tag;
use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::{self, Scanner},
    text::Text,
    uri::Uri,
};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// A URI with an optional display name and parameters. Always written in angle brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NameAddr {
    display: Option<Text>,
    uri: Uri,
    params: Params,
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
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let display = if scanner.peek() == Some(b'"') {
            Some(scanner.quoted()?)
        } else if has_brackets(text) {
            scan_bare_display(text, &mut scanner)?
        } else {
            return Self::from_bare(&mut scanner);
        };
        scanner.skip_blanks();
        if !scanner.take(b'<') {
            return Err(ValueError::DisplayName);
        }
        let uri = scanner.take_while(|octet| octet != b'>');
        if !scanner.take(b'>') {
            return Err(ValueError::AngleOpen);
        }
        let uri = Uri::from_text(&uri)?;
        Ok(Self { display, uri, params: Params::scan_header(&mut scanner)? })
    }

    /// Reads `addr-spec *( ";" param )`.
    fn from_bare(scanner: &mut Scanner<'_>) -> Result<Self, ValueError> {
        let uri = scanner.take_while(|octet| !scan::is_blank(octet) && octet != b';');
        // RFC 3261 §20.10
        if uri.contains(['?', ',']) {
            return Err(ValueError::BracketsNeeded);
        }
        let uri = Uri::from_text(&uri)?;
        Ok(Self { display: None, uri, params: Params::scan_header(scanner)? })
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

    /// The display name without quotes.
    #[must_use]
    pub fn display(&self) -> Option<Cow<'_, str>> {
        self.display.as_ref().map(|raw| scan::unquote(raw))
    }

    /// The URI.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The parameters behind the URI.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        self.params.raw("tag").and_then(|raw| Tag::from_text(raw.clone()).ok())
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Self {
        let display = self.display.as_ref().map(Text::detach);
        Self { display, uri: self.uri.detach(), params: self.params.detach() }
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{display} ")?;
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

/// Whether a URI in angle brackets comes; a bare URI shows its colon first.
fn has_brackets(text: &Text) -> bool {
    let before = text.find_octet(b'<').and_then(|at| text.as_bytes().get(..at));
    before.is_some_and(|before| !before.contains(&b':') && !before.contains(&b';'))
}

/// Takes `*( token LWS )`.
fn scan_bare_display(text: &Text, scanner: &mut Scanner<'_>) -> Result<Option<Text>, ValueError> {
    let start = scanner.at();
    let mut end = start;
    loop {
        scanner.skip_blanks();
        if scanner.peek() == Some(b'<') {
            break;
        }
        // RFC 4475 §3.1.2.15
        scanner.token().map_err(|_| ValueError::DisplayName)?;
        end = scanner.at();
    }
    Ok((end > start).then(|| text.part(start..end)))
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
