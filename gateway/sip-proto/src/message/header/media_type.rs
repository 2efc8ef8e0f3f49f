//! Media types: Content-Type and Accept.

use super::contact::Preference;
use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::{Scanner, is_token},
    text::Text,
};
use std::{borrow::Cow, fmt};

/// A media type, or a range of them in Accept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType {
    kind: Text,
    subtype: Text,
    params: Params,
}

impl MediaType {
    /// A media type without parameters from `kind/subtype`.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::from_text(&Text::from(text))
    }

    /// Reads a media type out of shared text.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let kind = scanner.token()?;
        if !scanner.take_separator(b'/') {
            return Err(ValueError::Token);
        }
        let subtype = scanner.take_while(is_token);
        if subtype.is_empty() {
            return Err(ValueError::Token);
        }
        Ok(Self { kind, subtype, params: Params::scan_header(&mut scanner)? })
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.set(name, Some(value));
        self
    }

    /// `application` of `application/pidf+xml`.
    #[must_use]
    pub fn kind(&self) -> &Text {
        &self.kind
    }

    /// `pidf+xml` of `application/pidf+xml`.
    #[must_use]
    pub fn subtype(&self) -> &Text {
        &self.subtype
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The value of a parameter without quotes.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.value(name)
    }

    /// Whether the type is `kind/subtype`, parameters left aside.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        essence.split_once('/').is_some_and(|(kind, subtype)| self.kind.is_like(kind) && self.subtype.is_like(subtype))
    }

    /// `kind/subtype` in lower case.
    #[must_use]
    pub fn to_essence(&self) -> String {
        format!("{}/{}", self.kind, self.subtype).to_ascii_lowercase()
    }

    /// Whether this range of an Accept admits the type `kind/subtype`.
    #[must_use]
    pub fn admits(&self, essence: &str) -> bool {
        let Some((kind, subtype)) = essence.split_once('/') else {
            return false;
        };
        let wanted = self.preference().is_none_or(|preference| preference.to_thousandths() > 0);
        let kind_fits = self.kind == "*" || self.kind.is_like(kind);
        wanted && kind_fits && (self.subtype == "*" || self.subtype.is_like(subtype))
    }

    /// The `q` parameter of a range.
    #[must_use]
    pub fn preference(&self) -> Option<Preference> {
        self.params.raw("q").and_then(|raw| Preference::parse(raw).ok())
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self { kind: self.kind.detach(), subtype: self.subtype.detach(), params: self.params.detach() }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_unquoted_and_case_of_the_type_does_not_count() {
        let media = MediaType::parse("Multipart / Mixed;boundary=\"a b\"").unwrap();
        assert!(media.is("multipart/mixed"));
        assert_eq!(media.param("boundary").unwrap(), "a b");
        assert!(MediaType::parse("text").is_err());
        assert!(MediaType::parse("text/").is_err());
    }

    #[test]
    fn ranges_admit_what_they_cover() {
        assert!(MediaType::parse("*/*").unwrap().admits("text/plain"));
        assert!(MediaType::parse("text/*;q=0.1").unwrap().admits("TEXT/html"));
        assert!(!MediaType::parse("text/*;q=0").unwrap().admits("text/html"));
        assert!(!MediaType::parse("text/plain").unwrap().admits("text/html"));
    }
}
