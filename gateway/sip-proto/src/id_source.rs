//! Where tags, branches and Call-IDs come from: a seeded generator, so that the crate itself holds no randomness.

use crate::message::header::identifier::{Branch, CallId, EntityTag, Tag};
use crate::message::text::Text;
use sha2::{Digest, Sha256};

/// Makes identifiers that carry a prefix of the caller's (a lane number, say) and cannot be guessed without the seed.
#[derive(Clone)]
pub struct IdSource {
    prefix: Box<str>,
    seed: [u8; 32],
    counter: u64,
}

/// Why a prefix is refused: it is empty, longer than eight characters, or not made of letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identifier prefix is one to eight ASCII letters and digits")]
pub struct BadPrefix;

impl IdSource {
    /// A source with a prefix of one to eight letters and digits and a seed that must be fresh for every start of the process.
    ///
    /// # Errors
    /// [`BadPrefix`] for any other prefix.
    pub fn new(prefix: &str, seed: [u8; 32]) -> Result<Self, BadPrefix> {
        if prefix.is_empty() || prefix.len() > 8 || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(BadPrefix);
        }
        Ok(Self { prefix: prefix.into(), seed, counter: 0 })
    }

    // RFC 3261 §19.3
    /// A tag for From or To: globally unique and with at least 32 bits that nobody can guess.
    pub fn tag(&mut self) -> Tag {
        let text = self.mint("", 16);
        #[expect(clippy::expect_used, reason = "letters, digits and a hyphen are a token")]
        Tag::from_text(text).expect("letters, digits and a hyphen are a token")
    }

    // RFC 3261 §8.1.1.7
    /// A branch for a Via: unique over space and time, with the cookie of RFC 3261.
    pub fn branch(&mut self) -> Branch {
        let text = self.mint(Branch::COOKIE, 16);
        #[expect(clippy::expect_used, reason = "letters, digits and a hyphen are a token")]
        Branch::from_text(text).expect("letters, digits and a hyphen are a token")
    }

    // RFC 3261 §8.1.1.4
    /// A Call-ID without host part.
    pub fn call_id(&mut self) -> CallId {
        let text = self.mint("", 26);
        #[expect(clippy::expect_used, reason = "letters, digits and a hyphen are a token")]
        CallId::from_text(text).expect("letters, digits and a hyphen are a token")
    }

    // RFC 3261 §8.1.3.5
    /// The Call-ID of everything that is tried again under the same name, also after a restart and by a source with
    /// another seed. Whoever knows the name knows the Call-ID.
    #[must_use]
    pub fn call_id_of(&self, name: &str) -> CallId {
        let text = self.spell("", 26, &Sha256::digest(name));
        #[expect(clippy::expect_used, reason = "letters, digits and a hyphen are a token")]
        CallId::from_text(text).expect("letters, digits and a hyphen are a token")
    }

    // RFC 3261 §8.1.3.5
    /// The tag that goes with [`IdSource::call_id_of`] the same name.
    #[must_use]
    pub fn tag_of(&self, name: &str) -> Tag {
        let digest = Sha256::new().chain_update("tag ").chain_update(name).finalize();
        let text = self.spell("", 16, &digest);
        #[expect(clippy::expect_used, reason = "letters, digits and a hyphen are a token")]
        Tag::from_text(text).expect("letters, digits and a hyphen are a token")
    }

    // RFC 3903 §8.1
    /// An entity-tag that never repeats one given before.
    pub fn entity_tag(&mut self) -> EntityTag {
        let text = self.mint("", 16);
        #[expect(clippy::expect_used, reason = "letters, digits and a hyphen are a token")]
        EntityTag::from_text(text).expect("letters, digits and a hyphen are a token")
    }

    /// The prefix inside an identifier that some source minted; nothing for a foreign identifier without one.
    #[must_use]
    pub fn prefix_of(identifier: &str) -> Option<&str> {
        let rest = identifier.strip_prefix(Branch::COOKIE).unwrap_or(identifier);
        let (prefix, random) = rest.split_once('-')?;
        let known = !prefix.is_empty() && prefix.len() <= 8 && random.len() >= 16;
        known.then_some(prefix)
    }

    fn mint(&mut self, before: &str, length: usize) -> Text {
        self.counter = self.counter.wrapping_add(1);
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
        self.spell(before, length, &digest)
    }

    /// Prefix and as many letters of the digest.
    fn spell(&self, before: &str, length: usize, digest: &[u8]) -> Text {
        let random = digest.iter().map(|byte| ALPHABET.get(usize::from(byte & 31)).copied().unwrap_or(b'0'));
        let mut text = String::with_capacity(
            length.saturating_add(before.len()).saturating_add(self.prefix.len()).saturating_add(1),
        );
        text.push_str(before);
        text.push_str(&self.prefix);
        text.push('-');
        text.extend(random.take(length).map(char::from));
        Text::from(text)
    }
}

impl std::fmt::Debug for IdSource {
    /// Prints the prefix only: whoever knows the seed can forge dialogs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("IdSource").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_carry_the_prefix_and_never_repeat() {
        let mut source = IdSource::new("7", [1; 32]).unwrap();
        let (first, second) = (source.branch(), source.branch());
        assert_ne!(first, second);
        assert!(first.is_unique() && first.as_str().starts_with("z9hG4bK7-"));
        assert_eq!(IdSource::prefix_of(first.as_str()), Some("7"));
        assert_eq!(IdSource::prefix_of(source.call_id().as_str()), Some("7"));
        assert_eq!(IdSource::prefix_of("z9hG4bKfree"), None);
    }

    #[test]
    fn a_name_gives_the_same_call_id_from_any_seed() {
        let (one, two) = (IdSource::new("7", [1; 32]).unwrap(), IdSource::new("7", [2; 32]).unwrap());
        assert_eq!(one.call_id_of("m1 sip:a@b"), two.call_id_of("m1 sip:a@b"));
        assert_eq!(one.tag_of("m1 sip:a@b"), two.tag_of("m1 sip:a@b"));
        assert_ne!(one.call_id_of("m1 sip:a@b"), one.call_id_of("m2 sip:a@b"));
        assert_eq!(IdSource::prefix_of(one.call_id_of("m1").as_str()), Some("7"));
    }

    #[test]
    fn equal_seeds_give_equal_identifiers() {
        let mut one = IdSource::new("a", [9; 32]).unwrap();
        let mut two = IdSource::new("a", [9; 32]).unwrap();
        assert_eq!(one.tag(), two.tag());
        assert_ne!(IdSource::new("a", [8; 32]).unwrap().tag(), two.tag());
    }

    #[test]
    fn a_prefix_that_could_break_a_header_is_refused() {
        for prefix in ["", "a-b", "\r\n", "ninechars"] {
            assert_eq!(IdSource::new(prefix, [0; 32]).err(), Some(BadPrefix));
        }
    }
}
