//! Where random octets come from: an argument, as time is (STYLE section 3).

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A source of random octets. Clones draw from the same source.
#[derive(Clone, Debug, Default)]
pub struct Entropy(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    /// The operating system.
    #[default]
    System,
    /// Octets that follow from a number.
    Sequence(Arc<AtomicU64>),
}

impl Entropy {
    /// The randomness of the operating system.
    #[must_use]
    pub const fn of_system() -> Self {
        Self(Source::System)
    }

    /// Octets that all follow from the seed, so that a run can be repeated. Whoever knows the seed knows every nonce and
    /// identifier: never where strangers can connect.
    #[must_use]
    pub fn insecure_of_seed(seed: u64) -> Self {
        Self(Source::Sequence(Arc::new(AtomicU64::new(seed))))
    }

    /// Fills the octets.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn fill(&self, octets: &mut [u8]) -> io::Result<()> {
        match &self.0 {
            Source::System => getrandom::fill(octets).map_err(io::Error::from),
            Source::Sequence(state) => {
                for chunk in octets.chunks_mut(8) {
                    let word = split_mix(state.fetch_add(GOLDEN, Ordering::Relaxed)).to_be_bytes();
                    chunk.iter_mut().zip(word).for_each(|(octet, random)| *octet = random);
                }
                Ok(())
            }
        }
    }

    /// A random word.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn word(&self) -> io::Result<u64> {
        let mut octets = [0; 8];
        self.fill(&mut octets)?;
        Ok(u64::from_be_bytes(octets))
    }
}

/// SplitMix64.
const fn split_mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_octets_again() {
        let draw = |seed| {
            let entropy = Entropy::insecure_of_seed(seed);
            let mut octets = [0; 21];
            entropy.fill(&mut octets).unwrap();
            (octets, entropy.word().unwrap())
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn the_system_gives_other_octets_each_time() {
        let entropy = Entropy::of_system();
        assert_ne!(entropy.word().unwrap(), entropy.word().unwrap());
    }
}
