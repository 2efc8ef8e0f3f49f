//! The generator behind identifiers and jitter: xoroshiro128++ from a seed that the owner draws.

use crate::message::MessageId;
use std::time::Duration;

/// Deterministic random numbers: same seed, same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random([u64; 2]);

impl Random {
    pub(crate) const fn new(seed: [u64; 2]) -> Self {
        // All zeroes is the one state the generator never leaves.
        if seed[0] == 0 && seed[1] == 0 { Self([0x9e37_79b9_7f4a_7c15, 1]) } else { Self(seed) }
    }

    pub(crate) const fn next(&mut self) -> u64 {
        let [s0, mut s1] = self.0;
        let number = s0.wrapping_add(s1).rotate_left(17).wrapping_add(s0);
        s1 ^= s0;
        self.0 = [s0.rotate_left(49) ^ s1 ^ (s1 << 21), s1.rotate_left(28)];
        number
    }

    /// A name for a message (messaging: names of messages): its place in the order of acceptance, then 64 bits, in
    /// hexadecimal.
    pub(crate) fn message_id(&mut self, place: u64) -> MessageId {
        MessageId::new(&format!("{place:016x}{:016x}", self.next()))
    }

    /// The wait moved by at most a fifth in either direction.
    pub(crate) fn jitter(&mut self, wait: Duration) -> Duration {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let span = (millis / 5).saturating_mul(2).saturating_add(1);
        Duration::from_millis(millis.saturating_sub(millis / 5).saturating_add(self.next() % span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_fifth() {
        let mut random = Random::new([0, 0]);
        for _ in 0..1000 {
            let wait = random.jitter(Duration::from_secs(30));
            assert!(wait >= Duration::from_secs(24) && wait <= Duration::from_secs(36), "{wait:?}");
        }
    }

    #[test]
    fn same_seed_gives_same_identifiers() {
        let (mut one, mut two) = (Random::new([7, 9]), Random::new([7, 9]));
        assert_eq!(one.message_id(7), two.message_id(7));
        assert_ne!(one.message_id(7), one.message_id(7));
        assert_eq!(one.message_id(7).as_str().len(), 32);
    }
}
