//! Media types: Content-Type and Accept.

use super::contact::Preference;
use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::Scanner,
    text::{Text, Words},
};
use std::{borrow::Cow, fmt};

/// A media type, or a range of them in Accept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaType<T: Words = Text> {
    kind: T,
    subtype: T,
    params: Params<T>,
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
        Ok(MediaType::read(text)?.map(|part| text.share(part)))
    }

    /// The same with a parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.set(name, Some(value));
        self
    }
}

impl<'a> MediaType<&'a str> {
    /// Reads a media type where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &'a str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let kind = scanner.token()?;
        if !scanner.take_separator(b'/') {
            return Err(ValueError::Token);
        }
        let subtype = scanner.token()?;
        Ok(Self { kind, subtype, params: Params::scan_header(&mut scanner)? })
    }
}

impl<T: Words> MediaType<T> {
    /// `application` of `application/pidf+xml`.
    #[must_use]
    pub fn kind(&self) -> &T {
        &self.kind
    }

    /// `pidf+xml` of `application/pidf+xml`.
    #[must_use]
    pub fn subtype(&self) -> &T {
        &self.subtype
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
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
        let (own_kind, own_subtype) = (self.kind.as_ref(), self.subtype.as_ref());
        essence.split_once('/').is_some_and(|(kind, subtype)| {
            own_kind.eq_ignore_ascii_case(kind) && own_subtype.eq_ignore_ascii_case(subtype)
        })
    }

    /// `kind/subtype` in lower case.
    #[must_use]
    pub fn to_essence(&self) -> String {
        format!("{}/{}", self.kind.as_ref(), self.subtype.as_ref()).to_ascii_lowercase()
    }

    /// Whether this range of an Accept admits the type `kind/subtype`.
    #[must_use]
    pub fn admits(&self, essence: &str) -> bool {
        let Some((kind, subtype)) = essence.split_once('/') else {
            return false;
        };
        let wanted = self.preference().is_none_or(|preference| preference.to_thousandths() > 0);
        let fits = |range: &str, kind: &str| range == "*" || range.eq_ignore_ascii_case(kind);
        wanted && fits(self.kind.as_ref(), kind) && fits(self.subtype.as_ref(), subtype)
    }

    /// The `q` parameter of a range.
    #[must_use]
    pub fn preference(&self) -> Option<Preference> {
        self.params.raw("q").and_then(|raw| Preference::parse(raw).ok())
    }

    /// The same with octets of its own.
    #[must_use]
    pub fn detach(&self) -> MediaType {
        self.map(|text| Text::from(text.as_ref()))
    }

    fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> MediaType<U> {
        MediaType { kind: change(&self.kind), subtype: change(&self.subtype), params: self.params.map(change) }
    }
}

impl<T: Words> fmt::Display for MediaType<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind.as_ref(), self.subtype.as_ref(), self.params)
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
