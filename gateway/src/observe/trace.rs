//! Messages of both protocols, rendered by the adapters, on their way to whoever watches. Above TLS, and free of cost
//! while nobody does.

use mapping::{correlation::Correlation, side::Side, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::sync::broadcast;

/// One message that passed an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceRecord {
    /// When.
    #[serde(with = "millis")]
    pub at: Timestamp,
    /// The causal chain it belongs to, the same on both sides.
    #[serde(with = "digits")]
    pub correlation: Correlation,
    /// On which side.
    pub side: Side,
    /// Into the gateway or out of it.
    pub direction: Direction,
    /// The far end: a user, or an address where no user is known.
    pub peer: String,
    /// What it is, such as `SendMessage-Request` or `MESSAGE sip:bob@sip.example`.
    pub title: String,
    /// More of it, redacted unless bodies are allowed.
    pub detail: Option<String>,
}

impl TraceRecord {
    /// Whether a user is at its far end or named in its title.
    #[must_use]
    pub fn concerns(&self, user: &str) -> bool {
        self.peer.contains(user) || self.title.contains(user)
    }
}

/// Into the gateway or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The gateway received it.
    In,
    /// The gateway sent it.
    Out,
}

/// Where adapters hand their records over. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tap(broadcast::Sender<Arc<TraceRecord>>);

/// Where records are watched.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<Arc<TraceRecord>>);

/// What a watch shows next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A record.
    Record(Arc<TraceRecord>),
    /// The watcher was too slow; so many records are gone.
    Missed(u64),
    /// There will be no more.
    End,
}

impl Tap {
    /// A tap that keeps `records` for its slowest watcher and drops the oldest when there are more.
    #[must_use]
    pub fn new(records: usize) -> Self {
        Self(broadcast::Sender::new(records.clamp(1, RECORDS_MAX)))
    }

    /// Whether anybody watches.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Hands a record over; it is only made when somebody watches.
    pub fn record(&self, make: impl FnOnce() -> TraceRecord) {
        if self.is_watched() {
            // Refused only when the last watcher left in this moment.
            let _ = self.0.send(Arc::new(make()));
        }
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

impl Default for Tap {
    fn default() -> Self {
        Self::new(RECORDS_DEFAULT)
    }
}

impl Watch {
    /// Waits for the next record. Cancel-safe.
    pub async fn next(&mut self) -> Seen {
        match self.0.recv().await {
            Ok(record) => Seen::Record(record),
            Err(broadcast::error::RecvError::Lagged(missed)) => Seen::Missed(missed),
            Err(broadcast::error::RecvError::Closed) => Seen::End,
        }
    }
}

/// Points in time as milliseconds.
mod millis {
    use super::{Deserialize, Timestamp};

    pub(super) fn serialize<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(at.as_millis())
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        u64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// Correlations as the digits that logs show.
mod digits {
    use super::{Correlation, Deserialize};

    pub(super) fn serialize<S: serde::Serializer>(number: &Correlation, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Correlation, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Correlation::new).map_err(serde::de::Error::custom)
    }
}

const RECORDS_DEFAULT: usize = 4096;
const RECORDS_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(title: &str) -> TraceRecord {
        TraceRecord {
            at: Timestamp::from_millis(5),
            correlation: Correlation::new(0xab),
            side: Side::Wv,
            direction: Direction::In,
            peer: "wv:alice@wv.example".to_owned(),
            title: title.to_owned(),
            detail: None,
        }
    }

    #[test]
    fn nothing_is_made_while_nobody_watches() {
        let tap = Tap::default();
        tap.record(|| panic!("made for nobody"));
        let watch = tap.watch();
        assert!(tap.is_watched());
        drop(watch);
        assert!(!tap.is_watched());
    }

    #[test]
    fn a_slow_watcher_learns_how_much_it_missed() {
        let tap = Tap::new(2);
        let mut watch = tap.watch();
        for title in ["a", "b", "c", "d"] {
            tap.record(|| record(title));
        }
        drop(tap);
        let seen = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async { [watch.next().await, watch.next().await, watch.next().await, watch.next().await] });
        let told = |title| Seen::Record(Arc::new(record(title)));
        assert_eq!(seen, [Seen::Missed(2), told("c"), told("d"), Seen::End]);
    }

    #[test]
    fn a_record_is_written_for_programs() {
        let json = serde_json::to_value(record("Login-Request")).unwrap();
        assert_eq!(json["correlation"], "00000000000000ab");
        assert_eq!(serde_json::from_value::<TraceRecord>(json.clone()).unwrap(), record("Login-Request"));
        assert_eq!((&json["side"], &json["direction"], &json["at"]), (&"wv".into(), &"in".into(), &5.into()));
    }
}
