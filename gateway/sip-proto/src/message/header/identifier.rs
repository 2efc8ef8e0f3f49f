//! Identifiers: Call-ID, tags, branches, entity tags.

use crate::error::ValueError;
use crate::message::{scan, text::Text};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Text);

        impl $name {
            /// Reads the identifier.
            ///
            /// # Errors
            /// [`ValueError::Token`] when it holds a character that it may not.
            pub fn parse(text: &str) -> Result<Self, ValueError> {
                Self::from_text(Text::from(text))
            }

            /// Reads the identifier out of shared text.
            ///
            /// # Errors
            /// [`ValueError::Token`] when it holds a character that it may not.
            pub fn from_text(text: Text) -> Result<Self, ValueError> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(ValueError::Token) }
            }

            /// The identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same with octets of its own.
            #[must_use]
            pub fn detach(&self) -> Self {
                Self(self.0.detach())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.as_str().to_owned()
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValueError;
            fn try_from(text: String) -> Result<Self, ValueError> {
                Self::from_text(Text::from(text))
            }
        }
    };
}

identifier! {
    /// A Call-ID; compared octet by octet.
    // RFC 3261 §20.8
    CallId, is_call_id
}

identifier! {
    /// The tag of a From or To; compared octet by octet.
    // RFC 3261 §19.3
    Tag, is_token
}

identifier! {
    /// The branch of a Via.
    // RFC 3261 §8.1.1.7
    Branch, is_token
}

identifier! {
    /// The entity tag of a publication or of a subscription's state.
    // RFC 3903 §11.3.1
    EntityTag, is_token
}

impl Branch {
    /// How branches of RFC 3261 begin.
    pub const COOKIE: &'static str = "z9hG4bK";

    /// A branch with the cookie in front.
    ///
    /// # Errors
    /// [`ValueError::Token`] when the unique part is empty or no token.
    pub fn from_unique(unique: &str) -> Result<Self, ValueError> {
        if unique.is_empty() {
            return Err(ValueError::Token);
        }
        Self::from_text(Text::from(format!("{}{unique}", Self::COOKIE)))
    }

    /// Whether the branch identifies a transaction by itself: the cookie, and something behind it.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        // The cookie is compared without case, as all tokens are.
        // RFC 3261 §17.2.3
        // RFC 4475 §3.2.1
        let cookie = self.0.get(..Self::COOKIE.len());
        cookie.is_some_and(|cookie| cookie.eq_ignore_ascii_case(Self::COOKIE)) && self.0.len() > Self::COOKIE.len()
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(scan::is_token)
}

fn is_call_id(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(scan::is_word);
    match text.split_once('@') {
        Some((left, right)) => is_word(left) && is_word(right),
        None => is_word(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_id_is_a_word_or_two_joined() {
        assert!(CallId::parse("0ha0isndaksdj99sdfafnl3lk233412@host").is_ok());
        assert!(CallId::parse("intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{").is_ok());
        assert!(CallId::parse("a@b@c").is_err());
        assert!(CallId::parse("a b").is_err());
        assert!(CallId::parse("").is_err());
    }

    #[test]
    fn bare_cookie_does_not_identify() {
        assert!(!Branch::parse("z9hG4bK").unwrap().is_unique());
        assert!(!Branch::parse("390skdjuw").unwrap().is_unique());
        assert!(Branch::parse("z9hG4bKa").unwrap().is_unique());
    }
}
