//! The waits of one shard.

use crate::{address::Address, event::SubscriptionId, message::MessageId, side::Endpoint, time::Timestamp};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What a wait is for. One wait per value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Parts of a request did not come in.
    Gather(u64),
    /// A sender's answer was held long enough: owner of the relay, its number.
    AnswerWait(Address, u64),
    /// An attempt got no answer.
    Attempt(Address, u64),
    /// Time for another attempt.
    Retry(Address, u64),
    /// A message has lost its value.
    Expiry(Address, u64),
    /// Repetitions of messages of this sender are no longer recognised.
    Origin(Address),
    /// A report is not fetched, or not coming: sender, message, recipient.
    Report(Address, MessageId, Address),
    /// The operator's word is out of date: user, its name.
    Announcement(Address, Arc<str>),
    /// A view may be sent again: watcher, presentity, endpoint.
    Notify(Address, Address, Endpoint),
    /// Nothing is known about the presentity so far: watcher, presentity, endpoint.
    FirstView(Address, Address, Endpoint),
    /// A back-end entry's wait: presentity, watcher.
    Entry(Address, Address),
    /// A one-time look got no answer.
    Fetch(SubscriptionId),
    /// The next back-end subscriptions may start.
    Ramp,
    /// Nobody answered a question: presentity, watcher.
    Question(Address, Address),
    /// A conversation was empty long enough.
    EmptyConversation(Address),
    /// An invitation is void: invitee, inviter, its name.
    Invitation(Address, Address, String),
    /// Nobody answered an invitation, or fetched its answer: inviter, its name, invitee.
    Sent(Address, String, Address),
}

/// All waits, by time and by what they are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    /// By their ends, and among those of one end by their beginnings.
    by_time: BTreeMap<(Timestamp, u64), Timer>,
    by_timer: HashMap<Timer, (Timestamp, u64)>,
    begun: u64,
}

impl Timers {
    /// Starts or moves a wait.
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.begun = self.begun.wrapping_add(1);
        let place = (at, self.begun);
        if let Some(old) = self.by_timer.insert(timer.clone(), place) {
            self.by_time.remove(&old);
        }
        self.by_time.insert(place, timer);
    }

    pub(crate) fn clear(&mut self, timer: &Timer) {
        if let Some(place) = self.by_timer.remove(timer) {
            self.by_time.remove(&place);
        }
    }

    pub(crate) fn is_set(&self, timer: &Timer) -> bool {
        self.by_timer.contains_key(timer)
    }

    /// Takes the earliest wait that is over.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        if self.next_due()? > now {
            return None;
        }
        let (_, timer) = self.by_time.pop_first()?;
        self.by_timer.remove(&timer);
        Some(timer)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first_key_value().map(|((at, _), _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_wait_fires_once_at_its_new_time() {
        let mut timers = Timers::default();
        timers.set(Timer::Ramp, Timestamp::from_secs(1));
        timers.set(Timer::Ramp, Timestamp::from_secs(2));
        assert_eq!(timers.next_due(), Some(Timestamp::from_secs(2)));
        assert_eq!(timers.pop_due(Timestamp::from_secs(1)), None);
        assert_eq!(timers.pop_due(Timestamp::from_secs(2)), Some(Timer::Ramp));
        assert_eq!(timers.next_due(), None);
    }
}
