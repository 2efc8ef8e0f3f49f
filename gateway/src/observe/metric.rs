//! The metrics of the gateway: every name, its description and its labels stand here, and nowhere else. Labels come from
//! closed sets; never an address.

use mapping::side::Side;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::time::Duration;

/// The recorder and the end from which it is read. One for each process; in tests one for each test.
#[must_use]
pub fn recorder() -> (PrometheusRecorder, PrometheusHandle) {
    let builder =
        [STORE_COMMIT_SECONDS, REQUEST_SECONDS].into_iter().try_fold(PrometheusBuilder::new(), |builder, name| {
            builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), SECONDS)
        });
    // Refused only when there is no bucket at all.
    let recorder = builder.unwrap_or_default().build_recorder();
    let handle = recorder.handle();
    (recorder, handle)
}

/// Makes the recorder that of the process and describes all metrics.
///
/// # Errors
/// When the process has one already.
pub fn install() -> Result<PrometheusHandle, AlreadyInstalled> {
    let (recorder, handle) = recorder();
    metrics::set_global_recorder(recorder).map_err(|_| AlreadyInstalled)?;
    describe();
    Ok(handle)
}

/// The process has a recorder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metrics were set up already")]
pub struct AlreadyInstalled;

/// Describes all metrics to the recorder in force.
pub fn describe() {
    for (name, about) in COUNTERS {
        metrics::describe_counter!(*name, *about);
    }
    for (name, about) in HISTOGRAMS {
        metrics::describe_histogram!(*name, metrics::Unit::Seconds, *about);
    }
    metrics::describe_gauge!(OPEN, OPEN_ABOUT);
    metrics::describe_gauge!(SHARD, SHARD_ABOUT);
    metrics::describe_gauge!(PEERS_UP, PEERS_UP_ABOUT);
}

/// Counts a message of a protocol that came in or went out, with its octets.
pub fn message(side: Side, direction: super::Direction, octets: usize) {
    Traffic::of(side, direction).count(octets);
}

/// The counters of the messages of one side and direction, for whoever counts many: looking them up costs more than
/// counting.
#[derive(Clone)]
pub struct Traffic {
    messages: metrics::Counter,
    octets: metrics::Counter,
}

impl Traffic {
    /// Those of the recorder in force.
    #[must_use]
    pub fn of(side: Side, direction: super::Direction) -> Self {
        let (messages, octets) = match direction {
            super::Direction::In => (RECEIVED, RECEIVED_BYTES),
            super::Direction::Out => (SENT, SENT_BYTES),
        };
        Self {
            messages: metrics::counter!(messages, "side" => side_label(side)),
            octets: metrics::counter!(octets, "side" => side_label(side)),
        }
    }

    /// Counts a message with its octets.
    pub fn count(&self, octets: usize) {
        self.messages.increment(1);
        self.octets.increment(u64::try_from(octets).unwrap_or(u64::MAX));
    }
}

/// The times from a request to its answer, for whoever notes many.
pub fn request_seconds(side: Side) -> metrics::Histogram {
    metrics::histogram!(REQUEST_SECONDS, "side" => side_label(side))
}

/// Counts a request that was shed, and why: `rate`, `queue`, `connections` …
pub fn shed(side: Side, reason: &'static str) {
    metrics::counter!(SHED, "side" => side_label(side), "reason" => reason).increment(1);
}

/// Counts a request refused because it would have gone on to another neighbour.
pub fn relay_refused(side: Side) {
    metrics::counter!(RELAYS_REFUSED, "side" => side_label(side)).increment(1);
}

/// Counts charging records that were lost: the file was too slow, or could not be written.
pub fn charging_lost(lines: u64) {
    metrics::counter!(CHARGING_LOST).increment(lines);
}

/// Counts a message that cannot be read.
pub fn malformed(side: Side) {
    metrics::counter!(MALFORMED, "side" => side_label(side)).increment(1);
}

/// Counts records of the trace that an export was too slow for, or that could not be sent.
pub fn trace_missed(count: u64) {
    metrics::counter!(TRACE_MISSED).increment(count);
}

/// Counts records of the trace that were sent on.
pub fn trace_exported() {
    metrics::counter!(TRACE_EXPORTED).increment(1);
}

/// Counts a use of a quirk.
pub fn quirk(side: Side, name: &'static str) {
    metrics::counter!(QUIRKS, "side" => side_label(side), "quirk" => name).increment(1);
}

/// Counts a wake-up by the method that carried it.
pub fn wake_up(method: &'static str) {
    metrics::counter!(WAKE_UPS, "method" => method).increment(1);
}

/// Tells how many of something are open: `sessions`, `dialogs`, `subscriptions`, `connections` …
pub fn open(side: Side, thing: &'static str, lane: usize, count: usize) {
    // A lane counts its own; the sum is made by whoever reads.
    let value = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    metrics::gauge!(OPEN, "side" => side_label(side), "thing" => thing, "lane" => lane.to_string()).set(value);
}

/// Tells how much of something an engine shard holds: `subscriptions`, `publications`, `messages` …
pub fn shard(thing: &'static str, lane: usize, count: usize) {
    let value = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    metrics::gauge!(SHARD, "thing" => thing, "lane" => lane.to_string()).set(value);
}

/// Counts a commit of the store: how many batches, how long, and whether they were kept.
pub fn store_commit(batches: usize, took: Duration, kept: bool) {
    let result = if kept { "kept" } else { "failed" };
    metrics::counter!(STORE_COMMITS, "result" => result).increment(1);
    if kept {
        metrics::counter!(STORE_BATCHES).increment(u64::try_from(batches).unwrap_or(u64::MAX));
        metrics::histogram!(STORE_COMMIT_SECONDS).record(took.as_secs_f64());
    }
}

/// Counts a request to the admin API by the class of its status.
pub fn admin_request(status: u16) {
    let class = match status {
        200..=299 => "success",
        300..=399 => "redirect",
        400..=499 => "refused",
        _ => "failed",
    };
    metrics::counter!(ADMIN_REQUESTS, "result" => class).increment(1);
}

/// Counts a question that DNS was asked: `found`, `nothing` or `failed`.
pub fn name_asked(result: &'static str) {
    metrics::counter!(NAME_QUESTIONS, "result" => result).increment(1);
}

/// Tells whether a configured neighbour answers.
pub fn peer_up(peer: &str, is_up: bool) {
    metrics::gauge!(PEERS_UP, "peer" => peer.to_owned()).set(if is_up { 1.0 } else { 0.0 });
}

/// Counts a panic.
pub fn panic_counted() {
    metrics::counter!(PANICS).increment(1);
}

const fn side_label(side: Side) -> &'static str {
    match side {
        Side::Wv => "wv",
        Side::Simple => "simple",
    }
}

const RECEIVED: &str = "gateway_received_messages_total";
const RECEIVED_BYTES: &str = "gateway_received_bytes_total";
const SENT: &str = "gateway_sent_messages_total";
const SENT_BYTES: &str = "gateway_sent_bytes_total";
const REQUEST_SECONDS: &str = "gateway_request_seconds";
const SHED: &str = "gateway_shed_requests_total";
const RELAYS_REFUSED: &str = "gateway_relays_refused_total";
const CHARGING_LOST: &str = "gateway_charging_lost_total";
const MALFORMED: &str = "gateway_malformed_messages_total";
const TRACE_MISSED: &str = "gateway_trace_missed_records_total";
const TRACE_EXPORTED: &str = "gateway_trace_exported_records_total";
const QUIRKS: &str = "gateway_quirk_uses_total";
const WAKE_UPS: &str = "gateway_wake_ups_total";
const STORE_COMMITS: &str = "gateway_store_commits_total";
const STORE_BATCHES: &str = "gateway_store_batches_total";
const STORE_COMMIT_SECONDS: &str = "gateway_store_commit_seconds";
const ADMIN_REQUESTS: &str = "gateway_admin_requests_total";
const PANICS: &str = "gateway_panics_total";
const NAME_QUESTIONS: &str = "gateway_name_questions_total";
const PEERS_UP: &str = "gateway_peer_up_count";
const PEERS_UP_ABOUT: &str = "Whether a configured neighbour answers when it is asked, by peer: 1 or 0.";
const OPEN: &str = "gateway_open_count";
const SHARD: &str = "gateway_shard_count";
const SHARD_ABOUT: &str = "What the engine shard of a lane holds now, by thing.";
const OPEN_ABOUT: &str = "What is open now, by side, thing and lane.";

const COUNTERS: &[(&str, &str)] = &[
    (RECEIVED, "Protocol messages received."),
    (RECEIVED_BYTES, "Octets of protocol messages received."),
    (SENT, "Protocol messages sent."),
    (SENT_BYTES, "Octets of protocol messages sent."),
    (SHED, "Requests refused early to shed load, by reason."),
    (
        RELAYS_REFUSED,
        "Requests of a neighbour refused because another neighbour serves their target: routes in a circle.",
    ),
    (CHARGING_LOST, "Charging records lost: the file was too slow, or could not be written."),
    (MALFORMED, "Protocol messages that could not be read."),
    (TRACE_EXPORTED, "Records of the trace sent to the collector."),
    (TRACE_MISSED, "Records of the trace that the collector did not get."),
    (QUIRKS, "Uses of a deviation made for the sake of a real peer."),
    (WAKE_UPS, "Wake-ups sent to clients that do not poll, by method."),
    (STORE_COMMITS, "Transactions of the store, by result."),
    (STORE_BATCHES, "Batches kept by the store."),
    (ADMIN_REQUESTS, "Requests to the admin API, by result."),
    (NAME_QUESTIONS, "Questions that DNS was asked, by result."),
    (PANICS, "Panics."),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    (REQUEST_SECONDS, "Time from a request to its answer."),
    (STORE_COMMIT_SECONDS, "Time that a transaction of the store took."),
];

const SECONDS: &[f64] = &[0.000_1, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Direction;

    #[test]
    fn every_metric_moves_and_has_a_description() {
        let (recorder, handle) = recorder();
        metrics::with_local_recorder(&recorder, || {
            describe();
            message(Side::Wv, Direction::In, 10);
            message(Side::Simple, Direction::Out, 20);
            request_seconds(Side::Wv).record(0.003);
            shed(Side::Simple, "rate");
            relay_refused(Side::Simple);
            charging_lost(1);
            malformed(Side::Wv);
            trace_exported();
            trace_missed(2);
            quirk(Side::Wv, "example");
            wake_up("STCP");
            open(Side::Wv, "sessions", 1, 7);
            shard("publications", 0, 2);
            store_commit(3, Duration::from_millis(1), true);
            store_commit(1, Duration::from_millis(1), false);
            admin_request(404);
            name_asked("found");
            peer_up("core", true);
            panic_counted();
        });
        const GAUGES: &[(&str, &str)] = &[(OPEN, OPEN_ABOUT), (SHARD, SHARD_ABOUT), (PEERS_UP, PEERS_UP_ABOUT)];
        let text = handle.render();
        for (name, about) in COUNTERS.iter().chain(HISTOGRAMS).chain(GAUGES) {
            assert!(text.contains(&format!("# HELP {name} {about}")), "{name} is not described");
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} did not move");
            let form = name.ends_with("_total") || name.ends_with("_seconds") || name.ends_with("_count");
            assert!(form && name.starts_with("gateway_"), "{name}");
        }
        assert!(text.contains("gateway_received_bytes_total{side=\"wv\"} 10"), "{text}");
        assert!(text.contains("gateway_open_count{side=\"wv\",thing=\"sessions\",lane=\"1\"} 7"), "{text}");
        assert!(text.contains("gateway_store_commit_seconds_bucket"), "{text}");
    }
}
