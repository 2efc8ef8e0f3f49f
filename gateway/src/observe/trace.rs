//! Messages of both protocols, rendered by the adapters, on their way to whoever watches. Above TLS, and free of cost
//! while nobody does.

use super::wire::{Carrier, Wire};
use mapping::{correlation::Correlation, side::Side, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
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
    /// What passed; none where only that something passed is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire: Option<Box<Wire>>,
}

impl TraceRecord {
    /// Whether a user is at its far end, named in its title, or named in a message of SIP.
    #[must_use]
    pub fn concerns(&self, user: &str) -> bool {
        let bare = user.strip_prefix("wv:").or_else(|| user.strip_prefix("sip:")).unwrap_or(user);
        let is_named = |wire: &Wire| {
            let octets = wire.message.octets.as_deref().filter(|_| self.side == Side::Simple).unwrap_or_default();
            !bare.is_empty() && octets.windows(bare.len()).any(|window| window == bare.as_bytes())
        };
        self.peer.contains(bare) || self.title.contains(bare) || self.wire.as_deref().is_some_and(is_named)
    }

    /// Whether it came from there or went there.
    #[must_use]
    pub fn is_with(&self, peer: &str) -> bool {
        let remote = self.wire.as_ref().and_then(|wire| wire.remote);
        self.peer.contains(peer) || remote.is_some_and(|remote| remote.to_string().contains(peer))
    }

    /// Whether it is an answer of HTTP with nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let octets = |wire: &Wire| wire.message.octets.as_ref().is_some_and(|octets| octets.is_empty());
        self.wire.as_deref().is_some_and(|wire| wire.carrier != Carrier::Udp && octets(wire))
    }

    /// The record with what truly passed, where that is known.
    #[must_use]
    pub fn to_original(&self) -> Self {
        Self { wire: self.wire.as_ref().map(|wire| Box::new(wire.to_original())), ..self.clone() }
    }

    /// The title of an answer of HTTP with nothing in it.
    pub const EMPTY: &'static str = "nothing";
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
pub struct Tap {
    records: broadcast::Sender<Arc<TraceRecord>>,
    /// How many watch what truly passed.
    originals: Arc<AtomicUsize>,
}

/// Where records are watched.
#[derive(Debug)]
pub struct Watch {
    records: broadcast::Receiver<Arc<TraceRecord>>,
    originals: Option<Originals>,
}

/// Counts one who watches what truly passed.
#[derive(Debug)]
struct Originals(Arc<AtomicUsize>);

impl Drop for Originals {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

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
        Self { records: broadcast::Sender::new(records.clamp(1, RECORDS_MAX)), originals: Arc::default() }
    }

    /// Whether anybody watches.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        self.records.receiver_count() > 0
    }

    /// Whether anybody watches what truly passed, secrets and all.
    #[must_use]
    pub fn wants_originals(&self) -> bool {
        self.originals.load(Ordering::Relaxed) > 0
    }

    /// Hands a record over; it is only made when somebody watches.
    pub fn record(&self, make: impl FnOnce() -> TraceRecord) {
        if self.is_watched() {
            // Refused only when the last watcher left in this moment.
            let _ = self.records.send(Arc::new(make()));
        }
    }

    /// Watches from now on.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch { records: self.records.subscribe(), originals: None }
    }

    /// Watches from now on what truly passes, secrets and all.
    #[must_use]
    pub fn watch_originals(&self) -> Watch {
        self.originals.fetch_add(1, Ordering::Relaxed);
        Watch { records: self.records.subscribe(), originals: Some(Originals(Arc::clone(&self.originals))) }
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
        match self.records.recv().await {
            Ok(record) if self.originals.is_some() => Seen::Record(Arc::new(record.to_original())),
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
    use crate::observe::wire::{Line, Rendering};
    use bytes::Bytes;

    fn record(title: &str) -> TraceRecord {
        TraceRecord {
            at: Timestamp::from_millis(5),
            correlation: Correlation::new(0xab),
            side: Side::Wv,
            direction: Direction::In,
            peer: "wv:alice@wv.example".to_owned(),
            title: title.to_owned(),
            detail: None,
            wire: None,
        }
    }

    #[test]
    fn what_truly_passed_is_seen_by_who_asked_for_it_alone() {
        let tap = Tap::default();
        let (mut masked, mut original) = (tap.watch(), tap.watch_originals());
        assert!(tap.wants_originals());
        let line = Line { carrier: Carrier::Udp, local: None, remote: None };
        let shown = Rendering { is_masked: true, ..Rendering::open(&Bytes::from_static(b"xxxxxx")) };
        let truth = Rendering::open(&Bytes::from_static(b"secret"));
        let wire = Wire::on(line, shown, Some(truth));
        tap.record(|| TraceRecord { wire: Some(Box::new(wire)), ..record("MESSAGE") });
        let seen = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async { [masked.next().await, original.next().await] });
        let texts = seen.map(|seen| match seen {
            Seen::Record(record) => serde_json::to_string(&*record).unwrap(),
            other => panic!("{other:?}"),
        });
        assert!(texts[0].contains("eHh4eHh4") && !texts[0].contains("c2VjcmV0"), "{}", texts[0]);
        assert!(texts[1].contains("c2VjcmV0"), "{}", texts[1]);
        drop(original);
        assert!(!tap.wants_originals());
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
