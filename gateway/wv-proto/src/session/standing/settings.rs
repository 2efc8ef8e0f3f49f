//! What a standing session is told: by its server's row, and by its account.

use super::super::client::LoginWay;
use crate::primitive::capability::CirMethod;
use crate::primitive::function::{Feature, FunctionSet};
use crate::primitive::identifier::{ClientId, Password, SessionCookie, UserId};
use crate::version::Version;
use std::time::Duration;

/// What holds for every session at one server.
#[derive(Clone, Debug)]
pub struct StandingSettings {
    /// The version that is spoken.
    pub version: Version,
    /// How passwords are proved.
    pub way: LoginWay,
    /// The keep-alive time that is asked for.
    pub time_to_live: Duration,
    /// How often to poll where the server allows it and no channel wakes.
    pub poll_interval: Duration,
    /// The wake-up channels that are asked for.
    pub cir_methods: Vec<CirMethod>,
    /// The functions that are asked for.
    pub functions: FunctionSet,
    /// Waits and bounds.
    pub limits: StandingLimits,
}

impl StandingSettings {
    /// Settings of a version with default waits: presence and messages, polled every ten seconds.
    #[must_use]
    pub fn new(version: Version, way: LoginWay) -> Self {
        let functions = FunctionSet::of_feature(Feature::Fundamental)
            .union(FunctionSet::of_feature(Feature::Presence))
            .union(FunctionSet::of_feature(Feature::Message))
            .intersection(FunctionSet::of_version(version));
        Self {
            version,
            way,
            time_to_live: Duration::from_secs(3600),
            poll_interval: Duration::from_secs(10),
            cir_methods: Vec::new(),
            functions,
            limits: StandingLimits::default(),
        }
    }
}

/// Waits and bounds of a standing session.
#[derive(Clone, Debug)]
pub struct StandingLimits {
    /// First wait after a failure; it doubles with each.
    pub back_off_min: Duration,
    /// Longest wait after failures.
    pub back_off_max: Duration,
    /// Wait after a forced logout: somebody else may be at the account, and is not fought.
    pub forced_wait: Duration,
    /// A session that stood so long has settled: what went before it is forgiven.
    pub settled_after: Duration,
    /// How long an answer that did not come at once may come by a poll.
    pub answer_wait: Duration,
    /// Requests that wait; more are refused.
    pub queue_max: usize,
    /// Server-initiated transactions that are remembered to recognise repeated ones.
    pub seen_max: usize,
    /// Requests under way at once, whatever the server agrees to. One keeps what is said in order: with more, the second
    /// of two publications may come first.
    pub multi_trans_max: usize,
    /// How often a session with a wake-up channel polls all the same.
    pub channel_poll: Duration,
    /// Largest content that is taken, in octets.
    pub content_octets_max: u32,
    /// Largest message that is taken, in octets.
    pub parser_octets_max: u32,
}

impl Default for StandingLimits {
    fn default() -> Self {
        Self {
            back_off_min: Duration::from_secs(5),
            back_off_max: Duration::from_secs(300),
            forced_wait: Duration::from_secs(60),
            settled_after: Duration::from_secs(600),
            answer_wait: Duration::from_secs(20),
            queue_max: 64,
            seen_max: 16,
            multi_trans_max: 1,
            channel_poll: Duration::from_secs(300),
            content_octets_max: 256 * 1024,
            parser_octets_max: 1024 * 1024,
        }
    }
}

/// Who logs in.
#[derive(Clone, Debug)]
pub struct StandingAccount {
    /// The user.
    pub user_id: UserId,
    /// The client.
    pub client_id: ClientId,
    /// The cookie that wake-ups quote.
    pub session_cookie: SessionCookie,
    /// The password.
    pub password: Password,
}
