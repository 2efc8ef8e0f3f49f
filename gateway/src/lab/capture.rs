//! What passed between the actors of a performance and the system, octet for octet, as a capture that dissectors read.

use crate::observe::{
    Direction,
    capture::{Capture, Passed},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Octets that an actor sent or received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// When, in microseconds since 1970.
    pub micros: u64,
    /// Whether a stream carried them, or a datagram.
    pub is_stream: bool,
    /// The actor's address.
    pub actor: SocketAddr,
    /// The address of the system.
    pub system: SocketAddr,
    /// Whether the actor sent them.
    pub is_sent: bool,
    /// What passed; in BASE64 where it is written as text.
    #[serde(with = "base64_text")]
    pub octets: Bytes,
}

/// The passages of a performance, up to a bound.
#[derive(Debug, Default)]
pub struct Passages {
    known: Vec<(String, Passage)>,
    octets: usize,
    missed: usize,
}

impl Passages {
    /// One more, of the actor of that name.
    pub fn add(&mut self, actor: &str, passage: Passage) {
        let octets = self.octets.saturating_add(passage.octets.len()).saturating_add(PACKET_OCTETS);
        if octets > OCTETS_MAX {
            self.missed = self.missed.saturating_add(1);
            return;
        }
        self.octets = octets;
        self.known.push((actor.to_owned(), passage));
    }

    /// All of them as a pcapng, as seen from the system; none where nothing passed.
    #[must_use]
    pub fn to_capture(mut self) -> Option<Vec<u8>> {
        if self.known.is_empty() {
            return None;
        }
        // Each actor told its own in order.
        self.known.sort_by_key(|(_, passage)| passage.micros);
        let missing = match self.missed {
            0 => String::new(),
            count => format!(" The last {count} are left out: they would be too many."),
        };
        let mut out = Capture::head(&format!("{REMARK}{missing}"));
        let mut capture = Capture::default();
        for (actor, passage) in &self.known {
            out.extend(capture.passed(&Passed {
                micros: passage.micros,
                is_stream: passage.is_stream,
                gateway: passage.system,
                far_end: passage.actor,
                direction: if passage.is_sent { Direction::In } else { Direction::Out },
                octets: &passage.octets,
                note: actor,
            }));
        }
        Some(out)
    }
}

mod base64_text {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use bytes::Bytes;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(octets: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(octets))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map(Bytes::from).map_err(D::Error::custom)
    }
}

/// What a capture says of itself.
const REMARK: &str = "What the actors of the laboratory sent and received. Not masked: holds their passwords.";

/// Octets of one capture: a report holds hundreds.
const OCTETS_MAX: usize = 256 * 1024;

/// What a packet costs beside what it carries.
const PACKET_OCTETS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(micros: u64, octets: usize) -> Passage {
        Passage {
            micros,
            is_stream: false,
            actor: "127.0.0.1:5070".parse().unwrap(),
            system: "127.0.0.1:5060".parse().unwrap(),
            is_sent: true,
            octets: vec![b'x'; octets].into(),
        }
    }

    #[test]
    fn passages_are_put_in_order_and_bounded() {
        assert_eq!(Passages::default().to_capture(), None);
        let mut passages = Passages::default();
        passages.add("late", passage(2, 10));
        passages.add("early", passage(1, 10));
        passages.add("large", passage(3, OCTETS_MAX));
        let capture = passages.to_capture().unwrap();
        let text = String::from_utf8_lossy(&capture).into_owned();
        assert!(text.find("early").unwrap() < text.find("late").unwrap());
        assert!(!text.contains("large") && text.contains("The last 1 are left out"));
        assert!(capture.len() < OCTETS_MAX);
    }

    #[test]
    fn a_passage_travels_as_json() {
        let known = passage(7, 3);
        let text = serde_json::to_string(&known).unwrap();
        assert!(text.contains("\"eHh4\""), "{text}");
        assert_eq!(serde_json::from_str::<Passage>(&text).unwrap(), known);
    }
}
