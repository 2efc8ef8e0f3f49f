//! Identifiers: Call-ID, tags, branches, entity tags.

use crate::error::ValueError;
use crate::message::scan;
use crate::message::text::{Text, Words};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, hash};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<T: Words = Text>(T);

        impl $name {
            /// Reads the identifier.
            ///
            /// # Errors
            /// [`ValueError::Token`] when it holds a character that it may not.
            pub fn parse(text: &str) -> Result<Self, ValueError> {
                Self::from_text(Text::from(text))
            }
        }

        impl<T: Words> $name<T> {
            /// Takes a text that is the identifier.
            ///
            /// # Errors
            /// [`ValueError::Token`] when it holds a character that it may not.
            #[inline]
            pub fn from_text(text: T) -> Result<Self, ValueError> {
                let check: fn(&[u8]) -> bool = $check;
                if check(text.as_ref().as_bytes()) { Ok(Self(text)) } else { Err(ValueError::Token) }
            }

            /// The identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_ref()
            }

            /// The same with octets of its own.
            #[must_use]
            pub fn detach(&self) -> $name {
                $name(Text::from(self.as_str()))
            }
        }

        impl<T: Words, U: Words> PartialEq<$name<U>> for $name<T> {
            fn eq(&self, other: &$name<U>) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl<T: Words> Eq for $name<T> {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl<T: Words> hash::Hash for $name<T> {
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl<T: Words> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl TryFrom<String> for $name {
            type Error = ValueError;
            fn try_from(text: String) -> Result<Self, ValueError> {
                Self::from_text(Text::from(text))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
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
}

impl<T: Words> Branch<T> {
    /// Whether the branch identifies a transaction by itself: the cookie, and something behind it.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        // The cookie is compared without case, as all tokens are.
        // RFC 3261 §17.2.3
        // RFC 4475 §3.2.1
        let branch = self.as_str();
        let cookie = branch.get(..Branch::COOKIE.len());
        cookie.is_some_and(|cookie| cookie.eq_ignore_ascii_case(Branch::COOKIE)) && branch.len() > Branch::COOKIE.len()
    }
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && scan::end_of(text, 0, scan::is_token) == text.len()
}

fn is_call_id(text: &[u8]) -> bool {
    let end = scan::end_of(text, 0, scan::is_word);
    let is_word = |text: &[u8]| !text.is_empty() && scan::end_of(text, 0, scan::is_word) == text.len();
    match text.get(end..) {
        Some([b'@', host @ ..]) => end > 0 && is_word(host),
        Some([]) => end > 0,
        Some(_) | None => false,
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
