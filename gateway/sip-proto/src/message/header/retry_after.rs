//! Retry-After.

use crate::error::ValueError;
use crate::message::{
    param::Params,
    scan::{Scanner, parse_number},
    text::Text,
};
use std::fmt;

/// How long to stay away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// Seconds.
    pub seconds: u32,
    /// For how long the answer is then expected, in seconds.
    pub duration_s: Option<u32>,
}

impl RetryAfter {
    /// A value without further parameters.
    #[must_use]
    pub fn new(seconds: u32) -> Self {
        Self { seconds, duration_s: None }
    }

    /// Reads a value; a comment is skipped.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    // RFC 3261 §20.33
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        Self::read(text)
    }

    /// Reads a value where it stands.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let seconds = parse_number(scanner.take_while(|octet| octet.is_ascii_digit()))?;
        scanner.skip_blanks();
        skip_comment(&mut scanner)?;
        let params = Params::scan_header(&mut scanner)?;
        let duration_s = params.raw("duration").map(parse_number).transpose()?;
        Ok(Self { seconds, duration_s })
    }
}

fn skip_comment(scanner: &mut Scanner<'_>) -> Result<(), ValueError> {
    let mut depth = 0_usize;
    while let Some(octet) = scanner.peek() {
        match octet {
            b'(' => depth = depth.saturating_add(1),
            b')' => depth = depth.saturating_sub(1),
            b'\\' if depth > 0 => {
                scanner.take(octet);
            }
            _ if depth == 0 => return Ok(()),
            _ => {}
        }
        if let Some(octet) = scanner.peek() {
            scanner.take(octet);
        }
    }
    if depth == 0 { Ok(()) } else { Err(ValueError::QuoteOpen) }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.duration_s {
            Some(duration) => write!(f, ";duration={duration}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comment_and_duration_are_understood() {
        let value = RetryAfter::from_text(&"120 (I'm in a (long\\)) meeting) ;duration=60".into()).unwrap();
        assert_eq!(value, RetryAfter { seconds: 120, duration_s: Some(60) });
        assert!(RetryAfter::from_text(&"120 (open".into()).is_err());
        assert!(RetryAfter::from_text(&"soon".into()).is_err());
    }
}
