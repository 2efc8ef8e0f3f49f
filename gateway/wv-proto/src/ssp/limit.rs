//! Every limit of an SSP session, with its default and the reason for it.

use std::time::Duration;

/// How long, how often, how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SspLimits {
    /// How long a set-up may take. The known server has no limit, which leaves its half for ever.
    pub setup_wait: Duration,
    /// How long a session is to last: what the known server says.
    pub time_to_live: Duration,
    /// How long after a refused call-back, or a refused answer to one, it is sent once more: longer than a store takes.
    pub repeat_pause: Duration,
    /// How long the answer to a transaction is awaited, after its post was taken (sessions §5).
    pub answer_wait: Duration,
    /// How often a transaction is posted. With the back-off that is a minute and a half.
    pub attempts_max: u32,
    /// Back-off after the n-th failure is n times this.
    pub backoff_step: Duration,
    /// Back-off between set-ups at the beginning; it doubles.
    pub setup_backoff_min: Duration,
    /// Back-off between set-ups at the end.
    pub setup_backoff_max: Duration,
    /// Transactions that wait; more are refused.
    pub queue_max: usize,
    /// Posts under way at once.
    pub posts_max: usize,
    /// Answers in one post; more begin the next. With 1 each goes by itself. Results of so many are 8 KiB.
    pub answers_per_post_max: usize,
    /// How long an answer may wait for others while answers are under way: nothing beside what a user notices.
    pub gather_wait: Duration,
    /// Transactions of the peer that are recognised when they come again.
    pub repetitions_max: usize,
    /// Sessions of one peer that are known at once: the newest, and those that it may still use.
    pub sessions_max: usize,
}

impl Default for SspLimits {
    fn default() -> Self {
        Self {
            setup_wait: Duration::from_secs(60),
            time_to_live: Duration::from_secs(86_400),
            repeat_pause: Duration::from_secs(1),
            answer_wait: Duration::from_secs(20),
            attempts_max: 5,
            backoff_step: Duration::from_secs(10),
            setup_backoff_min: Duration::from_secs(2),
            setup_backoff_max: Duration::from_secs(120),
            queue_max: 10_000,
            posts_max: 16,
            answers_per_post_max: 32,
            gather_wait: Duration::from_millis(20),
            repetitions_max: 512,
            sessions_max: 3,
        }
    }
}
