//! `tel:` URIs without their scheme.

use crate::error::ValueError;
use crate::message::{param::Params, text::Text};
use std::fmt;

/// A telephone number and its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelUri {
    number: Text,
    params: Params,
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

    pub(super) fn parse(text: &Text) -> Result<Self, ValueError> {
        let end = text.find(';').unwrap_or(text.len());
        let number = text.part(0..end);
        let params = Params::parse_uri(&text.part(end..text.len()))?;
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

    /// The number as it was written, visual separators included.
    #[must_use]
    pub fn number(&self) -> &Text {
        &self.number
    }

    /// The number without visual separators, the plus sign of a global number included.
    #[must_use]
    pub fn digits(&self) -> String {
        self.number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')')).collect()
    }

    /// Whether the number is complete by itself.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// The parameters.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        // RFC 3966 §4
        let covers = |one: &Self, two: &Self| {
            one.params.iter().all(|param| match (param.raw(), two.params.find(param.name())) {
                (_, None) => false,
                (mine, Some(their)) => match (mine, their.raw()) {
                    (None, None) => true,
                    (Some(mine), Some(their)) => mine.is_like(their),
                    (None, Some(_)) | (Some(_), None) => false,
                },
            })
        };
        self.digits().eq_ignore_ascii_case(&other.digits()) && covers(self, other) && covers(other, self)
    }

    pub(super) fn to_canonical(&self) -> Self {
        let mut params = Params::default();
        if let (false, Some(context)) = (self.is_global(), self.params.raw("phone-context")) {
            params.set_escaped("phone-context", Some(&context.to_ascii_lowercase()));
        }
        Self { number: Text::from(self.digits()), params }
    }

    pub(super) fn detach(&self) -> Self {
        Self { number: self.number.detach(), params: self.params.detach() }
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.params)
    }
}
