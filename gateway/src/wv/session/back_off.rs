//! Failed logins: whoever guesses has to wait, longer each time; whoever knows the password hardly notices.

use mapping::time::Timestamp;
use std::{collections::HashMap, net::IpAddr, time::Duration};

/// Who failed, and when the next attempt counts.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    tries: HashMap<Key, Tries>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// One account from one source: somebody guesses, or mistypes.
    Pair(Box<str>, IpAddr),
    /// One source, many accounts: somebody tries names.
    Source(IpAddr),
    /// One account, many sources: somebody has many machines.
    Account(Box<str>),
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    failures: u32,
    last: Timestamp,
    until: Timestamp,
}

/// How many failures cost nothing, and how long the waits become.
#[derive(Clone, Copy, Debug)]
struct Patience {
    free: u32,
    longest: Duration,
}

impl BackOff {
    /// How long this account has to wait before it may log in from there; none when it need not.
    // WV-ACC-03
    pub(super) fn wait(&self, now: Timestamp, user: &str, source: IpAddr) -> Option<Duration> {
        let waits = keys(user, source).into_iter().filter_map(|key| self.tries.get(&key));
        waits.map(|tries| now.until(tries.until)).max().filter(|wait| !wait.is_zero())
    }

    /// A login failed for want of proof.
    // WV-ACC-03
    pub(super) fn failed(&mut self, now: Timestamp, user: &str, source: IpAddr) {
        if self.tries.len() >= KEYS_MAX {
            self.tries.retain(|_, tries| now < tries.last.after(MEMORY));
        }
        for key in keys(user, source) {
            if self.tries.len() >= KEYS_MAX && !self.tries.contains_key(&key) {
                // So many at once cannot be remembered one by one; the budget of logins per source still holds.
                continue;
            }
            let patience = key.patience();
            let tries = self.tries.entry(key).or_insert(Tries { failures: 0, last: now, until: now });
            if now >= tries.last.after(MEMORY) {
                tries.failures = 0;
            }
            tries.failures = tries.failures.saturating_add(1);
            tries.last = now;
            if let Some(excess) = tries.failures.checked_sub(patience.free).filter(|excess| *excess > 0) {
                let wait = Duration::from_secs(1 << excess.min(16)).min(patience.longest);
                tries.until = now.after(wait);
            }
        }
    }

    /// A login succeeded: what this account did wrong from there is forgotten.
    pub(super) fn succeeded(&mut self, user: &str, source: IpAddr) {
        self.tries.remove(&Key::Pair(folded(user), source));
    }
}

impl Key {
    const fn patience(&self) -> Patience {
        match self {
            // People mistype three times.
            Self::Pair(..) => Patience { free: 3, longest: Duration::from_secs(300) },
            // Behind one address there may be many people.
            Self::Source(_) => Patience { free: 30, longest: Duration::from_secs(60) },
            // Short, so that nobody can be kept out of his own account for long.
            Self::Account(_) => Patience { free: 30, longest: Duration::from_secs(30) },
        }
    }
}

fn keys(user: &str, source: IpAddr) -> [Key; 3] {
    [Key::Pair(folded(user), source), Key::Source(source), Key::Account(folded(user))]
}

fn folded(user: &str) -> Box<str> {
    user.to_ascii_lowercase().into()
}

/// How long failures are remembered.
const MEMORY: Duration = Duration::from_secs(3600);

/// Accounts and sources that are remembered at once.
const KEYS_MAX: usize = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn wv_acc_03_the_fourth_failure_has_to_wait_and_each_more_waits_longer() {
        let mut back_off = BackOff::default();
        for _ in 0..3 {
            back_off.failed(at(0), "Alice@wv.example", HOME);
        }
        assert_eq!(back_off.wait(at(0), "alice@wv.example", HOME), None);
        back_off.failed(at(0), "alice@wv.example", HOME);
        assert_eq!(back_off.wait(at(0), "ALICE@wv.example", HOME), Some(Duration::from_secs(2)));
        back_off.failed(at(2), "alice@wv.example", HOME);
        assert_eq!(back_off.wait(at(2), "alice@wv.example", HOME), Some(Duration::from_secs(4)));
        assert_eq!(back_off.wait(at(6), "alice@wv.example", HOME), None);
        for _ in 0..40 {
            back_off.failed(at(10), "alice@wv.example", HOME);
        }
        assert_eq!(back_off.wait(at(10), "alice@wv.example", HOME), Some(Duration::from_secs(300)));
    }

    #[test]
    fn wv_acc_03_others_are_not_kept_out() {
        let mut back_off = BackOff::default();
        for _ in 0..10 {
            back_off.failed(at(0), "alice@wv.example", HOME);
        }
        assert_eq!(back_off.wait(at(0), "alice@wv.example", AWAY), None, "the account from elsewhere");
        assert_eq!(back_off.wait(at(0), "carol@wv.example", HOME), None, "another account from there");
        back_off.succeeded("alice@wv.example", HOME);
        assert_eq!(back_off.wait(at(0), "alice@wv.example", HOME), None);
    }

    #[test]
    fn wv_acc_03_who_tries_names_or_has_many_machines_has_to_wait_too() {
        let mut back_off = BackOff::default();
        for number in 0..40 {
            back_off.failed(at(0), &format!("user-{number}"), HOME);
        }
        assert_eq!(back_off.wait(at(0), "carol@wv.example", HOME), Some(Duration::from_secs(60)));
        let mut back_off = BackOff::default();
        for number in 0..100 {
            back_off.failed(at(0), "alice@wv.example", IpAddr::from([10, 0, 0, number]));
        }
        assert_eq!(back_off.wait(at(0), "alice@wv.example", AWAY), Some(Duration::from_secs(30)));
        assert_eq!(back_off.wait(at(4000), "alice@wv.example", AWAY), None);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut back_off = BackOff::default();
        for number in 0..30_000_u32 {
            back_off.failed(at(0), &format!("user-{number}"), IpAddr::from(number.to_be_bytes()));
        }
        assert!(back_off.tries.len() <= KEYS_MAX);
        back_off.failed(at(4000), "alice", HOME);
        assert_eq!(back_off.tries.len(), 3);
    }
}
