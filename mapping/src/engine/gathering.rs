//! Requests in parts: their beginning, and their answer.

use crate::{
    address::Address,
    engine::{Engine, timer::Timer, user::Progress},
    gather::{Gather, Purpose, Settled},
    outcome::Outcome,
    side::Side,
};
use std::time::Duration;

impl Engine {
    /// Holds the answer until all parts are in, at most for `wait`.
    pub(super) fn hold(&mut self, number: u64, gather: Gather, wait: Duration) {
        self.timers.set(Timer::Gather(number), self.now.after(wait));
        self.gathers.insert(number, gather);
    }

    /// One part came in.
    pub(super) fn part_settled(&mut self, ticket: u64, target: &Address, outcome: Outcome) {
        let Some(gather) = self.gathers.get_mut(&ticket) else { return };
        let outcome = match (&gather.purpose, outcome) {
            // The store took it after the wait: how that is called is the matter of the sender's side.
            (Purpose::Send { endpoint, .. }, Outcome::Stored) => {
                let [wv, simple] = &self.config.profiles;
                match endpoint.side {
                    Side::Wv => wv.late_outcome,
                    Side::Simple => simple.late_outcome,
                }
            }
            (_, outcome) => outcome,
        };
        if gather.settle(target, outcome) == Settled::Counted {
            self.complete(ticket);
        }
    }

    /// The parts that are missing will not be waited for.
    pub(super) fn gather_over(&mut self, number: u64) {
        if let Some(gather) = self.gathers.get_mut(&number) {
            self.output.correlation = gather.correlation;
            gather.give_up(Outcome::Timeout);
        }
        self.complete(number);
    }

    /// Answers when all parts are in.
    pub(super) fn complete(&mut self, number: u64) {
        if !self.gathers.get(&number).is_some_and(Gather::is_complete) {
            return;
        }
        let Some(gather) = self.gathers.remove(&number) else { return };
        self.timers.clear(&Timer::Gather(number));
        let answer = gather.to_answer();
        if let Purpose::Send { origin, .. } = &gather.purpose
            && let Some(known) = self.users.get_mut(&gather.user).and_then(|user| user.origins.get_mut(origin))
        {
            // Where a shard said nothing, a repetition asks again under the same name.
            known.progress = if gather.is_partial { Progress::Known } else { Progress::Answered(answer.clone()) };
        }
        if let Purpose::Send { forwards: Some(stored), .. } = &gather.purpose
            && gather.details.iter().any(|part| part.outcome.is_success())
        {
            self.forwarded(&gather.user, stored);
        }
        for request in &gather.requests {
            self.output.answer(*request, answer.clone());
        }
        if let Purpose::Watch { endpoint } = &gather.purpose {
            self.release_watches(&gather.user, endpoint, number, &gather.details);
        }
    }
}
