//! Closed sets of words.

/// Makes an enum of the words that a specification lists, in its order.
macro_rules! vocabulary {
    ($(#[$attribute:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are the words of the specification")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// All, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value with that word; case and the separators `-` and `_` do not matter.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                use $crate::body::vocabulary::is_same_word;
                let all = Self::ALL.iter().copied();
                let exact = all.clone().find(|value| value.as_str() == word);
                exact.or_else(|| all.clone().find(|value| is_same_word(value.as_str(), word)))
            }
        }
    };
}
pub(crate) use vocabulary;

/// Old clients write `onthephone` and the like.
pub(crate) fn is_same_word(one: &str, other: &str) -> bool {
    fn letters(word: &str) -> impl Iterator<Item = u8> {
        word.bytes().filter(|octet| !matches!(octet, b'-' | b'_')).map(|octet| octet.to_ascii_lowercase())
    }
    letters(one).eq(letters(other.trim_ascii()))
}
