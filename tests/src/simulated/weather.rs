//! The network: what it loses, repeats, delays and cuts off.

use super::chance::Chance;
use std::{collections::BTreeMap, net::SocketAddr};

/// How the network behaves.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// Datagrams lost, in thousandths.
    pub loss: u64,
    /// Datagrams that arrive twice, in thousandths.
    pub duplication: u64,
    /// Things that take long and are overtaken, in thousandths.
    pub delay: u64,
    /// Streams that break with what they carry, in thousandths.
    pub breaking: u64,
    /// Whom the gateway cannot reach, nor they it, until when.
    pub parted: BTreeMap<SocketAddr, u64>,
}

impl Weather {
    /// Everything arrives, soon and once.
    pub fn clear_up(&mut self) {
        *self = Self::default();
    }

    /// Cuts somebody off until then.
    pub fn part(&mut self, whom: SocketAddr, until: u64) {
        self.parted.insert(whom, until);
    }

    /// When a datagram arrives, each time that it does.
    pub fn carry_datagram(&self, chance: &mut Chance, peer: SocketAddr, now: u64) -> Vec<u64> {
        if self.is_parted(peer, now) || chance.happens(self.loss) {
            return Vec::new();
        }
        let copies = if chance.happens(self.duplication) { 2 } else { 1 };
        (0..copies).map(|_| self.wait(chance)).collect()
    }

    /// When a message on a stream arrives; none when the stream breaks.
    pub fn carry_stream(&self, chance: &mut Chance, peer: SocketAddr, now: u64) -> Option<u64> {
        let breaks = self.is_parted(peer, now) || chance.happens(self.breaking);
        (!breaks).then(|| self.wait(chance))
    }

    fn is_parted(&self, peer: SocketAddr, now: u64) -> bool {
        self.parted.get(&peer).is_some_and(|until| *until > now)
    }

    fn wait(&self, chance: &mut Chance) -> u64 {
        if chance.happens(self.delay) { chance.between(100, 3_000) } else { chance.between(1, 40) }
    }
}
