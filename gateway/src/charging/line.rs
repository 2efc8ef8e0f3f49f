//! What stands in a line.

use mapping::{outcome::Outcome, side::Side, time::Timestamp};
use serde::{Serialize, Serializer};
use sip_proto::body::datetime;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChargingLine {
    /// A message was taken or refused.
    Message {
        /// When the answer was known.
        #[serde(serialize_with = "written")]
        at: Timestamp,
        /// The causal chain, as in logs and traces.
        correlation: String,
        /// On which side its sender is.
        side: Side,
        /// Who sent it.
        sender: String,
        /// To whom: users, contact lists of the sender, groups.
        recipients: Vec<String>,
        /// The gateway's name for it; none where it was refused.
        message: Option<String>,
        /// Type of its content.
        media_type: String,
        /// Its content in octets.
        octets: usize,
        /// What the sender was told.
        outcome: Outcome,
        /// Milliseconds from the request to the answer.
        took_ms: u64,
    },
    /// A sender was told what became of a message.
    Report {
        /// When it left.
        #[serde(serialize_with = "written")]
        at: Timestamp,
        /// The causal chain, as in logs and traces.
        correlation: String,
        /// Which message.
        message: String,
        /// Its sender, who gets the report.
        sender: String,
        /// Its recipient.
        recipient: String,
        /// What became of it.
        outcome: Outcome,
    },
    /// A CSP session or a SIP registration ended.
    Session {
        /// When it ended.
        #[serde(serialize_with = "written")]
        at: Timestamp,
        /// On which side.
        side: Side,
        /// Whose.
        user: String,
        /// When it began; none where that was before the gateway was started last.
        #[serde(serialize_with = "written_if")]
        began: Option<Timestamp>,
        /// How long it was.
        seconds: Option<u64>,
        /// How it ended: `logout`, `expired` or `forced`.
        reason: &'static str,
    },
}

fn written<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&datetime::write(sip_proto::time::Timestamp::from_millis(at.as_millis())))
}

fn written_if<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => written(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_the_readme_says() {
        let line = ChargingLine::Message {
            at: Timestamp::from_millis(1_700_000_000_250),
            correlation: "00000000000000ab".into(),
            side: Side::Wv,
            sender: "alice@wv.example".into(),
            recipients: vec!["bob@sip.example".into()],
            message: Some("m1".into()),
            media_type: "text/plain".into(),
            octets: 5,
            outcome: Outcome::Success,
            took_ms: 12,
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"kind":"message","at":"2023-11-14T22:13:20.250Z","correlation":"00000000000000ab","side":"wv","sender":"alice@wv.example","recipients":["bob@sip.example"],"message":"m1","media_type":"text/plain","octets":5,"outcome":"success","took_ms":12}"#
        );
        let line = ChargingLine::Session {
            at: Timestamp::from_secs(1_700_000_000),
            side: Side::Simple,
            user: "bob@sip.example".into(),
            began: None,
            seconds: None,
            reason: "logout",
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"kind":"session","at":"2023-11-14T22:13:20Z","side":"simple","user":"bob@sip.example","began":null,"seconds":null,"reason":"logout"}"#
        );
    }
}
