//! Challenges and credentials as they stand in a header field: a scheme and its parameters.

use crate::error::ValueError;
use crate::message::{
    param::{Param, Params},
    scan::Scanner,
    text::Text,
};
use std::{borrow::Cow, fmt};

/// The value of WWW-Authenticate, Proxy-Authenticate, Authorization, Proxy-Authorization or Authentication-Info (which has
/// no scheme). What the parameters mean is read in [`crate::auth`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    scheme: Option<Text>,
    params: Params,
}

impl Authentication {
    /// A value without parameters.
    #[must_use]
    pub fn new(scheme: Option<&str>) -> Self {
        Self { scheme: scheme.map(Text::from), params: Params::default() }
    }

    /// Reads a challenge or credentials.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_text(text: &Text) -> Result<Self, ValueError> {
        Self::read(text)
    }

    /// Reads a challenge or credentials where they stand.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn read(text: &str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        let scheme = scanner.token()?;
        scanner.skip_blanks();
        Ok(Self { scheme: Some(Text::from(scheme)), params: scan_params(&mut scanner)? })
    }

    /// Reads the parameters of Authentication-Info.
    ///
    /// # Errors
    /// [`ValueError`] names the part at fault.
    pub fn from_params(text: &str) -> Result<Self, ValueError> {
        let mut scanner = Scanner::new(text);
        scanner.skip_blanks();
        Ok(Self { scheme: None, params: scan_params(&mut scanner)? })
    }

    /// Adds a parameter that is a token.
    pub fn set(&mut self, name: &str, value: &str) {
        self.params.set(name, Some(value));
    }

    /// Adds a parameter that is a quoted string.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.params.set_quoted(name, value);
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Option<&Text> {
        self.scheme.as_ref()
    }

    /// Whether the scheme is Digest.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.scheme.as_ref().is_some_and(|scheme| scheme.is_like("Digest"))
    }

    /// The value of a parameter without quotes.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.value(name)
    }

    /// The parameters in their order.
    pub fn params(&self) -> impl Iterator<Item = Param<'_>> {
        self.params.iter()
    }
}

fn scan_params(scanner: &mut Scanner<'_>) -> Result<Params, ValueError> {
    if scanner.is_end() { Ok(Params::default()) } else { Ok(Params::scan_list(scanner)?.detach()) }
}

impl fmt::Display for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = match &self.scheme {
            Some(scheme) => {
                f.write_str(scheme)?;
                " "
            }
            None => "",
        };
        for param in self.params.iter() {
            write!(f, "{gap}{}", param.name())?;
            // The credentials of other schemes may be one word.
            if let Some(value) = param.raw() {
                write!(f, "={value}")?;
            }
            gap = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_reads_what_it_writes() {
        let text = r#"Digest realm="a, b", qop="auth,auth-int", algorithm=MD5, stale=FALSE"#;
        let value = Authentication::from_text(&text.into()).unwrap();
        assert!(value.is_digest());
        assert_eq!(value.param("REALM").unwrap(), "a, b");
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn one_word_stays_one_word() {
        let value = Authentication::from_text(&"Bearer abc".into()).unwrap();
        assert_eq!(value.to_string(), "Bearer abc");
    }

    #[test]
    fn unknown_scheme_is_kept_and_a_broken_list_refused() {
        let odd = Authentication::from_text(&r#"NoOneKnowsThisScheme opaque-data=here"#.into()).unwrap();
        assert!(!odd.is_digest());
        assert!(Authentication::from_text(&"Digest a=1,,b=2".into()).is_err());
        assert!(Authentication::from_text(&"Digest a=\"1".into()).is_err());
    }
}
