//! Instant messages and their reports, neutral.

use crate::{address::Address, conversation::Talk, outcome::Outcome, presence::DeviceId, time::Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// Names one message for both sides: 128 random bits in hexadecimal for the ones minted here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId(Arc<str>);

impl MessageId {
    /// The identifier with that text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place in the order of acceptance that it begins with; none in a name that was not minted so.
    pub(crate) fn place(&self) -> Option<u64> {
        let place = u64::from_str_radix(self.0.get(..16)?, 16).ok()?;
        // Milliseconds of the next thousands of years; older names begin with any number.
        (self.0.len() == 32 && place < 1 << 48).then_some(place)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The gateway's name for it.
    pub id: MessageId,
    /// Who sent it.
    pub sender: Address,
    /// Who is to get it.
    pub recipient: Address,
    /// The one device of the recipient that is meant; as long as it is not there, any is.
    pub device: Option<DeviceId>,
    /// What it says.
    pub content: Content,
    /// When the sender sent it.
    pub sent: Timestamp,
    /// When it loses its value; always set, from the sender's wish cut to the limit.
    pub expires: Timestamp,
    /// Whether the sender wants to know its fate.
    pub report: ReportWish,
    /// What makes a repeated request recognisable: a text of the adapter, equal for repetitions only.
    pub origin: Arc<str>,
    /// That it was said in a conversation.
    #[serde(default)]
    pub talk: Option<Box<Talk>>,
    /// Whether the recipient may learn who sent it.
    #[serde(default)]
    pub disclosure: Disclosure,
}

// RFC 3323 §4.2, RFC 3325 §7
/// Whether a recipient may learn who the sender is. Whom the recipient refuses is decided by who he is in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// He may.
    #[default]
    Named,
    /// Only servers that are trusted may.
    Anonymous,
}

impl Message {
    // Address mapping §6
    /// The sender as the recipient sees him.
    #[must_use]
    pub fn shown_sender(&self) -> Address {
        match self.disclosure {
            Disclosure::Named => self.sender.clone(),
            Disclosure::Anonymous => Address::anonymous(),
        }
    }
}

/// Whether a delivery report is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportWish {
    /// No.
    None,
    /// Yes, success and failure.
    Delivery,
}

/// A body with its type. Transfer encodings are undone by the adapters; text is UTF-8.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Media type without parameters, lower case.
    pub media_type: Arc<str>,
    /// The octets.
    #[serde(with = "octets")]
    pub body: Bytes,
}

impl Content {
    /// Plain text.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self { media_type: Arc::from("text/plain"), body: Bytes::copy_from_slice(text.as_bytes()) }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // STYLE section 14: bodies never in logs.
        write!(f, "{} ({} octets)", self.media_type, self.body.len())
    }
}

/// Octets as text where they are text: what is kept of most messages is a quarter as long then.
mod octets {
    use bytes::Bytes;
    use serde::{Deserializer, Serializer, de::Visitor};
    use std::fmt;

    pub(super) fn serialize<S: Serializer>(octets: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(octets) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.serialize_bytes(octets),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_any(Octets)
    }

    struct Octets;

    impl<'de> Visitor<'de> for Octets {
        type Value = Bytes;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or octets")
        }

        fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
            Ok(Bytes::copy_from_slice(text.as_bytes()))
        }

        fn visit_string<E>(self, text: String) -> Result<Bytes, E> {
            Ok(Bytes::from(text))
        }

        fn visit_bytes<E>(self, octets: &[u8]) -> Result<Bytes, E> {
            Ok(Bytes::copy_from_slice(octets))
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut octets: A) -> Result<Bytes, A::Error> {
            let mut all = Vec::new();
            while let Some(octet) = octets.next_element()? {
                all.push(octet);
            }
            Ok(Bytes::from(all))
        }
    }
}

/// The fate of a message, told to its sender once per recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which message.
    pub message: MessageId,
    /// Its sender, who gets the report.
    pub sender: Address,
    /// Its recipient.
    pub recipient: Address,
    /// What happened.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// When the message was sent.
    pub sent: Timestamp,
    /// Type of the content reported on.
    pub media_type: Arc<str>,
    /// Size of the content in octets.
    pub size_octets: u64,
    /// That of the message: by it the adapter of its sender knows what was asked for, and under which name.
    #[serde(default = "no_origin")]
    pub origin: Arc<str>,
}

fn no_origin() -> Arc<str> {
    Arc::from("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_kept_as_text_where_they_are_text_and_read_in_either_form() {
        let content = |body: &[u8]| Content { media_type: Arc::from("a/b"), body: Bytes::copy_from_slice(body) };
        for (body, kept) in [
            ("hé\n".as_bytes(), r#"{"media_type":"a/b","body":"hé\n"}"#),
            (&[0xff, 0], r#"{"media_type":"a/b","body":[255,0]}"#),
        ] {
            assert_eq!(serde_json::to_string(&content(body)).unwrap(), kept);
            assert_eq!(serde_json::from_str::<Content>(kept).unwrap(), content(body));
        }
        let older = r#"{"media_type":"a/b","body":[104,105]}"#;
        assert_eq!(serde_json::from_str::<Content>(older).unwrap(), content(b"hi"));
    }
}
