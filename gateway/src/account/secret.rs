//! Secrets are texts that nothing prints.

use std::{convert::Infallible, fmt, str::FromStr, sync::Arc};

/// A password, key or token. `Debug` shows that there is one and nothing else; there is no `Display`.
#[derive(Clone, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the secret, in a time that does not depend on where they differ.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let (left, right) = (self.0.as_bytes(), text.as_bytes());
        let differences = left.iter().zip(right).fold(0_u8, |sum, (l, r)| sum | (l ^ r));
        std::hint::black_box(differences) == 0 && left.len() == right.len()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", Secret::new("swordfish")), "Secret");
    }

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("swordfish");
        assert!(secret.matches("swordfish"));
        assert!(!secret.matches("swordfisH") && !secret.matches("sword") && !secret.matches("swordfish1"));
    }
}
