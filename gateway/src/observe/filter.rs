//! Which records somebody wants to see.

use super::TraceRecord;
use crate::admin::client::escape;
use mapping::side::Side;
use serde::{Deserialize, Serialize};

/// A filter: what is not named is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct TraceFilter {
    /// Only messages that concern this user.
    #[arg(long)]
    pub user: Option<String>,
    /// Only messages from and to this address or user.
    #[arg(long, value_name = "ADDRESS")]
    pub peer: Option<String>,
    /// Only messages of this causal chain: its digits, or the last of them.
    #[arg(long, value_name = "DIGITS")]
    pub correlation: Option<String>,
    /// Of the WV side only this primitive, such as SendMessage-Request, or SendMessage for all of its kind.
    #[arg(long)]
    pub primitive: Option<String>,
    /// Of the SIP side only requests of this method, and the answers to them.
    #[arg(long)]
    pub method: Option<String>,
}

impl TraceFilter {
    /// Whether it lets a record pass. Who asks for a primitive only wants no SIP, and the other way round.
    #[must_use]
    pub fn admits(&self, record: &TraceRecord) -> bool {
        let is_of = |wanted: &Option<String>, holds: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(holds);
        is_of(&self.user, &|user| record.concerns(user))
            && is_of(&self.peer, &|peer| record.is_with(peer))
            && is_of(&self.correlation, &|digits| record.correlation.to_string().ends_with(&digits.to_lowercase()))
            && self.admits_kind(record)
    }

    /// As the query of a path; empty when everything passes.
    #[must_use]
    pub fn to_query(&self) -> String {
        let fields = [
            ("user", &self.user),
            ("peer", &self.peer),
            ("correlation", &self.correlation),
            ("primitive", &self.primitive),
            ("method", &self.method),
        ];
        let pairs = fields.iter().filter_map(|(name, value)| Some(format!("{name}={}", escape(value.as_deref()?))));
        pairs.collect::<Vec<String>>().join("&")
    }

    fn admits_kind(&self, record: &TraceRecord) -> bool {
        let is_primitive = |name: &String| record.title.split(", ").any(|title| title.starts_with(name.as_str()));
        let is_method = |method: &String| {
            let mut words = record.title.split(' ');
            words.next() == Some(method.as_str()) || words.next_back() == Some(method.as_str())
        };
        match (&self.primitive, &self.method, record.side) {
            (None, None, _) => true,
            (Some(name), _, Side::Wv) => is_primitive(name),
            (_, Some(method), Side::Simple) => is_method(method),
            (_, None, Side::Simple) | (None, _, Side::Wv) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Direction;
    use mapping::{correlation::Correlation, time::Timestamp};

    fn record(side: Side, peer: &str, title: &str) -> TraceRecord {
        TraceRecord {
            at: Timestamp::from_millis(5),
            correlation: Correlation::new(0xabcd),
            side,
            direction: Direction::In,
            peer: peer.to_owned(),
            title: title.to_owned(),
            detail: None,
            wire: None,
        }
    }

    #[test]
    fn each_field_narrows_what_is_seen() {
        let sent = record(Side::Wv, "wv:alice@wv.example", "SendMessage-Request");
        let answer = record(Side::Simple, "192.0.2.7:5060", "200 OK to MESSAGE");
        let filter = |field: &str, value: &str| -> TraceFilter {
            serde_json::from_value(serde_json::json!({ field: value })).unwrap()
        };
        for (field, value, seen) in [
            ("user", "alice@wv.example", [true, false]),
            ("peer", "192.0.2.7", [false, true]),
            ("correlation", "BCD", [true, true]),
            ("correlation", "1", [false, false]),
            ("primitive", "SendMessage", [true, false]),
            ("primitive", "Login", [false, false]),
            ("method", "MESSAGE", [false, true]),
            ("method", "NOTIFY", [false, false]),
        ] {
            let filter = filter(field, value);
            assert_eq!([filter.admits(&sent), filter.admits(&answer)], seen, "{field} {value}");
            assert_eq!(filter.to_query(), format!("{field}={value}"));
        }
        assert!(TraceFilter::default().admits(&sent) && TraceFilter::default().to_query().is_empty());
        let both = TraceFilter { method: Some("MESSAGE".to_owned()), ..filter("primitive", "SendMessage") };
        assert!(both.admits(&sent) && both.admits(&answer));
    }
}
