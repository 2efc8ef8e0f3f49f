//! A quick hash for names that a program mints itself. Nobody else chooses what is put under them, so nobody can make
//! them collide; for other names it is no hash to use.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// A map whose keys the program mints.
pub type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// Multiplies and turns; the same in every run.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuickHasher(u64);

impl QuickHasher {
    const fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, octets: &[u8]) {
        let (words, rest) = octets.as_chunks::<8>();
        words.iter().for_each(|word| self.add(u64::from_le_bytes(*word)));
        let rest = rest.iter().fold(0, |word, octet| (word << 8) | u64::from(*octet));
        self.add(rest);
    }

    fn write_u8(&mut self, octet: u8) {
        self.add(u64::from(octet));
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }

    fn finish(&self) -> u64 {
        // Tables look at the lowest and at the highest bits.
        (self.0 ^ (self.0 >> 32)).wrapping_mul(FACTOR)
    }
}

/// The golden ratio in 64 bits, odd.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, hash::BuildHasher as _};

    #[test]
    fn numbers_and_texts_in_a_row_are_spread() {
        let builder = BuildHasherDefault::<QuickHasher>::default();
        let spread = |hashes: Vec<u64>| {
            let low: HashSet<u64> = hashes.iter().map(|hash| hash % 4096).collect();
            let high: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            (low.len(), high.len())
        };
        for (low, high) in [
            spread((0..4096_u64).map(|number| builder.hash_one(number)).collect()),
            spread((0..4096_u64).map(|number| builder.hash_one(format!("0-{number:032x}"))).collect()),
        ] {
            assert!(low > 2400 && high == 128, "{low} of 4096, {high} of 128");
        }
    }
}
