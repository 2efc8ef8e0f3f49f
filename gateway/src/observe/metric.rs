//! The metrics of the gateway: every name, its description and its labels stand here, and nowhere else.

use std::time::Duration;

/// Counts a commit of the store: how many batches, how long, and whether they were kept.
pub fn store_commit(batches: usize, took: Duration, kept: bool) {
    let result = if kept { "kept" } else { "failed" };
    metrics::counter!(STORE_COMMITS, "result" => result).increment(1);
    if kept {
        metrics::counter!(STORE_BATCHES).increment(u64::try_from(batches).unwrap_or(u64::MAX));
        metrics::histogram!(STORE_COMMIT_SECONDS).record(took.as_secs_f64());
    }
}

const STORE_COMMITS: &str = "gateway_store_commits_total";
const STORE_BATCHES: &str = "gateway_store_batches_total";
const STORE_COMMIT_SECONDS: &str = "gateway_store_commit_seconds";
