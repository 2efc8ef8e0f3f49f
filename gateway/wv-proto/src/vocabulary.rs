//! Closed word lists of the protocol, read without regard to case and kept as they came when the word is not known.

/// Declares an enumeration of protocol words with a last variant for the words outside the list.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$word_doc])* $variant,)+
            /// A word outside the list, kept as it came.
            Other(Box<str>),
        }

        impl $name {
            /// Every word of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that this text stands for; letter case and surrounding space do not matter.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                let word = text.trim();
                $(if word.eq_ignore_ascii_case($word) {
                    return Self::$variant;
                })+
                Self::Other(word.into())
            }

            /// The word as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }
    };
}

pub(crate) use vocabulary;
