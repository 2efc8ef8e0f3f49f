//! Methods.

use super::{scan, text::Text};
use crate::error::ValueError;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! methods {
    ($($variant:ident $text:literal $doc:literal;)*) => {
        /// A method. Case counts, and what is not known here stays a token, so that it can be answered 405 or 501.
        // RFC 3261 §7.1
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub enum Method {
            $(#[doc = $doc] $variant,)*
            /// Any other token.
            Other(MethodToken),
        }

        impl Method {
            /// The methods known here.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            /// The method as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(token) => &token.0,
                }
            }

            fn from_known(octets: &[u8]) -> Option<Self> {
                $(if octets == $text.as_bytes() {
                    return Some(Self::$variant);
                })*
                None
            }
        }
    };
}

methods! {
    Invite "INVITE" "RFC 3261.";
    Ack "ACK" "RFC 3261.";
    Bye "BYE" "RFC 3261.";
    Cancel "CANCEL" "RFC 3261.";
    Options "OPTIONS" "RFC 3261.";
    Register "REGISTER" "RFC 3261.";
    Subscribe "SUBSCRIBE" "RFC 6665.";
    Notify "NOTIFY" "RFC 6665.";
    Publish "PUBLISH" "RFC 3903.";
    Message "MESSAGE" "RFC 3428.";
    Refer "REFER" "RFC 3515.";
    Info "INFO" "RFC 6086.";
    Update "UPDATE" "RFC 3311.";
    Prack "PRACK" "RFC 3262.";
}

/// The token of a method that is not known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodToken(Text);

impl Method {
    /// Reads a method.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::from_octets(text.as_bytes())
    }

    /// Reads a method where it stands.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn from_octets(octets: &[u8]) -> Result<Self, ValueError> {
        if let Some(known) = Self::from_known(octets) {
            return Ok(known);
        }
        if octets.is_empty() || !octets.iter().all(|&octet| scan::is_token(octet)) {
            return Err(ValueError::Token);
        }
        Ok(Self::Other(MethodToken(Text::parse(Bytes::copy_from_slice(octets))?)))
    }

    /// Whether a request of this method that succeeds outside a dialog makes or refreshes one.
    #[must_use]
    pub fn is_dialog_forming(&self) -> bool {
        matches!(self, Self::Invite | Self::Subscribe | Self::Notify | Self::Refer)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.as_str().to_owned()
    }
}

impl TryFrom<String> for Method {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_of_a_method_counts() {
        assert_eq!(Method::parse("INVITE"), Ok(Method::Invite));
        let lower = Method::parse("invite").unwrap();
        assert!(matches!(lower, Method::Other(_)));
        assert_eq!(lower.as_str(), "invite");
        assert_eq!(Method::parse("IN VITE"), Err(ValueError::Token));
        assert_eq!(Method::parse(""), Err(ValueError::Token));
    }

    #[test]
    fn known_methods_read_their_own_text() {
        for method in Method::KNOWN {
            assert_eq!(&Method::parse(method.as_str()).unwrap(), method);
        }
    }
}
