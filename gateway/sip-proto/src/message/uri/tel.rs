//! `tel:` URIs without their scheme.

use crate::error::ValueError;
use crate::message::{
    param::Params,
    text::{Text, Words},
};
use std::fmt;

/// A telephone number and its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelUri<T: Words = Text> {
    number: T,
    params: Params<T>,
}

impl TelUri {
    /// A global number from its digits, without the plus sign.
    ///
    /// # Errors
    /// [`ValueError::Number`] when there are none or something else than digits.
    pub fn from_digits(digits: &str) -> Result<Self, ValueError> {
        if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(ValueError::Number);
        }
        Ok(Self { number: Text::from(format!("+{digits}")), params: Params::default() })
    }
}

impl<'a> TelUri<&'a str> {
    pub(super) fn read(text: &'a str) -> Result<Self, ValueError> {
        let end = text.find(';').unwrap_or(text.len());
        let (number, params) = text.split_at_checked(end).unwrap_or_default();
        let params = Params::parse_uri(params)?;
        // RFC 3966 §3
        let is_visual = |octet: u8| matches!(octet, b'-' | b'.' | b'(' | b')');
        let fits = match number.strip_prefix('+') {
            Some(digits) => {
                digits.bytes().all(|octet| octet.is_ascii_digit() || is_visual(octet))
                    && digits.bytes().any(|octet| octet.is_ascii_digit())
            }
            None => {
                let is_local =
                    |octet: u8| octet.is_ascii_hexdigit() || matches!(octet, b'*' | b'#') || is_visual(octet);
                number.bytes().all(is_local) && number.bytes().any(|octet| !is_visual(octet))
            }
        };
        if fits { Ok(Self { number, params }) } else { Err(ValueError::Number) }
    }
}

impl<T: Words> TelUri<T> {
    /// The number as it was written, visual separators included.
    #[must_use]
    pub fn number(&self) -> &T {
        &self.number
    }

    /// The number without visual separators, the plus sign of a global number included.
    #[must_use]
    pub fn digits(&self) -> String {
        self.number.as_ref().chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect()
    }

    /// Whether the number is complete by itself.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.number.as_ref().starts_with('+')
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    // RFC 3966 §4
    pub(super) fn is_equivalent<U: Words>(&self, other: &TelUri<U>) -> bool {
        self.digits().eq_ignore_ascii_case(&other.digits()) && self.covers(other) && other.covers(self)
    }

    /// Whether the other has each parameter of this one.
    fn covers<U: Words>(&self, other: &TelUri<U>) -> bool {
        self.params.iter().all(|param| match (param.raw(), other.params.find(param.name())) {
            (_, None) => false,
            (mine, Some(their)) => match (mine, their.raw()) {
                (None, None) => true,
                (Some(mine), Some(their)) => mine.eq_ignore_ascii_case(their),
                (None, Some(_)) | (Some(_), None) => false,
            },
        })
    }

    pub(super) fn to_canonical(&self) -> TelUri {
        let mut params = Params::default();
        if let (false, Some(context)) = (self.is_global(), self.params.raw("phone-context")) {
            params.set_escaped("phone-context", Some(&context.to_ascii_lowercase()));
        }
        TelUri { number: Text::from(self.digits()), params }
    }

    pub(super) fn map<U: Words>(&self, change: impl Fn(&T) -> U) -> TelUri<U> {
        TelUri { number: change(&self.number), params: self.params.map(change) }
    }
}

impl<T: Words> fmt::Display for TelUri<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number.as_ref(), self.params)
    }
}
