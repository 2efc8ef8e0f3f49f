//! The limits of the session machines, each with its default and the reason for it.

use std::time::Duration;

/// Longest keep-alive time that any configuration may grant: one day, what the most patient known client asks for.
pub const KEEP_ALIVE_CEILING: Duration = Duration::from_secs(86_400);

/// Longest time that a poll may be held: the least patient known client gives one up after 20 s, and some time goes on the
/// way.
pub const LONG_POLL_CEILING: Duration = Duration::from_secs(14);

/// What bounds one server session and the logins before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Longest keep-alive time granted; longer wishes are cut to it. Never above [`KEEP_ALIVE_CEILING`].
    pub keep_alive_max: Duration,
    /// Shortest keep-alive time granted: below it the clients could not poll often enough to stay alive.
    pub keep_alive_min: Duration,
    /// Keep-alive time granted to a client that asks for none.
    pub keep_alive_default: Duration,
    /// Shortest time between the keep-alive running out and the session being given up.
    pub grace_min: Duration,
    /// How long an unanswered challenge is remembered.
    pub challenge_life: Duration,
    /// Challenges remembered at once; the oldest makes room, so that logins that never end cannot fill the memory.
    pub challenges_max: usize,
    /// Messages of one client that may wait for their answers at once; more are answered 503.
    pub posts_max: usize,
    /// How long the owner may take to answer a request before the machine answers 504 in its place. Below the reply
    /// time of the least patient known client, 40 s, by a wide margin.
    pub answer_wait: Duration,
    /// Answers kept to be repeated when a request is sent again.
    pub replays_max: usize,
    /// How long an answer is kept to be repeated; longer than a client takes to come round to the same id.
    pub replay_life: Duration,
    /// Server-initiated primitives that may wait for one client; beyond it presence is shed first.
    pub queue_max: usize,
    /// How long a client has to answer a server-initiated transaction before it is sent again.
    pub sent_life: Duration,
    /// How soon after sending a poll is taken as a sign that the client did not get the transaction. Clients poll in
    /// parallel with their acknowledgement when the Poll flag told them to.
    pub resend_after: Duration,
    /// How often one server-initiated transaction is sent again under the same id.
    pub resends_max: u8,
    /// How many ids a message is tried under before it goes back to the owner.
    pub renamings_max: u8,
    /// Most server-initiated transactions open at once, whatever the client announces.
    pub multi_trans_max: u16,
    /// Answers in slices that lie ready for one client at once; the oldest makes room.
    pub segmented_max: usize,
    /// How long slices lie ready; long enough for a slow bearer.
    pub segmented_life: Duration,
    /// Slices of one answer; more means that the client's parser is too small for it.
    pub slices_max: usize,
    /// Closed sessions that are remembered to be answered 600 or 601 instead of 604.
    pub closed_max: usize,
    /// How long a closed session is remembered.
    pub closed_life: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            keep_alive_max: KEEP_ALIVE_CEILING,
            keep_alive_min: Duration::from_secs(30),
            keep_alive_default: Duration::from_secs(3600),
            grace_min: Duration::from_secs(60),
            challenge_life: Duration::from_secs(60),
            challenges_max: 10_000,
            posts_max: 8,
            answer_wait: Duration::from_secs(20),
            replays_max: 4,
            replay_life: Duration::from_secs(300),
            queue_max: 1000,
            sent_life: Duration::from_secs(60),
            resend_after: Duration::from_secs(2),
            resends_max: 2,
            renamings_max: 3,
            multi_trans_max: 10,
            segmented_max: 4,
            segmented_life: Duration::from_secs(600),
            slices_max: 1000,
            closed_max: 10_000,
            closed_life: Duration::from_secs(3600),
        }
    }
}
