//! Points in time as the machines see them, always an argument, and the order in which they fall due.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The beginning of the scale.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This point moved later; stays at the end of the scale instead of overflowing.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long until `later`; zero when it has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }

    /// Whole seconds until `later`, rounded up so that a lease that still runs never reads as over; zero when it has passed.
    #[must_use]
    pub fn seconds_until(self, later: Self) -> u32 {
        u32::try_from(later.0.saturating_sub(self.0).div_ceil(1000)).unwrap_or(u32::MAX)
    }
}

/// The deadlines of many machines in one order; each key has at most one.
///
/// An owner of thousands of machines keeps one of these, calls [`DeadlineQueue::set`] after every input to a machine and
/// [`DeadlineQueue::pop_due`] on its own timer.
#[derive(Clone, Debug)]
pub struct DeadlineQueue<K> {
    order: BTreeSet<(Timestamp, K)>,
    current: HashMap<K, Timestamp>,
}

impl<K: Clone + Ord + Hash> DeadlineQueue<K> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self { order: BTreeSet::new(), current: HashMap::new() }
    }

    /// Replaces the deadline of a key; `None` removes it.
    pub fn set(&mut self, key: K, deadline: Option<Timestamp>) {
        let before = match deadline {
            Some(at) => self.current.insert(key.clone(), at),
            None => self.current.remove(&key),
        };
        if before == deadline {
            return;
        }
        if let Some(at) = before {
            self.order.remove(&(at, key.clone()));
        }
        if let Some(at) = deadline {
            self.order.insert((at, key));
        }
    }

    /// Takes the earliest key whose deadline is not after `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<K> {
        if self.order.first()?.0 > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.current.remove(&key);
        Some(key)
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }
}

/// The same where each machine's owner keeps the place of the machine among the deadlines beside it.
#[derive(Clone, Debug)]
pub struct DeadlineSet<K>(BTreeSet<(Timestamp, K)>);

impl<K: Clone + Ord> DeadlineSet<K> {
    /// Moves a key from the deadline that it has to the one that it wants.
    pub fn shift(&mut self, key: &K, has: &mut Option<Timestamp>, wants: Option<Timestamp>) {
        if *has == wants {
            return;
        }
        if let Some(at) = has.take() {
            self.0.remove(&(at, key.clone()));
        }
        if let Some(at) = wants {
            self.0.insert((at, key.clone()));
        }
        *has = wants;
    }

    /// Takes the earliest key whose deadline is not after `now`; whoever keeps its place notes that it has none.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<K> {
        if self.0.first()?.0 > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }
}

impl<K> Default for DeadlineSet<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Clone + Ord + Hash> Default for DeadlineQueue<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_out_in_order_and_only_when_due() {
        let mut queue = DeadlineQueue::new();
        queue.set(1_u8, Some(Timestamp::from_millis(30)));
        queue.set(2, Some(Timestamp::from_millis(10)));
        queue.set(3, Some(Timestamp::from_millis(20)));
        queue.set(3, None);
        queue.set(1, Some(Timestamp::from_millis(15)));
        assert_eq!(queue.next(), Some(Timestamp::from_millis(10)));
        assert_eq!(queue.pop_due(Timestamp::from_millis(9)), None);
        assert_eq!(queue.pop_due(Timestamp::from_millis(15)), Some(2));
        assert_eq!(queue.pop_due(Timestamp::from_millis(15)), Some(1));
        assert_eq!(queue.pop_due(Timestamp::from_millis(99)), None);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn a_set_follows_the_places_that_their_owners_keep() {
        let (mut set, mut places) = (DeadlineSet::default(), [None; 3]);
        for (key, at) in [(0_usize, 30), (1, 10), (2, 20), (0, 15)] {
            set.shift(&key, &mut places[key], Some(Timestamp::from_millis(at)));
        }
        set.shift(&2, &mut places[2], None);
        assert_eq!((set.next(), places[2]), (Some(Timestamp::from_millis(10)), None));
        assert_eq!(set.pop_due(Timestamp::from_millis(9)), None);
        assert_eq!(set.pop_due(Timestamp::from_millis(15)), Some(1));
        assert_eq!(set.pop_due(Timestamp::from_millis(15)), Some(0));
        assert_eq!((set.pop_due(Timestamp::from_millis(99)), set.next()), (None, None));
    }

    #[test]
    fn remaining_seconds_round_up() {
        let now = Timestamp::from_millis(1);
        assert_eq!(now.seconds_until(Timestamp::from_millis(1002)), 2);
        assert_eq!(now.seconds_until(Timestamp::from_millis(1001)), 1);
        assert_eq!(now.seconds_until(Timestamp::EPOCH), 0);
    }
}
