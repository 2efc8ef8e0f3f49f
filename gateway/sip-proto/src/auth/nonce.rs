//! Nonces that prove their own age, and the memory of the counts used with them.

use super::digest::to_hex;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;
use subtle::ConstantTimeEq;

/// Makes and recognises nonces.
///
/// A nonce is the time, a serial number and the keyed hash of both: one that is not used costs no memory.
pub(super) struct NonceKeeper {
    key: [u8; 32],
    lifetime: Duration,
    /// Nonces whose counts are remembered, at most.
    capacity: usize,
    serial: u64,
    /// Serial numbers below this were forgotten while they could still be used; they count as stale.
    floor: u64,
    used: BTreeMap<u64, Usage>,
}

/// The counts that were used with a nonce: the largest, and which of the 64 before it.
struct Usage {
    largest: u32,
    window: u64,
    end: Timestamp,
}

/// What a nonce turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Made here and young enough.
    Fresh(Nonce),
    /// Made here, but too old or forgotten; or not made here.
    Stale,
}

/// A nonce of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonce {
    serial: u64,
    end: Timestamp,
}

/// Whether a count may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    New,
    Replayed,
}

impl NonceKeeper {
    pub(super) fn new(key: [u8; 32], lifetime: Duration, capacity: usize) -> Self {
        Self { key, lifetime, capacity: capacity.max(1), serial: 0, floor: 0, used: BTreeMap::new() }
    }

    pub(super) fn mint(&mut self, now: Timestamp) -> String {
        self.serial = self.serial.wrapping_add(1);
        let mut octets = [0_u8; 32];
        let (made, rest) = octets.split_at_mut(8);
        let (serial, proof) = rest.split_at_mut(8);
        made.copy_from_slice(&now.as_millis().to_be_bytes());
        serial.copy_from_slice(&self.serial.to_be_bytes());
        proof.copy_from_slice(&self.proof(now.as_millis(), self.serial));
        to_hex(&octets)
    }

    pub(super) fn examine(&self, now: Timestamp, text: &str) -> Standing {
        let number = |at: usize| {
            let digits = text.get(at..at.checked_add(16)?)?;
            u64::from_str_radix(digits, 16).ok()
        };
        let (Some(made), Some(serial), Some(proof)) = (number(0), number(16), text.get(32..)) else {
            return Standing::Stale;
        };
        let expected = to_hex(&self.proof(made, serial));
        let is_ours = bool::from(proof.as_bytes().ct_eq(expected.as_bytes()));
        let end = Timestamp::from_millis(made).after(self.lifetime);
        if is_ours && now < end && serial >= self.floor {
            Standing::Fresh(Nonce { serial, end })
        } else {
            Standing::Stale
        }
    }

    /// Notes a count; to be asked only after the response proved right.
    // Counts may arrive out of order, but none twice.
    // RFC 7616 §3.4
    pub(super) fn note(&mut self, nonce: Nonce, count: u32) -> Count {
        if let Some(usage) = self.used.get_mut(&nonce.serial) {
            return usage.note(count);
        }
        if self.used.len() >= self.capacity
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.floor = self.floor.max(oldest.saturating_add(1));
        }
        self.used.insert(nonce.serial, Usage { largest: count, window: 0, end: nonce.end });
        Count::New
    }

    /// Forgets nonces that are too old to be used.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.used.retain(|_, usage| now < usage.end);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.used.len()
    }

    /// The first half of HMAC-SHA-256 (RFC 2104) over time and serial number.
    fn proof(&self, made: u64, serial: u64) -> [u8; 16] {
        let pad = |with: u8| {
            let mut block = [with; 64];
            block.iter_mut().zip(self.key).for_each(|(octet, key)| *octet ^= key);
            block
        };
        let inner = Sha256::new()
            .chain_update(pad(0x36))
            .chain_update(made.to_be_bytes())
            .chain_update(serial.to_be_bytes())
            .finalize();
        let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        let mut proof = [0; 16];
        proof.iter_mut().zip(outer).for_each(|(octet, value)| *octet = value);
        proof
    }
}

impl Usage {
    fn note(&mut self, count: u32) -> Count {
        if count > self.largest {
            let step = count.saturating_sub(self.largest);
            // The largest so far becomes one of those before.
            self.window =
                self.window.checked_shl(step).unwrap_or(0) | 1_u64.checked_shl(step.saturating_sub(1)).unwrap_or(0);
            self.largest = count;
            return Count::New;
        }
        let behind = self.largest.saturating_sub(count);
        let bit = behind.checked_sub(1).and_then(|behind| 1_u64.checked_shl(behind));
        match bit {
            Some(bit) if self.window & bit == 0 => {
                self.window |= bit;
                Count::New
            }
            Some(_) | None => Count::Replayed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(capacity: usize) -> NonceKeeper {
        NonceKeeper::new([7; 32], Duration::from_secs(60), capacity)
    }

    fn fresh(keeper: &mut NonceKeeper, now: Timestamp) -> Nonce {
        let text = keeper.mint(now);
        match keeper.examine(now, &text) {
            Standing::Fresh(nonce) => nonce,
            Standing::Stale => panic!("stale"),
        }
    }

    #[test]
    fn nonces_age_and_cannot_be_made_up() {
        let mut keeper = keeper(4);
        let now = Timestamp::from_secs(1000);
        let text = keeper.mint(now);
        assert_ne!(text, keeper.mint(now));
        assert!(matches!(keeper.examine(Timestamp::from_secs(1059), &text), Standing::Fresh(_)));
        assert_eq!(keeper.examine(Timestamp::from_secs(1060), &text), Standing::Stale);
        let forged = format!("{:016x}{}", 2_000_000, &text[16..]);
        assert_eq!(keeper.examine(now, &forged), Standing::Stale);
        for odd in ["", "zz", "ü", &text[..40], &"0".repeat(64)] {
            assert_eq!(keeper.examine(now, odd), Standing::Stale);
        }
        assert_eq!(NonceKeeper::new([8; 32], Duration::from_secs(60), 4).examine(now, &text), Standing::Stale);
    }

    #[test]
    fn counts_may_come_out_of_order_but_none_twice() {
        let mut keeper = keeper(4);
        let nonce = fresh(&mut keeper, Timestamp::EPOCH);
        let mut note = |count| keeper.note(nonce, count);
        for count in [1, 2, 5, 4, 3, 100, 50, 37, 36] {
            assert_eq!(note(count), Count::New, "{count}");
        }
        for count in [1, 2, 3, 4, 5, 35, 36, 37, 50, 100] {
            assert_eq!(note(count), Count::Replayed, "{count}");
        }
    }

    #[test]
    fn a_full_table_makes_the_oldest_stale_and_replays_nothing() {
        let mut keeper = keeper(2);
        let texts: Vec<String> = (0..3).map(|_| keeper.mint(Timestamp::EPOCH)).collect();
        for text in &texts {
            let Standing::Fresh(nonce) = keeper.examine(Timestamp::EPOCH, text) else { panic!("stale") };
            assert_eq!(keeper.note(nonce, 1), Count::New);
        }
        assert_eq!(keeper.examine(Timestamp::EPOCH, &texts[0]), Standing::Stale);
        assert_eq!(keeper.len(), 2);
        keeper.expire(Timestamp::from_secs(60));
        assert_eq!(keeper.len(), 0);
    }
}
